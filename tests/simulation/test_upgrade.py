"""A city made by the previous commit opens under this one, with everything it held."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from yucun.base.period import Period
from yucun.city import City

ROOT = Path(__file__).resolve().parents[2]
UP = "import sys; from yucun.doors.command import main; sys.argv = ['yucun', *sys.argv[1:]]; main()"


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=False)


@pytest.fixture
def old_source(tmp_path: Path) -> Path:
    """The sources of the commit before the newest one."""
    if shutil.which("git") is None or _git("cat-file", "-e", "HEAD~1:src/yucun/city.py").returncode:
        pytest.skip("needs a git checkout whose previous commit holds a city")
    folder = tmp_path / "old"
    folder.mkdir()
    packed = _git("archive", "HEAD~1", "src")
    assert packed.returncode == 0, packed.stderr.decode()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder / "src"


def test_a_city_of_the_previous_commit_opens_unchanged(old_source: Path, tmp_path: Path) -> None:
    data = tmp_path / "city"
    made = subprocess.run(
        [sys.executable, "-c", UP, "up", "--no-serve", "--data", str(data)],
        env={**os.environ, "PYTHONPATH": str(old_source)},
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr.decode()
    city = City.open("huzhou", data=data)
    assert city.books.verify() > 0
    assert city.lake.check_files() == []
    assert city.value("prosperity.urban_rural_ratio", city.place.region, Period.year(2021)).shown == "1.65"
    # Tables that services publish are read as well, whatever fields their contracts have gained since.
    assert {feed.table for feed in city.feeds()} == set(city.contracts)
    for service in city.services.values():
        value = city.value(service.one_number, city.place.region)
        assert value.mark is None or value.mark.kind != "error", service.id
    city.close()
