"""The index of the cities: places with intervals, what brings the points, which choices move the place, the kept run."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from litestar import Response, get
from litestar.di import NamedDependency

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.drawing import share_of_longest
from yucun.doors.pages.lists import moments_of
from yucun.doors.pages.prosperity_pages import (
    SERVICE,
    asked_city,
    asked_dimensions,
    city_options,
    dimension_ticks,
    places_view,
    say_interval,
    show_with_index,
    trail_of,
    ways_of,
)
from yucun.doors.pages.prosperity_views import IndexPage
from yucun.doors.pages.valued import count_values, downloads_of, mark_view, number_address, number_view, value_entry
from yucun.doors.pages.views import Bar, Bars, Column, Download, Entry, Opening, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.doors.sight import index_of, sight_of
from yucun.kernel.indicators.index import drop_one, export
from yucun.kernel.indicators.index.export import tell_versions
from yucun.services.prosperity.models import CHOICES, DIMENSIONS, CityIndex


def make_index_page(visit: Visit) -> IndexPage:
    """The index for one city among the others."""
    city, catalogue = visit.city, words()
    moments, as_of = moments_of(visit)
    sight = sight_of(city, as_of, visit.reader)
    cities = sight.cities_beside(city.place.region)
    here, entering = asked_city(visit, cities), asked_dimensions(visit)
    index = index_of(city, sight, here, entering, as_of)
    values = [value for i in index.inputs for value in i.values.values()]
    gaps = [sight.value(m.code, here) for m in index.missing if not m.known]
    return IndexPage(
        opening=_opening(visit, index, here),
        trail=trail_of(visit),
        ways=ways_of("index"),
        city=here.short,
        cities=city_options(sight, cities, here),
        moments=moments,
        ticks=dimension_ticks(index, entering),
        waiting=tuple(number_view(city, value) for value in gaps),
        places=places_view(index, here, catalogue["index.ranks"], catalogue["index.overlap"]),
        choices=_choices(index),
        choices_said=_say_choices(index),
        contributions=_contributions(index, here),
        standings=_standings(visit, index, here),
        dropped=_dropped(index, here),
        inputs=_inputs(index, here),
        run=_run(index),
        take=(Download("ZIP", visit.link().replace("/index", "/index.zip", 1)),),
        counts=count_values(values),
    )


def _opening(visit: Visit, index: CityIndex, here: RegionCode) -> Opening:
    catalogue, at = words(), index.standing(here)
    kicker = Text(
        f"{visit.city.services[SERVICE].title.zh} · {catalogue['ways.index'].zh}",
        f"{visit.city.services[SERVICE].title.en} · {catalogue['ways.index'].en}",
    )
    name = "index.is_rank" if at.is_rank else "index.no_rank"
    sentence = catalogue.fill(name, name=at.name, rank=at.rank, interval=say_interval(at))
    beside = [index.names[c] for c in at.overlaps]
    lead = [
        Span(catalogue.fill("index.lead", count=len(index.inputs), periods=_periods(index))),
        Span(Text.same(f"{at.score:.2f}"), strong=True),
        Span(catalogue["index.points"]),
    ]
    if beside:
        named = Text("、".join(n.zh for n in beside), ", ".join(n.en for n in beside))
        lead.append(Span(catalogue.fill("index.beside", names=named)))
    return Opening(kicker, sentence, tuple(lead))


def _periods(index: CityIndex) -> Text:
    titles = [p.title for p in index.periods]
    return Text("、".join(t.zh for t in titles), ", ".join(t.en for t in titles))


def _choices(index: CityIndex) -> Bars:
    """The share of the swaying that each choice has by itself, largest first."""
    pairs = sorted(zip(index.shares.first, index.shares.factors, strict=True), reverse=True)
    shares = [max(0.0, float(first)) for first, _ in pairs]
    lengths = share_of_longest(shares)
    bars = tuple(
        Bar(CHOICES[name], f"{100 * share:.0f} %", length)
        for (_, name), share, length in zip(pairs, shares, lengths, strict=True)
    )
    return Bars(words()["index.choices"], bars)


def _say_choices(index: CityIndex) -> Text:
    """What the shares leave out: the part that choices have only together, or that nothing moves at all."""
    if not index.shares.variance > 0:
        return words()["index.no_swaying"]
    alone = sum(max(0.0, float(first)) for first in index.shares.first)
    return words().fill("index.together", share=f"{max(0.0, 100 * (1 - alone)):.0f}")


def _contributions(index: CityIndex, here: RegionCode) -> Table:
    catalogue = words()
    columns = [Column(catalogue["index.city"]), Column(catalogue["index.score"], is_number=True)]
    columns += [Column(DIMENSIONS[name][0], is_number=True) for name in index.dimensions]
    rows = tuple(
        Row(
            (
                Entry(s.name),
                Entry(Text.same(f"{s.score:.2f}")),
                *(Entry(Text.same(f"{s.points.get(name, 0.0):.2f}")) for name in index.dimensions),
            ),
            s.city == here,
        )
        for s in index.standings
    )
    return Table(catalogue["index.contributions"], tuple(columns), rows, len(rows), name="contributions")


def _standings(visit: Visit, index: CityIndex, here: RegionCode) -> Table:
    catalogue = words()
    heads = ("city", "rank", "interval", "median", "ahead")
    columns = tuple(Column(catalogue[f"index.{key}"], is_number=key in ("rank", "median", "ahead")) for key in heads)
    rows = []
    for s in index.standings:
        ahead = index.chance_ahead(here, s.city)
        chance = Text.same(f"{100 * ahead:.0f} %") if s.city != here else catalogue["index.itself"]
        cells = (
            Entry(s.name, visit.link(city=s.city.short)),
            Entry(Text.same(str(s.rank))),
            Entry(say_interval(s)),
            Entry(Text.same(f"{s.median:g}")),
            Entry(chance),
        )
        rows.append(Row(cells, s.city == here))
    asked = {"with": "pace,output"} if len(index.dimensions) > 2 else {}
    return Table(
        catalogue.fill("index.standings", name=index.names[here]), columns, tuple(rows), len(rows), name="standings",
        downloads=downloads_of("/api/prosperity/index", city=here.short, **asked),
    )  # fmt: skip


def _dropped(index: CityIndex, here: RegionCode) -> Table:
    """The place without each indicator in turn."""
    catalogue, at = words(), index.run.index.place_of(here.short)
    by_code = {i.code: i for i in index.inputs}
    rows = []
    for one in drop_one(index.run.index):
        if not one.findings:
            cells = (
                Entry(by_code[one.indicator].indicator.title),
                Entry(Text.same(f"{one.ranks[at]:.0f}")),
                Entry(Text.same(f"{one.mean_shift:.2f}")),
            )
            rows.append(Row(cells))
    columns = (
        Column(catalogue["index.without"]),
        Column(catalogue["index.place_then"], is_number=True),
        Column(catalogue["index.shift"], is_number=True),
    )
    return Table(
        catalogue.fill("index.dropped", name=index.names[here]), columns, tuple(rows), len(rows), name="dropped"
    )


def _inputs(index: CityIndex, here: RegionCode) -> Table:
    catalogue = words()
    keys = ("indicator", "dimension", "period", "better", "figure", "best")
    columns = tuple(Column(catalogue[f"index.{key}"], is_number=key in ("figure", "best")) for key in keys)
    rows = []
    for i in index.inputs:
        best = max(i.values.values(), key=lambda v, i=i: (v.number or 0.0) * i.direction)  # type: ignore[misc]
        cells = (
            Entry(i.indicator.title, number_address(i.indicator.id, here, i.period)),
            Entry(DIMENSIONS[i.dimension][0]),
            Entry(i.period.title),
            Entry(catalogue["index.more" if i.direction > 0 else "index.less"]),
            value_entry(i.values[here]),
            value_entry(best),
        )
        rows.append(Row(cells))
    for m in index.missing:
        if m.known:
            said = catalogue.fill("index.known_for", known=m.known, cities=m.cities)
            cells = (
                Entry(m.indicator.title, number_address(m.indicator.id, here, m.period)),
                Entry(DIMENSIONS[m.dimension][0]),
                Entry(m.period.title if m.period else said),
                Entry(said),
                Entry(href=number_address(m.indicator.id, here, m.period), mark=mark_view(m.mark)),
                Entry(),
            )
            rows.append(Row(cells))
    return Table(catalogue["index.inputs"], columns, tuple(rows), len(rows), name="inputs")


def _run(index: CityIndex) -> tuple[tuple[Text, Text], ...]:
    """What makes the run the same again."""
    catalogue, plan = words(), index.run.plan
    versions = ", ".join(f"{name} {version}" for name, version in tell_versions().items())
    facts: Sequence[tuple[str, Text]] = (
        ("plan", plan.title),
        ("replications", Text.same(f"{plan.replications:,}")),
        ("seed", Text.same(str(plan.seed))),
        ("digest", Text.same(index.digest)),
        ("versions", Text.same(versions)),
    )
    return tuple((catalogue[f"index.run_{name}"], value) for name, value in facts)


def pack_run(index: CityIndex) -> bytes:
    """The whole run as one folder, zipped: figures, framework, spec, seed, versions, results, log, pictures."""
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as home:
        folder = export(index.run, Path(home) / "run").parent
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(folder.iterdir()):
                # A fixed day, so that the same run is the same file.
                packed.writestr(zipfile.ZipInfo(f"index/{path.name}", (2000, 1, 1, 0, 0, 0)), path.read_bytes())
    return out.getvalue()


@get(f"/service/{SERVICE}/index", include_in_schema=False, sync_to_thread=True)
def show_index(visit: NamedDependency[Visit]) -> Response[str]:
    """The index of the cities."""
    return show_with_index(visit, "index.html", "index", make_index_page)


@get(f"/service/{SERVICE}/index.zip", include_in_schema=False, sync_to_thread=True)
def send_run(visit: NamedDependency[Visit]) -> Response[bytes]:
    """The kept run."""
    _, as_of = moments_of(visit)
    sight = sight_of(visit.city, as_of, visit.reader)
    here = asked_city(visit, sight.cities_beside(visit.city.place.region))
    index = index_of(visit.city, sight, here, asked_dimensions(visit), as_of)
    headers = {
        "Content-Disposition": f'attachment; filename="index-{index.digest[:12]}.zip"',
        "Cache-Control": "no-cache",
    }
    return Response(pack_run(index), media_type="application/zip", headers=headers)
