"""Reading: encodings, separators, line numbers, broken lines, heads, units and periods."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.lake.samples import BY_SCOPE, INCOME, TODAY, Book, land, make_book, make_contract, save
from yucun.base.clock import stopwatch
from yucun.base.errors import ContractError
from yucun.base.identity import RegionCode
from yucun.kernel.lake.checking import check_rows
from yucun.kernel.lake.findings import KINDS, make_finding
from yucun.kernel.lake.reading import read_file
from yucun.kernel.lake.reading.encoding import Decoded, decode
from yucun.kernel.lake.reading.head_words import find_period, find_unit_notes, split_head
from yucun.kernel.lake.reading.model import REFUSED_SCHEMA, name_column
from yucun.kernel.lake.reading.text_file import TextFile
from yucun.kernel.lake.written_units import find_factor, is_unit

PLAIN = "地区,时期,收入\n吴兴区,2021,52000\n德清县,2021,51000.25\n"
ROWS = [("330502000000", "2021", 5200000), ("330521000000", "2021", 5100025)]


def rows_of(content: bytes | str, **more: Any) -> list[tuple[str, str, int]]:
    return [(r["region"], r["period"], r["income_fen"]) for r in land(content, INCOME, **more).good]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("gbk", "gb18030"), ("gb2312", "gb18030"),
        ("utf-16", "utf-16"), ("utf-16-le", "utf-16"), ("utf-32", "utf-32"),
    ],
)  # fmt: skip
def test_encodings(encoding: str, told: str) -> None:
    # A file whose words are few, so that UTF-16 without its mark is told by its zero bytes alone.
    text = PLAIN if encoding != "utf-16-le" else PLAIN + "330523,2021,50000.00\n" * 3
    landed = land(text.encode(encoding), INCOME)
    assert [(r["region"], r["period"], r["income_fen"]) for r in landed.good][:2] == ROWS
    assert landed.reading.encoding == told
    assert ("encoding" in landed.notes()) == (told != "utf-8")


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(separator: str, line_end: str) -> None:
    assert rows_of(PLAIN.replace(",", separator).replace("\n", line_end)) == ROWS


def test_lines_are_counted_through_quotes_and_blank_lines() -> None:
    text = '地区,时期,"收入\n（元）"\n\n吴兴区,2021,"52,000"\n\n"德清\n县",2021,51000\n安吉县,2021,很多\n'
    landed = land(text, INCOME)
    assert [row["_record"] for row in landed.good] == [2, 4]
    assert landed.where == {5: "line 8"}
    assert landed.refused[5][0]["where"] == "line 8, column 3"


def test_a_broken_line_costs_only_itself_in_both_encodings() -> None:
    for encoding in ("utf-8", "gb18030"):
        content = (PLAIN + "安吉县,2021,X50000\n" + "长兴县,2021,49000\n" * 1).encode(encoding).replace(b"X", b"\xff")
        landed = land(content, INCOME)
        assert landed.kinds() == {3: ["lake.bad_bytes"]}
        assert [row["_record"] for row in landed.good] == [1, 2, 4]
        assert "�" in landed.raw[3]


def test_a_short_row_whose_rest_is_blank_and_a_footnote_are_not_ragged() -> None:
    landed = land("地区,时期,收入,备注\n吴兴区,2021,52000,,,\n注：快报数\n合计\n", INCOME)
    assert len(landed.good) == 1
    assert not landed.refused
    assert {"footnotes", "totals"} <= landed.notes()


def test_refused_rows_keep_one_shape() -> None:
    reading = read_file(PLAIN.encode(), "x.csv", make_contract(INCOME))
    assert reading.refused.schema == REFUSED_SCHEMA
    assert reading.columns == {"region": "column 1", "period": "column 2", "income_fen": "column 3"}
    assert {"_record", "_where", "_findings", "income_fen__unit"} <= set(reading.rows.column_names)
    assert reading.rows["_where"].to_pylist() == ["line 2", "line 3"]
    assert reading.rows["income_fen"].type == pa.string()


def test_given_values_fill_absent_columns_only() -> None:
    assert rows_of("地区,收入\n吴兴区,5.2\n", given={"period": "2021年", "unit": "万元"}) == ROWS[:1]
    landed = land(PLAIN, INCOME, given={"period": "2020"})
    assert landed.good[0]["period"] == "2021"
    assert "given_unused" in landed.notes()


def test_a_head_is_found_below_titles_and_not_in_data() -> None:
    assert rows_of("湖州市统计局,,\n2021年收入,,\n地区,,收入\n吴兴区,,52000\n") == ROWS[:1]


def test_several_numbers_may_share_one_column_of_units() -> None:
    assert rows_of("地区,时期,收入,计量单位\n吴兴区,2021,5.2,万元\n德清县,2021,51000.25,元\n") == ROWS
    landed = land("地区,时期,收入,单位\n吴兴区,2021,52000,统计局\n", INCOME)
    assert landed.good[0]["income_fen"] == 5200000


def test_a_column_headed_by_its_own_name_is_in_its_own_unit() -> None:
    assert rows_of("region,period,income_fen\n330502,2021,5200000\n") == ROWS[:1]


def test_heads_that_say_two_things() -> None:
    landed = land("地区,2020年收入(万元),2021年收入(万元)\n吴兴区,5,5.2\n", INCOME)
    assert [(r["period"], r["income_fen"]) for r in landed.good] == [("2020", 5000000), ("2021", 5200000)]
    spread = land("地区,时期,城镇居民人均可支配收入（元）,农村居民人均可支配收入（元）\n吴兴区,2021,6,4\n", BY_SCOPE)
    assert [(r["scope"], r["income_fen"]) for r in spread.good] == [("urban", 600), ("rural", 400)]


def test_a_long_file_may_come_to_a_spread_table() -> None:
    landed = land("地区,时期,口径,人均可支配收入\n吴兴区,2021,乡村,4\n吴兴区,2021,全体,5\n", BY_SCOPE)
    assert [(r["scope"], r["income_fen"]) for r in landed.good] == [("rural", 400), ("all", 500)]


def test_a_wide_record_without_any_figure_is_told() -> None:
    landed = land("地区,时期,城镇,乡村\n吴兴区,2021,6,4\n德清县,2021,—,…\n", BY_SCOPE)
    assert landed.kinds() == {2: ["lake.required"]}


def test_all_missing_heads_are_told_together() -> None:
    with pytest.raises(ContractError) as caught:
        land("地区,收人\n吴兴区,1\n", INCOME)
    assert [f.key for f in caught.value.findings] == ["period", "income_fen"]
    assert "「收人」（line 1, column 2）" in caught.value.findings[1].message.zh


def test_sheets_with_other_columns_name_their_own_cells() -> None:
    book = make_book([["地区", "收入"], ["吴兴区", 1]], "2020年")
    page = book.create_sheet("2021年")
    for row in (["序号", "地区", "收入"], [1, "吴兴区", "很多"]):
        page.append(row)
    landed = land(save(book), INCOME, "x.xlsx")
    assert landed.refused[2][0]["where"] == "2021年!C2"


def test_letters_of_columns() -> None:
    assert [name_column(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


@pytest.mark.parametrize(
    ("head", "bare", "unit"),
    [
        ("收入（万元）", "收入", "万元"), ("增长%", "增长", "%"), ("人口:万人", "人口", "万人"), ("收入/元", "收入", "元"),
        ("常住人口（年末）", "常住人口", ""), ("income_all_10k_yuan", "incomeall", "10k_yuan"), ("growth_pct", "growth", "pct"),
        ("面积\n(千公顷)", "面积", "千公顷"), ("population_10k", "population", "10k"), ("人均收入", "人均收入", ""),
    ],
)  # fmt: skip
def test_units_of_heads(head: str, bare: str, unit: str) -> None:
    assert (split_head(head).bare, split_head(head).unit) == (bare, unit)


def test_units_of_notes() -> None:
    assert find_unit_notes(["（单位：万元、%）", "金额单位: 元"]) == ["万元", "%", "元"]
    assert find_unit_notes(["填报单位：湖州市统计局", "单位：统计局", "单位负责人：甲"]) == []
    assert is_unit("美元") and not is_unit("年末")
    assert find_factor("万亩", "m2") == find_factor("亩", "m2") * 10_000  # type: ignore[operator]


@pytest.mark.parametrize(
    ("title", "period"),
    [
        ("2020年1—9月各市居民收入", "2020-01..09"), ("二〇二一年湖州市统计公报", "2021"), ("2022年一季度", "2022Q1"),
        ("2021年前三季度收入", "2021-01..09"), ("（2022年3月）", "2022-03"), ("截至2021年12月31日", "2021-12-31"),
        ("2020年与2021年对比", None), ("填报日期：2022年4月1日", None), ("2021年收入 填报日期：2022年4月1日", "2021"),
        ("各区县居民收入", None), ("2021年末常住人口", "2021-12-31"), ("2020年1-3季度", "2020-01..09"),
    ],
)  # fmt: skip
def test_periods_of_titles(title: str, period: str | None) -> None:
    found = find_period(title)
    assert (found.text if found else None) == period


CELL = st.text(st.sampled_from("ab,\"\n 吴'1"), max_size=6)


@settings(max_examples=200)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=6))
def test_both_ways_to_split_a_text_agree(rows: list[list[str]]) -> None:
    quoted = "\n".join(",".join('"' + c.replace('"', '""') + '"' for c in row) for row in rows)
    file = TextFile(Decoded(f"h,i,j\n{quoted}\n", "utf-8", is_clean=True), ",", "x.csv")
    quick, slow = file._quickly(quoted, 2, 3), file._slowly(quoted.split("\n"), 2, 3)
    assert quick is not None
    assert slow.cells.to_pydict() == {str(n): [row[n] for row in rows] for n in range(3)}
    for part in ("cells", "ordinal", "line"):
        assert getattr(quick, part).to_pylist() == getattr(slow, part).to_pylist()


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_junk_is_refused_with_a_finding_and_never_breaks(content: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        read_file(content, "junk", make_contract(INCOME))
    assert all(f.kind in KINDS for f in caught.value.findings)


@settings(max_examples=20)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=8))
def test_a_damaged_workbook_never_breaks(at: int, noise: bytes) -> None:
    whole = save(make_book([["地区", "时期", "收入"], ["吴兴区", "2021", 1]]))
    damaged = whole[: at % len(whole)] + noise + whole[at % len(whole) + len(noise) :]
    try:
        landed = land(damaged, INCOME, "x.xlsx")
    except ContractError as error:
        told = [finding.kind for finding in error.findings]
    else:
        told = [finding["kind"] for findings in landed.refused.values() for finding in findings]
        assert landed.good or told
    assert all(kind in KINDS for kind in told)


def test_an_unclosed_quote_in_a_large_file_does_not_swallow_it() -> None:
    lines = [f"33050200{n:04d},2021,{n}" for n in range(1000, 3000)]
    lines[500] = '"' + lines[500]
    reading = read_file(("地区,时期,收入\n" + "\n".join(lines)).encode(), "x.csv", make_contract(INCOME))
    assert reading.rows.num_rows == 1999
    assert reading.refused["_record"].to_pylist() == [501]


def test_every_message_says_something_in_both_languages() -> None:
    for name, kind in KINDS.items():
        finding = make_finding(name, "x", "a", "b", field="c", more="d")
        assert finding.message.zh.endswith(kind.do.fill(found="a", expected="b", field="c", more="d").zh)
        assert finding.message.en.endswith(kind.do.fill(found="a", expected="b", field="c", more="d").en)
        assert kind.says.zh and kind.says.en


def test_decode_keeps_what_a_mark_says() -> None:
    assert decode("﻿地区".encode(), "x").text == "地区"


@pytest.mark.data("statistics")
def test_real_files_of_the_province(data_folder: Path) -> None:
    wide = BY_SCOPE.replace('all = ["全体"', 'all = ["income_all_yuan", "全体"').replace(
        'urban = ["城镇"', 'urban = ["income_urban_yuan", "城镇"'
    )
    contract = make_contract(wide.replace('rural = ["农村"', 'rural = ["income_rural_yuan", "农村"'))
    path = data_folder / "statistics" / "zhejiang_cities_income_2020q3.csv"
    reading = read_file(path.read_bytes(), path.name, contract)
    good = check_rows(reading.rows, contract, _AnyCode(), TODAY, reading.columns).good.to_pylist()
    huzhou = {row["scope"]: row["income_fen"] for row in good if row["region"] == "330500000000"}
    assert len(good) == 36
    assert huzhou == {"all": 3910200, "urban": 4609600, "rural": 2892200}
    assert {row["period"] for row in good} == {"2020-01..09"}


class _AnyCode(Book):
    """Knows every code."""

    def resolve(self, words: Any, on: date) -> dict[str, list[RegionCode]]:
        """Take each code at its word."""
        assert on <= TODAY
        return {word: [RegionCode.parse(word)] for word in words}


def test_a_sheet_with_one_far_cell_does_not_take_the_memory() -> None:
    book = make_book([["地区", "时期", "收入"], ["吴兴区", "2021", 1]])
    book.active["XFD1048576"] = 1
    stream = io.BytesIO()
    book.save(stream)
    with pytest.raises(ContractError) as caught:
        read_file(stream.getvalue(), "x.xlsx", make_contract(INCOME))
    assert caught.value.findings[0].kind == "lake.too_wide"


@pytest.mark.parametrize(
    "line",
    [
        '"' * 60_001,
        "/ " * 30_000,
        "单位：" + "万、" * 30_000,
        '"a,' * 20_000,
        "（" * 60_000,
        "2021年" * 10_000,
        "\t" * 1_500,
    ],
    ids=["quotes", "separators", "units", "open-quotes", "brackets", "years", "tabs"],
)
def test_hostile_lines_cost_no_time(line: str) -> None:
    took = stopwatch()
    landed = land(f"地区,时期,收入\n吴兴区,2021,1\n{line}\n德清县,2021,2\n", INCOME)
    assert {1, 3} <= {row["_record"] for row in landed.good}
    try:
        above = land(f"{line}\n地区,时期,收入\n吴兴区,2021,1\n", INCOME).good
    except ContractError as error:
        assert max(len(finding.message.zh) for finding in error.findings) < 2000  # noqa: PT017 - either answer is right
    else:
        assert above
    assert took() < 20


def test_a_file_of_which_no_row_can_be_put_into_columns() -> None:
    landed = land("地区,时期,收入\n吴兴区,2021,1,2,3\n", INCOME)
    assert landed.good == []
    assert landed.kinds() == {1: ["lake.ragged"]}
