"""An attacker who reads all that is shown and solves for what is hidden; shares no code with what hides.

Linear equations are eliminated exactly, in fractions; bounds come from linear programs over what is left, and where these
end between whole numbers from integer programs. Numbers of people are whole and not negative, and zero is shown as zero.
The attacker knows all sums and which numbers changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

import numpy as np
from scipy.optimize import Bounds as Limits
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix

Unknown = Hashable
# The least and the most that something can be; None where nothing bounds it.
Bounds = tuple[int | None, int | None]
_CLOSE = 1e-6
_UNBOUNDED = 3
_PATIENCE_S = 30


@dataclass
class Attacker:
    """What was read so far: numbers, and sums between numbers."""

    known: dict[Unknown, int] = field(default_factory=dict)
    same: dict[Unknown, Unknown] = field(default_factory=dict)
    sums: list[dict[Unknown, int]] = field(default_factory=list)
    at_least: dict[Unknown, int] = field(default_factory=dict)
    tried_whole: int = 0

    def read(self, name: Unknown, value: int) -> None:
        """Note a number that was shown."""
        self.known[name] = value

    def read_hidden(self, name: Unknown, least: int = 1) -> None:
        """Note that a number is there and is not shown."""
        self.at_least[name] = least

    def read_sum(self, terms: Mapping[Unknown, int]) -> None:
        """Note that terms come to nothing."""
        self.sums.append(dict(terms))

    def read_same(self, name: Unknown, as_before: Unknown) -> None:
        """Note that a number did not change."""
        self.same[name] = as_before

    def root(self, name: Unknown) -> Unknown:
        """The first of all names that stand for one number."""
        while name in self.same:
            name = self.same[name]
        return name

    def equations(self) -> tuple[list[tuple[dict[Unknown, int], int]], dict[Unknown, int]]:
        """Sums with what is known put in: what is left of the terms, and what they come to; and all that is known."""
        known: dict[Unknown, int] = {}
        for name, value in self.known.items():
            assert known.setdefault(self.root(name), value) == value, f"{name} was read with two values"
        found = []
        for terms in self.sums:
            left: dict[Unknown, int] = {}
            total = 0
            for name, factor in terms.items():
                one = self.root(name)
                if one in known:
                    total -= factor * known[one]
                else:
                    left[one] = left.get(one, 0) + factor
            left = {n: f for n, f in left.items() if f}
            if left:
                found.append((left, total))
        return found, known

    def solve_exactly(self) -> dict[Unknown, Fraction]:
        """Numbers that the sums alone fix, by elimination."""
        equations, _ = self.equations()
        rows: list[tuple[dict[Unknown, Fraction], Fraction]] = []
        pivots: dict[Unknown, int] = {}
        for terms, total in equations:
            row = {n: Fraction(f) for n, f in terms.items()}
            value = Fraction(total)
            for pivot in [n for n in row if n in pivots]:
                if pivot in row:
                    other, worth = rows[pivots[pivot]]
                    factor = row[pivot]
                    value -= factor * worth
                    for n, f in other.items():
                        row[n] = row.get(n, Fraction(0)) - factor * f
                        if not row[n]:
                            del row[n]
            if not row:
                assert value == 0, "what was read contradicts itself"
                continue
            pivot = next(iter(row))
            worth = row[pivot]
            row = {n: f / worth for n, f in row.items()}
            value /= worth
            for number, (other, total_of_other) in enumerate(rows):
                if pivot in other:
                    factor = other[pivot]
                    mixed = dict(other)
                    for n, f in row.items():
                        mixed[n] = mixed.get(n, Fraction(0)) - factor * f
                        if not mixed[n]:
                            del mixed[n]
                    rows[number] = (mixed, total_of_other - factor * value)
            pivots[pivot] = len(rows)
            rows.append((row, value))
        return {n: rows[at][1] for n, at in pivots.items() if len(rows[at][0]) == 1}

    def bounds(self, wanted: Iterable[Mapping[Unknown, int]]) -> list[Bounds]:
        """The least and the most that some sums of numbers can come to, all numbers being whole."""
        equations, known = self.equations()
        asked = [self._split(terms, known) for terms in wanted]
        names: dict[Unknown, int] = {}
        for terms in (*(t for t, _ in equations), *(left for left, _ in asked)):
            for name in terms:
                names.setdefault(name, len(names))
        if not names:
            return [(given, given) for _, given in asked]
        lows = dict.fromkeys(names, 0)
        for name, least in self.at_least.items():
            if (one := self.root(name)) in lows:
                lows[one] = max(lows[one], least)
        cells = [(f, number, names[n]) for number, (terms, _) in enumerate(equations) for n, f in terms.items()]
        data, rows, columns = zip(*cells, strict=True) if cells else ((), (), ())
        matrix = csr_matrix((data, (rows, columns)), shape=(len(equations), len(names)))
        limits = [(lows[n], None) for n in names]
        totals = [total for _, total in equations]

        def end(left: Mapping[Unknown, int], sign: int) -> int | None:
            cost = np.zeros(len(names))
            for name, factor in left.items():
                cost[names[name]] = sign * factor
            done = linprog(cost, A_eq=matrix, b_eq=totals, bounds=limits, method="highs")
            if done.status == _UNBOUNDED:
                return None
            assert done.status == 0, done.message
            least = done.fun
            if np.abs(done.x - np.round(done.x)).max() > _CLOSE:
                # No world of people has halves of them: the nearest one made of whole numbers may be nearer still.
                self.tried_whole += 1
                whole = milp(
                    cost,
                    integrality=np.ones(len(names)),
                    bounds=Limits(np.array([float(low) for low, _ in limits]), np.inf),
                    constraints=LinearConstraint(matrix, totals, totals),
                    options={"time_limit": _PATIENCE_S},
                )
                least = whole.fun if whole.status == 0 else max(least, whole.mip_dual_bound or least)
            return ceil(least - _CLOSE) if sign == 1 else floor(-least + _CLOSE)

        found: list[Bounds] = []
        for left, given in asked:
            low, high = end(left, 1), end(left, -1)
            found.append((None if low is None else given + low, None if high is None else given + high))
        return found

    def _split(self, terms: Mapping[Unknown, int], known: Mapping[Unknown, int]) -> tuple[dict[Unknown, int], int]:
        """What of some terms is not known, and what the known ones come to."""
        left: dict[Unknown, int] = {}
        given = 0
        for name, factor in terms.items():
            one = self.root(name)
            if one in known:
                given += factor * known[one]
            else:
                left[one] = left.get(one, 0) + factor
        return left, given
