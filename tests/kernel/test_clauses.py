"""Coverage by clause: what a folder cites is read from it, and a clause without an example is found."""

from __future__ import annotations

from pathlib import Path

from yucun.city import SERVICES
from yucun.kernel.clauses import list_citations, read_coverage
from yucun.kernel.service import read_services


def gap_fen_from_2020_01() -> None:
    """甲市救助办法第三条 | Measure of A, art. 3: the gap."""


def other_fen_from_2020_01() -> None:
    """甲市救助办法第四条 | Measure of A, art. 4: another."""


def plain_from_2020_01() -> None:
    """Names no clause."""


EXAMPLE = """
[E1]
title = { zh = "例", en = "example" }
clause = { zh = "《甲市救助办法》第三条", en = "Measure of A, art. 3" }
given = { zh = "一户", en = "one" }
when = { zh = "核算", en = "assessed" }
then = { zh = "补差", en = "the gap" }
asks = []
"""
LEDGER = """
[posting."a.paid"]
clause = "乙市办法第七条"
"""
PARAMETERS = """
[line_fen]
title = { zh = "线", en = "line" }
unit = "fen"
values = [{ from = 2020-01-01, value = 1, evidence = "law", source = "甲市救助办法第三条；民发〔2021〕57号" }]
"""


def test_what_a_folder_cites_is_read_and_what_no_example_shows_is_found(tmp_path: Path) -> None:
    for name, text in (("examples.toml", EXAMPLE), ("ledger.toml", LEDGER), ("parameters.toml", PARAMETERS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    rules = {f.__name__: f for f in (gap_fen_from_2020_01, other_fen_from_2020_01, plain_from_2020_01)}
    found = read_coverage(tmp_path, rules, ["a.paid_fen"], "a")
    by_title = {one.title.zh: one for one in found.clauses}
    third = by_title["甲市救助办法第三条"]
    assert (third.formulas, third.figures, third.examples) == (["gap_fen_from_2020_01"], ["line_fen"], ["E1"])
    assert [one.title.zh for one in found.without] == ["乙市办法第七条", "甲市救助办法第四条"]
    assert by_title["民发〔2021〕57号"].needs_example is False
    assert (found.asked, found.not_asked) == ((), ())


def test_an_empty_folder_cites_nothing(tmp_path: Path) -> None:
    assert read_coverage(tmp_path, {}, [], "a").clauses == ()


def test_citations_are_told_from_words_around_them() -> None:
    assert list_citations("湖州所选档次未见原文") == []
    assert list_citations("按《甲市救助办法》第十一条、浙民助〔2015〕13号") == [
        "甲市救助办法第十一条",
        "浙民助〔2015〕13号",
    ]


def test_every_posting_and_formula_of_every_service_is_counted_once() -> None:
    services, findings = read_services(SERVICES)
    assert not findings
    relief = services["relief"]
    found = read_coverage(relief.folder, relief.rules, [], "relief")
    named = [name for one in found.clauses for name in one.formulas]
    assert len(named) == len(set(named)) == len(relief.rules)
    assert len(found.needing) > 30
    shown = {name for one in found.clauses for name in one.examples}
    assert {"A01", "A08", "A27"} <= shown


def test_every_clause_that_relief_and_entitlements_decide_on_is_shown_by_an_example() -> None:
    services, _ = read_services(SERVICES)
    for name in ("relief", "entitlements"):
        found = read_coverage(services[name].folder, services[name].rules, [], name)
        assert [one.title.zh for one in found.without] == [], name
