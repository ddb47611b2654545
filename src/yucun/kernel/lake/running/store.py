"""How running is kept: runs, notices and corrections are projections of the journal; drafts are a person's own and are not."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from yucun.base.text import Text
from yucun.kernel.books import Line, Migration, Organ, Projecting, ReadTransaction, WriteTransaction
from yucun.kernel.lake.running.model import Notice, Run


def _apply_ran(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "INSERT INTO feeds_run (key, supply, dataset, name, file, landing, outcome, records, refused, said_zh, said_en,"
        " retry_at, seq, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            line.key,
            said["supply"],
            said["table"],
            said["name"],
            said["file"],
            said["landing"],
            said["outcome"],
            said["records"],
            said["refused"],
            said["said"]["zh"],
            said["said"]["en"],
            said["retry_at"],
            line.seq,
            line.at,
        ),
    )


def _apply_told(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "INSERT INTO feeds_notice (id, supply, dataset, kind, period, due, landing, subject_zh, subject_en, text_zh,"
        " text_en, opened_on, opened_seq, closed_on, closed_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
        (
            said["notice"],
            said["supply"],
            said["table"],
            said["kind"],
            said["period"],
            said["due"],
            said["landing"],
            said["subject"]["zh"],
            said["subject"]["en"],
            said["text"]["zh"],
            said["text"]["en"],
            said["on"],
            line.seq,
        ),
    )


def _apply_closed(tx: Projecting, line: Line) -> None:
    tx.execute(
        "UPDATE feeds_notice SET closed_on = ?, closed_seq = ? WHERE id = ?",
        (line.payload["on"], line.seq, line.payload["notice"]),
    )


def _apply_resent(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "INSERT INTO feeds_resent (key, original, dataset, file, by_account, seq, at, landing, done_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, '', NULL)",
        (line.key, said["original"], said["table"], said["file"], said["by"], line.seq, line.at),
    )


def _apply_corrected(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.execute(
        "UPDATE feeds_resent SET landing = ?, done_seq = ? WHERE key = ?", (said["landing"], line.seq, said["resent"])
    )
    tx.insert_many(
        "feeds_corrected",
        ("original", "record", "outcome", "landing", "file", "new_record", "by_account", "at", "seq"),
        [
            (said["original"], record, outcome, said["landing"], said["file"], new, said["by"], line.at, line.seq)
            for record, new, outcome in said["records"]
        ],
    )


def _apply_set_aside(tx: Projecting, line: Line) -> None:
    said = line.payload
    tx.insert_many(
        "feeds_corrected",
        ("original", "record", "outcome", "landing", "file", "new_record", "by_account", "at", "seq"),
        [(said["original"], record, "aside", "", "", 0, said["by"], line.at, line.seq) for record in said["records"]],
    )


ORGAN = Organ(
    "feeds",
    (
        Migration(
            1,
            "runs, notices, corrections, drafts",
            (
                "CREATE TABLE feeds_run (key TEXT PRIMARY KEY, supply TEXT NOT NULL, dataset TEXT NOT NULL,"
                " name TEXT NOT NULL, file TEXT NOT NULL, landing TEXT NOT NULL, outcome TEXT NOT NULL,"
                " records BIGINT NOT NULL, refused BIGINT NOT NULL, said_zh TEXT NOT NULL, said_en TEXT NOT NULL,"
                " retry_at TEXT NOT NULL, seq BIGINT NOT NULL, at TEXT NOT NULL)",
                "CREATE INDEX feeds_run_supply ON feeds_run (supply, seq)",
                "CREATE TABLE feeds_notice (id TEXT PRIMARY KEY, supply TEXT NOT NULL, dataset TEXT NOT NULL,"
                " kind TEXT NOT NULL, period TEXT NOT NULL, due TEXT NOT NULL, landing TEXT NOT NULL,"
                " subject_zh TEXT NOT NULL, subject_en TEXT NOT NULL, text_zh TEXT NOT NULL, text_en TEXT NOT NULL,"
                " opened_on TEXT NOT NULL, opened_seq BIGINT NOT NULL, closed_on TEXT, closed_seq BIGINT)",
                "CREATE TABLE feeds_resent (key TEXT PRIMARY KEY, original TEXT NOT NULL, dataset TEXT NOT NULL,"
                " file TEXT NOT NULL, by_account TEXT NOT NULL, seq BIGINT NOT NULL, at TEXT NOT NULL,"
                " landing TEXT NOT NULL, done_seq BIGINT)",
                "CREATE INDEX feeds_resent_original ON feeds_resent (original)",
                "CREATE TABLE feeds_corrected (original TEXT NOT NULL, record BIGINT NOT NULL, outcome TEXT NOT NULL,"
                " landing TEXT NOT NULL, file TEXT NOT NULL, new_record BIGINT NOT NULL, by_account TEXT NOT NULL,"
                " at TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (original, record))",
                "CREATE INDEX feeds_corrected_file ON feeds_corrected (file, new_record)",
                "CREATE TABLE feeds_draft (account TEXT NOT NULL, landing TEXT NOT NULL, record BIGINT NOT NULL,"
                " part BIGINT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, at TEXT NOT NULL,"
                " PRIMARY KEY (account, landing, record, part, field))",
            ),
        ),
    ),
    ("feeds_run", "feeds_notice", "feeds_resent", "feeds_corrected"),
    {
        "feeds.ran": _apply_ran,
        "feeds.told": _apply_told,
        "feeds.closed": _apply_closed,
        "feeds.resent": _apply_resent,
        "feeds.corrected": _apply_corrected,
        "feeds.set_aside": _apply_set_aside,
    },
)
# A field of a draft that is none of the table's: the row is to be set aside.
ASIDE = "!aside"
_NOTICE = (
    "n.id, n.supply, n.dataset, n.kind, n.period, n.due, n.landing, n.subject_zh, n.subject_en, n.text_zh, n.text_en,"
    " n.opened_on, n.opened_seq, n.closed_on, n.closed_seq, o.state, c.state"
)
_NOTICES = (
    f"SELECT {_NOTICE} FROM feeds_notice n LEFT JOIN outbox o ON o.token = n.id"
    " LEFT JOIN outbox c ON c.token = n.id || ':closed'"
)
_RUN = "key, supply, dataset, name, file, landing, outcome, records, refused, said_zh, said_en, seq, at"


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of a refused record: ``landed`` or ``refused`` in another landing, or ``aside``; by whom, when."""

    record: int
    outcome: str
    landing: str
    new_record: int
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Failing:
    """A supply whose last tries failed: how many in a row, and when it is tried again (machine time, ISO 8601)."""

    count: int
    retry_at: str


def find_run(tx: ReadTransaction, key: str) -> Run | None:
    """Return the run of that key."""
    row = tx.row(f"SELECT {_RUN} FROM feeds_run WHERE key = ?", (key,))
    return _to_run(row) if row else None


def list_runs(tx: ReadTransaction, supply: str = "", limit: int = 100, before: int = 1 << 62) -> list[Run]:
    """Return runs, newest first, of one supply or of all."""
    where, values = ("supply = ? AND ", [supply]) if supply else ("", [])
    rows = tx.rows(
        f"SELECT {_RUN} FROM feeds_run WHERE {where}seq < ? ORDER BY seq DESC LIMIT ?", [*values, before, limit]
    )
    return [_to_run(row) for row in rows]


def find_failing(tx: ReadTransaction, supply: str) -> Failing | None:
    """Return how a supply's newest tries failed; None when the newest run did not."""
    rows = tx.rows("SELECT outcome, retry_at FROM feeds_run WHERE supply = ? ORDER BY seq DESC LIMIT 20", (supply,))
    failed = 0
    for outcome, _ in rows:
        if outcome != "failed":
            break
        failed += 1
    return Failing(failed, str(rows[0][1])) if failed else None


def runs_by_landing(tx: ReadTransaction) -> dict[str, str]:
    """Return which supply each landing came by, for those that arrived by themselves."""
    return {
        str(landing): str(supply)
        for landing, supply in tx.rows("SELECT landing, supply FROM feeds_run WHERE landing != ''")
    }


def list_notices(
    tx: ReadTransaction, *, supplies: Collection[str] = (), only_open: bool = False, limit: int = 1000
) -> list[Notice]:
    """Return notices, those that stand first, newest first."""
    where = " WHERE n.closed_seq IS NULL" if only_open else ""
    rows = tx.rows(
        f"{_NOTICES}{where} ORDER BY CASE WHEN n.closed_seq IS NULL THEN 0 ELSE 1 END, n.opened_seq DESC LIMIT ?",
        (limit,),
    )
    return [n for n in map(_to_notice, rows) if not supplies or n.supply in supplies]


def find_notice(tx: ReadTransaction, notice: str) -> Notice | None:
    """Return one notice."""
    row = tx.row(f"{_NOTICES} WHERE n.id = ?", (notice,))
    return _to_notice(row) if row else None


def list_waiting(tx: ReadTransaction) -> list[tuple[str, Mapping[str, Any]]]:
    """Return notices of the outbox that have not been delivered, oldest first: token and body."""
    rows = tx.rows("SELECT token, body FROM outbox WHERE kind = 'notice' AND state = 'waiting' ORDER BY seq, token")
    return [(str(token), json.loads(body)) for token, body in rows]


def corrected_of(tx: ReadTransaction, original: str) -> dict[int, Corrected]:
    """Return what became of the refused records of a landing, by record."""
    rows = tx.rows(
        "SELECT record, outcome, landing, new_record, by_account, at FROM feeds_corrected WHERE original = ?",
        (original,),
    )
    return {int(row[0]): Corrected(*row) for row in rows}


def original_of(tx: ReadTransaction, file: str, record: int) -> tuple[str, int] | None:
    """Return the landing and record that a record of a corrections file corrects."""
    row = tx.row("SELECT original, record FROM feeds_corrected WHERE file = ? AND new_record = ?", (file, record))
    return (str(row[0]), int(row[1])) if row else None


def original_landing(tx: ReadTransaction, landing: str) -> str:
    """Return the landing whose refused records a landing sends again; empty for any other."""
    row = tx.row("SELECT original FROM feeds_resent WHERE landing = ? ORDER BY seq LIMIT 1", (landing,))
    return str(row[0]) if row else ""


def resent_landings(tx: ReadTransaction) -> dict[str, str]:
    """Return the landings that send refused records again, each with the landing that it corrects."""
    rows = tx.rows("SELECT landing, original FROM feeds_resent WHERE landing != '' ORDER BY seq DESC")
    return {str(landing): str(original) for landing, original in rows}


def list_unfinished(tx: ReadTransaction) -> list[str]:
    """Return the keys of corrections that were sent and not finished: a crash came between."""
    return [str(key) for (key,) in tx.rows("SELECT key FROM feeds_resent WHERE done_seq IS NULL ORDER BY seq")]


def count_corrected(tx: ReadTransaction) -> dict[str, dict[str, int]]:
    """Return by landing how many of its refused records were corrected, refused again or set aside."""
    found: dict[str, dict[str, int]] = {}
    for original, outcome, count in tx.rows(
        "SELECT original, outcome, count(*) FROM feeds_corrected GROUP BY original, outcome"
    ):
        found.setdefault(str(original), {})[str(outcome)] = int(count)
    return found


def corrected_days(tx: ReadTransaction) -> list[tuple[str, str, int]]:
    """Return landing, instant and number of the records that were corrected, for the days that it took."""
    rows = tx.rows("SELECT original, at, count(*) FROM feeds_corrected WHERE outcome = 'landed' GROUP BY original, at")
    return [(str(original), str(at), int(count)) for original, at, count in rows]


# -- drafts ---------------------------------------------------------------------------------------------------


def read_draft(tx: ReadTransaction, account: str, landing: str) -> dict[tuple[int, int], dict[str, str]]:
    """Return what an account has changed so far: by record and part, field to value."""
    draft: dict[tuple[int, int], dict[str, str]] = {}
    for record, part, field, value in tx.rows(
        "SELECT record, part, field, value FROM feeds_draft WHERE account = ? AND landing = ?", (account, landing)
    ):
        draft.setdefault((int(record), int(part)), {})[str(field)] = str(value)
    return draft


def keep_draft(
    tx: WriteTransaction, account: str, landing: str, changes: Iterable[tuple[int, int, str, str | None]], at: str
) -> None:
    """Keep changed cells; None as a value takes the change back."""
    cells = list(changes)
    tx.execute_many(
        "DELETE FROM feeds_draft WHERE account = ? AND landing = ? AND record = ? AND part = ? AND field = ?",
        [(account, landing, record, part, field) for record, part, field, _ in cells],
    )
    tx.execute_many(
        "INSERT INTO feeds_draft (account, landing, record, part, field, value, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (account, landing, record, part, field, value, at)
            for record, part, field, value in cells
            if value is not None
        ],
    )


def drop_draft(tx: WriteTransaction, landing: str, records: Sequence[int]) -> None:
    """Forget what anyone had changed in records that are settled now."""
    tx.execute_many(
        "DELETE FROM feeds_draft WHERE landing = ? AND record = ?", [(landing, record) for record in records]
    )


def _to_run(row: Sequence[Any]) -> Run:
    key, supply, table, name, file, landing, outcome, records, refused, zh, en, seq, at = row
    return Run(key, supply, table, name, file, landing, outcome, int(records), int(refused), Text(zh, en), int(seq), at)


def _to_notice(row: Sequence[Any]) -> Notice:
    (
        identity, supply, table, kind, period, due, landing, subject_zh, subject_en, text_zh, text_en,
        opened_on, opened_seq, closed_on, closed_seq, sent, thanked,
    ) = row  # fmt: skip
    return Notice(
        identity,
        supply,
        table,
        kind,
        period,
        date.fromisoformat(due) if due else None,
        landing,
        Text(subject_zh, subject_en),
        Text(text_zh, text_en),
        date.fromisoformat(opened_on),
        int(opened_seq),
        date.fromisoformat(closed_on) if closed_on else None,
        int(closed_seq) if closed_seq is not None else None,
        sent == "delivered",
        thanked == "delivered",
    )
