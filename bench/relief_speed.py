"""Relief for 3.4 million residents gives every household the same fen on DuckDB and on Spark, all benefits and what-if.

The peer is Sail, a server of Spark Connect, over the same columns by the flat layout; every amount is compared before a
time is told. The people are made up under a seed. What has to hold besides: 5 s for all benefits, 6 s for a what-if.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from run import Figure, Measured, Program

from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules import Evaluation, Population, RuleBook, Subject, Variable, make_plan, read_parameters
from yucun.kernel.rules.evaluate import spark_sql
from yucun.kernel.rules.parameters import Parameters
from yucun.kernel.rules.whatif import WhatIf, compare
from yucun.services.relief import rules
from yucun.services.relief.models import PROGRAMMES

ROOT = Path(__file__).resolve().parents[1]
HOUSEHOLDS = int(os.environ.get("YUCUN_BENCH_HOUSEHOLDS", "1200000"))
SIZES = {1: 17, 2: 27, 3: 24, 4: 18, 5: 8, 6: 4, 7: 1.2, 8: 0.8}
MONTH = Period.month(2022, 3)
VILLAGES = 1301
Answer = tuple[pa.Table, float]
TOTAL = "all_benefits_fen"
AMOUNTS = tuple(p.amount for p in PROGRAMMES if p.amount)
# Figures that the counties have not published, so that every benefit is worked out: made up.
MADE_UP: dict[str, Any] = {
    "water_month_fen": 1_000,
    "gas_month_fen": 1_500,
    "television_month_fen": 1_200,
    "rent_month_fen": 20_000,
    "education_month_fen": {"none": 0, "kindergarten": 20_000, "primary": 10_000, "junior": 12_000, "senior": 20_000,
                            "vocational": 20_000, "university": 40_000},
    "consumer_price_rise_bp": 380,
    "food_price_rise_bp": 500,
}  # fmt: skip


def all_benefits_fen_from_2014_11(household: Subject) -> Any:
    """全部救助合计 | All benefits together."""
    total = household[AMOUNTS[0]]
    for name in AMOUNTS[1:]:
        total = total + household[name]
    return total


def make_book() -> RuleBook:
    """The rules of relief, and the sum of all benefits."""
    total = Variable(TOTAL, "household", "integer", "month", Text("救助合计", "all benefits"), "fen")
    return rules.BOOK.amend([total], [all_benefits_fen_from_2014_11])


def make_law() -> Parameters:
    """The service's own figures, and made-up ones where the counties have published none."""
    law = read_parameters(ROOT / "src" / "yucun" / "services" / "relief" / "parameters.toml")
    for name, content in MADE_UP.items():
        law = law.set(name, content)
    return law


def choose_words(chance: Any, count: int, shares: dict[str, float]) -> pa.DictionaryArray:
    """Words by their shares; the first is what most have."""
    drawn = chance.random(count)
    codes = np.zeros(count, np.int8)
    upto = 0.0
    for number, share in enumerate(list(shares.values())[1:], 1):
        codes[(drawn >= upto) & (drawn < upto + share)] = number
        upto += share
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(shares)))


def some(chance: Any, count: int, share: float, most: int) -> Any:
    """Whole numbers for a share of the rows, and nothing for the others."""
    return np.where(chance.random(count) < share, chance.integers(0, most, count), 0)


def days(chance: Any, count: int, share: float, first: str, span: int) -> pa.Array:
    """Days for a share of the rows, blank for the others."""
    drawn = (np.datetime64(first) + chance.integers(0, span, count)).astype("datetime64[D]").astype(np.int32)
    return pa.array(drawn, pa.int32(), mask=chance.random(count) >= share).view(pa.date32())


def make_prefecture() -> tuple[dict[str, Any], dict[str, Any], pa.DictionaryArray]:
    """Persons and households in columns, household by household, and each household's village."""
    chance = np.random.default_rng(6)
    share = np.array(list(SIZES.values()))
    size = chance.choice(list(SIZES), HOUSEHOLDS, p=share / share.sum())
    home = np.repeat(np.arange(HOUSEHOLDS), size)
    first = np.concatenate(([0], np.cumsum(size)[:-1]))
    count = len(home)
    seat = np.arange(count) - first[home]
    is_adult = seat < 2
    roles = pa.DictionaryArray.from_arrays(
        pa.array(np.minimum(seat, 3).astype(np.int8)), pa.array(["head", "spouse", "child", "other"])
    )
    wealth = np.exp(chance.normal(0.0, 0.9, HOUSEHOLDS))[home]
    disability = {
        "none": 0.0,
        "physical": 0.025,
        "visual": 0.008,
        "hearing": 0.008,
        "mental": 0.006,
        "intellectual": 0.004,
    }
    kinds = choose_words(chance, count, disability)
    is_disabled = kinds.indices.to_numpy() > 0
    persons = {
        "household_id": home,
        "role": roles,
        "birth": days(chance, count, 1.0, "1935-01-01", 31_000),
        "works_since": days(chance, count, 0.05, "2021-04-01", 340),
        "work_income_month_fen": np.where(is_adult, some(chance, count, 0.05, 500_000), 0),
        "income_wage_12m_fen": np.where(is_adult, (chance.integers(0, 6_000_000, count) * wealth).astype(np.int64), 0),
        "income_self_employment_12m_fen": np.where(is_adult, some(chance, count, 0.12, 5_000_000), 0),
        "income_farming_12m_fen": np.where(is_adult, some(chance, count, 0.3, 900_000), 0),
        "income_rent_12m_fen": some(chance, count, 0.04, 1_200_000),
        "income_support_12m_fen": some(chance, count, 0.05, 600_000),
        "income_pension_12m_fen": some(chance, count, 0.2, 3_600_000),
        "uncounted_disability_living_12m_fen": some(chance, count, 0.01, 300_000),
        "asset_deposit_fen": (chance.integers(0, 9_000_000, count) * wealth * wealth).astype(np.int64),
        "asset_security_fen": some(chance, count, 0.08, 5_000_000),
        "spent_medical_12m_fen": some(chance, count, 0.12, 3_000_000),
        "spent_education_12m_fen": some(chance, count, 0.15, 900_000),
        "disability_kind": kinds,
        "disability_grade": np.where(is_disabled, chance.integers(1, 5, count), 0),
        "care_inability": choose_words(chance, count, {"none": 0.0, "partial": 0.02, "basic": 0.008, "full": 0.005}),
        "addon_kind": choose_words(chance, count, {"none": 0.0, "aged": 0.05, "minor": 0.05, "seriously_ill": 0.01}),
        "school_stage": choose_words(chance, count, {"none": 0.0, "primary": 0.06, "junior": 0.03, "senior": 0.03}),
        "in_institution": chance.random(count) < 0.01,
        "draws_elder_care": chance.random(count) < 0.01,
        "is_seriously_ill": chance.random(count) < 0.01,
        "can_work": chance.random(count) < 0.6,
        "has_supporter": chance.random(count) < 0.97,
        "self_paid_in_scope_fen": some(chance, count, 0.1, 400_000),
        "medical_relief_paid_fen": some(chance, count, 0.01, 4_000_000),
    }
    return persons, make_households(chance), make_places(chance)


def make_households(chance: Any) -> dict[str, Any]:
    """What is known of each household."""
    return {
        "household_id": np.arange(HOUSEHOLDS),
        "owns_vehicle": chance.random(HOUSEHOLDS) < 0.4,
        "dwellings": chance.integers(0, 3, HOUSEHOLDS),
        "housing_m2": chance.integers(20, 220, HOUSEHOLDS),
        "rents": chance.random(HOUSEHOLDS) < 0.1,
        "used_kwh": chance.integers(0, 400, HOUSEHOLDS),
        "is_special_hardship": chance.random(HOUSEHOLDS) < 0.001,
        "temporary_need_fen": some(chance, HOUSEHOLDS, 0.01, 2_000_000),
        "left_dibao_on": days(chance, HOUSEHOLDS, 0.01, "2021-06-01", 270),
        "last_award_fen": some(chance, HOUSEHOLDS, 0.01, 300_000),
    }


def make_places(chance: Any) -> pa.DictionaryArray:
    """The village of each household."""
    villages = pa.array([f"3305{n:08d}" for n in range(VILLAGES)])
    return pa.DictionaryArray.from_arrays(pa.array(chance.integers(0, VILLAGES, HOUSEHOLDS).astype(np.int16)), villages)


def ask_server(kind: str, queries: list[str], population: Population, times: int) -> tuple[list[Answer], float]:
    """Each query's rows in the population's order with the seconds of its best run, and the server's memory in GB.

    The columns are read from Parquet; `kind` is ``sail`` or ``spark``.
    """
    sys.path.insert(0, str(ROOT))
    from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415 - only where a server is asked

    from tests.engines.servers import Server  # noqa: PLC0415 - found only once the folder above is on the path

    with tempfile.TemporaryDirectory() as named:
        for name, table in zip(("persons", "households"), population.flat_tables(), strict=True):
            pq.write_table(table, Path(named) / f"{name}.parquet", row_group_size=1 << 17)
        server = Server(kind)
        session = SparkSession.builder.remote(server.url).create()
        try:
            for name in ("persons", "households"):
                session.read.parquet(str(Path(named) / f"{name}.parquet")).createOrReplaceTempView(name)
            answers: list[Answer] = []
            for query in queries:
                took, found = time_best(lambda query=query: session.sql(query).toArrow(), times)  # type: ignore[misc]
                answers.append((found.sort_by("_row"), took))
            return answers, most_memory_gb(server.process.pid)
        finally:
            session.stop()
            server.stop()


def most_memory_gb(process: int) -> float:
    """Most memory that a process and its children have held."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # it ended while we looked
            continue
        if process in (int(told["Pid"]), int(told["PPid"])):
            total += int(told.get("VmHWM", "0 kB").split()[0])
    return total / 1e6


def time_best(call: Callable[[], Any], times: int) -> tuple[Any, Any]:
    """Seconds of the best of some runs, and the last answer."""
    took, answer = [], None
    for _ in range(times):
        start = time.perf_counter()
        answer = call()
        took.append(time.perf_counter() - start)
    return min(took), answer


def check_what_if(told: WhatIf, none: WhatIf, before: Any, after: Any) -> None:
    """Nothing differs where nothing changes; and the cost is the difference of the sums, by village too."""
    assert (none.all.cost, none.all.winners, none.all.losers) == (0, 0, 0), none.all
    assert none.all.same == none.all.households
    assert told.all.cost == int(after.sum()) - int(before.sum()), told.all
    assert told.all.winners == int((after > before).sum())
    assert sum(effect.cost for effect in told.groups["village"]) == told.all.cost


def measure() -> Measured:
    """Evaluate, ask what if, replay, and compare every amount with Sail's."""
    persons, households, places = make_prefecture()
    book, law = make_book(), make_law()
    began = time.perf_counter()
    population = Population.of(book, MONTH, persons, households)
    built = time.perf_counter() - began
    del persons, households
    plan = make_plan(book, law, MONTH, AMOUNTS, population.given)
    evaluation = Evaluation(plan)
    assert evaluation.prepare()
    took, outcome = time_best(lambda: evaluation.run(population), 3)
    laws = (law, law.scale("standard_fen", 11, 10))
    before, after = (Evaluation(make_plan(book, one, MONTH, [TOTAL], population.given)) for one in laws)
    groups = {"village": places}
    asked, told = time_best(lambda: compare(before, after, population, TOTAL, groups), 2)
    none = compare(before, before, population, TOTAL, groups)
    sums = [one.run(population).of(TOTAL) for one in (before, after)]
    assert np.array_equal(sums[0], sum(outcome.of(name) for name in AMOUNTS))
    check_what_if(told, none, *sums)
    queries = [spark_sql(one)[1] for one in (plan, before.plan, after.plan)]
    ((found, on_sail), *changed), _ = ask_server("sail", queries, population, 2)
    for (total, _), ours in zip(changed, sums, strict=True):
        assert np.array_equal(total.column(1).to_numpy(), ours)
    for name in AMOUNTS:
        theirs = next(c for c in found.column_names if c.split("@")[0] == name)
        assert pc.all(pc.equal(found[theirs].combine_chunks(), outcome.households[name].combine_chunks())).as_py(), name
    count = population.persons.num_rows
    return Measured(
        ours=Program("yucun", "0.1.0"),
        peer=Program("pysail", "0.7.2"),
        figures=(
            Figure("all_benefits", "s", took, on_sail),
            Figure("what_if_standard_plus_tenth", "s", asked, sum(seconds for _, seconds in changed)),
        ),
        setting=(
            f"{count:,} residents in {HOUSEHOLDS:,} households, {len(AMOUNTS)} benefits, month {MONTH.text}, 2 threads each, "
            f"building the population {built:.1f} s before, rules compiled before, best of 3 (Sail 2, from Parquet); "
            f"entitled in all {sum(int(s.sum()) for s in sums[:1]) / 100:,.0f} yuan; every amount compared"
        ),
    )
