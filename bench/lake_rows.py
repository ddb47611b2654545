"""Made-up rows of a hub, with a known tenth of a percent of bad ones, are made as fast as they are written.

`write_rows` writes any stretch of an endless table that is a function of the seed: row i is worked out from i alone,
so that chunks can be made one by one, and the truth about every bad row is known without reading a file.
"""

from __future__ import annotations

import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
from run import Figure, Measured, Program

from yucun.kernel import registry
from yucun.kernel.lake.contract import Contract, read_contracts
from yucun.kernel.registry import Place, read_place

HERE = Path(__file__).resolve().parent
SEED = 20220531
TODAY = date(2022, 5, 31)
FIRST_DAY, DAYS = date(2012, 6, 1), 3652
PEOPLE_PER_VILLAGE = 2_600
# One bad row among so many.
BAD_EVERY = 1_000
# Kind of the seeded fault to the finding it must make; "repeat" makes none, it is dropped and counted.
FAULTS = {
    "unknown_region": "lake.unknown_region", "region_level": "lake.region_level", "future": "lake.future",
    "not_a_date": "lake.not_a_date", "too_low": "lake.out_of_range", "too_high": "lake.out_of_range",
    "not_a_number": "lake.not_a_number", "unknown_code": "lake.unknown_code", "missing": "lake.required",
    "too_long": "lake.too_long", "pattern": "lake.pattern", "duplicate_key": "lake.duplicate_key", "repeat": "",
}  # fmt: skip
COLUMNS = ("village", "day", "domain", "number", "person", "amount_fen", "minutes", "source")


def read_bench_contract(partition_by: str = "") -> Contract:
    """The contract of ``hub.visit``; ``partition_by`` says year, month or day in place of the year."""
    contracts, findings = read_contracts(HERE / "lake_contract.toml", "hub")
    assert not findings, findings
    if partition_by:
        from dataclasses import replace  # noqa: PLC0415 - only here

        return replace(contracts[0], partition_by=partition_by)
    return contracts[0]


def read_bench_place() -> Place:
    """Huzhou, whose villages the rows are about."""
    return read_place(Path(registry.__file__).parents[2] / "places" / "huzhou")


def rows_sql(start: int, rows: int, seed: int = SEED, ids: str = "", span: tuple[int, int] = (0, DAYS)) -> str:
    """SQL of rows ``start`` to ``start + rows - 1``, with two columns more: ``record`` from 1 on, and ``fault``.

    ``span`` says on which days they lie: how many after the first day they begin, and how many days they cover.
    ``ids`` may name a table with a column ``i`` that holds these numbers; DuckDB reads a table with all its threads.

    Day and amount are text, as systems export them; the other columns have their own types.
    """
    codes = list_villages()
    listed = ", ".join(f"'{code}'" for code in codes)
    faults = ", ".join(f"'{fault}'" for fault in FAULTS)
    domains = ", ".join(f"'{d}'" for d in (read_bench_contract().get_field("domain").codes or {}))
    return f"""
    WITH drawn AS (
      SELECT i, (hash(i + {seed * 1_000_003}) >> 1)::BIGINT AS luck,
        CASE WHEN i % 2 = 1 AND luck % {BAD_EVERY // 2} = 0
             THEN [{faults}][1 + (luck >> 20) % {len(FAULTS)}] END AS fault,
        CASE WHEN fault IN ('duplicate_key', 'repeat') THEN i - 1 ELSE i END AS own
      FROM {ids or f"range({start}, {start + rows}) AS r(i)"}
    ), hashed AS (
      SELECT i, fault, own, (hash(own + {seed}) >> 1)::BIGINT AS a,
        (hash(own + {seed} + 4611686018427387904) >> 1)::BIGINT AS b
      FROM drawn
    ), valued AS (
      SELECT i, fault, own, a % {len(codes)} AS place, [{listed}][1 + a % {len(codes)}] AS code,
        DATE '{FIRST_DAY}' + {span[0]} + ((a >> 12) % {span[1]})::INTEGER AS date_of, (b % 10000) * ((b >> 16) % 900) AS fen,
        a, b
      FROM hashed
    )
    SELECT
      CASE fault WHEN 'unknown_region' THEN '339999' || right(code, 6)
                 WHEN 'region_level' THEN left(code, 9) || '000' ELSE code END AS village,
      CASE fault WHEN 'future' THEN '2032-' || right(date_of::VARCHAR, 5)
                 WHEN 'not_a_date' THEN left(date_of::VARCHAR, 4) || '-02-30' ELSE date_of::VARCHAR END AS day,
      CASE fault WHEN 'unknown_code' THEN 'weather' ELSE [{domains}][1 + (a >> 28) % 12] END AS domain,
      (own + 1)::BIGINT AS number,
      CASE fault WHEN 'missing' THEN NULL
        ELSE (place * {PEOPLE_PER_VILLAGE} + (a >> 36) % {PEOPLE_PER_VILLAGE})::BIGINT END AS person,
      CASE fault WHEN 'too_low' THEN '-' || (fen + 1)::VARCHAR WHEN 'too_high' THEN (fen + 100000001)::VARCHAR
        WHEN 'not_a_number' THEN 'unclear' WHEN 'duplicate_key' THEN (fen + 1)::VARCHAR
        ELSE fen::VARCHAR END AS amount_fen,
      CASE WHEN (b >> 30) % 20 > 0 THEN ((b >> 36) % 5760)::DOUBLE / 4 END AS minutes,
      CASE fault WHEN 'too_long' THEN repeat('MZ-0001', 3) WHEN 'pattern' THEN 'mz_0001'
        ELSE ['MZ', 'RS', 'WJ', 'JY', 'ZJ', 'NY'][1 + (b >> 50) % 6]
          || '-' || lpad(((b >> 53) % 100)::VARCHAR, 4, '0') END AS source,
      i - {start} + 1 AS record, fault
    FROM valued"""


def list_villages() -> list[str]:
    """The 12-digit codes of the 1,301 villages and communities, in order."""
    return sorted(str(region.code) for region in read_bench_place().regions.at_level("village"))


def write_rows(
    path: Path,
    start: int,
    rows: int,
    seed: int = SEED,
    kind: Literal["parquet", "csv"] = "parquet",
    span: tuple[int, int] = (0, DAYS),
) -> Path:
    """Write one file of rows; the same arguments give the same rows in the same order."""
    form = "(FORMAT parquet, COMPRESSION snappy)" if kind == "parquet" else "(FORMAT csv, HEADER true)"
    numbers = pa.table({"i": np.arange(start, start + rows)}).to_batches(max_chunksize=122_880)
    with duckdb.connect(config={"threads": 2, "memory_limit": "3GB"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("made_ids", pa.Table.from_batches(numbers))
        made = rows_sql(start, rows, seed, "made_ids", span)
        connection.execute(f"COPY (SELECT {', '.join(COLUMNS)} FROM ({made})) TO '{path}' {form}")
    return path


def tell_truth(start: int, rows: int, seed: int = SEED) -> pa.Table:
    """Every seeded fault of a file: ``record`` (from 1), ``number``, ``fault`` and ``finding``, in order of record.

    A duplicate key refuses both records that share it, so the first of the two is told as well.
    """
    cases = " ".join(f"WHEN '{fault}' THEN '{finding}'" for fault, finding in FAULTS.items())
    with duckdb.connect(config={"threads": 2}) as connection:
        table: pa.Table = connection.execute(
            f"""WITH bad AS (SELECT record, number, fault FROM ({rows_sql(start, rows, seed)}) WHERE fault IS NOT NULL),
            every AS (SELECT * FROM bad UNION ALL SELECT record - 1, number, fault FROM bad WHERE fault = 'duplicate_key')
            SELECT record, number, fault, CASE fault {cases} END AS finding FROM every ORDER BY record"""
        ).to_arrow_table()
    return table


def measure(rows: int = 5_000_000) -> Measured:
    """Rows a second, beside DuckDB writing as many plain numbers to Parquet."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": 2}) as connection:
        began = time.perf_counter()
        write_rows(Path(folder, "rows.parquet"), 0, rows)
        ours = rows / (time.perf_counter() - began)
        began = time.perf_counter()
        plain = ", ".join(f"hash(i + {n}) AS c{n}" for n in range(len(COLUMNS)))
        connection.execute(f"COPY (SELECT {plain} FROM range({rows}) AS r(i)) TO '{folder}/plain.parquet'")
        peer = rows / (time.perf_counter() - began)
    return Measured(
        ours=Program("yucun bench rows", version("yucun")),
        peer=Program("duckdb", version("duckdb")),
        figures=(Figure("made and written", "rows/s", ours=ours, peer=peer),),
        setting=f"{rows:,} rows of {len(COLUMNS)} columns as Parquet, 2 threads; the peer writes {len(COLUMNS)} hashes a row",
    )


if __name__ == "__main__":
    print(measure())
