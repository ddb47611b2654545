"""A made-up month of the hotline under a seed: messages doubled, late, reordered, lost; people who err; clocks that run out.

Who sends a message sends it again until it is answered, so after a crash the whole month is sent again from its beginning.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tests.services.hotline.desk import CITIZEN, DESK, ORGANS, UNIT, load, make_engine
from tests.simulation.survive import Story
from yucun.base.clock import CHINA
from yucun.kernel.books.reading import ReadTransaction
from yucun.kernel.engine import Event, EventEngine, TurningClock

FIRST = date(2022, 5, 2)
BEGIN = datetime(2022, 5, 2, 7, tzinfo=CHINA)
SLOT = timedelta(hours=6)
SLOTS = 124
MESSAGES = 14
VILLAGES = ("330502001000", "330521100000", "")
KIND = "hotline.request"
# Lives of messages: move, what is said with it, by whom. A life may be nonsense; then the books must refuse it.
_REPLY = ("reply", {"reply": "（模拟）已处理"}, UNIT)
_SEEN_TO = (("accept", {}, UNIT), _REPLY, ("visit", {"solved": "yes", "satisfied": "yes"}, DESK))
_LIVES: tuple[tuple[tuple[str, Mapping[str, Any], Any], ...], ...] = (
    (*_SEEN_TO, ("close", {"outcome": "solved"}, DESK)),
    (
        ("accept", {}, UNIT),
        ("wait", {"reason": "待补充材料"}, UNIT),
        ("add_note", {"note": "（模拟）又来电"}, CITIZEN),
        ("resume", {}, UNIT),
        _REPLY,
        ("visit", {"solved": "no", "satisfied": "no"}, DESK),
        ("reopen", {"reason": "问题仍在"}, CITIZEN),
        ("dispatch", {"unit": "housing", "subject": "urban"}, DESK),
        *_SEEN_TO,
        ("close_unsolved", {"outcome": "not_possible", "reason": "条件不具备"}, DESK),
    ),
    (
        ("send_back", {"reason": "不属本单位职责"}, UNIT),
        ("dispatch", {"unit": "330502.enforcement", "subject": "urban"}, DESK),
        ("accept", {}, UNIT),
        ("extend", {"count": 3, "time_unit": "working_day", "reason": "需多部门会商"}, DESK),
        ("supervise", {"reason": "领导批示"}, DESK),
        _REPLY,
    ),
    (("remind", {}, CITIZEN), ("take", {"officer": "desk.three"}, DESK)),
    (("refuse", {"outcome": "elsewhere", "reason": "不属本市管辖"}, DESK), ("reopen", {"reason": "不服"}, CITIZEN)),
    (("merge", {"into": "hotline:M01"}, DESK), ("close", {"outcome": "solved"}, DESK)),
    (
        ("answer", {"reply": "（模拟）已答复", "subject": "civil"}, DESK),
        *_SEEN_TO[2:],
        ("close", {"outcome": "explained"}, DESK),
    ),
    (("close", {"outcome": "solved"}, DESK), ("fly", {}, DESK), ("accept", {}, CITIZEN)),
)


def make_month(seed: int) -> list[tuple[datetime, list[Event]]]:
    """Deliveries of a month: an instant and what arrives together; some never arrives, some twice, some late."""
    chance = random.Random(seed)
    sent = [one for number in range(MESSAGES) for one in _live(chance, number)]
    sent.append((9.0, Event("nonsense", "hotline.moved", {"case": "hotline:nobody", "move": "accept"}, DESK)))
    sent.append((9.5, Event("no text", "hotline.arrived", {"message": "M99", "channel": "phone"}, CITIZEN)))
    arrived = [one for one in sent if chance.random() > 0.06]
    arrived += [(day + chance.uniform(0, 4), event) for day, event in arrived if chance.random() < 0.3]
    slots: dict[int, list[Event]] = {}
    for day, event in sorted(arrived, key=lambda one: one[0]):
        late = chance.uniform(0, 2) if chance.random() < 0.2 else 0
        slots.setdefault(min(int((day + late) * 4), SLOTS - 1), []).append(event)
    return [(BEGIN + SLOT * number, slots.get(number, [])) for number in range(SLOTS)]


def _live(chance: random.Random, number: int) -> Iterator[tuple[float, Event]]:
    message, day = f"M{number:02d}", chance.uniform(0, 16)
    body = {
        "message": message, "channel": chance.choice(("phone", "web", "app")), "text": f"（模拟）第{number}件的原话",
        "caller": f"caller-{number % 5}", "subject": "urban", "confidence_bp": chance.choice((9500, 4000)),
        "learned_from": "made_up", "is_made_up": True, "intent": chance.choice(("complaint", "consult")),
        "urgency": chance.choice(("general", "general", "utilities", "danger")), "region": chance.choice(VILLAGES),
    }  # fmt: skip
    yield day, Event(f"arrived:{message}", "hotline.arrived", {k: v for k, v in body.items() if v != ""}, CITIZEN)
    case = f"hotline:{message}"
    if chance.random() < 0.6:
        day += chance.uniform(0.01, 2)
        said = {"case": case, "move": "dispatch", "unit": "330502.housing", "subject": "urban"}
        yield day, Event(f"{message}:d", "hotline.moved", said, DESK)
    for step, (move, more, by) in enumerate(chance.choice(_LIVES)):
        day += chance.uniform(0.01, 3)
        # One in ten has seen an older step than the case stands at: whoever acts on what is no longer so is refused.
        stale = {"seen": 0} if chance.random() < 0.1 else {}
        yield day, Event(f"{message}:{step}", "hotline.moved", {"case": case, "move": move, **more, **stale}, by)


def open_month(url: str) -> tuple[EventEngine, TurningClock]:
    """Open or go on with the month's books."""
    clock = TurningClock.on(FIRST, ticking=False)
    return make_engine(url, clock, load()), clock


def live(engine: EventEngine, clock: TurningClock, seed: int) -> Iterator[int]:
    """Deliver the month from its beginning, whatever was delivered before; yields after each delivery."""
    for number, (at, events) in enumerate(make_month(seed)):
        clock.instant = at
        if events:
            engine.take(events)
        while engine.tick():
            pass
        yield number


def check_moment(engine: EventEngine) -> None:
    """What must hold at every moment: chain, balances, one case for each message with one history, its clocks."""
    engine.books.verify()
    with engine.books.read() as tx:
        engine.ledger.check(tx)
        engine.cases.check(tx)
        done = {
            row[0]
            for row in tx.rows("SELECT event FROM engine_event WHERE kind = 'hotline.arrived' AND status = 'done'")
        }
        cases = {row[0] for row in tx.rows("SELECT id FROM case_file WHERE kind = ?", (KIND,))}
        assert {f"hotline:{name.removeprefix('arrived:')}" for name in done} == cases
        check_clocks(tx)
        counted = [
            f"{row['fact']} {row['region']}"
            for line in tx.lines(kinds=["engine.recorded"])
            if line.payload["table"] == "hotline.tally"
            for row in (one["row"] for one in line.payload["rows"])
        ]
    assert len(counted) == len(set(counted)), "a fact was counted twice"


def check_clocks(tx: ReadTransaction) -> None:
    """Each clock that ran out was urged once and only then; only the time to send back runs out without a word."""
    rang = sorted(
        (str(one["id"]), str(one["clock"]))
        for line in tx.lines(kinds=["cases.fired"])
        for one in line.payload["clocks"]
        if one["what"] == "due" and one["clock"] != "return"
    )
    urged = tx.rows("SELECT c.id, m.reason FROM case_move m JOIN case_file c ON c.no = m.case_no WHERE m.move = 'urge'")
    assert len(urged) == len(set(urged)), "a clock rang twice"
    assert sorted((str(case), str(reason).split()[0]) for case, reason in urged) == rang


def check_settled(engine: EventEngine) -> None:
    """Once all that was due has fired, no clock runs that is over."""
    with engine.books.read() as tx:
        last = tx.row("SELECT max(at) FROM journal")
        over = tx.rows("SELECT case_no, name, due FROM case_clock WHERE state = 'running' AND due < ?", last or ("",))
    assert over == []


STORY = Story(ORGANS, FIRST, open_month, live, check_moment)
