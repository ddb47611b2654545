"""Every kind of bad input in docs/reference/bad-input.md: what it is told, and that good rows of the same file land."""

from __future__ import annotations

import functools
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kernel.lake.old_files import make_compound, make_xls
from tests.kernel.lake.samples import BY_SCOPE, EVERY, INCOME, Landed, land, make_book, save
from yucun.base.errors import ContractError
from yucun.kernel.lake.findings import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "bad-input.md"
UNSAID = INCOME.replace('written_in = "元"\n', "")
# Told when a file meets the table it is for, or by loading in bulk; shown in the tests of landing and of bulk loads.
ELSEWHERE = {"lake.key_known", "lake.bulk_wide", "lake.bulk_address", "lake.bulk_database", "lake.json_line"}


@dataclass(frozen=True)
class Case:
    """One bad file: what is sent, the finding it must make, and what still lands."""

    id: str
    content: Callable[[], bytes]
    kind: str  # without its first word, lake
    where: str  # "3/2" is line 3, column 2
    found: str = ""
    expected: str = ""
    record: int | None = None  # None: the file as a whole is refused
    good: int = 0
    contract: str = INCOME
    given: tuple[tuple[str, str], ...] = ()
    name: str = "sent.csv"


def _lines(*lines: str) -> Callable[[], bytes]:
    return lambda: "\n".join(lines).encode()


def _income(*rows: str) -> Callable[[], bytes]:
    """A file of incomes whose first record is good."""
    return _lines("地区,时期,收入(元),增长(%)", "吴兴区,2021,52000.5,9.8", *rows)


def _every(**cells: str) -> Callable[[], bytes]:
    """A file with a good record and one that differs in the cells that are given."""
    names = "place day at kind is_open area_m2 share remark plot".split()
    good = dict(zip(names, "余村村 2022-03-01 2022-03-01T08:05:00 茶 是 15 0.5 好 A001".split(), strict=True))
    bad = good | {"day": "2022-03-02"} | cells
    return _lines(",".join(names), ",".join(good.values()), ",".join(bad.values()))


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as entry:
            for _ in range(300):
                entry.write(bytes(1 << 20))
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("收入.csv", "地区,时期,收入")
    return out.getvalue()


def _sheet(*rows: list[object], hide: int = 0, merge: str = "") -> Callable[[], bytes]:
    def make() -> bytes:
        book = make_book([["地区", "时期", "收入（元）"], *rows], merge=[merge] if merge else [])
        if hide:
            book.active.row_dimensions[hide].hidden = True
        return save(book)

    return make


GOOD = ["吴兴区", "2021年", 52000.5]
# fmt: off
CASES = (
    # The file as a whole
    Case("empty-file", lambda: b"", "empty_file", "sent.csv"),
    Case("only-blanks", lambda: b" \r\n\r\n ", "empty_file", "sent.csv"),
    Case("pdf-called-csv", lambda: b"%PDF-1.7\n%\xe2\xe3", "not_a_table", "sent.csv", "PDF", ""),
    Case("binary-junk", lambda: bytes(range(256)) * 40, "not_a_table", "sent.csv", "00 01 02", ""),
    Case("zip-of-csv", _zip, "not_a_table", "sent.zip", "收入.csv", "", name="sent.zip"),
    Case("half-utf16", lambda: "地区,收入\n吴兴区,1\n".encode("utf-16")[:-1], "encoding", "sent.csv", "utf-16", ""),
    Case(
        "login-page", "<html><head><title>请登录</title></head><body>…</body></html>".encode,
        "html_page", "sent.xls", "请登录", "", name="sent.xls",
    ),
    Case("zip-bomb", _bomb, "unpacks_too_large", "sent.xlsx", "300 MiB", "256 MiB", name="sent.xlsx"),
    Case(
        "broken-workbook", lambda: save(make_book([["地区"]]))[:900],
        "workbook_broken", "sent.xlsx", "zip", "", name="sent.xlsx",
    ),
    Case(
        "password", lambda: make_compound({"EncryptedPackage": b"x"}),
        "password", "sent.xlsx", "", "", name="sent.xlsx",
    ),
    Case(
        "too-many-columns", _lines(",".join(f"列{n}" for n in range(2001)), "1"),
        "too_wide", "sent.csv", "2001", "2000",
    ),
    Case("endless-first-line", lambda: b"x" * 70_000, "line_too_long", "line 1", "70,000", "65,536"),
    Case(
        "no-head", _lines("吴兴区,2021,52000", "德清县,2021,51000"),
        "no_head", "line 1", "吴兴区 | 2021 | 52000", "region, period, income",
    ),
    Case(
        "missing-head", _lines("地区,时期,可支配收人", "吴兴区,2021,52000"),
        "head_missing", "line 1", "地区、时期、可支配收人", "人均可支配收入 / 收入",
    ),
    Case(
        "ambiguous-head", _lines("地区,时期,收入(元),收入", "吴兴区,2021,1,2"),
        "head_ambiguous", "1/3", "「收入」(line 1, column 4)", "income_fen", contract=INCOME,
    ),
    Case("head-without-rows", _lines("地区,时期,收入"), "no_rows", "sent.csv"),
    Case(
        "foreign-unit-in-head", _lines("地区,时期,收入（美元）", "吴兴区,2021,8000"),
        "head_unit", "1/3", "美元", "万元",
    ),
    Case(
        "foreign-unit-note", _lines("单位：公顷", "地区,时期,收入", "吴兴区,2021,8000"),
        "head_unit", "1/1", "公顷", "万元",
    ),
    Case(
        "unclear-unit-note", _lines("单位：元、万元", "地区,时期,收入", "吴兴区,2021,8000"),
        "unit_unclear", "1/1", "元、万元", "元 / 万元",
    ),
    Case(
        "percent-in-old-workbook", lambda: make_xls({"Sheet1": [["地区", "时期", "收入", "增长"], ["吴兴区", "2021年", 52000, 0.058]]}),
        "percent_unclear", "Sheet1!D1", "0.058", "", name="sent.xls",
    ),
    Case(
        "unknown-given", _income(),
        "given_unknown", "sent.csv", "perid", "region, period, income_fen", given=(("perid", "2021"),),
    ),
    # One record of a text file
    Case("ragged-row", _income("德清县,2021,51000,9.1,多了,一格"), "ragged", "line 3", "6", "4", 2, 1),
    Case(
        "open-quote", _income('"德清县,2021,51000,9.1', "安吉县,2021,50000,9.0"),
        "quote_open", "line 3", '"德清县', "", 2, 2,
    ),
    Case(
        "nul-bytes", _income("德清县,20\0\0 21,51000,9.1", "安吉县,2021,50000,9.0"),
        "nul_byte", "line 3", "␀␀", "", 2, 2,
    ),
    Case(
        "broken-bytes", lambda: _income("德清X,2021,51000,9.1", "安吉县,2021,50000,9.0")().replace(b"X", b"\xe5\x8e"),
        "bad_bytes", "line 3", "2", "UTF-8", 2, 2,
    ),
    Case(
        "endless-line", _income("德清县,2021," + "9" * 70_000, "安吉县,2021,50000,9.0"),
        "line_too_long", "line 3", "70,009", "65,536", 2, 2,
    ),
    # One record of a workbook
    Case(
        "hidden-row", _sheet(GOOD, ["德清县", "2021年", 51000], hide=3),
        "hidden_row", "Sheet1!3", "Sheet1!3", "", 2, 1, name="sent.xlsx",
    ),
    Case(
        "merged-number", _sheet(GOOD, ["德清县", "2021年", 51000], ["安吉县", "2021年", None], merge="C3:C4"),
        "merged_number", "Sheet1!C3", "Sheet1!C3:C4", "", 2, 1, name="sent.xlsx",
    ),
    Case(
        "formula-without-result", _sheet(GOOD, ["德清县", "2021年", "=C2*2"]),
        "formula_uncached", "Sheet1!C3", "=C2*2", "", 2, 1, name="sent.xlsx",
    ),
    Case(
        "error-cell", _sheet(GOOD, ["德清县", "2021年", "#DIV/0!"]),
        "cell_error", "Sheet1!C3", "#DIV/0!", "", 2, 1, name="sent.xlsx",
    ),
    # One cell
    Case("blank-required", _income("德清县,2021,—,9.1"), "required", "3/3", "", "income", 2, 1),
    Case("words-for-number", _income("德清县,2021,约五万,9.1"), "not_a_number", "3/3", "约五万", "1234.5", 2, 1),
    Case("decimal-comma", _income('德清县,2021,"51000,25",9.1'), "not_a_number", "3/3", "51000,25", "1234.5", 2, 1),
    Case("scientific-number", _income("德清县,2021,5.1E+04,9.1"), "not_a_number", "3/3", "5.1E+04", "1234.5", 2, 1),
    Case("finer-than-fen", _income("德清县,2021,51000.125,9.1"), "too_fine", "3/3", "51000.125", "1/100 yuan", 2, 1),
    Case(
        "overflow", _income("德清县,2021,92233720368547758.08,9.1"),
        "overflow", "3/3", "92233720368547758.08", "9,223,372,036,854,775,807", 2, 1,
    ),
    Case(
        "unit-unsaid", _lines("地区,时期,收入", "吴兴区,2021,5.2万元", "德清县,2021,51000"),
        "unit_unsaid", "3/3", "51000", "万元", 2, 1, UNSAID,
    ),
    Case(
        "foreign-unit-in-cell", _income("德清县,2021,8000美元,9.1"),
        "unit_unknown", "3/3", "8000美元", "万元", 2, 1,
    ),
    Case("below-range", _income("德清县,2021,-1,9.1"), "out_of_range", "3/3", "-1", "0 to 1,000,000 yuan", 2, 1),
    Case(
        "above-range", _income("德清县,2021,100万元,9.1", "安吉县,2021,1000001,9"),
        "out_of_range", "4/3", "1000001", "0 to 1,000,000 yuan", 3, 2,
    ),
    Case("unknown-region", _income("德青县,2021,51000,9.1"), "unknown_region", "3/1", "德青县", "330502", 2, 1),
    Case("ambiguous-region", _income("朝阳,2021,51000,9.1"), "ambiguous_region", "3/1", "朝阳", "", 2, 1),
    Case("wrong-level", _income("浙江省,2021,51000,9.1"), "region_level", "3/1", "浙江省", "city or county", 2, 1),
    Case("shortened-code", _income("3.30502E+11,2021,51000,9.1"), "code_shortened", "3/1", "3.30502E+11", "", 2, 1),
    Case("not-a-period", _income("德清县,去年,51000,9.1"), "not_a_period", "3/2", "去年", "2020年1-9月", 2, 1),
    Case("future-period", _income("德清县,2022,51000,9.1"), "future", "3/2", "2022", "2022-05-31", 2, 1),
    Case("month-13", _income("德清县,2021年13月,51000,9.1"), "not_a_period", "3/2", "2021年13月", "2021-03", 2, 1),
    Case("not-a-date", _every(day="2022-02-30"), "not_a_date", "3/2", "2022-02-30", "20210331", 2, 1, EVERY),
    Case("future-date", _every(day="2022-06-01"), "future", "3/2", "2022-06-01", "2022-05-31", 2, 1, EVERY),
    Case("not-a-time", _every(at="早上八点"), "not_an_instant", "3/3", "早上八点", "2021-03-31", 2, 1, EVERY),
    Case("unknown-code", _every(kind="水稻"), "unknown_code", "3/4", "水稻", "tea, bamboo", 2, 1, EVERY),
    Case("neither-yes-nor-no", _every(is_open="也许"), "not_yes_or_no", "3/5", "也许", "yes / no", 2, 1, EVERY),
    Case(
        "too-long-text", _every(remark="一二三四五六七八九十一"),
        "too_long", "3/8", "一二三四五六七八九十一", "10", 2, 1, EVERY,
    ),
    Case("wrong-pattern", _every(plot="a01"), "pattern", "3/9", "a01", "[A-Z]", 2, 1, EVERY),
    # Records together
    Case(
        "duplicate-key", _income("德清县,2021,51000,9.1", "330521,2021年,51001,9.1"),
        "duplicate_key", "line 4", "330521 / 2021年", "", 3, 1,
    ),
)
# fmt: on


@functools.cache
def _content(case_id: str) -> bytes:
    return next(case.content() for case in CASES if case.id == case_id)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_bad_input(case: Case) -> None:
    if case.record is None:
        with pytest.raises(ContractError) as caught:
            land(_content(case.id), case.contract, case.name, dict(case.given))
        findings = [finding.to_json() for finding in caught.value.findings]
    else:
        landed = land(_content(case.id), case.contract, case.name, dict(case.given))
        findings = landed.refused[case.record]
        assert len(landed.good) == case.good
        assert case.record not in {row["_record"] for row in landed.good}
        assert all(found["record"] == case.record for found in findings)
        assert landed.raw[case.record]
    kind = f"lake.{case.kind}"
    finding = next(found for found in findings if found["kind"] == kind)
    assert re.sub(r"^(\d)/(\d)$", r"line \1, column \2", case.where) in finding["where"]
    assert case.found in finding["found"]
    assert case.expected in finding["expected"]
    for language in ("zh", "en"):
        instruction = _pattern(KINDS[kind].do.of(language))
        assert re.search(instruction + "$", finding["message"][language]), finding["message"][language]
        assert "{" not in finding["message"][language].replace("{3}", "")


def _pattern(template: str) -> str:
    """A template's text with its places open."""
    return re.sub(r"\\\{\w+\\\}", ".*", re.escape(template))


def test_page_and_cases_name_the_same() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|.*?\| `(lake\.\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(case.id, f"lake.{case.kind}") for case in CASES]


def test_every_kind_has_a_case() -> None:
    told = {name for name, kind in KINDS.items() if kind.reach != "note"}
    assert told - {f"lake.{case.kind}" for case in CASES} == ELSEWHERE


def test_all_faults_of_a_record_are_told_together() -> None:
    landed = land(_income("德青县,2023,-5,很快", "德清县,2021,51000,9.1")(), INCOME)
    assert landed.kinds() == {2: ["lake.unknown_region", "lake.future", "lake.out_of_range", "lake.not_a_number"]}
    assert [found["where"] for found in landed.refused[2]] == [f"line 3, column {n}" for n in (1, 2, 3, 4)]
    assert len(landed.good) == 2


def test_a_wide_record_is_refused_as_a_whole_and_told_once() -> None:
    rows = ("地区,时期,全体,城镇,农村", "吴兴区,2021,50000,60000,40000", "德青县,2021,50000,很多,40000")
    landed = land(_lines(*rows)(), BY_SCOPE)
    assert [row["scope"] for row in landed.good] == ["all", "urban", "rural"]
    assert landed.kinds() == {2: ["lake.unknown_region", "lake.not_a_number"]}
    assert landed.refused[2][1]["where"] == "line 3, column 4"


def test_identical_records_are_counted_and_differing_ones_refused() -> None:
    rows = _income("德清县,2021,51000,9.1", "330521,2021年,5.1万元,9.1%", "安吉县,2021,50000,9", "安吉县,2021,50001,9")
    landed = land(rows(), INCOME)
    assert [row["_record"] for row in landed.good] == [1, 2]
    assert landed.repeated == 1
    assert landed.kinds() == {4: ["lake.duplicate_key"], 5: ["lake.duplicate_key"]}
    assert _others(landed) == {4: "5", 5: "4"}


def _others(landed: Landed) -> dict[int, str]:
    """The record that each duplicate names."""
    return {
        n: found[0]["message"]["en"].split("see also record ")[1].split(";")[0] for n, found in landed.refused.items()
    }
