"""Made records of every kind of field, with what breaks engines: nothing, ends of ranges, Chinese, signs, zeros."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from yucun.kernel.lake.contract import _ARROW

LARGEST = 2**63 - 1
RECORDS = pa.schema(
    [
        ("region", pa.string()),
        ("period", pa.string()),
        ("word", pa.string()),
        ("amount", pa.int64()),
        ("small", pa.int64()),
        ("measure", pa.float64()),
        ("is_so", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", "UTC")),
        ("_record", pa.int64()),
    ]
)
REGIONS = ("330500000000", "330502000000", "330503000000", "330521001000", "330521001002")
PERIODS = ("2020", "2021", "2021Q1", "2021Q4", "2021-01", "2021-12", "2021-12-31", "2022-02-28")

texts = st.text(
    st.one_of(
        st.sampled_from("湖州余村德清安吉吳㐀𠮷👍éßİσς "),
        st.sampled_from("'\"\\`$%_{}\n\t\0;-"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=8,
)
wholes = st.one_of(
    st.integers(-1000, 1000),
    st.integers(-LARGEST - 1, LARGEST),
    st.sampled_from([LARGEST, -LARGEST - 1, LARGEST - 1, 2**53 + 1, 2**62, 0]),
)
smalls = st.integers(-(10**6), 10**6)
floats = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 1e308, 5e-324, 0.1, 1 / 3]),
)
# Sums of these cancel nothing, so that the order of adding moves no more than the last digits.
positives = st.floats(1e-6, 1e9, allow_nan=False)
days = st.dates(date(1900, 1, 1), date(2199, 12, 31))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "integer": wholes,
    "measure": floats,
    "boolean": st.booleans(),
    "date": days,
    "instant": instants,
    "period": st.sampled_from(PERIODS),
    "region": st.sampled_from(REGIONS),
    "code": st.sampled_from(("urban", "rural", "城镇")),
}
assert BY_TYPE.keys() == _ARROW.keys()


def records(**other: st.SearchStrategy[Any]) -> st.SearchStrategy[pa.Table]:
    """Tables of `RECORDS`; a column may be drawn from something else than usual."""
    usual = {
        "region": st.sampled_from(REGIONS),
        "period": st.sampled_from(PERIODS),
        "word": texts,
        "amount": wholes,
        "small": smalls,
        "measure": positives,
        "is_so": st.booleans(),
        "day": days,
        "at": instants,
    }
    drawn = {name: st.one_of(st.none(), values) for name, values in {**usual, **other}.items()}
    rows = st.lists(st.fixed_dictionaries(drawn), max_size=20)
    return rows.map(_number)


def _number(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{**row, "_record": n} for n, row in enumerate(rows)], schema=RECORDS)
