"""The nouns of the books: a journal line, a message of the outbox, an attachment, an organ and its migrations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one meaning, so that it can be hashed.

    Examples
    --------
    >>> canonical({"b": 1, "a": "余"})
    '{"a":"余","b":1}'
    """
    return _CANONICAL.encode(value)


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be sent or asked outside; delivered at least once, with the token as key."""

    token: str
    kind: str
    body: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return a plain mapping for the journal."""
        return {"token": self.token, "kind": self.kind, "body": dict(self.body)}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a line refers to: its hash, size in bytes, media type and the name it was sent under."""

    sha256: str
    size: int
    media_type: str
    name: str

    def to_json(self) -> dict[str, Any]:
        """Return a plain mapping for the journal."""
        return {"sha256": self.sha256, "size": self.size, "media_type": self.media_type, "name": self.name}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal.

    Parameters
    ----------
    seq : int
        Rises by one; the moment that every "as of" comes down to.
    commit : int
        Number of the commit that holds it; a commit's hash chains to the one before.
    at : str
        Instant by the city's clock, ISO 8601; never earlier than the line before.
    kind, key : str
        What happened, and the event's own key: a second line with the key is answered "already".
    payload : mapping
        Ids, codes, amounts and hashes; never a personal payload.
    lake_seq, pack, service : int, str, str
        For decisions: the pinned lake, the hash of the parameter pack and of the service.
    """

    seq: int
    commit: int
    at: str
    kind: str
    key: str
    payload: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()
    lake_seq: int | None = None
    pack: str | None = None
    service: str | None = None

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Line:
        """Return the line of a row of the journal, in the order of its columns."""
        seq, commit, at, kind, key, payload, messages, attachments, lake_seq, pack, service = row
        return cls(
            seq,
            commit,
            at,
            kind,
            key,
            json.loads(payload),
            [] if messages == "[]" else json.loads(messages),
            [] if attachments == "[]" else json.loads(attachments),
            lake_seq,
            pack,
            service,
        )

    def to_json(self) -> dict[str, Any]:
        """Return all that the commit's hash covers."""
        return {
            "seq": self.seq,
            "commit": self.commit,
            "at": self.at,
            "kind": self.kind,
            "key": self.key,
            "payload": self.payload,
            "messages": list(self.messages),
            "attachments": list(self.attachments),
            "lake_seq": self.lake_seq,
            "pack": self.pack,
            "service": self.service,
        }

    def seal_text(self, payload: str) -> str:
        """Return ``canonical(self.to_json())``, given the text of the payload, which may be large and is written once."""
        before = {
            "at": self.at,
            "attachments": list(self.attachments),
            "commit": self.commit,
            "key": self.key,
            "kind": self.kind,
            "lake_seq": self.lake_seq,
            "messages": list(self.messages),
            "pack": self.pack,
        }
        service = "null" if self.service is None else canonical(self.service)
        return f'{canonical(before)[:-1]},"payload":{payload},"seq":{self.seq},"service":{service}}}'


class Projecting(Protocol):
    """What a projector may do: read and write the tables of its organ, within the line's transaction."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None."""

    def rows_in(self, sql: str, keys: Collection[Any], values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query whose last condition is ``… IN (?)``, for a set of keys of any size."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run one statement."""

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row."""

    def insert_many(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows in one go."""

    def update_many(
        self, table: str, key: str, adds: Sequence[str], sets: Sequence[str], rows: Sequence[Sequence[int]]
    ) -> None:
        """Add to, and set, whole-number columns of many rows in one go."""


Projector = Callable[[Projecting, Line], None]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of an organ's tables: portable SQL, and whether its projections are applied again afterwards."""

    number: int
    name: str
    statements: tuple[str, ...]
    applies_again: bool = False


@dataclass(frozen=True, slots=True)
class Organ:
    """What an organ keeps in the books.

    Parameters
    ----------
    name : str
        Owner of line kinds that start with ``name.``.
    migrations : sequence of Migration
        In order; SQL that both dialects read (TEXT, BIGINT, DOUBLE PRECISION, ON CONFLICT).
    projections : tuple of str
        Tables that are functions of the journal; they make up the state hash.
    projectors : mapping
        Kind of line to the function that applies it.
    """

    name: str
    migrations: tuple[Migration, ...] = ()
    projections: tuple[str, ...] = ()
    projectors: Mapping[str, Projector] = field(default_factory=dict)
