"""Playing made-up events into a city that has just been made: each service's ``sample.py``, on the city's own clock."""

from __future__ import annotations

import heapq
import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING

from yucun.base.clock import SimulatedClock
from yucun.kernel.engine import Running

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.engine import Event, Taken

    Made = tuple[datetime, Event]

SEED = 12345
# Events of so many seconds are taken in one commit; within it they carry one instant.
_STRETCH_S = 2 * 3600


@contextmanager
def before_samples(city: City, seed: int = SEED) -> Iterator[None]:
    """Let what is done inside have happened before the first made-up event; a live city keeps its own time."""
    clock = city.clock
    events = list_samples(city, seed) if isinstance(clock, SimulatedClock) else []
    if not events or not isinstance(clock, SimulatedClock):
        yield
        return
    day, clock.ticking = clock.instant, False
    clock.instant = events[0][0] - timedelta(hours=1)
    try:
        yield
    finally:
        clock.instant, clock.ticking = day, True


def list_samples(city: City, seed: int = SEED) -> list[Made]:
    """The made-up events of all services, the earliest first."""
    events = [one for service in city.services for one in _list_events(city, service, seed)]
    return sorted(events, key=lambda pair: pair[0])


def play_samples(city: City, seed: int = SEED) -> int:
    """Let made-up events of all services happen before the city's own day; return how many, without what follows of them.

    Only a city on a simulated clock whose journal ends before the first of them is played to: a live one never holds
    anything made up. A service's ``sample.py`` may say with ``follow`` what people do about a case that was opened.
    """
    clock = city.clock
    if not isinstance(clock, SimulatedClock):
        return 0
    events = list_samples(city, seed)
    if not events or not _ends_before(city, events[0][0]):
        return 0
    day = clock.instant
    clock.ticking = False
    try:
        _play(city, clock, events, seed)
    finally:
        clock.instant, clock.ticking = day, True
    return len(events)


def _ends_before(city: City, at: datetime) -> bool:
    with city.books.read() as tx:
        last = tx.row("SELECT max(at) FROM journal")
    return last is None or last[0] is None or datetime.fromisoformat(str(last[0])) < at


def _find_sample(city: City, service: str) -> ModuleType | None:
    name = f"yucun.services.{service}.sample"
    if service not in city.work.engine.services or importlib.util.find_spec(name) is None:
        return None
    return importlib.import_module(name)


def _list_events(city: City, service: str, seed: int) -> list[Made]:
    module = _find_sample(city, service)
    if module is None:
        return []
    pack = city.work.engine.services[service].pack
    made: list[Made] = module.make_events(city.regions, city.place.region, city.place.today, seed, pack)
    return made


def _play(city: City, clock: SimulatedClock, events: Sequence[Made], seed: int) -> None:
    waiting = [(at, number, event) for number, (at, event) in enumerate(events)]
    heapq.heapify(waiting)
    number = len(waiting)
    while waiting:
        begun = waiting[0][0]
        batch: list[Event] = []
        while waiting and (waiting[0][0] - begun).total_seconds() <= _STRETCH_S:
            at, _, event = heapq.heappop(waiting)
            clock.instant = max(clock.instant if batch else at, at)
            batch.append(event)
        for at, event in _list_following(city, _take(city, batch), seed):
            heapq.heappush(waiting, (max(at, clock.instant + timedelta(minutes=1)), number, event))
            number += 1


def _take(city: City, batch: list[Event]) -> list[Taken]:
    # Clocks, rows passed on and questions, as in a city that is served: first what came due before, then what follows.
    running = Running(city.work.engine, city.serving.answerers)
    running.settle()
    taken = city.work.engine.take(batch)
    running.settle()
    return taken


def _list_following(city: City, taken: Sequence[Taken], seed: int) -> Iterator[Made]:
    """What people do about cases that were opened just now, where their service's sample says so."""
    with city.books.read() as tx:
        opened = [city.work.cases.find(tx, case) for one in taken for case in one.cases]
    for case in opened:
        if case is None or case.version > 0:
            continue
        module = _find_sample(city, case.kind.partition(".")[0])
        follow = getattr(module, "follow", None)
        if follow is not None:
            yield from follow(case, city.place.today, seed)
