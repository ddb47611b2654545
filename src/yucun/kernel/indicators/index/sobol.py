"""Sobol's points, and shares of variance from them: first order and total, for any function of the unit cube."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array

# Joe and Kuo 2008, new-joe-kuo-6.21201: degree, coefficients, first direction numbers; the first dimension has none.
_DIRECTIONS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (1, 0, (1,)),
    (2, 1, (1, 3)),
    (3, 1, (1, 3, 1)),
    (3, 2, (1, 1, 1)),
    (4, 1, (1, 1, 3, 3)),
    (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)),
    (5, 4, (1, 1, 5, 5, 5)),
    (5, 7, (1, 1, 7, 11, 19)),
    (5, 11, (1, 1, 5, 1, 1)),
    (5, 13, (1, 1, 1, 3, 11)),
    (5, 14, (1, 3, 5, 5, 31)),
    (6, 1, (1, 3, 3, 9, 7, 49)),
    (6, 13, (1, 1, 1, 15, 21, 21)),
    (6, 16, (1, 3, 1, 13, 27, 49)),
    (6, 19, (1, 1, 1, 15, 7, 5)),
    (6, 22, (1, 3, 1, 15, 13, 25)),
    (6, 25, (1, 1, 5, 5, 19, 61)),
    (7, 1, (1, 3, 7, 11, 23, 15, 103)),
    (7, 4, (1, 3, 7, 13, 13, 15, 69)),
)
BITS = 30
MOST_DIMENSIONS = len(_DIRECTIONS) + 1


def sobol_points(n: int, d: int, seed: int | None = None) -> Array:
    """The first points of Sobol's sequence, shape (n, d), in [0, 1).

    Parameters
    ----------
    n, d : int
        How many, and in how many dimensions, at most 21.
    seed : int, optional
        Shifts all points by one random point, digit by digit; without it the first point is 0.

    Examples
    --------
    >>> sobol_points(4, 2).tolist()
    [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    """
    if d > MOST_DIMENSIONS:
        raise NotKnown(
            Finding(
                "index.sobol",
                "design",
                str(d),
                f"at most {MOST_DIMENSIONS}",
                Text(
                    f"索博尔点至多 {MOST_DIMENSIONS} 维，现为 {d} 维", f"at most {MOST_DIMENSIONS} dimensions, here {d}"
                ),
            )
        )
    v = np.zeros((d, BITS), dtype=np.int64)
    v[0] = 1 << np.arange(BITS - 1, -1, -1)
    for at in range(1, d):
        degree, poly, first = _DIRECTIONS[at - 1]
        m = list(first)
        for i in range(degree, BITS):
            new = m[i - degree] ^ (m[i - degree] << degree)
            for k in range(1, degree):
                new ^= ((poly >> (degree - 1 - k)) & 1) * (m[i - k] << k)
            m.append(new)
        v[at] = [m[i] << (BITS - 1 - i) for i in range(BITS)]
    x = np.zeros((n, d), dtype=np.int64)
    for i in range(1, n):
        lowest_zero = (~(i - 1) & i).bit_length() - 1
        x[i] = x[i - 1] ^ v[:, lowest_zero]
    if seed is not None:
        x ^= np.random.default_rng(seed).integers(0, 1 << BITS, size=d)
    return np.asarray(x / float(1 << BITS))


def saltelli_design(n: int, d: int, seed: int | None = None) -> Array:
    """Points for shares of variance, shape ((d + 2) n, d): A, B, then A with each column from B in turn."""
    both = sobol_points(n, 2 * d, seed)
    a, b = both[:, :d], both[:, d:]
    mixed = [np.where(np.arange(d) == i, b, a) for i in range(d)]
    return np.concatenate([a, b, *mixed])


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Shares of a result's variance by factor.

    Parameters
    ----------
    factors : tuple of str
    first, total : array, shape (factors,)
        The share that a factor has alone, and with all its interactions.
    first_interval, total_interval : array, shape (factors, 2)
        5 and 95 % of the bootstrap.
    variance : float
        Of the result.
    failed : int
        Base points left out because a replication failed there.
    """

    factors: tuple[str, ...]
    first: Array
    total: Array
    first_interval: Array
    total_interval: Array
    variance: float
    failed: int = 0


def estimate_shares(y: Array, factors: Sequence[str], boots: int = 200, seed: int = 1) -> Shares:
    """Estimate shares from results on a `saltelli_design`.

    Parameters
    ----------
    y : array, shape ((d + 2) n,)
        Results in the design's order; a base point with a missing result is left out.

    Notes
    -----
    First order after Saltelli and others 2010 (table 2, b), total after Jansen 1999, on results less their mean.

    Examples
    --------
    >>> design = saltelli_design(512, 2)
    >>> estimate_shares(2 * design[:, 0] + design[:, 1], ("x", "y")).first.round(2).tolist()
    [0.8, 0.2]
    """
    d = len(factors)
    blocks = np.asarray(y, dtype=np.float64).reshape(d + 2, -1)
    whole = ~np.isnan(blocks).any(axis=0)
    used = blocks[:, whole]
    first, total, variance = _shares(used)
    rng = np.random.default_rng(seed)
    drawn = [_shares(used[:, rng.integers(0, used.shape[1], used.shape[1])]) for _ in range(boots)]
    spans = [np.quantile(np.array([draw[i] for draw in drawn]), (0.05, 0.95), axis=0).T for i in (0, 1)]
    return Shares(tuple(factors), first, total, spans[0], spans[1], variance, int((~whole).sum()))


def _shares(blocks: Array) -> tuple[Array, Array, float]:
    a, b, mixed = blocks[0], blocks[1], blocks[2:]
    both = np.concatenate([a, b])
    variance = float(both.var())
    if variance == 0:
        return np.zeros(len(mixed)), np.zeros(len(mixed)), 0.0
    centred = b - blocks.mean()
    first = (centred * (mixed - a)).mean(axis=1) / variance
    total = 0.5 * ((a - mixed) ** 2).mean(axis=1) / variance
    return np.asarray(first), np.asarray(total), variance
