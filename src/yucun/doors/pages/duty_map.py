"""Where a desk's cases lie: the schematic map with how many wait in each cell, which is also a filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from yucun.base.errors import NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.desk.sight import Waiting
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.maps import make_map
from yucun.doors.pages.valued import region_name
from yucun.doors.pages.views import MapView
from yucun.doors.pages.visit import Visit
from yucun.kernel.cases import Case


def lies_in(visit: Visit, case: Case, region: str) -> bool:
    """Whether a case lies in the region that the address names; one without a place lies in none."""
    if not case.region:
        return False
    try:
        code = RegionCode.parse(region)
    except NotKnown:
        return False
    return visit.city.is_within(RegionCode.parse(case.region), (code,))


def make_duty_map(visit: Visit, waiting: Sequence[Waiting], chosen: str) -> MapView | None:
    """The city's map shaded by open cases; a cell shows its own cases alone. None where the place has no map."""
    city = visit.city
    tilemap = next((one for one in city.place.tilemaps.values() if one.within == city.place.region), None)
    placed = [RegionCode.parse(one.case.region) for one in waiting if one.case.region]
    if tilemap is None or not placed:
        return None
    cells = {tile.region for tile in tilemap.tiles}
    today, regions = city.clock.today(), city.regions
    counted: Counter[RegionCode] = Counter()
    for code in placed:
        chain = (code, *(above.code for above in regions.ancestors(code, today)))
        counted.update(one for one in chain[:4] if one in cells)
    counts: dict[RegionCode, float | None] = {code: counted[code] for code in cells}

    def say(code: RegionCode) -> Text:
        return words().fill("duty.map_cell", place=region_name(city, code), number=counted[code])

    def address(code: RegionCode) -> str:
        return visit.link(region=code.short, case=None, done=None, page=None)

    title = words()["duty.map"]
    here = None
    if chosen and any(code.short == chosen or str(code) == chosen for code in cells):
        here = RegionCode.parse(chosen)
    nowhere = len(waiting) - len(placed)
    said = words().fill("duty.map_said", number=nowhere)
    return make_map(tilemap, regions, counts, say, address, title=title, said=said, here=here)
