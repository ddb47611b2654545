"""The nouns of the report: cells, tables, charts, sections; and the desk that its chapters are written from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.indicators import Value
from yucun.kernel.indicators.model import Claim, Evidence, Mark
from yucun.services.prosperity.models import CityIndex, Sight
from yucun.services.prosperity.pages.sentences import (
    Sentence,
    Slot,
    word,
)

EMPTY = Text("", "")
Rows = Callable[[str], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: words, a number that can be asked why, or a mark."""

    text: Text = EMPTY
    slot: Slot | None = None
    mark: Mark | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of the report; `numeric` names the columns that hold numbers."""

    title: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[int, ...] = ()
    here: int = -1


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or one city's place with its interval when `low` and `high` are there."""

    label: Text
    number: float
    slot: Slot
    is_here: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: bars from zero, or places with their intervals."""

    title: Text
    said: Text
    unit: Text
    bars: tuple[Bar, ...]
    are_places: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report."""

    name: str
    title: Text
    sentences: tuple[Sentence, ...]
    charts: tuple[Chart, ...] = ()
    grids: tuple[Grid, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that stands on the first page, with a word on it."""

    title: Text
    slot: Slot
    unit: Text
    said: Text


@dataclass(frozen=True, slots=True)
class Report:
    """A year of a city, in sentences."""

    year: int
    region: RegionCode
    place: Text
    title: Text
    sections: tuple[Section, ...]
    figures: tuple[Figure, ...]
    sources: tuple[str, ...]
    titles: Mapping[str, Text]
    today: date

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All of them, in reading order."""
        return tuple(s for section in self.sections for s in section.sentences)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the sections are written from."""

    sight: Sight
    region: RegionCode
    year: int
    today: date
    rows: Rows
    index: CityIndex | None

    @property
    def place(self) -> Slot:
        """The place's name."""
        return word(self.sight.name(self.region))

    @property
    def period(self) -> Period:
        """The year."""
        return Period.year(self.year)

    @property
    def year_end(self) -> Period:
        """Its last day, for stocks."""
        return Period.day(date(self.year, 12, 31))

    def get(self, code: str, period: Period | None = None, region: RegionCode | None = None) -> Value:
        """A number of the year, or of another period or region."""
        return self.sight.value(code, region or self.region, period or self.period)

    def claim(self, code: str, region: RegionCode | None = None) -> Claim | None:
        """What others print for the year, where it is not merely remembered."""
        definition = self.sight.numbers.indicators[f"prosperity.{code}"]
        found = self.sight.numbers.claims_of(definition, definition.published, self.sight.question)
        wanted = (region or self.region, self.period)
        return next((c for c, _ in found if (c.region, c.period) == wanted and c.evidence != "unverified"), None)
