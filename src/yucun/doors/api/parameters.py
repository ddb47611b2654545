"""What may be asked again and again: an indicator, a region, a period, a moment of the journal, a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yucun.base.clock import CHINA
from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import LEVEL_TITLES, LEVELS, RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.doors.api.asking import FORMS, Parameter

if TYPE_CHECKING:
    from yucun.city import City

REGION = "^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$"
_YEAR = "(19|20)[0-9]{2}"
# Real days only, so that whatever keeps to the pattern is a day.
DAY = (
    f"({_YEAR}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    "|(19(0[48]|[2468][048]|[13579][26])|20(0[048]|[2468][048]|[13579][26]))-02-29)"
)
PERIOD = f"^({_YEAR}|{_YEAR}Q[1-4]|{_YEAR}-(0[1-9]|1[0-2])|{DAY}|{_YEAR}-01\\.\\.(0[1-9]|1[01]))$"
_TIME = "T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
_AS_OF = f"^([1-9][0-9]{{0,14}}|{DAY}({_TIME})?)$"
# No control characters: nothing that people search for has any.
_WORDS = r"^[^\x00-\x1f\x7f]+$"
FREE_WORDS: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": _WORDS}


def choose_indicator(city: City, place: str = "query") -> Parameter:
    """The indicator's id."""
    ids = sorted(city.indicators)
    return Parameter(
        "indicator",
        "path" if place == "path" else "query",
        Text("指标编号", "id of the indicator"),
        {"type": "string", "enum": ids},
        example=ids[0] if ids else "",
        required=True,
    )


def choose_table(city: City, *, required: bool = False) -> Parameter:
    """The name of a table."""
    names = sorted(city.contracts)
    return Parameter(
        "table",
        "query",
        Text("表名", "name of the table"),
        {"type": "string", "enum": names},
        example=names[0] if names else "",
        required=required,
    )


def choose_region(
    city: City, name: str = "region", place: str = "query", *, required: bool = True, meaning: Text | None = None
) -> Parameter:
    """A statistical division code that the registry knows."""

    def read(word: str) -> RegionCode:
        code = RegionCode.parse(word)
        if code not in city.regions:
            city.regions.get(code)
        return code

    return Parameter(
        name,
        "path" if place == "path" else "query",
        meaning or Text("统计区划代码：2、4、6、9 或 12 位", "statistical division code of 2, 4, 6, 9 or 12 digits"),
        {"type": "string", "pattern": REGION},
        read,
        example=city.place.region.short,
        required=required,
    )


def choose_period(name: str = "period", *, required: bool = False, example: str = "2021") -> Parameter:
    """A period in canonical text."""
    return Parameter(
        name,
        "query",
        Text(
            "时期：2021、2021Q3、2021-03、2021-03-31，或累计 2020-01..09",
            "a period: 2021, 2021Q3, 2021-03, 2021-03-31, or cumulative 2020-01..09",
        ),
        {"type": "string", "pattern": PERIOD},
        Period.parse,
        example,
        required,
    )


def choose_level() -> Parameter:
    """A level of regions."""
    said = "、".join(f"{level} {LEVEL_TITLES[level].zh}" for level in LEVELS)
    return Parameter(
        "level",
        "query",
        Text(f"行政层级：{said}", "level of the regions"),
        {"type": "string", "enum": list(LEVELS)},
        example="county",
    )


def choose_moment(city: City) -> Parameter:
    """As of when: a journal seq, a day, or an instant."""
    return Parameter(
        "as_of",
        "query",
        Text(
            "按当时所知：日志序号、日期（当日终了）或带时区的时刻；不写即现在",
            "as it was known then: a journal seq, a day (its end), or an instant with its zone; now, if it is left out",
        ),
        {"type": "string", "pattern": _AS_OF},
        _make_moment(city),
        example="1",
    )


def _make_moment(city: City) -> Callable[[str], int]:
    def read(word: str) -> int:
        with city.books.read() as tx:
            last = tx.last_seq()
            seq = int(word) if word.isdecimal() else tx.seq_at(_instant(word))
        if not 1 <= seq <= last:
            raise NotKnown(
                Finding(
                    "api.as_of",
                    "as_of",
                    word,
                    f"1 .. {last}",
                    Text(
                        f"日志现有第 1 至 {last} 行，没有「{word}」这一刻；请改用其中的序号或更晚的日期",
                        f"the journal holds lines 1 to {last}; '{word}' is not a moment of it. Use a seq in that range or a later day",
                    ),
                    "as_of",
                )
            )
        return seq

    return read


def _instant(word: str) -> datetime:
    if "T" in word:
        return datetime.fromisoformat(word).astimezone(CHINA)
    return datetime.fromisoformat(word).replace(tzinfo=CHINA) + timedelta(days=1, milliseconds=-1)


def choose_purpose(city: City) -> Parameter:
    """Why personal data are read."""
    names = sorted(city.rules.purposes)
    listed = "|".join(re.escape(name) for name in names)
    return Parameter(
        "purpose",
        "query",
        Text(
            f"为何读取个人数据；须为读者所持有的目的：{'、'.join(names)}，或 request.编号（数据申请）",
            f"why personal data are read, one that the reader holds: {', '.join(names)}, or request.NUMBER of a data request",
        ),
        {"type": "string", "pattern": rf"^({listed}|request\.[1-9][0-9]{{0,11}})$"},
        example=names[0] if names else "",
    )


def choose_limit(default: int = 100, most: int = 1000) -> Parameter:
    """How many rows a page holds."""
    return Parameter(
        "limit",
        "query",
        Text(f"每页行数，默认 {default}", f"rows of a page; {default} if it is left out"),
        {"type": "integer", "minimum": 1, "maximum": most, "default": default},
        example=default,
    )


def choose_cursor() -> Parameter:
    """The place of the next page, as the page before gave it."""
    return Parameter(
        "cursor",
        "query",
        Text("下一页的位置，取自上一页的 next", "place of the next page, as `next` of the page before gave it"),
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{4,800}$"},
        example="",
    )


def choose_form() -> Parameter:
    """The form of the answer; it goes before the header ``Accept``."""
    return Parameter(
        "format",
        "query",
        Text("格式，优先于 Accept 头", "form of the answer; goes before the header Accept"),
        {"type": "string", "enum": list(FORMS)},
        example="csv",
    )


def choose_words(name: str, meaning: Text, *, required: bool = False, most: int = 120, example: str = "") -> Parameter:
    """Free words."""
    return Parameter(
        name,
        "query",
        meaning,
        {"type": "string", "minLength": 1, "maxLength": most, "pattern": _WORDS},
        example=example,
        required=required,
    )


def choose_code(
    name: str, meaning: Text, codes: Iterable[str], place: str = "query", *, required: bool = False
) -> Parameter:
    """One of a closed list."""
    names = list(codes)
    return Parameter(
        name,
        "path" if place == "path" else "query",
        meaning,
        {"type": "string", "enum": names},
        example=names[0] if names else "",
        required=required,
    )


def choose_key(name: str, meaning: Text, pattern: str, example: str) -> Parameter:
    """A key in the path."""
    return Parameter(name, "path", meaning, {"type": "string", "pattern": pattern}, example=example, required=True)


def is_clean(value: Any) -> bool:
    """True when a text keeps to what free words may hold."""
    return isinstance(value, str) and len(value) <= FREE_WORDS["maxLength"] and re.fullmatch(_WORDS, value) is not None
