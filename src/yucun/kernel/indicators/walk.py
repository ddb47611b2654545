"""From one cell to the cells that it is worked out from, and to those worked out from it; no query is needed.

`inputs_of` and `outputs_of` are inverse to each other over the cells that exist, and say for one cell what
`compile.Compiler.steps` says for all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from yucun.base.errors import NotKnown
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators.model import Cell, CellKey, Indicator, Term
from yucun.kernel.registry.regions import Regions


@dataclass(frozen=True, slots=True)
class Input:
    """A cell that another is worked out from, and the slot it stands in."""

    slot: str
    key: CellKey


def before(period: Period, against: str) -> Period | None:
    """The period that a change is counted from; None where there is no such day."""
    try:
        if against == "previous":
            return period.previous()
        return Period.parse(f"{period.start.year - 1}{period.text[4:]}")
    except NotKnown:
        return None


def after(period: Period, against: str) -> Period | None:
    """The period whose change is counted from this one."""
    if against == "year_before" or period.kind in ("year", "cumulative", "day"):
        return Period.find(f"{period.start.year + 1}{period.text[4:]}")
    year, month = period.start.year, period.start.month
    if period.kind == "month":
        return Period.month(year + month // 12, month % 12 + 1)
    quarter = (month + 2) // 3
    return Period.quarter(year + quarter // 4, quarter % 4 + 1)


class Links:
    """The steps between cells of linked indicators.

    Parameters
    ----------
    indicators : mapping of str to Indicator
        Inputs before outputs, as `linking.link_indicators` gives them.
    regions : Regions
        The map through time.
    """

    def __init__(self, indicators: Mapping[str, Indicator], regions: Regions) -> None:
        self.indicators = indicators
        self.regions = regions
        self._users: dict[str, list[str]] = {name: [] for name in indicators}
        for indicator in indicators.values():
            for name in indicator.uses:
                self._users[name].append(indicator.id)

    def inputs_of(self, key: CellKey) -> list[Input]:
        """Return the cells that a derived cell needs, whether they exist or not; none for a leaf."""
        indicator = self.indicators[key.indicator]
        if indicator.is_leaf:
            return []
        first = indicator.members[0].indicator
        here = replace(key, indicator=first)
        match indicator.kind:
            case "change":
                earlier = before(key.period, indicator.against)
                return [Input("now", here)] + ([Input("before", replace(here, period=earlier))] if earlier else [])
            case "difference":
                return [Input("left", here), *self._taken_away(indicator, key, first)]
            case "sum" | "spread":
                below = self._below(indicator, key)
                found = [
                    Input(m.name, CellKey(m.indicator, code, key.period)) for code in below for m in indicator.members
                ]
                weights = [
                    Input(f"{m.name}:weight", CellKey(m.weight, code, key.period))
                    for code in below
                    for m in indicator.members
                    if m.weight
                ]
                return found + weights
            case _:
                return [Input(m.name, replace(key, indicator=m.indicator)) for m in indicator.members]

    def _taken_away(self, indicator: Indicator, key: CellKey, first: str) -> list[Input]:
        if not indicator.minus.startswith("region:"):
            return [Input("right", replace(key, indicator=indicator.minus))]
        level = indicator.minus.removeprefix("region:")
        return [Input("right", CellKey(first, code, key.period)) for code in self._above(key, level)]

    def _above(self, key: CellKey, level: str | None = None) -> list[RegionCode]:
        if self.regions.find(key.region, key.period.end) is None:
            return []
        above = self.regions.ancestors(key.region, key.period.end)
        return [r.code for r in above if level is None or r.level == level]

    def _below(self, indicator: Indicator, key: CellKey) -> list[RegionCode]:
        if indicator.over is None or self.regions.find(key.region, key.period.end) is None:
            return []
        found = self.regions.at_level(indicator.over, key.region, key.period.end)
        return [r.code for r in found if r.code != key.region]

    def outputs_of(self, key: CellKey) -> list[CellKey]:
        """Return the cells that are worked out from a cell directly, whether they have a value or not."""
        found: dict[CellKey, None] = {}
        for name in self._users[key.indicator]:
            for candidate in self._candidates(self.indicators[name], key):
                if any(i.key == key for i in self.inputs_of(candidate)):
                    found[candidate] = None
        return list(found)

    def _candidates(self, indicator: Indicator, key: CellKey) -> Iterator[CellKey]:
        here = replace(key, indicator=indicator.id)
        match indicator.kind:
            case "change":
                yield here
                later = after(key.period, indicator.against)
                if later is not None:
                    yield replace(here, period=later)
            case "difference" if indicator.minus.startswith("region:"):
                yield here
                if self.regions.find(key.region, key.period.end) is not None:
                    for level in indicator.levels:
                        for region in self.regions.at_level(level, key.region, key.period.end):
                            yield replace(here, region=region.code)
            case "sum" | "spread":
                for code in self._above(key):
                    yield replace(here, region=code)
            case _:
                yield here

    def leaves_of(self, key: CellKey) -> list[CellKey]:
        """Walk down to the leaf cells of a cell, each once."""
        found: dict[CellKey, None] = {}
        waiting = [key]
        while waiting:
            current = waiting.pop()
            inputs = self.inputs_of(current)
            if self.indicators[current.indicator].is_leaf:
                found[current] = None
            waiting += [i.key for i in inputs if i.key not in found]
        return list(found)

    def moved_by(self, keys: Iterable[CellKey], exists: Callable[[CellKey], bool]) -> list[CellKey]:
        """Walk up from cells to every cell that rests on them and exists; the cells themselves come first."""
        found: dict[CellKey, None] = {}
        waiting = deque(keys)
        while waiting:
            current = waiting.popleft()
            if current in found or not exists(current):
                continue
            found[current] = None
            waiting += self.outputs_of(current)
        return list(found)

    def leaf_names(self, name: str) -> list[str]:
        """The leaves that an indicator rests on, each once."""
        indicator = self.indicators[name]
        if indicator.is_leaf:
            return [name]
        return list(dict.fromkeys(leaf for used in indicator.uses for leaf in self.leaf_names(used)))

    def tables_of(self, name: str) -> list[str]:
        """The tables that an indicator rests on, each once."""
        return list(dict.fromkeys(t.table for leaf in self.leaf_names(name) for t in self.indicators[leaf].terms))

    def may_share_rows(self, names: Collection[str]) -> bool:
        """Whether one row may enter two of these leaves, so that their records cannot simply be added."""
        return any(
            _may_meet(a, b)
            for one, other in combinations([self.indicators[n] for n in names], 2)
            for a in one.terms
            for b in other.terms
        )


def _may_meet(one: Term, other: Term) -> bool:
    if one.table != other.table:
        return False
    return not any(set(one.where[f]).isdisjoint(other.where[f]) for f in one.where.keys() & other.where.keys())


def count_records(leaves: Iterable[CellKey], cells: Callable[[CellKey], Cell | None]) -> int:
    """Records of a derived cell whose leaves share no row: those of its leaf cells together."""
    return sum(cell.records for key in leaves if (cell := cells(key)) is not None)
