"""Bringing indicators to one scale: min-max, z, rank, percentile, goalposts, distance to target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np

from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array, Figures, Framework, StepLog, Stepped, fail

NormaliseBy = Literal["min_max", "z", "rank", "percentile", "goalpost", "target", "none"]


@dataclass(frozen=True, slots=True)
class Normalise:
    """How an indicator becomes a score in which more is better.

    Parameters
    ----------
    method : str
        ``min_max``, ``percentile``, ``goalpost`` and ``target`` fill the scale from `low` to `high`; ``z`` has mean
        `low` and standard deviation `high` minus `low`; ``rank`` is 1 for the worst; ``none`` takes figures as they
        are, with their direction.
    low, high : float
        The scale.
    least, most : float
        The goalposts in the indicator's unit, for ``goalpost``.
    logarithm : bool
        Whether goalposts and figures are compared by logarithm.
    clip : bool
        Whether what lies beyond a goalpost or a target counts as on it.
    each : mapping of str to Normalise
        Indicators that are normalised in another way.

    Raises
    ------
    StepFailed
        For a scale that does not go up: it would turn every indicator around without a word.
    """

    method: NormaliseBy = "min_max"
    low: float = 0.0
    high: float = 100.0
    least: float = 0.0
    most: float = 1.0
    logarithm: bool = False
    clip: bool = True
    each: Mapping[str, Normalise] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.method not in ("rank", "none") and not self.low < self.high:
            raise fail(
                "normalise",
                self.method,
                f"{self.low:g} to {self.high:g}",
                "low below high",
                Text(
                    f"标准化的尺度从 {self.low:g} 到 {self.high:g} 不是由低到高；z 的 high 是均值加一个标准差",
                    f"the scale from {self.low:g} to {self.high:g} does not go up; for z, high is the mean plus one deviation",
                ),
            )

    def of(self, code: str) -> Normalise:
        """How one indicator is normalised."""
        return self.each.get(code, self)


def normalise(figures: Figures, framework: Framework, settings: Normalise = Normalise()) -> Stepped:
    """Normalise every indicator over all rows, so all times of a panel together.

    Raises
    ------
    StepFailed
        When an indicator has no two different figures, no goalposts or no target that the method needs.

    Examples
    --------
    >>> from yucun.index import Node, build
    >>> tree = Framework((Node("gap", parent="top", direction=-1), Node("top", level=2)))
    >>> raw = Figures(("A", "B", "C"), ("gap",), np.array([[1.5], [2.0], [2.5]]))
    >>> normalise(raw, tree)[0].values.ravel().tolist()
    [100.0, 50.0, 0.0]
    """
    out = np.full(figures.values.shape, np.nan)
    entries = []
    for at, code in enumerate(figures.codes):
        node, how = framework.by_code[code], settings.of(code)
        column = figures.values[:, at]
        out[:, at] = scale(column, how, node.direction, node.target, code)
        entries.append(
            {"indicator": code, "method": how.method, "direction": node.direction, **_bounds(column, how, node.target)}
        )
    return figures.with_values(out), StepLog("normalise", asdict(settings), tuple(entries))


def _bounds(column: Array, how: Normalise, target: float) -> dict[str, float]:
    if how.method == "goalpost":
        return {"least": how.least, "most": how.most}
    if how.method == "target":
        return {"target": target}
    if np.isnan(column).all():
        return {}
    return {"least": float(np.nanmin(column)), "most": float(np.nanmax(column))}


def scale(x: Array, how: Normalise, direction: int = 1, target: float = float("nan"), code: str = "x") -> Array:
    """Normalise one column, shape (rows,); see `Normalise` for the methods.

    Examples
    --------
    >>> scale(np.array([4.3, 5.1, 7.9]), Normalise("min_max")).round(3).tolist()
    [0.0, 22.222, 100.0]
    >>> scale(np.array([75.0]), Normalise("goalpost", 0, 1, least=20, most=85)).round(4).tolist()
    [0.8462]
    """
    if np.isnan(x).all():
        raise fail(
            "normalise",
            code,
            "no figure",
            "figures",
            Text(f"「{code}」没有任何数；请补数或去掉该指标", f"'{code}' has no figure at all; fill it or drop it"),
        )
    if how.method == "none":
        return x * direction
    if how.method == "goalpost":
        return _between(x, how, direction, code)
    if how.method == "target":
        return _toward(x, how, direction, target, code)
    return _relative(x * direction, how, code)


def _relative(x: Array, how: Normalise, code: str) -> Array:
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    if high == low:
        raise fail(
            "normalise",
            code,
            low,
            "at least two different figures",
            Text(
                f"「{code}」各单位的数都相同，无法标准化；请去掉该指标或改用目标区间",
                f"all figures of '{code}' are the same; drop it, or use goalposts",
            ),
        )
    span = how.high - how.low
    if how.method == "min_max":
        return np.asarray((x - low) / (high - low) * span + how.low)
    if how.method == "z":
        return np.asarray((x - np.nanmean(x)) / np.nanstd(x, ddof=1) * span + how.low)
    places = rank_from_worst(x)
    if how.method == "rank":
        return places
    return np.asarray((places - 1) / (np.sum(~np.isnan(x)) - 1) * span + how.low)


def rank_from_worst(x: Array) -> Array:
    """Places from 1 for the least; equal figures share the lowest of their places; NaN stays NaN.

    Examples
    --------
    >>> rank_from_worst(np.array([3.0, 1.0, 3.0, 9.0])).tolist()
    [2.0, 1.0, 2.0, 4.0]
    """
    ordered = np.sort(x[~np.isnan(x)])
    places = np.searchsorted(ordered, x, side="left") + 1.0
    return np.where(np.isnan(x), np.nan, places)


def _between(x: Array, how: Normalise, direction: int, code: str) -> Array:
    least, most = how.least, how.most
    if not least < most or (how.logarithm and least <= 0):
        raise fail(
            "normalise",
            code,
            f"{least} and {most}",
            "goalposts of which the first is lower" + (" and above 0" if how.logarithm else ""),
            Text(
                f"「{code}」的目标区间有误：{least} 至 {most}",
                f"the goalposts of '{code}' are wrong: {least} to {most}",
            ),
        )
    if how.logarithm:
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (np.log(np.where(x > 0, x, np.nan)) - np.log(least)) / (np.log(most) - np.log(least))
        if (np.isnan(share) & ~np.isnan(x)).any():
            raise _not_positive(code)
    else:
        share = (x - least) / (most - least)
    share = share if direction > 0 else 1 - share
    return np.asarray((np.clip(share, 0, 1) if how.clip else share) * (how.high - how.low) + how.low)


def _toward(x: Array, how: Normalise, direction: int, target: float, code: str) -> Array:
    if not target > 0 or (np.nanmin(x) < 0) or (direction < 0 and np.nanmin(x) <= 0):
        raise fail(
            "normalise",
            code,
            f"target {target}, least figure {np.nanmin(x)}",
            "a target above 0 and figures above 0",
            Text(
                f"「{code}」没有目标值，或数值不为正，不能按距目标计算",
                f"'{code}' has no target or figures that are not above 0; use another method",
            ),
        )
    share = x / target if direction > 0 else target / x
    return np.asarray((np.minimum(share, 1) if how.clip else share) * (how.high - how.low) + how.low)


def _not_positive(code: str) -> Exception:
    return fail(
        "normalise",
        code,
        "a figure not above 0",
        "figures above 0",
        Text(f"「{code}」有不为正的数，不能取对数", f"'{code}' has figures not above 0, which have no logarithm"),
    )
