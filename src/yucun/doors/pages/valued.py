"""From the kernel's values, marks, fields and claims to what the templates draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from yucun.base.clock import CHINA
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.quantity import UNITS, Unit
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.drawing import make_spark, share_of_longest
from yucun.doors.pages.rendering import EVIDENCE_SIGNS, make_address
from yucun.doors.pages.views import EMPTY, Bar, Bars, Counts, Download, Entry, MarkView, NumberView, Span, Spark
from yucun.kernel.indicators.model import CheckResult, Indicator, Mark, MarkKind, Value
from yucun.kernel.lake.contract import Field

# Fields that say where a record comes from; pages say that beside the record.
# So many places without a number keep a row each; more of one kind stand in one line.
_FEW_MISSING = 3
_ABOUT_RECORD = ("source", "evidence")
FORMS = ("csv", "xlsx", "parquet", "json")


def region_name(city: City, code: RegionCode) -> Text:
    """The name of a region today; its code when no record names it."""
    region = city.regions.find(code)
    return region.name if region else Text.same(code.short)


def region_address(code: RegionCode) -> str:
    """The page of a region."""
    return f"/region/{code.short}"


def number_address(
    indicator: str, region: RegionCode | None = None, period: Period | None = None, as_of: int | None = None
) -> str:
    """The page of a number, of exactly this place, period and moment."""
    asked = {"region": region and region.short, "period": period and period.text, "as_of": as_of}
    return make_address(f"/number/{indicator}", (), **asked)


def source_title(city: City, source: str) -> Text:
    """What a source is called, who published it and when; its id when the place does not describe it."""
    found = city.place.sources.get(source)
    if found is None:
        return Text.same(source)
    when = f" {found.published.isoformat()}" if found.published else ""
    return Text(f"{found.publisher.zh}《{found.title.zh}》{when}", f"{found.publisher.en}, “{found.title.en}”{when}")


def record_address(file: str, record: int) -> str:
    """The page of one record of a file that was sent."""
    return f"/record/{file}/{record}"


def landing_address(key: str) -> str:
    """The page of a landing; its key may hold a colon."""
    return f"/lake/landing/{quote(key, safe='')}"


def downloads_of(address: str, **asked: object) -> tuple[Download, ...]:
    """The four forms of a table that the API answers with."""
    return tuple(
        Download({"parquet": "Parquet"}.get(form, form.upper()), make_address(address, (), **asked, format=form))
        for form in FORMS
    )


def mark_view(mark: Mark) -> MarkView:
    """A mark in words, with the table that would fill it."""
    return MarkView(mark.kind, mark.reason, mark.feed)


def day_of(instant: datetime | None) -> str:
    """The day of an instant in China's time; empty for none."""
    return f"{instant.astimezone(CHINA):%Y-%m-%d}" if instant else ""


def minute_of(instant: datetime | str | None) -> str:
    """An instant to the minute in China's time; empty for none."""
    if not instant:
        return ""
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M}"


def tell_checks(checks: Sequence[CheckResult]) -> Text:
    """One short sentence on the second computations; empty when none says anything."""
    told = [c for c in checks if c.outcome != "not_known"]
    differing = [c for c in told if c.outcome == "differs"]
    if differing:
        return words().fill("number.differs", title=differing[0].title, theirs=differing[0].theirs)
    if told and told[0].theirs:
        return words().fill("number.agrees", title=told[0].title, theirs=told[0].theirs)
    if told:
        return words().fill("number.recounted", title=told[0].title)
    return EMPTY


def number_view(
    city: City,
    value: Value,
    *,
    title: Text | None = None,
    note: Text | None = None,
    spark: Spark | None = None,
    as_of: int | None = None,
) -> NumberView:
    """A value as a tile or a hero shows it."""
    indicator = city.indicators[value.indicator]
    said = tell_checks(value.checks) if note is None else note
    if value.late and value.mark is None:
        said = value.late.reason
    return NumberView(
        title=title or indicator.title,
        place=region_name(city, value.region),
        period=value.period.title if value.period else EMPTY,
        shown=value.shown,
        unit=value.unit.title,
        evidence=value.evidence,
        href=number_address(value.indicator, value.region, value.period, as_of),
        mark=mark_view(value.mark) if value.mark else None,
        note=said,
        known_at=day_of(value.known_at),
        spark=spark,
        is_late=value.late is not None,
    )


def count_values(values: Iterable[Value]) -> Counts:
    """Count the numbers of a page by what they rest on; a mark is not a number."""
    kinds = [EVIDENCE_SIGNS[v.evidence][1] for v in values if v.mark is None]
    press, made_up = kinds.count("press"), kinds.count("made-up")
    return Counts(len(kinds) - press - made_up, made_up, press)


def spark_of(series: Iterable[Value], period: Period | None) -> Spark | None:
    """The small line of the periods that may be compared with this one."""
    if period is None:
        return None
    numbers = [v.number for v in series if v.period and v.period.is_comparable(period) and v.number is not None]
    return make_spark(numbers)


def bars_view(
    city: City,
    values: Sequence[Value],
    here: RegionCode,
    indicator: Indicator,
    *,
    title: Text,
    said: Text = EMPTY,
    as_of: int | None = None,
) -> Bars:
    """Places side by side in one period, smallest first; those without a number stand last with their mark."""
    known = sorted((v for v in values if v.number is not None), key=lambda v: (v.number or 0.0, v.region))
    unknown, missing = _gather_missing(city, [v for v in values if v.number is None])
    ordered = [*known, *unknown]
    bars = tuple(
        Bar(
            label=_short_name(city, v.region),
            shown=v.shown,
            share=share,
            href=number_address(v.indicator, v.region, v.period, as_of),
            is_here=v.region == here,
            mark=mark_view(v.mark) if v.mark else None,
        )
        for v, share in zip(ordered, share_of_longest([v.number for v in ordered]), strict=True)
    )
    evidence = known[0].evidence if known else None
    return Bars(title, bars, said, indicator.unit.title, evidence, missing=missing)


def _gather_missing(city: City, values: Sequence[Value]) -> tuple[list[Value], tuple[MarkView, ...]]:
    """Places without a number: a few each in its row, many of one kind in one line with their names."""
    alike: dict[tuple[MarkKind, str], list[Value]] = {}
    for value in values:
        if value.mark is not None:
            alike.setdefault((value.mark.kind, value.mark.feed), []).append(value)
    gathered = {key: found for key, found in alike.items() if len(found) > _FEW_MISSING}
    lines = []
    for (kind, feed), found in gathered.items():
        names = [_short_name(city, v.region) for v in found]
        listed = Text("、".join(n.zh for n in names), ", ".join(n.en for n in names))
        lines.append(MarkView(kind, words().fill("chart.missing", n=len(found), names=listed), feed))
    few = [v for v in values if v.mark is None or (v.mark.kind, v.mark.feed) not in gathered]
    return few, tuple(lines)


def _short_name(city: City, code: RegionCode) -> Text:
    name = region_name(city, code)
    return Text(name.zh.removesuffix("市") if code.level == "city" else name.zh, name.en)


def show_amount(amount: int | float, unit: Unit | None) -> Text:
    """A kept amount in its shown unit, exact to the last digit.

    Examples
    --------
    >>> show_amount(6798300, UNITS["fen"]).zh, show_amount(-1, UNITS["bp"]).en, show_amount(3407000, None).zh
    ('67,983 元', '-0.01 %', '3,407,000')
    """
    exact = Decimal(str(amount)) / (unit.per_shown if unit else 1)
    figure = f"{exact.normalize():,f}"
    return Text(f"{figure} {unit.title.zh}".strip(), f"{figure} {unit.title.en}".strip()) if unit else Text.same(figure)


def show_field(city: City, field: Field | None, value: Any) -> Text:
    """A field's value as people write it: names for codes and regions, shown units for amounts."""
    if value is None or value == "":
        return words()["table.blank"]
    if field is None:
        return Text.same(str(value))
    if field.codes and value in field.codes:
        return field.codes[value]
    match field.type:
        case "region":
            return region_name(city, RegionCode.parse(str(value)))
        case "period":
            period = Period.find(str(value))
            return period.title if period else Text.same(str(value))
        case "boolean":
            return words()["table.yes" if value else "table.no"]
        case "integer" | "measure" if not isinstance(value, str):
            return show_amount(value, UNITS.get(field.unit))
        case "instant":
            return Text.same(minute_of(value))
        case "date" if isinstance(value, date):
            return Text.same(value.isoformat())
        case _:
            return Text.same(str(value))


def field_entry(city: City, field: Field | None, value: Any) -> Entry:
    """A field's value in a table; a region leads to its page."""
    text = show_field(city, field, value)
    if field is not None and field.type == "region" and value:
        return Entry(text, region_address(RegionCode.parse(str(value))))
    return Entry(text)


def value_entry(value: Value, as_of: int | None = None, *, is_bare: bool = False) -> Entry:
    """A value in a table, or its mark; either leads to the page that says why.

    ``is_bare`` leaves the unit to the head, and what it rests on as well when that is a real record.
    """
    href = number_address(value.indicator, value.region, value.period, as_of)
    if value.mark:
        return Entry(mark=mark_view(value.mark), href=href)
    unit = EMPTY if is_bare else value.unit.title
    is_plain = is_bare and EVIDENCE_SIGNS[value.evidence][1] == "real"
    shown = Text(f"{value.shown} {unit.zh}".strip(), f"{value.shown} {unit.en}".strip())
    return Entry(shown, href, evidence=None if is_plain else value.evidence)


def say_fields(city: City, fields: Mapping[str, Any], table: str) -> tuple[Span, ...]:
    """A record's fields in one line."""
    contract = city.contracts.get(table)
    by_name = {f.name: f for f in contract.fields} if contract else {}
    texts = [
        show_field(city, by_name.get(name), value)
        for name, value in fields.items()
        if value is not None and name not in _ABOUT_RECORD
    ]
    return (Span(Text(" · ".join(t.zh for t in texts), " · ".join(t.en for t in texts))),)
