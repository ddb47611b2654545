"""What the duty desk asks relief: what a case is called, whose it is, what a move may set, which letters there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.cases import Case, CaseKind, Move
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Pack
from yucun.services.relief.models import PROGRAMME
from yucun.services.relief.planning import parameters_of

Choices = tuple[tuple[str, Text], ...]
# Reasons that officers write most; proposals, nothing more.
_REASONS: Mapping[str, tuple[Text, ...]] = {
    "ask_more": (
        Text("缺核对授权书", "the authorisation to check is missing"),
        Text("缺收入证明", "proof of income is missing"),
    ),
    "send_back": (Text("入户调查记录不全", "the report of the visit is incomplete"),),
    "keep": (Text("入户查看，情况未变", "visited at home: nothing changed"),),
    "object": (Text("邻里反映收入不实", "neighbours doubt the stated income"),),
}


def title_case(case: Case, kind: CaseKind) -> Text:
    """What a case is about, without anything private."""
    programme = PROGRAMME.get(str(case.fields.get("programme", "")))
    parts = [kind.title, programme.title if programme else Text.same(case.subject or case.id)]
    if case.fields.get("is_urgent"):
        parts.append(Text("急难", "urgent"))
    if case.kind == "relief.month":
        parts = [kind.title, Text.same(str(case.fields.get("month", "")))]
    if case.fields.get("why") in (codes := kind.fields["why"].codes if "why" in kind.fields else {}):
        parts.append(codes[str(case.fields["why"])])
    return Text(" · ".join(p.zh for p in parts), " · ".join(p.en for p in parts))


def title_unit(unit: str, pack: Pack, regions: Regions) -> Text:
    """The name of a unit: a region's name, or the word itself."""
    del pack
    found = regions.find(RegionCode.parse(unit)) if unit.isdecimal() and len(unit) == 12 else None
    return found.name if found else Text.same(unit)


def list_settable(move: Move) -> Sequence[str]:
    """Fields that a move may set beside those that it needs."""
    return ("facts",) if move.name == "resubmit" else ()


def suggest(case: Case, move: Move, pack: Pack, regions: Regions, account: str) -> dict[str, Choices]:
    """Choices for the fields of a move, the likeliest first."""
    del pack, regions, account
    found: dict[str, Choices] = {}
    if move.name in _REASONS:
        found["reason"] = tuple((reason.zh, reason) for reason in _REASONS[move.name])
    if move.name in ("cut", "raise") and "proposed_fen" in case.fields:
        proposed = str(case.fields["proposed_fen"])
        found["amount_fen"] = ((proposed, Text(f"{proposed} 分（核算）", f"{proposed} fen (assessed)")),)
    return found


def list_ways() -> tuple[tuple[Text, str], ...]:
    """Pages of relief beside its queue."""
    return (
        (Text("今早", "this morning"), "/relief/morning"),
        (Text("月度发放", "the month's payment"), "/relief/month"),
        (Text("公示", "publicity"), "/relief/publicity"),
        (Text("条款覆盖", "clauses"), "/service/relief/clauses"),
        (Text("政策试算", "what if"), "/service/relief/what-if"),
    )


def tell_rules(pack: Pack) -> list[Text]:
    """Which figures are not verified, so that everybody at the desk knows what the amounts rest on."""
    law = pack.derive(parameters_of)
    titles = [law.items[f.key].title for f in law.list_unverified()]
    if not titles:
        return []
    names = list(dict.fromkeys((t.zh, t.en) for t in titles))
    return [
        Text(
            f"仅供模拟：{len(names)} 项标准未核实（{'、'.join(zh for zh, _ in names[:4])}等），真实申请不能据此批准",
            f"simulation only: {len(names)} figures are not verified ({', '.join(en for _, en in names[:4])} …); no real "
            "application is approved on them",
        )
    ]


def list_letters(case: Case, pack: Pack) -> list[tuple[str, Text]]:
    """Letters that can be written for a case as it stands: none yet beside the publicity page."""
    del case, pack
    return []


def write_letter(name: str, said: Mapping[str, Any]) -> tuple[Text, Text] | None:
    """A letter's title and body; there is none of that name."""
    del name, said
    return None
