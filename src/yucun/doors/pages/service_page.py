"""The page of a service: whether its one number moves, where not, and everything around it."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.layout import lay_out, show_screen
from yucun.doors.pages.lists import moments_of
from yucun.doors.pages.press import make_press
from yucun.doors.pages.shown import make_opening
from yucun.doors.pages.valued import count_values, number_view, region_name, spark_of
from yucun.doors.pages.views import Card, Layout, Opening, Option, ServicePage, ServicesPage, Span
from yucun.doors.pages.visit import Visit
from yucun.kernel.screens import Screen, Shown
from yucun.kernel.service import Service


def make_services_page(visit: Visit) -> ServicesPage:
    """All services with the one number that each must move."""
    city = visit.city
    found, values = [], []
    for service in city.services.values():
        number = None
        if service.one_number:
            value = city.value(service.one_number, city.place.region, reader=visit.reader)
            series = city.series(service.one_number, city.place.region, reader=visit.reader)
            number = number_view(city, value, spark=spark_of(series, value.period))
            values.append(value)
        found.append((Card(service.title, f"/service/{service.id}", service.meaning), number))
    return ServicesPage(tuple(found), count_values(values))


def make_service_page(visit: Visit, service: Service) -> ServicePage:
    """One service for the place, or for another region that its screen is made for."""
    city = visit.city
    region = RegionCode.parse(visit.get("region")) if visit.get("region") else city.place.region
    city.regions.get(region)
    moments, as_of = moments_of(visit)
    screen = next((city.screens[f"{service.id}.{name}"] for name in service.screens), None)
    shown = show_screen(visit, screen, region, as_of) if screen else None
    value = city.value(service.one_number, region, as_of=as_of, reader=visit.reader) if service.one_number else None
    series = city.series(service.one_number, region, as_of=as_of, reader=visit.reader) if value else []
    return ServicePage(
        opening=_opening(visit, service, shown),
        hero=number_view(city, value, spark=spark_of(series, value.period), as_of=as_of) if value else None,
        layout=lay_out(visit, shown, {"press": lambda section: make_press(visit, section)}) if shown else Layout(),
        facts=_facts(service),
        regions=_regions(visit, screen, region),
        moments=moments,
        counts=count_values(shown.values if shown else ()),
        ways=_ways(service),
    )


def _opening(visit: Visit, service: Service, shown: Shown | None) -> Opening:
    if shown is None:
        return Opening(service.title, service.title, (Span(service.meaning),))
    opening = make_opening(visit, shown, service.title)
    kicker = Text(f"{service.title.zh} · {opening.kicker.zh}", f"{service.title.en} · {opening.kicker.en}")
    return Opening(kicker, opening.sentence, opening.lead)


def _facts(service: Service) -> tuple[tuple[Text, Text], ...]:
    catalogue = words()
    facts = [(catalogue["service.meaning"], service.meaning)]
    if service.rests_on.zh:
        facts.append((catalogue["service.rests_on"], service.rests_on))
    counted = catalogue.fill("service.counted", numbers=len(service.indicators), tables=len(service.contracts))
    facts.append((catalogue["service.counts"], counted))
    return tuple(facts)


def _ways(service: Service) -> tuple[Card, ...]:
    """Pages that a service has beyond its screen."""
    if service.id == "entitlements":
        catalogue = words()
        return (
            Card(catalogue["owed.catalogue"], "/entitlements/catalogue"),
            Card(catalogue["owed.gap"], "/entitlements/gap", catalogue["owed.gap_said"]),
        )
    if service.id == "relief":
        catalogue = words()
        return (
            Card(catalogue["chief.title"], "/service/relief/chief"),
            Card(catalogue["whatif.title"], "/service/relief/what-if"),
            Card(catalogue["clauses.title"], "/service/relief/clauses"),
            Card(catalogue["chief.morning"], "/relief/morning"),
        )
    if service.id != "prosperity":
        return ()
    # A city without the service must open, so nothing of it is imported before it is there.
    from yucun.doors.pages.prosperity_pages import ways_of  # noqa: PLC0415

    return ways_of("")


def _regions(visit: Visit, screen: Screen | None, chosen: RegionCode) -> tuple[Option, ...]:
    """The regions that the screen is made for: the place, what lies above it, beside it and right below."""
    regions, place = visit.city.regions, visit.city.place.region
    above = [r.code for r in regions.ancestors(place)]
    beside = [r.code for code in above for r in regions.children(code)]
    codes = dict.fromkeys([*above, *beside, *(r.code for r in regions.children(place)), chosen])
    levels = screen.levels if screen else ()
    return tuple(Option(c.short, region_name(visit.city, c), c == chosen) for c in codes if c.level in levels)


@get("/service", include_in_schema=False, sync_to_thread=True)
def show_services(visit: NamedDependency[Visit]) -> Response[str]:
    """All services."""
    return visit.show("services.html", "services", make_services_page)


@get("/service/{name:str}", include_in_schema=False, sync_to_thread=True)
def show_service(visit: NamedDependency[Visit], name: FromPath[str]) -> Response[str]:
    """One service."""
    service = visit.city.services.get(name)
    if service is None:
        raise NotKnown(
            Finding(
                "pages.service", "/service", name[:120], "/service", words().fill("service.missing", name=name[:60])
            )
        )
    return visit.show("service.html", "services", lambda v: make_service_page(v, service))
