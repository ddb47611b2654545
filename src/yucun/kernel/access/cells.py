"""The smallest cell: which counts of a region tree to hide so that none of them can be worked out.

A count from 1 to k - 1 is hidden. Hiding it alone would be no use: the parent minus the siblings gives it
back. So further cells give way, until whoever knows every shown cell, every total and this very rule still
cannot tell a small count from one of k or more, nor fix any hidden count at all.

What is assumed of the attacker, and held by the tests:

- zero is shown as zero, so a hidden count is known to be at least 1;
- siblings that are not zero stand in twos by code, and a small one hides its whole group; how large a count
  is never decides which cells give way, so the choice itself tells nothing, even to one who runs this rule
  over every city that would show the same;
- the pattern is worked out over the whole tree of a period, never over the part that one page shows, so that
  asking for a county, its towns and its villages in any order gives the same cells;
- where tables add up another way too (months to a year, women and men to all), `hide_slices` shows a sum
  only where all its parts are shown: then the sum tells nothing that its parts did not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from yucun.base.errors import HeadcountMismatch
from yucun.base.identity import RegionCode
from yucun.base.text import Text

_REST: Final = "+rest"
_NO_BOUND: Final = 1 << 62
_LEAST_K: Final = 3


@dataclass(frozen=True, slots=True)
class SmallestCell:
    """The rule that an indicator declares.

    Parameters
    ----------
    k : int
        Smallest count shown, at least 3: with 2, "hidden" itself would say "one".
    counts : str
        Which part of the indicator k is held against: people, households, enterprises.

    Examples
    --------
    >>> rule = SmallestCell(5, "people")
    >>> rule.is_small(0), rule.is_small(4), rule.is_small(5)
    (False, True, False)
    """

    k: int
    counts: str

    def __post_init__(self) -> None:
        if self.k < _LEAST_K:
            raise ValueError(f"the smallest cell is at least {_LEAST_K}, not {self.k}")

    def is_small(self, count: int) -> bool:
        """Whether a count is from 1 to k - 1; zero is no cell at all."""
        return 0 < count < self.k

    @property
    def reason(self) -> Text:
        """What stands in place of a hidden cell: the same words for every one, whatever hid it."""
        return Text(
            f"为保护个人信息，少于 {self.k} 的单元及可推算出它的单元不予显示",
            f"hidden to protect people: cells under {self.k}, and cells from which they could be worked out",
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """What can be known of a count: it lies between low and high; high is None when nothing bounds it."""

    low: int
    high: int | None


def hide(
    counts: Mapping[RegionCode, int], parents: Mapping[RegionCode, RegionCode | None], rule: SmallestCell
) -> frozenset[RegionCode]:
    """Say which regions' counts are hidden, over the whole tree of one period.

    Parameters
    ----------
    counts : mapping of RegionCode to int
        Every count that can be asked for, totals included. A region that is absent is *not known*, not zero.
    parents : mapping of RegionCode to RegionCode or None
        The region that each one's count is part of, in the map that the counts were made in. A parent may
        count more than its children do (people without a village); that rest is never shown by itself.
    rule : SmallestCell
        The smallest count shown.

    Returns
    -------
    frozenset of RegionCode
        Those to be marked "hidden"; why each one is must not be told.

    Raises
    ------
    HeadcountMismatch
        If the children count more than their parent: what is counted twice does not add up, and is not
        published as a tree.

    Examples
    --------
    >>> city, *counties = (RegionCode.parse(c) for c in ("3305", "330502", "330503", "330521", "330522"))
    >>> counts = dict(zip([city, *counties], [182, 3, 49, 60, 70]))
    >>> sorted(hide(counts, dict.fromkeys(counties, city), SmallestCell(5, "people")))
    [RegionCode('330502000000'), RegionCode('330503000000')]
    """
    tree = _Tree.grow(counts, parents)
    tree.hidden = {node for node in tree.counts if node.endswith(_REST)}
    for node, count in tree.counts.items():
        if rule.is_small(count):
            tree.hide_group(node)
    while True:
        opened = tree.hide_below()
        bounds = tree.bounds()
        for family in {f for node in tree.exposed(bounds, rule) if (f := tree.find_reserve(node)) is not None}:
            tree.hide_next(family)
            opened = True
        if not opened:
            return frozenset(RegionCode(n) for n in tree.hidden if not n.endswith(_REST))


def bound(
    counts: Mapping[RegionCode, int], parents: Mapping[RegionCode, RegionCode | None], hidden: Collection[RegionCode]
) -> dict[RegionCode, Interval]:
    """Work out all that an attacker can: for each hidden region the exact interval of its count.

    Counts are whole and, where hidden, at least 1. Sums over a tree are such that passing bounds once up and
    once down gives the tightest ones; the tests compare them with every possible assignment.
    """
    tree = _Tree.grow(counts, parents)
    tree.hidden = {*hidden, *(n for n in tree.counts if n.endswith(_REST))}
    found = tree.bounds()
    return {r: Interval(low, None if high >= _NO_BOUND else high) for r in hidden for low, high in [found[r]]}


def hide_slices(
    slices: Mapping[str, Mapping[RegionCode, int]],
    sums: Mapping[str, Collection[str]],
    parents: Mapping[RegionCode, RegionCode | None],
    rule: SmallestCell,
) -> dict[str, frozenset[RegionCode]]:
    """Hide tables that add up: months to a year, groups to all.

    A slice that is no sum is hidden by itself. A sum hides each region that any of its parts hides; where its
    parts do not exhaust it, the rest counts as a part as well, since subtraction shows it.

    Parameters
    ----------
    slices : mapping of str to counts
        Each slice's counts over the tree.
    sums : mapping of str to collection of str
        A slice, and the slices whose counts add up to it or to less; each slice is part of one sum at most.

    Returns
    -------
    dict of str to frozenset of RegionCode
        For each slice its hidden regions.

    Raises
    ------
    ValueError
        If a slice is part of two sums, or of itself.
    HeadcountMismatch
        If parts count more than their sum.
    """
    _check_forest(sums)
    done: dict[str, frozenset[RegionCode]] = {}

    def resolve(name: str) -> frozenset[RegionCode]:
        if name not in done:
            parts = sums.get(name, ())
            if not parts:
                done[name] = hide(slices[name], parents, rule)
            else:
                done[name] = hide(_rest(name, slices, parts), parents, rule).union(*map(resolve, parts))
        return done[name]

    return {name: resolve(name) for name in slices}


def _check_forest(sums: Mapping[str, Collection[str]]) -> None:
    above: dict[str, str] = {}
    for total, parts in sums.items():
        for part in parts:
            if part in above:
                raise ValueError(f"slice {part!r} is part of both {above[part]!r} and {total!r}")
            above[part] = total
    for start in above:
        at = start
        while at in above:
            at = above[at]
            if at == start:
                raise ValueError(f"slice {start!r} is part of itself")


def _rest(name: str, slices: Mapping[str, Mapping[RegionCode, int]], parts: Collection[str]) -> dict[RegionCode, int]:
    rest = {}
    for region, total in slices[name].items():
        # A part that is not known in a region takes nothing away there.
        rest[region] = total - sum(slices[part].get(region, 0) for part in parts)
        if rest[region] < 0:
            raise HeadcountMismatch(f"{region}: the parts of {name!r} count {-rest[region]} more than their sum")
    return rest


@dataclass(slots=True)
class _Tree:
    """Counts as nodes; what a parent counts beyond its children is a node of its own that is never shown."""

    counts: dict[str, int]
    above: dict[str, str]
    below: dict[str, list[str]]
    order: list[str]
    hidden: set[str] = field(default_factory=set)

    @classmethod
    def grow(cls, counts: Mapping[RegionCode, int], parents: Mapping[RegionCode, RegionCode | None]) -> _Tree:
        nodes: dict[str, int] = {str(r): count for r, count in counts.items()}
        if any(count < 0 for count in nodes.values()):
            raise HeadcountMismatch("a count below zero")
        above = {str(r): str(p) for r in counts if (p := parents.get(r)) is not None and p in counts}
        below: dict[str, list[str]] = {}
        for node in sorted(above):
            below.setdefault(above[node], []).append(node)
        for parent, children in below.items():
            rest = nodes[parent] - sum(nodes[c] for c in children)
            if rest < 0:
                raise HeadcountMismatch(f"{parent}: its parts count {-rest} more than it does")
            if rest:
                nodes[parent + _REST] = rest
                above[parent + _REST] = parent
        for node in [n for n in above if n.endswith(_REST)]:
            below[above[node]].append(node)
        return cls(nodes, above, below, _downwards(nodes, above, below))

    def groups(self, family: str) -> list[list[str]]:
        """A family's cells in twos by code, three at the end of an odd number; zeros stand outside."""
        cells = [c for c in self.below.get(family, ()) if self.counts[c] and not c.endswith(_REST)]
        starts = range(0, max(len(cells) - 1, 1), 2)
        return [cells[s : s + 2] if s + 3 != len(cells) else cells[s:] for s in starts if cells[s:]]

    def hide_group(self, node: str) -> None:
        """Hide a cell and those that stand with it, so that which of them is small is not told."""
        if node.endswith(_REST):
            return
        if node not in self.above:
            self.hidden.add(node)
            return
        self.hidden.update(next(g for g in self.groups(self.above[node]) if node in g))

    def hide_below(self) -> bool:
        """A hidden sum whose parts are all shown is no secret: its first group gives way, down to the last level."""
        changed = False
        for node in self.order:
            parts = self.below.get(node, ())
            if node in self.hidden and parts and not any(p in self.hidden for p in parts):
                self.hidden.update(self.groups(node)[0])
                changed = True
        return changed

    def exposed(self, bounds: Mapping[str, tuple[int, int]], rule: SmallestCell) -> list[str]:
        """Hidden cells whose count is known, or known to be small; a large rest needs no protection."""
        return [
            node
            for node in self.order
            if node in self.hidden
            and (bounds[node][0] == bounds[node][1] or bounds[node][1] < rule.k)
            and not (node.endswith(_REST) and not rule.is_small(self.counts[node]))
        ]

    def find_reserve(self, node: str) -> str | None:
        """The nearest family, going up, that can still hide something; its top counts once all of it is hidden."""
        while node in self.above:
            family = self.above[node]
            if family not in self.hidden or any(not self.hidden.issuperset(g) for g in self.groups(family)):
                return family
            node = family
        return None

    def hide_next(self, family: str) -> None:
        """Hide the next group after the first hidden one; when none is left, the family's top and its group."""
        groups = self.groups(family)
        begin = next((n for n, group in enumerate(groups) if self.hidden.intersection(group)), 0)
        for group in groups[begin:] + groups[:begin]:
            if not self.hidden.issuperset(group):
                self.hidden.update(group)
                return
        self.hide_group(family)

    def bounds(self) -> dict[str, tuple[int, int]]:
        """The exact interval of every node, from what is shown."""
        under = self._bounds_from_below()
        known: dict[str, tuple[int, int]] = {}
        for node in self.order:
            if node not in self.above:
                known[node] = under[node]
            parts = [p for p in self.below.get(node, ()) if p in self.hidden]
            shown = sum(self.counts[p] for p in self.below.get(node, ()) if p not in self.hidden)
            low, high = known[node][0] - shown, _plus(known[node][1], -shown)
            lows, highs = sum(under[p][0] for p in parts), _total(under[p][1] for p in parts)
            endless = sum(under[p][1] >= _NO_BOUND for p in parts)
            for part in parts:
                part_low, part_high = under[part]
                if highs < _NO_BOUND:
                    others = highs - part_high
                elif endless == 1 and part_high >= _NO_BOUND:
                    others = sum(under[p][1] for p in parts if p != part)
                else:
                    others = _NO_BOUND
                known[part] = max(part_low, low - others), min(part_high, _plus(high, part_low - lows))
            known.update((p, under[p]) for p in self.below.get(node, ()) if p not in self.hidden)
        return known

    def _bounds_from_below(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for node in reversed(self.order):
            parts = self.below.get(node)
            if node not in self.hidden:
                found[node] = (self.counts[node], self.counts[node])
            elif parts:
                found[node] = max(1, sum(found[p][0] for p in parts)), _total(found[p][1] for p in parts)
            else:
                found[node] = (1, _NO_BOUND)
        return found


def _downwards(nodes: Iterable[str], above: Mapping[str, str], below: Mapping[str, list[str]]) -> list[str]:
    order = sorted(n for n in nodes if n not in above)
    for node in order:
        order.extend(below.get(node, ()))
    return order


def _plus(bound_: int, number: int) -> int:
    return bound_ if bound_ >= _NO_BOUND else bound_ + number


def _total(bounds_: Iterable[int]) -> int:
    total = 0
    for one in bounds_:
        if one >= _NO_BOUND:
            return _NO_BOUND
        total += one
    return total
