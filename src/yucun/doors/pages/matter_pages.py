"""A citizen's own matters: writing to 12345, following a matter, asking again, and seeing who looked at the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import PATIENCE_S, make_token, move_event
from yucun.doors.desk.sight import find_pending
from yucun.doors.hotline.codes import caller_of_account, check_code, fits_code
from yucun.doors.hotline.judging import KIND, Judging
from yucun.doors.hotline.taking import Sent, take_message
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.duty_case import count_clock, instant_of
from yucun.doors.pages.duty_pages import read_last
from yucun.doors.pages.duty_views import Counting
from yucun.doors.pages.hotline_views import MattersPage, MatterView
from yucun.doors.pages.valued import minute_of
from yucun.doors.pages.views import EMPTY, Column, Entry, Notice, Opening, Row, Table
from yucun.doors.pages.visit import AnyRequest, Visit, check_origin
from yucun.kernel.cases import Actor, Case, CaseKind, Clock
from yucun.kernel.engine.private import read_private
from yucun.services.hotline.pages.desk import title_case, title_unit

_FIELDS = ("text", "address", "phone", "person")
_MOST = 50


def list_matters(visit: Visit) -> list[Case]:
    """Matters of whoever is signed in, newest first."""
    if not visit.reader.is_signed_in or KIND not in visit.city.work.cases.kinds:
        return []
    caller = caller_of_account(visit.city, visit.reader.account, visit.reader.person)
    with visit.city.books.read() as tx:
        return visit.city.work.cases.list_cases(tx, KIND, subject=caller, limit=_MOST, newest_first=True)


def make_matter(visit: Visit, case: Case, *, code: str = "") -> MatterView:
    """A matter as its own caller sees it: their words, the answer, every step, every look."""
    city = visit.city
    kind = city.work.cases.kinds[KIND]
    with city.books.read() as tx:
        clocks = city.work.cases.clocks(tx, case)
        history = city.work.cases.history(tx, case)
        marks = {str(case.fields[name]) for name in ("text", "reply") if name in case.fields}
        texts = read_private(tx, marks)
    clock = clocks.get("reply")
    catalogue = words()
    pack = city.work.engine.services["hotline"].pack
    steps = tuple(
        Row((Entry(instant_of(m.at)), Entry(_move_title(kind, m.move)), Entry(kind.states[m.to].title)))
        for m in reversed(history)
        # Notes and hand-overs among officers are theirs; that somebody looked is said below.
        if m.move not in ("add_note", "take", "hand_over", "urge")
    )
    columns = tuple(Column(catalogue[f"duty.history_{key}"]) for key in ("at", "move", "to"))
    open_moves = {m.name for m in kind.list_moves(case.state) if "citizen" in m.by}
    return MatterView(
        number=case.id.partition(":")[2],
        title=title_case(case, kind),
        state=kind.states[case.state].title,
        opened=instant_of(case.opened_at),
        unit=title_unit(case.unit, pack, city.regions) if case.unit else EMPTY,
        clock=_count(kind, case, clock, city) if clock is not None else None,
        text=texts.get(str(case.fields.get("text")), ""),
        reply=texts.get(str(case.fields.get("reply")), ""),
        steps=Table(EMPTY, columns, steps, len(steps), name=f"steps-{case.no}"),
        looked=_looked(city, case),
        token=make_token(),
        version=case.version,
        may_remind="remind" in open_moves,
        may_reopen="reopen" in open_moves,
        code=code,
    )


def _count(kind: CaseKind, case: Case, clock: Clock, city: City) -> Counting:
    is_pending = clock.name in find_pending(kind, case.state)
    return count_clock(kind, clock, city.clock.now(), is_pending=is_pending)


def _move_title(kind: CaseKind, move: str) -> Text:
    return kind.moves[move].title if move in kind.moves else words()["duty.opened_move"]


def _looked(city: City, case: Case) -> Table:
    """Who looked at the words of a matter, under which purpose and how often."""
    catalogue = words()
    columns = tuple(Column(catalogue[f"my.{key}"]) for key in ("when", "who", "purpose", "times"))
    purposes = city.rules.purposes
    rows = []
    for look in city.trail.list_of_thing(f"case {case.id}"):
        purpose = purposes[look.purpose].title if look.purpose in purposes else Text.same(look.purpose or "—")
        said = (Text.same(minute_of(look.last_at)), Text.same(look.account), purpose, Text.same(str(look.looks)))
        rows.append(Row(tuple(Entry(text) for text in said)))
    return Table(EMPTY, columns, tuple(rows), len(rows), name=f"looked-{case.no}", empty=catalogue["matter.not_looked"])


def make_matters_page(
    visit: Visit,
    cases: Sequence[Case] = (),
    *,
    said: Mapping[str, str] | None = None,
    notices: Sequence[Notice] = (),
    is_form: bool = False,
    receipt: tuple[Text, ...] = (),
    code: str = "",
) -> MattersPage:
    """A page of matters, with the form to write when it is asked for."""
    catalogue, said = words(), said or {}
    sentence = catalogue["matter.write" if is_form else "matter.follow"]
    return MattersPage(
        Opening(catalogue["matter.kicker"], sentence),
        tuple(make_matter(visit, case, code=code) for case in cases),
        tuple(notices),
        is_form,
        said.get("token") or make_token(),
        {name: said.get(name, "") for name in (*_FIELDS, "number", "code")},
        receipt,
    )


def make_matter_handlers(judging: Judging) -> list[HTTPRouteHandler]:
    """The routes of a citizen."""

    @get("/my/new", include_in_schema=False, sync_to_thread=True)
    def show_new(visit: NamedDependency[Visit]) -> Response[str]:
        """The form to write."""
        return visit.answer("matter.html", "", page=make_matters_page(visit, is_form=True))

    @post("/my/new", include_in_schema=False, status_code=200)
    async def send_new(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """Take a message from the web."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_send, visit, judging, said)

    @get("/my/matter", include_in_schema=False, sync_to_thread=True)
    def show_matter(visit: NamedDependency[Visit]) -> Response[str]:
        """The form that opens a matter by its number and code."""
        return visit.answer("matter.html", "", page=make_matters_page(visit))

    @post("/my/matter", include_in_schema=False, status_code=200)
    async def open_matter(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """Open a matter, ask after it, or ask that it be taken up again."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_open, visit, said)

    return [show_new, send_new, show_matter, open_matter]


def _send(visit: Visit, judging: Judging, said: Mapping[str, str]) -> Response[str]:
    text = said.get("text", "").strip()
    catalogue = words()
    if not text:
        page = make_matters_page(
            visit, said=said, notices=[Notice(catalogue["call.no_text"], tone="bad")], is_form=True
        )
        return visit.answer("matter.html", "", status=422, page=page)
    reader = visit.reader
    caller = caller_of_account(visit.city, reader.account, reader.person) if reader.is_signed_in else ""
    by = Actor(reader.account or "open", frozenset({"citizen"}))
    sent = Sent(
        "web", text, said.get("token", "")[:40] or make_token(), said.get("address", "").strip(), said.get("phone", "").strip(),
        said.get("person", "").strip(), caller=caller, by=by,
    )  # fmt: skip
    receipt = take_message(judging, sent)
    if not receipt.taken.is_good:
        notices = [Notice(f.message, f.key, "bad") for f in receipt.taken.findings]
        page = make_matters_page(visit, said=said, notices=notices, is_form=True)
        return visit.answer("matter.html", "", status=422, page=page)
    with visit.city.books.read() as tx:
        case = visit.city.work.cases.get(tx, receipt.case)
    told = (
        catalogue.fill("matter.receipt", number=receipt.message, code=receipt.code),
        catalogue["matter.danger" if receipt.judged.get("urgency") == "danger" else "matter.keep"],
    )
    page = make_matters_page(visit, [case], receipt=told, code=receipt.code)
    return visit.answer("matter.html", "", status=201, page=page)


def _open(visit: Visit, said: Mapping[str, str]) -> Response[str]:
    city, catalogue = visit.city, words()
    case_id = f"hotline:{said.get('number', '').strip()[:80]}"
    with city.books.read() as tx:
        case = city.work.cases.find(tx, case_id)
    own = (
        case is not None
        and visit.reader.is_signed_in
        and case.subject == caller_of_account(city, visit.reader.account, visit.reader.person)
    )
    if case is None or not (own or fits_code(city, case.id, said.get("code", "")[:20])):
        # Whether the number or the code was wrong is not said: neither can be tried out.
        page = make_matters_page(visit, said=said, notices=[Notice(catalogue["matter.not_found"], tone="bad")])
        return visit.answer("matter.html", "", status=404, page=page)
    notices: list[Notice] = []
    if said.get("move") in ("remind", "reopen"):
        body = {"case": case.id, "move": said["move"], "reason": said.get("reason", "").strip()[:400]}
        if said.get("seen", "").isdigit():
            body["seen"] = int(said["seen"])  # type: ignore[assignment]
        by = Actor(visit.reader.account or "open", frozenset({"citizen"}))
        event = move_event("hotline", said.get("token", "")[:40] or make_token(), body, by)
        taken = city.submit(event).result(PATIENCE_S)
        notices = [Notice(f.message, tone="bad") for f in taken.findings] or [
            Notice(catalogue["matter.told"], tone="good")
        ]
        with city.books.read() as tx:
            case = city.work.cases.get(tx, case.id)
    page = make_matters_page(visit, [case], notices=notices, code=check_code(city, case.id))
    return visit.answer("matter.html", "", page=page)
