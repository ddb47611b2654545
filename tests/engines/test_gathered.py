"""Numbers whose villages also count in towns, counties and the city: landed, counted on, explained, on both engines.

Rows come by day under a map that changes; more rows and a correction follow, so that what came and went, kept cells,
distinct counts moved on, percentiles and numbers in a past map are all asked of Spark.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.engines.both import is_same
from tests.hub_numbers import CITY, MOVER, TOWNS, HubNumbers, gathered, make_rows, next_day
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators import CellKey
from yucun.kernel.indicators.model import Cell
from yucun.kernel.lake.engine import Engine

ROWS, DAY = 1_500, 60
FIRST = date(2021, 6, 1)
_VISIT = 'table = "visit"'
_KINDS = {
    "care_share": (
        f'kind = "ratio"\nnumerator = {{ {_VISIT}, take = "count", where = {{ domain = "care" }} }}\n'
        f'denominator = {{ {_VISIT}, take = "count" }}',
        "bp",
    ),
    "mean_amount": (f'kind = "mean"\nof = {{ {_VISIT}, field = "amount_fen" }}', "fen"),
    "persons": (f'kind = "distinct"\nof = {{ {_VISIT}, field = "person" }}', "person"),
    "minutes_p50": (f'kind = "percentile"\npercent = 50\nof = {{ {_VISIT}, field = "minutes" }}', "index"),
    "p90_then": (
        f'kind = "percentile"\npercent = 90\nin_map_of = 2022-01-01\nof = {{ {_VISIT}, field = "amount_fen" }}',
        "fen",
    ),
}
# Quarters, and the levels between, are the same expressions again.
ALL = "".join(gathered(n, b, u, '"village", "town", "city"', '"month", "year"') for n, (b, u) in _KINDS.items())
NUMBERS = tuple(f"hub.{name}" for name in _KINDS)
Hubs = tuple[HubNumbers, HubNumbers]


def make_first() -> pa.Table:
    """Rows of a year in which the map changes."""
    rows = make_rows(ROWS)
    return rows.filter(pc.greater_equal(rows["day"], pa.scalar(FIRST, pa.date32())))


def make_correction() -> pa.Table:
    """Five rows that were sent before, with another amount."""
    wrong = make_first().slice(100, 5)
    place = wrong.column_names.index("amount_fen")
    return wrong.set_column(place, "amount_fen", pa.array([7] * 5, pa.int64()))


def open_hub(folder: Path, engine: Engine) -> HubNumbers:
    """A table by year: first rows, then a day more with late rows and a correction among them; refreshed after each."""
    made = HubNumbers.open(folder, ALL, "year", engine=engine)
    made.put(make_first(), "first")
    done = made.put(pa.concat_tables([next_day(DAY), make_correction()]), "more")
    assert done is not None
    assert len(done.written) > 0
    return made


@pytest.fixture(scope="module")
def hubs(spark_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hubs]:
    """The same rows on DuckDB and on Spark, each refreshed in part from its own kept cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("yucun.kernel.indicators.refresh"), "FEW_ROWS", 0)
        folders = [tmp_path_factory.mktemp(name) for name in ("duckdb", "spark")]
        spark = Engine.open(spark_url, folders[1] / "lake")
        made = open_hub(folders[0], Engine(threads=1)), open_hub(folders[1], spark)
    yield made
    for hub in made:
        hub.lake.engine.close()
        hub.books.close()


def all_cells(hub: HubNumbers, name: str) -> dict[CellKey, Cell]:
    """Every kept cell of a number."""
    sheet = hub.numbers.sheet(name, hub.numbers.ask())
    return {CellKey(name, RegionCode(r), Period.parse(p)): cell for (r, p), cell in sheet.cells.items()}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_cell_is_the_same(hubs: Hubs, name: str) -> None:
    one, other = (all_cells(hub, name) for hub in hubs)
    assert one.keys() == other.keys()
    assert len(one) > 100
    for key, cell in one.items():
        found = other[key]
        for field in Cell.__dataclass_fields__:
            assert is_same(getattr(cell, field), getattr(found, field)), (key, field, cell, found)


@pytest.mark.parametrize("name", ["hub.care_share", "hub.mean_amount"])
def test_a_number_in_another_map_is_the_same(hubs: Hubs, name: str) -> None:
    for region in (CITY, TOWNS[0], MOVER):
        for text in ("2021-08", "2021"):
            one, other = (
                hub.numbers.value(name, RegionCode.parse(region), Period.parse(text), in_map_of=date(2020, 6, 30))
                for hub in hubs
            )
            assert (one.shown, one.parts, one.mark) == (other.shown, other.parts, other.mark)


@pytest.mark.parametrize("name", NUMBERS)
def test_what_lies_behind_a_cell_is_the_same(hubs: Hubs, name: str) -> None:
    told: list[Any] = []
    for hub in hubs:
        chain = hub.numbers.why(name, RegionCode.parse(CITY), Period.year(2021), limit=7)
        told.append((chain.records, chain.parts, chain.files, [(r.file, r.record, r.fields) for r in chain.rows]))
    assert told[0] == told[1]
    assert told[0][3]


def test_a_record_traces_to_the_same_cells(hubs: Hubs) -> None:
    moved = []
    for hub in hubs:
        row = hub.numbers.why("hub.mean_amount", RegionCode.parse(CITY), Period.year(2021), limit=1).rows[0]
        moved.append(set(hub.numbers.trace(row.file, row.record).moved))
    assert moved[0] == moved[1]
    assert len(moved[0]) > 10


def test_cells_prove_themselves_on_spark(hubs: Hubs) -> None:
    picked = hubs[1].numbers.pick(12, seed=1)
    proof = hubs[1].numbers.prove(picked)
    assert (proof.asked, proof.equal, proof.differing) == (12, 12, ())
