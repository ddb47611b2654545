"""Refreshing the leaves whose rows count in the regions above, year by year so that memory stays bounded.

Where something came or went, sums and counts of the touched months are read from rows and the rest of the year is
added up from kept cells; distinct counts and percentiles of the touched months, quarters and years are read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.identity import RegionCode
from yucun.base.period import Period, PeriodKind
from yucun.kernel.indicators.cellparts import index_cells, year_of
from yucun.kernel.indicators.gather import Gatherer, finest, first_of, inside_cuts, kinds_of
from yucun.kernel.indicators.model import ARROW_CELLS, CELL_COLUMNS, CELL_TABLE, CellKey, Indicator
from yucun.kernel.indicators.recount import amount_of, differs, mark_wrong
from yucun.kernel.indicators.recount_gathered import CellRows, recount_cell
from yucun.kernel.indicators.refreshing import Refreshing
from yucun.kernel.indicators.settling import Fresh
from yucun.kernel.indicators.tally import count_on
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.model import LakeFile

# So many fresh cells are counted again another way at each refresh.
SAMPLE = 8
# A cell of more rows is not taken into that sample.
SAMPLE_ROWS = 20_000


class Gathering:
    """Computes gathered leaves during one refresh."""

    def __init__(self, refresh: Refreshing) -> None:
        self.refresh = refresh
        self._days: dict[str, list[date]] = {}

    def compute(self, indicator: Indicator, *, is_whole: bool) -> Fresh | None:
        """Return the cells that take the place of others."""
        if is_whole:
            return Fresh(self._all_years(indicator))
        days = sorted({d for t in dict.fromkeys(t.table for t in indicator.terms) for d in self._days_moved(t)})
        if not days:
            return None
        touched = frozenset(period_of(d, kind).text for d in days for kind in kinds_of(indicator))
        if indicator.is_additive:
            return self._add_up(indicator, days, touched)
        tables = []
        for kind in kinds_of(indicator):
            for periods in _by_year(sorted({period_of(d, kind) for d in days}, key=lambda p: p.start)):
                made = self._gatherer(indicator, self._near(periods))
                tables.append(made.read_again(kind, periods, self._counted_on(indicator, made, kind, periods)))
        return Fresh(_stack(tables), periods=touched, touched=touched)

    def _counted_on(
        self, indicator: Indicator, made: Gatherer, kind: PeriodKind, periods: Sequence[Period]
    ) -> pa.Table | None:
        """A distinct count as it was kept, and what the values that came or went add to it; None where rows must say it."""
        if indicator.kind != "distinct":
            return None
        term = indicator.terms[0]
        moved = self.refresh.difference(term.table)
        years = {p.text[:4] for p in periods}
        files = [f for f in self.refresh.settler.files(indicator.id) if year_of(f.part) in ("", *years)]
        if moved is None or not files:
            return None
        cells = self.refresh.open(files, CELL_TABLE)
        texts = [p.text for p in periods]
        engine = self.refresh.lake.engine
        kept = engine.run(cells.filter(cells.period.isin(texts)).select("region", "period", "numerator", "trouble"))
        lost = pc.is_in(kept["trouble"], value_set=pa.array(["too_large", "recount_differs"]))
        if pc.any(lost).as_py():
            return None
        return engine.run(count_on(made, term, kind, periods, moved, kept.drop_columns("trouble")))

    def _all_years(self, indicator: Indicator) -> pa.Table:
        """Every cell, from rows alone."""
        by_years: dict[str, None] = {}
        for table in dict.fromkeys(t.table for t in indicator.terms):
            contract = self.refresh.lake.contracts[table]
            if contract.partition != contract.period_field:
                by_years = {}
                break
            by_years |= dict.fromkeys(sorted(f.part[:4] for f in self.refresh.files(table)))
        if not by_years:
            made = self._gatherer(indicator, self.refresh.rows)
            return made.whole()
        tables = []
        for year in by_years:
            made = self._gatherer(indicator, self._near([Period.year(int(year))]))
            tables.append(made.whole())
        return _stack(tables)

    def _add_up(self, indicator: Indicator, days: Sequence[date], touched: frozenset[str]) -> Fresh:
        """The touched months from rows, the other months of the year from kept cells, and all that they add up to."""
        kind = finest(indicator)
        cuts = inside_cuts(self.refresh.maps.days_of_change, kind)
        tables, years = [], sorted({d.year for d in days})
        for year in years:
            again = {period_of(d, kind) for d in (*days, *cuts) if d.year == year}
            kept = self._kept(indicator, year, again)
            periods = [Period.year(year)] if kept is None else sorted(again, key=lambda p: p.start)
            made = self._gatherer(indicator, self._near(periods))
            only = [p for p in periods if p.kind == kind] or None
            tables.append(made.add_up(only, kept))
        return Fresh(_stack(tables), years=frozenset(f"{year:04d}" for year in years), touched=touched)

    def _kept(self, indicator: Indicator, year: int, again: Iterable[Period]) -> ir.Table | None:
        """Kept cells of the rows' own level and the finest period, but for some periods; None where they do not do."""
        if indicator.rows_of not in indicator.levels:
            return None
        files = self.refresh.settler.files(indicator.id)
        few = [f for f in files if year_of(f.part) in ("", f"{year:04d}")]
        if not few:
            return None
        cells = self.refresh.open(few, CELL_TABLE)
        texts = sorted(p.text for p in again)
        own = self.refresh.lake.engine.memory(self._own_regions(indicator))
        mine = cells.semi_join(own, "region").filter(
            cells.period.substr(0, 4) == f"{year:04d}",
            cells.period.length() == len(texts[0]),
            cells.period.notin(texts),
        )
        table = self.refresh.lake.engine.run(mine.select(*CELL_COLUMNS))
        lost = pc.is_in(table["trouble"], value_set=pa.array(["too_large", "recount_differs", "split"]))
        if pc.any(lost).as_py():
            return None
        return self.refresh.lake.engine.memory(table)

    def _own_regions(self, indicator: Indicator) -> pa.Table:
        assert indicator.rows_of is not None
        places = self.refresh.maps.gather(indicator.rows_of, indicator.levels, indicator.in_map_of)
        own = places.filter(pc.equal(places["above_level"], indicator.rows_of))
        return pa.table({"region": pc.unique(own["above"])})

    # -- what moved -----------------------------------------------------------------------------------------

    def _days_moved(self, table: str) -> list[date]:
        """The days of the rows that a table gained or lost; of a table of periods the first day of each."""
        if table not in self._days:
            found = self.refresh.difference(table)
            contract = self.refresh.lake.contracts[table]
            self._days[table] = [] if found is None else self._days_of(found.both, contract)
        return self._days[table]

    def _days_of(self, rows: ir.Table, contract: Contract) -> list[date]:
        field = contract.get_field(contract.period_field)
        column = rows[field.name].date() if field.type == "instant" else rows[field.name]
        found = self.refresh.lake.engine.run(rows.select(day=column).distinct())["day"].to_pylist()
        if field.type == "period":
            return sorted({Period.parse(text).start for text in found if text is not None})
        return sorted({d.date() if isinstance(d, datetime) else d for d in found if d is not None})

    def _near(self, periods: Iterable[Period]) -> Callable[[str], ir.Table]:
        """Tables cut down to the files that can hold rows of some periods."""
        asked = list(periods)

        def near(table: str) -> ir.Table:
            contract = self.refresh.lake.contracts[table]
            files = self.refresh.files(table)
            if contract.partition == contract.period_field:
                files = files_near(files, asked)
            return self.refresh.open(files, table)

        return near

    # -- running --------------------------------------------------------------------------------------------

    def _gatherer(self, indicator: Indicator, tables: Callable[[str], ir.Table]) -> Gatherer:
        return self.refresh.compiler(tables).gatherer(indicator)

    # -- counted again --------------------------------------------------------------------------------------

    def with_sample_recounted(self, indicator: Indicator, cells: pa.Table) -> pa.Table:
        """Count a few fresh cells again from their rows, without the expressions; one that differs loses its value."""
        few = cells.filter(pc.and_(pc.is_null(cells["trouble"]), pc.less_equal(cells["records"], SAMPLE_ROWS)))
        said = pc.binary_join_element_wise(few["region"], few["period"], "|").to_pylist()
        chosen = sorted(range(len(said)), key=lambda n: hashlib.sha256(said[n].encode()).digest())[:SAMPLE]
        wrong = set()
        for (region, text), cell in index_cells(few.take(pa.array(chosen, pa.int64()))).items():
            key = CellKey(indicator.id, RegionCode(region), Period.parse(text))
            again = recount_cell(indicator, key, self._rows_for(key), self.refresh.regions)
            if again is None or differs(amount_of(indicator, cell), again, is_exact=indicator.form != "measure"):
                wrong.add((region, text))
        return mark_wrong(cells, wrong, ())

    def _rows_for(self, key: CellKey) -> CellRows:
        lake = self.refresh.lake
        near = self._near([key.period])
        return CellRows(lake.contracts, lambda table, wanted: lake.engine.run(wanted(near(table))), lake.engine)


def period_of(day: date, kind: PeriodKind) -> Period:
    """The period of a kind in which a day lies."""
    first = first_of(day, kind)
    match kind:
        case "day":
            return Period.day(first)
        case "month":
            return Period.month(first.year, first.month)
        case "quarter":
            return Period.quarter(first.year, (first.month + 2) // 3)
        case _:
            return Period.year(first.year)


def files_near(files: Iterable[LakeFile], periods: Sequence[Period]) -> list[LakeFile]:
    """The files of a table parted by time whose part meets one of some periods."""
    found = []
    for file in files:
        part = Period.find(file.part)
        if part is None or any(part.start <= p.end and p.start <= part.end for p in periods):
            found.append(file)
    return found


def _by_year(periods: Iterable[Period]) -> list[list[Period]]:
    found: dict[int, list[Period]] = {}
    for period in periods:
        found.setdefault(period.start.year, []).append(period)
    return list(found.values())


def _stack(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables) if tables else ARROW_CELLS.empty_table().select(CELL_COLUMNS)
