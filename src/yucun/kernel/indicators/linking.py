"""Linking the definitions of all services: inputs that exist, no circle, forms that fit, and the hash of each."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.indicators.model import (
    Form,
    Indicator,
    Rule,
)


def link_indicators(
    indicators: Sequence[Indicator], rules: Mapping[str, Rule]
) -> tuple[dict[str, Indicator], list[Finding]]:
    """Join the definitions of all services: inputs that exist, no circle, forms that fit; inputs come first.

    Returns
    -------
    dict, list of Finding
        Indicators by id, in an order in which each comes after those that it is worked out from, with the hash
        of what they say; those with findings, and all that rest on them, are left out.
    """
    known = {i.id: i for i in indicators}
    findings: list[Finding] = []
    for i in indicators:
        named = (*i.uses, *(c.indicator for c in i.checks if c.kind == "identity"))
        findings += [_unknown(i, name) for name in named if name and name not in known]
    linked: dict[str, Indicator] = {}
    waiting = dict(known)
    while waiting:
        ready = [i for i in waiting.values() if all(u in linked for u in i.uses)]
        if not ready:
            break
        for i in ready:
            linked[i.id] = _finish(i, linked, rules, findings)
            del waiting[i.id]
    findings += [_circle(i) for i in waiting.values() if all(u in known for u in i.uses)]
    wrong = {f.found for f in findings if f.kind == "indicator.unknown_indicator"}
    return {k: v for k, v in linked.items() if not wrong.intersection(c.indicator for c in v.checks)}, findings


def _finish(
    indicator: Indicator, linked: Mapping[str, Indicator], rules: Mapping[str, Rule], findings: list[Finding]
) -> Indicator:
    inputs = [linked[name] for name in indicator.uses]
    if not indicator.is_leaf:
        indicator = replace(indicator, form=_form_of(indicator, inputs))
        _check_inputs(indicator, inputs, findings)
    said = asdict(replace(indicator, declared_at="", hash=""))
    for word in (
        "title",
        "meaning",
        "checks",
        "published",
        "targets",
        "direction",
        "decimals",
        "is_open_because",
        "is_awaited",
    ):
        said.pop(word)
    names = [t.rule for t in indicator.terms if t.rule] + ([indicator.measure] if indicator.kind == "formula" else [])
    said["code"] = [
        inspect.getsource(rule) for n in names if (rule := rules.get(f"{indicator.service}.{n}")) is not None
    ]
    said["recount"] = any(c.kind == "recount" for c in indicator.checks)
    said["inputs"] = [i.hash for i in inputs]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)
    return replace(indicator, hash=hashlib.sha256(text.encode()).hexdigest()[:32])


def _form_of(indicator: Indicator, inputs: Sequence[Indicator]) -> Form:
    if indicator.kind in ("spread", "formula") or any(i.form != "whole" for i in inputs):
        return "measure"
    return "fraction" if indicator.is_relative else "whole"


def _check_inputs(indicator: Indicator, inputs: Sequence[Indicator], findings: list[Finding]) -> None:
    if indicator.kind == "sum" and not all(i.adds_up and i.form == "whole" for i in inputs):
        findings.append(
            _finding(
                indicator,
                "sum",
                ", ".join(i.id for i in inputs),
                "adds_up = true",
                "这个数不能跨地区相加（如人均值）；能加的要写 adds_up = true",
                "this number cannot be added over regions (a mean, say); one that can says adds_up = true",
            )
        )
    same_unit = indicator.kind in ("difference", "sum") or (indicator.kind == "change" and not indicator.is_relative)
    allowed = {i.unit.name for i in inputs} | ({"bp_point"} if any(i.unit.name == "bp" for i in inputs) else set())
    if same_unit and indicator.unit.name not in allowed:
        findings.append(
            _finding(
                indicator,
                "unit",
                indicator.unit.name,
                ", ".join(sorted(allowed)),
                "差与和的单位要与原数相同",
                "a difference or a sum has the unit of its input",
            )
        )


def _unknown(indicator: Indicator, name: str) -> Finding:
    zh, en = f"没有名为「{name}」的指标", f"no indicator is called '{name}'"
    return _finding(indicator, "unknown_indicator", name, "a defined indicator", zh, en)


def _circle(indicator: Indicator) -> Finding:
    zh = "指标互相推算，成了圈，或依赖了有误的指标"
    en = "it is worked out from itself in a circle, or from one that is wrong"
    return _finding(indicator, "circle", ", ".join(indicator.uses), "no circle", zh, en)


def _finding(indicator: Indicator, kind: str, found: str, expected: str, zh: str, en: str) -> Finding:
    return Finding(f"indicator.{kind}", indicator.declared_at, found[:120], expected, Text(zh, en), indicator.id)
