"""Data requests as pages: asking for fields of a table, deciding with reasons, seeing what became of each; and who looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import AccessError, Finding, Yours
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.valued import minute_of, region_name
from yucun.doors.pages.views import EMPTY, Column, Crumb, Entry, Notice, Opening, Option, Row, Table
from yucun.doors.pages.visit import AnyRequest, Visit, check_origin
from yucun.kernel.access import STATE_TITLES, DataRequest, Look, Wish
from yucun.kernel.access.levels import whom_to_ask
from yucun.kernel.lake.contract import Contract

_LONGEST_FORM = 32_768
_MOST_LOOKS = 200
_LEVELS = ("L2", "L3")


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """A field that may be asked for."""

    name: str
    title: Text
    level: Text
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class AskForm:
    """The form of a new request, with what was typed before where it came back."""

    tables: tuple[Option, ...]
    table: str = ""
    owner: Text = EMPTY
    fields: tuple[FieldChoice, ...] = ()
    regions: tuple[Option, ...] = ()
    purpose: str = ""
    basis: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class RequestsPage:
    """All requests of a reader, and the form for another."""

    opening: Opening
    notices: tuple[Notice, ...]
    requests: Table
    form: AskForm
    is_signed_in: bool


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request, and the steps that this reader may take."""

    opening: Opening
    trail: tuple[Crumb, ...]
    notices: tuple[Notice, ...]
    facts: tuple[tuple[Text, Text], ...]
    address: str
    steps: tuple[str, ...]
    fields: tuple[FieldChoice, ...]
    until: str
    uses: Table


@dataclass(frozen=True, slots=True)
class LookedPage:
    """Who looked at a person's data, or what this account looked at."""

    opening: Opening
    notices: tuple[Notice, ...]
    looks: Table
    person: str
    home: str
    is_signed_in: bool


# -- all requests -------------------------------------------------------------------------------------------


def make_requests_page(
    visit: Visit, notices: tuple[Notice, ...] = (), said: dict[str, list[str]] | None = None
) -> RequestsPage:
    """Requests that this reader asked or may decide, and the form."""
    catalogue = words()
    found = visit.city.requests.list_all(by=visit.reader)
    waiting = sum(visit.city.requests.may_decide(r, visit.reader) and r.state == "asked" for r in found)
    sentence = (
        catalogue.fill("requests.sentence", n=len(found), waiting=waiting) if found else catalogue["requests.none"]
    )
    columns = tuple(
        Column(catalogue[f"requests.{key}"]) for key in ("number", "state", "by", "table", "purpose", "until")
    )
    rows = tuple(
        Row(
            (
                Entry(Text.same(str(r.number)), f"/requests/{r.number}"),
                Entry(STATE_TITLES[r.state]),
                Entry(Text.same(r.by)),
                Entry(_table_title(visit, r.wish.table), f"/lake/{r.wish.table}"),
                Entry(Text.same(r.wish.purpose)),
                Entry(Text.same(r.wish.until.isoformat())),
            )
        )
        for r in found
    )
    return RequestsPage(
        Opening(catalogue["requests.kicker"], sentence),
        notices,
        Table(
            catalogue["requests.caption"], columns, rows, len(rows), name="requests", empty=catalogue["requests.none"]
        ),
        _make_form(visit, said or {}),
        visit.reader.is_signed_in,
    )


def _make_form(visit: Visit, said: dict[str, list[str]]) -> AskForm:
    city = visit.city
    closed = {n: c for n, c in sorted(city.contracts.items()) if any(f.level in _LEVELS for f in c.fields)}
    chosen = _first(said, "table") or visit.get("table")
    contract = closed.get(chosen)
    tables = tuple(
        Option(n, Text(f"{c.title.zh}（{n}）", f"{c.title.en} ({n})"), n == chosen) for n, c in closed.items()
    )
    if contract is None:
        return AskForm(tables)
    root = city.place.region
    below = [r.code for r in city.regions.at_level("county", root, city.clock.today())]
    wanted = _first(said, "region")
    return AskForm(
        tables,
        contract.name,
        whom_to_ask(contract),
        _choices(contract, said.get("field", [])),
        tuple(Option(code.short, region_name(city, code), code.short == wanted) for code in (root, *below)),
        _first(said, "purpose"),
        _first(said, "basis"),
        _first(said, "since") or city.clock.today().isoformat(),
        _first(said, "until"),
    )


def _choices(contract: Contract, chosen: list[str]) -> tuple[FieldChoice, ...]:
    catalogue = words()
    return tuple(
        FieldChoice(f.name, f.title, catalogue[f"level.{f.level}"], f.name in chosen)
        for f in contract.fields
        if f.level != "L4"
    )


@get("/requests", include_in_schema=False, sync_to_thread=True)
def show_requests(visit: NamedDependency[Visit]) -> Response[str]:
    """All requests of this reader."""
    return visit.answer("requests.html", "", page=make_requests_page(visit))


@post("/requests", include_in_schema=False, status_code=200)
async def take_request(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
    """Take the form: back with every finding, or on to the request."""
    check_origin(request)
    said = await _read_form(request)
    try:
        made = visit.city.requests.draft(_read_wish(visit, said), by=visit.reader)
        if _first(said, "do") != "draft":
            made = visit.city.requests.ask(made.number, by=visit.reader)
    except Yours as error:
        return visit.answer("requests.html", "", status=422, page=make_requests_page(visit, _notices(error), said))
    return _go(f"/requests/{made.number}")


def _read_wish(visit: Visit, said: dict[str, list[str]]) -> Wish:
    region = _first(said, "region")
    regions = (RegionCode.parse(region),) if region else (visit.city.place.region,)
    since = _read_day(_first(said, "since")) if _first(said, "since") else visit.city.clock.today()
    return Wish(
        _first(said, "table"),
        tuple(said.get("field", ())),
        regions,
        _first(said, "purpose"),
        _first(said, "basis"),
        since,
        _read_day(_first(said, "until")),
        {},
    )


def _read_day(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise AccessError(
            Finding("pages.day", "until", word[:40], "2022-06-30", words().fill("requests.bad_day", day=word[:40]))
        ) from None


# -- one request --------------------------------------------------------------------------------------------


def make_request_page(visit: Visit, number: int, notices: tuple[Notice, ...] = ()) -> RequestPage:
    """One request: what was asked, what became of it, its uses, and the steps open to this reader."""
    catalogue, city = words(), visit.city
    found = city.requests.get(number, by=visit.reader)
    contract = city.contracts.get(found.wish.table)
    fields = tuple(
        FieldChoice(f.name, f.title, catalogue[f"level.{f.level}"], True)
        for f in (contract.fields if contract else ())
        if f.name in found.wish.fields
    )
    return RequestPage(
        Opening(
            catalogue.fill("requests.number_of", number=number),
            catalogue.fill(f"requests.is_{found.state}", table=_table_title(visit, found.wish.table)),
        ),
        (Crumb(catalogue["requests.kicker"], "/requests"),),
        notices,
        _facts(visit, found, fields),
        f"/requests/{number}",
        _steps(visit, found),
        fields,
        found.wish.until.isoformat(),
        _uses(visit, found),
    )


def _facts(visit: Visit, found: DataRequest, fields: tuple[FieldChoice, ...]) -> tuple[tuple[Text, Text], ...]:
    catalogue, wish = words(), found.wish
    regions = [region_name(visit.city, code) for code in wish.regions]
    said: list[tuple[str, Text]] = [
        ("state", STATE_TITLES[found.state]),
        ("by", Text.same(found.by)),
        ("table", _table_title(visit, wish.table)),
        ("fields", Text("、".join(f.title.zh for f in fields), ", ".join(f.title.en for f in fields))),
        ("level", catalogue[f"level.{found.level}"]),
        ("regions", Text("、".join(r.zh for r in regions), ", ".join(r.en for r in regions))),
        ("where", Text.same(", ".join(f"{k} = {v}" for k, v in wish.where.items()))),
        ("purpose", Text.same(wish.purpose)),
        ("basis", Text.same(wish.basis)),
        ("term", Text.same(f"{wish.since} – {wish.until}")),
        ("decided_by", Text.same(found.decided_by)),
        ("reasons", Text.same(found.reasons)),
        ("ended_by", Text.same(found.ended_by)),
        ("why_ended", Text.same(found.why_ended)),
    ]
    return tuple((catalogue[f"requests.{key}"], text) for key, text in said if text.zh)


def _steps(visit: Visit, found: DataRequest) -> tuple[str, ...]:
    """What this reader may do next, in the order in which it is offered."""
    is_own = visit.reader.account == found.by
    may_decide = visit.city.requests.may_decide(found, visit.reader)
    steps: list[str] = []
    if is_own and found.state == "draft":
        steps.append("send")
    if may_decide and found.state == "asked":
        steps += ["grant", "refuse"]
    if may_decide and found.state in ("granted", "in_force"):
        steps.append("revoke")
    if is_own and found.state in ("draft", "asked", "granted", "in_force"):
        steps.append("withdraw")
    return tuple(steps)


def _uses(visit: Visit, found: DataRequest) -> Table:
    """How often the request was used: to its holder, and to those who decide about it."""
    looks = visit.city.trail.list_of_purpose(found.purpose_name, limit=_MOST_LOOKS)
    catalogue = words()
    return _look_table(visit, looks, catalogue["requests.uses_caption"], catalogue["requests.uses_none"])


@get("/requests/{number:int}", include_in_schema=False, sync_to_thread=True)
def show_request(visit: NamedDependency[Visit], number: FromPath[int]) -> Response[str]:
    """One request."""
    return visit.answer("request.html", "", page=make_request_page(visit, number))


@post("/requests/{number:int}", include_in_schema=False, status_code=200)
async def move_request(request: AnyRequest, visit: NamedDependency[Visit], number: FromPath[int]) -> Response[str]:
    """Do the step that the form names."""
    check_origin(request)
    said = await _read_form(request)
    requests, by, why = visit.city.requests, visit.reader, _first(said, "why")
    try:
        match _first(said, "do"):
            case "send":
                requests.ask(number, by=by)
            case "grant":
                until = _first(said, "until")
                requests.grant(
                    number, by=by, why=why, fields=said.get("field", ()), until=_read_day(until) if until else None
                )
            case "refuse":
                requests.refuse(number, by=by, why=why)
            case "revoke":
                requests.revoke(number, by=by, why=why)
            case _:
                requests.withdraw(number, by=by, why=why)
    except Yours as error:
        return visit.answer("request.html", "", status=422, page=make_request_page(visit, number, _notices(error)))
    return _go(f"/requests/{number}")


# -- who looked ---------------------------------------------------------------------------------------------


def make_looked_page(visit: Visit) -> LookedPage:
    """Who looked at a person's data: oneself, or for an auditor whoever is named."""
    catalogue, city, reader = words(), visit.city, visit.reader
    person = visit.get("person") or str(reader.person or "")
    home = visit.get("home")
    notices: tuple[Notice, ...] = ()
    looks: list[Look] = []
    try:
        if person:
            place = city.regions.get(RegionCode.parse(home)).code if home else None
            looks = city.looks_at(person, by=reader, home=place, limit=_MOST_LOOKS)
        elif reader.is_signed_in:
            looks = city.trail.list_of_account(reader.account, by=reader, limit=_MOST_LOOKS)
    except Yours as error:
        notices = _notices(error)
    if not reader.is_signed_in:
        sentence = catalogue["looked.signed_out"]
    elif not looks:
        sentence = catalogue["looked.none"]
    else:
        sentence = catalogue.fill("looked.of_person" if person else "looked.of_account", n=len(looks))
    table = _look_table(visit, looks, catalogue["looked.caption"], catalogue["looked.none"])
    return LookedPage(Opening(catalogue["looked.kicker"], sentence), notices, table, person, home, reader.is_signed_in)


def _look_table(visit: Visit, looks: list[Look], caption: Text, empty: Text) -> Table:
    catalogue, city = words(), visit.city
    keys = ("when", "who", "purpose", "what", "fields", "region", "times", "batch")
    columns = tuple(Column(catalogue[f"looked.{key}"], is_number=key in ("times", "batch")) for key in keys)
    rows = tuple(
        Row(
            (
                Entry(Text.same(minute_of(look.last_at))),
                Entry(_post_title(visit, look.account)),
                Entry(_purpose_title(visit, look.purpose)),
                Entry(_table_title(visit, look.what)),
                Entry(_field_titles(visit, look)),
                Entry(region_name(city, RegionCode(look.region)) if look.region else catalogue["looked.whole_city"]),
                Entry(Text.same(str(look.looks))),
                Entry(Text.same(str(look.batch))),
            )
        )
        for look in looks
    )
    return Table(caption, columns, rows, len(rows), name="looks", empty=empty)


def _post_title(visit: Visit, account: str) -> Text:
    found = visit.city.accounts.find(account) if account else None
    return found.title if found else Text.same(account)


def _purpose_title(visit: Visit, name: str) -> Text:
    known = visit.city.rules.purposes.get(name)
    if known is not None:
        return known.title
    kind, _, number = name.partition(".")
    return words().fill("requests.number_of", number=number) if kind == "request" else Text.same(name)


def _field_titles(visit: Visit, look: Look) -> Text:
    contract = visit.city.contracts.get(look.what)
    names = look.fields.split(",") if look.fields else []
    titles = {f.name: f.title for f in contract.fields} if contract else {}
    said = [titles.get(name, Text.same(name)) for name in names]
    return Text("、".join(t.zh for t in said), ", ".join(t.en for t in said))


@get("/looked", include_in_schema=False, sync_to_thread=True)
def show_looked(visit: NamedDependency[Visit]) -> Response[str]:
    """Who looked."""
    return visit.answer("looked.html", "", page=make_looked_page(visit))


# -- shared by the three ------------------------------------------------------------------------------------


def _table_title(visit: Visit, name: str) -> Text:
    contract = visit.city.contracts.get(name)
    return contract.title if contract else Text.same(name)


async def _read_form(request: AnyRequest) -> dict[str, list[str]]:
    body = (await request.body())[:_LONGEST_FORM].decode("utf-8", "replace")
    return {key: [v.strip() for v in values] for key, values in parse_qs(body, keep_blank_values=True).items()}


def _first(said: dict[str, list[str]], key: str) -> str:
    return next(iter(said.get(key, ())), "")


def _notices(error: Yours) -> tuple[Notice, ...]:
    return tuple(Notice(f.message, tone="bad") for f in error.findings)


def _go(address: str) -> Response[str]:
    return Response("", status_code=303, headers={"Location": address})
