"""Static files of the pages: read once, addressed by one hash of them all, kept by browsers for a year."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from yucun.doors.pages.catalogue import WEB

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_FOLDERS = ("styles", "modules", "vendor", "pictures")
_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; the application packs it on its way out."""

    content: bytes
    media_type: str
    tag: str


def _files() -> list[Path]:
    return sorted(
        path for folder in _FOLDERS for path in (WEB / folder).rglob("*") if path.suffix in _TYPES and path.is_file()
    )


@cache
def static_hash() -> str:
    """Twelve hex digits over the names and contents of all static files."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(path.relative_to(WEB).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@cache
def _known() -> dict[str, Path]:
    return {path.relative_to(WEB).as_posix(): path for path in _files()}


@cache
def get_asset(name: str) -> Asset | None:
    """Return a static file by its name below `web`, or None; nothing outside the list can be reached."""
    path = _known().get(name)
    if path is None:
        return None
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    return Asset(content, _TYPES[path.suffix], tag)


@get("/static/{version:str}/{name:path}", include_in_schema=False, sync_to_thread=True)
def send_asset(request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Send a static file; an address of another version is answered but not kept."""
    asset = get_asset(name.lstrip("/"))
    if asset is None:
        raise NotFoundException(name)
    headers = {
        "Cache-Control": _A_YEAR if version == static_hash() else "no-cache",
        "ETag": asset.tag,
    }
    if request.headers.get("if-none-match") == asset.tag:
        return Response(b"", status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
