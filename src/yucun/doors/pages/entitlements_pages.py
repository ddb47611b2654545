"""Pages of entitlements beside its queue: what I am owed, the catalogue, owed beside delivered, a notice to hand over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import LEVELS, Level, RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import PATIENCE_S, make_token, move_event
from yucun.doors.desk.sight import Desk
from yucun.doors.hotline.codes import check_code, fits_code
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.duty_case import instant_of
from yucun.doors.pages.duty_pages import read_last
from yucun.doors.pages.entitlements_views import CataloguePage, GapPage, Group, ItemView, MinePage, NoticePage
from yucun.doors.pages.valued import downloads_of, region_address, region_name, value_entry
from yucun.doors.pages.views import Column, Crumb, Entry, Notice, Opening, Option, Row, Table
from yucun.doors.pages.visit import SECURITY_HEADERS, AnyRequest, Visit, check_origin
from yucun.kernel.cases import Actor, Case, Clock, MoveDone
from yucun.kernel.engine import Event
from yucun.services.entitlements.models import EVENTS, FIELDS, Item, count_listed, parameters_of, read_catalogue
from yucun.services.entitlements.pages.reading import (
    SIMULATION,
    explain_item,
    list_questions,
    read_five,
    say_triggers,
    write_catalogue,
    write_mine,
)

SERVICE, CLAIM = "entitlements", "entitlements.claim"
_MOST = 400
_KICKER = Text("基本公共服务", "Public services")
_NUMBERS = ("entitlements.owed", "entitlements.delivered", "entitlements.delivered_of_owed")
_MINE = (
    ("waiting", Text("等我确认", "Waiting for my tap"), ("prefilled",), Text("现在没有要确认的", "nothing waits for a tap now")),
    ("asked", Text("还要补一项情况", "One fact is still needed"), ("matched",), Text("没有要补的", "nothing is asked for")),
    ("coming", Text("在路上", "On its way"), ("confirmed", "granted", "notified", "correcting"),
     Text("没有在路上的", "nothing is on its way")),
    ("there", Text("已送到", "Delivered"), ("delivered", "rated"), Text("还没有送到的", "nothing was delivered yet")),
    ("not_given", Text("没有给的", "Not given"), ("declined", "refused", "ended"), Text("没有", "none")),
)  # fmt: skip
_COUNTERS = Text("12345；村社代办；乡镇便民服务中心", "12345; the village's agent; the town's service centre")
_DONE = {
    "confirm": Text("已确认并给予，等待送达", "confirmed and granted; it is on its way"),
    "decline": Text("已记下：不要这一项；随时可以改回来", "noted: you do not want it; you may change this at any time"),
    "tell": Text("已收到，五个工作日内由经办人核实", "received; an officer looks at it within five working days"),
    "correct": Text("已收到更正要求", "your request for a correction is taken"),
    "take_up": Text("已改回，等您确认", "changed back; it waits for your tap"),
    "rate": Text("谢谢评价", "thank you for the rating"),
    "object": Text(
        "异议已受理，十五日内书面答复", "your objection is taken; an answer comes in writing within fifteen days"
    ),
}


def _values(city: City) -> Mapping[str, object]:
    return city.work.engine.services[SERVICE].pack.values


def _catalogue(city: City) -> Mapping[str, Item]:
    return city.work.engine.services[SERVICE].pack.derive(read_catalogue)


def _note(city: City) -> Text | None:
    law = city.work.engine.services[SERVICE].pack.derive(parameters_of)
    return SIMULATION if law.is_simulation_only else None


# -- what I am owed -----------------------------------------------------------------------------------------------------------


def make_mine_page(
    visit: Visit, person: str = "", notices: Sequence[Notice] = (), said: Mapping[str, str] | None = None
) -> MinePage:
    """What a person is owed, group by group; without a person, the form that asks by which notice."""
    said = said or {}
    city = visit.city
    code = check_code(city, f"{SERVICE}:{person}") if person else said.get("code", "")
    number = person or said.get("number", "")
    if not person:
        opening = Opening(_KICKER, Text("查我应得的服务", "What I am owed"))
        return MinePage(opening, (), tuple(notices), number, code, make_token(), False, _note(city))
    with city.books.read() as tx:
        cases = city.work.cases.list_cases(tx, CLAIM, subject=person, limit=_MOST)
        clocks = city.work.cases.clocks_of(tx, cases)
        closed = [case for case in cases if case.state in ("refused", "ended", "declined")]
        last = {case.id: city.work.cases.history(tx, case)[-1] for case in closed}
    views = {case.no: _mine(visit, case, clocks.get(case.no, {}), last.get(case.id)) for case in cases}
    groups = tuple(
        Group(
            name,
            title,
            tuple(views[case.no] for case in sorted(cases, key=lambda c: c.no) if case.state in states),
            empty,
        )
        for name, title, states, empty in _MINE
    )
    counts = {group.name: len(group.items) for group in groups}
    sentence = Text(
        f"{counts['waiting']} 项等您确认，{counts['coming']} 项在路上，{counts['there']} 项已送到",
        f"{counts['waiting']} wait for your tap, {counts['coming']} on the way, {counts['there']} delivered",
    )
    return MinePage(Opening(_KICKER, sentence), groups, tuple(notices), number, code, make_token(), True, _note(city))


def _mine(visit: Visit, case: Case, clocks: Mapping[str, Clock], last: MoveDone | None) -> ItemView:
    city = visit.city
    kind = city.work.cases.kinds[CLAIM]
    item = _catalogue(city)[str(case.fields["item"])]
    law = city.work.engine.services[SERVICE].pack.derive(parameters_of)
    day = date.fromisoformat(str(case.fields["owed_on"]))
    event = EVENTS.get(str(case.fields["event"]), Text.same(str(case.fields["event"])))
    running = [(name, one) for name, one in clocks.items() if one.state in ("running", "late") and one.due is not None]
    until = None
    if running and case.closed_at is None:
        name, clock = running[0]
        assert clock.due is not None
        title = kind.clocks[name].title
        until = Text(f"{title.zh}：{instant_of(clock.due).zh}", f"{title.en}: {instant_of(clock.due).en}")
    reason = _say_end(last) if last is not None else None
    return ItemView(
        item.code, item.title, Text(f"{event.zh} · {day.isoformat()}", f"{event.en} · {day.isoformat()}"), tuple(read_five(item)),
        tuple(explain_item(law, item, day, str(case.fields.get("source", "")), str(case.fields["event"]))), item.channel,
        case.id, case.no, case.version, kind.states[case.state].title, until,
        tuple(move.name for move in kind.list_moves(case.state) if "resident" in move.by), tuple(list_questions(case)),
        str(case.fields.get("proof", "")), int(case.fields.get("stars", 0) or 0), reason, bool(case.fields.get("is_made_up")),
    )  # fmt: skip


def _say_end(last: MoveDone) -> Text:
    """Who ended it and why, in words: a resident's own no needs no reason."""
    if last.move == "decline":
        return Text("您表示不要", "you said no")
    return Text(f"{last.by}：{last.reason or '—'}", f"{last.by}: {last.reason or '—'}")


def _own(visit: Visit, said: Mapping[str, str]) -> str:
    """The person whose page this is: who is signed in as one, or whoever holds the notice; empty for nobody."""
    number = said.get("number", "").strip()[:60]
    if visit.reader.person is not None and (not number or number == str(visit.reader.person)):
        return str(visit.reader.person)
    return number if number and fits_code(visit.city, f"{SERVICE}:{number}", said.get("code", "")[:20]) else ""


def _answer_mine(visit: Visit, said: Mapping[str, str]) -> Response[str]:
    person = _own(visit, said)
    if not person:
        # Whether the number or the code was wrong is not said: neither can be tried out.
        wrong = Notice(Text("编号或查询码不对", "the number or the code is not right"), tone="bad")
        return visit.answer("owed.html", "", status=422, page=make_mine_page(visit, "", (wrong,), said))
    notices: tuple[Notice, ...] = ()
    if said.get("do"):
        notices = _act(visit, person, said)
    return visit.answer("owed.html", "", page=make_mine_page(visit, person, notices))


def _act(visit: Visit, person: str, said: Mapping[str, str]) -> tuple[Notice, ...]:
    """Do what the person wants about one of the person's own items."""
    city, do, token = visit.city, said["do"], said.get("token", "")[:40] or make_token()
    with city.books.read() as tx:
        case = city.work.cases.find(tx, said.get("case", "")[:160])
    if case is None or case.kind != CLAIM or case.subject != person or do not in _DONE:
        return (Notice(Text("没有这一项", "there is no such item"), tone="bad"),)
    by = Actor(visit.reader.account or "open", frozenset({"resident"}))
    if do == "object":
        body = {"objection": token, "about": case.id, "region": case.region, "text": said.get("text", ""),
                "is_made_up": bool(case.fields.get("is_made_up"))}  # fmt: skip
        event = Event(f"objected:{token}", f"{SERVICE}.objected", {k: v for k, v in body.items() if v != ""}, by)
    else:
        body = {"case": case.id, "move": do}
        if said.get("seen", "").isdigit():
            body["seen"] = int(said["seen"])
        if do in ("tell", "correct"):
            body["told" if do == "tell" else "wrong"] = said.get("text", "").strip()[:2000]
        if do == "rate" and said.get("stars", "").isdigit():
            body["stars"] = int(said["stars"])
        event = move_event(SERVICE, token, body, by)
    taken = city.submit(event).result(PATIENCE_S)
    if taken.is_good:
        return (Notice(_DONE[do], tone="good"),)
    return tuple(Notice(f.message, f.key, "bad") for f in taken.findings)


def _send_mine(visit: Visit, said: Mapping[str, str]) -> Response[str] | Response[bytes]:
    person = _own(visit, said)
    if not person:
        return _answer_mine(visit, said)
    city = visit.city
    with city.books.read() as tx:
        cases = city.work.cases.list_cases(tx, CLAIM, subject=person, limit=_MOST)
    states = {name: state.title for name, state in city.work.cases.kinds[CLAIM].states.items()}
    return _csv(write_mine(cases, _catalogue(city), states, visit.language), "my-services")


def _csv(content: str, name: str) -> Response[bytes]:
    headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(("\ufeff" + content).encode(), media_type="text/csv; charset=utf-8", headers=headers)


# -- the catalogue ------------------------------------------------------------------------------------------------------------


def make_catalogue_page(visit: Visit) -> CataloguePage:
    """Every item with its five fields, by field; the items of the published lists that are not known are counted."""
    city = visit.city
    items = list(_catalogue(city).values())
    listed = count_listed(_values(city), city.clock.today())
    groups = tuple(
        Group(name, title, tuple(_entry(one) for one in items if one.field == name), Text("没有", "none"))
        for name, title in FIELDS.items()
    )
    full = sum(one.fields_known == 5 for one in items)
    counts = (
        (Text("国家标准（2021）", "national standard (2021)"), _items(listed["national"])),
        (Text("浙江省标准（2021）", "provincial standard (2021)"), _items(listed["zhejiang"])),
        (Text("舟山市标准（2022）", "Zhoushan's standard (2022)"), _items(listed["zhoushan"])),
        (Text("这里收录，各有来源", "here, each with a source"), _items(listed["here"])),
        (Text("其中五个要素都有来源", "of these with a source for all five fields"), _items(full)),
        (Text("省标准中至少还有（未知）", "of the provincial list at least (not known)"), _items(listed["not_known"])),
    )
    sentence = Text(
        f"{listed['here']} 项有来源；省标准 {listed['zhejiang']} 项，至少 {listed['not_known']} 项未知",
        f"{listed['here']} items have a source; of the province's {listed['zhejiang']} at least {listed['not_known']} are not known",
    )
    return CataloguePage(Opening(_KICKER, sentence), counts, groups, _note(city))


def _items(count: int) -> Text:
    return Text(f"{count} 项", f"{count} items")


def _entry(item: Item) -> ItemView:
    why = [
        Text(f"依据：{item.clause.zh}", f"clause: {item.clause.en}"),
        Text(f"来源：{item.source}", f"source: {item.source}"),
        Text(f"自 {item.start.isoformat()}", f"from {item.start.isoformat()}"),
    ]
    if item.silence is not None:
        why.append(
            Text(f"通知后未提出异议即为确认：{item.silence.zh}", f"silence after notice is consent: {item.silence.en}")
        )
    return ItemView(item.code, item.title, say_triggers(item), tuple(read_five(item)), tuple(why), item.channel)


# -- owed beside delivered ----------------------------------------------------------------------------------------------------


def make_gap_page(visit: Visit) -> GapPage:
    """Owed beside delivered in the regions right below one; few are hidden, and a village leads to its own page."""
    city = visit.city
    region = RegionCode.parse(visit.get("region")) if visit.get("region") else city.place.region
    known = city.regions.get(region)
    below = _below(known.level)
    newest = city.value(_NUMBERS[0], city.place.region, reader=visit.reader)
    series = [
        v.period for v in city.series(_NUMBERS[0], city.place.region, reader=visit.reader) if v.period is not None
    ]
    asked = Period.parse(visit.get("period")) if visit.get("period") else newest.period
    rows = []
    if asked is not None:
        columns = [city.compare(one, asked, below, region, reader=visit.reader) for one in _NUMBERS] if below else []
        own = [city.value(one, region, asked, reader=visit.reader) for one in _NUMBERS]
        rows.append(
            Row(
                (
                    Entry(region_name(city, region), region_address(region)),
                    *(value_entry(v, is_bare=True) for v in own),
                ),
                is_here=True,
            )
        )
        for values in zip(*columns, strict=True):
            code = values[0].region
            href = f"/entitlements/gap?region={code.short}" if _below(code.level) else region_address(code)
            rows.append(Row((Entry(region_name(city, code), href), *(value_entry(v, is_bare=True) for v in values))))
    heads = (Column(Text("地区", "Place")), *(Column(_head(city, one), is_number=True) for one in _NUMBERS))
    said = asked.title if asked is not None else Text("还没有数据", "no records yet")
    downloads = downloads_of(f"/api/numbers/{_NUMBERS[2]}", region=region.short) if rows else ()
    table = Table(said, heads, tuple(rows), len(rows), name="gap", downloads=downloads,
                  empty=Text("还没有成为应得的项目", "nothing became owed yet"))  # fmt: skip
    name = region_name(city, region)
    sentence = Text(f"{name.zh}：应得与送达", f"{name.en}: owed and delivered")
    above = [r for r in city.regions.ancestors(region) if city.is_within(r.code, [city.place.region])]
    trail = [Crumb(city.services[SERVICE].title, f"/service/{SERVICE}")]
    trail += [Crumb(r.name, f"/entitlements/gap?region={r.code.short}") for r in reversed(above)]
    periods = tuple(
        Option(p.text, p.title, p == asked) for p in sorted(set(series), key=lambda p: p.start, reverse=True)
    )
    return GapPage(Opening(_KICKER, sentence), tuple(trail), table, periods, region.short, _note(city))


def _head(city: City, name: str) -> Text:
    """A number's title with its unit, so that the cells hold figures alone."""
    one = city.indicators[name]
    unit = one.unit.title
    return Text(f"{one.title.zh}，{unit.zh}", f"{one.title.en}, {unit.en}") if unit.zh else one.title


def _below(level: Level) -> Level | None:
    """The level right below one, down to villages."""
    order = [one for one in ("village", "town", "county", "city") if one in LEVELS]
    place = order.index(level) if level in order else 0
    return order[place - 1] if place > 0 else None


# -- a notice to hand over ----------------------------------------------------------------------------------------------------


def make_notice_page(visit: Visit, number: int) -> NoticePage:
    """A notice for a person: the items that wait, the number and the code by which they can be followed."""
    city = visit.city
    case = Desk(city, SERVICE, visit.reader).get(number).case
    if case.kind != CLAIM:
        raise NotKnown(Finding("entitlements.no_notice", visit.path, case.kind, "an item owed", Text(
            "只有应得服务有告知单", "only an item owed has a notice")))  # fmt: skip
    with city.books.read() as tx:
        cases = city.work.cases.list_cases(tx, CLAIM, subject=case.subject, is_open=True, limit=_MOST)
    kind = city.work.cases.kinds[CLAIM]
    items = []
    for one in cases:
        title, state = _catalogue(city)[str(one.fields["item"])].title, kind.states[one.state].title
        items.append(Text(f"{title.zh}（{state.zh}）", f"{title.en} ({state.en})"))
    code = check_code(city, f"{SERVICE}:{case.subject}")
    lines = (
        (Text("编号", "number"), Text.same(case.subject)),
        (Text("查询码", "code"), Text.same(code)),
        (Text("网上查询", "on the web"), Text.same("/my/entitlements")),
        (Text("电话和窗口", "by phone or in person"), _COUNTERS),
    )  # fmt: skip
    trail = (
        Crumb(words()["duty.title"], "/duty"),
        Crumb(city.services[SERVICE].title, f"/duty/{SERVICE}?case={number}"),
    )
    return NoticePage(
        trail, Text("应得公共服务告知单", "Notice of public services owed to you"), lines, tuple(items), _note(city)
    )


# -- routes -------------------------------------------------------------------------------------------------------------------


def make_entitlements_handlers() -> list[HTTPRouteHandler]:
    """The routes of entitlements."""

    @get("/my/entitlements", include_in_schema=False, sync_to_thread=True)
    def show_mine(visit: NamedDependency[Visit]) -> Response[str]:
        """What I am owed, where the reader is signed in as a person; else the form that asks."""
        person = str(visit.reader.person) if visit.reader.person is not None else ""
        return visit.answer("owed.html", "", page=make_mine_page(visit, person))

    @post("/my/entitlements", include_in_schema=False, status_code=200)
    async def answer_mine(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """Open what I am owed by the notice, or do something about one item."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_answer_mine, visit, said)

    @post("/my/entitlements.csv", include_in_schema=False, status_code=200)
    async def send_mine(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str] | Response[bytes]:
        """What I am owed, as a file."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_send_mine, visit, said)

    @get("/entitlements/catalogue", include_in_schema=False, sync_to_thread=True)
    def show_catalogue(visit: NamedDependency[Visit]) -> Response[str]:
        """The catalogue."""
        return visit.answer("catalogue.html", "services", page=make_catalogue_page(visit))

    @get("/entitlements/catalogue.csv", include_in_schema=False, sync_to_thread=True)
    def send_catalogue(visit: NamedDependency[Visit]) -> Response[bytes]:
        """The catalogue as a file."""
        return _csv(write_catalogue(_catalogue(visit.city)), "public-services")

    @get("/entitlements/gap", include_in_schema=False, sync_to_thread=True)
    def show_gap(visit: NamedDependency[Visit]) -> Response[str]:
        """Owed beside delivered."""
        return visit.answer("gap.html", "services", page=make_gap_page(visit))

    @get("/entitlements/letter/{number:int}/notice", include_in_schema=False, sync_to_thread=True)
    def show_notice(visit: NamedDependency[Visit], number: FromPath[int]) -> Response[str]:
        """A notice."""
        return visit.answer("owed_notice.html", "duty", page=make_notice_page(visit, number))

    return [show_mine, answer_mine, send_mine, show_catalogue, send_catalogue, show_gap, show_notice]
