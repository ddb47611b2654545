"""Why and trace: from a cell down to the rows and files that made it, and from a record up to every cell it moved.

Both walk the same links and read the same relation of rows to leaf cells (`Compiler.contributions`), one from
either end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.kernel.access.mask import MARK_ENDING, mask
from yucun.kernel.indicators.ask import Question
from yucun.kernel.indicators.cellparts import index_cells
from yucun.kernel.indicators.compile import KEY, ROW_KEY, Compiler
from yucun.kernel.indicators.maps import map_tables
from yucun.kernel.indicators.model import (
    EVIDENCE,
    Cell,
    CellKey,
    Chain,
    Indicator,
    PartShown,
    Row,
    Rule,
    Term,
    Trace,
    Value,
)
from yucun.kernel.indicators.read import NumberReader
from yucun.kernel.indicators.recount import Amounts, amount_of, period_of, recount_derived, recount_leaf
from yucun.kernel.indicators.show import write_number
from yucun.kernel.indicators.why_gathered import MOST_FILES, CellPager, TermSum, name_table
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract
from yucun.kernel.lake.read import tables_of_file

RowName = tuple[str, str, int]
_MOST_MOVES = 500


@dataclass(frozen=True, slots=True)
class LeafRows:
    """The rows of leaf cells: for each cell its terms, for each term the names of its rows."""

    names: Mapping[CellKey, Mapping[str, frozenset[RowName]]]

    def of(self, keys: Iterable[CellKey]) -> set[RowName]:
        """All rows of some cells."""
        return {row for key in keys for rows in self.names.get(key, {}).values() for row in rows}


@dataclass(frozen=True, slots=True)
class UsedRows:
    """Rows by table, and which of them each leaf cell took."""

    tables: Mapping[str, pa.Table]
    serves: Mapping[CellKey, Mapping[str, Sequence[int]]]

    def of(self, keys: Iterable[CellKey]) -> dict[str, pa.Table]:
        """The rows that some leaf cells took, each once, in the order of the table."""
        taken: dict[str, set[int]] = {}
        for key in keys:
            for table, numbers in self.serves.get(key, {}).items():
                taken.setdefault(table, set()).update(numbers)
        return {table: self.tables[table].take(sorted(numbers)) for table, numbers in taken.items()}


class Explainer:
    """Answers why and trace over a `NumberReader`.

    Parameters
    ----------
    numbers : NumberReader
    rules : mapping of str to callable
        ``service.function`` of the services' ``rules.py``.
    root : RegionCode
        The city: where rows of a table without regions belong.
    """

    def __init__(self, numbers: NumberReader, rules: Mapping[str, Rule], root: RegionCode) -> None:
        self.numbers = numbers
        self.rules = rules
        self.root = root
        self.lake = numbers.lake
        self.links = numbers.links
        self.maps = map_tables(numbers.regions)
        self.pager = CellPager(self.lake, numbers.regions)

    def compiler(self, tables: Callable[[str], ir.Table]) -> Compiler:
        """A compiler over given tables, from rows alone."""
        return Compiler(self.numbers.indicators, self.lake.contracts, self.rules, tables, self.maps, self.lake.engine)

    def _in_memory(self, rows: Mapping[str, pa.Table], table: str) -> ir.Table:
        """A table that holds nothing but given rows."""
        return self.lake.engine.memory(rows.get(table, self.lake.schema(table).empty_table()))

    # -- from cells to rows ---------------------------------------------------------------------------------

    def leaf_rows(
        self,
        keys: Collection[CellKey],
        question: Question,
        most: int | None = None,
        among: Collection[tuple[str, int]] | None = None,
    ) -> LeafRows:
        """Find the rows of leaf cells, with one query for each indicator among them.

        Parameters
        ----------
        most : int or None
            For a gathered cell, which may hold millions: only its first so many rows.
        among : collection of (str, int) or None
            For a gathered cell: only rows of these records.
        """
        by_leaf: dict[str, list[CellKey]] = {}
        found: dict[CellKey, dict[str, set[RowName]]] = {}
        for key in keys:
            if self._is_gathered(key):
                indicator = self.numbers.indicators[key.indicator]
                names = self.pager.names(indicator, key, question, most, among)
                found[key] = {part: set(rows) for part, rows in names.items()}
            else:
                by_leaf.setdefault(key.indicator, []).append(key)
        for leaf, cells in by_leaf.items():
            wanted = self.lake.engine.memory(
                pa.table({"region": [str(c.region) for c in cells], "period": [c.period.text for c in cells]})
            )
            compiler = self.compiler(lambda table: self.lake.table(table, question.rows_as_of))
            rows = compiler.contributions(leaf).semi_join(wanted, KEY).select(*KEY, "part", *ROW_KEY).distinct()
            table = self.lake.engine.run(rows)
            for region, text, part, *name in zip(*(table[c].to_pylist() for c in table.column_names), strict=True):
                cell = found.setdefault(CellKey(leaf, RegionCode(region), Period.parse(text)), {})
                cell.setdefault(part, set()).add((name[0], name[1], name[2]))
        return LeafRows({k: {part: frozenset(rows) for part, rows in parts.items()} for k, parts in found.items()})

    def _is_gathered(self, key: CellKey) -> bool:
        return self.numbers.indicators[key.indicator].rows_of is not None

    def fetch(self, names: Collection[RowName], question: Question) -> dict[str, pa.Table]:
        """Read the table rows of some records; a record of a wide sheet may have several."""
        found = {}
        for table in sorted({n[0] for n in names}):
            mine = [n for n in names if n[0] == table]
            wanted = self.lake.engine.memory(name_table([(n[1], n[2]) for n in mine]))
            rows = self.lake.table(table, question.rows_as_of).semi_join(wanted, [FILE_COLUMN, RECORD_COLUMN])
            found[table] = self.lake.engine.run(rows).cast(self.lake.schema(table))
        return found

    def rows_used(self, keys: Collection[CellKey], question: Question, named: LeafRows | None = None) -> UsedRows:
        """The very rows that made some leaf cells: of a wide record only those that were taken.

        Parameters
        ----------
        named : LeafRows or None
            What `leaf_rows` found for these cells, where it was asked already.
        """
        tables = self.fetch((named or self.leaf_rows(keys, question)).of(keys), question)
        serves: dict[CellKey, dict[str, list[int]]] = {}
        wanted = {(k.indicator, str(k.region), k.period.text): k for k in keys}
        for table, rows in tables.items():
            contract = self.lake.contracts[table]
            for number, row in enumerate(rows.to_pylist()):
                for key in self._served(contract, row, wanted):
                    serves.setdefault(key, {}).setdefault(table, []).append(number)
        return UsedRows(tables, serves)

    def _served(
        self, contract: Contract, row: Mapping[str, Any], wanted: Mapping[tuple[str, str, str], CellKey]
    ) -> Iterator[CellKey]:
        """The wanted leaf cells that a row enters, each once."""
        for leaf in sorted({name for name, _, _ in wanted}):
            indicator = self.numbers.indicators[leaf]
            periods = {
                period
                for term in indicator.terms
                if term.table == contract.name and (period := _cell_of(indicator, term, contract, row)) is not None
            }
            for period in sorted(periods):
                key = wanted.get((leaf, row[contract.region_field], period))
                if key is not None:
                    yield key

    # -- why ------------------------------------------------------------------------------------------------

    def why(self, value: Value, question: Question, limit: int = 200) -> Chain:
        """Return the chain behind a value; behind a refused or hidden one there is only its definition."""
        definition = self.numbers.get(value.indicator)
        if (
            value.period is None
            or value.as_of == 0
            or (value.mark is not None and value.mark.kind in ("hidden", "refused"))
        ):
            return Chain(value, definition, (), (), 0, (), ())
        key = CellKey(value.indicator, value.region, value.period)
        leaves = self._held_leaves(key, question)
        plain = [leaf for leaf in leaves if not self._is_gathered(leaf)]
        named = self.leaf_rows(plain, question)
        used = self.rows_used(plain, question, named)
        rows, files = self._first_rows(leaves, used.of(plain), question, limit)
        moved = self.links.moved_by([key], lambda k: self.numbers.find_cell(k, question) is not None)
        return Chain(
            value,
            definition,
            tuple(self._parts(definition, key, question, named, used)),
            rows,
            value.records,
            files,
            tuple(m for m in moved if m != key)[:_MOST_MOVES],
        )

    def _first_rows(
        self, leaves: Sequence[CellKey], tables: Mapping[str, pa.Table], question: Question, limit: int
    ) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        """The first rows of some leaf cells as the reader may see them, and the sent files that they came in.

        Parameters
        ----------
        tables : mapping of str to pyarrow.Table
            The rows of those leaves that are not gathered.
        """
        shown = [
            row for table, found in tables.items() for row in self._show_rows(table, found.slice(0, limit), question)
        ][:limit]
        files = {f for found in tables.values() for f in found[FILE_COLUMN].unique().to_pylist()}
        held = {(row.table, row.file, row.record) for row in shown}
        for leaf in leaves:
            if not self._is_gathered(leaf):
                continue
            definition = self.numbers.indicators[leaf.indicator]
            if len(shown) < limit:
                for table, found in self.pager.page(definition, leaf, question, limit).items():
                    more = self._show_rows(table, found, question)
                    shown += [row for row in more if (row.table, row.file, row.record) not in held][
                        : limit - len(shown)
                    ]
                    held = {(row.table, row.file, row.record) for row in shown}
            if len(files) < MOST_FILES:
                files.update(self.pager.files(definition, leaf, question))
        return tuple(shown), tuple(sorted(files)[:MOST_FILES])

    def _parts(
        self, definition: Indicator, key: CellKey, question: Question, named: LeafRows, used: UsedRows
    ) -> list[PartShown]:
        if definition.is_leaf:
            return self._terms(definition, key, question, named, used)
        parts = []
        for one in self.links.inputs_of(key):
            inner = self.numbers.get(one.key.indicator)
            value = self.numbers.value(one.key.indicator, one.key.region, one.key.period, question=question)
            parts.append(
                PartShown(
                    one.slot,
                    inner.title,
                    value.shown,
                    inner.unit,
                    value.records,
                    inner.id,
                    one.key.region,
                    one.key.period,
                    mark=value.mark,
                )
            )
        return parts

    def _terms(
        self, definition: Indicator, key: CellKey, question: Question, named: LeafRows, used: UsedRows
    ) -> list[PartShown]:
        parts = []
        split = len(definition.numerator)
        for number, (term, summed) in enumerate(
            zip(definition.terms, self._sums(definition, key, question, named, used), strict=True)
        ):
            contract = self.lake.contracts[term.table]
            unit = (
                UNITS["record"]
                if term.take == "count" or not term.field
                else definition.unit
                if term.take == "distinct"
                else UNITS.get(contract.get_field(term.field).unit, definition.unit)
            )
            shown_in = definition.unit if unit.name == definition.unit.name else unit
            where = ", ".join(f"{f} = {' | '.join(v)}" for f, v in term.where.items())
            name = "numerator" if number < split else "denominator"
            sign = Text("减去", "less ") if term.sign < 0 else Text("", "")
            title = Text(sign.zh + term.title.zh, sign.en + term.title.en)
            parts.append(
                PartShown(
                    name,
                    title,
                    _write_term(term, summed, shown_in.per_shown, shown_in.decimals),
                    shown_in,
                    summed.rows,
                    table=term.table,
                    where=where,
                )
            )
        return parts

    def _sums(
        self, definition: Indicator, key: CellKey, question: Question, named: LeafRows, used: UsedRows
    ) -> list[TermSum]:
        """What each term of a leaf cell comes to: rows that name records, and their sum."""
        if definition.rows_of is not None:
            return self.pager.terms(definition, key, question)
        found, taken = named.names.get(key, {}), used.of([key])
        sums = []
        for number, term in enumerate(definition.terms):
            contract = self.lake.contracts[term.table]
            rows = taken.get(term.table, contract.schema.empty_table()).to_pylist()
            mine = [row for row in rows if _cell_of(definition, term, contract, row) == key.period.text]
            amount = _amount_of(definition, term, mine)
            sums.append(TermSum(len(found.get(f"term{number}", frozenset())), amount))
        return sums

    def _show_rows(self, table: str, rows: pa.Table, question: Question) -> list[Row]:
        contract = self.lake.contracts[table]
        masked = mask(
            rows, contract, question.reader, question.purpose, root=self.root, within=self.numbers.within
        ).table
        shown = []
        for row in masked.to_pylist():
            hidden = tuple(f.name for f in contract.fields if row.get(f.name + MARK_ENDING) is not None)
            evidence = row.get("evidence") or EVIDENCE[-1]
            shown.append(
                Row(
                    table,
                    row[FILE_COLUMN],
                    row[RECORD_COLUMN],
                    {f.name: row.get(f.name) for f in contract.fields},
                    hidden,
                    row.get("source") or "",
                    evidence if evidence in EVIDENCE else EVIDENCE[-1],
                )
            )
        return shown

    # -- trace ----------------------------------------------------------------------------------------------

    def moved_by_file(self, file: str, question: Question) -> list[CellKey]:
        """Every number that the rows of a sent file enter now, each once."""
        found: dict[str, pa.Table] = {}
        for table in tables_of_file(self.lake, file):
            if table in self.lake.contracts:
                rows = self.lake.table(table, question.rows_as_of)
                found[table] = self.lake.engine.run(rows.filter(rows[FILE_COLUMN] == file)).cast(
                    self.lake.schema(table)
                )
        return self._moved_by_rows(found, question)

    def _moved_by_rows(self, found: Mapping[str, pa.Table], question: Question) -> list[CellKey]:
        leaves: list[CellKey] = []
        for indicator in self.numbers.indicators.values():
            if indicator.is_leaf and any(t.table in found and found[t.table].num_rows for t in indicator.terms):
                leaves += self._cells_of_rows(indicator, found)
        return self.links.moved_by(leaves, lambda k: self.numbers.find_cell(k, question) is not None)

    def trace(self, file: str, record: int, question: Question) -> Trace:
        """Follow one record of a sent file to its table rows and to every number that it moved."""
        names = {(table, file, record) for table in tables_of_file(self.lake, file) if table in self.lake.contracts}
        found = self.fetch(names, question)
        rows = [row for table, held in found.items() for row in self._show_rows(table, held, question)]
        moved = self._moved_by_rows(found, question)
        return Trace(file, record, tuple(rows), tuple(moved), tuple(self._beside(file, record, question)))

    def moved_by_records(
        self, records: Collection[tuple[str, int]], question: Question
    ) -> dict[tuple[str, int], set[CellKey]]:
        """Every number that each of some records moved, as `trace` follows one; each number is asked once for all."""
        tables = {file: tables_of_file(self.lake, file) for file in {file for file, _ in records}}
        names = {
            (table, file, number) for file, number in records for table in tables[file] if table in self.lake.contracts
        }
        rows = self.fetch(names, question)
        leaves: dict[tuple[str, int], dict[CellKey, None]] = {record: {} for record in records}
        for indicator in self.numbers.indicators.values():
            if not indicator.is_leaf or not any(t.table in rows and rows[t.table].num_rows for t in indicator.terms):
                continue
            made = self.compiler(partial(self._in_memory, rows)).contributions(indicator.id)
            found = self.lake.engine.run(made.select(*KEY, *ROW_KEY).distinct())
            for region, text, file, number in zip(
                *(found[c].to_pylist() for c in (*KEY, FILE_COLUMN, RECORD_COLUMN)), strict=True
            ):
                leaves[file, number][CellKey(indicator.id, RegionCode(region), Period.parse(text))] = None
        above: dict[tuple[CellKey, ...], set[CellKey]] = {}
        for held in {tuple(found) for found in leaves.values()}:
            above[held] = set(
                self.links.moved_by(list(held), lambda k: self.numbers.find_cell(k, question) is not None)
            )
        return {record: above[tuple(found)] for record, found in leaves.items()}

    def _cells_of_rows(self, indicator: Indicator, rows: Mapping[str, pa.Table]) -> list[CellKey]:
        keys = self.lake.engine.run(
            self.compiler(partial(self._in_memory, rows)).contributions(indicator.id).select(*KEY).distinct()
        )
        return [
            CellKey(indicator.id, RegionCode(region), Period.parse(text))
            for region, text in zip(keys["region"].to_pylist(), keys["period"].to_pylist(), strict=True)
        ]

    def _beside(self, file: str, record: int, question: Question) -> list[CellKey]:
        found: dict[CellKey, None] = {}
        for indicator in self.numbers.indicators.values():
            for table in dict.fromkeys((indicator.published, indicator.targets)):
                for claim, _ in self.numbers.claims_of(indicator, table, question):
                    if (claim.file, claim.record) == (file, record):
                        found[CellKey(indicator.id, claim.region, claim.period)] = None
        return list(found)

    # -- proof ----------------------------------------------------------------------------------------------

    def recompute(self, keys: Collection[CellKey], question: Question) -> dict[CellKey, Fraction | None]:
        """Work cells out again from nothing but the rows that *why* names, without the engine.

        Returns
        -------
        dict
            The value of each cell in the kept unit; None where the rows do not give one.
        """
        leaves = {key: self._held_leaves(key, question) for key in keys}
        every = {leaf for held in leaves.values() for leaf in held}
        used = self.rows_used({leaf for leaf in every if not self._is_gathered(leaf)}, question)
        again = {leaf: self._recount(leaf, question) for leaf in every if self._is_gathered(leaf)}
        found: dict[CellKey, Fraction | None] = {}
        for key in keys:
            gathered: dict[str, Amounts | None] = {}
            for leaf in leaves[key]:
                amount = again.get(leaf)
                if amount is not None:
                    held = gathered.setdefault(leaf.indicator, {})
                    if held is not None:
                        held[(str(leaf.region), leaf.period.text)] = amount
            amounts = self._amounts(key.indicator, used.of(leaves[key]), gathered)
            found[key] = None if amounts is None else amounts.get((str(key.region), key.period.text))
        return found

    def _recount(self, leaf: CellKey, question: Question) -> Fraction | None:
        return self.pager.recount(self.numbers.indicators[leaf.indicator], leaf, question)

    def rests_on_rule(self, name: str) -> bool:
        """Whether only a rule of the service can say the number, so that it cannot be had without the engine."""
        indicator = self.numbers.indicators[name]
        own = indicator.kind == "formula" or (
            indicator.is_leaf and indicator.form == "measure" and indicator.rows_of is None
        )
        return own or any(self.rests_on_rule(used) for used in indicator.uses)

    def _held_leaves(self, key: CellKey, question: Question) -> list[CellKey]:
        return [leaf for leaf in self.links.leaves_of(key) if self.numbers.find_cell(leaf, question) is not None]

    def _amounts(self, name: str, used: Mapping[str, pa.Table], done: dict[str, Amounts | None]) -> Amounts | None:
        if name in done:
            return done[name]
        indicator = self.numbers.indicators[name]
        if indicator.is_leaf:
            found = recount_leaf(
                indicator, self.lake.contracts, lambda t: used.get(t, self.lake.schema(t).empty_table())
            )
        else:
            inputs = {used_name: self._amounts(used_name, used, done) for used_name in indicator.uses}
            known = {n: a for n, a in inputs.items() if a is not None}
            found = recount_derived(indicator, known, self.numbers.regions) if len(known) == len(inputs) else None
        done[name] = found
        return found

    def recompute_by_rule(self, keys: Collection[CellKey], question: Question) -> dict[CellKey, Fraction | None]:
        """As `recompute`, with the engine and the service's own rule, still from nothing but the named rows."""
        found: dict[CellKey, Fraction | None] = {}
        for key in keys:
            leaves = self._held_leaves(key, question)
            used = self.rows_used(leaves, question).of(leaves)
            compiler = self.compiler(partial(self._in_memory, used))
            cells = index_cells(self.lake.engine.run(compiler.cells(key.indicator)))
            cell = cells.get((str(key.region), key.period.text))
            found[key] = None if cell is None or cell.trouble else amount_of(self.numbers.get(key.indicator), cell)
        return found

    def kept_amount(self, key: CellKey, question: Question) -> Fraction | None:
        """A kept cell's value in the kept unit."""
        cell: Cell | None = self.numbers.find_cell(key, question)
        return None if cell is None or cell.trouble else amount_of(self.numbers.get(key.indicator), cell)


def _cell_of(indicator: Indicator, term: Term, contract: Contract, row: Mapping[str, Any]) -> str | None:
    """The period of the cell that a row enters through a term; None when the term does not take it."""
    if any(str(row[f]) not in codes for f, codes in term.where.items()) or (term.field and row[term.field] is None):
        return None
    return period_of(row[contract.period_field], indicator, term)


def _amount_of(indicator: Indicator, term: Term, rows: list[Mapping[str, Any]]) -> Fraction:
    """What some rows come to in a term."""
    if term.take == "count" or term.rule or not term.field:
        return Fraction(len(rows))
    if term.take == "distinct":
        return Fraction(len({row[term.field] for row in rows}))
    amounts = sorted(Fraction(str(row[term.field])) for row in rows)
    if term.take == "percentile":
        return amounts[max(-(-len(amounts) * indicator.per_mille // 1000), 1) - 1] if amounts else Fraction(0)
    return sum(amounts, Fraction(0))


def _write_term(term: Term, summed: TermSum, per_shown: int, decimals: int) -> str:
    """What a term contributes, as printed."""
    if term.take in ("count", "distinct") or term.rule or not term.field:
        return str(summed.amount if summed.amount is not None else summed.rows)
    amount = summed.amount or Fraction(0)
    return write_number(amount / (summed.rows if term.take == "mean" and summed.rows else 1) / per_shown, decimals)
