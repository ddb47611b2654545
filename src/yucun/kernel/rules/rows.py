"""A population household by household, and the blocks of households in which it is evaluated.

Nothing is copied: a block reads its rows where they lie. Sums over members are differences of running sums, whatever
the household's size.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yucun.kernel.rules.bounds import Range
from yucun.kernel.rules.population import Population

# Persons of a block: few enough for the cache, and enough that threads seldom wait for each other between two steps.
PERSONS, MOST, BLOCKS = 1 << 16, 1 << 18, 12
_YEAR_1 = -719_162  # 1 January of the year 1, in days from 1970
TRUTH, SMALL, WIDE = np.dtype(bool), np.dtype(np.int32), np.dtype(np.int64)


@dataclass(slots=True)
class Rows:
    """A population household by household, its columns as arrays that are not copied, and what is known of their size."""

    population: Population
    order: Any = None
    starts: Any = None
    size: int = 0
    sizes: Range = (0, 0)
    _ranges: dict[str, Range] = field(default_factory=dict)
    _columns: dict[str, Any] = field(default_factory=dict)

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
        if (starts := _find_starts(rows, homes)) is not None:
            return cls(population, starts=starts, sizes=_sizes(starts))
        order = None
        if not population.is_in_order:
            order = np.argsort(rows, kind="stable")
            population = population.in_rows(order)
        starts = np.zeros(homes + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=homes), out=starts[1:])
        return cls(population, order, starts, sizes=_sizes(starts))

    def column(self, key: str) -> Any:
        """A column as it is kept."""
        if key not in self._columns:
            people, homes = self.population.persons, self.population.households
            column = (people if key in people.column_names else homes).column(key)
            self._columns[key] = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        return self._columns[key]

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
            else:  # Arrow looks for both at once, and threads need not wait for each other
                ends = pc.min_max(column.view(pa.int32()) if pa.types.is_date32(column.type) else column).as_py()
                self._ranges[key] = (ends["min"] or 0, ends["max"] or 0)
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
        homes, persons = self.population.households.num_rows, len(self.population.household_of)
        most = min(max(persons // BLOCKS, PERSONS), MOST)
        if self.size:
            ends = np.arange(0, homes, max(1, most // self.size))
        else:
            ends = np.unique(np.searchsorted(self.starts[:-1], np.arange(0, self.starts[-1], most)))
            ends = np.unique(np.concatenate((ends, np.arange(0, homes, most))))
        ends = np.append(ends[ends < homes], homes)
        return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))

    def block(self, first: int, end: int) -> Block:
        """The households from one to before another, and their members."""
        homes, household_of = slice(first, end), self.population.household_of
        if self.size:
            people = slice(first * self.size, end * self.size)
            starts = np.arange(0, (end - first + 1) * self.size, self.size)
            return Block(homes, people, self.size, starts, household_of)
        people = slice(int(self.starts[first]), int(self.starts[end]))
        return Block(homes, people, 0, self.starts[first : end + 1] - people.start, household_of)


def _find_starts(rows: Any, homes: int) -> Any:
    """Where the members of each household begin, and the end; None where persons are out of order or a household empty."""
    starts, count = np.zeros(homes + 1, np.int64), 1
    for first in range(0, len(rows) - 1, PERSONS):
        after = rows[first + 1 : first + PERSONS + 1]
        before = rows[first : first + len(after)]
        changes = np.flatnonzero(after != before)
        if count + len(changes) > homes or (after < before).any():
            return None
        np.add(changes, first + 1, out=starts[count : count + len(changes)])
        count += len(changes)
    starts[homes] = len(rows)
    return starts if count == homes and len(rows) else None


def _sizes(starts: Any) -> Range:
    """Members of the smallest and of the largest household."""
    least, most = int(starts[-1]), 0
    for first in range(0, len(starts) - 1, PERSONS):
        counts = np.diff(starts[first : first + PERSONS + 1])
        least, most = min(least, int(counts.min())), max(most, int(counts.max()))
    return least, most


def take(values: Any, rows: Any) -> Any:
    """The values of some rows; the rows are among them, which is not looked at again."""
    return values.take(rows, mode="clip")


def numbers(column: pa.Array) -> Any:
    """Whole numbers or days of an Arrow array as NumPy, without a copy; what lies under a blank is anything."""
    kind = np.int32 if pa.types.is_date32(column.type) else column.type.to_pandas_dtype()
    return np.frombuffer(column.buffers()[1], kind)[column.offset : column.offset + len(column)]


@dataclass(slots=True)
class Block:
    """Some households and their members: slices of rows, where each household's members begin within, and of all persons
    the household."""

    homes: slice
    people: slice
    size: int
    starts: Any
    household_of: Any

    def rows(self, shape: str) -> slice:
        """The rows of an entity."""
        return self.people if shape == "person" else self.homes

    def homes_of(self, rows: Any) -> Any:
        """The households of some persons; rows are counted within the block."""
        return rows // self.size if self.size else take(self.household_of[self.people], rows) - self.homes.start

    def spread(self, shape: str, rows: Any, values: Any, kind: Any, rest: int) -> Any:
        """Values of some rows as those of all, the others having one value."""
        part = self.rows(shape)
        found = np.full(part.stop - part.start, rest, kind) if rest else np.zeros(part.stop - part.start, kind)
        found[rows] = values
        return found

    def total_of(self, homes: Any, values: Any, kind: Any) -> Any:
        """The sum over each household's members where few add to it; persons are named by their households."""
        found = np.zeros(len(self.starts) - 1, kind)
        np.add.at(found, homes, values)
        return found

    def named(self, homes: Any, values: Any) -> Any:
        """Whether it holds for a member where it does for few; persons are named by their households."""
        found = np.zeros(len(self.starts) - 1, bool)
        found[homes.compress(values)] = True
        return found

    def total(self, values: Any) -> Any:
        """The sum over each household's members."""
        if self.size:
            found = values[:: self.size]
            for k in range(1, self.size):
                found = found + values[k :: self.size]
            return found
        running = np.empty(len(values) + 1, SMALL if values.dtype == TRUTH else values.dtype)
        running[0] = 0
        np.cumsum(values, out=running[1:])
        return np.diff(take(running, self.starts))

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


def bits(buffer: Any, offset: int, rows: slice) -> Any:
    """Some of the bits of an Arrow buffer as yes and no; without a buffer all are yes."""
    if buffer is None:
        return np.ones(rows.stop - rows.start, bool)
    first, last = offset + rows.start, offset + rows.stop
    packed = np.frombuffer(buffer, np.uint8)[first >> 3 : (last + 7) >> 3]
    return np.unpackbits(packed, bitorder="little")[first & 7 : (first & 7) + last - first].view(bool)
