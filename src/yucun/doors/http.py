"""The city over HTTP: pages and API in one application, and the one process that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import Any

import uvloop
from granian.server.embed import Server
from litestar import Litestar, Request, Response
from litestar.concurrency import get_asyncio_executor, set_asyncio_executor
from litestar.config.compression import CompressionConfig
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.api import make_api_routes
from yucun.doors.api.city_state import find_visitor
from yucun.doors.api.problems import choose_language
from yucun.doors.api.routes import make_refusal
from yucun.doors.api_page import make_api_pages
from yucun.doors.desk.live import Closing
from yucun.doors.open import AS_IT_LIES, make_open_routes
from yucun.doors.pages import make_error_handler, make_pages_router
from yucun.doors.pages.visit import SECURITY_HEADERS, read_visit

AnyRequest = Request[Any, Any, Any]
# Each thread holds its own connection to the engine; more of them than this only wait for the same two cores.
THREADS = 8
_FORM_BYTES = 64 * 1024
_MOST_TRIES = 50
# Seconds that requests under way have to end after a signal.
_PATIENCE_S = 10
# Pages that most visitors open first.
_WARMED = ("/", "/service", "/numbers", "/lake", "/open")
_SWITCH_S = 0.0005
# Connections open at once, files beside them, and connections that wait to be taken up.
_CONNECTIONS, _OTHER_FILES, _BACKLOG = 8192, 512, 1024
_log = logging.getLogger("yucun.http")


def make_http(city: City, closing: Closing | None = None) -> Litestar:
    """Compose the application: pages, API, documents of the API, static files.

    Parameters
    ----------
    closing : Closing or None
        Set when the server closes, so that pages that listen let go.

    Every answer carries the security headers; every refusal below ``/api`` is a problem, every other one a page.
    """
    find = partial(find_visitor, city)
    show_error = make_error_handler(lambda request: read_visit(city, find, request))

    def refuse(request: AnyRequest, error: Exception) -> Response[Any]:
        if request.url.path == "/api" or request.url.path.startswith("/api/"):
            language = choose_language(request.headers.get("accept-language"))
            return _add_headers(make_refusal(error, language, request.url.path, is_signed_in=False))
        answer = show_error(request, error)
        if isinstance(error, HTTPException) and error.headers and "allow" in error.headers:
            answer.headers["Allow"] = error.headers["allow"].upper()
        return _add_headers(answer)

    return Litestar(
        [
            make_pages_router(city, find, closing or Closing()),
            *make_api_routes(city),
            *make_api_pages(city, find),
            *make_open_routes(city, find),
            *_make_service_routes(city),
        ],
        exception_handlers={HTTPException: refuse, Exception: refuse},
        after_request=_secure,
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=4, minimum_size=1000, exclude_opt_key=AS_IT_LIES
        ),
        request_max_body_size=_FORM_BYTES,
        openapi_config=None,
        logging_config=None,
    )


def _make_service_routes(city: City) -> list[HTTPRouteHandler]:
    """Ways in that a service brings beside pages and API; nothing of it is imported before it is there."""
    if "hotline" not in city.services:
        return []
    from yucun.doors.open311 import make_open311_routes  # noqa: PLC0415

    return make_open311_routes(city)


async def _secure(response: Response[Any]) -> Response[Any]:
    return _add_headers(response)


def _add_headers(response: Response[Any]) -> Response[Any]:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def find_port(host: str, wanted: int) -> int:
    """Return the wanted port, or the next free one; 0 asks for any.

    Raises
    ------
    PlaceError
        If the host is not an address of this machine, or no port is free.
    """
    for port in range(wanted, min(wanted + _MOST_TRIES, 65_536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    continue
                raise PlaceError(_no_address(host, str(error))) from None
            return int(probe.getsockname()[1])
    raise PlaceError(_no_address(host, f"{wanted} .. {wanted + _MOST_TRIES}"))


def _no_address(host: str, found: str) -> Finding:
    return Finding(
        "http.address",
        host,
        found[:120],
        "a free port of an address of this machine",
        Text(
            f"不能在 {host} 上监听（{found}）；请用 --host 和 --port 换一个",
            f"cannot listen on {host} ({found}); choose another with --host and --port",
        ),
    )


def serve(city: City, host: str, port: int, opened: Callable[[str], None]) -> None:
    """Serve until a signal asks to stop; requests under way are answered first.

    Parameters
    ----------
    port : int
        A free one, see `find_port`.
    opened : callable
        Told the address once it answers.
    """
    if get_asyncio_executor() is None:
        set_asyncio_executor(ThreadPoolExecutor(THREADS, "yucun"))
    closing = Closing()
    _settle_memory()
    # The engine lets go of the interpreter at each statement of its books; beside a thread that computes it gets it
    # back after this long.
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    city.start()
    try:
        uvloop.run(_serve(make_http(city, closing), host, port, opened, closing))
    finally:
        city.stop()
        gc.unfreeze()
        sys.setswitchinterval(before)


def _settle_memory() -> None:
    """What was made until here lives as long as the process; looking through it time and again would stop everybody."""
    gc.collect()
    gc.freeze()


def _allow_connections() -> int:
    """How many connections may be open at once: every open desk holds one, and browsers keep theirs for a while.

    The server's own limit of 128 would let the 129th wait until another closes, however idle that one is.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OTHER_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    allowed = most if soft == resource.RLIM_INFINITY else min(soft, most)
    return max(allowed - _OTHER_FILES, allowed // 2)


async def _serve(app: Litestar, host: str, port: int, opened: Callable[[str], None], closing: Closing) -> None:
    server = Server(
        _answer_head(app), host, port, interface="asgi",  # type: ignore[arg-type]
        websockets=False, log_enabled=False, backlog=_BACKLOG, backpressure=_allow_connections(),
    )  # fmt: skip
    server.workers_kill_timeout = _PATIENCE_S
    loop = asyncio.get_running_loop()

    def stop() -> None:
        closing.close()
        server.stop()  # type: ignore[no-untyped-call]

    for name in (signal.SIGINT, signal.SIGTERM):
        # Only the main thread may ask for signals; elsewhere whoever started us stops us.
        with contextlib.suppress(ValueError, RuntimeError):
            loop.add_signal_handler(name, stop)
    serving = asyncio.create_task(server.serve())
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if await _answers(host, port, serving):
        opened(address)
        warming = asyncio.create_task(_warm(host, port))
        warming.add_done_callback(lambda _: _settle_memory())
        serving.add_done_callback(lambda _: warming.cancel())
    await serving


def _answer_head(app: Litestar) -> Any:
    """Answer HEAD as GET everywhere; the server leaves the body out."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}
        await app(scope, receive, send)

    return answer


async def _warm(host: str, port: int) -> None:
    """Ask for the main pages once, one after the other, so that the first visitor finds them made.

    Between two of them it rests as long as the last one took: whoever asks meanwhile has at least half the machine.
    """
    loop = asyncio.get_running_loop()
    for language, path in product(("zh-CN", "en"), _WARMED):
        asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Language: {language}\r\nConnection: close\r\n\r\n"
        start = loop.time()
        # The server may be closing; what was not made now is made when somebody asks.
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(_reach(host), port)
            try:
                writer.write(asked.encode())
                await reader.read()
            finally:
                writer.close()
        await asyncio.sleep(loop.time() - start)


def _reach(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host


async def _answers(host: str, port: int, serving: asyncio.Task[None]) -> bool:
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(_reach(host), port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return True
    return False
