"""What all lists share: order by a column, a page at a time, and the moments that one may look back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.valued import minute_of
from yucun.doors.pages.views import Column, Option
from yucun.doors.pages.visit import Visit

Thing = TypeVar("Thing")
_MOMENTS = 40


class Cut(TypedDict):
    """Where a page of a list begins, and the addresses of the pages beside it."""

    first: int
    before: str
    after: str


def read_number(visit: Visit, key: str, otherwise: int) -> int:
    """Return a whole number of the query that is at least 1; anything else is ``otherwise``."""
    word = visit.get(key)
    return int(word) if word.isascii() and word.isdigit() and 0 < int(word) < 10**9 else otherwise


def sort_rows(
    visit: Visit,
    things: Sequence[Thing],
    keys: Mapping[str, Callable[[Thing], Any]],
    titles: Mapping[str, Text],
    otherwise: str,
) -> tuple[list[Thing], tuple[Column, ...]]:
    """Order things by the asked column, and make the heads that order by the others."""
    asked = visit.get("sort") or otherwise
    name, is_down = asked.lstrip("-"), asked.startswith("-")
    if name not in keys:
        name, is_down = otherwise, False
    columns = tuple(
        Column(
            title=titles[key],
            sort_href=visit.link(sort=f"-{key}" if key == name and not is_down else key, page=None),
            direction=("descending" if is_down else "ascending") if key == name else "",
        )
        for key in keys
    )
    return sorted(things, key=keys[name], reverse=is_down), columns


def cut_page(visit: Visit, things: Sequence[Thing], size: int, key: str = "page") -> tuple[Sequence[Thing], Cut]:
    """Return the asked page of a list and where it lies."""
    page = read_number(visit, key, 1)
    last = max(1, -(-len(things) // size))
    page = min(page, last)
    return things[(page - 1) * size : page * size], cut_at(visit, page, last, size, key)


def cut_at(visit: Visit, page: int, last: int, size: int, key: str = "page") -> Cut:
    """Where a page of a list lies, when somebody else has cut it."""
    return Cut(
        first=(page - 1) * size + 1,
        before=visit.link(**{key: page - 1}) if page > 1 else "",
        after=visit.link(**{key: page + 1}) if page < last else "",
    )


def moments_of(visit: Visit) -> tuple[tuple[Option, ...], int | None]:
    """The moments after each landing, newest first, and the one that was asked; None for now."""
    word = visit.get("as_of")
    if word and not (word.isascii() and word.isdigit() and len(word) < 18):
        raise NotKnown(
            Finding("pages.as_of", visit.path, word[:60], "1", words().fill("number.no_moment", asked=word[:40]))
        )
    chosen = int(word) if word else None
    options = [Option("", words()["number.now"], chosen is None)]
    for landing in visit.city.landings(limit=_MOMENTS):
        title = words().fill("number.after", at=minute_of(landing.at), name=landing.name)
        options.append(Option(str(landing.seq), title, landing.seq == chosen))
    if chosen is not None and not any(o.is_chosen for o in options):
        options.append(Option(str(chosen), words().fill("number.seq", seq=chosen), is_chosen=True))
    return tuple(options), chosen
