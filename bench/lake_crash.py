"""Loads, corrections, publications, compactions and cells survive three hundred kills: nothing lost, doubled or half visible.

Each point is one step towards the disk or the books at which the process kills itself; after every third one it is
killed once more while it restarts. Then the story goes on to its end. The peer is the story that nobody disturbed:
every row, refused record and cell, in every version, must come out again.
"""

from __future__ import annotations

import os
from importlib.metadata import version

from run import Figure, Measured, Program, pass_tests

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "300"))


def measure() -> Measured:
    """Run the crash tests of loads with all points; a failure ends the bench."""
    took = pass_tests("tests/simulation/test_load_crash.py", YUCUN_CRASH_POINTS=str(POINTS))
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("the same story, undisturbed", version("yucun")),
        figures=(
            Figure("kills survived", "points", ours=POINTS, peer=POINTS),
            Figure("rows, refusals or cells that differed", "", ours=0.0, peer=0.0),
        ),
        setting=f"{POINTS} points, SIGKILL, every third killed again while it restarts; {took:.0f} s",
    )
