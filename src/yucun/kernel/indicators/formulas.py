"""The named formulas as expressions over columns: periods and levels read from text, spreads, Theil's split.

Everything here is an Ibis expression: no row is touched by Python. A spread works on *members*: a table with
the columns ``region``, ``period``, ``value``, ``weight`` and ``group``, one row for each region gathered.
Sources: Theil (1967) for T and its split; Gini from the Lorenz curve by trapezoids, which for equal weights
is the mean absolute difference over twice the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from yucun.base.identity import LEVELS
from yucun.base.text import Text

_KEY = ("region", "period")
# Measures are rounded so that the order in which an engine adds cannot change a kept cell.
_KEPT_DECIMALS = 12


def kind_of_period(text: ir.StringValue) -> ir.StringValue:
    """The kind of a period from its canonical text, whose length says it."""
    length = text.length()
    return ibis.cases(
        (length == 4, "year"),
        (length == 6, "quarter"),
        (length == 7, "month"),
        (length == 10, "day"),
        else_="cumulative",
    )


def level_of_region(text: ir.StringValue) -> ir.StringValue:
    """The level that a twelve-digit code says."""
    province, city, county, town, village = LEVELS
    return ibis.cases(
        (text.substr(2, 10) == "0" * 10, province),
        (text.substr(4, 8) == "0" * 8, city),
        (text.substr(6, 6) == "0" * 6, county),
        (text.substr(9, 3) == "000", town),
        else_=village,
    )


def end_of_period(text: ir.StringValue) -> ir.StringValue:
    """The last day as text; 31 stands for every month's end, which sorts rightly beside real days."""
    year, length = text.substr(0, 4), text.length()
    return ibis.cases(
        (length == 10, text),
        (length == 7, text + "-31"),
        (length == 11, year + "-" + text.substr(9, 2) + "-31"),
        (text == year + "Q1", year + "-03-31"),
        (text == year + "Q2", year + "-06-31"),
        (text == year + "Q3", year + "-09-31"),
        else_=year + "-12-31",
    )


def grain_of(column: ir.Column, grain: str) -> ir.StringValue:
    """The period of a date or an instant at a grain: day, month, quarter or year."""
    year = column.year().cast("string")
    month = column.month().cast("string").lpad(2, "0")
    match grain:
        case "year":
            return year
        case "quarter":
            return year + "Q" + column.quarter().cast("string")
        case "month":
            return year + "-" + month
        case _:
            return year + "-" + month + "-" + column.day().cast("string").lpad(2, "0")


def step_year(text: ir.StringValue, years: int) -> ir.StringValue:
    """The same stretch of another year; a day that does not exist there meets no record."""
    return (text.substr(0, 4).cast("int64") + years).cast("string") + text.substr(4, 8)


def following(text: ir.StringValue, against: str) -> ir.StringValue:
    """The period whose change is counted from this one: the inverse of `Period.previous`."""
    if against == "year_before":
        return step_year(text, 1)
    year = text.substr(0, 4)
    next_year = (year.cast("int64") + 1).cast("string")
    length, tail = text.length(), text.substr(5, 2)
    # Only months and quarters step by one; the cast is guarded since a year has nothing there.
    number = ibis.cases((length == 7, tail), (length == 6, text.substr(5, 1)), else_="0").cast("int64")
    stepped = (number + 1).cast("string")
    return ibis.cases(
        ((length == 7) & (number == 12), next_year + "-01"),
        (length == 7, year + "-" + stepped.lpad(2, "0")),
        ((length == 6) & (number == 4), next_year + "Q1"),
        (length == 6, year + "Q" + stepped),
        else_=step_year(text, 1),
    )


def _at_cell(members: ir.Table, column: ir.Column, *by: str) -> ir.Value:
    """Sum a column over a cell, written beside each member of it."""
    return column.sum().over(ibis.window(group_by=[members[k] for k in (*_KEY, *by)]))


def _mean(members: ir.Table, *by: str) -> ir.Value:
    weighted = _at_cell(members, members.weight * members.value, *by)
    return weighted / _at_cell(members, members.weight, *by)


def _reduce(members: ir.Table, term: ir.Value, **more: ir.Value) -> ir.Table:
    """Sum a term over each cell into the column ``measure``."""
    named = members.mutate(term=term, **more)
    return named.group_by(_KEY).aggregate(measure=named.term.sum())


def max_over_min(members: ir.Table) -> ir.Table:
    """The largest over the smallest."""
    return members.group_by(_KEY).aggregate(measure=members.value.max() / members.value.min())


def max_less_min(members: ir.Table) -> ir.Table:
    """The largest less the smallest."""
    return members.group_by(_KEY).aggregate(measure=members.value.max() - members.value.min())


def _variance(members: ir.Table) -> ir.Table:
    mean = _mean(members)
    share = members.weight / _at_cell(members, members.weight)
    named = members.mutate(term=share * (members.value - mean) * (members.value - mean), mean=mean)
    return named.group_by(_KEY).aggregate(variance=named.term.sum(), mean=named["mean"].max(), n=named.count())


def cv_population(members: ir.Table) -> ir.Table:
    """Standard deviation over the mean, the members being all there are (divided by n, or by weight)."""
    found = _variance(members)
    return found.select(*_KEY, measure=found.variance.sqrt() / found["mean"])


def cv_sample(members: ir.Table) -> ir.Table:
    """Standard deviation over the mean, the members being a sample (divided by n - 1); unweighted only."""
    found = _variance(members)
    corrected = found.variance * found.n.cast("float64") / (found.n - 1).nullif(0).cast("float64")
    return found.select(*_KEY, measure=corrected.sqrt() / found["mean"])


def theil(members: ir.Table) -> ir.Table:
    """Theil's T: the weighted mean of (y/mean) ln (y/mean)."""
    relative = members.value / _mean(members)
    share = members.weight / _at_cell(members, members.weight)
    return _reduce(members, share * relative * relative.ln())


def _in_groups(members: ir.Table) -> ir.Table:
    return members.mutate(
        mean=_mean(members),
        group_mean=_mean(members, "group"),
        share=members.weight / _at_cell(members, members.weight),
    )


def theil_between(members: ir.Table) -> ir.Table:
    """The part of Theil's T that lies between the groups: each member put at its group's mean."""
    found = _in_groups(members)
    relative = found.group_mean / found["mean"]
    return _reduce(found, found.share * relative * relative.ln())


def theil_within(members: ir.Table) -> ir.Table:
    """The part of Theil's T that lies within the groups, each weighed by its share of the whole."""
    found = _in_groups(members)
    inside = found.value / found.group_mean
    return _reduce(found, found.share * (found.value / found["mean"]) * inside.ln())


def gini(members: ir.Table) -> ir.Table:
    """Gini from the Lorenz curve by trapezoids; members of one value may stand in any order."""
    whole = ibis.window(group_by=[members[k] for k in _KEY])
    ordered = ibis.cumulative_window(
        group_by=[members[k] for k in _KEY], order_by=[members.value, members.weight, members.group, members.member]
    )
    weighted = members.weight * members.value
    named = members.mutate(
        upto=weighted.sum().over(ordered),
        own=weighted,
        whole=weighted.sum().over(whole),
        weights=members.weight.sum().over(whole),
    )
    strip = named.weight / named.weights * (2 * named.upto - named.own) / named.whole
    found = named.mutate(strip=strip).group_by(_KEY).aggregate(under=lambda t: t.strip.sum())
    return found.select(*_KEY, measure=1 - found.under)


@dataclass(frozen=True, slots=True)
class Spread:
    """A measure over members: its title, its formula, and what it asks of them."""

    title: Text
    formula: Callable[[ir.Table], ir.Table]
    takes_weights: bool
    takes_groups: bool
    needs_positive: bool


SPREADS: dict[str, Spread] = {
    "max_over_min": Spread(Text("最高与最低之比", "highest over lowest"), max_over_min, False, False, True),
    "max_less_min": Spread(Text("最高与最低之差", "highest less lowest"), max_less_min, False, False, False),
    "cv_population": Spread(
        Text("变异系数（总体）", "coefficient of variation (population)"), cv_population, True, False, True
    ),
    "cv_sample": Spread(Text("变异系数（样本）", "coefficient of variation (sample)"), cv_sample, False, False, True),
    "theil": Spread(Text("泰尔指数", "Theil T"), theil, True, False, True),
    "theil_between": Spread(Text("泰尔指数：组间", "Theil T between groups"), theil_between, True, True, True),
    "theil_within": Spread(Text("泰尔指数：组内", "Theil T within groups"), theil_within, True, True, True),
    "gini": Spread(Text("基尼系数", "Gini"), gini, True, False, True),
}


def nearest_rank(tally: ir.Table, by: Sequence[str], per_mille: int) -> ir.Table:
    """Find the percentile by nearest rank from how often each value occurs.

    It is the smallest value that at least ``per_mille`` in a thousand of all values are not above: the value of
    rank ``ceil(n * per_mille / 1000)``, in whole numbers, so that every engine finds the same one.

    Parameters
    ----------
    tally : ibis table
        The columns ``by``, ``value`` and ``n``; one row for each value.

    Returns
    -------
    ibis table
        The columns ``by`` and ``value``.
    """
    keys = [tally[k] for k in by]
    upto = tally.n.sum().over(ibis.cumulative_window(group_by=keys, order_by=tally.value))
    every = tally.n.sum().over(ibis.window(group_by=keys))
    ranked = tally.mutate(upto=upto, every=every)
    reached = ranked.filter(ranked.upto * 1000 >= ranked.every * per_mille)
    return reached.group_by(list(by)).aggregate(value=reached.value.min())


def wide(column: ir.Column) -> ir.DecimalValue:
    """Whole numbers wide enough that no sum of them wraps; `narrow` brings the answer back."""
    return column.cast("decimal(38,0)")


def narrow(number: ir.Value) -> ir.IntegerValue:
    """A wide whole number as 64 bits, or nothing where it does not fit; the cell then says so.

    Ibis holds ``sum`` of whole numbers for 64 bits already and leaves a plain cast away, while DuckDB answers
    with 128 bits; only the way through decimals is checked.
    """
    return number.try_cast("int64")


def kept(measure: ir.Value) -> ir.Value:
    """A measure as a cell keeps it."""
    return measure.round(_KEPT_DECIMALS)
