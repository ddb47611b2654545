"""Reading workbooks: .xlsx with everything a spreadsheet knows, and old .xls as far as it can be told."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import Any

import openpyxl
import python_calamine as calamine
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from yucun.base.errors import ContractError
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.model import LARGEST_UNPACKED, MOST_CELLS, MOST_COLUMNS, Grid, Span

_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_DAYS_BETWEEN_CALENDARS = 1462
_SERIALS = range(20_000, 80_000)  # 1954 to 2119, as spreadsheets count days


def check_zip(content: bytes, name: str) -> list[str]:
    """Return the names inside a zip file, or refuse one that unpacks beyond all measure.

    Raises
    ------
    ContractError
        If it cannot be opened, or unpacks to more than `LARGEST_UNPACKED` bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ContractError(make_finding("lake.workbook_broken", name, error)) from None
    if size > LARGEST_UNPACKED:
        limit = f"{LARGEST_UNPACKED >> 20:,} MiB"
        raise ContractError(make_finding("lake.unpacks_too_large", name, f"{size >> 20:,} MiB", limit))
    return names


def write_number(value: float) -> str:
    """Write a number with the fifteen digits that a spreadsheet holds, never with an exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    word = f"{value:.15g}"
    if "e" in word:
        word = f"{value:.0f}" if abs(value) >= 1 else f"{value:.20f}".rstrip("0")
    return word


def write_cell(value: object, number_format: str = "") -> str:
    """Write a cell as text, as its format shows it where that changes what is meant.

    Examples
    --------
    >>> write_cell(0.058, "0.0%"), write_cell(330502.0), write_cell(dt.datetime(2022, 3, 1), 'yyyy"年"m"月"')
    ('5.8%', '330502', '2022-03')
    """
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            if "%" in _LITERAL.sub("", number_format):
                return f"{write_number(value * 100)}%"
            return write_number(value) if isinstance(value, float) else str(value)
        case dt.datetime():
            return _write_moment(value, number_format)
        case _:
            return str(value)


def _write_moment(value: dt.datetime, number_format: str) -> str:
    shown = _LITERAL.sub("", number_format).lower()
    if shown and "d" not in shown and "h" not in shown and "y" in shown:
        return f"{value:%Y-%m}" if "m" in shown else f"{value:%Y}"
    if value.time() == dt.time(0):
        return value.date().isoformat()
    return value.isoformat(sep=" ", timespec="seconds" if not value.microsecond else "microseconds")


def read_xlsx(content: bytes, name: str) -> tuple[list[Grid], list[str]]:
    """Read the visible sheets of an .xlsx file.

    Returns
    -------
    grids : list of Grid
        The visible sheets; a formula without a stored result stands as its own text, ``=B2*2``.
    hidden : list of str
        The names of the sheets that are hidden.
    """
    book = _open(content, name, data_only=False)
    sheets = [s for s in book.worksheets if s.sheet_state == "visible"]
    hidden = [s.title for s in book.worksheets if s.sheet_state != "visible"]
    results = None
    shift = _DAYS_BETWEEN_CALENDARS if book.epoch == CALENDAR_MAC_1904 else 0
    grids = []
    for sheet in sheets:
        cells = list(sheet._cells.values())  # noqa: SLF001 - the only way to the cells that exist, without the blank ones
        if results is None and any(cell.data_type == "f" for cell in cells):
            results = _open(content, name, data_only=True)
        grids.append(_grid(sheet, cells, results[sheet.title] if results else None, name, shift))
    return grids, hidden


def _open(content: bytes, name: str, *, data_only: bool) -> Any:
    try:
        return openpyxl.load_workbook(io.BytesIO(content), data_only=data_only)
    except Exception as error:  # noqa: BLE001 - the library raises many kinds for a broken file
        raise ContractError(make_finding("lake.workbook_broken", name, f"{type(error).__name__}: {error}")) from None


def _grid(sheet: Any, cells: list[Any], results: Any, name: str, shift: int) -> Grid:
    texts: dict[tuple[int, int], str] = {}
    # A bare number beside days, in a workbook that counts days from 1904, is a day counted from 1904 too.
    day_columns = {cell.column for cell in cells if cell.is_date} if shift else set()
    for cell in cells:
        value = cell.value
        if value is None:
            continue
        if cell.data_type == "f":
            result = results[cell.coordinate].value if results is not None else None
            formula = str(getattr(value, "text", value))
            value = result if result is not None else formula if formula.startswith("=") else f"={formula}"
        if cell.column in day_columns and isinstance(value, int) and value in _SERIALS:
            value += shift
        text = write_cell(value, cell.number_format).strip(" \t\r\n\u3000\xa0\ufeff")
        if text:
            texts[cell.row - 1, cell.column - 1] = text
    height = max((row for row, _ in texts), default=-1) + 1
    width = max((column for _, column in texts), default=-1) + 1
    check_size(height, width, name)
    rows = [[""] * width for _ in range(height)]
    for (row, column), text in texts.items():
        rows[row][column] = text
    merged = tuple(Span(m.min_row - 1, m.min_col - 1, m.max_row - 1, m.max_col - 1) for m in sheet.merged_cells.ranges)
    hidden_rows = frozenset(n - 1 for n, d in sheet.row_dimensions.items() if d.hidden)
    hidden_columns = frozenset(
        i for d in sheet.column_dimensions.values() if d.hidden for i in range((d.min or 1) - 1, min(d.max or 1, width))
    )
    return Grid(sheet.title, rows, merged, hidden_rows, hidden_columns)


def check_size(height: int, width: int, name: str) -> None:
    """Refuse a sheet that is too wide or has too many cells to be held."""
    if width > MOST_COLUMNS:
        raise ContractError(make_finding("lake.too_wide", name, width, str(MOST_COLUMNS)))
    if height * width > MOST_CELLS:
        raise ContractError(make_finding("lake.unpacks_too_large", name, f"{height * width:,}", f"{MOST_CELLS:,}"))


def read_xls(content: bytes, name: str) -> tuple[list[Grid], list[str]]:
    """Read the visible sheets of an .xls file of Excel 97–2003; hidden rows and percent formats cannot be told."""
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        grids, hidden = [], []
        for index, about in enumerate(book.sheets_metadata):
            if about.visible is not calamine.SheetVisibleEnum.Visible:
                hidden.append(about.name)
                continue
            sheet = book.get_sheet_by_index(index)
            check_size(sheet.total_height, sheet.total_width, name)
            rows = [[_write_old(v) for v in row] for row in sheet.to_python(skip_empty_area=False)]
            merged = tuple(Span(a, b, c, d) for (a, b), (c, d) in sheet.merged_cell_ranges or ())
            grids.append(Grid(about.name, rows, merged, shows_percent=False))
    except calamine.PasswordError:
        raise ContractError(make_finding("lake.password", name)) from None
    except (calamine.CalamineError, OSError, ValueError) as error:
        if "assword" in str(error) or b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in content:
            raise ContractError(make_finding("lake.password", name)) from None
        raise ContractError(make_finding("lake.workbook_broken", name, error)) from None
    return grids, hidden


def _write_old(value: object) -> str:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    return write_cell(value).strip(" \t\r\n\u3000\xa0\ufeff")
