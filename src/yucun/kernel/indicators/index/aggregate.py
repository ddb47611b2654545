"""Joining children to one score, for many weights at once: means, median, Copeland, TOPSIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array, fail

AggregateBy = Literal["arithmetic", "geometric", "harmonic", "median", "copeland", "topsis"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How children become one score.

    Parameters
    ----------
    method : str
        The same at every level, unless `levels` says otherwise.
    levels : tuple of str
        One method for each level of aggregates, from the lowest; empty means `method` everywhere.
    least_available : float
        Smallest share of a score's children that must be there, 0 to 1; below it the score is missing.
    floor : float or None
        Scores of children below it count as it; for a geometric or harmonic mean over a scale that touches 0.
    """

    method: AggregateBy = "arithmetic"
    levels: tuple[AggregateBy, ...] = ()
    least_available: float = 0.0
    floor: float | None = None

    def of(self, place: int) -> AggregateBy:
        """The method of the ``place``-th level of aggregates, from 0."""
        return self.levels[min(place, len(self.levels) - 1)] if self.levels else self.method


def aggregate(
    x: Array, weights: Array, method: AggregateBy = "arithmetic", least_available: float = 0.0, code: str = "aggregate"
) -> Array:
    """Join the children of one aggregate, for many weights at once.

    Parameters
    ----------
    x : array, shape (rows, children) or (replications, rows, children)
        Scores in which more is better; a missing child's weight goes to the others.
    weights : array, shape (children,) or (replications, children)
        Relative to each other.
    least_available : float
        Smallest share of children that must be there.
    code : str
        What an error calls the aggregate.

    Returns
    -------
    array, shape (rows,) or (replications, rows)

    Raises
    ------
    StepFailed
        For a geometric or harmonic mean of scores that are not above 0; when all weights are 0.

    Examples
    --------
    >>> aggregate(np.array([[1.0, 4.0]]), np.array([1.0, 1.0]), "geometric").tolist()
    [2.0]
    >>> three = np.array([[1, 3, 1], [2, np.nan, np.nan], [3, np.nan, 1]])
    >>> aggregate(three, np.ones(3), least_available=2 / 3).round(6).tolist()
    [1.666667, nan, 2.0]
    """
    single = weights.ndim == 1
    w = np.atleast_2d(weights).astype(np.float64)
    values = x if x.ndim == 3 else x[None]
    if (w.sum(axis=1) <= 0).any():
        raise fail(
            "aggregate",
            code,
            "weights that are all 0",
            "a weight above 0",
            Text(f"「{code}」下各项权重全为 0", f"all weights below '{code}' are 0; give one of them weight"),
        )
    there = ~np.isnan(values)
    if method in ("geometric", "harmonic") and (values <= 0).any():
        raise _not_positive(method, float(np.nanmin(values)), code)
    w = w / w.sum(axis=1, keepdims=True)
    score = _WAYS[method](values, there, w)
    counted = there & (w[:, None, :] > 0) if not there.all() else there
    if not there.all():
        share = counted.sum(axis=-1) / (w > 0).sum(axis=1)[:, None]
        score = np.where((share >= least_available - 1e-12) & (share > 0), score, np.nan)
    return np.asarray(score[0] if single else score)


def _not_positive(method: str, least: float, code: str) -> Exception:
    names = {"geometric": Text("几何平均", "geometric mean"), "harmonic": Text("调和平均", "harmonic mean")}
    return fail(
        "aggregate",
        code,
        least,
        "scores above 0",
        Text(
            "「{code}」的{way}要求分值都大于 0，现最小为 {least:.6g}；请把标准化下限设为 1，或设 floor",
            "the {way} of '{code}' needs scores above 0, the least is {least:.6g}; normalise to 1..100 or set a floor",
        ).fill(code=code, way=names[method], least=least),
    )


def _weigh_mean(values: Array, there: NDArray[np.bool_], w: Array) -> Array:
    """Weighted mean over children, weights shared out again where a child is missing."""
    if there.all():
        return _dot(values, w)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(_dot(np.where(there, values, 0.0), w) / _dot(there.astype(np.float64), w))


def _dot(values: Array, w: Array) -> Array:
    if values.shape[0] == 1:
        return np.asarray(w @ values[0].T)
    return np.asarray((values @ w[:, :, None])[:, :, 0])


def _geometric(values: Array, there: NDArray[np.bool_], w: Array) -> Array:
    return np.asarray(np.exp(_weigh_mean(np.log(values), there, w)))


def _harmonic(values: Array, there: NDArray[np.bool_], w: Array) -> Array:
    return np.asarray(1 / _weigh_mean(1 / values, there, w))


def _median(values: Array, there: NDArray[np.bool_], w: Array) -> Array:
    """The score at which half of the weight is reached; the middle of two where it is reached exactly between."""
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    shape = (max(len(w), len(values)), *values.shape[1:])
    shares = np.broadcast_to(w[:, None, :], shape) * np.broadcast_to(there, shape)
    shares = np.take_along_axis(shares, np.broadcast_to(order, shape), axis=-1)
    run = np.cumsum(shares, axis=-1)
    half = run[..., -1:] / 2
    below = np.argmax(run >= half - 1e-12, axis=-1)[..., None]
    above = np.argmax(run > half + 1e-12, axis=-1)[..., None]
    ordered = np.broadcast_to(ordered, shape)
    middle = (np.take_along_axis(ordered, below, -1) + np.take_along_axis(ordered, above, -1))[..., 0] / 2
    return np.asarray(np.where(half[..., 0] > 0, middle, np.nan))


def _copeland(values: Array, there: NDArray[np.bool_], w: Array) -> Array:
    """Pairs won minus pairs lost; a pair is won with more than half of the weight of the children both have."""
    out = np.empty((max(len(w), len(values)), values.shape[1]))
    known = there.any(axis=-1)
    for row in range(values.shape[1]):
        # Scores that differ in the twelfth digit only are equal: the order of additions must not decide a pair.
        gap = np.nan_to_num(np.sign(_near_zero(values - values[:, row : row + 1], values)))
        margin = _dot(gap, w)
        out[:, row] = -np.sign(np.where(np.abs(margin) < 1e-12, 0.0, margin)).sum(axis=1)
    return np.asarray(np.where(known, out, np.nan))


def _near_zero(gap: Array, values: Array) -> Array:
    return np.where(np.abs(gap) <= 1e-12 * np.nanmax(np.abs(values)), 0.0 * gap, gap)


def _topsis(values: Array, there: NDArray[np.bool_], w: Array) -> Array:
    """Distance from the worst point over the sum of distances from worst and best (Hwang and Yoon 1981)."""
    best, worst = np.nanmax(values, axis=1, keepdims=True), np.nanmin(values, axis=1, keepdims=True)
    squares = w**2
    up = np.sqrt(_dot(np.where(there, (values - best) ** 2, 0.0), squares))
    down = np.sqrt(_dot(np.where(there, (values - worst) ** 2, 0.0), squares))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(down / (up + down))


_WAYS = {
    "arithmetic": _weigh_mean,
    "geometric": _geometric,
    "harmonic": _harmonic,
    "median": _median,
    "copeland": _copeland,
    "topsis": _topsis,
}
