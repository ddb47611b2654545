"""Blocks give what DuckDB gives, for every operation that formulas use, with blanks, dates, codes and odd sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.rules.country import country, make_population
from yucun.base.errors import RuleError
from yucun.base.period import Period
from yucun.base.quantity import Rounding
from yucun.base.text import Text
from yucun.kernel.rules import (
    Column,
    Evaluation,
    Law,
    Parameters,
    Population,
    Role,
    RuleBook,
    Subject,
    Variable,
    all_of,
    any_of,
    at_least_zero,
    blocks,
    choose,
    divide,
    evaluate,
    full_months,
    full_years,
    guards,
    larger,
    make_plan,
    marginal,
    rate_of,
    read_parameters,
    rows,
    smaller,
)
from yucun.kernel.rules.order import default_node
from yucun.kernel.rules.program import make_program
from yucun.services.relief import rules as relief
from yucun.services.relief.models import PROGRAMMES

MONTH = Period.month(2022, 3)
PACK = Parameters.parse(
    """
[rate_bp]
title = { zh = "率", en = "rate" }
unit = "bp"
values = [{ from = 2000-01-01, value = 3333, evidence = "law", source = "x" }]
[part_fen]
title = { zh = "额", en = "part" }
unit = "fen"
values = [{ from = 2000-01-01, codes = { a = 3, b = 7, c = 11 }, evidence = "law", source = "x" }]
[steps]
title = { zh = "档", en = "steps" }
unit = "bp"
values = [{ from = 2000-01-01, scale = [[0, 0], [1000, 500], [9000, 1500]], evidence = "law", source = "x" }]
""",
    "odd.toml",
)


def age_from_2000_01(person: Subject) -> Column:
    """条款 | Full years, blank where nobody knows the birth."""
    return full_years(person["born"], person.period.start)


def months_from_2000_01(person: Subject) -> Column:
    """条款 | Full months since a day."""
    return full_months(person["since"], person.period.start)


def calendar_from_2000_01(person: Subject) -> Column:
    """条款 | The parts of a day, none where it is blank."""
    born = person["born"]
    return (born.year() * 10_000 + born.month() * 100 + born.day()).fill_null(0)


def is_odd_from_2000_01(person: Subject) -> Column:
    """条款 | Conditions that are not known of everybody, decided by the other side."""
    late = person["since"] > person["born"]
    return (late & person["is_ill"]).fill_null(False) | (late | ~person["is_ill"]).fill_null(True)


def parted_fen_from_2000_01(person: Subject, law: Law) -> Column:
    """条款 | Every rounding of what may be below nothing."""
    total = divide(person["income_fen"] * law["rate_bp"], 10_000, Rounding.HALF_UP)
    for rounding in (Rounding.DOWN, Rounding.UP, Rounding.HALF_EVEN):
        total = total * 3 + divide(person["income_fen"], 7, rounding)
    return total - person["income_fen"]


def by_grade_fen_from_2000_01(person: Subject) -> Column:
    """条款 | Divided by what may be zero: blank there."""
    return divide(person["income_fen"], person["grade"], Rounding.DOWN)


def by_code_fen_from_2000_01(person: Subject, law: Law) -> Column:
    """条款 | By code of the person, and more for some codes of the household's letting."""
    part = law.by("part_fen", person["kind"]) + marginal(person["income_fen"], law.scale("steps"), Rounding.HALF_UP)
    is_some = person["kind"].isin(["a", "c"]) & (person["kind"] != "c") & person.household["rents"]
    return choose(is_some, part * 2, part) + rate_of(person.household["rent_fen"], law.scale("steps"))


def first_known_from_2000_01(person: Subject) -> Column:
    """条款 | The larger and smaller of what is known."""
    return larger(person["age"], person["months"], 5) + smaller(person["months"].fill_null(3), person["grade"])


def oldest_from_2000_01(household: Subject) -> Column:
    """条款 | The first birth among the members."""
    return household.smallest("born")


def most_fen_from_2000_01(household: Subject) -> Column:
    """条款 | The largest income of those who are no head, blank where there is none."""
    return household.largest("income_fen", role="member")


def head_fen_from_2000_01(household: Subject) -> Column:
    """条款 | The head's income, blank without a head."""
    return household.one("income_fen", role="head")


def total_fen_from_2000_01(household: Subject) -> Column:
    """条款 | Sums, counts and conditions over members and roles."""
    some = any_of(
        household.any("is_ill"), ~household.all("is_ill", role="member"), household.any("is_odd", role="head")
    )
    members = household.sum("income_fen", role="member") + household.sum("parted_fen") * 5 + household.count("member")
    return choose(all_of(some, household["rents"]), members, -household.count() * household["rent_fen"])


def left_fen_from_2000_01(household: Subject) -> Column:
    """条款 | What is left, not below nothing, where the class is the second."""
    known = household["oldest"].isnull() | (household["class"] == "y")
    return choose(known, at_least_zero(household["total_fen"]), household.sum("by_code_fen"))


def _variable(
    name: str, entity: Any, kind: Any = "integer", blank: bool = False, codes: tuple[str, ...] = ()
) -> Variable:
    unit = "" if kind != "integer" else "fen" if name.endswith("_fen") else "number"
    per: Any = "once" if name in ("born", "since") else "month"
    return Variable(name, entity, kind, per, Text(name, name), unit, codes=codes, may_be_blank=blank)


VARIABLES = (
    _variable("income_fen", "person"),
    _variable("grade", "person"),
    _variable("born", "person", "date", blank=True),
    _variable("since", "person", "date", blank=True),
    _variable("kind", "person", "code", codes=("a", "b", "c")),
    _variable("is_ill", "person", "boolean"),
    _variable("age", "person", blank=True),
    _variable("months", "person", blank=True),
    _variable("calendar", "person"),
    _variable("is_odd", "person", "boolean"),
    _variable("parted_fen", "person"),
    _variable("by_grade_fen", "person", blank=True),
    _variable("by_code_fen", "person"),
    _variable("first_known", "person"),
    _variable("rent_fen", "household"),
    _variable("rents", "household", "boolean"),
    _variable("class", "household", "code", codes=("x", "y")),
    _variable("oldest", "household", "date", blank=True),
    _variable("most_fen", "household", blank=True),
    _variable("head_fen", "household", blank=True),
    _variable("total_fen", "household"),
    _variable("left_fen", "household"),
)
FORMULAS = [formula for name, formula in list(globals().items()) if name.endswith("_from_2000_01")]
BOOK = RuleBook.build(
    "odd",
    [Role("head", "heads", Text("户主", "head"), most=1), Role("member", "members", Text("成员", "member"))],
    VARIABLES,
    FORMULAS,
)
OUTPUTS = [formula.variable for versions in BOOK.versions.values() for formula in versions]


def make_odd(sizes: list[int], seed: int, mixed: bool, wide: bool) -> Population:
    """Households with every kind of column, blanks among them."""
    chance = np.random.default_rng(seed)
    home = np.repeat(np.arange(len(sizes)), sizes)
    is_head = np.concatenate(([True], home[1:] != home[:-1])) & (chance.random(len(home)) < 0.8)
    order = chance.permutation(len(home)) if mixed else np.arange(len(home))
    most = 2**40 if wide else 20_000

    def days(first: str, share: float) -> pa.Array:
        drawn = (np.datetime64(first) + chance.integers(0, 40_000, len(home))).astype("M8[D]").astype(np.int32)
        return pa.array(drawn, pa.int32(), mask=chance.random(len(home)) < share).view(pa.date32())

    persons = {
        "household_id": home[order],
        "role": np.where(is_head, "head", "member")[order].tolist(),
        "income_fen": chance.integers(-most, most, len(home)),
        "grade": chance.integers(0, 4, len(home)),
        "born": days("1890-01-01", 0.2),
        "since": days("1960-01-01", 0.5),
        "kind": chance.choice(["a", "b", "c"], len(home)).tolist(),
        "is_ill": chance.random(len(home)) < 0.5,
    }
    households = {
        "household_id": np.arange(len(sizes)),
        "rent_fen": chance.integers(0, 12_000, len(sizes)),
        "rents": chance.random(len(sizes)) < 0.5,
        "class": chance.choice(["x", "y"], len(sizes)).tolist(),
    }
    return Population.of(BOOK, MONTH, persons, households)


def answers(evaluation: Evaluation, population: Population, layout: Any) -> list[dict[str, list[Any]]]:
    """Every row of every output, by its way."""
    outcome = evaluation.run(population, layout)
    return [outcome.persons.to_pydict(), outcome.households.to_pydict()]


@cache
def all_outputs() -> Evaluation:
    """Kept, so that its SQL is written once for all examples."""
    return Evaluation(make_plan(BOOK, PACK, MONTH, OUTPUTS, make_odd([1], 1, False, False).given))


# What `make_odd` takes.
ODD: dict[str, st.SearchStrategy[Any]] = {
    "sizes": st.lists(st.integers(0, 8), min_size=1, max_size=12).filter(any) | st.sampled_from([[1] * 5, [3] * 4]),
    "seed": st.integers(0, 10_000),
    "mixed": st.booleans(),
    "wide": st.booleans(),
}


@settings(max_examples=25, deadline=None)
@given(**ODD)
def test_blocks_give_what_duckdb_gives(sizes: list[int], seed: int, mixed: bool, wide: bool) -> None:
    population, evaluation = make_odd(sizes, seed, mixed, wide), all_outputs()
    assert evaluation.prepare()
    assert evaluation.program is not None
    assert blocks.run_blocks(evaluation.program, rows.Rows.of(population), 2)  # no other way was taken
    ours = answers(evaluation, population, "blocks")
    assert ours == answers(evaluation, population, "flat")
    assert ours == answers(evaluation, population, "seats")


@settings(max_examples=25, deadline=None)
@given(**ODD, few=st.sampled_from([0.2, 0.6, 2.0]))
def test_what_is_guarded_gives_what_seats_give(
    sizes: list[int], seed: int, mixed: bool, wide: bool, few: float
) -> None:
    population, evaluation = make_odd(sizes, seed, mixed, wide), all_outputs()
    with as_if_large() as patch:
        patch.setattr(rows, "PERSONS", 11)
        patch.setattr(guards, "FEW", few)
        ours = answers(evaluation, population, "blocks")
    assert ours == answers(evaluation, population, "seats")


@contextmanager
def as_if_large() -> Iterator[pytest.MonkeyPatch]:
    """Guarded, which only large populations are worth."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "LARGE", 0)
        yield patch


def few_ill(count: int, ill: list[int], **columns: Any) -> Population:
    """Households of one and two in turn, in which some persons are ill."""
    persons = {
        "household_id": np.arange(count) * 2 // 3,
        "role": ["member"] * count,
        "income_fen": np.arange(count) - count // 2,
        "grade": np.zeros(count, np.int64),
        "is_ill": np.isin(np.arange(count), ill),
        **columns,
    }
    return Population.of(guarded_book(), MONTH, persons, {"household_id": np.arange((count - 1) * 2 // 3 + 1)})


@cache
def guarded_book() -> RuleBook:
    """What is paid to the ill only, below nothing for some, with a part of it for those who are graded besides."""

    def paid_fen_from_2000_01(person: Subject) -> Column:
        """条款 | A clause."""
        is_graded = person["is_ill"] & (person["grade"] > 1)
        more = choose(is_graded, divide(person["income_fen"], 3, Rounding.HALF_UP), 0)
        return choose(person["is_ill"], person["income_fen"] * 2 + more, 0)

    def total_fen_from_2000_01(household: Subject) -> Column:
        """条款 | A clause."""
        return household.sum("paid_fen") + choose(household.any("is_ill"), 1, 0)

    variables = [_variable("paid_fen", "person")]
    return BOOK.amend(variables, [paid_fen_from_2000_01, total_fen_from_2000_01])


def guarded_plan(people: Population) -> Any:
    """The plan of what the ill are paid."""
    return make_plan(guarded_book(), PACK, MONTH, ["paid_fen", "total_fen"], people.given)


@pytest.mark.parametrize("ill", [[], [0], [1, 2, 29], list(range(30))])
@pytest.mark.parametrize("graded", [[], [2], [1, 2, 5]])
def test_a_guard_that_few_or_none_or_all_meet(ill: list[int], graded: list[int]) -> None:
    """Blocks are many and small: most have nobody, and none was looked at but one."""
    grades = np.where(np.isin(np.arange(30), graded), 3, 0)
    people = few_ill(30, ill, grade=grades)
    plan = guarded_plan(people)
    with as_if_large() as patch:
        patch.setattr(rows, "PERSONS", 4)
        patch.setattr(blocks, "LOOKED_AT", 9)
        patch.setattr(guards, "FEW", 0.5)
        ours = answers(Evaluation(plan), people, "blocks")
    assert ours == answers(Evaluation(plan), people, "seats")
    assert [who for who, paid in enumerate(ours[0]["paid_fen"]) if paid] == [who for who in ill if who != 15]


def test_what_few_are_paid_is_worked_out_for_few() -> None:
    people = few_ill(300, [1, 2, 150, 151], grade=np.arange(300) % 3)
    program = make_program(guarded_plan(people))
    with as_if_large():
        code = blocks.write_code(program, rows.Rows.of(people))
    registers = [rows.Rows.of(people).block(0, 200), *code.first[1:]]
    for function, taken, out, _ in code.steps:
        registers[out] = function(*[registers[k] for k in taken])
    lengths = [np.size(registers[out]) for _, _, out, _ in code.steps]
    assert lengths.count(4) > lengths.count(300)


def test_many_blocks_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    for sizes in ([2] * 40, [1, 0, 5, 2, 9] * 8):
        population = make_odd(sizes, 3, True, False)
        evaluation = all_outputs()
        whole = answers(evaluation, population, "blocks")
        with monkeypatch.context() as patch:
            patch.setattr(rows, "PERSONS", 7)
            assert answers(evaluation, make_odd(sizes, 3, True, False), "blocks") == whole


def test_the_rules_in_use_run_in_blocks() -> None:
    """The slower way is for formulas that nobody has written yet; it must not be taken unseen."""
    folder, population = country(), make_population([1, 2, 3], 1)
    given_ = population.given
    plan = make_plan(
        folder.book, folder.parameters, population.period, ["disposable_income_fen", "total_taxes_fen"], given_
    )
    assert Evaluation(plan).prepare()
    law = read_parameters(Path(relief.__file__).parent / "parameters.toml")
    nodes = [node for name in relief.BOOK.variables if (node := _given_node(name)) is not None]
    amounts = [
        p.amount for p in PROGRAMMES if p.amount in ("dibao_gap_fen", "tekun_fen", "single_gap_fen", "addon_fen")
    ]
    assert len(amounts) >= 3
    assert Evaluation(make_plan(relief.BOOK, law, MONTH, amounts, nodes)).prepare()


def _given_node(name: str) -> Any:
    return None if relief.BOOK.versions.get(name) else default_node(relief.BOOK, name, MONTH)


@pytest.mark.parametrize("layout", ["blocks", "seats", "flat"])
def test_a_number_that_may_leave_64_bits_goes_the_long_way(layout: Any) -> None:
    def total_fen_from_2000_01(household: Subject) -> Column:
        """条款 | A clause."""
        return household.sum("income_fen")

    book = BOOK.amend(formulas=[total_fen_from_2000_01])
    columns = {"household_id": [1, 1, 2], "income_fen": [2**62, -(2**62), 2**61], "role": ["member"] * 3}
    people = Population.of(book, MONTH, columns)
    plan = make_plan(book, PACK, MONTH, ["total_fen"], people.given)
    program = Evaluation(plan)
    assert program.prepare()
    assert program.program is not None
    with pytest.raises(OverflowError):
        blocks.run_blocks(program.program, rows.Rows.of(people), 1)
    assert evaluate(plan, people, layout).of("total_fen").tolist() == [0, 2**61]
    too_many = Population.of(book, MONTH, {**columns, "income_fen": [2**62, 2**62, 0]})
    with pytest.raises(RuleError, match="too large"):
        evaluate(plan, too_many, layout)


def test_what_is_not_written_as_operations_goes_the_long_way() -> None:
    def class_from_2000_01(household: Subject) -> Column:
        """条款 | A code that a formula gives."""
        return choose(household["rents"], "x", "y")

    book = BOOK.amend(formulas=[class_from_2000_01])
    people = Population.of(book, MONTH, {"household_id": [1, 2]}, {"household_id": [1, 2], "rents": [True, False]})
    evaluation = Evaluation(make_plan(book, PACK, MONTH, ["class", "rents"], people.given))
    assert not evaluation.prepare()
    assert evaluation.run(people).households.to_pydict() == {
        "household_id": [1, 2],
        "class": ["x", "y"],
        "rents": [True, False],
    }


def test_a_code_that_is_not_given_is_its_declared_word() -> None:
    """Whoever states little must not be worked out the slow way."""
    folder = country()
    people = Population.of(
        folder.book, Period.month(2017, 3), {"household_id": [1, 1, 2], "salary_fen": [9, 0, 90_000]}
    )
    plan = make_plan(folder.book, folder.parameters, people.period, ["total_taxes_fen"], people.given)
    evaluation = Evaluation(plan)
    assert evaluation.prepare()
    ours = answers(evaluation, people, "blocks")
    assert ours == answers(evaluation, people, "seats")
    assert ours[1]["total_taxes_fen"][1] > ours[1]["total_taxes_fen"][0] > 0


def test_what_is_given_comes_back_as_it_was() -> None:
    people = make_odd([2, 1], 4, False, False)
    plan = make_plan(BOOK, PACK, MONTH, ["kind", "born", "income_fen", "class", "is_ill"], people.given)
    ours, theirs = (answers(Evaluation(plan), people, layout) for layout in ("blocks", "seats"))
    assert ours == theirs
    assert ours[0]["born"] == people.persons.column("born@once").to_pylist()
    assert all(isinstance(one, date) or one is None for one in ours[0]["born"])
