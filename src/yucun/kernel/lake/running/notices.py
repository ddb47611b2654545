"""What a supplier is told: that a feed is late, what was refused, and that it is settled; never with personal contents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from yucun.base.text import Text
from yucun.kernel.books import Message
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.findings import KINDS
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.running.model import Inbox, Notice, Supply, SupplyState, WebFile

_MOST_KINDS, _MOST_PLACES, _MOST_PERIODS = 12, 5, 5
_PLACE = re.compile(r"line (\d+)(?:, column (\d+))?")
# Notices to the outside are outbox rows of this kind.
NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in words: its subject, its text, and the page that it leads to."""

    subject: Text
    text: Text
    link: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault in one field: how often, where first, and a sentence that says it."""

    kind: str
    field: str
    count: int
    places: tuple[str, ...]
    sentence: Text


def late_id(state: SupplyState) -> str:
    """The id of the notice about a late feed: one for each period owed, however often it is looked at."""
    return f"notice:{state.supply.id}:late:{state.owed.text if state.owed else ''}"


def refused_id(supply: Supply, landing: Landing) -> str:
    """The id of the notice about a file with refused records."""
    return f"notice:{supply.id}:refused:{landing.key}"


def say_late(state: SupplyState, today: date) -> Words:
    """Say that a feed is late: which table, which period, since when, and what to do."""
    supply, owed, due = state.supply, state.owed, state.due
    assert owed is not None and due is not None
    title, period, where = supply.title, owed.title, _say_origin(supply)
    note = Text("（按周末推算，节假日安排公布后重算）", " (by weekends alone until the holiday notice is published)")
    provisional = note if state.is_provisional else Text("", "")
    zh = (
        f"{supply.supplier.title.zh}：\n「{title.zh}」{period.zh}的数据应于 {due} 前报送{provisional.zh}，"
        f"至 {today} 尚未收到，已过 {(today - due).days} 天。\n请尽快送到{where.zh}。收到后本通知自动撤销，用到它的数字恢复显示。"
    )
    en = (
        f"To {supply.supplier.title.en}:\nThe figures of '{title.en}' for {period.en} were due by {due}{provisional.en}; "
        f"by {today}, {(today - due).days} days later, nothing has come.\nPlease send them to {where.en}. Once they are here "
        "this notice is withdrawn, and the numbers that rest on them are shown as usual again."
    )
    subject = Text(f"迟报：{title.zh} {period.zh}", f"Late: {title.en}, {period.en}")
    return Words(subject, Text(zh, en), f"/lake/{supply.table}")


def say_refused(supply: Supply, contract: Contract, landing: Landing, refused: pa.Table) -> Words:
    """Say what was refused of a file: counts, kinds of faults and where, and the page where it can be corrected."""
    link = f"/lake/landing/{landing.key}"
    title = supply.title
    if not landing.is_readable:
        said = [Text.from_json(note["message"]) for note in landing.notes[:_MOST_KINDS]]
        lines = Text("\n".join(f"· {s.zh}" for s in said), "\n".join(f"- {s.en}" for s in said))
        zh = f"您报送的「{landing.name}」（表「{title.zh}」）整份不能读取：\n{lines.zh}\n请改好后重新报送。"
        en = f"Your file '{landing.name}' for '{title.en}' cannot be read at all:\n{lines.en}\nPlease mend it and send it again."
        return _address(supply, Text(f"退回：{landing.name}", f"Refused: {landing.name}"), Text(zh, en), link)
    faults = count_faults(refused, contract)
    periods = _periods(refused, contract, landing)
    lines = Text("\n".join(_line(f).zh for f in faults), "\n".join(_line(f).en for f in faults))
    when = Text(f"，{periods.zh}", f", {periods.en}") if periods.zh else Text("", "")
    zh = (
        f"您报送的「{landing.name}」（表「{title.zh}」{when.zh}）共 {landing.records:,} 条，退回 {landing.refused:,} 条，"
        f"其余已入库：\n{lines.zh}\n请在「数据 · 改正退回的记录」里逐条改正，或改好后重新报送。"
    )
    en = (
        f"Of the {landing.records:,} records of your file '{landing.name}' for '{title.en}'{when.en}, {landing.refused:,} were "
        f"refused; the others landed:\n{lines.en}\nPlease correct them under Data, or mend the file and send it again."
    )
    subject = Text(f"退回 {landing.refused:,} 条：{title.zh}", f"{landing.refused:,} records refused: {title.en}")
    return _address(supply, subject, Text(zh, en), link)


def say_closed(notice: Notice, supply: Supply, today: date) -> Words:
    """Say that what a notice said is settled, with thanks."""
    if notice.kind == "late":
        zh = f"「{supply.title.zh}」的数据已收到，{notice.opened_on} 的迟报通知自 {today} 起撤销。谢谢。"
        en = f"The figures of '{supply.title.en}' are here; the notice of {notice.opened_on} is withdrawn as of {today}. Thank you."
    else:
        zh = f"「{supply.title.zh}」退回的记录已全部处理，{notice.opened_on} 的通知自 {today} 起撤销。谢谢。"
        en = f"The refused records of '{supply.title.en}' are settled; the notice of {notice.opened_on} is withdrawn as of {today}."
    subject = Text(f"已收到，谢谢：{notice.subject.zh}", f"Settled, thank you: {notice.subject.en}")
    return _address(
        supply, subject, Text(zh, en), (notice.landing and f"/lake/landing/{notice.landing}") or f"/lake/{supply.table}"
    )


def make_message(token: str, supply: Supply, words: Words) -> Message:
    """Make the outbox row of a notice; the address is looked up when it is delivered."""
    body = {
        "supply": supply.id,
        "supplier": supply.supplier.id,
        "to": supply.supplier.title.to_json(),
        "subject": words.subject.to_json(),
        "text": words.text.to_json(),
        "link": words.link,
    }
    return Message(token, NOTICE, body)


def count_faults(refused: pa.Table, contract: Contract) -> list[Fault]:
    """Count refused records by kind of fault and field, the most frequent first.

    The sentence says what was found only where the whole table is open; elsewhere values give way to an ellipsis.
    """
    titles = {f.name: f.title for f in contract.fields}
    counts: dict[tuple[str, str], int] = {}
    places: dict[tuple[str, str], list[str]] = {}
    sentences: dict[tuple[str, str], Text] = {}
    for finding in _each_finding(refused):
        key = (str(finding["kind"]), str(finding["key"]))
        counts[key] = counts.get(key, 0) + 1
        spots = places.setdefault(key, [])
        if len(spots) < _MOST_PLACES:
            spots.append(str(finding["where"]))
        if key not in sentences:
            sentences[key] = _sentence(finding, titles, contract.level == "L1")
    ordered = sorted(counts, key=lambda key: (-counts[key], key))
    return [
        Fault(kind, name, counts[kind, name], tuple(places[kind, name]), sentences[kind, name])
        for kind, name in ordered
    ]


def _each_finding(refused: pa.Table) -> Iterable[Mapping[str, Any]]:
    for text in refused["findings"].to_pylist():
        yield from json.loads(text)


def _sentence(finding: Mapping[str, Any], titles: Mapping[str, Text], is_open: bool) -> Text:
    if is_open or finding["kind"] not in KINDS:
        return Text.from_json(finding["message"])
    names = [titles.get(n.strip(), Text.same(n)) for n in str(finding["key"]).split(",") if n.strip()]
    field = Text("、".join(n.zh for n in names), ", ".join(n.en for n in names))
    return KINDS[finding["kind"]].message.fill(found="…", expected=str(finding["expected"]), field=field, more="…")


def _line(fault: Fault) -> Text:
    more = "…" if fault.count > len(fault.places) else ""
    places = [say_place(place) for place in fault.places]
    return Text(
        f"· {fault.count:,} 条：{fault.sentence.zh}（{'、'.join(p.zh for p in places)}{more}）",
        f"- {fault.count:,}: {fault.sentence.en} ({'; '.join(p.en for p in places)}{more})",
    )


def say_place(where: str) -> Text:
    """A place in a text file in both languages; a cell of a sheet as it is.

    Examples
    --------
    >>> say_place("line 2, column 1").zh, say_place("line 7").zh, say_place("Sheet1!B7").zh
    ('第 2 行第 1 列', '第 7 行', 'Sheet1!B7')
    """
    found = _PLACE.fullmatch(where)
    if found is None:
        return Text.same(where)
    column = f"第 {found[2]} 列" if found[2] else ""
    return Text(f"第 {found[1]} 行{column}", where)


def _periods(refused: pa.Table, contract: Contract, landing: Landing) -> Text:
    name = contract.period_field
    found = [landing.given[name]] if name in landing.given else []
    if not found and name:
        for raw in refused["raw"].to_pylist()[:1000]:
            for line in str(raw).split("\n"):
                try:
                    found.append(str(json.loads(line)[name]))
                except (ValueError, KeyError, TypeError):
                    continue
    names = list(dict.fromkeys(word for word in found if word))
    shown = names[:_MOST_PERIODS]
    return Text(
        "、".join(shown) + ("等" if len(names) > len(shown) else ""),
        ", ".join(shown) + (" …" if len(names) > len(shown) else ""),
    )


def _say_origin(supply: Supply) -> Text:
    origin = supply.origin
    if isinstance(origin, Inbox):
        return Text(
            f"收件夹 {origin.folder}（或在网页「数据」里报送）", f"the inbox {origin.folder} (or by the page 'Data')"
        )
    if isinstance(origin, WebFile):
        return Text("约定的发布地址", "the agreed address on the web")
    return Text(f"约定的数据库表 {origin.table}", f"the agreed database table {origin.table}")


def _address(supply: Supply, subject: Text, text: Text, link: str) -> Words:
    to = supply.supplier.title
    return Words(subject, Text(f"{to.zh}：\n{text.zh}", f"To {to.en}:\n{text.en}"), link)
