"""The page of a region at any level: where it lies, what lies below it, and its numbers or why there are none."""

from __future__ import annotations

from dataclasses import replace

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.identity import LEVEL_TITLES, LEVELS, Level, RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.layout import find_screen, lay_out, show_screen
from yucun.doors.pages.maps import make_map
from yucun.doors.pages.valued import (
    bars_view,
    count_values,
    downloads_of,
    number_address,
    region_address,
    region_name,
    value_entry,
)
from yucun.doors.pages.views import (
    EMPTY,
    Bars,
    Card,
    Column,
    Crumb,
    Entry,
    Layout,
    MapView,
    Opening,
    RegionPage,
    Row,
    Span,
    Table,
)
from yucun.doors.pages.visit import Visit
from yucun.kernel.indicators.model import Value
from yucun.kernel.registry import BEGINNING, Region
from yucun.kernel.screens import Shown, ShownTile


def make_region_page(visit: Visit, region: Region) -> RegionPage:
    """Everything about one region, useful at every level."""
    city = visit.city
    on = city.clock.today()
    values = region_values(visit, region)
    screen = find_screen(visit, "/region/{region}")
    shown = show_screen(visit, screen, region.code) if screen else None
    above = city.regions.ancestors(region.code, on)
    children = city.regions.children(region.code, on)
    return RegionPage(
        opening=Opening(
            kicker=LEVEL_TITLES[region.level],
            sentence=region.name,
            lead=_lead(visit, region, values),
            code=region.code.short,
        ),
        trail=tuple(Crumb(r.name, region_address(r.code)) for r in sorted(above, key=lambda r: LEVELS.index(r.level))),
        facts=_facts(visit, region, above),
        map=make_region_map(visit, region),
        children_title=_children_title(children),
        children=tuple(_card(visit, child) for child in children),
        numbers=_numbers(visit, region, values),
        comparison=_comparison(visit, region, values),
        layout=lay_out(visit, _kept_here(shown, region), {}) if shown else Layout(),
        counts=count_values(values),
    )


def region_values(visit: Visit, region: Region) -> list[Value]:
    """The latest value, or the mark, of each number that is made at this level."""
    city = visit.city
    return [
        city.value(indicator.id, region.code, reader=visit.reader)
        for indicator in city.indicators.values()
        if region.level in indicator.levels
    ]


def _kept_here(shown: Shown, region: Region) -> Shown:
    """Leave out tiles without a number: what is missing stands in one list by its reasons, below."""
    listed = {mark.indicator.id for section in shown.sections for mark in section.marks}
    sections = [
        replace(section, tiles=tuple(tile for tile in section.tiles if _is_kept(tile, region, listed)))
        for section in shown.sections
    ]
    return replace(shown, sections=tuple(s for s in sections if s.tiles or s.bars or s.table or s.marks))


def _is_kept(tile: ShownTile, region: Region, listed: set[str]) -> bool:
    if region.level not in tile.indicator.levels:
        return False
    return tile.value.mark is None or tile.indicator.id not in listed


def count_below(visit: Visit, region: RegionCode) -> dict[Level, int]:
    """How many regions of each lower level lie within one today, as far down as all of them are registered."""
    level = visit.city.regions.get(region).level
    on = visit.city.clock.today()
    regions, counts = visit.city.regions, {}
    above = [regions.get(region, on)]
    for lower in LEVELS[LEVELS.index(level) + 1 :]:
        # Of a level that is registered for some regions only, a count would be too low; it is not given.
        if not all(regions.children(r.code, on) for r in above):
            break
        above = regions.at_level(lower, region, on)
        counts[lower] = len(above)
    return counts


def say_counts(counts: dict[Level, int]) -> Text:
    """Say how many counties, towns and villages there are."""
    texts = [words().fill(f"region.count_{level}", n=f"{n:,}") for level, n in counts.items()]
    return Text("、".join(t.zh for t in texts), ", ".join(t.en for t in texts))


def _lead(visit: Visit, region: Region, values: list[Value]) -> tuple[Span, ...]:
    catalogue = words()
    counts = count_below(visit, region.code)
    known = sum(value.mark is None for value in values)
    spans = [Span(catalogue.fill("region.holds", name=region.name, counts=say_counts(counts)))] if counts else []
    if known:
        spans.append(Span(catalogue.fill("region.known", known=known, waiting=len(values) - known)))
    elif values:
        spans.append(Span(catalogue.fill("region.waiting", n=len(values))))
    else:
        spans.append(Span(catalogue.fill("region.no_level", level=LEVEL_TITLES[region.level])))
    return tuple(spans)


def _facts(visit: Visit, region: Region, above: list[Region]) -> tuple[tuple[Text, Text], ...]:
    catalogue = words()
    facts = [
        (catalogue["region.code"], Text.same(str(region.code))),
        (catalogue["region.level"], LEVEL_TITLES[region.level]),
    ]
    if above:
        facts.append((catalogue["region.path"], visit.city.regions.path_title(region.code)))
    if region.valid_from != BEGINNING:
        facts.append((catalogue["region.since"], Text.same(region.valid_from.isoformat())))
    if visit.city.place.regions_note.zh:
        facts.append((catalogue["region.note"], visit.city.place.regions_note))
    return tuple(facts)


def make_region_map(visit: Visit, region: Region) -> MapView | None:
    """The place's schematic map, quiet outside this region; none for what lies outside the place."""
    regions, place = visit.city.regions, visit.city.place
    for tilemap in place.tilemaps.values():
        if tilemap.within == region.code or (tilemap.level == "town" and _lies_within(visit, region, tilemap.within)):
            break
    else:
        return None
    lower = LEVELS[min(LEVELS.index(tilemap.level) + 1, len(LEVELS) - 1)]
    counts: dict[RegionCode, float | None] = {t.region: len(regions.children(t.region)) for t in tilemap.tiles}

    def say(code: RegionCode) -> Text:
        count = words().fill(f"region.count_{lower}", n=int(counts[code] or 0))
        name = region_name(visit.city, code)
        return Text(f"{name.zh}：{count.zh}", f"{name.en}: {count.en}")

    here = None if tilemap.within == region.code else _cell_of(region)
    shown = {
        level: n
        for level, n in count_below(visit, tilemap.within).items()
        if LEVELS.index(level) <= LEVELS.index(tilemap.level)
    }
    said = words()[f"map.shade_{lower}"]
    return make_map(tilemap, regions, counts, say, region_address, title=say_counts(shown), said=said, here=here)


def _lies_within(visit: Visit, region: Region, above: RegionCode) -> bool:
    return visit.city.regions.is_within(region.code, above)


def _cell_of(region: Region) -> RegionCode:
    """A village has no cell of its own; its town's cell is marked."""
    return region.parent if region.level == "village" and region.parent else region.code


def _children_title(children: list[Region]) -> Text:
    if not children:
        return EMPTY
    return words().fill("region.children", counts=say_counts({children[0].level: len(children)}))


def _card(visit: Visit, child: Region) -> Card:
    below = len(visit.city.regions.children(child.code, visit.city.clock.today()))
    said = Text.same(str(below)) if below else EMPTY
    return Card(child.name, region_address(child.code), said)


def _numbers(visit: Visit, region: Region, values: list[Value]) -> Table:
    catalogue, city = words(), visit.city
    known = [value for value in values if value.mark is None]
    rows = tuple(
        Row(
            (
                Entry(city.indicators[v.indicator].title, number_address(v.indicator, region.code, v.period)),
                Entry(v.period.title if v.period else EMPTY),
                value_entry(v),
            )
        )
        for v in known
    )
    return Table(
        caption=catalogue.fill("region.caption", name=region.name),
        columns=(
            Column(catalogue["numbers.title_head"]),
            Column(catalogue["numbers.period"], is_short=True),
            Column(catalogue["numbers.value"], is_number=True),
        ),
        rows=rows,
        total=len(rows),
        downloads=downloads_of(f"/api/regions/{region.code.short}/values") if rows else (),
        empty=catalogue["region.none_known"],
        name="numbers",
    )


def _comparison(visit: Visit, region: Region, values: list[Value]) -> Bars | None:
    """The places below (for a province) or beside (for the rest) by the first service's one number."""
    city = visit.city
    for service in city.services.values():
        value = next((v for v in values if v.indicator == service.one_number and v.period and v.mark is None), None)
        if value is None or value.period is None:
            continue
        level: Level = "city" if region.level == "province" else region.level
        within = region.code if region.level == "province" else region.parent
        if within is None:
            continue
        others = city.compare(value.indicator, value.period, level, within, reader=visit.reader)
        if sum(v.number is not None for v in others) > 1:
            indicator = city.indicators[value.indicator]
            title = Text(
                f"{indicator.title.zh}，{value.period.title.zh}", f"{indicator.title.en}, {value.period.title.en}"
            )
            return bars_view(city, others, region.code, indicator, title=title)
    return None


@get("/region/{code:str}", include_in_schema=False, sync_to_thread=True)
def show_region(visit: NamedDependency[Visit], code: FromPath[str]) -> Response[str]:
    """One region."""
    region = visit.city.regions.get(RegionCode.parse(code), visit.city.clock.today())
    return visit.show("region.html", "city", lambda v: make_region_page(v, region))
