"""How a population is composed from totals: households by size and kind, ages by rank, sexes; exact, and by the column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from yucun.base.errors import PlaceError
from yucun.services.people.planning import (
    BANDS,
    CLASSES,
    MONTHS,
    WATCHED,
    Block,
    Calendar,
    Part,
    Scale,
    Shape,
    Whole,
    share,
    unmet,
)

# numpy arrays of truth values, of numbers, and of seats.
Yes = Any
Real = Any
Seats = Any

# What a seat in a household is for; the ages and the sexes of those who take them are drawn afterwards.
HEAD, SPOUSE, CHILD, PARENT, ELDER, ELDER_SPOUSE, GROWN, OTHER, DORM, DORM_OLD = range(10)
KINDS: tuple[tuple[int, ...], ...] = (
    (HEAD,),
    (ELDER,),
    (HEAD, SPOUSE),
    (ELDER, ELDER_SPOUSE),
    (HEAD, CHILD),
    (HEAD, PARENT),
    (HEAD, SPOUSE, CHILD),
    (HEAD, SPOUSE, PARENT),
    (ELDER, ELDER_SPOUSE, GROWN),
    (HEAD, SPOUSE, CHILD, CHILD),
    (HEAD, SPOUSE, CHILD, PARENT),
    (HEAD, SPOUSE, CHILD, PARENT, PARENT),
    (HEAD, SPOUSE, CHILD, CHILD, PARENT),
    (HEAD, SPOUSE, CHILD, CHILD, PARENT, PARENT),
    (HEAD, SPOUSE, CHILD, CHILD, PARENT, PARENT, OTHER),
    (HEAD, SPOUSE, CHILD, CHILD, PARENT, PARENT, OTHER, OTHER),
)
ALONE, OLD_ALONE, COUPLE, OLD_COUPLE, ONE_PARENT, WITH_PARENT, THREE, THREE_PARENT, THREE_OLD = range(9)
_MOST = max(map(len, KINDS))
_SEATS = np.array([[*kind, *(-1,) * (_MOST - len(kind))] for kind in KINDS], np.int8)
_SIZES = np.array([len(kind) for kind in KINDS])
_OLD_SEATS = np.isin(_SEATS, (PARENT, ELDER, ELDER_SPOUSE)).sum(axis=1)
_CHILD_SEATS = (_SEATS == CHILD).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Homes:
    """A composed block: persons stand household by household, households village by village.

    ``home_of`` gives the household of each person; ``village_of`` that of each household; ``is_dorm`` collective ones.
    """

    home_of: Whole
    seat: Seats
    age: Whole
    is_man: Yes
    village_of: Whole
    is_dorm: Yes
    size: Whole

    def first_of(self) -> Whole:
        """The first person of each household."""
        return np.cumsum(self.size) - self.size

    def any_of(self, flags: Yes) -> Yes:
        """For each household, whether it is so of anyone in it."""
        return np.bincount(self.home_of[flags], minlength=len(self.size)) > 0

    def sum_of(self, values: Whole) -> Whole:
        """For each household, the sum over those in it."""
        starts = self.first_of()
        return np.add.reduceat(values, starts) if len(starts) else values[:0]


def draw(chance: np.random.Generator, scale: Scale, count: int) -> Real:
    """Draw from a distribution that is written as quantiles: pairs of (parts of 10,000, value), straight in between."""
    return quantile(scale, chance.random(count))


def quantile(scale: Scale, at: Real) -> Real:
    """Values of a distribution at shares between nothing and one."""
    points = np.array(scale, np.float64)
    return np.interp(at * 10_000, points[:, 0], points[:, 1])


def take(order: Whole, sizes: Whole, total: int) -> Whole:
    """Take households in an order until they hold exactly so many persons; persons who live alone make up the rest.

    Raises
    ------
    PlaceError
        If there are not enough of them.
    """
    held = np.cumsum(sizes[order])
    whole = int(np.searchsorted(held, total, "right"))
    left = total - (int(held[whole - 1]) if whole else 0)
    later = order[whole:]
    alone = later[sizes[later] == 1][:left]
    if len(alone) < left:
        raise PlaceError(unmet("households", f"{total - left + len(alone)} persons", f"{total} persons"))
    return np.concatenate((order[:whole], alone))


def compose(block: Block, shape: Shape, chance: np.random.Generator) -> Homes:
    """Compose the households of a block and give each person an age and a sex; every total of the block is met exactly.

    Raises
    ------
    PlaceError
        If no households of these sizes can hold so many children or old people.
    """
    kinds = _choose_kinds(block, shape)
    sizes, seats = _place(block, kinds, chance)
    home_of = np.repeat(np.arange(len(sizes)), sizes)
    minors = _choose_minors(block, home_of, seats, len(sizes), chance)
    age = _give_ages(block, shape, home_of, seats, minors, len(sizes), chance)
    is_man = _give_sexes(block, home_of, seats, age, len(sizes), chance)
    ends = np.cumsum(np.array(block.villages))
    middle = np.cumsum(sizes) - sizes // 2
    village_of = np.minimum(np.searchsorted(ends, middle * (ends[-1] / max(1, sizes.sum()))), len(ends) - 1)
    is_dorm = seats[np.cumsum(sizes) - sizes] >= DORM
    return Homes(home_of, seats, age, is_man, village_of.astype(np.int64), is_dorm, sizes)


def _choose_kinds(block: Block, shape: Shape) -> Whole:
    """How many households there are of each kind."""
    by_size = _choose_sizes(block.families, block.persons - block.in_dorms, shape.sizes)
    part = {name: bp / 10_000 for name, bp in shape.kinds.items()}
    counts = np.zeros(len(KINDS), np.int64)
    counts[[ONE_PARENT, WITH_PARENT]] = np.floor(by_size[1] * np.array([part["one_parent"], part["with_parent"]]))
    counts[[THREE_PARENT, THREE_OLD]] = np.floor(by_size[2] * np.array([part["three_parent"], part["three_old"]]))
    counts[THREE] = by_size[2] - counts[THREE_PARENT] - counts[THREE_OLD]
    counts[10], counts[11] = int(by_size[3] * part["four_parent"]), int(by_size[4] * part["five_parents"])
    counts[9], counts[12] = by_size[3] - counts[10], by_size[4] - counts[11]
    counts[13:] = by_size[5:]
    old = block.bands[2] + block.bands[3] - block.old_in_dorms - int(counts @ _OLD_SEATS)
    pairs_open = by_size[1] - counts[ONE_PARENT] - counts[WITH_PARENT]
    pairs = min(int(pairs_open), max(0, int(old * part["old_in_couples"]) // 2))
    pairs = min(int(pairs_open), max(pairs, -(-(old - int(by_size[0])) // 2)))
    alone = old - 2 * pairs
    if not 0 <= alone <= by_size[0]:
        raise PlaceError(unmet("old people", str(old), f"0 to {by_size[0] + 2 * pairs_open}"))
    counts[OLD_COUPLE], counts[COUPLE] = pairs, pairs_open - pairs
    counts[OLD_ALONE], counts[ALONE] = alone, by_size[0] - alone
    if int(counts @ _CHILD_SEATS) < block.bands[0]:
        raise PlaceError(unmet("children", str(block.bands[0]), f"at most {counts @ _CHILD_SEATS}"))
    return counts


def _choose_sizes(families: int, persons: int, weights: Mapping[str, int]) -> Whole:
    """How many households there are of each size, so that they hold exactly so many persons."""
    sizes = np.arange(1, _MOST + 1)
    first = np.array([weights[str(size)] for size in sizes], np.float64)
    low, high = 0.2, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        tilted = first * middle**sizes
        low, high = (middle, high) if (tilted @ sizes) * families < persons * tilted.sum() else (low, middle)
    counts = share(families, first * low**sizes)
    owed = persons - int(counts @ sizes)
    for size in (1, 2, 0, 3, 4, 5, 6):
        source, goal = (size, size + 1) if owed > 0 else (size + 1, size)
        moved = min(abs(owed), int(counts[source]))
        counts[source], counts[goal] = counts[source] - moved, counts[goal] + moved
        owed -= moved if owed > 0 else -moved
    if owed:
        raise PlaceError(unmet("household sizes", f"{persons} persons in {families}", "1 to 8 persons a household"))
    return counts


def _place(block: Block, kinds: Whole, chance: np.random.Generator) -> tuple[Whole, Seats]:
    """Households in a random order: their sizes, and the seats of all persons, household by household."""
    kind_of = np.repeat(np.arange(len(KINDS)), kinds)
    dorm_sizes = (
        1 + share(block.in_dorms - block.dorms, 0.05 + chance.random(block.dorms)) if block.dorms else kinds[:0]
    )
    order = np.argsort(chance.random(len(kind_of) + block.dorms), kind="stable")
    sizes = np.concatenate((_SIZES[kind_of], dorm_sizes))
    kind_of = np.concatenate((kind_of, np.full(block.dorms, -1)))[order]
    sizes = sizes[order]
    home_of = np.repeat(np.arange(len(sizes)), sizes)
    index = np.arange(len(home_of)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kind = kind_of[home_of]
    seats = np.where(kind < 0, np.int8(DORM), _SEATS[kind, np.minimum(index, _MOST - 1)]).astype(np.int8)
    dorm = np.flatnonzero(seats == DORM)
    # The old of collective households live in the first ones, as in homes for the old.
    seats[dorm[: block.old_in_dorms]] = DORM_OLD
    return sizes, seats


def _choose_minors(block: Block, home_of: Whole, seats: Seats, homes: int, chance: np.random.Generator) -> Yes:
    """Which children are below 15: those of whole households, in a random order, until there are enough."""
    key = chance.random(homes)
    children = np.flatnonzero(seats == CHILD)
    order = children[np.argsort(key[home_of[children]], kind="stable")]
    minors = np.zeros(len(seats), bool)
    minors[order[: block.bands[0]]] = True
    return minors


def _give_ages(
    block: Block, shape: Shape, home_of: Whole, seats: Seats, minors: Yes, homes: int,
    chance: np.random.Generator,
) -> Whole:  # fmt: skip
    """Draw ages that fit one another, then let them give way to the pyramid, each band in order of what was drawn."""
    count = len(seats)
    spread = chance.random(count)
    has_minors = np.bincount(home_of[minors], minlength=homes) > 0
    has_child = np.bincount(home_of[seats == CHILD], minlength=homes) > 0
    child = np.where(has_minors, 15 * chance.random(homes), 15 + 17 * chance.random(homes))
    # In a household with one child below fifteen and one above, both are about fifteen.
    child[has_minors & (np.bincount(home_of[(seats == CHILD) & ~minors], minlength=homes) > 0)] = 15
    free = 19 + 41 * chance.random(homes)
    head = np.where(has_child, np.minimum(child + 24 + 9 * chance.random(homes), 59.9), free)
    old = np.interp(chance.random(homes), (0, 0.3, 0.75, 1), (60, 66, 76, 95))
    child, head, old = child[home_of], head[home_of], old[home_of]
    drawn = np.select(
        [
            minors,
            seats == CHILD,
            seats == HEAD,
            seats == SPOUSE,
            seats == PARENT,
            seats == ELDER,
            seats == ELDER_SPOUSE,
            seats == GROWN,
            seats == DORM,
            seats == DORM_OLD,
        ],
        [
            np.clip(child + 6 * (spread - 0.5), 0, 14.99),
            np.clip(child + 6 * (spread - 0.5), 15, 34),
            head,
            np.clip(head + 6 * spread - 4, 18, 59.99),
            np.clip(head + 22 + 10 * spread, 60, 98),
            old,
            np.clip(old + 8 * spread - 5, 60, 98),
            np.clip(old - 27 - 9 * spread, 20, 59.99),
            17 + 33 * spread * spread + 8 * spread,
            66 + 28 * spread,
        ],
        18 + 41 * spread,
    )
    weights = np.array(shape.ages, np.float64)
    age = np.zeros(count, np.int64)
    is_old = np.isin(seats, (PARENT, ELDER, ELDER_SPOUSE, DORM_OLD))
    groups = (minors, ~minors & ~is_old, is_old)
    for group, bands in zip(groups, (BANDS[:1], BANDS[1:2], BANDS[2:]), strict=True):
        rows = np.flatnonzero(group)
        ordered = rows[np.argsort(drawn[rows], kind="stable")]
        years = []
        for low, high in bands:
            span = np.arange(low, high)
            wanted = block.bands[BANDS.index((low, high))]
            years.append(np.repeat(span, share(wanted, np.interp(span, weights[:, 0], weights[:, 1]))))
        age[ordered] = np.concatenate(years)
    return age


def _give_sexes(block: Block, home_of: Whole, seats: Seats, age: Whole, homes: int, chance: np.random.Generator) -> Yes:
    """Couples are a man and a woman; the others make up the published number of men."""
    count = len(seats)
    man_first = chance.random(homes)[home_of] < 0.86
    is_man = np.zeros(count, bool)
    pairs = np.bincount(home_of[seats == PARENT], minlength=homes)[home_of] == 2
    has_spouse = np.bincount(home_of[(seats == SPOUSE) | (seats == ELDER_SPOUSE)], minlength=homes)[home_of] > 0
    is_second = np.concatenate(([False], (seats[1:] == PARENT) & (seats[:-1] == PARENT)))
    heads, spouses = np.isin(seats, (HEAD, ELDER)) & has_spouse, np.isin(seats, (SPOUSE, ELDER_SPOUSE))
    is_man[heads & man_first] = True
    is_man[spouses & ~man_first] = True
    both = (seats == PARENT) & pairs
    is_man[both & ~is_second] = True
    open_seats = np.flatnonzero(~(heads | spouses | both))
    left = block.men - int(is_man.sum())
    if not 0 <= left <= len(open_seats):
        raise PlaceError(unmet("men", str(block.men), f"{block.men - left} to {block.men - left + len(open_seats)}"))
    # Women live longer: of the old who live alone fewer are men.
    likely = np.where(age[open_seats] >= 60, 0.42, np.where(seats[open_seats] == DORM, 0.62, 0.53))
    first = np.argsort(chance.random(len(open_seats)) / likely, kind="stable")
    is_man[open_seats[first[:left]]] = True
    return is_man


WORKS = ("child", "student", "works", "jobless", "home", "retired")
STUDIES = ("none", "kindergarten", "primary", "junior", "senior", "college")
_SCHOOL = ((3, 6, 9500), (6, 12, 10_000), (12, 15, 10_000), (15, 18, 9200), (18, 22, 5200))


@dataclass(frozen=True, slots=True)
class Lives:
    """How the people of a block fare: codes of `WORKS` and `STUDIES`, disability and illness; the truth, not a record.

    ``disability`` numbers the kinds from 1 in the order of the parameter, 0 is none; ``grade`` is 1 to 4. ``ill_months``
    says for how many months somebody has been seriously ill, 0 for not.
    """

    work: Whole
    studies: Whole
    disability: Whole
    grade: Whole
    is_certified: Yes
    is_chronically_ill: Yes
    ill_months: Whole


def draw_lives(homes: Homes, settings: Mapping[str, Any], chance: np.random.Generator) -> Lives:
    """Draw work, schooling, disability and illness; the published shares of the disabled and the ill are met exactly."""
    age, count = homes.age, len(homes.age)
    studies = np.zeros(count, np.int64)
    luck = chance.random(count) * 10_000
    for stage, (low, high, part) in enumerate(_SCHOOL, 1):
        studies[(age >= low) & (age < high) & (luck < part)] = stage
    ill_at = np.interp(age, *np.array(settings["illness_by_age"], np.float64).T)
    disabled = _first(0.3 + ill_at / 50, round(count * settings["disability"] / 10_000), chance)
    kinds = np.cumsum(list(settings["disability_kinds"].values())) / sum(settings["disability_kinds"].values())
    disability = np.where(disabled, 1 + np.searchsorted(kinds, chance.random(count), "right"), 0)
    severe = chance.random(count) * 10_000 < settings["disability_severe"]
    grade = np.where(disabled, np.where(severe, 1, 3) + (chance.random(count) < 0.55), 0)
    part = np.where(severe, settings["certificates"]["severe"], settings["certificates"]["others"])
    is_certified = disabled & (chance.random(count) * 10_000 < part)
    grown = age >= 15
    chronic = _first(ill_at * grown, round(int(grown.sum()) * settings["chronic_illness"] / 10_000), chance)
    serious = _first(0.01 + ill_at * chronic, round(count * settings["serious_illness"] / 10_000), chance)
    ill_months = np.where(serious, 1 + (84 * chance.random(count)).astype(np.int64), 0)
    can_work = np.where(disabled & severe, 0.15, np.where(serious, 0.4, 1.0))
    working = chance.random(count) < quantile_at(settings["working"], age) / 10_000 * can_work
    work = np.select(
        [age < 16, studies > 0, working, age >= 60], [WORKS.index(w) for w in ("child", "student", "works", "retired")],
        WORKS.index("home"),
    )  # fmt: skip
    return Lives(work, studies, disability, grade, is_certified, chronic, ill_months)


def quantile_at(scale: Scale, at: Any) -> Real:
    """A line through points of whole numbers, straight in between."""
    points = np.array(scale, np.float64)
    return np.interp(at, points[:, 0], points[:, 1])


def _first(weights: Real, wanted: int, chance: np.random.Generator) -> Yes:
    """Choose exactly so many, the heavier the likelier."""
    with np.errstate(divide="ignore"):
        order = np.argsort(chance.random(len(weights)) / weights, kind="stable")
    chosen = np.zeros(len(weights), bool)
    chosen[order[:wanted]] = True
    return chosen


NEEDS = ("none", *CLASSES, "expenditure")
CAUSES = ("none", "illness", "lost_income", "disability", "old_alone", "low_pay")
LINES = ("wage", "business", "pension", "support", "property")
NONE, ILLNESS, LOST, DISABILITY, OLD, LOW = range(6)


@dataclass(slots=True)
class Draft:
    """A block in the making: who lives there and how they fare, then step by step what that leads to."""

    part: Part
    homes: Homes
    lives: Lives
    births: Whole
    settings: Mapping[str, Any]
    calendar: Calendar
    chance: np.random.Generator

    @property
    def persons(self) -> int:
        """How many people there are."""
        return len(self.homes.age)


@dataclass(frozen=True, slots=True)
class Need:
    """The truth about each household: its class, its cause, since which month, and whether it is registered."""

    need: Whole
    cause: Whole
    since: Whole
    registered: Whole
    looks_poor: Yes

    @property
    def is_hidden(self) -> Yes:
        """In need, and never applied."""
        return (self.need > 0) & (self.registered == 0)


@dataclass(frozen=True, slots=True)
class Money:
    """Monthly amounts by line and person, lost wages, savings, and what each household truly has."""

    lines: Mapping[str, Whole]
    is_seen: Yes
    lost_month: Whole
    found_month: Whole
    savings_fen: Whole
    works_since: Whole
    person_year_fen: Whole
    year_fen: Whole
    month_fen: Whole
    ratio: Real


def choose_need(draft: Draft) -> Need:
    """Choose exactly as many people in need as there are to be, households with reasons for it before others."""
    homes, lives, part, chance = draft.homes, draft.lives, draft.part, draft.chance
    count = len(homes.size)
    first = homes.first_of()
    old_head = np.isin(homes.seat[first], (ELDER,))
    disabled, ill = homes.any_of(lives.grade > 0), homes.any_of(lives.ill_months > 0)
    parentless = (homes.size > 1) & ~homes.any_of(np.isin(homes.seat, (SPOUSE, ELDER_SPOUSE)))
    weight = 1 + 4.0 * disabled + 1.6 * ill + 1.8 * (old_head & (homes.size == 1)) + 0.8 * old_head + 1.2 * parentless
    order = np.argsort(chance.random(count) / weight, kind="stable")
    order = order[~homes.is_dorm[order]]
    registered, need = np.zeros(count, np.int64), np.zeros(count, np.int64)
    lonely = order[(homes.size[order] == 1) & (old_head | disabled)[order]]
    chosen = lonely[: part.registered[2]]
    registered[chosen] = 3
    for kind in (1, 2):
        order = order[registered[order] == 0]
        registered[take(order, homes.size, part.registered[kind - 1])] = kind
    order = order[registered[order] == 0]
    hidden = take(order, homes.size, part.never_applied)
    need[:] = registered
    better = (registered > 0) & (registered < 3) & (chance.random(count) * 10_000 < draft.settings["no_longer_in_need"])
    need[better] = 0
    need[hidden] = np.array((1, 2, 4))[np.searchsorted((0.55, 0.8), chance.random(len(hidden)), "right")]
    # Bills that push a larger family below the line would make warnings of their own.
    need[(need == 4) & (homes.size > 4)] = 2
    earners = homes.sum_of((lives.work == WORKS.index("works")).astype(np.int64)) > 0
    luck = chance.random(count)
    cause = np.select(
        [disabled & (luck < 0.6), old_head & (luck < 0.7), ill & (luck < 0.8), earners & (luck < 0.5)],
        [DISABILITY, OLD, ILLNESS, LOST],
        LOW,
    )
    cause = np.where(need > 0, cause, NONE)
    recent = (chance.random(count) < 0.45) & (registered == 0)
    since = np.where(recent, WATCHED.start + (12 * chance.random(count)).astype(np.int64), -1)
    plain = ~homes.is_dorm & (need == 0) & (registered == 0)
    looks_poor = plain & (chance.random(count) * 10_000 < draft.settings["looks_poor"])
    return Need(need, cause, np.where(need > 0, since, -1), registered, looks_poor)


def earn(draft: Draft, need: Need) -> Money:
    """Give each household its income, as lines of persons, so that the mean of the year is the published one."""
    homes, lives, settings, chance = draft.homes, draft.lives, draft.settings, draft.chance
    unit, units, first = _units(homes)
    standard, heads = settings["standard_fen"], np.bincount(unit, minlength=units)
    ratio = draw(chance, settings["welfare"], units)
    household = len(homes.size)
    edge = settings["edge_factor_bp"] / 10_000
    poor = np.zeros(units, np.int64)
    poor[:household] = need.need
    low, high = (
        np.array(v)[poor] for v in ((0, 0.02, 1.02, 0.0, edge + 0.02), (0, 0.93, edge - 0.05, 0.0, edge + 0.2))
    )
    a_head = np.where(
        poor > 0, standard * (low + (high - low) * chance.random(units)), ratio * draft.part.income_fen / 120_000
    )
    target = a_head * heads
    pension = _pensions(draft)
    drawn = np.bincount(unit, pension, units)
    # A person in need draws no more than the household may have.
    keep = np.where((poor > 0) & (drawn > target), target / np.maximum(drawn, 1), 1.0)
    pension = np.floor(pension * keep[unit]).astype(np.int64)
    rest = np.maximum(0.0, target - np.bincount(unit, pension, units))
    works = lives.work == WORKS.index("works")
    lost, found, is_gone = _lose_wages(draft, need, works)
    weight = np.where(works & ~is_gone, 0.6 + 0.8 * chance.random(draft.persons), 0.0)
    weighed = np.bincount(unit, weight, units)
    has = weighed > 0
    earned = weight * (rest * np.where(poor > 0, 1.0, 0.95) / np.maximum(weighed, 1e-9))[unit]
    own = (chance.random(draft.persons) * 10_000 < settings["self_employed"]) & (lost < 0)
    aside = np.where(has, rest * np.where(poor > 0, 0.0, 0.05), rest * np.where(poor > 0, 0.0, 0.15))
    support = np.where(has, 0.0, rest - aside)
    from_month, to_month = draft.calendar.year
    idle = np.where(
        lost >= 0,
        np.clip(np.where(found >= 0, found, MONTHS), from_month, to_month) - np.clip(lost, from_month, to_month),
        0,
    )
    ordinary = poor == 0
    # What is left to scale, of a year: ordinary households without their pensions.
    open_year = float((earned * (12 - idle) * ordinary[unit]).sum() + 12 * ((aside + support) * ordinary).sum())
    gone_month = _gone_wages(draft, is_gone, standard)
    fixed = 12.0 * float(pension.sum() + (rest * ~ordinary).sum()) + float((gone_month * (12 - idle)).sum())
    scale = np.where(ordinary, (draft.part.income_fen * draft.persons - fixed) / open_year, 1.0)
    month = np.rint(earned * scale[unit]).astype(np.int64)
    at_first = np.zeros(draft.persons, bool)
    at_first[first] = True
    lines = {
        "wage": np.where(own, 0, month) + gone_month,
        "business": np.where(own, month, 0),
        "pension": pension,
        "support": np.where(at_first, np.rint((support * scale)[unit]), 0).astype(np.int64),
        "property": np.where(at_first, np.rint((aside * scale)[unit]), 0).astype(np.int64),
    }
    return _settle(draft, need, lines, lost, found, idle, a_head * scale, unit)


def _units(homes: Homes) -> tuple[Whole, int, Whole]:
    """Who shares an income: families, and each of a dormitory alone; and who comes first in each."""
    dorm = homes.is_dorm[homes.home_of]
    alone = len(homes.size) + np.cumsum(dorm) - 1
    unit = np.where(dorm, alone, homes.home_of)
    first = np.concatenate((homes.first_of()[~homes.is_dorm], np.flatnonzero(dorm)))
    return unit, len(homes.size) + int(dorm.sum()), first


def _pensions(draft: Draft) -> Whole:
    settings, chance, age = draft.settings, draft.chance, draft.homes.age
    luck = chance.random(draft.persons) * 10_000
    is_employee = luck < settings["employee_pension"][draft.part.residence]
    at = chance.random(draft.persons)
    drawn = np.where(
        is_employee,
        quantile(settings["employee_pension_month"], at),
        quantile(settings["resident_pension_month"], at),
    )
    return np.where(age >= 60, np.floor(drawn), 0).astype(np.int64)


def _lose_wages(draft: Draft, need: Need, works: Yes) -> tuple[Whole, Whole, Yes]:
    """Who loses a wage in which month, who finds one again; and who was the earner of a household now in need."""
    settings, chance, homes = draft.settings["job_loss"], draft.chance, draft.homes
    plain = works & (need.need[homes.home_of] == 0)
    loses = plain & (chance.random(draft.persons) * 10_000 < settings["ordinary"])
    month = WATCHED.start + (12 * chance.random(draft.persons)).astype(np.int64)
    again = loses & (chance.random(draft.persons) * 10_000 < settings["found_again"])
    found = np.where(again, month + 2 + (4 * chance.random(draft.persons)).astype(np.int64), -1)
    found[found >= MONTHS] = -1
    gone = works & (need.cause[homes.home_of] == LOST)
    onset = need.since[homes.home_of]
    lost = np.where(gone, np.where(onset >= 0, onset, 0), np.where(loses, month, -1))
    return lost, found, gone


def _gone_wages(draft: Draft, is_gone: Yes, standard: int) -> Whole:
    """What those earned who lost it and fell into need."""
    amount = standard * (2.8 + 3.2 * draft.chance.random(draft.persons))
    return np.where(is_gone, np.rint(amount), 0).astype(np.int64)


def _settle(
    draft: Draft, need: Need, lines: Mapping[str, Whole], lost: Whole, found: Whole, idle: Whole, a_head: Real, unit: Whole
) -> Money:  # fmt: skip
    """What a year and the present month come to, since when people work, and what they have put by."""
    homes, chance, settings = draft.homes, draft.chance, draft.settings
    wage = lines["wage"]
    others = lines["business"] + lines["pension"] + lines["support"] + lines["property"]
    is_idle = (lost >= 0) & (found < 0)
    year = 12 * others + wage * (12 - idle)
    month = homes.sum_of(others + np.where(is_idle, 0, wage))
    is_seen = ~need.looks_poor[homes.home_of]
    years = np.maximum(0.2, homes.age - 18) * chance.random(draft.persons) ** 1.5
    fresh = (need.need[homes.home_of] > 0) & (chance.random(draft.persons) < 0.08)
    ago = np.where(fresh, 180 * chance.random(draft.persons), 800 + 365 * years)
    ago = np.minimum(ago, np.maximum(30, 365 * (homes.age - 16))).astype(np.int64)
    months = draw(chance, settings["savings_months"], draft.persons) / 100
    little = (need.need[homes.home_of] > 0) | (need.looks_poor[homes.home_of] & (chance.random(draft.persons) < 0.5))
    most = settings["standard_fen"] * 36 * 0.8 * chance.random(draft.persons)
    savings = np.where(
        homes.age >= 18, np.where(little, np.minimum(most, a_head[unit] * months), a_head[unit] * months), 0
    )
    # How many times the mean a household lives on; no amount is made of it.
    ratio = np.divide(a_head[unit][homes.first_of()] * 12, draft.part.income_fen)
    savings = (np.rint(savings / 100) * 100).astype(np.int64)
    began = draft.calendar.today - ago
    return Money(lines, is_seen, lost, found, savings, began, year, homes.sum_of(year), month, ratio)
