"""Any order, any subset, any layout and any mix of rows give the same; blanks and overflow are refused."""

from __future__ import annotations

import random
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.rules.country import MONTH, country, make_population
from yucun.base.errors import RuleError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules import Population, Role, RuleBook, Variable, evaluate, make_plan, population, spark_sql
from yucun.kernel.rules.parameters import Parameters

OUTPUTS = [
    "basic_income_fen",
    "income_tax_fen",
    "social_security_contribution_fen",
    "age",
    "pension_fen",
    "housing_allowance_fen",
    "parenting_allowance_fen",
    "household_income_fen",
    "total_benefits_fen",
    "total_taxes_fen",
    "disposable_income_fen",
]


def values_of(population: Population, outputs: list[str], layout: str = "blocks") -> dict[str, dict[object, object]]:
    plan = make_plan(country().book, country().parameters, population.period, outputs, population.given)
    outcome = evaluate(plan, population, layout)  # type: ignore[arg-type]
    found: dict[str, dict[object, object]] = {}
    for table in (outcome.persons, outcome.households):
        ids = table.column(0).to_pylist()
        for name in table.column_names[1:]:
            found[name] = dict(zip(ids, table.column(name).to_pylist(), strict=True))
    return found


@settings(max_examples=15)
@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any),
    seed=st.integers(0, 10_000),
    chosen=st.sets(st.sampled_from(OUTPUTS), min_size=1),
    mixed=st.booleans(),
    year=st.sampled_from([2009, 2013, 2016, 2017]),
)
def test_any_order_and_any_subset_give_the_same(
    sizes: list[int], seed: int, chosen: set[str], mixed: bool, year: int
) -> None:
    population = make_population(sizes, seed, Period.month(year, 3), mixed)
    everything = values_of(population, OUTPUTS, "flat")
    outputs = sorted(chosen)
    random.Random(seed).shuffle(outputs)
    assert values_of(population, outputs) == {name: everything[name] for name in outputs}


def test_by_hand() -> None:
    """Against plain Python over the same rows, written from the rules in words."""
    population = make_population([1, 2, 3, 4, 5, 7, 9, 0], 3)
    ours = values_of(population, ["total_taxes_fen", "total_benefits_fen"])
    salaries = population.persons.column("salary_fen@2017-03").to_pylist()
    births = population.persons.column("birth@once").to_pylist()
    homes = population.households.to_pylist()
    for row, home in enumerate(homes):
        members = [k for k, h in enumerate(population.household_of) if h == row]
        ages = [2017 - births[k].year - ((births[k].month, births[k].day) > (3, 1)) for k in members]
        taxes = 0
        for k, age in zip(members, ages, strict=True):
            base = salaries[k] + (100 if age >= 62 else 0)
            taxes += (base * 1500 + 5000) // 10000 + (salaries[k] * 200 + 5000) // 10000
        size = home["accommodation_size_m2@2017-01"]
        yearly = 0 if home["housing_occupancy_status@2017-01"] == "free_lodger" else max(size * 1000, 20000)
        taxes += (yearly + 6) // 12
        assert ours["total_taxes_fen"][f"h{row}"] == taxes
        assert ours["total_benefits_fen"][f"h{row}"] == 60000 * sum(age >= 18 for age in ages)


def test_pandas_and_arrow_give_the_same() -> None:
    columns = {"household_id": [7, 7, 9], "role": ["adult", "child", "adult"], "salary_fen": [100_000, 0, 50_000]}
    results = []
    for frame in (columns, pd.DataFrame(columns), pa.table(columns)):
        people = Population.of(country().book, MONTH, frame)
        plan = make_plan(
            country().book, country().parameters, MONTH, ["income_tax_fen", "household_income_fen"], people.given
        )
        outcome = evaluate(plan, people)
        results.append((outcome.persons.to_pydict(), outcome.households.to_pydict()))
    assert results[0] == results[1] == results[2]
    assert results[0][1] == {"household_id": [7, 9], "household_income_fen": [100_000, 50_000]}


def test_spark_sql_is_written_and_divides_exactly() -> None:
    population = make_population([2, 3], 1)
    plan = make_plan(country().book, country().parameters, MONTH, OUTPUTS, population.given)
    persons, households = spark_sql(plan)
    assert "DIV(" in persons
    assert "DIVIDE(" not in persons + households
    assert " / " not in persons + households


BOOK = RuleBook.build(
    "bad",
    [Role("head", "heads", Text("户主", "head"), most=1), Role("member", "members", Text("成员", "member"))],
    [
        Variable("income_fen", "person", "integer", "month", Text("收入", "income"), "fen"),
        Variable("born", "person", "date", "once", Text("出生", "born"), may_be_blank=True),
        Variable("class", "household", "code", "month", Text("类别", "class"), codes=("a", "b")),
        Variable("total_fen", "household", "integer", "month", Text("合计", "total"), "fen"),
    ],
    [],
)


@pytest.mark.parametrize(
    ("persons", "households", "word"),
    [
        ({"household_id": [1, 2], "income_fen": [1, None]}, None, "blank"),
        ({"household_id": [1, 3], "income_fen": [1, 2]}, {"household_id": [1, 2]}, "not there"),
        ({"person_id": ["x", "x"], "household_id": [1, 2]}, None, "one household"),
        ({"household_id": [1, 1], "role": ["head", "head"]}, None, "more than 1"),
        ({"household_id": [1, 1], "role": ["head", "boss"]}, None, "boss"),
        ({"household_id": [1], "income_yuan": [1]}, None, "income_yuan"),
        ({"household_id": [1], "class": ["a"]}, None, "class"),
        ({"household_id": [1], "income_fen": [1.5]}, None, "income_fen"),
        ({"household_id": [1], "income_fen": ["many"]}, None, "income_fen"),
        ({"household_id": [1], "income_fen": [True]}, None, "true or false"),
        ({"household_id": [1]}, {"household_id": [1], "class": ["c"]}, "not listed"),
        ({"household_id": [1]}, {"household_id": [1, 1]}, "stands twice"),
        ({"income_fen": [1]}, None, "household"),
        ({"household_id": [1]}, {"class": ["a"]}, "each household"),
        ({"household_id": [None, 1]}, {"household_id": [1]}, "not there"),
    ],
)
def test_bad_input_is_one_clear_finding(
    persons: dict[str, object], households: dict[str, object] | None, word: str
) -> None:
    with pytest.raises(RuleError) as caught:
        Population.of(BOOK, MONTH, persons, households)
    assert word in str(caught.value)
    assert all(f.message.zh and f.message.en for f in caught.value.findings)


@pytest.mark.parametrize("heads", [[0, 1], [0, 5], [4, 5], [0, 4]])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_second_head_is_found_wherever_it_stands(
    heads: list[int], mixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Persons 0 to 3 are one household, 4 and 5 another; they are looked at three at a time."""
    monkeypatch.setattr(population, "BATCH", 3)
    home = np.array([1, 1, 1, 1, 2, 2])
    order = np.array([5, 0, 4, 1, 3, 2]) if mixed else np.arange(6)
    role = np.where(np.isin(np.arange(6), heads), "head", "member")
    columns = {"household_id": home[order], "role": role[order].tolist()}
    is_twice = home[heads[0]] == home[heads[1]]
    with pytest.raises(RuleError, match="more than 1") if is_twice else nullcontext():
        assert Population.of(BOOK, MONTH, columns).persons.num_rows == 6


def test_a_word_that_is_not_listed_is_refused_only_where_a_row_has_it() -> None:
    """A list of words may be longer than what is used."""
    for rows, is_refused in (([0, 1, 0], False), ([0, 2, 1], True)):
        words = pa.DictionaryArray.from_arrays(pa.array(rows, pa.int8()), pa.array(["a", "b", "strange"]))
        homes = {"household_id": [1, 2, 3], "class": words}
        with pytest.raises(RuleError, match="strange") if is_refused else nullcontext():
            people = Population.of(BOOK, MONTH, {"household_id": [1, 2, 3]}, homes)
            assert people.households.column(0).to_pylist() == ["a", "b", "a"]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 17])
def test_yes_and_no_are_packed_as_arrow_does(count: int) -> None:
    values = np.arange(count) % 3 == 0
    column = population.to_arrow({"is": values, "every_second": np.repeat(values, 2)[::2]})
    assert column.column("is").to_pylist() == column.column("every_second").to_pylist() == values.tolist()


def test_all_findings_come_together() -> None:
    with pytest.raises(RuleError) as caught:
        Population.of(
            BOOK, MONTH, {"household_id": [1, 1], "role": ["head", "boss"], "income_fen": [None, 1], "x": [1, 2]}
        )
    assert len(caught.value.findings) == 3


def test_what_is_not_given_is_an_error() -> None:
    people = Population.of(BOOK, MONTH, {"household_id": [1]})
    with pytest.raises(RuleError, match="neither given nor worked out"):
        make_plan(BOOK, Parameters("none", {}), MONTH, ["total_fen"], people.given)


def test_a_number_too_large_is_refused() -> None:
    def total_fen_from_2000_01(household, law):  # type: ignore[no-untyped-def] # a formula as a service writes it
        """条款 | A clause."""
        return household.sum("income_fen")

    book = BOOK.amend(formulas=[total_fen_from_2000_01])
    people = Population.of(book, MONTH, {"household_id": [1] * 8, "role": ["member"] * 8, "income_fen": [2**62] * 8})
    plan = make_plan(book, Parameters("none", {}), MONTH, ["total_fen"], people.given)
    for layout in ("seats", "flat"):
        with pytest.raises(RuleError, match="too large"):
            evaluate(plan, people, layout)  # type: ignore[arg-type]


def test_unknown_code_of_a_parameter_is_refused_not_defaulted() -> None:
    def total_fen_from_2000_01(household, law):  # type: ignore[no-untyped-def] # a formula as a service writes it
        """条款 | A clause."""
        return law.by("rate_fen", household["class"])

    book = BOOK.amend(formulas=[total_fen_from_2000_01])
    pack = Parameters.parse(
        '[rate_fen]\ntitle = { zh = "额", en = "rate" }\nunit = "fen"\n'
        'values = [{ from = 2000-01-01, codes = { a = 5 }, evidence = "law", source = "x" }]\n',
        "p.toml",
    )
    people = Population.of(book, MONTH, {"household_id": [1, 2]}, {"household_id": [1, 2], "class": ["a", "b"]})
    plan = make_plan(book, pack, MONTH, ["total_fen"], people.given)
    with pytest.raises(RuleError, match="1 rows"):
        evaluate(plan, people)


def test_order_of_rows_is_kept() -> None:
    population = make_population([3, 1, 8, 2], 5, mixed=True)
    plan = make_plan(country().book, country().parameters, MONTH, ["income_tax_fen"], population.given)
    outcome = evaluate(plan, population)
    assert outcome.persons.column("person_id").to_pylist() == [f"p{k}" for k in range(14)]
    salaries = population.persons.column("salary_fen@2017-03").to_numpy()
    births = population.persons.column("birth@once").to_pylist()
    old = np.array([2017 - b.year - ((b.month, b.day) > (3, 1)) >= 62 for b in births])
    assert outcome.of("income_tax_fen").tolist() == ((((salaries + 100 * old) * 1500) + 5000) // 10000).tolist()


def test_simulation_only_is_said() -> None:
    population = make_population([1], 1)
    plan = make_plan(country().book, country().parameters, MONTH, ["age"], population.given)
    assert "模拟" in evaluate(plan, population).note.zh
