"""Whichever feed is silent, exactly the numbers that rest on it are greyed and its supplier is told once; both end on return."""

from __future__ import annotations

from importlib.metadata import version

from run import Figure, Measured, Program, pass_tests

from yucun.city import PLACES
from yucun.kernel.lake.running import FEEDS_FILE

TEST = "tests/kernel/lake/running/test_silence.py"


def measure() -> Measured:
    """Run the test of silence over every feed that the place declares; a failure ends the bench."""
    pass_tests(f"{TEST} -o faulthandler_timeout=3600", YUCUN_SILENCE="all")
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
