"""The same rules on DuckDB and on Spark: every amount of every person and household is equal to the fen."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.engines.both import Both
from tests.kernel.rules.country import country, make_population
from yucun.base.errors import ParameterError
from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.kernel.rules import Plan, Population, evaluate, make_plan, read_parameters, spark_sql
from yucun.services.relief.models import PROGRAMMES
from yucun.services.relief.rules import BOOK

MONTH = Period.month(2022, 3)
SIZES = [1, 2, 3, 4, 5, 7, 9, 2, 3, 1] * 6


def ask_spark(both: Both, plan: Plan, population: Population) -> tuple[pa.Table, pa.Table]:
    """Persons and households as Spark works them out over Parquet files, in the order in which they were given."""
    session = both.spark._runner._session  # type: ignore[union-attr]
    for name, table in zip(("persons", "households"), population.flat_tables(), strict=True):
        paths = [str(path) for path in both.files(table)]
        session.read.parquet(*paths).createOrReplaceTempView(name)
    persons, households = (session.sql(query).toArrow().sort_by("_row") for query in spark_sql(plan))
    return persons, households


def assert_same_amounts(both: Both, plan: Plan, population: Population) -> int:
    """Compare all outputs of a plan; return how many of them are not nothing."""
    ours, told = evaluate(plan, population), 0
    for mine, theirs in zip((ours.persons, ours.households), ask_spark(both, plan, population), strict=True):
        by_name = {column.split("@")[0]: column for column in theirs.column_names}
        for name in mine.column_names[1:]:
            expected = mine[name].to_pylist()
            assert theirs[by_name[name]].to_pylist() == expected, name
            told += sum(value not in (0, False, None) for value in expected)
    return told


@pytest.mark.parametrize("year", [2013, 2017])
def test_the_country_template_is_the_same(both: Both, year: int) -> None:
    population = make_population(SIZES, 4, Period.month(year, 3), mixed=True)
    outputs = ["age", "income_tax_fen", "total_benefits_fen", "total_taxes_fen", "disposable_income_fen"]
    plan = make_plan(country().book, country().parameters, population.period, outputs, population.given)
    assert assert_same_amounts(both, plan, population) > 100


def make_relief(homes: int) -> Population:
    """Households on both sides of the lines, in every kind of need."""
    persons = [(home, seat) for home in range(homes) for seat in range(1 + home % 7)]
    kinds = ("none", "none", "physical", "mental", "intellectual")
    columns = {
        "household_id": [home for home, _ in persons],
        "role": ["head" if seat == 0 else "other" for _, seat in persons],
        "birth": pa.array([(home * 971 + seat * 6007) % 20_000 for home, seat in persons], pa.int32()).cast(
            pa.date32()
        ),
        "works_since": pa.array([18_950 + home % 60 if seat == 1 else None for home, seat in persons], pa.int32()).cast(
            pa.date32()
        ),
        "work_income_month_fen": [home * 3_001 % 300_000 if seat == 1 else 0 for home, seat in persons],
        "income_wage_12m_fen": [home * 40_013 % 2_500_000 if seat == 0 else 0 for home, seat in persons],
        "asset_deposit_fen": [home * 7_919 % 1_000_000 for home, _ in persons],
        "spent_medical_12m_fen": [home * 9_001 % 900_000 for home, _ in persons],
        "disability_kind": [kinds[(home + seat) % 5] for home, seat in persons],
        "disability_grade": [(home + seat) % 4 + 1 for home, seat in persons],
        "care_inability": [("none", "partial", "full")[(home + seat) % 3] for home, seat in persons],
        "can_work": [home % 3 > 0 for home, _ in persons],
        "has_supporter": [home % 2 > 0 for home, _ in persons],
        "self_paid_in_scope_fen": [home * 1_237 % 80_000 for home, _ in persons],
    }
    households = {
        "household_id": list(range(homes)),
        "used_kwh": [home % 40 for home in range(homes)],
        "temporary_need_fen": [home * 5_003 % 900_000 for home in range(homes)],
        "left_dibao_on": pa.nulls(homes, pa.date32()),
    }
    return Population.of(BOOK, MONTH, columns, households)


def test_relief_is_the_same(both: Both) -> None:
    population = make_relief(140)
    law = read_parameters(SERVICES / "relief" / "parameters.toml")
    known = []
    for name in (programme.amount for programme in PROGRAMMES if programme.amount):
        try:
            make_plan(BOOK, law, MONTH, [name], population.given)
        except ParameterError:
            continue  # a county has not published its figure
        known.append(name)
    assert len(known) >= 8
    plan = make_plan(BOOK, law, MONTH, known, population.given)
    assert assert_same_amounts(both, plan, population) > 100
