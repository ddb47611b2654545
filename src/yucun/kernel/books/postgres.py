"""The dialect of PostgreSQL: a small pool, an advisory lock for the writer, and as few journeys to the server as can be."""

from __future__ import annotations

import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
import psycopg_pool

from yucun.base.clock import stopwatch
from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Text
from yucun.kernel.books.waiting import Statement, Waiting

# Any constant will do, so long as it is always the same one: the key of PostgreSQL's advisory lock.
_WRITER_LOCK = 7_936_330_500
# One consistent state for all that is asked within.
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Below this many rows one INSERT is faster than the round trips of COPY.
_FEW_ROWS = 20
# A connection that answered within so many seconds is not asked whether it lives.
_FRESH_S = 0.5
# So many statements wait for the next answer at most, so that memory stays flat.
_MOST_WAITING = 200


class Postgres:
    """PostgreSQL through a small pool; the writer's lock is an advisory lock of the writing session."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._guard = threading.RLock()
        self._local = threading.local()
        self._writer: psycopg.Connection[Any] | None = None
        self._url = url
        self._streams = count()
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

    def ask_once(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
        """Send the beginning of a snapshot, all queries and its end together."""
        with self._pool.connection() as connection:
            with connection.pipeline():
                connection.execute(_SNAPSHOT)
                cursors = [connection.execute(statement, values) for statement, values in asked]
                connection.execute("COMMIT")
            self._read_at[id(connection)] = self._since()
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
            self.later(connection, _SNAPSHOT)
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
