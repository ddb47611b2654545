"""The nouns of entitlements: the items of the catalogue with their five fields, what is known of people, life events, facts
that a person is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.rules import Parameters, Role, Variable

ROLES = (
    Role("head", "heads", Text("户主", "head")),
    Role("spouse", "spouses", Text("配偶", "spouse")),
    Role("child", "children", Text("子女", "child")),
    Role("other", "others", Text("其他成员", "other")),
)
SEXES = ("male", "female")
WORKS = ("child", "student", "works", "jobless", "home", "retired")
STUDIES = ("none", "kindergarten", "primary", "junior", "senior", "college")
DISABILITIES = ("none", "visual", "hearing", "speech", "physical", "intellectual", "mental", "multiple")
CLASSES = ("none", "dibao", "edge", "tekun")
# Fields of the national standard as offices call them; their names were not found in a source.
FIELDS: Mapping[str, Text] = {
    "childcare": Text("幼有所育", "Raising children"),
    "education": Text("学有所教", "Schooling"),
    "work": Text("劳有所得", "Work"),
    "health": Text("病有所医", "Health"),
    "ageing": Text("老有所养", "Old age"),
    "housing": Text("住有所居", "Housing"),
    "relief": Text("弱有所扶：救助", "Support of the weak: relief"),
    "disability": Text("弱有所扶：残疾", "Support of the weak: disability"),
    "law": Text("公共法律服务", "Public legal service"),
    "culture": Text("文体服务保障", "Culture and sport"),
}
EVENTS: Mapping[str, Text] = {
    "birth": Text("出生", "birth"),
    "school_age": Text("到入学年龄", "school age"),
    "job_loss": Text("失业", "job lost"),
    "retirement": Text("退休", "retirement"),
    "old_age": Text("满六十周岁", "sixty years old"),
    "health_age": Text("到健康管理年龄", "age of health management"),
    "disability": Text("新残疾", "new disability"),
    "death": Text("死亡", "death"),
    "relief": Text("获得救助", "relief granted"),
    "follows": Text("随另一项而来", "follows another item"),
}
# What an office may not know and a person is asked: variable, and the question.
QUESTIONS: Mapping[str, Text] = {
    "insured_months": Text("社会保险累计缴费多少个月", "for how many months contributions were paid"),
    "left_by_own_will": Text("是否本人自愿离职（是/否）", "whether the job was left by own will (yes or no)"),
    "cannot_live_alone": Text("是否长期不能自理（是/否）", "whether the person cannot look after herself (yes or no)"),
}
_GIVEN = (
    Variable("birth", "person", "date", "month", Text("出生日期", "day of birth"), may_be_blank=True),
    Variable("work", "person", "code", "month", Text("在做什么", "work"), codes=WORKS, default="home"),
    Variable("studies", "person", "code", "month", Text("在学阶段", "studies"), codes=STUDIES, default="none"),
    Variable("disability_kind", "person", "code", "month", Text("残疾类别", "kind of disability"), codes=DISABILITIES,
             default="none"),
    Variable("disability_grade", "person", "integer", "month", Text("残疾等级", "grade of disability"), "number",
             default=0),
    Variable("class", "person", "code", "month", Text("救助类别", "class of hardship"), codes=CLASSES, default="none"),
    Variable("is_dead", "person", "boolean", "month", Text("已去世", "has died"), default=False),
    Variable("insured_months", "person", "integer", "month", QUESTIONS["insured_months"], "number", may_be_blank=True),
    Variable("left_by_own_will", "person", "boolean", "month", QUESTIONS["left_by_own_will"], may_be_blank=True),
    Variable("cannot_live_alone", "person", "boolean", "month", QUESTIONS["cannot_live_alone"], may_be_blank=True),
)  # fmt: skip
_STEPS = (
    ("is_of_work_age", "在劳动年龄", "of working age"),
    ("is_seeking", "劳动年龄且失业", "of working age and jobless"),
    ("brings_no_wage", "不在劳动年龄或失业", "not of working age, or jobless"),
)
# Facts that every person has, besides those that are asked; a file that lacks one leaves the items open that need it.
KNOWN = tuple(v.name for v in _GIVEN if v.name not in QUESTIONS and v.name != "is_dead")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the catalogue.

    Parameters
    ----------
    code, field : str
        Its name, and the field of the standard.
    target, content, standard, payer, lead : Text or None
        The five fields: who, what, how much, who pays, who leads; None where no source says it.
    triggers : tuple of str
        Life events, ``follows.ITEM`` or ``relief.CLASS`` upon which it is looked at.
    asks : tuple of str
        Facts that a person may be asked for.
    relief : str
        The programme by which relief grants it; then nothing of it is worked out or granted here.
    silence : Text or None
        The clause that lets silence after notice count as consent.
    to : str
        ``person`` or ``household``.
    """

    code: str
    field: str
    title: Text
    target: Text | None
    content: Text | None
    standard: Text | None
    payer: Text | None
    lead: Text | None
    channel: Text | None
    triggers: tuple[str, ...]
    asks: tuple[str, ...]
    relief: str
    silence: Text | None
    to: str
    is_by_application: bool
    clause: Text
    start: date
    evidence: str
    source: str

    @property
    def is_ruled(self) -> bool:
        """Whether a rule of this service says who is owed it."""
        return not self.relief and not self.is_by_application

    @property
    def fields_known(self) -> int:
        """How many of the five fields a source gives."""
        return sum(one is not None for one in (self.target, self.content, self.standard, self.payer, self.lead))


def read_catalogue(values: Mapping[str, Any]) -> Mapping[str, Item]:
    """The items by code, from a service's parameters as a place has them."""
    return {code: _read_item(code, said) for code, said in values["item"].items()}


def _read_item(code: str, said: Mapping[str, Any]) -> Item:
    def text(name: str) -> Text | None:
        found = said.get(name)
        return Text.from_json(found) if found else None

    title, clause = text("title"), text("clause")
    assert title is not None and clause is not None
    return Item(
        code, said["field"], title, text("target"), text("content"), text("standard"), text("payer"), text("lead"),
        text("channel"), tuple(said["triggers"]), tuple(said.get("asks", ())), said.get("relief", ""), text("silence"),
        said.get("to", "person"), bool(said.get("application_only", False)), clause, said["from"], said["evidence"],
        said["source"],
    )  # fmt: skip


def count_listed(values: Mapping[str, Any], day: date) -> dict[str, int]:
    """How many items each published list has on a day, how many stand here, and how many of the province's at least do not.

    Which of the items here are on the province's list cannot be said: its text was not found.
    """
    law, found = parameters_of(values), {}
    for name in ("national", "zhejiang", "zhoushan"):
        content = law.get(f"listed_{name}_items", day).content
        assert isinstance(content, int)
        found[name] = content
    here = len(values["item"])
    return {**found, "here": here, "not_known": max(0, found["zhejiang"] - here)}


def parameters_of(values: Mapping[str, Any]) -> Parameters:
    """The dated figures among a service's parameters, as rules read them."""
    dated = {n: v for n, v in values.items() if isinstance(v, Mapping) and "values" in v}
    return Parameters.of_values(dated, "entitlements")


def make_variables(ruled: Mapping[str, bool]) -> tuple[Variable, ...]:
    """What is given of people, and what rules work out: ``owes_ITEM``, and ``may_owe_ITEM`` where a fact is asked for."""
    found = list(_GIVEN)
    found.append(Variable("is_jobless_home", "household", "boolean", "month",
                          Text("劳动年龄成员均失业", "all members of working age are jobless")))  # fmt: skip
    found.append(
        Variable("years", "person", "integer", "month", Text("周岁", "completed years"), "number", may_be_blank=True)
    )
    for name, zh, en in _STEPS:
        found.append(Variable(name, "person", "boolean", "month", Text(zh, en)))
    for code, asks in ruled.items():
        found.append(Variable(f"owes_{code}", "person", "boolean", "month", Text(f"应得：{code}", f"owed: {code}")))
        if asks:
            title = Text(f"可能应得：{code}", f"may be owed: {code}")
            found.append(Variable(f"may_owe_{code}", "person", "boolean", "month", title))
    return tuple(found)


def claim_id(subject: str, item: str, day: date) -> str:
    """The id of a claim: whose, which item, owed since when; the same event twice is one claim."""
    return f"claim:{subject}:{item}:{day.isoformat()}"


def fact_mark(claim: str) -> str:
    """A claim as numbers count it: a mark that names nobody."""
    return hashlib.sha256(claim.encode()).hexdigest()[:24]


def refuse(kind: str, where: object, found: object, expected: str, zh: str, en: str) -> Finding:
    """Say why an event is not taken."""
    return Finding(f"entitlements.{kind}", str(where)[:120], str(found)[:120], expected[:400], Text(zh, en))
