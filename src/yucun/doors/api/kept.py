"""Answers given to the public, kept by tag while there is room: the same question is worked out once a journal line."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was sent."""

    content: bytes
    media_type: str
    headers: Mapping[str, str]


class KeptAnswers:
    """The last answers, up to so many bytes; a tag says everything that an answer depends on, so none grows stale.

    Examples
    --------
    >>> answers = KeptAnswers(most_bytes=20)
    >>> for word in ("one", "two", "three", "four", "five", "six"):
    ...     answers.keep(word, Kept(word.encode(), "text/plain", {}))
    >>> answers.find("one"), answers.find("six").content
    (None, b'six')
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._answers: OrderedDict[str, Kept] = OrderedDict()
        self._guard = threading.Lock()

    def find(self, tag: str) -> Kept | None:
        """Return an answer, or None."""
        with self._guard:
            found = self._answers.get(tag)
            if found is not None:
                self._answers.move_to_end(tag)
            return found

    def keep(self, tag: str, answer: Kept) -> None:
        """Keep an answer, and let the oldest go for it; one that would need a quarter of the room is not kept."""
        size = len(answer.content)
        if 4 * size > self._most:
            return
        with self._guard:
            if tag in self._answers:
                return
            self._answers[tag] = answer
            self._held += size
            while self._held > self._most:
                _, oldest = self._answers.popitem(last=False)
                self._held -= len(oldest.content)
