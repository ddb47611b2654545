"""A thousand million rows load and answer on one machine under 8 GiB, and time grows with the rows, not faster.

From a million rows upwards, ten times as many each time, month by month: seconds to load, memory, bytes in the lake,
and three questions. The peer is straight growth from a tenth of the rows. What a hundred thousand million rows would
need is worked out here from the largest size, so that `docs/ideas/scale.md` need not copy a figure.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import ibis
from lake_load import GIB, load, open_lake, watch
from lake_rows import DAYS, write_rows
from run import Figure, Measured, Program

from yucun.kernel.lake.bulk.model import Limits
from yucun.kernel.lake.store import Lake

MOST_ROWS = int(os.environ.get("YUCUN_BENCH_ROWS", "1000000000"))
CHUNK = 100_000_000
MOST_MEMORY = 8 * GIB
LIMITS = Limits(memory=5 * GIB, threads=2)
HUB_ROWS = 100_000_000_000
SECONDS_A_DAY = 86_400
# What the hub of a city takes in on a day when 100 billion rows came in over ten years.
HUB_ROWS_A_DAY = HUB_ROWS // DAYS


@dataclass(frozen=True)
class Size:
    """What one number of rows took."""

    rows: int
    load_s: float
    memory: int
    bytes_in: int
    bytes_kept: int
    files: int
    sum_s: float
    group_s: float
    series_s: float


def measure() -> Measured:
    """Load each size into a lake of its own, ask, and let go of it."""
    sizes = []
    rows = 1_000_000
    while rows <= MOST_ROWS:
        with tempfile.TemporaryDirectory(prefix="yucun-bench-") as name:
            sizes.append(_measure_size(Path(name), rows))
        print(sizes[-1], flush=True)
        rows *= 10
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("straight growth from a tenth of the rows", version("yucun")),
        figures=tuple(_figures(sizes)),
        setting=f"up to {sizes[-1].rows:,} rows in files of at most {CHUNK:,}, parted by month, full contract, 2 threads",
    )


def _measure_size(folder: Path, rows: int) -> Size:
    """Chunks follow one another in time, as a backlog is brought in; each source file is removed once it is loaded."""
    chunks = max(1, rows // CHUNK)
    load_s, memory, bytes_in = 0.0, 0, 0
    with open_lake(folder / "city", "month") as lake:
        for number in range(chunks):
            source = folder / f"rows-{number}.parquet"
            first = DAYS * number // chunks
            span = (first, DAYS * (number + 1) // chunks - first)
            write_rows(source, number * CHUNK, min(rows, CHUNK), span=span)
            bytes_in += source.stat().st_size
            took, landing = watch(lambda source=source: load(lake, source, LIMITS))  # type: ignore[misc]
            source.unlink()
            if landing.records != min(rows, CHUNK):
                raise SystemExit(f"{landing.records:,} records of {min(rows, CHUNK):,}")
            load_s, memory = load_s + took.seconds, max(memory, took.memory)
        answers, most = watch(lambda: _ask(lake))[::-1]
        files = lake.files("hub.visit")
        size = Size(
            rows, load_s, max(memory, most.memory), bytes_in, sum(f.size for f in files), len(files), *answers
        )  # fmt: skip
    shutil.rmtree(folder / "city")
    if size.memory > MOST_MEMORY:
        raise SystemExit(f"{size.memory:,} bytes of memory for {rows:,} rows")
    return size


def _ask(lake: Lake) -> tuple[float, float, float]:
    """Sum all; sum by village and domain; one village's year by day: straight from the records, without cells."""
    rows = lake.table("hub.visit")
    one = lake.table("hub.visit", parts=[f"2019-{month:02d}" for month in range(1, 13)])
    village = "330502001005"
    questions = (
        rows.aggregate(total=rows.amount_fen.sum().cast("decimal(38, 0)")),
        rows.group_by("village", "domain").aggregate(total=rows.amount_fen.sum().cast("decimal(38, 0)")),
        one.filter(one.village == village).group_by("day").aggregate(people=ibis._.person.nunique()),
    )
    times = []
    for question in questions:
        began = time.perf_counter()
        if not lake.engine.run(question).num_rows:
            raise SystemExit("a question had no answer")
        times.append(time.perf_counter() - began)
    return times[0], times[1], times[2]


def _figures(sizes: list[Size]) -> list[Figure]:
    figures = []
    for before, size in zip([None, *sizes], sizes, strict=False):
        grown = size.rows / before.rows if before else 1.0
        base = before or size
        for name, unit, now, then in (
            ("seconds to load", "s", size.load_s, base.load_s),
            ("seconds of a full sum", "s", size.sum_s, base.sum_s),
            ("seconds of a sum by village and domain", "s", size.group_s, base.group_s),
            ("seconds of one village's year", "s", size.series_s, base.series_s),
            ("bytes in the lake", "B", size.bytes_kept, base.bytes_kept),
        ):
            figures.append(Figure(f"{size.rows:,} rows: {name}", unit, ours=now, peer=then * grown))
        figures.append(
            Figure(f"{size.rows:,} rows: most memory", "GiB", ours=size.memory / GIB, peer=base.memory / GIB)
        )
    return figures + _at_the_hub(sizes[-1])


def _at_the_hub(size: Size) -> list[Figure]:
    """A hundred thousand million rows: what this one machine would take, and how many of it a cluster would be."""
    times = HUB_ROWS / size.rows
    load_s = size.load_s * times
    day_s = size.load_s * HUB_ROWS_A_DAY / size.rows
    return [
        Figure("at 100 billion rows: bytes in the lake", "TB", ours=size.bytes_kept * times / 1e12, peer=0.0),
        Figure("at 100 billion rows: days to load all on this machine", "days", ours=load_s / SECONDS_A_DAY, peer=0.0),
        Figure("at 100 billion rows: minutes to load one day's rows", "min", ours=day_s / 60, peer=0.0),
        Figure("at 100 billion rows: seconds of a full sum", "s", ours=size.sum_s * times, peer=0.0),
        Figure("at 100 billion rows: such machines for a full sum in 10 s", "", ours=size.sum_s * times / 10, peer=0.0),
        Figure(
            "at 100 billion rows: such machines to load all in 10 days", "", ours=load_s / SECONDS_A_DAY / 10, peer=0.0
        ),
    ]
