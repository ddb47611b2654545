"""Screens: what is refused at load, with file, line and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.kernel.indicators.test_cells import INCOME, RATIO, WHOLE
from tests.made_numbers import read_made
from yucun.base.errors import Finding
from yucun.base.quantity import Unit
from yucun.base.text import Text
from yucun.kernel.indicators import Indicator
from yucun.kernel.screens import Screen, read_screens

GOOD = """title = { zh = "屏", en = "Screen" }
levels = ["city", "county"]

[opening.sentence]
words = { zh = "{place}收入 {money}。", en = "{place} took in {money}." }
slots.money = { indicator = "made.income", form = "number_with_unit" }

[[sections]]
title = { zh = "数", en = "Numbers" }
shape = "tiles"

[[sections.tiles]]
indicator = "made.ratio"
period = "latest"

[[sections]]
title = { zh = "各县", en = "Counties" }
shape = "bars"
indicators = ["made.income"]
level = "county"
order = "high_first"
"""


def read(
    tmp_path: Path, toml: str, service: str = "made", **changes: object
) -> tuple[dict[str, Screen], list[Finding]]:
    known: dict[str, Indicator] = read_made(tmp_path, INCOME + RATIO + WHOLE)[0]
    known = {k: replace(i, **changes) for k, i in known.items()}  # type: ignore[arg-type]
    folder = tmp_path / "cockpits"
    folder.mkdir(exist_ok=True)
    (folder / "one.toml").write_text(toml, encoding="utf-8")
    return read_screens(folder, known, service)


def test_a_good_screen_is_read(tmp_path: Path) -> None:
    screens, findings = read(tmp_path, GOOD)
    assert not findings
    screen = screens["made.one"]
    assert screen.indicators == {"made.income", "made.ratio"}
    assert screen.address == "/service/made"
    assert [s.shape for s in screen.sections] == ["tiles", "bars"]
    assert screen.left_out == ()


@pytest.mark.parametrize(
    ("changed", "by", "kind", "line"),
    [
        ('indicator = "made.ratio"', 'indicator = "made.ration"', "screen.unknown_indicator", 13),
        ('indicators = ["made.income"]', 'indicators = ["made.incom"]', "screen.unknown_indicator", 19),
        (
            'slots.money = { indicator = "made.income"',
            'slots.money = { indicator = "other.income"',
            "screen.unknown_indicator",
            6,
        ),
        ('form = "number_with_unit"', 'form = "song"', "screen.word", 6),
        ('shape = "tiles"', 'shape = "pies"', "screen.word", 10),
        ('level = "county"', 'level = "planet"', "screen.word", 20),
        ('level = "county"\n', "", "screen.level", 16),
        ('order = "high_first"', 'order = "upwards"', "screen.word", 21),
        ('period = "latest"', 'period = "someday"', "screen.period", 14),
        ('levels = ["city"', 'levels = ["town hall"', "screen.word", 2),
        ("{money}。", "{sum}。", "screen.slot", 5),
        ("收入 {money}", "收入", "screen.slot", 6),
        ('title = { zh = "屏", en = "Screen" }', 'title = { zh = "屏" }', "declaration.language", 1),
        ('shape = "tiles"', 'shape = "tiles"\nquery = "SELECT 1"', "declaration.unknown_key", 11),
        ('shape = "bars"\nindicators = ["made.income"]', 'shape = "bars"', "screen.empty", 18),
    ],
)
def test_a_wrong_screen_is_refused_at_its_line(tmp_path: Path, changed: str, by: str, kind: str, line: int) -> None:
    assert changed in GOOD
    _, findings = read(tmp_path, GOOD.replace(changed, by))
    at = {f.where for f in findings if f.kind == kind}
    assert at, [(f.kind, f.where) for f in findings]
    near = {int(where.rsplit(":", 1)[1]) for where in at}
    assert line in near, (near, line)
    assert all(
        f.where.startswith("made/cockpits/one.toml:") and f.message.zh and f.message.en and f.key for f in findings
    )


def test_a_sentence_without_a_number_is_refused(tmp_path: Path) -> None:
    toml = (
        GOOD.replace("收入 {money}。", "一切都好。")
        .replace("took in {money}.", "is well.")
        .replace('slots.money = { indicator = "made.income", form = "number_with_unit" }\n', "")
    )
    kinds = {f.kind for f in read(tmp_path, toml)[1]}
    assert "screen.sentence_without_number" in kinds


def test_a_number_without_unit_or_smallest_cell_is_not_shown(tmp_path: Path) -> None:
    assert "screen.unit" in {f.kind for f in read(tmp_path, GOOD, unit=Unit("", Text("", "")))[1]}
    found = read(tmp_path, GOOD, smallest=None, is_open_because=Text("", ""))[1]
    assert {"screen.smallest_cell"} == {f.kind for f in found}
    assert {f.where for f in found} == {f"made/cockpits/one.toml:{n}" for n in (6, 13, 19)}


def test_a_service_that_is_not_installed_is_left_out_of_shared_screens(tmp_path: Path) -> None:
    toml = GOOD + '\n[[sections]]\ntitle = { zh = "别", en = "Other" }\nshape = "tiles"\nindicators = ["elder.calls"]\n'
    screens, findings = read(tmp_path, toml, service="")
    assert not findings
    assert screens["one"].left_out == ("elder.calls",)
    assert len(screens["one"].sections) == 2
    # In a service's own screen the same is a mistake.
    assert "screen.unknown_indicator" in {f.kind for f in read(tmp_path, toml)[1]}
