"""The story of relief: a household applies, is checked, assessed, publicised and decided on; then it is paid month by month.

Granting and raising may be automatic. Whatever becomes less goes through a named person who writes the reasons: a rule
only opens a review. Money follows the award in force and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from yucun.base.errors import Yours
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.cases import Actor, Case, Moving, Opening, TimeLimit
from yucun.kernel.effects import Ask, Effect, MoveCase, Notify, OpenCase, Post, Record, Reserve, Void
from yucun.kernel.ledger import Transfer
from yucun.kernel.rules import Law, Parameters
from yucun.kernel.view import Event, View

from .models import (
    LINKED,
    MAIN,
    PROGRAMME,
    REASONS,
    Said,
    count_months,
    decision_row,
    made_up_in,
    make_due,
    make_due_again,
    read_returns,
    refuse,
    tally_rows,
    want_check,
)
from .planning import list_stated, open_found, parameters_of
from .rules import BOOK, first_paid_month_from_2014_11, is_price_triggered_from_2016_01

APPLICATION, AWARD, REVIEW = "relief.application", "relief.award", "relief.review"
OBJECTION, MONTH = "relief.objection", "relief.month"
RULE = Actor.rule("relief")
EVERY = 10_000_000
_LATE = 50


def decide(event: Event, view: View) -> list[Effect]:
    """Say what follows from an event of relief."""
    step = _STEPS.get(event.name)
    return step(event, view) if step is not None else []


def _law(view: View) -> Parameters:
    return view.pack.derive(parameters_of)


def _whole(view: View, name: str) -> int:
    content = _law(view).get(name, view.today).content
    if not isinstance(content, int):
        raise TypeError(f"the parameter {name} is no whole number")
    return content


def _working(view: View, name: str) -> TimeLimit:
    return TimeLimit(_whole(view, name), "working_day")


def _days(view: View, name: str) -> TimeLimit:
    return TimeLimit(_whole(view, name), "day")


# -- a household applies --------------------------------------------------------------------------------------------------------


def _applied(event: Event, view: View) -> list[Effect]:
    body = event.body
    _require_own(view, body["facts"], body["household"])
    standing = view.list_cases(APPLICATION, subject=body["household"], is_open=True)
    if standing:
        raise Yours(refuse("applied_twice", body["household"], standing[0].id, "no open application",
            f"这一户已有在办申请 {standing[0].id}", f"the household has an open application already: {standing[0].id}"))  # fmt: skip
    names = ("facts", "head_name", "channel", "authorisation", "is_minor_head", "is_made_up")
    opening = Opening(
        APPLICATION,
        f"relief:{body['application']}",
        event.by,
        subject=body["household"],
        region=body["region"],
        fields={name: body[name] for name in names if name in body},
        clocks={"accept": _working(view, "accept_working_days")},
    )
    said = Text("有新的救助申请", "an application for relief")
    return [OpenCase((opening,)), Notify("relief.window", said, "applied", {"case": opening.id})]


def _found(event: Event, view: View) -> list[Effect]:
    """A cadre found a household that never asked: an application on its behalf; nothing is opened twice."""
    body = event.body
    if view.list_cases(APPLICATION, subject=body["household"], is_open=True):
        return []
    month, limit = first_paid_month_from_2014_11(view.today), _working(view, "accept_working_days")
    opening = open_found(body, event.by, month, limit, _LATE)
    said = Text("主动发现：有代办申请", "an application on behalf of a household")
    return [OpenCase((opening,)), Notify("relief.window", said, "found", {"case": opening.id})]


def _require_own(view: View, facts: str, household: str) -> None:
    """What is stated can be assessed, and is about this household alone; else every finding is raised."""
    homes = list_stated(facts, household, first_paid_month_from_2014_11(view.today))
    if homes != [household]:
        raise Yours(refuse("two_households", household, homes, household,
            "一份申请只说一户，且须与所填家庭一致", "an application is about one household, the one that it names"))  # fmt: skip


def _ask(case: Case, view: View, facts: str, what: str) -> Ask:
    """Ask for an assessment; the pack's hash is part of the question, so that new figures make it a new one."""
    month = first_paid_month_from_2014_11(view.today).text
    times = case.fields.get("assessed", 0) + 1
    body = {"case": case.id, "what": what, "facts": facts, "month": month, "pack": view.pack.hash, "times": times}
    return Ask("relief.assess", body)


def _changed(event: Event, view: View) -> list[Effect]:
    """A household states anew: it is assessed, and only then something follows."""
    body = event.body
    _require_own(view, body["facts"], body["household"])
    awards = view.list_cases(AWARD, subject=body["household"], is_open=True)
    if not awards:
        raise Yours(refuse("no_award", body["household"], "nothing", "an award in force",
            "这一户没有在享的救助；请按新申请办理", "the household receives nothing; take it as an application"))  # fmt: skip
    return [_ask(awards[0], view, body["facts"], "changed")]


# -- what an assessment leads to ------------------------------------------------------------------------------------------------


def _answered(event: Event, view: View) -> list[Effect]:
    asked, answer = event.body["asked"], event.body["answer"]
    if event.body["question"] != "relief.assess":
        return []
    case = view.get_case(asked["case"])
    rows = {name: (amount, clause) for name, _, amount, clause in answer.get("programmes", ())}
    if asked["what"] == "changed":
        return [] if answer["findings"] else _compare(view, case.subject, rows, "changed")
    fields: dict[str, Any] = {"assessed": asked["times"], "month": asked["month"]}
    if answer["findings"]:
        fields["trouble"] = str(answer["findings"][0]["message"])[:400]
        return [MoveCase((Moving(case.id, "assessed", RULE, set=fields),))]
    offer = " ".join(f"{name}={amount}" for name, (amount, _) in sorted(rows.items()))
    fields |= {
        "offer": offer,
        "people": answer["people"],
        "is_simulation": answer["is_simulation"],
        "not_known": " ".join(answer["not_known"]),
        "trouble": "",
    }
    table = tuple(
        {
            "case": case.id, "made_at": str(asked["times"]), "programme": name, "household": case.subject,
            "month": asked["month"], "amount_fen": amount, "clause": clause,
        }
        for name, (amount, clause) in sorted(rows.items())
    )  # fmt: skip
    effects: list[Effect] = [MoveCase((Moving(case.id, "assessed", RULE, set=fields),))]
    return [*effects, Record("relief.assessment", table)] if table else effects


def _compare(view: View, household: str, rows: Mapping[str, tuple[int, str]], why: str) -> list[Effect]:
    """More is given at once, linked help is added at once; less opens a review for a person and changes nothing."""
    awards = view.list_cases(AWARD, subject=household, is_open=True)
    held = {str(award.fields["programme"]): award for award in awards}
    reviewed = {str(one.fields["award"]) for one in view.list_cases(REVIEW, subject=household, is_open=True)}
    effects: list[Effect] = []
    for name, award in held.items():
        before, after = int(award.fields["amount_fen"]), rows.get(name, (0, ""))[0]
        if after > before:
            effects += _raise(view, award, after, RULE, rows[name][1])
        elif after < before and award.id not in reviewed:
            effects.append(OpenCase((_review(view, award, after, why),)))
    main = next((award for name, award in held.items() if name in MAIN), None)
    for name in sorted(LINKED & (rows.keys() - held.keys())):
        if main is not None and rows[name][0] > 0:
            offered = [(name, rows[name][0])]
            effects += _grant(view, main, str(main.fields["application"]), offered, RULE, "")
    return effects


def _review(view: View, award: Case, proposed: int, why: str) -> Opening:
    number = award.version + 1
    return Opening(
        REVIEW,
        f"review:{award.id}:{number}:{why}:{view.today.isoformat()}",
        RULE,
        subject=award.subject,
        region=award.region,
        fields={
            "award": award.id,
            "programme": award.fields["programme"],
            "before_fen": award.fields["amount_fen"],
            "proposed_fen": proposed,
            "why": why,
            "is_made_up": award.fields.get("is_made_up"),
        },
        clocks={"review": _days(view, "recheck_days")},
    )


def _raise(view: View, award: Case, amount: int, by: Actor, clause: str, reason: str = "") -> list[Effect]:
    before = int(award.fields["amount_fen"])
    if amount <= before:
        raise Yours(refuse("not_more", award.id, amount, f"more than {before}",
            "增发后的金额须大于现金额；减发请由具名人员写明理由",
            "a raise is more than now; less needs a named person and reasons"))  # fmt: skip
    move = Moving(award.id, "raise", by, reason=reason, clause=clause, set={"amount_fen": amount})
    return [MoveCase((move,)), _tell(view, award, "raised", amount, by, reason)]


def _grant(
    view: View, about: Case, application: str, offered: Iterable[tuple[str, int]], by: Actor, reason: str
) -> list[Effect]:
    """Open an award for each programme that is paid by the month; what is paid once is due at once."""
    opened, rows, transfers = [], [], []
    month = first_paid_month_from_2014_11(view.today)
    for name, amount in offered:
        programme = PROGRAMME[name]
        formula = BOOK.find_version(programme.amount, month.start, _law(view).choices) if programme.amount else None
        clause = formula.clause.zh if formula else ""
        award = f"award:{application}:{name}"
        rows.append(decision_row(award, 0, "granted", about, name, 0, amount, by, reason, view.today, clause))
        if programme.paid == "status" or not amount:
            continue
        if programme.paid == "once":
            now = Period.month(view.today.year, view.today.month).text
            transfers.append(make_due(award, about.region, about.subject, name, amount, now))
            continue
        fields = {"programme": name, "amount_fen": amount, "from_month": month.text, "application": application,
                  "clause": clause, "to": programme.to, "people": about.fields.get("people"),
                  "is_made_up": about.fields.get("is_made_up")}  # fmt: skip
        opened.append(
            Opening(AWARD, award, by, about.subject, about.region, fields=fields, clause=clause, reason=reason)
        )
    effects: list[Effect] = [Record("relief.decision", tuple(rows))] if rows else []
    effects += [OpenCase(tuple(opened))] if opened else []
    if transfers:
        said = [(one.source, one.amount) for one in transfers]
        counted = _tally(view, f"due:{transfers[0].id}", "due", transfers[0].period, said, [about])
        effects += [Reserve(tuple(transfers)), counted]
    return effects


def _tell(view: View, award: Case, kind: str, after: int, by: Actor, reason: str) -> Record:
    """One row of the table of decisions."""
    name, before = str(award.fields.get("programme", "application")), int(award.fields.get("amount_fen", 0))
    row = decision_row(award.id, award.version + 1, kind, award, name, before, after, by, reason, view.today)
    return Record("relief.decision", (row,))


# -- a person works on it -------------------------------------------------------------------------------------------------------


def _moved(event: Event, view: View) -> list[Effect]:
    case = view.get_case(event.body["case"])
    match case.kind:
        case "relief.application":
            return _move_application(event, view, case)
        case "relief.award":
            return _move_award(event, view, case)
        case "relief.review":
            return _move_review(event, view, case)
        case "relief.month" if event.body["move"] in ("pay", "take_returns"):
            raise Yours(refuse("use_the_run", case.id, event.body["move"], "pay_ordered or bank_returned",
                "签发与退回请用月度发放页面", "pay and note returns on the page of the month's run"))  # fmt: skip
        case _:
            return [MoveCase((_wish(event, case),))]


def _wish(event: Event, case: Case, clocks: Mapping[str, TimeLimit] | None = None, **more: Any) -> Moving:
    body = event.body
    named = {key: body[key] for key in ("officer", "unit") if key in body}
    return Moving(
        case.id, body["move"], event.by, seen=body.get("seen"), reason=body.get("reason", ""),
        clause=body.get("clause", ""), evidence=(body["evidence"],) if body.get("evidence") else (),
        set={**named, **more}, clocks=clocks or {}, outcome=body.get("outcome", ""),
    )  # fmt: skip


def _move_application(event: Event, view: View, case: Case) -> list[Effect]:
    name = event.body["move"]
    clocks: dict[str, TimeLimit] = {}
    if name == "accept":
        clocks = {"opinion": _working(view, "opinion_working_days"), "whole": _working(view, "whole_working_days")}
    elif name == "resubmit":
        clocks = {"accept": _working(view, "accept_working_days")}
    elif name == "send_back":
        clocks = {"opinion": _working(view, "opinion_working_days")}
    elif name == "publicise":
        clocks = {"publicity": _days(view, "publicity_days")}
    elif name == "extend":
        clocks = {"opinion": TimeLimit(event.body.get("count", 0), event.body.get("time_unit", "working_day"))}
    stated = {"facts": event.body["facts"]} if name == "resubmit" and event.body.get("facts") else {}
    if stated:
        _require_own(view, stated["facts"], case.subject)
    effects: list[Effect] = [MoveCase((_wish(event, case, clocks, **stated),))]
    facts = str(case.fields.get("facts", ""))
    if name == "verify":
        effects.append(Record("relief.check_wanted", (want_check(case, facts, view.today),)))
    elif name in ("verified", "assess"):
        effects.append(_ask(case, view, facts, "application"))
    elif name == "approve":
        effects += _approve(event, view, case)
    elif name == "reject":
        effects.append(_tell(view, case, "refused", 0, event.by, event.body.get("reason", "")))
    if name in ("ask_more", "reject", "approve"):
        said = Text("救助申请有了结果", "your application has an outcome")
        effects.append(Notify(case.subject, said, name, {"case": case.id}))
    return effects


def _approve(event: Event, view: View, case: Case) -> list[Effect]:
    if case.fields.get("is_simulation") and not case.fields.get("is_made_up"):
        raise Yours(refuse("simulation_only", case.id, "unverified parameters", "verified parameters",
            "标准含未核实参数，只能用于模拟申请；请先核实参数",
            "the figures rest on unverified parameters and hold for made-up applications only; verify them first"))  # fmt: skip
    month = first_paid_month_from_2014_11(view.today)
    pairs = [one.split("=") for one in str(case.fields.get("offer", "")).split()]
    offered = [(name, int(amount)) for name, amount in pairs]
    taken = {str(one.fields["programme"]) for one in view.list_cases(AWARD, subject=case.subject, is_open=True)}
    twice = sorted(taken & {name for name, _ in offered})
    if twice:
        raise Yours(refuse("awarded_twice", case.id, twice, "programmes that are not in force",
            f"这一户已在享：{twice}；请按家庭情况变更办理", f"the household receives already: {twice}; take it as a change"))  # fmt: skip
    application = case.id.partition(":")[2]
    effects = _grant(view, case, application, offered, event.by, event.body.get("reason", ""))
    return effects + _open_month(view, month.text)


def _move_award(event: Event, view: View, case: Case) -> list[Effect]:
    name, reason = event.body["move"], event.body.get("reason", "")
    if name == "raise":
        return _raise(view, case, int(event.body.get("amount_fen", 0)), event.by, event.body.get("clause", ""), reason)
    return _lessen(event, view, case, name)


def _lessen(event: Event, view: View, award: Case, name: str) -> list[Effect]:
    """A cut or a stop, by the person who made the event; the kernel refuses a rule and a missing reason."""
    reason, before = event.body.get("reason", ""), int(award.fields["amount_fen"])
    if name == "cut":
        after = int(event.body.get("amount_fen", -1))
        if not 0 < after < before:
            raise Yours(refuse("not_less", award.id, after, f"1 to {before - 1}",
                "减发后的金额须大于零、小于现金额；减至零请用停发",
                "a cut is above nothing and below now; to end it, stop it"))  # fmt: skip
        move = Moving(
            award.id, "cut", event.by, reason=reason, clause=event.body.get("clause", ""), set={"amount_fen": after}
        )
        return [MoveCase((move,)), _tell(view, award, "cut", after, event.by, reason)]
    last = Period.month(view.today.year, view.today.month).text
    move = Moving(
        award.id, name, event.by, reason=reason, clause=event.body.get("clause", ""), set={"until_month": last}
    )
    return [MoveCase((move,)), _tell(view, award, "stopped", 0, event.by, reason)]


def _move_review(event: Event, view: View, case: Case) -> list[Effect]:
    name, body = event.body["move"], event.body
    more = {"amount_fen": body["amount_fen"]} if "amount_fen" in body else {}
    effects: list[Effect] = [MoveCase((_wish(event, case, None, **more),))]
    award = view.get_case(str(case.fields["award"]))
    if name == "raise":
        effects += _raise(view, award, int(body.get("amount_fen", 0)), event.by, "", body.get("reason", ""))
    elif name in ("cut", "stop"):
        effects += _lessen(event, view, award, name)
        said = Text("救助金额有变，理由见通知", "your relief changes; the reasons are in the notice")
        effects.append(Notify(case.subject, said, name, {"case": case.id, "award": award.id}))
    return effects


def _objected(event: Event, view: View) -> list[Effect]:
    body = event.body
    fields = {"text": body["text"], "about": body["about"]}
    opening = Opening(
        OBJECTION, f"objection:{body['objection']}", event.by, body.get("household", ""), body.get("region", ""),
        fields=fields, clocks={"answer": _days(view, "objection_days")},
    )  # fmt: skip
    said = Text("有人提出异议", "somebody objects")
    return [OpenCase((opening,)), Notify("relief.county", said, "objected", {"case": opening.id})]


def _checked(event: Event, view: View) -> list[Effect]:
    """The means check is back: what it found goes to the case, and the household is assessed."""
    body = event.body
    case = view.find_case(str(body["application"]))
    if case is None or case.state != "verifying":
        return []
    if body["status"] != "complete":
        said = Text("核对未能进行", "the check could not be made")
        return [Notify("relief.window", said, "check_refused", {"case": case.id, "status": body["status"]})]
    fields = {"check": body["check"], "differences": body.get("differences", 0)}
    facts = str(case.fields.get("facts", ""))
    return [MoveCase((Moving(case.id, "verified", RULE, set=fields),)), _ask(case, view, facts, "application")]


# -- a clock rings ----------------------------------------------------------------------------------------------------------------


def _rang(event: Event, view: View) -> list[Effect]:
    body = event.body
    if body["what"] != "due":
        return []
    case, clock = view.get_case(body["case"]), body["clock"]
    if case.kind == MONTH:
        return _fall_due(view, case)
    if clock == "publicity":
        limit = {"review": _working(view, "review_working_days")}
        reason = "公示期满无异议 / nobody objected in time"
        said = Text("公示期满，请审核", "publicity is over: please review")
        move = Moving(case.id, "forward", RULE, reason=reason, clocks=limit)
        return [MoveCase((move,)), Notify("relief.county", said, "review", {"case": case.id})]
    urge = Moving(case.id, "urge", RULE, reason=f"{clock} {body['due']}", set={"priority": max(case.priority, _LATE)})
    said = Text("超时，请立即办理", "late: act now")
    return [MoveCase((urge,)), Notify("relief.window", said, "late", {"case": case.id, "clock": clock})]


# -- a month's money --------------------------------------------------------------------------------------------------------------


def _open_month(view: View, month: str) -> list[Effect]:
    """Open a month with the day on which it is due, unless it is open already."""
    if view.find_case(f"month:{month}") is not None:
        return []
    start = Period.parse(month).start
    due = datetime.combine(date(start.year, start.month, _whole(view, "due_day")), time(0), view.at.tzinfo)
    seconds = max(0, int((due - view.at).total_seconds()))
    opening = Opening(
        MONTH, f"month:{month}", RULE, fields={"month": month}, clocks={"due": TimeLimit(seconds, "second")}
    )
    return [OpenCase((opening,))]


def _fall_due(view: View, case: Case) -> list[Effect]:
    month = str(case.fields["month"])
    awards = [
        award
        for award in view.list_cases(AWARD, states=("in_force",), limit=EVERY)
        if str(award.fields["from_month"]) <= month and int(award.fields["amount_fen"]) > 0
    ]
    transfers = [
        make_due(a.id, a.region, a.subject, str(a.fields["programme"]), int(a.fields["amount_fen"]), month)
        for a in awards
    ]
    total = sum(one.amount for one in transfers)
    fields = {"lines": len(transfers), "total_fen": total}
    effects: list[Effect] = [MoveCase((Moving(case.id, "fall_due", RULE, set=fields),))]
    if transfers:
        said = [(one.source, one.amount) for one in transfers]
        effects += [Reserve(tuple(transfers)), _tally(view, f"due:{month}", "due", month, said, awards)]
    effects += _plan_rechecks(view, awards, month)
    following = first_paid_month_from_2014_11(Period.parse(month).start)
    return effects + _open_month(view, following.text)


def _plan_rechecks(view: View, awards: Sequence[Case], month: str) -> list[Effect]:
    """Every so many months an award is looked at again by a person; until then it stands."""
    every, now = _whole(view, "recheck_months"), count_months(month)
    due = [
        _review(view, award, int(award.fields["amount_fen"]), "recheck")
        for award in awards
        if award.fields["programme"] in MAIN
        and now > count_months(str(award.fields["from_month"]))
        and (now - count_months(str(award.fields["from_month"]))) % every == 0
    ]
    return [OpenCase(tuple(due), all_or_none=False)] if due else []


def _pay(event: Event, view: View) -> list[Effect]:
    """A named person signs a month's run; what is signed must be what the books hold as due."""
    body, month = event.body, event.body["month"]
    case = view.find_case(f"month:{month}")
    pending = view.list_reserved(REASONS, month)
    total = sum(one.amount for one in pending)
    if case is None or case.state not in ("due", "paid"):
        raise Yours(refuse("not_due", month, case.state if case else "nothing", "a month that is due",
            f"{month} 尚未到应发日", f"{month} is not due yet"))  # fmt: skip
    if not event.by.is_person or "relief_finance" not in event.by.roles:
        raise Yours(refuse("not_allowed", month, event.by.account, "relief_finance",
            "签发须由财务岗位具名人员作出", "a run is signed by a named person of finance"))  # fmt: skip
    if (len(pending), total) != (body["lines"], body["total_fen"]):
        raise Yours(refuse("not_what_is_due", month, f"{body['lines']} lines, {body['total_fen']} fen",
            f"{len(pending)} lines, {total} fen", "签发的笔数或总额与账上应发不符；请重新生成银行文件",
            "lines or total are not what is due; write the bank file anew"))  # fmt: skip
    orders = case.fields.get("orders", 0) + 1
    fields = {"lines": len(pending), "total_fen": total, "file": body["file"], "orders": orders}
    settles = tuple(Transfer(f"paid:{one.id}", action="settle", of=one.id) for one in pending)
    said = [(one.source, one.amount) for one in pending]
    return [
        MoveCase((Moving(case.id, "pay", event.by, set=fields),)),
        Post(settles),
        _tally(view, f"paid:{month}:{orders}", "paid", month, said, view.list_cases(AWARD, limit=EVERY)),
    ]


def _take_returns(event: Event, view: View) -> list[Effect]:
    """What the bank returns is not lost: the payment is reversed and becomes due anew."""
    body, month = event.body, event.body["month"]
    case = view.find_case(f"month:{month}")
    if case is None or case.state != "paid":
        raise Yours(refuse("not_paid", month, case.state if case else "nothing", "a month that was paid",
            f"{month} 尚未签发，没有可退回的", f"{month} was not paid, nothing can be returned"))  # fmt: skip
    back: list[Transfer] = []
    again: list[Transfer] = []
    for name in read_returns(body["lines"], month):
        line = view.find_reserved(name)
        if line is None or line.period != month:
            raise Yours(refuse("unknown_line", name, line.period if line else "nothing", f"a line of {month}",
                f"{month} 的发放中没有「{name}」", f"the run of {month} has no line '{name}'"))  # fmt: skip
        back.append(
            Transfer(f"returned:{name}", reason="relief.returned", period=month, action="reverse", of=f"paid:{name}")
        )
        again.append(make_due_again(line))
    said = [(one.source, one.amount) for one in again]
    return [
        MoveCase((Moving(case.id, "take_returns", event.by, reason=f"{len(back)} lines"),)),
        Post(tuple(back)),
        Reserve(tuple(again)),
        _tally(view, f"returned:{month}:{body['file']}", "returned", month, said, view.list_cases(AWARD, limit=EVERY)),
    ]


def _write_off(event: Event, view: View) -> list[Effect]:
    """A named person says in writing that an amount will not be paid: entered in error, or not taken in time."""
    body = event.body
    line = view.find_reserved(body["transfer"])
    if line is None or not line.reason.startswith(REASONS):
        raise Yours(refuse("unknown_line", body["transfer"], "nothing", "an amount that is due",
            f"没有应发「{body['transfer']}」", f"nothing is due under '{body['transfer']}'"))  # fmt: skip
    if not event.by.is_person or "relief_county" not in event.by.roles:
        raise Yours(refuse("person_needed", body["transfer"], event.by.account, "a named person of the county",
            "不再发放须由县级具名人员作出并写明理由", "writing off needs a named person of the county, and reasons"))  # fmt: skip
    how, village = body["how"], line.source.rpartition(":")[2]
    awards = view.list_cases(AWARD, limit=EVERY)
    off = Transfer(f"{how}:{line.id}", action="void", of=line.id, reason=REASONS + how, clause=body.get("clause", ""))
    row = {"award": line.id, "version": 0, "kind": "cut", "household": line.destination.rpartition(":")[2], "region": village,
           "programme": line.reason.removeprefix(REASONS), "before_fen": line.amount, "after_fen": 0,
           "by": event.by.account, "reason": body["reason"], "day": view.today.isoformat(),
           "evidence": "made_up" if village in made_up_in(awards) else "seen"}  # fmt: skip
    return [
        Void((off,)),
        Record("relief.decision", (row,)),
        _tally(view, f"{how}:{line.id}", "written_off", line.period, [(line.source, line.amount)], awards),
    ]


def _order_price(event: Event, view: View) -> list[Effect]:
    """A named person orders the price subsidy of an index month: every member of every household that receives."""
    month = event.body["month"]
    if not event.by.is_person or "relief_county" not in event.by.roles:
        raise Yours(refuse("not_allowed", month, event.by.account, "relief_county",
            "价格补贴由县级具名人员发起", "a price subsidy is ordered by a named person of the county"))  # fmt: skip
    period = Period.parse(month)
    law = Law(_law(view), period)
    if not is_price_triggered_from_2016_01(None, law):  # type: ignore[arg-type]
        raise Yours(refuse("not_triggered", month, "below the threshold", "a rise at the threshold or above",
            f"{month} 的涨幅未达启动线", f"prices of {month} did not rise to the threshold"))  # fmt: skip
    formula = BOOK.find_version("price_each_fen", period.start, law.pack.choices)
    assert formula is not None
    each = int(formula.function(None, law))
    held = {
        a.subject: a
        for a in view.list_cases(AWARD, states=("in_force",), limit=EVERY)
        if a.fields["programme"] in ("dibao", "tekun")
    }
    now = Period.month(view.today.year, view.today.month).text
    transfers = tuple(
        make_due(f"price:{month}:{home}", award.region, home, "price", each * int(award.fields.get("people") or 1), now)
        for home, award in sorted(held.items())
    )
    said = [(one.source, one.amount) for one in transfers]
    return [Reserve(transfers), _tally(view, f"price:{month}", "due", now, said, held.values())] if transfers else []


def _tally(view: View, fact: str, measure: str, month: str, said: Said, about: Iterable[Case]) -> Record:
    return Record("relief.tally", tally_rows(fact, measure, month, view.today.isoformat(), said, made_up_in(about)))


_STEPS: Mapping[str, Callable[[Event, View], list[Effect]]] = {
    "applied": _applied,
    "moved": _moved,
    "answered": _answered,
    "recorded.verification.report": _checked,
    "recorded.discovery.lead": _found,
    "changed": _changed,
    "objected": _objected,
    "clock": _rang,
    "month_opened": lambda event, view: _open_month(view, event.body["month"]),
    "pay_ordered": _pay,
    "bank_returned": _take_returns,
    "written_off": _write_off,
    "price_ordered": _order_price,
}
