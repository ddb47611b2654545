"""A table as something that may be opened: its rows in a fixed order, part by part, and what they are about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import pyarrow as pa

from yucun.base.period import Period
from yucun.kernel.lake.catalogue.model import Coverage
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.store import Lake

# Lines that put other files in the place of the same rows.
_SAME_ROWS = ("lake.compacted",)
_BATCH_ROWS = 50_000
_PREFIXES = (12, 9, 6, 4, 2)


@dataclass(frozen=True, slots=True)
class TableSubject:
    """A table of the lake."""

    lake: Lake
    contract: Contract
    kind: Literal["table"] = "table"

    def rule(self, fields: Sequence[str]) -> str:
        """Hash of the levels of the fields that leave: one that is raised closes what was given out before."""
        levels = sorted((f.name, f.level, f.mask) for f in self.contract.fields if f.name in fields)
        return hashlib.sha256(json.dumps(levels).encode()).hexdigest()[:32]

    def last_change(self) -> int:
        """The newest seq at which rows came or went; a file that only stands for others changes nothing."""
        with self.lake.books.read() as tx:
            found = tx.row(
                "SELECT max(j.seq) FROM journal j JOIN lake_file f ON j.seq = f.added_seq OR j.seq = f.removed_seq"
                f" WHERE f.dataset = ? AND j.kind NOT IN ({', '.join('?' * len(_SAME_ROWS))})",
                (self.contract.name, *_SAME_ROWS),
            )
        return int(found[0]) if found and found[0] is not None else 0

    def count(self, as_of: int) -> int:
        """How many rows the manifest says there are."""
        return sum(file.rows for file in self.lake.files(self.contract.name, as_of))

    def batches(self, fields: Sequence[str], as_of: int) -> Iterator[pa.RecordBatch]:
        """The rows, part by part, each part ordered by the key and then by everything else.

        Parts follow from the rows themselves, so the order does not depend on how they lie in files; memory holds
        one part at a time.
        """
        schema = pa.schema([self.contract.schema.field(name) for name in fields])
        order = [name for name in self.contract.key if name in fields]
        order += [name for name in fields if name not in order]
        files = self.lake.files(self.contract.name, as_of)
        for part in sorted({file.part for file in files}):
            rows = self.lake.read([f for f in files if f.part == part], self.contract.schema).select(*fields)
            yield from self.lake.engine.run(rows.order_by(order)).cast(schema).to_batches(max_chunksize=_BATCH_ROWS)

    def cover(self, fields: Sequence[str], as_of: int) -> Coverage:
        """First and last day, newest period, and the regions named, as far as these fields say it."""
        contract = self.contract
        period_field = contract.period_field if contract.period_field in fields else ""
        region_field = contract.region_field if contract.region_field in fields else ""
        return cover(self._distinct(period_field, as_of), self._distinct(region_field, as_of))

    def _distinct(self, field: str, as_of: int) -> list[object]:
        if not field:
            return []
        found = self.lake.engine.run(self.lake.table(self.contract.name, as_of).select(field).distinct())
        return [value for value in found[field].to_pylist() if value is not None]


def count_landings(lake: Lake, tables: Collection[str]) -> dict[str, int]:
    """Add up what became of the files that came for some tables: files, landed, refused, corrected."""
    with lake.books.read() as tx:
        found = tx.rows_in(
            "SELECT count(*), sum(landed), sum(refused), sum(corrected) FROM lake_landing WHERE dataset IN (?)",
            sorted(tables),
        )
    counts = [int(number or 0) for number in found[0]] if found else [0, 0, 0, 0]
    return dict(zip(("files", "landed", "refused", "corrected"), counts, strict=True))


def cover(times: Collection[object], regions: Collection[object]) -> Coverage:
    """Say what times and regions span; a time is a period as text, a day or an instant."""
    periods = [_period_of(time) for time in times]
    newest = max(periods, key=lambda p: (p.end, p.kind == "year"), default=None)
    codes = sorted(str(code) for code in regions)
    return Coverage(
        start=min(p.start for p in periods).isoformat() if periods else "",
        end=newest.end.isoformat() if newest else "",
        newest=newest.text if newest else "",
        region=_region_of_all(codes),
        regions=len(codes),
    )


def _period_of(time: object) -> Period:
    if isinstance(time, datetime):
        return Period.day(time.date())
    return Period.day(time) if isinstance(time, date) else Period.parse(str(time))


def _region_of_all(codes: Sequence[str]) -> str:
    """The smallest statistical division that holds all, by the digits that their codes share.

    Examples
    --------
    >>> _region_of_all(["330502000000", "330521000000"]), _region_of_all(["330502100000"]), _region_of_all([])
    ('330500000000', '330502100000', '')
    """
    for length in _PREFIXES if codes else ():
        shared = codes[0][:length]
        whole = shared.ljust(12, "0")
        if all(code.startswith(shared) for code in codes) and all(len(code) == 12 for code in codes):
            return whole
    return ""
