"""The second way to count one gathered cell: its rows by the registry and pyarrow, sharing no code with the expressions.

Which regions count in the cell is asked of the registry region by region, and into another day's map each region is
carried by `registry.recast`; the rows themselves are counted, added, told apart and ranked by pyarrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators.model import CellKey, Indicator, Term
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.engine import Engine
from yucun.kernel.registry.model import BEGINNING
from yucun.kernel.registry.recast import recast
from yucun.kernel.registry.regions import Regions

Wanted = Callable[[ir.Table], ir.Table]
# A whole number that shares of any size leave a part of, to see where a region went.
_PROBE = 10**9


@dataclass(frozen=True, slots=True)
class CellRows:
    """Where the rows of a cell come from.

    Parameters
    ----------
    contracts : mapping of str to Contract
    fetch : callable
        A table's name, and what is wanted of it, to those rows.
    engine : Engine
        Only to speak of rows in memory.
    """

    contracts: Mapping[str, Contract]
    fetch: Callable[[str, Wanted], pa.Table]
    engine: Engine


@dataclass(frozen=True, slots=True)
class Stretch:
    """A region of the rows' level whose rows of some days count in a cell."""

    region: RegionCode
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Membership:
    """Which rows count in a cell: those of whole regions, and those of some regions on some days.

    Parameters
    ----------
    split : tuple of Stretch
        Regions whose rows belong here in part, and nobody knows which.
    """

    whole: frozenset[RegionCode]
    some: tuple[Stretch, ...]
    split: tuple[Stretch, ...]


def find_members(indicator: Indicator, key: CellKey, regions: Regions) -> Membership:
    """Ask the registry which regions' rows count in a cell."""
    level, period = indicator.rows_of, key.period
    listed = {s.old for s in regions.successions} | {s.new for s in regions.successions}
    days = {d for r in regions for d in (r.valid_from, r.valid_to) if d is not None and d != BEGINNING}
    cuts = sorted(d for d in days | {s.on for s in regions.successions} if period.start < d <= period.end)
    edges = [period.start, *cuts, period.end + timedelta(days=1)]
    whole: set[RegionCode] = set()
    some: list[Stretch] = []
    split: list[Stretch] = []
    for code in dict.fromkeys(r.code for r in regions if r.level == level):
        verdicts = []
        for first, after in pairwise(edges):
            verdict = _belongs(code, key.region, first, indicator.in_map_of, regions, is_listed=code in listed)
            verdicts.append((first, after - timedelta(days=1), verdict))
        split += [Stretch(code, first, last) for first, last, v in verdicts if v == "partly"]
        if all(v == "in" for *_, v in verdicts):
            whole.add(code)
            continue
        some += [Stretch(code, first, last) for first, last, v in verdicts if v == "in"]
    return Membership(frozenset(whole), tuple(some), tuple(split))


def _belongs(
    code: RegionCode, above: RegionCode, day: date, in_map_of: date | None, regions: Regions, *, is_listed: bool
) -> str:
    day = _nearest_day(code, day, regions)
    if in_map_of is None:
        return "in" if regions.is_within(code, above, day) else "out"
    if not is_listed and regions.find(code, in_map_of) is not None:
        return "in" if regions.is_within(code, above, in_map_of) else "out"
    carried = recast({code: _PROBE}, regions, regions.successions, day, in_map_of)
    went = [new for new, amount in carried.items() if not isinstance(amount, int) or amount > 0]
    inside = [regions.is_within(_lasting(new, regions, in_map_of), above, in_map_of) for new in went]
    return "in" if inside and all(inside) else "partly" if any(inside) else "out"


def _lasting(code: RegionCode, regions: Regions, day: date) -> RegionCode:
    """A region, or where it ended without a successor the one that last stood above it."""
    if regions.find(code, day) is not None:
        return code
    parents = [v.parent for v in reversed(regions.versions(code)) if v.parent is not None]
    return next((p for p in parents if regions.find(p, day) is not None), code)


def _nearest_day(code: RegionCode, day: date, regions: Regions) -> date:
    if regions.find(code, day) is not None:
        return day
    ended = [v.valid_to for v in regions.versions(code) if v.valid_to is not None and v.valid_to <= day]
    return max(ended) - timedelta(days=1) if ended else regions.versions(code)[0].valid_from


# -- the rows -------------------------------------------------------------------------------------------------------


def narrow_rows(indicator: Indicator, contract: Contract, key: CellKey, members: Membership, engine: Engine) -> Wanted:
    """Say which rows of a table can count in a cell: of its days and regions, whatever its terms choose.

    Regions and days stand in a table beside the rows, so that the question has one shape for every cell.
    """
    period, name = key.period, contract.period_field
    stretches = [*members.some, *(Stretch(code, period.start, period.end) for code in sorted(members.whole))]
    if contract.get_field(name).type == "period":
        pairs = [(s.region, text) for s in stretches for text in _texts_of(indicator, s)]
        asked = pa.table(
            {"at": pa.array([r for r, _ in pairs], pa.string()), "said": pa.array([t for _, t in pairs], pa.string())}
        )
    else:
        asked = pa.table(
            {
                "at": pa.array([str(s.region) for s in stretches], pa.string()),
                "first": pa.array([s.first for s in stretches], pa.date32()),
                "last": pa.array([s.last for s in stretches], pa.date32()),
            }
        )

    def wanted(rows: ir.Table) -> ir.Table:
        places = engine.memory(asked)
        region = rows[contract.region_field]
        if "said" in asked.column_names:
            return rows.semi_join(places, [region == places.at, rows[name] == places.said])
        day = rows[name].date() if contract.get_field(name).type == "instant" else rows[name]
        return rows.semi_join(places, [region == places.at, day >= places.first, day <= places.last])

    return wanted


def _texts_of(indicator: Indicator, stretch: Stretch) -> list[str]:
    """The shortest periods that end in a stretch: a period counts in the map of its last day."""
    between = _periods_between(stretch.first, stretch.last, shortest(indicator))
    return [p.text for p in between if p.end <= stretch.last]


def shortest(indicator: Indicator) -> str:
    """The shortest kind of period that a gathered leaf is kept for."""
    return next(kind for kind in ("day", "month", "quarter", "year") if kind in indicator.periods)


def _periods_between(first: date, last: date, kind: str) -> Iterable[Period]:
    day = first
    while day <= last:
        match kind:
            case "day":
                period = Period.day(day)
            case "month":
                period = Period.month(day.year, day.month)
            case "quarter":
                period = Period.quarter(day.year, (day.month + 2) // 3)
            case _:
                period = Period.year(day.year)
        yield period
        day = period.end + timedelta(days=1)


def columns_of(indicator: Indicator, contract: Contract) -> list[str]:
    """The columns that counting needs of a table."""
    names = []
    for term in indicator.terms:
        if term.table == contract.name:
            names += [*term.where, *([term.field] if term.field else [])]
    return list(dict.fromkeys(names)) or [contract.region_field]


def recount_cell(indicator: Indicator, key: CellKey, rows: CellRows, regions: Regions) -> Fraction | None:
    """Count one cell again from its rows; None where they do not give it."""
    members = find_members(indicator, key, regions)
    if members.split:
        torn = _fetch(indicator, key, rows, Membership(frozenset(), members.split, ()))
        if any(take(torn[term.table], term).num_rows for term in indicator.terms):
            return None
    tables = _fetch(indicator, key, rows, members)
    amounts = [_amount(indicator, term, tables[term.table]) for term in indicator.terms]
    if indicator.kind == "mean":
        count = take(tables[indicator.terms[0].table], indicator.terms[0]).num_rows
        return amounts[0] / count if count and amounts[0] is not None else None
    if any(a is None for a in amounts):
        return None
    numbers = [a for a in amounts if a is not None]
    split = len(indicator.numerator)
    top = sum(numbers[:split], Fraction(0))
    if not indicator.denominator:
        return top * indicator.scale
    bottom = sum(numbers[split:], Fraction(0))
    return top / bottom * indicator.scale if bottom else None


def _fetch(indicator: Indicator, key: CellKey, rows: CellRows, members: Membership) -> dict[str, pa.Table]:
    """The rows of each table that can count, with the columns that counting needs."""
    tables = {}
    for name in dict.fromkeys(t.table for t in indicator.terms):
        contract = rows.contracts[name]
        near = narrow_rows(indicator, contract, key, members, rows.engine)
        few = columns_of(indicator, contract)
        tables[name] = rows.fetch(name, lambda t, near=near, few=few: near(t).select(*few))  # type: ignore[misc]
    return tables


def take(table: pa.Table, term: Term) -> pa.Table:
    """The rows that a term chooses."""
    flags = [pc.is_in(table[name], value_set=pa.array(codes, table[name].type)) for name, codes in term.where.items()]
    if term.field:
        flags.append(pc.is_valid(table[term.field]))
    return table.filter(reduce(pc.and_, flags)) if flags else table


def _amount(indicator: Indicator, term: Term, table: pa.Table) -> Fraction | None:
    mine = take(table, term)
    match term.take:
        case "count":
            return Fraction(mine.num_rows * term.sign)
        case "distinct":
            return Fraction(pc.count_distinct(mine[term.field]).as_py() * term.sign)
        case "percentile":
            return _ranked(mine[term.field], indicator.per_mille) if mine.num_rows else None
        case _:
            said = pc.sum(pc.cast(mine[term.field], pa.decimal128(38, 0))).as_py()
            return Fraction(said or 0) * term.sign


def _ranked(values: pa.ChunkedArray, per_mille: int) -> Fraction:
    rank = -(-len(values) * per_mille // 1000)
    order = pc.sort_indices(values)
    return Fraction(values[order[max(rank, 1) - 1].as_py()].as_py())


__all__ = ["CellRows", "Membership", "Stretch", "find_members", "narrow_rows", "recount_cell"]
