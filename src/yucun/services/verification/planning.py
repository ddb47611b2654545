"""Asking the providers: from an authorisation to requests, from answers to differences; no provider sees another's answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from yucun.base.errors import Finding
from yucun.kernel.rules import Parameters
from yucun.kernel.view import Pack

from .models import REGISTERS, CheckAnswer, CheckRequest, MadeUpProvider, Provider, compare, read_answer, read_stated


def parameters_of(values: Mapping[str, Any]) -> Parameters:
    """The service's parameters as dated values."""
    return Parameters.of_values(values, "verification")


def list_providers(facts: str) -> dict[str, Provider]:
    """The providers by register; those that ship are made up and hold what was stated."""
    world = read_stated(facts)
    return {name: MadeUpProvider(name, world) for name in REGISTERS}


def ask_providers(
    body: Mapping[str, Any], providers: Mapping[str, Provider], oldest_days: int
) -> tuple[list[CheckAnswer], list[Finding]]:
    """Ask each register for the items that it answers for and the authorisation covers; silence is a finding."""
    wanted = set(str(body["items"]).split())
    persons = tuple(str(body["persons"]).split())
    answers: list[CheckAnswer] = []
    findings: list[Finding] = []
    for name, (_, items) in REGISTERS.items():
        asked = tuple(item for item in items if item in wanted)
        if not asked or name not in providers:
            continue
        request = CheckRequest(body["check"], body["authorisation"], persons, asked, date.fromisoformat(body["on"]))
        answer = read_answer(request, name, providers[name].ask(request.to_json()), oldest_days)
        answers.append(answer)
        findings += answer.findings
    return answers, findings


def answer_query(body: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """Answer ``verification.query``: how many registers were asked, what differs, and what was set aside."""
    facts = body.get("facts") or ""
    law, day = pack.derive(parameters_of), date.fromisoformat(body["on"])
    oldest, tolerance = (law.get(name, day).content for name in ("provider_freshness_days", "tolerance_fen"))
    assert isinstance(oldest, int) and isinstance(tolerance, int)
    if not facts:
        return {"asked": 0, "differences": [], "findings": [], "is_empty": True}
    answers, findings = ask_providers(body, list_providers(facts), oldest)
    found = compare(answers, read_stated(facts), tolerance)
    rows = [[one.provider, one.person, one.item, one.stated, one.found] for one in found]
    return {"asked": len(answers), "differences": rows, "findings": [f.to_json() for f in findings], "is_empty": False}


ANSWERS = {"verification.query": answer_query}
