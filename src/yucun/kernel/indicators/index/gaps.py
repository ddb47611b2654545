"""How far apart people or places stand: Gini, Theil, Atkinson, Palma, ratios, convergence; each with its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array, fail
from yucun.kernel.indicators.index.student import t_quantile

BOOTS = 1000


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its 95 % interval.

    Parameters
    ----------
    value : float
    low, high : float
        2.5 and 97.5 % of the bootstrap over units, or of Student's t where a line is fitted.
    units : int
        How many units it rests on.
    """

    value: float
    low: float
    high: float
    units: int


Weighted = Callable[[Array, Array], Array]


def _take(
    x: Array | Sequence[float], weights: Array | Sequence[float] | None, least: float, name: str
) -> tuple[Array, Array]:
    values = np.asarray(x, dtype=np.float64)
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != values.shape or values.ndim != 1 or (w < 0).any() or not np.isfinite(w).all():
        raise fail(
            "gap",
            name,
            f"{values.shape} and {w.shape}",
            "one weight not below 0 for each figure",
            Text(f"{name}：权重与数值不符", f"{name}: the weights do not fit the figures"),
        )
    if not np.isfinite(values).all() or not values.size or values.min() < least or w.sum() <= 0 or values @ w <= 0:
        raise fail(
            "gap",
            name,
            float(values.min()) if values.size else "nothing",
            f"figures not below {least:g}, none missing, not all 0",
            Text(
                f"{name} 要求数值齐全、不小于 {least:g} 且不全为 0",
                f"{name} needs figures without gaps, none below {least:g}, not all 0",
            ),
        )
    return values, w


def _measure(x: Array, w: Array, of: Weighted, seed: int, boots: int) -> Measure:
    """The value, and its bootstrap: units drawn with replacement, each draw as counts, all draws at once."""
    value = float(of(x, w[None])[0])
    rng = np.random.default_rng(seed)
    drawn: list[Array] = []
    size = max(1, 4_000_000 // len(x))
    for start in range(0, boots, size):
        counts = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=min(size, boots - start))
        drawn.append(of(x, counts * w))
    found = np.concatenate(drawn) if drawn else np.array([np.nan])
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, (0.025, 0.975)) if found.size else (np.nan, np.nan)
    return Measure(value, float(low), float(high), len(x))


def gini(
    x: Array | Sequence[float], weights: Array | Sequence[float] | None = None, seed: int = 1, boots: int = BOOTS
) -> Measure:
    """Gini's coefficient: half the mean difference of all pairs over the mean.

    Parameters
    ----------
    x : array, shape (units,)
        Not below 0, in one unit.
    weights : array, shape (units,), optional
        People behind each unit.

    Examples
    --------
    >>> round(gini([1, 1, 1, 5]).value, 4)
    0.375
    """
    values, w = _take(x, weights, 0.0, "Gini")
    order = np.argsort(values, kind="stable")
    return _measure(values[order], w[order], gini_of_sorted, seed, boots)


def gini_of_sorted(x: Array, w: Array) -> Array:
    """Gini for many weights at once: x ascending, shape (units,); w shape (draws, units)."""
    run = np.cumsum(w, axis=1)
    total, people = w @ x, run[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((2 * run - w) * w @ x) / (people * total) - 1)


def theil(
    x: Array | Sequence[float], weights: Array | Sequence[float] | None = None, seed: int = 1, boots: int = BOOTS
) -> Measure:
    """Theil's T: the mean of y/mean ln(y/mean); a figure of 0 adds nothing.

    Examples
    --------
    >>> round(theil([1, 1, 1, 5]).value, 4)
    0.3128
    """
    return _measure(*_take(x, weights, 0.0, "Theil"), theil_of, seed, boots)


def theil_of(x: Array, w: Array) -> Array:
    """Theil's T for many weights at once, w shape (draws, units)."""
    logs = np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (w @ x) / w.sum(axis=1)
        return np.asarray((w @ logs) / (w @ x) - np.log(mean))


def atkinson(
    x: Array | Sequence[float],
    aversion: float = 0.5,
    weights: Array | Sequence[float] | None = None,
    seed: int = 1,
    boots: int = BOOTS,
) -> Measure:
    """Atkinson's index: the share of the mean that equality would save.

    Parameters
    ----------
    aversion : float
        Above 0; with 1 and more a figure of 0 makes the index 1.

    Examples
    --------
    >>> round(atkinson([1, 1, 1, 5], 1.0).value, 4)
    0.2523
    """
    values, w = _take(x, weights, 0.0, "Atkinson")

    def of(x: Array, w: Array) -> Array:
        people, power = w.sum(axis=1), 1 - aversion
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (w @ x) / people
            if aversion >= 1 and (x == 0).any():
                empty = (w[:, x == 0] > 0).any(axis=1)
                rest = np.where(x == 0, 1.0, x)
                equal = np.where(empty, 0.0, _equal_of(rest, w, power, people))
            else:
                equal = _equal_of(x, w, power, people)
            return np.asarray(1 - equal / mean)

    return _measure(values, w, of, seed, boots)


def _equal_of(x: Array, w: Array, power: float, people: Array) -> Array:
    if abs(power) < 1e-12:
        return np.asarray(np.exp((w @ np.log(x)) / people))
    return np.asarray(((w @ x**power) / people) ** (1 / power))


def palma(
    x: Array | Sequence[float], weights: Array | Sequence[float] | None = None, seed: int = 1, boots: int = BOOTS
) -> Measure:
    """What the best-off tenth has over what the least-off four tenths have; a unit across a border is split.

    Examples
    --------
    >>> round(palma([1, 2, 3, 4, 5, 6, 7, 8, 9, 20]).value, 4)
    2.0
    """
    values, w = _take(x, weights, 0.0, "Palma")
    order = np.argsort(values, kind="stable")

    def of(x: Array, w: Array) -> Array:
        run = np.cumsum(w, axis=1)
        share = run / run[:, -1:]
        below = np.concatenate([np.zeros((len(w), 1)), share[:, :-1]], axis=1)
        part = share - below
        low = np.clip(0.4 - below, 0, part) @ x
        high = np.clip(share - 0.9, 0, part) @ x
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(high / low)

    return _measure(values[order], w[order], of, seed, boots)


def variation(
    x: Array | Sequence[float], weights: Array | Sequence[float] | None = None, seed: int = 1, boots: int = BOOTS
) -> Measure:
    """Coefficient of variation, with the population's standard deviation.

    Examples
    --------
    >>> round(variation([1, 1, 1, 5]).value, 4)
    0.866
    """
    return _measure(*_take(x, weights, 0.0, "variation"), _variation_of, seed, boots)


def _variation_of(x: Array, w: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (w @ x) / w.sum(axis=1)
        return np.asarray(np.sqrt(np.maximum((w @ x**2) / w.sum(axis=1) - mean**2, 0)) / mean)


def ratio_of_ends(x: Array | Sequence[float]) -> float:
    """The largest over the least.

    Examples
    --------
    >>> ratio_of_ends([2, 3, 5])
    2.5
    """
    values, _ = _take(x, None, 0.0, "max/min")
    if values.min() == 0:
        raise fail(
            "gap",
            "max/min",
            0,
            "figures above 0",
            Text("最小值为 0，不能求倍数", "the least is 0, so there is no ratio"),
        )
    return float(values.max() / values.min())


@dataclass(frozen=True, slots=True)
class Convergence:
    """Whether those behind catch up.

    Parameters
    ----------
    beta : Measure
        Slope of yearly growth on the logarithm of the first figure; below 0 they do.
    speed : float
        Share of the gap closed a year, ``-ln(1 + beta years) / years``; NaN where it has no meaning.
    half_life_years : float
        Years until half of the gap is closed.
    """

    beta: Measure
    speed: float
    half_life_years: float
    r_squared: float


def converge_beta(first: Array | Sequence[float], last: Array | Sequence[float], years: float) -> Convergence:
    """Beta-convergence (Barro and Sala-i-Martin 1992): ``ln(last / first) / years = a + beta ln(first)`` by least squares.

    Parameters
    ----------
    first, last : array, shape (units,)
        Above 0, the same units in the same order.
    years : float
        Between the two.

    Examples
    --------
    >>> converge_beta([1.0, 2.0, 4.0], [2.0, 3.0, 5.0], 1.0).beta.value < 0
    True
    """
    x0, _ = _take(first, None, np.nextafter(0, 1), "beta")
    x1, _ = _take(last, None, np.nextafter(0, 1), "beta")
    if len(x0) != len(x1) or len(x0) < 3 or not years > 0:
        raise fail(
            "gap",
            "beta",
            f"{len(x0)} and {len(x1)} units, {years} years",
            "the same units, at least 3, and years above 0",
            Text(
                "β 收敛要求两期单位相同、至少 3 个，年数大于 0",
                "beta needs the same units, at least 3, and years above 0",
            ),
        )
    x, y = np.log(x0), np.log(x1 / x0) / years
    off = x - x.mean()
    if off @ off == 0:
        raise fail(
            "gap",
            "beta",
            "equal first figures",
            "figures that differ",
            Text("初期各单位相同，谈不上收敛", "the first figures are all the same"),
        )
    slope = float(off @ y / (off @ off))
    residual = y - y.mean() - slope * off
    free = len(x) - 2
    error = float(np.sqrt(residual @ residual / free / (off @ off)))
    reach = t_quantile(0.975, free) * error
    closed = 1 + slope * years
    speed = -np.log(closed) / years if closed > 0 else np.nan
    spread = float((y - y.mean()) @ (y - y.mean()))
    return Convergence(
        Measure(slope, slope - reach, slope + reach, len(x)),
        float(speed),
        float(np.log(2) / speed) if speed > 0 else float("nan"),
        1 - float(residual @ residual) / spread if spread > 0 else float("nan"),
    )


def converge_sigma(table: Array, seed: int = 1, boots: int = BOOTS) -> list[Measure]:
    """Sigma-convergence: the standard deviation of logarithms at each time; falling means converging.

    Parameters
    ----------
    table : array, shape (units, times)
        Above 0.

    Examples
    --------
    >>> [round(m.value, 4) for m in converge_sigma(np.array([[1.0, 2.0], [3.0, 4.0], [9.0, 8.0]]))]
    [1.0986, 0.6931]
    """
    values = np.asarray(table, dtype=np.float64)
    out = []
    for at in range(values.shape[1]):
        x, w = _take(values[:, at], None, np.nextafter(0, 1), "sigma")
        out.append(_measure(np.log(x), w, _deviation_of, seed, boots))
    return out


def _deviation_of(x: Array, w: Array) -> Array:
    people = w.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (w @ x) / people
        return np.asarray(
            np.sqrt(np.maximum((w @ (x - x.mean()) ** 2) / people - (mean - x.mean()) ** 2, 0) * people / (people - 1))
        )
