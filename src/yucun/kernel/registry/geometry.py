"""Exact tests on rings of whole-number points: do lines cross or touch, and does a point lie inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[int, int]
Ring = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A segment with its place: ring number, number within the ring, and how many the ring has."""

    a: Point
    b: Point
    ring: int
    number: int
    count: int


def turn(a: Point, b: Point, c: Point) -> int:
    """1 when a, b, c turn left, -1 when they turn right, 0 when they lie on one line; exact.

    Examples
    --------
    >>> turn((0, 0), (1, 0), (1, 1)), turn((0, 0), (1, 0), (2, 0))
    (1, 0)
    """
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (cross > 0) - (cross < 0)


def is_inside(point: Point, ring: Ring) -> bool:
    """True when a point lies strictly inside a closed ring; a point on the ring is not inside."""
    x, y = point
    inside = False
    for a, b in pairwise(ring):
        if turn(a, b, point) == 0 and _between(a, b, point):
            return False
        if (a[1] > y) != (b[1] > y):
            low, high = (a, b) if a[1] < b[1] else (b, a)
            inside ^= turn(low, high, (x, y)) > 0
    return inside


def find_contact(rings: Sequence[Ring]) -> Point | None:
    """Return a point near which closed rings cross, or one touches itself; None for sound rings.

    Two rings may touch in single points; a ring may not touch itself, and no two lines may run along each other.
    """
    lines = []
    for number, ring in enumerate(rings):
        pairs = [(a, b) for a, b in pairwise(ring) if a != b]
        lines += [_Line(a, b, number, i, len(pairs)) for i, (a, b) in enumerate(pairs)]
    lines.sort(key=lambda line: min(line.a[0], line.b[0]))
    active: list[_Line] = []
    for line in lines:
        west = min(line.a[0], line.b[0])
        low, high = min(line.a[1], line.b[1]), max(line.a[1], line.b[1])
        active = [other for other in active if max(other.a[0], other.b[0]) >= west]
        for other in active:
            if max(other.a[1], other.b[1]) < low or min(other.a[1], other.b[1]) > high:
                continue
            contact = _contact(line, other)
            if contact is not None:
                return contact
        active.append(line)
    return None


def _contact(one: _Line, other: _Line) -> Point | None:
    turns = (
        turn(one.a, one.b, other.a),
        turn(one.a, one.b, other.b),
        turn(other.a, other.b, one.a),
        turn(other.a, other.b, one.b),
    )
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return _crossing(one, other)
    touching = [
        point
        for side, (a, b, point) in zip(
            turns,
            ((one.a, one.b, other.a), (one.a, one.b, other.b), (other.a, other.b, one.a), (other.a, other.b, one.b)),
            strict=True,
        )
        if side == 0 and _between(a, b, point)
    ]
    if not touching:
        return None
    runs_along = not any(turns) and len(set(touching)) > 1
    step = (one.number - other.number) % one.count if one.ring == other.ring else -1
    follows = one.ring == other.ring and step in (1, one.count - 1)
    if runs_along or (one.ring == other.ring and not follows):
        return touching[0]
    return None


def _between(a: Point, b: Point, point: Point) -> bool:
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])


def _crossing(one: _Line, other: _Line) -> Point:
    """The point where two lines cross, to the nearest whole unit."""
    dx, dy = one.b[0] - one.a[0], one.b[1] - one.a[1]
    ex, ey = other.b[0] - other.a[0], other.b[1] - other.a[1]
    along = (other.a[0] - one.a[0]) * ey - (other.a[1] - one.a[1]) * ex
    across = dx * ey - dy * ex
    return one.a[0] + round(dx * along / across), one.a[1] + round(dy * along / across)
