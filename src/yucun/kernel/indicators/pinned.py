"""The last refresh as the journal tells it: when its cells came into force, and which version of the rows they count."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.kernel.books import ReadTransaction

REFRESHED = "lake.refreshed"


@dataclass(frozen=True, slots=True)
class LastRefresh:
    """One refresh.

    Parameters
    ----------
    seq : int
        Its journal line, from which on its cells are in force; 0 where there is none.
    pinned : int
        The version of the lake that it read; rows that came later are not in its cells.
    digest : str
        Hash of all definitions by which it worked.
    """

    seq: int = 0
    pinned: int = 0
    digest: str = ""


def find_refreshed(tx: ReadTransaction, until: int | None = None) -> LastRefresh:
    """Return the last refresh up to a journal seq, or of all.

    A line that does not say what it pinned was written while nobody else could write: it counts all before it.
    """
    found = tx.row(
        "SELECT seq FROM journal WHERE kind = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
        (REFRESHED, 1 << 62 if until is None else until),
    )
    if found is None:
        return LastRefresh()
    (line,) = tx.lines(after=int(found[0]) - 1, until=int(found[0]))
    return LastRefresh(line.seq, int(line.payload.get("pinned", line.seq)), str(line.payload.get("all", "")))
