"""The slow way: rows that are not certainly good go through the very functions that read and check small files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.lake.bulk.sources import Source
from yucun.kernel.lake.checking import RegionBook, check_rows
from yucun.kernel.lake.contract import RECORD_COLUMN, Contract
from yucun.kernel.lake.reading.model import REFUSED_SCHEMA, Body
from yucun.kernel.lake.reading.rows import Rows, make_rows

BATCH = 100_000
# Rows that were refused for another reason but whose key is sound: a good row with the same key is refused with them.
GHOST_CONTENT = "_content"


@dataclass(slots=True)
class Slow:
    """What the slow way needs to know, and what it noted so far."""

    contract: Contract
    source: Source
    regions: RegionBook
    today: date
    given: dict[str, str]
    name: str
    engine: Any
    notes: dict[str, tuple[int, Finding]] = field(default_factory=dict)

    def read(self, body: Body) -> Rows:
        """Turn cells of any type into rows of words, and note what was set aside."""
        body.cells = pa.table({n: to_text(body.cells[n]) for n in body.cells.column_names})
        top = self.source.top
        rows = make_rows(body, top, self.source.layout, self.contract, self.given, self.name, may_be_empty=True)
        if self.source.unit != "line":
            rows.rows = _rename_places(rows.rows, ["_where"], self.source.unit)
        return rows

    def check(self, body: Body) -> Iterator[tuple[pa.Table, pa.Table, pa.Table, int]]:
        """Give good rows, refused records, ghosts and the number of records, batch by batch.

        Keys are not compared here: that is done over the whole load.
        """
        loose = replace(self.contract, key=())
        for part in _cut(body):
            rows = self.read(part)
            self._note(rows.notes)
            checked = check_rows(rows.rows, loose, self.regions, self.today, rows.columns, connection=self.engine)
            refused = pa.concat_tables([rows.refused, checked.refused.select(rows.refused.column_names)])
            records = pc.count_distinct(
                pa.chunked_array([*rows.rows[RECORD_COLUMN].chunks, *rows.refused[RECORD_COLUMN].chunks], pa.int64())
            ).as_py()
            yield checked.good, refused, self._ghosts(rows, checked.refused), records

    def _ghosts(self, rows: Rows, refused: pa.Table) -> pa.Table:
        """The sound keys among refused rows, with what the row says, so that equal ones can be told."""
        names = [self.contract.period_field, self.contract.partition, *self.contract.key]
        needed = tuple(f for f in self.contract.fields if f.name in names)
        schema = ghost_schema(self.contract)
        if not self.contract.key or not refused.num_rows:
            return schema.empty_table()
        ours = rows.rows.filter(pc.is_in(rows.rows[RECORD_COLUMN], value_set=refused[RECORD_COLUMN].combine_chunks()))
        ours = ours.set_column(ours.column_names.index("_findings"), "_findings", pa.nulls(ours.num_rows, pa.string()))
        keys = replace(self.contract, key=(), fields=needed)
        sound = check_rows(ours, keys, self.regions, self.today, rows.columns, connection=self.engine).good
        said = pc.binary_join_element_wise(*(pc.fill_null(ours[f.name], "") for f in self.contract.fields), "\x1f")
        content = dict(zip(ours[RECORD_COLUMN].to_pylist(), said.to_pylist(), strict=True))
        text = pa.array([content[n] for n in sound[RECORD_COLUMN].to_pylist()], pa.string())
        return sound.append_column(GHOST_CONTENT, text).select(schema.names).cast(schema)

    def _note(self, notes: list[Finding]) -> None:
        """Add up notes of the same kind; the first ones that were met stay as examples."""
        for note in notes:
            found = int(note.found) if note.found.isdigit() else 0
            before, kept = self.notes.get(note.kind, (0, note))
            self.notes[note.kind] = (before + found, kept)

    def keep_note(self, said: dict[str, Any]) -> None:
        """Take up a note that was kept before a stop."""
        self._note([Finding(**{**said, "message": Text(**said["message"])})])

    def list_notes(self) -> list[Finding]:
        """The notes of all batches, each kind once, its count added up."""
        return [_recount(note, count) for count, note in self.notes.values()]


def ghost_schema(contract: Contract) -> pa.Schema:
    """Key fields, the partition, record and content."""
    names = dict.fromkeys([*contract.key, *([contract.partition] if contract.partition else [])])
    keys = [contract.schema.field(n).with_nullable(True) for n in names]
    return pa.schema([*keys, (RECORD_COLUMN, pa.int64()), (GHOST_CONTENT, pa.string())])


def _recount(note: Finding, count: int) -> Finding:
    if not note.found.isdigit() or int(note.found) == count:
        return note
    words = type(note.message)(
        *(text.replace(note.found, str(count), 1) for text in (note.message.zh, note.message.en))
    )
    return replace(note, found=str(count), message=words)


def _cut(body: Body) -> Iterator[Body]:
    """Cut a body into batches; broken records go with the first."""
    rows = len(body.ordinal)
    for start in range(0, max(rows, 1), BATCH):
        cells = body.cells.slice(start, BATCH)
        yield Body(
            cells,
            body.ordinal.slice(start, BATCH),
            body.line.slice(start, BATCH),
            refused=body.refused if not start else [],
        )


def take(body: Body, records: np.ndarray[Any, Any]) -> Body:
    """Return the rows of a body that have these record numbers; broken records are left out."""
    ordinal = body.ordinal.to_numpy()
    at = pa.array(np.searchsorted(ordinal, records))
    return Body(body.cells.take(at), body.ordinal.take(at), body.line.take(at))


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write values of any type as an office would: digits, ISO days, true and false."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        return pa.chunked_array([[_plain_number(v) for v in chunk.to_pylist()] for chunk in column.chunks], pa.string())
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        said = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist()]
        return pa.chunked_array([said], pa.string())


def _plain_number(value: float | None) -> str | None:
    if value is None:
        return None
    text = repr(value)
    return f"{value:f}" if "e" in text else text.removesuffix(".0")


def _rename_places(table: pa.Table, names: list[str], unit: str) -> pa.Table:
    for name in names:
        at = table.column_names.index(name)
        table = table.set_column(at, name, pc.replace_substring(table[name], "line ", f"{unit} ", max_replacements=1))
    return table


def no_refusals() -> pa.Table:
    """An empty table of refused records."""
    return REFUSED_SCHEMA.empty_table()
