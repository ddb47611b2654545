"""Tables as files: CSV with a BOM, Excel, Parquet; a cell that Excel would take for a formula stays text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from yucun.base.text import Language, Text
from yucun.doors.api.asking import Form

MEDIA_TYPES: dict[Form, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
# Excel holds 1,048,576 rows; we stop at a round number below it.
MOST_ROWS = 1_000_000
_LONGEST_CELL = 32_767
# A text that begins so is taken for a formula when the file is opened: OWASP, "CSV Injection".
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# Excel keeps fifteen digits of a number; longer whole numbers are written as text.
_EXACT = 10**15


def write_csv(table: pa.Table) -> bytes:
    """UTF-8 with a BOM, so that Excel reads Chinese; numbers as they are, texts made harmless.

    Examples
    --------
    >>> write_csv(pa.table({"a": ["=1+1", "-3", "余村"], "b": [-3, 0, 1]})).decode("utf-8-sig").splitlines()[1:]
    ['"\\'=1+1",-3', '"\\'-3",0', '"余村",1']
    """
    buffer = io.BytesIO()
    buffer.write(b"\xef\xbb\xbf")
    pyarrow.csv.write_csv(_harmless(table), buffer)
    return buffer.getvalue()


def write_parquet(table: pa.Table) -> bytes:
    """Zstd Parquet with the types of the contract."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def write_xlsx(
    table: pa.Table, title: str, columns: Mapping[str, Text], about: Sequence[tuple[Text, str]], language: Language
) -> bytes:
    """A sheet of rows under field names, and a sheet that says what each column is and where it comes from."""
    from openpyxl import Workbook  # noqa: PLC0415 - half a second that only Excel need pay

    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_name(title))
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, name) for name in table.column_names])
    for row in _rows(table):
        sheet.append([_cell(sheet, value) for value in row])
    notes = book.create_sheet("说明" if language == "zh" else "about")
    for head, said in about:
        notes.append([_cell(notes, head.of(language)), _cell(notes, said)])
    notes.append([])
    for name in table.column_names:
        notes.append([_cell(notes, name), _cell(notes, columns[name].of(language) if name in columns else "")])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _harmless(table: pa.Table) -> pa.Table:
    columns = []
    for name in table.column_names:
        column = table[name]
        if pa.types.is_boolean(column.type) or pa.types.is_timestamp(column.type):
            column = _as_text(column)
        elif pa.types.is_string(column.type):
            risky = pc.match_substring_regex(column, _FORMULA)
            column = pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
        columns.append(column)
    return pa.table(columns, names=[_defuse(name) for name in table.column_names])


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    return pc.cast(column, pa.string())


def _defuse(word: str) -> str:
    return f"'{word}" if re.match(_FORMULA, word) else word


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _cell(sheet: Any, value: Any) -> Any:
    """Numbers as numbers; every text as a text cell, so that nothing in it is ever computed."""
    if value is None or (isinstance(value, (int, float)) and abs(value) < _EXACT):
        return value
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above

    cell = WriteOnlyCell(sheet)
    cell.value = _CONTROL.sub("�", str(value))[:_LONGEST_CELL]
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def _sheet_name(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", " ", title)[:31] or "rows"
