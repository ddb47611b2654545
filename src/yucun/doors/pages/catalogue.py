"""The catalogue of words that pages use: read once from `web/text.toml`, both languages required."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yucun
from yucun.base.declaration import Declaration, raise_findings
from yucun.base.text import Text

WEB = Path(yucun.__file__).parent / "web"


class Catalogue(Mapping[str, Text]):
    """Texts by dotted key; a missing key is a programmer's error and raises `KeyError`."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, key: str) -> Text:
        return self._texts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def fill(self, key: str, **values: object) -> Text:
        """Return a text with its ``{name}`` places filled."""
        return self[key].fill(**values)


def read_catalogue(path: Path) -> Catalogue:
    """Read a catalogue; a key without one of the languages is a finding with file, line and key."""
    declaration = Declaration.read(path)
    texts: dict[str, Text] = {}

    def visit(table: Mapping[str, Any], at: tuple[str, ...]) -> None:
        for key, value in table.items():
            if isinstance(value, dict) and not {"zh", "en"} & value.keys():
                visit(value, (*at, key))
            else:
                texts[".".join((*at, key))] = declaration.take_text(table, at, key)

    visit(declaration.values, ())
    raise_findings(declaration.findings)
    return Catalogue(texts)


@cache
def words() -> Catalogue:
    """The catalogue that ships with the pages."""
    return read_catalogue(WEB / "text.toml")
