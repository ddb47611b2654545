"""A small made-up province with a few tables, and its numbers: what tests of indicators and screens stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from yucun.base.clock import SimulatedClock
from yucun.base.errors import Finding
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.access import ORGAN as ACCESS
from yucun.kernel.books import Attachments, Books
from yucun.kernel.indicators import (
    CELL_TABLE,
    Indicator,
    Numbers,
    Rule,
    Value,
    link_indicators,
    make_cell_contract,
    read_indicators,
)
from yucun.kernel.lake.contract import Contract, read_contracts
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.store import ORGAN as LAKE
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry import ORGAN as REGISTRY
from yucun.kernel.registry import Region, Regions

TODAY = date(2022, 5, 31)
PROVINCE, CITY_ONE, CITY_TWO = "990000", "990100", "990200"
COUNTIES = ("990101", "990102", "990103")

_REGION = """
[{table}.fields.region]
type = "region"
title = {{ zh = "地区", en = "region" }}
level = "L1"
"""
CONTRACTS = (
    """
[money]
title = { zh = "收支", en = "Money" }
meaning = { zh = "每地每期", en = "a row for each region and period" }
owner = { zh = "财政局", en = "Finance bureau" }
key = ["region", "period", "side"]
partition = "period"
freshness = { every = "year", due_days = 90 }
example = { region = "990101", period = "2021", side = "in", amount_fen = 100 }
[money.fields.period]
type = "period"
title = { zh = "时期", en = "period" }
level = "L1"
[money.fields.side]
type = "code"
title = { zh = "方向", en = "side" }
level = "L1"
[money.fields.side.codes]
in = { zh = "收", en = "in" }
out = { zh = "支", en = "out" }
[money.fields.amount_fen]
type = "integer"
unit = "fen"
written_in = "分"
title = { zh = "金额", en = "amount" }
level = "L1"
[money.fields.evidence]
type = "code"
title = { zh = "依据", en = "evidence" }
level = "L1"
required = false
[money.fields.evidence.codes]
seen = { zh = "见于来源", en = "seen" }
press = { zh = "报刊", en = "press" }
"""
    + _REGION.format(table="money")
    + """
[person]
title = { zh = "人数", en = "People" }
meaning = { zh = "每地每月按情形", en = "a row for each region, month and state" }
owner = { zh = "民政局", en = "Civil affairs bureau" }
key = ["region", "period", "state"]
partition = "period"
freshness = { every = "month", due_days = 10 }
example = { region = "990101", period = "2022-03", state = "ill", persons = 7 }
[person.fields.period]
type = "period"
title = { zh = "月份", en = "month" }
level = "L1"
[person.fields.state]
type = "code"
title = { zh = "情形", en = "state" }
level = "L3"
[person.fields.state.codes]
ill = { zh = "患病", en = "ill" }
well = { zh = "健康", en = "well" }
[person.fields.persons]
type = "integer"
unit = "person"
written_in = "人"
title = { zh = "人数", en = "people" }
level = "L3"
"""
    + _REGION.format(table="person")
    + """
[call]
title = { zh = "来电", en = "Calls" }
meaning = { zh = "每个来电一行", en = "a row for each call" }
owner = { zh = "热线办", en = "Hotline" }
key = ["number"]
partition = "day"
freshness = { every = "day", due_days = 1 }
example = { number = "c1", region = "990101", day = 2022-05-01, wait_s = 30, mood = 0.5 }
[call.fields.number]
type = "text"
title = { zh = "编号", en = "number" }
level = "L1"
[call.fields.day]
type = "date"
title = { zh = "日期", en = "day" }
level = "L1"
[call.fields.wait_s]
type = "integer"
unit = "second"
title = { zh = "等待", en = "wait" }
level = "L1"
[call.fields.mood]
type = "measure"
unit = "index"
title = { zh = "语气", en = "mood" }
level = "L1"
required = false
"""
    + _REGION.format(table="call")
)

WORDS = """
title = { zh = "数", en = "number" }
meaning = { zh = "试验用", en = "for tests" }
"""
OPEN = """smallest_cell = { published = { zh = "公开", en = "open" } }
check = { kind = "recount" }
direction = "lower"
"""


def make_regions() -> Regions:
    """A province, two cities and three counties of the first that do not exist."""
    rows = [
        (PROVINCE, "甲省", "Jia", "province", None),
        (CITY_ONE, "乙市", "Yi", "city", PROVINCE),
        (CITY_TWO, "己市", "Ji", "city", PROVINCE),
    ]
    rows += [(code, f"{n}县", f"{n} County", "county", CITY_ONE) for code, n in zip(COUNTIES, "丙丁戊", strict=True)]
    return Regions(
        Region(RegionCode.parse(code), Text(zh, en), level, RegionCode.parse(up) if up else None)  # type: ignore[arg-type]
        for code, zh, en, level, up in rows
    )


def make_contracts(folder: Path) -> dict[str, Contract]:
    """The tables ``made.money``, ``made.person`` and ``made.call``."""
    path = folder / "contracts.toml"
    path.write_text(CONTRACTS, encoding="utf-8")
    contracts, findings = read_contracts(path, "made")
    assert not findings, [f.message.en for f in findings]
    return {c.name: c for c in contracts}


def read_made(
    folder: Path, toml: str, rules: Mapping[str, Rule] | None = None
) -> tuple[dict[str, Indicator], list[Finding]]:
    """Read definitions over the made-up tables, and link them."""
    path = folder / "indicators.toml"
    path.write_text(toml, encoding="utf-8")
    named = {f"made.{name}": rule for name, rule in (rules or {}).items()}
    found, findings = read_indicators(path, "made", make_contracts(folder), named)
    linked, more = link_indicators(found, named)
    return linked, [*findings, *more]


@dataclass
class MadeNumbers:
    """A lake, its numbers, and the verbs that tests need."""

    lake: Lake
    books: Books
    attachments: Attachments
    regions: Regions
    numbers: Numbers

    @classmethod
    def make(
        cls,
        folder: Path,
        toml: str,
        *,
        rules: Mapping[str, Rule] | None = None,
        regions: Regions | None = None,
        today: date = TODAY,
        url: str = "",
    ) -> MadeNumbers:
        """Make one in a folder, or open the one that is there with other definitions."""
        indicators, findings = read_made(folder, toml, rules)
        assert not findings, [f"{f.where} {f.message.en}" for f in findings]
        regions = regions or make_regions()
        books = Books.open(
            url or f"sqlite:///{folder}/books.sqlite", [LAKE, REGISTRY, ACCESS], SimulatedClock.on(today, ticking=False)
        )
        lake = Lake(
            folder / "lake", books, {**make_contracts(folder), CELL_TABLE: make_cell_contract()}, Engine(threads=1)
        )
        named = {f"made.{name}": rule for name, rule in (rules or {}).items()}
        numbers = Numbers(lake, regions, indicators, named, lambda: today, RegionCode.parse(CITY_ONE))
        return cls(lake, books, Attachments(folder / "attachments"), regions, numbers)

    def send(self, table: str, text: str, *, is_correction: bool = False, refresh: bool = True) -> Landing:
        """Land a file, all of whose rows are good, and bring the numbers up to date."""
        sent = Sent(text.strip().encode() + b"\n", f"{table}.csv", f"made.{table}", "clerk", {}, is_correction)
        landing = land(self.lake, self.attachments, self.regions, sent, TODAY)
        assert landing.refused == 0, landing.notes
        assert landing.is_readable, landing.notes
        if refresh:
            self.numbers.refresh()
        return landing

    def value(self, name: str, region: str, period: str | None = None, as_of: int | None = None) -> Value:
        """Ask for a number."""
        question = self.numbers.ask(as_of)
        return self.numbers.value(
            f"made.{name}", RegionCode.parse(region), Period.parse(period) if period else None, question=question
        )

    def shown(self, name: str, region: str, period: str | None = None, as_of: int | None = None) -> str:
        """What is printed, or the mark's word."""
        value = self.value(name, region, period, as_of)
        return value.mark.kind if value.mark else value.shown


def money(rows: Mapping[tuple[str, str, str], int], evidence: str = "seen") -> str:
    """A file of the table ``money``: (region, period, side) to fen."""
    lines = [f"{region},{period},{side},{fen},{evidence}" for (region, period, side), fen in rows.items()]
    return "\n".join(["region,period,side,amount_fen,evidence", *lines])


def definition(
    name: str,
    body: str,
    unit: str = "fen",
    levels: str = '"province", "city", "county"',
    periods: str = '"year", "cumulative"',
) -> str:
    """A whole definition from its kind and sources."""
    rest = "" if "smallest_cell" in body else OPEN
    return f'[{name}]\n{WORDS}unit = "{unit}"\nlevels = [{levels}]\nperiods = [{periods}]\n{rest}{body}\n'
