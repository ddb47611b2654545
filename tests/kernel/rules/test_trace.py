"""Why: every line works out by hand to its own value; what changed adds up; circles and wrong names are refused."""

from __future__ import annotations

import pytest

from tests.kernel.rules.country import MONTH, country, make_population
from yucun.base.errors import NotKnown, RuleError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules import Column, Law, Population, Role, RuleBook, Subject, Variable, check_book, make_plan
from yucun.kernel.rules.arithmetic import work_out
from yucun.kernel.rules.parameters import Parameters
from yucun.kernel.rules.trace import explain_change, trace

ROLES = [Role("head", "heads", Text("户主", "head"))]


def test_every_line_works_out_to_its_value() -> None:
    population = make_population([3, 2, 7], 11)
    plan = make_plan(country().book, country().parameters, MONTH, ["disposable_income_fen"], population.given)
    for home in ("h0", "h1", "h2"):
        told = trace(plan, population, home, "disposable_income_fen")
        worked = [line for line in told.lines if line.arithmetic.en]
        assert len(worked) > 10
        for line in worked:
            assert work_out(line.arithmetic.en) == line.value, line.to_text().en


def test_a_line_names_clause_parameter_source_and_function() -> None:
    population = make_population([2], 4)
    plan = make_plan(country().book, country().parameters, MONTH, ["total_taxes_fen"], population.given)
    told = trace(plan, population, "h0", "total_taxes_fen")
    assert told.result.who == "h0"
    line = next(x for x in told.lines if x.formula == "income_tax_fen_from_2012_01")
    assert line.where.startswith("country_template/rules.py:")
    words = line.to_text()
    assert "所得税" in words.zh
    assert "income_tax_rate_bp = 1500 (from 2015-01-01; made up; country-template" in words.en
    assert "仅供模拟" in told.to_text().zh


def test_unknown_household() -> None:
    population = make_population([2], 4)
    plan = make_plan(country().book, country().parameters, MONTH, ["total_taxes_fen"], population.given)
    with pytest.raises(NotKnown):
        trace(plan, population, "h9", "total_taxes_fen")


def households(month: Period, salaries: list[int], rent: int, ids: str = "ab") -> Population:
    persons = {"person_id": list(ids), "household_id": ["h"] * len(ids), "salary_fen": salaries}
    given = {"household_id": ["h"], "rent_fen": [rent], f"accommodation_size_m2@{month.start.year}-01": [50]}
    return Population.of(country().book, month, persons, given)


def test_what_changed_since_last_month_adds_up() -> None:
    first, second = Period.month(2016, 11), Period.month(2016, 12)
    before, after = households(first, [100_000, 0], 80_000), households(second, [150_000, 0], 90_000)
    book, pack = country().book, country().parameters
    plans = [make_plan(book, pack, p.period, ["disposable_income_fen"], p.given) for p in (before, after)]
    change = explain_change(plans[0], before, plans[1], after, "h", "disposable_income_fen")
    assert change.after - change.before == sum(c.effect for c in change.causes)
    law, salary = change.causes
    assert "basic_income_fen_from_2016_12" in law.what.en
    assert law.effect == 60_000 - 20_000  # the second adult's basic income comes, the housing allowance goes
    assert salary.what.zh == "工资有变（salary_fen@2016-12）"
    assert salary.effect == 50_000 - 7_500 - 2_000


def test_who_came_is_a_cause_of_its_own() -> None:
    month, later = Period.month(2017, 3), Period.month(2017, 4)
    before, after = households(month, [100_000], 0, "a"), households(later, [100_000, 0], 0, "ab")
    plans = [
        make_plan(country().book, country().parameters, p.period, ["disposable_income_fen"], p.given)
        for p in (before, after)
    ]
    change = explain_change(plans[0], before, plans[1], after, "h", "disposable_income_fen")
    assert [(c.what.en, c.effect) for c in change.causes] == [("members: came ['b'], left []", 60_000)]


def make_variable(name: str) -> Variable:
    return Variable(name, "household", "integer", "month", Text(name, name), "fen")


def test_a_circle_is_refused_with_its_path() -> None:
    def a_fen_from_2020_01(household: Subject, law: Law) -> Column:
        """甲 | A."""
        return household["b_fen"] + 1

    def b_fen_from_2020_01(household: Subject, law: Law) -> Column:
        """乙 | B."""
        return household["c_fen"] + 1

    def c_fen_from_2020_01(household: Subject, law: Law) -> Column:
        """丙 | C."""
        return household["a_fen"] + 1

    variables = [make_variable(name) for name in ("a_fen", "b_fen", "c_fen")]
    book = RuleBook.build("round", ROLES, variables, [a_fen_from_2020_01, b_fen_from_2020_01, c_fen_from_2020_01])
    with pytest.raises(RuleError, match="a_fen@once → b_fen@once → c_fen@once → a_fen@once"):
        check_book(book, Parameters("none", {}))
    with pytest.raises(RuleError, match="a_fen@2022-03 → b_fen@2022-03 → c_fen@2022-03 → a_fen@2022-03"):
        make_plan(book, Parameters("none", {}), Period.month(2022, 3), ["a_fen"], [])


def test_last_month_without_end_is_refused() -> None:
    def a_fen_from_1000_01(household: Subject, law: Law) -> Column:
        """甲 | A."""
        from yucun.kernel.rules import month_after  # noqa: PLC0415 - shows that a formula needs nothing else

        return household.at("a_fen", month_after(household.period, -1)) + 1

    book = RuleBook.build("endless", ROLES, [make_variable("a_fen")], [a_fen_from_1000_01])
    check_book(book, Parameters("none", {}))
    with pytest.raises(RuleError, match="ever earlier"):
        make_plan(book, Parameters("none", {}), Period.month(2022, 3), ["a_fen"], [])


def test_a_formula_needs_a_date_a_clause_and_a_variable() -> None:
    def a_fen(household: Subject, law: Law) -> Column:
        """甲 | A."""
        return 1

    def a_fen_from_2020_01(household: Subject, law: Law) -> Column:
        return 1

    def z_fen_from_2020_01(household: Subject, law: Law) -> Column:
        """丁 | Z."""
        return 1

    with pytest.raises(RuleError) as caught:
        RuleBook.build("bad", ROLES, [make_variable("a_fen")], [a_fen, a_fen_from_2020_01, z_fen_from_2020_01])
    assert {f.kind for f in caught.value.findings} == {"rules.name", "rules.clause", "rules.unknown_variable"}


def test_a_period_of_another_kind_must_be_said() -> None:
    def a_fen_from_2020_01(household: Subject, law: Law) -> Column:
        """甲 | A."""
        return household["yearly_fen"]

    yearly = Variable("yearly_fen", "household", "integer", "year", Text("年", "yearly"), "fen", 0)
    book = RuleBook.build("kinds", ROLES, [make_variable("a_fen"), yearly], [a_fen_from_2020_01])
    with pytest.raises(RuleError, match="say which with at or sum_over"):
        check_book(book, Parameters("none", {}))
