"""Sources: a file or table of any length as a row of pieces, each with its records' numbers and lines."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from yucun.base.errors import ContractError, Finding
from yucun.kernel.lake.bulk.model import Cursor
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.heads import find_layout
from yucun.kernel.lake.reading.model import Body, Layout, Top
from yucun.kernel.lake.reading.read import layout_notes

PARQUET_MARK = b"PAR1"


@dataclass(slots=True)
class Piece:
    """Records that follow one another.

    Parameters
    ----------
    body : Body
        Cells by column ``"0"``, ``"1"``, …, as text or in the source's own types; records counted from the file's begin.
    at, after : Cursor
        Where it begins, and where the next one does.
    """

    body: Body
    at: Cursor
    after: Cursor


class Source(Protocol):
    """What can be loaded."""

    path: Path
    top: Top
    layout: Layout
    notes: list[Finding]
    # How a record is named in a finding: "line" of a text, "record" of all else.
    unit: str
    total: int

    def pieces(self, start: Cursor) -> Iterator[Piece]:
        """Read on from a cursor."""

    def again(self, cursors: Collection[Cursor]) -> Iterator[Piece]:
        """Read only the pieces that begin at these cursors."""


def shift(body: Body, records: int) -> Body:
    """Count a body's records on from those before it."""
    if not records:
        return body
    body.ordinal = pc.add(body.ordinal, records)
    body.refused = [(n + records, line, raw, replace(f, record=n + records)) for n, line, raw, f in body.refused]
    return body


def join(bodies: list[Body], count: int) -> Body:
    """Put bodies one under another."""
    filled = [body for body in bodies if body.cells.num_columns]
    whole = Body(
        pa.concat_tables([body.cells for body in filled]) if filled else pa.table({}),
        pa.chunked_array([c for b in filled for c in _chunks(b.ordinal)], pa.int64()),
        pa.chunked_array([c for b in filled for c in _chunks(b.line)], pa.int64()),
        count=count,
    )
    whole.refused = [refused for body in bodies for refused in body.refused]
    return whole


def _chunks(array: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return array.chunks if isinstance(array, pa.ChunkedArray) else [array]


@dataclass(slots=True)
class ParquetSource:
    """A Parquet file; text that lies as a dictionary in it is checked once for each word of a row group."""

    path: Path
    rows_at_once: int
    top: Top
    layout: Layout
    notes: list[Finding]
    file: pq.ParquetFile
    unit: str = "record"
    total: int = 0
    spans: list[tuple[int, int, int]] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, name: str, contract: Contract, given: dict[str, str], rows_at_once: int) -> ParquetSource:
        """Open a file and understand its columns.

        Raises
        ------
        ContractError
            If it is damaged, empty, or lacks a column that the contract needs.
        """
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise ContractError(make_finding("lake.not_a_table", name, f"Parquet: {str(error)[:60]}")) from None
        names = file.schema_arrow.names
        if not names or not file.metadata.num_rows:
            raise ContractError(make_finding("lake.empty_file", name))
        top = Top((tuple(names),), (1,), "", False)
        attempt = find_layout(top, contract, given)
        if attempt.findings:
            raise ContractError([replace(f, where=f"{name} {f.where}") for f in attempt.findings])
        texts = [n for n in names if _is_dictionary(file, n)]
        file = pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False)
        notes = layout_notes(top, attempt.layout, contract, given, name)
        source = cls(path, rows_at_once, top, attempt.layout, notes, file, total=file.metadata.num_rows)
        source.spans = source._find_spans()
        return source

    def _find_spans(self) -> list[tuple[int, int, int]]:
        """Row groups that are read together: first, last, rows before."""
        spans: list[tuple[int, int, int]] = []
        first = rows = before = 0
        for group in range(self.file.metadata.num_row_groups):
            size = self.file.metadata.row_group(group).num_rows
            if rows and rows + size > self.rows_at_once:
                spans.append((first, group, before))
                first, before, rows = group, before + rows, 0
            rows += size
        return [*spans, (first, self.file.metadata.num_row_groups, before)]

    def pieces(self, start: Cursor) -> Iterator[Piece]:
        """Read on from a cursor."""
        for number, span in enumerate(self.spans):
            if number >= start.piece:
                yield self._read(number, span)

    def again(self, cursors: Collection[Cursor]) -> Iterator[Piece]:
        """Read only some pieces."""
        wanted = {cursor.piece for cursor in cursors}
        for number, span in enumerate(self.spans):
            if number in wanted:
                yield self._read(number, span)

    def _read(self, number: int, span: tuple[int, int, int]) -> Piece:
        first, last, before = span
        table = self.file.read_row_groups(list(range(first, last)))
        count = table.num_rows
        cells = table.rename_columns([str(n) for n in range(table.num_columns)])
        ordinal = pa.array(np.arange(before + 1, before + count + 1, dtype=np.int64))
        body = Body(cells, ordinal, ordinal, count=count)
        at = Cursor(number, before, before, before)
        return Piece(body, at, Cursor(number + 1, before + count, before + count, before + count))


def _is_dictionary(file: pq.ParquetFile, name: str) -> bool:
    kind = file.schema_arrow.field(name).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    about = file.metadata
    places = [n for n in range(about.num_columns) if about.row_group(0).column(n).path_in_schema == name]
    return bool(places) and all(
        "PLAIN" not in about.row_group(g).column(places[0]).encodings for g in range(about.num_row_groups)
    )


def ahead(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Read the next piece in a thread of its own while this one is worked on."""
    waiting: queue.Queue[Piece | BaseException | None] = queue.Queue(1)
    is_over = threading.Event()

    def put(one: Piece | BaseException | None) -> None:
        while not is_over.is_set():
            try:
                waiting.put(one, timeout=0.2)
            except queue.Full:
                continue
            return

    def read() -> None:
        try:
            for piece in pieces:
                put(piece)
                if is_over.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the pieces are used
            put(error)

    reader = threading.Thread(target=read, name="read ahead", daemon=True)
    reader.start()
    try:
        while (one := waiting.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        is_over.set()
        reader.join()
