"""What if: another parameter set or another version of a formula over the whole population, before anyone decides.

Cost, winners and losers, by place and group; and along income for one household: what is left of each
further yuan, and every cliff by the name of its clause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from yucun.base.quantity import Rounding, divide
from yucun.base.text import Text
from yucun.kernel.rules.evaluate import Evaluation
from yucun.kernel.rules.model import Formula
from yucun.kernel.rules.population import Population
from yucun.kernel.rules.subject import Node


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to a set of households; sums in the output's kept unit.

    Parameters
    ----------
    winners, losers, same : int
        Households whose amount rises, falls, stays.
    """

    group: tuple[Any, ...]
    households: int
    before: int
    after: int
    winners: int
    losers: int
    same: int

    @property
    def cost(self) -> int:
        """What the change costs; below zero it saves."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The effect on all, and for each group."""

    output: str
    all: Effect
    groups: Mapping[str, tuple[Effect, ...]]
    note: Text


def compare(
    before: Evaluation,
    after: Evaluation,
    population: Population,
    output: str,
    groups: Mapping[str, Any] | None = None,
) -> WhatIf:
    """Evaluate a population under two laws and say who gains, who loses and what it costs.

    Parameters
    ----------
    before, after : Evaluation
        Plans with ``output``, a whole number of a household, among their outputs.
    groups : mapping of str to columns
        For each name (place, class, size) the group of every household, in the population's order.
    """
    first, second = before.run(population), after.run(population)
    old, new = first.of(output).astype(np.int64), second.of(output).astype(np.int64)
    found: dict[str, tuple[Effect, ...]] = {}
    for name, column in (groups or {}).items():
        words, codes = _codes(column)
        found[name] = tuple(sorted(weigh(old, new, codes, words), key=lambda e: str(e.group)))
    return WhatIf(output, weigh(old, new)[0], found, second.note if second.note.zh else first.note)


def weigh(old: Any, new: Any, codes: Any = None, words: Sequence[Any] = ("",)) -> list[Effect]:
    """Say who gains and loses between two columns of amounts that were worked out already.

    Parameters
    ----------
    old, new : NumPy arrays of int64
        An amount for each household before and after.
    codes : NumPy array of whole numbers or None
        For each household the place of its group in ``words``; None puts all in one.

    Examples
    --------
    >>> effect = weigh(np.array([5, 0, 7]), np.array([6, 0, 3]))[0]
    >>> effect.cost, effect.winners, effect.losers, effect.same
    (-3, 1, 1, 1)
    """
    return _effects(old, new, np.zeros(len(old), np.int64) if codes is None else codes, words)


def _codes(column: Any) -> tuple[list[Any], Any]:
    """The groups, and for each household the number of its own; households without one are a group too."""
    encoded = column if isinstance(column, pa.DictionaryArray) else pa.array(column).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words, codes = encoded.dictionary.to_pylist(), encoded.indices
    if codes.null_count:
        codes = codes.cast(pa.int64()).fill_null(len(words))
        words.append(None)
    return words, codes.to_numpy()


def _effects(old: Any, new: Any, codes: Any, words: Sequence[Any]) -> list[Effect]:
    """One effect a group: households sorted by group once, each sum a difference of running sums."""
    narrow = codes.astype(np.uint16 if len(words) < 1 << 16 else np.int64)  # NumPy sorts the narrow ones by digits
    order = np.argsort(narrow, kind="stable") if len(words) > 1 else slice(None)
    ends = np.cumsum(np.bincount(codes, minlength=len(words)))

    def add(values: Any) -> Any:
        running = np.concatenate((np.zeros(1, np.int64), np.cumsum(values[order], dtype=np.int64)))
        return np.diff(running[ends], prepend=0)

    columns = [np.diff(ends, prepend=0), add(old), add(new), add(new > old), add(new < old), add(new == old)]
    return [Effect((word,), *(int(column[k]) for column in columns)) for k, word in enumerate(words)]


@dataclass(frozen=True, slots=True)
class Cliff:
    """A point at which more income leaves less: where, how much is lost, and the outputs and clauses that fall."""

    below: int
    above: int
    loss: int
    causes: tuple[tuple[str, int, Text], ...]

    def to_text(self) -> Text:
        """The cliff in words, in kept units."""
        zh = "；".join(f"{name} 减少 {lost}（{clause.zh}）" for name, lost, clause in self.causes)
        en = "; ".join(f"{name} falls by {lost} ({clause.en})" for name, lost, clause in self.causes)
        return Text(
            f"收入由 {self.below} 增至 {self.above}，手中反而减少 {self.loss}：{zh}",
            f"income rises from {self.below} to {self.above} and {self.loss} less is left: {en}",
        )


@dataclass(frozen=True, slots=True)
class Slope:
    """What is left along income: one entry for each step.

    Parameters
    ----------
    income, left : tuple of int
        Income, and income with all outputs added, in kept units.
    taken_bp : tuple of int
        Of each further yuan, how much is taken, in bp; one fewer than ``income``; above 10,000 on a cliff.
    """

    income: tuple[int, ...]
    left: tuple[int, ...]
    taken_bp: tuple[int, ...]
    cliffs: tuple[Cliff, ...]


def along_income(
    evaluation: Evaluation,
    household: Population,
    income: Node,
    steps: Sequence[int],
    outputs: Sequence[str],
    months: int = 1,
) -> Slope:
    """Follow one household along its income.

    Parameters
    ----------
    household : Population
        Exactly one household.
    income : Node
        A whole number of the household, or of a person, whose first member then earns it.
    steps : sequence of int
        Rising incomes in kept units.
    outputs : sequence of str
        Amounts of the household that are paid out; taxes are outputs below zero.
    months : int
        For how many months ``income`` stands; what is paid monthly is counted as often.
    """
    many = _repeat(household, len(steps))
    entity = household.book.get(income.variable).entity
    if entity == "person":
        values = np.tile(_of_one(household, income), len(steps))
        values[:: household.persons.num_rows] = steps
    else:
        values = np.asarray(steps, np.int64)
    outcome = evaluation.run(many.put(income, values))
    paid = {name: outcome.of(name).astype(np.int64) * months for name in outputs}
    money = np.asarray(steps, np.int64)
    left = money + sum(paid.values())
    taken, cliffs = [], []
    for k in range(len(steps) - 1):
        more, kept = int(money[k + 1] - money[k]), int(left[k + 1] - left[k])
        taken.append(divide((more - kept) * 10_000, more, Rounding.HALF_UP))
        if kept < 0:
            fell = [(n, int(p[k] - p[k + 1])) for n, p in paid.items() if p[k + 1] < p[k]]
            causes = tuple((name, lost, _clause(evaluation, name)) for name, lost in fell)
            cliffs.append(Cliff(int(money[k]), int(money[k + 1]), -kept, causes))
    return Slope(tuple(int(m) for m in money), tuple(int(v) for v in left), tuple(taken), tuple(cliffs))


def _of_one(household: Population, node: Node) -> Any:
    if node.key in household.persons.column_names:
        return household.persons.column(node.key).to_numpy()
    return np.zeros(household.persons.num_rows, np.int64)


def _repeat(one: Population, times: int) -> Population:
    persons = one.persons.num_rows
    return Population(
        one.book,
        one.period,
        pa.concat_tables([one.persons] * times),
        pa.concat_tables([one.households] * times),
        pa.array(np.arange(persons * times)),
        pa.array(np.arange(times)),
        np.repeat(np.arange(times), persons),
        np.tile(one.role_of, times),
    )


def _clause(evaluation: Evaluation, output: str) -> Text:
    formula: Formula | None = next((s.formula for s in evaluation.plan.steps if s.node.variable == output), None)
    return formula.clause if formula else Text("", "")
