"""Series drawn over time: one drawing for each kind of period, so that no line joins what must not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby, pairwise

from yucun.base.period import Period
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.drawing import make_line
from yucun.doors.pages.valued import number_address
from yucun.doors.pages.views import EMPTY, Line
from yucun.kernel.indicators.model import Indicator, Value


def _kind_of(period: Period) -> tuple[str, int]:
    return (period.kind, period.end.month if period.kind == "cumulative" else 0)


def _cumulative(months: int) -> Text:
    return Text(f"1—{months} 月累计", f"Jan–{date(2000, months, 1):%b}, cumulative")


def make_lines(
    indicator: Indicator, series: Sequence[Value], asked: Value, as_of: int | None, title: Text = EMPTY
) -> tuple[Line, ...]:
    """Draw a series; ``title`` stands before the name of the kind of period."""
    known = [(v.period, v) for v in series if v.period and v.number is not None]
    known.sort(key=lambda pair: (_kind_of(pair[0]), pair[0].end))
    lines = []
    for (kind, months), group in groupby(known, key=lambda pair: _kind_of(pair[0])):
        named = _cumulative(months) if kind == "cumulative" else words()[f"number.line_{kind}"]
        if title.zh:
            named = Text(f"{title.zh} · {named.zh}", f"{title.en} · {named.en}")
        points = [
            (
                period.title,
                v.number or 0.0,
                v.shown,
                number_address(v.indicator, v.region, period, as_of),
                period == asked.period,
            )
            for period, v in group
        ]
        lines.append(make_line(named, points, indicator.unit.title, indicator.decimals))
    return tuple(lines)


def say_not_compared(series: Sequence[Value]) -> Text:
    """The sentence that refuses to join two kinds of periods; empty when there is only one kind."""
    periods = [v.period for v in series if v.period and v.number is not None]
    for one, other in pairwise(periods):
        if not one.is_comparable(other):
            return words().fill("number.not_compared", one=one.title, other=other.title)
    return EMPTY
