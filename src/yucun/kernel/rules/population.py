"""Persons and households in columns, from Arrow, pandas or Polars; each person is in one household, in one role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import Finding, RuleError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules.layout import HOUSEHOLD, ROLE, ROW, seat
from yucun.kernel.rules.model import RuleBook, Variable, rule_finding
from yucun.kernel.rules.order import default_node
from yucun.kernel.rules.subject import Node

BATCH = 1 << 17
_ARROW: dict[str, pa.DataType] = {
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "code": pa.string(),
    "text": pa.string(),
    "measure": pa.float64(),
}


@dataclass(frozen=True, slots=True)
class Seats:
    """Households of one size: where they and their members stand, a row each; None where all are of it, in order."""

    size: int
    households: Any
    members: Any


@dataclass(frozen=True, slots=True)
class Population:
    """Checked columns under their node keys, and who belongs to whom.

    Parameters
    ----------
    persons, households : pyarrow.Table
        One column for every node that is given, named by its key.
    person_ids, household_ids : pyarrow.Array
        As they came.
    household_of, role_of : numpy array
        For each person the row of the household and the code of the role.
    kept : dict
        What an evaluation has found out about the columns, so that the next one need not look again.
    """

    book: RuleBook
    period: Period
    persons: pa.Table
    households: pa.Table
    person_ids: Any
    household_ids: Any
    household_of: Any
    role_of: Any
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        book: RuleBook,
        period: Period,
        persons: Any,
        households: Any = None,
        *,
        person_id: str = "person_id",
        household_id: str = "household_id",
        role: str = "role",
    ) -> Population:
        """Take persons and households as they are kept elsewhere.

        Parameters
        ----------
        period : Period
            What columns without a period in their name are about: ``salary_fen`` is that month's,
            ``salary_fen@2022-02`` says its own.
        persons, households : Arrow table, pandas or Polars frame, or mapping of columns
            ``persons`` holds ``household_id``; without ``role`` everybody has the first role. Without
            ``households`` there is one for every id that persons name.

        Raises
        ------
        RuleError
            Unknown columns or roles, a person twice, a household that is not there, blanks, wrong types;
            all findings together.
        """
        ps = to_arrow(persons)
        if household_id not in ps.column_names:
            raise RuleError(
                _finding(
                    "rules.column",
                    household_id,
                    "a column of persons",
                    "每个人都要写明所属家庭",
                    "each person names a household",
                )
            )
        named = ps.column(household_id)
        hs = to_arrow(households) if households is not None else pa.table({household_id: pc.unique(named)})
        if household_id not in hs.column_names:
            raise RuleError(
                _finding(
                    "rules.column", household_id, "a column of households", "每户都要有编号", "each household has an id"
                )
            )
        findings: list[Finding] = []
        rows = _rows_of(named, hs.column(household_id), findings)
        roles = _roles_of(book, ps, role, findings)
        ids = ps.column(person_id) if person_id in ps.column_names else pa.chunked_array([np.arange(ps.num_rows)])
        if person_id in ps.column_names:
            _check_once(ids, person_id, findings)
        _check_once(hs.column(household_id), household_id, findings)
        people = _columns_of(book, period, ps, "person", {person_id, household_id, role}, findings)
        homes = _columns_of(book, period, hs, "household", {household_id}, findings)
        if findings:
            raise RuleError(findings)
        _check_most(book, rows, roles, hs.num_rows)
        return cls(book, period, people, homes, ids, hs.column(household_id), rows, roles)

    @property
    def given(self) -> tuple[Node, ...]:
        """The nodes for which there is a column."""
        names = [*self.persons.column_names, *self.households.column_names]
        return tuple(node for name in names if (node := read_node(self.book, self.period, name)) is not None)

    @property
    def is_in_order(self) -> bool:
        """True when persons stand household by household, in the order of the households."""
        return bool((self.household_of[1:] >= self.household_of[:-1]).all())

    def given_column(self, node: Node) -> Any:
        """The column of a given node as one array, words written out."""
        is_person = self.book.get(node.variable).entity == "person"
        column = _one_array((self.persons if is_person else self.households).column(node.key))
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column

    def sizes(self, most: int) -> Iterator[Seats]:
        """Yield the households size by size; those with more than ``most`` members, or none, are left out."""
        rows = self.household_of
        counts = np.bincount(rows, minlength=self.households.num_rows)
        order = None if self.is_in_order else np.argsort(rows, kind="stable")
        starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        for size in range(1, most + 1):
            chosen = np.flatnonzero(counts == size)
            if len(chosen) == 0:
                continue
            if len(chosen) == len(counts) and order is None:
                yield Seats(size, None, None)
                continue
            places = starts[chosen][:, None] + np.arange(size)
            yield Seats(size, chosen, places if order is None else order[places])

    def others(self, most: int) -> Any:
        """The rows of households that `sizes` leaves out."""
        counts = np.bincount(self.household_of, minlength=self.households.num_rows)
        return np.flatnonzero((counts > most) | (counts == 0))

    def in_seats(self, seats: Seats, person_keys: list[str], household_keys: list[str]) -> pa.Table:
        """The table ``seats``: a row for each household, a column for each seat; cut so that cores can share it."""
        columns: dict[str, Any] = {}
        for key, column in [(ROLE, self.role_of), *((k, self.persons.column(k)) for k in person_keys)]:
            parts = _split(column, seats)
            columns |= {seat(key, k): part for k, part in enumerate(parts)}
        for key in household_keys:
            column = self.households.column(key)
            columns[key] = column if seats.households is None else column.take(pa.array(seats.households))
        table = pa.table(columns).combine_chunks()
        return pa.Table.from_batches(table.to_batches(max_chunksize=BATCH), table.schema)

    def flat_tables(self) -> tuple[pa.Table, pa.Table]:
        """The tables ``persons`` and ``households`` of the flat layout."""
        people = self.persons
        for name, values in ((ROLE, self.role_of), (HOUSEHOLD, self.household_of), (ROW, np.arange(people.num_rows))):
            people = people.add_column(0, name, pa.array(values))
        homes = self.households.add_column(0, ROW, pa.array(np.arange(self.households.num_rows)))
        return people, homes

    def only(self, households: Any) -> Population:
        """The population of a few households, by their rows, and the persons in them."""
        rows = np.asarray(households)
        new = np.full(self.households.num_rows, -1)
        new[rows] = np.arange(len(rows))
        people = np.flatnonzero(new[self.household_of] >= 0)
        return Population(
            self.book,
            self.period,
            self.persons.take(pa.array(people)),
            self.households.take(pa.array(rows)),
            self.person_ids.take(pa.array(people)),
            self.household_ids.take(pa.array(rows)),
            new[self.household_of[people]],
            self.role_of[people],
        )

    def in_rows(self, people: Any) -> Population:
        """The same households with their persons in another order, by rows; the ids stay as they were."""
        return Population(
            self.book,
            self.period,
            self.persons.take(pa.array(people)),
            self.households,
            self.person_ids,
            self.household_ids,
            self.household_of[people],
            self.role_of[people],
        )

    def put(self, node: Node, values: Any) -> Population:
        """Return a population in which a node has these values, one for each row of its entity."""
        variable = self.book.get(node.variable)
        table = self.persons if variable.entity == "person" else self.households
        column = pa.chunked_array([_typed(values, variable)])
        if node.key in table.column_names:
            table = table.set_column(table.column_names.index(node.key), node.key, column)
        else:
            table = table.append_column(node.key, column)
        people, homes = (table, self.households) if variable.entity == "person" else (self.persons, table)
        return Population(
            self.book, self.period, people, homes, self.person_ids, self.household_ids, self.household_of, self.role_of
        )


def to_arrow(frame: Any) -> pa.Table:
    """An Arrow table from Arrow, pandas, Polars, or a mapping of columns."""
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, Mapping):
        return pa.table({name: _plain_array(column) for name, column in frame.items()})
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    raise TypeError(
        f"{type(frame).__name__} is not a table; give an Arrow table, a pandas or Polars frame or a mapping"
    )


def _plain_array(column: Any) -> Any:
    """NumPy without a detour through another library, which pyarrow would load for it."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        days = column.astype("datetime64[D]", copy=False).view(np.int64).astype(np.int32)
        return pa.Array.from_buffers(pa.date32(), len(days), [None, pa.py_buffer(days)])
    if isinstance(column, np.ndarray) and column.dtype == bool and column.ndim == 1:
        packed = np.packbits(column, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(column), [None, pa.py_buffer(packed)])
    return column


def read_node(book: RuleBook, period: Period, name: str) -> Node | None:
    """The node that a column's name says; None when it names no variable."""
    word, _, when = name.partition("@")
    if word not in book.variables:
        return None
    if not when:
        return default_node(book, word, period)
    found = Period.find(when)
    return Node(word, found) if found or when == "once" else None


def _one_array(column: Any) -> Any:
    """A chunked array as one; a single chunk is not copied."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _split(column: Any, seats: Seats) -> list[Any]:
    """One array for each seat."""
    column = _one_array(column)
    is_plain = isinstance(column, np.ndarray) or (column.null_count == 0 and pa.types.is_primitive(column.type))
    is_plain = is_plain and not (isinstance(column, pa.Array) and pa.types.is_boolean(column.type))
    if not is_plain:
        members = seats.members
        if members is None:
            members = np.arange(len(column)).reshape(-1, seats.size)
        return [column.take(pa.array(np.ascontiguousarray(members[:, k]))) for k in range(seats.size)]
    kind = pa.int8() if isinstance(column, np.ndarray) else column.type
    values = column if isinstance(column, np.ndarray) else _values(column)
    if seats.members is None:
        cut = [np.ascontiguousarray(values[k :: seats.size]) for k in range(seats.size)]
    else:
        cut = [values[seats.members[:, k]] for k in range(seats.size)]
    return [pa.Array.from_buffers(kind, len(part), [None, pa.py_buffer(part)]) for part in cut]


def _values(column: pa.Array) -> Any:
    """A primitive Arrow array without blanks as NumPy, without a copy."""
    if pa.types.is_date32(column.type):
        column = column.view(pa.int32())
    return column.to_numpy(zero_copy_only=True)


def _finding(kind: str, found: object, expected: str, zh: str, en: str) -> Finding:
    return rule_finding(kind, "population", found, expected, zh, en)


def _rows_of(named: Any, ids: Any, findings: list[Finding]) -> Any:
    """For each person the row of the household; quick paths where ids are consecutive or stand in the same order."""
    named, ids = _one_array(named), _one_array(ids)
    is_plain = named.type == ids.type == pa.int64() and not named.null_count and not ids.null_count
    if is_plain and len(named) and len(ids):
        rows, known = named.to_numpy(), ids.to_numpy()
        is_run = known[-1] - known[0] == len(known) - 1 and bool((known[1:] > known[:-1]).all())
        if is_run and known[0] <= rows.min() and rows.max() <= known[-1]:
            return rows - known[0] if known[0] else rows
    if pa.types.is_integer(named.type) and named.null_count == 0 and len(named) and len(ids):
        values = named.to_numpy()
        is_new = np.concatenate(([False], values[1:] != values[:-1]))
        if np.array_equal(values[np.flatnonzero(np.concatenate(([True], is_new[1:])))], ids.to_numpy()):
            return np.cumsum(is_new)
    rows = pc.index_in(named.cast(ids.type), value_set=ids)
    if rows.null_count:
        who = pc.filter(named, pc.is_null(rows))
        findings.append(
            _finding(
                "rules.household",
                who[0].as_py(),
                "an id of the table of households",
                f"有 {rows.null_count} 人的家庭编号不在家庭表中，例如「{who[0].as_py()}」；请补上该户或更正编号",
                f"{rows.null_count} persons name a household that is not there, such as '{who[0].as_py()}'; add it or correct the id",
            )
        )
        return np.zeros(len(named), np.int64)
    return rows.to_numpy().astype(np.int64)


def _roles_of(book: RuleBook, persons: pa.Table, role: str, findings: list[Finding]) -> Any:
    if role not in persons.column_names:
        return np.zeros(persons.num_rows, np.int8)
    column = _one_array(persons.column(role))
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    names = [r for each in book.roles for r in (each.name, each.plural)]
    words = column.dictionary.to_pylist()
    strange = [w for w in words if w not in names]
    if strange or column.null_count:
        known = ", ".join(r.name for r in book.roles)
        findings.append(
            _finding(
                "rules.unknown_role",
                strange or "blank",
                known,
                f"成员身份不明：{strange or '空白'}；可写：{known}",
                f"role {strange or 'blank'} is not known; write one of: {known}",
            )
        )
        return np.zeros(persons.num_rows, np.int8)
    codes = np.array([book.get_role(w) for w in words] or [0], np.int8)
    found = column.indices.to_numpy()
    is_same = found.dtype == np.int8 and np.array_equal(codes, np.arange(len(codes)))
    return found if is_same else codes[found]  # numbered as the roles are: nothing to copy


def _check_once(ids: Any, name: str, findings: list[Finding]) -> None:
    column = _one_array(ids)
    if column.null_count == 0 and pa.types.is_integer(column.type):
        values = column.to_numpy()
        if len(values) < 2 or (values[1:] > values[:-1]).all():
            return
    if column.null_count or pc.count_distinct(column).as_py() < len(column):
        counted = pc.value_counts(column)
        twice = next((c["values"].as_py() for c in counted if c["counts"].as_py() > 1), None)
        findings.append(
            _finding(
                "rules.twice",
                twice,
                "each id once",
                f"{name} 有空白或重复，例如「{twice}」；同一个人只能在一户，请更正",
                f"{name} is blank or stands twice, such as '{twice}'; a person is in one household, correct it",
            )
        )


def _check_most(book: RuleBook, rows: Any, roles: Any, households: int) -> None:
    for code, role in enumerate(book.roles):
        if role.most is not None and not _is_once(rows, roles, code):
            counts = np.bincount(rows[roles == code], minlength=households)
            if len(counts) and counts.max() > role.most:
                raise RuleError(
                    _finding(
                        "rules.too_many",
                        int(counts.max()),
                        f"at most {role.most}",
                        f"有家庭的「{role.title.zh}」多于 {role.most} 人；请更正成员身份",
                        f"a household has more than {role.most} '{role.name}'; correct the roles",
                    )
                )


def _is_once(rows: Any, roles: Any, code: int) -> bool:
    """Whether persons of a role stand in households that follow each other, so that no household can have two."""
    last = -1
    for first in range(0, len(rows), BATCH):
        part = slice(first, first + BATCH)
        found = rows[part].take(np.flatnonzero(roles[part] == code))
        if len(found):
            if found[0] <= last or not (found[1:] > found[:-1]).all():
                return False
            last = found[-1]
    return True


def _columns_of(
    book: RuleBook, period: Period, table: pa.Table, entity: str, known: set[str], findings: list[Finding]
) -> pa.Table:
    columns: dict[str, Any] = {}
    for name in table.column_names:
        if name in known:
            continue
        node = read_node(book, period, name)
        variable = book.variables[node.variable] if node else None
        if node is None or variable is None or variable.entity != entity:
            findings.append(
                _finding(
                    "rules.column",
                    name,
                    f"a variable of a {entity}",
                    f"「{name}」不是规则「{book.name}」里属于{entity}的变量；请更正列名或删去",
                    f"'{name}' is no variable of a {entity} in rules '{book.name}'; correct the name or leave it out",
                )
            )
            continue
        column = _check_column(variable, name, table.column(name), findings)
        if column is not None:
            columns[node.key] = column
    return pa.table(columns) if columns else _no_columns(table.num_rows)


def _no_columns(rows: int) -> pa.Table:
    return pa.table({"_": pa.nulls(rows, pa.int8())}).select([]) if rows == 0 else _empty_wide(rows)


def _empty_wide(rows: int) -> pa.Table:
    """A table that has rows and one column that no formula names; Arrow forgets rows without columns."""
    return pa.table({"_": pa.array(np.zeros(rows, np.int8))})


def _check_column(variable: Variable, name: str, column: Any, findings: list[Finding]) -> Any:
    try:
        typed = _typed(column, variable)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, TypeError, OverflowError) as error:
        findings.append(
            _finding(
                "rules.type",
                str(error),
                variable.kind,
                f"「{name}」应为{variable.kind}：{error}",
                f"'{name}' should be {variable.kind}: {error}",
            )
        )
        return None
    if typed.null_count and not variable.may_be_blank:
        findings.append(
            _finding(
                "rules.blank",
                typed.null_count,
                "a value in every row",
                f"「{variable.title.zh}」（{name}）有 {typed.null_count} 处空白；未知不得当作零，请补齐",
                f"'{variable.title.en}' ({name}) is blank {typed.null_count} times; the unknown is not zero, fill it in",
            )
        )
    if variable.codes and not set(typed.dictionary.to_pylist()) <= set(variable.codes):  # else no row can be strange
        strange = [c for c in pc.unique(typed).to_pylist() if c is not None and c not in variable.codes]
        if strange:
            findings.append(
                _finding(
                    "rules.code",
                    strange[0],
                    ", ".join(variable.codes),
                    f"「{name}」有未列明的代码 {strange[:3]}",
                    f"'{name}' has codes that are not listed: {strange[:3]}",
                )
            )
    return typed


def _typed(column: Any, variable: Variable) -> Any:
    values = _plain_array(column)
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        values = pa.array(values)
    values = _one_array(values)
    if variable.kind == "code":
        return _coded(values)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    wanted = _ARROW[variable.kind]
    if variable.kind in ("integer", "date") and pa.types.is_boolean(values.type):
        raise TypeError(str(Text.same("true or false where a number or date is wanted").en))
    return values if values.type == wanted else values.cast(wanted)


def _coded(values: pa.Array) -> pa.Array:
    """Words as a dictionary of strings; a word is kept once and each row holds its number."""
    if not pa.types.is_dictionary(values.type):
        return values.cast(pa.string()).dictionary_encode()
    if values.type.value_type == pa.string() and values.dictionary.null_count == 0:
        return values
    return values.dictionary_decode().cast(pa.string()).dictionary_encode()
