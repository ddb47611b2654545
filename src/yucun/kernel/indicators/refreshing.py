"""What the parts of one refresh see of it: the lake, the maps, the files read and the cells already settled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import ibis.expr.types as ir

from yucun.kernel.indicators.changed import Difference
from yucun.kernel.indicators.compile import Compiler
from yucun.kernel.indicators.maps import MapTables
from yucun.kernel.indicators.model import Cell, CellKey
from yucun.kernel.indicators.settling import Settler
from yucun.kernel.indicators.walk import Links
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake, NewFile
from yucun.kernel.registry.regions import Regions


class Refreshing(Protocol):
    """A refresh under way; `refresh.Refresh` is one."""

    lake: Lake
    regions: Regions
    links: Links
    maps: MapTables
    settler: Settler

    def compiler(self, tables: Callable[[str], ir.Table], periods: Collection[str] = ()) -> Compiler:
        """A compiler over given tables that takes inputs from the cells as they now are."""
        ...

    def open(self, files: Iterable[LakeFile | NewFile], table: str) -> ir.Table:
        """Return the rows of some files, and note that they are read."""
        ...

    def files(self, table: str) -> list[LakeFile]:
        """The files of a table in force."""
        ...

    def rows(self, table: str) -> ir.Table:
        """A table's rows in force."""
        ...

    def is_large(self, name: str) -> bool:
        """Whether an indicator's cells are too many to be held as Python's own objects."""
        ...

    def difference(self, table: str) -> Difference | None:
        """The rows that a table gained and lost since the last refresh."""
        ...

    def find_cell(self, key: CellKey) -> Cell | None:
        """The kept cell of a key; None where there is none."""
        ...
