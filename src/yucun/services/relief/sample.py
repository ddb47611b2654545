"""Made-up households that ask for relief, from application to payment; each says of itself that it is made up."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from yucun.base.clock import CHINA
from yucun.base.identity import RegionCode
from yucun.kernel.cases import Actor
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Event, Pack

WINDOW = Actor("sample.window", frozenset({"relief_window"}))
COUNTY = Actor("sample.county", frozenset({"relief_county"}))
FINANCE = Actor("sample.finance", frozenset({"relief_finance"}))
RESIDENT = Actor("sample.resident", frozenset({"resident"}))
# Households whose award is paid from the month before last, from last month, and those still on their way.
EARLY, LATER, UNDER_WAY = 12, 6, 10
STANDARD_FEN = 81_000
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
_HEADER = "household_id,person_id,role,counted_income_12m_fen,money_assets_fen\n"
_FULL = (
    ("accept", WINDOW, 1),
    ("verify", WINDOW, 2),
    ("verified", WINDOW, 6),
    ("publicise", WINDOW, 7),
    ("approve", COUNTY, 17),
)
Made = tuple[datetime, Event]


def make_events(regions: Regions, city: RegionCode, today: date, seed: int, pack: Pack) -> list[Made]:
    """Make the events that a city plays when it is made; two months' runs are signed, one line comes back."""
    del pack
    chance = random.Random(seed)
    villages = [str(one.code) for one in regions.at_level("village", city, today)]
    last = date(today.year, today.month, 1)
    before = (last - timedelta(days=1)).replace(day=1)
    start = (before - timedelta(days=1)).replace(day=1)
    events: list[Made] = []
    amounts: list[int] = []
    for number in range(1, EARLY + LATER + UNDER_WAY + 1):
        income = chance.randrange(0, 60_000, 1_000)
        if number <= EARLY:
            begin, steps = start + timedelta(days=number % 5), len(_FULL)
        elif number <= EARLY + LATER:
            begin, steps = before + timedelta(days=number % 5), len(_FULL)
        else:
            begin, steps = today - timedelta(days=9 + number % 3), number % 5
        amounts.append(STANDARD_FEN - income)
        events += _follow(number, chance.choice(villages), income, begin, steps, chance.choice(_SURNAMES), today)
    for month, count in ((before, EARLY), (last, EARLY + LATER)):
        day = month + timedelta(days=11)
        if day < today:
            body = {
                "month": f"{month:%Y-%m}",
                "order": 1,
                "lines": count,
                "total_fen": sum(amounts[:count]),
                "file": "sha256:made-up",
            }
            events.append((_at(day, 10), Event(f"sample:pay:{month:%Y-%m}", "relief.pay_ordered", body, FINANCE)))
    events += _happenings(before, last, today)
    return sorted((one for one in events if one[0].date() < today), key=lambda one: one[0])


def _happenings(before: date, last: date, today: date) -> Iterator[Made]:
    """A line that the bank returns, a household that earns more, an objection."""
    line = f"award:S00001:dibao:{before:%Y-%m}"
    back = {"month": f"{before:%Y-%m}", "file": "sha256:made-up-returns", "lines": f"{line},（模拟）账户已销"}
    yield _at(before + timedelta(days=15), 9), Event("sample:returned", "relief.bank_returned", back, FINANCE)
    told = last + timedelta(days=2)
    more = {"household": "SAMPLE-00002", "told_on": told.isoformat(), "facts": _state("SAMPLE-00002", 70_000)}
    yield _at(told, 9), Event("sample:changed", "relief.changed", more, WINDOW)
    said = {
        "objection": "S-O-1",
        "about": "award:S00003:dibao",
        "household": "SAMPLE-00003",
        "text": "（模拟）金额与通知不符",
    }
    yield _at(today - timedelta(days=3), 15), Event("sample:objected", "relief.objected", said, RESIDENT)


def _follow(
    number: int, village: str, income: int, begin: date, steps: int, surname: str, today: date
) -> Iterator[Made]:
    name, home = f"S{number:05d}", f"SAMPLE-{number:05d}"
    body: Mapping[str, Any] = {
        "application": name, "household": home, "region": village, "facts": _state(home, income), "head_name": f"{surname}某某",
        "channel": ("window", "app", "agent")[number % 3], "authorisation": f"SK{number:05d}", "is_made_up": True,
        "is_minor_head": number % 11 == 0,
    }  # fmt: skip
    yield _at(begin, 9), Event(f"sample:{name}", "relief.applied", body, WINDOW)
    for step, by, days in _FULL[:steps]:
        day = begin + timedelta(days=days)
        if day < today:
            said = {"case": f"relief:{name}", "move": step}
            yield _at(day, 11), Event(f"sample:{name}:{step}", "relief.moved", said, by)


def _state(home: str, income: int) -> str:
    """What a person who lives alone states."""
    return f"{_HEADER}{home},{home}-1,head,{income * 12},0\n"


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), CHINA)
