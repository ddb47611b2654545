"""The nouns of the engine: events, services that act, and what became of an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from yucun.base.errors import Finding
from yucun.kernel.cases import Standing
from yucun.kernel.effects import Effect
from yucun.kernel.lake.contract import Contract
from yucun.kernel.view import SYSTEM, Event, Pack, View

__all__ = ["SYSTEM", "Acting", "Decide", "Due", "Event", "Status", "Taken"]

Status = Literal["done", "already", "refused", "quarantined"]
# Kinds of event that the engine itself makes, after the service's name.
REFUSED, CLOCK, ANSWERED, RECORDED = "refused", "clock", "answered", "recorded"
MOST_REFUSALS = 3


Decide = Callable[[Event, View], Sequence[Effect]]


@dataclass(frozen=True, slots=True)
class Due:
    """What there is to do: clocks that warn or ran out, recorded rows to pass on, questions, reservations that are over."""

    clocks: bool
    rows: bool
    questions: bool
    reservations: bool


@dataclass(frozen=True, slots=True)
class Acting:
    """A service that decides.

    Parameters
    ----------
    contracts : mapping of str to Contract
        Of its events and of the tables that it publishes, by full name.
    publishes, consumes : frozenset of str
        Tables by full name.
    hash : str
        Of all that its decisions rest on besides parameters.
    """

    id: str
    decide: Decide
    pack: Pack
    hash: str
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    publishes: frozenset[str] = frozenset()
    consumes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an event: its journal line, the effects that were committed, and every finding.

    Parameters
    ----------
    cases : tuple of str
        Ids of the cases that it opened or moved.
    after : mapping of str to Standing
        Those of them that need not be read again to say how they stand.
    """

    key: str
    status: Status
    seq: int
    effects: tuple[Effect, ...] = ()
    findings: tuple[Finding, ...] = ()
    cases: tuple[str, ...] = ()
    after: Mapping[str, Standing] = field(default_factory=dict, compare=False)

    @property
    def is_good(self) -> bool:
        """True when it was done, now or before; the repeat of one that was refused is told why again."""
        return self.status == "done" or (self.status == "already" and not self.findings)
