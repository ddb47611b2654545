"""The nouns of the lake: a file of the manifest, a landing, and what a feed's lateness is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from yucun.base.period import Due, Period
from yucun.kernel.lake.contract import Freshness


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One Parquet file of the manifest: in force from `added_seq` until before `removed_seq`."""

    name: str
    table: str
    part: str
    rows: int
    size: int
    sha256: str
    added_seq: int
    removed_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Landing:
    """What became of one file that was sent.

    Parameters
    ----------
    key : str
        The landing's own key; the same file sent again in the same way is answered with the first one.
    file : str
        SHA-256 of the file as sent; the attachment lies under it.
    records, landed, refused : int
        Records read; rows that the table now holds from it; records refused (they lie in quarantine).
    repeated, already, corrected : int
        Identical repeats within the file; rows that the table held already; rows that replaced others.
    is_readable : bool
        False when the file as a whole was refused; it is kept, and `notes` say why.
    is_repeat : bool
        True when this answer is an earlier landing's: nothing was done now.
    """

    key: str
    table: str
    file: str
    name: str
    records: int
    landed: int
    refused: int
    repeated: int
    already: int
    corrected: int
    seq: int
    at: str
    by: str
    is_correction: bool
    given: Mapping[str, str]
    notes: tuple[Mapping[str, Any], ...] = ()
    is_readable: bool = True
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """One table's feed on a day: what it holds last, when the next is due, and whether it is late.

    `due` is None for a feed that comes once, or from which nothing has come yet and nothing is owed. `owed` is the
    period that is awaited; `is_provisional` says that the due day lies beyond the published holiday calendar.
    """

    table: str
    newest: Period | None
    due: date | None
    is_late: bool
    rows: int
    landings: int
    refused: int
    last_at: str | None
    owed: Period | None = None
    is_provisional: bool = False


def owed_period(freshness: Freshness, newest: Period | None) -> Period | None:
    """The period of a feed's rhythm that holds the day after ``newest``; None for a feed that comes once.

    While nothing has come it is the first one owed, if the feed says any.

    Examples
    --------
    >>> owed_period(Freshness("month", 10), Period.parse("2022-03-31"))
    Period('2022-04')
    """
    if freshness.every == "once" or newest is None:
        return None if freshness.every == "once" else freshness.first
    after = newest.end + timedelta(days=1)
    match freshness.every:
        case "day":
            return Period.day(after)
        case "month":
            return Period.month(after.year, after.month)
        case "quarter":
            return Period.quarter(after.year, (after.month + 2) // 3)
        case _:
            return Period.year(after.year)


def due_of(freshness: Freshness, period: Period) -> Due:
    """The day by which the feed of a period is due: so many days after its end, or so many working days.

    Examples
    --------
    >>> due_of(Freshness("year", 120), Period.year(2022)).day.isoformat()
    '2023-04-30'
    """
    if freshness.calendar is not None:
        return freshness.calendar.add_working_days(period.end, freshness.due_days)
    return Due(period.end + timedelta(days=freshness.due_days), is_provisional=False)


def next_due(freshness: Freshness, newest: Period | None) -> date | None:
    """The day on which the period after ``newest`` is due; None for a feed that comes once.

    Examples
    --------
    >>> next_due(Freshness("year", 120), Period.year(2021)).isoformat()
    '2023-04-30'
    """
    owed = owed_period(freshness, newest)
    return due_of(freshness, owed).day if owed is not None else None
