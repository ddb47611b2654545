"""What a household gets, why this much, what changed since the month before and why, and how to object."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from yucun.base.errors import Yours
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import PATIENCE_S, make_token
from yucun.doors.hotline.codes import fits_code
from yucun.doors.pages.duty_pages import read_last
from yucun.doors.pages.relief_parts import SERVICE, amount_of, note_of, table_of
from yucun.doors.pages.relief_views import Form, Input, Part, ReliefPage
from yucun.doors.pages.views import Card, Entry, Notice, Opening, Row
from yucun.doors.pages.visit import AnyRequest, Visit, check_origin
from yucun.kernel.cases import Actor, Case, MoveDone
from yucun.kernel.engine import Event
from yucun.kernel.engine.private import read_private
from yucun.kernel.ledger import Statement
from yucun.kernel.rules.trace import Trace
from yucun.services.relief.models import PROGRAMME
from yucun.services.relief.pages.mine import MOVES, MonthChange, compare_months
from yucun.services.relief.pages.reading import list_grounds, trace_offer
from yucun.services.relief.planning import parameters_of

_MOST = 400
_KICKER = Text("智慧救助", "Social relief")
_WHY = Text("为什么是这么多", "Why this much")
_CHANGED = Text("变了什么", "What changed")
_OBJECT = Text("有异议", "Object")
Steps = list[tuple[str, MoveDone]]


def make_my_page(
    visit: Visit, case: Case | None = None, said: Mapping[str, str] | None = None, notices: tuple[Notice, ...] = ()
) -> ReliefPage:
    """The form that asks for number and code; with a case, all that its household may know."""
    said = said or {}
    if case is None:
        ask = Form("/my/relief", Text("查询", "Show"), (
            Input("number", Text("申请编号", "number of the application"), said.get("number", "")),
            Input("code", Text("查询码", "code"), said.get("code", "")),
        ))  # fmt: skip
        part = Part(Text("凭回执查询", "By your receipt"), form=ask)
        return ReliefPage(Opening(_KICKER, Text("查我的救助", "My relief")), (), (part,), notices, note_of(visit.city))
    city = visit.city
    with city.books.read() as tx:
        awards = city.work.cases.list_cases(tx, "relief.award", subject=case.subject, limit=_MOST)
        steps = [(str(a.fields["programme"]), one) for a in awards for one in city.work.cases.history(tx, a)]
        paid = city.work.ledger.statement(tx, f"household:{case.subject}")
        facts = read_private(tx, [str(case.fields.get("facts", ""))]).get(str(case.fields.get("facts", "")), "")
    is_large = visit.size == "large"
    lines = [line for account in paid.accounts for line in account.lines]
    parts = [
        _awards_part(awards, brief=is_large),
        *_why_parts(city, case, facts),
        _months_part(compare_months(lines, steps)),
    ]
    if not is_large:
        parts += [_changes_part(steps), _paid_part(paid)]
    parts.append(_object_part(case, said.get("code", "")))
    state = city.work.cases.kinds[case.kind].states[case.state].title
    total = amount_of(sum(int(a.fields["amount_fen"]) for a in awards if a.closed_at is None))
    sentence = Text(f"每月 {total.zh} 元；申请{state.zh}", f"{total.en} yuan a month; the application is {state.en}")
    # In large type three things at most can be done: ask why, see what changed, object.
    ways = (Card(_WHY, "#why"), Card(_CHANGED, "#months"), Card(_OBJECT, "#object")) if is_large else ()
    return ReliefPage(Opening(_KICKER, sentence), (), tuple(parts), notices, note_of(city), ways)


def _awards_part(awards: list[Case], *, brief: bool) -> Part:
    heads = (
        Text("项目", "programme"), Text("元/月", "yuan a month"), Text("自", "from"), Text("至", "until"),
        Text("依据", "clause"),
    )  # fmt: skip
    rows = []
    for award in awards:
        fields = award.fields
        said = (PROGRAMME[str(fields["programme"])].title, amount_of(int(fields["amount_fen"])),
                *(Text.same(str(fields.get(name, ""))) for name in ("from_month", "until_month", "clause")))  # fmt: skip
        rows.append(Row(tuple(Entry(text) for text in said[: 2 if brief else 5])))
    table = table_of(
        "awards", heads[: 2 if brief else 5], rows, Text("现在没有在享的救助", "nothing is in force now"), (1,)
    )
    return Part(Text("我得到什么", "What I get"), table=table)


def _why_parts(city: City, case: Case, facts: str) -> list[Part]:
    """Each amount of the application, worked out again from what was stated."""
    offer, month = str(case.fields.get("offer", "")), str(case.fields.get("month", ""))
    if not offer or not month:
        trouble = Text(str(case.fields.get("trouble") or "尚未核算"), "not assessed yet")
        return [Part(_WHY, trouble, name="why")]
    if not facts:
        gone = Text(
            "申报内容已按规定清除，算式不能再现", "what was stated was removed; the arithmetic cannot be shown again"
        )
        return [Part(_WHY, gone, name="why")]
    pack = city.work.engine.services[SERVICE].pack.derive(parameters_of)
    found = []
    for number, one in enumerate(offer.split()):
        name = one.partition("=")[0]
        heading = Text(f"{_WHY.zh}：{PROGRAMME[name].title.zh}", f"{_WHY.en}: {PROGRAMME[name].title.en}")
        anchor = "why" if number == 0 else ""
        try:
            found.append(_why_part(heading, trace_offer(pack, month, facts, name), anchor))
        except Yours as error:
            found.append(Part(heading, error.findings[0].message, name=anchor))
    return found


def _why_part(heading: Text, found: Trace, anchor: str) -> Part:
    """What the amount rests on, line by line with its clause; the arithmetic is behind a fold."""
    heads = (Text("是什么", "what"), Text("多少", "how much"), Text("依据", "clause"))
    rows = [Row((Entry(one.title), Entry(one.shown), Entry(one.clause))) for one in list_grounds(found)]
    fold = Text("逐步算式", "The arithmetic, step by step")
    table = table_of(f"why-{anchor or heading.en}".replace(" ", "-"), heads, rows, Text("—", "—"), (1,))
    return Part(heading, table=table, printed=found.to_text(), name=anchor, fold=fold)


def _months_part(changes: list[MonthChange]) -> Part:
    """The newest month beside the one before, with the decisions between."""
    before, after = (changes[0].before, changes[0].after) if changes else ("", "")
    heads = (
        Text("项目", "programme"), Text(f"{before} 元", f"{before}, yuan"), Text(f"{after} 元", f"{after}, yuan"),
        Text("相差", "difference"), Text("为什么", "why"),
    )  # fmt: skip
    rows = [
        Row(tuple(Entry(text) for text in (
            one.programme, amount_of(one.before_fen), amount_of(one.after_fen), amount_of(one.difference_fen), one.because
        )))
        for one in changes
    ]  # fmt: skip
    none = Text("入账还不到两个月，没有可比的", "fewer than two months were paid: there is nothing to compare")
    title = Text("和上个月比", "Beside the month before")
    return Part(title, table=table_of("months-table", heads, rows, none, (1, 2, 3)), name="months")


def _changes_part(steps: Steps) -> Part:
    heads = (
        Text("日期", "day"), Text("项目", "programme"), Text("变动", "change"), Text("理由", "reasons"),
        Text("决定人", "by"),
    )  # fmt: skip
    rows = []
    for name, one in steps:
        said = (Text.same(one.at.date().isoformat()), PROGRAMME[name].title, MOVES.get(one.move, Text.same(one.move)))
        rows.append(Row(tuple(Entry(text) for text in (*said, Text.same(one.reason), Text.same(one.by)))))
    return Part(_CHANGED, table=table_of("changes", heads, rows, Text("没有变动", "nothing changed")))


def _paid_part(paid: Statement) -> Part:
    heads = (Text("时刻", "when"), Text("月份", "month"), Text("依据", "clause"), Text("元", "yuan"))
    rows = []
    for account in paid.accounts:
        for line in account.lines:
            if line.received or line.given:
                said = (Text.same(line.at[:16]), Text.same(line.period), Text.same(line.clause))
                rows.append(Row((*(Entry(text) for text in said), Entry(amount_of(line.received - line.given)))))
    table = table_of("paid", heads, rows, Text("还没有入账", "nothing was paid yet"), (3,))
    return Part(Text("入账", "Payments"), table=table)


def _object_part(case: Case, code: str) -> Part:
    form = Form("/my/relief", Text("提出异议", "Object"), (
        Input("do", None, "object"),
        Input("number", None, case.id.partition(":")[2]),
        Input("code", None, code),
        Input("token", None, make_token()),
        Input("text", Text("哪里不对", "what is wrong"), kind="area"),
    ))  # fmt: skip
    said = Text("十五日内核查并书面答复", "it is looked into and answered in writing within fifteen days")
    return Part(_OBJECT, said, form=form, name="object")


def _open_mine(visit: Visit, said: Mapping[str, str]) -> Response[str]:
    city, number, code = visit.city, said.get("number", "").strip()[:60], said.get("code", "")[:20]
    with city.books.read() as tx:
        case = city.work.cases.find(tx, f"relief:{number}")
    if case is None or case.kind != "relief.application" or not fits_code(city, case.id, code):
        wrong = Notice(Text("编号或查询码不对", "the number or the code is not right"), tone="bad")
        return visit.answer("relief.html", "", status=422, page=make_my_page(visit, None, said, (wrong,)))
    notices: tuple[Notice, ...] = ()
    if said.get("do") == "object":
        notices = _object(visit, case, said)
    return visit.answer("relief.html", "", page=make_my_page(visit, case, said, notices))


def _object(visit: Visit, case: Case, said: Mapping[str, str]) -> tuple[Notice, ...]:
    token = said.get("token", "")[:40] or make_token()
    body = {
        "objection": token, "about": case.id, "household": case.subject, "region": case.region, "text": said.get("text", ""),
    }  # fmt: skip
    by = Actor(visit.reader.account or "open", frozenset({"resident"}))
    taken = visit.city.submit(Event(f"objected:{token}", "relief.objected", body, by)).result(PATIENCE_S)
    if not taken.is_good:
        return tuple(Notice(f.message, f.key, "bad") for f in taken.findings)
    good = Text("异议已受理，十五日内答复", "your objection is taken; an answer comes within fifteen days")
    return (Notice(good, tone="good"),)


def make_my_relief_handlers() -> list[HTTPRouteHandler]:
    """The routes of a household."""

    @get("/my/relief", include_in_schema=False, sync_to_thread=True)
    def show_mine(visit: NamedDependency[Visit]) -> Response[str]:
        """The form that opens my relief."""
        return visit.answer("relief.html", "", page=make_my_page(visit))

    @post("/my/relief", include_in_schema=False, status_code=200)
    async def open_mine(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """My relief, or an objection to it."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_open_mine, visit, said)

    return [show_mine, open_mine]
