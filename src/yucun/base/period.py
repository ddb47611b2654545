"""Periods: instant, day, month, quarter, year, and the cumulative kind that must not be mixed with them.

A period knows what it may be compared with: a year with a year, January to September with January to
September. Canonical text is safe in an address: ``2021``, ``2021Q3``, ``2021-03``, ``2021-03-31`` (a day,
or a stock on that day) and ``2020-01..09`` for January to September counted together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from chinese_calendar import constants

from yucun.base.errors import Finding, NotComparable, NotKnown
from yucun.base.text import Text

PeriodKind = Literal["day", "month", "quarter", "year", "cumulative"]
KIND_TITLES: dict[PeriodKind, Text] = {
    "day": Text("时点", "point in time"),
    "month": Text("当月", "month"),
    "quarter": Text("当季", "quarter"),
    "year": Text("全年", "year"),
    "cumulative": Text("累计", "cumulative"),
}
_FULL_WIDTH = str.maketrans("０１２３４５６７８９－—–〜～~ 　．／", "0123456789------\0\0./")


def _last_day(year: int, month: int) -> date:
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A stretch of days that a record is about.

    Parameters
    ----------
    start, end : date
        First and last day, both inside.
    kind : str
        ``cumulative`` always starts on 1 January and is shorter than a year.

    Examples
    --------
    >>> Period.parse("2020年1—9月"), Period.parse("2021年").text
    (Period('2020-01..09'), '2021')
    >>> Period.parse("2020-01..09").title.zh
    '2020 年 1—9 月（累计）'
    """

    start: date
    end: date
    kind: PeriodKind

    def __repr__(self) -> str:
        return f"Period('{self.text}')"

    @classmethod
    def day(cls, day: date) -> Period:
        """A single day, also used for a stock such as residents at a year's end."""
        return cls(day, day, "day")

    @classmethod
    def month(cls, year: int, month: int) -> Period:
        """One calendar month."""
        return cls(date(year, month, 1), _last_day(year, month), "month")

    @classmethod
    def quarter(cls, year: int, quarter: int) -> Period:
        """One calendar quarter."""
        return cls(date(year, 3 * quarter - 2, 1), _last_day(year, 3 * quarter), "quarter")

    @classmethod
    def year(cls, year: int) -> Period:
        """One calendar year."""
        return cls(date(year, 1, 1), date(year, 12, 31), "year")

    @classmethod
    def cumulative(cls, year: int, months: int) -> Period:
        """January to month ``months``, counted together; twelve months are the year."""
        return cls.year(year) if months == 12 else cls(date(year, 1, 1), _last_day(year, months), "cumulative")

    @classmethod
    def find(cls, written: str) -> Period | None:
        """Read a period as offices write it; None when the words are not a period or name no real day."""
        word = written.translate(_FULL_WIDTH).replace("\0", "").strip()
        for pattern, make in _FORMS:
            match = pattern.fullmatch(word)
            if match:
                try:
                    return make(*(int(g) for g in match.groups() if g is not None))
                except ValueError:
                    return None
        return None

    @classmethod
    def parse(cls, written: str) -> Period:
        """Read a period as offices write it, or raise `NotKnown` with the forms that are understood."""
        found = cls.find(written)
        if found is None:
            forms = "2021, 2021Q3, 2021-03, 2021-03-31, 2020-01..09, 2021年, 2022年3月, 2020年1-9月, 2021年末"
            raise NotKnown(
                Finding(
                    "period.unreadable",
                    "period",
                    written[:120],
                    forms,
                    Text(
                        f"「{written[:120]}」不是可识别的时期；可写：{forms}",
                        f"'{written[:120]}' is not a period; write one of: {forms}",
                    ),
                )
            )
        return found

    @property
    def text(self) -> str:
        """The canonical text, safe in addresses and file names."""
        match self.kind:
            case "day":
                return self.start.isoformat()
            case "month":
                return f"{self.start:%Y-%m}"
            case "quarter":
                return f"{self.start.year}Q{(self.start.month + 2) // 3}"
            case "year":
                return f"{self.start:%Y}"
            case "cumulative":
                return f"{self.start.year}-01..{self.end.month:02d}"

    @property
    def title(self) -> Text:
        """As written on a page."""
        year, month = self.start.year, self.start.month
        match self.kind:
            case "day":
                return Text(f"{year} 年 {month} 月 {self.start.day} 日", f"{self.start.day} {self.start:%b %Y}")
            case "month":
                return Text(f"{year} 年 {month} 月", f"{self.start:%b %Y}")
            case "quarter":
                return Text(f"{year} 年第 {(month + 2) // 3} 季度", self.text)
            case "year":
                return Text(f"{year} 年", str(year))
            case "cumulative":
                return Text(f"{year} 年 1—{self.end.month} 月（累计）", f"Jan–{self.end:%b} {year} (cumulative)")

    @property
    def calendar_year(self) -> int:
        """The year it lies in."""
        return self.start.year

    def previous(self) -> Period:
        """The period that a change is counted from: a year ago for days, years and cumulative, else one step back.

        Raises
        ------
        NotKnown
            For 29 February, which has no day a year before.
        """
        match self.kind:
            case "month":
                before = self.start - timedelta(days=1)
                return Period.month(before.year, before.month)
            case "quarter":
                before = self.start - timedelta(days=1)
                return Period.quarter(before.year, (before.month + 2) // 3)
            case "year":
                return Period.year(self.start.year - 1)
            case "cumulative":
                return Period.cumulative(self.start.year - 1, self.end.month)
            case "day":
                return Period.parse(f"{self.start.year - 1}{self.start:-%m-%d}")

    def is_comparable(self, other: Period) -> bool:
        """True when both may stand in one series: same kind, and for cumulative the same months."""
        return self.kind == other.kind and (self.kind != "cumulative" or self.end.month == other.end.month)

    def check_comparable(self, other: Period) -> None:
        """Raise `NotComparable` with the reason when the two must not stand in one series."""
        if self.is_comparable(other):
            return
        mine, theirs = KIND_TITLES[self.kind], KIND_TITLES[other.kind]
        raise NotComparable(
            Finding(
                "period.not_comparable",
                f"{self.text} / {other.text}",
                f"{self.kind} / {other.kind}",
                "periods of one kind",
                Text(
                    f"{self.title.zh}是{mine.zh}值，{other.title.zh}是{theirs.zh}值，两者不能连成趋势；请改用同口径的时期",
                    f"{self.title.en} is a {mine.en} figure and {other.title.en} a {theirs.en} one; they cannot "
                    "stand in one trend. Choose periods of one kind",
                ),
            )
        )


_FORMS: tuple[tuple[re.Pattern[str], Callable[..., Period]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"(\d{4})年?", Period.year),
        (r"(\d{4})年?度", Period.year),
        (r"(\d{4})年?全年", Period.year),
        (r"(\d{4})年?第?([1-4])季度?", Period.quarter),
        (r"(\d{4})-?[Qq]([1-4])", Period.quarter),
        (r"(\d{4})年(\d{1,2})月份?", Period.month),
        (r"(\d{4})[-/.](\d{1,2})", Period.month),
        (r"(\d{4})年0?1月?[-至到](\d{1,2})月份?(?:累计)?", Period.cumulative),
        (r"(\d{4})-0?1\.\.(\d{1,2})", Period.cumulative),
        (r"(\d{4})年前(\d{1,2})个月", Period.cumulative),
        (r"(\d{4})年上半年", lambda y: Period.cumulative(y, 6)),
        (r"(\d{4})年前三季度", lambda y: Period.cumulative(y, 9)),
        (r"(\d{4})[Qq]1-[Qq]([2-4])(?:累计|cumulative)?", lambda y, q: Period.cumulative(y, 3 * q)),
        (r"(\d{4})年(\d{1,2})月(\d{1,2})日", lambda y, m, d: Period.day(date(y, m, d))),
        (r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", lambda y, m, d: Period.day(date(y, m, d))),
        (r"(\d{4})年[年]?[末底]", lambda y: Period.day(date(y, 12, 31))),
    )
)


@dataclass(frozen=True, slots=True)
class Due:
    """A due day and whether the calendar that made it was published; provisional ones are counted again."""

    day: date
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Working days by the published holiday notices, and by weekends alone beyond them.

    Parameters
    ----------
    first, last : date
        The days for which notices are published.
    holidays, working_weekends : frozenset of date
        Weekdays that are off, and weekend days that are worked.
    """

    first: date
    last: date
    holidays: frozenset[date]
    working_weekends: frozenset[date]

    @classmethod
    def of_china(cls) -> WorkingCalendar:
        """The calendar of the State Council's notices, as kept by the package ``chinesecalendar``."""
        years = sorted({d.year for d in constants.holidays})
        return cls(
            date(years[0], 1, 1),
            date(years[-1], 12, 31),
            frozenset(d for d in constants.holidays if d.weekday() < 5),
            frozenset(constants.workdays),
        )

    def is_published(self, day: date) -> bool:
        """True when a notice covers that day."""
        return self.first <= day <= self.last

    def is_working_day(self, day: date) -> bool:
        """True when offices work on that day."""
        if self.is_published(day):
            return day in self.working_weekends or (day.weekday() < 5 and day not in self.holidays)
        return day.weekday() < 5

    def add_working_days(self, day: date, count: int) -> Due:
        """The day on which ``count`` working days after ``day`` have passed; the first day is not counted."""
        if count < 0:
            raise ValueError("working days are counted forwards")
        current = day
        while count:
            current += timedelta(days=1)
            count -= self.is_working_day(current)
        return Due(current, not (self.is_published(day) and self.is_published(current)))

    def count_working_days(self, first: date, last: date) -> int:
        """Working days after ``first`` up to and with ``last``."""
        return sum(self.is_working_day(first + timedelta(days=n + 1)) for n in range((last - first).days))
