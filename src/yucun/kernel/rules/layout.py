"""A plan as Ibis expressions, in two layouts that give the same: flat tables for any engine, seats for speed.

*Flat*: one table of persons and one of households, joined and grouped; runs on DuckDB and on Spark.

*Seats*: households of one size in one table, a row each, with a column for every seat (``salary@2022-03#0``,
``#1``, …), so that a sum over members is an addition inside the row: no join and no grouping.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.operations as ops

from yucun.base.quantity import Rounding
from yucun.kernel.rules.columns import Column, all_of, any_of, choose, divide, larger, smaller, whole
from yucun.kernel.rules.model import IBIS_TYPES, Entity
from yucun.kernel.rules.order import Plan, Step, call, typed
from yucun.kernel.rules.subject import Law, Need, Node

ROW, HOUSEHOLD, ROLE = "_row", "_household", "_role"
Get = Callable[[Need], Column]


def step_column(plan: Plan, step: Step, get: Get) -> Column:
    """The column of a step that is not given, from the columns of what it needs."""
    variable = plan.book.get(step.node.variable)
    kind = IBIS_TYPES[variable.kind]
    match step.kind:
        case "formula":
            assert step.formula is not None and step.node.period is not None
            law = Law(plan.parameters, step.node.period)
            return call(plan.book, step.formula, step.node.period, law, get)
        case "sum":
            return typed(functools.reduce(operator.add, (get(need) for need in step.needs)), kind)
        case "share":
            assert step.node.period is not None
            year, month = get(step.needs[0]), step.node.period.start.month
            return typed(year if variable.on_months == "same" else share_of_month(year, month), kind)
        case "default":
            return typed(variable.default, kind)
    raise AssertionError(f"{step.node.key} is given, it has no expression")


def share_of_month(year: Column, month: int) -> Column:
    """A month's part of a year's whole number; the twelve parts add up to it."""
    return divide(year * month, 12, Rounding.DOWN) - divide(year * (month - 1), 12, Rounding.DOWN)


def entity_of(plan: Plan, node: Node) -> Entity:
    """Whose the variable of a node is."""
    return plan.book.get(node.variable).entity


def given_of(plan: Plan, entity: Entity) -> list[tuple[str, str]]:
    """Name and type of the columns that an entity's table must hold."""
    nodes = [node for node in plan.given if entity_of(plan, node) == entity]
    return [(node.key, IBIS_TYPES[plan.book.get(node.variable).kind]) for node in nodes]


def outputs_of(plan: Plan, entity: Entity) -> list[Node]:
    """The outputs that belong to an entity."""
    return [node for node in plan.outputs if entity_of(plan, node) == entity]


class Flat:
    """The flat layout: `persons` and `households` are expressions with the outputs and a row number."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        fixed = {ROW: "int64", HOUSEHOLD: "int64", ROLE: "int8"}
        self._p: Any = ibis.table({**fixed, **dict(given_of(plan, "person"))}, name="persons")
        self._h: Any = ibis.table({ROW: "int64", **dict(given_of(plan, "household"))}, name="households")
        waiting = [step for step in plan.steps if step.kind != "given"]
        while waiting:
            before = len(waiting)
            waiting = self._fill("person", waiting)
            self._gather(waiting)
            waiting = self._fill("household", waiting)
            self._hand_down(waiting)
            assert len(waiting) < before or self._has_news, "a plan in order always has a next step"
        self.persons = self._p.select(ROW, *(n.key for n in outputs_of(plan, "person")))
        self.households = self._h.select(ROW, *(n.key for n in outputs_of(plan, "household")))

    def _fill(self, entity: Entity, waiting: list[Step]) -> list[Step]:
        """Work out every step of one entity whose needs are there, level by level."""
        while True:
            table = self._p if entity == "person" else self._h
            ready = [
                s
                for s in waiting
                if entity_of(self._plan, s.node) == entity and all(map(self._is_there(entity), s.needs))
            ]
            if not ready:
                return waiting
            table = table.mutate(**{s.node.key: step_column(self._plan, s, self._get(entity)) for s in ready})
            if entity == "person":
                self._p = table
            else:
                self._h = table
            waiting = [step for step in waiting if step not in ready]

    def _is_there(self, entity: Entity) -> Callable[[Need], bool]:
        columns = set((self._p if entity == "person" else self._h).columns)
        return lambda need: need.kind == "role" or need.key in columns

    def _get(self, entity: Entity) -> Get:
        table = self._p if entity == "person" else self._h

        def get(need: Need) -> Column:
            if need.kind == "role":
                return table[ROLE] == self._plan.book.get_role(need.role)
            return table[need.key]

        return get

    def _gather(self, waiting: Iterable[Step]) -> None:
        """Bring to the households what they need of their members."""
        wanted = dict.fromkeys(
            need
            for step in waiting
            if entity_of(self._plan, step.node) == "household"
            for need in step.needs
            if need.kind == "members" and need.key not in self._h.columns
            if need.node is None or need.node.key in self._p.columns
        )
        self._has_news = bool(wanted)
        if not wanted:
            return
        sums = {need.key: self._aggregate(need) for need in wanted}
        grouped = self._p.group_by(HOUSEHOLD).aggregate(**sums)
        joined = self._h.left_join(grouped, self._h[ROW] == grouped[HOUSEHOLD]).drop(HOUSEHOLD)
        empty: dict[str, Any] = {"sum": 0, "count": 0, "any": False, "all": True}
        self._h = joined.mutate(
            **{
                need.key: joined[need.key].fill_null(empty[need.operation])
                for need in wanted
                if need.operation in empty
            }
        )

    def _aggregate(self, need: Need) -> Column:
        is_in = self._p[ROLE] == self._plan.book.get_role(need.role) if need.role else None
        if need.node is None:
            return self._p.count().cast("int64") if is_in is None else checked_sum(is_in.cast("int64"), None)
        column = self._p[need.node.key]
        match need.operation:
            case "sum":
                return checked_sum(column, is_in)
            case "any":
                return column.any(where=is_in)
            case "all":
                return column.all(where=is_in)
            case "smallest":
                return column.min(where=is_in)
        return column.max(where=is_in)

    def _hand_down(self, waiting: Iterable[Step]) -> None:
        """Bring to the persons what they need of their household."""
        wanted = dict.fromkeys(
            need
            for step in waiting
            for need in step.needs
            if need.kind == "household" and need.node is not None
            if need.key not in self._p.columns and need.node.key in self._h.columns
        )
        self._has_news = self._has_news or bool(wanted)
        if wanted:
            brought = self._h.select(_of=self._h[ROW], **{n.key: self._h[n.node.key] for n in wanted if n.node})
            self._p = self._p.inner_join(brought, self._p[HOUSEHOLD] == brought["_of"]).drop("_of")


def checked_sum(column: Column, where: Column | None) -> Column:
    """A sum of whole numbers that fits 64 bits, or is refused.

    DuckDB sums into 128 bits while Ibis takes the sum for 64 and drops a plain cast to them; the way over
    decimals keeps it.
    """
    return column.sum(where=where).cast("decimal(38, 0)").cast("int64")


def seat(key: str, number: int) -> str:
    """How the column of one seat is called."""
    return f"{key}#{number}"


def make_seats(plan: Plan, size: int) -> Any:
    """The seats layout for households of one size, as an expression over the table ``seats``.

    Returns
    -------
    ibis table
        A row for each household: its outputs, and for each output of persons one column for every seat.
    """
    fixed = {seat(ROLE, k): "int8" for k in range(size)}
    for key, kind in given_of(plan, "person"):
        fixed |= {seat(key, k): kind for k in range(size)}
    table: Any = ibis.table({**fixed, **dict(given_of(plan, "household"))}, name="seats")
    same: dict[str, Column] = {}  # what is the same for all never becomes a column
    for level in levels(plan):
        columns: dict[str, Column] = {}
        for step in level:
            if entity_of(plan, step.node) == "household":
                columns[step.node.key] = step_column(plan, step, _get_household(plan, table, size, same))
            else:
                for k in range(size):
                    columns[seat(step.node.key, k)] = step_column(plan, step, _get_seat(plan, table, k, same))
        same |= {key: column for key, column in columns.items() if is_same_for_all(column)}
        table = table.mutate(**{key: column for key, column in columns.items() if key not in same})
    keys = [node.key for node in outputs_of(plan, "household")]
    keys += [seat(node.key, k) for node in outputs_of(plan, "person") for k in range(size)]
    return table.select(**{key: same[key] if key in same else table[key] for key in keys})


def is_same_for_all(column: Column) -> bool:
    """True for a value that no row changes."""
    return not column.op().find(ops.Field)


def levels(plan: Plan) -> list[list[Step]]:
    """Steps that do not need each other stand on one level; a step stands above all that it needs."""
    level: dict[Node, int] = {}
    found: list[list[Step]] = []
    for step in plan.steps:
        if step.kind == "given":
            level[step.node] = -1
            continue
        mine = max((level[need.node] for need in step.needs if need.node is not None), default=-1) + 1
        level[step.node] = mine
        found += [[] for _ in range(mine + 1 - len(found))]
        found[mine].append(step)
    return found


def _get_seat(plan: Plan, table: Any, number: int, same: Mapping[str, Column]) -> Get:
    def get(need: Need) -> Column:
        if need.kind == "role":
            return table[seat(ROLE, number)] == plan.book.get_role(need.role)
        assert need.node is not None
        key = need.node.key if need.kind == "household" else seat(need.node.key, number)
        return same[key] if key in same else table[key]

    return get


def _get_household(plan: Plan, table: Any, size: int, same: Mapping[str, Column]) -> Get:
    def get(need: Need) -> Column:
        if need.kind == "own":
            return same[need.key] if need.key in same else table[need.key]
        is_in = [table[seat(ROLE, k)] == plan.book.get_role(need.role) for k in range(size)] if need.role else None
        if need.node is None:
            return functools.reduce(operator.add, (i.cast("int64") for i in is_in)) if is_in else whole(size)
        keys = [seat(need.node.key, k) for k in range(size)]
        return _over_seats(need, [same[key] if key in same else table[key] for key in keys], is_in)

    return get


def _over_seats(need: Need, columns: Sequence[Column], is_in: Sequence[Column] | None) -> Column:
    """An operation over the members, written as arithmetic inside the row."""
    match need.operation:
        case "sum":
            parts = columns if is_in is None else [choose(i, c, 0) for i, c in zip(is_in, columns, strict=True)]
            return functools.reduce(operator.add, parts)
        case "any":
            return any_of(*(columns if is_in is None else [i & c for i, c in zip(is_in, columns, strict=True)]))
        case "all":
            return all_of(*(columns if is_in is None else [~i | c for i, c in zip(is_in, columns, strict=True)]))
    kept = (
        columns
        if is_in is None
        else [ibis.ifelse(i, c, ibis.null(c.type())) for i, c in zip(is_in, columns, strict=True)]
    )
    if len(kept) == 1:
        return kept[0]
    if kept[0].type().is_integer():
        return smaller(*kept) if need.operation == "smallest" else larger(*kept)
    return ibis.least(*kept) if need.operation == "smallest" else ibis.greatest(*kept)
