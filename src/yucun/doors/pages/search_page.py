"""Search over regions, numbers and tables."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from yucun.doors.pages.catalogue import words
from yucun.doors.pages.views import Card, Hits, SearchPage
from yucun.doors.pages.visit import Visit


def make_search_page(visit: Visit) -> SearchPage:
    """What was found, by kind, best first."""
    query = visit.get("q")[:200]
    hits = visit.city.search(query, visit.language, reader=visit.reader) if query else []
    groups: dict[str, list[Card]] = {}
    for hit in hits:
        groups.setdefault(hit.kind, []).append(Card(hit.title, hit.href, hit.said))
    return SearchPage(query, tuple(Hits(words()[f"search.{kind}"], tuple(cards)) for kind, cards in groups.items()))


@get("/search", include_in_schema=False, sync_to_thread=True)
def show_search(visit: NamedDependency[Visit]) -> Response[str]:
    """What was found."""
    return visit.show("search.html", "", make_search_page)
