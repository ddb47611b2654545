"""Levers: sliders that answer at once, what they do to a city's place, and all levers by what a feasible step does."""

from __future__ import annotations

import math

from litestar import Response, get
from litestar.di import NamedDependency

from yucun.base.errors import ContractError
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.prosperity_pages import (
    SERVICE,
    asked_city,
    asked_dimensions,
    city_options,
    dimension_ticks,
    show_with_index,
    trail_of,
    ways_of,
)
from yucun.doors.pages.prosperity_views import Chances, LeversPage, Slider, Tick
from yucun.doors.pages.rendering import make_address
from yucun.doors.pages.valued import downloads_of, mark_view, number_address
from yucun.doors.pages.views import EMPTY, Column, Entry, Opening, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.doors.sight import index_of, sight_of
from yucun.kernel.indicators import Indicator
from yucun.kernel.indicators.model import Mark
from yucun.services.prosperity.models import ASKED_FOR_ONLY, CityIndex
from yucun.services.prosperity.pages.levers import Bench, Lever, Outcome

ADDRESS = f"/service/{SERVICE}/levers"


def make_levers_page(visit: Visit) -> LeversPage:
    """The levers of one city, set as the address says."""
    city, catalogue = visit.city, words()
    sight = sight_of(city, None, visit.reader)
    cities = sight.cities_beside(city.place.region)
    here, entering = asked_city(visit, cities), asked_dimensions(visit)
    index = index_of(city, sight, here, entering)
    along = visit.get("apart") != "1"
    bench = Bench(sight, index, here, along)
    levers = bench.levers()
    aims = read_aims(visit, levers)
    problem, outcome = EMPTY, bench.standing_now
    try:
        outcome = bench.set(aims)
    except ContractError as error:
        problem, aims = error.findings[0].message, {}
    kept = [pair for pair in visit.query if pair[0] in ("with", "apart", "city")]
    in_order = {i.code: n for n, i in enumerate(index.inputs)}
    return LeversPage(
        opening=_opening(visit, index, here, outcome),
        trail=trail_of(visit),
        ways=ways_of("levers"),
        city=here.short,
        cities=city_options(sight, cities, here),
        ticks=dimension_ticks(index, entering),
        along=Tick("1", catalogue["levers.apart"], catalogue["levers.apart_said"], not along) if bench.ties else None,
        sliders=tuple(
            _slider(lever, aims, outcome, here, index) for lever in sorted(levers, key=lambda one: in_order[one.code])
        ),
        answer=_answer(index, here, outcome, aims),
        figures=_figures(index, here, outcome),
        chances=_chances(outcome),
        table=_table(visit, index, here, levers),
        reset=make_address(ADDRESS, kept),
        problem=problem,
    )


def read_aims(visit: Visit, levers: list[Lever]) -> dict[str, float]:
    """What the address sets; a slider that stands where the figure is sets nothing."""
    aims = {}
    for lever in levers:
        word = visit.get(lever.code)
        try:
            aim = float(word) if word else math.nan
        except ValueError:
            aim = math.nan
        if math.isfinite(aim) and abs(aim - lever.figure) > slider_step(lever.entering.indicator) / 2:
            aims[lever.code] = aim
    return aims


def slider_step(indicator: Indicator) -> float:
    """The smallest change of a slider, in shown units."""
    return float(10.0 ** -min(indicator.decimals, 3))


def _opening(visit: Visit, index: CityIndex, here: RegionCode, outcome: Outcome) -> Opening:
    catalogue, name = words(), index.names[here]
    title = visit.city.services[SERVICE].title
    kicker = Text(f"{title.zh} · {catalogue['ways.levers'].zh}", f"{title.en} · {catalogue['ways.levers'].en}")
    sentence = catalogue.fill("levers.now", name=name, rank=outcome.rank[0], low=outcome.low[0], high=outcome.high[0])
    return Opening(kicker, sentence, (Span(catalogue["levers.lead"]),))


def _answer(index: CityIndex, here: RegionCode, outcome: Outcome, aims: dict[str, float]) -> tuple[Span, ...]:
    catalogue, name = words(), index.names[here]
    if not aims:
        return (Span(catalogue["levers.untouched"]),)
    kind = "better" if outcome.gained > 0 else "worse" if outcome.gained < 0 else "same"
    said = catalogue.fill(
        f"levers.{kind}",
        name=name,
        places=abs(outcome.gained),
        rank=outcome.rank[1],
        low=outcome.low[1],
        high=outcome.high[1],
        chance=f"{100 * outcome.chance:.0f}",
        loss=f"{100 * outcome.loss:.0f}",
        points=f"{outcome.score[1] - outcome.score[0]:+.2f}",
    )
    return (Span(said, strong=True),)


def _slider(lever: Lever, aims: dict[str, float], outcome: Outcome, here: RegionCode, index: CityIndex) -> Slider:
    catalogue, indicator, names = words(), lever.entering.indicator, index.names
    decimals, step = min(indicator.decimals, 3), slider_step(indicator)
    low, high = math.floor(lever.low / step) * step, math.ceil(lever.high / step) * step
    followed = outcome.figures.get(lever.code)
    figure = aims.get(lever.code, lever.figure if followed is None else followed)
    one_step, said = "", catalogue["levers.no_step"]
    if lever.step is not None:
        one_step = f"{lever.aim:.{decimals}f}"
        said = catalogue.fill(
            "levers.step",
            change=f"{lever.aim - lever.figure:+,.{decimals}f}",
            city=names[lever.step.city],
            period=lever.step.period.title,
        )
    return Slider(
        code=lever.code,
        title=indicator.title,
        unit=indicator.unit.title,
        href=number_address(indicator.id, here, lever.entering.period),
        low=f"{low:.{decimals}f}",
        high=f"{high:.{decimals}f}",
        step=f"{step:.{decimals}f}" if decimals else "1",
        now=f"{lever.figure:.{decimals}f}",
        aim=f"{min(max(figure, low), high):.{decimals}f}",
        now_shown=Text.same(f"{lever.figure:,.{decimals}f}"),
        aim_shown=Text.same(f"{figure:,.{decimals}f}"),
        one_step=one_step,
        one_step_said=said,
        is_set=lever.code in aims,
        follows=lever.code not in aims and followed is not None,
    )


def _figures(index: CityIndex, here: RegionCode, outcome: Outcome) -> tuple[tuple[Text, Text, Text], ...]:
    found = []
    for i in index.inputs:
        if i.code in outcome.figures:
            decimals = min(i.indicator.decimals, 3)
            unit = i.indicator.unit.title
            now, then = i.figure(here), outcome.figures[i.code]
            found.append(
                (
                    i.indicator.title,
                    Text(f"{now:,.{decimals}f} {unit.zh}".strip(), f"{now:,.{decimals}f} {unit.en}".strip()),
                    Text(f"{then:,.{decimals}f} {unit.zh}".strip(), f"{then:,.{decimals}f} {unit.en}".strip()),
                )
            )
    return tuple(found)


def _chances(outcome: Outcome) -> tuple[Chances, ...]:
    """Every place that the city takes in some replication, before or after."""
    longest = max(max(pair) for pair in outcome.places.values()) or 1.0
    return tuple(
        Chances(
            place,
            round(100 * before / longest, 2),
            round(100 * after / longest, 2),
            f"{100 * before:.0f} %",
            f"{100 * after:.0f} %",
            place == outcome.rank[1],
        )
        for place, (before, after) in outcome.places.items()
        if before or after
    )


def _table(visit: Visit, index: CityIndex, here: RegionCode, levers: list[Lever]) -> Table:
    catalogue = words()
    keys = ("indicator", "figure", "one_step", "seen_in", "place", "interval", "points", "chance")
    columns = tuple(Column(catalogue[f"levers.{key}"], is_number=key not in ("indicator", "seen_in")) for key in keys)
    apart = visit.get("apart") == "1"
    asked: dict[str, object] = {"city": here.short}
    if apart:
        asked["apart"] = "true"
    besides = ",".join(name for name in ASKED_FOR_ONLY if name in index.dimensions)
    if besides:
        asked["with"] = besides
    return Table(
        catalogue.fill("levers.all", name=index.names[here]),
        columns,
        tuple(_row(visit, index, here, lever) for lever in levers),
        len(levers),
        downloads=downloads_of("/api/prosperity/levers", **asked),
        name="all-levers",
    )


def _row(visit: Visit, index: CityIndex, here: RegionCode, lever: Lever) -> Row:
    catalogue, i, o = words(), lever.entering, lever.outcome
    decimals = min(i.indicator.decimals, 3)
    title = Entry(i.indicator.title, number_address(i.indicator.id, here, i.period))
    figure = Entry(Text.same(f"{lever.figure:,.{decimals}f}"))
    if lever.step is None or o is None:
        mark = mark_view(Mark("not_known", catalogue["levers.no_step"]))
        return Row((title, figure, Entry(mark=mark, href=visit.link()), *(Entry() for _ in range(5))))
    seen = catalogue.fill("levers.seen", city=index.names[lever.step.city], period=lever.step.period.title)
    return Row(
        (
            title,
            figure,
            Entry(
                Text.same(f"{lever.aim - lever.figure:+,.{decimals}f}"),
                visit.link(**{lever.code: f"{lever.aim:.{decimals}f}"}),
            ),
            Entry(seen),
            Entry(Text.same(f"{o.rank[0]} → {o.rank[1]}")),
            Entry(Text.same(f"{o.low[1]}–{o.high[1]}")),
            Entry(Text.same(f"{o.score[1] - o.score[0]:+.2f}")),
            Entry(Text.same(f"{100 * o.chance:.0f} %")),
        )
    )


@get(ADDRESS, include_in_schema=False, sync_to_thread=True)
def show_levers(visit: NamedDependency[Visit]) -> Response[str]:
    """The levers of a city."""
    return show_with_index(visit, "levers.html", "levers", make_levers_page)
