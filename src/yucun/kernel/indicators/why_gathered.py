"""The rows behind a gathered cell, a page at a time: there may be millions, so they are counted, added and shown in part.

A cell's rows are found by a filter of its own (`recount_gathered.narrow_rows`): regions and days, not names of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import and_, or_

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from yucun.kernel.indicators import formulas
from yucun.kernel.indicators.ask import Question
from yucun.kernel.indicators.gathering import files_near
from yucun.kernel.indicators.model import CellKey, Indicator, Term
from yucun.kernel.indicators.recount_gathered import CellRows, find_members, narrow_rows, recount_cell
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry.regions import Regions

RowName = tuple[str, str, int]
_NAME = (FILE_COLUMN, RECORD_COLUMN)
# So many sent files are named at most.
MOST_FILES = 500


@dataclass(frozen=True, slots=True)
class TermSum:
    """What a term of one cell comes to: how many rows, and their sum, distinct count or percentile."""

    rows: int
    amount: Fraction | None


class CellPager:
    """Reads the rows behind gathered cells.

    Parameters
    ----------
    lake : Lake
    regions : Regions
    """

    def __init__(self, lake: Lake, regions: Regions) -> None:
        self.lake = lake
        self.regions = regions

    def _table(self, table: str, key: CellKey, question: Question) -> ir.Table:
        """A table as it was when the cells were worked out, cut down to the files that can hold the cell's rows."""
        contract = self.lake.contracts[table]
        files = self.lake.files(table, question.rows_as_of)
        if contract.partition == contract.period_field:
            files = files_near(files, [key.period])
        return self.lake.read(files, self.lake.schema(table))

    def cell_rows(self, key: CellKey, question: Question) -> CellRows:
        """Where `recount_gathered.recount_cell` finds the rows of a cell."""
        engine = self.lake.engine
        return CellRows(
            self.lake.contracts, lambda table, wanted: engine.run(wanted(self._table(table, key, question))), engine
        )

    def recount(self, indicator: Indicator, key: CellKey, question: Question) -> Fraction | None:
        """The value of a cell in the kept unit, counted again from its rows; None where they do not give one."""
        return recount_cell(indicator, key, self.cell_rows(key, question), self.regions)

    def _near(self, indicator: Indicator, key: CellKey, question: Question) -> Iterator[tuple[str, ir.Table]]:
        """For each table the rows that can count in a cell, whatever its terms choose."""
        members = find_members(indicator, key, self.regions)
        for table in dict.fromkeys(t.table for t in indicator.terms):
            wanted = narrow_rows(indicator, self.lake.contracts[table], key, members, self.lake.engine)
            yield table, wanted(self._table(table, key, question))

    def page(self, indicator: Indicator, key: CellKey, question: Question, limit: int) -> dict[str, pa.Table]:
        """The first rows of a cell, by sent file and record."""
        found = {}
        for table, rows in self._near(indicator, key, question):
            taken = reduce(or_, [_taken(rows, t) for t in indicator.terms if t.table == table])
            few = rows.filter(taken).order_by(list(_NAME)).limit(limit)
            found[table] = self.lake.engine.run(few).cast(self.lake.schema(table))
        return found

    def files(self, indicator: Indicator, key: CellKey, question: Question) -> list[str]:
        """Hashes of the sent files that the cell's rows came in, by name; the first `MOST_FILES`."""
        found: set[str] = set()
        for table, rows in self._near(indicator, key, question):
            taken = reduce(or_, [_taken(rows, t) for t in indicator.terms if t.table == table])
            names = rows.filter(taken).select(FILE_COLUMN).distinct().order_by(FILE_COLUMN).limit(MOST_FILES)
            found.update(self.lake.engine.run(names)[FILE_COLUMN].to_pylist())
        return sorted(found)[:MOST_FILES]

    def terms(self, indicator: Indicator, key: CellKey, question: Question) -> list[TermSum]:
        """What each term of a cell comes to."""
        near = dict(self._near(indicator, key, question))
        return [self._sum(indicator, term, near[term.table]) for term in indicator.terms]

    def _sum(self, indicator: Indicator, term: Term, rows: ir.Table) -> TermSum:
        mine = rows.filter(_taken(rows, term))
        column = mine[term.field] if term.field else None
        if term.take == "percentile" and column is not None:
            tally = mine.group_by(value=column).aggregate(n=mine.count()).mutate(one=ibis.literal(1, "int64"))
            found = formulas.nearest_rank(tally, ["one"], indicator.per_mille)
            said = self.lake.engine.run(found)["value"].to_pylist()
            count = self.lake.engine.run(mine.aggregate(n=mine.count()))["n"][0].as_py()
            return TermSum(count, Fraction(str(said[0])) if said else None)
        amounts: dict[str, ir.Value] = {"n": mine.count()}
        if column is not None and term.take != "count":
            amounts["s"] = column.nunique() if term.take == "distinct" else formulas.wide(column).sum()
        row = self.lake.engine.run(mine.aggregate(**amounts)).to_pylist()[0]
        return TermSum(row["n"], Fraction(row["n"] if "s" not in row else row["s"] or 0))

    def names(
        self,
        indicator: Indicator,
        key: CellKey,
        question: Question,
        most: int | None = None,
        among: Collection[tuple[str, int]] | None = None,
    ) -> dict[str, frozenset[RowName]]:
        """The names of a cell's rows by term: the first so many, or those among some records."""
        near = dict(self._near(indicator, key, question))
        found: dict[str, frozenset[RowName]] = {}
        for number, term in enumerate(indicator.terms):
            rows = near[term.table]
            mine = rows.filter(_taken(rows, term)).select(*_NAME)
            if among is not None:
                wanted = self.lake.engine.memory(name_table(among))
                mine = mine.semi_join(wanted, list(_NAME))
            if most is not None:
                mine = mine.order_by(list(_NAME)).limit(most)
            names = self.lake.engine.run(mine)
            pairs = zip(names[FILE_COLUMN].to_pylist(), names[RECORD_COLUMN].to_pylist(), strict=True)
            found[f"term{number}"] = frozenset((term.table, file, record) for file, record in pairs)
        return found


def name_table(records: Collection[tuple[str, int]]) -> pa.Table:
    """Records as a table to be joined with."""
    return pa.table(
        {
            FILE_COLUMN: pa.array([file for file, _ in records], pa.string()),
            RECORD_COLUMN: pa.array([record for _, record in records], pa.int64()),
        }
    )


def _taken(rows: ir.Table, term: Term) -> ir.BooleanValue:
    held = [rows[field].isin(list(codes)) for field, codes in term.where.items()]
    if term.field:
        held.append(rows[term.field].notnull())
    return reduce(and_, held, ibis.literal(True))
