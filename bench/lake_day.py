"""One more day with late and corrected rows reads at most three times what it adds, and the parts that it touches.

A day's file holds new rows of that day, one in a hundred late (some earlier day's), one in a thousand a correction of a
row that is held. Only parts of which the file has rows are looked at, of these the key's columns, and only files that
hold a corrected row are read whole and written again. The peer is what the claim allows.
"""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb
from lake_load import GIB, load, open_lake, watch
from lake_rows import COLUMNS, DAYS, rows_sql, write_rows
from run import Figure, Measured, Program

from yucun.kernel.lake.bulk.model import Limits

ROWS = int(os.environ.get("YUCUN_BENCH_ROWS", "10000000"))
DAY_ROWS = max(10_000, ROWS // DAYS)
LATE, CORRECTED = DAY_ROWS // 100, DAY_ROWS // 1_000
LIMITS = Limits(memory=4 * GIB, threads=2)
DAY_FACTOR = 3


def measure() -> Measured:
    """Load all days but the last, then the last with its late and corrected rows."""
    with tempfile.TemporaryDirectory(prefix="yucun-bench-") as name:
        folder = Path(name)
        source = write_rows(folder / "rows.parquet", 0, ROWS, span=(0, DAYS - 1))
        with open_lake(folder / "city", "month") as lake:
            load(lake, source, LIMITS)
            before = {file.name: file for file in lake.files("hub.visit")}
            day = _write_day(folder / "day.parquet")
            took, landing = watch(lambda: load(lake, day, LIMITS, correct=True))
            after = {file.name: file for file in lake.files("hub.visit")}
            with lake.books.read() as tx:
                line = tx.find_line(landing.key)
            assert line is not None
            read = int(line.payload["bytes_read"])
        added = [after[n] for n in after.keys() - before.keys()]
        parts = {file.part for file in added}
        touched = sum(file.size for file in before.values() if file.part in parts)
        held = sum(file.size for file in before.values())
    if landing.corrected != CORRECTED:
        raise SystemExit(f"{landing.corrected} rows corrected of {CORRECTED}: {landing}")
    allowed = DAY_FACTOR * sum(file.size for file in added) + touched
    if read > allowed:
        raise SystemExit(f"{read:,} bytes read, {allowed:,} allowed")
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("three times the files added, and the parts touched", version("yucun")),
        figures=(
            Figure("bytes read", "B", ours=read, peer=allowed),
            Figure("bytes of the table", "B", ours=held, peer=held),
            Figure("seconds from file to commit", "s", ours=took.seconds, peer=10.0),
            Figure("files written again", "", ours=float(len(before.keys() - after.keys())), peer=float(len(before))),
            Figure("parts touched", "", ours=float(len(parts)), peer=float(len({f.part for f in before.values()}))),
        ),
        setting=f"{ROWS:,} rows held by month; {DAY_ROWS:,} rows more, {LATE:,} late, {CORRECTED:,} corrections",
    )


def _write_day(path: Path) -> Path:
    """New rows of the last day, late rows of any day, and held rows with another amount."""
    names = ", ".join(COLUMNS)
    changed = ", ".join(f"(amount_fen::BIGINT + 1)::VARCHAR AS {n}" if n == "amount_fen" else n for n in COLUMNS)
    new = rows_sql(2 * ROWS, DAY_ROWS - LATE - CORRECTED, span=(DAYS - 1, 1))
    late = rows_sql(4 * ROWS, LATE, span=(0, DAYS - 1))
    held = rows_sql(0, 8 * CORRECTED, span=(0, DAYS - 1))
    # Every second row is held for sure: faults fall on odd ones; a row whose key was given twice was refused.
    sure = f"number % 2 = 1 AND number + 1 NOT IN (SELECT record FROM ({held}) WHERE fault = 'duplicate_key')"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {names} FROM ({new}) UNION ALL SELECT {names} FROM ({late}) UNION ALL "
            f"SELECT {changed} FROM (SELECT * FROM ({held}) WHERE {sure} ORDER BY number LIMIT {CORRECTED})) "
            f"TO '{path}' (FORMAT parquet)"
        )
    return path
