"""Regions and the search over HTTP."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import FORMS, Asked, Done, Operation, Parameter, Sheet
from yucun.doors.api.flat import VALUE_COLUMNS, flatten_shapes, flatten_values
from yucun.doors.api.numbers import about
from yucun.doors.api.paging import address_of_next, cut
from yucun.doors.api.shapes import (
    HitShape,
    HitsShape,
    RegionShape,
    RegionsShape,
    ValuesShape,
    shape_region,
    shape_value,
)
from yucun.doors.api.text_shapes import words
from yucun.kernel.registry import Region

if TYPE_CHECKING:
    from yucun.city import City

SHELF = "regions"


def list_operations(city: City) -> list[Operation]:
    """All operations about regions, and the search."""
    region = ask.choose_region(city, place="path")
    within = ask.choose_region(city, "within", required=False, meaning=Text("只看某地之内", "only within a region"))
    words_ = ask.choose_words("q", Text("名称或代码的一部分", "part of a name or of a code"), example="织里")
    page = (ask.choose_limit(), ask.choose_cursor(), ask.choose_form())
    return [
        Operation(
            "listRegions",
            "GET",
            "/api/regions",
            SHELF,
            Text("全部地区", "All regions"),
            list_regions,
            RegionsShape,
            parameters=(words_, ask.choose_level(), within, choose_day(), *page),
            forms=FORMS,
            problems=(404,),
        ),
        Operation(
            "getRegion",
            "GET",
            "/api/regions/{region}",
            SHELF,
            Text("一个地区", "One region"),
            get_region,
            RegionShape,
            parameters=(region, choose_day()),
        ),
        Operation(
            "listChildren",
            "GET",
            "/api/regions/{region}/children",
            SHELF,
            Text("下一级地区", "The regions right below"),
            list_children,
            RegionsShape,
            parameters=(region, choose_day(), *page),
            forms=FORMS,
        ),
        Operation(
            "listValues",
            "GET",
            "/api/regions/{region}/values",
            SHELF,
            Text("一地的全部最新数", "The newest of every number of a region"),
            list_values,
            ValuesShape,
            parameters=(region, ask.choose_moment(city), ask.choose_purpose(city), ask.choose_form()),
            forms=FORMS,
        ),
        _searching(),
    ]


def _searching() -> Operation:
    return Operation(
        "search",
        "GET",
        "/api/search",
        "search",
        Text("查找地区、数字、表", "Search regions, numbers and tables"),
        search,
        HitsShape,
        parameters=(ask.choose_words("q", Text("要找的字", "what to look for"), required=True, example="城乡"),),
    )


def choose_day() -> Parameter:
    """In the map of which day."""
    return Parameter(
        "on",
        "query",
        Text("按哪一天的地图，不写即现行地图", "in the map of which day; the newest, if it is left out"),
        {"type": "string", "pattern": f"^{ask.DAY}$"},
        date.fromisoformat,
        "2022-05-31",
    )


def list_regions(asked: Asked) -> Sheet:
    """Regions by name, level and place."""
    regions, on, within, level = asked.city.regions, asked.get("on"), asked.get("within"), asked.get("level")
    if asked.get("q"):
        found = regions.search(asked.get("q"), 1000, on)
        found = [
            r for r in found if level in (None, r.level) and (within is None or regions.is_within(r.code, within, on))
        ]
    elif level:
        found = regions.at_level(level, within, on)
    else:
        found = [r for r in regions if r.is_valid(on) and (within is None or regions.is_within(r.code, within, on))]
    return _sheet(asked, "regions", found)


def list_children(asked: Asked) -> Sheet:
    """The regions right below one."""
    return _sheet(
        asked, f"regions-{asked.get('region').short}", asked.city.regions.children(asked.get("region"), asked.get("on"))
    )


def list_values(asked: Asked) -> Sheet:
    """The newest of every number that is made for regions of this level."""
    city, region = asked.city, asked.city.regions.get(asked.get("region"))
    values = [
        city.value(i.id, region.code, as_of=asked.get("as_of"), reader=asked.reader, purpose=asked.get("purpose") or "")
        for _, i in sorted(city.indicators.items())
        if region.level in i.levels
    ]
    return Sheet(
        f"values-{region.code.short}",
        lambda: flatten_values(city, values),
        lambda: ValuesShape([shape_value(v) for v in values]),
        about(asked),
        VALUE_COLUMNS,
    )


def _sheet(asked: Asked, name: str, found: list[Region]) -> Sheet:
    regions, on = asked.city.regions, asked.get("on")
    # A file holds the whole list, a JSON answer one page of it.
    page, cursor = cut(asked, found) if asked.form == "json" else (found, None)
    shapes = [shape_region(r, regions, on) for r in page]
    return Sheet(
        name,
        lambda: flatten_shapes(shapes, RegionShape),
        lambda: RegionsShape(shapes, len(found), cursor),
        about(asked),
        next_page=address_of_next(asked, cursor),
    )


def get_region(asked: Asked) -> Done:
    """One region on a day."""
    regions, on = asked.city.regions, asked.get("on")
    return Done(shape_region(regions.get(asked.get("region"), on), regions, on))


def search(asked: Asked) -> Done:
    """What a search finds, best first."""
    hits = asked.city.search(asked.get("q"), asked.language, asked.reader)
    return Done(HitsShape([HitShape(h.kind, words(h.title), words(h.said), h.href) for h in hits]))
