"""What is left for later: statements whose answers nobody reads, sent together with the next question or the commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = tuple[str, Sequence[Any]]
_SAVEPOINT = "SAVEPOINT "
# So many rows go into one statement at most.
_MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class _Insert:
    """Rows that go into a table, until they are sent; those of later ones may join them."""

    table: str
    columns: tuple[str, ...]
    rows: list[Sequence[Any]]

    def write(self) -> Statement:
        """One text however many rows there are, so that driver and server know the statement already."""
        names = ", ".join(self.columns)
        said = json.dumps([dict(zip(self.columns, row, strict=True)) for row in self.rows], ensure_ascii=False)
        rows = f"json_populate_recordset(NULL::{self.table}, %s::json)"
        return f"INSERT INTO {self.table} ({names}) SELECT {names} FROM {rows}", (said,)


@dataclass(slots=True)
class Waiting:
    """Statements of one connection in the order in which they were left, for PostgreSQL.

    A savepoint is sent only with something written after it; one after which nothing was sent is let go of unsent, or
    drops what waits behind it. Rows that go into one table go in one statement, unless something between them names
    the table or is a savepoint.
    """

    _left: list[Statement | _Insert] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._left)

    def put(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Leave a statement."""
        self._left.append((statement, values))

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Leave rows for a table."""
        self._left.append(_Insert(table, tuple(columns), list(rows)))

    def mark(self, name: str) -> None:
        """Leave a savepoint."""
        self.put(f"{_SAVEPOINT}{name}")

    def keep(self, name: str) -> None:
        """End a savepoint: let go of it unsent, or leave its release."""
        here = self._find(name)
        if here is None:
            self.put(f"RELEASE {_SAVEPOINT}{name}")
        else:
            del self._left[here]

    def undo(self, name: str) -> None:
        """Go back to a savepoint: where it was never sent, what waits behind it is dropped and nothing else was done."""
        here = self._find(name)
        if here is None:
            self.put(f"ROLLBACK TO {_SAVEPOINT}{name}")
            self.put(f"RELEASE {_SAVEPOINT}{name}")
        else:
            del self._left[here:]

    def take(self) -> list[Statement]:
        """What is to be sent now; savepoints after which nothing was written yet are left."""
        size = len(self._left)
        while size and _is_savepoint(self._left[size - 1]):
            size -= 1
        sent = _join(self._left[:size])
        del self._left[:size]
        return [one.write() if isinstance(one, _Insert) else one for one in sent]

    def _find(self, name: str) -> int | None:
        """Where the newest savepoint of a name waits; None when it was sent."""
        for here in range(len(self._left) - 1, -1, -1):
            one = self._left[here]
            if not isinstance(one, _Insert) and one[0] == f"{_SAVEPOINT}{name}":
                return here
        return None


def _is_savepoint(one: Statement | _Insert) -> bool:
    return not isinstance(one, _Insert) and one[0].startswith(_SAVEPOINT)


def _join(left: Sequence[Statement | _Insert]) -> list[Statement | _Insert]:
    """Let rows of one table join those before them."""
    joined: list[Statement | _Insert] = []
    begun: dict[str, _Insert] = {}
    for one in left:
        if isinstance(one, _Insert):
            before = begun.get(one.table)
            if before is not None and before.columns == one.columns and len(before.rows) < _MOST_ROWS:
                before.rows.extend(one.rows)
                continue
            begun[one.table] = one
        elif _SAVEPOINT in one[0]:
            begun.clear()
        else:
            begun = {table: rows for table, rows in begun.items() if table not in one[0]}
        joined.append(one)
    return joined
