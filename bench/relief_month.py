"""A month's relief for 36,000 people is approved and posted in under five seconds, and a repeated run changes nothing."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
from run import Figure, Measured, Program

from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.period import WorkingCalendar
from yucun.city import PLACES, SERVICES
from yucun.kernel.books import Books
from yucun.kernel.cases import ORGAN as CASES
from yucun.kernel.cases import Actor, Cases, Opening
from yucun.kernel.engine import ORGAN as ENGINE
from yucun.kernel.engine import Event, EventEngine, load_acting
from yucun.kernel.ledger import ORGAN as LEDGER
from yucun.kernel.ledger import Ledger
from yucun.kernel.registry import read_place
from yucun.kernel.service import read_services

PEOPLE = int(os.environ.get("YUCUN_RELIEF_PEOPLE", "36000"))
FINANCE = Actor("finance.bench", frozenset({"relief_finance"}))


def open_office(folder: Path, clock: SimulatedClock) -> tuple[EventEngine, list[str]]:
    """An engine with relief alone, and the villages of the map."""
    found, findings = read_services(SERVICES)
    assert not findings
    loaded = load_acting({"relief": found["relief"]})
    assert not loaded.findings
    place = read_place(PLACES / "huzhou")
    villages = [str(r.code) for r in place.regions.at_level("village", place.region, place.today)]
    books = Books.open(f"sqlite:///{folder}/books.sqlite", (CASES, LEDGER, ENGINE), clock)
    cases, ledger = Cases(loaded.kinds, WorkingCalendar.of_china()), Ledger(loaded.chart)

    def no_lake(_table: str, _equals: object, as_of: int) -> pa.Table:
        return pa.table({"as_of": [as_of]})

    engine = EventEngine(
        books, cases, ledger, place.regions, loaded.services, no_lake, lambda tx: tx.committed_seq, clock
    )
    return engine, villages


def open_awards(engine: EventEngine, villages: list[str]) -> None:
    """An award in force for each person, as approvals leave them; this is what stands before the month."""
    officer = Actor("county.bench", frozenset({"relief_county"}))
    wishes = [
        Opening(
            "relief.award", f"award:B-{n}:dibao", officer, f"H-{n}", villages[n % len(villages)],
            fields={"programme": "dibao", "amount_fen": 30_000 + n % 51_000, "from_month": "2022-04", "people": 1,
                    "application": f"B-{n}", "clause": "浙江省社会救助条例第十二条", "to": "household"},
        )
        for n in range(PEOPLE)
    ]  # fmt: skip
    with engine.books.write() as tx:
        engine.cases.open(tx, wishes, "awards", all_or_none=True)


def run_bare(folder: Path) -> tuple[float, float]:
    """The same month as two statements a line over plain tables: no journal, no checks, no case, nobody's name."""
    lines = [(f"B-{n}", n, 30_000 + n % 51_000) for n in range(PEOPLE)]
    books = sqlite3.connect(folder / "bare.sqlite")
    books.execute("PRAGMA journal_mode = WAL")
    books.execute("CREATE TABLE line (id TEXT PRIMARY KEY, account INTEGER, amount INTEGER, state TEXT)")
    books.execute("CREATE TABLE balance (account INTEGER PRIMARY KEY, amount INTEGER)")
    books.executemany("INSERT INTO balance VALUES (?, 0)", [(n,) for n in range(PEOPLE)])
    books.commit()
    begin = time.perf_counter()
    for line in lines:
        books.execute("INSERT INTO line VALUES (?, ?, ?, 'due')", line)
    books.commit()
    due_s = time.perf_counter() - begin
    begin = time.perf_counter()
    for name, account, amount in lines:
        books.execute("UPDATE line SET state = 'paid' WHERE id = ? AND state = 'due'", (name,))
        books.execute("UPDATE balance SET amount = amount + ? WHERE account = ?", (amount, account))
    books.commit()
    paid_s = time.perf_counter() - begin
    books.close()
    return due_s, paid_s


def measure() -> Measured:
    """Let a month fall due, sign its run, send the run again, and count."""
    with tempfile.TemporaryDirectory() as folder:
        clock = SimulatedClock.on(date(2022, 3, 29), ticking=False)
        engine, villages = open_office(Path(folder), clock)
        open_awards(engine, villages)
        engine.take([Event("open", "relief.month_opened", {"month": "2022-04"}, FINANCE)])
        clock.instant = datetime(2022, 4, 10, 0, 1, tzinfo=CHINA)
        begin = time.perf_counter()
        (due,) = engine.tick()
        due_s = time.perf_counter() - begin
        assert due.status == "done" and not due.findings, due.findings[:2]
        begin = time.perf_counter()
        with engine.books.read() as tx:
            lines = engine.ledger.list_reserved(tx, "relief.", "2022-04")
        total = sum(line.amount for line in lines)
        body = {"month": "2022-04", "order": 1, "lines": len(lines), "total_fen": total, "file": "sha256:bench"}
        (paid,) = engine.take([Event("pay", "relief.pay_ordered", body, FINANCE)])
        paid_s = time.perf_counter() - begin
        assert paid.status == "done" and not paid.findings and len(lines) == PEOPLE, paid.findings[:2]
        before = engine.books.state_hash()
        begin = time.perf_counter()
        (again,) = engine.take([Event("pay", "relief.pay_ordered", body, FINANCE)])
        again_s = time.perf_counter() - begin
        assert again.status == "already" and engine.books.state_hash() == before
        with engine.books.read() as tx:
            engine.ledger.check(tx)
            posted = -sum(engine.ledger.balance(tx, f"relief:fund:{v}", "fen").posted or 0 for v in villages)
        assert posted == total
        engine.books.close()
        bare_due_s, bare_paid_s = run_bare(Path(folder))
    program = Program("yucun", version("yucun"))
    figures = (
        Figure("fall_due", "s", round(due_s, 2), round(bare_due_s, 2)),
        Figure("approved_and_posted", "s", round(paid_s, 2), round(bare_paid_s, 2)),
        Figure("due_approved_and_posted", "s", round(due_s + paid_s, 2), round(bare_due_s + bare_paid_s, 2)),
        Figure("repeated_run", "s", round(again_s, 3), 0.0),
    )
    peer = Program("sqlite3, a bare loop", sqlite3.sqlite_version)
    return Measured(
        ours=program, peer=peer, figures=figures, setting=f"{PEOPLE:,} awards, {len(villages):,} villages, SQLite"
    )
