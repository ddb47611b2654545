"""The only source of "now", and its simulated twin."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Protocol, Self

CHINA = timezone(timedelta(hours=8), "CST")


class Clock(Protocol):
    """What a city asks the time of."""

    @property
    def is_simulated(self) -> bool:
        """True when the day is set by the place; every page says so."""

    def now(self) -> datetime:
        """The instant, with its zone."""

    def today(self) -> date:
        """The day in China's time."""


@dataclass(frozen=True, slots=True)
class RealClock:
    """The machine's own time."""

    is_simulated: bool = False

    def now(self) -> datetime:
        """Return the machine's time in China's zone."""
        return datetime.now(CHINA)

    def today(self) -> date:
        """Return the day in China's time."""
        return self.now().date()


@dataclass(slots=True)
class SimulatedClock:
    """A day that a place or a test sets; the time of day runs from eight in the morning unless it is set.

    Examples
    --------
    >>> clock = SimulatedClock(datetime(2022, 5, 31, 8, tzinfo=CHINA), ticking=False)
    >>> clock.advance(timedelta(days=1)); clock.today().isoformat()
    '2022-06-01'
    """

    instant: datetime
    ticking: bool = True
    is_simulated: bool = True
    _origin: float = 0.0

    def __post_init__(self) -> None:
        self._origin = time.monotonic()

    @classmethod
    def on(cls, day: date, *, ticking: bool = True) -> Self:
        """A clock that starts at eight in the morning of a day."""
        return cls(datetime(day.year, day.month, day.day, 8, tzinfo=CHINA), ticking)

    def now(self) -> datetime:
        """Return the simulated instant; while ticking it runs on within its own day."""
        if not self.ticking:
            return self.instant
        end = self.instant.replace(hour=23, minute=59, second=59, microsecond=0)
        return min(self.instant + timedelta(seconds=time.monotonic() - self._origin), max(end, self.instant))

    def today(self) -> date:
        """Return the simulated day."""
        return self.now().date()

    def advance(self, step: timedelta) -> None:
        """Move the clock forwards."""
        if step < timedelta(0):
            raise ValueError("a clock does not go back")
        self.instant = self.now() + step
        self._origin = time.monotonic()


def stopwatch() -> Callable[[], float]:
    """Return a function that says the seconds since now; for progress only, never for a decision."""
    start = time.monotonic()
    return lambda: time.monotonic() - start
