"""Editions: how a table's contract looked when its files were written, and whether today's can still read them.

A contract may grow: an optional field more, a wider range, more codes, a field renamed with ``was = "old name"``. All
else (another type or unit, a field gone, another key or partition, a narrower range) is refused with what to declare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract, Field


@dataclass(frozen=True, slots=True)
class OldField:
    """One field as it was; only the Arrow type is known of files from before editions were kept."""

    name: str
    arrow: str
    type: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    codes: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edition:
    """A contract as it was from a journal seq on, as far as reading its files goes; an unknown key is None."""

    seq: int
    contract: str
    fields: tuple[OldField, ...]
    key: tuple[str, ...] | None = None
    partition: tuple[str, str] | None = None


def say_edition(contract: Contract) -> dict[str, Any]:
    """What a journal line keeps of a contract."""
    fields = [
        [f.name, str(f.arrow_type), f.type, f.unit, f.low, f.high, sorted(f.codes or ()), list(f.levels)]
        for f in contract.fields
    ]
    return {"fields": fields, "key": list(contract.key), "partition": [contract.partition, contract.partition_by]}


def read_edition(seq: int, contract: str, said: Mapping[str, Any]) -> Edition:
    """Read what `say_edition` said."""
    fields = tuple(
        OldField(name, arrow, kind, unit, low, high, tuple(codes), tuple(levels))
        for name, arrow, kind, unit, low, high, codes, levels in said["fields"]
    )
    partition, grain = said["partition"]
    return Edition(seq, contract, fields, tuple(said["key"]), (partition, grain))


def edition_of_file(schema: pa.Schema) -> Edition:
    """What a file's own schema tells."""
    named = [f for f in schema if f.name not in (FILE_COLUMN, RECORD_COLUMN)]
    return Edition(0, "", tuple(OldField(f.name, str(f.type)) for f in named))


def origins(edition: Edition, contract: Contract) -> dict[str, str | None]:
    """For each field of today the column that held it then; None when there was none."""
    had = {f.name for f in edition.fields}
    return {f.name: f.name if f.name in had else f.was if f.was in had else None for f in contract.fields}


def is_same(edition: Edition, contract: Contract) -> bool:
    """True when the columns of then are those of today, in name, type and order."""
    return [(f.name, f.arrow) for f in edition.fields] == [(f.name, str(f.arrow_type)) for f in contract.fields]


def old_schema(edition: Edition, contract: Contract) -> pa.Schema:
    """The Arrow schema of the files of then."""
    kinds = {str(f.arrow_type): f.arrow_type for f in contract.fields}
    columns = [pa.field(f.name, kinds[f.arrow]) for f in edition.fields if f.arrow in kinds]
    return pa.schema([*columns, (FILE_COLUMN, pa.string()), (RECORD_COLUMN, pa.int64())])


def compare_edition(edition: Edition, contract: Contract) -> list[Finding]:
    """Say why files of that edition cannot be read under a contract; nothing when they can."""
    from_then = origins(edition, contract)
    had = {f.name: f for f in edition.fields}
    findings = [
        _find(
            contract, "removed", f"fields.{name}", "nothing", name,
            Text(f"字段「{name}」不见了，已有文件里仍有它；改名请在新字段写 was = \"{name}\"，否则请保留（可改为 required = false）",
                 f"field '{name}' is gone and files still hold it; if it was renamed write was = \"{name}\" in the new one, "
                 "else keep it (it may become required = false)"),
        )
        for name in had
        if name not in from_then.values()
    ]  # fmt: skip
    for field in contract.fields:
        origin = from_then[field.name]
        if origin is None:
            findings += _check_added(contract, field)
        else:
            findings += _check_kept(contract, field, had[origin])
    if edition.key is not None:
        renamed = {origin: name for name, origin in from_then.items() if origin}
        findings += _check_whole(contract, edition, renamed)
    return findings


def _check_added(contract: Contract, field: Field) -> list[Finding]:
    if not field.required:
        return []
    return [
        _find(
            contract, "added", f"fields.{field.name}.required", "true", "required = false",
            Text(f"新字段「{field.name}」在已有文件里没有值；请写 required = false，或以 was 写明旧名",
                 f"files held have no value for the new field '{field.name}'; write required = false, or its old name as was"),
        )
    ]  # fmt: skip


def _check_kept(contract: Contract, field: Field, old: OldField) -> list[Finding]:
    name, findings = f"fields.{field.name}", []
    if str(field.arrow_type) != old.arrow or (old.type and field.type != old.type):
        was = old.type or old.arrow
        findings.append(_find(contract, "type", f"{name}.type", field.type, was, Text(
            f"字段「{field.name}」的类型变了；请改回 {was}，或另立一个字段",
            f"the type of field '{field.name}' changed; write {was} again or declare another field")))  # fmt: skip
        return findings
    if not old.type:
        return findings
    if field.unit != old.unit:
        findings.append(_find(contract, "unit", f"{name}.unit", field.unit, old.unit, Text(
            f"字段「{field.name}」的单位变了，已有的数会被读错；请改回 {old.unit}，或另立一个字段",
            f"the unit of field '{field.name}' changed and kept numbers would be misread; write {old.unit} again or "
            "declare another field")))  # fmt: skip
    narrower = (field.low is not None and (old.low is None or field.low > old.low)) or (
        field.high is not None and (old.high is None or field.high < old.high)
    )
    gone = sorted(set(old.codes) - set(field.codes or ()))
    fewer = bool(field.levels) and (not old.levels or not set(old.levels) <= set(field.levels))
    if narrower or (gone and field.type == "code") or fewer:
        expected = ", ".join(gone) or f"{[old.low, old.high]} {list(old.levels)}"
        findings.append(_find(contract, "narrower", name, "narrower", expected, Text(
            f"字段「{field.name}」变窄了，已有的行可能不符；请保留原有的取值与范围",
            f"field '{field.name}' became narrower and rows held may not fit; keep the former values and range")))  # fmt: skip
    return findings


def _check_whole(contract: Contract, edition: Edition, renamed: Mapping[str, str]) -> list[Finding]:
    findings = []
    key = tuple(renamed.get(name, name) for name in edition.key or ())
    if key != contract.key:
        findings.append(_find(contract, "key", "key", ", ".join(contract.key), ", ".join(key), Text(
            "主键变了，已有的行未必唯一；请改回原主键，或另立一张表",
            "the key changed and rows held need not be unique under it; keep the former key or declare another table")))  # fmt: skip
    if edition.partition is not None:
        field, grain = edition.partition
        if (renamed.get(field, field), grain) != (contract.partition, contract.partition_by):
            found = f"{contract.partition} {contract.partition_by}"
            findings.append(_find(contract, "partition", "partition", found, f"{field} {grain}", Text(
                "分区变了，已有的文件会找不到；请改回原分区，或另立一张表",
                "the partition changed and files held would not be found; keep the former one or declare another table")))  # fmt: skip
    return findings


def _find(contract: Contract, kind: str, key: str, found: str, expected: str, message: Text) -> Finding:
    where = contract.declared_at or contract.name
    return Finding(f"lake.edition_{kind}", where, found[:120], expected[:120], message, f"{contract.name}.{key}")


def choose_edition(editions: Sequence[Edition], seq: int) -> Edition | None:
    """The edition in force when a line of that seq added files."""
    return next((edition for edition in reversed(editions) if edition.seq <= seq), None)
