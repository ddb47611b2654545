"""Written names of regions: how offices write them, and which regions they may mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from yucun.base.errors import NotKnown
from yucun.base.identity import Level, RegionCode
from yucun.kernel.registry.model import Region

# The ending that is left out in speech, by level, longest first.
_ENDINGS: dict[Level, tuple[str, ...]] = {
    "province": ("省", "自治区", "市"),
    "city": ("地区", "自治州", "市", "州"),
    "county": ("自治县", "县", "区", "市"),
    "town": ("街道办事处", "街道", "镇", "乡"),
    "village": ("社区居委会", "村委会", "居委会", "社区", "村"),
}
# Other full wordings of one ending.
_SAME_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("街道", ("街道办事处", "街道办")),
    ("镇", ("镇人民政府",)),
    ("乡", ("乡人民政府",)),
    ("社区居委会", ("社区居民委员会", "社区")),
    ("村委会", ("村民委员会", "村村民委员会", "村村委会", "村", "")),
    ("居委会", ("居民委员会", "社区")),
)
_ENGLISH_ENDING = re.compile(
    r"\s+(province|city|district|county|sub-district|subdistrict|town|township|village|community)$"
)
_BETWEEN = re.compile(r"[\s/\\|>·、，,;；\-—_]+")


def normalise(word: str) -> str:
    """Write a name in one way: half-width, without the marks between parts, English in small letters.

    Examples
    --------
    >>> normalise("浙江省 / 湖州市"), normalise("Wuxing  District")
    ('浙江省湖州市', 'wuxing district')
    """
    text = unicodedata.normalize("NFKC", word).strip().casefold()
    if text.isascii():
        return re.sub(r"\s+", " ", text)
    return _BETWEEN.sub("", text)


def full_names(region: Region) -> list[str]:
    """Every wording that says the whole name, kind included."""
    zh, en = normalise(region.name.zh), normalise(region.name.en)
    names = [zh, en] if en else [zh]
    for ending, others in _SAME_ENDINGS:
        if zh.endswith(ending) and len(zh) > len(ending) + 1:
            names += [
                zh.removesuffix(ending) + other for other in others if other or zh.removesuffix(ending).endswith("村")
            ]
            break
    return list(dict.fromkeys(names))


def short_names(region: Region) -> list[str]:
    """The wordings that leave the kind out: 湖州, 南浔, Wuxing."""
    zh, en = normalise(region.name.zh), normalise(region.name.en)
    ending = next((e for e in _ENDINGS[region.level] if zh.endswith(e) and len(zh) - len(e) >= 2), "")
    names = [zh.removesuffix(ending)] if ending else []
    if ending == "自治县":
        # 景宁畲族自治县 is 景宁 or 景宁县 in speech.
        plain = re.sub(r"[\u4e00-\u9fff]族$", "", names[0])
        names += [plain, f"{plain}县"]
    english = _ENGLISH_ENDING.sub("", en)
    if english and english != en:
        names.append(english)
    return list(dict.fromkeys(names))


class NameIndex:
    """All written names of a set of regions, and the codes that each may mean."""

    __slots__ = ("_full", "_longest", "_short", "_versions")

    def __init__(self, versions: Mapping[RegionCode, tuple[Region, ...]]) -> None:
        self._versions = versions
        self._full = _collect(versions, full_names)
        self._short = _collect(versions, short_names)
        self._longest = max((len(name) for name in (*self._full, *self._short)), default=0)

    def find(self, word: str, on: date | None) -> list[RegionCode]:
        """Return the codes that one written word may mean on a day: none, one or several.

        A full name wins over one that leaves the kind out. A path (浙江省湖州市吴兴区, 湖州吴兴) is read from
        its end: the last part names the region and what stands before it must name regions above it.
        """
        text = normalise(word)
        if not text:
            return []
        if text.isdecimal():
            return self._find_code(text, on)
        for names in (self._full, self._short):
            direct = {r.code for r in names.get(text, ()) if r.is_valid(on)}
            if direct:
                return sorted(direct)
        return [] if text.isascii() else self._find_path(text, on)

    def _find_code(self, text: str, on: date | None) -> list[RegionCode]:
        try:
            code = RegionCode.parse(text)
        except NotKnown:
            return []
        return [code] if self._version(code, on) else []

    def _find_path(self, text: str, on: date | None) -> list[RegionCode]:
        for start in range(max(1, len(text) - self._longest), len(text) - 1):
            head, tail = text[:start], text[start:]
            for names in (self._full, self._short):
                fitting = [r for r in names.get(tail, ()) if r.is_valid(on) and self._is_above(head, r, on)]
                near = [r for r in fitting if self._is_right_above(head, r, on)]
                if fitting:
                    return sorted({r.code for r in near or fitting})
        return []

    def _is_right_above(self, head: str, region: Region, on: date | None) -> bool:
        """True when the words end with a name of the parent itself: 湖州南浔 is the district, not its town."""
        parent = self._version(region.parent, on)
        return parent is not None and head.endswith((*full_names(parent), *short_names(parent)))

    def _is_above(self, head: str, region: Region, on: date | None) -> bool:
        """True when the words before a name are names of regions above it, in their order."""
        above = self._version(region.parent, on)
        while above is not None:
            for name in (*full_names(above), *short_names(above)):
                if head == name or (head.endswith(name) and self._is_above(head.removesuffix(name), above, on)):
                    return True
            above = self._version(above.parent, on)
        return False

    def _version(self, code: RegionCode | None, on: date | None) -> Region | None:
        return next((v for v in self._versions.get(code, ()) if v.is_valid(on)), None) if code else None


def choose_by_column(
    found: Mapping[str, Sequence[RegionCode]], level_of: Callable[[RegionCode], Level]
) -> dict[str, list[RegionCode]]:
    """Settle words of one column by its other words: 南浔 among 吴兴区, 德清县 and 安吉县 is the district.

    A word that may mean regions of several levels takes the level of the column's clear words, if exactly one
    of its candidates has it; otherwise it stays with all its candidates.
    """
    clear = {level_of(codes[0]) for codes in found.values() if len(codes) == 1}
    settled: dict[str, list[RegionCode]] = {}
    for word, codes in found.items():
        fitting = [code for code in codes if level_of(code) in clear]
        settled[word] = fitting if len(codes) > 1 and len(fitting) == 1 else list(codes)
    return settled


def _collect(
    versions: Mapping[RegionCode, tuple[Region, ...]], names_of: Callable[[Region], Iterable[str]]
) -> dict[str, tuple[Region, ...]]:
    names: dict[str, list[Region]] = {}
    for held in versions.values():
        for region in held:
            for name in names_of(region):
                names.setdefault(name, []).append(region)
    return {name: tuple(held) for name, held in names.items()}
