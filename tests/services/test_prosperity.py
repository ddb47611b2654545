"""Shared prosperity: the frame of dimensions fills as its feed comes, and press figures stand beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.huzhou import EmptyHuzhou, open_huzhou
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.kernel.screens import read_screens, resolve

HUZHOU = RegionCode.parse("3305")
DIMENSIONS = ("gap_environment", "gap_services", "gap_factors", "gap_digital")


@pytest.mark.parametrize("name", DIMENSIONS)
def test_a_dimension_without_a_source_is_not_known_and_names_its_feed(name: str) -> None:
    value = open_huzhou().value(f"prosperity.{name}", HUZHOU)
    assert value.mark is not None
    assert (value.mark.kind, value.mark.feed) == ("not_known", "prosperity.dimension")
    assert "四个维度的城乡对照" in value.mark.reason.zh


def test_loading_the_feed_makes_the_dimension_appear(tmp_path: Path) -> None:
    made = EmptyHuzhou.make(tmp_path)
    made.send(
        "prosperity.dimension",
        (
            b"region,period,dimension,measure,measure_unit,more_is_better,urban_value,rural_value\n"
            b"330500,2021,services,made-up coverage,%,true,90,60\n"
            b"330500,2021,services,made-up distance,km,false,2,5\n"
        ),
    )
    made.numbers.refresh()
    value = made.numbers.value("prosperity.gap_services", HUZHOU)
    assert (value.shown, value.records) == ("2.00", 2), "the mean of 90/60 and 5/2"
    assert made.numbers.value("prosperity.gap_digital", HUZHOU).mark is not None
    screens, _ = read_screens(SERVICES / "prosperity" / "cockpits", made.numbers.indicators, "prosperity")
    shown = resolve(screens["prosperity.prosperity"], made.numbers, HUZHOU, made.numbers.ask())
    tiles = {t.title.zh: t.value for s in shown.sections if s.shape == "dimensions" for t in s.tiles}
    assert tiles["公共服务"].shown == "2.00"
    assert tiles["数智进程"].mark is not None
    assert not made.numbers.prove(made.numbers.all_cells()).differing


def test_the_page_begins_with_the_sentence() -> None:
    city = open_huzhou()
    shown = city.screen("city", HUZHOU)
    assert shown.sentence is not None
    assert shown.sentence.text.zh == "城镇一元六角五，乡村一元。"
    assert shown.sentence.text.en == "1.65 yuan in town for every yuan in the country."
    assert "未知" in shown.lead[0].text.zh, "the change of 2021 needs a figure of 2020 that nobody printed"
    assert "-0.01" in shown.lead[0].text.zh, "but its own value was published"


def test_published_figures_stand_beside_and_agree() -> None:
    city = open_huzhou()
    agreed = [
        (key.indicator, c.theirs)
        for key in city.numbers.all_cells()
        for c in city.value(key.indicator, key.region, key.period).checks
        if c.kind == "published" and c.outcome == "agree"
    ]
    assert len(agreed) >= 8
    targets = city.numbers.targets("prosperity.highest_to_lowest", RegionCode.parse("33"))
    assert [(t.printed, t.bound, t.evidence) for t in targets] == [("1.55", "at_most", "seen")]


def test_press_figures_never_judge_and_are_marked() -> None:
    value = open_huzhou().value("prosperity.feelings_lead", HUZHOU, Period.year(2021))
    assert value.evidence == "press"
    assert {c.evidence for c in value.beside} == {"press"}
    shown = open_huzhou().screen("prosperity.prosperity", HUZHOU)
    tiles = [t for s in shown.sections for t in s.tiles if t.indicator.id == "prosperity.feelings_lead"]
    assert [c.printed for c in tiles[0].press] == ["1.75"]


def test_a_figure_that_a_city_lacks_is_marked_and_not_filled() -> None:
    city = open_huzhou()
    values = city.compare("prosperity.residents", Period.parse("2021-12-31"), "city", RegionCode.parse("33"))
    missing = [v for v in values if v.mark is not None]
    assert len(missing) == 4
    spread = city.value("prosperity.gdp_per_head", missing[0].region, Period.year(2021))
    assert spread.mark is not None
