"""An index from its figures: every step in order, with its log; the same core serves one run and a thousand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.aggregate import Aggregate, aggregate
from yucun.kernel.indicators.index.denominate import denominate
from yucun.kernel.indicators.index.impute import Impute, impute
from yucun.kernel.indicators.index.model import Array, Figures, Framework, Node, StepLog
from yucun.kernel.indicators.index.normalise import Normalise, normalise
from yucun.kernel.indicators.index.screen import Screen, screen
from yucun.kernel.indicators.index.treat import Treat, treat
from yucun.kernel.indicators.index.weigh import Weigh, weigh

SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Spec:
    """Every choice of an index.

    Parameters
    ----------
    denominate : bool
        Whether indicators are divided by the denominators that the framework names.
    screen, impute, treat, normalise, weigh, aggregate
        The settings of each step, in the order in which they are done.

    Examples
    --------
    >>> Spec(impute=Impute("group_mean", "continent")).aggregate.method
    'arithmetic'
    """

    denominate: bool = True
    screen: Screen = field(default_factory=Screen)
    impute: Impute = field(default_factory=Impute)
    treat: Treat = field(default_factory=Treat)
    normalise: Normalise = field(default_factory=Normalise)
    weigh: Weigh = field(default_factory=Weigh)
    aggregate: Aggregate = field(default_factory=Aggregate)


@dataclass(frozen=True, eq=False)
class Index:
    """A finished index with everything that led to it.

    Parameters
    ----------
    figures : Figures
        As given.
    steps : mapping of str to Figures
        What each step of the data left: ``denominate``, ``screen``, ``impute``, ``treat``, ``normalise``.
    scores : mapping of str to array, shape (rows,)
        Each aggregate's scores, the top first.
    weights : mapping of str to float
        Each node's share among its siblings, as used.
    log : tuple of StepLog
        One for each step, in order.
    """

    framework: Framework
    spec: Spec
    figures: Figures
    steps: Mapping[str, Figures]
    scores: Mapping[str, Array]
    weights: Mapping[str, float]
    log: tuple[StepLog, ...]

    @property
    def normalised(self) -> Figures:
        """The rows and indicators that were aggregated."""
        return self.steps["normalise"]

    @property
    def score(self) -> Array:
        """The top's scores, shape (rows,)."""
        return self.scores[self.framework.top.code]

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Places from 1 for the best, within each time; 0 where there is no score."""
        return rank(self.score, self.normalised.rows_by_time())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What all steps found."""
        return tuple(finding for step in self.log for finding in step.findings)

    def place_of(self, unit: str, time: str = "") -> int:
        """The row of a unit, in a panel at a time."""
        rows = self.normalised
        for at, name in enumerate(rows.units):
            if name == unit and (not rows.times or rows.times[at] == time):
                return at
        raise ContractError(
            Finding(
                "index.unknown_unit",
                unit,
                f"{unit} {time}".strip(),
                "a unit of the index",
                Text(f"指数中没有「{unit}」{time}", f"the index has no unit '{unit}' {time}".rstrip()),
            )
        )


def prepare(figures: Figures, framework: Framework, spec: Spec) -> tuple[dict[str, Figures], tuple[StepLog, ...]]:
    """Do the steps before weighing; return what each left, and their logs."""
    known = figures.select(framework.codes)
    steps: dict[str, Figures] = {}
    log: list[StepLog] = []
    todo: tuple[tuple[str, Callable[[Figures], tuple[Figures, StepLog]]], ...] = (
        ("denominate", lambda f: denominate(f, framework, None if spec.denominate else {})),
        ("screen", lambda f: screen(f, spec.screen)),
        ("impute", lambda f: impute(f, framework, spec.impute)),
        ("treat", lambda f: treat(f, spec.treat)),
        ("normalise", lambda f: normalise(f, framework, spec.normalise)),
    )
    for name, step in todo:
        known, told = step(known)
        steps[name] = known
        log.append(told)
    return steps, tuple(log)


def build(figures: Figures, framework: Framework, spec: Spec = Spec()) -> Index:
    """Build an index.

    Parameters
    ----------
    figures : Figures
        Has a column for every indicator and a size for every denominator.
    framework : Framework
        Indicators of weight 0 are dropped.

    Raises
    ------
    ContractError
        When a column is missing.
    StepFailed
        When a step cannot be carried out; it names step, place and what stands there.

    Examples
    --------
    >>> tree = Framework((Node("income", parent="life"), Node("gap", parent="life", direction=-1), Node("life", level=2)))
    >>> raw = Figures(("A", "B"), ("income", "gap"), np.array([[10.0, 1.5], [20.0, 2.0]]))
    >>> index = build(raw, tree)
    >>> index.score.tolist(), index.rank.tolist()
    ([50.0, 50.0], [1, 1])
    """
    idle = [node.code for node in framework.indicators if node.weight == 0]
    tree = framework.without(idle)
    check_columns(figures, tree)
    steps, log = prepare(figures, tree, spec)
    weights: dict[str, float] = {tree.top.code: 1.0}
    scores = climb(steps["normalise"], tree, spec, weights)
    entries = ({"dropped": idle},) if idle else ()
    weighing = StepLog("weigh", plain_settings(spec.weigh), (*entries, *_tell_weights(tree, weights)))
    lost = {code: int(np.isnan(column).sum()) for code, column in scores.items()}
    findings = tuple(_no_score(code, count) for code, count in lost.items() if count)
    joining = StepLog("aggregate", plain_settings(spec.aggregate), findings=findings)
    ordered = {node.code: scores[node.code] for node in tree.aggregates}
    return Index(tree, spec, figures, steps, ordered, weights, (*log, weighing, joining))


def plain_settings(settings: Weigh | Aggregate) -> dict[str, Any]:
    """The settings as a mapping."""
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def _tell_weights(tree: Framework, weights: Mapping[str, float]) -> list[dict[str, Any]]:
    return [
        {"aggregate": a.code, "weights": {c.code: weights[c.code] for c in tree.children(a.code)}}
        for a in tree.aggregates
    ]


def _no_score(code: str, count: int) -> Finding:
    return Finding(
        "index.no_score",
        code,
        f"{count} units without a score",
        "a score",
        Text(
            f"「{code}」有 {count} 个单位因缺数而没有得分", f"'{code}': {count} units have no score for want of figures"
        ),
    )


def check_columns(figures: Figures, framework: Framework) -> None:
    """Raise one finding for each column that the framework names and the figures do not have."""
    wanted = [(n.code, "indicator", n.code in figures.codes) for n in framework.indicators]
    wanted += [
        (n.denominator, "denominator", n.denominator in figures.sizes) for n in framework.indicators if n.denominator
    ]
    findings = [
        Finding(
            "index.column",
            name,
            "nothing",
            f"a column {name} ({what})",
            Text(
                f"数值表缺少列「{name}」；请补上该列，或从指标表中去掉",
                f"the values have no column '{name}'; add it or drop it",
            ),
            name,
        )
        for name, what in sorted({(name, what) for name, what, there in wanted if not there})
    ]
    if findings:
        raise ContractError(findings)


def climb(
    normalised: Figures,
    tree: Framework,
    spec: Spec,
    weights: dict[str, float],
    drawn: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Aggregate level by level.

    Parameters
    ----------
    weights : dict
        Filled with each node's share among its siblings, before any drawn change.
    drawn : mapping of str to array, shape (replications,)
        What each node's weight is multiplied by; absent for a single run.

    Returns
    -------
    dict of str to array, shape (rows,), or (replications, rows) when weights are drawn
    """
    scores: dict[str, Array] = {code: normalised.values[:, at] for at, code in enumerate(normalised.codes)}
    levels = sorted({node.level for node in tree.aggregates})
    for node in reversed(tree.aggregates):
        children = tree.children(node.code)
        x = _stack(scores, children)
        if spec.aggregate.floor is not None:
            x = np.maximum(x, spec.aggregate.floor)
        shares = _weigh_children(x, children, spec, weights, node.code)
        if drawn is not None:
            shares = shares * np.stack([drawn[child.code] for child in children], axis=-1)
        method = spec.aggregate.of(levels.index(node.level))
        scores[node.code] = aggregate(x, shares, method, spec.aggregate.least_available, node.code)
    return {node.code: scores[node.code] for node in tree.aggregates}


def _stack(scores: Mapping[str, Array], children: tuple[Node, ...]) -> Array:
    parts = [scores[child.code] for child in children]
    if any(part.ndim == 2 for part in parts):
        parts = [np.broadcast_to(part, np.broadcast_shapes(*(p.shape for p in parts))) for part in parts]
    return np.stack(parts, axis=-1)


def _weigh_children(x: Array, children: tuple[Node, ...], spec: Spec, weights: dict[str, float], code: str) -> Array:
    if all(child.code in weights for child in children):
        return np.array([weights[child.code] for child in children])
    given = np.array([child.weight for child in children])
    here = {child.level for child in children}
    method = spec.weigh.method if here <= set(spec.weigh.levels) else "given"
    shares = weigh(x, method, given, code) if given.sum() > 0 else given
    weights.update({child.code: float(share) for child, share in zip(children, shares, strict=True)})
    return shares


def rank(scores: Array, blocks: list[NDArray[np.intp]] | None = None) -> NDArray[np.int64]:
    """Places from 1 for the highest; equal scores share the best of their places.

    Parameters
    ----------
    scores : array, shape (rows,) or (replications, rows)
        Scores that differ in the twelfth digit only count as equal, so that the order of additions decides nothing.
    blocks : list of arrays of row numbers, optional
        Rows that are ranked among themselves, such as those of one year.

    Returns
    -------
    array of int, same shape
        0 where the score is missing.

    Examples
    --------
    >>> rank(np.array([3.0, 5.0, np.nan, 5.0])).tolist()
    [3, 1, 0, 1]
    """
    table = np.atleast_2d(scores)
    out = np.zeros(table.shape, dtype=np.int64)
    for rows in blocks if blocks is not None else [np.arange(table.shape[1])]:
        part = table[:, rows]
        largest = np.nanmax(np.abs(part), axis=1, keepdims=True, initial=0.0, where=~np.isnan(part))
        part = np.where(np.isnan(part), -np.inf, part)
        order = np.argsort(-part, axis=1, kind="stable")
        ordered = np.take_along_axis(part, order, axis=1)
        with np.errstate(invalid="ignore"):
            starts = np.ones(part.shape, dtype=bool)
            starts[:, 1:] = ordered[:, :-1] - ordered[:, 1:] > SAME * np.maximum(largest, 1e-300)
        places = np.maximum.accumulate(np.where(starts, np.arange(1, len(rows) + 1), 0), axis=1)
        placed = np.empty_like(places)
        np.put_along_axis(placed, order, places, axis=1)
        out[:, rows] = np.where(np.isneginf(part), 0, placed)
    return out[0] if scores.ndim == 1 else out


def effective_weights(index: Index) -> dict[str, float]:
    """Each node's share of the top: the product of shares from it upwards.

    Examples
    --------
    >>> tree = Framework((Node("a", parent="t"), Node("b", parent="t", weight=3), Node("t", level=2)))
    >>> effective_weights(build(Figures(("A", "B"), ("a", "b"), np.array([[1.0, 2], [3, 5]])), tree))["b"]
    0.75
    """
    out: dict[str, float] = {}
    for node in sorted(index.framework.nodes, key=lambda n: -n.level):
        out[node.code] = index.weights[node.code] * out.get(node.parent, 1.0)
    return out


def change_spec(spec: Spec, **parts: Any) -> Spec:
    """Return a spec with some steps' settings changed."""
    return replace(spec, **parts)
