"""Meeting: within a bucket, rows that share a key with each other or with what the table holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq

from yucun.kernel.lake.bulk.lane import quote
from yucun.kernel.lake.bulk.model import HeldFile, JobPlan
from yucun.kernel.lake.bulk.slow import GHOST_CONTENT
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN

_MOST_HASHES = 40_000_000
# Tables of the engine that one bucket leaves for its writing: records to drop, and held rows that give way.
DROPPED, MATCHED = "dropped", "matched"


@dataclass(slots=True)
class Met:
    """What the rows of a bucket met."""

    repeated: int = 0
    conflicts: list[tuple[int, int]] = field(default_factory=list)
    already: int = 0
    different: int = 0
    rewritten: list[HeldFile] = field(default_factory=list)
    bytes_read: int = 0


@dataclass(slots=True)
class Meeting:
    """One bucket's rows (the view ``rows``) beside each other and beside held files."""

    plan: JobPlan
    connection: duckdb.DuckDBPyConnection
    rows: int
    ghosts: Sequence[Path]

    @property
    def keys(self) -> list[str]:
        """The key's columns, quoted."""
        return [f'"{name}"' for name in self.plan.contract.key]

    def run(self, parts: Sequence[str]) -> Met:
        """Compare all; afterwards the tables ``dropped`` and ``matched`` say what is not written."""
        met = Met()
        self._ask(f"CREATE OR REPLACE TEMP TABLE {DROPPED} (_record BIGINT)")
        self._ask(
            f"CREATE OR REPLACE TEMP TABLE {MATCHED} (_record BIGINT, filename VARCHAR, place BIGINT, same BOOLEAN)"
        )
        if not self.keys:
            return met
        self._meet_each_other(met)
        held = [file for file in self.plan.held if file.part in set(parts)]
        if held:
            self._meet_held(met, held)
        return met

    def _ask(self, sql: str, *tables: tuple[str, Any]) -> list[tuple[Any, ...]]:
        for name, table in tables:
            self.connection.register(name, table)
        found = self.connection.execute(sql).fetchall()
        for name, _ in tables:
            self.connection.unregister(name)
        return found

    # -- each other -------------------------------------------------------------------------------------------

    def _meet_each_other(self, met: Met) -> None:
        every = self._with_ghosts()
        twice = self._hashes_met_twice(every)
        if not len(twice):
            return
        names = ", ".join(f'"{f.name}"' for f in self.plan.contract.fields)
        keys, key_hash = ", ".join(self.keys), f"hash({', '.join(self.keys)})"
        import pyarrow as pa  # noqa: PLC0415 - a name used once

        self.connection.register("twice", pa.table({"h": twice}))
        full = self._with_ghosts(whole=True)
        self._ask(
            "CREATE OR REPLACE TEMP TABLE candidates AS "
            f"SELECT * FROM ({full}) WHERE {key_hash} IN (SELECT h FROM twice)"
        )
        self.connection.unregister("twice")
        self._ask(
            f"""CREATE OR REPLACE TEMP TABLE told AS
            WITH classes AS (
              SELECT *, min(_record) OVER (PARTITION BY {names}, {GHOST_CONTENT}) AS low FROM candidates
            ), grouped AS (
              SELECT {keys}, count(DISTINCT low) AS kinds, min(low) AS lowest, max(low) AS highest
              FROM classes GROUP BY {keys} HAVING count(*) > 1
            )
            SELECT c._record, c.{GHOST_CONTENT} IS NOT NULL AS is_ghost, c.low,
              CASE WHEN g.kinds > 1 THEN CASE WHEN c.low = g.lowest THEN g.highest ELSE g.lowest END END AS other
            FROM classes c JOIN grouped g USING ({keys}) WHERE g.kinds > 1 OR c._record <> c.low"""
        )
        met.conflicts = [
            (int(r), int(o)) for r, o in self._ask("SELECT _record, other FROM told WHERE other IS NOT NULL ORDER BY 1")
        ]
        met.repeated = int(self._ask("SELECT count(*) FROM told WHERE other IS NULL AND NOT is_ghost")[0][0])
        self._ask(f"INSERT INTO {DROPPED} SELECT _record FROM told WHERE NOT is_ghost")
        self._ask("DROP TABLE candidates")
        self._ask("DROP TABLE told")

    def _with_ghosts(self, *, whole: bool = False) -> str:
        """SQL of all rows that have a sound key; ghosts have nothing but their key and what they said."""
        keys = ", ".join(self.keys)
        ours = f"SELECT {keys} FROM rows"
        theirs = f"SELECT {keys} FROM read_parquet({paths_sql(self.ghosts)})" if self.ghosts else ""
        if whole:
            names = [f.name for f in self.plan.contract.fields]
            ours = f"SELECT {', '.join(map(_quoted, names))}, _record, NULL::VARCHAR AS {GHOST_CONTENT} FROM rows"
            blank = ", ".join(_quoted(n) if n in self.plan.contract.key else f"NULL AS {_quoted(n)}" for n in names)
            if theirs:
                theirs = f"SELECT {blank}, _record, {GHOST_CONTENT} FROM read_parquet({paths_sql(self.ghosts)})"
        return f"{ours} UNION ALL {theirs}" if theirs else ours

    def _hashes_met_twice(self, every: str) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """Hashes that occur more than once: sorted side by side, eight bytes a row, no table of keys."""
        passes = -(-self.rows // _MOST_HASHES)
        found = []
        for turn in range(max(passes, 1)):
            sql = f"SELECT hash({', '.join(self.keys)}) AS h FROM ({every})"
            if passes > 1:
                sql = f"SELECT h FROM ({sql}) WHERE h % {passes} = {turn}"
            hashes = self.connection.execute(sql).fetchnumpy()["h"]
            hashes = np.asarray(hashes, np.uint64)
            hashes.sort()
            found.append(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
        return np.concatenate(found)

    # -- what the table holds ---------------------------------------------------------------------------------

    def _meet_held(self, met: Met, held: list[HeldFile]) -> None:
        near = self._near(held)
        if not near:
            return
        met.bytes_read += sum(_size_of(file, self.plan.contract.key) for file in near)
        keys = ", ".join(self.keys)
        names = ", ".join(self.keys)
        self._ask(
            f"CREATE OR REPLACE TEMP TABLE found AS SELECT r._record, h.filename, h.place "
            f"FROM (SELECT {names}, _record FROM rows ANTI JOIN {DROPPED} USING (_record)) r "
            f"JOIN ({held_sql(near, list(self.plan.contract.key))}) h USING ({keys})"
        )
        touched = {str(name) for (name,) in self._ask("SELECT DISTINCT filename FROM found")}
        if not touched:
            return
        files = [file for file in near if file.path in touched]
        values = [f.name for f in self.plan.contract.fields if f.name not in self.plan.contract.key]
        met.bytes_read += sum(_size_of(file, values) for file in files)
        same = " AND ".join(f"r.{_quoted(n)} IS NOT DISTINCT FROM h.{_quoted(n)}" for n in values) or "true"
        self._ask(
            f"INSERT INTO {MATCHED} SELECT f._record, f.filename, f.place, {same} FROM found f "
            f"JOIN rows r USING (_record) JOIN ({held_sql(files, values)}) h "
            "ON h.filename = f.filename AND h.place = f.place"
        )
        counted = self._ask(f"SELECT count(*) FILTER (same), count(*) FILTER (NOT same) FROM {MATCHED}")[0]
        met.already, met.different = int(counted[0]), int(counted[1])
        corrects = self.plan.is_correction or self.plan.contract.existing == "correct"
        self._ask(f"INSERT INTO {DROPPED} SELECT _record FROM {MATCHED} WHERE {'same' if corrects else 'true'}")
        if corrects and met.different:
            changed = {str(n) for (n,) in self._ask(f"SELECT DISTINCT filename FROM {MATCHED} WHERE NOT same")}
            met.rewritten = [file for file in files if file.path in changed]
            met.bytes_read += sum(_size_of(file, None) for file in met.rewritten)

    def _near(self, held: list[HeldFile]) -> list[HeldFile]:
        """The held files whose own bounds of the key meet those of the rows."""
        keys = self.plan.contract.key
        bounds = self._ask(f"SELECT {', '.join(f'min({k}), max({k})' for k in self.keys)} FROM rows")[0]
        return [file for file in held if _may_hold(file, keys, bounds)]

    def refuse_known(self) -> list[tuple[Any, ...]]:
        """Rows whose key is held with other values: record, held file, held record, then values of both in turn."""
        names = [f.name for f in self.plan.contract.fields]
        values = [n for n in names if n not in self.plan.contract.key]
        touched = {str(n) for (n,) in self._ask(f"SELECT DISTINCT filename FROM {MATCHED} WHERE NOT same")}
        files = [file for file in self.plan.held if file.path in touched]
        both = "".join(f", r.{_quoted(n)}" for n in names) + "".join(f", h.{_quoted(n)}" for n in values)
        return self._ask(
            f"SELECT m._record, h.{FILE_COLUMN}, h.{RECORD_COLUMN}{both} FROM {MATCHED} m JOIN rows r USING (_record) "
            f"JOIN ({held_sql(files, [*values, FILE_COLUMN, RECORD_COLUMN])}) h "
            "ON h.filename = m.filename AND h.place = m.place WHERE NOT m.same ORDER BY m._record"
        )


def held_sql(files: Sequence[HeldFile], names: Sequence[str]) -> str:
    """SQL of some columns of held files as they are called today, with ``filename`` and ``place``."""
    by_columns: dict[tuple[tuple[str, str], ...], list[HeldFile]] = {}
    for file in files:
        by_columns.setdefault(tuple(file.columns.items()), []).append(file)
    selects = []
    for columns, some in by_columns.items():
        known = dict(columns)
        shown = ", ".join(f"{known.get(n, _quoted(n))} AS {_quoted(n)}" for n in names)
        listed = paths_sql([Path(file.path) for file in some])
        selects.append(
            f"SELECT {shown}{', ' if shown else ''}filename, file_row_number AS place "
            f"FROM read_parquet({listed}, filename = true, file_row_number = true, hive_partitioning = false)"
        )
    return " UNION ALL ".join(selects)


def paths_sql(paths: Sequence[Path]) -> str:
    """A list of files as SQL."""
    return "[" + ", ".join(quote(str(path)) for path in paths) + "]"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _may_hold(file: HeldFile, keys: Sequence[str], bounds: Sequence[Any]) -> bool:
    """False when the statistics of a file's footer rule out that it holds any of the keys."""
    about = pq.ParquetFile(file.path).metadata
    names = [about.schema.column(n).path for n in range(about.num_columns)]
    for number, key in enumerate(keys):
        low, high = bounds[2 * number], bounds[2 * number + 1]
        name = file.columns.get(key, key).strip('"')
        if name not in names or low is None:
            continue
        chunks = [about.row_group(g).column(names.index(name)).statistics for g in range(about.num_row_groups)]
        if not all(c is not None and c.has_min_max for c in chunks):
            continue
        least, most = min(c.min for c in chunks), max(c.max for c in chunks)
        if type(least) is type(low) and (most < low or least > high):
            return False
    return True


def _size_of(file: HeldFile, names: Sequence[str] | None) -> int:
    """Bytes on disk of some columns of a file, or of all."""
    about = pq.ParquetFile(file.path).metadata
    wanted = None if names is None else {file.columns.get(n, n).strip('"') for n in names}
    return sum(
        about.row_group(g).column(n).total_compressed_size
        for g in range(about.num_row_groups)
        for n in range(about.num_columns)
        if wanted is None or about.schema.column(n).path in wanted
    )
