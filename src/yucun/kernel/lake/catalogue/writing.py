"""Rows as files: CSV, Parquet and JSON in one pass over batches, so that memory stays flat however many rows there are.

The bytes of a version are made once and kept: what another release of a library would write makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from yucun.kernel.lake.catalogue.model import Form

ROW_FORMS: tuple[Form, ...] = ("csv", "parquet", "json")
_BOM = b"\xef\xbb\xbf"
# A text that begins so may be taken for a formula when a sheet opens the file (OWASP, "CSV Injection"); a plain
# number, a range of years or a dash is harmless and stays as it is.
_FORMULA = r"^([=@\t\r\n＝＠]|[+\-＋－][^0-9.]*[A-Za-z(|!])"


class RowWriter(Protocol):
    """Writes batches to a file until it is closed."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Finish the file."""


def write_rows(batches: Iterable[pa.RecordBatch], schema: pa.Schema, paths: Mapping[Form, Path]) -> int:
    """Write the same rows in several forms; return how many rows there were.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the batches.
    paths : mapping of Form to Path
        Where each wanted form goes; of `ROW_FORMS`.
    """
    count = 0
    with ExitStack() as stack:
        writers: list[RowWriter] = []
        for form, path in paths.items():
            writer = _WRITERS[form](path, schema)
            stack.callback(writer.close)
            writers.append(writer)
        for batch in batches:
            count += batch.num_rows
            for writer in writers:
                writer.write(batch)
    return count


class CsvWriter:
    """UTF-8 with a BOM, so that sheets read Chinese; numbers as they are, instants in UTC, formulas made harmless."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("wb")
        self._file.write(_BOM)
        self._schema = pa.schema([pa.field(f.name, _text_type(f.type)) for f in schema])
        options = pyarrow.csv.WriteOptions(quoting_style="needed")
        self._writer = pyarrow.csv.CSVWriter(self._file, self._schema, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""
        columns = [_for_csv(column) for column in batch.columns]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
        self._file.close()


class ParquetWriter:
    """Zstd Parquet with the types of the contract."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class JsonWriter:
    """One array of objects, a row a line."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        del schema
        self._file = path.open("wb")
        self._before = b"["
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""
        columns = [_as_text(c) if pa.types.is_timestamp(c.type) else c for c in batch.columns]
        for row in pa.record_batch(columns, names=batch.schema.names).to_pylist():
            self._file.write(self._before + b"\n" + self._encoder.encode(row))
            self._before = b","

    def close(self) -> None:
        """Finish the file."""
        self._file.write(b"[\n]\n" if self._before == b"[" else b"\n]\n")
        self._file.close()


_WRITERS: Mapping[Form, type[Any]] = {"csv": CsvWriter, "parquet": ParquetWriter, "json": JsonWriter}


def _text_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_boolean(kind) or pa.types.is_timestamp(kind) else kind


def _for_csv(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type) or pa.types.is_timestamp(column.type):
        return _as_text(column)
    if pa.types.is_string(column.type):
        risky = pc.match_substring_regex(column, _FORMULA)
        return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
    return column


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        # The fraction is written as far as the type goes, so that all forms hold the same instant.
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    return pc.cast(column, pa.string())
