"""The vocabulary of a load: words of closed meaning that were understood so far, each by the functions of small files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from yucun.kernel.lake.checking import RegionBook
from yucun.kernel.lake.checking.words import Word, end_of, read_regions, read_words
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.reading.rows import BLANK_WORDS, FOOTNOTE, TOTAL

LOOKED_UP = ("region", "period", "date", "boolean", "code")
_SET_ASIDE = re.compile(
    "|".join(p.replace(r"\x{3000}", "\u3000").replace("(?i:", "(?:") for p in (TOTAL, FOOTNOTE)), re.IGNORECASE
)
_MOST_WORDS = 200_000
_UNKNOWN = Word(problem="unasked")


@dataclass(slots=True)
class Vocabulary:
    """Words of each field and what they mean; only words without any doubt are in it.

    A region is asked for on the first and the last day of the load. A word that means something else on the two is left
    out, so that each of its records is looked at by itself.
    """

    contract: Contract
    regions: RegionBook
    today: date
    known: dict[str, dict[str, object]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)
    first_day: date | None = None
    # Text fields of which the first piece holds few different words; they are checked once a word, too.
    few: set[str] = field(default_factory=set)

    def keep(self, name: str, words: Iterable[str], sound: Iterable[str]) -> bool:
        """Note words of a text field and which of them are sound; true when some are."""
        kept = {word: word for word in sound}
        self.seen.setdefault(name, set()).update(words)
        self.known.setdefault(name, {}).update(kept)
        return bool(kept)

    def learn(self, about: Field, words: Iterable[str]) -> bool:
        """Understand words that were not asked for before; true when some of them mean something."""
        known, seen = self.known.setdefault(about.name, {}), self.seen.setdefault(about.name, set())
        fresh = {w for w in words if w not in seen and w not in BLANK_WORDS and w == w.strip()}
        if not fresh or len(seen) + len(fresh) > _MOST_WORDS:
            return False
        seen |= fresh
        meant = self._understand(about, fresh)
        sure = {w: m.value for w, m in meant.items() if m.problem is None and not _SET_ASIDE.search(w)}
        known.update(sure)
        return bool(sure)

    def _understand(self, about: Field, words: set[str]) -> dict[str, Word]:
        if about.type != "region":
            return read_words(about, words, self.today)
        last = read_regions(about, words, self.regions, self.today)
        if self.first_day is None or self.first_day >= self.today:
            return last
        first = read_regions(about, words, self.regions, self.first_day)
        return {w: m if m == first[w] else _UNKNOWN for w, m in last.items()}

    def begin_at(self, day: date | None) -> bool:
        """Reach back to an earlier day; true when regions had to be asked again."""
        if day is None or (self.first_day is not None and day >= self.first_day):
            return False
        self.first_day = day
        for about in self.contract.fields:
            if about.type == "region" and self.seen.get(about.name):
                asked = self.seen.pop(about.name)
                self.known.pop(about.name, None)
                self.learn(about, asked)
        return True

    def earliest(self, about: Field, words: Iterable[str]) -> date | None:
        """The earliest end among the words of a period or date."""
        ends = (end_of(word, about.type) for word in words)
        return min((end for end in ends if end is not None), default=None)

    def odd(self, about: Field) -> pa.Table | None:
        """Words that are not written as their value is, with it; None when there are none."""
        odd = {w: v for w, v in self.known.get(about.name, {}).items() if w != _plain(v)}
        if not odd:
            return None
        return pa.table(
            {"word": pa.array(list(odd), pa.string()), "value": pa.array(list(odd.values()), about.arrow_type)}
        )

    def plain(self, about: Field) -> list[str]:
        """Words that are written as their value is, in order."""
        return sorted(w for w, v in self.known.get(about.name, {}).items() if w == _plain(v))

    def values(self, about: Field) -> list[str]:
        """The texts that a field may hold, in order."""
        return sorted({str(v) for v in self.known.get(about.name, {}).values()})


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
