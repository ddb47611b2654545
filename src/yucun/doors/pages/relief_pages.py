"""Pages of relief beside its queue: the month's run, publicity, clauses, a receipt; and for residents what they get and why."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown, Yours
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import PATIENCE_S, make_token
from yucun.doors.desk.sight import Desk
from yucun.doors.hotline.codes import check_code, fits_code
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.duty_pages import read_fields
from yucun.doors.pages.relief_views import Form, Input, Part, ReliefPage
from yucun.doors.pages.valued import region_address
from yucun.doors.pages.views import EMPTY, Column, Crumb, Entry, Notice, Opening, Row, Table
from yucun.doors.pages.visit import SECURITY_HEADERS, AnyRequest, Visit, check_origin
from yucun.kernel.cases import Actor, Case, MoveDone
from yucun.kernel.engine import Event
from yucun.kernel.engine.private import read_private
from yucun.kernel.ledger import Reserved, Statement
from yucun.services.relief.models import PROGRAMME
from yucun.services.relief.pages.reading import (
    SIMULATION,
    BankFile,
    explain_offer,
    list_clauses,
    publicise,
    show_offer,
    sum_by_village,
    write_bank_file,
)
from yucun.services.relief.planning import parameters_of

SERVICE = "relief"
_MOST = 400
_KICKER = Text("智慧救助", "Social relief")


def _yuan(fen: int) -> Text:
    return Text.same(f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}")


def _trail(city: City, title: Text) -> tuple[Crumb, ...]:
    desk = f"/duty/{SERVICE}"
    return (Crumb(words()["duty.title"], "/duty"), Crumb(city.services[SERVICE].title, desk), Crumb(title, ""))


def _table(name: str, heads: tuple[Text, ...], rows: list[Row], empty: Text, numbers: tuple[int, ...] = ()) -> Table:
    columns = tuple(Column(head, is_number=place in numbers) for place, head in enumerate(heads))
    return Table(EMPTY, columns, tuple(rows), len(rows), name=name, empty=empty)


def _note(city: City) -> Text | None:
    pack = city.work.engine.services[SERVICE].pack
    return SIMULATION if pack.derive(parameters_of).is_simulation_only else None


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
        Row((_place(visit.city, village), Entry(Text.same(f"{lines:,}")), Entry(_yuan(amount))))
        for village, (lines, amount) in sorted(sum_by_village(due).items())
    ]
    heads = (Text("村社", "village"), Text("笔数", "lines"), Text("元", "yuan"))
    total = _yuan(file.total_fen)
    sentence = Text(
        f"{month or '没有到期的月份'}：未领 {file.lines} 笔，{total.zh} 元",
        f"{month or 'no month is due'}: {file.lines} lines not taken, {total.en} yuan",
    )
    table = _table("due", heads, rows, Text("没有未领的款项", "everything is taken"), (1, 2))
    parts = [Part(Text("应发未领，按村社", "Due and not taken, by village"), table=table)]
    if due:
        parts.append(_sign_part(file))
    if month:
        parts.append(_returns_part(month))
    title = Text("月度发放", "The month's payment")
    return ReliefPage(Opening(_KICKER, sentence), _trail(visit.city, title), tuple(parts), notices, _note(visit.city))


def _sign_part(file: BankFile) -> Part:
    said = Text(
        f"银行文件 {file.lines} 笔、{_yuan(file.total_fen).zh} 元，校验 {file.mark[:23]}…；签发后逐笔入账，重复签发不起作用",
        f"the bank file has {file.lines} lines, {_yuan(file.total_fen).en} yuan, hash {file.mark[:23]}…; signing posts each line once",
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


# -- publicity, clauses, receipt -----------------------------------------------------------------------------------------------


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
    table = _table("publicised", heads, rows, Text("现在没有公示中的申请", "nothing is in publicity now"), (2,))
    return ReliefPage(Opening(_KICKER, sentence), (), (Part(Text("公示", "Publicity"), said_, table),), note=_note(city))  # fmt: skip


def make_clauses_page(visit: Visit) -> ReliefPage:
    """Which clauses are in code, which examples show each, and which figures are not verified."""
    city = visit.city
    clauses = list_clauses(city.services[SERVICE].folder / "examples.toml")
    rows = [
        Row((Entry(one.title), Entry(Text.same(", ".join(one.formulas))), Entry(Text.same(str(one.examples)))))
        for one in clauses
    ]
    law = city.work.engine.services[SERVICE].pack.derive(parameters_of)
    open_ones = [
        Row((Entry(law.items[f.key].title), Entry(Text.same(f.where)), Entry(f.message))) for f in law.list_unverified()
    ]
    shown = sum(1 for one in clauses if one.examples)
    sentence = Text(
        f"{len(clauses)} 条写成公式，{shown} 条有直接引用的例子",
        f"{len(clauses)} clauses are formulas, {shown} are cited by an example",
    )
    heads = (Text("条款", "clause"), Text("公式", "formulas"), Text("例子", "examples"))
    figures = (Text("标准", "figure"), Text("位置", "where"), Text("要做什么", "what to do"))
    none = Text("没有", "none")
    parts = (
        Part(Text("条款", "Clauses"), table=_table("clauses", heads, rows, none, (2,))),
        Part(Text("未核实的标准", "Figures that are not verified"), table=_table("figures", figures, open_ones, none)),
    )
    return ReliefPage(Opening(_KICKER, sentence), _trail(city, Text("条款覆盖", "Clauses")), parts, note=_note(city))


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
        Opening(_KICKER, title), _trail(visit.city, title), (Part(title, printed=printed),), note=_note(visit.city)
    )


# -- what I get -------------------------------------------------------------------------------------------------------------------


def make_my_page(
    visit: Visit, case: Case | None = None, said: Mapping[str, str] | None = None, notices: tuple[Notice, ...] = ()
) -> ReliefPage:
    """What a household gets, why this much, what changed, and how to object."""
    said = said or {}
    ask = Form("/my/relief", Text("查询", "Show"), (
        Input("number", Text("申请编号", "number of the application"), said.get("number", "")),
        Input("code", Text("查询码", "code"), said.get("code", "")),
    ))  # fmt: skip
    if case is None:
        sentence = Text("查我的救助", "My relief")
        return ReliefPage(
            Opening(_KICKER, sentence),
            (),
            (Part(Text("凭回执查询", "By your receipt"), form=ask),),
            notices,
            _note(visit.city),
        )
    city = visit.city
    with city.books.read() as tx:
        awards = city.work.cases.list_cases(tx, "relief.award", subject=case.subject, limit=_MOST)
        steps = [(award, one) for award in awards for one in city.work.cases.history(tx, award)]
        paid = city.work.ledger.statement(tx, f"household:{case.subject}")
        facts = read_private(tx, [str(case.fields.get("facts", ""))]).get(str(case.fields.get("facts", "")), "")
    parts = [_awards_part(awards), *_why_parts(city, case, facts), _changes_part(steps), _paid_part(paid)]
    parts.append(_object_part(case, said.get("code", "")))
    kind = city.work.cases.kinds[case.kind]
    total = sum(int(a.fields["amount_fen"]) for a in awards if a.closed_at is None)
    state = kind.states[case.state].title
    sentence = Text(
        f"每月 {_yuan(total).zh} 元；申请{state.zh}", f"{_yuan(total).en} yuan a month; the application is {state.en}"
    )
    return ReliefPage(Opening(_KICKER, sentence), (), tuple(parts), notices, _note(city))  # fmt: skip


def _awards_part(awards: list[Case]) -> Part:
    rows = [
        Row((Entry(PROGRAMME[str(a.fields["programme"])].title), Entry(_yuan(int(a.fields["amount_fen"]))),
             Entry(Text.same(str(a.fields["from_month"]))), Entry(Text.same(str(a.fields.get("until_month", "")))),
             Entry(Text.same(str(a.fields.get("clause", ""))))))
        for a in awards
    ]  # fmt: skip
    heads = (
        Text("项目", "programme"),
        Text("元/月", "yuan a month"),
        Text("自", "from"),
        Text("至", "until"),
        Text("依据", "clause"),
    )
    return Part(
        Text("我得到什么", "What I get"),
        table=_table("awards", heads, rows, Text("现在没有在享的救助", "nothing is in force now"), (1,)),
    )


def _why_parts(city: City, case: Case, facts: str) -> list[Part]:
    """Each amount of the application, worked out again from what was stated."""
    offer, month = str(case.fields.get("offer", "")), str(case.fields.get("month", ""))
    title = Text("为什么是这么多", "Why this much")
    if not offer or not month:
        return [Part(title, Text(str(case.fields.get("trouble") or "尚未核算"), "not assessed yet"))]
    if not facts:
        return [
            Part(
                title,
                Text(
                    "申报内容已按规定清除，算式不能再现",
                    "what was stated was removed; the arithmetic cannot be shown again",
                ),
            )
        ]
    pack = city.work.engine.services[SERVICE].pack.derive(parameters_of)
    found = []
    for one in offer.split():
        name = one.partition("=")[0]
        heading = Text(f"{title.zh}：{PROGRAMME[name].title.zh}", f"{title.en}: {PROGRAMME[name].title.en}")
        try:
            found.append(Part(heading, printed=explain_offer(pack, month, facts, name)))
        except Yours as error:
            found.append(Part(heading, error.findings[0].message))
    return found


_CHANGES = {
    "open": Text("给予", "granted"),
    "raise": Text("增发", "raised"),
    "cut": Text("减发", "cut"),
    "stop": Text("停发", "stopped"),
}


def _changes_part(steps: list[tuple[Case, MoveDone]]) -> Part:
    rows = []
    for award, one in steps:
        title = PROGRAMME[str(award.fields["programme"])].title
        said = (Text.same(one.at.date().isoformat()), title, _CHANGES.get(one.move, Text.same(one.move)))
        rows.append(Row(tuple(Entry(text) for text in (*said, Text.same(one.reason), Text.same(one.by)))))
    heads = (
        Text("日期", "day"),
        Text("项目", "programme"),
        Text("变动", "change"),
        Text("理由", "reasons"),
        Text("决定人", "by"),
    )
    table = _table("changes", heads, rows, Text("没有变动", "nothing changed"))
    return Part(Text("变了什么", "What changed"), table=table)


def _paid_part(paid: Statement) -> Part:
    lines = [line for account in paid.accounts for line in account.lines if line.received or line.given]
    rows = [
        Row(
            (
                Entry(Text.same(line.at[:16])),
                Entry(Text.same(line.period)),
                Entry(Text.same(line.clause)),
                Entry(_yuan(line.received - line.given)),
            )
        )
        for line in lines
    ]
    heads = (Text("时刻", "when"), Text("月份", "month"), Text("依据", "clause"), Text("元", "yuan"))
    table = _table("paid", heads, rows, Text("还没有入账", "nothing was paid yet"), (3,))
    return Part(Text("入账", "Payments"), table=table)


def _object_part(case: Case, code: str) -> Part:
    form = Form("/my/relief", Text("提出异议", "Object"), (
        Input("do", None, "object"),
        Input("number", None, case.id.partition(":")[2]),
        Input("code", None, code),
        Input("token", None, make_token()),
        Input("text", Text("哪里不对", "what is wrong"), kind="area"),
    ))  # fmt: skip
    return Part(
        Text("有异议", "Object"),
        Text("十五日内核查并书面答复", "it is looked into and answered in writing within fifteen days"),
        form=form,
    )


def _open_mine(visit: Visit, said: Mapping[str, str]) -> Response[str]:
    city, number, code = visit.city, said.get("number", "").strip()[:60], said.get("code", "")[:20]
    with city.books.read() as tx:
        case = city.work.cases.find(tx, f"relief:{number}")
    if case is None or case.kind != "relief.application" or not fits_code(city, case.id, code):
        wrong = Notice(Text("编号或查询码不对", "the number or the code is not right"), tone="bad")
        return visit.answer("relief.html", "", status=422, page=make_my_page(visit, None, said, (wrong,)))
    notices: tuple[Notice, ...] = ()
    if said.get("do") == "object":
        token = said.get("token", "")[:40] or make_token()
        body = {
            "objection": token,
            "about": case.id,
            "household": case.subject,
            "region": case.region,
            "text": said.get("text", ""),
        }
        by = Actor(visit.reader.account or "open", frozenset({"resident"}))
        taken = city.submit(Event(f"objected:{token}", "relief.objected", body, by)).result(PATIENCE_S)
        good = (
            Notice(
                Text("异议已受理，十五日内答复", "your objection is taken; an answer comes within fifteen days"),
                tone="good",
            ),
        )
        notices = good if taken.is_good else tuple(Notice(f.message, f.key, "bad") for f in taken.findings)
    return visit.answer("relief.html", "", page=make_my_page(visit, case, said, notices))


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
        said = {name: values[-1] for name, values in (await read_fields(request)).items()}
        return await sync_to_thread(_send_month, visit, said)

    @get("/relief/publicity", include_in_schema=False, sync_to_thread=True)
    def show_publicity(visit: NamedDependency[Visit]) -> Response[str]:
        """Publicity."""
        return visit.answer("relief.html", "", page=make_publicity_page(visit))

    @get("/relief/clauses", include_in_schema=False, sync_to_thread=True)
    def show_clauses(visit: NamedDependency[Visit]) -> Response[str]:
        """Clauses and what shows them."""
        return visit.answer("relief.html", "", page=make_clauses_page(visit))

    @get("/relief/receipt/{number:int}", include_in_schema=False, sync_to_thread=True)
    def show_receipt(visit: NamedDependency[Visit], number: FromPath[int]) -> Response[str]:
        """A receipt."""
        return visit.answer("relief.html", "duty", page=make_receipt_page(visit, number))

    @get("/my/relief", include_in_schema=False, sync_to_thread=True)
    def show_mine(visit: NamedDependency[Visit]) -> Response[str]:
        """The form that opens my relief."""
        return visit.answer("relief.html", "", page=make_my_page(visit))

    @post("/my/relief", include_in_schema=False, status_code=200)
    async def open_mine(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """My relief, or an objection to it."""
        check_origin(request)
        said = {name: values[-1] for name, values in (await read_fields(request)).items()}
        return await sync_to_thread(_open_mine, visit, said)

    return [show_month, send_file, send_month, show_publicity, show_clauses, show_receipt, show_mine, open_mine]
