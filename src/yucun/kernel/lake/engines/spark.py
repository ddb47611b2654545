"""Spark over Spark Connect: the same texts of expressions over the same Parquet files, read and never written.

The client is `pyspark-client` (the extra ``yucun[spark]``); no Java is needed here. Files and rows in memory stand as
temporary views of one session. Any server that speaks Spark Connect will do; Sail is one without Java.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import uuid
import warnings
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql.datatypes import PySparkType

from yucun.base.errors import Yours
from yucun.kernel.lake.engines.same import check_same
from yucun.kernel.lake.engines.shape import Slot, Text, Texts
from yucun.kernel.lake.engines.spark_text import compile_for_spark
from yucun.kernel.lake.engines.told import (
    bad_engine,
    bad_path,
    missing_files,
    no_answer,
    no_client,
    too_large,
    unreachable,
)

DEFAULT_PORT = 15002
_MOST_VIEWS = 400
_PATIENCE_S = 10
_RETRIES = 4
# What every query rests on, whatever the server's own settings are.
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
}
_TOO_LARGE = ("ARITHMETIC_OVERFLOW", "CAST_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE", "out of range", "verflow")
_GLOB = frozenset("*?[]{}\\")


@dataclass(frozen=True, slots=True)
class Seen:
    """How the cluster sees the lake's folder.

    Parameters
    ----------
    folder : Path
        The lake's folder here.
    as_ : str
        The same folder there (``s3a://bucket/lake``, ``hdfs://…``, ``file:///mnt/lake``); empty when it is the same.
    """

    folder: Path
    as_: str = ""

    def path(self, path: str) -> str:
        """Return a path of the lake as the cluster sees it."""
        if not self.as_:
            return str(Path(path).absolute())
        return f"{self.as_.rstrip('/')}/{Path(path).relative_to(self.folder).as_posix()}"


class Spark:
    """Runs expressions on a server of Spark Connect.

    Parameters
    ----------
    url : str
        ``sc://host:port``, with whatever Spark Connect allows behind it (``/;token=…;use_ssl=true``).
    seen : Seen
        How the server sees the lake's folder.
    at_once : int
        Queries at one time; one more waits for its turn.

    Raises
    ------
    Yours
        ``engine.extra`` without the extra, ``engine.unreachable`` without a server.
    """

    def __init__(self, url: str, seen: Seen, at_once: int = 8) -> None:
        self.url = url
        self._seen = seen
        self._turns = threading.BoundedSemaphore(at_once)
        self._session = _connect(url)
        self._views: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._used: Counter[str] = Counter()
        self._viewing = threading.Lock()
        self.texts = Texts(partial(_compile, wraps=_wraps(self._session)))

    def run(self, text: Text, slots: Sequence[Slot]) -> pa.Table:
        """Compute a text over what stands in its slots."""
        with self._turns, self._standing(slots) as names:
            try:
                found: pa.Table = self._session.sql(text.filled(names)).toArrow()
            except Exception as error:
                raise _tell(error, self.url) from error
        return found

    @contextmanager
    def _standing(self, slots: Sequence[Slot]) -> Iterator[list[str]]:
        standing: list[str] = []
        names: list[str] = []
        try:
            with self._viewing:
                for slot in slots:
                    if slot.rows is not None and not slot.rows.num_rows:
                        standing.append(_no_rows(slot))
                        continue
                    name = self._view(slot)
                    self._used[name] += 1
                    names.append(name)
                    standing.append(f"`{name}`")
            yield standing
        finally:
            with self._viewing:
                for name in names:
                    self._used[name] -= 1
                    if not self._used[name]:
                        del self._used[name]
                        if name not in self._views:
                            self._drop(name)
                self._forget()

    def _view(self, slot: Slot) -> str:
        try:
            if slot.rows is not None:
                name = f"rows_{uuid.uuid4().hex}"
                self._session.createDataFrame(slot.rows).createOrReplaceTempView(name)
                return name
            columns = ", ".join(f"`{n}` {PySparkType.to_string(t)}" for n, t in slot.columns.items())
            name = f"lake_{uuid.uuid5(uuid.NAMESPACE_URL, columns + chr(10).join(slot.paths)).hex}"
            if name not in self._views:
                paths = [self._path(path) for path in slot.paths]
                rows = self._session.read.schema(columns).parquet(*paths)
                # Spark itself stops at a file that is not there; Sail would answer from the others.
                if len(rows.inputFiles()) != len(paths):
                    raise Yours(missing_files(self.url, paths))
                rows.createOrReplaceTempView(name)
                self._views[name] = slot.paths
            self._views.move_to_end(name)
        except Yours:
            raise
        except Exception as error:
            raise _tell(error, self.url) from error
        return name

    def _path(self, path: str) -> str:
        there = self._seen.path(path)
        if _GLOB.intersection(there):
            raise Yours(bad_path(there))
        return there

    def _forget(self) -> None:
        for name in [n for n in self._views if n not in self._used][: max(0, len(self._views) - _MOST_VIEWS)]:
            del self._views[name]
            self._drop(name)

    def _drop(self, name: str) -> None:
        # A view that cannot be dropped goes with the session.
        with suppress(Exception):
            self._session.catalog.dropTempView(name)

    def close(self) -> None:
        """End the session; the server stays."""
        with suppress(Exception):
            self._session.stop()


def _no_rows(slot: Slot) -> str:
    columns = ", ".join(f"CAST(NULL AS {PySparkType.to_string(t)}) AS `{n}`" for n, t in slot.columns.items())
    return f"(SELECT {columns} WHERE 1 = 0)"


def _compile(expression: ir.Table, *, wraps: bool) -> str:
    findings = check_same(expression.op())
    if findings:
        raise Yours(findings)
    return compile_for_spark(expression, wraps=wraps)


def _connect(url: str) -> Any:
    """Open a session of our own."""
    try:
        with warnings.catch_warnings(), _main_with_file():
            # Rows come and go as Arrow; pandas, which the client warns about, is not used.
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
            # Half a second that only a city on Spark need pay, and only with the extra.
            from pyspark.logger import PySparkLogger  # noqa: PLC0415
            from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415
            from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise Yours(no_client(url)) from error
    _require_server(url)
    # What Spark refuses is told in the city's words; the client would write it once more, with Java's stack.
    PySparkLogger.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    try:
        session = SparkSession.builder.remote(url).create()
        # The client would knock for ten minutes at a server that has gone, also when the city closes.
        session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES, max_backoff=1000)])
        for name, value in _SETTINGS.items():
            session.conf.set(name, value)
    except Exception as error:
        raise _tell(error, url) from error
    return session


@contextmanager
def _main_with_file() -> Iterator[None]:
    """Give the main module a file while the client is imported.

    A program without one (``python -c``, a worker of another process) is taken by the client for a doctest of its
    own, looks for a whole Spark on this machine and ends the program when there is none.
    """
    main = sys.modules["__main__"]
    is_bare = main.__spec__ is None and not hasattr(main, "__file__")
    if is_bare:
        main.__file__ = "<program>"
    try:
        yield
    finally:
        if is_bare:
            del main.__file__


def _require_server(url: str) -> None:
    """Knock first: the client itself would try for minutes before it says that nobody is there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORT
    except ValueError:
        host, port = "", 0
    if not (url.startswith("sc://") and host and port):
        raise Yours(bad_engine(url))
    try:
        socket.create_connection((host, port), timeout=_PATIENCE_S).close()
    except OSError as error:
        raise Yours(unreachable(url, str(error))) from error


def _tell(error: Exception, url: str) -> Exception:
    """Say in the city's words what Spark said; what is no answer of Spark's stays as it is."""
    said = str(error).strip()
    if isinstance(error, Yours) or not type(error).__module__.startswith(("pyspark", "grpc")):
        return error
    if "StatusCode.UNAVAILABLE" in said or type(error).__module__.startswith("grpc"):
        return Yours(unreachable(url, said))
    if any(word in said for word in _TOO_LARGE):
        return Yours(too_large(said))
    return Yours(no_answer("Spark", said))


def _wraps(session: Any) -> bool:
    """Whether the server lets whole numbers wrap past 64 bits without a word."""
    try:
        session.sql("SELECT max(id) + 1 AS n FROM VALUES (9223372036854775807L) AS t(id)").toArrow()
    except Exception as error:
        if any(word in str(error) for word in _TOO_LARGE):
            return False
        raise
    return True
