"""Texts of any length: delimited ones and JSON lines, read in stretches that end where a record ends."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa

from yucun.base.errors import ContractError, Finding
from yucun.kernel.lake.bulk.model import Cursor
from yucun.kernel.lake.bulk.sources import Piece, join, shift
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.encoding import Decoded, decode
from yucun.kernel.lake.reading.heads import find_layout
from yucun.kernel.lake.reading.model import LONGEST_RAW, MOST_QUOTED_LINES, Body, Layout, Top
from yucun.kernel.lake.reading.read import find_text_layout, layout_notes, text_notes, width_of
from yucun.kernel.lake.reading.text_file import TextFile, unify_line_ends

STRETCH = 16 << 20
_TOP = 4 << 20


def is_lined(path: Path) -> bool:
    """True for a text whose lines can be told by their bytes: not UTF-16 or UTF-32, not an old Mac's."""
    with path.open("rb") as handle:
        head = handle.read(_TOP)
    is_wide = head[:2] in (b"\xff\xfe", b"\xfe\xff") or head.count(0) > len(head) // 5
    return not is_wide and (b"\n" in head or b"\r" not in head)


def as_lines(path: Path, folder: Path, name: str) -> Path:
    """Write a text whose lines cannot be told by their bytes as UTF-8 with line feeds, into the job's folder."""
    target = folder / "lines.txt"
    with path.open("rb") as handle:
        head = handle.read(_TOP)
    encoding = decode(head[: len(head) & ~3], name).encoding
    with (
        path.open(encoding=encoding, errors="replace", newline=None) as text,
        target.open("w", encoding="utf-8") as out,
    ):
        while content := text.read(_TOP):
            out.write(content)
    return target


def is_json_lines(path: Path) -> bool:
    """True when the first line that is not blank begins an object."""
    with path.open("rb") as handle:
        head = handle.read(1 << 16).lstrip(b"\xef\xbb\xbf").lstrip()
    return head.startswith((b"{", b"["))


def read_stretch(handle: BinaryIO, length: int) -> bytes:
    """Read about so many bytes up to where a line ends and no quotes are open."""
    content = handle.read(length)
    tail = handle.readline()
    parts = [content, tail]
    is_open = (content.count(b'"') + tail.count(b'"')) % 2
    for _ in range(MOST_QUOTED_LINES):
        if not is_open or not tail:
            break
        tail = handle.readline()
        parts.append(tail)
        is_open ^= tail.count(b'"') % 2
    return b"".join(parts)


def decode_stretch(content: bytes, encoding: str, name: str) -> tuple[Decoded, str]:
    """Decode a stretch; while all was ASCII the first other letter decides between UTF-8 and GB18030."""
    known = encoding or "utf-8"
    try:
        text = content.decode(known)
        clean = "\0" not in text
        settled = encoding or ("" if text.isascii() else known)
    except UnicodeDecodeError:
        if not encoding:
            found = decode(content, name)
            return replace(found, text=unify_line_ends(found.text)), found.encoding
        text, clean, settled = content.decode(known, "surrogateescape"), False, encoding
    return Decoded(unify_line_ends(text), known, clean), settled


@dataclass(slots=True)
class TextSource:
    """A delimited text."""

    path: Path
    name: str
    rows_at_once: int
    top: Top
    layout: Layout
    notes: list[Finding]
    delimiter: str
    width: int
    begin: Cursor
    total: int
    unit: str = "line"

    @classmethod
    def open(cls, path: Path, name: str, contract: Contract, given: dict[str, str], rows_at_once: int) -> TextSource:
        """Understand the head of a text.

        Raises
        ------
        ContractError
            If it is no text, or its head does not fit.
        """
        with path.open("rb") as handle:
            head = handle.read(_TOP)
            head += handle.readline()
        found = decode(head, name)
        decoded = replace(found, text=unify_line_ends(found.text))
        file, layout = find_text_layout(decoded, name, contract, given)
        top = file.top
        line = top.lines[layout.end - 1]
        last = next(r.last for r in file.head if r.line == line)
        offset = 0
        for _ in range(last):
            offset = head.find(b"\n", offset) + 1
            if not offset:
                offset = len(head)
                break
        encoding = "" if found.text.isascii() and found.is_clean else found.encoding
        notes = text_notes(found, top, layout, contract, given, name)
        return cls(
            path, name, rows_at_once, top, layout, notes, file.delimiter, width_of(top, layout),
            Cursor(0, offset, 0, last, encoding), path.stat().st_size,
        )  # fmt: skip

    def pieces(self, start: Cursor) -> Iterator[Piece]:
        """Read on from a cursor."""
        at = start if start.piece else self.begin
        with self.path.open("rb") as handle, ThreadPoolExecutor(2, "parse") as pool:
            handle.seek(at.offset)
            while at.offset < self.total:
                piece = self._read(handle, pool, at)
                yield piece
                at = piece.after

    def again(self, cursors: Collection[Cursor]) -> Iterator[Piece]:
        """Read only some pieces."""
        with self.path.open("rb") as handle, ThreadPoolExecutor(2, "parse") as pool:
            for at in sorted(cursors, key=lambda c: c.offset):
                handle.seek(at.offset)
                yield self._read(handle, pool, at)

    def _read(self, handle: BinaryIO, pool: ThreadPoolExecutor, at: Cursor) -> Piece:
        """Read stretches until there are rows enough; each is parsed as if it were a file, in its own thread."""
        encoding, offset, lines, rows, parsing = at.encoding, at.offset, at.lines, 0, []
        while rows < self.rows_at_once and (content := read_stretch(handle, min(STRETCH, self.rows_at_once * 64))):
            offset += len(content)
            decoded, encoding = decode_stretch(content, encoding, self.name)
            count = decoded.text.count("\n")
            parsing.append(pool.submit(self._parse, decoded, lines + 1))
            lines, rows = lines + count, rows + count
        records, bodies = at.records, []
        for body in (future.result() for future in parsing):
            bodies.append(shift(body, records))
            records += body.count
        return Piece(join(bodies, records - at.records), at, Cursor(at.piece + 1, offset, records, lines, encoding))

    def _parse(self, decoded: Decoded, first_line: int) -> Body:
        file = TextFile(replace(decoded, text=""), self.delimiter, self.name)
        return file.part(decoded.text, first_line, self.width)


# -- JSON lines ---------------------------------------------------------------------------------------------------

_HEAD_LINES = 1_000


@dataclass(slots=True)
class JsonSource:
    """One JSON object a line; the names of the first thousand are the columns."""

    path: Path
    name: str
    rows_at_once: int
    top: Top
    layout: Layout
    notes: list[Finding]
    names: tuple[str, ...]
    total: int
    unit: str = "line"

    @classmethod
    def open(cls, path: Path, name: str, contract: Contract, given: dict[str, str], rows_at_once: int) -> JsonSource:
        """Read the names of a file.

        Raises
        ------
        ContractError
            If no line is an object, or a name that the contract needs is not among them.
        """
        names: dict[str, None] = {}
        first: Finding | None = None
        with path.open("rb") as handle:
            for number, line in zip(range(1, _HEAD_LINES + 1), handle, strict=False):
                said = _read_line(line, number)
                if isinstance(said, dict):
                    names.update(dict.fromkeys(said))
                elif said is not None:
                    first = first or said
        if not names:
            raise ContractError(first or make_finding("lake.empty_file", name))
        top = Top((tuple(names),), (1,), "", False)
        attempt = find_layout(top, contract, given)
        if attempt.findings:
            raise ContractError([replace(f, where=f"{name} {f.where}") for f in attempt.findings])
        notes = layout_notes(top, attempt.layout, contract, given, name)
        return cls(path, name, rows_at_once, top, attempt.layout, notes, tuple(names), path.stat().st_size)

    def pieces(self, start: Cursor) -> Iterator[Piece]:
        """Read on from a cursor."""
        at = start
        with self.path.open("rb") as handle:
            handle.seek(at.offset)
            while at.offset < self.total:
                piece = self._read(handle, at)
                yield piece
                at = piece.after

    def again(self, cursors: Collection[Cursor]) -> Iterator[Piece]:
        """Read only some pieces."""
        with self.path.open("rb") as handle:
            for at in sorted(cursors, key=lambda c: c.offset):
                handle.seek(at.offset)
                yield self._read(handle, at)

    def _read(self, handle: BinaryIO, at: Cursor) -> Piece:
        ordinals: list[int] = []
        columns: list[list[str | None]] = [[] for _ in self.names]
        refused: list[tuple[int, int, str, Finding]] = []
        number, offset = at.records, at.offset
        for line in handle:
            number, offset = number + 1, offset + len(line)
            said = _read_line(line, number)
            if isinstance(said, dict):
                ordinals.append(number)
                for name, column in zip(self.names, columns, strict=True):
                    column.append(_to_text(said.get(name)))
            elif said is not None:
                raw = line.decode("utf-8", "replace")[:LONGEST_RAW].rstrip("\n")
                refused.append((number, number, raw, said))
            if number - at.records >= self.rows_at_once:
                break
        cells = pa.table({str(n): pa.array(column, pa.string()) for n, column in enumerate(columns)})
        numbers = pa.array(ordinals, pa.int64())
        body = Body(cells, numbers, numbers, refused=refused, count=number - at.records)
        return Piece(body, at, Cursor(at.piece + 1, offset, number, number))


_DECODER = msgspec.json.Decoder(float_hook=str)


def _read_line(line: bytes, number: int) -> dict[str, Any] | Finding | None:
    """An object, what is wrong with the line, or nothing for a blank one."""
    if not line.strip():
        return None
    try:
        said = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return make_finding("lake.json_line", f"line {number}", str(error), record=number)
    if isinstance(said, dict):
        return said
    return make_finding("lake.json_line", f"line {number}", type(said).__name__, record=number)


def _to_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)
