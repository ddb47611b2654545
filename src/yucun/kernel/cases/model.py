"""The nouns of work: kinds of case with states, moves and clocks; cases, wishes to move them, and what became of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.cases.clocks import TimeLimit

# A move may do one of these to a clock; `start` also starts one anew that has stopped.
ClockAct = Literal["start", "meet", "stop", "pause", "resume", "extend"]
CLOCK_ACTS: tuple[ClockAct, ...] = ("start", "meet", "stop", "pause", "resume", "extend")
ClockState = Literal["running", "paused", "met", "late", "stopped"]
Need = Literal["required", "optional", "none"]
FieldKind = Literal["text", "integer", "boolean", "code", "private"]
# The role of a rule that moves a case by itself; no person has it.
RULE = "rule"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: an account with its roles, or a rule (``rule:hotline``)."""

    account: str
    roles: frozenset[str] = frozenset()

    @classmethod
    def rule(cls, service: str) -> Actor:
        """The rule of a service."""
        return cls(f"rule:{service}", frozenset({RULE}))

    @property
    def is_person(self) -> bool:
        """False for a rule."""
        return not self.account.startswith("rule:")


@dataclass(frozen=True, slots=True)
class State:
    """Where a case stands; a final one ends it."""

    name: str
    title: Text
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A step from one state to another.

    Parameters
    ----------
    origins : tuple of str
        States that it may start from.
    to : str
        State that it leads to; empty stays where the case is.
    by : frozenset of str
        Roles that may make it; ``rule`` lets a rule.
    needs : tuple of str
        Fields that stand after it, e.g. ``unit``.
    reason, evidence : str
        Whether they must be given.
    clocks : mapping of str to ClockAct
        What it does to clocks.
    outcomes : mapping of str to Text
        One of them must be said, where there are any.
    refuses : bool
        True when it takes something from a person: then only a person may make it, and writes the reasons.
    ends_other : bool
        True when it names another case that this one goes into (duplicates).
    key : str
        The key that makes it on a duty screen.
    """

    name: str
    title: Text
    origins: tuple[str, ...]
    to: str
    by: frozenset[str]
    needs: tuple[str, ...] = ()
    reason: Need = "optional"
    evidence: Need = "optional"
    clocks: Mapping[str, ClockAct] = field(default_factory=dict)
    outcomes: Mapping[str, Text] = field(default_factory=dict)
    refuses: bool = False
    ends_other: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A clock that a kind of case may have; how long it runs is said when it starts."""

    name: str
    title: Text
    may_extend: bool = False


@dataclass(frozen=True, slots=True)
class CaseField:
    """A field of a kind of case; a private one holds the hash of what lies apart."""

    name: str
    title: Text
    kind: FieldKind
    codes: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseKind:
    """What a service's ``cases.toml`` says of one kind of work; `name` is ``service.kind``."""

    name: str
    title: Text
    first: str
    states: Mapping[str, State]
    moves: Mapping[str, Move]
    clocks: Mapping[str, ClockRule]
    fields: Mapping[str, CaseField]
    declared_at: str = ""

    def list_moves(self, state: str) -> list[Move]:
        """The moves that may start from a state, as declared."""
        return [move for move in self.moves.values() if state in move.origins]


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock of a case as it stands.

    ``due`` is None while it is paused; then ``left`` says what remains. ``limit`` is what it was started with.
    """

    name: str
    state: ClockState
    started: datetime
    limit: TimeLimit
    due: datetime | None
    is_provisional: bool = False
    left: TimeLimit | None = None
    extensions: int = 0
    warn: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands.

    Parameters
    ----------
    no : int
        Its number in the books.
    id : str
        Made of the event that opened it; unique.
    subject : str
        Whom or what it is about; cases of one subject can be found together.
    version : int
        How many moves it has had; who moves it says which version was seen.
    fields : mapping
        Values of declared fields.
    """

    no: int
    id: str
    kind: str
    state: str
    subject: str
    region: str
    unit: str
    officer: str
    co_units: tuple[str, ...]
    priority: int
    version: int
    fields: Mapping[str, Any]
    outcome: str
    merged_into: str
    parent: str
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    opened_seq: int
    changed_seq: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A case with its clocks by name, both as of one moment."""

    case: Case
    clocks: Mapping[str, Clock]


@dataclass(frozen=True, slots=True)
class MoveDone:
    """One line of a case's history."""

    case: str
    version: int
    seq: int
    at: datetime
    move: str
    origin: str
    to: str
    by: str
    reason: str
    clause: str
    evidence: tuple[str, ...]
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """A wish to open a case.

    Parameters
    ----------
    kind : str
        ``service.kind``.
    id : str
        The case's own; asked for again with the same content it is answered "already".
    clocks : mapping of str to TimeLimit
        Clocks that start with it.
    warn : mapping of str to TimeLimit
        How long before the end of a clock a warning comes.
    priority : int
        0 is the ordinary queue; higher is sooner.
    """

    kind: str
    id: str
    by: Actor
    subject: str = ""
    region: str = ""
    unit: str = ""
    officer: str = ""
    co_units: tuple[str, ...] = ()
    priority: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    clocks: Mapping[str, TimeLimit] = field(default_factory=dict)
    warn: Mapping[str, TimeLimit] = field(default_factory=dict)
    reason: str = ""
    clause: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Moving:
    """A wish to move a case.

    Parameters
    ----------
    case, move : str
        Id of the case and name of the move.
    seen : int or None
        The version that the mover had before the eyes; another one in the books refuses the move.
    set : mapping
        Declared fields to set; also ``unit``, ``officer``, ``co_units``, ``region`` and ``priority``.
    clocks : mapping of str to TimeLimit
        How long clocks run that the move starts, or by how much it extends them.
    into : str
        The case that this one goes into, for moves that merge.
    """

    case: str
    move: str
    by: Actor
    seen: int | None = None
    reason: str = ""
    clause: str = ""
    evidence: tuple[str, ...] = ()
    set: Mapping[str, Any] = field(default_factory=dict)
    clocks: Mapping[str, TimeLimit] = field(default_factory=dict)
    warn: Mapping[str, TimeLimit] = field(default_factory=dict)
    outcome: str = ""
    into: str = ""


@dataclass(frozen=True, slots=True)
class CaseRefusal:
    """Why a case was not opened or moved; nothing of it is in the books."""

    id: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of a batch of wishes: done now, done before, refused; ``seq`` is 0 when nothing was new."""

    seq: int
    done: tuple[str, ...]
    already: tuple[str, ...]
    refused: tuple[CaseRefusal, ...]


def refuse_case(case: str, kind: str, found: object, expected: str, message: Text, key: str = "") -> CaseRefusal:
    """Make a refusal whose finding names the case."""
    return CaseRefusal(case, Finding(f"cases.{kind}", f"case {case}", str(found)[:120], expected[:400], message, key))
