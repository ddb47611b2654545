"""How decisions about what is shown are kept: hidden cells of every version, and what still matters of the newest.

They follow from the versions alone, so the journal does not hold them; books that were rebuilt decide again.
"""

from __future__ import annotations

from yucun.kernel.books import Migration, ReadTransaction, WriteTransaction

MIGRATION = Migration(
    2,
    "what is shown of numbers about people, version by version",
    (
        "CREATE TABLE access_release (family TEXT NOT NULL, rule TEXT NOT NULL, seq BIGINT NOT NULL,"
        " hidden TEXT NOT NULL, PRIMARY KEY (family, rule, seq))",
        "CREATE TABLE access_shown (family TEXT PRIMARY KEY, rule TEXT NOT NULL, seq BIGINT NOT NULL,"
        " ledger TEXT NOT NULL)",
    ),
)


def find_release(tx: ReadTransaction, family: str, rule: str, seq: int) -> str | None:
    """Return the hidden cells of a version; None when it is not decided under this rule."""
    row = tx.row("SELECT hidden FROM access_release WHERE family = ? AND rule = ? AND seq = ?", (family, rule, seq))
    return str(row[0]) if row else None


def newest_release(tx: ReadTransaction, family: str, rule: str) -> tuple[int, str] | None:
    """Return the newest version decided under this rule, with its ledger."""
    row = tx.row("SELECT seq, ledger FROM access_shown WHERE family = ? AND rule = ?", (family, rule))
    return (int(row[0]), str(row[1])) if row else None


def keep_release(tx: WriteTransaction, family: str, rule: str, seq: int, hidden: str, ledger: str) -> None:
    """Keep a decision, and its ledger in place of the one before."""
    tx.execute("DELETE FROM access_release WHERE family = ? AND rule <> ?", (family, rule))
    tx.execute(
        "INSERT INTO access_release (family, rule, seq, hidden) VALUES (?, ?, ?, ?) ON CONFLICT (family, rule, seq) DO NOTHING",
        (family, rule, seq, hidden),
    )
    tx.execute(
        "INSERT INTO access_shown (family, rule, seq, ledger) VALUES (?, ?, ?, ?) ON CONFLICT (family) DO UPDATE"
        " SET rule = excluded.rule, seq = excluded.seq, ledger = excluded.ledger",
        (family, rule, seq, ledger),
    )
