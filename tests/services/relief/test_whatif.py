"""What-if of relief: hand counts, hidden groups, what is asked wrongly, versions, unknown figures, and cliffs by clause."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yucun.base.errors import RuleError
from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.kernel.rules import Parameters, read_parameters
from yucun.services.relief.pages.residents import make_residents
from yucun.services.relief.pages.scenario import (
    NOTHING,
    Scenario,
    list_versions,
    make_law,
    read_scenario,
    read_setting,
)
from yucun.services.relief.pages.whatif import Answer, Bench, Example, explain_cliff, tabulate

MONTH = Period.month(2022, 5)
DAY = MONTH.start
VILLAGES = ("330502001005", "330502001006", "330502002001", "330521001001")
FIGURES = ("households", "receiving", "winners", "losers", "cost", "amounts")


@cache
def law() -> Parameters:
    return read_parameters(SERVICES / "relief" / "parameters.toml")


def make_bench(incomes_month_fen: list[int], villages: list[str], grades: list[int] | None = None) -> Bench:
    """People who live alone, with these incomes a month."""
    count = len(incomes_month_fen)
    grades = grades or [0] * count
    means = pa.table(
        {
            "household_id": [f"H{n}" for n in range(count)],
            "person_id": [f"P{n}" for n in range(count)],
            "role": ["head"] * count,
            "counted_income_12m_fen": [12 * fen for fen in incomes_month_fen],
            "work_income_month_fen": [0] * count,
            "works_since": pa.nulls(count, pa.date32()),
            "money_assets_fen": [0] * count,
            "rigid_expense_12m_fen": [0] * count,
            "class": pa.array(["dibao" if fen < 81_000 else None for fen in incomes_month_fen], pa.string()),
            "disability_kind": pa.array(["physical" if g else None for g in grades], pa.string()),
            "disability_grade": pa.array([g or None for g in grades], pa.int64()),
        }
    )
    births = pa.chunked_array([pa.array([date(1980, 1, 1)] * count)])
    kwh = pa.table({"household_id": pa.array([], pa.string()), "used_kwh": pa.array([], pa.int64())})
    where = pa.chunked_array([pa.array(villages)])
    return Bench(make_residents(means, births, where, np.zeros(count, bool), kwh, law(), MONTH), law())


def suppose(*pairs: tuple[str, str]) -> Scenario:
    return read_scenario(pairs, law(), DAY)


def test_a_known_change_against_a_hand_count() -> None:
    """810 to 900: who receives gets 90 more; two who earned 850 and 890 come in with what they lack."""
    bench = make_bench([0] * 6 + [85_000, 89_000] + [300_000] * 6, [VILLAGES[0]] * 14)
    today, answer = bench.answer(NOTHING), bench.answer(suppose(("standard_fen", "900")))
    assert (today.whole.effect.before, today.whole.effect.cost) == (6 * 81_000, 0)
    effect = answer.whole.effect
    assert (effect.winners, effect.losers, effect.same) == (8, 0, 6)
    assert effect.cost == 6 * 9_000 + 5_000 + 1_000
    assert answer.year_cost_fen == 12 * effect.cost
    assert answer.whole.receiving == (6, 8)
    assert {one.programme.name: one.after_fen for one in answer.programmes}["dibao"] == 6 * 90_000 + 6_000
    assert sum(one.households for one in answer.bins) == 14
    assert [(one.low, one.households) for one in answer.bins if one.households] == [(0, 6), (1, 1), (5_000, 7)]


def test_nothing_supposed_changes_nothing_and_the_same_question_is_worked_out_once() -> None:
    bench = make_bench([0, 50_000, 90_000] * 5, list(VILLAGES[:3]) * 5)
    assert bench.answer(NOTHING).whole.effect.same == 15
    assert suppose(("standard_fen", "810"), ("version.is_edge", ""), ("water_month_fen", " ")) == NOTHING
    scenario = suppose(("standard_fen", "850"))
    assert bench.answer(scenario) is bench.answer(suppose(("standard_fen", "850.00")))


def test_what_nobody_published_is_not_known_until_it_is_supposed() -> None:
    bench = make_bench([0] * 8, [VILLAGES[0]] * 8)
    today, answer = bench.answer(NOTHING), bench.answer(suppose(("water_month_fen", "12.5")))
    water = next(one for one in today.programmes if one.programme.name == "water")
    assert (water.before_fen, water.after_fen) == (None, None)
    assert "water" in today.missing
    water = next(one for one in answer.programmes if one.programme.name == "water")
    assert (water.before_fen, water.after_fen) == (None, 8 * 1_250)
    assert answer.whole.effect.cost == 8 * 1_250


def test_the_price_subsidy_counts_once_a_year() -> None:
    bench = make_bench([0] * 8, [VILLAGES[0]] * 8)
    answer = bench.answer(suppose(("consumer_price_rise_bp", "5"), ("food_price_rise_bp", "3")))
    assert answer.whole.effect.cost == answer.year_cost_fen == 8 * 4_050


def test_another_version_of_a_formula_changes_who_is_on_the_edge() -> None:
    """At 1.5 times exactly Zhejiang's line includes, Hangzhou's does not; a severely disabled person loses by it."""
    line = 81_000 * 15 // 10
    bench = make_bench([line] * 7, [VILLAGES[0]] * 7, [1] * 7)
    assert set(list_versions()) >= {"is_edge", "is_expenditure"}
    answer = bench.answer(suppose(("version.is_edge", "strictly_below")))
    edge = next(one for one in answer.programmes if one.programme.name == "edge")
    assert edge.receiving == (7, 0)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("no_such_figure", "1", "whatif_unknown"),
        ("standard_fen", "nine hundred", "whatif_number"),
        ("standard_fen", "900.001", "whatif_number"),
        ("standard_fen", "-1", "whatif_range"),
        ("standard_fen", "1e9", "whatif_range"),
        ("standard_fen", "NaN", "whatif_number"),
        ("standard_fen", "Infinity", "whatif_range"),
        ("addon_bp.nobody", "10", "whatif_unknown"),
        ("addon_bp", "10", "whatif_unknown"),
        ("pays_expenditure_gap", "2", "whatif_range"),
        ("version.is_edge", "of_mars", "whatif_version"),
        ("version.no_such", "", "whatif_version"),
        ("due_day", "3", "whatif_unknown"),
    ],
)
def test_what_is_asked_wrongly_is_a_finding_in_both_languages(name: str, text: str, kind: str) -> None:
    with pytest.raises(RuleError) as refused:
        suppose((name, text), ("edge_factor_bp", "160"))
    (finding,) = refused.value.findings
    assert finding.kind == f"relief.{kind}"
    assert finding.message.zh != finding.message.en


def test_every_wrong_figure_is_told_together() -> None:
    with pytest.raises(RuleError) as refused:
        suppose(("standard_fen", "1"), ("edge_factor_bp", "x"), ("nothing", "1"))
    assert len(refused.value.findings) == 3


def test_every_lever_is_a_figure_of_the_pack_within_its_own_ends() -> None:
    for lever in read_setting().levers.values():
        item = law().items[lever.parameter]
        now = lever.find(law(), DAY)
        assert lever.low < lever.high
        assert 0 < lever.step <= lever.high - lever.low
        if now is None:
            assert all(value.content is None for value in item.values), lever.name
        else:
            assert lever.low <= now <= lever.high, lever.name
        moved = make_law(law(), Scenario({lever.name: lever.high}, {}), DAY)
        assert lever.find(moved, DAY) == lever.high
        assert moved.is_simulation_only, "what was moved is made up, and says so"


def hidden_of(answer: Answer) -> dict[str, frozenset[str]]:
    return {one.code: one.hidden for one in answer.places}


def test_a_town_with_few_that_gain_is_hidden_and_cannot_be_worked_out_from_the_others() -> None:
    villages = [VILLAGES[0]] * 9 + [VILLAGES[2]] * 9 + [VILLAGES[3]] * 9
    incomes = [0] * 9 + [0] * 2 + [300_000] * 7 + [0] * 9
    answer = make_bench(incomes, villages).answer(suppose(("standard_fen", "900")))
    hidden = hidden_of(answer)
    assert {"winners", "cost", "receiving", "amounts"} <= hidden["330502002000"]
    assert "winners" in hidden["330502001000"], "its sister would give it back"
    assert hidden["330502002000"] & {"households"} == set()
    rows = tabulate(answer).to_pylist()
    town = next(row for row in rows if row["code"] == "330502002000")
    assert (town["winners"], town["cost_fen"], town["before_fen"], town["mark"]) == (None, None, None, "hidden")
    assert town["households"] == 9


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 80_000, 85_000, 300_000]), st.sampled_from(VILLAGES)), min_size=6, max_size=40
    )
)
def test_no_small_count_is_ever_shown(people: list[tuple[int, str]]) -> None:
    answer = make_bench([p[0] for p in people], [p[1] for p in people]).answer(suppose(("standard_fen", "900")))
    least = read_setting().smallest_cell
    for one in (answer.whole, *answer.places, *(change for group in answer.groups.values() for change in group)):
        counts = {
            "households": (one.effect.households,),
            "winners": (one.effect.winners,),
            "losers": (one.effect.losers,),
            "cost": (one.effect.winners + one.effect.losers,),
            "receiving": one.receiving,
            "amounts": one.receiving,
        }
        assert set(counts) == set(FIGURES)
        for name, numbers in counts.items():
            assert one.hides(name) or all(n == 0 or n >= least for n in numbers), (one, name)


def test_counties_and_groups_add_up_to_the_whole() -> None:
    answer = make_bench([0, 70_000, 85_000, 400_000] * 6, list(VILLAGES) * 6).answer(suppose(("standard_fen", "900")))
    counties = [one for one in answer.places if one.code[6:9] == "000"]
    for name in ("households", "before", "after", "winners", "losers", "same"):
        whole = getattr(answer.whole.effect, name)
        assert sum(getattr(one.effect, name) for one in counties) == whole
        for group in answer.groups.values():
            assert sum(getattr(one.effect, name) for one in group) == whole


def test_a_cliff_is_called_by_its_clause_and_incomes_stand_still_when_the_standard_moves() -> None:
    bench = make_bench([0] * 6, [VILLAGES[0]] * 6)
    today = bench.follow(NOTHING, Example(1, True))
    course = bench.follow(suppose(("disability_living_bp", "60")), Example(1, True))
    assert course.before == today.after
    assert course.before.income == course.after.income
    said = [explain_cliff(one) for one in course.after.cliffs]
    assert any("困难残疾人生活补贴" in one.zh and "living subsidy" in one.en for one in said)
    assert max(course.after.taken_bp) > 10_000
    assert course.after.left[0] > course.before.left[0]
