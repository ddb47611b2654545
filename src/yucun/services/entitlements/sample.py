"""Made-up life events and what becomes of them, from the event to the rating; each says of itself that it is made up."""

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

from .models import claim_id

WINDOW = Actor("sample.service_window", frozenset({"service_window"}))
COUNTY = Actor("sample.service_county", frozenset({"service_county"}))
RESIDENT = Actor("sample.resident", frozenset({"resident"}))
CLERK = Actor("sample.clerk", frozenset({"data_clerk"}))
PEOPLE, DAYS, VILLAGES_EACH = 90, 56, 2
# Days of which the life events of the made-up people of the table are looked at when the city opens.
LOOKED_BACK = 14
_HEADER = "person_id,household_id,role,birth,work,studies,disability_kind,disability_grade,class"
# Event: its share of a hundred, completed years, what is known besides, and the items that surely follow.
_KINDS: Mapping[str, tuple[int, tuple[int, int], str, tuple[str, ...]]] = {
    "birth": (22, (0, 0), "child,none,none,0,none",
              ("birth_certificate", "newborn_screening", "vaccination_card", "vaccines", "infant_care", "family_doctor")),
    "school_age": (14, (6, 6), "child,none,none,0,none", ("compulsory_school",)),
    "job_loss": (20, (24, 55), "jobless,none,none,0,none", ("job_service", "job_training", "job_for_family")),
    "retirement": (14, (60, 61), "retired,none,none,0,none", ("family_doctor",)),
    "old_age": (12, (60, 60), "home,none,none,0,none", ("old_places",)),
    "disability": (10, (30, 58), "works,none,physical,2,none", ("disabled_transit", "disabled_places", "disabled_jobs")),
    "death": (8, (70, 90), "retired,none,none,0,none", ()),
}  # fmt: skip
_ASKED = {
    "job_loss": "unemployment_benefit",
    "retirement": "pension",
    "old_age": "resident_pension",
    "death": "funeral_grant",
}
Made = tuple[datetime, Event]


def make_events(regions: Regions, city: RegionCode, today: date, seed: int, pack: Pack) -> list[Made]:
    """Make the events that a city plays when it is made; the last begins the daily look at what offices send."""
    del pack
    chance = random.Random(f"entitlements {seed}")
    villages = []
    for county in regions.children(city):
        inside = [str(one.code) for one in regions.at_level("village", county.code, today)]
        villages += chance.sample(inside, min(VILLAGES_EACH, len(inside)))
    events: list[Made] = []
    names = list(_KINDS)
    for number in range(1, PEOPLE + 1):
        kind = chance.choices(names, [_KINDS[name][0] for name in names])[0]
        day = today - timedelta(days=2 + chance.randrange(DAYS))
        events += _follow(number, kind, day, villages[number % len(villages)], chance)
    begun = {"day": today.isoformat(), "since": (today - timedelta(days=LOOKED_BACK)).isoformat()}
    events.append((_at(today - timedelta(days=1), 20), Event("sample:watch", "entitlements.watch_begun", begun, CLERK)))
    return sorted((one for one in events if one[0].date() < today), key=lambda one: one[0])


def _follow(number: int, kind: str, day: date, village: str, chance: random.Random) -> Iterator[Made]:
    person, household = f"PSAMPLE{number:05d}", f"HSAMPLE{number:05d}"
    _, (youngest, oldest), known, items = _KINDS[kind]
    birth = _born(
        day, chance.randint(youngest, oldest), exact=kind in ("birth", "school_age", "old_age"), chance=chance
    )
    facts = f"{_HEADER},is_dead\n{person},{household},head,{birth.isoformat()},{known},{'true' if kind == 'death' else 'false'}\n"
    body = {"event": f"S{number:05d}", "kind": kind, "day": day.isoformat(), "person": person, "household": household,
            "region": village, "facts": facts, "is_made_up": True}  # fmt: skip
    yield _at(day + timedelta(days=1), 9), Event(f"sample:happened:{number}", "entitlements.happened", body, WINDOW)
    for item in items:
        yield from _go_on(claim_id(person, item, day), day, chance)
    if kind in _ASKED:
        yield from _tell(claim_id(person, _ASKED[kind], day), day, chance)


def _go_on(claim: str, day: date, chance: random.Random) -> Iterator[Made]:
    """What a person and the window make of an item that needs no look."""
    luck, after = chance.random(), day + timedelta(days=2 + chance.randrange(6))
    if luck < 0.12:
        return
    if luck < 0.18:
        yield _move(claim, "decline", RESIDENT, after)
        return
    if luck < 0.30:
        yield _move(claim, "confirm_for", WINDOW, after, evidence="（模拟）村干部上门代办记录")
    else:
        yield _move(claim, "confirm", RESIDENT, after)
    if luck < 0.90:
        there = after + timedelta(days=1 + chance.randrange(12))
        yield _move(claim, "deliver", WINDOW, there, proof="（模拟）送达回执")
        if luck > 0.50:
            yield _move(claim, "rate", RESIDENT, there + timedelta(days=1), stars=chance.choice((3, 4, 4, 5, 5, 5)))
    elif luck > 0.96:
        yield _move(claim, "correct", RESIDENT, after + timedelta(days=2), wrong="（模拟）村社写错了")


def _tell(claim: str, day: date, chance: random.Random) -> Iterator[Made]:
    """What follows where a fact is asked for: told, then granted or refused by a named person."""
    luck, after = chance.random(), day + timedelta(days=2 + chance.randrange(6))
    if luck < 0.35:
        return
    yield _move(claim, "tell", RESIDENT, after, told="（模拟）累计缴费若干个月")
    decided = after + timedelta(days=1 + chance.randrange(4))
    if luck > 0.9:
        yield _move(claim, "refuse", COUNTY, decided, reason="（模拟）经核，累计缴费年限不足")
    elif luck > 0.5:
        yield _move(claim, "grant", WINDOW, decided)
        yield _move(claim, "deliver", WINDOW, decided + timedelta(days=3), proof="（模拟）银行回单")


def _move(claim: str, move: str, by: Actor, day: date, **more: Any) -> Made:
    return _at(day, 11), Event(
        f"sample:{claim}:{move}", "entitlements.moved", {"case": claim, "move": move, **more}, by
    )


def _born(day: date, years: int, *, exact: bool, chance: random.Random) -> date:
    year = day.year - years - (0 if exact else 1)
    born = date(year, day.month, min(day.day, 28))
    return born if exact else born + timedelta(days=chance.randrange(300))


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), CHINA)
