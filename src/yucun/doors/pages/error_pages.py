"""Pages for what went wrong: not known, refused, broken; each says what to do next."""

from __future__ import annotations

import logging
from collections.abc import Callable

from litestar import Response
from litestar.exceptions import HTTPException

from yucun.base.errors import AccessError, Yours
from yucun.doors.api.problems import PROBLEMS, known_status, status_of
from yucun.doors.pages.views import ErrorPage, MarkView, Notice
from yucun.doors.pages.visit import AnyRequest, Visit

_log = logging.getLogger(__name__)


def make_error_page(error: Exception, *, is_signed_in: bool) -> ErrorPage:
    """Put an error in words; what is ours is said without its insides."""
    if isinstance(error, Yours):
        status = status_of(error, is_signed_in=is_signed_in)
        notices = tuple(Notice(f.message, f.where, "bad") for f in error.findings)
        mark = None
        if isinstance(error, AccessError) and error.findings:
            mark, notices = MarkView("refused", error.findings[0].message), notices[1:]
        return ErrorPage(status, PROBLEMS[status][1], notices, mark)
    status = known_status(error.status_code) if isinstance(error, HTTPException) else 500
    return ErrorPage(status, PROBLEMS[status][1], ())


def make_error_handler(read: Callable[[AnyRequest], Visit]) -> Callable[[AnyRequest, Exception], Response[str]]:
    """Return a handler that answers every error with a page."""

    def handle(request: AnyRequest, error: Exception) -> Response[str]:
        visit = read(request)
        page = make_error_page(error, is_signed_in=visit.reader.is_signed_in)
        if page.status >= 500:
            _log.error("a page failed: %s", request.url.path, exc_info=error)
        return visit.answer("error.html", "", status=page.status, page=page)

    return handle
