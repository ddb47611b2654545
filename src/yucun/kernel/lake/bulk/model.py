"""The nouns of a bulk load: the plan of a job, how far it is, and what came of it; all kept as JSON in its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from yucun.base.text import Text
from yucun.kernel.books.files import UNFINISHED
from yucun.kernel.lake.contract import Contract

PLAN, PROGRESS, OUTCOME, SIFTED = "plan.json", "progress.json", "outcome.json", "sifted.json"
SPOOL, PARTS, TAKEN, REFUSED_FOLDER = "spool", "parts", "taken.parquet", "refused"
_GIB = 1 << 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use; the engine gets what is left beside the pieces that are being read.

    Parameters
    ----------
    memory : int
        Bytes for the whole child.
    threads : int
        Threads of the engine.
    rows : int
        Rows that are checked at once; 0 leaves it to the memory.
    """

    memory: int = 4 * _GIB
    threads: int = 2
    rows: int = 0

    @property
    def engine(self) -> int:
        """Bytes for the engine."""
        return self.memory * 6 // 10

    @property
    def piece(self) -> int:
        """Rows that are checked at once."""
        return self.rows or max(20_000, min(2_000_000, self.memory // 2_000))


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that the table holds already, and how its columns are called and read today."""

    name: str
    path: str
    part: str
    rows: int
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JobPlan:
    """All that a child must know; what is not in here does not matter to the outcome.

    Parameters
    ----------
    source : str
        Path of a file, ``sqlite:PATH#TABLE`` or ``postgresql://…#TABLE``.
    file : str
        SHA-256 of the file; empty for a table of a database until its rows have been taken.
    held_seq : int
        The journal seq at which `held` was read.
    """

    key: str
    table: str
    contract: Contract
    source: str
    name: str
    file: str
    by: str
    given: Mapping[str, str]
    is_correction: bool
    today: date
    limits: Limits
    held_seq: int = 0
    held: tuple[HeldFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: a phase, how much of how much, and the records read so far."""

    phase: str
    done: int
    total: int
    records: int = 0

    @property
    def text(self) -> Text:
        """The phase in words."""
        return PHASES[self.phase]


PHASES = {
    "take": Text("从数据库取数", "take the rows from the database"),
    "read": Text("读取与核对", "read and check"),
    "meet": Text("与已有数据比对、排序、写入", "meet what is held, sort and write"),
    "tell": Text("写明拒收原因", "write down why records are refused"),
    "commit": Text("提交", "commit"),
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a piece of a source begins, so that reading can go on there.

    Parameters
    ----------
    piece : int
        Its number, from 0.
    offset : int
        Bytes of a text, or rows of a Parquet file, that lie before it.
    records, lines : int
        Records and lines before it.
    encoding : str
        What the text turned out to be so far.
    """

    piece: int = 0
    offset: int = 0
    records: int = 0
    lines: int = 0
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Sifted:
    """What reading all of the source found; written once, when the last piece is done.

    Parameters
    ----------
    boot : str
        Which run of the machine wrote the spool: what was not synced is trusted only within it.
    """

    file: str
    records: int
    buckets: tuple[int, ...]
    refused: int
    notes: tuple[Mapping[str, Any], ...]
    words: Mapping[str, tuple[str, ...]]
    boot: str
    bytes_read: int
    pieces: tuple[Cursor, ...]


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """One finished file of a part, under the job's folder; ``replaces`` names a held file that it stands in for."""

    path: str
    part: str
    rows: int
    size: int
    sha256: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class BucketOutcome:
    """What became of the rows of one bucket."""

    bucket: int
    files: tuple[WrittenPart, ...] = ()
    removed: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    landed: int = 0
    already: int = 0
    corrected: int = 0
    repeated: int = 0
    conflicts: tuple[tuple[int, int], ...] = ()
    known_refused: int = 0
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished job has to say; the parent makes one journal line of it."""

    file: str
    held_seq: int
    records: int
    landed: int
    refused: int
    repeated: int
    already: int
    corrected: int
    files: tuple[WrittenPart, ...]
    removed: tuple[str, ...]
    parts: tuple[str, ...]
    refused_path: str
    notes: tuple[Mapping[str, Any], ...]
    bytes_read: int
    is_readable: bool = True


def write_json(path: Path, value: Any, *, is_durable: bool = False) -> None:
    """Write a value whole or not at all."""
    unfinished = path.with_name(path.name + UNFINISHED)
    with unfinished.open("wb") as handle:
        handle.write(msgspec.json.encode(value))
        if is_durable:
            handle.flush()
            os.fsync(handle.fileno())
    unfinished.replace(path)


def read_json(path: Path, kind: type[T]) -> T | None:
    """Read a value back; None where there is none or it was cut short."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def this_boot() -> str:
    """Names this run of the machine; empty where the system does not say, so that nothing unsynced is trusted."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
