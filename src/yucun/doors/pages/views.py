"""What the templates are given: frozen view models, already worded in both languages and already measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yucun.base.text import Language, Text
from yucun.kernel.indicators.model import Evidence, MarkKind
from yucun.kernel.screens.model import Shape

Theme = Literal["auto", "light", "dark"]
Size = Literal["normal", "large"]
EMPTY = Text("", "")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words in a lead paragraph; strong for the number it turns on, with an address when it can be asked."""

    text: Text
    href: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class MarkView:
    """Why there is no number; ``feed`` names the table that would fill it."""

    kind: MarkKind
    reason: Text
    feed: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on a drawing, in its own units, with the words that go beside it."""

    x: float
    y: float
    label: Text = EMPTY
    shown: str = ""
    is_here: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True)
class Spark:
    """A small line without axes, 100 wide and 24 high."""

    path: str
    end: Point


@dataclass(frozen=True, slots=True)
class NumberView:
    """One number or the mark that stands for it, with what one needs to judge it."""

    title: Text
    place: Text
    period: Text
    shown: str
    unit: Text
    evidence: Evidence
    href: str
    mark: MarkView | None = None
    note: Text = EMPTY
    known_at: str = ""
    spark: Spark | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``share`` is its length in per cent of the longest."""

    label: Text
    shown: str
    share: float
    href: str = ""
    is_here: bool = False
    mark: MarkView | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from zero, in the order in which they are to be read; ``said`` holds what must not be compared."""

    title: Text
    bars: tuple[Bar, ...]
    said: Text = EMPTY
    unit: Text = EMPTY
    evidence: Evidence | None = None
    href: str = ""
    late: MarkView | None = None
    missing: tuple[MarkView, ...] = ()


@dataclass(frozen=True, slots=True)
class Strip:
    """All places as dots between the lowest and the highest; x runs from 0 to 100."""

    points: tuple[Point, ...]
    low: Text
    high: Text


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across a drawing with its number."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One series of comparable periods: x in per cent of the width, y of 240; ``data`` feeds the interactive twin."""

    title: Text
    path: str
    points: tuple[Point, ...]
    ticks: tuple[Tick, ...]
    unit: Text
    decimals: int
    data: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A town on the schematic map."""

    code: str
    label: Text
    x: float
    y: float
    shade: int
    said: Text
    href: str
    is_here: bool = False
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A county's name on the schematic map."""

    label: Text
    x: float
    y: float
    href: str


@dataclass(frozen=True, slots=True)
class MapView:
    """A schematic map: cells of one size, no outline; ``low`` and ``high`` label the shades."""

    title: Text
    cells: tuple[Cell, ...]
    blocks: tuple[Block, ...]
    width: float
    height: float
    cell_width: float
    cell_height: float
    borders: str = ""
    said: Text = EMPTY
    low: str = ""
    high: str = ""
    scale: float = 1.2


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell of a table."""

    text: Text = EMPTY
    href: str = ""
    mark: MarkView | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, whether it holds numbers, and where a click on the head leads."""

    title: Text
    is_number: bool = False
    sort_href: str = ""
    direction: Literal["", "ascending", "descending"] = ""
    is_long: bool = False
    is_short: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    entries: tuple[Entry, ...]
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """A form in which a table can be taken away."""

    form: str
    href: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table, one page of it, and the ways on."""

    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int = 0
    first: int = 1
    before: str = ""
    after: str = ""
    downloads: tuple[Download, ...] = ()
    name: str = "rows"
    empty: Text = EMPTY


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way to this page."""

    title: Text
    href: str


@dataclass(frozen=True, slots=True)
class Card:
    """A link with a small fact behind it."""

    title: Text
    href: str
    said: Text = EMPTY


@dataclass(frozen=True, slots=True)
class Waiting:
    """One reason for which numbers are missing, and the numbers that wait."""

    mark: MarkView
    numbers: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of the gap and the number that stands for it."""

    title: Text
    number: NumberView


@dataclass(frozen=True, slots=True)
class Todo:
    """Something that waits for a person."""

    when: Text
    what: Text
    href: str
    do: Text
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the chain that makes a number."""

    title: Text
    spans: tuple[Span, ...]
    items: tuple[tuple[Span, ...], ...] = ()
    table: Table | None = None
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A finding or an answer to what was just done."""

    text: Text
    where: str = ""
    tone: Literal["said", "good", "bad"] = "said"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many numbers of a page are real, made up, and from the press."""

    real: int = 0
    made_up: int = 0
    press: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.real + self.made_up + self.press


@dataclass(frozen=True, slots=True)
class NavItem:
    """A way through the header."""

    key: str
    title: Text
    href: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has around it."""

    language: Language
    theme: Theme
    size: Size
    is_wall: bool
    path: str
    query: tuple[tuple[str, str], ...]
    place: Text
    place_code: str
    today: Text
    is_simulated: bool
    nav: tuple[NavItem, ...]
    active: str
    reader: Text | None
    known_at: str
    static: str


@dataclass(frozen=True, slots=True)
class Option:
    """A choice in a list."""

    value: str
    title: Text
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a screen: a title, what must be known to read it, and one or more pictures of numbers."""

    title: Text
    shape: Shape
    said: Text = EMPTY
    numbers: tuple[NumberView, ...] = ()
    bars: tuple[Bars, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    lines: tuple[Line, ...] = ()
    tables: tuple[Table, ...] = ()
    todo: tuple[Todo, ...] = ()
    map: MapView | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """How a page starts: a small line, the sentence, and a paragraph with the numbers that make it true."""

    kicker: Text
    sentence: Text
    lead: tuple[Span, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Sections by where they stand: beside one another below the opening, at the side, and in rows below both."""

    main: tuple[Section, ...] = ()
    side: tuple[Section, ...] = ()
    below: tuple[tuple[Section, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class CityPage:
    """The first page of a place."""

    opening: Opening
    layout: Layout
    todo: tuple[Todo, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class RegionPage:
    """A province, city, county, town or village."""

    opening: Opening
    trail: tuple[Crumb, ...]
    facts: tuple[tuple[Text, Text], ...]
    map: MapView | None
    children_title: Text
    children: tuple[Card, ...]
    numbers: Table
    comparison: Bars | None
    layout: Layout
    counts: Counts


@dataclass(frozen=True, slots=True)
class ServicesPage:
    """All services, each with its one number."""

    services: tuple[tuple[Card, NumberView | None], ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class ServicePage:
    """A service: whom it serves, its one number, and what lies around it."""

    opening: Opening
    hero: NumberView | None
    layout: Layout
    facts: tuple[tuple[Text, Text], ...]
    regions: tuple[Option, ...]
    moments: tuple[Option, ...]
    counts: Counts
    ways: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class NumbersPage:
    """All numbers: searched, filtered, paged."""

    query: str
    services: tuple[Option, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class NumberPage:
    """One number and everything that makes it."""

    opening: Opening
    trail: tuple[Crumb, ...]
    number: NumberView
    said: Text
    regions: tuple[Option, ...]
    periods: tuple[Option, ...]
    moments: tuple[Option, ...]
    chain: tuple[Step, ...]
    moves: tuple[Step, ...]
    lines: tuple[Line, ...]
    not_compared: Text
    places: Bars | None
    strip: Strip | None
    downloads: tuple[Download, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class LakePage:
    """What arrived, what is late, what was refused and why."""

    opening: Opening
    feeds: Table
    landings: Table
    refusals: Table
    waiting: Section | None
    tables: tuple[Option, ...]
    may_load: bool
    correcting: Table
    suppliers: Table
    told: Table
    since: str
    until: str
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePage:
    """One table of the lake: its contract and its rows."""

    opening: Opening
    trail: tuple[Crumb, ...]
    facts: tuple[tuple[Text, Text], ...]
    fields: Table
    rows: Table
    query: str
    moments: tuple[Option, ...]
    mark: MarkView | None = None


@dataclass(frozen=True, slots=True)
class LandingPage:
    """One file that was sent: what became of it."""

    opening: Opening
    trail: tuple[Crumb, ...]
    facts: tuple[tuple[Text, Text], ...]
    notices: tuple[Notice, ...]
    refused: Table
    moved: Table
    correct: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One record of a file, and every number it moved."""

    opening: Opening
    trail: tuple[Crumb, ...]
    facts: tuple[tuple[Text, Text], ...]
    fields: Table
    moved: Table


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found of one kind."""

    title: Text
    cards: tuple[Card, ...]
    said: Text = EMPTY


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was asked and what was found."""

    query: str
    groups: tuple[Hits, ...]


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The form, and why the last try failed."""

    notices: tuple[Notice, ...]
    back: str
    accounts: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class MyPage:
    """Who is reading, what they may see, and who looked at what."""

    opening: Opening
    facts: tuple[tuple[Text, Text], ...]
    sees: Table
    looked: Table
    is_signed_in: bool
    has_matters: bool = False
    has_relief: bool = False
    has_entitlements: bool = False
    matters: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class DocsPage:
    """A document of the shelves."""

    title: Text
    shelves: tuple[Hits, ...]
    html: str
    trail: tuple[Crumb, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What went wrong, in words, and the ways on."""

    status: int
    sentence: Text
    notices: tuple[Notice, ...]
    mark: MarkView | None = None


@dataclass(frozen=True, slots=True)
class LoadingPage:
    """How far a load is; ``percent`` None while nobody can say."""

    key: str
    sentence: Text
    notices: tuple[Notice, ...]
    step: Text
    percent: int | None
    is_over: bool
