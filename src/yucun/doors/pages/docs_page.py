"""The documents, rendered from the shelves of Markdown; the first heading of a file is its title."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from markdown_it import MarkdownIt

import yucun
from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.rendering import trusted
from yucun.doors.pages.views import Card, Crumb, DocsPage, Hits
from yucun.doors.pages.visit import Visit

# What a shelf says of itself; the list of documents says it above the shelf.
_ABOUT = "README.md"
_SHELVES = ("ideas", "how-to", "reference", "inside")


def docs_folder() -> Path:
    """The shelves: inside the installed package, or beside the sources in a checkout."""
    packaged = Path(yucun.__file__).parent / "docs"
    return packaged if packaged.is_dir() else Path(yucun.__file__).parents[2] / "docs"


def title_of(path: Path) -> Text:
    """The first heading of a document, English and Chinese with a dot between; its file name when it has none."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            en, _, zh = re.sub(r"[*`_]", "", line[2:]).strip().partition(" · ")
            return Text(zh or en, en)
    return Text.same(path.stem)


@cache
def list_shelves(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Documents by shelf; a file outside the four shelves stands on none."""
    return {shelf: tuple(sorted((folder / shelf).rglob("*.md"))) for shelf in _SHELVES}


def _render_table(_tokens: Any, _index: int, _options: Any, _env: Any) -> str:
    return '<div class="table-box" tabindex="0" role="region"><table>'


@cache
def _markdown() -> MarkdownIt:
    """Markdown without raw HTML, so that a document cannot bring a script."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", lambda _self, *given: _render_table(*given))
    markdown.add_render_rule("table_close", lambda _self, *_given: "</table></div>")
    return markdown


def make_shelves(folder: Path) -> tuple[Hits, ...]:
    """The shelves as lists of links."""
    return tuple(
        Hits(
            words()[f"docs.{shelf}"],
            tuple(_card(folder, path) for path in paths if path.name != _ABOUT),
            words()[f"docs.about_{shelf}"],
        )
        for shelf, paths in list_shelves(folder).items()
        if paths
    )


def _card(folder: Path, path: Path) -> Card:
    name = path.relative_to(folder).with_suffix("").as_posix()
    return Card(title_of(path), f"/docs/{name}")


@get("/docs", include_in_schema=False, sync_to_thread=True)
def show_shelves(visit: NamedDependency[Visit]) -> Response[str]:
    """All documents."""
    return visit.answer("docs.html", "docs", page=DocsPage(words()["docs.title"], make_shelves(docs_folder()), ""))


@get("/docs/{name:path}", include_in_schema=False, sync_to_thread=True)
def show_document(visit: NamedDependency[Visit], name: FromPath[str]) -> Response[str]:
    """One document."""
    folder = docs_folder()
    wanted = name.strip("/").removesuffix(".md")
    known = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for paths in list_shelves(folder).values()
        for path in paths
    }
    path = known.get(wanted)
    if path is None:
        raise NotKnown(
            Finding("pages.document", "/docs", wanted[:120], "/docs", words().fill("docs.missing", name=wanted[:60]))
        )
    html = trusted(_markdown().render(path.read_text(encoding="utf-8")))
    crumbs = (Crumb(words()["docs.title"], "/docs"),)
    return visit.answer("docs.html", "docs", page=DocsPage(title_of(path), (), html, crumbs))
