"""Units as offices write them (万元, 亩, 千公顷, ``10k person``) and what one of them is in the unit that is kept."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

from yucun.base.quantity import UNITS, WRITTEN_UNITS

_MAGNITUDES: dict[str, int] = {
    "十": 10, "百": 100, "千": 1_000, "万": 10_000, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12,
    "10k": 10_000, "1k": 1_000, "1m": 10**6, "100m": 10**8,
}  # fmt: skip
_BY_LENGTH = sorted(_MAGNITUDES, key=len, reverse=True)
# What stands for the same unit: endings of English column names, and other ways to write it.
_SAME: dict[str, str] = {
    "pct": "%",
    "percent": "%",
    "百分比": "%",
    "rmb": "元",
    "cny": "元",
    "人民币": "元",
    "公里2": "km2",
    "ha": "公顷",
}
_MEASURES: dict[str, dict[str, Fraction]] = {
    "share": {"%": Fraction(1, 100), "‰": Fraction(1, 1000)},
    "times": {"倍": Fraction(1)},
}
# Units that tables carry and that no field of ours is kept in; seen in a head they must not pass unnoticed.
_FOREIGN = re.compile(
    r"(美元|欧元|港元|日元|usd|eur|斤|担|吨|立方米|m3|千瓦时|kwh|度|公里|千米|km|米|辆|台|头|只|株|吨标准煤)$"
)


def plain_unit(written: str) -> str:
    """Return a written unit without width, case, spaces and brackets that do not matter."""
    word = unicodedata.normalize("NFKC", written.replace("㎡", "m2").replace("㎢", "km2"))
    word = word.replace("²", "2").strip(" ()[]:_").lower()
    return _SAME.get(word, word)


@lru_cache(8192)
def find_factor(written: str, unit: str) -> Fraction | None:
    """Return how many kept units of ``unit`` one written unit is; None when it does not convert.

    Examples
    --------
    >>> find_factor("万元", "fen"), find_factor("亩", "m2"), find_factor("美元", "fen")
    (Fraction(1000000, 1), Fraction(2000, 3), None)
    """
    word = plain_unit(written)
    if word == unit:
        return Fraction(1)
    exact = _find_exact(word, unit)
    if exact is not None:
        return exact
    for magnitude in _BY_LENGTH:
        if word.startswith(magnitude):
            rest = word[len(magnitude) :].strip(" _")
            base = Fraction(UNITS[unit].per_shown) if not rest else _find_exact(rest, unit)
            return None if base is None else base * _MAGNITUDES[magnitude]
    return None


def _find_exact(word: str, unit: str) -> Fraction | None:
    for known, (target, factor) in WRITTEN_UNITS.items():
        if target == unit and word == plain_unit(known).replace("_", " "):
            return factor
    title = UNITS[unit].title
    if word and word in {plain_unit(title.zh), plain_unit(title.en), plain_unit(title.zh).removeprefix("个")}:
        return Fraction(UNITS[unit].per_shown)
    return _MEASURES.get(unit, {}).get(word)


@lru_cache(8192)
def is_unit(written: str) -> bool:
    """True for words that are a unit of some field, ours or not, so that a bracket can be told from a remark."""
    word = plain_unit(written)
    if not word:
        return False
    # A kept unit that people do not write (fen, bp) is one when a column is named by it; "index" and "place" are not.
    asked = (name for name, unit in UNITS.items() if name != word or unit.per_shown > 1)
    return bool(_FOREIGN.search(word)) or any(find_factor(word, name) is not None for name in asked)


def list_written(unit: str) -> list[str]:
    """Return the ways in which a unit may be written, for a message."""
    names = [known for known, (target, _) in WRITTEN_UNITS.items() if target == unit]
    title = UNITS[unit].title.zh
    return names if not title or title in names else [*names, title]
