"""Assignment: tasks to workers at least cost, each worker within its capacity; with a proof and the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
from highspy import _Highs as Solver  # type: ignore[attr-defined] # its stubs leave the base out

Costs = npt.NDArray[np.int64]
# The cost of a pair that cannot be.
IMPOSSIBLE = -1
_NOBODY = -1
_LARGEST = 1 << 40


@dataclass(frozen=True, slots=True)
class Assignment:
    """A plan and its proof.

    Parameters
    ----------
    worker : ndarray of int64, shape (tasks,)
        The worker of each task; -1 is nobody.
    cost : int
        What the plan costs, unassigned tasks among it.
    bound : int
        No plan costs less; equal to ``cost``, since the problem is solved to the end.
    price : ndarray of float64, shape (workers,)
        What one more place with a worker would save; 0 where there are places left.
    """

    worker: npt.NDArray[np.int64]
    cost: int
    bound: int
    price: npt.NDArray[np.float64]


def assign(costs: npt.ArrayLike, capacity: npt.ArrayLike, unassigned: int) -> Assignment:
    """Give each task to one worker or to nobody, at the least total cost.

    Parameters
    ----------
    costs : array of int, shape (tasks, workers)
        Whole numbers from 0; `IMPOSSIBLE` where a worker cannot do a task.
    capacity : array of int, shape (workers,)
        How many tasks a worker takes.
    unassigned : int
        What it costs to leave a task to nobody.

    Raises
    ------
    ValueError
        If shapes do not fit or a number is out of range.

    Notes
    -----
    A transportation problem: its linear relaxation has whole-number corners, and the dual gives the bound. Of plans
    that cost the same one is taken, for the same problem always the same.
    """
    table, places = _check(costs, capacity, unassigned)
    tasks, workers = table.shape
    if not tasks:
        return Assignment(np.zeros(0, np.int64), 0, 0, np.zeros(workers))
    task, worker = np.nonzero(table != IMPOSSIBLE)
    solver = _solve(table[task, worker], task, worker, places, tasks, unassigned)
    solution = solver.getSolution()
    chosen = np.asarray(solution.col_value)[: len(task)] > 0.5
    found = np.full(tasks, _NOBODY, np.int64)
    found[task[chosen]] = worker[chosen]
    cost = int(table[task[chosen], worker[chosen]].sum()) + unassigned * int((found == _NOBODY).sum())
    duals = np.asarray(solution.row_dual)
    price = np.maximum(0.0, -duals[tasks:])
    bound = _bound(table, places, unassigned, duals)
    return Assignment(found, cost, bound, price)


def _check(costs: npt.ArrayLike, capacity: npt.ArrayLike, unassigned: int) -> tuple[Costs, Costs]:
    table, places = np.asarray(costs), np.asarray(capacity)
    if table.ndim != 2 or places.shape != (table.shape[1],):
        raise ValueError(f"costs {table.shape} and capacity {places.shape} do not fit")
    if not (np.issubdtype(table.dtype, np.integer) and np.issubdtype(places.dtype, np.integer)):
        raise ValueError("costs and capacity are whole numbers")
    is_out = table.size and (table.min() < IMPOSSIBLE or table.max() > _LARGEST)
    if is_out or not 0 <= unassigned <= _LARGEST or (places.size and places.min() < 0):
        raise ValueError("a cost or a capacity is out of range")
    return table.astype(np.int64), places.astype(np.int64)


def _solve(costs: Costs, task: Costs, worker: Costs, places: Costs, tasks: int, unassigned: int) -> Solver:
    """Columns: every possible pair, then nobody for each task. Rows: each task once, each worker within its places."""
    pairs, workers = len(task), len(places)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = pairs + tasks, tasks + workers
    model.col_cost_ = np.concatenate([costs, np.full(tasks, unassigned)]).astype(np.float64)
    model.col_lower_ = np.zeros(pairs + tasks)
    model.col_upper_ = np.ones(pairs + tasks)
    model.row_lower_ = np.concatenate([np.ones(tasks), np.full(workers, -highspy.kHighsInf)])
    model.row_upper_ = np.concatenate([np.ones(tasks), places.astype(np.float64)])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.concatenate([np.arange(0, 2 * pairs, 2), np.arange(2 * pairs, 2 * pairs + tasks + 1)])
    model.a_matrix_.index_ = np.concatenate([np.stack([task, tasks + worker], axis=1).ravel(), np.arange(tasks)])
    model.a_matrix_.value_ = np.ones(2 * pairs + tasks)
    solver = Solver()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("random_seed", 1)
    solver.setOptionValue("solver", "simplex")
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise ArithmeticError(f"the solver ended with {solver.getModelStatus()}")
    return solver


def _bound(table: Costs, places: Costs, unassigned: int, duals: npt.NDArray[np.float64]) -> int:
    """A bound by the dual prices alone, in whole numbers: rounded prices still bound, whatever the solver rounded."""
    workers = table.shape[1]
    price = np.maximum(0, np.rint(-duals[len(duals) - workers :])).astype(np.int64)
    cheapest = np.where(table == IMPOSSIBLE, np.iinfo(np.int64).max // 4, table + price[None, :])
    least = cheapest.min(axis=1, initial=np.iinfo(np.int64).max // 4)
    return int(np.minimum(least, unassigned).sum() - (price * places).sum())


def answer_assign(question: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer the question ``plans.assign`` of a decision.

    Parameters
    ----------
    question : mapping
        ``tasks`` and ``workers`` (names), ``costs`` (rows of whole numbers, -1 impossible), ``capacity``,
        ``unassigned``.

    Returns
    -------
    mapping
        ``assigned``: worker by task (empty for nobody); ``why``: for each task its cost and the next best with its
        cost; ``cost`` and ``bound``.
    """
    tasks, workers = list(question["tasks"]), list(question["workers"])
    costs = np.array(question["costs"], np.int64).reshape(len(tasks), len(workers))
    plan = assign(costs, np.array(question["capacity"], np.int64), int(question["unassigned"]))
    named = {task: workers[one] if one >= 0 else "" for task, one in zip(tasks, plan.worker.tolist(), strict=True)}
    why = {task: _why(costs[row], workers, int(plan.worker[row]), plan.price) for row, task in enumerate(tasks)}
    return {"assigned": named, "why": why, "cost": plan.cost, "bound": plan.bound}


def _why(costs: Costs, workers: Sequence[str], chosen: int, price: npt.NDArray[np.float64]) -> dict[str, Any]:
    others = [
        (int(cost), name)
        for n, (cost, name) in enumerate(zip(costs.tolist(), workers, strict=True))
        if n != chosen and cost >= 0
    ]
    next_best = min(others, default=None)
    return {
        "cost": int(costs[chosen]) if chosen >= 0 else None,
        "next": {"worker": next_best[1], "cost": next_best[0]} if next_best else None,
        "scarce": bool(chosen >= 0 and price[chosen] > 0.5),
    }
