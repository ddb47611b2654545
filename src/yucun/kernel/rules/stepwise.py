"""Evaluating step by step over one population, each column kept: what a change does not reach is not worked out again.

A slider moves one figure; the order of formulas says which steps read it, directly or below. Only those are run; the
columns of all others are those of the run before. Amounts are the same to the last fen as `Evaluation` gives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa

from yucun.base.errors import RuleError
from yucun.base.period import Period
from yucun.kernel.rules.columns import Column
from yucun.kernel.rules.evaluate import ask, write_sql
from yucun.kernel.rules.layout import HOUSEHOLD, ROLE, ROW, entity_of, step_column
from yucun.kernel.rules.model import Entity, RuleBook, rule_finding
from yucun.kernel.rules.order import Plan, Step, make_plan, need_type
from yucun.kernel.rules.parameters import Parameters
from yucun.kernel.rules.population import Population
from yucun.kernel.rules.subject import Need, Node

# Texts of formulas that were written, by formula, figures and types; any city may use them.
_TEXTS: dict[tuple[Any, ...], str] = {}
_MOST_TEXTS = 4_000
_AGGREGATES = {
    "sum": "CAST(COALESCE(SUM({x}){where}, 0) AS BIGINT)",
    "count": "COUNT(*){where}",
    "any": "COALESCE(BOOL_OR({x}){where}, FALSE)",
    "all": "COALESCE(BOOL_AND({x}){where}, TRUE)",
    "largest": "MAX({x}){where}",
    "smallest": "MIN({x}){where}",
    "one": "MAX({x}){where}",
}
_EMPTY = {"sum": 0, "count": 0, "any": False, "all": True}
# A column's number: whoever depends on the same has the same.
Mark = int
_MOST_MARKS = 100_000


@dataclass(slots=True)
class Stepwise:
    """One population, and the columns that were worked out over it.

    Parameters
    ----------
    population : Population
        Never changed; its own columns are the first of all.
    threads, memory : int, str
        As for `Evaluation`.

    Examples
    --------
    >>> from yucun.base.text import Text
    >>> from yucun.kernel.rules import Role, RuleBook, Variable
    >>> def gap_fen_from_2014_11(household, law):
    ...     '''条例第十二条 | Regulation, art. 12: what is lacking.'''
    ...     return law["standard_fen"] - household.sum("income_fen")
    >>> month = Period.month(2022, 3)
    >>> book = RuleBook.build("demo", [Role("head", "heads", Text("户主", "head"))], [
    ...     Variable("income_fen", "person", "integer", "month", Text("收入", "income"), "fen"),
    ...     Variable("gap_fen", "household", "integer", "month", Text("补差", "gap"), "fen")], [gap_fen_from_2014_11])
    >>> people = Population.of(book, month, {"household_id": [1, 1, 2], "income_fen": [5, 6, 7]})
    >>> steps = Stepwise(people)
    >>> law = Parameters("demo", {}).set("standard_fen", 100)
    >>> steps.run(law, month, ["gap_fen"])["gap_fen"].tolist()
    [89, 93]
    >>> steps.run(law.set("standard_fen", 110), month, ["gap_fen"])["gap_fen"].tolist(), steps.worked
    ([99, 103], 1)
    """

    population: Population
    threads: int = 2
    memory: str = "2GB"
    worked: int = 0
    _kept: dict[Mark, Any] = field(default_factory=dict)
    _used: dict[Mark, int] = field(default_factory=dict)
    _numbers: dict[tuple[Any, ...], Mark] = field(default_factory=dict)
    _pinned: set[Mark] = field(default_factory=set)
    _runs: int = 0
    _connection: Any = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self,
        parameters: Parameters,
        period: Period,
        outputs: list[str],
        watch: Callable[[], None] | None = None,
        *,
        keep: bool = False,
    ) -> Mapping[str, Any]:
        """Work out outputs under a law.

        Parameters
        ----------
        outputs : list of str
            Names of variables.
        watch : callable
            Called between two questions; may raise when nobody waits for the answer any more.
        keep : bool
            Keep the columns of this run until another is to be kept: those of today's law.

        Returns
        -------
        mapping of str to NumPy array
            For each output its column, in the population's order; `worked` says how many steps were run for it.

        Raises
        ------
        RuleError, ParameterError
            As `make_plan` and `Evaluation.run` do.
        """
        plan = make_plan(self.population.book, parameters, period, outputs, self.population.given)
        return self.run_plan(plan, watch, keep=keep)

    def run_plan(self, plan: Plan, watch: Callable[[], None] | None = None, *, keep: bool = False) -> Mapping[str, Any]:
        """Work out the outputs of a plan that was made for this population's columns; as `run` in all else."""
        with self._guard:
            self.worked = 0
            self._runs += 1
            marks: dict[Node, Mark] = {}
            for step in plan.steps:
                marks[step.node] = self._number(_depends(step, marks))
                self._used[marks[step.node]] = self._runs
            waiting = self._list_wanted(plan, marks)
            while waiting:
                if watch is not None:
                    watch()
                ready = [s for s in waiting if all(n.node is None or marks[n.node] in self._kept for n in s.needs)]
                for entity in ("person", "household"):
                    self._work(plan, [s for s in ready if entity_of(plan, s.node) == entity], entity, marks)
                waiting = [step for step in waiting if step not in ready]
            found = {node.variable: self._answer(plan, node, marks[node]) for node in plan.outputs}
            if keep:
                self._pinned = set(marks.values())
            self._forget()
        return found

    def _list_wanted(self, plan: Plan, marks: Mapping[Node, Mark]) -> list[Step]:
        """The steps without a column that the outputs need, in their order."""
        steps = {step.node: step for step in plan.steps}
        wanted: set[Node] = set()
        asked = list(plan.outputs)
        while asked:
            node = asked.pop()
            if node in wanted or marks[node] in self._kept:
                continue
            wanted.add(node)
            asked += [need.node for need in steps[node].needs if need.node is not None]
        return [step for step in plan.steps if step.node in wanted]

    # -- steps ------------------------------------------------------------------------------------------------------------

    def _work(self, plan: Plan, steps: list[Step], entity: Entity, marks: Mapping[Node, Mark]) -> None:
        """Have the columns of steps of one entity that do not need each other, in one question."""
        own = self.population.persons if entity == "person" else self.population.households
        columns: dict[str, Any] = {}
        said: dict[Node, str] = {}
        for step in steps:
            if step.kind == "given":
                self._kept[marks[step.node]] = _one(own[step.node.key])
                continue
            for need in step.needs:
                name = ROLE if need.kind == "role" else need.key
                if name not in columns:
                    columns[name] = (
                        pa.array(self.population.role_of) if need.kind == "role" else self._bring(plan, need, marks)
                    )
            said[step.node] = _write(plan, step)
        if not said:
            return
        if not columns:
            columns[ROW] = pa.nulls(own.num_rows, pa.int8())
        listed = ", ".join(f'{text} AS "c{n}"' for n, text in enumerate(said.values()))
        answer = self._ask(f'SELECT {listed} FROM "t" AS "t0"', pa.table(columns))
        for number, node in enumerate(said):
            self._kept[marks[node]] = answer.column(number).combine_chunks()
        self.worked += len(said)

    def _bring(self, plan: Plan, need: Need, marks: Mapping[Node, Mark]) -> Any:
        """The column of what a formula asked for, in the rows of whoever asks."""
        if need.kind == "own":
            assert need.node is not None
            return self._kept[marks[need.node]]
        mark = self._number((need.kind, need.operation, need.role, marks[need.node] if need.node else -1))
        self._used[mark] = self._runs
        if mark not in self._kept:
            if need.kind == "household":
                assert need.node is not None
                self._kept[mark] = self._kept[marks[need.node]].take(pa.array(self.population.household_of))
            else:
                self._kept[mark] = self._gather(plan, need, marks)
        return self._kept[mark]

    def _gather(self, plan: Plan, need: Need, marks: Mapping[Node, Mark]) -> Any:
        """An operation over the members, a row for each household; what an empty one has is as in the flat layout."""
        columns = {HOUSEHOLD: pa.array(self.population.household_of)}
        where = ""
        if need.role:
            columns[ROLE] = pa.array(self.population.role_of)
            where = f' FILTER (WHERE "{ROLE}" = {plan.book.get_role(need.role)})'
        if need.node is not None:
            columns["x"] = self._kept[marks[need.node]]
        said = _AGGREGATES[need.operation].format(x='"x"', where=where)
        found = self._ask(
            f'SELECT "{HOUSEHOLD}", {said} AS "found" FROM "t" GROUP BY ALL ORDER BY ALL', pa.table(columns)
        )
        rows, homes = found.column(0).to_numpy(), self.population.households.num_rows
        values = _one(found.column(1))
        if len(rows) == homes:
            return values
        places = np.full(homes, -1)
        places[rows] = np.arange(len(rows))
        spread = values.take(pa.array(places, mask=places < 0))
        return spread.fill_null(_EMPTY[need.operation]) if need.operation in _EMPTY else spread

    def _ask(self, text: str, table: pa.Table) -> pa.Table:
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config={"threads": self.threads, "memory_limit": self.memory})
        return ask(self._connection, self.population.book.name, text, t=table)

    def _answer(self, plan: Plan, node: Node, mark: Mark) -> Any:
        column = self._kept[mark]
        variable = plan.book.get(node.variable)
        if column.null_count and not variable.may_be_blank:
            raise RuleError(
                rule_finding(
                    "rules.blank",
                    node.key,
                    f"{column.null_count} blanks",
                    "a value in every row",
                    f"「{variable.title.zh}」有 {column.null_count} 处算不出值（代码未列明或缺数据）",
                    f"'{variable.title.en}' has no value in {column.null_count} rows (a code not listed, or data missing)",
                )
            )
        return column.to_numpy(zero_copy_only=False)

    def _forget(self) -> None:
        """Keep the columns of this run, of the one before, and of today's law; what none of them used is let go."""
        for mark in [m for m in self._kept if self._used[m] < self._runs - 1 and m not in self._pinned]:
            del self._kept[mark]
        if len(self._numbers) > _MOST_MARKS:
            self._numbers.clear()
            self._kept.clear()
            self._used.clear()
            self._pinned.clear()

    def _number(self, depends: tuple[Any, ...]) -> Mark:
        return self._numbers.setdefault(depends, len(self._numbers))


def _depends(step: Step, marks: Mapping[Node, Mark]) -> tuple[Any, ...]:
    """What a column depends on, and nothing else: formula, figures, and the columns below by their numbers."""
    figures = tuple((u.name, u.period.text, _plain(u.value.content)) for u in step.uses)
    below = tuple((n.key, marks[n.node] if n.node is not None else -1) for n in step.needs)
    return (step.kind, step.node.key, step.formula.name if step.formula else "", figures, below)


def _plain(content: Any) -> Any:
    return tuple(sorted(content.items())) if isinstance(content, Mapping) else content


def _write(plan: Plan, step: Step) -> str:
    """One step as text over a table ``t0`` that holds what it asks for."""
    types = tuple((n.key, need_type(plan.book, n)) for n in step.needs)
    figures = tuple((u.name, u.period.text, _plain(u.value.content)) for u in step.uses)
    where = step.formula.function if step.formula else plan.book.name
    key = (step.kind, step.node.key, where, figures, types)
    if key not in _TEXTS:
        if len(_TEXTS) >= _MOST_TEXTS:
            _TEXTS.clear()
        shape = {name: kind for name, kind in types if not name.startswith("role=")} or {ROW: "int8"}
        if any(need.kind == "role" for need in step.needs):
            shape[ROLE] = "int8"
        table: Any = ibis.table(shape, name="t")
        text = write_sql(table.select(found=step_column(plan, step, _reader(plan.book, table))))
        head, _, tail = text.removeprefix("SELECT ").rpartition(' AS "found" FROM ')
        assert head and tail == '"t" AS "t0"', f"an expression over one table is one selection: {text[:200]}"
        _TEXTS[key] = head.strip()
    return _TEXTS[key]


def _reader(book: RuleBook, table: Any) -> Callable[[Need], Column]:
    def get(need: Need) -> Column:
        return table[ROLE] == book.get_role(need.role) if need.kind == "role" else table[need.key]

    return get


def _one(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
