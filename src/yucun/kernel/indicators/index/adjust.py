"""What if: other figures, weights or choices, one indicator less; two runs beside each other; levers of one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from yucun.base.errors import Finding
from yucun.kernel.indicators.index.build import Index, Spec, build
from yucun.kernel.indicators.index.model import Array, Figures, StepFailed
from yucun.kernel.indicators.index.uncertainty import Vary, explore


@dataclass(frozen=True, slots=True)
class Move:
    """How one unit's score and rank differ between two runs."""

    unit: str
    time: str
    score_before: float
    score_after: float
    rank_before: int
    rank_after: int

    @property
    def places_gained(self) -> int:
        """How many places better."""
        return self.rank_before - self.rank_after


def compare(before: Index, after: Index) -> list[Move]:
    """Put two runs beside each other, the units that both have, largest change of rank first.

    Examples
    --------
    >>> from yucun.index import Framework, Node
    >>> tree = Framework((Node("a", parent="t"), Node("b", parent="t"), Node("t", level=2)))
    >>> run = build(Figures(("A", "B"), ("a", "b"), np.array([[1.0, 5], [3, 2]])), tree)
    >>> [m.places_gained for m in compare(run, what_if(run, weights={"b": 3.0}))]
    [-1, 0]
    """
    left, right = _keys(before), _keys(after)
    moves = [
        Move(
            unit,
            time,
            float(before.score[left[unit, time]]),
            float(after.score[right[unit, time]]),
            int(before.rank[left[unit, time]]),
            int(after.rank[right[unit, time]]),
        )
        for unit, time in left
        if (unit, time) in right
    ]
    return sorted(moves, key=lambda m: (-abs(m.places_gained), m.unit, m.time))


def _keys(index: Index) -> dict[tuple[str, str], int]:
    rows = index.normalised
    return {(unit, rows.times[at] if rows.times else ""): at for at, unit in enumerate(rows.units)}


def what_if(
    index: Index,
    figures: Mapping[tuple[str, str], float] | None = None,
    weights: Mapping[str, float] | None = None,
    drop: Sequence[str] = (),
    spec: Spec | None = None,
    time: str = "",
) -> Index:
    """Build the index again with something changed.

    Parameters
    ----------
    figures : mapping of (unit, indicator) to float
        Raw figures, in the indicator's unit before it is divided.
    weights : mapping of str to float
        Weights of nodes, relative to their siblings.
    drop : sequence of str
        Nodes to leave out.
    spec : Spec, optional
        Other choices.
    time : str
        In a panel, the time of the changed figures.
    """
    tree = index.framework
    raw = index.figures.values.copy()
    where = {(u, t): i for i, (u, t) in enumerate(_rows_of(index.figures))}
    for (unit, code), value in (figures or {}).items():
        tree.get(code)
        index.place_of(unit, time)
        raw[where[unit, time if index.figures.times else ""], index.figures.codes.index(code)] = value
    for code in drop:
        tree.get(code)
    changed = tree.with_weights(weights or {}).without(drop)
    return build(index.figures.with_values(raw), changed, spec or index.spec)


def _rows_of(figures: Figures) -> list[tuple[str, str]]:
    return list(zip(figures.units, figures.times or ("",) * len(figures.units), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Dropped:
    """What leaving out one indicator does: the new ranks, or why the index cannot be built without it."""

    indicator: str
    ranks: Array
    mean_shift: float
    largest_shift: int
    findings: tuple[Finding, ...] = ()


def drop_one(index: Index) -> list[Dropped]:
    """Build the index without each indicator in turn, the most moving first.

    Examples
    --------
    >>> from yucun.index import Framework, Node
    >>> tree = Framework((Node("a", parent="t"), Node("b", parent="t"), Node("t", level=2)))
    >>> run = build(Figures(("A", "B"), ("a", "b"), np.array([[1.0, 5], [3, 2]])), tree)
    >>> [(d.indicator, d.mean_shift) for d in drop_one(run)]
    [('a', 0.5), ('b', 0.5)]
    """
    out = []
    for code in index.framework.codes if len(index.framework.codes) > 1 else ():
        try:
            other = what_if(index, drop=(code,))
        except StepFailed as error:
            out.append(Dropped(code, np.full(len(index.rank), np.nan), np.nan, 0, error.findings))
            continue
        keys, there = _keys(index), _keys(other)
        ranks = np.array([other.rank[there[key]] if key in there else 0 for key in keys], dtype=np.float64)
        known = (ranks > 0) & (index.rank > 0)
        shift = np.abs(ranks - index.rank)[known]
        out.append(Dropped(code, np.where(ranks > 0, ranks, np.nan), float(shift.mean()), int(shift.max())))
    return sorted(out, key=lambda d: (bool(d.findings), -d.mean_shift if not d.findings else 0.0, d.indicator))


@dataclass(frozen=True, slots=True)
class Lever:
    """What improving one indicator would do for a unit.

    Parameters
    ----------
    figure, aim : float
        The unit's figure now and then, in the indicator's unit (after dividing by its denominator).
    places : int
        Places gained at the nominal choices.
    points : float
        Points of the top score gained.
    chance : float
        Share of replications in which the rank is better than without; NaN where it was not asked for.
    """

    indicator: str
    figure: float
    aim: float
    points: float
    places: int
    rank: int
    chance: float
    findings: tuple[Finding, ...] = ()


def levers(
    index: Index,
    unit: str,
    toward: float = 0.75,
    replications: int = 0,
    seed: int = 1,
    time: str = "",
    vary: Vary | None = None,
    most: int = 10,
) -> list[Lever]:
    """Say which indicator would move a unit's rank, by how much, with what chance; the most helpful first.

    Parameters
    ----------
    toward : float
        The aim: the figure that this share of units does not surpass; a unit that is already there aims at the best.
    replications : int
        For the chance; 0 asks for none.
    most : int
        The chance is worked out for so many levers, the most helpful ones.

    Examples
    --------
    >>> from yucun.index import Framework, Node
    >>> tree = Framework((Node("a", parent="t"), Node("b", parent="t"), Node("t", level=2)))
    >>> run = build(Figures(("A", "B", "C"), ("a", "b"), np.array([[1.0, 5], [3, 2], [2, 4]])), tree)
    >>> [(l.indicator, l.aim, l.places) for l in levers(run, "A")]
    [('a', 2.5, 1)]
    """
    found: list[tuple[Lever, Index | None]] = []
    for code in index.framework.codes:
        aim = _find_aim(index, unit, code, toward, time)
        if aim is None:
            continue
        figure, wanted, raw = aim
        try:
            other = what_if(index, {(unit, code): raw}, time=time)
        except StepFailed as error:
            found.append((Lever(code, figure, wanted, 0.0, 0, 0, np.nan, error.findings), None))
            continue
        here, there = index.place_of(unit, time), other.place_of(unit, time)
        rank = int(other.rank[there])
        points = float(other.score[there] - index.score[here])
        found.append((Lever(code, figure, wanted, points, int(index.rank[here]) - rank, rank, np.nan), other))
    found.sort(key=lambda pair: (-pair[0].places, -pair[0].points, pair[0].indicator))
    if not replications:
        return [lever for lever, _ in found]
    base = _explore(index, vary, replications, seed)[:, index.place_of(unit, time)]
    out: list[Lever] = []
    for lever, changed in found:
        if changed is not None and len(out) < most:
            moved = _explore(changed, vary, replications, seed)[:, changed.place_of(unit, time)]
            known = ~np.isnan(base) & ~np.isnan(moved)
            lever = replace(lever, chance=float((moved[known] < base[known]).mean()) if known.any() else np.nan)
        out.append(lever)
    return out


def _explore(index: Index, vary: Vary | None, replications: int, seed: int) -> Array:
    return explore(index.figures, index.framework, index.spec, vary, replications, seed).placed


def _find_aim(index: Index, unit: str, code: str, toward: float, time: str) -> tuple[float, float, float] | None:
    """The unit's figure, what it aims at, and the raw figure for that; None when it is already the best."""
    after = index.steps["denominate"]
    where = {key: i for i, key in enumerate(_rows_of(after))}[unit, time if after.times else ""]
    node = index.framework.by_code[code]
    same = [i for i in range(len(after.units)) if not after.times or after.times[i] == time]
    column = after.column(code)[same] * node.direction
    figure = float(after.column(code)[where])
    if np.isnan(figure):
        imputed = index.steps["impute"]
        figure = float(imputed.column(code)[index.place_of(unit, time)])
    known = column[~np.isnan(column)]
    if np.isnan(figure) or not known.size:
        return None
    aim = next(
        (a for a in (float(np.quantile(known, toward)), float(known.max())) if a > figure * node.direction), None
    )
    if aim is None:
        return None
    size = index.figures.sizes[node.denominator][where] if node.denominator and index.spec.denominate else 1.0
    return (figure, aim * node.direction, aim * node.direction * float(size)) if np.isfinite(size) else None


def tell_moves(moves: Sequence[Move]) -> list[dict[str, Any]]:
    """Moves as plain mappings."""
    return [
        {
            "unit": m.unit,
            "time": m.time,
            "score_before": m.score_before,
            "score_after": m.score_after,
            "rank_before": m.rank_before,
            "rank_after": m.rank_after,
        }
        for m in moves
    ]
