"""Spark works out the same relief to the fen as Yucun does, for every household and member of a prefecture of 3.4 million.

The rules are written once. With SPARK_HOME it is Spark's own server, else Sail, another server of Spark Connect; it reads
the columns from Parquet files by the flat layout. Every amount of every row is compared.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
from relief_speed import AMOUNTS, HOUSEHOLDS, MONTH, ROOT, ask_server, make_law, make_prefecture, most_memory_gb
from run import Figure, Measured, Program

from yucun.kernel.rules import Evaluation, Outcome, Population, make_plan, spark_sql
from yucun.services.relief import rules

sys.path.insert(0, str(ROOT))
from tests.engines.servers import find_spark

EACH = tuple(name for name in rules.BOOK.variables if name.endswith("_each_fen") and name != "price_each_fen")


def count_differences(theirs: pa.Table, ours: pa.Table, names: tuple[str, ...]) -> int:
    """Amounts that are not the same in both, over all rows; a name that one lacks is an error."""
    different = 0
    for name in names:
        found = next(column for column in theirs.column_names if column.split("@")[0] == name)
        pair = [column.to_numpy() for column in (theirs.column(found), ours.column(name))]
        assert pair[0].dtype == pair[1].dtype == np.int64, (name, pair[0].dtype)
        different += int((pair[0] != pair[1]).sum())
    return different


def measure() -> Measured:
    """Evaluate here, ask the server, and compare every amount."""
    kind = "spark" if find_spark() else "sail"
    persons, households, _ = make_prefecture()
    population = Population.of(rules.BOOK, MONTH, persons, households)
    del persons, households
    plan = make_plan(rules.BOOK, make_law(), MONTH, [*AMOUNTS, *EACH], population.given)
    evaluation = Evaluation(plan)
    assert evaluation.prepare()
    start = time.perf_counter()
    outcome: Outcome = evaluation.run(population)
    took = time.perf_counter() - start
    ((people, first), (homes, second)), memory = ask_server(kind, list(spark_sql(plan)), population, 1)
    different = count_differences(people, outcome.persons, EACH)
    different += count_differences(homes, outcome.households, AMOUNTS)
    count = population.persons.num_rows
    compared = count * len(EACH) + HOUSEHOLDS * len(AMOUNTS)
    assert not different, f"{different:,} of {compared:,} amounts differ"
    paid: Any = sum(int(outcome.of(name).sum()) for name in AMOUNTS)
    program = Program("pysail", version("pysail")) if kind == "sail" else Program("spark", version("pyspark-client"))
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=program,
        figures=(
            Figure("all_benefits", "s", took, first + second),
            Figure("peak_memory", "GB", most_memory_gb(os.getpid()), memory),
        ),
        setting=(
            f"{count:,} residents in {HOUSEHOLDS:,} households, month {MONTH.text}; {compared:,} amounts compared, none "
            f"differs; {paid / 100:,.0f} yuan in all; ours holds the population and both answers, the server reads Parquet"
        ),
    )
