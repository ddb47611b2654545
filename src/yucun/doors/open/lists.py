"""The list of everything that is open: found by words, under the headings of the domains, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.doors.open.moving import make_propose_form
from yucun.doors.open.views import DatasetView, DomainView, FileView, OpenPage, Shelf
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.lists import read_number
from yucun.doors.pages.valued import minute_of, region_name
from yucun.doors.pages.views import EMPTY, Column, Entry, MarkView, Opening, Option, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.kernel.access.model import Refused
from yucun.kernel.lake.catalogue import (
    FILE_NAMES,
    OTHER,
    SIX,
    STATE_TITLES,
    Form,
    Item,
    Version,
)
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.model import next_due

ON_A_PAGE = 12
SHOWN_FORMS: tuple[Form, ...] = ("csv", "parquet", "json", "zip")
_ORDER = {domain.id: place for place, domain in enumerate((*SIX, OTHER))}


@dataclass(frozen=True, slots=True)
class Dataset:
    """An open item with what opens it and its newest version."""

    item: Item
    contract: Contract
    kind: str
    version: Version


def open_datasets(visit: Visit) -> list[Dataset]:
    """Everything that is open and given out, by domain and title."""
    catalogue = visit.city.catalogue
    latest = catalogue.latest()
    found = []
    for item in catalogue.list_items("open"):
        version = latest.get(item.name)
        if version is not None and catalogue.withheld(item, version) is None:
            subject = catalogue.subject(item.name)
            found.append(Dataset(item, subject.contract, subject.kind, version))
    return sorted(found, key=lambda d: (_ORDER[d.item.domain.id], d.kind == "number", d.contract.title.zh))


def make_open_page(visit: Visit) -> OpenPage:
    """The list as it is asked for."""
    catalogue = words()
    every = open_datasets(visit)
    found = [d for d in every if _is_asked(visit, d)]
    last = max(1, -(-len(found) // ON_A_PAGE))
    page = min(read_number(visit, "page", 1), last)
    here = found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]
    shelves = tuple(
        Shelf(domain.title, tuple(_dataset(visit, d) for d in group))
        for domain, group in groupby(here, key=lambda d: d.item.domain)
    )
    rows = sum(d.version.rows for d in every)
    said = catalogue.fill("open.lead", rows=f"{rows:,}")
    return OpenPage(
        opening=Opening(catalogue["open.kicker"], catalogue.fill("open.sentence", n=len(every)), (Span(said),)),
        domains=_domains(visit, every),
        shelves=shelves,
        query=visit.get("q"),
        choices=_domain_options(visit),
        kinds=tuple(
            Option(key, catalogue[f"open.kind_{key or 'any'}"], visit.get("kind") == key)
            for key in ("", "table", "number")
        ),
        total=len(found),
        said=catalogue.fill("open.found", n=len(found)),
        range=catalogue.fill(
            "table.range", first=(page - 1) * ON_A_PAGE + 1, last=(page - 1) * ON_A_PAGE + len(here), total=len(found)
        ),
        before=visit.link(page=page - 1) if page > 1 else "",
        after=visit.link(page=page + 1) if page < last else "",
        empty=_say_empty(visit, every),
        work=_work(visit),
        propose=make_propose_form(visit),
        machines=(
            ("/open/catalogue.jsonld", catalogue["open.dcat"]),
            ("/api/docs", catalogue["open.api"]),
            ("/sitemap.xml", catalogue["open.sitemap"]),
        ),
    )


def _is_asked(visit: Visit, dataset: Dataset) -> bool:
    item, contract = dataset.item, dataset.contract
    if visit.get("domain") and visit.get("domain") != item.domain.id:
        return False
    if visit.get("kind") and visit.get("kind") != dataset.kind:
        return False
    fields = " ".join(f"{f.name} {f.title.zh} {f.title.en}" for f in contract.fields if f.name in item.fields)
    said = " ".join(
        (
            item.name, contract.title.zh, contract.title.en, contract.meaning.zh, contract.meaning.en,
            contract.owner.zh, contract.owner.en, item.domain.title.zh, item.domain.title.en, fields,
        )
    ).casefold()  # fmt: skip
    return all(word in said for word in visit.get("q").casefold().split())


def _say_empty(visit: Visit, every: Sequence[Dataset]) -> Text:
    catalogue = words()
    if not every:
        return catalogue["open.nothing"]
    domain = next((d for d in (*SIX, OTHER) if d.id == visit.get("domain")), None)
    if domain is not None and not any(d.item.domain == domain for d in every):
        return catalogue.fill("open.domain_empty", domain=domain.title)
    return catalogue["open.no_match"]


def _domains(visit: Visit, every: Sequence[Dataset]) -> tuple[DomainView, ...]:
    chosen = visit.get("domain")
    return tuple(
        DomainView(
            domain.title,
            sum(d.item.domain == domain for d in every),
            visit.link(domain=None if chosen == domain.id else domain.id, page=None),
            chosen == domain.id,
        )
        for domain in (*SIX, OTHER)
    )


def _domain_options(visit: Visit) -> tuple[Option, ...]:
    every = Option("", words()["open.any_domain"], not visit.get("domain"))
    return (every, *(Option(d.id, d.title, visit.get("domain") == d.id) for d in (*SIX, OTHER)))


def _dataset(visit: Visit, dataset: Dataset) -> DatasetView:
    catalogue, contract, version = words(), dataset.contract, dataset.version
    facts = [
        contract.owner,
        catalogue.fill("open.rows", n=f"{version.rows:,}"),
        catalogue[f"lake.every_{contract.freshness.every}"],
    ]
    if version.coverage.newest:
        facts.append(catalogue.fill("open.newest", period=Period.parse(version.coverage.newest).title))
    if version.coverage.region:
        facts.append(region_name(visit.city, RegionCode(version.coverage.region)))
    return DatasetView(
        name=dataset.item.name,
        title=contract.title,
        meaning=contract.meaning,
        href=f"/open/{dataset.item.name}",
        facts=tuple(fact for fact in facts if fact.zh),
        files=file_views(visit, version, SHOWN_FORMS),
        mark=late_mark(visit, contract, version),
    )


def late_mark(visit: Visit, contract: Contract, version: Version) -> MarkView | None:
    """That the next period is overdue; the rows that are there stay right for their own."""
    if not version.coverage.newest:
        return None
    due = next_due(contract.freshness, Period.parse(version.coverage.newest))
    today = visit.city.clock.today()
    if due is None or due >= today:
        return None
    return MarkView("late", words().fill("open.late", due=due.isoformat(), days=(today - due).days))


def file_views(visit: Visit, version: Version, forms: Sequence[Form]) -> tuple[FileView, ...]:
    """The files of a version in these forms, as links."""
    possible = visit.city.catalogue.forms_of(version)
    views = []
    for form in (f for f in forms if f in possible):
        kept = version.files.get(form)
        views.append(
            FileView(
                {"parquet": "Parquet", "datapackage": "datapackage.json", "csvw": "data.csv-metadata.json"}.get(
                    form, form.upper()
                ),
                words()[f"open.form_{form}"],
                f"/open/{version.item}/{version.id}/{FILE_NAMES[form]}",
                say_size(kept.size) if kept else words()["open.not_made"],
                kept.sha256 if kept else "",
            )
        )
    return tuple(views)


def say_size(size: int) -> Text:
    """A size in words, three digits at most.

    Examples
    --------
    >>> say_size(980).en, say_size(4223).zh, say_size(62_914_560).en
    ('980 bytes', '4.1 KiB', '60 MiB')
    """
    if size < 1024:
        return Text(f"{size} 字节", f"{size} bytes")
    power = min((size.bit_length() - 1) // 10, 4)
    amount, unit = size / 1024**power, ("", "KiB", "MiB", "GiB", "TiB")[power]
    return Text.same(f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}")


def _work(visit: Visit) -> Table | None:
    """For those who draft and approve: every item that is not open, and what was last done to it."""
    city = visit.city
    if all(isinstance(city.may_do(visit.reader, verb), Refused) for verb in ("load", "approve")):
        return None
    catalogue = words()
    rows = []
    for item in city.catalogue.list_items():
        held = city.catalogue.withheld(city.catalogue.get(item.name)) if item.state == "open" else None
        if item.state == "open" and held is None:
            continue
        last = city.catalogue.get(item.name).moves[-1]
        title = city.catalogue.subject(item.name).contract.title
        rows.append(
            Row(
                (
                    Entry(title, f"/open/{item.name}"),
                    Entry(STATE_TITLES[item.state], mark=MarkView("refused", held.reason) if held else None),
                    Entry(Text.same(last.by)),
                    Entry(Text.same(minute_of(last.at))),
                    Entry(Text.same(last.why)),
                )
            )
        )
    columns = (
        Column(catalogue["open.dataset"]), Column(catalogue["open.state"]), Column(catalogue["open.by"]),
        Column(catalogue["open.at"], is_short=True), Column(catalogue["open.why"], is_long=True),
    )  # fmt: skip
    return Table(EMPTY, columns, tuple(rows), len(rows), name="work", empty=catalogue["open.work_none"])
