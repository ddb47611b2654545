"""The ledger on both stores: transfers, reservations, chains, limits, reversals, closing, the past, statements, export."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.ledger.charts import make_test_chart
from yucun.base.clock import SimulatedClock
from yucun.base.errors import LedgerImbalance, NotKnown, PostingError
from yucun.kernel.books import Books, rebuild
from yucun.kernel.ledger import ORGAN, Ledger, Opening, Posted, Transfer, split, tables


def relief(name: str, to: str, amount: int, **more: Any) -> Transfer:
    return Transfer(name, "treasury:relief", f"household:{to}", amount, "fen", "relief.monthly", **more)


def pay(name: str, source: str, to: str, amount: int, **more: Any) -> Transfer:
    return Transfer(name, f"household:{source}", f"household:{to}", amount, "fen", "household.pay", **more)


def post(books: Books, ledger: Ledger, *transfers: Transfer, key: str = "") -> Posted:
    with books.write() as tx:
        return ledger.post(tx, transfers, key)


def kinds(posted: Posted) -> list[str]:
    return [one.finding.kind for one in posted.refused]


def held(books: Books, ledger: Ledger, name: str, as_of: Any = None, kind: str = "fen") -> tuple[Any, ...]:
    with books.read() as tx:
        found = ledger.balance(tx, f"household:{name}", kind, as_of)
    return found.standing, found.posted, found.going_out, found.coming_in


def test_a_transfer_is_done_once(books: Books, ledger: Ledger) -> None:
    assert post(books, ledger, relief("r1", "H1", 500)).done == ("r1",)
    again = post(books, ledger, relief("r1", "H1", 500), relief("r2", "H1", 5), relief("r2", "H1", 5))
    assert (again.done, again.already) == (("r2",), ("r1", "r2"))
    assert kinds(post(books, ledger, relief("r1", "H1", 501))) == ["ledger.id_used"]
    assert held(books, ledger, "H1") == ("known", 505, 0, 0)
    with books.read() as tx:
        assert ledger.check(tx) == 2
        assert ledger.balance(tx, "treasury:relief", "fen").posted == -505


def test_what_the_books_refuse_and_why(books: Books, ledger: Ledger) -> None:
    post(books, ledger, relief("r1", "H1", 500))
    posted = post(
        books,
        ledger,
        pay("short", "H1", "H2", 501),
        pay("same", "H1", "H1", 1),
        pay("zero", "H1", "H2", 0),
        Transfer("kind", "household:H1", "household:H2", 1, "carbon_g", "household.pay"),
        Transfer("reason", "household:H1", "household:H2", 1, "fen", "no.such"),
        Transfer("nobody", "household:H1", "household:XX", 1, "fen", "household.pay"),
        Transfer("ends", "pool:relief", "treasury:relief", 1, "fen", "household.pay"),
        Transfer("clause", "treasury:relief", "household:H1", 1, "carbon_g", "carbon.issue"),
        Transfer("full", "treasury:relief", "pool:relief", 1_000_001, "fen", "relief.fund"),
        pay("whole", "H1", "H2", 500),
    )
    assert posted.done == ("whole",)
    assert {one.id: one.finding.kind.removeprefix("ledger.") for one in posted.refused} == {
        "short": "short", "same": "same_account", "zero": "no_amount", "kind": "wrong_kind", "reason": "unknown_reason",
        "nobody": "unknown_account", "ends": "wrong_account", "clause": "no_clause", "full": "over",
    }  # fmt: skip
    assert "500" in posted.refused[0].finding.message.zh
    assert held(books, ledger, "H1") == ("known", 0, 0, 0)
    with pytest.raises(PostingError, match="available"), books.write() as tx:
        ledger.post(tx, [relief("x1", "H1", 5), pay("x2", "H2", "H1", 900)], all_or_none=True)
    assert held(books, ledger, "H1") == ("known", 0, 0, 0)
    assert post(books, ledger, pay("all-back", "H2", "H1", 500)).done == ("all-back",)


@pytest.mark.parametrize("wrong", [{"amount": -1}, {"amount": 1.5}, {"amount": True}, {"id": ""}, {"id": "time-out:1"}])
def test_a_transfer_refuses_bad_values(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Transfer(**{"id": "a", "amount": 1, **wrong})


def test_a_reservation_is_finished_once(books: Books, ledger: Ledger, clock: SimulatedClock) -> None:
    post(books, ledger, relief("r1", "H1", 1000))
    until = clock.now() + timedelta(days=1)
    posted = post(books, ledger, *(pay(f"hold{n}", "H1", "H2", 250, action="reserve", until=until) for n in range(5)))
    assert (len(posted.done), kinds(posted)) == (4, ["ledger.short"])
    assert held(books, ledger, "H1") == ("known", 1000, 1000, 0)
    assert held(books, ledger, "H2") == ("known", 0, 0, 1000)
    posted = post(
        books,
        ledger,
        Transfer("s0", action="settle", of="hold0"),
        Transfer("s1", amount=100, action="settle", of="hold1"),
        Transfer("v2", action="void", of="hold2"),
        Transfer("s1-again", action="settle", of="hold1"),
        Transfer("too-much", amount=251, action="settle", of="hold3"),
        Transfer("nothing", action="void", of="r1"),
    )
    assert posted.done == ("s0", "s1", "v2")
    assert kinds(posted) == ["ledger.not_open", "ledger.over_reserved", "ledger.no_reservation"]
    assert held(books, ledger, "H1") == ("known", 650, 250, 0)
    clock.advance(timedelta(days=2))
    assert kinds(post(books, ledger, Transfer("late", action="settle", of="hold3"))) == ["ledger.timed_out"]
    with books.write() as tx:
        assert len(ledger.time_out(tx).done) == 1
        assert ledger.time_out(tx).done == ()
    assert held(books, ledger, "H1") == ("known", 650, 0, 0)
    assert held(books, ledger, "H2") == ("known", 350, 0, 0)
    with books.read() as tx:
        ledger.check(tx)


def test_a_reason_of_its_own_brings_its_own_clause(books: Books, ledger: Ledger) -> None:
    """A void that names another reason rests on that reason's clause; one that names none, on the reservation's."""
    holds = (relief(f"hold{n}", "H1", 10, action="reserve", clause="art. 5", period="2022-05") for n in range(4))
    post(
        books,
        ledger,
        *holds,
        Transfer("none", action="void", of="hold0"),
        Transfer("same", action="void", of="hold1", reason="relief.monthly"),
        Transfer("other", action="void", of="hold2", reason="relief.fund"),
        Transfer("said", action="void", of="hold3", reason="relief.fund", clause="art. 9"),
    )
    with books.read() as tx:
        (account,) = ledger.statement(tx, "household:H1").accounts
    found = {one.id: (one.reason, one.clause, one.period) for one in account.lines if one.action == "void"}
    assert found == {
        "none": ("relief.monthly", "art. 5", "2022-05"),
        "same": ("relief.monthly", "art. 5", "2022-05"),
        "other": ("relief.fund", "made-up clause 1", "2022-05"),
        "said": ("relief.fund", "art. 9", "2022-05"),
    }


def test_a_chain_is_done_whole_or_not_at_all(books: Books, ledger: Ledger) -> None:
    carbon = Transfer("c0", "treasury:relief", "household:H1", 40_000_000, "carbon_g", "carbon.issue", "clause 3")
    post(books, ledger, relief("r1", "H2", 1000), carbon)
    leg = Transfer("leg1", "household:H1", "household:H2", 40_000_000, "carbon_g", "carbon.sale", chain="sale")
    posted = post(books, ledger, leg, pay("leg2", "H2", "H1", 1001, chain="sale"), pay("alone", "H2", "H3", 1))
    assert (posted.done, kinds(posted)) == (("alone",), ["ledger.short", "ledger.chain"])
    assert held(books, ledger, "H1", kind="carbon_g") == ("known", 40_000_000, 0, 0)
    posted = post(books, ledger, leg, pay("leg2", "H2", "H1", 999, chain="sale"))
    assert posted.done == ("leg1", "leg2")
    assert held(books, ledger, "H2", kind="carbon_g") == ("known", 40_000_000, 0, 0)
    hold = pay("hold", "H1", "H3", 9, action="reserve", chain="x")
    posted = post(
        books,
        ledger,
        hold,
        Transfer("s", action="settle", of="hold", chain="x"),
        Transfer("t", action="void", of="hold", chain="x"),
    )
    assert posted.done == ()
    assert held(books, ledger, "H1") == ("known", 999, 0, 0)
    posted = post(books, ledger, hold, Transfer("s", action="settle", of="hold", chain="x"))
    assert posted.done == ("hold", "s")
    with books.read() as tx:
        ledger.check(tx)


def test_a_reversal_names_what_it_reverses(books: Books, ledger: Ledger) -> None:
    post(books, ledger, relief("r1", "H1", 500))
    back = Transfer("b1", action="reverse", of="r1", reason="relief.monthly", clause="made-up clause 8")
    assert kinds(post(books, ledger, Transfer("b0", action="reverse", of="r1"))) == ["ledger.unknown_reason"]
    assert post(books, ledger, back).done == ("b1",)
    assert post(books, ledger, back).already == ("b1",)
    again = Transfer("b2", action="reverse", of="r1", reason="relief.monthly")
    assert kinds(post(books, ledger, again)) == ["ledger.reversed_already"]
    assert held(books, ledger, "H1") == ("known", 0, 0, 0)
    post(books, ledger, relief("r2", "H1", 500), pay("p", "H1", "H2", 1))
    spent = Transfer("b3", action="reverse", of="r2", reason="relief.monthly")
    assert kinds(post(books, ledger, spent)) == ["ledger.short"]
    with books.read() as tx:
        told = ledger.statement(tx, "household:H1").accounts[0]
        assert [(line.id, line.about, line.clause) for line in told.lines][1] == ("b1", "r1", "made-up clause 8")


def test_the_past_is_never_silently_empty(books: Books, ledger: Ledger, clock: SimulatedClock) -> None:
    with books.write() as tx:
        opened = ledger.open(tx, [Opening("household:H1", "fen")])
    assert opened is not None
    first = post(books, ledger, relief("r1", "H1", 500))
    between = clock.now()
    clock.advance(timedelta(days=1))
    second = post(books, ledger, pay("p1", "H1", "H2", 500))
    assert held(books, ledger, "H1", opened.seq - 1) == ("not_known", None, None, None)
    assert held(books, ledger, "H1", opened.seq) == ("none", 0, 0, 0)
    assert held(books, ledger, "H1", first.seq) == held(books, ledger, "H1", between) == ("known", 500, 0, 0)
    assert held(books, ledger, "H1", second.seq) == held(books, ledger, "H1") == ("known", 0, 0, 0)
    assert held(books, ledger, "H1", second.seq + 1)[0] == "not_known"
    assert held(books, ledger, "H9")[0] == "not_known"
    with books.read() as tx, pytest.raises(NotKnown):
        _ = ledger.balance(tx, "household:H9", "fen").available


def test_every_balance_of_a_busy_account_can_be_asked_again(books: Books, ledger: Ledger) -> None:
    seen: dict[int, tuple[int, int]] = {}
    for n in range(12):
        hold = relief(f"h{n}", "H7", 3, action="reserve")
        done = post(books, ledger, *(relief(f"r{n}-{i}", "H7", n + i) for i in range(1, 90)), hold)
        with books.read() as tx:
            now = ledger.balance(tx, "household:H7", "fen")
        assert now.posted is not None and now.coming_in is not None
        seen[done.seq] = (now.posted, now.coming_in)
    for seq, right in seen.items():
        assert held(books, ledger, "H7", seq) == ("known", right[0], 0, right[1])
    with books.read() as tx:
        assert tx.rows("SELECT count(*) FROM ledger_mark")[0][0] >= 8
        told = ledger.statement(tx, "household:H7", after=min(seen), until=max(seen) - 1).accounts[0]
    assert told.opening.posted == seen[min(seen)][0]
    assert told.lines[-1].balance == told.closing.posted == seen[max(seen) - 1][0]


def test_an_account_is_closed_for_good(books: Books, ledger: Ledger) -> None:
    post(books, ledger, relief("r1", "H1", 5))
    with pytest.raises(PostingError, match="not empty"), books.write() as tx:
        ledger.close(tx, "household:H1", "fen", "moved away", "clause 4")
    post(books, ledger, pay("p1", "H1", "H2", 5))
    with books.write() as tx:
        ledger.close(tx, "household:H1", "fen", "moved away", "clause 4")
    assert kinds(post(books, ledger, relief("r2", "H1", 5), pay("p2", "H2", "H1", 1))) == ["ledger.closed"] * 2
    back = Transfer("b", action="reverse", of="p1", reason="household.pay")
    assert kinds(post(books, ledger, back)) == ["ledger.closed"]


def test_a_key_is_one_batch(books: Books, ledger: Ledger) -> None:
    first = post(books, ledger, relief("r1", "H1", 5), pay("p1", "H1", "H2", 9), key="event-1")
    assert (first.done, kinds(first)) == (("r1",), ["ledger.short"])
    post(books, ledger, relief("r2", "H1", 50))
    again = post(books, ledger, relief("r1", "H1", 5), pay("p1", "H1", "H2", 9), key="event-1")
    assert (again.done, again.already, kinds(again)) == ((), ("r1",), ["ledger.key_used"])
    assert held(books, ledger, "H1") == ("known", 55, 0, 0)


def test_an_undone_transaction_leaves_no_trace_in_memory(books: Books, ledger: Ledger) -> None:
    post(books, ledger, relief("r1", "H1", 5))
    for _ in range(2):
        with pytest.raises(RuntimeError), books.write() as tx:
            ledger.post(tx, [relief("r2", "H1", 100), relief("r3", "H5", 100, period="2022-05")])
            raise RuntimeError
        assert kinds(post(books, ledger, pay("p1", "H1", "H2", 6))) == ["ledger.short"]
    other = Ledger(make_test_chart())
    with books.write() as tx:
        assert ledger.post(tx, [pay("p2", "H1", "H2", 2)]).done == ("p2",)
        assert other.post(tx, [pay("p3", "H1", "H2", 2)]).done == ("p3",)
        assert ledger.post(tx, [pay("p4", "H1", "H2", 2), pay("p5", "H1", "H2", 1)]).done == ("p5",)
    with books.read() as tx:
        ledger.check(tx)


def test_the_books_themselves_hold_the_limits(books: Books, ledger: Ledger) -> None:
    post(books, ledger, relief("r1", "H1", 5))
    with pytest.raises(Exception, match=r"(?i)check"), books.write() as tx:
        tx.execute("UPDATE ledger_balance SET posted = -1 WHERE lowest = 0 AND posted = 5")
    with books.write() as tx:
        tx.execute("UPDATE ledger_balance SET posted = 6 WHERE posted = 5")
    with books.read() as tx, pytest.raises(LedgerImbalance):
        ledger.check(tx)


def test_rebuild_reaches_the_same_ledger(books: Books, ledger: Ledger, clock: SimulatedClock, tmp_path: Path) -> None:
    post(books, ledger, *(relief(f"r{n}", f"H{n % 7}", n) for n in range(1, 300)))
    post(books, ledger, pay("h", "H1", "H2", 9, action="reserve"), Transfer("s", action="settle", of="h", amount=4))
    fresh = Books.open(f"sqlite:///{tmp_path}/fresh.sqlite", [ORGAN], clock)
    assert rebuild(books, fresh) == books.state_hash()
    with fresh.read() as tx:
        assert ledger.check(tx) == 301
    fresh.close()


def test_beancount_accepts_the_export(books: Books, ledger: Ledger, tmp_path: Path) -> None:
    carbon = Transfer("c0", "treasury:relief", "household:H1", 40_000_001, "carbon_g", "carbon.issue", '条款 "3"')
    post(books, ledger, relief("r1", "H1", 50_05, period="2022-05"), pay("p", "H1", "H2", 1), carbon)
    post(books, ledger, pay("h", "H1", "H2", 9, action="reserve"), Transfer("s", action="settle", of="h", amount=4))
    path = tmp_path / "books.beancount"
    with books.read() as tx:
        path.write_text("\n".join(ledger.export(tx)) + "\n", encoding="utf-8")
    _, errors, _ = loader.load_file(str(path))
    assert errors == []
    check = Path(sys.executable).with_name("bean-check")
    done = subprocess.run([check, path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "50.05 CNY" in path.read_text(encoding="utf-8") and "40.000001 TCO2E" in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace("0.05 CNY", "0.06 CNY"), encoding="utf-8")
    assert loader.load_file(str(path))[1]


def test_a_split_loses_nothing_and_its_remainder_has_an_owner() -> None:
    shares = split(1_000_003, {f"h{n}": 1 + n % 3 for n in range(280)}, "village:fund")
    assert sum(share.amount for share in shares) == 1_000_003
    assert shares[-1].name == "village:fund" and shares[-1].extra == shares[-1].amount < 280
    with pytest.raises(PostingError):
        split(10, {"a": 0})


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.one_of(st.integers(0, 99), st.integers(2**60, 2**63 - 1))),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 10**12),
)
def test_many_entries_change_balances_as_each_of_them_would(rows: list[tuple[int, int, int]], first: int) -> None:
    source, destination, amount = (list(column) for column in zip(*rows, strict=True))
    said = {"first": first, "source": source, "destination": destination, "amount": amount}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_MANY", 10**9)
        each = tables._list_changes(said, {})
        patch.setattr(tables, "_MANY", 1)
        assert tables._list_changes(said, {}) == each
    assert sum(posted for _, posted, _ in each) == 0
    assert [no for no, _, _ in each] == sorted({*source, *destination})
