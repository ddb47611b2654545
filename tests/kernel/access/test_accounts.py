"""Accounts: journaled with who and why, never a password; nobody reaches beyond their regions."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import pytest

from tests.kernel.access.conftest import ANJI, CITY, DEQING, RULES, make_reader
from yucun.base.clock import SimulatedClock
from yucun.base.errors import AccessError, NotKnown
from yucun.base.text import Text
from yucun.kernel.access import (
    ORGAN,
    Accounts,
    Grant,
    LocalAccounts,
    Reader,
    Refused,
    Sessions,
    SignedIn,
    make_first_accounts,
)
from yucun.kernel.books import Books, rebuild

TITLE = Text("安吉县数据员", "Clerk of data of Anji")
PASSWORD = "correct horse battery"


@pytest.fixture
def clerk(accounts: Accounts, root: Reader) -> str:
    accounts.create("clerk.anji", TITLE, by=root, why="new post")
    accounts.grant("clerk.anji", "data_clerk", [ANJI], by=root, why="new post", purposes=["relief.visit"])
    accounts.set_password("clerk.anji", PASSWORD, by=root, why="first password")
    return "clerk.anji"


def sign_in(accounts: Accounts, clock: SimulatedClock, account: str, password: str, source: str = "10.0.0.1") -> bool:
    given = {"account": account, "password": password, "source": source, "back_to": "/lake"}
    answer = LocalAccounts(accounts, clock).finish(given)
    return isinstance(answer, SignedIn)


def test_an_account_becomes_a_reader(accounts: Accounts, clerk: str) -> None:
    reader = accounts.make_reader(clerk)
    assert reader is not None
    assert reader.roles == {"data_clerk"}
    assert reader.regions == (ANJI,)
    assert [p.name for p in reader.purposes] == ["kernel.upkeep", "relief.visit"]
    assert accounts.make_reader("nobody") is None
    with pytest.raises(NotKnown):
        accounts.get("nobody")


def test_the_journal_says_who_and_why_and_holds_no_password(accounts: Accounts, clerk: str) -> None:
    with accounts.books.read() as tx:
        lines = tx.lines()
        (kept,) = tx.rows("SELECT hash FROM access_password WHERE account = ?", (clerk,))
    assert [line.kind for line in lines] == ["access.created", "access.granted", "access.password_set"]
    assert all(line.payload["by"] == "root" and line.payload["why"] for line in lines)
    said = str([line.payload for line in lines])
    assert PASSWORD not in said
    assert kept[0] not in said
    assert kept[0].startswith("$argon2id$")


def test_rebuilt_books_hold_the_same_accounts_and_no_passwords(
    accounts: Accounts, clerk: str, clock: SimulatedClock
) -> None:
    target = Books.open("sqlite://", [ORGAN], clock)
    assert rebuild(accounts.books, target) == accounts.books.state_hash()
    again = Accounts(target, RULES, CITY, lambda *_: True, clock, accounts.passwords)
    assert again.make_reader(clerk) == accounts.make_reader(clerk)
    assert not sign_in(again, clock, clerk, PASSWORD)
    target.close()


def test_disabling_signs_out_and_keeps_out(accounts: Accounts, clerk: str, root: Reader, clock: SimulatedClock) -> None:
    make_first_accounts(accounts)  # there are accounts already: none are made
    assert [a.name for a in accounts.list_all()] == [clerk]
    accounts.create("admin", TITLE, by=root, why="another")
    accounts.grant("admin", "administrator", [CITY], by=root, why="another")
    sessions = Sessions(accounts, clock)
    token = sessions.begin(clerk)
    accounts.disable(clerk, by=root, why="left the post")
    assert sessions.find_reader(token) is None
    assert not sign_in(accounts, clock, clerk, PASSWORD)
    accounts.enable(clerk, by=root, why="came back")
    assert sign_in(accounts, clock, clerk, PASSWORD)


def test_the_last_administrator_stays(accounts: Accounts, root: Reader) -> None:
    accounts.create("admin", TITLE, by=root, why="first")
    number = accounts.grant("admin", "administrator", [CITY], by=root, why="first")
    for attempt in (
        lambda: accounts.disable("admin", by=root, why="oops"),
        lambda: accounts.revoke("admin", number, by=root, why="oops"),
    ):
        with pytest.raises(AccessError, match="last administrator"):
            attempt()


def test_a_county_administrator_stays_within_the_county(accounts: Accounts, clerk: str, root: Reader) -> None:
    county = make_reader(Grant(9, RULES.roles["administrator"], (DEQING,)), account="admin.deqing")
    attempts: list[Callable[[], object]] = [
        lambda: accounts.set_password(clerk, "another password", by=county, why="x"),
        lambda: accounts.grant(clerk, "analyst", [DEQING], by=county, why="x"),
        lambda: accounts.disable(clerk, by=county, why="x"),
    ]
    for attempt in attempts:
        with pytest.raises(AccessError, match="not within your regions"):
            attempt()
    accounts.create("clerk.deqing", TITLE, by=county, why="new post")
    with pytest.raises(AccessError, match="not within your regions"):
        accounts.grant("clerk.deqing", "analyst", [CITY], by=county, why="x")
    assert accounts.grant("clerk.deqing", "analyst", [DEQING], by=county, why="new post") > 0


def test_what_is_refused(accounts: Accounts, clerk: str, root: Reader) -> None:
    reader = accounts.make_reader(clerk)
    assert reader is not None
    attempts: dict[str, Callable[[], object]] = {
        "may not administer": lambda: accounts.create("other", TITLE, by=reader, why="x"),
        "say why": lambda: accounts.create("other", TITLE, by=root, why=" "),
        "exists already": lambda: accounts.create(clerk, TITLE, by=root, why="x"),
        "small letters": lambda: accounts.create("Ünkraut", TITLE, by=root, why="x"),
        "nobody grants to themselves": lambda: (
            accounts.create("root", TITLE, by=root, why="x"),
            accounts.grant("root", "chief", [CITY], by=root, why="x"),
        ),
        "no role 'king'": lambda: accounts.grant(clerk, "king", [ANJI], by=root, why="x"),
        "names regions": lambda: accounts.grant(clerk, "chief", [], by=root, why="x"),
        "no service declares": lambda: accounts.grant(clerk, "chief", [ANJI], by=root, why="x", purposes=["a.b"]),
        "a password has": lambda: accounts.set_password(clerk, "short", by=root, why="x"),
        "old password": lambda: accounts.set_password(clerk, "another password", by=reader, why="x", old="wrong"),
        "holds no grant": lambda: accounts.revoke(clerk, 99, by=root, why="x"),
    }
    for message, attempt in attempts.items():
        with pytest.raises((AccessError, NotKnown), match=message):
            attempt()


def test_ones_own_password_needs_the_old_one(accounts: Accounts, clerk: str, clock: SimulatedClock) -> None:
    reader = accounts.make_reader(clerk)
    assert reader is not None
    accounts.set_password(clerk, "another password", by=reader, why="monthly", old=PASSWORD)
    assert sign_in(accounts, clock, clerk, "another password")
    assert not sign_in(accounts, clock, clerk, PASSWORD)


def test_a_grant_ends_on_its_day(accounts: Accounts, clerk: str, root: Reader, clock: SimulatedClock) -> None:
    accounts.grant(clerk, "chief", [DEQING], by=root, why="stands in", until=date(2022, 6, 1))
    clock.advance(timedelta(days=1))
    assert accounts.make_reader(clerk).roles == {"data_clerk", "chief"}  # type: ignore[union-attr]
    clock.advance(timedelta(days=1))
    assert accounts.make_reader(clerk).roles == {"data_clerk"}  # type: ignore[union-attr]


def test_a_revoked_grant_ends_at_once(accounts: Accounts, clerk: str, root: Reader, clock: SimulatedClock) -> None:
    sessions = Sessions(accounts, clock)
    token = sessions.begin(clerk)
    number = accounts.make_reader(clerk).grants[0].number  # type: ignore[union-attr]
    accounts.revoke(clerk, number, by=root, why="moved")
    assert sessions.find_reader(token).grants == ()  # type: ignore[union-attr]


def test_sessions_end(accounts: Accounts, clerk: str, clock: SimulatedClock) -> None:
    sessions = Sessions(accounts, clock, longest=timedelta(hours=2), idle=timedelta(minutes=30))
    used, idle, over = sessions.begin(clerk), sessions.begin(clerk), sessions.begin(clerk)
    for _ in range(5):
        clock.advance(timedelta(minutes=20))
        assert sessions.find_reader(used) is not None
    assert sessions.find_reader(idle) is None
    clock.advance(timedelta(minutes=20))
    assert sessions.find_reader(used) is None, "ends after two hours however much it was used"
    sessions.end(over)
    assert sessions.find_reader(over) is None
    assert sessions.find_reader("") is None
    last = sessions.begin(clerk)
    sessions.end_all(clerk)
    assert sessions.find_reader(last) is None


def test_one_request_notes_the_use_of_sessions_and_no_other_waits(
    accounts: Accounts, clerk: str, clock: SimulatedClock
) -> None:
    sessions = Sessions(accounts, clock)
    first, second = sessions.begin(clerk), sessions.begin(clerk)
    clock.advance(timedelta(minutes=20))
    waiting = Thread(target=sessions.find_reader, args=(first,))
    with accounts.books.writing():
        waiting.start()
        while not sessions._is_noting:
            waiting.join(0.01)
        assert sessions.find_reader(second) is not None, "it leaves its note to the one that waits"
        assert waiting.is_alive()
    waiting.join()
    clock.advance(timedelta(minutes=20))
    assert sessions.find_reader(first) is not None, "idle for twenty minutes, not for forty"
    assert sessions.find_reader(second) is not None


def test_tokens_are_kept_as_hashes(accounts: Accounts, clerk: str, clock: SimulatedClock) -> None:
    token = Sessions(accounts, clock).begin(clerk)
    with accounts.books.read() as tx:
        assert token not in str(tx.rows("SELECT * FROM access_session"))


def test_failed_sign_ins_are_held_back_and_look_alike(accounts: Accounts, clerk: str, clock: SimulatedClock) -> None:
    door = LocalAccounts(accounts, clock)
    answers = [door.finish({"account": clerk, "password": "wrong", "source": "10.0.0.1"}) for _ in range(5)]
    held = door.finish({"account": clerk, "password": PASSWORD, "source": "10.0.0.1"})
    unknown = door.finish({"account": "nobody", "password": PASSWORD, "source": "10.0.0.2"})
    assert len({*answers, held, unknown}) == 1
    assert isinstance(held, Refused)
    assert sign_in(accounts, clock, clerk, PASSWORD, source="10.0.0.3"), "others are not locked out by it"
    clock.advance(timedelta(minutes=15))
    assert sign_in(accounts, clock, clerk, PASSWORD)
    assert all(sign_in(accounts, clock, clerk, PASSWORD) for _ in range(10)), "right ones are not counted"


def test_work_is_the_same_whether_an_account_exists(
    accounts: Accounts, clerk: str, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bool] = []
    matches = accounts.passwords.matches

    def count(encoded: str | None, password: str) -> bool:
        checked.append(encoded is None)
        return matches(encoded, password)

    monkeypatch.setattr(accounts.passwords, "matches", count)
    for name in [clerk, "nobody", *[clerk] * 9]:
        sign_in(accounts, clock, name, "wrong")
    assert len(checked) == 11, "a held-back account is judged like any other"


def test_first_accounts(accounts: Accounts, clock: SimulatedClock, tmp_path: Path) -> None:
    file = tmp_path / "data" / "first-passwords.txt"
    made = make_first_accounts(accounts, file)
    assert [one.account for one in made] == ["administrator", "clerk", "analyst", "chief", "auditor"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for one in made:
        assert one.password in file.read_text("utf-8")
        assert one.password not in repr(one)
        assert sign_in(accounts, clock, one.account, one.password)
    assert accounts.make_reader("chief").regions == (CITY,)  # type: ignore[union-attr]
    assert make_first_accounts(accounts, file) == []
    admin = accounts.make_reader("administrator")
    assert admin is not None
    accounts.create("clerk.anji", TITLE, by=admin, why="new post")
    accounts.books.verify()
