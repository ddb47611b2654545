"""How data requests are kept: a projection of the journal, so that every step and its reason stand there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from yucun.base.identity import RegionCode
from yucun.kernel.access.model import SENSITIVITIES, Grant
from yucun.kernel.access.request_model import DataRequest, Wish, state_on
from yucun.kernel.books import Line, Migration, Projecting, ReadTransaction
from yucun.kernel.books.model import canonical

MIGRATION = Migration(
    3,
    "data requests",
    (
        "CREATE TABLE access_request (number BIGINT PRIMARY KEY, account TEXT NOT NULL, dataset TEXT NOT NULL,"
        " fields TEXT NOT NULL, regions TEXT NOT NULL, conditions TEXT NOT NULL, purpose TEXT NOT NULL,"
        " basis TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL, level TEXT NOT NULL, state TEXT NOT NULL,"
        " asked_on TEXT NOT NULL, decided_by TEXT NOT NULL, reasons TEXT NOT NULL, decided_on TEXT NOT NULL,"
        " ended_by TEXT NOT NULL, why_ended TEXT NOT NULL)",
        "CREATE INDEX access_request_account ON access_request (account)",
        "CREATE INDEX access_request_state ON access_request (state)",
    ),
)
_COLUMNS = (
    "number, account, dataset, fields, regions, conditions, purpose, basis, since, until, level, state,"
    " asked_on, decided_by, reasons, decided_on, ended_by, why_ended"
)


def wish_to_json(wish: Wish) -> dict[str, Any]:
    """What the journal keeps of a wish."""
    return {
        "table": wish.table,
        "fields": list(wish.fields),
        "regions": sorted(wish.regions),
        "where": dict(sorted(wish.where.items())),
        "purpose": wish.purpose,
        "basis": wish.basis,
        "since": wish.since.isoformat(),
        "until": wish.until.isoformat(),
    }


def _apply_drafted(tx: Projecting, line: Line) -> None:
    said, wish = line.payload, line.payload["wish"]
    marks = ", ".join("?" * 18)
    tx.execute(
        f"INSERT INTO access_request ({_COLUMNS}) VALUES ({marks})",
        (line.seq, said["by"], *_wish_row(wish), said["level"], "draft", "", "", "", "", "", ""),
    )


def _wish_row(wish: dict[str, Any]) -> tuple[str, ...]:
    return (
        wish["table"],
        canonical(wish["fields"]),
        canonical(wish["regions"]),
        canonical(wish["where"]),
        wish["purpose"],
        wish["basis"],
        wish["since"],
        wish["until"],
    )


def _apply_asked(tx: Projecting, line: Line) -> None:
    tx.execute(
        "UPDATE access_request SET state = 'asked', asked_on = ? WHERE number = ?",
        (line.payload["on"], line.payload["number"]),
    )


def _apply_granted(tx: Projecting, line: Line) -> None:
    said, wish = line.payload, line.payload["wish"]
    tx.execute(
        "UPDATE access_request SET state = 'granted', fields = ?, until = ?, level = ?, decided_by = ?, reasons = ?,"
        " decided_on = ? WHERE number = ?",
        (canonical(wish["fields"]), wish["until"], said["level"], said["by"], said["why"], said["on"], said["number"]),
    )


def _apply_refused(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "UPDATE access_request SET state = 'refused', decided_by = ?, reasons = ?, decided_on = ? WHERE number = ?",
        (said["by"], said["why"], said["on"], said["number"]),
    )


def _apply_ended(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "UPDATE access_request SET state = ?, ended_by = ?, why_ended = ? WHERE number = ?",
        (said["state"], said["by"], said["why"], said["number"]),
    )


PROJECTORS = {
    "access.request_drafted": _apply_drafted,
    "access.request_asked": _apply_asked,
    "access.request_granted": _apply_granted,
    "access.request_refused": _apply_refused,
    "access.request_ended": _apply_ended,
}


def find_request(tx: ReadTransaction, number: int, today: date) -> DataRequest | None:
    """Return a request as it stands on a day."""
    row = tx.row(f"SELECT {_COLUMNS} FROM access_request WHERE number = ?", (number,))
    return _request(row, today) if row else None


def list_requests(tx: ReadTransaction, today: date, account: str | None = None) -> list[DataRequest]:
    """Return all requests, or those of an account, newest first."""
    where, values = (" WHERE account = ?", (account,)) if account is not None else ("", ())
    rows = tx.rows(f"SELECT {_COLUMNS} FROM access_request{where} ORDER BY number DESC", values)
    return [_request(row, today) for row in rows]


def list_grants_of_requests(tx: ReadTransaction, account: str, today: date) -> list[Grant]:
    """Return what an account's requests open on a day."""
    found = list_requests(tx, today, account)
    return [one.grant for one in reversed(found) if one.state == "in_force"]


def _request(row: Sequence[Any], today: date) -> DataRequest:
    (number, account, table, fields, regions, where, purpose, basis, since, until, level, state) = row[:12]
    asked_on, decided_by, reasons, decided_on, ended_by, why_ended = row[12:]
    wish = Wish(
        table,
        tuple(json.loads(fields)),
        tuple(RegionCode(r) for r in json.loads(regions)),
        purpose,
        basis,
        date.fromisoformat(since),
        date.fromisoformat(until),
        json.loads(where),
    )
    return DataRequest(
        int(number),
        account,
        wish,
        next(s for s in SENSITIVITIES if s == level),
        state_on(state, wish.since, wish.until, today),
        _day(asked_on),
        decided_by,
        reasons,
        _day(decided_on),
        ended_by,
        why_ended,
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
