"""Balance: walk back from a later moment to an earlier one, undoing one entry after the other."""

from __future__ import annotations

from collections.abc import Iterable

from yucun.kernel.ledger.model import Entry


def walk_back(account: int, later: tuple[int, int, int], entries: Iterable[Entry]) -> tuple[int, int, int]:
    """Return posted, going out and coming in of an account before the entries given, newest first.

    Parameters
    ----------
    account : int
        Its number.
    later : tuple of int
        Posted, going out and coming in after the newest of the entries.

    Examples
    --------
    >>> paid = Entry(9, "t", 3, "post", 1, 2, 40, 1, 0, 0, None, 0)
    >>> walk_back(1, (60, 0, 0), [paid]), walk_back(2, (40, 0, 0), [paid])
    ((100, 0, 0), (0, 0, 0))
    """
    posted, going_out, coming_in = later
    for entry in entries:
        if entry.source == account:
            posted, going_out = posted + entry.moved, going_out - entry.held
        else:
            posted, coming_in = posted - entry.moved, coming_in - entry.held
    return posted, going_out, coming_in
