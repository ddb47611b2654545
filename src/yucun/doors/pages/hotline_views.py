"""What the templates of the hotline's own pages are given."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.base.text import Text
from yucun.doors.pages.duty_views import Counting
from yucun.doors.pages.views import Crumb, MarkView, Notice, Opening, Span, Table
from yucun.services.hotline.pages.topics import Drawn


@dataclass(frozen=True, slots=True)
class CallPage:
    """Taking a call: the note, and what is judged while it is typed."""

    opening: Opening
    trail: tuple[Crumb, ...]
    token: str
    notices: tuple[Notice, ...]
    said: dict[str, str]
    judged: tuple[tuple[Text, tuple[Span, ...]], ...]
    answers: Table


@dataclass(frozen=True, slots=True)
class TopicsPage:
    """Hot topics."""

    opening: Opening
    trail: tuple[Crumb, ...]
    topics: tuple[tuple[Drawn, tuple[Span, ...]], ...]
    mark: MarkView | None
    since: str
    until: str
    made_up: int = 0


@dataclass(frozen=True, slots=True)
class AnswersPage:
    """Known answers, or which messages none of them covers."""

    opening: Opening
    trail: tuple[Crumb, ...]
    query: str
    has_query: bool
    table: Table
    said: Text
    made_up: int = 0


@dataclass(frozen=True, slots=True)
class LetterPage:
    """A letter to be printed."""

    trail: tuple[Crumb, ...]
    title: Text
    body: Text
    place: Text


@dataclass(frozen=True, slots=True)
class MatterView:
    """One matter of a citizen: where it stands, by when, what was answered, who looked."""

    number: str
    title: Text
    state: Text
    opened: Text
    unit: Text
    clock: Counting | None
    text: str
    reply: str
    steps: Table
    looked: Table
    token: str
    version: int
    may_remind: bool
    may_reopen: bool
    code: str = ""


@dataclass(frozen=True, slots=True)
class MattersPage:
    """A citizen's matters, or the one that a number and its code open."""

    opening: Opening
    matters: tuple[MatterView, ...]
    notices: tuple[Notice, ...]
    is_form: bool
    token: str
    said: dict[str, str]
    receipt: tuple[Text, ...] = ()
