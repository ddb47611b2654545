"""Column functions that give the same on DuckDB and Spark: exact division, scales, ages, the larger and the smaller.

Formulas use these, plus ``+ - *``, comparisons, ``& | ~`` and `choose`; never ``/`` or ``//``, which Ibis
turns into floating point on the way to whole numbers.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import ibis

from yucun.base.quantity import Rounding

# An Ibis column, or a plain value where the law makes it the same for all; its type is known when it runs.
Column = Any
# The name under which DuckDB divides whole numbers towards zero; `to_spark` writes Spark's own.
QUOTIENT = "divide"


@ibis.udf.scalar.builtin(name=QUOTIENT, signature=(("int64", "int64"), "int64"))  # type: ignore[untyped-decorator]
def _quotient(numerator: int, denominator: int) -> int:  # type: ignore[empty-body]
    """Divide whole numbers towards zero."""


def whole(value: Column) -> Column:
    """Turn a value into a 64-bit whole-number column."""
    return (value if isinstance(value, ibis.Expr) else ibis.literal(value)).cast("int64")


def divide(numerator: Column, denominator: Column, rounding: Rounding) -> Column:
    """Divide whole numbers into whole numbers; `yucun.base.quantity.divide` over columns.

    Parameters
    ----------
    numerator, denominator : column or int
        Whole numbers below 2**62; the denominator is above zero.
    rounding : Rounding
        ``EXACT`` is refused: a column has nobody who could own the remainder.

    Notes
    -----
    DuckDB and Spark both divide and take remainders towards zero; only that is used.
    """
    if rounding is Rounding.EXACT:
        raise ValueError("a column cannot own a remainder; choose HALF_UP, HALF_EVEN, DOWN or UP")
    if isinstance(denominator, int) and denominator <= 0:
        raise ValueError(f"the denominator {denominator} is not above zero")
    n, d = whole(numerator), whole(denominator)
    match rounding:
        case Rounding.DOWN:
            return _quotient(n, d)
        case Rounding.UP:
            return _quotient(choose(n < 0, n - (d - 1), n + (d - 1)), d)
        case Rounding.HALF_UP if isinstance(denominator, int) and denominator % 2 == 0:
            return _quotient(n + choose(n < 0, -denominator // 2, denominator // 2), d)
        case Rounding.HALF_UP:
            return _quotient(n * 2 + choose(n < 0, -d, d), d * 2)
    quotient = _quotient(n, d)
    left = n - quotient * d
    twice = choose(left < 0, left * -2, left * 2)
    is_odd = (quotient - _quotient(quotient, whole(2)) * 2) != 0
    step = choose(n < 0, -1, 1)
    return quotient + choose((twice > d) | ((twice == d) & is_odd), step, 0)


def choose(condition: Column, then: Column, otherwise: Column) -> Column:
    """One value where a condition holds and another where not; numbers come as 64-bit whole ones."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    answer = ibis.ifelse(condition, then, otherwise)
    return answer.cast("int64") if answer.type().is_integer() else answer


def larger(first: Column, *others: Column) -> Column:
    """The largest of whole numbers."""
    return ibis.greatest(whole(first), *(whole(o) for o in others))


def smaller(first: Column, *others: Column) -> Column:
    """The smallest of whole numbers."""
    return ibis.least(whole(first), *(whole(o) for o in others))


def at_least_zero(value: Column) -> Column:
    """The value, or nothing where it is below zero."""
    return larger(value, 0)


def all_of(*conditions: Column) -> Column:
    """True where every condition holds."""
    return functools.reduce(operator.and_, conditions)


def any_of(*conditions: Column) -> Column:
    """True where at least one condition holds."""
    return functools.reduce(operator.or_, conditions)


# Between these days every fourth year has a 29 February.
_FIRST_PLAIN, _LAST_PLAIN = date(1900, 3, 1), date(2100, 2, 28)


def full_years(birth: Column, day: date) -> Column:
    """Full years between a date of birth and a day: the birthday itself counts.

    Notes
    -----
    Who was born on 29 February is a year older on 1 March. Where every fourth year is a leap year, D days
    hold ``(4 D + a) div 1461`` full years, ``a`` being the years since the last leap day's year: one
    division instead of three look-ups in the calendar. All other dates take the long way.
    """
    later = (birth.month() > day.month) | ((birth.month() == day.month) & (birth.day() > day.day))
    long_way = whole(day.year - birth.year()) - whole(later)
    if not _FIRST_PLAIN <= day <= _LAST_PLAIN or (day.month, day.day) == (2, 29):
        return long_way
    since_leap = (day.year if day.month > 2 else day.year - 1) % 4
    days = whole(ibis.literal(day).delta(birth, unit="day"))
    return choose(birth.between(_FIRST_PLAIN, day), _quotient(days * 4 + since_leap, whole(1461)), long_way)


def full_months(first: Column, day: date) -> Column:
    """Full months between a date and a day."""
    months = (day.year * 12 + day.month) - (first.year() * 12 + first.month())
    return (months - (first.day() > day.day).cast("int64")).cast("int64")


def by_code(column: Column, values: Mapping[str, int]) -> Column:
    """The number that stands beside each row's code; blank for a code that has none, which an evaluation refuses."""
    cases: Sequence[tuple[Any, Any]] = [(column == code, whole(value)) for code, value in values.items()]
    return ibis.cases(*cases, else_=ibis.null("int64"))


def marginal(amount: Column, brackets: Sequence[tuple[int, int]], rounding: Rounding) -> Column:
    """A marginal scale: each slice of an amount at its own rate in bp, rounded once at the end; nothing below zero."""
    cases, below, before = [], 0, (0, 0)
    for threshold, rate in brackets:
        below += (threshold - before[0]) * before[1]
        before = (threshold, rate)
        cases.append((amount >= threshold, (amount - threshold) * rate + below))
    return divide(ibis.cases(*reversed(cases), else_=whole(0)), 10_000, rounding)


def rate_of(amount: Column, brackets: Sequence[tuple[int, int]]) -> Column:
    """The rate of the bracket in which an amount lies; the threshold itself belongs to the higher one."""
    cases = [(amount >= threshold, whole(rate)) for threshold, rate in reversed(brackets)]
    return ibis.cases(*cases, else_=whole(0))
