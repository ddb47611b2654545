"""Ranges of columns that are likely, told by a few rows, so that a large population need not be read twice.

A program is bounded by them; each block then makes sure of what it reads, and where a value lies beyond, all is worked out
anew by the true ranges. So they decide how soon an answer comes, never what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from yucun.kernel.rules.bounds import Range
from yucun.kernel.rules.rows import Rows, numbers

LOOKED_AT = 4096
_ROOM = 3  # so many bits more than the largest value that was looked at


class BeyondError(Exception):
    """A value lies outside of the range that was likely."""


class Likely:
    """What is asked of a population, with likely ranges for its persons' whole numbers without blanks."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._ranges: dict[str, Range] = {}
        self._seen: dict[str, list[tuple[int, Range]]] = {}

    @property
    def sizes(self) -> Range:
        """Members of the smallest and of the largest household."""
        return self._rows.sizes

    def has_blanks(self, key: str) -> bool:
        """Whether a value is missing somewhere."""
        return self._rows.has_blanks(key)

    def words_of(self, key: str) -> tuple[str, ...]:
        """The words of a column of codes."""
        return self._rows.words_of(key)

    def is_likely(self, key: str) -> bool:
        """Whether the range of a column is told by a few rows."""
        if self._rows.is_known(key) or key not in self._rows.population.persons.column_names:
            return False
        column = self._rows.column(key)
        return bool(pa.types.is_integer(column.type)) and not column.null_count

    def range_of(self, key: str) -> Range:
        """The smallest and largest value, or what they are likely to lie within."""
        if not self.is_likely(key):
            return self._rows.range_of(key)
        if key not in self._ranges:
            values = numbers(self._rows.column(key))
            some = values[:: max(1, len(values) // LOOKED_AT)]
            low, high = int(some.min()), int(some.max())
            most = 2 ** min(max(abs(low), high).bit_length() + _ROOM, 63) - 1
            self._ranges[key] = (0 if low >= 0 else -most, most)
        return self._ranges[key]

    def check(self, key: str) -> Callable[[Any, bool], None] | None:
        """How a block makes sure of what it reads of a column, all its rows or some; None where that is known.

        Raises
        ------
        BeyondError
            When called: a value lies outside.
        """
        if key not in self._ranges:
            return None
        low, high = self._ranges[key]
        seen = self._seen.setdefault(key, [])

        def make_sure(values: Any, is_all: bool) -> None:
            if low == 0:  # whole numbers not below zero have a bit that is too high if and only if one of them has it
                most = int(np.bitwise_or.reduce(values))
                least = min(most, 0)
            else:
                least, most = (int(values.min()), int(values.max())) if len(values) else (0, 0)
            if least < low or most > high:
                raise BeyondError(key)
            if is_all:
                seen.append((len(values), (least, most)))

        return make_sure

    def tell(self) -> None:
        """Tell the population what was seen of whole columns, so that the next evaluation need not make sure again."""
        for key, seen in self._seen.items():
            if sum(count for count, _ in seen) == len(self._rows.population.household_of):
                self._rows.learn(key, (min(low for _, (low, _) in seen), max(high for _, (_, high) in seen)))
