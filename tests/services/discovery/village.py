"""A few made-up households and an office of early warning over them, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from tests.huzhou import read_huzhou
from tests.simulation.discovery_year import CADRE, COUNTY, WINDOW, make_engine
from yucun.base.clock import CHINA, SimulatedClock
from yucun.kernel.cases import Actor, Case
from yucun.kernel.engine import Running, Taken
from yucun.kernel.lake.engine import Engine
from yucun.kernel.view import Build, Event

__all__ = ["CADRE", "COUNTY", "WINDOW", "Office", "Villagers"]
VILLAGE = "330502001005"
_DAY = pa.date32()
_TABLES: Mapping[str, pa.Schema] = {
    "household": pa.schema([("household", pa.string()), ("village", pa.string()), ("kind", pa.string()), ("members", pa.int64())]),
    "person": pa.schema([("person", pa.string()), ("household", pa.string()), ("band", pa.string()), ("studies", pa.string())]),
    "register": pa.schema([("person", pa.string()), ("household", pa.string()), ("since", pa.string())]),
    "income": pa.schema(
        [("person", pa.string()), ("line", pa.string()), ("since", _DAY), ("until", _DAY), ("month_fen", pa.int64())]
    ),
    "disability": pa.schema([("person", pa.string()), ("grade", pa.int64()), ("issued", _DAY)]),
    "medical": pa.schema(
        [("person", pa.string()), ("month", pa.string()), ("kind", pa.string()), ("own_fen", pa.int64())]
    ),
    "electricity": pa.schema([("household", pa.string()), ("month", pa.string()), ("kwh", pa.int64())]),
    "hint": pa.schema([("household", pa.string()), ("day", _DAY), ("kind", pa.string())]),
    "event": pa.schema([("household", pa.string()), ("kind", pa.string()), ("day", _DAY)]),
}  # fmt: skip


class Villagers:
    """Households by name; a household's persons are ``P-NAME-0`` and on."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}

    def home(
        self, name: str, members: int = 1, *, band: str = "40", kind: str = "family", registered: str = ""
    ) -> Villagers:
        """Add a household."""
        self.rows["household"].append({"household": name, "village": VILLAGE, "kind": kind, "members": members})
        for n in range(members):
            self.rows["person"].append({"person": f"P-{name}-{n}", "household": name, "band": band, "studies": "none"})
            if registered:
                self.rows["register"].append({"person": f"P-{name}-{n}", "household": name, "since": registered})
        return self

    def add(self, table: str, **row: Any) -> Villagers:
        """Add a row of another table."""
        known = {field.name: None for field in _TABLES[table]}
        self.rows[table].append({**known, **row})
        return self

    def bill(self, name: str, month: str, yuan: int, kind: str = "inpatient") -> Villagers:
        """Add what the first person of a household paid."""
        return self.add("medical", person=f"P-{name}-0", month=month, kind=kind, own_fen=yuan * 100)

    def earns(self, name: str, yuan: int, since: date = date(2015, 1, 1), until: date | None = None) -> Villagers:
        """Add a wage of the first person."""
        return self.add("income", person=f"P-{name}-0", line="wage", since=since, until=until, month_fen=yuan * 100)

    def table(self, name: str) -> ir.Table:
        """A table of people by its name."""
        service, _, word = name.partition(".")
        if service != "people" or word not in _TABLES:
            raise LookupError(name)
        return self.engine.memory(pa.Table.from_pylist(self.rows[word], schema=_TABLES[word]))

    def query(self, build: Build, allowed: frozenset[str], as_of: int) -> pa.Table:
        """Run what a decision asks."""
        del as_of

        def table(name: str) -> ir.Table:
            if name not in allowed:
                raise LookupError(name)
            return self.table(name)

        return self.engine.run(build(table))


class Office:
    """Early warning over some households, with a clock that a test moves."""

    def __init__(
        self, villagers: Villagers, *others: str, start: str = "2022-05-31 18:00", again: bool = False
    ) -> None:
        self.clock = SimulatedClock.on(date.fromisoformat(start[:10]), ticking=False)
        self.clock.instant = datetime.fromisoformat(start).replace(tzinfo=CHINA)
        self.engine = make_engine("sqlite://", villagers, self.clock, read_huzhou().regions, *others)
        for acting in self.engine.services.values() if again else ():
            object.__setattr__(acting, "decide", _twice(acting.decide))
        self.running = Running(self.engine)
        self._number = 0

    def run(self, month: str = "2022-05", key: str = "", by: Actor = COUNTY, **more: Any) -> Taken:
        """Run a month."""
        body = {"month": month, "visits": 20, "is_made_up": True, **more}
        return self.take(Event(key or f"run:{month}", "discovery.month_run", body, by))

    def take(self, event: Event) -> Taken:
        """Send an event and let what follows happen."""
        (taken,) = self.engine.take([event])
        self.running.settle()
        return taken

    def try_move(self, case: Case, move: str, by: Actor = CADRE, **body: Any) -> Taken:
        """Move a case, which may be refused."""
        self._number += 1
        return self.take(Event(f"move:{self._number}", "discovery.moved", {"case": case.id, "move": move, **body}, by))

    def move(self, case: Case, move: str, by: Actor = CADRE, **body: Any) -> Case:
        """Move a case, which must be done; returns it as it stands then."""
        taken = self.try_move(case, move, by, **body)
        assert taken.status == "done" and not taken.findings, [f"{f.kind}: {f.message.en}" for f in taken.findings]
        return self.get(case.subject)

    def visit(self, home: str) -> Case:
        """Bring a household's warning to the visit."""
        self.move(self.get(home), "take", officer="cadre.tests")
        return self.move(self.get(home), "visit")

    def list(self, **more: Any) -> Sequence[Case]:
        """All warnings."""
        with self.engine.books.read() as tx:
            return self.engine.cases.list_cases(tx, "discovery.warning", limit=1000, **more)

    def get(self, home: str) -> Case:
        """The newest warning about a household."""
        return max(self.list(subject=home), key=lambda case: case.no)

    def pass_days(self, days: int) -> None:
        """Let days pass and clocks ring."""
        for _ in range(days):
            self.clock.instant += timedelta(days=1)
            self.running.settle()

    def records(self, table: str) -> list[dict[str, Any]]:
        """Rows that were recorded."""
        with self.engine.books.read() as tx:
            lines = tx.lines(kinds=("engine.recorded",))
            return [one["row"] for line in lines if line.payload["table"] == table for one in line.payload["rows"]]


def _twice(decide: Any) -> Any:
    """A decision that is made twice and must come out the same."""

    def both(event: Event, view: Any) -> Any:
        first = list(decide(event, view))
        assert list(decide(event, view)) == first
        return first

    return both
