"""The page of early warning beside its queue: each rule, what it rests on, how it fared, beside what was published."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from yucun.base.period import Period
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import make_token
from yucun.doors.desk.sight import Desk
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.duty_pages import read_last
from yucun.doors.pages.relief_views import Form, Input, Part, ReliefPage
from yucun.doors.pages.views import EMPTY, Column, Crumb, Download, Entry, Notice, Opening, Row, Span, Table
from yucun.doors.pages.visit import SECURITY_HEADERS, AnyRequest, Visit, check_origin
from yucun.kernel.cases import Case
from yucun.kernel.effects import Record
from yucun.kernel.engine import Event, Taken
from yucun.services.discovery.detectors import RULES
from yucun.services.discovery.pages.reading import (
    Fared,
    score_months,
    score_rules,
    show_ends,
    show_share,
    tell_published,
    tell_threshold,
    write_csv,
)
from yucun.services.discovery.planning import parameters_of

SERVICE, KIND = "discovery", "discovery.warning"
# Who may run a month, and how long a run may take: it reads the tables of the whole city.
RUNS = "relief_county"
_PATIENCE_S = 300
_MOST = 1_000_000
_KICKER = Text("主动发现", "Early warning")
_HEADS = (
    Text("提请走访", "offered"),
    Text("有结论", "visited"),
    Text("确需帮扶", "helped"),
    Text("帮扶率", "share"),
    Text("95% 区间", "95 % interval"),
)


def _read_cases(visit: Visit) -> list[Case]:
    """All warnings that the reader may see."""
    desk = Desk(visit.city, SERVICE, visit.reader)
    with visit.city.books.read() as tx:
        found = visit.city.work.cases.list_cases(tx, KIND, limit=_MOST)
    return [case for case in found if desk.sees(case)]


def _row(one: Fared) -> Row:
    said = (one.title, *(Text.same(f"{n:,}") for n in (one.offered, one.visits, one.helped)))
    return Row((*(Entry(t) for t in said), Entry(Text.same(show_share(one))), Entry(Text.same(show_ends(one)))))


def _table(name: str, first: Text, rows: list[Row], downloads: tuple[Download, ...] = ()) -> Table:
    columns = tuple(Column(head, is_number=place > 0) for place, head in enumerate((first, *_HEADS)))
    empty = Text(
        "还没有走访；每月运行后，这里按规则列出结果",
        "nobody was visited yet; after a month's run the rules are listed here",
    )
    return Table(EMPTY, columns, tuple(rows), len(rows), name=name, empty=empty, downloads=downloads)


def make_rules_page(visit: Visit, notices: tuple[Notice, ...] = ()) -> ReliefPage:
    """Each rule beside what was published; what each rests on; month by month; running a month, for who may."""
    cases, city = _read_cases(visit), visit.city
    pack = city.work.engine.services[SERVICE].pack.derive(parameters_of)
    today = city.clock.today()
    published, source = tell_published(pack, today)
    scores = score_rules(cases) if cases else []
    rows = [_row(one) for one in [*scores, published]] if cases else []
    csv = Download("CSV", "/discovery/rules.csv")
    said = Text(
        f"帮扶率＝确需帮扶 ÷ 走访有结论；谢绝的不计。已公布的一行见于公开来源，是别县之数，不是本系统的结果：{source}",
        f"share = helped ÷ visited; those who said no count in neither. The published line was seen in a public source, is another "
        f"county's, and no result of this software: {source}",
    )
    months = [_row(one) for one in score_months(cases)]
    parts: tuple[Part, ...] = (
        Part(
            Text("每条规则管不管用", "How each rule fares"),
            said,
            _table("rules", Text("规则", "rule"), rows, (csv,) if cases else ()),
        ),
        Part(Text("逐月", "Month by month"), None, _table("months", Text("月份", "month"), months)),
        _basis_part(city),
        Part(Text("怎样排先后", "How the order is made"), _ORDER),
    )
    if RUNS in visit.reader.roles:
        parts = (_run_part(city), *parts)
    total = scores[-1] if scores else None
    sentence = (
        Text(
            f"走访 {total.visits} 户，{total.helped} 户确需帮扶",
            f"{total.visits} households visited, {total.helped} helped",
        )
        if total
        else Text("还没有走访", "nobody was visited yet")
    )
    is_made_up = any(case.fields.get("is_made_up") for case in cases)
    note = (
        Text("以下走访和结论均为模拟，不是真实结果", "these visits and findings are made up, no real results")
        if is_made_up
        else None
    )
    lead = (
        Span(
            Text(
                "规则的门槛、来源和成效都在这里；看不到任何一户。",
                "Thresholds, sources and results of every rule; no household.",
            )
        ),
    )
    return ReliefPage(Opening(_KICKER, sentence, lead), _trail(city), parts, notices, note)


def _run_part(city: City) -> Part:
    said = Text(
        "每月一次：各条规则数一遍全市记录，先请村社去问最可能需要帮扶的家庭；重跑不改变任何事",
        "once a month: the rules look through the city's records, and visits are offered first where help is likeliest needed; "
        "a second run changes nothing",
    )
    form = Form(
        "/discovery/rules",
        Text("运行", "Run"),
        (Input("token", None, make_token()), Input("month", Text("月份", "month"), f"{city.clock.today():%Y-%m}")),
    )
    return Part(Text("按月运行", "Run a month"), said, form=form, name="run")


def _run_month(visit: Visit, said: Mapping[str, str]) -> Response[str]:
    desk = Desk(visit.city, SERVICE, visit.reader)
    asked = said.get("month", "").strip()[:20]
    month = parsed.text if (parsed := Period.find(asked)) is not None else asked
    body = {"month": month, "is_made_up": bool(visit.city.clock.is_simulated)}
    token = said.get("token", "")[:40] or make_token()
    event = Event(f"discovery:run:{token}", "discovery.month_run", body, desk.actor)
    taken = visit.city.submit(event).result(_PATIENCE_S)
    if taken.findings:
        notices = tuple(Notice(f.message, f.key, "bad") for f in taken.findings)
        return visit.answer("relief.html", "duty", status=422, page=make_rules_page(visit, notices))
    return visit.answer("relief.html", "duty", page=make_rules_page(visit, (_tell_run(month, taken),)))


def _tell_run(month: str, taken: Taken) -> Notice:
    """How many visits a run offered, or that the month was run before."""
    rows = [row for e in taken.effects if isinstance(e, Record) and e.table == "discovery.run" for row in e.rows]
    if not rows:
        said = Text(f"{month} 已经运行过，什么都没有改变", f"{month} was run before; nothing changed")
        return Notice(said)
    standing, offered = rows[0]["standing"], rows[0]["offered"]
    said = Text(
        f"{month} 运行完毕：{standing} 户触发规则，提请走访 {offered} 户",
        f"{month} was run: rules warn of {standing} households, {offered} visits are offered",
    )
    return Notice(said, tone="good")


_ORDER = Text(
    "每月先数已公布口径的新增预警，能走访同样多户；按以往走访结果估计哪些家庭更可能需要帮扶，先请村社去问，另留一部分走访给了解不多的规则。"
    "次序只用于“先请谁去问”，理由写在每件预警里；不留分数，不用于拒绝、处罚或任何负担。",
    "Each month as many visits are offered as the published rule has new warnings. Past findings say which households are likelier to "
    "need help; these are asked first, and some visits go to rules of which little is known. The order is for offers alone and its "
    "reasons stand in each warning; no score is kept, and nobody is refused, punished or burdened by it.",
)


def _basis_part(city: City) -> Part:
    """What each rule rests on, and whether it may be used on real people."""
    pack, today = city.work.engine.services[SERVICE].pack.derive(parameters_of), city.clock.today()
    rows = []
    for name, rule in RULES.items():
        told = tell_threshold(pack, name, today)
        use = Text("可用", "in use") if told.is_verified else Text("仅供模拟", "simulation only")
        rows.append(
            Row(
                (
                    Entry(rule.title),
                    Entry(told.figures),
                    Entry(told.evidence),
                    Entry(use),
                    Entry(Text.same(told.source)),
                )
            )
        )
    heads = (
        Text("规则", "rule"),
        Text("门槛", "figures"),
        Text("依据", "evidence"),
        Text("真实居民", "real people"),
        Text("来源", "source"),
    )
    columns = tuple(Column(head, is_long=place in (1, 4)) for place, head in enumerate(heads))
    return Part(
        Text("门槛和来源", "Figures and sources"), None, Table(EMPTY, columns, tuple(rows), len(rows), name="basis")
    )


def _trail(city: City) -> tuple[Crumb, ...]:
    title = Text("规则与成效", "Rules and how they fare")
    return (
        Crumb(words()["duty.title"], "/duty"),
        Crumb(city.services[SERVICE].title, f"/duty/{SERVICE}"),
        Crumb(title, ""),
    )


def make_discovery_handlers() -> list[HTTPRouteHandler]:
    """The routes of early warning."""

    @get("/discovery/rules", include_in_schema=False, sync_to_thread=True)
    def show_rules(visit: NamedDependency[Visit]) -> Response[str]:
        """Rules and how they fare."""
        return visit.answer("relief.html", "duty", page=make_rules_page(visit))

    @post("/discovery/rules", include_in_schema=False, status_code=200)
    async def run_month(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """Run a month."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_run_month, visit, said)

    @get("/discovery/rules.csv", include_in_schema=False, sync_to_thread=True)
    def send_rules(visit: NamedDependency[Visit]) -> Response[bytes]:
        """The same as a file."""
        content = write_csv(score_rules(_read_cases(visit)))
        headers = {**SECURITY_HEADERS, "Content-Disposition": 'attachment; filename="discovery-rules.csv"'}
        return Response(content.encode(), media_type="text/csv; charset=utf-8", headers=headers)

    return [show_rules, run_month, send_rules]
