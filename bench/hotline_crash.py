"""A month of the hotline killed at a thousand points ends as if nothing had happened, on both stores: nothing lost, nothing twice.

Each point is a step towards the books at which the process kills itself; then the month goes on to its end. The peer is
the month that nobody disturbed: every case, posting, record and event must come out again, the invariants hold at
the moment of the crash and at the end, and the journal rebuilt in fresh books gives the same hash.
"""

from __future__ import annotations

import os
from importlib.metadata import version

from run import Figure, Measured, Program, pass_tests

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "1000"))


def measure() -> Measured:
    """Run the month's crash tests with all points; a failure ends the bench."""
    took = pass_tests(
        "tests/simulation/test_hotline_month.py -k survives_crashes -o faulthandler_timeout=36000",
        YUCUN_CRASH_POINTS=str(POINTS),
    )
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("the same month, undisturbed", version("yucun")),
        figures=(
            Figure("crashes_survived_sqlite", "points", ours=POINTS, peer=POINTS),
            Figure("crashes_survived_postgresql", "points", ours=POINTS, peer=POINTS),
        ),
        setting=f"{POINTS} points a store, SIGKILL, then lived on to the end and compared; {took:.0f} s",
    )
