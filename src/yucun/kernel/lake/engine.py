"""The one adapter to Ibis: tables over lists of Parquet files, run on DuckDB in memory or on Spark over the same files.

Spark is asked only what was shown to give the same answer on both; `engines.same` lists it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.formats.pyarrow import PyArrowData

from yucun.base.errors import Yours
from yucun.kernel.lake.engines.duck import Duck
from yucun.kernel.lake.engines.shape import files_table
from yucun.kernel.lake.engines.spark import Seen, Spark
from yucun.kernel.lake.engines.told import too_large

DUCKDB = "duckdb"


class Engine:
    """Runs expressions over lake files; reading only, and safe from many threads.

    This makes one on DuckDB; `open` takes either.

    Parameters
    ----------
    threads : int
        Threads of all queries together.
    memory : str
        Limit of memory of all queries together, as DuckDB writes it.
    at_once : int
        Queries at one time; one more waits for its turn.
    """

    def __init__(self, threads: int = 2, memory: str = "2GB", at_once: int = 4) -> None:
        self.name = DUCKDB
        self._runner: Duck | Spark = Duck(threads, memory, at_once)

    @classmethod
    def open(cls, name: str, folder: Path, lake_as: str = "") -> Self:
        """Open the engine that a setting names.

        Parameters
        ----------
        name : str
            ``duckdb``, or ``sc://host:port`` of a Spark Connect server; empty for DuckDB.
        folder : Path
            The lake's folder here.
        lake_as : str
            The same folder as the server sees it; empty when it is the same.

        Raises
        ------
        Yours
            ``engine.unknown``, ``engine.extra`` without the client, ``engine.unreachable`` without a server.
        """
        engine = cls()
        if name and name != DUCKDB:
            engine.name = name
            engine._runner = Spark(name, Seen(folder.absolute(), lake_as))
        return engine

    def table(self, paths: Sequence[Path], schema: pa.Schema) -> ir.Table:
        """Return the rows of the files as one table; with no file, an empty table of that schema."""
        if not paths:
            return self.memory(schema.empty_table())
        names = tuple(sorted(str(path.absolute()) for path in paths))
        return files_table("lake_" + hashlib.sha256("\n".join(names).encode()).hexdigest()[:24], names, schema)

    def memory(self, table: pa.Table) -> ir.Table:
        """Return an Arrow table as a table of expressions."""
        return ibis.memtable(table)

    def run(self, expression: ir.Table) -> pa.Table:
        """Compute an expression into Arrow, in the types that the expression says.

        An expression of a shape that was run before is not turned into text again, whatever files and rows it reads.

        Raises
        ------
        Yours
            ``engine.out_of_range`` where a number leaves its range; on Spark also ``engine.differs`` for what is not
            known to give DuckDB's answer, and ``engine.unreachable``.
        """
        text, slots = self._runner.texts.of(expression)
        found = self._runner.run(text, slots)
        try:
            answer: pa.Table = PyArrowData.convert_table(found, text.columns)
        except pa.ArrowInvalid as error:
            raise Yours(too_large(str(error))) from error
        return answer

    def explain(self, expression: ir.Table) -> str:
        """Return the engine's text of an expression, with a mark where files or rows in memory stand."""
        text, _ = self._runner.texts.of(expression)
        return text.sql

    def close(self) -> None:
        """Let go of what the engine holds."""
        self._runner.close()
