"""Data requests over HTTP: ask, decide, end, list; and who looked at a person's data."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import Asked, Done, Operation, Parameter
from yucun.doors.api.text_shapes import Words, words
from yucun.kernel.access import STATE_TITLES, Wish

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.access import DataRequest, Look

SHELF = "requests"
# No control characters, nor halves of a character: what a journal keeps must be text.
_CLEAN = r"^[^\x00-\x1f\x7f\ud800-\udfff]*$"
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.]{0,119}$")]
_Region = Annotated[str, msgspec.Meta(pattern=ask.REGION)]
_Words = Annotated[str, msgspec.Meta(max_length=500, pattern=_CLEAN)]
_Short = Annotated[str, msgspec.Meta(max_length=200, pattern=_CLEAN)]
Step = Literal["send", "grant", "refuse", "withdraw", "revoke"]


class NewRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody asks for; without regions the whole city, without ``since`` from today, sent unless a draft."""

    table: _Name
    fields: Annotated[list[_Name], msgspec.Meta(max_length=200)]
    purpose: _Words
    basis: _Words
    until: date
    since: date | None = None
    regions: Annotated[list[_Region], msgspec.Meta(max_length=200)] = []
    where: dict[_Name, _Short] = {}
    draft: bool = False


class NextStep(msgspec.Struct, forbid_unknown_fields=True):
    """Why, and for a grant the fields and the last day if they are fewer or earlier than asked."""

    why: _Words = ""
    fields: Annotated[list[_Name], msgspec.Meta(max_length=200)] = []
    until: date | None = None


class RequestShape(msgspec.Struct):
    """A data request and what became of it; ``read_under`` is the purpose that it opens."""

    number: int
    state: str
    state_title: Words
    by: str
    table: str
    fields: list[str]
    regions: list[str]
    where: dict[str, str]
    purpose: str
    basis: str
    since: date
    until: date
    level: str
    asked_on: date | None
    decided_by: str
    decided_on: date | None
    reasons: str
    ended_by: str
    why_ended: str
    read_under: str
    may_decide: bool


class RequestsShape(msgspec.Struct):
    """Data requests, newest first."""

    requests: list[RequestShape]


class LookShape(msgspec.Struct):
    """Looks of one account at one thing under one purpose, as one batch of the trail holds them."""

    batch: int
    first_at: str
    last_at: str
    account: str
    verb: str
    purpose: str
    what: str
    fields: list[str]
    region: str
    looks: int
    shown: int


class LooksShape(msgspec.Struct):
    """Who looked, newest first."""

    looks: list[LookShape]


def list_operations(city: City) -> list[Operation]:
    """All operations about data requests and the trail."""
    return [*_of_requests(), _of_looks(city)]


def _of_requests() -> list[Operation]:
    whole = {"type": "integer", "minimum": 1, "maximum": 10**12}
    number = Parameter("number", "path", Text("申请编号", "number of the request"), whole, example=1, required=True)
    step = ask.choose_code(
        "step", Text("下一步", "what to do"), ["send", "grant", "refuse", "withdraw", "revoke"], "path", required=True
    )
    return [
        Operation(
            "listRequests",
            "GET",
            "/api/requests",
            SHELF,
            Text("数据申请：我提出的和我可决定的", "Data requests: those I asked and those I may decide"),
            list_requests,
            RequestsShape,
            security="signed",
        ),
        Operation(
            "makeRequest",
            "POST",
            "/api/requests",
            SHELF,
            Text("申请读取一张表的若干字段", "Ask to read some fields of a table"),
            make_request,
            RequestShape,
            Text("同意后，以 read_under 为目的读取。", "Once granted, read with `read_under` as the purpose."),
            statuses=(201,),
            problems=(403, 404, 422),
            body=NewRequest,
            security="signed",
        ),
        Operation(
            "getRequest",
            "GET",
            "/api/requests/{number}",
            SHELF,
            Text("一份数据申请", "One data request"),
            get_request,
            RequestShape,
            parameters=(number,),
            problems=(404,),
            security="signed",
        ),
        Operation(
            "moveRequest",
            "POST",
            "/api/requests/{number}/{step}",
            SHELF,
            Text("提出、同意、不同意、撤回、收回", "Send, grant, refuse, withdraw or take back"),
            move_request,
            RequestShape,
            Text("不能决定自己的申请。", "Nobody decides about a request of their own."),
            (number, step),
            problems=(403, 404, 422),
            body=NextStep,
            security="signed",
        ),
    ]


def _of_looks(city: City) -> Operation:
    person = Parameter(
        "person",
        "query",
        Text("人员编号；不写为本账号看过什么", "id of a person; without it, what this account looked at"),
        {"type": "string", "pattern": "^P[0-9A-Z]{6,30}$"},
        example="P000001",
    )
    home = ask.choose_region(
        city,
        "home",
        required=False,
        meaning=Text("此人所在地区，用于列出整批查看", "where the person lives, to list looks at whole sets there"),
    )
    return Operation(
        "listLooks",
        "GET",
        "/api/looks",
        SHELF,
        Text("谁看过我的数据", "Who looked at my data"),
        list_looks,
        LooksShape,
        Text("供本人和审计员查看。", "For the person concerned and for auditors."),
        (person, home),
        problems=(403, 404),
        security="signed",
    )


def list_requests(asked: Asked) -> Done:
    """Those that the reader may see."""
    return Done(RequestsShape([_shape(asked, r) for r in asked.city.requests.list_all(by=asked.reader)]))


def get_request(asked: Asked) -> Done:
    """One of them."""
    return Done(_shape(asked, asked.city.requests.get(asked.get("number"), by=asked.reader)))


def make_request(asked: Asked) -> Done:
    """Write one down, and send it unless it is a draft."""
    said: NewRequest = asked.body
    city, reader = asked.city, asked.reader
    regions = tuple(city.regions.get(RegionCode.parse(r)).code for r in said.regions) or (city.place.region,)
    since = said.since or city.clock.today()
    wish = Wish(
        said.table, tuple(dict.fromkeys(said.fields)), regions, said.purpose, said.basis, since, said.until, said.where
    )
    made = city.requests.draft(wish, by=reader)
    if not said.draft:
        made = city.requests.ask(made.number, by=reader)
    return Done(_shape(asked, made), 201)


def move_request(asked: Asked) -> Done:
    """Do the next step."""
    said: NextStep = asked.body
    requests, number, by = asked.city.requests, asked.get("number"), asked.reader
    step: Step = asked.get("step")
    match step:
        case "send":
            done = requests.ask(number, by=by)
        case "grant":
            done = requests.grant(number, by=by, why=said.why, fields=said.fields, until=said.until)
        case "refuse":
            done = requests.refuse(number, by=by, why=said.why)
        case "withdraw":
            done = requests.withdraw(number, by=by, why=said.why)
        case "revoke":
            done = requests.revoke(number, by=by, why=said.why)
    return Done(_shape(asked, done))


def list_looks(asked: Asked) -> Done:
    """Who looked at a person's data, or what this account looked at."""
    city, person = asked.city, asked.get("person")
    if person is None:
        looks = city.trail.list_of_account(asked.reader.account, by=asked.reader)
    else:
        looks = city.looks_at(person, by=asked.reader, home=asked.get("home"))
    return Done(LooksShape([_look(one) for one in looks]))


def _shape(asked: Asked, request: DataRequest) -> RequestShape:
    wish = request.wish
    return RequestShape(
        request.number,
        request.state,
        words(STATE_TITLES[request.state]),
        request.by,
        wish.table,
        list(wish.fields),
        [str(r) for r in wish.regions],
        dict(wish.where),
        wish.purpose,
        wish.basis,
        wish.since,
        wish.until,
        request.level,
        request.asked_on,
        request.decided_by,
        request.decided_on,
        request.reasons,
        request.ended_by,
        request.why_ended,
        request.purpose_name,
        asked.city.requests.may_decide(request, asked.reader),
    )


def _look(look: Look) -> LookShape:
    fields = look.fields.split(",") if look.fields else []
    return LookShape(
        look.batch,
        look.first_at,
        look.last_at,
        look.account,
        look.verb,
        look.purpose,
        look.what,
        fields,
        look.region,
        look.looks,
        look.shown,
    )
