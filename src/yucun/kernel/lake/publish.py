"""The publisher: cuts a range of the journal into append-only lake tables, a file a range.

The manifest row and the watermark are one journal line, so that a range is published once or not yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from yucun.kernel.books import Line, ReadTransaction
from yucun.kernel.lake.contract import FILE_COLUMN, JOURNAL, RECORD_COLUMN
from yucun.kernel.lake.store import Lake

CONTRACTS = Path(__file__).with_name("contracts.toml")
# Lines without a row for a table are looked at again; from so many on the watermark passes them.
_MOST_IDLE = 1000
# By table: up to where a lake's own process found nothing for it, so that no line is read again and again.
_IDLE: WeakKeyDictionary[Lake, dict[str, int]] = WeakKeyDictionary()
RowsOf = Callable[[Line], Sequence[Mapping[str, Any]]]


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


def publish(lake: Lake, publications: Sequence[Publication] = (LANDINGS,)) -> int:
    """Publish what the journal holds beyond each watermark; return how many ranges were cut."""
    with lake.making():
        return sum(_publish_one(lake, publication) for publication in publications)


def _publish_one(lake: Lake, publication: Publication) -> int:
    """Write a range's file with no lock held, so that nobody who writes waits; then let it count, unless another did."""
    idle = _IDLE.setdefault(lake, {})
    with lake.books.read() as tx:
        after = _watermark(tx, publication.table)
        until = tx.last_seq()
        lines = tx.lines(max(after, idle.get(publication.table, 0)), until, publication.kinds)
        rows_of = publication.prepare(tx, lines)
    rows = [
        {**row, FILE_COLUMN: f"{JOURNAL}{line.commit}", RECORD_COLUMN: line.seq}
        for line in lines
        for row in rows_of(line)
    ]
    if not rows and len(lines) < _MOST_IDLE:
        idle[publication.table] = until
        return 0
    name = f"{after + 1:012d}-{until:012d}"
    files = []
    if rows:
        files.append(
            lake.write_file(publication.table, "all", _to_table(rows, lake.schema(publication.table)), name, name=name)
        )
    with lake.books.write() as tx:
        if _watermark(tx, publication.table) != after:
            return 0
        payload = {
            "table": publication.table,
            "until": until,
            "added": [file.to_json() for file in files],
            "removed": [],
        }
        tx.record("lake.published", f"published:{publication.table}:{name}", payload)
    return 1


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
