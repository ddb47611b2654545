"""The order of formulas: from wanted outputs back to what is given, worked out once for a month; circles are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import ibis

from yucun.base.errors import RuleError
from yucun.base.period import Period
from yucun.kernel.rules.columns import Column
from yucun.kernel.rules.model import IBIS_TYPES, Formula, RuleBook, rule_finding
from yucun.kernel.rules.parameters import Parameters, ParameterValue
from yucun.kernel.rules.periods import in_kind, months_of, year_of
from yucun.kernel.rules.subject import Law, Need, Node, Subject, Use

MOST_STEPS = 5_000
StepKind = Literal["given", "formula", "default", "sum", "share"]


@dataclass(frozen=True, slots=True)
class Step:
    """How one variable of one period is got.

    Parameters
    ----------
    kind : str
        ``given`` by the population; worked out by a ``formula``; the variable's ``default``; the ``sum`` of
        shorter periods; or its month's ``share`` of a year that is given.
    """

    node: Node
    kind: StepKind
    formula: Formula | None = None
    needs: tuple[Need, ...] = ()
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order in which each finds what it needs; `outputs` are the nodes that were asked for."""

    book: RuleBook
    parameters: Parameters
    period: Period
    outputs: tuple[Node, ...]
    steps: tuple[Step, ...]

    def get_step(self, node: Node) -> Step:
        """The step of a node; a missing one is a programmer's error."""
        return next(step for step in self.steps if step.node == node)

    @property
    def given(self) -> tuple[Node, ...]:
        """The nodes that the population must hold."""
        return tuple(step.node for step in self.steps if step.kind == "given")

    @property
    def uses(self) -> tuple[Use, ...]:
        """Every parameter that was read, each once, by name and period."""
        found = {(use.name, use.period): use for step in self.steps for use in step.uses}
        return tuple(found[key] for key in sorted(found, key=lambda k: (k[0], k[1].start)))

    def for_all(self) -> Plan:
        """The same plan with every step as an output; what a trace reads."""
        return Plan(self.book, self.parameters, self.period, tuple(s.node for s in self.steps), self.steps)


def make_plan(
    book: RuleBook,
    parameters: Parameters,
    period: Period,
    outputs: Iterable[str | Node],
    given: Collection[Node],
) -> Plan:
    """Work out the steps for outputs in a period.

    Parameters
    ----------
    outputs : iterable of str or Node
        Variable names for the period in which ``period`` begins, or nodes for others.
    given : collection of Node
        What the population holds; it stands before any formula.

    Raises
    ------
    RuleError
        A circle, with its path; an unknown variable; one that is neither given nor worked out.
    ParameterError
        A formula reads a parameter that has no value in its period.
    """
    wanted = tuple(o if isinstance(o, Node) else default_node(book, o, period) for o in outputs)
    search = _Search(book, parameters, frozenset(given))
    for node in wanted:
        search.visit(node)
    return Plan(book, parameters, period, tuple(dict.fromkeys(wanted)), tuple(search.done.values()))


def default_node(book: RuleBook, name: str, period: Period) -> Node:
    """A variable in the period of its own kind in which ``period`` begins; a sum when it is kept by a shorter one."""
    variable = book.get(name)
    if variable.per == "once":
        return Node(name, None)
    longer = {"month": 0, "quarter": 1, "year": 2}
    if period.kind in longer and longer[period.kind] > longer[variable.per] and variable.kind == "integer":
        return Node(name, period)
    return Node(name, in_kind(period, variable.per))


class _Search:
    """Depth-first from the outputs to what is given."""

    def __init__(self, book: RuleBook, parameters: Parameters, given: frozenset[Node]) -> None:
        self.book = book
        self.parameters = parameters
        self.given = given
        self.done: dict[Node, Step] = {}
        self._path: dict[Node, None] = {}

    def visit(self, node: Node) -> None:
        if node in self.done:
            return
        if node in self._path:
            raise circle(self.book, [*list(self._path)[list(self._path).index(node) :], node])
        if len(self._path) > 400 or len(self.done) > MOST_STEPS:
            raise RuleError(
                rule_finding(
                    "rules.endless",
                    self.book.name,
                    node.key,
                    "an end in time",
                    f"「{node.variable}」一直追溯到更早的时期而没有尽头；请给出起点的数值",
                    f"'{node.variable}' asks for ever earlier periods; give a value to begin with",
                )
            )
        self._path[node] = None
        step = self._make(node)
        for need in step.needs:
            if need.node is not None:
                self.visit(need.node)
        del self._path[node]
        self.done[node] = step

    def _make(self, node: Node) -> Step:
        variable = self.book.get(node.variable)
        if node in self.given:
            return Step(node, "given")
        if node.period is not None:
            if variable.per != node.period.kind:
                months = tuple(p for p in months_of(node.period))
                return Step(node, "sum", None, tuple(Need("own", Node(node.variable, m)) for m in months))
            year = Node(node.variable, year_of(node.period))
            if variable.on_months and year in self.given:
                return Step(node, "share", None, (Need("own", year),))
            formula = self.book.find_version(variable.name, node.period.start, self.parameters.choices)
            if formula is not None:
                needs, uses = record(self.book, formula, node.period, Law(self.parameters, node.period))
                return Step(node, "formula", formula, needs, uses)
        if variable.default is None:
            raise RuleError(
                rule_finding(
                    "rules.not_given",
                    self.book.name,
                    node.key,
                    "a column, a formula or a default",
                    f"「{variable.title.zh}」（{node.key}）既没有给出，也没有当期有效的公式；请补上这一列",
                    f"'{variable.title.en}' ({node.key}) is neither given nor worked out by a formula in force; add the column",
                )
            )
        return Step(node, "default")


def circle(book: RuleBook, path: list[Node]) -> RuleError:
    """The refusal of a circle, with its path."""
    words = " → ".join(node.key for node in path)
    return RuleError(
        rule_finding(
            "rules.circle",
            book.name,
            words,
            "no circle",
            f"公式互相引用成环：{words}；请让其中一个取上月的值或改为给定",
            f"formulas refer to each other in a circle: {words}; let one read last month, or be given",
        )
    )


def record(book: RuleBook, formula: Formula, period: Period, law: Law) -> tuple[tuple[Need, ...], tuple[Use, ...]]:
    """Run a formula over columns without rows and note what it asks for, in the order of asking."""
    needs: dict[Need, Column] = {}

    def get(need: Need) -> Column:
        if need not in needs:
            needs[need] = ibis.table({need.key: need_type(book, need)}, name="recorded")[need.key]
        return needs[need]

    call(book, formula, period, law, get)
    return tuple(needs), tuple(law.uses)


def call(book: RuleBook, formula: Formula, period: Period, law: Law, get: Any) -> Column:
    """Run a formula and give its answer the type of its variable."""
    variable = book.get(formula.variable)
    subject = Subject(book, variable.entity, period, get)
    answer = formula.function(subject, law) if formula.reads_law else formula.function(subject)
    return typed(answer, IBIS_TYPES[variable.kind])


def typed(value: Any, name: str) -> Column:
    """A value or column as a column of one type; floating point never becomes a whole number by itself."""
    column = value if isinstance(value, ibis.Expr) else ibis.literal(value)
    if name == "int64" and column.type().is_floating():
        raise TypeError("a formula of whole numbers gave floating point; use columns.divide")
    return column.cast(name)


def need_type(book: RuleBook, need: Need) -> str:
    """The column type of what a formula asks for."""
    if need.kind == "role" or need.operation in ("any", "all"):
        return "boolean"
    if need.operation in ("sum", "count") or need.node is None:
        return "int64"
    return IBIS_TYPES[book.get(need.node.variable).kind]


def check_book(book: RuleBook, parameters: Parameters) -> None:
    """Run every formula once in its first period and refuse unknown names, wrong entities and circles.

    Parameters that have no value yet are left to the months in which they are asked for.
    """
    edges: dict[str, dict[str, None]] = {}
    for formulas in book.versions.values():
        for formula in formulas:
            variable = book.get(formula.variable)
            period = in_kind(Period.day(formula.start), variable.per)
            needs, _ = record(book, formula, period, _AnyLaw(parameters, period))
            for need in needs:
                if need.node is not None and need.node.period in (period, None):
                    edges.setdefault(formula.variable, {})[need.node.variable] = None
    for start in edges:
        _follow(book, edges, [start])


def _follow(book: RuleBook, edges: dict[str, dict[str, None]], path: list[str]) -> None:
    """Refuse a circle through the last of the path; each variable is followed once."""
    done: set[str] = set()

    def go(name: str, trail: list[str]) -> None:
        if name in trail:
            raise circle(book, [Node(n, None) for n in [*trail[trail.index(name) :], name]])
        if name not in done:
            for following in edges.get(name, ()):
                go(following, [*trail, name])
            done.add(name)

    go(path[0], [])


class _AnyLaw(Law):
    """A law that answers for every day, so that a book can be checked before its dates are asked for."""

    def _read(self, name: str, period: Period) -> ParameterValue:
        item = self.pack.items.get(name)
        values = [v for v in item.values if v.content is not None] if item else []
        if item is not None and not values:
            # Nobody knows its value yet; for the order of formulas any whole number will do.
            return ParameterValue(period.start, 1, "", "unverified", item.where)
        return (item.find(period.start) if item else None) or (values or [self.pack.get(name, period.start)])[0]
