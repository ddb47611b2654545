"""What a place opens on its own word: `open.toml` of the place folder, one table for each item."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.lake.catalogue.catalogue import Catalogue, Terms
from yucun.kernel.lake.catalogue.model import DOMAINS, LICENCES, Treatment

_KEYS = ("domain", "licence", "treatment", "fields", "why")


@dataclass(frozen=True, slots=True)
class Declared:
    """One item that the place opens, and why."""

    name: str
    terms: Terms
    why: str
    where: str


def read_open(path: Path) -> tuple[list[Declared], list[Finding]]:
    """Read a place's ``open.toml``; a place without one opens nothing by itself.

    ::

        ["prosperity.income"]
        domain = "other"
        why = "published statistics, each row with its source"
    """
    if not path.is_file():
        return [], []
    said = Declaration.read(path)
    found = []
    for name, table in said.values.items():
        at = (name,)
        if not isinstance(table, dict):
            said.add("catalogue.declared", at, table, "a table", Text("此处应为一张表", "a table is expected here"))
            continue
        said.refuse_unknown(table, at, _KEYS)
        treatment = _take(said, table, at, "treatment", get_args(Treatment))
        terms = Terms(
            _take(said, table, at, "domain", tuple(DOMAINS)) or "other",
            _take(said, table, at, "licence", tuple(LICENCES)),
            treatment or None,  # type: ignore[arg-type]
            tuple(said.take(table, at, "fields", list, [])),
        )
        found.append(Declared(name, terms, said.take(table, at, "why", str), f"{said.name}:{said.line_of(name)}"))
    return found, said.findings


def _take(said: Declaration, table: dict[str, object], at: tuple[str, ...], key: str, allowed: tuple[str, ...]) -> str:
    word: str = said.take(table, at, key, str, "")
    if word and word not in allowed:
        said.add(
            "catalogue.declared", (*at, key), word, ", ".join(allowed),
            Text(f"「{word}」不在可选之列：{', '.join(allowed)}", f"'{word}' is not one of {', '.join(allowed)}"),
        )  # fmt: skip
        return ""
    return word


def open_declared(catalogue: Catalogue, declared: list[Declared]) -> list[Finding]:
    """Open what a place declares, once; return what stands against it, each finding with its file and line."""
    return [
        Finding(found.kind, one.where, found.found, found.expected, found.message, one.name)
        for one in declared
        for found in catalogue.declare(one.name, one.terms, one.why)
    ]
