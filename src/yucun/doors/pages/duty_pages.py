"""The duty desk: a queue by deadline, one case with its moves, live in every window, by keyboard alone if one likes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import act, make_token, read_form
from yucun.doors.desk.live import Closing, stream
from yucun.doors.desk.sight import DANGER, Desk, Waiting, list_desks
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.duty_case import make_case, make_item, make_move
from yucun.doors.pages.duty_map import lies_in, make_duty_map
from yucun.doors.pages.duty_views import DesksPage, DutyPage, MoveView
from yucun.doors.pages.lists import cut_page
from yucun.doors.pages.valued import downloads_of
from yucun.doors.pages.views import Card, Crumb, Notice, Opening, Option, Span
from yucun.doors.pages.visit import SECURITY_HEADERS, AnyRequest, Visit, check_origin

_PAGE = 50
_MOST_BULK = 200
_LONGEST_FORM = 64 * 1024
# What keeps the application from packing an answer: the same word as `doors.open.AS_IT_LIES`, a stream must not wait.
AS_IT_LIES = "as_it_lies"


def make_duty_page(visit: Visit, service: str, notices: Sequence[Notice] = ()) -> DutyPage:
    """The desk for this reader, with the filters of the address and the case that it names."""
    # Read first: what happens while the page is made is newer than it says.
    seq = visit.city.last_seq()
    desk = Desk(visit.city, service, visit.reader)
    now, catalogue = desk.now, words()
    state, unit, officer, query, region = (visit.get(key) for key in ("state", "unit", "officer", "q", "region"))
    is_open = (
        None
        if query or (state and any(k.states[state].is_final for k in desk.kinds.values() if state in k.states))
        else True
    )
    waiting = desk.queue(states=(state,) if state else (), unit=unit, officer=officer, is_open=is_open)
    if query:
        waiting = desk.search(waiting, query)
    if region:
        waiting = [one for one in waiting if lies_in(visit, one.case, region)]
    chosen = _find_chosen(visit, desk, waiting)
    shown, cut = cut_page(visit, waiting, _PAGE)
    snippets = desk.read_texts([one.case for one in shown], ("text",))
    is_cut = bool(state or unit or officer or query or region)
    everything = desk.queue() if is_cut else waiting
    here = chosen.case.no if chosen else 0
    return DutyPage(
        service=service,
        opening=_opening(desk, everything, len(waiting) if is_cut else None),
        trail=(Crumb(catalogue["duty.title"], "/duty"), Crumb(desk.service.title, f"/duty/{service}")),
        queue=tuple(make_item(visit, desk, one, snippets[one.case.no], here, now) for one in shown),
        total=len(waiting),
        first=cut["first"],
        before=cut["before"],
        after=cut["after"],
        case=make_case(visit, desk, chosen, now) if chosen else None,
        query=query,
        states=_states(desk, state),
        units=_options(
            sorted({one.case.unit for one in everything if one.case.unit}), unit, "duty.all_units", desk.unit_title
        ),
        officers=_options(
            sorted({one.case.officer for one in everything if one.case.officer}), officer, "duty.all_officers"
        ),
        bulk=_bulk(desk, waiting),
        token=make_token(),
        now=now.isoformat(),
        seq=seq,
        notices=(*notices, *_done_notice(visit)),
        ways=tuple(_ways(desk)),
        downloads=downloads_of("/api/cases", service=service, **({"state": state} if state else {}))
        if desk.reader.is_signed_in
        else (),
        rules=_rules(desk),
        made_up=sum(bool(one.case.fields.get("is_made_up")) for one in everything),
        map=make_duty_map(visit, everything, region),
        region=region[:20],
        everywhere=visit.link(region=None, case=None, done=None) if region else "",
    )


def _find_chosen(visit: Visit, desk: Desk, waiting: Sequence[Waiting]) -> Waiting | None:
    asked = visit.get("case")
    if not asked:
        return waiting[0] if waiting else None
    if not (asked.isascii() and asked.isdigit() and len(asked) < 12):
        raise NotKnown(
            Finding("desk.case", visit.path, asked[:60], "a number", words().fill("duty.no_case", asked=asked[:40]))
        )
    return desk.get(int(asked))


def _opening(desk: Desk, waiting: Sequence[Waiting], found: int | None) -> Opening:
    catalogue, now = words(), desk.now
    late = sum(1 for one in waiting if (c := one.next_clock) is not None and c.due is not None and c.due < now)
    pressing = sum(one.case.priority >= DANGER for one in waiting)
    first = (
        f"{desk.service.title.zh} · {catalogue['duty.title'].zh}",
        f"{desk.service.title.en} · {catalogue['duty.title'].en}",
    )
    if not waiting:
        sentence = catalogue["duty.nothing"]
    elif pressing:
        sentence = catalogue.fill("duty.sentence_pressing", all=len(waiting), pressing=pressing, late=late)
    else:
        sentence = catalogue.fill("duty.sentence", all=len(waiting), late=late)
    lead = (Span(catalogue.fill("duty.found", found=found)),) if found is not None else ()
    return Opening(Text(*first), sentence, lead)


def _states(desk: Desk, chosen: str) -> tuple[Option, ...]:
    counted = desk.count()
    options = [Option("", words()["duty.all_states"], not chosen)]
    for name, state in desk.kind.states.items():
        number = f" {counted[name]}" if name in counted else ""
        options.append(Option(name, Text(state.title.zh + number, state.title.en + number), name == chosen))
    return tuple(options)


def _options(values: Sequence[str], chosen: str, all_key: str, title: Any = Text.same) -> tuple[Option, ...]:
    found = [Option("", words()[all_key], not chosen)]
    return tuple(found + [Option(value, title(value), value == chosen) for value in values])


def _bulk(desk: Desk, waiting: Sequence[Waiting]) -> tuple[MoveView, ...]:
    """Moves that several of the shown cases may make at once; none that says no to a person."""
    if not desk.may_move:
        return ()
    found: dict[str, MoveView] = {}
    for one in waiting[:_PAGE]:
        for move in desk.list_moves(one.case):
            is_for_many = not (move.refuses or move.ends_other or "reply" in move.needs or "note" in move.needs)
            if is_for_many and move.name not in found:
                found[move.name] = make_move(desk, one.case, move)
    return tuple(found.values())


def _done_notice(visit: Visit) -> list[Notice]:
    done = visit.get("done")
    if not done.isdigit():
        return []
    return [Notice(words().fill("duty.done_many" if int(done) > 1 else "duty.done", number=done), tone="good")]


def _ways(desk: Desk) -> list[Card]:
    catalogue, name = words(), desk.service.id
    ways = [Card(catalogue["duty.mine"], f"/duty/{name}?officer={desk.reader.account}")]
    extra = getattr(desk.words, "list_ways", None)
    if extra is not None:
        ways += [Card(title, href) for title, href in extra()]
    ways.append(Card(desk.service.title, f"/service/{name}"))
    return ways


def _rules(desk: Desk) -> tuple[Text, ...]:
    """What the service says of the rules that the clocks run by."""
    tell = getattr(desk.words, "tell_rules", None)
    return tuple(tell(desk.pack)) if tell is not None else ()


def _go(address: str) -> Response[str]:
    return Response("", status_code=303, headers={"Location": address})


async def read_fields(request: AnyRequest) -> dict[str, list[str]]:
    """The fields of a small form."""
    body = (await request.body())[:_LONGEST_FORM].decode("utf-8", "replace")
    return parse_qs(body, keep_blank_values=True)


async def read_last(request: AnyRequest) -> dict[str, str]:
    """The fields of a small form, of each the last that was sent."""
    return {name: values[-1] for name, values in (await read_fields(request)).items()}


def make_duty_handlers(city: City, closing: Closing) -> list[HTTPRouteHandler]:
    """The routes of all desks."""

    @get("/duty", include_in_schema=False, sync_to_thread=True)
    def show_desks(visit: NamedDependency[Visit]) -> Response[str]:
        """All desks of the reader."""
        catalogue = words()
        desks = list_desks(visit.city, visit.reader)
        cards = []
        for desk in desks:
            number = sum(desk.count().values())
            cards.append(
                Card(desk.service.title, f"/duty/{desk.service.id}", catalogue.fill("duty.waiting", number=number))
            )
        sentence = catalogue["duty.desks" if cards else "duty.no_desks"]
        return visit.answer(
            "desks.html", "duty", page=DesksPage(Opening(catalogue["duty.title"], sentence), tuple(cards))
        )

    @get("/duty/{service:str}", include_in_schema=False, sync_to_thread=True)
    def show_duty(visit: NamedDependency[Visit], service: FromPath[str]) -> Response[str]:
        """One desk."""
        return visit.answer("duty.html", "duty", page=make_duty_page(visit, service))

    @get("/duty/{service:str}/live", include_in_schema=False, opt={AS_IT_LIES: True})
    async def hear(visit: NamedDependency[Visit], service: FromPath[str]) -> Stream:
        """Server-sent events: which cases moved."""
        desk = await sync_to_thread(Desk, city, service, visit.reader)
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}

        async def said() -> AsyncIterator[bytes]:
            async for one in stream(city, desk, closing):
                yield one

        return Stream(said(), media_type="text/event-stream", headers=headers)

    @post("/duty/{service:str}/move", include_in_schema=False, status_code=200)
    async def move(request: AnyRequest, visit: NamedDependency[Visit], service: FromPath[str]) -> Response[str]:
        """Make one move, or the same for all cases that were picked."""
        check_origin(request)
        form = await read_fields(request)
        return await sync_to_thread(_move, visit, service, form)

    return [show_desks, show_duty, hear, move]


def _move(visit: Visit, service: str, form: Mapping[str, list[str]]) -> Response[str]:
    desk = Desk(visit.city, service, visit.reader)
    said = {name: values[-1] for name, values in form.items()}
    token, back = said.get("token", "")[:40] or make_token(), said.get("back", "")
    picked = form.get("pick", [])[:_MOST_BULK] or [f"{said.get('case', '')}@{said.get('seen', '')}"]
    done, notices = 0, []
    for one in picked:
        case, _, seen = one.partition("@")
        waiting = desk.get(int(case) if case.isdigit() and len(case) < 12 else case[:120])
        body = read_form(desk, {**said, "case": waiting.case.id, "seen": seen})
        taken = act(desk, f"{token}:{waiting.case.no}" if len(picked) > 1 else token, body)
        if taken.is_good:
            done += 1
        notices += [
            Notice(f.message, f"{words()['duty.case'].of(visit.language)} {waiting.case.no}", "bad")
            for f in taken.findings
        ]
    if notices:
        if done:
            notices.insert(0, Notice(words().fill("duty.done_many", number=done), tone="good"))
        return visit.answer(
            "duty.html", "duty", status=200 if done else 422, page=make_duty_page(visit, service, notices)
        )
    case = f"&case={said['case']}" if said.get("case", "").isdigit() else ""
    kept = back if back.startswith("?") and len(back) < 400 and "\n" not in back and "\r" not in back else "?"
    return _go(f"/duty/{service}{kept}{case}&done={done}".replace("?&", "?"))
