"""What the chief of relief asks: who of those entitled is registered, who never came, and how long a decision takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from yucun.base.identity import RegionCode
from yucun.base.quantity import Rounding, divide
from yucun.kernel.access import SmallestCell
from yucun.kernel.access.cells import hide
from yucun.services.relief.pages.residents import Residents
from yucun.services.relief.pages.scenario import read_setting

# Standing classes of hardship: who meets one of them by what offices hold is counted as entitled.
STANDING = ("dibao", "edge", "tekun", "expenditure")


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Households of a place that are entitled by what offices hold, and those of them that stand in a register.

    Parameters
    ----------
    hidden : frozenset of str
        Which figures are not shown: ``entitled``, ``registered``, ``gap``.
    """

    code: str
    entitled: int
    registered: int
    hidden: frozenset[str] = frozenset()

    @property
    def gap(self) -> int:
        """Entitled and in no register."""
        return self.entitled - self.registered

    @property
    def coverage_bp(self) -> int | None:
        """Registered of entitled, in bp; None where nobody is entitled."""
        return divide(self.registered * 10_000, self.entitled, Rounding.HALF_UP) if self.entitled else None

    def hides(self, *figures: str) -> bool:
        """Whether one of the figures is not shown."""
        return any(figure in self.hidden for figure in figures)


def tell_take_up(residents: Residents, met: Mapping[str, Any]) -> tuple[TakeUp, ...]:
    """The whole place first, then its counties; small counts are hidden, and those that would give them away."""
    entitled = np.zeros(residents.households, bool)
    for name in STANDING:
        if name in met:
            entitled |= met[name]
    registered = entitled & (residents.groups["class"].codes > 0)
    words = residents.villages.dictionary.to_pylist()
    counties = sorted({word[:6] for word in words})
    of_village = np.array([counties.index(word[:6]) for word in words])
    codes = of_village[residents.villages.indices.to_numpy(zero_copy_only=False)]
    sums = [np.bincount(codes[mask], minlength=len(counties)).tolist() for mask in (entitled, registered)]
    city = RegionCode.parse(counties[0]).by_digits
    assert city is not None, "a county lies in a city"
    rows = {city: (sum(sums[0]), sum(sums[1]))}
    rows |= {RegionCode.parse(code): (sums[0][n], sums[1][n]) for n, code in enumerate(counties)}
    parents = {code: None if code == city else city for code in rows}
    rule = SmallestCell(read_setting().smallest_cell, "households")
    hidden = {
        "entitled": hide({code: row[0] for code, row in rows.items()}, parents, rule),
        "registered": hide({code: row[1] for code, row in rows.items()}, parents, rule),
        "gap": hide({code: row[0] - row[1] for code, row in rows.items()}, parents, rule),
    }
    return tuple(_row(code, row, hidden) for code, row in rows.items())


def _row(code: RegionCode, row: tuple[int, int], hidden: Mapping[str, frozenset[RegionCode]]) -> TakeUp:
    names = {name for name, codes in hidden.items() if code in codes}
    # Two of the three give the third.
    if len(names) == 1:
        names |= {"registered"} if names != {"registered"} else {"gap"}
    return TakeUp(str(code), *row, frozenset(names))


@dataclass(frozen=True, slots=True)
class Waits:
    """How long decisions took, in days: half within the median, nine in ten within the other."""

    decided: int
    days_median: int | None
    days_p90: int | None
    late: int


def tell_waits(decided: Iterable[tuple[datetime, datetime, bool]]) -> Waits:
    """Days from application to decision.

    Parameters
    ----------
    decided : iterable of (opened, closed, is_late)

    Examples
    --------
    >>> from datetime import timedelta
    >>> start = datetime(2022, 4, 1)
    >>> tell_waits([(start, start + timedelta(days=n), n > 9) for n in range(1, 11)])
    Waits(decided=10, days_median=5, days_p90=9, late=1)
    """
    rows = list(decided)
    days = sorted((closed - opened).days for opened, closed, _ in rows)
    return Waits(len(rows), _at_share(days, 1, 2), _at_share(days, 9, 10), sum(late for _, _, late in rows))


def _at_share(days: Sequence[int], part: int, whole: int) -> int | None:
    """The smallest number of days within which so many parts of the whole were done."""
    if not days:
        return None
    return days[divide(len(days) * part, whole, Rounding.UP) - 1]
