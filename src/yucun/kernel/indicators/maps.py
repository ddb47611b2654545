"""Which regions a row counts in: those above its own on its own day, or those of the map of another day.

A region that the map knows no more (or not yet) on a row's day is taken as it last (or first) stood, so that no row
is lost. Into the map of another day a row follows what became of its region; where that was split, only regions that
hold every part are certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

import pyarrow as pa

from yucun.base.identity import Level, RegionCode
from yucun.kernel.registry.changes import Arrow, known_shares, list_changes
from yucun.kernel.registry.model import BEGINNING, Region
from yucun.kernel.registry.regions import Regions

FIRST_DAY, LAST_DAY = "0001-01-01", "9999-12-31"
GATHER_SCHEMA = pa.schema(
    [
        pa.field("region", pa.string()),
        pa.field("above", pa.string()),
        pa.field("above_level", pa.string()),
        pa.field("valid_from", pa.string()),
        pa.field("valid_to", pa.string()),
        pa.field("is_certain", pa.int64()),
        pa.field("above_id", pa.int32()),
        pa.field("first_day", pa.date32()),
        pa.field("last_day", pa.date32()),
    ]
)
Shares = dict[RegionCode, Fraction | None]
_Arrows = dict[RegionCode, list[Arrow]]
_Places = tuple[tuple[str, Level, bool], ...]


class Journeys:
    """What became of regions between days, worked out from their successions."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self._changes = _list_changes(regions)
        days = {d for r in regions for d in (r.valid_from, r.valid_to) if d is not None and d != BEGINNING}
        self._days = sorted(days | {s.on for s in regions.successions})

    def days_of_change(self) -> list[date]:
        """Every day on which the map changed, oldest first."""
        return self._days

    def follow(self, code: RegionCode, day: date, to: date) -> Shares:
        """Return what became of a region between two days: each successor with its share, None where no source says.

        Backwards (``to`` before ``day``) the shares are those of the new region that came from the old ones.
        """
        first, last, forward = min(day, to), max(day, to), day <= to
        current: Shares = {code: Fraction(1)}
        changes = [c for c in self._changes if first < c[0] <= last]
        for _, forth, back in changes if forward else reversed(changes):
            current = _pass_on(current, forth if forward else back)
        return current

    def touched(self, first: date, last: date) -> frozenset[RegionCode]:
        """The regions that a change with ``first < day <= last`` names on either side."""
        return frozenset(code for on, forth, back in self._changes if first < on <= last for code in (*forth, *back))

    def stand_in(self, code: RegionCode, day: date) -> date:
        """The day nearest to another on which a code held: the day itself, its last one, or its first one."""
        versions = self.regions.versions(code)
        if any(v.is_valid(day) for v in versions):
            return day
        ended = [v.valid_to for v in versions if v.valid_to is not None and v.valid_to <= day]
        return max(ended) - timedelta(days=1) if ended else versions[0].valid_from


class MapTables:
    """The tables that relate regions to those above them, each made once for one map through time.

    `map_tables` keeps them, so that refreshing, explaining and reading share them.
    """

    def __init__(self, regions: Regions) -> None:
        self.journeys = Journeys(regions)
        self.places = places_table(regions)
        self.days_of_change = self.journeys.days_of_change()
        self._gathered: dict[tuple[Level, tuple[Level, ...], date | None], pa.Table] = {}

    def gather(self, rows_of: Level, levels: tuple[Level, ...], in_map_of: date | None) -> pa.Table:
        """See `gather_table`."""
        key = (rows_of, levels, in_map_of)
        if key not in self._gathered:
            self._gathered[key] = gather_table(self.journeys, rows_of, levels, in_map_of)
        return self._gathered[key]

    def names(self, rows_of: Level, levels: tuple[Level, ...], in_map_of: date | None) -> pa.Table:
        """The codes behind `above_id`: ``id`` and ``name``."""
        gathered = self.gather(rows_of, levels, in_map_of)
        codes = sorted(set(gathered["above"].to_pylist()))
        return pa.table({"id": pa.array(range(len(codes)), pa.int32()), "name": pa.array(codes, pa.string())})


@lru_cache(maxsize=4)
def map_tables(regions: Regions) -> MapTables:
    """Return the tables of a map through time; the same ones while the map is the same."""
    return MapTables(regions)


def places_table(regions: Iterable[Region]) -> pa.Table:
    """Relate each region to each above it, with the days on which that held; one row for each stretch of days."""
    versions: dict[str, list[Region]] = {}
    for region in regions:
        versions.setdefault(str(region.code), []).append(region)

    def above(region: Region, first: date, last: date | None) -> Iterator[tuple[Region, date, date | None]]:
        for parent in versions.get(str(region.parent), ()) if region.parent else ():
            low = max(first, parent.valid_from)
            ends = [d for d in (last, parent.valid_to) if d is not None]
            high = min(ends) if ends else None
            if high is None or low < high:
                yield parent, low, high
                yield from above(parent, low, high)

    rows = [
        (str(r.code), r.level, str(up.code), up.level, low.isoformat(), high.isoformat() if high else LAST_DAY)
        for group in versions.values()
        for r in group
        for up, low, high in above(r, r.valid_from, r.valid_to)
    ]
    names = ("region", "level", "above", "above_level", "valid_from", "valid_to")
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})


def gather_table(journeys: Journeys, rows_of: Level, levels: Sequence[Level], in_map_of: date | None) -> pa.Table:
    """Relate each region of a level to the regions in which its rows count, for each stretch of days.

    Returns
    -------
    pyarrow.Table
        ``GATHER_SCHEMA``: days as text, from the first up to and without the last; `is_certain` is 0 where only a
        part of the region's rows belongs there and nobody knows which. `above_id` numbers the regions above, and
        `first_day` and `last_day` are the same days as days, for tables too large to be joined by text.
    """
    regions = journeys.regions
    wanted = frozenset(levels)
    changed = journeys.touched(date.min, date.max) if in_map_of is not None else frozenset()
    changes = journeys.days_of_change()
    rows: list[tuple[str, str, str, str, str, int]] = []
    for code in dict.fromkeys(r.code for r in regions if r.level == rows_of):
        cuts = _days_of(regions, code)
        if in_map_of is not None:
            cuts = changes if code in changed or regions.find(code, in_map_of) is None else []
        for first, last, places in _stretches(journeys, code, cuts, in_map_of):
            rows += [(str(code), c, level, first, last, int(sure)) for c, level, sure in places if level in wanted]
    numbers = {above: n for n, above in enumerate(sorted({row[1] for row in rows}))}
    full = [(*r, numbers[r[1]], date.fromisoformat(r[3]), date.fromisoformat(r[4])) for r in rows]
    columns = list(zip(*full, strict=True)) or [()] * len(GATHER_SCHEMA)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, GATHER_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=GATHER_SCHEMA)


def _list_changes(known: Regions) -> list[tuple[date, _Arrows, _Arrows]]:
    """Each day of change with its arrows by the region that they leave, forwards and backwards."""
    found = []
    for change in list_changes(known.successions, lambda code, day: known.find(code, day) is not None):
        forth: _Arrows = {}
        back: _Arrows = {}
        for a in change.arrows:
            forth.setdefault(a.old, []).append(a)
            back.setdefault(a.new, []).append(Arrow(a.new, a.old, a.back_share, a.share))
        found.append((change.on, forth, back))
    return found


def _days_of(regions: Regions, code: RegionCode) -> list[date]:
    """Days on which a region or one above it may stand otherwise than before."""
    days: set[date] = set()
    waiting, seen = [code], {code}
    while waiting:
        for version in regions.versions(waiting.pop()):
            days |= {d for d in (version.valid_from, version.valid_to) if d is not None and d != BEGINNING}
            if version.parent is not None and version.parent not in seen:
                seen.add(version.parent)
                waiting.append(version.parent)
    return sorted(days)


def _stretches(
    journeys: Journeys, code: RegionCode, cuts: Sequence[date], in_map_of: date | None
) -> Iterator[tuple[str, str, _Places]]:
    """Each stretch of days with the places of a region; neighbours that are alike are one."""
    edges = [FIRST_DAY, *(d.isoformat() for d in cuts), LAST_DAY]
    inside = [cuts[0] - timedelta(days=1), *cuts] if cuts else [in_map_of or date.max]
    held: tuple[str, str, _Places] | None = None
    for first, last, day in zip(edges, edges[1:], inside, strict=False):
        places = _places(journeys, code, journeys.stand_in(code, day), in_map_of)
        if held is not None and held[2] == places:
            held = (held[0], last, places)
            continue
        if held is not None:
            yield held
        held = (first, last, places)
    if held is not None:
        yield held


def _places(journeys: Journeys, code: RegionCode, day: date, in_map_of: date | None) -> _Places:
    """Where the rows of a region count: itself and those above it, or its successors and those above them."""
    regions = journeys.regions
    if in_map_of is None:
        return tuple((str(r.code), r.level, True) for r in _chain(regions, code, day))
    if day == in_map_of and regions.find(code, day) is not None:
        chains = [_chain(regions, code, day)]
    else:
        chains = [_last_chain(regions, one, in_map_of) for one in journeys.follow(code, day, in_map_of)]
    found: dict[str, tuple[Level, int]] = {}
    for chain in chains:
        for region in chain:
            found[str(region.code)] = (region.level, found.get(str(region.code), (region.level, 0))[1] + 1)
    return tuple((above, level, times == len(chains)) for above, (level, times) in found.items())


def _chain(regions: Regions, code: RegionCode, day: date) -> list[Region]:
    return [regions.get(code, day), *regions.ancestors(code, day)]


def _last_chain(regions: Regions, code: RegionCode, day: date) -> list[Region]:
    """The chain on a day; of a region that ended without a successor only those above it that still hold."""
    standing = last_standing(regions, code, day)
    return _chain(regions, standing, day) if regions.find(standing, day) is not None else []


def last_standing(regions: Regions, code: RegionCode, day: date) -> RegionCode:
    """A region that holds on a day, or of one that ended without a successor the one last above it that does."""
    if regions.find(code, day) is not None:
        return code
    for version in reversed(regions.versions(code)):
        if version.parent is not None and regions.find(version.parent, day) is not None:
            return version.parent
    return code


def _pass_on(current: Shares, arrows: _Arrows) -> Shares:
    """One day of change: each region that leaves hands what it stands for to its successors."""
    after: Shares = {}

    def add(code: RegionCode, share: Fraction | None) -> None:
        held = after.get(code, Fraction(0))
        after[code] = None if share is None or held is None else held + share

    for code, share in current.items():
        group = arrows.get(code)
        if group is None:
            add(code, share)
            continue
        known = known_shares([a.share for a in group])
        for number, arrow in enumerate(group):
            add(arrow.new, None if share is None or known is None else share * known[number])
    return {code: share for code, share in after.items() if share != 0}
