"""Reading a place folder: what is wrong is said with file, line and key, all at once."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

import yucun
from yucun.base.errors import DeclarationError, Finding, PlaceError
from yucun.kernel.registry import read_place

HUZHOU = Path(yucun.__file__).parent / "places" / "huzhou"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HUZHOU, tmp_path / "elsewhere"))


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def findings_of(folder: Path) -> tuple[Finding, ...]:
    with pytest.raises(PlaceError) as caught:
        read_place(folder)
    return caught.value.findings


@pytest.mark.parametrize(
    ("name", "old", "new", "kind", "where"),
    [
        ("place.toml", 'region = "330500"', 'region = "110000"', "place.region", "place.toml:5"),
        ("place.toml", 'id = "huzhou"', 'id = "huzhou"\ncolour = "green"', "declaration.unknown_key", "place.toml:4"),
        ("place.toml", "today = 2022-05-31", 'today = "soon"', "place.day", "place.toml:8"),
        ("place.toml", '["zh", "en"]', '["zh", "fr"]', "place.choice", "place.toml:6"),
        ("place.toml", 'en = "Huzhou"', 'en = ""', "declaration.language", "place.toml:4"),
        ("place.toml", '"figures/gdp.csv"', '"figures/gone.csv"', "place.file", "place.toml:36"),
        ("place.toml", "from = 2022-06-21", 'when = "later"', "declaration.unknown_key", "place.toml:74"),
        ("place.toml", '"tilemap.toml"', '"gone.toml"', "place.file", "place.toml:19"),
        ("tilemap.toml", "洪桥镇", "洪外镇", "place.tile", "tilemap.toml:12"),
        ("tilemap.toml", "洪桥镇", "·", "place.tile", "tilemap.toml:12"),
        ("tilemap.toml", 'level = "town"', 'level = "hamlet"', "place.choice", "tilemap.toml:11"),
        (
            "figures/sources.toml",
            'seen_as = "original"',
            'seen_as = "dream"',
            "place.choice",
            "figures/sources.toml:14",
        ),
        ("figures/gdp.csv", "city-gdp-2021", "hearsay", "place.source", "figures/gdp.csv:2"),
        ("figures/gdp.csv", "city-gdp-2021", "zhejiang-2022", "place.future", "figures/gdp.csv:2"),
        ("regions.csv", "浙江省,province", "浙江省,realm", "place.row", "regions.csv:2"),
    ],
)
def test_a_mistake_is_named_with_its_line(folder: Path, name: str, old: str, new: str, kind: str, where: str) -> None:
    change(folder, name, old, new)
    found = {(finding.kind, finding.where) for finding in findings_of(folder)}
    assert (kind, where) in found


def test_all_mistakes_are_told_together(folder: Path) -> None:
    change(folder, "place.toml", "today = 2022-05-31", 'today = "soon"')
    change(folder, "tilemap.toml", "洪桥镇", "洪外镇")
    change(folder, "figures/gdp.csv", "city-gdp-2021", "hearsay")
    assert {"place.day", "place.tile", "place.source"} <= {finding.kind for finding in findings_of(folder)}


def test_missing_file_and_bad_syntax(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match=r"has no place\.toml"):
        read_place(tmp_path)
    change(folder, "place.toml", 'id = "huzhou"', "id = huzhou")
    with pytest.raises(DeclarationError, match="TOML"):
        read_place(folder)


def test_a_place_may_bring_successions(folder: Path) -> None:
    change(folder, "place.toml", 'file = "regions.csv"', 'file = "regions.csv"\nsuccessions = "successions.csv"')
    text = (folder / "regions.csv").read_text(encoding="utf-8").splitlines()
    text[0] += ",valid_from,valid_to"
    text[1:] = [line + (",,2021-01-01" if line.startswith("330523108204") else ",,") for line in text[1:]]
    text.append("330523108999,新余村委会,village,330523108000,New Yucun Village,2021-01-01,")
    (folder / "regions.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    (folder / "successions.csv").write_text("old,new,on\n330523108204,330523108999,2021-01-01\n", encoding="utf-8")
    regions = read_place(folder).regions
    assert len(regions.successions) == 1
    assert regions.resolve(["余村"], date(2020, 1, 1))["余村"] == [regions.successions[0].old]
    assert regions.resolve(["余村"], date(2022, 1, 1))["余村"] == []
