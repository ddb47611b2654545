"""Taming outliers: winsorise one point at a time, then a logarithm or Box-Cox for what still fails."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array, Figures, StepLog, Stepped

Then = Literal["log", "box_cox", "none"]
LOG_SHIFT = 0.01


@dataclass(frozen=True, slots=True)
class Treat:
    """When an indicator fails, and what is done then.

    Parameters
    ----------
    skewness, kurtosis : float
        An indicator fails when its skewness is at least this far from 0 and its excess kurtosis at least this high,
        both corrected for the sample's bias.
    winsorise : int
        At most so many points, one at a time, tested again each time; 0 winsorises none.
    then : str
        What is done to the untreated values of an indicator that still fails.
    only : tuple of str
        Indicators that may be treated; empty means all.
    """

    skewness: float = 2.0
    kurtosis: float = 3.5
    winsorise: int = 5
    then: Then = "log"
    only: tuple[str, ...] = ()


NO_TREATMENT = Treat(winsorise=0, then="none")


def treat(figures: Figures, settings: Treat = Treat()) -> Stepped:
    """Treat the indicators that fail; the log has one entry for each treated or still failing.

    Examples
    --------
    >>> raw = Figures(tuple("abcdefghijk"), ("x",), np.array([*range(1, 11), 100.0])[:, None])
    >>> treated, log = treat(raw)
    >>> treated.values[-1, 0], log.entries[0]["method"], log.entries[0]["points"]
    (np.float64(10.0), 'winsorise', 1)
    """
    values = figures.values
    may = np.array([not settings.only or code in settings.only for code in figures.codes])
    treated, points, passes = winsorise(values, settings, may)
    methods: dict[int, str] = {int(at): "winsorise" for at in np.flatnonzero(points)}
    for at in np.flatnonzero(~passes):
        methods[int(at)] = settings.then if settings.then != "none" else methods.get(int(at), "none")
        if settings.then != "none":
            treated[:, at] = take_log(values[:, at]) if settings.then == "log" else box_cox(values[:, at])[0]
            points[at] = 0
    before, after = shape_of(values), shape_of(treated)
    passes = ~_fails(after, settings) | ~may
    entries = tuple(
        _tell_entry(figures, treated, at, methods[at], int(points[at]), before, after, bool(passes[at]))
        for at in sorted(methods)
    )
    findings = tuple(_still_failing(entry) for entry in entries if not entry["passes"])
    return figures.with_values(treated), StepLog("treat", asdict(settings), entries, findings)


def _tell_entry(
    figures: Figures,
    treated: Array,
    at: int,
    method: str,
    points: int,
    before: tuple[Array, Array],
    after: tuple[Array, Array],
    passes: bool,
) -> dict[str, Any]:
    changed = np.flatnonzero(figures.values[:, at] != treated[:, at]) if method == "winsorise" else np.array([], int)
    there = changed[~np.isnan(figures.values[changed, at])]
    return {
        "indicator": figures.codes[at],
        "method": method,
        "points": points,
        "units": figures.tell_rows(there),
        "skewness_before": float(before[0][at]),
        "kurtosis_before": float(before[1][at]),
        "skewness_after": float(after[0][at]),
        "kurtosis_after": float(after[1][at]),
        "passes": passes,
    }


def _still_failing(entry: dict[str, Any]) -> Finding:
    code = entry["indicator"]
    return Finding(
        "index.still_skewed",
        code,
        f"skewness {entry['skewness_after']:.2f}, kurtosis {entry['kurtosis_after']:.2f}",
        "within the limits",
        Text(
            f"「{code}」处理后偏度和峰度仍超限；请查看该指标的分布",
            f"'{code}' is still outside the limits after treatment; look at its distribution",
        ),
    )


def shape_of(values: Array) -> tuple[Array, Array]:
    """Skewness and excess kurtosis of each column, corrected for the sample's bias (type 2 of Joanes and Gill 1998).

    Examples
    --------
    >>> skewness, kurtosis = shape_of(np.array([1.0, 2, 3, 4, 10])[:, None])
    >>> round(float(skewness[0]), 4), round(float(kurtosis[0]), 4)
    (1.6971, 3.152)
    """
    there = ~np.isnan(values)
    n = there.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, values, 0.0).sum(axis=0) / n
        off = np.where(there, values - mean, 0.0)
        square = off * off
        m2, m3, m4 = (part.sum(axis=0) / n for part in (square, square * off, square * square))
        flat = m2 <= (1e-12 * np.maximum(np.abs(mean), 1e-300)) ** 2
        skew = m3 / m2**1.5 * np.sqrt(n * (n - 1)) / (n - 2)
        kurt = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (m4 / m2**2 - 3) + 6)
    skew[flat | (n < 3)] = np.nan
    kurt[flat | (n < 4)] = np.nan
    return skew, kurt


def _fails(shape: tuple[Array, Array], settings: Treat) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(shape[0]) >= settings.skewness) & (shape[1] >= settings.kurtosis))


def winsorise(
    values: Array, settings: Treat, may: NDArray[np.bool_] | None = None
) -> tuple[Array, NDArray[np.intp], NDArray[np.bool_]]:
    """Bring the farthest points of each failing column's skewed tail to the next one, one more each round.

    Returns
    -------
    values, points, passes
        The table, how many points of each column were moved, and whether each column passes now.
    """
    out = values.copy()
    points = np.zeros(values.shape[1], dtype=np.intp)
    allowed = np.ones(values.shape[1], dtype=bool) if may is None else may
    failing = _fails(shape_of(values), settings) & allowed
    enough = (~np.isnan(values)).sum(axis=0)
    for count in range(1, settings.winsorise + 1):
        at = np.flatnonzero(failing & (enough > count))
        if not at.size:
            break
        skew, _ = shape_of(out[:, at])
        sign = np.where(skew >= 0, 1.0, -1.0)
        columns = out[:, at] * sign
        order = np.argsort(np.where(np.isnan(columns), -np.inf, columns), axis=0, kind="stable")[::-1]
        limit = np.take_along_axis(columns, order[count : count + 1], axis=0)
        np.put_along_axis(columns, order[:count], np.broadcast_to(limit, (count, len(at))), axis=0)
        out[:, at] = columns * sign
        points[at] = count
        failing[at] = _fails(shape_of(out[:, at]), settings)
    return out, points, ~failing


def take_log(x: Array) -> Array:
    """The logarithm of the distance from the least value, shifted by a hundredth of the range."""
    low, high = np.nanmin(x), np.nanmax(x)
    return np.asarray(np.log(x - low + LOG_SHIFT * (high - low)))


def box_cox(x: Array) -> tuple[Array, float]:
    """Box and Cox's power of one column, with the exponent of greatest likelihood between -3 and 3.

    A column with values at or below 0 is first shifted as in `take_log`.

    Returns
    -------
    array, float
        The transformed column and the exponent.
    """
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    shifted = x if low > 0 else x - low + LOG_SHIFT * (high - low)
    logs = np.log(shifted[~np.isnan(shifted)])

    def unlikely(power: float) -> float:
        # Divided by the geometric mean's power, so that the change of scale needs no term of its own.
        scaled = np.exp(power * (logs - logs.mean()))
        return float((((scaled - 1) / power) if abs(power) > 1e-9 else logs).var())

    grid = np.linspace(-3, 3, 61)
    best = float(grid[int(np.argmin([unlikely(p) for p in grid]))])
    left, right, ratio = best - 0.1, best + 0.1, (5**0.5 - 1) / 2
    while right - left > 1e-8:
        a, b = right - ratio * (right - left), left + ratio * (right - left)
        left, right = (left, b) if unlikely(a) < unlikely(b) else (a, right)
    power = (left + right) / 2
    out = (shifted**power - 1) / power if abs(power) > 1e-9 else np.log(shifted)
    return np.asarray(out), power
