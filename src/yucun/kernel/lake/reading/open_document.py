"""Reading .ods sheets from their XML: text, percent, dates, merged and hidden cells."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, iterparse

from yucun.base.errors import ContractError
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.model import MOST_COLUMNS, Grid, Span
from yucun.kernel.lake.reading.workbook import check_size, write_number

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_HIDDEN = ("collapse", "filter")
_MOST_REPEATS = 100_000


def read_ods(content: bytes, name: str) -> tuple[list[Grid], list[str]]:
    """Read the visible sheets of an .ods file; `hidden` names the others."""
    grids: list[Grid] = []
    hidden: list[str] = []
    hidden_styles: set[str] = set()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("content.xml") as stream:
            for _, element in iterparse(stream):
                if element.tag == f"{_STYLE}style":
                    about = element.find(f"{_STYLE}table-properties")
                    if about is not None and about.get(f"{_TABLE}display") == "false":
                        hidden_styles.add(element.get(f"{_STYLE}name", ""))
                elif element.tag == f"{_TABLE}table":
                    title = element.get(f"{_TABLE}name", "")
                    if element.get(f"{_TABLE}style-name") in hidden_styles:
                        hidden.append(title)
                    else:
                        grids.append(_grid(element, title, name))
                    element.clear()
    except (zipfile.BadZipFile, KeyError, ParseError, ValueError) as error:
        raise ContractError(make_finding("lake.workbook_broken", name, error)) from None
    return grids, hidden


def _grid(table: Element, title: str, name: str) -> Grid:
    rows: list[list[str]] = []
    merged: list[Span] = []
    hidden_rows: set[int] = set()
    blank = 0
    for row in _rows(table):
        cells, spans = _cells(row)
        repeats = int(row.get(f"{_TABLE}number-rows-repeated", "1"))
        if not any(cells):
            blank += repeats
            continue
        rows += [[] for _ in range(min(blank, _MOST_REPEATS))]
        blank = 0
        check_size(len(rows) + repeats, len(cells), name)
        at = len(rows)
        merged += [Span(at, left, at + down - 1, left + right - 1) for left, down, right in spans]
        if row.get(f"{_TABLE}visibility") in _HIDDEN:
            hidden_rows.update(range(at, at + repeats))
        rows += [list(cells) for _ in range(repeats)]
    width = max(map(len, rows), default=0)
    check_size(len(rows), width, name)
    filled = [row + [""] * (width - len(row)) for row in rows]
    hidden_columns = frozenset(i for i in _hidden_columns(table) if i < width)
    return Grid(title, filled, tuple(merged), frozenset(hidden_rows), hidden_columns)


def _rows(table: Element) -> Iterator[Element]:
    for part in table:
        if part.tag == f"{_TABLE}table-row":
            yield part
        elif part.tag in (f"{_TABLE}table-header-rows", f"{_TABLE}table-rows", f"{_TABLE}table-row-group"):
            yield from _rows(part)


def _hidden_columns(table: Element) -> Iterator[int]:
    at = 0
    for column in table.iter(f"{_TABLE}table-column"):
        repeats = int(column.get(f"{_TABLE}number-columns-repeated", "1"))
        if column.get(f"{_TABLE}visibility") in _HIDDEN:
            yield from range(at, min(at + repeats, MOST_COLUMNS))
        at += repeats


def _cells(row: Element) -> tuple[list[str], list[tuple[int, int, int]]]:
    """The texts of a row without blanks at its end, and (column, rows, columns) of cells that span."""
    cells: list[str] = []
    spans: list[tuple[int, int, int]] = []
    blank = 0
    for cell in row:
        repeats = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        text = _write(cell) if cell.tag == f"{_TABLE}table-cell" else ""
        down, right = (
            int(cell.get(f"{_TABLE}number-rows-spanned", "1")),
            int(cell.get(f"{_TABLE}number-columns-spanned", "1")),
        )
        if down * right > 1:
            spans.append((len(cells) + blank, down, right))
        if not text:
            blank += repeats
            continue
        cells += [""] * min(blank, MOST_COLUMNS + 1) + [text] * min(repeats, MOST_COLUMNS + 1)
        blank = 0
    return cells, spans


def _write(cell: Element) -> str:
    shown = "\n".join("".join(p.itertext()) for p in cell.iter(f"{_TEXT}p")).strip(" \t\r\n\u3000\xa0")
    match cell.get(f"{_OFFICE}value-type"):
        case "percentage":
            return f"{write_number(float(cell.get(f'{_OFFICE}value', '0')) * 100)}%"
        case "float" | "currency":
            return shown if shown.startswith("#") else write_number(float(cell.get(f"{_OFFICE}value", "0")))
        case "date":
            return _write_day(cell.get(f"{_OFFICE}date-value", ""), shown)
        case "boolean":
            return cell.get(f"{_OFFICE}boolean-value", "").upper()
        case _:
            formula = cell.get(f"{_TABLE}formula", "")
            return shown or (f"={formula.split('=', 1)[-1]}" if formula else "")


def _write_day(value: str, shown: str) -> str:
    """The day as stored; only its month when no day is shown."""
    day = value.replace("T00:00:00", "").replace("T", " ")
    return day[:7] if shown.endswith("月") else day[:4] if shown.endswith("年") else day
