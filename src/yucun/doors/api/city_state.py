"""The city itself over HTTP: whether it answers, who asks, signing in and out."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from litestar import Request

from yucun.base.text import Text
from yucun.doors.api.asking import Asked, Done, Operation
from yucun.doors.api.routes import Refusal, read_bearer
from yucun.doors.api.shapes import HealthShape, ReaderShape, SignIn, TokenShape, shape_reader
from yucun.doors.api.text_shapes import words
from yucun.kernel.access import OPEN_READER, Reader
from yucun.kernel.access.model import Refused

if TYPE_CHECKING:
    from yucun.city import City

SHELF = "city"
SESSION_COOKIE = "yucun_session"


def list_operations(city: City) -> list[Operation]:
    """All operations about the city itself."""
    del city
    return [
        Operation(
            "health", "GET", "/api/health", SHELF, Text("城市是否在答", "Whether the city answers"), health, HealthShape
        ),
        Operation("whoAmI", "GET", "/api/session", SHELF, Text("我是谁", "Who I am"), who_am_i, ReaderShape),
        Operation(
            "signIn",
            "POST",
            "/api/session",
            SHELF,
            Text("登录，取得令牌", "Sign in and get a token"),
            sign_in,
            TokenShape,
            Text(
                "以后每次请求带上 `Authorization: Bearer <token>`。",
                "Send `Authorization: Bearer <token>` with what you ask afterwards.",
            ),
            statuses=(201,),
            body=SignIn,
        ),
        Operation(
            "signOut",
            "DELETE",
            "/api/session",
            SHELF,
            Text("退出，令牌作废", "Sign out; the token is void"),
            sign_out,
            None,
            statuses=(204,),
            security="signed",
        ),
    ]


def find_reader(city: City, request: Request[Any, Any, Any]) -> tuple[Reader, str]:
    """Say who asks: by the token of the header, or, where nothing is changed, by the session's cookie.

    A cookie never suffices to change anything, so that no other site can act in a reader's name.

    Raises
    ------
    Refusal
        With 401 when the token is unknown or over.
    """
    token = read_bearer(request)
    if token is not None:
        reader = city.sessions.find_reader(token) if token else None
        if reader is None:
            raise Refusal(401, Text("令牌无效或已过期；请重新登录", "the token is unknown or over; sign in again"))
        return reader, token
    cookie = request.cookies.get(SESSION_COOKIE, "")
    if cookie and request.method in ("GET", "HEAD"):
        return city.sessions.find_reader(cookie) or OPEN_READER, cookie
    return OPEN_READER, ""


def find_visitor(city: City, request: Request[Any, Any, Any]) -> tuple[Reader, str]:
    """Say who asks for a page: by the session's cookie alone; forms check where they were sent from."""
    cookie = request.cookies.get(SESSION_COOKIE, "")
    return (city.sessions.find_reader(cookie) or OPEN_READER, cookie) if cookie else (OPEN_READER, "")


def health(asked: Asked) -> Done:
    """Whether the city answers, and how far its journal reaches."""
    city = asked.city
    with city.books.read() as tx:
        seq = tx.last_seq()
    title = city.regions.get(city.place.region).name
    failing = city.serving.list_failing()
    return Done(
        HealthShape(
            "troubled" if failing else "open",
            failing,
            city.place.id,
            words(title),
            city.clock.today(),
            city.clock.is_simulated,
            seq,
            version("yucun"),
            city.books.dialect,
        )
    )


def who_am_i(asked: Asked) -> Done:
    """Who asks."""
    return Done(shape_reader(asked.reader))


def sign_in(asked: Asked) -> Done:
    """Judge account and password; the refusal never says which part was wrong."""
    said: SignIn = asked.body
    answer = asked.city.identity.finish(
        {"account": said.account, "password": said.password, "back_to": "/", "source": asked.source}
    )
    if isinstance(answer, Refused):
        raise Refusal(401, answer.reason)
    token = asked.city.sessions.begin(answer.account)
    reader = asked.city.sessions.find_reader(token) or OPEN_READER
    return Done(TokenShape(token, shape_reader(reader)), 201)


def sign_out(asked: Asked) -> Done:
    """End this session."""
    asked.city.sessions.end(asked.token)
    return Done(None, 204)
