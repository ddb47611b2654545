"""Weights of siblings: given, equal, by entropy, by principal components, or so that correlations become equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array, fail

WeighBy = Literal["given", "equal", "entropy", "pca", "pca_rotated", "correlation"]


@dataclass(frozen=True, slots=True)
class Weigh:
    """Where weights come from.

    Parameters
    ----------
    method : str
        ``given`` takes the framework's.
    levels : tuple of int
        Levels of children to which the method applies, 1 for indicators; the others take the given weights.
    """

    method: WeighBy = "given"
    levels: tuple[int, ...] = (1,)


def weigh(x: Array, method: WeighBy, given: Array, code: str = "aggregate") -> Array:
    """Weights of the children of one aggregate, adding up to 1.

    Parameters
    ----------
    x : array, shape (rows, children)
        Their scores; rows with a missing score are left out, except for ``given`` and ``equal``.
    given : array, shape (children,)
        The framework's weights; a child of weight 0 stays at 0.

    Raises
    ------
    StepFailed
        When the scores do not allow the method.

    Examples
    --------
    >>> weigh(np.zeros((3, 4)), "equal", np.array([2.0, 1.0, 1.0, 0.0])).round(3).tolist()
    [0.333, 0.333, 0.333, 0.0]
    """
    out = np.zeros(len(given))
    live = given > 0
    if method == "given" or live.sum() == 1:
        out[live] = given[live] / given[live].sum()
        return out
    if method == "equal":
        out[live] = 1 / live.sum()
        return out
    table = x[:, live]
    table = table[~np.isnan(table).any(axis=1)]
    if len(table) < 3:
        raise fail(
            "weigh",
            code,
            f"{len(table)} complete rows",
            "at least 3",
            Text(f"「{code}」下完整的行不足 3 行，不能据此定权", f"'{code}' has under 3 complete rows to weigh from"),
        )
    ways = {"entropy": by_entropy, "pca": by_first_component, "pca_rotated": by_rotated_components}
    out[live] = by_correlation(table, code) if method == "correlation" else ways[method](table, code)
    return out


def by_entropy(x: Array, code: str = "aggregate") -> Array:
    """One minus Shannon's entropy of a child's shares, as a share of the sum (Zou, Yun and Sun 2006).

    Examples
    --------
    >>> by_entropy(np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])).round(6).tolist()
    [0.0, 1.0]
    """
    if (x < 0).any() or (x.sum(axis=0) <= 0).any():
        raise fail(
            "weigh",
            code,
            float(x.min()),
            "scores not below 0",
            Text(f"「{code}」下有负分，熵权法不适用", f"'{code}' has scores below 0, which have no entropy"),
        )
    p = x / x.sum(axis=0)
    logs = np.log(np.where(p > 0, p, 1.0))
    spread = np.maximum(1 + (p * logs).sum(axis=0) / np.log(len(x)), 0.0)
    return _share(spread, code)


def by_first_component(x: Array, code: str = "aggregate") -> Array:
    """Squared loadings of the first principal component of the correlations; they add up to 1."""
    _, vectors = np.linalg.eigh(_correlate(x, code))
    return np.asarray(vectors[:, -1] ** 2)


def by_rotated_components(x: Array, code: str = "aggregate") -> Array:
    """Weights of the OECD handbook (2008, section 6.1, after Nicoletti and others).

    Components with an eigenvalue above 1 (at least one) are rotated by varimax; each child counts with its largest
    squared loading over that component's sum, times the component's share of the explained variance.
    """
    values, vectors = np.linalg.eigh(_correlate(x, code))
    many = max(1, int((values > 1).sum()))
    loadings = vectors[:, ::-1][:, :many] * np.sqrt(np.maximum(values[::-1][:many], 0))
    squared = varimax(loadings) ** 2
    explained = squared.sum(axis=0)
    own = squared.argmax(axis=1)
    rows = np.arange(len(squared))
    return _share(squared[rows, own] / explained[own] * (explained[own] / explained.sum()), code)


def varimax(loadings: Array, rounds: int = 500, close: float = 1e-10) -> Array:
    """Turn loadings, shape (children, components), so that each child loads on few components (Kaiser 1958)."""
    p, k = loadings.shape
    turn, before = np.eye(k), 0.0
    for _ in range(rounds if k > 1 else 0):
        turned = loadings @ turn
        u, s, vt = np.linalg.svd(loadings.T @ (turned**3 - turned @ np.diag((turned**2).sum(axis=0)) / p))
        turn = u @ vt
        if s.sum() < before * (1 + close):
            break
        before = s.sum()
    return np.asarray(loadings @ turn)


def by_correlation(x: Array, code: str = "aggregate") -> Array:
    """Weights with which every child correlates equally with the arithmetic mean.

    With R the correlations and s the standard deviations, equal correlation means R (w s) = c 1, so w is R^-1 1 / s.

    Raises
    ------
    StepFailed
        When no weights above 0 can make them equal.
    """
    correlations = _correlate(x, code)
    try:
        solved = np.linalg.solve(correlations, np.ones(len(correlations)))
    except np.linalg.LinAlgError:
        solved = np.full(len(correlations), np.nan)
    weights = solved / x.std(axis=0)
    if not (weights > 0).all():
        raise fail(
            "weigh",
            code,
            ", ".join(f"{w:.3g}" for w in weights),
            "weights above 0",
            Text(
                f"「{code}」下没有一组正权重能使各项与总分的相关相等",
                f"no weights above 0 make the children of '{code}' correlate equally with it",
            ),
        )
    return np.asarray(weights / weights.sum())


def _correlate(x: Array, code: str) -> Array:
    if (x.std(axis=0) <= 1e-12 * np.maximum(np.abs(x).max(axis=0), 1e-300)).any():
        raise fail(
            "weigh",
            code,
            "a child that is the same everywhere",
            "children that differ",
            Text(f"「{code}」下有一项各单位相同，没有相关", f"'{code}' has a child that is the same for all units"),
        )
    return np.asarray(np.corrcoef(x, rowvar=False))


def _share(raw: Array, code: str) -> Array:
    if raw.sum() <= 0:
        raise fail(
            "weigh",
            code,
            "no differences",
            "children that differ",
            Text(f"「{code}」下各项没有差异，无法定权", f"the children of '{code}' do not differ, so nothing weighs"),
        )
    return np.asarray(raw / raw.sum())
