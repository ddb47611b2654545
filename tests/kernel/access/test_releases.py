"""What is shown over many versions: nothing small can be worked out from all of them together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from random import Random

import pytest

from tests.attacker import Attacker
from yucun.base.identity import RegionCode
from yucun.kernel.access.releases import EMPTY, Ledger, Spot, Sum, Table, release
from yucun.kernel.access.worlds import Doubt, Var, Way, find_settled

K = 5
# Some hundred were run by hand; each takes about a second.
HISTORIES = int(os.environ.get("YUCUN_ATTACK_HISTORIES", "10"))
CITY = RegionCode("330500000000")
MONTHS = ("2022-01", "2022-02", "2022-03")
QUARTER = "2022-Q1"
Leaves = dict[tuple[RegionCode, str], int]


def parents_of(towns: int, counties: int = 2) -> dict[RegionCode, RegionCode | None]:
    found: dict[RegionCode, RegionCode | None] = {CITY: None}
    for county in range(1, counties + 1):
        above = RegionCode(f"33050{county}000000")
        found[above] = CITY
        found |= {RegionCode(f"33050{county}{town:03d}000"): above for town in range(1, towns + 1)}
    return found


def make_table(leaves: Leaves, parents: Mapping[RegionCode, RegionCode | None], *, months: bool = True) -> Table:
    """Towns by month, added up to counties, city and quarter."""
    counts: dict[Spot, int] = {}
    for (town, month), count in leaves.items():
        place: RegionCode | None = town
        while place is not None:
            for period in (month, QUARTER) if months else (month,):
                spot = ("ill", str(place), period)
                counts[spot] = counts.get(spot, 0) + count
            place = parents[place]
    periods = sorted({p for _, _, p in counts})
    sums = tuple(
        Sum(("ill", str(r), QUARTER), tuple(("ill", str(r), m) for m in MONTHS)) for r in (parents if months else ())
    )
    cells = {("made.ill", r, p): (("ill", r, p),) for _, r, p in counts}
    return Table(counts, {"ill": K}, {}, cells, dict.fromkeys(periods, parents), sums)


def add_up(attacker: Attacker, version: int, table: Table, before: Table | None) -> None:
    """Tell the attacker which sums hold and which numbers stayed."""
    below: dict[Spot, list[Spot]] = {}
    for spot in table.counts:
        above = table.trees[spot[2]][RegionCode(spot[1])]
        if above is not None:
            below.setdefault((spot[0], str(above), spot[2]), []).append(spot)
    for total, parts in [*below.items(), *((s.total, list(s.parts)) for s in table.sums)]:
        attacker.read_sum({(version, total): 1, **{(version, p): -1 for p in parts}})
    for spot, count in table.counts.items():
        if before is not None and before.counts.get(spot) == count:
            attacker.read_same((version, spot), (version - 1, spot))


def read_all(attacker: Attacker, version: int, table: Table, ledger: Ledger) -> None:
    shown = {s for cell, spots in table.cells.items() if cell not in ledger.hidden for s in spots}
    for spot, count in table.counts.items():
        if spot in shown:
            attacker.read((version, spot), count)
        elif count:
            attacker.read_hidden((version, spot))


def secrets(tables: list[Table]) -> list[tuple[dict[tuple[int, Spot], int], str]]:
    """Small counts of every version, and small changes between any two versions."""
    found = []
    for version, table in enumerate(tables):
        for spot, count in table.counts.items():
            if 0 < count < K:
                found.append(({(version, spot): 1}, f"{spot} is {count} in version {version}"))
            for other in range(version):
                change = count - tables[other].counts[spot]
                if 0 < abs(change) < K:
                    sign = 1 if change > 0 else -1
                    found.append(
                        ({(version, spot): sign, (other, spot): -sign}, f"{spot} {other}->{version}: {change}")
                    )
    return found


def find_recovered(tables: list[Table], ledgers: list[Ledger]) -> list[str]:
    """What the attacker who reads everything finds out."""
    attacker = Attacker()
    for version, (table, ledger) in enumerate(zip(tables, ledgers, strict=True)):
        add_up(attacker, version, table, tables[version - 1] if version else None)
        read_all(attacker, version, table, ledger)
    asked = secrets(tables)
    found = []
    for (terms, said), (low, high) in zip(asked, attacker.bounds(t for t, _ in asked), strict=True):
        could_be_many = high is None or high >= K or (len(terms) == 2 and (low is None or low <= -K))
        if not could_be_many:
            found.append(f"{said}: from {low} to {high}")
    exact = attacker.solve_exactly()
    found += [
        f"{name} is {value}" for name, value in exact.items() if tables[name[0]].counts.get(name[1], 0) in range(1, K)
    ]  # type: ignore[index]
    return found


def run(
    leaves: list[Leaves], parents: Mapping[RegionCode, RegionCode | None], *, months: bool = True
) -> tuple[list[Table], list[Ledger]]:
    tables = [make_table(one, parents, months=months) for one in leaves]
    ledgers: list[Ledger] = []
    before, ledger = EMPTY, Ledger()
    for seq, table in enumerate(tables, 1):
        ledger = Ledger.from_json(release(table, before, ledger, seq).to_json())
        before = table
        ledgers.append(ledger)
    return tables, ledgers


def history(seed: int) -> tuple[list[Leaves], Mapping[RegionCode, RegionCode | None], bool]:
    """Some versions of a made-up city: rows come late, are corrected, taken back; months come one after the other."""
    random = Random(seed)
    parents = parents_of(random.randint(2, 6), random.randint(1, 3))
    towns = [r for r in parents if r.level == "town"]
    months = random.random() < 0.6
    sizes = random.choice([(0, 1, 2, 3, 4, 5, 8), (0, 1, 3, 9, 20, 60), (6, 7, 12, 30), (1, 2, 40)])
    one: Leaves = {(t, m): random.choice(sizes) for t in towns for m in (MONTHS if months else MONTHS[:1])}
    versions = [dict(one)]
    for _ in range(random.randint(1, 5)):
        for place in random.sample(sorted(one), random.choice([1, 1, 2, len(one) // 2 or 1, len(one)])):
            one[place] = max(0, one[place] + random.choice([-6, -2, -1, 1, 1, 2, 3, 6, 15]))
        versions.append(dict(one))
    return versions, parents, months


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_nothing_small_is_told_by_all_versions_together(seed: int) -> None:
    leaves, parents, months = history(seed)
    tables, ledgers = run(leaves, parents, months=months)
    assert find_recovered(tables, ledgers) == []


def town(number: int, county: int = 1) -> RegionCode:
    return RegionCode(f"33050{county}{number:03d}000")


def one_month(*counts: int) -> Leaves:
    """Towns of one county in one month."""
    return {(town(n), MONTHS[0]): count for n, count in enumerate(counts, 1)}


def shown(table: Table, ledger: Ledger) -> dict[tuple[str, str], int]:
    return {
        (r[6:9], p): table.counts[("ill", r, p)] for (_, r, p) in table.cells if ("made.ill", r, p) not in ledger.hidden
    }


def test_a_month_is_not_told_by_its_quarter() -> None:
    """Three in January: February gives way with it, in two towns, so that quarter and county may stay."""
    parents = parents_of(3, 1)
    leaves = {(town(t), m): 30 for t in (1, 2, 3) for m in MONTHS}
    leaves[(town(1), MONTHS[0])] = 3
    tables, ledgers = run([leaves], parents)
    assert find_recovered(tables, ledgers) == []
    hidden = {(r[6:9], p) for _, r, p in ledgers[0].hidden}
    assert ("001", MONTHS[0]) in hidden
    assert (CITY[6:9], QUARTER) not in hidden
    assert len(hidden) <= 6, "no more gives way than must"


def test_few_who_came_are_not_told_by_two_versions() -> None:
    parents = parents_of(3, 1)
    tables, ledgers = run([one_month(20, 30, 40), one_month(20, 32, 40)], parents, months=False)
    assert ledgers[0].hidden == frozenset()
    hidden = {r[4:9] for _, r, _ in ledgers[1].hidden}
    assert hidden == {"00000", "01000", "01002"}, "the town, its county and the city all changed by two"
    assert find_recovered(tables, ledgers) == []


def test_many_who_came_are_shown() -> None:
    _, ledgers = run([one_month(20, 30, 40), one_month(20, 36, 40)], parents_of(3, 1), months=False)
    assert ledgers[1].hidden == frozenset()


def test_few_at_a_time_are_shown_once_they_are_many() -> None:
    versions = [one_month(20, 30, 40), one_month(20, 32, 40), one_month(20, 34, 40), one_month(20, 35, 40)]
    tables, ledgers = run(versions, parents_of(3, 1), months=False)
    assert [len(ledger.hidden) for ledger in ledgers] == [0, 3, 3, 0]
    assert find_recovered(tables, ledgers) == []


def test_going_back_to_what_was_shown_tells_nothing_new() -> None:
    versions = [one_month(20, 30, 40), one_month(20, 32, 40), one_month(20, 30, 40)]
    tables, ledgers = run(versions, parents_of(3, 1), months=False)
    assert [len(ledger.hidden) for ledger in ledgers] == [0, 3, 0]
    assert find_recovered(tables, ledgers) == []


def test_what_was_hidden_stays_hidden_until_it_changes() -> None:
    """The small one has grown; its neighbour has not changed, and showing it now would tell what the small one was."""
    tables, ledgers = run([one_month(3, 49, 60, 70), one_month(20, 49, 60, 70)], parents_of(4, 1), months=False)
    assert find_recovered(tables, ledgers) == []
    assert ("made.ill", str(town(2)), MONTHS[0]) in ledgers[1].hidden


def test_the_same_versions_give_the_same_cells() -> None:
    leaves, parents, months = history(3)
    assert run(leaves, parents, months=months)[1] == run(leaves, parents, months=months)[1]


def test_a_version_in_which_nothing_changed_is_as_before() -> None:
    leaves = one_month(3, 49, 60, 70)
    _, ledgers = run([leaves, leaves], parents_of(4, 1), months=False)
    assert ledgers[0].hidden == ledgers[1].hidden


def share(ill: tuple[int, ...], everyone: tuple[int, ...], cost: tuple[int, ...] = ()) -> Table:
    """Towns of one county with the ill among all, and what the ill cost."""
    parents = parents_of(len(ill), 1)
    county = next(r for r in parents if r.level == "county")
    counts: dict[Spot, int] = {}
    for name, numbers in (("ill", ill), ("all", everyone), ("cost", cost)):
        for number, count in enumerate(numbers, 1):
            for place in (town(number), county):
                counts[(name, str(place), "2022")] = counts.get((name, str(place), "2022"), 0) + count
    places = {r for _, r, _ in counts}
    sums = tuple(Sum(("all", r, "2022"), (("ill", r, "2022"),)) for r in sorted(places))
    cells = {("made.share", r, "2022"): (("all", r, "2022"), ("ill", r, "2022")) for r in places}
    if cost:
        cells |= {("made.cost", r, "2022"): (("ill", r, "2022"), ("cost", r, "2022")) for r in places}
    least = {"ill": K, "all": K}
    return Table(counts, least, {"cost": "ill"} if cost else {}, cells, {"2022": parents}, sums)


def test_few_left_over_are_hidden_like_few_counted() -> None:
    for ill in ((3, 40, 40), (97, 40, 40)):
        ledger = release(share(ill, (100, 100, 100)), EMPTY, Ledger(), 1)
        hidden = {r[6:9] for _, r, _ in ledger.hidden}
        assert {"001", "002"} <= hidden
        assert "000" not in hidden


def test_an_amount_of_few_people_is_not_told_nearly() -> None:
    """The neighbour's amount is far smaller, so it would not keep the other from being known within a tenth."""
    table = share((3, 40, 40), (100, 100, 100), (1_000_000, 10, 900_000))
    ledger = release(table, EMPTY, Ledger(), 1)
    hidden = {r[6:9] for indicator, r, _ in ledger.hidden if indicator == "made.cost"}
    assert hidden >= {"001", "003"}


def test_people_in_several_places_do_not_stop_it() -> None:
    """Two towns count some people twice, so that they come to more than their county; it is decided all the same."""
    table = make_table(one_month(3, 49, 60), parents_of(3, 1), months=False)
    for place in (CITY, RegionCode("330501000000")):
        table.counts[("ill", str(place), MONTHS[0])] = 100  # type: ignore[index]
    ledger = release(table, EMPTY, Ledger(), 1)
    assert ("made.ill", str(town(1)), MONTHS[0]) in ledger.hidden
    assert ("made.ill", str(CITY), MONTHS[0]) not in ledger.hidden


def test_a_program_that_cannot_be_solved_settles_its_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    a: Var = ("q", "a", "2022", 1)
    doubt = Doubt(a, (Way(((a, 1),), 5),))
    assert find_settled({a: 3}, {a: 1}, [], [doubt]) == []
    assert find_settled({a: 3}, {a: 1}, [((a, 1),)], [doubt]) == [doubt]
    both = Doubt(a, (Way(((a, 1),), 5), Way(((a, -1),), -2)))
    assert find_settled({a: 3}, {a: None}, [((a, 1),)], [both]) == [both]
