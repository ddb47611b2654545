"""Files of versions over HTTP: strong tags, parts of large ones, names to keep them under, and reading from anywhere."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from litestar import Request, Response
from litestar.response import Stream

from yucun.kernel.lake.catalogue import FILE_NAMES, OpenFile

AnyRequest = Request[Any, Any, Any]
CHUNK = 256 * 1024
# What is open is open to scripts of any site as well; nothing here depends on who asks.
CROSS_SITE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Disposition, Content-Range, ETag, Link, Repr-Digest",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
# A version never changes but may be withdrawn: so it is kept, and asked about each time.
_CACHE = "public, no-cache"
_LINKED_DATA = "application/ld+json"


def send_file(request: AnyRequest, file: OpenFile) -> Response[Any]:
    """Send a file of a version: all of it, the part that is asked for, or the word that nothing has changed."""
    tag = f'"{file.sha256}"'
    headers = {
        **CROSS_SITE,
        "ETag": tag,
        "Cache-Control": _CACHE,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:",
    }
    if file.form == "csv":
        headers["Link"] = f'<{FILE_NAMES["csvw"]}>; rel="describedby"; type="application/csvm+json"'
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(b"", status_code=304, headers=headers)
    asked = request.headers.get("range", "") if request.headers.get("if-range", tag) == tag else ""
    part = read_range(asked, file.size)
    if part == "beyond":
        return Response(b"", status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    first, last = part if isinstance(part, tuple) else (0, file.size - 1)
    if isinstance(part, tuple):
        headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    headers["Content-Length"] = str(last - first + 1)
    return Stream(
        _read(file.path, first, last - first + 1),
        status_code=206 if isinstance(part, tuple) else 200,
        media_type=file.media_type,
        headers=headers,
    )


def _read(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk


def read_range(asked: str, size: int) -> tuple[int, int] | str:
    """Read a ``Range`` header of one part: first and last byte; ``beyond`` when it lies outside; else empty for all.

    Examples
    --------
    >>> read_range("bytes=0-3", 10), read_range("bytes=-4", 10), read_range("bytes=8-", 10), read_range("bytes=10-", 10)
    ((0, 3), (6, 9), (8, 9), 'beyond')
    >>> read_range("", 10), read_range("bytes=0-1,4-5", 10), read_range("lines=1-2", 10), read_range("bytes=5-2", 10)
    ('', '', '', '')
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked.strip())
    if found is None or not (found[1] or found[2]):
        return ""
    if not found[1]:
        length = min(int(found[2]), size)
        return (size - length, size - 1) if length else "beyond"
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < first:
        return ""
    return (first, last) if first < size else "beyond"


def _matches(asked: str, tag: str) -> bool:
    """Whether a tag is among those asked about; a weak one counts too, since the bytes are the same."""
    return asked.strip() == "*" or tag in [word.strip().removeprefix("W/") for word in asked.split(",")]


def send_linked_data(request: AnyRequest, said: Mapping[str, Any], tag: str) -> Response[Any]:
    """Send a description as JSON-LD."""
    headers = {**CROSS_SITE, "ETag": tag, "Cache-Control": _CACHE, "Vary": "Accept"}
    if _matches(request.headers.get("if-none-match", ""), tag.removeprefix("W/")):
        return Response(b"", status_code=304, headers=headers)
    content = json.dumps(said, ensure_ascii=False, indent=1).encode()
    return Response(content, media_type=_LINKED_DATA, headers=headers)


def wants_linked_data(request: AnyRequest) -> bool:
    """Whether a client asks for JSON-LD rather than for a page."""
    accept = request.headers.get("accept", "").lower()
    return _LINKED_DATA in accept and "text/html" not in accept


def allow_reading() -> Response[Any]:
    """Answer a browser that asks whether a script of another site may read."""
    headers = {
        **CROSS_SITE,
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "If-None-Match, If-Range, Range",
        "Access-Control-Max-Age": "86400",
        "Allow": "GET, HEAD, OPTIONS",
    }
    return Response(b"", status_code=204, headers=headers)
