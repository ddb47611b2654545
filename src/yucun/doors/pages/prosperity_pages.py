"""What the pages of shared prosperity have in common: what was asked for, places as they are drawn, ways between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from litestar import Response

from yucun.base.errors import ContractError, Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.lists import moments_of
from yucun.doors.pages.prosperity_views import NoIndexPage, Place, Places, Tick
from yucun.doors.pages.rendering import make_address
from yucun.doors.pages.valued import mark_view, number_view
from yucun.doors.pages.views import Card, Crumb, Opening, Option, Span
from yucun.doors.pages.visit import Visit
from yucun.doors.sight import sight_of
from yucun.services.prosperity.models import (
    ASKED_FOR_ONLY,
    DIMENSIONS,
    NO_INDEX,
    CityIndex,
    Sight,
    Standing,
    read_inputs,
)

SERVICE = "prosperity"
WAYS = ("index", "levers", "tasks", "report")


def asked_city(visit: Visit, cities: Sequence[RegionCode]) -> RegionCode:
    """The city that was asked for, else the place itself."""
    word = visit.get("city")
    region = RegionCode.parse(word) if word else visit.city.place.region
    if region not in cities:
        raise NotKnown(
            Finding("pages.city", visit.path, word[:60], ", ".join(c.short for c in cities), words()["levers.no_city"])
        )
    return region


def asked_dimensions(visit: Visit) -> tuple[str, ...]:
    """What enters: all dimensions but those that must be asked for, and those of them that were."""
    asked = {value for name, value in visit.query if name == "with"}
    return tuple(name for name in DIMENSIONS if name not in ASKED_FOR_ONLY or name in asked)


def dimension_ticks(index: CityIndex, entering: Sequence[str]) -> tuple[Tick, ...]:
    """Each dimension: in or out, or the mark that says why it cannot enter."""
    ticks = []
    for name, (title, _) in DIMENSIONS.items():
        inputs = [i for i in index.inputs if i.dimension == name]
        lacking = next((m for m in index.missing if m.dimension == name), None)
        mark = mark_view(lacking.mark) if lacking and not inputs else None
        titles = [i.indicator.title for i in inputs]
        said = Text("、".join(t.zh for t in titles), "; ".join(t.en for t in titles))
        ticks.append(Tick(name, title, said, name in entering, name not in ASKED_FOR_ONLY, mark))
    return tuple(ticks)


def city_options(sight: Sight, cities: Sequence[RegionCode], chosen: RegionCode) -> tuple[Option, ...]:
    """The cities to choose from."""
    return tuple(Option(c.short, sight.name(c), c == chosen) for c in cities)


def trail_of(visit: Visit) -> tuple[Crumb, ...]:
    """The way to a page of this service."""
    title = visit.city.services[SERVICE].title
    return (Crumb(words()["nav.services"], "/service"), Crumb(title, f"/service/{SERVICE}"))


def ways_of(here: str) -> tuple[Card, ...]:
    """The other pages of this service."""
    catalogue = words()
    addresses: Mapping[str, str] = {"report": "/report"}
    return tuple(
        Card(catalogue[f"ways.{name}"], addresses.get(name, f"/service/{SERVICE}/{name}"))
        for name in WAYS
        if name != here
    )


def say_interval(standing: Standing) -> Text:
    """An interval of places in words."""
    low, high = standing.places
    return words().fill("index.one_place" if low == high else "index.places", low=low, high=high)


def tell_span(low: int, high: int) -> str:
    """An interval of places in figures.

    Examples
    --------
    >>> tell_span(4, 6), tell_span(2, 2)
    ('4–6', '2')
    """
    return f"{low}–{high}" if low != high else f"{low}"


def places_view(index: CityIndex, here: RegionCode, title: Text, said: Text, *, links: bool = True) -> Places:
    """Places with their intervals, best first, drawn from the first place at the left to the last at the right."""
    last = len(index.standings)

    def at(place: float) -> float:
        return round(3 + 94 * (place - 1) / max(1, last - 1), 2)

    places = tuple(
        Place(
            label=s.name,
            rank=s.rank,
            span=tell_span(*s.places),
            x=at(s.rank),
            low=at(s.places[0]),
            high=at(s.places[1]),
            said=words().fill("index.said", name=s.name, rank=s.rank, interval=say_interval(s)),
            href=make_address(f"/service/{SERVICE}/levers", (), city=s.city.short) if links else "",
            is_here=s.city == here,
        )
        for s in index.standings
    )
    return Places(title, said, places, tuple((at(n), n) for n in range(1, last + 1)), "")


def show_with_index(visit: Visit, template: str, way: str, make: Callable[[Visit], object]) -> Response[str]:
    """Show a page that rests on the index; while there can be none, say what is missing and who would send it."""
    try:
        return visit.show(template, "services", make)
    except ContractError as error:
        if all(finding.kind != NO_INDEX for finding in error.findings):
            raise
        return visit.show("no_index.html", "services", partial(_make_no_index_page, way=way))


def _make_no_index_page(visit: Visit, way: str) -> NoIndexPage:
    city, catalogue = visit.city, words()
    _, as_of = moments_of(visit)
    sight = sight_of(city, as_of, visit.reader)
    here = asked_city(visit, sight.cities_beside(city.place.region))
    _, missing = read_inputs(sight, here, asked_dimensions(visit))
    title, name = city.services[SERVICE].title, catalogue[f"ways.{way}"]
    return NoIndexPage(
        opening=Opening(
            Text(f"{title.zh} · {name.zh}", f"{title.en} · {name.en}"),
            catalogue["index.none"],
            (Span(catalogue["index.none_lead"]),),
        ),
        trail=trail_of(visit),
        ways=ways_of(way),
        waiting=tuple(number_view(city, sight.value(m.code, here)) for m in missing),
    )
