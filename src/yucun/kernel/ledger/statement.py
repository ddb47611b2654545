"""Statement: what came, what went and what was left on the accounts of one party, between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yucun.kernel.ledger.model import Account, Action, Balance, Entry


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry as its account sees it; ``received`` and ``given`` are what moved, ``held`` what was reserved or freed."""

    no: int
    seq: int
    at: str
    id: str
    action: Action
    reason: str
    clause: str
    period: str
    other: str
    received: int
    given: int
    held: int
    balance: int
    about: str


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """Opening balance, lines in order, closing balance; opening plus lines is closing."""

    account: Account
    opening: Balance
    lines: tuple[StatementLine, ...]
    closing: Balance


@dataclass(frozen=True, slots=True)
class Statement:
    """All accounts of one party; ``accounts`` is empty only if the party has never had one by then."""

    party: str
    after: int
    until: int
    accounts: tuple[AccountStatement, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a statement says beside an entry: its instant, its ground, the other account, and the id it is about."""

    at: str
    reason: str
    clause: str
    period: str
    other: str
    about: str


def make_lines(account: Account, opening: int, entries: Sequence[tuple[Entry, Told]]) -> tuple[StatementLine, ...]:
    """Turn entries, oldest first, into lines with a running balance."""
    lines: list[StatementLine] = []
    balance = opening
    for entry, told in entries:
        given = entry.moved if entry.source == account.no else 0
        received = entry.moved if entry.destination == account.no else 0
        balance += received - given
        lines.append(
            StatementLine(
                entry.no,
                entry.seq,
                told.at,
                entry.id,
                entry.action,
                told.reason,
                told.clause,
                told.period,
                told.other,
                received,
                given,
                entry.held,
                balance,
                told.about,
            )
        )
    return tuple(lines)
