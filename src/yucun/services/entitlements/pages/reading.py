"""What pages of entitlements show: the catalogue in rows, why an item is owed, a person's items as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date

from yucun.base.errors import ParameterError, RuleError
from yucun.base.period import Period
from yucun.base.text import Language, Text
from yucun.kernel.cases import Case
from yucun.kernel.rules import Parameters, make_plan
from yucun.kernel.rules.order import default_node
from yucun.kernel.rules.parameters import EVIDENCE_TITLES
from yucun.services.entitlements.models import EVENTS, FIELDS, KNOWN, QUESTIONS, Item
from yucun.services.entitlements.rules import BOOK

UNKNOWN = Text("未知", "not known")
SIMULATION = Text("含未核实参数，仅供模拟", "rests on unverified figures: simulation only")
# The five fields of an item, with what they are called.
FIVE: tuple[tuple[str, Text], ...] = (
    ("target", Text("服务对象", "for whom")),
    ("content", Text("服务内容", "what")),
    ("standard", Text("服务标准", "standard")),
    ("payer", Text("支出责任", "who pays")),
    ("lead", Text("牵头单位", "who leads")),
)


def read_five(item: Item) -> list[tuple[Text, Text | None]]:
    """The five fields; None where no source says it."""
    return [(title, getattr(item, name)) for name, title in FIVE]


def say_triggers(item: Item) -> Text:
    """When an item is looked at, in words."""
    if item.relief:
        return Text("由智慧救助办理", "handled by relief")
    if not item.triggers:
        return Text("随到随享或本人申请", "at any time, or when asked for")
    names = list(dict.fromkeys(one.partition(".")[0] for one in item.triggers))
    zh, en = "、".join(EVENTS[n].zh for n in names), ", ".join(EVENTS[n].en for n in names)
    return Text(f"何时：{zh}", f"When: {en}")


def explain_item(pack: Parameters, item: Item, day: date, source: str, event: str) -> list[Text]:
    """Why an item is owed: event and record, clause, the version of the rule, and each figure that it read with its source."""
    happened = EVENTS.get(event, Text.same(event))
    said = [
        Text(f"事件：{happened.zh}（{day.isoformat()}）", f"event: {happened.en} ({day.isoformat()})"),
        Text(f"记录：{source}", f"record: {source}"),
        Text(f"条款：{item.clause.zh}（{_say(item.evidence).zh}；{item.source}）",
             f"clause: {item.clause.en} ({_say(item.evidence).en}; {item.source})"),
    ]  # fmt: skip
    period = Period.month(day.year, day.month)
    formula = BOOK.find_version(f"owes_{item.code}", period.start, pack.choices)
    if formula is None:
        return said
    said.append(Text(f"规则：{formula.name}", f"rule: {formula.name}"))
    nodes = [default_node(BOOK, name, period) for name in (*KNOWN, *QUESTIONS, "is_dead")]
    try:
        plan = make_plan(BOOK, pack, period, [f"owes_{item.code}"], nodes)
    except (RuleError, ParameterError) as error:
        return [*said, error.findings[0].message]
    for use in plan.uses:
        title, value = pack.items[use.name].title, use.value
        label = EVIDENCE_TITLES[value.evidence]
        said.append(Text(f"数值：{title.zh} {value.content}（{label.zh}；{value.source}）",
                         f"figure: {title.en} {value.content} ({label.en}; {value.source})"))  # fmt: skip
    return said


def _say(evidence: str) -> Text:
    return next((title for name, title in EVIDENCE_TITLES.items() if name == evidence), Text.same(evidence))


def list_questions(case: Case) -> list[Text]:
    """The facts that a claim asks for, in words."""
    return [QUESTIONS[name] for name in str(case.fields.get("asks", "")).split() if name in QUESTIONS]


def write_catalogue(catalogue: Mapping[str, Item]) -> str:
    """The catalogue as a CSV in both languages; what no source says is written 未知."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = [
        f"{name}_{language}"
        for name, _ in (("field", 0), ("title", 0), *FIVE, ("channel", 0), ("clause", 0))
        for language in ("zh", "en")
    ]
    writer.writerow(["item", *heads, "triggers", "asks", "by_relief", "silence_zh", "from", "evidence", "source"])
    for one in catalogue.values():
        texts = [
            FIELDS[one.field],
            one.title,
            *(said or UNKNOWN for _, said in read_five(one)),
            one.channel or UNKNOWN,
            one.clause,
        ]
        writer.writerow([
            one.code, *(word for text in texts for word in (text.zh, text.en)), " ".join(one.triggers), " ".join(one.asks), one.relief,
            one.silence.zh if one.silence else "", one.start.isoformat(), one.evidence, one.source,
        ])  # fmt: skip
    return out.getvalue()


def write_mine(
    cases: Iterable[Case], catalogue: Mapping[str, Item], states: Mapping[str, Text], language: Language
) -> str:
    """A person's own items as a CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = Text(
        "编号,项目,起因,应得日,状态,依据,送达凭据", "number,item,event,owed since,state,clause,proof of delivery"
    )
    writer.writerow(heads.of(language).split(","))
    for case in cases:
        item = catalogue.get(str(case.fields["item"]))
        title = item.title.of(language) if item else str(case.fields["item"])
        clause = item.clause.of(language) if item else str(case.fields.get("clause", ""))
        event = EVENTS.get(str(case.fields["event"]))
        writer.writerow([case.no, title, event.of(language) if event else case.fields["event"], case.fields["owed_on"],
                         states[case.state].of(language), clause, case.fields.get("proof", "")])  # fmt: skip
    return out.getvalue()
