"""Twelve made-up months of early warning: the service offers visits, and what a visit finds is drawn from the truth.

The truth is read here and handed to nobody: the service sees a visit's finding, as it would from a cadre.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.period import Period, WorkingCalendar
from yucun.city import SERVICES
from yucun.kernel.books import Books
from yucun.kernel.cases import ORGAN as CASES
from yucun.kernel.cases import Actor, Case, Cases
from yucun.kernel.engine import ORGAN as ENGINE
from yucun.kernel.engine import Event, EventEngine, load_acting
from yucun.kernel.lake.engine import Engine
from yucun.kernel.ledger import ORGAN as LEDGER
from yucun.kernel.ledger import Ledger
from yucun.kernel.registry.regions import Regions
from yucun.kernel.service import read_services
from yucun.kernel.view import Build

CADRE = Actor("cadre.tests", frozenset({"village_cadre"}))
WINDOW = Actor("window.tests", frozenset({"relief_window"}))
COUNTY = Actor("county.tests", frozenset({"relief_county"}))
MONTHS = tuple(Period.month(2021 + (5 + n) // 12, (5 + n) % 12 + 1) for n in range(12))
# What a visit to a household in need leads to, by its class.
LEADS_TO = {"dibao": "apply_for", "tekun": "apply_for", "edge": "refer", "expenditure": "call_urgent"}
_AT_ONCE = 1000


@dataclass(frozen=True)
class Truth:
    """Who is in need and never applied: class and first month, by household. No service is ever given this."""

    hidden: Mapping[str, tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> Truth:
        """Read it from beside the made-up people."""
        names = ["household", "need", "need_from", "is_registered"]
        rows = pq.read_table(folder / "truth_household.parquet", columns=names)
        plain = rows.cast(pa.schema([pa.field(n, pa.bool_() if n == "is_registered" else pa.string()) for n in names]))
        kept = [r for r in plain.to_pylist() if r["need"] != "none" and not r["is_registered"]]
        return cls({r["household"]: (r["need"], r["need_from"]) for r in kept})

    def find(self, household: str, month: str) -> str:
        """The class of a household in need by a month; empty for none."""
        need, since = self.hidden.get(household, ("", "9999"))
        return need if since <= month else ""

    def count(self, month: str) -> int:
        """How many are in need by a month and never applied."""
        return sum(since <= month for _, since in self.hidden.values())


class PeopleFiles:
    """The tables of people as files, for a service that says that it reads them; the truth is not among them."""

    def __init__(self, folder: Path, memory: str = "2GB") -> None:
        self.engine = Engine(memory=memory)
        self._folder = folder

    def table(self, name: str) -> ir.Table:
        """A table of people by its name."""
        service, _, word = name.partition(".")
        path = self._folder / f"{word}.parquet"
        if service != "people" or word.startswith("truth") or not path.is_file():
            raise LookupError(name)
        schema = pq.read_schema(path)
        plain = [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema]
        return self.engine.table([path], pa.schema(plain))

    def query(self, build: Build, allowed: frozenset[str], as_of: int) -> pa.Table:
        """Run what a decision asks."""
        del as_of

        def table(name: str) -> ir.Table:
            if name not in allowed:
                raise LookupError(name)
            return self.table(name)

        return self.engine.run(build(table))


def make_engine(url: str, people: PeopleFiles, clock: SimulatedClock, regions: Regions, *others: str) -> EventEngine:
    """Books, and early warning that decides over the files; other services beside it."""
    found, findings = read_services(SERVICES)
    assert not findings, [f.message.en for f in findings]
    loaded = load_acting({name: found[name] for name in ("discovery", *others)})
    assert not loaded.findings, [f.message.en for f in loaded.findings]
    books = Books.open(url, (CASES, LEDGER, ENGINE), clock)
    cases = Cases(loaded.kinds, WorkingCalendar.of_china())

    def no_rows(_table: str, _equals: object, as_of: int) -> pa.Table:
        return pa.table({"as_of": [as_of]})

    return EventEngine(
        books,
        cases,
        Ledger(loaded.chart),
        regions,
        loaded.services,
        no_rows,
        lambda tx: tx.committed_seq,
        clock,
        people.query,
    )


@dataclass
class Tried:
    """One month: visits, those that led to help, all in need by its end, and all found up to it."""

    month: str
    visits: int
    found: int
    in_need: int
    found_so_far: int
    to_learn: int = 0
    by_rule: dict[str, list[int]] = field(default_factory=dict)


class Year:
    """The months under one order of visits.

    Parameters
    ----------
    order : str
        ``learnt`` or ``published``.
    visits : mapping of str to int, or None
        How many visits each month has; None leaves it to the service.
    """

    def __init__(self, engine: EventEngine, truth: Truth, order: str, visits: Mapping[str, int] | None = None) -> None:
        self.engine, self._truth = engine, truth
        self._order, self._visits = order, visits
        self._helped: set[str] = set()
        assert isinstance(engine.clock, SimulatedClock)
        self._clock = engine.clock

    def live(self) -> Iterator[Tried]:
        """Live through the months; each is run on its last day and visited within two days."""
        for month in MONTHS:
            self._clock.instant = datetime.combine(month.end, time(18), CHINA)
            body: dict[str, Any] = {"month": month.text, "order": self._order, "is_made_up": True}
            if self._visits is not None:
                body["visits"] = self._visits[month.text]
            (taken,) = self.engine.take([Event(f"run:{month.text}", "discovery.month_run", body, COUNTY)])
            assert taken.status == "done" and not taken.findings, [f.message.en for f in taken.findings]
            yield self._visit(month)

    def _visit(self, month: Period) -> Tried:
        with self.engine.books.read() as tx:
            raised = self.engine.cases.list_cases(tx, "discovery.warning", states=("raised",), limit=10_000_000)
        self._clock.instant += timedelta(days=2)
        self._all(raised, "take", officer=CADRE.account)
        self._all(raised, "visit")
        tried = Tried(month.text, len(raised), 0, self._truth.count(month.text), 0)
        events = []
        for case in raised:
            move, body = self._find_out(case, month, tried)
            events.append(self._event(case, move, **body))
        self._take(events)
        self._all(raised, "close", outcome="taken_over")
        tried.found_so_far = len(self._helped)
        return tried

    def _find_out(self, case: Case, month: Period, tried: Tried) -> tuple[str, dict[str, str]]:
        need = self._truth.find(case.subject, month.text)
        is_found = bool(need) and case.subject not in self._helped
        tried.found += is_found
        tried.to_learn += bool(case.fields["is_to_learn"])
        for rule in str(case.fields["rules"]).split():
            counted = tried.by_rule.setdefault(rule, [0, 0])
            counted[0] += 1
            counted[1] += is_found
        if not is_found:
            return "find_no_need", {"reason": "（模拟）上门了解，暂无需要"}
        self._helped.add(case.subject)
        move = LEADS_TO[need]
        more = {"refer": {"referred_to": "charity"}, "call_urgent": {"reason": "（模拟）支出压力大"}}
        return move, more.get(move, {})

    def _all(self, cases: Sequence[Case], move: str, **body: str) -> None:
        self._take([self._event(case, move, **body) for case in cases])

    def _event(self, case: Case, move: str, **body: str) -> Event:
        return Event(f"{case.id}:{move}", "discovery.moved", {"case": case.id, "move": move, **body}, CADRE)

    def _take(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), _AT_ONCE):
            for taken in self.engine.take(events[start : start + _AT_ONCE]):
                assert taken.status == "done" and not taken.findings, [f.message.en for f in taken.findings]


def count_warnings(people: PeopleFiles, truth: Truth, law: Any) -> dict[str, tuple[int, int, int]]:
    """Each rule by itself and all together over the twelve months: households warned of, of them in need when first warned
    of or later while it stood, and all in need at the end; by the truth, which no service sees."""
    from yucun.services.discovery.detectors import RULES, find_rule  # noqa: PLC0415

    warned: dict[str, set[str]] = {rule: set() for rule in (*RULES, "together")}
    right: dict[str, set[str]] = {rule: set() for rule in (*RULES, "together")}
    for month in MONTHS:
        for rule in RULES:
            rows = people.engine.run(find_rule(people.table, month, law, rule))
            for home in rows.column("household").to_pylist():
                is_right = bool(truth.find(home, month.text))
                for name in (rule, "together"):
                    warned[name].add(home)
                    if is_right:
                        right[name].add(home)
    in_need = truth.count(MONTHS[-1].text)
    return {rule: (len(warned[rule]), len(right[rule]), in_need) for rule in warned}


def start_clock() -> SimulatedClock:
    """The clock before the first month."""
    return SimulatedClock.on(date(2021, 6, 1), ticking=False)
