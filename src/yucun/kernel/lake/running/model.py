"""The nouns of running the feeds: a supplier, a supply, a run, a notice, and what is found at a supply's origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.lake.contract import Freshness

Channel = Literal["folder", "email"]
Outcome = Literal["landed", "partly", "refused", "failed"]
OUTCOME_TITLES: dict[Outcome, Text] = {
    "landed": Text("全部入库", "all landed"),
    "partly": Text("部分退回", "part refused"),
    "refused": Text("整份退回", "refused as a whole"),
    "failed": Text("没取到，会再试", "not reached; tried again"),
}
NoticeKind = Literal["late", "refused"]
NOTICE_TITLES: dict[NoticeKind, Text] = {"late": Text("迟报", "late"), "refused": Text("退回", "refused")}
_DIGITS = {"province": 2, "city": 4, "county": 6, "town": 9, "village": 12}
# The account in whose name files that arrive by themselves land.
RUNNER_ACCOUNT = "feeds"


@dataclass(frozen=True, slots=True)
class Supplier:
    """An office that sends: named by office and post, never by person, with the channel by which it is told.

    Parameters
    ----------
    channel : str
        ``folder`` (the outbox folder, which somebody empties) or ``email``.
    address, address_from : str
        The mail address, or the environment variable that holds it.
    """

    id: str
    office: Text
    post: Text
    channel: Channel
    address: str = ""
    address_from: str = ""

    @property
    def title(self) -> Text:
        """Office and post."""
        return Text(f"{self.office.zh}{self.post.zh}", f"{self.office.en}, {self.post.en}")


@dataclass(frozen=True, slots=True)
class Inbox:
    """A watched folder below the city's inbox, and which file names count."""

    folder: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """A table of SQLite or PostgreSQL; its URL stands in an environment variable, so that no password is declared."""

    url_from: str
    table: str


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file at an HTTP address, said here or in an environment variable."""

    address: str = ""
    address_from: str = ""


Origin = Inbox | DatabaseTable | WebFile


@dataclass(frozen=True, slots=True)
class Supply:
    """How one feed is filled: by whom, from where, with which values given, and by when.

    Parameters
    ----------
    freshness : Freshness
        The rhythm, with the due days in working days.
    covers : tuple of RegionCode
        The regions that it sends for, when several supplies fill one table; empty for all.
    """

    id: str
    title: Text
    supplier: Supplier
    table: str
    origin: Origin
    freshness: Freshness
    given: Mapping[str, str] = field(default_factory=dict)
    covers: tuple[RegionCode, ...] = ()
    look_every_s: int = 3600
    declared_at: str = ""

    @property
    def covered(self) -> tuple[str, ...]:
        """The digits with which the codes of the regions begin that it sends for; empty for all."""
        return tuple(str(code)[: _DIGITS[code.level]] for code in self.covers)


@dataclass(frozen=True, slots=True)
class Found:
    """A file at a supply's origin: its bytes, and where it lies when it is to be put away afterwards."""

    content: bytes
    name: str
    path: Path | None = None
    mark: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one file that arrived, or of one try that failed."""

    key: str
    supply: str
    table: str
    name: str
    file: str
    landing: str
    outcome: Outcome
    records: int
    refused: int
    said: Text
    seq: int
    at: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a supplier was told, from when to when it held.

    Parameters
    ----------
    period, due : str, date or None
        For a late feed: the period that is owed and the day on which it was due.
    landing : str
        For a refused file: its landing.
    closed_on : date or None
        The day on which it was undone; None while it stands.
    sent, thanked : bool
        Whether the notice, and the word that closes it, have been delivered.
    """

    id: str
    supply: str
    table: str
    kind: NoticeKind
    period: str
    due: date | None
    landing: str
    subject: Text
    text: Text
    opened_on: date
    opened_seq: int
    closed_on: date | None = None
    closed_seq: int | None = None
    sent: bool = False
    thanked: bool = False

    @property
    def is_open(self) -> bool:
        """True while what it says still holds."""
        return self.closed_on is None


@dataclass(frozen=True, slots=True)
class SupplyState:
    """One supply on a day: what its feed holds last, which period it owes, when that is due, and whether it is late."""

    supply: Supply
    newest: Period | None
    owed: Period | None
    due: date | None
    is_provisional: bool
    is_late: bool


@dataclass(frozen=True, slots=True)
class Passed:
    """What one pass over all supplies did."""

    landed: int = 0
    failed: int = 0
    opened: int = 0
    closed: int = 0
    delivered: int = 0

    @property
    def did_anything(self) -> bool:
        """True when the journal has grown."""
        return bool(self.landed or self.failed or self.opened or self.closed or self.delivered)
