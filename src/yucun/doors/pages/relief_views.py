"""What the template of relief's own pages is given: one shape for the month's run, publicity, clauses and what I get."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.base.text import Text
from yucun.doors.pages.views import Card, Crumb, Notice, NumberView, Opening, Table
from yucun.doors.pages.whatif_views import Tile


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that a form asks for; a hidden one has no title."""

    name: str
    title: Text | None = None
    value: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Form:
    """A form: where it goes, what it asks, what its button says."""

    action: str
    button: Text
    inputs: tuple[Input, ...]
    title: Text | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: a table, printed lines (behind a fold where it has a name), or a form, under a heading."""

    title: Text
    said: Text | None = None
    table: Table | None = None
    printed: Text | None = None
    form: Form | None = None
    name: str = ""
    fold: Text | None = None


@dataclass(frozen=True, slots=True)
class ReliefPage:
    """A page of relief."""

    opening: Opening
    trail: tuple[Crumb, ...]
    parts: tuple[Part, ...]
    notices: tuple[Notice, ...] = ()
    note: Text | None = None
    ways: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class ChiefPage:
    """What a chief is shown; ``precision`` is None where no service publishes one."""

    opening: Opening
    trail: tuple[Crumb, ...]
    note: Text | None
    rests: Text
    tiles: tuple[Tile, ...]
    numbers: tuple[NumberView, ...]
    precision: NumberView | None
    table: Table
    ways: tuple[Card, ...]
    step: Text
    percent: int
    hidden_why: Text
