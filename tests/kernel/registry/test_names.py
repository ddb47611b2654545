"""Written names, on the real names of Zhejiang: what each may mean, and what stays ambiguous."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import yucun
from yucun.base.identity import RegionCode
from yucun.kernel.registry import Regions, read_place

TODAY = date(2022, 5, 31)


@pytest.fixture(scope="module")
def regions() -> Regions:
    return read_place(Path(yucun.__file__).parent / "places" / "huzhou").regions


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("湖州", "3305"),
        ("湖州市", "3305"),
        ("浙江省湖州市", "3305"),
        ("浙江湖州", "3305"),
        ("浙江省 / 湖州市", "3305"),
        ("浙江省·湖州市·吴兴区", "330502"),
        ("3305", "3305"),
        ("330500", "3305"),
        ("330500000000", "3305"),
        ("３３０５００", "3305"),
        ("Huzhou", "3305"),
        ("吴兴区", "330502"),
        ("湖州市吴兴区", "330502"),
        ("wuxing district", "330502"),
        (" 安吉 ", "330523"),
        ("浙江", "33"),
        ("景宁", "331127"),
        ("景宁县", "331127"),
        ("织里镇", "330502100"),
        ("南浔镇", "330503100"),
        ("吴兴区织里", "330502100"),
        ("月河街道办事处", "330502001"),
        ("330502001", "330502001"),
        ("湖州南浔", "330503"),
        ("余村", "330523108204"),
        ("余村村", "330523108204"),
        ("余村村民委员会", "330523108204"),
        ("安吉县天荒坪镇余村", "330523108204"),
    ],
)
def test_one_meaning(regions: Regions, word: str, code: str) -> None:
    assert regions.resolve([word], TODAY)[word] == [RegionCode.parse(code)]


@pytest.mark.parametrize(
    "word", ["", " ", "不存在的地方", "33050", "110000", "北京市", "上海市湖州市", "湖州市龙泉市", "Nowhere", "9" * 12]
)
def test_no_meaning(regions: Regions, word: str) -> None:
    assert regions.resolve([word], TODAY)[word] == []


def test_a_name_that_several_share_gives_them_all(regions: Regions) -> None:
    both = regions.resolve(["南浔"], TODAY)["南浔"]
    assert {regions.get(code).name.zh for code in both} == {"南浔区", "南浔镇"}
    peace = regions.resolve(["和平村"], TODAY)["和平村"]
    assert len(peace) == 3
    assert {regions.get(code).level for code in peace} == {"village"}


def test_a_column_settles_what_one_word_leaves_open(regions: Regions) -> None:
    counties = regions.resolve(["吴兴", "南浔", "德清", "长兴", "安吉"], TODAY)
    assert [codes[0].short for codes in counties.values()] == ["330502", "330503", "330521", "330522", "330523"]
    towns = regions.resolve(["南浔", "双林", "练市", "善琏"], TODAY)
    assert [len(codes) for codes in towns.values()] == [1, 1, 1, 1]
    assert regions.get(towns["南浔"][0]).name.zh == "南浔镇"
    mixed = regions.resolve(["吴兴区", "南浔", "双林镇"], TODAY)
    assert len(mixed["南浔"]) == 2


def test_every_full_name_with_its_path_finds_its_region(regions: Regions) -> None:
    paths = {regions.path_title(region.code).zh: region.code for region in regions}
    found = regions.resolve(list(paths), TODAY)
    assert {path: codes for path, codes in found.items() if codes != [paths[path]]} == {}


def test_search_puts_the_exact_and_the_higher_first(regions: Regions) -> None:
    assert regions.search("湖州")[0].name.zh == "湖州市"
    assert [r.name.zh for r in regions.search("南浔", 2)] == ["南浔区", "南浔镇"]
    assert regions.search("anji")[0].code.short == "330523"
    assert regions.search("330523")[0].name.zh == "安吉县"
    assert len(regions.search("村", 5)) == 5
    assert regions.search("  ") == []
