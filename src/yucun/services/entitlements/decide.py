"""The story of an item owed: a life event matches it, it is pre-filled, one tap confirms it, it is granted, told and delivered.

Granting may be automatic. Where a fact must be asked, and for every refusal, a named person looks. Opting out and correction
are open at every step. What relief grants is heard of and counted, and never done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import NotKnown, Yours
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.cases import Actor, Case, Moving, Opening, TimeLimit
from yucun.kernel.effects import Effect, MoveCase, Notify, OpenCase, Record
from yucun.kernel.view import Event, View

from .detectors import BIRTHDAYS, Happening, born_on, find_birthdays, find_events, list_days, make_facts
from .models import Item, claim_id, fact_mark, parameters_of, read_catalogue, refuse
from .planning import Finder, Owed, find_owed, make_finder, make_people, read_people

CLAIM, OBJECTION, LOOK = "entitlements.claim", "entitlements.objection", "entitlements.look"
RULE = Actor.rule("entitlements")
MAIN = ("dibao", "edge", "tekun")
_LATE = 50


def decide(event: Event, view: View) -> list[Effect]:
    """Say what follows from an event of entitlements."""
    step = _STEPS.get(event.name)
    return step(event, view) if step is not None else []


# -- figures ----------------------------------------------------------------------------------------------------------------


def _whole(view: View, name: str) -> int:
    content = view.pack.derive(parameters_of).get(name, view.today).content
    if not isinstance(content, int):
        raise TypeError(f"the parameter {name} is no whole number")
    return content


def _days(view: View, name: str) -> TimeLimit:
    return TimeLimit(_whole(view, name), "day")


def _working(view: View, name: str) -> TimeLimit:
    return TimeLimit(_whole(view, name), "working_day")


def _catalogue(view: View) -> Mapping[str, Item]:
    return view.pack.derive(read_catalogue)


def _finder(view: View, period: Period, facts: pa.Table) -> Finder:
    return make_finder(_catalogue(view), view.pack.derive(parameters_of), period, facts.column_names, view.pack.hash)


def _item(view: View, case: Case) -> Item:
    return _catalogue(view)[str(case.fields["item"])]


# -- a life event -----------------------------------------------------------------------------------------------------------


def _happened(event: Event, view: View) -> list[Effect]:
    """Somebody tells of a life event, with what is known of the person then."""
    body = event.body
    people = read_people(body["facts"].encode(), body["event"])
    if body["person"] not in people.column("person_id").to_pylist():
        raise Yours(refuse("other_person", body["event"], body["person"], "a row of this person",
            "所附情况里没有这个人", "what is known holds no row of this person"))  # fmt: skip
    one = Happening(body["kind"], date.fromisoformat(body["day"]), body["person"], body["household"], body["region"],
                    f"entitlements.happened {body['event']}", bool(body.get("is_made_up")))  # fmt: skip
    return _match(view, [one], people)


def _told(event: Event, view: View) -> list[Effect]:
    """A service published a life event: the same as one that an office sent."""
    events = pa.Table.from_pylist([{**event.body, "day": date.fromisoformat(str(event.body["day"]))}])
    effects, _ = _match_events(view, events)
    return effects


def _match_events(view: View, events: pa.Table, days: Sequence[date] = ()) -> tuple[list[Effect], tuple[int, int, str]]:
    """Match rows of ``people.event``, and birthdays on days; with how many happened, were matched, and what is missing."""
    ages = {kind: _whole(view, name) for kind, name in BIRTHDAYS.items()}
    try:
        people = view.rows("people.person", household=_list(events, "household"))
        happened = find_events(events, people)
        if days:
            births = tuple(sorted({born for day in days for years in ages.values() for born in born_on(day, years)}))
            found = view.rows("people.person", birth=births)
            happened += find_birthdays(found, days, ages)
            others = pc.invert(pc.is_in(found.column("person"), people.column("person").combine_chunks()))
            people = pa.concat_tables([people, found.filter(others)])
        everybody = _list(people, "person")
        certificates = view.rows("people.disability", person=everybody)
        register = view.rows("people.register", person=everybody)
    except NotKnown as error:
        return [], (0, 0, error.findings[0].where)
    dead = [one for one in happened if one.kind == "death"]
    effects = _match(view, happened, make_facts(people, certificates, register, dead))
    return effects, (len(happened), sum(len(one.wishes) for one in effects if isinstance(one, OpenCase)), "")


def _list(table: pa.Table, name: str) -> tuple[str, ...]:
    return tuple(sorted({str(one) for one in table.column(name).to_pylist()})) if table.num_rows else ("",)


def _match(view: View, happened: Sequence[Happening], facts: pa.Table) -> list[Effect]:
    """Open a claim for each item that an event makes owed, month by month, as the rules of that month say."""
    wanted: list[tuple[Happening, Owed]] = []
    for month in sorted({(one.day.year, one.day.month) for one in happened}):
        period = Period.month(*month)
        finder = _finder(view, period, facts)
        owed: dict[str, list[Owed]] = {}
        for one in find_owed(finder, make_people(period, facts)):
            owed.setdefault(one.person, []).append(one)
        for event in happened:
            if (event.day.year, event.day.month) == month:
                wanted += [(event, one) for one in owed.get(event.person, ()) if event.kind in one.item.triggers]
    effects = _open(view, wanted)
    deaths = [
        case
        for one in happened
        if one.kind == "death"
        for case in view.list_cases(CLAIM, subject=one.person, is_open=True)
    ]
    news = tuple(
        Moving(case.id, "note_death", RULE, set={"died": True}) for case in deaths if not case.fields.get("died")
    )
    return [*effects, MoveCase(news)] if news else effects


def _open(view: View, wanted: Iterable[tuple[Happening, Owed]]) -> list[Effect]:
    """Claims with their clocks, each item of a person once while it is open; what needs no fact is pre-filled at once."""
    opened: dict[str, Opening] = {}
    prefilled, told = [], {}
    for event, owed in wanted:
        name, item = claim_id(event.person, owed.item.code, event.day), owed.item
        if name in opened or _is_under_way(view, event.person, name, item.code):
            continue
        fields: dict[str, Any] = {
            "item": item.code, "event": event.kind, "owed_on": event.day.isoformat(), "to": item.to, "household": event.household,
            "clause": item.clause.zh, "asks": " ".join(owed.asks), "source": event.source, "is_made_up": event.is_made_up,
        }  # fmt: skip
        clock = {"confirm": _days(view, "confirm_days")}
        opened[name] = Opening(CLAIM, name, RULE, event.person, event.region, fields=fields, clause=item.clause.zh,
                               clocks=clock if owed.asks else {})  # fmt: skip
        if not owed.asks:
            prefilled.append(Moving(name, "prefill", RULE, clocks=clock))
        told[event.person] = name
    if not opened:
        return []
    effects: list[Effect] = [OpenCase(tuple(opened.values()))]
    effects += [MoveCase(tuple(prefilled))] if prefilled else []
    effects.append(
        Record("entitlements.tally", tuple(_count(view, one, "owed") for one in opened.values() if one.region))
    )
    said = Text("有应得的公共服务等您确认", "public services that are owed to you wait for your tap")
    return [*effects, *(Notify(person, said, "owed", {"case": case}) for person, case in told.items())]


def _is_under_way(view: View, person: str, name: str, item: str) -> bool:
    if view.find_case(name) is not None:
        return True
    return any(one.fields["item"] == item for one in view.list_cases(CLAIM, subject=person, is_open=True))


def _count(view: View, claim: Opening | Case, measure: str) -> dict[str, Any]:
    field = _catalogue(view)[str(claim.fields["item"])].field
    day = claim.fields["owed_on"]
    return {"fact": fact_mark(claim.id), "region": claim.region, "day": day, "measure": measure, "field": field,
            "evidence": _evidence(claim.fields.get("is_made_up"))}  # fmt: skip


def _evidence(is_made_up: object) -> str:
    return "made_up" if is_made_up else "seen"


# -- every morning ----------------------------------------------------------------------------------------------------------


def _begin(event: Event, view: View) -> list[Effect]:
    return _open_look(view, date.fromisoformat(event.body["day"]), date.fromisoformat(event.body["since"]))


def _open_look(view: View, day: date, since: date) -> list[Effect]:
    """The next look, at its hour; one for each day."""
    if view.find_case(f"look:{day.isoformat()}") is not None:
        return []
    due = datetime.combine(day, time(_whole(view, "look_hour")), view.at.tzinfo)
    clock = {"look": TimeLimit(max(0, int((due - view.at).total_seconds())), "second")}
    return [
        OpenCase((Opening(LOOK, f"look:{day.isoformat()}", RULE, fields={"since": since.isoformat()}, clocks=clock),))
    ]


def _look(view: View, case: Case) -> list[Effect]:
    """Look at the life events and birthdays of the days up to yesterday; what came late is found too."""
    since = date.fromisoformat(str(case.fields["since"]))
    last = view.today - timedelta(days=1)
    first = max(since, view.today - timedelta(days=_whole(view, "look_days")))
    effects: list[Effect] = []
    found = (0, 0, "")
    if first <= last:
        days = list_days(first, last)
        try:
            effects, found = _match_events(view, view.rows("people.event", day=days), days)
        except NotKnown as error:
            found = (0, 0, error.findings[0].where)
    fields = {"events": found[0], "claims": found[1], "not_known": found[2][:200]}
    move = MoveCase((Moving(case.id, "look", RULE, set=fields),))
    return [move, *effects, *_open_look(view, view.today + timedelta(days=1), since)]


# -- what relief decides ------------------------------------------------------------------------------------------------------


def _relieved(event: Event, view: View) -> list[Effect]:
    """Relief granted something: an item of the catalogue that it gives is counted, and what follows from the class is matched."""
    row = event.body
    if row["kind"] != "granted" or not row.get("region"):
        return []
    effects: list[Effect] = []
    given = next((one for one in _catalogue(view).values() if one.relief == row["programme"]), None)
    if given is not None:
        count = {"fact": fact_mark(str(row["award"])), "region": row["region"], "day": row["day"], "measure": "by_relief",
                 "field": given.field, "evidence": _evidence(row.get("is_made_up"))}  # fmt: skip
        effects.append(Record("entitlements.tally", (count,)))
    if row["programme"] in MAIN:
        effects += _follow_relief(view, row)
    return effects


def _follow_relief(view: View, row: Mapping[str, Any]) -> list[Effect]:
    """What people of a class are owed: the members where offices hold them, else what the class alone makes owed."""
    day, home, hardship = date.fromisoformat(str(row["day"])), str(row["household"]), str(row["programme"])
    facts = pa.table({"person_id": [home], "class": [hardship]})
    persons = [home]
    try:
        people = view.rows("people.person", household=(home,))
        if people.num_rows and "person" in people.column_names:
            certificates = view.rows("people.disability", person=_list(people, "person"))
            facts = make_facts(people, certificates, view.rows("people.register", person=("",)), (), hardship)
            persons = list(_list(people, "person"))
    except NotKnown:
        pass  # a city without the table of people: the household itself is the one that is told
    is_made_up = bool(row.get("is_made_up"))
    period = Period.month(day.year, day.month)
    finder = _finder(view, period, facts)
    wanted = []
    for owed in find_owed(finder, make_people(period, facts)):
        if f"relief.{hardship}" in owed.item.triggers and owed.person in persons:
            event = Happening(
                "relief", day, owed.person, home, str(row["region"]), f"relief.decision {row['award']}", is_made_up
            )
            wanted.append((event, owed))
    return _open(view, wanted)


# -- the person, or somebody for the person -----------------------------------------------------------------------------------


def _moved(event: Event, view: View) -> list[Effect]:
    case = view.get_case(event.body["case"])
    if case.kind != CLAIM:
        return [MoveCase((_wish(event, case),))]
    name = event.body["move"]
    match name:
        case "confirm" | "confirm_for":
            way = "tap" if name == "confirm" else "proxy"
            return _confirmed(view, case, _wish(event, case, None, way=way))
        case "tell":
            clocks = {"grant": _working(view, "grant_working_days")}
            said = Text("补充了情况，请核实", "a fact was told: please look")
            move = _wish(event, case, clocks, way="told")
            return [MoveCase((move,)), Notify("entitlements.window", said, "told", {"case": case.id})]
        case "grant":
            return _granted(view, case, _wish(event, case), case.version)
        case "deliver":
            return _delivered(event, view, case)
        case "rate":
            return _rated(event, view, case)
        case "decline" | "decline_for" | "refuse" | "end":
            return _closed(event, view, case)
        case "take_up" | "corrected":
            return [MoveCase((_wish(event, case, {"confirm": _days(view, "confirm_days")}),))]
        case "correct":
            said = Text("有人要求更正", "a correction is asked for")
            move = _wish(event, case, {"correct": _working(view, "correct_working_days")})
            return [MoveCase((move,)), Notify("entitlements.window", said, "correct", {"case": case.id})]
        case _:
            return [MoveCase((_wish(event, case),))]


def _wish(event: Event, case: Case, clocks: Mapping[str, TimeLimit] | None = None, **more: Any) -> Moving:
    body = event.body
    named = {key: body[key] for key in ("officer", "unit", "told", "wrong", "proof", "stars") if key in body}
    return Moving(
        case.id, body["move"], event.by, seen=body.get("seen"), reason=body.get("reason", ""), clause=body.get("clause", ""),
        evidence=(body["evidence"],) if body.get("evidence") else (), set={**named, **more}, clocks=clocks or {},
        outcome=body.get("outcome", ""),
    )  # fmt: skip


def _confirmed(view: View, case: Case, move: Moving) -> list[Effect]:
    """Confirmed: what needs no look is granted by rule in the same step."""
    grant = Moving(case.id, "grant", RULE, clause=str(case.fields["clause"]))
    return [MoveCase((move,)), *_granted(view, case, grant, case.version + 1)]


def _granted(view: View, case: Case, move: Moving, version: int) -> list[Effect]:
    """Granted, and told at once; what follows from it is matched."""
    if view.pack.derive(parameters_of).is_simulation_only and not case.fields.get("is_made_up"):
        raise Yours(refuse("simulation_only", case.id, "unverified parameters", "verified parameters",
            "参数含未核实的数值，只能用于模拟；请先核实参数",
            "the figures rest on unverified parameters and hold for made-up people only; verify them first"))  # fmt: skip
    told = Moving(case.id, "notify", RULE, clocks={"deliver": _days(view, "deliver_days")})
    said = Text("已给予，等待送达", "granted, on its way to you")
    row = _decision(view, case, version + 1, "granted", move.by, move.reason)
    follows = [one for one in _catalogue(view).values() if f"follows.{case.fields['item']}" in one.triggers]
    happening = Happening("follows", view.today, case.subject, str(case.fields.get("household", "")), case.region,
                          f"claim {case.id}", bool(case.fields.get("is_made_up")))  # fmt: skip
    return [
        MoveCase((move,)), MoveCase((told,)), Record("entitlements.decision", (row,)),
        Notify(case.subject, said, "granted", {"case": case.id}),
        *_open(view, [(happening, Owed(case.subject, one, "owed")) for one in follows]),
    ]  # fmt: skip


def _decision(view: View, case: Case, version: int, kind: str, by: Actor, reason: str) -> dict[str, Any]:
    row = {"claim": case.id, "version": version, "kind": kind, "item": case.fields["item"], "subject": case.subject,
           "region": case.region, "by": by.account, "reason": reason, "day": view.today.isoformat()}  # fmt: skip
    return {name: value for name, value in row.items() if value != ""}


def _delivered(event: Event, view: View, case: Case) -> list[Effect]:
    said = Text("已送达，请评价", "delivered: please rate it")
    row = _decision(view, case, case.version + 1, "delivered", event.by, "")
    return [
        MoveCase((_wish(event, case),)), Record("entitlements.decision", (row,)), *_tally(view, case, "delivered"),
        Notify(case.subject, said, "delivered", {"case": case.id}),
    ]  # fmt: skip


def _tally(view: View, case: Case, measure: str) -> list[Effect]:
    """Count it once; an item without a known place counts nowhere."""
    return [Record("entitlements.tally", (_count(view, case, measure),))] if case.region else []


def _rated(event: Event, view: View, case: Case) -> list[Effect]:
    effects: list[Effect] = [MoveCase((_wish(event, case),))]
    if case.region:
        row = {"fact": fact_mark(case.id), "version": case.version + 1, "region": case.region,
               "day": view.today.isoformat(), "stars": event.body.get("stars"),
               "evidence": _evidence(case.fields.get("is_made_up"))}  # fmt: skip
        effects.append(Record("entitlements.rating", (row,)))
    return effects


def _closed(event: Event, view: View, case: Case) -> list[Effect]:
    """Declined by the person, refused or ended by a named officer; the kernel refuses a rule and a missing reason."""
    kind = {"decline": "declined", "decline_for": "declined", "refuse": "refused", "end": "ended"}[event.body["move"]]
    row = _decision(view, case, case.version + 1, kind, event.by, event.body.get("reason", ""))
    effects: list[Effect] = [MoveCase((_wish(event, case),)), Record("entitlements.decision", (row,))]
    if kind != "ended":
        effects += _tally(view, case, kind)
    if kind == "refused":
        said = Text(
            "未予给予，理由见通知，可提出异议", "not granted; the reasons are in the notice, and you may object"
        )
        effects.append(Notify(case.subject, said, "refused", {"case": case.id}))
    return effects


def _objected(event: Event, view: View) -> list[Effect]:
    body = event.body
    about = view.find_case(body["about"])
    if about is None or about.kind != CLAIM:
        raise Yours(
            refuse("unknown_claim", body["about"], "nothing", "an item owed", "没有这一项", "there is no such item")
        )
    fields = {"text": body["text"], "about": body["about"], "is_made_up": bool(body.get("is_made_up"))}
    opening = Opening(OBJECTION, f"objection:{body['objection']}", event.by, about.subject, about.region, fields=fields,
                      clocks={"answer": _days(view, "objection_days")})  # fmt: skip
    said = Text("有人提出异议", "somebody objects")
    return [OpenCase((opening,)), Notify("entitlements.county", said, "objected", {"case": opening.id})]


# -- a clock rings ------------------------------------------------------------------------------------------------------------


def _rang(event: Event, view: View) -> list[Effect]:
    body = event.body
    if body["what"] != "due":
        return []
    case, clock = view.get_case(body["case"]), body["clock"]
    if case.kind == LOOK:
        return _look(view, case)
    if clock == "confirm" and case.state == "prefilled" and (clause := _item(view, case).silence) is not None:
        move = Moving(case.id, "confirm_silence", RULE, reason=clause.zh, clause=clause.zh, set={"way": "silence"})
        return _confirmed(view, case, move)
    if clock == "confirm":
        said = Text(
            "还有应得的服务等您确认；村社可代办", "a service still waits for your tap; the village can do it for you"
        )
        late = {"priority": max(case.priority, _LATE)}
        move = Moving(case.id, "remind", RULE, reason=f"{clock} {body['due']}", set=late)
        notes = [Notify(to, said, "remind", {"case": case.id}) for to in (case.subject, "entitlements.village")]
        return [MoveCase((move,)), *notes]
    urge = Moving(case.id, "urge", RULE, reason=f"{clock} {body['due']}", set={"priority": max(case.priority, _LATE)})
    said = Text("超时，请立即办理", "late: act now")
    return [MoveCase((urge,)), Notify("entitlements.window", said, "late", {"case": case.id, "clock": clock})]


_STEPS: Mapping[str, Callable[[Event, View], list[Effect]]] = {
    "happened": _happened,
    "recorded.people.event": _told,
    "recorded.relief.decision": _relieved,
    "watch_begun": _begin,
    "moved": _moved,
    "objected": _objected,
    "clock": _rang,
}
