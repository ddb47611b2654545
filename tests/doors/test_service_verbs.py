"""A service's own verbs: mounted by the name of its folder, with or without a city, and imported only when called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.doors.serving import run
from yucun.doors.command.services import list_services, make_group

COMMANDS = '''
"""Verbs of a service that only this test knows."""
import pyarrow as pa
from yucun.base.text import Text

VERBS = {
    "add_up": Text("相加", "add two numbers"),
    "count_tables": Text("数表", "count the city's tables"),
    "list_words": Text("列词", "list words"),
}

def add_up(one: int, other: int = 2) -> dict[str, int]:
    return {"sum": one + other}

def count_tables(city: object) -> Text:
    return Text(f"{len(city.contracts)} 张", f"{len(city.contracts)} tables")

def list_words() -> pa.Table:
    return pa.table({"word": ["余村", "=1"]})
'''


@pytest.fixture
def services(tmp_path: Path) -> Path:
    folder = tmp_path / "services"
    (folder / "sums").mkdir(parents=True)
    (folder / "sums" / "service.toml").write_text('title = { zh = "算术", en = "Sums" }\n', encoding="utf-8")
    (folder / "sums" / "commands.py").write_text(COMMANDS, encoding="utf-8")
    (folder / "silent").mkdir()
    return folder


def call(services: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    group: Any = make_group("sums", "en", "", services)
    with pytest.raises((SystemExit, typer.Exit)) as ended:
        group(list(words))
    return int(getattr(ended.value, "code", getattr(ended.value, "exit_code", 0)) or 0), capsys.readouterr().out


def test_a_service_with_commands_is_a_group(services: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_services(services) == ["sums"]
    assert make_group("silent", "en", "", services) is None
    assert make_group("../sums", "en", "", services) is None
    code, said = call(services, capsys, "--help")
    assert code == 0
    assert "add-up" in said
    assert "count the city's tables" in said


def test_a_verb_needs_no_city(services: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(call(services, capsys, "add-up", "40", "--json")[1]) == {"sum": 42}
    assert json.loads(call(services, capsys, "add-up", "40", "--other", "3", "--json")[1]) == {"sum": 43}
    assert json.loads(call(services, capsys, "list-words", "--json")[1]) == [{"word": "余村"}, {"word": "=1"}]


def test_a_verb_that_asks_for_the_city_gets_it(
    services: Path, huzhou: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(services, capsys, "count-tables", "--data", str(huzhou))[1].strip().endswith(" tables")


def test_a_new_service_is_written_where_it_is_asked(tmp_path: Path) -> None:
    done = run("new-service", "meals", "--into", str(tmp_path), "--json", cwd=tmp_path)
    assert done.code == 0, done.noted
    assert (tmp_path / "meals" / "service.toml").is_file()
    assert run("new-service", "meals", "--into", str(tmp_path), cwd=tmp_path).code == 3
    assert run("new-service", "No Name", "--into", str(tmp_path), cwd=tmp_path).code == 3
