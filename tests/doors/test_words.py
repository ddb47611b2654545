"""The catalogue of the pages: both languages, every use has its key, every key has its use, and places are filled alike."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest

import yucun
from yucun.base.errors import DeclarationError
from yucun.doors.pages.catalogue import WEB, Catalogue, read_catalogue, words
from yucun.kernel.indicators.model import Kind
from yucun.kernel.lake.contract import FieldType, Sensitivity

DOORS = Path(yucun.__file__).parent / "doors"
# Uses whose last part is chosen while running: t("frame.theme_" ~ theme), words()[f"kind.{indicator.kind}"].
_WHOLE = re.compile(
    r'(?:\bt\(|words\(\)\[|words\(\)\.fill\(\s*|catalogue\[|catalogue\.fill\(\s*|words\(\)\[)["\']([\w.\-]+)["\']'
)
_STARTED = re.compile(r'\bt\(["\']([\w.\-]+)["\']\s*~|(?:words\(\)|catalogue)(?:\[|\.fill\(\s*)f["\']([\w.\-]+?)\{')
_QUOTED = re.compile(r'["\']([a-z_]+\.[\w\-]+)["\']')


def _texts() -> list[str]:
    files = [*(WEB / "templates").glob("*.html"), *(DOORS / "pages").glob("*.py"), *(DOORS / "open").glob("*.py")]
    return [file.read_text(encoding="utf-8") for file in files]


def test_every_use_has_its_key() -> None:
    used = {key for text in _texts() for key in _WHOLE.findall(text) if not key.endswith(("_", "."))}
    assert len(used) > 100
    assert sorted(used - set(words())) == []


def test_every_key_has_its_use() -> None:
    texts = _texts()
    whole = {key for text in texts for key in (*_WHOLE.findall(text), *_QUOTED.findall(text))}
    started = tuple({a or b for text in texts for a, b in _STARTED.findall(text)})
    unused = [key for key in words() if key not in whole and not key.startswith(started)]
    assert unused == []


def test_every_kind_that_a_model_knows_has_its_words() -> None:
    kinds = {"kind": get_args(Kind), "type": get_args(FieldType), "level": get_args(Sensitivity)}
    wanted = {f"{start}.{one}" for start, known in kinds.items() for one in known}
    assert len(wanted) > 20
    assert sorted(wanted - set(words())) == []


def test_both_languages_fill_the_same_places() -> None:
    def places(word: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(word) if name}

    differing = [key for key, text in words().items() if places(text.zh) != places(text.en)]
    assert differing == []


def test_chinese_is_chinese_and_english_is_not() -> None:
    han = re.compile(r"[一-鿿]")
    assert [key for key, text in words().items() if han.search(text.en)] == []
    without = [
        key for key, text in words().items() if not han.search(text.zh) and not text.zh.startswith(("「", "{", "、"))
    ]
    assert without == []


def test_a_missing_language_is_a_finding_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "text.toml"
    path.write_text('[nav]\ncity = { zh = "城市" }\n', encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        read_catalogue(path)
    assert [f.where for f in raised.value.findings] == ["text.toml:2"]


def test_a_missing_key_is_a_programmers_error() -> None:
    with pytest.raises(KeyError):
        Catalogue({})["nav.city"]
