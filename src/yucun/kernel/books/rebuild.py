"""Rebuild: apply the journal of one set of books to fresh ones; `decide` is never called."""

from __future__ import annotations

from itertools import groupby

from yucun.base.errors import JournalBroken
from yucun.kernel.books.store import Books


def rebuild(source: Books, target: Books) -> str:
    """Copy the journal, apply every line, and return the state hash that both must share.

    Parameters
    ----------
    source : Books
        Whose journal is the truth; verified first.
    target : Books
        Fresh books with the same organs.

    Raises
    ------
    JournalBroken
        If the source's chain does not verify, the target is not empty, or the hashes differ.
    """
    source.verify()
    with target.read() as reading:
        if reading.last_seq():
            raise JournalBroken("the books to rebuild into are not empty")
    with source.read() as reading:
        expected = reading.state_hash(source.projections)
        for _, commit in groupby(reading.each_line(), key=lambda line: line.commit):
            with target.write() as tx:
                for line in commit:
                    tx.copy(line)
    reached = target.state_hash()
    if reached != expected:
        raise JournalBroken(f"rebuild reached {reached}, the books say {expected}")
    return reached
