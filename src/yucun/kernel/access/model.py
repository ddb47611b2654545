"""The nouns of access: level, verb, role, purpose, grant, account, reader, and the answer to "may I?"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, Protocol, TypeAlias, get_args

from yucun.base.errors import AccessError, Finding
from yucun.base.identity import PersonId, RegionCode
from yucun.base.text import Text

# Levels of sensitivity, DB33/T 2351-2021: L1 open, L2 low, L3 higher, L4 never opened. They sort as text.
Sensitivity = Literal["L1", "L2", "L3", "L4"]
Verb = Literal["read", "load", "correct", "approve", "audit", "administer"]
OPEN: Sensitivity = "L1"
SENSITIVITIES: tuple[Sensitivity, ...] = get_args(Sensitivity)
VERBS: tuple[Verb, ...] = get_args(Verb)
VERB_TITLES: dict[Verb, Text] = {
    "read": Text("查看", "read"),
    "load": Text("导入", "load"),
    "correct": Text("更正", "correct"),
    "approve": Text("批准", "approve"),
    "audit": Text("审计", "audit"),
    "administer": Text("管理账号", "administer accounts"),
}
# Whether a region lies in one of others on the city's day; the registry answers, `city.py` passes it in.
Within: TypeAlias = Callable[[RegionCode, Collection[RegionCode]], bool]


class Column(Protocol):
    """What access needs to know of a field: a contract's field is one."""

    @property
    def name(self) -> str:
        """Its name in the table."""

    @property
    def level(self) -> Sensitivity:
        """Its level of sensitivity."""


class Sheet(Protocol):
    """What access needs to know of a table: a contract is one."""

    @property
    def name(self) -> str:
        """``service.table``."""

    @property
    def fields(self) -> Sequence[Column]:
        """All its fields; what is not among them is not shown."""

    @property
    def region_field(self) -> str:
        """The field that says where a row belongs; empty when the table has no place."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why personal data may be read, and which: declared by a service, held through a role or a grant.

    Parameters
    ----------
    name : str
        ``service.purpose``.
    basis : Text
        The law or document that it rests on.
    reads : tuple of str
        ``service.table``, ``service.table.field``, ``service.*`` or ``*``; the least that the work needs.
    """

    name: str
    title: Text
    basis: Text
    reads: tuple[str, ...]

    def covers(self, table: str, field: str) -> bool:
        """Whether the field of that table is among what the purpose reads."""
        return covers(self.reads, table) or covers(self.reads, f"{table}.{field}")


@dataclass(frozen=True, slots=True)
class Role:
    """What a post may do: verbs, the highest level that it reads, and the purposes that come with it."""

    name: str
    title: Text
    level: Sensitivity
    verbs: frozenset[Verb]
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role given to an account within regions, for tables, under purposes, until a day.

    Grants are judged one by one: an analyst of one county who is clerk in another is not clerk in the first.
    """

    number: int
    role: Role
    regions: tuple[RegionCode, ...]
    purposes: tuple[Purpose, ...] = ()
    tables: tuple[str, ...] = ("*",)
    until: date | None = None

    def find_purpose(self, name: str) -> Purpose | None:
        """Return the purpose of that name if this grant carries it."""
        return next((p for p in self.purposes if p.name == name), None)


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who may sign in; `title` is the post, never a person's name, since the journal keeps it.

    Parameters
    ----------
    name : str
        What is typed to sign in.
    person : PersonId or None
        Who it is in the registry, so that people can see who looked at their data.
    provider : str
        ``local``, or the name of the identity provider that vouches for it.
    """

    name: str
    title: Text
    is_active: bool
    person: PersonId | None = None
    provider: str = "local"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: an account with its grants in force today, or nobody in particular."""

    account: str
    title: Text
    grants: tuple[Grant, ...] = ()
    person: PersonId | None = None

    @property
    def is_signed_in(self) -> bool:
        """False for the open reader."""
        return bool(self.account)

    @property
    def roles(self) -> frozenset[str]:
        """Names of all roles held."""
        return frozenset(g.role.name for g in self.grants)

    @property
    def regions(self) -> tuple[RegionCode, ...]:
        """All regions of all grants; which role holds where is for `may_read` and `may_do` to say."""
        return tuple(sorted({r for g in self.grants for r in g.regions}))

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """All purposes held, by name; what a page offers to choose from."""
        return tuple(sorted({p for g in self.grants for p in g.purposes}, key=lambda p: p.name))

    @property
    def level(self) -> Sensitivity:
        """The highest level that any grant reads."""
        return max((g.role.level for g in self.grants), default=OPEN)


OPEN_READER = Reader("", Text("公众", "the public"))


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes, by this rule, within these regions; None means everywhere, and only what is open is so."""

    rule: str
    regions: tuple[RegionCode, ...] | None
    is_allowed: ClassVar[Literal[True]] = True


@dataclass(frozen=True, slots=True)
class Refused:
    """No, by this rule; the reason says what would be needed."""

    rule: str
    reason: Text
    is_allowed: ClassVar[Literal[False]] = False


Decision: TypeAlias = Allowed | Refused


def require(decision: Decision, where: str) -> Allowed:
    """Return an allowed decision; raise `AccessError` with the reason of a refused one."""
    if isinstance(decision, Refused):
        raise AccessError(Finding(decision.rule, where, "refused", "a role and purpose that allow it", decision.reason))
    return decision


def covers(patterns: Sequence[str], name: str) -> bool:
    """Whether a dotted name is one of the patterns: itself, ``prefix.*``, or ``*``.

    Examples
    --------
    >>> covers(("relief.*",), "relief.household"), covers(("relief.*",), "reliefs.household")
    (True, False)
    """
    return any(p in ("*", name) or (p.endswith(".*") and name.startswith(p[:-1])) for p in patterns)
