"""What if: nothing changes nothing, a known change costs what a hand count says, a cliff is called by its clause."""

from __future__ import annotations

from tests.kernel.rules.country import MONTH, country, make_population
from yucun.kernel.rules import Evaluation, Node, Population, make_plan
from yucun.kernel.rules.whatif import along_income, compare


def evaluation_of(population: Population, outputs: list[str], **amounts: int) -> Evaluation:
    pack = country().parameters
    for name, amount in amounts.items():
        pack = pack.set(name, amount)
    return Evaluation(make_plan(country().book, pack, population.period, outputs, population.given))


def test_no_change_differs_in_nothing() -> None:
    population = make_population([1, 2, 3, 8], 2)
    same = evaluation_of(population, ["total_benefits_fen"])
    told = compare(same, same, population, "total_benefits_fen")
    assert (told.all.cost, told.all.winners, told.all.losers, told.all.same) == (0, 0, 0, 4)


def test_a_known_change_against_a_hand_count() -> None:
    population = make_population([1, 2, 3, 8, 4], 2)
    before = evaluation_of(population, ["total_benefits_fen"])
    after = evaluation_of(population, ["total_benefits_fen"], basic_income_amount_fen=66_000)
    births = population.persons.column("birth@once").to_pylist()
    adults = [b.year < 1999 or (b.year == 1999 and (b.month, b.day) <= (3, 1)) for b in births]
    by_home = [sum(a for a, h in zip(adults, population.household_of, strict=True) if h == k) for k in range(5)]
    told = compare(before, after, population, "total_benefits_fen", {"town": ["a", "a", "b", "b", "b"]})
    assert told.all.cost == 6_000 * sum(by_home)
    assert told.all.winners == sum(n > 0 for n in by_home)
    assert told.all.losers == 0
    assert [(e.group, e.households, e.cost) for e in told.groups["town"]] == [
        (("a",), 2, 6_000 * sum(by_home[:2])),
        (("b",), 3, 6_000 * sum(by_home[2:])),
    ]
    assert "模拟" in told.note.zh


def test_groups_add_up_and_the_unplaced_are_one() -> None:
    population = make_population([1, 2, 3, 8, 4, 2], 5)
    before = evaluation_of(population, ["total_benefits_fen"])
    after = evaluation_of(population, ["total_benefits_fen"], basic_income_amount_fen=54_000)
    told = compare(before, after, population, "total_benefits_fen", {"town": ["a", None, "b", None, "a", "c"]})
    old, new = (one.run(population).of("total_benefits_fen").tolist() for one in (before, after))
    for effect, rows in zip(told.groups["town"], ((0, 4), (2,), (5,), (1, 3)), strict=True):
        assert effect.households == len(rows)
        assert (effect.before, effect.after) == (sum(old[k] for k in rows), sum(new[k] for k in rows))
        assert (effect.winners, effect.losers) == (0, sum(new[k] < old[k] for k in rows))
        assert effect.same == effect.households - effect.losers
    assert [effect.group[0] for effect in told.groups["town"]] == ["a", "b", "c", None]
    assert sum(effect.cost for effect in told.groups["town"]) == told.all.cost < 0


def test_a_cliff_is_called_by_its_clause() -> None:
    persons = {"household_id": [1, 1], "role": ["adult", "child"], "salary_fen": [0, 0]}
    births = Population.of(country().book, MONTH, persons).put(Node("age", MONTH), [30, 3])
    evaluation = evaluation_of(births, ["parenting_allowance_fen", "total_benefits_fen"])
    steps = list(range(0, 100_001, 10_000))
    slope = along_income(
        evaluation, births, Node("salary_fen", MONTH), steps, ["parenting_allowance_fen", "total_benefits_fen"]
    )
    (cliff,) = slope.cliffs
    assert (cliff.below, cliff.above, cliff.loss) == (50_000, 60_000, 50_000)
    assert "育儿补贴" in cliff.to_text().zh
    assert slope.taken_bp[0] == 0
    assert slope.taken_bp[5] == 60_000
