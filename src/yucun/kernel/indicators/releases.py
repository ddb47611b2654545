"""Which cells of numbers about people are shown: decided once for each version, in order, for every way out.

Numbers over the same table are one family, since they can be subtracted from each other: the ill from all people, the
months from the year. `access.releases` decides; here a family's cells become what it knows of: quantities, sums, trees.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.access.release_store import find_release, keep_release, newest_release
from yucun.kernel.access.releases import EMPTY, CellName, Ledger, Spot, Sum, Table, Tree, release
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.indicators.cellparts import index_cells, indicator_of, read_cells
from yucun.kernel.indicators.model import CELL_TABLE, Cell, CellKey, Indicator, Term
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry.regions import Regions

_MOST_KEPT: Final = 64
_FINER: Final = {
    "year": ("quarter", "month"),
    "quarter": ("month",),
    "cumulative": ("quarter", "month"),
    "month": ("day",),
}
Cells = Mapping[str, Mapping[tuple[str, str], Cell]]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Which rows are counted: two numbers that count the same rows tell the same.

    Parameters
    ----------
    field : str
        The field in which a row must say something to be counted; empty where every row does.
    counts : str
        What of a row is counted: ``records``, or the field that says how many people it stands for.
    """

    name: str
    term: Term | None
    field: str = ""
    counts: str = ""

    def is_part_of(self, other: Quantity) -> bool:
        """Whether every row counted here is counted there as well."""
        if self.term is None or other.term is None or self.name == other.name:
            return False
        mine, theirs = self.term, other.term
        if (mine.table, mine.is_stock_at_year_end, self.counts) != (
            theirs.table,
            theirs.is_stock_at_year_end,
            other.counts,
        ):
            return False
        return other.field in ("", self.field) and all(
            set(mine.where.get(field, ())) <= set(codes) and field in mine.where
            for field, codes in theirs.where.items()
        )


class Releases:
    """What may be shown of a city's numbers, in every version.

    Parameters
    ----------
    lake : Lake
        Its books keep the decisions.
    regions : Regions
        The map through time.
    indicators : mapping of str to Indicator
        All of them; only leaves with a smallest cell are decided about.
    """

    def __init__(self, lake: Lake, regions: Regions, indicators: Mapping[str, Indicator]) -> None:
        self.lake = lake
        self.regions = regions
        self.families = _families(indicators)
        self._family_of = {i.id: name for name, family in self.families.items() for i in family}
        self._hidden: dict[tuple[str, int], frozenset[CellName]] = {}
        self._seqs: dict[str, tuple[int, ...]] = {}
        self._seen = -1
        self._guard = threading.RLock()

    def hides(self, key: CellKey, as_of: int | None) -> bool:
        """Whether a cell of a leaf is hidden in the version of a journal seq."""
        return (key.indicator, str(key.region), key.period.text) in self.hidden(key.indicator, as_of)

    def hidden(self, indicator: str, as_of: int | None) -> frozenset[CellName]:
        """The hidden cells of all numbers of an indicator's family; none for one that hides nothing."""
        family = self._family_of.get(indicator)
        if family is None:
            return frozenset()
        with self._guard:
            seqs = [s for s in self._versions(family, as_of) if as_of is None or s <= as_of]
            return self._decided(family, seqs[-1]) if seqs else frozenset()

    def was_shown(self, key: CellKey, as_of: int | None) -> int | None:
        """The seq of the newest earlier version in which a hidden cell was shown; None when it never was."""
        family = self._family_of.get(key.indicator)
        if family is None:
            return None
        name = (key.indicator, str(key.region), key.period.text)
        with self._guard:
            seqs = [s for s in self._versions(family, as_of) if as_of is None or s <= as_of]
            for seq in reversed(seqs[:-1]):
                if name not in self._decided(family, seq):
                    held = self._cells(family, seq).get(key.indicator, {})
                    return seq if (name[1], name[2]) in held else None
        return None

    def decide(self) -> int:
        """Decide about every version that is not decided yet and keep that; writers wait only while it is kept."""
        count = 0
        with self._guard:
            for family in self.families:
                with self.lake.books.read() as tx:
                    kept = newest_release(tx, family, self._rule(family))
                for seq in self._versions(family, None):
                    if kept is None or seq > kept[0]:
                        self._keep(family, seq)
                        count += 1
        return count

    # -- versions and decisions ----------------------------------------------------------------------------

    def _versions(self, family: str, as_of: int | None) -> tuple[int, ...]:
        """The seqs at which any cell of a family changed, oldest first."""
        with self.lake.books.read() as tx:
            last = tx.last_seq()
        if last != self._seen and (as_of is None or as_of > self._seen):
            found: dict[str, set[int]] = {name: set() for name in self.families}
            for file in self.lake.changed(CELL_TABLE, 0):
                name = self._family_of.get(indicator_of(file.part))
                if name is not None:
                    found[name].update(s for s in (file.added_seq, file.removed_seq) if s is not None)
            self._seqs = {name: tuple(sorted(seqs)) for name, seqs in found.items()}
            self._seen = last
        return self._seqs.get(family, ())

    def _decided(self, family: str, seq: int) -> frozenset[CellName]:
        """A version's hidden cells: as kept, or decided now without being kept."""
        if (family, seq) not in self._hidden:
            with self.lake.books.read() as tx:
                kept = find_release(tx, family, self._rule(family), seq)
            self._remember(family, seq, _unpack(kept) if kept is not None else self._ledger(family, seq).hidden)
        return self._hidden[family, seq]

    def _remember(self, family: str, seq: int, hidden: frozenset[CellName]) -> None:
        while len(self._hidden) >= _MOST_KEPT:
            self._hidden.pop(next(iter(self._hidden)))
        self._hidden[family, seq] = hidden

    def _ledger(self, family: str, seq: int) -> Ledger:
        """Decide about every version from the newest one kept, or from the first, up to a seq."""
        with self.lake.books.read() as tx:
            kept = newest_release(tx, family, self._rule(family))
        ledger = Ledger.from_json(kept[1]) if kept is not None and kept[0] < seq else Ledger()
        before = self._table(family, ledger.seq) if ledger.seq else EMPTY
        for version in self._versions(family, seq):
            if ledger.seq < version <= seq:
                table = self._table(family, version)
                ledger, before = release(table, before, ledger, version), table
        return ledger

    def _keep(self, family: str, seq: int) -> None:
        ledger = self._ledger(family, seq)
        rule = self._rule(family)
        with self.lake.books.write() as tx:
            kept = newest_release(tx, family, rule)
            # Another process may have come as far or further: its decision is the same, since it follows from the versions.
            if kept is None or kept[0] < seq:
                keep_release(tx, family, rule, seq, _pack(ledger.hidden), ledger.to_json())
        self._remember(family, seq, ledger.hidden)

    def _rule(self, family: str) -> str:
        """The hash of what was decided by: with other definitions every version is decided again."""
        return digest(canonical([[i.id, i.hash, str(i.smallest)] for i in self.families[family]]))

    def _cells(self, family: str, seq: int) -> Cells:
        names = {i.id for i in self.families[family]}
        found: dict[str, dict[tuple[str, str], Cell]] = {}
        for file in self.lake.files(CELL_TABLE, seq):
            if (name := indicator_of(file.part)) in names:
                found.setdefault(name, {}).update(index_cells(read_cells(self.lake, file)))
        return found

    def _table(self, family: str, seq: int) -> Table:
        return make_table(self.families[family], self._cells(family, seq), self.regions, self.lake.contracts)


def make_table(family: Iterable[Indicator], cells: Cells, regions: Regions, contracts: Mapping[str, Contract]) -> Table:
    """Say what the cells of a family show, and which sums hold between them."""
    counts: dict[Spot, int] = {}
    least: dict[str, int] = {}
    amounts: dict[str, str] = {}
    shown: dict[CellName, tuple[Spot, ...]] = {}
    quantities: dict[str, Quantity] = {}
    pairs: set[tuple[str, str]] = set()
    for indicator in family:
        held = cells.get(indicator.id, {})
        top, whole = _quantities(indicator, contracts)
        is_share = bool(indicator.denominator)
        k = indicator.smallest.k if indicator.smallest else 0
        for quantity in (top, whole) if is_share else (top,):
            quantities[quantity.name] = quantity
            least[quantity.name] = max(k, least.get(quantity.name, 0))
        if is_share:
            pairs.add((top.name, whole.name))
        extra = _amounts(indicator, held, top.name, whole.name)
        amounts |= {name: people for name, (_, people) in extra.items()}
        for (region, period), cell in held.items():
            heads = cell.heads or 0
            spots = {(whole.name, region, period): heads} if is_share else {(top.name, region, period): heads}
            if is_share:
                spots[top.name, region, period] = min(cell.heads_top or 0, heads)
            for name, (part, _) in extra.items():
                spots[name, region, period] = getattr(cell, part) or 0
            counts |= spots
            shown[indicator.id, region, period] = tuple(spots)
    trees = _trees(regions, shown)
    sums = (*_sums_of_quantities(quantities, pairs, counts), *_sums_of_periods(counts))
    return Table(counts, least, amounts, shown, trees, sums)


def _families(indicators: Mapping[str, Indicator]) -> dict[str, list[Indicator]]:
    """Leaves with a smallest cell, put together where they count rows of the same table."""
    found: dict[str, list[Indicator]] = {}
    table_of: dict[str, str] = {}
    leaves = [i for i in indicators.values() if i.is_leaf and i.smallest is not None]
    for indicator in leaves:
        tables = sorted({t.table for t in indicator.terms})
        names = sorted({table_of.get(t, t) for t in tables})
        for name in names[1:]:
            found.setdefault(names[0], []).extend(found.pop(name, []))
        table_of.update({t: names[0] for t, name in [*table_of.items()] if name in names})
        table_of.update(dict.fromkeys(tables, names[0]))
        found.setdefault(names[0], []).append(indicator)
    return {name: sorted(family, key=lambda i: i.id) for name, family in found.items() if family}


def _quantities(indicator: Indicator, contracts: Mapping[str, Contract]) -> tuple[Quantity, Quantity]:
    """What the people in the numerator are, and those in the denominator (the same again where there is none)."""
    top = _quantity(indicator, indicator.numerator, "top", contracts)
    return top, _quantity(indicator, indicator.denominator, "whole", contracts) if indicator.denominator else top


def _quantity(indicator: Indicator, terms: tuple[Term, ...], part: str, contracts: Mapping[str, Contract]) -> Quantity:
    if len(terms) != 1 or indicator.smallest is None:
        return Quantity(f"{indicator.id}:{part}", None)
    term = terms[0]
    where = {field: sorted(codes) for field, codes in term.where.items()}
    field = _field_that_may_be_empty(term, contracts)
    counts, day = indicator.smallest.counts, str(indicator.in_map_of or "")
    said = [term.table, field, term.is_stock_at_year_end, where, counts, day]
    return Quantity(f"{term.table}:{digest(canonical(said))[:12]}", term, field, counts)


def _field_that_may_be_empty(term: Term, contracts: Mapping[str, Contract]) -> str:
    """The field without which a row is not counted; empty where the contract requires it of every row."""
    contract = contracts.get(term.table)
    known = {f.name: f for f in contract.fields} if contract is not None else {}
    return term.field if term.field and (term.field not in known or not known[term.field].required) else ""


def _amounts(
    indicator: Indicator, held: Mapping[tuple[str, str], Cell], top: str, whole: str
) -> dict[str, tuple[str, str]]:
    """The parts that a cell shows and that are not the people counted: by name, which part, and on whom it rests."""
    found = {}
    if indicator.form == "measure" or indicator.kind in ("distinct", "percentile", "value"):
        return {}
    if any(
        c.numerator is not None and c.numerator != (c.heads_top if indicator.denominator else c.heads)
        for c in held.values()
    ):
        found[f"{indicator.id}:numerator"] = ("numerator", top)
    if indicator.denominator and any(c.denominator is not None and c.denominator != c.heads for c in held.values()):
        found[f"{indicator.id}:denominator"] = ("denominator", whole)
    return found


def _trees(regions: Regions, shown: Iterable[CellName]) -> dict[str, Tree]:
    """For each period, in the map of its end, the nearest region above each one that has a cell as well."""
    here: dict[str, set[RegionCode]] = {}
    for _, region, period in shown:
        here.setdefault(period, set()).add(RegionCode(region))
    trees: dict[str, Tree] = {}
    for text, codes in here.items():
        day = Period.parse(text).end
        trees[text] = {
            code: next((r.code for r in regions.ancestors(code, day) if r.code in codes), None)
            if regions.find(code, day) is not None
            else None
            for code in codes
        }
    return trees


def _sums_of_quantities(
    quantities: Mapping[str, Quantity], pairs: Iterable[tuple[str, str]], counts: Mapping[Spot, int]
) -> list[Sum]:
    """Where the rows of one quantity are among those of another; several that share no row stand together too."""
    parts: dict[str, list[str]] = {}
    for name, quantity in quantities.items():
        parts[name] = [n for n, other in sorted(quantities.items()) if other.is_part_of(quantity)]
    for top, whole in pairs:
        if top not in parts[whole] and top != whole:
            parts[whole].append(top)
    by_quantity: dict[str, list[Spot]] = {}
    for spot in counts:
        by_quantity.setdefault(spot[0], []).append(spot)
    found = []
    for whole, inner in parts.items():
        groups: list[tuple[str, ...]] = [(name,) for name in inner]
        apart = _apart([quantities[n] for n in inner])
        if len(apart) > 1:
            groups.append(apart)
        for group in groups:
            for spot in by_quantity.get(whole, ()):
                mine = tuple(s for n in group if (s := (n, *spot[1:])) in counts)
                if mine and sum(counts[s] for s in mine) <= counts[spot]:
                    found.append(Sum(spot, mine))
    return found


def _apart(quantities: Iterable[Quantity]) -> tuple[str, ...]:
    """Quantities of which no two count the same row, as many as come first."""
    chosen: list[Quantity] = []
    for one in quantities:
        if one.term is not None and all(_share_no_row(one.term, other.term) for other in chosen if other.term):
            chosen.append(one)
    return tuple(q.name for q in chosen)


def _share_no_row(one: Term, other: Term) -> bool:
    return any(set(one.where[f]).isdisjoint(other.where[f]) for f in one.where.keys() & other.where.keys())


def _sums_of_periods(counts: Mapping[Spot, int]) -> list[Sum]:
    """Periods within others, where what is counted adds up over time (a stock does not: its months exceed its year)."""
    places: dict[tuple[str, str], dict[str, Spot]] = {}
    for spot in counts:
        places.setdefault(spot[:2], {})[spot[2]] = spot
    parsed = {text: Period.parse(text) for held in places.values() for text in held}
    shapes = _period_shapes(list(parsed.values()))
    found: dict[tuple[str, str, str], list[Sum]] = {}
    for (quantity, _), held in places.items():
        for total, kind, parts in shapes:
            mine = tuple(held[p] for p in parts if p in held)
            if total in held and mine:
                found.setdefault((quantity, total, kind), []).append(Sum(held[total], mine))
    return [
        one
        for sums in found.values()
        if all(sum(abs(counts[p]) for p in s.parts) <= abs(counts[s.total]) for s in sums)
        for one in sums
    ]


def _period_shapes(periods: list[Period]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Each period that holds others, by the kind of those within it; a year so far also holds the one before it."""
    found = []
    for total in periods:
        inside = [p for p in periods if p != total and total.start <= p.start and p.end <= total.end]
        for kind in _FINER.get(total.kind, ()):
            parts = tuple(sorted(p.text for p in inside if p.kind == kind))
            if parts:
                found.append((total.text, kind, parts))
        so_far = [p for p in inside if p.kind == "cumulative"]
        if so_far:
            longest = max(so_far, key=lambda p: p.end)
            later = sorted(p.text for p in inside if p.kind == "month" and p.start > longest.end)
            found.append((total.text, "cumulative", (longest.text, *later)))
    return found


def _pack(hidden: Iterable[CellName]) -> str:
    return json.dumps(sorted(hidden), ensure_ascii=False, separators=(",", ":"))


def _unpack(text: str) -> frozenset[CellName]:
    return frozenset((i, r, p) for i, r, p in json.loads(text))
