"""The dialect of SQLite: WAL, every commit on disk, and a file lock beside the database for the writer."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

# Values bound in one statement of SQLite, which allows 999 everywhere.
_MOST_VALUES = 960
_ROWS_CHANGED = 100
# Pages of SQLite's log that are copied into the database inside a commit, should nobody have tidied before.
_LONG_LOG = 10_000
# From so many on (8 MB) the log is begun anew, once all of it is in the database.
_SHORT_LOG = 2_000


class Sqlite:
    """SQLite in WAL mode, synchronous=FULL; the writer's lock is a file lock beside the database."""

    name = "sqlite"

    def __init__(self, path: str) -> None:
        self._path = path
        self._memory = not path
        self._guard = threading.RLock()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock_file: int | None = None
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._lock_file = os.open(f"{path}.writer", os.O_RDWR | os.O_CREAT, 0o600)
        self._writer = self._connect()
        self._depth = 0

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:", isolation_level=None, check_same_thread=False, timeout=60
        )
        if not self._memory:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # Every commit is on disk in the log; a process that serves copies it into the database beside, see `tidy`.
            connection.execute(f"PRAGMA wal_autocheckpoint={_LONG_LOG}")
            connection.execute("PRAGMA cache_size=-32000")
        connection.execute("PRAGMA foreign_keys=ON")
        self._opened.append(connection)
        return connection

    def sql(self, statement: str) -> str:
        """SQLite reads ``?`` itself."""
        return statement

    def table_sql(self, statement: str) -> str:
        """A whole-number key is the row's own number only under SQLite's word for it; both hold 64 bits."""
        return statement.replace("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY")

    def keys_sql(self, statement: str) -> str:
        """Unfold the keys from one JSON value."""
        return statement.replace("IN (?)", "IN (SELECT value FROM json_each(?))")

    def keys_value(self, keys: Collection[Any]) -> Any:
        """Write the keys as JSON, in order, so that pages are met one after the other."""
        return json.dumps(sorted(keys), ensure_ascii=False)

    def later(self, connection: Any, statement: str, values: Sequence[Any] = ()) -> None:
        """SQLite is no journey away: nothing waits."""
        connection.execute(statement, values)

    def settle(self, connection: Any) -> None:
        """Nothing waits."""

    def mark(self, connection: Any, name: str) -> None:
        """Set a savepoint."""
        connection.execute(f"SAVEPOINT {name}")

    def keep(self, connection: Any, name: str) -> None:
        """Release the savepoint."""
        connection.execute(f"RELEASE SAVEPOINT {name}")

    def undo(self, connection: Any, name: str) -> None:
        """Go back to the savepoint and release it."""
        connection.execute(f"ROLLBACK TO SAVEPOINT {name}")
        connection.execute(f"RELEASE SAVEPOINT {name}")

    def end(self, connection: Any) -> None:
        """Commit."""
        connection.execute("COMMIT")

    def ask(self, connection: Any, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run the query."""
        return connection.execute(statement, values)

    def ask_all(self, connection: Any, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
        """Run one after the other."""
        return [connection.execute(statement, values).fetchall() for statement, values in asked]

    def ask_once(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
        """Run one after the other in one snapshot."""
        with self.reading() as connection:
            return self.ask_all(connection, asked)

    def forget(self, connection: Any) -> None:
        """Nothing waits."""

    def stream(self, connection: Any, statement: str, values: Sequence[Any]) -> Generator[tuple[Any, ...], None, None]:
        """SQLite steps through a query anyway."""
        yield from connection.execute(statement, values)

    def execute_many(self, connection: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run it for each row in one call."""
        connection.cursor().executemany(statement, rows)

    def insert_many(self, connection: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows a statement, which takes half the time of one by one; what is left over, one by one."""
        names, places = ", ".join(columns), f"({', '.join('?' * len(columns))})"
        size = max(1, _MOST_VALUES // len(columns))
        whole = len(rows) - len(rows) % size
        if whole:
            statement = f"INSERT INTO {table} ({names}) VALUES {', '.join([places] * size)}"
            for first in range(0, whole, size):
                connection.execute(statement, list(chain.from_iterable(rows[first : first + size])))
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES {places}", rows[whole:])

    def update_many(
        self,
        connection: Any,
        table: str,
        key: str,
        adds: Sequence[str],
        sets: Sequence[str],
        rows: Sequence[Sequence[int]],
    ) -> None:
        """Join the table with a list of values, many rows a statement; what is left over, one by one."""
        whole = len(rows) - len(rows) % _ROWS_CHANGED
        if whole:
            change = [f"{name} = {name} + new.column{n}" for n, name in enumerate(adds, 2)]
            change += [f"{name} = new.column{n}" for n, name in enumerate(sets, 2 + len(adds))]
            values = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * _ROWS_CHANGED)
            statement = (
                f"UPDATE {table} SET {', '.join(change)} FROM (VALUES {values}) AS new WHERE {key} = new.column1"
            )
            for first in range(0, whole, _ROWS_CHANGED):
                connection.execute(statement, list(chain.from_iterable(rows[first : first + _ROWS_CHANGED])))
        change = [f"{name} = {name} + ?{n}" for n, name in enumerate(adds, 2)]
        change += [f"{name} = ?{n}" for n, name in enumerate(sets, 2 + len(adds))]
        connection.executemany(f"UPDATE {table} SET {', '.join(change)} WHERE {key} = ?1", rows[whole:])

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Take SQLite's own write lock at once."""
        with self.writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the writer's lock in this process and, through the file, across processes."""
        with self._guard:
            if self._lock_file is not None and self._depth == 0:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            self._depth += 1
            try:
                yield self._writer
            finally:
                self._depth -= 1
                if self._lock_file is not None and self._depth == 0:
                    fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one snapshot on this thread's own connection; a database in memory has but one."""
        if self._memory:
            with self._guard:
                yield self._writer
            return
        connection = self._find_own()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def tidy(self) -> None:
        """Copy the log into the database while others write; what came meanwhile is little and copied under the lock.

        Only a log of which nothing is left to copy is begun anew by the next commit; else it would grow for as long as
        somebody writes.
        """
        if self._memory:
            return
        connection = self._find_own()
        if connection.in_transaction:
            return
        _, _, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if copied >= _SHORT_LOG:
            with self.writing():
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _find_own(self) -> sqlite3.Connection:
        """This thread's own connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._connect()
        return found

    def close(self) -> None:
        """Close every connection and the lock file."""
        for connection in self._opened:
            connection.close()
        if self._lock_file is not None:
            os.close(self._lock_file)
