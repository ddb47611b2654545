"""Huzhou as it ships: its regions, its tile maps, and every typed figure with its source."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import yucun
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.lake.checking import check_rows
from yucun.kernel.lake.contract import Contract, read_contracts
from yucun.kernel.lake.reading import read_file
from yucun.kernel.registry import Figures, Place, TileMap, read_place

PACKAGE = Path(yucun.__file__).parent
EVIDENCE = {"seen", "press", "unverified", "computed", "law"}
# Typed once more from the facts, as a check on the typing: the 11 cities and the province, January to September 2020.
INCOMES_2020 = {
    "330000": (40121, 47545, 25505), "330100": (48735, 54754, 29439), "330200": (46519, 52402, 31816),
    "330300": (41412, 48689, 25008), "330400": (42230, 48442, 32532), "330500": (39102, 46096, 28922),
    "330600": (44687, 52121, 31684), "330700": (38828, 46827, 24177), "330800": (28978, 37663, 20093),
    "330900": (42264, 49216, 27898), "331000": (39089, 48255, 25006), "331100": (28778, 37195, 17860),
}  # fmt: skip
NEIGHBOURS = {
    "吴兴区南浔区",
    "吴兴区德清县",
    "吴兴区长兴县",
    "吴兴区安吉县",
    "南浔区德清县",
    "德清县安吉县",
    "长兴县安吉县",
}


@pytest.fixture(scope="module")
def place() -> Place:
    return read_place(PACKAGE / "places" / "huzhou")


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    found = {}
    for service in ("prosperity", "people", "hotline"):
        read, findings = read_contracts(PACKAGE / "services" / service / "contracts.toml", service)
        assert not findings
        others = ("people.margin", "hotline.answer")
        found |= {one.name: one for one in read if service == "prosperity" or one.name in others}
    return found


def rows_of(figures: Figures) -> list[dict[str, str]]:
    with figures.path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows_on(place: Place, table: str, day: date | None = None) -> list[dict[str, str]]:
    return [row for f in place.figures_on(day or place.today) if f.table == f"prosperity.{table}" for row in rows_of(f)]


def test_the_regions_are_those_of_the_prefecture(place: Place) -> None:
    counted = {
        level: len(place.regions.at_level(level, within))
        for level, within in (
            ("city", RegionCode.parse("33")),
            ("county", place.region),
            ("town", place.region),
            ("village", place.region),
        )
    }
    assert counted == {"city": 11, "county": 5, "town": 72, "village": 1301}
    towns = Counter(place.regions.get(town.parent).name.zh for town in place.regions.at_level("town") if town.parent)
    assert towns == {"吴兴区": 19, "南浔区": 10, "德清县": 13, "长兴县": 15, "安吉县": 15}


def test_every_row_can_be_read(place: Place) -> None:
    listed = {path.name for path in (place.folder / "figures").glob("*.csv")}
    assert listed == {figures.name for figures in place.figures}
    for figures in place.figures:
        rows = rows_of(figures)
        assert rows
        for row in rows:
            assert None not in row
            assert "region" not in row or place.regions.find(RegionCode.parse(row["region"])), row
            assert row["source"] in place.sources, row
            assert row.get("evidence", "press") in EVIDENCE, row
            assert not row.get("period") or Period.find(row["period"]), row


def test_every_source_is_used_and_addressed(place: Place) -> None:
    used = {row["source"] for figures in place.figures for row in rows_of(figures)}
    assert used == set(place.sources)
    bare = {source.id for source in place.sources.values() if not source.address and source.seen_as != "not_kept"}
    assert bare == {"xiaoshan-net-2022-06-21"}


def test_press_figures_come_from_the_feature_and_unverified_ones_from_nowhere_kept(place: Place) -> None:
    for figures in place.figures:
        for row in rows_of(figures):
            source, evidence = place.sources[row["source"]], row.get("evidence", "press")
            assert (source.seen_as == "feature") == (evidence == "press"), row
            assert evidence != "unverified" or source.seen_as == "not_kept", row
            assert evidence != "computed" or source.note.zh, row


def test_the_city_does_not_know_the_future(place: Place) -> None:
    known = {figures.name for figures in place.figures_on(place.today)}
    assert all(not name.endswith("_later.csv") for name in known)
    assert {f.name for f in place.figures_on(date(2022, 6, 21))} - known == {"target_later.csv", "task_later.csv"}
    for figures in place.figures:
        if figures.table in ("prosperity.target", "hotline.answer"):
            continue
        day = figures.known_from or place.today
        if figures.table == "prosperity.task":
            assert all(date.fromisoformat(row["done_on"]) <= day for row in rows_of(figures) if row["done_on"])
            continue
        ends = [Period.parse(row.get("period") or row["printed"]).end for row in rows_of(figures)]
        assert max(ends) <= day, figures.name


def test_no_cell_is_typed_twice(place: Place, contracts: dict[str, Contract]) -> None:
    for table, contract in contracts.items():
        cells = Counter(
            tuple(row.get(name, "") for name in contract.key)
            for figures in place.figures
            if figures.table == table
            for row in rows_of(figures)
        )
        assert [cell for cell, times in cells.items() if times > 1] == []


def test_every_table_lands_whole(place: Place, contracts: dict[str, Contract]) -> None:
    landed: dict[str, list[dict[str, object]]] = {}
    for figures in place.figures:
        contract = contracts[figures.table]
        reading = read_file(figures.path.read_bytes(), figures.name, contract)
        checked = check_rows(reading.rows, contract, place.regions, figures.known_from or place.today, reading.columns)
        assert (reading.refused.to_pylist(), checked.refused.to_pylist(), checked.repeated) == ([], [], 0), figures.name
        assert checked.good.num_rows == len(rows_of(figures))
        landed.setdefault(figures.table, []).extend(checked.good.to_pylist())
    gdp = [row["gdp_fen"] for row in landed["prosperity.gdp"] if row["period"] == "2021"]
    assert sum(gdp) == 735_149_700_000_000  # type: ignore[arg-type]
    people = {(row["region"], row["concept"], row["period"]): row["persons"] for row in landed["prosperity.population"]}
    assert people["330100000000", "resident_year_end", "2021-12-31"] == 12_204_000
    assert people["330000000000", "census", "2020-11-01"] == 64_567_588
    income = {
        (row["region"], row["residence"], row["period"]): row["income_fen"] for row in landed["prosperity.income"]
    }
    assert income["330500000000", "urban", "2021"] == 6_798_300
    growth = {
        (row["region"], row["residence"], row["period"]): row["growth_bp"] for row in landed["prosperity.income_growth"]
    }
    assert growth["330500000000", "rural", "2021"] == 1_090
    assert {row["region"]: row["score_point_1e2"] for row in landed["prosperity.feelings"]} == {
        "330500000000": 8513,
        "330000000000": 8338,
    }


def test_examples_are_rows_that_would_land(place: Place, contracts: dict[str, Contract]) -> None:
    for contract in contracts.values():
        assert set(contract.example) <= {field.name for field in contract.fields}
        assert all(contract.example.get(name) for name in contract.key)
        required = {field.name for field in contract.fields if field.required}
        assert required <= set(contract.example), contract.name
        assert "region" not in contract.example or place.regions.find(RegionCode.parse(str(contract.example["region"])))


@pytest.mark.data("statistics")
@pytest.mark.parametrize(
    ("file", "table", "rows"),
    [
        ("zhejiang_cities_income_2020q3.csv", "income", 36),
        ("zhejiang_cities_income_2020q3.csv", "income_growth", 36),
        ("zhejiang_northeast_cities_2015.csv", "income", 12),
        ("zhejiang_northeast_cities_2015.csv", "gdp", 6),
    ],
)
def test_the_wide_sheets_of_others_land_as_the_same_figures(
    data_folder: Path, place: Place, contracts: dict[str, Contract], file: str, table: str, rows: int
) -> None:
    """What is typed here and what was transcribed there must be one and the same."""
    contract = contracts[f"prosperity.{table}"]
    value = next(field.name for field in contract.fields if field.type == "integer")

    def land(content: bytes, name: str) -> dict[tuple[object, ...], object]:
        reading = read_file(content, name, contract)
        good = check_rows(reading.rows, contract, place.regions, place.today, reading.columns).good.to_pylist()
        return {tuple(row[part] for part in contract.key): row[value] for row in good}

    theirs = land((data_folder / "statistics" / file).read_bytes(), file)
    typed = land((place.folder / "figures" / f"{table}.csv").read_bytes(), f"{table}.csv")
    assert len(theirs) == rows
    assert theirs.items() <= typed.items()


def test_incomes_are_those_of_the_monthly(place: Place) -> None:
    rows: dict[str, tuple[int, ...]] = {}
    for row in rows_on(place, "income"):
        if row["period"] == "2020-01..09":
            rows[row["region"]] = (*rows.get(row["region"], ()), int(row["income_yuan"]))
    assert rows == INCOMES_2020


def test_spot_values(place: Place) -> None:
    income = {(r["region"], r["period"], r["residence"]): r["income_yuan"] for r in rows_on(place, "income")}
    assert (income["330500", "2021", "urban"], income["330500", "2021", "rural"]) == ("67983", "41303")
    assert (income["330000", "2020", "urban"], income["330000", "2020", "rural"]) == ("62699", "31930")
    growth = {(r["region"], r["period"], r["residence"]): r["growth_pct"] for r in rows_on(place, "income_growth")}
    assert [growth["331100", "2020-01..09", kind] for kind in ("all", "urban", "rural")] == ["5.9", "3.7", "7.1"]
    feelings = {r["region"]: Decimal(r["score"]) for r in rows_on(place, "feelings")}
    published = {(r["region"], r["period"], r["indicator"]): r["value"] for r in rows_on(place, "published")}
    assert feelings["330500"] - feelings["330000"] == Decimal(published["330500", "2021", "prosperity.feelings_lead"])
    assert published["330500", "2021", "prosperity.urban_rural_ratio"] == "1.65"


def test_gdp_of_the_eleven_cities_adds_up(place: Place) -> None:
    rows = [r for r in rows_on(place, "gdp") if r["period"] == "2021"]
    assert len(rows) == 11
    assert sum(Decimal(r["gdp_100m_yuan"]) for r in rows) == Decimal("73514.97")
    growth = {r["region"]: r["growth_pct"] for r in rows_on(place, "gdp_growth") if r["period"] == "2021"}
    assert (len(growth), growth["330500"]) == (11, "9.5")


def test_people_of_the_counties_add_up_with_the_area_counted_apart(place: Place) -> None:
    people = {
        (r["region"], r["concept"]): Decimal(r["persons"].removesuffix("万人"))
        for r in rows_on(place, "population")
        if r["period"] == "2021-12-31"
    }
    for kind, whole in (("", Decimal("340.7")), ("urban_", Decimal("224.9"))):
        counties = [people[code, f"{kind}resident_year_end"] for code in ("330503", "330521", "330522", "330523")]
        apart = people["330502", f"{kind}resident_year_end_rest"] + people["330500", f"{kind}resident_year_end_apart"]
        assert sum(counties) + apart == people["330500", f"{kind}resident_year_end"] == whole
        # The figure of Wuxing leaves an area out, so it must never pass for the whole district's.
        assert ("330502", f"{kind}resident_year_end") not in people
    assert people["330500", "urban_resident_year_end"] + people["330500", "rural_resident_year_end"] == Decimal("340.7")


def test_the_dimensions_that_nobody_published_ship_no_rows(place: Place, contracts: dict[str, Contract]) -> None:
    assert set(contracts["prosperity.dimension"].get_field("dimension").codes or ()) == {
        "environment",
        "services",
        "factors",
        "digital",
    }
    assert rows_on(place, "dimension", date(2099, 1, 1)) == []


def test_press_figures_agree_with_what_is_shown_beside_ours(place: Place) -> None:
    press = {row["claim"]: row["value"] for row in rows_on(place, "press")}
    published = {(r["region"], r["period"], r["indicator"]): r["value"] for r in rows_on(place, "published")}
    assert press["ratio"] == published["330500", "2021", "prosperity.urban_rural_ratio"]
    assert press["feelings-lead"] == published["330500", "2021", "prosperity.feelings_lead"]
    assert press["feelings-rank"] == published["330500", "2021", "prosperity.feelings_rank"]
    assert press["feelings-score"] == next(r["score"] for r in rows_on(place, "feelings") if r["region"] == "330500")


def neighbours(tilemap: TileMap) -> set[tuple[RegionCode, RegionCode]]:
    at = {(tile.column, tile.row): tile.region for tile in tilemap.tiles}
    return {
        (code, at[x + dx, y + dy])
        for (x, y), code in at.items()
        for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1))
        if (x + dx, y + dy) in at
    }


def is_connected(codes: set[RegionCode], beside: set[tuple[RegionCode, RegionCode]]) -> bool:
    reached, waiting = set(), [next(iter(codes))]
    while waiting:
        code = waiting.pop()
        if code not in reached:
            reached.add(code)
            waiting += [other for one, other in beside if one == code and other in codes]
    return reached == codes


@pytest.mark.parametrize(("name", "cells"), [("towns", 72), ("cities", 11)])
def test_a_tile_map_has_each_region_once_and_no_hole(place: Place, name: str, cells: int) -> None:
    tilemap = place.tilemaps[name]
    assert "示意" in tilemap.title.zh
    assert "schematic" in tilemap.title.en
    assert len({tile.region for tile in tilemap.tiles}) == len({(t.column, t.row) for t in tilemap.tiles}) == cells
    assert is_connected({tile.region for tile in tilemap.tiles}, neighbours(tilemap))
    for x in range(tilemap.columns):
        assert is_run([tile.row for tile in tilemap.tiles if tile.column == x])
    for y in range(tilemap.rows):
        assert is_run([tile.column for tile in tilemap.tiles if tile.row == y])


def is_run(numbers: list[int]) -> bool:
    return sorted(numbers) == list(range(min(numbers), max(numbers) + 1))


def test_counties_lie_as_they_do(place: Place) -> None:
    tilemap = place.tilemaps["towns"]
    county = {tile.region: place.regions.get(tile.region).parent for tile in tilemap.tiles}
    beside = neighbours(tilemap)
    for code in {parent for parent in county.values() if parent}:
        assert is_connected({town for town, parent in county.items() if parent == code}, beside)
    titles = {code: place.regions.get(code).name.zh for code in county.values() if code}
    touching = {
        frozenset((titles[a], titles[b]))
        for one, other in beside
        if (a := county[one]) != (b := county[other]) and a and b
    }
    assert touching == {frozenset((pair[:3], pair[3:])) for pair in NEIGHBOURS}
    middle = {
        name: tuple(sum(getattr(t, axis) for t in tiles) / len(tiles) for axis in ("column", "row"))
        for code, name in titles.items()
        if (tiles := [t for t in tilemap.tiles if county[t.region] == code])
    }
    by_west, by_north = (sorted(middle, key=lambda name, i=i: middle[name][i]) for i in (0, 1))
    assert (by_west[:2], by_west[-1]) == (["安吉县", "长兴县"], "南浔区")
    assert (by_north[0], by_north[-1]) == ("长兴县", "德清县")
