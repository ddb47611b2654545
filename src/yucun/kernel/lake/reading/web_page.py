"""Reading the tables of a web page: many systems export one and call it .xls."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from yucun.base.errors import ContractError
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.model import MOST_COLUMNS, Grid, Span
from yucun.kernel.lake.reading.workbook import check_size

_LOOKS = re.compile(
    rb"^\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|table|meta|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_MOST_SPAN = 10_000


def is_web_page(content: bytes) -> bool:
    """True when a file begins as HTML does, whatever it is called."""
    return bool(_LOOKS.match(content[:4096]))


def read_web_page(content: bytes, name: str) -> tuple[list[Grid], list[str]]:
    """Read the tables of a web page as sheets ``table 1``, ``table 2`` …

    Raises
    ------
    ContractError
        If the page holds no table with at least two rows.
    """
    said = _CHARSET.search(content[:4096])
    charset = said[1].decode().lower() if said else "utf-8"
    charset = "gb18030" if charset.startswith("gb") else "utf-8"
    text = content.decode(charset, "replace")
    parser = _Tables()
    parser.feed(text)
    parser.close()
    grids = [_grid(rows, f"table {n}", name) for n, rows in enumerate(parser.tables, 1) if len(rows) > 1]
    if not grids:
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        raise ContractError(make_finding("lake.html_page", name, title[1].strip() if title else text.strip()[:60]))
    return grids, []


class _Tables(HTMLParser):
    """Collects the cells of each innermost table as (text, rows, columns)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[tuple[str, int, int]]]] = []
        self._open: list[list[list[tuple[str, int, int]]]] = []
        self._cell: list[str] | None = None
        self._span = (1, 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, row or cell."""
        if tag == "table":
            self._end_cell()
            self._open.append([])
        elif tag == "tr" and self._open:
            self._end_cell()
            self._open[-1].append([])
        elif tag in ("td", "th") and self._open:
            self._end_cell()
            if not self._open[-1]:
                self._open[-1].append([])
            said = {key: int(value) for key, value in attrs if value and value.isdigit()}
            self._span = (min(said.get("rowspan", 1), _MOST_SPAN) or 1, min(said.get("colspan", 1), MOST_COLUMNS) or 1)
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Close a table, row or cell."""
        if tag in ("td", "th", "tr"):
            self._end_cell()
        elif tag == "table" and self._open:
            self._end_cell()
            self.tables.append([row for row in self._open.pop() if row])

    def handle_data(self, data: str) -> None:
        """Collect a cell's text."""
        if self._cell is not None:
            self._cell.append(data)

    def close(self) -> None:
        """Finish, also a page that was cut off."""
        super().close()
        while self._open:
            self.handle_endtag("table")

    def _end_cell(self) -> None:
        if self._cell is not None and self._open and self._open[-1]:
            text = re.sub(r"[ \t\r\xa0\u3000]+", " ", "".join(self._cell)).strip()
            self._open[-1][-1].append((text, *self._span))
        self._cell = None


def _grid(table: list[list[tuple[str, int, int]]], title: str, name: str) -> Grid:
    cells: dict[tuple[int, int], str] = {}
    taken: set[tuple[int, int]] = set()
    merged: list[Span] = []
    for at, row in enumerate(table):
        column = 0
        for text, down, right in row:
            while (at, column) in taken:
                column += 1
            bottom = min(at + down, len(table)) - 1
            check_size(len(table), column + right, name)
            taken.update((r, c) for r in range(at, bottom + 1) for c in range(column, column + right))
            cells[at, column] = text
            if bottom > at or right > 1:
                merged.append(Span(at, column, bottom, column + right - 1))
            column += right
    width = max(column for _, column in taken) + 1
    return Grid(title, [[cells.get((r, c), "") for c in range(width)] for r in range(len(table))], tuple(merged))
