"""What the books ask of a database, and which one a URL names: opening, the writer's lock, and placeholders.

Statements elsewhere are written once, with ``?`` for a value, in SQL that both read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Generator, Sequence
from typing import Any, Protocol

import psycopg

from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Text
from yucun.kernel.books.postgres import Postgres
from yucun.kernel.books.sqlite import Sqlite

# What either store raises where a row contradicts one that it holds.
CONFLICTS = (sqlite3.IntegrityError, psycopg.IntegrityError)


class Dialect(Protocol):
    """How one database is opened, read and written; one writer at a time."""

    name: str

    def sql(self, statement: str) -> str:
        """Turn ``?`` into the driver's placeholder."""

    def writing(self) -> Any:
        """Context of a connection that holds the writer's lock, across processes."""

    def reading(self) -> Any:
        """Context of a connection inside one consistent, read-only snapshot."""

    def changing(self) -> Any:
        """Context of a connection with an open transaction that holds the writer's lock until it ends."""

    def ask_all(self, connection: Any, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
        """Run several queries and return the rows of each."""

    def ask_once(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
        """Run several queries over one snapshot of their own, in one go."""

    def table_sql(self, statement: str) -> str:
        """Write a statement that makes a table in the dialect's own words."""

    def keys_sql(self, statement: str) -> str:
        """Let ``IN (?)`` take a set of keys of any size as one value."""

    def keys_value(self, keys: Collection[Any]) -> Any:
        """Turn a set of keys into that one value."""

    def later(self, connection: Any, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement whose answer nobody reads, at the latest before the next one whose answer is read."""

    def settle(self, connection: Any) -> None:
        """Run what was left for later."""

    def end(self, connection: Any) -> None:
        """Run what was left for later and commit; an error leaves the transaction to be undone."""

    def ask(self, connection: Any, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run what was left for later, then a query; return its cursor."""

    def forget(self, connection: Any) -> None:
        """Drop what was left for later; its transaction is undone."""

    def stream(self, connection: Any, statement: str, values: Sequence[Any]) -> Generator[tuple[Any, ...], None, None]:
        """Yield rows without holding them all."""

    def insert_many(self, connection: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows in one go."""

    def execute_many(self, connection: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row."""

    def update_many(
        self,
        connection: Any,
        table: str,
        key: str,
        adds: Sequence[str],
        sets: Sequence[str],
        rows: Sequence[Sequence[int]],
    ) -> None:
        """Add to, and set, whole-number columns of many rows in one go."""

    def tidy(self) -> None:
        """Do what the database would else do inside somebody's commit."""

    def mark(self, connection: Any, name: str) -> None:
        """Begin what can be undone alone."""

    def keep(self, connection: Any, name: str) -> None:
        """End it; what was done within stays."""

    def undo(self, connection: Any, name: str) -> None:
        """End it; what was done within is taken back."""

    def close(self) -> None:
        """Let go of everything."""


def make_dialect(url: str) -> Dialect:
    """Choose by the URL: ``sqlite://`` (memory), ``sqlite:///path`` or ``postgresql://…``."""
    if url.startswith(("postgresql://", "postgres://")):
        return Postgres(url)
    if url.startswith("sqlite://"):
        return Sqlite(url.removeprefix("sqlite://").removeprefix("/") if url != "sqlite://" else "")
    raise PlaceError(
        Finding(
            "books.url",
            "books",
            url.split("@")[-1][:120],
            "sqlite:///PATH or postgresql://…",
            Text("账本网址应为 sqlite:///路径 或 postgresql://…", "the books' URL is sqlite:///PATH or postgresql://…"),
        )
    )
