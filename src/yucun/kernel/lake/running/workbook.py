"""Refused records as an Excel workbook: sentences beside, drop-downs for codes, wrong cells in red; and reading it back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zipfile import BadZipFile

from yucun.base.errors import Finding, Yours
from yucun.base.text import Language, Text
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.running.corrections import RECORD_HEAD, RefusedRow, head_of
from yucun.kernel.lake.running.store import ASIDE

MOST_WORKBOOK_BYTES = 16 * 1024 * 1024
_MOST_ROWS = 100_000
_PART_HEAD = "行"
_SHEET = Text("改正", "correct")
_WHERE, _WHY, _ASIDE = (
    Text("位置", "where"),
    Text("为什么、怎么改", "why, and what to do"),
    Text("不要这一条（写 1）", "leave out (write 1)"),
)
# Columns before the table's own fields: record, row of it, where, why, leave out.
_BEFORE = 5
_MARK = "yucun-landing"
_RED, _GREY = "F7E5E2", "F3F1EA"


def write_workbook(contract: Contract, landing: Landing, rows: Sequence[RefusedRow], language: Language) -> bytes:
    """Write the records that wait as a workbook that `read_workbook` takes back.

    Raises
    ------
    Yours
        When there are more rows than a clerk's workbook should hold.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - half a second that only Excel need pay
    from openpyxl.comments import Comment  # noqa: PLC0415 - as above
    from openpyxl.styles import Alignment, Font, PatternFill, Protection  # noqa: PLC0415 - as above

    waiting = [row for row in rows if row.settled is None]
    if len(waiting) > _MOST_ROWS:
        raise Yours(_too_many(len(waiting)))
    book = Workbook()
    sheet = book.active
    sheet.title = _SHEET.of(language)
    heads = [RECORD_HEAD, _PART_HEAD, _WHERE.of(language), _WHY.of(language), _ASIDE.of(language)]
    titles = [f"{f.title.of(language)}" for f in contract.fields]
    sheet.append([*heads, *titles])
    sheet.append(["", "", "", "", "", *(head_of(f) for f in contract.fields)])
    for cell in (*sheet[1], *sheet[2]):
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor=_GREY)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    red = PatternFill("solid", fgColor=_RED)
    for number, row in enumerate(waiting, 3):
        said = "\n".join(t.of(language) for t in dict.fromkeys(row.sentences))
        now = row.now
        values = [
            row.record,
            row.part,
            row.where,
            said,
            "1" if row.is_aside else "",
            *(now[f.name] for f in contract.fields),
        ]
        for column, value in enumerate(values, 1):
            cell = sheet.cell(number, column)
            cell.value, cell.number_format = _plain(value), "@"
            if isinstance(value, str):
                cell.data_type = "s"
                cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
            cell.alignment = Alignment(wrap_text=column == 4, vertical="top")
            cell.protection = Protection(locked=column < _BEFORE)
        for column, field in enumerate(contract.fields, _BEFORE + 1):
            if field.name in row.wrong:
                cell = sheet.cell(number, column)
                cell.fill = red
                cell.comment = Comment("\n".join(t.of(language) for t in row.wrong[field.name])[:1000], "yucun")
    sheet.freeze_panes = sheet.cell(3, _BEFORE + 1)
    for letter, width in (("A", 9), ("B", 5), ("C", 14), ("D", 48), ("E", 10)):
        sheet.column_dimensions[letter].width = width
    _add_lists(book, sheet, contract, len(waiting), language)
    book.properties.keywords = f"{_MARK} {landing.key}"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    return "".join(c for c in value if c >= " " or c in "\n\t") if isinstance(value, str) else value


def _add_lists(book: Any, sheet: Any, contract: Contract, rows: int, language: Language) -> None:
    """A drop-down for each field with a closed list; the words stand on a hidden sheet, since a formula holds few."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - as above
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415 - as above

    fields = [(n, f) for n, f in enumerate(contract.fields, _BEFORE + 1) if _choices(f, language)]
    if not fields or not rows:
        return
    lists = book.create_sheet("lists")
    lists.sheet_state = "hidden"
    for at, (column, field) in enumerate(fields, 1):
        choices = _choices(field, language)
        for line, word in enumerate(choices, 1):
            lists.cell(line, at).value = word
        letter, target = get_column_letter(at), get_column_letter(column)
        rule = DataValidation("list", formula1=f"lists!${letter}$1:${letter}${len(choices)}", allow_blank=True)
        rule.errorStyle = "warning"
        rule.add(f"{target}3:{target}{rows + 2}")
        sheet.add_data_validation(rule)


def _choices(field: Field, language: Language) -> list[str]:
    if field.codes:
        return [title.of(language) for title in field.codes.values()]
    return (["是", "否"] if language == "zh" else ["yes", "no"]) if field.type == "boolean" else []


def read_workbook(
    content: bytes, contract: Contract, landing: Landing, rows: Sequence[RefusedRow]
) -> list[tuple[int, int, str, str | None]]:
    """Read a corrected workbook back as changes: (record, row of it, field, value; None where it is as written).

    Raises
    ------
    Yours
        When it is no workbook, or that of another file; with file, sheet and cell.
    """
    from openpyxl import load_workbook  # noqa: PLC0415 - as above
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    try:
        book = load_workbook(io.BytesIO(content), data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError, TypeError) as error:
        raise Yours(_not_ours("workbook", type(error).__name__)) from None
    key = str(book.properties.keywords or "")
    if key.startswith(_MARK) and key != f"{_MARK} {landing.key}":
        raise Yours(_other_file(key.removeprefix(_MARK).strip(), landing))
    sheet = book.worksheets[0]
    heads = ["" if cell.value is None else str(cell.value) for cell in sheet[1]]
    if heads[:2] != [RECORD_HEAD, _PART_HEAD] or len(heads) < _BEFORE + len(contract.fields):
        raise Yours(_not_ours(f"{sheet.title}!A1", " | ".join(heads[:4])[:120]))
    known = {(row.record, row.part): row for row in rows if row.settled is None}
    changes: list[tuple[int, int, str, str | None]] = []
    wrong: list[Finding] = []
    for cells in sheet.iter_rows(min_row=3):
        values = [cell.value for cell in cells]
        if all(value is None for value in values):
            continue
        place = _place(values)
        row = known.get(place) if place else None
        if row is None:
            if place is None or not any(r.record == place[0] and r.settled for r in rows):
                wrong.append(_no_record(f"{sheet.title}!A{cells[0].row}", values[0]))
            continue
        changes += _changes(row, contract, values)
    if wrong:
        raise Yours(wrong[:50])
    return changes


def _place(values: Sequence[Any]) -> tuple[int, int] | None:
    try:
        return int(str(values[0])), int(str(values[1] or 0))
    except ValueError:
        return None


def _changes(row: RefusedRow, contract: Contract, values: Sequence[Any]) -> list[tuple[int, int, str, str | None]]:
    found: list[tuple[int, int, str, str | None]] = []
    is_aside = str(values[_BEFORE - 1] or "").strip() not in ("", "0")
    if is_aside != row.is_aside:
        found.append((row.record, row.part, ASIDE, "1" if is_aside else None))
    now = row.now
    for field, value in zip(contract.fields, values[_BEFORE:], strict=False):
        word = _as_text(value)
        if word != now[field.name].strip():
            found.append((row.record, row.part, field.name, None if word == row.fields[field.name].strip() else word))
    return found


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time().isoformat() == "00:00:00" else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _not_ours(where: str, found: str) -> Finding:
    return Finding(
        "feeds.not_a_correction", where, found, RECORD_HEAD,
        Text(
            "这不是从改正页下载的工作簿；请下载后在其中改正，不要删改前两列和表头",
            "this is not a workbook from the page of corrections; download it there and leave its first two columns and heads as they are",
        ),
    )  # fmt: skip


def _other_file(found: str, landing: Landing) -> Finding:
    return Finding(
        "feeds.other_landing", "workbook", found[:120], landing.key,
        Text(
            f"这份工作簿是另一份文件的退回记录；请到那份文件的改正页上传（{found}）",
            f"this workbook holds the refused records of another file; upload it on the page of that file ({found})",
        ),
    )  # fmt: skip


def _no_record(where: str, found: object) -> Finding:
    return Finding(
        "feeds.no_such_record", where, str(found)[:120], RECORD_HEAD,
        Text("没有这个记录号的退回记录；不要改动或新增记录号", "no refused record has this number; do not change or add record numbers"),
    )  # fmt: skip


def _too_many(count: int) -> Finding:
    return Finding(
        "feeds.too_many_rows", "workbook", f"{count:,}", f"{_MOST_ROWS:,}",
        Text(
            f"退回 {count:,} 条，超过工作簿能容的 {_MOST_ROWS:,} 条；请改好原文件后整份重送",
            f"{count:,} rows wait, more than the {_MOST_ROWS:,} of a workbook; mend the file itself and send it again",
        ),
    )  # fmt: skip
