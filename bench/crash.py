"""A city killed at a hundred random points of loading, publishing and opening ends as if nothing had happened, on both stores.

The peer is the undisturbed run: every one of its numbers, in every version, must come out again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from run import Figure, Measured, Program

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "100"))
ROOT = Path(__file__).resolve().parent.parent


def measure() -> Measured:
    """Run the crash tests with all points; a failure ends the bench."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/simulation/test_crash.py"],
        cwd=ROOT,
        env={**os.environ, "YUCUN_CRASH_POINTS": str(POINTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode or passed is None:
        raise SystemExit(done.stdout[-4000:])
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("the same story, undisturbed", version("yucun")),
        figures=(
            Figure("crashes_survived_sqlite", "points", ours=POINTS, peer=POINTS),
            Figure("crashes_survived_postgresql", "points", ours=POINTS, peer=POINTS),
        ),
        setting=f"{POINTS} points a store, SIGKILL, then opened again and compared",
    )
