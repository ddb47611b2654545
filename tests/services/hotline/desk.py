"""A hotline desk for tests: the service over books in memory, Huzhou's map and parameters, a clock that a test moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from tests.huzhou import read_huzhou
from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.period import WorkingCalendar
from yucun.city import PLACES, SERVICES
from yucun.kernel.books import Books
from yucun.kernel.cases import ORGAN as CASES
from yucun.kernel.cases import Actor, Case, Cases, Clock
from yucun.kernel.effects import Effect
from yucun.kernel.engine import ORGAN as ENGINE
from yucun.kernel.engine import Event, EventEngine, Taken
from yucun.kernel.engine.load import Loaded, lay_over, load_acting, read_values
from yucun.kernel.ledger import ORGAN as LEDGER
from yucun.kernel.ledger import Ledger
from yucun.kernel.service import read_services
from yucun.kernel.view import View

ORGANS = (CASES, LEDGER, ENGINE)
DESK = Actor("duty.tests", frozenset({"duty_officer"}))
UNIT = Actor("unit.tests", frozenset({"unit_officer"}))
CITIZEN = Actor("open", frozenset({"citizen"}))
YUEHE = "330502001000"


def no_lake(table: str, equals: Mapping[str, Any], as_of: int) -> pa.Table:
    return pa.table({"as_of": [as_of]})


def load(over: Mapping[str, Any] | None = None) -> Loaded:
    """The hotline with Huzhou's values, and others laid over them."""
    found, findings = read_services(SERVICES)
    assert not findings, findings
    hotline = {"hotline": found["hotline"]}
    values = read_values(found["hotline"], PLACES / "huzhou" / "parameters")
    loaded = load_acting(hotline, packs={"hotline": lay_over(values, over or {})})
    assert not loaded.findings, loaded.findings
    return loaded


def twice(decide: Any) -> Any:
    """A decision that is made twice and must come out the same: it may rest on nothing but event and view."""

    def both(event: Event, view: View) -> Sequence[Effect]:
        first = list(decide(event, view))
        assert list(decide(event, view)) == first
        return first

    return both


class TestDesk:
    """What a test does at a desk."""

    __test__ = False

    def __init__(
        self, url: str = "sqlite://", over: Mapping[str, Any] | None = None, start: str = "2022-05-16 09:00"
    ) -> None:
        self.clock = SimulatedClock.on(date(2022, 5, 16), ticking=False)
        self.at(start)
        self.loaded = load(over)
        acting = self.loaded.services["hotline"]
        object.__setattr__(acting, "decide", twice(acting.decide))
        self.engine = make_engine(url, self.clock, self.loaded)
        self._number = 0

    def at(self, moment: str) -> None:
        """Set the clock and let what is due fire."""
        self.clock.instant = datetime.fromisoformat(moment).replace(tzinfo=CHINA)
        if hasattr(self, "engine"):
            while self.engine.tick():
                pass

    def arrive(self, message: str, **said: Any) -> Taken:
        """A message comes."""
        body = {"message": message, "channel": "phone", "text": f"{message}：路灯不亮", **said}
        return self.engine.take([Event(f"arrived:{message}", "hotline.arrived", body, CITIZEN)])[0]

    def move(self, message: str, move: str, by: Actor = DESK, **said: Any) -> Taken:
        """Somebody moves it."""
        self._number += 1
        body = {"case": f"hotline:{message}", "move": move, **said}
        return self.engine.take([Event(f"moved:{self._number}", "hotline.moved", body, by)])[0]

    def case(self, message: str) -> Case:
        """The case as it stands."""
        with self.engine.books.read() as tx:
            return self.engine.cases.get(tx, f"hotline:{message}")

    def clocks(self, message: str) -> dict[str, Clock]:
        """Its clocks."""
        with self.engine.books.read() as tx:
            return self.engine.cases.clocks(tx, self.engine.cases.get(tx, f"hotline:{message}"))

    def records(self, table: str) -> list[dict[str, Any]]:
        """Rows that were recorded."""
        with self.engine.books.read() as tx:
            lines = tx.lines(kinds=["engine.recorded"])
        return [one["row"] for line in lines if line.payload["table"] == table for one in line.payload["rows"]]

    def counted(self, measure: str, region: str = "330500000000") -> list[str]:
        """Answers that count for a measure in a region, in order."""
        rows = self.records("hotline.tally")
        return [r["answer"] for r in rows if r["measure"] == measure and r["region"] == region]


def make_engine(url: str, clock: SimulatedClock, loaded: Loaded) -> EventEngine:
    """An engine over fresh books."""
    books = Books.open(url, ORGANS, clock)
    cases, ledger = Cases(loaded.kinds, WorkingCalendar.of_china()), Ledger(loaded.chart)
    regions = read_huzhou().regions
    return EventEngine(books, cases, ledger, regions, loaded.services, no_lake, lambda tx: tx.committed_seq, clock)


SURE = {
    "subject": "urban",
    "confidence_bp": 9500,
    "learned_from": "city",
    "intent": "complaint",
    "urgency": "general",
    "region": YUEHE,
}
