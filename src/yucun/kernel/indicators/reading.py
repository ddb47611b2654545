"""Reading the parts that all definitions share: words of closed lists, the smallest cell, the second computations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from yucun.base.declaration import Declaration
from yucun.base.text import Text
from yucun.kernel.access.cells import SmallestCell
from yucun.kernel.indicators.model import (
    Check,
    CheckKind,
    Rule,
)
from yucun.kernel.lake.contract import Contract


class DefinitionReader:
    """One ``indicators.toml`` being read, with its findings."""

    def __init__(
        self, declaration: Declaration, service: str, contracts: Mapping[str, Contract], rules: Mapping[str, Rule]
    ) -> None:
        self.declaration = declaration
        self.service = service
        self.contracts = contracts
        self.rules = rules

    def full(self, name: str) -> str:
        """A name without a dot belongs to this service."""
        return name if "." in name else f"{self.service}.{name}"

    def add(self, kind: str, path: tuple[str, ...], found: object, expected: str, zh: str, en: str) -> None:
        """Note one finding at a key."""
        self.declaration.add(f"indicator.{kind}", path, found, expected, Text(zh, en))

    # -- words from closed lists ----------------------------------------------------------------------------

    def choose(
        self, table: Mapping[str, Any], path: tuple[str, ...], key: str, words: Sequence[str], default: Any = ...
    ) -> Any:
        """Take a word of a closed list; another is a finding."""
        value = self.declaration.take(table, path, key, str, default)
        if value in words:
            return value
        if key in table and isinstance(table[key], str):
            self.add(
                "word",
                (*path, key),
                value,
                ", ".join(words),
                f"「{value}」不可用于 {key}；可用：{'、'.join(words)}",
                f"'{value}' is not a {key}; there are: {', '.join(words)}",
            )
        return "" if default is ... else default

    def choose_all(
        self, table: Mapping[str, Any], path: tuple[str, ...], key: str, words: Sequence[str]
    ) -> tuple[Any, ...]:
        """Take words of a closed list, at least one."""
        values = self.declaration.take(table, path, key, list)
        for value in values:
            if value not in words:
                self.add(
                    "word",
                    (*path, key),
                    value,
                    ", ".join(words),
                    f"「{value}」不可用于 {key}；可用：{'、'.join(words)}",
                    f"'{value}' is not one of {key}: {', '.join(words)}",
                )
        if not values and key in table:
            self.add("empty", (*path, key), "[]", ", ".join(words), f"{key} 不能为空", f"{key} names at least one")
        return tuple(v for v in values if v in words)

    # -- the smallest cell and the checks -------------------------------------------------------------------

    def _read_smallest(self, table: Mapping[str, Any], path: tuple[str, ...]) -> tuple[SmallestCell | None, Text]:
        rule = table.get("smallest_cell")
        here = (*path, "smallest_cell")
        if not isinstance(rule, dict) or not ({"k", "counts"} <= set(rule) or "published" in rule):
            self.add(
                "smallest_cell",
                here,
                rule or "nothing",
                '{ k = 5, counts = "…" } or { published = {zh, en} }',
                "缺少最小单元规则（smallest_cell）：写 { k = 5, counts = 计数字段 }，或写 { published = 已公开的理由 }",
                "there is no smallest-cell rule: write { k = 5, counts = the field that counts persons }, or { published = why its "
                "sources are open already }",
            )
            return None, Text("", "")
        self.declaration.refuse_unknown(rule, here, ("k", "counts", "published"))
        if "published" in rule:
            return None, self.declaration.take_text(rule, here, "published")
        k, counts = self.declaration.take(rule, here, "k", int), self.declaration.take(rule, here, "counts", str)
        try:
            return SmallestCell(k, counts), Text("", "")
        except ValueError:
            self.add("smallest_cell", here, k, "3 or more", "k 至少为 3", "k is at least 3")
            return None, Text("", "")

    def _read_checks(self, table: Mapping[str, Any], path: tuple[str, ...]) -> tuple[Check, ...]:
        raw = table.get("check")
        here = (*path, "check")
        rules = raw if isinstance(raw, list) else [raw] if isinstance(raw, dict) else []
        if not rules:
            self.add(
                "check",
                here,
                raw or "nothing",
                "published, identity, recount, bounds, or none with a reason",
                '每个指标要有第二种算法（check），没有就写 { kind = "none", reason = … } 说明为什么',
                'every indicator has a second way to get it (check); where there is none, write { kind = "none", reason = … }',
            )
        return tuple(self._read_check(rule, here) for rule in rules if isinstance(rule, dict))

    def _read_check(self, rule: Mapping[str, Any], path: tuple[str, ...]) -> Check:
        self.declaration.refuse_unknown(rule, path, ("kind", "indicator", "within", "low", "high", "reason"))
        kind: CheckKind = self.choose(rule, path, "kind", get_args(CheckKind)) or "none"
        reason = self.declaration.take_text(rule, path, "reason", Text("", ""))
        if kind == "none" and not reason.zh:
            self.add(
                "check", path, dict(rule), "reason", "没有第二种算法时要写明原因（reason）", "no check needs a reason"
            )
        if kind == "identity" and not rule.get("indicator"):
            self.add(
                "check",
                path,
                dict(rule),
                "indicator",
                "identity 要写明另一个指标（indicator）",
                "an identity names the other indicator",
            )
        if kind == "bounds" and "low" not in rule and "high" not in rule:
            self.add("check", path, dict(rule), "low or high", "bounds 要写 low 或 high", "bounds have a low or a high")
        other = str(rule.get("indicator", ""))
        within = self.declaration.take(rule, path, "within", float, 0.0)
        low, high = (float(rule[k]) if isinstance(rule.get(k), (int, float)) else None for k in ("low", "high"))
        return Check(kind, self.full(other) if other else "", float(within), low, high, reason)
