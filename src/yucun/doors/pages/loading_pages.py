"""Sending a file, watching it load, stopping it."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.city import City
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.lake_pages import MOST_BYTES, make_lake_page
from yucun.doors.pages.loading import Load, Loads
from yucun.doors.pages.valued import landing_address
from yucun.doors.pages.views import LoadingPage, Notice
from yucun.doors.pages.visit import AnyRequest, Visit, check_origin
from yucun.kernel.access.model import require

# Most files are read within this time, and then the page of their landing is the answer.
_PATIENCE_S = 0.6
_GIVEN = "given_"


def _go(address: str) -> Response[str]:
    return Response("", status_code=303, headers={"Location": address})


def make_loading_page(load: Load) -> LoadingPage:
    """How far a load is, or how it ended when it did not land."""
    catalogue = words()
    if load.error:
        notices = tuple(Notice(f.message, f.where, "bad") for f in load.error.findings)
        return LoadingPage(
            load.key, catalogue.fill("loading.refused", name=load.name), notices, load.step, 100, is_over=True
        )
    if load.is_stopped or load.is_broken:
        word = "loading.stopped" if load.is_stopped else "loading.broken"
        return LoadingPage(load.key, catalogue.fill(word, name=load.name), (), load.step, 100, is_over=True)
    percent = round(100 * load.done / load.total) if load.total else None
    return LoadingPage(
        load.key, catalogue.fill("loading.under_way", name=load.name), (), load.step, percent, is_over=False
    )


def _answer(visit: Visit, load: Load) -> Response[str]:
    if load.landing:
        return _go(landing_address(load.landing.key))
    page = make_loading_page(load)
    status = 422 if load.error else 500 if load.is_broken else 200
    answer = visit.answer("loading.html", "lake", status=status, page=page)
    if not page.is_over:
        answer.headers["Refresh"] = "2"
    return answer


def _get_load(loads: Loads, visit: Visit, key: str) -> Load:
    load = loads.find(key, visit.reader)
    if load is None:
        raise NotKnown(Finding("pages.loading", visit.path, key[:60], "/lake", words()["loading.missing"]))
    return load


def make_loading_handlers(city: City) -> list[HTTPRouteHandler]:
    """The routes, over one line of loads."""
    loads = Loads(city)

    @post("/lake/load", include_in_schema=False, status_code=200, request_max_body_size=MOST_BYTES)
    async def send_file(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """Take a file, wait a moment, and show what became of it or how far it is."""
        check_origin(request)
        form = await request.form()
        table, file = str(form.get("table", "")), form.get("file")
        require(visit.city.may_do(visit.reader, "load", table), "/lake/load")
        if not isinstance(file, UploadFile) or table not in visit.city.contracts:
            page = make_lake_page(visit, (Notice(words()["loading.no_file"], tone="bad"),))
            return visit.answer("lake.html", "lake", status=422, page=page)
        given = {
            key.removeprefix(_GIVEN): str(value).strip()
            for key, value in form.items()
            if key.startswith(_GIVEN) and str(value).strip()
        }
        name = (file.filename or "").replace("\\", "/").rsplit("/", 1)[-1][:200] or "file"
        load = loads.begin(
            await file.read(), name, table, visit.reader, given,
            correct=form.get("correct") == "yes", waiting=words()["loading.waiting"],
        )  # fmt: skip
        await sync_to_thread(load.ended.wait, _PATIENCE_S)
        return _answer(visit, load) if load.ended.is_set() else _go(f"/lake/loading/{load.key}")

    @get("/lake/loading/{key:str}", include_in_schema=False, sync_to_thread=True)
    def show_load(visit: NamedDependency[Visit], key: FromPath[str]) -> Response[str]:
        """How far a load is."""
        return _answer(visit, _get_load(loads, visit, key))

    @post("/lake/loading/{key:str}/stop", include_in_schema=False, status_code=200, sync_to_thread=True)
    def stop_load(request: AnyRequest, visit: NamedDependency[Visit], key: FromPath[str]) -> Response[str]:
        """Stop a load before it lands."""
        check_origin(request)
        load = _get_load(loads, visit, key)
        load.wants_stop = True
        load.ended.wait(_PATIENCE_S)
        return _go(f"/lake/loading/{load.key}")

    return [send_file, show_load, stop_load]
