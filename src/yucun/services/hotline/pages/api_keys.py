"""Keys of programs that may send requests: kept as hashes in the city's data folder, told once when they are made."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from pathlib import Path

from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Text

_FILE = "open311-keys.json"
_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")


def make_api_key(folder: Path, name: str) -> str:
    """Make a key for a program; its earlier key is void. The file holds only its hash.

    Raises
    ------
    PlaceError
        If the name is not one.
    """
    if not _NAME.fullmatch(name):
        raise PlaceError(Finding("open311.key_name", "name", name[:60], _NAME.pattern, Text(
            "名称应为小写字母、数字和连字符，2 至 40 个字符", "a name has 2 to 40 small letters, digits and hyphens")))  # fmt: skip
    key = secrets.token_urlsafe(24)
    kept = {**_read(folder), name: _hash(key)}
    path = folder / _FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(kept, indent=1, sort_keys=True), encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(path)
    return key


def find_program(folder: Path, key: str) -> str:
    """The program that a key belongs to; empty when it is nobody's."""
    sealed = _hash(key)
    return next((name for name, kept in _read(folder).items() if hmac.compare_digest(kept, sealed)), "")


def _read(folder: Path) -> dict[str, str]:
    path = folder / _FILE
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
