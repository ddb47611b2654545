"""What a reader sees of cases: queues within their regions, private words under a purpose, each look noted."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import ModuleType
from typing import Any

from yucun.base.errors import AccessError, Finding, NotKnown
from yucun.base.identity import PersonId, RegionCode
from yucun.base.text import Text
from yucun.city import City
from yucun.kernel.access import Reader
from yucun.kernel.access.check import at, may_read
from yucun.kernel.access.model import Refused
from yucun.kernel.cases import Actor, Case, CaseKind, Clock, Move, MoveDone
from yucun.kernel.engine.private import MARK

# Who may look at a desk without working at it.
OVERSEERS = frozenset({"chief", "auditor"})
MOST = 2000
# A case of this priority or above stands before the queue.
DANGER = 90
# Words in which a search looks, beside what the queue shows of a case.
SEARCHED = ("text", "person", "phone", "address")


@dataclass(frozen=True, slots=True)
class Seen:
    """A private text for one reader: the words, or why there are none."""

    text: str = ""
    refused: Text | None = None
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case of a queue with its clocks, and when the next of them ends."""

    case: Case
    clocks: Mapping[str, Clock]
    pending: frozenset[str] = frozenset()

    @property
    def next_clock(self) -> Clock | None:
        """The clock that presses: one that is over and still not kept, else the running one that ends first."""
        going = [
            c
            for c in self.clocks.values()
            if c.due is not None and (c.state == "running" or (c.state == "late" and c.name in self.pending))
        ]
        return min(going, key=lambda c: (c.state != "late", c.due), default=None)

    @property
    def order(self) -> tuple[int, str, int]:
        """Danger first, then by the end of the next clock, then by number."""
        clock = self.next_clock
        due = clock.due.isoformat() if clock is not None and clock.due is not None else "9999"
        return (-(self.case.priority // DANGER), due, self.case.no)


class Desk:
    """One service's cases for one reader.

    Parameters
    ----------
    city : City
    service : str
        Id of a service that has kinds of case.
    reader : Reader
        Whoever looks; without a role of the service's moves nothing is shown.

    Raises
    ------
    NotKnown
        If the service has no desk.
    AccessError
        If the reader's posts have nothing to do with it.
    """

    def __init__(self, city: City, service: str, reader: Reader) -> None:
        found = {n: k for n, k in city.work.cases.kinds.items() if n.partition(".")[0] == service}
        if service not in city.services or not found:
            raise NotKnown(_no_desk(service, city))
        self.city = city
        self.service = city.services[service]
        self.kinds = found
        self.reader = reader
        self.words = find_words(service)
        self._regions = self._find_regions()
        if self._regions is None:
            raise AccessError(_not_yours(self.service.title, reader))

    @property
    def kind(self) -> CaseKind:
        """The service's first kind of case."""
        return next(iter(self.kinds.values()))

    @property
    def actor(self) -> Actor:
        """In whose name the reader moves cases."""
        return Actor(self.reader.account, self.reader.roles)

    @property
    def may_move(self) -> bool:
        """Whether any move is among the reader's duties."""
        return any(move.by & self.reader.roles for kind in self.kinds.values() for move in kind.moves.values())

    def _find_regions(self) -> tuple[RegionCode, ...] | None:
        """Regions of the grants whose role works here or oversees; None when there is none."""
        roles = {role for kind in self.kinds.values() for move in kind.moves.values() for role in move.by} | OVERSEERS
        held = [g for g in self.reader.grants if g.role.name in roles - {"rule"}]
        return tuple(sorted({r for g in held for r in g.regions})) if held else None

    @property
    def regions(self) -> tuple[RegionCode, ...]:
        """The regions in which the reader works here or oversees."""
        return self._regions or ()

    def sees(self, case: Case) -> bool:
        """Whether the case is this desk's and lies within the reader's regions; one without a place is the city's."""
        if case.kind not in self.kinds:
            return False
        region = RegionCode.parse(case.region) if case.region else self.city.place.region
        return self.city.is_within(region, self._regions or ())

    # -- cases ---------------------------------------------------------------------------------------------------------

    def queue(
        self,
        *,
        states: Sequence[str] = (),
        unit: str = "",
        officer: str = "",
        is_open: bool | None = True,
        most: int = MOST,
    ) -> list[Waiting]:
        """Cases that wait, the most pressing first."""
        with self.city.books.read() as tx:
            found: list[Case] = []
            for kind in self.kinds:
                found += self.city.work.cases.list_cases(
                    tx, kind, states=states, unit=unit, officer=officer, is_open=is_open, limit=most,
                    newest_first=is_open is False,
                )  # fmt: skip
            mine = [case for case in found if self.sees(case)]
            clocks = self.city.work.cases.clocks_of(tx, mine)
        waiting = [self.wait(case, clocks.get(case.no, {})) for case in mine]
        return waiting if is_open is False else sorted(waiting, key=lambda one: one.order)

    def count(self) -> dict[str, int]:
        """How many open cases stand in each state, within the reader's regions."""
        counted: dict[str, int] = {}
        for one in self.queue():
            counted[one.case.state] = counted.get(one.case.state, 0) + 1
        return counted

    def find(self, case: str | int) -> Case:
        """Return a case by number or id; one that is not the reader's is not known to them."""
        with self.city.books.read() as tx:
            found = self.city.work.cases.get(tx, case)
        if not self.sees(found):
            raise NotKnown(_no_case(str(case)))
        return found

    def get(self, case: str | int) -> Waiting:
        """Return a case with its clocks."""
        with self.city.books.read() as tx:
            found = self.find(case)
            clocks = self.city.work.cases.clocks(tx, found)
        return self.wait(found, clocks)

    def wait(self, case: Case, clocks: Mapping[str, Clock]) -> Waiting:
        """A case as it stands in a queue."""
        return Waiting(case, clocks, find_pending(self.kinds[case.kind], case.state))

    def history(self, case: Case) -> list[MoveDone]:
        """All moves of a case."""
        with self.city.books.read() as tx:
            return self.city.work.cases.history(tx, case)

    def list_moves(self, case: Case) -> list[Move]:
        """The moves that the reader may make from where a case stands."""
        kind = self.kinds[case.kind]
        return [m for m in kind.list_moves(case.state) if m.by & self.reader.roles]

    def find_undo(self, kind: CaseKind, done: MoveDone) -> Move | None:
        """A move of the reader's that leads back to where the last one began; None where the machine knows none.

        One that says no to a person, ends a matter or must name an outcome is never offered as an undoing.
        """
        for move in kind.moves.values():
            is_back = done.to in move.origins and move.to == done.origin and done.to != done.origin
            if is_back and move.by & self.reader.roles and not (move.refuses or move.outcomes or move.ends_other):
                return move
        return None

    # -- private words ---------------------------------------------------------------------------------------------------

    def read_texts(
        self, cases: Sequence[Case], fields: Sequence[str] = (), *, note: bool = True
    ) -> dict[int, dict[str, Seen]]:
        """Private texts of cases by number and field, as far as the reader's purposes allow; the look is noted.

        Parameters
        ----------
        fields : sequence of str
            Which of the private fields; all when empty.
        """
        marks = {
            (case.no, name): str(value)
            for case in cases
            for name, value in case.fields.items()
            if isinstance(value, str) and value.startswith(MARK) and (not fields or name in fields)
        }
        with self.city.books.read() as tx:
            rows = tx.rows_in(
                "SELECT hash, body, dataset, field FROM engine_private WHERE hash IN (?)", set(marks.values())
            )
        held = {str(row[0]): row[1:] for row in rows}
        found: dict[int, dict[str, Seen]] = {case.no: {} for case in cases}
        by_number = {case.no: case for case in cases}
        shown: dict[int, set[str]] = {}
        for (number, name), mark in marks.items():
            if mark not in held:
                found[number][name] = Seen(is_forgotten=True)
                continue
            body, dataset, field = held[mark]
            refused = self._may_read(str(dataset), str(field), by_number[number])
            found[number][name] = Seen(str(body)) if refused is None else Seen(refused=refused)
            if refused is None:
                shown.setdefault(number, set()).add(name)
        if note:
            self._note(shown, by_number)
        return found

    def _may_read(self, dataset: str, field: str, case: Case) -> Text | None:
        """None when a text may be shown, else why not."""
        contract = self.city.contracts[dataset]
        region = RegionCode.parse(case.region) if case.region else self.city.place.region
        purpose = next((p.name for p in self.reader.purposes if p.covers(dataset, field)), "")
        decision = at(may_read(self.reader, contract, contract.get_field(field), purpose), region, self.city.is_within)
        return decision.reason if isinstance(decision, Refused) else None

    def _note(self, shown: Mapping[int, set[str]], cases: Mapping[int, Case]) -> None:
        purpose = self.purpose
        for number, names in shown.items():
            case = cases[number]
            region = RegionCode.parse(case.region) if case.region else None
            self.city.trail.note(
                self.reader, f"case {case.id}", "L2", purpose=purpose, fields=names, region=region,
                persons=find_person(case.subject),
            )  # fmt: skip
        if shown:
            self.city.trail.flush()

    @property
    def purpose(self) -> str:
        """The purpose under which the reader looks here; empty when they hold none for this service."""
        names = [p.name for p in self.reader.purposes]
        own = [name for name in names if name.partition(".")[0] == self.service.id]
        return own[0] if own else (names[0] if names else "")

    def search(self, waiting: Sequence[Waiting], query: str) -> list[Waiting]:
        """Those among some cases that hold every word of a query, as far as the reader's purposes let them look."""
        seen = self.read_texts([one.case for one in waiting], SEARCHED, note=False)
        words = query.casefold().split()
        return [one for one in waiting if all(word in self._said(one.case, seen[one.case.no]) for word in words)]

    def _said(self, case: Case, seen: Mapping[str, Seen]) -> str:
        title, unit = self.title(case), self.unit_title(case.unit)
        held = (str(case.no), case.id, case.subject, title.zh, title.en, unit.zh, unit.en, case.officer)
        return " ".join((*held, *(one.text for one in seen.values()))).casefold()

    # -- what the service says -------------------------------------------------------------------------------------------

    def title(self, case: Case) -> Text:
        """What a case is about, in few words, without anything private."""
        if self.words is not None:
            said: Text = self.words.title_case(case, self.kinds[case.kind])
            return said
        return self.kinds[case.kind].title

    def unit_title(self, unit: str) -> Text:
        """The name of a unit."""
        if self.words is None or not unit:
            return Text.same(unit)
        said: Text = self.words.title_unit(unit, self.pack, self.city.regions)
        return said

    @property
    def pack(self) -> Any:
        """The service's parameters as the place has them."""
        return self.city.work.engine.services[self.service.id].pack

    @property
    def now(self) -> datetime:
        """The city's now."""
        return self.city.clock.now()


@lru_cache(maxsize=512)
def _pending(moves: tuple[tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]], ...], state: str) -> frozenset[str]:
    clocks = {clock for _, _, acts in moves for clock, act in acts if act == "meet"}
    found = set()
    for clock in clocks:
        waiting, seen = [state], {state}
        while waiting:
            here = waiting.pop()
            for origins, to, acts in moves:
                act = dict(acts).get(clock)
                if here not in origins or act == "start":
                    continue
                if act == "meet":
                    found.add(clock)
                if to and to not in seen:
                    seen.add(to)
                    waiting.append(to)
    return frozenset(found)


def find_pending(kind: CaseKind, state: str) -> frozenset[str]:
    """Clocks that can still be kept from a state, without being started anew: what is late among them still presses."""
    return _pending(tuple((m.origins, m.to, tuple(m.clocks.items())) for m in kind.moves.values()), state)


@lru_cache(maxsize=64)
def find_words(service: str) -> ModuleType | None:
    """A service's ``pages/desk.py``, where it has one."""
    name = f"yucun.services.{service}.pages.desk"
    try:
        if importlib.util.find_spec(name) is None:
            return None
    except ModuleNotFoundError:
        return None
    return importlib.import_module(name)


def find_person(subject: str) -> list[PersonId]:
    """The person whom a case is about, where the subject is one of the registry."""
    try:
        return [PersonId.parse(subject)]
    except NotKnown:
        return []


def list_desks(city: City, reader: Reader) -> list[Desk]:
    """The desks at which a reader works or that they oversee."""
    found = []
    for service in city.services:
        try:
            found.append(Desk(city, service, reader))
        except (NotKnown, AccessError):
            continue
    return found


def _no_desk(service: str, city: City) -> Finding:
    known = ", ".join(sorted({name.partition(".")[0] for name in city.work.cases.kinds}))
    return Finding("desk.none", f"/duty/{service[:60]}", service[:60], known, Text(
        f"「{service[:60]}」没有值班台；有：{known}", f"'{service[:60]}' has no duty desk; there are: {known}"))  # fmt: skip


def _not_yours(title: Text, reader: Reader) -> Finding:
    who = "signed in" if reader.is_signed_in else "not signed in"
    return Finding("desk.not_yours", title.en, who, "a post that works here", Text(
        f"「{title.zh}」值班台只对其岗位开放；请登录或向管理员申请岗位",
        f"the desk '{title.en}' is open to its posts only; sign in, or ask an administrator for the post"))  # fmt: skip


def _no_case(case: str) -> Finding:
    return Finding("cases.unknown_case", f"case {case[:60]}", case[:60], "a case of this desk", Text(
        f"没有编号为「{case[:60]}」的事项，或不在您的管辖之内", f"there is no case '{case[:60]}' within your regions"))  # fmt: skip
