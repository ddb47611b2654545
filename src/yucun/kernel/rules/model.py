"""Frozen nouns of rules: variable, role, formula, rule book; a book that contradicts itself does not load."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from yucun.base.errors import Finding, RuleError
from yucun.base.quantity import UNITS
from yucun.base.text import Text

Entity = Literal["person", "household"]
Kind = Literal["integer", "boolean", "date", "code", "text", "measure"]
Per = Literal["month", "quarter", "year", "once"]
Value = int | float | bool | str | date
IBIS_TYPES: dict[Kind, str] = {
    "integer": "int64",
    "boolean": "boolean",
    "date": "date",
    "code": "string",
    "text": "string",
    "measure": "float64",
}
ENTITY_TITLES: dict[Entity, Text] = {"person": Text("个人", "person"), "household": Text("家庭", "household")}
_DATED = re.compile(
    r"(?P<variable>[a-z][a-z0-9_]*?)(?:__(?P<variant>[a-z0-9_]+?))?_from_(?P<year>\d{4})_(?P<month>\d\d)"
)
_WHOLE_SUFFIXES = ("_fen", "_g", "_m2", "_s", "_bp")


@dataclass(frozen=True, slots=True)
class Role:
    """What a person is in a household, e.g. head or child.

    Parameters
    ----------
    name, plural : str
        As one and as several; both are understood where people write them.
    most : int or None
        The largest number of such members; None for any.
    """

    name: str
    plural: str
    title: Text
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing that is known, or worked out, of a person or a household.

    Parameters
    ----------
    entity, kind, per : str
        Whose it is, what values it has, and for which stretch of time one value holds.
    unit : str
        For numbers: a unit of `yucun.base.quantity`.
    default : int, bool, str, date or None
        The value where nothing is given and no formula is in force; None means that it must be given.
    codes : tuple of str
        For kind code: the closed list.
    on_months : str
        How a year's figure falls on its months: ``shared`` (a flow), ``same`` (a state), or empty (not at all).
    may_be_blank : bool
        Whether a blank is an answer, such as no day of starting work.
    """

    name: str
    entity: Entity
    kind: Kind
    per: Per
    title: Text
    unit: str = ""
    default: Value | None = None
    codes: tuple[str, ...] = ()
    on_months: Literal["", "shared", "same"] = ""
    may_be_blank: bool = False

    @property
    def shown_as(self) -> int:
        """How many kept units make one shown unit."""
        return UNITS[self.unit].per_shown if self.unit else 1


@dataclass(frozen=True, slots=True)
class Formula:
    """One version of a clause: a pure function over columns, in force from a month on.

    Parameters
    ----------
    variant : str
        Empty for the version that holds by itself; a name for one that holds only where a place chooses it.
    clause : Text
        First line of the function's docstring, Chinese and English parted by ``|``.
    where : str
        File and line of the function.
    """

    name: str
    variable: str
    variant: str
    start: date
    clause: Text
    function: Callable[..., Any]
    where: str

    @property
    def reads_law(self) -> bool:
        """False for a formula that takes the subject alone and reads no parameter."""
        return len(inspect.signature(self.function).parameters) > 1

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Formula:
        """Read name, date and clause from a function, or raise `RuleError` saying what is missing."""
        name = getattr(function, "__name__", str(function))
        code = getattr(function, "__code__", None)
        where = f"{_short(code.co_filename)}:{code.co_firstlineno}" if code else name
        named = _DATED.fullmatch(name)
        if named is None or not 1 <= int(named["month"]) <= 12:
            raise RuleError(
                rule_finding(
                    "rules.name",
                    where,
                    name,
                    "variable_from_YYYY_MM",
                    f"公式「{name}」的名称没有生效年月；请写成「变量_from_年_月」",
                    f"formula '{name}' has no date in its name; call it variable_from_YYYY_MM",
                )
            )
        first = (inspect.getdoc(function) or "").split("\n")[0].strip()
        if not first:
            raise RuleError(
                rule_finding(
                    "rules.clause",
                    where,
                    name,
                    "a docstring that begins with the clause",
                    f"公式「{name}」没有写明条款；请在说明文字第一行写「中文条款 | English clause」",
                    f"formula '{name}' names no clause; begin its docstring with '中文 | English'",
                )
            )
        zh, _, en = (part.strip() for part in first.partition("|"))
        start = date(int(named["year"]), int(named["month"]), 1)
        return cls(name, named["variable"], named["variant"] or "", start, Text(zh, en or zh), function, where)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Variables and the versions of their formulas; `build` checks that they fit together.

    Parameters
    ----------
    roles : tuple of Role
        In the order in which their codes are kept; the first is the one of a person who lives alone.
    versions : mapping of str to tuple of Formula
        For each variable its formulas, oldest first.
    """

    name: str
    roles: tuple[Role, ...]
    variables: Mapping[str, Variable]
    versions: Mapping[str, tuple[Formula, ...]]

    @classmethod
    def build(
        cls,
        name: str,
        roles: Iterable[Role],
        variables: Iterable[Variable],
        formulas: Iterable[Callable[..., Any]] = (),
    ) -> RuleBook:
        """Make a book from variables and functions; all findings are raised together as `RuleError`."""
        findings: list[Finding] = []
        known: dict[str, Variable] = {}
        for variable in variables:
            findings += _check_variable(name, variable, variable.name in known)
            known[variable.name] = variable
        versions: dict[str, list[Formula]] = {}
        for function in formulas:
            try:
                formula = Formula.of(function)
            except RuleError as error:
                findings += error.findings
                continue
            findings += _check_formula(formula, known, versions.setdefault(formula.variable, []))
            versions[formula.variable].append(formula)
        if findings:
            raise RuleError(findings)
        ordered = {v: tuple(sorted(fs, key=lambda f: (f.start, f.variant))) for v, fs in versions.items()}
        return cls(name, tuple(roles), known, ordered)

    def amend(
        self, variables: Iterable[Variable] = (), formulas: Iterable[Callable[..., Any]] = (), name: str = ""
    ) -> RuleBook:
        """Return a book with more variables and formulas; one of the same name takes the old one's place."""
        added = [Formula.of(function) for function in formulas]
        replaced = {formula.name for formula in added}
        kept = [f.function for fs in self.versions.values() for f in fs if f.name not in replaced]
        merged = {**self.variables, **{v.name: v for v in variables}}
        return self.build(name or self.name, self.roles, merged.values(), [*kept, *(f.function for f in added)])

    def get(self, name: str) -> Variable:
        """Return a variable, or raise `RuleError` with the names that are close."""
        variable = self.variables.get(name)
        if variable is None:
            near = ", ".join(sorted(self.variables, key=lambda n: (not (n in name or name in n), n))[:8])
            raise RuleError(
                rule_finding(
                    "rules.unknown_variable",
                    self.name,
                    name,
                    near,
                    f"规则「{self.name}」中没有变量「{name}」；有：{near}……",
                    f"rules '{self.name}' have no variable '{name}'; there are: {near} …",
                )
            )
        return variable

    def find_version(self, variable: str, day: date, choices: Mapping[str, str] | None = None) -> Formula | None:
        """Return the formula in force on a day, of the variant that a place chose; None before the first."""
        variant = (choices or {}).get(variable, "")
        in_force = [f for f in self.versions.get(variable, ()) if f.variant == variant and f.start <= day]
        return in_force[-1] if in_force else None

    def get_role(self, name: str) -> int:
        """Return the code of a role by its name or plural, or raise `RuleError`."""
        for code, role in enumerate(self.roles):
            if name in (role.name, role.plural):
                return code
        names = ", ".join(role.name for role in self.roles)
        raise RuleError(
            rule_finding(
                "rules.unknown_role",
                self.name,
                name,
                names,
                f"没有「{name}」这种成员身份；有：{names}",
                f"there is no role '{name}'; there are: {names}",
            )
        )


def _check_variable(book: str, variable: Variable, twice: bool) -> list[Finding]:
    name, findings = variable.name, []
    if twice:
        findings.append(("rules.twice", name, "one", f"变量「{name}」写了两次", f"variable '{name}' stands twice"))
    if variable.kind in ("integer", "measure") and variable.unit not in UNITS:
        findings.append(
            (
                "rules.unit",
                variable.unit,
                "a unit",
                f"变量「{name}」没有可识别的单位",
                f"variable '{name}' has no known unit",
            )
        )
    if variable.kind == "measure" and name.endswith(_WHOLE_SUFFIXES):
        findings.append(
            ("rules.float", name, "integer", f"「{name}」不得用浮点数", f"'{name}' must not be floating point")
        )
    if (variable.kind == "code") != bool(variable.codes):
        findings.append(
            ("rules.codes", name, "codes", f"代码变量「{name}」要列出全部取值", f"code '{name}' lists all its values")
        )
    if variable.on_months == "shared" and (variable.kind, variable.per) != ("integer", "month"):
        findings.append(
            (
                "rules.shared",
                name,
                "a monthly whole number",
                f"只有按月的整数可以分摊：「{name}」",
                f"only a monthly whole number is shared over a year's months: '{name}'",
            )
        )
    return [rule_finding(kind, book, found, expected, zh, en) for kind, found, expected, zh, en in findings]


def _check_formula(formula: Formula, known: Mapping[str, Variable], others: list[Formula]) -> list[Finding]:
    if formula.variable not in known:
        return [
            rule_finding(
                "rules.unknown_variable",
                formula.where,
                formula.variable,
                "a variable of this book",
                f"公式「{formula.name}」算的「{formula.variable}」不在变量表里",
                f"formula '{formula.name}' works out '{formula.variable}', which is no variable of this book",
            )
        ]
    if known[formula.variable].per == "once" or any(
        o.start == formula.start and o.variant == formula.variant for o in others
    ):
        return [
            rule_finding(
                "rules.version",
                formula.where,
                formula.name,
                "one version for each date, of a variable with a period",
                f"公式「{formula.name}」与另一版本同日生效，或其变量没有时期",
                f"formula '{formula.name}' begins on the day of another version, or its variable has no period",
            )
        ]
    return []


def _short(file: str) -> str:
    return "/".join(file.replace("\\", "/").split("/")[-2:])


def rule_finding(kind: str, where: str, found: object, expected: str, zh: str, en: str) -> Finding:
    """Write one finding about rules; words are shortened to what a line holds."""
    return Finding(kind, where, str(found)[:120], expected[:120], Text(zh, en))
