"""Typed identities: a region is not a person, and neither is a string.

Regions carry the statistical division code at one canonical length, twelve digits; people write the
short forms (``33``, ``3305``, ``330502``, ``330502001``), which `RegionCode.parse` accepts.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text

Level = Literal["province", "city", "county", "town", "village"]
LEVELS: tuple[Level, ...] = ("province", "city", "county", "town", "village")
LEVEL_TITLES: dict[Level, Text] = {
    "province": Text("省", "province"),
    "city": Text("市", "city"),
    "county": Text("区县", "county"),
    "town": Text("乡镇街道", "town"),
    "village": Text("村社区", "village"),
}
_DIGITS: dict[Level, int] = {"province": 2, "city": 4, "county": 6, "town": 9, "village": 12}


class _Code(str):
    """A checked code that is its own text, so that it can be bound, printed and sorted."""

    __slots__ = ()
    _pattern = re.compile(r".+")
    _kind = "code"
    _expected = Text("非空代码", "a code that is not empty")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code, or raise `NotKnown` with what was expected."""
        word = text.strip()
        if not cls._pattern.fullmatch(word):
            raise NotKnown(
                Finding(
                    f"identity.{cls._kind}",
                    cls._kind,
                    text[:120],
                    cls._expected.en,
                    Text(
                        "「{found}」不是{expected}；请更正后再试",
                        "'{found}' is not {expected}; correct it and try again",
                    ).fill(found=text[:120], expected=cls._expected),
                )
            )
        return cls(word)


class RegionCode(_Code):
    """A statistical division code of twelve digits.

    Examples
    --------
    >>> RegionCode.parse("330502")
    RegionCode('330502000000')
    >>> RegionCode.parse("330502").level, RegionCode.parse("330502").short
    ('county', '330502')
    """

    __slots__ = ()
    _pattern = re.compile(r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}")
    _kind = "region"
    _expected = Text("2、4、6、9 或 12 位统计区划代码", "a statistical division code of 2, 4, 6, 9 or 12 digits")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a short or full code into the canonical twelve digits."""
        return cls(super().parse(text).ljust(12, "0"))

    def __repr__(self) -> str:
        return f"RegionCode('{self!s}')"

    @property
    def level(self) -> Level:
        """The level that the digits say: the last group that is not all zeros."""
        digits = str(self)
        if digits[9:] != "000":
            return "village"
        if digits[6:9] != "000":
            return "town"
        if digits[4:6] != "00":
            return "county"
        return "city" if digits[2:4] != "00" else "province"

    @property
    def short(self) -> str:
        """As people write it: provinces to counties with six digits, towns nine, villages twelve."""
        return str(self)[: {"town": 9, "village": 12}.get(self.level, 6)]

    @property
    def by_digits(self) -> RegionCode | None:
        """The code one level up by its digits alone; the registry knows the parent of a given day."""
        level = LEVELS.index(self.level)
        if level == 0:
            return None
        return RegionCode(str(self)[: _DIGITS[LEVELS[level - 1]]].ljust(12, "0"))


class PersonId(_Code):
    """A person within a city: an opaque id of the registry, never the number on an identity card."""

    __slots__ = ()
    _pattern = re.compile(r"P[0-9A-Z]{6,30}")
    _kind = "person"
    _expected = Text("P 开头的人员编号", "a person id that starts with P")


class HouseholdId(_Code):
    """A household within a city."""

    __slots__ = ()
    _pattern = re.compile(r"H[0-9A-Z]{6,30}")
    _kind = "household"
    _expected = Text("H 开头的家庭编号", "a household id that starts with H")


class DeviceId(_Code):
    """A device that sends readings."""

    __slots__ = ()
    _pattern = re.compile(r"D[0-9A-Za-z:_.-]{4,60}")
    _kind = "device"
    _expected = Text("D 开头的设备编号", "a device id that starts with D")


_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class EnterpriseId(_Code):
    """A unified social credit code of eighteen places with its check character (GB 32100-2015)."""

    __slots__ = ()
    _pattern = re.compile(rf"[{_USCC}]{{18}}")
    _kind = "enterprise"
    _expected = Text("校验正确的 18 位统一社会信用代码", "a unified social credit code of 18 places whose check holds")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code and verify its check character."""
        code = super().parse(text.upper())
        total = sum(_USCC.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
        if _USCC[(31 - total % 31) % 31] != code[17]:
            return super().parse("")
        return code
