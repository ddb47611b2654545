"""Any order, any repeats, any crash: nothing is lost, nothing is done twice, no limit is passed."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from tests.kernel.ledger.charts import make_test_chart
from yucun.base.clock import SimulatedClock
from yucun.kernel.books import Books, rebuild
from yucun.kernel.ledger import ORGAN, Ledger, Opening, Posted, Transfer

NAMES = st.sampled_from(["household:H1", "household:H2", "household:H3", "pool:relief"])
AMOUNTS = st.integers(1, 400)
TREASURY = "treasury:relief"


class Crash(Exception):
    """The process ends before the commit."""


class LedgerMachine(RuleBasedStateMachine):
    """Random transfers against books on disk, beside a plain model in memory."""

    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = SimulatedClock.on(date(2022, 5, 31), ticking=False)
        self.count = 0
        self.posted: dict[str, int] = {}
        self.open: dict[str, tuple[Transfer, int]] = {}
        self.done: dict[str, Transfer] = {}
        self.reversed: set[str] = set()
        self.sums = dict.fromkeys(("reserved", "posted", "voided", "timed out"), 0)
        self.past: dict[int, dict[str, int]] = {}
        self._open_books()
        with self.books.write() as tx:
            self.ledger.open(tx, [Opening(TREASURY, "fen"), Opening("pool:relief", "fen")])

    def _open_books(self) -> None:
        self.books = Books.open(f"sqlite:///{self.folder.name}/books.sqlite", [ORGAN], self.clock)
        self.ledger = Ledger(make_test_chart())

    def _new_id(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def _available(self, name: str) -> int:
        held = sum(amount for transfer, amount in self.open.values() if transfer.source == name)
        return self.posted.get(name, 0) - held

    def _run(self, transfers: list[Transfer], crash: bool) -> Posted | None:
        try:
            with self.books.write() as tx:
                done = self.ledger.post(tx, transfers)
                if crash:
                    raise Crash
        except Crash:
            self.books.close()
            self._open_books()
            return None
        return done

    @rule(target=asked, source=NAMES, to=NAMES, amount=AMOUNTS, hold=st.booleans(), hours=st.integers(0, 3))
    def wish(self, source: str, to: str, amount: int, hold: bool, hours: int) -> Any:
        reason = "household.pay" if source != "pool:relief" else "relief.monthly"
        until = self.clock.now() + timedelta(hours=hours) if hold and hours else None
        return Transfer(
            self._new_id(), source, to, amount, "fen", reason, action="reserve" if hold else "post", until=until
        )

    @rule(target=asked, to=NAMES, amount=AMOUNTS)
    def fund(self, to: str, amount: int) -> Any:
        reason = "relief.fund" if to == "pool:relief" else "relief.monthly"
        return Transfer(self._new_id(), TREASURY, to, amount, "fen", reason)

    @rule(target=asked, of=asked, action=st.sampled_from(["settle", "void", "reverse"]), amount=st.integers(0, 400))
    def finish(self, of: Transfer, action: Any, amount: int) -> Any:
        amount = amount if action == "settle" else 0
        return multiple(Transfer(self._new_id(), "", "", amount, "", "household.pay", action=action, of=of.id))

    @rule(transfers=st.lists(asked, min_size=1, max_size=6), chained=st.booleans(), crash=st.integers(0, 5))
    def post(self, transfers: list[Transfer], chained: bool, crash: int) -> None:
        if chained:
            transfers = [
                Transfer(**{name: getattr(t, name) for name in Transfer.__slots__} | {"chain": "x"}) for t in transfers
            ]
        posted = self._run(transfers, crash == 0)
        if posted is None:
            return
        assert len(posted.done) + len(posted.already) + len(posted.refused) == len(transfers)
        if chained:
            assert not (posted.done and posted.refused)
        by_id = {transfer.id: transfer for transfer in transfers}
        for name in posted.done:
            assert name not in self.done
            self._remember(by_id[name])
        for name in posted.already:
            assert name in self.done
        if posted.seq:
            self.past[posted.seq] = dict(self.posted)

    def _move(self, source: str, to: str, amount: int) -> None:
        self.posted[source] = self.posted.get(source, 0) - amount
        self.posted[to] = self.posted.get(to, 0) + amount

    def _remember(self, one: Transfer) -> None:
        self.done[one.id] = one
        if one.action == "reserve":
            self.open[one.id] = (one, one.amount)
            self.sums["reserved"] += one.amount
        elif one.action in ("settle", "void"):
            about, amount = self.open.pop(one.of)
            moved = (one.amount or amount) if one.action == "settle" else 0
            self._move(about.source, about.destination, moved)
            self.sums["posted"] += moved
            self.sums["voided"] += amount - moved
            self.done[one.id] = Transfer(one.id, about.source, about.destination, moved, "fen", action="settle")
        elif one.action == "reverse":
            about = self.done[one.of]
            assert one.of not in self.reversed
            self.reversed.add(one.of)
            self._move(about.destination, about.source, about.amount)
        else:
            self._move(one.source, one.destination, one.amount)

    @rule(hours=st.integers(1, 3), crash=st.booleans())
    def wait(self, hours: int, crash: bool) -> None:
        self.clock.advance(timedelta(hours=hours))
        try:
            with self.books.write() as tx:
                posted = self.ledger.time_out(tx)
                if crash:
                    raise Crash
        except Crash:
            self.books.close()
            self._open_books()
            return
        over = [name for name, (one, _) in self.open.items() if one.until and one.until <= self.clock.now()]
        assert len(posted.done) == len(over)
        for name in over:
            self.sums["timed out"] += self.open.pop(name)[1]

    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        with self.books.read() as tx:
            self.ledger.check(tx)
            rows = dict(tx.rows("SELECT a.name, b.posted FROM ledger_account a JOIN ledger_balance b ON b.no = a.no"))
        assert sum(rows.values()) == 0
        assert {name: amount for name, amount in rows.items() if amount} == {n: a for n, a in self.posted.items() if a}
        assert all(self._available(name) >= 0 for name in rows if name != TREASURY)
        pending = sum(amount for _, amount in self.open.values())
        finished = self.sums["posted"] + self.sums["voided"] + self.sums["timed out"]
        assert pending + finished == self.sums["reserved"]

    def teardown(self) -> None:
        fresh = Books.open("sqlite://", [ORGAN], self.clock)
        assert rebuild(self.books, fresh) == self.books.state_hash()
        with self.books.read() as tx:
            for seq, right in self.past.items():
                for name, amount in right.items():
                    assert self.ledger.balance(tx, name, "fen", seq).posted == amount
        fresh.close()
        self.books.close()
        self.folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
