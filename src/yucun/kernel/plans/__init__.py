"""Plans: pure optimisers that say why and how good; the same problem has the same answer.

Examples
--------
>>> import numpy as np
>>> plan = assign(np.array([[3, 1], [2, 4], [9, 1]]), capacity=np.array([1, 1]), unassigned=20)
>>> plan.worker.tolist(), plan.cost, plan.bound
([-1, 0, 1], 23, 23)
"""

from yucun.kernel.plans.assign import IMPOSSIBLE, Assignment, answer_assign, assign

__all__ = ["IMPOSSIBLE", "Assignment", "answer_assign", "assign"]
