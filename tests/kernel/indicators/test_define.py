"""Definitions: what is refused, with file, line and key, and all of it in one load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.made_numbers import OPEN, WORDS, definition, read_made

INCOME = definition("income", 'kind = "total"\nof = { table = "money", field = "amount_fen", where = { side = "in" } }')
RATIO = definition(
    "ratio",
    'kind = "ratio"\nnumerator = { table = "money", field = "amount_fen", where = { side = "in" } }\n'
    'denominator = { table = "money", field = "amount_fen", where = { side = "out" } }',
    unit="times",
)


def findings_of(folder: Path, toml: str) -> list[tuple[str, str]]:
    return [(f.kind, f.where) for f in read_made(folder, toml)[1]]


def test_good_definitions_are_read_inputs_first(tmp_path: Path) -> None:
    whole = definition("whole", 'kind = "sum"\nof = "income"\nover = "county"', levels='"city"')
    linked, findings = read_made(tmp_path, whole + INCOME + RATIO)
    assert not findings
    assert list(linked).index("made.income") < list(linked).index("made.whole")
    assert (linked["made.income"].form, linked["made.ratio"].form, linked["made.whole"].form) == (
        "whole",
        "fraction",
        "whole",
    )
    assert linked["made.income"].declared_at == f"made/indicators.toml:{whole.count(chr(10)) + 1}"
    assert len({i.hash for i in linked.values()}) == 3


@pytest.mark.parametrize(
    ("changed", "by", "kind", "key"),
    [
        ('table = "money"', 'table = "mony"', "indicator.unknown_table", "of"),
        ('field = "amount_fen"', 'field = "amount"', "indicator.unknown_field", "of"),
        ('side = "in"', 'sides = "in"', "indicator.unknown_field", "of"),
        ('side = "in"', 'side = "inward"', "indicator.unknown_code", "of"),
        ('field = "amount_fen"', 'field = "side"', "indicator.field_type", "of"),
        ('unit = "fen"', 'unit = "yuan"', "indicator.unit", "unit"),
        ('unit = "fen"\n', "", "indicator.unit", "[income]"),
        ('unit = "fen"', 'unit = "person"', "indicator.unit", "unit"),
        ('unit = "fen"', 'unit = "fen"\nshown_in = { zh = "万人", en = "10k people" }', "indicator.unit", "shown_in"),
        ('kind = "total"', 'kind = "totl"', "indicator.word", "kind"),
        ('direction = "lower"', 'direction = "down"', "indicator.word", "direction"),
        ('levels = ["province"', 'levels = ["state"', "indicator.word", "levels"),
        ('check = { kind = "recount" }', 'check = { kind = "none" }', "indicator.check", "check"),
        ('check = { kind = "recount" }', 'check = { kind = "bounds" }', "indicator.check", "check"),
        ('check = { kind = "recount" }', 'check = { kind = "identity" }', "indicator.check", "check"),
        ('check = { kind = "recount" }', 'check = { kind = "identity", indicator = "nobody" }', "indicator.unknown_indicator", "[income]"),
        ('check = { kind = "recount" }\n', "", "indicator.check", "[income]"),
        ('smallest_cell = { published = { zh = "公开", en = "open" } }\n', "", "indicator.smallest_cell", "[income]"),
        ('{ published = { zh = "公开", en = "open" } }', "{ k = 5 }", "indicator.smallest_cell", "smallest_cell"),
        ('{ published = { zh = "公开", en = "open" } }', '{ k = 2, counts = "persons" }', "indicator.smallest_cell", "smallest_cell"),
        ('title = { zh = "数", en = "number" }', 'title = { zh = "数" }', "declaration.language", "title"),
        ('kind = "total"', 'kind = "total"\nnumerater = 1', "declaration.unknown_key", "numerater"),
        ('field = "amount_fen"', 'rule = "nothing_from_2022_05"', "indicator.unknown_formula", "of"),
        ('table = "money", field = "amount_fen", where = { side = "in" }', 'table = "call", field = "wait_s"', "indicator.unit", "unit"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_refused_at_its_line(tmp_path: Path, changed: str, by: str, kind: str, key: str) -> None:
    assert changed in INCOME
    toml = INCOME.replace(changed, by)
    found = findings_of(tmp_path, toml)
    line = next(n for n, text in enumerate(toml.splitlines(), 1) if text.startswith(key))
    assert (kind, f"made/indicators.toml:{line}") in found, (found, line)


@pytest.mark.parametrize(
    ("body", "unit", "kind"),
    [
        ('kind = "sum"\nof = "ratio"\nover = "county"', "times", "indicator.sum"),
        ('kind = "sum"\nof = "nobody"\nover = "county"', "fen", "indicator.unknown_indicator"),
        ('kind = "change"\nof = "derived"', "fen", "indicator.circle"),
        ('kind = "difference"\nof = "income"', "fen", "indicator.minus"),
        ('kind = "difference"\nof = "income"\nminus = { level = "province" }', "person", "indicator.unit"),
        ('kind = "spread"\nof = "income"\nover = "city"\nmeasure = "theil_between"', "index", "indicator.groups"),
        ('kind = "spread"\nof = "income"\nover = "city"\nmeasure = "giny"', "index", "indicator.word"),
        ('kind = "spread"\nof = "income"\nover = "city"\nmeasure = "gini"', "fen", "indicator.unit"),
        (
            'kind = "spread"\nof = [{ indicator = "income", weight = "income" }]\nover = "city"\nmeasure = "cv_sample"',
            "index",
            "indicator.weight",
        ),
        ('kind = "formula"\nof = "income"\nrule = "no_such_from_2022_05"', "index", "indicator.unknown_formula"),
    ],
)
def test_a_wrong_derived_definition_is_refused(tmp_path: Path, body: str, unit: str, kind: str) -> None:
    found = findings_of(tmp_path, INCOME + RATIO + definition("derived", body, unit=unit))
    assert kind in {k for k, _ in found}, found


def test_personal_fields_need_a_smallest_cell(tmp_path: Path) -> None:
    body = 'kind = "total"\nof = { table = "person", field = "persons", where = { state = "ill" } }'
    found = findings_of(tmp_path, definition("ill", body, unit="person", periods='"month"'))
    assert "indicator.sensitivity" in {k for k, _ in found}


def test_all_findings_of_a_file_come_together(tmp_path: Path) -> None:
    toml = f'[one]\nkind = "total"\n{WORDS}\n[two]\nkind = "count"\n{WORDS}{OPEN}of = {{ table = "nowhere" }}\n'
    kinds = {k for k, _ in findings_of(tmp_path, toml)}
    assert {
        "indicator.unit",
        "indicator.smallest_cell",
        "indicator.check",
        "indicator.term",
        "indicator.unknown_table",
    } <= kinds
    assert all(":" in where for _, where in findings_of(tmp_path, toml))


def test_every_finding_says_it_in_both_languages(tmp_path: Path) -> None:
    _, findings = read_made(tmp_path, INCOME.replace("money", "mony").replace("fen", "yuan"))
    assert findings
    assert all(f.message.zh and f.message.en and f.message.zh != f.message.en for f in findings)
