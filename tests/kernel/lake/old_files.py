"""Old and open workbooks, written by hand as small as they can be: .xls (BIFF8 in a compound file) and .ods."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def make_xls(sheets: dict[str, Sequence[Sequence[object]]], merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """Make an .xls file of texts and numbers; ``merged`` is (first row, last row, first column, last column)."""
    bodies = [_sheet(rows, merged) for rows in sheets.values()]
    head = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6))
    head += _record(0x0042, struct.pack("<H", 1200)) + _record(0x0022, struct.pack("<H", 0))
    length = len(head) + sum(4 + 8 + 2 * len(name) for name in sheets) + 4
    for name, body in zip(sheets, bodies, strict=True):
        about = struct.pack("<IBBBB", length, 0, 0, len(name), 1) + name.encode("utf-16-le")
        head += _record(0x0085, about)
        length += len(body)
    return make_compound({"Workbook": head + _record(0x000A, b"") + b"".join(bodies)})


def _sheet(rows: Sequence[Sequence[object]], merged: Sequence[tuple[int, int, int, int]]) -> bytes:
    out = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    out += _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if isinstance(value, (int, float)):
                out += _record(0x0203, struct.pack("<HHHd", r, c, 0, value))
            elif value:
                text = str(value)
                out += _record(0x0204, struct.pack("<HHHHB", r, c, 0, len(text), 1) + text.encode("utf-16-le"))
    if merged:
        out += _record(0x00E5, struct.pack("<H", len(merged)) + b"".join(struct.pack("<HHHH", *m) for m in merged))
    return out + _record(0x000A, b"")


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def make_compound(streams: dict[str, bytes]) -> bytes:
    """Make a compound file with a few streams, each padded so that no small-stream table is needed."""
    sectors, fat, entries = [], [_FAT, _END], []
    for name, data in streams.items():
        data = data.ljust(4096, b"\0")
        count = -(-len(data) // 512)
        start = len(fat)
        fat += [*range(start + 1, start + count), _END]
        sectors.append(data.ljust(count * 512, b"\0"))
        entries.append(_entry(name, 2, start, len(data), _FREE))
    assert len(fat) <= 128, "one sector of the table is enough for a test"
    directory = _entry("Root Entry", 5, _END, 0, 1) + b"".join(entries)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0, 0) + struct.pack("<108I", *[_FREE] * 108)
    table = struct.pack("<128I", *fat, *[_FREE] * (128 - len(fat)))
    return head + table + directory.ljust(512, b"\0") + b"".join(sectors)


def _entry(name: str, kind: int, start: int, size: int, child: int) -> bytes:
    word = (name + "\0").encode("utf-16-le")
    return (
        word.ljust(64, b"\0") + struct.pack("<HBBIII", len(word), kind, 1, _FREE, _FREE, child)
        + bytes(16) + struct.pack("<IQQIQ", 0, 0, 0, start, size)
    )  # fmt: skip


def make_ods(rows: Sequence[Sequence[object]], title: str = "表1") -> bytes:
    """Make an .ods file; a cell may be a text, a number, ``("%", 0.058)``, ``("span", text, rows, columns)`` or None."""
    lines = "".join(f"<table:table-row>{''.join(_cell(value) for value in row)}</table:table-row>" for row in rows)
    names = "".join(
        f' xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text", "style")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names}><office:body><office:spreadsheet>'
        f"<table:table table:name={quoteattr(title)}>{lines}"
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return "<table:table-cell/>"
        case ("%", number):
            about = f'office:value-type="percentage" office:value="{number}"'
            return f"<table:table-cell {about}><text:p>{number:.1%}</text:p></table:table-cell>"
        case ("span", text, down, right):
            span = f'table:number-rows-spanned="{down}" table:number-columns-spanned="{right}"'
            return f'<table:table-cell {span} office:value-type="string"><text:p>{escape(str(text))}</text:p></table:table-cell>'
        case int() | float():
            return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
        case _:
            return (
                f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'
            )
