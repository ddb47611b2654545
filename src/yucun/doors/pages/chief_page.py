"""The chief's page of relief: coverage, who never came, cost, days, precision of warnings; each with a way to its ground."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.relief_parts import SERVICE, amount_of, note_of, table_of
from yucun.doors.pages.relief_views import ChiefPage
from yucun.doors.pages.valued import number_view
from yucun.doors.pages.views import EMPTY, Card, Crumb, Entry, MarkView, NumberView, Opening, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.doors.pages.whatif_lab import Gathering, Lab, how_far
from yucun.doors.pages.whatif_page import ADDRESS as WHAT_IF
from yucun.doors.pages.whatif_views import Tile
from yucun.services.relief.pages.chief import TakeUp, Waits, tell_waits
from yucun.services.relief.pages.residents import UNKNOWN
from yucun.services.relief.pages.scenario import read_setting

ADDRESS = "/service/relief/chief"
# Numbers of relief and of others that a chief is shown, where there are such.
_NUMBERS = ("relief.due_fen", "relief.paid_of_due", "relief.refused", "relief.cut")
_PRECISION = "discovery.precision"
_MOST = 5_000


def make_chief_page(visit: Visit, lab: Lab) -> tuple[ChiefPage, int]:
    """The page and its status: 202 while the residents are gathered."""
    lab.admit(visit.reader, "relief take-up")
    city, catalogue = visit.city, words()
    found = lab.find()
    title = city.services[SERVICE].title
    kicker = Text(f"{title.zh} · {catalogue['chief.title'].zh}", f"{title.en} · {catalogue['chief.title'].en}")
    rows = () if isinstance(found, Gathering) else lab.take_up(found)
    sentence = _sentence(rows) if rows else catalogue["whatif.waiting"]
    waits = _waits(visit)
    numbers = tuple(_number(visit, name) for name in _NUMBERS if name in city.indicators)
    page = ChiefPage(
        opening=Opening(kicker, sentence, (Span(catalogue["chief.lead"]),)),
        trail=(Crumb(catalogue["nav.services"], "/service"), Crumb(title, f"/service/{SERVICE}")),
        note=note_of(city),
        rests=UNKNOWN,
        tiles=(*_take_up_tiles(rows), *_wait_tiles(waits)),
        numbers=numbers,
        precision=_number(visit, _PRECISION) if _PRECISION in city.indicators else None,
        table=_table(visit, rows),
        ways=(
            Card(catalogue["whatif.title"], WHAT_IF),
            Card(catalogue["chief.morning"], "/relief/morning"),
            Card(catalogue["clauses.title"], f"/service/{SERVICE}/clauses"),
        ),
        step=found.step if isinstance(found, Gathering) else EMPTY,
        percent=how_far(found) if isinstance(found, Gathering) else 100,
        hidden_why=_hidden().reason,
    )
    return page, 202 if isinstance(found, Gathering) else 200


def _sentence(rows: tuple[TakeUp, ...]) -> Text:
    whole, catalogue = rows[0], words()
    if whole.coverage_bp is None or whole.hides("entitled", "registered", "gap"):
        return catalogue["chief.few"]
    return catalogue.fill("chief.sentence", share=_per_cent(whole.coverage_bp), gap=f"{whole.gap:,}")


def _take_up_tiles(rows: tuple[TakeUp, ...]) -> tuple[Tile, ...]:
    if not rows:
        return ()
    catalogue, whole = words(), rows[0]
    mark = _hidden() if whole.hides("entitled", "registered", "gap") else None
    homes = Text("户", "households")
    share = "—" if whole.coverage_bp is None else _per_cent(whole.coverage_bp)
    said = catalogue.fill("chief.of_entitled", registered=f"{whole.registered:,}", entitled=f"{whole.entitled:,}")
    return (
        Tile(catalogue["chief.coverage"], share, Text("%", "%"), EMPTY if mark else said, mark),
        Tile(catalogue["chief.gap"], f"{whole.gap:,}", homes, catalogue["chief.gap_said"], mark),
    )


def _wait_tiles(waits: Waits) -> tuple[Tile, ...]:
    catalogue = words()
    none = MarkView("none", catalogue["chief.nothing_decided"]) if waits.days_median is None else None
    said = catalogue.fill("chief.days_said", decided=f"{waits.decided:,}", late=f"{waits.late:,}")
    days = Text("天", "days")
    return (
        Tile(catalogue["chief.days"], str(waits.days_median), days, said, none),
        Tile(catalogue["chief.days_p90"], str(waits.days_p90), days, EMPTY, none),
    )


def _waits(visit: Visit) -> Waits:
    """Applications that were decided, with whether the clock of the whole ran out."""
    cases = visit.city.work.cases
    with visit.city.books.read() as tx:
        found = cases.list_cases(
            tx, "relief.application", states=("approved", "rejected"), limit=_MOST, newest_first=True
        )
        clocks = cases.clocks_of(tx, found)
    rows = []
    for case in found:
        whole = clocks.get(case.no, {}).get("whole")
        if case.closed_at is not None:
            rows.append((case.opened_at, case.closed_at, whole is not None and whole.state == "late"))
    return tell_waits(rows)


def _number(visit: Visit, name: str) -> NumberView:
    city = visit.city
    return number_view(city, city.value(name, city.place.region, reader=visit.reader))


def _table(visit: Visit, rows: tuple[TakeUp, ...]) -> Table:
    catalogue, regions = words(), visit.city.regions
    keys = ("place", "entitled", "registered", "gap", "coverage")
    heads = tuple(catalogue[f"chief.{key}"] for key in keys)
    found = []
    for one in rows[1:]:
        hidden = Entry(mark=_hidden(), href="#why-hidden")
        share = "—" if one.coverage_bp is None else f"{_per_cent(one.coverage_bp)}%"
        cells = (
            hidden if one.hides("entitled") else Entry(Text.same(f"{one.entitled:,}")),
            hidden if one.hides("registered") else Entry(Text.same(f"{one.registered:,}")),
            hidden if one.hides("gap") else Entry(Text.same(f"{one.gap:,}")),
            hidden if one.hides("entitled", "registered", "gap") else Entry(Text.same(share)),
        )
        found.append(Row((Entry(regions.get(RegionCode(one.code)).name), *cells)))
    return table_of("take-up", heads, found, EMPTY, (1, 2, 3, 4))


def _hidden() -> MarkView:
    return MarkView("hidden", words().fill("whatif.hidden_why", n=read_setting().smallest_cell))


def _per_cent(bp: int) -> str:
    """A share in per cent with its two places, as amounts are written."""
    return amount_of(bp).zh


def make_chief_handlers(lab: Lab) -> list[HTTPRouteHandler]:
    """The route of the chief's page."""

    @get(ADDRESS, include_in_schema=False, sync_to_thread=True)
    def show_chief(visit: NamedDependency[Visit]) -> Response[str]:
        """The chief's page."""
        page, status = make_chief_page(visit, lab)
        return visit.answer("chief.html", "services", status=status, page=page)

    return [show_chief]
