"""Coverage by clause: what a service cites, what implements and shows it, what is in force on it; and what no example shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.clauses_views import ClausesPage, ClauseView
from yucun.doors.pages.valued import number_address
from yucun.doors.pages.views import EMPTY, Column, Crumb, Entry, MarkView, Opening, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.kernel.access import SmallestCell
from yucun.kernel.clauses import CitedClause, ClauseCoverage, read_coverage
from yucun.kernel.service import Service

# Kinds of case that are decisions in force, each with the field that names its clause.
_IN_FORCE = "award"
# Under so many decisions it is not said how many: one could be somebody's.
_FEW = SmallestCell(5, "records")
_MOST = 100_000


def _coverage(service: Service) -> ClauseCoverage:
    return read_coverage(service.folder, service.rules, [i.id for i in service.indicators], service.id)


def _count_awards(city: City, service: Service) -> Counter[str] | None:
    """Decisions in force by clause; None for a service that makes none."""
    kind = f"{service.id}.{_IN_FORCE}"
    if kind not in city.work.cases.kinds or "clause" not in city.work.cases.kinds[kind].fields:
        return None
    with city.books.read() as tx:
        awards = city.work.cases.list_cases(tx, kind, is_open=True, limit=_MOST)
    return Counter(str(award.fields.get("clause", "")) for award in awards)


def make_clauses_page(visit: Visit, service: Service) -> ClausesPage:
    """The clauses of one service, those without an example first; and how the other services stand."""
    city, catalogue = visit.city, words()
    coverage = _coverage(service)
    awards = _count_awards(city, service)
    needing, without = coverage.needing, coverage.without
    title = service.title
    kicker = Text(f"{title.zh} · {catalogue['clauses.title'].zh}", f"{title.en} · {catalogue['clauses.title'].en}")
    sentence = catalogue.fill(
        "clauses.sentence" if without else "clauses.all_shown", needing=len(needing), without=len(without)
    )
    if not needing:
        sentence = catalogue.fill("clauses.numbers", asked=len(coverage.asked), others=len(coverage.not_asked))
    return ClausesPage(
        opening=Opening(kicker, sentence, (Span(catalogue["clauses.lead"]),)),
        trail=(Crumb(catalogue["nav.services"], "/service"), Crumb(title, f"/service/{service.id}")),
        without=tuple(_view(one, awards) for one in without),
        shown=tuple(_view(one, awards) for one in needing if one.is_shown),
        others=tuple(_view(one, awards) for one in coverage.clauses if not one.needs_example),
        not_asked=_numbers(city, coverage.not_asked),
        services=_services_table(city, service),
        has_awards=awards is not None,
    )


def _view(one: CitedClause, awards: Counter[str] | None) -> ClauseView:
    catalogue = words()
    # Only what is paid can be in force; other clauses say how, not how much.
    count = awards.get(one.title.zh, 0) if awards is not None and one.postings else None
    mark = None
    if count is not None and _FEW.is_small(count):
        mark = MarkView("hidden", _FEW.reason)
    parts = (
        (catalogue["clauses.formulas"], one.formulas),
        (catalogue["clauses.examples"], one.examples),
        (catalogue["clauses.postings"], one.postings),
        (catalogue["clauses.figures"], one.figures),
        (catalogue["clauses.cases"], one.cases),
    )
    return ClauseView(
        one.title,
        tuple((head, tuple(names)) for head, names in parts if names),
        "" if count is None or mark else f"{count:,}",
        mark,
        len(one.examples),
    )


def _numbers(city: City, names: Sequence[str]) -> tuple[Span, ...]:
    return tuple(Span(city.indicators[name].title, number_address(name, city.place.region, None)) for name in names)


def _services_table(city: City, here: Service) -> Table:
    """How every service that has examples stands."""
    catalogue = words()
    keys = ("service", "cited", "needing", "without", "asked", "not_asked")
    columns = tuple(Column(catalogue[f"clauses.{key}"], is_number=key != "service") for key in keys)
    rows = []
    for service in city.services.values():
        coverage = _coverage(service)
        if not coverage.clauses and not coverage.asked:
            continue
        numbers = (
            len(coverage.clauses), len(coverage.needing), len(coverage.without), len(coverage.asked), len(coverage.not_asked)
        )  # fmt: skip
        title = Entry(service.title, f"/service/{service.id}/clauses")
        rows.append(Row((title, *(Entry(Text.same(str(n))) for n in numbers)), service.id == here.id))
    return Table(EMPTY, columns, tuple(rows), len(rows), name="services")


@get("/service/{name:str}/clauses", include_in_schema=False, sync_to_thread=True)
def show_clauses(visit: NamedDependency[Visit], name: FromPath[str]) -> Response[str]:
    """The clauses of a service."""
    service = visit.city.services.get(name)
    if service is None:
        raise NotKnown(
            Finding(
                "pages.service", "/service", name[:120], "/service", words().fill("service.missing", name=name[:60])
            )
        )
    return visit.show("clauses.html", "services", lambda v: make_clauses_page(v, service))
