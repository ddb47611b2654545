"""A made-up month of visits under a seed: messages doubled, late, reordered; some are nonsense; the process may die."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from tests.kernel.engine.made_up import CADRE, VILLAGE, asked, make_engine, moved
from yucun.base.clock import CHINA
from yucun.kernel.engine import Event, EventEngine, TurningClock, list_waiting

FIRST = datetime(2022, 5, 2, 8, tzinfo=CHINA)
HOUSEHOLDS = 9
PLANS = (
    ("go", "report"),
    ("go", "wait", "go", "report"),
    ("go",),
    ("decline",),
    ("report", "go", "report"),
    (),
)


def make_month(seed: int) -> list[tuple[datetime, list[Event]]]:
    """Deliveries of a month: an instant and the messages that arrive together, some for the second time."""
    chance = random.Random(seed)
    sent: list[tuple[float, Event]] = []
    for number in range(1, HOUSEHOLDS + 1):
        name, begin = f"H{number}", chance.uniform(0, 10)
        words = f"第{number}户的原话" if chance.random() < 0.5 else None
        fee = chance.choice([0, 500, 90_000])
        body = {"words": words} if words else {}
        sent.append((begin, asked(name, fee, region=VILLAGE, **body)))
        for step, move in enumerate(chance.choice(PLANS)):
            begin += chance.uniform(0.01, 6)
            reason = {} if move == "go" else {"reason": "查看了现场"}
            sent.append((begin, moved(name, move, step, CADRE, **reason)))
    sent.append((3.0, Event("nonsense", "visits.asked", {"household": "H1"}, CADRE)))
    sent.append((4.0, Event("mistake", "visits.broken", {"how": "raise"}, CADRE)))
    arrived = list(sent)
    for day, event in sent:
        if chance.random() < 0.3:
            arrived.append((day + chance.uniform(0, 3), event))
    late = [(day + (chance.uniform(0, 2) if chance.random() < 0.2 else 0), n) for n, (day, _) in enumerate(arrived)]
    days: dict[int, list[Event]] = {}
    for day, n in sorted(late):
        days.setdefault(int(day * 2), []).append(arrived[n][1])
    return [(FIRST + timedelta(hours=12 * half), days.get(half, [])) for half in range(60)]


def live(engine: EventEngine, clock: TurningClock, seed: int) -> Iterator[int]:
    """Deliver the month from its beginning, whatever was delivered before; yields after each delivery."""
    for number, (at, events) in enumerate(make_month(seed)):
        clock.instant = at
        if events:
            engine.take(events)
        settle(engine)
        yield number


def settle(engine: EventEngine) -> None:
    """Let clocks fire, pass on and answer until nothing is left."""
    while True:
        taken: list[Any] = engine.tick() + engine.pass_on()
        asked_now = list_waiting(engine.books, "ask")
        taken += [engine.answer(one, {"who": f"cadre.{one.body['body']['case'][-1]}"}) for one in asked_now]
        if not taken:
            return


def open_engine(url: str) -> tuple[EventEngine, TurningClock]:
    """Open or go on with the month's books."""
    clock = TurningClock.on(date(2022, 5, 2), ticking=False)
    return make_engine(url, clock), clock


def check_moment(engine: EventEngine) -> None:
    """What must hold at every moment: chain, balances, one history for each case, no clock lost or doubled."""
    engine.books.verify()
    with engine.books.read() as tx:
        engine.ledger.check(tx)
        engine.cases.check(tx)
        doubled = tx.rows(
            "SELECT event, count(*) FROM engine_event GROUP BY event HAVING count(*) > 1"
            " UNION ALL SELECT id, count(*) FROM ledger_transfer GROUP BY id HAVING count(*) > 1"
        )
        lost = tx.rows(
            "SELECT c.id FROM case_file c LEFT JOIN case_clock k ON k.case_no = c.no WHERE c.kind = 'visits.visit'"
            " AND k.name IS NULL"
        )
        half = tx.rows(
            "SELECT e.event FROM engine_event e JOIN journal j ON j.seq = e.seq"
            " LEFT JOIN journal_commit c ON c.commit_no = j.commit_no WHERE c.commit_no IS NULL"
        )
    assert (doubled, lost, half) == ([], [], [])
