"""What numbers say today is on the list of what Spark may be asked; no server is needed to know."""

from __future__ import annotations

import ibis
import pytest
from ibis.common.graph import Node

from tests.engines.made import RECORDS
from tests.engines.test_shapes import JOINS, PLACES, SHAPES
from tests.huzhou import open_huzhou
from yucun.kernel.indicators import formulas
from yucun.kernel.lake.engines.same import SAME, check_same
from yucun.kernel.lake.engines.shape import as_nullable
from yucun.kernel.lake.engines.spark_text import compile_for_spark


@pytest.mark.parametrize("wraps", [False, True])
def test_every_indicator_may_be_asked_of_spark(wraps: bool) -> None:
    city = open_huzhou()
    compiler = city.numbers.explainer.compiler(city.lake.table)
    for name in city.indicators:
        for expression in (compiler.cells(name), compiler.contributions(name)):
            assert not check_same(expression.op()), name
    name = next(iter(city.indicators))
    bare = compiler.cells(name).unbind()
    assert "SELECT" in compile_for_spark(bare, wraps=wraps)


def test_the_list_holds_what_is_tested() -> None:
    """A kind of node is listed only with a test that runs it; the shapes are read for their nodes."""
    records, places = (ibis.table(as_nullable(s), name=n) for n, s in (("records", RECORDS), ("places", PLACES)))
    members = ibis.table(
        dict.fromkeys(("region", "period", "group", "member"), "string") | {"value": "float64", "weight": "float64"},
        name="members",
    )
    expressions = [build(records) for build in SHAPES.values()]
    expressions += [build(records, places) for build in JOINS.values()]
    expressions += [spread.formula(members) for spread in formulas.SPREADS.values()]
    seen = {type(node) for expression in expressions for node in expression.op().find(Node)}
    assert {kind.__name__ for kind in SAME - seen} == {"LakeFiles", "InMemoryTable"}, "these stand in every test"
