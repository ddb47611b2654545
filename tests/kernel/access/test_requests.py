"""Data requests: every step, every refusal, and that a grant opens exactly what it says until its last day."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest

from tests.kernel.access.conftest import ANJI, CITY, DEQING, RULES, Cell, Household, make_grant, make_reader, within
from yucun.base.clock import SimulatedClock
from yucun.base.errors import AccessError, NotKnown, Yours
from yucun.base.text import Text
from yucun.kernel.access import (
    OPEN_READER,
    ORGAN,
    Accounts,
    Allowed,
    Grant,
    Reader,
    Refused,
    Requests,
    Wish,
    at,
    may_read,
)
from yucun.kernel.books import Books, rebuild

TODAY = date(2022, 5, 31)
TABLE = Household()
ASKER = make_reader(account="analyst.one")
CHIEF = make_reader(Grant(1, RULES.roles["chief"], (CITY,)), account="chief")
CHIEF_OF_ANJI = make_reader(Grant(1, RULES.roles["chief"], (ANJI,)), account="chief.anji")
AUDITOR = make_reader(Grant(1, RULES.roles["auditor"], (CITY,)), account="auditor")
STRANGER = make_reader(account="somebody")
WISH = Wish(
    TABLE.name, ("name", "members"), (ANJI,), "核查低保家庭人数", "《社会救助暂行办法》第十一条", TODAY, date(2022, 6, 30), {}
)  # fmt: skip


@pytest.fixture
def requests(books: Books, clock: SimulatedClock) -> Requests:
    tables = {TABLE.name: TABLE}
    return Requests(books, tables.get, CITY, within, clock)


def asked(requests: Requests, wish: Wish = WISH) -> int:
    made = requests.draft(wish, by=ASKER)
    return requests.ask(made.number, by=ASKER).number


def reader_of(accounts: Accounts) -> Reader:
    found = accounts.make_reader(ASKER.account)
    assert found is not None
    return found


def kinds(error: Yours) -> list[str]:
    return [f.kind for f in error.findings]


def test_from_draft_to_the_end_of_the_term(
    requests: Requests, accounts: Accounts, root: Reader, clock: SimulatedClock
) -> None:
    accounts.create(ASKER.account, Text("分析员", "analyst"), by=root, why="开通")
    made = requests.draft(WISH, by=ASKER)
    assert (made.state, made.level) == ("draft", "L3")
    assert requests.ask(made.number, by=ASKER).asked_on == TODAY
    done = requests.grant(made.number, by=CHIEF, why="核查所需")
    assert (done.state, done.decided_by, done.reasons, done.decided_on) == ("in_force", "chief", "核查所需", TODAY)

    reader = reader_of(accounts)
    fields = {f.name: f for f in TABLE.fields}
    purpose = done.purpose_name
    name = may_read(reader, TABLE, fields["name"], purpose)
    assert isinstance(at(name, ANJI, within), Allowed)
    assert isinstance(at(name, DEQING, within), Refused), "another region"
    assert isinstance(may_read(reader, TABLE, fields["phone"], purpose), Refused), "another field"
    assert isinstance(may_read(reader, TABLE, fields["name"], "relief.visit"), Refused), "another purpose"
    other = dataclasses.replace(TABLE, name="relief.other")
    assert isinstance(may_read(reader, other, fields["name"], purpose), Refused), "another table"

    clock.advance(timedelta(days=30))
    assert requests.get(made.number, by=ASKER).state == "in_force", "the last day counts"
    assert reader_of(accounts).grants
    clock.advance(timedelta(days=1))
    assert requests.get(made.number, by=ASKER).state == "over"
    assert reader_of(accounts).grants == ()


def test_less_may_be_granted_and_never_more(requests: Requests) -> None:
    number = asked(requests)
    for fields, until in ((["phone"], None), (["name"], date(2022, 7, 1))):
        with pytest.raises(AccessError) as caught:
            requests.grant(number, by=CHIEF, why="好", fields=fields, until=until)
        assert kinds(caught.value) == ["access.request_more"]
    done = requests.grant(number, by=CHIEF, why="只需人数", fields=["members"], until=date(2022, 6, 3))
    assert (done.wish.fields, done.wish.until, done.level) == (("members",), date(2022, 6, 3), "L2")
    assert done.purpose.reads == ("relief.household.members",)


def test_a_term_that_has_not_begun_opens_nothing_yet(
    requests: Requests, accounts: Accounts, root: Reader, clock: SimulatedClock
) -> None:
    accounts.create(ASKER.account, Text("分析员", "analyst"), by=root, why="开通")
    number = asked(requests, dataclasses.replace(WISH, since=date(2022, 6, 2)))
    assert requests.grant(number, by=CHIEF, why="好").state == "granted"
    assert reader_of(accounts).grants == ()
    clock.advance(timedelta(days=2))
    assert len(reader_of(accounts).grants) == 1


@pytest.mark.parametrize("step", ["withdraw", "revoke"])
def test_what_was_opened_is_closed_at_once(requests: Requests, accounts: Accounts, root: Reader, step: str) -> None:
    accounts.create(ASKER.account, Text("分析员", "analyst"), by=root, why="开通")
    number = asked(requests)
    requests.grant(number, by=CHIEF, why="好")
    assert reader_of(accounts).grants
    end, by = (requests.withdraw, ASKER) if step == "withdraw" else (requests.revoke, CHIEF)
    ended = end(number, by=by, why="用途有变")
    assert ended.state == ("withdrawn" if step == "withdraw" else "revoked")
    assert ended.why_ended
    assert reader_of(accounts).grants == ()


def test_a_person_refuses_with_reasons(requests: Requests) -> None:
    number = asked(requests)
    for why in ("", "  ", "长" * 501):
        with pytest.raises(AccessError) as caught:
            requests.refuse(number, by=CHIEF, why=why)
        assert kinds(caught.value) == ["access.why"]
    with pytest.raises(NotKnown):
        requests.refuse(number, by=OPEN_READER, why="没有登录的不是一个人")
    done = requests.refuse(number, by=CHIEF, why="范围过大")
    assert (done.state, done.decided_by, done.reasons) == ("refused", "chief", "范围过大")


def test_nobody_decides_about_their_own_request(requests: Requests) -> None:
    made = requests.draft(WISH, by=CHIEF)
    requests.ask(made.number, by=CHIEF)
    for decide in (requests.grant, requests.refuse):
        with pytest.raises(AccessError) as caught:
            decide(made.number, by=CHIEF, why="我自己")  # type: ignore[operator]
        assert kinds(caught.value) == ["access.own_request"]
    assert not requests.may_decide(requests.get(made.number, by=CHIEF), CHIEF)


def test_who_decides_approves_in_all_its_regions(requests: Requests) -> None:
    number = asked(requests, dataclasses.replace(WISH, regions=(ANJI, DEQING)))
    with pytest.raises(NotKnown):
        requests.grant(number, by=CHIEF_OF_ANJI, why="只管一县")
    assert requests.grant(number, by=CHIEF, why="好").state == "in_force"
    one = asked(requests)
    assert requests.grant(one, by=CHIEF_OF_ANJI, why="好").state == "in_force"


def test_who_sees_it(requests: Requests) -> None:
    made = requests.draft(WISH, by=ASKER)
    for other in (CHIEF, AUDITOR, STRANGER, OPEN_READER):
        with pytest.raises(NotKnown):
            requests.get(made.number, by=other)
    requests.ask(made.number, by=ASKER)
    for one in (ASKER, CHIEF, AUDITOR):
        assert [r.number for r in requests.list_all(by=one)] == [made.number]
    for other in (STRANGER, OPEN_READER):
        assert requests.list_all(by=other) == []
    with pytest.raises(AccessError) as caught:
        requests.withdraw(made.number, by=CHIEF)
    assert kinds(caught.value) == ["access.request_of_another"]
    with pytest.raises(AccessError):
        requests.grant(made.number, by=AUDITOR, why="审计员不审批")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"table": "relief.nothing"}, ["access.request_table"]),
        ({"fields": ("name", "shoe_size")}, ["access.request_fields"]),
        ({"fields": ()}, ["access.request_fields"]),
        ({"fields": ("region",)}, ["access.request_open"]),
        ({"fields": ("identity_card",)}, ["access.request_level"]),
        ({"purpose": " "}, ["access.request_purpose"]),
        ({"purpose": "长" * 501}, ["access.request_purpose"]),
        ({"basis": ""}, ["access.request_basis"]),
        ({"until": date(2022, 5, 30), "since": date(2022, 5, 1)}, ["access.request_term"]),
        ({"since": date(2022, 7, 1)}, ["access.request_term"]),
        ({"regions": ()}, ["access.regions"]),
        ({"regions": (CITY.by_digits,)}, ["access.regions"]),
        ({"where": {"income_fen": "0"}}, ["access.request_where"]),
        ({"where": {"shoe_size": "40"}}, ["access.request_where"]),
        ({"purpose": "", "basis": "", "fields": ("x",)}, ["access.request_fields", "access.request_purpose", "access.request_basis"]),
    ],
)  # fmt: skip
def test_each_kind_of_bad_wish_is_a_finding(requests: Requests, change: dict[str, object], found: list[str]) -> None:
    with pytest.raises(Yours) as caught:
        requests.draft(dataclasses.replace(WISH, **change), by=ASKER)  # type: ignore[arg-type]
    assert kinds(caught.value) == found
    assert all(f.message.zh and f.message.en for f in caught.value.findings)


def test_who_and_how_they_fare_together_are_not_given_out(books: Books, clock: SimulatedClock) -> None:
    fields = (Cell("region", "L1"), _Told("name", "L3", about="identity"), _Told("illness", "L3", about="health"))
    table = dataclasses.replace(TABLE, fields=fields)
    requests = Requests(books, {TABLE.name: table}.get, CITY, within, clock)
    with pytest.raises(Yours) as caught:
        requests.draft(dataclasses.replace(WISH, fields=("name", "illness")), by=ASKER)
    assert kinds(caught.value) == ["access.request_level"]
    assert requests.draft(dataclasses.replace(WISH, fields=("illness",)), by=ASKER).level == "L3"


@dataclasses.dataclass(frozen=True)
class _Told(Cell):
    """A field that tells something about people."""

    about: str = ""


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ((), "grant"),
        ((), "revoke"),
        (("ask",), "ask"),
        (("ask", "refuse"), "grant"),
        (("ask", "grant"), "grant"),
        (("ask", "grant"), "refuse"),
        (("ask", "withdraw"), "refuse"),
        (("ask", "refuse"), "withdraw"),
        (("ask", "grant", "revoke"), "revoke"),
        (("withdraw",), "ask"),
    ],
)
def test_no_step_out_of_its_turn(requests: Requests, steps: tuple[str, ...], last: str) -> None:
    number = requests.draft(WISH, by=ASKER).number
    for step in steps:
        _do(requests, number, step)
    with pytest.raises((AccessError, NotKnown)) as caught:
        _do(requests, number, last)
    assert kinds(caught.value)[0] in ("access.request_state", "access.request")


def _do(requests: Requests, number: int, step: str) -> None:
    match step:
        case "ask":
            requests.ask(number, by=ASKER)
        case "withdraw":
            requests.withdraw(number, by=ASKER)
        case "grant":
            requests.grant(number, by=CHIEF, why="好")
        case "refuse":
            requests.refuse(number, by=CHIEF, why="不好")
        case _:
            requests.revoke(number, by=CHIEF, why="收回")


def test_a_draft_whose_term_has_passed_is_not_sent(requests: Requests, clock: SimulatedClock) -> None:
    made = requests.draft(dataclasses.replace(WISH, until=TODAY), by=ASKER)
    clock.advance(timedelta(days=1))
    with pytest.raises(Yours) as caught:
        requests.ask(made.number, by=ASKER)
    assert kinds(caught.value) == ["access.request_term"]


def test_nor_is_one_granted_after_its_term(requests: Requests, clock: SimulatedClock) -> None:
    number = asked(requests, dataclasses.replace(WISH, until=TODAY))
    clock.advance(timedelta(days=1))
    with pytest.raises(Yours) as caught:
        requests.grant(number, by=CHIEF, why="迟了")
    assert kinds(caught.value) == ["access.request_term"]


def test_the_public_asks_for_nothing(requests: Requests) -> None:
    with pytest.raises(AccessError) as caught:
        requests.draft(WISH, by=OPEN_READER)
    assert kinds(caught.value) == ["access.signed_out"]


def test_every_step_is_journaled_and_rebuilt(requests: Requests, books: Books, clock: SimulatedClock) -> None:
    number = asked(requests)
    requests.grant(number, by=CHIEF, why="核查所需", fields=["members"])
    requests.withdraw(asked(requests), by=ASKER)
    with books.read() as tx:
        lines = [line.kind for line in tx.lines()]
    assert lines[:3] == ["access.request_drafted", "access.request_asked", "access.request_granted"]
    fresh = Books.open("sqlite://", [ORGAN], clock)
    rebuild(books, fresh)
    assert fresh.state_hash() == books.state_hash()
    again = Requests(fresh, {TABLE.name: TABLE}.get, CITY, within, clock)
    assert again.get(number, by=ASKER) == requests.get(number, by=ASKER)
    fresh.close()


def test_a_grant_of_a_role_still_stands_beside_it(requests: Requests, accounts: Accounts, root: Reader) -> None:
    accounts.create(ASKER.account, Text("分析员", "analyst"), by=root, why="开通")
    accounts.grant(ASKER.account, "analyst", [CITY], by=root, why="工作需要")
    requests.grant(asked(requests), by=CHIEF, why="好")
    assert reader_of(accounts).roles >= {"analyst"}
    assert len(reader_of(accounts).grants) == 2
    assert make_grant().purposes, "the purposes of a role are as they were"
