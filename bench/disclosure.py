"""A thousand sequences of questions recover nothing about fewer than five people; with small cells alone hidden, they do.

Twenty-five made-up cities with four versions each. A sequence asks four to twelve times (towns against totals, months against
their quarter, one number through versions, whole files in four forms, open data sets, chains); what it brings is kept for
the next. After forty of them all that can be read is read. The attacker then solves for every small count, every change
by few and every amount over few people, by elimination, linear and integer programs; zero that is not shown as zero is told
them. The peer is the same city with small cells hidden and nothing beside them.

What is lost is measured too: of the cells over zero, the share that the public does not see; and the same for a city of the
size of Huzhou (72 towns, three months and their quarter, one register of about so many people in a town and month, then
three versions in each of which one in a hundred comes late), beside the share that is small by itself: *hidden* are cells
that no version shows, *older* those for which the number of an earlier version stands, since few have come since.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from random import Random

import numpy as np
from run import Figure, Measured, Program

from yucun.base.identity import RegionCode
from yucun.kernel.access.releases import EMPTY, CellName, Ledger, Spot, Sum, Table, release

SEQUENCES = int(os.environ.get("YUCUN_ATTACK_SEQUENCES", "1000"))
IN_A_CITY = 40
STEPS = 3
Cells = Mapping[str, tuple[int, int]]
K = 5
TOWNS, COUNTIES = 72, 5
MONTHS, QUARTER = ("2022-01", "2022-02", "2022-03"), "2022-Q1"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Attacked:
    """What came of one city: what was asked, how many secrets, which were told, by us and by the peer, and what was shown."""

    asked: Counter[str]
    secrets: int
    told: list[str]
    told_by_peer: int
    cells: Cells
    cells_of_peer: Cells


def attack(seed: int) -> Attacked:
    """Ask forty sequences of one city, with a small attack after each; then everything; then as the peer would show it."""
    from tests.simulation.siege import besieged  # noqa: PLC0415 - found only once the folder above is on the path

    with tempfile.TemporaryDirectory() as folder, besieged(Path(folder), seed, STEPS) as siege:
        random, every, told = Random(seed), siege.secrets(), []
        for _ in range(IN_A_CITY):
            siege.ask_sequence(random)
            told += siege.recover(random.sample(every, min(6, len(every))), exactly=False)
        siege.ask_everything()
        told += siege.recover(every)
        cells = siege.count_cells()
        siege.facts.clear()
        cells_of_peer = siege.read_with_small_alone_hidden()
        by_peer = siege.recover(every, exactly=False)
        return Attacked(siege.asked, len(every), told, len(by_peer), cells, cells_of_peer)


def lose(people: float) -> tuple[float, float, float]:
    """Of the cells over zero of a city of Huzhou's size: the shares hidden, older, and small by themselves."""
    random = np.random.default_rng(1)
    city = RegionCode("330500000000")
    parents: dict[RegionCode, RegionCode | None] = {city: None}
    for town in range(TOWNS):
        county = RegionCode(f"33050{town % COUNTIES + 1}000000")
        parents |= {county: city, RegionCode(f"33050{town % COUNTIES + 1}{town + 1:03d}000"): county}
    towns = [r for r in parents if r.level == "town"]
    # Towns differ in size as they do: a few large ones, many small.
    sizes = people * random.lognormal(0, 0.6, TOWNS)
    counts = {(t, m): int(random.poisson(size)) for t, size in zip(towns, sizes, strict=True) for m in MONTHS}
    before, ledger, hidden, older, small, every = EMPTY, Ledger(), 0, 0, 0, 0
    was_shown: set[CellName] = set()
    for seq in range(1, STEPS + 2):
        table = make_table(counts, parents)
        ledger, before = release(table, before, ledger, seq), table
        cells = {name for name, spots in table.cells.items() if table.counts[spots[0]]}
        every += len(cells)
        small += sum(table.counts[table.cells[name][0]] < K for name in cells)
        hidden += len((cells & ledger.hidden) - was_shown)
        older += len(cells & ledger.hidden & was_shown)
        was_shown |= cells - ledger.hidden
        for place in counts:
            counts[place] += int(random.binomial(counts[place], 0.01))
    return hidden / every, older / every, small / every


def make_table(leaves: Mapping[tuple[RegionCode, str], int], parents: Mapping[RegionCode, RegionCode | None]) -> Table:
    """Towns by month, added up to counties, city and quarter."""
    counts: dict[Spot, int] = {}
    for (town, month), count in leaves.items():
        place: RegionCode | None = town
        while place is not None:
            for period in (month, QUARTER):
                spot = ("ill", str(place), period)
                counts[spot] = counts.get(spot, 0) + count
            place = parents[place]
    sums = tuple(Sum(("ill", str(r), QUARTER), tuple(("ill", str(r), m) for m in MONTHS)) for r in parents)
    cells = {("made.ill", r, p): (("ill", r, p),) for _, r, p in counts}
    return Table(counts, {"ill": K}, {}, cells, dict.fromkeys((*MONTHS, QUARTER), parents), sums)


def measure() -> Measured:
    """Attack city after city, ours and the peer's; anything that comes out of ours ends the bench."""
    sys.path.insert(0, str(ROOT))
    asked: Counter[str] = Counter()
    cells: Counter[tuple[str, str, bool]] = Counter()
    secrets = told_by_peer = 0
    cities = -(-SEQUENCES // IN_A_CITY)
    for seed in range(cities):
        one = attack(seed)
        if one.told:
            raise SystemExit(f"city {seed}: " + "\n".join(one.told))
        asked += one.asked
        secrets += one.secrets
        told_by_peer += one.told_by_peer
        for who, of in (("ours", one.cells), ("peer", one.cells_of_peer)):
            for level, (shown, number) in of.items():
                cells[who, level, True] += shown
                cells[who, level, False] += number - shown
        print(
            f"city {seed + 1} of {cities}: {one.secrets} secrets, none told; by the peer {one.told_by_peer}", flush=True
        )

    def share(who: str, level: str) -> float:
        return 100 * cells[who, level, False] / ((cells[who, level, False] + cells[who, level, True]) or 1)

    lost = {people: lose(people) for people in (5, 20, 100)}
    ways = ", ".join(f"{name} {count:,}" for name, count in sorted(asked.items()))
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("small cells alone hidden", version("yucun")),
        figures=(
            Figure("told", "secrets", 0, told_by_peer),
            *(
                Figure(f"hidden_{level}", "% of cells over zero", share("ours", level), share("peer", level))
                for level in ("town", "county", "city")
            ),
            *(
                Figure(f"huzhou_size_{people}_a_town_{word}", "% of cells over zero", 100 * share, 100 * small)
                for people, (hidden, older, small) in lost.items()
                for word, share in (("hidden", hidden), ("older", older))
            ),
        ),
        setting=f"{cities * IN_A_CITY} sequences, {asked.total():,} questions ({ways}) of "
        f"{cities} made-up cities with {STEPS + 1} versions each; {secrets:,} secrets; then all that can be read",
    )
