"""Each rule beside its line: one yuan over, exactly on it, and what is not known yet by the end of the month."""

from __future__ import annotations

import tomllib
from datetime import date

import pyarrow as pa
import pytest

from tests.services.discovery.village import VILLAGE, Villagers
from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.services.discovery.detectors import RULES, Law, find_context, find_published, find_rule
from yucun.services.discovery.planning import list_rules, parameters_of, read_law

PACK = parameters_of(tomllib.loads((SERVICES / "discovery" / "parameters.toml").read_text(encoding="utf-8")))
LAW = read_law(PACK, date(2022, 5, 31))
MAY = Period.month(2022, 5)


def find(villagers: Villagers, rule: str, month: Period = MAY, law: Law = LAW) -> dict[str, tuple[int, int]]:
    """What a rule finds: amount and line by household."""
    rows = villagers.engine.run(find_rule(villagers.table, month, law, rule)).to_pylist()
    assert len({row["household"] for row in rows}) == len(rows)
    return {row["household"]: (row["amount"], row["line"]) for row in rows}


def test_one_stay_is_beside_the_line_of_its_household() -> None:
    made = Villagers().home("over").home("on").home("listed", registered="2020-01").home("later", registered="2022-06")
    made.bill("over", "2022-05", 10_001).bill("on", "2022-05", 10_000).bill("listed", "2022-05", 6_001)
    made.bill("later", "2022-05", 6_001).bill("on", "2022-05", 20_000, "special_outpatient")
    assert find(made, "single_stay") == {"over": (1_000_100, 1_000_000), "listed": (600_100, 600_000)}


def test_a_year_of_bills_is_the_twelve_months_to_the_month() -> None:
    made = Villagers().home("a").home("b").home("c").home("d", 3)
    made.bill("a", "2021-06", 16_000).bill("a", "2022-05", 15_931)
    made.bill("b", "2021-05", 40_000).bill("b", "2022-06", 40_000)
    made.bill("c", "2022-01", 31_930)
    made.bill("d", "2022-01", 20_000).add(
        "medical", person="P-d-1", month="2022-01", kind="inpatient", own_fen=2_000_000
    )
    assert find(made, "yearly_cost") == {"a": (3_193_100, 3_193_000)}, "the line is of one person, and strictly over"
    assert set(find(made, "yearly_cost_fixed")) == {"a", "c"}


def test_new_warnings_of_the_published_rule_are_those_that_did_not_stand_before() -> None:
    made = Villagers().home("old").home("new")
    made.bill("old", "2022-04", 40_000).bill("new", "2022-05", 40_000)
    assert made.engine.run(find_published(made.table, MAY, LAW)).to_pylist() == [{"household": "new"}]


def test_expenditure_is_income_less_cost_below_the_standard() -> None:
    """A27 in kind: 60,000 a year, three people, 45,000 spent: 416.67 a head a month is below 810."""
    made = Villagers().home("poor", 3).home("not", 3).home("rich", 1).home("little", 1)
    made.earns("poor", 5_000).bill("poor", "2022-03", 45_000)
    made.earns("not", 5_000).bill("not", "2022-03", 60_000 - 12 * 3 * 810)
    made.earns("rich", 5_000).bill("rich", "2022-03", 55_000)
    made.bill("little", "2022-03", 2_999)
    assert find(made, "expenditure") == {"poor": (4_500_000, 6_000_000 - 12 * 3 * 81_000)}
    made.bill("not", "2022-03", 1)
    assert set(find(made, "expenditure")) == {"poor", "not"}, "one yuan more is below"


def test_a_wage_that_ended_warns_until_another_is_found_or_the_household_has_enough() -> None:
    made = Villagers().home("lost").home("found").home("has", 2).home("works")
    for name in ("lost", "found", "has"):
        made.earns(name, 4_000, until=date(2022, 2, 28))
    made.earns("found", 1_000, since=date(2022, 4, 1)).earns("works", 500)
    made.add("income", person="P-has-1", line="pension", since=date(2020, 1, 1), until=None, month_fen=243_000)
    assert find(made, "lost_income") == {"lost": (0, 121_500)}
    assert find(made, "lost_income", Period.month(2022, 2)) == {}, "it is known from the month after"
    assert find(made, "lost_income", Period.month(2024, 3)) == {}, "after two years it warns no more"


def test_certificates_deaths_and_hints_warn_for_some_months() -> None:
    made = Villagers().home("card").home("dead").home("call").home("grid").home("band").home("old")
    made.add("disability", person="P-card-0", grade=1, issued=date(2022, 3, 1))
    made.add("disability", person="P-old-0", grade=1, issued=date(2022, 2, 28))
    made.add("event", household="dead", kind="death", day=date(2022, 5, 2))
    made.add("event", household="old", kind="birth", day=date(2022, 5, 2))
    for home, kind in (("call", "hotline_medical"), ("grid", "grid_report"), ("band", "bracelet_sos")):
        made.add("hint", household=home, day=date(2022, 4, 9), kind=kind)
    made.add("hint", household="call", day=date(2022, 5, 9), kind="hotline_hardship")
    made.add("hint", household="old", day=date(2022, 6, 1), kind="grid_report")
    assert find(made, "new_disability") == {"card": (1, 4)}
    assert find(made, "death") == {"dead": (1, 1)}
    assert find(made, "hint_hotline") == {"call": (2, 1)}
    assert find(made, "hint_grid") == {"grid": (1, 1)}
    assert find(made, "hint_bracelet") == {"band": (1, 1)}


def test_a_drop_in_electricity_is_two_months_running_beside_the_year_before() -> None:
    made = Villagers()
    for name, now, before in (("drop", 59, 100), ("on", 60, 100), ("little", 5, 29)):
        made.home(name)
        for month in ("2022-04", "2022-05"):
            made.add("electricity", household=name, month=month, kwh=now)
        for month in ("2021-04", "2021-05"):
            made.add("electricity", household=name, month=month, kwh=before)
    made.home("new").add("electricity", household="new", month="2022-05", kwh=1)
    assert find(made, "power_drop") == {"drop": (118, 200)}


def test_a_child_of_school_age_that_no_school_has() -> None:
    made = Villagers().home("out", band="10").home("small", band="05")
    assert set(find(made, "dropout")) == {"out"}


def test_dormitories_are_not_looked_at_and_context_stands_beside() -> None:
    made = Villagers().home("dorm", 40, kind="collective").home("alone", band="75", registered="2020-01")
    for name in ("dorm", "alone"):
        made.bill(name, "2022-05", 40_000)
    made.add("disability", person="P-alone-0", grade=2, issued=date(2010, 1, 1)).earns("alone", 700)
    for rule in RULES:
        assert set(find(made, rule)) == (
            {"alone"} if rule in ("single_stay", "yearly_cost", "yearly_cost_fixed", "expenditure") else set()
        )
    asked = pa.table({"household": ["alone", "dorm"]})
    (row,) = made.engine.run(find_context(made.table, MAY, LAW, asked)).to_pylist()
    assert row == {
        "household": "alone", "village": VILLAGE, "members": 1, "is_registered": True, "month_fen": 70_000, "has_record": True,
        "is_old_alone": True, "has_severe_disability": True,
    }  # fmt: skip


def test_over_real_people_no_rule_runs_that_rests_on_an_unverified_figure() -> None:
    used, left_out = list_rules(PACK, date(2022, 5, 31), is_made_up=False)
    assert used == ("single_stay", "yearly_cost", "yearly_cost_fixed")
    assert set(used) | set(left_out) == set(RULES)
    assert list_rules(PACK, date(2022, 5, 31), is_made_up=True) == (tuple(RULES), ())


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_says_its_document_and_rests_on_dated_figures(rule: str) -> None:
    function = RULES[rule].find
    assert function.__name__.startswith(rule) and "_from_20" in function.__name__
    assert " | " in str(function.__doc__)
    for name in RULES[rule].parameters:
        value = PACK.get(name, date(2022, 5, 31))
        assert value.source and value.evidence
