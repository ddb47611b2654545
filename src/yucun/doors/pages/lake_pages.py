"""The clerk's pages: what arrived, what is late, what was refused and why; a table's rows; a file; a record; loading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.correct_pages import make_waiting_table
from yucun.doors.pages.desk_pages import feed_address, make_suppliers_table, make_told_table, period_of
from yucun.doors.pages.layout import find_screen, show_screen
from yucun.doors.pages.lists import cut_at, cut_page, moments_of, read_number
from yucun.doors.pages.shown import make_section
from yucun.doors.pages.valued import (
    downloads_of,
    field_entry,
    landing_address,
    minute_of,
    number_address,
    record_address,
    region_name,
    show_field,
    source_title,
)
from yucun.doors.pages.views import (
    EMPTY,
    Column,
    Crumb,
    Entry,
    LakePage,
    LandingPage,
    MarkView,
    Notice,
    Opening,
    Option,
    RecordPage,
    Row,
    Section,
    Span,
    Table,
    TablePage,
)
from yucun.doors.pages.visit import Visit
from yucun.kernel.access.mask import MARK_ENDING, REFUSED_MARK
from yucun.kernel.access.model import Refused
from yucun.kernel.indicators.model import CellKey
from yucun.kernel.indicators.model import Row as LakeRow
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.model import Feed, Landing
from yucun.kernel.lake.running.store import Corrected

LANDINGS, REFUSALS, ROWS = 15, 15, 50
MOST_BYTES = 64 * 1024 * 1024


def get_contract(visit: Visit, name: str) -> Contract:
    """Return a table's contract, or raise `NotKnown` with where to look."""
    found = visit.city.contracts.get(name)
    if found is None:
        raise NotKnown(
            Finding("pages.table", "/lake", name[:120], "/lake", words().fill("lake.missing", name=name[:60]))
        )
    return found


def make_lake_page(visit: Visit, notices: tuple[Notice, ...] = ()) -> LakePage:
    """All tables with their freshness, the files that arrived, and the records that were refused."""
    city, catalogue = visit.city, words()
    feeds = city.feeds()
    landings = city.landings()
    since, until = period_of(visit)
    late = sum(feed.is_late for feed in feeds)
    open_landings = city.desk.list_open()
    refused = sum(count for _, count in open_landings)
    return LakePage(
        opening=Opening(
            catalogue["nav.lake"],
            catalogue.fill("lake.sentence", tables=len(feeds), late=late, refused=refused),
            (Span(catalogue.fill("lake.lead", rows=f"{sum(f.rows for f in feeds):,}", landings=len(landings))),),
        ),
        feeds=_feeds(visit, feeds),
        landings=_landings(visit, landings),
        refusals=_refusals(visit, [landing for landing, _ in open_landings]),
        waiting=_waiting(visit),
        tables=tuple(
            Option(name, contract.title, name == visit.get("table"))
            for name, contract in sorted(city.contracts.items())
            if not isinstance(city.may_do(visit.reader, "load", name), Refused)
        ),
        may_load=not isinstance(city.may_do(visit.reader, "load"), Refused),
        correcting=make_waiting_table(visit),
        suppliers=make_suppliers_table(visit),
        told=make_told_table(visit, city.desk.notices()),
        since=since.isoformat(),
        until=until.isoformat(),
        notices=notices,
    )


def _feeds(visit: Visit, feeds: Sequence[Feed]) -> Table:
    catalogue, city = words(), visit.city
    heads = ("table_head", "owner", "newest", "due", "state", "rows_head", "refused_head", "last")
    columns = tuple(
        Column(
            catalogue[f"lake.{key}"],
            is_number=key in ("rows_head", "refused_head"),
            is_short=key in ("newest", "due", "last"),
        )
        for key in heads
    )
    rows = []
    for feed in sorted(feeds, key=lambda f: (not f.is_late, f.table)):
        contract = city.contracts[feed.table]
        rows.append(
            Row(
                (
                    Entry(contract.title, f"/lake/{feed.table}"),
                    _sender(visit, contract),
                    Entry(feed.newest.title if feed.newest else EMPTY),
                    Entry(_due(feed, contract)),
                    _state(visit, feed, contract),
                    Entry(Text.same(f"{feed.rows:,}")),
                    Entry(Text.same(f"{feed.refused:,}")),
                    Entry(Text.same(minute_of(feed.last_at))),
                )
            )
        )
    return Table(
        catalogue["lake.feeds_caption"],
        columns,
        tuple(rows),
        len(rows),
        name="feeds",
        downloads=downloads_of("/api/feeds"),
    )


def _sender(visit: Visit, contract: Contract) -> Entry:
    """The post that sends a table, leading to what is agreed with it; the table's owner where nobody is named."""
    found = [supply for supply in visit.city.desk.supplies.values() if supply.table == contract.name]
    return Entry(found[0].supplier.title, feed_address(found[0])) if found else Entry(contract.owner)


def _waiting(visit: Visit) -> Section | None:
    """Which numbers are missing, as the screen of the data's health says it."""
    screen = find_screen(visit, "/lake")
    if screen is None:
        return None
    shown = show_screen(visit, screen, visit.city.place.region)
    section = next((s for s in shown.sections if s.marks), None)
    return make_section(visit, section, shown) if section else None


def _due(feed: Feed, contract: Contract) -> Text:
    if feed.due:
        return Text.same(feed.due.isoformat())
    return words()["lake.once"] if contract.freshness.every == "once" else EMPTY


def _state(visit: Visit, feed: Feed, contract: Contract) -> Entry:
    """Here, late, or never sent, in words."""
    if feed.is_late and feed.due:
        days = (visit.city.clock.today() - feed.due).days
        return Entry(mark=MarkView("late", words().fill("lake.late_by", days=days)))
    if not feed.rows:
        return Entry(mark=MarkView("none", words().fill("lake.never", owner=contract.owner)))
    return Entry(words()["lake.here"])


def _landings(visit: Visit, landings: Sequence[Landing]) -> Table:
    catalogue = words()
    heads = ("file", "table_head", "at", "by", "records", "landed", "refused_head", "corrected")
    numbers = ("records", "landed", "refused_head", "corrected")
    columns = tuple(Column(catalogue[f"lake.{key}"], is_number=key in numbers) for key in heads)
    shown, cut = cut_page(visit, landings, LANDINGS, "landings")
    rows = tuple(
        Row(
            (
                Entry(Text.same(landing.name), landing_address(landing.key)),
                Entry(_title(visit, landing.table), f"/lake/{landing.table}"),
                Entry(Text.same(minute_of(landing.at))),
                Entry(Text.same(landing.by)),
                *(
                    Entry(Text.same(f"{n:,}"))
                    for n in (landing.records, landing.landed, landing.refused, landing.corrected)
                ),
            )
        )
        for landing in shown
    )
    return Table(
        catalogue["lake.landings_caption"], columns, rows, len(landings), name="landings",
        downloads=downloads_of("/api/landings"), empty=catalogue["lake.landings_none"], **cut,
    )  # fmt: skip


def _title(visit: Visit, table: str) -> Text:
    contract = visit.city.contracts.get(table)
    return contract.title if contract else Text.same(table)


def _refusals(visit: Visit, landings: Sequence[Landing]) -> Table:
    """Refused records of the newest files, each with the sentences that refused it."""
    catalogue = words()
    rows = [
        Row((Entry(Text.same(landing.name), landing_address(landing.key)), *_refused_entries(record)))
        for landing in landings
        for record in _waiting_records(visit, landing)
    ]
    shown, cut = cut_page(visit, rows, REFUSALS, "refusals")
    columns = (Column(catalogue["lake.file"]), *_refused_columns())
    return Table(
        catalogue["lake.refusals_caption"], columns, tuple(shown), len(rows), name="refusals",
        empty=catalogue["lake.refusals_none"], **cut,
    )  # fmt: skip


def _waiting_records(visit: Visit, landing: Landing) -> list[Mapping[str, Any]]:
    """The first refused records of a file that nobody has settled yet."""
    settled = visit.city.desk.settled(landing)
    table = visit.city.quarantine(landing.key, reader=visit.reader, limit=REFUSALS + len(settled))
    return [row for row in table.to_pylist() if int(row["_record"]) not in settled][:REFUSALS]


def _refused_columns() -> tuple[Column, ...]:
    catalogue = words()
    return (
        Column(catalogue["lake.where"]),
        Column(catalogue["lake.why"], is_long=True),
        Column(catalogue["lake.raw"], is_long=True),
    )


def _refused_entries(record: Mapping[str, Any]) -> tuple[Entry, ...]:
    findings = json.loads(record["findings"])
    said = [Text.from_json(finding["message"]) for finding in findings]
    why = Text("；".join(t.zh for t in said), "; ".join(t.en for t in said))
    raw = _say_raw(str(record["raw"]))
    return (
        Entry(_say_where(str(record["_where"]))),
        Entry(why),
        Entry(Text.same(raw if len(raw) < 160 else raw[:159] + "…")),
    )


def _say_raw(raw: str) -> str:
    """A record as it was written, its cells side by side."""
    try:
        cells = json.loads(raw)
    except ValueError:
        return raw
    return " · ".join(str(cell) for cell in cells.values() if cell is not None) if isinstance(cells, dict) else raw


def _say_where(where: str) -> Text:
    """A line of a file in both languages; a cell of a sheet as it is.

    Examples
    --------
    >>> _say_where("line 3").zh, _say_where("Sheet1!B7").zh
    ('第 3 行', 'Sheet1!B7')
    """
    number = where.removeprefix("line ")
    return Text(f"第 {number} 行", where) if number.isdigit() and number != where else Text.same(where)


def make_table_page(visit: Visit, contract: Contract) -> TablePage:
    """A table: its rows as of a moment, and what it promises."""
    catalogue, city = words(), visit.city
    moments, as_of = moments_of(visit)
    query, page = visit.get("q"), read_number(visit, "page", 1)
    found = city.rows(
        contract.name, reader=visit.reader, q=query, sort=visit.get("sort"), as_of=as_of, page=page, size=ROWS
    )
    by_name = {f.name: f for f in contract.fields}
    names = [f.name for f in contract.fields if f.name in found.rows.column_names]
    columns = tuple(_row_column(visit, name, by_name[name].title, by_name[name].type) for name in names)
    rows = tuple(
        Row(
            (
                *(_masked_entry(visit, by_name[name], row) for name in names),
                Entry(catalogue.fill("lake.record", n=row["_record"]), record_address(row["_file"], row["_record"])),
            )
        )
        for row in found.rows.to_pylist()
    )
    last = max(1, -(-found.total // ROWS))
    columns = (*columns, Column(catalogue["lake.trace"], is_short=True))
    table = Table(
        catalogue.fill("lake.rows_caption", total=f"{found.total:,}"), columns, rows, found.total,
        name="rows", downloads=downloads_of(f"/api/tables/{contract.name}/rows", q=query or None, as_of=as_of),
        empty=catalogue["lake.rows_none"], **cut_at(visit, min(page, last), last, ROWS),
    )  # fmt: skip
    return TablePage(
        opening=Opening(Text.same(contract.name), contract.title, (Span(contract.meaning),)),
        trail=(Crumb(catalogue["nav.lake"], "/lake"),),
        facts=_contract_facts(contract),
        fields=_fields(visit, contract),
        rows=table,
        query=query,
        moments=moments,
    )


def _masked_entry(visit: Visit, field: Field, row: Mapping[str, Any]) -> Entry:
    """A field as this reader may see it: whole, shortened, or refused."""
    mark = row.get(field.name + MARK_ENDING)
    if mark == REFUSED_MARK:
        return Entry(mark=MarkView("refused", words()["record.masked"]))
    return field_entry(visit.city, field, row[field.name])


def _row_column(visit: Visit, name: str, title: Text, kind: str) -> Column:
    asked = visit.get("sort")
    is_chosen, is_down = asked.lstrip("-") == name, asked.startswith("-")
    href = visit.link(sort=f"-{name}" if is_chosen and not is_down else name, page=None)
    direction = ("descending" if is_down else "ascending") if is_chosen else ""
    return Column(title, kind in ("integer", "measure"), href, direction)  # type: ignore[arg-type]


def _contract_facts(contract: Contract) -> tuple[tuple[Text, Text], ...]:
    catalogue, by_name = words(), {f.name: f.title for f in contract.fields}
    keys = [by_name[name] for name in contract.key]
    every = catalogue[f"lake.every_{contract.freshness.every}"]
    key = "desk.due_working_days" if contract.freshness.calendar else "lake.due_days"
    due = catalogue.fill(key, every=every, days=contract.freshness.due_days)
    return (
        (catalogue["lake.owner"], contract.owner),
        (catalogue["lake.fresh"], contract.freshness.reason if contract.freshness.every == "once" else due),
        (catalogue["lake.key"], Text("、".join(k.zh for k in keys), ", ".join(k.en for k in keys))),
        (catalogue["my.level"], catalogue[f"level.{contract.level}"]),
        (catalogue["lake.licence"], contract.licence),
        (catalogue["lake.declared"], Text.same(contract.declared_at)),
    )


def _fields(visit: Visit, contract: Contract) -> Table:
    catalogue = words()
    heads = ("field", "field_name", "field_type", "field_unit", "field_level", "field_example")
    rows = tuple(
        Row(
            (
                Entry(field.title),
                Entry(Text.same(field.name)),
                Entry(catalogue[f"type.{field.type}"]),
                Entry(show_unit(field.unit)),
                Entry(catalogue[f"level.{field.level}"]),
                Entry(show_field(visit.city, field, contract.example.get(field.name))),
            )
        )
        for field in contract.fields
    )
    columns = tuple(Column(catalogue[f"lake.{key}"]) for key in heads)
    return Table(catalogue["lake.fields_caption"], columns, rows, len(rows), name="fields")


def show_unit(name: str) -> Text:
    """The title of a unit; empty for none."""
    return UNITS[name].title if name in UNITS else EMPTY


def make_landing_page(visit: Visit, landing: Landing) -> LandingPage:
    """One file: what became of its records, what was understood, and which numbers it moved."""
    catalogue, city = words(), visit.city
    shown, cut = cut_page(visit, range(landing.refused), ROWS)
    refused = city.quarantine(landing.key, reader=visit.reader, start=shown[0] if shown else 0, limit=ROWS)
    tone: Literal["said", "bad"] = "said" if landing.is_readable else "bad"
    notices = [Notice(Text.from_json(note["message"]), str(note["where"]), tone) for note in landing.notes]
    if landing.is_repeat:
        notices.insert(0, Notice(catalogue["landing.repeat"], tone="good"))
    settled = city.desk.settled(landing)
    rows = tuple(Row((*_refused_entries(record), _became(settled, record))) for record in refused.to_pylist())
    sentence = "landing.sentence" if landing.is_readable else "landing.unreadable"
    return LandingPage(
        opening=Opening(
            catalogue["landing.kicker"],
            catalogue.fill(sentence, landed=landing.landed, refused=landing.refused),
            (Span(Text.same(landing.name), strong=True),),
        ),
        trail=(Crumb(catalogue["nav.lake"], "/lake"), Crumb(_title(visit, landing.table), f"/lake/{landing.table}")),
        facts=_landing_facts(visit, landing),
        notices=tuple(notices),
        refused=Table(
            catalogue["lake.refusals_caption"], (*_refused_columns(), Column(catalogue["landing.became"])), rows,
            landing.refused, name="refused",
            downloads=downloads_of(f"/api/landings/{landing.key}/refused"),
            empty=catalogue["landing.refused_none"], **cut,
        ),
        moved=_moved(visit, city.moved_by(landing.key, reader=visit.reader)),
        correct=f"{landing_address(landing.key)}/correct" if landing.refused > len(settled) else "",
    )  # fmt: skip


def _became(settled: Mapping[int, Corrected], record: Mapping[str, Any]) -> Entry:
    """What became of a refused record: it waits, or it was settled, with the landing that did it."""
    found = settled.get(int(record["_record"]))
    if found is None:
        return Entry(words()["correct.waits"])
    href = landing_address(found.landing) if found.landing else ""
    return Entry(words()[f"correct.settled_{found.outcome}"], href)


def _landing_facts(visit: Visit, landing: Landing) -> tuple[tuple[Text, Text], ...]:
    counts = {
        "records": landing.records,
        "landed": landing.landed,
        "refused_head": landing.refused,
        "repeated": landing.repeated,
        "already": landing.already,
        "corrected": landing.corrected,
    }
    facts = [
        ("lake.table_head", _title(visit, landing.table)),
        ("lake.at", Text.same(minute_of(landing.at))),
        ("lake.by", Text.same(landing.by)),
        *((f"lake.{key}", Text.same(f"{n:,}")) for key, n in counts.items()),
        ("landing.file", Text.same(landing.file)),
    ]
    original = visit.city.desk.original_of(landing)
    if original is not None:
        facts.append(("landing.corrects", Text.same(original.name)))
    return tuple((words()[key], value) for key, value in facts)


def _moved(visit: Visit, cells: Sequence[CellKey]) -> Table:
    catalogue, city = words(), visit.city
    shown, cut = cut_page(visit, cells, ROWS, "moved")
    rows = tuple(
        Row(
            (
                Entry(city.indicators[c.indicator].title, number_address(c.indicator, c.region, c.period)),
                Entry(region_name(city, c.region), f"/region/{c.region.short}"),
                Entry(c.period.title),
            )
        )
        for c in shown
    )
    columns = (
        Column(catalogue["numbers.title_head"]),
        Column(catalogue["number.region"]),
        Column(catalogue["numbers.period"]),
    )
    caption = catalogue.fill("lake.moved_caption", n=len(cells))
    return Table(caption, columns, rows, len(cells), name="moved", empty=catalogue["lake.moved_none"], **cut)


def make_record_page(visit: Visit, file: str, record: int) -> RecordPage:
    """One record of a file, the rows it became, and every number it moved."""
    catalogue, city = words(), visit.city
    trace = city.trace(file, record, reader=visit.reader)
    landing = city.landing_of(file)
    if not trace.rows and (landing is None or not 0 < record <= landing.records):
        said = catalogue.fill("record.no_such", n=record)
        raise NotKnown(Finding("pages.record", visit.path, f"{file[:64]}/{record}", "/lake", said))
    rows = tuple(entries for row in trace.rows for entries in _record_rows(visit, row))
    facts = [(catalogue["lake.table_head"], _title(visit, trace.rows[0].table))] if trace.rows else []
    facts.append((catalogue["record.number"], Text.same(str(record))))
    facts.append((catalogue["landing.file"], Text.same(file)))
    facts += [
        (catalogue["record.source"], source_title(city, s))
        for s in dict.fromkeys(row.source for row in trace.rows if row.source)
    ]
    columns = (Column(catalogue["lake.field"]), Column(catalogue["record.value"]))
    crumbs = [Crumb(catalogue["nav.lake"], "/lake")]
    if landing:
        crumbs.append(Crumb(Text.same(landing.name), landing_address(landing.key)))
    return RecordPage(
        opening=Opening(catalogue["record.kicker"], catalogue.fill("record.sentence", n=len(trace.moved))),
        trail=tuple(crumbs),
        facts=tuple(facts),
        fields=Table(EMPTY, columns, rows, len(rows), name="fields"),
        moved=_moved(visit, trace.moved),
    )


def _record_rows(visit: Visit, row: LakeRow) -> Iterator[Row]:
    by_name = {f.name: f for f in visit.city.contracts[row.table].fields}
    for name, value in row.fields.items():
        field = by_name.get(name)
        entry = field_entry(visit.city, field, value)
        if name in row.masked:
            entry = Entry(mark=MarkView("refused", words()["record.masked"]))
        yield Row((Entry(field.title if field else Text.same(name)), entry))


@get("/lake", include_in_schema=False, sync_to_thread=True)
def show_lake(visit: NamedDependency[Visit]) -> Response[str]:
    """All tables and files."""
    return visit.show("lake.html", "lake", make_lake_page)


@get("/lake/{name:str}", include_in_schema=False, sync_to_thread=True)
def show_table(visit: NamedDependency[Visit], name: FromPath[str]) -> Response[str]:
    """One table."""
    contract = get_contract(visit, name)
    return visit.show("table.html", "lake", lambda v: make_table_page(v, contract))


@get("/lake/landing/{key:str}", include_in_schema=False, sync_to_thread=True)
def show_landing(visit: NamedDependency[Visit], key: FromPath[str]) -> Response[str]:
    """One file that was sent."""
    return visit.show("landing.html", "lake", lambda v: make_landing_page(v, v.city.landing(key)))


@get("/record/{file:str}/{record:int}", include_in_schema=False, sync_to_thread=True)
def show_record(visit: NamedDependency[Visit], file: FromPath[str], record: FromPath[int]) -> Response[str]:
    """One record."""
    return visit.show("record.html", "lake", lambda v: make_record_page(v, file, record))
