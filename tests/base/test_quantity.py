"""Whole numbers with a unit: one division, one way to share out, exact conversions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yucun.base.errors import NotKnown, Ours
from yucun.base.quantity import (
    UNITS,
    WRITTEN_UNITS,
    Quantity,
    Rounding,
    divide,
    get_unit,
    in_kept_unit,
    share_out,
)

WHOLE = st.integers(-(10**15), 10**15)


@given(WHOLE, WHOLE.filter(bool))
def test_division_rounds_as_named(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert divide(numerator, denominator, Rounding.HALF_EVEN) == round(exact)
    assert abs(divide(numerator, denominator, Rounding.DOWN)) <= abs(exact)
    assert abs(divide(numerator, denominator, Rounding.UP)) >= abs(exact)
    assert abs(divide(numerator, denominator, Rounding.HALF_UP) - exact) <= Fraction(1, 2)


def test_halves_go_away_from_zero_when_asked() -> None:
    assert [divide(n, 2, Rounding.HALF_UP) for n in (1, 3, -1, -3)] == [1, 2, -1, -2]
    assert [divide(n, 2, Rounding.HALF_EVEN) for n in (1, 3, -1, -3)] == [0, 2, 0, -2]


def test_an_unowned_remainder_is_refused() -> None:
    assert divide(6, 3, Rounding.EXACT) == 2
    with pytest.raises(Ours):
        divide(7, 3, Rounding.EXACT)


@given(WHOLE, st.lists(st.integers(0, 10**9), min_size=1, max_size=60).filter(any))
def test_sharing_out_loses_nothing(total: int, weights: list[int]) -> None:
    parts = share_out(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


def test_sharing_by_no_weight_is_refused() -> None:
    for weights in ([], [0, 0], [1, -1, 3]):
        with pytest.raises(Ours):
            share_out(100, weights)


def test_a_quantity_keeps_to_its_unit() -> None:
    assert (Quantity(150, "fen") - Quantity(50, "fen")).amount == 100
    with pytest.raises(TypeError):
        Quantity(1, "fen") + Quantity(1, "carbon_g")
    with pytest.raises(TypeError):
        Quantity(1.5, "fen")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Quantity(1, "times")
    with pytest.raises(NotKnown, match="furlong"):
        get_unit("furlong")


def test_written_units_convert_exactly() -> None:
    assert in_kept_unit(Decimal("1220.4"), WRITTEN_UNITS["万人"][1]) == 12_204_000
    assert in_kept_unit(Decimal("3644.9"), WRITTEN_UNITS["亿元"][1]) == 36_449_000_000_000
    assert in_kept_unit(Decimal("0.001"), WRITTEN_UNITS["元"][1]) is None
    assert all(unit in UNITS and UNITS[unit].is_exact for unit, _ in WRITTEN_UNITS.values())
