"""Pages of long lists: a cursor says where the next one begins and belongs to one question alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.doors.api.asking import Asked

Item = TypeVar("Item")


def question_of(asked: Asked) -> str:
    """What was asked, without place, size and form of the page: a cursor of another question is refused."""
    said = sorted(f"{k}={v}" for k, v in asked.query if k not in ("cursor", "limit", "format"))
    return hashlib.sha256("\n".join([asked.path, *said]).encode()).hexdigest()[:16]


def make_cursor(asked: Asked, *place: Any) -> str:
    """Write a cursor.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> one = SimpleNamespace(path="/api/x", query=[("region", "33"), ("limit", "5")])
    >>> read_cursor(SimpleNamespace(path="/api/x", query=[("region", "33")]), make_cursor(one, 12, "a"))
    [12, 'a']
    """
    packed = msgspec.json.encode([question_of(asked), *place])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(asked: Asked, cursor: str) -> list[Any]:
    """Read a cursor, or raise `NotKnown`: it names no page of this question."""
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[Any])
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        said = []
    if not said or said[0] != question_of(asked):
        raise NotKnown(
            Finding(
                "api.cursor",
                "cursor",
                cursor[:120],
                "next",
                Text(
                    "这个 cursor 不属于这次查询；请从第一页重新开始，用每页给出的 next",
                    "this cursor belongs to another question; start at the first page and use the `next` that each page gives",
                ),
                "cursor",
            )
        )
    return said[1:]


def offset_of(asked: Asked) -> int:
    """How many items lie before this page."""
    cursor = asked.get("cursor")
    if cursor is None:
        return 0
    place = read_cursor(asked, cursor)
    return place[0] if len(place) == 1 and isinstance(place[0], int) and place[0] >= 0 else 0


def cut(asked: Asked, items: Sequence[Item], default: int = 100) -> tuple[Sequence[Item], str | None]:
    """One page of a list that does not change while it is read, and the cursor of the next."""
    first, limit = offset_of(asked), asked.get("limit") or default
    after = first + limit
    return items[first:after], make_cursor(asked, after) if after < len(items) else None


def address_of_next(asked: Asked, cursor: str | None) -> str:
    """Address of the next page; empty when this is the last."""
    if cursor is None:
        return ""
    kept = [(k, v) for k, v in asked.query if k != "cursor"]
    return f"{asked.path}?{urlencode([*kept, ('cursor', cursor)])}"
