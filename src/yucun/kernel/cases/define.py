"""Reading ``cases.toml``: kinds of case with their states, moves, clocks and fields, or findings with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.cases.model import CLOCK_ACTS, CaseField, CaseKind, ClockRule, Move, State

_KEYS = ("title", "first", "states", "moves", "clocks", "fields")
_MOVE_KEYS = "title from to by needs reason evidence clocks outcomes refuses ends_other key".split()
# What every case has besides its declared fields.
COMMON_FIELDS = ("unit", "officer", "co_units", "region", "priority")
_NEEDS = ("required", "optional", "none")
_FIELD_KINDS = ("text", "integer", "boolean", "code", "private")


def read_cases(path: Path, service: str) -> tuple[dict[str, CaseKind], list[Finding]]:
    """Read a service's kinds of case, by full name, and all findings of the file."""
    return make_cases(Declaration.read(path, f"{service}/{path.name}"), service)


def make_cases(said: Declaration, service: str) -> tuple[dict[str, CaseKind], list[Finding]]:
    """Read kinds of case from a declaration."""
    kinds = {}
    for name, table in said.values.items():
        if not isinstance(table, dict):
            said.add("cases.kind", (name,), table, "a table", Text("此处应为一张表", "a table is expected here"))
            continue
        kind = _read_kind(said, service, name, table)
        kinds[kind.name] = kind
    return kinds, said.findings


def _read_kind(said: Declaration, service: str, name: str, table: Mapping[str, Any]) -> CaseKind:
    said.refuse_unknown(table, (name,), _KEYS)
    states = {
        key: State(key, said.take_text(one, (name, "states", key), "title"), bool(one.get("final", False)))
        for key, one in _tables(said, name, table, "states")
    }
    clocks = {
        key: ClockRule(key, said.take_text(one, (name, "clocks", key), "title"), bool(one.get("may_extend", False)))
        for key, one in _tables(said, name, table, "clocks")
    }
    fields = {key: _read_field(said, name, key, one) for key, one in _tables(said, name, table, "fields")}
    moves = {
        key: _read_move(said, name, key, one, states, clocks, fields)
        for key, one in _tables(said, name, table, "moves")
    }
    first = said.take(table, (name,), "first", str)
    if first not in states:
        _unknown(said, (name, "first"), first, states)
    _check_reach(said, name, first, states, moves)
    title = said.take_text(table, (name,), "title")
    where = f"{said.name}:{said.line_of(name)}"
    return CaseKind(f"{service}.{name}", title, first, states, moves, clocks, fields, where)


def _tables(said: Declaration, name: str, table: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    found = said.take(table, (name,), key, dict, {} if key in ("clocks", "fields") else ...)
    good = []
    for one, value in found.items():
        if isinstance(value, dict):
            good.append((one, value))
        else:
            said.add(
                "cases.table", (name, key, one), value, "a table", Text("此处应为一张表", "a table is expected here")
            )
    return good


def _read_field(said: Declaration, kind: str, name: str, table: Mapping[str, Any]) -> CaseField:
    path = (kind, "fields", name)
    said.refuse_unknown(table, path, ("title", "type", "codes"))
    of = said.take(table, path, "type", str, "text")
    if of not in _FIELD_KINDS:
        _unknown(said, (*path, "type"), of, _FIELD_KINDS)
    if name in COMMON_FIELDS:
        said.add("cases.common_field", path, name, "a name of its own", Text(
            f"「{name}」是每个事项都有的字段，不必声明", f"every case has '{name}'; it is not declared"))  # fmt: skip
    codes = {code: said.take_text(said.take(table, path, "codes", dict, {}), (*path, "codes"), code)
             for code in said.take(table, path, "codes", dict, {})}  # fmt: skip
    return CaseField(name, said.take_text(table, path, "title"), of if of in _FIELD_KINDS else "text", codes)


def _read_move(
    said: Declaration,
    kind: str,
    name: str,
    table: Mapping[str, Any],
    states: Mapping[str, State],
    clocks: Mapping[str, ClockRule],
    fields: Mapping[str, CaseField],
) -> Move:
    path = (kind, "moves", name)
    said.refuse_unknown(table, path, _MOVE_KEYS)
    origins = tuple(str(one) for one in said.take(table, path, "from", list))
    to = said.take(table, path, "to", str, "")
    by = frozenset(str(one) for one in said.take(table, path, "by", list))
    needs = tuple(str(one) for one in said.take(table, path, "needs", list, []))
    acts = said.take(table, path, "clocks", dict, {})
    for state in (*origins, *([to] if to else [])):
        if state not in states:
            _unknown(said, (*path, "from"), state, states)
    for need in needs:
        if need not in fields and need not in COMMON_FIELDS:
            _unknown(said, (*path, "needs"), need, (*fields, *COMMON_FIELDS))
    for clock, act in acts.items():
        if clock not in clocks:
            _unknown(said, (*path, "clocks"), clock, clocks)
        if act not in CLOCK_ACTS:
            _unknown(said, (*path, "clocks"), act, CLOCK_ACTS)
    for key in ("reason", "evidence"):
        if table.get(key, "optional") not in _NEEDS:
            _unknown(said, (*path, key), table[key], _NEEDS)
    refuses = bool(table.get("refuses", False))
    reason = table.get("reason", "optional")
    if refuses and ("rule" in by or reason != "required"):
        said.add("cases.refusal_by_rule", path, f"by {sorted(by)}, reason {reason}", "a person and reason = 'required'", Text(
            "拒绝、削减和停止须由具名人员作出并写明理由：去掉 rule，并设 reason = \"required\"",
            "refusing, cutting and stopping need a named person and reasons: leave out 'rule' and set reason = \"required\""))  # fmt: skip
    outcomes = said.take(table, path, "outcomes", dict, {})
    return Move(
        name,
        said.take_text(table, path, "title"),
        origins,
        to,
        by,
        needs,
        reason if reason in _NEEDS else "optional",
        table.get("evidence", "optional") if table.get("evidence", "optional") in _NEEDS else "optional",
        {c: a for c, a in acts.items() if a in CLOCK_ACTS},
        {code: said.take_text(outcomes, (*path, "outcomes"), code) for code in outcomes},
        refuses,
        bool(table.get("ends_other", False)),
        said.take(table, path, "key", str, ""),
    )


def _check_reach(
    said: Declaration, kind: str, first: str, states: Mapping[str, State], moves: Mapping[str, Move]
) -> None:
    """Every state can be reached, every unfinished one can be left, and keys are not shared within a state."""
    reached, waiting = {first}, [first]
    while waiting:
        here = waiting.pop()
        for move in moves.values():
            if here in move.origins and move.to and move.to not in reached:
                reached.add(move.to)
                waiting.append(move.to)
    for name, state in states.items():
        if name not in reached:
            said.add("cases.unreachable", (kind, "states", name), name, "a move that leads there", Text(
                f"没有任何步骤通向状态「{name}」", f"no move leads to the state '{name}'"))  # fmt: skip
        leaving = [move for move in moves.values() if name in move.origins and move.to and move.to != name]
        if not state.is_final and not leaving:
            said.add("cases.dead_end", (kind, "states", name), name, "a move that leaves it, or final = true", Text(
                f"状态「{name}」没有出路；请补一步或写 final = true",
                f"nothing leads out of the state '{name}'; add a move or final = true"))  # fmt: skip
        keys = [move.key for move in moves.values() if name in move.origins and move.key]
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            said.add("cases.key_twice", (kind, "states", name), key, "a key of its own", Text(
                f"状态「{name}」下有两步共用按键「{key}」", f"two moves share the key '{key}' in the state '{name}'"))  # fmt: skip


def _unknown(said: Declaration, path: tuple[str, ...], found: object, known: Any) -> None:
    names = ", ".join(sorted(known))
    said.add("cases.unknown", path, found, names, Text(
        f"「{found}」不存在；可用：{names}", f"there is no '{found}'; there are: {names}"))  # fmt: skip
