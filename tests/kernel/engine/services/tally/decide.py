"""Tally: each visit becomes a case of its own."""

from __future__ import annotations

from yucun.kernel.cases import Actor, Opening
from yucun.kernel.effects import Effect, OpenCase
from yucun.kernel.engine import Event
from yucun.kernel.view import View


def decide(event: Event, view: View) -> list[Effect]:
    """Open one case for each row that comes."""
    if event.name == "recorded.visits.visit":
        return [OpenCase((Opening("tally.count", f"count:{event.body['household']}", Actor.rule("tally")),))]
    return []
