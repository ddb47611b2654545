"""Row 7: pending + posted + lapsed + voided = entitled, to the fen, at every moment of a year with crashes and repeats.

Here few seeds and points; ``YUCUN_RELIEF_SEEDS=40 YUCUN_CRASH_POINTS=200`` goes through many on each store.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import Postgres
from tests.services.relief.office import ORGANS
from tests.simulation.relief_year import FIRST, add_up, live, live_and_die, open_year
from tests.simulation.survive import PROCESSES, Stores
from yucun.base.clock import SimulatedClock
from yucun.kernel.books import Books, rebuild
from yucun.kernel.engine import EventEngine

SEEDS = range(1, int(os.environ.get("YUCUN_RELIEF_SEEDS", "2")) + 1)
POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "2"))


def check(engine: EventEngine) -> None:
    """What must hold at every moment."""
    sums = add_up(engine)
    assert sums.holds, sums


def check_end(engine: EventEngine) -> None:
    """What must hold of the whole year's books, and that the year was no empty one."""
    sums = add_up(engine)
    assert sums.holds, sums
    assert sums.entitled > 0 and sums.posted > 0 and sums.lapsed + sums.voided > 0
    engine.books.verify()
    with engine.books.read() as tx:
        engine.ledger.check(tx)
        engine.cases.check(tx)
        status = dict(tx.rows("SELECT status, count(*) FROM engine_event GROUP BY status"))
        again = tx.row("SELECT count(*) FROM ledger_transfer WHERE action = 'reverse'")
    assert status["done"] > 30 and status["refused"] >= 1 and again is not None and int(again[0]) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_at_any_moment_of_a_year_on_sqlite(seed: int, tmp_path: Path) -> None:
    engine, clock = open_year(f"sqlite:///{tmp_path}/books.sqlite")
    moments = 0
    for _ in live(engine, clock, seed):
        check(engine)
        moments += 1
    assert moments > 60
    check_end(engine)
    engine.books.close()


@pytest.mark.parametrize("seed", SEEDS[:1])
def test_nothing_is_lost_at_any_moment_of_a_year_on_postgresql(seed: int, postgres_database: str) -> None:
    engine, clock = open_year(postgres_database)
    for _ in live(engine, clock, seed):
        assert add_up(engine).holds
    check_end(engine)
    engine.books.close()


def die(folder: Path, url: str, seed: int, die_at: int) -> int:
    process = PROCESSES.Process(target=live_and_die, args=(folder, url, seed, die_at))
    process.start()
    process.join(600)
    assert process.exitcode is not None, "the year hangs"
    return process.exitcode


def go_through(folder: Path, make_url: Callable[[str], str], seed: int = 1) -> int:
    """Let the year end undisturbed once; then die at points of it, go on, and end with the same money."""
    assert die(folder, make_url("calm"), seed, 0) == 0
    steps = int((folder / "steps").read_text())
    calm, _ = open_year(make_url("calm"))
    expected = add_up(calm)
    calm.books.close()
    survived = 0
    for die_at in sorted(random.Random(seed).sample(range(1, steps), min(POINTS, steps - 1))):
        url = make_url(str(die_at))
        assert die(folder, url, seed, die_at) == -signal.SIGKILL, f"step {die_at} of {steps} was not reached"
        engine, clock = open_year(url)
        check(engine)
        for _ in live(engine, clock, seed):
            pass
        check_end(engine)
        assert add_up(engine) == expected, f"seed {seed}, step {die_at} of {steps}"
        fresh = Books.open("sqlite://", ORGANS, SimulatedClock.on(FIRST, ticking=False))
        assert rebuild(engine.books, fresh) == engine.books.state_hash()
        fresh.close()
        engine.books.close()
        survived += 1
    return survived


def test_a_year_of_crashes_on_sqlite(tmp_path: Path) -> None:
    assert go_through(tmp_path, Stores(tmp_path).url) == POINTS


def test_a_year_of_crashes_on_postgresql(tmp_path: Path, postgres_server: Postgres) -> None:
    assert go_through(tmp_path, Stores(tmp_path, postgres_server).url) == POINTS
