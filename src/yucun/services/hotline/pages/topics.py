"""Hot topics as a picture: each topic's heat in its parts, and the days on which its messages came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from yucun.base.text import Text

# What `sample.py` writes before the words of a message.
MADE_UP = "（模拟）"


@dataclass(frozen=True, slots=True)
class Said:
    """A message as topics see it."""

    id: str
    text: str
    day: date
    caller: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A topic as it is drawn.

    Parameters
    ----------
    share : float
        Length of its bar in per cent of the hottest.
    days : tuple of (float, int)
        Place of a day in per cent of the time shown, and how many messages came on it.
    because : Text
        The arithmetic of its heat.
    """

    title: str
    places: tuple[str, ...]
    words: tuple[str, ...]
    members: tuple[str, ...]
    heat: float
    share: float
    days: tuple[tuple[float, int], ...]
    because: Text
    first: date | None
    last: date | None


def draw_topics(messages: Sequence[Said], today: date, most: int = 15, span_days: int = 30) -> list[Drawn] | None:
    """The hottest topics of more than one message; None where the models cannot run (scipy is an extra)."""
    try:
        from yucun.services.hotline.models import Message, group_topics  # noqa: PLC0415
    except ImportError:
        return None
    start = today - timedelta(days=span_days)
    # The mark of a made-up message is no word of the caller's.
    plain = [(m, m.text.removeprefix(MADE_UP)) for m in messages]
    asked = [Message(m.id, text[:40], text, m.day, m.caller) for m, text in plain]
    found = [t for t in group_topics(asked, today) if len(t.members) > 1][:most]
    hottest = max((t.heat.value for t in found), default=1.0)
    day_of = {m.id: m.day for m in messages}
    drawn = []
    for topic in found:
        heat = topic.heat
        less = max(heat.copies, heat.messages - heat.writers)
        counted = Counter(day_of[key] for key in topic.members)
        days = tuple(
            (round(100 * max((day - start).days, 0) / span_days, 1), number) for day, number in sorted(counted.items())
        )
        drawn.append(
            Drawn(
                topic.title,
                topic.places,
                topic.words,
                topic.members,
                round(heat.value, 1),
                round(100 * heat.value / hottest, 1),
                days,
                Text(
                    f"{heat.messages} 件减去重复的一半（{less} 件重复）再乘新鲜度 {heat.freshness:.2f}",
                    f"{heat.messages} messages less half of the {less} repeats, times a freshness of {heat.freshness:.2f}",
                ),
                heat.first,
                heat.last,
            )
        )
    return drawn
