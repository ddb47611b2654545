"""What a formula sees: a person or a household in a period, and the law in force; nothing else reaches it.

Both note what they are asked for, so that the order of formulas, the lineage of a result and its trace
come from the formulas themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from yucun.base.errors import RuleError
from yucun.base.period import Period
from yucun.kernel.rules.columns import Column, by_code, whole
from yucun.kernel.rules.model import Entity, RuleBook, Variable, rule_finding
from yucun.kernel.rules.parameters import Bracket, Parameters, ParameterValue
from yucun.kernel.rules.periods import months_of

ONCE = "once"
Operation = Literal["sum", "any", "all", "largest", "smallest", "count", "one"]


@dataclass(frozen=True, slots=True)
class Node:
    """A variable in a period; the period of what holds once is None."""

    variable: str
    period: Period | None

    @property
    def key(self) -> str:
        """How its column is called, e.g. ``salary_fen@2022-03``."""
        return f"{self.variable}@{self.period.text if self.period else ONCE}"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a formula asked for.

    Parameters
    ----------
    kind : str
        ``own``: a variable of the subject itself; ``household``: one of a person's household; ``members``:
        an operation over the members of a household; ``role``: whether a person has a role.
    """

    kind: Literal["own", "household", "members", "role"]
    node: Node | None = None
    operation: Operation | Literal[""] = ""
    role: str = ""

    @property
    def key(self) -> str:
        """How its column is called."""
        name = self.node.key if self.node else ""
        match self.kind:
            case "members":
                return f"{self.operation}({name}{',' if name and self.role else ''}{self.role})"
            case "household":
                return f"household.{name}"
            case "role":
                return f"role={self.role}"
        return name


class Subject:
    """The person or household that a formula is about, in one period.

    Formulas get a subject and write ``subject["rent_fen"]``; they never make one.
    """

    def __init__(self, book: RuleBook, entity: Entity, period: Period, get: Callable[[Need], Column]) -> None:
        self.period = period
        self._book = book
        self._entity = entity
        self._get = get

    def __getitem__(self, name: str) -> Column:
        """The value of a variable of this subject in this period."""
        return self.at(name, self.period)

    def at(self, name: str, period: Period) -> Column:
        """The value of a variable of this subject in another period of the variable's own kind."""
        return self._get(Need("own", self._node(name, period, self._entity)))

    def sum_over(self, name: str, periods: Period | Iterable[Period]) -> Column:
        """The sum of a variable over periods; of a year or quarter, over its months."""
        several = months_of(periods) if isinstance(periods, Period) else tuple(periods)
        total = self.at(name, several[0])
        for period in several[1:]:
            total = total + self.at(name, period)
        return total

    @property
    def household(self) -> Subject:
        """The household of a person."""
        if self._entity != "person":
            raise RuleError(
                rule_finding(
                    "rules.entity",
                    self._book.name,
                    "household of a household",
                    "a person",
                    "家庭没有上一级家庭",
                    "a household has no household",
                )
            )
        ask = self._get
        return Subject(self._book, "household", self.period, lambda need: ask(Need("household", need.node)))

    def has_role(self, role: str) -> Column:
        """Whether this person has a role in the household."""
        return self._get(Need("role", role=self._book.roles[self._book.get_role(role)].name))

    def sum(self, name: str, role: str = "", period: Period | None = None) -> Column:
        """The sum of a variable over the members, or over those of one role."""
        return self._members("sum", name, role, period)

    def any(self, name: str, role: str = "", period: Period | None = None) -> Column:
        """Whether a condition holds for at least one member."""
        return self._members("any", name, role, period)

    def all(self, name: str, role: str = "", period: Period | None = None) -> Column:
        """Whether a condition holds for every member; true where there is none."""
        return self._members("all", name, role, period)

    def largest(self, name: str, role: str = "", period: Period | None = None) -> Column:
        """The largest value among the members; blank where there is none."""
        return self._members("largest", name, role, period)

    def smallest(self, name: str, role: str = "", period: Period | None = None) -> Column:
        """The smallest value among the members; blank where there is none."""
        return self._members("smallest", name, role, period)

    def one(self, name: str, role: str, period: Period | None = None) -> Column:
        """The value of the one member of a role of which there is at most one; blank where there is none."""
        chosen = self._book.roles[self._book.get_role(role)]
        if chosen.most != 1:
            raise RuleError(
                rule_finding(
                    "rules.role",
                    self._book.name,
                    role,
                    "a role with most = 1",
                    f"「{role}」可能不止一人，不能取唯一的值",
                    f"there may be several '{role}'; there is no one value",
                )
            )
        return self._members("one", name, role, period)

    def count(self, role: str = "") -> Column:
        """How many members there are, or how many of one role."""
        named = self._book.roles[self._book.get_role(role)].name if role else ""
        return self._get(Need("members", None, "count", named))

    def _members(self, operation: Operation, name: str, role: str, period: Period | None) -> Column:
        if self._entity != "household":
            raise RuleError(
                rule_finding(
                    "rules.entity",
                    self._book.name,
                    name,
                    "a household",
                    f"只有家庭有成员；「{name}」请用 person.household",
                    f"only a household has members; use person.household for '{name}'",
                )
            )
        named = self._book.roles[self._book.get_role(role)].name if role else ""
        return self._get(Need("members", self._node(name, period or self.period, "person"), operation, named))

    def _node(self, name: str, period: Period, entity: Entity) -> Node:
        variable = self._book.get(name)
        if variable.entity != entity:
            raise RuleError(
                rule_finding(
                    "rules.entity",
                    self._book.name,
                    name,
                    entity,
                    f"「{name}」属于{variable.entity}，这里要的是{entity}的变量",
                    f"'{name}' belongs to a {variable.entity}; a variable of a {entity} is wanted here",
                )
            )
        return make_node(self._book, variable, period)


def make_node(book: RuleBook, variable: Variable, period: Period) -> Node:
    """A variable in a period, or `RuleError` when it is kept by another kind of period."""
    if variable.per == "once":
        return Node(variable.name, None)
    if variable.per != period.kind:
        raise RuleError(
            rule_finding(
                "rules.period",
                book.name,
                f"{variable.name} {period.text}",
                variable.per,
                f"「{variable.name}」按{variable.per}计，不能直接取 {period.text} 的值；请用 at 或 sum_over 写明",
                f"'{variable.name}' is kept by {variable.per}, it has no value for {period.text}; say which with at or sum_over",
            )
        )
    return Node(variable.name, period)


@dataclass(frozen=True, slots=True)
class Use:
    """One parameter that a formula read, for which period, and the value that was in force."""

    name: str
    period: Period
    value: ParameterValue


@dataclass(slots=True)
class Law:
    """The parameters in force in a formula's period; `uses` notes what was read.

    A formula reads ``law["rate_bp"]``, ``law.scale("tax")``, ``law.by("standard_fen", household["area"])``.
    """

    pack: Parameters
    period: Period
    uses: list[Use] = field(default_factory=list)

    def __getitem__(self, name: str) -> int:
        """The whole number in force on the first day of the period."""
        return self.at(name, self.period)

    def at(self, name: str, period: Period) -> int:
        """The whole number in force on the first day of another period."""
        content = self._read(name, period).content
        if isinstance(content, int):
            return content
        raise self._wrong(name, "a whole number")

    def is_set(self, name: str) -> bool:
        """A parameter that is true or false."""
        content = self._read(name, self.period).content
        if isinstance(content, bool):
            return content
        raise self._wrong(name, "true or false")

    def scale(self, name: str) -> tuple[Bracket, ...]:
        """The brackets of a scale: (threshold, rate in bp), lowest first."""
        content = self._read(name, self.period).content
        if isinstance(content, tuple):
            return content
        raise self._wrong(name, "scale = [[threshold, rate], …]")

    def by(self, name: str, column: Column) -> Column:
        """The whole number for each row's code; where the parameter is one number, that number."""
        content = self._read(name, self.period).content
        if isinstance(content, int):
            return whole(content)
        if content is None or isinstance(content, tuple):
            raise self._wrong(name, "codes = {…}")
        return by_code(column, content)

    def _read(self, name: str, period: Period) -> ParameterValue:
        value = self.pack.get(name, period.start)
        use = Use(name, period, value)
        if use not in self.uses:
            self.uses.append(use)
        return value

    def _wrong(self, name: str, expected: str) -> RuleError:
        item = self.pack.items[name]
        return RuleError(
            rule_finding(
                "rules.parameter_kind",
                item.where,
                name,
                expected,
                f"参数「{name}」的写法与公式所需不符，应为 {expected}",
                f"parameter '{name}' is not what the formula reads: {expected}",
            )
        )
