"""The engine killed between any two steps of a made-up month, on both stores: nothing lost, nothing twice.

Here a sample of the points; ``YUCUN_CRASH_POINTS=1000`` goes through a thousand on each store.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.kernel.engine.made_up import ORGANS
from tests.servers import Postgres
from tests.simulation.engine_story import check_moment, live, live_and_die, open_engine
from yucun.base.clock import SimulatedClock
from yucun.kernel.books import Books, rebuild
from yucun.kernel.engine import compare

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "5"))
SEED = 5
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.simulation.engine_story"])


def die(folder: Path, url: str, die_at: int) -> int:
    process = PROCESSES.Process(target=live_and_die, args=(folder, url, SEED, die_at))
    process.start()
    process.join(300)
    assert process.exitcode is not None, "the month hangs"
    return process.exitcode


def said(value: object) -> str:
    """A value without the hashes of private texts: each run salts them anew."""
    return re.sub(r"private:[0-9a-f]{64}", "private", str(value))


def go_through(folder: Path, make_url: Callable[[str], str]) -> int:
    """Let the month end undisturbed once; then die at points of it, go on, and end the same. How many points."""
    calm_url = make_url("calm")
    assert die(folder, calm_url, 0) == 0
    steps = int((folder / "steps").read_text())
    calm, _ = open_engine(calm_url)
    survived = 0
    for die_at in sorted(random.Random(SEED).sample(range(1, steps), min(POINTS, steps - 1))):
        url = make_url(str(die_at))
        assert die(folder, url, die_at) == -signal.SIGKILL, f"step {die_at} of {steps} was not reached"
        engine, clock = open_engine(url)
        check_moment(engine)
        for _ in live(engine, clock, SEED):
            pass
        check_moment(engine)
        differs = [one for one in compare(calm.books, engine.books) if said(one.before) != said(one.after)]
        assert differs == [], f"seed {SEED}, step {die_at} of {steps}"
        fresh = Books.open("sqlite://", ORGANS, SimulatedClock.on(date(2022, 5, 2), ticking=False))
        assert rebuild(engine.books, fresh) == engine.books.state_hash()
        fresh.close()
        engine.books.close()
        survived += 1
    calm.books.close()
    return survived


def test_sqlite_survives_a_month_of_crashes(tmp_path: Path) -> None:
    assert go_through(tmp_path, lambda name: f"sqlite:///{tmp_path}/{name}.sqlite") == POINTS


def test_postgresql_survives_a_month_of_crashes(tmp_path: Path, postgres_server: Postgres, postgres_url: str) -> None:
    def make_url(name: str) -> str:
        database = f"month_{name}_{uuid.uuid4().hex}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return postgres_server.make_url(database)

    assert go_through(tmp_path, make_url) == POINTS


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_invariants_hold_after_every_delivery(tmp_path: Path, seed: int) -> None:
    engine, clock = open_engine(f"sqlite:///{tmp_path}/books.sqlite")
    deliveries = 0
    for _ in live(engine, clock, seed):
        check_moment(engine)
        deliveries += 1
    assert deliveries == 60
    with engine.books.read() as tx:
        status = dict(tx.rows("SELECT status, count(*) FROM engine_event GROUP BY status"))
    assert status["done"] > 20 and status["refused"] >= 1
    engine.books.close()


def test_messages_in_another_order_end_in_the_same_money(tmp_path: Path) -> None:
    """Each seed doubles and delays other messages; what is held and paid must always add up to what was asked."""
    for seed in range(4, 12):
        engine, clock = open_engine(f"sqlite:///{tmp_path}/{seed}.sqlite")
        for _ in live(engine, clock, seed):
            pass
        with engine.books.read() as tx:
            reserved, settled, freed, waiting = (
                int(tx.row(f"SELECT coalesce(sum({what}), 0) FROM ledger_transfer WHERE action = '{action}'")[0])  # type: ignore[index]
                for what, action in (("amount", "reserve"), ("amount", "settle"), ("released", "void"), ("0", "post"))
            )
            held = int(tx.row("SELECT coalesce(sum(coming_in), 0) FROM ledger_balance")[0])  # type: ignore[index]
        assert reserved == settled + freed + waiting + held, f"seed {seed}"
        engine.books.close()
