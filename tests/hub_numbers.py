"""A made-up hub table of villages over two and a half years, whose map changes under it, and the numbers over it.

Rows are put into the lake as a landing leaves them, without reading a file, so that hundreds of thousands take a moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tests.made_numbers import MadeNumbers
from yucun.base.clock import SimulatedClock
from yucun.base.identity import Level, RegionCode
from yucun.base.text import Text
from yucun.kernel.books import Attachments, Books
from yucun.kernel.indicators import CELL_TABLE, Indicator, Numbers, link_indicators, make_cell_contract, read_indicators
from yucun.kernel.indicators.refresh import Refreshed
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract, read_contracts
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import ORGAN as LAKE
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry import ORGAN as REGISTRY
from yucun.kernel.registry import Region, Regions, Succession
from yucun.kernel.registry.model import BEGINNING

TODAY = date(2022, 5, 31)
TABLE = "hub.visit"
FIRST_DAY, DAYS = date(2020, 1, 1), 882
# The map changes within a month, at a year's beginning, and within another month.
MOVED, MERGED, SPLIT = date(2021, 3, 16), date(2021, 1, 1), date(2021, 7, 10)
PROVINCE, CITY, COUNTIES = "990000", "990100", ("990101", "990102")
TOWNS = tuple(f"{county}{n:03d}" for county in COUNTIES for n in (1, 2))
VILLAGES = tuple(f"{town}{n:03d}" for town in TOWNS for n in range(1, 6))
# A village that moves to another town, two that become one, one that is split between towns, and one within its town.
MOVER, ONE, OTHER, JOINT = VILLAGES[0], VILLAGES[5], VILLAGES[6], f"{TOWNS[1]}101"
BROKEN, PART_HERE, PART_THERE = VILLAGES[12], f"{TOWNS[2]}111", f"{TOWNS[3]}111"
HALVED, HALF_ONE, HALF_TWO = VILLAGES[17], f"{TOWNS[3]}121", f"{TOWNS[3]}122"
SHARED, SHARE_ONE, SHARE_TWO = VILLAGES[18], f"{TOWNS[3]}131", f"{TOWNS[2]}131"

CONTRACT = """
[visit]
title = { zh = "服务", en = "Visits" }
meaning = { zh = "每次服务一行", en = "a row for each visit" }
owner = { zh = "数据局", en = "Data bureau" }
licence = { zh = "试验用", en = "for tests" }
key = ["village", "day", "number"]
partition = "day"
partition_by = "{grain}"
freshness = { every = "day", due_days = 1 }
example = { village = "990101001001", day = 2022-05-31, number = 1, person = 7, domain = "care", amount_fen = 100, minutes = 1.5 }
[visit.fields.village]
type = "region"
title = { zh = "村", en = "village" }
level = "L1"
[visit.fields.day]
type = "date"
title = { zh = "日期", en = "day" }
level = "L1"
[visit.fields.number]
type = "integer"
unit = "number"
title = { zh = "编号", en = "number" }
level = "L1"
[visit.fields.person]
type = "integer"
unit = "number"
title = { zh = "人", en = "person" }
level = "L1"
[visit.fields.domain]
type = "code"
title = { zh = "领域", en = "domain" }
level = "L1"
[visit.fields.domain.codes]
care = { zh = "养老", en = "care" }
health = { zh = "医疗", en = "health" }
[visit.fields.amount_fen]
type = "integer"
unit = "fen"
title = { zh = "金额", en = "amount" }
level = "L1"
required = false
[visit.fields.minutes]
type = "measure"
unit = "index"
title = { zh = "用时", en = "minutes" }
level = "L1"
required = false
"""
_REST = """
title = {{ zh = "数", en = "number" }}
meaning = {{ zh = "试验用", en = "for tests" }}
direction = "neither"
rows_of = "village"
levels = [{levels}]
periods = [{periods}]
smallest_cell = {{ published = {{ zh = "公开", en = "open" }} }}
check = {{ kind = "recount" }}
"""


def gathered(
    name: str,
    body: str,
    unit: str,
    levels: str = '"village", "town", "county", "city"',
    periods: str = '"month", "quarter", "year"',
) -> str:
    """A whole definition of a gathered leaf."""
    return f'[{name}]\nunit = "{unit}"{_REST.format(levels=levels, periods=periods)}{body}\n'


VISITS = gathered("visits", 'kind = "count"\nof = { table = "visit" }', "record")
AMOUNT = gathered("amount", 'kind = "total"\nof = { table = "visit", field = "amount_fen" }', "fen")
CARE_SHARE = gathered(
    "care_share",
    'kind = "ratio"\nnumerator = { table = "visit", take = "count", where = { domain = "care" } }\n'
    'denominator = { table = "visit", take = "count" }',
    "bp",
)
MEAN = gathered(
    "mean_amount", 'kind = "mean"\nof = { table = "visit", field = "amount_fen", where = { domain = "health" } }', "fen"
)
PERSONS = gathered("persons", 'kind = "distinct"\nof = { table = "visit", field = "person" }', "person")
P90 = gathered("amount_p90", 'kind = "percentile"\npercent = 90\nof = { table = "visit", field = "amount_fen" }', "fen")
MINUTES_P50 = gathered(
    "minutes_p50", 'kind = "percentile"\npercent = 50\nof = { table = "visit", field = "minutes" }', "index"
)
PER_PERSON = gathered(
    "per_person",
    'kind = "ratio"\nnumerator = { table = "visit", take = "count" }\n'
    'denominator = { table = "visit", field = "person", take = "distinct" }',
    "times",
)
PERSONS_THEN = gathered(
    "persons_then", 'kind = "distinct"\nin_map_of = 2020-06-30\nof = { table = "visit", field = "person" }', "person"
)
PERSONS_NOW = gathered(
    "persons_now", 'kind = "distinct"\nin_map_of = 2022-01-01\nof = { table = "visit", field = "person" }', "person"
)
P90_NOW = gathered(
    "p90_now",
    'kind = "percentile"\npercent = 90\nin_map_of = 2022-01-01\nof = { table = "visit", field = "amount_fen" }',
    "fen",
)
ALL = (
    VISITS
    + AMOUNT
    + CARE_SHARE
    + MEAN
    + PERSONS
    + P90
    + MINUTES_P50
    + PER_PERSON
    + PERSONS_THEN
    + PERSONS_NOW
    + P90_NOW
)


def make_hub_regions() -> Regions:
    """A city of two counties, four towns and twenty villages, five of which do not last."""

    def region(code: str, level: Level, up: str | None, first: date = BEGINNING, last: date | None = None) -> Region:
        full = RegionCode.parse(code)
        return Region(
            full, Text(f"地{code}", f"Place {code}"), level, RegionCode.parse(up) if up else None, first, last
        )

    rows = [region(PROVINCE, "province", None), region(CITY, "city", PROVINCE)]
    rows += [region(c, "county", CITY) for c in COUNTIES]
    rows += [region(t, "town", t[:6]) for t in TOWNS]
    ends = {ONE: MERGED, OTHER: MERGED, BROKEN: SPLIT, HALVED: SPLIT, SHARED: SPLIT}
    for village in VILLAGES:
        if village == MOVER:
            rows += [region(MOVER, "village", TOWNS[0], BEGINNING, MOVED), region(MOVER, "village", TOWNS[2], MOVED)]
        else:
            rows.append(region(village, "village", village[:9], BEGINNING, ends.get(village)))
    rows.append(region(JOINT, "village", TOWNS[1], MERGED))
    rows += [region(PART_HERE, "village", TOWNS[2], SPLIT), region(PART_THERE, "village", TOWNS[3], SPLIT)]
    rows += [region(HALF_ONE, "village", TOWNS[3], SPLIT), region(HALF_TWO, "village", TOWNS[3], SPLIT)]
    rows += [region(SHARE_ONE, "village", TOWNS[3], SPLIT), region(SHARE_TWO, "village", TOWNS[2], SPLIT)]

    def became(old: str, new: str, on: date, top: int = 1, bottom: int = 1, source: str | None = None) -> Succession:
        return Succession(RegionCode.parse(old), RegionCode.parse(new), on, top, bottom, source)

    changes = [became(ONE, JOINT, MERGED), became(OTHER, JOINT, MERGED)]
    changes += [became(BROKEN, PART_HERE, SPLIT), became(BROKEN, PART_THERE, SPLIT)]
    changes += [became(HALVED, HALF_ONE, SPLIT), became(HALVED, HALF_TWO, SPLIT)]
    changes += [
        became(SHARED, SHARE_ONE, SPLIT, 3, 4, "made up"),
        became(SHARED, SHARE_TWO, SPLIT, 1, 4, "made up"),
    ]
    return Regions(rows, changes)


def make_rows(count: int, seed: int = 1, start: int = 0) -> pa.Table:
    """Rows in the shape of the table, each in a village that holds on its day."""
    listed = ", ".join(f"'{v}'" for v in VILLAGES)
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.execute(
            f"""WITH drawn AS (SELECT i, (hash(i + {seed * 1_000_003}) >> 1)::BIGINT AS a,
              (hash(i + {seed * 1_000_003} + 4611686018427387904) >> 1)::BIGINT AS b
              FROM range({start}, {start + count}) AS r(i)),
            placed AS (SELECT *, [{listed}][1 + a % {len(VILLAGES)}] AS old,
              DATE '{FIRST_DAY}' + ((a >> 12) % {DAYS})::INTEGER AS day FROM drawn)
            SELECT CASE WHEN old IN ('{ONE}', '{OTHER}') AND day >= DATE '{MERGED}' THEN '{JOINT}'
                WHEN old = '{BROKEN}' AND day >= DATE '{SPLIT}' THEN ['{PART_HERE}', '{PART_THERE}'][1 + b % 2]
                WHEN old = '{HALVED}' AND day >= DATE '{SPLIT}' THEN ['{HALF_ONE}', '{HALF_TWO}'][1 + b % 2]
                WHEN old = '{SHARED}' AND day >= DATE '{SPLIT}' THEN ['{SHARE_ONE}', '{SHARE_TWO}'][1 + b % 2]
                ELSE old END AS village, day, i AS number, (a >> 36) % 900 AS person,
              ['care', 'health'][1 + (b >> 8) % 2] AS domain,
              CASE WHEN (b >> 12) % 50 > 0 THEN (b % 1000) * ((b >> 16) % 90) END AS amount_fen,
              CASE WHEN (b >> 20) % 20 > 0 THEN ((b >> 24) % 400)::DOUBLE / 4 END AS minutes, i AS record FROM placed"""
        ).to_arrow_table()


class HubNumbers(MadeNumbers):
    """A lake of visits with its numbers."""

    @classmethod
    def open(
        cls,
        folder: Path,
        toml: str = ALL,
        grain: str = "year",
        regions: Regions | None = None,
        engine: Engine | None = None,
    ) -> HubNumbers:
        """Make one in a folder, or open the one that is there."""
        contracts = make_hub_contracts(folder, grain)
        books = Books.open(
            f"sqlite:///{folder}/books.sqlite", [LAKE, REGISTRY], SimulatedClock.on(TODAY, ticking=False)
        )
        lake = Lake(
            folder / "lake", books, {**contracts, CELL_TABLE: make_cell_contract()}, engine or Engine(threads=1)
        )
        regions = regions or make_hub_regions()
        numbers = Numbers(lake, regions, read_hub(folder, toml, grain), {}, lambda: TODAY, RegionCode.parse(CITY))
        return cls(lake, books, Attachments(folder / "attachments"), regions, numbers)

    def put(self, rows: pa.Table, name: str, refresh: bool = True) -> Refreshed | None:
        """Land rows; those whose key the table holds replace the old ones, whose files are written again."""
        lake, contract = self.lake, self.lake.contracts[TABLE]
        sent = hashlib.sha256(name.encode()).hexdigest()
        table = pa.table(
            {
                **{f.name: rows[f.name].cast(f.arrow_type) for f in contract.fields},
                FILE_COLUMN: pa.array([sent] * rows.num_rows, pa.string()),
                RECORD_COLUMN: rows["record"].cast(pa.int64()),
            }
        )
        added, removed = [], []
        parts = pc.strftime(table["day"], {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}[contract.partition_by])
        keys = list(contract.key)
        for part in sorted(pc.unique(parts).to_pylist()):
            mine = table.filter(pc.equal(parts, part)).sort_by([(k, "ascending") for k in keys])
            for file in lake.files(TABLE, parts=[part]):
                held = lake.engine.run(lake.read([file], contract.schema))
                keep = held.join(mine.select(keys), keys, join_type="left anti").select(held.column_names)
                if keep.num_rows < held.num_rows:
                    removed.append(file.name)
                    ordered = keep.sort_by([(k, "ascending") for k in keys])
                    added.append(lake.write_file(TABLE, part, ordered, f"{name}:{file.name}"))
            added.append(lake.write_file(TABLE, part, mine, name))
        said = {"table": TABLE, "file": sent, "name": name, "records": rows.num_rows, "landed": rows.num_rows}
        said |= dict.fromkeys(("refused", "repeated", "already", "corrected"), 0)
        said |= {"by": "clerk", "is_correction": bool(removed), "is_readable": True, "given": {}, "notes": []}
        lake.commit("lake.landed", f"landed:{name}", said, added, removed)
        return self.numbers.refresh() if refresh else None

    def files(self) -> list[LakeFile]:
        """The files of the table in force."""
        return self.lake.files(TABLE)

    def paths(self) -> Sequence[str]:
        """Where they lie."""
        return [str(self.lake.folder / f.name) for f in self.files()]

    def asked_row(self, sql: str) -> tuple[Any, ...]:
        """Ask plain SQL over the files; ``{rows}`` stands for them."""
        listed = ", ".join(f"'{p}'" for p in self.paths())
        with duckdb.connect(config={"threads": 1}) as connection:
            found = connection.execute(
                sql.format(rows=f"read_parquet([{listed}], hive_partitioning = false)")
            ).fetchone()
        assert found is not None
        return found


def make_hub_contracts(folder: Path, grain: str = "year") -> dict[str, Contract]:
    """The table ``hub.visit``."""
    path = folder / "contracts.toml"
    path.write_text(CONTRACT.replace("{grain}", grain), encoding="utf-8")
    contracts, findings = read_contracts(path, "hub")
    assert not findings, [f.message.en for f in findings]
    return {c.name: c for c in contracts}


def read_hub(folder: Path, toml: str, grain: str = "year") -> dict[str, Indicator]:
    """Read definitions over the table."""
    path = folder / "indicators.toml"
    path.write_text(toml, encoding="utf-8")
    found, findings = read_indicators(path, "hub", make_hub_contracts(folder, grain), {})
    linked, more = link_indicators(found, {})
    assert not [*findings, *more], [f"{f.where} {f.message.en}" for f in (*findings, *more)]
    return linked


def next_day(rows: int, seed: int = 2) -> pa.Table:
    """One more day of rows with a hundredth of late ones, numbered beyond all others."""
    made = make_rows(rows, seed, 10_000_000)
    late = pa.array([n % 100 == 0 for n in range(rows)])
    last = pa.scalar(FIRST_DAY + timedelta(days=DAYS), pa.date32())
    kept = made.filter(pc.greater_equal(made["day"], pa.scalar(SPLIT, pa.date32())))
    flags = late.slice(0, kept.num_rows)
    return kept.set_column(kept.column_names.index("day"), "day", pc.if_else(flags, kept["day"], last))
