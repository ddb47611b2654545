"""Reading delimited text: regular files through Arrow, irregular lines one by one so that only they are lost."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from yucun.base.errors import ContractError, Finding
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.encoding import Decoded
from yucun.kernel.lake.reading.model import (
    HEAD_ROWS,
    LONGEST_LINE,
    LONGEST_RAW,
    MOST_COLUMNS,
    MOST_QUOTED_LINES,
    Body,
    Top,
)

DELIMITERS = (",", "\t", ";", "|")
_TOP_CHARACTERS = 4 * LONGEST_LINE


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a text file: its first and last line, its text, its cells or what is wrong with it."""

    line: int
    last: int
    raw: str
    cells: tuple[str, ...]
    finding: Finding | None = None


def unify_line_ends(text: str) -> str:
    """Make every line end a line feed; a file of old Macs has carriage returns only."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_records(lines: list[str], delimiter: str, encoding: str, first_line: int = 1) -> Iterator[Record]:
    """Split lines into records; a broken one is told and costs nothing but itself."""
    at = 0
    while at < len(lines):
        line, raw, last = first_line + at, lines[at], at
        finding = _broken_line(raw, line, encoding)
        if finding is None and '"' in raw:
            last, raw, finding = _close_quotes(lines, at, first_line, delimiter)
        at = last + 1
        cells: tuple[str, ...] = ()
        if finding is None and raw:
            cells = tuple(next(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter)))
        yield Record(line, first_line + last, raw, cells, finding)


def _broken_line(raw: str, line: int, encoding: str) -> Finding | None:
    where = f"line {line}"
    if len(raw) > LONGEST_LINE:
        return make_finding("lake.line_too_long", where, f"{len(raw):,}", f"{LONGEST_LINE:,}")
    if "\0" in raw:
        return make_finding("lake.nul_byte", where, raw.replace("\0", "␀"))
    lost = sum(0xDC80 <= ord(c) < 0xDD00 for c in raw) if not raw.isascii() else 0
    return make_finding("lake.bad_bytes", where, lost, encoding.upper()) if lost else None


def _close_quotes(lines: list[str], at: int, first_line: int, delimiter: str) -> tuple[int, str, Finding | None]:
    """Join lines until the quotes close; when they do not, the first line alone is the broken record."""
    raw, last = lines[at], at
    while _ends_in_quotes(raw, delimiter):
        last += 1
        if last >= len(lines) or last - at >= MOST_QUOTED_LINES or len(raw) + len(lines[last]) > LONGEST_LINE:
            return at, lines[at], make_finding("lake.quote_open", f"line {first_line + at}", lines[at])
        raw = f"{raw}\n{lines[last]}"
    return last, raw, None


def _ends_in_quotes(raw: str, delimiter: str) -> bool:
    """True when the last cell begins with a quotation mark that is not closed; one pass, whatever the text."""
    at = 0
    while 0 <= at < len(raw):
        if raw[at] == '"':
            at += 1
            while (at := raw.find('"', at)) >= 0 and raw.startswith('"', at + 1):
                at += 2
            if at < 0:
                return True
        at = raw.find(delimiter, at)
        at = at + 1 if at >= 0 else -1
    return False


@dataclass(slots=True)
class TextFile:
    """A decoded text file, split by one delimiter.

    Parameters
    ----------
    decoded : Decoded
        Its text, with line feeds only.
    delimiter : str
        One of `DELIMITERS`.
    name : str
        The file's name, for findings.
    """

    decoded: Decoded
    delimiter: str
    name: str
    head: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        lines = self.decoded.text[:_TOP_CHARACTERS].split("\n")
        if len(self.decoded.text) > _TOP_CHARACTERS and len(lines) > 1:
            lines.pop()
        records: list[Record] = []
        for record in split_records(lines, self.delimiter, self.decoded.encoding):
            records.append(record)
            if sum(any(r.cells) for r in records) >= HEAD_ROWS:
                break
        self.head = tuple(records)
        if records and not any(r.cells for r in records) and records[0].finding:
            raise ContractError(records[0].finding)

    @property
    def width(self) -> int:
        """How many cells its first record has."""
        return next((len(r.cells) for r in self.head if r.cells), 0)

    @property
    def top(self) -> Top:
        """Its first records; blank, broken and far too wide ones left out."""
        records = [r for r in self.head if any(c.strip() for c in r.cells) and len(r.cells) <= MOST_COLUMNS]
        rows = tuple(tuple(c.strip(" \t\u3000\xa0\ufeff") for c in r.cells) for r in records)
        return Top(rows, tuple(r.line for r in records), "", False)

    def body(self, line: int, width: int) -> Body:
        """Return the records below the head whose record begins on ``line``, in ``width`` columns."""
        last = next(r.last for r in self.head if r.line == line)
        text = self.decoded.text
        start = 0
        for _ in range(last):
            start = text.find("\n", start) + 1
            if start == 0:
                return self._slowly([], last + 1, width)
        return self.part(text[start:], last + 1, width)

    def part(self, text: str, first_line: int, width: int) -> Body:
        """Return the records of a stretch of text that begins on ``first_line``, counted from 1."""
        rest = text.removesuffix("\n")
        if not rest:
            return self._slowly([], first_line, width)
        if self.decoded.is_clean and width > 1:
            body = self._quickly(rest, first_line, width)
            if body is not None:
                return body
        return self._slowly(rest.split("\n"), first_line, width)

    def _quickly(self, text: str, first_line: int, width: int) -> Body | None:
        """Read a regular body with Arrow; None when a line is too long or a quote swallows its neighbours."""
        content = text.encode()
        if content.count(b'"') % 2:
            return None
        ends = np.flatnonzero(np.frombuffer(content, np.uint8) == 10)
        if np.max(np.diff(ends, prepend=-1, append=len(content))) > LONGEST_LINE:
            return None
        skipped: list[tuple[int, str, int]] = []

        def skip(row: pa.csv.InvalidRow) -> str:
            skipped.append((row.number, row.text, row.actual_columns))
            return "skip"

        names = [str(i) for i in range(width)]
        try:
            cells = pa.csv.read_csv(
                io.BytesIO(content),
                read_options=pa.csv.ReadOptions(column_names=names, use_threads=False),
                parse_options=pa.csv.ParseOptions(
                    delimiter=self.delimiter,
                    newlines_in_values=b'"' in content,
                    ignore_empty_lines=False,
                    invalid_row_handler=skip,
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:
            return None
        total = cells.num_rows + len(skipped)
        is_kept = np.ones(total, bool)
        is_kept[[number - 1 for number, _, _ in skipped]] = False
        breaks = np.zeros(total, np.int64)
        if b'"' in content:
            inside = sum(pc.count_substring(cells[n], "\n").to_numpy().astype(np.int64) for n in names)
            breaks[is_kept] = inside
            for number, raw, _ in skipped:
                breaks[number - 1] = raw.count("\n")
            if (total and breaks.max() >= MOST_QUOTED_LINES) or total + breaks.sum() != len(ends) + 1:
                return None
        lines = first_line + np.arange(total) + np.concatenate(([0], np.cumsum(breaks)[:-1]))
        body = Body(cells, pa.array(np.flatnonzero(is_kept) + 1), pa.array(lines[is_kept]), count=total)
        for number, raw, count in skipped:
            _place(body, int(number), int(lines[number - 1]), raw, self._cells(raw), count, width)
        return self._with_short(body, width)

    def _cells(self, raw: str) -> tuple[str, ...]:
        return tuple(next(csv.reader(io.StringIO(raw, newline=""), delimiter=self.delimiter), ()))

    def _slowly(self, lines: list[str], first_line: int, width: int) -> Body:
        """Read a body record by record."""
        ordinals: list[int] = []
        numbers: list[int] = []
        rows: list[tuple[str, ...]] = []
        body = Body(pa.table({}), pa.array([], pa.int64()), pa.array([], pa.int64()))
        for ordinal, record in enumerate(split_records(lines, self.delimiter, self.decoded.encoding, first_line), 1):
            body.count = ordinal
            if record.finding is not None:
                body.refused.append((ordinal, record.line, _printable(record.raw), record.finding))
            elif len(record.cells) == width:
                ordinals.append(ordinal)
                numbers.append(record.line)
                rows.append(record.cells)
            elif record.cells:
                _place(body, ordinal, record.line, record.raw, record.cells, len(record.cells), width)
        body.cells = pa.table({str(i): pa.array([row[i] for row in rows], pa.string()) for i in range(width)})
        body.ordinal, body.line = pa.array(ordinals, pa.int64()), pa.array(numbers, pa.int64())
        return self._with_short(body, width)

    def _with_short(self, body: Body, width: int) -> Body:
        """Put rows whose missing cells are certainly blank back among the others."""
        if not body.padded:
            return body
        names = [str(i) for i in range(width)]
        extra = pa.table({n: pa.array([row[i] for _, _, row in body.padded], pa.string()) for i, n in enumerate(names)})
        cells = pa.concat_tables([body.cells, extra]) if body.cells.num_columns else extra
        ordinal = pa.concat_arrays([*_chunks(body.ordinal), pa.array([o for o, _, _ in body.padded], pa.int64())])
        line = pa.concat_arrays([*_chunks(body.line), pa.array([n for _, n, _ in body.padded], pa.int64())])
        order = pc.sort_indices(ordinal)
        cells, ordinal, line = (column.take(order) for column in (cells, ordinal, line))
        return Body(cells, ordinal, line, body.problems, body.refused, count=body.count)


def _chunks(array: pa.Array) -> list[pa.Array]:
    return array.chunks if isinstance(array, pa.ChunkedArray) else [array]


def _printable(raw: str) -> str:
    return re.sub(r"[\ud800-\udfff]", "�", raw.replace("\0", "␀"))[:LONGEST_RAW]


def _place(body: Body, ordinal: int, line: int, raw: str, cells: tuple[str, ...], count: int, width: int) -> None:
    """Decide on a row of the wrong width: a note of one cell, blank surplus, or a ragged record."""
    filled = [c for c in cells if c.strip()]
    if not filled:
        return
    if len(filled) == 1 and cells[0].strip() and count < width:
        body.padded.append((ordinal, line, cells + ("",) * (width - len(cells))))
    elif count > width and not any(c.strip() for c in cells[width:]):
        body.padded.append((ordinal, line, cells[:width]))
    else:
        finding = make_finding("lake.ragged", f"line {line}", count, str(width), record=ordinal)
        body.refused.append((ordinal, line, _printable(raw), finding))
