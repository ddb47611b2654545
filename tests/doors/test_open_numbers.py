"""Numbers by the open door: what a smallest cell hides in the pages and the API is hidden in every file and version."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.small_city import county, make_clerk, open_city, write_city
from yucun.base.errors import DeclarationError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.city import City
from yucun.kernel.access import AccessRules, Grant, Reader
from yucun.kernel.lake.catalogue import Terms, Version, Withheld

PERSONS = """
[ill]
title = { zh = "病例", en = "The ill" }
owner = { zh = "卫生局", en = "Health bureau" }
licence = { zh = "CC BY 4.0", en = "CC BY 4.0" }
key = ["region", "period", "person"]
partition = "period"
freshness = { every = "year", due_days = 90 }
example = { region = "990101", period = "2021", person = "a", persons = 1 }
[ill.fields.region]
type = "region"
title = { zh = "地区", en = "region" }
level = "L1"
[ill.fields.period]
type = "period"
title = { zh = "时期", en = "period" }
level = "L1"
[ill.fields.person]
type = "text"
title = { zh = "人", en = "person" }
level = "L3"
[ill.fields.persons]
type = "integer"
unit = "person"
title = { zh = "人数", en = "persons" }
level = "L1"
"""
NUMBER = """
[ill]
kind = "total"
title = { zh = "病人数", en = "The ill" }
meaning = { zh = "各县病人数", en = "The ill of each county" }
unit = "person"
direction = "lower"
levels = ["county", "city"]
periods = ["year"]
adds_up = true
smallest_cell = { k = 5, counts = "persons" }
check = { kind = "recount" }
[ill.of]
table = "ill"
field = "persons"
"""
ITEM, YEAR = "number.farm.ill", Period.year(2021)
# Persons in three counties: in the first version the second has too few.
FIRST, LATER = (40, 3, 20), (41, 30, 21)


@pytest.fixture
def city(tmp_path: Path) -> City:
    write_city(tmp_path)
    service = tmp_path / "services" / "farm"
    with (service / "contracts.toml").open("a", encoding="utf-8") as file:
        file.write(PERSONS)
    with (service / "indicators.toml").open("a", encoding="utf-8") as file:
        file.write(NUMBER)
    text = (service / "service.toml").read_text(encoding="utf-8")
    (service / "service.toml").write_text(
        text.replace('publishes = ["harvest"]', 'publishes = ["harvest", "ill"]'), encoding="utf-8"
    )
    return open_city(tmp_path)


def send(city: City, counts: tuple[int, ...]) -> None:
    """Land the ill of all counties, one row a person."""
    rows = ["region,period,person,persons"]
    rows += [f"9901{n + 1:02d},2021,p{n}-{i},1" for n, count in enumerate(counts) for i in range(count)]
    city.load("\n".join(rows).encode(), f"ill-{counts}.csv", "farm.ill", reader=make_clerk(city), correct=True)


def open_number(city: City) -> Version:
    """Open the number by two accounts."""
    rules = AccessRules.of_kernel()
    chief = Reader("chief", Text("负责人", "Chief"), (Grant(1, rules.roles["chief"], (city.place.region,)),))
    city.catalogue.move(ITEM, "draft", reader=make_clerk(city), why="asked for", terms=Terms(domain="health"))
    city.catalogue.move(ITEM, "approve", reader=chief, why="checked")
    city.catalogue.move(ITEM, "open", reader=chief, why="so")
    return city.catalogue.versions(ITEM)[0]


def read(city: City, version: Version) -> dict[str, tuple[float | None, str | None]]:
    """County to value and mark, from the Parquet file; the JSON file says the same."""
    parquet, as_json = (city.catalogue.file(ITEM, version.id, form) for form in ("parquet", "json"))
    assert not isinstance(parquet, Withheld)
    assert not isinstance(as_json, Withheld)
    rows = pq.read_table(parquet.path).to_pylist()
    assert json.loads(as_json.path.read_text(encoding="utf-8")) == rows
    return {row["region"][:6]: (row["number"], row["mark"]) for row in rows}


def test_what_a_page_hides_no_file_shows(city: City) -> None:
    send(city, FIRST)
    version = open_number(city)
    found = read(city, version)
    shown = {str(county(n))[:6]: city.value("farm.ill", county(n), YEAR) for n in range(3)}
    assert found == {region: (v.number, v.mark.kind if v.mark else None) for region, v in shown.items()}
    assert found["990102"] == (None, "hidden")
    assert version.coverage.marks["hidden"] == sum(mark == "hidden" for _, mark in found.values()) >= 1
    csv = city.catalogue.file(ITEM, version.id, "csv")
    assert not isinstance(csv, Withheld)
    assert b",3," not in csv.path.read_bytes()


def test_a_later_version_does_not_change_an_earlier_one(city: City) -> None:
    send(city, FIRST)
    first = open_number(city)
    before = read(city, first)
    send(city, LATER)
    second = city.catalogue.versions(ITEM)[0]
    assert second.seq > first.seq
    assert read(city, first) == before
    shown = city.value("farm.ill", county(0), YEAR)
    assert read(city, second)["990101"] == (shown.number, shown.mark.kind if shown.mark else None)


def test_the_table_of_people_itself_stays_in(city: City) -> None:
    send(city, FIRST)
    terms = Terms(domain="health", treatment="open_fields", fields=("region", "period"))
    city.catalogue.move("farm.ill", "draft", reader=make_clerk(city), why="asked for", terms=terms)
    rules = AccessRules.of_kernel()
    chief = Reader("chief", Text("负责人", "Chief"), (Grant(1, rules.roles["chief"], (city.place.region,)),))
    with pytest.raises(DeclarationError) as error:
        city.catalogue.move("farm.ill", "approve", reader=chief, why="so")
    assert [f.kind for f in error.value.findings] == ["catalogue.persons"]
