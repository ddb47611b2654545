"""The examples of every service: what is given is landed, what is asked is asked, what comes is as they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.huzhou import EmptyHuzhou
from yucun.city import SERVICES
from yucun.kernel.examples import Example, read_examples, run_example
from yucun.kernel.scaffold import write_service

EXAMPLES = {
    f"{path.parent.name}.{example.id}": example
    for path in sorted(SERVICES.glob("*/examples.toml"))
    for example in read_examples(path, path.parent.name)[0]
    if example.asks
}


@pytest.mark.parametrize("path", sorted(SERVICES.glob("*/examples.toml")), ids=lambda p: p.parent.name)
def test_examples_are_well_formed(path: Path) -> None:
    examples, findings = read_examples(path, path.parent.name)
    assert not findings, [f"{f.where}: {f.message.en}" for f in findings]
    assert examples
    for example in examples:
        assert all((example.clause.zh, example.given.zh, example.when.zh, example.then.zh, example.then.en))


def run(example: Example, made: EmptyHuzhou) -> list[str]:
    for table in example.tables:
        made.send(table.table, table.rows.encode(), f"{example.id}.csv")
    made.numbers.refresh()
    return run_example(example, made.numbers)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, tmp_path: Path) -> None:
    assert run(EXAMPLES[name], EmptyHuzhou.make(tmp_path)) == []


def test_a_wrong_example_is_found_out(tmp_path: Path) -> None:
    home = tmp_path / "services"
    home.mkdir()
    write_service("meals", home)
    path = home / "meals" / "examples.toml"
    made = EmptyHuzhou.make(tmp_path, home)
    (right,), _ = read_examples(path, "meals")
    assert run(right, made) == []
    path.write_text(path.read_text(encoding="utf-8").replace('is = "90.0"', 'is = "91.0"'), encoding="utf-8")
    (wrong,), _ = read_examples(path, "meals")
    assert run_example(wrong, made.numbers) == ["meals.reported 330500 2022-04: 90.0, expected 91.0"]


def test_prosperity_shows_the_cases_of_its_facts() -> None:
    cases = {name.split(".")[1] for name in EXAMPLES if name.startswith("prosperity.")}
    assert {"D30", "D31", "D32", "D33", "D36", "D37", "D38", "D39", "D40"} <= cases
