"""Assessing households: a file or a stated household in, status and amount of every programme out, and why.

An assessment is not a decision. What it rests on (people's incomes, illness, assets) is read, used and not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from yucun.base.errors import Finding, ParameterError, RuleError, Yours
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.cases import Actor, Opening, TimeLimit
from yucun.kernel.rules import Evaluation, Parameters, Plan, Population, make_plan
from yucun.kernel.rules.trace import Trace, trace
from yucun.kernel.view import Pack

from .models import PROGRAMMES, Programme
from .rules import BOOK

# What every file of households says; money in fen.
REQUIRED = ("household_id", "person_id", "role")
CORE = ("dibao", "edge", "expenditure")
# Largest amount that a person can have in a file: ten billion yuan is a slip of the pen.
LARGEST_FEN = 10**12
_TYPES = {"integer": pa.int64(), "boolean": pa.bool_(), "date": pa.date32(), "code": pa.string(), "text": pa.string()}
_PLANS: dict[tuple[Any, ...], Assessor] = {}
_MOST_PLANS = 64


@dataclass(frozen=True, slots=True)
class People:
    """Checked persons and households of a file, and under which programme each household receives now."""

    persons: pa.Table
    households: pa.Table
    classes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Assessor:
    """Programmes that can be worked out in a month, ready to run; and those whose figures are not known, with reasons."""

    plan: Plan
    evaluation: Evaluation
    programmes: tuple[Programme, ...]
    not_known: Mapping[str, Finding]
    alone: dict[str, Plan] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessment:
    """One household under one programme; ``status`` is meets, meets_not, or review where it receives and no longer meets."""

    household: str
    programme: str
    status: str
    amount_fen: int
    clause: str


# -- reading -------------------------------------------------------------------------------------------------------------


def read_people(data: bytes, name: str) -> People:
    """Read a CSV of households, a row a person; money in fen.

    Raises
    ------
    RuleError
        With every finding: columns that are missing or unknown, amounts below zero or absurd, words that no list
        has, a household without a head or with two classes.
    """
    table = _read_csv(data, name)
    findings = _check_columns(table, name)
    if findings:
        raise RuleError(findings)
    findings += _check_amounts(table, name)
    classes, wrong = _read_classes(table, name)
    findings += wrong + _check_heads(table, name) + _check_roles(table, name)
    homes, wrong = _read_homes(table, name)
    findings += wrong
    if findings:
        raise RuleError(findings)
    known = {v.name for v in BOOK.variables.values() if v.entity == "person"}
    persons = table.select([n for n in table.column_names if n in known or n in REQUIRED])
    return People(_fill(persons), homes, classes)


def _read_csv(data: bytes, name: str) -> pa.Table:
    kinds = {v.name: _TYPES[v.kind] for v in BOOK.variables.values()}
    kinds |= dict.fromkeys((*REQUIRED, "class"), pa.string())
    options = csv.ConvertOptions(column_types=kinds, strings_can_be_null=True)
    try:
        table = csv.read_csv(pa.BufferReader(data), convert_options=options)
    except pa.ArrowInvalid as error:
        raise RuleError(
            _finding(name, error, "CSV", f"文件读不出：{error}", f"the file cannot be read: {error}")
        ) from None
    if not table.num_rows:
        raise RuleError(_finding(name, "0 rows", "a row a person", "文件里没有人", "the file holds nobody"))
    return table


def _check_columns(table: pa.Table, name: str) -> list[Finding]:
    findings = []
    missing = [one for one in REQUIRED if one not in table.column_names]
    if missing:
        findings.append(
            _finding(name, missing, ", ".join(REQUIRED), f"缺少列 {missing}", f"columns are missing: {missing}")
        )
    unknown = [one for one in table.column_names if one not in (*REQUIRED, "class") and one not in BOOK.variables]
    if unknown:
        findings.append(
            _finding(
                name,
                unknown,
                "variables of the rule book",
                f"没有这些列：{unknown}",
                f"there are no such columns: {unknown}",
            )
        )
    twice = sorted({one for one in table.column_names if table.column_names.count(one) > 1})
    if twice:
        findings.append(
            _finding(name, twice, "each column once", f"列写了两次：{twice}", f"columns stand twice: {twice}")
        )
    blank = [
        one
        for one in REQUIRED
        if one in table.column_names and table.column_names.count(one) == 1 and table.column(one).null_count
    ]
    if blank:
        findings.append(
            _finding(name, blank, "a value in every row", f"列 {blank} 有空白", f"columns {blank} have blanks")
        )
    return findings  # fmt: skip


def _check_amounts(table: pa.Table, name: str) -> list[Finding]:
    findings = []
    for one in table.column_names:
        variable = BOOK.variables.get(one)
        if variable is None:
            continue
        column = table.column(one)
        if variable.kind == "integer":
            below, absurd = pc.sum(pc.less(column, 0)).as_py(), pc.sum(pc.greater(column, LARGEST_FEN)).as_py()
            if below:
                findings.append(
                    _finding(
                        name, one, "0 or more", f"「{one}」有 {below} 处小于零", f"'{one}' is below zero {below} times"
                    )
                )
            if absurd:
                findings.append(
                    _finding(
                        name,
                        one,
                        f"at most {LARGEST_FEN}",
                        f"「{one}」有 {absurd} 处大得不合理",
                        f"'{one}' is absurdly large {absurd} times",
                    )
                )
        if variable.kind == "code":
            strange = sorted(set(pc.unique(column).to_pylist()) - {None, *variable.codes})
            if strange:
                findings.append(
                    _finding(
                        name,
                        strange,
                        ", ".join(variable.codes),
                        f"「{one}」没有这些取值：{strange}",
                        f"'{one}' has no such values: {strange}",
                    )
                )
        if column.null_count and variable.default is None and not variable.may_be_blank:
            findings.append(
                _finding(name, one, "a value in every row", f"「{one}」有空白", f"'{one}' is blank in some rows")
            )
    return findings  # fmt: skip


def _read_classes(table: pa.Table, name: str) -> tuple[dict[str, str], list[Finding]]:
    held = table.column("class").to_pylist() if "class" in table.column_names else [None] * table.num_rows
    classes: dict[str, str] = {}
    findings = []
    for home, word in zip(table.column("household_id").to_pylist(), held, strict=True):
        if word and classes.setdefault(home, word) != word:
            findings.append(
                _finding(name, home, "one class", f"「{home}」有两个类别", f"household '{home}' has two classes")
            )
    return classes, findings


def _check_heads(table: pa.Table, name: str) -> list[Finding]:
    is_head = pc.is_in(table.column("role"), value_set=pa.array(["head", "heads"]))
    led = set(table.column("household_id").filter(is_head).to_pylist())
    without = sorted(set(table.column("household_id").to_pylist()) - led)
    if not without:
        return []
    said = without[:5]
    return [
        _finding(
            name, said, "a head in each household", f"这些户没有户主：{said}", f"households without a head: {said}"
        )
    ]


def _check_roles(table: pa.Table, name: str) -> list[Finding]:
    words = {word for role in BOOK.roles for word in (role.name, role.plural)}
    strange = sorted(set(pc.unique(table.column("role")).to_pylist()) - words)
    known = ", ".join(role.name for role in BOOK.roles)
    if not strange:
        return []
    return [_finding(name, strange, known, f"没有这种成员身份：{strange}", f"there is no such role: {strange}")]


def _read_homes(table: pa.Table, name: str) -> tuple[pa.Table, list[Finding]]:
    """What is said of a household stands in the row of its head; other rows say the same or nothing."""
    named = [n for n in table.column_names if (v := BOOK.variables.get(n)) is not None and v.entity == "household"]
    ids = pc.unique(table.column("household_id"))
    if not named:
        return pa.table({"household_id": ids}), []
    findings = []
    columns: dict[str, Any] = {"household_id": ids}
    for one in named:
        said: dict[str, Any] = {}
        for home, value in zip(table.column("household_id").to_pylist(), table.column(one).to_pylist(), strict=True):
            if value is not None and said.setdefault(home, value) != value:
                zh, en = f"「{home}」的「{one}」前后不一", f"household '{home}' has two values of '{one}'"
                findings.append(_finding(name, home, f"one value of {one}", zh, en))
        variable = BOOK.variables[one]
        columns[one] = pa.array([said.get(home, variable.default) for home in ids.to_pylist()], _TYPES[variable.kind])
    return pa.table(columns), findings


def _fill(persons: pa.Table) -> pa.Table:
    """Put each variable's default where a row says nothing."""
    for place, one in enumerate(persons.column_names):
        variable = BOOK.variables.get(one)
        if variable is not None and variable.default is not None and persons.column(one).null_count:
            filled = pc.fill_null(persons.column(one), pa.scalar(variable.default, _TYPES[variable.kind]))
            persons = persons.set_column(place, one, filled)
    if "works_since" not in persons.column_names:
        persons = persons.append_column("works_since", pa.nulls(persons.num_rows, pa.date32()))
    for one in ("birth",):
        if one not in persons.column_names:
            persons = persons.append_column(one, pa.nulls(persons.num_rows, pa.date32()))
    return persons


# -- assessing -----------------------------------------------------------------------------------------------------------


def make_population(period: Period, people: People) -> Population:
    """Persons and households as the rules take them; what a file does not say is blank or its default."""
    homes = people.households
    if "left_dibao_on" not in homes.column_names:
        homes = homes.append_column("left_dibao_on", pa.nulls(homes.num_rows, pa.date32()))
    return Population.of(BOOK, period, people.persons, homes)


def make_assessor(pack: Parameters, period: Period, population: Population, key: str = "") -> Assessor:
    """Find which programmes can be worked out in a month; those whose local figures are not known say so.

    Parameters
    ----------
    key : str
        Names the pack: under one name, month and kind of file the order of formulas is worked out once.
    """
    name = (key, period.text, tuple(sorted(node.key for node in population.given)))
    if key and name in _PLANS:
        return _PLANS[name]
    known: list[Programme] = []
    missing: dict[str, Finding] = {}
    for programme in PROGRAMMES:
        try:
            for needed in programme.needs:
                pack.get(needed, period.start)
        except ParameterError as error:
            missing[programme.name] = error.findings[0]
        else:
            known.append(programme)
    plan = make_plan(BOOK, pack, period, _outputs(known), population.given)
    made = Assessor(plan, Evaluation(plan), tuple(known), missing)
    if key:
        if len(_PLANS) >= _MOST_PLANS:
            _PLANS.pop(next(iter(_PLANS)))
        _PLANS[name] = made
    return made


def _outputs(programmes: Any) -> list[str]:
    return [name for one in programmes for name in (one.meets, one.amount) if name]


def assess_people(assessor: Assessor, population: Population, classes: Mapping[str, str]) -> list[Assessment]:
    """Assess every household under every programme that is known; the core always, others where they give or gave."""
    plan = assessor.plan
    homes = assessor.evaluation.run(population).households
    ids = homes.column("household_id").to_pylist()
    found: list[Assessment] = []
    for programme in assessor.programmes:
        amounts = homes.column(programme.amount).to_numpy() if programme.amount else np.zeros(len(ids), np.int64)
        met = homes.column(programme.meets).to_pylist() if programme.meets else (amounts > 0).tolist()
        variable = programme.amount or programme.meets
        formula = plan.book.find_version(variable, plan.period.start, plan.parameters.choices)
        clause = formula.clause.zh if formula else ""
        for home, is_met, amount in zip(ids, met, amounts.tolist(), strict=True):
            receives = classes.get(home) == programme.name
            if is_met or receives or programme.name in CORE:
                status = "meets" if is_met else "review" if receives else "meets_not"
                found.append(Assessment(home, programme.name, status, amount, clause))
    return sorted(found, key=lambda one: (one.household, one.programme))


def explain(assessor: Assessor, population: Population, household: str, programme: str) -> Trace:
    """Every step from what is given to the amount, with clauses and sources; an amount of nothing is explained too."""
    chosen = next(one for one in assessor.programmes if one.name == programme)
    output = chosen.amount or chosen.meets
    if programme not in assessor.alone:
        # Only the steps below this one result are worked out again; the others have nothing to say about it.
        plan = assessor.plan
        assessor.alone[programme] = make_plan(BOOK, plan.parameters, plan.period, [output], population.given)
    return trace(assessor.alone[programme], population, household, output)


def parameters_of(values: Mapping[str, Any]) -> Parameters:
    """The service's parameters as rules read them: those of its tables that hold dated values."""
    dated = {n: v for n, v in values.items() if n == "choices" or (isinstance(v, Mapping) and "values" in v)}
    return Parameters.of_values(dated, "relief")


# -- the question that a decision asks ----------------------------------------------------------------------------------------


def answer_assess(body: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """Answer ``relief.assess``: status, amount and clause by programme for the one household that is stated.

    What cannot be assessed is answered with findings, so that the case says it and a person looks.
    """
    facts = body.get("facts")
    if not facts:
        said = _finding(
            str(body.get("case", "")),
            "nothing",
            "the household as stated",
            "家庭情况已被清除，无法核算",
            "what was stated of the household was removed",
        )
        return {"findings": [said.to_json()]}  # fmt: skip
    try:
        period = Period.parse(str(body["month"]))
        people = read_people(str(facts).encode(), str(body.get("case", "")))
        population = make_population(period, people)
        assessor = make_assessor(pack.derive(parameters_of), period, population, pack.hash)
        found = assess_people(assessor, population, people.classes)
    except (RuleError, ParameterError) as error:
        return {"findings": [one.to_json() for one in error.findings]}
    return {
        "findings": [],
        "people": people.persons.num_rows,
        "is_simulation": pack.derive(parameters_of).is_simulation_only,
        "not_known": sorted(assessor.not_known),
        "programmes": [
            [one.programme, one.status, one.amount_fen, one.clause] for one in found if one.status == "meets"
        ],
    }


def list_stated(facts: str, name: str, month: Period) -> list[str]:
    """Households that are stated; raises with every finding where what is stated cannot be assessed."""
    people = read_people(facts.encode(), name)
    make_population(month, people)
    return [str(one) for one in people.households.column("household_id").to_pylist()]


def open_found(body: Mapping[str, Any], by: Actor, month: Period, accept: TimeLimit, urgent: int) -> Opening:
    """An application on behalf of a household that a cadre found; an urgent one presses with the priority given."""
    fields = state_found(body, month)
    return Opening(
        "relief.application", f"relief:{body['lead']}", by, subject=body["household"], region=body["region"], fields=fields,
        priority=urgent if fields["is_urgent"] else 0, clocks={"accept": accept},
    )  # fmt: skip


def state_found(body: Mapping[str, Any], month: Period) -> dict[str, Any]:
    """What an application says that a cadre makes on behalf of a household; what cannot be assessed is left out and said."""
    fields = {name: body[name] for name in ("facts", "head_name", "authorisation", "is_made_up") if body.get(name)}
    fields |= {"channel": "found", "is_urgent": body["kind"] == "temp_relief_urgent"}
    if "facts" not in fields:
        return fields
    try:
        homes, trouble = list_stated(fields["facts"], body["lead"], month), ""
    except Yours as error:
        homes, trouble = [], error.findings[0].message.zh[:400]
    if homes != [body["household"]]:
        del fields["facts"]
        fields["trouble"] = trouble or "申报的不是这一户"
    return fields


ANSWERS = {"relief.assess": answer_assess}


def _finding(name: str, found: object, expected: str, zh: str, en: str) -> Finding:
    return Finding("relief.households", name[:80], str(found)[:120], expected[:400], Text(zh, en))
