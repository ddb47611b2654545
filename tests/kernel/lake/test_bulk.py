"""Loading in bulk: in a child process, cancelled, resumed, met by other landings; late and corrected rows; compaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.small_lake import SmallLake, write_csv
from yucun.base.errors import ContractError, Ours, Yours
from yucun.base.text import Text
from yucun.kernel.books import rebuild
from yucun.kernel.lake.bulk.compact import compact
from yucun.kernel.lake.bulk.load import BulkSent, cancel_job, jobs_folder, list_jobs, load_bulk, sweep_jobs
from yucun.kernel.lake.bulk.model import Limits, Progress
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.model import Landing

SMALL = Limits(memory=1 << 30, threads=1, rows=20)
ROWS = {(f"99010{1 + n % 3}", f"{1940 + n // 3}"): n for n in range(60)}


class Stopped(Exception):
    """What a caller raises to cancel."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallLake]:
    small = SmallLake.make(tmp_path / "city")
    yield small
    small.books.close()


def load(
    small: SmallLake, rows: dict[tuple[str, str], int], name: str = "rows.csv", *, correct: bool = False, **more: object
) -> Landing:
    path = small.lake.folder.parent.parent / name
    path.write_text(write_csv(rows), encoding="utf-8")
    sent = BulkSent(str(path), "farm.harvest", "clerk", {}, correct)
    named = {"limits": SMALL, "in_child": False, **more}
    return load_bulk(small.lake, small.regions, sent, small.clock.today(), **named)  # type: ignore[arg-type]


def test_a_child_loads_and_tells_how_far_it_is(small: SmallLake) -> None:
    told: list[Progress] = []
    landing = load(small, ROWS, in_child=True, tell=told.append)
    assert (landing.records, landing.landed, landing.refused) == (60, 60, 0)
    assert small.rows() == ROWS
    assert [p.phase for p in told if p.phase != "meet"][-2:] == ["tell", "commit"]
    assert max(p.records for p in told) == 60
    assert not list_jobs(small.lake)
    assert small.lake.check_files() == []


def test_a_cancelled_load_leaves_nothing(small: SmallLake) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase == "meet":
            raise Stopped

    with pytest.raises(Stopped):
        load(small, ROWS, in_child=True, tell=stop)
    assert small.rows() == {}
    assert list(jobs_folder(small.lake).iterdir()) == []
    assert small.books.verify() == 0


def test_a_load_that_stopped_goes_on_where_it_was(small: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that were finished are not written again."""
    from yucun.kernel.lake.bulk import write  # noqa: PLC0415 - to break it

    whole, finished = write.Writer._write, []

    def break_after_two(self: write.Writer, bucket: int) -> object:
        if bucket >= 1942:
            raise Ours("the machine went away")
        finished.append(bucket)
        return whole(self, bucket)

    monkeypatch.setattr(write.Writer, "_write", break_after_two)
    few = {key: value for key, value in ROWS.items() if key[1] < "1945"}
    with pytest.raises(Ours, match="went away"):
        load(small, few)
    monkeypatch.undo()
    jobs = list_jobs(small.lake)
    assert [job.plan.name for job in jobs] == ["rows.csv"]
    again: list[int] = []
    monkeypatch.setattr(write.Writer, "_write", lambda self, bucket: (again.append(bucket), whole(self, bucket))[1])
    load(small, few)
    assert sorted(finished) == [1940, 1941]
    assert sorted(again) == [1942, 1943, 1944]
    assert small.rows() == few


def test_a_waiting_job_can_be_cancelled(small: SmallLake) -> None:
    half = jobs_folder(small.lake) / "half"

    def leave(progress: Progress) -> None:
        if progress.phase == "meet":
            raise Ours("the machine went away")

    with pytest.raises(Ours):
        load(small, ROWS, tell=leave)
    half.mkdir()
    [job] = sweep_jobs(small.lake)
    assert not half.exists()
    assert job.sent.name == "rows.csv"
    assert cancel_job(job)
    assert sweep_jobs(small.lake) == []
    assert small.rows() == {}


@pytest.mark.parametrize("kind", ["file", "database"])
@pytest.mark.parametrize("correct", [False, True])
def test_a_job_killed_after_its_line_is_not_taken_up_again(
    small: SmallLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, correct: bool
) -> None:
    """Its folder is cleared away at the next start; what others corrected since stands."""
    from yucun.kernel.lake.bulk import load as loading  # noqa: PLC0415 - to break it

    def die(folder: Path) -> None:
        raise SystemExit

    key = ("990101", "1940")
    small.send(write_csv({key: 1}) if correct else write_csv({("990102", "1940"): 1}))
    source = tmp_path / "meant.csv"
    source.write_text(write_csv({key: 2}), encoding="utf-8")
    named = str(source)
    if kind == "database":
        named = f"sqlite:{tmp_path / 'meant.db'}#harvest"
        with closing(sqlite3.connect(tmp_path / "meant.db")) as made:
            made.execute('CREATE TABLE harvest (region TEXT, period TEXT, "金额" TEXT)')
            made.execute("INSERT INTO harvest VALUES (?, ?, ?)", (*key, "0.02"))
            made.commit()
    sent = BulkSent(named, "farm.harvest", "clerk", {}, correct)
    monkeypatch.setattr(loading, "_clear", die)
    with pytest.raises(SystemExit):
        load_bulk(small.lake, small.regions, sent, small.clock.today(), limits=SMALL, in_child=False)
    monkeypatch.undo()
    assert small.rows()[key] == 2
    small.send(write_csv({key: 3}), is_correction=True)
    assert len(list_jobs(small.lake)) == 1
    assert sweep_jobs(small.lake) == []
    assert list(jobs_folder(small.lake).iterdir()) == []
    assert small.rows()[key] == 3


def test_the_same_file_sent_with_other_words_does_not_clear_a_job_away(small: SmallLake) -> None:
    def leave(progress: Progress) -> None:
        if progress.phase == "commit":
            raise Ours("the machine went away")

    with pytest.raises(Ours):
        load(small, ROWS, tell=leave)
    small.send(write_csv(ROWS), is_correction=True)
    assert [job.sent.is_correction for job in sweep_jobs(small.lake)] == [False]
    assert load(small, ROWS).already == 60
    assert sweep_jobs(small.lake) == []


def test_a_job_half_removed_is_swept(small: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts may be gone while it still says that they are written: it must not be resumed."""

    def leave(progress: Progress) -> None:
        if progress.phase == "commit":
            raise Ours("the machine went away")

    def die(folder: Path, **named: object) -> None:
        raise SystemExit

    with pytest.raises(Ours):
        load(small, ROWS, tell=leave)
    [job] = list_jobs(small.lake)
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("shutil.rmtree", die)
        cancel_job(job)
    assert job.folder.is_dir()
    assert list_jobs(small.lake) == sweep_jobs(small.lake) == []
    assert not job.folder.exists()
    assert load(small, ROWS).landed == 60


def test_one_source_is_loaded_by_one_process(small: SmallLake) -> None:
    def meddle(progress: Progress) -> None:
        if progress.phase == "meet" and progress.done == 1:
            with pytest.raises(Yours):
                load(small, ROWS)
            assert not cancel_job(list_jobs(small.lake)[0])

    assert load(small, ROWS, tell=meddle).landed == 60


def test_rows_that_land_meanwhile_are_met(small: SmallLake) -> None:
    """Another landing that takes a key while the job runs: the job meets it before it commits."""
    done = []

    def meddle(progress: Progress) -> None:
        if progress.phase == "commit" and not done:
            done.append(small.send(write_csv({("990101", "1940"): 0, ("990102", "1940"): 999})))

    landing = load(small, ROWS, tell=meddle)
    assert (landing.landed, landing.already, landing.refused) == (58, 1, 1)
    assert small.rows() == {**ROWS, ("990102", "1940"): 999}


def test_late_and_corrected_rows_touch_their_parts_only(small: SmallLake) -> None:
    load(small, ROWS)
    before = {file.name: file for file in small.lake.files("farm.harvest")}
    moment = small.lake.last_change("farm.harvest")
    late = {("990101", "1950"): 7, ("990101", "2010"): 5}
    landing = load(small, {**late, ("990102", "1950"): 31}, "late.csv", correct=True)
    assert (landing.landed, landing.already, landing.corrected) == (2, 1, 1)
    after = {file.name: file for file in small.lake.files("farm.harvest")}
    assert {before[name].part for name in before.keys() - after.keys()} == {"1950"}
    assert {after[name].part for name in after.keys() - before.keys()} == {"1950", "2010"}
    assert small.rows() == {**ROWS, **late}
    assert small.rows(moment) == ROWS
    with small.books.read() as tx:
        line = tx.find_line(landing.key)
    assert line is not None
    added = sum(after[name].size for name in after.keys() - before.keys())
    touched = sum(file.size for file in before.values() if file.part == "1950")
    source = small.lake.folder.parent.parent / "late.csv"
    assert 0 < line.payload["bytes_read"] - source.stat().st_size <= 3 * added + touched


def test_books_are_rebuilt_to_the_same_state(small: SmallLake, tmp_path: Path) -> None:
    load(small, ROWS)
    load(small, {("990101", "1950"): 7}, "late.csv", correct=True)
    compact(small.lake, ["farm.harvest"], most=1, in_child=False)
    fresh = SmallLake.make(tmp_path / "fresh")
    assert rebuild(small.books, fresh.books) == small.books.state_hash()
    fresh.books.close()


# -- compaction ---------------------------------------------------------------------------------------------------


def test_many_files_become_one_and_versions_stay(small: SmallLake) -> None:
    versions = {}
    expected: dict[tuple[str, str], int] = {}
    for number in range(4):
        rows = {("990101", "2020"): number} if number == 3 else {(f"99010{number + 1}", "2020"): number}
        landing = small.send(write_csv(rows), is_correction=number == 3)
        expected = {**expected, **rows}
        versions[landing.seq] = expected
    assert len(small.lake.files("farm.harvest")) == 3
    assert compact(small.lake, most=64, in_child=False) == 0
    assert compact(small.lake, ["farm.harvest"], most=2) == 1
    files = small.lake.files("farm.harvest")
    assert [file.rows for file in files] == [3]
    assert compact(small.lake, ["farm.harvest"], most=2, in_child=False) == 0
    assert small.rows() == expected
    for seq, rows in versions.items():
        assert small.rows(seq) == rows
    lineage = small.lake.engine.run(small.lake.table("farm.harvest"))["_file"].to_pylist()
    assert len(set(lineage)) == 3
    assert small.lake.check_files() == []


def test_refused_rows_are_compacted_too(small: SmallLake) -> None:
    for number in range(3):
        small.send(f"region,period,金额\n990101,{2010 + number},1\n990199,2020,{number}\n")
    assert compact(small.lake, ["farm.harvest"], most=2, in_child=False) == 1
    refused = small.lake.files("farm.harvest!refused")
    assert [file.rows for file in refused] == [3]


def test_a_part_that_changes_meanwhile_is_left(small: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    from yucun.kernel.lake.bulk import compact as module  # noqa: PLC0415 - to meddle with it

    for number in range(3):
        small.send(write_csv({(f"99010{number + 1}", "2020"): number}))
    make = module.make_one

    def meddle(folder: Path) -> object:
        small.send(write_csv({("990101", "2020"): 9}), is_correction=True)
        return make(folder)

    monkeypatch.setattr(module, "make_one", meddle)
    assert compact(small.lake, ["farm.harvest"], most=2, in_child=False) == 0
    assert small.rows() == {("990101", "2020"): 9, ("990102", "2020"): 1, ("990103", "2020"): 2}


# -- contracts that change ------------------------------------------------------------------------------------------

MORE = Field(
    "grade", "code", Text("等级", "grade"), "L1", codes={"a": Text("甲", "A")}, code_words={"a": "a"}, required=False
)


def change(small: SmallLake, **fields: object) -> Contract:
    """The contract of harvest with some of its fields replaced; None takes one away."""
    held = small.lake.contracts["farm.harvest"]
    kept = []
    for field in held.fields:
        new = fields.pop(field.name, field)
        if new is not None:
            kept.append(new)
    small.lake.contracts["farm.harvest"] = replace(held, fields=(*kept, *fields.values()))  # type: ignore[arg-type]
    return small.lake.contracts["farm.harvest"]


def test_a_contract_may_grow(small: SmallLake) -> None:
    first = small.send(write_csv({("990101", "2020"): 1}))
    amount = small.lake.contracts["farm.harvest"].get_field("amount_fen")
    change(small, amount_fen=replace(amount, name="value_fen", was="amount_fen", high=None), grade=MORE)
    assert small.lake.check_editions() == []
    small.send("region,period,value_fen,grade\n990102,2020,5,a\n")
    rows = small.lake.engine.run(small.lake.table("farm.harvest").order_by("region")).to_pylist()
    assert [(row["region"][:6], row["value_fen"], row["grade"]) for row in rows] == [
        ("990101", 1, None),
        ("990102", 5, "a"),
    ]
    old = small.lake.engine.run(small.lake.table("farm.harvest", first.seq)).to_pylist()
    assert [(row["value_fen"], row["grade"]) for row in old] == [(1, None)]
    meant = small.send("region,period,value_fen,grade\n990101,2020,2,a\n", is_correction=True)
    assert meant.corrected == 1
    assert compact(small.lake, ["farm.harvest"], most=1, in_child=False) == 1
    [file] = small.lake.files("farm.harvest")
    names = pq.read_schema(small.lake.folder / file.name).names
    assert names == ["region", "period", "value_fen", "note", "grade", "_file", "_record"]


def test_bulk_rows_meet_rows_of_an_earlier_contract(small: SmallLake) -> None:
    small.send(write_csv({("990101", "1950"): 1, ("990102", "1950"): 31}))
    amount = small.lake.contracts["farm.harvest"].get_field("amount_fen")
    change(small, amount_fen=replace(amount, name="value_fen", was="amount_fen"), grade=MORE)
    path = small.lake.folder.parent.parent / "new.csv"
    path.write_text("region,period,value_fen\n990101,1950,2\n990102,1950,31\n990103,1950,5\n", encoding="utf-8")
    sent = BulkSent(str(path), "farm.harvest", "clerk", {}, is_correction=True)
    landing = load_bulk(small.lake, small.regions, sent, small.clock.today(), limits=SMALL, in_child=False)
    assert (landing.landed, landing.already, landing.corrected) == (2, 1, 1)
    rows = small.lake.engine.run(small.lake.table("farm.harvest").order_by("region"))
    assert rows["value_fen"].to_pylist() == [2, 31, 5]


@pytest.mark.parametrize("kind", ["removed", "added", "type", "unit", "narrower", "key", "partition"])
def test_a_contract_that_breaks_its_files_is_refused(small: SmallLake, kind: str) -> None:
    small.send(write_csv({("990101", "2020"): 1}))
    contract = small.lake.contracts["farm.harvest"]
    amount, note = contract.get_field("amount_fen"), contract.get_field("note")
    match kind:
        case "removed":
            change(small, note=None)
        case "added":
            change(small, grade=replace(MORE, required=True))
        case "type":
            change(small, note=replace(note, type="integer", unit="number"))
        case "unit":
            change(small, amount_fen=replace(amount, unit="m2"))
        case "narrower":
            change(small, amount_fen=replace(amount, high=10))
        case "key":
            small.lake.contracts["farm.harvest"] = replace(contract, key=("region",))
        case _:
            small.lake.contracts["farm.harvest"] = replace(contract, partition="")
    [finding] = small.lake.check_editions()
    assert finding.kind == f"lake.edition_{kind}"
    with pytest.raises(ContractError):
        small.send(write_csv({("990102", "2020"): 1}))
    with pytest.raises(ContractError):
        load(small, ROWS)
