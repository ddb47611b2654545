"""May this reader read that field, or do that: pure answers with the rule and the reason; deny by default."""

from __future__ import annotations

from collections.abc import Sequence

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.access.levels import how_to_ask, is_about_people, mix
from yucun.kernel.access.model import (
    OPEN,
    VERB_TITLES,
    Allowed,
    Column,
    Decision,
    Grant,
    Reader,
    Refused,
    Sensitivity,
    Sheet,
    Verb,
    Within,
    covers,
)


def may_read(reader: Reader, contract: Sheet, field: Column, purpose: str = "") -> Decision:
    """Say whether a reader sees a field's values, and within which regions.

    Open fields (L1) are for everyone. Above, one and the same grant must read that level, cover the table,
    and carry the purpose, and the purpose must read that field.

    Parameters
    ----------
    reader : Reader
        Who asks.
    contract, field : Sheet, Column
        The table and one of its fields.
    purpose : str
        Name of the purpose under which the reader looks; empty for none.

    Returns
    -------
    Allowed or Refused
        Allowed names the regions; narrow it to one with `at`.
    """
    if field not in contract.fields:
        return Refused("access.field", Text("此表没有登记这个字段", "the table declares no such field"))
    return may_read_level(reader, contract, field, field.level, purpose)


def may_read_level(reader: Reader, contract: Sheet, field: Column, level: Sensitivity, purpose: str = "") -> Decision:
    """Answer as `may_read` does, for a form of the field that counts as another level (a masked form)."""
    return _may_read_at(reader, contract, (field,), level, purpose)


def _may_read_at(
    reader: Reader, contract: Sheet, fields: Sequence[Column], level: Sensitivity, purpose: str
) -> Decision:
    if level <= OPEN:
        return Allowed("access.open", None)
    if not reader.is_signed_in:
        return Refused(
            "access.signed_out",
            Text(f"此项为 {level} 级数据，请登录后查看", f"this is {level} data; sign in to read it"),
        )
    if not purpose:
        return Refused(
            "access.purpose_missing",
            Text(f"查看 {level} 级数据须先选定目的", f"choose a purpose before reading {level} data"),
        )
    held = [(g, p) for g in reader.grants if (p := g.find_purpose(purpose)) is not None]
    if not held:
        return Refused(
            "access.purpose_not_held",
            Text(
                f"您的岗位不具有目的「{purpose}」；如确需，请向管理员申请",
                f"your post does not hold the purpose '{purpose}'; ask an administrator if it should",
            ),
        )
    held = [(g, p) for g, p in held if all(p.covers(contract.name, f.name) for f in fields)]
    if not held:
        ask = how_to_ask(contract)
        return Refused(
            "access.purpose_reads",
            Text(f"目的「{purpose}」不包含此字段{ask.zh}", f"the purpose '{purpose}' does not read this field{ask.en}"),
        )
    grants = [g for g, _ in held if _does(g, "read", contract.name) and g.role.level >= level]
    if not grants:
        ask = how_to_ask(contract)
        return Refused(
            "access.level",
            Text(
                f"您的岗位不能查看此表的 {level} 级数据{ask.zh}",
                f"your post does not read {level} data of this table{ask.en}",
            ),
        )
    return _allow("access.grant", grants)


def may_do(reader: Reader, verb: Verb, table: str = "") -> Decision:
    """Say whether a reader may do a verb (to a table, when one is named), and within which regions.

    Reading values is for `may_read`; ``read`` here only asks whether the post reads at all.
    """
    if not reader.is_signed_in:
        return Refused(
            "access.signed_out", Text(f"{VERB_TITLES[verb].zh}前请先登录", f"sign in to {VERB_TITLES[verb].en}")
        )
    grants = [g for g in reader.grants if _does(g, verb, table)]
    if not grants:
        title = VERB_TITLES[verb]
        return Refused(
            "access.verb",
            Text(f"您的岗位没有「{title.zh}」权限", f"your post may not {title.en}")
            if not table
            else Text(
                f"您的岗位不能对表 {table} 进行「{title.zh}」", f"your post may not {title.en} the table {table}"
            ),
        )
    return _allow("access.grant", grants)


def at(decision: Decision, region: RegionCode, within: Within) -> Decision:
    """Narrow a decision to one region; a table without regions is asked at the city itself."""
    if isinstance(decision, Refused) or decision.regions is None or within(region, decision.regions):
        return decision
    return Refused(
        "access.region",
        Text(f"{region.short} 不在您的管辖范围内", f"{region.short} is not within your regions"),
    )


def may_read_together(reader: Reader, contract: Sheet, fields: Sequence[Column], purpose: str = "") -> Decision:
    """Say whether a reader may see some fields of the same rows side by side, each of which they may see.

    The level of the whole may be above that of each part; see `levels.mix`.
    """
    together = mix(fields)
    if together.level <= max((f.level for f in fields), default=OPEN):
        return Allowed("access.parts", None)
    closed = [f for f in fields if f.level > OPEN]
    decision = _may_read_at(reader, contract, closed, together.level, purpose)
    if isinstance(decision, Refused) and decision.rule == "access.level":
        ask = how_to_ask(contract)
        return Refused(
            "access.together",
            Text(
                f"这些字段合看为 {together.level} 级（{together.reason.zh}），高于您的岗位可看的级别{ask.zh}",
                f"together these fields are {together.level} ({together.reason.en}), above what your post reads{ask.en}",
            ),
        )
    return decision


def may_see_rows(reader: Reader, contract: Sheet, purpose: str = "") -> Decision:
    """Say whether a reader may see the rows of a table at all, if only how many there are.

    Rows about people are for those who may read something about those people; others would count them.
    """
    if not is_about_people(contract):
        return Allowed("access.open", None)
    decisions = [may_read(reader, contract, f, purpose) for f in contract.fields if f.level > OPEN]
    return next((d for d in decisions if isinstance(d, Allowed)), decisions[0])


def _does(grant: Grant, verb: Verb, table: str) -> bool:
    return verb in grant.role.verbs and (not table or covers(grant.tables, table))


def _allow(rule: str, grants: Sequence[Grant]) -> Allowed:
    return Allowed(rule, tuple(sorted({r for g in grants for r in g.regions})))
