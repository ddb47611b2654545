"""Search: regions, numbers, tables and services by any of their words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from yucun.base.text import Text


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a search found: a region, number, table or service, with its address."""

    kind: str
    title: Text
    href: str
    said: Text

    def has(self, words: Iterable[str]) -> bool:
        """Whether it holds every word, in either language or in its address; words are in lower case."""
        said = f"{self.href} {self.title.zh} {self.title.en} {self.said.zh} {self.said.en}".casefold()
        return all(word in said for word in words)


def find_hits(text: str, hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits that hold every word of a text; none for a text without words."""
    words = text.casefold().split()
    return [hit for hit in hits if hit.has(words)] if words else []
