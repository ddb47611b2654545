"""Where feeds come from: files of an inbox, a table of a database, a file on the web; and putting files away."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import psycopg

from yucun.base.errors import Finding, Yours
from yucun.base.text import Text
from yucun.kernel.lake.running.declare import read_variable
from yucun.kernel.lake.running.model import DatabaseTable, Found, Inbox, WebFile

DONE, REFUSED = "done", "refused"
# What this door takes into memory at once; larger ones go by `yucun load`, which reads them in pieces.
MOST_BYTES = 64 * 1024 * 1024
_UNFINISHED = (".part", ".tmp", ".unfinished", ".crdownload", ".filepart", ".swp", "~")
_PATIENCE_S = 30.0


def list_inbox(root: Path, inbox: Inbox, now: datetime, quiet_s: float) -> list[Found]:
    """Return the files that have arrived whole, oldest first.

    A file that was written within the last seconds, or that changes while it is read, is left for the next look; so
    are names by which programs mark what they have not finished. Links are never followed.

    Parameters
    ----------
    now : datetime
        The machine's own time: files carry no other.
    quiet_s : float
        For how long a file must have been left alone.
    """
    folder = root / inbox.folder
    folder.mkdir(parents=True, exist_ok=True)
    waiting = []
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_file() or not _is_wanted(path.name, inbox.patterns):
            continue
        if now.timestamp() - path.stat().st_mtime >= quiet_s:
            waiting.append(path)
    waiting.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [found for path in waiting if (found := _read_whole(path)) is not None]


def _is_wanted(name: str, patterns: Sequence[str]) -> bool:
    if name.startswith((".", "~$")) or name.lower().endswith(_UNFINISHED):
        return False
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _mark(path: Path) -> tuple[int, ...]:
    said = path.stat()
    return (said.st_ino, said.st_size, said.st_mtime_ns)


def _read_whole(path: Path) -> Found | None:
    before = _mark(path)
    if before[1] > MOST_BYTES:
        raise Yours(_too_large(path.name))
    content = path.read_bytes()
    return Found(content, path.name, path, before) if _mark(path) == before and len(content) == before[1] else None


def put_away(found: Found, folder: str, prefix: str) -> bool:
    """Move a file into a folder beside it, unless it has changed or gone since it was read; True when it was moved."""
    if found.path is None:
        return False
    try:
        if _mark(found.path) != found.mark:
            return False
        home = found.path.parent / folder
        home.mkdir(exist_ok=True)
        found.path.replace(home / f"{prefix}_{found.name}")
    except FileNotFoundError:
        return False
    return True


def fetch_table(origin: DatabaseTable, name: str) -> Found:
    """Read a table of SQLite or PostgreSQL whole, as CSV in a fixed order, so that equal contents are an equal file."""
    url = read_variable(origin.url_from)
    scheme = urlsplit(url).scheme
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise Yours(_no_scheme(origin.url_from, scheme))
    heads, rows = _read_sqlite(url, origin.table) if scheme == "sqlite" else _read_postgres(url, origin.table)
    return Found(_to_csv(heads, rows, origin.table), name)


def _read_sqlite(url: str, table: str) -> tuple[list[str], Iterable[Sequence[Any]]]:
    path = unquote(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_PATIENCE_S)) as connection:
        cursor = connection.execute(f"SELECT * FROM {_quote(table)}")
        heads = [column[0] for column in cursor.description]
        return heads, _in_order(cursor.fetchmany(_most_rows(heads)), table, len(heads))


def _read_postgres(url: str, table: str) -> tuple[list[str], Iterable[Sequence[Any]]]:
    with psycopg.connect(url, connect_timeout=int(_PATIENCE_S)) as connection, connection.cursor() as cursor:
        connection.read_only = True
        cursor.execute(f"SELECT * FROM {_quote(table)}".encode())
        heads = [column.name for column in cursor.description or ()]
        return heads, _in_order(cursor.fetchmany(_most_rows(heads)), table, len(heads))


def _most_rows(heads: Sequence[str]) -> int:
    """One row more than a file of the largest size could hold: every cell is at least a comma."""
    return MOST_BYTES // max(1, len(heads)) + 1


def _in_order(rows: list[Any], table: str, width: int) -> list[list[str]]:
    if len(rows) > MOST_BYTES // max(1, width):
        raise Yours(_too_large(table))
    return sorted([["" if value is None else str(value) for value in row] for row in rows])


def _quote(table: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))


def _to_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]], table: str) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    content = buffer.getvalue().encode("utf-8")
    if len(content) > MOST_BYTES:
        raise Yours(_too_large(table))
    return content


def fetch_web(origin: WebFile, name: str) -> Found:
    """Fetch a file by HTTP; what is not an answer with 200 is an error that says the status."""
    address = origin.address or read_variable(origin.address_from)
    if urlsplit(address).scheme not in ("http", "https"):
        raise Yours(_no_scheme(origin.address_from or "address", urlsplit(address).scheme))
    pieces, size = [], 0
    with httpx.stream("GET", address, timeout=_PATIENCE_S, follow_redirects=True) as answer:
        if answer.status_code != 200:
            raise Yours(_not_answered(address, answer.status_code))
        for piece in answer.iter_bytes():
            size += len(piece)
            if size > MOST_BYTES:
                raise Yours(_too_large(address))
            pieces.append(piece)
    ending = PurePosixPath(unquote(urlsplit(address).path)).suffix
    return Found(b"".join(pieces), f"{name}{ending if len(ending) < 8 else ''}")


def _too_large(name: str) -> Finding:
    most = f"{MOST_BYTES >> 20} MiB"
    return Finding(
        "feeds.too_large", name[:120], "too large", most,
        Text(
            f"「{name[:80]}」超过自动收数的上限 {most}；请用 yucun load 装载，或拆成几个文件",
            f"'{name[:80]}' is above the {most} that are taken by themselves; use `yucun load`, or split it into several files",
        ),
    )  # fmt: skip


def _no_scheme(where: str, scheme: str) -> Finding:
    return Finding(
        "feeds.address_kind", where, scheme[:40] or "nothing", "sqlite:///… , postgresql://… , http(s)://…",
        Text(
            f"「{where}」里的地址类型「{scheme[:40]}」不能用；请核对",
            f"the kind of address '{scheme[:40]}' in {where} cannot be used; check it",
        ),
    )  # fmt: skip


def _not_answered(address: str, status: int) -> Finding:
    host = urlsplit(address).netloc
    return Finding(
        "feeds.not_answered", host, str(status), "200",
        Text(f"{host} 答复 {status}；请与报送单位核对地址和权限", f"{host} answered {status}; check address and access with the supplier"),
    )  # fmt: skip
