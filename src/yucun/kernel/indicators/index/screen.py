"""Leaving out units with too few figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Figures, StepLog, Stepped, fail


@dataclass(frozen=True, slots=True)
class Screen:
    """Which units stay.

    Parameters
    ----------
    least_available : float
        Smallest share of indicators that a unit must have, 0 to 1.
    most_zero : float
        Largest share of its figures that may be zero, 0 to 1.
    keep, drop : tuple of str
        Units that stay or go whatever they have.
    """

    least_available: float = 0.0
    most_zero: float = 1.0
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


def screen(figures: Figures, settings: Screen = Screen()) -> Stepped:
    """Leave out units; the log names each with its shares.

    Examples
    --------
    >>> raw = Figures(("A", "B"), ("x", "y"), np.array([[1.0, 2.0], [3.0, np.nan]]))
    >>> screen(raw, Screen(least_available=0.9))[0].units
    ('A',)
    """
    there = ~np.isnan(figures.values)
    available = there.mean(axis=1)
    zero = (figures.values == 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    units = np.array(figures.units, dtype=object)
    good = (available >= settings.least_available - 1e-12) & (zero <= settings.most_zero + 1e-12)
    good = (good | np.isin(units, settings.keep)) & ~np.isin(units, settings.drop)
    if not good.any():
        raise fail(
            "screen",
            "all",
            "no unit",
            "at least one",
            Text("筛选后没有剩下任何单位；请放宽条件", "no unit is left after screening; ask for less"),
        )
    entries = tuple(
        {"unit": figures.tell_row(int(i)), "available": float(available[i]), "zero": float(zero[i])}
        for i in np.flatnonzero(~good)
    )
    return figures.keep(good), StepLog("screen", asdict(settings), entries)
