"""Masking: what may be seen stays, the rest is a blank with its mark, row by row of the reader's regions."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.access.conftest import ANJI, CITY, DEQING, Household, make_grant, make_reader, within
from yucun.kernel.access import MASKS, OPEN_READER, Masked, Reader, can_filter, mask

ROWS = pa.table(
    {
        "region": [str(ANJI), str(DEQING), None],
        "members": [3, 4, 5],
        "name": ["张三丰", "李四", None],
        "phone": ["13800001234", "12345", None],
        "income_fen": [100, 200, None],
        "identity_card": ["330523199001010011", "330521199001010022", None],
        "undeclared": ["x", "y", "z"],
        "_record": [1, 2, 3],
    }
)
TABLE = Household()


def masked(reader: Reader, purpose: str = "relief.visit") -> Masked:
    return mask(ROWS, TABLE, reader, purpose, root=CITY, within=within)


def test_the_open_reader_sees_open_fields_only() -> None:
    seen = masked(OPEN_READER)
    rows = seen.table.to_pydict()
    assert rows["region"] == [str(ANJI), str(DEQING), None]
    assert rows["region__mark"] == [None] * 3
    for field in TABLE.fields[1:]:
        assert rows[field.name] == [None] * 3
        assert rows[f"{field.name}__mark"] == ["refused"] * 3
        assert seen.table.schema.field(field.name).type == ROWS.schema.field(field.name).type
    assert set(seen.refused) == {f.name for f in TABLE.fields[1:]}
    assert "undeclared" not in rows
    assert rows["_record"] == [1, 2, 3]


def test_rows_outside_the_regions_are_refused() -> None:
    rows = masked(make_reader(make_grant("L3", (ANJI,)))).table.to_pydict()
    assert rows["members"] == [3, None, None]
    assert rows["members__mark"] == [None, "refused", "refused"]
    assert rows["name"] == ["张三丰", None, None]
    assert rows["identity_card"] == ["330523********0011", None, None]
    assert rows["identity_card__mark"] == ["masked", "refused", "refused"]


def test_a_masked_form_counts_one_level_lower() -> None:
    rows = masked(make_reader(make_grant("L2"))).table.to_pydict()
    assert rows["members"] == [3, 4, 5]
    assert rows["name"] == ["张*", "李*", None]
    assert rows["phone"] == ["138****1234", "****", None]
    assert rows["name__mark"] == ["masked"] * 3
    assert rows["income_fen__mark"] == ["refused"] * 3
    assert rows["identity_card__mark"] == ["refused"] * 3


def test_a_blank_that_may_be_seen_is_no_refusal() -> None:
    rows = masked(make_reader(make_grant("L3"))).table.to_pydict()
    assert rows["income_fen"] == [100, 200, None]
    assert rows["income_fen__mark"] == [None, None, None]


def test_a_table_without_regions_is_the_citys() -> None:
    table = Household(region_field="")
    county = mask(ROWS, table, make_reader(make_grant("L3", (ANJI,))), "relief.visit", root=CITY, within=within)
    city = mask(ROWS, table, make_reader(make_grant("L3")), "relief.visit", root=CITY, within=within)
    assert county.table["members"].to_pylist() == [None] * 3
    assert city.table["members"].to_pylist() == [3, 4, 5]


def test_no_rows_and_chunks() -> None:
    reader = make_reader(make_grant("L3", (ANJI,)))
    assert mask(ROWS.slice(0, 0), TABLE, reader, "relief.visit", root=CITY, within=within).table.num_rows == 0
    chunked = pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1)])
    assert mask(chunked, TABLE, reader, "relief.visit", root=CITY, within=within).table.equals(masked(reader).table)


def test_a_masked_field_cannot_be_searched() -> None:
    assert not can_filter(TABLE, make_reader(make_grant("L2")), "relief.visit", "name").is_allowed
    assert can_filter(TABLE, make_reader(make_grant("L3")), "relief.visit", "name").is_allowed


@given(st.sampled_from(sorted(MASKS)), st.lists(st.none() | st.text(max_size=24), max_size=5))
def test_a_masked_form_never_is_the_value(kind: str, values: list[str | None]) -> None:
    shown = MASKS[kind](pa.chunked_array([pa.array(values, pa.string())])).to_pylist()
    for value, form in zip(values, shown, strict=True):
        assert (form is None) == (value is None)
        if value and "*" not in value:
            assert form != value


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        ("bank_card", "6222020000001234567", "****4567"),
        ("address", "安吉县递铺街道一号", "安吉县递铺街***"),
        ("address", "安吉县", "***"),
        ("identity_card", "330523", "********"),
    ],
)
def test_forms(kind: str, value: str, form: str) -> None:
    assert MASKS[kind](pa.chunked_array([[value]])).to_pylist() == [form]
