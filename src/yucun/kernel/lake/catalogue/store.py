"""How the catalogue is kept: items, their moves and their versions are projections of the journal."""

from __future__ import annotations

import json
from typing import Any, cast

from yucun.base.text import Text
from yucun.kernel.books import Line, Migration, Organ, Projecting, ReadTransaction
from yucun.kernel.lake.catalogue.model import (
    DOMAINS,
    LICENCES,
    OTHER,
    Coverage,
    Form,
    Item,
    Licence,
    Move,
    ReleaseFile,
    Version,
)

_ITEM = "name, state, domain, licence, treatment, fields, drafted_by, opened_seq, moved_seq"


def _apply_moved(tx: Projecting, line: Line) -> None:
    said = line.payload
    opened = line.seq if said["state"] == "open" else 0
    tx.execute(
        f"INSERT INTO catalogue_item ({_ITEM}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
        " state = excluded.state, domain = excluded.domain, licence = excluded.licence,"
        " treatment = excluded.treatment, fields = excluded.fields, drafted_by = excluded.drafted_by,"
        " opened_seq = CASE WHEN excluded.opened_seq > 0 THEN excluded.opened_seq ELSE catalogue_item.opened_seq END,"
        " moved_seq = excluded.moved_seq",
        (
            said["item"], said["state"], said["domain"], said["licence"], said["treatment"],
            json.dumps(said["fields"]), said["drafted_by"], opened, line.seq,
        ),
    )  # fmt: skip
    tx.execute(
        "INSERT INTO catalogue_move (seq, item, move, state, by_account, role, why, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (line.seq, said["item"], said["move"], said["state"], said["by"], said["role"], said["why"], line.at),
    )


def _apply_released(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "INSERT INTO catalogue_version (item, seq, day, lines, fields, rule, coverage) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            said["item"], said["seq"], said["day"], said["rows"], json.dumps(said["fields"]), said["rule"],
            json.dumps(said["coverage"], sort_keys=True),
        ),
    )  # fmt: skip
    _apply_kept(tx, line)


def _apply_kept(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute_many(
        "INSERT INTO catalogue_file (item, seq, form, sha256, size) VALUES (?, ?, ?, ?, ?)",
        [(said["item"], said["seq"], f["form"], f["sha256"], f["size"]) for f in said["files"]],
    )


ORGAN = Organ(
    "catalogue",
    (
        Migration(
            1,
            "items, moves, versions and their files",
            (
                "CREATE TABLE catalogue_item (name TEXT PRIMARY KEY, state TEXT NOT NULL, domain TEXT NOT NULL,"
                " licence TEXT NOT NULL, treatment TEXT NOT NULL, fields TEXT NOT NULL, drafted_by TEXT NOT NULL,"
                " opened_seq BIGINT NOT NULL, moved_seq BIGINT NOT NULL)",
                "CREATE TABLE catalogue_move (seq BIGINT PRIMARY KEY, item TEXT NOT NULL, move TEXT NOT NULL,"
                " state TEXT NOT NULL, by_account TEXT NOT NULL, role TEXT NOT NULL, why TEXT NOT NULL,"
                " at TEXT NOT NULL)",
                "CREATE INDEX catalogue_move_item ON catalogue_move (item, seq)",
                "CREATE TABLE catalogue_version (item TEXT NOT NULL, seq BIGINT NOT NULL, day TEXT NOT NULL,"
                " lines BIGINT NOT NULL, fields TEXT NOT NULL, rule TEXT NOT NULL, coverage TEXT NOT NULL,"
                " PRIMARY KEY (item, seq))",
                "CREATE TABLE catalogue_file (item TEXT NOT NULL, seq BIGINT NOT NULL, form TEXT NOT NULL,"
                " sha256 TEXT NOT NULL, size BIGINT NOT NULL, PRIMARY KEY (item, seq, form))",
            ),
        ),
    ),
    ("catalogue_item", "catalogue_move", "catalogue_version", "catalogue_file"),
    {"catalogue.moved": _apply_moved, "catalogue.released": _apply_released, "catalogue.kept": _apply_kept},
)


def list_items(tx: ReadTransaction, state: str = "") -> list[Item]:
    """Return all items by name, of one state or of all, without their moves."""
    where, values = ("WHERE state = ? ", (state,)) if state else ("", ())
    return [_to_item(row) for row in tx.rows(f"SELECT {_ITEM} FROM catalogue_item {where}ORDER BY name", values)]


def find_item(tx: ReadTransaction, name: str) -> Item | None:
    """Return one item with its moves, oldest first, or None."""
    row = tx.row(f"SELECT {_ITEM} FROM catalogue_item WHERE name = ?", (name,))
    if row is None:
        return None
    moves = tx.rows(
        "SELECT move, state, by_account, role, why, at, seq FROM catalogue_move WHERE item = ? ORDER BY seq", (name,)
    )
    return _to_item(row, tuple(Move(*move) for move in moves))


def list_versions(tx: ReadTransaction, item: str = "") -> list[Version]:
    """Return versions of one item or of all, newest first, each with the files that are made."""
    where, values = ("WHERE item = ? ", (item,)) if item else ("", ())
    made: dict[tuple[str, int], dict[Form, ReleaseFile]] = {}
    for name, seq, form, sha256, size in tx.rows(
        f"SELECT item, seq, form, sha256, size FROM catalogue_file {where}ORDER BY item, seq, form", values
    ):
        made.setdefault((name, int(seq)), {})[form] = ReleaseFile(form, sha256, int(size))
    rows = tx.rows(
        f"SELECT item, seq, day, lines, fields, rule, coverage FROM catalogue_version {where}ORDER BY seq DESC, item",
        values,
    )
    return [
        Version(
            item=name, seq=int(seq), day=day, rows=int(lines), fields=tuple(json.loads(fields)), rule=rule,
            coverage=Coverage(**json.loads(coverage)), files=made.get((name, int(seq)), {}),
        )
        for name, seq, day, lines, fields, rule, coverage in rows
    ]  # fmt: skip


def _to_item(row: tuple[Any, ...], moves: tuple[Move, ...] = ()) -> Item:
    name, state, domain, licence, treatment, fields, drafted_by, opened_seq, moved_seq = row
    return Item(
        name=name,
        state=state,
        domain=DOMAINS.get(domain, OTHER),
        licence=LICENCES.get(licence) or Licence(licence, Text.same(licence), "", "UnknownIPR"),
        treatment=cast(Any, treatment),
        fields=tuple(json.loads(fields)),
        drafted_by=drafted_by,
        opened_seq=int(opened_seq),
        moved_seq=int(moved_seq),
        moves=moves,
    )
