"""The nouns of numbers: a definition, a value with its mark and its checks, and the chain and the trace behind it.

A *leaf* is counted from table rows; a *derived* indicator is worked out from other indicators. Both are
data (`define`), become one expression (`compile`), are kept as cells (`refresh`) and read (`read`, `why`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import pyarrow as pa

from yucun.base.identity import Level, RegionCode
from yucun.base.period import Period, PeriodKind
from yucun.base.quantity import Unit
from yucun.base.text import Text
from yucun.kernel.access.cells import SmallestCell
from yucun.kernel.lake.contract import Contract, Field, Freshness, Sensitivity

Evidence = Literal["made_up", "press", "unverified", "computed", "law", "seen"]
# Weakest first: a value is as good as the weakest of its rows.
EVIDENCE: tuple[Evidence, ...] = ("made_up", "press", "unverified", "computed", "law", "seen")
EVIDENCE_TITLES: dict[Evidence, Text] = {
    "made_up": Text("模拟", "made up"),
    "press": Text("报刊", "press"),
    "unverified": Text("未核实", "not verified"),
    "computed": Text("推算", "worked out"),
    "law": Text("法规", "law"),
    "seen": Text("见于来源", "seen at its source"),
}

MarkKind = Literal["none", "not_known", "late", "hidden", "refused", "error"]
MARK_TITLES: dict[MarkKind, Text] = {
    "none": Text("无", "none"),
    "not_known": Text("未知", "not known"),
    "late": Text("迟", "late"),
    "hidden": Text("隐", "hidden"),
    "refused": Text("拒", "refused"),
    "error": Text("误", "error"),
}

Kind = Literal[
    "value",
    "total",
    "count",
    "mean",
    "ratio",
    "distinct",
    "percentile",
    "change",
    "difference",
    "sum",
    "spread",
    "formula",
]
LEAVES: tuple[Kind, ...] = ("value", "total", "count", "mean", "ratio", "distinct", "percentile")
Take = Literal["one", "sum", "count", "mean", "distinct", "percentile"]
# What is taken in these ways adds up over regions and periods; the others are read again from the rows.
ADDING: tuple[Take, ...] = ("sum", "count", "mean")
Direction = Literal["lower", "higher", "neither"]
Against = Literal["previous", "year_before"]
Form = Literal["whole", "fraction", "measure"]


@dataclass(frozen=True, slots=True)
class Term:
    """Rows of one table that enter a leaf, and how.

    Parameters
    ----------
    table, field : str
        ``service.table`` and a field of it; no field for a count.
    where : mapping of str to tuple of str
        Field to the values that count; several fields must all hold.
    take : str
        ``one`` (exactly one row a cell, else an error), ``sum``, ``count``, ``mean``, ``distinct`` (how many
        different values) or ``percentile``.
    sign : int
        1, or -1 for a term that is taken away.
    is_stock_at_year_end : bool
        True when the rows are a stock on 31 December that belongs to the year's cell.
    rule : str
        Name of a function of the service's ``rules.py`` from the table's columns to a dimensionless measure.
    """

    table: str
    field: str
    take: Take
    where: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    sign: int = 1
    is_stock_at_year_end: bool = False
    rule: str = ""
    title: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class Member:
    """One input of a derived indicator: another indicator, and the one that weighs it."""

    name: str
    indicator: str
    weight: str = ""


CheckKind = Literal["published", "identity", "recount", "bounds", "none"]


@dataclass(frozen=True, slots=True)
class Check:
    """An independent way to a number.

    Parameters
    ----------
    kind : str
        ``published`` (as others print it), ``identity`` (another indicator must agree), ``recount`` (the rows
        counted again without the engine), ``bounds``, or ``none`` with a reason.
    indicator : str
        For ``identity``: the other indicator.
    within : float
        For ``identity``: how far apart the two may lie, in shown units.
    low, high : float
        For ``bounds``: in shown units, both inclusive.
    """

    kind: CheckKind
    indicator: str = ""
    within: float = 0.0
    low: float | None = None
    high: float | None = None
    reason: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class Indicator:
    """What one number is.

    Parameters
    ----------
    id : str
        ``service.name``, flat and unique.
    kind : str
        See ``docs/how-to/define-a-number.md``; leaves have terms, derived ones have members.
    scale : int
        What a raw quotient is multiplied with to be in the kept unit (10,000 for shares kept in bp).
    form : str
        ``whole`` (a whole number of its unit, so that it may be added), ``fraction`` (two whole parts) or
        ``measure`` (a dimensionless float).
    adds_up : bool
        True when the values of regions may be added (people, money in total), so that they may also be recast.
    is_awaited : bool
        False for what comes so seldom (a census) that its table's freshness says nothing of it.
    over : str
        For ``sum`` and ``spread``: the level of the regions that are gathered.
    rows_of : str or None
        The level of the regions that the rows name, when each row also counts in the regions above, at every
        level of `levels` and in every kind of `periods`; None where each row names the region of its cell.
    in_map_of : date or None
        The day whose map the regions are of; None for the map of each row's own day.
    per_mille : int
        For ``percentile``: 900 for the 90th.
    measure : str
        For ``spread``: a name of `yucun.kernel.indicators.formulas.SPREADS`; for ``formula`` the rule's name.
    groups : str
        For Theil's split: ``region`` or ``member``.
    minus : str
        For ``difference``: ``region:<level>`` (the same number of the region above) or an indicator.
    smallest, is_open_because : SmallestCell or None, Text
        Below how many persons a cell is hidden; or why that is not needed (its sources are published already).
    published, targets : str
        Tables of what others print and of targets, looked up by this indicator's id.
    hash : str
        SHA-256 of what the definition and those below it say.
    """

    id: str
    title: Text
    meaning: Text
    kind: Kind
    unit: Unit
    decimals: int
    direction: Direction
    levels: tuple[Level, ...]
    periods: tuple[PeriodKind, ...]
    level: Sensitivity
    smallest: SmallestCell | None
    is_open_because: Text
    checks: tuple[Check, ...]
    declared_at: str
    numerator: tuple[Term, ...] = ()
    denominator: tuple[Term, ...] = ()
    members: tuple[Member, ...] = ()
    grain: PeriodKind | None = None
    over: Level | None = None
    measure: str = ""
    groups: Literal["", "region", "member"] = ""
    against: Against = "previous"
    is_relative: bool = False
    minus: str = ""
    scale: int = 1
    form: Form = "whole"
    adds_up: bool = False
    is_awaited: bool = True
    hash: str = ""
    published: str = ""
    targets: str = ""
    rows_of: Level | None = None
    in_map_of: date | None = None
    per_mille: int = 0

    @property
    def service(self) -> str:
        """The service that defines it."""
        return self.id.split(".", 1)[0]

    @property
    def is_leaf(self) -> bool:
        """True when it is counted from rows."""
        return self.kind in LEAVES

    @property
    def is_additive(self) -> bool:
        """True for a gathered leaf whose parts add up over regions and periods."""
        return self.rows_of is not None and all(t.take in ADDING for t in self.terms) and self.form != "measure"

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms, numerator first."""
        return (*self.numerator, *self.denominator)

    @property
    def uses(self) -> tuple[str, ...]:
        """The indicators that a derived one is worked out from, each once."""
        minus = (self.minus,) if self.minus and not self.minus.startswith("region:") else ()
        names = [n for m in self.members for n in (m.indicator, m.weight) if n]
        return tuple(dict.fromkeys((*names, *minus)))


Rule = Callable[..., Any]
Outcome = Literal["agree", "differs", "not_known"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Why there is no number: one of six words, a sentence, and the table that would fill it."""

    kind: MarkKind
    reason: Text
    feed: str = ""

    @property
    def title(self) -> Text:
        """The word on the tile."""
        return MARK_TITLES[self.kind]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a second computation said: ``agree``, ``differs`` or ``not_known``; `theirs` as it is printed."""

    kind: str
    outcome: Outcome
    title: Text
    ours: str
    theirs: str
    reason: Text
    indicator: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A number that somebody else prints, or a target: exactly as printed, with its source and its record."""

    indicator: str
    region: RegionCode
    period: Period
    bound: str
    printed: str
    unit: Text
    number: float
    source: str
    evidence: Evidence
    table: str
    file: str
    record: int
    bound_title: Text = Text("", "")

    def is_kept_by(self, number: float) -> bool | None:
        """Whether a number in the shown unit keeps to the bound; None where the bound names no side to keep to."""
        match self.bound:
            case "at_most":
                return number <= self.number
            case "below":
                return number < self.number
            case "at_least":
                return number >= self.number
            case "above":
                return number > self.number
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Value:
    """A number with all that must stand beside it, or the mark that stands in its place.

    Parameters
    ----------
    period : Period or None
        None when nothing was ever recorded and no period was asked for.
    number : float or None
        In the shown unit (yuan, %, times), not rounded.
    shown : str
        As printed: rounded half up to the definition's decimals, without the unit; empty with a mark.
    parts : mapping
        ``numerator`` and ``denominator`` in kept units when the value is exact, else ``measure``.
    as_of : int
        Journal seq of the cell; 0 when there is none.
    records : int
        How many records made it.
    late : Mark or None
        That a newer period is overdue; the number shown is still right for its own period.
    beside : tuple of Claim
        What others print for the same number and period.
    """

    indicator: str
    region: RegionCode
    period: Period | None
    number: float | None
    shown: str
    parts: Mapping[str, int | float]
    unit: Unit
    decimals: int
    as_of: int
    known_at: datetime | None
    evidence: Evidence
    mark: Mark | None
    records: int
    checks: tuple[CheckResult, ...] = ()
    late: Mark | None = None
    beside: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class CellKey:
    """Which number: indicator, region, period."""

    indicator: str
    region: RegionCode
    period: Period


@dataclass(frozen=True, slots=True)
class Row:
    """One table row that entered a number, its fields as the reader may see them.

    Parameters
    ----------
    file, record : str, int
        Hash of the file that was sent, and the record in it.
    fields : mapping
        Field to value; a refused one is None and named in `masked`.
    source : str
        What the row says of its own source; empty when the sent file is the source.
    """

    table: str
    file: str
    record: int
    fields: Mapping[str, Any]
    masked: tuple[str, ...] = ()
    source: str = ""
    evidence: Evidence = "seen"


@dataclass(frozen=True, slots=True)
class PartShown:
    """A part of a number: a term with its amount, or another cell with its value.

    Parameters
    ----------
    name : str
        ``numerator``, ``denominator``, ``now``, ``before``, ``left``, ``right`` or a member's name.
    shown, unit : str, Unit
        As printed.
    records : int
        How many records it rests on.
    indicator, region, period : str, RegionCode, Period
        For a derived number: the cell, which has a page of its own.
    table, where : str, str
        For a leaf: the table, and what was chosen from it.
    """

    name: str
    title: Text
    shown: str
    unit: Unit
    records: int
    indicator: str = ""
    region: RegionCode | None = None
    period: Period | None = None
    table: str = ""
    where: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Why a number is what it is, from its definition to the sent files, and what else it moves.

    Parameters
    ----------
    rows, records : tuple of Row, int
        The first rows, and how many records there are in all.
    files : tuple of str
        Hashes of the sent files, by name.
    moves : tuple of CellKey
        The other numbers worked out from this cell, directly or further on.
    """

    value: Value
    indicator: Indicator
    parts: tuple[PartShown, ...]
    rows: tuple[Row, ...]
    records: int
    files: tuple[str, ...]
    moves: tuple[CellKey, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """From one record of one sent file to its table rows, and to every number that it moved or stands beside."""

    file: str
    record: int
    rows: tuple[Row, ...]
    moved: tuple[CellKey, ...]
    beside: tuple[CellKey, ...] = ()


CELL_TABLE = "indicators.cell"
TROUBLES: dict[str, Text] = {
    "two_records": Text(
        "本应只有一条记录，却有多条；请更正数据",
        "there are several records where exactly one is expected; correct the data",
    ),
    "zero_denominator": Text("分母为零", "the denominator is zero"),
    "too_large": Text("数太大，存不下", "the number is too large to be kept"),
    "not_positive": Text("有不大于零的值，此公式不适用", "a value is not above zero, so this formula does not apply"),
    "split": Text(
        "有旧区划拆入几个地区，其记录无法逐条归属，这里不能计数",
        "an earlier region was split among several, and its records cannot be told apart, so this cannot be counted here",
    ),
    "recount_differs": Text(
        "换一条路重数，结果不同；请告知维护者", "counted again another way, the result differs; tell the maintainers"
    ),
}


def _cell_field(name: str, kind: Any, title: Text, *, required: bool = True) -> Field:
    return Field(name, kind, title, "L1", required=required)


def make_cell_contract() -> Contract:
    """The lake table in which cells are kept, partitioned by indicator; it is written by `refresh` alone."""
    return Contract(
        name=CELL_TABLE,
        title=Text("指标单元", "Cells of indicators"),
        meaning=Text("每个指标、地区、时期一行", "One row for each indicator, region and period"),
        owner=Text("本系统", "this system"),
        fields=(
            _cell_field("indicator", "text", Text("指标", "indicator")),
            _cell_field("region", "region", Text("地区", "region")),
            _cell_field("period", "period", Text("时期", "period")),
            _cell_field("numerator", "integer", Text("分子", "numerator"), required=False),
            _cell_field("denominator", "integer", Text("分母", "denominator"), required=False),
            _cell_field("measure", "measure", Text("测度", "measure"), required=False),
            _cell_field("records", "integer", Text("记录数", "records")),
            _cell_field("heads", "integer", Text("人数", "persons counted"), required=False),
            _cell_field("heads_top", "integer", Text("分子人数", "persons in the numerator"), required=False),
            _cell_field("evidence", "text", Text("依据", "evidence")),
            _cell_field("trouble", "text", Text("问题", "trouble"), required=False),
            _cell_field("definition", "text", Text("定义", "definition")),
        ),
        key=("indicator", "region", "period"),
        partition="indicator",
        freshness=Freshness("once", 0, Text("由系统计算，不由部门报送", "computed, not sent by an office")),
        licence=Text("开放", "open"),
        example={},
    )


CELL_COLUMNS = (
    "region",
    "period",
    "numerator",
    "denominator",
    "measure",
    "records",
    "heads",
    "heads_top",
    "evidence",
    "trouble",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One kept cell, as read back."""

    numerator: int | None
    denominator: int | None
    measure: float | None
    records: int
    heads: int | None
    heads_top: int | None
    evidence: Evidence
    trouble: str


ARROW_CELLS: pa.Schema = make_cell_contract().schema
