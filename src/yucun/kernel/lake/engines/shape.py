"""The shape of an expression: what it says apart from the files and rows it reads, so that its text is made once.

Two expressions of one shape differ only in which files or which rows in memory stand in their slots. The text of a
shape holds a mark for each slot; an engine puts the files or rows of the moment there.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.common.graph import Node
from ibis.expr.schema import Schema

# No text of ours or of a city's holds this word, so that putting something in its place touches nothing else.
_MARK = f"slot_{uuid.uuid4().hex}_"
_MOST_TEXTS = 500
_PLAIN = (str, bytes, int, float, bool, type(None), Decimal, date, datetime, time, dt.DataType, Schema, ops.Namespace)


class LakeFiles(ops.PhysicalTable):  # type: ignore[misc]
    """A table that is a list of Parquet files; no engine is asked when it is made."""

    schema: Schema
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """What stands at one mark: files of the lake, or rows in memory; exactly one of the two."""

    columns: Schema
    paths: tuple[str, ...] = ()
    rows: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """An expression as an engine's text, with a mark for each slot."""

    sql: str
    columns: Schema

    def filled(self, slots: list[str]) -> str:
        """Return the text with each slot's mark replaced; marks are quoted names in either dialect."""
        sql = self.sql
        for number, standing in enumerate(slots):
            sql = sql.replace(f'"{_MARK}{number}"', standing).replace(f"`{_MARK}{number}`", standing)
        return sql


def as_nullable(schema: pa.Schema) -> Schema:
    """Return an Arrow schema as the columns of a table of expressions; any of them may hold nothing."""
    found = Schema.from_pyarrow(schema)
    return Schema({name: kind.copy(nullable=True) for name, kind in found.items()})


def files_table(name: str, paths: tuple[str, ...], schema: pa.Schema) -> ir.Table:
    """Return the rows of some files as a table of expressions."""
    return LakeFiles(name, as_nullable(schema), paths).to_expr()


class Texts:
    """Texts of shapes for one dialect, the most recent of them kept; safe from many threads.

    Parameters
    ----------
    compile_ : callable
        From an expression over unbound tables to its text.
    """

    def __init__(self, compile_: Callable[[ir.Table], str]) -> None:
        self._compile = compile_
        self._kept: OrderedDict[bytes, Text] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, expression: ir.Table) -> tuple[Text, list[Slot]]:
        """Return the text of an expression and what stands in its slots."""
        table = expression.as_table()
        key, places = _walk(table.op())
        slots = [_slot(node) for node in places]
        if key is None:
            return self._make(table, places), slots
        with self._lock:
            text = self._kept.get(key)
            if text is not None:
                self._kept.move_to_end(key)
                return text, slots
        text = self._make(table, places)
        with self._lock:
            self._kept[key] = text
            while len(self._kept) > _MOST_TEXTS:
                self._kept.popitem(last=False)
        return text, slots

    def _make(self, table: ir.Table, places: list[Node]) -> Text:
        numbers = {node: number for number, node in enumerate(places)}

        def put_marks(node: Node, changed: Mapping[str, Any] | None) -> Node:
            if node in numbers:
                return ops.UnboundTable(f"{_MARK}{numbers[node]}", node.schema)
            return node.__recreate__(changed) if changed else node

        marked = table.op().replace(put_marks) if places else table.op()
        return Text(self._compile(marked.to_expr()), table.schema())


def _slot(node: Node) -> Slot:
    if isinstance(node, LakeFiles):
        return Slot(node.schema, paths=node.paths)
    return Slot(node.schema, rows=node.data.to_pyarrow(node.schema))


def _walk(root: Node) -> tuple[bytes | None, list[Node]]:
    """Number the nodes of an expression, inputs first, and say its shape; None where it cannot be told surely."""
    numbers: dict[Node, int] = {}
    places: list[Node] = []
    digest = hashlib.sha256()
    is_sure = True
    for node in _inputs_first(root):
        numbers[node] = len(numbers)
        if isinstance(node, LakeFiles | ops.InMemoryTable):
            places.append(node)
            said: tuple[str, ...] = ("slot", repr(node.schema))
        else:
            parts = [_say(argument, numbers) for argument in node.__args__]
            is_sure = is_sure and None not in parts and not _is_own_function(node)
            said = (type(node).__name__, *map(str, parts))
        digest.update(repr(said).encode())
    return (digest.digest() if is_sure else None), places


def _is_own_function(node: Node) -> bool:
    """Whether a node runs code of ours, of which a name says nothing; a function of the engine's own is its name."""
    return isinstance(node, ops.ScalarUDF | ops.AggUDF) and node.__input_type__ != ops.udf.InputType.BUILTIN


def _inputs_first(root: Node) -> Iterator[Node]:
    """Each node once, after all that it rests on; no recursion, for expressions may be deep."""
    done: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, is_ready = stack.pop()
        if node in done:
            continue
        if is_ready:
            done.add(node)
            yield node
            continue
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(node.__children__) if child not in done)


def _say(argument: Any, numbers: Mapping[Node, int]) -> str | None:
    """One argument of a node as a word that no other argument has; None for what has no such word."""
    if isinstance(argument, Node):
        return f"#{numbers[argument]}"
    if isinstance(argument, Mapping):
        pairs = [(_say(key, numbers), _say(value, numbers)) for key, value in argument.items()]
        return None if any(None in pair for pair in pairs) else f"{{{pairs}}}"
    if isinstance(argument, tuple | list):
        parts = [_say(part, numbers) for part in argument]
        return None if None in parts else f"({parts})"
    if isinstance(argument, Enum | type):
        return f"{type(argument).__name__}:{argument!r}"
    if isinstance(argument, _PLAIN):
        return f"{type(argument).__name__}={argument!r}"
    return None
