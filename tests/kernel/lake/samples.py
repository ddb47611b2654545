"""Contracts, a small book of regions and a short way to land a file, for the tests of reading and checking."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import openpyxl

from yucun.base.declaration import Declaration
from yucun.base.identity import RegionCode
from yucun.kernel.lake.checking import check_rows
from yucun.kernel.lake.contract import Contract, _read_one
from yucun.kernel.lake.reading import Reading, read_file

TODAY = date(2022, 5, 31)
_ABOUT = """
title = { zh = "试验表", en = "A table for tests" }
owner = { zh = "统计局", en = "Statistics bureau" }
partition = "period"
freshness = { every = "year", due_days = 90 }
example = {}
"""
_REGION = """
[T.fields.region]
type = "region"
title = { zh = "地区", en = "region" }
level = "L1"
"""
_PERIOD = """
[T.fields.period]
type = "period"
title = { zh = "时期", en = "period" }
level = "L1"
"""
# One figure of income for each region and period.
INCOME = f"""[T]
key = ["region", "period"]{_ABOUT}{_REGION}levels = ["city", "county"]
{_PERIOD}
[T.fields.income_fen]
type = "integer"
unit = "fen"
written_in = "元"
title = {{ zh = "人均可支配收入", en = "income" }}
heads = ["收入"]
level = "L1"
range = [0, 100000000]
[T.fields.growth_bp]
type = "integer"
unit = "bp"
written_in = "%"
title = {{ zh = "增长", en = "growth" }}
heads = ["增速", "同比增长", "比上年增长"]
level = "L1"
required = false
"""
# Income spread over residents: 全体 | 城镇 | 农村.
BY_SCOPE = f"""[T]
key = ["region", "period", "scope"]{_ABOUT}
[T.spread]
field = "scope"
value = "income_fen"
heads = {{ all = ["全体", "全体居民"], urban = ["城镇", "城镇居民"], rural = ["农村", "乡村", "农村居民"] }}
{_REGION}{_PERIOD}
[T.fields.scope]
type = "code"
title = {{ zh = "口径", en = "scope" }}
level = "L1"
[T.fields.scope.codes]
all = {{ zh = "全体", en = "all" }}
urban = {{ zh = "城镇", en = "urban" }}
rural = {{ zh = "农村", en = "rural", words = ["乡村"] }}
[T.fields.income_fen]
type = "integer"
unit = "fen"
written_in = "元"
title = {{ zh = "人均可支配收入", en = "income" }}
level = "L1"
[T.fields.growth_bp]
type = "integer"
unit = "bp"
written_in = "%"
title = {{ zh = "增长", en = "growth" }}
level = "L1"
required = false
"""
# One of every type.
EVERY = f"""[T]
key = ["place", "day"]{_ABOUT.replace('partition = "period"', 'partition = "day"')}
[T.fields.place]
type = "region"
title = {{ zh = "村社区", en = "village" }}
level = "L1"
levels = ["village"]
[T.fields.day]
type = "date"
title = {{ zh = "日期", en = "day" }}
level = "L1"
[T.fields.at]
type = "instant"
title = {{ zh = "时刻", en = "at" }}
level = "L1"
required = false
[T.fields.kind]
type = "code"
title = {{ zh = "类型", en = "kind" }}
level = "L1"
codes = {{ tea = {{ zh = "茶", en = "tea" }}, bamboo = {{ zh = "毛竹", en = "bamboo", words = ["竹"] }} }}
[T.fields.is_open]
type = "boolean"
title = {{ zh = "是否开放", en = "is open" }}
level = "L1"
required = false
[T.fields.area_m2]
type = "integer"
unit = "m2"
written_in = "亩"
title = {{ zh = "面积", en = "area" }}
level = "L1"
[T.fields.share]
type = "measure"
unit = "share"
title = {{ zh = "占比", en = "share" }}
level = "L1"
range = [0, 1]
required = false
[T.fields.remark]
type = "text"
title = {{ zh = "备注说明", en = "remark" }}
level = "L2"
max_length = 10
required = false
[T.fields.plot]
type = "text"
title = {{ zh = "地块号", en = "plot" }}
level = "L1"
pattern = "[A-Z]\\\\d{{3}}"
required = false
"""


def make_contract(text: str) -> Contract:
    """Read a contract whose table is called T; a finding is a mistake of the test."""
    declaration = Declaration.parse(text, "contracts.toml")
    contract = _read_one(declaration, "tests", "T", declaration.values["T"])
    assert not declaration.findings, [f.message.en for f in declaration.findings]
    return contract


class Book:
    """A few regions around Huzhou; 新市镇 stands for a name that two places share."""

    names: Mapping[str, Sequence[str]] = {
        "浙江省": ["33"], "全省": ["33"],
        "湖州市": ["3305"], "湖州": ["3305"], "全市": ["3305"], "杭州市": ["3301"], "嘉兴市": ["3304"],
        "吴兴区": ["330502"], "南浔区": ["330503"], "德清县": ["330521"], "长兴县": ["330522"], "安吉县": ["330523"],
        "新市镇": ["330521102", "330522199"], "余村村": ["330523109203"], "横山坞村": ["330523109204"],
        "朝阳": ["3301", "330502"],
    }  # fmt: skip

    def resolve(self, words: Sequence[str], on: date) -> dict[str, list[RegionCode]]:
        """Return what each word may mean."""
        codes = {RegionCode.parse(c) for found in self.names.values() for c in found}
        assert on <= TODAY, "no map is asked for beyond today"
        answer: dict[str, list[RegionCode]] = {}
        for word in words:
            found = [RegionCode.parse(c) for c in self.names.get(word, [])]
            if word.isdigit() and len(word) in (2, 4, 6, 9, 12):
                found = [c for c in [RegionCode.parse(word)] if c in codes]
            answer[word] = found
        return answer


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of a file: typed rows, refused records with their findings, and the reading."""

    good: list[dict[str, Any]]
    refused: dict[int, list[dict[str, Any]]]
    where: dict[int, str]
    raw: dict[int, str]
    repeated: int
    reading: Reading

    def kinds(self) -> dict[int, list[str]]:
        """The kinds of the findings of each refused record."""
        return {record: [f["kind"] for f in findings] for record, findings in self.refused.items()}

    def notes(self) -> set[str]:
        """The kinds of the notes."""
        return {note.kind.removeprefix("lake.note.") for note in self.reading.notes}


def land(
    content: bytes | str,
    contract: Contract | str,
    name: str = "sent.csv",
    given: Mapping[str, str] | None = None,
    book: Any = None,
) -> Landed:
    """Read and check a file."""
    contract = make_contract(contract) if isinstance(contract, str) else contract
    content = content.encode() if isinstance(content, str) else content
    reading = read_file(content, name, contract, given)
    checked = check_rows(reading.rows, contract, book or Book(), TODAY, reading.columns)
    refused = reading.refused.to_pylist() + checked.refused.to_pylist()
    return Landed(
        checked.good.to_pylist(),
        {r["_record"]: json.loads(r["findings"]) for r in refused},
        {r["_record"]: r["_where"] for r in refused},
        {r["_record"]: r["raw"] for r in refused},
        checked.repeated,
        reading,
    )


def make_book(rows: Sequence[Sequence[Any]], title: str = "Sheet1", merge: Sequence[str] = ()) -> openpyxl.Workbook:
    """Make a workbook of one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for cells in merge:
        sheet.merge_cells(cells)
    return book


def save(book: openpyxl.Workbook, results: Mapping[str, str] | None = None) -> bytes:
    """Save a workbook; ``results`` gives formula cells of its first sheet the values a spreadsheet would store."""
    stream = io.BytesIO()
    book.save(stream)
    content = stream.getvalue()
    if not results:
        return content
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                text = data.decode()
                for cell, value in results.items():
                    head, tail = text.split(f'<c r="{cell}"', 1)
                    tail = re.sub(r"<v\s*/>|<v></v>", f"<v>{value}</v>", tail, count=1)
                    text = f'{head}<c r="{cell}"{tail}'
                data = text.encode()
            new.writestr(entry, data)
    return out.getvalue()
