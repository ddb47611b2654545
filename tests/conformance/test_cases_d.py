"""Cases D30 to D40 of shared prosperity: from the published figures, through the lake, to the printed digits.

Sources: Lishui statistics monthly, November 2020, sheet 30 (D30 to D33); People's Net, 25 January 2022 (D36); the
Zhejiang survey office (D37); China News, 20 May 2022, and the provincial press (D38); bulletins of the cities (D40).
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from tests.huzhou import EmptyHuzhou, open_huzhou
from yucun.base.errors import NotComparable
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators import Numbers, write_number
from yucun.kernel.indicators.show import exact_number

NINE_MONTHS, YEAR = Period.parse("2020-01..09"), Period.year(2021)
ZHEJIANG, HUZHOU = RegionCode.parse("33"), RegionCode.parse("3305")
CITIES = dict(
    zip(
        ("杭州", "宁波", "温州", "嘉兴", "湖州", "绍兴", "金华", "衢州", "舟山", "台州", "丽水"),
        (RegionCode.parse(f"33{n:02d}") for n in range(1, 12)),
        strict=True,
    )
)
D30 = (
    "嘉兴 1.4891, 湖州 1.5938, 绍兴 1.6450, 宁波 1.6470, 舟山 1.7641, "
    "杭州 1.8599, 衢州 1.8744, 台州 1.9297, 金华 1.9368, 温州 1.9469, 丽水 2.0826"
)
D33 = (
    "杭州 0.7622, 宁波 0.7142, 温州 0.6927, 嘉兴 0.6096, 湖州 0.5928, "
    "绍兴 0.6362, 金华 0.6468, 衢州 0.5057, 舟山 0.6739, 台州 0.6057, 丽水 0.5647"
)
D32 = {"income_cv": "0.1512", "income_cv_sample": "0.1585", "income_theil": "0.01197", "income_gini": "0.0813"}


def read_case(text: str) -> dict[str, str]:
    """City to printed digits."""
    words = (pair.split() for pair in text.split(", "))
    return dict(words)


def printed(numbers: Numbers, name: str, region: RegionCode, period: Period, decimals: int) -> str:
    """A number to so many digits, from its exact parts."""
    value = numbers.value(f"prosperity.{name}", region, period)
    assert value.mark is None, value.mark
    assert all(c.outcome != "differs" for c in value.checks)
    cell = numbers.find_cell_of(value)
    assert cell is not None
    number = exact_number(numbers.get(value.indicator), cell)
    assert number is not None
    return write_number(Fraction(number), decimals).replace(",", "")


@cache
def land_monthly(file: Path) -> Numbers:
    """The transcription of the monthly, landed as a clerk would send it."""
    folder = Path(tempfile.mkdtemp(prefix="yucun-monthly-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = EmptyHuzhou.make(folder)
    landing = made.send("prosperity.income", file.read_bytes(), file.name)
    assert landing.landed == 36
    growth = made.send("prosperity.income_growth", file.read_bytes(), file.name)
    assert growth.landed == 36
    made.numbers.refresh()
    return made.numbers


@pytest.fixture(params=["the place's own figures", pytest.param("the monthly", marks=pytest.mark.data("statistics"))])
def numbers(request: pytest.FixtureRequest) -> Numbers:
    """The figures as the place ships them, and as the published file lands."""
    if request.param == "the monthly":
        folder: Path = request.getfixturevalue("data_folder")
        return land_monthly(folder / "statistics" / "zhejiang_cities_income_2020q3.csv")
    return open_huzhou().numbers


@pytest.fixture
def ours() -> Numbers:
    """The place's own figures."""
    return open_huzhou().numbers


def test_d30_urban_rural_ratio_from_low_to_high(numbers: Numbers) -> None:
    case = read_case(D30)
    found = {name: printed(numbers, "urban_rural_ratio", CITIES[name], NINE_MONTHS, 4) for name in CITIES}
    assert found == case
    compared = numbers.compare("prosperity.urban_rural_ratio", NINE_MONTHS, "city", ZHEJIANG)
    names = {code: name for name, code in CITIES.items()}
    assert [names[v.region] for v in sorted(compared, key=lambda v: v.number or 0)] == list(case)


def test_d31_highest_over_lowest(numbers: Numbers) -> None:
    assert printed(numbers, "highest_to_lowest", ZHEJIANG, NINE_MONTHS, 4) == "1.6935"


@pytest.mark.parametrize("name", D32)
def test_d32_how_uneven_the_cities_are(numbers: Numbers, name: str) -> None:
    assert printed(numbers, name, ZHEJIANG, NINE_MONTHS, len(D32[name]) - 2) == D32[name]


def test_d32_theil_splits_by_city(numbers: Numbers) -> None:
    whole, between, within = (
        numbers.value(f"prosperity.{n}", ZHEJIANG, NINE_MONTHS).number or 0.0
        for n in ("theil_town_country", "theil_between_cities", "theil_within_cities")
    )
    assert whole == pytest.approx(between + within, abs=1e-10)
    assert f"{between:.5f}" == "0.01197", "between the cities it is Theil over the incomes of all"


def test_d33_urban_share_that_the_incomes_imply(numbers: Numbers) -> None:
    found = {name: printed(numbers, "urban_share_implied", CITIES[name], NINE_MONTHS, 4) for name in CITIES}
    assert found == read_case(D33)
    values = numbers.compare("prosperity.urban_share_implied", NINE_MONTHS, "city", ZHEJIANG)
    assert all(0 < (v.number or 0) < 1 for v in values)


def test_the_province_is_not_among_its_cities(numbers: Numbers) -> None:
    assert len(numbers.compare("prosperity.income_all", NINE_MONTHS, "city", ZHEJIANG)) == 11
    chain = numbers.why("prosperity.income_gini", ZHEJIANG, NINE_MONTHS)
    assert chain.records == 11
    assert ZHEJIANG not in {part.region for part in chain.parts}


def test_d36_huzhou_2021(ours: Numbers) -> None:
    assert printed(ours, "urban_rural_ratio", HUZHOU, YEAR, 4) == "1.6460"
    value = ours.value("prosperity.urban_rural_ratio", HUZHOU)
    assert (value.shown, value.period) == ("1.65", YEAR)
    assert ("published", "agree", "1.65") in [(c.kind, c.outcome, c.theirs) for c in value.checks]


def test_d37_zhejiang_2020(ours: Numbers) -> None:
    assert printed(ours, "urban_rural_ratio", ZHEJIANG, Period.year(2020), 4) == "1.9636"
    value = ours.value("prosperity.urban_rural_ratio", ZHEJIANG, Period.year(2020))
    assert value.shown == "1.96"
    assert ("published", "agree", "1.96") in [(c.kind, c.outcome, c.theirs) for c in value.checks]


def test_d38_four_feelings_above_the_province(ours: Numbers) -> None:
    value = ours.value("prosperity.feelings_lead", HUZHOU, YEAR)
    assert value.shown == "1.75"
    assert value.parts == {"numerator": 175, "denominator": 1}
    # The province's score is a press figure, and so is the difference.
    assert value.evidence == "press"
    assert [c.outcome for c in value.checks if c.kind == "published"] == ["not_known"], "a press figure never judges"


def test_d39_a_cumulative_and_a_yearly_figure_form_no_trend(ours: Numbers) -> None:
    with pytest.raises(NotComparable) as refused:
        ours.trend("prosperity.urban_rural_ratio", HUZHOU, NINE_MONTHS, YEAR)
    message = refused.value.findings[0].message
    assert "累计" in message.zh
    assert "全年" in message.zh
    assert "cumulative" in message.en
    change = ours.value("prosperity.urban_rural_ratio_change", HUZHOU, YEAR)
    assert change.mark is not None
    assert change.mark.kind == "not_known"
    assert "口径不同" in change.mark.reason.zh
    groups = ours.all_series("prosperity.urban_rural_ratio", HUZHOU)
    assert all(len({v.period.kind for v in group if v.period}) == 1 for group in groups)


def test_d40_gross_domestic_product_of_the_cities(ours: Numbers) -> None:
    value = ours.value("prosperity.gdp_total", ZHEJIANG, YEAR)
    assert value.shown == "73,514.97"
    assert value.unit.title.zh == "亿元"
    assert value.parts["numerator"] == 735_149_700_000_000, "exact, in fen"
    assert value.records == 11
    chain = ours.why("prosperity.gdp_total", ZHEJIANG, YEAR)
    assert {part.region for part in chain.parts} == set(CITIES.values())


def test_every_number_of_the_place_can_be_had_again_from_its_rows(ours: Numbers) -> None:
    proof = ours.prove(ours.pick(1000, seed=1))
    assert (proof.asked, proof.equal, proof.differing) == (1000, 1000, ())


def test_no_number_of_the_place_is_an_error(ours: Numbers) -> None:
    wrong = [
        (key, value.mark.reason.en)
        for key in ours.all_cells()
        if (value := ours.value(key.indicator, key.region, key.period)).mark is not None and value.mark.kind == "error"
    ]
    assert not wrong
