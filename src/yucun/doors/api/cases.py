"""Cases and events over HTTP: queues as tables, one case, a move on the version that was seen, an event of any kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from yucun.base.errors import AccessError, Finding, Yours
from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import FORMS, Asked, Done, Operation, Parameter, Sheet
from yucun.doors.api.flat import flatten_shapes
from yucun.doors.api.numbers import about
from yucun.doors.api.paging import address_of_next, make_cursor, offset_of
from yucun.doors.api.text_shapes import Words, words
from yucun.doors.desk.acting import PATIENCE_S, make_token, move_event, read_form
from yucun.doors.desk.sight import Desk, Seen, Waiting
from yucun.kernel.access.model import Allowed
from yucun.kernel.books.reading import Question
from yucun.kernel.cases import Actor, Cases
from yucun.kernel.engine import Event, Taken, Turn

if TYPE_CHECKING:
    from yucun.city import City

SHELF = "cases"
_MOST = 10_000
# Digits of the number of a case.
_MOST_DIGITS = 13
# From the body of an event to the body that is judged and taken; by kind.
Preparer = Callable[[Mapping[str, Any]], dict[str, Any]]


class ClockShape(msgspec.Struct):
    """A clock of a case."""

    name: str
    title: Words
    state: str
    started: datetime
    due: datetime | None
    limit: Words
    is_provisional: bool
    extensions: int


class CaseShape(msgspec.Struct):
    """A case as it stands; what is private is not in it."""

    no: int
    id: str
    kind: str
    title: Words
    state: str
    state_title: Words
    version: int
    region: str
    unit: str
    unit_title: Words
    officer: str
    priority: int
    subject: str
    outcome: str
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    due: datetime | None
    clocks: list[ClockShape]


class CasesShape(msgspec.Struct):
    """A page of a queue."""

    cases: list[CaseShape]
    next: str | None


class DoneShape(msgspec.Struct):
    """One step of a case."""

    version: int
    at: datetime
    move: str
    origin: str
    to: str
    by: str
    reason: str
    seq: int


class TextShape(msgspec.Struct):
    """A private text, or why it is not shown."""

    name: str
    text: str | None
    refused: Words | None


class CaseWholeShape(msgspec.Struct):
    """A case with its fields, private texts as far as the reader may see them, its history, and what can be done."""

    case: CaseShape
    fields: dict[str, str | int | bool | None]
    texts: list[TextShape]
    history: list[DoneShape]
    moves: list[str]


class MovedShape(msgspec.Struct):
    """A case after a move: where it stands now and what can be done next. Nothing private is read for it."""

    case: CaseShape
    moves: list[str]
    status: str


class MoveSaid(msgspec.Struct, forbid_unknown_fields=True):
    """A wish to move a case: which move, the version that was seen, and what the move needs.

    A token makes it one wish however often it is sent.
    """

    move: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,39}$")]
    seen: int | None = None
    token: str = ""
    values: dict[str, str | int | bool] = {}


class EventSaid(msgspec.Struct, forbid_unknown_fields=True):
    """An event: its own key, its kind (``service.name``), and what its contract asks for."""

    key: str
    kind: str
    body: dict[str, str | int | float | bool | None]


class TakenShape(msgspec.Struct):
    """What became of an event."""

    key: str
    status: str
    seq: int
    cases: list[str]


def list_operations(city: City) -> list[Operation]:
    """All operations about cases and events; none where nothing acts."""
    services = sorted({name.partition(".")[0] for name in city.work.cases.kinds})
    if not services:
        return []
    service = ask.choose_code("service", Text("哪个服务的事项", "whose cases"), services, required=True)
    number = Parameter(
        "case",
        "path",
        Text("事项号", "number of the case"),
        {"type": "integer", "minimum": 1, "maximum": 10**12},
        example=1,
        required=True,
    )
    filters = (
        service,
        ask.choose_words("state", Text("状态", "state"), example="held"),
        ask.choose_words("unit", Text("承办单位", "unit"), example="housing"),
        ask.choose_words("officer", Text("经办人", "officer"), example="duty_officer"),
        ask.choose_code("open", Text("true 只看未办结的", "true: only those not closed"), ("true", "false")),
    )
    page = (ask.choose_limit(), ask.choose_cursor(), ask.choose_form())
    signed: dict[str, Any] = {"security": "signed"}
    return [
        Operation("listCases", "GET", "/api/cases", SHELF, Text("事项队列，最急的在前", "A queue of cases, the most pressing first"),
                  list_cases, CasesShape, parameters=(*filters, *page), forms=FORMS, problems=(404,), **signed),
        Operation("getCase", "GET", "/api/cases/{case}", SHELF, Text("一件事项", "One case"), get_case, CaseWholeShape,
                  Text("看到的个人内容会记入访问记录。", "Private texts that are shown are noted in the trail."),
                  (number, service), **signed),
        Operation("moveCase", "POST", "/api/cases/{case}/moves", SHELF, Text("办理一步", "Move a case"), move_case, MovedShape,
                  Text("`seen` 是您所见的版本；已有人动过就拒绝，不会覆盖。",
                       "`seen` is the version that you saw; if somebody moved the case since, this is refused."),
                  (number, service), body=MoveSaid, problems=(422,), in_turn=_ask_of_case, **signed),
        Operation("postEvent", "POST", "/api/events", SHELF, Text("报一个事件", "Post an event"), post_event, TakenShape,
                  Text("同一 `key` 再报，答复第一次的结果（200）。",
                       "The same `key` again is answered with what became of it the first time (200)."),
                  statuses=(201, 200), body=EventSaid, problems=(422,), waits=True, **signed),
    ]  # fmt: skip


def list_cases(asked: Asked) -> Sheet:
    """A queue, the most pressing first."""
    desk = Desk(asked.city, asked.get("service"), asked.reader)
    is_open = {"true": True, "false": False}.get(asked.get("open") or "")
    state = asked.get("state")
    found = desk.queue(
        states=(state,) if state else (),
        unit=asked.get("unit") or "",
        officer=asked.get("officer") or "",
        is_open=is_open,
    )
    start, limit = offset_of(asked), asked.get("limit") or (100 if asked.form == "json" else _MOST)
    shapes = [_shape(desk, one) for one in found[start : start + limit]]
    cursor = make_cursor(asked, start + limit) if len(found) > start + limit else None
    return Sheet(
        f"cases-{desk.service.id}",
        lambda: flatten_shapes([_flat(s, asked) for s in shapes], FlatCase),
        lambda: CasesShape(shapes, cursor),
        about(asked),
        next_page=address_of_next(asked, cursor),
    )


class FlatCase(msgspec.Struct):
    """A case as a row of a file."""

    no: int
    id: str
    title: str
    state: str
    region: str
    unit: str
    officer: str
    opened_at: str
    due: str
    closed_at: str
    outcome: str


def _flat(s: CaseShape, asked: Asked) -> FlatCase:
    said = asked.language
    opened, due, closed = (at.isoformat(timespec="seconds") if at else "" for at in (s.opened_at, s.due, s.closed_at))
    title, state, unit = (getattr(w, said) for w in (s.title, s.state_title, s.unit_title))
    return FlatCase(s.no, s.id, title, state, s.region, unit, s.officer, opened, due, closed, s.outcome)


def _shape(desk: Desk, one: Waiting) -> CaseShape:
    case, kind = one.case, desk.kinds[one.case.kind]
    nearest = one.next_clock
    return CaseShape(
        case.no, case.id, case.kind, words(desk.title(case)), case.state, words(kind.states[case.state].title), case.version,
        case.region, case.unit, words(desk.unit_title(case.unit)), case.officer, case.priority, case.subject, case.outcome,
        case.opened_at, case.changed_at, case.closed_at, nearest.due if nearest else None,
        [
            ClockShape(
                c.name, words(kind.clocks[c.name].title), c.state, c.started, c.due, words(c.limit.title), c.is_provisional, c.extensions
            )
            for c in one.clocks.values()
        ],
    )  # fmt: skip


def get_case(asked: Asked) -> Done:
    """One case in full."""
    desk = Desk(asked.city, asked.get("service"), asked.reader)
    return Done(_whole(desk, desk.get(asked.get("case"))))


def _whole(desk: Desk, one: Waiting) -> CaseWholeShape:
    case = one.case
    private = {name for name, field in desk.kinds[case.kind].fields.items() if field.kind == "private"}
    seen: Mapping[str, Seen] = desk.read_texts([case])[case.no]
    return CaseWholeShape(
        _shape(desk, one),
        {name: value for name, value in case.fields.items() if name not in private},
        [TextShape(name, s.text or None, words(s.refused) if s.refused else None) for name, s in seen.items()],
        [
            DoneShape(
                m.version,
                m.at,
                m.move,
                m.origin,
                m.to,
                m.by,
                "" if m.reason.startswith("private:") else m.reason,
                m.seq,
            )
            for m in desk.history(case)
        ],
        [move.name for move in desk.list_moves(case)],
    )


def _ask_of_case(path: Mapping[str, str]) -> list[Question]:
    number = path.get("case", "")
    return [Cases.question(int(number))] if number.isdecimal() and len(number) <= _MOST_DIGITS else []


def move_case(asked: Asked) -> Turn[Done]:
    """Move a case on the version that was seen."""
    said: MoveSaid = asked.body
    desk = Desk(asked.city, asked.get("service"), asked.reader)
    case = desk.find(asked.get("case"))
    token = f"api-{asked.reader.account}-{said.token}" if said.token else make_token()
    form = {name: str(value) for name, value in said.values.items()}
    body = read_form(desk, {**form, "case": case.id, "move": said.move})
    if said.seen is not None:
        body["seen"] = said.seen
    taken = yield move_event(desk.service.id, token, body, desk.actor)
    _refuse_bad(taken)
    after = taken.after.get(case.id)
    now = desk.wait(after.case, after.clocks) if after is not None else desk.get(case.no)
    return Done(MovedShape(_shape(desk, now), [move.name for move in desk.list_moves(now.case)], taken.status))


def post_event(asked: Asked) -> Done:
    """Take an event from whoever may send its kind."""
    said: EventSaid = asked.body
    _require(asked, said.kind)
    prepare = _find_preparer(asked.city, said.kind)
    body = prepare(said.body) if prepare is not None else dict(said.body)
    event = Event(said.key[:200], said.kind[:120], body, Actor(asked.reader.account, asked.reader.roles))
    taken = asked.city.submit(event).result(PATIENCE_S)
    _refuse_bad(taken)
    shape = TakenShape(taken.key, taken.status, taken.seq, list(taken.cases))
    return Done(shape, 200 if taken.status == "already" else 201)


def _require(asked: Asked, kind: str) -> None:
    """Whoever may load a table may post its events; whoever works at a desk may move its cases."""
    service, _, name = kind.partition(".")
    if isinstance(asked.city.may_do(asked.reader, "load", kind), Allowed):
        return
    if name == "moved":
        Desk(asked.city, service, asked.reader)
        return
    raise AccessError(Finding("api.event", "kind", kind[:60], "the verb load", Text(
        f"您的岗位不能报送「{kind[:60]}」", f"your post may not send '{kind[:60]}'")))  # fmt: skip


def _find_preparer(city: City, kind: str) -> Preparer | None:
    """What judges an event's body before it is taken; a body that says its own codes keeps them."""
    if kind != "hotline.arrived" or "hotline" not in city.work.engine.services:
        return None
    from yucun.doors.hotline.judging import judging_of  # noqa: PLC0415 - it goes with its service

    def prepare(body: Mapping[str, Any]) -> dict[str, Any]:
        text = body.get("text")
        judged = judging_of(city).judge(text, str(body.get("address") or "")) if isinstance(text, str) else {}
        return {**judged, **body} if "subject" not in body else dict(body)

    return prepare


def _refuse_bad(taken: Taken) -> None:
    if not taken.is_good:
        raise Yours(taken.findings)
