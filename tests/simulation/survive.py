"""Going through a story with crashes: it ends undisturbed once, then it dies at points of it, goes on, and must end the same."""

from __future__ import annotations

import multiprocessing
import random
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.servers import Postgres
from tests.simulation.dying import Countdown
from yucun.base.clock import SimulatedClock
from yucun.kernel.books import Books, Organ, rebuild
from yucun.kernel.engine import EventEngine, TurningClock, compare

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.simulation.engine_story", "tests.simulation.hotline_month"])


@dataclass(frozen=True)
class Story:
    """A story over an engine's books; told again from its beginning it goes on where it was broken off.

    Parameters
    ----------
    open : callable
        Opens, or opens again, the books at a URL.
    live : callable
        Tells the story under a seed; yields after each step.
    check : callable
        Raises unless all holds that must hold at every moment.
    """

    organs: Sequence[Organ]
    first: date
    open: Callable[[str], tuple[EventEngine, TurningClock]]
    live: Callable[[EventEngine, TurningClock, int], Iterator[object]]
    check: Callable[[EventEngine], None]

    def tell(self, url: str, seed: int) -> EventEngine:
        """Tell all of it, or what is left of it."""
        engine, clock = self.open(url)
        try:
            for _ in self.live(engine, clock, seed):
                pass
        except BaseException:
            engine.books.close()
            raise
        return engine

    def tell_and_die(self, folder: Path, url: str, seed: int, die_at: int) -> None:
        """Run in a process of its own; it does not come back unless the story is over before the step."""
        countdown = Countdown(die_at)
        countdown.watch()
        self.tell(url, seed).books.close()
        (folder / "steps").write_text(str(countdown.taken))

    def die(self, folder: Path, url: str, seed: int, die_at: int) -> int:
        """Tell it in another process that dies at a step; with 0 it lives. Returns the exit code."""
        process = PROCESSES.Process(target=self.tell_and_die, args=(folder, url, seed, die_at))
        process.start()
        process.join(300)
        assert process.exitcode is not None, "the story hangs"
        return process.exitcode

    def check_end(self, calm: EventEngine, engine: EventEngine, where: str) -> None:
        """It ended as the undisturbed one did, and its journal makes the same books again."""
        self.check(engine)
        differs = [one for one in compare(calm.books, engine.books) if _said(one.before) != _said(one.after)]
        assert differs == [], where
        fresh = Books.open("sqlite://", self.organs, SimulatedClock.on(self.first, ticking=False))
        assert rebuild(engine.books, fresh) == engine.books.state_hash(), where
        fresh.close()

    def survives(self, folder: Path, stores: Stores, seed: int, points: int) -> int:
        """Die at points drawn under the seed; return how many were survived."""
        assert self.die(folder, stores.url("calm"), seed, 0) == 0
        steps = int((folder / "steps").read_text())
        calm, _ = self.open(stores.url("calm"))
        survived = 0
        for die_at in sorted(random.Random(seed).sample(range(1, steps), min(points, steps - 1))):
            url, where = stores.url(str(die_at)), f"seed {seed}, step {die_at} of {steps}"
            assert self.die(folder, url, seed, die_at) == -signal.SIGKILL, f"{where} was not reached"
            engine, _ = self.open(url)
            self.check(engine)
            engine.books.close()
            engine = self.tell(url, seed)
            self.check_end(calm, engine, where)
            engine.books.close()
            stores.drop(str(die_at))
            survived += 1
        calm.books.close()
        return survived


class Stores:
    """Stores by name, each its own: a file in a folder, or a database of a server."""

    def __init__(self, folder: Path, server: Postgres | None = None) -> None:
        self._folder = folder
        self._server = server
        self._made: dict[str, str] = {}

    def url(self, name: str) -> str:
        """The URL of one; made when it is first asked for."""
        if name not in self._made:
            made = self._server.make_database(f"story_{name}") if self._server else ""
            self._made[name] = made or f"sqlite:///{self._folder}/{name}.sqlite"
        return self._made[name]

    def drop(self, name: str) -> None:
        """Let go of one, so that a thousand do not fill the disk."""
        url = self._made.pop(name)
        if self._server:
            self._server.drop_database(url)
        else:
            for path in self._folder.glob(f"{name}.sqlite*"):
                path.unlink()


def _said(value: Any) -> str:
    """A value without the hashes of private texts: each run salts them anew."""
    return re.sub(r"private:[0-9a-f]{64}", "private", str(value))
