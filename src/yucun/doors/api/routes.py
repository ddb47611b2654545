"""From operations to routes: check what is asked, answer in the form that was asked for, and say every refusal alike."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Response
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler, route

from yucun.base.errors import Finding, Yours
from yucun.base.text import Language, Text
from yucun.city import City
from yucun.doors.api.asking import Asked, Done, Form, Operation, Sheet, Unreadable, Upload
from yucun.doors.api.kept import Kept, KeptAnswers
from yucun.doors.api.parameters import is_clean
from yucun.doors.api.problems import (
    MEDIA_TYPE,
    Problem,
    choose_language,
    encode,
    headers_of,
    known_status,
    make_problem,
    status_of,
)
from yucun.doors.api.writing import MEDIA_TYPES, write_csv, write_parquet, write_xlsx
from yucun.doors.desk.acting import PATIENCE_S
from yucun.kernel.access import OPEN_READER, Reader, Sessions
from yucun.kernel.books.reading import Question
from yucun.kernel.engine import Turn

AnyRequest = Request[Any, Any, Any]
FindReader = Callable[[AnyRequest], tuple[Reader, str]]
MOST_BYTES = 64 * 1024 * 1024
_FORM_BYTES = 64 * 1024
# Another program may answer otherwise from the same books, so no tag outlives the process.
_STARTED = secrets.token_hex(8)
_MOST_KEPT = 32 * 1024 * 1024
_CACHE = "private, no-cache"
_VARY = "Accept, Accept-Language, Authorization, Cookie"
_LOG = logging.getLogger("yucun.api")
# Threads that wait for the engine's next commit; they sleep meanwhile.
_WAITING = ThreadPoolExecutor(16, "yucun-waits")


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """A refusal that is not about what a parameter means: no such form, no such media type, not signed in."""

    def __init__(self, status: int, detail: Text | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail


def make_routes(city: City, operations: Sequence[Operation], find_reader: FindReader) -> list[HTTPRouteHandler]:
    """One route for each path, which knows all methods of it.

    Parameters
    ----------
    find_reader : callable
        From a request to who asks and the token of the session.
    """
    paths: dict[str, dict[str, Door]] = {}
    kept = KeptAnswers(_MOST_KEPT)
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = Door(city, operation, find_reader, kept)
    return [_make_route(path, doors) for path, doors in paths.items()]


def _make_route(path: str, doors: Mapping[str, Door]) -> HTTPRouteHandler:
    async def answer(request: AnyRequest) -> Response[bytes]:
        return await doors[request.method].receive(request)

    # A status of its own, since the usual one of DELETE forbids a body; each answer says its real one.
    return route(
        path.replace("}", ":str}"),
        http_method=[HttpMethod(method) for method in doors],
        include_in_schema=False,
        status_code=200,
        request_max_body_size=MOST_BYTES if any(d.operation.body == "file" for d in doors.values()) else _FORM_BYTES,
    )(answer)


class Door:
    """Answers the requests for one operation."""

    def __init__(self, city: City, operation: Operation, find_reader: FindReader, kept: KeptAnswers) -> None:
        self.city = city
        self.operation = operation
        self._find_reader = find_reader
        self._kept = kept

    async def receive(self, request: AnyRequest) -> Response[bytes]:
        """Answer one request; who asks is settled before a file is read, and whatever goes wrong becomes a problem.

        But for files the whole answer is worked out on one thread, since every change of thread costs.
        """
        try:
            if self.operation.body == "file":
                reader, token = await sync_to_thread(self._settle_reader, request)
                upload = await self._read_file(request)
                return await sync_to_thread(self._answer_safely, request, reader, token, upload)
            content = await request.body() if self.operation.body is not None else b""
            if self.operation.in_turn is not None:
                questions = (*self.operation.in_turn(request.path_params), *_ask_who(request))
                turn = self.city.serving.run(self._answer_in_turn(request, content), questions)
                async with asyncio.timeout(PATIENCE_S):
                    return await asyncio.wrap_future(turn)
            if self.operation.waits:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(_WAITING, self._settle_and_answer, request, content)
            return await sync_to_thread(self._settle_and_answer, request, content)
        except Exception as error:  # noqa: BLE001 - the last door: whatever it was, the answer is a problem
            return self._refuse(request, error, OPEN_READER)

    def _settle_and_answer(self, request: AnyRequest, content: bytes) -> Response[bytes]:
        try:
            reader, token = self._settle_reader(request)
        except Exception as error:  # noqa: BLE001 - as above
            return self._refuse(request, error, OPEN_READER)
        return self._answer_safely(request, reader, token, content)

    def _settle_reader(self, request: AnyRequest) -> tuple[Reader, str]:
        is_told = "authorization" in request.headers or "cookie" in request.headers
        reader, token = self._find_reader(request) if is_told else (OPEN_READER, "")
        if self.operation.security == "signed" and not reader.is_signed_in:
            raise Refusal(401)
        return reader, token

    def _answer_safely(self, request: AnyRequest, reader: Reader, token: str, said: bytes | Upload) -> Response[bytes]:
        try:
            body = said if isinstance(said, Upload) else self._read_json(request, said)
            return self._answer(request, reader, token, body)
        except Exception as error:  # noqa: BLE001 - as above
            return self._refuse(request, error, reader)

    @staticmethod
    def _refuse(request: AnyRequest, error: Exception, reader: Reader) -> Response[bytes]:
        language = choose_language(request.headers.get("accept-language"))
        return make_refusal(error, language, request.url.path, is_signed_in=reader.is_signed_in)

    def _answer(self, request: AnyRequest, reader: Reader, token: str, body: Any) -> Response[bytes]:
        operation, language = self.operation, choose_language(request.headers.get("accept-language"))
        query = read_query(request)
        form = self._choose_form(request, query)
        tag = self._tag(request, reader, language, form) if operation.method == "GET" else ""
        if tag and tag in [word.strip() for word in request.headers.get("if-none-match", "").split(",")]:
            return Response(b"", status_code=304, headers={"ETag": tag, "Vary": _VARY, "Cache-Control": _CACHE})
        # Whoever is signed in gets every answer anew, so that each look is noted.
        may_keep = bool(tag) and not reader.is_signed_in
        kept = self._kept.find(tag) if may_keep else None
        if kept is not None:
            return Response(kept.content, media_type=kept.media_type, headers=dict(kept.headers))
        asked = self._make_asked(request, reader, token, language, form, query, body)
        answer = operation.run(asked)
        assert not isinstance(answer, Generator), operation.name
        response = self._write(asked, answer, tag)
        if may_keep and response.status_code == 200 and response.media_type:
            self._kept.keep(tag, Kept(response.content, str(response.media_type), dict(response.headers)))
        return response

    def _answer_in_turn(self, request: AnyRequest, content: bytes) -> Turn[Response[bytes]]:
        """Answer one request on the engine's thread; whatever goes wrong becomes a problem."""
        reader = OPEN_READER
        try:
            reader, token = self._settle_reader(request)
            language = choose_language(request.headers.get("accept-language"))
            query = read_query(request)
            body = self._read_json(request, content)
            asked = self._make_asked(request, reader, token, language, "json", query, body)
            answer = self.operation.run(asked)
            assert isinstance(answer, Generator), self.operation.name
            done = yield from answer
            return self._write(asked, done, "")
        except Exception as error:  # noqa: BLE001 - as above
            return self._refuse(request, error, reader)

    def _make_asked(
        self,
        request: AnyRequest,
        reader: Reader,
        token: str,
        language: Language,
        form: Form,
        query: Sequence[tuple[str, str]],
        body: Any,
    ) -> Asked:
        values = self.operation.read(request.path_params, query)
        source = request.client.host if request.client else ""
        return Asked(self.city, reader, token, language, form, values, body, request.url.path, source, query)

    def _tag(self, request: AnyRequest, reader: Reader, language: Language, form: Form) -> str:
        """Everything that an answer depends on; equal tags mean equal answers, so none need be worked out."""
        with self.city.books.read() as tx:
            seq = tx.last_seq()
        said = [
            _STARTED,
            seq,
            self.city.clock.today(),
            reader.account,
            language,
            form,
            str(request.url.path),
            request.url.query,
        ]
        return f'W/"{hashlib.sha256(repr(said).encode()).hexdigest()[:24]}"'

    def _choose_form(self, request: AnyRequest, query: Sequence[tuple[str, str]]) -> Form:
        named = dict(query).get("format")
        if named in self.operation.forms and any(p.name == "format" for p in self.operation.parameters):
            return named
        if self.operation.method != "GET":
            return "json"
        offered = self.operation.forms
        if isinstance(self.operation.answer, Mapping) and "content" in self.operation.answer:
            return "json"
        form = choose_form(request.headers.get("accept"), offered)
        if form is None:
            raise Refusal(406, Text("可用格式：" + "、".join(offered), "to be had as " + ", ".join(offered)))
        return form

    def _write(self, asked: Asked, answer: Sheet | Done, tag: str) -> Response[bytes]:
        headers = {"Vary": _VARY, "Cache-Control": _CACHE}
        if tag:
            headers["ETag"] = tag
        if isinstance(answer, Done):
            status = answer.status or self.operation.statuses[0]
            headers |= answer.headers
            content = (
                b"" if status == 204 else answer.shape if isinstance(answer.shape, bytes) else to_json(answer.shape)
            )
            media_type = headers.pop("Content-Type", MEDIA_TYPES["json"])
            return Response(content, status_code=status, media_type=media_type, headers=headers)
        if answer.next_page:
            headers["Link"] = f'<{answer.next_page}>; rel="next"'
        if asked.form != "json":
            name = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in answer.name)
            headers["Content-Disposition"] = f'attachment; filename="{name}.{asked.form}"'
        return Response(
            write_sheet(answer, asked.form, asked.language), media_type=MEDIA_TYPES[asked.form], headers=headers
        )

    async def _read_file(self, request: AnyRequest) -> Upload:
        if request.content_type[0] != "multipart/form-data":
            raise Refusal(415, Text("请用 multipart/form-data 送文件", "send the file as multipart/form-data"))
        return await _read_upload(request, self.operation.body_fields)

    def _read_json(self, request: AnyRequest, content: bytes) -> Any:
        """Read a JSON body as the operation declares it; None where it declares none."""
        if self.operation.body is None:
            return None
        if request.content_type[0] != "application/json":
            raise Refusal(415, Text("请用 application/json", "send application/json"))
        try:
            return msgspec.json.decode(content, type=self.operation.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(_bad_body(str(error))) from None


def read_bearer(request: AnyRequest) -> str | None:
    """The token that a request names as its bearer's; None where it names none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _ask_who(request: AnyRequest) -> list[Question]:
    """What finding the reader will ask the books for a request with a token."""
    token = read_bearer(request)
    return [Sessions.question(token)] if token else []


async def _read_upload(request: AnyRequest, fields: Collection[str]) -> Upload:
    """Read the file, whether it is a correction, and what was said for fields that the file has no column for."""
    form = await request.form()
    pairs = list(form.multi_items())
    names = [name for name, _ in pairs]
    unknown = [name for name in names if name not in ("file", "correct", *fields)]
    if unknown or len(set(names)) != len(names):
        raise Unreadable(_bad_body(", ".join((unknown or names)[:5]), ", ".join(("file", "correct", *fields))))
    file, correct = form.get("file"), form.get("correct", "false")
    if not isinstance(file, UploadFile) or correct not in ("true", "false"):
        raise Unreadable(_bad_body("file, correct", "a file; correct is true or false"))
    given = {name: form.get(name) for name in names if name in fields}
    if not all(is_clean(value) for value in given.values()):
        raise Unreadable(_bad_body(", ".join(given), "text without control characters"))
    name = (file.filename or "").replace("\\", "/").rsplit("/", 1)[-1]
    return Upload(await file.read(), _clean_name(name), {n: str(v) for n, v in given.items()}, correct == "true")


def _clean_name(name: str) -> str:
    kept = "".join(c for c in name if c.isprintable())[:200].strip()
    return kept or "file"


def _bad_body(found: str, expected: str = "as the document says") -> Finding:
    return Finding(
        "api.body",
        "body",
        found[:120],
        expected[:120],
        Text(
            f"请求内容不合约定：{found[:120]}；见 /api/docs",
            f"the body is not as documented: {found[:120]}; see /api/docs",
        ),
        "body",
    )


def read_query(request: AnyRequest) -> list[tuple[str, str]]:
    """The query as pairs, exactly as it was asked."""
    raw: bytes = request.scope["query_string"]
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except (UnicodeDecodeError, ValueError):
        raise Unreadable(
            Finding(
                "api.query",
                "query",
                repr(raw[:100]),
                "UTF-8, percent-encoded",
                Text(
                    "查询串不是按百分号编码的 UTF-8；请重新编码",
                    "the query is not percent-encoded UTF-8; encode it again",
                ),
            )
        ) from None


def choose_form(accept: str | None, offered: Sequence[Form]) -> Form | None:
    """The best form that a client accepts; None when it accepts none.

    Examples
    --------
    >>> offered = ("json", "csv")
    >>> choose_form("text/csv, application/json;q=0.5", offered), choose_form("image/png", offered), choose_form(None, offered)
    ('csv', None, 'json')
    """
    if not accept or not accept.strip():
        return offered[0]
    weights: dict[Form, tuple[int, float]] = {}
    for part in accept.split(","):
        kind, _, rest = part.strip().lower().partition(";")
        said = dict(p.strip().partition("=")[::2] for p in rest.split(";") if p.strip())
        try:
            weight = float(said.get("q", 1))
        except ValueError:
            weight = 0.0
        for form in offered:
            own = MEDIA_TYPES[form]
            exactness = 3 if kind == own else 2 if kind == own.split("/")[0] + "/*" else 1 if kind == "*/*" else 0
            if exactness and exactness >= weights.get(form, (0, 0.0))[0]:
                weights[form] = (exactness, weight)
    best = max(offered, key=lambda form: weights.get(form, (0, 0.0))[1])
    return best if weights.get(best, (0, 0.0))[1] > 0 else None


def write_sheet(sheet: Sheet, form: Form, language: Language) -> bytes:
    """Write a table in one form."""
    match form:
        case "json":
            return to_json(sheet.shape())
        case "csv":
            return write_csv(sheet.table())
        case "parquet":
            return write_parquet(sheet.table())
        case "xlsx":
            return write_xlsx(sheet.table(), sheet.name, sheet.columns, sheet.about, language)


def to_json(shape: Any) -> bytes:
    """Write JSON; our identities are text."""
    return msgspec.json.encode(shape, enc_hook=str)


def make_refusal(error: Exception, language: Language, path: str, *, is_signed_in: bool) -> Response[bytes]:
    """Any error as problem details; what is our own fault is logged with its traceback."""
    allowed: list[str] = []
    match error:
        case Refusal():
            problem = make_problem(error.status, language, path, detail=error.detail)
        case Yours():
            problem = make_problem(status_of(error, is_signed_in=is_signed_in), language, path, error.findings)
        case HTTPException():
            status = known_status(error.status_code)
            allowed = [w.strip().upper() for w in (error.headers or {}).get("allow", "").split(",") if w.strip()]
            problem = make_problem(status, language, path)
        case _:
            problem = make_problem(500, language, path)
    if problem.status >= 500:
        _LOG.error("%s: %s", path, error, exc_info=error)
    return send_problem(problem, allowed)


def send_problem(problem: Problem, allowed: Sequence[str] = ()) -> Response[bytes]:
    """Write a refusal."""
    headers = {"Cache-Control": "no-store", "Vary": _VARY, **headers_of(problem.status, allowed)}
    return Response(encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)
