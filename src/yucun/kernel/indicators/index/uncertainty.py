"""A rank with its doubts: every choice varied together, in many replications, and what each choice is to blame for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.aggregate import Aggregate
from yucun.kernel.indicators.index.build import Index, Spec, build, climb, rank
from yucun.kernel.indicators.index.impute import Impute, impute
from yucun.kernel.indicators.index.model import Array, Figures, Framework, StepFailed, fail
from yucun.kernel.indicators.index.normalise import Normalise, normalise
from yucun.kernel.indicators.index.sobol import Shares, estimate_shares, saltelli_design, sobol_points
from yucun.kernel.indicators.index.treat import Treat, treat
from yucun.kernel.indicators.index.weigh import Weigh

Design = Literal["random", "sobol"]
STEPS = ("impute", "treat", "normalise", "weigh", "aggregate")
WEIGHT_SETS = 4096
CELLS_AT_ONCE = 8_000_000


@dataclass(frozen=True, slots=True)
class Vary:
    """What else might have been chosen; an empty choice keeps the spec's own.

    Parameters
    ----------
    impute, treat, normalise, weigh, aggregate : tuples of settings
        Alternatives, all equally likely.
    noise : float
        Each weight is multiplied by a number between 1 - noise and 1 + noise.
    noisy_levels : tuple of int
        Levels of nodes whose weights vary; empty means all.
    leave_out : tuple of str
        Nodes of which each may be left out, one at a time; leaving out none is as likely as any of them.
    """

    impute: tuple[Impute, ...] = ()
    treat: tuple[Treat, ...] = ()
    normalise: tuple[Normalise, ...] = ()
    weigh: tuple[Weigh, ...] = ()
    aggregate: tuple[Aggregate, ...] = ()
    noise: float = 0.25
    noisy_levels: tuple[int, ...] = ()
    leave_out: tuple[str, ...] = ()

    @property
    def factors(self) -> tuple[str, ...]:
        """The choices that vary."""
        varied = tuple(step for step in STEPS if len(getattr(self, step)) > 1)
        noisy = (*varied, "weights") if self.noise > 0 else varied
        return (*noisy, "leave_out") if self.leave_out else noisy


def usual_doubts(spec: Spec, group: str = "") -> Vary:
    """The alternatives that are usually tried around a spec.

    Imputation by group mean, group median (or of all units) and EM; winsorising at most one to five points;
    min-max to 1..100 and z with mean 10 and deviation 2; arithmetic and geometric mean; weights +-25 %.

    Examples
    --------
    >>> usual_doubts(Spec()).factors
    ('impute', 'treat', 'normalise', 'aggregate', 'weights')
    """
    group = group or spec.impute.group
    fills = (
        (Impute("group_mean", group), Impute("group_median", group)) if group else (Impute("mean"), Impute("median"))
    )
    each = spec.normalise.each
    return Vary(
        impute=(*fills, Impute("em")),
        treat=tuple(replace(spec.treat, winsorise=count) for count in range(1, 6)),
        normalise=(Normalise("min_max", 1, 100, each=each), Normalise("z", 10, 12, each=each)),
        aggregate=(replace(spec.aggregate, method="arithmetic"), replace(spec.aggregate, method="geometric")),
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """Replications that could not be carried out, and why."""

    step: str
    choices: Mapping[str, int]
    replications: tuple[int, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return a plain mapping."""
        return {
            "step": self.step,
            "choices": dict(self.choices),
            "replications": list(self.replications),
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """The ranks of an index over many replications.

    Parameters
    ----------
    nominal : Index
        With the spec's own choices.
    scores : array, shape (replications, rows)
        NaN where a replication failed.
    ranks : array of int, shape (replications, rows)
        0 where there is no score.
    choices : mapping of str to array of int, shape (replications,)
        Which alternative each replication drew; for ``weights`` the number of the drawn set.
    failures : tuple of Failure
        Never left out: what failed, how often, why.
    """

    nominal: Index
    vary: Vary
    seed: int
    design: Design
    scores: Array
    ranks: NDArray[np.int64]
    choices: Mapping[str, NDArray[np.intp]]
    failures: tuple[Failure, ...]

    @property
    def failed(self) -> int:
        """How many replications failed."""
        return len({number for failure in self.failures for number in failure.replications})

    @cached_property
    def placed(self) -> Array:
        """Ranks as floats, NaN where there is none."""
        return np.where(self.ranks == 0, np.nan, self.ranks)

    def quantile(self, share: float) -> Array:
        """A quantile of each row's ranks, shape (rows,)."""
        return _quantile(self.placed, share)

    def table(self) -> pa.Table:
        """``uCode, Rank, Mean, Median, Q5, Q95, Replications``: the nominal rank and those of all replications."""
        rows = self.nominal.normalised
        columns: dict[str, Any] = {"uCode": list(rows.units)}
        if rows.times:
            columns["Time"] = list(rows.times)
        counted = (self.ranks > 0).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.ranks.sum(axis=0) / counted
        columns |= {
            "Rank": self.nominal.rank,
            "Mean": mean,
            "Median": self.quantile(0.5),
            "Q5": self.quantile(0.05),
            "Q95": self.quantile(0.95),
            "Replications": counted,
        }
        order = np.lexsort([np.array(rows.units), self.nominal.rank])
        return pa.table({name: [_cell(column[i]) for i in order] for name, column in columns.items()})

    def weights_of(self, number: int) -> dict[str, float]:
        """What one replication multiplied each node's weight by."""
        if self.vary.noise <= 0:
            return {node.code: 1.0 for node in self.nominal.framework.nodes}
        drawn = _draw_weights(self.nominal.framework, self.vary, self.seed)
        place = self.choices["weights"][number]
        return {code: float(sets[place]) for code, sets in drawn.items()}

    def chance_ahead(self, unit: str, other: str, time: str = "") -> float:
        """Share of replications in which one unit ranks before another."""
        mine, theirs = (self.placed[:, self.nominal.place_of(name, time)] for name in (unit, other))
        both = ~np.isnan(mine) & ~np.isnan(theirs)
        return float((mine[both] < theirs[both]).mean()) if both.any() else float("nan")


def _cell(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and plain != plain else plain


def _quantile(placed: Array, share: float) -> Array:
    if not np.isnan(placed).any():
        return np.asarray(np.quantile(placed, share, axis=0))
    out = np.full(placed.shape[1], np.nan)
    for row in range(placed.shape[1]):
        there = placed[~np.isnan(placed[:, row]), row]
        if there.size:
            out[row] = np.quantile(there, share)
    return out


def explore(
    figures: Figures,
    framework: Framework,
    spec: Spec = Spec(),  # noqa: B008 - a spec is frozen
    vary: Vary | None = None,
    replications: int = 1000,
    seed: int = 1,
    design: Design = "random",
) -> Uncertainty:
    """Build an index many times, drawing every choice each time.

    Parameters
    ----------
    vary : Vary, optional
        By default `usual_doubts`.
    replications, seed : int
        The same seed gives the same result, whatever the order of units and indicators.
    design : str
        ``"random"``, or ``"sobol"`` for evenly spread points.

    Raises
    ------
    StepFailed
        When the nominal index itself fails; a failing replication is reported in `failures`.

    Examples
    --------
    >>> from yucun.index import Node
    >>> tree = Framework((Node("a", parent="t"), Node("b", parent="t"), Node("t", level=2)))
    >>> raw = Figures(("A", "B", "C"), ("a", "b"), np.array([[1.0, 2], [3, 5], [2, 9]]))
    >>> explore(raw, tree, replications=50).table().column_names
    ['uCode', 'Rank', 'Mean', 'Median', 'Q5', 'Q95', 'Replications']
    """
    doubts = vary or usual_doubts(spec)
    nominal = build(figures, framework, spec)
    _check_left_out(nominal.framework, doubts)
    many = len(doubts.factors)
    points = (
        np.random.default_rng(seed).random((replications, many))
        if design == "random"
        else sobol_points(replications, many, seed)
    )
    scores, choices, failures = evaluate(nominal, doubts, points, seed)
    ranks = rank(scores, nominal.normalised.rows_by_time())
    return Uncertainty(nominal, doubts, seed, design, scores, ranks, choices, failures)


def evaluate(
    nominal: Index, vary: Vary, points: Array, seed: int
) -> tuple[Array, dict[str, NDArray[np.intp]], tuple[Failure, ...]]:
    """Score an index at points of the unit cube, one dimension a factor; see `Uncertainty` for what is returned."""
    choices = {
        name: np.minimum((points[:, at] * _count(vary, name)).astype(np.intp), _count(vary, name) - 1)
        for at, name in enumerate(vary.factors)
    }
    drawn = _draw_weights(nominal.framework, vary, seed)
    scores = np.full((len(points), len(nominal.normalised.units)), np.nan)
    failures: list[Failure] = []
    shown = [name for name in vary.factors if name not in ("weights", "leave_out")]
    kinds: NDArray[np.intp] = (
        np.stack([choices[n] for n in shown], axis=1) if shown else np.zeros((len(points), 0), np.intp)
    )
    cache: dict[tuple[Any, ...], Any] = {}
    for kind in np.unique(kinds, axis=0):
        which = dict(zip(shown, kind.tolist(), strict=True))
        rows = np.flatnonzero((kinds == kind).all(axis=1))
        spec = _choose(nominal.spec, vary, which)
        try:
            ready = _prepare(nominal, spec, which, cache)
            weights = _settle_weights(ready, nominal.framework, spec)
        except StepFailed as error:
            failures.append(Failure(error.step, which, tuple(rows.tolist()), error.findings))
            continue
        for part in _in_parts(rows, ready.values.size):
            multipliers = {
                code: (drawn[code][choices["weights"][part]] if vary.noise > 0 else np.ones(len(part)))
                for code in drawn
            }
            for at, code in enumerate(vary.leave_out, start=1):
                multipliers[code] = np.where(choices["leave_out"][part] == at, 0.0, multipliers[code])
            task = _Task(ready, nominal.framework, spec, weights, which)
            _score_part(task, multipliers, part, scores, failures)
    return scores, choices, tuple(failures)


def _check_left_out(framework: Framework, vary: Vary) -> None:
    """A node that may be left out has a sibling, else nothing would be left of its parent."""
    for code in vary.leave_out:
        node = framework.get(code)
        if len(framework.children(node.parent)) < 2:
            raise fail(
                "leave_out",
                code,
                code,
                "a node that has a sibling",
                Text(f"「{code}」没有同级项，不能舍去", f"'{code}' has no sibling and cannot be left out"),
            )


def _count(vary: Vary, name: str) -> int:
    if name == "leave_out":
        return len(vary.leave_out) + 1
    return WEIGHT_SETS if name == "weights" else len(getattr(vary, name))


def _choose(spec: Spec, vary: Vary, which: Mapping[str, int]) -> Spec:
    """The spec with a replication's choices; a choice of one alternative always takes that one."""
    parts = {name: getattr(vary, name)[which.get(name, 0)] for name in STEPS if getattr(vary, name)}
    return replace(spec, **parts)


def _draw_weights(framework: Framework, vary: Vary, seed: int) -> dict[str, Array]:
    """What each node's weight is multiplied by, shape (sets,); drawn in the order of codes, whatever is given first."""
    rng = np.random.default_rng([seed, 1])
    out = {}
    for node in sorted(framework.nodes, key=lambda n: n.code):
        noise = vary.noise if not vary.noisy_levels or node.level in vary.noisy_levels else 0.0
        out[node.code] = 1 + noise * (2 * rng.random(WEIGHT_SETS) - 1)
    return out


def _prepare(nominal: Index, spec: Spec, which: Mapping[str, int], cache: dict[tuple[Any, ...], Any]) -> Figures:
    """Impute, treat and normalise, each combination once."""
    figures = nominal.steps["screen"]
    key: tuple[Any, ...] = ()
    for name in ("impute", "treat", "normalise"):
        key = (*key, which.get(name, 0))
        if key not in cache:
            try:
                if name == "impute":
                    cache[key] = impute(figures, nominal.framework, spec.impute)[0]
                elif name == "treat":
                    cache[key] = treat(figures, spec.treat)[0]
                else:
                    cache[key] = normalise(figures, nominal.framework, spec.normalise)[0]
            except StepFailed as error:
                cache[key] = error
        if isinstance(cache[key], StepFailed):
            raise cache[key]
        figures = cache[key]
    return figures


def _in_parts(rows: NDArray[np.intp], cells: int) -> Iterator[NDArray[np.intp]]:
    size = max(1, CELLS_AT_ONCE // max(cells, 1))
    yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _settle_weights(ready: Figures, framework: Framework, spec: Spec) -> dict[str, float]:
    """Weights that come from the data are settled once, before chance moves them."""
    weights: dict[str, float] = {}
    if spec.weigh.method not in ("given", "equal"):
        climb(ready, framework, spec, weights)
    return weights


@dataclass(frozen=True, slots=True)
class _Task:
    """Replications that differ in drawn weights only."""

    ready: Figures
    framework: Framework
    spec: Spec
    weights: Mapping[str, float]
    which: Mapping[str, int]

    def score(self, multipliers: Mapping[str, Array]) -> Array:
        """The top's scores, shape (replications, rows)."""
        scores = climb(self.ready, self.framework, self.spec, dict(self.weights), multipliers)
        return scores[self.framework.top.code]


def _score_part(
    task: _Task, multipliers: Mapping[str, Array], part: NDArray[np.intp], scores: Array, failures: list[Failure]
) -> None:
    """Score some replications; where one of them fails, halve them until it stands alone."""
    try:
        scores[part] = task.score(multipliers)
    except StepFailed as error:
        if len(part) == 1:
            failures.append(Failure(error.step, task.which, tuple(part.tolist()), error.findings))
            return
        half = len(part) // 2
        for at in (slice(None, half), slice(half, None)):
            _score_part(task, {code: values[at] for code, values in multipliers.items()}, part[at], scores, failures)


def apportion(
    figures: Figures,
    framework: Framework,
    spec: Spec = Spec(),  # noqa: B008 - a spec is frozen
    vary: Vary | None = None,
    points: int = 256,
    seed: int = 1,
    unit: str = "",
) -> tuple[Shares, tuple[Failure, ...]]:
    """Say which choice the doubt comes from.

    Parameters
    ----------
    points : int
        Base points, best a power of 2; the index is built ``points * (factors + 2)`` times.
    unit : str
        Whose rank is explained; by default the mean over units of how far the rank moves from the nominal one.

    Returns
    -------
    Shares, tuple of Failure

    Examples
    --------
    >>> from yucun.index import Node
    >>> tree = Framework((Node("a", parent="t"), Node("b", parent="t"), Node("t", level=2)))
    >>> raw = Figures(("A", "B", "C"), ("a", "b"), np.array([[1.0, 2], [3, 5], [2, 9]]))
    >>> apportion(raw, tree, points=16)[0].factors
    ('impute', 'treat', 'normalise', 'aggregate', 'weights')
    """
    doubts = vary or usual_doubts(spec)
    nominal = build(figures, framework, spec)
    _check_left_out(nominal.framework, doubts)
    design = saltelli_design(points, len(doubts.factors), seed)
    scores, _, failures = evaluate(nominal, doubts, design, seed)
    ranks = rank(scores, nominal.normalised.rows_by_time())
    placed = np.where(ranks == 0, np.nan, ranks)
    if unit:
        y = placed[:, nominal.place_of(unit)]
    else:
        there = ~np.isnan(placed)
        moved = np.where(there, np.abs(placed - nominal.rank), 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            y = moved / there.sum(axis=1)
    return estimate_shares(y, doubts.factors, seed=seed), failures
