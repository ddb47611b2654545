"""The open page: what the books hold of the accounts that a batch touches, while its transfers are checked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yucun.base.text import Text
from yucun.kernel.ledger.chart import Chart, Posting
from yucun.kernel.ledger.model import Action, Entry, Refusal, Transfer, refuse

# Reason code, clause, period: written once and then named by number.
Ground = tuple[str, str, str]
# An account's balance is noted about once in this many entries, so that the way back to any moment is short.
MARK_EVERY = 256


@dataclass(slots=True)
class Standing:
    """An account and what it holds now; what it holds changes as the batch goes on.

    ``read_at`` says in which reading of the books the balance was read; one of an earlier reading is read again.
    """

    no: int
    name: str
    kind: str
    pattern: str
    lowest: int | None
    highest: int | None
    read_at: int = 0
    posted: int = 0
    going_out: int = 0
    coming_in: int = 0
    last_entry: int = 0
    closed: bool = False

    def read(self, read_at: int, row: Sequence[Any]) -> None:
        """Take the balance as the books say it."""
        self.posted, self.going_out, self.coming_in, self.last_entry = row[:4]
        self.closed, self.read_at = row[4] is not None, read_at


@dataclass(slots=True)
class Page:
    """Accounts, entries and reservations that a batch may meet, and the rows it has written so far.

    Parameters
    ----------
    names : mapping
        Kind to account name to account with its balance.
    accounts : mapping
        The same by number, for entries that a transfer is about.
    entries : mapping
        Entries of the books by id: those asked for again, and those that a transfer is about.
    open : mapping
        Reservations still open, by entry number: the instant at which they time out, or None.
    reversed : mapping
        Reversed entries by number, and the entry that did it.
    grounds, words : mapping
        Numbers of reason, clause and period, and the other way round.
    first : int
        Number of the first new entry.
    """

    chart: Chart
    first: int
    now: datetime
    names: Mapping[str, Mapping[str, Standing]]
    accounts: Mapping[int, Standing]
    entries: Mapping[str, Entry]
    open: dict[int, datetime | None]
    reversed: dict[int, int]
    grounds: dict[Ground, int]
    words: dict[int, Ground]
    rows: list[tuple[str, int, int, int, int, int, int]] = field(default_factory=list)
    special: dict[int, tuple[Action, int | None, int, str | None]] = field(default_factory=dict)
    marks: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    written: dict[str, int] = field(default_factory=dict)

    def find_entry(self, transfer_id: str) -> Entry | None:
        """Return an entry by id, of the books or of this very batch."""
        if transfer_id in self.written:
            index = self.written[transfer_id]
            _, source, destination, amount, ground, before, before_too = self.rows[index]
            action, of, released, _ = self.special.get(index, ("post", None, 0, None))
            no = self.first + index
            return Entry(
                no, transfer_id, 0, action, source, destination, amount, ground, before, before_too, of, released
            )
        return self.entries.get(transfer_id)

    def ground_of(self, number: int) -> Ground:
        """Return reason, clause and period by number."""
        return self.words[number]

    def write(
        self,
        transfer_id: str,
        source: Standing,
        destination: Standing,
        amount: int,
        ground: Ground,
        action: Action = "post",
        of: int | None = None,
        released: int = 0,
        until: datetime | None = None,
    ) -> None:
        """Write one entry; whoever calls has checked it."""
        index = len(self.rows)
        entry = self.first + index
        number = self.grounds.get(ground)
        if number is None:
            number = self.grounds[ground] = len(self.grounds) + 1
            self.words[number] = ground
        self.rows.append(
            (transfer_id, source.no, destination.no, amount, number, source.last_entry, destination.last_entry)
        )
        self.written[transfer_id] = index
        if action != "post":
            self.special[index] = (action, of, released, until.isoformat() if until else None)
            held = amount if action == "reserve" else -released
            source.going_out += held
            destination.coming_in += held
        if action != "reserve":
            source.posted -= amount
            destination.posted += amount
        source.last_entry = destination.last_entry = entry
        if not (entry ^ source.no) % MARK_EVERY:
            self.marks.append((source.no, entry, source.posted, source.going_out, source.coming_in))
        if not (entry ^ destination.no) % MARK_EVERY:
            self.marks.append((destination.no, entry, destination.posted, destination.going_out, destination.coming_in))

    def take_back(
        self, rows: int, marks: int, kept: Iterable[tuple[Standing, Sequence[int]]], opened: Mapping[int, Any]
    ) -> None:
        """Return to an earlier state of the page: the rest of a chain could not be done."""
        for transfer_id, *_ in self.rows[rows:]:
            del self.written[transfer_id]
        for index in range(rows, len(self.rows)):
            of = self.special.pop(index, ("post", None, 0, None))[1]
            if of is not None:
                self.reversed.pop(of, None)
        del self.rows[rows:], self.marks[marks:]
        for account, held in kept:
            account.posted, account.going_out, account.coming_in, account.last_entry = held
        self.open.clear()
        self.open.update(opened)


def take_ends(page: Page, transfer: Transfer) -> tuple[Posting, Standing, Standing, Ground] | Refusal:
    """Find template and both accounts of a transfer, or say what is wrong with them."""
    posting = page.chart.postings.get(transfer.reason)
    if posting is None:
        known = ", ".join(sorted(page.chart.postings))
        return refuse(transfer.id, "unknown_reason", transfer.reason, known, Text(
            f"科目表中没有事由「{transfer.reason}」；请改用其中之一：{known}",
            f"the chart has no reason '{transfer.reason}'; use one of: {known}"))  # fmt: skip
    if posting.kind != transfer.kind:
        return refuse(transfer.id, "wrong_kind", transfer.kind, posting.kind, Text(
            f"事由「{posting.reason}」以「{posting.kind}」计，不是「{transfer.kind}」；请核对",
            f"'{posting.reason}' moves {posting.kind}, not '{transfer.kind}'; check what is meant"))  # fmt: skip
    names = page.names.get(transfer.kind, {})
    source, destination = names.get(transfer.source), names.get(transfer.destination)
    for name, account, allowed in (
        (transfer.source, source, posting.sources),
        (transfer.destination, destination, posting.destinations),
    ):
        if account is None:
            return refuse(transfer.id, "unknown_account", name, "an open account", Text(
                f"没有持有「{transfer.kind}」的账户「{name}」；请先开户",
                f"there is no account '{name}' for {transfer.kind}; open it first"))  # fmt: skip
        if account.pattern not in allowed:
            return refuse(transfer.id, "wrong_account", name, ", ".join(sorted(allowed)), Text(
                f"事由「{posting.reason}」不能用于账户「{name}」；可用：{'、'.join(sorted(allowed))}",
                f"'{posting.reason}' may not touch '{name}'; it may touch: {', '.join(sorted(allowed))}"))  # fmt: skip
        if account.closed:
            return refuse(transfer.id, "closed", name, "an open account", Text(
                f"账户「{name}」已销户；请使用仍开立的账户", f"the account '{name}' is closed; use one that is open"))  # fmt: skip
    assert source is not None and destination is not None
    if source is destination:
        return refuse(transfer.id, "same_account", source.name, "two accounts", Text(
            f"「{source.name}」不能转给自己", f"'{source.name}' cannot move to itself; name two accounts"))  # fmt: skip
    clause = transfer.clause or posting.clause
    if not clause:
        return refuse(transfer.id, "no_clause", "nothing", "a clause", Text(
            "没有写明依据条款；请补写", "no clause is named; say which one it rests on"))  # fmt: skip
    return posting, source, destination, (transfer.reason, clause, transfer.period)


def check_limits(
    transfer_id: str, source: Standing, destination: Standing, amount: int, freed: int = 0
) -> Refusal | None:
    """Check that the source can give and the destination can take; ``freed`` is what a reservation lets go."""
    if not amount + freed:
        return refuse(transfer_id, "no_amount", 0, "more than 0", Text("数额应大于零", "an amount is more than zero"))
    available = source.posted - source.going_out
    if source.lowest is not None and available + freed - amount < source.lowest:
        return refuse(transfer_id, "short", available, f"{source.lowest + amount} or more", Text(
            f"账户「{source.name}」可用 {available}，需要 {amount}，且不得低于 {source.lowest}；请减少数额或先拨入",
            f"'{source.name}' has {available} available, needs {amount} and may not fall below {source.lowest};"
            " ask for less or fund it first"))  # fmt: skip
    expected = destination.posted + destination.coming_in
    if destination.highest is not None and expected - freed + amount > destination.highest:
        return refuse(transfer_id, "over", expected, f"{destination.highest - amount} or less", Text(
            f"账户「{destination.name}」已有及待入 {expected}，再加 {amount} 将超过上限 {destination.highest}",
            f"'{destination.name}' holds and expects {expected}; {amount} more would pass its limit {destination.highest}"))  # fmt: skip
    return None


def same_as(page: Page, transfer: Transfer, entry: Entry) -> bool:
    """Whether a transfer that is asked for again says what the books already hold."""
    named = {end.no: end.name for end in (page.accounts[entry.source], page.accounts[entry.destination])}
    reason, clause, period = page.ground_of(entry.ground)
    asked = (transfer.reason or reason, transfer.clause or clause, transfer.period or period)
    return (
        entry.action == transfer.action
        and transfer.amount in ({entry.amount} if entry.action in ("post", "reserve") else {0, entry.amount})
        and (transfer.source or named[entry.source]) == named[entry.source]
        and (transfer.destination or named[entry.destination]) == named[entry.destination]
        and (transfer.kind or page.accounts[entry.source].kind) == page.accounts[entry.source].kind
        and asked == (reason, clause, period)
    )
