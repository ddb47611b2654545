"""May an item make this move: pure answers, each refusal a finding that says what to do instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.access.model import Verb
from yucun.kernel.lake.catalogue.model import (
    DOMAINS,
    LICENCES,
    STATE_TITLES,
    Item,
    MoveName,
    State,
    Subject,
    Treatment,
)
from yucun.kernel.lake.contract import Contract

LONGEST_WHY = 500
# Fields by these names hold the key of a person or a household, whatever their level.
_PERSON_NAMES = re.compile(r"(^|_)(person|household|resident|patient|citizen)(_id|_no|_key)?$")


@dataclass(frozen=True, slots=True)
class Step:
    """From which states a move leads where, who may make it, and what it is called."""

    title: Text
    before: tuple[State | None, ...]
    after: State
    verbs: tuple[Verb, ...]


STEPS: dict[MoveName, Step] = {
    "draft": Step(Text("草拟", "draft"), (None, "draft", "withdrawn"), "draft", ("load", "approve")),
    "approve": Step(Text("批准", "approve"), ("draft",), "approved", ("approve",)),
    "send_back": Step(Text("退回", "send back"), ("approved",), "draft", ("approve",)),
    "open": Step(Text("开放", "open"), ("approved",), "open", ("load", "approve")),
    "withdraw": Step(Text("撤回", "withdraw"), ("open",), "withdrawn", ("load", "approve")),
}


def open_fields(contract: Contract) -> tuple[str, ...]:
    """The fields of level L1; nothing else ever leaves by the open door."""
    return tuple(f.name for f in contract.fields if f.level == "L1")


def holds_persons(contract: Contract) -> bool:
    """Whether a row is about a person or a household: it names one, or its key is not open.

    A field that has a masked form (name, telephone, card, address) is of a person; so is one named for a person or
    a household; and where a field of the key is above L1, what the row is about is itself not open.
    """
    return any(
        f.mask or _PERSON_NAMES.search(f.name) or (f.name in contract.key and f.level > "L1") for f in contract.fields
    )


def choose_treatment(subject: Subject) -> Treatment:
    """How closed fields are kept in unless it is said otherwise: a table of open fields leaves whole."""
    if subject.kind == "number":
        return "aggregate"
    return "whole"


def check_why(name: str, why: str) -> list[Finding]:
    """A move needs a reason, in a sentence that the journal can keep for ever."""
    if 0 < len(why.strip()) <= LONGEST_WHY and why.isprintable():
        return []
    return [
        Finding(
            "catalogue.why", name, f"{len(why)} characters", f"1 to {LONGEST_WHY} printable characters",
            Text("每一步都要写明理由，一句话即可", "every move needs a reason; one sentence will do"), "why",
        )
    ]  # fmt: skip


def check_state(name: str, item: Item | None, move: MoveName) -> list[Finding]:
    """Whether the item stands where this move begins."""
    step = STEPS[move]
    state = item.state if item else None
    if state in step.before:
        return []
    title = STATE_TITLES[state] if state else Text("尚未草拟", "not drafted yet")
    possible = [s.title for s in STEPS.values() if state in s.before]
    zh = "、".join(t.zh for t in possible)
    en = ", ".join(t.en for t in possible)
    return [
        Finding(
            "catalogue.state", name, title.en, en,
            Text(
                f"{name} 现为「{title.zh}」，不能「{step.title.zh}」；可以：{zh}",
                f"{name} is '{title.en}' and cannot '{step.title.en}'; it can: {en}",
            ), "move",
        )
    ]  # fmt: skip


def check_two_people(item: Item, by: str, move: MoveName) -> list[Finding]:
    """Who proposed an item does not approve it."""
    if move != "approve" or item.drafted_by != by:
        return []
    return [
        Finding(
            "catalogue.same_account", item.name, by, "another account than the one that drafted it",
            Text("草拟人不能批准自己的草拟；请另一人批准", "whoever drafted it cannot approve it; ask another account"), "by",
        )
    ]  # fmt: skip


def check_terms(name: str, domain: str, licence: str) -> list[Finding]:
    """Whether domain and licence are of the lists."""
    findings = []
    if domain not in DOMAINS:
        findings.append(
            Finding(
                "catalogue.domain", name, domain or "nothing", ", ".join(DOMAINS),
                Text(
                    f"没有「{domain}」这个领域；可用：{', '.join(DOMAINS)}",
                    f"there is no domain '{domain}'; there are: {', '.join(DOMAINS)}",
                ),
                "domain",
            )
        )  # fmt: skip
    if licence not in LICENCES:
        findings.append(
            Finding(
                "catalogue.licence", name, licence or "nothing", ", ".join(LICENCES),
                Text(
                    f"这张表的约定没有写明开放许可，请从中选一个：{', '.join(LICENCES)}",
                    f"the table's contract states no open licence; choose one of: {', '.join(LICENCES)}",
                ), "licence",
            )
        )  # fmt: skip
    return findings


def check_levels(name: str, subject: Subject, treatment: Treatment, fields: Sequence[str]) -> list[Finding]:
    """Whether what is proposed may leave: no closed field by oversight, no person, no field above L1."""
    closed = [f for f in subject.contract.fields if f.level > "L1"]
    findings = check_fields(name, subject, fields)
    if findings or subject.kind == "number" or not closed or treatment != "whole":
        return findings
    named = ", ".join(f"{f.name} ({f.level})" for f in closed)
    return [
        Finding(
            "catalogue.level", name, named, "open fields (L1) only",
            Text(
                f"这些字段高于 L1，不能开放：{named}；可以只开放其余字段（open_fields）",
                f"these fields are above L1 and cannot leave: {named}; open the others alone (open_fields)",
            ), "treatment",
        )
    ]  # fmt: skip


def check_fields(name: str, subject: Subject, fields: Sequence[str]) -> list[Finding]:
    """Whether these fields may leave as the contract stands now; asked again whenever something is given out."""
    if subject.kind == "table" and holds_persons(subject.contract):
        return [
            Finding(
                "catalogue.persons", name, name, "aggregate",
                Text(
                    "这张表一行就是一个人或一户，只能开放汇总数：请开放由它算出的指标（number.…）",
                    "a row of this table is a person or a household: open the numbers that are worked out from it (number.…)",
                ), "treatment",
            )
        ]  # fmt: skip
    may_leave = set(open_fields(subject.contract))
    wrong = [f for f in fields if f not in may_leave]
    if fields and not wrong:
        return []
    return [
        Finding(
            "catalogue.fields", name, ", ".join(wrong)[:120] or "nothing", ", ".join(sorted(may_leave))[:120],
            Text(
                f"只能开放 L1 字段；不能开放：{', '.join(wrong) or '（没有字段）'}；请退回草拟，重新选定字段",
                f"only L1 fields leave; these do not: {', '.join(wrong) or '(no field)'}; send it back and choose again",
            ), "fields",
        )
    ]  # fmt: skip


def find_licence(words: Text) -> str:
    """Tell a contract's words of licence: an identifier of the list if they name one, their sense if that is plain.

    Examples
    --------
    >>> find_licence(Text("CC BY 4.0", "CC BY 4.0")), find_licence(Text("引用须注明来源", "cite the source"))
    ('CC-BY-4.0', 'other-at')
    >>> find_licence(Text("内部使用", "internal use"))
    ''
    """
    said = f"{words.zh} {words.en}".casefold()
    flat = re.sub(r"[\s_-]+", "-", said)
    named = [one for one in LICENCES if one.casefold() in flat]
    if named:
        return max(named, key=len)
    if re.search(r"internal|not open|不开放|内部", said):
        return ""
    if re.search(r"cite|attribut|注明来源|署名|注明为", said):
        return "other-at"
    if words.en.strip().casefold() == "open" or "自由使用" in said:
        return "other-open"
    return ""
