"""The lake: Parquet files made visible by manifest rows in the books; versions, as of, and the sweep.

A file is written first, under a name made of its content, and counts only once a journal line has put it
into the manifest. A version of a table is the set of files with ``added_seq <= n < removed_seq``.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.formats.pyarrow import PyArrowType

from yucun.base.errors import ContractError, Finding, NotKnown
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.books import Attachment, Books, Line, Migration, Organ, Projecting, ReadTransaction
from yucun.kernel.books.files import keep_file
from yucun.kernel.books.model import canonical
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract
from yucun.kernel.lake.editions import (
    Edition,
    choose_edition,
    compare_edition,
    edition_of_file,
    is_same,
    old_schema,
    origins,
    read_edition,
    say_edition,
)
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.model import LakeFile

_FILE = "name, dataset, part, rows, size, sha256, added_seq, removed_seq"
REFUSED = "!refused"
REFUSED_SCHEMA = pa.schema(
    [
        pa.field("_record", pa.int64(), False),
        pa.field("_where", pa.string(), False),
        pa.field("raw", pa.string(), False),
        pa.field("findings", pa.string(), False),
        pa.field(FILE_COLUMN, pa.string(), False),
    ]
)


def apply_files(tx: Projecting, line: Line) -> None:
    """Apply the manifest part of a line: ``added`` files come into force, ``removed`` ones go out."""
    tx.execute_many(
        f"INSERT INTO lake_file ({_FILE}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            (f["name"], f["table"], f["part"], f["rows"], f["size"], f["sha256"], line.seq)
            for f in line.payload["added"]
        ],
    )
    tx.execute_many(
        "UPDATE lake_file SET removed_seq = ? WHERE name = ?", [(line.seq, name) for name in line.payload["removed"]]
    )


def apply_edition(tx: Projecting, line: Line) -> None:
    """Apply the edition of a line: how the table's contract looks from here on, when that is news."""
    said = line.payload
    if "edition" not in said:
        return
    newest = tx.row("SELECT contract FROM lake_edition WHERE dataset = ? ORDER BY seq DESC LIMIT 1", (said["table"],))
    if newest is None or newest[0] != said["contract"]:
        tx.execute(
            "INSERT INTO lake_edition (dataset, seq, contract, said) VALUES (?, ?, ?, ?)",
            (said["table"], line.seq, said["contract"], canonical(said["edition"])),
        )


def _apply_compacted(tx: Projecting, line: Line) -> None:
    apply_files(tx, line)
    apply_edition(tx, line)


def _apply_landed(tx: Projecting, line: Line) -> None:
    apply_files(tx, line)
    apply_edition(tx, line)
    said = line.payload
    tx.execute(
        "INSERT INTO lake_landing (key, dataset, file, name, records, landed, refused, repeated, already, corrected,"
        " seq, at, by_account, is_correction, is_readable) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            line.key,
            said["table"],
            said["file"],
            said["name"],
            said["records"],
            said["landed"],
            said["refused"],
            said["repeated"],
            said["already"],
            said["corrected"],
            line.seq,
            line.at,
            said["by"],
            int(said["is_correction"]),
            int(said["is_readable"]),
        ),
    )


def _apply_published(tx: Projecting, line: Line) -> None:
    apply_files(tx, line)
    tx.execute(
        "INSERT INTO lake_watermark (name, seq) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
        (line.payload["table"], line.payload["until"]),
    )


ORGAN = Organ(
    "lake",
    (
        Migration(
            1,
            "manifest, landings, watermarks",
            (
                "CREATE TABLE lake_file (name TEXT PRIMARY KEY, dataset TEXT NOT NULL, part TEXT NOT NULL,"
                " rows BIGINT NOT NULL, size BIGINT NOT NULL, sha256 TEXT NOT NULL, added_seq BIGINT NOT NULL,"
                " removed_seq BIGINT)",
                "CREATE INDEX lake_file_dataset ON lake_file (dataset, part, added_seq)",
                "CREATE TABLE lake_landing (key TEXT PRIMARY KEY, dataset TEXT NOT NULL, file TEXT NOT NULL,"
                " name TEXT NOT NULL, records BIGINT NOT NULL, landed BIGINT NOT NULL, refused BIGINT NOT NULL,"
                " repeated BIGINT NOT NULL, already BIGINT NOT NULL, corrected BIGINT NOT NULL, seq BIGINT NOT NULL,"
                " at TEXT NOT NULL, by_account TEXT NOT NULL, is_correction BIGINT NOT NULL,"
                " is_readable BIGINT NOT NULL)",
                "CREATE INDEX lake_landing_dataset ON lake_landing (dataset, seq)",
                "CREATE INDEX lake_landing_file ON lake_landing (file)",
                "CREATE TABLE lake_watermark (name TEXT PRIMARY KEY, seq BIGINT NOT NULL)",
            ),
        ),
        Migration(
            2,
            "editions of contracts",
            (
                "CREATE TABLE lake_edition (dataset TEXT NOT NULL, seq BIGINT NOT NULL, contract TEXT NOT NULL,"
                " said TEXT NOT NULL, PRIMARY KEY (dataset, seq))",
            ),
        ),
    ),
    ("lake_file", "lake_landing", "lake_watermark", "lake_edition"),
    {
        "lake.landed": _apply_landed,
        "lake.refreshed": apply_files,
        "lake.published": _apply_published,
        "lake.compacted": _apply_compacted,
    },
)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A written file that no line names yet."""

    name: str
    table: str
    part: str
    rows: int
    size: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps of it."""
        return {
            "name": self.name,
            "table": self.table,
            "part": self.part,
            "rows": self.rows,
            "size": self.size,
            "sha256": self.sha256,
        }


class Lake:
    """Tables by name, in any version, over one folder of files.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    books : Books
        That hold the manifest.
    contracts : mapping of str to Contract
        By table name.
    engine : Engine
        What runs expressions.
    """

    def __init__(self, folder: Path, books: Books, contracts: Mapping[str, Contract], engine: Engine) -> None:
        self.folder = folder
        self.books = books
        self.contracts = dict(contracts)
        self.engine = engine
        self._known_editions: dict[str, tuple[int, tuple[Edition, ...]]] = {}
        # One refresh of numbers at a time in a process; whoever holds it may take the writer's lock, never the reverse.
        self.refreshing = threading.RLock()
        self._told_by_files: dict[str, Edition | None] = {}
        # The newest period of a table's rows, by the names of the files that were read for it.
        self.newest_periods: dict[str, tuple[tuple[str, ...], Period | None]] = {}

    def get_contract(self, table: str) -> Contract:
        """Return the contract of a table, or raise `NotKnown` naming those there are."""
        contract = self.contracts.get(table)
        if contract is None:
            names = ", ".join(sorted(self.contracts))
            raise NotKnown(
                Finding(
                    "lake.unknown_table",
                    "table",
                    table[:120],
                    names[:120],
                    Text(
                        f"没有名为「{table[:120]}」的表；可用：{names}",
                        f"no table is called '{table[:120]}'; there are: {names}",
                    ),
                )
            )
        return contract

    def files(
        self,
        table: str,
        as_of: int | None = None,
        parts: Collection[str] | None = None,
        tx: ReadTransaction | None = None,
    ) -> list[LakeFile]:
        """Return the files in force at a journal seq (now, if none is given), by name of table and part."""
        if tx is None:
            with self.books.read() as snapshot:
                return self.files(table, as_of, parts, snapshot)
        if as_of is None:
            rows = tx.rows(
                f"SELECT {_FILE} FROM lake_file WHERE dataset = ? AND removed_seq IS NULL ORDER BY added_seq, name",
                (table,),
            )
        else:
            rows = tx.rows(
                f"SELECT {_FILE} FROM lake_file WHERE dataset = ? AND added_seq <= ?"
                " AND (removed_seq IS NULL OR removed_seq > ?) ORDER BY added_seq, name",
                (table, as_of, as_of),
            )
        return [LakeFile(*row) for row in rows if parts is None or row[2] in parts]

    def changed(self, table: str, after: int, until: int | None = None) -> list[LakeFile]:
        """Return the files that came into or went out of force with ``after < seq <= until``."""
        last = until if until is not None else 1 << 62
        with self.books.read() as tx:
            rows = tx.rows(
                f"SELECT {_FILE} FROM lake_file WHERE dataset = ? AND ((added_seq > ? AND added_seq <= ?)"
                " OR (removed_seq > ? AND removed_seq <= ?)) ORDER BY added_seq, name",
                (table, after, last, after, last),
            )
        return [LakeFile(*row) for row in rows]

    def table(self, table: str, as_of: int | None = None, parts: Collection[str] | None = None) -> ir.Table:
        """Return a table's rows in force at a journal seq, with the lineage columns ``_file`` and ``_record``."""
        return self.read(self.files(table, as_of, parts), self.schema(table))

    def read(self, files: Iterable[LakeFile], schema: pa.Schema) -> ir.Table:
        """Return the rows of given files as one table; files of an earlier edition are read as today's."""
        given = list(files)
        now: list[Path] = []
        before: dict[Edition, list[Path]] = {}
        for file, edition in zip(given, self._editions_of(given), strict=True):
            (now if edition is None else before.setdefault(edition, [])).append(self.folder / file.name)
        if not before:
            return self.engine.table(now, schema)
        contract = self.contracts[given[0].table]
        tables = [self.engine.table(now, schema)] if now else []
        for edition, paths in before.items():
            tables.append(
                _as_today(self.engine.table(paths, old_schema(edition, contract)), origins(edition, contract), schema)
            )
        return ibis.union(*tables) if len(tables) > 1 else tables[0]

    # -- editions -----------------------------------------------------------------------------------------------

    def edition_of(self, contract: Contract) -> dict[str, Any]:
        """What a line that adds files of a table says of its contract."""
        return {"contract": contract.hash, "edition": say_edition(contract)}

    def columns_of(self, table: str, files: Sequence[LakeFile]) -> list[dict[str, str]]:
        """For each file the SQL of today's columns that are not in it as such."""
        contract = self.contracts[table]
        found: list[dict[str, str]] = []
        for edition in self._editions_of(files):
            known = origins(edition, contract) if edition is not None else {}
            columns = {n: f'"{o}"' if o else "NULL" for n, o in known.items() if o != n}
            found.append(columns)
        return found

    def require_editions(self, table: str) -> None:
        """Raise `ContractError` when files that the table holds cannot be read under its contract."""
        findings = self.check_editions([table])
        if findings:
            raise ContractError(findings)

    def check_editions(self, tables: Sequence[str] = ()) -> list[Finding]:
        """Say of every table whose files cannot be read under today's contract why, and what to declare."""
        findings: list[Finding] = []
        for table in sorted(tables or self.contracts):
            files = self.files(table)
            editions = {edition for edition in self._editions_of(files) if edition is not None} if files else set()
            newest = self._editions(table, max((f.added_seq for f in files), default=0))[-1:] if files else ()
            for edition in sorted({*editions, *newest}, key=lambda e: e.seq):
                if edition.contract != self.contracts[table].hash:
                    findings += [f for f in compare_edition(edition, self.contracts[table]) if f not in findings]
        return findings

    def _editions(self, table: str, until: int) -> tuple[Edition, ...]:
        known = self._known_editions.get(table)
        if known is None or known[0] < until:
            with self.books.read() as tx:
                rows = tx.rows("SELECT seq, contract, said FROM lake_edition WHERE dataset = ? ORDER BY seq", (table,))
            editions = tuple(read_edition(int(seq), str(name), json.loads(said)) for seq, name, said in rows)
            known = self._known_editions[table] = (until, editions)
        return known[1]

    def _editions_of(self, files: Sequence[LakeFile]) -> list[Edition | None]:
        """The edition of each file; None for one that is as the contract says today."""
        if not files or files[0].table not in self.contracts:
            return [None] * len(files)
        contract = self.contracts[files[0].table]
        editions = self._editions(contract.name, max(f.added_seq for f in files))
        is_today = all(edition.contract == contract.hash for edition in editions)
        if not editions:
            return [self._edition_in(file, contract) for file in files]
        if is_today and editions[0].seq <= min(f.added_seq for f in files):
            return [None] * len(files)
        found = []
        for file in files:
            edition = choose_edition(editions, file.added_seq) or edition_of_file(
                pq.read_schema(self.folder / file.name)
            )
            found.append(None if is_same(edition, contract) else edition)
        return found

    def _edition_in(self, file: LakeFile, contract: Contract) -> Edition | None:
        """What a file's own schema tells, read once: no line says how the tables looked that services publish."""
        if file.name not in self._told_by_files:
            told = edition_of_file(pq.read_schema(self.folder / file.name))
            self._told_by_files[file.name] = None if is_same(told, contract) else told
        return self._told_by_files[file.name]

    def schema(self, table: str) -> pa.Schema:
        """The Arrow schema of a table, or of its quarantine (``table!refused``)."""
        if table.endswith(REFUSED):
            return REFUSED_SCHEMA
        return self.get_contract(table).schema

    def last_change(self, table: str, as_of: int | None = None) -> int:
        """The newest seq at which the table's files changed; 0 when it never held any."""
        with self.books.read() as tx:
            rows = tx.rows("SELECT added_seq, removed_seq FROM lake_file WHERE dataset = ?", (table,))
        seqs = [seq for row in rows for seq in row if seq is not None and (as_of is None or seq <= as_of)]
        return max(seqs, default=0)

    def write_file(
        self, table: str, part: str, rows: pa.Table, label: str, name: str = "", group_rows: int | None = None
    ) -> NewFile:
        """Write one Parquet file durably; it counts only once a line names it.

        Parameters
        ----------
        label : str
            The event's key: part of the name, so that equal rows of two events are two files.
        name : str
            A name of its own, such as a journal range; else one is made of the content.
        group_rows : int or None
            Rows of one row group, for files of which little is read at a time.
        """
        buffer = io.BytesIO()
        pq.write_table(
            rows.cast(self.schema(table)), buffer, compression="zstd", write_statistics=True, row_group_size=group_rows
        )
        content = buffer.getvalue()
        sha256 = hashlib.sha256(content).hexdigest()
        path = f"{table}/{_safe(part)}/{name}.parquet" if name else self.name_file(table, part, sha256, label)
        keep_file(self.folder / path, content)
        return NewFile(path, table, part, rows.num_rows, len(content), sha256)

    def name_file(self, table: str, part: str, sha256: str, label: str) -> str:
        """Return the name of a file with that content, made by the event of that key."""
        unique = hashlib.sha256(f"{label}\n{table}\n{part}\n{sha256}".encode()).hexdigest()[:32]
        return f"{table}/{_safe(part)}/{unique}.parquet"

    def adopt_file(self, source: Path, name: str) -> None:
        """Link a finished, synced file into the lake; its maker keeps its own link until the line is committed."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        os.link(source, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def making(self) -> Iterator[None]:
        """Write files beside the writer's lock: until the block is left no sweep takes them for a crash's leavings.

        A process that dies lets go of it, and its files are swept when the city opens next.
        """
        with self._mark(fcntl.LOCK_SH):
            yield

    @contextmanager
    def _mark(self, how: int) -> Iterator[bool]:
        """Lock the file beside the lake's folder that those who make files share; False where it cannot be had."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder.with_name(f"{self.folder.name}.making"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, how)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)

    def commit(
        self,
        kind: str,
        key: str,
        payload: Mapping[str, Any],
        added: Sequence[NewFile] = (),
        removed: Sequence[str] = (),
        attachments: Sequence[Attachment] = (),
    ) -> tuple[Line, bool]:
        """Record a line that puts files into and out of force, in one transaction."""
        with self.books.write() as tx:
            return tx.record(
                kind,
                key,
                {**payload, "added": [f.to_json() for f in added], "removed": sorted(removed)},
                attachments=attachments,
            )

    def sweep(self) -> int:
        """Remove files that no manifest row names; the caller holds the writer's lock. Returns how many.

        While somebody is `making` files nothing is removed; what a crash left waits for the next time.
        """
        with self._mark(fcntl.LOCK_EX | fcntl.LOCK_NB) as is_alone:
            if not is_alone:
                return 0
            with self.books.read() as tx:
                named = {str(row[0]) for row in tx.rows("SELECT name FROM lake_file")}
            unnamed = [
                p for p in self.folder.rglob("*") if p.is_file() and p.relative_to(self.folder).as_posix() not in named
            ]
            for path in unnamed:
                path.unlink()
            return len(unnamed)

    def check_files(self) -> list[Finding]:
        """Find manifest rows whose file is missing or differs from its hash: the disk, not the books, is wrong."""
        with self.books.read() as tx:
            rows = tx.rows("SELECT name, sha256 FROM lake_file ORDER BY name")
        findings = []
        for name, sha256 in rows:
            path = self.folder / name
            found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"
            if found != sha256:
                findings.append(
                    Finding(
                        "lake.file_damaged",
                        name,
                        found,
                        sha256,
                        Text(
                            "湖文件缺失或已损坏；请从备份恢复该文件",
                            "a lake file is missing or damaged; restore it from the backup",
                        ),
                    )
                )
        return findings


def _as_today(rows: ir.Table, known: Mapping[str, str | None], schema: pa.Schema) -> ir.Table:
    """Call the columns of earlier files as they are called today; what was not there is null."""
    columns = {}
    for field in schema:
        origin = known.get(field.name, field.name)
        empty = ibis.null(PyArrowType.to_ibis(field.type))
        columns[field.name] = rows[origin] if origin is not None else empty
    return rows.select(**columns)


def _safe(part: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else f"%{ord(c):x}" for c in part) or "all"


def lineage(rows: pa.Table, file: str) -> pa.Table:
    """Put the hash of the sent file beside each row's record number, lineage columns last."""
    named = rows.append_column(FILE_COLUMN, pa.array([file] * rows.num_rows, pa.string()))
    return named.select(
        [n for n in named.column_names if n not in (FILE_COLUMN, RECORD_COLUMN)] + [FILE_COLUMN, RECORD_COLUMN]
    )
