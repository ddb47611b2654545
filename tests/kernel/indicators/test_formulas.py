"""The named formulas against plain Python: spreads, Theil's split, and periods read from their text."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from datetime import date

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yucun.base.errors import NotKnown
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators import formulas
from yucun.kernel.indicators.walk import after, before
from yucun.kernel.lake.engine import Engine

ENGINE = Engine(threads=1)
Member = tuple[float, float, str]
members = st.lists(st.tuples(st.floats(0.5, 1e6), st.floats(0.1, 100), st.sampled_from("abc")), min_size=2, max_size=20)


def spread(name: str, found: Sequence[Member]) -> float:
    n = len(found)
    table = pa.table(
        {
            "region": ["33"] * n,
            "period": ["2021"] * n,
            "value": [v for v, _, _ in found],
            "weight": [w for _, w, _ in found],
            "group": [g for _, _, g in found],
            "member": [str(i) for i in range(n)],
        }
    )
    measured = formulas.SPREADS[name].formula(ENGINE.memory(table))
    answer: float = ENGINE.run(measured)["measure"][0].as_py()
    return answer


def theil_by_hand(found: Sequence[Member]) -> float:
    whole = math.fsum(w for _, w, _ in found)
    mean = math.fsum(v * w for v, w, _ in found) / whole
    return math.fsum(w / whole * v / mean * math.log(v / mean) for v, w, _ in found)


def gini_by_hand(found: Sequence[Member]) -> float:
    whole = math.fsum(w for _, w, _ in found)
    mean = math.fsum(v * w for v, w, _ in found) / whole
    pairs = math.fsum(wa * wb * abs(a - b) for a, wa, _ in found for b, wb, _ in found)
    return pairs / (2 * whole * whole * mean)


@settings(max_examples=15)
@given(members)
def test_weighted_spreads_agree_with_plain_python(found: list[Member]) -> None:
    assert spread("theil", found) == pytest.approx(theil_by_hand(found), abs=1e-9)
    assert spread("gini", found) == pytest.approx(gini_by_hand(found), abs=1e-9)
    plain = [(v, 1.0, g) for v, _, g in found]
    values = [v for v, _, _ in found]
    assert spread("cv_population", plain) == pytest.approx(
        statistics.pstdev(values) / statistics.fmean(values), abs=1e-9
    )
    assert spread("cv_sample", plain) == pytest.approx(statistics.stdev(values) / statistics.fmean(values), abs=1e-9)
    assert spread("max_over_min", plain) == pytest.approx(max(values) / min(values))
    assert spread("max_less_min", plain) == pytest.approx(max(values) - min(values))


@settings(max_examples=15)
@given(members, st.floats(0.01, 1000))
def test_theil_splits_and_scale_does_not_matter(found: list[Member], factor: float) -> None:
    whole = spread("theil", found)
    assert whole == pytest.approx(spread("theil_between", found) + spread("theil_within", found), abs=1e-9)
    scaled = [(v * factor, w, g) for v, w, g in found]
    for name in ("theil", "theil_between", "theil_within", "gini", "cv_population"):
        assert spread(name, scaled) == pytest.approx(spread(name, found), rel=1e-6, abs=1e-9)


@settings(max_examples=10)
@given(members, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_all_equal_is_no_spread(found: list[Member], chance: object) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert spread("gini", shuffled) == pytest.approx(spread("gini", found), abs=1e-9)
    equal = [(7.0, w, g) for _, w, g in found]
    assert all(
        abs(spread(n, equal)) < 1e-9 for n in ("gini", "theil", "theil_within", "theil_between", "cv_population")
    )


def test_theil_of_a_published_example() -> None:
    # Two persons, one has all but a tenth: T = ln(1.8)·0.9 + ln(0.2)·0.1, by the definition itself.
    expected = 0.5 * 1.8 * math.log(1.8) + 0.5 * 0.2 * math.log(0.2)
    assert spread("theil", [(9.0, 1.0, "a"), (1.0, 1.0, "b")]) == pytest.approx(expected, abs=1e-12)
    assert spread("gini", [(9.0, 1.0, "a"), (1.0, 1.0, "b")]) == pytest.approx(0.4)


days = st.dates(date(1990, 1, 1), date(2080, 12, 31))
periods = st.one_of(
    days.map(Period.day),
    days.map(lambda d: Period.month(d.year, d.month)),
    days.map(lambda d: Period.quarter(d.year, (d.month + 2) // 3)),
    days.map(lambda d: Period.year(d.year)),
    days.map(lambda d: Period.cumulative(d.year, min(d.month, 11))),
)


@settings(max_examples=20)
@given(st.lists(periods, min_size=1, max_size=40))
def test_periods_in_columns_mean_what_periods_mean(found: list[Period]) -> None:
    rows = ENGINE.memory(pa.table({"p": [p.text for p in found]}))
    answers = ENGINE.run(
        rows.select(
            "p",
            kind=formulas.kind_of_period(rows.p),
            end=formulas.end_of_period(rows.p),
            next=formulas.following(rows.p, "previous"),
            year_on=formulas.following(rows.p, "year_before"),
        )
    ).to_pylist()
    by_text = {p.text: p for p in found}
    for row in answers:
        period = by_text[row["p"]]
        assert row["kind"] == period.kind
        # Text ends sort like days: 31 stands for every month's end.
        assert row["end"][:7] == period.end.isoformat()[:7]
        assert row["end"] >= period.end.isoformat()
        later = after(period, "previous")
        assert later is None or row["next"] == later.text
        on = after(period, "year_before")
        assert on is None or row["year_on"] == on.text


@given(periods, st.sampled_from(["previous", "year_before"]))
def test_before_and_after_are_inverse(period: Period, against: str) -> None:
    later = after(period, against)
    if later is not None:
        assert before(later, against) == period
    try:
        assert before(period, "previous") == period.previous()
    except NotKnown:
        assert before(period, "previous") is None


def test_levels_in_columns_are_those_of_the_codes() -> None:
    codes = [RegionCode.parse(c) for c in ("33", "3305", "330502", "330502001", "330502001001", "330500", "330000")]
    rows = ENGINE.memory(pa.table({"c": [str(c) for c in codes]}))
    found = ENGINE.run(rows.select("c", level=formulas.level_of_region(rows.c))).to_pylist()
    assert {row["c"]: row["level"] for row in found} == {str(c): c.level for c in codes}


@pytest.mark.parametrize("grain", ["day", "month", "quarter", "year"])
def test_a_day_falls_into_its_period(grain: str) -> None:
    day = date(2022, 5, 9)
    rows = ENGINE.memory(pa.table({"d": pa.array([day], pa.date32())}))
    found = ENGINE.run(rows.select(p=formulas.grain_of(rows.d, grain)))["p"][0].as_py()
    expected = {
        "day": Period.day(day), "month": Period.month(2022, 5), "quarter": Period.quarter(2022, 2), "year": Period.year(2022),
    }  # fmt: skip
    assert found == expected[grain].text


def test_kept_measures_do_not_depend_on_the_order_of_adding() -> None:
    rows = ENGINE.memory(pa.table({"m": [0.1 + 0.2, 0.3]}))
    assert len(set(ENGINE.run(rows.select(k=formulas.kept(rows.m)))["k"].to_pylist())) == 1
    assert ibis.__version__
