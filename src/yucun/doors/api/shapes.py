"""What the API answers about numbers, regions, the city and its readers, as msgspec structs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from yucun.doors.api.lake_shapes import LandingShape, shape_landing
from yucun.doors.api.text_shapes import UnitShape, Words, shape_unit, words
from yucun.kernel.registry import BEGINNING

if TYPE_CHECKING:
    from yucun.kernel.access import Reader
    from yucun.kernel.indicators.model import (
        CellKey,
        Chain,
        CheckResult,
        Claim,
        Indicator,
        Mark,
        PartShown,
        Row,
        Trace,
        Value,
    )
    from yucun.kernel.lake.model import Landing
    from yucun.kernel.registry import Region, Regions


class MarkShape(msgspec.Struct):
    """Why there is no number: none, not_known, late, hidden, refused or error."""

    kind: str
    reason: Words
    feed: str


class CheckShape(msgspec.Struct):
    """What a second, independent way to the number gives."""

    kind: str
    outcome: str
    title: Words
    ours: str
    theirs: str
    reason: Words
    indicator: str


class ClaimShape(msgspec.Struct):
    """The same number as somebody else prints it, or a target."""

    printed: str
    number: float
    unit: Words
    bound: str
    source: str
    evidence: str
    table: str
    file: str
    record: int


class ValueShape(msgspec.Struct):
    """A number with all that must stand beside it, or the mark in its place."""

    indicator: str
    region: str
    period: str | None
    period_kind: str | None
    number: float | None
    shown: str
    unit: UnitShape
    parts: dict[str, float]
    as_of: int
    known_at: datetime | None
    evidence: str
    mark: MarkShape | None
    late: MarkShape | None
    records: int
    checks: list[CheckShape]
    beside: list[ClaimShape]


class ValuesShape(msgspec.Struct):
    """Numbers in one answer."""

    values: list[ValueShape]


class CellShape(msgspec.Struct):
    """Which number: indicator, region and period, and where to ask for it."""

    indicator: str
    region: str
    period: str
    href: str


class PartShape(msgspec.Struct):
    """A part of a number."""

    name: str
    title: Words
    shown: str
    unit: UnitShape
    records: int
    cell: CellShape | None
    table: str
    where: str
    mark: MarkShape | None


class RowShape(msgspec.Struct):
    """A table row behind a number: its record in a sent file, and its fields as the reader may see them."""

    table: str
    file: str
    record: int
    fields: dict[str, Any]
    masked: list[str]
    source: str
    evidence: str
    href: str


class ChainShape(msgspec.Struct):
    """Why a number is what it is: definition, parts, rows, sent files, and what else it moves."""

    value: ValueShape
    title: Words
    meaning: Words
    declared_at: str
    definition: str
    parts: list[PartShape]
    rows: list[RowShape]
    records: int
    landings: list[LandingShape]
    moves: list[CellShape]


class TraceShape(msgspec.Struct):
    """From one record of a sent file to its rows and to every number that it moved."""

    file: str
    record: int
    rows: list[RowShape]
    moved: list[CellShape]
    beside: list[CellShape]


class IndicatorShape(msgspec.Struct):
    """What a number means."""

    id: str
    title: Words
    meaning: Words
    service: str
    kind: str
    unit: UnitShape
    decimals: int
    direction: str
    levels: list[str]
    periods: list[str]
    sensitivity: str
    uses: list[str]
    checks: list[str]
    declared_at: str
    definition: str
    href: str


class IndicatorsShape(msgspec.Struct):
    """All indicators."""

    indicators: list[IndicatorShape]


class RegionShape(msgspec.Struct):
    """A region on a day; where nobody says since when it holds, ``valid_from`` is null."""

    code: str
    short: str
    name: Words
    path: Words
    level: str
    parent: str | None
    valid_from: date | None
    valid_to: date | None
    href: str


class RegionsShape(msgspec.Struct):
    """A page of regions."""

    regions: list[RegionShape]
    total: int
    next: str | None = None


class HitShape(msgspec.Struct):
    """Something that a search found."""

    kind: str
    title: Words
    said: Words
    href: str


class HitsShape(msgspec.Struct):
    """What a search found, best first."""

    hits: list[HitShape]


class HealthShape(msgspec.Struct):
    """Whether the city answers, how far its journal reaches, and which of its threads fail at their newest work.

    ``state`` is ``open``, or ``troubled`` while one of ``failing`` (engine, publisher, tidier) does; the log says why.
    """

    state: str
    failing: list[str]
    place: str
    title: Words
    today: date
    is_simulated: bool
    as_of: int
    version: str
    books: str


class ReaderShape(msgspec.Struct):
    """Who asks: the account, its roles and the purposes that it may name."""

    account: str
    title: Words
    is_signed_in: bool
    sensitivity: str
    roles: list[str]
    regions: list[str]
    purposes: list[str]


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """Name and password of a local account."""

    account: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9._-]{1,63}$")]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class TokenShape(msgspec.Struct):
    """A session's token, to be sent as ``Authorization: Bearer …``."""

    token: str
    reader: ReaderShape


def _mark(mark: Mark | None) -> MarkShape | None:
    return MarkShape(mark.kind, words(mark.reason), mark.feed) if mark else None


def _check(check: CheckResult) -> CheckShape:
    return CheckShape(
        check.kind, check.outcome, words(check.title), check.ours, check.theirs, words(check.reason), check.indicator
    )


def _claim(claim: Claim) -> ClaimShape:
    return ClaimShape(
        claim.printed,
        claim.number,
        words(claim.unit),
        claim.bound,
        claim.source,
        claim.evidence,
        claim.table,
        claim.file,
        claim.record,
    )


def shape_value(value: Value) -> ValueShape:
    """A number or its mark."""
    return ValueShape(
        value.indicator,
        str(value.region),
        value.period.text if value.period else None,
        value.period.kind if value.period else None,
        value.number,
        value.shown,
        shape_unit(value.unit),
        dict(value.parts),
        value.as_of,
        value.known_at,
        value.evidence,
        _mark(value.mark),
        _mark(value.late),
        value.records,
        [_check(c) for c in value.checks],
        [_claim(c) for c in value.beside],
    )


def shape_cell(cell: CellKey) -> CellShape:
    """Which number, with its address."""
    href = f"/api/values?indicator={cell.indicator}&region={cell.region.short}&period={cell.period.text}"
    return CellShape(cell.indicator, str(cell.region), cell.period.text, href)


def _part(part: PartShown) -> PartShape:
    return PartShape(
        part.name,
        words(part.title),
        part.shown,
        shape_unit(part.unit),
        part.records,
        _cell_of(part),
        part.table,
        part.where,
        _mark(part.mark),
    )


def _cell_of(part: PartShown) -> CellShape | None:
    if not part.indicator or part.region is None or part.period is None:
        return None
    href = f"/api/values?indicator={part.indicator}&region={part.region.short}&period={part.period.text}"
    return CellShape(part.indicator, str(part.region), part.period.text, href)


def shape_row(row: Row) -> RowShape:
    """A row behind a number; values that JSON does not have are written as text."""
    fields = {name: _plain(value) for name, value in row.fields.items()}
    href = f"/api/trace/{row.file}/{row.record}"
    return RowShape(row.table, row.file, row.record, fields, list(row.masked), row.source, row.evidence, href)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def shape_chain(chain: Chain, landings: Sequence[Landing]) -> ChainShape:
    """A whole chain, with how its files came."""
    indicator = chain.indicator
    return ChainShape(
        shape_value(chain.value),
        words(indicator.title),
        words(indicator.meaning),
        indicator.declared_at,
        indicator.hash,
        [_part(p) for p in chain.parts],
        [shape_row(r) for r in chain.rows],
        chain.records,
        [shape_landing(landing) for landing in landings],
        [shape_cell(c) for c in chain.moves],
    )


def shape_trace(trace: Trace) -> TraceShape:
    """A whole trace."""
    moved, beside = [shape_cell(c) for c in trace.moved], [shape_cell(c) for c in trace.beside]
    return TraceShape(trace.file, trace.record, [shape_row(r) for r in trace.rows], moved, beside)


def shape_indicator(indicator: Indicator) -> IndicatorShape:
    """A definition."""
    return IndicatorShape(
        indicator.id,
        words(indicator.title),
        words(indicator.meaning),
        indicator.service,
        indicator.kind,
        shape_unit(indicator.unit),
        indicator.decimals,
        indicator.direction,
        list(indicator.levels),
        list(indicator.periods),
        indicator.level,
        list(indicator.uses),
        [c.kind for c in indicator.checks],
        indicator.declared_at,
        indicator.hash,
        f"/api/indicators/{indicator.id}",
    )


def shape_region(region: Region, regions: Regions, on: date | None) -> RegionShape:
    """A region with its path."""
    return RegionShape(
        str(region.code),
        region.code.short,
        words(region.name),
        words(regions.path_title(region.code, on)),
        region.level,
        str(region.parent) if region.parent else None,
        None if region.valid_from == BEGINNING else region.valid_from,
        region.valid_to,
        f"/api/regions/{region.code.short}",
    )


def shape_reader(reader: Reader) -> ReaderShape:
    """Who asks."""
    return ReaderShape(
        reader.account,
        words(reader.title),
        reader.is_signed_in,
        reader.level,
        sorted(reader.roles),
        [str(r) for r in reader.regions],
        [p.name for p in reader.purposes],
    )
