"""What the ledger gives to the lake: every entry with the names of its accounts; cut from the journal by the publisher."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yucun.kernel.books import Line, ReadTransaction
from yucun.kernel.lake.publish import Publication, RowsOf

CONTRACTS = Path(__file__).with_name("contracts.toml")
_SQL = (
    "SELECT t.seq, t.id, t.action, s.name, d.name, s.kind, t.amount, t.released, g.reason, g.clause, g.period"
    " FROM ledger_transfer t JOIN ledger_account s ON s.no = t.source JOIN ledger_account d ON d.no = t.destination"
    " JOIN ledger_ground g ON g.no = t.ground WHERE t.seq IN (?)"
)
_NAMES = ("id", "action", "source", "destination", "kind", "amount", "released", "reason", "clause", "period")


def _look(tx: ReadTransaction, lines: Sequence[Line]) -> RowsOf:
    found: dict[int, list[dict[str, Any]]] = {}
    for seq, *values in tx.rows_in(_SQL, [line.seq for line in lines]):
        row = dict(zip(_NAMES, values, strict=True))
        found.setdefault(int(seq), []).append({**row, "period": row["period"] or None})

    def rows(line: Line) -> list[dict[str, Any]]:
        return [{**row, "day": line.at[:10], "at": line.at} for row in found.get(line.seq, [])]

    return rows


PUBLICATIONS = (Publication("ledger.transfer", ("ledger.posted",), look=_look),)
