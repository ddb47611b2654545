"""The clerk corrects refused records: the files that wait, the grid, drafts, a word replaced everywhere, sending again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import Finding, Yours
from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.desk_views import CorrectPage, EditCell, EditColumn, EditRow, WaitingPage
from yucun.doors.pages.lists import cut_page
from yucun.doors.pages.valued import landing_address, minute_of, record_address
from yucun.doors.pages.views import EMPTY, Column, Crumb, Download, Entry, Notice, Opening, Option, Row, Span, Table
from yucun.doors.pages.visit import AnyRequest, Visit, check_origin
from yucun.kernel.access.model import Refused
from yucun.kernel.lake.checking.numbers import unit_when_unsaid
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.findings import KINDS
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.running import RefusedRow
from yucun.kernel.lake.running.notices import say_place
from yucun.kernel.lake.running.store import ASIDE
from yucun.kernel.lake.running.workbook import MOST_WORKBOOK_BYTES, read_workbook, write_workbook

ROWS, FILES = 50, 50
_MOST_BYTES = 4 * 1024 * 1024
_EVERY_ROW = 1 << 40
_CELL = "cell"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def correct_address(landing: Landing) -> str:
    """The page on which the refused records of a file are corrected."""
    return f"{landing_address(landing.key)}/correct"


def make_waiting_page(visit: Visit) -> WaitingPage:
    """All files with refused records that wait, newest first."""
    catalogue = words()
    table = make_waiting_table(visit)
    total = sum(count for _, count in visit.city.desk.list_open())
    sentence = catalogue.fill("correct.waiting_sentence", files=table.total, records=total)
    return WaitingPage(
        Opening(catalogue["correct.kicker"], sentence if total else catalogue["correct.waiting_none"]),
        (Crumb(catalogue["nav.lake"], "/lake"),),
        table,
    )


def make_waiting_table(visit: Visit, key: str = "waiting") -> Table:
    """Files with refused records that wait: where from, how many, and the way to correct them."""
    catalogue = words()
    found = visit.city.desk.list_open()
    shown, cut = cut_page(visit, found, FILES, key)
    rows = tuple(
        Row(
            (
                Entry(Text.same(landing.name), landing_address(landing.key)),
                Entry(_title(visit, landing.table), f"/lake/{landing.table}"),
                Entry(Text.same(minute_of(landing.at))),
                Entry(Text.same(f"{count:,}")),
                Entry(catalogue["correct.do"], correct_address(landing)),
            )
        )
        for landing, count in shown
    )
    columns = (
        Column(catalogue["lake.file"]),
        Column(catalogue["lake.table_head"]),
        Column(catalogue["lake.at"], is_short=True),
        Column(catalogue["correct.waits"], is_number=True),
        Column(catalogue["correct.do_head"], is_short=True),
    )
    return Table(
        catalogue["correct.waiting_caption"], columns, rows, len(found), name=key,
        empty=catalogue["correct.waiting_next"], **cut,
    )  # fmt: skip


def make_correct_page(visit: Visit, landing: Landing, notices: tuple[Notice, ...] = ()) -> CorrectPage:
    """The refused records of a file as a grid; those settled already stand last."""
    catalogue, city = words(), visit.city
    contract = city.contracts[landing.table]
    every = city.clerk.refused_rows(landing.key, reader=visit.reader, limit=_EVERY_ROW)
    kind = visit.get("kind")
    chosen = sorted(
        (row for row in every if not kind or kind in row.kinds), key=lambda row: (row.settled is not None, row.record)
    )
    shown, cut = cut_page(visit, chosen, ROWS)
    waiting = [row for row in every if row.settled is None]
    changed = sum(bool(row.changed) or row.is_aside for row in waiting)
    return CorrectPage(
        opening=Opening(
            catalogue["correct.kicker"],
            catalogue.fill("correct.sentence", n=len({row.record for row in waiting})),
            (Span(Text.same(landing.name), strong=True), Span(catalogue.fill("correct.lead", table=contract.title))),
        ),
        trail=(
            Crumb(catalogue["nav.lake"], "/lake"),
            Crumb(catalogue["correct.kicker"], "/lake/correct"),
            Crumb(Text.same(landing.name), landing_address(landing.key)),
        ),
        address=correct_address(landing),
        columns=tuple(_column(field) for field in contract.fields),
        rows=tuple(_row(landing, contract, row) for row in shown),
        kinds=_kinds(waiting, kind),
        total=len(chosen),
        changed=changed,
        may_replace=not isinstance(city.may_do(visit.reader, "correct", landing.table), Refused),
        needs_replace=any("lake.key_known" in row.kinds for row in waiting),
        downloads=(Download("xlsx", f"{correct_address(landing)}.xlsx"),),
        notices=notices,
        **cut,
    )


def _column(field: Field) -> EditColumn:
    unit = unit_when_unsaid(field) if field.unit else ""
    title = UNITS[unit].title if unit in UNITS else Text.same(unit)
    return EditColumn(
        field.name, field.title, title, tuple((field.codes or {}).values()), field.type in ("integer", "measure")
    )


def _row(landing: Landing, contract: Contract, row: RefusedRow) -> EditRow:
    catalogue = words()
    now = row.now
    cells = tuple(
        EditCell(
            f"{_CELL}|{row.record}|{row.part}|{f.name}",
            f.name,
            row.fields[f.name],
            now[f.name],
            _join(row.wrong.get(f.name, ())),
            f.name in row.wrong,
        )
        for f in contract.fields
    )
    settled, href = EMPTY, ""
    if row.settled is not None:
        settled = catalogue[f"correct.settled_{row.settled.outcome}"]
        href = landing_address(row.settled.landing) if row.settled.landing else ""
    return EditRow(
        f"{row.record}|{row.part}",
        row.record,
        say_place(row.where),
        record_address(landing.file, row.record),
        cells,
        _join(row.sentences),
        row.raw,
        row.is_aside,
        settled,
        href,
    )


def _join(said: Sequence[Text]) -> Text:
    unique = tuple(dict.fromkeys(said))
    return Text("；".join(t.zh for t in unique), "; ".join(t.en for t in unique))


def _kinds(rows: Sequence[RefusedRow], chosen: str) -> tuple[Option, ...]:
    catalogue = words()
    counts: dict[str, int] = {}
    for row in rows:
        for kind in row.kinds:
            counts[kind] = counts.get(kind, 0) + 1
    options = [Option("", catalogue.fill("correct.all_kinds", n=len(rows)), not chosen)]
    for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        options.append(Option(kind, catalogue.fill("correct.kind", title=title_kind(kind), n=count), kind == chosen))
    return tuple(options)


def title_kind(kind: str) -> Text:
    """A kind of fault in a few words: its sentence without what was found."""
    if kind not in KINDS:
        return Text.same(kind)
    said = KINDS[kind].says
    return Text(_without_places(said.zh), _without_places(said.en))


def _without_places(sentence: str) -> str:
    blank = dict.fromkeys(("field", "found", "expected", "more"), "…")
    return sentence.format(**blank)


def _title(visit: Visit, table: str) -> Text:
    contract = visit.city.contracts.get(table)
    return contract.title if contract else Text.same(table)


# -- what the clerk does --------------------------------------------------------------------------------------

Change = tuple[int, int, str, str | None]


def read_changes(form: Mapping[str, Any], rows: Sequence[RefusedRow]) -> list[Change]:
    """Read the cells of a posted form that differ from what stands in the draft; None where they are as written again."""
    changes: list[Change] = []
    by_key = {f"{row.record}|{row.part}": row for row in rows if row.settled is None}
    aside = {key.removeprefix("aside|") for key in form if str(key).startswith("aside|")}
    for key, value in form.items():
        kind, _, rest = str(key).partition("|")
        place, _, field = rest.rpartition("|")
        row = by_key.get(place)
        if kind != _CELL or row is None or field not in row.fields:
            continue
        word = str(value).strip()
        if word != row.now[field]:
            changes.append((row.record, row.part, field, None if word == row.fields[field] else word))
    shown = {str(key).removeprefix("shown|") for key in form if str(key).startswith("shown|")}
    for place in shown:
        row = by_key.get(place)
        if row is not None and row.is_aside != (place in aside):
            changes.append((row.record, row.part, ASIDE, "1" if place in aside else None))
    return changes


def replace_everywhere(rows: Sequence[RefusedRow], field: str, found: str, by: str) -> list[Change]:
    """Change a word wherever it is the whole of a cell of one field."""
    return [
        (row.record, row.part, field, None if row.fields[field] == by else by)
        for row in rows
        if row.settled is None and field in row.fields and row.now[field] == found and found != by
    ]


def _go(address: str) -> Response[str]:
    return Response("", status_code=303, headers={"Location": address})


def _json(value: Any, status: int = 200) -> Response[str]:
    return Response(json.dumps(value, ensure_ascii=False), status_code=status, media_type="application/json")


def _refuse(visit: Visit, landing: Landing, error: Yours) -> Response[str]:
    notices = tuple(Notice(f.message, f.where, "bad") for f in error.findings)
    return visit.answer("correct.html", "lake", status=422, page=make_correct_page(visit, landing, notices))


@get("/lake/correct", include_in_schema=False, sync_to_thread=True)
def show_waiting(visit: NamedDependency[Visit]) -> Response[str]:
    """The files that wait for correction."""
    return visit.show("waiting.html", "lake", make_waiting_page)


@get("/lake/landing/{key:str}/correct", include_in_schema=False, sync_to_thread=True)
def show_correct(visit: NamedDependency[Visit], key: FromPath[str]) -> Response[str]:
    """The grid."""
    return visit.show("correct.html", "lake", lambda v: make_correct_page(v, v.city.landing(key)))


@post("/lake/landing/{key:str}/correct", include_in_schema=False, status_code=200, request_max_body_size=_MOST_BYTES)
async def send_correct(request: AnyRequest, visit: NamedDependency[Visit], key: FromPath[str]) -> Response[str]:
    """Keep what was changed; send it again, or replace a word everywhere, when that was asked."""
    check_origin(request)
    form = await request.form()
    return await _in_thread(_act, visit, key, dict(form), request.headers.get("accept", ""))


async def _in_thread(work: Any, *words_: Any) -> Response[str]:
    from litestar.concurrency import sync_to_thread  # noqa: PLC0415 - kept beside its only use

    answer: Response[str] = await sync_to_thread(work, *words_)
    return answer


def _act(visit: Visit, key: str, form: Mapping[str, Any], accept: str) -> Response[str]:
    city, landing = visit.city, visit.city.landing(key)
    rows = city.clerk.refused_rows(key, reader=visit.reader, limit=_EVERY_ROW)
    wants_json = accept.startswith("application/json")
    changes = read_changes(form, rows)
    city.clerk.keep_draft(key, changes, reader=visit.reader)
    match form.get("do"):
        case "replace":
            fresh = city.clerk.refused_rows(key, reader=visit.reader, limit=_EVERY_ROW) if changes else rows
            more = replace_everywhere(
                fresh, str(form.get("field", "")), str(form.get("from", "")).strip(), str(form.get("to", "")).strip()
            )
            city.clerk.keep_draft(key, more, reader=visit.reader)
            if wants_json:
                return _json({"changes": [[f"{r}|{p}", f, str(form.get("to", "")).strip()] for r, p, f, _ in more]})
        case "send":
            try:
                sent = city.clerk.send_again(
                    key,
                    reader=visit.reader,
                    replaces=form.get("replaces") == "yes",
                    everything=form.get("everything") == "yes",
                )
            except Yours as error:
                return _refuse(visit, landing, error)
            return _go(landing_address(sent.key) if sent else correct_address(landing))
    if wants_json:
        return _json({"kept": len(changes)})
    return _go(correct_address(landing))


@get("/lake/landing/{key:str}/correct.xlsx", include_in_schema=False, sync_to_thread=True)
def send_workbook(visit: NamedDependency[Visit], key: FromPath[str]) -> Response[bytes]:
    """The refused records as a workbook to be corrected elsewhere."""
    landing = visit.city.landing(key)
    rows = visit.city.clerk.refused_rows(key, reader=visit.reader, limit=_EVERY_ROW)
    content = write_workbook(visit.city.contracts[landing.table], landing, rows, visit.language)
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in landing.name.rsplit(".", 1)[0])
    headers = {"Content-Disposition": f'attachment; filename="correct_{name[:80]}.xlsx"', "Cache-Control": "no-store"}
    return Response(content, media_type=_XLSX, headers=headers)


@post(
    "/lake/landing/{key:str}/correct.xlsx", include_in_schema=False, status_code=200,
    request_max_body_size=MOST_WORKBOOK_BYTES,
)  # fmt: skip
async def take_workbook(request: AnyRequest, visit: NamedDependency[Visit], key: FromPath[str]) -> Response[str]:
    """Take a corrected workbook into the draft, where it can be looked over before it is sent."""
    check_origin(request)
    form = await request.form()
    file = form.get("file")
    content = await file.read() if isinstance(file, UploadFile) else b""
    return await _in_thread(_take_workbook, visit, key, content)


def _take_workbook(visit: Visit, key: str, content: bytes) -> Response[str]:
    city, landing = visit.city, visit.city.landing(key)
    rows = city.clerk.refused_rows(key, reader=visit.reader, limit=_EVERY_ROW)
    try:
        if not content:
            raise Yours(_no_file())
        changes = read_workbook(content, city.contracts[landing.table], landing, rows)
    except Yours as error:
        return _refuse(visit, landing, error)
    city.clerk.keep_draft(key, changes, reader=visit.reader)
    said = words().fill("correct.taken", n=len({(record, part) for record, part, _, _ in changes}))
    return visit.answer("correct.html", "lake", page=make_correct_page(visit, landing, (Notice(said, tone="good"),)))


def _no_file() -> Finding:
    return Finding("pages.no_workbook", "file", "nothing", ".xlsx", words()["correct.no_file"])
