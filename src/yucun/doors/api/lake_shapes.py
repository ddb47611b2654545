"""What the API answers about tables, feeds, landings and quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from yucun.base.quantity import Unit
from yucun.doors.api.problems import FindingShape
from yucun.doors.api.text_shapes import UnitShape, Words, shape_unit, words

if TYPE_CHECKING:
    from yucun.kernel.lake.contract import Contract
    from yucun.kernel.lake.model import Feed, Landing


class FieldShape(msgspec.Struct):
    """A field of a table."""

    name: str
    title: Words
    type: str
    unit: UnitShape | None
    sensitivity: str
    required: bool
    codes: dict[str, Words] | None


class TableShape(msgspec.Struct):
    """What a table promises."""

    name: str
    title: Words
    meaning: Words
    owner: Words
    licence: Words
    key: list[str]
    sensitivity: str
    freshness: str
    due_days: int
    fields: list[FieldShape]
    contract: str
    declared_at: str
    href: str


class TablesShape(msgspec.Struct):
    """All tables."""

    tables: list[TableShape]


class FeedShape(msgspec.Struct):
    """How fresh a table is: what it holds last, when the next is due, and whether it is late."""

    table: str
    newest: str | None
    due: date | None
    is_late: bool
    rows: int
    landings: int
    refused: int
    last_at: str | None


class FeedsShape(msgspec.Struct):
    """All feeds."""

    feeds: list[FeedShape]


class LandingShape(msgspec.Struct):
    """What became of one sent file."""

    key: str
    table: str
    file: str
    name: str
    records: int
    landed: int
    refused: int
    repeated: int
    already: int
    corrected: int
    as_of: int
    at: str
    is_correction: bool
    is_readable: bool
    is_repeat: bool
    given: dict[str, str]
    notes: list[FindingShape]
    href: str


class LandingsShape(msgspec.Struct):
    """A page of landings, newest first."""

    landings: list[LandingShape]
    next: str | None = None


class RefusedShape(msgspec.Struct):
    """A record in quarantine, with the sentences that refused it; ``raw`` is null for whoever may not see it."""

    record: int
    where: str
    raw: str | None
    findings: list[FindingShape]


class QuarantineShape(msgspec.Struct):
    """Refused records of one landing."""

    landing: str
    refused: list[RefusedShape]
    total: int
    next: str | None = None


def shape_table(contract: Contract, units: Mapping[str, Unit]) -> TableShape:
    """A contract."""
    fields = [
        FieldShape(
            f.name,
            words(f.title),
            f.type,
            shape_unit(units[f.unit]) if f.unit else None,
            f.level,
            f.required,
            {code: words(title) for code, title in f.codes.items()} if f.codes else None,
        )
        for f in contract.fields
    ]
    return TableShape(
        contract.name,
        words(contract.title),
        words(contract.meaning),
        words(contract.owner),
        words(contract.licence),
        list(contract.key),
        contract.level,
        contract.freshness.every,
        contract.freshness.due_days,
        fields,
        contract.hash,
        contract.declared_at,
        f"/api/tables/{contract.name}",
    )


def shape_feed(feed: Feed) -> FeedShape:
    """A feed on the city's day."""
    newest = feed.newest.text if feed.newest else None
    return FeedShape(feed.table, newest, feed.due, feed.is_late, feed.rows, feed.landings, feed.refused, feed.last_at)


def shape_landing(landing: Landing) -> LandingShape:
    """A landing with what was noted about its file."""
    return LandingShape(
        landing.key,
        landing.table,
        landing.file,
        landing.name,
        landing.records,
        landing.landed,
        landing.refused,
        landing.repeated,
        landing.already,
        landing.corrected,
        landing.seq,
        landing.at,
        landing.is_correction,
        landing.is_readable,
        landing.is_repeat,
        dict(landing.given),
        [msgspec.convert(note, FindingShape) for note in landing.notes],
        f"/api/landings/{landing.key}",
    )
