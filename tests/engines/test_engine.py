"""The adapter itself: its setting, texts kept by shape, connections borrowed, paths as a cluster sees them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.engines.both import Both, assert_same
from tests.servers import find_free_port
from yucun.base.errors import Yours
from yucun.kernel.lake.engine import DUCKDB, Engine
from yucun.kernel.lake.engines import shape
from yucun.kernel.lake.engines.duck import Duck
from yucun.kernel.lake.engines.spark import Seen

SCHEMA = pa.schema([pa.field("n", pa.int64(), nullable=False), pa.field("word", pa.string())])


def write(path: Path, start: int = 0, count: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"n": range(start, start + count), "word": ["湖"] * count}, SCHEMA), path)
    return path


def total(table: ir.Table) -> ir.Table:
    return table.aggregate(n=table.n.sum())


def kinds(error: pytest.ExceptionInfo[Yours]) -> list[str]:
    return [f.kind for f in error.value.findings]


# -- the setting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", DUCKDB])
def test_duckdb_is_the_engine_unless_another_is_named(name: str, tmp_path: Path) -> None:
    assert Engine.open(name, tmp_path).name == DUCKDB


@pytest.mark.parametrize("name", ["postgres", "sc://", "http://127.0.0.1:1", "sc://host:many"])
def test_an_engine_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Yours) as caught:
        Engine.open(name, tmp_path)
    assert kinds(caught) == ["engine.unknown"]


def test_a_server_that_does_not_answer_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(Yours) as caught:
        Engine.open(f"sc://127.0.0.1:{find_free_port()}", tmp_path)
    assert kinds(caught) == ["engine.unreachable"]


def test_a_server_that_goes_away_is_said(spark_url: str, tmp_path: Path) -> None:
    engine = Engine.open(spark_url, tmp_path)
    engine.close()
    with pytest.raises(Yours) as caught:
        engine.run(total(engine.table([write(tmp_path / "a.parquet")], SCHEMA)))
    assert kinds(caught)[0].startswith("engine.")


# -- files ------------------------------------------------------------------------------------------------------


def test_the_cluster_sees_the_same_files_under_its_own_address(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "lake", "s3a://city/lake/")
    assert (
        seen.path(str(tmp_path / "lake" / "a.table" / "2021%3a1" / "x.parquet"))
        == "s3a://city/lake/a.table/2021%3a1/x.parquet"
    )
    assert Seen(tmp_path).path(str(tmp_path / "x.parquet")) == str(tmp_path / "x.parquet")


def test_spark_reads_the_lake_where_the_setting_says_it_lies(spark_url: str, tmp_path: Path) -> None:
    there = tmp_path / "there" / "lake"
    write(there / "a.table" / "all" / "x.parquet")
    engine = Engine.open(spark_url, tmp_path / "here" / "lake", there.as_uri())
    found = engine.run(total(engine.table([tmp_path / "here" / "lake" / "a.table" / "all" / "x.parquet"], SCHEMA)))
    assert found["n"].to_pylist() == [45]
    engine.close()


@pytest.mark.parametrize("name", ["2021%3a1", "湖州", "a b", "it's", "year=2021"])
def test_a_part_may_have_any_name(both: Both, name: str) -> None:
    expression = total(both.duckdb.table([write(both.folder / name / "x.parquet")], SCHEMA))
    assert_same(both.duckdb.run(expression), both.spark.run(expression))


def test_a_path_that_spark_would_read_as_many_is_refused(both: Both) -> None:
    path = write(both.folder / "a[1]" / "x.parquet")
    expression = total(both.duckdb.table([path], SCHEMA))
    assert both.duckdb.run(expression)["n"].to_pylist() == [45]
    with pytest.raises(Yours) as caught:
        both.spark.run(expression)
    assert kinds(caught) == ["engine.path"]


def test_a_missing_file_is_an_error_and_not_fewer_rows(both: Both) -> None:
    paths = [write(both.folder / "gone" / f"{n}.parquet") for n in range(2)]
    expression = total(both.duckdb.table(paths, SCHEMA))
    paths[0].unlink()
    with pytest.raises(Yours) as caught:
        both.spark.run(expression)
    assert kinds(caught)[0] in ("engine.file_missing", "engine.failed")
    with pytest.raises(Exception, match=r"0\.parquet"):
        both.duckdb.run(expression)


def test_columns_are_taken_by_name_whatever_their_order_in_a_file(both: Both) -> None:
    path = both.folder / "turned.parquet"
    pq.write_table(pa.table({"word": ["湖"], "more": [1], "n": [7]}), path)
    expression = both.duckdb.table([path], SCHEMA)
    for engine in (both.duckdb, both.spark):
        found = engine.run(expression)
        assert found.column_names == ["n", "word"]
        assert found.to_pylist() == [{"n": 7, "word": "湖"}]


# -- texts kept by shape ----------------------------------------------------------------------------------------


def made_texts(engine: Engine) -> int:
    return len(engine._runner.texts._kept)


def test_one_text_serves_other_files_and_other_rows(tmp_path: Path) -> None:
    engine = Engine(threads=1)

    def build(start: int, keys: list[int]) -> ir.Table:
        table = engine.table([write(tmp_path / f"{start}.parquet", start)], SCHEMA)
        return total(table.semi_join(engine.memory(pa.table({"n": pa.array(keys, pa.int64())})), "n"))

    assert engine.run(build(0, [1, 2]))["n"].to_pylist() == [3]
    assert engine.run(build(100, [101]))["n"].to_pylist() == [101]
    assert engine.run(build(0, []))["n"].to_pylist() == [None]
    assert made_texts(engine) == 1


def test_what_differs_in_anything_said_has_a_text_of_its_own(tmp_path: Path) -> None:
    engine = Engine(threads=1)
    table = engine.table([write(tmp_path / "a.parquet")], SCHEMA)
    expressions = [
        table.filter(table.n > 1),
        table.filter(table.n > 2),
        table.filter(table.n >= 1),
        table.filter(table.n > 1.0),
        table.mutate(x=0.0),
        table.mutate(x=-0.0),
        table.mutate(x=True),
        table.mutate(x=1),
        table.mutate(x=ibis.literal("1")),
        table.mutate(y=1),
        table.union(table),
        table.union(engine.table([write(tmp_path / "b.parquet")], SCHEMA)),
        table.inner_join(engine.memory(pa.table({"n": [1]})), "n"),
        table.inner_join(engine.memory(pa.table({"n": pa.array([1], pa.int32())})), "n"),
    ]
    for number, expression in enumerate(expressions, 1):
        engine.run(expression)
        assert made_texts(engine) == number


def test_texts_are_forgotten_beyond_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "_MOST_TEXTS", 3)
    engine = Engine(threads=1)
    table = engine.table([write(tmp_path / "a.parquet")], SCHEMA)
    for n in range(6):
        assert engine.run(table.filter(table.n == n))["n"].to_pylist() == [n]
    assert made_texts(engine) == 3
    assert engine.run(table.filter(table.n == 0))["n"].to_pylist() == [0]


# -- many threads -----------------------------------------------------------------------------------------------


def test_many_threads_share_a_bounded_number_of_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(threads=1, at_once=3)
    paths = [write(tmp_path / f"{n}.parquet", n * 10) for n in range(8)]
    busy, most, lock = 0, 0, threading.Lock()
    stand = Duck._stand

    def counting(self: Duck, *args: object) -> str:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        try:
            return stand(self, *args)  # type: ignore[arg-type]
        finally:
            with lock:
                busy -= 1

    monkeypatch.setattr(Duck, "_stand", counting)

    def ask(n: int) -> int:
        table = engine.table([paths[n % 8]], SCHEMA)
        keys = engine.memory(pa.table({"n": list(range(n % 8 * 10, n % 8 * 10 + 10))}))
        found: int = engine.run(total(table.semi_join(keys, "n")))["n"].to_pylist()[0]
        return found

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(200)))
    assert found == [n % 8 * 100 + 45 for n in range(200)]
    runner = engine._runner
    assert isinstance(runner, Duck)
    opened = [runner._free.get_nowait() for _ in range(runner._free.qsize())]
    assert len(opened) == 3 and most <= 3


def test_a_query_that_fails_gives_its_connection_back(tmp_path: Path) -> None:
    engine = Engine(threads=1, at_once=1)
    table = engine.table([write(tmp_path / "a.parquet")], SCHEMA)
    for _ in range(3):
        with pytest.raises(Yours):
            engine.run(table.mutate(x=table.word.cast("int64")))
    assert engine.run(total(table))["n"].to_pylist() == [45]
    engine.close()
    assert engine.run(total(table))["n"].to_pylist() == [45], "a closed engine opens again"


def test_spark_answers_many_threads(both: Both) -> None:
    paths = [write(both.folder / "threads" / f"{n}.parquet", n * 10) for n in range(4)]

    def ask(n: int) -> int:
        table = both.spark.table([paths[n % 4]], SCHEMA)
        keys = both.spark.memory(pa.table({"n": list(range(n % 4 * 10, n % 4 * 10 + 10))}))
        found: int = both.spark.run(total(table.semi_join(keys, "n")))["n"].to_pylist()[0]
        return found

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(32)))
    assert found == [n % 4 * 100 + 45 for n in range(32)]


def test_views_that_are_no_longer_asked_are_dropped(
    spark_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yucun.kernel.lake.engines.spark._MOST_VIEWS", 2)
    engine = Engine.open(spark_url, tmp_path)
    paths = [write(tmp_path / f"{n}.parquet", n) for n in range(4)]
    for _ in range(2):
        for n, path in enumerate(paths):
            assert engine.run(total(engine.table([path], SCHEMA)))["n"].to_pylist() == [45 + 10 * n]
    held = engine._runner._session.catalog.listTables()  # type: ignore[union-attr]
    assert len([t for t in held if t.name.startswith("lake_")]) == 2
    assert not [t for t in held if t.name.startswith("rows_")]
    engine.close()
