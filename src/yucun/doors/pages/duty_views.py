"""What the templates of the duty desk are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yucun.base.text import Text
from yucun.doors.desk.acting import Ask
from yucun.doors.pages.views import Card, Crumb, Download, MapView, MarkView, Notice, Opening, Option, Span, Table

Tone = Literal["", "soon", "bad", "good", "quiet"]


@dataclass(frozen=True, slots=True)
class Counting:
    """A clock as it stands: its last moment as ISO text for the page to count to, and in words for paper.

    Parameters
    ----------
    share : int
        How much of its time is gone, in per cent.
    """

    title: Text
    due: str
    said: Text
    tone: Tone
    share: int = 0
    is_running: bool = False
    note: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A case in the queue."""

    no: int
    href: str
    title: Text
    place: Text
    said: Text
    state: Text
    clock: Counting | None
    version: int
    is_here: bool = False
    is_pressing: bool = False
    is_made_up: bool = False


@dataclass(frozen=True, slots=True)
class MoveView:
    """A move as a button with its key, and what it asks for."""

    name: str
    title: Text
    key: str
    asks: tuple[Ask, ...]
    is_first: bool = False
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class WordsView:
    """A private text of a case, or why it is not shown."""

    title: Text
    text: str = ""
    mark: MarkView | None = None


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case: who, where, on what evidence, what can be done, until when, and what was done."""

    no: int
    id: str
    version: int
    token: str
    kicker: Text
    title: Text
    texts: tuple[WordsView, ...]
    facts: tuple[tuple[Text, tuple[Span, ...]], ...]
    clocks: tuple[Counting, ...]
    moves: tuple[MoveView, ...]
    undo: MoveView | None
    history: Table
    letters: tuple[Card, ...]
    is_made_up: bool
    beside: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class DutyPage:
    """A desk: its queue and one case."""

    service: str
    opening: Opening
    trail: tuple[Crumb, ...]
    queue: tuple[QueueItem, ...]
    total: int
    first: int
    before: str
    after: str
    case: CaseView | None
    query: str
    states: tuple[Option, ...]
    units: tuple[Option, ...]
    officers: tuple[Option, ...]
    bulk: tuple[MoveView, ...]
    token: str
    now: str
    seq: int
    notices: tuple[Notice, ...]
    ways: tuple[Card, ...]
    downloads: tuple[Download, ...]
    rules: tuple[Text, ...] = ()
    made_up: int = 0
    map: MapView | None = None
    region: str = ""
    everywhere: str = ""


@dataclass(frozen=True, slots=True)
class DesksPage:
    """All desks of a reader."""

    opening: Opening
    desks: tuple[Card, ...]
