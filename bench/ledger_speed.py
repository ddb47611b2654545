"""Posting to the ledger, journal and idempotency on, keeps at least half the speed of a bare loop that only checks balances and inserts.

Both run on the same store, durable, in turns of a few batches each, so that whatever else the machine does meets both.
The bare loop has accounts with a balance and transfers by id; it asks which ids are known, reads the balances, checks
them, inserts and writes the balances back, set-wise. django-hordak, a double-entry ledger for Django, posts to the same
server; it is installed by this bench into an environment of its own.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from run import Figure, Measured, Program

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers import Postgres
from yucun.base.clock import RealClock
from yucun.base.declaration import Declaration
from yucun.kernel.books import Books
from yucun.kernel.ledger import ORGAN, Ledger, Opening, Transfer, make_chart

ACCOUNTS = 100_000
# Batch size, batches in a turn, turns.
SIZES = ((8_000, 4, 9), (100, 20, 9), (1, 100, 9))
# Turns before the first that counts: a ledger that has run for a while has met its accounts.
WARM = 6
SCALE = float(os.environ.get("YUCUN_BENCH_SCALE", "1"))
HORDAK = ("django-hordak", "psycopg[binary]")
CHART = """
[kind.fen]
title = {zh = "元", en = "yuan"}
decimals = 2
symbol = "CNY"
[variable]
n = "[0-9]+"
[account.source]
title = {zh = "来源", en = "source"}
kinds = ["fen"]
side = "equity"
lowest = "none"
[account."household:{n}"]
title = {zh = "家庭", en = "household"}
kinds = ["fen"]
side = "liabilities"
party = "n"
[posting.fund]
title = {zh = "拨入", en = "funding"}
clause = "made-up clause 1"
kind = "fen"
from = ["source"]
to = ["household:{n}"]
[posting.pay]
title = {zh = "转付", en = "payment"}
clause = "made-up clause 2"
kind = "fen"
from = ["household:{n}"]
to = ["household:{n}"]
"""
PEER = """
import json, random, sys, time
import django
from django.conf import settings
host, port, user, name, sizes = json.loads(sys.argv[1])
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"], USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": host, "PORT": port, "USER": user, "NAME": name}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", CURRENCIES=["CNY"], DEFAULT_CURRENCY="CNY")
django.setup()
from django.core.management import call_command
from django.db import transaction
from hordak.models import Account
from moneyed import Money
call_command("migrate", verbosity=0)
accounts = [Account.objects.create(name=str(n), code=str(n), type="AS", currencies=["CNY"]) for n in range(50)]
speeds = {}
for size, count in sizes:
    start = time.perf_counter()
    for _ in range(count):
        with transaction.atomic():
            for _ in range(size):
                one, other = random.sample(accounts, 2)
                one.transfer_to(other, Money(random.randint(1, 99), "CNY"))
    speeds[size] = size * count / (time.perf_counter() - start)
print(json.dumps(speeds))
"""

Row = tuple[str, int, int, int]


def measure() -> Measured:
    """Measure both on SQLite, then both and the peer on PostgreSQL."""
    server = Postgres()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = _compare("sqlite", f"sqlite:///{folder}/ours.sqlite", BareSqlite(f"{folder}/bare.sqlite"))
            for name in ("ours", "bare", "hordak"):
                with psycopg.connect(server.make_url(), autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
            figures += _compare("postgresql", server.make_url("ours"), BarePostgres(server.make_url("bare")))
            hordak, release = _measure_hordak(Path(folder) / "peer", server)
    finally:
        server.stop()
    ours = {figure.name: figure.ours for figure in figures}
    figures += [
        Figure(f"postgresql, batch {size}, beside django-hordak", "1/s", ours[f"postgresql, batch {size}"], speed)
        for size, speed in hordak.items()
    ]
    return Measured(
        Program("yucun", version("yucun")),
        Program("bare set-based loop; django-hordak", release),
        tuple(figures),
        f"{ACCOUNTS:,} accounts, each transfer between two at random; every batch one durable commit; transfers per second,"
        " by the median turn",
    )


def make_rows(size: int, chance: random.Random, numbers: Iterator[int]) -> list[Row]:
    """A batch of transfers between accounts at random."""
    rows = []
    for _ in range(size):
        one = chance.randrange(ACCOUNTS)
        rows.append(
            (
                f"t-{next(numbers):012d}",
                one,
                (one + 1 + chance.randrange(ACCOUNTS - 1)) % ACCOUNTS,
                chance.randrange(1, 100),
            )
        )
    return rows


def _compare(store: str, url: str, bare: Any) -> list[Figure]:
    books, ledger = _open_ours(url)
    chance, numbers = random.Random(1), iter(range(10**9))

    def ours(rows: list[Row]) -> float:
        batch = [
            Transfer(name, f"household:{a}", f"household:{b}", amount, "fen", "pay") for name, a, b, amount in rows
        ]
        start = time.perf_counter()
        with books.write() as tx:
            done = ledger.post(tx, batch).done
        took = time.perf_counter() - start
        assert len(done) == len(rows)
        return took

    figures = []
    with books.writing():  # as the engine does, which alone writes
        for size, count, turns in SIZES:
            speeds: dict[Callable[[list[Row]], float], list[float]] = {ours: [], bare.post: []}
            for turn in range(turns + WARM):
                for post, seen in speeds.items():
                    batches = max(1, round(count * SCALE))
                    took = sum(post(make_rows(size, chance, numbers)) for _ in range(batches))
                    if turn >= WARM:
                        seen.append(size * batches / took)
            mine, its = (sorted(seen)[len(seen) // 2] for seen in speeds.values())
            figures.append(Figure(f"{store}, batch {size}", "1/s", mine, its))
    with books.read() as tx:
        assert tx.row("SELECT sum(posted) FROM ledger_balance") == (0,)
    books.close()
    return figures


def _open_ours(url: str) -> tuple[Books, Ledger]:
    books, ledger = Books.open(url, [ORGAN], RealClock()), Ledger(make_chart(Declaration.parse(CHART, "ledger.toml")))
    with books.write() as tx:
        ledger.open(tx, [Opening("source", "fen")])
    for first in range(0, ACCOUNTS, 10_000):
        names = [f"household:{n}" for n in range(first, first + 10_000)]
        with books.write() as tx:
            ledger.open(tx, [Opening(name, "fen") for name in names])
            ledger.post(tx, [Transfer(f"fund-{name}", "source", name, 1_000_000, "fen", "fund") for name in names])
    return books, ledger


def check_rows(rows: list[Row], known: set[str], balances: dict[int, int]) -> list[Row]:
    """What every ledger must do at least: leave out what is known and what is short."""
    good = []
    for row in rows:
        name, one, other, amount = row
        if name not in known and balances[one] >= amount:
            known.add(name)
            balances[one] -= amount
            balances[other] += amount
            good.append(row)
    return good


class BareSqlite:
    """Balance check and insert on SQLite, nothing else."""

    def __init__(self, path: str) -> None:
        self._to = sqlite3.connect(path, isolation_level=None)
        self._to.execute("PRAGMA journal_mode=WAL")
        self._to.execute("PRAGMA synchronous=FULL")
        self._to.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0))")
        self._to.execute("CREATE TABLE transfer (id TEXT PRIMARY KEY, debit INTEGER, credit INTEGER, amount INTEGER)")
        self._to.execute("BEGIN")
        self._to.executemany("INSERT INTO account VALUES (?, 1000000)", [(n,) for n in range(ACCOUNTS)])
        self._to.execute("COMMIT")

    def post(self, rows: list[Row]) -> float:
        """Post a batch; return the seconds that it took."""
        start = time.perf_counter()
        self._to.execute("BEGIN IMMEDIATE")
        among = "IN (SELECT value FROM json_each(?))"
        ids = json.dumps([row[0] for row in rows])
        known = {found for (found,) in self._to.execute(f"SELECT id FROM transfer WHERE id {among}", (ids,))}
        ends = json.dumps(sorted({end for row in rows for end in row[1:3]}))
        balances = dict(self._to.execute(f"SELECT id, balance FROM account WHERE id {among}", (ends,)))
        self._to.executemany("INSERT INTO transfer VALUES (?, ?, ?, ?)", check_rows(rows, known, balances))
        self._to.executemany("UPDATE account SET balance = ?2 WHERE id = ?1", balances.items())
        self._to.execute("COMMIT")
        return time.perf_counter() - start


class BarePostgres:
    """Balance check and insert on PostgreSQL, nothing else."""

    def __init__(self, url: str) -> None:
        self._to = psycopg.connect(url, autocommit=True)
        self._to.execute("CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0))")
        self._to.execute("CREATE TABLE transfer (id TEXT PRIMARY KEY, debit BIGINT, credit BIGINT, amount BIGINT)")
        self._to.execute("INSERT INTO account SELECT n, 1000000 FROM generate_series(0, %s) n", (ACCOUNTS - 1,))
        self._to.execute("ANALYZE account")

    def post(self, rows: list[Row]) -> float:
        """Post a batch; return the seconds that it took."""
        start = time.perf_counter()
        self._to.execute("BEGIN")
        names = [row[0] for row in rows]
        known = {found for (found,) in self._to.execute("SELECT id FROM transfer WHERE id = ANY (%s)", (names,))}
        ends = list({end for row in rows for end in row[1:3]})
        balances = dict(
            self._to.execute("SELECT id, balance FROM account WHERE id = ANY (%s) FOR UPDATE", (ends,)).fetchall()
        )
        with self._to.cursor().copy("COPY transfer FROM STDIN") as copy:
            for row in check_rows(rows, known, balances):
                copy.write_row(row)
        self._to.execute(
            "UPDATE account SET balance = new.balance FROM unnest(%s::bigint[], %s::bigint[]) AS new (id, balance)"
            " WHERE account.id = new.id",
            (list(balances), list(balances.values())),
        )
        self._to.execute("COMMIT")
        return time.perf_counter() - start


def _measure_hordak(folder: Path, server: Postgres) -> tuple[dict[int, float], str]:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *HORDAK], check=True)
    script = folder / "peer.py"
    script.write_text(PEER, encoding="utf-8")
    sizes = [(1, 100), (100, 3), (8_000, 1)]
    where = ["127.0.0.1", server.port, "yucun", "hordak", sizes]
    done = subprocess.run([python, script, json.dumps(where)], capture_output=True, text=True, check=True)
    ask = "from importlib.metadata import version; print(version('django-hordak'))"
    release = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    return {int(size): speed for size, speed in json.loads(done.stdout).items()}, release
