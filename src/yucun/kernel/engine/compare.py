"""Comparing two cities: every case, deadline, posting, record and event that differs, by the key that both know it by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from yucun.base.text import Text
from yucun.kernel.books import Books, ReadTransaction

What = Literal["event", "case", "deadline", "posting", "record", "number"]
WHAT_TITLES: dict[What, Text] = {
    "event": Text("事件", "event"),
    "case": Text("事项", "case"),
    "deadline": Text("时限", "deadline"),
    "posting": Text("入账", "posting"),
    "record": Text("记录", "record"),
    "number": Text("数字", "number"),
}
# Each question names a thing by its key and says what stands of it, without numbers that a replay gives anew.
_QUESTIONS: dict[What, str] = {
    "event": "SELECT event, kind, status FROM engine_event",
    "case": (
        "SELECT id, kind, state, subject, region, unit, officer, co_units, priority, fields, outcome, merged_into,"
        " parent, opened_at, closed_at FROM case_file"
    ),
    "deadline": (
        "SELECT c.id || ' ' || k.name, k.state, k.due, k.is_provisional, k.remaining, k.extensions FROM case_clock k"
        " JOIN case_file c ON c.no = k.case_no"
    ),
    "posting": (
        "SELECT t.id, t.action, s.name, d.name, s.kind, t.amount, t.released FROM ledger_transfer t"
        " JOIN ledger_account s ON s.no = t.source JOIN ledger_account d ON d.no = t.destination"
    ),
    "record": "SELECT dataset || ' ' || record_key, content FROM engine_record",
}
_NAMES: dict[What, tuple[str, ...]] = {
    "event": ("kind", "status"),
    "case": tuple(
        "kind state subject region unit officer co_units priority fields outcome merged_into parent opened_at closed_at".split()
    ),
    "deadline": ("state", "due", "is_provisional", "left", "extensions"),
    "posting": ("action", "source", "destination", "kind", "amount", "released"),
    "record": ("row",),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that stands differently: a field and both values; None where a city does not have the thing at all."""

    what: What
    key: str
    field: str
    before: Any
    after: Any

    def to_json(self) -> dict[str, Any]:
        """Return a plain mapping."""
        return {"what": self.what, "key": self.key, "field": self.field, "before": self.before, "after": self.after}


def compare(before: Books, after: Books, what: Sequence[What] = tuple(_QUESTIONS)) -> Iterator[Difference]:
    """Yield every difference between two cities' books, kind by kind and by key.

    Parameters
    ----------
    before, after : Books
        Usually a city's own and those of its replay.
    """
    with before.read() as one, after.read() as other:
        for kind in what:
            yield from _compare_one(kind, one, other)


def _compare_one(what: What, one: ReadTransaction, other: ReadTransaction) -> Iterator[Difference]:
    left, right = _rows(what, one), _rows(what, other)
    mine, theirs = next(left, None), next(right, None)
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine[0] < theirs[0]):
            assert mine is not None
            yield Difference(what, mine[0], "", _said(what, mine[1]), None)
            mine = next(left, None)
        elif mine is None or theirs[0] < mine[0]:
            yield Difference(what, theirs[0], "", None, _said(what, theirs[1]))
            theirs = next(right, None)
        else:
            for name, old, new in zip(_NAMES[what], mine[1], theirs[1], strict=True):
                if old != new:
                    yield Difference(what, mine[0], name, old, new)
            mine, theirs = next(left, None), next(right, None)


def _rows(what: What, tx: ReadTransaction) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Rows in the order of their key as bytes, whatever the database's collation."""
    rows = sorted((str(row[0]), tuple(row[1:])) for row in tx.rows(_QUESTIONS[what]))
    yield from rows


def _said(what: What, values: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(_NAMES[what], values, strict=True))


def count(differences: Sequence[Difference]) -> dict[str, int]:
    """How many things differ, by kind; a thing with two fields that differ counts once."""
    found: dict[str, set[str]] = {}
    for one in differences:
        found.setdefault(one.what, set()).add(one.key)
    return {what: len(keys) for what, keys in found.items()}


def to_lines(differences: Sequence[Difference]) -> Iterator[str]:
    """Write differences as JSON lines."""
    for one in differences:
        yield json.dumps(one.to_json(), ensure_ascii=False, sort_keys=True)
