"""The addresses of GeoReport v2 below ``/open311/v2``, and the discovery file that leads there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import Yours
from yucun.city import City
from yucun.doors.api.problems import choose_language
from yucun.doors.hotline.judging import judging_of
from yucun.doors.open311 import requests as say
from yucun.doors.open311.answers import MEDIA_TYPES, Form, Refused, write
from yucun.doors.open311.requests import Asked

AnyRequest = Request[Any, Any, Any]
BASE = "/open311/v2"
FORM_TYPE = "application/x-www-form-urlencoded"
_LONGEST_FORM = 64 * 1024
# From what is asked to the root element and what stands below it.
Run = Callable[[Asked], tuple[str, Any]]


def make_open311_routes(city: City) -> list[HTTPRouteHandler]:
    """The routes; a city without the hotline has none."""
    if "hotline" not in city.work.engine.services:
        return []

    @get([f"{BASE}/{{name:str}}", "/open311/{name:str}"], include_in_schema=False)
    async def read(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        """Services, requests, or the discovery file."""
        what, _ = _split(name)
        runs: dict[str, Run] = {
            "services": lambda asked: ("services", say.list_services(city, asked)),
            "requests": lambda asked: ("service_requests", say.list_requests(city, asked)),
            "discovery": lambda _: ("discovery", _discovery(city, request)),
        }
        return await _answer(request, name, runs.get(what, _unknown))

    @get(f"{BASE}/{{what:str}}/{{name:str}}", include_in_schema=False)
    async def read_one(request: AnyRequest, what: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """One service's definition, one request, or the number behind a token."""
        which, _ = _split(name)
        runs: dict[str, Run] = {
            "services": lambda asked: ("service_definition", say.define_service(city, which, asked)),
            "requests": lambda asked: ("service_requests", [say.get_request(city, which, asked)]),
            "tokens": lambda asked: ("service_requests", [say.find_token(city, which, asked)]),
        }
        return await _answer(request, name, runs.get(what, _unknown))

    @post(f"{BASE}/{{name:str}}", include_in_schema=False, status_code=201)
    async def send(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        """Take a request."""
        what, form = _split(name)
        if what != "requests":
            return await _answer(request, name, _unknown)
        if request.content_type[0] not in (FORM_TYPE, ""):
            return _refuse(400, f"send the request as {FORM_TYPE}", form or "xml")
        body = (await request.body())[:_LONGEST_FORM].decode("utf-8", "replace")
        said = {key: values[-1] for key, values in parse_qs(body, keep_blank_values=True).items()}
        source = request.client.host if request.client else ""
        judging = judging_of(city)
        run: Run = lambda asked: ("service_requests", [say.create_request(judging, asked, source)])  # noqa: E731
        return await _answer(request, name, run, said, 201)

    return [read, read_one, send]


def _split(name: str) -> tuple[str, Form | None]:
    """What is asked for and in which form; no form where neither is named."""
    what, _, form = name.rpartition(".")
    if form == "json":
        return what, "json"
    return (what, "xml") if form == "xml" else (name, None)


async def _answer(
    request: AnyRequest, name: str, run: Run, said: Mapping[str, str] | None = None, status: int = 200
) -> Response[bytes]:
    """Run one question and write what it answers, or its refusal, in the form that the address names."""
    _, form = _split(name)
    asked = Asked({**_query(request), **(said or {})}, choose_language(request.headers.get("accept-language")))
    try:
        if form is None:
            raise Refused(404, "ask for .xml or .json")
        root, shape = await sync_to_thread(run, asked)
    except Refused as refused:
        return _refuse(refused.code, refused.description, form or "xml")
    except Yours as error:
        return _refuse(400, "; ".join(f.message.en for f in error.findings), form or "xml")
    return _respond(write(root, shape, form), form, status)


def _unknown(asked: Asked) -> tuple[str, Any]:
    del asked
    raise Refused(404, "there is no such resource; there are services, requests and tokens")


def _query(request: AnyRequest) -> dict[str, str]:
    return dict(parse_qsl(request.scope["query_string"].decode("ascii", "replace"), keep_blank_values=True))


def _refuse(code: int, description: str, form: Form) -> Response[bytes]:
    return _respond(write("errors", [{"code": code, "description": description}], form), form, code)


def _respond(content: bytes, form: Form, status: int) -> Response[bytes]:
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language"}
    if status < 400:
        # Nothing here depends on who asks and cookies play no part, so any site may read it.
        headers["Access-Control-Allow-Origin"] = "*"
    return Response(content, status_code=status, media_type=MEDIA_TYPES[form], headers=headers)


def _discovery(city: City, request: AnyRequest) -> dict[str, Any]:
    """The file by which programs find the endpoint."""
    address = f"{request.url.scheme}://{request.headers.get('host', '')}"
    name = city.regions.get(city.place.region).name
    now = city.clock.now().isoformat(timespec="seconds")
    return {
        "changeset": now,
        "contact": f"{name.zh} 12345",
        "key_service": "yucun hotline open311-key NAME",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": f"{address}{BASE}",
                "changeset": now,
                "type": "test" if city.clock.is_simulated else "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }
