"""Clocks: how long a step may take, and what pausing, resuming and extending do to its last moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal

from yucun.base.period import WorkingCalendar
from yucun.base.text import Text

TimeUnit = Literal["second", "minute", "hour", "day", "working_day"]
_SECONDS: dict[str, int] = {"second": 1, "minute": 60, "hour": 3600}
_LAST_MOMENT = time(23, 59, 59)
UNIT_TITLES: dict[str, Text] = {
    "second": Text("秒", "seconds"),
    "minute": Text("分钟", "minutes"),
    "hour": Text("小时", "hours"),
    "day": Text("天", "days"),
    "working_day": Text("个工作日", "working days"),
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last moment for a step; provisional when it lies beyond the published holiday calendar."""

    at: datetime
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """How long a step may take: hours run on, days and working days end with the day.

    Parameters
    ----------
    count : int
        How many, zero or more.
    unit : str
        second, minute, hour, day or working_day.
    """

    count: int
    unit: TimeUnit

    def __post_init__(self) -> None:
        if self.count < 0 or self.unit not in UNIT_TITLES:
            raise ValueError(f"not a time limit: {self.count} {self.unit}")

    @property
    def title(self) -> Text:
        """As it is written for people."""
        unit = UNIT_TITLES[self.unit]
        return Text(f"{self.count}{unit.zh}", f"{self.count} {unit.en}")

    def due(self, start: datetime, calendar: WorkingCalendar) -> Deadline:
        """The last moment, counted from ``start``; the first day is not counted.

        Examples
        --------
        >>> from yucun.base.clock import CHINA
        >>> begun = datetime(2022, 5, 31, 9, 30, tzinfo=CHINA)
        >>> TimeLimit(5, "working_day").due(begun, WorkingCalendar.of_china()).at.isoformat()
        '2022-06-08T23:59:59+08:00'
        """
        if self.unit in _SECONDS:
            return Deadline(start + timedelta(seconds=self.count * _SECONDS[self.unit]))
        if self.unit == "day":
            last, is_provisional = start.date() + timedelta(days=self.count), False
        else:
            found = calendar.add_working_days(start.date(), self.count)
            last, is_provisional = found.day, found.is_provisional
        return Deadline(datetime.combine(last, _LAST_MOMENT, start.tzinfo), is_provisional)

    def to_json(self) -> list[Any]:
        """Return what the journal keeps."""
        return [self.count, self.unit]

    @classmethod
    def from_json(cls, said: Any) -> TimeLimit:
        """Read what the journal keeps."""
        return cls(int(said[0]), said[1])


def time_left(due: datetime, unit: TimeUnit, paused: datetime, calendar: WorkingCalendar) -> TimeLimit:
    """What is left of a limit when it is paused: seconds of one that runs on, whole days of one that ends with a day.

    A clock that is over already has nothing left.
    """
    if unit in _SECONDS:
        return TimeLimit(max(0, int((due - paused).total_seconds())), "second")
    if unit == "day":
        return TimeLimit(max(0, (due.date() - paused.date()).days), "day")
    return TimeLimit(calendar.count_working_days(paused.date(), due.date()), "working_day")


def extend(due: datetime, more: TimeLimit, calendar: WorkingCalendar) -> Deadline:
    """Move a last moment on by a limit, counted from the moment itself."""
    return more.due(due, calendar)
