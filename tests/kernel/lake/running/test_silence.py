"""Silence any feed of the city: exactly what rests on it goes grey, its supplier is told, and both are undone on return."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import pytest

from tests.silence import make_file, read_dependencies
from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.identity import RegionCode
from yucun.city import City
from yucun.kernel.screens import Shown

TODAY = date(2022, 5, 31)
CITY, PROVINCE, COUNTY = "330500", "330000", "330521"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A Huzhou of its own, whose clock the tests move, with one file for the feed that never came."""
    opened = City.open(data=tmp_path_factory.mktemp("silence"), clock=SimulatedClock.on(TODAY, ticking=False))
    (opened.desk.inbox / "dimension").mkdir(parents=True)
    bring(opened, "dimension", 2021)
    assert opened.desk.run_once(now=True).landed == 1
    yield opened
    opened.close()


def bring(city: City, supply: str, year: int) -> None:
    """Put the file of a year into a feed's inbox, as an office would, long enough ago to be whole."""
    origin = city.desk.get(supply)
    path = city.desk.inbox / supply / f"{supply}_{year}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(make_file(city, origin.table, year))
    os.utime(path, (0, 0))


def shown(city: City) -> dict[tuple[str, str], Shown]:
    """Every screen for the city, its province and one of its counties, as far as it is made for that level."""
    codes = [RegionCode.parse(code) for code in (CITY, PROVINCE, COUNTY)]
    return {
        (screen.id, code.short): city.screen(screen.id, code)
        for screen in city.screens.values()
        for code in codes
        if city.regions.get(code).level in screen.levels
    }


def test_feeds_silent_in_turn(city: City) -> None:
    """Two feeds on which most of the city rests; ``YUCUN_SILENCE=all``, as the bench sets it, silences every one."""
    feeds = sorted(city.desk.supplies) if os.environ.get("YUCUN_SILENCE") == "all" else ["income", "population"]
    assert silence(city, feeds) > 2 * len(feeds)


def silence(city: City, feeds: Sequence[str]) -> int:
    """Silence some feeds, a year each, while all the others come; return how many greyed numbers were seen."""
    rests_on, desk = read_dependencies(), city.desk
    supplies = sorted(desk.supplies)
    everywhere, before = 0, ""
    for year, silent in enumerate([*feeds, ""], 2022):
        city.clock.advance(datetime(year + 1, 12, 30, 8, tzinfo=CHINA) - city.clock.now())  # type: ignore[attr-defined]
        if before:
            # What was silent last year returns, and with it all the others but one come.
            bring(city, before, year - 1)
            desk.run_once(now=True)
        for other in supplies:
            if other != silent:
                bring(city, other, year)
        desk.run_once(now=True)
        late = [silent] if silent else []
        assert [s.supply.id for s in desk.states() if s.is_late] == late
        assert [n.id for n in desk.notices(only_open=True)] == [f"notice:{one}:late:{year}" for one in late]

        right = {name for name, tables in rests_on.items() if silent and desk.get(silent).table in tables}
        assert bool(right) == bool(silent)
        for key, screen in shown(city).items():
            known = {v.indicator for v in screen.values if v.mark is None or v.mark.kind in ("none", "late")}
            assert screen.late - right == set(), (silent, key)
            assert {n for n in right & known if _is_newest(screen, n)} <= screen.late, (silent, key)
            everywhere += len(screen.late)
        for code in (CITY, PROVINCE, COUNTY):
            values = {name: city.value(name, RegionCode.parse(code)) for name in city.indicators}
            greyed = {name for name, v in values.items() if v.late is not None or (v.mark and v.mark.kind == "late")}
            known = {name for name, v in values.items() if v.mark is None or v.mark.kind == "late"}
            assert greyed <= right, (silent, code)
            assert right & known <= greyed, (silent, code)
        before = silent
    mine = [n for n in desk.notices() if n.id.endswith(tuple(f"{s}:late:{y}" for y, s in enumerate(feeds, 2022)))]
    assert len(mine) == len(feeds), "one notice each, however often it was looked at"
    assert all(n.sent and n.thanked and not n.is_open for n in desk.notices()), "each was told and thanked"
    return everywhere


def _is_newest(screen: Shown, indicator: str) -> bool:
    """Whether a screen shows the newest of a number somewhere, not only one period by name."""
    rules = [t for s in screen.screen.sections for t in s.tiles if t.indicator == indicator]
    return any(t.period in ("latest", "current") for t in rules)
