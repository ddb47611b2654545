"""Every shape of expression, kind of field and step of an index is equal on Spark's own server; DuckDB answers sooner on one machine.

The suite of tests/engines runs first, on Spark itself: without it there is no figure. Then the same five questions go
to DuckDB, to Spark and to Sail over the same files; each answer is compared before it is timed. Spark runs from an
environment of its own, made for the run; Java 17 must be there. Last, the text of an expression is made by Ibis anew and
found again by its shape.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from run import Figure, Measured, Program

ROOT = Path(__file__).resolve().parents[1]
SPARK = "pyspark[connect]==4.3.0"
ROWS = int(os.environ.get("YUCUN_BENCH_ENGINE_ROWS", "10000000"))
FILES = 10
SCHEMA = pa.schema([("region", pa.string()), ("period", pa.string()), ("person", pa.int64()), ("amount", pa.int64())])

QUESTIONS: dict[str, Callable[[ir.Table], ir.Table]] = {
    "sum": lambda t: t.aggregate(total=t.amount.sum(), n=t.count()),
    "sum_by_region_and_month": lambda t: t.group_by("region", "period").aggregate(total=t.amount.sum()),
    "one_region": lambda t: t.filter(t.region == "330500000007").group_by("period").aggregate(total=t.amount.sum()),
    "distinct": lambda t: t.group_by("period").aggregate(n=t.person.nunique()),
    "p90": lambda t: t.group_by("region").aggregate(p90=t.amount.quantile(0.9)),
}


def make_files(folder: Path) -> list[Path]:
    """Made-up records under a seed, sorted by region and month, in ten files."""
    chance = np.random.default_rng(11)
    paths = []
    for number in range(FILES):
        size = ROWS // FILES
        region = np.sort(chance.integers(0, 1301, size))
        table = pa.table(
            {
                "region": pa.array([f"3305{n:08d}" for n in range(1301)]).take(pa.array(region)),
                "period": pa.array([f"{2012 + number}-{m:02d}" for m in range(1, 13)]).take(
                    pa.array(chance.integers(0, 12, size))
                ),
                "person": chance.integers(0, 3_400_000, size),
                "amount": chance.integers(-1_000, 1_000_000, size),
            },
            schema=SCHEMA,
        )
        paths.append(folder / f"{number}.parquet")
        pq.write_table(table, paths[-1], compression="zstd", row_group_size=122_880)
    return paths


def make_spark(folder: Path) -> Path:
    """An environment with Spark in it; returns its home."""
    named = os.environ.get("SPARK_HOME")
    if named:
        return Path(named)
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None or shutil.which("java") is None:
        raise SystemExit("this bench needs the programs uv (or UV) and java 17; or SPARK_HOME")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder / "spark")], check=True)
    python = str(folder / "spark" / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, SPARK], check=True)
    return next((folder / "spark").glob("lib/python*/site-packages/pyspark"))


def run_suite() -> None:
    """Run tests/engines on Spark's own server; nothing is measured where one of them fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "tests/engines", "-k", "spark] or spark-"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    sys.stderr.write(done.stdout[-2000:])
    if done.returncode:
        raise SystemExit("the engines differ; see above")


def time_best(call: Callable[[], Any], times: int = 3) -> float:
    """Seconds of the best of some runs, after one that warms."""
    call()
    took = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def measure() -> Measured:
    """Compare, then time, each question on the three; and the text of one expression."""
    sys.path.insert(0, str(ROOT))
    from tests.engines.both import assert_same  # noqa: PLC0415 - found only once the folder above is on the path
    from tests.engines.servers import Server  # noqa: PLC0415
    from yucun.kernel.lake.engine import Engine  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        os.environ["SPARK_HOME"] = str(make_spark(folder))
        run_suite()
        paths = make_files(folder)
        size = sum(path.stat().st_size for path in paths)
        duckdb = Engine()
        servers = {kind: Server(kind) for kind in ("spark", "sail")}
        try:
            others = {kind: Engine.open(server.url, folder) for kind, server in servers.items()}
            expressions = {name: ask(duckdb.table(paths, SCHEMA)) for name, ask in QUESTIONS.items()}
            for expression in expressions.values():
                for other in others.values():
                    assert_same(duckdb.run(expression), other.run(expression))
            took = {
                (name, kind): time_best(lambda e=expression, x=engine: x.run(e))
                for name, expression in expressions.items()
                for kind, engine in {"duckdb": duckdb, **others}.items()
            }
            for other in others.values():
                other.close()
        finally:
            for server in servers.values():
                server.stop()
        figures = [Figure(name, "s", took[name, "duckdb"], took[name, "spark"]) for name in QUESTIONS]
        figures += [Figure(f"{name}_beside_sail", "s", took[name, "duckdb"], took[name, "sail"]) for name in QUESTIONS]
        figures.append(time_texts(duckdb, paths))
    return Measured(
        ours=Program("yucun", "0.1.0"),
        peer=Program("pyspark", SPARK.partition("==")[2]),
        figures=tuple(figures),
        setting=f"{ROWS:,} rows in {FILES} files, {size / 1e6:.0f} MB, 2 threads each, answers compared first, best of 3 warm",
    )


def time_texts(engine: Any, paths: list[Path]) -> Figure:
    """Milliseconds until the text of a Theil index is there: found again by its shape, beside made anew by Ibis."""
    import ibis  # noqa: PLC0415 - only here

    from yucun.kernel.indicators import formulas  # noqa: PLC0415
    from yucun.kernel.lake.engines.duck import DuckText  # noqa: PLC0415

    table = engine.table(paths, SCHEMA)
    members = table.group_by("region", "period").aggregate(value=table.amount.mean(), weight=table.amount.count())
    members = members.mutate(weight=members.weight.cast("float64"), group=members.region, member=members.region)
    theil = formulas.SPREADS["theil_within"].formula(members)
    ours = time_best(lambda: engine.explain(theil))
    bare = theil.op().replace(
        lambda node, changed: (
            ibis.table(node.schema, name="t").op()
            if type(node).__name__ == "LakeFiles"
            else (node.__recreate__(changed) if changed else node)
        )
    )
    compiler = DuckText()
    peer = time_best(lambda: compiler.to_sqlglot(bare.to_expr()).sql(dialect="duckdb"))
    return Figure("text_of_an_expression", "ms", ours * 1e3, peer * 1e3)
