"""Composite indices with their doubts: figures in, ranks with intervals out; usable without a city as `yucun.index`.

>>> import numpy as np
>>> tree = Framework((Node("income", parent="life"), Node("gap", parent="life", direction=-1), Node("life", level=2)))
>>> raw = Figures(("A", "B", "C"), ("income", "gap"), np.array([[39.1, 1.59], [42.2, 1.49], [28.8, 2.08]]))
>>> build(raw, tree).rank.tolist()
[2, 1, 3]
>>> explore(raw, tree, replications=100).table().column("Q95").to_pylist()
[1.0, 2.0, 3.0]
"""

from yucun.kernel.indicators.index import decompose, gaps, survey
from yucun.kernel.indicators.index.adjust import Dropped, Lever, Move, compare, drop_one, levers, what_if
from yucun.kernel.indicators.index.aggregate import Aggregate, aggregate
from yucun.kernel.indicators.index.build import Index, Spec, build, effective_weights, rank
from yucun.kernel.indicators.index.denominate import denominate
from yucun.kernel.indicators.index.describe import (
    Agreement,
    check_siblings,
    contribute,
    correlate,
    correlate_levels,
    correlations,
    describe,
)
from yucun.kernel.indicators.index.export import Run, carry_out, export, rerun, tell_log
from yucun.kernel.indicators.index.frames import (
    read_csv,
    read_figures,
    read_framework,
    read_index_files,
    tabulate,
    write_csv,
)
from yucun.kernel.indicators.index.impute import Impute, impute
from yucun.kernel.indicators.index.model import Figures, Framework, Node, StepFailed, StepLog
from yucun.kernel.indicators.index.normalise import Normalise, normalise
from yucun.kernel.indicators.index.pictures import draw_contributions, draw_correlations, draw_radar, draw_ranks
from yucun.kernel.indicators.index.screen import Screen, screen
from yucun.kernel.indicators.index.sobol import Shares, estimate_shares, saltelli_design, sobol_points
from yucun.kernel.indicators.index.spec import Plan, parse_plan, read_plan, write_plan
from yucun.kernel.indicators.index.treat import NO_TREATMENT, Treat, treat
from yucun.kernel.indicators.index.uncertainty import Failure, Uncertainty, Vary, apportion, explore, usual_doubts
from yucun.kernel.indicators.index.weigh import Weigh, weigh

__all__ = [
    "NO_TREATMENT",
    "Aggregate",
    "Agreement",
    "Dropped",
    "Failure",
    "Figures",
    "Framework",
    "Impute",
    "Index",
    "Lever",
    "Move",
    "Node",
    "Normalise",
    "Plan",
    "Run",
    "Screen",
    "Shares",
    "Spec",
    "StepFailed",
    "StepLog",
    "Treat",
    "Uncertainty",
    "Vary",
    "Weigh",
    "aggregate",
    "apportion",
    "build",
    "carry_out",
    "check_siblings",
    "compare",
    "contribute",
    "correlate",
    "correlate_levels",
    "correlations",
    "decompose",
    "denominate",
    "describe",
    "draw_contributions",
    "draw_correlations",
    "draw_radar",
    "draw_ranks",
    "drop_one",
    "effective_weights",
    "estimate_shares",
    "explore",
    "export",
    "gaps",
    "impute",
    "levers",
    "normalise",
    "parse_plan",
    "rank",
    "read_csv",
    "read_figures",
    "read_framework",
    "read_index_files",
    "read_plan",
    "rerun",
    "saltelli_design",
    "screen",
    "sobol_points",
    "survey",
    "tabulate",
    "tell_log",
    "treat",
    "usual_doubts",
    "weigh",
    "what_if",
    "write_csv",
    "write_plan",
]
