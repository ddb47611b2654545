"""Compaction: many small files of a part become one, swapped by one journal line; what was asked as of before stays."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from yucun.base.errors import Ours
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.lake.bulk.lane import quote
from yucun.kernel.lake.bulk.load import hold, jobs_folder
from yucun.kernel.lake.bulk.meeting import held_sql
from yucun.kernel.lake.bulk.model import HeldFile, Limits, WrittenPart, read_json, write_json
from yucun.kernel.lake.bulk.write import ROW_GROUP, order_of
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import REFUSED, Lake, NewFile

MOST_FILES = 64
_PLAN, _DONE, _MADE = "compact.json", "compacted.json", "compacted.parquet"


@dataclass(frozen=True, slots=True)
class CompactPlan:
    """Which files of a part become one, and in which order its rows lie."""

    table: str
    part: str
    files: tuple[HeldFile, ...]
    columns: tuple[str, ...]
    order: tuple[str, ...]
    limits: Limits


def compact(
    lake: Lake,
    tables: Sequence[str] = (),
    *,
    most: int = MOST_FILES,
    limits: Limits | None = None,
    in_child: bool = True,
) -> int:
    """Swap the files of every part that holds more than ``most`` for one; return how many parts were swapped.

    Without ``tables`` all that files were sent for are looked at, and those that are cut from the journal.

    A part whose files change while its one file is made is left for the next time.
    """
    swapped = 0
    with lake.books.read() as tx:
        rows = tx.rows("SELECT dataset FROM lake_landing UNION SELECT name FROM lake_watermark")
    filled = {str(name) for (name,) in rows}
    for table in sorted(tables or filled & lake.contracts.keys()):
        for name in (table, table + REFUSED):
            parts: dict[str, list[LakeFile]] = {}
            for file in lake.files(name):
                parts.setdefault(file.part, []).append(file)
            for part, files in parts.items():
                if len(files) > most:
                    swapped += _compact_part(lake, name, part, files, limits or Limits(), in_child=in_child)
    return swapped


def _compact_part(lake: Lake, table: str, part: str, files: list[LakeFile], limits: Limits, *, in_child: bool) -> bool:
    plan = _make_plan(lake, table, part, files, limits)
    said = digest(canonical([table, part, [file.name for file in files]]))[:24]
    folder = jobs_folder(lake) / f"compact-{said}"
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder) as is_ours:
        if not is_ours:
            return False
        made = read_json(folder / _DONE, WrittenPart)
        if made is None or not (folder / made.path).is_file():
            write_json(folder / _PLAN, plan)
            made = _make_in_child(folder) if in_child else make_one(folder)
        is_swapped = _swap(lake, plan, folder, made, f"compacted:{table}:{part}:{said}")
        shutil.rmtree(folder)
    return is_swapped


def _make_plan(lake: Lake, table: str, part: str, files: list[LakeFile], limits: Limits) -> CompactPlan:
    of_table = table in lake.contracts
    columns = lake.columns_of(table, files) if of_table else [{} for _ in files]
    held = tuple(
        HeldFile(f.name, str(lake.folder / f.name), f.part, f.rows, c) for f, c in zip(files, columns, strict=True)
    )
    order = order_of(lake.contracts[table]) if of_table else [FILE_COLUMN, RECORD_COLUMN]
    return CompactPlan(table, part, held, tuple(lake.schema(table).names), tuple(order), limits)


def _make_in_child(folder: Path) -> WrittenPart:
    done = subprocess.run(
        [sys.executable, "-m", "yucun.kernel.lake.bulk.compact", str(folder)], capture_output=True, check=False
    )
    made = read_json(folder / _DONE, WrittenPart)
    if done.returncode or made is None:
        raise Ours(f"compaction stopped ({done.returncode}): {done.stderr.decode(errors='replace')[-300:]}")
    return made


def make_one(folder: Path) -> WrittenPart:
    """Write the one file of a plan, sorted, and say what it is."""
    plan = read_json(folder / _PLAN, CompactPlan)
    if plan is None:
        raise Ours(f"no plan of a compaction in {folder.name}")
    target = folder / _MADE
    names = ", ".join(f'"{name}"' for name in plan.columns)
    order = ", ".join(f'"{name}"' for name in plan.order)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": plan.limits.threads,
        "memory_limit": f"{plan.limits.engine >> 20}MB",
        "temp_directory": str(folder / "temporary"),
    }
    with duckdb.connect(config=settings) as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(
            f"COPY (SELECT {names} FROM ({held_sql(plan.files, plan.columns)}) ORDER BY {order}) TO {quote(str(target))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
    with target.open("rb") as handle:
        os.fsync(handle.fileno())
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    made = WrittenPart(_MADE, plan.part, sum(f.rows for f in plan.files), target.stat().st_size, sha256)
    write_json(folder / _DONE, made, is_durable=True)
    return made


def _swap(lake: Lake, plan: CompactPlan, folder: Path, made: WrittenPart, key: str) -> bool:
    """Put the one file into force and the many out of it, in one line; False when they are no longer the part's files."""
    names = [file.name for file in plan.files]
    with lake.books.writing():
        now = [file.name for file in lake.files(plan.table, parts=[plan.part])]
        if sorted(now) != sorted(names):
            return False
        name = lake.name_file(plan.table, plan.part, made.sha256, key)
        lake.adopt_file(folder / made.path, name)
        contract = lake.contracts.get(plan.table)
        lake.commit(
            "lake.compacted",
            key,
            {
                "table": plan.table,
                "part": plan.part,
                "files": len(names),
                **(lake.edition_of(contract) if contract else {}),
            },
            [NewFile(name, plan.table, plan.part, made.rows, made.size, made.sha256)],
            names,
        )
    return True


if __name__ == "__main__":
    make_one(Path(sys.argv[1]))
