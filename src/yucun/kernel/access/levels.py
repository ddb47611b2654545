"""Levels as types: what a table, a join, an export or a question is worth protecting follows from its fields.

The level of what stands together is the highest of its parts, and one more (at most L4) where it says who somebody is
and, of the same people, where they are or how they fare: apart the two tell little, together they tell about a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from yucun.base.text import Text
from yucun.kernel.access.model import OPEN, SENSITIVITIES, Column, Sensitivity, Sheet

# What a field tells about a natural person; empty for what is about no person.
About = Literal["", "person", "identity", "place", "health", "money"]
ABOUTS: Final[tuple[About, ...]] = get_args(About)
ABOUT_TITLES: Final[dict[About, Text]] = {
    "": Text("与个人无关", "about no person"),
    "person": Text("个人编号", "the number of a person"),
    "identity": Text("个人身份", "who a person is"),
    "place": Text("住址或行踪", "where a person lives or is"),
    "health": Text("健康", "a person's health"),
    "money": Text("收入与财产", "what a person earns or owns"),
}
_WHO: Final[frozenset[About]] = frozenset(("person", "identity"))
_WITH_WHO: Final[frozenset[About]] = frozenset(("place", "health"))


@dataclass(frozen=True, slots=True)
class Mixture:
    """What stands together: the highest level of its parts, and what they tell about people.

    Mixtures join with ``|`` in any order and any grouping; the level never falls.

    Examples
    --------
    >>> name, illness = Mixture("L3", frozenset({"identity"})), Mixture("L3", frozenset({"health"}))
    >>> name.level, (name | illness).level, (name | illness | Mixture("L4")).level
    ('L3', 'L4', 'L4')
    """

    highest: Sensitivity = OPEN
    abouts: frozenset[About] = frozenset()

    def __or__(self, other: Mixture) -> Mixture:
        return Mixture(max(self.highest, other.highest), self.abouts | other.abouts)

    @property
    def is_about_someone(self) -> bool:
        """Whether it says who somebody is together with where they are or how they fare."""
        return bool(self.abouts & _WHO) and bool(self.abouts & _WITH_WHO)

    @property
    def level(self) -> Sensitivity:
        """The level of the whole."""
        if not self.is_about_someone:
            return self.highest
        return SENSITIVITIES[min(SENSITIVITIES.index(self.highest) + 1, len(SENSITIVITIES) - 1)]

    @property
    def reason(self) -> Text:
        """Why the whole is at its level."""
        if not self.is_about_someone:
            return Text(f"其中最高为 {self.highest} 级", f"the highest of its parts is {self.highest}")
        told = [ABOUT_TITLES[a] for a in ABOUTS if a in self.abouts & (_WHO | _WITH_WHO)]
        return Text(
            f"其中最高为 {self.highest} 级，且{'、'.join(t.zh for t in told)}同列，升一级为 {self.level}",
            f"the highest of its parts is {self.highest}, and {' and '.join(t.en for t in told)} stand together, "
            f"which makes it {self.level}",
        )


def about_of(field: Column) -> About:
    """What a field tells about people; most tell nothing."""
    said = getattr(field, "about", "")
    return said if said in ABOUTS else ""


def mix(fields: Iterable[Column]) -> Mixture:
    """What some fields are together: those of a table, of a join, of an export, or all that a question reads.

    A question reads the fields that it shows and also those by which it filters, sorts or groups.
    """
    found = Mixture()
    for field in fields:
        about = about_of(field)
        found |= Mixture(field.level, frozenset((about,)) if about else frozenset())
    return found


def join_levels(fields: Iterable[Column]) -> Sensitivity:
    """The level of fields that stand together; see `mix`."""
    return mix(fields).level


def is_about_people(contract: Sheet) -> bool:
    """Whether each row of a table is about some person, so that even how many rows there are is not for everyone."""
    return any(about_of(f) in _WHO or (f.level > OPEN and getattr(f, "mask", "") != "") for f in contract.fields)


def whom_to_ask(contract: Sheet) -> Text:
    """The office that owns a table and decides about requests for it."""
    owner = getattr(contract, "owner", None)
    return owner if isinstance(owner, Text) and owner.zh else Text("数据责任单位", "the office that owns the data")


def how_to_ask(contract: Sheet) -> Text:
    """What ends a refusal: whom to ask, and where."""
    owner = whom_to_ask(contract)
    return Text(
        f"；如确需，请在「数据申请」页向{owner.zh}申请", f"; if you need it, ask {owner.en} under Data requests"
    )
