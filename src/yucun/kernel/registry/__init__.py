"""Who and where: regions through time, the names people write for them, figures carried between maps, places.

Examples
--------
>>> from datetime import date
>>> from yucun.base.identity import RegionCode
>>> from yucun.base.text import Text
>>> one, two, new = (RegionCode.parse(code) for code in ("330502001", "330502002", "330502003"))
>>> day = date(2021, 1, 1)
>>> regions = Regions(
...     [
...         Region(one, Text("甲镇", "One Town"), "town", None, valid_to=day),
...         Region(two, Text("乙镇", "Two Town"), "town", None, valid_to=day),
...         Region(new, Text("丙镇", "New Town"), "town", None, valid_from=day),
...     ],
...     [Succession(one, new, day), Succession(two, new, day)],
... )
>>> recast({one: 700, two: 300}, regions, regions.successions, date(2020, 12, 31), date(2021, 12, 31))
{RegionCode('330502003000'): 1000}
"""

from yucun.kernel.registry.boundaries import Boundaries, Drawing, Outline, read_boundaries
from yucun.kernel.registry.model import BEGINNING, NotKnownMark, Region, Succession
from yucun.kernel.registry.place import Figures, Place, Source, Tile, TileMap, read_place
from yucun.kernel.registry.recast import recast, roll_up
from yucun.kernel.registry.regions import Regions, check_regions
from yucun.kernel.registry.store import (
    ORGAN,
    KeptBoundary,
    keep_boundaries,
    keep_regions,
    list_boundaries,
    read_regions,
)

__all__ = [
    "BEGINNING",
    "ORGAN",
    "Boundaries",
    "Drawing",
    "Figures",
    "KeptBoundary",
    "NotKnownMark",
    "Outline",
    "Place",
    "Region",
    "Regions",
    "Source",
    "Succession",
    "Tile",
    "TileMap",
    "check_regions",
    "keep_boundaries",
    "keep_regions",
    "list_boundaries",
    "read_boundaries",
    "read_place",
    "read_regions",
    "recast",
    "roll_up",
]
