"""A place folder: who the city is, its regions, its schematic tile maps, its dated tables and their sources.

::

    place.toml       id, title, region, today, languages, calendar; names the files below
    regions.csv      code, name, level, parent, name_en (optional: valid_from, valid_to)
    (successions)    old, new, on, and optional weights with their source, as in `Succession`
    tilemap.toml     one table a map: title, note, within, level, rows of names
    figures/*.csv    dated tables, each row with a source; figures/sources.toml says what the sources are
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding, NotKnown, PlaceError
from yucun.base.identity import LEVELS, Level, RegionCode
from yucun.base.text import LANGUAGES, Text
from yucun.kernel.registry.model import BEGINNING, Region, Succession
from yucun.kernel.registry.regions import Regions, check_regions

_Row = TypeVar("_Row")
NO_CELL = "·"
_SEEN_AS = ("original", "copy", "feature", "not_kept")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a typed figure comes from; `published` None where the page does not say.

    `seen_as` is original, copy, feature (a newspaper feature) or not_kept (known without an address).
    """

    id: str
    title: Text
    publisher: Text
    published: date | None
    address: str
    seen_as: str
    note: Text


@dataclass(frozen=True, slots=True)
class Figures:
    """A dated table of the place: its file, the lake table it lands in, and the first day on which it is known.

    `known_from` None means that all of it was published by the place's own day.
    """

    path: Path
    table: str
    known_from: date | None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Tile:
    """One cell of a schematic map: column from the west, row from the north, both from 0."""

    region: RegionCode
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class TileMap:
    """A schematic map of our own drawing: one cell for each region of a level; never an outline."""

    id: str
    title: Text
    note: Text
    within: RegionCode
    level: Level
    tiles: tuple[Tile, ...]

    @property
    def columns(self) -> int:
        """Width in cells."""
        return max((tile.column + 1 for tile in self.tiles), default=0)

    @property
    def rows(self) -> int:
        """Height in cells."""
        return max((tile.row + 1 for tile in self.tiles), default=0)


@dataclass(frozen=True, slots=True)
class Place:
    """A place: everything that makes one prefecture out of the same services."""

    id: str
    title: Text
    region: RegionCode
    today: date
    languages: tuple[str, ...]
    calendar: str
    regions: Regions
    codes_as_of: date | None
    regions_note: Text
    tilemaps: Mapping[str, TileMap]
    sources: Mapping[str, Source]
    figures: tuple[Figures, ...]
    folder: Path

    def figures_on(self, day: date) -> tuple[Figures, ...]:
        """The dated tables that are known on a day; a city never knows the future."""
        return tuple(f for f in self.figures if f.known_from is None or f.known_from <= day)


def read_place(folder: Path) -> Place:
    """Read a place folder.

    Raises
    ------
    PlaceError
        With all findings of the folder, each with file, line and key.
    """
    path = folder / "place.toml"
    if not path.is_file():
        raise PlaceError(_missing_file(path.name, folder.name))
    said = Declaration.read(path)
    said.refuse_unknown(
        said.values,
        (),
        ("id", "title", "region", "languages", "today", "calendar", "regions", "tilemap", "sources", "figures"),
    )
    regions_said = said.take(said.values, (), "regions", dict)
    regions, findings = _read_regions(said, folder, regions_said)
    if regions is None:
        raise PlaceError([*said.findings, *findings])
    place = Place(
        id=said.take(said.values, (), "id", str),
        title=said.take_text(said.values, (), "title"),
        region=_take_region(said, said.values, (), "region", regions),
        today=_take_day(said, said.values, (), "today") or BEGINNING,
        languages=tuple(_take_choices(said, "languages", LANGUAGES)),
        calendar=said.take(said.values, (), "calendar", str, "china"),
        regions=regions,
        codes_as_of=_take_day(said, regions_said, ("regions",), "codes_as_of", required=False),
        regions_note=said.take_text(regions_said, ("regions",), "note", Text("", "")),
        tilemaps=_read_tilemaps(said, folder, regions, findings),
        sources=_read_sources(said, folder, findings),
        figures=_read_figures(said, folder),
        folder=folder,
    )
    findings += _check_sources(place)
    if said.findings or findings:
        raise PlaceError([*said.findings, *findings])
    return place


def _missing_file(name: str, folder: str) -> Finding:
    return Finding(
        "place.file",
        name,
        "nothing",
        "a file of the place folder",
        Text(f"地方目录「{folder}」中没有 {name}；请补上", f"the place folder '{folder}' has no {name}; add it"),
    )


def _take_file(
    said: Declaration, folder: Path, table: Mapping[str, Any], path: tuple[str, ...], key: str = "file"
) -> Path | None:
    name: str = said.take(table, path, key, str)
    if name and (folder / name).is_file():
        return folder / name
    if name:
        said.add(
            "place.file",
            (*path, key),
            name,
            "a file of the place folder",
            Text(f"没有文件「{name}」；请补上或改正文件名", f"there is no file '{name}'; add it or correct its name"),
        )
    return None


def _take_day(
    said: Declaration, table: Mapping[str, Any], path: tuple[str, ...], key: str, *, required: bool = True
) -> date | None:
    value = table.get(key)
    if type(value) is date:
        return value
    if value is not None or required:
        said.add(
            "place.day",
            (*path, key),
            value,
            "2022-05-31",
            Text(f"「{key}」应写成日期，如 2022-05-31", f"'{key}' is a day, written 2022-05-31"),
        )
    return None


def _take_region(
    said: Declaration, table: Mapping[str, Any], path: tuple[str, ...], key: str, regions: Regions
) -> RegionCode:
    word = said.take(table, path, key, str)
    try:
        code = RegionCode.parse(word)
    except NotKnown:
        code = RegionCode("000000000000")
    if regions.find(code) is None:
        said.add(
            "place.region",
            (*path, key),
            word,
            "a code of regions.csv",
            Text(
                f"「{word}」不是本地区划表中的代码；请更正",
                f"'{word}' is not a code of the place's regions; correct it",
            ),
        )
    return code


def _take_choices(said: Declaration, key: str, known: tuple[str, ...]) -> list[str]:
    words = said.take(said.values, (), key, list)
    for word in words:
        if word not in known:
            said.add(
                "place.choice",
                (key,),
                word,
                ", ".join(known),
                Text(f"「{word}」不在可选之列：{'、'.join(known)}", f"'{word}' is none of: {', '.join(known)}"),
            )
    return [str(word) for word in words]


def _read_regions(said: Declaration, folder: Path, table: Mapping[str, Any]) -> tuple[Regions | None, list[Finding]]:
    said.refuse_unknown(table, ("regions",), ("file", "successions", "codes_as_of", "note"))
    path = _take_file(said, folder, table, ("regions",))
    if path is None:
        return None, []
    rows, findings = _read_rows(path, _to_region)
    successions: list[Succession] = []
    if "successions" in table:
        listed = _take_file(said, folder, table, ("regions",), "successions")
        successions, more = _read_rows(listed, _to_succession) if listed else ([], [])
        findings += more
    findings += check_regions(rows, successions)
    return (None if findings else Regions(rows, successions)), findings


def _read_rows(path: Path, make: Callable[[Mapping[str, str]], _Row]) -> tuple[list[_Row], list[Finding]]:
    rows, findings = [], []
    for line, record in enumerate(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))), 2):
        try:
            rows.append(make(record))
        except (NotKnown, ValueError, KeyError) as error:
            findings.append(
                Finding(
                    "place.row",
                    f"{path.name}:{line}",
                    str(error)[:120],
                    "the columns that `place` describes",
                    Text(
                        f"{path.name} 第 {line} 行无法读取；请更正",
                        f"row {line} of {path.name} cannot be read; correct it",
                    ),
                )
            )
    return rows, findings


def _to_region(record: Mapping[str, str]) -> Region:
    level = record["level"]
    if level not in LEVELS:
        raise ValueError(level)
    first, last = record.get("valid_from"), record.get("valid_to")
    return Region(
        RegionCode.parse(record["code"]),
        Text(record["name"], record["name_en"]),
        level,
        RegionCode.parse(record["parent"]) if record["parent"] else None,
        date.fromisoformat(first) if first else BEGINNING,
        date.fromisoformat(last) if last else None,
    )


def _to_succession(record: Mapping[str, str]) -> Succession:
    back = record.get("back_numerator"), record.get("back_denominator")
    return Succession(
        RegionCode.parse(record["old"]),
        RegionCode.parse(record["new"]),
        date.fromisoformat(record["on"]),
        int(record.get("weight_numerator") or 1),
        int(record.get("weight_denominator") or 1),
        record.get("source") or None,
        int(back[0]) if back[0] else None,
        int(back[1]) if back[1] else None,
    )


def _read_tilemaps(said: Declaration, folder: Path, regions: Regions, findings: list[Finding]) -> dict[str, TileMap]:
    table = said.take(said.values, (), "tilemap", dict)
    path = _take_file(said, folder, table, ("tilemap",))
    if path is None:
        return {}
    drawn = Declaration.read(path)
    maps = {key: _read_tilemap(drawn, key, value, regions) for key, value in drawn.values.items()}
    findings += drawn.findings
    return maps


def _read_tilemap(drawn: Declaration, key: str, table: Mapping[str, Any], regions: Regions) -> TileMap:
    drawn.refuse_unknown(table, (key,), ("title", "note", "within", "level", "rows"))
    within = _take_region(drawn, table, (key,), "within", regions)
    word = drawn.take(table, (key,), "level", str)
    level: Level = next((known for known in LEVELS if known == word), "town")
    if word not in LEVELS:
        drawn.add(
            "place.choice",
            (key, "level"),
            word,
            ", ".join(LEVELS),
            Text(f"「{word}」不是区划级别", f"'{word}' is no level of regions"),
        )
    named = {region.name.zh: region.code for region in regions.at_level(level, within)}
    tiles = []
    for row, line in enumerate(drawn.take(table, (key,), "rows", list)):
        for column, name in enumerate(str(line).split()):
            if name == NO_CELL:
                continue
            code = named.pop(name, None)
            if code is None:
                drawn.add(
                    "place.tile",
                    (key, "rows"),
                    name,
                    "each name of that level once",
                    Text(
                        f"「{name}」不是该级区划的名称，或画了两次；请更正",
                        f"'{name}' is no region of that level, or stands twice; correct it",
                    ),
                )
            else:
                tiles.append(Tile(code, column, row))
    if named:
        drawn.add(
            "place.tile",
            (key, "rows"),
            "、".join(named),
            "a cell for each region",
            Text(f"还没有画出：{'、'.join(named)}", f"not drawn yet: {', '.join(named)}"),
        )
    return TileMap(
        key,
        drawn.take_text(table, (key,), "title"),
        drawn.take_text(table, (key,), "note"),
        within,
        level,
        tuple(tiles),
    )


def _read_sources(said: Declaration, folder: Path, findings: list[Finding]) -> dict[str, Source]:
    path = _take_file(said, folder, said.take(said.values, (), "sources", dict), ("sources",))
    if path is None:
        return {}
    listed = Declaration.read(path, f"{path.parent.name}/{path.name}")
    sources = {}
    for key, table in listed.values.items():
        listed.refuse_unknown(table, (key,), ("title", "publisher", "published", "address", "seen_as", "note"))
        seen_as = listed.take(table, (key,), "seen_as", str)
        if seen_as not in _SEEN_AS:
            listed.add(
                "place.choice",
                (key, "seen_as"),
                seen_as,
                ", ".join(_SEEN_AS),
                Text(f"seen_as 应为 {'、'.join(_SEEN_AS)} 之一", f"seen_as is one of {', '.join(_SEEN_AS)}"),
            )
        sources[key] = Source(
            key,
            listed.take_text(table, (key,), "title"),
            listed.take_text(table, (key,), "publisher"),
            _take_day(listed, table, (key,), "published", required=False),
            listed.take(table, (key,), "address", str, ""),
            seen_as,
            listed.take_text(table, (key,), "note", Text("", "")),
        )
    findings += listed.findings
    return sources


def _read_figures(said: Declaration, folder: Path) -> tuple[Figures, ...]:
    figures = []
    for number, table in enumerate(said.take(said.values, (), "figures", list, [])):
        here, before = ("figures",), len(said.findings)
        said.refuse_unknown(table, here, ("file", "table", "from"))
        path = _take_file(said, folder, table, here)
        name = said.take(table, here, "table", str)
        known_from = _take_day(said, table, here, "from", required=False)
        if path is not None:
            figures.append(Figures(path, name, known_from))
        # The declaration knows the first table of a name only; a finding belongs to the table that it is about.
        said.findings[before:] = [
            replace(finding, where=f"{said.name}:{_line_in_table(said, number, finding.key)}")
            for finding in said.findings[before:]
        ]
    return tuple(figures)


def _line_in_table(said: Declaration, number: int, key: str) -> int:
    """The line of a key within one of several tables of the same name; that table's first line if it is not there."""
    lines = said.text.splitlines()
    heads = [at for at, line in enumerate(lines, 1) if line.replace(" ", "").startswith("[[figures]]")]
    start = heads[number] if number < len(heads) else 1
    end = heads[number + 1] if number + 1 < len(heads) else len(lines) + 1
    word = key.rsplit(".", 1)[-1]
    return next((at for at in range(start, end) if lines[at - 1].split("=")[0].strip() == word), start)


def _check_sources(place: Place) -> list[Finding]:
    """Every row names a known source, and none was published after the day on which its table counts as known."""
    findings = []
    for figures in place.figures:
        day = figures.known_from or place.today
        for line, record in enumerate(csv.DictReader(io.StringIO(figures.path.read_text(encoding="utf-8"))), 2):
            source = place.sources.get(record.get("source") or "")
            where = f"{figures.path.parent.name}/{figures.name}:{line}"
            if source is None:
                findings.append(
                    Finding(
                        "place.source",
                        where,
                        str(record.get("source")),
                        "an id of the sources file",
                        Text(
                            "这一行没有写明来源，或来源未登记；请补登",
                            "this row names no source, or one that is not listed; add it",
                        ),
                        "source",
                    )
                )
            elif source.published is not None and source.published > day:
                findings.append(
                    Finding(
                        "place.future",
                        where,
                        source.published.isoformat(),
                        f"published by {day}",
                        Text(
                            f"来源发布于 {source.published}，晚于 {day}；请移到注明 from 的表",
                            f"its source was published on {source.published}, after {day}; move it to a table with 'from'",
                        ),
                        "source",
                    )
                )
    return findings
