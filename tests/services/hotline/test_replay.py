"""A made-up month of the hotline: played, rebuilt, replayed; one changed line moves exactly the deadlines that it should."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from tests.huzhou import read_huzhou
from tests.services.hotline.desk import ORGANS, TestDesk, load, make_engine
from yucun.kernel.books import Books
from yucun.kernel.books.rebuild import rebuild
from yucun.kernel.engine import TurningClock, compare, replay
from yucun.services.hotline.sample import make_events


@pytest.fixture(scope="module")
def month() -> Iterator[TestDesk]:
    desk = TestDesk(start="2022-05-18 00:00")
    place = read_huzhou()
    pack = desk.loaded.services["hotline"].pack
    for at, event in make_events(place.regions, place.region, date(2022, 5, 31), 7, pack):
        desk.clock.instant = max(desk.clock.instant, at)
        assert desk.engine.take([event])[0].is_good, event
        while desk.engine.tick():
            pass
    yield desk
    desk.engine.books.close()


def test_a_seed_makes_the_same_month() -> None:
    place, pack = read_huzhou(), load().services["hotline"].pack
    make = lambda seed: make_events(place.regions, place.region, date(2022, 5, 31), seed, pack)  # noqa: E731
    assert make(7) == make(7)
    assert make(7) != make(8)
    assert all("（模拟）" in e.body["text"] and e.body["is_made_up"] for _, e in make(7) if e.name == "arrived")


def test_the_month_is_alive(month: TestDesk) -> None:
    with month.engine.books.read() as tx:
        counted = month.engine.cases.count(tx, "hotline.request")
        month.engine.cases.check(tx)
    assert sum(counted.values()) == 210
    assert {"held", "accepted", "replied", "closed"} <= set(counted)
    assert month.counted("reply").count("no") > 3
    assert month.counted("returned").count("yes") > 2


def test_rebuild_reaches_the_same_state(month: TestDesk) -> None:
    fresh = Books.open("sqlite://", ORGANS, month.clock)
    assert rebuild(month.engine.books, fresh) == month.engine.books.state_hash()
    fresh.close()


def test_one_line_of_a_profile_moves_exactly_its_deadlines(month: TestDesk) -> None:
    six = {"clock": {"zhoushan": {"limits": {"complaint": {"reply": {"count": 6, "unit": "working_day"}}}}}}
    turning = TurningClock.on(date(2022, 5, 18), ticking=False)
    again = make_engine("sqlite://", turning, load(six))
    replay(month.engine.books, again, turning)
    found = list(compare(month.engine.books, again.books))
    moved = {d.key.removesuffix(" reply") for d in found if d.what == "deadline" and d.key.endswith(" reply")}
    other = [d for d in found if d.what == "deadline" and not d.key.endswith(" reply")]
    with month.engine.books.read() as tx:
        cases = month.engine.cases.list_cases(tx, "hotline.request", limit=1000)
        limits = {c.id: month.engine.cases.clocks(tx, c)["reply"].limit.to_json() for c in cases}
    expected = {
        c.id
        for c in cases
        if c.fields.get("intent") in ("complaint", "suggestion") and c.fields["urgency"] not in ("danger", "utilities")
    }
    assert {limits[case] == [7, "working_day"] for case in expected} == {True}
    assert moved == expected
    assert len(expected) > 60
    assert other == []
    again.books.close()
