"""Checking one record that comes typed, from a form, an API or a decision; the same sentences as for a file."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from yucun.base.clock import CHINA
from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.lake.checking import tell, words
from yucun.kernel.lake.checking.model import RegionBook
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.findings import make_finding, shorten

_Answer = tuple[Any, str | None]
_NOT_TEXT = "record.not_text"
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST, _LAST = -(1 << 63), (1 << 63) - 1


def check_record(
    contract: Contract, body: Mapping[str, Any], regions: RegionBook, today: date, *, also: Collection[str] = ()
) -> tuple[dict[str, Any], list[Finding]]:
    """Check one record of JSON values.

    Parameters
    ----------
    contract : Contract
        What it must keep.
    body : mapping
        Values by field; whole numbers in the kept unit, days and instants as ISO 8601 text.
    also : collection of str
        Names that may stand beside the fields.

    Returns
    -------
    dict, list of Finding
        The record in its canonical form (absent and blank fields are None), and everything that is wrong with it.
    """
    names = {field.name for field in contract.fields}
    findings = [_unknown(contract, name, body[name]) for name in body if name not in names and name not in also]
    row: dict[str, Any] = {}
    for field in contract.fields:
        value = body.get(field.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            row[field.name] = None
            kind = "lake.required" if field.required else None
        else:
            row[field.name], kind = _judge(field, value, regions, today)
        if kind is not None:
            findings.append(_find(contract, field, kind, value, today))
    return row, findings


def _judge(field: Field, value: Any, regions: RegionBook, today: date) -> _Answer:
    match field.type:
        case "integer":
            return _judge_integer(field, value)
        case "measure":
            return _judge_measure(field, value)
        case "boolean" if isinstance(value, bool):
            return value, None
        case "code" if isinstance(value, str) and value in (field.code_words or {}):
            # Written as the contract has it; anything else is read as a person would mean it.
            return (field.code_words or {})[value], None
        case "date" if isinstance(value, str) and _ISO_DAY.fullmatch(value):
            return _judge_day(field, value, today)
        case "region":
            word = words.read_regions(field, [str(value)], regions, today)[str(value)]
            return word.value, word.problem
        case "instant":
            return _judge_instant(field, value, today)
        case "text":
            return _judge_text(field, value)
        case _:
            word = words.read_words(field, [str(value)], today)[str(value)]
            return (word.value.isoformat() if isinstance(word.value, date) else word.value), word.problem


def _judge_integer(field: Field, value: Any) -> _Answer:
    if type(value) is str and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if type(value) is not int:
        return None, "lake.not_a_number"
    if not _FIRST <= value <= _LAST:
        return None, "lake.overflow"
    return value, _judge_range(field, value)


def _judge_measure(field: Field, value: Any) -> _Answer:
    if type(value) not in (int, float) or not math.isfinite(value):
        return None, "lake.not_a_number"
    return float(value), _judge_range(field, value)


def _judge_range(field: Field, value: float) -> str | None:
    is_low = field.low is not None and value < field.low
    return "lake.out_of_range" if is_low or (field.high is not None and value > field.high) else None


def _judge_text(field: Field, value: Any) -> _Answer:
    if not isinstance(value, str):
        return None, _NOT_TEXT
    if len(value) > field.max_length:
        return value, "lake.too_long"
    if field.pattern and not re.search(f"^(?:{field.pattern})$", value):
        return value, "lake.pattern"
    return value, None


def _judge_day(field: Field, value: str, today: date) -> _Answer:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None, "lake.not_a_date"
    return value, "lake.future" if day > today and not field.may_be_future else None


def _judge_instant(field: Field, value: Any, today: date) -> _Answer:
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return None, "lake.not_an_instant"
    instant = instant.replace(tzinfo=instant.tzinfo or CHINA)
    is_future = instant.astimezone(CHINA).date() >= today + timedelta(days=1)
    kind = "lake.future" if is_future and not field.may_be_future else None
    return instant.astimezone(CHINA).isoformat(timespec="milliseconds"), kind


def _find(contract: Contract, field: Field, kind: str, value: Any, today: date) -> Finding:
    if kind == _NOT_TEXT:
        return Finding(kind, contract.name, shorten(value), "text", Text(
            f"「{field.title.zh}」应为文字，现为 {shorten(value)}；请改成文字",
            f"'{field.title.en}' should be text, it is {shorten(value)}; write it as text"), field.name)  # fmt: skip
    shown = "" if value is None else value
    return make_finding(kind, contract.name, shown, tell.expect(field, kind, today), field=field.title, key=field.name)


def _unknown(contract: Contract, name: str, value: Any) -> Finding:
    known = ", ".join(field.name for field in contract.fields)
    return Finding("record.unknown_field", contract.name, shorten(value), known[:400], Text(
        f"「{contract.title.zh}」没有字段「{shorten(name)}」；可用：{known}",
        f"'{contract.title.en}' has no field '{shorten(name)}'; there are: {known}"), shorten(name))  # fmt: skip
