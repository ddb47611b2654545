"""Step by step: the same amounts as a whole evaluation, fewer steps after a change, and a question that is let go."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.rules.country import MONTH, country, make_population
from yucun.base.errors import RuleError
from yucun.kernel.rules import Evaluation, Parameters, Population, make_plan
from yucun.kernel.rules.stepwise import Stepwise

OUTPUTS = ["total_benefits_fen", "total_taxes_fen", "disposable_income_fen", "income_tax_fen"]


def whole(population: Population, law: Parameters, outputs: list[str]) -> dict[str, list[object]]:
    outcome = Evaluation(make_plan(country().book, law, MONTH, outputs, population.given)).run(population, "flat")
    return {name: outcome.of(name).tolist() for name in outputs}


@settings(max_examples=8, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 8), min_size=1, max_size=6),
    seed=st.integers(0, 50),
    amounts=st.lists(st.integers(0, 200_000), min_size=1, max_size=3),
    outputs=st.lists(st.sampled_from(OUTPUTS), min_size=1, max_size=4, unique=True),
)
def test_every_law_in_any_order_gives_what_an_evaluation_gives(
    sizes: list[int], seed: int, amounts: list[int], outputs: list[str]
) -> None:
    population = make_population(sizes, seed)
    steps = Stepwise(population)
    for amount in amounts:
        law = country().parameters.set("basic_income_amount_fen", amount)
        found = steps.run(law, MONTH, outputs)
        assert {name: found[name].tolist() for name in outputs} == whole(population, law, outputs)


def test_only_what_a_change_reaches_is_worked_out_again() -> None:
    population = make_population([1, 2, 3, 8], 2)
    steps = Stepwise(population)
    law = country().parameters
    steps.run(law, MONTH, OUTPUTS, keep=True)
    first = steps.worked
    steps.run(law.set("basic_income_amount_fen", 1), MONTH, OUTPUTS)
    assert 0 < steps.worked < first
    steps.run(law.set("basic_income_amount_fen", 2), MONTH, OUTPUTS)
    steps.run(law, MONTH, OUTPUTS)
    assert steps.worked == 0, "today's columns are kept through other questions"


def test_a_household_without_members_has_what_the_flat_layout_gives_it() -> None:
    book, law = country().book, country().parameters
    persons = {"household_id": [1, 1], "role": ["adult", "child"], "birth": [None, None]}
    homes = {"household_id": [1, 2]}
    given_ = make_population([1], 0).persons.column("birth@once").to_pylist()[0]
    population = Population.of(book, MONTH, persons | {"birth": [given_, given_]}, homes)
    found = Stepwise(population).run(law, MONTH, ["total_benefits_fen"])
    assert found["total_benefits_fen"].tolist() == whole(population, law, ["total_benefits_fen"])["total_benefits_fen"]


def test_a_question_that_nobody_waits_for_is_let_go_and_the_next_is_answered() -> None:
    class LetGo(Exception):
        pass

    def stop() -> None:
        raise LetGo

    population = make_population([2, 3], 1)
    steps = Stepwise(population)
    law = country().parameters
    with pytest.raises(LetGo):
        steps.run(law, MONTH, OUTPUTS, stop)
    found = steps.run(law, MONTH, OUTPUTS)
    assert {name: found[name].tolist() for name in OUTPUTS} == whole(population, law, OUTPUTS)


def test_a_number_beyond_64_bits_is_a_finding() -> None:
    population = make_population([2], 1)
    law = country().parameters.set("basic_income_amount_fen", 2**63 - 1)
    with pytest.raises(RuleError) as refused:
        Stepwise(population).run(law, MONTH, ["total_benefits_fen"])
    assert refused.value.findings[0].kind == "rules.overflow"
