"""The catalogue: states and their refusals, levels, versions that never change, and files that other readers read."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.small_lake import TODAY, SmallLake, make_contracts, make_regions, write_csv
from yucun.base.clock import SimulatedClock
from yucun.base.errors import AccessError, DeclarationError, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.access import OPEN_READER, AccessRules, Grant, Reader
from yucun.kernel.books import Attachments, Books, rebuild
from yucun.kernel.lake.catalogue import (
    FILE_NAMES,
    FORMS,
    ORGAN,
    PLACE,
    Catalogue,
    Form,
    MoveName,
    TableSubject,
    Terms,
    Version,
    Withheld,
    count_landings,
    holds_persons,
    open_declared,
    open_fields,
    read_open,
)
from yucun.kernel.lake.catalogue import catalogue as catalogue_module
from yucun.kernel.lake.contract import Field
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.store import ORGAN as LAKE
from yucun.kernel.lake.store import Lake

ITEM = "farm.harvest"
OPEN_TERMS = Terms(domain="market", licence="CC-BY-4.0")
FIRST = {("990101", "2020"): 10_000, ("990102", "2020"): 20_050, ("990101", "2021"): 12_000}


def make_reader(account: str, role: str, tables: tuple[str, ...] = ("*",)) -> Reader:
    """An account in one role."""
    rules = AccessRules.of_kernel()
    grant = Grant(1, rules.roles[role], (RegionCode.parse("990100"),), tables=tables)
    return Reader(account, Text(account, account), (grant,))


CLERK, CHIEF = make_reader("clerk", "data_clerk"), make_reader("chief", "chief")


class SmallOpen:
    """A small lake with a catalogue over it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        clock, contracts = SimulatedClock.on(TODAY, ticking=False), make_contracts(folder)
        books = Books.open(f"sqlite:///{folder}/books.sqlite", [LAKE, ORGAN], clock)
        lake = Lake(folder / "lake", books, contracts, Engine(threads=1))
        self.small = SmallLake(lake, books, Attachments(folder / "attachments"), make_regions(), clock)
        self.contract = contracts[ITEM]
        self.catalogue = Catalogue(
            self.small.books,
            self.small.attachments,
            lambda name: TableSubject(self.small.lake, self.contract) if name == ITEM else None,
        )

    def with_fields(self, *fields: Field, **changes: str) -> None:
        """Give the table other fields, or other levels to those it has."""
        kept = tuple(replace(f, level=changes[f.name]) if f.name in changes else f for f in self.contract.fields)  # type: ignore[arg-type]
        self.contract = replace(self.contract, fields=(*kept, *fields))

    def send(self, rows: dict[tuple[str, str], int], *, is_correction: bool = False) -> None:
        """Land rows as a city does, and release."""
        self.small.send(write_csv(rows), is_correction=is_correction)
        self.catalogue.release()

    def open_it(self, terms: Terms = OPEN_TERMS) -> Version:
        """Take the table as far as open."""
        self.catalogue.move(ITEM, "draft", reader=CLERK, why="asked for", terms=terms)
        self.catalogue.move(ITEM, "approve", reader=CHIEF, why="checked")
        self.catalogue.move(ITEM, "open", reader=CLERK, why="approved")
        return self.catalogue.versions(ITEM)[0]

    def read(self, version: Version, form: Form) -> bytes:
        """The bytes of a file as they are given out."""
        found = self.catalogue.file(ITEM, version.id, form)
        assert not isinstance(found, Withheld), found.reason.en
        content = found.path.read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (found.sha256, found.size)
        return content


@pytest.fixture
def opened(tmp_path: Path) -> SmallOpen:
    return SmallOpen(tmp_path)


def kinds(error: pytest.ExceptionInfo[DeclarationError]) -> list[str]:
    return [finding.kind for finding in error.value.findings]


# -- states and refusals ------------------------------------------------------------------------------------------


def test_each_move_is_kept_with_account_role_and_reason(opened: SmallOpen) -> None:
    opened.send(FIRST)
    version = opened.open_it()
    item = opened.catalogue.move(ITEM, "withdraw", reader=CHIEF, why="wrong at its source")
    assert [(m.move, m.state, m.by, m.role) for m in item.moves] == [
        ("draft", "draft", "clerk", "data_clerk"),
        ("approve", "approved", "chief", "chief"),
        ("open", "open", "clerk", "data_clerk"),
        ("withdraw", "withdrawn", "chief", "chief"),
    ]
    assert item.moves[3].why == "wrong at its source"
    assert (item.licence.id, item.domain.id, item.treatment) == ("CC-BY-4.0", "market", "whole")
    assert version.seq == item.moves[2].seq


@pytest.mark.parametrize(
    ("done", "move", "said"),
    [
        ((), "approve", "not drafted yet"),
        ((), "withdraw", "not drafted yet"),
        (("draft",), "open", "'draft' and cannot 'open'"),
        (("draft", "approve"), "draft", "'approved' and cannot 'draft'"),
        (("draft", "approve", "open"), "open", "'open' and cannot 'open'"),
        (("draft", "approve", "open", "withdraw"), "withdraw", "'withdrawn' and cannot 'withdraw'; it can: draft"),
        (("draft", "approve", "send_back"), "open", "'draft' and cannot 'open'"),
    ],
)
def test_a_move_from_the_wrong_state_says_what_is_possible(
    opened: SmallOpen, done: tuple[MoveName, ...], move: MoveName, said: str
) -> None:
    for step in done:
        reader = CHIEF if step in ("approve", "send_back") else CLERK
        opened.catalogue.move(ITEM, step, reader=reader, why="so", terms=OPEN_TERMS)
    before = opened.small.books.state_hash()
    with pytest.raises(DeclarationError) as error:
        opened.catalogue.move(ITEM, move, reader=CHIEF if move == "approve" else CLERK, why="so", terms=OPEN_TERMS)
    assert kinds(error) == ["catalogue.state"]
    assert said in error.value.findings[0].message.en
    assert opened.small.books.state_hash() == before


def test_who_drafted_does_not_approve(opened: SmallOpen) -> None:
    opened.catalogue.move(ITEM, "draft", reader=CHIEF, why="so", terms=OPEN_TERMS)
    with pytest.raises(DeclarationError) as error:
        opened.catalogue.move(ITEM, "approve", reader=CHIEF, why="so")
    assert kinds(error) == ["catalogue.same_account"]
    assert opened.catalogue.get(ITEM).state == "draft"


@pytest.mark.parametrize(
    ("reader", "move"),
    [
        (OPEN_READER, "draft"),
        (make_reader("analyst", "analyst"), "draft"),
        (CLERK, "approve"),
        (make_reader("other", "data_clerk", ("hotline.*",)), "draft"),
    ],
)
def test_a_post_that_may_not_is_refused(opened: SmallOpen, reader: Reader, move: MoveName) -> None:
    if move == "approve":
        opened.catalogue.move(ITEM, "draft", reader=CHIEF, why="so", terms=OPEN_TERMS)
    with pytest.raises(AccessError):
        opened.catalogue.move(ITEM, move, reader=reader, why="so", terms=OPEN_TERMS)


def test_what_is_not_there_cannot_be_opened(opened: SmallOpen) -> None:
    with pytest.raises(NotKnown):
        opened.catalogue.move("farm.nothing", "draft", reader=CLERK, why="so")
    with pytest.raises(NotKnown):
        opened.catalogue.get("farm.nothing")


@pytest.mark.parametrize("why", ["", "   ", "x" * 501, "a\x00b"])
def test_a_move_needs_a_reason(opened: SmallOpen, why: str) -> None:
    with pytest.raises(DeclarationError) as error:
        opened.catalogue.move(ITEM, "draft", reader=CLERK, why=why, terms=OPEN_TERMS)
    assert kinds(error) == ["catalogue.why"]


@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        (Terms(domain="weather", licence="CC-BY-4.0"), "catalogue.domain"),
        (Terms(domain="market", licence="WTFPL"), "catalogue.licence"),
        (Terms(domain="market"), "catalogue.licence"),  # its contract says "internal use"
    ],
)
def test_terms_are_of_the_lists(opened: SmallOpen, terms: Terms, kind: str) -> None:
    with pytest.raises(DeclarationError) as error:
        opened.catalogue.move(ITEM, "draft", reader=CLERK, why="so", terms=terms)
    assert kinds(error) == [kind]


# -- levels -------------------------------------------------------------------------------------------------------


def test_a_field_above_level_one_keeps_the_whole_table_in(opened: SmallOpen) -> None:
    opened.with_fields(note="L2")
    opened.catalogue.move(ITEM, "draft", reader=CLERK, why="so", terms=OPEN_TERMS)
    with pytest.raises(DeclarationError) as error:
        opened.catalogue.move(ITEM, "approve", reader=CHIEF, why="so")
    assert kinds(error) == ["catalogue.level"]
    assert "note (L2)" in error.value.findings[0].message.en


def test_only_its_open_fields_leave(opened: SmallOpen) -> None:
    opened.with_fields(note="L3")
    opened.send(FIRST)
    version = opened.open_it(replace(OPEN_TERMS, treatment="open_fields"))
    assert version.fields == open_fields(opened.contract) == ("region", "period", "amount_fen")
    for form in FORMS:
        assert b"note" not in opened.read(version, form), form
    with zipfile.ZipFile(_path(opened, version, "zip")) as archive:
        assert all(b"note" not in archive.read(name) for name in archive.namelist())


def test_a_closed_field_asked_for_by_name_is_refused(opened: SmallOpen) -> None:
    opened.with_fields(note="L2")
    terms = replace(OPEN_TERMS, treatment="open_fields", fields=("region", "note", "moon"))
    opened.catalogue.move(ITEM, "draft", reader=CLERK, why="so", terms=terms)
    with pytest.raises(DeclarationError) as error:
        opened.catalogue.move(ITEM, "approve", reader=CHIEF, why="so")
    assert kinds(error) == ["catalogue.fields"]
    assert error.value.findings[0].found == "note, moon"


@pytest.mark.parametrize(
    "field",
    [
        Field("phone", "text", Text("电话", "telephone"), "L3", required=False, mask="phone"),
        Field("household", "text", Text("户", "household"), "L1", required=False),
        Field("patient_id", "text", Text("病人", "patient"), "L2", required=False),
    ],
)
@pytest.mark.parametrize("treatment", ["whole", "open_fields", "aggregate"])
def test_rows_that_are_people_never_leave_as_rows(opened: SmallOpen, field: Field, treatment: str) -> None:
    opened.with_fields(field)
    assert holds_persons(opened.contract)
    opened.catalogue.move(
        ITEM,
        "draft",
        reader=CLERK,
        why="so",
        terms=replace(OPEN_TERMS, treatment=treatment, fields=("region",)),  # type: ignore[arg-type]
    )
    with pytest.raises(DeclarationError) as error:
        opened.catalogue.move(ITEM, "approve", reader=CHIEF, why="so")
    assert kinds(error) == ["catalogue.persons"]


def test_a_key_that_is_not_open_is_taken_for_people(opened: SmallOpen) -> None:
    assert not holds_persons(opened.contract)
    opened.with_fields(period="L2")
    assert holds_persons(opened.contract)


def test_a_level_raised_after_opening_holds_everything_back(opened: SmallOpen) -> None:
    opened.send(FIRST)
    version = opened.open_it()
    opened.with_fields(amount_fen="L2")
    held = opened.catalogue.file(ITEM, version.id, "csv")
    assert isinstance(held, Withheld)
    opened.send({("990103", "2021"): 5})
    assert len(opened.catalogue.versions(ITEM)) == 1


def test_a_field_added_after_opening_does_not_leave_by_itself(opened: SmallOpen) -> None:
    opened.send(FIRST)
    version = opened.open_it()
    before = opened.read(version, "csv")
    opened.with_fields(Field("weather", "text", Text("天气", "weather"), "L1", required=False))
    opened.with_fields(Field("secret", "text", Text("秘密", "secret"), "L2", required=False))
    assert opened.read(version, "csv") == before
    assert opened.catalogue.release() == []
    assert opened.catalogue.get(ITEM).fields == version.fields
    opened.with_fields(Field("phone", "text", Text("电话", "telephone"), "L3", required=False, mask="phone"))
    assert isinstance(opened.catalogue.file(ITEM, version.id, "csv"), Withheld)


# -- versions -----------------------------------------------------------------------------------------------------


def test_a_version_is_the_same_bytes_after_loads_corrections_and_a_restart(opened: SmallOpen, tmp_path: Path) -> None:
    opened.send(FIRST)
    version = opened.open_it()
    before = {form: opened.read(version, form) for form in FORMS}
    opened.send({("990103", "2021"): 700})
    opened.send({("990101", "2020"): 99_900}, is_correction=True)
    versions = opened.catalogue.versions(ITEM)
    assert [v.rows for v in versions] == [4, 4, 3]
    assert len({v.files["csv"].sha256 for v in versions}) == 3
    assert {form: opened.read(version, form) for form in FORMS} == before
    opened.small.books.close()
    again = SmallOpen(tmp_path)
    again.small.attachments.sweep(again.small.books)
    assert {form: again.read(version, form) for form in FORMS} == before
    assert again.catalogue.release() == []


def test_a_version_says_seq_and_day_and_is_made_once(opened: SmallOpen) -> None:
    opened.send(FIRST)
    version = opened.open_it()
    assert version.id == f"{version.seq}-2022-05-31"
    assert opened.catalogue.find_version(ITEM, version.id) == version
    assert opened.catalogue.find_version(ITEM, f"{version.seq}-2022-06-01") is None
    seq = _last_seq(opened)
    assert opened.catalogue.release() == []
    opened.send(FIRST)  # the same file again
    assert opened.catalogue.versions(ITEM) == [version]
    assert _last_seq(opened) == seq


def test_compaction_makes_no_version_and_changes_no_byte(opened: SmallOpen) -> None:
    opened.send(FIRST)
    opened.send({("990103", "2021"): 700})
    version = opened.open_it()
    before = opened.read(version, "csv")
    lake = opened.small.lake
    files = [file for file in lake.files(ITEM) if file.part == "2021"]
    assert len(files) == 2
    merged = lake.engine.run(lake.read(files, lake.schema(ITEM)))
    one = lake.write_file(ITEM, "2021", merged, "compacted")
    lake.commit("lake.compacted", "compacted:1", {"table": ITEM}, [one], [file.name for file in files])
    assert opened.catalogue.release() == []
    assert opened.catalogue.versions(ITEM) == [version]
    assert opened.read(version, "csv") == before


def test_a_withdrawn_version_is_not_given_out_nor_after_opening_again(opened: SmallOpen) -> None:
    opened.send(FIRST)
    first = opened.open_it()
    opened.catalogue.move(ITEM, "withdraw", reader=CLERK, why="a figure is wrong")
    held = opened.catalogue.file(ITEM, first.id, "csv")
    assert isinstance(held, Withheld)
    assert "a figure is wrong" in held.reason.en
    opened.send({("990103", "2021"): 700})
    assert opened.catalogue.versions(ITEM) == [first]
    second = opened.open_it()
    assert isinstance(opened.catalogue.file(ITEM, first.id, "csv"), Withheld)
    assert opened.read(second, "csv")
    assert opened.catalogue.latest() == {ITEM: second}


def test_a_large_version_is_made_when_it_is_asked_for_and_then_kept(
    opened: SmallOpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_module, "ROWS_AT_ONCE", 2)
    opened.send(FIRST)
    version = opened.open_it()
    assert dict(version.files) == {}
    package = opened.read(version, "datapackage")
    opened.send({("990103", "2021"): 700})
    assert opened.read(version, "parquet")
    kept = opened.catalogue.find_version(ITEM, version.id)
    assert kept is not None
    assert set(kept.files) == {"csv", "datapackage", "parquet"}
    assert json.loads(package)["resources"][0]["hash"] == f"sha256:{kept.files['csv'].sha256}"
    assert pq.read_table(_path(opened, version, "parquet")).num_rows == 3
    with zipfile.ZipFile(_path(opened, version, "zip")) as archive:
        assert archive.read("data.csv") == opened.read(version, "csv")


def test_json_of_too_many_rows_is_not_to_be_had(opened: SmallOpen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_module, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(catalogue_module, "MOST_JSON_ROWS", 2)
    opened.send(FIRST)
    version = opened.open_it()
    assert "json" not in opened.catalogue.forms_of(version)
    with pytest.raises(NotKnown):
        opened.catalogue.file(ITEM, version.id, "json")


def test_rebuilding_the_books_gives_the_same_catalogue(opened: SmallOpen, tmp_path: Path) -> None:
    opened.send(FIRST)
    opened.open_it()
    fresh = Books.open(f"sqlite:///{tmp_path}/fresh.sqlite", [LAKE, ORGAN], opened.small.clock)
    rebuild(opened.small.books, fresh)
    assert fresh.state_hash() == opened.small.books.state_hash()
    fresh.close()


def test_a_crash_before_the_line_leaves_nothing_and_the_next_release_makes_it(
    opened: SmallOpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.send(FIRST)
    opened.open_it()

    def stop(self: Attachments, *_: object) -> None:
        raise OSError("the disk is gone")

    opened.small.send(write_csv({("990103", "2021"): 700}))
    with monkeypatch.context() as broken:
        broken.setattr(Attachments, "adopt", stop)
        with pytest.raises(OSError, match="the disk is gone"):
            opened.catalogue.release()
    assert opened.small.attachments.sweep(opened.small.books) == len(FORMS)
    assert [v.rows for v in opened.catalogue.versions(ITEM)] == [3]
    assert [v.rows for v in opened.catalogue.release()] == [4]


# -- what other readers make of the files -------------------------------------------------------------------------


def test_every_form_of_rows_holds_the_same(opened: SmallOpen) -> None:
    opened.send({**FIRST, ("990103", "2019"): 0})
    version = opened.open_it()
    expected = [
        ("990103000000", "2019", 0, None),
        ("990101000000", "2020", 10_000, None),
        ("990102000000", "2020", 20_050, None),
        ("990101000000", "2021", 12_000, None),
    ]
    paths = {form: _path(opened, version, form) for form in FORMS}
    for form, reader in (("parquet", "read_parquet"), ("csv", "read_csv"), ("json", "read_json")):
        how = ", all_varchar=true" if form == "csv" else ""
        found = duckdb.sql(
            f"SELECT region, period, amount_fen::BIGINT, note FROM {reader}('{paths[form]}'{how})"
        ).fetchall()  # type: ignore[index]
        said = [(str(region).zfill(12), str(period)[:4], fen, note) for region, period, fen, note in found]
        assert said == expected, form
    frame = pd.read_csv(paths["csv"], dtype={"region": str, "period": str})
    assert list(frame["amount_fen"]) == [row[2] for row in expected]
    assert list(frame.columns) == list(version.fields)
    assert [row["region"] for row in json.loads(paths["json"].read_text())] == [row[0] for row in expected]


def test_the_archive_holds_the_rows_and_all_that_is_said_of_them(opened: SmallOpen) -> None:
    opened.send(FIRST)
    version = opened.open_it()
    with zipfile.ZipFile(_path(opened, version, "zip")) as archive:
        assert archive.namelist() == ["data.csv", "datapackage.json", "data.csv-metadata.json", "README.md"]
        for form in ("csv", "datapackage", "csvw"):
            assert archive.read(FILE_NAMES[form]) == opened.read(version, form), form  # type: ignore[index, arg-type]
        page = archive.read("README.md").decode()
    assert version.id in page
    assert version.files["csv"].sha256 in page


def test_coverage_and_counts_are_found_in_the_data(opened: SmallOpen) -> None:
    opened.small.send(write_csv(FIRST) + "990199,2021,1.00\n")
    version = opened.open_it()
    assert (version.coverage.start, version.coverage.end) == ("2020-01-01", "2021-12-31")
    assert (version.coverage.newest, version.coverage.regions) == ("2021", 2)
    assert version.coverage.region == "990100000000"
    assert count_landings(opened.small.lake, [ITEM]) == {"files": 1, "landed": 3, "refused": 1, "corrected": 0}


# -- what a place opens on its own word -------------------------------------------------------------------------------


def test_a_place_opens_what_it_declares_once(opened: SmallOpen, tmp_path: Path) -> None:
    opened.send(FIRST)
    path = tmp_path / "open.toml"
    path.write_text(f'["{ITEM}"]\ndomain = "finance"\nlicence = "CC0-1.0"\nwhy = "published"\n', encoding="utf-8")
    declared, findings = read_open(path)
    assert not findings
    assert open_declared(opened.catalogue, declared) == []
    item = opened.catalogue.get(ITEM)
    assert (item.state, item.domain.id, item.moves[1].by) == ("open", "finance", PLACE)
    opened.catalogue.move(ITEM, "withdraw", reader=CHIEF, why="not any more")
    assert open_declared(opened.catalogue, declared) == []
    assert opened.catalogue.get(ITEM).state == "withdrawn"


def test_a_wrong_declaration_says_file_and_line(opened: SmallOpen, tmp_path: Path) -> None:
    path = tmp_path / "open.toml"
    path.write_text(
        f'["{ITEM}"]\ndomain = "weather"\nwhy = "so"\ncolour = "red"\n\n["farm.moon"]\nwhy = "so"\n', encoding="utf-8"
    )
    declared, findings = read_open(path)
    assert sorted(finding.where for finding in findings) == ["open.toml:2", "open.toml:4"]
    opened.with_fields(note="L2")
    against = open_declared(opened.catalogue, declared)
    assert [(f.kind, f.where) for f in against] == [
        ("catalogue.level", "open.toml:1"),
        ("catalogue.licence", "open.toml:1"),
        ("catalogue.unknown", "open.toml:6"),
    ]
    assert opened.catalogue.list_items() == []
    assert read_open(tmp_path / "none.toml") == ([], [])


def _path(opened: SmallOpen, version: Version, form: Form) -> Path:
    found = opened.catalogue.file(ITEM, version.id, form)
    assert not isinstance(found, Withheld)
    return found.path


def _last_seq(opened: SmallOpen) -> int:
    with opened.small.books.read() as tx:
        return tx.last_seq()
