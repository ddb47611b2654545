"""Feeds as a place declares them: what is read, and what is refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.huzhou import open_huzhou
from tests.small_desk import FEEDS, read_feeds
from yucun.base.errors import PlaceError
from yucun.base.period import Period
from yucun.city import City
from yucun.kernel.lake.running.model import Inbox


def test_what_is_declared_is_read(tmp_path: Path) -> None:
    supplies, findings = read_feeds(tmp_path, FEEDS + 'given = { note = "年报" }\nlook_every_minutes = 5\n')
    assert not findings
    feed = supplies["harvest"]
    assert (feed.supplier.title.zh, feed.table, feed.given) == ("农业局统计岗", "farm.harvest", {"note": "年报"})
    assert feed.origin == Inbox("harvest", ("*.csv",))
    assert (feed.freshness.every, feed.freshness.due_days, feed.freshness.first) == ("year", 40, Period.year(2021))
    assert feed.declared_at == "feeds.toml:6"
    assert feed.title.zh == "收成", "a feed is called as its table unless it says otherwise"


def test_a_place_without_the_file_has_no_feeds(tmp_path: Path) -> None:
    from yucun.base.period import WorkingCalendar  # noqa: PLC0415 - only here
    from yucun.kernel.lake.running import read_supplies  # noqa: PLC0415 - as above

    assert read_supplies(tmp_path / "feeds.toml", {}, WorkingCalendar.of_china()) == ({}, [])


WRONG = (
    ('supplier = "farm"', 'supplier = "mill"', "feeds.unknown_supplier", "feeds.harvest.supplier", 7),
    ('table = "farm.harvest"', 'table = "farm.crop"', "feeds.unknown_table", "feeds.harvest.table", 8),
    ('every = "year"', 'every = "week"', "feeds.every", "feeds.harvest.every", 9),
    ('every = "year"', 'every = "once"', "feeds.once", "feeds.harvest.reason", None),
    ("due_working_days = 40", "due_working_days = -1", "feeds.due", "feeds.harvest.due_working_days", 10),
    ("due_working_days = 40\n", "", "declaration.missing", "feeds.harvest.due_working_days", None),
    ('first = "2021"', 'first = "2021-03"', "feeds.first", "feeds.harvest.first", 11),
    ('inbox = { folder = "harvest", pattern = "*.csv" }', "", "feeds.origin", "feeds.harvest", None),
    ('folder = "harvest"', 'folder = "../harvest"', "feeds.inbox", "feeds.harvest.inbox.folder", None),
    ('folder = "harvest"', 'folder = "/etc"', "feeds.inbox", "feeds.harvest.inbox.folder", None),
    (
        'inbox = { folder = "harvest", pattern = "*.csv" }', 'web = { address = "ftp://a/b" }', "feeds.web",
        "feeds.harvest.web.address", None,
    ),
    (
        'inbox = { folder = "harvest", pattern = "*.csv" }', 'database = { url_from = "postgresql://a:b@c/d", table = "t" }',
        "feeds.variable", "feeds.harvest.database.url_from", None,
    ),
    (
        'inbox = { folder = "harvest", pattern = "*.csv" }', 'database = { url_from = "FARM", table = "a; drop" }',
        "feeds.database", "feeds.harvest.database.table", None,
    ),
    ('channel = "folder"', 'channel = "fax"', "feeds.channel", "suppliers.farm.contact.channel", None),
    ('channel = "folder"', 'channel = "email"', "feeds.address", "suppliers.farm.contact", None),
    (
        'channel = "folder"', 'channel = "email", address = "nobody"', "feeds.address",
        "suppliers.farm.contact.address", None,
    ),
    ('first = "2021"', 'first = "2021"\ngiven = { crop = "x" }', "feeds.given", "feeds.harvest.given", None),
    ('first = "2021"', 'first = "2021"\ncovers = ["ten"]', "feeds.covers", "feeds.harvest.covers", None),
    ('first = "2021"', 'frist = "2021"', "declaration.unknown_key", "feeds.harvest.frist", 11),
    ("[feeds.harvest]", "[feeds.Harvest]", "feeds.id", "feeds.Harvest", None),
)  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "kind", "key", "line"), WRONG)
def test_what_is_wrong_is_refused(
    tmp_path: Path, right: str, wrong: str, kind: str, key: str, line: int | None
) -> None:
    _, findings = read_feeds(tmp_path, FEEDS.replace(right, wrong))
    found = next(f for f in findings if f.kind == kind)
    assert found.key == key
    assert found.where.startswith("feeds.toml:")
    assert line is None or found.where == f"feeds.toml:{line}"
    assert found.message.zh and found.message.en


def test_two_feeds_of_one_table_need_their_own_regions_and_inboxes(tmp_path: Path) -> None:
    second = FEEDS[FEEDS.index("[feeds.harvest]") :].replace("[feeds.harvest]", "[feeds.second]")
    _, findings = read_feeds(tmp_path, FEEDS + second.replace("= 40", "= 30"))
    assert {f.kind for f in findings} == {"feeds.table_twice", "feeds.rhythm", "feeds.inbox_twice"}
    apart = FEEDS.replace('first = "2021"', 'first = "2021"\ncovers = ["990101"]')
    other = second.replace('first = "2021"', 'first = "2021"\ncovers = ["990102"]').replace('"*.csv"', '"*.xlsx"')
    assert read_feeds(tmp_path, apart + other)[1] == []


def test_a_feed_of_a_service_that_is_not_installed_is_passed_over(tmp_path: Path) -> None:
    supplies, findings = read_feeds(tmp_path, FEEDS.replace("farm.harvest", "mill.flour"))
    assert (supplies, findings) == ({}, [])


def test_the_city_refuses_to_open_with_wrong_feeds(tmp_path: Path) -> None:
    from tests.small_city import open_city, write_city  # noqa: PLC0415 - only here

    write_city(tmp_path)
    (tmp_path / "place" / "feeds.toml").write_text(FEEDS.replace('"year"', '"week"'), encoding="utf-8")
    with pytest.raises(PlaceError, match=r"feeds\.toml:9"):
        open_city(tmp_path)


def test_huzhou_says_who_sends_every_table_with_a_rhythm() -> None:
    city: City = open_huzhou()
    sent = {supply.table for supply in city.desk.supplies.values()}
    awaited = {
        c.name for c in city.contracts.values() if c.name.startswith("prosperity.") and c.freshness.every != "once"
    }
    assert awaited <= sent
    for supply in city.desk.supplies.values():
        assert city.contracts[supply.table].owner.zh == supply.supplier.office.zh, supply.id
