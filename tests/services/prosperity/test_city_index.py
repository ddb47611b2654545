"""The index of the cities: published checks, what enters, what is not known, intervals, and a run that reruns equal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.huzhou import EmptyHuzhou, open_huzhou, read_huzhou
from yucun.base.errors import ContractError
from yucun.base.identity import RegionCode
from yucun.index import Aggregate, export, rerun
from yucun.services.prosperity.models import DIMENSIONS, PLAN, CityIndex, Sight, fit, read_inputs

HUZHOU = RegionCode.parse("330500")
# Case D34: {all, rural, -ratio} of January to September 2020, min-max 0..100, mean.
SCORES = {
    "嘉兴": 89.13, "宁波": 85.80, "绍兴": 82.55, "杭州": 72.15, "湖州": 69.83, "舟山": 63.21, "温州": 44.96,
    "台州": 42.04, "金华": 39.32, "衢州": 17.10, "丽水": 0.00,
}  # fmt: skip
# Case D35: the same with a geometric mean after flooring at 1; here the first five.
GEOMETRIC = {"嘉兴": 87.68, "宁波": 85.29, "绍兴": 82.12, "湖州": 68.48, "杭州": 66.65}


def sight(until: date | None = None) -> Sight:
    city = open_huzhou()
    return Sight(city.numbers, city.regions, city.numbers.ask(), until or city.clock.today())


def fitted(*more: str) -> CityIndex:
    return fit(sight(), HUZHOU, tuple(n for n in DIMENSIONS if n not in ("pace", "output") or n in more))


def test_scores_are_those_of_case_d34() -> None:
    index = fitted()
    assert {s.name.zh: round(s.score, 2) for s in index.standings} == SCORES
    assert [i.period.text for i in index.inputs] == ["2020-01..09"] * 3


def test_another_mean_swaps_huzhou_and_hangzhou_as_case_d35_says() -> None:
    plan = replace(
        PLAN, spec=replace(PLAN.spec, aggregate=Aggregate("geometric", floor=1.0), normalise=PLAN.spec.normalise)
    )
    index = fit(sight(), HUZHOU, plan=replace(plan, vary=replace(PLAN.vary, noise=0.0)))
    flat = {s.name.zh: s for s in index.standings}
    assert flat["湖州"].rank < flat["杭州"].rank
    values = index.run.index.normalised.values
    scores = np.exp(np.log(np.maximum(values, 1.0)).mean(axis=1))
    shown = dict(zip((index.names[c].zh for c in index.cities), scores.round(2), strict=True))
    assert {name: shown[name] for name in GEOMETRIC} == GEOMETRIC


def test_every_place_has_its_interval_and_overlaps_go_both_ways() -> None:
    index = fitted()
    for s in index.standings:
        assert 1 <= s.low <= s.median <= s.high <= len(index.cities)
        assert sum(s.points.values()) == pytest.approx(s.score)
        for other in s.overlaps:
            assert s.city in index.standing(other).overlaps
    here = index.standing(HUZHOU)
    assert not here.is_rank
    assert here.places[0] < here.rank < here.places[1]


def test_dimensions_without_figures_stand_not_known_and_name_their_feed() -> None:
    index = fitted()
    lacking = {m.dimension: m for m in index.missing}
    assert set(lacking) == {"environment", "services", "factors", "digital"}
    assert {m.mark.feed for m in lacking.values()} == {"prosperity.dimension"}
    assert {m.mark.kind for m in lacking.values()} == {"not_known"}
    assert set(index.waiting) == {"pace", "output", *lacking}


def test_an_indicator_that_only_some_cities_have_stays_out_and_says_how_many() -> None:
    inputs, missing = read_inputs(sight(), HUZHOU, ("output",))
    assert [i.code for i in inputs] == ["gdp_growth"]
    (head,) = missing
    assert (head.code, head.known, head.cities, head.mark.feed) == ("gdp_per_head", 7, 11, "prosperity.population")


def test_what_enters_moves_the_place_more_than_how_it_is_joined() -> None:
    index, wide = fitted(), fitted("pace", "output")
    assert index.standing(HUZHOU).rank == 5
    assert wide.standing(HUZHOU).rank == 1
    assert max(zip(index.shares.first, index.shares.factors, strict=True))[1] == "leave_out"
    assert "leave_out" in index.uncertainty.choices


def test_nothing_of_the_future_is_looked_at() -> None:
    with pytest.raises(ContractError) as refused:
        fit(sight(date(2020, 8, 31)), HUZHOU)
    assert "prosperity.income" in refused.value.findings[0].message.en


def test_the_run_is_one_folder_that_reruns_equal(tmp_path: Path) -> None:
    index = fitted()
    export(index.run, tmp_path / "run")
    again = rerun(tmp_path / "run")
    assert again.uncertainty is not None
    assert (again.uncertainty.ranks == index.uncertainty.ranks).all()
    assert index.digest == fitted().digest != fitted("pace").digest


def test_a_feed_of_all_cities_makes_its_dimension_enter(tmp_path: Path) -> None:
    made = EmptyHuzhou.make(tmp_path)
    cities = [r.code for r in read_huzhou().regions.children(RegionCode.parse("33"))]
    head = "region,period,dimension,measure,measure_unit,more_is_better,urban_value,rural_value\n"
    rows = "".join(f"{c.short},2021,services,made-up cover,%,true,{90 + n},60\n" for n, c in enumerate(cities))
    made.send("prosperity.dimension", (head + rows).encode())
    made.numbers.refresh()
    place = read_huzhou()
    seen = Sight(made.numbers, place.regions, made.numbers.ask(), place.today)
    index = fit(seen, HUZHOU, ("services", "digital"))
    assert index.dimensions == ("services",)
    assert [m.code for m in index.missing] == ["gap_digital"]
    assert index.standings[0].city == cities[0]
