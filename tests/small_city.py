"""A whole city over three made-up counties: a place folder and a service folder, written where a test wants them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.small_lake import CONTRACTS, COUNTIES
from yucun.base.clock import SimulatedClock
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.city import City
from yucun.kernel.access import AccessRules, Grant, Reader

TODAY = date(2022, 5, 31)
PLACE = """
id = "yi"
title = { zh = "乙", en = "Yi" }
region = "990100"
languages = ["zh", "en"]
today = 2022-05-31
calendar = "china"
[regions]
file = "regions.csv"
[tilemap]
file = "tilemap.toml"
[sources]
file = "sources.toml"
[[figures]]
file = "harvest.csv"
table = "farm.harvest"
"""
TILES = """
[counties]
title = { zh = "三县", en = "Three counties" }
note = { zh = "示意图", en = "schematic" }
within = "990100"
level = "county"
rows = ["丙县 丁县", "戊县 ·"]
"""
SOURCES = """
[report]
title = { zh = "农业局年报", en = "Yearly report" }
publisher = { zh = "农业局", en = "Farm bureau" }
published = 2021-03-01
seen_as = "original"
"""
SERVICE = """
title = { zh = "农业", en = "Farms" }
meaning = { zh = "收成", en = "Harvests" }
one_number = "harvest"
publishes = ["harvest"]
"""
INDICATORS = """
[harvest]
kind = "total"
title = { zh = "收成", en = "Harvest" }
meaning = { zh = "各县收成之和", en = "The counties' harvests together" }
unit = "fen"
direction = "higher"
levels = ["county", "city"]
periods = ["year"]
adds_up = true
smallest_cell = { published = { zh = "公开统计数", en = "published statistics" } }
check = { kind = "recount" }
[harvest.of]
table = "harvest"
field = "amount_fen"

[harvest_change]
kind = "change"
of = "harvest"
title = { zh = "收成变化", en = "Change of the harvest" }
meaning = { zh = "比上年", en = "Against the year before" }
unit = "fen"
direction = "higher"
levels = ["county", "city"]
periods = ["year"]
smallest_cell = { published = { zh = "公开统计数", en = "published statistics" } }
check = { kind = "recount" }
"""


def write_city(folder: Path) -> None:
    """Write the place and the service."""
    place, service = folder / "place", folder / "services" / "farm"
    place.mkdir(parents=True)
    service.mkdir(parents=True)
    rows = [
        "code,name,level,parent,name_en",
        "990000000000,甲省,province,,Jia",
        "990100000000,乙市,city,990000000000,Yi",
    ]
    names = zip(COUNTIES, "丙丁戊", strict=True)
    rows += [f"{code}000000,{name}县,county,990100000000,County {code[-1]}" for code, name in names]
    files = {"place.toml": PLACE, "tilemap.toml": TILES, "sources.toml": SOURCES, "regions.csv": "\n".join(rows) + "\n"}
    files["harvest.csv"] = "region,period,金额,source\n990101,2017,100.00,report\n990102,2017,50.00,report\n"
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
    contracts = (
        CONTRACTS
        + '[harvest.fields.source]\ntype = "text"\ntitle = { zh = "来源", en = "source" }\nlevel = "L1"\nrequired = false\n'
    )
    declared = {
        "service.toml": SERVICE,
        "contracts.toml": contracts,
        "indicators.toml": INDICATORS,
        "README.md": "Farms\n",
        "__init__.py": "",
    }
    for name, text in declared.items():
        (service / name).write_text(text, encoding="utf-8")


def open_city(folder: Path, url: str = "") -> City:
    """Open the city that `write_city` wrote, with a clock that stands still."""
    clock = SimulatedClock.on(TODAY, ticking=False)
    return City.open(
        folder / "place", data=folder / "city", books_url=url or None, services=folder / "services", clock=clock
    )


def make_clerk(city: City) -> Reader:
    """A clerk of data who may send and correct anything in the city."""
    rules = AccessRules.of_kernel()
    return Reader(
        "clerk", Text("数据专员", "Clerk of data"), (Grant(1, rules.roles["data_clerk"], (city.place.region,)),)
    )


def county(number: int) -> RegionCode:
    """One of the three counties."""
    return RegionCode.parse(COUNTIES[number])
