"""A city at work: events taken as they come and published as they happen, with threads or, for one command, without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future

from yucun.kernel.engine.model import Event, Taken
from yucun.kernel.engine.running import Answerer, Listeners, Publishing, Running
from yucun.kernel.engine.take import EventEngine


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

    def start(self) -> None:
        """Let events be taken as they come and be published as they happen; a city that is served does so."""
        if self._running is None:
            self._running = Running(self.engine, self.answerers, self.listeners.tell).start()
            self._publishing = Publishing(self._last_seq, self._publish, self._refresh).start()

    def stop(self) -> None:
        """Finish what was submitted, publish it, and end both threads."""
        if self._running is not None and self._publishing is not None:
            self._running.stop()
            self._publishing.stop()
            self._running = self._publishing = None

    def submit(self, event: Event) -> Future[Taken]:
        """Give an event to the engine; without its thread it is taken at once, and what follows from it too.

        Returns
        -------
        Future of Taken
            Done once the event is committed or refused.
        """
        if self._running is not None:
            return self._running.submit(event)
        done: Future[Taken] = Future()
        done.set_result(self.engine.take([event])[0])
        Running(self.engine, self.answerers, self.listeners.tell).settle()
        return done
