"""How people are made: the same under a seed, by the column, frozen before anyone looks, refused where it cannot be."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from tests.services.people.made import SEED, huzhou, make
from yucun.base.errors import PlaceError, Yours
from yucun.base.period import Period
from yucun.doors.command.made_up import FROZEN, Frozen, Hashing, write_people
from yucun.kernel.lake.contract import read_contracts
from yucun.services.people import commands
from yucun.services.people.models import compose
from yucun.services.people.planning import Shape, read_totals
from yucun.services.people.sample import TABLES, TRUTHS, make_blocks, plan, read_settings

SERVICE = Path(commands.__file__).parent
# The digest of thirty thousand people under the seed; it changes when the method or a parameter does, and only then.
FROZEN_DIGEST = "34e546e98ca4407832e6cf0df361da83b5bb00bf684137b78305eef416646c6c"


def test_the_population_is_the_one_that_was_frozen() -> None:
    assert make().frozen.digest == FROZEN_DIGEST


def test_the_same_seed_gives_the_same_people_and_another_seed_others(tmp_path: Path) -> None:
    first = write_people(huzhou(), tmp_path / "a", 3_000, 7)
    again = write_people(huzhou(), tmp_path / "b", 3_000, 7, kind="csv")
    other = write_people(huzhou(), tmp_path / "c", 3_000, 8)
    assert first.digests == again.digests
    assert all(first.digests[name] != other.digests[name] for name in (*TABLES, *TRUTHS))


def test_a_digest_is_of_what_rows_say_and_not_of_the_pieces_they_come_in() -> None:
    table = make().tables["income"]
    whole, pieces = Hashing(), Hashing()
    whole.add(table.combine_chunks())
    for start in range(0, table.num_rows, 999):
        pieces.add(table.slice(start, 999))
    assert whole.digest() == pieces.digest() == make().frozen.digests["income"]
    changed = Hashing()
    changed.add(table.slice(1))
    assert changed.digest() != whole.digest()


def test_no_row_is_looped_over() -> None:
    """Ten times as many people take as many steps of Python, but for what grows with villages and not with people."""

    def count_calls(residents: int) -> int:
        calls = 0

        def watch(frame: FrameType, event: str, argument: Any) -> None:
            nonlocal calls
            del frame, argument
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            for _ in make_blocks(huzhou(), residents, SEED):
                pass
        finally:
            sys.setprofile(before)
        return calls

    few, many = count_calls(5_000), count_calls(50_000)
    assert many < few * 1.1


def test_every_row_says_that_it_is_made_up_and_names_are_nobodys() -> None:
    made = make().tables
    for name in TABLES:
        assert set(made[name]["evidence"].to_pylist()) == {"made_up"}, name
    people = made["person"]
    assert all(name.startswith("模·") and len(name) == 5 for name in people["name"].to_pylist())
    assert all(word.startswith("PSIM") for word in people["person"].to_pylist())
    assert all(word.startswith("HSIM") for word in people["household"].to_pylist())


def test_the_tables_are_those_of_the_contracts_and_the_truth_is_none_of_them() -> None:
    contracts, findings = read_contracts(SERVICE / "contracts.toml", "people")
    assert not findings
    named = {c.name.removeprefix("people."): [f.name for f in c.fields] for c in contracts}
    for name in TABLES:
        assert set(make().tables[name].column_names) == set(named[name]), name
    assert not set(TRUTHS) & set(named)
    said = (SERVICE / "contracts.toml").read_text(encoding="utf-8")
    assert not any(word in said for word in ("has_applied", "need_from", "is_chronically_ill"))


def test_files_are_written_as_asked_and_the_truth_only_when_asked(tmp_path: Path) -> None:
    frozen = write_people(huzhou(), tmp_path / "a", 3_000, 7, kind="csv")
    assert {p.name for p in (tmp_path / "a").iterdir()} == {*(f"{n}.csv" for n in TABLES), FROZEN}
    assert csv.read_csv(tmp_path / "a" / "person.csv").num_rows == 3_000 == frozen.rows["person"]
    kept = Frozen.find(tmp_path / "a")
    assert kept is not None
    assert json.loads((tmp_path / "a" / FROZEN).read_text(encoding="utf-8"))["digest"] == frozen.digest == kept.digest
    assert Frozen.find(tmp_path) is None
    truth = make().folder / "truth_household.parquet"
    assert truth.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("residents", [0, 1_999, 3_407_001])
def test_too_few_and_too_many_are_refused(residents: int) -> None:
    with pytest.raises(PlaceError, match="2000 to 3407000"):
        next(iter(make_blocks(huzhou(), residents, 1)))


def test_a_folder_with_files_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(Yours) as full:
        write_people(huzhou(), tmp_path, 3_000, 1)
    with pytest.raises(Yours) as odd:
        write_people(huzhou(), tmp_path / "new", 3_000, 1, kind="xlsx")
    assert full.value.findings[0].kind == odd.value.findings[0].kind == "sample.files"
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_missing_total_is_named() -> None:
    with pytest.raises(PlaceError) as refused:
        read_totals([], [], [{"margin": "male", "persons": "1"}], "3305")
    assert "households_family" in refused.value.findings[0].found


def test_totals_that_no_household_can_hold_are_refused() -> None:
    block = plan(huzhou(), 30_000, 1)[0].block
    settings = read_settings(huzhou())
    shape = Shape(settings["household_sizes"], settings["household_kinds"], settings["age_pyramid"])
    chance = np.random.default_rng(1)
    young, grown, old, older = block.bands
    for wrong, named in (
        (replace(block, families=10), "household sizes"),
        (replace(block, bands=(young + grown, 0, old, older)), "children"),
        (replace(block, bands=(young, 0, old, older + grown)), "old people"),
        (replace(block, men=block.persons), "men"),
    ):
        with pytest.raises(PlaceError, match=named):
            compose(wrong, shape, chance)


def test_what_offices_hold_comes_in_the_layout_of_relief(tmp_path: Path) -> None:
    made = make()
    out = tmp_path / "H.csv"
    commands.means(made.folder, "2022-05", out)
    rows = csv.read_csv(out, convert_options=csv.ConvertOptions(strings_can_be_null=True)).to_pylist()
    assert len(rows) == 30_000
    assert len({r["person_id"] for r in rows}) == 30_000
    assert sum(r["class"] is not None for r in rows) == 317
    assert all(r[n] >= 0 for r in rows for n in ("counted_income_12m_fen", "work_income_month_fen", "money_assets_fen"))
    bills: dict[str, int] = {}
    for bill in made.tables["medical"].to_pylist():
        if bill["month"] >= "2021-06":
            bills[bill["person"]] = bills.get(bill["person"], 0) + bill["own_fen"]
    assert {r["person_id"]: r["rigid_expense_12m_fen"] for r in rows if r["rigid_expense_12m_fen"]} == {
        p: n for p, n in bills.items() if n
    }


def test_means_of_another_month_know_nothing_of_later_ones() -> None:
    tables = make().tables
    early = commands.make_means(tables, Period.parse("2021-06"))
    late = commands.make_means(tables, Period.parse("2022-05"))
    assert isinstance(early, pa.Table)
    assert early.column("rigid_expense_12m_fen").to_pylist() != late.column("rigid_expense_12m_fen").to_pylist()
    lost = {r["person"] for r in tables["income"].to_pylist() if r["line"] == "wage" and r["until"] is not None}
    wages = dict(zip(early["person_id"].to_pylist(), early["work_income_month_fen"].to_pylist(), strict=True))
    assert any(wages[p] > 0 for p in lost)


@pytest.mark.parametrize("lacking", ["person", "medical"])
def test_means_without_a_file_are_refused(tmp_path: Path, lacking: str) -> None:
    for name in ("person", "household", "register", "income", "asset", "disability", "medical"):
        if name != lacking:
            pq.write_table(make().tables[name].slice(0, 1), tmp_path / f"{name}.parquet")
    with pytest.raises(Yours) as refused:
        commands.means(tmp_path, "2022-05", tmp_path / "H.csv")
    assert lacking in refused.value.findings[0].found
    assert not (tmp_path / "H.csv").exists()
