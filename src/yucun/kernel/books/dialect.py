"""The two dialects, SQLite and PostgreSQL: opening, the writer's lock, and placeholders.

Statements elsewhere are written once, with ``?`` for a value, in SQL that both read.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import psycopg_pool

from yucun.base.clock import stopwatch
from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Text
from yucun.kernel.books.waiting import Statement, Waiting

# What either store raises where a row contradicts one that it holds.
CONFLICTS = (sqlite3.IntegrityError, psycopg.IntegrityError)
# Any constant will do, so long as it is always the same one: the key of PostgreSQL's advisory lock.
_WRITER_LOCK = 7_936_330_500
# Below this many rows one INSERT is faster than the round trips of COPY.
_FEW_ROWS = 20
# Values bound in one statement of SQLite, which allows 999 everywhere.
_MOST_VALUES = 960
_ROWS_CHANGED = 100
# A connection that answered within so many seconds is not asked whether it lives.
_FRESH_S = 0.5
# Pages of SQLite's log that are copied into the database inside a commit, should nobody have tidied before.
_LONG_LOG = 10_000
# From so many on (8 MB) the log is begun anew, once all of it is in the database.
_SHORT_LOG = 2_000
# So many statements wait for the next answer at most, so that memory stays flat.
_MOST_WAITING = 200


class Connection(Protocol):
    """What a transaction needs of a driver."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Run one statement and return its cursor."""


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
        # What was asked ahead within one snapshot, by the number of its connection.
        self.known: dict[int, dict[tuple[str, tuple[Any, ...]], list[tuple[Any, ...]]]] = {}

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


class Postgres:
    """PostgreSQL through a small pool; the writer's lock is an advisory lock of the writing session."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._guard = threading.RLock()
        self._local = threading.local()
        self._writer: psycopg.Connection[Any] | None = None
        self._url = url
        self._streams = count()
        # What was asked ahead within one snapshot, by the number of its connection.
        self.known: dict[int, dict[tuple[str, tuple[Any, ...]], list[tuple[Any, ...]]]] = {}
        # What is left for later, by the number of the connection: the writer's statements, or a reader's BEGIN.
        self._waiting: dict[int, Waiting] = {}
        self._since = stopwatch()
        self._read_at: dict[int, float] = {}
        self._pool = psycopg_pool.ConnectionPool(
            url,
            min_size=1,
            max_size=16,
            open=False,
            kwargs={"autocommit": True},
            check=self._check,
        )
        try:
            self._pool.open(wait=True, timeout=15)
        except psycopg_pool.PoolTimeout as error:
            raise PlaceError(
                Finding(
                    "books.unreachable",
                    "books",
                    str(error)[:120],
                    "a PostgreSQL server",
                    Text(
                        "连不上 PostgreSQL；请检查网址和服务是否已启动",
                        "PostgreSQL does not answer; check the URL and that the server runs",
                    ),
                )
            ) from error

    def _check(self, connection: psycopg.Connection[Any]) -> None:
        """Ask a connection whether it lives, unless it answered just now: that would be a journey for each reading."""
        if self._since() - self._read_at.get(id(connection), -_FRESH_S) >= _FRESH_S:
            psycopg_pool.ConnectionPool.check_connection(connection)

    def sql(self, statement: str) -> str:
        """Turn ``?`` into ``%s``; a literal per cent sign is doubled."""
        return statement.replace("%", "%%").replace("?", "%s")

    def table_sql(self, statement: str) -> str:
        """PostgreSQL reads it as it stands."""
        return statement

    def keys_sql(self, statement: str) -> str:
        """Compare with an array."""
        return statement.replace("IN (?)", "= ANY (?)")

    def keys_value(self, keys: Collection[Any]) -> Any:
        """Bind the keys as an array."""
        return list(keys)

    def stream(self, connection: Any, statement: str, values: Sequence[Any]) -> Generator[tuple[Any, ...], None, None]:
        """Fetch through a cursor that the server holds, within the open transaction."""
        self.settle(connection)
        with connection.cursor(name=f"stream_{next(self._streams)}") as cursor:
            cursor.itersize = 5_000
            cursor.execute(statement, values)
            yield from cursor

    def later(self, connection: Any, statement: str, values: Sequence[Any] = ()) -> None:
        """Keep it until somebody reads: each answer waited for is a journey to the server and back."""
        waiting = self._waiting_of(connection)
        waiting.put(statement, values)
        if len(waiting) >= _MOST_WAITING:
            self.settle(connection)

    def _waiting_of(self, connection: Any) -> Waiting:
        return self._waiting.setdefault(id(connection), Waiting())

    def settle(self, connection: Any) -> None:
        """Send all that waits and wait for the answers once."""
        waiting = self._take_waiting(connection)
        if len(waiting) == 1:
            connection.execute(*waiting[0])
        elif waiting:
            with connection.pipeline(), connection.cursor() as cursor:
                for statement, values in waiting:
                    cursor.execute(statement, values)

    def _take_waiting(self, connection: Any) -> list[Statement]:
        waiting = self._waiting.get(id(connection))
        if waiting is None:
            return []
        sent = waiting.take()
        if not len(waiting):
            del self._waiting[id(connection)]
        return sent

    def mark(self, connection: Any, name: str) -> None:
        """Leave a savepoint."""
        self._waiting_of(connection).mark(name)

    def keep(self, connection: Any, name: str) -> None:
        """End it; what was done within stays."""
        self._waiting_of(connection).keep(name)

    def undo(self, connection: Any, name: str) -> None:
        """End it; what was done within is taken back."""
        self._waiting_of(connection).undo(name)

    def end(self, connection: Any) -> None:
        """Send what waits and the commit together: where a statement fails, the server passes over those after it."""
        self.later(connection, "COMMIT")
        self.settle(connection)

    def ask(self, connection: Any, statement: str, values: Sequence[Any] = ()) -> Any:
        """Send all that waits and the query together."""
        waiting = self._take_waiting(connection)
        if not waiting:
            return connection.execute(statement, values)
        with connection.pipeline():
            cursor = connection.cursor()
            for before in waiting:
                cursor.execute(*before)
            return connection.execute(statement, values)

    def ask_all(self, connection: Any, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
        """Send all that waits and all queries together."""
        with connection.pipeline():
            cursor = connection.cursor()
            for before in self._take_waiting(connection):
                cursor.execute(*before)
            cursors = [connection.execute(statement, values) for statement, values in asked]
        return [one.fetchall() for one in cursors]

    def forget(self, connection: Any) -> None:
        """Drop what waits."""
        self._waiting.pop(id(connection), None)

    def execute_many(self, connection: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Let a few wait with what else waits; many are sent at once."""
        if len(rows) < _FEW_ROWS:
            for row in rows:
                self.later(connection, statement, row)
            return
        self.settle(connection)
        connection.cursor().executemany(statement, rows)

    def insert_many(self, connection: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Send the rows with COPY; a few are faster with one statement, which reads them from JSON."""
        names = ", ".join(columns)
        if len(rows) < _FEW_ROWS:
            self._waiting_of(connection).insert(table, columns, rows)
            return
        self.settle(connection)
        with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def update_many(
        self,
        connection: Any,
        table: str,
        key: str,
        adds: Sequence[str],
        sets: Sequence[str],
        rows: Sequence[Sequence[int]],
    ) -> None:
        """Join the table with arrays."""
        change = [f"{name} = {table}.{name} + new.{name}" for name in adds] + [f"{n} = new.{n}" for n in sets]
        names = ", ".join((key, *adds, *sets))
        arrays = ", ".join(["%s::bigint[]"] * (1 + len(adds) + len(sets)))
        self.settle(connection)
        connection.execute(
            f"UPDATE {table} SET {', '.join(change)} FROM unnest({arrays}) AS new ({names}) WHERE {table}.{key} = new.{key}",
            [list(column) for column in zip(*rows, strict=True)],
        )

    @contextmanager
    def changing(self) -> Iterator[psycopg.Connection[Any]]:
        """Open a transaction and take the advisory lock with it, which ends with it: both are sent with what is asked first."""
        with self._guard:
            if self._writer is not None:
                self.later(self._writer, "BEGIN")
                yield self._writer
                return
            with self._as_writer() as connection:
                self.later(connection, "BEGIN")
                self.later(connection, "SELECT pg_advisory_xact_lock(%s)", (_WRITER_LOCK,))
                yield connection

    @contextmanager
    def writing(self) -> Iterator[psycopg.Connection[Any]]:
        """Hold the advisory lock on the very connection that writes, so that losing one loses both."""
        with self._guard:
            if self._writer is not None:
                yield self._writer
                return
            with self._as_writer() as connection:
                connection.execute("SELECT pg_advisory_lock(%s)", (_WRITER_LOCK,))
                try:
                    yield connection
                finally:
                    self.forget(connection)
                    if not connection.closed:
                        connection.execute("SELECT pg_advisory_unlock(%s)", (_WRITER_LOCK,))

    @contextmanager
    def _as_writer(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that everybody within finds as the writer's; what still waits for it at the end is dropped."""
        with self._pool.connection() as connection:
            self._writer = connection
            try:
                yield connection
            finally:
                self.forget(connection)
                self._writer = None

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """Read one snapshot; nested readings of a thread share it."""
        current = getattr(self._local, "connection", None)
        if current is not None:
            yield current
            return
        with self._pool.connection() as connection:
            # The snapshot is that of the first query, with which this is sent; who asks nothing takes none.
            self.later(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._local.connection = connection
            try:
                yield connection
            finally:
                self._local.connection = None
                if id(connection) in self._waiting:
                    self.forget(connection)
                else:
                    connection.execute("ROLLBACK")
                    self._read_at[id(connection)] = self._since()

    def tidy(self) -> None:
        """PostgreSQL has processes of its own for that."""

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


def make_dialect(url: str) -> Sqlite | Postgres:
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
