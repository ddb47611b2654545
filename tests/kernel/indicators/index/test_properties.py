"""What must hold for every index: order, scale and weights of zero change nothing, and no failure is silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yucun.index import (
    NO_TREATMENT,
    Aggregate,
    Figures,
    Framework,
    Impute,
    Index,
    Node,
    Normalise,
    Spec,
    StepFailed,
    Treat,
    Vary,
    Weigh,
    build,
    explore,
    usual_doubts,
)

METHODS = ("arithmetic", "geometric", "harmonic", "median", "copeland", "topsis")
WEIGHINGS = ("given", "equal", "entropy", "pca", "pca_rotated")


@st.composite
def cases(draw: st.DrawFn) -> tuple[Figures, Framework, Spec]:
    """An index of three levels with gaps, outliers, both directions and any of the methods."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units, indicators = draw(st.integers(8, 20)), draw(st.integers(4, 9))
    values = np.exp(rng.normal(size=(units, indicators))) * 10.0 ** rng.integers(-3, 6, indicators)
    if draw(st.booleans()):
        values[rng.random(values.shape) < 0.08] = np.nan
    values[0], values[1] = np.nan_to_num(values[0], nan=1e-4), np.nan_to_num(values[1], nan=7e5)
    parents = ["left" if i % 2 else "right" for i in range(indicators)]
    nodes = [
        Node(f"i{i}", parent=parents[i], direction=int(rng.choice([1, -1])), weight=float(rng.integers(1, 4)))
        for i in range(indicators)
    ]
    nodes += [Node("left", 2, "top", weight=2.0), Node("right", 2, "top"), Node("top", 3)]
    spec = Spec(
        impute=Impute(draw(st.sampled_from(["none", "mean", "median", "group_mean", "group_median", "em"])), "part"),
        treat=Treat(winsorise=draw(st.integers(0, 5)), then=draw(st.sampled_from(["log", "box_cox", "none"]))),
        normalise=Normalise(draw(st.sampled_from(["min_max", "rank", "percentile", "z"])), 1.0, 100.0),
        weigh=Weigh(draw(st.sampled_from(WEIGHINGS))),
        aggregate=Aggregate(draw(st.sampled_from(METHODS)), floor=1.0),
    )
    if spec.normalise.method == "z":
        spec = replace(spec, normalise=Normalise("z", 100.0, 110.0))
    groups = tuple(str(i % 2) for i in range(units))
    return (
        Figures(
            tuple(f"u{i}" for i in range(units)),
            tuple(f"i{i}" for i in range(indicators)),
            values,
            groups={"part": groups},
        ),
        Framework(tuple(nodes)),
        spec,
    )


def build_or_tell(*parts: Any) -> Index | str:
    """The index, or the name of the step that failed."""
    try:
        return build(*parts)
    except StepFailed as error:
        return error.step


def assert_same(first: Index | str, second: Index | str) -> None:
    if isinstance(first, str) or isinstance(second, str):
        assert first == second
        return
    order = [second.place_of(unit) for unit in first.normalised.units]
    for code, scores in first.scores.items():
        assert second.scores[code][order] == pytest.approx(scores, rel=1e-7, abs=1e-7, nan_ok=True)


@settings(max_examples=60)
@given(cases(), st.randoms(use_true_random=False))
def test_order_of_units_and_indicators_never_matters(case: tuple[Figures, Framework, Spec], random: Any) -> None:
    figures, tree, spec = case
    rows, columns = list(range(len(figures.units))), list(figures.codes)
    random.shuffle(rows)
    random.shuffle(columns)
    nodes = list(tree.nodes)
    random.shuffle(nodes)
    mixed = figures.select(columns)
    mixed = Figures(
        tuple(mixed.units[i] for i in rows),
        mixed.codes,
        mixed.values[rows],
        groups={"part": tuple(mixed.groups["part"][i] for i in rows)},
    )
    first, second = build_or_tell(figures, tree, spec), build_or_tell(mixed, Framework(tuple(nodes)), spec)
    assert_same(first, second)
    if isinstance(first, Index) and isinstance(second, Index):
        assert first.rank.tolist() == [int(second.rank[second.place_of(unit)]) for unit in first.normalised.units]


@settings(max_examples=40)
@given(cases(), st.floats(1e-3, 1e3))
def test_scaling_a_min_max_indicator_never_matters(case: tuple[Figures, Framework, Spec], factor: float) -> None:
    figures, tree, spec = case
    spec = replace(spec, normalise=Normalise("min_max", 1.0, 100.0))
    values = figures.values.copy()
    values[:, 0] *= factor
    assert_same(build_or_tell(figures, tree, spec), build_or_tell(figures.with_values(values), tree, spec))


@settings(max_examples=60)
@given(cases())
def test_a_weight_of_zero_drops_an_indicator(case: tuple[Figures, Framework, Spec]) -> None:
    figures, tree, spec = case
    code = tree.codes[0]
    first = build_or_tell(figures, tree.with_weights({code: 0.0}), spec)
    assert_same(first, build_or_tell(figures, tree.without([code]), spec))
    if isinstance(first, Index):
        weighing = next(step for step in first.log if step.step == "weigh")
        assert weighing.entries[0] == {"dropped": [code]}
        assert code not in first.normalised.codes


def make_small(values: list[list[float]]) -> tuple[Figures, Framework]:
    codes = tuple(f"i{i}" for i in range(len(values[0])))
    nodes = (*(Node(code, parent="top") for code in codes), Node("top", 2))
    return Figures(tuple(f"u{i}" for i in range(len(values))), codes, np.array(values)), Framework(nodes)


# A way of failing for every step that can fail, and the step that must be named.
FAILING: list[tuple[str, Spec, list[list[float]]]] = [
    ("impute", Spec(impute=Impute("group_mean", "nowhere")), [[1, np.nan], [3, 4], [5, 7]]),
    ("impute", Spec(impute=Impute("panel")), [[1, np.nan], [3, 4], [5, 7]]),
    ("normalise", Spec(), [[1, 2], [1, 4], [1, 7]]),
    ("normalise", Spec(), [[np.nan, 2], [np.nan, 4], [np.nan, 7]]),
    ("normalise", Spec(normalise=Normalise("target")), [[1, 2], [3, 4], [5, 7]]),
    ("normalise", Spec(normalise=Normalise("goalpost", least=5, most=5)), [[1, 2], [3, 4], [5, 7]]),
    ("normalise", Spec(normalise=Normalise("goalpost", least=1, most=9, logarithm=True)), [[0, 2], [3, 4], [5, 7]]),
    ("weigh", Spec(normalise=Normalise("z", 0, 1), weigh=Weigh("entropy")), [[1, 2], [3, 4], [5, 7]]),
    ("weigh", Spec(weigh=Weigh("pca")), [[1, np.nan], [3, 4], [5, 7]]),
    ("weigh", Spec(weigh=Weigh("correlation")), [[1, 3, -1], [2, 0, 4], [3, 4, 2], [4, 3, 5], [5, 7, 3], [6, 4, 8]]),
    ("aggregate", Spec(aggregate=Aggregate("geometric")), [[1, 2], [3, 4], [5, 7]]),
    ("aggregate", Spec(aggregate=Aggregate("harmonic")), [[1, 2], [3, 4], [5, 7]]),
]


@pytest.mark.parametrize(("step", "spec", "values"), FAILING)
def test_a_failing_step_is_never_silent(step: str, spec: Spec, values: list[list[float]]) -> None:
    figures, tree = make_small(values)
    with pytest.raises(StepFailed) as caught:
        build(figures, tree, replace(spec, treat=NO_TREATMENT))
    assert caught.value.step == step
    told = caught.value.findings[0]
    assert told.kind == f"index.{step}"
    assert told.where
    assert told.message.zh
    assert told.message.en


def test_a_failing_replication_is_reported_with_its_reason() -> None:
    figures, tree = make_small([[1, 2], [3, 4], [5, 7], [2, 9]])
    vary = Vary(
        aggregate=(Aggregate("arithmetic"), Aggregate("geometric")),
        normalise=(Normalise(), Normalise("min_max", 1, 100)),
    )
    found = explore(figures, tree, Spec(treat=NO_TREATMENT), vary, replications=200)
    wrong = (found.choices["aggregate"] == 1) & (found.choices["normalise"] == 0)
    assert 0 < found.failed == wrong.sum()
    assert sorted(n for f in found.failures for n in f.replications) == np.flatnonzero(wrong).tolist()
    assert {f.step for f in found.failures} == {"aggregate"}
    assert all("geometric" in f.findings[0].message.en for f in found.failures)
    assert (found.ranks[wrong] == 0).all()
    assert (found.ranks[~wrong] > 0).all()
    assert found.table().column("Replications").to_pylist() == [200 - found.failed] * 4


def test_only_the_replications_that_fail_are_lost() -> None:
    """Where a drawn weight decides whether a mean exists, the others of the same choices stay."""
    figures, tree = make_small([[1, 2], [3, 1], [5, 7], [2, 9]])
    nodes = (*(replace(n, parent="low") for n in tree.indicators), Node("low", 2, "top"), Node("top", 3))
    spec = Spec(
        treat=NO_TREATMENT,
        normalise=Normalise("z", 0.895, 1.895),
        aggregate=Aggregate(levels=("arithmetic", "geometric")),
    )
    vary = Vary(noise=0.9)
    found = explore(figures, Framework(nodes), spec, vary, replications=300)
    assert 0 < found.failed < 300
    assert ((found.ranks == 0).all(axis=1).sum()) == found.failed


@settings(max_examples=15)
@given(cases())
def test_doubts_do_not_depend_on_order(case: tuple[Figures, Framework, Spec]) -> None:
    figures, tree, spec = case
    vary = usual_doubts(spec)
    turned = figures.select(figures.codes[::-1])
    nominal = build_or_tell(figures, tree, spec)
    assert_same(nominal, build_or_tell(turned, tree, spec))
    if isinstance(nominal, str):
        return
    first = explore(figures, tree, spec, vary, replications=40, seed=3)
    second = explore(turned, Framework(tree.nodes[::-1]), spec, vary, replications=40, seed=3)
    assert np.array_equal(first.ranks, second.ranks)


@settings(max_examples=25)
@given(cases())
def test_replications_agree_with_single_runs(case: tuple[Figures, Framework, Spec]) -> None:
    """The vectorised path gives what a build with the same choices gives."""
    figures, tree, spec = case
    vary = replace(usual_doubts(spec), noise=0.0)
    if isinstance(build_or_tell(figures, tree, spec), str):
        return
    found = explore(figures, tree, spec, vary, replications=12)
    for number in range(12):
        parts = {name: getattr(vary, name)[found.choices[name][number]] for name in vary.factors}
        single = build_or_tell(figures, tree, replace(spec, **parts))
        if isinstance(single, str):
            assert np.isnan(found.scores[number]).all()
        else:
            assert found.scores[number] == pytest.approx(single.score, rel=1e-9, nan_ok=True)
