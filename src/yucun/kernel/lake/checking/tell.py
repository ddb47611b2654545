"""The sentences of refused records, built set-wise: a finding as a JSON text expression."""

from __future__ import annotations

import json
from datetime import date
from string import Formatter

import ibis
import ibis.expr.types as ir

from yucun.base.identity import LEVEL_TITLES
from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.kernel.lake.checking.words import DAY_FORMS, PERIOD_FORMS, YES_NO_FORMS
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.findings import KINDS, LONGEST_PART, SHOWN_LENGTH, shorten
from yucun.kernel.lake.written_units import list_written

_INSTANT_FORMS = "2021-03-31 08:05:00, 2021-03-31T08:05:00+08:00"


def expect(field: Field, kind: str, today: date) -> Text:
    """Say what a field should hold, for one kind of finding."""
    fixed = {
        "lake.unknown_region": "330502, 330502001, 330502001001",
        "lake.not_a_period": PERIOD_FORMS,
        "lake.not_a_date": DAY_FORMS,
        "lake.not_an_instant": _INSTANT_FORMS,
        "lake.not_yes_or_no": YES_NO_FORMS,
        "lake.future": today.isoformat(),
        "lake.too_long": str(field.max_length),
        "lake.pattern": field.pattern,
    }
    if kind in fixed:
        return Text.same(fixed[kind])
    if kind == "lake.required":
        return field.title
    if kind == "lake.region_level":
        titles = [LEVEL_TITLES[level] for level in field.levels]
        return Text("或".join(t.zh for t in titles), " or ".join(t.en for t in titles))
    if kind == "lake.unknown_code":
        codes = (field.codes or {}).values()
        return Text("、".join(t.zh for t in codes), ", ".join(t.en for t in codes))
    return _expect_number(field, kind)


def _expect_number(field: Field, kind: str) -> Text:
    match kind:
        case "lake.not_a_number":
            is_whole = field.unit and UNITS[field.unit].is_exact and UNITS[field.unit].per_shown == 1
            return Text.same("1234" if is_whole else "1234.5")
        case "lake.too_fine":
            return _kept_unit(field)
        case "lake.overflow":
            return Text(f"{2**63 - 1:,} 个{_kept_unit(field).zh}", f"{2**63 - 1:,} of {_kept_unit(field).en}")
        case "lake.unit_unsaid" | "lake.unit_unknown":
            return Text.same(" / ".join(list_written(field.unit)))
        case "lake.out_of_range":
            return _range(field)
        case _:
            return Text("", "")


def _kept_unit(field: Field) -> Text:
    unit = UNITS[field.unit] if field.unit else None
    if unit is None:
        return Text("个", "one")
    if unit.per_shown == 1:
        return unit.title if unit.title.zh else Text("1", "1")
    return Text(f"1/{unit.per_shown} {unit.title.zh}", f"1/{unit.per_shown} {unit.title.en}")


def _range(field: Field) -> Text:
    unit = UNITS[field.unit] if field.unit else None
    shown = [_shown(bound, unit.per_shown if unit and unit.is_exact else 1) for bound in (field.low, field.high)]
    title = unit.title if unit else Text("", "")
    match shown:
        case [None, high]:
            return Text(f"至多 {high} {title.zh}".strip(), f"at most {high} {title.en}".strip())
        case [low, None]:
            return Text(f"至少 {low} {title.zh}".strip(), f"at least {low} {title.en}".strip())
        case _:
            low, high = shown
            return Text(f"{low} 至 {high} {title.zh}".strip(), f"{low} to {high} {title.en}".strip())


def _shown(bound: float | None, per_shown: int) -> str | None:
    return None if bound is None else f"{bound / per_shown:,.10g}"


def escape(text: ir.StringValue) -> ir.StringValue:
    """Make a text safe inside JSON quotes."""
    clean = text.re_replace(r"[\x00-\x1f]", " ")
    return clean.replace("\\", "\\\\").replace('"', '\\"')


def cell_of(where: ir.StringValue, column: ir.StringValue) -> ir.StringValue:
    """Name a cell: ``Sheet1!7`` and ``B`` are ``Sheet1!B7``; ``line 7`` and ``column 2`` are joined."""
    row = where.re_extract(r"([0-9]+)$", 1)
    sheet = where.substr(0, where.length() - row.length()) + column + row
    return ibis.cases((column.isnull(), where), (column.startswith("column "), where + ", " + column), else_=sheet)


def finding_json(
    kind: str,
    where: ir.StringValue,
    found: ir.StringValue,
    record: ir.IntegerValue,
    *,
    key: str,
    field: Text,
    expected: Text,
    more: ir.StringValue | None = None,
) -> ir.StringValue:
    """Return a finding as the JSON that `Finding.to_json` would give, one for each row."""
    word = found.fill_null("")
    word = (word.length() > SHOWN_LENGTH).ifelse(word.substr(0, SHOWN_LENGTH - 1) + "…", word)
    shown = {"found": escape(word), "more": escape(more.fill_null("")) if more is not None else ibis.literal("")}
    message = KINDS[kind].message
    expected = Text(shorten(expected.zh, LONGEST_PART), shorten(expected.en, LONGEST_PART))
    parts: list[str | ir.StringValue] = [
        f'{{"kind": "{kind}", "where": "',
        escape(where),
        '", "found": "',
        shown["found"],
    ]
    parts += [f'", "expected": "{_quote(shorten(expected.en))}", "message": {{"zh": "']
    parts += _fill(message.zh, shown, {"field": field.zh, "expected": expected.zh})
    parts += ['", "en": "', *_fill(message.en, shown, {"field": field.en, "expected": expected.en})]
    parts += [f'"}}, "key": "{_quote(key)}", "record": ', record.cast("string"), "}"]
    return join(parts)


def contract_title(contract: Contract, names: tuple[str, ...]) -> Text:
    """The titles of several fields, joined."""
    titles = [contract.get_field(name).title for name in names]
    return Text("、".join(t.zh for t in titles), ", ".join(t.en for t in titles))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _fill(template: str, shown: dict[str, ir.StringValue], fixed: dict[str, str]) -> list[str | ir.StringValue]:
    parts: list[str | ir.StringValue] = []
    for text, name, _, _ in Formatter().parse(template):
        parts.append(_quote(text))
        if name:
            parts.append(shown[name] if name in shown else _quote(fixed[name]))
    return parts


def join(parts: list[str | ir.StringValue]) -> ir.StringValue:
    """Join texts and expressions; neighbouring texts become one literal."""
    merged: list[str | ir.StringValue] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    whole = ibis.literal("")
    for part in merged:
        whole = whole + (ibis.literal(part) if isinstance(part, str) else part)
    return whole
