"""A made-up month of the hotline: killed between any two steps, the database server killed under it; nothing lost, nothing twice.

Here a sample of the points; ``YUCUN_CRASH_POINTS=1000`` goes through a thousand on each store. A seed that fails is
printed with its step; put it into ``KEPT``.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.servers import Postgres
from tests.simulation.hotline_month import STORY, check_moment, check_settled, live, make_month, open_month
from tests.simulation.survive import Stores

POINTS = int(os.environ.get("YUCUN_CRASH_POINTS", "4"))
SERVER_DEATHS = int(os.environ.get("YUCUN_SERVER_DEATHS", "2"))
SEED = 12345
# Seeds that once failed; each is lived through for good.
KEPT: tuple[int, ...] = ()


@pytest.mark.parametrize("seed", [1, 2, *KEPT])
def test_invariants_hold_after_every_delivery(tmp_path: Path, seed: int) -> None:
    engine, clock = open_month(f"sqlite:///{tmp_path}/books.sqlite")
    for number in live(engine, clock, seed):
        check_settled(engine)
        if number % 4 == 0:
            check_moment(engine)
    check_moment(engine)
    with engine.books.read() as tx:
        status = dict(tx.rows("SELECT status, count(*) FROM engine_event GROUP BY status"))
        states = Counter(row[0] for row in tx.rows("SELECT state FROM case_file"))
        urged = tx.row("SELECT count(*) FROM case_move WHERE move = 'urge'")
    assert status["done"] > 40 and status["refused"] >= 3, "the month is too quiet to show anything"
    assert len(states) >= 4 and urged is not None and int(urged[0]) > 5
    engine.books.close()


def test_what_is_sent_is_doubled_late_reordered_and_lost() -> None:
    keys = [event.key for _, events in make_month(SEED) for event in events]
    counted = Counter(keys)
    assert max(counted.values()) == 2
    assert any(f"arrived:M{n:02d}" not in counted for seed in range(9) for n in range(14) for counted in [_keys(seed)])
    assert any(keys.index(f"M{n:02d}:d") < keys.index(f"arrived:M{n:02d}")
               for seed in range(40) for keys in [list(_keys(seed))] for n in range(14)
               if f"M{n:02d}:d" in keys and f"arrived:M{n:02d}" in keys)  # fmt: skip


def _keys(seed: int) -> dict[str, None]:
    return dict.fromkeys(event.key for _, events in make_month(seed) for event in events)


def test_sqlite_survives_crashes(tmp_path: Path) -> None:
    assert STORY.survives(tmp_path, Stores(tmp_path), SEED, POINTS) == POINTS


def test_postgresql_survives_crashes(tmp_path: Path, postgres_server: Postgres) -> None:
    assert STORY.survives(tmp_path, Stores(tmp_path, postgres_server), SEED, POINTS) == POINTS


def test_the_database_server_is_killed_under_the_month(tmp_path: Path) -> None:
    """A server of its own dies at any moment; each time it comes back, the month goes on and ends the same."""
    server, chance = Postgres(), random.Random(SEED)
    calm = STORY.tell(f"sqlite:///{tmp_path}/calm.sqlite", SEED)
    try:
        server.start()
        began = time.monotonic()
        STORY.tell(server.make_database("timed"), SEED).books.close()
        whole_s = time.monotonic() - began
        url = server.make_database("month")
        broken = 0
        for _ in range(SERVER_DEATHS):
            killer = threading.Timer(chance.uniform(0.02, 0.9) * whole_s, _die_and_come_back, [server])
            killer.start()
            broken += _is_broken_off(url)
            killer.join()
            engine, _ = open_month(url)
            check_moment(engine)
            engine.books.close()
        assert broken, "the server never died while the month was told"
        engine = STORY.tell(url, SEED)
        STORY.check_end(calm, engine, f"seed {SEED}, {broken} of {SERVER_DEATHS} deaths broke in")
        engine.books.close()
    finally:
        calm.books.close()
        server.stop()


def _die_and_come_back(server: Postgres) -> None:
    server.kill()
    server.start()


def _is_broken_off(url: str) -> bool:
    """Tell the month; whether the store went away meanwhile. Anything else that goes wrong is an error."""
    try:
        STORY.tell(url, SEED).books.close()
    except Exception as error:
        if not _is_of_the_store(error):
            raise
        return True
    return False


def _is_of_the_store(error: BaseException) -> bool:
    """Whether a store that went away is the reason, in the words of the driver or its pool."""
    said: BaseException | None = error
    while said is not None:
        if type(said).__module__.split(".")[0] in ("psycopg", "psycopg_pool"):
            return True
        said = said.__cause__ or said.__context__
    return False
