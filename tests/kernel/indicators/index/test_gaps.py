"""Gaps: identities, limits, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.test_index_known import INCOME
from yucun.index import StepFailed, decompose, gaps
from yucun.kernel.indicators.index.student import t_quantile, t_tail

ALL = [row[0] for row in INCOME.values()]


def test_zhejiang() -> None:
    """D31 and D32 of the project's collected facts, January to September 2020."""
    assert gaps.ratio_of_ends(ALL) == pytest.approx(1.6935, abs=5e-5)
    assert gaps.variation(ALL).value == pytest.approx(0.1512, abs=5e-5)
    assert gaps.theil(ALL).value == pytest.approx(0.01197, abs=5e-6)
    assert gaps.gini(ALL).value == pytest.approx(0.0813, abs=5e-5)


def test_people_count_as_often_as_they_are() -> None:
    x, w = [1.0, 2.0, 5.0, 9.0], [3, 1, 2, 2]
    every = np.repeat(x, w)
    for measure in (gaps.gini, gaps.theil, gaps.palma, gaps.variation):
        assert measure(x, w, boots=0).value == pytest.approx(measure(every, boots=0).value)
    assert gaps.atkinson(x, 1.0, w, boots=0).value == pytest.approx(gaps.atkinson(every, 1.0, boots=0).value)


def test_equality_and_its_opposite() -> None:
    for measure in (gaps.gini, gaps.theil, gaps.variation):
        assert measure([3.0] * 6).value == pytest.approx(0, abs=1e-12)
    assert gaps.gini([0.0] * 9 + [1.0]).value == pytest.approx(0.9)
    assert gaps.atkinson([0.0, 1.0], 1.0).value == 1
    assert gaps.palma([1.0] * 100).value == pytest.approx(0.25)


def test_intervals_cover() -> None:
    """Of 300 samples of 200 from a lognormal with a known Gini, about 95 % cover it."""
    rng = np.random.default_rng(11)
    truth = 2 * 0.6914624612740131 - 1  # 2 Phi(sigma / sqrt 2) - 1 with sigma = sqrt 2 / 2
    covered = 0
    for number in range(300):
        found = gaps.gini(np.exp(rng.normal(0, 2**0.5 / 2, 200)), seed=number, boots=300)
        covered += found.low <= truth <= found.high
    assert 0.88 <= covered / 300 <= 0.98


def test_the_same_seed_gives_the_same_interval() -> None:
    assert gaps.theil(ALL, seed=5) == gaps.theil(ALL, seed=5)
    assert gaps.theil(ALL, seed=5) != gaps.theil(ALL, seed=6)


@pytest.mark.parametrize("wrong", [[-1.0, 2.0], [np.nan, 2.0], [], [0.0, 0.0]])
def test_what_has_no_gap_is_refused(wrong: list[float]) -> None:
    with pytest.raises(StepFailed):
        gaps.gini(wrong)


def test_groups_that_do_not_overlap_have_no_transvariation() -> None:
    found = decompose.split_gini([1, 2, 3, 11, 12, 13], list("aaabbb"), boots=20)
    assert found["overlap"].value == 0
    assert found["between"].value == pytest.approx(10 / 14 * 0.5)
    assert sum(found[n].value for n in ("within", "between", "overlap")) == pytest.approx(found["total"].value)


def test_one_group_is_all_within() -> None:
    found = decompose.split_theil(ALL, ["z"] * 11, boots=20)
    assert found["between"].value == pytest.approx(0, abs=1e-15)
    assert found["within"].value == pytest.approx(gaps.theil(ALL).value)


def test_convergence() -> None:
    rng = np.random.default_rng(12)
    first = np.exp(rng.normal(10, 0.5, 60))
    last = np.exp(10 + (np.log(first) - 10) * np.exp(-0.02 * 10) + 0.3 + rng.normal(0, 0.02, 60))
    found = gaps.converge_beta(first, last, 10)
    assert found.beta.low < (np.exp(-0.2) - 1) / 10 < found.beta.high < 0
    assert found.speed == pytest.approx(0.02, abs=0.003)
    assert found.half_life_years == pytest.approx(np.log(2) / 0.02, rel=0.15)
    sigma = gaps.converge_sigma(np.column_stack([first, last]))
    assert sigma[1].value < sigma[0].value
    assert sigma[0].low < sigma[0].value < sigma[0].high
    with pytest.raises(StepFailed):
        gaps.converge_beta([1.0, 2.0], [1.0, 2.0], 1)


def test_student() -> None:
    """Percentage points from the usual table (Fisher and Yates)."""
    printed = {1: 12.7062, 2: 4.3027, 9: 2.2622, 30: 2.0423, 120: 1.9799}
    assert {free: round(t_quantile(0.975, free), 4) for free in printed} == printed
    assert t_quantile(0.025, 9) == -t_quantile(0.975, 9)
    assert t_tail(1.959964, float("inf")) == pytest.approx(0.05, abs=1e-6)


def test_a_group_too_small_to_explain() -> None:
    with pytest.raises(StepFailed, match="too few"):
        decompose.explain_difference([1, 2, 3, 4], {"a": [1, 2, 3, 4]}, [True, True, True, False])
