"""Random maps that merge, split, rename and move, for the registry's property tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from hypothesis import strategies as st

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.registry import BEGINNING, Region, Regions, Succession

FIRST_DAY = date(2020, 1, 1)
STEP = timedelta(days=100)
COUNTY = RegionCode.parse("339901")
OTHER_COUNTY = RegionCode.parse("339902")


@dataclass
class World:
    """A county whose towns change; every change is noted with both its shares."""

    rows: list[Region] = field(default_factory=list)
    successions: list[Succession] = field(default_factory=list)
    days: list[date] = field(default_factory=lambda: [FIRST_DAY])
    made: int = 0

    def now(self) -> list[Region]:
        return sorted((r for r in self.rows if r.level == "town" and r.valid_to is None), key=lambda r: r.code)

    def next_day(self) -> date:
        self.days.append(self.days[-1] + STEP)
        return self.days[-1]

    def begin(self, on: date, parent: RegionCode = COUNTY) -> RegionCode:
        self.made += 1
        code = RegionCode.parse(f"339901{self.made:03d}")
        self.rows.append(Region(code, Text(f"镇{self.made}", f"Town {self.made}"), "town", parent, on))
        return code

    def end(self, code: RegionCode, on: date) -> Region:
        held = next(r for r in self.rows if r.code == code and r.valid_to is None)
        self.rows.remove(held)
        ended = replace(held, valid_to=on)
        self.rows.append(ended)
        return ended

    def merge(self, codes: list[RegionCode], shares: list[int]) -> None:
        on = self.next_day()
        new = self.begin(on)
        whole = sum(shares)
        for code, share in zip(codes, shares, strict=True):
            self.end(code, on)
            self.successions.append(Succession(code, new, on, 1, 1, "gazette", share, whole))

    def split(self, code: RegionCode, shares: list[int], source: str | None = "gazette") -> None:
        on = self.next_day()
        self.end(code, on)
        whole = sum(shares)
        for share in shares:
            new = self.begin(on)
            self.successions.append(Succession(code, new, on, share, whole, source, 1, 1))

    def cede(self, giver: RegionCode, taker: RegionCode, share: int, back: int) -> None:
        """Both stay; the giver's loss is `share` percent, `back` percent of the taker came from it."""
        on = self.next_day()
        self.successions.append(Succession(giver, taker, on, share, 100, "gazette", back, 100))

    def rename(self, code: RegionCode, parent: RegionCode) -> None:
        on = self.next_day()
        ended = self.end(code, on)
        name = Text(ended.name.zh + "新", "New " + ended.name.en)
        self.rows.append(replace(ended, name=name, parent=parent, valid_from=on, valid_to=None))

    def regions(self) -> Regions:
        return Regions(self.rows, self.successions)


def begin_world(towns: int) -> World:
    world = World()
    city = RegionCode.parse("3399")
    world.rows.append(Region(city, Text("甲市", "A City"), "city", None, BEGINNING))
    for code, name in ((COUNTY, Text("乙县", "B County")), (OTHER_COUNTY, Text("丙县", "C County"))):
        world.rows.append(Region(code, name, "county", city, BEGINNING))
    for _ in range(towns):
        world.begin(BEGINNING)
    return world


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to six changes, each with made-up but stated shares."""
    world = begin_world(draw(st.integers(2, 5)))
    for kind in draw(st.lists(st.sampled_from(["merge", "split", "cede", "rename"]), max_size=6)):
        codes = [r.code for r in world.now()]
        shares = st.lists(st.integers(1, 97), min_size=2, max_size=min(3, max(2, len(codes))))
        if kind == "split":
            world.split(draw(st.sampled_from(codes)), draw(shares))
        elif kind == "rename":
            world.rename(draw(st.sampled_from(codes)), draw(st.sampled_from([COUNTY, OTHER_COUNTY])))
        elif len(codes) >= 2:
            chosen = draw(st.lists(st.sampled_from(codes), min_size=2, max_size=2, unique=True))
            if kind == "merge":
                world.merge(chosen, draw(st.lists(st.integers(1, 97), min_size=2, max_size=2)))
            else:
                world.cede(*chosen, share=draw(st.integers(0, 100)), back=draw(st.integers(0, 100)))
    return world


def days_between(world: World) -> Iterator[date]:
    """One day in each map that the world has had."""
    return (day + timedelta(days=1) for day in world.days)
