"""Outlines of a real map: read, checked and drawn; areas beside the published ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import yucun
from yucun.base.errors import NotKnown, PlaceError
from yucun.base.identity import RegionCode
from yucun.kernel.registry import Boundaries, Regions, read_boundaries, read_place

# Published areas of the counties in km²; a web map's outline comes within one and a half per cent of them.
PUBLISHED_KM2 = {"330502": 872, "330503": 716, "330521": 938, "330522": 1430, "330523": 1886}


@pytest.fixture(scope="module")
def regions() -> Regions:
    return read_place(Path(yucun.__file__).parent / "places" / "huzhou").regions


def read(folder: Path, name: str, regions: Regions) -> tuple[Boundaries, list[str]]:
    boundaries, findings = read_boundaries((folder / "regions" / "boundaries" / name).read_bytes(), regions)
    return boundaries, [finding.kind + " " + finding.found for finding in findings]


@pytest.mark.data("regions")
def test_the_counties_of_huzhou(data_folder: Path, regions: Regions) -> None:
    boundaries, findings = read(data_folder, "330500.json", regions)
    assert findings == []
    assert boundaries.system == "GCJ-02"
    areas = {code.short: outline.area_m2 / 1e6 for code, outline in boundaries.outlines.items()}
    assert areas.keys() == PUBLISHED_KM2.keys()
    for code, published in PUBLISHED_KM2.items():
        assert areas[code] == pytest.approx(published, rel=0.02), code
    assert sum(areas.values()) == pytest.approx(5820, rel=0.005)


@pytest.mark.data("regions")
def test_the_cities_of_zhejiang_have_two_outlines_that_cross(data_folder: Path, regions: Regions) -> None:
    boundaries, findings = read(data_folder, "330000.json", regions)
    assert len(boundaries.outlines) == 11
    assert findings == ["boundaries.crossing 330200", "boundaries.crossing 330900"]


@pytest.mark.data("regions")
def test_every_file_of_the_set_is_read_as_a_maker_of_maps_reads_it(data_folder: Path, regions: Regions) -> None:
    """Shapely finds three outlines of the set invalid; so do we, and no other. Old districts have no region any more."""
    crossing, gone = set(), set()
    for path in sorted((data_folder / "regions" / "boundaries").glob("*.json")):
        try:
            _, findings = read(data_folder, path.name, regions)
        except PlaceError as error:
            gone |= {finding.found for finding in error.findings if finding.kind == "boundaries.unknown_region"}
        else:
            crossing |= {(path.stem, finding) for finding in findings if "unknown" not in finding}
            gone |= {finding.split()[1] for finding in findings if "unknown" in finding}
    assert crossing == {
        ("330000", "boundaries.crossing 330200"),
        ("330000", "boundaries.crossing 330900"),
        ("330900", "boundaries.crossing 330902"),
    }
    assert gone == {"330103", "330104"}  # merged into their neighbours in spring 2021


@pytest.mark.data("regions")
def test_a_drawing_fits_its_box_and_leaves_no_gap(data_folder: Path, regions: Regions) -> None:
    boundaries, _ = read(data_folder, "330500.json", regions)
    drawing = boundaries.draw(1000)
    assert drawing.view_box == f"0 0 1000 {drawing.height}"
    assert 600 < drawing.height < 900
    assert sum(map(len, drawing.paths.values())) < 20_000
    drawn = {code: points_of(path) for code, path in drawing.paths.items()}
    everything = set().union(*drawn.values())
    assert {min(x for x, _ in everything), max(x for x, _ in everything)} == {0, 1000}
    assert {min(y for _, y in everything), max(y for _, y in everything)} == {0, drawing.height}
    wuxing, nanxun = (drawn[RegionCode.parse(code)] for code in ("330502", "330503"))
    assert len(wuxing & nanxun) > 20
    west, east = (drawing.centres[RegionCode.parse(code)] for code in ("330523", "330503"))
    assert west[0] < east[0]


def points_of(path: str) -> set[tuple[int, int]]:
    points = set()
    for start, steps in re.findall(r"M(-?\d+,-?\d+)l([^z]*)z", path):
        x, y = map(int, start.split(","))
        points.add((x, y))
        for step in steps.split():
            dx, dy = map(int, step.split(","))
            x, y = x + dx, y + dy
            points.add((x, y))
    return points


def feature(code: Any, coordinates: Any, kind: str = "Polygon", **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"adcode": code, **more},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def square(x: float = 120, y: float = 30, size: float = 1) -> list[list[float]]:
    return [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]


def load(regions: Regions, *features: Any, **more: Any) -> tuple[Boundaries, list[str]]:
    document = json.dumps({"type": "FeatureCollection", "features": features, **more})
    boundaries, findings = read_boundaries(document.encode(), regions)
    return boundaries, [finding.kind for finding in findings]


def test_a_collection_a_list_and_one_feature_are_all_read(regions: Regions) -> None:
    one = feature("330502", [square()])
    for document in ({"type": "FeatureCollection", "features": [one]}, [one], one):
        boundaries, findings = read_boundaries(json.dumps(document).encode(), regions)
        assert [code.short for code in boundaries.outlines] == ["330502"]
        assert findings == []


@pytest.mark.parametrize(
    "properties", [{"adcode": 330502}, {"gb": "156330502"}, {"code": "330502000000"}, {"name": "吴兴区"}]
)
def test_a_region_is_named_in_several_ways(regions: Regions, properties: dict[str, Any]) -> None:
    one = feature(None, [square()]) | {"properties": properties}
    boundaries, findings = load(regions, one)
    assert ([code.short for code in boundaries.outlines], findings) == (["330502"], [])


def test_the_system_is_what_the_file_says(regions: Regions) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    assert load(regions, feature("330502", [square()]), crs=crs)[0].system == "CGCS2000"
    assert load(regions, feature("330502", [square()]))[0].system == "GCJ-02"
    content = json.dumps(feature("330502", [square()])).encode()
    assert read_boundaries(content, regions, "WGS-84")[0].system == "WGS-84"


def test_what_is_wrong_is_listed_and_the_rest_is_kept(regions: Regions) -> None:
    bowtie = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
    touching_itself = [[0, 0], [2, 0], [2, 2], [1, 0], [0, 2], [0, 0]]
    nested = [[square(120, 30, 3)], [square(121, 31, 1)]]
    good = feature("330523", [square(118, 30), square(118.25, 30.25, 0.5)])
    boundaries, findings = load(
        regions,
        feature("110000", [square()]),
        feature("330502", [square()[:-1]]),
        feature("330503", [120, 30], "Point"),
        feature("330521", [bowtie]),
        feature("330522", nested, "MultiPolygon"),
        feature("3305", [touching_itself]),
        good,
        good,
        feature("330500", [square(999)]),
        {"type": "Feature"},
        7,
    )
    assert findings == [
        "boundaries.unknown_region",
        "boundaries.ring",
        "boundaries.geometry",
        "boundaries.crossing",
        "boundaries.nested",
        "boundaries.crossing",
        "boundaries.repeated",
        "boundaries.geometry",
        "boundaries.unknown_region",
        "boundaries.unknown_region",
    ]
    assert {code.short for code in boundaries.outlines} == {"330521", "330522", "330500", "330523"}
    ring = boundaries.outlines[RegionCode.parse("330523")]
    hole = read_boundaries(json.dumps(feature("330523", [square(118.25, 30.25, 0.5)])).encode(), regions)[0]
    whole = read_boundaries(json.dumps(feature("330523", [square(118, 30)])).encode(), regions)[0]
    areas = [b.outlines[ring.region].area_m2 for b in (whole, hole)]
    assert ring.area_m2 == pytest.approx(areas[0] - areas[1], abs=2)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"7", b'{"type": "FeatureCollection"}', b"[]", b'[{"type": "Feature"}]']
)
def test_a_file_without_outlines_is_refused(regions: Regions, content: bytes) -> None:
    with pytest.raises(PlaceError):
        read_boundaries(content, regions)


def test_only_what_has_an_outline_can_be_drawn(regions: Regions) -> None:
    boundaries, _ = load(regions, feature("330502", [square()]), feature("330503", [square(121, 30, 1e-9)]))
    assert boundaries.draw(100, [RegionCode.parse("330502")]).view_box == "0 0 100 116"
    with pytest.raises(NotKnown, match="bring a boundary file"):
        boundaries.draw(100, [RegionCode.parse("330523")])
    with pytest.raises(NotKnown):
        boundaries.draw(100, [])
