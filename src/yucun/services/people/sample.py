"""Made-up residents under a seed, block by block: what offices hold of them, and apart from it the truth.

Everything is drawn and put together a column at a time; only blocks (a county's town or country part) are looped over.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from yucun.kernel.registry import Place
from yucun.kernel.rules import read_parameters
from yucun.services.people.models import (
    CAUSES,
    CHILD,
    ELDER,
    ELDER_SPOUSE,
    GROWN,
    HEAD,
    ILLNESS,
    LINES,
    LOST,
    NEEDS,
    OLD,
    SPOUSE,
    STUDIES,
    WORKS,
    Draft,
    Money,
    Need,
    Yes,
    choose_need,
    compose,
    draw,
    draw_lives,
    earn,
    quantile_at,
)
from yucun.services.people.planning import (
    CLASSES,
    MONTHS,
    RESIDENCES,
    WATCHED,
    Calendar,
    Part,
    Shape,
    Whole,
    draw_births,
    plan_parts,
    read_totals,
)

_SOURCES = ("social_insurance", "tax", "pension_office", "family_computed", "tax")
TABLES = (
    "person", "household", "register", "income", "asset", "disability", "medical", "electricity", "hint", "event"
)  # fmt: skip
TRUTHS = ("truth_household", "truth_person")
AGE_BANDS = tuple(f"{age:02d}" for age in range(0, 90, 5))
_TOWN_WORDS = ("社区", "居委", "居民", "生活区")
_SYLLABLES = "洛米塔维诺卡桑迪贝鲁丹蒂加莫拉托可尼帕雷索瓦伊利扎波达吉奥娜菲科比萨朵赫姆佐丽莱"


def list_villages(place: Place) -> dict[tuple[str, str], list[str]]:
    """Villages by county and by town or country, as their names say: the published classification is not among the codes."""
    found: dict[tuple[str, str], list[str]] = {}
    for region in place.regions.at_level("village", place.region, place.today):
        is_town = any(word in region.name.zh for word in _TOWN_WORDS)
        found.setdefault((str(region.code)[:6], RESIDENCES[0 if is_town else 1]), []).append(str(region.code))
    return found


def read_settings(place: Place) -> dict[str, Any]:
    """The service's parameters, with the place's laid over them."""
    own = place.folder / "parameters" / "people.toml"
    pack = read_parameters(Path(__file__).with_name("parameters.toml"), own if own.is_file() else None)
    return {name: item.values[-1].content for name, item in pack.items.items()}


def plan(place: Place, residents: int | None, seed: int) -> list[Part]:
    """Read the place's published totals and share them among its blocks; all residents if no number is asked for."""

    def rows(table: str) -> list[dict[str, str]]:
        files = [figures.path for figures in place.figures if figures.table == table]
        return [row for path in files for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]

    totals = read_totals(
        rows("prosperity.population"), rows("prosperity.income"), rows("people.margin"), str(place.region)[:4]
    )
    chance = np.random.Generator(np.random.PCG64([seed, 0]))
    wanted = int(totals.persons.sum()) if residents is None else residents
    return plan_parts(totals, list_villages(place), read_settings(place), wanted, chance)


def make_blocks(place: Place, residents: int | None, seed: int) -> Iterator[tuple[int, int, dict[str, pa.Table]]]:
    """Make the people of a place, one block after the other.

    Parameters
    ----------
    residents : int or None
        How many; all that the place has if left out.
    seed : int
        The same seed and the same tables of the place give the same people, to the byte.

    Yields
    ------
    int, int, dict of str to pyarrow.Table
        Which block of how many, and its rows of `TABLES` and of `TRUTHS`.

    Raises
    ------
    PlaceError
        If the totals are incomplete or cannot be met.
    """
    settings, calendar = read_settings(place), Calendar.to(place.today)
    shape = Shape(settings["household_sizes"], settings["household_kinds"], settings["age_pyramid"])
    parts = plan(place, residents, seed)
    first, home, dead = 1, 1, 1
    for number, part in enumerate(parts):
        chance = np.random.Generator(np.random.PCG64([seed, 1, number]))
        homes = compose(part.block, shape, chance)
        births = draw_births(homes.age, calendar, chance)
        draft = Draft(part, homes, draw_lives(homes, settings, chance), births, settings, calendar, chance)
        yield number, len(parts), _finish(draft, first, home, dead)
        first, home, dead = first + draft.persons, home + len(homes.size), dead + part.deaths


@dataclass(frozen=True, slots=True)
class Bills:
    """Settlements, a row each: who, in which month, what kind (0 a stay, 1 special outpatient care), total and own part."""

    person: Whole
    month: Whole
    kind: Whole
    total: Whole
    own: Whole

    @classmethod
    def join(cls, parts: Sequence[tuple[Any, ...]]) -> Bills:
        """Several lots as one, by person and month."""
        person, month, kind, total, own = (np.concatenate(c).astype(np.int64) for c in zip(*parts, strict=True))
        order = np.lexsort((kind, month, person))
        return cls(person[order], month[order], kind[order], total[order], own[order])

    def number(self) -> Whole:
        """Which settlement of its person and month each is, from 1."""
        is_first = np.ones(len(self.person), bool)
        is_first[1:] = (self.person[1:] != self.person[:-1]) | (self.month[1:] != self.month[:-1])
        starts = np.flatnonzero(is_first)
        return np.arange(len(self.person)) - np.repeat(starts, np.diff(np.append(starts, len(self.person)))) + 1


def find_warned(person: Whole, month: Whole, own: Whole, lines: Whole) -> tuple[Whole, Whole]:
    """Who paid more than a line within twelve months, and the first watched month in which that was so.

    Parameters
    ----------
    person, month, own : arrays
        Own payments; months count from the first of the records.
    lines : array
        The line of each person.
    """
    whole = np.bincount(person, own, len(lines))
    likely = np.flatnonzero(whole > lines)
    place = np.full(len(lines), -1)
    place[likely] = np.arange(len(likely))
    rows = place[person] >= 0
    cells = np.bincount(place[person[rows]] * MONTHS + month[rows], own[rows], len(likely) * MONTHS)
    sums = np.cumsum(cells.reshape(-1, MONTHS), axis=1)
    trailing = sums[:, WATCHED.start :] - sums[:, : MONTHS - WATCHED.start]
    over = trailing > lines[likely][:, None]
    hit = over.any(axis=1)
    return likely[hit], WATCHED.start + over[hit].argmax(axis=1)


def _bill(draft: Draft, need: Need, money: Money) -> Bills:
    """Bills of all; so many of those in need get a large one as warnings of such bills were found to be right."""
    homes, settings, chance = draft.homes, draft.settings, draft.chance
    first, is_hidden = homes.first_of(), need.is_hidden
    plain = [_stays(draft), _special_care(draft)]
    parts = []
    for person, month, kind, total in plain:
        share = draw(chance, settings["own_share"], len(person)) / 10_000
        share = np.where(need.registered[homes.home_of[person]] > 0, 0.25 * share, share)
        own = np.where(is_hidden[homes.home_of[person]], np.minimum(total * share, 70_000), total * share)
        parts.append((person, month, kind, total, np.floor(own)))
    lines = settings["warning_line"]
    line_of = np.where(need.registered[homes.home_of] > 0, lines["registered"], lines["others"])
    drawn = Bills.join(parts)
    warned, _ = find_warned(drawn.person, drawn.month, drawn.own, line_of)
    right, all_of = settings["warning_precision"]["helped"], settings["warning_precision"]["warnings"]
    wanted = int(len(warned) * right / (all_of - right) + chance.random())
    hidden = np.flatnonzero(is_hidden & (need.cause != LOST) & (need.need != 4))
    struck = hidden[np.argsort(chance.random(len(hidden)) + (need.since[hidden] < 0), kind="stable")[:wanted]]
    need.cause[struck] = ILLNESS
    large = np.floor(lines["others"] * (1.03 + 1.4 * chance.random(len(struck)) ** 2))
    month = np.where(need.since[struck] >= 0, need.since[struck], WATCHED.start + 6)
    parts.append((first[struck], month, np.zeros(len(struck)), np.floor(large * 2.6), large))
    pushed = np.flatnonzero(is_hidden & (need.need == 4))
    above = 12 * (money.month_fen[pushed] - settings["standard_fen"] * homes.size[pushed])
    bill = np.floor(np.maximum(above, 100_000) * (1.02 + 0.08 * chance.random(len(pushed))))
    month = np.where(need.since[pushed] >= 0, need.since[pushed], WATCHED.start + 3)
    parts.append((first[pushed], month, np.zeros(len(pushed)), np.floor(bill * 2.6), bill))
    return Bills.join(parts)


def _stays(draft: Draft) -> tuple[Whole, Whole, Whole, Whole]:
    lives, chance = draft.lives, draft.chance
    rate = (
        quantile_at(draft.settings["hospital_stays"], draft.homes.age) / 10_000 * (0.8 + 0.5 * lives.is_chronically_ill)
    )
    twice = 2 * rate + 1.2 * (lives.ill_months > 0)
    slots = [np.flatnonzero(chance.random(draft.persons) < twice * part) for part in (0.667, 0.233, 0.1)]
    person = np.concatenate(slots)
    month = (MONTHS * chance.random(len(person))).astype(np.int64)
    total = np.floor(draw(chance, draft.settings["stay_cost"], len(person))).astype(np.int64)
    return person, month, np.zeros(len(person), np.int64), total


def _special_care(draft: Draft) -> tuple[Whole, Whole, Whole, Whole]:
    ill, chance = np.flatnonzero(draft.lives.ill_months > 0), draft.chance
    base = draw(chance, draft.settings["special_outpatient_cost"], len(ill))
    row, month = np.nonzero(np.arange(MONTHS) >= (MONTHS - draft.lives.ill_months[ill])[:, None])
    total = np.floor(base[row] * (0.85 + 0.3 * chance.random(len(row)))).astype(np.int64)
    return ill[row], month, np.ones(len(row), np.int64), total


def _use_power(draft: Draft, need: Need) -> tuple[Whole, Whole]:
    """Which households have a meter, and what each used in each month."""
    homes, settings, chance, calendar = draft.homes, draft.settings, draft.chance, draft.calendar
    rows = np.flatnonzero(~homes.is_dorm)
    seasons = np.array([settings["electricity_seasons"][str(int(word[5:]))] / 10_000 for word in calendar.words])
    base = draw(chance, settings["electricity_month"], len(rows)) * (0.5 + 0.5 * homes.size[rows])
    base *= np.where(need.need[rows] > 0, 0.6, 1.0)
    falls = settings["electricity_drops"]
    lonely = need.is_hidden[rows] & (need.cause[rows] == OLD)
    likely = np.where(lonely, falls["lonely"], falls["ordinary"]) / 10_000
    onset = np.where(lonely & (need.since[rows] >= 0), need.since[rows], WATCHED.start + 12 * chance.random(len(rows)))
    fall = np.where(chance.random(len(rows)) < likely, onset, MONTHS)
    left = 0.1 + 0.4 * chance.random(len(rows))
    used = base[:, None] * seasons * (0.88 + 0.24 * chance.random((len(rows), MONTHS)))
    used *= np.where(np.arange(MONTHS) >= fall[:, None], left[:, None], 1.0)
    return rows, np.rint(used).astype(np.int64)


def _hint(draft: Draft, need: Need) -> tuple[Whole, Whole, Whole]:
    """Which household left a hint, on which day, of which kind."""
    settings, chance, homes = draft.settings["hints"], draft.chance, draft.homes
    part = np.where(need.need > 0, settings["in_need"], settings["ordinary"]) / 10_000
    rows = np.flatnonzero(~homes.is_dorm & (chance.random(len(homes.size)) < part))
    month = np.maximum(need.since[rows], WATCHED.start) + np.floor(
        chance.random(len(rows)) * (MONTHS - np.maximum(need.since[rows], WATCHED.start))
    ).astype(np.int64)
    old = np.isin(homes.seat[homes.first_of()[rows]], (ELDER,))
    luck = chance.random(len(rows))
    kind = np.select([(need.cause[rows] == ILLNESS) & (luck < 0.8), old & (luck < 0.6), luck < 0.75], [1, 2, 0], 3)
    return rows, np.minimum(draft.calendar.day_in(month, chance.random(len(rows))), draft.calendar.today), kind


def _finish(draft: Draft, first: int, home: int, dead: int) -> dict[str, pa.Table]:
    """All tables of a block; people and households are numbered from where the block before it ended."""
    need = choose_need(draft)
    money = earn(draft, need)
    bills = _bill(draft, need, money)
    person, household = make_ids("PSIM", first, draft.persons), make_ids("HSIM", home, len(draft.homes.size))
    certificates, newly = _certificates(draft, person)
    made = {
        **_people(draft, money, person, household),
        "register": _register(draft, need, person, household),
        "income": _income(draft, money, person),
        "asset": _assets(draft, need, money, person),
        "disability": certificates,
        "medical": _settlements(draft, bills, person),
        **_metered(draft, need, household, home),
        "event": _events(draft, money, newly, person, household, dead),
        **_truth(draft, need, money, person, household),
    }
    return {name: _stamp(made[name]) if name in TABLES else made[name] for name in (*TABLES, *TRUTHS)}


def make_ids(word: str, first: int, count: int) -> pa.Array:
    """Numbers of seven digits behind a word, as text: no loop over rows.

    Examples
    --------
    >>> make_ids("PSIM", 9, 2).to_pylist()
    ['PSIM0000009', 'PSIM0000010']
    """
    numbers = first + np.arange(count)
    digits = (numbers[:, None] // 10 ** np.arange(6, -1, -1)) % 10 + ord("0")
    letters = np.tile(np.frombuffer(word.encode("ascii"), np.uint8), (count, 1))
    text = np.ascontiguousarray(np.concatenate((letters, digits.astype(np.uint8)), axis=1))
    ends = np.arange(count + 1, dtype=np.int32) * text.shape[1]
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(text.reshape(-1)))


def _words(codes: Any, words: Sequence[str]) -> pa.Array:
    index = pa.array(np.asarray(codes).astype(np.int32))
    return pa.DictionaryArray.from_arrays(index, pa.array(list(words), pa.string()))


def _dates(days: Any, known: Any = None) -> pa.Array:
    mask = None if known is None else ~np.asarray(known)
    return pa.array(np.asarray(days).astype(np.int32), mask=mask).view(pa.date32())


def _whole(values: Any, known: Any = None) -> pa.Array:
    return pa.array(np.asarray(values).astype(np.int64), mask=None if known is None else ~np.asarray(known))


def _now(draft: Draft, count: int) -> pa.Array:
    return _words(np.zeros(count), draft.calendar.words[-1:])


def _stamp(table: pa.Table) -> pa.Table:
    """Say of every row that it is made up."""
    return table.append_column("evidence", _words(np.zeros(table.num_rows), ("made_up",)))


@cache
def _list_names() -> pa.Array:
    """Every name there can be: three syllables that no family bears."""
    return pa.array([f"模·{a}{b}{c}" for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES])


def _people(draft: Draft, money: Money, person: pa.Array, household: pa.Array) -> dict[str, pa.Table]:
    homes, lives, part, chance = draft.homes, draft.lives, draft.part, draft.chance
    pool = len(_SYLLABLES)
    sounds = (chance.random((3, draft.persons)) * pool).astype(np.int64)
    roles = np.select(
        [np.isin(homes.seat, (HEAD, ELDER)), np.isin(homes.seat, (SPOUSE, ELDER_SPOUSE)), np.isin(homes.seat, (CHILD, GROWN))],
        [0, 1, 2], 3,
    )  # fmt: skip
    roles[homes.first_of()] = 0
    place = homes.village_of[homes.home_of]
    works = lives.work == WORKS.index("works")
    lost = (money.lost_month >= 0) & (money.found_month < 0)
    work = np.where(works & lost, WORKS.index("jobless"), lives.work)
    people = {
        "as_of": _now(draft, draft.persons),
        "person": person,
        "household": household.take(pa.array(homes.home_of)),
        "name": pa.DictionaryArray.from_arrays(
            pa.array((sounds[0] * pool + sounds[1]) * pool + sounds[2]), _list_names()
        ),
        "band": _words(np.minimum(homes.age // 5, len(AGE_BANDS) - 1), AGE_BANDS),
        "sex": _words(homes.is_man, ("female", "male")),
        "birth": _dates(draft.births),
        "village": _words(place, part.villages),
        "county": _words(np.zeros(draft.persons), (part.county.ljust(12, "0"),)),
        "residence": _words(np.zeros(draft.persons), (part.residence,)),
        "role": _words(roles, ("head", "spouse", "child", "other")),
        "work": _words(work, WORKS),
        "studies": _words(lives.studies, STUDIES),
        "works_since": _dates(money.works_since, works & ~lost),
    }
    count = len(homes.size)
    homes_table = {
        "as_of": _now(draft, count),
        "household": household,
        "village": _words(homes.village_of, part.villages),
        "county": _words(np.zeros(count), (part.county.ljust(12, "0"),)),
        "residence": _words(np.zeros(count), (part.residence,)),
        "kind": _words(homes.is_dorm, ("family", "collective")),
        "members": _whole(homes.size),
    }
    return {"person": pa.table(people), "household": pa.table(homes_table)}


def _register(draft: Draft, need: Need, person: pa.Array, household: pa.Array) -> pa.Table:
    homes = draft.homes
    rows = np.flatnonzero(need.registered[homes.home_of] > 0)
    home = homes.home_of[rows]
    ago = 13 + np.floor(110 * draft.chance.random(len(homes.size)) ** 1.5).astype(np.int64)[home]
    # A child is registered from birth on.
    months = np.maximum(
        np.datetime64(draft.calendar.words[-1], "M") - ago, draft.births[rows].astype("M8[D]").astype("M8[M]")
    )
    first = months.min() if len(rows) else np.datetime64(draft.calendar.words[-1], "M")
    span = [str(m) for m in np.arange(first, np.datetime64(draft.calendar.words[-1], "M") + 1)]
    return pa.table(
        {
            "as_of": _now(draft, len(rows)),
            "person": person.take(pa.array(rows)),
            "household": household.take(pa.array(home)),
            "village": _words(homes.village_of[home], draft.part.villages),
            "county": _words(np.zeros(len(rows)), (draft.part.county.ljust(12, "0"),)),
            "class": _words(need.registered[home] - 1, CLASSES),
            "since": _words((months - first).astype(int), span),
        }
    )


def _income(draft: Draft, money: Money, person: pa.Array) -> pa.Table:
    """What is recorded: by line one row a person, and another one where a wage was found again."""
    starts = draft.calendar.starts
    turned_60 = draft.calendar.today - 365 * np.maximum(0, draft.homes.age - 60) - 180
    since = {"wage": money.works_since, "business": money.works_since, "pension": turned_60}
    parts = []
    for line, name in enumerate(LINES):
        rows = np.flatnonzero((money.lines[name] > 0) & (money.is_seen | (name == "pension")))
        begin = since.get(name, np.full(draft.persons, starts[0] - 365))[rows]
        ends = (money.lost_month[rows] >= 0) if name == "wage" else np.zeros(len(rows), bool)
        until = starts[np.maximum(0, money.lost_month[rows])] - 1
        parts.append(
            (rows, np.full(len(rows), line), np.where(ends, np.minimum(begin, until - 30), begin), until, ends)
        )
    again = np.flatnonzero((money.lines["wage"] > 0) & (money.found_month >= 0) & money.is_seen)
    parts.append(
        (
            again,
            np.zeros(len(again), int),
            starts[money.found_month[again]],
            np.zeros(len(again), int),
            np.zeros(len(again), bool),
        )
    )
    rows, lines, begin, until, ends = (np.concatenate(c) for c in zip(*parts, strict=True))
    amounts = np.stack([money.lines[name] for name in LINES])
    return pa.table(
        {
            "person": person.take(pa.array(rows)),
            "line": _words(lines, LINES),
            "since": _dates(begin),
            "until": _dates(until, ends),
            "month_fen": _whole(amounts[lines, rows]),
            "source": _words(lines, _SOURCES),
        }
    )


def _assets(draft: Draft, need: Need, money: Money, person: pa.Array) -> pa.Table:
    homes, chance, settings = draft.homes, draft.chance, draft.settings
    first, family = homes.first_of(), ~homes.is_dorm
    plain = family & (need.need == 0)
    count = len(homes.size)
    area = np.rint(draw(chance, settings["dwelling_m2_a_head"], count) * homes.size).astype(np.int64)
    second = plain & (money.ratio > 1.2) & (chance.random(count) < 0.15)
    car = plain & (chance.random(count) * 10_000 < quantile_at(settings["cars"], money.ratio * 10_000))
    shop = plain & (money.ratio > 1.5) & (chance.random(count) < 0.05)
    worth = np.rint(4_000_000 + 16_000_000 * chance.random(count)).astype(np.int64)
    saved = np.flatnonzero(money.savings_fen > 0)
    none = np.zeros(count, np.int64)
    lots = [(saved, 0, 1, money.savings_fen[saved], np.zeros(len(saved), np.int64))]
    for chosen, kind, number, value, size in (
        (family, 1, 1, none, area), (second, 1, 2, none, area), (car, 2, 1, worth, none), (shop, 3, 1, worth * 4, none)
    ):  # fmt: skip
        lots.append((first[chosen], kind, number, value[chosen], size[chosen]))
    rows, value, size = (np.concatenate([lot[k] for lot in lots]) for k in (0, 3, 4))
    kinds, numbers = (np.repeat([lot[k] for lot in lots], [len(lot[0]) for lot in lots]) for k in (1, 2))
    return pa.table(
        {
            "person": person.take(pa.array(rows)),
            "kind": _words(kinds, ("money", "dwelling", "vehicle", "shop")),
            "number": _whole(numbers),
            "value_fen": _whole(value, kinds != 1),
            "area_m2": _whole(size, kinds == 1),
        }
    )


def _certificates(draft: Draft, person: pa.Array) -> tuple[pa.Table, tuple[Whole, Whole]]:
    """The certificates; and whose were issued within the last year, on which days."""
    lives, chance, today = draft.lives, draft.chance, draft.calendar.today
    rows = np.flatnonzero(lives.is_certified)
    is_new = chance.random(len(rows)) * 10_000 < draft.settings["certificates"]["new_in_year"]
    issued = today - np.where(is_new, 364 * chance.random(len(rows)), 365 + 4_500 * chance.random(len(rows))).astype(
        np.int64
    )
    table = pa.table(
        {
            "as_of": _now(draft, len(rows)),
            "village": _words(draft.homes.village_of[draft.homes.home_of[rows]], draft.part.villages),
            "person": person.take(pa.array(rows)),
            "kind": _words(lives.disability[rows] - 1, list(draft.settings["disability_kinds"])),
            "grade": _whole(lives.grade[rows]),
            "issued": _dates(issued),
        }
    )
    return table, (rows[is_new], issued[is_new])


def _settlements(draft: Draft, bills: Bills, person: pa.Array) -> pa.Table:
    return pa.table(
        {
            "person": person.take(pa.array(bills.person)),
            "month": _words(bills.month, draft.calendar.words),
            "number": _whole(bills.number()),
            "kind": _words(bills.kind, ("inpatient", "special_outpatient")),
            "total_fen": _whole(bills.total),
            "in_scope_fen": _whole(bills.total * 85 // 100),
            "insured_fen": _whole(bills.total - bills.own),
            "own_fen": _whole(bills.own),
        }
    )


def _metered(draft: Draft, need: Need, household: pa.Array, home: int) -> dict[str, pa.Table]:
    """Electricity, and the hints of households."""
    rows, used = _use_power(draft, need)
    power = {
        "household": household.take(pa.array(np.repeat(rows, MONTHS))),
        "month": _words(np.tile(np.arange(MONTHS), len(rows)), draft.calendar.words),
        "kwh": _whole(used.reshape(-1)),
    }
    homes, day, kind = _hint(draft, need)
    hints = {
        "hint": make_ids("SIM", home, len(draft.homes.size)).take(pa.array(homes)),
        "day": _dates(day),
        "household": household.take(pa.array(homes)),
        "person": pa.nulls(len(homes), pa.string()),
        "kind": _words(kind, ("hotline_hardship", "hotline_medical", "bracelet_sos", "grid_report")),
    }
    return {"electricity": pa.table(power), "hint": pa.table(hints)}


def _events(
    draft: Draft, money: Money, newly: tuple[Whole, Whole], person: pa.Array, household: pa.Array, dead: int
) -> pa.Table:
    """What happened to people within a year; the dead are named by numbers that no resident has."""
    homes, chance, calendar = draft.homes, draft.chance, draft.calendar
    births = draft.births
    born = np.flatnonzero(homes.age == 0)
    lost = np.flatnonzero((money.lost_month >= WATCHED.start) & (money.lines["wage"] > 0) & money.is_seen)
    retired = np.flatnonzero((homes.age == 60) & (money.lines["pension"] > 0))
    bereaved = np.flatnonzero(~homes.is_dorm & homes.any_of(homes.age >= 60))
    chosen = bereaved[np.argsort(chance.random(len(bereaved)), kind="stable")[: draft.part.deaths]]
    died = calendar.today - (365 * chance.random(len(chosen))).astype(np.int64)
    # Who was sixty within the year reached it on a birthday of that year.
    since_60 = births[retired].astype("M8[D]").astype("M8[M]") + 720
    day_of = births[retired] - _days_of_month(births[retired])
    lots = (
        (born, 0, births[born]),
        (lost, 1, calendar.starts[money.lost_month[lost]]),
        (newly[0], 2, newly[1]),
        (retired, 3, since_60.astype("M8[D]").astype(np.int64) + day_of),
    )
    rows, day = (np.concatenate([lot[k] for lot in lots]) for k in (0, 2))
    kinds = np.concatenate([np.full(len(lot[0]), lot[1]) for lot in lots] + [np.full(len(chosen), 4)])
    home = np.concatenate((homes.home_of[rows], chosen))
    return pa.table(
        {
            "person": pa.concat_arrays([person.take(pa.array(rows)), make_ids("PSIMD", dead, len(chosen))]),
            "household": household.take(pa.array(home)),
            "kind": _words(kinds, ("birth", "job_loss", "disability", "retirement", "death")),
            "day": _dates(np.concatenate((day, died))),
        }
    )


def _days_of_month(days: Whole) -> Whole:
    """The first day of the month of each day."""
    return days.astype("M8[D]").astype("M8[M]").astype("M8[D]").astype(np.int64)


def _truth(draft: Draft, need: Need, money: Money, person: pa.Array, household: pa.Array) -> dict[str, pa.Table]:
    homes, lives = draft.homes, draft.lives
    rows = np.flatnonzero(~homes.is_dorm)
    since, has = need.since[rows], need.need[rows] > 0
    homes_table = {
        "household": household.take(pa.array(rows)),
        "need": _words(need.need[rows], NEEDS),
        "cause": _words(np.where(has, need.cause[rows], 0), CAUSES),
        "need_from": _since(draft, since, has),
        "has_applied": pa.array(need.registered[rows] > 0),
        "is_registered": pa.array(need.registered[rows] > 0),
        "income_year_fen": _whole(money.year_fen[rows]),
        "income_month_fen": _whole(money.month_fen[rows]),
        "money_assets_fen": _whole(homes.sum_of(money.savings_fen)[rows]),
        "members": _whole(homes.size[rows]),
    }
    ill = lives.ill_months > 0
    begun = np.maximum(0, MONTHS - lives.ill_months)
    people = {
        "person": person,
        "is_chronically_ill": pa.array(lives.is_chronically_ill),
        "is_disabled": pa.array(lives.grade > 0),
        "ill_since": _since(draft, begun, ill),
        "income_year_fen": _whole(money.person_year_fen),
    }
    return {"truth_household": pa.table(homes_table), "truth_person": pa.table(people)}


def _since(draft: Draft, month: Whole, known: Yes) -> pa.Array:
    """Months as text; what began before the records stands with their first month's predecessor."""
    before = str(np.datetime64(draft.calendar.words[0], "M") - 1)
    index = pa.array((month + 1).astype(np.int32), mask=~known)
    return pa.DictionaryArray.from_arrays(index, pa.array([before, *draft.calendar.words]))
