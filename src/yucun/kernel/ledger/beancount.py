"""Beancount: write the books as a plain-text journal that `bean-check` accepts, balances asserted at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from yucun.kernel.ledger.chart import Chart
from yucun.kernel.ledger.model import Account


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry that moved something, with what is said about it; the day is that of its journal line."""

    day: date
    id: str
    seq: int
    source: int
    destination: int
    amount: int
    reason: str
    clause: str
    period: str
    about: str


def write_beancount(
    chart: Chart,
    accounts: Mapping[int, Account],
    opened: Mapping[int, date],
    movements: Iterable[Movement],
    balances: Mapping[int, int],
    last: date,
) -> Iterator[str]:
    """Yield the lines of the journal.

    Parameters
    ----------
    accounts, opened, balances : mapping
        By account number: the account, the day of its opening, and what it holds at the end.
    movements : iterable
        In the order of the books; read once, so that any number of them fits.
    last : date
        Day of the newest journal line; balances are asserted for the morning after.

    Notes
    -----
    What the giver gives is negative and what the taker takes is positive, so every transaction adds up to zero.
    Reservations move nothing and are left out.
    """
    names = name_accounts(chart, accounts)
    yield f'option "title" "Yucun, {len(accounts)} accounts"'
    for kind in chart.kinds.values():
        yield f"{min(opened.values(), default=last)} commodity {kind.symbol}"
        yield f'  name: "{_quote(kind.title.en or kind.name)}"'
    for no in sorted(accounts):
        yield f"{opened[no]} open {names[no]} {chart.kinds[accounts[no].kind].symbol}"
    for move in movements:
        kind = chart.kinds[accounts[move.source].kind]
        amount = kind.write(move.amount)
        yield f'{move.day} * "{_quote(move.reason)}" "{_quote(move.clause)}"'
        yield f'  id: "{_quote(move.id)}"'
        yield f"  seq: {move.seq}"
        if move.period:
            yield f'  period: "{_quote(move.period)}"'
        if move.about:
            yield f'  about: "{_quote(move.about)}"'
        yield f"  {names[move.source]}  -{amount} {kind.symbol}"
        yield f"  {names[move.destination]}  {amount} {kind.symbol}"
    for no in sorted(accounts):
        kind = chart.kinds[accounts[no].kind]
        yield f"{last + timedelta(days=1)} balance {names[no]}  {kind.write(balances.get(no, 0))} ~ 0 {kind.symbol}"


def name_accounts(chart: Chart, accounts: Mapping[int, Account]) -> dict[int, str]:
    """Give each account a name that Beancount reads; two that would read the same are told apart by number.

    Examples
    --------
    >>> one = Account(7, "household:H1:relief", "fen", "household:{h}:relief", "h:H1", 0, None, 1)
    >>> name_accounts(Chart({}, {}, {}, {}), {7: one})
    {7: 'Assets:Household:H1:Relief'}
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    several: set[str] = set()
    seen: set[str] = set()
    for account in accounts.values():
        (several if account.name in seen else seen).add(account.name)
    for no in sorted(accounts):
        account = accounts[no]
        pattern = chart.patterns.get(account.pattern)
        parts = [pattern.side.capitalize() if pattern else "Assets", *account.name.split(":")]
        if account.name in several:
            parts.append(account.kind)
        name = ":".join(_component(part) for part in parts)
        names[no] = name if name not in taken else f"{name}-{no}"
        taken.add(names[no])
    return names


def _component(part: str) -> str:
    word = re.sub(r"[^\w\-]|_", "-", part)
    if not word[0].isdigit() and not word[0].isalpha():
        word = f"X{word}"
    return word[0].upper() + word[1:] if word[0].isascii() else f"X-{word}"


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
