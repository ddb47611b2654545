"""The thread that runs the feeds while a city is served: a pass, a pause, another pass, until it is told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from yucun.kernel.lake.running.desk import Desk
from yucun.kernel.lake.running.model import Passed

_log = logging.getLogger("yucun.feeds")
EVERY_S = 15.0


def run_until(
    desk: Desk, stop: threading.Event, every_s: float = EVERY_S, tell: Callable[[Passed], None] | None = None
) -> int:
    """Pass over all feeds again and again until stopped; return how many passes there were.

    A pass that breaks is logged and does not end the thread: the next one finds the same state and tries again.
    """
    passes = 0
    while not stop.is_set():
        try:
            passed = desk.run_once()
        except Exception:  # noqa: BLE001 - the thread must live on for the other feeds; the log says why
            _log.exception("a pass over the feeds failed")
        else:
            if tell is not None and passed.did_anything:
                tell(passed)
        passes += 1
        stop.wait(every_s)
    return passes


@contextmanager
def running(desk: Desk, every_s: float = EVERY_S) -> Iterator[threading.Thread]:
    """Run the feeds in a thread for as long as the block lasts; leaving it waits for the pass under way."""
    stop = threading.Event()
    thread = threading.Thread(target=run_until, args=(desk, stop, every_s), name="feeds", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()
