"""Bulk loading and the way of small files find the same: rows, refusals word for word, counts and notes."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.small_lake import SmallLake
from yucun.kernel.lake.bulk.load import BulkSent, load_bulk
from yucun.kernel.lake.bulk.model import Limits
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.store import REFUSED

SMALL = Limits(memory=1 << 30, threads=1, rows=7)
HEAD = "region,period,金额,note"
REGIONS = ["990101", "990102", "990103", "丙县", "丁 县", "9901", "990199", "", "合计", "990101000000"]
PERIODS = ["2019", "2020", "2021", "2020-03", "2031", "去年", "2020年", "", " 2019 "]
AMOUNTS = [
    "1",
    "2",
    "2.50",
    "2.5",
    "-3",
    "1,234",
    "1.5万元",
    "lots",
    "",
    "9999999999999999",
    "0.001",
    "1e3",
    "007",
    "-",
]
NOTES = ["", "a", "b", "=A1", "#REF!", " a", "注：来源", "-", "N/A", 'say "x", y', "小计"]
ROW = st.tuples(st.sampled_from(REGIONS), st.sampled_from(PERIODS), st.sampled_from(AMOUNTS), st.sampled_from(NOTES))
GOOD = st.tuples(
    st.sampled_from(REGIONS[:5]), st.sampled_from(PERIODS[:3]), st.sampled_from(AMOUNTS[:4]), st.sampled_from(NOTES[:3])
)
RAGGED = st.sampled_from(["990101,2020", "", "990101,2020,1,a,b", "合计,,5,", "注：以上为初步数", ",,,"])


def _quote(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"') else cell


def _lines(rows: list[Any]) -> str:
    lines = [row if isinstance(row, str) else ",".join(map(_quote, row)) for row in rows]
    return "\n".join([HEAD, *lines]) + "\n"


LOAD = st.lists(st.one_of(GOOD, GOOD, ROW, RAGGED), max_size=25).map(_lines)


def _state(small: SmallLake) -> dict[str, Any]:
    """All that a landing leaves, without the hashes' own names."""
    table = small.lake.engine.run(small.lake.table("farm.harvest")).sort_by(
        [("region", "ascending"), ("period", "ascending")]
    )
    refused = small.lake.engine.run(small.lake.table("farm.harvest" + REFUSED))
    return {
        "rows": table.to_pylist(),
        "refused": refused.sort_by([("_file", "ascending"), ("_record", "ascending")]).to_pylist(),
    }


def _counts(landing: Landing) -> Landing:
    notes = tuple(sorted(landing.notes, key=str))
    return replace(landing, key="", at="", notes=notes)


def _load(small: SmallLake, path: Path, *, is_correction: bool = False, limits: Limits = SMALL) -> Landing:
    sent = BulkSent(str(path), "farm.harvest", "clerk", {}, is_correction)
    return load_bulk(small.lake, small.regions, sent, small.clock.today(), limits=limits, in_child=False)


def _both(folder: Path) -> tuple[SmallLake, SmallLake]:
    return SmallLake.make(folder / "small"), SmallLake.make(folder / "bulk")


@settings(max_examples=6, phases=(Phase.explicit, Phase.generate), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(LOAD, st.booleans()), min_size=1, max_size=2))
def test_both_ways_leave_the_same(files: list[tuple[str, bool]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        small, bulk = _both(Path(name))
        for number, (text, is_correction) in enumerate(files):
            path = Path(name, f"{number}.csv")
            path.write_text(text, encoding="utf-8")
            one = small.send(text, is_correction=is_correction, name=path.name)
            other = _load(bulk, path, is_correction=is_correction)
            assert _counts(other) == _counts(one), text
            assert _state(bulk) == _state(small), text
        for opened in (small, bulk):
            opened.books.close()


CELLS = [
    ("990101", "2020", "1.50", "a"),
    ("丙县", "2021", "2", None),
    ("990199", "2020", "3", "b"),
    ("990102", "2031", "lots", "c"),
    ("990103", "2020", "5", "d"),
    ("990103", "2020", "6", "d"),
    ("990102", "2020", "7", "e"),
    ("990102", "2020", "7", "e"),
]
NAMES = ("region", "period", "金额", "note")
KINDS = {3: "lake.unknown_region", 4: "lake.not_a_number", 5: "lake.duplicate_key", 6: "lake.duplicate_key"}


def _write_parquet(path: Path) -> str:
    pq.write_table(pa.table(dict(zip(NAMES, zip(*CELLS, strict=True), strict=True))), path, row_group_size=3)
    return str(path)


def _write_json(path: Path) -> str:
    path.write_text("".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in CELLS), encoding="utf-8")
    return str(path)


def _write_sqlite(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE harvest (region, period, "金额", note)')
        connection.executemany("INSERT INTO harvest VALUES (?, ?, ?, ?)", CELLS)
    connection.close()
    return f"sqlite:{path}#harvest"


def _write_utf16(path: Path) -> str:
    path.write_bytes(_lines([tuple(c or "" for c in row) for row in CELLS]).encode("utf-16"))
    return str(path)


def _write_gbk(path: Path) -> str:
    path.write_bytes(_lines([tuple(c or "" for c in row) for row in CELLS]).encode("gb18030"))
    return str(path)


def _check_cells(bulk: SmallLake, source: str) -> Landing:
    sent = BulkSent(source, "farm.harvest", "clerk", {})
    landing = load_bulk(bulk.lake, bulk.regions, sent, bulk.clock.today(), limits=SMALL, in_child=False)
    assert (landing.records, landing.landed, landing.refused, landing.repeated) == (8, 3, 4, 1)
    assert bulk.rows() == {("990101", "2020"): 150, ("990101", "2021"): 200, ("990102", "2020"): 700}
    refused = _state(bulk)["refused"]
    assert {row["_record"]: json.loads(row["findings"])[-1]["kind"] for row in refused} == KINDS
    return landing


@pytest.mark.parametrize("write", [_write_parquet, _write_json, _write_sqlite, _write_utf16, _write_gbk])
def test_every_kind_of_source(tmp_path: Path, write: Any) -> None:
    bulk = SmallLake.make(tmp_path / "bulk")
    source = write(tmp_path / "source.data")
    landing = _check_cells(bulk, source)
    again = load_bulk(
        bulk.lake,
        bulk.regions,
        BulkSent(source, "farm.harvest", "clerk", {}),
        bulk.clock.today(),
        limits=SMALL,
        in_child=False,
    )
    assert again.is_repeat
    assert again.key == landing.key
    bulk.books.close()


def test_a_table_of_postgresql(tmp_path: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute('CREATE TABLE harvest (region text, period text, "金额" text, note text)')
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO harvest VALUES (%s, %s, %s, %s)", CELLS)
    bulk = SmallLake.make(tmp_path / "bulk")
    landing = _check_cells(bulk, f"{postgres_url}#harvest")
    assert (landing.landed, landing.refused) == (3, 4)
    bulk.books.close()


def test_typed_columns_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "typed.parquet"
    columns = {"region": ["990101"] * 4, "period": [2018, 2019, 2020, 2021], "amount_fen": [1.0, 2.0, 2.5, None]}
    pq.write_table(pa.table(columns), path)
    bulk = SmallLake.make(tmp_path / "bulk")
    landing = _load(bulk, path)
    assert (landing.landed, landing.refused) == (2, 2)
    assert bulk.rows() == {("990101", "2018"): 1, ("990101", "2019"): 2}
    kinds = {row["_record"]: json.loads(row["findings"])[0]["kind"] for row in _state(bulk)["refused"]}
    assert kinds == {3: "lake.too_fine", 4: "lake.required"}
    bulk.books.close()


def test_broken_lines_of_json_are_refused_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = '{"region": "990101", "period": "2020", "金额": 3, "note": null}'
    path.write_text(f'{good}\n{{"region": \n[1, 2]\n\n', encoding="utf-8")
    bulk = SmallLake.make(tmp_path / "bulk")
    landing = _load(bulk, path)
    assert (landing.landed, landing.refused) == (1, 2)
    refused = _state(bulk)["refused"]
    assert [(row["_where"], json.loads(row["findings"])[0]["kind"]) for row in refused] == [
        ("line 2", "lake.json_line"),
        ("line 3", "lake.json_line"),
    ]
    bulk.books.close()


def test_a_source_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    bulk = SmallLake.make(tmp_path / "bulk")
    for name, content, kind in (
        ("broken.parquet", b"PAR1 and then nothing", "lake.not_a_table"),
        ("heads.csv", b"colour,size\n1,2\n", "lake."),
        ("empty.csv", b"", "lake.empty_file"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        landing = _load(bulk, path)
        assert not landing.is_readable
        assert landing.notes[0]["kind"].startswith(kind)
        assert not list((tmp_path / "bulk" / "loads").iterdir())
    bulk.books.close()


def test_a_sheet_or_database_that_bulk_cannot_take_is_told(tmp_path: Path) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_text("region,2019,2020\n990101,1.5,2.5\n", encoding="utf-8")
    base = tmp_path / "sent.sqlite"
    with sqlite3.connect(base) as connection:
        connection.execute("CREATE TABLE harvest (region TEXT)")
    connection.close()
    bulk = SmallLake.make(tmp_path / "bulk")
    told = {
        str(wide): "lake.bulk_wide",
        f"sqlite:{base}#": "lake.bulk_address",
        f"sqlite:{base}#gone": "lake.bulk_database",
        f"sqlite:{wide}#harvest": "lake.bulk_database",
    }
    for source, kind in told.items():
        sent = BulkSent(source, "farm.harvest", "clerk", {})
        landing = load_bulk(bulk.lake, bulk.regions, sent, bulk.clock.today(), limits=SMALL, in_child=False)
        assert not landing.is_readable
        assert [note["kind"] for note in landing.notes] == [kind]
    assert bulk.rows() == {}
    bulk.books.close()
