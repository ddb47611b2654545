"""What the template of clauses is given."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.base.text import Text
from yucun.doors.pages.views import Crumb, MarkView, Opening, Span, Table


@dataclass(frozen=True, slots=True)
class ClauseView:
    """One clause: what rests on it under each heading, and how many decisions are in force on it."""

    title: Text
    parts: tuple[tuple[Text, tuple[str, ...]], ...]
    awards: str
    mark: MarkView | None
    examples: int


@dataclass(frozen=True, slots=True)
class ClausesPage:
    """Coverage by clause of one service."""

    opening: Opening
    trail: tuple[Crumb, ...]
    without: tuple[ClauseView, ...]
    shown: tuple[ClauseView, ...]
    others: tuple[ClauseView, ...]
    not_asked: tuple[Span, ...]
    services: Table
    has_awards: bool
