"""Regions through time: versions, look-ups, written names, and what makes a map unusable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given

from tests.kernel.registry.worlds import COUNTY, OTHER_COUNTY, World, begin_world, days_between, worlds
from yucun.base.errors import NotKnown, PlaceError
from yucun.base.identity import LEVELS, RegionCode
from yucun.base.text import Text
from yucun.kernel.registry import BEGINNING, Region, Regions, check_regions

DAY = date(2021, 6, 1)


@given(worlds())
def test_every_town_has_one_county_and_one_city_on_every_day(world: World) -> None:
    regions = world.regions()
    for day in days_between(world):
        towns = regions.at_level("town", on=day)
        assert towns
        assert [
            t for county in regions.at_level("county", on=day) for t in regions.children(county.code, day)
        ] == sorted(towns, key=lambda t: (t.parent, t.code))
        for town in towns:
            levels = [above.level for above in regions.ancestors(town.code, day)]
            assert levels == ["county", "city"]
            assert regions.resolve([town.name.zh], day)[town.name.zh] == [town.code]


def test_a_rename_and_a_move_are_versions_of_one_code() -> None:
    world = begin_world(1)
    code = world.now()[0].code
    world.rename(code, OTHER_COUNTY)
    regions, days = world.regions(), list(days_between(world))
    before, after = (regions.get(code, day) for day in days)
    assert (before.name.zh, before.parent) == ("镇1", COUNTY)
    assert (after.name.zh, after.parent) == ("镇1新", OTHER_COUNTY)
    assert regions.path_title(code, days[0]).zh == "甲市乙县镇1"
    assert regions.path_title(code, days[1]).zh == "甲市丙县镇1新"
    assert regions.resolve(["镇1新"], days[0])["镇1新"] == []
    assert regions.is_within(code, COUNTY, days[0])
    assert not regions.is_within(code, COUNTY, days[1])
    assert len(regions.versions(code)) == 2


def test_an_ended_region_is_found_on_its_days_only() -> None:
    world = begin_world(2)
    one, two = (region.code for region in world.now())
    world.merge([one, two], [1, 1])
    regions, days = world.regions(), list(days_between(world))
    assert regions.find(one, days[0]) is not None
    assert regions.find(one, days[1]) is None
    assert regions.find(one) is None
    assert one in regions
    with pytest.raises(NotKnown, match="it held on other days"):
        regions.get(one)
    with pytest.raises(NotKnown, match="check the code"):
        regions.get(RegionCode.parse("110000"))


def region(code: str, level: str, parent: str | None, first: date = BEGINNING, last: date | None = None) -> Region:
    return Region(
        RegionCode.parse(code),
        Text(code, code),
        level,
        RegionCode.parse(parent) if parent else None,
        first,
        last,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("registry.overlap", [region("3399", "city", None), region("3399", "city", None, DAY)]),
        ("registry.days", [region("3399", "city", None, DAY, DAY)]),
        ("registry.parent", [region("339901", "county", "3399")]),
        ("registry.parent", [region("3399", "city", None, DAY), region("339901", "county", "3399")]),
        ("registry.level", [region("3399", "county", None), region("339901", "county", "3399")]),
    ],
)
def test_a_map_that_cannot_be_is_refused(kind: str, rows: list[Region]) -> None:
    assert kind in {finding.kind for finding in check_regions(rows)}
    with pytest.raises(PlaceError):
        Regions(rows)


def test_a_parent_may_be_held_by_two_versions_without_a_gap() -> None:
    city = region("3399", "city", None, last=DAY)
    later = replace(city, name=Text("乙", "B"), valid_from=DAY, valid_to=None)
    assert not check_regions([city, later, region("339901", "county", "3399")])
    gap = replace(later, valid_from=date(2021, 6, 2))
    assert check_regions([city, gap, region("339901", "county", "3399")])


def test_an_empty_map_answers_nothing() -> None:
    regions = Regions([])
    assert len(regions) == 0
    assert regions.resolve(["湖州"], None) == {"湖州": []}
    assert regions.search("湖") == []
    assert all(regions.at_level(level) == [] for level in LEVELS)
