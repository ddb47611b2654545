"""Who is owed what: people in columns in, for each item whether it is owed, to be asked for, or not known; and why.

The same for one person at a desk and for all residents at once; nothing that is read is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from yucun.base.errors import Finding, RuleError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules import Evaluation, Parameters, Plan, Population, make_plan
from yucun.kernel.rules.order import default_node
from yucun.kernel.rules.trace import Trace, trace

from .models import KNOWN, QUESTIONS, Item
from .rules import BOOK

REQUIRED = ("person_id", "birth")
_TYPES = {"integer": pa.int64(), "boolean": pa.bool_(), "date": pa.date32(), "code": pa.string(), "text": pa.string()}
_MOST_MONTHS = 1200
_FINDERS: dict[tuple[Any, ...], Finder] = {}
_MOST_FINDERS = 48


@dataclass(frozen=True, slots=True)
class Finder:
    """The items that can be worked out in a month from the facts that are there, and what the others lack.

    Parameters
    ----------
    not_known : mapping of str to tuple of str
        Items that facts are missing for, and which; nothing is assumed in their place.
    """

    plan: Plan
    evaluation: Evaluation
    items: tuple[Item, ...]
    not_known: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Owed:
    """One item owed to one person, or to be asked for (``asks`` then names the facts)."""

    person: str
    item: Item
    status: str
    asks: tuple[str, ...] = ()


def make_finder(
    catalogue: Mapping[str, Item], pack: Parameters, period: Period, facts: Sequence[str], key: str = ""
) -> Finder:
    """Find which items can be worked out.

    Parameters
    ----------
    facts : sequence of str
        Names of the facts that are given; those that people are asked for count as given, blank or not.
    key : str
        Names the pack: under one name, month and set of facts the order of formulas is worked out once.

    Raises
    ------
    RuleError
        If no item at all can be worked out.
    """
    name = (key, period.text, tuple(sorted(facts)))
    if key and name in _FINDERS:
        return _FINDERS[name]
    given = {*facts, *QUESTIONS, "is_dead"}
    ruled = [one for one in catalogue.values() if one.is_ruled]
    in_force = [one for one in ruled if BOOK.find_version(f"owes_{one.code}", period.start, pack.choices) is not None]
    missing: dict[str, tuple[str, ...]] = {}
    if not given.issuperset(KNOWN):
        everything = [default_node(BOOK, name, period) for name in (*KNOWN, *QUESTIONS, "is_dead")]
        for item in in_force:
            needed = make_plan(BOOK, pack, period, _outputs([item]), everything).given
            if lacks := {node.variable for node in needed} - given:
                missing[item.code] = tuple(sorted(lacks))
    good = [item for item in in_force if item.code not in missing]
    if not good:
        raise RuleError(_finding("facts", ", ".join(facts), ", ".join(KNOWN), "现有列不足以核定任何一项",
                                 "the columns that are there are not enough for any item"))  # fmt: skip
    nodes = [default_node(BOOK, name, period) for name in given if name in BOOK.variables]
    plan = make_plan(BOOK, pack, period, _outputs(good), nodes)
    made = Finder(plan, Evaluation(plan), tuple(good), missing)
    if key:
        if len(_FINDERS) >= _MOST_FINDERS:
            _FINDERS.pop(next(iter(_FINDERS)))
        _FINDERS[name] = made
    return made


def _outputs(items: Sequence[Item]) -> list[str]:
    found = [f"owes_{item.code}" for item in items]
    return found + [f"may_owe_{item.code}" for item in items if item.asks]


def make_people(period: Period, table: pa.Table) -> Population:
    """People as the rules take them: each alone in a household of one where no household is named.

    Parameters
    ----------
    table : pyarrow.Table
        ``person_id`` and facts by name; ``household_id`` and ``role`` where they are known.
    """
    for name in (*QUESTIONS, "is_dead"):
        if name not in table.column_names:
            kind = BOOK.variables[name].kind
            blank = pa.nulls(table.num_rows, _TYPES[kind])
            table = table.append_column(name, pa.array([False] * table.num_rows) if name == "is_dead" else blank)
    if "household_id" not in table.column_names:
        table = table.append_column("household_id", table.column("person_id"))
    return Population.of(BOOK, period, table)


def count_owed(finder: Finder, people: Population) -> Mapping[str, tuple[int, int]]:
    """To how many people each item is owed, and of how many it must be asked; set-wise."""
    rows = finder.evaluation.run(people).persons
    counted = {}
    for item in finder.items:
        owed = pc.sum(rows.column(f"owes_{item.code}")).as_py() or 0
        asked = (pc.sum(rows.column(f"may_owe_{item.code}")).as_py() or 0) if item.asks else 0
        counted[item.code] = (owed, asked)
    return counted


def find_owed(finder: Finder, people: Population) -> Iterator[Owed]:
    """Yield what is owed to each, item by item in the order of the catalogue."""
    rows = finder.evaluation.run(people).persons
    names = rows.column("person_id").to_pylist()
    for item in finder.items:
        for row in np.flatnonzero(rows.column(f"owes_{item.code}").to_numpy()):
            yield Owed(names[row], item, "owed")
        if item.asks:
            for row in np.flatnonzero(rows.column(f"may_owe_{item.code}").to_numpy()):
                blank = tuple(one for one in item.asks if _value(people, one, int(row)) is None)
                yield Owed(names[row], item, "ask", blank)


def _value(people: Population, name: str, row: int) -> Any:
    key = default_node(BOOK, name, people.period).key
    return people.persons.column(key)[row].as_py()


def explain(finder: Finder, people: Population, household: str, item: str) -> Trace:
    """Every step from what is given to whether the item is owed, with clauses and sources."""
    plan = make_plan(BOOK, finder.plan.parameters, finder.plan.period, [f"owes_{item}"], people.given)
    return trace(plan, people, household, f"owes_{item}")


# -- reading a file ---------------------------------------------------------------------------------------------------------


def read_people(data: bytes, name: str) -> pa.Table:
    """Read a CSV of people, a row a person: ``person_id, birth``, and what else is known.

    Raises
    ------
    RuleError
        With every finding: not a CSV, columns that are missing, unknown or twice, words that no list has, numbers below
        zero, blanks in a fact that has none.
    """
    kinds = {v.name: _TYPES[v.kind] for v in BOOK.variables.values()}
    kinds |= dict.fromkeys(("person_id", "household_id", "role"), pa.string())
    options = csv.ConvertOptions(column_types=kinds, strings_can_be_null=True, true_values=["true", "1", "yes", "是"],
                                 false_values=["false", "0", "no", "否"])  # fmt: skip
    try:
        table = csv.read_csv(pa.BufferReader(data), convert_options=options)
    except pa.ArrowInvalid as error:
        raise RuleError(
            _finding(name, error, "CSV", f"文件读不出：{error}", f"the file cannot be read: {error}")
        ) from None
    findings = [*_check_names(table, name)]
    if not findings:
        findings += _check_values(table, name)
    if findings:
        raise RuleError(findings)
    for column in ("work", "studies", "disability_kind", "class", "disability_grade"):
        variable = BOOK.variables[column]
        if column in table.column_names and variable.kind == "integer":
            place = table.column_names.index(column)
            table = table.set_column(place, column, pc.fill_null(table.column(column), 0))
    return table


def _check_names(table: pa.Table, name: str) -> Iterator[Finding]:
    known = {*REQUIRED, "household_id", "role", "is_dead", *KNOWN, *QUESTIONS}
    names = table.column_names
    if not table.num_rows:
        yield _finding(name, "0 rows", "a row a person", "文件里没有人", "the file holds nobody")
    if missing := [one for one in REQUIRED if one not in names]:
        yield _finding(name, missing, ", ".join(REQUIRED), f"缺少列 {missing}", f"columns are missing: {missing}")
    if unknown := sorted(set(names) - known):
        yield _finding(
            name, unknown, ", ".join(sorted(known)), f"没有这些列：{unknown}", f"there are no such columns: {unknown}"
        )
    if twice := sorted({one for one in names if names.count(one) > 1}):
        yield _finding(name, twice, "each column once", f"列写了两次：{twice}", f"columns stand twice: {twice}")


def _check_values(table: pa.Table, name: str) -> Iterator[Finding]:
    ids = table.column("person_id")
    if ids.null_count or pc.count_distinct(ids).as_py() < table.num_rows:
        yield _finding(
            name, "person_id", "each person once", "人员编号有空白或重复", "a person's id is blank or stands twice"
        )
    for one in table.column_names:
        variable = BOOK.variables.get(one)
        if variable is None:
            continue
        column = table.column(one)
        if variable.kind == "integer" and (pc.min(column).as_py() or 0) < 0:
            yield _finding(name, one, "0 or more", f"「{one}」小于零", f"'{one}' is below zero")
        if variable.kind == "integer" and (pc.max(column).as_py() or 0) > _MOST_MONTHS:
            yield _finding(name, one, f"at most {_MOST_MONTHS}", f"「{one}」大得不合理", f"'{one}' is absurdly large")
        if variable.kind == "code":
            strange = sorted(set(pc.unique(column).to_pylist()) - {*variable.codes}, key=str)
            if strange:
                yield _finding(name, strange, ", ".join(variable.codes), f"「{one}」没有这些取值：{strange}",
                               f"'{one}' has no such values: {strange}")  # fmt: skip


def _finding(name: str, found: object, expected: str, zh: str, en: str) -> Finding:
    return Finding("entitlements.people", name[:80], str(found)[:120], expected[:400], Text(zh, en))
