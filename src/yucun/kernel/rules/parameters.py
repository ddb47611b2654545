"""Numbers of policy keyed by date: read from ``parameters.toml``, each with unit, source and evidence.

::

    [dibao_standard_fen]
    title = { zh = "低保标准", en = "dibao standard" }
    unit = "fen"
    values = [
      { from = 2018-11-01, value = 81000, evidence = "seen", source = "…" },
    ]

A value is a whole number, true or false; ``codes = { a = 1, b = 2 }`` is one number for each code of a
column; ``scale = [[0, 300], [1200000, 1000]]`` is brackets of [threshold, rate]; ``ends = true`` says that
from that day on there is none. ``[choices]`` names the formula variants that a place has chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from yucun.base.declaration import Declaration
from yucun.base.errors import DeclarationError, Finding, ParameterError
from yucun.base.quantity import UNITS, Rounding, divide
from yucun.base.text import Text

Evidence = Literal["seen", "law", "computed", "press", "unverified", "made_up"]
EVIDENCE_TITLES: dict[Evidence, Text] = {
    "seen": Text("见于公开来源", "seen in a public source"),
    "law": Text("见于法规原文", "read in the law"),
    "computed": Text("推算", "computed"),
    "press": Text("报刊数字", "from the press"),
    "unverified": Text("未核实", "unverified"),
    "made_up": Text("虚构", "made up"),
}
Bracket = tuple[int, int]
ParameterContent = int | bool | tuple[Bracket, ...] | Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """What a parameter is from a day on; ``content`` is None where it has ended."""

    start: date
    content: ParameterContent | None
    source: str
    evidence: Evidence
    where: str

    @property
    def is_verified(self) -> bool:
        """False for what may be used in simulation only."""
        return self.evidence not in ("unverified", "made_up")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of policy through time, oldest value first."""

    name: str
    title: Text
    unit: str
    values: tuple[ParameterValue, ...]
    where: str

    def find(self, day: date) -> ParameterValue | None:
        """Return the value in force on a day; None before the first and after the end."""
        in_force = [value for value in self.values if value.start <= day]
        return in_force[-1] if in_force and in_force[-1].content is not None else None


@dataclass(frozen=True, slots=True)
class Parameters:
    """A pack of parameters, and the formula variants that go with it.

    Examples
    --------
    >>> pack = Parameters.parse('''
    ... [standard_fen]
    ... title = { zh = "标准", en = "standard" }
    ... unit = "fen"
    ... values = [{ from = 2018-11-01, value = 81000, evidence = "seen", source = "notice of 2018-11-29" }]
    ... ''', "demo.toml")
    >>> pack.get("standard_fen", date(2022, 3, 1)).content
    81000
    >>> pack.scale("standard_fen", 110, 100).get("standard_fen", date(2022, 3, 1)).content
    89100
    """

    name: str
    items: Mapping[str, Parameter]
    choices: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, name: str = "") -> Parameters:
        """Read a file, or raise `ParameterError` with every finding in it."""
        return _read(Declaration.read(path, name or f"{path.parent.name}/{path.name}"))

    @classmethod
    def parse(cls, text: str, name: str) -> Parameters:
        """Read text, or raise `ParameterError` with every finding in it."""
        return _read(Declaration.parse(text, name))

    @classmethod
    def of_values(cls, values: Mapping[str, Any], name: str) -> Parameters:
        """Take values that were read already, e.g. a service's with its place's laid over them."""
        return _read(Declaration(name, "", dict(values)))

    def get(self, name: str, day: date) -> ParameterValue:
        """Return the value in force on a day, or raise `ParameterError` naming file, line and key."""
        item = self.items.get(name)
        found = item.find(day) if item else None
        if found is None:
            dates = ", ".join(v.start.isoformat() for v in item.values) if item else ", ".join(sorted(self.items))
            raise ParameterError(
                Finding(
                    "parameter.missing",
                    item.where if item else f"{self.name}:1",
                    f"{name} {day}",
                    dates[:120],
                    Text(
                        f"参数「{name}」在 {day} 没有数值；请在该文件中补写生效日期不晚于这一天的数值及其来源",
                        f"parameter '{name}' has no value on {day}; add one to this file that begins on or before "
                        "that day, with its source",
                    ),
                    name,
                )
            )
        return found

    def patch(self, other: Parameters) -> Parameters:
        """Return a pack in which another's parameters stand whole in place of ours: a place's over a service's.

        What a place sets, it sets for every day; a day before its first value is an error, not our value.
        """
        items = {**self.items, **other.items}
        return Parameters(f"{self.name} + {other.name}", items, {**self.choices, **other.choices})

    def set(self, name: str, content: ParameterContent, start: date = date.min) -> Parameters:
        """Return a pack in which a parameter has this value from a day on, as a what-if marks it: made up."""
        item = self.items[name] if name in self.items else Parameter(name, Text.same(name), "number", (), self.name)
        kept = tuple(v for v in item.values if v.start < start)
        value = ParameterValue(start, content, "what-if", "made_up", item.where)
        return replace(self, items={**self.items, name: replace(item, values=(*kept, value))})

    def scale(self, name: str, numerator: int, denominator: int) -> Parameters:
        """Return a pack in which a whole number is raised or cut on every day, halves rounded up."""
        if name not in self.items:
            self.get(name, date.max - timedelta(days=1))
        values = []
        for value in self.items[name].values:
            if isinstance(value.content, int) and not isinstance(value.content, bool):
                content = divide(value.content * numerator, denominator, Rounding.HALF_UP)
                source = f"{value.source} × {numerator}/{denominator}"
                value = replace(value, content=content, evidence="made_up", source=source)
            values.append(value)
        return replace(self, items={**self.items, name: replace(self.items[name], values=tuple(values))})

    def list_unverified(self) -> Iterator[Finding]:
        """Yield one finding for each value that only a simulation may use."""
        for item in self.items.values():
            for value in item.values:
                if not value.is_verified:
                    label = EVIDENCE_TITLES[value.evidence]
                    yield Finding(
                        "parameter.unverified",
                        value.where,
                        value.evidence,
                        "seen, law, computed or press",
                        Text(
                            f"参数「{item.title.zh}」自 {value.start} 的数值{label.zh}，只能用于模拟；请找到文件后改写依据",
                            f"parameter '{item.title.en}' from {value.start} is {label.en}: for simulation only; find "
                            "the document and change its evidence",
                        ),
                        item.name,
                    )

    @property
    def is_simulation_only(self) -> bool:
        """True when the pack holds a value that no document backs; every screen says so."""
        return next(self.list_unverified(), None) is not None

    def check_for_use(self) -> None:
        """Raise `ParameterError` when the pack may not decide on money."""
        findings = list(self.list_unverified())
        if findings:
            raise ParameterError(findings)


_KEYS = ("title", "unit", "values", "note")
_VALUE_KEYS = ("from", "value", "codes", "scale", "ends", "source", "evidence")


def _read(declaration: Declaration) -> Parameters:
    choices = declaration.take(declaration.values, (), "choices", dict, {})
    items = {
        name: _read_parameter(declaration, name, table)
        for name, table in declaration.values.items()
        if name != "choices"
    }
    if declaration.findings:
        raise ParameterError(declaration.findings)
    return Parameters(declaration.name, items, {str(k): str(v) for k, v in choices.items()})


def _read_parameter(declaration: Declaration, name: str, table: Any) -> Parameter:
    path = (name,)
    if not isinstance(table, dict):
        declaration.add("parameter.table", path, table, "a table", Text("此处应为一张表", "a table is expected here"))
        table = {}
    declaration.refuse_unknown(table, path, _KEYS)
    unit = declaration.take(table, path, "unit", str)
    if unit not in UNITS:
        expected = ", ".join(UNITS)
        declaration.add(
            "parameter.unit",
            (*path, "unit"),
            unit,
            expected,
            Text(f"没有「{unit}」这个单位；可用：{expected}", f"there is no unit '{unit}'; there are: {expected}"),
        )
    raw = declaration.take(table, path, "values", list)
    values = [_read_value(declaration, name, number, entry) for number, entry in enumerate(raw)]
    starts = [value.start for value in values]
    if starts != sorted(set(starts)):
        declaration.add(
            "parameter.order",
            (*path, "values"),
            starts,
            "dates in order, none twice",
            Text("生效日期应由早到晚，且不重复", "dates go from early to late, none twice"),
        )
    where = f"{declaration.name}:{declaration.line_of(*path)}"
    return Parameter(name, declaration.take_text(table, path, "title"), unit, tuple(values), where)


def _read_value(declaration: Declaration, name: str, number: int, entry: Any) -> ParameterValue:
    path = (name, "values")
    entry = entry if isinstance(entry, dict) else {}
    line = _line_of_value(declaration, name, number)
    before = len(declaration.findings)
    declaration.refuse_unknown(entry, path, _VALUE_KEYS)
    start = entry.get("from")
    if not isinstance(start, date):
        declaration.add("parameter.from", path, start, "a date", Text("缺少生效日期 from", "no date 'from' is given"))
        start = date.min
    evidence = entry.get("evidence")
    if evidence not in get_args(Evidence):
        labels = ", ".join(get_args(Evidence))
        declaration.add(
            "parameter.evidence",
            path,
            evidence,
            labels,
            Text(f"依据应为：{labels}", f"evidence is one of: {labels}"),
        )
        evidence = "unverified"
    source = str(entry.get("source", ""))
    if not source:
        declaration.add("parameter.source", path, "nothing", "source", Text("数值要写来源", "a value names its source"))
    content = _read_content(declaration, path, entry)
    for position in range(before, len(declaration.findings)):
        declaration.findings[position] = replace(declaration.findings[position], where=f"{declaration.name}:{line}")
    return ParameterValue(start, content, source, evidence, f"{declaration.name}:{line}")


def _read_content(declaration: Declaration, path: tuple[str, ...], entry: Mapping[str, Any]) -> ParameterContent | None:
    given = [key for key in ("value", "codes", "scale", "ends") if key in entry]
    if given == ["ends"]:
        return None
    if given == ["value"] and isinstance(entry["value"], int):
        return int(entry["value"]) if not isinstance(entry["value"], bool) else bool(entry["value"])
    if given == ["codes"] and isinstance(entry["codes"], dict) and all(_is_whole(v) for v in entry["codes"].values()):
        return dict(entry["codes"])
    if given == ["scale"] and isinstance(entry["scale"], list):
        brackets = [tuple(b) for b in entry["scale"] if isinstance(b, list) and len(b) == 2 and all(map(_is_whole, b))]
        if len(brackets) == len(entry["scale"]) and brackets == sorted(brackets) and brackets:
            return tuple((int(threshold), int(rate)) for threshold, rate in brackets)
    declaration.add(
        "parameter.value",
        path,
        {key: entry[key] for key in given},
        "value = a whole number, codes = {…}, scale = [[threshold, rate], …] or ends = true",
        Text(
            "数值应为整数（金额以分计，比例以万分之一计）、各代码的整数、由低到高的分档，或 ends = true",
            "a value is a whole number (money in fen, rates in bp), one for each code, brackets from low to high, "
            "or ends = true",
        ),
    )
    return 0


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _line_of_value(declaration: Declaration, name: str, number: int) -> int:
    """The line of the nth value of a parameter: each begins with a brace, alone or behind the list's bracket."""
    start = declaration.line_of(name)
    for line, text in enumerate(declaration.text.splitlines(), 1):
        if line > start and re.search(r"(^|\[)\s*\{", text):
            if number == 0:
                return line
            number -= 1
    return start


def read_parameters(service: Path, place: Path | None = None) -> Parameters:
    """Read a service's ``parameters.toml`` and lay a place's values over it.

    Parameters
    ----------
    service, place : Path
        Files; a place may set values of parameters that the service declares, and choose variants.

    Raises
    ------
    ParameterError
        With every finding; also when a place sets a parameter that the service does not have.
    """
    try:
        pack = Parameters.read(service)
        if place is None:
            return pack
        values = Parameters.read(place)
    except DeclarationError as error:
        raise ParameterError(error.findings) from None
    strange = [
        Finding(
            "parameter.strange",
            item.where,
            item.name,
            ", ".join(pack.items)[:120],
            Text(
                f"服务没有参数「{item.name}」；地方只能给服务已有的参数赋值",
                f"the service has no parameter '{item.name}'; a place only sets those that it has",
            ),
            item.name,
        )
        for item in values.items.values()
        if item.name not in pack.items
    ]
    if strange:
        raise ParameterError(strange)
    return pack.patch(values)
