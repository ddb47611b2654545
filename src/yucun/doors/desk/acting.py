"""Acting at a desk: from what a person filled in to the service's event, and what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.doors.desk.sight import Desk
from yucun.kernel.cases import Actor, Case, CaseKind, Move
from yucun.kernel.engine import Event, Taken
from yucun.kernel.lake.contract import Contract

# The event by which every service lets people move its cases.
MOVED = "moved"
PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that a move asks for.

    Parameters
    ----------
    kind : str
        ``code`` (one of `choices`), ``words`` (a line; `choices` are proposals), ``text`` (several lines), ``number``.
    choices : tuple of (str, Text)
        Values and their titles.
    value : str
        What is filled in already.
    """

    name: str
    title: Text
    kind: str
    required: bool
    choices: tuple[tuple[str, Text], ...] = ()
    value: str = ""


_LIMITS = (
    ("working_day", Text("个工作日", "working days")),
    ("day", Text("天", "days")),
    ("hour", Text("小时", "hours")),
)


def make_token() -> str:
    """A key for one thing that a person is about to do: sent twice it is done once."""
    return secrets.token_hex(8)


def move_event(service: str, token: str, body: Mapping[str, Any], by: Actor) -> Event:
    """The event that moves a case."""
    return Event(f"desk:{token}", f"{service}.{MOVED}", {k: v for k, v in body.items() if v not in (None, "")}, by)


def act(desk: Desk, token: str, body: Mapping[str, Any]) -> Taken:
    """Let the engine take a move and wait for what becomes of it."""
    return desk.city.submit(move_event(desk.service.id, token, body, desk.actor)).result(PATIENCE_S)


def get_contract(desk: Desk) -> Contract:
    """The contract of the event that moves cases of this service."""
    name = f"{desk.service.id}.{MOVED}"
    found = desk.city.contracts.get(name)
    if found is None:
        raise NotKnown(Finding("desk.no_moves", name, "nothing", "a contract of that name", Text(
            f"服务没有声明事件「{name}」，事项不能在值班台办理",
            f"the service declares no event '{name}', so its cases cannot be worked on here")))  # fmt: skip
    return found


def list_asks(desk: Desk, case: Case, move: Move) -> list[Ask]:
    """What a move asks for, in order: what it needs, what the service lets it set, its outcome, its reasons."""
    kind, contract = desk.kinds[case.kind], get_contract(desk)
    known = {field.name for field in contract.fields}
    suggested = desk.words.suggest(case, move, desk.pack, desk.city.regions, desk.reader.account) if desk.words else {}
    named = desk.words.list_settable(move) if desk.words else ()
    asks = [
        _ask_field(kind, contract, case, move, name, suggested.get(name, ()))
        for name in dict.fromkeys((*move.needs, *named))
        if name in known and not (name == "officer" and move.name == "take")
    ]
    if "extend" in move.clocks.values():
        asks.append(Ask("count", Text("延长", "by"), "number", True))
        asks.append(Ask("time_unit", Text("单位", "unit"), "code", True, _LIMITS))
    if move.ends_other:
        asks.append(Ask("into", Text("并入哪一件", "into which case"), "words", True, tuple(suggested.get("into", ()))))
    if move.outcomes:
        asks.append(Ask("outcome", Text("结果", "outcome"), "code", True, tuple(move.outcomes.items())))
    if move.reason == "required":
        asks.append(Ask("reason", Text("理由", "reason"), "words", True, tuple(suggested.get("reason", ()))))
    if move.evidence == "required":
        asks.append(Ask("evidence", Text("依据材料", "evidence"), "words", True))
    return asks


def _ask_field(kind: CaseKind, contract: Contract, case: Case, move: Move, name: str, choices: Any) -> Ask:
    required = name in move.needs
    value = case.fields.get(name) if name in kind.fields else getattr(case, name, "")
    said = (
        ""
        if value is None or str(value).startswith("private:")
        else ",".join(value)
        if isinstance(value, tuple)
        else str(value)
    )
    title = kind.fields[name].title if name in kind.fields else contract.get_field(name).title
    if choices:
        said = said or str(choices[0][0] if required else "")
        return Ask(name, title, "code", required, tuple(choices), said)
    field = kind.fields.get(name)
    if field is not None and field.kind == "code":
        return Ask(name, title, "code", required, tuple(field.codes.items()), said)
    if field is not None and field.kind == "private":
        return Ask(name, title, "text", required)
    return Ask(name, title, "words", required, (), said)


def read_form(desk: Desk, form: Mapping[str, str]) -> dict[str, Any]:
    """From a form's words to the body of the event: only what the contract knows, whole numbers as such."""
    contract = get_contract(desk)
    known = {field.name: field for field in contract.fields}
    body: dict[str, Any] = {}
    for name, word in form.items():
        if name in known and word.strip():
            body[name] = int(word) if known[name].type == "integer" and word.strip().isdecimal() else word.strip()
    if body.get("move") == "take":
        body["officer"] = desk.reader.account
    return body
