"""Sifting: all pieces of a source are checked; good rows lie apart by bucket, refused records with their sentences."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from yucun.kernel.lake.bulk.lane import (
    Column,
    Lane,
    find_columns,
    first_of,
    list_looked_up,
    list_texts,
    make_lane,
    make_spool_select,
    sound_words_sql,
)
from yucun.kernel.lake.bulk.model import (
    SIFTED,
    SPOOL,
    Cursor,
    JobPlan,
    Progress,
    Sifted,
    read_json,
    this_boot,
    write_json,
)
from yucun.kernel.lake.bulk.slow import Slow, take, to_text
from yucun.kernel.lake.bulk.sources import Piece, Source, ahead, join
from yucun.kernel.lake.bulk.vocabulary import Vocabulary
from yucun.kernel.lake.checking import RegionBook
from yucun.kernel.lake.contract import RECORD_COLUMN, Field
from yucun.kernel.lake.parts import bucket_sql
from yucun.kernel.lake.reading.model import Body

Tell = Callable[[Progress], None]
_CURSOR = "cursor.json"
_MOST_BUCKETS, _LEAST_ROWS = 128, 200_000
_SLOW = -1
# The slow way is taken once so many rows, or rows of so many pieces, wait for it; only then does a stop lose less.
_WAITING, _PIECES_WAITING = 50_000, 8
_FEW_WORDS = 5_000


@dataclass(frozen=True, slots=True)
class Passed:
    """How far the sifting of a source has come, kept after every piece.

    Parameters
    ----------
    level : int
        How coarse the buckets are, chosen at the first piece.
    pieces : tuple of Cursor
        Where each finished piece begins, so that single records can be read again.
    """

    next: Cursor
    level: int
    pieces: tuple[Cursor, ...]
    records: int
    refused: int
    boot: str
    words: dict[str, list[str]]
    notes: tuple[dict[str, Any], ...] = ()
    values: dict[str, list[str]] = dataclass_field(default_factory=dict)
    few: list[str] = dataclass_field(default_factory=list)
    sound: dict[str, list[str]] = dataclass_field(default_factory=dict)


@dataclass(slots=True)
class Sift:
    """The state of sifting one source."""

    plan: JobPlan
    folder: Path
    source: Source
    regions: RegionBook
    engine: Any
    tell: Tell
    words: Vocabulary
    slow: Slow
    file: str
    level: int = -1
    expected: int = 0
    records: int = 0
    refused: int = 0
    pieces: list[Cursor] = dataclass_field(default_factory=list)
    waiting: list[Body] = dataclass_field(default_factory=list)
    values: dict[str, set[str]] = dataclass_field(default_factory=dict)

    @classmethod
    def make(
        cls, plan: JobPlan, folder: Path, source: Source, regions: RegionBook, engine: Any, tell: Tell, file: str
    ) -> Sift:
        """Begin, or go on where the last run of this machine stopped; ``file`` is the hash that rows will name."""
        words = Vocabulary(plan.contract, regions, plan.today)
        slow = Slow(plan.contract, source, regions, plan.today, dict(plan.given), plan.name, engine)
        return cls(plan, folder, source, regions, engine, tell, words, slow, file)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The engine below Ibis."""
        connection: duckdb.DuckDBPyConnection = self.engine.con
        return connection

    @property
    def closed(self) -> list[Field]:
        """Fields whose values are texts of a closed meaning, which sort as small numbers."""
        fields = self.plan.contract.fields
        return [f for f in fields if f.type in ("region", "code", "period") or f.name in self.words.few]

    def run(self) -> Sifted:
        """Sift what is left of the source."""
        start = self._resume()
        for piece in ahead(self.source.pieces(start)):
            waiting = self._sift(piece)
            self.pieces.append(piece.at)
            if waiting >= _WAITING or len(self.waiting) >= _PIECES_WAITING:
                self._take_slowly()
                self._keep(piece.after)
            at = piece.after.offset
            self.tell(Progress("read", min(at, self.source.total), self.source.total, self.records))
        self._take_slowly()
        return self._finish()

    # -- going on after a stop --------------------------------------------------------------------------------

    def _resume(self) -> Cursor:
        kept = read_json(self.folder / _CURSOR, Passed)
        if kept is None or not kept.boot or kept.boot != this_boot():
            shutil.rmtree(self.folder / SPOOL, ignore_errors=True)
            (self.folder / SPOOL).mkdir()
            return Cursor()
        for half in (self.folder / SPOOL).iterdir():
            if int(half.name) >= kept.next.piece:
                shutil.rmtree(half)
        self.level, self.records, self.refused = kept.level, kept.records, kept.refused
        self.pieces = list(kept.pieces)
        self.words.few = set(kept.few)
        for name, words in kept.words.items():
            about = self.plan.contract.get_field(name)
            if about.type == "text":
                self.words.keep(name, words, kept.sound.get(name, []))
            else:
                self.words.learn(about, words)
        self.values = {name: set(values) for name, values in kept.values.items()}
        for note in kept.notes:
            self.slow.keep_note(note)
        return kept.next

    def _keep(self, after: Cursor) -> None:
        words = {name: sorted(seen) for name, seen in self.words.seen.items()}
        kept = Passed(
            after, self.level, tuple(self.pieces), self.records, self.refused, this_boot(), words,
            tuple(note.to_json() for note in self.slow.list_notes()),
            {name: sorted(values) for name, values in self.values.items()},
            sorted(self.words.few),
            {name: sorted(map(str, self.words.known.get(name, {}))) for name in self.words.few},
        )  # fmt: skip
        write_json(self.folder / _CURSOR, kept)

    # -- one piece --------------------------------------------------------------------------------------------

    def _sift(self, piece: Piece) -> int:
        """Let through what is good; the rest waits for the slow way, whose start costs as much as thousands of rows."""
        folder = self.folder / SPOOL / f"{piece.at.piece:06d}"
        folder.mkdir(parents=True)
        body, left = piece.body, piece.body
        if not self.pieces:
            read = max(1, piece.after.offset - piece.at.offset)
            self.expected = body.count * max(1, self.source.total // read)
        if body.cells.num_columns:
            left = self._pass(body, folder, "a")
            if self._learn(left):
                left = self._pass(left, folder, "b")
        left.refused = body.refused
        left.cells = pa.table({n: to_text(left.cells[n]) for n in left.cells.column_names})
        self.waiting.append(left)
        return sum(len(body.ordinal) + len(body.refused) for body in self.waiting)

    def _pass(self, body: Body, folder: Path, name: str) -> Body:
        """Let through what is certainly good; return the rest."""
        columns = find_columns(self.plan.contract, self.source.layout, dict(self.plan.given), body.cells.schema)
        if columns is None or not len(body.ordinal):
            return body
        if name == "a":
            self._learn_first(body)
        lane = make_lane(columns, self.words)
        piece = pa.table({**{n: body.cells[n] for n in body.cells.column_names}, RECORD_COLUMN: body.ordinal})
        self._register(lane, piece)
        if self.level < 0:
            self.level = self._choose_level(lane)
        select = make_spool_select(lane, self.plan.contract, self.level)
        target = folder / name
        target.mkdir()
        self.connection.execute(
            f"COPY ({select}) TO '{target}' (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (bucket), OVERWRITE_OR_IGNORE)"
        )
        self._unregister(lane)
        slow = target / f"bucket={_SLOW}"
        if not slow.exists():
            self.records += len(body.ordinal)
            return take(body, np.array([], np.int64))
        records = np.sort(pq.read_table(slow, columns=[RECORD_COLUMN], partitioning=None)[RECORD_COLUMN].to_numpy())
        shutil.rmtree(slow)
        self.records += len(body.ordinal) - len(records)
        return take(body, records)

    def _register(self, lane: Lane, piece: pa.Table) -> None:
        self.connection.register("piece", piece)
        for name, table in lane.tables.items():
            self.connection.register(name, table)

    def _unregister(self, lane: Lane) -> None:
        for name in ("piece", *lane.tables):
            self.connection.unregister(name)

    def _choose_level(self, lane: Lane) -> int:
        """The finest buckets that are not too many, and not so small that each costs more than its rows."""
        levels = bucket_sql(self.plan.contract)
        for level in range(len(levels) - 1):
            select = make_spool_select(lane, self.plan.contract, level)
            found = self.connection.execute(f"SELECT count(DISTINCT bucket) FROM ({select})").fetchone()
            if found is not None and found[0] <= min(_MOST_BUCKETS, max(1, self.expected // _LEAST_ROWS)):
                return level
        return len(levels) - 1

    def _learn_first(self, body: Body) -> None:
        """Understand the words of the first piece; those of later ones are met among what does not pass."""
        if self.pieces:
            return
        columns = find_columns(self.plan.contract, self.source.layout, dict(self.plan.given), body.cells.schema)
        for column in list_texts(columns or []):
            if column.index is not None and len(_distinct(body, column.index)) <= min(_FEW_WORDS, body.count // 20):
                self.words.few.add(column.field.name)
        self._learn(body)

    def _learn(self, body: Body) -> bool:
        """Understand the words of these rows; true when the lane is wider for it."""
        columns = find_columns(self.plan.contract, self.source.layout, dict(self.plan.given), body.cells.schema)
        if columns is None or not len(body.ordinal):
            return False
        is_wider = False
        looked_up = {c.field.name: c for c in list_looked_up(columns)}
        time = next((c for c in columns if c.field.name == self.plan.contract.period_field), None)
        if time is not None and time.index is not None and not time.is_text and pa.types.is_date(time.kind):
            is_wider |= self.words.begin_at(pc.min(body.cells[str(time.index)]).as_py())
        for name in sorted(looked_up, key=lambda n: n != self.plan.contract.period_field):
            column = looked_up[name]
            found = _distinct(body, column.index) if column.index is not None else [column.word]
            words = [w for w in found if w is not None]
            if name == self.plan.contract.period_field:
                is_wider |= self.words.begin_at(self.words.earliest(column.field, words))
            is_wider |= self.words.learn(column.field, words)
        for column in list_texts(columns):
            if column.field.name in self.words.few:
                is_wider |= self._learn_texts(body, column, first_of(columns))
        return is_wider

    def _learn_texts(self, body: Body, column: Column, first: int) -> bool:
        """Look once at each word of a text field that has few."""
        assert column.index is not None
        seen = self.words.seen.get(column.field.name, set())
        fresh = [w for w in _distinct(body, column.index) if w is not None and w not in seen]
        if not fresh or len(seen) + len(fresh) > 2 * _FEW_WORDS:
            return False
        self.connection.register("piece", pa.table({str(column.index): pa.array(fresh, pa.string())}))
        text = replace(column, kind=pa.string())
        sound = [str(w) for (w,) in self.connection.execute(sound_words_sql(text, first)).fetchall()]
        self.connection.unregister("piece")
        return self.words.keep(column.field.name, fresh, sound)

    def _take_slowly(self) -> None:
        body = join(self.waiting, sum(len(b.ordinal) for b in self.waiting))
        self.waiting = []
        if not len(body.ordinal) and not body.refused:
            return
        folder = self.folder / SPOOL / f"{self.pieces[-1].piece:06d}"
        contract = self.plan.contract
        self.level = self.level if self.level >= 0 else len(bucket_sql(contract)) - 1
        for number, (good, refused, ghosts, records) in enumerate(self.slow.check(body)):
            self.records += records
            if good.num_rows:
                for about in self.closed:
                    self.values.setdefault(about.name, set()).update(
                        pc.unique(good[about.name]).drop_null().to_pylist()
                    )
                self._lay_apart(good, folder / f"s{number:04d}")
            if refused.num_rows:
                self.refused += refused.num_rows
                pq.write_table(refused, folder / f"refused{number:04d}.parquet", compression="zstd")
            if ghosts.num_rows:
                self._lay_apart(ghosts, folder / f"ghosts{number:04d}")

    def _lay_apart(self, rows: pa.Table, target: Path) -> None:
        """Write rows of the contract's own types into the buckets they belong to."""
        bucket = bucket_sql(self.plan.contract)[self.level]
        target.mkdir()
        self.connection.register("rows_apart", rows)
        self.connection.execute(
            f"COPY (SELECT *, coalesce({bucket}, 0) AS bucket FROM rows_apart) TO '{target}' "
            "(FORMAT parquet, COMPRESSION snappy, PARTITION_BY (bucket), OVERWRITE_OR_IGNORE)"
        )
        self.connection.unregister("rows_apart")

    # -- the end ----------------------------------------------------------------------------------------------

    def _finish(self) -> Sifted:
        buckets = sorted({int(p.name.split("=")[1]) for p in (self.folder / SPOOL).glob("*/*/bucket=*")})
        notes = [*self.source.notes, *self.slow.list_notes()]
        sifted = Sifted(
            self.file, self.records, tuple(buckets), self.refused, tuple(n.to_json() for n in notes),
            {f.name: tuple(sorted({*self.words.values(f), *self.values.get(f.name, ())})) for f in self.closed},
            this_boot(), self.source.path.stat().st_size, tuple(self.pieces),
        )  # fmt: skip
        write_json(self.folder / SIFTED, sifted)
        return sifted


def _distinct(body: Body, index: int) -> list[str | None]:
    column = body.cells[str(index)]
    if pa.types.is_dictionary(column.type):
        words: set[str | None] = set()
        for chunk in column.chunks:
            words.update(chunk.dictionary.to_pylist())
        return list(words)
    found: list[str | None] = pc.unique(column).to_pylist()
    return found


def open_engine(threads: int, memory: int, folder: Path) -> Any:
    """An engine that spills into the job's folder and keeps the order of rows."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = ibis.duckdb.connect(
        ":memory:", threads=threads, memory_limit=f"{memory >> 20}MB", temp_directory=str(folder)
    )
    engine.raw_sql("SET TimeZone='UTC'")
    engine.raw_sql("SET preserve_insertion_order=false")
    engine.raw_sql("SET enable_progress_bar=false")
    return engine
