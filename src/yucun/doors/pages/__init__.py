"""The pages of a city: thin handlers that ask the city, make view models and render them."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from yucun.base.errors import Yours
from yucun.city import City
from yucun.doors.desk.live import Closing
from yucun.doors.pages.account_pages import show_my, show_sign_in, sign_in, sign_out
from yucun.doors.pages.assets import send_asset
from yucun.doors.pages.city_page import show_city
from yucun.doors.pages.clauses_page import show_clauses
from yucun.doors.pages.correct_pages import send_correct, send_workbook, show_correct, show_waiting, take_workbook
from yucun.doors.pages.desk_pages import show_feed, show_notice, show_supplier
from yucun.doors.pages.docs_page import show_document, show_shelves
from yucun.doors.pages.duty_pages import make_duty_handlers
from yucun.doors.pages.error_pages import make_error_handler
from yucun.doors.pages.lake_pages import show_lake, show_landing, show_record, show_table
from yucun.doors.pages.loading_pages import make_loading_handlers
from yucun.doors.pages.number_pages import show_number, show_numbers
from yucun.doors.pages.region_page import show_region
from yucun.doors.pages.request_pages import move_request, show_looked, show_request, show_requests, take_request
from yucun.doors.pages.search_page import show_search
from yucun.doors.pages.service_page import show_service, show_services
from yucun.doors.pages.visit import AnyRequest, FindReader, Visit, read_visit

__all__ = ["make_error_handler", "make_pages_router"]


def make_pages_router(city: City, find_reader: FindReader, closing: Closing) -> Router:
    """All pages and their static files.

    Parameters
    ----------
    city : City
        What the pages show.
    find_reader : callable
        From a request to who asks, and the token of the session.
    closing : Closing
        Set when the server closes, so that live pages let go.
    """

    def visit(request: AnyRequest) -> Visit:
        return read_visit(city, find_reader, request)

    handle = make_error_handler(visit)
    return Router(
        path="/",
        route_handlers=[
            send_asset,
            show_city,
            show_region,
            show_services,
            show_service,
            show_clauses,
            show_numbers,
            show_number,
            show_lake,
            show_table,
            show_landing,
            show_record,
            show_waiting,
            show_correct,
            send_correct,
            send_workbook,
            take_workbook,
            show_supplier,
            show_feed,
            show_notice,
            *make_loading_handlers(city),
            *make_duty_handlers(city, closing),
            show_search,
            show_sign_in,
            sign_in,
            sign_out,
            show_my,
            show_requests,
            take_request,
            show_request,
            move_request,
            show_looked,
            show_shelves,
            show_document,
            *_service_handlers(city),
        ],
        dependencies={"visit": Provide(visit, sync_to_thread=True)},
        exception_handlers={Yours: handle, Exception: handle},
    )


def _service_handlers(city: City) -> list[HTTPRouteHandler]:
    """Pages that a service brings beyond its screens; they go with the service."""
    # A city without a service must open, so nothing of it is imported before it is there.
    found: list[HTTPRouteHandler] = []
    if "hotline" in city.services:
        from yucun.doors.pages.hotline_pages import make_hotline_handlers  # noqa: PLC0415

        found += make_hotline_handlers(city)
    if "relief" in city.services:
        from yucun.doors.pages.chief_page import make_chief_handlers  # noqa: PLC0415
        from yucun.doors.pages.my_relief import make_my_relief_handlers  # noqa: PLC0415
        from yucun.doors.pages.relief_pages import make_relief_handlers  # noqa: PLC0415
        from yucun.doors.pages.village_page import make_village_handlers  # noqa: PLC0415
        from yucun.doors.pages.whatif_lab import Lab  # noqa: PLC0415
        from yucun.doors.pages.whatif_page import make_whatif_handlers  # noqa: PLC0415

        found += make_relief_handlers()
        found += make_my_relief_handlers()
        found += make_village_handlers()
        lab = Lab(city)
        found += make_whatif_handlers(lab)
        found += make_chief_handlers(lab)
    if "entitlements" in city.services:
        from yucun.doors.pages.entitlements_pages import make_entitlements_handlers  # noqa: PLC0415

        found += make_entitlements_handlers()
    if "discovery" in city.services:
        from yucun.doors.pages.discovery_pages import make_discovery_handlers  # noqa: PLC0415

        found += make_discovery_handlers()
    if "prosperity" not in city.services:
        return found
    from yucun.doors.pages import index_page, levers_page, report_page, tasks_page  # noqa: PLC0415

    return [
        *found,
        index_page.show_index,
        index_page.send_run,
        levers_page.show_levers,
        tasks_page.show_tasks,
        report_page.show_newest_report,
        report_page.show_report,
    ]
