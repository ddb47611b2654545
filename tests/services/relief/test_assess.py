"""Social relief: every example is assessed, exact to the fen, with its clause; bad files are refused whole."""

from __future__ import annotations

import csv
from datetime import date, datetime, time
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from tests.services.relief.office import COUNTY, WINDOW, Office, poor
from yucun.base.clock import CHINA
from yucun.base.errors import ParameterError, RuleError
from yucun.base.period import Period, WorkingCalendar
from yucun.city import SERVICES
from yucun.kernel.cases import TimeLimit
from yucun.kernel.examples import Example, read_examples
from yucun.kernel.rules import Outcome, Parameters, Plan, evaluate, make_plan
from yucun.services.relief.commands import assess
from yucun.services.relief.planning import make_population, read_people
from yucun.services.relief.rules import (
    BOOK,
    compose_household_from_2021_06,
    first_paid_month_from_2014_11,
    share_bp_from_2014_11,
)

EXAMPLES = {example.id: example for example in read_examples(SERVICES / "relief" / "examples.toml", "relief")[0]}
FIGURES = Parameters.read(SERVICES / "relief" / "parameters.toml")
ASSESSED = [name for name, one in EXAMPLES.items() if any(t.table == "relief.assessment" for t in one.tables)]
WORKED_OUT = [name for name, one in EXAMPLES.items() if any(t.table == "relief.result" for t in one.tables)]
DATED = [name for name, one in EXAMPLES.items() if any(t.table == "relief.deadline" for t in one.tables)]
SHARED = [name for name, one in EXAMPLES.items() if any(t.table == "relief.share" for t in one.tables)]
COMPOSED = [name for name, one in EXAMPLES.items() if any(t.table == "relief.member" for t in one.tables)]
BOOKED = [name for name, one in EXAMPLES.items() if any(t.table == "relief.books" for t in one.tables)]
CASES = [f"A{number:02d}" for number in range(1, 31)]
NOBODY = (
    "household_id,person_id,role,counted_income_12m_fen,work_income_month_fen,works_since,"
    "money_assets_fen,rigid_expense_12m_fen,class\n"
)


def rows_of(example: Example, table: str) -> str:
    return next(t.rows for t in example.tables if t.table == f"relief.{table}")


def rows_in(example: Example, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(rows_of(example, table))))


def write_parameters(said: dict[str, str]) -> str:
    lines = []
    for name, value in said.items():
        if name in FIGURES.items:
            entry = f'{{ from = 2012-01-01, value = {value}, evidence = "unverified", source = "an example" }}'
            unit = FIGURES.items[name].unit
            lines.append(f'[{name}]\ntitle = {{ zh = "例", en = "example" }}\nunit = "{unit}"\nvalues = [{entry}]')
    choices = [f'{name} = "{value}"' for name, value in said.items() if name not in FIGURES.items]
    return "\n".join([*lines, "[choices]", *choices]) + "\n"


def run(folder: Path, households: str, said: dict[str, str], month: str) -> dict[str, tuple[str, int, str]]:
    paths = [folder / name for name in ("H.csv", "P.toml", "B.csv")]
    paths[0].write_text(households, encoding="utf-8")
    paths[1].write_text(write_parameters(said), encoding="utf-8")
    assess(households=paths[0], month=month, parameters=paths[1], out=paths[2])
    with paths[2].open(encoding="utf-8") as file:
        return {r["programme"]: (r["status"], int(r["amount_fen"]), r["clause"]) for r in csv.DictReader(file)}


@pytest.mark.parametrize("name", ASSESSED)
def test_example(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    said = {r["name"]: r["value"] for r in rows_in(example, "parameter")}
    month = said.pop("month")
    found = run(tmp_path, rows_of(example, "household"), said, month)
    for row in rows_in(example, "assessment"):
        status, amount, clause = found[row["programme"]]
        assert (status, amount) == (row["status"], int(row["amount_fen"]))
        assert clause


@cache
def work_out(name: str) -> tuple[Plan, Outcome]:
    """The formulas over an example's household."""
    example = EXAMPLES[name]
    said = {r["name"]: r["value"] for r in rows_in(example, "parameter")}
    period = Period.parse(said.pop("month"))
    pack = FIGURES.patch(Parameters.parse(write_parameters(said), "example"))
    population = make_population(period, read_people(rows_of(example, "household").encode(), name))
    outputs = sorted({r["name"] for r in rows_in(example, "result")})
    plan = make_plan(BOOK, pack, period, outputs, population.given)
    return plan, evaluate(plan, population)


@pytest.mark.parametrize("name", WORKED_OUT)
def test_result(name: str) -> None:
    """The formulas give what the example says, to the fen."""
    plan, outcome = work_out(name)
    for row in rows_in(EXAMPLES[name], "result"):
        is_person = BOOK.get(row["name"]).entity == "person"
        table, ids = (outcome.persons, "person_id") if is_person else (outcome.households, "household_id")
        place = table.column(ids).to_pylist().index(row["who"])
        assert str(table.column(row["name"])[place].as_py()).lower() == row["value"], row
    assert all(step.formula.clause.zh for step in plan.steps if step.formula is not None)


@pytest.mark.parametrize("name", DATED)
def test_deadline(name: str) -> None:
    calendar = WorkingCalendar.of_china()
    for row in rows_in(EXAMPLES[name], "deadline"):
        start = date.fromisoformat(row["from"])
        if row["name"] == "first_paid_month":
            assert first_paid_month_from_2014_11(start).text == row["due"]
            continue
        limit = TimeLimit(int(str(FIGURES.get(row["name"], start).content)), "working_day")
        due = limit.due(datetime.combine(start, time(9), CHINA), calendar)
        assert (due.at.date().isoformat(), due.is_provisional) == (row["due"], False)


@pytest.mark.parametrize("name", SHARED)
def test_share(name: str) -> None:
    for row in rows_in(EXAMPLES[name], "share"):
        assert share_bp_from_2014_11(int(row["part"]), int(row["whole"])) == int(row["bp"])


@pytest.mark.parametrize("name", COMPOSED)
def test_member(name: str) -> None:
    words = {"true": True, "false": False}
    people = [
        {key: words.get(value, int(value) if value.isdigit() else value) for key, value in row.items() if value}
        for row in rows_in(EXAMPLES[name], "register")
    ]
    found = {one.person: one.is_member for one in compose_household_from_2021_06(people)}
    assert found == {row["person"]: words[row["is_member"]] for row in rows_in(EXAMPLES[name], "member")}


@pytest.mark.parametrize("name", BOOKED)
def test_books(name: str) -> None:
    """An award in force, a re-check above the line, and what a named person makes of it; the books name the clause."""
    clause = EXAMPLES[name].clause.zh
    for row in rows_in(EXAMPLES[name], "books"):
        month, line = row["month"], f"award:A-1:dibao:{row['month']}"
        office = Office()
        office.award("A-1", "H1", poor("H1", int(row["income_before_fen"])))
        office.at(f"{month}-10 08:00")
        assert sum(one.amount for one in office.due(month)) == int(row["due_fen"])
        facts = poor("H1", int(row["income_found_fen"]))
        office.do("changed", {"household": "H1", "told_on": f"{month}-09", "facts": facts}, WINDOW)
        (review,) = office.cases("review", is_open=True)
        assert office.case("award:A-1:dibao").state == "in_force", "a review alone stops nothing"
        office.move(review.id, "stop", COUNTY, reason="核查收入超出标准")
        office.do("written_off", {"transfer": line, "how": row["how"], "reason": "核查收入超出标准"}, COUNTY)
        assert sum(one.amount for one in office.due(month)) == int(row["left_fen"])
        assert office.paid("H1") == int(row["paid_fen"])
        with office.engine.books.read() as tx:
            told = office.engine.ledger.statement(tx, "household:H1")
        (entry,) = [one for account in told.accounts for one in account.lines if one.about == line]
        assert (entry.action, entry.clause) == ("void", clause)
        office.close()


def test_all_thirty_cases_of_the_facts_are_there_and_each_is_run() -> None:
    assert {name.split("_")[0] for name in EXAMPLES} >= set(CASES)
    assert set(EXAMPLES) == {*ASSESSED, *WORKED_OUT, *DATED, *SHARED, *COMPOSED, *BOOKED}
    for example in EXAMPLES.values():
        assert example.clause.zh and example.clause.en and example.then.zh and example.then.en


def test_every_clause_is_shown_by_an_example() -> None:
    """Coverage: each version of each formula stands under at least one example."""
    reached = {step.formula.name for name in WORKED_OUT for step in work_out(name)[0].steps if step.formula}
    reached |= {"is_edge__strictly_below_from_2014_11", "disregarded_income_month_fen_from_2014_11"}  # A06, A07
    every = {f.name for formulas in BOOK.versions.values() for f in formulas}
    assert not every - reached


def test_a_loss_of_relief_is_never_decided_here(tmp_path: Path) -> None:
    """Who receives and no longer meets a line is for review by a named person; no status refuses."""
    rich = NOBODY + "h,a,head,99999999,0,,0,0,dibao\n"
    assert run(tmp_path, rich, {}, "2022-03")["dibao"][0] == "review"


@pytest.mark.parametrize(
    ("rows", "month", "error", "word"),
    [
        ("h,a,head,-1,0,,0,0,\n", "2022-03", RuleError, "below zero"),
        ("h,a,head,,0,,0,0,\n", "2022-03", RuleError, "blank"),
        ("h,a,boss,0,0,,0,0,\n", "2022-03", RuleError, "boss"),
        ("h,a,head,0,0,,0,0,\ng,a,head,0,0,,0,0,\n", "2022-03", RuleError, "one household"),
        ("h,a,head,0,0,,0,0,dibao\nh,b,spouse,0,0,,0,0,edge\n", "2022-03", RuleError, "two classes"),
        ("h,a,head,0,0,yesterday,0,0,\n", "2022-03", RuleError, "cannot be read"),
        ("h,a,head,0,0,,0,0,\n", "2018-10", ParameterError, "standard_fen"),
    ],
)
def test_bad_input_writes_nothing(
    rows: str, month: str, error: type[RuleError | ParameterError], word: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        run(tmp_path, NOBODY + rows, {}, month)
    assert word in str(caught.value)
    assert not (tmp_path / "B.csv").exists()


def test_every_parameter_has_a_source() -> None:
    pack = Parameters.read(SERVICES / "relief" / "parameters.toml")
    assert all(value.source for item in pack.items.values() for value in item.values)
    assert pack.is_simulation_only, "the minimum wage that Huzhou chose has not been seen in a document"


def test_who_belongs_to_a_household_and_why() -> None:
    """The duty of support makes a household, a shared register does not; nobody is left out, all reasons are said."""
    people = [
        {"person": "a", "relation": "head", "years": 45},
        {"person": "b", "relation": "spouse", "years": 44},
        {"person": "c", "relation": "child", "years": 17},
        {"person": "d", "relation": "child", "years": 20, "studies_full_time": True},
        {"person": "e", "relation": "child", "years": 30, "can_live_alone": False},
        {"person": "f", "relation": "child", "years": 30},
        {"person": "g", "relation": "parent", "years": 70, "has_support_duty": True, "lives_with": True},
        {"person": "h", "relation": "sibling", "years": 40, "lives_with": True},
        {"person": "i", "relation": "spouse", "years": 44, "clergy_years": 3},
        {"person": "j", "relation": "child", "years": 25, "in_prison": True, "can_live_alone": False},
    ]
    found = compose_household_from_2021_06(people)
    assert [one.person for one in found] == [str(one["person"]) for one in people]
    assert [one.person for one in found if one.is_member] == ["a", "b", "c", "d", "e", "g"]
    assert all(one.reason.zh and one.reason.en for one in found)
