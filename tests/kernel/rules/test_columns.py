"""Column functions give what plain Python gives, whatever the numbers; arithmetic lines read back to the same."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yucun.base.quantity import Rounding
from yucun.base.quantity import divide as divide_plain
from yucun.kernel.rules import divide, full_months, full_years, marginal, rate_of
from yucun.kernel.rules.arithmetic import work_out, write
from yucun.kernel.rules.columns import Column
from yucun.kernel.rules.evaluate import write_sql

ROUNDINGS = [Rounding.HALF_UP, Rounding.HALF_EVEN, Rounding.DOWN, Rounding.UP]


def run(table: pa.Table, **columns: Column) -> dict[str, list[object]]:
    connection = duckdb.connect(":memory:")
    connection.register("t", table)
    expression = columns["answer"].as_table()
    answer: dict[str, list[object]] = connection.execute(write_sql(expression)).to_arrow_table().to_pydict()
    return answer


def column_of(values: list[object], kind: pa.DataType) -> tuple[pa.Table, Column]:
    table = pa.table({"n": pa.array(values, kind)})
    return table, ibis.table({"n": "date" if kind == pa.date32() else "int64"}, name="t")["n"]


@settings(max_examples=40)
@given(
    numbers=st.lists(st.integers(-(2**55), 2**55), min_size=1, max_size=8),
    denominator=st.integers(1, 10**6),
    rounding=st.sampled_from(ROUNDINGS),
)
def test_division_is_that_of_whole_numbers(numbers: list[int], denominator: int, rounding: Rounding) -> None:
    table, n = column_of(list(numbers), pa.int64())
    expression = divide(n, denominator, rounding)
    ours = run(table, answer=expression.name("answer"))["answer"]
    assert ours == [divide_plain(number, denominator, rounding) for number in numbers]
    assert [work_out(write(expression, {"n": number}).en) for number in numbers] == ours


def test_division_refuses_what_it_cannot_do() -> None:
    _, n = column_of([1], pa.int64())
    with pytest.raises(ValueError, match="remainder"):
        divide(n, 2, Rounding.EXACT)
    with pytest.raises(ValueError, match="above zero"):
        divide(n, 0, Rounding.DOWN)


@settings(max_examples=60)
@given(
    births=st.lists(st.dates(date(1880, 1, 1), date(2060, 12, 31)), min_size=1, max_size=10),
    day=st.dates(date(1905, 1, 1), date(2105, 12, 31)),
)
def test_full_years_and_months(births: list[date], day: date) -> None:
    table, birth = column_of(list(births), pa.date32())
    years, months = full_years(birth, day), full_months(birth, day)
    expected = [day.year - b.year - ((b.month, b.day) > (day.month, day.day)) for b in births]
    assert run(table, answer=years.name("answer"))["answer"] == expected
    assert [work_out(write(years, {"n": b}).en) for b in births] == expected
    assert run(table, answer=months.name("answer"))["answer"] == [
        (day.year - b.year) * 12 + day.month - b.month - (b.day > day.day) for b in births
    ]


def test_every_birthday_of_a_long_century() -> None:
    """The short way through the calendar, day by day."""
    births = [date(1899, 1, 1) + timedelta(days=n) for n in range(47_000)]
    table, birth = column_of(list(births), pa.date32())
    for day in (date(2022, 3, 1), date(2024, 2, 29), date(2000, 2, 28), date(1996, 12, 31), date(2021, 1, 1)):
        expected = [day.year - b.year - ((b.month, b.day) > (day.month, day.day)) for b in births]
        assert run(table, answer=full_years(birth, day).name("answer"))["answer"] == expected


@settings(max_examples=30)
@given(st.lists(st.integers(-1_000, 3_000_000), min_size=1, max_size=8))
def test_marginal_scale(amounts: list[int]) -> None:
    brackets = [(0, 200), (600_000, 600), (1_240_000, 1200)]

    def by_slices(amount: int) -> int:
        total = 0
        for position, (threshold, rate) in enumerate(brackets):
            top = brackets[position + 1][0] if position < 2 else amount
            total += max(0, min(amount, top) - threshold) * rate
        return divide_plain(total, 10_000, Rounding.HALF_UP)

    table, n = column_of(list(amounts), pa.int64())
    scale = marginal(n, brackets, Rounding.HALF_UP)
    assert run(table, answer=scale.name("answer"))["answer"] == [by_slices(a) for a in amounts]
    assert [work_out(write(scale, {"n": a}).en) for a in amounts] == [by_slices(a) for a in amounts]
    rates = [next((r for t, r in reversed(brackets) if a >= t), 0) for a in amounts]
    assert run(table, answer=rate_of(n, brackets).name("answer"))["answer"] == rates
