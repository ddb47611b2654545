"""The story of a means check: an authorisation is signed, a check is wanted, registers are asked, differences come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from yucun.base.errors import Finding, Yours
from yucun.base.text import Text
from yucun.kernel.cases import Actor, Case, Moving, Opening, TimeLimit
from yucun.kernel.effects import Ask, Effect, MoveCase, Notify, OpenCase, Record
from yucun.kernel.view import Event, View

from .models import ITEMS
from .planning import parameters_of

AUTHORISATION, CHECK = "verification.authorisation", "verification.check"
RULE = Actor.rule("verification")


def decide(event: Event, view: View) -> list[Effect]:
    """Say what follows from an event of the means check."""
    match event.name:
        case "authorised":
            return _authorised(event, view)
        case "wanted" | "recorded.relief.check_wanted":
            return _wanted(event, view)
        case "answered":
            return _answered(event, view)
        case "moved":
            return _moved(event, view)
        case "clock":
            return _rang(event, view)
        case _:
            return []


def _whole(view: View, name: str) -> int:
    content = view.pack.derive(parameters_of).get(name, view.today).content
    assert isinstance(content, int)
    return content


# -- authorisations -----------------------------------------------------------------------------------------------------------


def _authorised(event: Event, view: View) -> list[Effect]:
    body = event.body
    signed, expires = date.fromisoformat(body["signed_on"]), date.fromisoformat(body["expires_on"])
    strange = sorted(set(body["items"].split()) - set(ITEMS))
    if strange:
        raise Yours(_refuse("unknown_item", body["authorisation"], strange, ", ".join(ITEMS),
            f"没有这些核对事项：{strange}", f"there are no such items: {strange}"))  # fmt: skip
    longest = _whole(view, "authorisation_days")
    if not signed <= view.today <= expires or expires > signed + timedelta(days=longest):
        raise Yours(_refuse("authorisation_days", body["authorisation"], f"{signed} – {expires}",
            f"signed by today, at most {longest} days",
            "授权的签署日或有效期不对", "the authorisation is not signed yet, is over, or holds too long"))  # fmt: skip
    fields = {name: body[name] for name in ("persons", "items", "signed_on", "expires_on", "guardian") if name in body}
    opening = Opening(
        AUTHORISATION, f"authorisation:{body['authorisation']}", event.by, subject=body["household"], fields=fields,
        clocks={"expiry": TimeLimit((expires - view.today).days, "day")},
    )  # fmt: skip
    return [OpenCase((opening,))]


def _find_fault(view: View, body: Mapping[str, Any]) -> tuple[str, Case | None]:
    """Why nobody may be asked; empty where somebody may, with the authorisation."""
    held = view.find_case(f"authorisation:{body['authorisation']}") if body.get("authorisation") else None
    if held is None:
        return "no_authorisation", None
    if held.subject != body["household"]:
        return "other_household", None
    if held.state == "revoked":
        return "revoked", None
    if held.state != "in_force" or date.fromisoformat(str(held.fields["expires_on"])) < view.today:
        return "expired", None
    return "", held


# -- checks -------------------------------------------------------------------------------------------------------------------


def _wanted(event: Event, view: View) -> list[Effect]:
    body = event.body
    fault, held = _find_fault(view, body)
    if held is None:
        row = {"check": body["check"], "application": body["application"], "household": body["household"],
               "region": body["region"], "status": fault, "asked": 0, "differences": 0, "day": view.today.isoformat(),
               "evidence": "made_up" if body.get("is_made_up") else "seen"}  # fmt: skip
        return [Record("verification.report", (row,))]
    case = f"check:{body['check']}"
    opening = Opening(
        CHECK, case, event.by, subject=body["household"], region=body["region"],
        clocks={"answer": TimeLimit(_whole(view, "answer_days"), "working_day")},
        fields={"application": body["application"], "authorisation": held.id, "is_made_up": body.get("is_made_up", False)},
    )  # fmt: skip
    question = {
        "case": case, "check": body["check"], "authorisation": held.id, "persons": held.fields["persons"],
        "items": held.fields["items"], "on": view.today.isoformat(), "facts": body.get("facts", ""), "pack": view.pack.hash,
    }  # fmt: skip
    return [OpenCase((opening,)), Ask("verification.query", question)]


def _answered(event: Event, view: View) -> list[Effect]:
    asked, answer = event.body["asked"], event.body["answer"]
    case = view.get_case(asked["case"])
    status = "nothing_stated" if answer["is_empty"] else "complete"
    rows = tuple(
        {"check": asked["check"], "number": number, "provider": provider, "person": person, "item": item, "stated": stated,
         "found": found, "day": view.today.isoformat()}
        for number, (provider, person, item, stated, found) in enumerate(answer["differences"], 1)
    )  # fmt: skip
    report = {"check": asked["check"], "application": case.fields["application"], "household": case.subject,
              "region": case.region, "status": status, "asked": answer["asked"], "differences": len(rows),
              "day": view.today.isoformat(),
              "evidence": "made_up" if case.fields.get("is_made_up") else "seen"}  # fmt: skip
    fields = {
        "status": status,
        "asked": answer["asked"],
        "differences": len(rows),
        "set_aside": len(answer["findings"]),
    }
    effects: list[Effect] = [
        MoveCase((Moving(case.id, "come_back", RULE, set=fields),)),
        Record("verification.report", (report,)),
    ]
    return [*effects, Record("verification.difference", rows)] if rows else effects


def _moved(event: Event, view: View) -> list[Effect]:
    body = event.body
    case = view.get_case(body["case"])
    move = Moving(case.id, body["move"], event.by, seen=body.get("seen"), reason=body.get("reason", ""))
    effects: list[Effect] = [MoveCase((move,))]
    if body["move"] == "revoke":
        said = Text("授权已撤回，不再核对", "the authorisation is revoked: nothing more is asked")
        effects.append(Notify(case.subject, said, "revoked", {"case": case.id}))
    return effects


def _rang(event: Event, view: View) -> list[Effect]:
    body = event.body
    if body["what"] != "due":
        return []
    case = view.get_case(body["case"])
    if case.kind == AUTHORISATION:
        return [MoveCase((Moving(case.id, "expire", RULE, reason="有效期满 / its time is over"),))]
    said = Text("核对超时", "a check is late")
    return [
        MoveCase((Moving(case.id, "urge", RULE, reason=str(body["due"])),)),
        Notify("relief.window", said, "late", {"case": case.id}),
    ]


def _refuse(kind: str, where: str, found: object, expected: str, zh: str, en: str) -> Finding:
    return Finding(f"verification.{kind}", where[:120], str(found)[:120], expected[:400], Text(zh, en))
