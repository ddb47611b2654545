"""Loads, corrections, publications, compactions and cells survive three hundred kills: nothing lost, doubled or half visible.

Each point is one step towards the disk or the books at which the process kills itself; after every third one it is
killed once more while it restarts. Then the story goes on to its end. The peer is the story that nobody disturbed:
every row, refused record and cell, in every version, must come out again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from run import Figure, Measured, Program

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "300"))
ROOT = Path(__file__).resolve().parent.parent
TESTS = "tests/simulation/test_load_crash.py"


def measure() -> Measured:
    """Run the crash tests of loads with all points; a failure ends the bench."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", TESTS],
        cwd=ROOT,
        env={**os.environ, "YUCUN_CRASH_POINTS": str(POINTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode or re.search(r"(\d+) passed", done.stdout) is None:
        raise SystemExit(done.stdout[-4000:])
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("the same story, undisturbed", version("yucun")),
        figures=(
            Figure("kills survived", "points", ours=POINTS, peer=POINTS),
            Figure("rows, refusals or cells that differed", "", ours=0.0, peer=0.0),
        ),
        setting=f"{POINTS} points, SIGKILL, every third killed again while it restarts; {took:.0f} s",
    )
