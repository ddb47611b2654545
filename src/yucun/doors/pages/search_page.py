"""Search over regions, numbers and tables."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from yucun.base.text import Text
from yucun.doors.desk.sight import list_desks
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.views import Card, Hits, SearchPage
from yucun.doors.pages.visit import Visit

_MOST_MATTERS = 20


def make_search_page(visit: Visit) -> SearchPage:
    """What was found, by kind, best first."""
    query = visit.get("q")[:200]
    hits = visit.city.search(query, visit.language, reader=visit.reader) if query else []
    groups: dict[str, list[Card]] = {}
    for hit in hits:
        groups.setdefault(hit.kind, []).append(Card(hit.title, hit.href, hit.said))
    if query and visit.reader.is_signed_in:
        groups = {"matter": _find_matters(visit, query), **groups}
    groups = {kind: cards for kind, cards in groups.items() if cards}
    return SearchPage(query, tuple(Hits(words()[f"search.{kind}"], tuple(cards)) for kind, cards in groups.items()))


def _find_matters(visit: Visit, query: str) -> list[Card]:
    """Matters at the reader's desks, those under way first; what is private is searched and not shown here."""
    found: list[Card] = []
    for desk in list_desks(visit.city, visit.reader):
        for one in desk.search([*desk.queue(), *desk.queue(is_open=False)], query)[:_MOST_MATTERS]:
            case, title, state = one.case, desk.title(one.case), desk.kinds[one.case.kind].states[one.case.state].title
            service = desk.service.title
            said = Text(f"{service.zh} · {state.zh}", f"{service.en} · {state.en}")
            named = Text(f"{case.no} · {title.zh}", f"{case.no} · {title.en}")
            found.append(Card(named, f"/duty/{desk.service.id}?case={case.no}", said))
    return found


@get("/search", include_in_schema=False, sync_to_thread=True)
def show_search(visit: NamedDependency[Visit]) -> Response[str]:
    """What was found."""
    return visit.show("search.html", "", make_search_page)
