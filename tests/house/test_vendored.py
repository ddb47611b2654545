"""What Yucun carries from others is what its authors published, and says where it came from."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from scripts.english_names import name_in_english

ROOT = Path(__file__).resolve().parents[2]
HUZHOU = ROOT / "src/yucun/places/huzhou"
SOURCES = [
    HUZHOU / "regions.source.toml",
    *sorted((ROOT / "src/yucun/web/vendor").glob("*/source.toml")),
    *sorted((ROOT / "tests/conformance").glob("*/source.toml")),
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.name)
def test_files_have_the_recorded_hashes(source: Path) -> None:
    told = tomllib.loads(source.read_text(encoding="utf-8"))
    for name, expected in told["sha256"].items():
        found = hashlib.sha256((source.parent / name).read_bytes()).hexdigest()
        assert found == expected, f"{source.parent / name}: not as vendored; run scripts/vendor.py"
    assert {"package", "version", "integrity", "licence"} <= told.keys()
    assert any("LICENSE" in name for name in told["sha256"])


@pytest.fixture(scope="module")
def regions() -> list[dict[str, str]]:
    with (HUZHOU / "regions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_regions_are_counted(regions: list[dict[str, str]]) -> None:
    told = tomllib.loads((HUZHOU / "regions.source.toml").read_text(encoding="utf-8"))
    assert Counter(row["level"] for row in regions) == told["counts"]
    huzhou = Counter(row["level"] for row in regions if row["code"].startswith("3305"))
    assert huzhou == {"city": 1, "county": 5, "town": 72, "village": 1301}
    assert sum(row["level"] == "city" for row in regions) == 11


def test_every_region_hangs_under_one_of_the_level_above(regions: list[dict[str, str]]) -> None:
    levels = ["province", "city", "county", "town", "village"]
    by_code = {row["code"]: row for row in regions}
    assert len(by_code) == len(regions)
    assert {len(code) for code in by_code} == {12}
    for row in regions[1:]:
        parent = by_code[row["parent"]]
        assert levels.index(parent["level"]) == levels.index(row["level"]) - 1, row
        assert row["code"].startswith(parent["code"].rstrip("0")), row


@pytest.mark.parametrize(
    ("name", "level", "english"),
    [
        ("长兴县", "county", "Changxing County"),
        ("丽水市", "city", "Lishui"),
        ("台州市", "city", "Taizhou"),
        ("衢州市", "city", "Quzhou"),
        ("乐清市", "county", "Yueqing City"),
        ("嵊州市", "county", "Shengzhou City"),
        ("鄞州区", "county", "Yinzhou District"),
        ("诸暨市", "county", "Zhuji City"),
        ("莲都区", "county", "Liandu District"),
        ("景宁畲族自治县", "county", "Jingning She Autonomous County"),
        ("朝阳街道", "town", "Chaoyang Sub-district"),
        ("泗安镇", "town", "Si'an Town"),
        ("织里镇", "town", "Zhili Town"),
        ("吕山乡", "town", "Lüshan Township"),
        ("重兆村委会", "village", "Chongzhao Village"),
        ("晟舍居委会", "village", "Shengshe Community"),
        ("余村村委会", "village", "Yucun Village"),
    ],
)
def test_names_in_english(name: str, level: str, english: str) -> None:
    assert name_in_english(name, level) == english


def test_a_name_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no known ending"):
        name_in_english("湖州", "county")


def test_the_table_holds_what_the_script_makes(regions: list[dict[str, str]]) -> None:
    assert [row["name_en"] for row in regions] == [name_in_english(row["name"], row["level"]) for row in regions]
