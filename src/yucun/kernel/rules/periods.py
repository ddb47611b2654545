"""Months, quarters and years, and their arithmetic, as formulas write it."""

from __future__ import annotations

from yucun.base.period import Period


def month_after(month: Period, count: int) -> Period:
    """The month ``count`` months after a month; a negative count goes back.

    Examples
    --------
    >>> month_after(Period.month(2022, 1), -1).text
    '2021-12'
    """
    number = month.start.year * 12 + month.start.month - 1 + count
    return Period.month(number // 12, number % 12 + 1)


def last_months(month: Period, count: int) -> tuple[Period, ...]:
    """The ``count`` months that end with a month, oldest first.

    Examples
    --------
    >>> [m.text for m in last_months(Period.month(2022, 2), 3)]
    ['2021-12', '2022-01', '2022-02']
    """
    return tuple(month_after(month, back) for back in range(1 - count, 1))


def first_month(period: Period) -> Period:
    """The first month of a month, quarter or year."""
    return Period.month(period.start.year, period.start.month)


def months_of(period: Period) -> tuple[Period, ...]:
    """The months of a month, quarter, year or cumulative period.

    Examples
    --------
    >>> [m.text for m in months_of(Period.quarter(2022, 1))]
    ['2022-01', '2022-02', '2022-03']
    """
    count = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1
    return tuple(month_after(first_month(period), n) for n in range(count))


def quarter_of(period: Period) -> Period:
    """The quarter in which a period begins."""
    return Period.quarter(period.start.year, (period.start.month + 2) // 3)


def year_of(period: Period) -> Period:
    """The year in which a period begins."""
    return Period.year(period.start.year)


def in_kind(period: Period, kind: str) -> Period:
    """The month, quarter or year in which a period begins."""
    match kind:
        case "month":
            return first_month(period)
        case "quarter":
            return quarter_of(period)
        case "year":
            return year_of(period)
    raise ValueError(f"formulas know months, quarters and years, not {kind}")
