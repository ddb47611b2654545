"""Forms of words: how a number is said in a sentence, in Chinese and in English, and how its absence is said.

Every form gives words for a value, or for the mark that stands in its place; none of them makes up a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from yucun.base.identity import LEVEL_TITLES, Level
from yucun.base.quantity import Rounding, divide
from yucun.base.text import Text
from yucun.kernel.indicators.model import EVIDENCE_TITLES, Claim, Direction, Indicator, Value

PLURALS = {
    "province": "provinces",
    "city": "cities",
    "county": "counties",
    "town": "towns",
    "village": "villages",
    "place": "places",
}
_DIGITS = "零一二三四五六七八九"


def say_number(number: int) -> str:
    """Say a whole number from 0 to 99 in Chinese characters; beyond that in digits.

    Examples
    --------
    >>> say_number(3), say_number(11), say_number(20), say_number(123)
    ('三', '十一', '二十', '123')
    """
    if not 0 <= number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    head = {0: "", 1: "十"}.get(tens, _DIGITS[tens] + "十")
    return head + (_DIGITS[ones] if ones or not tens else "")


def say_money(number: Fraction) -> Text:
    """Say how many yuan stand against one, as people say it.

    Examples
    --------
    >>> say_money(Fraction("1.65")), say_money(Fraction("2.05")).zh, say_money(Fraction("1.6")).zh
    (Text(zh='一元六角五', en='1.65 yuan'), '两元零五分', '一元六角')
    """
    cents = divide(number.numerator * 100, number.denominator, Rounding.HALF_UP)
    yuan, rest = divmod(cents, 100)
    jiao, fen = divmod(rest, 10)
    zh = ("两" if yuan == 2 else say_number(yuan)) + "元"
    if jiao:
        zh += _DIGITS[jiao] + "角" + (_DIGITS[fen] if fen else "")
    elif fen:
        zh += f"零{_DIGITS[fen]}分"
    return Text(zh, f"{yuan}.{rest:02d} yuan" if rest else f"{yuan} yuan")


def say_ordinal(number: int) -> Text:
    """Say a place in an order.

    Examples
    --------
    >>> say_ordinal(2), say_ordinal(11).en, say_ordinal(23).en
    (Text(zh='第二', en='2nd'), '11th', '23rd')
    """
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return Text(f"第{say_number(number)}", f"{number}{ending}")


@dataclass(frozen=True, slots=True)
class Said:
    """What a form has to say its words with.

    Parameters
    ----------
    value : Value
        The number, or its mark.
    others : tuple of Value
        For a rank: the numbers of all regions it stands among.
    above : Value or None
        For a comparison: the number of the region above, of the same period.
    above_name : Text
        That region's name.
    targets : tuple of Claim
        The targets set for it.
    level : str or None
        For a rank: the level of the regions it stands among.
    """

    indicator: Indicator
    value: Value
    name: Text
    others: tuple[Value, ...] = ()
    above: Value | None = None
    above_name: Text = Text("", "")
    targets: tuple[Claim, ...] = ()
    level: Level | None = None


def _number(said: Said) -> Text:
    return Text.same(said.value.shown)


def _number_with_unit(said: Said) -> Text:
    return with_unit(said.indicator, said.value.shown)


def _money(said: Said) -> Text:
    return say_money(Fraction(str(said.value.number)))


def _period(said: Said) -> Text:
    return said.value.period.title if said.value.period else Text("", "")


def _change(said: Said) -> Text:
    """A change since the period before, as the difference it is."""
    period, number = said.value.period, said.value.number or 0.0
    before = period.previous().title if period else Text("", "")
    if not float(said.value.shown.replace(",", "")):
        return Text(f"与 {before.zh}持平", f"unchanged from {before.en}")
    size = with_unit(said.indicator, said.value.shown.lstrip("-"), times=False)
    if number < 0:
        return Text(f"比 {before.zh}小 {size.zh}", f"{size.en} less than in {before.en}")
    return Text(f"比 {before.zh}大 {size.zh}", f"{size.en} more than in {before.en}")


def _rank(said: Said) -> Text:
    """The place among regions, from the better end; only when every one of them has a number."""
    numbers = [v.number for v in said.others if v.number is not None]
    level = LEVEL_TITLES[said.level] if said.level else Text("地", "place")
    many = Text(level.zh, PLURALS.get(level.en, level.en))
    if len(numbers) < len(said.others) or said.value.number is None:
        missing = len(said.others) - len(numbers)
        return Text(
            f"名次未知（{missing} {many.zh}没有数）", f"of a place not known ({missing} {many.en} have no figure)"
        )
    is_low = said.indicator.direction != "higher"
    place = 1 + sum(n < said.value.number if is_low else n > said.value.number for n in numbers)
    order = Text("低", "lowest") if is_low else Text("高", "highest")
    ordinal = say_ordinal(place)
    if place == 1:
        return Text(f"{len(numbers)} {many.zh}中最{order.zh}", f"the {order.en} of {len(numbers)} {many.en}")
    return Text(
        f"{len(numbers)} {many.zh}中{ordinal.zh}{order.zh}", f"{ordinal.en} {order.en} of {len(numbers)} {many.en}"
    )


def _against(said: Said) -> Text:
    """The difference from the region above, both of the same period."""
    other = said.above
    if other is None or other.number is None or said.value.number is None:
        return Text("全省同期的数未知", "the figure of the region above is not known for that period")
    gap = Fraction(str(said.value.number)) - Fraction(str(other.number))
    shown = write_gap(gap, said.indicator)
    if not float(shown.replace(",", "")):
        return Text(f"与{said.above_name.zh}相同", f"the same as {said.above_name.en}")
    size = with_unit(said.indicator, shown, times=False)
    return Text(
        f"比{said.above_name.zh}{'低' if gap < 0 else '高'} {size.zh}",
        f"{size.en} {'below' if gap < 0 else 'above'} {said.above_name.en}",
    )


def _target(said: Said) -> Text:
    """The next target, as it is printed."""
    return say_target(said.targets[0]) if said.targets else Text("没有公布的目标", "no target is published")


def say_target(claim: Claim) -> Text:
    """A target as it is printed, with what it rests on where that is weak."""
    weak = claim.evidence not in ("seen", "law", "computed")
    doubt = EVIDENCE_TITLES[claim.evidence]
    zh = f"目标 {claim.period.title.zh}{claim.bound_title.zh} {claim.printed} {claim.unit.zh}".strip()
    en = f"the target for {claim.period.title.en} is {claim.bound_title.en} {claim.printed} {claim.unit.en}".strip()
    return Text(f"{zh}（{doubt.zh}）", f"{en} ({doubt.en})") if weak else Text(zh, en)


FORMS: Mapping[str, Callable[[Said], Text]] = {
    "number": _number,
    "number_with_unit": _number_with_unit,
    "money": _money,
    "period": _period,
    "change": _change,
    "rank": _rank,
    "against": _against,
    "target": _target,
}
# These say something even where the number itself is missing.
SPEAKS_WITHOUT_NUMBER = ("period", "target")


def say(form: str, said: Said) -> Text:
    """Say a value in a form; where a mark stands in its place, say that.

    Returns
    -------
    Text
        Never empty: an absence is said, not left out.
    """
    if said.value.mark is not None and form not in SPEAKS_WITHOUT_NUMBER:
        return say_missing(said, form)
    return FORMS[form](said)


def say_missing(said: Said, form: str = "number") -> Text:
    """Say that a number is missing, with the word of its mark."""
    mark = said.value.mark
    if mark is None:
        return Text("未知", "not known")
    printed = next((c for c in said.value.beside if c.bound == "exactly"), None)
    elsewhere = (
        Text(f"（他处公布 {printed.printed}）", f" (published elsewhere: {printed.printed})")
        if printed
        else Text("", "")
    )
    if form == "change":
        return Text(f"变化{mark.title.zh}{elsewhere.zh}", f"its change is {mark.title.en}{elsewhere.en}")
    return Text(f"{mark.title.zh}{elsewhere.zh}", f"{mark.title.en}{elsewhere.en}")


def with_unit(indicator: Indicator, shown: str, *, times: bool = True) -> Text:
    """Write a number with its unit; a percentage closes up, a multiple may leave its word away."""
    unit = indicator.unit.title
    if not unit.zh or (indicator.unit.name == "times" and not times):
        return Text.same(shown)
    gap = "" if unit.zh == "%" else " "
    return Text(f"{shown}{gap}{unit.zh}", f"{shown}{gap}{unit.en}")


def write_gap(gap: Fraction, indicator: Indicator) -> str:
    """Write the size of a difference with the decimals of its indicator."""
    size = divide(abs(gap.numerator) * 10**indicator.decimals, gap.denominator, Rounding.HALF_UP)
    digits = f"{size:0{indicator.decimals + 1}d}"
    head, tail = (digits[: -indicator.decimals], digits[-indicator.decimals :]) if indicator.decimals else (digits, "")
    return f"{int(head):,}" + (f".{tail}" if tail else "")


def is_better(direction: Direction, gap: Fraction) -> bool | None:
    """Whether a difference lies on the better side."""
    if direction == "neither" or gap == 0:
        return None
    return (gap < 0) == (direction == "lower")
