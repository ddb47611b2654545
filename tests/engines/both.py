"""One expression on both engines: built once over the same files, run on each, compared cell by cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from yucun.kernel.lake.engine import Engine

FLOATS_ALIKE = 1e-12


class Both:
    """DuckDB and a Spark beside each other over one folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.duckdb = Engine(threads=2)
        self.spark = Engine.open(url, folder)

    def files(self, table: pa.Table, count: int = 2) -> list[Path]:
        """Write a table into some Parquet files."""
        paths = []
        size = max(1, math.ceil(table.num_rows / count))
        for start in range(0, max(1, table.num_rows), size):
            path = self.folder / f"{uuid4().hex}.parquet"
            pq.write_table(table.slice(start, size), path, compression="zstd")
            paths.append(path)
        return paths

    def table(self, table: pa.Table) -> ir.Table:
        """Return a table of expressions over files that hold these rows."""
        return self.duckdb.table(self.files(table), table.schema)

    def assert_same(self, build: Callable[..., ir.Table], *tables: pa.Table, is_ordered: bool = False) -> pa.Table:
        """Run what is built over the tables on both engines, and compare; the answer is DuckDB's."""
        expression = build(*(self.table(t) for t in tables))
        one, other = self.duckdb.run(expression), self.spark.run(expression)
        assert_same(one, other, is_ordered=is_ordered)
        return one

    def close(self) -> None:
        """Let go of both."""
        self.duckdb.close()
        self.spark.close()


def assert_same(one: pa.Table, other: pa.Table, *, is_ordered: bool = False) -> None:
    """Compare schema and rows: all equal, but floats to 1e-12 relative."""
    assert other.schema == one.schema, f"{one.schema}\n---\n{other.schema}"
    assert other.num_rows == one.num_rows
    rows, others = (list(zip(*(c.to_pylist() for c in t.columns), strict=True)) for t in (one, other))
    if not is_ordered:
        rows, others = sorted(rows, key=_order), sorted(others, key=_order)
    for row, second in zip(rows, others, strict=True):
        for name, value, found in zip(one.column_names, row, second, strict=True):
            assert is_same(value, found), f"{name}: DuckDB {value!r}, Spark {found!r}\n{row}\n{second}"


def is_same(value: Any, found: Any) -> bool:
    """Whether two values are one."""
    if isinstance(value, float) and isinstance(found, float):
        if math.isnan(value) or math.isnan(found):
            return math.isnan(value) and math.isnan(found)
        return math.isclose(value, found, rel_tol=FLOATS_ALIKE)
    return type(value) is type(found) and value == found


def _order(row: Sequence[Any]) -> tuple[Any, ...]:
    """Exact values first, so that floats that differ in the last digit do not change the order."""
    exact = tuple((v is None, "" if v is None else repr(v)) for v in row if not isinstance(v, float))
    floats = tuple(-math.inf if math.isnan(v) else v for v in row if isinstance(v, float))
    return (exact, floats)
