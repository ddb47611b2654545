"""A sentence in Chinese and in English: every title, message and finding that a person may meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One meaning in both languages.

    Examples
    --------
    >>> Text("湖州市", "Huzhou").of("en")
    'Huzhou'
    >>> Text("差 {n} 行", "{n} rows short").fill(n=3).zh
    '差 3 行'
    """

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """Return the wording in ``language``."""
        return self.zh if language == "zh" else self.en

    def fill(self, **values: object) -> Text:
        """Return the text with ``{name}`` places filled; a `Text` value is filled language by language."""
        zh = {k: v.zh if isinstance(v, Text) else v for k, v in values.items()}
        en = {k: v.en if isinstance(v, Text) else v for k, v in values.items()}
        return Text(self.zh.format(**zh), self.en.format(**en))

    def to_json(self) -> dict[str, str]:
        """Return ``{"zh": …, "en": …}``."""
        return {"zh": self.zh, "en": self.en}

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> Text:
        """Read what `to_json` wrote."""
        return cls(value["zh"], value["en"])

    @classmethod
    def same(cls, word: str) -> Text:
        """Make a text that reads the same in both languages (codes, file names)."""
        return cls(word, word)
