"""Figures carried between maps: nobody is lost or doubled, and what is not published is not known."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.registry.worlds import COUNTY, World, begin_world, days_between, worlds
from yucun.base.errors import AreaMismatch, HeadcountMismatch, NotKnown, PlaceError
from yucun.base.identity import RegionCode
from yucun.kernel.registry import NotKnownMark, Regions, Succession, recast, roll_up


def towns_on(regions: Regions, day: date) -> list[RegionCode]:
    return [region.code for region in regions.at_level("town", on=day)]


def draw_values(data: st.DataObject, regions: Regions, day: date) -> dict[RegionCode, int]:
    codes = towns_on(regions, day)
    return dict(
        zip(codes, data.draw(st.lists(st.integers(0, 10**9), min_size=len(codes), max_size=len(codes))), strict=True)
    )


@given(worlds(), st.data())
def test_totals_agree_in_every_map(world: World, data: st.DataObject) -> None:
    regions = world.regions()
    days = list(days_between(world))
    start = data.draw(st.sampled_from(days))
    values = draw_values(data, regions, start)
    for day in days:
        carried = recast(values, regions, regions.successions, start, day)
        assert sorted(carried) == towns_on(regions, day)
        assert all(type(value) is int for value in carried.values())
        assert sum(carried.values()) == sum(values.values())  # type: ignore[arg-type]
        for level in ("county", "city"):
            assert sum(roll_up(carried, regions, level, day).values()) == sum(values.values())  # type: ignore[arg-type]


@given(worlds(), st.data())
def test_step_by_step_is_the_same_as_at_once(world: World, data: st.DataObject) -> None:
    regions = world.regions()
    days = list(days_between(world))
    values = draw_values(data, regions, days[0])
    stepwise: dict[RegionCode, int] = dict(values)
    for before, after in pairwise(days):
        stepwise = recast(stepwise, regions, regions.successions, before, after)  # type: ignore[assignment]
    assert stepwise == recast(values, regions, regions.successions, days[0], days[-1])


@given(worlds(), st.data())
def test_same_map_changes_nothing(world: World, data: st.DataObject) -> None:
    regions = world.regions()
    day = data.draw(st.sampled_from(list(days_between(world))))
    values = draw_values(data, regions, day)
    assert recast(values, regions, regions.successions, day, day + timedelta(days=1)) == values


def test_a_split_shares_out_by_its_weights_and_comes_back_whole() -> None:
    world = begin_world(1)
    world.split(world.now()[0].code, [1, 1, 1])
    regions, days = world.regions(), list(days_between(world))
    (old,) = towns_on(regions, days[0])
    parts = recast({old: 100}, regions, regions.successions, days[0], days[1])
    assert list(parts.values()) == [34, 33, 33]
    assert recast(parts, regions, regions.successions, days[1], days[0]) == {old: 100}  # type: ignore[arg-type]


def test_a_split_without_a_source_is_not_known_but_its_total_back_is() -> None:
    world = begin_world(2)
    world.split(world.now()[0].code, [60, 40], source=None)
    regions, days = world.regions(), list(days_between(world))
    first, second = towns_on(regions, days[0])
    carried = recast({first: 100, second: 7}, regions, regions.successions, days[0], days[1])
    assert carried[second] == 7
    marks = [value for value in carried.values() if isinstance(value, NotKnownMark)]
    assert len(marks) == 2
    assert "没有公布来源" in marks[0].reason.zh
    assert "no source says how much" in marks[0].reason.en
    county = roll_up(carried, regions, "county", days[1])[COUNTY]
    assert isinstance(county, NotKnownMark)
    new = [code for code in towns_on(regions, days[1]) if code != second]
    back = recast({new[0]: 60, new[1]: 40, second: 7}, regions, regions.successions, days[1], days[0])
    assert back == {first: 100, second: 7}


def test_a_merge_read_backwards_needs_a_source() -> None:
    world = begin_world(2)
    one, two = (region.code for region in world.now())
    world.merge([one, two], [3, 1])
    day = world.days[-1]
    regions = world.regions()
    (new,) = towns_on(regions, day)
    assert recast({new: 1000}, regions, regions.successions, day, day - timedelta(days=1)) == {one: 750, two: 250}
    bare = [Succession(s.old, s.new, s.on) for s in regions.successions]
    assert recast({one: 1, two: 2}, regions, bare, day - timedelta(days=1), day) == {new: 3}
    back = recast({new: 1000}, regions, bare, day, day - timedelta(days=1))
    assert all(isinstance(value, NotKnownMark) for value in back.values())


def test_a_merge_with_a_missing_part_is_not_known() -> None:
    world = begin_world(2)
    one, two = (region.code for region in world.now())
    world.merge([one, two], [1, 1])
    regions, days = world.regions(), list(days_between(world))
    ((_, value),) = recast({one: 5}, regions, regions.successions, days[0], days[1]).items()
    assert isinstance(value, NotKnownMark)
    assert two.short in value.reason.zh


def test_a_region_that_ends_without_successor_is_not_known_and_neither_is_what_it_lay_in() -> None:
    world = begin_world(2)
    lost, kept = (region.code for region in world.now())
    world.end(lost, world.next_day())
    regions, days = world.regions(), list(days_between(world))
    carried = recast({lost: 5, kept: 6}, regions, regions.successions, days[0], days[1])
    assert isinstance(carried[lost], NotKnownMark)
    assert carried[kept] == 6
    assert isinstance(roll_up(carried, regions, "city", days[1])[RegionCode.parse("3399")], NotKnownMark)


def test_a_figure_of_a_region_that_does_not_hold_is_refused() -> None:
    world = begin_world(1)
    world.split(world.now()[0].code, [1, 1])
    regions, days = world.regions(), list(days_between(world))
    (old,) = towns_on(regions, days[0])
    with pytest.raises(NotKnown, match="does not exist in"):
        recast({old: 1}, regions, regions.successions, days[1], days[1])


def test_shares_that_do_not_add_up_are_refused_at_load_and_stop_a_recast() -> None:
    world = begin_world(1)
    old = world.now()[0].code
    world.split(old, [1, 1])
    regions, days = world.regions(), list(days_between(world))
    wrong = [Succession(s.old, s.new, s.on, 2, 3, "gazette") for s in world.successions]
    with pytest.raises(PlaceError, match="do not add up to 1"):
        Regions(world.rows, wrong)
    with pytest.raises(HeadcountMismatch):
        recast({old: 9}, regions, wrong, days[0], days[1])
    with pytest.raises(AreaMismatch):
        recast({old: 9}, regions, wrong, days[0], days[1], "area")
