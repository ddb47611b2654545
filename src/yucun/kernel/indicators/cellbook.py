"""Kept cells read back: by indicator, in any version, a few row groups at a time.

Of a file only the footer is read at first; it says which regions and periods each row group holds. A row group that
is asked for stays in memory for a while, as Arrow; a cell becomes an object when it is asked for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators.cellparts import files_by_indicator, year_of
from yucun.kernel.indicators.model import CELL_COLUMNS, CELL_TABLE, Cell
from yucun.kernel.indicators.pinned import LastRefresh, find_refreshed
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake

_MOST_KEPT = 256
_MOST_FOOTERS = 4_096
# So many cells are held as Arrow.
_MOST_CELLS = 1_000_000
_VALUES = CELL_COLUMNS[2:]


@dataclass(frozen=True, slots=True)
class Version:
    """The files of one indicator's cells in force at a seq."""

    files: tuple[LakeFile, ...]

    @property
    def added_seq(self) -> int:
        """The newest seq at which any of its cells came into force."""
        return max((f.added_seq for f in self.files), default=0)

    @property
    def name(self) -> str:
        """What tells it from every other version."""
        return "\n".join(f.name for f in self.files)


@dataclass(frozen=True, slots=True)
class Span:
    """Which cells a row group may hold: regions and periods between two, both inside."""

    first_region: str
    last_region: str
    first_period: str
    last_period: str
    rows: int

    def may_hold(self, region: str, period: str) -> bool:
        """Whether a cell may be in it; an empty word stands for any."""
        return (not region or self.first_region <= region <= self.last_region) and (
            not period or self.first_period <= period <= self.last_period
        )


class Page:
    """The cells of one row group."""

    __slots__ = ("_columns", "_held", "keys", "periods_of", "regions_of", "rows")

    def __init__(self, table: pa.Table) -> None:
        regions, periods = table["region"].to_pylist(), table["period"].to_pylist()
        self.rows = table.num_rows
        self.keys: dict[tuple[str, str], int] = {k: i for i, k in enumerate(zip(regions, periods, strict=True))}
        self.periods_of: dict[str, list[str]] = {}
        self.regions_of: dict[str, list[str]] = {}
        for region, period in self.keys:
            self.periods_of.setdefault(region, []).append(period)
            self.regions_of.setdefault(period, []).append(region)
        self._columns = [table[name].combine_chunks() for name in _VALUES]
        self._held: dict[int, Cell] = {}

    def at(self, place: int) -> tuple[str, str, Cell]:
        """The region, the period and the cell at a place of the row group."""
        region, period = next(islice(self.keys, place, None))
        cell = self.find(region, period)
        assert cell is not None
        return region, period, cell

    def find(self, region: str, period: str) -> Cell | None:
        """A cell, if it is here."""
        number = self.keys.get((region, period))
        if number is None:
            return None
        cell = self._held.get(number)
        if cell is None:
            top, bottom, measure, records, heads, heads_top, evidence, trouble = (
                column[number].as_py() for column in self._columns
            )
            cell = Cell(top, bottom, measure, records, heads, heads_top, evidence, trouble or "")
            self._held[number] = cell
        return cell


class Pages:
    """Footers and row groups of cell files, the most recently asked for; safe for many threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._spans: OrderedDict[str, tuple[Span, ...]] = OrderedDict()
        self._pages: OrderedDict[tuple[str, int], Page] = OrderedDict()
        self._cells = 0

    def spans(self, file: LakeFile) -> tuple[Span, ...]:
        """What each row group of a file may hold."""
        with self._lock:
            found = self._spans.get(file.name)
        if found is None:
            found = self._read_spans(file)
            with self._lock:
                self._spans[file.name] = found
                while len(self._spans) > _MOST_FOOTERS:
                    self._spans.popitem(last=False)
        return found

    def _read_spans(self, file: LakeFile) -> tuple[Span, ...]:
        footer = pq.read_metadata(self.folder / file.name)
        names = [footer.schema.column(i).name for i in range(footer.num_columns)]
        region, period = names.index("region"), names.index("period")
        spans = []
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            said = [group.column(i).statistics for i in (region, period)]
            (first, last), (early, late) = (
                (s.min, s.max) if s is not None and s.has_min_max else ("", "\U0010ffff") for s in said
            )
            spans.append(Span(first, last, early, late, group.num_rows))
        return tuple(spans)

    def page(self, file: LakeFile, number: int) -> Page:
        """One row group."""
        key = (file.name, number)
        with self._lock:
            found = self._pages.get(key)
            if found is not None:
                self._pages.move_to_end(key)
                return found
        with pq.ParquetFile(self.folder / file.name) as opened:
            page = Page(opened.read_row_group(number, columns=list(CELL_COLUMNS)))
        with self._lock:
            if key not in self._pages:
                self._pages[key] = page
                self._cells += page.rows
            while self._cells > _MOST_CELLS and len(self._pages) > 1:
                self._cells -= self._pages.popitem(last=False)[1].rows
        return page


class Sheet:
    """All cells of one indicator in one version, read as they are asked for.

    Parameters
    ----------
    version : Version
        Its files.
    pages : Pages
        Where row groups are kept.
    """

    def __init__(self, version: Version, pages: Pages) -> None:
        self.version = version
        self._pages = pages
        self._periods: dict[str, tuple[Period, ...]] = {}
        self._by_year: dict[str, list[LakeFile]] = {}
        for file in version.files:
            self._by_year.setdefault(year_of(file.part), []).append(file)

    @property
    def seq(self) -> int:
        """Journal seq at which the newest of them came into force; 0 when there are none."""
        return self.version.added_seq

    def seq_of(self, period: Period) -> int:
        """Journal seq at which the cells of a period came into force."""
        return max((f.added_seq for f in self._files(period.text)), default=self.seq)

    @property
    def cells(self) -> Mapping[tuple[str, str], Cell]:
        """Cells by (region, period as text)."""
        return _Cells(self)

    @property
    def periods(self) -> Mapping[str, tuple[Period, ...]]:
        """The periods of each region, oldest first."""
        return _Periods(self)

    def find(self, region: RegionCode, period: Period) -> Cell | None:
        """The cell, if it is kept."""
        return self.look_up(str(region), period.text)

    def look_up(self, region: str, period: str) -> Cell | None:
        """The cell of a region and a period as text, if it is kept."""
        for page in self.pages_of(region, period):
            cell = page.find(region, period)
            if cell is not None:
                return cell
        return None

    def regions_at(self, period: Period) -> list[str]:
        """Regions that have a cell for a period."""
        return [region for page in self.pages_of("", period.text) for region in page.regions_of.get(period.text, ())]

    def periods_of(self, region: str) -> tuple[Period, ...]:
        """The periods of a region, oldest first."""
        found = self._periods.get(region)
        if found is None:
            texts = [text for page in self.pages_of(region, "") for text in page.periods_of.get(region, ())]
            found = self._periods[region] = tuple(sorted(map(Period.parse, texts), key=newest))
        return found

    def at(self, place: int) -> tuple[str, str, Cell]:
        """The region, the period and the cell at a place among all, counted from 0 in the order in which they are kept."""
        for file in self.version.files:
            if place >= file.rows:
                place -= file.rows
                continue
            for number, span in enumerate(self._pages.spans(file)):
                if place < span.rows:
                    return self._pages.page(file, number).at(place)
                place -= span.rows
        raise IndexError("there are not so many cells")

    def count(self) -> int:
        """How many cells there are."""
        return sum(f.rows for f in self.version.files)

    def _files(self, period: str) -> Sequence[LakeFile]:
        if not period:
            return self.version.files
        return [*self._by_year.get("", ()), *self._by_year.get(period[:4], ())]

    def pages_of(self, region: str, period: str) -> Iterator[Page]:
        """The row groups that may hold a cell; an empty word stands for any."""
        for file in self._files(period):
            for number, span in enumerate(self._pages.spans(file)):
                if span.may_hold(region, period):
                    yield self._pages.page(file, number)


class _Cells(Mapping[tuple[str, str], Cell]):
    """The cells of a sheet as a mapping; nothing is read before it is asked for."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet

    def __getitem__(self, key: tuple[str, str]) -> Cell:
        found = self._sheet.look_up(*key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (key for page in self._sheet.pages_of("", "") for key in page.keys)

    def __len__(self) -> int:
        return self._sheet.count()

    def items(self) -> ItemsView[tuple[str, str], Cell]:
        return _Items(self, self._sheet)


class _Items(ItemsView[tuple[str, str], Cell]):
    """Cells with their keys, row group by row group."""

    def __init__(self, cells: _Cells, sheet: Sheet) -> None:
        super().__init__(cells)
        self._sheet = sheet

    def __iter__(self) -> Iterator[tuple[tuple[str, str], Cell]]:
        for page in self._sheet.pages_of("", ""):
            for key in page.keys:
                cell = page.find(*key)
                if cell is not None:
                    yield key, cell


class _Periods(Mapping[str, tuple[Period, ...]]):
    """The periods of each region of a sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet

    def __getitem__(self, region: str) -> tuple[Period, ...]:
        found = self._sheet.periods_of(region)
        if not found:
            raise KeyError(region)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(r for page in self._sheet.pages_of("", "") for r in page.periods_of))

    def __len__(self) -> int:
        return sum(1 for _ in self)


_NO_VERSION = Version(())


class CellBook:
    """Reads cells of a lake; safe for many threads, since what it keeps never changes."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._pages = Pages(lake.folder)
        self._sheets: OrderedDict[str, Sheet] = OrderedDict()
        self._instants: dict[int, datetime] = {}
        self._refreshes: dict[int, LastRefresh] = {}
        self._versions: OrderedDict[int, Mapping[str, Version]] = OrderedDict()

    def versions(self, as_of: int | None = None) -> Mapping[str, Version]:
        """The files of each indicator's cells in force at a journal seq."""
        until = self._seq(as_of)
        # Between two refreshes the cells stand as the earlier one left them.
        last = self.last_refresh(until) or 0
        found = self._versions.get(last)
        if found is None:
            files = files_by_indicator(self.lake.files(CELL_TABLE, until))
            found = self._versions[last] = {name: Version(tuple(held)) for name, held in files.items()}
            while len(self._versions) > _MOST_KEPT:
                self._versions.popitem(last=False)
        return found

    def _seq(self, as_of: int | None) -> int:
        if as_of is not None:
            return as_of
        with self.lake.books.read() as tx:
            return tx.last_seq()

    def last_refresh(self, as_of: int | None = None) -> int | None:
        """The seq of the last refresh up to a seq: from which on the cells then in force are so."""
        return self._refreshed(as_of).seq or None

    def rows_counted(self, as_of: int | None = None) -> int | None:
        """The version of the tables from which the cells in force at a seq were worked out; None before the first refresh."""
        found = self._refreshed(as_of)
        return found.pinned if found.seq else None

    def _refreshed(self, as_of: int | None) -> LastRefresh:
        until = self._seq(as_of)
        found = self._refreshes.get(until)
        if found is None:
            with self.lake.books.read() as tx:
                found = find_refreshed(tx, until)
            while len(self._refreshes) >= _MOST_KEPT:
                self._refreshes.pop(next(iter(self._refreshes)), None)
            self._refreshes[until] = found
        return found

    def sheet(self, version: Version | None) -> Sheet:
        """Return the cells of an indicator in a version of `versions`."""
        version = version or _NO_VERSION
        found = self._sheets.get(version.name)
        if found is None:
            found = self._sheets[version.name] = Sheet(version, self._pages)
            while len(self._sheets) > _MOST_KEPT:
                self._sheets.popitem(last=False)
        return found

    def instant(self, seq: int) -> datetime | None:
        """When a seq was written."""
        if seq <= 0:
            return None
        found = self._instants.get(seq)
        if found is None:
            with self.lake.books.read() as tx:
                lines = tx.lines(after=seq - 1, until=seq)
            if not lines:
                return None
            found = self._instants[seq] = datetime.fromisoformat(lines[0].at)
        return found


def newest(period: Period) -> tuple[object, ...]:
    """Order of periods by their end; a whole year comes after a part of it that ends on the same day."""
    return (period.end, period.kind == "year", -period.start.toordinal())
