"""What became of which region on a day of change: arrows, and the shares that are known of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby

from yucun.base.identity import RegionCode
from yucun.kernel.registry.model import Succession

IsThere = Callable[[RegionCode, date], bool]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From an old region to a new one on a day of change.

    Parameters
    ----------
    old, new : RegionCode
        The same code on both sides where a region kept a part, or all, of itself.
    share : Fraction or None
        Part of the old region that passed on; None where no source says.
    back_share : Fraction or None
        Part of the new region that came from the old one; None where no source says.
    """

    old: RegionCode
    new: RegionCode
    share: Fraction | None
    back_share: Fraction | None


@dataclass(frozen=True, slots=True)
class Change:
    """One day of change and all its arrows, those of regions that went on among them."""

    on: date
    arrows: tuple[Arrow, ...]


def list_changes(successions: Iterable[Succession], is_there: IsThere) -> list[Change]:
    """Order successions by day, and add the arrow of each region touched that stands before and after.

    Such a region went on without being listed: what it kept is what its other arrows leave.
    """
    changes = []
    for on, group in groupby(sorted(successions, key=lambda s: (s.on, s.old, s.new)), key=lambda s: s.on):
        arrows = [_arrow(one) for one in group]
        listed = {(arrow.old, arrow.new) for arrow in arrows}
        touched = {code for pair in listed for code in pair}
        arrows += [
            Arrow(code, code, None, None)
            for code in touched
            if (code, code) not in listed and is_there(code, on - timedelta(days=1)) and is_there(code, on)
        ]
        changes.append(Change(on, tuple(sorted(arrows, key=lambda a: (a.old, a.new)))))
    return changes


def known_shares(shares: Sequence[Fraction | None]) -> list[Fraction] | None:
    """Return all shares of one region; a single missing one is what the others leave, more are not known.

    The caller makes sure that they add up to one; see `adds_up`.

    Examples
    --------
    >>> known_shares([None]), known_shares([Fraction(1, 4), None]), known_shares([None, None])
    ([Fraction(1, 1)], [Fraction(1, 4), Fraction(3, 4)], None)
    """
    if sum(share is None for share in shares) > 1:
        return None
    rest = 1 - sum((share for share in shares if share is not None), Fraction(0))
    return [rest if share is None else share for share in shares]


def adds_up(shares: Sequence[Fraction | None]) -> bool:
    """True when shares add up to one, or may still do so with those that are not known."""
    total = sum((share for share in shares if share is not None), Fraction(0))
    return total <= 1 if None in shares else total == 1


def _arrow(one: Succession) -> Arrow:
    sourced = one.source is not None
    back = None
    if sourced and one.back_numerator is not None and one.back_denominator is not None:
        back = Fraction(one.back_numerator, one.back_denominator)
    return Arrow(one.old, one.new, Fraction(one.weight_numerator, one.weight_denominator) if sourced else None, back)
