"""The work of one job from its plan to its outcome; it goes on from whatever an earlier run has finished."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from yucun.base.errors import ContractError
from yucun.base.text import Text
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.lake.bulk.database import is_database, name_of, take_table
from yucun.kernel.lake.bulk.meeting import paths_sql
from yucun.kernel.lake.bulk.model import (
    OUTCOME,
    PARTS,
    REFUSED_FOLDER,
    SIFTED,
    SPOOL,
    BucketOutcome,
    Cursor,
    JobPlan,
    Outcome,
    Progress,
    Sifted,
    read_json,
    this_boot,
    write_json,
)
from yucun.kernel.lake.bulk.sift import Sift, open_engine
from yucun.kernel.lake.bulk.slow import Slow, take
from yucun.kernel.lake.bulk.sources import PARQUET_MARK, ParquetSource, Source, ahead
from yucun.kernel.lake.bulk.text_source import JsonSource, TextSource, as_lines, is_json_lines, is_lined
from yucun.kernel.lake.bulk.write import Writer
from yucun.kernel.lake.checking import RegionBook
from yucun.kernel.lake.checking.tell import contract_title
from yucun.kernel.lake.contract import FILE_COLUMN
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.model import LONGEST_RAW, REFUSED_SCHEMA

Tell = Callable[[Progress], None]
_TEMPORARY = "temporary"
_AT_ONCE = 2


def work(plan: JobPlan, folder: Path, regions: RegionBook, tell: Tell) -> Outcome:
    """Do what is left of a job and write down its outcome.

    Parameters
    ----------
    plan : JobPlan
        What is to be loaded; may have been planned anew because the table changed meanwhile.
    folder : Path
        The job's folder: all that this writes lies in it.
    tell : callable
        Told how far the job is.

    Returns
    -------
    Outcome
        Also for a source that cannot be read at all: the notes say why.
    """
    for name in (SPOOL, PARTS, REFUSED_FOLDER):
        (folder / name).mkdir(exist_ok=True)
    try:
        path, file = _have(plan, folder, tell)
        source = open_source(path, plan)
        if any(use.fixed for use in source.layout.uses):
            raise ContractError(make_finding("lake.bulk_wide", plan.name))
    except ContractError as error:
        return _unreadable(plan, folder, error)
    engine = open_engine(plan.limits.threads, plan.limits.engine, folder / _TEMPORARY)
    try:
        sifted = read_json(folder / SIFTED, Sifted)
        if sifted is None or not sifted.boot or sifted.boot != this_boot():
            sifted = Sift.make(plan, folder, source, regions, engine, tell, file).run()
        if not sifted.records:
            return _unreadable(plan, folder, ContractError(make_finding("lake.no_rows", source.top.sheet or plan.name)))
        outcome = _write(plan, folder, sifted, source, regions, engine, tell)
    finally:
        engine.disconnect()
        shutil.rmtree(folder / _TEMPORARY, ignore_errors=True)
    write_json(folder / OUTCOME, outcome, is_durable=True)
    return outcome


def open_source(path: Path, plan: JobPlan) -> Source:
    """Tell what kind of file it is from its contents, and understand its head."""
    given, rows = dict(plan.given), plan.limits.piece
    with path.open("rb") as handle:
        mark = handle.read(4)
    if mark == PARQUET_MARK:
        return ParquetSource.open(path, plan.name, plan.contract, given, rows)
    if is_json_lines(path):
        return JsonSource.open(path, plan.name, plan.contract, given, rows)
    return TextSource.open(path, plan.name, plan.contract, given, rows)


def _have(plan: JobPlan, folder: Path, tell: Tell) -> tuple[Path, str]:
    """The file to read, and its hash: taken from a database, or written out as lines, where it must be."""
    if is_database(plan.source):
        return take_table(plan.source, folder, lambda rows: tell(Progress("take", rows, 0, rows)))
    path = Path(plan.source)
    if not path.stat().st_size:
        raise ContractError(make_finding("lake.empty_file", plan.name))
    return (path if is_lined(path) else as_lines(path, folder, plan.name)), plan.file


def _unreadable(plan: JobPlan, folder: Path, error: ContractError) -> Outcome:
    notes = tuple(finding.to_json() for finding in error.findings)
    # A database that gave nothing has no content to be known by: what was wrong with it tells one try from another.
    file = plan.file or digest(canonical([name_of(plan.source), notes]))
    outcome = Outcome(
        file, plan.held_seq, 0, 0, 0, 0, 0, 0, (), (), (), "", notes, 0, is_readable=False
    )  # fmt: skip
    write_json(folder / OUTCOME, outcome, is_durable=True)
    return outcome


def _write(
    plan: JobPlan, folder: Path, sifted: Sifted, source: Source, regions: RegionBook, engine: Any, tell: Tell
) -> Outcome:
    slow = Slow(plan.contract, source, regions, plan.today, dict(plan.given), plan.name, engine)
    again = _Again(source, slow, sifted.pieces)
    writer = Writer(plan, folder, sifted, engine.con, again.places)
    met: list[BucketOutcome] = []
    with ThreadPoolExecutor(_AT_ONCE, "write") as pool:
        # While one bucket is hashed or synced the engine sorts the next; each has a connection of its own.
        waiting = [pool.submit(_write_bucket, writer, engine.con, bucket) for bucket in sifted.buckets]
        try:
            for number, future in enumerate(waiting):
                tell(Progress("meet", number, len(sifted.buckets), sifted.records))
                met.append(future.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    tell(Progress("tell", 0, 1, sifted.records))
    conflicts = {record: other for one in met for record, other in one.conflicts}
    refused, path = _tell_refused(plan, folder, engine.con, again, conflicts, sifted.file)
    return Outcome(
        sifted.file, plan.held_seq, sifted.records, sum(o.landed for o in met), refused, sum(o.repeated for o in met),
        sum(o.already for o in met), sum(o.corrected for o in met), tuple(f for o in met for f in o.files),
        tuple(name for o in met for name in o.removed), tuple(p for o in met for p in o.parts), path, sifted.notes,
        sifted.bytes_read + sum(o.bytes_read for o in met),
    )  # fmt: skip


def _write_bucket(writer: Writer, connection: duckdb.DuckDBPyConnection, bucket: int) -> BucketOutcome:
    with connection.cursor() as own:
        own.execute("SET TimeZone='UTC'")
        return replace(writer, connection=own).run(bucket)


class _Again:
    """Reads single records of the source a second time, for what a sentence about them must quote."""

    def __init__(self, source: Source, slow: Slow, pieces: Sequence[Cursor]) -> None:
        self._source, self._slow = source, slow
        self._pieces = sorted(pieces, key=lambda c: c.records)
        self._guard = threading.Lock()

    def rows(self, records: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The words of records as they were written, with ``_where``, by record number."""
        with self._guard:
            wanted = np.unique(np.asarray(records, np.int64))
            begins = np.array([c.records for c in self._pieces], np.int64)
            where = np.unique(np.searchsorted(begins, wanted, side="left") - 1)
            found: dict[int, dict[str, Any]] = {}
            for piece in ahead(self._source.again([self._pieces[i] for i in where.tolist()])):
                ordinal = piece.body.ordinal.to_numpy()
                some = wanted[np.isin(wanted, ordinal)]
                rows = self._slow.read(take(piece.body, some)).rows
                found.update({int(row["_record"]): row for row in rows.to_pylist()})
            return found

    def places(self, records: Sequence[int]) -> Mapping[int, str]:
        """Where each record stands."""
        return {record: row["_where"] for record, row in self.rows(records).items()}


def _tell_refused(
    plan: JobPlan,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    again: _Again,
    conflicts: Mapping[int, int],
    file: str,
) -> tuple[int, str]:
    """Bring all refused records together in the order of the file; return how many there are and where they lie."""
    _tell_conflicts(plan, folder, again, conflicts)
    paths = [*sorted((folder / SPOOL).glob("*/refused*.parquet")), *sorted((folder / REFUSED_FOLDER).glob("*.parquet"))]
    if not paths:
        return 0, ""
    target = folder / "refused.parquet"
    # A record may be refused for itself and for its key: its sentences are joined, those about the key last.
    connection.execute(
        f"""COPY (
          SELECT _record::BIGINT AS _record, arg_min(_where, place) AS _where, arg_min(raw, place) AS raw,
            '[' || string_agg(findings[2:-2], ', ' ORDER BY place) || ']' AS findings, '{file}' AS {FILE_COLUMN}
          FROM (SELECT *, CASE WHEN contains(filename, '/{REFUSED_FOLDER}/') THEN 1 ELSE 0 END AS place
                FROM read_parquet({paths_sql(paths)}, filename = true, hive_partitioning = false))
          GROUP BY _record ORDER BY _record
        ) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"""
    )
    return pq.ParquetFile(target).metadata.num_rows, target.name


def _tell_conflicts(plan: JobPlan, folder: Path, again: _Again, conflicts: Mapping[int, int]) -> None:
    contract = plan.contract
    title = contract_title(contract, contract.key)
    told = []
    for record, row in again.rows(list(conflicts)).items() if conflicts else ():
        found = " / ".join(row[name] or "" for name in contract.key)
        finding = make_finding(
            "lake.duplicate_key", row["_where"], _clean(found), Text("", ""), field=title,
            more=str(conflicts[record]), key=", ".join(contract.key), record=record,
        )  # fmt: skip
        raw = ", ".join(f'"{f.name}": {_quote(_clean((row[f.name] or "")[:200]))}' for f in contract.fields)
        said = json.dumps([finding.to_json()], ensure_ascii=False)
        told.append({"_record": record, "_where": row["_where"], "raw": f"{{{raw}}}"[:LONGEST_RAW], "findings": said})
    path = folder / REFUSED_FOLDER / "conflicts.parquet"
    if told:
        pq.write_table(pa.Table.from_pylist(told, REFUSED_SCHEMA), path, compression="zstd")
    else:
        path.unlink(missing_ok=True)


def _clean(text: str) -> str:
    return "".join(" " if ord(c) < 32 else c for c in text)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
