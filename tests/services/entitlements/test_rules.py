"""Target rules against the examples, the catalogue against the rules, one person against all at once, and the counts of the lists."""

from __future__ import annotations

import csv
import io
import tomllib
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.kernel.examples import Example, read_examples
from yucun.kernel.rules import check_book
from yucun.services.entitlements.models import KNOWN, QUESTIONS, count_listed, parameters_of, read_catalogue
from yucun.services.entitlements.pages.reading import FIVE
from yucun.services.entitlements.planning import count_owed, explain, find_owed, make_finder, make_people, read_people
from yucun.services.entitlements.rules import BOOK

FOLDER = SERVICES / "entitlements"
VALUES = tomllib.loads((FOLDER / "parameters.toml").read_text(encoding="utf-8"))
CATALOGUE, LAW = read_catalogue(VALUES), parameters_of(VALUES)
EXAMPLES = {one.id: one for one in read_examples(FOLDER / "examples.toml", "entitlements")[0]}
RULED = {name: one for name, one in EXAMPLES.items() if any(t.table.endswith(".owed") for t in one.tables)}


def rows_of(example: Example, table: str) -> list[dict[str, Any]]:
    (text,) = [one.rows for one in example.tables if one.table.rpartition(".")[2] == table]
    return list(csv.DictReader(io.StringIO(text.strip())))


def people_of(example: Example) -> pa.Table:
    (text,) = [one.rows for one in example.tables if one.table.rpartition(".")[2] == "people"]
    return read_people(text.strip().encode(), example.id)


@pytest.mark.parametrize("name", RULED)
def test_example(name: str) -> None:
    example = EXAMPLES[name]
    setting = {row["name"]: row["value"] for row in rows_of(example, "parameter")}
    period, asked = Period.parse(setting["month"]), set(setting["items"].split())
    people = people_of(example)
    finder = make_finder(CATALOGUE, LAW, period, people.column_names, "examples")
    found = {
        (one.person, one.item.code, one.status)
        for one in find_owed(finder, make_people(period, people))
        if one.item.code in asked
    }
    assert found == {(row["person_id"], row["item"], row["status"]) for row in rows_of(example, "owed")}


def test_every_rule_has_an_item_and_every_item_a_rule_or_a_programme() -> None:
    check_book(BOOK, LAW)
    ruled = {code for code, item in CATALOGUE.items() if item.is_ruled}
    assert ruled == {name.removeprefix("owes_") for name in BOOK.variables if name.startswith("owes_")}
    asking = {code for code in ruled if CATALOGUE[code].asks}
    assert asking == {name.removeprefix("may_owe_") for name in BOOK.variables if name.startswith("may_owe_")}
    programmes = {item.relief for item in CATALOGUE.values() if item.relief}
    relief = (SERVICES / "relief" / "models.py").read_text(encoding="utf-8")
    assert all(f"\n{one} " in relief or f'"{one}"' in relief for one in programmes), "relief knows each programme"
    for item in CATALOGUE.values():
        assert set(item.asks) <= set(QUESTIONS)
        assert item.source and item.clause.zh and item.clause.en
        assert (
            item.triggers or item.relief or item.is_by_application or item.code in ("public_health", "public_culture")
        )


def test_an_item_with_an_unknown_field_says_so_and_none_is_without_a_target() -> None:
    assert all(item.target is not None and item.content is not None for item in CATALOGUE.values())
    unknown = [code for code, item in CATALOGUE.items() if item.fields_known < len(FIVE)]
    assert "infant_care" in unknown and "compulsory_school" not in unknown


def test_c12_counts_of_the_lists() -> None:
    listed = count_listed(VALUES, date(2022, 5, 31))
    assert {row["list"]: int(row["items"]) for row in rows_of(EXAMPLES["C12"], "listed")} == {
        name: listed[name] for name in ("national", "zhejiang", "zhoushan")
    }
    assert listed["here"] == len(CATALOGUE)
    assert listed["not_known"] == listed["zhejiang"] - listed["here"] > 0


def test_clauses_of_the_rules_are_cited_by_examples() -> None:
    cited = " ".join(one.clause.zh for one in EXAMPLES.values())
    laws = {
        f.clause.zh.partition("第")[0]
        for versions in BOOK.versions.values()
        for f in versions
        if f.variable.startswith("owes_")
    }
    assert not {law for law in laws if law not in cited}


def test_what_a_file_does_not_say_is_not_known_and_never_assumed() -> None:
    people = read_people(b"person_id,birth\nP1,2022-05-02\n", "p.csv")
    finder = make_finder(CATALOGUE, LAW, Period.month(2022, 5), people.column_names)
    assert finder.not_known["job_service"] == ("work",)
    assert finder.not_known["disabled_transit"] == ("disability_grade", "disability_kind")
    owed = {one.item.code for one in find_owed(finder, make_people(Period.month(2022, 5), people))}
    assert "vaccines" in owed and not owed & set(finder.not_known)
    everything = make_finder(CATALOGUE, LAW, Period.month(2022, 5), KNOWN)
    assert not everything.not_known


def test_all_at_once_is_the_same_as_one_by_one_in_every_layout() -> None:
    month = Period.month(2022, 5)
    lines = [line for name in RULED for line in rows_of(RULED[name], "people")]
    for number, line in enumerate(lines):
        line |= {"person_id": f"X{number}", "household_id": f"H{number}", "role": "head"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    people = read_people(out.getvalue().encode(), "all.csv")
    finder = make_finder(CATALOGUE, LAW, month, people.column_names)
    population = make_people(month, people)
    blocks = finder.evaluation.run(population).persons
    assert finder.evaluation.prepare(), "the sooner way can do every rule"
    assert blocks.equals(finder.evaluation.run(population, "flat").persons)
    assert blocks.equals(finder.evaluation.run(population, "seats").persons)
    together = {(one.person, one.item.code, one.status) for one in find_owed(finder, population)}
    alone = set()
    for row in range(people.num_rows):
        one = make_people(month, people.slice(row, 1))
        alone |= {(each.person, each.item.code, each.status) for each in find_owed(finder, one)}
    assert together == alone
    counted = count_owed(finder, population)
    assert sum(owed + asked for owed, asked in counted.values()) == len(together)


def test_why_names_clause_figures_and_steps() -> None:
    people = people_of(EXAMPLES["family_without_work"])
    month = Period.month(2022, 5)
    finder = make_finder(CATALOGUE, LAW, month, people.column_names)
    said = explain(finder, make_people(month, people), "H1", "job_for_family").to_text()
    for word in ("就业促进法第五十六条", "老年人权益保障法第二条", "1980-01-01"):
        assert word in said.zh, word
