"""The API's own page: the same list of operations in words, in the city's look, without script or network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from markdown_it import MarkdownIt
from markdown_it.token import Token

from yucun.base.text import Text
from yucun.city import City
from yucun.doors.api import list_operations
from yucun.doors.api.describing import write_markdown
from yucun.doors.pages.rendering import trusted
from yucun.doors.pages.views import DocsPage
from yucun.doors.pages.visit import FindReader, Visit, read_visit

AnyRequest = Request[Any, Any, Any]


def make_api_pages(city: City, find_reader: FindReader) -> list[HTTPRouteHandler]:
    """``/api/docs``, and ``/api`` which leads there."""
    operations = list_operations(city)

    def make(visit: Visit) -> DocsPage:
        html = trusted(_markdown().render(write_markdown(operations, visit.language)))
        return DocsPage(Text("接口", "The API"), (), html)

    @get("/api/docs", include_in_schema=False, sync_to_thread=True)
    def show_api(request: AnyRequest) -> Response[str]:
        """Show the page."""
        return read_visit(city, find_reader, request).show("docs.html", "open", make)

    @get("/api", include_in_schema=False, sync_to_thread=False)
    def lead_on() -> Response[str]:
        """Lead to the page."""
        return Response("", status_code=303, headers={"Location": "/api/docs"})

    return [show_api, lead_on]


@cache
def _markdown() -> MarkdownIt:
    """Markdown without raw HTML; headings and bold names that begin with ``problem-`` can be linked to."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", lambda *_: '<div class="table-box" tabindex="0" role="region"><table>')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>")
    markdown.add_render_rule("strong_open", _open_strong)
    return markdown


def _open_strong(_self: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    word = tokens[index + 1].content if index + 1 < len(tokens) else ""
    return f'<strong id="{word}">' if re.fullmatch(r"problem-[a-z-]+", word) else "<strong>"
