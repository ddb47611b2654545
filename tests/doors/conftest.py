"""Fixtures of the doors: one opened Huzhou for each test process, copied where a test writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.serving import Served, run


@pytest.fixture(scope="session")
def huzhou(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an opened Huzhou; nobody writes to it."""
    folder = tmp_path_factory.mktemp("huzhou")
    done = run("up", "--no-serve", "--data", str(folder), cwd=folder)
    assert done.code == 0, done.noted
    return folder


@pytest.fixture
def own_huzhou(huzhou: Path, tmp_path: Path) -> Path:
    """A copy of an opened Huzhou that the test may write to."""
    return Path(shutil.copytree(huzhou, tmp_path / "huzhou"))


@pytest.fixture(scope="module")
def served(huzhou: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served copy of Huzhou, one for each file of tests."""
    folder = Path(shutil.copytree(huzhou, tmp_path_factory.mktemp("served") / "huzhou"))
    with Served(folder) as server:
        yield server
