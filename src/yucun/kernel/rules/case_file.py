"""OpenFisca's YAML case format: who there is, what is given, what must come out, and by how much it may differ.

Both ways of writing are read: bare variables (each person in a household of their own), and entities by
name with roles. A value may be dated (``{2017-01: 40}``), stand for a stretch (``month:2017-01:3``,
``year:2017-04``), be a list over persons, or a sum in words (``12 * 100``).
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from yucun.base.errors import RuleError
from yucun.base.period import Period
from yucun.kernel.rules.model import Entity, RuleBook, Variable, rule_finding
from yucun.kernel.rules.periods import last_months, month_after, months_of

_KEYS = {
    "name", "description", "period", "keywords", "reforms", "extensions", "input", "output", "max_spiral_loops",
    "absolute_error_margin", "relative_error_margin", "only_variables", "parameters", "ignore_variables",
}  # fmt: skip
_PLURALS: dict[str, Entity] = {
    "person": "person",
    "persons": "person",
    "individu": "person",
    "individus": "person",
    "household": "household",
    "households": "household",
}
_STRETCH = re.compile(r"(?:(month|year|day):)?(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?(?::(\d+))?")
Margin = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Fact:
    """One given or expected value of one variable of one person or household, over a stretch of time.

    ``months`` is empty for what holds once.
    """

    variable: Variable
    who: str
    periods: tuple[Period, ...]
    value: Any


@dataclass(slots=True)
class Case:
    """One case of a file: people, households with their members by role, what is given and expected."""

    file: str
    name: str
    reforms: tuple[str, ...]
    persons: dict[str, tuple[str, str]] = field(default_factory=dict)
    households: list[str] = field(default_factory=list)
    given: list[Fact] = field(default_factory=list)
    expected: list[Fact] = field(default_factory=list)
    absolute: Margin = field(default_factory=dict)
    relative: Margin = field(default_factory=dict)


def read_raw_cases(path: Path) -> list[dict[str, Any]]:
    """The cases of a file as they stand; a file may hold one or a list."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)
    except yaml.YAMLError as error:
        raise _wrong(str(path.name), error, "YAML", f"不是可读的 YAML：{error}", f"this is not YAML: {error}") from None
    cases = content if isinstance(content, list) else [content] if content else []
    if not all(isinstance(case, dict) for case in cases):
        raise _wrong(
            path.name,
            type(content).__name__,
            "a list of cases",
            "文件应为案例列表",
            "the file should be a list of cases",
        )
    return cases


class _PlainLoader(yaml.SafeLoader):
    """Numbers exactly as written, months as text."""


def _exact(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


_PlainLoader.add_constructor("tag:yaml.org,2002:float", _exact)


def make_case(book: RuleBook, file: str, raw: Mapping[str, Any]) -> Case:
    """Read one case, or raise `RuleError` saying which word was not understood."""
    name = str(raw.get("name") or "(no name)")
    strange = sorted(set(raw) - _KEYS)
    if strange or raw.get("extensions"):
        raise _wrong(
            f"{file}: {name}",
            strange or "extensions",
            ", ".join(sorted(_KEYS)),
            f"不识别「{strange or 'extensions'}」",
            f"'{strange or 'extensions'}' is not understood",
        )
    reforms = raw.get("reforms") or ()
    case = Case(file, name, tuple([reforms] if isinstance(reforms, str) else reforms))
    case.absolute, case.relative = (_margin(raw.get(f"{kind}_error_margin")) for kind in ("absolute", "relative"))
    reader = _Reader(book, case, raw.get("period"))
    reader.read_input(raw.get("input") or {}, raw.get("output") or {})
    only, ignored = raw.get("only_variables"), raw.get("ignore_variables") or ()
    reader.read_output(raw.get("output") or {}, lambda word: word not in ignored and (not only or word in only))
    return case


def _margin(value: Any) -> Margin:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(k): Decimal(str(v)) for k, v in value.items() if v is not None}
    return {"default": Decimal(str(value))}


class _Reader:
    """Reads one case into its `Case`."""

    def __init__(self, book: RuleBook, case: Case, period: Any) -> None:
        self.book = book
        self.case = case
        self.period = None if period is None else str(period)

    def read_input(self, given: Mapping[str, Any], output: Mapping[str, Any]) -> None:
        """Read who there is and what is given."""
        if any(key in _PLURALS for key in given):
            self._read_entities(given)
        else:
            length = max([1, *(len(v) for v in self._lists(given)), *(len(v) for v in self._lists(output))])
            for number in range(length):
                self._add_person(f"person {number + 1}", f"household {number + 1}", self.book.roles[0].name)
            for word, value in given.items():
                variable = self._variable(word)
                self.case.given += self._read_values(variable, self._all(variable.entity), value)

    def _lists(self, words: Mapping[str, Any]) -> Iterator[list[Any]]:
        for word, value in words.items():
            if word not in _PLURALS:
                for each in value.values() if isinstance(value, Mapping) else [value]:
                    if isinstance(each, list):
                        yield each

    def _read_entities(self, given: Mapping[str, Any]) -> None:
        people: dict[str, Any] = {}
        homes: dict[str, Any] = {}
        for key, value in given.items():
            entity = _PLURALS.get(key)
            if entity is None:
                raise self._wrong(
                    key,
                    "persons, households",
                    f"「{key}」不能与人、户并列",
                    f"'{key}' cannot stand beside persons and households",
                )
            several = {key: value or {}} if key in ("person", "household", "individu") else (value or {})
            (people if entity == "person" else homes).update({str(k): v or {} for k, v in several.items()})
        members: dict[str, tuple[str, str]] = {}
        for home, told in homes.items():
            self.case.households.append(home)
            for key in [k for k in told if any(k in (r.name, r.plural) for r in self.book.roles)]:
                listed = told[key] if isinstance(told[key], list) else [told[key]]
                for who in map(str, listed):
                    if who in members or who not in people:
                        raise self._wrong(
                            who,
                            "a person, in one household",
                            f"「{who}」不在人员中，或在两户",
                            f"'{who}' is not among the persons, or in two households",
                        )
                    members[who] = (home, self.book.roles[self.book.get_role(key)].name)
        for who in people:
            home, role = members.get(who, (f"household of {who}", self.book.roles[0].name))
            self._add_person(who, home, role)
        for who, told in [*people.items(), *homes.items()]:
            entity = "person" if who in people and told is people[who] else "household"
            for word, value in told.items():
                if entity == "household" and any(word in (r.name, r.plural) for r in self.book.roles):
                    continue
                variable = self._variable(word)
                if variable.entity != entity:
                    raise self._wrong(
                        word,
                        f"a variable of a {entity}",
                        f"「{word}」不属于{entity}",
                        f"'{word}' is not a variable of a {entity}",
                    )
                self.case.given += self._read_values(variable, [who], value)

    def _add_person(self, who: str, home: str, role: str) -> None:
        self.case.persons[who] = (home, role)
        if home not in self.case.households:
            self.case.households.append(home)

    def read_output(self, expected: Mapping[str, Any], is_wanted: Callable[[str], bool]) -> None:
        """Read what must come out."""
        for key, value in expected.items():
            entity = _PLURALS.get(key)
            if entity is None:
                self._expect(key, None, value, is_wanted)
                continue
            known = self._all(entity)
            is_one = all(isinstance(k, str) and self._find(k) is not None for k in value) and not set(value) <= set(
                known
            )
            for who, told in {known[0]: value}.items() if is_one else value.items():
                if str(who) not in known:
                    raise self._wrong(who, ", ".join(known), f"没有「{who}」", f"there is no '{who}'")
                for word, each in told.items():
                    self._expect(word, str(who), each, is_wanted)

    def _expect(self, word: str, who: str | None, value: Any, is_wanted: Callable[[str], bool]) -> None:
        variable = self._variable(word)
        if is_wanted(word):
            self.case.expected += self._read_values(variable, [who] if who else self._all(variable.entity), value)

    def _all(self, entity: Entity) -> list[str]:
        return list(self.case.persons) if entity == "person" else self.case.households

    def _read_values(self, variable: Variable, who: list[str], value: Any) -> Iterator[Fact]:
        dated = value.items() if isinstance(value, Mapping) else [(self.period, value)]
        for when, content in dated:
            periods = self._read_period(variable, when)
            several = content if isinstance(content, list) else [content] * len(who)
            if len(several) != len(who):
                raise self._wrong(
                    content,
                    f"{len(who)} values",
                    f"「{variable.name}」应有 {len(who)} 个值",
                    f"'{variable.name}' should have {len(who)} values",
                )
            for each, one in zip(who, several, strict=True):
                if one is not None:
                    yield Fact(variable, each, periods, self._read_value(variable, one))

    def _read_period(self, variable: Variable, when: Any) -> tuple[Period, ...]:
        if variable.per == "once" or str(when).lower() == "eternity":
            return ()
        match = _STRETCH.fullmatch(str(when)) if when is not None else None
        if match is None or match[4]:
            raise self._wrong(
                when,
                "2017, 2017-01, month:2017-01:3, year:2017-04",
                f"「{when}」不是可识别的时期",
                f"'{when}' is not a period that is understood",
            )
        unit = match[1] or ("month" if match[3] else "year")
        count = int(match[5] or 1) * (12 if unit == "year" else 1)
        if unit == "year" and match[3] in (None, "1", "01") and count == 12:
            return (Period.year(int(match[2])),)
        first = Period.month(int(match[2]), int(match[3] or 1))
        return last_months(month_after(first, count - 1), count)

    def _read_value(self, variable: Variable, value: Any) -> Any:
        if variable.kind == "date":
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        if variable.kind == "boolean":
            return bool(value)
        if variable.kind in ("integer", "measure"):
            if isinstance(value, str):
                return calculate(value)
            if isinstance(value, bool | int | Decimal):
                return Decimal(value)
            raise self._wrong(value, "a number", f"「{variable.name}」应为数", f"'{variable.name}' should be a number")
        return str(value)

    def _find(self, word: str) -> Variable | None:
        return next(
            (v for v in self.book.variables.values() if word in (v.name, v.name.removesuffix(f"_{v.unit}"))), None
        )

    def _variable(self, word: str) -> Variable:
        return self._find(word) or self.book.get(word)

    def _wrong(self, found: object, expected: str, zh: str, en: str) -> RuleError:
        return _wrong(f"{self.case.file}: {self.case.name}", found, expected, zh, en)


_OPERATIONS: dict[type[ast.AST], Callable[..., Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


def calculate(words: str) -> Decimal:
    """Work out a sum in words.

    Examples
    --------
    >>> calculate("12 * (100 + 0.5)")
    Decimal('1206.0')
    """

    def go(node: ast.AST) -> Decimal:
        match node:
            case ast.Expression(body=body):
                return go(body)
            case ast.Constant(value=int() | float() as value):
                return Decimal(str(value))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
                return _OPERATIONS[type(op)](go(left), go(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -go(operand)
        raise ValueError(words)

    try:
        return go(ast.parse(words, mode="eval"))
    except (SyntaxError, ValueError):
        raise _wrong("case", words, "a number or a sum", f"「{words}」不是数", f"'{words}' is not a number") from None


def months_in(periods: tuple[Period, ...]) -> tuple[Period, ...]:
    """The months of a stretch."""
    return tuple(month for period in periods for month in months_of(period))


def _wrong(where: str, found: object, expected: str, zh: str, en: str) -> RuleError:
    return RuleError(rule_finding("rules.case", where, found, expected, zh, en))
