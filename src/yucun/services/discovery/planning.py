"""The month's plan: figures in force, rules that may be used, candidates from rows, what is left in peace, what to offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from yucun.base.period import Period
from yucun.kernel.cases import Case
from yucun.kernel.rules import Parameters

from .detectors import RULES, Law
from .models import Candidate, Learnt, describe, fit

# What a visit may find, and which of it counts as help.
HELP = ("referred", "proxy_application", "temp_relief_urgent")


def parameters_of(values: Mapping[str, Any]) -> Parameters:
    """The service's parameters as dated values."""
    return Parameters.of_values(values, "discovery")


def read_law(pack: Parameters, day: date) -> Law:
    """The figures in force on a day."""
    numbers: dict[str, int] = {}
    codes: dict[str, Mapping[str, int]] = {}
    for name in pack.items:
        content = pack.get(name, day).content
        if isinstance(content, Mapping):
            codes[name] = content
        elif isinstance(content, int):
            numbers[name] = content
    return Law(numbers, codes)


def list_rules(pack: Parameters, day: date, *, is_made_up: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rules that may be run, and those left out: over real people none that rests on an unverified figure."""
    sure = {name for name in pack.items if pack.get(name, day).is_verified}
    used = tuple(name for name, rule in RULES.items() if is_made_up or sure.issuperset(rule.parameters))
    return used, tuple(name for name in RULES if name not in used)


def read_candidates(hits: pa.Table, context: pa.Table, law: Law) -> list[Candidate]:
    """Households by name, from rows of `find_rule` and of `find_context`, with the words that the order may rest on."""
    rules: dict[str, dict[str, tuple[int, int]]] = {}
    for row in hits.to_pylist():
        rules.setdefault(row["household"], {})[row["rule"]] = (row["amount"], row["line"])
    standard, edge = law.numbers["standard_fen"], law.numbers["edge_factor_bp"]
    return [
        Candidate(
            row["household"], row["village"], rules[row["household"]],
            describe(rules[row["household"]], row, standard, edge),
        )
        for row in context.sort_by("household").to_pylist()
    ]  # fmt: skip


def count_standing(candidates: Iterable[Candidate]) -> dict[tuple[str, str], int]:
    """How many households each rule warns of, by county and rule."""
    counted: dict[tuple[str, str], int] = {}
    for one in candidates:
        for rule in one.rules:
            key = (one.village[:6], rule)
            counted[key] = counted.get(key, 0) + 1
    return counted


@dataclass(frozen=True, slots=True)
class Quiet:
    """Who is left in peace: households with an open warning or with help under way, and evidence that led to a visit lately."""

    homes: frozenset[str]
    evidence: frozenset[tuple[str, str]]

    def keep(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Candidates with the evidence that is new; those with none left are not offered a visit."""
        kept = []
        for one in candidates:
            if one.household in self.homes:
                continue
            if all((one.household, rule) not in self.evidence for rule in one.rules):
                kept.append(one)
            elif any((one.household, rule) not in self.evidence for rule in one.rules):
                fresh = {rule: found for rule, found in one.rules.items() if (one.household, rule) not in self.evidence}
                gone = one.rules.keys() - fresh.keys()
                words = tuple(w for w in one.words if w.partition("/")[0] not in gone and not w.startswith("rules_"))
                if len(fresh) > 1:
                    words = tuple(sorted((*words, f"rules_{min(len(fresh), 4)}")))
                kept.append(Candidate(one.household, one.village, fresh, words))
        return kept


def read_quiet(cases: Sequence[Case], month: Period, again: Mapping[str, int]) -> Quiet:
    """What past warnings leave in peace in a month.

    Parameters
    ----------
    again : mapping of str to int
        Months by what became of a warning: ``no_need``, ``declined``, ``helped``, ``set_aside``.
    """
    now = _count(month.text)
    homes = {case.subject for case in cases if case.closed_at is None}
    evidence: set[tuple[str, str]] = set()
    for case in cases:
        finding, ago = str(case.fields.get("finding", "")), now - _count(str(case.fields["month"]))
        if finding in HELP and ago < again["helped"]:
            homes.add(case.subject)
        elif ago < again.get(finding, 0):
            evidence |= {(case.subject, rule) for rule in str(case.fields["rules"]).split()}
    return Quiet(frozenset(homes), frozenset(evidence))


def learn(cases: Sequence[Case], law: Law) -> tuple[Learnt, int]:
    """Learn from all visits that found something out; who said no says nothing about a rule. Returns how many there were."""
    outcomes = [
        (str(case.fields["words"]).split(), case.fields["finding"] in HELP)
        for case in cases
        if case.fields.get("finding") in ("no_need", *HELP)
    ]
    published = law.codes["published_outcome"]
    shrink = law.numbers["shrink_milli"] / 1000
    return fit(outcomes, tuple(RULES), (published["helped"], published["alerts"]), shrink), len(outcomes)


def _count(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7])
