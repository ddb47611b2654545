"""Forty questions over a hub's rows are answered from cells within 150 ms, equal to plain SQL, and a day more within 10 s.

The peer asks DuckDB the same forty questions from scratch, in SQL written by hand here. Rows are those of
`lake_rows`; a made-up history of the map moves and joins villages, so that questions in a past map have to carry rows.
``YUCUN_BENCH_ROWS`` says how many rows come as Parquet (a fifth as many come as CSV), ``YUCUN_BENCH_PARTS`` by what
the table is parted (month, year, day), ``YUCUN_BENCH_FOLDER`` where the lake lies; one that is there is used again.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
from lake_rows import TODAY, list_villages, read_bench_contract, read_bench_place, rows_sql, write_rows
from run import Figure, Measured, Program

from yucun.base.clock import SimulatedClock
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.books import Books
from yucun.kernel.indicators import (
    CELL_TABLE,
    Numbers,
    Refreshed,
    Value,
    link_indicators,
    make_cell_contract,
    read_indicators,
)
from yucun.kernel.lake.bulk.load import BulkSent, load_bulk
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.store import ORGAN as LAKE
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry import ORGAN as REGISTRY
from yucun.kernel.registry import Region, Regions, Succession
from yucun.kernel.registry.model import BEGINNING

ROWS = int(os.environ.get("YUCUN_BENCH_ROWS", "5000000"))
PARTS = os.environ.get("YUCUN_BENCH_PARTS", "month")
MEMORY = os.environ.get("YUCUN_BENCH_MEMORY", "3GB")
CHUNK = 5_000_000
TABLE = "hub.visit"
QUESTIONS = 8
NEXT_DAY = date(2022, 6, 1)
# A late row is at most so many days late, and so are the corrected ones.
LATE_DAYS = 60
MOVES = (date(2016, 1, 1), date(2019, 3, 16), date(2021, 7, 1))
JOINED = date(2020, 1, 1)
_WORDS = """
title = {{ zh = "数", en = "number" }}
meaning = {{ zh = "试验用", en = "for benches" }}
direction = "neither"
rows_of = "village"
levels = ["village", "town", "county", "city"]
periods = ["month", "quarter", "year"]
smallest_cell = {{ published = {{ zh = "造的", en = "made up" }} }}
check = {{ kind = "recount" }}
unit = "{unit}"
{body}
"""
_KINDS = {
    "amount": ("fen", 'kind = "total"\nof = { table = "visit", field = "amount_fen" }'),
    "care_share": (
        "bp",
        'kind = "ratio"\nnumerator = { table = "visit", take = "count", where = { domain = "care" } }\n'
        'denominator = { table = "visit", take = "count" }',
    ),
    "persons": ("person", 'kind = "distinct"\nof = { table = "visit", field = "person" }'),
    "amount_p90": ("fen", 'kind = "percentile"\npercent = 90\nof = { table = "visit", field = "amount_fen" }'),
}
SQL = {
    "amount": "SELECT sum(amount_fen) FROM {rows} WHERE {where}",
    "care_share": "SELECT count(*) FILTER (WHERE domain = 'care') * 10000, count(*) FROM {rows} WHERE {where}",
    "persons": "SELECT count(DISTINCT person) FROM {rows} WHERE {where}",
    "amount_p90": "SELECT quantile_disc(amount_fen, 0.9) FROM {rows} WHERE {where}",
}


@dataclass(frozen=True)
class Map:
    """The made-up history: in which town each village lay from which day on, and which villages were joined."""

    towns: dict[str, list[tuple[date, str]]]
    joined: dict[str, str]

    def town(self, village: str, day: date) -> str:
        """The town of a village on a day."""
        return [town for first, town in self.towns[village] if first <= day][-1]

    def lies(self, village: str, day: date) -> tuple[str, str]:
        """The village and town in which rows of a village count in the map of a day."""
        last = self.joined.get(village)
        if last is not None and day >= JOINED:
            return last, self.town(village, JOINED - timedelta(days=1))
        return village, self.town(village, day)


def make_map() -> tuple[Map, Regions]:
    """Sixty villages move to the next town of their county; twenty pairs become one."""
    place = read_bench_place().regions
    villages, chance = list_villages(), random.Random(7)
    towns: dict[str, list[tuple[date, str]]] = {
        v: [(BEGINNING, str(place.get(RegionCode(v)).parent))] for v in villages
    }
    chosen = chance.sample(villages, 60)
    for number, village in enumerate(chosen):
        old = towns[village][0][1]
        beside = [str(r.code) for r in place.children(place.get(RegionCode(old)).parent) if str(r.code) != old]
        towns[village].append((MOVES[number % 3], beside[number % len(beside)]))
    by_town: dict[str, list[str]] = {}
    for village in villages:
        if len(towns[village]) == 1:
            by_town.setdefault(towns[village][0][1], []).append(village)
    joined: dict[str, str] = {}
    for town in sorted(by_town)[:20]:
        for village in by_town[town][:2]:
            joined[village] = f"{town[:9]}9{len(joined) // 2:02d}"
    rows: list[Region] = [r for r in place if r.level != "village"]
    for village in villages:
        held = place.get(RegionCode(village))
        spans = towns[village]
        for number, (first, town) in enumerate(spans):
            last = spans[number + 1][0] if number + 1 < len(spans) else JOINED if village in joined else None
            rows.append(replace(held, parent=RegionCode(town), valid_from=first, valid_to=last))
    name = place.get(RegionCode(villages[0])).name
    rows += [
        Region(RegionCode(new), name, "village", RegionCode(f"{new[:9]}000"), JOINED)
        for new in sorted(set(joined.values()))
    ]
    successions = [Succession(RegionCode(old), RegionCode(new), JOINED) for old, new in joined.items()]
    return Map(towns, joined), Regions(rows, successions)


@dataclass
class Hub:
    """A lake of visits and its numbers."""

    folder: Path
    lake: Lake
    regions: Regions
    map: Map
    books: Books

    @classmethod
    def open(cls, folder: Path) -> Hub:
        """Open the lake of a folder, or make an empty one."""
        contract = read_bench_contract(PARTS)
        made, regions = make_map()
        books = Books.open(f"sqlite:///{folder}/books.sqlite", [LAKE, REGISTRY], SimulatedClock.on(TODAY, ticking=True))
        contracts = {contract.name: contract, CELL_TABLE: make_cell_contract()}
        return cls(folder, Lake(folder / "lake", books, contracts, Engine(memory=MEMORY)), regions, made, books)

    def numbers(self) -> Numbers:
        """The numbers, with nothing held from before."""
        path = self.folder / "indicators.toml"
        text = "".join(f"[{name}]{_WORDS.format(unit=unit, body=body)}" for name, (unit, body) in _KINDS.items())
        path.write_text(text, encoding="utf-8")
        contract = self.lake.contracts[TABLE]
        # Persons of a bench are numbers that nobody stands behind, so that counting them needs no smallest cell.
        plain = replace(contract, fields=tuple(replace(f, level="L1") for f in contract.fields))
        found, findings = read_indicators(path, "hub", {TABLE: plain}, {})
        linked, more = link_indicators(found, {})
        assert not [*findings, *more], [f.message.en for f in (*findings, *more)]
        return Numbers(self.lake, self.regions, linked, {}, lambda: NEXT_DAY, RegionCode.parse("330500"))

    def load(self, path: Path, *, correct: bool = False) -> None:
        """Load one file."""
        sent = BulkSent(str(path), TABLE, "bench", {}, correct)
        landing = load_bulk(self.lake, read_bench_place().regions, sent, NEXT_DAY)
        print(f"  landed {landing.landed:,}, refused {landing.refused:,}, corrected {landing.corrected:,}", flush=True)

    def rows(self) -> str:
        """The table's files as plain SQL reads them."""
        listed = ", ".join(f"'{self.lake.folder / f.name}'" for f in self.lake.files(TABLE))
        return f"read_parquet([{listed}], hive_partitioning = false)"


def fill(hub: Hub) -> None:
    """Load all rows, file by file, unless they are there."""
    if hub.lake.files(TABLE):
        return
    start = 0
    for kind, count in (("parquet", ROWS), ("csv", ROWS // 5)):
        left = count
        while left:
            rows = min(left, CHUNK)
            path = write_rows(hub.folder / f"sent-{start}.{kind}", start, rows, kind=kind)  # type: ignore[arg-type]
            hub.load(path)
            path.unlink()
            start, left = start + rows, left - rows


@dataclass(frozen=True)
class Question:
    """One question: a number, a region, a period, and for some the day of a map."""

    name: str
    region: str
    period: Period
    in_map_of: date | None

    def ask(self, numbers: Numbers) -> Value:
        """Ask it of the cells."""
        return numbers.value(f"hub.{self.name}", RegionCode(self.region), self.period, in_map_of=self.in_map_of)

    def ask_sql(self, connection: duckdb.DuckDBPyConnection, rows: str) -> Fraction | None:
        """Ask it of the files."""
        where = f"day BETWEEN DATE '{self.period.start}' AND DATE '{self.period.end}' AND {self._place()}"
        found = connection.execute(SQL[self.name].format(rows=rows, where=where)).fetchone()
        if found is None or found[-1] in (None, 0):
            return None
        return Fraction(found[0], found[1]) if len(found) == 2 else Fraction(found[0])

    def _place(self) -> str:
        code = self.region
        if code.endswith("00000000"):
            return "true"
        if code.endswith("000000"):
            return f"village LIKE '{code[:6]}%'"
        table = "in_map" if self.in_map_of else "own_day"
        level = "town" if code.endswith("000") else "lies"
        if self.in_map_of:
            return (
                f"village IN (SELECT village FROM {table} WHERE day = DATE '{self.in_map_of}' AND {level} = '{code}')"
            )
        if level == "lies":
            return f"village = '{code}'"
        return (
            "EXISTS (SELECT 1 FROM own_day AS o WHERE o.village = village_rows.village AND o.town = "
            f"'{code}' AND village_rows.day >= o.first AND village_rows.day < o.last)"
        )


def make_questions(hub: Hub, seed: int = 3) -> list[Question]:
    """Eight of each kind, over all levels and kinds of period."""
    chance = random.Random(seed)
    villages = list_villages()
    towns = sorted({town for spans in hub.map.towns.values() for _, town in spans})
    counties = sorted({t[:6] + "000000" for t in towns})
    months = [Period.month(y, m) for y in range(2013, 2022) for m in range(1, 13)]
    periods = months + [Period.quarter(y, q) for y in range(2013, 2022) for q in (1, 2, 3, 4)] * 2
    periods += [Period.year(y) for y in range(2013, 2022)] * 4
    found = []
    for name in _KINDS:
        for _ in range(QUESTIONS):
            places = chance.choice((villages, towns, counties, ["330500000000"]))
            found.append(Question(name, chance.choice(places), chance.choice(periods), None))
    moved = sorted({t for spans in hub.map.towns.values() if len(spans) > 1 for _, t in spans})
    days = [date(2013, 6, 1), date(2017, 1, 1), date(2019, 12, 31), date(2021, 6, 30), date(2022, 1, 1)]
    new = sorted(set(hub.map.joined.values()))
    for number in range(QUESTIONS):
        day = chance.choice(days)
        place = chance.choice(new) if number % 4 == 3 and day >= JOINED else chance.choice(moved)
        found.append(Question("amount", place, chance.choice(periods), day))
    return found


def register_map(connection: duckdb.DuckDBPyConnection, hub: Hub, questions: list[Question]) -> None:
    """Put the made-up history beside the files: where each village lay on its own day, and in each map asked for."""
    connection.execute("CREATE TABLE own_day (village VARCHAR, town VARCHAR, first DATE, last DATE)")
    connection.execute("CREATE TABLE in_map (village VARCHAR, lies VARCHAR, town VARCHAR, day DATE)")
    own = []
    for village, spans in hub.map.towns.items():
        for number, (first, town) in enumerate(spans):
            own.append((village, town, first, spans[number + 1][0] if number + 1 < len(spans) else date(9999, 1, 1)))
    connection.executemany("INSERT INTO own_day VALUES (?, ?, ?, ?)", own)
    days = sorted({q.in_map_of for q in questions if q.in_map_of is not None})
    then = [(village, *hub.map.lies(village, day), day) for day in days for village in hub.map.towns]
    connection.executemany("INSERT INTO in_map VALUES (?, ?, ?, ?)", then)


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """What an action returns, and the milliseconds it took."""
    began = time.perf_counter()
    found = action()
    return found, 1000 * (time.perf_counter() - began)


def compare(hub: Hub, questions: list[Question]) -> tuple[list[float], list[float], list[float], int]:
    """Ask each question cold, warm and from scratch; return the times and how many answers were equal."""
    cold, warm, scratch, equal = [], [], [], 0
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as connection:
        register_map(connection, hub, questions)
        rows = f"{hub.rows()} AS village_rows"
        for question in questions:
            numbers = hub.numbers()
            value, took = timed(lambda q=question, n=numbers: q.ask(n))  # type: ignore[misc]
            cold.append(took)
            warm.append(timed(lambda q=question, n=numbers: q.ask(n))[1])  # type: ignore[misc]
            again, took = timed(lambda q=question: q.ask_sql(connection, rows))  # type: ignore[misc]
            scratch.append(took)
            scale = 10_000 if question.name == "care_share" else 1
            ours = Fraction(value.parts["numerator"] * scale, value.parts["denominator"]) if value.parts else None
            if ours == again:
                equal += 1
            else:
                print(f"  differs: {question} {value.mark} ours {ours} again {again}", flush=True)
    return cold, warm, scratch, equal


def write_next_day(hub: Hub, path: Path) -> int:
    """One more day: as many rows as an average day, a hundredth late, and a thousandth of corrections beside them.

    In a lake that has had such days before, other rows come.
    """
    count = max(1000, (ROWS + ROWS // 5) // 3652)
    last = TODAY
    with duckdb.connect(config={"threads": 2}) as connection:
        days = sum(f.part == f"{NEXT_DAY:%Y-%m}" for f in hub.lake.files(TABLE))
        made = rows_sql(ROWS * 2 + days * count, count)
        connection.execute(
            f"""COPY (
              SELECT village, CASE WHEN record % 100 = 0 THEN DATE '{last}' - (record % {LATE_DAYS})::INTEGER
                ELSE DATE '{NEXT_DAY}' END AS day, domain, number, person, amount_fen::BIGINT AS amount_fen, minutes, source
              FROM ({made}) WHERE fault IS NULL
              UNION ALL BY NAME
              SELECT village, day, domain, number, person, amount_fen + 1 AS amount_fen, minutes, source FROM (
                SELECT * FROM {hub.rows()} WHERE day >= DATE '{last - timedelta(days=LATE_DAYS)}'
                ORDER BY number LIMIT {max(1, count // 1000)})
            ) TO '{path}' (FORMAT parquet)"""
        )
    return count


def one_more_day(hub: Hub, numbers: Numbers) -> tuple[float, float, Refreshed, int, bool]:
    """Load a day more; return seconds of the load, seconds until the city's number is shown, and what was read."""
    path = hub.folder / "next-day.parquet"
    write_next_day(hub, path)
    before = {f.name for f in hub.lake.files(TABLE)}
    _, load_ms = timed(lambda: hub.load(path, correct=True))
    began = time.perf_counter()
    done = numbers.refresh()
    value = numbers.value("hub.amount", RegionCode.parse("330500"), Period.month(2022, 6))
    shown = time.perf_counter() - began
    parts = {f.part for f in hub.lake.files(TABLE) if f.name not in before}
    periods = [p for part in parts if (p := Period.find(part)) is not None]
    # A part is touched when a year, quarter or month that holds a new row holds it.
    years = {p.start.year for p in periods}
    touched = sum(f.size for f in hub.lake.files(TABLE) if f.part[:4] in {str(y) for y in years})
    with duckdb.connect(config={"threads": 2}) as connection:
        again = Question("amount", "330500000000", Period.month(2022, 6), None).ask_sql(connection, hub.rows())
    path.unlink()
    return load_ms / 1000, shown, done, touched, value.parts.get("numerator") == again


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure() -> Measured:
    """Fill, refresh, ask, add a day, ask again."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(os.environ.get("YUCUN_BENCH_FOLDER", made))
        folder.mkdir(parents=True, exist_ok=True)
        hub = Hub.open(folder)
        _, loaded = timed(lambda: fill(hub))
        numbers = hub.numbers()
        whole, refreshed = timed(numbers.refresh)
        print(f"  loaded in {loaded / 1000:.1f} s, first refresh {refreshed / 1000:.1f} s", flush=True)
        questions = make_questions(hub)
        cold, warm, scratch, equal = compare(hub, questions)
        day_load, day_shown, day, touched, is_right = one_more_day(hub, numbers)
        cold_2, _, scratch_2, equal_2 = compare(hub, make_questions(hub, seed=4))
        rows = sum(f.rows for f in hub.lake.files(TABLE))
        cells = sum(f.rows for f in hub.lake.files(CELL_TABLE))
        hub.books.close()
    allowed = 3 * day.bytes_added + touched
    if equal + equal_2 < 2 * len(questions) or not is_right:
        raise SystemExit(f"{equal + equal_2} of {2 * len(questions)} answers equal plain SQL; the new day: {is_right}")
    if day.bytes_opened > allowed:
        raise SystemExit(f"{day.bytes_opened:,} bytes opened, {allowed:,} allowed")
    # In a lake that is used again there is no first refresh.
    first = (
        [Figure("first refresh of all cells", "s", refreshed / 1000, sum(scratch) / 1000)] if whole.bytes_opened else []
    )
    figures = (
        Figure("first answer, p50", "ms", percentile(cold, 0.5), percentile(scratch, 0.5)),
        Figure("first answer, p95", "ms", percentile(cold, 0.95), percentile(scratch, 0.95)),
        Figure("asked again, p95", "ms", percentile(warm, 0.95), percentile(scratch, 0.95)),
        Figure("after a day more, p95", "ms", percentile(cold_2, 0.95), percentile(scratch_2, 0.95)),
        Figure("answers equal to plain SQL", "answers", equal + equal_2, 2 * len(questions)),
        *first,
        Figure("a day more, loaded", "s", day_load, day_load),
        Figure("a day more, shown after its load", "s", day_shown, 10.0),
        Figure("a day more, from file to answer", "s", day_load + day_shown, 10.0),
        Figure("a day more, bytes opened, and allowed", "MB", day.bytes_opened / 1e6, allowed / 1e6),
        Figure("a day more, shown rightly", "answers", float(is_right), 1.0),
        Figure("memory at most", "MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0.0),
    )
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("duckdb, from scratch", version("duckdb")),
        figures=figures,
        setting=f"{rows:,} rows parted by {PARTS}, {cells:,} cells of {len(_KINDS)} numbers, {len(questions)} questions of "
        f"five kinds with nothing held in memory; "
        + (f"first refresh opened {whole.bytes_opened / 1e6:,.0f} MB" if first else "cells of an earlier run"),
    )


if __name__ == "__main__":
    for figure in measure().figures:
        print(f"{figure.name:40} {figure.ours:>14,.3f} {figure.peer:>14,.3f}   {figure.unit}", file=sys.stdout)
