"""The tables of the ledger and how a journal line changes them: accounts, balances, entries, reservations, marks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from yucun.kernel.books import Line, Migration, Organ, Projecting

# From so many entries on arrays are faster; what they add up to stays within 64 bits.
_MANY, _MOST_SUM = 200, 2**62
ACCOUNT_COLUMNS = ("no", "name", "kind", "pattern", "party", "lowest", "highest", "opened_seq")
ENTRY_COLUMNS = (
    "no", "id", "seq", "action", "source", "destination", "amount", "ground", "source_before", "destination_before",
    "of_no", "released",
)  # fmt: skip


def _apply_opened(tx: Projecting, line: Line) -> None:
    _insert_accounts(tx, line.payload["accounts"], line.seq)


def _insert_accounts(tx: Projecting, accounts: Sequence[Sequence[Any]], seq: int) -> None:
    tx.insert_many("ledger_account", ACCOUNT_COLUMNS, [(*account, seq) for account in accounts])
    tx.insert_many(
        "ledger_balance",
        ("no", "posted", "going_out", "coming_in", "last_entry", "lowest", "highest"),
        [(no, 0, 0, 0, 0, lowest, highest) for no, _, _, _, _, lowest, highest in accounts],
    )


def _apply_posted(tx: Projecting, line: Line) -> None:
    said = line.payload
    _insert_accounts(tx, said["opened"], line.seq)
    tx.insert_many(
        "ledger_ground", ("no", "reason", "clause", "period", "seq"), [(*g, line.seq) for g in said["grounds"]]
    )
    special = {index: rest for index, *rest in said["special"]}
    first, count = said["first"], len(said["id"])
    actions, of_nos, released = ["post"] * count, [None] * count, [0] * count
    for index, (action, of, freed, _) in special.items():
        actions[index], of_nos[index], released[index] = action, of, freed
    grounds = said["ground"] if isinstance(said["ground"], list) else repeat(said["ground"], count)
    rows = zip(
        range(first, first + count), said["id"], repeat(line.seq), actions, said["source"], said["destination"],
        said["amount"], grounds, said["source_before"], said["destination_before"], of_nos, released,
    )  # fmt: skip
    tx.insert_many("ledger_transfer", ENTRY_COLUMNS, list(rows))
    adds = ("posted", "going_out", "coming_in") if special else ("posted",)
    tx.update_many("ledger_balance", "no", adds, ("last_entry",), _list_changes(said, special))
    tx.insert_many(
        "ledger_mark",
        ("account", "seq", "entry", "posted", "going_out", "coming_in"),
        [(account, line.seq, *rest) for account, *rest in said["marks"]],
    )
    if special:
        _apply_special(tx, first, special)


def _list_changes(said: Mapping[str, Any], special: Mapping[int, Sequence[Any]]) -> list[tuple[int, ...]]:
    if not special and len(said["amount"]) >= _MANY and sum(said["amount"]) <= _MOST_SUM:
        return _list_many_changes(said)
    posted: defaultdict[int, int] = defaultdict(int)
    last: dict[int, int] = {}
    entry = said["first"]
    for source, destination, amount in zip(said["source"], said["destination"], said["amount"], strict=True):
        posted[source] -= amount
        posted[destination] += amount
        last[source] = last[destination] = entry
        entry += 1
    if not special:
        return [(no, posted[no], last[no]) for no in sorted(last)]
    out: defaultdict[int, int] = defaultdict(int)
    coming: defaultdict[int, int] = defaultdict(int)
    for index, (action, _, freed, _) in special.items():
        source, destination, amount = said["source"][index], said["destination"][index], said["amount"][index]
        held = amount if action == "reserve" else -freed
        out[source] += held
        coming[destination] += held
        if action == "reserve":
            posted[source] += amount
            posted[destination] -= amount
    return [(no, posted[no], out[no], coming[no], last[no]) for no in sorted(last)]


def _list_many_changes(said: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """The same for many plain entries, over arrays: each account's entries stand together, the last one last."""
    ends = np.column_stack((said["source"], said["destination"])).ravel()
    amounts = np.array(said["amount"], np.int64)
    order = np.argsort(ends, kind="stable")
    accounts = ends[order]
    starts = np.flatnonzero(np.concatenate(([True], accounts[1:] != accounts[:-1])))
    posted = np.add.reduceat(np.column_stack((-amounts, amounts)).ravel()[order], starts)
    last = said["first"] + order[np.append(starts[1:], len(order)) - 1] // 2
    return list(zip(accounts[starts].tolist(), posted.tolist(), last.tolist(), strict=True))


def _apply_special(tx: Projecting, first: int, special: Mapping[int, Sequence[Any]]) -> None:
    opened, finished, reversed_ = [], [], []
    for index, (action, of, _, until) in special.items():
        if action == "reserve":
            opened.append((first + index, until))
        elif action == "reverse":
            reversed_.append((of, first + index))
        else:
            finished.append((of,))
    tx.insert_many("ledger_pending", ("no", "until"), opened)
    tx.insert_many("ledger_reversal", ("of_no", "no"), reversed_)
    tx.execute_many("DELETE FROM ledger_pending WHERE no = ?", finished)


def _apply_closed(tx: Projecting, line: Line) -> None:
    tx.execute("UPDATE ledger_balance SET closed_seq = ? WHERE no = ?", (line.seq, line.payload["account"]))


ORGAN = Organ(
    "ledger",
    (
        Migration(
            1,
            "accounts, balances, entries, reservations",
            (
                "CREATE TABLE ledger_account (no BIGINT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL,"
                " pattern TEXT NOT NULL, party TEXT NOT NULL, lowest BIGINT, highest BIGINT,"
                " opened_seq BIGINT NOT NULL, UNIQUE (kind, name))",
                "CREATE INDEX ledger_account_party ON ledger_account (party)",
                "CREATE TABLE ledger_balance (no BIGINT PRIMARY KEY, posted BIGINT NOT NULL, going_out BIGINT NOT NULL,"
                " coming_in BIGINT NOT NULL, last_entry BIGINT NOT NULL, lowest BIGINT, highest BIGINT,"
                " closed_seq BIGINT, CHECK (going_out >= 0), CHECK (coming_in >= 0),"
                " CHECK (posted - going_out >= lowest), CHECK (posted + coming_in <= highest))",
                "CREATE TABLE ledger_ground (no BIGINT PRIMARY KEY, reason TEXT NOT NULL, clause TEXT NOT NULL,"
                " period TEXT NOT NULL, seq BIGINT NOT NULL)",
                "CREATE TABLE ledger_transfer (no BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq BIGINT NOT NULL,"
                " action TEXT NOT NULL, source BIGINT NOT NULL, destination BIGINT NOT NULL, amount BIGINT NOT NULL,"
                " ground BIGINT NOT NULL, source_before BIGINT NOT NULL, destination_before BIGINT NOT NULL,"
                " of_no BIGINT, released BIGINT NOT NULL)",
                "CREATE TABLE ledger_pending (no BIGINT PRIMARY KEY, until TEXT)",
                "CREATE INDEX ledger_pending_until ON ledger_pending (until)",
                "CREATE TABLE ledger_reversal (of_no BIGINT PRIMARY KEY, no BIGINT NOT NULL)",
                "CREATE TABLE ledger_mark (account BIGINT NOT NULL, seq BIGINT NOT NULL, entry BIGINT NOT NULL,"
                " posted BIGINT NOT NULL, going_out BIGINT NOT NULL, coming_in BIGINT NOT NULL,"
                " PRIMARY KEY (account, seq, entry))",
            ),
        ),
    ),
    (
        "ledger_account",
        "ledger_balance",
        "ledger_ground",
        "ledger_transfer",
        "ledger_pending",
        "ledger_reversal",
        "ledger_mark",
    ),
    {"ledger.opened": _apply_opened, "ledger.posted": _apply_posted, "ledger.closed": _apply_closed},
)
