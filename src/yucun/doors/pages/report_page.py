"""The yearly report as a page: sentences whose numbers lead to why, charts, tables, sources, marks; and as a PDF."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import LANGUAGES, Language, Text
from yucun.city import City
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.drawing import share_of_longest
from yucun.doors.pages.lists import moments_of
from yucun.doors.pages.prosperity_pages import SERVICE, tell_span, trail_of, ways_of
from yucun.doors.pages.prosperity_views import BarsWithData, Place, Places, ReportPage, ReportSection, Run
from yucun.doors.pages.valued import mark_view, number_address, record_address
from yucun.doors.pages.views import Bar, Bars, Column, Counts, Download, Entry, Opening, Option, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.doors.sight import rows_of, sight_of
from yucun.kernel.access import OPEN_READER, Reader
from yucun.kernel.indicators.model import EVIDENCE_TITLES, MARK_TITLES
from yucun.services.prosperity.pages.layout import Cell, Chart, Grid, Report, Section
from yucun.services.prosperity.pages.report import list_years, make_report
from yucun.services.prosperity.pages.sentences import Sentence, Slot
from yucun.services.prosperity.pages.typeset import tell_source, typeset

INDEX_ADDRESS = f"/service/{SERVICE}/index"
TASKS_ADDRESS = f"/service/{SERVICE}/tasks"
# Columns of longer words may wrap.
_LONG = 14


def write_report(city: City, year: int, as_of: int | None = None, reader: Reader = OPEN_READER) -> Report:
    """The report of a year, for one reader, as of a moment."""

    @cache
    def rows(table: str) -> Sequence[Mapping[str, Any]]:
        return rows_of(city, table, as_of, reader)

    return make_report(sight_of(city, as_of, reader), city.place.region, year, city.clock.today(), rows)


def print_report(city: City, report: Report, language: Language) -> bytes:
    """The report as an A4 PDF."""
    return typeset(report, city.place.sources, language, city.last_seq(), is_simulated=city.clock.is_simulated)


def slot_address(slot: Slot) -> str:
    """Where a number says why it is so."""
    if slot.kind == "value":
        return number_address(slot.indicator, slot.region, slot.period)
    if slot.kind == "claim":
        return record_address(slot.file, slot.record)
    if slot.what.startswith("tasks."):
        return TASKS_ADDRESS
    if slot.what.startswith("lever."):
        return f"/service/{SERVICE}/levers"
    if slot.what.startswith(("press.", "gaps.")):
        return f"/service/{SERVICE}"
    if slot.what.startswith(("counties.", "cities", "ratio.")):
        return number_address(
            "prosperity.urban_share" if slot.what.startswith("co") else "prosperity.urban_rural_ratio"
        )
    wide = "?with=pace&with=output" if slot.what.startswith("wide.") else ""
    return INDEX_ADDRESS + wide


def make_report_page(visit: Visit, year: int) -> ReportPage:
    """The report of one year."""
    city, catalogue = visit.city, words()
    moments, as_of = moments_of(visit)
    report = write_report(city, year, as_of, visit.reader)
    years = list_years(sight_of(city, as_of, visit.reader), city.place.region)
    slots = [slot for s in report.sentences for slot in s.numbers]
    press = sum(slot.evidence == "press" for slot in slots)
    files = tuple(
        Download(catalogue[f"report.pdf_{language}"].of(visit.language), f"/report/{year}.pdf?lang={language}")
        for language in LANGUAGES
    )
    return ReportPage(
        opening=_opening(report),
        trail=trail_of(visit),
        ways=ways_of("report"),
        years=tuple(Option(str(y), Text(f"{y} 年", str(y)), y == year) for y in years),
        moments=moments,
        sections=tuple(_section(n, section) for n, section in enumerate(report.sections, start=1)),
        sources=tuple(
            (line.title, line.publisher, line.said)
            for line in (tell_source(s, city.place.sources) for s in report.sources)
        ),
        marks=tuple((kind, catalogue[f"report.mark_{kind}"]) for kind in MARK_TITLES),
        evidence=tuple((kind, title) for kind, title in EVIDENCE_TITLES.items() if kind != "made_up"),
        files=files,
        counts=Counts(len(slots) - press, 0, press),
    )


def _opening(report: Report) -> Opening:
    kicker = Text(f"{report.title.zh} · {report.year} 年", f"{report.title.en} · {report.year}")
    first = next((s for s in report.sentences if s.name == "ratio"), report.sentences[0])
    sentence = Text(first.of("zh"), first.of("en"))
    lead = words().fill("report.lead", day=report.today.isoformat(), count=len(report.sentences))
    return Opening(kicker, sentence, (Span(lead),))


def _section(number: int, section: Section) -> ReportSection:
    return ReportSection(
        section.name,
        section.title,
        number,
        tuple((s.name, tuple(_runs(s, "zh")), tuple(_runs(s, "en"))) for s in section.sentences),
        tuple(_bars(c) for c in section.charts if not c.are_places),
        tuple(_places(c) for c in section.charts if c.are_places),
        tuple(_table(section.name, n, grid) for n, grid in enumerate(section.grids)),
    )


def _runs(sentence: Sentence, language: Language) -> Iterable[Run]:
    for piece in sentence.pieces(language):
        if isinstance(piece, str):
            yield Run(Text.same(piece))
        elif piece.is_number:
            unsure = piece.evidence if piece.evidence in ("press", "unverified") else None
            yield Run(piece.shown, slot_address(piece), unsure, is_number=True)
        else:
            yield Run(piece.shown)


def _bars(chart: Chart) -> BarsWithData:
    lengths = share_of_longest([bar.number for bar in chart.bars])
    bars = tuple(
        Bar(bar.label, bar.slot.shown.zh, length, slot_address(bar.slot), bar.is_here)
        for bar, length in zip(chart.bars, lengths, strict=True)
    )
    return BarsWithData(Bars(chart.title, bars, chart.said, chart.unit), _data(chart))


def _data(chart: Chart) -> str:
    rows = [[bar.label.to_json(), bar.number, bar.slot.shown.zh, bar.is_here, bar.low, bar.high] for bar in chart.bars]
    return json.dumps(rows, ensure_ascii=False)


def _places(chart: Chart) -> Places:
    last = max(bar.high or bar.number for bar in chart.bars)

    def at(place: float) -> float:
        return round(3 + 94 * (place - 1) / max(1.0, last - 1), 2)

    places = []
    for bar in chart.bars:
        low, high = bar.low or bar.number, bar.high or bar.number
        interval = words().fill("index.one_place" if low == high else "index.places", low=int(low), high=int(high))
        said = words().fill("index.said", name=bar.label, rank=int(bar.number), interval=interval)
        span = tell_span(int(low), int(high))
        places.append(Place(bar.label, int(bar.number), span, at(bar.number), at(low), at(high), said, "", bar.is_here))
    ticks = tuple((at(n), n) for n in range(1, int(last) + 1))
    return Places(chart.title, chart.said, tuple(places), ticks, _data(chart))


def _table(section: str, number: int, grid: Grid) -> Table:
    longest = [max((len(row[n].text.zh) for row in grid.rows), default=0) for n in range(len(grid.columns))]
    columns = tuple(
        Column(
            title,
            is_number=n in grid.numeric,
            is_long=longest[n] > _LONG and n > 0,
            is_short=longest[n] <= _LONG and n not in grid.numeric and not any(row[n].mark for row in grid.rows),
        )
        for n, title in enumerate(grid.columns)
    )
    rows = tuple(
        Row(tuple(_entry(cell, is_bare=n in grid.numeric) for n, cell in enumerate(cells)), is_here=at == grid.here)
        for at, cells in enumerate(grid.rows)
    )
    return Table(grid.title, columns, rows, len(rows), name=f"{section}-{number}")


def _entry(cell: Cell, *, is_bare: bool) -> Entry:
    """A cell; a column of numbers has room for the mark's word, why stands where the report says what is not known."""
    if cell.mark is not None:
        return Entry(mark=mark_view(cell.mark), href="#unknown" if is_bare else "")
    if cell.slot is not None:
        unsure = cell.slot.evidence if cell.slot.evidence in ("press", "unverified") else None
        return Entry(cell.slot.shown, slot_address(cell.slot), evidence=unsure)
    return Entry(cell.text)


def _read_year(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) == 4):
        raise NotKnown(
            Finding("pages.year", "/report", word[:40], "2021", words().fill("report.no_year", year=word[:20]))
        )
    return int(word)


@get("/report", include_in_schema=False, sync_to_thread=True)
def show_newest_report(visit: NamedDependency[Visit]) -> Redirect:
    """The report of the newest year of which something is known."""
    years = list_years(sight_of(visit.city), visit.city.place.region)
    return Redirect(f"/report/{years[0] if years else visit.city.clock.today().year - 1}", status_code=302)


@get("/report/{name:str}", include_in_schema=False, sync_to_thread=True)
def show_report(visit: NamedDependency[Visit], name: FromPath[str]) -> Response[Any]:
    """The report of a year; ``2021.pdf`` as an A4 file."""
    if name.endswith(".pdf"):
        _, as_of = moments_of(visit)
        report = write_report(visit.city, _read_year(name.removesuffix(".pdf")), as_of, visit.reader)
        content = print_report(visit.city, report, visit.language)
        disposition = f'inline; filename="{visit.city.place.id}-{report.year}-{visit.language}.pdf"'
        headers = {"Content-Disposition": disposition, "Cache-Control": "no-cache"}
        return Response(content, media_type="application/pdf", headers=headers)
    return visit.show("report.html", "services", partial(make_report_page, year=_read_year(name)))
