"""The steps of an index, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from yucun.base.errors import ContractError
from yucun.index import (
    Figures,
    Framework,
    Impute,
    Node,
    Normalise,
    Screen,
    Spec,
    StepFailed,
    Treat,
    Weigh,
    aggregate,
    build,
    denominate,
    impute,
    normalise,
    rank,
    screen,
    sobol_points,
    treat,
    weigh,
)
from yucun.kernel.indicators.index.impute import fill_by_em
from yucun.kernel.indicators.index.normalise import scale
from yucun.kernel.indicators.index.treat import box_cox, shape_of, take_log

TREE = Framework((Node("x", parent="top"), Node("y", parent="top", direction=-1, target=2.0), Node("top", 2)))


def make(values: list[list[float]], **parts: object) -> Figures:
    return Figures(tuple(f"u{i}" for i in range(len(values))), ("x", "y"), np.array(values), **parts)  # type: ignore[arg-type]


def test_a_broken_framework_is_told_whole() -> None:
    with pytest.raises(ContractError) as caught:
        Framework((Node("a", parent="b"), Node("a", parent="t", direction=2), Node("c", weight=-1.0), Node("t", 2)))
    assert {f.kind for f in caught.value.findings} == {
        "index.parent",
        "index.direction",
        "index.weight",
        "index.code",
        "index.top",
    }


def test_an_aggregate_needs_children() -> None:
    with pytest.raises(ContractError) as caught:
        Framework((Node("a", parent="t"), Node("empty", 2, "t"), Node("t", 3)))
    assert [f.kind for f in caught.value.findings] == ["index.children"]


def test_a_unit_stands_once() -> None:
    with pytest.raises(ContractError, match="repeated"):
        Figures(("a", "a"), ("x",), np.ones((2, 1)))
    assert Figures(("a", "a"), ("x",), np.ones((2, 1)), ("2020", "2021")).times == ("2020", "2021")


def test_figures_cannot_be_changed() -> None:
    figures = make([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="read-only"):
        figures.values[0, 0] = 9


def test_dividing_by_nothing_is_told() -> None:
    tree = Framework((Node("x", parent="top", denominator="people"), Node("y", parent="top"), Node("top", 2)))
    raw = make([[1, 2], [3, 4], [5, 6]], sizes={"people": np.array([2.0, 0.0, np.nan])})
    found, log = denominate(raw, tree)
    assert found.values[:, 0].tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert log.entries[0]["made_missing"] == ["u1", "u2"]
    with pytest.raises(ContractError, match="people"):
        denominate(make([[1, 2]]), tree)


def test_screening_says_who_went() -> None:
    found, log = screen(make([[1, 2], [np.nan, 0], [0, 0]]), Screen(0.6, 0.5, keep=("u1",)))
    assert found.units == ("u0", "u1")
    assert log.entries == ({"unit": "u2", "available": 1.0, "zero": 1.0},)


def test_imputing_by_group_and_what_stays_missing() -> None:
    raw = make([[1, 2], [3, np.nan], [np.nan, 7], [np.nan, 9]], groups={"part": ("a", "a", "b", "b")})
    found, log = impute(raw, TREE, Impute("group_mean", "part"))
    assert found.values.tolist() == pytest.approx(np.array([[1, 2], [3, 2], [np.nan, 7], [np.nan, 9]]), nan_ok=True)
    assert log.entries[1]["filled"] == {"u1": 2.0}
    assert [f.where for f in log.findings] == ["x"]
    medians, _ = impute(raw, TREE, Impute("median"))
    assert medians.values[2, 0] == 2.0


def test_imputing_along_the_years() -> None:
    times = ("2018", "2019", "2021", "2018", "2019", "2021")
    raw = Figures(
        ("a",) * 3 + ("b",) * 3,
        ("x", "y"),
        np.array([[1, 1], [np.nan, 2], [4, np.nan], [np.nan, 5], [7, 5], [9, 5]]),
        times,
    )
    found, _ = impute(raw, TREE, Impute("panel"))
    assert found.values[:, 0].tolist() == [1, 2, 4, 7, 7, 9]
    assert found.values[2, 1] == 2


def test_em_finds_the_conditional_mean() -> None:
    rng = np.random.default_rng(5)
    cover = np.array([[1.0, 0.8, 0.5], [0.8, 1.0, 0.3], [0.5, 0.3, 1.0]])
    whole = rng.multivariate_normal([0, 5, 10], cover, size=4000)
    holed = whole.copy()
    lost = rng.random(4000) < 0.3
    holed[lost, 1] = np.nan
    found = fill_by_em(holed)
    slope = np.linalg.solve(cover[np.ix_([0, 2], [0, 2])], cover[[0, 2], 1])
    expected = 5 + (whole[:, [0, 2]] - [0, 10]) @ slope
    assert np.abs(found[lost, 1] - expected[lost]).max() < 0.2
    assert np.array_equal(found[~lost], whole[~lost])


def test_em_keeps_rows_and_columns_that_have_nothing() -> None:
    found = fill_by_em(np.array([[1, 2, np.nan], [2, np.nan, np.nan], [np.nan, np.nan, np.nan], [4, 8, np.nan]]))
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()
    assert found[1, 1] == pytest.approx(4, abs=1e-3)


def test_treatment_takes_the_tail_that_is_long() -> None:
    low = make([[-float(i), -float(i)] for i in range(1, 11)] + [[-100, -100]])
    found, log = treat(low)
    assert found.values[-1].tolist() == [-10, -10]
    assert [e["units"] for e in log.entries] == [["u10"], ["u10"]]


def test_logarithm_for_what_still_fails() -> None:
    x = [*range(1, 21), 100, 200]
    figures = make([[v, v] for v in x])
    found, log = treat(figures, Treat(winsorise=1))
    assert {e["method"] for e in log.entries} == {"log"}
    assert found.column("x") == pytest.approx(take_log(np.array(x, dtype=float)))
    left, log = treat(figures, Treat(winsorise=1, then="none"))
    assert [f.kind for f in log.findings] == ["index.still_skewed"] * 2
    assert left.values.max() == 100
    assert treat(figures, Treat(winsorise=1, then="box_cox"))[1].entries[0]["passes"]


def test_an_indicator_that_is_not_named_is_left_alone() -> None:
    figures = make([[float(i), float(i)] for i in range(1, 11)] + [[100, 100]])
    found, log = treat(figures, Treat(only=("x",)))
    assert [e["indicator"] for e in log.entries] == ["x"]
    assert found.column("y").max() == 100


def test_box_cox_makes_a_lognormal_straight() -> None:
    x = np.exp(np.random.default_rng(1).normal(size=2000))
    changed, power = box_cox(x)
    assert abs(power) < 0.05
    assert abs(shape_of(changed[:, None])[0][0]) < 0.1


def test_all_ways_to_normalise() -> None:
    x = np.array([2.0, 4.0, 8.0, np.nan])
    assert scale(x, Normalise("z", 10, 12))[:3] == pytest.approx([10 - 1.7457, 10 - 0.4364, 10 + 2.1822], abs=1e-4)
    assert scale(x, Normalise("rank"), -1).tolist()[:3] == [3, 2, 1]
    assert scale(x, Normalise("percentile", 0, 100)).tolist()[:3] == [0, 50, 100]
    assert scale(x, Normalise("target", 0, 100), 1, 4.0).tolist()[:3] == [50, 100, 100]
    assert scale(x, Normalise("target", 0, 100), -1, 2.0).tolist()[:3] == [100, 50, 25]
    assert scale(x, Normalise("goalpost", 0, 1, least=0, most=4, clip=False)).tolist()[:3] == [0.5, 1, 2]
    assert scale(x, Normalise("none"), -1).tolist()[:3] == [-2, -4, -8]
    assert all(np.isnan(scale(x, Normalise(how))[3]) for how in ("min_max", "z", "rank", "percentile", "none"))


@pytest.mark.parametrize("method", ["min_max", "z", "percentile", "goalpost", "target"])
def test_a_scale_that_does_not_go_up_is_refused(method: Any) -> None:
    for low, high in ((100.0, 10.0), (1.0, 1.0), (0.0, float("nan"))):
        with pytest.raises(StepFailed) as refused:
            Normalise(method, low, high)
        assert refused.value.findings[0].kind == "index.normalise"


def test_a_panel_is_normalised_together() -> None:
    figures = Figures(
        ("a", "b", "a", "b"),
        ("x", "y"),
        np.array([[0, 1], [10, 1], [20, 3], [40, 3.0]]),
        ("2020", "2020", "2021", "2021"),
    )
    found, _ = normalise(figures, TREE)
    assert found.column("x").tolist() == [0, 25, 50, 100]
    assert build(figures, TREE, Spec()).rank.tolist() == [2, 1, 2, 1]


def test_a_missing_child_leaves_its_weight_to_the_others() -> None:
    x = np.array([[1.0, np.nan, 4.0], [1.0, 2.0, 4.0]])
    w = np.array([1.0, 5.0, 3.0])
    assert aggregate(x, w).tolist() == pytest.approx([13 / 4, 23 / 9])
    assert aggregate(x, w, "geometric")[0] == pytest.approx(4 ** (3 / 4))
    assert aggregate(x, w, "harmonic")[0] == pytest.approx(4 / (1 + 3 / 4))
    assert aggregate(x, w, "median").tolist() == [4.0, 2.0]
    assert aggregate(np.full((1, 3), np.nan), w).tolist() == pytest.approx([np.nan], nan_ok=True)


def test_many_weights_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(2)
    x, w = rng.random((7, 4)) + 0.1, rng.random((5, 4))
    for method in ("arithmetic", "geometric", "harmonic", "median", "copeland", "topsis"):
        at_once = aggregate(x, w, method)
        assert at_once == pytest.approx(np.stack([aggregate(x, row, method) for row in w]))
        deep = aggregate(np.stack([x] * 5), w, method)
        assert deep == pytest.approx(at_once)


def test_equal_scores_share_a_rank() -> None:
    assert rank(np.array([0.1 + 0.2, 0.3, 0.5, np.nan])).tolist() == [2, 2, 1, 0]
    assert rank(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [[2, 1], [1, 2]]


def test_weights_by_correlation_are_exact() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 3)) + rng.normal(size=(200, 1))
    w = weigh(x, "correlation", np.ones(3))
    found = [np.corrcoef(x[:, i], x @ w)[0, 1] for i in range(3)]
    assert found == pytest.approx([found[0]] * 3, abs=1e-12)
    assert w.sum() == pytest.approx(1)


def test_weights_add_up_and_zero_stays_zero() -> None:
    x = np.random.default_rng(4).random((30, 4))
    for way in ("given", "equal", "entropy", "pca", "pca_rotated", "correlation"):
        found = weigh(x, way, np.array([1.0, 2.0, 0.0, 1.0]))
        assert found.sum() == pytest.approx(1)
        assert found[2] == 0


def test_weighing_above_the_indicators() -> None:
    tree = Framework(
        (Node("x", parent="p"), Node("y", parent="q"), Node("p", 2, "t"), Node("q", 2, "t", weight=3), Node("t", 3))
    )
    figures = make([[1, 4], [2, 3], [5, 9], [7, 8]])
    assert build(figures, tree).weights["q"] == 0.75
    assert build(figures, tree, Spec(weigh=Weigh("equal", (2,)))).weights["q"] == 0.5


def test_sobol_points_fill_evenly() -> None:
    points = sobol_points(256, 21)
    counts = np.stack([np.histogram(points[:, i], 16, (0, 1))[0] for i in range(21)])
    assert (counts == 16).all()
    moved = sobol_points(256, 21, seed=7)
    assert (np.stack([np.histogram(moved[:, i], 16, (0, 1))[0] for i in range(21)]) == 16).all()
    assert not np.array_equal(points, moved)
