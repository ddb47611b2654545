"""Running published cases against a rule book: each case passed or failed, with what came out beside it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from yucun.base.errors import RuleError, Yours
from yucun.base.period import Period
from yucun.base.quantity import UNITS, share_out
from yucun.base.text import Text
from yucun.kernel.rules.case_file import Case, Fact, make_case, months_in, read_raw_cases
from yucun.kernel.rules.evaluate import evaluate
from yucun.kernel.rules.model import RuleBook, Variable, rule_finding
from yucun.kernel.rules.order import check_book, make_plan
from yucun.kernel.rules.parameters import Parameters
from yucun.kernel.rules.population import Population
from yucun.kernel.rules.subject import Node

Key = tuple[Node, str]
_PLAIN: dict[str, Any] = {
    "integer": 0,
    "measure": 0.0,
    "boolean": False,
    "date": date(1970, 1, 1),
    "text": "",
    "code": "",
}


@dataclass(frozen=True, slots=True)
class RulesFolder:
    """A folder with ``rules.py`` (``BOOK`` and, where there are any, ``REFORMS``) and ``parameters.toml``."""

    book: RuleBook
    parameters: Parameters
    reforms: Mapping[str, RuleBook]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case that passed, or why it did not."""

    file: str
    name: str
    failures: tuple[Text, ...]

    @property
    def has_passed(self) -> bool:
        """True when every value came out as published."""
        return not self.failures


def read_rules_folder(folder: Path) -> RulesFolder:
    """Load a folder and check its book, or raise `RuleError` or `ParameterError` with the findings."""
    path = folder / "rules.py"
    spec = importlib.util.spec_from_file_location(f"rules_of_{folder.name}", path)
    if not path.exists() or spec is None or spec.loader is None:
        raise RuleError(
            rule_finding(
                "rules.folder",
                str(path),
                "nothing",
                "rules.py with BOOK",
                "文件夹中没有 rules.py",
                "the folder has no rules.py",
            )
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parameters = Parameters.read(folder / "parameters.toml")
    reforms: Mapping[str, RuleBook] = getattr(module, "REFORMS", {})
    book: RuleBook = module.BOOK
    for each in (book, *reforms.values()):
        check_book(each, parameters)
    return RulesFolder(book, parameters, reforms)


def conform(folder: RulesFolder, files: Iterable[Path], name: str = "") -> Iterator[CaseResult]:
    """Run cases in OpenFisca's YAML format.

    Parameters
    ----------
    files : iterable of Path
        YAML files, or folders that are searched for them.
    name : str
        Only cases whose name holds these words.

    Yields
    ------
    CaseResult
        In the order of the files; a case that cannot be read has failed.
    """
    for path in _list_files(files):
        for raw in read_raw_cases(path):
            title = str(raw.get("name") or "(no name)")
            if name in title:
                try:
                    failures = _run(folder, path.name, raw)
                except Yours as error:
                    failures = (error.to_text(),)
                yield CaseResult(path.name, title, tuple(failures))


def _list_files(files: Iterable[Path]) -> Iterator[Path]:
    for path in files:
        yield from sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]


def _run(folder: RulesFolder, file: str, raw: Mapping[str, Any]) -> tuple[Text, ...]:
    named = raw.get("reforms") or ()
    book = folder.book
    for reform in [named] if isinstance(named, str) else named:
        word = str(reform).rsplit(".", 1)[-1]
        if word not in folder.reforms:
            raise RuleError(
                rule_finding(
                    "rules.reform",
                    file,
                    word,
                    ", ".join(folder.reforms),
                    f"没有改革方案「{word}」",
                    f"there is no reform '{word}'",
                )
            )
        book = folder.reforms[word]
    parameters = _amend(folder.parameters, file, raw.get("parameters") or {})
    case = make_case(book, file, raw)
    if not case.expected:
        return (Text("案例没有写明应得的结果", "the case expects nothing"),)
    values = _spread(case)
    wanted = tuple(dict.fromkeys(node for fact in case.expected for node in _nodes_of(fact)))
    period = next((n.period for n in wanted if n.period is not None), Period.month(2017, 1))
    population = _make_population(book, period, case, values)
    plan = make_plan(book, parameters, period, wanted, population.given)
    outcome = evaluate(plan, population)
    found: dict[Key, Any] = {}
    for table, ids in ((outcome.persons, list(case.persons)), (outcome.households, case.households)):
        for node in wanted:
            for column in (node.variable, node.key):
                if column in table.column_names:
                    found |= {(node, who): v for who, v in zip(ids, table.column(column).to_pylist(), strict=True)}
    return tuple(failure for fact in case.expected for failure in _compare(case, fact, found))


def _amend(parameters: Parameters, file: str, changes: Mapping[str, Any]) -> Parameters:
    """Set what a case says of parameters: by their last name or path, one value or one for each date."""
    for path, told in changes.items():
        words = (str(path).rsplit(".", 1)[-1], "_".join(str(path).split(".")[-2:]))
        item = next(
            (i for i in parameters.items.values() if i.name.removesuffix(f"_{i.unit}") in words or i.name in words),
            None,
        )
        if item is None:
            known = ", ".join(parameters.items)
            raise RuleError(
                rule_finding("rules.case", file, path, known, f"没有参数「{path}」", f"there is no parameter '{path}'")
            )
        scale = 10_000 if item.unit == "bp" else UNITS[item.unit].per_shown
        for when, value in told.items() if isinstance(told, Mapping) else [("0001-01-01", told)]:
            kept = Decimal(str(value)) * scale
            parameters = parameters.set(item.name, int(kept), date.fromisoformat(f"{when}-01-01"[:10]))
    return parameters


def _nodes_of(fact: Fact) -> tuple[Node, ...]:
    """The nodes that make up a fact: a stretch of months is asked month by month and added up."""
    if fact.variable.per == "once":
        return (Node(fact.variable.name, None),)
    if fact.variable.per == "month":
        return tuple(Node(fact.variable.name, month) for month in months_in(fact.periods))
    return tuple(Node(fact.variable.name, period) for period in fact.periods)


def _spread(case: Case) -> dict[Key, Any]:
    """Every given value at its own node; what is given for a longer stretch falls on its months."""
    values: dict[Key, Any] = {}
    for fact in sorted(case.given, key=lambda f: len(_nodes_of(f))):
        nodes = _nodes_of(fact)
        if any(node.period is not None and node.period.kind != fact.variable.per for node in nodes):
            raise _refuse(
                case, fact, fact.variable.per, "时期与变量不符", "the period is not one of the variable's kind"
            )
        free = [node for node in nodes if (node, fact.who) not in values]
        if len(nodes) == 1 or fact.variable.on_months == "same":
            values |= {(node, fact.who): _keep(case, fact, fact.value) for node in free}
        elif fact.variable.on_months == "shared":
            left = _keep(case, fact, fact.value) - sum(values.get((node, fact.who), 0) for node in nodes)
            if not free and left:
                raise _refuse(
                    case, fact, "the sum of its months", "各月之和与全期不符", "the months do not add up to the whole"
                )
            shares = share_out(left, [1] * len(free)) if free else []
            values |= {(node, fact.who): share for node, share in zip(free, shares, strict=True)}
        else:
            raise _refuse(
                case, fact, "a month", "不能分到各月，请逐月给出", "does not fall on months; give it month by month"
            )
    return values


def _keep(case: Case, fact: Fact, value: Any) -> Any:
    """A written value in the kept unit."""
    if fact.variable.kind == "integer":
        kept = Decimal(value) * fact.variable.shown_as
        if kept != kept.to_integral_value():
            raise _refuse(case, fact, f"whole {fact.variable.unit}", "比单位更细", "is finer than the unit")
        return int(kept)
    return float(value) if fact.variable.kind == "measure" else value


def _make_population(book: RuleBook, period: Period, case: Case, values: Mapping[Key, Any]) -> Population:
    nodes = dict.fromkeys(node for node, _ in values)
    people: dict[str, Any] = {
        "person_id": list(case.persons),
        "household_id": [home for home, _ in case.persons.values()],
        "role": [role for _, role in case.persons.values()],
    }
    homes: dict[str, Any] = {"household_id": case.households}
    for node in nodes:
        variable = book.get(node.variable)
        table, ids = (people, list(case.persons)) if variable.entity == "person" else (homes, case.households)
        table[node.key] = [values.get((node, who), _otherwise(variable)) for who in ids]
    people["household_id"] = pa.array(people["household_id"], pa.string())
    return Population.of(book, period, people, homes)


def _otherwise(variable: Variable) -> Any:
    """What the format gives to those of whom nothing is said while it is said of another."""
    return _PLAIN[variable.kind] if variable.default is None else variable.default


def _compare(case: Case, fact: Fact, found: Mapping[Key, Any]) -> Iterator[Text]:
    values = [found[node, fact.who] for node in _nodes_of(fact)]
    variable = fact.variable
    if variable.kind in ("integer", "measure") and (len(values) == 1 or variable.kind == "integer"):
        ours = sum((Decimal(v) for v in values), Decimal(0)) / variable.shown_as
        is_same = _is_near(case, variable, ours, fact.value)
    else:
        ours = values[0]
        is_same = all(value == fact.value for value in values)
    if not is_same:
        when = "、".join(period.text for period in fact.periods) or "once"
        yield Text(
            f"{fact.who} {variable.name} {when}：应为 {fact.value}，算得 {ours}",
            f"{fact.who} {variable.name} {when}: expected {fact.value}, came out as {ours}",
        )


def _is_near(case: Case, variable: Variable, ours: Decimal, theirs: Decimal) -> bool:
    words = (variable.name.removesuffix(f"_{variable.unit}"), variable.name, "default")
    absolute = next((case.absolute[w] for w in words if w in case.absolute), None)
    relative = next((case.relative[w] for w in words if w in case.relative), None)
    off = abs(ours - theirs)
    if absolute is None and relative is None:
        return off == 0
    return (absolute is None or off <= absolute) and (relative is None or off <= abs(relative * theirs))


def _refuse(case: Case, fact: Fact, expected: str, zh: str, en: str) -> RuleError:
    where, word = f"{case.file}: {case.name}", fact.variable.name
    return RuleError(
        rule_finding("rules.case", where, f"{word} = {fact.value}", expected, f"「{word}」{zh}", f"'{word}' {en}")
    )
