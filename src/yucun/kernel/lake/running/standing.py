"""How suppliers stand over a period: days late, share refused, what waits for correction; each number with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.read import list_landings
from yucun.kernel.lake.running import store
from yucun.kernel.lake.running.desk import Desk
from yucun.kernel.lake.running.model import Notice, Supplier, Supply

_MOST_LANDINGS = 100_000


@dataclass(frozen=True, slots=True)
class LateFeed:
    """One lateness: of which feed and period, since when, how many days of it fall into the asked period."""

    notice: Notice
    days: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How one supplier stood from a day to a day, both inside.

    Parameters
    ----------
    rank : int
        1 for whoever was late the most days; then by the share refused, then by what waits. Equals share a rank.
    landings : tuple of Landing
        Files that arrived in the period, by whatever way; those that only send refused records again are left out.
    late : tuple of LateFeed
        What the days late are made of.
    open : tuple of (Landing, int)
        Landings with records that wait for correction, and how many.
    corrected, corrected_days : int
        Records corrected in the period, and the days that took, added up.
    """

    rank: int
    supplier: Supplier
    supplies: tuple[Supply, ...]
    landings: tuple[Landing, ...]
    late: tuple[LateFeed, ...]
    open: tuple[tuple[Landing, int], ...]
    corrected: int
    corrected_days: int

    @property
    def records(self) -> int:
        """Records that arrived."""
        return sum(landing.records for landing in self.landings)

    @property
    def refused(self) -> int:
        """Records that were refused."""
        return sum(landing.refused for landing in self.landings)

    @property
    def refused_share(self) -> Fraction | None:
        """Refused of arrived; None when nothing arrived."""
        return Fraction(self.refused, self.records) if self.records else None

    @property
    def days_late(self) -> int:
        """Days late of all its feeds, added up."""
        return sum(one.days for one in self.late)

    @property
    def waiting(self) -> int:
        """Records that wait for correction now."""
        return sum(count for _, count in self.open)

    @property
    def mean_days(self) -> Fraction | None:
        """Days from the arrival of a refused record to its correction, on average; None when none was corrected."""
        return Fraction(self.corrected_days, self.corrected) if self.corrected else None


def rank_suppliers(desk: Desk, since: date, until: date) -> list[Standing]:
    """Rank suppliers by lateness and refusals between two days, both inside; the latest first.

    Days late are counted from the day after the due day to the day of arrival, or to ``until`` while nothing has come.
    Files of accounts that are nobody's supplier (the place's own figures) do not count.
    """
    with desk.lake.books.read() as tx:
        came_by = store.runs_by_landing(tx)
        resent = store.resent_landings(tx)
        days = store.corrected_days(tx)
    landings = [one for one in list_landings(desk.lake, limit=_MOST_LANDINGS) if desk.is_suppliers(one)]
    owner = {one.key: supply.supplier.id for one in landings if (supply := desk.supply_of(one, came_by)) is not None}
    arrived = [one for one in landings if one.key not in resent and since <= _day(one.at) <= until]
    waiting = [(one, count) for one, count in desk.list_open()]
    corrected = _corrected(days, {one.key: one for one in landings}, since, until)
    notices = [n for n in desk.notices(limit=_MOST_LANDINGS) if n.kind == "late"]
    suppliers = {s.supplier.id: s.supplier for s in desk.supplies.values()}
    found = []
    for name, supplier in suppliers.items():
        supplies = tuple(s for _, s in sorted(desk.supplies.items()) if s.supplier.id == name)
        ids = {s.id for s in supplies}
        counts = [corrected[key] for key in corrected if owner.get(_root(key, resent)) == name]
        found.append(
            Standing(
                0,
                supplier,
                supplies,
                tuple(one for one in arrived if owner.get(one.key) == name),
                tuple(late for n in notices if n.supply in ids and (late := _late(n, since, until)).days),
                tuple((one, count) for one, count in waiting if owner.get(_root(one.key, resent)) == name),
                sum(count for count, _ in counts),
                sum(total for _, total in counts),
            )
        )
    return _ranked(found)


def _ranked(found: Sequence[Standing]) -> list[Standing]:
    def weight(one: Standing) -> tuple[int, Fraction, int]:
        return (-one.days_late, -(one.refused_share or Fraction(0)), -one.waiting)

    ordered = sorted(found, key=lambda one: (weight(one), one.supplier.id))
    ranked: list[Standing] = []
    for position, one in enumerate(ordered, 1):
        same = bool(ranked) and weight(ranked[-1]) == weight(one)
        rank = ranked[-1].rank if same else position
        ranked.append(replace(one, rank=rank))
    return ranked


def _late(notice: Notice, since: date, until: date) -> LateFeed:
    """The days of a lateness that fall between two days."""
    assert notice.due is not None
    last = min(until, notice.closed_on or until)
    before = max(notice.due, _before(since))
    return LateFeed(notice, max(0, (last - before).days))


def _before(day: date) -> date:
    return date.fromordinal(max(1, day.toordinal() - 1))


def _corrected(
    days: Sequence[tuple[str, str, int]], landings: Mapping[str, Landing], since: date, until: date
) -> dict[str, tuple[int, int]]:
    """By landing: how many of its records were corrected in the period, and the days that they took together."""
    found: dict[str, tuple[int, int]] = {}
    for key, at, count in days:
        landing, day = landings.get(key), _day(at)
        if landing is not None and since <= day <= until:
            held, total = found.get(key, (0, 0))
            found[key] = (held + count, total + count * (day - _day(landing.at)).days)
    return found


def _root(key: str, resent: Mapping[str, str]) -> str:
    """The landing with which a chain of corrections began."""
    seen = set()
    while key in resent and key not in seen:
        seen.add(key)
        key = resent[key]
    return key


def _day(at: str) -> date:
    return date.fromisoformat(at[:10])
