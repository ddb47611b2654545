"""Tables in and out: CSV, Arrow, pandas and Polars, through the Arrow C stream that all of them speak."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.build import Index
from yucun.kernel.indicators.index.model import Figures, Framework, Node

META_COLUMNS = ("Level", "iCode", "Direction", "Weight", "Parent", "Type")
UNIT_COLUMN, TITLE_COLUMN, TIME_COLUMN = "uCode", "uName", "Time"


def read_csv(path: str | Path) -> pa.Table:
    """Read a CSV file; an empty cell, ``NA`` and ``NaN`` in a column of numbers are missing."""
    try:
        return arrow_csv.read_csv(str(path), convert_options=arrow_csv.ConvertOptions(strings_can_be_null=False))
    except (OSError, pa.ArrowInvalid) as error:
        raise ContractError(
            Finding(
                "index.file",
                Path(path).name,
                str(error)[:120],
                "a CSV file with a head",
                Text(f"读不了文件 {Path(path).name}：{error}", f"{Path(path).name} cannot be read: {error}"),
            )
        ) from None


def to_arrow(table: Any) -> pa.Table:
    """Return any table that speaks Arrow (pyarrow, pandas, Polars) as an Arrow table."""
    return table if isinstance(table, pa.Table) else pa.table(table)


def read_framework(meta: Any, name: str = "meta") -> tuple[Framework, tuple[str, ...], tuple[str, ...]]:
    """Read a framework from COINr's layout.

    Parameters
    ----------
    meta : table
        Columns ``Level, iCode, Direction, Weight, Parent, Type`` and, where there, ``iName, Unit, Target,
        Denominator``. ``Type`` is Indicator, Aggregate, Group, Denominator or Other.
    name : str
        What findings call the table.

    Returns
    -------
    Framework, groups, denominators
        The nodes, and the codes of group columns and of sizes.

    Raises
    ------
    ContractError
        With one finding for each missing column, wrong number or broken link.
    """
    table = to_arrow(meta)
    check_head(table.column_names, META_COLUMNS, name)
    rows = table.to_pylist()
    findings: list[Finding] = []
    nodes: list[Node] = []
    groups: list[str] = []
    sizes: list[str] = []
    for number, row in enumerate(rows, start=2):
        kind, code = str(row["Type"]).strip(), str(row["iCode"]).strip()
        if kind in ("Indicator", "Aggregate"):
            nodes.append(_read_node(row, code, f"{name}:{number}", findings))
        elif kind in ("Group", "Denominator"):
            (groups if kind == "Group" else sizes).append(code)
    if findings:
        raise ContractError(findings)
    return Framework(tuple(nodes)), tuple(groups), tuple(sizes)


def _read_node(row: dict[str, Any], code: str, where: str, findings: list[Finding]) -> Node:
    def number(key: str, absent: float) -> float:
        value = row.get(key)
        try:
            return absent if value is None or value == "" else float(value)
        except (TypeError, ValueError):
            findings.append(_no_number(where, key, value))
            return absent

    def word(key: str) -> str:
        value = row.get(key)
        return "" if value is None or value != value else str(value).strip()

    return Node(
        code,
        int(number("Level", 1)),
        word("Parent"),
        word("iName"),
        int(number("Direction", 1)),
        number("Weight", 1.0),
        word("Unit"),
        word("Denominator"),
        number("Target", math.nan),
    )


def read_figures(
    values: Any, framework: Framework, groups: Sequence[str] = (), sizes: Sequence[str] = (), name: str = "values"
) -> Figures:
    """Read figures from a table with one row a unit (and time) and one column an indicator.

    Parameters
    ----------
    values : table
        ``uCode``, one column for each indicator and, where there, ``uName``, ``Time``, groups and denominators.
        ``Time`` makes a panel only when it holds more than one time.

    Raises
    ------
    ContractError
        With one finding for each missing column and each column that holds what is no number.
    """
    table = to_arrow(values)
    wanted = {n.denominator for n in framework.indicators if n.denominator}
    check_head(table.column_names, (UNIT_COLUMN, *framework.codes, *sorted(wanted)), name)
    findings: list[Finding] = []
    sizes = tuple(dict.fromkeys([*(s for s in sizes if s in table.column_names), *sorted(wanted)]))
    columns = [_numbers(table, code, name, findings) for code in framework.codes]
    sized = {code: _numbers(table, code, name, findings) for code in sizes}
    if findings:
        raise ContractError(findings)
    times = _words(table, TIME_COLUMN) if TIME_COLUMN in table.column_names else ()
    return Figures(
        _words(table, UNIT_COLUMN),
        framework.codes,
        np.column_stack(columns),
        times if len(set(times)) > 1 else (),
        _words(table, TITLE_COLUMN) if TITLE_COLUMN in table.column_names else (),
        {group: _words(table, group) for group in groups if group in table.column_names},
        sized,
    )


def _words(table: pa.Table, column: str) -> tuple[str, ...]:
    return tuple("" if value is None else _tell(value) for value in table.column(column).to_pylist())


def _tell(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _numbers(table: pa.Table, column: str, name: str, findings: list[Finding]) -> np.ndarray[Any, np.dtype[np.float64]]:
    cells = table.column(column)
    kind = cells.type
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return np.asarray(cells.cast(pa.float64()).to_numpy(), dtype=np.float64)
    out = np.full(len(cells), np.nan)
    for row, value in enumerate(cells.to_pylist(), start=2):
        text = "" if value is None else str(value).strip()
        if text in ("", "NA", "NaN", "nan"):
            continue
        try:
            out[row - 2] = float(text)
        except ValueError:
            findings.append(_no_number(f"{name}:{row}", column, text))
    return out


def _no_number(where: str, column: str, value: object) -> Finding:
    return Finding(
        "index.number",
        where,
        str(value)[:120],
        "a number",
        Text(f"列「{column}」的「{value}」不是数；请更正", f"'{value}' in column '{column}' is no number; correct it"),
        column,
    )


def check_head(head: Sequence[str], wanted: Sequence[str], name: str) -> None:
    """Raise one finding for each missing column."""
    missing = [column for column in wanted if column not in head]
    if missing:
        raise ContractError(
            [
                Finding(
                    "index.column",
                    name,
                    "nothing",
                    f"a column {column}",
                    Text(f"{name} 缺少列「{column}」；请补上该列", f"{name} has no column '{column}'; add it"),
                    column,
                )
                for column in missing
            ]
        )


def read_index_files(values: str | Path, meta: str | Path) -> tuple[Figures, Framework]:
    """Read the two CSV files of an index."""
    framework, groups, sizes = read_framework(read_csv(meta), Path(meta).name)
    return read_figures(read_csv(values), framework, groups, sizes, Path(values).name), framework


def tabulate(index: Index) -> pa.Table:
    """The results: ``uCode, Rank``, the top and every other aggregate, unrounded, best first; in a panel also ``Time``.

    Examples
    --------
    >>> from yucun.kernel.indicators.index.build import build
    >>> tree = Framework((Node("a", parent="t"), Node("t", level=2)))
    >>> tabulate(build(Figures(("A", "B"), ("a",), np.array([[1.0], [2.0]])), tree)).to_pylist()[0]
    {'uCode': 'B', 'Rank': 1, 't': 100.0}
    """
    rows = index.normalised
    places = np.where(index.rank == 0, np.iinfo(np.int64).max, index.rank)
    keys = [rows.units, places, rows.times] if rows.times else [rows.units, places]
    order = np.lexsort([np.array(key) for key in keys])
    data: dict[str, pa.Array] = {UNIT_COLUMN: pa.array([rows.units[i] for i in order])}
    if rows.times:
        data[TIME_COLUMN] = pa.array([rows.times[i] for i in order])
    data["Rank"] = pa.array(index.rank[order], mask=index.rank[order] == 0)
    for code, column in index.scores.items():
        data[code] = pa.array(column[order], mask=np.isnan(column[order]))
    return pa.table(data)


def write_csv(table: pa.Table) -> str:
    """Write a table as CSV text; numbers are written so that reading them gives the same number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(
        ["" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in row.values()]
        for row in table.to_pylist()
    )
    return out.getvalue()
