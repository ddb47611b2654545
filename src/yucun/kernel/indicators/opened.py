"""A number as something that may be opened: its value in every region and period, as the public may see it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pyarrow as pa

from yucun.base.identity import RegionCode
from yucun.base.period import KIND_TITLES
from yucun.base.text import Text
from yucun.kernel.access.model import OPEN_READER
from yucun.kernel.indicators.model import EVIDENCE_TITLES, MARK_TITLES, Indicator, Value
from yucun.kernel.indicators.read import NumberReader
from yucun.kernel.lake.catalogue import Coverage, Subject, TableSubject, count_landings, cover
from yucun.kernel.lake.contract import Contract, Field, Freshness

NUMBER = "number."
_TEXT: tuple[tuple[str, str, Text, bool], ...] = (
    ("region", "region", Text("统计区划代码", "statistical division code"), True),
    ("region_name_zh", "text", Text("地区", "region, in Chinese"), False),
    ("region_name_en", "text", Text("地区（英文）", "region"), False),
    ("period", "period", Text("时期", "period"), True),
    ("period_kind", "code", Text("时期类型", "kind of period"), True),
    ("number", "measure", Text("数值（未取整）", "number, not rounded"), False),
    ("shown", "text", Text("显示的数", "as printed"), False),
    ("unit_zh", "text", Text("数值的单位", "unit of the number, in Chinese"), False),
    ("unit_en", "text", Text("数值的单位（英文）", "unit of the number"), False),
    ("evidence", "code", Text("依据", "what it rests on"), True),
    ("mark", "code", Text("无数标记", "mark"), False),
    ("reason_zh", "text", Text("原因", "reason, in Chinese"), False),
    ("reason_en", "text", Text("原因（英文）", "reason"), False),
)
_CODES: Mapping[str, Mapping[str, Text]] = {
    "period_kind": {str(kind): title for kind, title in KIND_TITLES.items()},
    "evidence": {str(kind): title for kind, title in EVIDENCE_TITLES.items()},
    "mark": {str(kind): title for kind, title in MARK_TITLES.items()},
}


@dataclass(frozen=True, slots=True)
class NumberSubject:
    """The values of one number; what its smallest cell or its level hides from the public stays hidden here."""

    reader: NumberReader
    indicator: Indicator
    kind: Literal["number"] = "number"

    @property
    def contract(self) -> Contract:
        """The shape of its values, with owner, rhythm and licence of the first table that it rests on."""
        below = self.reader.links.tables_of(self.indicator.id)
        tables = [self.reader.lake.contracts[name] for name in below if name in self.reader.lake.contracts]
        first = tables[0] if tables else None
        unit = self.indicator.unit.title
        meaning = Text(
            f"{self.indicator.meaning.zh}（单位：{unit.zh}）" if unit.zh else self.indicator.meaning.zh,
            f"{self.indicator.meaning.en} (in {unit.en})" if unit.en else self.indicator.meaning.en,
        )
        return Contract(
            name=NUMBER + self.indicator.id,
            title=self.indicator.title,
            meaning=meaning,
            owner=first.owner if first else Text("", ""),
            fields=tuple(_field(*one) for one in _TEXT),
            key=("region", "period"),
            partition="period",
            freshness=first.freshness if first else Freshness("once"),
            licence=first.licence if first else Text("", ""),
            example={},
            declared_at=self.indicator.declared_at,
        )

    def rule(self, fields: Sequence[str]) -> str:
        """Hash of level and smallest cell, of the number and of all that it is worked out from."""
        del fields
        names, found = [self.indicator.id], []
        while names:
            one = self.reader.indicators[names.pop()]
            found.append((one.id, one.level, repr(one.smallest)))
            names += [name for name in one.uses if name in self.reader.indicators]
        return hashlib.sha256(json.dumps(sorted(set(found))).encode()).hexdigest()[:32]

    def last_change(self) -> int:
        """The seq at which its kept cells came into force."""
        file = self.reader.book.versions().get(self.indicator.id)
        return file.added_seq if file else 0

    def count(self, as_of: int) -> int:
        """How many cells are kept."""
        return len(self.reader.sheet(self.indicator.id, self.reader.ask(as_of)).cells)

    def batches(self, fields: Sequence[str], as_of: int) -> Iterator[pa.RecordBatch]:
        """Every value or mark as the public sees it, by region and period."""
        rows = [self._row(value) for value in self._values(as_of)]
        schema = pa.schema([self.contract.schema.field(name) for name in fields])
        if rows:
            yield pa.RecordBatch.from_pylist([{n: row[n] for n in fields} for row in rows], schema)

    def cover(self, fields: Sequence[str], as_of: int) -> Coverage:
        """Times, regions, and how many values stand under which mark."""
        del fields
        values = self._values(as_of)
        marks = Counter("shown" if v.mark is None else v.mark.kind for v in values)
        found = cover({v.period.text for v in values if v.period}, {str(v.region) for v in values})
        return replace(found, marks=dict(sorted(marks.items())))

    def _values(self, as_of: int) -> list[Value]:
        question = self.reader.ask(as_of, OPEN_READER)
        periods = self.reader.sheet(self.indicator.id, question).periods
        return [
            self.reader.value(self.indicator.id, RegionCode(region), period, question=question)
            for region in sorted(periods)
            for period in sorted(periods[region], key=lambda p: p.text)
        ]

    def _row(self, value: Value) -> dict[str, Any]:
        region = self.reader.regions.find(value.region)
        return {
            "region": str(value.region),
            "region_name_zh": region.name.zh if region else None,
            "region_name_en": region.name.en if region else None,
            "period": value.period.text if value.period else None,
            "period_kind": value.period.kind if value.period else None,
            "number": value.number,
            "shown": value.shown or None,
            "unit_zh": value.unit.title.zh or None,
            "unit_en": value.unit.title.en or None,
            "evidence": value.evidence,
            "mark": value.mark.kind if value.mark else None,
            "reason_zh": value.mark.reason.zh if value.mark else None,
            "reason_en": value.mark.reason.en if value.mark else None,
        }


def find_subject(reader: NumberReader, contracts: Mapping[str, Contract], name: str) -> Subject | None:
    """What an item of the catalogue opens: a table, or after ``number.`` the values of a number; None for neither."""
    if name.startswith(NUMBER):
        indicator = reader.indicators.get(name.removeprefix(NUMBER))
        return NumberSubject(reader, indicator) if indicator else None
    return TableSubject(reader.lake, contracts[name]) if name in contracts else None


def count_behind(reader: NumberReader, name: str) -> dict[str, int]:
    """What became of the files behind an item of the catalogue: files, rows landed and corrected, records refused."""
    is_number = name.startswith(NUMBER)
    return count_landings(reader.lake, reader.links.tables_of(name.removeprefix(NUMBER)) if is_number else [name])


def _field(name: str, kind: str, title: Text, required: bool) -> Field:
    return Field(name, kind, title, "L1", required=required, codes=_CODES.get(name))  # type: ignore[arg-type]
