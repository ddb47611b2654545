"""Reading ``indicators.toml``: what each number is, with every finding at its file, line and key.

The keys of a definition are in ``docs/how-to/define-a-number.md``. `read_indicators` reads one file against the
tables and rules that it may use; `linking.link_indicators` joins the files of all services, since a number may be worked
out from another service's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding
from yucun.base.identity import LEVELS
from yucun.base.period import PeriodKind
from yucun.base.quantity import UNITS, WRITTEN_UNITS, Unit
from yucun.base.text import Text
from yucun.kernel.indicators.define_gathered import GATHERED_KEYS, GatheredReader
from yucun.kernel.indicators.formulas import SPREADS
from yucun.kernel.indicators.model import (
    Against,
    Direction,
    Form,
    Indicator,
    Kind,
    Member,
    Rule,
    Take,
    Term,
)
from yucun.kernel.lake.contract import Contract, Sensitivity

_NO_UNIT = Unit("", Text("", ""))
_COMMON = "title meaning kind unit shown_in decimals direction levels periods sensitivity smallest_cell check adds_up awaited".split()
_BY_KIND: dict[str, tuple[str, ...]] = {
    "value": ("of",),
    "total": ("of", *GATHERED_KEYS),
    "count": ("of", *GATHERED_KEYS),
    "mean": ("of", *GATHERED_KEYS),
    "ratio": ("numerator", "denominator", *GATHERED_KEYS),
    "distinct": ("of", *GATHERED_KEYS),
    "percentile": ("of", "percent", *GATHERED_KEYS),
    "change": ("of", "against", "relative"),
    "difference": ("of", "minus"),
    "sum": ("of", "over"),
    "spread": ("of", "over", "measure", "groups"),
    "formula": ("of", "rule"),
}
_TAKES: dict[str, Take] = {
    "value": "one",
    "total": "sum",
    "count": "count",
    "mean": "mean",
    "distinct": "distinct",
    "percentile": "percentile",
}
_TERM_KEYS = ("table", "field", "where", "take", "minus", "at", "rule", "title")
_EXACT_COUNTS = ("person", "household", "file", "record", "place")


def read_indicators(
    path: Path, service: str, contracts: Mapping[str, Contract], rules: Mapping[str, Rule]
) -> tuple[list[Indicator], list[Finding]]:
    """Read one ``indicators.toml``.

    Parameters
    ----------
    path : Path
        The file.
    service : str
        Whose it is; names without a dot are its own.
    contracts : mapping of str to Contract
        All tables that may be named.
    rules : mapping of str to callable
        ``service.function`` of ``rules.py``.

    Returns
    -------
    list of Indicator, list of Finding
        Indicators that could be read (not yet linked), and everything that is wrong.
    """
    reader = _Reader(Declaration.read(path, f"{service}/{path.name}"), service, contracts, rules)
    return reader.read_all(), reader.declaration.findings


class _Reader(GatheredReader):
    """One file being read."""

    def read_all(self) -> list[Indicator]:
        beside = self.declaration.take(self.declaration.values, (), "beside", dict, {})
        self.declaration.refuse_unknown(beside, ("beside",), ("published", "targets"))
        tables = {key: self.full(str(name)) for key, name in beside.items()}
        for key, name in tables.items():
            self._check_beside(key, name)
        names = [name for name in self.declaration.values if name != "beside"]
        found = [self.read_one(name, self.declaration.values[name]) for name in names]
        return [
            replace(i, published=tables.get("published", ""), targets=tables.get("targets", ""))
            for i in found
            if i is not None
        ]

    def read_one(self, name: str, table: Any) -> Indicator | None:
        path = (name,)
        if not isinstance(table, dict):
            self.add("table", path, table, "a table", "此处应为一张表", "a table is expected here")
            return None
        kind = self.choose(table, path, "kind", get_args(Kind))
        if not kind:
            return None
        self.declaration.refuse_unknown(table, path, (*_COMMON, *_BY_KIND[kind]))
        unit = self._read_unit(table, path)
        smallest, reason = self._read_smallest(table, path)
        indicator = Indicator(
            id=f"{self.service}.{name}",
            title=self.declaration.take_text(table, path, "title"),
            meaning=self.declaration.take_text(table, path, "meaning"),
            kind=kind,
            unit=unit,
            decimals=self.declaration.take(table, path, "decimals", int, unit.decimals),
            direction=self.choose(table, path, "direction", get_args(Direction)) or "neither",
            levels=self.choose_all(table, path, "levels", LEVELS),
            periods=self.choose_all(table, path, "periods", get_args(PeriodKind)),
            level=self.choose(table, path, "sensitivity", get_args(Sensitivity), "L1"),
            smallest=smallest,
            is_open_because=reason,
            checks=self._read_checks(table, path),
            declared_at=f"{self.declaration.name}:{self.declaration.line_of(*path)}",
            is_awaited=self.declaration.take(table, path, "awaited", bool, True),
            adds_up=self.declaration.take(table, path, "adds_up", bool, kind in ("total", "count", "sum")),
        )
        indicator = (
            self._read_leaf(indicator, table, path) if indicator.is_leaf else self._read_derived(indicator, table, path)
        )
        self._check_sensitivity(indicator, path)
        return indicator

    def _read_unit(self, table: Mapping[str, Any], path: tuple[str, ...]) -> Unit:
        name = table.get("unit")
        if name in UNITS:
            return self._shown_in(UNITS[str(name)], table, path)
        self.add(
            "unit",
            (*path, "unit"),
            name or "nothing",
            ", ".join(UNITS),
            f"每个指标都要有单位（unit）；可用：{'、'.join(UNITS)}",
            f"every indicator needs a unit; there are: {', '.join(UNITS)}",
        )
        return _NO_UNIT

    def _shown_in(self, unit: Unit, table: Mapping[str, Any], path: tuple[str, ...]) -> Unit:
        """The unit at another magnitude, e.g. 亿元 for fen."""
        title = self.declaration.take_text(table, path, "shown_in", Text("", ""))
        if not title.zh:
            return unit
        name, factor = WRITTEN_UNITS.get(title.zh, ("", Fraction(0)))
        if name != unit.name or factor.denominator != 1:
            there = ", ".join(word for word, (n, f) in WRITTEN_UNITS.items() if n == unit.name and f.denominator == 1)
            self.add(
                "unit",
                (*path, "shown_in"),
                title.zh,
                there,
                f"「{title.zh}」不能表示 {unit.name}；可用：{there}",
                f"'{title.zh}' does not show {unit.name}; there are: {there}",
            )
            return unit
        return replace(unit, title=title, per_shown=int(factor))

    def _check_beside(self, key: str, name: str) -> None:
        contract = self.contracts.get(name)
        wanted = ("region", "period", "indicator", "bound", "value", "value_unit", "source")
        missing = [w for w in wanted if contract is None or w not in {f.name for f in contract.fields}]
        if missing:
            self.add(
                "beside",
                ("beside", key),
                name,
                ", ".join(wanted),
                f"对照表要有这些字段：{'、'.join(missing)}",
                f"a table of printed numbers has these fields: {', '.join(missing)}",
            )

    def _check_sensitivity(self, indicator: Indicator, path: tuple[str, ...]) -> None:
        """A number may be more open than its rows only where small cells are hidden."""
        levels = [
            contract.get_field(name).level
            for t in indicator.terms
            if (contract := self.contracts.get(t.table)) is not None
            for name in (t.field, *t.where)
            if any(f.name == name for f in contract.fields)
        ]
        if levels and max(levels) > indicator.level and indicator.smallest is None:
            self.add(
                "sensitivity",
                (*path, "sensitivity"),
                indicator.level,
                max(levels),
                f"所用字段为 {max(levels)} 级；要么同级，要么给出最小单元 k 与 counts",
                f"its fields are {max(levels)}; keep that level, or give the smallest cell a k and what it counts",
            )

    # -- leaves ---------------------------------------------------------------------------------------------

    def _read_leaf(self, indicator: Indicator, table: Mapping[str, Any], path: tuple[str, ...]) -> Indicator:
        grain = None
        if indicator.kind == "ratio":
            numerator = self._read_terms(indicator, table, path, "numerator")
            denominator = self._read_terms(indicator, table, path, "denominator")
            for key, terms in (("numerator", numerator), ("denominator", denominator)):
                if not terms:
                    self.add(
                        "term", (*path, key), "nothing", "{ table, field, where }", f"缺少 {key}", f"there is no {key}"
                    )
        else:
            numerator, denominator = self._read_terms(indicator, table, path, "of"), ()
        dated = [t for t in (*numerator, *denominator) if self._period_type(t) in ("date", "instant")]
        if dated and "rows_of" not in table:
            if len(indicator.periods) != 1 or indicator.periods[0] == "cumulative":
                self.add(
                    "grain",
                    (*path, "periods"),
                    list(indicator.periods),
                    "one of day, month, quarter, year",
                    "按日期记的表要选一种统计粒度",
                    "a table of dates is counted at one grain",
                )
            grain = indicator.periods[0] if indicator.periods else None
        fields = [f for t in numerator if (f := self._field(t)) is not None]
        is_float = any(t.rule for t in numerator) or any(
            f.type == "measure"
            for t, f in zip(numerator, map(self._field, numerator), strict=True)
            if f is not None and t.take != "distinct"
        )
        form: Form = "measure" if is_float else "fraction" if denominator or indicator.kind == "mean" else "whole"
        self._check_leaf_unit(indicator, path, [f.unit for f in fields if f.unit], is_float)
        scale = 10_000 if indicator.unit.name == "bp" and indicator.kind == "ratio" else 1
        indicator = replace(
            indicator, numerator=numerator, denominator=denominator, grain=grain, form=form, scale=scale
        )
        return self._read_gathered(indicator, table, path)

    def _field(self, term: Term) -> Any:
        contract = self.contracts.get(term.table)
        return next((f for f in contract.fields if f.name == term.field), None) if contract else None

    def _period_type(self, term: Term) -> str:
        contract = self.contracts.get(term.table)
        if contract is None or not contract.period_field:
            return ""
        return contract.get_field(contract.period_field).type

    def _read_terms(
        self, indicator: Indicator, table: Mapping[str, Any], path: tuple[str, ...], key: str
    ) -> tuple[Term, ...]:
        raw = table.get(key)
        here = (*path, key)
        rules = raw if isinstance(raw, list) else [raw] if isinstance(raw, dict) else []
        if not rules and indicator.kind != "ratio":
            self.add(
                "term",
                here,
                raw or "nothing",
                "{ table, field, where }",
                "要写明取自哪张表的哪个字段",
                "say which field of which table",
            )
        return tuple(
            t for rule in rules if isinstance(rule, dict) and (t := self._read_term(indicator, rule, here)) is not None
        )

    def _read_term(self, indicator: Indicator, rule: Mapping[str, Any], path: tuple[str, ...]) -> Term | None:
        self.declaration.refuse_unknown(rule, path, _TERM_KEYS)
        name = self.full(self.declaration.take(rule, path, "table", str))
        contract = self.contracts.get(name)
        if contract is None:
            self.add(
                "unknown_table",
                (*path, "table"),
                name,
                ", ".join(sorted(self.contracts)),
                f"没有名为「{name}」的表；先在 contracts.toml 里写明",
                f"no table is called '{name}'; declare it in contracts.toml first",
            )
            return None
        for what, field in (("region", contract.region_field), ("period", contract.period_field)):
            if not field:
                self.add(
                    "table_shape",
                    path,
                    name,
                    what,
                    f"表「{name}」没有 {what} 字段，不能计数",
                    f"the table '{name}' has no {what}",
                )
                return None
        take: Take = _TAKES.get(indicator.kind) or self.choose(
            rule, path, "take", ("one", "sum", "count", "distinct"), "one"
        )
        if indicator.kind != "ratio" and "take" in rule:
            self.add("unknown_key", path, "take", "none", "take 只用于 ratio", "'take' is for ratios only")
        rule_name = self._read_rule(rule, path, "rule", "")
        field = self._read_field(contract, rule, path, take, rule_name)
        title = self.declaration.take_text(rule, path, "title", _title_of(contract, field, rule.get("where", {})))
        at = self.choose(rule, path, "at", ("year_end",), "")
        sign = -1 if self.declaration.take(rule, path, "minus", bool, False) else 1
        return Term(name, field, take, self._read_where(contract, rule, path), sign, at == "year_end", rule_name, title)

    def _read_field(
        self, contract: Contract, rule: Mapping[str, Any], path: tuple[str, ...], take: Take, rule_name: str
    ) -> str:
        if take == "count" or rule_name:
            return self._known_field(contract, str(rule["field"]), (*path, "field")) if "field" in rule else ""
        name = self._known_field(contract, self.declaration.take(rule, path, "field", str), (*path, "field"))
        field = next((f for f in contract.fields if f.name == name), None)
        if take == "distinct":
            return name
        wanted = ("integer",) if take == "sum" else ("integer", "measure")
        if field is not None and field.type not in wanted:
            self.add(
                "field_type",
                (*path, "field"),
                f"{name} ({field.type})",
                ", ".join(wanted),
                f"「{name}」不是可计的数值字段",
                f"'{name}' cannot be taken as a number here: it is of type {field.type}",
            )
            return ""
        return name

    def _known_field(self, contract: Contract, name: str, path: tuple[str, ...]) -> str:
        names = [f.name for f in contract.fields]
        if name and name not in names:
            self.add(
                "unknown_field",
                path,
                name,
                ", ".join(names),
                f"表「{contract.name}」没有字段「{name}」；可用：{'、'.join(names)}",
                f"the table '{contract.name}' has no field '{name}'; there are: {', '.join(names)}",
            )
            return ""
        return name

    def _read_where(
        self, contract: Contract, rule: Mapping[str, Any], path: tuple[str, ...]
    ) -> dict[str, tuple[str, ...]]:
        here = (*path, "where")
        found: dict[str, tuple[str, ...]] = {}
        for name, value in self.declaration.take(rule, path, "where", dict, {}).items():
            values = tuple(str(v) for v in (value if isinstance(value, list) else [value]))
            if not self._known_field(contract, name, here):
                continue
            codes = contract.get_field(name).codes
            for word in values:
                if codes is not None and word not in codes:
                    self.add(
                        "unknown_code",
                        here,
                        word,
                        ", ".join(codes),
                        f"「{word}」不是 {name} 的代码；可用：{'、'.join(codes)}",
                        f"'{word}' is not a code of {name}; there are: {', '.join(codes)}",
                    )
            found[name] = values
        return found

    def _read_rule(self, table: Mapping[str, Any], path: tuple[str, ...], key: str, default: Any = ...) -> str:
        name: str = self.declaration.take(table, path, key, str, default)
        if name and f"{self.service}.{name}" not in self.rules:
            there = ", ".join(
                n.removeprefix(f"{self.service}.") for n in sorted(self.rules) if n.startswith(f"{self.service}.")
            )
            self.add(
                "unknown_formula",
                (*path, key),
                name,
                there or "a function of rules.py",
                f"rules.py 里没有公式「{name}」",
                f"rules.py has no formula '{name}'",
            )
            return ""
        return name

    def _check_leaf_unit(self, indicator: Indicator, path: tuple[str, ...], units: list[str], is_float: bool) -> None:
        name = indicator.unit.name
        if not name:
            return
        if is_float and indicator.unit.is_exact:
            self._wrong_unit(path, name, [u.name for u in UNITS.values() if not u.is_exact])
        elif (
            indicator.kind in ("value", "total", "mean", "percentile") and not is_float and units and name not in units
        ):
            self._wrong_unit(path, name, units)
        elif indicator.kind in ("count", "distinct") and name not in _EXACT_COUNTS:
            self._wrong_unit(path, name, _EXACT_COUNTS)

    def _wrong_unit(self, path: tuple[str, ...], name: str, expected: Sequence[str]) -> None:
        words = ", ".join(expected)
        self.add(
            "unit",
            (*path, "unit"),
            name,
            words,
            f"单位与所取的数不符，应为：{words}",
            f"this unit does not fit what is counted; it should be: {words}",
        )

    # -- derived --------------------------------------------------------------------------------------------

    def _read_derived(self, indicator: Indicator, table: Mapping[str, Any], path: tuple[str, ...]) -> Indicator:
        raw = table.get("of")
        entries = raw if isinstance(raw, list) else [raw] if raw else []
        members = tuple(
            m for i, entry in enumerate(entries) if (m := self._read_member(entry, i, (*path, "of"))) is not None
        )
        if not members:
            self.add(
                "of",
                (*path, "of"),
                raw or "nothing",
                "an indicator",
                "要写明由哪个指标算出（of）",
                "say which indicator it is worked out from",
            )
        if indicator.kind in ("change", "difference", "sum") and len(members) > 1:
            self.add(
                "of",
                (*path, "of"),
                len(members),
                "one indicator",
                "这里只能有一个指标",
                "there is only one indicator here",
            )
        indicator = replace(indicator, members=members)
        match indicator.kind:
            case "change":
                relative = self.declaration.take(table, path, "relative", bool, False)
                against = self.choose(table, path, "against", get_args(Against), "previous")
                scale = 10_000 if relative and indicator.unit.name == "bp" else 1
                return replace(indicator, against=against, is_relative=relative, scale=scale)
            case "difference":
                return replace(indicator, minus=self._read_minus(table, path))
            case "sum":
                return replace(indicator, over=self.choose(table, path, "over", LEVELS) or None)
            case "spread":
                return self._read_spread(indicator, table, path)
            case _:
                return replace(indicator, measure=self._read_rule(table, path, "rule"))

    def _read_member(self, entry: Any, number: int, path: tuple[str, ...]) -> Member | None:
        if isinstance(entry, str):
            return Member(entry.rsplit(".", 1)[-1], self.full(entry))
        if not isinstance(entry, dict):
            self.add("of", path, entry, "an indicator", "应为指标名", "an indicator's name is expected")
            return None
        self.declaration.refuse_unknown(entry, path, ("indicator", "weight", "name"))
        name = str(self.declaration.take(entry, path, "indicator", str))
        weight = str(self.declaration.take(entry, path, "weight", str, ""))
        label = str(entry.get("name", name.rsplit(".", 1)[-1] or f"member{number}"))
        return Member(label, self.full(name), self.full(weight) if weight else "")

    def _read_minus(self, table: Mapping[str, Any], path: tuple[str, ...]) -> str:
        raw = table.get("minus")
        if isinstance(raw, dict) and raw.get("level") in LEVELS and len(raw) == 1:
            return f"region:{raw['level']}"
        if isinstance(raw, str) and raw:
            return self.full(raw)
        self.add(
            "minus",
            (*path, "minus"),
            raw or "nothing",
            'an indicator, or { level = "province" }',
            "要写明减去什么：另一个指标，或 { level = 上级 }",
            "say what is taken away: another indicator, or { level = the level above }",
        )
        return "region:province"

    def _read_spread(self, indicator: Indicator, table: Mapping[str, Any], path: tuple[str, ...]) -> Indicator:
        measure = self.choose(table, path, "measure", tuple(SPREADS)) or "max_over_min"
        groups = self.choose(table, path, "groups", ("region", "member"), "")
        spread = SPREADS[measure]
        if spread.takes_groups and not groups:
            self.add(
                "groups",
                (*path, "groups"),
                "nothing",
                "region, member",
                "组间与组内要写明按什么分组（groups）",
                "a split says by what (groups)",
            )
        if any(m.weight for m in indicator.members) and not spread.takes_weights:
            self.add("weight", (*path, "of"), measure, "no weight", "这个公式不用权重", "this formula takes no weights")
        over = self.choose(table, path, "over", LEVELS) or None
        if measure != "max_less_min" and indicator.unit.is_exact and indicator.unit.name:
            self._wrong_unit(path, indicator.unit.name, [u.name for u in UNITS.values() if not u.is_exact])
        return replace(indicator, measure=measure, groups=groups, over=over, form="measure")


def _title_of(contract: Contract, field: str, where: Any) -> Text:
    """A term's own title: the field, and the codes chosen."""
    words = [f.title for f in contract.fields if f.name == field] or [contract.title]
    for name, value in where.items() if isinstance(where, dict) else ():
        codes = next((f.codes for f in contract.fields if f.name == name), None) or {}
        words += [codes[v] for v in (value if isinstance(value, list) else [value]) if v in codes]
    return Text("，".join(w.zh for w in words), ", ".join(w.en for w in words))
