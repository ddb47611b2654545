"""Steps of an index run on arrays, in no engine: figures that either engine answered give the same index.

No step of `yucun.index` asks an engine, and a test below holds that; what an engine gives is the table of figures.
"""

from __future__ import annotations

import ast
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pytest

import yucun.kernel.indicators.index as index_folder
from tests.engines.both import Both
from yucun.index import (
    Aggregate,
    Framework,
    Impute,
    Node,
    Normalise,
    Screen,
    Spec,
    Treat,
    Weigh,
    build,
    explore,
    read_figures,
)

CODES = ("income", "schools", "roads", "air")
TREE = Framework(
    (
        Node("income", parent="life", denominator="people"),
        Node("schools", parent="life"),
        Node("roads", parent="place"),
        Node("air", parent="place", direction=-1),
        Node("life", 2, "all"),
        Node("place", 2, "all"),
        Node("all", 3),
    )
)
SPECS = {
    "denominate": Spec(denominate=True),
    "screen": Spec(screen=Screen(least_available=0.5)),
    "impute": Spec(impute=Impute("mean")),
    "impute_group": Spec(impute=Impute("group_median", "kind")),
    "impute_em": Spec(impute=Impute("em")),
    "treat": Spec(impute=Impute("mean"), treat=Treat()),
    **{f"normalise_{n}": Spec(impute=Impute("mean"), normalise=Normalise(n)) for n in ("min_max", "z", "rank")},
    **{f"weigh_{w}": Spec(impute=Impute("mean"), weigh=Weigh(w)) for w in ("equal", "entropy", "pca")},
    **{
        f"aggregate_{a}": Spec(impute=Impute("mean"), normalise=Normalise("min_max", 1, 100), aggregate=Aggregate(a))
        for a in ("arithmetic", "geometric", "harmonic", "median", "copeland", "topsis")
    },
}


def make_rows() -> pa.Table:
    """Records of thirty places, some of them missing, as a lake keeps them."""
    chance = np.random.default_rng(5)
    rows = []
    for place in range(30):
        name, kind = f"3305{place:02d}", "湖" if place % 2 else "州"
        there = [code for code in CODES if chance.random() > 0.08]
        rows += [(name, kind, code, int(chance.integers(1, 10**6))) for code in there]
        rows.append((name, kind, "people", int(chance.integers(100, 10**5))))
    columns = list(zip(*rows, strict=True))
    return pa.table(dict(zip(("region", "kind", "code", "amount"), columns, strict=True)))


def figures_of(t: ir.Table) -> ir.Table:
    """Figures as an index takes them: one row a place, one column an indicator."""
    wide = {code: t.amount.sum(where=t.code == code).cast("float64") for code in (*CODES, "people")}
    return t.group_by(uCode=t.region, kind=t.kind).aggregate(**wide).order_by("uCode")


@pytest.mark.parametrize("name", SPECS)
def test_a_step_takes_what_either_engine_answered(both: Both, name: str) -> None:
    expression = figures_of(both.table(make_rows()))
    found = []
    for engine in (both.duckdb, both.spark):
        figures = read_figures(engine.run(expression), TREE, groups=("kind",), sizes=("people",))
        found.append(build(figures, TREE, SPECS[name]))
    assert np.isfinite(found[0].score).any()
    assert np.array_equal(found[0].score, found[1].score, equal_nan=True)
    assert found[0].rank.tolist() == found[1].rank.tolist()


def test_ranks_with_their_doubts_are_the_same(both: Both) -> None:
    expression = figures_of(both.table(make_rows()))
    tables = []
    for engine in (both.duckdb, both.spark):
        figures = read_figures(engine.run(expression), TREE, groups=("kind",), sizes=("people",))
        tables.append(explore(figures, TREE, Spec(impute=Impute("mean")), replications=50, seed=1).table())
    assert tables[0].num_rows == 30
    assert tables[0].equals(tables[1])


def test_no_step_asks_an_engine() -> None:
    folder = Path(index_folder.__file__).parent
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        named |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert not [m for m in named if m.split(".")[0] in ("ibis", "duckdb", "pyspark") or ".lake" in m], path
