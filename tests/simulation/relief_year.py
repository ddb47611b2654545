"""A made-up year of relief under a seed: awards change, money returns, lapses and repeats; the process may die.

What was entitled is counted apart from the ledger: from the awards in force on each month's day, and from what was paid once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.services.relief.office import COUNTY, FINANCE, VILLAGES, load, make_engine
from tests.simulation.dying import Countdown
from yucun.base.clock import CHINA
from yucun.kernel.cases import Opening
from yucun.kernel.engine import Event, EventEngine, TurningClock

FIRST = date(2022, 1, 3)
DAYS = 365
HOUSEHOLDS = 8
PROGRAMMES = ("dibao", "disability_living", "electricity")


@dataclass(frozen=True)
class Sums:
    """The identity of row 7, in fen."""

    entitled: int
    pending: int
    posted: int
    lapsed: int
    voided: int

    @property
    def holds(self) -> bool:
        """Whether nothing is lost and nothing is made."""
        return self.pending + self.posted + self.lapsed + self.voided == self.entitled


def open_year(url: str) -> tuple[EventEngine, TurningClock]:
    """Open or go on with the year's books."""
    clock = TurningClock.on(FIRST, ticking=False)
    return make_engine(url, clock, load()), clock


def make_awards(engine: EventEngine, seed: int) -> None:
    """The awards that the year begins with; opened again they are as they were."""
    chance = random.Random(seed)
    wishes = []
    for number in range(HOUSEHOLDS):
        for programme in PROGRAMMES[: chance.randint(1, 3)]:
            month = chance.randint(1, 6)
            fields = {
                "programme": programme, "amount_fen": chance.randint(500, 90_000), "from_month": f"2022-{month:02d}",
                "people": chance.randint(1, 4), "application": f"S-{number}", "is_made_up": True,
                "to": "electricity" if programme == "electricity" else "household", "clause": "made up",
            }  # fmt: skip
            name, home = f"award:S-{number}:{programme}", f"H-{number}"
            wishes.append(Opening("relief.award", name, COUNTY, home, VILLAGES[number % 3], fields=fields))
    with engine.books.write() as tx:
        engine.cases.open(tx, wishes, "year:awards", all_or_none=True)
    engine.take([Event("year:open", "relief.month_opened", {"month": "2022-01"}, FINANCE)])


def live(engine: EventEngine, clock: TurningClock, seed: int) -> Iterator[date]:
    """Go through the year from the day that its books have reached; yields after each step.

    What is done on a day depends on the seed and on the books of that day alone, so that a year that was broken off and
    taken up again goes on as if nothing had happened.
    """
    clock.instant = datetime(2022, 1, 3, 8, tzinfo=CHINA)
    make_awards(engine, seed)
    with engine.books.read() as tx:
        reached = date.fromisoformat(str(tx.row("SELECT max(at) FROM journal")[0])[:10])  # type: ignore[index]
    for number in range((reached - FIRST).days, DAYS):
        day = FIRST + timedelta(days=number)
        clock.instant = datetime(day.year, day.month, day.day, 8, tzinfo=CHINA)
        while engine.tick():
            yield day
        chance = random.Random(f"{seed}:{day}")
        for event in list_events(engine, day, seed):
            engine.take([event])
            yield day
            if chance.random() < 0.3:
                engine.take([event])
                yield day


def list_events(engine: EventEngine, day: date, seed: int) -> Iterator[Event]:
    """What people do on a day; each event has a key of its own, so a repeat is a repeat."""
    month = f"{day:%Y-%m}"
    pays, returns, changes, offs = (
        random.Random(f"{seed}:{day}:{what}") for what in ("pay", "return", "change", "off")
    )
    if day.day in (12, 24) and pays.random() < 0.95:
        yield from _pay(engine, month, day)
    if day.day in (15, 27) and returns.random() < 0.7:
        yield from _return(engine, month, day, returns)
    if changes.random() < 0.06:
        yield from _change(engine, day, changes)
    if day.day == 28 and offs.random() < 0.5:
        yield from _write_off(engine, day, offs)


def _pay(engine: EventEngine, month: str, day: date) -> Iterator[Event]:
    key = f"pay:{day}"
    known = _known(engine, key)
    with engine.books.read() as tx:
        lines = engine.ledger.list_reserved(tx, "relief.", month)
    body = known or {
        "month": month, "order": day.day, "lines": len(lines), "total_fen": sum(one.amount for one in lines), "file": key,
    }  # fmt: skip
    if body["lines"]:
        yield Event(key, "relief.pay_ordered", body, FINANCE)
        wrong = {**body, "total_fen": body["total_fen"] + 1}
        yield Event(f"{key}:wrong", "relief.pay_ordered", wrong, FINANCE)


def _return(engine: EventEngine, month: str, day: date, chance: random.Random) -> Iterator[Event]:
    key = f"returns:{day}"
    known = _known(engine, key)
    with engine.books.read() as tx:
        paid = [str(row[0]).removeprefix("paid:") for row in tx.rows(
            "SELECT t.id FROM ledger_transfer t JOIN ledger_ground g ON g.no = t.ground WHERE t.action = 'settle'"
            " AND g.period = ? AND t.no NOT IN (SELECT of_no FROM ledger_reversal) ORDER BY t.no", (month,))]  # fmt: skip
    chosen = sorted(chance.sample(paid, min(len(paid), chance.randint(0, 3))))
    body = known or {"month": month, "file": key, "lines": "\n".join(f"{one},account closed" for one in chosen)}
    if body["lines"]:
        yield Event(key, "relief.bank_returned", body, FINANCE)
        unknown = {**body, "file": f"{key}:w", "lines": body["lines"] + "\naward:nobody:dibao:2022-01,no such line"}
        yield Event(f"{key}:wrong", "relief.bank_returned", unknown, FINANCE)


def _change(engine: EventEngine, day: date, chance: random.Random) -> Iterator[Event]:
    number, programme = chance.randrange(HOUSEHOLDS), chance.choice(PROGRAMMES)
    award, key = f"award:S-{number}:{programme}", f"change:{day}"
    known = _known(engine, key)
    with engine.books.read() as tx:
        case = engine.cases.find(tx, award)
    if case is None:
        return
    now = int(case.fields["amount_fen"])
    name = chance.choice(("raise", "raise", "cut", "stop"))
    amount = now + chance.randint(1, 9_000) if name == "raise" else max(1, now - chance.randint(1, 9_000))
    body: dict[str, Any] = known or {
        "case": award,
        "move": name,
        "amount_fen": amount,
        "reason": "（模拟）家庭情况变化",
    }
    yield Event(key, "relief.moved", body, COUNTY)


def _write_off(engine: EventEngine, day: date, chance: random.Random) -> Iterator[Event]:
    key = f"off:{day}"
    known = _known(engine, key)
    with engine.books.read() as tx:
        lines = engine.ledger.list_reserved(tx, "relief.")
    how = chance.choice(("lapsed", "voided"))
    if known or lines:
        one = chance.choice(lines).id if lines else ""
        body = known or {"transfer": one, "how": how, "reason": "（模拟）户内已无人"}
        yield Event(key, "relief.written_off", body, COUNTY)


def _known(engine: EventEngine, key: str) -> dict[str, Any] | None:
    """What was sent under a key before a crash: who sends again after it sends the same."""
    with engine.books.read() as tx:
        line = tx.find_line(f"event:{key}")
    return dict(line.payload["body"]) if line is not None else None


def add_up(engine: EventEngine) -> Sums:
    """Both sides: the ledger's, and what the journal says was in force on each month's day."""
    with engine.books.read() as tx:
        pending = _sum(tx, "SELECT sum(t.amount) FROM ledger_pending p JOIN ledger_transfer t ON t.no = p.no")
        settled = _sum(tx, "SELECT sum(amount) FROM ledger_transfer WHERE action = 'settle'")
        back = _sum(tx, "SELECT sum(amount) FROM ledger_transfer WHERE action = 'reverse'")
        lapsed, voided = (
            _sum(tx, f"SELECT sum(released) FROM ledger_transfer WHERE action = 'void' AND id LIKE '{how}:%'")
            for how in ("lapsed", "voided")
        )
        entitled = _entitled(tx)
    return Sums(entitled, pending, settled - back, lapsed, voided)


def _sum(tx: Any, sql: str) -> int:
    row = tx.row(sql)
    return int(row[0] or 0) if row else 0


def _entitled(tx: Any) -> int:
    """From the history of cases alone: for each month that fell due, every award as it stood at that line."""
    fell = [(int(seq), str(case)[6:]) for seq, case in tx.rows(
        "SELECT m.seq, c.id FROM case_move m JOIN case_file c ON c.no = m.case_no"
        " WHERE m.move = 'fall_due' ORDER BY m.seq")]  # fmt: skip
    awards: dict[str, dict[str, Any]] = {}
    total, waiting = 0, list(fell)
    for line in tx.lines(kinds=["cases.opened", "cases.moved"]):
        while waiting and line.seq > waiting[0][0]:
            total += _stand(awards, waiting.pop(0)[1])
        for one in line.payload.get("cases", ()):
            if one["kind"] == "relief.award":
                awards[one["id"]] = {**one["fields"], "open": True}
        for one in line.payload.get("moves", ()):
            if one["id"] in awards:
                awards[one["id"]] = {**one["fields"], "open": not one["is_final"]}
    for _, month in waiting:
        total += _stand(awards, month)
    return total


def _stand(awards: dict[str, dict[str, Any]], month: str) -> int:
    return sum(int(a["amount_fen"]) for a in awards.values() if a["open"] and a["from_month"] <= month)


def live_and_die(folder: Path, url: str, seed: int, die_at: int) -> None:
    """Run in a process of its own; it does not come back unless the year is over before the step."""
    countdown = Countdown(die_at)
    countdown.watch()
    engine, clock = open_year(url)
    for _ in live(engine, clock, seed):
        pass
    engine.books.close()
    (folder / "steps").write_text(str(countdown.taken))
