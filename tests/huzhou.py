"""Huzhou, opened once in a test process and only read from; and a lake of its services' tables for a test's own files."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from yucun.base.clock import SimulatedClock
from yucun.city import PLACES, SERVICES, City
from yucun.kernel.access import ORGAN as ACCESS
from yucun.kernel.books import Attachments, Books
from yucun.kernel.indicators import CELL_TABLE, Numbers, link_indicators, make_cell_contract
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.store import ORGAN as LAKE
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry import ORGAN as REGISTRY
from yucun.kernel.registry import Place, read_place
from yucun.kernel.service import Service, read_services


@cache
def open_huzhou() -> City:
    """The city on its own figures; a test that writes opens one of its own."""
    folder = Path(tempfile.mkdtemp(prefix="yucun-huzhou-"))
    city = City.open(data=folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(city.close)
    return city


@cache
def read_huzhou() -> Place:
    """The place folder."""
    return read_place(PLACES / "huzhou")


@dataclass
class EmptyHuzhou:
    """The tables and numbers of some services over Huzhou's map, with nothing landed yet."""

    services: dict[str, Service]
    lake: Lake
    books: Books
    attachments: Attachments
    numbers: Numbers

    @classmethod
    def make(cls, folder: Path, services: Path = SERVICES) -> EmptyHuzhou:
        """Make one in a folder."""
        found, findings = read_services(services)
        assert not findings, [f"{f.where}: {f.message.en}" for f in findings]
        rules = {f"{s.id}.{name}": rule for s in found.values() for name, rule in s.rules.items()}
        indicators, wrong = link_indicators([i for s in found.values() for i in s.indicators], rules)
        assert not wrong, [f"{f.where}: {f.message.en}" for f in wrong]
        place = read_huzhou()
        books = Books.open(
            f"sqlite:///{folder}/books.sqlite", [LAKE, REGISTRY, ACCESS], SimulatedClock.on(place.today, ticking=False)
        )
        contracts = {c.name: c for s in found.values() for c in s.contracts}
        lake = Lake(folder / "lake", books, {**contracts, CELL_TABLE: make_cell_contract()}, Engine())
        numbers = Numbers(lake, place.regions, indicators, rules, lambda: place.today, place.region)
        return cls(found, lake, books, Attachments(folder / "attachments"), numbers)

    def send(self, table: str, content: bytes, name: str = "sent.csv") -> Landing:
        """Land a file; every row of it must be good."""
        place = read_huzhou()
        landing = land(self.lake, self.attachments, place.regions, Sent(content, name, table, "clerk", {}), place.today)
        assert landing.is_readable, landing.notes
        assert landing.refused == 0, landing.notes
        return landing
