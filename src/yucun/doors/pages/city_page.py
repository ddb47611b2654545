"""The first page of a place: the sentence, the picture that proves it, what to do now, the numbers."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from yucun.base.text import Text
from yucun.doors.desk.sight import DANGER, list_desks
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.layout import find_screen, lay_out, show_screen
from yucun.doors.pages.lists import moments_of
from yucun.doors.pages.press import make_press
from yucun.doors.pages.region_page import make_region_map
from yucun.doors.pages.shown import make_opening
from yucun.doors.pages.valued import count_values, landing_address
from yucun.doors.pages.views import CityPage, Layout, Opening, Todo
from yucun.doors.pages.visit import Visit

_TODO = 5


def make_city_page(visit: Visit) -> CityPage:
    """The first page, from the screen that is declared for it."""
    city = visit.city
    region = city.regions.get(city.place.region)
    screen = find_screen(visit, "/")
    first_map = make_region_map(visit, region)
    if screen is None:
        return CityPage(Opening(words()["nav.city"], region.name), Layout(), make_todo(visit), count_values(()))
    _, as_of = moments_of(visit)
    shown = show_screen(visit, screen, region.code, as_of)
    return CityPage(
        opening=make_opening(visit, shown, region.name),
        layout=lay_out(visit, shown, {"press": lambda section: make_press(visit, section)}, first_map),
        todo=make_todo(visit),
        counts=count_values(shown.values),
    )


def make_todo(visit: Visit) -> tuple[Todo, ...]:
    """What waits for a person: tables that are late, and files with refused records."""
    city, catalogue = visit.city, words()
    today = city.clock.today()
    late = sorted((f for f in city.feeds() if f.is_late and f.due), key=lambda f: f.due or today)
    found = [
        Todo(
            when=catalogue.fill("todo.late", days=(today - feed.due).days),
            what=city.contracts[feed.table].title,
            href=f"/lake?table={feed.table}#load",
            do=catalogue["todo.load"],
            is_late=True,
        )
        for feed in late
        if feed.due
    ]
    found += [
        Todo(
            when=catalogue.fill("todo.refused", n=waiting),
            what=Text.same(landing.name),
            href=landing_address(landing.key),
            do=catalogue["todo.see"],
        )
        for landing, waiting in city.desk.list_open()
    ]
    return tuple([*_late_matters(visit), *found][:_TODO])


def _late_matters(visit: Visit) -> list[Todo]:
    """Matters in danger or over time, at the desks where the reader works or that they oversee."""
    catalogue, found = words(), []
    for desk in list_desks(visit.city, visit.reader) if visit.reader.is_signed_in else ():
        waiting, title, now = desk.queue(), desk.service.title, desk.now
        pressing = [one for one in waiting if one.case.priority >= DANGER]
        late = [one for one in waiting if (c := one.next_clock) is not None and c.due is not None and c.due < now]
        for key, some in (("todo.pressing", pressing), ("todo.overdue", late)):
            if some:
                href = f"/duty/{desk.service.id}?case={some[0].case.no}"
                when = catalogue.fill(key, n=len(some))
                found.append(Todo(when=when, what=title, href=href, do=catalogue["todo.act"], is_late=True))
    return found


@get("/", include_in_schema=False, sync_to_thread=True)
def show_city(visit: NamedDependency[Visit]) -> Response[str]:
    """The first page."""
    return visit.show("city.html", "city", make_city_page)
