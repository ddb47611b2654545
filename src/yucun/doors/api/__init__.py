"""The API: one list of operations, from which come the routes, the checks on what is asked, and the OpenAPI document."""

from __future__ import annotations

from functools import partial

from litestar.handlers import HTTPRouteHandler

from yucun.base.text import Text
from yucun.city import City
from yucun.doors.api import cases, city_state, feeds, landings, numbers, regions, requests, tables
from yucun.doors.api.asking import Asked, Done, Operation
from yucun.doors.api.openapi import make_document
from yucun.doors.api.routes import make_routes


def list_operations(city: City) -> list[Operation]:
    """All operations of a city, in the order of the document."""
    modules = (numbers, tables, feeds, landings, regions, requests, cases, city_state)
    found = [o for module in modules for o in module.list_operations(city)]
    if "prosperity" in city.services:
        # What a service brings goes with it, so nothing of it is imported before it is there.
        from yucun.doors.api import prosperity  # noqa: PLC0415

        found += prosperity.list_operations(city)
    order = ("numbers", "tables", "rows", "sending", "cases", "requests", "regions", "search", "city")
    found.sort(key=lambda o: order.index(o.shelf))
    document = Operation(
        "openapi",
        "GET",
        "/api/openapi.json",
        "city",
        Text("这份说明，供机器读", "This document, for machines"),
        partial(_send_document, found),
        {"type": "object", "required": ["openapi", "info", "paths"]},
    )
    found.append(document)
    return found


def _send_document(operations: list[Operation], asked: Asked) -> Done:
    title = asked.city.regions.get(asked.city.place.region).name
    return Done(make_document(operations, asked.language, title))


def make_api_routes(city: City) -> list[HTTPRouteHandler]:
    """The routes of the API."""
    return make_routes(city, list_operations(city), partial(city_state.find_reader, city))


__all__ = ["list_operations", "make_api_routes"]
