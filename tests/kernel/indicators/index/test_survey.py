"""Surveys: plans add up, raked margins meet their totals, intervals cover, small cells stay hidden."""

from __future__ import annotations

import math

import numpy as np
import pytest

from yucun.base.errors import ContractError
from yucun.index import StepFailed, survey

AGES = ["18-29", "30-39", "40-49", "50-59", "60-69", "70+"]
COUNTIES = ["吴兴", "南浔", "德清", "长兴", "安吉"]


def make_population(people: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """A made-up population: who they are, whether they are content, and how readily they answer."""
    rng = np.random.default_rng(seed)
    columns = {
        "age": rng.choice(6, people, p=[0.14, 0.19, 0.19, 0.21, 0.16, 0.11]),
        "sex": rng.integers(0, 2, people),
        "county": rng.choice(5, people, p=[0.29, 0.16, 0.17, 0.20, 0.18]),
    }
    columns["dwelling"] = (rng.random(people) < np.array([0.8, 0.5, 0.6, 0.55, 0.6])[columns["county"]]).astype(int)
    lean = -0.4 + 0.25 * columns["age"] + 0.3 * columns["dwelling"] + 0.15 * columns["county"] - 0.1 * columns["sex"]
    content = rng.random(people) < 1 / (1 + np.exp(-lean))
    readiness = np.exp(0.2 * columns["age"] - 0.3 * columns["dwelling"] + 0.1 * columns["sex"])
    return columns, content, readiness


def test_raking_and_its_intervals() -> None:
    """A seeded population of 3.4 million, 2,000 samples of 1,500: margins to 1e-9, 95 % intervals cover 94 to 96 %."""
    people = 3_400_000
    columns, content, readiness = make_population(people, seed=330500)
    names = list(columns)
    totals = {
        name: {str(k): float(v) for k, v in enumerate(np.bincount(columns[name]))} for name in ("age", "sex", "county")
    }
    crossed = columns["dwelling"] * 10 + columns["sex"]
    totals["dwelling × sex"] = {str(k): float((crossed == k).sum()) for k in np.unique(crossed)}
    truth, run = content.mean(), np.cumsum(readiness)
    rng = np.random.default_rng(2022)
    covered, worst = 0, 0.0
    for _ in range(2000):
        asked = np.searchsorted(run, rng.random(1500) * run[-1])
        taken = {name: columns[name][asked].astype(str) for name in names}
        taken["dwelling × sex"] = crossed[asked].astype(str)
        raked = survey.rake(taken, totals)
        for name, goal in totals.items():
            met = {k: raked.weights[taken[name] == k].sum() for k in goal}
            worst = max(worst, *(abs(met[k] / goal[k] - 1) for k in goal))
        found = survey.estimate(content[asked].astype(float), raked.weights, {name: taken[name] for name in totals})
        covered += found.low <= truth <= found.high
    assert worst <= 1e-9
    assert 0.94 <= covered / 2000 <= 0.96


def test_totals_that_do_not_fit_are_told_together() -> None:
    columns = {"sex": ["m", "f", "x"], "age": ["old", "old", "old"]}
    totals = {"sex": {"m": 5.0, "f": 5.0}, "age": {"old": 10.0, "young": 2.0}, "part": {"a": 10.0}}
    with pytest.raises(ContractError) as caught:
        survey.rake(columns, totals)
    assert [(f.key, f.found) for f in caught.value.findings] == [
        ("sex", "x"), ("age", "nobody in young"), ("part", "nothing"), ("sex, age, part", "10, 12"),
    ]  # fmt: skip


def test_margins_that_exclude_each_other_fail() -> None:
    columns = {"sex": ["m", "f"], "age": ["old", "young"]}
    totals = {"sex": {"m": 5.0, "f": 5.0}, "age": {"old": 2.0, "young": 8.0}}
    with pytest.raises(StepFailed, match="margin is off"):
        survey.rake(columns, totals)


def test_raking_keeps_the_base_weights_within_a_cell() -> None:
    found = survey.rake({"sex": ["m", "m", "f"]}, {"sex": {"m": 60.0, "f": 40.0}}, base=np.array([1.0, 3.0, 7.0]))
    assert found.weights.tolist() == pytest.approx([15, 45, 40])
    assert found.design_effect == pytest.approx(3 * (15**2 + 45**2 + 40**2) / 100**2)


def test_plans_add_up_and_keep_their_limits() -> None:
    sizes = dict(zip(COUNTIES, [980_000, 540_000, 560_000, 680_000, 590_000], strict=True))
    for way in ("proportional", "equal", "root"):
        plan = survey.plan_sample(sizes, 1500, way, least=200)  # type: ignore[arg-type]
        assert plan.total == 1500
        assert min(plan.people.values()) >= 200
    spread = survey.plan_sample({"a": 100, "b": 100}, 60, "neyman", deviations={"a": 1.0, "b": 3.0})
    assert spread.people == {"a": 15, "b": 45}
    full = survey.plan_sample({"a": 10, "b": 1000}, 500, "equal")
    assert full.people == {"a": 10, "b": 490}
    with pytest.raises(StepFailed):
        survey.plan_sample({"a": 10, "b": 10}, 15, least=9)


def test_a_share_and_a_mean_of_a_scale() -> None:
    answers = np.array([5, 4, 4, 3, 2, 1, np.nan] * 20)
    found = survey.estimate_scale(answers)
    assert found.top_two.value == pytest.approx(0.5)
    assert found.mean_100.value == pytest.approx(np.nanmean((answers - 1) / 4 * 100))
    assert found.top_two.people == 120
    with pytest.raises(StepFailed, match="not on the scale"):
        survey.estimate_scale([1.0, 6.0] * 40)


def test_weights_widen_the_interval() -> None:
    rng = np.random.default_rng(8)
    y, w = (rng.random(500) < 0.4).astype(float), np.where(rng.random(500) < 0.1, 8.0, 1.0)
    plain, weighted = survey.estimate(y), survey.estimate(y, w)
    assert weighted.high - weighted.low > plain.high - plain.low
    assert weighted.design_effect == pytest.approx(survey.design_effect(w), rel=0.25)
    assert weighted.effective_people < 400
    assert plain.design_effect == pytest.approx(1)


def test_small_cells_are_hidden_and_cannot_be_worked_out() -> None:
    answers, groups = np.ones(200), np.array(["a"] * 100 + ["b"] * 60 + ["c"] * 29 + ["d"] * 11)
    found = survey.estimate_groups(answers, groups)
    assert {name: e.hidden for name, e in found.items()} == {"a": False, "b": False, "c": True, "d": True}
    assert math.isnan(found["c"].value)
    lone = survey.estimate_groups(answers[:189], groups[:189])
    assert {name: e.hidden for name, e in lone.items()} == {"a": False, "b": True, "c": True}
    assert math.isnan(survey.compare(lone["a"], lone["b"]).chance)


def test_comparing_waves() -> None:
    rng = np.random.default_rng(9)
    waves = {
        str(year): survey.estimate((rng.random(800) < p).astype(float))
        for year, p in ((2020, 0.60), (2021, 0.61), (2022, 0.72))
    }
    found = survey.compare_all(waves)
    assert found["2020", "2022"].is_clear
    assert not found["2020", "2021"].is_clear
    alone = survey.compare(waves["2020"], waves["2022"])
    assert alone.chance <= found["2020", "2022"].chance
    assert alone.low < alone.value < alone.high < 0


def test_a_test_errs_as_often_as_it_says() -> None:
    rng = np.random.default_rng(10)
    clear = sum(
        survey.compare(*(survey.estimate((rng.random(300) < 0.5).astype(float)) for _ in range(2))).is_clear
        for _ in range(2000)
    )
    assert 0.037 < clear / 2000 < 0.063


def test_margins_of_two_columns() -> None:

    assert survey.cross(["a", "b"], ["x", "y"]) == ["a × x", "b × y"]
