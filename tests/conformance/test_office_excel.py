"""Workbooks as offices really make them, each landing right to the digit or refused with its cell named.

Each shape stands in docs/how-to/office-files.md under the same name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.kernel.lake.old_files import make_ods, make_xls
from tests.kernel.lake.samples import BY_SCOPE, EVERY, INCOME, Landed, land, make_book, save
from yucun.base.errors import ContractError

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "office-files.md"
WUXING, DEQING, ANJI, HUZHOU = "330502000000", "330521000000", "330523000000", "330500000000"
SHAPES: dict[str, Callable[[], None]] = {}


def shape(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Name a shape; the page lists it under that name."""

    def keep(check: Callable[[], None]) -> Callable[[], None]:
        SHAPES[name] = check
        return check

    return keep


def _day(month: int, day: int) -> datetime:
    """A day of 2022 as a spreadsheet holds it: without a zone."""
    return datetime(2022, month, day)  # noqa: DTZ001 - spreadsheets know no zones


def incomes(landed: Landed) -> list[tuple[Any, ...]]:
    """Region, period and fen of each row (and the scope, where there is one)."""
    names = [n for n in ("region", "period", "scope", "income_fen") if landed.good and n in landed.good[0]]
    return [tuple(row[n] for n in names) for row in landed.good]


def sheet(rows: Sequence[Sequence[Any]], merge: Sequence[str] = (), title: str = "Sheet1") -> bytes:
    """A saved workbook of one sheet."""
    return save(make_book(rows, title, merge))


@shape("two-level-head")
def _two_levels() -> None:
    landed = land(
        sheet(
            [
                ["2020年1—9月各区县居民收入"],
                [None, None, None, "单位：元"],
                ["地区", "人均可支配收入", None, None],
                [None, "全体居民", "城镇居民", "农村居民"],
                ["吴兴区", 48735, 54754.5, "２９，４３９"],
                ["德清县", "46,519", "52 402", 31816],
                ["合　计", 1, 2, 3],
                ["注：数据为快报数。"],
                ["数据来源：统计局"],
            ],
            ["A1:D1", "A3:A4", "B3:D3"],
        ),
        BY_SCOPE,
    )
    period = "2020-01..09"
    assert incomes(landed) == [
        (WUXING, period, "all", 4873500), (WUXING, period, "urban", 5475450), (WUXING, period, "rural", 2943900),
        (DEQING, period, "all", 4651900), (DEQING, period, "urban", 5240200), (DEQING, period, "rural", 3181600),
    ]  # fmt: skip
    assert {"title", "period", "unit", "head_levels", "totals", "footnotes"} <= landed.notes()
    assert not landed.refused


@shape("years-across")
def _years_across() -> None:
    landed = land(
        sheet(
            [["地区", "2019年", "2020年", "2021年"], ["吴兴区", 40000, 41000, 42000.25], ["安吉县", 39000, "—", "…"]]
        ),
        INCOME,
    )
    assert incomes(landed) == [
        (WUXING, "2019", 4000000),
        (WUXING, "2020", 4100000),
        (WUXING, "2021", 4200025),
        (ANJI, "2019", 3900000),
    ]


@shape("years-over-groups")
def _years_over_groups() -> None:
    landed = land(
        sheet(
            [["地区", "2020年", None, "2021年", None], [None, "城镇", "乡村", "城镇", "乡村"], ["吴兴区", 1, 2, 3, 4]],
            ["A1:A2", "B1:C1", "D1:E1"],
        ),
        BY_SCOPE,
    )
    assert incomes(landed) == [
        (WUXING, "2020", "urban", 100), (WUXING, "2020", "rural", 200), (WUXING, "2021", "urban", 300), (WUXING, "2021", "rural", 400),
    ]  # fmt: skip


@shape("two-figures-by-group")
def _two_figures() -> None:
    head = [["地区", "人均可支配收入(元)", None, "增长%", None], [None, "城镇", "乡村", "城镇", "乡村"]]
    rows = [*head, ["吴兴区", 48735, 39102, 5.8, -0.1]]
    landed = land(sheet(rows, ["A1:A2", "B1:C1", "D1:E1"]), BY_SCOPE, given={"period": "2021"})
    assert [(r["scope"], r["income_fen"], r["growth_bp"]) for r in landed.good] == [
        ("urban", 4873500, 580),
        ("rural", 3910200, -10),
    ]
    assert "given" in landed.notes()


@shape("unit-in-the-corner")
def _unit_in_corner() -> None:
    rows = [["（单位：万元）"], ["地区", "时期", "收入"], ["吴兴区", "2021年", 4.8735], ["德清县", "2021年", "46519元"]]
    landed = land(sheet(rows), INCOME)
    assert incomes(landed) == [(WUXING, "2021", 4873500), (DEQING, "2021", 4651900)]


@shape("unit-in-each-head")
def _unit_in_heads() -> None:
    landed = land(sheet([["地区", "年份", "收入\n（万元）", "比上年增长%"], ["湖州市", 2021.0, 5.4, 10.5]]), INCOME)
    assert landed.good == [{"region": HUZHOU, "period": "2021", "income_fen": 5400000, "growth_bp": 1050, "_record": 1}]


@shape("percent-cells")
def _percent_cells() -> None:
    book = make_book([["地区", "时期", "收入", "增长"], ["吴兴区", "2021年", "=50000+2000", 0.058]])
    book.active["D2"].number_format = "0.0%"
    landed = land(save(book, {"C2": "52000"}), INCOME)
    assert landed.good == [{"region": WUXING, "period": "2021", "income_fen": 5200000, "growth_bp": 580, "_record": 1}]


@shape("formulas-and-errors")
def _formulas() -> None:
    rows = [
        ["地区", "时期", "收入"],
        ["吴兴区", "2021年", 52000],
        ["德清县", "2021年", "=C2*2"],
        ["安吉县", "2021年", "#REF!"],
    ]
    landed = land(sheet(rows), INCOME)
    assert incomes(landed) == [(WUXING, "2021", 5200000)]
    assert [(f["kind"], f["where"], f["found"]) for found in landed.refused.values() for f in found] == [
        ("lake.formula_uncached", "Sheet1!C3", "=C2*2"), ("lake.cell_error", "Sheet1!C4", "#REF!"),
    ]  # fmt: skip


@shape("codes-as-numbers")
def _codes_as_numbers() -> None:
    rows = [
        ["行政区划代码", "地区", "时期", "收入"],
        [330502.0, "吴兴", "2021", " 52000 "],
        [330521000000, "德清", "２０２１年", "'51000"],
    ]
    landed = land(sheet(rows), INCOME)
    assert incomes(landed) == [(WUXING, "2021", 5200000), (DEQING, "2021", 5100000)]
    assert "columns_left_out" in landed.notes()


@shape("merged-regions")
def _merged_regions() -> None:
    rows = [
        ["地区", "时期", "收入"],
        ["吴兴区", "2020年", 1],
        [None, "2021年", 2],
        ["德清县", "2020年", 3],
        [None, "2021年", 4],
    ]
    landed = land(sheet(rows, ["A2:A3", "A4:A5"]), INCOME)
    assert incomes(landed) == [
        (WUXING, "2020", 100),
        (WUXING, "2021", 200),
        (DEQING, "2020", 300),
        (DEQING, "2021", 400),
    ]
    assert "filled_down" in landed.notes()


@shape("merged-figures")
def _merged_figures() -> None:
    rows = [["地区", "时期", "收入"], ["吴兴区", "2021年", 1], ["德清县", "2021年", None], ["安吉县", "2021年", 3]]
    landed = land(sheet(rows, ["C2:C3"]), INCOME)
    assert incomes(landed) == [(ANJI, "2021", 300)]
    assert [found[0]["where"] for found in landed.refused.values()] == ["Sheet1!C2", "Sheet1!C3"]


@shape("a-sheet-a-year")
def _sheet_a_year() -> None:
    book = make_book([["各区县收入资料汇编"], ["编印：统计局"]], "封面")
    for year, value in ((2020, 50000), (2021, 52000)):
        page = book.create_sheet(f"{year}年")
        page.append(["地区", "收入"])
        page.append(["吴兴区", value])
    draft = book.create_sheet("草稿")
    draft.append(["地区", "收入"])
    draft.sheet_state = "hidden"
    landed = land(save(book), INCOME)
    assert incomes(landed) == [(WUXING, "2020", 5000000), (WUXING, "2021", 5200000)]
    assert [row["_record"] for row in landed.good] == [1, 2]
    assert {"several_sheets", "sheets_left_out", "period"} <= landed.notes()


@shape("column-numbers-and-page-breaks")
def _column_numbers() -> None:
    head = ["地区", "时期", "收入", "增长"]
    first = [head, ["甲", 1, 2, 3], ["吴兴区", "2021年", 52000, 9.8], ["本页小计", None, 52000, None]]
    second = [head, ["德清县", "2021年", 51000, 9.1], ["总计", None, 103000, None]]
    landed = land(sheet([*first, *second]), INCOME)
    assert incomes(landed) == [(WUXING, "2021", 5200000), (DEQING, "2021", 5100000)]
    assert [row["_record"] for row in landed.good] == [2, 5]
    assert {"repeated_head", "totals"} <= landed.notes()


@shape("months-as-dates")
def _months() -> None:
    rows = [["地区", "月份", "收入"], ["吴兴区", _day(3, 1), 1], ["德清县", "2022年3月", 2], ["安吉县", _day(3, 31), 3]]
    book = make_book(rows)
    book.active["B2"].number_format = 'yyyy"年"m"月"'
    assert incomes(land(save(book), INCOME)) == [
        (WUXING, "2022-03", 100),
        (DEQING, "2022-03", 200),
        (ANJI, "2022-03-31", 300),
    ]


@shape("dates-as-numbers")
def _serials() -> None:
    rows = [["村社区", "日期", "类型", "面积（亩）"], ["余村村", 44651, "竹", 1], ["余村村", _day(4, 1), "茶", 1]]
    assert [row["day"] for row in land(sheet(rows), EVERY).good] == [date(2022, 3, 31), date(2022, 4, 1)]
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for row in rows:
        book.active.append(row)
    book.active["B2"] = 44651 - 1462
    assert [row["day"] for row in land(save(book), EVERY).good] == [date(2022, 3, 31), date(2022, 4, 1)]


@shape("mu-and-hectares")
def _areas() -> None:
    days = {"2022-03-01": "1.5亩", "2022-03-02": "0.12公顷", "2022/3/3": "100", "20220304": "２㎡"}
    rows = [["村社区", "日期", "类型", "面积"], *(["余村村", day, "茶", area] for day, area in days.items())]
    landed = land(sheet(rows), EVERY)
    assert [row["area_m2"] for row in landed.good] == [1000, 1200, 66667, 2]
    headed = land(sheet([["村社区", "日期", "类型", "面积（千公顷）"], ["余村村", "2022-03-01", "茶", 0.5]]), EVERY)
    assert headed.good[0]["area_m2"] == 5_000_000


@shape("hidden-rows-and-columns")
def _hidden() -> None:
    book = make_book([["代码", "地区", "时期", "收入"], ["330502", "吴兴", "2021", 1], ["330521", "德清", "2021", 2]])
    book.active["A1"] = "adcode"
    book.active.column_dimensions["A"].hidden = True
    book.active.row_dimensions[3].hidden = True
    landed = land(save(book), INCOME)
    assert incomes(landed) == [(WUXING, "2021", 100)]
    assert landed.kinds() == {2: ["lake.hidden_row"]}
    assert landed.where == {2: "Sheet1!3"}
    assert "hidden_column" in landed.notes()


@shape("table-in-the-middle")
def _middle() -> None:
    rows = [
        [], [None, None, "表一  2021年收入情况"], [], [None, None, "地区", "收入（元）", None, "说明"],
        [None, None, "全市", 54000, None, "快报"], [None, None, "吴兴区", 52000], [],
        [None, None, "单位负责人：甲", None, "填表人：乙", "报出日期：2022年1月20日"],
    ]  # fmt: skip
    landed = land(sheet(rows, ["C2:F2"]), INCOME)
    assert incomes(landed) == [(HUZHOU, "2021", 5400000), (WUXING, "2021", 5200000)]
    assert {"footnotes", "columns_left_out"} <= landed.notes()


@shape("centred-without-merging")
def _centred() -> None:
    rows = [["地区", "人均可支配收入（万元）", None], [None, "城镇", "乡村"], ["吴兴区", 5.2, 4]]
    landed = land(sheet(rows), BY_SCOPE, given={"period": "2021"})
    assert incomes(landed) == [(WUXING, "2021", "urban", 5200000), (WUXING, "2021", "rural", 4000000)]


@shape("float-noise")
def _noise() -> None:
    landed = land(
        sheet([["地区", "时期", "收入(万元)"], ["吴兴区", "2021", 1.1 + 2.2], ["德清县", "2021", 5.12345678]]), INCOME
    )
    assert incomes(landed) == [(WUXING, "2021", 3300000)]
    assert [(f["kind"], f["where"]) for f in landed.refused[2]] == [("lake.too_fine", "Sheet1!C3")]


@shape("old-xls")
def _old() -> None:
    rows = [
        ["2021年收入", "", ""],
        ["地区", "收入(元)", ""],
        ["", "城镇", "乡村"],
        ["吴兴区", 60000, 40000.5],
        ["合计", 1, 2],
    ]
    landed = land(make_xls({"表1": rows}, [(0, 0, 0, 2), (1, 2, 0, 0), (1, 1, 1, 2)]), BY_SCOPE, "收入.xls")
    assert incomes(landed) == [(WUXING, "2021", "urban", 6000000), (WUXING, "2021", "rural", 4000050)]
    assert landed.reading.encoding == "xls"


@shape("open-document")
def _ods() -> None:
    head = [[("span", "2021年收入（单位：元）", 1, 4)], ["地区", "时期", "收入", "增长"]]
    rows = [*head, [("span", "吴兴区", 2, 1), "2020年", 50000, ("%", 0.058)], [None, "2021年", 52000.5, 6]]
    landed = land(make_ods(rows), INCOME, "收入.ods")
    assert [(r["region"], r["period"], r["income_fen"], r["growth_bp"]) for r in landed.good] == [
        (WUXING, "2020", 5000000, 580), (WUXING, "2021", 5200050, 600),
    ]  # fmt: skip


@shape("web-page-called-xls")
def _web_page() -> None:
    page = (
        '<html><head><meta charset="gb2312"></head><body><table><tr><td colspan=3>2021年收入</td></tr>'
        "<tr><th rowspan=2>地区</th><th colspan=2>收入（元）</th></tr><tr><th>城镇</th><th>乡村</th></tr>"
        "<tr><td>吴兴区</td><td>60,000</td><td>&nbsp;40000.5 </td></tr></table></body></html>"
    )
    landed = land(page.encode("gb18030"), BY_SCOPE, "export.xls")
    assert incomes(landed) == [(WUXING, "2021", "urban", 6000000), (WUXING, "2021", "rural", 4000050)]
    assert landed.reading.encoding == "html"


@shape("no-such-column")
def _no_such_column() -> None:
    with pytest.raises(ContractError) as caught:
        land(sheet([["2021年"], ["地区", "可支配收人"], ["吴兴区", 1]]), INCOME, "收入.xlsx")
    finding = caught.value.findings[0]
    assert (finding.kind, finding.where) == ("lake.head_missing", "收入.xlsx Sheet1!2")
    assert "可支配收人" in finding.message.zh


@pytest.mark.parametrize("name", SHAPES)
def test_shape_lands_right_or_names_its_cell(name: str) -> None:
    assert SHAPES[name]() is None, "each shape asserts its own figures"


def test_page_and_shapes_name_the_same() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(SHAPES)
