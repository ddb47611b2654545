"""Killed at random points of loading, publishing and opening, on both stores: nothing lost, doubled or half visible.

Here a sample of the points; ``bench/crash.py`` goes through a hundred on each store.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from pathlib import Path

import pytest

from tests.servers import Postgres
from tests.simulation.crash_story import SEED, check_moment, snapshot, tell, tell_and_die
from tests.small_city import write_city
from yucun.base.clock import SimulatedClock
from yucun.city import ORGANS
from yucun.kernel.books import Books, rebuild

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "12"))
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.simulation.crash_story"])


def _die(folder: Path, url: str, die_at: int) -> int:
    process = PROCESSES.Process(target=tell_and_die, args=(folder, url, SEED, die_at))
    process.start()
    process.join(300)
    assert process.exitcode is not None, "the story hangs"
    return process.exitcode


def _check_after(folder: Path, url: str, expected: object) -> None:
    """Right after the crash all holds; going on with the story ends where it would have ended."""
    check_moment(folder, url)
    city = tell(folder, url, SEED)
    assert snapshot(city) == expected
    assert city.lake.check_files() == []
    fresh = Books.open("sqlite://", ORGANS, SimulatedClock.on(city.place.today, ticking=False))
    assert rebuild(city.books, fresh) == city.books.state_hash()
    fresh.close()
    city.close()


def _prepare(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    write_city(folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, int]:
    """How the story ends when nothing happens, and how many steps it takes."""
    folder = _prepare(tmp_path_factory.mktemp("undisturbed"))
    assert _die(folder, "", 0) == 0
    city = tell(folder, "", SEED)
    ended = snapshot(city)
    city.close()
    return ended, int((folder / "steps").read_text())


def _points(steps: int) -> list[int]:
    return sorted(random.Random(SEED).sample(range(1, steps), POINTS))


def test_sqlite_survives_crashes(undisturbed: tuple[object, int], tmp_path: Path) -> None:
    expected, steps = undisturbed
    for die_at in _points(steps):
        folder = _prepare(tmp_path / str(die_at))
        assert _die(folder, "", die_at) == -signal.SIGKILL, f"step {die_at} of {steps} was not reached"
        _check_after(folder, "", expected)


def test_postgresql_survives_crashes(
    undisturbed: tuple[object, int], tmp_path: Path, postgres_server: Postgres
) -> None:
    expected, _ = undisturbed
    folder = _prepare(tmp_path / "undisturbed")
    assert _die(folder, postgres_server.make_database("crash"), 0) == 0
    steps = int((folder / "steps").read_text())
    for die_at in _points(steps):
        folder, url = _prepare(tmp_path / str(die_at)), postgres_server.make_database("crash")
        assert _die(folder, url, die_at) == -signal.SIGKILL, f"step {die_at} of {steps} was not reached"
        _check_after(folder, url, expected)
        postgres_server.drop_database(url)
