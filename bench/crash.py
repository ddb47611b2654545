"""A city killed at a hundred random points of loading, publishing and opening ends as if nothing had happened, on both stores.

The peer is the undisturbed run: every one of its numbers, in every version, must come out again.
"""

from __future__ import annotations

import os
from importlib.metadata import version

from run import Figure, Measured, Program, pass_tests

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "100"))


def measure() -> Measured:
    """Run the crash tests with all points; a failure ends the bench."""
    took = pass_tests("tests/simulation/test_crash.py", YUCUN_CRASH_POINTS=str(POINTS))
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("the same story, undisturbed", version("yucun")),
        figures=(
            Figure("crashes_survived_sqlite", "points", ours=POINTS, peer=POINTS),
            Figure("crashes_survived_postgresql", "points", ours=POINTS, peer=POINTS),
        ),
        setting=f"{POINTS} points a store, SIGKILL, then opened again and compared; {took:.0f} s",
    )
