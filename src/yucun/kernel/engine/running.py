"""The engine at work: one thread takes turns from many hands, a batch a commit, and lets clocks fire in between."""

from __future__ import annotations

import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from yucun.base.clock import stopwatch
from yucun.kernel.books import CONFLICTS, Message
from yucun.kernel.books.reading import Question
from yucun.kernel.effects import Ask, Record
from yucun.kernel.engine.model import Event, Taken
from yucun.kernel.engine.private import with_texts
from yucun.kernel.engine.take import EventEngine, list_waiting

Answerer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Watcher = Callable[[list[Taken]], None]
T = TypeVar("T")
# What somebody does at once, on the engine's own thread: read, give one event, read what became of it, and answer.
Turn = Generator[Event, Taken, T]
_Waiting = tuple[Turn[Any], "Future[Any]", Collection[Question]]
MOST_IN_A_COMMIT = 256
# How often clocks and reservations are looked at; their ends are told in whole seconds.
PULSE_S = 1.0
PUBLISH_S = 1.0
TIDY_S = 0.5
# The publisher's pause every few milliseconds of its work.
REST_S = 0.004
# Numbers over published tables are brought up to date once nothing was published for so long, or this long after.
QUIET_S, LONGEST_S = 10.0, 300.0


_LOG = logging.getLogger("yucun.engine")


class Part(ABC):
    """A thread of a served city: how it starts and stops, what went wrong last, and whether its newest work failed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trouble: BaseException | None = None
        self.is_failing = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def _run(self) -> None:
        """Work until it is stopped."""

    def start(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Let it finish what it has begun, and end the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def note(self, error: BaseException | None) -> None:
        """Keep and log what went wrong; None when work was done well."""
        if error is not None:
            _LOG.error("%s: %s", self.name, error, exc_info=error)
            self.trouble = error
        self.is_failing = error is not None


class Listeners:
    """Who wants to hear what became of events, such as a page that is open; each hears in the engine's own thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hear: dict[int, Watcher] = {}
        self._next = 0

    def add(self, hear: Watcher) -> Callable[[], None]:
        """Let somebody hear from now on; returns what ends it. Hearing must be quick and never wait."""
        with self._lock:
            self._next += 1
            number = self._next
            self._hear[number] = hear

        def leave() -> None:
            with self._lock:
                self._hear.pop(number, None)

        return leave

    def tell(self, taken: list[Taken]) -> None:
        """Tell everybody."""
        with self._lock:
            hearers = list(self._hear.values())
        for hear in hearers:
            hear(taken)


class Publishing(Part):
    """The publisher's thread: cuts the journal into lake tables about once a second, while anything is new.

    Working numbers out takes the time of the one core that Python has, so it waits until the desks are quiet.

    Parameters
    ----------
    last_seq : callable
        The newest journal seq.
    publish : callable
        Does the work once and returns how many ranges were cut; calls what it is given every few milliseconds.
    refresh : callable
        Brings up to date the numbers that rest on what was published.
    quiet_s, longest_s : float
        Seconds without anything published after which numbers follow, and the longest that they wait for that.
    """

    def __init__(
        self,
        last_seq: Callable[[], int],
        publish: Callable[[Callable[[], object]], int],
        refresh: Callable[[], object],
        *,
        quiet_s: float = QUIET_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        super().__init__("publisher")
        self._last_seq = last_seq
        self._publish = publish
        self._refresh = refresh
        self._quiet_s, self._longest_s = quiet_s, longest_s
        # Since the last range was cut, and since the first one that no refresh has followed.
        self._last_cut: Callable[[], float] | None = None
        self._first_cut: Callable[[], float] | None = None

    def _run(self) -> None:
        """Publish until it is stopped and once more then; numbers follow when the city opens next."""
        done = 0
        while True:
            is_over = self._stopped.wait(PUBLISH_S)
            try:
                if self._last_seq() != done:
                    self._note(self._publish(self._rest))
                    done = self._last_seq()
                if not is_over and self._is_time():
                    self._first_cut = None
                    self._refresh()
                self.note(None)
            except BaseException as error:  # noqa: BLE001 - the city's health tells of it, and the next pulse tries again
                self.note(error)
            if is_over:
                return

    def _rest(self) -> None:
        self._stopped.wait(REST_S)

    def _note(self, cut: int) -> None:
        if cut:
            self._last_cut = stopwatch()
            self._first_cut = self._first_cut or self._last_cut

    def _is_time(self) -> bool:
        if self._first_cut is None or self._last_cut is None:
            return False
        return self._last_cut() >= self._quiet_s or self._first_cut() >= self._longest_s


class Tidying(Part):
    """The tidier's thread: does every half second what the store of the books would else do inside somebody's commit."""

    def __init__(self, tidy: Callable[[], object]) -> None:
        super().__init__("tidier")
        self._tidy = tidy

    def _run(self) -> None:
        while not self._stopped.wait(TIDY_S):
            try:
                self._tidy()
                self.note(None)
            except Exception as error:  # noqa: BLE001 - nothing is lost by it, and the next turn tries again
                self.note(error)


class Running(Part):
    """The engine's thread; `submit` gives an event to it and returns at once.

    Parameters
    ----------
    engine : EventEngine
        The only writer of its books that decides.
    answerers : mapping of str to callable
        By question: who answers an `Ask`, e.g. ``plans.assign``. Pure: the same question has the same answer.
    watch : callable
        Told after each commit what became of its events; what live pages listen to.
    """

    def __init__(
        self, engine: EventEngine, answerers: Mapping[str, Answerer] | None = None, watch: Watcher | None = None
    ) -> None:
        super().__init__("engine")
        self.engine = engine
        self.answerers = dict(answerers or {})
        self._watch = watch
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._consumed = {table for service in engine.services.values() for table in service.consumes}

    def submit(self, event: Event) -> Future[Taken]:
        """Give an event to the engine.

        Returns
        -------
        Future of Taken
            Done once the event is committed or refused.
        """
        return self.run(give(event))

    def run(self, turn: Turn[T], questions: Collection[Question] = ()) -> Future[T]:
        """Let somebody have a turn on the engine's thread.

        Until it yields its event a turn reads the city as it stands before the batch, in the transaction that takes it,
        and after it as it stands behind the commit; what it writes itself is committed with it. It must be quick: all
        others wait for it.

        Parameters
        ----------
        questions : collection of (str, tuple)
            What it will ask the books before its event; those of all turns of a batch are asked in one go.

        Returns
        -------
        Future
            Done with what the turn returns or raises; one that yields no event has nothing committed.
        """
        future: Future[T] = Future()
        if self._stopped.is_set():
            future.set_exception(RuntimeError("the engine has stopped"))
        else:
            self._waiting.put((turn, future, questions))
        return future

    def stop(self) -> None:
        """Finish what was submitted and end the thread."""
        self._stopped.set()
        self._waiting.put(None)
        super().stop()

    def _run(self) -> None:
        """Take turns until it is stopped; clocks that ran out while nobody watched fire at once."""
        is_over, since = False, None
        while not is_over:
            batch, is_over = self._gather()
            try:
                leads_on = self.take(batch)
                # What follows from these very events follows at once; clocks and reservations are looked at each pulse.
                if leads_on or since is None or since() >= PULSE_S or is_over:
                    self.settle()
                    since = stopwatch()
                self.note(None)
            except BaseException as error:  # noqa: BLE001 - whoever waits was told, and the thread goes on
                self.note(error)

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Wait for a turn, at most a pulse, and take all that have come by then."""
        batch: list[_Waiting] = []
        is_over = False
        try:
            found = self._waiting.get(timeout=PULSE_S)
            while True:
                if found is None:
                    is_over = True
                else:
                    batch.append(found)
                if len(batch) >= MOST_IN_A_COMMIT:
                    break
                found = self._waiting.get_nowait()
        except queue.Empty:
            pass
        return batch, is_over

    def take(self, batch: Sequence[_Waiting]) -> bool:
        """Let a batch of turns go by; return whether something is asked or recorded that others wait for."""
        # Whoever waits no longer, and whose turn has not begun, has none; from now on nobody can leave.
        going = [one for one in batch if one[1].set_running_or_notify_cancel()]
        if not going:
            return False
        try:
            return self._take(going)
        except BaseException as error:
            for _, future, _ in going:
                if not future.done():
                    future.set_exception(error)
            raise

    def _take(self, batch: Sequence[_Waiting]) -> bool:
        questions = [question for one in batch for question in one[2]]
        begun: list[tuple[Event, _Waiting]] = []
        taken: list[Taken] = []
        hopes = True
        try:
            with self.engine.books.write() as tx:
                with self.engine.books.shared(tx), tx.ahead(questions):
                    begun += [(event, one) for one in batch if (event := _go_on(one, None)) is not None]
                # What a turn wrote must not be undone with a hope.
                hopes = not tx.is_joined
                if begun:
                    taken = self.engine.take_within(tx, [event for event, _ in begun], hopes=hopes)
        except CONFLICTS:
            if not hopes:
                raise
            taken = self.engine.take([event for event, _ in begun], hopes=False)
        with self.engine.books.read():
            for (_, one), became in zip(begun, taken, strict=True):
                if _go_on(one, became) is not None:
                    one[1].set_exception(RuntimeError("a turn gives one event"))
        self._tell(taken)
        effects = [effect for one in taken for effect in one.effects]
        return any(isinstance(e, Ask) or (isinstance(e, Record) and e.table in self._consumed) for e in effects)

    def settle(self) -> None:
        """Let clocks fire, pass recorded rows on and answer questions until nothing is left to do."""
        while True:
            due = self.engine.look()
            taken = self.engine.tick() if due.clocks else []
            taken += self.engine.pass_on() if due.rows else []
            if due.questions:
                taken += [one for message in list_waiting(self.engine.books, "ask") for one in self._answer(message)]
            if not taken:
                break
            self._tell(taken)
        if due.reservations:
            self.engine.expire()

    def _answer(self, message: Message) -> list[Taken]:
        answerer = self.answerers.get(str(message.body["question"]))
        if answerer is None:
            return []
        with self.engine.books.read() as tx:
            asked = with_texts(tx, message.body["body"])
        return [self.engine.answer(message, answerer(asked))]

    def _tell(self, taken: list[Taken]) -> None:
        if self._watch is not None and taken:
            self._watch(taken)


def give(event: Event) -> Turn[Taken]:
    """The turn of whoever only gives an event."""
    return (yield event)


def _go_on(waiting: _Waiting, became: Taken | None) -> Event | None:
    """Go on with a turn; return its event, or None once it is over and its future done."""
    turn, future, _ = waiting
    try:
        return next(turn) if became is None else turn.send(became)
    except StopIteration as over:
        future.set_result(over.value)
    except Exception as error:  # noqa: BLE001 - it is the turn's own, and whoever waits for it is told
        future.set_exception(error)
    return None
