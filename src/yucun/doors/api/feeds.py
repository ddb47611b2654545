"""Feeds over HTTP: how suppliers stand, what they were told, what arrived by itself, and corrections in a workbook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from yucun.base.errors import Yours
from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import FORMS, Asked, Done, Operation, Parameter, Sheet, Upload
from yucun.doors.api.flat import flatten_shapes
from yucun.doors.api.lake_shapes import LandingShape, shape_landing
from yucun.doors.api.numbers import about
from yucun.doors.api.text_shapes import Words, words
from yucun.kernel.lake.running import Notice, Run, Standing, rank_suppliers
from yucun.kernel.lake.running.corrections import nothing_to_send
from yucun.kernel.lake.running.workbook import read_workbook

if TYPE_CHECKING:
    from yucun.city import City

SHELF = "tables"
_MOST = 1000
_EVERY_ROW = 1 << 40


class SupplierShape(msgspec.Struct):
    """How one supplier stood over a period; a share or mean is null where there is nothing to divide."""

    rank: int
    supplier: str
    title: Words
    feeds: list[str]
    since: date
    until: date
    days_late: int
    late_feeds: int
    files: int
    records: int
    refused: int
    refused_share: float | None
    waiting: int
    corrected: int
    mean_days_to_correct: float | None
    notices: list[str]
    landings: list[str]


class SuppliersShape(msgspec.Struct):
    """All suppliers, the latest first."""

    suppliers: list[SupplierShape]


class NoticeShape(msgspec.Struct):
    """What a supplier was told; ``closed`` is null while it stands."""

    notice: str
    feed: str
    table: str
    kind: str
    period: str | None
    due: date | None
    landing: str | None
    subject: Words
    text: Words
    opened: date
    closed: date | None
    delivered: bool


class NoticesShape(msgspec.Struct):
    """Notices, those that stand first."""

    notices: list[NoticeShape]


class RunShape(msgspec.Struct):
    """What came of a file that arrived by itself, or of a try that failed."""

    at: str
    name: str
    file: str | None
    landing: str | None
    outcome: str
    records: int
    refused: int
    said: Words


class RunsShape(msgspec.Struct):
    """Arrivals of a feed, newest first."""

    feed: str
    runs: list[RunShape]


def list_operations(city: City) -> list[Operation]:
    """All operations about feeds and those who send them."""
    days = (
        _choose_day("since", Text("从哪天起；默认当年 1 月 1 日", "from this day; 1 January if left out")),
        _choose_day("until", Text("到哪天止；默认今天", "to this day; today if left out")),
    )
    return [
        Operation(
            "listSuppliers",
            "GET",
            "/api/suppliers",
            SHELF,
            Text("报送单位：迟报、退回、改正", "Suppliers: lateness, refusals, corrections"),
            list_suppliers,
            SuppliersShape,
            parameters=(*days, ask.choose_form()),
            forms=FORMS,
        ),
        Operation(
            "listNotices",
            "GET",
            "/api/notices",
            SHELF,
            Text("给报送单位的通知", "What suppliers were told"),
            list_notices,
            NoticesShape,
            parameters=(ask.choose_limit(), ask.choose_form()),
            forms=FORMS,
        ),
        *_runs_operation(sorted(city.desk.supplies)),
        _corrections_operation(),
    ]


def _runs_operation(feeds: list[str]) -> list[Operation]:
    """What arrived by itself; a place without feeds has no such address."""
    if not feeds:
        return []
    feed = ask.choose_code("feed", Text("数据来源", "id of the feed"), feeds, "path", required=True)
    return [
        Operation(
            "listRuns",
            "GET",
            "/api/feeds/{feed}/runs",
            SHELF,
            Text("自动收到的文件", "Files that arrived by themselves"),
            list_runs,
            RunsShape,
            parameters=(feed, ask.choose_limit(), ask.choose_form()),
            forms=FORMS,
        )
    ]


def _corrections_operation() -> Operation:
    key = ask.choose_key(
        "landing", Text("落地编号", "key of the landing"), r"^[A-Za-z0-9_.:\-]{1,200}$", "landed:prosperity.income:0"
    )
    return Operation(
        "sendCorrections",
        "POST",
        "/api/landings/{landing}/corrections",
        "sending",
        Text("送回改正好的工作簿", "Send a corrected workbook"),
        send_corrections,
        LandingShape,
        Text(
            "工作簿从改正页下载；改动的记录作为新的落地重送，原记录记为已更正。",
            "The workbook is the one of the page of corrections; changed records are sent again as a landing of their own.",
        ),
        (key,),
        statuses=(201,),
        body="file",
        security="signed",
    )


def _choose_day(name: str, meaning: Text) -> Parameter:
    read: Callable[[str], date] = date.fromisoformat
    return Parameter(name, "query", meaning, {"type": "string", "pattern": f"^{ask.DAY}$"}, read, example="2022-01-01")


def list_suppliers(asked: Asked) -> Sheet:
    """Suppliers, the latest first."""
    today = asked.city.clock.today()
    since, until = asked.get("since") or date(today.year, 1, 1), asked.get("until") or today
    if since > until:
        since, until = until, since
    shapes = [_supplier(one, since, until) for one in rank_suppliers(asked.city.desk, since, until)]
    return Sheet(
        "suppliers", lambda: flatten_shapes(shapes, SupplierShape), lambda: SuppliersShape(shapes), about(asked)
    )


def _supplier(one: Standing, since: date, until: date) -> SupplierShape:
    share, mean = one.refused_share, one.mean_days
    return SupplierShape(
        one.rank,
        one.supplier.id,
        words(one.supplier.title),
        [s.id for s in one.supplies],
        since,
        until,
        one.days_late,
        len(one.late),
        len(one.landings),
        one.records,
        one.refused,
        float(share) if share is not None else None,
        one.waiting,
        one.corrected,
        float(mean) if mean is not None else None,
        [late.notice.id for late in one.late],
        [landing.key for landing in one.landings],
    )


def list_notices(asked: Asked) -> Sheet:
    """What suppliers were told, what stands first."""
    limit = asked.get("limit") or (100 if asked.form == "json" else _MOST)
    shapes = [_notice(n) for n in asked.city.desk.notices(limit=limit)]
    return Sheet("notices", lambda: flatten_shapes(shapes, NoticeShape), lambda: NoticesShape(shapes), about(asked))


def _notice(notice: Notice) -> NoticeShape:
    return NoticeShape(
        notice.id,
        notice.supply,
        notice.table,
        notice.kind,
        notice.period or None,
        notice.due,
        notice.landing or None,
        words(notice.subject),
        words(notice.text),
        notice.opened_on,
        notice.closed_on,
        notice.sent,
    )


def list_runs(asked: Asked) -> Sheet:
    """What arrived by itself, newest first."""
    limit = asked.get("limit") or (100 if asked.form == "json" else _MOST)
    feed = asked.get("feed")
    shapes = [_run(run) for run in asked.city.desk.runs(feed, limit)]
    return Sheet(
        f"{feed}_runs", lambda: flatten_shapes(shapes, RunShape), lambda: RunsShape(feed, shapes), about(asked)
    )


def _run(run: Run) -> RunShape:
    return RunShape(
        run.at, run.name, run.file or None, run.landing or None, run.outcome, run.records, run.refused, words(run.said)
    )


def send_corrections(asked: Asked) -> Done:
    """Take a corrected workbook and send its changes again at once."""
    upload: Upload = asked.body
    city, key = asked.city, asked.get("landing")
    landing = city.landing(key)
    rows = city.clerk.refused_rows(key, reader=asked.reader, limit=_EVERY_ROW)
    changes = read_workbook(upload.content, city.contracts[landing.table], landing, rows)
    city.clerk.keep_draft(key, changes, reader=asked.reader)
    sent = city.clerk.send_again(key, reader=asked.reader, replaces=upload.is_correction)
    if sent is None:
        raise Yours(nothing_to_send())
    shape = shape_landing(sent)
    return Done(shape, 201, {"Location": shape.href})
