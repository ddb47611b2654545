"""A thousand replications of an index, every choice drawn, take seconds, beside a straightforward pandas program.

Both carry out the same draws: imputation, treatment, normalisation, weights +-25 % and aggregation; their scores must
agree. Two cases: COINr's ASEM index (51 x 49; made-up figures of that shape where YUCUN_DATA is not), and made-up
3,000 counties x 60 indicators, where the peer carries out the first few and is counted as often as is said.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from run import Figure, Measured, Program

from yucun.index import (
    Aggregate,
    Figures,
    Framework,
    Impute,
    Node,
    Normalise,
    Spec,
    Treat,
    Uncertainty,
    Vary,
    explore,
    read_index_files,
)

REPLICATIONS = int(os.environ.get("YUCUN_BENCH_REPLICATIONS", "1000"))
LARGE_PEER = 3
NAMED = os.environ.get("YUCUN_DATA")
DATA = Path(NAMED) if NAMED else Path(__file__).resolve().parents[2] / "shared" / "data"


def make_index(units: int, indicators: int, parts: int, seed: int) -> tuple[Figures, Framework, str]:
    """Made-up skewed figures with one in thirty missing."""
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(size=(units, indicators)) * rng.uniform(0.2, 1.0, indicators))
    values[rng.random(values.shape) < 1 / 30] = np.nan
    codes = tuple(f"i{i:02}" for i in range(indicators))
    nodes = [Node(code, parent=f"p{i % parts}", direction=1 if i % 3 else -1) for i, code in enumerate(codes)]
    nodes += [Node(f"p{i}", 2, "left" if i % 2 else "right") for i in range(parts)]
    nodes += [Node("left", 3, "top"), Node("right", 3, "top"), Node("top", 4)]
    names = tuple(f"u{i:04}" for i in range(units))
    return (
        Figures(names, codes, values, groups={"part": tuple(str(i % 11) for i in range(units))}),
        Framework(tuple(nodes)),
        "part",
    )


def make_doubts(group: str) -> Vary:
    """What both programs vary."""
    return Vary(
        impute=(Impute("group_mean", group), Impute("group_median", group), Impute("mean")),
        treat=tuple(Treat(winsorise=count) for count in range(1, 6)),
        normalise=(Normalise("min_max", 1, 100), Normalise("z", 100, 110)),
        aggregate=(Aggregate("arithmetic"), Aggregate("geometric")),
        noise=0.25,
    )


def build_by_pandas(figures: Figures, tree: Framework, vary: Vary, found: Uncertainty, number: int) -> pd.Series:
    """Build one replication as an analyst would write it."""
    which = {name: int(found.choices[name][number]) for name in ("impute", "treat", "normalise", "aggregate")}
    frame = pd.DataFrame(figures.values, index=list(figures.units), columns=list(figures.codes))
    for node in tree.indicators:
        if node.denominator:
            size = pd.Series(figures.sizes[node.denominator], index=frame.index)
            frame[node.code] = frame[node.code] / size.where(size != 0)
    how = vary.impute[which["impute"]]
    by = pd.Series(figures.groups[how.group], index=frame.index) if how.group else None
    if by is None:
        frame = frame.fillna(frame.mean())
    else:
        frame = frame.fillna(frame.groupby(by).transform("median" if how.method == "group_median" else "mean"))
    most = vary.treat[which["treat"]].winsorise
    frame = frame.apply(lambda column: treat_by_pandas(column, most))
    frame = frame * pd.Series({node.code: node.direction for node in tree.indicators})
    scale = vary.normalise[which["normalise"]]
    if scale.method == "min_max":
        scores = (frame - frame.min()) / (frame.max() - frame.min()) * (scale.high - scale.low) + scale.low
    else:
        scores = (frame - frame.mean()) / frame.std() * (scale.high - scale.low) + scale.low
    drawn = found.weights_of(number)
    for node in reversed(tree.aggregates):
        children = [child.code for child in tree.children(node.code)]
        weights = pd.Series({child.code: child.weight * drawn[child.code] for child in tree.children(node.code)})
        weights = weights / weights.sum()
        if vary.aggregate[which["aggregate"]].method == "arithmetic":
            scores[node.code] = (scores[children] * weights).sum(axis=1)
        else:
            scores[node.code] = np.exp((np.log(scores[children]) * weights).sum(axis=1))
    return scores[tree.top.code]


def treat_by_pandas(column: pd.Series, most: int) -> pd.Series:
    """Winsorise one column one point at a time, then take the logarithm of what still fails."""
    treated = column.copy()
    for count in range(1, most + 1):
        if not (abs(treated.skew()) >= 2 and treated.kurt() >= 3.5):
            return treated
        order = treated.sort_values(ascending=treated.skew() < 0).index
        treated[order[:count]] = treated[order[count]]
    if abs(treated.skew()) >= 2 and treated.kurt() >= 3.5:
        return np.log(column - column.min() + 0.01 * (column.max() - column.min()))
    return treated


def race(figures: Figures, tree: Framework, group: str, peer_runs: int) -> tuple[float, float, float]:
    """Seconds of ours and of the peer, and the largest relative difference of scores."""
    vary = make_doubts(group)
    spec = Spec(impute=vary.impute[0])
    start = time.perf_counter()
    found = explore(figures, tree, spec, vary, REPLICATIONS, seed=1)
    ours = time.perf_counter() - start
    if found.failures:
        raise RuntimeError(f"{found.failed} replications failed")
    start, worst = time.perf_counter(), 0.0
    for number in range(peer_runs):
        peer = build_by_pandas(figures, tree, vary, found, number).to_numpy()
        worst = max(worst, float(np.abs(peer / found.scores[number] - 1).max()))
    theirs = (time.perf_counter() - start) * REPLICATIONS / peer_runs
    if worst > 1e-9:
        raise RuntimeError(f"the two programs differ by {worst}")
    return ours, theirs, worst


def measure() -> Measured:
    """Race both cases."""
    folder = DATA / "index"
    if (folder / "asem_iData.csv").exists():
        small, group = read_index_files(folder / "asem_iData.csv", folder / "asem_iMeta.csv"), "EurAsia_group"
        told = "ASEM, 51 x 49"
    else:
        figures, tree, group = make_index(51, 49, 8, seed=1)
        small, told = (figures, tree), "made up, 51 x 49"
    ours, theirs, _ = race(*small, group, REPLICATIONS)
    large, tree, group = make_index(3000, 60, 8, seed=2)
    large_ours, large_theirs, _ = race(large, tree, group, min(LARGE_PEER, REPLICATIONS))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("pandas", version("pandas")),
        figures=(
            Figure("51 x 49", "s", ours, theirs),
            Figure("3,000 x 60", "s", large_ours, large_theirs),
            Figure("memory of the process at its peak", "GiB", memory, memory),
        ),
        setting=f"{REPLICATIONS:,} replications; {told}, all by both; 3,000 x 60, {LARGE_PEER} by the peer and counted up",
    )
