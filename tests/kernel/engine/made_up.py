"""A made-up city for the engine: two services, one village, books of either kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from yucun.base.clock import SimulatedClock
from yucun.base.identity import RegionCode
from yucun.base.period import WorkingCalendar
from yucun.kernel.books import Books
from yucun.kernel.cases import ORGAN as CASES
from yucun.kernel.cases import Actor, Cases
from yucun.kernel.engine import ORGAN as ENGINE
from yucun.kernel.engine import Event, EventEngine
from yucun.kernel.engine.load import Loaded, load_acting
from yucun.kernel.ledger import ORGAN as LEDGER
from yucun.kernel.ledger import Ledger, Opening
from yucun.kernel.service import read_services

SERVICES = Path(__file__).parent / "services"
CADRE = Actor("cadre.tests", frozenset({"cadre"}))
CITIZEN = Actor("citizen.tests", frozenset({"citizen"}))
VILLAGE = "330502001001"
ORGANS = (CASES, LEDGER, ENGINE)


class OneVillage:
    """A region book with one village."""

    def resolve(self, words: Sequence[str], on: date) -> dict[str, list[RegionCode]]:  # noqa: ARG002 - the shape of a region book
        return {word: [RegionCode.parse(VILLAGE)] if word == VILLAGE else [] for word in words}


def no_lake(table: str, equals: Mapping[str, Any], as_of: int) -> pa.Table:
    return pa.table({"as_of": [as_of]})


def load(folder: Path = SERVICES, packs: Mapping[str, Mapping[str, Any]] | None = None) -> Loaded:
    found, findings = read_services(folder)
    assert not findings, findings
    loaded = load_acting(found, packs=packs)
    assert not loaded.findings, loaded.findings
    return loaded


def make_engine(url: str, clock: SimulatedClock, loaded: Loaded | None = None, *, fund: bool = True) -> EventEngine:
    loaded = loaded or load()
    books = Books.open(url, ORGANS, clock)
    ledger = Ledger(loaded.chart)
    cases = Cases(loaded.kinds, WorkingCalendar.of_china())
    if fund:
        with books.write() as tx:
            ledger.open(tx, [Opening("fund:visits", "fen")], "fund")
    return EventEngine(books, cases, ledger, OneVillage(), loaded.services, no_lake, lambda tx: tx.committed_seq, clock)  # type: ignore[arg-type]


def asked(household: str, fee_fen: int = 500, **more: Any) -> Event:
    body = {"household": household, "fee_fen": fee_fen, **more}
    return Event(f"asked:{household}", "visits.asked", body, CITIZEN)


def moved(household: str, move: str, number: int = 1, by: Actor = CADRE, **more: Any) -> Event:
    body = {"case": f"visit:{household}", "move": move, **more}
    return Event(f"moved:{household}:{move}:{number}", "visits.moved", body, by)
