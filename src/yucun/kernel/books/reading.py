"""Reading books: one consistent snapshot, its lines and rows, and what its state hashes to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from yucun.kernel.books.dialect import Dialect
from yucun.kernel.books.model import Line, canonical, digest

COLUMNS = "seq, commit_no, at, kind, key, payload, messages, attachments, lake_seq, pack, service"
Rows = list[tuple[Any, ...]]
Question = tuple[str, tuple[Any, ...]]
# What was asked ahead within one snapshot, by the number of its connection.
Known = dict[int, dict[Question, Rows]]


class ReadTransaction:
    """One consistent snapshot; values are bound with ``?``."""

    def __init__(self, connection: Any, dialect: Dialect, known: Known) -> None:
        self._connection = connection
        self._dialect = dialect
        self._known = known

    @contextmanager
    def ahead(self, questions: Collection[Question]) -> Iterator[None]:
        """Ask many questions in one go; within, whoever asks one of them in this snapshot has its rows already."""
        wanted = list(dict.fromkeys(questions))
        asked = [(self._dialect.sql(sql), values) for sql, values in wanted]
        found = self._dialect.ask_all(self._connection, asked) if wanted else []
        self._known[id(self._connection)] = dict(zip(wanted, found, strict=True))
        try:
            yield
        finally:
            del self._known[id(self._connection)]

    def _find_known(self, sql: str, values: Sequence[Any]) -> Rows | None:
        known = self._known.get(id(self._connection))
        return known.get((sql, tuple(values))) if known else None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return list(self._dialect.ask(self._connection, self._dialect.sql(sql), tuple(values)).fetchall())

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        known = self._find_known(sql, values)
        if known is not None:
            return known[0] if known else None
        return next(iter(self._dialect.ask(self._connection, self._dialect.sql(sql), tuple(values)).fetchmany(1)), None)

    def rows_in(self, sql: str, keys: Collection[Any], values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query whose last condition is ``… IN (?)``, for a set of keys of any size.

        The keys are bound as one value; ``values`` are those that come before them.
        """
        return self.rows(*self._of_keys(sql, keys, values)) if keys else []

    def _of_keys(self, sql: str, keys: Collection[Any], values: Sequence[Any] = ()) -> tuple[str, Sequence[Any]]:
        return self._dialect.keys_sql(sql), (*values, self._dialect.keys_value(keys))

    def each_row(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query one by one; memory stays flat however many there are."""
        with closing(self._dialect.stream(self._connection, self._dialect.sql(sql), tuple(values))) as rows:
            yield from rows

    def last_seq(self) -> int:
        """The newest line's seq; 0 before the first."""
        found = self.row("SELECT max(seq) FROM journal")
        return int(found[0]) if found and found[0] is not None else 0

    def find_line(self, key: str) -> Line | None:
        """Return the line with that key, if it was recorded."""
        found = self.row(f"SELECT {COLUMNS} FROM journal WHERE key = ?", (key,))
        return Line.from_row(found) if found else None

    def lines(self, after: int = 0, until: int | None = None, kinds: Sequence[str] = ()) -> list[Line]:
        """Return lines with ``after < seq <= until`` in order, of the kinds named or of all."""
        return list(self.each_line(after, until, kinds))

    def each_line(self, after: int = 0, until: int | None = None, kinds: Sequence[str] = ()) -> Iterator[Line]:
        """Yield the same lines one by one, for a journal that does not fit in memory."""
        where, values = ["seq > ?"], [after]
        if until is not None:
            where.append("seq <= ?")
            values.append(until)
        if kinds:
            where.append(f"kind IN ({', '.join('?' * len(kinds))})")
        sql = f"SELECT {COLUMNS} FROM journal WHERE {' AND '.join(where)} ORDER BY seq"
        for row in self.each_row(sql, (*values, *kinds)):
            yield Line.from_row(row)

    def seq_at(self, instant: datetime) -> int:
        """The last seq not after an instant: what an "as of" in time comes down to."""
        found = self.row("SELECT max(seq) FROM journal WHERE at <= ?", (stamp(instant),))
        return int(found[0]) if found and found[0] is not None else 0

    def state_hash(self, projections: Sequence[str]) -> str:
        """Hash of the projections as sets of rows: the same on both dialects and in any order of writing."""
        sums = {}
        for table in sorted(projections):
            count, total = 0, 0
            for row in self.each_row(f"SELECT * FROM {table}"):
                count, total = count + 1, (total + int(digest(canonical(list(row))), 16)) % (1 << 256)
            sums[table] = [count, f"{total:064x}"]
        return digest(canonical(sums))


def stamp(instant: datetime) -> str:
    """An instant as lines carry it, so that texts sort as instants do."""
    return instant.isoformat(timespec="milliseconds")
