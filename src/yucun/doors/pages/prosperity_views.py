"""What the templates of index, levers, tasks and report are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yucun.base.text import Text
from yucun.doors.pages.views import (
    EMPTY,
    Bars,
    Card,
    Counts,
    Crumb,
    Download,
    MarkView,
    NumberView,
    Opening,
    Option,
    Span,
    Table,
)
from yucun.kernel.indicators.model import Evidence

Light = Literal["red", "amber", "green", "grey"]


@dataclass(frozen=True, slots=True)
class Place:
    """A city's place with its interval; the three positions in per cent of the width."""

    label: Text
    rank: int
    span: str
    x: float
    low: float
    high: float
    said: Text
    href: str = ""
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Places side by side; ``ticks`` are (position, place), ``data`` feeds the interactive twin."""

    title: Text
    said: Text
    places: tuple[Place, ...]
    ticks: tuple[tuple[float, int], ...]
    data: str


@dataclass(frozen=True, slots=True)
class BarsWithData:
    """Bars, and the same as JSON for the interactive twin."""

    bars: Bars
    data: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A box that can be ticked."""

    value: str
    title: Text
    said: Text
    is_on: bool
    is_fixed: bool = False
    mark: MarkView | None = None


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The index of the cities."""

    opening: Opening
    trail: tuple[Crumb, ...]
    ways: tuple[Card, ...]
    city: str
    cities: tuple[Option, ...]
    moments: tuple[Option, ...]
    ticks: tuple[Tick, ...]
    waiting: tuple[NumberView, ...]
    places: Places
    choices: Bars
    choices_said: Text
    contributions: Table
    standings: Table
    dropped: Table
    inputs: Table
    run: tuple[tuple[Text, Text], ...]
    take: tuple[Download, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class NoIndexPage:
    """What stands in the place of an index while no indicator is known for every city: what is missing, and its feed."""

    opening: Opening
    trail: tuple[Crumb, ...]
    ways: tuple[Card, ...]
    waiting: tuple[NumberView, ...]


@dataclass(frozen=True, slots=True)
class Slider:
    """One lever as a slider: its ends, where it stands, and one feasible step."""

    code: str
    title: Text
    unit: Text
    href: str
    low: str
    high: str
    step: str
    now: str
    aim: str
    now_shown: Text
    aim_shown: Text
    one_step: str
    one_step_said: Text
    is_set: bool
    follows: bool


@dataclass(frozen=True, slots=True)
class Chances:
    """A place, and the shares of replications in which the city stands there, before and after."""

    place: int
    before: float
    after: float
    before_shown: str
    after_shown: str
    is_nominal: bool


@dataclass(frozen=True, slots=True)
class LeversPage:
    """Sliders, what they do, and all levers beside one another."""

    opening: Opening
    trail: tuple[Crumb, ...]
    ways: tuple[Card, ...]
    city: str
    cities: tuple[Option, ...]
    ticks: tuple[Tick, ...]
    along: Tick | None
    sliders: tuple[Slider, ...]
    answer: tuple[Span, ...]
    figures: tuple[tuple[Text, Text, Text], ...]
    chances: tuple[Chances, ...]
    table: Table
    reset: str
    problem: Text = EMPTY


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task of the tree."""

    id: str
    title: Text
    kind: Text
    light: Light
    light_title: Text
    reason: Text
    due: str
    facts: tuple[tuple[Text, tuple[Span, ...]], ...]
    children: tuple[TaskView, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class TasksPage:
    """The tree of tasks."""

    opening: Opening
    trail: tuple[Crumb, ...]
    ways: tuple[Card, ...]
    query: str
    lights: tuple[Option, ...]
    tasks: tuple[TaskView, ...]
    rules: tuple[tuple[Light, Text, Text], ...]
    counts_by_light: tuple[tuple[Light, Text, int], ...]
    changes: Table
    notices: tuple[Text, ...]
    downloads: tuple[Download, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a sentence: words, or a number with its address and what it rests on."""

    text: Text
    href: str = ""
    evidence: Evidence | None = None
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of the report as it is drawn."""

    name: str
    title: Text
    number: int
    sentences: tuple[tuple[str, tuple[Run, ...], tuple[Run, ...]], ...]
    bars: tuple[BarsWithData, ...]
    places: tuple[Places, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The yearly report."""

    opening: Opening
    trail: tuple[Crumb, ...]
    ways: tuple[Card, ...]
    years: tuple[Option, ...]
    moments: tuple[Option, ...]
    sections: tuple[ReportSection, ...]
    sources: tuple[tuple[Text, Text, Text], ...]
    marks: tuple[tuple[str, Text], ...]
    evidence: tuple[tuple[Evidence, Text], ...]
    files: tuple[Download, ...]
    counts: Counts
