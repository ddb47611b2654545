"""Who is looking, how they like to see it, and the answer they get: headers, cookies, language, theme, type size."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.datastructures import Cookie

from yucun.base.errors import AccessError, Finding
from yucun.base.text import LANGUAGES, Language, Text
from yucun.city import City
from yucun.doors.api.problems import choose_language
from yucun.doors.pages.assets import static_hash
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.rendering import make_address, render
from yucun.doors.pages.views import Frame, NavItem, Size, Theme
from yucun.kernel.access import Reader

AnyRequest = Request[Any, Any, Any]
# From a request to who asks, and the token of the session.
FindReader = Callable[[AnyRequest], tuple[Reader, str]]
Choice = TypeVar("Choice", bound=str)
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
SIZES: tuple[Size, ...] = ("normal", "large")
# Choices that a cookie remembers for a year; they are taken out of addresses once they are made.
_REMEMBERED = ("lang", "theme", "size")
_A_YEAR = 365 * 24 * 3600
_NAV = (
    ("city", "/"),
    ("services", "/service"),
    ("duty", "/duty"),
    ("numbers", "/numbers"),
    ("lake", "/lake"),
    ("open", "/open"),
)
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: the city, the reader, and what was asked."""

    city: City
    reader: Reader
    token: str
    language: Language
    theme: Theme
    size: Size
    is_wall: bool
    path: str
    query: tuple[tuple[str, str], ...]
    asked_tag: str
    cookies: tuple[Cookie, ...] = ()

    def get(self, key: str) -> str:
        """Return a value of the query, trimmed; empty when it was not asked."""
        return next((value.strip() for name, value in self.query if name == key), "")

    def link(self, **changes: object) -> str:
        """The address of this page with some of its query changed."""
        kept = [pair for pair in self.query if pair[0] not in _REMEMBERED]
        return make_address(self.path, kept, **changes)

    @property
    def place(self) -> Text:
        """The place's name as the registry writes it."""
        return self.city.regions.get(self.city.place.region).name

    def frame(self, active: str) -> Frame:
        """What stands around the page."""
        clock, catalogue = self.city.clock, words()
        today = clock.today().isoformat()
        return Frame(
            language=self.language,
            theme=self.theme,
            size=self.size,
            is_wall=self.is_wall,
            path=self.path,
            query=tuple(pair for pair in self.query if pair[0] not in _REMEMBERED),
            place=self.place,
            place_code=self.city.place.region.short,
            today=Text.same(today),
            is_simulated=clock.is_simulated,
            nav=tuple(NavItem(key, catalogue[f"nav.{key}"], href) for key, href in _NAV),
            active=active,
            reader=self.reader.title if self.reader.is_signed_in else None,
            known_at=f"{clock.now():%Y-%m-%d %H:%M}",
            static=f"/static/{static_hash()}",
        )

    def show(self, template: str, active: str, make: Callable[[Visit], object]) -> Response[str]:
        """Answer with a page; for the public an unchanged one is neither made nor sent again.

        What a page says depends on the journal, the day, the reader, the choices and the address, and on nothing else;
        who is signed in always gets it anew, so that each look is noted.
        """
        if self.reader.is_signed_in:
            return self.answer(template, active, page=make(self))
        tag = self._tag()
        if tag == self.asked_tag:
            return self._respond("", 304, tag)
        html = _KEPT.find_or_make(tag, lambda: render(template, self.frame(active), page=make(self)))
        return self._respond(html, 200, tag)

    def answer(self, template: str, active: str, *, status: int = 200, page: object) -> Response[str]:
        """Answer with a page made just now and for this reader alone."""
        return self._respond(render(template, self.frame(active), page=page), status, "")

    def _tag(self) -> str:
        said = (
            _STARTED, self.city.last_seq(), self.city.clock.today(), self.language, self.theme, self.size,
            self.is_wall, self.path, self.query,
        )  # fmt: skip
        return f'W/"{hashlib.sha256(repr(said).encode()).hexdigest()[:24]}"'

    def _respond(self, html: str, status: int, tag: str) -> Response[str]:
        headers = {
            **SECURITY_HEADERS,
            "Cache-Control": "private, no-cache" if tag else "no-store",
            "Vary": "Cookie, Accept-Language",
            "Content-Language": "zh-CN" if self.language == "zh" else "en",
        }
        if tag:
            headers["ETag"] = tag
        return Response(html, status_code=status, media_type="text/html", headers=headers, cookies=self.cookies)


class Kept:
    """The last pages shown to the public, by tag; a few megabytes at most.

    Who asks for a page that is being made waits for it: it is made once, however many ask.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pages: OrderedDict[str, str] = OrderedDict()
        self._under_way: dict[str, Future[str]] = {}
        self._guard = threading.Lock()

    def find_or_make(self, tag: str, make: Callable[[], str]) -> str:
        """Return the page of a tag; what making it raises is raised to all who wait for it, and is not kept."""
        with self._guard:
            if tag in self._pages:
                self._pages.move_to_end(tag)
                return self._pages[tag]
            making = self._under_way.get(tag)
            mine = None if making is not None else Future[str]()
            if mine is not None:
                self._under_way[tag] = mine
        if mine is None:
            assert making is not None
            return making.result()
        try:
            html = make()
        except BaseException as error:
            self._end(tag, None)
            mine.set_exception(error)
            raise
        self._end(tag, html)
        mine.set_result(html)
        return html

    def _end(self, tag: str, html: str | None) -> None:
        with self._guard:
            del self._under_way[tag]
            if html is not None:
                self._pages[tag] = html
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)


_KEPT = Kept(128)
# Another program may draw the same data otherwise, so no tag outlives the process.
_STARTED = secrets.token_hex(8)


def _choose(request: AnyRequest, key: str, allowed: tuple[Choice, ...], otherwise: Choice) -> Choice:
    asked = request.query_params.get(key, "")
    kept = request.cookies.get(f"yucun_{key}", "")
    return next((choice for word in (asked, kept) for choice in allowed if choice == word), otherwise)


def read_visit(city: City, find_reader: FindReader, request: AnyRequest) -> Visit:
    """Read a request: the reader behind its session, and its choices of language, theme and size."""
    reader, token = find_reader(request)
    cookies = tuple(
        Cookie(key=f"yucun_{key}", value=request.query_params[key], max_age=_A_YEAR, samesite="lax")
        for key, allowed in (("lang", LANGUAGES), ("theme", THEMES), ("size", SIZES))
        if request.query_params.get(key) in allowed
    )
    return Visit(
        city=city,
        reader=reader,
        token=token,
        language=_choose(request, "lang", LANGUAGES, choose_language(request.headers.get("accept-language"))),
        theme=_choose(request, "theme", THEMES, "auto"),
        size=_choose(request, "size", SIZES, "normal"),
        is_wall=request.query_params.get("view") == "wall",
        path=request.url.path,
        query=tuple(request.query_params.multi_items()),
        asked_tag=request.headers.get("if-none-match", ""),
        cookies=cookies,
    )


def check_origin(request: AnyRequest) -> None:
    """Refuse a form that another site sent in the reader's name."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc == request.headers.get("host"):
        return
    if not origin and request.headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return
    raise AccessError(
        Finding(
            "pages.other_site", request.url.path, origin or "", request.headers.get("host", ""),
            Text(
                "这个表单不是从本站发出的，已拒绝；请打开本站页面再填",
                "this form was not sent from this site and is refused; open the page here and fill it in again",
            ),
        )
    )  # fmt: skip
