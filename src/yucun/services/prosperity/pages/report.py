"""The yearly report: its chapters in reading order, what stands on its first page, and the sources of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from yucun.base.errors import ContractError, Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.indicators import Indicator
from yucun.kernel.indicators.model import EVIDENCE_TITLES
from yucun.services.prosperity.models import Sight, fit
from yucun.services.prosperity.pages.chapters import (
    PRESS,
    PUBLISHED,
    write_cities,
    write_counties,
    write_feelings,
    write_income,
    write_index,
    write_output,
    write_press,
    write_tasks,
    write_unknown,
)
from yucun.services.prosperity.pages.layout import Desk, Figure, Report, Rows, Section
from yucun.services.prosperity.pages.sentences import (
    Slot,
    of_value,
    wordings,
    worked_out,
)
from yucun.services.prosperity.pages.tasks import TABLE, make_tree


def list_years(sight: Sight, region: RegionCode) -> list[int]:
    """The years of which a city has an income, an output or a score, newest first."""
    known = [v for code in ("urban_rural_ratio", "gdp", "feelings") for v in sight.series(code, region)]
    years = {v.period.calendar_year for v in known if v.period and v.period.kind == "year" and v.number is not None}
    return sorted(years, reverse=True)


def make_report(sight: Sight, region: RegionCode, year: int, today: date, rows: Rows) -> Report:
    """Write the report of a year.

    Parameters
    ----------
    sight : Sight
        Is narrowed to what had ended by the end of the year.
    rows : callable
        From a table's name to its rows as the reader may see them.

    Raises
    ------
    NotKnown
        When nothing is known of the year; it names the years of which something is.
    """
    years = list_years(sight, region)
    if year not in years:
        raise NotKnown(_no_such_year(year, years))
    sight = replace(sight, until=min(sight.until, date(year, 12, 31)))
    try:
        index = fit(sight, region)
    except ContractError:
        index = None
    desk = Desk(sight, region, year, today, rows, index)
    # The tree is of today: it says nothing of a year long past.
    tree = make_tree(rows(TABLE) if year >= today.year - 1 else (), replace(sight, until=today), today)
    writers: tuple[Callable[[Desk], Section | None], ...] = (
        write_income,
        write_cities,
        write_index,
        write_feelings,
        write_output,
        write_counties,
        partial(write_tasks, tree),
        write_unknown,
        write_press,
    )
    sections = tuple(section for write in writers if (section := write(desk)) is not None)
    place = sight.regions.get(region).name
    title = wordings()["title"].fill(place=place)
    titles = {name: i.title for name, i in sight.numbers.indicators.items()}
    sources = tuple(_gather_sources(desk, sections))
    return Report(year, region, place, title, sections, tuple(_first_page(desk)), sources, titles, today)


def _first_page(desk: Desk) -> Iterable[Figure]:
    """Four numbers at most, each with what one must know to read it."""
    indicators = desk.sight.numbers.indicators
    for code in ("urban_rural_ratio", "feelings", "gdp"):
        value = desk.get(code)
        if value.number is not None:
            kind = EVIDENCE_TITLES[value.evidence]
            said = Text(f"{desk.period.title.zh} · {kind.zh}", f"{desk.period.title.en} · {kind.en}")
            yield Figure(indicators[value.indicator].title, of_value(value), value.unit.title, said)
    if desk.index is not None:
        at, (low, high) = desk.index.standing(desk.region), desk.index.standing(desk.region).places
        said = Text(
            f"九成在第 {low}—{high} · {desk.index.periods[-1].title.zh}",
            f"{low}–{high} in nine of ten · {desk.index.periods[-1].title.en}",
        )
        cities = Text(f"/ {len(desk.index.cities)} 市", f"of {len(desk.index.cities)} cities")
        slot = worked_out("index.rank", at.rank, desk.region)
        yield Figure(wordings()["what.index.rank"], slot, cities, said)


def _no_such_year(year: int, years: Sequence[int]) -> Finding:
    named = Text.same(", ".join(map(str, years))) if years else Text("一年也没有", "none")
    return Finding(
        "prosperity.year",
        "/report",
        str(year),
        named.en,
        Text(f"{year} 年没有可报告的数；有数的年份：{named.zh}", f"nothing is known of {year}; there are: {named.en}"),
    )


def _gather_sources(desk: Desk, sections: Sequence[Section]) -> Iterable[str]:
    """Every source behind the numbers of the sentences, in the order in which they are first met."""
    seen: dict[str, None] = {}
    printed = {(str(r["_file"]), int(r["_record"])): str(r["source"]) for t in (PUBLISHED, PRESS) for r in desk.rows(t)}
    for slot in (slot for section in sections for s in section.sentences for slot in s.numbers):
        if slot.kind == "value":
            seen.update(dict.fromkeys(_sources_of(desk, slot)))
        if slot.kind == "claim":
            seen[printed[slot.file, slot.record]] = None
    return seen


def _sources_of(desk: Desk, slot: Slot) -> Iterable[str]:
    """The sources of the rows that enter a number: of its own region, and of all cities where it gathers them."""
    indicators = desk.sight.numbers.indicators
    definition = indicators[slot.indicator]
    below = [definition, *(indicators[name] for name in _all_uses(definition, indicators))]
    regions: set[str] = {str(slot.region)}
    if any(d.over for d in below):
        regions |= set(desk.sight.cities_beside(desk.region))
    if any(d.minus.startswith("region:") for d in below):
        regions.add(desk.sight.province_of(desk.region))
    periods = {slot.period.text if slot.period else "", desk.year_end.text}
    for term in (term for d in below for term in d.terms):
        for row in desk.rows(term.table):
            fits = all(row[name] in allowed for name, allowed in term.where.items())
            if fits and str(row["region"]) in regions and str(row["period"]) in periods and row["source"]:
                yield str(row["source"])


def _all_uses(definition: Indicator, indicators: Mapping[str, Indicator]) -> Iterable[str]:
    for name in definition.uses:
        yield name
        yield from _all_uses(indicators[name], indicators)
