"""Landing: what a file does to a table, once, in every version that can be asked for."""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.small_lake import COUNTIES, SmallLake, write_csv
from yucun.base.errors import NotKnown
from yucun.kernel.books import rebuild
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.publish import publish
from yucun.kernel.lake.store import REFUSED

FIRST = {("990101", "2020"): 10_000, ("990102", "2020"): 20_050, ("990101", "2021"): 12_000}


@pytest.fixture
def small(tmp_path: Path) -> SmallLake:
    return SmallLake.make(tmp_path)


def test_rows_land_with_their_lineage(small: SmallLake) -> None:
    landing = small.send(write_csv(FIRST))
    assert (landing.records, landing.landed, landing.refused) == (3, 3, 0)
    assert small.rows() == FIRST
    table = small.lake.engine.run(small.lake.table("farm.harvest"))
    assert set(table["_file"].to_pylist()) == {landing.file}
    assert sorted(table["_record"].to_pylist()) == [1, 2, 3]
    assert small.attachments.get(landing.file).decode() == write_csv(FIRST)


def test_the_same_file_again_is_answered_with_the_first_landing(small: SmallLake) -> None:
    first = small.send(write_csv(FIRST))
    again = small.send(write_csv(FIRST), name="copy of harvest.csv")
    assert again.is_repeat
    assert (again.key, again.seq) == (first.key, first.seq)
    assert small.books.verify() == 1


def test_refused_rows_are_kept_with_their_sentence(small: SmallLake) -> None:
    landing = small.send("region,period,金额\n990101,2020,1\n990199,2020,5\n990102,2031,7\n")
    assert (landing.records, landing.landed, landing.refused) == (3, 1, 2)
    refused = small.lake.engine.run(small.lake.table("farm.harvest" + REFUSED)).sort_by("_record").to_pylist()
    kinds = [[finding["kind"] for finding in json.loads(row["findings"])] for row in refused]
    assert [row["_record"] for row in refused] == [2, 3]
    assert all(len(kind) == 1 for kind in kinds)
    assert kinds[0] != kinds[1]


def test_other_values_for_a_known_key_are_refused_unless_meant(small: SmallLake) -> None:
    first = small.send(write_csv(FIRST))
    changed = {**FIRST, ("990102", "2020"): 30_000, ("990103", "2020"): 5}
    late = small.send(write_csv(changed))
    assert (late.landed, late.already, late.refused, late.corrected) == (1, 2, 1, 0)
    refused = small.lake.engine.run(small.lake.table("farm.harvest" + REFUSED)).to_pylist()
    finding = json.loads(refused[0]["findings"])[0]
    assert finding["kind"] == "lake.key_known"
    assert "20050" in finding["expected"]
    assert "30000" in finding["found"]
    meant = small.send(write_csv(changed), is_correction=True)
    assert (meant.landed, meant.already, meant.corrected) == (1, 3, 1)
    assert small.rows() == changed
    assert small.rows(first.seq) == FIRST


def test_each_moment_is_answered_as_it_was(small: SmallLake) -> None:
    moments = []
    small.send(write_csv(FIRST))
    moments.append((small.clock.now(), small.rows()))
    small.clock.advance(timedelta(days=1))
    small.send(write_csv({("990101", "2020"): 11_111}), is_correction=True)
    moments.append((small.clock.now(), small.rows()))
    small.clock.advance(timedelta(days=30))
    small.send(write_csv({("990103", "2019"): 7}))
    moments.append((small.clock.now(), small.rows()))
    assert [rows[("990101", "2020")] for _, rows in moments] == [10_000, 11_111, 11_111]
    for instant, rows in moments:
        with small.books.read() as tx:
            assert small.rows(tx.seq_at(instant + timedelta(minutes=1))) == rows
    assert small.rows(0) == {}


def test_a_correction_rewrites_only_the_files_that_hold_the_key(small: SmallLake) -> None:
    small.send(write_csv({("990101", "2020"): 1, ("990102", "2020"): 2}))
    small.send(write_csv({("990103", "2020"): 3, ("990101", "2021"): 4}))
    before = {file.name: file for file in small.lake.files("farm.harvest")}
    small.send(write_csv({("990101", "2020"): 9}), is_correction=True)
    after = {file.name for file in small.lake.files("farm.harvest")}
    gone = [before[name] for name in before if name not in after]
    assert [(file.part, file.rows) for file in gone] == [("2020", 2)]


def test_a_correction_may_be_taken_back_and_made_again(small: SmallLake) -> None:
    small.send(write_csv({("990101", "2020"): 100}))
    for amount in (200, 100, 200):
        landing = small.send(write_csv({("990101", "2020"): amount}), is_correction=True)
        assert not landing.is_repeat
        assert small.rows() == {("990101", "2020"): amount}
    assert small.send(write_csv({("990101", "2020"): 200}), is_correction=True).is_repeat


def test_a_file_that_cannot_be_read_is_kept_and_said(small: SmallLake) -> None:
    landing = small.send(b"", name="empty.csv")
    assert not landing.is_readable
    assert landing.notes
    assert landing.landed == 0
    assert small.attachments.get(landing.file) == b""
    assert small.rows() == {}


def test_a_table_that_is_not_there_is_refused(small: SmallLake) -> None:
    sent = Sent(b"a", "a.csv", "farm.weather", "clerk", {})
    with pytest.raises(NotKnown, match=r"farm\.harvest"):
        land(small.lake, small.attachments, small.regions, sent, small.clock.today())


def test_landings_are_published_once_as_a_table(small: SmallLake) -> None:
    small.send(write_csv(FIRST))
    assert publish(small.lake) == 1
    assert publish(small.lake) == 0
    small.send(write_csv({("990103", "2020"): 1}))
    assert publish(small.lake) == 1
    table = small.lake.engine.run(small.lake.table("lake.landing"))
    assert sorted(table["landed"].to_pylist()) == [1, 3]
    assert sorted(table["_record"].to_pylist()) == [1, 3]
    assert {file.name.rsplit("/", 1)[1] for file in small.lake.files("lake.landing")} == {
        "000000000001-000000000001.parquet",
        "000000000002-000000000003.parquet",
    }


def test_what_no_line_names_is_swept_and_damage_is_found(small: SmallLake) -> None:
    small.send(write_csv(FIRST))
    small.lake.write_file("farm.harvest", "2020", _one_row(), "never committed")
    with small.books.writing():
        assert small.lake.sweep() == 1
    assert small.lake.check_files() == []
    victim = small.lake.folder / small.lake.files("farm.harvest")[0].name
    victim.write_bytes(victim.read_bytes() + b"x")
    assert [finding.kind for finding in small.lake.check_files()] == ["lake.file_damaged"]


def _one_row() -> pa.Table:
    values = {"region": "990101000000", "period": "2020", "amount_fen": 1, "note": None, "_file": "f", "_record": 1}
    return pa.table({name: [value] for name, value in values.items()})


EVENTS = st.lists(
    st.tuples(
        st.dictionaries(
            st.tuples(st.sampled_from(COUNTIES), st.sampled_from(["2019", "2020"])),
            st.integers(0, 3),
            min_size=1,
            max_size=4,
        ),
        st.booleans(),
    ),
    max_size=5,
)


@settings(max_examples=6)
@given(EVENTS)
def test_any_sequence_of_files_equals_a_plain_dictionary(events: list[tuple[dict[tuple[str, str], int], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = SmallLake.make(Path(folder))
        expected: dict[tuple[str, str], int] = {}
        versions = {0: expected}
        for rows, is_correction in events:
            landing = small.send(write_csv(rows), is_correction=is_correction)
            new = {key: value for key, value in rows.items() if is_correction or key not in expected}
            expected = {**expected, **new}
            versions[landing.seq] = expected if not landing.is_repeat else versions[landing.seq]
            assert landing.landed + landing.already + landing.refused == len(rows)
        assert small.rows() == expected
        for seq, rows in versions.items():
            assert small.rows(seq) == rows
        fresh = SmallLake.make(Path(folder) / "fresh")
        assert rebuild(small.books, fresh.books) == small.books.state_hash()
        for opened in (small, fresh):
            opened.books.close()
