"""Opening and moving: what a wish does to a case, worked out before anything is written; pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from yucun.base.period import WorkingCalendar
from yucun.base.text import Text
from yucun.kernel.cases.clocks import TimeLimit, time_left
from yucun.kernel.cases.define import COMMON_FIELDS
from yucun.kernel.cases.model import Case, CaseKind, CaseRefusal, Clock, Move, Moving, Opening, refuse_case

_LONGEST = 400


def check_opening(kind: CaseKind | None, wish: Opening) -> CaseRefusal | None:
    """Say why a case cannot be opened so; None when it can."""
    if kind is None:
        return refuse_case(wish.id, "unknown_kind", wish.kind, "a kind of a cases.toml", Text(
            f"没有名为「{wish.kind}」的事项", f"no kind of case is called '{wish.kind}'"))  # fmt: skip
    if not wish.id or len(wish.id) > _LONGEST:
        return refuse_case(wish.id[:40], "bad_id", wish.id, f"1 to {_LONGEST} signs", Text(
            "事项编号应有 1 至 400 个字符", "a case's id has 1 to 400 signs"))  # fmt: skip
    for name in (*wish.clocks, *wish.warn):
        if name not in kind.clocks:
            return _unknown(wish.id, "clock", name, kind.clocks)
    return _check_fields(kind, wish.id, wish.fields)


def start_clocks(
    wish: Opening | Moving, names: Mapping[str, TimeLimit], at: datetime, calendar: WorkingCalendar
) -> dict[str, Clock]:
    """Clocks that begin to run at an instant."""
    return {name: _start(name, limit, wish.warn.get(name), at, calendar) for name, limit in names.items()}


def _start(name: str, limit: TimeLimit, warn: TimeLimit | None, at: datetime, calendar: WorkingCalendar) -> Clock:
    due = limit.due(at, calendar)
    return Clock(name, "running", at, limit, due.at, due.is_provisional, warn=_warn_at(due.at, warn))


def _warn_at(due: datetime, warn: TimeLimit | None) -> datetime | None:
    if warn is None:
        return None
    seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "working_day": 86_400}[warn.unit]
    return datetime.fromtimestamp(due.timestamp() - warn.count * seconds, due.tzinfo)


def check_move(kind: CaseKind, case: Case, clocks: Mapping[str, Clock], wish: Moving, find: Any) -> CaseRefusal | None:
    """Say why a case cannot be moved so; None when it can. ``find`` returns a case by id or None."""
    move = kind.moves.get(wish.move)
    if move is None:
        return _unknown(wish.case, "move", wish.move, kind.moves)
    if wish.seen is not None and wish.seen != case.version:
        return refuse_case(case.id, "moved_meanwhile", f"version {case.version}", f"version {wish.seen}", Text(
            f"您看到之后，事项已有变动（第 {case.version} 步，现为「{kind.states[case.state].title.zh}」）；请刷新后再办",
            f"the case moved since you saw it (step {case.version}, now '{kind.states[case.state].title.en}'); look again"))  # fmt: skip
    if case.state not in move.origins:
        return refuse_case(case.id, "wrong_state", case.state, ", ".join(move.origins), Text(
            f"状态「{kind.states[case.state].title.zh}」下不能「{move.title.zh}」",
            f"'{move.title.en}' cannot be done in the state '{kind.states[case.state].title.en}'"))  # fmt: skip
    return (
        _check_actor(move, case, wish)
        or _check_said(kind, move, case, wish)
        or _check_clocks(kind, move, case, clocks, wish)
        or _check_other(move, case, wish, find)
    )


def _check_actor(move: Move, case: Case, wish: Moving) -> CaseRefusal | None:
    if move.refuses and not wish.by.is_person:
        return refuse_case(case.id, "person_needed", wish.by.account, "a named person", Text(
            f"「{move.title.zh}」须由具名人员作出", f"'{move.title.en}' needs a named person"))  # fmt: skip
    if not move.by & wish.by.roles:
        return refuse_case(case.id, "not_allowed", wish.by.account, ", ".join(sorted(move.by)), Text(
            f"「{move.title.zh}」不在您的职责之内", f"'{move.title.en}' is not among your duties"))  # fmt: skip
    return None


def _check_said(kind: CaseKind, move: Move, case: Case, wish: Moving) -> CaseRefusal | None:
    for need, given, zh, en in (
        (move.reason, wish.reason.strip(), "理由", "a reason"),
        (move.evidence, wish.evidence, "依据材料", "evidence"),
    ):
        if need == "required" and not given:
            return refuse_case(case.id, "missing", "nothing", en, Text(
                f"「{move.title.zh}」须写明{zh}", f"'{move.title.en}' needs {en}"))  # fmt: skip
    if move.outcomes and wish.outcome not in move.outcomes:
        return _unknown(case.id, "outcome", wish.outcome or "nothing", move.outcomes)
    wrong = _check_fields(kind, case.id, {k: v for k, v in wish.set.items() if k not in COMMON_FIELDS})
    if wrong is not None:
        return wrong
    after = {**case.fields, "unit": case.unit, "officer": case.officer, **wish.set}
    for name in move.needs:
        if after.get(name) in (None, ""):
            return refuse_case(case.id, "missing", "nothing", name, Text(
                f"「{move.title.zh}」须先填「{_title(kind, name).zh}」",
                f"'{move.title.en}' needs '{_title(kind, name).en}'"), name)  # fmt: skip
    return None


def _title(kind: CaseKind, name: str) -> Text:
    common = {
        "unit": Text("承办单位", "unit"),
        "officer": Text("经办人", "officer"),
        "co_units": Text("协办单位", "co-units"),
    }
    return kind.fields[name].title if name in kind.fields else common.get(name, Text.same(name))


def _check_clocks(
    kind: CaseKind, move: Move, case: Case, clocks: Mapping[str, Clock], wish: Moving
) -> CaseRefusal | None:
    for name in (*wish.clocks, *wish.warn):
        if move.clocks.get(name) not in ("start", "extend"):
            return _unknown(case.id, "clock", name, [n for n, act in move.clocks.items() if act in ("start", "extend")])
    for name, act in move.clocks.items():
        clock = clocks.get(name)
        wanted = {"pause": ("running", "late"), "resume": ("paused",), "extend": ("running", "paused")}.get(act)
        if wanted is not None and (clock is None or clock.state not in wanted):
            return refuse_case(case.id, "clock_state", clock.state if clock else "no clock", ", ".join(wanted), Text(
                f"时限「{kind.clocks[name].title.zh}」现在不能{_ACT_TITLES[act].zh}",
                f"the clock '{kind.clocks[name].title.en}' cannot be {_ACT_TITLES[act].en} now"), name)  # fmt: skip
        if act == "extend" and name not in wish.clocks:
            return refuse_case(case.id, "missing", "nothing", "how long", Text(
                "请写明延长多久", "say by how much the time is extended"), name)  # fmt: skip
    return None


_ACT_TITLES = {"pause": Text("暂停", "paused"), "resume": Text("恢复", "resumed"), "extend": Text("延长", "extended")}


def _check_other(move: Move, case: Case, wish: Moving, find: Any) -> CaseRefusal | None:
    if not move.ends_other:
        return None if not wish.into else _unknown(case.id, "move", wish.into, [])
    other = find(wish.into) if wish.into else None
    if other is None or other.id == case.id or other.kind != case.kind or other.merged_into:
        return refuse_case(case.id, "merge_into", wish.into or "nothing", "another open case of the same kind", Text(
            "请写明并入哪一件；须为同类、未被并入的另一件",
            "name the case to merge into: another one of the kind, not itself merged"))  # fmt: skip
    return None


def move_clocks(
    move: Move, clocks: Mapping[str, Clock], wish: Moving, at: datetime, calendar: WorkingCalendar
) -> dict[str, Clock]:
    """Clocks as they stand after a move; only those that it changes."""
    changed = {}
    for name, act in move.clocks.items():
        clock = clocks.get(name)
        if act == "start":
            if name in wish.clocks:
                changed[name] = _start(name, wish.clocks[name], wish.warn.get(name), at, calendar)
        elif clock is not None:
            after = _act(clock, act, wish.clocks.get(name), at, calendar)
            if after != clock:
                changed[name] = after
    return changed


def _act(clock: Clock, act: str, more: TimeLimit | None, at: datetime, calendar: WorkingCalendar) -> Clock:
    is_going = clock.state in ("running", "paused", "late")
    if act == "meet" and is_going:
        return replace(clock, state="late" if clock.state == "late" or _is_over(clock, at) else "met", warn=None)
    if act == "stop" and is_going:
        return replace(clock, state="stopped", warn=None)
    if act == "pause" and clock.due is not None:
        return replace(clock, state="paused", left=time_left(clock.due, clock.limit.unit, at, calendar), due=None)
    if act == "resume" and clock.left is not None:
        due = clock.left.due(at, calendar)
        return replace(clock, state="running", due=due.at, is_provisional=due.is_provisional, left=None)
    if act == "extend" and more is not None:
        if clock.due is None:
            assert clock.left is not None
            return replace(
                clock, left=TimeLimit(clock.left.count + more.count, clock.left.unit), extensions=clock.extensions + 1
            )
        due = more.due(clock.due, calendar)
        return replace(clock, due=due.at, is_provisional=due.is_provisional, extensions=clock.extensions + 1)
    return clock


def _is_over(clock: Clock, at: datetime) -> bool:
    return clock.due is not None and at > clock.due


def _check_fields(kind: CaseKind, case: str, values: Mapping[str, Any]) -> CaseRefusal | None:
    types: dict[str, type] = {"text": str, "integer": int, "boolean": bool, "code": str, "private": str}
    for name, value in values.items():
        field = kind.fields.get(name)
        if field is None:
            return _unknown(case, "field", name, kind.fields)
        is_right = value is None or (
            isinstance(value, types[field.kind]) and (field.kind != "integer" or type(value) is int)
        )
        if not is_right or (field.kind == "code" and value is not None and value not in field.codes):
            return refuse_case(case, "field_value", value, ", ".join(field.codes) or field.kind, Text(
                f"「{field.title.zh}」的值不对：{value!r}", f"the value of '{field.title.en}' is not right: {value!r}"), name)  # fmt: skip
    return None


def _unknown(case: str, what: str, found: object, known: Any) -> CaseRefusal:
    words = {
        "clock": Text("时限", "clock"),
        "move": Text("步骤", "move"),
        "field": Text("字段", "field"),
        "outcome": Text("结果", "outcome"),
    }[what]
    names = ", ".join(sorted(known)) or "—"
    return refuse_case(case, f"unknown_{what}", found, names, Text(
        f"没有{words.zh}「{found}」；可用：{names}", f"there is no {words.en} '{found}'; there are: {names}"))  # fmt: skip
