"""A city at work: events taken as they come and published as they happen, with threads or, for one command, without."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import TypeVar

from yucun.kernel.books.reading import Question
from yucun.kernel.engine.model import Event, Taken
from yucun.kernel.engine.running import Answerer, Listeners, Publishing, Running, Tidying, Turn, give
from yucun.kernel.engine.take import EventEngine

T = TypeVar("T")


class Serving:
    """Who takes events in a city.

    Parameters
    ----------
    answerers : mapping of str to callable
        By question, e.g. ``plans.assign``.
    last_seq, publish, refresh : callable
        The newest journal seq, what cuts the journal into lake tables, and what brings numbers up to date with them.
    """

    def __init__(
        self,
        engine: EventEngine,
        answerers: Mapping[str, Answerer],
        last_seq: Callable[[], int],
        publish: Callable[[Callable[[], object]], int],
        refresh: Callable[[], object],
    ) -> None:
        self.listeners = Listeners()
        self.engine = engine
        self.answerers = dict(answerers)
        self._last_seq = last_seq
        self._publish = publish
        self._refresh = refresh
        self._running: Running | None = None
        self._publishing: Publishing | None = None
        self._tidying: Tidying | None = None

    def start(self) -> None:
        """Let events be taken as they come and be published as they happen; a city that is served does so."""
        if self._running is None:
            self._running = Running(self.engine, self.answerers, self.listeners.tell).start()
            self._publishing = Publishing(self._last_seq, self._publish, self._refresh).start()
            self._tidying = Tidying(self.engine.books.tidy).start()

    def stop(self) -> None:
        """Finish what was submitted, publish it, and end the threads."""
        for one in (self._running, self._publishing, self._tidying):
            if one is not None:
                one.stop()
        self._running = self._publishing = self._tidying = None

    def list_failing(self) -> list[str]:
        """Names of the threads whose newest work failed; the log says how."""
        parts = (self._running, self._publishing, self._tidying)
        return [part.name for part in parts if part is not None and part.is_failing]

    def submit(self, event: Event) -> Future[Taken]:
        """Give an event to the engine; without its thread it is taken at once, and what follows from it too.

        Returns
        -------
        Future of Taken
            Done once the event is committed or refused.
        """
        return self.run(give(event))

    def run(self, turn: Turn[T], questions: Collection[Question] = ()) -> Future[T]:
        """Let somebody have a turn with the engine, see `Running.run`; without its thread at once."""
        if self._running is not None:
            return self._running.run(turn, questions)
        done: Future[T] = Future()
        running = Running(self.engine, self.answerers, self.listeners.tell)
        running.take([(turn, done, questions)])
        running.settle()
        return done
