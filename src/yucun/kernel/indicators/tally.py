"""Distinct counts and percentiles of gathered rows, for every level and period at once; neither adds up.

A percentile is the nearest rank: the smallest value that at least so many of all are not above. It is one of the
values, so no engine rounds it. DuckDB finds it by ``quantile_disc`` with an exact decimal share; any other engine by
counting how often each value occurs (`formulas.nearest_rank`); a test holds the two together.

What came and went since decides how far a kept distinct count moves: only the values among it are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from yucun.base.period import Period, PeriodKind
from yucun.kernel.indicators import formulas
from yucun.kernel.indicators.changed import Difference
from yucun.kernel.indicators.maps import MapTables
from yucun.kernel.indicators.model import Indicator, Term
from yucun.kernel.indicators.period_words import period_text
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.engine import DUCKDB, Engine

_CELL = ("above_id", "start")
_SHARE = dt.Decimal(4, 3)


class Leaf(Protocol):
    """What a count has to know of the gathered leaf whose rows it takes; `gather.Gatherer` is one."""

    @property
    def indicator(self) -> Indicator:
        """The leaf, with `rows_of`."""
        ...

    @property
    def contracts(self) -> Mapping[str, Contract]:
        """Contracts by table."""
        ...

    @property
    def tables(self) -> Callable[[str], ir.Table]:
        """Table name to its rows."""
        ...

    @property
    def maps(self) -> MapTables:
        """Which region is in which, on each day."""
        ...

    @property
    def engine(self) -> Engine:
        """Only to speak of rows in memory."""
        ...

    def places(self) -> ir.Table:
        """In which regions each region's rows count."""
        ...

    def dated(
        self, rows: ir.Table, contract: Contract, kind: PeriodKind, only: Sequence[Period] | None
    ) -> tuple[ir.Value, ir.Value, ir.BooleanValue]:
        """First day of a row's period, the day whose map holds for it, and whether the row is asked for."""
        ...

    def taken_by(self, rows: ir.Table, term: Term) -> ir.BooleanValue:
        """Whether a term takes a row."""
        ...


@ibis.udf.agg.builtin(name="quantile_disc", signature=((dt.int64, _SHARE), dt.int64))
def _quantile_of_whole(value, share):  # type: ignore[no-untyped-def]
    """DuckDB's discrete quantile of whole numbers."""


@ibis.udf.agg.builtin(name="quantile_disc", signature=((dt.float64, _SHARE), dt.float64))
def _quantile_of_measure(value, share):  # type: ignore[no-untyped-def]
    """DuckDB's discrete quantile of measures."""


def values_of(made: Leaf, term: Term, kind: PeriodKind, only: Sequence[Period] | None) -> ir.Table:
    """Say what a term comes to in each region and period: ``in_region``, ``in_period`` and ``said``.

    Parameters
    ----------
    made : Leaf
        The one that the term belongs to.
    only : sequence of Period or None
        The periods asked for; all of them when None.
    """
    few = _rows_of(made, made.tables(term.table), term, kind, only)
    if term.take == "distinct":
        own = few.distinct()
        placed = _place(made, own)
        found = placed.group_by(list(_CELL)).aggregate(value=placed.value.nunique())
    elif made.engine.name == DUCKDB:
        placed = _place(made, few)
        found = placed.group_by(list(_CELL)).aggregate(value=_quantile(placed.value, made.indicator.per_mille))
    else:
        placed = _place(made, few)
        tally = placed.group_by([*_CELL, "value"]).aggregate(n=placed.count())
        found = formulas.nearest_rank(tally, _CELL, made.indicator.per_mille)
    return _told(made, term, kind, found, is_measure=made.indicator.form == "measure")


def count_on(
    made: Leaf, term: Term, kind: PeriodKind, only: Sequence[Period], moved: Difference, kept: pa.Table
) -> ir.Table:
    """Move kept distinct counts by the values that came or went: the same columns as `values_of`.

    Parameters
    ----------
    moved : Difference
        What came and went since the counts were kept.
    kept : pyarrow.Table
        ``region``, ``period`` and ``numerator`` of the kept cells of the periods asked for.
    """
    came = _rows_of(made, moved.came, term, kind, only)
    went = _rows_of(made, moved.went, term, kind, only) if moved.went is not None else None
    values = (came if went is None else came.union(went)).select("value").distinct()
    now = _rows_of(made, made.tables(term.table), term, kind, only)
    among = made.engine.memory(made.engine.run(values))
    stacked = _signed(now.semi_join(among, "value"), 1, 1).union(_signed(came, 0, -1))
    if went is not None:
        stacked = stacked.union(_signed(went, 0, 1))
    each = stacked.group_by(["region", "start", "ref", "value"]).aggregate(
        now=stacked.now.sum().cast("int64"), then=stacked.then.sum().cast("int64")
    )
    placed = _place(made, each)
    values_there = placed.group_by([*_CELL, "value"]).aggregate(
        now=placed.now.sum().cast("int64"), then=placed.then.sum().cast("int64")
    )
    step = (values_there.now > 0).cast("int64") - (values_there.then > 0).cast("int64")
    moves = values_there.mutate(step=step).group_by(list(_CELL)).aggregate(value=lambda t: t.step.sum().cast("int64"))
    told = _told(made, term, kind, moves, is_measure=False)
    held = made.engine.memory(kept)
    before = held.select(in_region=held.region, in_period=held.period, said=formulas.wide(held.numerator))
    every = before.union(told)
    return every.group_by(["in_region", "in_period"]).aggregate(said=every.said.sum())


def _rows_of(made: Leaf, rows: ir.Table, term: Term, kind: PeriodKind, only: Sequence[Period] | None) -> ir.Table:
    """The rows that a term takes: ``region``, ``start``, ``ref`` and ``value``."""
    contract = made.contracts[term.table]
    start, ref, taken = made.dated(rows, contract, kind, only)
    return rows.filter(taken, made.taken_by(rows, term)).select(
        region=rows[contract.region_field], start=start, ref=ref, value=rows[term.field]
    )


def _signed(rows: ir.Table, now: int, then: int) -> ir.Table:
    return rows.mutate(now=ibis.literal(now, "int64"), then=ibis.literal(then, "int64"))


def _place(made: Leaf, rows: ir.Table) -> ir.Table:
    """Put rows beside every region in which they count, by its number; days are compared as days."""
    places = made.places().rename(of="region")
    pairs = rows.inner_join(places, rows.region == places.of)
    if rows.ref.type().is_date():
        pairs = pairs.filter((pairs.first_day <= pairs.ref) & (pairs.ref < pairs.last_day))
    else:
        pairs = pairs.filter((pairs.valid_from <= pairs.ref) & (pairs.ref < pairs.valid_to))
    return pairs.select(*[c for c in rows.columns if c not in ("region", "ref")], above_id=pairs.above_id)


def _quantile(value: ir.Column, per_mille: int) -> ir.Value:
    share = ibis.literal(Decimal(per_mille).scaleb(-3), _SHARE)
    found: ir.Value = (_quantile_of_whole if value.type().is_integer() else _quantile_of_measure)(value, share)
    return found


def _told(made: Leaf, term: Term, kind: PeriodKind, found: ir.Table, *, is_measure: bool) -> ir.Table:
    """Give regions their codes and periods their words, and the value its place among wide whole numbers."""
    it = made.indicator
    if it.rows_of is None:
        raise ValueError(f"{it.id} is not gathered")
    names = made.engine.memory(made.maps.names(it.rows_of, it.levels, it.in_map_of))
    named = found.inner_join(names, found.above_id == names.id)
    value = named.value.cast("float64") if is_measure else formulas.wide(named.value.cast("int64")) * term.sign
    start = named.start.cast("string").substr(0, 10)
    return named.select(in_region=named.name, in_period=period_text(start, kind), said=value)
