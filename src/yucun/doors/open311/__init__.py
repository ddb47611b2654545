"""Open311 GeoReport v2: other programs list services, send requests and follow them, in XML and JSON."""

from yucun.doors.open311.routes import make_open311_routes

__all__ = ["make_open311_routes"]
