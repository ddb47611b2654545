"""Running a program over a population in blocks of households that fit the processor's cache, on several cores.

Nothing is copied but the answers: a block reads its rows where they lie, works out every operation over them as arrays,
and writes its part of each output. Sums over members are differences of running sums, whatever the household's size.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yucun.kernel.rules.bounds import Bounded, Range, bound
from yucun.kernel.rules.population import Population
from yucun.kernel.rules.program import Op, Program
from yucun.kernel.rules.subject import Node

PERSONS = 1 << 16
_YEAR_1 = -719_162  # 1 January of the year 1, in days from 1970
_TRUTH, _SMALL, _WIDE = np.dtype(bool), np.dtype(np.int32), np.dtype(np.int64)
Step = tuple[Callable[..., Any], tuple[int, ...], int, tuple[int, ...]]


@dataclass(slots=True)
class Rows:
    """A population household by household, its columns as arrays that are not copied, and what is known of their size."""

    population: Population
    order: Any = None
    starts: Any = None
    size: int = 0
    sizes: Range = (0, 0)
    _ranges: dict[str, Range] = field(default_factory=dict)

    @classmethod
    def of(cls, population: Population) -> Rows:
        """Look where the members of each household stand; persons out of order are put in order in a copy."""
        rows, homes = population.household_of, population.households.num_rows
        size = len(rows) // homes if homes else 0
        if (
            size
            and size * homes == len(rows)
            and all(np.array_equal(rows[k::size], np.arange(homes)) for k in range(size))
        ):
            return cls(population, size=size, sizes=(size, size))
        order = None
        if not population.is_in_order:
            order = np.argsort(rows, kind="stable")
            population = population.in_rows(order)
        counts = np.bincount(rows, minlength=homes)
        starts = np.zeros(homes + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        return cls(population, order, starts, sizes=(int(counts.min()), int(counts.max())))

    def column(self, key: str) -> Any:
        """A column as it is kept."""
        table = self.population.persons if key in self.population.persons.column_names else self.population.households
        column = table.column(key)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def look(self, keys: list[str], threads: int) -> None:
        """Find the ranges of some columns at once, on several cores where there is much to look at."""
        if threads > 1 and len(self.population.household_of) > PERSONS:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(self.range_of, keys))

    def range_of(self, key: str) -> Range:
        """The smallest and largest known value."""
        if key not in self._ranges:
            column = self.column(key)
            if pa.types.is_boolean(column.type):
                self._ranges[key] = (0, 1)
            elif column.null_count:
                ends = pc.min_max(column.view(pa.int32()) if pa.types.is_date32(column.type) else column).as_py()
                self._ranges[key] = (ends["min"] or 0, ends["max"] or 0)
            else:
                values = numbers(column)
                parts = [values[k : k + PERSONS] for k in range(0, len(values), PERSONS)]  # each is read from memory once
                ends = [(int(part.min()), int(part.max())) for part in parts]
                self._ranges[key] = (min(low for low, _ in ends), max(high for _, high in ends))
            if pa.types.is_date32(column.type) and self._ranges[key][0] < _YEAR_1:
                raise OverflowError(f"a day before the year 1 in {key}")
        return self._ranges[key]

    def has_blanks(self, key: str) -> bool:
        """Whether a value is missing somewhere."""
        return bool(self.column(key).null_count)

    def words_of(self, key: str) -> tuple[str, ...]:
        """The words of a column of codes."""
        return tuple(self.column(key).dictionary.to_pylist())

    def blocks(self) -> list[tuple[int, int]]:
        """Runs of households, from one to before another, with about as many persons each."""
        homes = self.population.households.num_rows
        if self.size:
            ends = np.arange(0, homes, max(1, PERSONS // self.size))
        else:
            ends = np.unique(np.searchsorted(self.starts[:-1], np.arange(0, self.starts[-1], PERSONS)))
            ends = np.unique(np.concatenate((ends, np.arange(0, homes, PERSONS))))
        ends = np.append(ends[ends < homes], homes)
        return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def numbers(column: pa.Array) -> Any:
    """Whole numbers or days of an Arrow array as NumPy, without a copy; what lies under a blank is anything."""
    kind = np.int32 if pa.types.is_date32(column.type) else column.type.to_pandas_dtype()
    return np.frombuffer(column.buffers()[1], kind)[column.offset : column.offset + len(column)]


@dataclass(slots=True)
class Block:
    """Some households and their members: slices of rows, and where each household's members begin within."""

    homes: slice
    people: slice
    size: int
    starts: Any

    def rows(self, shape: str) -> slice:
        """The rows of an entity."""
        return self.people if shape == "person" else self.homes

    def total(self, values: Any) -> Any:
        """The sum over each household's members."""
        if self.size:
            found = values[:: self.size]
            for k in range(1, self.size):
                found = found + values[k :: self.size]
            return found
        running = np.zeros(len(values) + 1, _SMALL if values.dtype == _TRUTH else values.dtype)
        np.cumsum(values, out=running[1:])
        return np.diff(running.take(self.starts))

    def holds(self, values: Any) -> Any:
        """Whether it holds for a member."""
        if self.size:
            found = values[:: self.size]
            for k in range(1, self.size):
                found = found | values[k :: self.size]
            return found
        return self.total(values) != 0

    def repeat(self, values: Any) -> Any:
        """Each household's value for each of its members."""
        return np.repeat(values, self.size or np.diff(self.starts))

    def extreme(self, function: Any, values: Any, fill: Any) -> Any:
        """The largest or smallest over the members; `fill` where there is none."""
        if self.size:
            found = values[:: self.size]
            for k in range(1, self.size):
                found = function(found, values[k :: self.size])
            return found
        found = np.full(len(self.starts) - 1, fill, values.dtype)
        some = np.flatnonzero(np.diff(self.starts))
        if len(some):
            found[some] = function.reduceat(values, self.starts[some])
        return found


class Code:
    """A bounded program as steps over registers; each register is a row of arrays, or one value for all."""

    def __init__(self, bounded: Bounded, rows: Rows) -> None:
        self._bounded, self._rows = bounded, rows
        self._places: dict[tuple[int, Any], int] = {}
        self._kinds: dict[int, Any] = {}
        self.first: list[Any] = [None]
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
        for number in bounded.needed():
            self._write(number, bounded.ops.all[number])
        self.outputs = [
            (node, (self._place(pair.value, self._kinds[pair.value]), self._place(pair.known, _TRUTH)))
            for node, pair in bounded.outputs
        ]
        self.steps = self._with_ends()

    def _kind(self, number: int) -> Any:
        if self._bounded.ops.all[number].is_truth or self._is_truth_constant(number):
            return _TRUTH
        low, high = self._bounded.ranges[number]
        return _SMALL if low >= -(2**31) and high < 2**31 else _WIDE

    def _is_truth_constant(self, number: int) -> bool:
        return number in (self._bounded.ops.yes, self._bounded.ops.no)

    def _place(self, number: int, kind: Any) -> int:
        """The register of an operation in a type; it is turned into another type once."""
        key = (number, kind)
        if key not in self._places:
            value = self._bounded.ops.value(number)
            if value is not None:
                self._places[key] = self._new(kind.type(value))
            else:
                come = self._places[number, self._kinds[number]]
                self._places[key] = self._new()
                self._steps.append((lambda a: a.astype(kind), (come,), self._places[key]))
        return self._places[key]

    def _new(self, value: Any = None) -> int:
        self.first.append(value)
        return len(self.first) - 1

    def _write(self, number: int, op: Op) -> None:
        kinds = [self._kind(a) for a in op.args]
        mine = self._kind(number)
        if op.kind in ("add", "sub", "mul", "quot", "max", "min", "sum"):
            mine = _WIDE if _WIDE in (mine, *kinds) else _SMALL
        self._kinds[number] = mine
        if op.kind == "const":
            return
        taken = tuple(self._place(a, k) for a, k in zip(op.args, self._taken(op, kinds, mine), strict=True))
        function = self._read(op) if not op.args else _FUNCTIONS.get(op.kind) or self._over_members(op, number)
        out = self._places[number, mine] = self._new()
        over = (0, *taken) if not op.args or op.kind in _OF_BLOCK else taken
        if op.kind == "quot" and self._bounded.ranges[op.args[0]][0] < 0:
            function = _towards_zero
        if op.kind == "int":
            function = lambda a: a.astype(mine)  # noqa: E731 - the type is this operation's
        self._steps.append((function, over, out))

    def _taken(self, op: Op, kinds: list[Any], mine: Any) -> list[Any]:
        """In which type an operation takes what it takes."""
        if op.kind in ("lt", "le", "eq", "ne"):
            return [_TRUTH if _TRUTH in kinds else _WIDE if _WIDE in kinds else _SMALL] * 2
        if op.kind == "where":
            return [_TRUTH, mine, mine]
        if op.kind in ("largest", "smallest"):
            return [mine, _TRUTH]
        if op.kind in ("and", "or", "not", "any", "int"):
            return [_TRUTH] * len(kinds)
        return [mine] * len(kinds)

    def _over_members(self, op: Op, number: int) -> Callable[..., Any]:
        low, high = self._bounded.ranges[number]
        function, fill = (np.maximum, low) if op.kind == "largest" else (np.minimum, high)
        return lambda block, values, mask: block.extreme(
            function, np.where(mask, values, values.dtype.type(fill)), fill
        )

    def _read(self, op: Op) -> Callable[[Block], Any]:
        """How a block reads what the population holds."""
        shape = op.shape
        match op.kind:
            case "count":
                return lambda block: np.diff(block.starts).astype(_SMALL)
            case "role":
                roles, code = self._rows.population.role_of, np.int8(op.extra)
                return lambda block: roles[block.people] == code
            case "known":
                column = self._rows.column(op.extra)
                return lambda block: bits(column.buffers()[0], column.offset, block.rows(shape))
            case "is_code":
                column = self._rows.column(op.extra[0])
                words = np.array([word in op.extra[1] for word in column.dictionary.to_pylist()])
                codes, which = numbers(column.indices), np.flatnonzero(words)
                if len(which) == 1:
                    one = codes.dtype.type(which[0])
                    return lambda block: codes[block.rows(shape)] == one
                return lambda block: words[codes[block.rows(shape)]]
        column = self._rows.column(op.extra)
        if op.is_truth:
            return lambda block: bits(column.buffers()[1], column.offset, block.rows(shape))
        values = numbers(column)
        kind = _SMALL if self._fits(op) else _WIDE
        return lambda block: values[block.rows(shape)].astype(kind, copy=False)

    def _fits(self, op: Op) -> bool:
        low, high = self._rows.range_of(op.extra)
        return low >= -(2**31) and high < 2**31

    def _with_ends(self) -> list[Step]:
        """Say after which step a register is needed no more."""
        last: dict[int, int] = {}
        for place, (_, taken, out) in enumerate(self._steps):
            last |= dict.fromkeys((*taken, out), place)
        kept = {0, *(r for _, places in self.outputs for r in places)}
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


def bits(buffer: Any, offset: int, rows: slice) -> Any:
    """Some of the bits of an Arrow buffer as yes and no; without a buffer all are yes."""
    if buffer is None:
        return np.ones(rows.stop - rows.start, bool)
    first, last = offset + rows.start, offset + rows.stop
    packed = np.frombuffer(buffer, np.uint8)[first >> 3 : (last + 7) >> 3]
    return np.unpackbits(packed, bitorder="little")[first & 7 : (first & 7) + last - first].view(bool)


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


@dataclass(slots=True)
class Answer:
    """One output as it is put together: where a block leaves it, and the rows of all blocks; no mask where all is known."""

    node: Node
    entity: str
    value: int
    known: int
    values: Any
    mask: Any

    @classmethod
    def of(cls, node: Node, places: tuple[int, int], code: Code, population: Population) -> Answer:
        """Room for the rows of an output."""
        variable = population.book.get(node.variable)
        count = (population.persons if variable.entity == "person" else population.households).num_rows
        kind = {"boolean": bool, "date": np.int32}.get(variable.kind, np.int64)
        is_known = code.first[places[1]] is not None and bool(code.first[places[1]])
        mask = None if is_known else np.empty(count, bool)
        return cls(node, variable.entity, *places, np.empty(count, kind), mask)

    def take(self, block: Block, registers: list[Any]) -> None:
        """Write a block's part."""
        part = block.rows(self.entity)
        self.values[part] = registers[self.value]
        if self.mask is not None:
            self.mask[part] = registers[self.known]


def run_blocks(program: Program, rows: Rows, threads: int) -> dict[Node, Any]:
    """The outputs of a program as Arrow arrays, in the order of the population.

    Raises
    ------
    OverflowError
        A value may leave 64 bits.
    NotImplementedError
        The population holds what operations are not written for.
    """
    rows.look(program.given(), threads)
    code = Code(bound(program, rows), rows)
    answers = [Answer.of(node, places, code, rows.population) for node, places in code.outputs]
    waiting = iter(rows.blocks())

    def work(_: int) -> None:
        with np.errstate(all="ignore"):  # under a blank lies anything, and what is made of it is thrown away
            for first, end in waiting:
                block = _block(rows, first, end)
                registers = code.run(block)
                for answer in answers:
                    answer.take(block, registers)

    if threads > 1 and len(rows.population.household_of) > PERSONS:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    else:
        work(0)
    return {answer.node: _arrow(rows, answer) for answer in answers}


def _block(rows: Rows, first: int, end: int) -> Block:
    if rows.size:
        people = slice(first * rows.size, end * rows.size)
        return Block(slice(first, end), people, rows.size, np.arange(0, (end - first + 1) * rows.size, rows.size))
    people = slice(int(rows.starts[first]), int(rows.starts[end]))
    return Block(slice(first, end), people, 0, rows.starts[first : end + 1] - people.start)


def _arrow(rows: Rows, answer: Answer) -> Any:
    variable, values, known = rows.population.book.get(answer.node.variable), answer.values, answer.mask
    if variable.entity == "person" and rows.order is not None:
        back = np.empty_like(rows.order)
        back[rows.order] = np.arange(len(back))
        values, known = values[back], None if known is None else known[back]
    if known is not None:
        array = pa.array(values, mask=~known)
    elif variable.kind == "boolean":
        array = pa.array(values)
    else:
        array = pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])
    return array.view(pa.date32()) if variable.kind == "date" else array
