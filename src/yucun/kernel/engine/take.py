"""Taking events: check, decide, commit; one transaction for a batch, and each event all or not at all."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from yucun.base.clock import Clock as CityClock
from yucun.base.errors import Finding, Ours, Yours
from yucun.base.text import Text
from yucun.kernel.books import CONFLICTS, Books, Message
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.books.reading import Question, stamp
from yucun.kernel.books.store import WriteTransaction
from yucun.kernel.cases import NEXT_DUE, Case, Cases, Clock
from yucun.kernel.cases.model import RULE, Actor
from yucun.kernel.effects import Ask, Effect, MoveCase, Notify, OpenCase, Post, Record, Reserve, Void
from yucun.kernel.engine.act import Act
from yucun.kernel.engine.model import (
    ANSWERED,
    CLOCK,
    MOST_REFUSALS,
    RECORDED,
    REFUSED,
    SYSTEM,
    Acting,
    Due,
    Event,
    Taken,
)
from yucun.kernel.engine.private import put_apart, read_private, same_private, with_texts
from yucun.kernel.engine.store import find_status, passed_until
from yucun.kernel.lake.checking.record import check_record
from yucun.kernel.ledger import NEXT_UNTIL, Ledger
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import LakeQuery, LakeRows, View

__all__ = ["EventEngine", "Undone"]

# What `look` asks: the newest line and when it was written, and whether a question waits.
_HEAD: Question = ("SELECT seq, at FROM journal ORDER BY seq DESC LIMIT 1", ())
_ASK_WAITS: Question = ("SELECT 1 FROM outbox WHERE state = 'waiting' AND kind = ? LIMIT 1", ("ask",))
# Of most events no more effects follow; the keys of any others are asked for one by one.
_FEW_EFFECTS = 4


class Undone(Exception):  # noqa: N818 - it is not an error: a dry run ends with it
    """Leaves a transaction of which nothing is to stay; carries what would have been."""

    def __init__(self, taken: Sequence[Taken]) -> None:
        super().__init__("nothing was kept")
        self.taken = tuple(taken)


class _Refused(Exception):  # noqa: N818 - a step of the engine, never seen outside
    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("refused")
        self.findings = tuple(findings)


class EventEngine:
    """The one writer of a city's books that lets services decide.

    Parameters
    ----------
    books, cases, ledger, regions
        What decisions look at and what effects change.
    services : mapping of str to Acting
        By id.
    lake_rows : callable
        Reads a lake table as of a journal seq.
    lake_seq : callable
        The newest seq at which the lake changed; what a batch of events is pinned to.
    lake_query : callable or None
        Runs one expression over whole tables; None where decisions have no lake.
    """

    def __init__(
        self,
        books: Books,
        cases: Cases,
        ledger: Ledger,
        regions: Regions,
        services: Mapping[str, Acting],
        lake_rows: LakeRows,
        lake_seq: Callable[[WriteTransaction], int],
        clock: CityClock,
        lake_query: LakeQuery | None = None,
    ) -> None:
        self.books = books
        self.cases = cases
        self.ledger = ledger
        self.regions = regions
        self.services = dict(services)
        self.clock = clock
        self._lake_rows = lake_rows
        self._lake_seq = lake_seq
        self._lake_query = lake_query
        self._consumed = frozenset[str]().union(*(service.consumes for service in services.values()))
        # Up to which line nothing waits for any service, and for each of them.
        self._nothing_before = 0
        self._nothing_until: dict[str, int] = {}

    # -- events that come from outside ----------------------------------------------------------------------

    def take(self, events: Sequence[Event], *, hopes: bool = True) -> list[Taken]:
        """Take events in order, in one commit; each is done whole, or refused with its findings.

        Parameters
        ----------
        hopes : bool
            Whether keys of rows are hoped to be new at first; see `take_within`.

        Returns
        -------
        list of Taken
            One for each event.
        """
        try:
            with self.books.write() as tx:
                return self.take_within(tx, events, hopes=hopes)
        except CONFLICTS:
            if not hopes:
                raise
            # A row's key is held already; which one, and whether it says the same, is found by looking.
            return self.take(events, hopes=False)

    def take_within(self, tx: WriteTransaction, events: Sequence[Event], *, hopes: bool = True) -> list[Taken]:
        """Take events in a transaction that has written nothing yet.

        Raises
        ------
        CONFLICTS
            With `hopes`, here or at the commit: the key of a row is held already. Nothing was done; take them again
            without hoping, and each key is looked for.
        """
        tx.hopes = hopes
        keys = [key for event in events for key in _own_keys(event)]
        cases = {name for event in events if isinstance(name := event.body.get("case"), str)}
        tx.look_ahead(keys, self.cases.ahead(tx, cases))
        lake_seq = self._lake_seq(tx)
        return [self._take_one(tx, event, lake_seq) for event in events]

    def dry_run(self, events: Sequence[Event]) -> list[Taken]:
        """Say what would become of events; nothing is kept."""
        try:
            with self.books.write() as tx:
                lake_seq = self._lake_seq(tx)
                raise Undone([self._take_one(tx, event, lake_seq) for event in events])
        except Undone as undone:
            return list(undone.taken)

    def _take_one(self, tx: WriteTransaction, event: Event, lake_seq: int) -> Taken:
        service = self.services.get(event.service)
        row, findings = self._check(service, event)
        known = tx.find_line(f"event:{event.key}")
        if known is not None:
            return self._answer_known(tx, event, row, known)
        if service is None or findings:
            return Taken(event.key, "refused", 0, findings=tuple(findings))
        said = self._put_apart(tx, service, event, row)
        return self._decide_and_act(tx, service, replace(event, body=said), lake_seq)

    def take_again(self, tx: WriteTransaction, event: Event, lake_seq: int) -> Taken:
        """Decide an event anew whose body is as the journal has it; replay does so."""
        return self._decide_and_act(tx, self.services[event.service], event, lake_seq)

    def _answer_known(self, tx: WriteTransaction, event: Event, row: Mapping[str, Any], known: Any) -> Taken:
        said = known.payload
        is_same = said.get("kind") == event.kind and same_private(tx, row, said["body"])
        if not is_same:
            return Taken(event.key, "refused", known.seq, findings=(_other_content(event, known.seq),))
        status = find_status(tx, event.key)
        return Taken(
            event.key, "already", known.seq, findings=_told(tx, event.key) if status and status[0] != "done" else ()
        )

    def _check(self, service: Acting | None, event: Event) -> tuple[dict[str, Any], list[Finding]]:
        if service is None:
            return dict(event.body), [_no_service(event)]
        if event.name in (REFUSED, CLOCK, ANSWERED) or event.name.startswith(f"{RECORDED}."):
            return dict(event.body), []
        contract = service.contracts.get(event.kind)
        if contract is None:
            return dict(event.body), [_no_contract(event, service)]
        row, findings = check_record(contract, event.body, self.regions, self.clock.today())
        return {name: value for name, value in row.items() if value is not None}, findings

    def _put_apart(self, tx: WriteTransaction, service: Acting, event: Event, row: Mapping[str, Any]) -> dict[str, Any]:
        contract = service.contracts.get(event.kind)
        return put_apart(tx, contract, row, event.key) if contract is not None else dict(row)

    # -- deciding -----------------------------------------------------------------------------------------------

    def _decide_and_act(self, tx: WriteTransaction, service: Acting, event: Event, lake_seq: int) -> Taken:
        line, _ = tx.record(
            "engine.event",
            f"event:{event.key}",
            {
                "event": event.key,
                "kind": event.kind,
                "body": dict(event.body),
                "by": event.by.account,
                "roles": sorted(event.by.roles),
            },
            lake_seq=lake_seq,
            pack=service.pack.hash,
            service=service.hash,
        )
        at = datetime.fromisoformat(line.at)
        asked = event
        findings: tuple[Finding, ...] = ()
        for attempt in range(1, MOST_REFUSALS + 2):
            try:
                with tx.undoable():
                    taken = self._attempt(tx, service, asked, at, lake_seq)
            except _Refused as refused:
                findings = findings or refused.findings
                self._note_refusal(tx, service, event, attempt, refused.findings)
                if attempt > MOST_REFUSALS:
                    break
                asked = _refused_event(event, attempt, refused.findings)
                continue
            status = "done" if asked is event else "refused"
            after = self.cases.list_known(tx, taken.cases)
            told = (*findings, *taken.findings)
            return Taken(event.key, status, line.seq, taken.effects, told, taken.cases, after)  # type: ignore[arg-type]
        tx.record("engine.quarantined", f"quarantined:{event.key}", {"event": event.key}, service=service.hash)
        return Taken(event.key, "quarantined", line.seq, findings=findings)

    def _attempt(self, tx: WriteTransaction, service: Acting, event: Event, at: datetime, lake_seq: int) -> Act:
        shown = replace(event, body=with_texts(tx, event.body))
        view = View(
            tx, at, service.pack, lake_seq, self.cases, self.ledger, self.regions, self._lake_rows, self._lake_query,
            service.consumes | service.publishes,
        )  # fmt: skip
        try:
            effects = tuple(service.decide(shown, view))
        except Yours as error:
            raise _Refused(error.findings) from None
        except Ours:
            raise
        except Exception as error:
            # One event's mistake must not stop the others; it is kept and shown.
            raise _Refused([_mistake(event, error)]) from error
        act = Act(tx, service, event, shown, self.cases, self.ledger, self.regions, at.date())
        for number, effect in enumerate(effects):
            self._apply(act, number, effect)
        act.finish(effects)
        return act

    def _apply(self, act: Act, number: int, effect: Effect) -> None:
        try:
            match effect:
                case OpenCase():
                    act.open_cases(number, effect)
                case MoveCase():
                    act.move_cases(number, effect)
                case Reserve() | Post() | Void():
                    act.transfer(number, effect)
                case Record():
                    act.record(number, effect)
                case Notify() | Ask():
                    act.send(number, effect)
                case _:
                    raise TypeError(f"not an effect: {effect!r}")
        except Yours as error:
            raise _Refused(error.findings) from None

    def _note_refusal(
        self, tx: WriteTransaction, service: Acting, event: Event, attempt: int, findings: Sequence[Finding]
    ) -> None:
        tx.record(
            "engine.refused",
            f"refused:{event.key}:{attempt}",
            {"event": event.key, "attempt": attempt, "findings": [f.to_json() for f in findings]},
            service=service.hash,
        )

    # -- events that the engine makes --------------------------------------------------------------------------

    def look(self) -> Due:
        """Say what there is to do, with one look at the books."""
        recorded = _recorded(self._consumed, self._nothing_before)
        head, rows, waits, until, *clocks = self.books.ask((_HEAD, recorded, _ASK_WAITS, NEXT_UNTIL, *NEXT_DUE))
        seq, at = head[0] if head else (0, "")
        if not rows:
            self._nothing_before = int(seq)
        now = max(stamp(self.clock.now()), str(at))
        over = datetime.fromisoformat(now).isoformat()
        return Due(
            clocks=any(row[0] is not None and str(row[0]) <= now for found in clocks for row in found),
            rows=bool(rows),
            questions=bool(waits),
            reservations=any(row[0] is not None and str(row[0]) <= over for row in until),
        )

    def tick(self, most: int = 500, wanted: Callable[[str], bool] | None = None) -> list[Taken]:
        """Let clocks that warn or ran out be events, each once; late ones at once. Call again while it returns some.

        Parameters
        ----------
        wanted : callable or None
            Says by the event's key which of them fire now; replay leaves some for later.
        """
        with self.books.write() as tx:
            now = datetime.fromisoformat(tx.next_stamp())
            due = self.cases.list_due(tx, now, most)
            if not due:
                return []
            lake_seq = self._lake_seq(tx)
            taken = []
            for case, clock, what in due:
                event = clock_event(case, clock, what)
                if wanted is None or wanted(event.key):
                    self.cases.fire(tx, [(case, clock, what)], f"fired:{event.key}")
                    taken.append(self._take_one(tx, event, lake_seq))
            return taken

    def expire(self) -> int:
        """Free reservations whose time is over; return how many."""
        with self.books.write() as tx:
            return len(self.ledger.time_out(tx).done)

    def pass_on(self, most: int = 200) -> list[Taken]:
        """Give recorded rows to the services that consume their tables, each once; call again while it returns some."""
        with self.books.read() as reading:
            last = reading.last_seq()
        taken: list[Taken] = []
        for service in self.services.values():
            if service.consumes:
                taken += self._pass_on_to(service, most)
        if not taken:
            self._nothing_before = last
        return taken

    def _pass_on_to(self, service: Acting, most: int) -> list[Taken]:
        while True:
            with self.books.read() as reading:
                after = max(passed_until(reading, service.id), self._nothing_until.get(service.id, 0))
                found = reading.rows(
                    "SELECT seq FROM journal WHERE kind = 'engine.recorded' AND seq > ? ORDER BY seq LIMIT ?",
                    (after, most),
                )
                if not found:
                    return []
                last = int(found[-1][0])
                may_hold = reading.row(*_recorded(service.consumes, after, last)) is not None
                lines = reading.lines(after, last, ("engine.recorded",)) if may_hold else []
            if any(line.payload["table"] in service.consumes for line in lines):
                break
            # Nothing for it here; that is remembered only, and looked at once more after a restart.
            self._nothing_until[service.id] = last
        with self.books.write() as tx:
            lake_seq = self._lake_seq(tx)
            until = lines[-1].seq
            taken = []
            for line in lines:
                table = line.payload["table"]
                if table not in service.consumes:
                    continue
                for number, one in enumerate(line.payload["rows"]):
                    key = f"passed:{service.id}:{line.key}:{number}"
                    event = Event(key, f"{service.id}.{RECORDED}.{table}", one["row"], SYSTEM)
                    taken.append(self._take_one(tx, event, lake_seq))
            tx.record(
                "engine.passed",
                f"passed:{service.id}:{after + 1}-{until}",
                {"service": service.id, "until": until},
                service=service.hash,
            )
            return taken

    def answer(self, message: Message, answer: Mapping[str, Any]) -> Taken:
        """Take the answer to an `Ask`; the question counts as delivered with it."""
        with self.books.write() as tx:
            lake_seq = self._lake_seq(tx)
            service = str(message.body["service"])
            body = {
                "question": message.body["question"],
                "asked": message.body["body"],
                "answer": dict(answer),
                "token": message.token,
            }
            event = Event(f"answer:{message.token}", f"{service}.{ANSWERED}", body, SYSTEM)
            taken = self._take_one(tx, event, lake_seq)
            tx.record("books.delivered", f"delivered:{message.token}", {"token": message.token})
            return taken

    def read_texts(self, marks: Collection[str]) -> dict[str, str]:
        """Return the private texts behind hashes; those that were forgotten are left out."""
        with self.books.read() as tx:
            return read_private(tx, marks)

    def forget(self, event: str, reason: str, by: str) -> int:
        """Remove the private texts of an event for good; the journal keeps their hashes. Returns how many."""
        with self.books.write() as tx:
            marks = [str(row[0]) for row in tx.rows("SELECT hash FROM engine_private WHERE event = ?", (event,))]
            if marks:
                said = {"event": event, "hashes": sorted(marks), "reason": reason, "by": by}
                tx.record("engine.forgotten", f"forgotten:{event}", said)
            return len(marks)


def _recorded(tables: Collection[str], after: int, until: int = 2**62) -> Question:
    """What tells whether any line of a range may hold rows of some tables, by the ends of their texts; none is taken apart."""
    ends = [f'%"table":"{table}"}}' for table in sorted(tables)]
    which = " OR ".join(["payload LIKE ?"] * len(ends)) or "1 = 0"
    sql = f"SELECT 1 FROM journal WHERE kind = ? AND seq > ? AND seq <= ? AND ({which}) LIMIT 1"
    return sql, ("engine.recorded", after, until, *ends)


def _own_keys(event: Event) -> list[str]:
    """Keys of the lines that an event usually leads to: its own, of its first effects, and of a first refusal."""
    effects = (f"effect:{event.key}:{number}" for number in range(_FEW_EFFECTS))
    return [f"event:{event.key}", f"refused:{event.key}:1", *effects]


def clock_event(case: Case, clock: Clock, what: str) -> Event:
    """The event of a clock that warns (``warn``) or has run out (``due``); one clock has one of each."""
    when = clock.due if what == "due" else clock.warn
    key = f"clock:{case.id}:{clock.name}:{what}:{when.isoformat() if when else ''}"
    body = {"case": case.id, "clock": clock.name, "what": what, "due": clock.due.isoformat() if clock.due else ""}
    return Event(key, f"{case.kind.partition('.')[0]}.{CLOCK}", body, SYSTEM)


def list_waiting(books: Books, kind: str, most: int = 100) -> list[Message]:
    """Return messages of the outbox that wait, the oldest first."""
    with books.read() as tx:
        rows = tx.rows(
            "SELECT token, kind, body FROM outbox WHERE state = 'waiting' AND kind = ? ORDER BY seq, token LIMIT ?",
            (kind, most),
        )
    return [Message(str(token), str(kind), json.loads(body)) for token, kind, body in rows]


def question_hash(question: str, body: Mapping[str, Any]) -> str:
    """What an answer belongs to: the same question has the same hash."""
    return digest(canonical([question, dict(body)]))


def _refused_event(event: Event, attempt: int, findings: Sequence[Finding]) -> Event:
    body = {
        "event": event.key,
        "kind": event.kind,
        "body": dict(event.body),
        "attempt": attempt,
        "findings": [f.to_json() for f in findings],
    }
    return Event(event.key, f"{event.service}.{REFUSED}", body, Actor(event.by.account, event.by.roles | {RULE}))


def _told(tx: WriteTransaction, key: str) -> tuple[Finding, ...]:
    line = tx.find_line(f"refused:{key}:1")
    return tuple(_finding_of(one) for one in line.payload["findings"]) if line else ()


def _finding_of(said: Mapping[str, Any]) -> Finding:
    return Finding(
        said["kind"],
        said["where"],
        said["found"],
        said["expected"],
        Text.from_json(said["message"]),
        said["key"],
        said["record"],
    )


def _no_service(event: Event) -> Finding:
    return Finding("engine.no_service", event.key, event.kind, "a service that decides", Text(
        f"没有处理「{event.kind}」的服务", f"no service decides about '{event.kind}'"))  # fmt: skip


def _no_contract(event: Event, service: Acting) -> Finding:
    known = ", ".join(sorted(service.contracts))
    return Finding("engine.no_contract", event.key, event.kind, known, Text(
        f"「{event.kind}」没有数据合同；可用：{known}", f"'{event.kind}' has no contract; there are: {known}"))  # fmt: skip


def _other_content(event: Event, seq: int) -> Finding:
    return Finding("engine.key_reused", event.key, event.kind, f"what line {seq} says", Text(
        f"编号「{event.key}」已用于第 {seq} 行，内容不同；请换一个编号",
        f"the key '{event.key}' names line {seq} with other content; use another key"))  # fmt: skip


def _mistake(event: Event, error: Exception) -> Finding:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
    return Finding("engine.mistake", where, f"{type(error).__name__}: {error}"[:120], "a decision", Text(
        f"服务在处理「{event.kind}」时出错（{where}）；事件已保留，请交由维护人员处理",
        f"the service failed on '{event.kind}' ({where}); the event is kept, tell whoever maintains it"))  # fmt: skip
