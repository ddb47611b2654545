"""Where a gap comes from: Theil within and between, Gini after Dagum, Gini by source, and Oaxaca and Blinder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yucun.base.text import Text
from yucun.kernel.indicators.index.gaps import BOOTS, Measure, gini_of_sorted, theil_of
from yucun.kernel.indicators.index.model import Array, fail


def _grouped(
    x: Array | Sequence[float], groups: Sequence[str], weights: Array | Sequence[float] | None
) -> tuple[Array, Any, Array]:
    values = np.asarray(x, dtype=np.float64)
    names = np.array([str(group) for group in groups])
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    fits = len(values) == len(names) == len(w) and len(values) > 1
    if not fits or not np.isfinite(values).all() or values.min() < 0 or (w < 0).any() or values @ w <= 0:
        raise fail(
            "gap",
            "groups",
            f"{len(values)} figures, {len(names)} groups",
            "one group and one figure not below 0 for each unit",
            Text(
                "分组分解要求每个单位各有一组、数值齐全且不为负", "each unit needs one group and a figure not below 0"
            ),
        )
    return values, names, w


Pick = Callable[[np.random.Generator], NDArray[np.intp]]


def _draw(
    values: Mapping[str, float],
    parts: Callable[[NDArray[np.intp]], Mapping[str, float]],
    pick: Pick,
    units: int,
    boots: int,
    seed: int,
) -> dict[str, Measure]:
    """Give each part the interval of its bootstrap; ``pick`` draws rows with replacement."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(boots):
        for name, value in parts(pick(rng)).items():
            if np.isfinite(value):
                found[name].append(value)
    out = {}
    for name, value in values.items():
        low, high = np.quantile(found[name], (0.025, 0.975)) if found[name] else (np.nan, np.nan)
        out[name] = Measure(float(value), float(low), float(high), units)
    return out


def _any_of(units: int) -> Pick:
    return lambda rng: rng.integers(0, units, units)


def split_theil(
    x: Array | Sequence[float],
    groups: Sequence[str],
    weights: Array | Sequence[float] | None = None,
    seed: int = 1,
    boots: int = BOOTS,
) -> dict[str, Measure]:
    """Theil's T as ``total = within + between``.

    Returns
    -------
    dict of str to Measure
        ``total``, ``within``, ``between``.

    Examples
    --------
    >>> {name: round(m.value, 4) for name, m in split_theil([1, 3, 6, 10], ["a", "a", "b", "b"], boots=50).items()}
    {'total': 0.2442, 'within': 0.0514, 'between': 0.1927}
    """
    values, names, w = _grouped(x, groups, weights)

    def parts(at: NDArray[np.intp]) -> dict[str, float]:
        y, g, p = values[at], names[at], w[at]
        total = float(theil_of(y, p[None])[0])
        within = 0.0
        for name in np.unique(g):
            mine = g == name
            if y[mine] @ p[mine] > 0:
                within += float(y[mine] @ p[mine] / (y @ p) * theil_of(y[mine], p[mine][None])[0])
        return {"total": total, "within": within, "between": total - within}

    return _draw(parts(np.arange(len(values))), parts, _any_of(len(values)), len(values), boots, seed)


def split_gini(
    x: Array | Sequence[float],
    groups: Sequence[str],
    weights: Array | Sequence[float] | None = None,
    seed: int = 1,
    boots: int = BOOTS,
) -> dict[str, Measure]:
    """Gini after Dagum 1997: ``total = within + between + overlap``.

    ``between`` is the net difference of groups (Gnb), ``overlap`` the part of transvariation (Gt): those of a group
    that is poorer on average who are richer than some of the other.

    Returns
    -------
    dict of str to Measure
        ``total``, ``within``, ``between``, ``overlap``.

    Examples
    --------
    >>> {name: round(m.value, 4) for name, m in split_gini([1, 3, 2, 10], ["a", "a", "b", "b"], boots=50).items()}
    {'total': 0.4375, 'within': 0.1562, 'between': 0.25, 'overlap': 0.0312}
    """
    values, names, w = _grouped(x, groups, weights)

    def parts(at: NDArray[np.intp]) -> dict[str, float]:
        return _dagum(values[at], names[at], w[at])

    return _draw(parts(np.arange(len(values))), parts, _any_of(len(values)), len(values), boots, seed)


def _dagum(y: Array, g: NDArray[Any], w: Array) -> dict[str, float]:
    people, mean = w.sum(), w @ y / w.sum()
    each = {}
    for name in np.unique(g):
        mine = g == name
        order = np.argsort(y[mine], kind="stable")
        each[name] = (y[mine][order], w[mine][order])
    within = between = overlap = 0.0
    whole = np.argsort(y, kind="stable")
    total = float(gini_of_sorted(y[whole], w[whole][None])[0])
    names = sorted(each)
    for i, name in enumerate(names):
        a, p = each[name]
        if a @ p > 0:
            within += float(gini_of_sorted(a, p[None])[0]) * p.sum() / people * (a @ p) / (people * mean)
        for other in names[:i]:
            b, q = each[other]
            up, down = _push(a, p, b, q)
            net = abs(up - down) / (people**2 * mean)
            between += net
            overlap += (up + down) / (people**2 * mean) - net
    return {"total": total, "within": within, "between": between, "overlap": overlap}


def _push(a: Array, p: Array, b: Array, q: Array) -> tuple[float, float]:
    """Sums over pairs of how far a is above b, and b above a; both ascending."""
    people, money = np.concatenate([[0.0], np.cumsum(q)]), np.concatenate([[0.0], np.cumsum(q * b)])
    below = np.searchsorted(b, a, side="right")
    up = float(p @ (a * people[below] - money[below]))
    down = float(p @ ((money[-1] - money[below]) - a * (people[-1] - people[below])))
    return up, down


@dataclass(frozen=True, slots=True)
class Source:
    """What one source of income does to the Gini.

    Parameters
    ----------
    share : float
        Of all income.
    gini : float
        Of the source by itself.
    correlation : float
        Gini correlation with total income, -1 to 1.
    contribution : Measure
        ``share * gini * correlation``; the sources' add up to the total Gini.
    elasticity : float
        By how many percent the Gini changes when the source grows by one percent for all.
    """

    name: str
    share: float
    gini: float
    correlation: float
    contribution: Measure
    elasticity: float


def split_sources(
    sources: Mapping[str, Array | Sequence[float]],
    weights: Array | Sequence[float] | None = None,
    seed: int = 1,
    boots: int = BOOTS,
) -> list[Source]:
    """Gini by source of income (Lerman and Yitzhaki 1985), in the order given.

    Examples
    --------
    >>> [round(s.contribution.value, 4) for s in split_sources({"wage": [1, 2, 3], "rent": [0, 0, 3]}, boots=50)]
    [0.1481, 0.2222]
    """
    names = list(sources)
    table = np.stack([np.asarray(sources[name], dtype=np.float64) for name in names], axis=1)
    w = np.ones(len(table)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not np.isfinite(table).all() or len(w) != len(table) or w @ table.sum(axis=1) <= 0:
        raise fail(
            "gap",
            "sources",
            "a gap",
            "figures for all units",
            Text("各来源的数须齐全", "every source needs a figure for every unit"),
        )

    def parts(at: NDArray[np.intp]) -> dict[str, float]:
        return dict(zip(names, _contributions(table[at], w[at])[:, 3].tolist(), strict=True))

    exact = _contributions(table, w)
    nominal = dict(zip(names, exact[:, 3].tolist(), strict=True))
    spans = _draw(nominal, parts, _any_of(len(table)), len(table), boots, seed)
    total = exact[:, 3].sum()
    return [
        Source(
            name,
            share=float(exact[i, 0]),
            gini=float(exact[i, 1]),
            correlation=float(exact[i, 2]),
            contribution=spans[name],
            elasticity=float(exact[i, 3] / total - exact[i, 0]),
        )
        for i, name in enumerate(names)
    ]


def _contributions(table: Array, w: Array) -> Array:
    """Share, Gini, correlation and contribution of each source, shape (sources, 4)."""
    total = table.sum(axis=1)
    mean = w @ total / w.sum()
    by_total = _places(total, w)
    out = np.zeros((table.shape[1], 4))
    for i, x in enumerate(table.T):
        own, with_total = _covary(x, _places(x, w), w), _covary(x, by_total, w)
        level = w @ x / w.sum()
        out[i] = (
            level / mean,
            2 * own / level if level else np.nan,
            with_total / own if own else 0.0,
            2 * with_total / mean,
        )
    return out


def _places(x: Array, w: Array) -> Array:
    """Share of people below, and half of those level."""
    order = np.argsort(x, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(w[order])])
    low, high = np.searchsorted(x[order], x, side="left"), np.searchsorted(x[order], x, side="right")
    return np.asarray((sums[low] + sums[high]) / 2 / sums[-1])


def _covary(x: Array, y: Array, w: Array) -> float:
    return float(w @ ((x - w @ x / w.sum()) * (y - w @ y / w.sum())) / w.sum())


@dataclass(frozen=True, slots=True)
class Explained:
    """A difference of means after Oaxaca and Blinder.

    Parameters
    ----------
    difference : Measure
        Mean of the first group less mean of the second.
    parts : mapping of str to Measure
        Twofold: ``explained`` by what the groups have, ``unexplained``. Threefold: ``endowments``, ``coefficients``,
        ``interaction``.
    by_factor : mapping of str to float
        What each factor explains (threefold: of the endowments).
    """

    difference: Measure
    parts: Mapping[str, Measure]
    by_factor: Mapping[str, float]


def explain_difference(
    y: Array | Sequence[float],
    factors: Mapping[str, Array | Sequence[float]],
    first: Sequence[bool] | NDArray[np.bool_],
    way: Literal["threefold", "pooled", "first", "second"] = "pooled",
    seed: int = 1,
    boots: int = BOOTS,
) -> Explained:
    """Explain the difference of two groups' means, such as town and country (Oaxaca 1973, Blinder 1973).

    Parameters
    ----------
    y : array, shape (rows,)
        Usually the logarithm of income.
    factors : mapping of str to array, shape (rows,)
        What people have: schooling, age, trade (as 0 and 1).
    first : array of bool, shape (rows,)
        True for the first group.
    way : str
        ``pooled`` takes the coefficients of a regression over both groups with the group as a factor (Jann 2008);
        ``first`` and ``second`` take those of one group; ``threefold`` counts the interaction by itself, seen from the
        second group.

    Examples
    --------
    >>> schooling, town = [9, 12, 16, 6, 9, 12], [True] * 3 + [False] * 3
    >>> found = explain_difference([3.0, 3.6, 4.4, 2.2, 2.8, 3.4], {"schooling": schooling}, town, boots=0)
    >>> round(found.difference.value, 4), round(found.parts["explained"].value, 4)
    (0.8667, 0.6667)
    """
    table = np.column_stack([np.ones(len(y)), *(np.asarray(f, dtype=np.float64) for f in factors.values())])
    values, mine = np.asarray(y, dtype=np.float64), np.asarray(first, dtype=bool)
    if not (np.isfinite(table).all() and np.isfinite(values).all()):
        raise fail(
            "gap", "Oaxaca", "a gap", "figures for all rows", Text("各项数值须齐全", "every row needs every figure")
        )

    def parts(at: NDArray[np.intp]) -> dict[str, float]:
        return _oaxaca(values[at], table[at], mine[at], way)[0]

    every = np.arange(len(values))
    exact, by_factor = _oaxaca(values, table, mine, way)
    if not exact:
        raise fail(
            "gap",
            "Oaxaca",
            "a group too small or factors that determine each other",
            "more rows than factors in both groups",
            Text("组内行数太少或因素共线，无法分解", "a group has too few rows, or its factors determine each other"),
        )
    # Each group is drawn by itself, so that a small one is never empty.
    sides = [every[mine], every[~mine]]
    spans = _draw(
        exact, parts, lambda rng: np.concatenate([rng.choice(s, len(s)) for s in sides]), len(values), boots, seed
    )
    return Explained(spans.pop("difference"), spans, dict(zip(["constant", *factors], by_factor.tolist(), strict=True)))


def _oaxaca(y: Array, x: Array, mine: NDArray[np.bool_], way: str) -> tuple[dict[str, float], Array]:
    k = x.shape[1]
    fitted = [_fit(y[side], x[side]) for side in (mine, ~mine)]
    pooled = _fit(y, np.column_stack([x, mine]))
    if any(f is None for f in (*fitted, pooled)):
        return {}, np.zeros(k)
    a, b = (np.asarray(f) for f in fitted)
    xa, xb = x[mine].mean(axis=0), x[~mine].mean(axis=0)
    gap = {"difference": float(y[mine].mean() - y[~mine].mean())}
    if way == "threefold":
        each = (xa - xb) * b
        parts = {"endowments": each.sum(), "coefficients": xb @ (a - b), "interaction": (xa - xb) @ (a - b)}
    else:
        taken = {"first": a, "second": b}.get(way, np.asarray(pooled)[:k])
        each = (xa - xb) * taken
        parts = {"explained": each.sum(), "unexplained": xa @ (a - taken) + xb @ (taken - b)}
    return gap | {name: float(value) for name, value in parts.items()}, each


def _fit(y: Array, x: Array) -> Array | None:
    """Least squares; None where the columns determine each other."""
    if len(y) < x.shape[1] or np.linalg.matrix_rank(x) < x.shape[1]:
        return None
    return np.asarray(np.linalg.lstsq(x, y, rcond=None)[0])
