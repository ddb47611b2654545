"""The commit point on both stores: once, chained, undone whole, rebuilt to the same state."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yucun.base.clock import SimulatedClock
from yucun.base.errors import JournalBroken, NotKnown, PlaceError, Yours
from yucun.kernel.books import Attachments, Books, Line, Message, Migration, Organ, Projecting, rebuild, sqlite
from yucun.kernel.books.files import UNFINISHED
from yucun.kernel.books.model import canonical


def _count(tx: Projecting, line: Line) -> None:
    tx.execute(
        "INSERT INTO tally (name, amount) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET amount = tally.amount + excluded.amount",
        (line.payload["name"], line.payload["amount"]),
    )


TALLY = Organ(
    "tally",
    (
        Migration(
            1, "tally", ("CREATE TABLE tally (name TEXT PRIMARY KEY, amount BIGINT NOT NULL CHECK (amount >= 0))",)
        ),
    ),
    ("tally",),
    {"tally.counted": _count},
)


@pytest.fixture
def books(url: str, clock: SimulatedClock) -> Iterator[Books]:
    opened = Books.open(url, [TALLY], clock)
    yield opened
    opened.close()


def _add(books: Books, key: str, name: str = "plum", amount: int = 1) -> tuple[Line, bool]:
    with books.write() as tx:
        return tx.record("tally.counted", key, {"name": name, "amount": amount})


def test_a_line_is_recorded_once_and_applied(books: Books) -> None:
    line, is_new = _add(books, "a", amount=3)
    again, is_new_again = _add(books, "a", amount=3)
    assert (is_new, is_new_again) == (True, False)
    assert again.seq == line.seq == 1
    with books.read() as tx:
        assert tx.rows("SELECT name, amount FROM tally") == [("plum", 3)]
    assert books.verify() == 1


def test_one_key_cannot_be_two_events(books: Books) -> None:
    _add(books, "a", amount=3)
    with pytest.raises(Yours, match="other content"):
        _add(books, "a", amount=4)
    assert books.verify() == 1


def test_an_error_undoes_all_of_it(books: Books) -> None:
    with pytest.raises(RuntimeError, match="stop"), books.write() as tx:
        tx.record("tally.counted", "a", {"name": "plum", "amount": 1})
        raise RuntimeError("stop")
    with pytest.raises(Exception, match=r"(?i)check"):
        _add(books, "b", amount=-5)
    with books.read() as tx:
        assert tx.last_seq() == 0
        assert tx.rows("SELECT * FROM tally") == []
    assert _add(books, "a")[0].seq == 1


def test_time_never_goes_back_and_an_instant_is_a_seq(books: Books, clock: SimulatedClock) -> None:
    first, _ = _add(books, "a")
    between = clock.now() + timedelta(hours=1)
    clock.advance(timedelta(hours=2))
    second, _ = _add(books, "b")
    clock.instant -= timedelta(days=400)
    third, _ = _add(books, "c")
    assert first.at < second.at == third.at
    with books.read() as tx:
        assert tx.seq_at(between) == first.seq
        assert tx.seq_at(between + timedelta(days=1)) == third.seq
        assert tx.seq_at(between - timedelta(days=9)) == 0


def test_messages_and_attachments_come_with_the_line(books: Books, tmp_path: Path) -> None:
    attachments = Attachments(tmp_path / "attachments")
    kept = attachments.keep("名单".encode(), "text/plain", "list.txt")
    stray = attachments.keep(b"never named", "text/plain", "stray.txt")
    with books.write() as tx:
        tx.record("note.sent", "n1", {}, messages=[Message("t1", "notify", {"to": "clerk"})], attachments=[kept])
    with books.write() as tx:
        tx.record("books.delivered", "delivered:t1", {"token": "t1"})
    with books.read() as tx:
        assert tx.rows("SELECT token, state, answered_seq FROM outbox") == [("t1", "delivered", 2)]
    (tmp_path / "attachments" / f"half{UNFINISHED}").write_bytes(b"cut off")
    with books.writing():
        assert attachments.sweep(books) == 1
    assert attachments.get(kept.sha256).decode() == "名单"
    with pytest.raises(NotKnown):
        attachments.get(stray.sha256)


def test_a_changed_line_breaks_the_chain(books: Books) -> None:
    for key in "abc":
        _add(books, key)
    with books.write() as tx:
        tx.execute("UPDATE journal SET payload = ? WHERE seq = 2", ('{"amount":9,"name":"plum"}',))
    with pytest.raises(JournalBroken, match="commit 2"):
        books.verify()


def test_rebuild_reaches_the_same_state_on_the_other_store(books: Books, clock: SimulatedClock, tmp_path: Path) -> None:
    with books.write() as tx:
        for n in range(20):
            tx.record("tally.counted", f"k{n}", {"name": f"n{n % 3}", "amount": n})
    _add(books, "last")
    fresh = Books.open(f"sqlite:///{tmp_path}/fresh.sqlite", [TALLY], clock)
    assert rebuild(books, fresh) == books.state_hash() == fresh.state_hash()
    assert fresh.verify() == 21
    with pytest.raises(JournalBroken, match="not empty"):
        rebuild(books, fresh)
    fresh.close()


def test_a_projection_that_drifted_is_caught(books: Books, clock: SimulatedClock) -> None:
    _add(books, "a")
    with books.write() as tx:
        tx.execute("UPDATE tally SET amount = 7")
    fresh = Books.open("sqlite://", [TALLY], clock)
    with pytest.raises(JournalBroken, match="rebuild reached"):
        rebuild(books, fresh)


def test_a_migration_that_reshapes_applies_the_journal_again(books: Books, url: str, clock: SimulatedClock) -> None:
    _add(books, "a", "plum", 2)
    _add(books, "b", "pear", 3)

    def count_with_length(tx: Projecting, line: Line) -> None:
        _count(tx, line)
        tx.execute("UPDATE tally SET length = ? WHERE name = ?", (len(line.payload["name"]), line.payload["name"]))

    reshaped = Organ(
        "tally",
        (
            *TALLY.migrations,
            Migration(2, "length", ("ALTER TABLE tally ADD COLUMN length BIGINT",), applies_again=True),
        ),
        ("tally",),
        {"tally.counted": count_with_length},
    )
    newer = Books.open(url, [reshaped], clock)
    with newer.read() as tx:
        assert sorted(tx.rows("SELECT name, amount, length FROM tally")) == [("pear", 3, 4), ("plum", 2, 4)]
    newer.close()
    with pytest.raises(PlaceError, match="newer program"):
        Books.open(url, [TALLY], clock)


def test_many_writers_lose_nothing(books: Books) -> None:
    def write(worker: int) -> None:
        for n in range(15):
            _add(books, f"{worker}-{n}")

    workers = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert books.verify() == 90
    with books.read() as tx:
        assert tx.rows("SELECT amount FROM tally") == [(90,)]


def test_a_reader_sees_one_moment(books: Books) -> None:
    _add(books, "a")
    with books.read() as tx:
        before = tx.last_seq()
        if books.dialect == "postgresql" or before:
            worker = threading.Thread(target=_add, args=(books, "b"))
            worker.start()
            worker.join()
        assert tx.last_seq() == before == 1
    with books.read() as tx:
        assert tx.last_seq() == 2


def test_an_address_that_is_no_database_is_refused(clock: SimulatedClock) -> None:
    with pytest.raises(PlaceError, match="sqlite:///PATH"):
        Books.open("mysql://localhost/city", [], clock)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 5)), max_size=25))
def test_any_order_and_any_repeat_keeps_the_sum(events: list[tuple[str, int]]) -> None:
    books = Books.open("sqlite://", [TALLY], SimulatedClock.on(date(2022, 5, 31), ticking=False))
    seen: dict[str, int] = {}
    for key, amount in events:
        if seen.setdefault(key, amount) == amount:
            _add(books, key, amount=amount)
    with books.read() as tx:
        found = tx.rows("SELECT sum(amount) FROM tally")
    assert (found[0][0] or 0) == sum(seen.values())
    assert books.verify() == len(seen)
    books.close()


def test_a_statement_that_fails_undoes_all_that_travelled_with_it(books: Books) -> None:
    _add(books, "first")
    before = books.state_hash()
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)), books.write() as tx:
        tx.record("tally.counted", "second", {"name": "plum", "amount": 1})
        with tx.undoable():
            tx.execute("INSERT INTO tally (name, amount) VALUES (?, ?)", ("pear", -1))
        tx.record("tally.counted", "third", {"name": "fig", "amount": 1})
    assert books.state_hash() == before
    _add(books, "fourth")
    assert books.verify() == 2
    with books.read() as tx:
        assert tx.rows("SELECT name, amount FROM tally") == [("plum", 2)]


def test_many_small_statements_are_seen_by_the_next_question(books: Books) -> None:
    with books.write() as tx:
        tx.execute_many("INSERT INTO tally (name, amount) VALUES (?, ?)", [(f"n{n}", n) for n in range(5)])
        tx.execute("UPDATE tally SET amount = amount + 1")
        assert tx.row("SELECT sum(amount) FROM tally") == (15,)
        with pytest.raises(KeyError), tx.undoable():
            tx.execute("DELETE FROM tally")
            raise KeyError
        for n in range(500):
            tx.execute("UPDATE tally SET amount = amount + 1 WHERE name = ?", (f"n{n % 5}",))
        assert tx.row("SELECT count(*), sum(amount) FROM tally") == (5, 515)
    with books.read() as tx:
        assert tx.row("SELECT sum(amount) FROM tally") == (515,)
    with books.read() as tx:
        assert tx is not None, "who asks nothing of a snapshot leaves nothing behind"
    with books.read() as tx:
        assert tx.row("SELECT count(*) FROM tally WHERE name = ?", ("none",)) == (0,)
        assert tx.row("SELECT name FROM tally WHERE name = ?", ("none",)) is None


def test_a_tidied_log_begins_anew_and_stays_short(
    tmp_path: Path, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_SHORT_LOG", 20)

    def measure(name: str, tidies: bool) -> int:
        books = Books.open(f"sqlite:///{tmp_path}/{name}.sqlite", [TALLY], clock)
        try:
            for n in range(200):
                _add(books, f"k{n}")
                if tidies and n % 5 == 0:
                    books.tidy()
            size = (tmp_path / f"{name}.sqlite-wal").stat().st_size
            assert books.verify() == 200
        finally:
            books.close()
        return size

    assert measure("tidied", True) * 5 < measure("left", False)


def test_tidying_beside_writers_and_readers_waits_for_nobody_and_loses_nothing(
    url: str, books: Books, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_SHORT_LOG", 20)
    is_over = threading.Event()

    def tidy() -> None:
        while not is_over.is_set():
            books.tidy()

    tidier = threading.Thread(target=tidy)
    with books.read() as tx:
        assert tx.last_seq() == 0
        books.tidy()
        tidier.start()
        for n in range(150):
            _add(books, f"k{n}")
        assert tx.last_seq() == 0, "a reader's moment stands, however often the log is copied"
    is_over.set()
    tidier.join()
    again = Books.open(url, [TALLY], clock)
    try:
        assert again.verify() == 150
    finally:
        again.close()


def test_questions_asked_ahead_are_answered_within_their_snapshot_alone(books: Books) -> None:
    _add(books, "a")
    question = ("SELECT count(*) FROM journal WHERE kind = ?", ("tally.counted",))
    absent = ("SELECT key FROM journal WHERE key = ?", ("nothing",))
    with books.read() as tx:
        with tx.ahead([question, absent, question]):
            assert tx.row(*question) == (1,)
            with books.read() as nested:
                assert nested.row(*question) == (1,)
                assert nested.row(*absent) is None
        with tx.ahead([]):
            assert tx.row(*question) == (1,)
    _add(books, "b")
    with books.read() as tx:
        assert tx.row(*question) == (2,)


def test_within_a_shared_transaction_its_thread_reads_what_it_wrote_and_nobody_else_does(books: Books) -> None:
    count, others = "SELECT count(*) FROM journal", []

    def look() -> None:
        with books.read() as tx:
            others.append(tx.row(count))

    with books.write() as writing:
        writing.record("tally.counted", "a", {"name": "plum", "amount": 1})
        with books.shared(writing), books.read() as tx, books.read() as nested:
            assert writing.row(count) == (1,)
            assert (tx.row(count), nested.row(count)) == ((1,), (1,))
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        with books.read() as tx:
            assert tx.row(count) == (0,)
    assert others == [(0,)]
    with books.read() as tx:
        assert tx.row(count) == (1,)


def test_questions_of_one_snapshot_are_asked_in_one_go(books: Books) -> None:
    _add(books, "a%b", name="plum?")
    questions = [
        ("SELECT count(*) FROM journal", ()),
        ("SELECT name FROM tally WHERE name LIKE ?", ("plu%",)),
        ("SELECT name FROM tally WHERE name = ?", ("pear",)),
    ]
    assert [[tuple(row) for row in rows] for rows in books.ask(questions)] == [[(1,)], [("plum?",)], []]
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable)):
        books.ask([("SELECT 1 FROM nowhere", ()), *questions])
    assert books.ask(questions[:1]) == [[(1,)]]
    _add(books, "b")
    assert books.ask(questions[:1]) == [[(2,)]]


def test_who_writes_within_a_shared_transaction_joins_it_and_is_undone_alone(books: Books) -> None:
    _add(books, "before")
    with books.write() as outer:
        with books.shared(outer):
            line, _ = _add(books, "a")
            with pytest.raises(Yours):
                _add(books, "a", amount=2)
            with pytest.raises(ZeroDivisionError), books.write() as tx:
                tx.record("tally.counted", "b", {"name": "plum", "amount": 1})
                raise ZeroDivisionError
            assert outer.is_joined
        outer.look_ahead(["before", "a", "b", "c"])
        assert [outer.find_line(key) is not None for key in ("before", "a", "b", "c")] == [True, True, False, False]
        last, _ = outer.record("tally.counted", "c", {"name": "plum", "amount": 1})
        assert (line.seq, last.seq, last.commit) == (2, 3, line.commit)
    assert books.verify() == 3
    with books.read() as tx:
        assert tx.row("SELECT amount FROM tally") == (3,)
    with pytest.raises(ZeroDivisionError), books.write() as outer:
        with books.shared(outer):
            _add(books, "d")
        raise ZeroDivisionError
    assert books.verify() == 3


@given(
    st.text(max_size=9), st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5)), max_size=4),
    st.one_of(st.none(), st.text(max_size=9)), st.one_of(st.none(), st.integers(0, 99)),
)  # fmt: skip
def test_the_text_that_is_sealed_is_the_whole_line(
    word: str, body: dict[str, object], service: str | None, lake_seq: int | None
) -> None:
    messages = [{"token": word, "kind": "notify", "body": body}]
    line = Line(
        7, 3, "2022-05-31T08:00:00.000+08:00", "tests.noted", word, body, messages, [], lake_seq, service, service
    )
    assert line.seal_text(canonical(body)) == canonical(line.to_json())
