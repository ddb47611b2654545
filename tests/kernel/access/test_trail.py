"""The trail: batched, chained, readable by the person concerned and by an auditor, by nobody else."""

from __future__ import annotations

import pytest

from tests.kernel.access.conftest import ANJI, CITY, DEQING, RULES, make_reader
from yucun.base.clock import SimulatedClock
from yucun.base.errors import AccessError, JournalBroken
from yucun.base.identity import PersonId
from yucun.base.text import Text
from yucun.kernel.access import OPEN_READER, Grant, Reader, Trail
from yucun.kernel.books import Books

CLERK = make_reader(account="clerk")
AUDITOR = make_reader(Grant(1, RULES.roles["auditor"], (CITY,)), account="auditor")
STRANGER = make_reader(account="someone.else")
PERSON, OTHER = PersonId.parse("P000001"), PersonId.parse("P000002")


@pytest.fixture
def trail(books: Books, clock: SimulatedClock) -> Trail:
    return Trail(books, clock)


def test_looks_are_gathered_and_written_in_one_batch(trail: Trail, books: Books) -> None:
    for _ in range(3):
        trail.note(CLERK, "relief.household", "L2", purpose="relief.visit", fields=["members"], region=ANJI, shown=10)
    trail.note(CLERK, "prosperity.income", "L1")
    trail.note(OPEN_READER, "relief.household", "L1")
    assert trail.flush() == 1
    assert trail.flush() == 0
    (look,) = trail.list_of_account("clerk", by=CLERK)
    assert (look.looks, look.shown, look.purpose, look.region) == (3, 30, "relief.visit", ANJI)
    with books.read() as tx:
        assert tx.last_seq() == 0, "a look is no line of the journal"


def test_what_is_l3_is_written_before_it_is_shown(trail: Trail, books: Books) -> None:
    trail.note(CLERK, "relief.household", "L3", purpose="relief.visit", persons=[PERSON])
    with books.read() as tx:
        assert tx.rows("SELECT person FROM access_trail_person") == [(PERSON,)]


def test_who_may_read_it(trail: Trail) -> None:
    trail.note(CLERK, "relief.household", "L2", purpose="relief.visit")
    assert len(trail.list_of_account("clerk", by=AUDITOR)) == 1
    for stranger in (STRANGER, OPEN_READER):
        with pytest.raises(AccessError, match="for the person concerned"):
            trail.list_of_account("clerk", by=stranger)
        with pytest.raises(AccessError, match="for the person concerned"):
            trail.list_all(by=stranger)
    with pytest.raises(AccessError):
        trail.list_of_account("", by=OPEN_READER)
    assert [look.verb for look in trail.list_all(by=AUDITOR)][:1] == ["audit"], "the auditor leaves a trail too"


def test_a_person_sees_who_looked(trail: Trail) -> None:
    trail.note(CLERK, "relief.household", "L3", purpose="relief.visit", persons=[PERSON], region=ANJI)
    trail.note(CLERK, "relief.household", "L3", purpose="relief.visit", persons=[OTHER], region=ANJI)
    trail.note(CLERK, "relief.household", "L2", purpose="relief.visit", region=ANJI, shown=500)
    trail.note(CLERK, "relief.household", "L2", purpose="relief.visit", region=DEQING, shown=500)
    person = Reader("citizen", Text("居民", "resident"), (), PERSON)
    looks = trail.list_of_person(PERSON, [ANJI, CITY], by=person)
    assert sorted((look.region, look.shown) for look in looks) == [(ANJI, 1), (ANJI, 500)]
    with pytest.raises(AccessError):
        trail.list_of_person(OTHER, [ANJI], by=person)
    assert [look.verb for look in trail.list_of_person(OTHER, [], by=AUDITOR)] == ["audit", "read"]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE access_trail SET looks = 2 WHERE batch = 1",
        "DELETE FROM access_trail WHERE batch = 2",
        "DELETE FROM access_trail_person",
        "DELETE FROM access_trail_batch WHERE batch = 3",
    ],
)
def test_a_changed_trail_shows(trail: Trail, books: Books, harm: str) -> None:
    for region in (ANJI, DEQING, CITY):
        trail.note(CLERK, "relief.household", "L3", purpose="relief.visit", region=region, persons=[PERSON])
    trail.seal()
    trail.seal()
    assert trail.verify() == 3
    with books.write() as tx:
        tx.execute(harm)
    with pytest.raises(JournalBroken):
        trail.verify()


def test_two_workers_share_one_chain(trail: Trail, books: Books, clock: SimulatedClock) -> None:
    second = Trail(books, clock, "web-2")
    for one in (trail, second, trail):
        one.note(CLERK, "relief.household", "L3", purpose="relief.visit")
    assert trail.verify() == 3


def test_notes_outlive_a_failed_write(trail: Trail, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    trail.note(CLERK, "relief.household", "L2", purpose="relief.visit")
    with monkeypatch.context() as broken:
        broken.setattr(trail, "_write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            trail.flush()
    trail.note(CLERK, "relief.household", "L2", purpose="relief.visit")
    assert trail.flush() == 1
    assert trail.list_of_account("clerk", by=CLERK)[0].looks == 2
