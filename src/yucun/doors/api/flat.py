"""Answers as flat tables, so that each of them can be taken away as CSV, Excel or Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from yucun.base.text import Text

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.indicators.model import Value

VALUE_COLUMNS: dict[str, Text] = {
    "indicator": Text("指标", "indicator"),
    "region": Text("统计区划代码", "statistical division code"),
    "region_name_zh": Text("地区", "region, in Chinese"),
    "region_name_en": Text("地区（英文）", "region"),
    "period": Text("时期", "period"),
    "period_kind": Text("时期类型；不同类型不可连成趋势", "kind of period; two kinds never form one trend"),
    "number": Text("数值，未取整", "the number, not rounded"),
    "shown": Text("显示的数", "as printed"),
    "unit_zh": Text("数值的单位", "unit of the number, in Chinese"),
    "unit_en": Text("数值的单位（英文）", "unit of the number"),
    "kept_unit": Text("分子与分母的单位（保存单位）", "unit of numerator and denominator, as kept"),
    "numerator": Text("分子，保存单位", "numerator, in kept units"),
    "denominator": Text("分母，保存单位", "denominator, in kept units"),
    "evidence": Text("依据", "evidence"),
    "mark": Text("没有数时的标记", "the mark where there is no number"),
    "reason": Text("原因", "why"),
    "records": Text("记录数", "records behind it"),
    "as_of": Text("日志序号", "journal seq"),
    "known_at": Text("得知时刻", "known at"),
}
_VALUE_TYPES = {
    "number": pa.float64(),
    "numerator": pa.int64(),
    "denominator": pa.int64(),
    "records": pa.int64(),
    "as_of": pa.int64(),
}


def flatten_values(city: City, values: Iterable[Value]) -> pa.Table:
    """One row for each value, its mark beside it."""
    rows = [_value(city, value) for value in values]
    columns = [pa.array([row[name] for row in rows], _VALUE_TYPES.get(name, pa.string())) for name in VALUE_COLUMNS]
    return pa.table(columns, names=list(VALUE_COLUMNS))


def _value(city: City, value: Value) -> dict[str, Any]:
    region = city.regions.find(value.region)
    parts = value.parts
    return {
        "indicator": value.indicator,
        "region": str(value.region),
        "region_name_zh": region.name.zh if region else "",
        "region_name_en": region.name.en if region else "",
        "period": value.period.text if value.period else None,
        "period_kind": value.period.kind if value.period else None,
        "number": value.number,
        "shown": value.shown,
        "unit_zh": value.unit.title.zh,
        "unit_en": value.unit.title.en,
        "kept_unit": value.unit.name,
        "numerator": _whole(parts.get("numerator")),
        "denominator": _whole(parts.get("denominator")),
        "evidence": value.evidence,
        "mark": value.mark.kind if value.mark else None,
        "reason": value.mark.reason.zh if value.mark else None,
        "records": value.records,
        "as_of": value.as_of,
        "known_at": value.known_at.isoformat() if value.known_at else None,
    }


def _whole(part: float | None) -> int | None:
    return int(part) if isinstance(part, int) else None


def flatten_shapes(shapes: Sequence[msgspec.Struct], shape: type[msgspec.Struct]) -> pa.Table:
    """One row for each struct: texts and units become two columns, lists words with a space between.

    Structs within structs beyond that are left to JSON.
    """
    rows = [_flat(msgspec.to_builtins(s)) for s in shapes]
    names = list(dict.fromkeys(n for row in rows for n in row)) or [f.name for f in msgspec.structs.fields(shape)]
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names}) if rows else _empty(names)


def _empty(names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in names})


def _flat(said: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in said.items():
        if isinstance(value, Mapping):
            if set(value) == {"zh", "en"}:
                flat[f"{name}_zh"], flat[f"{name}_en"] = value["zh"], value["en"]
            elif "per_shown" in value:
                flat[f"{name}_zh"], flat[f"{name}_en"] = value["title"]["zh"], value["title"]["en"]
        elif isinstance(value, list):
            if all(isinstance(item, str) for item in value):
                flat[name] = " ".join(value)
        else:
            flat[name] = value
    return flat
