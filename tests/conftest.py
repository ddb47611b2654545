"""Fixtures that every test may use: a database server, a browser, real data; and what was skipped, said last."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.servers import CHROMIUM_FLAGS, Postgres, ProgramMissing, find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent

# In CI the same examples every time; on a laptop new ones, and a failing one is kept by Hypothesis.
settings.register_profile("laptop", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "laptop")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server, one for each test process; fails, never skips, where it cannot run."""
    try:
        server = Postgres()
    except ProgramMissing as error:
        pytest.fail(str(error), pytrace=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    """The URL of the server's own database, to make others with."""
    return postgres_server.make_url()


@pytest.fixture
def postgres_database(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a fresh database, dropped after the test."""
    url = postgres_server.make_database("test")
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium; fails, never skips, where there is none.

    One for each module and not for the session: while it is open, this thread cannot run another event loop.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - half a second that most tests need not pay

    try:
        program = find_chromium()
    except ProgramMissing as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def data_folder(request: pytest.FixtureRequest) -> Path:
    """The folder of real data that the product may not carry; ``@pytest.mark.data("regions")`` says what is read."""
    named = os.environ.get("YUCUN_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    mark = request.node.get_closest_marker("data")
    wanted = mark.args if mark else ()
    if named and not folder.is_dir():
        pytest.fail(f"YUCUN_DATA names {folder}, which is not a folder", pytrace=False)
    missing = [part for part in wanted or ("",) if not (folder / part).is_dir()]
    if missing:
        pytest.skip("needs real data: YUCUN_DATA" + "".join(f" /{part}" for part in missing if part))
    return folder


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say last how many tests were skipped, and for which reasons."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(_tell_reason(report) for report in skipped)
    terminalreporter.write_sep("-", f"{len(skipped)} skipped" if skipped else "nothing was skipped")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")


def _tell_reason(report: pytest.TestReport) -> str:
    told = report.longrepr
    reason = told[2] if isinstance(told, tuple) else str(told)
    return reason.removeprefix("Skipped: ")
