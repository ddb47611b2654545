"""Signing in and out, and the page that says who one is, what one may see, and who looked."""

from __future__ import annotations

from urllib.parse import parse_qs

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from yucun.base.errors import AccessError
from yucun.base.text import Text
from yucun.doors.api.city_state import SESSION_COOKIE
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.valued import minute_of, region_name
from yucun.doors.pages.views import Column, Entry, MyPage, Notice, Opening, Row, SignInPage, Table
from yucun.doors.pages.visit import AnyRequest, Visit, check_origin
from yucun.kernel.access.identity import local_path
from yucun.kernel.access.model import VERB_TITLES, Refused
from yucun.kernel.access.trail import Look

_LONGEST_FORM = 8_192


def _leave(address: str, token: str) -> Response[str]:
    """Go to a page with the session's cookie set, or taken away when the token is empty."""
    cookie = Cookie(key=SESSION_COOKIE, value=token, httponly=True, samesite="lax", max_age=None if token else 0)
    return Response("", status_code=303, headers={"Location": address}, cookies=[cookie])


@get("/sign-in", include_in_schema=False, sync_to_thread=True)
def show_sign_in(visit: NamedDependency[Visit]) -> Response[str]:
    """The form."""
    return visit.answer("sign_in.html", "", page=SignInPage((), local_path(visit.get("back") or "/")))


@post("/sign-in", include_in_schema=False, status_code=200)
async def sign_in(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
    """Judge the form; the answer never says which part was wrong."""
    check_origin(request)
    body = (await request.body())[:_LONGEST_FORM].decode("utf-8", "replace")
    form = {key: values[0] for key, values in parse_qs(body, keep_blank_values=True).items()}
    answer = visit.city.identity.finish(
        {
            "account": form.get("account", ""),
            "password": form.get("password", ""),
            "back_to": form.get("back", "/"),
            "source": request.client.host if request.client else "",
        }
    )
    if isinstance(answer, Refused):
        page = SignInPage((Notice(answer.reason, tone="bad"),), local_path(form.get("back", "/")))
        return visit.answer("sign_in.html", "", status=403, page=page)
    return _leave(answer.back_to, visit.city.sessions.begin(answer.account))


@post("/sign-out", include_in_schema=False, status_code=200, sync_to_thread=True)
def sign_out(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
    """End this session."""
    check_origin(request)
    if visit.token:
        visit.city.sessions.end(visit.token)
    return _leave("/", "")


def make_my_page(visit: Visit) -> MyPage:
    """Who reads, what they may see, and who looked at what."""
    reader, catalogue, city = visit.reader, words(), visit.city
    facts = [(catalogue["my.account"], Text.same(reader.account) if reader.is_signed_in else catalogue["my.nobody"])]
    facts.append((catalogue["my.level"], catalogue[f"level.{reader.level}"]))
    for grant in reader.grants:
        regions = [region_name(city, code) for code in grant.regions]
        verbs = [VERB_TITLES[verb] for verb in sorted(grant.role.verbs)]
        facts.append(
            (
                grant.role.title,
                catalogue.fill(
                    "my.grant",
                    regions=Text("、".join(r.zh for r in regions), ", ".join(r.en for r in regions)),
                    verbs=Text("、".join(v.zh for v in verbs), ", ".join(v.en for v in verbs)),
                ),
            )
        )
    return MyPage(
        opening=Opening(catalogue["my.title"], reader.title),
        facts=tuple(facts),
        sees=_sees(visit),
        looked=_looked(visit),
        is_signed_in=reader.is_signed_in,
        has_matters="hotline" in city.services,
        has_relief="relief" in city.services,
        has_entitlements="entitlements" in city.services,
        matters=_matters(visit),
    )


def _matters(visit: Visit) -> tuple[object, ...]:
    """What the reader raised with the hotline, where the city has one."""
    if "hotline" not in visit.city.services:
        return ()
    from yucun.doors.pages.matter_pages import list_matters, make_matter  # noqa: PLC0415 - it goes with its service

    return tuple(make_matter(visit, case) for case in list_matters(visit))


def _sees(visit: Visit) -> Table:
    """Each table and how much of it this reader sees."""
    catalogue = words()
    rows = []
    for name, contract in sorted(visit.city.contracts.items()):
        seen = [f for f in contract.fields if visit.city.may_read(visit.reader, contract, f)]
        said = catalogue.fill("my.fields", seen=len(seen), all=len(contract.fields))
        rows.append(
            Row((Entry(contract.title, f"/lake/{name}"), Entry(catalogue[f"level.{contract.level}"]), Entry(said)))
        )
    columns = (Column(catalogue["lake.table_head"]), Column(catalogue["my.level"]), Column(catalogue["my.fields_head"]))
    return Table(catalogue["my.sees_caption"], columns, tuple(rows), len(rows), name="sees")


def _looked(visit: Visit) -> Table:
    """What this account looked at, or who looked at this person; an auditor sees everyone."""
    catalogue, reader, trail = words(), visit.reader, visit.city.trail
    columns = tuple(Column(catalogue[f"my.{key}"]) for key in ("when", "who", "what", "purpose", "times"))
    if not reader.is_signed_in:
        return Table(catalogue["my.looked_caption"], columns, (), name="looked", empty=catalogue["my.looked_open"])
    try:
        looks = trail.list_all(by=reader)
    except AccessError:
        looks = trail.list_of_account(reader.account, by=reader)
        if reader.person:
            looks += trail.list_of_person(reader.person, (), by=reader)
    rows = tuple(Row(_look(look)) for look in looks)
    return Table(
        catalogue["my.looked_caption"], columns, rows, len(rows), name="looked", empty=catalogue["my.looked_none"]
    )


def _look(look: Look) -> tuple[Entry, ...]:
    said = (minute_of(look.last_at), look.account, look.what, look.purpose, str(look.looks))
    return tuple(Entry(Text.same(word)) for word in said)


@get("/my", include_in_schema=False, sync_to_thread=True)
def show_my(visit: NamedDependency[Visit]) -> Response[str]:
    """About the reader."""
    return visit.answer("my.html", "", page=make_my_page(visit))
