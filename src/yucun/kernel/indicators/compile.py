"""From a definition to one expression: which rows move which cell, and what the cell's value is.

`Compiler.contributions` relates every row to the cells it moves; for a leaf the cell is computed from that very
relation, and a derived indicator moves the relation of its inputs by the same steps by which it gathers their
cells. So *why* (the rows of a cell) and *trace* (the cells of a row) are one relation read two ways. `walk` says
the same steps for a single cell, without a query; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import ibis
import ibis.expr.types as ir

from yucun.kernel.indicators import formulas
from yucun.kernel.indicators.gather import Gatherer
from yucun.kernel.indicators.maps import MapTables
from yucun.kernel.indicators.model import CELL_COLUMNS, EVIDENCE, Indicator, Rule, Term
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract
from yucun.kernel.lake.engine import Engine

KEY = ("region", "period")
ROW_KEY = ("table", FILE_COLUMN, RECORD_COLUMN)
CONTRIBUTION_COLUMNS = (*KEY, "part", "amount", "measure", "said", "counted", "strength", *ROW_KEY)
_STRENGTH = {name: rank for rank, name in enumerate(EVIDENCE)}


@dataclass(frozen=True, slots=True)
class Step:
    """One way in which cells or rows of an input come to stand in a cell of the outer indicator."""

    indicator: str
    slot: str
    move: Callable[[ir.Table], ir.Table]


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles indicators over given tables.

    Parameters
    ----------
    indicators : mapping of str to Indicator
    contracts : mapping of str to Contract
    rules : mapping of str to callable
        ``service.function`` of the services' ``rules.py``.
    tables : callable
        Table name to its rows, in whatever version is being asked about.
    maps : MapTables
        In which regions the rows of others count.
    engine : Engine
        Only to speak of rows in memory.
    places : ibis table
        Each region with those above it, see `maps.places_table`; made here.
    kept : callable
        Indicator to its kept cells, or None to compute them from rows.
    """

    indicators: Mapping[str, Indicator]
    contracts: Mapping[str, Contract]
    rules: Mapping[str, Rule]
    tables: Callable[[str], ir.Table]
    maps: MapTables
    engine: Engine
    kept: Callable[[str], ir.Table | None] = lambda _: None
    places: ir.Table = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", self.engine.memory(self.maps.places))

    def gatherer(self, indicator: Indicator) -> Gatherer:
        """What makes the expressions of a leaf whose rows also count in the regions above."""
        return Gatherer(
            indicator, self.contracts, self.tables, self.maps, self.engine, _strength, _counted, rank, _word
        )

    def contributions(self, name: str) -> ir.Table:
        """Relate rows to cells: region and period of the cell, what the row is there, and the row's own name.

        Returns
        -------
        ibis table
            ``CONTRIBUTION_COLUMNS``; a row that plays two parts appears twice.
        """
        indicator = self.indicators[name]
        if indicator.rows_of is not None:
            made = self.gatherer(indicator)
            parts = [made.contributions(i, term, CONTRIBUTION_COLUMNS) for i, term in enumerate(indicator.terms)]
        elif indicator.is_leaf:
            parts = [self._term_rows(indicator, i, term) for i, term in enumerate(indicator.terms)]
        else:
            parts = [
                step.move(self.contributions(step.indicator))
                .mutate(part=ibis.literal(step.slot))
                .select(*CONTRIBUTION_COLUMNS)
                for step in self.steps(indicator, weights=True)
            ]
        return _union(parts)

    def cells(self, name: str) -> ir.Table:
        """Return the cells of an indicator: ``CELL_COLUMNS``, one row for each region and period."""
        indicator = self.indicators[name]
        if indicator.rows_of is not None:
            return self.engine.memory(self.gatherer(indicator).whole())
        found = _leaf_cells(indicator, self.contributions(name)) if indicator.is_leaf else self._derived(indicator)
        return found.select(*CELL_COLUMNS)

    def leaf_keys(self, name: str) -> ir.Table:
        """Relate kept leaf cells to the cells that rest on them; a leaf cell may come several times.

        Returns
        -------
        ibis table
            ``region`` and ``period`` of the cell; ``leaf``, ``leaf_region``, ``leaf_period``, ``leaf_records``.
        """
        indicator = self.indicators[name]
        if not indicator.is_leaf:
            steps = self.steps(indicator, weights=True)
            return _union(step.move(self.leaf_keys(step.indicator)) for step in steps)
        kept = self.kept(name)
        cells = self.cells(name) if kept is None else kept
        return cells.select(
            *KEY,
            leaf=ibis.literal(name),
            leaf_region=cells.region,
            leaf_period=cells.period,
            leaf_records=cells.records,
        )

    def inner(self, name: str) -> ir.Table:
        """Return the cells of an input: the kept ones if there are any, with their ``value`` in kept units."""
        kept = self.kept(name)
        found = self.cells(name) if kept is None else kept
        return found.mutate(value=_value(found, self.indicators[name]))

    def steps(self, indicator: Indicator, *, weights: bool = False) -> list[Step]:
        """Say how cells and rows of the inputs come to stand in cells of a derived indicator."""
        first = indicator.members[0].indicator
        match indicator.kind:
            case "change":
                return [Step(first, "now", _stay), Step(first, "before", lambda t: _follow(t, indicator.against))]
            case "difference":
                if indicator.minus.startswith("region:"):
                    level = indicator.minus.removeprefix("region:")
                    return [
                        Step(first, "left", self._only_below(level, indicator)),
                        Step(first, "right", self._down(level, indicator)),
                    ]
                return [Step(first, "left", _stay), Step(indicator.minus, "right", _stay)]
            case "sum" | "spread":
                found = [Step(m.indicator, m.name, self._up(indicator)) for m in indicator.members]
                if weights:
                    found += [
                        Step(m.weight, f"{m.name}:weight", self._up(indicator)) for m in indicator.members if m.weight
                    ]
                return found
            case _:
                return [Step(m.indicator, m.name, _stay) for m in indicator.members]

    # -- leaves ---------------------------------------------------------------------------------------------

    def _term_rows(self, indicator: Indicator, number: int, term: Term) -> ir.Table:
        contract = self.contracts[term.table]
        rows = self.tables(term.table)
        region = rows[contract.region_field]
        period, is_taken = _cell_period(rows, contract, indicator, term)
        kept = [is_taken, formulas.level_of_region(region).isin(list(indicator.levels))]
        kept += [rows[field].isin(list(codes)) for field, codes in term.where.items()]
        if term.field:
            kept.append(rows[term.field].notnull())
        is_distinct = term.take == "distinct"
        is_integer = bool(term.field) and contract.get_field(term.field).type == "integer" and not is_distinct
        amount = rows[term.field].cast("int64") * term.sign if is_integer else ibis.null("int64")
        return rows.filter(*kept).select(
            region=region,
            period=period,
            part=ibis.literal(f"term{number}"),
            amount=amount,
            measure=self._measure(indicator, term, rows, contract),
            said=rows[term.field].cast("string") if is_distinct else ibis.null("string"),
            counted=_counted(indicator, contract, rows),
            strength=_strength(contract, rows),
            table=ibis.literal(term.table),
            **{FILE_COLUMN: rows[FILE_COLUMN], RECORD_COLUMN: rows[RECORD_COLUMN]},
        )

    def _measure(self, indicator: Indicator, term: Term, rows: ir.Table, contract: Contract) -> ir.Value:
        if term.rule:
            return self.rules[f"{indicator.service}.{term.rule}"](rows).cast("float64")
        if term.field and term.take != "distinct" and contract.get_field(term.field).type != "integer":
            return rows[term.field].cast("float64")
        return ibis.null("float64")

    # -- derived --------------------------------------------------------------------------------------------

    def _derived(self, indicator: Indicator) -> ir.Table:
        made = {
            "change": self._pair,
            "difference": self._pair,
            "sum": self._sum,
            "spread": self._spread,
            "formula": self._formula,
        }[indicator.kind](indicator)
        # How many records there are is counted by walking down to the leaves; see `walk.count_records`.
        none = ibis.null("int64")
        return made.mutate(records=ibis.literal(0, "int64"), heads=none, heads_top=none)

    def _pair(self, indicator: Indicator) -> ir.Table:
        """Now less before, or left less right, as a whole number, a share of the latter, or a measure."""
        one, other = self.steps(indicator)
        left = one.move(self.inner(one.indicator))
        right = other.move(self.inner(other.indicator))
        both = left.inner_join(right, KEY, rname="{name}_b")
        none = ibis.null("int64")
        reasons = [(both.trouble.notnull(), both.trouble), (both.trouble_b.notnull(), both.trouble_b)]
        if indicator.is_relative:
            reasons.append((both.value_b == 0, "zero_denominator"))
        if {self.indicators[s.indicator].form for s in (one, other)} == {"whole"}:
            numerator = formulas.narrow(formulas.wide(both.numerator) - formulas.wide(both.numerator_b))
            denominator = both.numerator_b if indicator.is_relative else ibis.literal(1, "int64")
            measure = ibis.null("float64")
            reasons.append((numerator.isnull(), "too_large"))
        else:
            gap = both.value - both.value_b
            numerator, denominator = none, none
            measure = formulas.kept(gap / both.value_b.nullif(0) * indicator.scale if indicator.is_relative else gap)
        return _with_trouble(
            both.select(
                *KEY,
                numerator=numerator,
                denominator=denominator,
                measure=measure,
                strength=ibis.least(rank(both.evidence), rank(both.evidence_b)),
                trouble=ibis.cases(*reasons, else_=None),
            )
        )

    def _gather(self, indicator: Indicator) -> ir.Table:
        """The members of each cell, every one of them there; cells that lack one are left out."""
        parts = []
        for member, step in zip(indicator.members, self.steps(indicator), strict=True):
            cells = self.inner(member.indicator)
            if member.weight:
                weights = self.inner(member.weight)
                weighed = cells.inner_join(weights, KEY, rname="{name}_w")
                cells = weighed.select(
                    *[c for c in CELL_COLUMNS if c not in ("evidence", "trouble")],
                    "value",
                    weight=weighed.value_w,
                    evidence=_word(ibis.least(rank(weighed.evidence), rank(weighed.evidence_w))),
                    trouble=ibis.coalesce(weighed.trouble, weighed.trouble_w),
                )
            else:
                cells = cells.mutate(weight=ibis.literal(1.0))
            group = cells.region if indicator.groups != "member" else ibis.literal(member.name)
            parts.append(step.move(cells.mutate(group=group, member=ibis.literal(member.name))))
        return self._complete(indicator, _union(parts))

    def _complete(self, indicator: Indicator, members: ir.Table) -> ir.Table:
        """Keep the cells in which every region of the level, as the map stood, has all its members."""
        found = members.group_by(KEY).aggregate(found=members.count())
        ends = found.mutate(end=formulas.end_of_period(found.period))
        level = self.places.filter(self.places.level == indicator.over)
        pairs = ends.inner_join(level, ends.region == level.above, rname="{name}_below")
        pairs = pairs.filter((pairs.valid_from <= pairs.end) & (pairs.end < pairs.valid_to))
        wanted = pairs.group_by([pairs.region, pairs.period]).aggregate(
            wanted=pairs.count() * len(indicator.members), found_=pairs.found.max()
        )
        full = wanted.filter(wanted.wanted == wanted.found_)
        return members.semi_join(full, KEY)

    def _sum(self, indicator: Indicator) -> ir.Table:
        members = self._gather(indicator)
        found = members.group_by(KEY).aggregate(
            numerator=formulas.narrow(formulas.wide(members.numerator).sum()),
            strength=rank(members.evidence).min(),
            trouble=members.trouble.max(),
        )
        return _with_trouble(
            found.mutate(
                denominator=ibis.literal(1, "int64"),
                measure=ibis.null("float64"),
                trouble=ibis.cases(
                    (found.trouble.notnull(), found.trouble), (found.numerator.isnull(), "too_large"), else_=None
                ),
            )
        )

    def _spread(self, indicator: Indicator) -> ir.Table:
        gathered = self._gather(indicator)
        spread = formulas.SPREADS[indicator.measure]
        about = gathered.group_by(KEY).aggregate(
            strength=rank(gathered.evidence).min(),
            lowest=gathered.value.min(),
            lightest=gathered.weight.min(),
            trouble=gathered.trouble.max(),
        )
        # A member that is not above zero is put at one, so that the logarithm is defined; the cell says why it has no value.
        members = (
            gathered.mutate(value=ibis.cases((gathered.value > 0, gathered.value), else_=1.0))
            if spread.needs_positive
            else gathered
        )
        joined = about.inner_join(spread.formula(members), KEY)
        broken = (joined.lowest <= 0) if spread.needs_positive else ibis.literal(False)
        return _with_trouble(
            joined.select(
                *KEY,
                numerator=ibis.null("int64"),
                denominator=ibis.null("int64"),
                measure=formulas.kept(joined.measure),
                strength=joined.strength,
                trouble=ibis.cases(
                    (joined.trouble.notnull(), joined.trouble),
                    (broken | (joined.lightest < 0), "not_positive"),
                    else_=None,
                ),
            )
        )

    def _formula(self, indicator: Indicator) -> ir.Table:
        parts = []
        for member in indicator.members:
            cells = self.inner(member.indicator)
            parts.append(
                cells.select(
                    *KEY,
                    **{
                        member.name: cells.value,
                        f"s_{member.name}": rank(cells.evidence),
                        f"t_{member.name}": cells.trouble,
                    },
                )
            )
        joined = reduce(lambda a, b: a.inner_join(b, KEY), parts)
        names = [m.name for m in indicator.members]
        measure = self.rules[f"{indicator.service}.{indicator.measure}"](**{n: joined[n] for n in names})
        return _with_trouble(
            joined.select(
                *KEY,
                numerator=ibis.null("int64"),
                denominator=ibis.null("int64"),
                measure=formulas.kept(measure.cast("float64")),
                strength=ibis.least(*[joined[f"s_{n}"] for n in names]),
                trouble=ibis.coalesce(*[joined[f"t_{n}"] for n in names]),
            )
        )

    # -- steps between regions ------------------------------------------------------------------------------

    def _up(self, indicator: Indicator) -> Callable[[ir.Table], ir.Table]:
        """From a region of the gathered level to those above it, as the map stood at the period's end."""
        places = self.places.filter(
            (self.places.level == indicator.over) & self.places.above_level.isin(list(indicator.levels))
        )

        def move(table: ir.Table) -> ir.Table:
            ended = table.mutate(end=formulas.end_of_period(table.period))
            pairs = ended.inner_join(places, ended.region == places.region, rname="{name}_of_place")
            pairs = pairs.filter((pairs.valid_from <= pairs.end) & (pairs.end < pairs.valid_to))
            return _as(table, pairs, pairs.above)

        return move

    def _down(self, level: str, indicator: Indicator) -> Callable[[ir.Table], ir.Table]:
        """From a region of a level to all those below it for which the indicator is defined."""
        places = self.places.filter((self.places.above_level == level) & self.places.level.isin(list(indicator.levels)))

        def move(table: ir.Table) -> ir.Table:
            ended = table.mutate(end=formulas.end_of_period(table.period))
            renamed = places.rename(below="region")
            pairs = ended.inner_join(renamed, ended.region == renamed.above)
            pairs = pairs.filter((pairs.valid_from <= pairs.end) & (pairs.end < pairs.valid_to))
            return _as(table, pairs, pairs.below)

        return move

    def _only_below(self, level: str, indicator: Indicator) -> Callable[[ir.Table], ir.Table]:
        places = self.places.filter((self.places.above_level == level) & self.places.level.isin(list(indicator.levels)))
        return lambda table: table.semi_join(places, "region")


def _as(table: ir.Table, pairs: ir.Table, region: ir.Column) -> ir.Table:
    """Return the pairs in the shape of ``table``, with the region moved."""
    return (
        pairs.mutate(moved_region=region)
        .select(*[c for c in table.columns if c != "region"], region=lambda t: t.moved_region)
        .select(*table.columns)
    )


def _stay(table: ir.Table) -> ir.Table:
    return table


def _follow(table: ir.Table, against: str) -> ir.Table:
    return table.mutate(period=formulas.following(table.period, against)).select(*table.columns)


def _union(tables: Iterable[ir.Table]) -> ir.Table:
    """Stack tables; columns may hold nothing, so that a column of literals meets one of a table."""
    found = list(tables)
    if len({t.schema() for t in found}) > 1:
        found = [t.cast({c: dtype(nullable=True) for c, dtype in t.schema().items()}) for t in found]
    return reduce(lambda a, b: a.union(b), found)


def _cell_period(
    rows: ir.Table, contract: Contract, indicator: Indicator, term: Term
) -> tuple[ir.StringValue, ir.BooleanValue]:
    """The period of the cell that a row belongs to, and whether the row is of a kind that the indicator takes."""
    field = contract.get_field(contract.period_field)
    column = rows[field.name]
    if field.type != "period":
        return formulas.grain_of(column, indicator.grain or "day"), column.notnull()
    if term.is_stock_at_year_end:
        is_year_end = (column.length() == 10) & (column.substr(4, 6) == "-12-31")
        return column.substr(0, 4), is_year_end
    return column, formulas.kind_of_period(column).isin(list(indicator.periods))


def _counted(indicator: Indicator, contract: Contract, rows: ir.Table) -> ir.Value:
    """How many persons a row stands for, by the smallest-cell rule; null where the rule counts none."""
    counts = indicator.smallest.counts if indicator.smallest else ""
    if counts == "records":
        return ibis.literal(1, "int64")
    if counts and any(f.name == counts for f in contract.fields):
        return rows[counts].cast("int64")
    return ibis.null("int64")


def _strength(contract: Contract, rows: ir.Table) -> ir.IntegerValue:
    """How strong a row's evidence is; a row that says nothing came from an office's own file."""
    if not any(f.name == "evidence" for f in contract.fields):
        return ibis.literal(_STRENGTH["seen"], "int64")
    return rank(rows.evidence)


def rank(word: ir.StringValue) -> ir.IntegerValue:
    """How strong evidence is, from its word."""
    cases = [(word == name, ibis.literal(rank, "int64")) for name, rank in _STRENGTH.items()]
    return ibis.cases(*cases, else_=ibis.literal(_STRENGTH["seen"], "int64"))


def _word(rank: ir.IntegerValue) -> ir.StringValue:
    return ibis.cases(*[(rank == number, name) for name, number in _STRENGTH.items()], else_=EVIDENCE[0])


def _row_names(rows: ir.Table) -> ir.StringValue:
    return rows.table + "|" + rows[FILE_COLUMN] + "|" + rows[RECORD_COLUMN].cast("string")


def _value(cells: ir.Table, indicator: Indicator) -> ir.Value:
    """The value in kept units, as a float: for dimensionless measures only."""
    match indicator.form:
        case "whole":
            return cells.numerator.cast("float64")
        case "fraction":
            return cells.numerator.cast("float64") / cells.denominator.nullif(0).cast("float64") * indicator.scale
        case _:
            return cells.measure


def _with_trouble(cells: ir.Table) -> ir.Table:
    """Blank the value where there is trouble, and say the evidence as a word."""
    fine = cells.trouble.isnull()
    return cells.mutate(
        numerator=fine.ifelse(cells.numerator, None).cast("int64"),
        denominator=fine.ifelse(cells.denominator, None).cast("int64"),
        measure=fine.ifelse(cells.measure, None).cast("float64"),
        evidence=_word(cells.strength),
    )


def _leaf_cells(indicator: Indicator, rows: ir.Table) -> ir.Table:
    """Reduce contributions to cells, term by term."""
    aggregates: dict[str, ir.Value] = {
        "records": _row_names(rows).nunique(),
        "strength": rows.strength.min(),
    }
    for i, term in enumerate(indicator.terms):
        mine = rows.part == f"term{i}"
        aggregates[f"n{i}"] = mine.sum().cast("int64")
        if term.take == "distinct":
            aggregates[f"s{i}"] = formulas.wide(rows.said.nunique(where=mine))
        elif term.take == "percentile":
            continue
        elif indicator.form == "measure":
            aggregates[f"m{i}"] = rows.measure.mean(where=mine)
        elif term.take != "count":
            aggregates[f"s{i}"] = formulas.wide(rows.amount).sum(where=mine)
    for i in range(len(indicator.terms)) if indicator.smallest is not None else ():
        aggregates[f"c{i}"] = formulas.narrow(formulas.wide(rows.counted).sum(where=rows.part == f"term{i}"))
    found = rows.group_by(KEY).aggregate(**aggregates)
    if indicator.kind == "percentile":
        found = _with_percentile(indicator, rows, found)
    return _with_trouble(_judge(indicator, found.filter(_is_whole_cell(indicator, found))))


def _with_percentile(indicator: Indicator, rows: ir.Table, found: ir.Table) -> ir.Table:
    """Put the value of the wanted rank beside each cell."""
    is_measure = indicator.form == "measure"
    valued = rows.mutate(value=rows.measure if is_measure else rows.amount)
    tally = valued.group_by([*KEY, "value"]).aggregate(n=valued.count())
    said = formulas.nearest_rank(tally, KEY, indicator.per_mille)
    name, kind = ("m0", "float64") if is_measure else ("s0", "decimal(38,0)")
    return found.inner_join(said.select(*KEY, **{name: said.value.cast(kind)}), KEY)


def _is_whole_cell(indicator: Indicator, found: ir.Table) -> ir.BooleanValue:
    """Whether each term that must be there is: a share's numerator may be empty, nothing else."""
    first = len(indicator.numerator)
    must = [
        found[f"n{i}"] >= 1
        for i, term in enumerate(indicator.terms)
        if term.take in ("one", "mean") or i >= first or not indicator.denominator
    ]
    return reduce(lambda a, b: a & b, must)


def _amount(found: ir.Table, terms: Iterable[tuple[int, Term]]) -> ir.Value:
    """The sum of some terms, wide; a share's empty numerator is nothing."""
    zero = formulas.wide(ibis.literal(0, "int64"))
    pieces = [
        formulas.wide(found[f"n{i}"] * t.sign) if t.take == "count" else ibis.coalesce(found[f"s{i}"], zero)
        for i, t in terms
    ]
    return reduce(lambda a, b: a + b, pieces)


def _judge(indicator: Indicator, found: ir.Table) -> ir.Table:
    """Numerator, denominator and measure of each cell, the persons behind it, and what is wrong with it."""
    numbered = list(enumerate(indicator.terms))
    split = len(indicator.numerator)
    reasons = [(found[f"n{i}"] > 1, "two_records") for i, t in numbered if t.take == "one"]
    numerator: ir.Value = ibis.null("int64")
    denominator: ir.Value = ibis.null("int64")
    measure: ir.Value = ibis.null("float64")
    if indicator.form == "measure":
        measure = formulas.kept(found.m0)
    else:
        numerator = formulas.narrow(_amount(found, numbered[:split]))
        denominator = found.n0 if indicator.kind == "mean" else ibis.literal(1, "int64")
        reasons.append((numerator.isnull(), "too_large"))
    if indicator.denominator:
        denominator = formulas.narrow(_amount(found, numbered[split:]))
        reasons += [(denominator.isnull(), "too_large"), (denominator == 0, "zero_denominator")]
    trouble = ibis.cases(*reasons, else_=None) if reasons else ibis.null("string")
    return found.select(
        *KEY,
        "records",
        "strength",
        numerator=numerator,
        denominator=denominator,
        measure=measure,
        trouble=trouble.cast("string"),
        **_heads(indicator, found),
    )


def _heads(indicator: Indicator, found: ir.Table) -> dict[str, ir.Value]:
    """Persons that the cell tells about: in all, and of them in the numerator of a share."""
    none = ibis.null("int64")
    if indicator.smallest is None:
        return {"heads": none, "heads_top": none}
    split = len(indicator.numerator)
    top = reduce(ibis.greatest, [found[f"c{i}"] for i in range(split)])
    if not indicator.denominator:
        return {"heads": top, "heads_top": none}
    whole = reduce(ibis.greatest, [found[f"c{i}"] for i in range(split, len(indicator.terms))])
    return {"heads": whole, "heads_top": ibis.coalesce(top, ibis.literal(0, "int64"))}


__all__ = ["CELL_COLUMNS", "CONTRIBUTION_COLUMNS", "KEY", "ROW_KEY", "Compiler", "Step", "rank"]
