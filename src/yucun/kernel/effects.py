"""The closed list of things that a decision may ask for; services decide, only the engine acts.

An effect may carry one wish or a table of them. With ``all_or_none`` (the rule for one wish) a refusal undoes the
whole event; without it the refused rows become findings and the rest commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yucun.base.text import Text
from yucun.kernel.cases.model import Moving, Opening
from yucun.kernel.ledger.model import Transfer


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Open cases."""

    wishes: tuple[Opening, ...]
    all_or_none: bool = True


@dataclass(frozen=True, slots=True)
class MoveCase:
    """Move cases."""

    wishes: tuple[Moving, ...]
    all_or_none: bool = True


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold amounts: transfers whose action is ``reserve``."""

    transfers: tuple[Transfer, ...]
    all_or_none: bool = True


@dataclass(frozen=True, slots=True)
class Post:
    """Move amounts: transfers whose action is ``post``, ``settle`` or ``reverse``."""

    transfers: tuple[Transfer, ...]
    all_or_none: bool = True


@dataclass(frozen=True, slots=True)
class Void:
    """Free what is held: transfers whose action is ``void``."""

    transfers: tuple[Transfer, ...]
    all_or_none: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """Write rows of a table that the service publishes; a key that is there already must say the same."""

    table: str
    rows: tuple[Mapping[str, Any], ...]
    all_or_none: bool = True


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell somebody; delivered at least once, with the token as key.

    Parameters
    ----------
    to : str
        A post, unit or subject, never an address: the channel knows addresses.
    body : mapping
        Ids and codes that the channel's template needs; nothing personal.
    """

    to: str
    title: Text
    template: str
    body: Mapping[str, Any] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a plan or for something outside; the answer comes as the event ``SERVICE.answered``.

    Parameters
    ----------
    question : str
        Who answers, e.g. ``plans.assign``.
    body : mapping
        The question; its hash says whether an earlier answer still fits when the city is replayed.
    """

    question: str
    body: Mapping[str, Any]
    token: str = ""


Effect = OpenCase | MoveCase | Reserve | Post | Void | Record | Notify | Ask
Effects = Sequence[Effect]
ACTIONS: Mapping[type, frozenset[str]] = {
    Reserve: frozenset({"reserve"}),
    Post: frozenset({"post", "settle", "reverse"}),
    Void: frozenset({"void"}),
}
