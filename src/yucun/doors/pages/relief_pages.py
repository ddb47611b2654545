"""Pages of relief beside its queue: the month's run, publicity, a receipt."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import PATIENCE_S, make_token
from yucun.doors.desk.sight import Desk
from yucun.doors.hotline.codes import check_code
from yucun.doors.pages.duty_pages import read_last
from yucun.doors.pages.relief_parts import SERVICE, amount_of, note_of, table_of, trail_of
from yucun.doors.pages.relief_views import Form, Input, Part, ReliefPage
from yucun.doors.pages.valued import region_address
from yucun.doors.pages.views import Entry, Notice, Opening, Row
from yucun.doors.pages.visit import SECURITY_HEADERS, AnyRequest, Visit, check_origin
from yucun.kernel.engine import Event
from yucun.kernel.engine.private import read_private
from yucun.kernel.ledger import Reserved
from yucun.services.relief.pages.reading import (
    BankFile,
    publicise,
    show_offer,
    sum_by_village,
    write_bank_file,
)

_MOST = 400
_KICKER = Text("智慧救助", "Social relief")


def _place(city: City, code: str) -> Entry:
    region = RegionCode.parse(code)
    return Entry(city.regions.path_title(region), region_address(region))


# -- the month's run ------------------------------------------------------------------------------------------------------------


def _find_month(visit: Visit) -> str:
    asked = visit.get("month")
    with visit.city.books.read() as tx:
        months = visit.city.work.cases.list_cases(tx, "relief.month", limit=_MOST, newest_first=True)
    named = [str(one.fields["month"]) for one in months if one.state in ("due", "paid")]
    return asked if asked in [str(one.fields["month"]) for one in months] else (named[0] if named else "")


def _read_due(visit: Visit, month: str) -> list[Reserved]:
    with visit.city.books.read() as tx:
        return visit.city.work.ledger.list_reserved(tx, "relief.", month) if month else []


def make_month_page(visit: Visit, notices: tuple[Notice, ...] = ()) -> ReliefPage:
    """What is due and not taken, by village; signing the run; what the bank returns."""
    Desk(visit.city, SERVICE, visit.reader)
    month = _find_month(visit)
    due = _read_due(visit, month)
    file = write_bank_file(month, due)
    rows = [
        Row((_place(visit.city, village), Entry(Text.same(f"{lines:,}")), Entry(amount_of(amount))))
        for village, (lines, amount) in sorted(sum_by_village(due).items())
    ]
    heads = (Text("村社", "village"), Text("笔数", "lines"), Text("元", "yuan"))
    total = amount_of(file.total_fen)
    sentence = Text(
        f"{month or '没有到期的月份'}：未领 {file.lines} 笔，{total.zh} 元",
        f"{month or 'no month is due'}: {file.lines} lines not taken, {total.en} yuan",
    )
    table = table_of("due", heads, rows, Text("没有未领的款项", "everything is taken"), (1, 2))
    parts = [Part(Text("应发未领，按村社", "Due and not taken, by village"), table=table)]
    if due:
        parts.append(_sign_part(file))
    if month:
        parts.append(_returns_part(month))
    title = Text("月度发放", "The month's payment")
    return ReliefPage(
        Opening(_KICKER, sentence), trail_of(visit.city, title), tuple(parts), notices, note_of(visit.city)
    )


def _sign_part(file: BankFile) -> Part:
    said = Text(
        f"银行文件 {file.lines} 笔、{amount_of(file.total_fen).zh} 元，校验 {file.mark[:23]}…；签发后逐笔入账，重复签发不起作用",
        f"the bank file has {file.lines} lines, {amount_of(file.total_fen).en} yuan, hash {file.mark[:23]}…; signing posts each line once",
    )
    form = Form(
        "/relief/month",
        Text("签发", "Sign"),
        (
            Input("do", None, "pay"),
            Input("month", None, file.month),
            Input("lines", None, str(file.lines)),
            Input("total_fen", None, str(file.total_fen)),
            Input("file", None, file.mark),
            Input("token", None, make_token()),
        ),
    )
    return Part(Text("签发本月发放", "Sign this month's run"), said, form=form)


def _returns_part(month: str) -> Part:
    said = Text(
        "每行一笔：编号,原因。整份登记，有一行不对就都不登记",
        "a line each: number, reason. All of the file, or none of it",
    )
    form = Form(
        "/relief/month",
        Text("登记退回", "Note what was returned"),
        (
            Input("do", None, "returned"),
            Input("month", None, month),
            Input("token", None, make_token()),
            Input("lines", Text("银行退回的行", "lines that the bank returned"), kind="area"),
        ),
    )
    return Part(Text("银行退回", "Returned by the bank"), said, form=form)


def _send_month(visit: Visit, said: Mapping[str, str]) -> Response[str]:
    desk = Desk(visit.city, SERVICE, visit.reader)
    token = said.get("token", "")[:40] or make_token()
    if said.get("do") == "pay":
        order = int(token[:6], 16) % 9999 + 1 if all(c in "0123456789abcdef" for c in token[:6]) else 1
        body = {"month": said.get("month"), "order": order, "lines": said.get("lines"), "total_fen": said.get("total_fen"),
                "file": said.get("file")}  # fmt: skip
        event = Event(f"pay:{token}", "relief.pay_ordered", body, desk.actor)
    else:
        body = {"month": said.get("month"), "file": f"form:{token}", "lines": said.get("lines", "")}
        event = Event(f"returned:{token}", "relief.bank_returned", body, desk.actor)
    taken = visit.city.submit(event).result(PATIENCE_S)
    if taken.is_good:
        notices: tuple[Notice, ...] = (Notice(Text("已入账", "it is in the books"), tone="good"),)
    else:
        notices = tuple(Notice(f.message, f.key, "bad") for f in taken.findings)
    page = make_month_page(visit, notices)
    return visit.answer("relief.html", "duty", status=200 if taken.is_good else 422, page=page)


# -- publicity, receipt -----------------------------------------------------------------------------------------------


def make_publicity_page(visit: Visit) -> ReliefPage:
    """Applications in publicity, redacted; open to all, as the law wants it."""
    city = visit.city
    with city.books.read() as tx:
        cases = city.work.cases.list_cases(tx, "relief.application", states=("publicised",), limit=_MOST)
        clocks = city.work.cases.clocks_of(tx, cases)
        names = read_private(tx, [str(c.fields["head_name"]) for c in cases if "head_name" in c.fields])
    rows = []
    for case in cases:
        clock = clocks.get(case.no, {}).get("publicity")
        until = clock.due.date().isoformat() if clock is not None and clock.due is not None else ""
        one = publicise(case, names.get(str(case.fields.get("head_name")), ""), until)
        said = (Entry(Text.same(one.name)), _place(city, one.region), Entry(Text.same(str(one.people))))
        rows.append(Row((*said, Entry(show_offer(one.offer)), Entry(Text.same(one.until)))))
    heads = (
        Text("申请人", "applicant"),
        Text("村社", "village"),
        Text("人数", "people"),
        Text("拟给予", "proposed"),
        Text("公示至", "until"),
    )
    sentence = Text(f"正在公示 {len(rows)} 户", f"{len(rows)} households in publicity")
    said_ = Text(
        "姓名只留第一字，未成年人不公示姓名，疾病、残疾和收入不公示；有异议请拨 12345 或到乡镇窗口",
        "names keep their first sign, a minor's is not shown, nor are illness, disability or income; object by 12345 or at the town window",
    )
    table = table_of("publicised", heads, rows, Text("现在没有公示中的申请", "nothing is in publicity now"), (2,))
    return ReliefPage(Opening(_KICKER, sentence), (), (Part(Text("公示", "Publicity"), said_, table),), note=note_of(city))  # fmt: skip


def make_receipt_page(visit: Visit, number: int) -> ReliefPage:
    """The receipt that an applicant is handed: the number, and the code to follow it with."""
    desk = Desk(visit.city, SERVICE, visit.reader)
    case = desk.get(number).case
    if case.kind != "relief.application":
        raise NotKnown(Finding("relief.no_receipt", visit.path, case.kind, "an application", Text(
            "只有申请有回执", "only an application has a receipt")))  # fmt: skip
    name, code = case.id.partition(":")[2], check_code(visit.city, case.id)
    printed = Text(
        f"申请编号　{name}\n查询码　　{code}\n网上查询　/my/relief",
        f"application  {name}\ncode         {code}\nfollow it at /my/relief",
    )
    title = Text("回执", "Receipt")
    return ReliefPage(
        Opening(_KICKER, title), trail_of(visit.city, title), (Part(title, printed=printed),), note=note_of(visit.city)
    )


# -- routes -----------------------------------------------------------------------------------------------------------------------


def make_relief_handlers() -> list[HTTPRouteHandler]:
    """The routes of relief."""

    @get("/relief/month", include_in_schema=False, sync_to_thread=True)
    def show_month(visit: NamedDependency[Visit]) -> Response[str]:
        """The month's run."""
        return visit.answer("relief.html", "duty", page=make_month_page(visit))

    @get("/relief/month.csv", include_in_schema=False, sync_to_thread=True)
    def send_file(visit: NamedDependency[Visit]) -> Response[bytes]:
        """The bank file of what is due."""
        Desk(visit.city, SERVICE, visit.reader)
        month = _find_month(visit)
        file = write_bank_file(month, _read_due(visit, month))
        headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="relief-{month}.csv"'}
        return Response(file.content.encode(), media_type="text/csv; charset=utf-8", headers=headers)

    @post("/relief/month", include_in_schema=False, status_code=200)
    async def send_month(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """Sign a run, or note what the bank returned."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_send_month, visit, said)

    @get("/relief/publicity", include_in_schema=False, sync_to_thread=True)
    def show_publicity(visit: NamedDependency[Visit]) -> Response[str]:
        """Publicity."""
        return visit.answer("relief.html", "", page=make_publicity_page(visit))

    @get("/relief/receipt/{number:int}", include_in_schema=False, sync_to_thread=True)
    def show_receipt(visit: NamedDependency[Visit], number: FromPath[int]) -> Response[str]:
        """A receipt."""
        return visit.answer("relief.html", "duty", page=make_receipt_page(visit, number))

    return [show_month, send_file, send_month, show_publicity, show_receipt]
