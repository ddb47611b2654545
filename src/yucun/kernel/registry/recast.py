"""Recasting: figures of one day's map in the map of another day, exact to the last one.

Whole numbers only. A split shares out with the largest remainder, so that nobody is lost or doubled; where
a share is not published the answer is *not known*, never an estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Literal

from yucun.base.errors import AreaMismatch, HeadcountMismatch
from yucun.base.identity import Level, RegionCode
from yucun.base.quantity import share_out
from yucun.base.text import Text
from yucun.kernel.registry.changes import Arrow, adds_up, known_shares, list_changes
from yucun.kernel.registry.model import NotKnownMark, Region, Succession
from yucun.kernel.registry.regions import Regions

Kept = Literal["headcount", "area"]
Value = int | NotKnownMark


def recast(
    values: Mapping[RegionCode, int],
    regions: Regions,
    successions: Iterable[Succession],
    from_day: date,
    to_day: date,
    kept: Kept = "headcount",
) -> dict[RegionCode, Value]:
    """Carry figures from the map of one day to the map of another.

    Parameters
    ----------
    values : mapping of RegionCode to int
        Additive whole numbers (people, square metres, fen) by region of the map of ``from_day``; one level.
    regions : Regions
        All versions.
    successions : iterable of Succession
        What became of which; usually ``regions.successions``.
    from_day, to_day : date
        The map the figures are in, and the one asked for; the second may be the earlier.
    kept : str
        What must not be lost: ``"headcount"`` or ``"area"``; names the error if it is.

    Returns
    -------
    dict
        A number for each region of the new map, or a `NotKnownMark` where a share is not published, where a
        part's figure is missing, or where a region ended without a successor.

    Raises
    ------
    NotKnown
        If a figure's region does not hold on ``from_day``.
    HeadcountMismatch, AreaMismatch
        If shares do not add up, or the total changed: an invariant is broken.
    """
    for code in values:
        regions.get(code, from_day)
    first, last, forward = min(from_day, to_day), max(from_day, to_day), from_day <= to_day
    changes = list_changes(
        (s for s in successions if first < s.on <= last), lambda code, day: regions.find(code, day) is not None
    )
    current: dict[RegionCode, Value] = dict(values)
    for change in changes if forward else reversed(changes):
        arrows = change.arrows if forward else [Arrow(a.new, a.old, a.back_share, a.share) for a in change.arrows]
        current = _carry(current, arrows, kept)
    for code, value in current.items():
        if isinstance(value, int) and regions.find(code, to_day) is None:
            current[code] = NotKnownMark(code, _ENDED.fill(name=regions.versions(code)[-1].name, day=to_day))
    _check_total(values, current, kept)
    return dict(sorted(current.items()))


def roll_up(values: Mapping[RegionCode, Value], regions: Regions, level: Level, on: date) -> dict[RegionCode, Value]:
    """Add figures up to the regions of a higher level in the map of a day.

    A region with a part that is not known is not known; one without any figure is left out.

    Raises
    ------
    NotKnown
        If a figure's region does not hold on that day.
    """
    sums: dict[RegionCode, Value] = {}
    for code, value in sorted(values.items()):
        chain = _chain(code, value, regions, on)
        above = next((region.code for region in chain if region.level == level), None)
        if above is None:
            continue
        held = sums.get(above, 0)
        if isinstance(held, int):
            sums[above] = held + value if isinstance(value, int) else NotKnownMark(above, value.reason)
    return sums


_ENDED = Text(
    "{name}在 {day} 已不存在，且没有记录它的去向；请补登沿革",
    "{name} does not hold on {day} and no record says what became of it; record its succession",
)
_NO_SHARE = Text(
    "{old} 的一部分归入 {new}，份额没有公布来源，因此未知；请补登带来源的权重",
    "a part of {old} belongs to {new} and no source says how much; record the weight with its source",
)
_NO_PART = Text(
    "{new} 由几个区划合成，其中 {old} 没有数；请补齐后再换算",
    "{new} is made of several regions and {old} has no figure; add it first",
)


def _chain(code: RegionCode, value: Value, regions: Regions, on: date) -> list[Region]:
    """The region and those above it; a mark may stand for a region that has ended, under its last parent."""
    if isinstance(value, int) or regions.find(code, on) is not None:
        return [regions.get(code, on), *regions.ancestors(code, on)]
    last = regions.versions(code)[-1]
    above = regions.find(last.parent, on) if last.parent else None
    return [last, above, *regions.ancestors(above.code, on)] if above else [last]


def _carry(current: Mapping[RegionCode, Value], arrows: Sequence[Arrow], kept: Kept) -> dict[RegionCode, Value]:
    """Apply one day of change to the figures."""
    leaving: dict[RegionCode, list[Arrow]] = {}
    for arrow in arrows:
        leaving.setdefault(arrow.old, []).append(arrow)
    after: dict[RegionCode, Value] = {code: value for code, value in current.items() if code not in leaving}
    arriving: dict[RegionCode, list[tuple[Arrow, Value | None]]] = {}
    for old, group in leaving.items():
        for arrow, part in zip(group, _split(current.get(old), group, kept), strict=True):
            arriving.setdefault(arrow.new, []).append((arrow, part))
    for new, parts in arriving.items():
        if any(part is not None for _, part in parts):
            after[new] = _join(new, parts)
    return after


def _split(value: Value | None, group: Sequence[Arrow], kept: Kept) -> list[Value | None]:
    """Share a figure out over its successors; missing stays missing, an unknown share is not known."""
    shares = [arrow.share for arrow in group]
    if not adds_up(shares):
        said = " + ".join(str(share) for share in shares if share is not None)
        raise _mismatch(kept)(f"the shares of {group[0].old} add up to {said}, not to 1")
    if not isinstance(value, int):
        return [value] * len(group)
    known = known_shares(shares)
    if known is None:
        return [NotKnownMark(arrow.new, _NO_SHARE.fill(old=arrow.old.short, new=arrow.new.short)) for arrow in group]
    return list(_share(value, known))


def _share(value: int, shares: Sequence[Fraction]) -> list[int]:
    bottom = lcm(*(share.denominator for share in shares))
    return share_out(value, [share.numerator * (bottom // share.denominator) for share in shares])


def _join(new: RegionCode, parts: Sequence[tuple[Arrow, Value | None]]) -> Value:
    total = 0
    for arrow, part in parts:
        if isinstance(part, NotKnownMark):
            return NotKnownMark(new, part.reason)
        if part is None:
            return NotKnownMark(new, _NO_PART.fill(new=new.short, old=arrow.old.short))
        total += part
    return total


def _mismatch(kept: Kept) -> type[HeadcountMismatch] | type[AreaMismatch]:
    return HeadcountMismatch if kept == "headcount" else AreaMismatch


def _check_total(before: Mapping[RegionCode, int], after: Mapping[RegionCode, Value], kept: Kept) -> None:
    known = [value for value in after.values() if isinstance(value, int)]
    if len(known) == len(after) and sum(known) != sum(before.values()):
        raise _mismatch(kept)(f"recasting turned {sum(before.values())} into {sum(known)}")
