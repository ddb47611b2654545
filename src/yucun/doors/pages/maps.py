"""The schematic tile map as a drawing: cells, shades, borders between groups of cells, and where a group's name stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.drawing import shades_of
from yucun.doors.pages.views import EMPTY, Block, Cell, MapView
from yucun.kernel.registry import Regions
from yucun.kernel.registry.place import TileMap

WIDE, HIGH, GAP = 40, 36, 2
# Up to so many columns, cells are drawn large enough for English names.
_ROOMY = 6
_SUFFIXES = ("街道", "镇", "乡", "市", "社区", "村")
Spot = tuple[int, int]


def short_name(name: str) -> str:
    """A region's name without the word for its kind, when more than one character is left.

    Examples
    --------
    >>> short_name("仁皇山街道"), short_name("湖州市"), short_name("余村")
    ('仁皇山', '湖州', '余村')
    """
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix) + 1:
            return name.removesuffix(suffix)
    return name


def make_map(
    tilemap: TileMap,
    regions: Regions,
    counts: Mapping[RegionCode, float | None],
    say: Callable[[RegionCode], Text],
    address: Callable[[RegionCode], str],
    *,
    title: Text,
    said: Text = EMPTY,
    here: RegionCode | None = None,
) -> MapView:
    """Draw a tile map.

    Parameters
    ----------
    counts : mapping of RegionCode to number
        What the shades show; None where it is not known.
    say, address : callable
        The sentence read out for a cell, and where it leads.
    here : RegionCode or None
        Cells outside this region are quiet; a cell that is this region is marked.
    """
    spots = {(t.column, t.row): t.region for t in tilemap.tiles}
    groups = {spot: _group_of(regions, code) for spot, code in spots.items()}
    shades = shades_of([counts.get(code) for code in spots.values()])
    cells = tuple(
        Cell(
            code=code.short,
            label=_label(regions, code, counts.get(code), is_roomy=tilemap.columns <= _ROOMY),
            x=column * WIDE,
            y=row * HIGH,
            shade=shade,
            said=say(code),
            href=address(code),
            is_here=code == here,
            is_quiet=here is not None and code != here and not regions.is_within(code, here),
        )
        for ((column, row), code), shade in zip(spots.items(), shades, strict=True)
    )
    is_grouped = len(set(groups.values())) > 1
    known = [n for n in counts.values() if n is not None]
    return MapView(
        title=title,
        cells=cells,
        blocks=_blocks(regions, groups, address) if is_grouped else (),
        borders=_borders(groups) if is_grouped else "",
        width=tilemap.columns * WIDE,
        height=tilemap.rows * HIGH,
        cell_width=WIDE - GAP,
        cell_height=HIGH - GAP,
        said=said,
        low=f"{min(known):,.0f}" if known else "",
        high=f"{max(known):,.0f}" if known else "",
        scale=1.9 if tilemap.columns <= _ROOMY else 1.2,
    )


def _group_of(regions: Regions, code: RegionCode) -> RegionCode:
    return regions.get(code).parent or code


def _label(regions: Regions, code: RegionCode, count: float | None, *, is_roomy: bool) -> Text:
    """Chinese names fit into a cell; English ones do only in a small map, elsewhere a cell then shows its count."""
    name = regions.get(code).name
    english = name.en if is_roomy else f"{count:,.0f}" if count is not None else name.en[:3]
    return Text(short_name(name.zh), english)


def _borders(groups: Mapping[Spot, RegionCode]) -> str:
    """Lines between neighbouring cells of different groups; the outer edge stays open, since it is no outline."""
    steps = []
    for (column, row), group in groups.items():
        x, y = (column + 1) * WIDE - GAP / 2, (row + 1) * HIGH - GAP / 2
        if groups.get((column + 1, row), group) != group:
            steps.append(f"M{x:g} {row * HIGH - GAP / 2:g}V{y:g}")
        if groups.get((column, row + 1), group) != group:
            steps.append(f"M{column * WIDE - GAP / 2:g} {y:g}H{x:g}")
    return "".join(steps)


def _blocks(
    regions: Regions, groups: Mapping[Spot, RegionCode], address: Callable[[RegionCode], str]
) -> tuple[Block, ...]:
    """Put each group's name on free spots beside its cells, two spots wide, where it touches no other group's."""
    width = max(column for column, _ in groups) + 1
    height = max(row for _, row in groups) + 1
    taken = set(groups)
    blocks = []
    for group in sorted(set(groups.values())):
        own = {spot for spot, name in groups.items() if name == group}
        free = [
            (column, row)
            for row in range(height)
            for column in range(width - 1)
            if not {(column, row), (column + 1, row)} & taken
        ]
        best = max(free, key=lambda spot: _fit(spot, own, groups), default=None)
        if best is None or _fit(best, own, groups)[0] <= 0:
            continue
        taken |= {best, (best[0] + 1, best[1])}
        x, y = (best[0] + 1) * WIDE - GAP / 2, best[1] * HIGH + HIGH / 2
        name = regions.get(group).name
        blocks.append(
            Block(Text(name.zh, name.en.removesuffix(" County").removesuffix(" District")), x, y, address(group))
        )
    return tuple(blocks)


def _fit(spot: Spot, own: set[Spot], groups: Mapping[Spot, RegionCode]) -> tuple[int, int]:
    """How well a name on this spot and the next belongs to a group: own neighbours less others', then upper first."""
    column, row = spot
    beside = [(column - 1, row), (column + 2, row)]
    beside += [(column + across, row + down) for across in (0, 1) for down in (-1, 1)]
    score = sum(2 if s in own else -1 if s in groups else 0 for s in beside)
    return (score if any(s in own for s in beside) else -9, -row)
