"""Where the engines are known to differ: what Spark would say by itself, and what the adapter makes of it.

Each is a control: it shows the difference with Spark's own words first, so that a guard which is no longer needed
is seen, and then that the adapter brings both together or refuses with a finding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from tests.engines.both import Both
from tests.engines.made import LARGEST
from yucun.base.errors import Yours
from yucun.kernel.lake.engine import Engine

NUMBERS = pa.table(
    {
        "n": pa.array([1, 2, 3, 4], pa.int64()),
        "big": pa.array([LARGEST, LARGEST, 1, 2], pa.int64()),
        "x": pa.array([1.0, 0.0, -1.0, 2.5], pa.float64()),
        "zero": pa.array([0.0, 0.0, 0.0, -0.0], pa.float64()),
        "word": pa.array(["a", "1.5", " 12 ", "1e3"], pa.string()),
        "day": pa.array([0, 1, 2, 3], pa.date32()),
        "at": pa.array([0, 1, 2, 3], pa.timestamp("us", "UTC")),
    }
)


def refuse(engine: Engine, expression: ir.Table) -> set[str]:
    """Run what must not give an answer, and return the kinds of finding."""
    with pytest.raises(Yours) as caught:
        engine.run(expression)
    assert all(f.message.zh and f.message.en for f in caught.value.findings)
    return {f.kind for f in caught.value.findings}


def ask(both: Both, sql: str) -> Any:
    """Ask the server itself, past the adapter."""
    return both.spark._runner._session.sql(sql).toArrow().to_pydict()["x"][0]  # type: ignore[union-attr]


DIFFERENT: dict[str, Callable[[ir.Table], ir.Table]] = {
    "floor_division": lambda t: t.mutate(y=t.n // 2),
    "remainder": lambda t: t.mutate(y=t.n % 2),
    "hash": lambda t: t.mutate(y=t.n.hash()),
    "approximate_count": lambda t: t.aggregate(y=t.n.approx_nunique()),
    "approximate_median": lambda t: t.aggregate(y=t.n.approx_median()),
    "regular_expression": lambda t: t.mutate(y=t.word.re_search("a+")),
    "replaced_expression": lambda t: t.mutate(y=t.word.re_replace("a+", "b")),
    "upper_case": lambda t: t.mutate(y=t.word.upper()),
    "float_as_text": lambda t: t.mutate(y=t.x.cast("string")),
    "float_as_whole": lambda t: t.mutate(y=t.x.cast("int64")),
    "text_as_float": lambda t: t.mutate(y=t.word.cast("float64")),
    "text_as_day": lambda t: t.mutate(y=t.word.try_cast("date")),
    "decimal_places": lambda t: t.mutate(y=t.n.cast("decimal(18,2)")),
    "decimal_division": lambda t: t.mutate(y=t.n.cast("decimal(38,0)") / 3),
    "any_row": lambda t: t.aggregate(y=t.n.arbitrary()),
    "first_row": lambda t: t.aggregate(y=t.n.first()),
    "some_rows": lambda t: t.limit(2),
    "sample": lambda t: t.sample(0.5, seed=1),
    "random": lambda t: t.mutate(y=ibis.random()),
    "from_the_end": lambda t: t.mutate(y=t.word.substr(-1, 1)),
    "text_against_number": lambda t: t.filter(t.word.cast("string") == t.day.cast("string")).filter(t.at == t.day),
    "whole_rounded": lambda t: t.mutate(y=t.n.round(-1)),
    "all_values_in_one": lambda t: t.aggregate(y=t.word.group_concat(",")),
    "a_list": lambda t: t.aggregate(y=t.n.collect()),
    "lag": lambda t: t.mutate(y=t.n.lag().over(order_by=t.n)),
    "deviation": lambda t: t.aggregate(y=t.x.std()),
    "outer_join": lambda t: t.outer_join(t.view(), "n"),
    "weeks": lambda t: t.mutate(y=t.day.week_of_year()),
    "cut_to_weeks": lambda t: t.mutate(y=t.day.truncate("W")),
    "without_zone": lambda t: t.mutate(y=t.at.cast("timestamp")),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_spark_is_not_asked_what_differs(both: Both, name: str) -> None:
    expression = DIFFERENT[name](both.table(NUMBERS))
    assert refuse(both.spark, expression) == {"engine.differs"}


def test_division_by_zero_ends_spark_and_not_the_city(both: Both) -> None:
    with pytest.raises(Exception, match=r"(?i)divi(de|sion) by zero"):
        ask(both, "SELECT a / 0.0D AS x FROM VALUES (1.0D) AS t(a)")
    found = both.assert_same(lambda t: t.select("n", y=t.x / t.zero), NUMBERS).sort_by("n")["y"].to_pylist()
    assert found[0] == math.inf and math.isnan(found[1]) and found[2] == -math.inf and found[3] == -math.inf


def test_whole_numbers_that_leave_their_range_stop_both(both: Both) -> None:
    for build in (
        lambda t: t.aggregate(y=t.big.sum()),
        lambda t: t.mutate(y=t.big + 1),
        lambda t: t.mutate(y=t.big * 2),
        lambda t: t.mutate(y=0 - t.big - t.big),
        lambda t: t.mutate(y=t.big.sum().over(ibis.window(group_by=t.word.notnull()))),
        lambda t: t.mutate(y=-(0 - t.big - 1)),
        lambda t: t.aggregate(y=t.big.cast("decimal(38,0)").sum()).mutate(y=lambda s: s.y.cast("int64")),
    ):
        expression = build(both.table(NUMBERS))
        assert refuse(both.duckdb, expression) == {"engine.out_of_range"}
        assert refuse(both.spark, expression) == {"engine.out_of_range"}


def test_a_server_that_wraps_silently_is_guarded(both: Both, request: pytest.FixtureRequest) -> None:
    is_sail = "sail" in request.node.callspec.id
    asked = (
        "SELECT sum(a) AS x FROM VALUES (4611686018427387904L), (4611686018427387904L), (4611686018427387904L) AS t(a)"
    )
    if is_sail:
        assert ask(both, asked) == -4611686018427387904
    else:
        with pytest.raises(Exception, match="ARITHMETIC_OVERFLOW"):
            ask(both, asked)


def test_logarithms_and_roots_of_what_has_none_stop_both(both: Both) -> None:
    assert ask(both, "SELECT ln(a) AS x FROM VALUES (0.0D) AS t(a)") is None
    for build in (lambda t: t.mutate(y=t.x.ln()), lambda t: t.mutate(y=(t.x - 10).sqrt())):
        expression = build(both.table(NUMBERS))
        assert refuse(both.duckdb, expression) == {"engine.out_of_range"}
        assert refuse(both.spark, expression) == {"engine.out_of_range"}


def test_text_that_is_no_number_stops_spark(both: Both) -> None:
    """DuckDB rounds '1.5' and reads '1e3'; Spark stops rather than say something else."""
    for word in ("a", "1.5", "1e3"):
        table = pa.table({"word": [word]})
        assert refuse(both.spark, both.table(table).mutate(y=lambda t: t.word.cast("int64"))) == {"engine.failed"}
    both.assert_same(lambda t: t.mutate(y=t.word.cast("int64")), pa.table({"word": ["-12", "+7", "007", None]}))
    assert refuse(both.duckdb, both.table(NUMBERS).mutate(y=lambda t: t.word.cast("int64"))) == {"engine.failed"}


def test_a_mean_of_large_whole_numbers_is_exact_on_both(both: Both) -> None:
    table = pa.table({"a": pa.array([2**62, -(2**62), 2**53 + 1, 3], pa.int64())})
    found = both.assert_same(lambda t: t.aggregate(y=t.a.mean()), table)
    assert found["y"].to_pylist() == [(2**53 + 4) / 4]


def test_counting_under_a_condition_is_zero_where_there_is_no_row(both: Both) -> None:
    empty = NUMBERS.slice(0, 0)
    assert both.assert_same(lambda t: t.aggregate(y=t.count(where=t.n > 1)), empty)["y"].to_pylist() == [0]


def test_a_float_is_compared_as_a_float(both: Both) -> None:
    table = pa.table({"x": [0.1, 1e300, 5e-324]})
    assert both.assert_same(lambda t: t.filter(t.x == 0.1), table).num_rows == 1
    assert both.assert_same(lambda t: t.filter(t.x > 0.5), table).num_rows == 1


def test_what_is_no_number_is_not_nothing(both: Both) -> None:
    table = pa.table({"n": [1, 2], "x": pa.array([math.nan, None], pa.float64())})
    found = both.assert_same(lambda t: t.select("n", none=t.x.isnull(), there=t.x.notnull()), table).sort_by("n")
    assert found["none"].to_pylist() == [False, True]


def test_nothing_comes_last_whichever_way(both: Both) -> None:
    assert ask(both, "SELECT a AS x FROM VALUES (1), (NULL) AS t(a) ORDER BY a") is None
    table = pa.table({"n": pa.array([2, None, 1], pa.int64())})
    assert both.assert_same(lambda t: t.order_by("n"), table, is_ordered=True)["n"].to_pylist() == [1, 2, None]
    assert both.assert_same(lambda t: t.order_by(t.n.desc()), table, is_ordered=True)["n"].to_pylist() == [2, 1, None]


def test_text_is_ordered_by_its_characters_not_by_a_language(both: Both) -> None:
    table = pa.table({"word": ["安吉", "长兴", "B", "a", "𠮷", "～", "Z", "á"]})
    found = both.assert_same(lambda t: t.order_by("word"), table, is_ordered=True)["word"].to_pylist()
    assert found == sorted(found)


def test_an_instant_is_of_utc_whatever_zone_the_server_stands_in(both: Both) -> None:
    noon = pa.array([pa.scalar(1_640_995_199_000_000, pa.timestamp("us", "UTC"))])  # 2021-12-31T23:59:59Z
    found = both.assert_same(
        lambda t: t.select(year=t.at.year(), day=t.at.date(), hour=t.at.hour(), said=t.at.cast("string")),
        pa.table({"at": noon}),
    )
    assert [c.to_pylist()[0] for c in found.columns[:1]] == [2021]
    assert found["said"].to_pylist() == ["2021-12-31 23:59:59+00"]


def test_the_large_capital_i_and_the_last_sigma_have_one_small_letter(both: Both) -> None:
    found = both.assert_same(
        lambda t: t.mutate(low=t.word.lower()), pa.table({"word": ["İzmir", "ΟΔΟΣ", "ÀÉ", "ＡＢ"]})
    )
    assert dict(zip(*(found[c].to_pylist() for c in ("word", "low")), strict=True))["ΟΔΟΣ"] == "οδοσ"


def test_every_refusal_says_why_and_what_to_do(both: Both) -> None:
    with pytest.raises(Yours) as caught:
        both.spark.run(both.table(NUMBERS).mutate(y=lambda t: t.n // 2, z=lambda t: t.n.hash()))
    said = [f.message.en for f in caught.value.findings]
    assert len(said) == 2
    assert any("base.quantity.divide" in one for one in said)
    assert all("YUCUN_ENGINE=duckdb" in one for one in said)
