"""Contracts: what a table promises, read from a service's ``contracts.toml``.

A contract names each field with its type, unit, range, heads under which offices write it, and its level
of sensitivity (L1 open … L4 never opened, DB33/T 2351-2021); the key and the partition within which it is
unique; how fresh the feed must be; and one example row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding
from yucun.base.identity import LEVELS, Level
from yucun.base.period import Period, WorkingCalendar
from yucun.base.quantity import UNITS, WRITTEN_UNITS
from yucun.base.text import Text
from yucun.kernel.access.levels import ABOUTS, About, join_levels

FieldType = Literal["text", "integer", "measure", "boolean", "date", "instant", "period", "region", "code"]
Sensitivity = Literal["L1", "L2", "L3", "L4"]
Grain = Literal["year", "month", "day"]
_ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "measure": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", "UTC"),
    "period": pa.string(),
    "region": pa.string(),
    "code": pa.string(),
}
_WHOLE_SUFFIXES = ("_fen", "_g", "_m2", "_s", "_bp")
# Every lake row says where it came from: the hash of the file that was sent, and its record there.
FILE_COLUMN, RECORD_COLUMN = "_file", "_record"
# Where rows come from that were cut from the journal: this, and the number of the commit.
JOURNAL = "journal:"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table.

    Parameters
    ----------
    name : str
        Column name, units last (``income_fen``).
    type : str
        One of text, integer, measure, boolean, date, instant, period, region, code.
    heads : tuple of str
        Words that offices write above this column; the name itself and the titles count too.
    unit : str
        Name of a unit of `yucun.base.quantity.UNITS`; empty for what has none.
    written_in : str
        The unit a file is written in when neither its head nor its notes say.
    low, high : int, float or None
        Inclusive range.
    codes : mapping of str to Text
        For type code: the closed list.
    code_words : mapping of str to str
        Every wording of a code that files may use, to the code.
    levels : tuple of str
        For type region: the levels allowed.
    about : str
        What it tells about a natural person: person (their number), identity, place, health, money; empty for nothing.
    mask : str
        How it is shown to who may not see it whole: name, phone, identity_card, bank_card, address; empty for not at all.
    was : str
        The name it had before; files that were written then are read under the new one.
    """

    name: str
    type: FieldType
    title: Text
    level: Sensitivity
    heads: tuple[str, ...] = ()
    unit: str = ""
    written_in: str = ""
    low: float | None = None
    high: float | None = None
    codes: Mapping[str, Text] | None = None
    code_words: Mapping[str, str] | None = None
    levels: tuple[Level, ...] = ()
    required: bool = True
    may_be_future: bool = False
    max_length: int = 2000
    pattern: str = ""
    mask: str = ""
    was: str = ""
    about: About = ""

    @property
    def arrow_type(self) -> pa.DataType:
        """The column type in the lake."""
        return _ARROW[self.type]


@dataclass(frozen=True, slots=True)
class Spread:
    """A wide sheet: several heads hold the values of one field, e.g. 全体 | 城镇 | 农村.

    ``heads`` maps each head to the code that goes into ``field``; the cell goes into ``value``.
    """

    field: str
    value: str
    heads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How often a feed arrives and how many days after the period's end it is due; or once, with a reason.

    With a calendar the days are working days; ``first`` is the first period owed, so that a feed that never came can be
    late; ``groups`` are the beginnings of region codes for which each of several senders sends, and each is late by
    itself. A place sets these where it says who sends the feed.
    """

    every: Literal["day", "month", "quarter", "year", "once"]
    due_days: int = 0
    reason: Text = Text("", "")
    calendar: WorkingCalendar | None = None
    first: Period | None = None
    groups: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """What one table promises; `name` is ``service.table``.

    `partition` is the field whose value parts the table; days and instants are parted by the year, month or day that
    `partition_by` says.
    """

    name: str
    title: Text
    meaning: Text
    owner: Text
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    partition: str
    freshness: Freshness
    licence: Text
    example: Mapping[str, Any]
    spread: Spread | None = None
    existing: Literal["refuse", "correct"] = "refuse"
    declared_at: str = ""
    partition_by: Grain = "year"

    def get_field(self, name: str) -> Field:
        """Return the field of that name; a missing one is a programmer's error."""
        return next(f for f in self.fields if f.name == name)

    @property
    def level(self) -> Sensitivity:
        """The level of all its fields together."""
        return join_levels(self.fields)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its lake files, lineage columns last."""
        columns = [pa.field(f.name, f.arrow_type, nullable=not f.required) for f in self.fields]
        lineage = [pa.field(FILE_COLUMN, pa.string(), False), pa.field(RECORD_COLUMN, pa.int64(), False)]
        return pa.schema([*columns, *lineage])

    @property
    def period_field(self) -> str:
        """The first field of type period, date or instant; empty when the table is timeless."""
        return next((f.name for f in self.fields if f.type in ("period", "date", "instant")), "")

    @property
    def region_field(self) -> str:
        """The first field of type region; empty when the table has no place."""
        return next((f.name for f in self.fields if f.type == "region"), "")

    @property
    def hash(self) -> str:
        """SHA-256 of what the contract says, independent of comments and order of keys."""
        said: dict[str, Any] = {
            "name": self.name,
            "key": self.key,
            "partition": self.partition,
            "fields": [
                [f.name, f.type, f.unit, f.low, f.high, sorted(f.codes or ()), f.levels, f.required, f.level]
                for f in self.fields
            ],
        }
        if self.partition_by != "year":
            said["partition_by"] = self.partition_by
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_contracts(path: Path, service: str) -> tuple[list[Contract], list[Finding]]:
    """Read a ``contracts.toml``; contracts that can be read, and all findings of the file."""
    declaration = Declaration.read(path, f"{service}/{path.name}")
    contracts = [_read_one(declaration, service, name, table) for name, table in declaration.values.items()]
    return contracts, declaration.findings


_KEYS = ("title meaning owner key partition partition_by freshness licence example fields spread existing").split()
_FIELD_KEYS = "type title level heads unit written_in range codes levels required may_be_future max_length pattern mask was about".split()
MASKS = ("name", "phone", "identity_card", "bank_card", "address")


def _read_one(declaration: Declaration, service: str, name: str, table: Any) -> Contract:
    path = (name,)
    if not isinstance(table, dict):
        declaration.add("contract.table", path, table, "a table", Text("此处应为一张表", "a table is expected here"))
        table = {}
    declaration.refuse_unknown(table, path, _KEYS)
    raw_fields = declaration.take(table, path, "fields", dict)
    fields = tuple(_read_field(declaration, (*path, "fields", key), key, value) for key, value in raw_fields.items())
    names = {f.name for f in fields}
    keys = tuple(str(k) for k in declaration.take(table, path, "key", list))
    partition = declaration.take(table, path, "partition", str, "")
    for word in (*keys, *([partition] if partition else [])):
        if word not in names:
            declaration.add(
                "contract.key",
                (*path, "key"),
                word,
                ", ".join(sorted(names)),
                Text(f"「{word}」不是此表的字段", f"'{word}' is not a field of this table"),
            )
    example = declaration.take(table, path, "example", dict)
    for word in example:
        if word not in names:
            declaration.add(
                "contract.example",
                (*path, "example"),
                word,
                ", ".join(sorted(names)),
                Text(f"示例行中的「{word}」不是此表的字段", f"'{word}' in the example row is not a field"),
            )
    return Contract(
        name=f"{service}.{name}",
        title=declaration.take_text(table, path, "title"),
        meaning=declaration.take_text(table, path, "meaning", Text("", "")),
        owner=declaration.take_text(table, path, "owner"),
        fields=fields,
        key=keys,
        partition=partition,
        freshness=_read_freshness(declaration, path, table),
        licence=declaration.take_text(table, path, "licence", Text("内部使用", "internal use")),
        example=example,
        spread=_read_spread(declaration, path, table, fields),
        existing=declaration.take(table, path, "existing", str, "refuse"),
        declared_at=f"{declaration.name}:{declaration.line_of(*path)}",
        partition_by=_read_grain(declaration, path, table, next((f for f in fields if f.name == partition), None)),
    )


def _read_grain(
    declaration: Declaration, path: tuple[str, ...], table: Mapping[str, Any], field: Field | None
) -> Grain:
    grain: Grain = declaration.take(table, path, "partition_by", str, "year")
    if grain not in get_args(Grain) or (grain != "year" and (field is None or field.type not in ("date", "instant"))):
        declaration.add(
            "contract.partition_by",
            (*path, "partition_by"),
            grain,
            "year, month, day",
            Text(
                "partition_by 应为 year、month 或 day；月与日只用于按日期或时刻分区的表",
                "partition_by is year, month or day; month and day are for tables parted by a date or an instant",
            ),
        )
        return "year"
    return grain


def _read_freshness(declaration: Declaration, path: tuple[str, ...], table: Mapping[str, Any]) -> Freshness:
    value = declaration.take(table, path, "freshness", dict)
    every = value.get("every", "once")
    if every not in ("day", "month", "quarter", "year", "once"):
        declaration.add(
            "contract.freshness",
            (*path, "freshness"),
            every,
            "day, month, quarter, year, once",
            Text("every 应为 day、month、quarter、year 或 once", "'every' is day, month, quarter, year or once"),
        )
        every = "once"
    reason = declaration.take_text(value, (*path, "freshness"), "reason", Text("", ""))
    if every == "once" and not reason.zh:
        declaration.add(
            "contract.freshness",
            (*path, "freshness"),
            value,
            "reason",
            Text("只来一次的表要写明原因（reason）", "a table that arrives once says why (reason)"),
        )
    return Freshness(every, int(value.get("due_days", 0)), reason)


def _read_spread(
    declaration: Declaration, path: tuple[str, ...], table: Mapping[str, Any], fields: tuple[Field, ...]
) -> Spread | None:
    value = declaration.take(table, path, "spread", dict, None)
    if not value:
        return None
    here = (*path, "spread")
    names = {f.name: f for f in fields}
    target, cell = declaration.take(value, here, "field", str), declaration.take(value, here, "value", str)
    heads: dict[str, str] = {}
    for code, words in declaration.take(value, here, "heads", dict).items():
        heads.update(dict.fromkeys(words if isinstance(words, list) else [words], code))
        known = names[target].codes if target in names else None
        if known is not None and code not in known:
            declaration.add(
                "contract.spread",
                (*here, "heads"),
                code,
                ", ".join(known),
                Text(f"「{code}」不是 {target} 的代码", f"'{code}' is not a code of {target}"),
            )
    for word in (target, cell):
        if word not in names:
            declaration.add(
                "contract.spread",
                here,
                word,
                ", ".join(names),
                Text(f"「{word}」不是此表的字段", f"'{word}' is not a field of this table"),
            )
    return Spread(target, cell, heads)


def _read_field(declaration: Declaration, path: tuple[str, ...], name: str, table: Any) -> Field:
    table = table if isinstance(table, dict) else {}
    declaration.refuse_unknown(table, path, _FIELD_KEYS)
    kind = declaration.take(table, path, "type", str)
    if kind not in get_args(FieldType):
        declaration.add(
            "contract.type",
            (*path, "type"),
            kind,
            ", ".join(get_args(FieldType)),
            Text(f"没有「{kind}」这种类型", f"there is no type '{kind}'"),
        )
        kind = "text"
    level = declaration.take(table, path, "level", str)
    if level not in get_args(Sensitivity):
        declaration.add(
            "contract.level",
            (*path, "level"),
            level,
            "L1, L2, L3, L4",
            Text("分级应为 L1 至 L4", "the level is one of L1 to L4"),
        )
        level = "L4"
    _check_unit(declaration, path, name, kind, table)
    low, high = (declaration.take(table, path, "range", list, [None, None]) + [None, None])[:2]
    codes, words = _read_codes(declaration, path, kind, table)
    title = declaration.take_text(table, path, "title")
    levels = tuple(declaration.take(table, path, "levels", list, []))
    for word in levels:
        if word not in LEVELS:
            declaration.add(
                "contract.levels",
                (*path, "levels"),
                word,
                ", ".join(LEVELS),
                Text(f"没有「{word}」这一级", f"there is no level '{word}'"),
            )
    return Field(
        name=name,
        type=kind,
        title=title,
        level=level,
        heads=tuple(declaration.take(table, path, "heads", list, [])),
        unit=declaration.take(table, path, "unit", str, ""),
        written_in=declaration.take(table, path, "written_in", str, ""),
        low=low,
        high=high,
        codes=codes,
        code_words=words,
        levels=levels,
        required=declaration.take(table, path, "required", bool, True),
        may_be_future=declaration.take(table, path, "may_be_future", bool, False),
        max_length=declaration.take(table, path, "max_length", int, 2000),
        pattern=declaration.take(table, path, "pattern", str, ""),
        mask=_read_mask(declaration, path, table),
        was=_read_was(declaration, path, name, table),
        about=_read_about(declaration, path, table),
    )


def _read_about(declaration: Declaration, path: tuple[str, ...], table: Mapping[str, Any]) -> About:
    about: str = declaration.take(table, path, "about", str, "")
    found = next((one for one in ABOUTS if one == about), None)
    if found is None:
        names = ", ".join(a for a in ABOUTS if a)
        declaration.add(
            "contract.about",
            (*path, "about"),
            about,
            names,
            Text(f"没有「{about}」这一种；可写：{names}", f"a field is not about '{about}'; there are {names}"),
        )
    return found or ""


def _read_was(declaration: Declaration, path: tuple[str, ...], name: str, table: Mapping[str, Any]) -> str:
    was: str = declaration.take(table, path, "was", str, "")
    if was == name:
        declaration.add(
            "contract.was",
            (*path, "was"),
            was,
            "another name",
            Text("旧名与现名相同；请写改名之前的字段名", "the old name is the new one; write the name it had before"),
        )
    return was


def _read_mask(declaration: Declaration, path: tuple[str, ...], table: Mapping[str, Any]) -> str:
    mask: str = declaration.take(table, path, "mask", str, "")
    if mask and mask not in MASKS:
        declaration.add(
            "contract.mask",
            (*path, "mask"),
            mask,
            ", ".join(MASKS),
            Text(f"没有「{mask}」这种遮盖方式", f"there is no mask '{mask}'"),
        )
    return mask


def _check_unit(
    declaration: Declaration, path: tuple[str, ...], name: str, kind: str, table: Mapping[str, Any]
) -> None:
    unit, written = table.get("unit", ""), table.get("written_in", "")
    if kind in ("integer", "measure") and unit not in UNITS:
        declaration.add(
            "contract.unit",
            (*path, "unit"),
            unit or "nothing",
            ", ".join(UNITS),
            Text("数值字段必须写明单位（unit）", "a number needs a unit"),
        )
    if written and (written not in WRITTEN_UNITS or WRITTEN_UNITS[written][0] != unit):
        declaration.add(
            "contract.unit",
            (*path, "written_in"),
            written,
            ", ".join(w for w, u in WRITTEN_UNITS.items() if u[0] == unit),
            Text(f"「{written}」不能换算成 {unit}", f"'{written}' does not convert to {unit}"),
        )
    if kind == "measure" and name.endswith(_WHOLE_SUFFIXES):
        declaration.add(
            "contract.float",
            (*path, "type"),
            kind,
            "integer",
            Text("金额、面积、质量、时长不得用浮点数", "money, area, mass and time are never floating point"),
        )


def _read_codes(
    declaration: Declaration, path: tuple[str, ...], kind: str, table: Mapping[str, Any]
) -> tuple[dict[str, Text] | None, dict[str, str] | None]:
    if kind != "code":
        return None, None
    codes: dict[str, Text] = {}
    words: dict[str, str] = {}
    for code, value in declaration.take(table, path, "codes", dict).items():
        here = (*path, "codes")
        entry = value if isinstance(value, dict) else {}
        codes[code] = declaration.take_text({code: entry}, here, code)
        for word in (code, codes[code].zh, codes[code].en, *entry.get("words", [])):
            words[word] = code
    if not codes:
        declaration.add(
            "contract.codes",
            (*path, "codes"),
            "nothing",
            "codes",
            Text("代码字段要列出全部取值", "a code field lists all its values"),
        )
    return codes, words
