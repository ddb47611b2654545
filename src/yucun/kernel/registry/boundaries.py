"""Boundaries that a place brings: reading GeoJSON, saying what is wrong with it, drawing it as SVG paths.

Kept as an attachment of the place in the city's own data; outlines are never invented and none is shipped.
Coordinates are held in whole micro-degrees, so that every test on them is exact.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin
from typing import Any

from yucun.base.errors import Finding, NotKnown, PlaceError
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.registry.geometry import Point, Ring, find_contact, is_inside
from yucun.kernel.registry.regions import Regions

MICRO = 1_000_000
# Radius of the sphere whose area is the earth's, in metres.
_RADIUS_M = 6_371_007.18
_CODE_KEYS = ("adcode", "code", "gb", "GB", "区划代码", "行政区划代码", "XZQDM", "id")
_SYSTEMS = {
    "4326": "WGS-84",
    "CRS84": "WGS-84",
    "4490": "CGCS2000",
    "4610": "Xian-1980",
    "GCJ": "GCJ-02",
    "BD09": "BD-09",
}

Polygon = tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of one region: polygons, each an outer ring and its holes."""

    region: RegionCode
    polygons: tuple[Polygon, ...]

    @property
    def area_m2(self) -> int:
        """Area on the sphere of equal area, in whole square metres."""
        outer = sum(abs(_area(polygon[0])) for polygon in self.polygons)
        holes = sum(abs(_area(ring)) for polygon in self.polygons for ring in polygon[1:])
        return round(outer - holes)

    def points(self) -> Iterator[Point]:
        """All vertices."""
        return (point for polygon in self.polygons for ring in polygon for point in ring)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Outlines ready for SVG.

    Parameters
    ----------
    width, height : int
        Size of the view box, which starts at 0 0.
    paths : mapping of RegionCode to str
        The ``d`` of one path a region; draw it with ``fill-rule="evenodd"``.
    centres : mapping of RegionCode to (int, int)
        Where a label may stand: the centre of gravity of the largest part.
    """

    width: int
    height: int
    paths: Mapping[RegionCode, str]
    centres: Mapping[RegionCode, Point]

    @property
    def view_box(self) -> str:
        """The attribute's value."""
        return f"0 0 {self.width} {self.height}"


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Outlines of regions in one coordinate system.

    `system` is GCJ-02 unless the file or the caller says another: Chinese web maps are shifted by up to some
    500 m, which a page that shows them must say and which no overlay may ignore.
    """

    system: str
    outlines: Mapping[RegionCode, Outline]

    def draw(self, width: int = 1000, codes: Collection[RegionCode] | None = None) -> Drawing:
        """Project to a view box of that width: plate carrée, true in scale at the middle latitude.

        Points are set on whole units of the view box. Both sides of a shared border are set alike, so that no
        gap opens between neighbours; parts smaller than a unit fall away unless the region has no other.

        Raises
        ------
        NotKnown
            If a code has no outline here, or there is none at all.
        """
        chosen = sorted(self.outlines) if codes is None else sorted(codes)
        missing = [code for code in chosen if code not in self.outlines]
        if missing or not chosen:
            raise NotKnown(_no_outline(missing))
        everything = [point for code in chosen for point in self.outlines[code].points()]
        west, east = min(x for x, _ in everything), max(x for x, _ in everything)
        south, north = min(y for _, y in everything), max(y for _, y in everything)
        squeeze = cos(radians((south + north) / 2 / MICRO))
        scale = width / max((east - west) * squeeze, 1)

        def place(point: Point) -> Point:
            return round((point[0] - west) * squeeze * scale), round((north - point[1]) * scale)

        paths, centres = {}, {}
        for code in chosen:
            rings = [[_thin([place(p) for p in ring]) for ring in polygon] for polygon in self.outlines[code].polygons]
            largest = max((polygon[0] for polygon in rings), key=lambda ring: abs(_doubled(ring)))
            drawn = [ring for polygon in rings for ring in polygon if len(ring) >= 3] or [largest]
            paths[code] = "".join(_to_path(ring) for ring in drawn)
            centres[code] = _centre(largest)
        return Drawing(width, max(1, round((north - south) * scale)), paths, centres)


def read_boundaries(content: bytes, regions: Regions, system: str | None = None) -> tuple[Boundaries, list[Finding]]:
    """Read outlines from GeoJSON.

    Parameters
    ----------
    content : bytes
        A FeatureCollection, a bare list of Features, or one Feature; UTF-8. A region is named by the property
        ``adcode``, ``code`` or ``gb`` (with or without the country's 156), else by ``name``.
    regions : Regions
        The city's regions; an outline of another region is a finding and left out.
    system : str, optional
        Coordinate system, where the file does not say it itself; GCJ-02 if nobody does.

    Returns
    -------
    Boundaries, list of Finding
        Outlines that can be drawn, and everything found: unknown codes, other geometries, rings that are not
        closed, crossings. A crossing outline is kept for drawing and must be mended before any overlay.

    Raises
    ------
    PlaceError
        If the file is not GeoJSON, or holds no outline of a region of this city.
    """
    document = _parse(content)
    features = _features(document)
    findings: list[Finding] = []
    outlines: dict[RegionCode, Outline] = {}
    for number, feature in enumerate(features, 1):
        outline = _read_feature(feature, number, regions, findings)
        if outline is None:
            continue
        if outline.region in outlines:
            findings.append(_found(number, "repeated", outline.region.short, "each region once", _REPEATED))
            continue
        outlines[outline.region] = outline
        findings += _check_outline(outline, number, regions)
    if not outlines:
        nothing = _found(0, "nothing", f"{len(features)} features", "an outline of a region of this city", _NOTHING)
        raise PlaceError([nothing, *findings])
    return Boundaries(system or _said_system(document) or "GCJ-02", outlines), findings


_REPEATED = Text("同一区划出现两次，只用第一次的边界", "the region stands twice; only its first outline is used")
_NOTHING = Text("文件里没有本地区划的边界；请换一份", "the file holds no outline of this city's regions; bring another")
_NOT_JSON = Text("不是 GeoJSON 文件（{error}）；请换一份", "not a GeoJSON file ({error}); bring another")
_UNKNOWN = Text(
    "「{word}」不是本地区划；这条边界未采用", "'{word}' is not a region of this city; its outline is left out"
)
_GEOMETRY = Text(
    "几何类型是 {geometry}，不是面；这条边界未采用", "the geometry is {geometry}, not polygons; it is left out"
)
_RING = Text(
    "{name}有一个环少于四点或未闭合；该环未采用",
    "{name} has a ring that is open or has under four points; it is left out",
)
_CONTACT = Text(
    "{name}的边界在 ({lon}, {lat}) 处自相交；可以显示，叠加分析前须修正",
    "{name}'s outline crosses itself at ({lon}, {lat}); it can be shown, mend it before any overlay",
)
_NESTED = Text(
    "{name}有一块落在另一块之内；可以显示，叠加分析前须修正",
    "{name} has a part that lies within another; it can be shown, mend it before any overlay",
)


def _found(number: int, kind: str, found: object, expected: str, message: Text, **values: object) -> Finding:
    where = f"feature {number}" if number else "file"
    return Finding(f"boundaries.{kind}", where, str(found)[:120], expected, message.fill(**values))


def _no_outline(codes: Sequence[RegionCode]) -> Finding:
    words = ", ".join(code.short for code in codes) or "nothing"
    return Finding(
        "boundaries.no_outline",
        "boundaries",
        words,
        "regions with an outline",
        Text(
            f"没有这些区划的边界：{words}；请先导入边界文件",
            f"no outline is kept of: {words}; bring a boundary file first",
        ),
    )


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise PlaceError(
            _found(0, "not_json", type(error).__name__, "GeoJSON", _NOT_JSON, error=str(error)[:100])
        ) from None


def _features(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and document.get("type") == "Feature":
        return [document]
    if isinstance(document, dict) and isinstance(document.get("features"), list):
        return list(document["features"])
    expected = "a FeatureCollection or a list of Features"
    raise PlaceError(_found(0, "not_json", type(document).__name__, expected, _NOT_JSON, error="Feature"))


def _said_system(document: Any) -> str | None:
    """The coordinate system that a FeatureCollection names in its ``crs`` member, if it does."""
    said = json.dumps(document.get("crs")) if isinstance(document, dict) and document.get("crs") else ""
    return next((name for key, name in _SYSTEMS.items() if key in said), None)


def _read_feature(feature: Any, number: int, regions: Regions, findings: list[Finding]) -> Outline | None:
    said = feature if isinstance(feature, dict) else {}
    properties, geometry = said.get("properties") or {}, said.get("geometry") or {}
    code = _find_region(properties, regions)
    if code is None:
        word = next((properties[k] for k in (*_CODE_KEYS, "name") if properties.get(k)), "nothing")
        findings.append(
            _found(number, "unknown_region", word, "a code or name of this city's regions", _UNKNOWN, word=word)
        )
        return None
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    raw: Any = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(str(kind), [])
    try:
        rings = [[_to_ring(ring) for ring in polygon] for polygon in raw]
    except (TypeError, ValueError, IndexError, OverflowError):
        rings = []
    if not rings:
        findings.append(_found(number, "geometry", kind, "Polygon or MultiPolygon", _GEOMETRY, geometry=kind))
        return None
    polygons = []
    for polygon in rings:
        good = [ring for ring in polygon if len(ring) >= 4 and ring[0] == ring[-1]]
        if len(good) < len(polygon):
            name = regions.get(code).name
            findings.append(
                _found(number, "ring", code.short, "closed rings of at least four points", _RING, name=name)
            )
        if good and good[0] is polygon[0]:
            polygons.append(tuple(good))
    return Outline(code, tuple(polygons)) if polygons else None


def _find_region(properties: Mapping[str, Any], regions: Regions) -> RegionCode | None:
    words = [str(properties[key]).strip() for key in _CODE_KEYS if properties.get(key)]
    words += [word[3:] for word in words if word.startswith("156") and len(word) in (9, 12)]
    for word in (*words, str(properties.get("name") or "")):
        found = regions.resolve([word], None)[word] if word else []
        if len(found) == 1:
            return found[0]
    return None


def _to_ring(ring: Any) -> Ring:
    points = tuple((round(float(p[0]) * MICRO), round(float(p[1]) * MICRO)) for p in ring)
    if any(abs(x) > 180 * MICRO or abs(y) > 90 * MICRO for x, y in points):
        raise ValueError("not degrees")
    return points


def _check_outline(outline: Outline, number: int, regions: Regions) -> list[Finding]:
    name = regions.get(outline.region).name
    rings = [ring for polygon in outline.polygons for ring in polygon]
    contact = find_contact(rings)
    if contact is not None:
        lon, lat = f"{contact[0] / MICRO:.6f}", f"{contact[1] / MICRO:.6f}"
        return [
            _found(
                number,
                "crossing",
                outline.region.short,
                "an outline that does not cross itself",
                _CONTACT,
                name=name,
                lon=lon,
                lat=lat,
            )
        ]
    outer = [polygon[0] for polygon in outline.polygons]
    if any(_lies_within(one, other) for one in outer for other in outer if one is not other):
        return [_found(number, "nested", outline.region.short, "parts beside each other", _NESTED, name=name)]
    return []


def _lies_within(one: Ring, other: Ring) -> bool:
    """True when a part's corners lie inside another part; both have been found not to cross."""
    xs, ys = [x for x, _ in other], [y for _, y in other]
    if not (min(xs) <= one[0][0] <= max(xs) and min(ys) <= one[0][1] <= max(ys)):
        return False
    return any(is_inside(point, other) for point in one[:-1])


def _area(ring: Ring) -> float:
    """Signed area of a ring on the sphere, in square metres."""
    total = 0.0
    for (lon, lat), (next_lon, next_lat) in pairwise(ring):
        total += radians((next_lon - lon) / MICRO) * (2 + sin(radians(lat / MICRO)) + sin(radians(next_lat / MICRO)))
    return total * _RADIUS_M * _RADIUS_M / 2


def _thin(points: Iterable[Point]) -> list[Point]:
    """Leave out points that fall on the one before, and the closing one."""
    thin: list[Point] = []
    for point in points:
        if not thin or thin[-1] != point:
            thin.append(point)
    if len(thin) > 1 and thin[0] == thin[-1]:
        thin.pop()
    return thin


def _to_path(ring: Sequence[Point]) -> str:
    x, y = ring[0]
    steps = " ".join(f"{b[0] - a[0]},{b[1] - a[1]}" for a, b in pairwise(ring))
    return f"M{x},{y}l{steps}z" if steps else f"M{x},{y}h1v1h-1z"


def _doubled(ring: Sequence[Point]) -> int:
    """Twice the signed area, exact."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*ring, ring[0]]))


def _centre(ring: Sequence[Point]) -> Point:
    doubled = _doubled(ring)
    if doubled == 0:
        return ring[0]
    x = y = 0
    for a, b in pairwise([*ring, ring[0]]):
        cross = a[0] * b[1] - b[0] * a[1]
        x += (a[0] + b[0]) * cross
        y += (a[1] + b[1]) * cross
    return round(x / (3 * doubled)), round(y / (3 * doubled))
