"""What goes with the rows: a Frictionless data package, CSV on the Web, a page to read, and all of it in one archive.

Nothing here names a host: a version reads the same wherever the city is served.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.kernel.lake.catalogue.model import FORMS, Form, Item, ReleaseFile, Version
from yucun.kernel.lake.contract import Contract, Field

FILE_NAMES: dict[Form, str] = {
    "csv": "data.csv",
    "parquet": "data.parquet",
    "json": "data.json",
    "zip": "data.zip",
    "datapackage": "datapackage.json",
    "csvw": "data.csv-metadata.json",
}
MEDIA_TYPES: dict[Form, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "zip": "application/zip",
    "datapackage": "application/json",
    "csvw": "application/csvm+json",
}
FORM_OF_FILE: dict[str, Form] = {name: form for form, name in FILE_NAMES.items()}
assert set(FILE_NAMES) == set(MEDIA_TYPES) == set(FORMS)
_TABLE_SCHEMA = {"integer": "integer", "measure": "number", "boolean": "boolean", "date": "date", "instant": "datetime"}
_CSVW_TYPES = {"integer": "integer", "measure": "number", "boolean": "boolean", "date": "date"}
_REGION = "[0-9]{12}"


@dataclass(frozen=True, slots=True)
class Described:
    """All that the metadata of a version are made from."""

    item: Item
    version: Version
    contract: Contract
    at: str

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that leave, in the contract's order."""
        return tuple(f for f in self.contract.fields if f.name in self.version.fields)

    @property
    def key(self) -> list[str]:
        """The key, where all of it leaves."""
        return list(self.contract.key) if set(self.contract.key) <= set(self.version.fields) else []

    @property
    def address(self) -> str:
        """Where it stands, below whatever host serves the city."""
        return f"/open/{self.item.name}/{self.version.id}"


def cite(described: Described, address: str = "") -> Text:
    """How to cite a version: owner, title, version, hash, address."""
    contract, version = described.contract, described.version
    csv = version.files.get("csv")
    hashed = Text(f"，SHA-256 {csv.sha256}", f", SHA-256 {csv.sha256}") if csv else Text("", "")
    where = address or described.address
    return Text(
        f"{contract.owner.zh}：《{contract.title.zh}》，版本 {version.id}{hashed.zh}。{where}",
        f"{contract.owner.en}: {contract.title.en}, version {version.id}{hashed.en}. {where}",
    )


def make_package(described: Described, csv: ReleaseFile) -> bytes:
    """Write ``datapackage.json`` (Data Package 1, tabular profile) for the CSV file."""
    item, contract, version = described.item, described.contract, described.version
    licence: dict[str, Any] = {"name": item.licence.id, "title": _both(item.licence.title)}
    if item.licence.uri:
        licence["path"] = item.licence.uri
    schema: dict[str, Any] = {"fields": [_package_field(f) for f in described.fields], "missingValues": [""]}
    if described.key:
        schema["primaryKey"] = described.key
    package: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": item.name.replace("_", "-"),
        "id": f"{item.name}@{version.id}",
        "title": _both(contract.title),
        "description": _both(contract.meaning),
        "version": version.id,
        "created": described.at,
        "licenses": [licence],
        "contributors": [{"title": _both(contract.owner), "role": "publisher"}],
        "keywords": [item.domain.title.zh, item.domain.title.en],
        "rightsStatement": _both(contract.licence),
        "resources": [
            {
                "profile": "tabular-data-resource",
                "name": item.name.replace("_", "-"),
                "path": FILE_NAMES["csv"],
                "title": _both(contract.title),
                "format": "csv",
                "mediatype": MEDIA_TYPES["csv"],
                "encoding": "utf-8",
                "bytes": csv.size,
                "hash": f"sha256:{csv.sha256}",
                "schema": schema,
            }
        ],
    }
    return _pretty(package)


def _package_field(field: Field) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": field.name,
        "type": _TABLE_SCHEMA.get(field.type, "string"),
        "title": _both(field.title),
    }
    if field.type == "boolean":
        said |= {"trueValues": ["true"], "falseValues": ["false"]}
    if field.unit:
        said |= {"unit": field.unit, "description": _both(say_unit(field.unit))}
    constraints: dict[str, Any] = {}
    if field.required:
        constraints["required"] = True
    if field.codes:
        constraints["enum"] = list(field.codes)
        said["description"] = _both(say_codes(field.codes))
    if field.type == "region":
        constraints["pattern"] = _REGION
    if field.type in ("integer", "measure"):
        constraints |= {k: v for k, v in (("minimum", field.low), ("maximum", field.high)) if v is not None}
    return {**said, "constraints": constraints} if constraints else said


def make_csvw(described: Described) -> bytes:
    """Write CSV on the Web metadata that lie beside the CSV file."""
    item, contract, version = described.item, described.contract, described.version
    schema: dict[str, Any] = {"columns": [_csvw_column(f) for f in described.fields]}
    if described.key:
        schema["primaryKey"] = described.key
    said: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "zh"}],
        "url": FILE_NAMES["csv"],
        "dialect": {"encoding": "utf-8", "header": True},
        "dc:identifier": f"{item.name}@{version.id}",
        "dc:title": _languages(contract.title),
        "dc:description": _languages(contract.meaning),
        "dc:publisher": _languages(contract.owner),
        "dc:rights": _languages(contract.licence),
        "dc:modified": {"@value": version.day, "@type": "xsd:date"},
        "tableSchema": schema,
    }
    if item.licence.uri:
        said["dc:license"] = {"@id": item.licence.uri}
    return _pretty(said)


def _csvw_column(field: Field) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": field.name,
        "titles": [field.name],
        "datatype": _csvw_datatype(field),
        "required": field.required,
        "dc:title": _languages(field.title),
    }
    notes = say_unit(field.unit) if field.unit else say_codes(field.codes) if field.codes else None
    if notes:
        said["dc:description"] = _languages(notes)
    return said


def _csvw_datatype(field: Field) -> Any:
    if field.type == "instant":
        return {"base": "dateTimeStamp"}
    if field.type == "boolean":
        return {"base": "boolean", "format": "true|false"}
    base = _CSVW_TYPES.get(field.type, "string")
    said: dict[str, Any] = {"base": base}
    if field.type in ("integer", "measure"):
        said |= {k: v for k, v in (("minimum", field.low), ("maximum", field.high)) if v is not None}
    if field.type == "region":
        said["format"] = _REGION
    return said if len(said) > 1 else base


def make_readme(described: Described) -> bytes:
    """Write the page that lies in the archive, in both languages."""
    item, contract, version = described.item, described.contract, described.version
    lines = []
    for language, words in (
        ("zh", ("版本", "许可", "引用", "字段")),
        ("en", ("Version", "Licence", "Cite as", "Fields")),
    ):
        lines += [f"# {contract.title.of(language)}", "", contract.meaning.of(language), ""]  # type: ignore[arg-type]
        lines += [f"- {words[0]}: {version.id}"]
        terms = Text(
            f"{item.licence.title.zh}；{contract.licence.zh} {item.licence.uri}".strip(),
            f"{item.licence.title.en}; {contract.licence.en} {item.licence.uri}".strip(),
        )
        lines += [f"- {words[1]}: {terms.of(language)}", f"- {words[2]}: {cite(described).of(language)}", ""]  # type: ignore[arg-type]
        lines += [f"## {words[3]}", ""]
        for field in described.fields:
            unit = say_unit(field.unit).of(language) if field.unit else ""  # type: ignore[arg-type]
            lines.append(f"- `{field.name}` {field.title.of(language)}{f' ({unit})' if unit else ''}")  # type: ignore[arg-type]
        lines.append("")
    return "\n".join(lines).encode()


def write_archive(path: Path, described: Described, csv: Path, texts: Mapping[str, bytes]) -> None:
    """Write the zip archive: the CSV file, its metadata in both forms, and the page to read."""
    day = tuple(int(word) for word in described.version.day.split("-"))
    stamp = (*day, 0, 0, 0) if day[0] >= 1980 else (1980, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = _entry(FILE_NAMES["csv"], stamp)
        info.file_size = csv.stat().st_size
        with archive.open(info, "w") as to, csv.open("rb") as rows:
            while chunk := rows.read(1 << 20):
                to.write(chunk)
        for name, content in texts.items():
            archive.writestr(_entry(name, stamp), content)


def _entry(name: str, stamp: Sequence[int]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, tuple(stamp))  # type: ignore[arg-type]
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def say_unit(name: str) -> Text:
    """A unit in words: what it is kept in, and how many make the unit that people write.

    Examples
    --------
    >>> say_unit("fen").en
    'kept in fen; 100 make 1 yuan'
    """
    unit = UNITS.get(name)
    if unit is None:
        return Text.same(name)
    if unit.per_shown == 1:
        return Text(f"单位：{unit.title.zh or unit.name}", f"unit: {unit.title.en or unit.name}")
    return Text(
        f"以 {unit.name} 保存，{unit.per_shown:,} 个为 1 {unit.title.zh}",
        f"kept in {unit.name}; {unit.per_shown:,} make 1 {unit.title.en}",
    )


def say_codes(codes: Mapping[str, Text]) -> Text:
    """A closed list in words."""
    return Text(
        "；".join(f"{code} {title.zh}" for code, title in codes.items()),
        "; ".join(code if code == title.en else f"{code} = {title.en}" for code, title in codes.items()),
    )


def _both(text: Text) -> str:
    """Both languages in one line, for forms that know one language only."""
    return text.zh if text.zh == text.en else f"{text.zh} / {text.en}"


def _languages(text: Text) -> list[dict[str, str]]:
    return [{"@value": text.zh, "@language": "zh"}, {"@value": text.en, "@language": "en"}]


def _pretty(said: Mapping[str, Any]) -> bytes:
    return (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode()
