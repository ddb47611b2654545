"""Rebuild and replay: the journal applied again, or decided again under other parameters or another version of a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yucun.base.clock import SimulatedClock
from yucun.base.errors import JournalBroken
from yucun.kernel.books import Books, Line, ReadTransaction
from yucun.kernel.books.store import WriteTransaction
from yucun.kernel.cases import Actor, Case, Clock
from yucun.kernel.engine.model import ANSWERED, CLOCK, RECORDED, Event
from yucun.kernel.engine.take import EventEngine, clock_event, list_waiting, question_hash

_MOMENT = timedelta(milliseconds=1)
_PRIVATE = "hash, salt, body, event, dataset, field"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: events decided again, lines copied as they were, and questions that have no answer."""

    events: int
    copied: int
    unanswered: tuple[str, ...]


class TurningClock(SimulatedClock):
    """The clock of a replay: it stands where the journal's next line stood."""

    def turn_to(self, at: str) -> None:
        """Stand at an instant of the journal."""
        self.instant = datetime.fromisoformat(at)


def copy_private(source: Books, target: Books) -> int:
    """Copy private texts that the journal names only by hash; return how many."""
    with source.read() as reading, target.write() as tx:
        rows = reading.rows(f"SELECT {_PRIVATE} FROM engine_private")
        tx.insert_many("engine_private", _PRIVATE.split(", "), rows)
    return len(rows)


def replay(
    source: Books, engine: EventEngine, clock: TurningClock, after: int = 0, until: int | None = None
) -> Replayed:
    """Decide the events of a period again in fresh books.

    Parameters
    ----------
    source : Books
        Whose journal is replayed; it is not changed.
    engine : EventEngine
        Over fresh books whose clock is ``clock``, with the services and parameters to try. It reads the lake as the
        source's events did: each is pinned to the moment that its journal line names.
    after, until : int
        Lines up to ``after`` are applied as they stand; those up to ``until`` are decided again.

    Raises
    ------
    JournalBroken
        If the fresh books are not empty.

    Notes
    -----
    Clocks, passed rows and answers are made anew by the replayed city itself: an answer is used again where the
    same question is asked, and a clock fires when the journal's time has come to it.
    """
    with engine.books.read() as reading:
        if reading.last_seq():
            raise JournalBroken("the books to replay into are not empty")
    copy_private(source, engine.books)
    with source.read() as reading:
        end = reading.last_seq() if until is None else until
        answers, fired = _list_answers(reading, after, end)
        copied, events = 0, 0
        for line in reading.each_line(0, end):
            if line.seq <= after:
                clock.turn_to(line.at)
                with engine.books.write() as tx:
                    tx.copy(line)
                copied += 1
                continue
            _catch_up(engine, clock, line.at, fired)
            clock.turn_to(line.at)
            if line.kind == "engine.event":
                events += _decide_again(engine, line, fired)
                _answer(engine, answers)
                while engine.pass_on():
                    pass
            elif not _is_derived(line):
                with engine.books.write() as tx:
                    _record_again(tx, line)
                copied += 1
    return Replayed(events, copied, tuple(_unanswered(engine)))


def _is_derived(line: Line) -> bool:
    """Whether a line follows from an event, so that a replay makes its own."""
    if line.kind.startswith(("engine.", "cases.", "books.delivered", "lake.published", "lake.refreshed")):
        return True
    return line.kind.startswith("ledger.") and line.key.startswith(("effect:", "time-out:"))


def _decide_again(engine: EventEngine, line: Line, fired: set[str]) -> int:
    said = line.payload
    name = str(said["kind"]).partition(".")[2]
    if name == CLOCK:
        # The city let this clock fire here; the replayed one does so too, if it is over there as well.
        fired.discard(said["event"])
        return len(engine.tick(wanted=lambda key: key == said["event"]))
    if name == ANSWERED or name.startswith(f"{RECORDED}."):
        return 0
    event = Event(said["event"], said["kind"], said["body"], Actor(said["by"], frozenset(said["roles"])))
    if event.service not in engine.services:
        return 0
    with engine.books.write() as tx:
        engine.take_again(tx, event, int(line.lake_seq or 0))
    return 1


def _record_again(tx: WriteTransaction, line: Line) -> None:
    tx.record(line.kind, line.key, line.payload, lake_seq=line.lake_seq, pack=line.pack, service=line.service)


def _catch_up(engine: EventEngine, clock: TurningClock, at: str, fired: set[str]) -> None:
    """Let clocks fire that run out before the next line and that the city's own journal does not fire later."""
    line_at = datetime.fromisoformat(at)
    while True:
        with engine.books.read() as reading:
            due = engine.cases.list_due(reading, line_at - _MOMENT, 1_000_000)
        waiting = [(when, event.key) for when, event in map(_when, due) if event.key not in fired]
        if not waiting:
            return
        when, key = min(waiting)
        clock.instant = max(clock.instant, when + _MOMENT)
        if not engine.tick(1_000_000, wanted=lambda found, key=key: found == key):  # type: ignore[misc]
            return


def _when(due: tuple[Case, Clock, str]) -> tuple[datetime, Event]:
    case, clock, what = due
    when = clock.due if what == "due" else clock.warn
    assert when is not None
    return when, clock_event(case, clock, what)


def _list_answers(reading: ReadTransaction, after: int, end: int) -> tuple[dict[str, Mapping[str, Any]], set[str]]:
    """Answers by the hash of their question, and the clock events that the journal holds."""
    answers: dict[str, Mapping[str, Any]] = {}
    fired: set[str] = set()
    for line in reading.each_line(after, end, ("engine.event",)):
        if str(line.payload["kind"]).endswith(f".{ANSWERED}"):
            body = line.payload["body"]
            answers[question_hash(body["question"], body["asked"])] = body["answer"]
        elif str(line.payload["kind"]).endswith(f".{CLOCK}"):
            fired.add(line.payload["event"])
    return answers, fired


def _answer(engine: EventEngine, answers: Mapping[str, Mapping[str, Any]]) -> None:
    for message in list_waiting(engine.books, "ask"):
        known = answers.get(question_hash(message.body["question"], message.body["body"]))
        if known is not None:
            engine.answer(message, known)


def _unanswered(engine: EventEngine) -> list[str]:
    return [message.token for message in list_waiting(engine.books, "ask", 1_000_000)]
