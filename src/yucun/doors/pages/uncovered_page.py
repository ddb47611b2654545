"""What no clause answers: calls grouped by subject and wish, a report to those who write rules, as a page and as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.api.writing import MEDIA_TYPES, write_csv, write_xlsx
from yucun.doors.desk.sight import Desk
from yucun.doors.hotline.judging import KIND
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.hotline_parts import SERVICE, list_answers, trail_to
from yucun.doors.pages.hotline_views import AnswersPage
from yucun.doors.pages.valued import region_name
from yucun.doors.pages.views import EMPTY, Column, Download, Entry, Opening, Row, Table
from yucun.doors.pages.visit import SECURITY_HEADERS, Visit
from yucun.kernel.cases import Case
from yucun.services.hotline.pages.knowledge import find_uncovered

FORMS: tuple[Literal["csv", "xlsx"], ...] = ("csv", "xlsx")
_HEADS = ("subject", "intent", "count", "no_basis", "span", "places", "example", "cases")
_NUMBERS = ("count", "no_basis")
_MOST_PLACES, _MOST_CASES, _MOST_LETTERS = 3, 8, 60


@dataclass(frozen=True, slots=True)
class Group:
    """Messages of one subject and wish that no answer in force fits."""

    subject: Text
    intent: Text
    cases: tuple[Case, ...]
    no_basis: int
    places: Text
    example: str

    @property
    def span(self) -> str:
        """From the first to the last day on which one came."""
        days = [case.opened_at.date().isoformat() for case in self.cases]
        return f"{min(days)} – {max(days)}"


@dataclass(frozen=True, slots=True)
class Uncovered:
    """The report: how many messages were looked at, how many of them are made up, and the groups."""

    messages: int
    made_up: int
    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        """How many messages no answer in force fits."""
        return sum(len(group.cases) for group in self.groups)


def find_groups(visit: Visit) -> Uncovered:
    """Group what no answer in force fits, the most asked first; the look at the messages is noted."""
    city = visit.city
    desk = Desk(city, SERVICE, visit.reader)
    cases = [one.case for one in [*desk.queue(), *desk.queue(is_open=False)]]
    seen = desk.read_texts(cases, ("text",))
    texts = {c.id: seen[c.no]["text"].text for c in cases if "text" in seen[c.no] and seen[c.no]["text"].text}
    uncovered = set(find_uncovered(list(texts.items()), list_answers(city), city.clock.today()))
    grouped: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        if case.id in uncovered:
            key = str(case.fields.get("subject", "")), str(case.fields.get("intent", ""))
            grouped.setdefault(key, []).append(case)
    ordered = sorted(grouped.items(), key=lambda item: (-len(item[1]), item[0]))
    made_up = sum(bool(case.fields.get("is_made_up")) for case in cases)
    return Uncovered(len(texts), made_up, tuple(_make_group(visit, *key, found, texts) for key, found in ordered))


def _make_group(visit: Visit, subject: str, intent: str, cases: Sequence[Case], texts: Mapping[str, str]) -> Group:
    fields, unknown = visit.city.work.cases.kinds[KIND].fields, words()["uncovered.unknown"]
    counties = Counter(code for c in cases if c.region and (code := _county(visit, c.region)) is not None)
    names = [(region_name(visit.city, code), n) for code, n in counties.most_common(_MOST_PLACES)]
    said = texts[cases[0].id]
    return Group(
        fields["subject"].codes.get(subject, unknown),
        fields["intent"].codes.get(intent, unknown),
        tuple(cases),
        sum(case.outcome == "no_basis" for case in cases),
        Text("、".join(f"{t.zh} {n}" for t, n in names), ", ".join(f"{t.en} {n}" for t, n in names)),
        said if len(said) <= _MOST_LETTERS else said[:_MOST_LETTERS] + "…",
    )


def _county(visit: Visit, region: str) -> RegionCode | None:
    code = RegionCode.parse(region)
    above = (code, *(r.code for r in visit.city.regions.ancestors(code)))
    return next((one for one in above if one.level == "county"), None)


def make_uncovered_page(visit: Visit) -> AnswersPage:
    """The report as a page."""
    catalogue, found = words(), find_groups(visit)
    rows = [
        Row(
            (
                Entry(group.subject),
                Entry(group.intent),
                Entry(Text.same(str(len(group.cases)))),
                Entry(Text.same(str(group.no_basis))),
                Entry(Text.same(group.span)),
                Entry(group.places if group.places.zh else catalogue["duty.no_place"]),
                Entry(Text.same(group.example)),
                Entry(Text.same(_list_cases(group)), f"/duty/{SERVICE}?case={group.cases[0].no}"),
            )
        )
        for group in found.groups
    ]
    columns = tuple(
        Column(catalogue[f"uncovered.{key}"], is_number=key in _NUMBERS, is_long=key == "example") for key in _HEADS
    )
    downloads = tuple(Download(form.upper(), f"/{SERVICE}/uncovered/report.{form}") for form in FORMS)
    table = Table(
        EMPTY, columns, tuple(rows), len(rows), downloads=downloads if rows else (), name="uncovered",
        empty=catalogue["uncovered.none"],
    )  # fmt: skip
    return AnswersPage(
        Opening(
            catalogue["uncovered.title"],
            catalogue.fill("uncovered.sentence", all=found.messages, uncovered=found.count),
        ),
        trail_to(visit.city, catalogue["uncovered.title"]),
        "",
        False,
        table,
        catalogue["uncovered.said"],
        made_up=found.made_up,
    )


def _list_cases(group: Group) -> str:
    more = "…" if len(group.cases) > _MOST_CASES else ""
    return "、".join(str(case.no) for case in group.cases[:_MOST_CASES]) + more


def write_uncovered(visit: Visit, form: Literal["csv", "xlsx"]) -> bytes:
    """The report as a file, in the reader's language."""
    language, catalogue, found = visit.language, words(), find_groups(visit)
    columns: dict[str, list[object]] = {
        "subject": [g.subject.of(language) for g in found.groups],
        "intent": [g.intent.of(language) for g in found.groups],
        "count": [len(g.cases) for g in found.groups],
        "no_basis": [g.no_basis for g in found.groups],
        "span": [g.span for g in found.groups],
        "places": [g.places.of(language) for g in found.groups],
        "example": [g.example for g in found.groups],
        "cases": ["、".join(str(case.no) for case in g.cases) for g in found.groups],
    }
    types = {key: pa.int64() if key in _NUMBERS else pa.string() for key in _HEADS}
    table = pa.table({key: pa.array(columns[key], types[key]) for key in _HEADS})
    if form == "csv":
        return write_csv(table.rename_columns([catalogue[f"uncovered.{key}"].of(language) for key in _HEADS]))
    titles = {key: catalogue[f"uncovered.{key}"] for key in _HEADS}
    sentence = catalogue.fill("uncovered.sentence", all=found.messages, uncovered=found.count)
    about = [
        (catalogue["uncovered.title"], sentence.of(language)),
        (catalogue["evidence.made_up"], str(found.made_up)),
    ]
    return write_xlsx(table, catalogue["uncovered.title"].of(language), titles, about, language)


@get(f"/{SERVICE}/uncovered", include_in_schema=False, sync_to_thread=True)
def show_uncovered(visit: NamedDependency[Visit]) -> Response[str]:
    """What no clause answers."""
    return visit.answer("answers.html", "duty", page=make_uncovered_page(visit))


@get(f"/{SERVICE}/uncovered/{{name:str}}", include_in_schema=False, sync_to_thread=True)
def send_uncovered(visit: NamedDependency[Visit], name: FromPath[str]) -> Response[bytes]:
    """The report as a file."""
    form = next((one for one in FORMS if name == f"report.{one}"), None)
    if form is None:
        said = words().fill("uncovered.no_form", name=name[:40])
        raise NotKnown(Finding("hotline.report", visit.path, name[:60], "report.csv, report.xlsx", said))
    headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="uncovered.{form}"'}
    return Response(write_uncovered(visit, form), media_type=MEDIA_TYPES[form], headers=headers)
