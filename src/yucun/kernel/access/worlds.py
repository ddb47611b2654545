"""What can be worked out from what is shown: the worlds that fit it, searched by linear programming.

Whoever reads everything knows linear equations between whole numbers that are not negative. A hidden number is
safe when some other world fits all of them as well and differs where it matters: the small count could be large,
the few who came between two versions could be many. A *doubt* says what must stay possible; `find_settled` returns
the doubts that no world leaves open. HiGHS solves the programs; a program that it does not solve settles its doubts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import highspy
import numpy as np
import numpy.typing as npt

# `Highs` itself prints a banner on standard output when it is made, where answers in JSON go; its base does not.
from highspy import _Highs as Solver  # type: ignore[attr-defined] # its stubs leave the base out

# Which hidden number: quantity, region, period, and the version in which it took its value.
Var = tuple[str, str, str, int]
Terms = tuple[tuple[Var, int], ...]
_CLOSE = 1e-6
_LARGEST = 1e4


@dataclass(frozen=True, slots=True)
class Way:
    """One way to leave something open: the terms come to at least so much in some world that fits."""

    terms: Terms
    least: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """What must stay possible about a hidden number, in one way or another."""

    about: Var
    ways: tuple[Way, ...]

    @property
    def variables(self) -> frozenset[Var]:
        """All hidden numbers that its ways speak of."""
        return frozenset(v for way in self.ways for v, _ in way.terms)


def find_settled(
    values: Mapping[Var, int], floors: Mapping[Var, int | None], equations: Sequence[Terms], doubts: Sequence[Doubt]
) -> list[Doubt]:
    """Return the doubts that are none: what they ask for is impossible, given all that is shown.

    Parameters
    ----------
    values : mapping of Var to int
        The true numbers, all hidden.
    floors : mapping of Var to int or None
        What each is known to be at least; None for a number that may be negative.
    equations : sequence of Terms
        Sums whose total is known: by the true numbers, since these fit what is shown.
    doubts : sequence of Doubt
        What must stay possible.

    Examples
    --------
    >>> a, b = ("ill", "a", "2022", 0), ("ill", "b", "2022", 0)
    >>> could_be_five = Doubt(a, (Way(((a, 1),), 5),))
    >>> find_settled({a: 3, b: 40}, {a: 1, b: 1}, [((a, 1), (b, 1))], [could_be_five])
    []
    >>> find_settled({a: 3, b: 1}, {a: 1, b: 1}, [((a, 1), (b, 1))], [could_be_five]) == [could_be_five]
    True
    """
    settled: list[Doubt] = []
    for variables, mine, asked in _components(equations, doubts):
        if asked:
            settled += _Component(variables, values, floors, mine).find_settled(asked)
    return settled


def connect(equations: Iterable[Terms], seeds: Iterable[Var]) -> set[Var]:
    """Return every hidden number that equations tie to one of some, directly or further on."""
    beside: dict[Var, list[Terms]] = {}
    for terms in equations:
        for var, _ in terms:
            beside.setdefault(var, []).append(terms)
    found = set(seeds)
    waiting = list(found)
    while waiting:
        for terms in beside.get(waiting.pop(), ()):
            for var, _ in terms:
                if var not in found:
                    found.add(var)
                    waiting.append(var)
    return found


def _components(
    equations: Sequence[Terms], doubts: Sequence[Doubt]
) -> list[tuple[list[Var], list[Terms], list[Doubt]]]:
    """Cut the equations into parts that share no hidden number; a doubt ties those that it compares."""
    root: dict[Var, Var] = {}

    def find(var: Var) -> Var:
        root.setdefault(var, var)
        while root[var] != var:
            root[var] = root[root[var]]
            var = root[var]
        return var

    ties: list[Sequence[Var]] = [[v for v, _ in terms] for terms in equations]
    ties += [sorted(d.variables) for d in doubts]
    for tie in ties:
        for one, other in pairwise(tie):
            root[find(one)] = find(other)
        if tie:
            find(tie[0])
    groups: dict[Var, tuple[list[Var], list[Terms], list[Doubt]]] = {}
    for var in root:
        groups.setdefault(find(var), ([], [], []))[0].append(var)
    for terms in equations:
        groups[find(terms[0][0])][1].append(terms)
    for doubt in doubts:
        groups[find(doubt.about)][2].append(doubt)
    return list(groups.values())


class _Component:
    """One linear program over deviations from the truth: every equation comes to nothing."""

    def __init__(
        self,
        variables: Sequence[Var],
        values: Mapping[Var, int],
        floors: Mapping[Var, int | None],
        equations: Sequence[Terms],
    ) -> None:
        self.values = values
        self.index = {v: n for n, v in enumerate(variables)}
        self.equations = list(dict.fromkeys(equations))
        lows = [floors.get(v, 0) for v in variables]
        self.lower = np.array(
            [-np.inf if low is None else float(low - values[v]) for v, low in zip(variables, lows, strict=True)]
        )

    def find_settled(self, doubts: Sequence[Doubt]) -> list[Doubt]:
        """Try doubts together where they share no equation, and alone where that did not suffice."""
        left = list(dict.fromkeys(doubts))
        for batch in self._batches(left):
            world = self._solve([doubt.ways[0] for doubt in batch])
            left = [d for d in left if not self._leaves_open(d, world)]
        settled: list[Doubt] = []
        while left:
            doubt = left.pop(0)
            for way in doubt.ways:
                world = self._solve([way])
                left = [d for d in left if not self._leaves_open(d, world)]
                if self._leaves_open(doubt, world):
                    break
            else:
                settled.append(doubt)
        return settled

    def _batches(self, doubts: Sequence[Doubt]) -> list[list[Doubt]]:
        numbers: dict[Var, set[int]] = {}
        for number, terms in enumerate(self.equations):
            for var, _ in terms:
                numbers.setdefault(var, set()).add(number)
        batches: list[tuple[set[int], list[Doubt]]] = []
        for doubt in doubts:
            mine = set().union(*(numbers.get(v, set()) for v in doubt.variables))
            taken = next((b for b in batches if not b[0] & mine), None)
            if taken is None:
                batches.append((mine, [doubt]))
            else:
                taken[0].update(mine)
                taken[1].append(doubt)
        return [batch for _, batch in batches if len(batch) > 1]

    def _gap(self, way: Way) -> int:
        return way.least - sum(factor * self.values[v] for v, factor in way.terms)

    def _leaves_open(self, doubt: Doubt, world: npt.NDArray[np.float64] | None) -> bool:
        if world is None:
            return False
        return any(
            sum(factor * float(world[self.index[v]]) for v, factor in way.terms)
            >= self._gap(way) * (1 - _CLOSE) - _CLOSE
            for way in doubt.ways
        )

    def _solve(self, ways: Sequence[Way]) -> npt.NDArray[np.float64] | None:
        """A world in which the ways fall short by as little as can be; None when none was found."""
        columns, rows = len(self.index), len(self.equations)
        scale = max(1.0, max(abs(self._gap(w)) for w in ways) / _LARGEST)
        starts, indices, factors = [0], [], []
        for terms in (*self.equations, *(w.terms for w in ways)):
            indices += [self.index[v] for v, _ in terms]
            factors += [float(f) for _, f in terms]
            if len(starts) > rows:
                indices.append(columns + len(starts) - 1 - rows)
                factors.append(1.0)
            starts.append(len(indices))
        program = highspy.HighsLp()
        program.num_col_ = columns + len(ways)
        program.num_row_ = rows + len(ways)
        program.col_cost_ = np.concatenate([np.zeros(columns), np.ones(len(ways))])
        program.col_lower_ = np.concatenate([self.lower / scale, np.zeros(len(ways))])
        program.col_upper_ = np.full(columns + len(ways), highspy.kHighsInf)
        program.row_lower_ = np.concatenate([np.zeros(rows), [self._gap(w) / scale for w in ways]])
        program.row_upper_ = np.concatenate([np.zeros(rows), np.full(len(ways), highspy.kHighsInf)])
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.array(starts, np.int32)
        program.a_matrix_.index_ = np.array(indices, np.int32)
        program.a_matrix_.value_ = np.array(factors)
        solver = Solver()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.passModel(program)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(solver.getSolution().col_value[:columns]) * scale
