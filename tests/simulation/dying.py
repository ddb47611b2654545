"""A process that kills itself with SIGKILL at its n-th step towards the disk or the database.

A step is anything that changes what a restart will find: a statement sent to the database, a file opened for
writing, synced, renamed or removed. The process dies before the step, or right after it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool


class Countdown:
    """Counts steps and dies at one of them; with 0 it only counts."""

    def __init__(self, die_at: int) -> None:
        self.die_at = die_at
        self.taken = 0

    def step(self) -> None:
        """Take one step, or die."""
        self.taken += 1
        if self.taken == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, action: Callable[..., Any]) -> Callable[..., Any]:
        """Make an action a step before and a step after it."""

        def stepped(*values: Any, **named: Any) -> Any:
            self.step()
            answer = action(*values, **named)
            self.step()
            return answer

        return stepped

    def watch(self) -> None:
        """Put steps around everything durable; only ever called in a process that is to die."""
        countdown = self

        class DyingSqlite(sqlite3.Connection):
            def execute(self, *values: Any) -> Any:  # type: ignore[override]
                return countdown.around(super().execute)(*values)

        class DyingPostgres(psycopg.Connection[Any]):
            def execute(self, *values: Any, **named: Any) -> Any:
                return countdown.around(super().execute)(*values, **named)

        connect, pool = sqlite3.connect, psycopg_pool.ConnectionPool.__init__
        sqlite3.connect = lambda *v, **n: connect(*v, **{**n, "factory": DyingSqlite})  # type: ignore[assignment]
        psycopg_pool.ConnectionPool.__init__ = lambda own, *v, **n: pool(  # type: ignore[method-assign]
            own, *v, **{**n, "connection_class": DyingPostgres}
        )
        os.fsync = self.around(os.fsync)
        for name in ("replace", "unlink", "open"):
            setattr(Path, name, _stepped_method(self, getattr(Path, name)))


def _stepped_method(countdown: Countdown, method: Callable[..., Any]) -> Callable[..., Any]:
    def stepped(path: Path, *values: Any, **named: Any) -> Any:
        return countdown.around(method)(path, *values, **named)

    return stepped
