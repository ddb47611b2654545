"""Which rows an operation is needed for: what is paid to few is worked out for few.

A condition that holds for few rows makes a part: the rows where it holds. What is the same value in all other rows is
worked out within the part only. Which conditions hold for few is told by a look at some rows; it decides how soon an
answer comes, never what it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from yucun.kernel.rules.bounds import Bounded, worked_range
from yucun.kernel.rules.program import Op

ALL = 0
FEW = 1 / 8
NARROWER = 1 / 2  # a part within a part is worth while where it is at most so much of it
OVER_MEMBERS = frozenset({"sum", "any", "largest", "smallest"})
_LOGIC = frozenset({"and", "or", "not"})
_READ = frozenset({"known", "is_code", "role", "count"})


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a larger part, by its number, in which a condition holds."""

    within: int
    truth: int


@dataclass(frozen=True, slots=True)
class Place:
    """The part in which an operation is worked out, and its one value in all other rows."""

    part: int
    rest: int = 0


def add_guards(bounded: Bounded) -> tuple[Bounded, dict[int, int]]:
    """The program with more conditions that it may be guarded by: for an operation, that it is not so or not zero."""
    made, ranges = bounded.ops, list(bounded.ranges)
    guards: dict[int, int] = {}
    for number in bounded.needed():
        op = made.all[number]
        if op.kind == "where" and made.value(op.args[1]) is not None:
            guards[op.args[0]] = made.add("not", op.args[0])
        if op.kind == "mul":
            guards |= {a: made.add("ne", a, made.const(0)) for a in op.args if made.all[a].kind == "given"}
    ranges += [(op.extra, op.extra) if op.kind == "const" else (0, 1) for op in made.all[len(ranges) :]]
    return Bounded(made, tuple(ranges), bounded.outputs), guards


class Guards:
    """The parts of a program, and where each operation has its place.

    Parameters
    ----------
    guards : dict
        For some operations the condition that they are not so, or not zero.
    shares : dict
        In which share of the rows conditions hold, as far as it was looked at.
    """

    def __init__(self, bounded: Bounded, guards: dict[int, int], shares: dict[int, float]) -> None:
        self._ops, self._ranges, self._guards, self._shares = bounded.ops, bounded.ranges, guards, shares
        self.parts: list[Part] = [Part(ALL, -1)]
        self._chains: list[list[int]] = [[ALL]]
        self.part_of: dict[int, int] = {}
        self.places: dict[int, Place] = {}
        self._known: dict[int, Place] = {}
        self._plain: set[int] = set()
        for number in bounded.needed():
            self._settle(number)
            if number in guards:
                self._settle(guards[number])

    def is_plain(self, number: int) -> bool:
        """Whether it is read off a column of conditions, or made of such: done for all rows sooner than for chosen ones."""
        return number in self._plain

    def chain(self, part: int) -> list[int]:
        """A part and all that it lies in, from all rows inwards."""
        return self._chains[part]

    def _settle(self, number: int) -> None:
        if number in self.places:
            return
        op = self._ops.all[number]
        known = min(self._choices(op), key=self._cost, default=Place(ALL)) if op.args else Place(ALL)
        is_read = op.kind in _READ or (op.kind == "given" and op.is_truth)
        if is_read or (op.kind in _LOGIC and self._plain.issuperset(op.args)):
            self._plain.add(number)
        else:
            self.places[number] = known
        self.places.setdefault(number, Place(ALL))
        self._known[number] = known
        share, around = self._shares.get(number), self._shares.get(self.parts[self.places[number].part].truth, 1.0)
        if share is not None and share < FEW and share < around * NARROWER:
            within, part = self.places[number].part, len(self.parts)
            self.parts.append(Part(within, number))
            self._chains.append([*self._chains[within], part])
            self.part_of[number] = part

    def _cost(self, place: Place) -> tuple[bool, float]:
        """A condition that must itself be worked out for all rows is dear; of others the rarest is best."""
        truth = self.parts[place.part].truth
        is_dear = self.places[truth].part == ALL and truth not in self._plain
        return is_dear, self._shares[truth]

    def _outside(self, number: int) -> Place:
        """The smallest part outside of which the value is known."""
        if number in self.part_of:
            return Place(self.part_of[number], 0)
        other = self._guards.get(number, -1)
        if other in self.part_of:
            return Place(self.part_of[other], int(self._ops.all[number].is_truth))
        return self._known.get(number, Place(ALL))

    def _choices(self, op: Op) -> list[Place]:
        """Parts outside of which the value follows from what is known of the arguments there."""
        if op.kind in OVER_MEMBERS or op.kind == "repeat":
            return []
        outside = [self._outside(a) for a in op.args]
        if op.kind in _LOGIC and op.shape == "household" and all(self.places[a].part == ALL for a in op.args):
            return []  # households are fewer than persons, and yes and no is soon said
        # A choice of two constants is soon made; it gains only where few members add to a sum.
        is_choice = op.kind == "where" and all(self._ops.value(a) is not None for a in op.args[1:])
        found: list[Place] = []
        for part in {place.part for place in outside} - {ALL}:
            known = [
                (place.rest, place.rest) if part in self.chain(place.part) else self._ranges[a]
                for a, place in zip(op.args, outside, strict=True)
            ]
            low, high = worked_range(op.kind, known)
            if low == high and not (is_choice and (low or self._cost(Place(part))[0])):
                found.append(Place(part, low))
        return found
