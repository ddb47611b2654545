"""The OpenAPI 3.1 document, written from the list of operations; nothing in it is written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from yucun.base.text import Language, Text
from yucun.doors.api.asking import Operation, Parameter
from yucun.doors.api.parameters import FREE_WORDS
from yucun.doors.api.problems import MEDIA_TYPE, PROBLEMS, Problem
from yucun.doors.api.writing import MEDIA_TYPES

_REFERENCE = "#/components/schemas/{name}"
_SUCCESS = {
    200: Text("回答", "The answer"),
    201: Text("已收下", "Taken in"),
    204: Text("已完成", "Done"),
    304: Text("与 If-None-Match 所说的相同", "The same as If-None-Match says"),
}
# What any operation may answer, whatever it is.
ALWAYS = (400, 401, 405, 500)
_BINARY = {"type": "string", "format": "binary"}
_ETAG = {"ETag": {"schema": {"type": "string"}}}


def make_document(operations: Sequence[Operation], language: Language, title: Text) -> dict[str, Any]:
    """Write the document in one language.

    Parameters
    ----------
    operations : sequence of Operation
        All operations of this city.
    title : Text
        Name of the place.
    """
    shapes = {o.answer for o in operations if isinstance(o.answer, type)} | {Problem}
    shapes |= {o.body for o in operations if isinstance(o.body, type)}
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, language)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": Text(f"余村 · {title.zh}", f"Yucun · {title.en}").of(language),
            "version": version("yucun"),
            "description": Text(
                "每个数都能追问来处：定义、分子分母、记录、文件。",
                "Every number can be asked where it comes from: definition, parts, records, files.",
            ).of(language),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(o.shelf for o in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem(status, language) for status in PROBLEMS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, language: Language) -> dict[str, Any]:
    said = {
        "operationId": operation.name,
        "tags": [operation.shelf],
        "summary": operation.title.of(language),
        "parameters": [_parameter(p, language) for p in operation.parameters],
        "responses": {
            **{str(s): _answer(operation, s, language) for s in operation.statuses},
            **({"304": {"description": _SUCCESS[304].of(language)}} if operation.method == "GET" else {}),
            **{str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in list_problems(operation)},
        },
        "security": [{"token": []}] if operation.security == "signed" else [{}, {"token": []}],
    }
    if operation.meaning.zh:
        said["description"] = operation.meaning.of(language)
    if operation.body is not None:
        said["requestBody"] = _body(operation, language)
    return said


def list_problems(operation: Operation) -> list[int]:
    """All refusals that an operation may answer with, in order."""
    found = {*ALWAYS, *operation.problems}
    if operation.method == "GET":
        found.add(406)
    if any(p.place == "path" for p in operation.parameters):
        found.add(404)
    if operation.security == "signed":
        found.add(403)
    if operation.body is not None:
        found |= {413, 415}
    return sorted(found)


def _parameter(parameter: Parameter, language: Language) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.meaning.of(language),
        "required": parameter.required or parameter.place == "path",
        "schema": {k: v for k, v in parameter.schema.items() if k != "description"},
    }
    if parameter.example != "":
        said["example"] = parameter.example
    return said


def _answer(operation: Operation, status: int, language: Language) -> dict[str, Any]:
    said: dict[str, Any] = {"description": _SUCCESS[status].of(language)}
    if operation.method == "GET":
        said["headers"] = _ETAG
    if operation.answer is None or status == 204:
        return said
    content: dict[str, Any] = {}
    for form in operation.forms:
        content[MEDIA_TYPES[form]] = {"schema": _schema(operation.answer) if form == "json" else _BINARY}
    if isinstance(operation.answer, Mapping) and "content" in operation.answer:
        content = dict(operation.answer["content"])
    said["content"] = content
    return said


def _schema(answer: Any) -> Any:
    if isinstance(answer, type):
        return {"$ref": _REFERENCE.format(name=answer.__name__)}
    return answer


def _problem(status: int, language: Language) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": PROBLEMS[status][1].of(language),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}},
    }
    if status == 405:
        said["headers"] = {"Allow": {"schema": {"type": "string"}}}
    if status == 401:
        said["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return said


def _body(operation: Operation, language: Language) -> dict[str, Any]:
    if isinstance(operation.body, type):
        return {"required": True, "content": {"application/json": {"schema": _schema(operation.body)}}}
    file = {**_BINARY, "description": Text("CSV 或 Excel 文件", "a CSV or Excel file").of(language)}
    correct = {
        "type": "string",
        "enum": ["true", "false"],
        "description": Text("是否为更正：不同的值取代原有的", "is it a correction: other values replace those held").of(
            language
        ),
    }
    said = Text(
        "整个文件此字段的值，文件没有这一列时用", "value of this field for the whole file, where it has no such column"
    )
    given = {name: {**FREE_WORDS, "description": said.of(language)} for name in operation.body_fields}
    properties = {"file": file, "correct": correct, **given}
    schema = {"type": "object", "properties": properties, "required": ["file"], "additionalProperties": False}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def list_shelves(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """Operations by shelf, in the order of the list."""
    shelves: dict[str, list[Operation]] = {}
    for operation in operations:
        shelves.setdefault(operation.shelf, []).append(operation)
    return shelves
