"""One made-up population that several tests look at: thirty thousand people, with the truth, as Parquet."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import yucun
from yucun.doors.command.made_up import Frozen, write_people
from yucun.kernel.registry import Place, read_place
from yucun.services.people.sample import TABLES, TRUTHS

SEED = 12345
_KEPT = tempfile.TemporaryDirectory(prefix="made-people-")


@dataclass(frozen=True)
class MadePeople:
    """Everything that was made, and what was frozen of it."""

    folder: Path
    frozen: Frozen
    tables: dict[str, pa.Table]


@cache
def huzhou() -> Place:
    """The place whose people are made."""
    return read_place(Path(yucun.__file__).parent / "places" / "huzhou")


@cache
def make(residents: int = 30_000, seed: int = SEED) -> MadePeople:
    """Make people once for all tests of a process."""
    folder = Path(_KEPT.name) / f"{residents}-{seed}"
    frozen = write_people(huzhou(), folder, residents, seed, truth=True)
    tables = {name: pq.read_table(folder / f"{name}.parquet") for name in (*TABLES, *TRUTHS)}
    return MadePeople(folder, frozen, tables)
