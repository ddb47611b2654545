"""Words with a closed meaning (regions, periods, days, codes, yes and no): each distinct one is understood once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.lake.checking.model import RegionBook
from yucun.kernel.lake.contract import Field

PERIOD_FORMS = "2021, 2021Q3, 2021-03, 2021-03-31, 2020-01..09, 2021年, 2022年3月, 2020年1-9月"
DAY_FORMS = "2021-03-31, 2021/3/31, 2021年3月31日, 20210331"
YES_NO_FORMS = "是 / 否, yes / no, 1 / 0"
_YES = frozenset("是 有 对 真 √ ✓ ✔ y yes true t 1".split())
_NO = frozenset("否 无 不 没有 错 假 × ✗ ✘ x n no false f 0".split())
_EPOCH = date(1899, 12, 30)
_SERIALS = range(20_000, 80_000)
_POINT_ZERO = re.compile(r"\.0+$")
_SHORTENED = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")


@dataclass(frozen=True, slots=True)
class Word:
    """What one word means: its value, or the kind of finding and a word for its sentence."""

    value: object = None
    problem: str | None = None
    more: str | None = None


def plain(word: str) -> str:
    """Return a word in usual width without spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", word))


def read_period(word: str) -> Period | None:
    """Read a period, also one that a spreadsheet turned into a number of days or a year with a point."""
    text = _POINT_ZERO.sub("", plain(word)) if word.rstrip("0").endswith(".") else word
    text = re.sub(r"[ T]00:00(?::00(?:\.0+)?)?$", "", text.strip())
    found = Period.find(text)
    if found is None and (day := _read_serial(text)) is not None:
        return Period.day(day)
    return found


def read_day(word: str) -> date | None:
    """Read a day."""
    text = _POINT_ZERO.sub("", plain(word))
    if re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    period = Period.find(text.removesuffix("00:00:00").removesuffix("T"))
    return period.start if period is not None and period.kind == "day" else _read_serial(text)


def _read_serial(text: str) -> date | None:
    return _EPOCH + timedelta(int(text)) if re.fullmatch(r"\d{5}", text) and int(text) in _SERIALS else None


def read_words(field: Field, words: Iterable[str], today: date) -> dict[str, Word]:
    """Understand the distinct words of a field of type period, date, boolean or code."""
    match field.type:
        case "period":
            return {w: _judge_period(read_period(w), field, today) for w in words}
        case "date":
            return {w: _judge_day(read_day(w), field, today) for w in words}
        case "boolean":
            return {w: _judge_yes(plain(w).lower()) for w in words}
        case _:
            known = {plain(word).lower(): code for word, code in (field.code_words or {}).items()}
            found = ((w, known.get(_POINT_ZERO.sub("", plain(w)).lower())) for w in words)
            return {w: Word(code) if code is not None else Word(problem="lake.unknown_code") for w, code in found}


def _judge_period(period: Period | None, field: Field, today: date) -> Word:
    if period is None:
        return Word(problem="lake.not_a_period")
    if period.end > today and not field.may_be_future:
        return Word(period.text, "lake.future")
    return Word(period.text)


def _judge_day(day: date | None, field: Field, today: date) -> Word:
    if day is None:
        return Word(problem="lake.not_a_date")
    return Word(day, "lake.future" if day > today and not field.may_be_future else None)


def _judge_yes(word: str) -> Word:
    if word in _YES or word in _NO:
        return Word(word in _YES)
    return Word(problem="lake.not_yes_or_no")


def read_regions(field: Field, words: Iterable[str], book: RegionBook, on: date) -> dict[str, Word]:
    """Understand the distinct words of a region field on a day.

    A word that names several regions is settled by the contract's levels when exactly one of them is allowed.
    """
    asked = {word: _plain_name(word) for word in words}
    answers = book.resolve(sorted({w for w in asked.values() if not _SHORTENED.fullmatch(w)}), on)
    return {word: _judge_region(text, answers.get(text, []), field) for word, text in asked.items()}


def _plain_name(word: str) -> str:
    """A region as it is asked for: usual width, no spaces within Chinese names, no point behind a code."""
    text = unicodedata.normalize("NFKC", word)
    text = re.sub(r"\s+", " ", text).strip() if text.isascii() else plain(word)
    return _POINT_ZERO.sub("", text) if text[:1].isdigit() else text


def _judge_region(text: str, candidates: list[RegionCode], field: Field) -> Word:
    if _SHORTENED.fullmatch(text):
        return Word(problem="lake.code_shortened")
    if not candidates:
        return Word(problem="lake.unknown_region")
    allowed = [c for c in candidates if not field.levels or c.level in field.levels]
    if not allowed:
        return Word(problem="lake.region_level")
    if len(allowed) > 1:
        return Word(problem="lake.ambiguous_region", more="、".join(sorted(c.short for c in allowed)))
    return Word(str(allowed[0]))


def to_table(words: Mapping[str, Word], kind: pa.DataType) -> pa.Table:
    """Return understood words as columns ``word``, ``value``, ``problem`` and ``more``."""
    return pa.table(
        {
            "word": pa.array(list(words), pa.string()),
            "value": pa.array([w.value for w in words.values()], kind),
            "problem": pa.array([w.problem for w in words.values()], pa.string()),
            "more": pa.array([w.more for w in words.values()], pa.string()),
        }
    )


def end_of(word: str, kind: str) -> date | None:
    """Return the last day of a period or day as written; None when it cannot be read."""
    if kind == "period":
        period = read_period(word)
        return period.end if period else None
    return read_day(word) if kind == "date" else None
