"""What the templates of the what-if page are given."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.base.text import Text
from yucun.doors.pages.views import Bars, Crumb, Download, MarkView, Notice, Opening, Option, Table
from yucun.kernel.indicators.model import Evidence


@dataclass(frozen=True, slots=True)
class Slide:
    """One figure that can be moved, in shown units; ``now`` is empty while no document gave it."""

    name: str
    title: Text
    unit: Text
    low: str
    high: str
    step: str
    now: str
    value: str
    evidence: Evidence
    source: str
    is_set: bool
    is_yes_or_no: bool


@dataclass(frozen=True, slots=True)
class SlideGroup:
    """Figures that belong together; open when one of them was moved, or when it is the first."""

    title: Text
    slides: tuple[Slide, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A formula with several versions."""

    name: str
    title: Text
    options: tuple[Option, ...]
    now: str
    is_set: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the answer with what it was; or the mark that stands for it."""

    title: Text
    shown: str
    unit: Text
    note: Text
    mark: MarkView | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """What is left along income: paths in per cent of the width and 240 high, ticks, and cliffs as points."""

    before: str
    after: str
    rise: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    cliffs: tuple[tuple[float, float, Text], ...]
    said: Text


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What a scenario does, as it is drawn."""

    sentence: Text
    supposed: tuple[tuple[Text, str, str], ...]
    tiles: tuple[Tile, ...]
    bins: Bars
    programmes: Table
    places: Table
    groups: tuple[Table, ...]
    curve: Curve
    cliffs: tuple[Text, ...]
    cliffs_before: tuple[Text, ...]
    downloads: tuple[Download, ...]
    hidden_why: Text


@dataclass(frozen=True, slots=True)
class WhatIfPage:
    """Sliders and fields, and what they do; or how far the residents are."""

    opening: Opening
    trail: tuple[Crumb, ...]
    note: Text
    rests: Text
    groups: tuple[SlideGroup, ...]
    choices: tuple[Choice, ...]
    members: tuple[Option, ...]
    is_disabled: bool
    county: str
    answer: AnswerView | None
    reset: str
    has_version: bool
    notices: tuple[Notice, ...] = ()
    step: Text = Text("", "")
    percent: int = 0
