"""Running a program over a population in blocks of households, on several cores.

Nothing is copied but the answers: a block works out every operation over its rows as arrays, or over those rows for which
it is needed, and writes its part of each output.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from yucun.kernel.rules.bounds import bound
from yucun.kernel.rules.code import Code
from yucun.kernel.rules.guards import Guards, add_guards
from yucun.kernel.rules.population import Population
from yucun.kernel.rules.program import Program
from yucun.kernel.rules.rows import PERSONS, Block, Rows
from yucun.kernel.rules.subject import Node

LARGE = 1 << 18
LOOKED_AT = 1 << 12
KEPT = 31 << 20  # bytes; the allocator goes no further than 32 MiB


@dataclass(slots=True)
class Answer:
    """One output as it is put together: where a block leaves it, and the rows of all blocks; no mask where all is known."""

    node: Node
    entity: str
    value: int
    known: int
    values: Any
    mask: Any

    @classmethod
    def of(cls, node: Node, places: tuple[int, int], code: Code, population: Population) -> Answer:
        """Room for the rows of an output."""
        variable = population.book.get(node.variable)
        count = (population.persons if variable.entity == "person" else population.households).num_rows
        kind = {"boolean": bool, "date": np.int32}.get(variable.kind, np.int64)
        is_known = code.first[places[1]] is not None and bool(code.first[places[1]])
        mask = None if is_known else np.empty(count, bool)
        return cls(node, variable.entity, *places, np.empty(count, kind), mask)

    def take(self, block: Block, registers: list[Any]) -> None:
        """Write a block's part."""
        part = block.rows(self.entity)
        self.values[part] = registers[self.value]
        if self.mask is not None:
            self.mask[part] = registers[self.known]


def run_blocks(program: Program, rows: Rows, threads: int) -> dict[Node, Any]:
    """The outputs of a program as Arrow arrays, in the order of the population.

    Raises
    ------
    OverflowError
        A value may leave 64 bits.
    NotImplementedError
        The population holds what operations are not written for.
    """
    rows.look(program.given(), threads)
    code = write_code(program, rows)
    answers = [Answer.of(node, places, code, rows.population) for node, places in code.outputs]
    waiting = iter(rows.blocks())

    def work(_: int) -> None:
        with np.errstate(all="ignore"):  # under a blank lies anything, and what is made of it is thrown away
            for first, end in waiting:
                block = rows.block(first, end)
                registers = code.run(block)
                for answer in answers:
                    answer.take(block, registers)

    if threads > 1 and len(rows.population.household_of) > PERSONS:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    else:
        work(0)
    return {answer.node: _arrow(rows, answer) for answer in answers}


def write_code(program: Program, rows: Rows) -> Code:
    """The steps for a population; where it is large, guarded by what holds for few of those that were looked at."""
    bounded = bound(program, rows)
    if len(rows.population.household_of) < LARGE:
        return Code(bounded, rows, Guards(bounded, {}, {}))
    _keep_memory()
    bounded, guards = add_guards(bounded)
    made = bounded.ops
    conditions = [n for n in (*bounded.needed(), *guards.values()) if made.all[n].is_truth and made.value(n) is None]
    open_ = Code(bounded, rows, Guards(bounded, guards, {}), dict.fromkeys(conditions))
    return Code(bounded, rows, Guards(bounded, guards, _shares(open_, rows)))


def _keep_memory() -> None:
    """Let what a block frees be at hand for the next one, instead of going back to the system and coming anew page by page.

    The allocator of Linux keeps pieces as large as the largest that it was ever given back; this one is never touched.
    """
    np.empty(KEPT, np.uint8)


def _shares(code: Code, rows: Rows) -> dict[int, float]:
    """In which share of some rows in the middle each condition holds."""
    first = rows.population.households.num_rows // 2
    block = rows.block(first, min(first + LOOKED_AT, rows.population.households.num_rows))
    with np.errstate(all="ignore"):
        registers = code.run(block)
    return {n: np.count_nonzero(registers[r]) / max(len(registers[r]), 1) for n, r in code.conditions.items()}


def _arrow(rows: Rows, answer: Answer) -> Any:
    variable, values, known = rows.population.book.get(answer.node.variable), answer.values, answer.mask
    if variable.entity == "person" and rows.order is not None:
        back = np.empty_like(rows.order)
        back[rows.order] = np.arange(len(back))
        values, known = values[back], None if known is None else known[back]
    if known is not None:
        array = pa.array(values, mask=~known)
    elif variable.kind == "boolean":
        array = pa.array(values)
    else:
        array = pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])
    return array.view(pa.date32()) if variable.kind == "date" else array
