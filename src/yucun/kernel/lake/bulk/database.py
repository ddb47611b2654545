"""Tables of databases: taken once into the job's folder, so that what was loaded does not change under the load."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from yucun.base.errors import ContractError
from yucun.kernel.lake.findings import make_finding

_ROWS = 50_000
_SQLITE, _POSTGRES = "sqlite:", ("postgresql://", "postgres://")


def is_database(source: str) -> bool:
    """True for ``sqlite:PATH#TABLE`` and ``postgresql://…#TABLE``."""
    return source.startswith((_SQLITE, *_POSTGRES))


def name_of(source: str) -> str:
    """A source as it may be shown: a database's address without user, password and options."""
    if source.startswith(_SQLITE):
        path, _, table = source.removeprefix(_SQLITE).rpartition("#")
        return f"{Path(path).name}#{table}"
    if source.startswith(_POSTGRES):
        parts = urlsplit(source)
        return urlunsplit((parts.scheme, parts.hostname or "", parts.path, "", parts.fragment))
    return Path(source).name


def take_table(source: str, folder: Path, tell: Callable[[int], None]) -> tuple[Path, str]:
    """Take all rows of a table into a file; return the file and its SHA-256.

    Raises
    ------
    ContractError
        If the database cannot be reached or has no such table.
    """
    target = folder / ("taken.parquet" if source.startswith(_SQLITE) else "taken.csv")
    done = folder / "taken.sha256"
    if done.is_file() and target.is_file():
        return target, done.read_text(encoding="ascii")
    address, _, table = source.rpartition("#")
    if not address or not table:
        raise ContractError(make_finding("lake.bulk_address", name_of(source), source.split("@")[-1]))
    try:
        if source.startswith(_SQLITE):
            _take_sqlite(address.removeprefix(_SQLITE), unquote(table), target, tell)
        else:
            _take_postgres(address, unquote(table), target, tell)
    except (sqlite3.Error, psycopg.Error) as error:
        raise ContractError(make_finding("lake.bulk_database", name_of(source), str(error).splitlines()[0])) from None
    with target.open("rb") as handle:
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    done.write_text(sha256, encoding="ascii")
    return target, sha256


def _take_sqlite(path: str, table: str, target: Path, tell: Callable[[int], None]) -> None:
    quoted = '"' + table.replace('"', '""') + '"'
    with sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True) as connection:
        cursor = connection.execute(f"SELECT * FROM {quoted}")
        names = [str(column[0]) for column in cursor.description]
        schema = pa.schema([(name, pa.string()) for name in names])
        taken = 0
        with pq.ParquetWriter(target, schema, compression="snappy") as writer:
            while rows := cursor.fetchmany(_ROWS):
                columns = [pa.array([_to_text(v) for v in column], pa.string()) for column in zip(*rows, strict=True)]
                writer.write_table(pa.table(columns, schema=schema))
                taken += len(rows)
                tell(taken)
    connection.close()


def _to_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    text = str(value)
    return f"{Decimal(text):f}" if isinstance(value, float) and "e" in text else text


def _take_postgres(url: str, table: str, target: Path, tell: Callable[[int], None]) -> None:
    name = sql.SQL(".").join(map(sql.Identifier, table.split(".")))
    with psycopg.connect(url) as connection, connection.cursor() as cursor, target.open("wb") as out:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        asked = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')").format(name)
        with cursor.copy(asked) as copy:
            lines = 0
            for content in copy:
                out.write(content)
                lines += bytes(content).count(b"\n")
                if lines % _ROWS == 0:
                    tell(lines)
