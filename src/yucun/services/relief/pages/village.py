"""What a village and a desk have before them in the morning: which work waits and how it presses, what nobody has taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from yucun.base.text import Text
from yucun.kernel.cases import Case, Clock
from yucun.kernel.ledger import Reserved
from yucun.services.relief.models import PROGRAMME

# Kinds of work in the order in which a household meets them: (kind of case, state, why), and their names.
WORK: Mapping[tuple[str, str, str], Text] = {
    ("relief.application", "submitted", ""): Text("待受理", "to accept"),
    ("relief.application", "returned", ""): Text("等补正", "waiting for papers"),
    ("relief.application", "accepted", ""): Text("待发起核对", "to be checked"),
    ("relief.application", "verifying", ""): Text("核对中", "being checked"),
    ("relief.application", "investigating", ""): Text("待入户调查", "to be visited"),
    ("relief.application", "publicised", ""): Text("公示中", "in publicity"),
    ("relief.application", "objected", ""): Text("公示有异议", "objected to in publicity"),
    ("relief.application", "county_review", ""): Text("待县级审核", "for the county's review"),
    ("relief.review", "open", "recheck"): Text("半年复核到期", "half-yearly re-checks due"),
    ("relief.review", "open", ""): Text("情况变化待复核", "changes to be reviewed"),
    ("relief.objection", "open", ""): Text("异议待答复", "objections to answer"),
}


@dataclass(frozen=True, slots=True)
class Pressing:
    """One case that waits, with the end of its next clock."""

    case: Case
    work: Text
    due: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class WorkCount:
    """How much of one kind of work waits, and how much of it is late."""

    work: Text
    kind: str
    state: str
    waiting: int
    late: int


@dataclass(frozen=True, slots=True)
class NotTaken:
    """An amount that fell due and that nobody has taken: by programme and month, oldest first."""

    programme: Text
    month: str
    lines: int
    amount_fen: int
    months_old: int


@dataclass(frozen=True, slots=True)
class VillageSum:
    """What one village has before it."""

    village: str
    waiting: int
    late: int
    lines: int
    amount_fen: int


def name_work(case: Case) -> Text | None:
    """What is to be done with a case; None where nothing waits for anybody."""
    why = "recheck" if case.fields.get("why") == "recheck" else ""
    return WORK.get((case.kind, case.state, why))


def list_pressing(waiting: Iterable[tuple[Case, Clock | None]]) -> list[Pressing]:
    """Cases that wait, the latest first, then by the end of their next clock."""
    found = []
    for case, clock in waiting:
        work = name_work(case)
        if work is not None:
            due = clock.due if clock is not None else None
            found.append(Pressing(case, work, due, clock is not None and clock.state == "late"))
    return sorted(found, key=lambda one: (not one.is_late, one.due.isoformat() if one.due else "9999", one.case.no))


def count_work(pressing: Sequence[Pressing]) -> list[WorkCount]:
    """How much of each kind of work waits, in the order in which a household meets it; what nobody waits for is left out."""
    found = []
    for (kind, state, _), work in WORK.items():
        mine = [one for one in pressing if one.work == work]
        if mine:
            found.append(WorkCount(work, kind, state, len(mine), sum(one.is_late for one in mine)))
    return found


def list_not_taken(due: Iterable[Reserved], village: str, today: date) -> list[NotTaken]:
    """What a village's households have not taken, oldest month first.

    Examples
    --------
    >>> one = Reserved("award:A-1:dibao:2022-04", "relief:fund:330502001005", "relief:household:H-1", 93000, "relief.dibao",
    ...     "art. 12", "2022-04")
    >>> found = list_not_taken([one, one], "330502001005", date(2022, 6, 1))
    >>> (found[0].month, found[0].lines, found[0].amount_fen, found[0].months_old)
    ('2022-04', 2, 186000, 2)
    """
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for one in due:
        if one.source.rpartition(":")[2] != village:
            continue
        key = (one.period, one.reason.partition(".")[2])
        lines, amount = sums.get(key, (0, 0))
        sums[key] = (lines + 1, amount + one.amount)
    return [
        NotTaken(PROGRAMME[name].title, month, lines, amount, _months_between(month, today))
        for (month, name), (lines, amount) in sorted(sums.items())
    ]


def _months_between(month: str, today: date) -> int:
    return today.year * 12 + today.month - int(month[:4]) * 12 - int(month[5:7])


def sum_villages(pressing: Sequence[Pressing], due: Iterable[Reserved]) -> list[VillageSum]:
    """What each village has before it, the most pressing first."""
    waiting: dict[str, list[bool]] = {}
    for one in pressing:
        waiting.setdefault(one.case.region, []).append(one.is_late)
    money: dict[str, tuple[int, int]] = {}
    for line in due:
        village = line.source.rpartition(":")[2]
        lines, amount = money.get(village, (0, 0))
        money[village] = (lines + 1, amount + line.amount)
    rows = [
        VillageSum(village, len(waiting.get(village, [])), sum(waiting.get(village, [])), *money.get(village, (0, 0)))
        for village in {*waiting, *money}
        if village
    ]
    return sorted(rows, key=lambda row: (-row.late, -row.waiting, -row.amount_fen, row.village))
