"""What the duty desk asks early warning: what a case is called, why a visit is offered, what a move may set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.cases import Case, CaseKind, Move
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Pack
from yucun.services.discovery.detectors import RULES
from yucun.services.discovery.planning import parameters_of

Choices = tuple[tuple[str, Text], ...]
# Reasons that cadres write most; proposals, nothing more.
_REASONS: Mapping[str, tuple[Text, ...]] = {
    "find_no_need": (
        Text("上门了解，子女已在照料", "visited: the children look after them"),
        Text("上门了解，费用已报销", "visited: the bill was refunded"),
        Text("上门了解，记录有误", "visited: the record is wrong"),
    ),
    "not_met": (Text("家中无人", "nobody at home"),),
    "call_urgent": (Text("断炊或断药", "no food or no medicine"), Text("突发重病", "sudden serious illness")),
    "set_aside": (Text("村里已在帮扶", "the village helps already"), Text("已迁出", "moved away")),
    "hand_over": (Text("离岗移交", "hand-over at leave"),),
}
_SETTABLE: Mapping[str, tuple[str, ...]] = {
    "visit": ("visited_on",),
    "decline": ("visited_on",),
    "apply_for": ("authorisation", "head_name", "facts"),
}
# Words that are not rules, as a cadre reads them.
_WORDS: Mapping[str, Text] = {
    "income_unknown": Text("没有收入记录", "no income on record"),
    "income_below_standard": Text("已知收入低于低保标准", "known income below the dibao standard"),
    "income_below_edge": Text("已知收入低于边缘线", "known income below the edge line"),
    "income_above": Text("已知收入在边缘线以上", "known income above the edge line"),
    "old_alone": Text("老人独居", "an old person lives alone"),
    "registered": Text("已在册", "registered already"),
    "severe": Text("家有一、二级残疾人", "somebody with a disability of grade 1 or 2"),
    "to_learn": Text("也为了解这条规则管不管用", "also to learn how this rule fares"),
    "double": Text("超出一倍以上", "more than twice the line"),
}


def title_case(case: Case, kind: CaseKind) -> Text:
    """The rules that warn, and the number of the household; nothing private."""
    del kind
    rules = [RULES[name].title for name in str(case.fields.get("rules", "")).split() if name in RULES]
    zh, en = "、".join(t.zh for t in rules[:2]), ", ".join(t.en for t in rules[:2])
    more = len(rules) - 2
    zh, en = (f"{zh}等 {len(rules)} 条", f"{en} and {more} more") if more > 0 else (zh, en)
    return Text(f"{zh or '主动发现'} · {case.subject}", f"{en or 'warning'} · {case.subject}")


def say_word(word: str) -> Text:
    """One of the words that the order rests on, as people read it.

    Examples
    --------
    >>> say_word("lost_income/income_unknown").zh, say_word("members_2").en
    ('失去工资收入（没有收入记录）', 'household of 2')
    """
    rule, _, more = word.partition("/")
    if more and rule in RULES:
        title, inner = RULES[rule].title, say_word(more)
        return Text(f"{title.zh}（{inner.zh}）", f"{title.en} ({inner.en})")
    if rule in RULES:
        return RULES[rule].title
    for prefix, zh, en in (
        ("members_", "{} 人户", "household of {}"),
        ("rules_", "同时触发 {} 条规则", "{} rules at once"),
    ):
        if word.startswith(prefix):
            count = word.removeprefix(prefix)
            more_of = "" if count != "4" else "及以上"
            return Text(zh.format(count + more_of), en.format(count if count != "4" else "4 or more"))
    return _WORDS.get(word, Text.same(word))


def say_field(name: str, value: str) -> Text | None:
    """Fields that hold codes, as people read them."""
    if name not in ("rules", "words", "because"):
        return None
    said = [say_word(word) for word in value.split()]
    return Text("；".join(t.zh for t in said), "; ".join(t.en for t in said))


def title_unit(unit: str, pack: Pack, regions: Regions) -> Text:
    """The village whose cadre it is."""
    del pack
    found = regions.find(RegionCode.parse(unit)) if unit.isdecimal() and len(unit) == 12 else None
    return found.name if found else Text.same(unit)


def list_settable(move: Move) -> Sequence[str]:
    """Fields that a move may set beside those that it needs."""
    return _SETTABLE.get(move.name, ())


def suggest(case: Case, move: Move, pack: Pack, regions: Regions, account: str) -> dict[str, Choices]:
    """Choices for the fields of a move, the likeliest first."""
    del case, pack, regions, account
    return {"reason": tuple((one.zh, one) for one in _REASONS[move.name])} if move.name in _REASONS else {}


def list_ways() -> tuple[tuple[Text, str], ...]:
    """Pages of early warning beside its queue."""
    return ((Text("规则与成效", "rules and how they fare"), "/discovery/rules"),)


def tell_rules(pack: Pack) -> list[Text]:
    """Which rules rest on figures that are not verified, and that a visit is an offer."""
    law = pack.derive(parameters_of)
    unsure = {finding.key for finding in law.list_unverified()}
    rules = [rule.title for rule in RULES.values() if unsure.intersection(rule.parameters)]
    said = [
        Text(
            "上门是询问，不是要求；本人谢绝即止，同一线索一段时间内不再上门",
            "a visit is an offer: whoever says no is left in peace, and not visited again for the same evidence for some time",
        )
    ]
    if rules:
        said.append(
            Text(
                f"仅供模拟：{len(rules)} 条规则的门槛未核实（{'、'.join(r.zh for r in rules[:3])}等），不用于真实居民；各项期限亦未核实",
                f"simulation only: the thresholds of {len(rules)} rules are not verified ({', '.join(r.en for r in rules[:3])} …) and "
                "are not used on real people; neither are the time limits",
            )
        )
    return said


def list_letters(case: Case, pack: Pack) -> list[tuple[str, Text]]:
    """Letters that can be written for a case: none."""
    del case, pack
    return []


def write_letter(name: str, said: Mapping[str, Any]) -> tuple[Text, Text] | None:
    """A letter's title and body; there is none of that name."""
    del name, said
    return None
