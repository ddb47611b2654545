"""The nouns of screens: a screen as declared, and a screen as shown to one reader for one region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from yucun.base.identity import Level, RegionCode
from yucun.base.period import Period
from yucun.base.text import Language, Text
from yucun.kernel.indicators.model import Claim, Indicator, Mark, Value

Shape = Literal[
    "tiles",
    "one_numbers",
    "dimensions",
    "bars",
    "table",
    "map",
    "lines",
    "marks",
    "feeds",
    "landings",
    "refusals",
    "press",
]
SHAPES: tuple[Shape, ...] = get_args(Shape)
# These show what the lake itself says; they name no indicator, and the page asks the lake for them.
LAKE_SHAPES: tuple[Shape, ...] = ("feeds", "landings", "refusals", "press")
Order = Literal["code", "low_first", "high_first"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a sentence that a number fills: which number, where, when, and in what form of words."""

    name: str
    indicator: str
    form: str
    region: str = "here"
    period: str = "latest"
    level: Level | None = None
    within: Level | None = None


@dataclass(frozen=True, slots=True)
class SentenceRule:
    """Words with places in braces; ``{place}`` is the region, each other place a slot."""

    words: Text
    slots: Mapping[str, Slot]
    otherwise: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class OpeningRule:
    """How a page begins: a small line, the sentence, and further sentences below it."""

    kicker: SentenceRule | None
    sentence: SentenceRule
    lead: tuple[SentenceRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TileRule:
    """One number on a screen.

    Parameters
    ----------
    region : str
        ``here``, or the level of the region above whose number is meant.
    period : str
        ``latest`` (the newest that there is), ``current`` (the one that is due by today) or a period.
    """

    indicator: str
    region: str = "here"
    period: str = "latest"
    title: Text = Text("", "")
    note: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class SectionRule:
    """A part of a screen.

    Parameters
    ----------
    tiles : tuple of TileRule
        For tiles, dimensions and lines: one each. For bars, table and map: the numbers compared.
    level : str or None
        For bars, table and map: the level of the regions compared.
    within : str or None
        The level of the region inside which they lie; None for the region of the screen.
    """

    title: Text
    shape: Shape
    tiles: tuple[TileRule, ...]
    said: Text = Text("", "")
    level: Level | None = None
    within: Level | None = None
    order: Order = "code"
    period: str = "latest"


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen as declared in ``cockpits/*.toml``.

    Parameters
    ----------
    id : str
        The service and the file's name (``prosperity.prosperity``), or the file's name alone.
    address : str
        Where it is shown; ``{region}`` stands for the region's code.
    levels : tuple of str
        Levels of region for which it opens.
    left_out : tuple of str
        Numbers of services that are not installed; their tiles are left out.
    """

    id: str
    title: Text
    service: str
    address: str
    levels: tuple[Level, ...]
    opening: OpeningRule | None
    sections: tuple[SectionRule, ...]
    declared_at: str
    left_out: tuple[str, ...] = ()

    @property
    def indicators(self) -> frozenset[str]:
        """All numbers that it shows, in tiles and in sentences."""
        rules = [] if self.opening is None else [self.opening.sentence, *self.opening.lead]
        rules += [self.opening.kicker] if self.opening is not None and self.opening.kicker is not None else []
        said = {slot.indicator for rule in rules for slot in rule.slots.values()}
        return frozenset(said | {tile.indicator for section in self.sections for tile in section.tiles})


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a sentence; with a value where they were made from one, so that they can be asked why."""

    words: str
    value: Value | None = None
    is_strong: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in both languages, in pieces; `is_known` False when it says that a number is missing."""

    zh: tuple[Piece, ...]
    en: tuple[Piece, ...]
    is_known: bool = True

    def of(self, language: Language) -> tuple[Piece, ...]:
        """The pieces in a language."""
        return self.zh if language == "zh" else self.en

    @property
    def text(self) -> Text:
        """The whole sentence."""
        return Text("".join(p.words for p in self.zh), "".join(p.words for p in self.en))

    @property
    def late(self) -> Mark | None:
        """That a feed behind one of its numbers is overdue."""
        return next((v.late for v in self.values if v.late is not None), None)

    @property
    def values(self) -> tuple[Value, ...]:
        """The numbers that it says, each once."""
        found = [p.value for p in self.zh if p.value is not None]
        return tuple({(v.indicator, v.region, v.period): v for v in found}.values())


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a number is set beside: the province, the last comparable period, a target.

    Parameters
    ----------
    said : Text
        In words, e.g. 比全省低 0.27.
    is_good : bool or None
        Whether the difference is on the better side; None where neither side is better.
    """

    kind: Literal["above", "before", "target"]
    title: Text
    said: Text
    is_good: bool | None
    value: Value | None = None
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class ShownTile:
    """One number as shown.

    Parameters
    ----------
    value : Value
        With its mark, unit, as-of, evidence, checks and what others print.
    age_days : int or None
        Days from the end of its period to the city's day.
    trend : tuple of Value
        Its own comparable series, oldest first; never of mixed kinds.
    not_compared : Text
        Which other figures are of another kind and stand in no trend with it; empty when there are none.
    """

    title: Text
    indicator: Indicator
    value: Value
    age_days: int | None
    trend: tuple[Value, ...]
    comparisons: tuple[Comparison, ...]
    press: tuple[Claim, ...]
    not_compared: Text
    note: Text


@dataclass(frozen=True, slots=True)
class ShownBars:
    """One number for all regions of a level, in the order in which it is to be read.

    `late` says that a newer period is overdue; it is None where the screen asks for a period by name.
    """

    indicator: Indicator
    period: Period | None
    values: tuple[Value, ...]
    here: RegionCode
    said: Text
    late: Mark | None = None


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A region and its numbers, in the order of the table's columns."""

    region: RegionCode
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class ShownTable:
    """Numbers of regions beside each other; `periods` says of when each column is, `late` which await a newer one."""

    indicators: tuple[Indicator, ...]
    periods: tuple[Period | None, ...]
    rows: tuple[ShownRow, ...]
    late: tuple[Mark | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownMark:
    """A number that is missing, and the table that would fill it."""

    indicator: Indicator
    mark: Mark


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A part of a screen as shown; which of its fields is filled follows from its shape."""

    title: Text
    shape: Shape
    said: Text
    tiles: tuple[ShownTile, ...] = ()
    bars: tuple[ShownBars, ...] = ()
    table: ShownTable | None = None
    marks: tuple[ShownMark, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A whole screen for one region and one reader, of one moment.

    Parameters
    ----------
    as_of : int or None
        The journal seq asked for; None for now.
    """

    screen: Screen
    region: RegionCode
    as_of: int | None
    kicker: Sentence | None
    sentence: Sentence | None
    lead: tuple[Sentence, ...]
    sections: tuple[ShownSection, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        """Every number and mark on the screen, each once."""
        said = [s for s in (self.kicker, self.sentence, *self.lead) if s is not None]
        found = [v for s in said for v in s.values]
        for section in self.sections:
            found += [t.value for t in section.tiles]
            found += [v for b in section.bars for v in b.values]
            found += [v for r in section.table.rows for v in r.values] if section.table else []
        unique = {(v.indicator, v.region, v.period): v for v in found}
        return tuple(unique.values())

    @property
    def late(self) -> frozenset[str]:
        """The numbers on the screen that are greyed: shown of their own period while a newer one is overdue, or late."""
        said = [s for s in (self.kicker, self.sentence, *self.lead) if s is not None]
        values = [v for s in said for v in s.values] + [t.value for s in self.sections for t in s.tiles]
        found = {v.indicator for v in values if v.late is not None or (v.mark is not None and v.mark.kind == "late")}
        for section in self.sections:
            found |= {b.indicator.id for b in section.bars if b.late is not None}
            if section.table is not None:
                both = zip(section.table.indicators, section.table.late, strict=True)
                found |= {indicator.id for indicator, late in both if late is not None}
        return frozenset(found)
