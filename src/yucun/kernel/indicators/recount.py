"""The second way to count: pyarrow and plain Python over the same rows, sharing no code with the expressions.

It uses `Period.previous`, the registry and `statistics` where the expressions use text, joins and windows, so that
a mistake in either shows as a difference.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import NotKnown
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators.model import Cell, Indicator, Term
from yucun.kernel.lake.contract import Contract
from yucun.kernel.registry.regions import Regions

Key = tuple[str, str]
Amounts = dict[Key, Fraction]
_CLOSE = 1e-9


def recount_leaf(
    indicator: Indicator, contracts: Mapping[str, Contract], rows: Callable[[str], pa.Table]
) -> Amounts | None:
    """Count a leaf again from its rows; None for what only its rule can say.

    Returns
    -------
    dict or None
        Value of each cell in the kept unit; cells with several rows where one is expected, or with a zero
        denominator, are left out.
    """
    if any(t.rule for t in indicator.terms) or indicator.form == "measure":
        return None
    terms = [
        (_value_term if t.take in ("distinct", "percentile") else _count_term)(
            indicator, t, contracts[t.table], rows(t.table)
        )
        for t in indicator.terms
    ]
    keys = set().union(*(t.keys() for t in terms)) if terms else set()
    found: Amounts = {}
    split = len(indicator.numerator)
    for key in keys:
        if any(
            key not in terms[i]
            for i, t in enumerate(indicator.terms)
            if t.take in ("one", "mean") or i >= split or split == len(terms)
        ):
            continue
        if any(t.take == "one" and terms[i][key][0] != 1 for i, t in enumerate(indicator.terms)):
            continue
        amounts = [
            Fraction(t.sign * (n if t.take == "count" else s))
            for t, (n, s) in zip(indicator.terms, (part.get(key, (0, 0)) for part in terms), strict=True)
        ]
        top = sum(amounts[:split], Fraction(0))
        bottom = (
            sum(amounts[split:], Fraction(0))
            if indicator.denominator
            else Fraction(terms[0][key][0] if indicator.kind == "mean" else 1)
        )
        if bottom:
            found[key] = top / bottom * indicator.scale
    return found


def _count_term(indicator: Indicator, term: Term, contract: Contract, table: pa.Table) -> dict[Key, tuple[int, int]]:
    """Rows and sum of a term for each region and period, grouped by pyarrow."""
    for name, codes in term.where.items():
        table = table.filter(pc.is_in(table[name], value_set=pa.array(codes, table[name].type)))
    if term.field:
        table = table.filter(pc.is_valid(table[term.field]))
    region, period = contract.region_field, contract.period_field
    amount = table[term.field] if term.field else pa.array([0] * table.num_rows, pa.int64())
    small = pa.table({"region": table[region], "when": table[period], "amount": amount})
    grouped = small.group_by(["region", "when"]).aggregate([("amount", "sum"), ("amount", "count")])
    found: dict[Key, tuple[int, int]] = {}
    for row in grouped.to_pylist():
        at = period_of(row["when"], indicator, term)
        code = RegionCode(row["region"])
        if at is not None and code.level in indicator.levels:
            n, s = found.get((code, at), (0, 0))
            found[(code, at)] = (n + row["amount_count"], s + row["amount_sum"])
    return found


def _value_term(indicator: Indicator, term: Term, contract: Contract, table: pa.Table) -> dict[Key, tuple[int, int]]:
    """Rows of a term and their distinct count, or the value of the wanted rank, for each region and period."""
    held: dict[Key, list[Any]] = defaultdict(list)
    columns = [
        table[name].to_pylist() for name in (contract.region_field, contract.period_field, term.field, *term.where)
    ]
    for region, when, value, *said in zip(*columns, strict=True):
        if value is None or any(s not in codes for s, codes in zip(said, term.where.values(), strict=True)):
            continue
        at = period_of(when, indicator, term)
        if at is not None and RegionCode(region).level in indicator.levels:
            held[(region, at)].append(value)
    if term.take == "distinct":
        return {key: (len(values), len(set(values))) for key, values in held.items()}
    return {
        key: (len(values), sorted(values)[math.ceil(Fraction(len(values) * indicator.per_mille, 1000)) - 1])
        for key, values in held.items()
    }


def period_of(when: Any, indicator: Indicator, term: Term) -> str | None:
    """The period of the cell that a row's time belongs to; None when the row is of a kind that does not count."""
    if not isinstance(when, str):
        made = {
            "day": lambda: Period.day(when.date() if hasattr(when, "hour") else when),
            "month": lambda: Period.month(when.year, when.month),
            "quarter": lambda: Period.quarter(when.year, (when.month + 2) // 3),
            "year": lambda: Period.year(when.year),
        }[indicator.grain or "day"]()
        return made.text
    period = Period.parse(when)
    if term.is_stock_at_year_end:
        is_year_end = period.kind == "day" and (period.end.month, period.end.day) == (12, 31)
        return Period.year(period.end.year).text if is_year_end else None
    return period.text if period.kind in indicator.periods else None


def recount_derived(indicator: Indicator, inputs: Mapping[str, Amounts], regions: Regions) -> Amounts | None:
    """Work a derived indicator out again from its inputs' values; None for what only its rule can say."""
    first = inputs[indicator.members[0].indicator]
    match indicator.kind:
        case "change":
            return _recount_change(indicator, first)
        case "difference":
            return _recount_difference(indicator, inputs, regions)
        case "sum" | "spread":
            return _recount_over(indicator, inputs, regions)
        case _:
            return None


def _recount_change(indicator: Indicator, first: Amounts) -> Amounts:
    found: Amounts = {}
    for (region, text), now in first.items():
        period = Period.parse(text)
        try:
            before = (
                Period.parse(f"{period.start.year - 1}{text[4:]}")
                if indicator.against == "year_before"
                else period.previous()
            )
        except NotKnown:
            continue
        base = first.get((region, before.text))
        if base is None or (indicator.is_relative and base == 0):
            continue
        found[(region, text)] = (now - base) / base * indicator.scale if indicator.is_relative else now - base
    return found


def _recount_difference(indicator: Indicator, inputs: Mapping[str, Amounts], regions: Regions) -> Amounts:
    first = inputs[indicator.members[0].indicator]
    if not indicator.minus.startswith("region:"):
        other = inputs[indicator.minus]
        return {key: first[key] - other[key] for key in first.keys() & other.keys()}
    level = indicator.minus.removeprefix("region:")
    found: Amounts = {}
    for (region, text), left in first.items():
        code = RegionCode(region)
        if code.level not in indicator.levels:
            continue
        above = [r.code for r in regions.ancestors(code, Period.parse(text).end) if r.level == level and r.code != code]
        right = first.get((above[0], text)) if above else None
        if right is not None:
            found[(region, text)] = left - right
    return found


def _recount_over(indicator: Indicator, inputs: Mapping[str, Amounts], regions: Regions) -> Amounts:
    periods = {text for m in indicator.members for _, text in inputs[m.indicator]}
    found: Amounts = {}
    for text in periods:
        on = Period.parse(text).end
        groups: dict[str, list[str]] = defaultdict(list)
        for region in regions.at_level(indicator.over or "city", on=on):
            for above in regions.ancestors(region.code, on):
                if above.level in indicator.levels and above.code != region.code:
                    groups[above.code].append(region.code)
        for above_code, codes in groups.items():
            members = [
                (
                    inputs[m.indicator].get((code, text)),
                    inputs[m.weight].get((code, text)) if m.weight else Fraction(1),
                    code if indicator.groups != "member" else m.name,
                )
                for code in codes
                for m in indicator.members
            ]
            if all(v is not None and w is not None for v, w, _ in members):
                value = _measure(indicator, [(v, w, g) for v, w, g in members if v is not None and w is not None])
                if value is not None:
                    found[(above_code, text)] = value
    return found


def _measure(indicator: Indicator, members: list[tuple[Fraction, Fraction, str]]) -> Fraction | None:
    values = [v for v, _, _ in members]
    if indicator.kind == "sum":
        return sum(values, Fraction(0))
    if indicator.measure == "max_less_min":
        return max(values) - min(values)
    if min(values) <= 0 or min(w for _, w, _ in members) < 0:
        return None
    if indicator.measure == "max_over_min":
        return max(values) / min(values)
    if indicator.measure == "cv_sample":
        return (
            Fraction(statistics.stdev(map(float, values)) / float(statistics.fmean(map(float, values))))
            if len(values) > 1
            else None
        )
    weighted = [(float(v), float(w), g) for v, w, g in members]
    whole = math.fsum(w for _, w, _ in weighted)
    mean = math.fsum(v * w for v, w, _ in weighted) / whole
    match indicator.measure:
        case "cv_population":
            return Fraction(math.sqrt(math.fsum(w * (v - mean) ** 2 for v, w, _ in weighted) / whole) / mean)
        case "gini":
            pairs = math.fsum(wa * wb * abs(a - b) for a, wa, _ in weighted for b, wb, _ in weighted)
            return Fraction(pairs / (2 * whole * whole * mean))
        case "theil":
            return Fraction(_theil(weighted))
    groups: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for member in weighted:
        groups[member[2]].append(member)
    between = []
    for group in groups.values():
        weight = math.fsum(w for _, w, _ in group)
        between.append((math.fsum(v * w for v, w, _ in group) / weight, weight, ""))
    part = _theil(between)
    return Fraction(part if indicator.measure == "theil_between" else _theil(weighted) - part)


def _theil(members: list[tuple[float, float, str]]) -> float:
    whole = math.fsum(w for _, w, _ in members)
    mean = math.fsum(v * w for v, w, _ in members) / whole
    return math.fsum(w / whole * (v / mean) * math.log(v / mean) for v, w, _ in members)


def differs(ours: Fraction, again: Fraction, *, is_exact: bool) -> bool:
    """Whether two computations of a value differ: exactly for whole parts, to 1e-9 for measures."""
    if is_exact:
        return ours != again
    return not math.isclose(float(ours), float(again), rel_tol=_CLOSE, abs_tol=_CLOSE)


def amount_of(indicator: Indicator, cell: Cell) -> Fraction:
    """A cell's value in the kept unit."""
    if cell.numerator is not None and cell.denominator:
        return Fraction(cell.numerator, cell.denominator) * indicator.scale
    return Fraction(cell.measure if cell.measure is not None else 0)


def mark_wrong(cells: pa.Table, wrong: Collection[tuple[str, str]], missing: Collection[tuple[str, str]]) -> pa.Table:
    """Take the values from cells that another count contradicts, and add those that only it has."""
    if not wrong and not missing:
        return cells
    nothing = {"numerator": None, "denominator": None, "measure": None, "trouble": "recount_differs"}
    rows = [{**row, **(nothing if (row["region"], row["period"]) in wrong else {})} for row in cells.to_pylist()]
    rows += [{"region": r, "period": p, "records": 0, "evidence": "computed", **nothing} for r, p in missing]
    return pa.Table.from_pylist(rows, schema=cells.schema)
