"""A hundred million rows are checked, sorted and kept at 0.4 of the speed at which DuckDB writes them unchecked; CSV at 0.5.

Ours reads the file, checks all of the contract, finds duplicate keys, writes quarantine and sorted parts, hashes every
file and commits. DuckDB writes the same columns, lineage among them, into the same parts in the same order, and checks
nothing; of the ways to say that to it the fastest on a tenth of the rows is taken. Beside them, on a million rows:
pandera over pandas, and one pydantic model a row, which check values but neither regions by day nor keys nor write.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from lake_rows import (
    TODAY,
    list_villages,
    read_bench_contract,
    read_bench_place,
    tell_truth,
    write_rows,
)
from run import Figure, Measured, Program

from yucun.base.clock import SimulatedClock
from yucun.kernel.books import Books
from yucun.kernel.lake.bulk.load import BulkSent, load_bulk
from yucun.kernel.lake.bulk.model import Limits
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.store import ORGAN, REFUSED, Lake

PARQUET_ROWS = int(os.environ.get("YUCUN_BENCH_ROWS", "100000000"))
CSV_ROWS = int(os.environ.get("YUCUN_BENCH_CSV_ROWS", "20000000"))
SMALL_ROWS = min(1_000_000, PARQUET_ROWS)
GIB = 1 << 30
MOST_MEMORY = 6 * GIB
LIMITS = Limits(memory=4 * GIB, threads=2)
PEER_MEMORY = "5GB"
TRIAL = 10


@dataclass(frozen=True)
class Took:
    """What one run took: seconds by the clock and of the processors, and the most memory it had with its children, in bytes."""

    seconds: float
    processor_s: float
    memory: int


def measure() -> Measured:
    """Run ours and the peer one after the other on the same files, Parquet and then CSV."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="yucun-bench-") as name:
        folder = Path(name)
        said = []
        for kind, rows in (("parquet", PARQUET_ROWS), ("csv", CSV_ROWS)):
            figures += _measure_kind(folder, kind, rows, said)
        figures += _measure_small(folder)
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("duckdb", version("duckdb")),
        figures=tuple(figures),
        setting=(
            f"{PARQUET_ROWS:,} rows as Parquet, {CSV_ROWS:,} as CSV, one row in a thousand bad, 13 faults; 2 threads; "
            f"ours under {LIMITS.memory // GIB} GiB, DuckDB under {PEER_MEMORY}; {'; '.join(said)}"
        ),
    )


def _measure_kind(folder: Path, kind: str, rows: int, said: list[str]) -> list[Figure]:
    source = write_rows(folder / f"rows.{kind}", 0, rows, kind=kind)  # type: ignore[arg-type]
    size = source.stat().st_size
    with open_lake(folder / "city") as lake:
        took, landing = watch(lambda: load(lake, source))
        print(f"  {kind}: {took}", flush=True)
        _require_truth(lake, landing, rows)
        kept = sum(file.size for file in lake.files("hub.visit"))
        ours_files = len(lake.files("hub.visit"))
    shutil.rmtree(folder / "city")
    way = _choose_peer(folder, kind, rows)
    peer, written = _run_peer(folder / "peer", source, kind, way)
    print(f"  {kind}: peer by {way}: {peer}", flush=True)
    shutil.rmtree(folder / "peer")
    source.unlink()
    said.append(f"{kind}: {size:,} bytes in, {kept:,} and {written:,} bytes out in {ours_files} parts, peer by {way}")
    if took.memory > MOST_MEMORY:
        raise SystemExit(f"{kind}: {took.memory:,} bytes of memory")
    return [
        Figure(f"{kind} rows", "rows/s", ours=rows / took.seconds, peer=rows / peer.seconds),
        Figure(f"{kind} seconds", "s", ours=took.seconds, peer=peer.seconds),
        Figure(f"{kind} seconds of processors", "s", ours=took.processor_s, peer=peer.processor_s),
        Figure(f"{kind} ratio of speeds", "", ours=peer.seconds / took.seconds, peer=1.0),
        Figure(f"{kind} memory", "GiB", ours=took.memory / GIB, peer=peer.memory / GIB),
        Figure(f"{kind} rows quarantined", "records", ours=landing.refused, peer=0.0),
        Figure(f"{kind} rows wrongly judged", "records", ours=0.0, peer=0.0),
    ]


# -- ours -----------------------------------------------------------------------------------------------------------


@contextmanager
def open_lake(folder: Path, partition_by: str = "") -> Iterator[Lake]:
    """A lake with the one table, in an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    books = Books.open(f"sqlite:///{folder}/books.sqlite", [ORGAN], SimulatedClock.on(TODAY, ticking=False))
    contract = read_bench_contract(partition_by)
    try:
        yield Lake(folder / "lake", books, {contract.name: contract}, Engine())
    finally:
        books.close()


def load(lake: Lake, source: Path, limits: Limits = LIMITS, *, correct: bool = False) -> Landing:
    """Load a file in a child process, as the command line does."""
    sent = BulkSent(str(source), "hub.visit", "clerk", {}, correct)
    return load_bulk(lake, read_bench_place().regions, sent, TODAY, limits=limits)


def _require_truth(lake: Lake, landing: Landing, rows: int) -> None:
    """Quarantine must hold the seeded faults, each with its own finding, and nothing else."""
    truth = tell_truth(0, rows)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("truth", truth)
        paths = [str(lake.folder / file.name) for file in lake.files("hub.visit" + REFUSED)]
        connection.execute(
            "CREATE TABLE got AS SELECT _record AS record, list_sort(list_transform(from_json(findings, "
            """'[{"kind": "VARCHAR"}]'), lambda f: f.kind)) AS kinds FROM read_parquet($1)""",
            [paths],
        )
        wrong = connection.execute(
            "SELECT count(*) FROM (SELECT record, [finding] AS kinds FROM truth WHERE finding <> '') t "
            "FULL JOIN got g USING (record) WHERE t.kinds IS DISTINCT FROM g.kinds"
        ).fetchone()
        repeats = connection.execute("SELECT count(*) FROM truth WHERE fault = 'repeat'").fetchone()
    assert wrong is not None
    assert repeats is not None
    if wrong[0] or landing.repeated != repeats[0] or landing.landed != rows - landing.refused - landing.repeated:
        raise SystemExit(f"quarantine differs from the seeded faults in {wrong[0]} records; {landing}")


# -- the peer -------------------------------------------------------------------------------------------------------

_PEER = """
import sys, duckdb
from pathlib import Path
source, kind, target, way, memory = sys.argv[1:6]
connection = duckdb.connect(config={"threads": 2, "memory_limit": memory, "temp_directory": target + "/temporary"})
connection.execute("SET enable_progress_bar = false")
read = (f"(SELECT *, file_row_number + 1 AS _record FROM read_parquet('{source}', file_row_number = true))"
        if kind == "parquet" else
        f"(SELECT *, row_number() OVER () AS _record FROM read_csv('{source}', all_varchar = true))")
village, domain = "village", "domain"
if way.endswith("small numbers"):
    connection.execute(f"CREATE TYPE v AS ENUM (SELECT DISTINCT village FROM {read} ORDER BY 1)")
    connection.execute(f"CREATE TYPE d AS ENUM (SELECT DISTINCT domain FROM {read} ORDER BY 1)")
    village, domain = "village::v", "domain::d"
rows = f'''SELECT {village} AS village, TRY_CAST(day AS DATE) AS day, {domain} AS domain, TRY_CAST(number AS BIGINT) AS number,
  TRY_CAST(person AS BIGINT) AS person, TRY_CAST(amount_fen AS BIGINT) AS amount_fen, TRY_CAST(minutes AS DOUBLE) AS minutes,
  source, '{"a" * 64}' AS _file, _record FROM {read}'''
form = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"
order = "ORDER BY village, day, number"
if way.startswith("one statement"):
    connection.execute(f"COPY (SELECT *, year(day) AS part FROM ({rows}) {order}) TO '{target}' ({form}, PARTITION_BY (part))")
else:
    if kind == "csv":
        connection.execute(f"CREATE TABLE taken AS {rows}")
        rows = "FROM taken"
    years = [y for (y,) in connection.execute(f"SELECT DISTINCT year(day) FROM ({rows})").fetchall()]
    for year in years:
        which = f"year(day) = {year}" if year is not None else "day IS NULL"
        connection.execute(f"COPY (SELECT * FROM ({rows}) WHERE {which} {order}) TO '{target}/{year}.parquet' ({form})")
"""
WAYS = (
    "one statement",
    "one statement, texts as small numbers",
    "a statement for each part",
    "a statement for each part, texts as small numbers",
)


def _choose_peer(folder: Path, kind: str, rows: int) -> str:
    """The fastest way to say it, on a tenth of the rows."""
    trial = write_rows(folder / f"trial.{kind}", 0, max(1, rows // TRIAL), kind=kind)  # type: ignore[arg-type]
    times = {}
    for way in WAYS:
        times[way] = _run_peer(folder / "trial", trial, kind, way)[0].seconds
        shutil.rmtree(folder / "trial")
    trial.unlink()
    return min(times, key=times.__getitem__)


def _run_peer(target: Path, source: Path, kind: str, way: str) -> tuple[Took, int]:
    target.mkdir()
    said = [str(source), kind, str(target), way, PEER_MEMORY]
    took, _ = watch(lambda: subprocess.run([sys.executable, "-c", textwrap.dedent(_PEER), *said], check=True))
    return took, sum(path.stat().st_size for path in target.rglob("*.parquet"))


# -- other checkers on a million rows ----------------------------------------------------------------------------------


def _measure_small(folder: Path) -> list[Figure]:
    source = write_rows(folder / "small.parquet", 0, SMALL_ROWS)
    with open_lake(folder / "small") as lake:
        ours = SMALL_ROWS / watch(lambda: load(lake, source))[0].seconds
    table = pq.read_table(source)
    figures = []
    for name, check in (("pandera over pandas", _check_pandera), ("pydantic, a model a row", _check_pydantic)):
        began = time.perf_counter()
        check(table)
        peer = SMALL_ROWS / (time.perf_counter() - began)
        figures.append(Figure(f"one million rows, {name}", "rows/s", ours=ours, peer=peer))
    return figures


def _check_pandera(table: pa.Table) -> int:
    """Check values only, in memory: no regions by day, no keys, no file."""
    import pandas as pd  # noqa: PLC0415 - only here
    import pandera.pandas as pandera  # noqa: PLC0415 - only here

    codes = list(read_bench_contract().get_field("domain").codes or {})
    schema = pandera.DataFrameSchema(
        {
            "village": pandera.Column(str, pandera.Check.isin(list_villages())),
            "day": pandera.Column("datetime64[ns]", pandera.Check.le(pd.Timestamp(TODAY)), coerce=False),
            "domain": pandera.Column(str, pandera.Check.isin(codes)),
            "number": pandera.Column("int64"),
            "person": pandera.Column("Int64"),
            "amount_fen": pandera.Column("Int64", pandera.Check.in_range(0, 100_000_000)),
            "minutes": pandera.Column("float64", pandera.Check.in_range(0, 1440), nullable=True),
            "source": pandera.Column(
                str, [pandera.Check.str_length(max_value=16), pandera.Check.str_matches(r"^[A-Z]{2}-[0-9]{4}$")]
            ),
        }
    )
    frame = table.to_pandas()
    frame["day"] = pd.to_datetime(frame["day"], format="%Y-%m-%d", errors="coerce").astype("datetime64[ns]")
    frame["amount_fen"] = pd.to_numeric(frame["amount_fen"], errors="coerce").astype("Int64")
    frame["person"] = frame["person"].astype("Int64")
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        return len(error.failure_cases)
    raise SystemExit("pandera found no fault")


def _check_pydantic(table: pa.Table) -> int:
    """Check values only, row by row."""
    from datetime import date  # noqa: PLC0415 - only here
    from typing import Annotated, Literal  # noqa: PLC0415 - only here

    from pydantic import AfterValidator, BaseModel, Field, ValidationError  # noqa: PLC0415 - only here

    villages = frozenset(list_villages())

    def known(code: str) -> str:
        if code not in villages:
            raise ValueError(code)
        return code

    def past(day: date) -> date:
        if day > TODAY:
            raise ValueError(day)
        return day

    codes = tuple(read_bench_contract().get_field("domain").codes or {})
    domain: Any = Literal[codes]  # type: ignore[valid-type]
    fields: dict[str, Any] = {
        "village": Annotated[str, AfterValidator(known)],
        "day": Annotated[date, AfterValidator(past)],
        "domain": domain,
        "number": int,
        "person": int,
        "amount_fen": Annotated[int, Field(ge=0, le=100_000_000)],
        "minutes": Annotated[float, Field(ge=0, le=1440)] | None,
        "source": Annotated[str, Field(max_length=16, pattern=r"^[A-Z]{2}-[0-9]{4}$")],
    }
    model = type("Visit", (BaseModel,), {"__annotations__": fields, "__module__": __name__})
    refused = 0
    for batch in table.to_batches(max_chunksize=50_000):
        for row in batch.to_pylist():
            try:
                model(**row)
            except ValidationError:
                refused += 1
    if not refused:
        raise SystemExit("pydantic found no fault")
    return refused


# -- how much memory ------------------------------------------------------------------------------------------------


def watch(action: Callable[[], Any]) -> tuple[Took, Any]:
    """Run something; return how long it took and the most memory that this process and its children had together."""
    most, is_over = [0], threading.Event()
    own = _resident(os.getpid())

    def look() -> None:
        while not is_over.wait(0.05):
            most[0] = max(most[0], sum(_resident(pid) for pid in _family()) - own)

    looking = threading.Thread(target=look)
    looking.start()
    began, worked = time.perf_counter(), _processor_s()
    try:
        answer = action()
    finally:
        took = time.perf_counter() - began
        is_over.set()
        looking.join()
    return Took(took, _processor_s() - worked, most[0]), answer


def _processor_s() -> float:
    """Seconds of all processors that this process and its finished children have used."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def _family() -> list[int]:
    """This process and all below it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        parents.setdefault(int(words[1]), []).append(int(stat.parent.name))
    family = [os.getpid()]
    for pid in family:
        family += parents.get(pid, [])
    return family


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
