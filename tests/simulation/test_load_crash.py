"""Loads, corrections, publications, compactions and cells killed at random points, also while they are taken up again.

Here a sample of the points; ``bench/lake_crash.py`` goes through three hundred.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.load_story import (
    SEED,
    check_cells,
    check_moment,
    kill_child,
    open_small,
    send,
    snapshot,
    tell,
    tell_and_die,
    write_files,
)
from yucun.base.errors import Ours
from yucun.kernel.indicators.pinned import REFRESHED
from yucun.kernel.lake.bulk.load import jobs_folder
from yucun.kernel.lake.store import Lake

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "6"))
# One of so many points is followed by a second one while the lake restarts.
RESTARTS = 3
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.simulation.load_story"])


def _die(folder: Path, die_at: int) -> int:
    process = PROCESSES.Process(target=tell_and_die, args=(folder, die_at))
    process.start()
    process.join(300)
    assert process.exitcode is not None, "the story hangs"
    return process.exitcode


def _prepare(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    write_files(folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """How the story ends when nothing happens, and how many steps it takes."""
    folder = _prepare(tmp_path_factory.mktemp("undisturbed"))
    assert _die(folder, 0) == 0
    small = tell(folder)
    ended = snapshot(small)
    small.books.close()
    return ended, int((folder / "steps").read_text())


def test_loads_survive_crashes(undisturbed: tuple[dict[str, Any], int], tmp_path: Path) -> None:
    expected, steps = undisturbed
    assert expected["kinds"].count("lake.landed") == 3
    assert "lake.compacted" in expected["kinds"]
    assert len(expected["counted"]) == 3
    chance = random.Random(SEED)
    for number, die_at in enumerate(chance.sample(range(1, steps), min(POINTS, steps - 1))):
        folder = _prepare(tmp_path / str(die_at))
        assert _die(folder, die_at) == -signal.SIGKILL, f"step {die_at} of {steps} was not reached"
        check_moment(folder)
        if number % RESTARTS == 0:
            # Once more, early in the restart: what was half mended is mended again.
            assert _die(folder, chance.randint(1, 60)) in (-signal.SIGKILL, 0)
            check_moment(folder)
        small = tell(folder)
        assert snapshot(small) == expected, f"step {die_at} of {steps}"
        check_cells(small)
        assert small.lake.check_files() == []
        assert list(jobs_folder(small.lake).iterdir()) == [], f"step {die_at} of {steps}"
        small.books.close()


@pytest.mark.parametrize("swaps", range(3))
def test_a_restart_within_a_compaction_counts_at_once_and_to_the_same(
    undisturbed: tuple[dict[str, Any], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: int
) -> None:
    """The corrections have landed and some parts are swapped when the lake stops; the restart counts before it swaps on."""
    folder = _prepare(tmp_path)
    commit, left = Lake.commit, [swaps]

    def stopping(lake: Lake, kind: str, *values: Any, **named: Any) -> Any:
        if kind == "lake.compacted":
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        return commit(lake, kind, *values, **named)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Lake, "commit", stopping)
        tell(folder)
    small = tell(folder)
    with small.books.read() as tx:
        kinds = [line.kind for line in tx.lines() if line.kind != "lake.published"]
    before, after = ["lake.compacted"] * swaps, ["lake.compacted"] * (3 - swaps)
    assert kinds[-5:] == ["lake.landed", *before, REFRESHED, *after]
    assert snapshot(small) == undisturbed[0]
    check_cells(small)
    small.books.close()


@pytest.mark.parametrize("at", ["read", "meet", "tell"])
def test_a_killed_child_is_told_and_its_load_goes_on(tmp_path: Path, at: str) -> None:
    folder = _prepare(tmp_path)
    small = open_small(folder)
    with pytest.raises(Ours, match="stopped"):
        send(small, folder, "first.csv", in_child=True, tell=kill_child(at))
    assert small.rows() == {}
    assert len(list(jobs_folder(small.lake).iterdir())) == 1
    send(small, folder, "first.csv", in_child=True)
    disturbed = snapshot(small)
    small.books.close()
    other = _prepare(tmp_path / "undisturbed")
    small = open_small(other)
    send(small, other, "first.csv")
    assert snapshot(small) == disturbed
    small.books.close()
