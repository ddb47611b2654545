"""A number of one day's map in the map of another: sums of what the regions of its rows became.

A gathered number that adds up keeps a cell for every region that its rows name, so it is carried from these, whole
where every part lies inside, by sourced shares where a region was split, and else it is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.quantity import share_out
from yucun.base.text import Text
from yucun.kernel.indicators.maps import Journeys, last_standing
from yucun.kernel.indicators.model import Cell, Indicator

FindCell = Callable[[RegionCode], Cell | None]
_SPLIT = Text(
    "{old} 的一部分归入别处，份额没有公布来源，因此未知；请补登带来源的权重",
    "a part of {old} went elsewhere and no source says how much; record the weight with its source",
)
_WITHIN = Text(
    "{old} 在这一时期之内变动，前后的记录混在一起，因此未知",
    "{old} changed within this period, and the records of before and after stand together, so it is not known",
)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a number comes to in another map: its parts and the cells that they were added up from; or why not."""

    numerator: int
    denominator: int
    cells: tuple[Cell, ...]
    reason: Text | None = None


def carry(
    indicator: Indicator, journeys: Journeys, region: RegionCode, period: Period, day: date, find: FindCell
) -> Carried:
    """Add up a gathered number for a region of the map of a day.

    Parameters
    ----------
    find : callable
        The kept cell of a region for the period.
    """
    regions = journeys.regions
    own = find(region)
    if own is not None and _is_unmoved(journeys, indicator, region, period, day):
        return _total([(own, _WHOLE)], indicator)
    found: list[tuple[Cell, _Split]] = []
    for code in _candidates(journeys, indicator, region, period, day):
        split = _find_split(journeys, code, region, period, day)
        cell = find(code) if split.inside else None
        if cell is None:
            continue
        if split.reason is not None:
            return Carried(0, 1, (), split.reason.fill(old=regions.versions(code)[-1].name))
        found.append((cell, split))
    return _total(found, indicator)


@dataclass(frozen=True, slots=True)
class _Split:
    """What became of a region's rows: the share of each successor, those inside, or why that is not known."""

    shares: tuple[Fraction, ...]
    inside: tuple[int, ...]
    reason: Text | None = None

    def of(self, amount: int) -> int:
        """What of an amount lies inside; over all regions the parts add up to it."""
        if len(self.inside) == len(self.shares):
            return amount
        bottom = lcm(*(share.denominator for share in self.shares))
        parts = share_out(amount, [share.numerator * (bottom // share.denominator) for share in self.shares])
        return sum(parts[n] for n in self.inside)


_WHOLE = _Split((Fraction(1),), (0,))


def _is_unmoved(journeys: Journeys, indicator: Indicator, region: RegionCode, period: Period, day: date) -> bool:
    """Whether a region held the same regions, none of them touched by a change, on every day from then to then."""
    first, last = min(period.start, day), max(period.end, day)
    here = _below(journeys, indicator, region, day)
    if here & journeys.touched(first, last):
        return False
    cuts = [d for d in journeys.days_of_change() if first < d <= last]
    return all(_below(journeys, indicator, region, d) == here for d in (first, *cuts))


def _below(journeys: Journeys, indicator: Indicator, region: RegionCode, day: date) -> frozenset[RegionCode]:
    level = indicator.rows_of or "village"
    return frozenset(r.code for r in journeys.regions.at_level(level, region, day))


def _candidates(
    journeys: Journeys, indicator: Indicator, region: RegionCode, period: Period, day: date
) -> Iterator[RegionCode]:
    """The regions whose rows of a period may belong to a region of another day's map."""
    first, last = min(period.start, day), max(period.end, day)
    touched = journeys.touched(first, last)
    level = indicator.rows_of or "village"
    yield from sorted(c for c in _below(journeys, indicator, region, day) if c not in touched)
    for code in dict.fromkeys(r.code for r in journeys.regions if r.level == level):
        # Those that a change names, and those that ended although none does.
        if code in touched or journeys.regions.find(code, day) is None:
            yield code


def _find_split(journeys: Journeys, code: RegionCode, region: RegionCode, period: Period, day: date) -> _Split:
    """Find what became of a region's rows of a period, seen from another region on a day."""
    cuts = [d for d in journeys.days_of_change() if period.start < d <= period.end]
    days = [on for on in (period.start, *cuts) if journeys.stand_in(code, on) == on]
    splits = [_split_on(journeys, code, region, on, day) for on in days or [journeys.stand_in(code, period.end)]]
    if all(split.reason is None and len(split.inside) == len(split.shares) for split in splits):
        return _WHOLE
    if any(split != splits[0] for split in splits) and any(split.inside for split in splits):
        return _Split((), (0,), _WITHIN)
    return splits[0]


def _split_on(journeys: Journeys, code: RegionCode, region: RegionCode, on: date, day: date) -> _Split:
    regions = journeys.regions
    became = sorted(journeys.follow(code, on, day).items())
    inside = tuple(
        n for n, (new, _) in enumerate(became) if regions.is_within(last_standing(regions, new, day), region, day)
    )
    shares = tuple(share for _, share in became if share is not None)
    if len(shares) == len(became) or not inside:
        return _Split(shares if inside else (Fraction(1),), inside)
    if len(inside) == len(became):
        return _WHOLE
    return _Split((), inside, _SPLIT)


def _total(found: list[tuple[Cell, _Split]], indicator: Indicator) -> Carried:
    top = sum(split.of(cell.numerator or 0) for cell, split in found)
    has_bottom = bool(indicator.denominator) or indicator.kind == "mean"
    bottom = sum(split.of(cell.denominator or 0) for cell, split in found) if has_bottom else 1
    return Carried(top, bottom, tuple(cell for cell, _ in found))


__all__ = ["Carried", "FindCell", "carry"]
