"""What a clerk of data may do at the desk: see refused records, keep a draft, send again; each look is noted in the trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from yucun.base.declaration import raise_findings
from yucun.base.errors import PlaceError
from yucun.base.period import WorkingCalendar
from yucun.kernel.access import Reader, Trail, may_do, require
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.read import get_landing
from yucun.kernel.lake.running.corrections import RefusedRow
from yucun.kernel.lake.running.declare import FEEDS_FILE, read_supplies
from yucun.kernel.lake.running.desk import Desk
from yucun.kernel.lake.running.model import Supply


class Clerk:
    """The desk as readers meet it: who may not send a table's files is refused here."""

    def __init__(self, desk: Desk, trail: Trail) -> None:
        self._desk = desk
        self._trail = trail

    def refused_rows(self, key: str, *, reader: Reader, start: int = 0, limit: int = 1000) -> list[RefusedRow]:
        """Return a landing's refused records as rows to correct, with this reader's own changes."""
        landing = self._require(key, reader)
        level = self._desk.lake.get_contract(landing.table).level
        self._trail.note(reader, landing.table, level, shown=landing.refused)
        return self._desk.refused_rows(landing, reader.account, start, limit)

    def keep_draft(self, key: str, changes: Sequence[tuple[int, int, str, str | None]], *, reader: Reader) -> None:
        """Keep what a reader has changed: (record, row of it, field, value; None takes it back)."""
        self._desk.keep_draft(self._require(key, reader), reader.account, changes)

    def send_again(
        self, key: str, *, reader: Reader, replaces: bool = False, everything: bool = False
    ) -> Landing | None:
        """Send a reader's corrections as a landing that names the one it corrects; see `Desk.send_again`."""
        landing = self._require(key, reader)
        if replaces:
            require(may_do(reader, "correct", landing.table), landing.table)
        sent = self._desk.send_again(landing, reader.account, replaces=replaces, everything=everything)
        self._desk.watch()
        return sent

    def _require(self, key: str, reader: Reader) -> Landing:
        landing = get_landing(self._desk.lake, key)
        require(may_do(reader, "load", landing.table), landing.table)
        return landing


def join_supplies(folder: Path, contracts: Mapping[str, Contract]) -> tuple[dict[str, Contract], dict[str, Supply]]:
    """Let what a place says of who sends what by when stand in the contracts, so that late means one thing everywhere.

    Raises
    ------
    PlaceError
        With all findings of the place's feeds.
    """
    supplies, findings = read_supplies(folder / FEEDS_FILE, contracts, WorkingCalendar.of_china())
    raise_findings(findings, PlaceError)
    rhythms = {}
    for supply in supplies.values():
        groups = tuple(s.covered for s in supplies.values() if s.table == supply.table and s.covered)
        rhythms[supply.table] = replace(supply.freshness, groups=groups)
    return {n: replace(c, freshness=rhythms[n]) if n in rhythms else c for n, c in contracts.items()}, supplies
