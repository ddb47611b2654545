"""A whole city on Spark: opened from nothing, its figures landed and its numbers computed there, equal to DuckDB's."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.doors.serving import run
from tests.engines.both import FLOATS_ALIKE
from tests.engines.servers import NEEDS_SPARK, Server, find_spark
from tests.huzhou import open_huzhou
from tests.servers import find_free_port
from yucun.base.identity import RegionCode
from yucun.city import City

HUZHOU = RegionCode.parse("3305")
RATIO = "prosperity.urban_rural_ratio"

# Each city's own clock says when it came to know a number.
_WHEN = ("known_at",)


@dataclasses.dataclass
class OnSpark:
    """A city on Spark, its folder and its server."""

    city: City
    folder: Path
    url: str


@pytest.fixture(scope="module", params=["sail", "spark"])
def on_spark(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnSpark]:
    """Huzhou, made from nothing on a Spark."""
    if request.param == "spark" and find_spark() is None:
        pytest.skip(NEEDS_SPARK)
    server = Server(request.param)
    try:
        folder = tmp_path_factory.mktemp("city")
        city = City.open(data=folder, engine=server.url)
        yield OnSpark(city, folder, server.url)
        city.close()
    finally:
        server.stop()


def is_same(one: Any, other: Any) -> bool:
    """Equal, but floats to 1e-12 relative, or to the last of the twelve decimals that a cell keeps."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=FLOATS_ALIKE, abs_tol=FLOATS_ALIKE)
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        names = [f.name for f in dataclasses.fields(one) if f.name not in _WHEN]
        return all(is_same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


def test_every_number_is_the_same(on_spark: OnSpark) -> None:
    duckdb, spark = open_huzhou(), on_spark.city
    keys = duckdb.numbers.all_cells()
    assert spark.numbers.all_cells() == keys
    assert len(keys) > 200
    for key in keys:
        one = duckdb.value(key.indicator, key.region, key.period)
        other = spark.value(key.indicator, key.region, key.period)
        assert is_same(one, other), f"{one}\n{other}"


def test_every_series_and_comparison_is_the_same(on_spark: OnSpark) -> None:
    duckdb, spark = open_huzhou(), on_spark.city
    compared = 0
    for name, indicator in duckdb.indicators.items():
        for one, other in zip(duckdb.series(name, HUZHOU), spark.series(name, HUZHOU), strict=True):
            assert is_same(one, other), f"{one}\n{other}"
        for level in indicator.levels:
            one = duckdb.compare(name, None, level, None)
            assert is_same(one, spark.compare(name, None, level, None)), (name, level)
            compared += len(one)
    assert compared > 100


def test_what_lies_behind_a_number_is_the_same(on_spark: OnSpark) -> None:
    duckdb, spark = open_huzhou(), on_spark.city
    for name in (RATIO, "prosperity.theil_town_country"):
        value = duckdb.value(name, HUZHOU) if name == RATIO else duckdb.value(name, RegionCode.parse("33"))
        assert value.period is not None
        chains = [city.why(name, value.region, value.period) for city in (duckdb, spark)]
        assert chains[0].rows
        assert is_same(chains[0], chains[1])
    row = chains[0].rows[0]
    assert is_same(duckdb.trace(row.file, row.record), spark.trace(row.file, row.record))


def test_the_cells_prove_themselves_on_spark(on_spark: OnSpark) -> None:
    keys = on_spark.city.numbers.pick(20, seed=1)
    assert not on_spark.city.numbers.prove(keys).differing


def test_the_command_line_answers_from_spark(on_spark: OnSpark) -> None:
    words = {
        "value": (RATIO, "湖州"),
        "series": (RATIO, "湖州"),
    }
    for verb, said in words.items():
        common = (verb, *said, "--json", "--data", str(on_spark.folder))
        one = run(*common, cwd=on_spark.folder)
        other = run(*common, cwd=on_spark.folder, YUCUN_ENGINE=on_spark.url)
        assert one.code == other.code == 0, other.noted
        assert one.said == other.said


def test_the_command_line_says_that_nobody_answers(tmp_path: Path) -> None:
    address = f"sc://127.0.0.1:{find_free_port()}"
    done = run("up", "--no-serve", "--engine", address, "--data", str(tmp_path), cwd=tmp_path)
    assert done.code == 3
    assert "YUCUN_ENGINE=duckdb" in done.noted
    refused = run("up", "--no-serve", "--data", str(tmp_path), cwd=tmp_path, YUCUN_ENGINE="oracle")
    assert refused.code == 3
    assert "oracle" in refused.noted
