"""How access is kept: accounts and grants are projections; password hashes, sessions and the trail are not.

Every function takes the transaction. Times that decide whether someone is let in are whole milliseconds of
the machine's own clock; those of the journal and the trail are the city's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from yucun.base.identity import PersonId, RegionCode
from yucun.base.text import Text
from yucun.kernel.access.declare import AccessRules
from yucun.kernel.access.model import Account, Grant
from yucun.kernel.access.release_store import MIGRATION as RELEASES
from yucun.kernel.access.request_store import MIGRATION as REQUESTS
from yucun.kernel.access.request_store import PROJECTORS
from yucun.kernel.books import Line, Migration, Organ, Projecting, ReadTransaction, WriteTransaction
from yucun.kernel.books.model import canonical


def _apply_created(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "INSERT INTO access_account (account, title_zh, title_en, person, provider, subject, active, password, seq)"
        " VALUES (?, ?, ?, ?, ?, ?, 1, '', ?)",
        (
            said["account"],
            said["title"]["zh"],
            said["title"]["en"],
            said["person"],
            said["provider"],
            said["subject"],
            line.seq,
        ),
    )


def _apply_password_set(tx: Projecting, line: Line) -> None:
    tx.execute(
        "UPDATE access_account SET password = ? WHERE account = ?", (line.payload["password"], line.payload["account"])
    )


def _apply_active(tx: Projecting, line: Line) -> None:
    active = 1 if line.kind == "access.enabled" else 0
    tx.execute("UPDATE access_account SET active = ? WHERE account = ?", (active, line.payload["account"]))


def _apply_granted(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "INSERT INTO access_grant (number, account, role, regions, purposes, tables, until, provider)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            line.seq,
            said["account"],
            said["role"],
            canonical(said["regions"]),
            canonical(said["purposes"]),
            canonical(said["tables"]),
            said["until"],
            said["provider"],
        ),
    )


def _apply_revoked(tx: Projecting, line: Line) -> None:
    tx.execute("DELETE FROM access_grant WHERE number = ?", (line.payload["number"],))


ORGAN = Organ(
    "access",
    (
        Migration(
            1,
            "accounts, grants, passwords, sessions, sign-ins under way, failures, trail",
            (
                "CREATE TABLE access_account (account TEXT PRIMARY KEY, title_zh TEXT NOT NULL, title_en TEXT NOT NULL,"
                " person TEXT NOT NULL, provider TEXT NOT NULL, subject TEXT NOT NULL, active BIGINT NOT NULL,"
                " password TEXT NOT NULL, seq BIGINT NOT NULL)",
                "CREATE INDEX access_account_subject ON access_account (provider, subject)",
                "CREATE TABLE access_grant (number BIGINT PRIMARY KEY, account TEXT NOT NULL, role TEXT NOT NULL,"
                " regions TEXT NOT NULL, purposes TEXT NOT NULL, tables TEXT NOT NULL, until TEXT NOT NULL,"
                " provider TEXT NOT NULL)",
                "CREATE INDEX access_grant_account ON access_grant (account)",
                "CREATE TABLE access_password (account TEXT PRIMARY KEY, hash TEXT NOT NULL)",
                "CREATE TABLE access_session (token TEXT PRIMARY KEY, account TEXT NOT NULL, begun_ms BIGINT NOT NULL,"
                " seen_ms BIGINT NOT NULL, ends_ms BIGINT NOT NULL)",
                "CREATE INDEX access_session_account ON access_session (account)",
                "CREATE TABLE access_sign_in (state TEXT PRIMARY KEY, provider TEXT NOT NULL, nonce TEXT NOT NULL,"
                " verifier TEXT NOT NULL, back_to TEXT NOT NULL, ends_ms BIGINT NOT NULL)",
                "CREATE TABLE access_failure (scope TEXT PRIMARY KEY, failures BIGINT NOT NULL, since_ms BIGINT NOT NULL)",
                "CREATE TABLE access_trail (batch BIGINT NOT NULL, number BIGINT NOT NULL, first_at TEXT NOT NULL,"
                " last_at TEXT NOT NULL, account TEXT NOT NULL, verb TEXT NOT NULL, purpose TEXT NOT NULL,"
                " what TEXT NOT NULL, fields TEXT NOT NULL, region TEXT NOT NULL, looks BIGINT NOT NULL,"
                " shown BIGINT NOT NULL, PRIMARY KEY (batch, number))",
                "CREATE INDEX access_trail_account ON access_trail (account, batch)",
                "CREATE TABLE access_trail_person (person TEXT NOT NULL, batch BIGINT NOT NULL, number BIGINT NOT NULL,"
                " PRIMARY KEY (person, batch, number))",
                "CREATE TABLE access_trail_batch (batch BIGINT PRIMARY KEY, worker TEXT NOT NULL, at TEXT NOT NULL,"
                " hash TEXT NOT NULL, previous TEXT NOT NULL)",
            ),
        ),
        RELEASES,
        REQUESTS,
    ),
    ("access_account", "access_grant", "access_request"),
    {
        "access.created": _apply_created,
        "access.password_set": _apply_password_set,
        "access.disabled": _apply_active,
        "access.enabled": _apply_active,
        "access.granted": _apply_granted,
        "access.revoked": _apply_revoked,
        **PROJECTORS,
    },
)
_ACCOUNT = "account, title_zh, title_en, person, provider, active"
_GRANT = "number, role, regions, purposes, tables, until, provider"


@dataclass(frozen=True, slots=True)
class KeptGrant:
    """A grant as it is kept: names, not yet roles and purposes."""

    number: int
    role: str
    regions: tuple[RegionCode, ...]
    purposes: tuple[str, ...]
    tables: tuple[str, ...]
    until: date | None
    provider: str

    def resolve(self, rules: AccessRules) -> Grant | None:
        """Return the grant with its role and purposes; None when the role is no longer declared."""
        role = rules.roles.get(self.role)
        if role is None:
            return None
        purposes = rules.hold((*role.purposes, *self.purposes))
        return Grant(self.number, role, self.regions, purposes, self.tables, self.until)


def find_account(tx: ReadTransaction, account: str) -> Account | None:
    """Return the account of that name."""
    row = tx.row(f"SELECT {_ACCOUNT} FROM access_account WHERE account = ?", (account,))
    return _account(row) if row else None


def find_subject(tx: ReadTransaction, provider: str, subject: str) -> Account | None:
    """Return the account for which an outside provider vouches under that subject."""
    row = tx.row(f"SELECT {_ACCOUNT} FROM access_account WHERE provider = ? AND subject = ?", (provider, subject))
    return _account(row) if row else None


def list_accounts(tx: ReadTransaction) -> list[Account]:
    """Return all accounts by name."""
    return [_account(row) for row in tx.rows(f"SELECT {_ACCOUNT} FROM access_account ORDER BY account")]


def list_grants(tx: ReadTransaction, account: str) -> list[KeptGrant]:
    """Return an account's grants in the order in which they were given."""
    rows = tx.rows(f"SELECT {_GRANT} FROM access_grant WHERE account = ? ORDER BY number", (account,))
    return [
        KeptGrant(
            int(number),
            role,
            tuple(RegionCode(r) for r in json.loads(regions)),
            tuple(json.loads(purposes)),
            tuple(json.loads(tables)),
            date.fromisoformat(until) if until else None,
            provider,
        )
        for number, role, regions, purposes, tables, until, provider in rows
    ]


def find_password(tx: ReadTransaction, account: str) -> str | None:
    """Return the password's hash; None for an account that has none or is unknown."""
    row = tx.row("SELECT hash FROM access_password WHERE account = ?", (account,))
    return str(row[0]) if row else None


def keep_password(tx: WriteTransaction, account: str, encoded: str) -> None:
    """Keep a password's hash, outside the journal."""
    tx.execute(
        "INSERT INTO access_password (account, hash) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET hash = excluded.hash",
        (account, encoded),
    )


def end_sessions(tx: WriteTransaction, account: str) -> None:
    """Sign an account out everywhere."""
    tx.execute("DELETE FROM access_session WHERE account = ?", (account,))


def count_failures(tx: ReadTransaction, scopes: Sequence[str], since_ms: int) -> dict[str, int]:
    """Return failed sign-ins of each scope in the current window; an older window counts nothing."""
    marks = ", ".join("?" * len(scopes))
    rows = tx.rows(
        f"SELECT scope, failures FROM access_failure WHERE since_ms > ? AND scope IN ({marks})", (since_ms, *scopes)
    )
    return {str(scope): int(failures) for scope, failures in rows}


def add_failures(tx: WriteTransaction, scopes: Iterable[str], now_ms: int, since_ms: int) -> None:
    """Count one more failed sign-in of each scope and forget windows that have passed."""
    tx.execute("DELETE FROM access_failure WHERE since_ms <= ?", (since_ms,))
    tx.execute_many(
        "INSERT INTO access_failure (scope, failures, since_ms) VALUES (?, 1, ?)"
        " ON CONFLICT (scope) DO UPDATE SET failures = access_failure.failures + 1",
        [(scope, now_ms) for scope in scopes],
    )


def forgive_failures(tx: WriteTransaction, scopes: Iterable[str]) -> None:
    """Take back the count of an attempt that turned out to be right."""
    tx.execute_many(
        "UPDATE access_failure SET failures = failures - 1 WHERE failures > 0 AND scope = ?", [(s,) for s in scopes]
    )


def _account(row: Sequence[object]) -> Account:
    name, title_zh, title_en, person, provider, active = row
    return Account(
        str(name),
        Text(str(title_zh), str(title_en)),
        bool(active),
        PersonId(str(person)) if person else None,
        str(provider),
    )
