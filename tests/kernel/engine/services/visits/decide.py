"""Visits: a request opens a case and holds the fee, a report pays it, a clock urges; refusals are heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yucun.base.text import Text
from yucun.kernel.cases import Actor, Moving, Opening, TimeLimit
from yucun.kernel.effects import Ask, Effect, MoveCase, Notify, OpenCase, Post, Record, Reserve
from yucun.kernel.engine import Event
from yucun.kernel.ledger import Transfer
from yucun.kernel.view import View

RULE = Actor.rule("visits")


def decide(event: Event, view: View) -> list[Effect]:
    """Say what follows."""
    match event.name:
        case "asked":
            return _asked(event, view)
        case "moved":
            return _moved(event, view)
        case "clock":
            return [MoveCase((Moving(event.body["case"], "late", RULE, reason=event.body["what"]),))]
        case "answered":
            return [
                MoveCase(
                    (Moving(event.body["asked"]["case"], "go", RULE, set={"officer": event.body["answer"]["who"]}),)
                )
            ]
        case "broken":
            return _broken(event)
        case _:
            return []


def _limit(values: Mapping[str, Any]) -> TimeLimit:
    return TimeLimit(values["limit"]["visit"]["count"], values["limit"]["visit"]["unit"])


def _asked(event: Event, view: View) -> list[Effect]:
    body = event.body
    case = f"visit:{body['household']}"
    opening = Opening(
        "visits.visit",
        case,
        event.by,
        subject=body["household"],
        region=body.get("region", ""),
        fields={"words": body.get("words")},
        clocks={"visit": view.pack.derive(_limit)},
    )
    effects: list[Effect] = [
        OpenCase((opening,)),
        Notify("cadre", Text("有新走访", "a new visit"), "new", {"case": case}),
    ]
    if body["fee_fen"]:
        hold = Transfer(
            f"fee:{body['household']}", "fund:visits", f"visitor:{body['household']}", body["fee_fen"], "fen", "visits.fee",
            action="reserve",
        )  # fmt: skip
        effects.append(Reserve((hold,)))
    if body["household"].endswith("7"):
        effects.append(Ask("plans.who", {"case": case}))
    return effects


def _moved(event: Event, view: View) -> list[Effect]:
    body = event.body
    move = Moving(body["case"], body["move"], event.by, seen=body.get("seen"), reason=body.get("reason", ""))
    effects: list[Effect] = [MoveCase((move,))]
    if body["move"] == "report":
        case = view.get_case(body["case"])
        held = view.balance(f"visitor:{case.subject}", "fen")
        fee = held.coming_in or 0
        if fee:
            effects.append(Post((Transfer(f"paid:{case.subject}", action="settle", of=f"fee:{case.subject}"),)))
        effects.append(Record("visits.visit", ({"household": case.subject, "fee_fen": fee},)))
    return effects


def _broken(event: Event) -> list[Effect]:
    how = event.body["how"]
    if how == "raise":
        raise KeyError("nobody thought of this")
    if how in ("again", "otherwise"):
        return [Record("visits.visit", ({"household": "H1", "fee_fen": 500 if how == "again" else 1},))]
    if how == "foreign":
        return [OpenCase((Opening("tally.count", "x", event.by),))]
    return [Record("visits.secret", ({"household": "H1"},))]
