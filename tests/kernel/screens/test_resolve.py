"""Screens as shown: numbers of one moment, sentences made from them, marks where there is none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.indicators.test_cells import CHANGE, INCOME, RATIO
from tests.kernel.indicators.test_cells import RATIO_CHANGE as _RATIO_CHANGE
from tests.made_numbers import CITY_ONE, COUNTIES, PROVINCE, MadeNumbers, money
from yucun.base.identity import RegionCode
from yucun.kernel.screens import FORMS, Screen, Shown, read_screens, resolve, say_money, say_number, say_ordinal

SCREEN = """title = { zh = "屏", en = "Screen" }
levels = ["city", "county"]

[opening.kicker]
words = { zh = "{period}", en = "{period}" }
slots.period = { indicator = "made.ratio", form = "period" }

[opening.sentence]
words = { zh = "收{money}，支一元。", en = "{money} came in for every yuan that went out." }
slots.money = { indicator = "made.ratio", form = "money" }

[[opening.lead]]
words = { zh = "{place}收支比 {ratio}，{change}，{rank}，{against}。", en = "{place} stands at {ratio}; {change}; {rank}; {against}." }

[opening.lead.slots]
ratio = { indicator = "made.ratio", form = "number" }
change = { indicator = "made.ratio_change", form = "change" }
rank = { indicator = "made.ratio", form = "rank", level = "county", within = "city" }
against = { indicator = "made.ratio", form = "against", within = "province" }

[[sections]]
title = { zh = "数", en = "Numbers" }
shape = "tiles"
indicators = ["made.ratio", "made.income"]

[[sections]]
title = { zh = "全省", en = "Province" }
shape = "tiles"

[[sections.tiles]]
indicator = "made.income"
region = "province"
note = { zh = "上级", en = "above" }

[[sections]]
title = { zh = "各县", en = "Counties" }
shape = "bars"
indicators = ["made.ratio"]
level = "county"
within = "city"
order = "high_first"

[[sections]]
title = { zh = "表", en = "Table" }
shape = "table"
indicators = ["made.income", "made.ratio"]
level = "county"
within = "city"

[[sections]]
title = { zh = "缺", en = "Missing" }
shape = "marks"
"""
ROWS = {
    (code, period, side): amount + (100 if period == "2021" and side == "out" else 0)
    for period in ("2020", "2021")
    for code, pair in {
        PROVINCE: (500, 400),
        CITY_ONE: (600, 300),
        COUNTIES[0]: (900, 300),
        COUNTIES[1]: (400, 300),
    }.items()
    for side, amount in zip(("in", "out"), pair, strict=True)
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeNumbers:
    found = MadeNumbers.make(tmp_path_factory.mktemp("screens"), INCOME + RATIO + CHANGE + _RATIO_CHANGE)
    found.send("money", money(ROWS))
    return found


@pytest.fixture(scope="module")
def screen(made: MadeNumbers, tmp_path_factory: pytest.TempPathFactory) -> Screen:
    folder = tmp_path_factory.mktemp("cockpits")
    (folder / "one.toml").write_text(SCREEN, encoding="utf-8")
    screens, findings = read_screens(folder, made.numbers.indicators, "made")
    assert not findings, [f.message.en for f in findings]
    return screens["made.one"]


def show(made: MadeNumbers, screen: Screen, region: str) -> Shown:
    return resolve(screen, made.numbers, RegionCode.parse(region), made.numbers.ask())


def test_sentences_are_made_from_numbers_in_both_languages(made: MadeNumbers, screen: Screen) -> None:
    shown = show(made, screen, COUNTIES[0])
    assert shown.kicker is not None
    assert shown.sentence is not None
    assert shown.kicker.text.zh == "2021 年"
    assert shown.sentence.text.zh == "收两元二角五，支一元。"
    assert shown.sentence.text.en == "2.25 yuan came in for every yuan that went out."
    (lead,) = shown.lead
    assert lead.text.zh == "丙县收支比 2.25，比 2020 年小 0.75，名次未知（1 区县没有数），比甲省高 1.25。"
    assert "0.75 less than in 2020" in lead.text.en
    assert "1.25 above Jia" in lead.text.en


def test_every_piece_with_a_number_can_be_asked_why(made: MadeNumbers, screen: Screen) -> None:
    shown = show(made, screen, COUNTIES[0])
    for sentence in (shown.kicker, shown.sentence, *shown.lead):
        assert sentence is not None
        for pieces in (sentence.zh, sentence.en):
            for piece in pieces:
                has_digit = any(c.isdigit() or c in "一两二三四五六七八九" for c in piece.words.replace("一元", ""))
                assert piece.value is not None or not has_digit, piece.words


def test_a_missing_number_makes_another_sentence(made: MadeNumbers, screen: Screen) -> None:
    shown = show(made, screen, COUNTIES[2])
    assert shown.sentence is not None
    assert not shown.sentence.is_known
    assert "未知" in shown.sentence.text.zh
    assert "not known" in shown.sentence.text.en
    assert shown.lead == (), "nothing below repeats it"
    assert "元" not in shown.sentence.text.zh


def test_a_place_and_a_difference_are_said_only_where_they_make_sense(made: MadeNumbers, screen: Screen) -> None:
    assert show(made, screen, CITY_ONE).lead == (), "a city has no place among counties"


def test_tiles_carry_all_that_must_stand_beside_a_number(made: MadeNumbers, screen: Screen) -> None:
    ratio, income = show(made, screen, COUNTIES[0]).sections[0].tiles
    assert (ratio.value.shown, ratio.value.unit.title.zh, ratio.value.evidence) == ("2.25", "倍", "seen")
    assert ratio.age_days == 151
    assert [v.shown for v in ratio.trend] == ["3.00", "2.25"]
    assert {c.kind: (c.said.zh, c.is_good) for c in ratio.comparisons} == {
        "above": ("比乙市高 0.75", False),
        "before": ("比 2020 年低 0.75", True),
    }
    assert "above" not in {c.kind for c in income.comparisons}, "a sum is not set beside the whole"
    (province,) = show(made, screen, COUNTIES[0]).sections[1].tiles
    assert (province.value.region, province.note.zh) == (RegionCode.parse(PROVINCE), "上级")


def test_bars_are_ordered_and_keep_marks_last(made: MadeNumbers, screen: Screen) -> None:
    (bars,) = show(made, screen, CITY_ONE).sections[2].bars
    assert [v.shown or (v.mark and v.mark.kind) for v in bars.values] == ["2.25", "1.00", "not_known"]
    table = show(made, screen, CITY_ONE).sections[3].table
    assert table is not None
    assert [row.region for row in table.rows] == [RegionCode.parse(c) for c in COUNTIES]
    assert [i.id for i in table.indicators] == ["made.income", "made.ratio"]


def test_what_is_missing_is_listed_with_the_table_that_would_fill_it(made: MadeNumbers, screen: Screen) -> None:
    marks = show(made, screen, COUNTIES[2]).sections[4].marks
    assert {m.indicator.id for m in marks} == {"made.income", "made.ratio", "made.change", "made.ratio_change"}
    assert all(m.mark.feed == "made.money" for m in marks)


def test_a_screen_is_of_one_moment(made: MadeNumbers, screen: Screen) -> None:
    shown = show(made, screen, COUNTIES[0])
    assert {v.as_of for v in shown.values if v.mark is None} == {made.numbers.ask().versions["made.ratio"].added_seq}
    assert len(shown.values) == len({(v.indicator, v.region, v.period) for v in shown.values})


@given(st.integers(0, 9_999))
def test_money_in_words_keeps_every_digit(cents: int) -> None:
    text = say_money(Fraction(cents, 100))
    value = Fraction(text.en.removesuffix(" yuan"))
    assert value == Fraction(cents, 100)
    digits = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
    said = text.zh.split("元")[1]
    tenths = digits[said[0]] if "角" in said else 0
    rest = said.split("角")[1] if "角" in said else said.removeprefix("零").removesuffix("分")
    assert 10 * tenths + (digits[rest] if rest else 0) == cents % 100


def test_numbers_and_ordinals_in_words() -> None:
    assert [say_number(n) for n in (0, 10, 21, 99)] == ["零", "十", "二十一", "九十九"]
    assert [say_ordinal(n).en for n in (1, 2, 3, 4, 12, 101)] == ["1st", "2nd", "3rd", "4th", "12th", "101st"]
    assert set(FORMS) == {"number", "number_with_unit", "money", "period", "change", "rank", "against", "target"}
