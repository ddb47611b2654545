"""An office for tests: entitlements over books, Huzhou's map, a clock that a test moves, and a small lake of people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa

from tests.huzhou import read_huzhou
from tests.services.hotline.desk import twice
from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.errors import Finding, NotKnown
from yucun.base.period import WorkingCalendar
from yucun.base.text import Text
from yucun.city import SERVICES
from yucun.kernel.books import Books
from yucun.kernel.cases import ORGAN as CASES
from yucun.kernel.cases import Actor, Case, Cases
from yucun.kernel.engine import ORGAN as ENGINE
from yucun.kernel.engine import Event, EventEngine, Running, Taken, load_acting
from yucun.kernel.engine.load import Loaded
from yucun.kernel.ledger import ORGAN as LEDGER
from yucun.kernel.ledger import Ledger
from yucun.kernel.service import read_services

WINDOW = Actor("window.tests", frozenset({"service_window"}))
COUNTY = Actor("county.tests", frozenset({"service_county"}))
RESIDENT = Actor("resident.tests", frozenset({"resident"}))
CLERK = Actor("clerk.tests", frozenset({"data_clerk"}))
RULE = Actor("rule:entitlements", frozenset({"rule"}))
VILLAGE = "330502001005"
HEADER = "person_id,household_id,role,birth,work,studies,disability_kind,disability_grade,class,insured_months,left_by_own_will"
PEOPLE = pa.schema(
    [(n, pa.string()) for n in ("person", "household", "village", "role", "work", "studies", "evidence")]
    + [("birth", pa.date32())]
)
EVENTS = pa.schema([(n, pa.string()) for n in ("person", "household", "kind", "evidence")] + [("day", pa.date32())])
DISABILITY = pa.schema([("person", pa.string()), ("kind", pa.string()), ("grade", pa.int64())])
REGISTER = pa.schema([("person", pa.string()), ("class", pa.string())])


@cache
def load(*names: str) -> Loaded:
    """Entitlements, and other services beside it, as they ship."""
    found, findings = read_services(SERVICES)
    assert not findings, [f.message.en for f in findings]
    loaded = load_acting({name: found[name] for name in ("entitlements", *names)})
    assert not loaded.findings, [f.message.en for f in loaded.findings]
    return loaded


class Office:
    """What tests do with entitlements.

    Parameters
    ----------
    lake : mapping of str to pyarrow.Table or None
        What offices hold; None where nobody publishes anything about people.
    """

    def __init__(
        self, lake: Mapping[str, pa.Table] | None = None, start: str = "2022-03-01 09:00", loaded: Loaded | None = None
    ) -> None:
        self.clock = SimulatedClock.on(date.fromisoformat(start[:10]), ticking=False)
        self.clock.instant = datetime.fromisoformat(start).replace(tzinfo=CHINA)
        self.loaded = loaded or load()
        self.lake = lake
        for acting in self.loaded.services.values():
            if acting.decide.__name__ != "both":
                object.__setattr__(acting, "decide", twice(acting.decide))
        books = Books.open("sqlite://", (CASES, LEDGER, ENGINE), self.clock)
        cases, ledger = Cases(self.loaded.kinds, WorkingCalendar.of_china()), Ledger(self.loaded.chart)
        self.engine = EventEngine(
            books,
            cases,
            ledger,
            read_huzhou().regions,
            self.loaded.services,
            self._rows,
            lambda tx: tx.committed_seq,
            self.clock,
        )
        self.running = Running(self.engine, self.loaded.answers)
        self._number = 0

    def _rows(self, table: str, equals: Mapping[str, Any], as_of: int) -> pa.Table:
        del as_of
        if self.lake is None or table not in self.lake:
            raise NotKnown(
                Finding("lake.no_table", table, "nothing", "a table", Text("没有这张表", "there is no such table"))
            )
        rows = self.lake[table]
        for name, value in equals.items():
            wanted = value if isinstance(value, tuple) else (value,)
            rows = rows.filter(pa.compute.is_in(rows.column(name), pa.array(wanted, rows.schema.field(name).type)))
        return rows

    def at(self, moment: str) -> None:
        """Set the clock and let what is due happen."""
        self.clock.instant = datetime.fromisoformat(moment).replace(tzinfo=CHINA)
        self.running.settle()

    def pass_days(self, count: int) -> None:
        """Let days pass, one by one, as mornings do."""
        for _ in range(count):
            self.clock.instant += timedelta(days=1)
            self.running.settle()

    def take(self, kind: str, body: Mapping[str, Any], by: Actor, key: str = "") -> Taken:
        """Send one event and let what follows happen."""
        self._number += 1
        (taken,) = self.engine.take([Event(key or f"{kind}:{self._number}", f"entitlements.{kind}", body, by)])
        self.running.settle()
        return taken

    def do(self, kind: str, body: Mapping[str, Any], by: Actor, key: str = "") -> Taken:
        """Send an event that must be done."""
        taken = self.take(kind, body, by, key)
        assert taken.status == "done", [f"{f.kind}: {f.message.en} ({f.found})" for f in taken.findings]
        return taken

    def happen(
        self, kind: str, day: str, facts: str, *, person: str = "P1", made_up: bool = True, number: str = ""
    ) -> Taken:
        """Tell of a life event."""
        self._number += 1
        body = {
            "event": number or f"E{self._number}", "kind": kind, "day": day, "person": person, "household": "H1",
            "region": VILLAGE, "facts": f"{HEADER}\n{facts}\n", "is_made_up": made_up,
        }  # fmt: skip
        return self.do("happened", body, WINDOW)

    def move(self, case: str, move: str, by: Actor, **more: Any) -> Taken:
        """Move a claim, whatever becomes of it."""
        return self.take("moved", {"case": case, "move": move, **more}, by)

    def case(self, case_id: str) -> Case:
        """A case as it stands."""
        with self.engine.books.read() as tx:
            return self.engine.cases.get(tx, case_id)

    def claims(self, person: str = "P1") -> dict[str, Case]:
        """The claims of somebody by item."""
        with self.engine.books.read() as tx:
            found = self.engine.cases.list_cases(tx, "entitlements.claim", subject=person, limit=500)
        return {str(one.fields["item"]): one for one in found}

    def history(self, case_id: str) -> list[Any]:
        """All moves of a case."""
        with self.engine.books.read() as tx:
            return self.engine.cases.history(tx, self.engine.cases.get(tx, case_id))

    def recorded(self, table: str) -> list[dict[str, Any]]:
        """Rows of a table that the service published."""
        with self.engine.books.read() as tx:
            lines = tx.lines(0, tx.last_seq(), ("engine.recorded",))
        return [
            one["row"]
            for line in lines
            if line.payload["table"] == f"entitlements.{table}"
            for one in line.payload["rows"]
        ]

    def measures(self) -> dict[str, int]:
        """How many rows of the tally measure what."""
        counted: dict[str, int] = {}
        for row in self.recorded("tally"):
            counted[row["measure"]] = counted.get(row["measure"], 0) + 1
        return counted
