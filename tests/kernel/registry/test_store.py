"""The registry in the books: kept once, replaced by a new map, rebuilt from the journal; both dialects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from tests.kernel.registry.worlds import begin_world
from yucun.base.clock import SimulatedClock
from yucun.base.identity import RegionCode
from yucun.kernel.books import Attachment, Books, rebuild
from yucun.kernel.registry import (
    ORGAN,
    Boundaries,
    Outline,
    Regions,
    keep_boundaries,
    keep_regions,
    list_boundaries,
    read_regions,
)

CLOCK = SimulatedClock.on(date(2022, 5, 31), ticking=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    opened = Books.open(url, [ORGAN], CLOCK)
    yield opened
    opened.close()


def test_a_map_is_kept_once_and_replaced_by_another(books: Books) -> None:
    world = begin_world(3)
    first = world.regions()
    world.split(world.now()[0].code, [1, 2])
    second = world.regions()
    with books.read() as tx:
        assert read_regions(tx) is None
    for regions, is_new in ((first, True), (first, False), (second, True), (first, True)):
        with books.write() as tx:
            assert keep_regions(tx, regions) is is_new
        with books.read() as tx:
            held = read_regions(tx)
        assert held is not None
        assert (tuple(held), held.successions) == (tuple(regions), regions.successions)
    assert books.verify() == 3


def test_the_newest_file_of_a_region_counts(books: Books) -> None:
    one, two = RegionCode.parse("339901"), RegionCode.parse("339902")
    ring = ((0, 0), (10, 0), (10, 10), (0, 0))
    both = Boundaries("GCJ-02", {code: Outline(code, ((ring,),)) for code in (one, two)})
    only = Boundaries("CGCS2000", {two: both.outlines[two]})
    with books.write() as tx:
        keep_boundaries(tx, both, Attachment("a" * 64, 10, "application/geo+json", "county.json"))
    with books.write() as tx:
        keep_boundaries(tx, only, Attachment("b" * 64, 10, "application/geo+json", "standard.json"))
    with books.read() as tx:
        assert [(k.region, k.name, k.system) for k in list_boundaries(tx)] == [
            (one, "county.json", "GCJ-02"),
            (two, "standard.json", "CGCS2000"),
        ]
        assert [k.file for k in list_boundaries(tx, [two])] == ["b" * 64]
        assert tx.rows("SELECT count(*) FROM attachment") == [(2,)]


def test_a_rebuild_gives_the_same_map(books: Books) -> None:
    with books.write() as tx:
        keep_regions(tx, begin_world(4).regions())
    fresh = Books.open("sqlite://", [ORGAN], CLOCK)
    rebuild(books, fresh)
    with fresh.read() as tx:
        held = read_regions(tx)
    assert isinstance(held, Regions)
    assert fresh.state_hash() == books.state_hash()
    fresh.close()
