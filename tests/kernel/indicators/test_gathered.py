"""Gathered numbers against plain SQL over the same files: sums, shares, distinct counts, percentiles, in every map."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.hub_numbers import (
    ALL,
    AMOUNT,
    BROKEN,
    CITY,
    COUNTIES,
    HALVED,
    JOINT,
    MOVED,
    MOVER,
    ONE,
    OTHER,
    P90,
    PART_HERE,
    PART_THERE,
    PERSONS,
    PERSONS_NOW,
    SHARE_ONE,
    SHARE_TWO,
    SHARED,
    SPLIT,
    TOWNS,
    VILLAGES,
    VISITS,
    HubNumbers,
    gathered,
    make_rows,
    next_day,
)
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators import CELL_TABLE, CellKey
from yucun.kernel.indicators.model import Cell

ROWS = 200_000
MONTHS = [f"{year}-{month:02d}" for year in (2020, 2021) for month in range(1, 13)]
PERIODS = [*MONTHS, "2020Q1", "2020Q3", "2021Q1", "2021Q3", "2020", "2021"]
REGIONS = [CITY, *COUNTIES, *TOWNS, *VILLAGES, JOINT, PART_HERE]
# Where a row's village lay on the row's own day, in the map of mid-2020, and in that of 2022: written out by hand.
TOWN_THEN_AND_THERE = (
    f"CASE WHEN village = '{MOVER}' AND day >= DATE '{MOVED}' THEN '{TOWNS[2]}' ELSE left(village, 9) END"
)
VILLAGE_IN_2020 = f"""CASE WHEN village IN ('{PART_HERE}', '{PART_THERE}') THEN '{BROKEN}'
    WHEN village LIKE '{TOWNS[3]}12_' THEN '{HALVED}' WHEN village IN ('{SHARE_ONE}', '{SHARE_TWO}') THEN '{SHARED}'
    ELSE village END"""
TOWN_IN_2020 = f"left({VILLAGE_IN_2020}, 9)"
VALUES = {
    "visits": "count(*)",
    "amount": "sum(amount_fen)",
    "care_share": "count(*) FILTER (WHERE domain = 'care') * 10000, count(*)",
    "mean_amount": "sum(amount_fen) FILTER (WHERE domain = 'health'), count(amount_fen) FILTER (WHERE domain = 'health')",
    "persons": "count(DISTINCT person)",
    "amount_p90": "(list_sort(list(amount_fen) FILTER (WHERE amount_fen IS NOT NULL)))[ceil(count(amount_fen) * 9 / 10)::INT]",
    "minutes_p50": "(list_sort(list(minutes) FILTER (WHERE minutes IS NOT NULL)))[ceil(count(minutes) / 2)::INT]",
    "per_person": "count(*), count(DISTINCT person)",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubNumbers]:
    """Two hundred thousand rows, and all kinds of numbers over them."""
    made = HubNumbers.open(tmp_path_factory.mktemp("hub"))
    made.put(make_rows(ROWS), "first")
    yield made
    made.books.close()


def within(period: str) -> str:
    found = Period.parse(period)
    return f"day BETWEEN DATE '{found.start}' AND DATE '{found.end}'"


def in_region(region: str, town: str = TOWN_THEN_AND_THERE, village: str = "village") -> str:
    digits = region.rstrip("0") if len(region) == 6 else region
    return f"{village} = '{region}'" if len(region) == 12 else f"({town}) LIKE '{digits}%'"


def ask_sql(hub: HubNumbers, name: str, where: str) -> Fraction | None:
    """The number as plain SQL says it, in the kept unit; None where there is nothing to count."""
    found = hub.asked_row(f"SELECT {VALUES[name]} FROM {{rows}} WHERE {where}")
    if found[-1] in (0, None):
        return None
    amounts = [Fraction(str(value)) for value in found if value is not None]
    return amounts[0] / amounts[1] if len(amounts) == 2 else amounts[0]


def cell_of(hub: HubNumbers, name: str, region: str, period: str) -> Cell | None:
    key = CellKey(f"hub.{name}", RegionCode.parse(region), Period.parse(period))
    return hub.numbers.find_cell(key, hub.numbers.ask())


def amount(cell: Cell | None, scale: int = 1) -> Fraction | None:
    if cell is None:
        return None
    assert not cell.trouble, cell
    if cell.measure is not None:
        return Fraction(str(cell.measure))
    assert cell.numerator is not None
    assert cell.denominator is not None
    return Fraction(cell.numerator * scale, cell.denominator)


@pytest.mark.parametrize("name", VALUES)
def test_every_kind_equals_plain_sql(hub: HubNumbers, name: str) -> None:
    chance = random.Random(name)
    for _ in range(8):
        region, period = chance.choice(REGIONS), chance.choice(PERIODS)
        ours = amount(cell_of(hub, name, region, period), 10_000 if name == "care_share" else 1)
        assert ours == ask_sql(hub, name, f"{within(period)} AND {in_region(region)}"), (region, period)


@pytest.mark.parametrize("name", ["visits", "amount", "care_share", "mean_amount"])
def test_what_adds_up_is_asked_in_the_map_of_any_day(hub: HubNumbers, name: str) -> None:
    chance = random.Random(name)
    asked = [(r, p) for r in (CITY, *COUNTIES, *TOWNS, BROKEN, HALVED, MOVER, SHARED) for p in PERIODS]
    for region, period in chance.sample(asked, 8):
        value = hub.numbers.value(
            f"hub.{name}", RegionCode.parse(region), Period.parse(period), in_map_of=date(2020, 6, 30)
        )
        where = f"{within(period)} AND {in_region(region, TOWN_IN_2020, VILLAGE_IN_2020)}"
        expected = ask_sql(hub, name, where)
        scale = 10_000 if name == "care_share" else 1
        assert value.mark is None, (value.mark, region, period)
        assert Fraction(value.parts["numerator"] * scale) / Fraction(value.parts["denominator"]) == expected


def test_distinct_counts_and_percentiles_are_kept_in_a_past_map(hub: HubNumbers) -> None:
    for region in (CITY, *COUNTIES, *TOWNS, BROKEN, HALVED, SHARED):
        for period in ("2021-03", "2021-07", "2021Q3", "2021"):
            where = f"{within(period)} AND {in_region(region, TOWN_IN_2020, VILLAGE_IN_2020)}"
            assert amount(cell_of(hub, "persons_then", region, period)) == ask_sql(hub, "persons", where)


def test_a_split_without_a_source_is_not_known_below_and_known_above(hub: HubNumbers) -> None:
    march = Period.parse("2021-03")
    for name in ("persons_now", "p90_now"):
        for town in TOWNS[2:]:
            cell = cell_of(hub, name, town, "2021-03")
            assert cell is not None
            assert (cell.trouble, cell.numerator) == ("split", cell.numerator)
            value = hub.numbers.value(f"hub.{name}", RegionCode.parse(town), march)
            assert value.mark is not None
            assert (value.mark.kind, value.shown) == ("not_known", "")
        plain = "persons" if name == "persons_now" else "amount_p90"
        there = f"(left(village, 6) = '{COUNTIES[1]}' OR village = '{MOVER}')"
        county = ask_sql(hub, plain, f"{within('2021-03')} AND {there}")
        assert amount(cell_of(hub, name, COUNTIES[1], "2021-03")) == county
        # After the change the parts are their own.
        after = ask_sql(hub, plain, f"{within('2021-08')} AND village = '{PART_HERE}'")
        assert amount(cell_of(hub, name, PART_HERE, "2021-08")) == after
    asked = hub.numbers.value("hub.amount", RegionCode.parse(PART_HERE), march, in_map_of=date(2022, 1, 1))
    assert asked.mark is not None
    assert asked.mark.kind == "not_known"
    assert "份额没有公布来源" in asked.mark.reason.zh
    # In the month of the change itself the rows of before and after cannot be told apart by a cell.
    county = hub.numbers.value(
        "hub.amount", RegionCode.parse(COUNTIES[1]), Period.parse("2021-07"), in_map_of=date(2022, 1, 1)
    )
    assert county.parts["numerator"] == ask_sql(hub, "amount", f"{within('2021-07')} AND {in_region(COUNTIES[1])}")


def test_a_sourced_split_shares_out_to_the_last_one(hub: HubNumbers) -> None:
    for period in ("2021-03", "2020", "2020Q3"):
        parts = [
            hub.numbers.value("hub.amount", RegionCode.parse(v), Period.parse(period), in_map_of=date(2022, 1, 1))
            for v in (SHARE_ONE, SHARE_TWO)
        ]
        whole = ask_sql(hub, "amount", f"{within(period)} AND village = '{SHARED}'")
        assert sum(int(p.parts["numerator"]) for p in parts) == whole
        assert parts[0].parts["numerator"] == pytest.approx(float(whole or 0) * 3 / 4, abs=1)


def test_villages_that_became_one_are_added_up_in_the_later_map(hub: HubNumbers) -> None:
    joint = hub.numbers.value("hub.visits", RegionCode.parse(JOINT), Period.year(2020), in_map_of=date(2022, 1, 1))
    assert joint.parts["numerator"] == ask_sql(hub, "visits", f"{within('2020')} AND village IN ('{ONE}', '{OTHER}')")
    # The other way the joint village's records cannot be told apart.
    one = hub.numbers.value("hub.visits", RegionCode.parse(ONE), Period.year(2021), in_map_of=date(2020, 6, 30))
    assert one.mark is not None
    assert one.mark.kind == "not_known"


def test_totals_agree_over_levels_and_periods(hub: HubNumbers) -> None:
    for name in ("visits", "amount"):
        for period in ("2020", "2021", "2021-03", "2021-07"):
            city = cell_of(hub, name, CITY, period)
            towns = [cell_of(hub, name, t, period) for t in TOWNS]
            assert city is not None
            assert city.numerator == sum(t.numerator or 0 for t in towns if t is not None)
        year = cell_of(hub, name, TOWNS[0], "2021")
        months = [cell_of(hub, name, TOWNS[0], f"2021-{m:02d}") for m in range(1, 13)]
        assert year is not None
        assert year.numerator == sum(m.numerator or 0 for m in months if m is not None)
        assert year.records == sum(m.records for m in months if m is not None)


# -- refreshing in part ---------------------------------------------------------------------------------------------

SOME = VISITS + AMOUNT + PERSONS + P90 + PERSONS_NOW


def all_cells(hub: HubNumbers) -> dict[CellKey, Cell]:
    question = hub.numbers.ask()
    return {
        CellKey(name, RegionCode(region), Period.parse(text)): cell
        for name in hub.numbers.indicators
        for (region, text), cell in hub.numbers.sheet(name, question).cells.items()
    }


@pytest.mark.parametrize("grain", ["year", "month"])
def test_a_day_more_is_counted_as_if_all_had_come_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grain: str
) -> None:
    monkeypatch.setattr(import_module("yucun.kernel.indicators.refresh"), "FEW_ROWS", 0)
    for module in ("cellparts", "records", "refresh"):
        monkeypatch.setattr(import_module(f"yucun.kernel.indicators.{module}"), "MOST_IN_ONE", 500)
    monkeypatch.setattr(import_module("yucun.kernel.indicators.cellparts"), "GROUP_ROWS", 64)
    change = gathered("change", 'kind = "change"\nof = "visits"', "record").replace('rows_of = "village"\n', "")
    toml = SOME + change.replace(', "quarter", "year"]', "]")
    (tmp_path / "parts").mkdir()
    (tmp_path / "whole").mkdir()
    made = HubNumbers.open(tmp_path / "parts", toml, grain)
    made.put(make_rows(30_000), "first")
    before = {f.part for f in made.lake.files(CELL_TABLE)}
    assert {"hub.visits@2020", "hub.visits@2021", "hub.visits@2022", "hub.change@2021"} <= before
    more = next_day(600)
    day = made.put(more, "more")
    # A correction rewrites whole files; only what differs counts as changed.
    wrong = make_rows(30_000).slice(100, 5)
    right = wrong.set_column(wrong.column_names.index("amount_fen"), "amount_fen", pa.array([7] * 5, pa.int64()))
    corrected = made.put(right, "corrected")
    assert day is not None
    assert corrected is not None
    years = set(pc.unique(pc.year(pa.concat_tables([more, right])["day"])).to_pylist())
    partitions = {f"{y}" for y in years}
    touched = sum(f.size for f in made.files() if f.part[:4] in partitions)
    cells = sum(f.size for f in made.lake.files(CELL_TABLE))
    assert 0 < day.bytes_opened <= 3 * day.bytes_added + touched + 2 * cells
    if grain == "month":
        assert day.bytes_opened - 2 * cells < touched
    assert made.numbers.refresh().line is None
    whole = HubNumbers.open(tmp_path / "whole", toml, grain)
    kept = make_rows(30_000)
    rest = kept.filter(pc.invert(pc.is_in(kept["number"], right["number"].combine_chunks())))
    whole.put(pa.concat_tables([rest, more, right]), "all at once")
    assert all_cells(made) == all_cells(whole)
    made.books.close()
    whole.books.close()


def test_what_did_not_change_is_neither_read_nor_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("yucun.kernel.indicators.refresh"), "FEW_ROWS", 0)
    monkeypatch.setattr(import_module("yucun.kernel.indicators.cellparts"), "MOST_IN_ONE", 100)
    made = HubNumbers.open(tmp_path, VISITS + PERSONS, "month")
    made.put(make_rows(5_000), "first")
    before = {f.part: f.name for f in made.lake.files(CELL_TABLE)}
    rows = next_day(40)
    done = made.put(rows.filter(pc.equal(pc.year(rows["day"]), 2022)), "more")
    after = {f.part: f.name for f in made.lake.files(CELL_TABLE)}
    assert {part for part in after if after[part] != before.get(part)} == {"hub.visits@2022", "hub.persons@2022"}
    assert done is not None
    files = [f for f in made.files() if f.part[:4] == "2022"]
    assert done.opened <= len(files) + 4
    early = made.numbers.value("hub.visits", RegionCode.parse(CITY), Period.year(2020))
    late = made.numbers.value("hub.visits", RegionCode.parse(CITY), Period.year(2022))
    assert early.as_of < late.as_of, "what did not change keeps its seq"
    made.books.close()


def test_a_compaction_moves_no_number(tmp_path: Path) -> None:
    made = HubNumbers.open(tmp_path, VISITS, "year")
    made.put(make_rows(3_000), "first")
    made.put(make_rows(3_000, start=5_000_000), "second")
    before = all_cells(made)
    files = made.lake.files("hub.visit", parts=["2021"])
    rows = made.lake.engine.run(made.lake.read(files, made.lake.schema("hub.visit")))
    swapped = made.lake.write_file("hub.visit", "2021", rows, "compacted")
    made.lake.commit("lake.compacted", "compacted:1", {"table": "hub.visit"}, [swapped], [f.name for f in files])
    assert made.numbers.refresh().written == ()
    assert all_cells(made) == before
    assert not made.numbers.prove(made.numbers.pick(20, seed=1)).differing
    made.books.close()


# -- why and trace --------------------------------------------------------------------------------------------------


def test_the_chain_of_a_large_cell_is_a_page(hub: HubNumbers) -> None:
    chain = hub.numbers.why("hub.amount", RegionCode.parse(CITY), Period.year(2021), limit=50)
    cell = cell_of(hub, "amount", CITY, "2021")
    assert cell is not None
    assert (chain.records, len(chain.rows), len(chain.files)) == (cell.records, 50, 1)
    assert chain.parts[0].records == cell.records
    assert all(row.fields["amount_fen"] is not None for row in chain.rows)
    assert len({(row.file, row.record) for row in chain.rows}) == 50
    persons = hub.numbers.why("hub.persons", RegionCode.parse(CITY), Period.year(2021), limit=5)
    assert persons.parts[0].shown == "900"


def test_every_gathered_value_can_be_had_again_from_its_rows(hub: HubNumbers) -> None:
    picked = hub.numbers.pick(120, seed=1)
    proof = hub.numbers.prove(picked)
    assert (proof.asked, proof.equal, proof.differing) == (120, 120, ())


def test_a_record_traces_to_every_cell_that_names_it(hub: HubNumbers) -> None:
    chain = hub.numbers.why("hub.amount", RegionCode.parse(VILLAGES[3]), Period.parse("2021-05"), limit=2)
    row = chain.rows[0]
    moved = hub.numbers.trace(row.file, row.record).moved
    # Village, town, county and city; month, quarter and year.
    assert len([k for k in moved if k.indicator == "hub.amount"]) == 12
    explainer, question = hub.numbers.explainer, hub.numbers.ask()
    for key in moved:
        names = explainer.leaf_rows([key], question, among=[(row.file, row.record)]).of([key])
        assert {name[1:] for name in names} == {(row.file, row.record)}, key


def test_a_cell_that_was_tampered_with_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = HubNumbers.open(tmp_path, VISITS)
    module = import_module("yucun.kernel.indicators.gathering")
    monkeypatch.setattr(module, "recount_cell", lambda *_: Fraction(1))
    made.put(make_rows(4_000), "first")
    troubles = [c.trouble for c in all_cells(made).values()]
    assert troubles.count("recount_differs") == module.SAMPLE
    made.books.close()


def test_missing_gathered_numbers_say_why(hub: HubNumbers) -> None:
    visits = hub.numbers.value("hub.visits", RegionCode.parse(CITY), Period.year(2015))
    assert visits.mark is not None
    assert visits.mark.kind == "not_known"
    newest = hub.numbers.value("hub.visits", RegionCode.parse(CITY))
    assert newest.period is not None
    assert newest.period.end >= date(2022, 5, 31)
    assert SPLIT.year == 2021
    assert ALL.count("rows_of") == len(hub.numbers.indicators)
