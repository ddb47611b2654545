"""What the engine keeps in the books: events and what became of them, recorded rows, private texts, how far it passed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yucun.kernel.books import Line, Migration, Organ, Projecting, ReadTransaction
from yucun.kernel.books.model import canonical


def _apply_event(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.insert_many(
        "engine_event",
        ("event", "seq", "kind", "by_account", "status", "refusals"),
        [(said["event"], line.seq, said["kind"], said["by"], "done", 0)],
    )


def _apply_refused(tx: Projecting, line: Line) -> None:
    tx.execute(
        "UPDATE engine_event SET status = 'refused', refusals = refusals + 1 WHERE event = ?", (line.payload["event"],)
    )


def _apply_quarantined(tx: Projecting, line: Line) -> None:
    tx.execute("UPDATE engine_event SET status = 'quarantined' WHERE event = ?", (line.payload["event"],))


def _apply_recorded(tx: Projecting, line: Line) -> None:
    tx.insert_many(
        "engine_record",
        ("dataset", "record_key", "content", "seq"),
        [
            (line.payload["table"], canonical(one["key"]), canonical(one["row"]), line.seq)
            for one in line.payload["rows"]
        ],
    )


def _apply_forgotten(tx: Projecting, line: Line) -> None:
    tx.execute_many("DELETE FROM engine_private WHERE hash = ?", [(mark,) for mark in line.payload["hashes"]])


def _apply_passed(tx: Projecting, line: Line) -> None:
    tx.execute(
        "INSERT INTO engine_passed (service, seq) VALUES (?, ?) ON CONFLICT (service) DO UPDATE SET seq = excluded.seq",
        (line.payload["service"], line.payload["until"]),
    )


ORGAN = Organ(
    "engine",
    (
        Migration(
            1,
            "events, records, private texts",
            (
                "CREATE TABLE engine_event (event TEXT PRIMARY KEY, seq BIGINT NOT NULL, kind TEXT NOT NULL,"
                " by_account TEXT NOT NULL, status TEXT NOT NULL, refusals BIGINT NOT NULL)",
                "CREATE INDEX engine_event_status ON engine_event (status, seq)",
                "CREATE TABLE engine_record (dataset TEXT NOT NULL, record_key TEXT NOT NULL, content TEXT NOT NULL,"
                " seq BIGINT NOT NULL, PRIMARY KEY (dataset, record_key))",
                "CREATE TABLE engine_private (hash TEXT PRIMARY KEY, salt TEXT NOT NULL, body TEXT NOT NULL,"
                " event TEXT NOT NULL, dataset TEXT NOT NULL, field TEXT NOT NULL)",
                "CREATE INDEX engine_private_event ON engine_private (event)",
                "CREATE TABLE engine_passed (service TEXT PRIMARY KEY, seq BIGINT NOT NULL)",
            ),
        ),
    ),
    ("engine_event", "engine_record", "engine_passed"),
    {
        "engine.event": _apply_event,
        "engine.refused": _apply_refused,
        "engine.quarantined": _apply_quarantined,
        "engine.recorded": _apply_recorded,
        "engine.forgotten": _apply_forgotten,
        "engine.passed": _apply_passed,
    },
)


def find_records(tx: ReadTransaction, table: str, keys: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the content of recorded rows by the canonical text of their key."""
    rows = tx.rows_in(
        "SELECT record_key, content FROM engine_record WHERE dataset = ? AND record_key IN (?)",
        [canonical(dict(key)) for key in keys],
        (table,),
    )
    return {str(key): str(content) for key, content in rows}


def find_status(tx: ReadTransaction, event: str) -> tuple[str, int] | None:
    """Return what became of an event and its journal seq, or None."""
    row = tx.row("SELECT status, seq FROM engine_event WHERE event = ?", (event,))
    return (str(row[0]), int(row[1])) if row else None


def passed_until(tx: ReadTransaction, service: str) -> int:
    """The journal seq up to which recorded rows were passed on to a service."""
    row = tx.row("SELECT seq FROM engine_passed WHERE service = ?", (service,))
    return int(row[0]) if row else 0
