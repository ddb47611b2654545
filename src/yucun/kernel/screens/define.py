"""Reading ``cockpits/*.toml``: screens that name indicators, refused with file, line and key.

Refused are: an unknown indicator, one without a unit or without a smallest-cell rule, a sentence that has no
number in it, a place in braces that nothing fills, and any word that is not of its closed list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from yucun.base.declaration import Declaration, raise_findings
from yucun.base.errors import Finding
from yucun.base.identity import LEVELS
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.indicators.model import Indicator
from yucun.kernel.screens.model import (
    LAKE_SHAPES,
    SHAPES,
    OpeningRule,
    Order,
    Screen,
    SectionRule,
    SentenceRule,
    Slot,
    TileRule,
)
from yucun.kernel.screens.words import FORMS

_BRACES = re.compile(r"\{(\w*)\}")
_SECTION = ("title", "shape", "said", "tiles", "indicators", "level", "within", "order", "period")
_MANY = ("bars", "table", "map")


def read_screens(
    folder: Path, indicators: Mapping[str, Indicator], service: str = "", one_numbers: Mapping[str, Text] = {}
) -> tuple[dict[str, Screen], list[Finding]]:
    """Read all screens of a folder.

    Parameters
    ----------
    folder : Path
        ``cockpits`` of a service, or those that span services.
    indicators : mapping of str to Indicator
        All that are defined.
    service : str
        The service whose folder it is; empty for the screens that span services, in which a number of a
        service that is not installed is left out.
    one_numbers : mapping of str to Text
        The number that each installed service must move, and the service's title, for a section of that shape.

    Returns
    -------
    dict of str to Screen, list of Finding
        By id; screens with findings are among them, so that one load reports everything.
    """
    found: dict[str, Screen] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
        name = f"{service}/cockpits/{path.name}" if service else f"cockpits/{path.name}"
        reader = _Reader(Declaration.read(path, name), indicators, service, one_numbers)
        screen = reader.read(path.stem)
        found[screen.id] = screen
        findings += reader.declaration.findings
    return found, findings


class _Reader:
    """One file being read."""

    def __init__(
        self,
        declaration: Declaration,
        indicators: Mapping[str, Indicator],
        service: str,
        one_numbers: Mapping[str, Text],
    ) -> None:
        self.declaration = declaration
        self.one_numbers = one_numbers
        self.indicators = indicators
        self.service = service
        self.installed = {i.service for i in indicators.values()}
        self.left_out: list[str] = []
        self._section = 0

    def add(self, kind: str, path: tuple[str, ...], found: object, expected: str, zh: str, en: str) -> None:
        line = self._line(path, str(found))
        where = f"{self.declaration.name}:{line}"
        self.declaration.findings.append(
            Finding(f"screen.{kind}", where, str(found)[:120], expected, Text(zh, en), ".".join(path))
        )

    def _line(self, path: tuple[str, ...], found: str) -> int:
        """The line of a finding; inside ``[[sections]]`` the one that holds the word, else the section's own."""
        lines = self.declaration.text.splitlines()
        if path[:1] != ("sections",):
            holding = [n for n, line in enumerate(lines, 1) if f'"{found}"' in line]
            return holding[0] if holding else self.declaration.line_of(*path)
        heads = [n for n, line in enumerate(lines, 1) if line.replace(" ", "").startswith("[[sections]]")]
        if not heads or not self._section:
            return heads[0] if heads else 1
        first = heads[min(self._section, len(heads)) - 1]
        last = next((n for n in heads if n > first), len(lines) + 1)
        words = (f'"{found}"', f"{path[-1]} =")
        return next((n for word in words for n in range(first, last) if word in lines[n - 1]), first)

    def read(self, name: str) -> Screen:
        values = self.declaration.values
        self.declaration.refuse_unknown(values, (), ("title", "address", "levels", "opening", "sections"))
        levels = self._words(values, (), "levels", LEVELS)
        opening = self.declaration.take(values, (), "opening", dict, None)
        sections = self.declaration.take(values, (), "sections", list, [])
        if not sections:
            self.add(
                "empty",
                ("sections",),
                "nothing",
                "[[sections]]",
                "屏上至少要有一个部分",
                "a screen has at least one section",
            )
        ident = f"{self.service}.{name}" if self.service else name
        return Screen(
            id=ident,
            title=self.declaration.take_text(values, (), "title"),
            service=self.service,
            address=self.declaration.take(
                values, (), "address", str, f"/service/{self.service}" if self.service else f"/{name}"
            ),
            levels=levels,
            opening=self._read_opening(opening) if opening else None,
            sections=tuple(s for entry in sections if (s := self._read_section(entry)) is not None),
            declared_at=f"{self.declaration.name}:1",
            left_out=tuple(dict.fromkeys(self.left_out)),
        )

    def _word(
        self, table: Mapping[str, Any], path: tuple[str, ...], key: str, words: Sequence[str], default: Any
    ) -> Any:
        value = self.declaration.take(table, path, key, str, default)
        if value is not None and value != default and value not in words:
            self.add(
                "word",
                (*path, key),
                value,
                ", ".join(words),
                f"「{value}」不可用于 {key}；可用：{'、'.join(words)}",
                f"'{value}' is not a {key}; there are: {', '.join(words)}",
            )
            return default
        return value

    def _words(
        self, table: Mapping[str, Any], path: tuple[str, ...], key: str, words: Sequence[str]
    ) -> tuple[Any, ...]:
        values = self.declaration.take(table, path, key, list)
        for value in values:
            if value not in words:
                self.add(
                    "word",
                    (*path, key),
                    value,
                    ", ".join(words),
                    f"「{value}」不可用于 {key}",
                    f"'{value}' is not one of {key}: {', '.join(words)}",
                )
        return tuple(v for v in values if v in words)

    def _indicator(self, table: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
        """A number that is defined, has a unit and a smallest-cell rule; None when it is left out or refused."""
        return self._known(self.declaration.take(table, path, "indicator", str), path)

    def _known(self, name: str, path: tuple[str, ...]) -> str | None:
        found = self.indicators.get(name)
        if found is not None:
            if not found.unit.name:
                self.add(
                    "unit",
                    (*path, "indicator"),
                    name,
                    "an indicator with a unit",
                    f"「{name}」没有单位，不能上屏",
                    f"'{name}' has no unit and cannot be shown",
                )
            if found.smallest is None and not found.is_open_because.zh:
                self.add(
                    "smallest_cell",
                    (*path, "indicator"),
                    name,
                    "an indicator with a smallest-cell rule",
                    f"「{name}」没有最小单元规则，不能上屏",
                    f"'{name}' has no smallest-cell rule and cannot be shown",
                )
            return name
        if name and not self.service and name.split(".")[0] not in self.installed:
            self.left_out.append(name)
            return None
        near = ", ".join(sorted(n for n in self.indicators if n.split(".")[0] == name.split(".")[0])[:12])
        self.add(
            "unknown_indicator",
            (*path, "indicator"),
            name or "nothing",
            near or "a defined indicator",
            f"没有名为「{name}」的指标",
            f"no indicator is called '{name}'",
        )
        return None

    def _period(self, table: Mapping[str, Any], path: tuple[str, ...]) -> str:
        written: str = self.declaration.take(table, path, "period", str, "latest")
        if written not in ("latest", "current") and Period.find(written) is None:
            self.add(
                "period",
                (*path, "period"),
                written,
                "latest, current, or a period such as 2021",
                "时期应为 latest、current 或具体时期",
                "the period is latest, current or one such as 2021",
            )
            return "latest"
        return written

    # -- sentences ------------------------------------------------------------------------------------------

    def _read_opening(self, table: Mapping[str, Any]) -> OpeningRule | None:
        path = ("opening",)
        self.declaration.refuse_unknown(table, path, ("kicker", "sentence", "lead"))
        kicker = self.declaration.take(table, path, "kicker", dict, None)
        sentence = self._read_sentence(self.declaration.take(table, path, "sentence", dict), (*path, "sentence"))
        lead = [
            self._read_sentence(entry, (*path, "lead"))
            for entry in self.declaration.take(table, path, "lead", list, [])
        ]
        if sentence is None:
            return None
        found = self._read_sentence(kicker, (*path, "kicker"), needs_number=False) if kicker else None
        return OpeningRule(found, sentence, tuple(rule for rule in lead if rule is not None))

    def _read_sentence(self, table: Any, path: tuple[str, ...], *, needs_number: bool = True) -> SentenceRule | None:
        table = table if isinstance(table, dict) else {}
        self.declaration.refuse_unknown(table, path, ("words", "slots", "otherwise"))
        words = self.declaration.take_text(table, path, "words")
        raw = self.declaration.take(table, path, "slots", dict, {})
        slots = {name: self._read_slot(name, entry, (*path, "slots", name)) for name, entry in raw.items()}
        for language, text in (("zh", words.zh), ("en", words.en)):
            named = set(_BRACES.findall(text)) - {"place"}
            for name in sorted(named - raw.keys()):
                self.add(
                    "slot",
                    (*path, "words"),
                    f"{{{name}}} ({language})",
                    ", ".join(raw) or "a slot",
                    f"句中的 {{{name}}} 没有数来填",
                    f"nothing fills {{{name}}} in the {language} words",
                )
            for name in sorted(raw.keys() - named):
                self.add(
                    "slot",
                    (*path, "slots", name),
                    name,
                    f"{{{name}}} in the {language} words",
                    f"{language} 句中没有用到「{name}」",
                    f"the {language} words do not use '{name}'",
                )
        if needs_number and not raw:
            self.add(
                "sentence_without_number",
                path,
                words.en,
                "a slot",
                "没有数的句子不能上屏",
                "a sentence without a number is not shown",
            )
        otherwise = self.declaration.take_text(table, path, "otherwise", Text("", ""))
        known = {name: slot for name, slot in slots.items() if slot is not None}
        return SentenceRule(words, known, otherwise) if len(known) == len(raw) else None

    def _read_slot(self, name: str, entry: Any, path: tuple[str, ...]) -> Slot | None:
        entry = entry if isinstance(entry, dict) else {}
        self.declaration.refuse_unknown(entry, path, ("indicator", "form", "region", "period", "level", "within"))
        indicator = self._indicator(entry, path)
        form = self._word(entry, path, "form", tuple(FORMS), "number")
        region = self._word(entry, path, "region", ("here", *LEVELS), "here")
        level, within = (self._word(entry, path, key, LEVELS, None) for key in ("level", "within"))
        if form == "rank" and level is None:
            self.add(
                "rank",
                (*path, "level"),
                "nothing",
                ", ".join(LEVELS),
                "名次要写明在哪一级地区中排（level）",
                "a rank says among the regions of which level",
            )
        return (
            None if indicator is None else Slot(name, indicator, form, region, self._period(entry, path), level, within)
        )

    # -- sections -------------------------------------------------------------------------------------------

    def _read_section(self, table: Any) -> SectionRule | None:
        path = ("sections",)
        self._section += 1
        table = table if isinstance(table, dict) else {}
        self.declaration.refuse_unknown(table, path, _SECTION)
        shape = self._word(table, path, "shape", SHAPES, "tiles")
        entries = self.declaration.take(table, path, "tiles", list, [])
        names = self.declaration.take(table, path, "indicators", list, [])
        before = len(self.left_out)
        tiles = [t for entry in entries if (t := self._read_tile(entry)) is not None]
        tiles += [TileRule(str(name)) for name in names if self._known(str(name), path) is not None]
        if shape == "one_numbers":
            tiles += [self._one_number(name) for name in self.one_numbers if self._known(name, path) is not None]
        level = self._word(table, path, "level", LEVELS, None)
        if shape in _MANY and level is None:
            self.add(
                "level",
                (*path, "level"),
                "nothing",
                ", ".join(LEVELS),
                "比较要写明哪一级地区（level）",
                "a comparison says regions of which level",
            )
        is_left_out = (len(self.left_out) > before or shape == "one_numbers") and not tiles
        if shape not in (*LAKE_SHAPES, "marks") and not tiles and not is_left_out:
            self.add("empty", path, shape, "tiles or indicators", "这一部分没有指标", "this section names no indicator")
        title = self.declaration.take_text(table, path, "title")
        if is_left_out:
            return None
        return SectionRule(
            title=title,
            shape="tiles" if shape == "one_numbers" else shape,
            tiles=tuple(tiles),
            said=self.declaration.take_text(table, path, "said", Text("", "")),
            level=level,
            within=self._word(table, path, "within", LEVELS, None),
            order=self._word(table, path, "order", get_args(Order), "code"),
            period=self._period(table, path),
        )

    def _one_number(self, name: str) -> TileRule:
        service, title = self.one_numbers[name], self.indicators[name].title
        return TileRule(name, title=Text(f"{service.zh} · {title.zh}", f"{service.en} · {title.en}"))

    def _read_tile(self, entry: Any) -> TileRule | None:
        path = ("sections", "tiles")
        entry = entry if isinstance(entry, dict) else {}
        self.declaration.refuse_unknown(entry, path, ("indicator", "region", "period", "title", "note"))
        indicator = self._indicator(entry, path)
        if indicator is None:
            return None
        return TileRule(
            indicator,
            self._word(entry, path, "region", ("here", *LEVELS), "here"),
            self._period(entry, path),
            self.declaration.take_text(entry, path, "title", Text("", "")),
            self.declaration.take_text(entry, path, "note", Text("", "")),
        )


def gather_screens(
    cockpits: Path, services: Mapping[str, Path], indicators: Mapping[str, Indicator], one_numbers: Mapping[str, Text]
) -> dict[str, Screen]:
    """Read the screens that span services and each service's own, by folder; all findings are raised together."""
    found, findings = read_screens(cockpits, indicators, one_numbers=one_numbers)
    for name, folder in services.items():
        more, wrong = read_screens(folder / "cockpits", indicators, name)
        found.update(more)
        findings += wrong
    raise_findings(findings)
    return found
