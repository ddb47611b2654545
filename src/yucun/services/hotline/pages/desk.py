"""What the duty desk asks the hotline: what a case is called, whom it may go to, what a move may set."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.cases import Case, CaseKind, Move
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Pack
from yucun.services.hotline.rules import DeskRules, desk_from_2020_12

Choices = tuple[tuple[str, Text], ...]
# What a move may set beyond what it needs.
_SETTABLE: Mapping[str, tuple[str, ...]] = {"dispatch": ("unit", "subject", "urgency"), "answer": ("subject",)}
# Reasons that clerks write most; proposals, nothing more.
_REASONS: Mapping[str, tuple[Text, ...]] = {
    "send_back": (Text("不属本单位职责", "not this unit's duty"), Text("应由区县办理", "the county's to handle")),
    "wait": (Text("待来件人补充材料", "papers are missing"), Text("待来件人补充地点", "the place is missing")),
    "extend": (Text("需现场勘查", "the site must be seen"), Text("涉及多个单位", "several units are involved")),
    "reopen": (Text("来件人反映问题仍在", "the caller says it persists"),),
    "hand_over": (Text("离岗移交", "hand-over at leave"),),
    "supervise": (Text("多人反映", "many callers"), Text("久未办理", "nothing happened for long")),
}


def say_field(name: str, value: str) -> Text | None:
    """A field that needs other words than its value: how sure the subject is, in per cent.

    Examples
    --------
    >>> say_field("confidence", "9834").zh, say_field("channel", "phone")
    ('98 %', None)
    """
    return Text.same(f"{int(value) // 100} %") if name == "confidence" else None


def title_case(case: Case, kind: CaseKind) -> Text:
    """What a message is about: urgency if it presses, wish and subject."""
    fields = case.fields
    parts = [
        kind.fields[name].codes[fields[name]]
        for name in ("urgency", "subject", "intent")
        if fields.get(name) in kind.fields[name].codes
        and not (name == "urgency" and fields[name] in ("general", "complex"))
    ]
    if not parts:
        return Text("来件（未判明）", "message, not yet judged")
    return Text(" · ".join(p.zh for p in parts), " · ".join(p.en for p in parts))


def title_unit(unit: str, pack: Pack, regions: Regions) -> Text:
    """The name of a unit: the county's name before the office's."""
    desk = pack.derive(desk_from_2020_12)
    place, _, office = unit.rpartition(".")
    title = desk.office_titles.get(office, Text.same(unit))
    if not place:
        return title
    found = regions.find(RegionCode.parse(place))
    return Text(f"{found.name.zh}{title.zh}", f"{found.name.en}, {title.en}") if found else title


def list_settable(move: Move) -> Sequence[str]:
    """Fields that a move may set beside those that it needs."""
    return _SETTABLE.get(move.name, ())


def suggest(case: Case, move: Move, pack: Pack, regions: Regions, account: str) -> dict[str, Choices]:
    """Choices for the fields of a move, the likeliest first."""
    del account
    found: dict[str, Choices] = {}
    desk = pack.derive(desk_from_2020_12)
    if move.name in ("dispatch", "share"):
        found["unit" if move.name == "dispatch" else "co_units"] = list_units(case, desk, pack, regions)
    if move.name in _REASONS:
        found["reason"] = tuple((reason.zh, reason) for reason in _REASONS[move.name])
    if move.name == "merge" and case.fields.get("like"):
        like = str(case.fields["like"])
        found["into"] = ((like, Text.same(like)),)
    return found


def list_units(case: Case, desk: DeskRules, pack: Pack, regions: Regions) -> Choices:
    """Units that may answer: those of the guessed subjects first, of the county and of the city, then all others."""
    subjects = [case.fields.get(name, "") for name in ("subject", "second", "third")]
    likely = [desk.offices[s] for s in subjects if s in desk.offices]
    offices = list(dict.fromkeys([*likely, *desk.office_titles]))
    code = RegionCode.parse(case.region) if case.region else None
    is_county = code is not None and code.level not in ("province", "city")
    units = [f"{case.region[:6]}.{office}" for office in offices] if is_county else []
    ordered = [*units[: len(likely)], *offices[: len(likely)], *units[len(likely) :], *offices[len(likely) :]]
    named = case.unit and case.unit not in ordered
    return tuple((unit, title_unit(unit, pack, regions)) for unit in ([case.unit] if named else []) + ordered)


def list_ways() -> tuple[tuple[Text, str], ...]:
    """Pages of the hotline beside its queue."""
    return (
        (Text("接电话，边听边记", "take a call"), "/hotline/new"),
        (Text("热点", "hot topics"), "/hotline/topics"),
        (Text("知识库", "known answers"), "/hotline/answers"),
        (Text("无条款可答的来件", "what no clause answers"), "/hotline/uncovered"),
    )


def tell_rules(pack: Pack) -> list[Text]:
    """Which profile the clocks run by, and that the place's own is not known where that is so."""
    desk = pack.derive(desk_from_2020_12)
    own = desk.profiles.get(desk.own)
    said = []
    if own is None or not desk.is_own_known:
        title = own.title if own else Text("本地", "the place's own")
        said.append(
            Text(
                f"本地自己的时限未知（{title.zh}）；以下公开时限暂代，填写 parameters/hotline.toml 后即以本地为准",
                f"the place's own limits are not known ({title.en}); published ones stand in until parameters/hotline.toml is filled",
            )
        )
    steps = {
        "dispatch": Text("派单", "dispatch"),
        "accept": Text("签收", "acceptance"),
        "return": Text("退单", "sending back"),
        "urgent_reply": Text("危急与水电气热的答复", "answers where life or supply is at stake"),
        "reply": Text("答复", "answers"),
        "extension": Text("延期", "extension"),
    }
    for step, title in steps.items():
        profile = desk.profiles.get(desk.otherwise.get(step, ""))
        if profile is not None:
            said.append(
                Text(
                    f"{title.zh}：{profile.title.zh}（{profile.source}）",
                    f"{title.en}: {profile.title.en} ({profile.source})",
                )
            )
    return said


def read_letters() -> Mapping[str, Any]:
    """The templates of letters, by name."""
    return tomllib.loads(Path(__file__).with_name("letters.toml").read_text(encoding="utf-8"))


def list_letters(case: Case, pack: Pack) -> list[tuple[str, Text]]:
    """Letters that can be written for a message as it stands."""
    del pack
    return [(n, Text.from_json(one["title"])) for n, one in read_letters().items() if case.state in one["states"]]


def write_letter(name: str, said: Mapping[str, Text]) -> tuple[Text, Text] | None:
    """A letter's title and body with what the case says filled in; None when there is no such letter."""
    one = read_letters().get(name)
    if one is None:
        return None
    body = Text(
        one["zh"].strip().format(**{key: text.zh for key, text in said.items()}),
        one["en"].strip().format(**{key: text.en for key, text in said.items()}),
    )
    return Text.from_json(one["title"]), body
