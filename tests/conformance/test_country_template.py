"""OpenFisca's country template, written again in our form: its published cases, and ours for seldom used forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from yucun.base.errors import RuleError
from yucun.kernel.rules.conform import CaseResult, conform, read_rules_folder

FOLDER = Path(__file__).parent / "country_template"


def assert_all_pass(results: list[CaseResult], least: int) -> None:
    failed = [f"{r.file} {r.name}: {'; '.join(f.en for f in r.failures)}" for r in results if not r.has_passed]
    assert not failed
    assert len(results) >= least


@pytest.mark.data("rules/country_template/tests")
def test_published_cases(data_folder: Path) -> None:
    cases = data_folder / "rules" / "country_template" / "tests"
    assert_all_pass(list(conform(read_rules_folder(FOLDER), [cases])), 24)


def test_seldom_used_forms() -> None:
    assert_all_pass(list(conform(read_rules_folder(FOLDER), [FOLDER / "seldom_used.yaml"])), 16)


def test_a_wrong_expectation_fails_and_says_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "- {name: tax, period: 2017-01, input: {salary: 2000}, output: {income_tax: 299}}\n", encoding="utf-8"
    )
    (result,) = conform(read_rules_folder(FOLDER), [path])
    assert not result.has_passed
    assert "299" in result.failures[0].en
    assert "300" in result.failures[0].zh


@pytest.mark.parametrize(
    ("case", "word"),
    [
        ("{period: 2017-01, input: {salari: 1}, output: {income_tax: 1}}", "salari"),
        ("{period: 2017-01, input: {salary: 1.005}, output: {income_tax: 1}}", "finer"),
        ("{period: 2017-13x, input: {salary: 1}, output: {income_tax: 1}}", "2017-13x"),
        ("{period: 2017-01, reforms: a.b.nothing, input: {salary: 1}, output: {income_tax: 1}}", "nothing"),
        ("{period: 2017-01, input: {salary: 1}, output: {}}", "expects nothing"),
        ("{period: 2017-01, inputs: {salary: 1}, output: {income_tax: 1}}", "inputs"),
        ("{period: 2017-01, input: {salary: one}, output: {income_tax: 1}}", "one"),
        ("{period: 2017-01, input: {persons: {A: {}}, household: {adults: [B]}}, output: {income_tax: 1}}", "'B'"),
        ("{period: 2017-01, input: {salary: [1, 2]}, output: {income_tax: [1, 2, 3]}}", "3 values"),
        ("{period: 2011-01, input: {salary: 1}, output: {parenting: 1}}", "parenting"),
    ],
)
def test_what_is_not_understood_is_said(tmp_path: Path, case: str, word: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(f"- {case}\n", encoding="utf-8")
    (result,) = conform(read_rules_folder(FOLDER), [path])
    assert not result.has_passed
    assert word in " ".join(f.en for f in result.failures)


def test_a_file_that_is_not_yaml(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("- {name: [", encoding="utf-8")
    with pytest.raises(RuleError, match="not YAML"):
        list(conform(read_rules_folder(FOLDER), [path]))
