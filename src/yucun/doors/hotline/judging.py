"""Judging what comes in: learns from messages that the city handled, and finds the one that says the same."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from yucun.city import City
from yucun.kernel.cases import Case
from yucun.kernel.engine.private import read_private
from yucun.services.hotline.pages.intake import Judge, Learned, PlaceBook, learn

KIND = "hotline.request"
# How many of the newest messages are learned from, and compared with.
_MOST_LEARNED, _MOST_COMPARED = 3000, 400
# It learns again once a fifth more messages were handled.
_GROWTH = 1.2
_HANDLED = ("dispatched", "accepted", "waiting", "replied", "visited", "closed")


_JUDGES: WeakKeyDictionary[City, Judging] = WeakKeyDictionary()


def judging_of(city: City) -> Judging:
    """A city's judge, the same one for all ways in."""
    return _JUDGES.setdefault(city, Judging(city))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a message that the city holds."""

    case: Case
    words: str


class Judging:
    """One city's judge: kept ready, fitted again as messages are handled. Safe for many threads.

    Parameters
    ----------
    city : City
        Its books hold the messages; nothing is kept elsewhere.
    """

    def __init__(self, city: City) -> None:
        self.city = city
        self._lock = threading.Lock()
        self._judge: Judge | None = None
        self._day: date | None = None
        self._handled = 0
        self._pack = ""

    def judge(self, text: str, address: str = "", *, service: str = "", compare: bool = True) -> dict[str, Any]:
        """Say what a message is about, and which open one it repeats."""
        found = self._ready().judge(text, address, service=service)
        like = self.find_like(text) if compare else ""
        return {**found, **({"like": like} if like else {})}

    @property
    def learned(self) -> Learned | None:
        """What judging learned from; None while word lists propose and a person decides."""
        return self._ready().learned

    def _ready(self) -> Judge:
        pack = self.city.work.engine.services["hotline"].pack
        today = self.city.clock.today()
        with self._lock:
            handled = self._count_handled()
            is_stale = self._judge is None or self._day != today or self._pack != pack.hash
            if is_stale or handled > _GROWTH * max(self._handled, 30):
                texts = self.read_texts(_HANDLED, _MOST_LEARNED)
                own = [t for t in texts if not t.case.fields.get("is_made_up")]
                source, chosen = ("city", own) if len(own) >= 200 else ("made_up", [t for t in texts if t not in own])
                told = [
                    (t.case.id, t.words, str(t.case.fields["subject"])) for t in chosen if "subject" in t.case.fields
                ]
                places = PlaceBook.of(self.city.regions, self.city.place.region, today)
                self._judge = Judge(pack.values, places, learn(told, pack.values, source))
                self._day, self._handled, self._pack = today, handled, pack.hash
            assert self._judge is not None
            return self._judge

    def _count_handled(self) -> int:
        with self.city.books.read() as tx:
            counted = self.city.work.cases.count(tx, KIND)
        return sum(number for state, number in counted.items() if state in _HANDLED)

    def read_texts(self, states: Sequence[str] = (), most: int = _MOST_COMPARED) -> list[Words]:
        """Words of the newest messages, for judging and grouping; what was forgotten is left out."""
        with self.city.books.read() as tx:
            cases = self.city.work.cases.list_cases(tx, KIND, states=states, limit=most, newest_first=True)
            marks = {str(case.fields["text"]) for case in cases if "text" in case.fields}
            held = read_private(tx, marks)
        return [Words(c, held[str(c.fields["text"])]) for c in cases if str(c.fields.get("text")) in held]

    def find_like(self, text: str) -> str:
        """The newest open message that says nearly the same; empty where there is none."""
        open_ones = [t for t in self.read_texts() if t.case.closed_at is None and not t.case.merged_into]
        exact = next((t.case.id for t in open_ones if t.words == text), "")
        if exact or not open_ones or len(text) < 12:
            return exact
        try:
            from yucun.services.hotline.models import Message, find_duplicates  # noqa: PLC0415 - scipy is an extra
        except ImportError:
            return ""
        messages = [Message(t.case.id, "", t.words) for t in open_ones] + [Message("", "", text)]
        pairs = [(a, value) for a, b, value in find_duplicates(messages) if b == ""]
        return max(pairs, key=lambda pair: pair[1], default=("", 0.0))[0]
