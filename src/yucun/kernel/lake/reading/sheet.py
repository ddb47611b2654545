"""A sheet of a workbook as a top and a body: merged cells filled where that is certain, hidden rows told."""

from __future__ import annotations

import pyarrow as pa

from yucun.base.errors import Finding
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.model import HEAD_ROWS, Body, Grid, Layout, Span, Top, name_column

_ROWS_SCANNED = 200


def top_of(grid: Grid) -> Top:
    """Return the first rows that are not blank, merged cells filled in all directions."""
    rows = [list(row) for row in grid.rows[:_ROWS_SCANNED]]
    across = False
    for span in grid.merged:
        if span.top >= len(rows):
            continue
        across |= span.right > span.left
        text = rows[span.top][span.left] if span.left < len(rows[span.top]) else ""
        for row in rows[span.top : span.bottom + 1]:
            row[span.left : span.right + 1] = [text] * len(row[span.left : span.right + 1])
    numbers = [n for n, row in enumerate(rows) if any(row)][:HEAD_ROWS]
    return Top(tuple(tuple(rows[n]) for n in numbers), tuple(n + 1 for n in numbers), grid.name, across)


def body_of(grid: Grid, top: Top, layout: Layout, contract: Contract) -> tuple[Body, list[str]]:
    """Return the rows below the head, and the merged cells whose contents were used for the rows below them."""
    start = top.lines[layout.end - 1]
    rows = [list(row) for row in grid.rows[start:]]
    body = Body(
        pa.table({}),
        pa.array(range(1, len(rows) + 1), pa.int64()),
        pa.array(range(start + 1, start + 1 + len(rows)), pa.int64()),
    )
    filled = [
        name
        for span in grid.merged
        if span.top >= start and (name := _fill_down(rows, body, grid, span, start, layout, contract))
    ]
    for row in sorted(grid.hidden_rows):
        if row >= start and any(rows[row - start]):
            where = f"{grid.name}!{row + 1}"
            _note(body, row - start + 1, make_finding("lake.hidden_row", where, where, record=row - start + 1))
    width = len(grid.rows[0]) if grid.rows else 0
    body.cells = pa.table({str(i): pa.array([row[i] or None for row in rows], pa.string()) for i in range(width)})
    return body, filled


def _fill_down(
    rows: list[list[str]], body: Body, grid: Grid, span: Span, start: int, layout: Layout, contract: Contract
) -> str:
    """Fill a merged word down its rows; a merged number belongs to no row alone."""
    text = rows[span.top - start][span.left] if span.top - start < len(rows) else ""
    uses = [use for use in layout.uses if use.index == span.left]
    if not text or span.bottom == span.top or not uses:
        return ""
    span_rows = range(span.top - start, min(span.bottom - start + 1, len(rows)))
    if contract.get_field(uses[0].field).type in ("integer", "measure"):
        name = f"{grid.name}!{span.name}"
        for row in span_rows:
            cell = f"{grid.name}!{name_column(span.left)}{start + row + 1}"
            _note(body, row + 1, make_finding("lake.merged_number", cell, name, key=uses[0].field, record=row + 1))
        return ""
    for row in span_rows:
        rows[row][span.left] = text
    return span.name


def _note(body: Body, ordinal: int, finding: Finding) -> None:
    body.problems.setdefault(ordinal, []).append(finding)
