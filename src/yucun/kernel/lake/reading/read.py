"""Reading one sent file under a contract: what kind of file it is, which sheets fit, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.encoding import Decoded, decode
from yucun.kernel.lake.reading.heads import Attempt, find_layout
from yucun.kernel.lake.reading.model import COLUMN_SUFFIX, MOST_COLUMNS, Body, Grid, Layout, Reading, Top
from yucun.kernel.lake.reading.open_document import read_ods
from yucun.kernel.lake.reading.rows import Rows, make_rows
from yucun.kernel.lake.reading.sheet import body_of, top_of
from yucun.kernel.lake.reading.text_file import DELIMITERS, TextFile, unify_line_ends
from yucun.kernel.lake.reading.web_page import is_web_page, read_web_page
from yucun.kernel.lake.reading.workbook import check_zip, read_xls, read_xlsx

_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_TABLES = {
    b"%PDF": "PDF", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"Rar!": "RAR", b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip", b"PAR1": "Parquet", b"SQLite": "SQLite", b"\x7fELF": "ELF",
}  # fmt: skip


def read_file(content: bytes, name: str, contract: Contract, given: Mapping[str, str] | None = None) -> Reading:
    """Read a file as offices send it: delimited text, .xlsx, .xls, .ods, or a web page called .xls.

    Parameters
    ----------
    content : bytes
        The file; its kind is told from its contents, never from its name.
    name : str
        What it was called; findings about the whole file name it.
    contract : Contract
        The table it is for; heads are understood by its fields' names, titles and heads.
    given : mapping of str to str
        Values for fields that the file has no column for, and ``unit`` for what a unit note would say.

    Returns
    -------
    Reading
        Everything as text with its provenance; units are not converted and values not checked.

    Raises
    ------
    ContractError
        If the file as a whole cannot be read under this contract; the findings name the cells.
    """
    given = given or {}
    name = PurePath(name.replace("\\", "/")).name or "file"
    check_given(given, contract, name)
    if not content.strip():
        raise ContractError(make_finding("lake.empty_file", name))
    for mark, kind in _NOT_TABLES.items():
        if content.startswith(mark):
            raise ContractError(make_finding("lake.not_a_table", name, kind))
    if content.startswith(b"PK"):
        inside = check_zip(content, name)
        if "content.xml" in inside:
            return _read_grids(*read_ods(content, name), name, contract, given, "ods")
        if not any(entry.startswith("xl/") for entry in inside):
            raise ContractError(make_finding("lake.not_a_table", name, f"zip: {', '.join(inside[:3])}"))
        return _read_grids(*read_xlsx(content, name), name, contract, given, "xlsx")
    if content.startswith(_OLD_WORKBOOK):
        return _read_grids(*read_xls(content, name), name, contract, given, "xls")
    if is_web_page(content):
        return _read_grids(*read_web_page(content, name), name, contract, given, "html")
    return _read_text(content, name, contract, given)


def check_given(given: Mapping[str, str], contract: Contract, name: str) -> None:
    """Raise `ContractError` for a given value whose field the table does not have."""
    names = [f.name for f in contract.fields]
    wrong = [word for word in given if word not in names and word != "unit"]
    if wrong:
        raise ContractError(
            [make_finding("lake.given_unknown", name, word, ", ".join([*names, "unit"])) for word in wrong]
        )


def _read_text(content: bytes, name: str, contract: Contract, given: Mapping[str, str]) -> Reading:
    decoded = decode(content, name)
    file, layout = find_text_layout(replace(decoded, text=unify_line_ends(decoded.text)), name, contract, given)
    top = file.top
    body = file.body(top.lines[layout.end - 1], width_of(top, layout))
    rows = make_rows(body, top, layout, contract, given, name)
    notes = text_notes(decoded, top, layout, contract, given, name)
    return Reading(rows.rows, rows.refused, rows.columns, (*notes, *rows.notes), decoded.encoding, "")


def find_text_layout(
    decoded: Decoded, name: str, contract: Contract, given: Mapping[str, str]
) -> tuple[TextFile, Layout]:
    """Find the delimiter and head of a text, of which the beginning is enough; line ends are line feeds.

    Raises
    ------
    ContractError
        If no delimiter gives a head that fits the contract.
    """
    files = [TextFile(decoded, delimiter, name) for delimiter in DELIMITERS]
    attempts = [find_layout(file.top, contract, given) for file in files]
    file, attempt = max(zip(files, attempts, strict=True), key=lambda pair: _rank(pair[1], pair[0].top))
    widest = max(other.width for other in files)
    if attempt.findings and widest > MOST_COLUMNS:
        raise ContractError(make_finding("lake.too_wide", name, widest, str(MOST_COLUMNS)))
    if attempt.findings:
        raise ContractError([_in_file(f, name) for f in attempt.findings])
    return file, attempt.layout


def width_of(top: Top, layout: Layout) -> int:
    """How many columns a head spans."""
    return max(len(row) for row in top.rows[layout.first : layout.end])


def text_notes(
    decoded: Decoded, top: Top, layout: Layout, contract: Contract, given: Mapping[str, str], name: str
) -> list[Finding]:
    """Say how a text was encoded and its head understood."""
    notes = [make_finding("lake.note.encoding", name, decoded.encoding.upper())] if decoded.encoding != "utf-8" else []
    return notes + layout_notes(top, layout, contract, given, name)


def _rank(attempt: Attempt, top: Top) -> tuple[int, ...]:
    return (attempt.matched, -len(attempt.findings), max(map(len, top.rows), default=0))


def _in_file(finding: Finding, name: str) -> Finding:
    return replace(finding, where=f"{name} {finding.where}")


def _read_grids(
    grids: list[Grid], hidden: list[str], name: str, contract: Contract, given: Mapping[str, str], kind: str
) -> Reading:
    filled = [grid for grid in grids if any(any(row) for row in grid.rows)]
    if not filled:
        raise ContractError(make_finding("lake.empty_file", name))
    tops = [top_of(grid) for grid in filled]
    attempts = [find_layout(top, contract, given) for top in tops]
    fitting = [i for i, attempt in enumerate(attempts) if not attempt.findings]
    if not fitting:
        best = max(attempts, key=lambda attempt: (attempt.matched, -len(attempt.findings)))
        raise ContractError([_in_file(f, name) for f in best.findings])
    parts = [_read_grid(filled[i], tops[i], attempts[i].layout, contract, given, name) for i in fitting]
    notes = [note for part in parts for note in part.notes]
    left = [*(grid.name for i, grid in enumerate(filled) if i not in fitting), *hidden]
    if left:
        notes.append(make_finding("lake.note.sheets_left_out", name, "、".join(left)))
    names = [filled[i].name for i in fitting]
    if len(names) > 1:
        notes.append(make_finding("lake.note.several_sheets", name, len(names), more="、".join(names)))
    rows, refused, columns = _stack(parts, contract)
    return Reading(rows, refused, columns, tuple(notes), kind, "、".join(names))


def _read_grid(grid: Grid, top: Top, layout: Layout, contract: Contract, given: Mapping[str, str], name: str) -> Rows:
    body, filled = body_of(grid, top, layout, contract)
    if not grid.shows_percent:
        _check_percent(body, top, layout, contract)
    rows = make_rows(body, top, layout, contract, given, name)
    notes = layout_notes(top, layout, contract, given, grid.name)
    if filled:
        notes.append(
            make_finding("lake.note.filled_down", grid.name, "、".join(filled[:5]) + ("…" if len(filled) > 5 else ""))
        )
    hidden = [top.cell(layout.end - 1, u.index) for u in layout.uses if u.index in grid.hidden_columns]
    if hidden:
        notes.append(make_finding("lake.note.hidden_column", grid.name, "、".join(hidden)))
    rows.notes[:0] = notes
    return rows


def _check_percent(body: Body, top: Top, layout: Layout, contract: Contract) -> None:
    """An old workbook does not say that 0.058 is shown as 5.8 %; guessing would be wrong by a hundred."""
    for use in layout.uses:
        field = contract.get_field(use.field)
        if field.unit not in ("bp", "bp_point", "share") or use.unit == "‰":
            continue
        numbers = [
            float(w)
            for w in body.cells[str(use.index)].to_pylist()
            if w and w.lstrip("-").replace(".", "", 1).isdigit()
        ]
        if any(numbers) and all(abs(number) <= 1 for number in numbers):
            where = top.cell(layout.end - 1, use.index)
            found = next(n for n in numbers if n)
            raise ContractError(make_finding("lake.percent_unclear", where, found, field=field.title, key=field.name))


def layout_notes(top: Top, layout: Layout, contract: Contract, given: Mapping[str, str], place: str) -> list[Finding]:
    """Say how the head was understood."""
    notes = []
    titles = list(dict.fromkeys(cell for row in top.rows[: layout.first] for cell in row if cell))
    if titles:
        notes.append(make_finding("lake.note.title", place, " / ".join(titles)))
    if layout.period:
        source = Text("标题", "the title") if layout.period_from == "title" else Text("工作表名", "the sheet's name")
        notes.append(make_finding("lake.note.period", place, layout.period, more=source))
    if layout.height > 1:
        notes.append(make_finding("lake.note.head_levels", place, layout.height))
    have = {u.field for u in layout.uses} | {n for u in layout.uses for n, _ in u.fixed}
    used = [f"{k}={v}" for k, v in given.items() if k not in have]
    if used:
        notes.append(make_finding("lake.note.given", place, ", ".join(used)))
    if len(used) < len(given):
        notes.append(make_finding("lake.note.given_unused", place, ", ".join(k for k in given if k in have)))
    if layout.left_out:
        left = [
            f"{top.rows[layout.end - 1][i]} ({top.column(i)})"
            for i in layout.left_out
            if i < len(top.rows[layout.end - 1])
        ]
        notes.append(make_finding("lake.note.columns_left_out", place, "、".join(left)))
    have |= {*given, contract.period_field} if layout.period else set(given)
    absent = [f.title.zh for f in contract.fields if f.name not in have]
    if absent:
        notes.append(make_finding("lake.note.fields_absent", place, "、".join(absent)))
    return notes


def _stack(parts: list[Rows], contract: Contract) -> tuple[pa.Table, pa.Table, dict[str, str]]:
    """Put the rows of several sheets under one another, records counted on; columns that differ go with the rows."""
    if len(parts) == 1:
        return parts[0].rows, parts[0].refused, parts[0].columns
    names = [f.name for f in contract.fields]
    differing = {n for n in names if len({part.columns.get(n) for part in parts}) > 1}
    differing |= {n for n in names for part in parts if n + COLUMN_SUFFIX in part.rows.column_names}
    offset, rows, refused = 0, [], []
    for part in parts:
        table = part.rows
        for n in sorted(differing):
            if n + COLUMN_SUFFIX not in table.column_names:
                table = table.append_column(
                    n + COLUMN_SUFFIX, pa.array([part.columns.get(n)] * table.num_rows, pa.string())
                )
        rows.append(_count_on(table, offset))
        refused.append(_count_on(part.refused, offset))
        offset += part.records
    columns = {n: c for n, c in parts[0].columns.items() if n not in differing}
    order = sorted(rows[0].column_names)
    return pa.concat_tables([t.select(order) for t in rows]), pa.concat_tables(refused), columns


def _count_on(table: pa.Table, offset: int) -> pa.Table:
    at = table.schema.get_field_index("_record")
    return table.set_column(at, "_record", pc.add(table["_record"], offset))
