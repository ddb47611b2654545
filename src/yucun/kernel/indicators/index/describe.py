"""Statistics of indicators: shape, gaps, correlations, collinearity, redundancy, and how well siblings agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from yucun.kernel.indicators.index.build import Index
from yucun.kernel.indicators.index.model import Array, Figures, Framework
from yucun.kernel.indicators.index.normalise import rank_from_worst
from yucun.kernel.indicators.index.treat import Treat, shape_of


def describe(figures: Figures, limits: Treat = Treat()) -> pa.Table:  # noqa: B008 - settings are frozen
    """One row for each indicator: how many figures, their spread and shape, and whether outliers make it fail.

    Examples
    --------
    >>> raw = Figures(("A", "B", "C"), ("x",), np.array([[1.0], [2.0], [np.nan]]))
    >>> describe(raw).select(["indicator", "figures", "available", "mean"]).to_pylist()
    [{'indicator': 'x', 'figures': 2, 'available': 0.6666666666666666, 'mean': 1.5}]
    """
    skewness, kurtosis = shape_of(figures.values)
    rows: list[dict[str, Any]] = []
    for at, code in enumerate(figures.codes):
        x = figures.values[:, at]
        x = x[~np.isnan(x)]
        _, counts = np.unique(x, return_counts=True)
        rows.append(
            {
                "indicator": code,
                "figures": len(x),
                "available": len(x) / max(len(figures.units), 1),
                "least": float(x.min()) if x.size else None,
                "median": float(np.median(x)) if x.size else None,
                "mean": float(x.mean()) if x.size else None,
                "most": float(x.max()) if x.size else None,
                "deviation": float(x.std(ddof=1)) if x.size > 1 else None,
                "skewness": None if np.isnan(skewness[at]) else float(skewness[at]),
                "kurtosis": None if np.isnan(kurtosis[at]) else float(kurtosis[at]),
                "different": len(counts),
                "same": float(counts.max() / len(x)) if x.size else None,
                "zero": float((x == 0).mean()) if x.size else None,
                "has_outliers": bool(abs(skewness[at]) >= limits.skewness and kurtosis[at] >= limits.kurtosis),
            }
        )
    return pa.Table.from_pylist(rows)


def correlate(a: Array, b: Array, method: Literal["pearson", "spearman"] = "pearson") -> float:
    """Correlation of two columns over the rows that have both; NaN under three rows or without differences.

    Examples
    --------
    >>> round(correlate(np.array([1.0, 2, 3]), np.array([2.0, 4, 7])), 4)
    0.9934
    """
    both = ~np.isnan(a) & ~np.isnan(b)
    x, y = a[both], b[both]
    if method == "spearman":
        x, y = _middle_ranks(x), _middle_ranks(y)
    if len(x) < 3 or x.std() <= 1e-14 * max(np.abs(x).max(), 1e-300) or y.std() <= 1e-14 * max(np.abs(y).max(), 1e-300):
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _middle_ranks(x: Array) -> Array:
    """Places in which equal figures share the middle of theirs."""
    return np.asarray((rank_from_worst(x) + (len(x) + 1 - rank_from_worst(-x))) / 2)


def correlations(table: Array, method: Literal["pearson", "spearman"] = "pearson") -> Array:
    """Correlations of all pairs of columns, each over the rows that have both, shape (columns, columns)."""
    many = table.shape[1]
    out = np.eye(many)
    for i in range(many):
        for j in range(i):
            out[i, j] = out[j, i] = correlate(table[:, i], table[:, j], method)
    return out


def correlate_levels(index: Index) -> list[dict[str, Any]]:
    """How each node correlates with every aggregate above it, as used in the index."""
    columns = {code: index.normalised.column(code) for code in index.normalised.codes} | dict(index.scores)
    out = []
    for node in index.framework.nodes:
        above = node.parent
        while above:
            out.append({"node": node.code, "with": above, "correlation": correlate(columns[node.code], columns[above])})
            above = index.framework.by_code[above].parent
    return out


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the children of one aggregate go together.

    Parameters
    ----------
    alpha : float
        Cronbach's, over rows without a gap.
    inflation : mapping of str to float
        Variance inflation factor of each child; infinite when the others determine it.
    redundant, opposed : tuples of pairs
        Siblings that correlate above the upper limit, and below the lower one.
    """

    aggregate: str
    alpha: float
    inflation: dict[str, float]
    redundant: tuple[tuple[str, str, float], ...]
    opposed: tuple[tuple[str, str, float], ...]


def check_siblings(index: Index, redundant: float = 0.9, opposed: float = -0.4) -> list[Agreement]:
    """Look at the children of every aggregate for collinearity, redundancy and opposition.

    Examples
    --------
    >>> from yucun.kernel.indicators.index.build import build
    >>> from yucun.index import Node
    >>> tree = Framework((Node("a", parent="t"), Node("b", parent="t"), Node("t", level=2)))
    >>> run = build(Figures(tuple("ABCD"), ("a", "b"), np.array([[1.0, 2], [2, 4], [3, 6], [4, 8]])), tree)
    >>> check_siblings(run)[0].redundant
    (('a', 'b', 1.0),)
    """
    columns = {code: index.normalised.column(code) for code in index.normalised.codes} | dict(index.scores)
    out = []
    for node in index.framework.aggregates:
        codes = [child.code for child in index.framework.children(node.code)]
        table = np.stack([columns[code] for code in codes], axis=1)
        pairs = correlations(table)
        named = [(codes[j], codes[i], round(float(pairs[i, j]), 12)) for i in range(len(codes)) for j in range(i)]
        out.append(
            Agreement(
                node.code,
                cronbach_alpha(table),
                dict(zip(codes, inflate_variance(table).tolist(), strict=True)),
                tuple(pair for pair in named if pair[2] >= redundant),
                tuple(pair for pair in named if pair[2] <= opposed),
            )
        )
    return out


def cronbach_alpha(table: Array) -> float:
    """Cronbach's alpha over rows without a gap; NaN for one column.

    Examples
    --------
    >>> round(cronbach_alpha(np.array([[1.0, 1], [2, 3], [3, 2], [4, 4]])), 4)
    0.8889
    """
    whole = table[~np.isnan(table).any(axis=1)]
    k = whole.shape[1]
    if k < 2 or len(whole) < 2 or whole.sum(axis=1).var() == 0:
        return float("nan")
    return float(k / (k - 1) * (1 - whole.var(axis=0, ddof=1).sum() / whole.sum(axis=1).var(ddof=1)))


def inflate_variance(table: Array) -> Array:
    """Variance inflation factors, shape (columns,): the diagonal of the inverse of the correlations."""
    whole = table[~np.isnan(table).any(axis=1)]
    k = whole.shape[1]
    if k < 2 or len(whole) < 3 or (whole.std(axis=0) == 0).any():
        return np.full(k, np.nan)
    pairs = np.corrcoef(whole, rowvar=False)
    if np.linalg.matrix_rank(pairs, tol=1e-10) < k:
        values, vectors = np.linalg.eigh(pairs)
        tied = (vectors[:, values < 1e-10] ** 2).sum(axis=1) > 1e-10
        return np.where(tied, np.inf, np.diag(np.linalg.pinv(pairs, hermitian=True)))
    return np.asarray(np.diag(np.linalg.inv(pairs)))


def contribute(index: Index) -> Array:
    """Points of the top score that each indicator brings, shape (rows, indicators).

    Exact for arithmetic means (the row adds up to the score); for other means the score is shared out in proportion.
    """
    rows = index.normalised
    shares = np.ones((len(rows.units), 1)) * np.array([_lift(index.framework, index, code) for code in rows.codes])
    parts = np.where(np.isnan(rows.values), 0.0, rows.values) * shares
    with np.errstate(invalid="ignore", divide="ignore"):
        total = parts.sum(axis=1)
        return np.asarray(parts * np.where(total != 0, index.score / total, 0.0)[:, None])


def _lift(tree: Framework, index: Index, code: str) -> float:
    share, at = 1.0, code
    while tree.by_code[at].parent:
        share *= index.weights[at]
        at = tree.by_code[at].parent
    return share
