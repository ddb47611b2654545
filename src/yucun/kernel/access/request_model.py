"""The nouns of data requests: what is asked for, why, until when, what was decided, and what that opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.access.model import Grant, Purpose, Role, Sensitivity

RequestState = Literal["draft", "asked", "granted", "in_force", "refused", "withdrawn", "revoked", "over"]
STATE_TITLES: Final[dict[RequestState, Text]] = {
    "draft": Text("草稿", "draft"),
    "asked": Text("待决定", "asked, to be decided"),
    "granted": Text("已同意，尚未起用", "granted, not yet begun"),
    "in_force": Text("使用中", "in force"),
    "refused": Text("不同意", "refused"),
    "withdrawn": Text("已撤回", "withdrawn"),
    "revoked": Text("已收回", "taken back"),
    "over": Text("已到期", "term over"),
}
# Before the number of a request, the purpose under which its holder reads.
PURPOSE: Final = "request"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to read, and why.

    Parameters
    ----------
    table : str
        ``service.table``.
    fields : tuple of str
        The fields of it, no more than the work needs.
    regions : tuple of RegionCode
        The regions whose rows are meant.
    where : mapping of str to str
        Further conditions on rows: open fields and the value that each must have.
    purpose, basis : str
        What the data are for, and the law or task that it rests on, in the asker's own words.
    since, until : date
        First and last day of the term.
    """

    table: str
    fields: tuple[str, ...]
    regions: tuple[RegionCode, ...]
    purpose: str
    basis: str
    since: date
    until: date
    where: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A request and what became of it.

    Parameters
    ----------
    number : int
        Its journal seq; how people refer to it.
    by : str
        The account that asks.
    wish : Wish
        As asked; after a grant as granted, which is never more.
    level : str
        The level of its fields together.
    decided_by, reasons : str
        Who decided and why; empty until then.
    ended_by, why_ended : str
        Who ended it before its term, and why.
    state : str
        On the city's day.
    """

    number: int
    by: str
    wish: Wish
    level: Sensitivity
    state: RequestState
    asked_on: date | None = None
    decided_by: str = ""
    reasons: str = ""
    decided_on: date | None = None
    ended_by: str = ""
    why_ended: str = ""

    @property
    def purpose_name(self) -> str:
        """The purpose under which its holder reads, and which the trail notes."""
        return f"{PURPOSE}.{self.number}"

    @property
    def purpose(self) -> Purpose:
        """What may be read under it: exactly its fields."""
        said, basis = Text.same(self.wish.purpose), Text.same(self.wish.basis)
        return Purpose(self.purpose_name, said, basis, tuple(f"{self.wish.table}.{f}" for f in self.wish.fields))

    @property
    def grant(self) -> Grant:
        """What it opens while it is in force."""
        title = Text(f"数据申请第 {self.number} 号", f"data request {self.number}")
        role = Role(self.purpose_name, title, self.level, frozenset({"read"}))
        return Grant(self.number, role, self.wish.regions, (self.purpose,), (self.wish.table,), self.wish.until)


def state_on(kept: str, since: date, until: date, today: date) -> RequestState:
    """The state that a request is in on a day: a grant begins and ends by itself.

    Examples
    --------
    >>> state_on("granted", date(2022, 5, 1), date(2022, 5, 30), date(2022, 5, 31))
    'over'
    """
    if kept == "granted":
        return "granted" if today < since else "in_force" if today <= until else "over"
    return next(s for s in STATE_TITLES if s == kept)
