"""What an operation of the API is: its path, what may be asked, what it answers, and the function that answers.

The list of operations is the one source of the routes, of the checks on what is asked, and of the OpenAPI
document; so the document cannot say anything that the door does not do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from yucun.base.errors import Finding, Yours
from yucun.base.text import Language, Text

if TYPE_CHECKING:
    import pyarrow as pa

    from yucun.city import City
    from yucun.kernel.access import Reader
    from yucun.kernel.books.reading import Question
    from yucun.kernel.engine import Turn

Form = Literal["json", "csv", "xlsx", "parquet"]
FORMS: tuple[Form, ...] = ("json", "csv", "xlsx", "parquet")
Method = Literal["GET", "POST", "DELETE"]


class Unreadable(Yours):
    """What was asked does not keep to the document: a parameter is unknown, missing or malformed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that may be asked.

    Parameters
    ----------
    schema : mapping
        JSON Schema with type string, integer or boolean, and enum, pattern, minimum, maximum, maxLength.
        What it allows is accepted and what it forbids is refused, to the letter.
    read : callable
        From the checked value to the thing it means; raises `Yours`.
    """

    name: str
    place: Literal["path", "query"]
    meaning: Text
    schema: Mapping[str, Any]
    read: Callable[[Any], Any] | None = None
    example: str | int = ""
    required: bool = False

    def parse(self, word: str) -> Any:
        """Read a value as it stands in the address, or raise `Unreadable` or the error of `read`."""
        value: Any = word
        match self.schema["type"]:
            case "integer":
                value = int(word) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", word) else None
            case "boolean":
                value = {"true": True, "false": False}.get(word)
        if value is None or not self._allows(value):
            raise Unreadable(self.refuse(word))
        return self.read(value) if self.read else value

    def refuse(self, found: str) -> Finding:
        """Say what was found and what is expected."""
        expected = tell_schema(self.schema)
        return Finding(
            "api.parameter",
            self.name,
            found[:120],
            expected.en[:120],
            Text(
                "参数「{name}」不合要求；应为{expected}",
                "the parameter '{name}' is not as it should be; expected {expected}",
            ).fill(name=self.name, expected=expected),
            self.name,
        )

    def _allows(self, value: Any) -> bool:
        schema = self.schema
        if "enum" in schema and value not in schema["enum"]:
            return False
        if isinstance(value, str):
            long = len(value) > schema.get("maxLength", 2000) or len(value) < schema.get("minLength", 0)
            return not long and ("pattern" not in schema or re.fullmatch(schema["pattern"], value) is not None)
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def tell_schema(schema: Mapping[str, Any]) -> Text:
    """Say in words what a schema allows."""
    if "enum" in schema:
        names = [str(n) for n in schema["enum"]]
        more = " …" if len(names) > 12 else ""
        return Text("以下之一：" + "、".join(names[:12]) + more, "one of " + ", ".join(names[:12]) + more)
    if "description" in schema:
        return Text.same(str(schema["description"]))
    if schema["type"] == "integer":
        low, high = schema.get("minimum", "…"), schema.get("maximum", "…")
        return Text(f"{low} 至 {high} 的整数", f"a whole number from {low} to {high}")
    if schema["type"] == "boolean":
        return Text("true 或 false", "true or false")
    return Text(f"文字（{schema.get('pattern', '')}）", f"text ({schema.get('pattern', 'any')})")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as an answer: in JSON as ``shape`` says, in the other forms as a file.

    Parameters
    ----------
    name : str
        The file's name without its ending.
    table : callable
        Makes the whole table; asked only when a file is wanted.
    shape : callable
        Makes the JSON answer; asked only when JSON is wanted.
    about : sequence of (Text, str)
        What stands on the second sheet of an Excel file: where the table comes from, as of when, its licence.
    columns : mapping of str to Text
        Titles of the columns, with their units.
    next_page : str
        Address of the next page, for the ``Link`` header.
    """

    name: str
    table: Callable[[], pa.Table]
    shape: Callable[[], Any]
    about: Sequence[tuple[Text, str]] = ()
    columns: Mapping[str, Text] = field(default_factory=dict)
    next_page: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """An answer that is not a table: its JSON body, and the status when it is not the operation's usual one."""

    shape: Any
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent, and the fields that came with it."""

    content: bytes
    name: str
    given: Mapping[str, str]
    is_correction: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: who asks it, in which language and form, and the values that were checked."""

    city: City
    reader: Reader
    token: str
    language: Language
    form: Form
    values: Mapping[str, Any]
    body: Any = None
    path: str = ""
    source: str = ""
    query: Sequence[tuple[str, str]] = ()

    def get(self, name: str) -> Any:
        """Return the value of a parameter; None when it was not asked."""
        return self.values.get(name)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Parameters
    ----------
    name : str
        The ``operationId``.
    run : callable
        Answers; runs on a thread of its own.
    answer : type or mapping or None
        A msgspec Struct, or a JSON Schema, of the JSON answer; None for an answer without a body.
    forms : tuple of str
        In which forms the answer can be had.
    statuses : tuple of int
        Statuses of success.
    body : type or str or None
        A msgspec Struct for JSON, or ``"file"`` for an upload.
    body_fields : tuple of str
        For an upload: fields that may be said beside the file.
    security : str
        ``open`` (for everyone, and more for whoever is signed in), ``signed`` (refused with 401 otherwise).
    waits : bool
        Whether it mostly waits for the engine; such ones have threads of their own and keep nobody from reading.
    in_turn : callable or None
        For what is answered on the engine's thread: ``run`` is then a turn, which yields its event, and this says by the
        path what it asks the books before. Only for what is quick and offered often: everybody who acts waits for it.
    """

    name: str
    method: Method
    path: str
    shelf: str
    title: Text
    run: Callable[[Asked], Sheet | Done | Turn[Done]]
    answer: Any
    meaning: Text = Text("", "")
    parameters: tuple[Parameter, ...] = ()
    forms: tuple[Form, ...] = ("json",)
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    body: Any = None
    body_fields: tuple[str, ...] = ()
    security: Literal["open", "signed"] = "open"
    waits: bool = False
    in_turn: Callable[[Mapping[str, str]], Sequence[Question]] | None = None

    def read(self, path: Mapping[str, str], query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Check everything that was asked; all findings about form are reported together.

        Raises
        ------
        Unreadable
            If a parameter is unknown, repeated, missing or malformed.
        Yours
            If a value is well formed and means nothing here.
        """
        known = {p.name: p for p in self.parameters if p.place == "query"}
        findings = [_unknown(name, known) for name, _ in query if name not in known]
        words: dict[str, str] = dict(path)
        for name, word in query:
            if name in words:
                findings.append(_repeated(name))
            words[name] = word
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            word_or_none = words.get(parameter.name)
            if word_or_none is None:
                if parameter.required:
                    findings.append(parameter.refuse(""))
                continue
            try:
                values[parameter.name] = parameter.parse(word_or_none)
            except Unreadable as error:
                findings.extend(error.findings)
        if findings:
            raise Unreadable(findings)
        return values


def _unknown(name: str, known: Mapping[str, Parameter]) -> Finding:
    names = ", ".join(known) or "-"
    return Finding(
        "api.unknown_parameter",
        name[:120],
        name[:120],
        names[:120],
        Text(f"没有参数「{name[:60]}」；可用：{names}", f"there is no parameter '{name[:60]}'; there are: {names}"),
        name[:120],
    )


def _repeated(name: str) -> Finding:
    return Finding(
        "api.repeated_parameter",
        name[:120],
        name[:120],
        "once",
        Text(
            f"参数「{name[:60]}」出现了不止一次；只写一次",
            f"the parameter '{name[:60]}' stands more than once; write it once",
        ),
        name[:120],
    )
