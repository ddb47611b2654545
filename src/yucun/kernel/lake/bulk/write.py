"""Writing: the rows of each bucket, sorted, into one Parquet file a part; held files without the rows that give way."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from yucun.base.text import Text
from yucun.kernel.lake.bulk.lane import quote, sql_type
from yucun.kernel.lake.bulk.meeting import DROPPED, MATCHED, Meeting, Met, held_sql, paths_sql
from yucun.kernel.lake.bulk.model import (
    PARTS,
    REFUSED_FOLDER,
    SPOOL,
    BucketOutcome,
    HeldFile,
    JobPlan,
    Sifted,
    WrittenPart,
    read_json,
    write_json,
)
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.parts import part_sql
from yucun.kernel.lake.reading.model import REFUSED_SCHEMA

ROW_GROUP = 122_880
_MOST_ENUM = 60_000


@dataclass(slots=True)
class Writer:
    """Writes bucket after bucket; each is remembered, so that a stop costs no more than one."""

    plan: JobPlan
    folder: Path
    sifted: Sifted
    connection: duckdb.DuckDBPyConnection
    where: Callable[[Sequence[int]], Mapping[int, str]]

    def run(self, bucket: int) -> BucketOutcome:
        """Write one bucket, or say what it came to when it is written already."""
        kept = self.folder / PARTS / f"{bucket}.json"
        known = read_json(kept, BucketOutcome)
        if known is not None and all((self.folder / f.path).is_file() for f in known.files):
            return known
        outcome = self._write(bucket)
        write_json(kept, outcome, is_durable=True)
        return outcome

    def _write(self, bucket: int) -> BucketOutcome:
        spool = sorted((self.folder / SPOOL).glob(f"*/[abs]*/bucket={bucket}/*.parquet"))
        ghosts = sorted((self.folder / SPOOL).glob(f"*/ghosts*/bucket={bucket}/*.parquet"))
        source = f"SELECT * FROM read_parquet({paths_sql(spool)}, hive_partitioning = false)" if spool else self._none
        self._ask(f"CREATE OR REPLACE TEMP VIEW rows AS {source}")
        count = sum(pq.ParquetFile(path).metadata.num_rows for path in spool)
        parts = [str(p) for (p,) in self._ask(f"SELECT DISTINCT {part_sql(self.plan.contract)} FROM rows ORDER BY 1")]
        meeting = Meeting(self.plan, self.connection, count, ghosts)
        met = meeting.run(parts)
        corrects = self.plan.is_correction or self.plan.contract.existing == "correct"
        refused = 0 if corrects else self._refuse_known(bucket, meeting, met)
        files = self._write_parts(bucket, parts)
        rewritten = [self._rewrite(bucket, number, file) for number, file in enumerate(met.rewritten)]
        return BucketOutcome(
            bucket,
            (*files, *(f for f in rewritten if f.rows)),
            tuple(file.name for file in met.rewritten),
            tuple(parts),
            sum(file.rows for file in files),
            met.already,
            met.different if corrects else 0,
            met.repeated,
            tuple(met.conflicts),
            refused,
            met.bytes_read,
        )

    @property
    def _none(self) -> str:
        """SQL of no rows at all, for a bucket in which nothing but refused keys lie."""
        columns = ", ".join(f'NULL::{sql_type(f)} AS "{f.name}"' for f in self.plan.contract.fields)
        return f"SELECT {columns}, NULL::BIGINT AS _record WHERE false"

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    # -- the new rows -----------------------------------------------------------------------------------------

    def _write_parts(self, bucket: int, parts: list[str]) -> list[WrittenPart]:
        source = "rows"
        if len(parts) > 1:
            part = part_sql(self.plan.contract)
            self._ask(f"CREATE OR REPLACE TEMP TABLE apart AS SELECT *, {part} AS _part FROM rows ORDER BY _part")
            source = "apart"
        has_dropped = bool(self._ask(f"SELECT 1 FROM {DROPPED} LIMIT 1"))
        files = []
        for number, part in enumerate(parts):
            which = f"WHERE _part = {quote(part)}" if source == "apart" else ""
            kept = f"ANTI JOIN {DROPPED} USING (_record)" if has_dropped else ""
            path = self.folder / PARTS / f"{bucket}-{number:05d}.parquet"
            written = self._copy(self._sorted(f"(SELECT * FROM {source} {kept} {which})"), path, part)
            if written.rows:
                files.append(written)
        if source == "apart":
            self._ask("DROP TABLE apart")
        return files

    def _sorted(self, rows: str) -> str:
        """SQL of rows in the lake's order; texts of a closed meaning are sorted as small numbers."""
        contract = self.plan.contract
        small = {
            n: f'"{n}"::ENUM({", ".join(map(quote, words))})'
            for n, words in self.sifted.words.items()
            if 0 < len(words) <= _MOST_ENUM
        }
        inner = ", ".join(f'{small.get(f.name, _quoted(f.name))} AS "{f.name}"' for f in contract.fields)
        order = ", ".join(map(_quoted, order_of(contract)))
        # A small number is written as the text that it stands for.
        outer = ", ".join(
            f'"{f.name}"' if f.name in small else f'"{f.name}"::{sql_type(f)} AS "{f.name}"' for f in contract.fields
        )
        return (
            f"SELECT {outer}, {quote(self.sifted.file)} AS {FILE_COLUMN}, {RECORD_COLUMN} FROM "
            f"(SELECT {inner}, {RECORD_COLUMN} FROM {rows}) ORDER BY {order}"
        )

    def _copy(self, select: str, path: Path, part: str, replaces: str = "") -> WrittenPart:
        found = self.connection.execute(
            f"COPY ({select}) TO {quote(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        ).fetchone()
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        rows = int(found[0]) if found else 0
        relative = path.relative_to(self.folder).as_posix()
        return WrittenPart(relative, part, rows, path.stat().st_size, sha256, replaces)

    # -- what the table holds ---------------------------------------------------------------------------------

    def _rewrite(self, bucket: int, number: int, file: HeldFile) -> WrittenPart:
        """Write a held file again without the rows that are corrected."""
        names = [*(f.name for f in self.plan.contract.fields), FILE_COLUMN, RECORD_COLUMN]
        shown = ", ".join(map(_quoted, names))
        gone = f"SELECT place FROM {MATCHED} WHERE NOT same AND filename = {quote(file.path)}"
        select = f"SELECT {shown} FROM ({held_sql([file], names)}) WHERE place NOT IN ({gone}) ORDER BY place"
        return self._copy(select, self.folder / PARTS / f"{bucket}-again-{number:05d}.parquet", file.part, file.name)

    def _refuse_known(self, bucket: int, meeting: Meeting, met: Met) -> int:
        """Refuse rows whose key is held with other values, naming the record that holds it."""
        if not met.different:
            return 0
        contract, names = self.plan.contract, [f.name for f in self.plan.contract.fields]
        values = [n for n in names if n not in contract.key]
        rows = meeting.refuse_known()
        wheres = self.where([int(row[0]) for row in rows])
        told = []
        for record, file, held_record, *both in rows:
            ours = dict(zip(names, both, strict=False))
            theirs = dict(zip(values, both[len(names) :], strict=True))
            changed = [n for n in values if ours[n] != theirs[n]]
            finding = make_finding(
                "lake.key_known",
                wheres[record],
                ", ".join(f"{n}={ours[n]}" for n in changed),
                Text.same(", ".join(f"{n}={theirs[n]}" for n in changed)),
                field=file[:12],
                more=str(held_record),
                key=", ".join(contract.key),
                record=record,
            )
            raw = json.dumps({n: ours[n] for n in (*contract.key, *values)}, ensure_ascii=False, default=str)[:2000]
            said = json.dumps([finding.to_json()], ensure_ascii=False)
            told.append({"_record": record, "_where": wheres[record], "raw": raw, "findings": said})
        table = pa.Table.from_pylist(told, REFUSED_SCHEMA)
        pq.write_table(table, self.folder / REFUSED_FOLDER / f"known-{bucket}.parquet", compression="zstd")
        return len(told)


def order_of(contract: Contract) -> list[str]:
    """How a file is sorted: region, time, then the rest of the key."""
    first = [name for name in (contract.region_field, contract.period_field) if name]
    return list(dict.fromkeys([*first, *contract.key])) or [RECORD_COLUMN]


def _quoted(name: str) -> str:
    return f'"{name}"'
