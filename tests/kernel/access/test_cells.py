"""The smallest cell: no hidden count can be worked out, by whoever knows all totals and even the rule itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yucun.base.errors import HeadcountMismatch
from yucun.base.identity import RegionCode
from yucun.kernel.access import Interval, SmallestCell, bound, hide, hide_slices

K3, K5 = SmallestCell(3, "people"), SmallestCell(5, "people")
CITY = RegionCode("330500000000")
COUNTIES = [RegionCode(f"33050{n}000000") for n in (2, 3, 4)]
Tree = tuple[dict[RegionCode, int], dict[RegionCode, RegionCode | None]]


def town(county: RegionCode, number: int) -> RegionCode:
    return RegionCode(f"{county[:6]}{number:03d}000")


def family(*counts: int, rest: int = 0) -> Tree:
    towns = [town(COUNTIES[0], n) for n in range(1, len(counts) + 1)]
    return {COUNTIES[0]: sum(counts) + rest, **dict(zip(towns, counts, strict=True))}, dict.fromkeys(towns, COUNTIES[0])


def add_up(leaves: Mapping[RegionCode, int]) -> Tree:
    """A city of counties of towns, from the counts of towns."""
    counts: dict[RegionCode, int] = dict(leaves)
    parents: dict[RegionCode, RegionCode | None] = {CITY: None}
    for leaf in leaves:
        county = RegionCode(f"{leaf[:6]}000000")
        parents[leaf], parents[county] = county, CITY
        counts[county] = counts.get(county, 0) + leaves[leaf]
        counts[CITY] = counts.get(CITY, 0) + leaves[leaf]
    return counts, parents


@st.composite
def trees(draw: st.DrawFn, most: int = 9, towns: int = 3) -> Tree:
    shape = draw(st.lists(st.integers(1, towns), min_size=1, max_size=3))
    places = [town(county, n) for county, size in zip(COUNTIES, shape, strict=False) for n in range(1, size + 1)]
    return add_up({place: draw(st.integers(0, most)) for place in places})


def worlds(tree: Tree, hidden: frozenset[RegionCode], most: int) -> Iterator[dict[RegionCode, int]]:
    """Every city that shows the same: what an attacker with all the time in the world is left with."""
    counts, parents = tree
    inner = {p for p in parents.values() if p is not None}
    leaves = [r for r in counts if r not in inner]
    free = [r for r in leaves if r in hidden]

    def fill(at: int, filled: dict[RegionCode, int]) -> Iterator[dict[RegionCode, int]]:
        if at == len(free):
            world, _ = add_up({r: filled.get(r, counts[r]) for r in leaves})
            if all(world[r] == counts[r] if r not in hidden else world[r] >= 1 for r in counts):
                yield world
            return
        for value in range(1, most + 1):
            yield from fill(at + 1, {**filled, free[at]: value})

    yield from fill(0, {})


def test_a_small_count_takes_a_neighbour_with_it() -> None:
    counts, parents = family(3, 49, 60, 70)
    assert hide(counts, parents, K5) == {town(COUNTIES[0], 1), town(COUNTIES[0], 2)}


def test_nothing_small_hides_nothing() -> None:
    assert hide(*family(5, 49, 60), K5) == frozenset()


def test_zero_is_shown_and_never_used_to_protect() -> None:
    counts, parents = family(3, 0, 60)
    assert hide(counts, parents, K5) == {town(COUNTIES[0], 1), town(COUNTIES[0], 3)}


def test_which_of_the_two_is_small_is_not_told() -> None:
    """Neighbours stand together by code, so the hidden pair is the same whichever of them is small."""
    assert hide(*family(3, 49, 60, 70), K5) == hide(*family(49, 3, 60, 70), K5) == hide(*family(3, 4, 60, 70), K5)


def test_all_ones_do_not_give_themselves_away() -> None:
    """Five ones under a shown five would each be one: the total is hidden too."""
    counts, parents = family(1, 1, 1, 1, 1)
    assert hide(counts, parents, K5) == set(counts)


def test_a_rest_without_a_town_is_a_cell_as_well() -> None:
    counts, parents = family(30, 40, rest=2)
    assert hide(counts, parents, K5) == {town(COUNTIES[0], 1), town(COUNTIES[0], 2)}


def test_a_hidden_total_hides_within_itself() -> None:
    """A county of three among large ones hides a second county, and that county must not add up from its towns."""
    first, second = COUNTIES[:2]
    leaves = {town(first, 1): 3, town(second, 1): 40, town(second, 2): 50, town(COUNTIES[2], 1): 60}
    hidden = hide(*add_up(leaves), K5)
    assert {first, town(first, 1), second} <= hidden
    assert hidden & {town(second, 1), town(second, 2)}


def test_k_below_three_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        SmallestCell(2, "people")


def test_what_is_counted_twice_is_not_a_tree() -> None:
    counts, parents = family(30, 40, rest=-1)
    with pytest.raises(HeadcountMismatch):
        hide(counts, parents, K5)


def test_bounds_are_told() -> None:
    counts, parents = family(3, 49, 60, 70)
    pair = hide(counts, parents, K5)
    assert set(bound(counts, parents, pair).values()) == {Interval(1, 51)}
    assert bound(counts, parents, [COUNTIES[0]]) == {COUNTIES[0]: Interval(182, 182)}


@given(trees(most=5), st.data())
def test_bounds_are_exactly_what_trying_everything_gives(tree: Tree, data: st.DataObject) -> None:
    counts, _ = tree
    assume(counts[CITY])
    hidden = frozenset(data.draw(st.sets(st.sampled_from(sorted(r for r, c in counts.items() if c)), max_size=5)))
    found = bound(*tree, hidden)
    # Beyond the city's own total nothing needs trying unless nothing bounds it.
    most = counts[CITY] + 1
    assume(len([r for r in hidden if r.level == "town"]) <= 3)
    tried = list(worlds(tree, hidden, most))
    for region, interval in found.items():
        values = [world[region] for world in tried]
        assert min(values) == interval.low
        if interval.high is None:
            assert max(values) >= most
        else:
            assert max(values) == interval.high


@given(trees(), st.sampled_from([3, 4, 5]))
def test_no_hidden_count_is_known_from_all_that_is_shown(tree: Tree, k: int) -> None:
    counts, _ = tree
    hidden = hide(*tree, SmallestCell(k, "people"))
    assert {r for r, c in counts.items() if 0 < c < k} <= hidden
    assert not any(counts[r] == 0 for r in hidden)
    for region, interval in bound(*tree, hidden).items():
        assert interval.high is None or interval.high > interval.low
        if counts[region] < k:
            assert interval.high is None or interval.high >= k


@given(trees(), st.lists(st.integers(0, 6), min_size=4, max_size=4), st.sampled_from([3, 5]))
def test_nor_what_a_total_counts_beyond_its_parts(tree: Tree, rests: list[int], k: int) -> None:
    """Subtracting shown parts from a shown total never leaves one to k - 1 people."""
    counts, parents = dict(tree[0]), tree[1]
    for region, rest in zip([r for r in counts if r.level == "county"], rests, strict=False):
        counts[region] += rest
        counts[CITY] += rest
    counts[CITY] += rests[-1]
    hidden = hide(counts, parents, SmallestCell(k, "people"))
    for region in {p for p in parents.values() if p is not None} - hidden:
        parts = [r for r, parent in parents.items() if parent == region]
        if not hidden.intersection(parts):
            assert not 0 < counts[region] - sum(counts[p] for p in parts) < k
    for region, interval in bound(counts, parents, hidden).items():
        assert interval.high is None or (interval.high > interval.low and interval.high >= k), region


@settings(max_examples=60)
@given(trees(most=7, towns=2), st.sampled_from([3, 4]))
def test_not_even_by_running_the_rule_on_every_city_that_fits(tree: Tree, k: int) -> None:
    """The attacker knows the rule: only cities for which it would have hidden the very same cells are left."""
    rule = SmallestCell(k, "people")
    hidden = hide(*tree, rule)
    assume(0 < len([r for r in hidden if r.level == "town"]) <= 4)
    left = [world for world in worlds(tree, hidden, 10) if hide(world, tree[1], rule) == hidden]
    for region in hidden:
        assert len({world[region] for world in left}) >= 2, region


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 3)), min_size=2, max_size=5))
def test_sums_of_slices_show_only_what_all_parts_show(rows: list[tuple[int, int, int]]) -> None:
    towns = [town(COUNTIES[0], n) for n in range(1, len(rows) + 1)]
    slices = {}
    for name, column in (("women", 0), ("men", 1), ("unsaid", 2)):
        part = {t: row[column] for t, row in zip(towns, rows, strict=True)}
        slices[name] = {**part, COUNTIES[0]: sum(part.values())}
    parents = dict.fromkeys(towns, COUNTIES[0])
    everyone = {r: sum(s[r] for s in slices.values()) for r in slices["women"]}
    said = {"women": slices["women"], "men": slices["men"], "all": everyone}
    hidden = hide_slices(said, {"all": ("women", "men")}, parents, K3)
    assert hidden["all"] >= hidden["women"] | hidden["men"] | hide(slices["unsaid"], parents, K3)
    assert hidden["women"] == hide(slices["women"], parents, K3)
    assert {r for r, c in everyone.items() if 0 < c < 3} <= hidden["all"]


def test_slices_that_cross_are_refused() -> None:
    counts, parents = family(30, 40)
    with pytest.raises(ValueError, match="both"):
        hide_slices({"a": counts, "b": counts, "c": counts}, {"a": ("c",), "b": ("c",)}, parents, K3)
    with pytest.raises(ValueError, match="itself"):
        hide_slices({"a": counts, "b": counts}, {"a": ("b",), "b": ("a",)}, parents, K3)


def test_a_whole_city_takes_no_time() -> None:
    """Seventy-two towns and 1,301 villages, a third of them small."""
    leaves = {}
    for n in range(1301):
        county = COUNTIES[n % 3]
        leaves[RegionCode(f"{county[:6]}{n % 24 + 1:03d}{n // 72 + 1:03d}")] = n * 7919 % 13
    counts: dict[RegionCode, int] = dict(leaves)
    parents: dict[RegionCode, RegionCode | None] = {CITY: None}
    for leaf, count in leaves.items():
        place = leaf
        while (up := place.by_digits) is not None and place != CITY:
            parents[place] = up
            counts[up] = counts.get(up, 0) + count
            place = up
    hidden = hide(counts, parents, K5)
    assert all(i.high is None or i.high >= 5 for r, i in bound(counts, parents, hidden).items() if counts[r] < 5)
    assert CITY not in hidden
