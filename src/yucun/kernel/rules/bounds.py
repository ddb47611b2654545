"""How large the values of a program can become over a population, so that no operation can leave 64 bits unseen.

From the smallest and largest value of each given column follow those of everything that is worked out. What can be only
one value is that value, a condition that always holds is gone, and what fits 32 bits is worked out in 32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from yucun.kernel.rules.program import Op, Ops, Pair, Program, towards_zero
from yucun.kernel.rules.subject import Node

Range = tuple[int, int]
LEAST, MOST = -(2**63), 2**63 - 1


class Facts(Protocol):
    """What is asked of a population."""

    def range_of(self, key: str) -> Range:
        """The smallest and largest known value of a column of whole numbers, dates in days, or yes and no."""

    def has_blanks(self, key: str) -> bool:
        """Whether a value is missing somewhere."""

    def words_of(self, key: str) -> tuple[str, ...]:
        """The words of a column of codes."""

    @property
    def sizes(self) -> Range:
        """Members of the smallest and of the largest household."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A program for one population, with the range of each operation."""

    ops: Ops
    ranges: tuple[Range, ...]
    outputs: tuple[tuple[Node, Pair], ...]

    def needed(self) -> list[int]:
        """The operations that an output needs, in order."""
        return reach(self.ops, (number for _, pair in self.outputs for number in (pair.value, pair.known)))


def bound(program: Program, facts: Facts) -> Bounded:
    """Work out every range and leave out what it makes needless.

    Raises
    ------
    OverflowError
        A value may leave 64 bits.
    NotImplementedError
        A sum over members meets a blank.
    """
    wanted = [number for _, pair in program.outputs for number in (pair.value, pair.known)]
    made = Ops()
    ranges: dict[int, Range] = {made.yes: (1, 1), made.no: (0, 0), made.count: facts.sizes}
    new: dict[int, int] = {}
    for number in reach(program.ops, [*wanted, *program.surely]):
        op = program.ops.all[number]
        found = _range(op, [ranges[new[a]] for a in op.args], facts)
        if not LEAST <= found[0] <= found[1] <= MOST:
            raise OverflowError(f"{op.kind} from {found[0]} to {found[1]}")
        if found[0] == found[1]:
            new[number] = made.const(bool(found[0]) if op.is_truth else found[0])
        elif op.args:
            new[number] = made.add(op.kind, *(new[a] for a in op.args))
        else:
            new[number] = made.column(op.kind, op.extra, op.shape, op.is_truth)
        _note(made, ranges, new[number], found, facts)
    if any(new[number] != made.yes for number in program.surely):
        raise NotImplementedError("a sum over members some of whom are blank")
    outputs = tuple((node, Pair(new[pair.value], new[pair.known])) for node, pair in program.outputs)
    return Bounded(made, tuple(ranges[number] for number in range(len(made.all))), outputs)


def reach(ops: Ops, wanted: Iterable[int]) -> list[int]:
    """What is needed for some operations, in an order in which each finds what it takes."""
    seen: set[int] = set()
    waiting = list(wanted)
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            waiting += ops.all[number].args
    return sorted(seen)


def _note(made: Ops, ranges: dict[int, Range], number: int, found: Range, facts: Facts) -> None:
    """Note a range, and those of operations that a simplification has put in on the way."""
    for each in range(len(ranges), len(made.all)):
        op = made.all[each]
        ranges[each] = _range(op, [ranges[a] for a in op.args], facts)
    low, high = ranges.get(number, found)
    ranges[number] = (max(low, found[0]), min(high, found[1]))


def _range(op: Op, args: list[Range], facts: Facts) -> Range:
    match op.kind:
        case "const":
            return op.extra, op.extra
        case "given":
            return facts.range_of(op.extra)
        case "known":
            return (0, 1) if facts.has_blanks(op.extra) else (1, 1)
        case "is_code":
            words = set(facts.words_of(op.extra[0]))
            return int(words <= op.extra[1]), int(not words.isdisjoint(op.extra[1]))
        case "count":
            return facts.sizes
        case "role":
            return 0, 1
        case "sum":
            least, most = facts.sizes
            (low, high) = args[0]
            return low * (most if low < 0 else least), high * (least if high < 0 else most)
        case "any":
            return (args[0][0] if facts.sizes[0] else 0), args[0][1]
    return worked_range(op.kind, args)


def worked_range(kind: str, args: list[Range]) -> Range:
    """The range of what is worked out row by row."""
    return _quotients(*args) if kind == "quot" else _RANGES[kind](*args)


def _quotients(n: Range, d: Range) -> Range:
    if d[0] < 0:
        raise NotImplementedError("a denominator that may be below zero")
    corners = [towards_zero(a, max(b, 1)) for a in n for b in d] + [0] * (d[0] == 0)
    return min(corners), max(corners)


def _products(a: Range, b: Range) -> Range:
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)


def _equal(a: Range, b: Range) -> Range:
    return (int(a[0] == a[1] == b[0] == b[1])), int(a[0] <= b[1] and b[0] <= a[1])


def _not(a: Range) -> Range:
    return 1 - a[1], 1 - a[0]


def _where(condition: Range, then: Range, otherwise: Range) -> Range:
    if condition[0] == condition[1]:
        return then if condition[0] else otherwise
    return min(then[0], otherwise[0]), max(then[1], otherwise[1])


_RANGES: dict[str, Callable[..., Range]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "mul": _products,
    "max": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "min": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "int": lambda a: a,
    "lt": lambda a, b: (int(a[1] < b[0]), int(a[0] < b[1])),
    "le": lambda a, b: (int(a[1] <= b[0]), int(a[0] <= b[1])),
    "eq": _equal,
    "ne": lambda a, b: _not(_equal(a, b)),
    "and": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "or": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "not": _not,
    "where": _where,
    "repeat": lambda a: a,
    "largest": lambda value, _: value,
    "smallest": lambda value, _: value,
}
