"""Loads under way: one thread works through the files that were sent, says how far it is, and can be stopped."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from yucun.base.errors import Yours
from yucun.base.text import Text
from yucun.city import City
from yucun.kernel.access import Reader
from yucun.kernel.lake.model import Landing

_log = logging.getLogger(__name__)
_KEPT = 200


class Stopped(Exception):  # noqa: N818 - a wish, not an error
    """The person who sent the file asked to stop before anything landed."""


@dataclass(slots=True)
class Load:
    """One file on its way; `landing` or `error` says how it ended."""

    key: str
    account: str
    name: str
    step: Text
    done: int = 0
    total: int = 0
    landing: Landing | None = None
    error: Yours | None = None
    is_stopped: bool = False
    is_broken: bool = False
    wants_stop: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def tell(self, step: Text, done: int, total: int) -> None:
        """Note how far the load is; raise `Stopped` when that was asked for."""
        self.step, self.done, self.total = step, done, total
        if self.wants_stop:
            raise Stopped


class Loads:
    """The loads of one city, newest last; a city has one writer, so one thread is as fast as many."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._loads: dict[str, Load] = {}
        self._guard = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "load")

    def begin(
        self,
        content: bytes,
        name: str,
        table: str,
        reader: Reader,
        given: Mapping[str, str],
        *,
        correct: bool,
        waiting: Text,
    ) -> Load:
        """Queue a file and return at once."""
        load = Load(secrets.token_urlsafe(12), reader.account, name, waiting)

        def work() -> Landing:
            load.tell(load.step, 0, 0)
            return self._city.load(
                content, name, table, reader=reader, given=given, correct=correct, progress=load.tell
            )

        with self._guard:
            for key in [k for k, old in self._loads.items() if old.ended.is_set()][: -_KEPT or None]:
                del self._loads[key]
            self._loads[load.key] = load
        self._worker.submit(_run, load, work)
        return load

    def find(self, key: str, reader: Reader) -> Load | None:
        """Return a load of this reader's own; None for anyone else's."""
        load = self._loads.get(key)
        return load if load is not None and load.account == reader.account else None


def _run(load: Load, work: Callable[[], Landing]) -> None:
    try:
        load.landing = work()
    except Stopped:
        load.is_stopped = True
    except Yours as error:
        load.error = error
    except Exception:  # noqa: BLE001 - see below
        # The thread must live on for the next file; the page says that it is our fault, the log says why.
        _log.exception("loading %s failed", load.name)
        load.is_broken = True
    finally:
        load.ended.set()
