"""From view models to HTML: one Jinja environment, the words in one language, and addresses that keep the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from yucun.base.text import LANGUAGES, Language, Text
from yucun.doors.pages.catalogue import WEB, words
from yucun.doors.pages.views import Frame
from yucun.kernel.indicators.model import MARK_TITLES, Evidence

# Each kind of evidence: its sign, and the class that colours it.
EVIDENCE_SIGNS: dict[Evidence, tuple[str, str]] = {
    "seen": ("●", "real"),
    "law": ("●", "real"),
    "computed": ("●", "real"),
    "press": ("❝", "press"),
    "unverified": ("●", "unsure"),
    "made_up": ("◌", "made-up"),
}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def make_address(path: str, query: Iterable[tuple[str, str]], **changes: object) -> str:
    """Return an address with some of its query changed; None takes a key away.

    Examples
    --------
    >>> make_address("/numbers", [("q", "收入"), ("page", "3")], page=None, sort="title")
    '/numbers?q=%E6%94%B6%E5%85%A5&sort=title'
    """
    pairs = [(k, v) for k, v in query if k not in changes]
    pairs += [(k, str(v)) for k, v in changes.items() if v is not None]
    return path + ("?" + urlencode(pairs, quote_via=quote) if pairs else "")


def _wording(language: Language) -> tuple[Callable[..., str], Callable[[Text], str]]:
    catalogue = words()

    def t(key: str, **values: object) -> str:
        return catalogue.fill(key, **values).of(language) if values else catalogue[key].of(language)

    def say(text: Text) -> str:
        return text.of(language)

    return t, say


def render(template: str, frame: Frame, **views: object) -> str:
    """Render one page.

    Parameters
    ----------
    template : str
        File name below ``web/templates``.
    frame : Frame
        What stands around every page.
    views : view models
        What this page shows, under the names that its template uses.
    """
    t, say = _wording(frame.language)

    def here(**changes: object) -> str:
        return make_address(frame.path, frame.query, **changes)

    return (
        _environment()
        .get_template(template)
        .render(
            frame=frame,
            t=t,
            say=say,
            here=here,
            other=next(language for language in LANGUAGES if language != frame.language),
            signs=EVIDENCE_SIGNS,
            marks=MARK_TITLES,
            **views,
        )
    )


def trusted(html: str) -> Markup:
    """Mark HTML that our own Markdown renderer made (raw HTML switched off) as safe to place."""
    return Markup(html)  # noqa: S704 - the only caller renders with html=False
