"""A bounded program as steps over registers; each register is an array over some rows of a block, or one value for all.

Where an operation is needed for few rows only, it is worked out over these, and what it takes is taken from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from yucun.kernel.rules.bounds import Bounded
from yucun.kernel.rules.guards import ALL, OVER_MEMBERS, Guards
from yucun.kernel.rules.program import Op
from yucun.kernel.rules.rows import SMALL, TRUTH, WIDE, Block, Rows, bits, numbers, take

Step = tuple[Callable[..., Any], tuple[int, ...], int, tuple[int, ...]]
# What a register holds: an operation's value over a part; or of a part the places of its rows, counted within the part
# that it lies in ("chosen") or within the block ("rows"), and the households of its persons ("homes").
Key = tuple[str, int, int]


class Code:
    """The steps of a program; `outputs` and `conditions` say which registers are kept to the end."""

    def __init__(self, bounded: Bounded, rows: Rows, guards: Guards, conditions: Iterable[int] = ()) -> None:
        self._bounded, self._rows, self._guards = bounded, rows, guards
        self._ways: dict[tuple[int, int], tuple[str, int]] = {}
        self._all = bounded.ops.all
        self._kinds = [self._kind_of(number, op) for number, op in enumerate(self._all)]
        self._registers: dict[tuple[Key, Any], int] = {}
        self.first: list[Any] = [None]
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
        self._written: set[Key] = set()
        ends = [("value", n, ALL) for _, pair in bounded.outputs for n in (pair.value, pair.known)]
        ends += [("value", n, ALL) for n in conditions]
        if len(guards.parts) > 1:
            self._written.update(self._in_order(ends))  # once to see what is worked out anyway
            self._ways.clear()
        for key in self._in_order(ends):
            self._write(key)
        self.outputs = [
            (node, (self._get(pair.value, ALL, self._kinds[pair.value]), self._get(pair.known, ALL, TRUTH)))
            for node, pair in bounded.outputs
        ]
        self.conditions = {n: self._get(n, ALL, TRUTH) for n in conditions}
        self.steps = self._with_ends()

    def _kind_of(self, number: int, op: Op) -> Any:
        """The type of an operation; sums, products and the like are worked out in the widest of what they take."""
        mine = self._kind(number)
        if op.kind == "given" and not op.is_truth:  # as it is kept: that costs nothing
            return WIDE if numbers(self._rows.column(op.extra)).dtype == WIDE else SMALL
        if op.kind in ("add", "sub", "mul", "quot", "max", "min", "sum"):
            mine = WIDE if WIDE in (mine, *map(self._kind, op.args)) else SMALL
        return mine

    def _kind(self, number: int) -> Any:
        if self._all[number].is_truth or number in (self._bounded.ops.yes, self._bounded.ops.no):
            return TRUTH
        low, high = self._bounded.ranges[number]
        return SMALL if low >= -(2**31) and high < 2**31 else WIDE

    def _in_order(self, ends: list[Key]) -> list[Key]:
        """What has to be worked out for some ends, each after what it needs."""
        order: dict[Key, None] = {}
        waiting: list[tuple[Key, bool]] = [(key, False) for key in reversed(ends)]
        while waiting:
            key, is_ready = waiting.pop()
            if is_ready:
                order[key] = None
            elif key not in order:
                waiting.append((key, True))
                waiting += [(need, False) for need in self._needs(key) if need not in order]
        return list(order)

    def _way(self, number: int, part: int) -> tuple[str, int]:
        """How an operation's value over a part comes about, and from which other part."""
        if (number, part) not in self._ways:
            self._ways[number, part] = self._find_way(number, part)
        return self._ways[number, part]

    def _find_way(self, number: int, part: int) -> tuple[str, int]:
        guards = self._guards
        if self._bounded.ops.value(number) is not None:
            return "constant", ALL
        chain, home = guards.chain(part), guards.places[number].part
        if guards.part_of.get(number, ALL) in chain[1:]:
            return "holds", part
        if home == part:
            return "work", part
        if part == ALL:
            return "spread", home
        inner = chain[1:-1]
        if home in inner or home == ALL:
            outer = [q for q in inner if home in guards.chain(q) and ("value", number, q) in self._written]
            is_for_all = guards.is_plain(number) or self._all[number].kind in OVER_MEMBERS
            if home == ALL and (is_for_all or ("value", number, ALL) in self._written):
                return "take", ALL
            return ("take", chain[-2]) if outer else ("work", part)
        return "take", ALL

    def _needs(self, key: Key) -> list[Key]:
        what, number, part = key
        if what == "rows" and (within := self._guards.parts[part].within) != ALL:
            return [("chosen", 0, part), ("rows", 0, within)]
        if what == "chosen":
            own = self._guards.parts[part]
            return [("value", own.truth, own.within)]
        if what != "value":
            return [("rows" if what == "homes" else "chosen", 0, part)]
        way, other = self._way(number, part)
        if way in ("holds", "spread"):
            return [("rows", 0, other), *([("value", number, other)] if way == "spread" else [])]
        if way == "take":
            return [("value", number, other), ("rows" if other == ALL else "chosen", 0, part)]
        return self._needs_to_work(number, part) if way == "work" else []

    def _needs_to_work(self, number: int, part: int) -> list[Key]:
        op = self._all[number]
        if not op.args:
            return [("rows", 0, part)] if part != ALL else []
        if few := self._few_members(op):
            return [("homes", 0, few), ("value", op.args[0], few)]
        if op.kind == "repeat":
            return [("value", op.args[0], ALL), *([("homes", 0, part)] if part != ALL else [])]
        return [("value", a, part) for a in op.args]

    def _few_members(self, op: Op) -> int:
        """The part outside of which members add nothing to a sum, or it holds for none; ALL where there is no such part."""
        place = self._guards.places[op.args[0]]
        return place.part if op.kind in ("sum", "any") and place.rest == 0 else ALL

    def _new(self, value: Any = None) -> int:
        self.first.append(value)
        return len(self.first) - 1

    def _get(self, number: int, part: int, kind: Any) -> int:
        """The register of an operation over a part in a type; it is turned into another type once."""
        key = (("value", number, part), kind)
        if key not in self._registers:
            value = self._bounded.ops.value(number)
            if value is not None:
                self._registers[key] = self._new(kind.type(value))
            else:
                come = self._registers[key[0], self._kinds[number]]
                self._registers[key] = self._add(lambda a: a.astype(kind), come)
        return self._registers[key]

    def _places(self, what: str, part: int) -> int:
        return self._registers[(what, 0, part), WIDE]

    def _add(self, function: Callable[..., Any], *taken: int) -> int:
        out = self._new()
        self._steps.append((function, taken, out))
        return out

    def _write(self, key: Key) -> None:
        what, number, part = key
        if what == "value":
            if self._bounded.ops.value(number) is None:
                self._registers[key, self._kinds[number]] = self._add(*self._value(number, part))
            return
        if what == "chosen":
            own = self._guards.parts[part]
            step = self._add(np.flatnonzero, self._get(own.truth, own.within, TRUTH))
        elif what == "homes":
            step = self._add(Block.homes_of, 0, self._places("rows", part))
        elif (within := self._guards.parts[part].within) != ALL:
            step = self._add(take, self._places("rows", within), self._places("chosen", part))
        else:
            step = self._places("chosen", part)
        self._registers[key, WIDE] = step

    def _value(self, number: int, part: int) -> tuple[Any, ...]:
        """How a value comes about: a function and the registers that it takes."""
        kind = self._kinds[number]
        way, other = self._way(number, part)
        match way:
            case "holds":
                return _ones, self._places("rows", part)
            case "spread":
                shape, rest = self._all[number].shape, self._guards.places[number].rest
                spread = lambda block, rows, values: block.spread(shape, rows, values, kind, rest)  # noqa: E731
                return spread, 0, self._places("rows", other), self._get(number, other, kind)
            case "take":
                at = self._places("rows" if other == ALL else "chosen", part)
                return take, self._get(number, other, kind), at
        return self._work(number, part)

    def _work(self, number: int, part: int) -> tuple[Any, ...]:
        op, mine = self._all[number], self._kinds[number]
        if not op.args:
            read = self._read(op, number) if part == ALL else self._read_some(op, number)
            return (read, 0) if part == ALL else (read, 0, self._places("rows", part))
        if few := self._few_members(op):
            homes = self._places("homes", few)
            if op.kind == "any":
                return Block.named, 0, homes, self._get(op.args[0], few, TRUTH)
            add_up = lambda block, homes, values: block.total_of(homes, values, mine)  # noqa: E731
            return add_up, 0, homes, self._get(op.args[0], few, mine)
        if op.kind == "repeat" and part != ALL:
            return take, self._get(op.args[0], ALL, mine), self._places("homes", part)
        kinds = self._taken(op, [self._kind(a) for a in op.args], mine)
        taken = [self._get(a, part, kind) for a, kind in zip(op.args, kinds, strict=True)]
        function = _FUNCTIONS.get(op.kind) or self._over_members(op, number)
        if op.kind == "quot" and self._bounded.ranges[op.args[0]][0] < 0:
            function = _towards_zero
        if op.kind == "where" and mine == SMALL:
            function = _choose
        if op.kind == "int":
            function = lambda a: a.astype(mine)  # noqa: E731 - the type is this operation's
        return (function, 0, *taken) if op.kind in _OF_BLOCK else (function, *taken)

    def _taken(self, op: Op, kinds: list[Any], mine: Any) -> list[Any]:
        """In which type an operation takes what it takes."""
        if op.kind in ("lt", "le", "eq", "ne"):
            return [TRUTH if TRUTH in kinds else WIDE if WIDE in kinds else SMALL] * 2
        if op.kind == "where":
            return [TRUTH, mine, mine]
        if op.kind in ("largest", "smallest"):
            return [mine, TRUTH]
        if op.kind in ("and", "or", "not", "any", "int"):
            return [TRUTH] * len(kinds)
        return [mine] * len(kinds)

    def _over_members(self, op: Op, number: int) -> Callable[..., Any]:
        low, high = self._bounded.ranges[number]
        function, fill = (np.maximum, low) if op.kind == "largest" else (np.minimum, high)
        return lambda block, values, mask: block.extreme(
            function, np.where(mask, values, values.dtype.type(fill)), fill
        )

    def _read(self, op: Op, number: int) -> Callable[[Block], Any]:
        """How a block reads what the population holds."""
        shape = op.shape
        match op.kind:
            case "count":
                return lambda block: np.diff(block.starts).astype(SMALL)
            case "role":
                roles, code = self._rows.population.role_of, np.int8(op.extra)
                return lambda block: roles[block.people] == code
            case "known":
                column = self._rows.column(op.extra)
                return lambda block: bits(column.buffers()[0], column.offset, block.rows(shape))
            case "is_code":
                column = self._rows.column(op.extra[0])
                words = np.array([word in op.extra[1] for word in column.dictionary.to_pylist()])
                return _one_of(numbers(column.indices), words, shape)
        column = self._rows.column(op.extra)
        if op.is_truth:
            return lambda block: bits(column.buffers()[1], column.offset, block.rows(shape))
        values, kind = numbers(column), self._kinds[number]
        return lambda block: values[block.rows(shape)].astype(kind, copy=False)

    def _read_some(self, op: Op, number: int) -> Callable[[Block, Any], Any]:
        """How a block reads numbers for some of its rows."""
        shape, values, kind = op.shape, numbers(self._rows.column(op.extra)), self._kinds[number]
        return lambda block, rows: take(values[block.rows(shape)], rows).astype(kind, copy=False)

    def _with_ends(self) -> list[Step]:
        """Say after which step a register is needed no more."""
        last: dict[int, int] = {}
        for place, (_, taken, out) in enumerate(self._steps):
            last |= dict.fromkeys((*taken, out), place)
        kept = {0, *(r for _, places in self.outputs for r in places), *self.conditions.values()}
        kept |= {r for r, value in enumerate(self.first) if value is not None}
        ends: dict[int, list[int]] = {}
        for register, place in last.items():
            if register not in kept:
                ends.setdefault(place, []).append(register)
        return [(f, taken, out, tuple(ends.get(place, ()))) for place, (f, taken, out) in enumerate(self._steps)]

    def run(self, block: Block) -> list[Any]:
        """Work out a block; the registers hold the answers."""
        registers = self.first.copy()
        registers[0] = block
        for function, taken, out, ends in self.steps:
            registers[out] = function(*[registers[k] for k in taken])
            for register in ends:
                registers[register] = None
        return registers


def _one_of(codes: Any, words: Any, shape: str) -> Callable[[Block], Any]:
    """Whether a row has one of some words, which most often are one or two."""
    which = [codes.dtype.type(k) for k in np.flatnonzero(words)]
    if len(which) == 1:
        return lambda block: codes[block.rows(shape)] == which[0]
    if len(which) == 2:
        return lambda block: (codes[block.rows(shape)] == which[0]) | (codes[block.rows(shape)] == which[1])
    return lambda block: words[codes[block.rows(shape)]]


def _ones(rows: Any) -> Any:
    return np.ones(len(rows), bool)


def _choose(condition: Any, then: Any, otherwise: Any) -> Any:
    """One of two whole numbers, without a jump for each row; what leaves the type on the way comes back into it."""
    found = np.multiply(np.subtract(then, otherwise), condition)
    found += otherwise
    return found


def _towards_zero(numerator: Any, denominator: Any) -> Any:
    quotient = np.abs(numerator) // denominator
    return np.where(numerator < 0, -quotient, quotient)


_OF_BLOCK = ("repeat", "sum", "any", "largest", "smallest")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "quot": np.floor_divide,
    "max": np.maximum,
    "min": np.minimum,
    "int": np.positive,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "where": np.where,
    "repeat": Block.repeat,
    "sum": Block.total,
    "any": Block.holds,
}
