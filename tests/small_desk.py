"""A desk over the small lake: feeds declared in a few lines, a clock that stands still, and an inbox of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.small_lake import TODAY, make_contracts, make_regions
from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.errors import Finding
from yucun.base.period import WorkingCalendar
from yucun.kernel.books import Attachments, Books
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.running import ORGAN, Desk, Supply, read_supplies
from yucun.kernel.lake.store import ORGAN as LAKE
from yucun.kernel.lake.store import Lake

FEEDS = """
[suppliers.farm]
office = { zh = "农业局", en = "Farm bureau" }
post = { zh = "统计岗", en = "desk of statistics" }
contact = { channel = "folder" }
[feeds.harvest]
supplier = "farm"
table = "farm.harvest"
every = "year"
due_working_days = 40
first = "2021"
inbox = { folder = "harvest", pattern = "*.csv" }
"""
GOOD = "region,period,金额\n990101,2021,100\n990102,2021,200\n"
BAD = "region,period,金额\n990101,2021,100\n990102,2021,贰佰\n无此县,2021,300\n"


def read_feeds(folder: Path, text: str) -> tuple[dict[str, Supply], list[Finding]]:
    """Read feeds as a place would declare them."""
    path = folder / "feeds.toml"
    path.write_text(text, encoding="utf-8")
    return read_supplies(path, make_contracts(folder), WorkingCalendar.of_china())


@dataclass
class SmallDesk:
    """A desk with what a test moves: the city's clock, the machine's, the inbox."""

    desk: Desk
    lake: Lake
    books: Books
    clock: SimulatedClock
    machine: SimulatedClock
    folder: Path

    @classmethod
    def make(cls, folder: Path, feeds: str = FEEDS, url: str = "", on: date = TODAY, **options: object) -> SmallDesk:
        """Make or open one; opened again over the same folder, it is the same desk after a restart."""
        folder.mkdir(parents=True, exist_ok=True)
        supplies, findings = read_feeds(folder, feeds)
        assert not findings, [f"{f.where}: {f.message.en}" for f in findings]
        clock = SimulatedClock.on(on, ticking=False)
        machine = SimulatedClock(datetime(2030, 1, 1, tzinfo=CHINA), ticking=False)
        books = Books.open(url or f"sqlite:///{folder}/books.sqlite", [LAKE, ORGAN], clock)
        contracts = make_contracts(folder)
        for supply in supplies.values():
            contracts[supply.table] = replace(contracts[supply.table], freshness=supply.freshness)
        lake = Lake(folder / "lake", books, contracts, Engine())
        desk = Desk(
            lake, Attachments(folder / "attachments"), make_regions(), supplies, clock, folder, lambda: None,
            machine=machine, **options,  # type: ignore[arg-type]
        )  # fmt: skip
        return cls(desk, lake, books, clock, machine, folder)

    def bring(self, name: str, content: str, feed: str = "harvest") -> Path:
        """Put a file into an inbox, whole and left alone for long."""
        path = self.folder / "inbox" / feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        os.utime(path, (0, 0))
        return path

    def send(
        self, content: str, name: str = "sent.csv", *, given: Mapping[str, str] | None = None, **more: bool
    ) -> Landing:
        """Land a file as a clerk would by the page."""
        desk = self.desk
        sent = Sent(content.encode(), name, "farm.harvest", "clerk", given or {}, **more)
        return land(self.lake, desk.attachments, desk.regions, sent, self.clock.today())

    def go_to(self, day: date) -> None:
        """Move the city's clock to a day."""
        self.clock.advance(datetime(day.year, day.month, day.day, 8, tzinfo=CHINA) - self.clock.now())

    def wait(self, seconds: float) -> None:
        """Let the machine's clock run on."""
        self.machine.advance(timedelta(seconds=seconds))

    def rows(self) -> list[tuple[str, str, int]]:
        """What the table holds."""
        found = self.lake.engine.run(self.lake.table("farm.harvest")).to_pylist()
        return sorted((row["region"][:6], row["period"], row["amount_fen"]) for row in found)

    def letters(self) -> list[str]:
        """The texts in the outbox folder."""
        folder = self.folder / "outbox"
        return [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())] if folder.is_dir() else []


# A step at which a test lets the desk die.
Dying = Callable[..., object]
