"""How a case and its clocks are written: as rows of the books, in lines of the journal, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from yucun.base.clock import CHINA
from yucun.kernel.cases.clocks import TimeLimit
from yucun.kernel.cases.model import Case, Clock

CASE = (
    "no, id, kind, state, subject, region, unit, officer, co_units, priority, version, fields, outcome, merged_into,"
    " parent, opened_at, changed_at, closed_at, opened_seq, changed_seq"
)
CASE_NAMES = CASE.split(", ")
CLOCK = "case_no, name, state, started, length, due, is_provisional, remaining, extensions, warn"
CLOCK_NAMES = CLOCK.split(", ")


def follow(case: Case, row: Mapping[str, Any], at: datetime) -> Case:
    """The case as a move of the journal leaves it."""
    said = row["set"]
    return replace(
        case,
        state=row["to"],
        version=row["version"],
        fields=row["fields"],
        outcome=row["outcome"],
        merged_into=row["into"],
        unit=said.get("unit", case.unit),
        officer=said.get("officer", case.officer),
        region=said.get("region", case.region),
        priority=said.get("priority", case.priority),
        co_units=tuple(said.get("co_units", case.co_units)),
        changed_at=at,
        closed_at=at if row["is_final"] else None,
    )


def clock_to_json(clock: Clock) -> dict[str, Any]:
    """A clock as a line of the journal says it."""
    return {
        "name": clock.name,
        "state": clock.state,
        "started": stamp(clock.started),
        "limit": clock.limit.to_json(),
        "due": stamp(clock.due) if clock.due else None,
        "is_provisional": clock.is_provisional,
        "left": clock.left.to_json() if clock.left else None,
        "extensions": clock.extensions,
        "warn": stamp(clock.warn) if clock.warn else None,
    }


def clock_from_json(said: Mapping[str, Any]) -> Clock:
    """The clock that a line of the journal says."""
    return Clock(
        said["name"],
        said["state"],
        instant(said["started"]),
        TimeLimit.from_json(said["limit"]),
        instant(said["due"]) if said["due"] else None,
        bool(said["is_provisional"]),
        TimeLimit.from_json(said["left"]) if said["left"] else None,
        said["extensions"],
        instant(said["warn"]) if said["warn"] else None,
    )


def clock_from_row(row: Sequence[Any]) -> Clock:
    """A clock from its row, in the order of `CLOCK`."""
    said = dict(zip(CLOCK_NAMES, row, strict=True))
    remaining = said["remaining"]
    return clock_from_json(
        {**said, "limit": json.loads(said["length"]), "left": json.loads(remaining) if remaining else None}
    )


def case_from_row(row: Sequence[Any]) -> Case:
    """A case from its row, in the order of `CASE`."""
    named = dict(zip(CASE_NAMES, row, strict=True))
    units = named["co_units"]
    named["co_units"] = () if units == "[]" else tuple(json.loads(units))
    named["fields"] = json.loads(named["fields"])
    for name in ("opened_at", "changed_at", "closed_at"):
        named[name] = instant(named[name]) if named[name] else None
    return Case(**named)


def stamp(instant: datetime) -> str:
    """An instant as the journal writes it, so that texts sort as instants do."""
    return instant.astimezone(CHINA).isoformat(timespec="milliseconds")


def instant(stamp: str) -> datetime:
    """The instant that a stamp says."""
    return datetime.fromisoformat(stamp)
