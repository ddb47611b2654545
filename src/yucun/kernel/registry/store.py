"""How the registry is kept in the books: regions and successions, and the boundaries that a place brought."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from yucun.base.identity import Level, RegionCode
from yucun.base.text import Text
from yucun.kernel.books import Attachment, Line, Migration, Organ, Projecting, ReadTransaction, WriteTransaction
from yucun.kernel.registry.boundaries import Boundaries
from yucun.kernel.registry.model import Region, Succession
from yucun.kernel.registry.regions import Regions

_REGION = "code, valid_from, valid_to, name_zh, name_en, level, parent"
_SUCCESSION = "old, new, on_day, numerator, denominator, source, back_numerator, back_denominator"


def _apply_regions(tx: Projecting, line: Line) -> None:
    tx.execute("DELETE FROM registry_region")
    tx.execute("DELETE FROM registry_succession")
    tx.execute_many(f"INSERT INTO registry_region ({_REGION}) VALUES (?, ?, ?, ?, ?, ?, ?)", line.payload["regions"])
    tx.execute_many(
        f"INSERT INTO registry_succession ({_SUCCESSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", line.payload["successions"]
    )


def _apply_boundaries(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute_many(
        "INSERT INTO registry_boundary (region, file, name, system, seq) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (region) DO UPDATE SET file = excluded.file, name = excluded.name, system = excluded.system,"
        " seq = excluded.seq",
        [(code, said["file"], said["name"], said["system"], line.seq) for code in said["regions"]],
    )


ORGAN = Organ(
    "registry",
    (
        Migration(
            1,
            "regions, successions, boundaries",
            (
                "CREATE TABLE registry_region (code TEXT NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT,"
                " name_zh TEXT NOT NULL, name_en TEXT NOT NULL, level TEXT NOT NULL, parent TEXT,"
                " PRIMARY KEY (code, valid_from))",
                "CREATE TABLE registry_succession (old TEXT NOT NULL, new TEXT NOT NULL, on_day TEXT NOT NULL,"
                " numerator BIGINT NOT NULL, denominator BIGINT NOT NULL, source TEXT, back_numerator BIGINT,"
                " back_denominator BIGINT, PRIMARY KEY (old, new, on_day))",
                "CREATE TABLE registry_boundary (region TEXT PRIMARY KEY, file TEXT NOT NULL, name TEXT NOT NULL,"
                " system TEXT NOT NULL, seq BIGINT NOT NULL)",
            ),
        ),
    ),
    ("registry_region", "registry_succession", "registry_boundary"),
    {"registry.regions_loaded": _apply_regions, "registry.boundaries_loaded": _apply_boundaries},
)


def keep_regions(tx: WriteTransaction, regions: Regions) -> bool:
    """Make the books' map equal to a set of regions; False when it already is."""
    payload = {
        "regions": [_region_row(row) for row in regions],
        "successions": [_succession_row(one) for one in regions.successions],
    }
    held = read_regions(tx)
    if held is not None and (tuple(held), held.successions) == (tuple(regions), regions.successions):
        return False
    content = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
    tx.record("registry.regions_loaded", f"regions:{tx.last_seq() + 1}:{content[:24]}", payload)
    return True


def read_regions(tx: ReadTransaction) -> Regions | None:
    """Return the map that the books hold; None before the first was kept."""
    rows = tx.rows(f"SELECT {_REGION} FROM registry_region ORDER BY code, valid_from")
    successions = tx.rows(f"SELECT {_SUCCESSION} FROM registry_succession")
    return Regions((_to_region(row) for row in rows), (_to_succession(row) for row in successions)) if rows else None


@dataclass(frozen=True, slots=True)
class KeptBoundary:
    """Which attachment holds a region's outline, and in which coordinate system."""

    region: RegionCode
    file: str
    name: str
    system: str


def keep_boundaries(tx: WriteTransaction, boundaries: Boundaries, file: Attachment) -> Line:
    """Record that an attachment holds the outlines of regions; the newest file of a region counts."""
    payload = {
        "file": file.sha256,
        "name": file.name,
        "system": boundaries.system,
        "regions": sorted(boundaries.outlines),
    }
    key = f"boundaries:{tx.last_seq() + 1}:{file.sha256[:24]}"
    return tx.record("registry.boundaries_loaded", key, payload, attachments=(file,))[0]


def list_boundaries(tx: ReadTransaction, codes: Iterable[RegionCode] = ()) -> list[KeptBoundary]:
    """Where the outlines of regions are kept; of all regions that have one when no code is named."""
    wanted = set(codes)
    rows = tx.rows("SELECT region, file, name, system FROM registry_boundary ORDER BY region")
    return [
        KeptBoundary(RegionCode(region), file, name, system)
        for region, file, name, system in rows
        if not wanted or RegionCode(region) in wanted
    ]


def _region_row(row: Region) -> list[Any]:
    last = row.valid_to.isoformat() if row.valid_to else None
    parent = str(row.parent) if row.parent else None
    return [str(row.code), row.valid_from.isoformat(), last, row.name.zh, row.name.en, row.level, parent]


def _succession_row(one: Succession) -> list[Any]:
    return [
        str(one.old),
        str(one.new),
        one.on.isoformat(),
        one.weight_numerator,
        one.weight_denominator,
        one.source,
        one.back_numerator,
        one.back_denominator,
    ]


def _to_region(row: tuple[Any, ...]) -> Region:
    code, first, last, zh, en, level, parent = row
    known_level: Level = level
    return Region(
        RegionCode(code),
        Text(zh, en),
        known_level,
        RegionCode(parent) if parent else None,
        date.fromisoformat(first),
        date.fromisoformat(last) if last else None,
    )


def _to_succession(row: tuple[Any, ...]) -> Succession:
    old, new, on, *rest = row
    return Succession(RegionCode(old), RegionCode(new), date.fromisoformat(on), *rest)
