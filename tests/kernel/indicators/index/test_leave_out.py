"""Leaving out a node as one of the doubts: what it does to ranks, to shares, to a spec, and where it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from yucun.index import (
    Figures,
    Framework,
    Node,
    StepFailed,
    Vary,
    apportion,
    build,
    explore,
    parse_plan,
    what_if,
    write_plan,
)

TREE = Framework(
    (
        *(Node(code, parent="p") for code in ("a", "b")),
        Node("c", parent="q"),
        Node("p", level=2, parent="t"),
        Node("q", level=2, parent="t"),
        Node("t", level=3),
    )
)
RAW = Figures(tuple("VWXYZ"), ("a", "b", "c"), np.array([[1.0, 9, 3], [2, 7, 8], [3, 1, 6], [5, 4, 1], [9, 2, 2]]))


def test_each_replication_is_the_index_without_what_it_drew() -> None:
    vary = Vary(noise=0.0, leave_out=("a", "b", "p"))
    found = explore(RAW, TREE, vary=vary, replications=40, seed=3)
    drawn = found.choices["leave_out"]
    assert set(drawn.tolist()) == {0, 1, 2, 3}
    for number, which in enumerate(drawn):
        dropped = ("", "a", "b", "p")[which]
        gone = ("a", "b") if dropped == "p" else (dropped,) if dropped else ()
        assert found.scores[number] == pytest.approx(what_if(build(RAW, TREE), drop=gone).score)
    assert found.failures == ()


def test_without_it_the_draws_are_what_they_were() -> None:
    plain = explore(RAW, TREE, vary=Vary(), replications=20)
    assert "leave_out" not in plain.choices
    assert Vary().factors == ("weights",)
    assert Vary(leave_out=("a",)).factors == ("weights", "leave_out")


def test_its_share_is_told_beside_the_others() -> None:
    shares, failures = apportion(RAW, TREE, vary=Vary(noise=0.05, leave_out=("a", "b", "p", "q")), points=64, unit="Z")
    assert failures == ()
    told = dict(zip(shares.factors, shares.first, strict=True))
    assert told["leave_out"] > told["weights"]


def test_a_spec_says_it_and_reads_back() -> None:
    plan = parse_plan('[uncertainty]\nleave_out = ["a", "p"]')
    assert plan.vary is not None
    assert plan.vary.leave_out == ("a", "p")
    assert parse_plan(write_plan(plan)) == plan


@pytest.mark.parametrize("code", ["c", "t"])
def test_a_node_without_a_sibling_cannot_be_left_out(code: str) -> None:
    with pytest.raises(StepFailed) as refused:
        explore(RAW, TREE, vary=Vary(leave_out=(code,)), replications=5)
    assert refused.value.step == "leave_out"
