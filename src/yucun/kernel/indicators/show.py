"""How a number is written: exact parts into the shown unit, rounded half up, with thousands apart."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from yucun.base.quantity import Rounding, divide
from yucun.kernel.indicators.model import Cell, Indicator


def exact_number(indicator: Indicator, cell: Cell) -> Fraction | None:
    """The value in the shown unit, exactly; a measure by its printed float. None where the cell has trouble."""
    if cell.numerator is not None and cell.denominator:
        return Fraction(cell.numerator, cell.denominator) * indicator.scale / indicator.unit.per_shown
    if cell.measure is not None:
        return Fraction(Decimal(repr(cell.measure))) / indicator.unit.per_shown
    return None


def write_number(number: Fraction, decimals: int) -> str:
    """Write a number to so many decimals, halves away from zero.

    Examples
    --------
    >>> write_number(Fraction(67983, 41303), 2), write_number(Fraction(73514970, 1000), 0)
    ('1.65', '73,515')
    >>> write_number(Fraction(-1, 1000), 2)
    '0.00'
    """
    whole = divide(number.numerator * 10**decimals, number.denominator, Rounding.HALF_UP)
    digits = f"{abs(whole):0{decimals + 1}d}"
    head, tail = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    return ("-" if whole < 0 else "") + f"{int(head):,}" + (f".{tail}" if tail else "")


def count_decimals(printed: str) -> int:
    """Decimals of a printed number.

    Examples
    --------
    >>> count_decimals("1.770"), count_decimals("85000")
    (3, 0)
    """
    return len(printed.partition(".")[2])
