"""Assignment against every plan there is, and against another solver; its proof, its reasons, its refusals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from yucun.kernel.plans import IMPOSSIBLE, answer_assign, assign

SMALL = st.integers(1, 4).flatmap(
    lambda tasks: st.integers(1, 3).flatmap(
        lambda workers: st.tuples(
            st.lists(
                st.lists(st.integers(IMPOSSIBLE, 9), min_size=workers, max_size=workers), min_size=tasks, max_size=tasks
            ),
            st.lists(st.integers(0, 3), min_size=workers, max_size=workers),
            st.integers(0, 12),
        )
    )
)


def cost_of(costs: list[list[int]], plan: tuple[int, ...], unassigned: int) -> int:
    return sum(unassigned if worker < 0 else costs[task][worker] for task, worker in enumerate(plan))


def may_be(costs: list[list[int]], capacity: list[int], plan: tuple[int, ...]) -> bool:
    fits = all(plan.count(worker) <= places for worker, places in enumerate(capacity))
    return fits and all(worker < 0 or costs[task][worker] != IMPOSSIBLE for task, worker in enumerate(plan))


@settings(max_examples=150, deadline=None)
@given(SMALL)
def test_no_plan_of_all_is_cheaper(problem: tuple[list[list[int]], list[int], int]) -> None:
    costs, capacity, unassigned = problem
    plans = product(range(-1, len(capacity)), repeat=len(costs))
    cheapest = min(cost_of(costs, plan, unassigned) for plan in plans if may_be(costs, capacity, plan))
    found = assign(np.array(costs), np.array(capacity), unassigned)
    assert may_be(costs, capacity, tuple(found.worker.tolist()))
    assert found.cost == cost_of(costs, tuple(found.worker.tolist()), unassigned) == cheapest == found.bound


def test_as_good_as_another_solver_at_size() -> None:
    costs = np.random.default_rng(5).integers(0, 10_000, (120, 120))
    row, column = linear_sum_assignment(costs)
    found = assign(costs, np.ones(120, np.int64), 1_000_000)
    assert found.cost == found.bound == int(costs[row, column].sum())


def test_the_same_problem_has_the_same_answer() -> None:
    costs = np.zeros((6, 3), np.int64)
    plans = {tuple(assign(costs, np.array([2, 2, 2]), 5).worker.tolist()) for _ in range(5)}
    assert len(plans) == 1


def test_an_answer_says_who_and_why() -> None:
    question = {
        "tasks": ["t1", "t2", "t3"],
        "workers": ["near", "far"],
        "costs": [[1, 5], [2, 9], [-1, -1]],
        "capacity": [1, 5],
        "unassigned": 100,
    }
    answer = answer_assign(question)
    assert answer["assigned"] == {"t1": "far", "t2": "near", "t3": ""}
    assert answer["why"]["t1"] == {"cost": 5, "next": {"worker": "near", "cost": 1}, "scarce": False}
    assert answer["why"]["t2"]["scarce"] is True and answer["why"]["t3"]["next"] is None
    assert answer["cost"] == answer["bound"] == 107


@pytest.mark.parametrize(
    ("costs", "capacity", "unassigned"),
    [
        ([1, 2], [1], 5),
        ([[1, 2]], [1], 5),
        ([[1.5]], [1], 5),
        ([[-2]], [1], 5),
        ([[1]], [-1], 5),
        ([[1]], [1], -5),
    ],
)
def test_what_is_no_problem_is_refused(costs: object, capacity: list[int], unassigned: int) -> None:
    with pytest.raises(ValueError, match=r"fit|whole numbers|out of range"):
        assign(costs, capacity, unassigned)  # type: ignore[arg-type]


def test_nothing_to_assign() -> None:
    found = assign(np.zeros((0, 2), np.int64), np.array([1, 1]), 5)
    assert (found.worker.size, found.cost, found.bound) == (0, 0, 0)
