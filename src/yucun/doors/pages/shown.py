"""From a resolved screen to what the templates draw: openings, tiles, dimensions, bars, tables, maps, lines, marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from yucun.base.identity import LEVELS, RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.drawing import make_spark
from yucun.doors.pages.lines import make_lines
from yucun.doors.pages.maps import make_map
from yucun.doors.pages.valued import (
    bars_view,
    mark_view,
    number_address,
    number_view,
    region_address,
    region_name,
    value_entry,
)
from yucun.doors.pages.views import (
    EMPTY,
    Bars,
    Column,
    Dimension,
    Entry,
    MapView,
    MarkView,
    NumberView,
    Opening,
    Row,
    Section,
    Span,
    Table,
    Waiting,
)
from yucun.doors.pages.visit import Visit
from yucun.kernel.indicators.model import MARK_TITLES, Indicator, Mark, Value
from yucun.kernel.registry.place import TileMap
from yucun.kernel.screens import Sentence, Shown, ShownBars, ShownMark, ShownSection, ShownTile


def make_opening(visit: Visit, shown: Shown, otherwise: Text, kicker: Text = EMPTY) -> Opening:
    """The sentence that a screen begins with; ``otherwise`` when it declares none."""
    spans: list[Span] = []
    for sentence in shown.lead:
        spans += [*spans_of(visit, sentence, shown.as_of), Span(Text("", " "))]
    late = shown.sentence.late if shown.sentence else None
    if late is not None:
        # The first sentence is made of a number whose next period is overdue: that is said right below it.
        word = MARK_TITLES["late"]
        spans.append(
            Span(Text(f"{word.zh}：{late.reason.zh}。", f"{word.en}: {late.reason.en}."), f"/lake/{late.feed}")
        )
    return Opening(
        kicker=shown.kicker.text if shown.kicker else kicker,
        sentence=shown.sentence.text if shown.sentence else otherwise,
        lead=tuple(spans),
    )


def spans_of(visit: Visit, sentence: Sentence, as_of: int | None) -> tuple[Span, ...]:
    """A sentence whose numbers can be asked why; in the reader's language only, since the pieces differ."""
    spans = []
    for piece in sentence.of(visit.language):
        value = piece.value
        href = number_address(value.indicator, value.region, value.period, as_of) if value else ""
        spans.append(Span(Text.same(piece.words), href, piece.is_strong))
    return tuple(spans)


def make_section(visit: Visit, section: ShownSection, shown: Shown) -> Section:
    """One section by its shape; what belongs to the lake is filled in by the page."""
    tiles = section.tiles
    is_dimensions, is_lines = section.shape == "dimensions", section.shape == "lines"
    numbers = tuple(tile_view(visit, tile, shown.as_of) for tile in tiles)
    return Section(
        title=section.title,
        shape=section.shape,
        said=section.said,
        numbers=() if is_dimensions or is_lines else numbers,
        bars=tuple(_bars(visit, bars, shown, section.title) for bars in section.bars)
        if section.shape == "bars"
        else (),
        dimensions=tuple(Dimension(n.title, n) for n in numbers) if is_dimensions else (),
        waiting=_dimensions_waiting(numbers) if is_dimensions else group_marks(section.marks),
        lines=tuple(
            line
            for tile in tiles
            for line in make_lines(tile.indicator, tile.trend, tile.value, shown.as_of, tile.title)
        )
        if is_lines
        else (),
        tables=(_table(visit, section, shown),) if section.table else (),
        map=_map(visit, section, shown) if section.shape == "map" else None,
    )


def tile_view(visit: Visit, tile: ShownTile, as_of: int | None) -> NumberView:
    """A tile: its number, its small line, and one honest note."""
    numbers = [v.number for v in tile.trend if v.number is not None]
    return number_view(
        visit.city, tile.value, title=tile.title, note=_note(tile), spark=make_spark(numbers), as_of=as_of
    )


def _note(tile: ShownTile) -> Text:
    """What one most needs to know: the screen's own note, else what the press prints, else the comparisons."""
    if tile.note.zh:
        return tile.note
    if tile.press:
        claim = tile.press[0]
        return Text(f"❝ 报刊 {claim.printed} {claim.unit.zh}", f"❝ press {claim.printed} {claim.unit.en}")
    said = [c.said for c in tile.comparisons][:2]
    return Text("，".join(s.zh for s in said), ", ".join(s.en for s in said))


def _bars(visit: Visit, bars: ShownBars, shown: Shown, title: Text) -> Bars:
    if bars.period:
        title = Text(f"{title.zh}，{bars.period.title.zh}", f"{title.en}, {bars.period.title.en}")
    made = bars_view(visit.city, bars.values, bars.here, bars.indicator, title=title, said=bars.said, as_of=shown.as_of)
    return replace(made, late=mark_view(bars.late)) if bars.late else made


def _table(visit: Visit, section: ShownSection, shown: Shown) -> Table:
    """Regions and their numbers; unit and period stand in the heads, so that the cells hold figures alone."""
    table = section.table
    assert table is not None
    heads = [
        _head(i, p) if late is None else say_late(_head(i, p))
        for i, p, late in zip(table.indicators, table.periods, table.late, strict=True)
    ]
    rows = tuple(
        Row(
            (
                Entry(region_name(visit.city, row.region), region_address(row.region)),
                *(value_entry(value, shown.as_of, is_bare=True) for value in row.values),
            ),
            is_here=row.region == shown.region,
        )
        for row in table.rows
    )
    columns = (Column(words()["number.region"]), *(Column(head, is_number=True) for head in heads))
    return Table(
        section.said if section.said.zh else words()["screen.table"], columns, rows, len(rows), name=_name(section)
    )


def say_late(title: Text) -> Text:
    """A title with the word that a newer period is overdue."""
    late = MARK_TITLES["late"]
    return Text(f"{title.zh}（{late.zh}）", f"{title.en} ({late.en})")


def _head(indicator: Indicator, period: Period | None) -> Text:
    unit, when = indicator.unit.title, period.title if period else EMPTY
    zh = "，".join(word for word in (indicator.title.zh, when.zh, unit.zh) if word)
    return Text(zh, ", ".join(word for word in (indicator.title.en, when.en, unit.en) if word))


def group_marks(marks: Iterable[ShownMark]) -> tuple[Waiting, ...]:
    """Missing numbers by the reason that they share, those that are late first."""
    groups: dict[Mark, list[Span]] = {}
    for one in marks:
        groups.setdefault(one.mark, []).append(Span(one.indicator.title, number_address(one.indicator.id)))
    ordered = sorted(groups.items(), key=lambda group: (group[0].kind != "late", group[0].feed))
    return tuple(Waiting(mark_view(mark), tuple(numbers)) for mark, numbers in ordered)


def _dimensions_waiting(numbers: Iterable[NumberView]) -> tuple[Waiting, ...]:
    """The reasons behind the marks of a list, each said once."""
    groups: dict[MarkView, list[Span]] = {}
    for number in numbers:
        if number.mark is not None:
            groups.setdefault(number.mark, []).append(Span(number.title, number.href))
    return tuple(Waiting(mark, tuple(spans)) for mark, spans in groups.items())


def _name(section: ShownSection) -> str:
    """A stable name for the box of a section, from its English title."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in section.title.en.lower())


def _map(visit: Visit, section: ShownSection, shown: Shown) -> MapView | None:
    bars = section.bars[0] if section.bars else None
    tilemap = find_tilemap(visit, shown.region, bars.values if bars else ())
    if bars is None or tilemap is None:
        return None
    by_region = {value.region: value for value in bars.values}
    values = {tile.region: _value_of(visit, tile.region, by_region) for tile in tilemap.tiles}

    def say(code: RegionCode) -> Text:
        value, name = values[code], region_name(visit.city, code)
        if value is None or value.mark is not None:
            return Text(f"{name.zh}：未知", f"{name.en}: not known")
        return Text(
            f"{name.zh}：{value.shown} {value.unit.title.zh}", f"{name.en}: {value.shown} {value.unit.title.en}"
        )

    counts = {code: value.number if value else None for code, value in values.items()}
    return make_map(tilemap, visit.city.regions, counts, say, region_address, title=section.title, said=section.said)


def find_tilemap(visit: Visit, region: RegionCode, values: Iterable[Value]) -> TileMap | None:
    """The schematic map of a region whose cells are of the values' level, or of the nearest level below."""
    levels = {LEVELS.index(v.region.level) for v in values}
    found = [
        tilemap
        for tilemap in visit.city.place.tilemaps.values()
        if tilemap.within == region and (not levels or LEVELS.index(tilemap.level) >= min(levels))
    ]
    return min(found, key=lambda tilemap: LEVELS.index(tilemap.level), default=None)


def _value_of(visit: Visit, code: RegionCode, values: dict[RegionCode, Value]) -> Value | None:
    """The value of a cell, or of the region above it that has one."""
    if code in values:
        return values[code]
    return next((values[r.code] for r in visit.city.regions.ancestors(code) if r.code in values), None)
