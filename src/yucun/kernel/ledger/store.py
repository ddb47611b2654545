"""The verbs of the ledger over the books: open, post, time out, close; balance, statement, export, check."""

from __future__ import annotations

import gc
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from yucun.base.errors import Finding, LedgerImbalance, NotKnown, PostingError, Yours
from yucun.base.text import Text
from yucun.kernel.books import Line, ReadTransaction, WriteTransaction
from yucun.kernel.books.reading import Question
from yucun.kernel.ledger.balance import walk_back
from yucun.kernel.ledger.beancount import Movement, write_beancount
from yucun.kernel.ledger.chart import Chart
from yucun.kernel.ledger.model import OWN_ID, Account, Balance, Entry, Posted, Refusal, Reserved, Transfer, refuse
from yucun.kernel.ledger.page import Ground, Page, Standing
from yucun.kernel.ledger.post import run_batch
from yucun.kernel.ledger.reserve import time_out
from yucun.kernel.ledger.statement import AccountStatement, Statement, Told, make_lines
from yucun.kernel.ledger.tables import ACCOUNT_COLUMNS, ENTRY_COLUMNS, ORGAN

# What tells when the next reservation is over.
NEXT_UNTIL: Question = ("SELECT min(until) FROM ledger_pending", ())
_FOUND = "no, name, kind, pattern, lowest, highest, opened_seq"
_STANDING = "no, posted, going_out, coming_in, last_entry, closed_seq"
# More names than this are not kept in memory; they are read again.
_MOST_NAMES = 500_000
_LARGE_BATCH = 50
# Name, kind, pattern, party, lowest, highest: an account before it has a number.
_Row = tuple[str, str, str, str, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Opening:
    """A wish to open an account; a limit left out is the chart's, and ``"none"`` is no limit."""

    name: str
    kind: str
    lowest: int | str | None = None
    highest: int | str | None = None


_RESERVED = (
    "SELECT t.id, s.name, d.name, t.amount, g.reason, g.clause, g.period FROM ledger_transfer t"
    " JOIN ledger_ground g ON g.no = t.ground JOIN ledger_account s ON s.no = t.source"
    " JOIN ledger_account d ON d.no = t.destination"
)


class Ledger:
    """The verbs of the ledger over one chart; every verb takes the transaction that it is part of."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        # Only what is committed and never changes is remembered: accounts by name and number, grounds by number.
        self._names: dict[str, dict[str, Standing]] = {}
        self._accounts: dict[int, Standing] = {}
        self._grounds: dict[int, Ground] = {}
        # Balances and last numbers are remembered too, for as long as the books stand where our last line left them.
        self._reading = 0
        self._fresh: dict[str, set[str]] = {}
        self._last: tuple[int, int, int] | None = None
        self._left: tuple[WriteTransaction, int] | None = None

    def open(self, tx: WriteTransaction, openings: Sequence[Opening], key: str = "") -> Line | None:
        """Open accounts; those that are open with the same limits already are left alone.

        Raises
        ------
        PostingError
            With a finding for each account that the chart does not allow, or that is open with other limits.
        """
        findings: list[Finding] = []
        wanted: dict[tuple[str, str], _Row] = {}
        for opening in openings:
            row = self._make_account(opening)
            if isinstance(row, Finding):
                findings.append(row)
            else:
                wanted[opening.kind, opening.name] = row
        held = self._find_accounts(tx, _by_kind(wanted))
        for (kind, name), row in wanted.items():
            account = held.get(kind, {}).get(name)
            if account is not None and (account.lowest, account.highest) != row[4:]:
                findings.append(_finding("open_otherwise", name, f"{account.lowest}, {account.highest}", str(row[4:]), Text(
                    f"账户「{name}」已开立，限额不同", f"'{name}' is open already with other limits; they do not change")))  # fmt: skip
        if findings:
            raise PostingError(findings)
        new = [row for (kind, name), row in wanted.items() if name not in held.get(kind, {})]
        if not new:
            return None
        first = _last_numbers(tx)[1] + 1
        rows = [[no, *row] for no, row in enumerate(new, first)]
        return tx.record("ledger.opened", key or f"ledger-accounts:{first}", {"accounts": rows})[0]

    def post(
        self, tx: WriteTransaction, transfers: Sequence[Transfer], key: str = "", *, all_or_none: bool = False
    ) -> Posted:
        """Do a batch of transfers of any action, in order; one journal line holds those that are new and allowed.

        Parameters
        ----------
        transfers : sequence of Transfer
            Each sees what those before it have done.
        key : str
            The event's own key; a batch under a key that is journaled already does nothing new. Empty makes one.
        all_or_none : bool
            True raises as soon as one is refused, and nothing is written.

        Raises
        ------
        PostingError
            Only under ``all_or_none``: the findings of all that were refused.
        """
        with _undisturbed(len(transfers)):
            return self._post(tx, transfers, key, all_or_none)

    def _post(self, tx: WriteTransaction, transfers: Sequence[Transfer], key: str, all_or_none: bool) -> Posted:
        left = self._recall(tx)
        page, opened, known_grounds = self._open_page(tx, transfers)
        done, already, refused = run_batch(page, transfers)
        if refused and all_or_none:
            raise PostingError([one.finding for one in refused])
        if not done:
            self._left = left if not opened else None
            return Posted(0, (), tuple(already), tuple(refused))
        used = {no for row in page.rows for no in row[1:3]} if opened else set()
        opened = [row for row in opened if row[0] in used]
        try:
            line = _record(tx, page, opened, known_grounds, key)
        except Yours as error:
            if error.findings[0].kind != "books.key_reused":
                raise
            late = [refuse(one, "key_used", key, "a key of its own", error.findings[0].message) for one in done]
            return Posted(0, (), tuple(already), (*refused, *late))
        if not used and self._last is not None:
            self._last = (page.first + len(page.rows) - 1, self._last[1], max(page.words))
            self._left = (tx, line.seq)
        return Posted(line.seq, tuple(done), tuple(already), tuple(refused))

    def time_out(self, tx: WriteTransaction, most: int = 8_000) -> Posted:
        """Free reservations whose time is over, the oldest first; call again while something was done."""
        now = tx.next_stamp()
        overdue = tx.rows(
            f"SELECT {_prefixed('t')}, p.until FROM ledger_pending p JOIN ledger_transfer t ON t.no = p.no"
            " WHERE p.until <= ? ORDER BY p.until, p.no LIMIT ?",
            (datetime.fromisoformat(now).isoformat(), most),
        )
        entries = [Entry(*row[:-1]) for row in overdue]
        if not entries:
            return Posted(0, (), (), ())
        self._recall(tx)
        page, _, known_grounds = self._open_page(tx, [], entries)
        page.open.update({entry.no: None for entry in entries})
        for entry in entries:
            time_out(page, entry, f"{OWN_ID}{entry.no}")
        line = _record(tx, page, [], known_grounds, f"{OWN_ID}{page.first}")
        return Posted(line.seq, tuple(row[0] for row in page.rows), (), ())

    def close(self, tx: WriteTransaction, name: str, kind: str, reason: str, clause: str, key: str = "") -> Line:
        """Close an account for good; it must be empty and hold no reservation.

        Raises
        ------
        PostingError
            If it holds or expects something, or is closed already.
        NotKnown
            If there is no such account.
        """
        account = self.get_account(tx, name, kind)
        row = tx.row("SELECT posted, going_out, coming_in, closed_seq FROM ledger_balance WHERE no = ?", (account.no,))
        posted, going_out, coming_in, closed = row or (0, 0, 0, None)
        if not reason or not clause:
            raise PostingError(_finding("no_clause", name, "nothing", "a reason and a clause", Text(
                "销户须写明事由和条款", "closing an account needs a reason and a clause")))  # fmt: skip
        if closed or posted or going_out or coming_in:
            found = f"{posted}, reserved {going_out} and {coming_in}"
            raise PostingError(_finding("not_empty", name, found, "an open, empty account", Text(
                f"账户「{name}」尚有余额或预留，或已销户；请先结清",
                f"'{name}' is not empty or is closed already; settle it first")))  # fmt: skip
        said = {"account": account.no, "name": name, "kind": kind, "reason": reason, "clause": clause}
        return tx.record("ledger.closed", key or f"ledger-closed:{account.no}", said)[0]

    def find_account(self, tx: ReadTransaction, name: str, kind: str) -> Account | None:
        """Return an account by name and kind, or None."""
        row = tx.row(
            f"SELECT {', '.join(ACCOUNT_COLUMNS)} FROM ledger_account WHERE kind = ? AND name = ?", (kind, name)
        )
        return Account(*row) if row else None

    def get_account(self, tx: ReadTransaction, name: str, kind: str) -> Account:
        """Return an account by name and kind, or raise `NotKnown`."""
        account = self.find_account(tx, name, kind)
        if account is None:
            raise NotKnown(_finding("not_known", name, "nothing", "an account", Text(
                f"没有持有「{kind}」的账户「{name}」", f"there is no account '{name}' for {kind}; check its name")))  # fmt: skip
        return account

    def balance(self, tx: ReadTransaction, name: str, kind: str, as_of: int | datetime | None = None) -> Balance:
        """What an account holds now, or held as of a journal seq or an instant; never silently empty."""
        last = tx.last_seq()
        seq = last if as_of is None else tx.seq_at(as_of) if isinstance(as_of, datetime) else as_of
        account = self.find_account(tx, name, kind)
        if account is None:
            return _not_known(name, kind, seq, Text("没有这个账户", "there is no such account"))
        if seq > last:
            return _not_known(name, kind, seq, Text("该时刻尚未到来", "that moment lies ahead"))
        if account.opened_seq > seq:
            return _not_known(name, kind, seq, Text("当时尚未开户", "the account was opened later"))
        return _balance_at(tx, account, seq)

    def statement(self, tx: ReadTransaction, party: str, after: int = 0, until: int | None = None) -> Statement:
        """What happened on all accounts of a party after one seq and up to another.

        Parameters
        ----------
        party : str
            As accounts name it, e.g. ``"household:H001"``.
        """
        end = tx.last_seq() if until is None else until
        rows = tx.rows(
            f"SELECT {', '.join(ACCOUNT_COLUMNS)} FROM ledger_account WHERE party = ? AND opened_seq <= ? ORDER BY no",
            (party, end),
        )
        told: list[AccountStatement] = []
        for account in (Account(*row) for row in rows):
            opening = self.balance(tx, account.name, account.kind, after)
            entries = list(_walk(tx, account.no, _start(tx, account.no, end)[0], after))
            entries = [entry for entry in reversed(entries) if entry.seq <= end]
            lines = make_lines(account, opening.posted or 0, _tell(tx, account, entries))
            told.append(AccountStatement(account, opening, lines, self.balance(tx, account.name, account.kind, end)))
        return Statement(party, after, end, tuple(told))

    def list_reserved(self, tx: ReadTransaction, reasons: str, period: str = "") -> list[Reserved]:
        """Return open reservations whose reason begins so, for one period or all, in the order of the books."""
        sql = (
            f"{_RESERVED} JOIN ledger_pending p ON p.no = t.no WHERE substr(g.reason, 1, ?) = ?"
            " AND (g.period = ? OR ? = '') ORDER BY t.no"
        )
        return [Reserved(*row) for row in tx.rows(sql, (len(reasons), reasons, period, period))]

    def find_reserved(self, tx: ReadTransaction, transfer_id: str) -> Reserved | None:
        """Return a reservation by its id, whether it is open or finished; None where there is none."""
        row = tx.row(f"{_RESERVED} WHERE t.id = ? AND t.action = 'reserve'", (transfer_id,))
        return Reserved(*row) if row else None

    def export(self, tx: ReadTransaction) -> Iterator[str]:
        """Yield the books as a Beancount journal, line by line, balances asserted at its end."""
        rows = tx.rows(
            f"SELECT {', '.join('a.' + c for c in ACCOUNT_COLUMNS)}, j.at, b.posted FROM ledger_account a"
            " JOIN journal j ON j.seq = a.opened_seq JOIN ledger_balance b ON b.no = a.no"
        )
        accounts = {row[0]: Account(*row[:-2]) for row in rows}
        opened = {row[0]: date.fromisoformat(row[-2][:10]) for row in rows}
        newest = tx.row("SELECT at FROM journal ORDER BY seq DESC LIMIT 1")
        last = date.fromisoformat(newest[0][:10]) if newest else date(1970, 1, 1)
        balances = {row[0]: row[-1] for row in rows}
        return write_beancount(self.chart, accounts, opened, _list_movements(tx), balances, last)

    def check(self, tx: ReadTransaction) -> int:
        """Recount the books from their entries; return how many entries there are.

        Raises
        ------
        LedgerImbalance
            If a kind does not add up to zero, a balance is not the sum of its entries, a limit is broken, or
            reservations are lost or doubled.
        """
        return _check(tx)

    def _make_account(self, opening: Opening) -> _Row | Finding:
        found = self.chart.find_pattern(opening.name)
        if found is None or opening.kind not in found[0].kinds:
            return _finding("not_in_chart", opening.name, f"{opening.name} for {opening.kind}", "an account of the chart", Text(
                f"科目表中没有可持有「{opening.kind}」的账户「{opening.name}」",
                f"the chart knows no account '{opening.name}' for {opening.kind}; add its pattern or correct the name"))  # fmt: skip
        pattern, party = found
        lowest, highest = (
            None if said == "none" else default if said is None else int(said)
            for said, default in ((opening.lowest, pattern.lowest), (opening.highest, pattern.highest))
        )
        return (opening.name, opening.kind, pattern.name, party, lowest, highest)

    def _recall(self, tx: WriteTransaction) -> tuple[WriteTransaction, int] | None:
        """Forget balances unless the books stand where our last line left them; say whose line that was.

        They do within the same transaction while nobody else recorded a line of the ledger, and in the next one
        while the hash of the commit before it is that of ours. Until the caller has succeeded nothing is trusted.
        """
        left, self._left = self._left, None
        if left is not None:
            before, seq = left
            same = before is tx or (before.sealed == tx.sealed_before and not tx.last_seq_of("ledger"))
            if same and before.last_seq_of("ledger") == seq:
                return left
        self._reading += 1
        self._fresh.clear()
        self._last = None
        if len(self._accounts) > _MOST_NAMES:
            self._names.clear()
            self._accounts.clear()
        return None

    def _find_accounts(self, tx: WriteTransaction, names: Mapping[str, set[str]]) -> dict[str, dict[str, Standing]]:
        """Read accounts by kind and name."""
        sql = f"SELECT {_FOUND} FROM ledger_account WHERE kind = ? AND name IN (?)"
        return {
            kind: {row[1]: self._remember(tx, row) for row in tx.rows_in(sql, wanted, (kind,))}
            for kind, wanted in names.items()
        }

    def _remember(self, tx: WriteTransaction, row: Sequence[Any]) -> Standing:
        no, name, kind, pattern, lowest, highest, seq = row
        account = self._accounts.get(no) or Standing(no, name, kind, pattern, lowest, highest)
        if seq <= tx.committed_seq:
            self._names.setdefault(kind, {})[name] = self._accounts[no] = account
        return account

    def _open_page(
        self, tx: WriteTransaction, transfers: Sequence[Transfer], about: Iterable[Entry] = ()
    ) -> tuple[Page, list[list[Any]], int]:
        self._last = self._last or _last_numbers(tx)
        last_entry, last_account, last_ground = self._last
        names, met, opened = self._name_accounts(tx, transfers, last_account)
        ids = [one.id for one in transfers] + [one.of for one in transfers if one.of]
        entries = {entry.id: entry for entry in about}
        sql = f"SELECT {', '.join(ENTRY_COLUMNS)} FROM ledger_transfer WHERE id IN (?)"
        for row in tx.rows_in(sql, ids):
            entries[row[1]] = Entry(*row)
        ends = {no for e in entries.values() for no in (e.source, e.destination)}
        sql = f"SELECT {_FOUND} FROM ledger_account WHERE no IN (?)"
        for row in tx.rows_in(sql, [no for no in ends if no not in self._accounts and no not in met]):
            met[row[0]] = self._remember(tx, row)
        met.update({no: self._accounts[no] for no in ends if no not in met})
        old = {no: one for no, one in met.items() if one.read_at != self._reading}
        for no, *held in tx.rows_in(f"SELECT {_STANDING} FROM ledger_balance WHERE no IN (?)", old.keys()):
            old[no].read(self._reading, held)
        words = self._read_grounds(tx, last_ground)
        now = datetime.fromisoformat(tx.next_stamp())
        grounds = {ground: no for no, ground in words.items()}
        by_number = ChainMap(met, self._accounts)
        page = Page(self.chart, last_entry + 1, now, names, by_number, entries, {}, {}, grounds, words)
        held_nos = [entry.no for entry in entries.values() if entry.action == "reserve"]
        for no, until in tx.rows_in("SELECT no, until FROM ledger_pending WHERE no IN (?)", held_nos):
            page.open[no] = datetime.fromisoformat(until) if until else None
        moved = [entry.no for entry in entries.values() if entry.action in ("post", "settle")]
        page.reversed.update(
            (of, no) for of, no in tx.rows_in("SELECT of_no, no FROM ledger_reversal WHERE of_no IN (?)", moved)
        )
        return page, opened, last_ground

    def _name_accounts(
        self, tx: WriteTransaction, transfers: Sequence[Transfer], last: int
    ) -> tuple[Mapping[str, Mapping[str, Standing]], dict[int, Standing], list[list[Any]]]:
        """Accounts by kind and name; those whose balance is to be read, by number; rows of accounts to open."""
        unknown: dict[str, set[str]] = {}
        met: dict[int, Standing] = {}
        asked = _list_names(transfers)
        for kind, wanted in asked.items():
            known, fresh = self._names.setdefault(kind, {}), self._fresh.setdefault(kind, set())
            stale = wanted - fresh
            stale.discard("")
            for name in stale:
                account = known.get(name)
                if account is None:
                    unknown.setdefault(kind, set()).add(name)
                else:
                    met[account.no] = account
                    fresh.add(name)
        if not unknown:
            return self._names, met, []
        late: dict[str, dict[str, Standing]] = {}
        gone: set[tuple[str, str]] = set()
        for kind, here in self._find_accounts(tx, unknown).items():
            for name in unknown[kind]:
                account = here.get(name)
                if account is None:
                    gone.add((kind, name))
                    continue
                met[account.no] = account
                if name in self._names[kind]:
                    self._fresh[kind].add(name)
                else:
                    late.setdefault(kind, {})[name] = account
        opened = self._open_on_use(transfers, gone, late, last) if gone else []
        if not late:
            return self._names, met, opened
        names: dict[str, Mapping[str, Standing]] = dict(self._names)
        for kind, here in late.items():
            known = self._names[kind]
            names[kind] = here | {name: known[name] for name in asked[kind] if name in known}
            met.update({account.no: account for account in here.values()})
        return names, met, opened

    def _open_on_use(
        self,
        transfers: Sequence[Transfer],
        gone: set[tuple[str, str]],
        late: dict[str, dict[str, Standing]],
        last: int,
    ) -> list[list[Any]]:
        """Number the accounts that the chart opens on first use, in the order in which transfers name them."""
        opened: list[list[Any]] = []
        for one in transfers:
            for name in (one.source, one.destination):
                if (one.kind, name) not in gone:
                    continue
                gone.remove((one.kind, name))
                row = self._make_account(Opening(name, one.kind))
                if not isinstance(row, Finding) and self.chart.patterns[row[2]].opens_on_use:
                    no, (_, kind, pattern, _, lowest, highest) = last + len(opened) + 1, row
                    opened.append([no, *row])
                    late.setdefault(kind, {})[name] = Standing(no, name, kind, pattern, lowest, highest, self._reading)
        return opened

    def _read_grounds(self, tx: WriteTransaction, last: int) -> dict[int, Ground]:
        if len(self._grounds) < last:
            words = dict(self._grounds)
            sql = "SELECT no, reason, clause, period, seq FROM ledger_ground WHERE no > ? ORDER BY no"
            for no, reason, clause, period, seq in tx.rows(sql, (len(self._grounds),)):
                words[no] = (reason, clause, period)
                if seq <= tx.committed_seq:
                    self._grounds[no] = words[no]
            return words
        return dict(self._grounds)


@contextmanager
def _undisturbed(size: int) -> Iterator[None]:
    """Let no garbage collection begin while a large batch makes its rows: none of them is garbage before its end."""
    if size < _LARGE_BATCH or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _record(tx: WriteTransaction, page: Page, opened: list[list[Any]], known_grounds: int, key: str) -> Line:
    ids, sources, destinations, amounts, grounds, source_before, destination_before = zip(*page.rows, strict=True)
    payload = {
        "first": page.first,
        "opened": opened,
        "grounds": [[no, *words] for no, words in page.words.items() if no > known_grounds],
        "id": ids,
        "source": sources,
        "destination": destinations,
        "amount": amounts,
        "ground": grounds if min(grounds) != max(grounds) else grounds[0],
        "source_before": source_before,
        "destination_before": destination_before,
        "special": [[index, *rest] for index, rest in page.special.items()],
        "marks": page.marks,
    }
    return tx.record("ledger.posted", key or f"ledger:{page.first}", payload, is_new=not key)[0]


def _last_numbers(tx: ReadTransaction) -> tuple[int, int, int]:
    row = tx.row(
        "SELECT (SELECT max(no) FROM ledger_transfer), (SELECT max(no) FROM ledger_account),"
        " (SELECT max(no) FROM ledger_ground)"
    )
    entry, account, ground = row or (0, 0, 0)
    return entry or 0, account or 0, ground or 0


def _list_names(transfers: Sequence[Transfer]) -> dict[str, set[str]]:
    kinds = {one.kind for one in transfers}
    if len(kinds) == 1:
        return {kinds.pop(): {one.source for one in transfers} | {one.destination for one in transfers}}
    return _by_kind((one.kind, name) for one in transfers for name in (one.source, one.destination))


def _by_kind(wanted: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for kind, name in wanted:
        names.setdefault(kind, set()).add(name)
    return names


def _prefixed(table: str) -> str:
    return ", ".join(f"{table}.{column}" for column in ENTRY_COLUMNS)


def _finding(kind: str, name: str, found: object, expected: str, message: Text) -> Finding:
    return Finding(f"ledger.{kind}", f"account {name}", str(found)[:120], expected, message)


def _not_known(name: str, kind: str, seq: int, why: Text) -> Balance:
    return Balance(name, kind, "not_known", None, None, None, seq, why)


def _start(tx: ReadTransaction, account: int, seq: int) -> tuple[int, tuple[int, int, int]]:
    """The nearest noted balance after a seq, else the present one: entry number, and what was held after it."""
    mark = tx.row(
        "SELECT entry, posted, going_out, coming_in FROM ledger_mark WHERE account = ? AND seq > ? ORDER BY seq, entry LIMIT 1",
        (account, seq),
    )
    row = mark or tx.row("SELECT last_entry, posted, going_out, coming_in FROM ledger_balance WHERE no = ?", (account,))
    entry, posted, out, coming = row or (0, 0, 0, 0)
    return entry, (posted, out, coming)


def _walk(tx: ReadTransaction, account: int, entry: int, after: int) -> Iterator[Entry]:
    """Entries of an account from one back to the first after a seq, newest first."""
    sql = (
        f"WITH RECURSIVE walk ({', '.join(ENTRY_COLUMNS)}) AS (SELECT {', '.join(ENTRY_COLUMNS)} FROM ledger_transfer"
        f" WHERE no = ? AND seq > ? UNION ALL SELECT {_prefixed('t')} FROM walk w JOIN ledger_transfer t"
        " ON t.no = CASE WHEN w.source = ? THEN w.source_before ELSE w.destination_before END WHERE t.seq > ?)"
        " SELECT * FROM walk ORDER BY no DESC"
    )
    for row in tx.each_row(sql, (entry, after, account, after)):
        yield Entry(*row)


def _balance_at(tx: ReadTransaction, account: Account, seq: int) -> Balance:
    entry, held = _start(tx, account.no, seq)
    before = entry
    entries: list[Entry] = []
    for one in _walk(tx, account.no, entry, seq):
        entries.append(one)
        before = one.source_before if one.source == account.no else one.destination_before
    posted, out, coming = walk_back(account.no, held, entries)
    return Balance(account.name, account.kind, "known" if before else "none", posted, out, coming, seq)


def _tell(tx: ReadTransaction, account: Account, entries: Sequence[Entry]) -> list[tuple[Entry, Told]]:
    grounds = {no: rest for no, *rest in tx.rows_in(
        "SELECT no, reason, clause, period FROM ledger_ground WHERE no IN (?)", {e.ground for e in entries})}  # fmt: skip
    times = dict(tx.rows_in("SELECT seq, at FROM journal WHERE seq IN (?)", {e.seq for e in entries}))
    ends = {no for e in entries for no in (e.source, e.destination)}
    names = dict(tx.rows_in("SELECT no, name FROM ledger_account WHERE no IN (?)", ends))
    about = {e.of for e in entries if e.of}
    ids = dict(tx.rows_in("SELECT no, id FROM ledger_transfer WHERE no IN (?)", about))
    told = []
    for e in entries:
        reason, clause, period = grounds[e.ground]
        other = names[e.destination if e.source == account.no else e.source]
        told.append((e, Told(times[e.seq], reason, clause, period, other, ids.get(e.of or 0, ""))))
    return told


def _list_movements(tx: ReadTransaction) -> Iterator[Movement]:
    for at, *rest in tx.each_row(
        "SELECT j.at, t.id, t.seq, t.source, t.destination, t.amount, g.reason, g.clause, g.period, coalesce(o.id, '')"
        " FROM ledger_transfer t JOIN journal j ON j.seq = t.seq JOIN ledger_ground g ON g.no = t.ground"
        " LEFT JOIN ledger_transfer o ON o.no = t.of_no WHERE t.action <> 'reserve' AND t.amount > 0 ORDER BY t.no"
    ):
        yield Movement(date.fromisoformat(at[:10]), *rest)


def _check(tx: ReadTransaction) -> int:
    for kind, total in tx.rows(
        "SELECT a.kind, sum(b.posted) FROM ledger_balance b JOIN ledger_account a ON a.no = b.no GROUP BY a.kind"
    ):
        if total:
            raise LedgerImbalance(f"the accounts of {kind} add up to {total}, not to zero")
    posted: defaultdict[int, int] = defaultdict(int)
    held: defaultdict[int, int] = defaultdict(int)
    reserved, count = 0, 0
    for row in tx.each_row(f"SELECT {', '.join(ENTRY_COLUMNS)} FROM ledger_transfer ORDER BY no"):
        entry = Entry(*row)
        count += 1
        posted[entry.source] -= entry.moved
        posted[entry.destination] += entry.moved
        held[entry.source] += entry.held
        held[entry.destination] += entry.held
        reserved += entry.held
    for no, has, out, coming, lowest, highest in tx.each_row(
        "SELECT no, posted, going_out, coming_in, lowest, highest FROM ledger_balance"
    ):
        if has != posted[no] or out + coming != held[no]:
            raise LedgerImbalance(
                f"account {no} says {has} and {out + coming} held; its entries {posted[no]} and {held[no]}"
            )
        if (lowest is not None and has - out < lowest) or (highest is not None and has + coming > highest):
            raise LedgerImbalance(f"account {no} passed its limit: {has}, going out {out}, coming in {coming}")
    found = tx.row("SELECT coalesce(sum(t.amount), 0) FROM ledger_pending p JOIN ledger_transfer t ON t.no = p.no")
    if found is None or int(found[0]) != reserved:
        raise LedgerImbalance(f"open reservations add up to {found and found[0]}, their entries to {reserved}")
    return count


__all__ = ["NEXT_UNTIL", "ORGAN", "Ledger", "Opening", "Refusal"]
