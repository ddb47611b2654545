"""The list of numbers, and the page of one number: what it is, why, what it moves, over time and by place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import LEVELS, RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.drawing import make_strip
from yucun.doors.pages.lines import make_lines, say_not_compared
from yucun.doors.pages.lists import cut_page, moments_of, sort_rows
from yucun.doors.pages.valued import (
    bars_view,
    count_values,
    downloads_of,
    landing_address,
    minute_of,
    number_address,
    number_view,
    record_address,
    region_address,
    region_name,
    say_fields,
    source_title,
    spark_of,
    value_entry,
)
from yucun.doors.pages.views import (
    EMPTY,
    Bars,
    Column,
    Crumb,
    Entry,
    NumberPage,
    NumbersPage,
    Opening,
    Option,
    Row,
    Span,
    Step,
    Table,
)
from yucun.doors.pages.visit import Visit
from yucun.kernel.indicators.model import CellKey, Chain, Claim, Indicator, PartShown, Value
from yucun.kernel.indicators.model import Row as LakeRow
from yucun.kernel.lake.contract import JOURNAL

PAGE = 25


def get_indicator(visit: Visit, name: str) -> Indicator:
    """Return an indicator by its id, or raise `NotKnown` with where to look."""
    found = visit.city.indicators.get(name)
    if found is None:
        raise NotKnown(
            Finding("pages.number", "/number", name[:120], "/numbers", words().fill("number.missing", name=name[:60]))
        )
    return found


def _is_asked(indicator: Indicator, query: str, service: str) -> bool:
    said = " ".join((indicator.id, indicator.title.zh, indicator.title.en, indicator.meaning.zh, indicator.meaning.en))
    return all(word in said.lower() for word in query.lower().split()) and service in ("", indicator.service)


def make_numbers_page(visit: Visit) -> NumbersPage:
    """The list: searched in ids, titles and meanings, filtered by service, a page at a time with today's values."""
    city, catalogue = visit.city, words()
    query, service = visit.get("q"), visit.get("service")
    asked = [i for i in city.indicators.values() if _is_asked(i, query, service)]
    keys = {"title": lambda i: i.title.of(visit.language), "id": lambda i: i.id, "service": lambda i: i.service}
    ordered, columns = sort_rows(visit, asked, keys, {k: catalogue[f"numbers.by_{k}"] for k in keys}, "id")
    shown, cut = cut_page(visit, ordered, PAGE)
    rows = tuple(_numbers_row(visit, indicator) for indicator in shown)
    columns = (
        *columns,
        Column(catalogue["number.region"], is_short=True),
        Column(catalogue["numbers.period"], is_short=True),
        Column(catalogue["numbers.value"], is_number=True),
    )
    table = Table(
        caption=catalogue.fill("numbers.caption", place=visit.place),
        columns=columns,
        rows=rows,
        total=len(asked),
        downloads=downloads_of("/api/indicators", q=query or None, service=service or None),
        name="numbers",
        empty=catalogue["numbers.none"],
        **cut,
    )
    services = (Option("", catalogue["numbers.all"], not service),) + tuple(
        Option(name, found.title, name == service) for name, found in sorted(city.services.items())
    )
    return NumbersPage(query, services, table)


def _numbers_row(visit: Visit, indicator: Indicator) -> Row:
    city = visit.city
    value = city.value(indicator.id, home_of(visit, indicator), reader=visit.reader)
    service = city.services[indicator.service].title
    return Row(
        (
            Entry(indicator.title, number_address(indicator.id)),
            Entry(Text.same(indicator.id)),
            Entry(service, f"/service/{indicator.service}"),
            Entry(region_name(city, value.region), region_address(value.region)),
            Entry(value.period.title if value.period else EMPTY),
            value_entry(value),
        )
    )


def home_of(visit: Visit, indicator: Indicator) -> RegionCode:
    """The place, or the nearest region above it at which the number is made."""
    regions, place = visit.city.regions, visit.city.place.region
    above = sorted(regions.ancestors(place), key=lambda r: -LEVELS.index(r.level))
    return next((code for code in (place, *(r.code for r in above)) if code.level in indicator.levels), place)


def make_number_page(visit: Visit, indicator: Indicator) -> NumberPage:
    """Everything about one number at one place, period and moment."""
    city, catalogue = visit.city, words()
    region = RegionCode.parse(visit.get("region")) if visit.get("region") else home_of(visit, indicator)
    city.regions.get(region)
    period = Period.parse(visit.get("period")) if visit.get("period") else None
    moments, as_of = moments_of(visit)
    chain = city.why(indicator.id, region, period, as_of=as_of, reader=visit.reader)
    value, period = chain.value, chain.value.period
    series = city.series(indicator.id, region, as_of=as_of, reader=visit.reader)
    others = _compare(visit, indicator, value, as_of)
    number = number_view(city, value, spark=spark_of(series, period), as_of=as_of)
    return NumberPage(
        opening=Opening(Text.same(indicator.id), indicator.title),
        trail=(Crumb(catalogue["nav.numbers"], "/numbers"), _service_crumb(visit, indicator)),
        number=number,
        said=indicator.meaning,
        regions=_region_options(visit, indicator, region),
        periods=_period_options(series, period),
        moments=moments,
        chain=tuple(_why(visit, chain, as_of)),
        moves=tuple(_moves(visit, chain, as_of)),
        lines=make_lines(indicator, series, value, as_of),
        not_compared=say_not_compared(series),
        places=_places(visit, others, region, indicator, as_of),
        strip=make_strip(
            [
                (region_name(city, v.region), v.number, v.shown, v.region == region)
                for v in others
                if v.number is not None
            ],
            indicator.unit.title,
        ),
        downloads=downloads_of(f"/api/indicators/{indicator.id}/series", region=region.short, as_of=as_of),
        counts=count_values([value, *others]),
    )


def _service_crumb(visit: Visit, indicator: Indicator) -> Crumb:
    return Crumb(visit.city.services[indicator.service].title, f"/service/{indicator.service}")


def _region_options(visit: Visit, indicator: Indicator, chosen: RegionCode) -> tuple[Option, ...]:
    """The place, what lies above it and beside it, as far as the number is made there."""
    regions = visit.city.regions
    place = visit.city.place.region
    above = [r.code for r in regions.ancestors(place)]
    beside = [r.code for r in regions.children(above[0])] if above else []
    below = [r.code for r in regions.children(place)]
    codes = [
        c for c in dict.fromkeys((chosen, place, *above, *beside, *below)) if c.level in indicator.levels or c == chosen
    ]
    codes.sort(key=lambda c: (LEVELS.index(c.level), c))
    return tuple(Option(c.short, region_name(visit.city, c), c == chosen) for c in codes)


def _period_options(series: Sequence[Value], chosen: Period | None) -> tuple[Option, ...]:
    periods = {v.period for v in series if v.period}
    if chosen:
        periods.add(chosen)
    ordered = sorted(periods, key=lambda p: (p.end, p.start), reverse=True)
    newest = (Option("", words()["number.newest"], is_chosen=chosen is None),) if chosen is None else ()
    return newest + tuple(Option(p.text, p.title, p == chosen) for p in ordered)


def _compare(visit: Visit, indicator: Indicator, value: Value, as_of: int | None) -> list[Value]:
    region = visit.city.regions.get(value.region)
    if region.parent is None:
        return []
    city, found = visit.city, []
    # Where nobody else has this period, the newest that several have is shown instead, under its own name.
    for period in dict.fromkeys((value.period, None)):
        found = city.compare(indicator.id, period, region.level, region.parent, as_of=as_of, reader=visit.reader)
        if sum(v.number is not None for v in found) > 1:
            break
    return found


def _places(
    visit: Visit, others: Sequence[Value], here: RegionCode, indicator: Indicator, as_of: int | None
) -> Bars | None:
    period = next((v.period for v in others if v.period), None)
    if period is None or sum(v.number is not None for v in others) < 2:
        return None
    parent = visit.city.regions.get(here).parent or here
    title = words().fill("number.places", place=region_name(visit.city, parent), period=period.title)
    said = words()["number.cumulative"] if period.kind == "cumulative" else EMPTY
    return bars_view(visit.city, others, here, indicator, title=title, said=said, as_of=as_of)


def _why(visit: Visit, chain: Chain, as_of: int | None) -> Iterable[Step]:
    catalogue, indicator = words(), chain.indicator
    yield Step(
        catalogue["why.definition"],
        (
            Span(catalogue[f"kind.{indicator.kind}"]),
            Span(catalogue.fill("why.declared", at=indicator.declared_at)),
            Span(catalogue.fill("why.hash", hash=indicator.hash[:12])),
        ),
    )
    if chain.value.mark is not None:
        yield Step(catalogue["why.missing"], (Span(chain.value.mark.reason),), is_bad=True)
    if chain.parts:
        yield Step(catalogue["why.parts"], (), tuple(_part(visit, part, as_of) for part in chain.parts))
    if chain.rows:
        yield _records(visit, chain)
    if chain.files:
        yield _landings(visit, chain.files)
    yield from _checks(visit, chain)


def _records(visit: Visit, chain: Chain) -> Step:
    """The records behind a number; a source that all of them share is said once."""
    city, catalogue = visit.city, words()
    sources = {row.source for row in chain.rows}
    shared = next(iter(sources)) if len(sources) == 1 else ""
    spans = [Span(catalogue.fill("why.count", n=chain.records))]
    if shared:
        spans.append(Span(catalogue.fill("why.source", source=source_title(city, shared))))
    items = []
    for row in chain.rows:
        line = [_record_span(visit, row), Span(Text("：", ": ")), *say_fields(city, row.fields, row.table)]
        if row.source and not shared:
            line.append(Span(catalogue.fill("why.source", source=source_title(city, row.source))))
        items.append(tuple(line))
    return Step(catalogue["why.records"], tuple(spans), tuple(items))


def _record_span(visit: Visit, row: LakeRow) -> Span:
    said = words().fill("why.record", table=_table_title(visit, row.table), n=row.record)
    return Span(said, record_address(row.file, row.record))


def _table_title(visit: Visit, table: str) -> Text:
    contract = visit.city.contracts.get(table)
    return contract.title if contract else Text.same(table)


def _part(visit: Visit, part: PartShown, as_of: int | None) -> tuple[Span, ...]:
    amount = Text(f"{part.shown} {part.unit.title.zh}".strip(), f"{part.shown} {part.unit.title.en}".strip())
    if not part.indicator:
        return (Span(Text(f"{part.title.zh} ", f"{part.title.en} ")), Span(amount, strong=True))
    place = region_name(visit.city, part.region) if part.region else EMPTY
    title = Text(f"{place.zh} {part.title.zh}".strip(), f"{place.en} {part.title.en}".strip())
    href = number_address(part.indicator, part.region, part.period, as_of)
    return (Span(title, href), Span(Text(" ", " ")), Span(amount, strong=True))


def _landings(visit: Visit, files: Sequence[str]) -> Step:
    """The sent files of the records; what the city's own work recorded is said as the commits of the journal that hold it."""
    commits = sorted(int(number) for file in files if (number := file.removeprefix(JOURNAL)) != file)
    landed = [_landed(visit, file) for file in files if not file.startswith(JOURNAL)]
    if commits:
        said = words().fill("why.journal", n=len(commits), first=commits[0], last=commits[-1])
        landed.append((Span(said),))
    return Step(words()["why.landing"], (), tuple(landed))


def _landed(visit: Visit, file: str) -> tuple[Span, ...]:
    landing = visit.city.landing_of(file)
    if landing is None:
        return (Span(Text.same(file[:12])),)
    said = words().fill("why.landed", at=minute_of(landing.at), landed=landing.landed, refused=landing.refused)
    return (Span(Text.same(landing.name), landing_address(landing.key)), Span(said))


def _checks(visit: Visit, chain: Chain) -> Iterable[Step]:
    outcomes = {"agree": words()["why.agree"], "differs": words()["why.differs"], "not_known": words()["why.unchecked"]}
    items = []
    for check in chain.value.checks:
        spans = [Span(check.title, number_address(check.indicator) if check.indicator else "")]
        if check.theirs:
            spans.append(Span(Text(f" {check.theirs}", f" {check.theirs}")))
        spans += [Span(Text("，", ", ")), Span(outcomes[check.outcome], strong=True)]
        if check.reason.zh and check.outcome != "agree":
            spans.append(Span(Text(f"：{check.reason.zh}", f": {check.reason.en}")))
        items.append(tuple(spans))
    is_bad = any(check.outcome == "differs" for check in chain.value.checks)
    if items:
        yield Step(words()["why.second"], (), tuple(items), is_bad=is_bad)
    if chain.value.beside:
        yield Step(words()["why.beside"], (), tuple(_claim(visit, claim) for claim in chain.value.beside))


def _claim(visit: Visit, claim: Claim) -> tuple[Span, ...]:
    sign = "❝ " if claim.evidence == "press" else ""
    shown = Text(f"{sign}{claim.printed} {claim.unit.zh}", f"{sign}{claim.printed} {claim.unit.en}")
    bound = EMPTY if claim.bound == "exactly" else claim.bound_title
    return (
        Span(Text(f"{bound.zh} ".lstrip(), f"{bound.en} ".lstrip())),
        Span(shown, record_address(claim.file, claim.record), strong=True),
        Span(words().fill("why.source", source=source_title(visit.city, claim.source))),
    )


def _moves(visit: Visit, chain: Chain, as_of: int | None) -> Iterable[Step]:
    moved = tuple(
        (Span(_cell_title(visit, key), number_address(key.indicator, key.region, key.period, as_of)),)
        for key in chain.moves
    )
    said = words().fill("why.moves_numbers", n=len(moved)) if moved else words()["why.moves_none"]
    yield Step(words()["why.numbers"], (Span(said),), moved)
    here = chain.value.region.short
    screens = tuple(
        (Span(screen.title, address.replace("{region}", here)),)
        for screen, address in visit.city.screens_of(chain.indicator.id)
    )
    yield Step(words()["why.screens"], (Span(words().fill("why.on_screens", n=len(screens))),), screens)


def _cell_title(visit: Visit, key: CellKey) -> Text:
    indicator, place = visit.city.indicators[key.indicator], region_name(visit.city, key.region)
    period = key.period.title
    return Text(f"{indicator.title.zh} · {place.zh} · {period.zh}", f"{indicator.title.en} · {place.en} · {period.en}")


@get("/numbers", include_in_schema=False, sync_to_thread=True)
def show_numbers(visit: NamedDependency[Visit]) -> Response[str]:
    """The list of numbers."""
    return visit.show("numbers.html", "numbers", make_numbers_page)


@get("/number/{name:str}", include_in_schema=False, sync_to_thread=True)
def show_number(visit: NamedDependency[Visit], name: FromPath[str]) -> Response[str]:
    """One number."""
    return visit.show("number.html", "numbers", lambda v: make_number_page(v, get_indicator(v, name)))
