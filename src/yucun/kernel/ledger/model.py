"""The nouns of the ledger: kinds, accounts, transfers and what became of them, balances, entries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text

Action = Literal["post", "reserve", "settle", "void", "time_out", "reverse"]
# What a caller may ask for; the books alone time out.
ASKED: frozenset[str] = frozenset({"post", "reserve", "settle", "void", "reverse"})
# Ids that the books themselves give; nobody else may.
OWN_ID = "time-out:"
# Both stores hold 64 bits with a sign; a sum of many amounts must fit too.
LARGEST = 1 << 53
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of asset, kept in whole numbers of its smallest unit.

    Parameters
    ----------
    name : str
        As transfers name it, e.g. ``"fen"`` or ``"carbon.certified_g"``.
    title : Text
        As written behind an amount, e.g. 元 / yuan.
    decimals : int
        Digits after the point when one whole unit is written: 2 for fen shown as yuan. Fixed for good.
    symbol : str
        Two to twenty-four capital letters, for Beancount.
    """

    name: str
    title: Text
    decimals: int
    symbol: str

    def write(self, amount: int) -> str:
        """Write an amount in whole units with its fixed decimals.

        Examples
        --------
        >>> Kind("fen", Text("元", "yuan"), 2, "CNY").write(-1205)
        '-12.05'
        """
        sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).zfill(self.decimals + 1)
        cut = len(digits) - self.decimals
        return f"{sign}{digits[:cut]}.{digits[cut:]}" if self.decimals else f"{sign}{digits}"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it was opened: it holds one kind and never changes, but it may be closed.

    Parameters
    ----------
    no : int
        Its number in the books, as banks give one.
    name : str
        Path by the chart, e.g. ``"household:H001:relief"``; unique with its kind.
    pattern : str
        The chart's name for accounts of this shape.
    party : str
        Whose account it is; empty for the city's own.
    lowest, highest : int or None
        Limits that the books hold: what is available never falls below the one, what is there and
        expected never rises above the other. None is no limit.
    opened_seq : int
        Journal seq of the opening.
    """

    no: int
    name: str
    kind: str
    pattern: str
    party: str
    lowest: int | None
    highest: int | None
    opened_seq: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """A wish to move an amount of one kind between two accounts; once done it never changes.

    Parameters
    ----------
    id : str
        The asker's own; asked again it is answered "already".
    source, destination : str
        Account names. For ``settle``, ``void`` and ``reverse`` they are those of the transfer named by ``of``
        and may be left out.
    amount : int
        Whole units of the kind, above zero. For ``settle`` 0 means the whole reservation, for ``void`` and
        ``reverse`` it is left out.
    kind : str
        What is moved; it must be the kind of the reason.
    reason : str
        Reason code of the chart's posting templates.
    clause : str
        The clause that it rests on; empty takes the template's, and the reservation's where a ``settle`` or ``void``
        names no reason of its own.
    period : str
        What it is for, e.g. ``"2022-05"``.
    action : Action
        ``post`` moves at once; ``reserve`` only holds; ``settle`` posts a reservation, in part or whole, once, and
        frees the rest; ``void`` frees it; ``reverse`` moves a posting back.
    of : str
        Id of the reservation or posting that this one is about.
    chain : str
        Neighbours with the same chain name are done together or not at all.
    until : datetime or None
        When a reservation times out; None never.
    """

    id: str
    source: str = ""
    destination: str = ""
    amount: int = 0
    kind: str = ""
    reason: str = ""
    clause: str = ""
    period: str = ""
    action: Action = "post"
    of: str = ""
    chain: str = ""
    until: datetime | None = None

    def __post_init__(self) -> None:
        if type(self.amount) is not int or not 0 <= self.amount <= LARGEST:
            raise TypeError(f"an amount is a whole number from 0 to {LARGEST}, not {self.amount!r}")
        if not self.id or len(self.id) > _LONGEST_ID or self.id.startswith(OWN_ID):
            raise ValueError(
                f"a transfer's id has 1 to {_LONGEST_ID} signs and does not begin with {OWN_ID!r}: {self.id!r}"
            )
        if self.until is not None and self.until.tzinfo is None:
            raise ValueError("an instant has a zone")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a transfer was not done; nothing of it is in the books."""

    id: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a batch: ids done now, ids done before, and refusals; ``seq`` is 0 when nothing was new."""

    seq: int
    done: tuple[str, ...]
    already: tuple[str, ...]
    refused: tuple[Refusal, ...]


Known = Literal["known", "none", "not_known"]


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds as of a moment, or why that cannot be said.

    Parameters
    ----------
    standing : {"known", "none", "not_known"}
        ``known``: entries say so, and it may be zero; ``none``: the account was open and nothing had moved;
        ``not_known``: there was no such account then, or the moment lies ahead.
    posted : int or None
        Received less given away; None when not known.
    going_out, coming_in : int or None
        Held by open reservations.
    as_of : int
        The journal seq at which it is true.
    """

    account: str
    kind: str
    standing: Known
    posted: int | None
    going_out: int | None
    coming_in: int | None
    as_of: int
    reason: Text = field(default=Text("", ""))

    @property
    def available(self) -> int:
        """What may still be given away: posted less what is held; raises `NotKnown` where nothing is known."""
        if self.posted is None or self.going_out is None:
            raise NotKnown(Finding("ledger.not_known", self.account, "nothing", "a balance", self.reason))
        return self.posted - self.going_out


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer as it stands in the books.

    ``amount`` is what moved (or is held, for a reservation); ``released`` is what a settle, void or time-out
    set free; ``of`` is the number of the entry that it is about.
    """

    no: int
    id: str
    seq: int
    action: Action
    source: int
    destination: int
    amount: int
    ground: int
    source_before: int
    destination_before: int
    of: int | None
    released: int

    @property
    def moved(self) -> int:
        """What it moved from source to destination."""
        return 0 if self.action == "reserve" else self.amount

    @property
    def held(self) -> int:
        """What it added to (or, below zero, took from) the reservations of both accounts."""
        return self.amount if self.action == "reserve" else -self.released


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation: what was held, for whom, why and for which period."""

    id: str
    source: str
    destination: str
    amount: int
    reason: str
    clause: str
    period: str


def refuse(transfer_id: str, kind: str, found: object, expected: str, message: Text) -> Refusal:
    """Make a refusal whose finding names the transfer."""
    return Refusal(
        transfer_id, Finding(f"ledger.{kind}", f"transfer {transfer_id}", str(found)[:120], expected, message)
    )
