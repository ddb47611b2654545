"""Reading TOML declarations with findings that name file, line and key; all of a load are reported together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yucun.base.errors import DeclarationError, Finding, Yours
from yucun.base.text import Text

_WORDS: dict[type, Text] = {
    str: Text("文字", "text"),
    int: Text("整数", "a whole number"),
    float: Text("数", "a number"),
    bool: Text("true 或 false", "true or false"),
    list: Text("列表", "a list"),
    dict: Text("表", "a table"),
}


@dataclass(slots=True)
class Declaration:
    """A TOML file being read: its values, its lines, and the findings collected so far."""

    name: str
    text: str
    values: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, name: str = "") -> Declaration:
        """Read a file; a syntax error is a `DeclarationError` with its line."""
        return cls.parse(path.read_text(encoding="utf-8"), name or path.name)

    @classmethod
    def parse(cls, text: str, name: str) -> Declaration:
        """Read text; ``name`` is what findings call it."""
        try:
            return cls(name, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            raise DeclarationError(
                Finding(
                    "declaration.syntax",
                    f"{name}:{line.group(1) if line else 1}",
                    str(error),
                    "TOML",
                    Text(f"TOML 语法有误：{error}；请更正该行", f"TOML syntax: {error}; correct that line"),
                )
            ) from None

    def line_of(self, *path: str) -> int:
        """The line where a dotted key begins, as nearly as the text shows it; 1 when it is not there."""
        lines = self.text.splitlines()
        tables = {".".join(path[:n]): n for n in range(len(path), 0, -1)}
        depth, at = 0, 1
        for number, line in enumerate(lines, 1):
            head = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
            if head:
                here = head.group(1).replace('"', "").replace(" ", "")
                depth = tables.get(here, 0) if here in tables else (-1 if depth >= 0 else depth)
                if depth > 0:
                    at = max(at, number) if depth == len(path) else number
                    if depth == len(path):
                        return number
                continue
            if depth >= 0 and depth < len(path):
                rest = path[depth:]
                key = re.match(r'\s*"?([\w.\-一-鿿]+)"?\s*=', line)
                if key and (key.group(1) == ".".join(rest) or key.group(1).split(".")[0] == rest[0]):
                    return number
        return at

    def add(self, kind: str, path: Iterable[str], found: object, expected: str, message: Text) -> None:
        """Note one finding at a key."""
        keys = tuple(path)
        self.findings.append(
            Finding(kind, f"{self.name}:{self.line_of(*keys)}", str(found)[:120], expected, message, ".".join(keys))
        )

    def take(self, table: Mapping[str, Any], path: tuple[str, ...], key: str, kind: type, default: Any = ...) -> Any:
        """Return ``table[key]`` when it has the right type, else note a finding and return an empty value."""
        if key not in table:
            if default is not ...:
                return default
            self.add(
                "declaration.missing",
                (*path, key),
                "nothing",
                key,
                Text(
                    f"「{'.'.join(path)}」缺少「{key}」；请补写（{_WORDS[kind].zh}）",
                    f"'{'.'.join(path)}' has no '{key}'; add it ({_WORDS[kind].en})",
                ),
            )
            return kind()
        value = table[key]
        good = isinstance(value, (int, float) if kind is float else kind) and not (
            kind in (int, float) and isinstance(value, bool)
        )
        if not good:
            self.add(
                "declaration.type",
                (*path, key),
                value,
                _WORDS[kind].en,
                Text(
                    f"「{key}」应为{_WORDS[kind].zh}，现为 {value!r}",
                    f"'{key}' should be {_WORDS[kind].en}, it is {value!r}",
                ),
            )
            return kind() if default is ... else default
        return value

    def take_text(self, table: Mapping[str, Any], path: tuple[str, ...], key: str, default: Text | None = None) -> Text:
        """Return a text in both languages; one language missing is a finding."""
        if key not in table and default is not None:
            return default
        value = self.take(table, path, key, dict)
        words = {language: value.get(language) for language in ("zh", "en")} if isinstance(value, dict) else {}
        for language, word in words.items():
            if value and (not isinstance(word, str) or not word.strip()):
                self.add(
                    "declaration.language",
                    (*path, key),
                    value,
                    f"{key}.{language}",
                    Text(f"「{key}」缺少 {language} 文字；请补写", f"'{key}' has no {language} wording; add it"),
                )
        return Text(str(words.get("zh") or ""), str(words.get("en") or ""))

    def refuse_unknown(self, table: Mapping[str, Any], path: tuple[str, ...], known: Iterable[str]) -> None:
        """Note each key that nobody reads, so that a misspelt one is not silently ignored."""
        names = sorted(known)
        for key in table:
            if key not in names:
                self.add(
                    "declaration.unknown_key",
                    (*path, key),
                    key,
                    ", ".join(names),
                    Text(
                        f"「{key}」不是这里的键；可用：{'、'.join(names)}",
                        f"'{key}' is not a key here; there are: {', '.join(names)}",
                    ),
                )


def raise_findings(findings: Iterable[Finding], error: type[Yours] = DeclarationError) -> None:
    """Raise all findings of a load together; do nothing when there are none."""
    collected = list(findings)
    if collected:
        raise error(collected)
