"""Where the sections of a screen stand: pictures below the opening, what is short at the side, the rest below both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.shown import make_section
from yucun.doors.pages.views import Layout, MapView, Section
from yucun.doors.pages.visit import Visit
from yucun.kernel.screens import Screen, Shown, ShownSection
from yucun.kernel.screens.model import Shape

PICTURES: tuple[Shape, ...] = ("map", "bars")
BESIDE: tuple[Shape, ...] = ("dimensions",)
# So many tiles leave room for another section beside them.
_FEW = 2
# From a section of the lake's own to what the page knows of it; None leaves it out.
Filler = Callable[[ShownSection], Section | None]


def find_screen(visit: Visit, address: str) -> Screen | None:
    """The screen declared for an address, ``{region}`` unfilled."""
    return next((screen for screen in visit.city.screens.values() if screen.address == address), None)


def show_screen(visit: Visit, screen: Screen, region: RegionCode, as_of: int | None = None) -> Shown:
    """Resolve a screen for this reader; a level that it is not made for is said in words."""
    if visit.city.regions.get(region).level not in screen.levels:
        name = visit.city.regions.get(region).name
        raise NotKnown(
            Finding(
                "pages.level",
                visit.path,
                region.short,
                ", ".join(screen.levels),
                words().fill("screen.no_level", name=name),
            )
        )
    return visit.city.screen(screen.id, region, as_of=as_of, reader=visit.reader)


def lay_out(visit: Visit, shown: Shown, fillers: Mapping[Shape, Filler], first_map: MapView | None = None) -> Layout:
    """Put sections in their places, in the order in which the screen names them.

    Parameters
    ----------
    fillers : mapping
        For the shapes that the lake fills, what makes their section.
    first_map : MapView or None
        A map to stand first among the pictures when the screen declares none of its own.
    """
    main: list[Section] = []
    side: list[Section] = []
    below: list[Section] = []
    for section in shown.sections:
        filler = fillers.get(section.shape)
        made = filler(section) if filler else make_section(visit, section, shown)
        if made is None:
            continue
        place = side if section.shape in BESIDE else main if section.shape in PICTURES and not below else below
        place.append(made)
    if first_map is not None and not any(section.map for section in (*main, *below)):
        main.insert(0, Section(first_map.title, "map", map=first_map))
    return Layout(tuple(main), tuple(side), _in_rows(below))


def _in_rows(sections: Sequence[Section]) -> tuple[tuple[Section, ...], ...]:
    """One section a row; a section of one or two tiles shares its row with the tiles that follow."""
    rows: list[list[Section]] = []
    for section in sections:
        before = rows[-1] if rows else []
        is_beside = len(before) == 1 and before[0].shape == section.shape == "tiles" and len(before[0].numbers) <= _FEW
        if is_beside:
            before.append(section)
        else:
            rows.append([section])
    return tuple(tuple(row) for row in rows)
