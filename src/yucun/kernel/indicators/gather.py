"""Gathered leaves: rows of villages counted in towns, counties and the city, in months, quarters and years at once.

Sums, counts and means are reduced once, to the rows' own regions and the finest period, and rolled up from there
(`base`, `roll_up`). Distinct counts and percentiles do not roll up and are read from rows for every level and kind of
period (`tally`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import pairwise
from operator import and_, or_

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from yucun.base.period import Period, PeriodKind
from yucun.kernel.indicators import formulas
from yucun.kernel.indicators.maps import MapTables
from yucun.kernel.indicators.model import ADDING, CELL_COLUMNS, Indicator, Term
from yucun.kernel.indicators.period_words import period_text, start_of
from yucun.kernel.indicators.tally import values_of
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract
from yucun.kernel.lake.engine import Engine

FINEST_FIRST: tuple[PeriodKind, ...] = ("day", "month", "quarter", "year")
_UNITS = {"day": "D", "month": "M", "quarter": "Q", "year": "Y"}
_KEY = ("region", "period")
_BASE = ("region", "start", "ref")


def finest(indicator: Indicator) -> PeriodKind:
    """The shortest kind of period of a gathered leaf."""
    return next(kind for kind in FINEST_FIRST if kind in indicator.periods)


def kinds_of(indicator: Indicator) -> list[PeriodKind]:
    """The kinds of period of a gathered leaf, shortest first."""
    return [kind for kind in FINEST_FIRST if kind in indicator.periods]


def inside_cuts(days: Sequence[date], kind: PeriodKind) -> list[date]:
    """The days of change that do not begin a period of a kind: they cut it in two maps."""
    return [day for day in days if first_of(day, kind) != day]


def first_of(day: date, kind: PeriodKind) -> date:
    """The first day of the period of a kind in which a day lies."""
    match kind:
        case "day":
            return day
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        case _:
            return date(day.year, 1, 1)


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Makes the expressions of one gathered leaf.

    Parameters
    ----------
    indicator : Indicator
        With `rows_of`.
    contracts : mapping of str to Contract
    tables : callable
        Table name to its rows.
    maps : MapTables
    engine : Engine
        Only to speak of rows in memory.
    strength, counted : callable
        How `compile` reads a row's evidence, and how many persons it stands for.
    rank, word : callable
        How strong evidence is, from its word, and back.
    """

    indicator: Indicator
    contracts: Mapping[str, Contract]
    tables: Callable[[str], ir.Table]
    maps: MapTables
    engine: Engine
    strength: Callable[[Contract, ir.Table], ir.Value]
    counted: Callable[[Indicator, Contract, ir.Table], ir.Value]
    rank: Callable[[ir.StringValue], ir.IntegerValue]
    word: Callable[[ir.IntegerValue], ir.StringValue]

    # -- rows -----------------------------------------------------------------------------------------------

    def places(self) -> ir.Table:
        """In which regions each region's rows count; see `maps.gather_table`."""
        it = self.indicator
        if it.rows_of is None:
            raise ValueError(f"{it.id} is not gathered")
        return self.engine.memory(self.maps.gather(it.rows_of, it.levels, it.in_map_of))

    def dated(
        self, rows: ir.Table, contract: Contract, kind: PeriodKind, only: Sequence[Period] | None
    ) -> tuple[ir.Value, ir.Value, ir.BooleanValue]:
        """First day of a row's period, the day whose map holds for it, and whether the row is asked for."""
        field = contract.get_field(contract.period_field)
        column = rows[field.name]
        if field.type == "period":
            own = finest(self.indicator)
            start = start_of(column, own)
            taken = column.notnull() & (formulas.kind_of_period(column) == own)
            if only is not None:
                taken &= period_text(start, kind).isin([p.text for p in only])
            return start, formulas.end_of_period(column), taken
        day = column.date() if field.type == "instant" else column
        start = day.truncate(_UNITS[kind])
        taken = column.notnull()
        if only is not None:
            taken &= day.between(ibis.date(min(p.start for p in only)), ibis.date(max(p.end for p in only)))
            if not _is_one_stretch(only):
                taken &= start.isin([ibis.date(p.start) for p in only])
        cuts = inside_cuts(self.maps.days_of_change, kind)
        cases = [((day >= ibis.date(d)) & (start < ibis.date(d)), ibis.date(d)) for d in reversed(cuts)]
        return start, ibis.cases(*cases, else_=start) if cases else start, taken

    def taken_by(self, rows: ir.Table, term: Term) -> ir.BooleanValue:
        """Whether a term takes a row."""
        held = [rows[field].isin(list(codes)) for field, codes in term.where.items()]
        if term.field:
            held.append(rows[term.field].notnull())
        return reduce(and_, held, ibis.literal(True))

    def _placed(self, base: ir.Table) -> ir.Table:
        """Put each row beside every region in which it counts; `certain` is 0 where nobody knows."""
        places = self.places().rename(of="region")
        pairs = base.inner_join(places, base.region == places.of)
        pairs = pairs.filter((pairs.valid_from <= pairs.ref) & (pairs.ref < pairs.valid_to))
        kept = [c for c in base.columns if c not in ("region", "ref")]
        return pairs.select(*kept, region=pairs.above, certain=pairs.is_certain)

    # -- what adds up ---------------------------------------------------------------------------------------

    def base(self, kind: PeriodKind, only: Sequence[Period] | None = None) -> ir.Table:
        """Reduce rows to their own region and period: counts, sums and persons by term, records, evidence.

        Returns
        -------
        ibis table
            ``region``, ``start`` and ``ref`` as text; ``n``, ``s`` and ``c`` with each term's number, ``records``,
            ``strength``.
        """
        numbered = list(enumerate(self.indicator.terms))
        tables = dict.fromkeys(t.table for _, t in numbered)
        return reduce(
            lambda a, b: a.union(b),
            [self._base_of(name, [(i, t) for i, t in numbered if t.table == name], kind, only) for name in tables],
        )

    def _base_of(
        self, table: str, terms: Sequence[tuple[int, Term]], kind: PeriodKind, only: Sequence[Period] | None
    ) -> ir.Table:
        contract, rows = self.contracts[table], self.tables(table)
        start, ref, taken = self.dated(rows, contract, kind, only)
        mine = {i: self.taken_by(rows, t) for i, t in terms}
        columns: dict[str, ir.Value] = {f"f{i}": flag for i, flag in mine.items()}
        columns |= {f"a{i}": rows[t.field].cast("int64") for i, t in terms if t.take in ("sum", "mean")}
        columns["strength"] = self.strength(contract, rows)
        columns["counted"] = self.counted(self.indicator, contract, rows)
        few = rows.filter(taken, reduce(or_, mine.values())).select(
            region=rows[contract.region_field], start=start, ref=ref, **columns
        )
        aggregates: dict[str, ir.Value] = {"records": few.count(), "strength": few.strength.min()}
        nothing, zero = ibis.null("decimal(38,0)"), ibis.literal(0, "int64")
        for i, term in enumerate(self.indicator.terms):
            is_mine = i in mine
            aggregates[f"n{i}"] = few.count(where=few[f"f{i}"]) if is_mine else zero
            if is_mine and term.take in ("sum", "mean"):
                aggregates[f"s{i}"] = formulas.wide(few[f"a{i}"]).sum(where=few[f"f{i}"]) * term.sign
            else:
                aggregates[f"s{i}"] = nothing
            aggregates[f"c{i}"] = formulas.wide(few.counted).sum(where=few[f"f{i}"]) if is_mine else nothing
        found = few.group_by(list(_BASE)).aggregate(**aggregates)
        numbers = {
            c: found[c].cast("decimal(38,0)") if c[0] in "sc" and c != "strength" else found[c].cast("int64")
            for c in found.columns
            if c not in _BASE
        }
        text = {c: found[c].cast("string").substr(0, 10) for c in ("start", "ref")}
        # An empty table says that a region is never blank, one with rows does not; they must join all the same.
        return found.select(region=found.region.cast("string"), **text, **numbers)

    def parts(self, found: ir.Table) -> ir.Table:
        """Join the sums of terms to a numerator, a denominator and the persons of each; other columns stay."""
        it, zero = self.indicator, ibis.literal(0, "decimal(38,0)")

        def add(numbers: range) -> ir.Value:
            pieces = [
                formulas.wide(found[f"n{i}"]) * it.terms[i].sign
                if it.terms[i].take == "count"
                else ibis.coalesce(found[f"s{i}"], zero)
                for i in numbers
            ]
            return reduce(lambda a, b: a + b, pieces)

        def persons(numbers: range) -> ir.Value:
            return reduce(ibis.greatest, [ibis.coalesce(found[f"c{i}"], zero) for i in numbers])

        split = len(it.numerator)
        top, bottom = range(split), range(split, len(it.terms))
        none = ibis.null("decimal(38,0)")
        denominator = add(bottom) if bottom else formulas.wide(found.n0) if it.kind == "mean" else none
        is_counted = it.smallest is not None
        named = {
            "numerator": add(top),
            "denominator": denominator,
            "heads": persons(bottom or top) if is_counted else none,
            "heads_top": persons(top) if is_counted and bottom else none,
        }
        rest = [c for c in found.columns if c in (*_BASE, *_KEY, "records", "strength", "certain", "measure")]
        return found.select(*rest, **named)

    def roll_up(self, base: ir.Table, kinds: Sequence[PeriodKind]) -> ir.Table:
        """Add up a base, or parts of it, over regions and kinds of period.

        Returns
        -------
        ibis table
            ``region``, ``period``, the sum of every other column, the weakest ``strength``, and ``certain``.
        """
        placed = self._placed(base)
        parts = [placed.mutate(period=period_text(placed.start, kind)).drop("start") for kind in kinds]
        stacked = reduce(lambda a, b: a.union(b), parts)
        sums: dict[str, ir.Value] = {}
        for name in (c for c in stacked.columns if c not in _KEY):
            column = stacked[name]
            if name in ("strength", "certain"):
                sums[name] = column.min()
            elif column.type().is_integer():
                sums[name] = formulas.narrow(formulas.wide(column).sum())
            else:
                sums[name] = column.sum()
        return stacked.group_by(list(_KEY)).aggregate(**sums)

    def from_kept(self, cells: ir.Table) -> ir.Table:
        """Kept cells of the rows' own level and the finest period, in the shape of `parts` over `base`."""
        kind = finest(self.indicator)
        first = self.contracts[self.indicator.terms[0].table]
        by_date = first.get_field(first.period_field).type != "period"
        start = start_of(cells.period, kind)
        has_denominator = bool(self.indicator.denominator) or self.indicator.kind == "mean"
        none = ibis.null("decimal(38,0)")
        return cells.select(
            region=cells.region,
            start=start,
            ref=start if by_date else formulas.end_of_period(cells.period),
            records=cells.records,
            strength=self.rank(cells.evidence),
            numerator=formulas.wide(cells.numerator),
            denominator=formulas.wide(cells.denominator) if has_denominator else none,
            heads=formulas.wide(cells.heads),
            heads_top=formulas.wide(cells.heads_top),
        )

    def finish(self, found: ir.Table) -> ir.Table:
        """Turn rolled-up parts into cells: whole numbers of 64 bits, or what is wrong.

        What adds up stays beside a zero denominator, so that kept cells can be added up.
        """
        it = self.indicator
        reasons: list[tuple[ir.Value, str]] = [(found.certain == 0, "split")]
        numerator: ir.Value = ibis.null("int64")
        denominator: ir.Value = ibis.null("int64")
        measure: ir.Value = ibis.null("float64")
        if it.form == "measure":
            measure = formulas.kept(found.measure)
        else:
            numerator, denominator = formulas.narrow(found.numerator), ibis.literal(1, "int64")
            reasons.append((numerator.isnull(), "too_large"))
            if it.denominator or it.kind == "mean":
                denominator = formulas.narrow(found.denominator)
                reasons += [(denominator.isnull(), "too_large"), (denominator == 0, "zero_denominator")]
        cells = found.select(
            *_KEY,
            records=found.records,
            evidence=self.word(found.strength),
            numerator=numerator,
            denominator=denominator,
            measure=measure,
            heads=formulas.narrow(found.heads),
            heads_top=formulas.narrow(found.heads_top),
            trouble=ibis.cases(*reasons, else_=None).cast("string"),
        )
        return cells.select(*CELL_COLUMNS)

    # -- cells ----------------------------------------------------------------------------------------------

    def whole(self) -> pa.Table:
        """All cells from rows alone: the columns of `finish`."""
        if self.indicator.is_additive:
            return self.add_up()
        return pa.concat_tables([self.read_again(kind) for kind in kinds_of(self.indicator)])

    def add_up(self, only: Sequence[Period] | None = None, kept: ir.Table | None = None) -> pa.Table:
        """Cells of all kinds from the rows of some of the shortest periods, and kept cells of the others.

        The rows are reduced first, by a question of this leaf's own; what is added up afterwards is small, and asked
        in words that all such leaves share.
        """
        base = self.parts(self.engine.memory(self.engine.run(self.base(finest(self.indicator), only))))
        if kept is not None:
            base = base.union(self.from_kept(kept).select(*base.columns))
        return self.engine.run(self.finish(self.roll_up(base, kinds_of(self.indicator))))

    def read_again(
        self, kind: PeriodKind, only: Sequence[Period] | None = None, said: pa.Table | None = None
    ) -> pa.Table:
        """Cells of all levels for one kind of period, with distinct counts and percentiles read from rows.

        Parameters
        ----------
        said : pyarrow.Table or None
            What the one such term comes to, where that is known already: `tally.count_on`.
        """
        base = self.engine.memory(self.engine.run(self.base(kind, only)))
        found = self.roll_up(base, [kind])
        for i, term in enumerate(self.indicator.terms):
            if term.take in ADDING:
                continue
            values = self.engine.memory(
                said if said is not None else self.engine.run(values_of(self, term, kind, only))
            )
            kept = [c for c in found.columns if c != f"s{i}"]
            joined = found.left_join(values, [found.region == values.in_region, found.period == values.in_period])
            found = joined.select(*[joined[c] for c in kept], joined.said.name(f"s{i}"))
        if self.indicator.form == "measure":
            parts = self.parts(found.mutate(measure=found.s0, s0=ibis.null("decimal(38,0)")))
        else:
            parts = self.parts(found.mutate(measure=ibis.null("float64")))
        return self.engine.run(self.finish(parts))

    # -- rows and cells -------------------------------------------------------------------------------------

    def contributions(self, number: int, term: Term, columns: Sequence[str]) -> ir.Table:
        """Relate the rows of a term to every cell that they enter; see `compile.Compiler.contributions`."""
        contract, rows = self.contracts[term.table], self.tables(term.table)
        own = finest(self.indicator)
        start, ref, taken = self.dated(rows, contract, own, None)
        is_integer = bool(term.field) and contract.get_field(term.field).type == "integer" and term.take != "distinct"
        is_measure = bool(term.field) and contract.get_field(term.field).type == "measure" and term.take != "distinct"
        few = rows.filter(taken, self.taken_by(rows, term)).select(
            region=rows[contract.region_field],
            start=start.cast("string").substr(0, 10),
            ref=ref.cast("string").substr(0, 10),
            part=ibis.literal(f"term{number}"),
            amount=rows[term.field].cast("int64") * term.sign if is_integer else ibis.null("int64"),
            measure=rows[term.field].cast("float64") if is_measure else ibis.null("float64"),
            said=rows[term.field].cast("string") if term.take == "distinct" else ibis.null("string"),
            counted=self.counted(self.indicator, contract, rows),
            strength=self.strength(contract, rows),
            table=ibis.literal(term.table),
            **{FILE_COLUMN: rows[FILE_COLUMN], RECORD_COLUMN: rows[RECORD_COLUMN]},
        )
        placed = self._placed(few)
        placed = placed.filter(placed.certain == 1)
        parts = [
            placed.mutate(period=period_text(placed.start, kind)).select(*columns) for kind in kinds_of(self.indicator)
        ]
        return reduce(lambda a, b: a.union(b), parts)


def _is_one_stretch(periods: Sequence[Period]) -> bool:
    """Whether periods follow each other without a gap."""
    ordered = sorted(periods, key=lambda p: p.start)
    return all((b.start - a.end).days == 1 for a, b in pairwise(ordered))
