"""A made-up city with tables about people, its numbers by town and month, and histories of what is sent: for attacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from yucun.base.clock import SimulatedClock
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.city import City
from yucun.kernel.access import AccessRules, Grant, Reader

TODAY = date(2022, 5, 31)
CITY = "990100"
K = 5
STATES = ("ill", "well")
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
"""
SERVICE = """
title = { zh = "健康", en = "Health" }
meaning = { zh = "患病人数", en = "How many are ill" }
one_number = "ill"
publishes = ["person"]
[purposes.visit]
title = { zh = "随访", en = "follow-up" }
basis = { zh = "《基本医疗卫生与健康促进法》", en = "Basic Healthcare Law" }
reads = ["health.person"]
"""
CONTRACTS = """
[person]
title = { zh = "登记", en = "Register" }
meaning = { zh = "每人每月一行", en = "a row for each person and month" }
owner = { zh = "卫健局", en = "Health bureau" }
key = ["number", "period"]
partition = "period"
freshness = { every = "month", due_days = 10 }
example = { number = "P000001", region = "990101001", period = "2022-03", state = "ill", cost_fen = 100 }
[person.fields.number]
type = "text"
title = { zh = "人员编号", en = "person" }
level = "L3"
about = "person"
[person.fields.region]
type = "region"
title = { zh = "地区", en = "region" }
level = "L1"
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
[person.fields.cost_fen]
type = "integer"
unit = "fen"
written_in = "分"
title = { zh = "费用", en = "cost" }
level = "L3"
"""
_NUMBER = """
[{name}]
kind = "{kind}"
title = {{ zh = "{zh}", en = "{name}" }}
meaning = {{ zh = "{zh}", en = "{name}" }}
unit = "{unit}"
direction = "lower"
levels = ["town", "county", "city"]
periods = ["month", "quarter"]
rows_of = "town"
smallest_cell = {{ k = 5, counts = "records" }}
check = {{ kind = "bounds", low = 0, high = 1000000000 }}
{of}
"""
INDICATORS = (
    _NUMBER.format(name="people", kind="count", zh="登记人数", unit="person", of='of = { table = "person" }')
    + _NUMBER.format(
        name="ill",
        kind="count",
        zh="患病人数",
        unit="person",
        of='of = { table = "person", where = { state = "ill" } }',
    )
    + _NUMBER.format(
        name="ill_share",
        kind="ratio",
        zh="患病率",
        unit="bp",
        of='numerator = { table = "person", take = "count", where = { state = "ill" } }\n'
        'denominator = { table = "person", take = "count" }',
    )
    + _NUMBER.format(
        name="cost",
        kind="total",
        zh="费用合计",
        unit="fen",
        of='of = { table = "person", field = "cost_fen", where = { state = "ill" } }',
    )
)


@dataclass
class Person:
    """One person in one month, as the register has it."""

    number: str
    town: str
    month: str
    state: str
    cost: int


@dataclass
class MadeCity:
    """An opened city, its towns, and the truth behind every version that was refreshed."""

    city: City
    counties: dict[str, list[str]]
    months: tuple[str, ...]
    truths: dict[int, list[Person]]
    random: Random

    @property
    def towns(self) -> list[str]:
        """All towns."""
        return [t for towns in self.counties.values() for t in towns]

    def people(self) -> list[Person]:
        """The newest truth."""
        return self.truths[max(self.truths)] if self.truths else []


def make_city(folder: Path, seed: int) -> MadeCity:
    """A city of one to three counties with two to four towns each, opened and empty."""
    random = Random(seed)
    counties = {
        f"99010{c}": [f"99010{c}{t:03d}" for t in range(1, random.randint(2, 4) + 1)]
        for c in range(1, random.randint(1, 3) + 1)
    }
    place, service = folder / "place", folder / "services" / "health"
    place.mkdir(parents=True)
    service.mkdir(parents=True)
    rows = [
        "code,name,level,parent,name_en",
        "990000000000,甲省,province,,Jia",
        "990100000000,乙市,city,990000000000,Yi",
    ]
    for county, towns in counties.items():
        rows.append(f"{county}000000,{county[-1]}县,county,990100000000,County {county[-1]}")
        rows += [f"{t}000,{county[-1]}县{t[-1]}镇,town,{county}000000,Town {t[-4:]}" for t in towns]
    names = " ".join(f"{c[-1]}县" for c in counties)
    tiles = (
        '[counties]\ntitle = { zh = "县", en = "Counties" }\nnote = { zh = "示意图", en = "schematic" }\n'
        f'within = "990100"\nlevel = "county"\nrows = ["{names}"]\n'
    )
    files = {"place.toml": PLACE, "tilemap.toml": tiles, "sources.toml": "", "regions.csv": "\n".join(rows) + "\n"}
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
    declared = {
        "service.toml": SERVICE,
        "contracts.toml": CONTRACTS,
        "indicators.toml": INDICATORS,
        "README.md": "Health\n",
        "__init__.py": "",
    }
    for name, text in declared.items():
        (service / name).write_text(text, encoding="utf-8")
    clock = SimulatedClock.on(TODAY, ticking=False)
    city = City.open(place, data=folder / "city", services=folder / "services", clock=clock)
    months = ("2022-01", "2022-02", "2022-03") if random.random() < 0.7 else ("2022-02",)
    return MadeCity(city, counties, months, {}, random)


def clerk_of(city: City) -> Reader:
    """Who sends and corrects."""
    rules = AccessRules.of_kernel()
    return Reader("clerk", Text("数据员", "clerk"), (Grant(1, rules.roles["data_clerk"], (city.place.region,)),))


def analyst_of(city: City) -> Reader:
    """Who is signed in, reads L2 and holds the purpose of monitoring; no row about people."""
    return Reader(
        "analyst",
        Text("分析员", "analyst"),
        (Grant(1, city.rules.roles["analyst"], (city.place.region,), city.rules.hold(["kernel.monitoring"])),),
    )


def chief_of(city: City) -> Reader:
    """Who decides what is opened."""
    rules = AccessRules.of_kernel()
    return Reader("chief", Text("负责人", "chief"), (Grant(1, rules.roles["chief"], (city.place.region,)),))


def send(made: MadeCity, people: list[Person], *, correct: bool = False) -> None:
    """Send rows as a file of the health bureau, and note what is true from then on."""
    lines = [f"{p.number},{p.town},{p.month},{p.state},{p.cost}" for p in people]
    text = "number,region,period,state,cost_fen\n" + "\n".join(lines) + "\n"
    landing = made.city.load(
        text.encode(), "register.csv", "health.person", reader=clerk_of(made.city), correct=correct
    )
    assert landing.refused == 0, landing.notes
    known = {(p.number, p.month): p for p in made.people()}
    known.update({(p.number, p.month): p for p in people})
    made.truths[made.city.last_seq()] = list(known.values())


def live(made: MadeCity, steps: int) -> None:
    """Send a first register, then late and corrected rows, a few or many at a time."""
    random = made.random
    mean = random.choice([1, 3, 6, 15])
    first = [
        _person(random, n, town, month)
        for month in made.months
        for town in made.towns
        for n in range(random.randint(0, 2 * mean))
    ]
    send(made, _numbered(first, 0) or _numbered([_person(random, 0, made.towns[0], made.months[0])], 0))
    for step in range(1, steps + 1):
        if random.random() < 0.6:
            count = random.choice([1, 1, 2, 4, 6, 20])
            late = [_person(random, n, random.choice(made.towns), random.choice(made.months)) for n in range(count)]
            send(made, _numbered(late, step))
        else:
            chosen = random.sample(made.people(), min(len(made.people()), random.choice([1, 2, 3, 7])))
            changed = [
                Person(
                    p.number, random.choice([p.town, random.choice(made.towns)]), p.month, random.choice(STATES), p.cost
                )
                for p in chosen
            ]
            send(made, changed, correct=True)


def _person(random: Random, number: int, town: str, month: str) -> Person:
    return Person(str(number), town, month, random.choice(STATES), random.choice([100, 250, 4000, 90000]))


def _numbered(people: list[Person], step: int) -> list[Person]:
    """Numbers that no other file of this history has."""
    return [Person(f"P{step:02d}{n:06d}", p.town, p.month, p.state, p.cost) for n, p in enumerate(people)]


def region_of(town: str, level: str) -> RegionCode:
    """The region above a town."""
    return RegionCode.parse({"town": town, "county": town[:6], "city": CITY}[level])
