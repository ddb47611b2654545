"""Made-up people as files and in a city: written a block at a time, hashed, frozen, and loaded like any large file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from yucun.base.errors import Finding, Yours
from yucun.base.text import Text
from yucun.kernel.lake.bulk.load import BulkSent, load_bulk
from yucun.services.people.sample import TABLES, TRUTHS, make_blocks

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.registry import Place

Tell = Callable[[Text, int, int], None]
SMALL, SEED = 30_000, 12345
FROZEN, FOLDER, SENDER = "frozen.json", "made-up", "made-up"
FORMATS = ("parquet", "csv")
# Beyond so many residents loading is work for a child process under a memory limit.
_IN_CHILD = 200_000
_MAKING = Text("造出模拟居民（虚构，不对应任何真人）", "make up residents (no real person is meant)")


@dataclass(slots=True)
class Frozen:
    """What was made: how many, under which seed, and a digest of each table, taken before anything else sees them."""

    place: str
    residents: int
    seed: int
    rows: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    is_loaded: bool = False

    @property
    def digest(self) -> str:
        """One digest over the digests of all tables and of the truth."""
        return hashlib.sha256("".join(f"{n}={d};" for n, d in sorted(self.digests.items())).encode()).hexdigest()

    def keep(self, folder: Path) -> None:
        """Write it beside the files."""
        said = {**asdict(self), "digest": self.digest}
        (folder / FROZEN).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def find(cls, folder: Path) -> Frozen | None:
        """Read it back; None where nothing was frozen."""
        path = folder / FROZEN
        if not path.is_file():
            return None
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        said.pop("digest", None)
        return cls(**said)


class Hashing:
    """A digest of what the rows of a table say, in whatever pieces they come and however files hold them."""

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Take in more rows."""
        self.rows += table.num_rows
        for name, column in zip(table.column_names, table.columns, strict=True):
            kept = self._columns.setdefault(f"{name}:{column.type}", [hashlib.sha256() for _ in range(3)])
            for chunk in column.chunks:
                for found, part in zip(kept, _list_bytes(chunk), strict=True):
                    found.update(part)

    def digest(self) -> str:
        """The digest so far."""
        said = ";".join(
            f"{name}={'.'.join(p.hexdigest() for p in parts)}" for name, parts in sorted(self._columns.items())
        )
        return hashlib.sha256(f"{self.rows};{said}".encode()).hexdigest()


def _list_bytes(chunk: pa.Array) -> tuple[Any, Any, Any]:
    """Which values are there, the lengths of texts, and the values."""
    known = np.ascontiguousarray(chunk.is_valid().to_numpy(zero_copy_only=False)).tobytes()
    if pa.types.is_string(chunk.type):
        plain = chunk.fill_null("")
        ends = np.frombuffer(plain.buffers()[1], np.int32)[plain.offset : plain.offset + len(plain) + 1]
        text = plain.buffers()[2]
        return known, np.diff(ends).tobytes(), b"" if text is None else memoryview(text)[int(ends[0]) : int(ends[-1])]
    if pa.types.is_date32(chunk.type):
        chunk = chunk.cast(pa.int32())
    plain = chunk.fill_null(False if pa.types.is_boolean(chunk.type) else 0)
    return known, b"", np.ascontiguousarray(plain.to_numpy(zero_copy_only=False)).tobytes()


def make_plain(table: pa.Table) -> pa.Table:
    """A table without dictionaries: what it says, however it is held."""
    kinds = [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(kinds))


class _Files:
    """One open file for each table."""

    def __init__(self, folder: Path, kind: str, truth: bool) -> None:
        self.folder, self.kind, self.truth = folder, kind, truth
        self._open: dict[str, Any] = {}

    def write(self, name: str, table: pa.Table) -> None:
        if name in TRUTHS and not self.truth:
            return
        if name not in self._open:
            path = self.folder / f"{name}.{self.kind}"
            made = (
                pq.ParquetWriter(path, table.schema, compression="zstd")
                if self.kind == "parquet"
                else csv.CSVWriter(path, table.schema)
            )
            if name in TRUTHS:
                path.chmod(0o600)
            self._open[name] = made
        self._open[name].write_table(table)

    def close(self) -> None:
        for one in self._open.values():
            one.close()


def write_people(
    place: Place, folder: Path, residents: int | None, seed: int, *, kind: str = "parquet", truth: bool = False,
    tell: Tell | None = None,
) -> Frozen:  # fmt: skip
    """Make people and write a file for each table, then ``frozen.json`` with the digest of each.

    Parameters
    ----------
    folder : Path
        Made if need be; must be empty.
    residents : int or None
        How many; all of the place if left out.
    kind : str
        ``parquet`` or ``csv``.
    truth : bool
        Write the truth too, readable by the owner alone. It is hashed in any case.

    Raises
    ------
    Yours
        If the folder holds files, or the format is not known.
    PlaceError
        If the place's totals cannot be met.
    """
    if kind not in FORMATS:
        raise Yours(_finding("--format", kind, ", ".join(FORMATS), f"没有「{kind}」这种格式；可写 parquet 或 csv",
                             f"there is no format '{kind}'; write parquet or csv"))  # fmt: skip
    if folder.is_dir() and any(folder.iterdir()):
        raise Yours(_finding("--into", folder.name, "an empty folder", f"目录「{folder.name}」不是空的；请另指一个",
                             f"the folder '{folder.name}' is not empty; name another one"))  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    hashing = {name: Hashing() for name in (*TABLES, *TRUTHS)}
    files = _Files(folder, kind, truth)
    try:
        for number, of, made in make_blocks(place, residents, seed):
            if tell is not None:
                tell(_MAKING, number, of)
            for name, table in made.items():
                plain = make_plain(table)
                hashing[name].add(plain)
                files.write(name, plain)
    finally:
        files.close()
    rows = {name: one.rows for name, one in hashing.items()}
    frozen = Frozen(place.id, rows["person"], seed, rows, {name: one.digest() for name, one in hashing.items()})
    frozen.keep(folder)
    return frozen


def fill_city(city: City, residents: int | None, seed: int = SEED, tell: Tell | None = None) -> Frozen | None:
    """Load made-up people into a city that is new and stands on a simulated day; go on where a load was cut short.

    The truth stays in a file beside the lake, which no table, number or page reads.

    Raises
    ------
    Yours
        If the city was made with another number of residents.
    """
    if "people" not in city.services or not city.clock.is_simulated:
        return None
    folder = city.data / FOLDER
    frozen = Frozen.find(folder)
    if frozen is None and not _is_empty(city):
        return None
    if frozen is None:
        shutil.rmtree(folder, ignore_errors=True)
        frozen = write_people(city.place, folder, residents, seed, truth=True, tell=tell)
    if frozen.is_loaded:
        return frozen
    for number, name in enumerate(TABLES):
        if tell is not None:
            tell(Text(f"装载 people.{name}（模拟）", f"load people.{name} (made up)"), number, len(TABLES))
        path = folder / f"{name}.parquet"
        sent = BulkSent(str(path), f"people.{name}", SENDER, {})
        load_bulk(city.lake, city.regions, sent, city.place.today, in_child=frozen.residents > _IN_CHILD)
    for name in TABLES:
        (folder / f"{name}.parquet").unlink()
    frozen.is_loaded = True
    frozen.keep(folder)
    return frozen


def _is_empty(city: City) -> bool:
    """Whether no file of people was ever taken in: a city that an office fed is never filled."""
    return not any(city.lake.files(f"people.{name}") for name in TABLES)


def check_size(folder: Path, *, full: bool) -> None:
    """Refuse to make a whole prefecture of a city that was made small: its people would be others."""
    frozen = Frozen.find(folder / FOLDER)
    if full and frozen is not None and frozen.residents <= SMALL:
        raise Yours(
            _finding(
                "--full",
                f"{frozen.residents}",
                "a new city",
                f"这座城市已按 {frozen.residents} 名模拟居民建立；要全部居民，请用 --data 指一个新目录",
                f"this city was made with {frozen.residents} made-up residents; for all of them name a new folder with --data",
            )
        )


def tell_frozen(frozen: Frozen) -> Mapping[str, Any]:
    """What was made, for people and for machines."""
    return {"residents": frozen.residents, "seed": frozen.seed, **frozen.rows, "digest": frozen.digest}


def _finding(where: str, found: str, expected: str, zh: str, en: str) -> Finding:
    return Finding("sample.files", where, found[:120], expected[:120], Text(zh, en))
