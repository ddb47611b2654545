"""Loading at size on the command line: told as it goes, cancelled by Ctrl-C, resumed after a kill, or let go of."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.doors.serving import PATIENCE_S, PROGRAM, run, surroundings

TABLE = "prosperity.gdp"
SENT = "long.csv"
# Long enough that a load of it can be met at work.
ROWS = 300_000


@pytest.fixture
def sent(own_huzhou: Path) -> Path:
    """A file of one good row, given again and again, and one refused row."""
    file = own_huzhou / SENT
    rows = "湖州市,2005,3000\n" * ROWS
    file.write_text(f"地区,时期,地区生产总值（亿元）\n{rows}火星市,2018,1\n", encoding="utf-8")
    return file


def words(*more: str, folder: Path) -> list[str]:
    return ["load", *more, "--data", str(folder)]


@contextmanager
def at_work(folder: Path, sent: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A load in a process of its own, met while its child is at work."""
    said = words(str(sent), "--table", TABLE, "--bulk", folder=folder)
    # A shell that starts pytest in the background has it ignore Ctrl-C, and so would the load.
    command = ["env", "--default-signal=INT", PROGRAM, *said]
    process = subprocess.Popen(command, env=surroundings(), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    patience = time.monotonic() + PATIENCE_S
    while not list((folder / "loads").glob("*/spool")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < patience
        time.sleep(0.02)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def landed(folder: Path) -> list[str]:
    """The sent file's name once for each time that it landed, as the books say."""
    with closing(sqlite3.connect(folder / "books.sqlite")) as books:
        found = books.execute("SELECT name FROM lake_landing WHERE dataset = ? AND name = ?", (TABLE, SENT)).fetchall()
    return [str(name) for (name,) in found]


def jobs(folder: Path) -> list[Path]:
    return list((folder / "loads").glob("*/plan.json"))


def test_a_large_file_lands_and_its_refused_rows_are_told(own_huzhou: Path, sent: Path) -> None:
    done = run(*words(str(sent), "--table", TABLE, "--bulk", "--memory", "2GB", folder=own_huzhou), cwd=own_huzhou)
    assert done.code == 1, done.noted
    assert "火星市" in done.noted
    again = run(*words(str(sent), "--table", TABLE, "--json", "--bulk", folder=own_huzhou), cwd=own_huzhou).json
    assert (again["is_repeat"], again["records"], again["refused"]) == (True, ROWS + 1, 1)
    assert jobs(own_huzhou) == []


def test_a_killed_load_is_resumed(own_huzhou: Path, sent: Path) -> None:
    with at_work(own_huzhou, sent) as process:
        os.kill(process.pid, signal.SIGKILL)
    assert landed(own_huzhou) == []
    assert len(jobs(own_huzhou)) == 1
    done = run(*words("--resume", folder=own_huzhou), cwd=own_huzhou)
    assert done.code == 1, done.noted
    assert landed(own_huzhou) == [SENT]
    assert jobs(own_huzhou) == []
    nothing = run(*words("--resume", folder=own_huzhou), cwd=own_huzhou)
    assert (nothing.code, "没有中断的装载" in nothing.said) == (0, True)


def test_a_killed_load_is_cancelled(own_huzhou: Path, sent: Path) -> None:
    with at_work(own_huzhou, sent) as process:
        os.kill(process.pid, signal.SIGKILL)
    patience = time.monotonic() + PATIENCE_S
    done = run(*words("--cancel", folder=own_huzhou), cwd=own_huzhou)
    while done.code and time.monotonic() < patience:
        done = run(*words("--cancel", folder=own_huzhou), cwd=own_huzhou)
    assert done.code == 0, done.noted
    assert (jobs(own_huzhou), landed(own_huzhou)) == ([], [])


def test_ctrl_c_cancels(own_huzhou: Path, sent: Path) -> None:
    with at_work(own_huzhou, sent) as process:
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE_S) != 0
    assert (jobs(own_huzhou), landed(own_huzhou)) == ([], [])
