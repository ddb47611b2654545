"""Refreshing: cells are computed again where rows came or went since, and nowhere else.

A refresh finds the rows that the tables gained or lost since the last one, computes the cells of those periods or
regions whole, puts them in place of the old ones, and commits all indicators in one journal line. What did not
change is neither read nor written, so that its *as of* stands. `gathering` does the leaves whose rows count in the
regions above; `settling` puts fresh cells into the files.

All of it reads one pinned version of the lake, beside the writer's lock; the lock is taken for the one line at the
end, which says the pinned seq. What landed meanwhile is counted by the next refresh. Where another refresh committed
meanwhile, the cells rest on what is no longer so, and the work is begun again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.period import Period
from yucun.kernel.books import Line
from yucun.kernel.indicators.cellparts import (
    MOST_IN_ONE,
    files_by_indicator,
    find_definition,
    in_order,
    index_cells,
    year_of,
    years_of,
)
from yucun.kernel.indicators.changed import Difference, Moved, find_difference, find_moved, tables_moved
from yucun.kernel.indicators.compile import KEY, Compiler
from yucun.kernel.indicators.gathering import Gathering
from yucun.kernel.indicators.maps import map_tables
from yucun.kernel.indicators.model import ARROW_CELLS, CELL_COLUMNS, CELL_TABLE, Cell, CellKey, Indicator, Rule
from yucun.kernel.indicators.pinned import REFRESHED, find_refreshed
from yucun.kernel.indicators.records import RecordCounter
from yucun.kernel.indicators.recount import (
    Amounts,
    amount_of,
    differs,
    mark_wrong,
    recount_derived,
    recount_leaf,
)
from yucun.kernel.indicators.settling import Fresh, Settler
from yucun.kernel.indicators.walk import Links, after
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake, NewFile
from yucun.kernel.registry.regions import Regions

Progress = Callable[[int, int], None]
# Below this it costs less to compute all cells of a leaf than to find out which ones changed.
FEW_ROWS = 100_000
# So often a refresh is begun again because another committed first; then it holds the writer's lock and cannot lose.
MOST_TRIES = 4


class _Overtaken(Exception):  # noqa: N818 - a step of `refresh`, never seen outside
    """What a refresh rests on is no longer so."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did.

    Parameters
    ----------
    line : Line or None
        Its journal line; None when nothing had changed.
    written : tuple of str
        The indicators whose cells changed.
    opened, bytes_opened : int
        Files of the lake that were opened, each once, and their whole size.
    bytes_added : int
        Size of the files of rows that had come since the last refresh.
    bytes_written : int
        Size of the cell files written.
    """

    line: Line | None
    written: tuple[str, ...]
    opened: int = 0
    bytes_opened: int = 0
    bytes_added: int = 0
    bytes_written: int = 0


class Refresh:
    """One refresh over one version of a lake; the caller keeps its files from being swept (`refresh` does)."""

    def __init__(
        self, lake: Lake, indicators: Mapping[str, Indicator], rules: Mapping[str, Rule], regions: Regions
    ) -> None:
        self.lake = lake
        self.indicators = indicators
        self.rules = rules
        self.regions = regions
        self.links = Links(indicators, regions)
        self.maps = map_tables(regions)
        self.changed: set[str] = set()
        # The periods whose cells changed, by indicator; None for any.
        self.touched: dict[str, frozenset[str] | None] = {}
        self.digest = hashlib.sha256("\n".join(f"{k} {v.hash}" for k, v in indicators.items()).encode()).hexdigest()
        self.opened: dict[str, int] = {}
        self._moved: dict[str, Moved] = {}
        self._files: dict[str, list[LakeFile]] = {}

    def compiler(self, tables: Callable[[str], ir.Table], periods: Collection[str] = ()) -> Compiler:
        """A compiler over given tables that takes inputs from the cells as they now are."""

        def kept(name: str) -> ir.Table | None:
            return self.kept(name, periods)

        return Compiler(self.indicators, self.lake.contracts, self.rules, tables, self.maps, self.lake.engine, kept)

    # -- what there is --------------------------------------------------------------------------------------

    def open(self, files: Iterable[LakeFile | NewFile], table: str) -> ir.Table:
        """Return the rows of some files, and note that they are read."""
        named = list(files)
        self.opened |= {f.name: f.size for f in named}
        return (
            self.lake.engine.table([self.lake.folder / f.name for f in named], self.lake.schema(table))
            if (table == CELL_TABLE)
            else self.lake.read([f for f in named if isinstance(f, LakeFile)], self.lake.schema(table))
        )

    def files(self, table: str) -> list[LakeFile]:
        """The files of a table in force in the pinned version, asked once."""
        if table not in self._files:
            self._files[table] = self.lake.files(table, self.pinned)
        return self._files[table]

    def rows(self, table: str) -> ir.Table:
        """A table's rows in force."""
        return self.open(self.files(table), table)

    def kept(self, name: str, periods: Collection[str] = ()) -> ir.Table | None:
        """The cells of an input as they now are; of the years of some periods, and those before, where it is large."""
        if name not in self.settler.settled:
            return None
        files = self.settler.files(name)
        years = {str(int(p[:4]) + step) for p in periods for step in (-1, 0)}
        few = [f for f in files if not years or not year_of(f.part) or year_of(f.part) in years]
        return self.open(few, CELL_TABLE).select(*CELL_COLUMNS)

    def is_large(self, name: str) -> bool:
        """Whether an indicator's cells are too many to be held as Python's own objects."""
        return sum(f.rows for f in self.settler.files(name)) > MOST_IN_ONE

    # -- the run --------------------------------------------------------------------------------------------

    def run(self, progress: Progress | None = None) -> Refreshed:
        """Compute what changed and commit it; raise `_Overtaken` where another refresh came first."""
        with self.lake.books.read() as tx:
            self.pinned = tx.last_seq()
            self.last = find_refreshed(tx)
        self.since = self.last.pinned
        counted = {term.table for indicator in self.indicators.values() for term in indicator.terms}
        moved = tables_moved(self.lake, self.since, self.pinned) & counted
        self.map_moved = self._map_moved()
        is_known = self.last.digest == self.digest
        if is_known and not moved and not self.map_moved and not self._landed_since():
            return Refreshed(None, ())
        self.moved_tables = moved
        held = self.lake.files(CELL_TABLE, self.pinned)
        self.settler = Settler(self.lake, files_by_indicator(held), self.pinned)
        self.gathering = Gathering(self)
        self.records = RecordCounter(self)
        for number, indicator in enumerate(self.indicators.values()):
            if progress is not None:
                progress(number, len(self.indicators))
            fresh = self._compute(indicator, is_known or self._is_same(indicator))
            if fresh is not None and self.settler.settle(indicator.id, self._finish(indicator, fresh)):
                self.changed.add(indicator.id)
                self.touched[indicator.id] = fresh.touched
            self.settler.settled.add(indicator.id)
        self.settler.forget(self.indicators)
        return self._commit()

    def _commit(self) -> Refreshed:
        settler = self.settler
        # A changed map is noted even where no cell changed, so that it is not asked about again.
        is_noted = self._landed_since() or bool(self.map_moved and self.since)
        if not settler.added and not settler.removed and not is_noted:
            return Refreshed(None, ())
        line = self._record_line()
        return Refreshed(
            line,
            tuple(sorted(self.changed)),
            len(self.opened),
            sum(self.opened.values()),
            sum(f.size for moved in self._moved.values() for f in moved.added),
            sum(f.size for f in settler.added),
        )

    def _record_line(self) -> Line:
        """Let the new cells count: the only step under the writer's lock."""
        settler = self.settler
        names = {name: self.indicators[name].hash for name in sorted(self.changed)}
        payload = {
            "definitions": names,
            "all": self.digest,
            "pinned": self.pinned,
            "added": [f.to_json() for f in settler.added],
            "removed": sorted(settler.removed),
        }
        with self.lake.books.write() as tx:
            held = {f.name for f in self.lake.files(CELL_TABLE, tx=tx)}
            is_whole = all((self.lake.folder / f.name).is_file() for f in settler.added)
            if find_refreshed(tx).seq != self.last.seq or not held.issuperset(settler.removed) or not is_whole:
                raise _Overtaken
            line, _ = tx.record(REFRESHED, f"refreshed:{self.pinned}", payload)
        return line

    def _landed_since(self) -> bool:
        """Whether a landing stands after the last refresh; then a line says that the cells take it into account."""
        with self.lake.books.read() as tx:
            landed = tx.row("SELECT max(seq) FROM lake_landing WHERE seq <= ?", (self.pinned,))
        return bool(landed and landed[0] is not None and int(landed[0]) > self.since)

    def _map_moved(self) -> bool:
        """Whether the regions changed since; then what gathers regions is computed again."""
        with self.lake.books.read() as tx:
            found = tx.row(
                "SELECT max(seq) FROM journal WHERE seq > ? AND seq <= ? AND kind LIKE ?",
                (self.since, self.pinned, "registry.%"),
            )
        return found is not None and found[0] is not None

    def _is_same(self, indicator: Indicator) -> bool:
        """Whether the kept cells were worked out by this very definition."""
        files = self.settler.files(indicator.id)
        return bool(files) and find_definition(self.lake, files[0]) == indicator.hash  # type: ignore[arg-type]

    def moved(self, table: str) -> Moved:
        """What moved in a table since the last refresh."""
        if table not in self._moved:
            is_moved = table in self.moved_tables
            self._moved[table] = (
                find_moved(self.lake, table, self.since, self.pinned) if is_moved else Moved((), (), ())
            )
        return self._moved[table]

    def difference(self, table: str) -> Difference | None:
        """The rows that a table gained and lost since the last refresh."""
        return find_difference(self.lake, table, self.moved(table), lambda files: self.open(files, table))

    # -- one indicator --------------------------------------------------------------------------------------

    def _compute(self, indicator: Indicator, is_same: bool) -> Fresh | None:
        """Return the cells that take the place of others; None where nothing can have changed."""
        if not indicator.is_leaf:
            return self._compute_derived(indicator, is_same)
        tables = list(dict.fromkeys(t.table for t in indicator.terms))
        is_gathered = indicator.rows_of is not None
        is_same = is_same and not (is_gathered and self.map_moved)
        if is_same and not any(self.moved(t).added or self.moved(t).removed for t in tables):
            return None
        rows = sum(f.rows for t in tables for f in self.files(t))
        if not rows:
            return Fresh(ARROW_CELLS.empty_table())
        if is_gathered:
            return self.gathering.compute(indicator, is_whole=not is_same or rows < FEW_ROWS)
        if not is_same or rows < FEW_ROWS:
            return Fresh(self.lake.engine.run(self.compiler(self.rows).cells(indicator.id)))
        return self._recompute(indicator)

    def _compute_derived(self, indicator: Indicator, is_same: bool) -> Fresh | None:
        if is_same and not self.changed.intersection(indicator.uses) and not self.map_moved:
            return None
        if not all(self.settler.files(name) for name in indicator.uses):
            return Fresh(ARROW_CELLS.empty_table())
        periods = self._touched_by(indicator)
        if not is_same or self.map_moved or periods is None or not any(map(self.is_large, indicator.uses)):
            return Fresh(self.lake.engine.run(self.compiler(self.rows).cells(indicator.id)))
        cells = self.compiler(self.rows, periods).cells(indicator.id)
        fresh = self.lake.engine.run(cells.filter(cells.period.isin(sorted(periods))))
        return Fresh(fresh, periods=periods, touched=periods)

    def _touched_by(self, indicator: Indicator) -> frozenset[str] | None:
        """The periods in which a derived number may have changed."""
        found: set[str] = set()
        for name in self.changed.intersection(indicator.uses):
            periods = self.touched[name]
            if periods is None:
                return None
            found |= periods
            if indicator.kind == "change":
                later = (after(Period.parse(text), indicator.against) for text in periods)
                found |= {p.text for p in later if p is not None}
        return frozenset(found)

    def _recompute(self, indicator: Indicator) -> Fresh | None:
        """Compute the cells of the rows that came or went, whole; the others stay as they are."""
        engine = self.lake.engine

        def only_changed(table: str) -> ir.Table:
            found = self.difference(table)
            return found.both if found is not None else engine.memory(self.lake.schema(table).empty_table())

        touched = self.compiler(only_changed).contributions(indicator.id)
        keys = engine.run(touched.select(*KEY).distinct())
        if not keys.num_rows:
            return None
        parts = self._parts(indicator, keys)
        wanted = engine.memory(keys)

        def near(table: str) -> ir.Table:
            files = [
                f
                for f in self.files(table)
                if table not in parts or f.part[:4] in parts[table] or f.part in parts[table]
            ]
            return self.open(files, table)

        fresh = engine.run(self.compiler(near).cells(indicator.id).semi_join(wanted, KEY))
        return Fresh(fresh, keys=keys, touched=frozenset(keys["period"].to_pylist()))

    def _parts(self, indicator: Indicator, keys: pa.Table) -> dict[str, set[str]]:
        """The partitions in which the rows of these cells can lie; a table cut otherwise is read whole."""
        years = set(pc.unique(years_of(keys)).to_pylist())
        regions = set(pc.unique(keys["region"]).to_pylist())
        found: dict[str, set[str]] = {}
        for term in indicator.terms:
            contract = self.lake.contracts[term.table]
            if contract.partition and contract.partition == contract.period_field:
                found[term.table] = years
            elif contract.partition and contract.partition == contract.region_field:
                found[term.table] = regions
        return found

    def _finish(self, indicator: Indicator, fresh: Fresh) -> Fresh:
        """Count records and count again where asked; give the columns that are kept."""
        cells = fresh.cells.select(CELL_COLUMNS)
        if not indicator.is_leaf:
            cells = self.records.put(indicator, cells)
        if any(c.kind == "recount" for c in indicator.checks):
            cells = self._with_recount(indicator, cells, fresh)
        n = cells.num_rows
        finished = (
            cells.append_column("indicator", pa.array([indicator.id] * n, pa.string()))
            .append_column("definition", pa.array([indicator.hash] * n, pa.string()))
            .append_column(FILE_COLUMN, pa.array(["computed"] * n, pa.string()))
            .append_column(RECORD_COLUMN, pa.array([0] * n, pa.int64()))
            .select(ARROW_CELLS.names)
            .cast(ARROW_CELLS)
        )
        return fresh.holding(in_order(finished))

    def find_cell(self, key: CellKey) -> Cell | None:
        """A cell of a small indicator as computed in this refresh."""
        return self._index(key.indicator).get((str(key.region), key.period.text))

    def _index(self, name: str) -> Mapping[tuple[str, str], Cell]:
        return self.settler.index(name)

    # -- the rows counted again -----------------------------------------------------------------------------

    def _with_recount(self, indicator: Indicator, cells: pa.Table, fresh: Fresh) -> pa.Table:
        if indicator.rows_of is not None:
            return self.gathering.with_sample_recounted(indicator, cells)
        again = self._recount(indicator)
        if again is None:
            return cells
        wanted = set(_pairs(fresh.keys)) if fresh.keys is not None else None
        values = index_cells(cells)
        is_exact = indicator.form != "measure"
        wrong = {
            key
            for key, cell in values.items()
            if not cell.trouble
            and (key not in again or differs(amount_of(indicator, cell), again[key], is_exact=is_exact))
        }
        missing = [
            k
            for k in again
            if k not in values and (wanted is None or k in wanted) and (fresh.periods is None or k[1] in fresh.periods)
        ]
        return mark_wrong(cells, wrong, missing)

    def _recount(self, indicator: Indicator) -> Amounts | None:
        if indicator.is_leaf:
            return recount_leaf(indicator, self.lake.contracts, self._rows_of)
        if any(self.is_large(name) for name in indicator.uses):
            return None
        inputs = {
            name: {
                key: amount_of(self.indicators[name], cell)
                for key, cell in self._index(name).items()
                if not cell.trouble
            }
            for name in indicator.uses
        }
        return recount_derived(indicator, inputs, self.regions)

    def _rows_of(self, table: str) -> pa.Table:
        return self.lake.engine.run(self.rows(table)).cast(self.lake.schema(table))


def refresh(
    lake: Lake,
    indicators: Mapping[str, Indicator],
    rules: Mapping[str, Rule],
    regions: Regions,
    progress: Progress | None = None,
) -> Refreshed:
    """Bring the cells of all indicators up to the lake's present state; writers wait only for the line at the end.

    Parameters
    ----------
    lake : Lake
        Its contracts hold `model.make_cell_contract`.
    indicators : mapping of str to Indicator
        Linked, inputs first.
    rules : mapping of str to callable
        ``service.function`` of the services' ``rules.py``.
    regions : Regions
        The map through time.
    progress : callable
        Told (done, of) before each indicator; from the first again when the work is begun again.

    Returns
    -------
    Refreshed
        The journal line, or None when every cell stood already; and what was read for it.
    """
    with lake.refreshing, lake.making():
        for _ in range(MOST_TRIES):
            with suppress(_Overtaken):
                return Refresh(lake, indicators, rules, regions).run(progress)
        with lake.books.writing():
            return Refresh(lake, indicators, rules, regions).run(progress)


def _pairs(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table["region"].to_pylist(), table["period"].to_pylist(), strict=True))
