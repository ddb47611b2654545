"""What the duty desk asks entitlements: what a claim is called, what a move may set, which pages there are beside the queue."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.cases import Case, CaseKind, Move
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Pack
from yucun.services.entitlements.models import EVENTS, QUESTIONS, parameters_of, read_catalogue

Choices = tuple[tuple[str, Text], ...]
# Words that officers write most; proposals, nothing more.
_REASONS: Mapping[str, tuple[Text, ...]] = {
    "refuse": (
        Text("经核，缴费年限不足", "the contributions are too few"),
        Text("经核，不属服务对象", "not among the target people"),
    ),
    "corrected": (Text("已按登记更正", "corrected by the register"),),
    "decline_for": (Text("本人口头表示不要", "the person said no"),),
    "end": (Text("本人已去世", "the person has died"), Text("重复", "twice")),
}
_PROOFS = (
    Text("送达回执", "receipt"),
    Text("银行回单", "bank slip"),
    Text("接种或就诊记录", "record of the clinic"),
    Text("学籍登记", "enrolment at school"),
)


@cache
def _titles() -> Mapping[str, Text]:
    """Titles of the items as the service ships them; a place may change what an item gives, not what it is called."""
    own = tomllib.loads((Path(__file__).parents[1] / "parameters.toml").read_text(encoding="utf-8"))
    return {code: item.title for code, item in read_catalogue(own).items()}


def title_case(case: Case, kind: CaseKind) -> Text:
    """What a claim is about: the item and the event, without anything private."""
    if case.kind == "entitlements.look":
        day = case.id.partition(":")[2]
        return Text(f"{kind.title.zh} {day}", f"{kind.title.en} {day}")
    parts = [_titles().get(str(case.fields.get("item", "")), kind.title)]
    event = EVENTS.get(str(case.fields.get("event", "")))
    parts += [event] if event is not None else []
    return Text(" · ".join(p.zh for p in parts), " · ".join(p.en for p in parts))


def say_field(name: str, value: str) -> Text | None:
    """A code of a claim in words; None where there are none for it."""
    if name == "item":
        return _titles().get(value)
    if name == "event":
        return EVENTS.get(value)
    if name == "to":
        return {"person": Text("本人", "the person"), "household": Text("家庭", "the household")}.get(value)
    if name == "asks":
        asked = [QUESTIONS[one] for one in value.split() if one in QUESTIONS]
        return Text("；".join(one.zh for one in asked), "; ".join(one.en for one in asked))
    return None


def title_unit(unit: str, pack: Pack, regions: Regions) -> Text:
    """The name of a unit: a region's name, or the word itself."""
    del pack
    found = regions.find(RegionCode.parse(unit)) if unit.isdecimal() and len(unit) == 12 else None
    return found.name if found else Text.same(unit)


def list_settable(move: Move) -> Sequence[str]:
    """Fields that a move may set beside those that it needs."""
    del move
    return ()


def suggest(case: Case, move: Move, pack: Pack, regions: Regions, account: str) -> dict[str, Choices]:
    """Choices for what a move asks, the likeliest first."""
    del case, pack, regions, account
    found: dict[str, Choices] = {}
    if move.name in _REASONS:
        found["reason"] = tuple((one.zh, one) for one in _REASONS[move.name])
    if move.name == "deliver":
        found["proof"] = tuple((one.zh, one) for one in _PROOFS)
    return found


def list_ways() -> tuple[tuple[Text, str], ...]:
    """Pages of entitlements beside its queue."""
    return (
        (Text("目录", "the catalogue"), "/entitlements/catalogue"),
        (Text("应得与送达", "owed and delivered"), "/entitlements/gap"),
    )


def tell_rules(pack: Pack) -> list[Text]:
    """Which figures are not verified, so that everybody at the desk knows what the claims rest on."""
    law = pack.derive(parameters_of)
    titles = [law.items[f.key].title for f in law.list_unverified()]
    said = []
    if titles:
        names = list(dict.fromkeys((t.zh, t.en) for t in titles))
        said.append(
            Text(
                f"仅供模拟：{len(names)} 项数值未核实（{'、'.join(zh for zh, _ in names[:4])}等），真实事项不能据此给予",
                f"simulation only: {len(names)} figures are not verified ({', '.join(en for _, en in names[:4])} …); no real "
                "claim is granted on them",
            )
        )
    return said


def list_letters(case: Case, pack: Pack) -> list[tuple[str, Text]]:
    """The notice with the number and the code by which a person follows what is owed."""
    del pack
    return [("notice", Text("告知单", "notice"))] if case.kind == "entitlements.claim" else []


def write_letter(name: str, said: Mapping[str, Any]) -> tuple[Text, Text] | None:
    """A letter's title and body; there is none of that name."""
    del name, said
    return None
