"""Errors as problem details (RFC 9457), in Chinese or English: every refusal of the API has this one form."""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from yucun.base.errors import AccessError, Finding, NotComparable, NotKnown, Yours
from yucun.base.text import Language, Text
from yucun.doors.api.asking import Unreadable

MEDIA_TYPE = "application/problem+json"
# Status to the last part of the problem's address, and its title.
PROBLEMS: dict[int, tuple[str, Text]] = {
    400: ("not-as-documented", Text("请求不合约定", "The request is not as documented")),
    401: ("not-signed-in", Text("需要登录", "Sign in first")),
    403: ("not-allowed", Text("无权这样做", "Not allowed")),
    404: ("not-known", Text("没有这一项", "Nothing is known by that name")),
    405: ("method", Text("此处不能用这种方法", "That method is not used here")),
    406: ("form", Text("没有这种格式", "Not to be had in that form")),
    409: ("not-comparable", Text("两者不可比", "The two cannot be compared")),
    413: ("too-large", Text("请求过大", "The request is too large")),
    415: ("media-type", Text("不接受这种内容类型", "That media type is not read here")),
    422: ("refused", Text("内容不能接受", "The content cannot be accepted")),
    429: ("too-often", Text("尝试过于频繁", "Too many tries")),
    500: ("ours", Text("系统内部出错", "Something broke on our side")),
    503: ("not-ready", Text("暂时不能服务", "Not ready to serve")),
}


class FindingShape(msgspec.Struct, rename=None):
    """One thing that is wrong: where, what was found, what was expected, and what to do next in both languages."""

    kind: str
    where: str
    found: str
    expected: str
    message: dict[str, str]
    key: str
    record: int | None = None


class Problem(msgspec.Struct):
    """Problem details after RFC 9457; ``findings`` hold the sentences in both languages."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    findings: list[FindingShape]


def choose_language(header: str | None) -> Language:
    """Read ``Accept-Language``: English when it is wanted more than Chinese, else Chinese.

    Examples
    --------
    >>> choose_language("en-GB,en;q=0.9,zh;q=0.5"), choose_language(None), choose_language("de, *;q=0.1")
    ('en', 'zh', 'zh')
    """
    weights = {"zh": 0.0, "en": 0.0}
    for part in (header or "").split(","):
        tag, _, rest = part.strip().partition(";")
        name = tag.strip().lower().split("-")[0]
        try:
            weight = float(rest.replace(" ", "").removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if name in weights:
            weights[name] = max(weights[name], weight)
    return "en" if weights["en"] > weights["zh"] else "zh"


def status_of(error: Yours, *, is_signed_in: bool) -> int:
    """The status that says whose turn it is."""
    match error:
        case Unreadable():
            return 400
        case AccessError():
            return 403 if is_signed_in else 401
        case NotKnown():
            return 404
        case NotComparable():
            return 409
        case _:
            return 422


def make_problem(
    status: int, language: Language, path: str, findings: Sequence[Finding] = (), detail: Text | None = None
) -> Problem:
    """Make the body of a refusal; without findings the title says all that is to be said."""
    name, title = PROBLEMS[status]
    said = detail or (
        Text("；".join(f.message.zh for f in findings), "; ".join(f.message.en for f in findings))
        if findings
        else title
    )
    shapes = [msgspec.convert(f.to_json(), FindingShape) for f in findings]
    return Problem(f"/api/docs#problem-{name}", title.of(language), status, said.of(language), path, shapes)


def known_status(status: int) -> int:
    """A status that the document lists: another one of the client's becomes 400, of ours 500."""
    if status in PROBLEMS:
        return status
    return 400 if status < http.HTTPStatus.INTERNAL_SERVER_ERROR else 500


def encode(problem: Problem) -> bytes:
    """Write the body."""
    return msgspec.json.encode(problem, enc_hook=str)


def headers_of(status: int, allowed: Sequence[str] = ()) -> Mapping[str, Any]:
    """Headers that go with a refusal."""
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="yucun"'}
    return {"Allow": ", ".join(allowed)} if status == 405 and allowed else {}
