"""The words of heads: what a head says once width, brackets, units and separators are set aside."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.written_units import find_factor, is_unit

LONGEST_HEAD, LONGEST_TITLE = 200, 1_000
_BRACKETS = re.compile(r"[(\[【〔{]([^()\[\]【】〔〕{}]*)[)\]】〕}]")
_UNIT_TAIL = (
    re.compile(r"^(.+)[:/,、;_\s]+([^:/,、;_\s]+[_\s][^:/,、;_\s]+)$"),
    re.compile(r"^(.+)[:/,、;_\s]+([^:/,、;_\s]+)$"),
)
_PERCENT_TAIL = re.compile(r"^(.+?)\s*([%‰])$")
# Words of a lower head that mean "the figure itself" under an upper head that names it.
VALUE_WORDS = frozenset(
    "绝对额 绝对数 绝对值 绝对量 金额 数值 数额 总量 总额 本期 本期数 实绩 完成数 数量 值 value amount".split()
)
UNIT_HEADS = frozenset(("单位", "计量单位", "数据单位", "unit"))
_NOTE = re.compile(
    r"(?<![\w])(?:计量|金额|数据|面积|货币|人口)?单位\s*(?:[:：]|均?[为是])\s*"
    r"([^()（）;；。\s]+(?:\s*[、,，/和及]\s*[^()（）;；。\s]+)*)"
)
_NOTE_PARTS = re.compile(r"[、,，/和及]")
_REPORT_DAY = re.compile(
    r"(?:填报|制表|上报|报送|打印|印制|填表|发布|导出)\s*(?:日期|时间)?\s*[:：]?\s*\d{4}[年\-/.]\d{1,2}[月\-/.]\d{1,2}日?"
)
_PERIODS = re.compile(
    r"\d{4}年?(?:Q1-Q[2-4]|Q[1-4])"
    r"|\d{4}年(?:0?1月?[-至]\d{1,2}月份?|前三季度|前\d{1,2}个月|上半年|第?[1-4]季度|\d{1,2}月\d{1,2}日|\d{1,2}月份?|全年|度|年?[末底])?"
    r"|\d{4}-\d{2}(?:-\d{2}|\.\.\d{2})?(?!\d)",
    re.IGNORECASE,
)
_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")


# What offices usually write above the only region or period of a table, whether or not its contract lists it.
_USUAL: dict[str, list[str]] = {
    "region": (
        "地区 区域 地域 行政区 行政区划 行政区划代码 区划代码 地区名称 地区代码 单位名称 市 地市 设区市 市县 区县 县区 县市区 区县名称 "
        "乡镇 乡镇街道 镇街 街道 村 村社区 行政村 region area adcode county city"
    ).split(),
    "period": "时期 时间 年份 年度 年 月份 季度 统计时间 统计期 报告期 所属期 数据时间 日期 period year month date".split(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeadWord:
    """A head taken apart: its names with and without the unit, its barest name, and the unit it says."""

    names: tuple[str, ...]
    bare: str
    unit: str

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name it goes by."""
        return tuple(dict.fromkeys(name for name in (*self.names, self.bare) if name))

    def strength(self, known: frozenset[str]) -> int:
        """How surely it is known: 4 by a full name, 3 by its barest, 0 not at all."""
        return 4 if any(name in known for name in self.names) else 3 if self.bare in known else 0


def squash(word: str) -> str:
    """Keep letters, digits and characters only, in lower case."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", word)).lower()


@lru_cache(8192)
def split_head(text: str) -> HeadWord:
    """Take a head apart.

    Examples
    --------
    >>> split_head("人均可支配收入（万 元）")
    HeadWord(names=('人均可支配收入万元', '人均可支配收入'), bare='人均可支配收入', unit='万元')
    """
    if len(text) > LONGEST_HEAD:
        return HeadWord((), "", "")
    word = re.sub(r"\s*\n\s*", "", unicodedata.normalize("NFKC", text.replace("㎡", "m2"))).strip()
    unit = ""
    for inside in _BRACKETS.findall(word):
        if is_unit(re.sub(r"\s", "", inside)):
            unit = re.sub(r"\s", "", inside)
    without_unit = _BRACKETS.sub(lambda m: "" if is_unit(re.sub(r"\s", "", m[1])) else m[0], word).strip()
    bare = _BRACKETS.sub("", word).strip()
    tail = "" if unit else bare
    for pattern in (_PERCENT_TAIL, *_UNIT_TAIL):
        match = pattern.match(tail)
        if match and is_unit(match[2]):
            bare, unit = match[1], match[2]
            break
    names = dict.fromkeys(squash(w) for w in (word, without_unit))
    return HeadWord(tuple(n for n in names if n), squash(bare), unit)


@dataclass(frozen=True, slots=True)
class Known:
    """Every wording of a contract: by field, and by code for a sheet that is spread."""

    fields: dict[str, frozenset[str]]
    usual: dict[str, frozenset[str]]
    codes: dict[str, frozenset[str]]
    value: str
    period: str

    @classmethod
    def of(cls, contract: Contract) -> Known:
        """Collect the names, titles and heads of each field."""
        fields = {f.name: _names((f.name, f.title.zh, f.title.en, *f.heads)) for f in contract.fields}
        spread = contract.spread
        codes: dict[str, list[str]] = {}
        if spread:
            for head, code in spread.heads.items():
                codes.setdefault(code, []).append(head)
        numbers = [f for f in contract.fields if f.type in ("integer", "measure")]
        numbers = [f for f in numbers if f.required] if len(numbers) > 1 else numbers
        value = spread.value if spread else (numbers[0].name if len(numbers) == 1 else "")
        first = contract.period_field
        period = first if first and contract.get_field(first).type == "period" else ""
        usual = {}
        for kind, words in _USUAL.items():
            alike = [f.name for f in contract.fields if f.type == kind]
            if len(alike) == 1:
                usual[alike[0]] = _names(words)
        return cls(fields, usual, {code: _names(words) for code, words in codes.items()}, value, period)

    def split_path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Part heads that say two things at once: 2021年收入, 城镇居民人均可支配收入."""
        parts: list[str] = []
        for word in path:
            rest = unicodedata.normalize("NFKC", word).strip()
            period = _PERIODS.match(rest) if self.period else None
            if period and period.end() < len(rest):
                parts.append(period[0])
                rest = rest[period.end() :]
            group = max((n for names in self.codes.values() for n in names if rest.startswith(n)), key=len, default="")
            if group and squash(rest) != group:
                parts.append(group)
                rest = rest[len(group) :]
            parts.append(rest)
        return tuple(parts)


def _names(words: tuple[str, ...] | list[str]) -> frozenset[str]:
    return frozenset(name for word in words for name in split_head(word).all_names)


def list_heads(contract: Contract, field: Field) -> str:
    """The heads that may stand above a field, for a message."""
    words = [field.title.zh, *field.heads, field.name]
    if contract.spread and field.name == contract.spread.value:
        words += list(contract.spread.heads)
    return " / ".join(dict.fromkeys(w for w in words if w))


def say_closest(names: frozenset[str], heads: list[tuple[str, str]]) -> Text:
    """Name the head that is nearest to a missing one, with its cell; empty when none is near."""
    by_name = {squash(head): (head, cell) for head, cell in heads}
    for name in sorted(names, key=len, reverse=True):
        near = get_close_matches(name, list(by_name), 1, 0.5)
        if near:
            head, cell = by_name[near[0]]
            return Text(f"；最接近的是「{head}」（{cell}）", f"; the nearest is '{head}' ({cell})")
    return Text("", "")


def find_unit_notes(texts: list[str]) -> list[str]:
    """Return the units that notes such as 单位：万元、% say; the name of an office behind 单位 is not a unit."""
    found: list[str] = []
    for text in texts:
        for match in _NOTE.finditer(unicodedata.normalize("NFKC", text[:LONGEST_TITLE])):
            whole = re.sub(r"\s", "", match[1])
            parts = [whole] if is_unit(whole) else _NOTE_PARTS.split(whole)
            found += [part for part in parts if is_unit(part)]
    return list(dict.fromkeys(found))


def is_unit_note(text: str) -> bool:
    """True for a cell that is nothing but a unit note, such as （单位：万元）."""
    word = unicodedata.normalize("NFKC", text).strip(" ()[]")
    return bool(_NOTE.match(word)) and bool(find_unit_notes([word]))


def choose_unit(notes: tuple[str, ...], field: Field) -> list[str]:
    """Return those of the noted units that convert to a field's unit."""
    return [note for note in notes if field.unit and find_factor(note, field.unit) is not None]


def find_period(text: str) -> Period | None:
    """Return the one period that a title speaks of; None when there is none, or several.

    Examples
    --------
    >>> find_period("2020年1—9月各市城乡居民收入"), find_period("二〇二一年"), find_period("2020年与2021年对比")
    (Period('2020-01..09'), Period('2021'), None)
    """
    word = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    word = re.sub(
        r"[〇零一二三四五六七八九]{4}(?=年)|(?<!前)[一二三四](?=季度)", lambda m: m[0].translate(_DIGITS), word
    )
    word = _REPORT_DAY.sub("", re.sub(r"[—–~～〜到]", "-", word))
    word = re.sub(r"(\d{4})年1-([2-4])季度", r"\1Q1-Q\2", word)
    found = {period for match in _PERIODS.findall(word) if (period := Period.find(match)) is not None}
    return found.pop() if len(found) == 1 else None
