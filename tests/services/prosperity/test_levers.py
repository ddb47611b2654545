"""Levers: steps that were seen, figures that hang together, chances over the same replications, refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.prosperity.test_city_index import HUZHOU, fitted, sight
from yucun.base.errors import ContractError
from yucun.base.identity import RegionCode
from yucun.services.prosperity.pages.levers import Bench, Ties, tabulate_levers

TIES = Ties(46096.0, 28922.0, 0.5927564923721905, 27259.0, 36958.0)


def bench(*more: str, along: bool = True, city: RegionCode = HUZHOU) -> Bench:
    return Bench(sight(), fitted(*more), city, along)


def test_a_step_is_the_best_change_that_a_city_made_in_a_year() -> None:
    steps = {lever.code: lever for lever in bench().levers()}
    rural = steps["income_rural"]
    assert rural.step is not None
    assert rural.step.amount == pytest.approx(0.071), "Lishui's published growth, the highest of the eleven"
    assert rural.step.city == RegionCode.parse("331100")
    assert rural.aim == pytest.approx(28922 * 1.071)
    ratio = steps["urban_rural_ratio"]
    assert ratio.step is not None
    assert ratio.step.amount == pytest.approx(1.037 / 1.071 - 1), "urban over rural growth of Lishui"


def test_a_step_that_nobody_made_is_not_known() -> None:
    levers = {lever.code: lever for lever in bench("pace", "output").levers()}
    assert levers["gdp_growth"].step is None
    assert levers["gdp_growth"].outcome is None
    assert [lever.outcome is None for lever in bench("pace", "output").levers()] == [False] * 3 + [True] * 3


def test_levers_stand_by_what_a_step_does() -> None:
    levers = bench().levers()
    gains = [(lever.outcome.gained, lever.outcome.chance) for lever in levers if lever.outcome]
    assert gains == sorted(gains, reverse=True)
    assert levers[0].code == "income_rural"


def test_figures_that_hang_together_move_together() -> None:
    outcome = bench().set({"income_rural": 31000.0})
    share = (39102 - 28922) / (46096 - 28922)
    assert outcome.figures["urban_rural_ratio"] == pytest.approx(46096 / 31000)
    assert outcome.figures["income_all"] == pytest.approx(share * 46096 + (1 - share) * 31000)
    alone = bench(along=False).set({"income_rural": 31000.0})
    assert set(alone.figures) == {"income_rural"}
    assert alone.chance <= outcome.chance


def test_what_was_set_stays_as_it_was_set() -> None:
    outcome = bench().set({"income_rural": 31000.0, "urban_rural_ratio": 1.55})
    assert outcome.figures["income_rural"] == 31000.0
    assert outcome.figures["urban_rural_ratio"] == 1.55


def test_nothing_set_changes_nothing() -> None:
    outcome = bench().standing_now
    assert (outcome.chance, outcome.loss, outcome.gained, dict(outcome.figures)) == (0.0, 0.0, 0, {})
    assert all(before == after for before, after in outcome.places.values())
    assert sum(after for _, after in outcome.places.values()) == pytest.approx(1)
    assert bench().set({"income_rural": 28922.0}).figures == {}


def test_a_better_figure_is_never_worse_and_a_worse_one_never_better() -> None:
    for lever in bench(along=False).levers():
        better = lever.entering.direction * 0.05 * lever.figure
        up = bench(along=False).set({lever.code: lever.figure + better})
        down = bench(along=False).set({lever.code: lever.figure - better})
        assert up.gained >= 0 >= down.gained
        assert up.score[1] >= up.score[0]


@given(st.floats(20000, 60000), st.floats(1.05, 2.5))
def test_the_two_incomes_always_make_all_the_others(everyone: float, ratio: float) -> None:
    after = TIES.pull({"income_all": everyone, "urban_rural_ratio": ratio})
    assert after.everyone == pytest.approx(everyone)
    assert after.urban / after.rural == pytest.approx(ratio)
    lifted = TIES.pull({"income_all": everyone})
    assert lifted.urban / lifted.rural == pytest.approx(TIES.urban / TIES.rural)
    assert TIES.pull({"growth_rural": 10.0}).rural == pytest.approx(27259 * 1.1)


@pytest.mark.parametrize(
    ("aims", "kind"),
    [
        ({"nothing": 1.0}, "prosperity.lever"),
        ({"income_rural": math.nan}, "prosperity.lever"),
        ({"income_all": 5000.0, "income_rural": 30000.0}, "prosperity.together"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(aims: dict[str, float], kind: str) -> None:
    with pytest.raises(ContractError) as refused:
        bench().set(aims)
    assert refused.value.findings[0].kind == kind


def test_a_region_that_is_no_city_of_the_province_is_refused() -> None:
    with pytest.raises(ContractError) as refused:
        bench(city=RegionCode.parse("330502"))
    assert refused.value.findings[0].kind == "prosperity.city"


def test_the_table_has_a_row_a_lever_and_blanks_where_no_step_is_known() -> None:
    table = tabulate_levers(bench("pace", "output").levers())
    assert table.num_rows == 6
    assert table.column("chance").null_count == 3
