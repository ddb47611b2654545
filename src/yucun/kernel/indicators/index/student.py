"""Student's t without a statistics library: tail by the incomplete beta function, quantile by halving."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist


def t_tail(t: float, free: float) -> float:
    """The chance that \\|T\\| is at least \\|t\\| (two-sided).

    Examples
    --------
    >>> round(t_tail(2.228139, 10), 6)
    0.05
    """
    if math.isinf(free):
        return 2 * (1 - NormalDist().cdf(abs(t)))
    return incomplete_beta(free / 2, 0.5, free / (free + t * t))


@lru_cache(maxsize=4096)
def t_quantile(share: float, free: float) -> float:
    """The value that T stays below with this chance.

    Examples
    --------
    >>> round(t_quantile(0.975, 9), 4)
    2.2622
    """
    if share < 0.5:
        return -t_quantile(1 - share, free)
    if math.isinf(free):
        return NormalDist().inv_cdf(share)
    if free >= 5:
        # Newton's steps from Cornish and Fisher's first correction; the tail is nearly straight there.
        z = NormalDist().inv_cdf(share)
        t = z + (z**3 + z) / (4 * free)
        scale = math.lgamma((free + 1) / 2) - math.lgamma(free / 2) - math.log(free * math.pi) / 2
        for _ in range(6):
            density = math.exp(scale - (free + 1) / 2 * math.log1p(t * t / free))
            t += (t_tail(t, free) / 2 - (1 - share)) / density
        return t
    low, high = 0.0, 2.0
    while 1 - t_tail(high, free) / 2 < share:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - t_tail(middle, free) / 2 < share else (low, middle)
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by Lentz's continued fraction.

    Examples
    --------
    >>> round(incomplete_beta(2.0, 3.0, 0.4), 6)
    0.5248
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1), tiny)
    out = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            d = 1 / _off_zero(1 + part * d, tiny)
            c = _off_zero(1 + part / c, tiny)
            out *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * out


def _off_zero(x: float, tiny: float) -> float:
    return x if abs(x) > tiny else tiny
