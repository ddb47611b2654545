"""Fixtures: a server of Spark Connect for the whole run, and both engines beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.both import Both
from tests.engines.servers import NEEDS_SPARK, Server, find_spark


@pytest.fixture(scope="session", params=["sail", "spark"])
def spark_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server; Spark's own is skipped, with a line, where there is none."""
    if request.param == "spark" and find_spark() is None:
        pytest.skip(NEEDS_SPARK)
    server = Server(request.param)
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def both(spark_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Both engines over one folder."""
    folder: Path = tmp_path_factory.mktemp("lake")
    found = Both(folder, spark_url)
    yield found
    found.close()
