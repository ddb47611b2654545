"""What the templates of entitlements are given: what I am owed, the catalogue, owed beside delivered, a notice to hand over."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.base.text import Text
from yucun.doors.pages.views import Crumb, Notice, Opening, Option, Table


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item: its five fields, why it is owed, and what the reader may do about it.

    Parameters
    ----------
    moves : tuple of str
        Moves that the reader may make now.
    """

    code: str
    title: Text
    said: Text
    five: tuple[tuple[Text, Text | None], ...]
    why: tuple[Text, ...]
    channel: Text | None = None
    case: str = ""
    no: int = 0
    version: int = 0
    state: Text | None = None
    until: Text | None = None
    moves: tuple[str, ...] = ()
    questions: tuple[Text, ...] = ()
    proof: str = ""
    stars: int = 0
    reason: Text | None = None
    is_made_up: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Items under one heading; an empty one says why."""

    name: str
    title: Text
    items: tuple[ItemView, ...]
    empty: Text
    said: Text | None = None


@dataclass(frozen=True, slots=True)
class MinePage:
    """What I am owed, what waits for my tap, what was delivered."""

    opening: Opening
    groups: tuple[Group, ...]
    notices: tuple[Notice, ...]
    number: str
    code: str
    token: str
    is_open: bool
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """The items of the catalogue by field, and how many are not known."""

    opening: Opening
    counts: tuple[tuple[Text, Text], ...]
    groups: tuple[Group, ...]
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class GapPage:
    """Owed beside delivered, region by region; each leads further down."""

    opening: Opening
    trail: tuple[Crumb, ...]
    table: Table
    periods: tuple[Option, ...]
    region: str
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class NoticePage:
    """A notice to hand over: what is owed, and how to follow it."""

    trail: tuple[Crumb, ...]
    title: Text
    lines: tuple[tuple[Text, Text], ...]
    items: tuple[Text, ...]
    note: Text | None = None
