"""Known answers for a message: which fit its words, which have lapsed, and which messages none of them covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

# An answer is proposed when it shares at least this much of its question with the message.
_LEAST_PERCENT = 34


@dataclass(frozen=True, slots=True)
class Answer:
    """A known answer with its clause."""

    id: str
    question: str
    answer: str
    law: str
    valid_to: date | None
    office: str = ""

    def is_lapsed(self, today: date) -> bool:
        """Whether it may no longer be used."""
        return self.valid_to is not None and self.valid_to < today


def read_answers(rows: Iterable[Mapping[str, Any]]) -> list[Answer]:
    """Answers from the rows of the table ``hotline.answer``."""
    return [
        Answer(r["id"], r["question"], r["answer"], r["law"], r.get("valid_to"), r.get("office") or "") for r in rows
    ]


def find_answers(text: str, answers: Sequence[Answer], most: int = 3) -> list[tuple[Answer, int]]:
    """Answers whose question shares most with a text, with the share in per cent.

    Examples
    --------
    >>> known = [Answer("1", "灵活就业怎么参保", "…", "《社会保险法》第十条", None)]
    >>> find_answers("请问灵活就业人员怎么参保", known)[0][1], find_answers("路灯不亮", known)
    (85, [])
    """
    said = _pairs(text)
    scored = []
    for one in answers:
        asked = _pairs(one.question)
        share = 100 * len(asked & said) // max(len(asked), 1)
        if share >= _LEAST_PERCENT:
            scored.append((one, share))
    return sorted(scored, key=lambda pair: (-pair[1], pair[0].id))[:most]


def _pairs(text: str) -> set[str]:
    plain = [c for c in text if c.isalnum()]
    return {a + b for a, b in pairwise(plain)}


def find_uncovered(texts: Sequence[tuple[str, str]], answers: Sequence[Answer], today: date) -> list[str]:
    """Ids of messages for which no answer in force fits."""
    in_force = [one for one in answers if not one.is_lapsed(today)]
    return [key for key, text in texts if not find_answers(text, in_force, 1)]
