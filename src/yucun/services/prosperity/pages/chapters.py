"""The chapters of the report: which sentences the numbers of a year allow, with the charts and tables beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.indicators import Value
from yucun.kernel.indicators.model import Mark
from yucun.services.prosperity.models import CHOICES, DIMENSIONS, CityIndex, fit
from yucun.services.prosperity.pages.layout import EMPTY, Bar, Cell, Chart, Desk, Grid, Section
from yucun.services.prosperity.pages.levers import Bench, Lever
from yucun.services.prosperity.pages.sentences import (
    Sentence,
    Slot,
    of_claim,
    of_value,
    say,
    word,
    wordings,
    worked_out,
)
from yucun.services.prosperity.pages.tasks import LIGHT_TITLES, LIGHTS, Tree

PUBLISHED, PRESS = "prosperity.published", "prosperity.press"
GAPS = ("urban_rural_ratio", "gap_environment", "gap_services", "gap_factors", "gap_digital")
# Press claims that speak of a number of ours.
BESIDE: Mapping[str, str] = {
    "ratio": "urban_rural_ratio",
    "feelings-score": "feelings",
    "feelings-lead": "feelings_lead",
}


def _section(
    name: str, sentences: Iterable[Sentence], charts: Iterable[Chart] = (), grids: Iterable[Grid] = ()
) -> Section | None:
    """A section, or None when no sentence can be said."""
    said = tuple(sentences)
    return Section(name, wordings()[f"section.{name}"], said, tuple(charts), tuple(grids)) if said else None


def write_income(desk: Desk) -> Section | None:
    """Town and country: incomes, their ratio, how it moved, and which grew faster."""
    urban, rural, ratio = desk.get("income_urban"), desk.get("income_rural"), desk.get("urban_rural_ratio")
    grown = desk.get("growth_urban"), desk.get("growth_rural")
    said: list[Sentence] = []
    if urban.number is not None and rural.number is not None:
        said.append(
            say(
                "income", period=word(desk.period.title), place=desk.place, urban=of_value(urban), rural=of_value(rural)
            )
        )
    if ratio.number is not None:
        said.append(say("ratio", ratio=of_value(ratio)))
    change = desk.claim("urban_rural_ratio_change")
    if change is not None and change.number:
        said.append(say("ratio_fell" if change.number < 0 else "ratio_rose", change=of_claim(change, unsigned=True)))
    province = desk.claim("urban_rural_ratio", desk.sight.province_of(desk.region))
    if province is not None and ratio.number is not None:
        name = "ratio_below" if round(ratio.number, 2) < province.number else "ratio_above"
        said.append(say(name, province=of_claim(province), place=desk.place))
    if grown[0].number is not None and grown[1].number is not None:
        name = "growth_faster" if grown[1].number > grown[0].number else "growth_slower"
        said.append(say(name, urban=of_value(grown[0]), rural=of_value(grown[1])))
    yearly = [v for v in desk.sight.series("urban_rural_ratio", desk.region) if v.period and v.period.kind == "year"]
    known = [v for v in yearly if v.number is not None]
    charts = [_series_chart(desk, known)] if len(known) > 1 else []
    codes = ("income_all", "income_urban", "income_rural", "urban_rural_ratio", "growth_urban", "growth_rural")
    return _section("income", said, charts, [_value_grid(desk, "incomes", [desk.get(code) for code in codes])])


def _series_chart(desk: Desk, known: Sequence[Value]) -> Chart:
    bars = tuple(
        Bar(v.period.title if v.period else EMPTY, v.number or 0.0, of_value(v), v.period == desk.period) for v in known
    )
    place = desk.sight.name(desk.region)
    return Chart(
        wordings()["chart.series"].fill(place=place), wordings()["chart.series_said"], known[0].unit.title, bars
    )


def _value_grid(desk: Desk, name: str, values: Sequence[Value]) -> Grid:
    """Numbers one below the other, each with its unit and evidence, or its mark."""
    rows = tuple(
        (
            Cell(desk.sight.numbers.indicators[v.indicator].title),
            Cell(v.period.title if v.period else EMPTY),
            _value_cell(v),
            Cell(v.unit.title if v.mark is None else EMPTY),
        )
        for v in values
    )
    heads = (Text("指标", "Number"), Text("时期", "Period"), Text("数", "Value"), Text("单位", "Unit"))
    return Grid(wordings()[f"table.{name}"], heads, rows, (2,))


def _value_cell(value: Value) -> Cell:
    if value.mark is not None:
        return Cell(mark=value.mark)
    return Cell(slot=of_value(value), evidence=value.evidence)


def write_cities(desk: Desk) -> Section | None:
    """The city among the others of its province: the ratio's order and how incomes spread."""
    if desk.index is None:
        return None
    entering = next((i for i in desk.index.inputs if i.code == "urban_rural_ratio"), None)
    if entering is None:
        return None
    period, sight = entering.period, desk.sight
    ordered = sorted(entering.values.values(), key=lambda v: (v.number or 0.0, v.region))
    ours = entering.values[desk.region]
    rank = 1 + sum((v.number or 0.0) < (ours.number or 0.0) for v in ordered)
    said = [
        say(
            "cities_ratio",
            period=word(period.title),
            cities=worked_out("cities", len(ordered)),
            lowest=word(sight.name(ordered[0].region)),
            low=of_value(ordered[0]),
            highest=word(sight.name(ordered[-1].region)),
            high=of_value(ordered[-1]),
            place=desk.place,
            ours=of_value(ours),
            rank=worked_out("ratio.rank", rank, desk.region),
        )
    ]
    province = sight.province_of(desk.region)
    times, cv, gini, between, within = (
        sight.value(code, province, period)
        for code in ("highest_to_lowest", "income_cv", "income_gini", "theil_between_cities", "theil_within_cities")
    )
    if all(v.number is not None for v in (times, cv, gini)):
        said.append(say("cities_spread", times=of_value(times), cv=of_value(cv), gini=of_value(gini)))
    charts = [_bar_chart(desk, "ratio", period, ordered)]
    if between.number is not None and within.number is not None:
        name = "theil_between" if between.number > within.number else "theil_within"
        said.append(say(name, between=of_value(between), within=of_value(within)))
        bars = tuple(
            Bar(desk.sight.numbers.indicators[v.indicator].title, v.number or 0.0, of_value(v))
            for v in (between, within)
        )
        charts.append(Chart(wordings()["chart.theil"].fill(period=period.title), EMPTY, EMPTY, bars))
    return _section("cities", said, charts)


def _bar_chart(desk: Desk, name: str, period: Period, ordered: Sequence[Value]) -> Chart:
    bars = tuple(Bar(desk.sight.name(v.region), v.number or 0.0, of_value(v), v.region == desk.region) for v in ordered)
    said = wordings()[f"chart.{name}_said"] if period.kind == "cumulative" else EMPTY
    return Chart(wordings()[f"chart.{name}"].fill(period=period.title), said, ordered[0].unit.title, bars)


def write_index(desk: Desk) -> Section | None:
    """The composite place with its interval, why it sways, what one step would do, and what else might enter."""
    if desk.index is None:
        return None
    index, at = desk.index, desk.index.standing(desk.region)
    periods = Text("、".join(p.title.zh for p in index.periods), ", ".join(p.title.en for p in index.periods))
    low, high = at.places
    said = [
        say(
            "index_score",
            count=worked_out("index.count", len(index.inputs)),
            periods=word(periods),
            place=desk.place,
            score=worked_out("index.score", f"{at.score:.2f}", desk.region),
            rank=worked_out("index.rank", at.rank, desk.region),
        )
    ]
    around = {
        "replications": worked_out("index.replications", f"{index.run.plan.replications:,}"),
        "place": desk.place,
        "low": worked_out("index.low", low, desk.region),
        "high": worked_out("index.high", high, desk.region),
    }
    if at.is_rank:
        said.append(say("index_is_rank", **around))
    else:
        said.append(
            say("index_no_rank", **around, overlaps=worked_out("index.overlaps", len(at.overlaps), desk.region))
        )
    first = max(zip(index.shares.first, index.shares.factors, strict=True))
    if first[0] > 0:
        share = worked_out("index.share", f"{100 * first[0]:.0f}", desk.region)
        said.append(say("index_choice", choice=word(CHOICES[first[1]]), share=share))
    levers = Bench(desk.sight, index, desk.region).levers()
    said += _say_lever(desk, levers)
    wide = fit(desk.sight, desk.region, tuple(DIMENSIONS))
    if len(wide.inputs) > len(index.inputs):
        said.append(
            say(
                "index_wide",
                count=worked_out("wide.count", len(wide.inputs)),
                place=desk.place,
                rank=worked_out("wide.rank", wide.standing(desk.region).rank, desk.region),
            )
        )
    return _section("index", said, [_rank_chart(desk, index)], [_city_grid(desk, index), _lever_grid(desk, levers)])


def _say_lever(desk: Desk, levers: Sequence[Lever]) -> list[Sentence]:
    best = levers[0] if levers else None
    if best is None or best.outcome is None or not best.outcome.chance > 0:
        return []
    unit = best.entering.indicator.unit.title
    return [
        say(
            "lever_up",
            indicator=word(_lower(best.entering.indicator.title)),
            aim=worked_out(f"lever.aim.{best.code}", show(best.aim, best.entering.indicator.decimals), desk.region),
            unit=word(unit),
            place=desk.place,
            chance=worked_out(f"lever.chance.{best.code}", f"{100 * best.outcome.chance:.0f}", desk.region),
        )
    ]


def _lower(title: Text) -> Text:
    """A title inside a sentence."""
    return Text(title.zh, title.en[:1].lower() + title.en[1:])


def show(number: float, decimals: int) -> str:
    """A number as the report prints it.

    Examples
    --------
    >>> show(30975.462, 0), show(1.4881, 2)
    ('30,975', '1.49')
    """
    return f"{number:,.{max(decimals, 0)}f}"


def _rank_chart(desk: Desk, index: CityIndex) -> Chart:
    bars = tuple(
        Bar(
            s.name, s.rank, worked_out("index.rank", s.rank, s.city), s.city == desk.region, float(s.places[0]),
            float(s.places[1]),
        )
        for s in index.standings
    )  # fmt: skip
    return Chart(wordings()["chart.ranks"], wordings()["chart.ranks_said"], EMPTY, bars, are_places=True)


def _city_grid(desk: Desk, index: CityIndex) -> Grid:
    heads = [Text("市", "City"), Text("位次", "Place"), Text("九成区间", "Nine in ten"), Text("得分", "Score")]
    heads += [DIMENSIONS[name][0] for name in index.dimensions]
    rows = []
    for s in index.standings:
        low, high = s.places
        cells = [
            Cell(s.name),
            Cell(slot=worked_out("index.rank", s.rank, s.city)),
            Cell(Text.same(f"{low}–{high}" if low != high else f"{low}")),
            Cell(slot=worked_out("index.score", f"{s.score:.2f}", s.city)),
        ]
        cells += [Cell(Text.same(f"{s.points.get(name, 0.0):.2f}")) for name in index.dimensions]
        rows.append(tuple(cells))
    here = next(n for n, s in enumerate(index.standings) if s.city == desk.region)
    return Grid(wordings()["table.cities"], tuple(heads), tuple(rows), tuple(range(1, len(heads))), here)


def _lever_grid(desk: Desk, levers: Sequence[Lever]) -> Grid:
    heads = (
        Text("指标", "Number"), Text("现在", "Now"), Text("一步之后", "After a step"), Text("位次", "Place"),
        Text("变好的机会", "Chance of better"),
    )  # fmt: skip
    rows = []
    for lever in levers:
        indicator, o = lever.entering.indicator, lever.outcome
        now = of_value(lever.entering.values[desk.region])
        if o is None:
            unknown = Mark("not_known", Text("没有相邻两年的数", "no two years that follow each other are known"))
            rows.append((Cell(indicator.title), Cell(slot=now), Cell(mark=unknown), Cell(), Cell()))
            continue
        rows.append(
            (
                Cell(indicator.title),
                Cell(slot=now),
                Cell(slot=worked_out(f"lever.aim.{lever.code}", show(lever.aim, indicator.decimals), desk.region)),
                Cell(Text.same(f"{o.rank[0]} → {o.rank[1]}")),
                Cell(slot=worked_out(f"lever.chance.{lever.code}", f"{100 * o.chance:.0f} %", desk.region)),
            )
        )
    return Grid(wordings()["table.levers"], heads, tuple(rows), (1, 2, 3, 4))


def write_feelings(desk: Desk) -> Section | None:
    """The opinion survey: score, lead over the province, printed place."""
    score, lead = desk.get("feelings"), desk.get("feelings_lead")
    said = []
    if score.number is not None:
        said.append(say("feelings", period=word(desk.period.title), score=of_value(score)))
    if lead.number is not None:
        said.append(say("feelings_above" if lead.number > 0 else "feelings_not_above", lead=of_value(lead)))
    ranks = (r for r in desk.rows(PUBLISHED) if r["indicator"] == "prosperity.feelings_rank")
    printed = next((r for r in ranks if (str(r["region"]), str(r["period"])) == (desk.region, desk.period.text)), None)
    if printed is not None:
        slot = Slot(
            Text.same(str(printed["value"])), "claim", "prosperity.feelings_rank", desk.region, desk.period,
            printed["evidence"] or "seen", file=str(printed["_file"]), record=int(printed["_record"]),
        )  # fmt: skip
        said.append(say("feelings_rank", rank=slot))
    return _section("feelings", said)


def write_output(desk: Desk) -> Section | None:
    """Output, output per head, and people."""
    gdp, growth, head = desk.get("gdp"), desk.get("gdp_growth"), desk.get("gdp_per_head")
    total = desk.get("gdp_total", region=desk.sight.province_of(desk.region))
    residents, urban = desk.get("residents", desk.year_end), desk.get("urban_share", desk.year_end)
    said = []
    if gdp.number is not None:
        at = word(desk.period.title)
        said.append(
            say("gdp", period=at, gdp=of_value(gdp), growth=of_value(growth))
            if growth.number is not None
            else say("gdp_only", period=at, gdp=of_value(gdp))
        )
    if head.number is not None:
        said.append(say("gdp_per_head", head=of_value(head)))
    if total.number is not None:
        said.append(say("gdp_of_all", total=of_value(total)))
    if residents.number is not None:
        said.append(
            say("people", residents=of_value(residents), urban=of_value(urban))
            if urban.number is not None
            else say("people_only", residents=of_value(residents))
        )
    return _section("output", said)


def write_counties(desk: Desk) -> Section | None:
    """The counties: where most and where fewest live in towns."""
    codes = [r.code for r in desk.sight.regions.children(desk.region)]
    shares = [desk.get("urban_share", desk.year_end, code) for code in codes]
    known = sorted((v for v in shares if v.number is not None), key=lambda v: v.number or 0.0)
    if len(known) < 2:
        return None
    said = say(
        "counties",
        known=worked_out("counties.known", len(known)),
        highest=word(desk.sight.name(known[-1].region)),
        high=of_value(known[-1]),
        lowest=word(desk.sight.name(known[0].region)),
        low=of_value(known[0]),
    )
    heads = (
        Text("区县", "County"),
        Text("年末常住人口（万人）", "Residents (10k)"),
        Text("城镇化率（%）", "Urban share (%)"),
    )
    rows = tuple(
        (
            Cell(desk.sight.regions.get(v.region).name),
            _value_cell(desk.get("residents", desk.year_end, v.region)),
            _value_cell(v),
        )
        for v in shares
    )
    return _section("counties", [said], grids=[Grid(wordings()["table.counties"], heads, rows, (1, 2))])


def write_tasks(tree: Tree, desk: Desk) -> Section | None:
    """The tree of tasks in counts of lights, and what sources count without naming."""
    if not tree.leaves:
        return None
    counts = {light: worked_out(f"tasks.{light}", tree.count(light)) for light in LIGHTS}
    said = [say("tasks", all=worked_out("tasks.all", len(tree.leaves)), **counts)]
    if tree.unnamed:
        said.append(
            say(
                "tasks_unnamed",
                unnamed=worked_out("tasks.unnamed", tree.unnamed),
                uncounted=worked_out("tasks.uncounted", tree.uncounted),
            )
        )
    heads = (Text("任务", "Task"), Text("期限", "Due"), Text("灯", "Light"), Text("为什么", "Why"))
    rows = tuple(
        (
            Cell(task.title),
            Cell(Text.same(task.due.isoformat() if task.due else "")),
            Cell(LIGHT_TITLES[task.light]),
            Cell(task.reason),
        )
        for root in tree.roots
        for task in root.walk()
        if not task.is_unnamed
    )
    del desk
    return _section("tasks", said, grids=[Grid(wordings()["table.tasks"], heads, rows)])


def write_unknown(desk: Desk) -> Section | None:
    """How many dimensions have figures, and which table would fill the others."""
    values = [desk.get(code) for code in GAPS]
    known = sum(v.number is not None for v in values)
    said = say(
        "unknown",
        all=worked_out("gaps.all", len(values)),
        known=worked_out("gaps.known", known),
        unknown=worked_out("gaps.unknown", len(values) - known),
    )
    heads = (
        Text("数", "Number"),
        Text("为什么没有", "Why there is none"),
        Text("能填上它的表", "Table that would fill it"),
    )
    names = [*GAPS, "income_all", "urban_rural_ratio_change", "gdp_growth", "feelings_lead"]
    lacking = [v for code in names if (v := desk.get(code)).mark is not None]
    rows = [
        (
            Cell(desk.sight.numbers.indicators[v.indicator].title),
            Cell(mark=v.mark),
            Cell(_table_title(desk, v.mark.feed)),
        )
        for v in lacking
        if v.mark is not None
    ]
    for m in desk.index.missing if desk.index else ():
        if m.known and m.mark.feed:
            count = Text(
                f"{m.known} / {m.cities} 个市有数：{m.mark.reason.zh}",
                f"{m.known} of {m.cities} cities: {m.mark.reason.en}",
            )
            rows.append(
                (
                    Cell(m.indicator.title),
                    Cell(mark=replace(m.mark, reason=count)),
                    Cell(_table_title(desk, m.mark.feed)),
                )
            )
    return _section("unknown", [said], grids=[Grid(wordings()["table.unknown"], heads, tuple(rows))] if rows else [])


def _table_title(desk: Desk, table: str) -> Text:
    """A table as people call it."""
    return desk.sight.numbers.lake.get_contract(table).title if table else EMPTY


def write_press(desk: Desk) -> Section | None:
    """How many claims of the press can be set beside a number of ours, and how many agree."""
    claims = [r for r in desk.rows(PRESS) if _press_year(r) == desk.year]
    rows, agree = [], 0
    for claim in claims:
        code = BESIDE.get(str(claim["claim"]))
        if code is None or not claim["value"]:
            continue
        value = desk.get(code)
        same = value.number is not None and _prints_as(value.number, str(claim["value"]))
        agree += same
        printed = Slot(
            Text.same(str(claim["value"])), "claim", f"prosperity.{code}", desk.region, desk.period, "press",
            file=str(claim["_file"]), record=int(claim["_record"]),
        )  # fmt: skip
        judged = Text("一致", "agree") if same else Text("不一致", "differ")
        title = desk.sight.numbers.indicators[f"prosperity.{code}"].title
        rows.append((Cell(title), Cell(slot=printed, evidence="press"), _value_cell(value), Cell(judged)))
    if not rows:
        return None
    said = say(
        "press",
        all=worked_out("press.all", len(claims)),
        beside=worked_out("press.beside", len(rows)),
        agree=worked_out("press.agree", agree),
    )
    heads = (Text("数", "Number"), Text("报刊", "Press"), Text("本系统", "Ours"), Text("对照", "Beside each other"))
    return _section("press", [said], grids=[Grid(wordings()["table.press"], heads, tuple(rows), (1, 2))])


def _press_year(row: Mapping[str, Any]) -> int:
    """The year that a claim speaks of: its own, or the one before it was printed."""
    if row["period"]:
        return Period.parse(str(row["period"])).calendar_year
    return Period.parse(str(row["printed"])).calendar_year - 1


def _prints_as(number: float, printed: str) -> bool:
    decimals = len(printed.partition(".")[2])
    return f"{number:.{decimals}f}" == printed
