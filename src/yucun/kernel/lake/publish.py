"""The publisher: cuts a range of the journal into append-only lake tables, a file a range.

The manifest row and the watermark are one journal line, so that a range is published once or not yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from yucun.kernel.books import Line, ReadTransaction
from yucun.kernel.lake.contract import FILE_COLUMN, JOURNAL, RECORD_COLUMN
from yucun.kernel.lake.store import Lake, NewFile

CONTRACTS = Path(__file__).with_name("contracts.toml")
# Lines without a row for a table are looked at again; from so many on the watermark passes them.
_MOST_IDLE = 1000
# By table: up to where a lake's own process found nothing for it, so that no line is read again and again.
_IDLE: WeakKeyDictionary[Lake, dict[str, int]] = WeakKeyDictionary()
# So many lines are read, or made rows of, between two pauses.
_MOST_AT_ONCE = 64
RowsOf = Callable[[Line], Sequence[Mapping[str, Any]]]
Rest = Callable[[], object]


def _go_on() -> None:
    """Rest not at all."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A lake table that is cut from the journal: which kinds of line, and the rows of one line.

    ``look`` adds to the lines what only the books know, such as the names behind numbers; it is asked once a range.
    """

    table: str
    kinds: tuple[str, ...]
    rows: RowsOf | None = None
    look: Callable[[ReadTransaction, Sequence[Line]], RowsOf] | None = None

    def prepare(self, tx: ReadTransaction, lines: Sequence[Line]) -> RowsOf:
        """Return what gives the rows of each of these lines."""
        if self.look is not None:
            return self.look(tx, lines)
        assert self.rows is not None, self.table
        return self.rows


def _landing_rows(line: Line) -> list[dict[str, Any]]:
    said = line.payload
    names = ("table", "file", "name", "records", "landed", "refused", "repeated", "already", "corrected", "by")
    return [{"landing": line.key, "at": line.at, **{n: said[n] for n in names}, "is_correction": said["is_correction"]}]


LANDINGS = Publication("lake.landing", ("lake.landed",), _landing_rows)


def publish(lake: Lake, publications: Sequence[Publication] = (LANDINGS,), rest: Rest = _go_on) -> int:
    """Publish what the journal holds beyond each watermark; return how many ranges were cut.

    Files are written with no lock held, so that nobody who writes waits; then all ranges count in one commit, but for
    those that another cut meanwhile. Tables that stand at the same seq share one reading of the journal.

    Parameters
    ----------
    rest : callable
        Called every few milliseconds of work: one thread at a time runs Python, and a pause lets the engine have its turn.
    """
    with lake.making():
        cuts = _cut(lake, publications, rest)
        files = {cut: _write(lake, cut, rest) for cut in cuts if cut.rows}
        return _let_count(lake, cuts, files) if cuts else 0


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A range of the journal for one table: its rows, and where it begins and ends."""

    table: str
    after: int
    until: int
    rows: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.after + 1:012d}-{self.until:012d}"


def _cut(lake: Lake, publications: Sequence[Publication], rest: Rest) -> list[_Cut]:
    idle = _IDLE.setdefault(lake, {})
    cuts = []
    with lake.books.read() as tx:
        until = tx.last_seq()
        marks = {str(name): int(seq) for name, seq in tx.rows("SELECT name, seq FROM lake_watermark")}
        starts = {p.table: max(marks.get(p.table, 0), idle.get(p.table, 0)) for p in publications}
        kinds: dict[int, set[str]] = {}
        for one in publications:
            kinds.setdefault(starts[one.table], set()).update(one.kinds)
        for start, named in kinds.items():
            lines = list(_resting(tx.each_line(start, until, sorted(named)), rest))
            for one in (p for p in publications if starts[p.table] == start):
                mine = [line for line in lines if line.kind in one.kinds]
                rows_of = one.prepare(tx, mine)
                rows = [
                    {**row, FILE_COLUMN: f"{JOURNAL}{line.commit}", RECORD_COLUMN: line.seq}
                    for line in _resting(mine, rest)
                    for row in rows_of(line)
                ]
                if rows or len(mine) >= _MOST_IDLE:
                    cuts.append(_Cut(one.table, marks.get(one.table, 0), until, rows))
                else:
                    idle[one.table] = until
    return cuts


def _resting(lines: Iterable[Line], rest: Rest) -> Iterator[Line]:
    for number, line in enumerate(lines, 1):
        yield line
        if number % _MOST_AT_ONCE == 0:
            rest()


def _write(lake: Lake, cut: _Cut, rest: Rest) -> NewFile:
    rest()
    rows = _to_table(cut.rows, lake.schema(cut.table))
    return lake.write_file(cut.table, "all", rows, cut.name, name=cut.name)


def _let_count(lake: Lake, cuts: Sequence[_Cut], files: Mapping[_Cut, NewFile]) -> int:
    counted = 0
    with lake.books.write() as tx:
        for cut in cuts:
            if _watermark(tx, cut.table) != cut.after:
                continue
            added = [files[cut].to_json()] if cut in files else []
            payload = {"table": cut.table, "until": cut.until, "added": added, "removed": []}
            tx.record("lake.published", f"published:{cut.table}:{cut.name}", payload)
            counted += 1
    return counted


def _watermark(tx: ReadTransaction, table: str) -> int:
    found = tx.row("SELECT seq FROM lake_watermark WHERE name = ?", (table,))
    return int(found[0]) if found else 0


def _to_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if pa.types.is_timestamp(field.type):
            columns.append(pa.array(values, pa.string()).cast(pa.timestamp("us", "UTC")))
        elif pa.types.is_date(field.type):
            columns.append(pa.array(values, pa.string()).cast(pa.date32()))
        else:
            columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=schema)
