"""The fixtures do what they promise: a real server, a fresh database, a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests import servers
from tests.servers import Postgres, ProgramMissing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent


def test_database_is_fresh_durable_and_ours(postgres_database: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        fsync = connection.execute("SHOW fsync").fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()
    assert (tables, fsync, encoding) == ((0,), ("on",), ("UTF8",))


def test_two_databases_of_one_server_differ(postgres_database: str, postgres_url: str) -> None:
    assert postgres_database != postgres_url
    assert postgres_database.rsplit("/", 1)[0] == postgres_url.rsplit("/", 1)[0]


def test_a_killed_server_comes_back_with_what_was_committed() -> None:
    server = Postgres()
    try:
        server.start()
        with psycopg.connect(server.make_url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        server.kill()
        server.start()
        with psycopg.connect(server.make_url()) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        server.stop()
    assert not server.folder.exists()


def test_browser_draws_chinese(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<title>湖州</title><p style='font-family: Noto Sans CJK SC'>湖州市</p>")
    assert page.title() == "湖州"
    assert page.locator("p").inner_text() == "湖州市"
    page.close()


def test_what_is_missing_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_name: str, **_where: object) -> None:
        return None

    monkeypatch.setattr(shutil, "which", find_nothing)
    with pytest.raises(ProgramMissing, match="apt-get install --no-install-recommends chromium"):
        servers.find_chromium()
    assert {"chromium", "poppler-utils"} <= set(servers.list_missing_packages())


NEEDS_DATA = """
import pytest

@pytest.mark.data("regions")
def test_outlines(data_folder):
    assert (data_folder / "regions").is_dir()

@pytest.mark.data("regions", "transit")
def test_stops(data_folder):
    assert data_folder.is_dir()
"""


def run_elsewhere(folder: Path, data: Path) -> tuple[int, list[str]]:
    """Run two tests that need data, with our fixtures, in a process of their own; return code and lines."""
    (folder / "test_needs.py").write_text(NEEDS_DATA)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir"]
    command += [str(folder), "-c", os.devnull, str(folder)]
    env = {**os.environ, "YUCUN_DATA": str(data)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_skipped_tests_are_counted_by_reason_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "data" / "regions").mkdir(parents=True)
    code, lines = run_elsewhere(tmp_path, tmp_path / "data")
    assert code == 0, lines
    assert lines[-2] == "1 skipped: needs real data: YUCUN_DATA /transit"
    assert "1 skipped" in lines[-3]


def test_a_wrong_data_folder_fails_and_is_not_skipped(tmp_path: Path) -> None:
    code, lines = run_elsewhere(tmp_path, tmp_path / "nowhere")
    assert code == 1
    assert any("which is not a folder" in line for line in lines)
