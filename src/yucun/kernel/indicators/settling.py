"""Fresh cells take their place among those that stay; only parts whose cells changed are written again."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from yucun.kernel.indicators.cellparts import (
    by_year,
    in_order,
    index_cells,
    into_parts,
    read_all,
    read_cells,
    without,
    write_part,
    year_of,
    years_of,
)
from yucun.kernel.indicators.compile import KEY
from yucun.kernel.indicators.model import ARROW_CELLS, Cell
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake, NewFile


@dataclass(frozen=True, slots=True)
class Fresh:
    """Cells as they must now be, and which others they take the place of: all, or those of keys, periods or years.

    Parameters
    ----------
    keys : pyarrow.Table or None
        ``region`` and ``period`` of the cells that they replace.
    periods, years : frozenset of str or None
        Periods, or whole years, whose cells they replace.
    touched : frozenset of str or None
        The periods in which a value may have changed; None for any.
    """

    cells: pa.Table
    keys: pa.Table | None = None
    periods: frozenset[str] | None = None
    years: frozenset[str] | None = None
    touched: frozenset[str] | None = None

    @property
    def is_whole(self) -> bool:
        """True when they are all cells that there are."""
        return self.keys is None and self.periods is None and self.years is None

    def holding(self, cells: pa.Table) -> Fresh:
        """The same place, with other cells."""
        return replace(self, cells=cells)

    def years_touched(self) -> set[str]:
        """The years in which cells are replaced."""
        if self.keys is not None:
            return set(pc.unique(years_of(self.keys)).to_pylist())
        return {p[:4] for p in self.periods or ()} | set(self.years or ())

    def stay(self, old: pa.Table) -> pa.Table:
        """Those of the old cells that are not replaced."""
        if self.is_whole:
            return old.slice(0, 0)
        if self.keys is not None:
            return old.join(self.keys, list(KEY), join_type="left anti").select(old.column_names).cast(ARROW_CELLS)
        return without(old, self.years or (), self.periods or ())


class Settler:
    """The files of all cells during one refresh: those in force before, and what takes their place.

    Parameters
    ----------
    files : mapping of str to sequence of LakeFile
        By indicator.
    seq : int
        The journal's last seq; part of the names of new files.
    """

    def __init__(self, lake: Lake, files: Mapping[str, Sequence[LakeFile]], seq: int) -> None:
        self.lake = lake
        self.label = f"refresh:{seq}"
        self.added: list[NewFile] = []
        self.removed: list[str] = []
        # Indicators whose cells stand as they will after this refresh.
        self.settled: set[str] = set()
        self._files: dict[str, dict[str, LakeFile | NewFile]] = {
            name: {f.part: f for f in held} for name, held in files.items()
        }
        self._index: dict[str, Mapping[tuple[str, str], Cell]] = {}

    def files(self, name: str) -> list[LakeFile | NewFile]:
        """The files of an indicator's cells as they now are."""
        return [*self._files.get(name, {}).values()]

    def index(self, name: str) -> Mapping[tuple[str, str], Cell]:
        """All cells of a small indicator as they now are."""
        if name not in self._index:
            self._index[name] = index_cells(read_all(self.lake, self.files(name)))
        return self._index[name]

    def settle(self, name: str, fresh: Fresh) -> bool:
        """Put fresh cells, in order, into their files; return whether any cell changed."""
        old = self._files.get(name, {})
        if fresh.is_whole:
            parts, scope = into_parts(name, fresh.cells), set(old)
        elif name in old or not old:
            held = read_cells(self.lake, old[name]) if name in old else ARROW_CELLS.empty_table()
            parts, scope = into_parts(name, self._merge(held, fresh)), set(old)
        else:
            parts, scope = self._merge_years(name, old, fresh)
        changed = False
        for part in sorted(scope | set(parts)):
            changed |= self._replace(name, part, parts.get(part))
        self._index.pop(name, None)
        return changed

    @staticmethod
    def _merge(old: pa.Table, fresh: Fresh) -> pa.Table:
        return in_order(pa.concat_tables([fresh.stay(old), fresh.cells]))

    def _merge_years(
        self, name: str, old: Mapping[str, LakeFile | NewFile], fresh: Fresh
    ) -> tuple[dict[str, pa.Table], set[str]]:
        years = fresh.years_touched()
        new = by_year(name, fresh.cells)
        scope = {part for part in old if year_of(part) in years}
        parts = {}
        for part in sorted(scope | set(new)):
            held = read_cells(self.lake, old[part]) if part in old else ARROW_CELLS.empty_table()
            merged = self._merge(held, fresh.holding(new.get(part, ARROW_CELLS.empty_table())))
            if merged.num_rows:
                parts[part] = merged
        return parts, scope

    def _replace(self, name: str, part: str, cells: pa.Table | None) -> bool:
        """Write a part unless it is as it was; return whether it is not."""
        held = self._files.setdefault(name, {})
        before = held.get(part)
        if cells is None and before is None:
            return False
        is_as_long = cells is not None and before is not None and before.rows == cells.num_rows
        if is_as_long and in_order(read_cells(self.lake, before)).equals(cells):  # type: ignore[arg-type]
            return False
        if before is not None:
            self.removed.append(before.name)
            del held[part]
        if cells is not None:
            held[part] = write_part(self.lake, part, cells, self.label)
            self.added.append(held[part])  # type: ignore[arg-type]
        return True

    def forget(self, known: Container[str]) -> None:
        """Take away the cells of indicators that are no longer defined."""
        for name in [n for n in self._files if n not in known]:
            self.removed += [f.name for f in self._files.pop(name).values()]


__all__ = ["Fresh", "Settler"]
