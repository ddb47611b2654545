"""Geometry of the small pictures: from numbers to positions, nothing else."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Sequence

from yucun.base.text import Text
from yucun.doors.pages.views import Line, Point, Spark, Strip, Tick

# A series is drawn in per cent of the width, so that letters keep their size on a phone, and 240 high.
HIGH = 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 16.0, 8.0, 26.0, 32.0


def share_of_longest(numbers: Sequence[float | None]) -> list[float]:
    """Lengths of zero-based bars in per cent of the longest; nothing known or nothing positive is 0.

    Examples
    --------
    >>> share_of_longest([1.0, 2.0, None])
    [50.0, 100.0, 0.0]
    """
    longest = max((n for n in numbers if n is not None), default=0.0)
    return [round(100 * max(n, 0) / longest, 2) if n is not None and longest > 0 else 0.0 for n in numbers]


def shades_of(numbers: Sequence[float | None]) -> list[int]:
    """Five shades with about as many places each, lightest for the lowest; 0 where nothing is known.

    Equal numbers have equal shades.

    Examples
    --------
    >>> shades_of([1, 2, 3, 4, 50, None, 50])
    [1, 1, 2, 3, 4, 0, 4]
    """
    known = sorted(n for n in numbers if n is not None)
    return [0 if n is None else 1 + 5 * bisect_left(known, n) // len(known) for n in numbers]


def tick_values(low: float, high: float, count: int = 4) -> list[float]:
    """Round values from at or below ``low`` to at or above ``high``.

    Examples
    --------
    >>> tick_values(1.49, 2.08)
    [1.4, 1.6, 1.8, 2.0, 2.2]
    >>> tick_values(50, 50)
    [40.0, 60.0]
    """
    span = high - low or abs(high) or 1.0
    raw = span / count
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(scale * m for m in (1, 2, 2.5, 5, 10) if scale * m >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * n, 10) for n in range(first, max(last, first + 1) + 1)]


def make_spark(numbers: Sequence[float]) -> Spark | None:
    """A line of 100 by 24 from the lowest to the highest number; None for fewer than three, which are no course."""
    if len(numbers) < 3:
        return None
    low, high = min(numbers), max(numbers)
    points = [
        (100 * i / (len(numbers) - 1), 22 - 20 * ((n - low) / (high - low) if high > low else 0.5))
        for i, n in enumerate(numbers)
    ]
    return Spark(_path(points), Point(*points[-1]))


def make_strip(places: Sequence[tuple[Text, float, str, bool]], unit: Text) -> Strip | None:
    """Dots between the lowest and the highest; each place is (name, number, shown, is ours)."""
    if len(places) < 2:
        return None
    numbers = [number for _, number, _, _ in places]
    low, high = min(numbers), max(numbers)
    points = [
        Point(round(100 * (number - low) / (high - low), 2) if high > low else 50.0, 0, name, shown, is_here)
        for name, number, shown, is_here in sorted(places, key=lambda place: place[3])
    ]
    ends = [min(places, key=lambda p: p[1]), max(places, key=lambda p: p[1])]
    texts = [Text(f"{name.zh} {shown}{unit.zh}", f"{name.en} {shown} {unit.en}".strip()) for name, _, shown, _ in ends]
    return Strip(tuple(points), texts[0], texts[1])


def make_line(title: Text, places: Sequence[tuple[Text, float, str, str, bool]], unit: Text, decimals: int) -> Line:
    """A series of comparable periods; each point is (period, number, shown, address, is the one asked for)."""
    numbers = [p[1] for p in places]
    values = tick_values(min(numbers), max(numbers), 3)
    low, high = values[0], values[-1]

    def at_y(number: float) -> float:
        return round(HIGH - _BOTTOM - (HIGH - _TOP - _BOTTOM) * (number - low) / (high - low), 1)

    step = (100 - _LEFT - _RIGHT) / max(1, len(places) - 1)
    points = tuple(
        Point(round(_LEFT + step * i if len(places) > 1 else 50.0, 1), at_y(number), label, shown, is_here, href)
        for i, (label, number, shown, href, is_here) in enumerate(places)
    )
    places_after = max(decimals, 0)
    ticks = tuple(Tick(at_y(v), f"{v:,.{_decimals_needed(values, places_after)}f}") for v in values)
    data = json.dumps([[label.to_json(), number, shown] for label, number, shown, _, _ in places], ensure_ascii=False)
    return Line(title, _path([(p.x, p.y) for p in points]), points, ticks, unit, places_after, data)


def _decimals_needed(values: Sequence[float], most: int) -> int:
    return next((d for d in range(most + 1) if all(round(v, d) == round(v, 6) for v in values)), most)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
