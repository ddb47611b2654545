"""Playing made-up events into a city that has just been made: each service's ``sample.py``, on the city's own clock."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from yucun.base.clock import SimulatedClock
from yucun.kernel.engine import Running

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.engine import Event

SEED = 12345
# Events of so many seconds are taken in one commit; within it they carry one instant.
_STRETCH_S = 2 * 3600


def play_samples(city: City, seed: int = SEED) -> int:
    """Let made-up events of all services happen before the city's own day; return how many.

    Only a city on a simulated clock whose journal is empty is played to: a live one never holds anything made up.
    """
    clock = city.clock
    if not isinstance(clock, SimulatedClock) or city.last_seq() > 0:
        return 0
    events = [one for service in city.services for one in _list_events(city, service, seed)]
    if not events:
        return 0
    events.sort(key=lambda pair: pair[0])
    day = clock.instant
    clock.ticking = False
    try:
        _play(city, clock, events)
    finally:
        clock.instant, clock.ticking = day, True
    return len(events)


def _list_events(city: City, service: str, seed: int) -> list[tuple[datetime, Event]]:
    name = f"yucun.services.{service}.sample"
    if service not in city.work.engine.services or importlib.util.find_spec(name) is None:
        return []
    made: list[tuple[datetime, Event]] = importlib.import_module(name).make_events(city.regions, city.place.region,
                                                                                  city.clock.today(), seed,
                                                                                  city.work.engine.services[service].pack)  # fmt: skip
    return made


def _play(city: City, clock: SimulatedClock, events: Sequence[tuple[datetime, Event]]) -> None:
    batch: list[Event] = []
    begun: datetime | None = None
    for at, event in events:
        if begun is not None and (at - begun).total_seconds() > _STRETCH_S:
            _take(city, batch)
            batch, begun = [], None
        begun = begun or at
        clock.instant = max(clock.instant if batch else at, at)
        batch.append(event)
    _take(city, batch)


def _take(city: City, batch: list[Event]) -> None:
    # Clocks, rows passed on and questions, as in a city that is served: first what came due before, then what follows.
    running = Running(city.work.engine, city.serving.answerers)
    running.settle()
    if batch:
        city.work.engine.take(batch)
        running.settle()
