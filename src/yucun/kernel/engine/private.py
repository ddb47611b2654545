"""Private texts: kept apart from the journal, which holds a salted hash; gone for good when they are forgotten."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from yucun.kernel.books import ReadTransaction
from yucun.kernel.books.store import WriteTransaction
from yucun.kernel.lake.contract import Contract

_PRIVATE_LEVELS = ("L3", "L4")
MARK = "private:"
# Under this name a transaction remembers the texts that it put apart itself.
_TEXTS = "engine_private"


def list_private(contract: Contract) -> list[str]:
    """Fields whose text is kept apart: free text of level L3 or L4."""
    return [f.name for f in contract.fields if f.type == "text" and f.level in _PRIVATE_LEVELS]


def put_apart(tx: WriteTransaction, contract: Contract, row: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Write a record's private texts beside the journal and return the record with their hashes.

    The salt is as private as the text: once both are removed nobody can try out what the hash may stand for.
    """
    said = dict(row)
    for name in list_private(contract):
        if said.get(name) is None:
            continue
        salt = secrets.token_hex(16)
        mark = MARK + hashlib.sha256(f"{salt}\n{said[name]}".encode()).hexdigest()
        tx.execute(
            "INSERT INTO engine_private (hash, salt, body, event, dataset, field) VALUES (?, ?, ?, ?, ?, ?)",
            (mark, salt, said[name], key, contract.name, name),
        )
        tx.memo.setdefault(_TEXTS, {})[mark] = said[name]
        said[name] = mark
    return said


def read_private(tx: ReadTransaction, marks: Collection[str]) -> dict[str, str]:
    """Return the texts behind hashes; those that were forgotten are left out."""
    own: Mapping[str, str] = tx.memo.get(_TEXTS, {}) if isinstance(tx, WriteTransaction) else {}
    missing = [mark for mark in marks if mark not in own]
    rows = tx.rows_in("SELECT hash, body FROM engine_private WHERE hash IN (?)", missing)
    return {**{mark: own[mark] for mark in marks if mark in own}, **{str(mark): str(body) for mark, body in rows}}


def same_private(tx: ReadTransaction, said: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a record says what one with hashes says; a forgotten text can no longer be compared and passes."""
    marks = {name: mark for name, mark in known.items() if isinstance(mark, str) and mark.startswith(MARK)}
    rows = tx.rows_in("SELECT hash, salt FROM engine_private WHERE hash IN (?)", list(marks.values()))
    salts = {str(mark): str(salt) for mark, salt in rows}
    for name, value in said.items():
        mark = marks.get(name)
        if mark is None:
            if known.get(name) != value:
                return False
        elif mark in salts and MARK + hashlib.sha256(f"{salts[mark]}\n{value}".encode()).hexdigest() != mark:
            return False
    return True


def with_texts(tx: ReadTransaction, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with its private texts in place of their hashes; a forgotten one is None."""
    marks = [v for v in said.values() if isinstance(v, str) and v.startswith(MARK)]
    if not marks:
        return dict(said)
    texts = read_private(tx, marks)
    return {
        name: texts.get(value) if isinstance(value, str) and value.startswith(MARK) else value
        for name, value in said.items()
    }
