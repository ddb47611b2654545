"""Made-up months of early warning: the rules are run on made-up people, and cadres visit; what they find is drawn by lot.

The truth about made-up people is not asked: a made-up cadre knows no more than chance. Every reason says that it is made up.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from yucun.base.clock import CHINA
from yucun.base.identity import RegionCode
from yucun.kernel.cases import Actor, Case
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Event, Pack

CADRE = Actor("sample.cadre", frozenset({"village_cadre"}))
WINDOW = Actor("sample.window", frozenset({"relief_window"}))
COUNTY = Actor("sample.county", frozenset({"relief_county"}))
# Visits that made-up villages make in a month, and how many months were run before the city's day.
VISITS, RUNS = 30, 2
Made = tuple[datetime, Event]
_HEADER = "household_id,person_id,role,counted_income_12m_fen,money_assets_fen\n"


def make_events(regions: Regions, city: RegionCode, today: date, seed: int, pack: Pack) -> list[Made]:
    """The monthly runs before the city's day; each on the 25th, the last four days before."""
    del regions, city, seed, pack
    events = []
    for back in range(RUNS - 1, -1, -1):
        at = today.year * 12 + today.month - 1 - back
        month = date(at // 12, at % 12 + 1, 1)
        day = min(month.replace(day=25), today - timedelta(days=4)) if back else today - timedelta(days=4)
        if day < month:
            continue
        body = {"month": f"{month:%Y-%m}", "visits": VISITS, "is_made_up": True}
        events.append((_at(day, 18), Event(f"sample:discovery:{month:%Y-%m}", "discovery.month_run", body, COUNTY)))
    return events


def follow(case: Case, today: date, seed: int) -> Iterator[Made]:
    """What a made-up cadre does about a warning, as far as it lies before the city's day."""
    chance = random.Random(f"{seed}:{case.id}")
    day = case.opened_at.date()
    steps = [("take", {"officer": CADRE.account}, CADRE), ("visit", {}, CADRE)]
    waits = [chance.randint(1, 9), chance.randint(1, 4)]
    if chance.random() < 0.06:
        steps = [("set_aside", {"outcome": "helped_already", "reason": "（模拟）村里已在帮扶"}, WINDOW)]
    else:
        finding, closing = _find_out(case, chance)
        steps.append((finding[0], finding[1], CADRE))
        waits.append(chance.randint(0, 1))
        if finding[0] == "decline":
            steps[1:] = [(finding[0], finding[1], CADRE)]
        if closing:
            steps.append(("close", {"outcome": closing}, CADRE))
            waits.append(chance.randint(2, 12))
    for number, ((move, body, by), wait) in enumerate(zip(steps, waits, strict=False)):
        day += timedelta(days=wait)
        if day >= today:
            return
        said = {"case": case.id, "move": move, **body}
        yield _at(day, 9 + 2 * number), Event(f"sample:{case.id}:{move}", "discovery.moved", said, by)


def _find_out(case: Case, chance: random.Random) -> tuple[tuple[str, dict[str, str]], str]:
    """What a visit finds, by lot, and how it is closed."""
    luck, several = chance.random(), len(str(case.fields["rules"]).split()) > 1
    if luck < 0.05:
        return ("decline", {}), "left_in_peace"
    if luck > (0.80 if several else 0.90):
        kind = chance.choice(("refer", "apply_for", "call_urgent"))
        if kind == "refer":
            office = chance.choice(("medical_security", "charity", "elder_care"))
            return (kind, {"referred_to": office}), "taken_over"
        home = case.subject
        stated = {
            "facts": f"{_HEADER}{home},{home}-1,head,{chance.randrange(0, 600_000, 10_000)},0\n",
            "head_name": "（模拟）某某",
        }
        if kind == "apply_for":
            return (kind, {**stated, "authorisation": f"SK-{home}"}), ""
        return (kind, {"reason": "（模拟）突发重病，家中断炊"}), ""
    return ("find_no_need", {"reason": "（模拟）上门了解，子女已在照料"}), "nothing_needed"


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), CHINA)
