"""DuckDB in memory: one small database of nothing, a bounded number of connections that are borrowed and given back.

DuckDB is never a store. The connections are cursors of one database, so that they share its threads and its limit
of memory; no two threads use one connection at a time.
"""

from __future__ import annotations

import queue
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler

from yucun.base.errors import Yours
from yucun.kernel.lake.engines.shape import Slot, Text, Texts
from yucun.kernel.lake.engines.told import no_answer, too_large


class DuckText(DuckDBCompiler):  # type: ignore[misc]
    """Ibis' writer of DuckDB's SQL, for any text."""

    __slots__ = ()

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802 - the name Ibis looks for
        """Write a value; DuckDB's text ends at a zero character, so that one is written by its number."""
        if dtype.is_string() and "\0" in value:
            return self.f.decode(self.f.unhex(value.encode().hex()))
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)


_COMPILER = DuckText()


def _compile(expression: ir.Table) -> str:
    sql: str = _COMPILER.to_sqlglot(expression).sql(dialect=_COMPILER.dialect)
    return sql


class Duck:
    """Runs texts on DuckDB.

    Parameters
    ----------
    threads : int
        Threads of all queries together.
    memory : str
        Limit of memory of all queries together, as DuckDB writes it; beyond it they use a temporary folder.
    at_once : int
        Connections, and so queries at one time; one more waits for its turn.
    """

    def __init__(self, threads: int, memory: str, at_once: int) -> None:
        self.texts = Texts(_compile)
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads,
            "memory_limit": memory,
            "temp_directory": str(Path(tempfile.gettempdir()) / f"yucun-duckdb-{uuid.uuid4().hex[:12]}"),
            "python_enable_replacements": False,
        }
        self._database: duckdb.DuckDBPyConnection | None = None
        self._opening = threading.Lock()
        self._free: queue.LifoQueue[duckdb.DuckDBPyConnection | None] = queue.LifoQueue()
        for _ in range(at_once):
            self._free.put(None)

    def run(self, text: Text, slots: Sequence[Slot]) -> pa.Table:
        """Compute a text over what stands in its slots.

        Raises
        ------
        Yours
            ``engine.out_of_range`` where a number leaves its range, ``engine.failed`` where text is no number.
        """
        with self._borrow() as connection:
            named: list[str] = []
            try:
                standing = [self._stand(connection, slot, named) for slot in slots]
                found: pa.Table = connection.execute(text.filled(standing)).to_arrow_table()
            except duckdb.OutOfRangeException as error:
                raise Yours(too_large(str(error))) from error
            except duckdb.ConversionException as error:
                is_word = "Could not convert" in str(error)
                raise Yours(no_answer("DuckDB", str(error)) if is_word else too_large(str(error))) from error
            finally:
                for name in named:
                    connection.unregister(name)
        return found

    def _stand(self, connection: duckdb.DuckDBPyConnection, slot: Slot, named: list[str]) -> str:
        if slot.rows is not None:
            name = f"rows_{uuid.uuid4().hex}"
            connection.register(name, slot.rows)
            named.append(name)
            return name
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in slot.columns.names)
        paths = ", ".join("'" + path.replace("'", "''") + "'" for path in slot.paths)
        return f"(SELECT {columns} FROM read_parquet([{paths}], hive_partitioning = false))"

    @contextmanager
    def _borrow(self) -> Iterator[duckdb.DuckDBPyConnection]:
        held = self._free.get()
        try:
            if held is None:
                held = self._open()
            yield held
        finally:
            self._free.put(held)

    def _open(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if self._database is None:
                self._database = duckdb.connect(":memory:", config=self._settings)
                self._database.execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL parquet_metadata_cache = true")
            return self._database.cursor()

    def close(self) -> None:
        """Let go of the database; who runs something afterwards opens it again."""
        with self._opening:
            for held in [self._free.get_nowait() for _ in range(self._free.qsize())]:
                if held is not None:
                    held.close()
                self._free.put(None)
            if self._database is not None:
                self._database.close()
                self._database = None
