"""Parts: into which partition a row of a table falls, as Arrow columns and as SQL; the two agree."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from yucun.kernel.lake.contract import Contract

_FORMATS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
WHOLE = "all"
# Whole numbers by which rows are laid apart while they are loaded, the finest first; a part never falls into two.
_BUCKETS = {
    "day": ("year({0}) * 10000 + month({0}) * 100 + day({0})", "year({0}) * 100 + month({0})", "year({0})"),
    "month": ("year({0}) * 100 + month({0})", "year({0})"),
    "year": ("year({0})",),
}
_VALUE_BUCKETS = 64


def part_of(contract: Contract, rows: pa.Table) -> pa.ChunkedArray:
    """Name the partition of each row: the year, month or day of times, else the field's own value.

    Examples
    --------
    A table of days that is parted by month has the parts ``2021-03``, ``2021-04``, …
    """
    if not contract.partition:
        return pa.chunked_array([pa.array([WHOLE] * rows.num_rows, pa.string())])
    column = rows[contract.partition]
    match contract.get_field(contract.partition).type:
        case "date" | "instant":
            return pc.strftime(column, format=_FORMATS[contract.partition_by])
        case "period":
            return pc.utf8_slice_codeunits(column, 0, 4)
        case _:
            return pc.fill_null(pc.cast(column, pa.string()), "none")


def part_sql(contract: Contract) -> str:
    """The same as an SQL expression over the table's own columns; the session's time zone must be UTC."""
    if not contract.partition:
        return f"'{WHOLE}'"
    name = f'"{contract.partition}"'
    match contract.get_field(contract.partition).type:
        case "date" | "instant":
            return f"strftime({name}, '{_FORMATS[contract.partition_by]}')"
        case "period":
            return f"left({name}::VARCHAR, 4)"
        case _:
            return f"coalesce({name}::VARCHAR, 'none')"


def bucket_sql(contract: Contract) -> tuple[str, ...]:
    """SQL of whole numbers that keep every part together, from the finest to the coarsest."""
    if not contract.partition:
        return ("0",)
    name = f'"{contract.partition}"'
    match contract.get_field(contract.partition).type:
        case "date" | "instant":
            return tuple(f"({text.format(name)})::BIGINT" for text in _BUCKETS[contract.partition_by])
        case "period":
            return (f"left({name}::VARCHAR, 4)::BIGINT",)
        case _:
            return (f"(hash({name}::VARCHAR) % {_VALUE_BUCKETS})::BIGINT",)
