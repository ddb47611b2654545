"""Evaluating a plan over a population, set-wise: a plan is written as SQL once and run as often as one likes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb
import ibis
import numpy as np
import pyarrow as pa

from yucun.base.errors import Finding, RuleError
from yucun.base.text import Text
from yucun.kernel.rules.blocks import run_blocks
from yucun.kernel.rules.layout import ROW, Flat, given_of, make_seats, outputs_of, seat
from yucun.kernel.rules.model import rule_finding
from yucun.kernel.rules.order import Plan
from yucun.kernel.rules.population import Population, Seats
from yucun.kernel.rules.program import Program, make_program
from yucun.kernel.rules.rows import Rows
from yucun.kernel.rules.subject import Node

Layout = Literal["blocks", "seats", "flat"]
MOST_SEATS = 6
SIMULATION_ONLY = Text("含未核实参数，仅供模拟", "holds unverified parameters: simulation only")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation gives: a row for each person and household, in the order in which they were given.

    Parameters
    ----------
    persons, households : pyarrow.Table
        ``person_id`` or ``household_id``, then one column for each output, named by its variable, or by
        its node key where it is of another period.
    note : Text
        Empty, or that the figures are for simulation only; a screen shows it beside every one of them.
    """

    persons: pa.Table
    households: pa.Table
    note: Text

    def of(self, name: str) -> Any:
        """The column of an output as a NumPy array."""
        table = self.persons if name in self.persons.column_names else self.households
        return table.column(name).to_numpy()


@dataclass(slots=True)
class Evaluation:
    """A plan made ready to run; its SQL is kept for each household size.

    Examples
    --------
    See `yucun.kernel.rules`.
    """

    plan: Plan
    threads: int = 2
    memory: str = "2GB"
    program: Program | None = None
    _is_written: bool = False
    _queries: dict[int, str] = field(default_factory=dict)
    _connection: Any = None

    def prepare(self) -> bool:
        """Write the plan's program once; False when blocks are no way for it and DuckDB evaluates it instead."""
        if not self._is_written:
            self._is_written = True
            with contextlib.suppress(NotImplementedError):
                self.program = make_program(self.plan)
        return self.program is not None

    def run(self, population: Population, layout: Layout = "blocks") -> Outcome:
        """Evaluate; all layouts give the same, `blocks` soonest.

        Where a formula does what blocks cannot, or a number may leave 64 bits, DuckDB evaluates in seats.

        Raises
        ------
        RuleError
            A formula gave a blank where its variable must have a value, or a number beyond 64 bits.
        """
        people, homes = _Answers(population, "person"), _Answers(population, "household")
        if layout == "blocks" and self._run_blocks(population, people, homes):
            return self._outcome(population, people, homes)
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config={"threads": self.threads, "memory_limit": self.memory})
        if layout != "flat":
            for seats in population.sizes(MOST_SEATS):
                self._run_seats(population, seats, people, homes)
            rest = population.others(MOST_SEATS)
            if len(rest):
                self._run_flat(population.only(rest), people, homes, np.isin(population.household_of, rest), rest)
        else:
            self._run_flat(population, people, homes, None, None)
        return self._outcome(population, people, homes)

    def _outcome(self, population: Population, people: _Answers, homes: _Answers) -> Outcome:
        note = SIMULATION_ONLY if self.plan.parameters.is_simulation_only else Text("", "")
        return Outcome(
            self._table(people, "person", population.person_ids),
            self._table(homes, "household", population.household_ids),
            note,
        )

    def _run_blocks(self, population: Population, people: _Answers, homes: _Answers) -> bool:
        """Whether blocks could do it; then the answers hold every output."""
        if not self.prepare() or not population.persons.num_rows or not population.households.num_rows:
            return False
        assert self.program is not None
        if "rows" not in population.kept:
            population.kept["rows"] = Rows.of(population)
        try:
            found = run_blocks(self.program, population.kept["rows"], self.threads)
        except (NotImplementedError, OverflowError):
            return False
        for node in self.plan.outputs:
            answers = people if self.plan.book.get(node.variable).entity == "person" else homes
            answers.put(node, found[node] if node in found else population.given_column(node), None)
        return True

    def compile(self, size: int) -> str:
        """The SQL for households of one size."""
        if size not in self._queries:
            self._queries[size] = write_sql(make_seats(self.plan, size))
        return self._queries[size]

    def _run_seats(self, population: Population, seats: Seats, people: _Answers, homes: _Answers) -> None:
        keys = [[key for key, _ in given_of(self.plan, entity)] for entity in ("person", "household")]
        table = population.in_seats(seats, keys[0], keys[1])
        answer = ask(self._connection, self.plan.book.name, self.compile(seats.size), seats=table)
        for node in outputs_of(self.plan, "household"):
            homes.put(node, answer.column(node.key), seats.households)
        for node in outputs_of(self.plan, "person"):
            columns = [answer.column(seat(node.key, k)) for k in range(seats.size)]
            people.put_seats(node, columns, seats)

    def _run_flat(self, population: Population, people: _Answers, homes: _Answers, mine: Any, rows: Any) -> None:
        persons, households = population.flat_tables()
        if not self._queries.get(-1):
            flat = Flat(self.plan)
            self._queries[-1], self._queries[-2] = write_sql(flat.persons), write_sql(flat.households)
        for query, answers, places in (
            (self._queries[-1], people, None if mine is None else np.flatnonzero(mine)),
            (self._queries[-2], homes, rows),
        ):
            nodes = outputs_of(self.plan, answers.entity)
            if not nodes:
                continue
            answer = ask(self._connection, self.plan.book.name, query, persons=persons, households=households)
            order = np.argsort(answer.column(ROW).to_numpy())
            for node in nodes:
                answers.put(node, answer.column(node.key).take(pa.array(order)), places)

    def _table(self, answers: _Answers, entity: Any, ids: Any) -> pa.Table:
        columns: dict[str, Any] = {f"{entity}_id": ids}
        findings: list[Finding] = []
        for node in outputs_of(self.plan, entity):
            name = node.variable if not _is_repeated(self.plan, node) else node.key
            column = answers.get(node)
            variable = self.plan.book.get(node.variable)
            if column.null_count and not variable.may_be_blank:
                findings.append(
                    rule_finding(
                        "rules.blank",
                        node.key,
                        f"{column.null_count} blanks",
                        "a value in every row",
                        f"「{variable.title.zh}」有 {column.null_count} 处算不出值（代码未列明或缺数据）",
                        f"'{variable.title.en}' has no value in {column.null_count} rows (a code not listed, or data missing)",
                    )
                )
            columns[name] = column
        if findings:
            raise RuleError(findings)
        return pa.table(columns)


def _is_repeated(plan: Plan, node: Node) -> bool:
    return sum(other.variable == node.variable for other in plan.outputs) > 1


class _Answers:
    """Columns of one entity, put together from parts."""

    def __init__(self, population: Population, entity: Any) -> None:
        self.entity = entity
        self._rows = (population.persons if entity == "person" else population.households).num_rows
        self._parts: dict[Node, list[tuple[Any, Any]]] = {}

    def put(self, node: Node, column: Any, places: Any) -> None:
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        self._parts.setdefault(node, []).append((whole, places))

    def put_seats(self, node: Node, columns: list[Any], seats: Seats) -> None:
        for k, column in enumerate(columns):
            places = np.arange(k, self._rows, seats.size) if seats.members is None else seats.members[:, k]
            self.put(node, column, places)

    def get(self, node: Node) -> Any:
        parts = self._parts.get(node, [])
        if len(parts) == 1 and parts[0][1] is None:
            return parts[0][0]
        if not parts:
            return pa.nulls(self._rows)
        values = pa.concat_arrays([part for part, _ in parts])
        places = np.concatenate([place for _, place in parts])
        back = np.empty(self._rows, np.int64)
        back[places] = np.arange(len(places))
        return values.take(pa.array(back))


def ask(connection: duckdb.DuckDBPyConnection, book: str, query: str, **tables: pa.Table) -> pa.Table:
    """Run a query of a rule book over tables that it names.

    Raises
    ------
    RuleError
        Where a number leaves 64 bits.
    """
    for name, table in tables.items():
        connection.register(name, table)
    try:
        answer: pa.Table = connection.execute(query).to_arrow_table()
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise RuleError(
            rule_finding(
                "rules.overflow",
                book,
                error,
                "numbers within 64 bits",
                f"数值过大：{error}",
                f"a number is too large: {error}",
            )
        ) from error
    finally:
        for name in tables:
            connection.unregister(name)
    return answer


def evaluate(plan: Plan, population: Population, layout: Layout = "blocks") -> Outcome:
    """Evaluate a plan once; keep an `Evaluation` to run it again without writing its SQL anew."""
    return Evaluation(plan).run(population, layout)


def write_sql(expression: Any, dialect: Literal["duckdb", "pyspark"] = "duckdb") -> str:
    """An expression as SQL of DuckDB or Spark; the exact quotient has its own name in each."""
    sql = str(ibis.to_sql(expression, dialect=dialect, pretty=False))
    return sql if dialect == "duckdb" else sql.replace("DIVIDE(", "DIV(").replace("divide(", "div(")


def spark_sql(plan: Plan) -> tuple[str, str]:
    """The flat layout of a plan as two queries of Spark over tables ``persons`` and ``households``."""
    flat = Flat(plan)
    return write_sql(flat.persons, "pyspark"), write_sql(flat.households, "pyspark")
