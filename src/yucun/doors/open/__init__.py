"""The open door: what anyone may take away, in files that never change, described for people and for machines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from litestar import Request, Response, get, post, route
from litestar.concurrency import sync_to_thread
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.open.dataset_page import make_dataset_page
from yucun.doors.open.dcat import make_catalogue, make_dataset
from yucun.doors.open.lists import make_open_page
from yucun.doors.open.moving import do_move
from yucun.doors.open.sending import allow_reading, send_file, send_linked_data, wants_linked_data
from yucun.doors.pages.visit import FindReader, Visit, check_origin, read_visit
from yucun.kernel.access.model import Refused
from yucun.kernel.lake.catalogue import FORM_OF_FILE, Item, Version, Withheld

AnyRequest = Request[Any, Any, Any]
# Files are sent as they lie, so that a part of one and its tag mean the bytes that the hash is of.
AS_IT_LIES = "as_it_lies"
LATEST = "latest"


def make_open_routes(city: City, find_reader: FindReader) -> list[HTTPRouteHandler]:
    """Pages, descriptions and files of the open door, and what robots are told."""
    door = OpenDoor(city, find_reader)
    as_read = partial(get, include_in_schema=False, sync_to_thread=True)
    # A browser asks first whether a script of another site may read with a tag or a range.
    from_anywhere = partial(
        route,
        http_method=[HttpMethod.GET, HttpMethod.OPTIONS],
        status_code=200,
        include_in_schema=False,
        sync_to_thread=True,
    )

    @as_read("/open")
    def show_open(request: AnyRequest) -> Response[Any]:
        """Everything that is open, as a page or as DCAT."""
        return door.show_list(request)

    @post("/open/move", include_in_schema=False, status_code=303)
    async def move(request: AnyRequest) -> Response[Any]:
        """A step of a dataset towards the public or back."""
        form = await request.form()
        return await sync_to_thread(door.move, request, {key: str(value) for key, value in form.multi_items()})

    @from_anywhere("/open/catalogue.jsonld")
    def send_catalogue(request: AnyRequest) -> Response[Any]:
        """The catalogue as DCAT."""
        return allow_reading() if request.method == "OPTIONS" else door.send_catalogue(request)

    @as_read("/open/{name:str}")
    def show_dataset(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
        """One dataset in its newest version, as a page or as DCAT."""
        return door.show_dataset(request, name, LATEST)

    @from_anywhere("/open/{name:str}/dataset.jsonld")
    def send_dataset(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
        """One dataset as DCAT."""
        return allow_reading() if request.method == "OPTIONS" else door.send_dataset(request, name)

    @as_read("/open/{name:str}/{version:str}")
    def show_version(request: AnyRequest, name: FromPath[str], version: FromPath[str]) -> Response[Any]:
        """One version of a dataset."""
        return door.show_dataset(request, name, version)

    @from_anywhere("/open/{name:str}/{version:str}/{file:str}", opt={AS_IT_LIES: True})
    def send(request: AnyRequest, name: FromPath[str], version: FromPath[str], file: FromPath[str]) -> Response[Any]:
        """One file of a version."""
        return allow_reading() if request.method == "OPTIONS" else door.send_file(request, name, version, file)

    return [show_open, move, send_catalogue, show_dataset, send_dataset, show_version, send, *_words_for_robots(door)]


def _words_for_robots(door: OpenDoor) -> list[HTTPRouteHandler]:
    as_read = partial(get, include_in_schema=False, sync_to_thread=True)

    @as_read("/robots.txt")
    def send_robots(request: AnyRequest) -> Response[str]:
        """What robots may look at."""
        lines = [
            "User-agent: *",
            "Disallow: /my",
            "Disallow: /sign-in",
            "Disallow: /record/",
            f"Sitemap: {base_of(request)}/sitemap.xml",
        ]
        return Response("\n".join(lines) + "\n", media_type="text/plain")

    @as_read("/sitemap.xml")
    def send_sitemap(request: AnyRequest) -> Response[str]:
        """The open datasets, for robots."""
        return Response(door.make_sitemap(base_of(request)), media_type="application/xml")

    return [send_robots, send_sitemap]


def base_of(request: AnyRequest) -> str:
    """Scheme and host that the city was asked under."""
    return str(request.base_url).rstrip("/")


class OpenDoor:
    """Answers what is asked of the open door."""

    def __init__(self, city: City, find_reader: FindReader) -> None:
        self.city = city
        self._find_reader = find_reader

    def show_list(self, request: AnyRequest) -> Response[Any]:
        """The page, or DCAT for who asks for it."""
        if wants_linked_data(request):
            return self.send_catalogue(request)
        answer = self._visit(request).show("open_list.html", "open", make_open_page)
        answer.headers["Link"] = '</open/catalogue.jsonld>; rel="alternate"; type="application/ld+json"'
        return answer

    def move(self, request: AnyRequest, said: Mapping[str, str]) -> Response[Any]:
        """Make the move that a form of this site asks for."""
        check_origin(request)
        return do_move(self._visit(request), said)

    def send_catalogue(self, request: AnyRequest) -> Response[Any]:
        """All that is given out, as DCAT."""
        base = base_of(request)
        return send_linked_data(request, make_catalogue(self.city, base, self._latest()), self._tag("", base))

    def send_dataset(self, request: AnyRequest, name: str) -> Response[Any]:
        """One dataset as DCAT, with all versions that are given out."""
        base, item = base_of(request), self._item(request, name)
        given = [v for v in self.city.catalogue.versions(name) if self.city.catalogue.withheld(item, v) is None]
        if not given:
            return self._gone(request, item, None)
        return send_linked_data(request, make_dataset(self.city, base, item, given), self._tag(name, base))

    def show_dataset(self, request: AnyRequest, name: str, version: str) -> Response[Any]:
        """A dataset's page in one version or the newest; one that is withheld is answered 410 with the reason."""
        if version == LATEST and wants_linked_data(request):
            return self.send_dataset(request, name)
        item = self._item(request, name)
        found = self._find(item, version)
        if found is None or self.city.catalogue.withheld(item, found) is not None:
            return self._gone(request, item, found)
        # The citation names the host that was asked, so the page is made anew for each.
        visit = self._visit(request)
        answer = visit.answer("open_dataset.html", "open", page=make_dataset_page(visit, item, found, base_of(request)))
        answer.headers["Link"] = (
            f'</open/{name}/dataset.jsonld>; rel="alternate"; type="application/ld+json", '
            f'</open/{name}/{found.id}>; rel="canonical"'
        )
        return answer

    def send_file(self, request: AnyRequest, name: str, version: str, file: str) -> Response[Any]:
        """A file of a version; ``latest`` leads to that of the newest."""
        item = self._item(request, name)
        form = FORM_OF_FILE.get(file)
        if form is None:
            raise NotKnown(_no_file(request, file))
        if version == LATEST:
            newest = self._find(item, LATEST)
            if newest is None:
                return self._gone(request, item, None)
            address = f"/open/{name}/{newest.id}/{file}"
            return Response(
                b"", status_code=307,
                headers={"Location": address, "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"},
            )  # fmt: skip
        found = self.city.catalogue.file(name, version, form)
        if isinstance(found, Withheld):
            return self._gone(request, item, self._find(item, version))
        return send_file(request, found)

    def make_sitemap(self, base: str) -> str:
        """The list's page and those of all datasets."""
        pages = [f"{base}/open", *(f"{base}/open/{name}" for name in sorted(self._latest()))]
        rows = "".join(f"<url><loc>{escape(page)}</loc></url>\n" for page in pages)
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        return f"{head}{rows}</urlset>\n"

    def _visit(self, request: AnyRequest) -> Visit:
        return read_visit(self.city, self._find_reader, request)

    def _latest(self) -> Mapping[str, Version]:
        catalogue = self.city.catalogue
        items = {item.name: item for item in catalogue.list_items("open")}
        return {n: v for n, v in catalogue.latest().items() if catalogue.withheld(items[n], v) is None}

    def _item(self, request: AnyRequest, name: str) -> Item:
        """An item that was open at some time; what is only proposed is for those who draft and approve."""
        item = self.city.catalogue.get(name)
        if item.opened_seq == 0:
            reader, _ = self._find_reader(request)
            if all(isinstance(self.city.may_do(reader, verb, name), Refused) for verb in ("load", "approve")):
                raise NotKnown(_not_open(name))
        return item

    def _find(self, item: Item, version: str) -> Version | None:
        """The version of that id, or the newest of an open item; raise `NotKnown` for an id that never was."""
        if version == LATEST:
            return self.city.catalogue.latest().get(item.name)
        found = self.city.catalogue.find_version(item.name, version)
        if found is None:
            raise NotKnown(_no_version(item.name, version))
        return found

    def _gone(self, request: AnyRequest, item: Item, version: Version | None) -> Response[Any]:
        """The page that says why nothing is given out."""
        visit = self._visit(request)
        page = make_dataset_page(visit, item, version, base_of(request))
        status = 410 if item.opened_seq else 200
        return visit.answer("open_dataset.html", "open", status=status, page=page)

    def _tag(self, name: str, base: str) -> str:
        """Everything that a description depends on: the books, and the host that its addresses begin with."""
        said = f"{name}\n{base}\n{self.city.last_seq()}"
        return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _not_open(name: str) -> Finding:
    return Finding(
        "open.not_open", "/open", name[:120], "/open",
        Text(f"「{name[:60]}」没有开放；开放的数据集见 /open", f"'{name[:60]}' is not open; see /open for what is"),
    )  # fmt: skip


def _no_version(name: str, version: str) -> Finding:
    return Finding(
        "open.version", f"/open/{name}", version[:60], f"/open/{name}",
        Text(
            f"没有版本「{version[:60]}」；全部版本见 /open/{name}",
            f"there is no version '{version[:60]}'; all are listed at /open/{name}",
        ),
    )  # fmt: skip


def _no_file(request: AnyRequest, file: str) -> Finding:
    names = ", ".join(FORM_OF_FILE)
    return Finding(
        "open.file", request.url.path, file[:60], names,
        Text(f"没有文件「{file[:60]}」；可取：{names}", f"there is no file '{file[:60]}'; there are: {names}"),
    )  # fmt: skip


__all__ = ["AS_IT_LIES", "make_open_routes"]
