"""The read-only world that a decision may look at: the transaction's own state, one pinned lake, the place's parameters.

Nothing in it tells the machine's time, reads a network or a disk, or draws at random; the same view gives the same
answer for ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

import ibis.expr.types as ir
import pyarrow as pa

from yucun.base.errors import Finding, NotKnown
from yucun.base.period import WorkingCalendar
from yucun.base.text import Text
from yucun.kernel.books import ReadTransaction
from yucun.kernel.books.model import canonical
from yucun.kernel.cases import Actor, Case, Cases, Clock, MoveDone
from yucun.kernel.cases.model import RULE
from yucun.kernel.ledger import Balance, Ledger, Reserved
from yucun.kernel.registry.regions import Regions

_Derived = TypeVar("_Derived")
# In whose name clocks, answers and passed rows happen.
SYSTEM = Actor("rule:clock", frozenset({RULE}))
# Rows of a lake table that equal given values, as of a journal seq.
LakeRows = Callable[[str, Mapping[str, Any], int], pa.Table]
# From the tables of the lake by name to the one expression that is asked.
Build = Callable[[Callable[[str], ir.Table]], ir.Table]
# Runs what was built over tables as of a journal seq, for a service that may read the named ones.
LakeQuery = Callable[[Build, frozenset[str], int], pa.Table]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Parameters
    ----------
    key : str
        Its own: a second event with the key is answered "already".
    kind : str
        ``service.name``; the service's contract of that name says what the body holds.
    body : mapping
        Values by field. Private texts are kept apart and stand in the journal as hashes.
    by : Actor
        Who caused it.
    """

    key: str
    kind: str
    body: Mapping[str, Any]
    by: Actor = SYSTEM

    @property
    def service(self) -> str:
        """The service that it is for."""
        return self.kind.partition(".")[0]

    @property
    def name(self) -> str:
        """What happened, without the service's name."""
        return self.kind.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Pack:
    """A service's parameters as the place has them, and their hash.

    What is worked out from them once (`derive`) is kept beside them: it can only depend on them.
    """

    values: Mapping[str, Any]
    hash: str
    _derived: dict[Callable[..., Any], Any] = field(default_factory=dict, compare=False, repr=False)

    def derive(self, function: Callable[[Mapping[str, Any]], _Derived]) -> _Derived:
        """Return ``function(values)``, worked out once."""
        if function not in self._derived:
            self._derived[function] = function(self.values)
        found: _Derived = self._derived[function]
        return found


class View:
    """What ``decide`` sees.

    Parameters
    ----------
    tx : ReadTransaction
        The books, this very transaction's own changes among them.
    at : datetime
        The event's instant, as the journal has it.
    pack : Pack
        The service's parameters.
    lake_seq : int
        The moment of the lake that every read of this event is pinned to.
    lake_query : callable or None
        Runs an expression over whole tables of the lake; None where decisions have no lake.
    reads : frozenset of str
        Tables that the service consumes or publishes: no expression may name another.
    """

    __slots__ = (
        "_cases", "_lake_query", "_lake_rows", "_ledger", "_reads", "_regions", "_tx", "at", "calendar", "lake_seq", "pack"
    )  # fmt: skip

    def __init__(
        self,
        tx: ReadTransaction,
        at: datetime,
        pack: Pack,
        lake_seq: int,
        cases: Cases,
        ledger: Ledger,
        regions: Regions,
        lake_rows: LakeRows,
        lake_query: LakeQuery | None = None,
        reads: frozenset[str] = frozenset(),
    ) -> None:
        self._tx = tx
        self._cases = cases
        self._ledger = ledger
        self._regions = regions
        self._lake_rows = lake_rows
        self._lake_query = lake_query
        self._reads = reads
        self.at = at
        self.pack = pack
        self.lake_seq = lake_seq
        self.calendar: WorkingCalendar = cases.calendar

    @property
    def today(self) -> date:
        """The day of the event."""
        return self.at.date()

    @property
    def regions(self) -> Regions:
        """The map through time."""
        return self._regions

    def find_case(self, case_id: str) -> Case | None:
        """Return a case by id, or None."""
        return self._cases.find(self._tx, case_id)

    def get_case(self, case_id: str) -> Case:
        """Return a case by id, or raise `NotKnown`."""
        return self._cases.get(self._tx, case_id)

    def list_cases(
        self,
        kind: str = "",
        *,
        states: Sequence[str] = (),
        subject: str = "",
        unit: str = "",
        officer: str = "",
        is_open: bool | None = None,
        limit: int = 1000,
    ) -> list[Case]:
        """Return cases of a queue, the most urgent first."""
        return self._cases.list_cases(
            self._tx, kind, states=states, subject=subject, unit=unit, officer=officer, is_open=is_open, limit=limit
        )

    def clocks(self, case: Case) -> dict[str, Clock]:
        """Return the clocks of a case by name."""
        return self._cases.clocks(self._tx, case)

    def history(self, case: Case) -> list[MoveDone]:
        """Return all moves of a case."""
        return self._cases.history(self._tx, case)

    def balance(self, account: str, kind: str) -> Balance:
        """What an account holds now; *not known* where there is none."""
        return self._ledger.balance(self._tx, account, kind)

    def list_reserved(self, reasons: str, period: str = "") -> list[Reserved]:
        """What is reserved and still open, by how its reason begins, for one period or all."""
        return self._ledger.list_reserved(self._tx, reasons, period)

    def find_reserved(self, transfer_id: str) -> Reserved | None:
        """A reservation by its id, whether open or finished, or None."""
        return self._ledger.find_reserved(self._tx, transfer_id)

    def find_record(self, table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return a row that the service recorded, by its key, or None."""
        row = self._tx.row(
            "SELECT content FROM engine_record WHERE dataset = ? AND record_key = ?", (table, canonical(dict(key)))
        )
        found: Mapping[str, Any] | None = json.loads(row[0]) if row else None
        return found

    def rows(self, table: str, **equals: Any) -> pa.Table:
        """Return rows of a lake table whose fields equal the values (a tuple: one of them), as of the pinned moment."""
        return self._lake_rows(table, equals, self.lake_seq)

    def query(self, build: Build) -> pa.Table:
        """Compute one expression over whole tables, as of the pinned moment; rows stay where they are but for the answer.

        Parameters
        ----------
        build : callable
            Given a function from a table's name to its rows, it returns the expression.

        Raises
        ------
        NotKnown
            If the service names a table that it neither consumes nor publishes, or decisions have no lake here.
        """
        if self._lake_query is None:
            raise NotKnown(Finding("view.no_lake", "query", "nothing", "a lake", Text(
                "此处没有数据湖可查", "there is no lake to ask here")))  # fmt: skip
        return self._lake_query(build, self._reads, self.lake_seq)
