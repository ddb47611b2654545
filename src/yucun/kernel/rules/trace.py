"""Why one result is what it is: clause, arithmetic with its numbers, parameters with their sources; and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from yucun.base.errors import NotKnown
from yucun.base.period import Period
from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.kernel.rules.arithmetic import write
from yucun.kernel.rules.evaluate import evaluate
from yucun.kernel.rules.layout import Get, step_column
from yucun.kernel.rules.model import Variable, rule_finding
from yucun.kernel.rules.order import Plan, Step, make_plan, need_type
from yucun.kernel.rules.parameters import EVIDENCE_TITLES
from yucun.kernel.rules.periods import month_after
from yucun.kernel.rules.population import Population
from yucun.kernel.rules.subject import Need, Node, Use

_GIVEN = Text("登记数据", "given by the records")
_DEFAULT = Text("没有登记，取默认值", "not given: its declared default")
_SUM = Text("各月之和", "the sum of its months")
_SHARE = Text("全年数分到本月", "this month's part of the year")


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One step of one subject.

    Parameters
    ----------
    who : str
        Id of the person or household.
    clause : Text
        The clause, or where the value comes from when no formula made it.
    arithmetic : Text
        The formula with its numbers in kept units; empty for what is given. `arithmetic.work_out` of the
        English wording gives `value`.
    """

    node: Node
    variable: Variable
    who: str
    value: Any
    clause: Text
    formula: str
    where: str
    arithmetic: Text
    uses: tuple[Use, ...]

    @property
    def shown(self) -> Text:
        """The value as people write it, with its unit."""
        return show(self.variable, self.value)

    def to_text(self) -> Text:
        """The line in words."""
        when = self.node.period.title if self.node.period else Text("", "")
        head = Text(
            f"{self.who} {self.variable.title.zh}{f'（{when.zh}）' if when.zh else ''}：{self.shown.zh}",
            f"{self.who} {self.variable.title.en}{f' ({when.en})' if when.en else ''}: {self.shown.en}",
        )
        if not self.formula:
            return Text(f"{head.zh}　{self.clause.zh}", f"{head.en}  {self.clause.en}")
        unit = self.variable.unit
        laws = [_law_line(use) for use in self.uses]
        return Text(
            "\n".join(
                [
                    head.zh,
                    f"  依据：{self.clause.zh}",
                    f"  算式：{self.arithmetic.zh} = {self.value} {unit}",
                    *(t.zh for t in laws),
                ]
            ),
            "\n".join(
                [
                    head.en,
                    f"  clause: {self.clause.en}",
                    f"  arithmetic: {self.arithmetic.en} = {self.value} {unit}",
                    *(t.en for t in laws),
                ]
            ),
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """One result with every step below it, the result first and what is given last."""

    lines: tuple[TraceLine, ...]
    note: Text

    @property
    def result(self) -> TraceLine:
        """The line of the result itself."""
        return self.lines[0]

    def to_text(self) -> Text:
        """All lines in words."""
        texts = [line.to_text() for line in self.lines] + ([self.note] if self.note.zh else [])
        return Text("\n".join(t.zh for t in texts), "\n".join(t.en for t in texts))


def show(variable: Variable, value: Any) -> Text:
    """A value as people write it: money in yuan with two decimals, rates in percent, yes and no in words."""
    if value is None:
        return Text("空白", "blank")
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if variable.kind != "integer":
        return Text.same(str(value))
    unit = UNITS[variable.unit]
    digits = len(str(unit.per_shown)) - 1
    words = f"{'-' if value < 0 else ''}{abs(value) // unit.per_shown:,}"
    words += f".{abs(value) % unit.per_shown:0{digits}d}" if digits else ""
    return Text(f"{words} {unit.title.zh}".strip(), f"{words} {unit.title.en}".strip())


def trace(plan: Plan, population: Population, household_id: Any, output: str | Node) -> Trace:
    """Explain one household's result.

    Parameters
    ----------
    plan : Plan
        Holds the output.
    household_id : str or int
        As in the population.
    output : str or Node
        An output of the plan; of a person's variable every member's is explained.

    Raises
    ------
    NotKnown
        The population has no such household.
    """
    one = _only(population, household_id)
    whole = plan.for_all()
    outcome = evaluate(whole, one)
    values: dict[Node, list[Any]] = {}
    for step in whole.steps:
        table = outcome.persons if plan.book.get(step.node.variable).entity == "person" else outcome.households
        name = step.node.key if step.node.key in table.column_names else step.node.variable
        values[step.node] = table.column(name).to_pylist()
    top = output if isinstance(output, Node) else next(n for n in plan.outputs if n.variable == output)
    lines = [line for node in _downwards(plan, top) for line in _lines(plan, plan.get_step(node), one, values)]
    return Trace(tuple(lines), outcome.note)


def _only(population: Population, household_id: Any) -> Population:
    ids = population.household_ids.to_pylist()
    if household_id not in ids:
        finding = rule_finding(
            "rules.household", "population", household_id, "an id of a household",
            f"没有编号为「{household_id}」的家庭", f"there is no household '{household_id}'"
        )  # fmt: skip
        raise NotKnown(finding)
    return population.only(np.array([ids.index(household_id)]))


def _downwards(plan: Plan, top: Node) -> list[Node]:
    """The nodes under a result, each once, breadth first: what is asked first is told first."""
    found, waiting = dict.fromkeys([top]), [top]
    while waiting:
        node = waiting.pop(0)
        for need in plan.get_step(node).needs:
            if need.node is not None and need.node not in found:
                found[need.node] = None
                waiting.append(need.node)
    order = {step.node: position for position, step in enumerate(plan.steps)}
    kinds = {step.node: step.kind in ("given", "default") for step in plan.steps}
    return sorted(found, key=lambda node: (kinds[node], -order[node]))


def _lines(plan: Plan, step: Step, one: Population, values: Mapping[Node, Sequence[Any]]) -> Iterator[TraceLine]:
    variable = plan.book.get(step.node.variable)
    ids = (one.person_ids if variable.entity == "person" else one.household_ids).to_pylist()
    for row, who in enumerate(ids):
        value = values[step.node][row]
        common = (step.node, variable, str(who), value)
        if step.kind in ("given", "default"):
            yield TraceLine(*common, _GIVEN if step.kind == "given" else _DEFAULT, "", "", Text("", ""), ())
            continue
        numbers = {need.key: _need_value(plan, need, one, values, row) for need in step.needs}
        dummy = ibis.table(
            {need.key: need_type(plan.book, need) for need in step.needs} or {"_": "int8"}, name="traced"
        )
        arithmetic = write(step_column(plan, step, _reader(dummy)), numbers)
        clause = step.formula.clause if step.formula else _SUM if step.kind == "sum" else _SHARE
        name, where = (step.formula.name, step.formula.where) if step.formula else (step.kind, "")
        yield TraceLine(*common, clause, name, where, arithmetic, step.uses)


def _reader(table: Any) -> Get:
    return lambda need: table[need.key]


def _need_value(plan: Plan, need: Need, one: Population, values: Mapping[Node, Sequence[Any]], row: int) -> Any:
    roles = [plan.book.roles[code].name for code in one.role_of]
    if need.kind == "role":
        return roles[row] == need.role
    if need.kind == "household":
        return values[need.node][0] if need.node else None
    if need.kind == "own":
        return values[need.node][row] if need.node else None
    members = [k for k, role in enumerate(roles) if not need.role or role == need.role]
    if need.node is None:
        return len(members)
    listed = [values[need.node][k] for k in members]
    known = [value for value in listed if value is not None]
    match need.operation:
        case "sum":
            return sum(known)
        case "any":
            return any(known)
        case "all":
            return all(known)
        case "smallest":
            return min(known, default=None)
    return max(known, default=None)


def _law_line(use: Use) -> Text:
    label, content = EVIDENCE_TITLES[use.value.evidence], use.value.content
    return Text(
        f"  参数：{use.name} = {content}（自 {use.value.start}；{label.zh}；{use.value.source}）",
        f"  parameter: {use.name} = {content} (from {use.value.start}; {label.en}; {use.value.source})",
    )


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that changed, and by how much it moved the result, in kept units."""

    what: Text
    effect: int


@dataclass(frozen=True, slots=True)
class Change:
    """A result before and after; the effects of the causes add up to the difference."""

    before: int
    after: int
    causes: tuple[Cause, ...]


def explain_change(
    before: Plan,
    before_population: Population,
    after: Plan,
    after_population: Population,
    household_id: Any,
    output: str,
) -> Change:
    """Say why a household's amount is not what it was the month before.

    Parameters
    ----------
    before, after : Plan
        For two months, with their parameters; ``output`` is a whole number of a household in both.

    Returns
    -------
    Change
        First what law and time did with the old facts, then who came and left, then each fact that
        changed, in the order of its name; each effect is measured with all earlier ones in place.
    """
    old, new = _only(before_population, household_id), _only(after_population, household_id)
    start = _result(before, old, output)
    shifted = _shift(old, new, before.period, after.period)
    now = _result_of(after, shifted, output)
    causes = [Cause(_law_change(before, after), now - start)]
    if old.person_ids.to_pylist() != new.person_ids.to_pylist():
        joined = _result_of(after, new, output)
        came = set(new.person_ids.to_pylist()) - set(old.person_ids.to_pylist())
        left = set(old.person_ids.to_pylist()) - set(new.person_ids.to_pylist())
        zh, en = f"成员变动：来 {sorted(came)}，去 {sorted(left)}", f"members: came {sorted(came)}, left {sorted(left)}"
        causes.append(Cause(Text(zh, en), joined - now))
        now = joined
    else:
        for node, values in _different(shifted, new):
            shifted = shifted.put(node, values)
            then = _result_of(after, shifted, output)
            title = after.book.get(node.variable).title
            causes.append(Cause(Text(f"{title.zh}有变（{node.key}）", f"{title.en} changed ({node.key})"), then - now))
            now = then
    final = _result(after, new, output)
    return Change(start, final, tuple(c for c in causes if c.effect))


def _result(plan: Plan, one: Population, output: str) -> int:
    return int(evaluate(plan, one).households.column(output).to_pylist()[0])


def _result_of(plan: Plan, one: Population, output: str) -> int:
    return _result(make_plan(plan.book, plan.parameters, plan.period, [output], one.given), one, output)


def _shift(old: Population, new: Population, before: Period, after: Period) -> Population:
    """The old facts as if they were of the new month.

    What was said of the old month is said of the new one; what carries a date of its own keeps it; a fact
    of which nothing was known before comes in as it is now.
    """
    count = (after.start.year - before.start.year) * 12 + after.start.month - before.start.month
    tables = []
    for ours, theirs in ((old.persons, new.persons), (old.households, new.households)):
        columns = {}
        for name in theirs.column_names:
            word, _, when = name.partition("@")
            period = Period.find(when) if when else None
            is_month = period is not None and period.kind == "month"
            then = f"{word}@{month_after(period, -count).text}" if is_month and period else name
            kept = [key for key in (name, then) if key in ours.column_names]
            if kept or len(ours) == len(theirs):
                columns[name] = ours.column(kept[0]) if kept else theirs.column(name)
        tables.append(pa.table(columns))
    return Population(
        new.book, after, tables[0], tables[1], old.person_ids, old.household_ids, old.household_of, old.role_of
    )


def _different(old: Population, new: Population) -> Iterator[tuple[Node, Any]]:
    for node in sorted(new.given, key=lambda n: n.key):
        for ours, theirs in ((old.persons, new.persons), (old.households, new.households)):
            if node.key in theirs.column_names:
                values = theirs.column(node.key)
                if node.key not in ours.column_names or ours.column(node.key).to_pylist() != values.to_pylist():
                    yield node, values


def _law_change(before: Plan, after: Plan) -> Text:
    """Which parameters and clauses are not the same."""
    old = {use.name: use.value.content for use in before.uses}
    new = {use.name: use.value.content for use in after.uses}
    zh = [f"{name} {old[name]} → {new[name]}" for name in new if name in old and old[name] != new[name]]
    formulas = {step.formula.variable: step.formula.name for step in before.steps if step.formula}
    zh += [
        s.formula.name
        for s in after.steps
        if s.formula and formulas.get(s.formula.variable, s.formula.name) != s.formula.name
    ]
    words = "；".join(zh)
    return Text(f"标准与条款：{words or '无；只是时间推移'}", f"law: {words or 'none, only time has passed'}")
