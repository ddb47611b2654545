"""The story of early warning: once a month rules are run, visits are offered; a cadre visits, and what is found leads on.

Nobody is asked for anything and nobody is refused anything by a rule: it offers a visit. Setting a warning aside and saying
that there is no need are a named person's, with reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa

from yucun.base.errors import Finding, Yours
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.cases import Actor, Case, Moving, Opening, TimeLimit
from yucun.kernel.effects import Effect, MoveCase, Notify, OpenCase, Record
from yucun.kernel.rules import Parameters
from yucun.kernel.view import Event, View

from .detectors import PUBLISHED, Law, find_context, find_published, find_rule, find_standing_published
from .models import Candidate, Offer, choose
from .planning import HELP, count_standing, learn, list_rules, parameters_of, read_candidates, read_law, read_quiet

WARNING = "discovery.warning"
RULE = Actor.rule("discovery")
EVERY = 10_000_000
HOMES = pa.schema([("household", pa.string())])
_LATE = 50
# What a visit found, by the move that says so.
_FOUND = {
    "find_no_need": "no_need",
    "decline": "declined",
    "refer": "referred",
    "apply_for": "proxy_application",
    "call_urgent": "temp_relief_urgent",
}
_LEADS = ("proxy_application", "temp_relief_urgent")
_STARTS = {"take": "visit", "assign": "visit", "visit": "report"} | dict.fromkeys(_FOUND, "close")


def decide(event: Event, view: View) -> list[Effect]:
    """Say what follows from an event of early warning."""
    step = _STEPS.get(event.name)
    return step(event, view) if step is not None else []


def _pack(view: View) -> Parameters:
    return view.pack.derive(parameters_of)


def _working(view: View, clock: str) -> TimeLimit:
    content = _pack(view).get(f"{clock}_working_days", view.today).content
    if not isinstance(content, int):
        raise TypeError(f"the time '{clock}' is no whole number")
    return TimeLimit(content, "working_day")


# -- a month's run ------------------------------------------------------------------------------------------------------------


def _run(event: Event, view: View) -> list[Effect]:
    """Run the rules of a month and offer visits; a month that was run stays as it is."""
    month, is_made_up = Period.parse(event.body["month"]), bool(event.body.get("is_made_up", False))
    if month.kind != "month" or month.start > view.today:
        raise Yours(_refuse("month", event.body["month"], event.body["month"], "a month that has begun",
            "请给出已开始的月份", "name a month that has begun"))  # fmt: skip
    if event.by.is_person and "relief_county" not in event.by.roles:
        raise Yours(_refuse("not_allowed", month.text, event.by.account, "relief_county",
            "按月运行由县级救助岗位或系统发起", "a month is run by the county's post or by the city itself"))  # fmt: skip
    if view.find_record("discovery.run", {"month": month.text}) is not None:
        return []
    pack, order = _pack(view), event.body.get("order", "learnt")
    law = read_law(pack, min(month.end, view.today))
    rules, left_out = list_rules(pack, min(month.end, view.today), is_made_up=is_made_up)
    if order == "published":
        rules = (PUBLISHED,)
    # A query a rule: each is small beside the tables that it reads, and one large one needs more memory than all of them.
    hits = pa.concat_tables([view.query(partial(find_rule, month=month, law=law, rule=rule)) for rule in rules])
    homes = pa.table({"household": sorted(set(hits.column("household").to_pylist()))}, HOMES)
    candidates = read_candidates(hits, view.query(partial(find_context, month=month, law=law, homes=homes)), law)
    past = view.list_cases(WARNING, limit=EVERY)
    quiet = read_quiet(past, month, law.codes["again_months"])
    waiting = quiet.keep(candidates)
    fresh = _list_fresh(view, month, law)
    if order == "published":
        waiting = [one for one in waiting if one.household in fresh]
    visits = event.body.get("visits", len(fresh) * law.numbers["visits_bp"] // 10_000)
    learnt, outcomes = learn(past, law)
    seed = month.start.year * 100 + month.start.month
    offers = choose(learnt, waiting, visits, law.numbers["learn_share_bp"], seed)
    said = {
        "month": month.text, "standing": len(candidates), "offered": len(offers),
        "to_learn": sum(one.is_to_learn for one in offers), "learnt_from": outcomes, "order": order,
        "left_out": " ".join(left_out), "evidence": _evidence(is_made_up),
    }  # fmt: skip
    return [*_offer(view, month, offers, is_made_up), *_count(month, candidates, said)]


def _list_fresh(view: View, month: Period, law: Law) -> frozenset[str]:
    """New warnings of the published rule: in a city's first run all that stand, later those of the month."""
    build = (
        find_published
        if view.find_record("discovery.run", {"month": month.previous().text})
        else find_standing_published
    )
    return frozenset(view.query(partial(build, month=month, law=law)).column("household").to_pylist())


def _offer(view: View, month: Period, offers: Sequence[Offer], is_made_up: bool) -> list[Effect]:
    """A case for each visit that is offered, and a row for each rule behind it."""
    openings, rows = [], []
    for place, offer in enumerate(offers, 1):
        one = offer.candidate
        because = (*offer.because, "to_learn") if offer.is_to_learn else offer.because
        fields = {
            "month": month.text, "rules": " ".join(sorted(one.rules)), "words": " ".join(one.words),
            "because": " ".join(because), "place": place, "is_to_learn": offer.is_to_learn, "is_made_up": is_made_up,
        }  # fmt: skip
        openings.append(
            Opening(
                WARNING, f"warning:{month.text}:{one.household}", RULE, one.household, one.village, unit=one.village,
                fields=fields, clocks={"assign": _working(view, "assign")},
            )
        )  # fmt: skip
        rows += [
            {"month": month.text, "household": one.household, "region": one.village, "rule": rule, "amount": amount,
             "line": line, "evidence": _evidence(is_made_up)}
            for rule, (amount, line) in sorted(one.rules.items())
        ]  # fmt: skip
    if not openings:
        return []
    return [OpenCase(tuple(openings)), Record("discovery.warning", tuple(rows))]


def _count(month: Period, candidates: Sequence[Candidate], said: Mapping[str, Any]) -> list[Effect]:
    counted = tuple(
        {
            "month": month.text,
            "region": county,
            "rule": rule,
            "households": households,
            "evidence": said["evidence"],
        }
        for (county, rule), households in sorted(count_standing(candidates).items())
    )
    effects: list[Effect] = [Record("discovery.run", (said,))]
    if counted:
        effects.append(Record("discovery.standing", counted))
    if said["offered"]:
        title = Text(
            f"{month.text} 有 {said['offered']} 户待走访", f"{said['offered']} households to visit, {month.text}"
        )
        effects.append(Notify("discovery.villages", title, "offered", {"month": month.text}))
    return effects


# -- a person works on it -------------------------------------------------------------------------------------------------------


def _moved(event: Event, view: View) -> list[Effect]:
    body = event.body
    case, name = view.get_case(body["case"]), body["move"]
    more: dict[str, Any] = {key: body[key] for key in ("officer", "unit", "referred_to") if key in body}
    if name == "visit" or (name == "decline" and case.state == "assigned"):
        more["visited_on"] = _read_day(view, case, body)
    clocks = {_STARTS[name]: _working(view, _STARTS[name])} if name in _STARTS else {}
    if name == "not_met":
        clocks = {"visit": TimeLimit(body.get("count", 0), body.get("time_unit", "working_day"))}
    if name == "set_aside":
        more["finding"] = "set_aside"
    finding = _FOUND.get(name, "")
    if finding:
        more["finding"] = finding
    if name == "apply_for":
        more |= {key: body[key] for key in ("facts", "head_name", "authorisation") if key in body}
    move = Moving(
        case.id, name, event.by, seen=body.get("seen"), reason=body.get("reason", ""),
        evidence=(body["evidence"],) if body.get("evidence") else (), set=more, clocks=clocks, outcome=body.get("outcome", ""),
    )  # fmt: skip
    effects: list[Effect] = [MoveCase((move,))]
    return effects + (_tell(view, case, finding, {**case.fields, **more}, body) if finding else [])


def _read_day(view: View, case: Case, body: Mapping[str, Any]) -> str:
    """The day of the visit: as the cadre says, else today; not before the warning, not in the future."""
    day = date.fromisoformat(body["visited_on"]) if body.get("visited_on") else view.today
    if not case.opened_at.date() <= day <= view.today:
        raise Yours(_refuse("visit_day", case.id, day.isoformat(), f"{case.opened_at.date()} – {view.today}",
            "走访日应在预警之后、今天之前", "a visit lies between the warning and today"))  # fmt: skip
    return day.isoformat()


def _tell(view: View, case: Case, finding: str, fields: Mapping[str, Any], body: Mapping[str, Any]) -> list[Effect]:
    """The outcome of a visit: to the rules that warned, and on to relief where relief is wanted."""
    helps = "not_known" if finding == "declined" else "yes" if finding in HELP else "no"
    days = (date.fromisoformat(str(fields["visited_on"])) - case.opened_at.date()).days
    made_up = bool(fields.get("is_made_up"))
    visit = {
        "case": case.id, "month": fields["month"], "household": case.subject, "region": case.region, "finding": finding,
        "leads_to_help": helps, "days": days, "is_to_learn": "yes" if fields.get("is_to_learn") else "no", "evidence": _evidence(made_up),
    }  # fmt: skip
    plain = {
        "fact": f"{fields['month']}-{case.no}", "month": fields["month"], "region": case.region[:6], "leads_to_help": helps,
        "days": days, "evidence": _evidence(made_up),
    }  # fmt: skip
    rules = tuple({**plain, "rule": rule} for rule in ("any", *str(fields["rules"]).split()))
    effects: list[Effect] = [Record("discovery.visit", (visit,)), Record("discovery.rule_outcome", rules)]
    if finding in _LEADS:
        lead = {
            "lead": f"{fields['month']}-{case.subject}", "kind": finding, "household": case.subject, "region": case.region,
            "day": view.today.isoformat(), "is_made_up": made_up, "evidence": _evidence(made_up),
        }  # fmt: skip
        lead |= {name: body[name] for name in ("facts", "head_name", "authorisation") if body.get(name)}
        effects.append(Record("discovery.lead", (lead,)))
    return effects


# -- what becomes of it -----------------------------------------------------------------------------------------------------------


def _decided(event: Event, view: View) -> list[Effect]:
    """Relief was decided on: the warning that led to it is closed with what was decided, by a person there, not here."""
    body = event.body
    outcome = {"granted": "granted", "refused": "not_granted"}.get(str(body["kind"]))
    if outcome is None:
        return []
    standing = view.list_cases(WARNING, states=_LEADS, subject=str(body["household"]), is_open=True)
    moves = [Moving(case.id, "close", RULE, reason=str(body["award"]), outcome=outcome) for case in standing]
    return [MoveCase((move,)) for move in moves]


def _rang(event: Event, view: View) -> list[Effect]:
    """A clock is over: the case presses, and somebody is told; nothing is decided by it."""
    body = event.body
    if body["what"] != "due":
        return []
    case = view.get_case(body["case"])
    urge = Moving(
        case.id, "urge", RULE, reason=f"{body['clock']} {body['due']}", set={"priority": max(case.priority, _LATE)}
    )
    said = Text("走访超时，请尽快上门", "a visit is late: please go")
    return [MoveCase((urge,)), Notify("relief.window", said, "late", {"case": case.id, "clock": body["clock"]})]


def _evidence(is_made_up: bool) -> str:
    return "made_up" if is_made_up else "seen"


def _refuse(kind: str, where: str, found: object, expected: str, zh: str, en: str) -> Finding:
    return Finding(f"discovery.{kind}", where[:120], str(found)[:120], expected[:400], Text(zh, en))


_STEPS: Mapping[str, Callable[[Event, View], list[Effect]]] = {
    "month_run": _run,
    "moved": _moved,
    "recorded.relief.decision": _decided,
    "clock": _rang,
}
