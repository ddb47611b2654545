"""Whichever feed is silent, exactly the numbers that rest on it are greyed and its supplier is told once; both end on return."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from run import Figure, Measured, Program

from yucun.city import PLACES
from yucun.kernel.lake.running import FEEDS_FILE

ROOT = Path(__file__).resolve().parent.parent
TEST = "tests/kernel/lake/running/test_silence.py"


def measure() -> Measured:
    """Run the test of silence over every feed that the place declares; a failure ends the bench."""
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=3600", TEST],
        cwd=ROOT,
        env={**os.environ, "YUCUN_SILENCE": "all"},
        check=True,
    )
    text = (PLACES / "huzhou" / FEEDS_FILE).read_text(encoding="utf-8")
    feeds = sum(line.startswith("[feeds.") for line in text.splitlines())
    ours = Program("yucun", version("yucun"))
    return Measured(
        ours,
        Program("declarations read as plain TOML", "1"),
        (Figure("feeds_silenced_and_returned", "feeds", ours=feeds, peer=feeds),),
        setting="every feed of Huzhou in turn, a year each, all screens and numbers of the city, its province and a "
        "county; greyed numbers compared with what the declarations say, read by other code",
    )
