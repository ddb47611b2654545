"""What tests of the kernel share: a clock that stands, and books on either store."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from yucun.base.clock import SimulatedClock


@pytest.fixture
def clock() -> SimulatedClock:
    """The made-up morning on which most tests begin."""
    return SimulatedClock.on(date(2022, 5, 31), ticking=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where books are kept, once on each store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/books.sqlite"
    database: str = request.getfixturevalue("postgres_database")
    return database
