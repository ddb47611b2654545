"""Putting the acting half of a city together: cases, one ledger, the engine, and what they publish into the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from yucun.base.clock import Clock
from yucun.base.declaration import raise_findings
from yucun.base.errors import Finding, NotKnown
from yucun.base.period import WorkingCalendar
from yucun.base.text import Text
from yucun.kernel.books import Books, Line
from yucun.kernel.books.store import WriteTransaction
from yucun.kernel.cases import ORGAN as CASES
from yucun.kernel.cases import Cases
from yucun.kernel.cases.publish import CONTRACTS as CASE_CONTRACTS
from yucun.kernel.cases.publish import PUBLICATIONS as CASE_PUBLICATIONS
from yucun.kernel.engine.load import Loaded
from yucun.kernel.engine.model import Acting
from yucun.kernel.engine.store import ORGAN as ENGINE
from yucun.kernel.engine.take import EventEngine
from yucun.kernel.lake.contract import Contract, read_contracts
from yucun.kernel.lake.publish import CONTRACTS as LAKE_CONTRACTS
from yucun.kernel.lake.publish import Publication
from yucun.kernel.lake.store import Lake
from yucun.kernel.ledger import ORGAN as LEDGER
from yucun.kernel.ledger import Chart, Ledger, Opening
from yucun.kernel.ledger.publish import CONTRACTS as LEDGER_CONTRACTS
from yucun.kernel.ledger.publish import PUBLICATIONS as LEDGER_PUBLICATIONS
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Build

ORGANS = (CASES, LEDGER, ENGINE)


@dataclass(frozen=True, slots=True)
class Work:
    """The acting half of one city.

    Parameters
    ----------
    publications : tuple of Publication
        What the publisher cuts from the journal: moves and clocks of cases, transfers, and recorded tables.
    """

    loaded: Loaded
    cases: Cases
    ledger: Ledger
    engine: EventEngine
    publications: tuple[Publication, ...]


def assemble(
    books: Books, lake: Lake, regions: Regions, loaded: Loaded, clock: Clock, lake_of: Lake | None = None
) -> Work:
    """Make the acting half over books and lake; accounts that the chart names in full are opened.

    Parameters
    ----------
    lake_of : Lake or None
        Where decisions read instead, for a replay: the lake of the city that is replayed.
    """
    cases = Cases(loaded.kinds, WorkingCalendar.of_china())
    ledger = Ledger(loaded.chart)
    reads = lake_of or lake

    def lake_rows(table: str, equals: Mapping[str, Any], as_of: int) -> pa.Table:
        rows = reads.table(table, as_of)
        for name, value in equals.items():
            if name not in rows.columns:
                raise NotKnown(_no_field(table, name, rows.columns))
            rows = rows.filter(rows[name].isin(value) if isinstance(value, tuple) else rows[name] == value)
        return reads.engine.run(rows)

    def lake_seq(tx: WriteTransaction) -> int:
        return tx.committed_seq

    def lake_query(build: Build, allowed: frozenset[str], as_of: int) -> pa.Table:
        def table(name: str) -> ir.Table:
            if name not in allowed:
                raise NotKnown(_not_read(name, allowed))
            return reads.table(name, as_of)

        return reads.engine.run(build(table))

    engine = EventEngine(books, cases, ledger, regions, loaded.services, lake_rows, lake_seq, clock, lake_query)
    publications = (*CASE_PUBLICATIONS, *LEDGER_PUBLICATIONS, *_list_recorded(loaded.services))
    return Work(loaded, cases, ledger, engine, publications)


def open_accounts(books: Books, ledger: Ledger, chart: Chart) -> None:
    """Open the accounts that the chart names in full; those that are open stay as they are."""
    wanted = [
        Opening(name, kind) for name, pattern in chart.patterns.items() if "{" not in name for kind in pattern.kinds
    ]
    if not wanted:
        return
    with books.write() as tx:
        missing = [one for one in wanted if ledger.find_account(tx, one.name, one.kind) is None]
        if missing:
            ledger.open(tx, missing)


def read_kernel_contracts() -> dict[str, Contract]:
    """Contracts of the kernel's own tables: what the lake, cases and the ledger say of themselves."""
    found: list[Contract] = []
    for path, organ in ((LAKE_CONTRACTS, "lake"), (CASE_CONTRACTS, "cases"), (LEDGER_CONTRACTS, "ledger")):
        contracts, findings = read_contracts(path, organ)
        raise_findings(findings)
        found += contracts
    return {contract.name: contract for contract in found}


def _list_recorded(services: Mapping[str, Acting]) -> list[Publication]:
    tables = sorted(table for service in services.values() for table in service.publishes)
    return [Publication(table, ("engine.recorded",), _RecordedRows(table)) for table in tables]


@dataclass(frozen=True, slots=True)
class _RecordedRows:
    """The rows of one table that a line records."""

    table: str

    def __call__(self, line: Line) -> Sequence[Mapping[str, Any]]:
        if line.payload["table"] != self.table:
            return []
        return [one["row"] for one in line.payload["rows"]]


def _no_field(table: str, name: str, columns: Sequence[str]) -> Finding:
    known = ", ".join(columns)
    return Finding("view.unknown_field", table, name, known[:400], Text(
        f"表 {table} 没有字段「{name}」", f"table {table} has no field '{name}'"), name)  # fmt: skip


def _not_read(table: str, allowed: frozenset[str]) -> Finding:
    known = ", ".join(sorted(allowed))
    return Finding("view.table_not_read", table, table, known[:400], Text(
        f"服务没有声明读取表「{table}」；请写进 service.toml 的 consumes",
        f"the service does not say that it reads '{table}'; name it under consumes in service.toml"), table)  # fmt: skip
