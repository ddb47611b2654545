"""The story of a message: it arrives and is judged, goes to whoever must answer, is answered in time or urged, and closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from yucun.base.errors import Finding, Yours
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.cases import Actor, Case, Deadline, Moving, Opening, TimeLimit
from yucun.kernel.effects import Effect, MoveCase, Notify, OpenCase, Record
from yucun.kernel.view import Event, View

from .rules import DeskRules, desk_from_2020_12

KIND = "hotline.request"
RULE = Actor.rule("hotline")
# What an arriving message brings into its case, and what each move may set.
_BROUGHT = (
    "text", "address", "phone", "person", "because", "channel", "intent", "subject", "second", "third", "judged_by",
    "like", "is_made_up",
)  # fmt: skip
_SETS: Mapping[str, tuple[str, ...]] = {
    "dispatch": ("unit", "co_units", "subject", "urgency", "region"),
    "share": ("co_units",),
    "reply": ("reply",),
    "answer": ("reply", "subject", "region"),
    "visit": ("solved", "satisfied"),
    "add_note": ("note",),
    "take": ("officer",),
    "hand_over": ("officer",),
}
# Moves that end a clock and so say whether it was kept; `reply` and `answer` end the same one.
_MEETS = {"dispatch": "dispatch", "accept": "accept", "reply": "reply", "answer": "reply"}
_URGENT, _LATE = 90, 50


def decide(event: Event, view: View) -> list[Effect]:
    """Say what follows from an event of the hotline."""
    desk = view.pack.derive(desk_from_2020_12)
    match event.name:
        case "arrived":
            return _arrived(event, view, desk)
        case "moved":
            return _moved(event, view, desk)
        case "clock":
            return _rang(event, view)
        case _:
            return []


# -- a message arrives --------------------------------------------------------------------------------------------------


def _arrived(event: Event, view: View, desk: DeskRules) -> list[Effect]:
    body = event.body
    urgency, intent = body.get("urgency", "general"), body.get("intent", "")
    region = body.get("region", "")
    case_id = f"hotline:{body['message']}"
    unit = name_unit(desk, region, body.get("office") or desk.offices.get(body.get("subject", ""), ""))
    confidence = body.get("confidence_bp")
    is_sure = bool(unit) and _may_act_alone(body, desk) and not body.get("like")
    opening = Opening(
        KIND,
        case_id,
        event.by,
        subject=body.get("caller", ""),
        region=region,
        priority=_URGENT if urgency == "danger" else 0,
        fields={
            **{name: body[name] for name in _BROUGHT if name in body},
            "urgency": urgency,
            **({"confidence": confidence} if confidence is not None else {}),
        },
        clocks=_limits(desk, ("dispatch", "reply"), urgency, intent),
        warn={"reply": desk.warn_before} if desk.find_limit("reply", urgency, intent) else {},
    )
    effects: list[Effect] = [OpenCase((opening,))]
    if urgency == "danger":
        # It does not wait for its turn: the desk is told at once, and a person sends it on.
        said = Text("危急来件，立即处置", "danger to life: act now")
        effects.append(Notify("hotline.desk", said, "danger", {"case": case_id}))
    is_held = not is_sure or urgency == "danger"
    if is_held:
        effects.append(MoveCase((Moving(case_id, "hold", RULE, reason=_why_held(is_sure, urgency, body)),)))
    else:
        move = Moving(
            case_id, "dispatch", RULE, set={"unit": unit}, clocks=_limits(desk, ("accept", "return"), urgency, intent)
        )
        effects += [MoveCase((move,)), _tell_unit(unit, case_id)]
    effects.append(Record("hotline.request", (_request_row(event, view, urgency, is_held),)))
    facts = [("arrived", True), ("held", is_held)]
    if body.get("caller"):
        facts.append(("repeat", _has_called(view, desk, body["caller"])))
    if not is_held:
        facts.append(("dispatch", True))
    made_up = bool(body.get("is_made_up"))
    effects.append(_tally(view, f"{case_id}:0", region, facts, made_up))
    return effects


def _may_act_alone(body: Mapping[str, Any], desk: DeskRules) -> bool:
    """Whether the judgement is good enough to send a message on without a person.

    What was learned from made-up messages sends on made-up messages and no others; a word list sends on nothing.
    """
    is_learned = body.get("learned_from") == "city" or (
        body.get("learned_from") == "made_up" and body.get("is_made_up")
    )
    return bool(is_learned) and body.get("confidence_bp", 0) >= desk.sure_bp


def _why_held(is_sure: bool, urgency: str, body: Mapping[str, Any]) -> str:
    if urgency == "danger":
        return "危急，越过排队 / danger: before the queue"
    if body.get("like"):
        return "疑似重复 / looks like another message"
    return "" if is_sure else "把握不足 / not sure enough"


def name_unit(desk: DeskRules, region: str, office: str) -> str:
    """The unit that answers: an office of the county where it happened, or of the city; empty when nobody is named.

    Examples
    --------
    >>> desk = DeskRules({}, "", {}, {}, {}, {"housing": Text("住建", "housing")}, 9000, 30, TimeLimit(2, "hour"), "")
    >>> name_unit(desk, "330502001000", "housing"), name_unit(desk, "", "housing"), name_unit(desk, "", "nobody")
    ('330502.housing', 'housing', '')
    """
    if office not in desk.office_titles:
        return ""
    code = RegionCode.parse(region) if region else None
    is_county = code is not None and code.level not in ("province", "city")
    return f"{region[:6]}.{office}" if is_county else office


def _limits(desk: DeskRules, steps: tuple[str, ...], urgency: str, intent: str) -> dict[str, TimeLimit]:
    """The clocks that start: those for which somebody names a limit."""
    found = {step: desk.find_limit(step, urgency, intent) for step in steps}
    return {step: limit[1] for step, limit in found.items() if limit is not None}


def _has_called(view: View, desk: DeskRules, caller: str) -> bool:
    since = view.at - timedelta(days=desk.repeat_days)
    return any(case.opened_at >= since for case in view.list_cases(KIND, subject=caller))


def _tell_unit(unit: str, case_id: str) -> Notify:
    return Notify(unit, Text("有新派单", "a message for you"), "dispatched", {"case": case_id})


# -- a person works on it -------------------------------------------------------------------------------------------------


def _moved(event: Event, view: View, desk: DeskRules) -> list[Effect]:
    body, name = event.body, event.body["move"]
    case = view.get_case(body["case"])
    wish = Moving(
        case.id,
        name,
        event.by,
        seen=body.get("seen"),
        reason=body.get("reason", ""),
        clause=body.get("clause", ""),
        evidence=(body["evidence"],) if body.get("evidence") else (),
        set=_sets(body, name, case),
        clocks=_started(body, name, case, desk),
        warn={"reply": desk.warn_before} if name == "reopen" else {},
        outcome=body.get("outcome", ""),
        into=body.get("into", ""),
    )
    if name == "extend":
        _check_extension(view, desk, case, wish.clocks["reply"])
    effects: list[Effect] = [MoveCase((wish,))]
    if name == "dispatch":
        effects.append(_tell_unit(body.get("unit", case.unit), case.id))
    if name in ("refuse", "close_unsolved", "close") and case.subject:
        effects.append(
            Notify(case.subject, Text("来件已有结果", "your message has an outcome"), "closed", {"case": case.id})
        )
    if name == "send_back":
        effects.append(Record("hotline.wrong_dispatch", (_wrong_dispatch(view, case),)))
    facts = _facts(view, case, body, name)
    if facts:
        unit = body.get("unit", case.unit)
        effects.append(_tally(view, f"{case.id}:{case.version + 1}", case.region, facts, _is_made_up(case), unit, case))
    return effects


def _sets(body: Mapping[str, Any], name: str, case: Case) -> dict[str, Any]:
    found: dict[str, Any] = {key: body[key] for key in _SETS.get(name, ()) if body.get(key) is not None}
    if "co_units" in found:
        found["co_units"] = tuple(one.strip() for one in found["co_units"].split(",") if one.strip())
    counted = {"send_back": "returned", "reopen": "reopened"}.get(name)
    if counted:
        found[counted] = case.fields.get(counted, 0) + 1
    if name == "supervise":
        found["priority"] = max(case.priority, _LATE)
    if name == "remind":
        found["urged"] = case.fields.get("urged", 0) + 1
    return found


def _started(body: Mapping[str, Any], name: str, case: Case, desk: DeskRules) -> dict[str, TimeLimit]:
    urgency, intent = body.get("urgency") or case.fields.get("urgency", "general"), case.fields.get("intent", "")
    if name == "dispatch":
        return _limits(desk, ("accept", "return"), urgency, intent)
    if name == "reopen":
        return _limits(desk, ("dispatch", "reply"), urgency, intent)
    if name == "extend":
        if not body.get("count") or not body.get("time_unit"):
            raise Yours(_refuse("extension_how_long", case.id, "nothing", "count, time_unit", Text(
                "请写明延长多久", "say by how much the time is extended")))  # fmt: skip
        return {"reply": TimeLimit(body["count"], body["time_unit"])}
    return {}


def _check_extension(view: View, desk: DeskRules, case: Case, wanted: TimeLimit) -> None:
    """Refuse an extension that the rule does not allow: asked too late, too long, or where nobody grants any."""
    extension, clock = desk.find_extension(), view.clocks(case).get("reply")
    if extension is None:
        raise Yours(_refuse("no_extension", case.id, "extension", "clock.*.extension", Text(
            "现行时限没有规定可以延期；请在 parameters.toml 填写 extension 并注明来源",
            "the clocks in force know no extension; fill `extension` in parameters.toml and name its source")))  # fmt: skip
    if clock is None or clock.due is None:
        return
    asked = TimeLimit(wanted.count, wanted.unit)
    finding = extension.check(Deadline(clock.due, clock.is_provisional), view.at, asked, view.calendar)
    if finding is not None:
        raise Yours(finding)
    if clock.extensions:
        raise Yours(_refuse("extended_before", case.id, clock.extensions, "0", Text(
            "已延期过一次，不能再延", "it was extended once already; it is not extended again")))  # fmt: skip


# -- a clock rings --------------------------------------------------------------------------------------------------------


def _rang(event: Event, view: View) -> list[Effect]:
    body = event.body
    case, clock = view.get_case(body["case"]), body["clock"]
    if body["what"] == "warn":
        said = Text("答复时限将到", "the answer is due soon")
        return [Notify(case.unit or "hotline.desk", said, "soon", {"case": case.id, "clock": clock})]
    if clock == "return":
        # Whoever may still send it back does so late; the record says it, nobody is urged.
        return []
    urge = Moving(
        case.id,
        "urge",
        RULE,
        reason=f"{clock} {body['due']}",
        set={"urged": case.fields.get("urged", 0) + 1, "priority": max(case.priority, _LATE)},
    )
    said = Text("超时，请立即办理", "late: act now")
    effects: list[Effect] = [
        MoveCase((urge,)),
        Notify(case.unit or "hotline.desk", said, "late", {"case": case.id, "clock": clock}),
    ]
    fact = f"{case.id}:{clock}:{body['due']}"
    effects.append(_tally(view, fact, case.region, [(clock, False)], _is_made_up(case), case.unit))
    return effects


# -- what counts ----------------------------------------------------------------------------------------------------------


def _facts(view: View, case: Case, body: Mapping[str, Any], name: str) -> list[tuple[str, bool]]:
    """What a move lets us count; a clock that had run out was counted when it did."""
    facts: list[tuple[str, bool]] = []
    clock = view.clocks(case).get(_MEETS.get(name, ""))
    if clock is not None and clock.state in ("running", "paused"):
        facts.append((clock.name, clock.due is None or view.at <= clock.due))
    match name:
        case "dispatch":
            facts += [("direct", False)] if not case.unit else []
        case "answer":
            facts.append(("direct", True))
        case "reply":
            # Each dispatch ends once: sent back, or answered by whoever got it.
            facts.append(("returned", False))
        case "send_back":
            facts.append(("returned", True))
        case "visit":
            facts += [(key, body[key] == "yes") for key in ("solved", "satisfied") if body.get(key) in ("yes", "no")]
        case "close" | "close_unsolved":
            facts.append(("closed", not case.fields.get("reopened", 0)))
        case _:
            pass
    return facts


def _tally(
    view: View,
    fact: str,
    region: str,
    facts: list[tuple[str, bool]],
    is_made_up: bool,
    unit: str = "",
    case: Case | None = None,
) -> Record:
    """One row a fact for the city, and one for the county where it is known."""
    took = int((view.at - case.opened_at).total_seconds() // 60) if case is not None else None
    rows = [
        {
            "fact": f"{fact}:{measure}",
            "region": place,
            "day": view.today.isoformat(),
            "measure": measure,
            "answer": "yes" if answer else "no",
            "unit": unit or None,
            "took_min": took if measure in ("reply", "closed") else None,
            "evidence": "made_up" if is_made_up else "seen",
        }
        for measure, answer in facts
        for place in _counted_in(view, region)
    ]
    return Record("hotline.tally", tuple(rows))


def _counted_in(view: View, region: str) -> list[str]:
    """The city, and the county of a region; the city alone where the place is not known."""
    regions = view.regions
    if not region:
        return [view.pack.derive(desk_from_2020_12).city]
    code = RegionCode.parse(region)
    chain = [regions.get(code, view.today), *regions.ancestors(code, view.today)]
    return [str(one.code) for one in chain if one.level in ("city", "county")]


def _request_row(event: Event, view: View, urgency: str, is_held: bool) -> dict[str, Any]:
    body = event.body
    return {
        "message": body["message"],
        "day": view.today.isoformat(),
        "channel": body["channel"],
        "intent": body.get("intent"),
        "subject": body.get("subject"),
        "urgency": urgency,
        "region": body.get("region"),
        "confidence_bp": body.get("confidence_bp"),
        "is_held": is_held,
        "evidence": "made_up" if body.get("is_made_up") else "seen",
    }


def _wrong_dispatch(view: View, case: Case) -> dict[str, Any]:
    """The record that judging learns from: the unit and subject that were wrong, and whether it came back in time."""
    clock = view.clocks(case).get("return")
    sent = [move for move in view.history(case) if move.move == "dispatch"]
    return {
        "case": case.id,
        "step": case.version + 1,
        "day": view.today.isoformat(),
        "unit": case.unit,
        "subject": case.fields.get("subject"),
        "is_late": None if clock is None or clock.due is None else view.at > clock.due,
        "by_rule": bool(sent) and sent[-1].by.startswith("rule:"),
        "evidence": "made_up" if _is_made_up(case) else "seen",
    }


def _is_made_up(case: Case) -> bool:
    return bool(case.fields.get("is_made_up"))


def _refuse(kind: str, case: str, found: object, expected: str, message: Text) -> Finding:
    return Finding(f"hotline.{kind}", f"case {case}", str(found)[:120], expected, message)
