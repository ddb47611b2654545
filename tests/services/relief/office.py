"""A relief office for tests: the service over books of either kind, Huzhou's map, a clock that a test moves, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from tests.huzhou import read_huzhou
from tests.services.hotline.desk import twice
from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.period import WorkingCalendar
from yucun.city import SERVICES
from yucun.kernel.books import Books
from yucun.kernel.cases import ORGAN as CASES
from yucun.kernel.cases import Actor, Case, Cases, Clock
from yucun.kernel.engine import ORGAN as ENGINE
from yucun.kernel.engine import Event, EventEngine, Running, Taken, load_acting
from yucun.kernel.engine.load import Loaded
from yucun.kernel.ledger import ORGAN as LEDGER
from yucun.kernel.ledger import Ledger, Reserved
from yucun.kernel.service import read_services

ORGANS = (CASES, LEDGER, ENGINE)
WINDOW = Actor("window.tests", frozenset({"relief_window"}))
COUNTY = Actor("county.tests", frozenset({"relief_county"}))
FINANCE = Actor("finance.tests", frozenset({"relief_finance"}))
RESIDENT = Actor("resident.tests", frozenset({"resident"}))
# Three real villages of the map; the households are made up.
VILLAGES = ("330502001005", "330502001006", "330521001001")
HEADER = "household_id,person_id,role,counted_income_12m_fen,money_assets_fen\n"


def no_lake(table: str, equals: Mapping[str, Any], as_of: int) -> pa.Table:
    return pa.table({"as_of": [as_of]})


def load(*names: str) -> Loaded:
    """Relief, and other services beside it, as they ship."""
    found, findings = read_services(SERVICES)
    assert not findings, [f.message.en for f in findings]
    loaded = load_acting({name: found[name] for name in ("relief", *names)})
    assert not loaded.findings, [f.message.en for f in loaded.findings]
    return loaded


def make_engine(url: str, clock: SimulatedClock, loaded: Loaded) -> EventEngine:
    """An engine over books of either kind."""
    books = Books.open(url, ORGANS, clock)
    cases, ledger = Cases(loaded.kinds, WorkingCalendar.of_china()), Ledger(loaded.chart)
    regions = read_huzhou().regions
    return EventEngine(books, cases, ledger, regions, loaded.services, no_lake, lambda tx: tx.committed_seq, clock)


def poor(household: str, *incomes_fen: int, month_incomes: bool = True) -> str:
    """The facts of a household: one person for each income a month."""
    rows = [
        f"{household},{household}-{n},{'head' if n == 0 else 'other'},{income * (12 if month_incomes else 1)},0"
        for n, income in enumerate(incomes_fen)
    ]
    return HEADER + "\n".join(rows) + "\n"


class Office:
    """What tests do at a relief office."""

    def __init__(
        self, url: str = "sqlite://", start: str = "2022-03-01 09:00", loaded: Loaded | None = None, again: bool = True
    ) -> None:
        self.clock = SimulatedClock.on(date.fromisoformat(start[:10]), ticking=False)
        self.clock.instant = datetime.fromisoformat(start).replace(tzinfo=CHINA)
        self.loaded = loaded or load()
        if again:
            for acting in self.loaded.services.values():
                if acting.decide.__name__ != "both":
                    object.__setattr__(acting, "decide", twice(acting.decide))
        self.engine = make_engine(url, self.clock, self.loaded)
        self.running = Running(self.engine, self.loaded.answers)
        self._number = 0

    def at(self, moment: str) -> None:
        """Set the clock and let what is due happen."""
        self.clock.instant = datetime.fromisoformat(moment).replace(tzinfo=CHINA)
        self.settle()

    def settle(self) -> None:
        """Clocks, passed rows, answers."""
        self.running.settle()

    def pass_days(self, count: int) -> None:
        """Let days pass, one by one, as mornings do."""
        for _ in range(count):
            self.clock.instant += timedelta(days=1)
            self.settle()

    def take(self, kind: str, body: Mapping[str, Any], by: Actor, key: str = "") -> Taken:
        """Send one event and let what follows happen."""
        self._number += 1
        (taken,) = self.engine.take([Event(key or f"{kind}:{self._number}", f"relief.{kind}", body, by)])
        self.settle()
        return taken

    def do(self, kind: str, body: Mapping[str, Any], by: Actor, key: str = "") -> Taken:
        """Send an event that must be done."""
        taken = self.take(kind, body, by, key)
        assert taken.status == "done", [f"{f.kind}: {f.message.en} ({f.found})" for f in taken.findings]
        assert not taken.findings, [f"{f.kind}: {f.message.en} ({f.found})" for f in taken.findings]
        return taken

    def apply(self, number: str, household: str, facts: str, village: str = VILLAGES[0], **more: Any) -> Taken:
        """A household applies."""
        body = {"application": number, "household": household, "region": village, "facts": facts, "channel": "window",
                "authorisation": f"K-{household}", "is_made_up": True, **more}  # fmt: skip
        return self.take("applied", body, WINDOW, f"applied:{number}")

    def move(self, case: str, name: str, by: Actor, **more: Any) -> Taken:
        """Move a case, which must be done."""
        return self.do("moved", {"case": case, "move": name, **more}, by)

    def award(self, number: str, household: str, facts: str, village: str = VILLAGES[0]) -> None:
        """Bring an application from the window to its award."""
        taken = self.apply(number, household, facts, village)
        assert taken.status == "done", [f.message.en for f in taken.findings]
        case = f"relief:{number}"
        for name, by in (("accept", WINDOW), ("verify", WINDOW), ("verified", WINDOW), ("publicise", WINDOW)):
            self.move(case, name, by)
        self.pass_days(8)
        assert self.case(case).state == "county_review"
        self.move(case, "approve", COUNTY)

    def pay(self, month: str, file: str = "sha256:made-up", key: str = "") -> Taken:
        """Sign a month's run over what is due."""
        due = self.due(month)
        with self.engine.books.read() as tx:
            orders = self.engine.cases.get(tx, f"month:{month}").fields.get("orders", 0) + 1
        body = {
            "month": month,
            "order": orders,
            "lines": len(due),
            "total_fen": sum(d.amount for d in due),
            "file": file,
        }
        return self.take("pay_ordered", body, FINANCE, key or f"pay:{month}:{orders}")

    # -- reading ----------------------------------------------------------------------------------------------------------

    def case(self, case: str) -> Case:
        """A case by id."""
        with self.engine.books.read() as tx:
            return self.engine.cases.get(tx, case)

    def cases(self, kind: str, **more: Any) -> list[Case]:
        """Cases of a kind."""
        with self.engine.books.read() as tx:
            return self.engine.cases.list_cases(tx, f"relief.{kind}", limit=10_000, **more)

    def clocks(self, case: str) -> dict[str, Clock]:
        """Clocks of a case."""
        with self.engine.books.read() as tx:
            return self.engine.cases.clocks(tx, self.engine.cases.get(tx, case))

    def due(self, month: str = "") -> list[Reserved]:
        """What is reserved and not yet paid."""
        with self.engine.books.read() as tx:
            return self.engine.ledger.list_reserved(tx, "relief.", month)

    def paid(self, household: str) -> int:
        """What a household has received."""
        with self.engine.books.read() as tx:
            return self.engine.ledger.balance(tx, f"relief:household:{household}", "fen").posted or 0

    def untaken(self, village: str) -> int:
        """What is due in a village and not taken."""
        with self.engine.books.read() as tx:
            return self.engine.ledger.balance(tx, f"relief:fund:{village}", "fen").going_out or 0

    def close(self) -> None:
        """Check the books and let go of them."""
        with self.engine.books.read() as tx:
            self.engine.ledger.check(tx)
            self.engine.cases.check(tx)
        self.engine.books.verify()
        self.engine.books.close()
