"""The engine killed between any two steps of a made-up month, on both stores: nothing lost, nothing twice.

Here a sample of the points; ``YUCUN_CRASH_POINTS=1000`` goes through a thousand on each store.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from tests.kernel.engine.made_up import ORGANS
from tests.servers import Postgres
from tests.simulation.engine_story import check_moment, live, open_engine
from tests.simulation.survive import Stores, Story

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "5"))
SEED = 5


STORY = Story(ORGANS, date(2022, 5, 2), open_engine, live, check_moment)


def test_sqlite_survives_a_month_of_crashes(tmp_path: Path) -> None:
    assert STORY.survives(tmp_path, Stores(tmp_path), SEED, POINTS) == POINTS


def test_postgresql_survives_a_month_of_crashes(tmp_path: Path, postgres_server: Postgres) -> None:
    assert STORY.survives(tmp_path, Stores(tmp_path, postgres_server), SEED, POINTS) == POINTS


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
