"""Which cells of each version are shown, so that no version, sum or neighbour, nor all of them together, tells a hidden one.

Every version of a family of numbers is decided once, after those before it, for everyone and for every way out: a
page, an export and an old version show the same cells. Whoever reads is taken to have read everything that was ever
shown, and to know which numbers did not change in between.

- A count from 1 to k - 1 is hidden, and so is what a total counts beyond its parts, if that is small.
- A count that changed by 1 to k - 1 people since a version in which it was shown is hidden until more have changed:
  else the two versions together would show those few.
- What was hidden and did not change stays hidden; what was shown and did not change cannot be taken back, and
  protects nothing.
- Further cells give way until each of these could be k or more in some world that fits all that was ever shown, no
  hidden count is known exactly, and an amount that rests on few people is not known within a tenth.
- Where that cannot be had, every cell that changed is hidden: the world in which nothing changed then fits as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.access.cells import SmallestCell, hide
from yucun.kernel.access.worlds import Doubt, Terms, Var, Way, connect, find_settled

# Quantity, region, period: one number that a cell shows.
Spot = tuple[str, str, str]
# Indicator, region, period.
CellName = tuple[str, str, str]
Tree = Mapping[RegionCode, RegionCode | None]

CHANGED_BY_FEW = Text(
    "为保护个人信息，与已显示的版本相比变动人数过少的数暂不更新；仍以该版本的数为准",
    "hidden to protect people: too few have changed since the version that was shown; its number stands",
)
_REST: Final = "+rest"
_MOST_ROUNDS: Final = 60
# An amount that rests on few people must stay open by this share of itself, upwards and downwards.
_SHARE: Final = 10


@dataclass(frozen=True, slots=True)
class Sum:
    """Numbers that together count as much as another, or less: months of a year, the ill among all."""

    total: Spot
    parts: tuple[Spot, ...]

    @property
    def rest(self) -> Spot:
        """What the total counts beyond its parts: a number of its own that is never shown by itself."""
        quantity, region, period = self.total
        inner = "+".join(sorted({q for q, _, _ in self.parts} - {quantity}))
        spans = sorted({p for _, _, p in self.parts} - {period})
        places = "places" if {r for _, r, _ in self.parts} - {region} else ""
        return f"{quantity}-{inner}{places}{spans[0] + '..' + spans[-1] if spans else ''}{_REST}", region, period


@dataclass(frozen=True, slots=True)
class Table:
    """One version of a family of numbers: all that share rows, and so can be subtracted from each other.

    Parameters
    ----------
    counts : mapping of Spot to int
        Every number that any of its cells shows.
    least : mapping of str to int
        The smallest count shown of each quantity that counts people.
    amounts : mapping of str to str
        Each quantity that is an amount, and the quantity of the people that it rests on.
    cells : mapping of CellName to tuple of Spot
        What a cell shows when it is shown.
    trees : mapping of str to Tree
        For each period the region that each region's number is part of.
    sums : tuple of Sum
        Sums over periods and over quantities; those over regions come from the trees.
    """

    counts: Mapping[Spot, int]
    least: Mapping[str, int]
    amounts: Mapping[str, str]
    cells: Mapping[CellName, tuple[Spot, ...]]
    trees: Mapping[str, Tree]
    sums: tuple[Sum, ...] = ()


EMPTY = Table({}, {}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was shown so far.

    Parameters
    ----------
    seq : int
        The version that was decided last.
    hidden : frozenset of CellName
        Its hidden cells.
    veiled : mapping of Spot to int
        The numbers that nobody knows, with the version in which each took its value.
    past : mapping of Spot to tuple of int
        Values that were shown and changed since.
    equations, values, floors, doubts
        What is known of hidden numbers, in all versions.
    """

    seq: int = 0
    hidden: frozenset[CellName] = frozenset()
    veiled: Mapping[Spot, int] = field(default_factory=dict)
    past: Mapping[Spot, tuple[int, ...]] = field(default_factory=dict)
    equations: tuple[Terms, ...] = ()
    values: Mapping[Var, int] = field(default_factory=dict)
    floors: Mapping[Var, int | None] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()

    def to_json(self) -> str:
        """Write it down; `from_json` reads it."""
        numbers = {var: n for n, var in enumerate(self.values)}
        said = {
            "seq": self.seq,
            "hidden": sorted(self.hidden),
            "veiled": [[*spot, born] for spot, born in self.veiled.items()],
            "past": [[*spot, list(values)] for spot, values in self.past.items()],
            "values": [[*var, value, self.floors[var]] for var, value in self.values.items()],
            "equations": [_pack(terms, numbers) for terms in self.equations],
            "doubts": [[numbers[d.about], [[_pack(w.terms, numbers), w.least] for w in d.ways]] for d in self.doubts],
        }
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Ledger:
        """Read what `to_json` wrote."""
        said = json.loads(text)
        names: list[Var] = [(q, r, p, born) for q, r, p, born, _, _ in said["values"]]
        return cls(
            said["seq"],
            frozenset((i, r, p) for i, r, p in said["hidden"]),
            {(q, r, p): born for q, r, p, born in said["veiled"]},
            {(q, r, p): tuple(values) for q, r, p, values in said["past"]},
            tuple(_unpack(terms, names) for terms in said["equations"]),
            {name: row[4] for name, row in zip(names, said["values"], strict=True)},
            {name: row[5] for name, row in zip(names, said["values"], strict=True)},
            tuple(
                Doubt(names[about], tuple(Way(_unpack(terms, names), least) for terms, least in ways))
                for about, ways in said["doubts"]
            ),
        )


def release(table: Table, before: Table, ledger: Ledger, seq: int) -> Ledger:
    """Decide which cells of a version are hidden.

    Parameters
    ----------
    table, before : Table
        This version, and the one that the ledger was written for (`EMPTY` for none).
    ledger : Ledger
        What was shown so far.
    seq : int
        The version's journal seq.

    Returns
    -------
    Ledger
        With this version's hidden cells.
    """
    return _Release(table, before, ledger, seq).decide()


class _Release:
    """One decision; `hidden` grows until nothing small can be worked out."""

    def __init__(self, table: Table, before: Table, ledger: Ledger, seq: int) -> None:
        self.table = table
        self.ledger = ledger
        self.seq = seq
        self.sums = [*_sums_of_places(table), *table.sums]
        self.counts = {**table.counts, **_rests(self.sums, table.counts)}
        old_sums = [*_sums_of_places(before), *before.sums]
        self.old = {**before.counts, **_rests(old_sums, before.counts)}
        self.is_first = not self.old
        self.changed = {s for s, c in self.counts.items() if self.is_first or c != self.old.get(s, 0)}
        self.cells_of: dict[Spot, list[CellName]] = {}
        for cell, spots in table.cells.items():
            for spot in spots:
                self.cells_of.setdefault(spot, []).append(cell)
        self.sums_of: dict[Spot, list[Sum]] = {}
        for one in self.sums:
            for spot in (one.total, *one.parts, one.rest):
                self.sums_of.setdefault(spot, []).append(one)
        self.hidden_before: dict[Spot, list[Var]] = {}
        for var in ledger.values:
            self.hidden_before.setdefault(var[:3], []).append(var)
        self.hidden: set[CellName] = set()
        self.simple = self._simple_trees()

    # -- deciding ------------------------------------------------------------------------------------------

    def decide(self) -> Ledger:
        for spot in self._small():
            self._hide(spot)
        for cell in self.ledger.hidden:
            spots = self.table.cells.get(cell, ())
            if any(s in self.ledger.veiled and s not in self.changed for s in spots):
                self.hidden.add(cell)
        for _ in range(_MOST_ROUNDS):
            veiled = self._veiled()
            settled = self._find_settled(veiled)
            if not settled:
                return self._write(veiled)
            if not self._give_way(settled, veiled):
                break
        self.hidden.update(c for c, spots in self.table.cells.items() if any(s in self.changed for s in spots))
        veiled = self._veiled()
        return self._write(veiled, lost=self._find_settled(veiled))

    def _simple_trees(self) -> set[tuple[str, str]]:
        """Quantities and periods that come for the first time and stand in no other sum: `hide` finds their exact bounds."""
        known = {(q, p) for q, _, p in self.old}
        crossing = {(q, p) for one in self.table.sums for q, _, p in (one.total, *one.parts)}
        resting = {*self.table.amounts, *self.table.amounts.values()}
        return {(q, p) for q, _, p in self.counts if q not in resting} - known - crossing

    def _is_simple(self, var: Var) -> bool:
        quantity, _, period, _ = var
        return (quantity.removesuffix(f"-places{_REST}"), period) in self.simple

    def _small(self) -> set[Spot]:
        """Numbers hidden before anything is worked out: small ones with their neighbours, and small changes."""
        found: set[Spot] = set()
        for (quantity, period), counts in _by_tree(self.table.counts).items():
            k = self.table.least.get(quantity)
            if k is not None:
                found |= {(quantity, r, period) for r in self._hide_tree(counts, period, k)}
        for one in self.table.sums:
            rest = self.counts.get(one.rest, 0)
            if 0 < rest < self._least(one.total[0]):
                found |= set(one.parts)
        found |= self._small_rests_by_place()
        return found | {s for s in self.changed if self._is_small_change(s)}

    def _small_rests_by_place(self) -> set[Spot]:
        """Where a sum over quantities leaves few in one region, its neighbours' parts give way as they would for a cell."""
        groups: dict[tuple[str, str], dict[str, Sum]] = {}
        for one in self.table.sums:
            if any(q != one.total[0] for q, _, _ in one.parts):
                groups.setdefault((one.rest[0], one.total[2]), {})[one.total[1]] = one
        found: set[Spot] = set()
        for (_, period), sums in groups.items():
            counts = {r: self.counts.get(one.rest, 0) for r, one in sums.items()}
            k = max(self._least(one.total[0]) for one in sums.values())
            for region in self._hide_tree(counts, period, k):
                found |= set(sums[region].parts)
        return found

    def _hide_tree(self, counts: Mapping[str, int], period: str, k: int) -> frozenset[RegionCode]:
        parents = self.table.trees.get(period, {})
        here = {RegionCode(r): c for r, c in counts.items() if c >= 0}
        return hide(_levelled(here, parents), parents, SmallestCell(k, ""))

    def _least(self, quantity: str) -> int:
        """The smallest count shown of a quantity, or of what is left of it; 0 for an amount."""
        if quantity.endswith(_REST):
            known = [k for q, k in self.table.least.items() if quantity.startswith(f"{q}-")]
            return max(known, default=0)
        return self.table.least.get(quantity, 0)

    def _is_small_change(self, spot: Spot) -> bool:
        k = self._least(spot[0])
        return any(0 < abs(self.counts[spot] - shown) < k for shown in self._shown_before(spot))

    def _shown_before(self, spot: Spot) -> list[int]:
        """Values that were shown, the last version's among them; a number that was never there counts as none."""
        past = list(self.ledger.past.get(spot, ()))
        if spot in self.old and spot not in self.ledger.veiled:
            past.append(self.old[spot])
        return past

    def _hide(self, spot: Spot) -> bool:
        """Hide the cells that show a number, unless it is known already; say whether that was news."""
        if spot not in self.changed and spot not in self.ledger.veiled:
            return False
        cells = [c for c in self.cells_of.get(spot, ()) if c not in self.hidden]
        self.hidden.update(cells)
        return bool(cells)

    # -- what is known -------------------------------------------------------------------------------------

    def _veiled(self) -> dict[Spot, int]:
        """Numbers that nobody knows after this version, with the version in which each took its value."""
        shown = {s for cell, spots in self.table.cells.items() if cell not in self.hidden for s in spots}
        found: dict[Spot, int] = {}
        for spot, count in self.counts.items():
            is_rest = spot[0].endswith(_REST)
            if spot in shown or (is_rest and count <= 0):
                continue
            if spot in self.changed:
                found[spot] = self.seq
            elif spot in self.ledger.veiled:
                found[spot] = self.ledger.veiled[spot]
        return found

    def _equations(self, veiled: Mapping[Spot, int]) -> list[Terms]:
        found = []
        for one in self.sums:
            factors = [(one.total, 1), *((p, -1) for p in one.parts), (one.rest, -1)]
            terms = tuple(((*spot, veiled[spot]), factor) for spot, factor in factors if spot in veiled)
            if terms:
                found.append(terms)
        return found

    def _doubts(self, veiled: Mapping[Spot, int]) -> list[Doubt]:
        """What must stay possible after this version, beyond what had to before."""
        found = []
        for spot, born in veiled.items():
            if born == self.seq:
                found += self._doubts_of(spot, (*spot, born))
        for spot in self.changed:
            k = self._least(spot[0])
            for before in self.hidden_before.get(spot, ()):
                change = self.counts[spot] - self.ledger.values[before]
                if 0 < abs(change) < k:
                    found.append(_could_be_many(before, self.counts[spot], veiled.get(spot), change, k))
        return found

    def _doubts_of(self, spot: Spot, var: Var) -> list[Doubt]:
        count, k, one = self.counts[spot], self._least(spot[0]), ((var, 1),)
        found = [
            Doubt(var, (Way(one, shown + k), Way(((var, -1),), k - shown)))
            for shown in self._shown_before(spot)
            if 0 < abs(count - shown) < k
        ]
        people = self.table.amounts.get(spot[0])
        if people is not None:
            rests_on = self.counts.get((people, *spot[1:]), 0)
            if 0 < rests_on < self._least(people) and count > 0:
                far = -(-count // _SHARE)
                found += [Doubt(var, (Way(one, count + far),)), Doubt(var, (Way(((var, -1),), far - count),))]
        elif 0 < count < k:
            found.append(Doubt(var, (Way(one, k),)))
        elif not spot[0].endswith(_REST):
            found.append(Doubt(var, (Way(one, count + 1), Way(((var, -1),), 1 - count))))
        return found

    def _floor(self, spot: Spot) -> int | None:
        """Zero is shown as zero, so what is hidden is at least one; an amount may be less than nothing."""
        count = self.counts[spot]
        if count < 0 or (
            spot[0] in self.table.amounts and any(c < 0 for s, c in self.counts.items() if s[0] == spot[0])
        ):
            return None
        return min(count, 1)

    def _find_settled(self, veiled: Mapping[Spot, int]) -> list[Doubt]:
        values, floors, equations, doubts = self._system(veiled)
        # An old hidden number may be told by a new sum: whatever shares an equation with one of this version is asked.
        mine = [v for t in self._equations(veiled) for v, _ in t]
        asked = connect(equations, [*mine, *(v for d in self._doubts(veiled) for v in d.variables)])
        return find_settled(
            values,
            floors,
            [t for t in equations if t[0][0] in asked],
            [d for d in doubts if d.about in asked and not self._is_simple(d.about)],
        )

    def _system(
        self, veiled: Mapping[Spot, int]
    ) -> tuple[dict[Var, int], dict[Var, int | None], list[Terms], list[Doubt]]:
        values, floors = dict(self.ledger.values), dict(self.ledger.floors)
        for spot, born in veiled.items():
            values.setdefault((*spot, born), self.counts[spot])
            floors.setdefault((*spot, born), self._floor(spot))
        known = self._now_known(veiled)
        equations = [left for t in self.ledger.equations if (left := tuple((v, f) for v, f in t if v not in known))]
        doubts = [_without(d, known, values) for d in self.ledger.doubts if d.about not in known]
        return (
            values,
            floors,
            list(dict.fromkeys([*equations, *self._equations(veiled)])),
            [*doubts, *self._doubts(veiled)],
        )

    def _now_known(self, veiled: Mapping[Spot, int]) -> set[Var]:
        """Numbers that were hidden, did not change, and are shown now."""
        return {
            (*s, born)
            for s, born in self.ledger.veiled.items()
            if s in self.counts and s not in self.changed and s not in veiled
        }

    # -- giving way ----------------------------------------------------------------------------------------

    def _give_way(self, settled: Sequence[Doubt], veiled: Mapping[Spot, int]) -> bool:
        """Hide more around what can be worked out; say whether anything was left to hide."""
        news = False
        for doubt in settled:
            spot: Spot = doubt.about[:3]
            sums = self.sums_of.get(spot, ())
            news |= (
                self._hide(spot)
                or self._open_next(spot, sums, veiled)
                or self._hide_all(near for one in sums for near in self._around(one))
            )
        return news

    def _open_next(self, spot: Spot, sums: Sequence[Sum], veiled: Mapping[Spot, int]) -> bool:
        """Open the sums in which nothing else is hidden; else one part, where the fewest are hidden; else a total."""
        others = {one: sum(s in veiled for s in (one.total, *one.parts, one.rest) if s != spot) for one in sums}
        alone = [one for one in sums if not others[one]]
        if alone:
            return bool([one for one in alone if self._open_part(one, spot) or self._open_total(one, spot)])
        ordered = sorted(sums, key=lambda one: others[one])
        return any(self._open_part(one, spot) for one in ordered) or any(self._open_total(o, spot) for o in ordered)

    def _hide_all(self, spots: Iterable[Spot]) -> bool:
        return bool([spot for spot in spots if self._hide(spot)])

    def _open_part(self, one: Sum, spot: Spot) -> bool:
        """Hide the next part of a sum after a number; below a hidden total, the first two."""
        free = [p for p in one.parts if self._can_hide(p)]
        begin = next((n for n, p in enumerate(free) if p > spot), 0)
        return self._hide_all((free[begin:] + free[:begin])[: 2 if one.total == spot else 1])

    def _open_total(self, one: Sum, spot: Spot) -> bool:
        return one.total != spot and self._can_hide(one.total) and self._hide(one.total)

    def _can_hide(self, spot: Spot) -> bool:
        """Whether hiding a number would be news: it changed, is more than nothing, and is shown."""
        return (
            spot in self.changed
            and self.counts[spot] > 0
            and any(c not in self.hidden for c in self.cells_of.get(spot, ()))
        )

    def _around(self, one: Sum) -> list[Spot]:
        """The parts of the sums in which a sum's numbers stand as well."""
        near = [
            s for other in (one.total, *one.parts) for n in self.sums_of.get(other, ()) for s in (n.total, *n.parts)
        ]
        return [s for s in dict.fromkeys(near) if self._can_hide(s)]

    # -- writing -------------------------------------------------------------------------------------------

    def _write(self, veiled: Mapping[Spot, int], lost: Collection[Doubt] = ()) -> Ledger:
        """Keep what is known of hidden numbers, of this version and of all before it.

        What is lost whatever is hidden (the last of a group left, so that nothing changed beside it) is not asked again.
        """
        values, floors, equations, doubts = self._system(veiled)
        # A cell all of whose numbers are known in another way keeps no secret.
        self.hidden = {c for c in self.hidden if any(s in veiled for s in self.table.cells[c])}
        past: dict[Spot, tuple[int, ...]] = dict(self.ledger.past)
        for spot in self.changed:
            if not self.is_first and spot in self.old and spot not in self.ledger.veiled:
                shown = [v for v in past.get(spot, ()) if v != self.old[spot]]
                past[spot] = (*shown, self.old[spot])
        return Ledger(
            self.seq,
            frozenset(self.hidden),
            veiled,
            past,
            tuple(equations),
            values,
            floors,
            tuple(d for d in doubts if d not in lost),
        )


def _could_be_many(before: Var, count: int, born: int | None, change: int, k: int) -> Doubt:
    """A number that was hidden and changed by few since: it must be possible that many came or went."""
    if born is None:
        ways = (Way(((before, -1),), k - count), Way(((before, 1),), count + k))
    else:
        now: Var = (*before[:3], born)
        ways = (Way(((now, 1), (before, -1)), k), Way(((now, -1), (before, 1)), k))
    return Doubt(before, ways if change > 0 else ways[::-1])


def _sums_of_places(table: Table) -> list[Sum]:
    """A sum for each region and its parts, of each quantity and period."""
    found = []
    for (quantity, period), counts in _by_tree(table.counts).items():
        below: dict[str, list[Spot]] = {}
        for region in sorted(counts):
            above = table.trees.get(period, {}).get(RegionCode(region))
            if above is not None and str(above) in counts:
                below.setdefault(str(above), []).append((quantity, region, period))
        found += [Sum((quantity, region, period), tuple(parts)) for region, parts in below.items()]
    return found


def _by_tree(counts: Mapping[Spot, int]) -> dict[tuple[str, str], dict[str, int]]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for (quantity, region, period), count in counts.items():
        found.setdefault((quantity, period), {})[region] = count
    return found


def _rests(sums: Iterable[Sum], counts: Mapping[Spot, int]) -> dict[Spot, int]:
    return {one.rest: counts.get(one.total, 0) - sum(counts.get(p, 0) for p in one.parts) for one in sums}


def _levelled(counts: Mapping[RegionCode, int], parents: Tree) -> dict[RegionCode, int]:
    """Counts that add up: where parts count more than their total, people are in several of them."""
    levelled = dict(counts)
    below: dict[RegionCode, list[RegionCode]] = {}
    for region in counts:
        above = parents.get(region)
        if above is not None and above in counts:
            below.setdefault(above, []).append(region)

    def level(region: RegionCode) -> int:
        parts = sum(level(p) for p in below.get(region, ()))
        levelled[region] = max(levelled[region], parts)
        return levelled[region]

    for region in counts:
        if parents.get(region) not in counts:
            level(region)
    return levelled


def _without(doubt: Doubt, known: Collection[Var], values: Mapping[Var, int]) -> Doubt:
    """A doubt in which numbers that are known now stand as such."""
    if not doubt.variables & set(known):
        return doubt
    ways = []
    for way in doubt.ways:
        given = sum(f * values[v] for v, f in way.terms if v in known)
        ways.append(Way(tuple((v, f) for v, f in way.terms if v not in known), way.least - given))
    return Doubt(doubt.about, tuple(ways))


def _pack(terms: Terms, numbers: Mapping[Var, int]) -> list[int]:
    return [n for var, factor in terms for n in (numbers[var], factor)]


def _unpack(packed: Sequence[Any], names: Sequence[Var]) -> Terms:
    return tuple((names[packed[n]], packed[n + 1]) for n in range(0, len(packed), 2))
