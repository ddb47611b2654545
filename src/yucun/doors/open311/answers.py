"""Answers of GeoReport v2 in its two forms: the same fields as XML elements and as JSON members."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

Form = Literal["xml", "json"]
MEDIA_TYPES: Mapping[Form, str] = {"xml": "text/xml", "json": "application/json; charset=utf-8"}
# A list is written as the plural element with one singular element each.
_SINGULAR: Mapping[str, str] = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "attributes": "attribute",
    "values": "value",
    "changeset": "change",
    "endpoints": "endpoint",
    "formats": "format",
}


class Refused(Exception):  # noqa: N818 - an answer of the standard, with its code
    """A refusal as the standard words it: a code and what was wrong."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


def write(root: str, said: Sequence[Any] | Mapping[str, Any], form: Form) -> bytes:
    """Write an answer: JSON as it is, XML under its root element.

    Examples
    --------
    >>> write("services", [{"service_code": "1", "metadata": True, "group": None}], "xml").decode().split("?>")[1].strip()
    '<services><service><service_code>1</service_code><metadata>true</metadata><group /></service></services>'
    >>> write("errors", [{"code": 404}], "json")
    b'[{"code": 404}]'
    """
    if form == "json":
        return json.dumps(said, ensure_ascii=False).encode()
    top = Element(root)
    _fill(top, root, said)
    content: bytes = tostring(top, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + content


def _fill(element: Element, name: str, said: Any) -> None:
    if isinstance(said, Mapping):
        for key, value in said.items():
            _fill(SubElement(element, key), key, value)
    elif isinstance(said, list | tuple):
        for one in said:
            _fill(SubElement(element, _SINGULAR[name]), _SINGULAR[name], one)
    elif isinstance(said, bool):
        element.text = "true" if said else "false"
    elif said is not None and said != "":
        element.text = "".join(c for c in str(said) if c in "\t\n\r" or (ord(c) >= 32 and c not in "\ufffe\uffff"))
