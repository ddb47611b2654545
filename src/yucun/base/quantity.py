"""Quantities: whole numbers with a unit, one rounding division, and how a unit is written for people.

Money is kept in fen, carbon in grams, area in square metres, time in seconds; never in floating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from yucun.base.errors import Finding, NotKnown, Ours
from yucun.base.text import Text


class Rounding(Enum):
    """How `divide` treats what is left over; each use names one."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"
    EXACT = "exact"


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Divide two whole numbers into a whole number.

    Parameters
    ----------
    numerator, denominator : int
        Any whole numbers; the denominator is not zero.
    rounding : Rounding
        ``HALF_UP`` rounds halves away from zero, ``DOWN`` towards zero, ``UP`` away from zero;
        ``EXACT`` refuses a remainder.

    Raises
    ------
    ZeroDivisionError
        If the denominator is zero.
    Ours
        If ``EXACT`` was asked for and a remainder is left: somebody must own it.

    Examples
    --------
    >>> divide(5, 2, Rounding.HALF_UP), divide(5, 2, Rounding.HALF_EVEN), divide(-5, 2, Rounding.DOWN)
    (3, 2, -2)
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    sign = -1 if numerator < 0 else 1
    whole, left = divmod(abs(numerator), denominator)
    if left == 0:
        return sign * whole
    if rounding is Rounding.EXACT:
        raise Ours(f"{numerator}/{denominator} leaves a remainder that nobody owns")
    twice = 2 * left
    up = (
        rounding is Rounding.UP
        or (rounding is Rounding.HALF_UP and twice >= denominator)
        or (rounding is Rounding.HALF_EVEN and (twice > denominator or (twice == denominator and whole % 2)))
    )
    return sign * (whole + 1 if up else whole)


def share_out(total: int, weights: list[int]) -> list[int]:
    """Split a whole number by weights with the largest-remainder method; nothing is lost or made.

    Ties go to the earlier place. All weights zero, or none: refused, since the remainder would have no owner.

    Examples
    --------
    >>> share_out(100, [1, 1, 1])
    [34, 33, 33]
    """
    weight = sum(weights)
    if weight <= 0 or min(weights) < 0:
        raise Ours(f"cannot share {total} by weights {weights}")
    sign, left = (-1 if total < 0 else 1), abs(total)
    parts = [left * w // weight for w in weights]
    remainders = sorted(range(len(weights)), key=lambda i: (-(left * weights[i] % weight), i))
    for i in remainders[: left - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: how it is kept and how it is written.

    Parameters
    ----------
    name : str
        The name used in contracts and column suffixes, e.g. ``"fen"``.
    title : Text
        As written behind a number, e.g. 元 / yuan.
    per_shown : int
        How many kept units make one shown unit (100 fen are one yuan).
    decimals : int
        Digits after the point when nothing else is said.
    is_exact : bool
        True for whole-number units; False for measures such as a Theil index.
    """

    name: str
    title: Text
    per_shown: int = 1
    decimals: int = 0
    is_exact: bool = True


UNITS: dict[str, Unit] = {
    u.name: u
    for u in (
        Unit("fen", Text("元", "yuan"), 100, 0),
        Unit("carbon_g", Text("吨二氧化碳当量", "t CO2e"), 1_000_000, 2),
        Unit("m2", Text("平方米", "m²")),
        Unit("second", Text("秒", "s")),
        Unit("minute", Text("分钟", "min")),
        Unit("day", Text("天", "days")),
        Unit("person", Text("人", "people")),
        Unit("household", Text("户", "households")),
        Unit("bp", Text("%", "%"), 100, 1),
        Unit("bp_point", Text("个百分点", "points"), 100, 1),
        Unit("point_1e2", Text("分", "points"), 100, 2),
        Unit("file", Text("份", "files")),
        Unit("record", Text("条", "records")),
        Unit("place", Text("个", "places")),
        Unit("number", Text("", "")),
        Unit("times", Text("倍", "times"), 1, 2, False),
        Unit("people_a_household", Text("人", "people"), 1, 2, False),
        Unit("share", Text("", ""), 1, 4, False),
        Unit("index", Text("", ""), 1, 4, False),
    )
}

# How offices write magnitudes in heads and unit notes, and what one of them is in the kept unit.
WRITTEN_UNITS: dict[str, tuple[str, Fraction]] = {
    "分": ("fen", Fraction(1)),
    "元": ("fen", Fraction(100)),
    "百元": ("fen", Fraction(10_000)),
    "千元": ("fen", Fraction(100_000)),
    "万元": ("fen", Fraction(1_000_000)),
    "百万元": ("fen", Fraction(100_000_000)),
    "亿元": ("fen", Fraction(10_000_000_000)),
    "yuan": ("fen", Fraction(100)),
    "10k yuan": ("fen", Fraction(1_000_000)),
    "100m yuan": ("fen", Fraction(10_000_000_000)),
    "人": ("person", Fraction(1)),
    "千人": ("person", Fraction(1_000)),
    "万人": ("person", Fraction(10_000)),
    "person": ("person", Fraction(1)),
    "10k person": ("person", Fraction(10_000)),
    "户": ("household", Fraction(1)),
    "万户": ("household", Fraction(10_000)),
    "household": ("household", Fraction(1)),
    "%": ("bp", Fraction(100)),
    "％": ("bp", Fraction(100)),
    "‰": ("bp", Fraction(10)),
    "百分点": ("bp_point", Fraction(100)),
    "平方米": ("m2", Fraction(1)),
    "㎡": ("m2", Fraction(1)),
    "m²": ("m2", Fraction(1)),
    "m2": ("m2", Fraction(1)),
    "亩": ("m2", Fraction(2000, 3)),
    "万亩": ("m2", Fraction(20_000_000, 3)),
    "mu": ("m2", Fraction(2000, 3)),
    "公顷": ("m2", Fraction(10_000)),
    "hectare": ("m2", Fraction(10_000)),
    "平方公里": ("m2", Fraction(1_000_000)),
    "平方千米": ("m2", Fraction(1_000_000)),
    "km²": ("m2", Fraction(1_000_000)),
    "km2": ("m2", Fraction(1_000_000)),
    "克": ("carbon_g", Fraction(1)),
    "千克": ("carbon_g", Fraction(1_000)),
    "公斤": ("carbon_g", Fraction(1_000)),
    "吨": ("carbon_g", Fraction(1_000_000)),
    "秒": ("second", Fraction(1)),
    "分钟": ("minute", Fraction(1)),
    "天": ("day", Fraction(1)),
    "分值": ("point_1e2", Fraction(100)),
}


def get_unit(name: str) -> Unit:
    """Return the unit of that name, or raise `NotKnown` listing those there are."""
    unit = UNITS.get(name)
    if unit is None:
        expected = ", ".join(sorted(UNITS))
        raise NotKnown(
            Finding(
                "unit.unknown",
                name,
                name,
                expected,
                Text(
                    f"没有名为「{name}」的单位；可用：{expected}",
                    f"no unit is called '{name}'; there are: {expected}",
                ),
            )
        )
    return unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A whole number of a unit; adding fen to grams is an error.

    Examples
    --------
    >>> Quantity(150, "fen") + Quantity(50, "fen")
    Quantity(amount=200, unit='fen')
    """

    amount: int
    unit: str

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise TypeError(f"a quantity is a whole number, not {self.amount!r}")
        if not get_unit(self.unit).is_exact:
            raise TypeError(f"'{self.unit}' is a measure, not a quantity")

    def __add__(self, other: Quantity) -> Quantity:
        """Add two quantities of one unit."""
        if other.unit != self.unit:
            raise TypeError(f"cannot add {other.unit} to {self.unit}")
        return Quantity(self.amount + other.amount, self.unit)

    def __sub__(self, other: Quantity) -> Quantity:
        """Subtract two quantities of one unit."""
        return self + Quantity(-other.amount, other.unit)


def in_kept_unit(written: Decimal, factor: Fraction) -> int | None:
    """Turn a written number into whole kept units; None when it is finer than the unit can hold.

    Examples
    --------
    >>> in_kept_unit(Decimal("1220.4"), Fraction(10_000))
    12204000
    """
    exact = Fraction(written) * factor
    return exact.numerator if exact.denominator == 1 else None
