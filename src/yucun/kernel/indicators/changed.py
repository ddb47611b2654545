"""What a table gained or lost since a moment: its rows, not its files, so that a rewritten file counts for what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import ibis.expr.types as ir

from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake

Opener = Callable[[Iterable[LakeFile]], ir.Table]
# Lines that swap files for others that hold the same rows.
_SAME_ROWS = ("lake.compacted",)


@dataclass(frozen=True, slots=True)
class Moved:
    """The files of a table that came into or went out of force after a seq, and the corrections among them.

    Parameters
    ----------
    added, removed : tuple of LakeFile
        In force now and not then; in force then and not now. Swaps of equal rows are left out.
    sent : tuple of str
        Hashes of the files that were landed since.
    """

    added: tuple[LakeFile, ...]
    removed: tuple[LakeFile, ...]
    sent: tuple[str, ...]


def tables_moved(lake: Lake, after: int, until: int) -> set[str]:
    """Name the tables any of whose files came into or went out of force with ``after < seq <= until``."""
    with lake.books.read() as tx:
        rows = tx.rows(
            "SELECT DISTINCT dataset FROM lake_file WHERE (added_seq > ? AND added_seq <= ?)"
            " OR (removed_seq > ? AND removed_seq <= ?)",
            (after, until, after, until),
        )
    return {str(row[0]) for row in rows}


def find_moved(lake: Lake, table: str, after: int, until: int) -> Moved:
    """Find what moved in a table with ``after < seq <= until``; what came or went later is not known here."""
    files = [_as_then(file, until) for file in lake.changed(table, after, until)]
    seqs = {s for f in files for s in (f.added_seq, f.removed_seq) if s is not None and s > after}
    with lake.books.read() as tx:
        kinds = {}
        for seq in sorted(seqs):
            lines = tx.lines(after=seq - 1, until=seq)
            kinds[seq] = lines[0].kind if lines else ""
        sent = tx.rows(
            "SELECT DISTINCT file FROM lake_landing WHERE dataset = ? AND seq > ? AND seq <= ?", (table, after, until)
        )
    if seqs and all(kinds[seq] in _SAME_ROWS for seq in seqs):
        return Moved((), (), ())
    added = tuple(f for f in files if f.added_seq > after and f.removed_seq is None)
    removed = tuple(f for f in files if f.added_seq <= after and f.removed_seq is not None)
    return Moved(added, removed, tuple(str(row[0]) for row in sent))


def _as_then(file: LakeFile, until: int) -> LakeFile:
    """A file as its manifest row was at a seq: one that went out of force later was still in force."""
    return replace(file, removed_seq=None) if file.removed_seq is not None and file.removed_seq > until else file


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows that a table gained, and those that it lost; None where it lost none."""

    came: ir.Table
    went: ir.Table | None

    @property
    def both(self) -> ir.Table:
        """All of them."""
        return self.came if self.went is None else self.came.union(self.went)


def find_difference(lake: Lake, table: str, moved: Moved, open_files: Opener) -> Difference | None:
    """Return the rows that a table gained or lost; None where it did neither.

    Rows that left are those whose key came again in what was sent since. Where nothing was sent (rows of another
    organ), rows are told apart by their record.
    """
    if not moved.added and not moved.removed:
        return None
    now = open_files(moved.added)
    if not moved.removed:
        return Difference(now, None)
    then = open_files(moved.removed)
    contract = lake.contracts[table]
    if contract.spread is not None:
        return Difference(now, then)
    if moved.sent:
        came = now.filter(now[FILE_COLUMN].isin(list(moved.sent)))
        went = then.semi_join(came.select(*contract.key), list(contract.key))
        return Difference(came, went)
    name = [FILE_COLUMN, RECORD_COLUMN]
    return Difference(now.anti_join(then, name), then.anti_join(now, name))
