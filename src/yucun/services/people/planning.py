"""From published totals to blocks: how many people of which age, in which households, each block is to hold; exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Text

# A numpy array of whole numbers.
Whole = Any
Scale = Sequence[tuple[int, int]]
Rows = Sequence[Mapping[str, str]]
# The bands of the census: below 15, 15 to 59, 60 to 64, 65 and over.
BANDS = ((0, 15), (15, 60), (60, 65), (65, 101))
RESIDENCES = ("urban", "rural")
CLASSES = ("dibao", "edge", "tekun")
FEWEST = 2_000
MONTHS = 24
# The months for which a year of records lies behind: those in which warnings can be tried.
WATCHED = range(12, MONTHS)


@dataclass(frozen=True, slots=True)
class Block:
    """The totals of a county's town or country part that are met to the last person.

    Parameters
    ----------
    bands : tuple of int
        Persons below 15, of 15 to 59, of 60 to 64, of 65 and over.
    families, dorms : int
        Family and collective households.
    in_dorms, old_in_dorms : int
        Persons in collective households, and those of them who are 60 or over.
    men : int
        Of all persons.
    villages : tuple of int
        Persons that each village is to have; a village gets whole households.
    """

    bands: tuple[int, int, int, int]
    families: int
    dorms: int
    in_dorms: int
    old_in_dorms: int
    men: int
    villages: tuple[int, ...]

    @property
    def persons(self) -> int:
        """All persons."""
        return sum(self.bands)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the totals leave open, from the service's parameters.

    Parameters
    ----------
    sizes : mapping of str to int
        Weights of the household sizes 1 to 8, tilted until the mean is the published one.
    kinds : mapping of str to int
        Shares, in bp, of the kinds of household within their size.
    ages : sequence of (age, weight)
        A pyramid, straight between its points; scaled within each band.
    """

    sizes: Mapping[str, int]
    kinds: Mapping[str, int]
    ages: Scale


@dataclass(frozen=True, slots=True)
class Totals:
    """What is published of a place.

    Parameters
    ----------
    counties : tuple of str
        Six digits each.
    persons : array
        Residents, a row a county, town and country.
    margins : mapping of str to int
        Counts of the table ``people.margin``.
    income_yuan : mapping of str to int
        Income per head of a year, for town and country.
    income_year : str
        The year that it is about.
    """

    counties: tuple[str, ...]
    persons: Whole
    margins: Mapping[str, int]
    income_yuan: Mapping[str, int]
    income_year: str

    def scale(self, names: Sequence[str], base: Sequence[str], residents: int) -> int:
        """A published count among so many residents, who stand for those that it was counted among."""
        counted, among = (sum(self.margins[n] for n in part) for part in (names, base))
        return round(residents * counted / among)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The two years that records cover, as day numbers: first days of the months, and the day on which they end."""

    today: int
    starts: Whole
    words: tuple[str, ...]
    year: tuple[int, int]

    @classmethod
    def to(cls, today: date) -> Calendar:
        """The months up to and with that of a day, and where the calendar year before it lies among them."""
        last = np.datetime64(today, "M")
        months = np.arange(last - (MONTHS - 1), last + 1)
        first = (np.datetime64(today.year - 1, "Y").astype("M8[M]") - months[0]).astype(int)
        words = tuple(str(m) for m in months)
        return cls(int(np.datetime64(today, "D").astype(int)), days_of(months), words, (int(first), int(first) + 12))

    def day_in(self, month: Whole, at: Any) -> Whole:
        """A day of a month, at a share of its first twenty-eight."""
        return self.starts[month] + (28 * at).astype(np.int64)


def days_of(months: Any) -> Whole:
    """Day numbers of the first days of months."""
    return months.astype("M8[D]").astype(np.int64)


def draw_births(age: Whole, calendar: Calendar, chance: np.random.Generator) -> Whole:
    """A day of birth for each, so that the age on the last day of the records is the one that was drawn."""
    days = (calendar.today - 364 + np.floor(365 * chance.random(len(age)))).astype("M8[D]")
    months = days.astype("M8[M]")
    return days_of(months - 12 * age) + (days - months.astype("M8[D]")).astype(np.int64)


def find_ages(births: Whole, today: date) -> Whole:
    """Completed years on a day, from day numbers of births."""
    born = births.astype("M8[D]")
    day = np.datetime64(today, "D")
    months = (day.astype("M8[M]") - born.astype("M8[M]")).astype(np.int64)
    in_month = (born - born.astype("M8[M]").astype("M8[D]")).astype(np.int64)
    return (months - (in_month > today.day - 1)) // 12


@dataclass(frozen=True, slots=True)
class Part:
    """What one block of a place is to be: its totals, and how many of its people are in which need.

    Parameters
    ----------
    registered : tuple of int
        Persons registered as dibao, on its edge, and in dire poverty.
    never_applied : int
        Persons in need whose households never applied.
    deaths : int
        Of a year.
    """

    county: str
    residence: str
    block: Block
    villages: tuple[str, ...]
    registered: tuple[int, int, int]
    never_applied: int
    deaths: int
    income_fen: int


def read_totals(population: Rows, income: Rows, margins: Rows, city: str) -> Totals:
    """Gather a place's published totals from its dated tables.

    Parameters
    ----------
    population, income, margins : sequence of mapping
        Rows of ``prosperity.population``, ``prosperity.income`` and ``people.margin`` as typed.
    city : str
        Four digits.

    Raises
    ------
    PlaceError
        If a total is missing.
    """
    year = max((r["period"] for r in income if r["region"][:4] == city and len(r["period"]) == 4), default="")
    yuan = {r["residence"]: int(r["income_yuan"]) for r in income if r["region"][:4] == city and r["period"] == year}
    day = max((r["period"] for r in population if r["concept"] == "urban_resident_year_end"), default="")
    now = [r for r in population if r["period"] == day and r["region"][:4] == city]
    people = {(r["region"], r["concept"]): _persons(r["persons"]) for r in now}
    counties = sorted({code for code, _ in people if code[4:6] != "00"})
    whole, town = (
        [_of_county(people, code, f"{kind}resident_year_end") for code in counties] for kind in ("", "urban_")
    )
    counts = {r["margin"]: int(r["persons"]) for r in margins}
    wanted = ("male", "female", "age_0_14", "age_15_59", "age_60_over", "age_65_over", "households_family",
              "households_collective", "in_family", "in_collective", "deaths", "registered",
              *(f"registered_{c}" for c in CLASSES))  # fmt: skip
    missing = [name for name in wanted if name not in counts] + [r for r in RESIDENCES if r not in yuan]
    if missing or not counties or None in (*whole, *town):
        raise PlaceError(unmet("totals", ", ".join(missing) or "residents of counties", "a published total of each"))
    persons = np.array([[int(t or 0), int(w or 0) - int(t or 0)] for w, t in zip(whole, town, strict=True)])
    return Totals(tuple(counties), persons, counts, yuan, year)


def _persons(written: str) -> int:
    return int(Decimal(written.removesuffix("万人")) * (10_000 if written.endswith("万人") else 1))


def _of_county(people: Mapping[tuple[str, str], int], code: str, concept: str) -> int | None:
    """A county's count; where a part of it is counted apart, under the city's code, both together."""
    if (code, concept) in people:
        return people[code, concept]
    rest, apart = people.get((code, f"{concept}_rest")), people.get((f"{code[:4]}00", f"{concept}_apart"))
    return None if rest is None or apart is None else rest + apart


def plan_parts(
    totals: Totals,
    villages: Mapping[tuple[str, str], Sequence[str]],
    settings: Mapping[str, Any],
    residents: int,
    chance: np.random.Generator,
) -> list[Part]:
    """Share the totals among the blocks, so that every published sum is met to the last person.

    Parameters
    ----------
    villages : mapping of (county, residence) to codes
        Where people may live.
    settings : mapping
        The service's parameters in force.
    residents : int
        All of them, or fewer for a small city of the same proportions.

    Raises
    ------
    PlaceError
        If so few are asked for that the totals cannot be shared out, or more than there are.
    """
    most = int(totals.persons.sum())
    if not FEWEST <= residents <= most:
        raise PlaceError(unmet("residents", str(residents), f"{FEWEST} to {most}"))
    persons = share(residents, totals.persons.reshape(-1))
    counts, both = totals.margins, ("male", "female")
    bands = share(residents, [counts["age_0_14"], counts["age_15_59"], counts["age_60_over"] - counts["age_65_over"],
                              counts["age_65_over"]])  # fmt: skip
    tilt = np.array([[1.0, w / 10_000] for w in settings["rural_age_tilt"].values()]).T
    by_band = fit(persons[:, None] * np.tile(tilt, (len(totals.counties), 1)) * bands, persons, bands)
    in_dorms = share(totals.scale(["in_collective"], both, residents), by_band[:, 1])
    dorms = share(totals.scale(["households_collective"], both, residents), in_dorms)
    old_in_dorms = in_dorms * int(settings["old_in_dorms"]) // 10_000
    families = share(totals.scale(["households_family"], both, residents), persons - in_dorms)
    men = share(totals.scale(["male"], both, residents), persons)
    registered = round(residents * counts["registered"] / most)
    rural = np.tile([1.0, settings["register_in_country"] / 10_000], len(totals.counties))
    classes = share(registered, [counts[f"registered_{c}"] for c in CLASSES])
    by_class = fit(np.outer(persons * rural, classes), share(registered, persons * rural), classes)
    hidden = share(round(registered * (10_000 - settings["take_up"]) / settings["take_up"]), persons * rural)
    deaths = share(totals.scale(["deaths"], both, residents), by_band[:, 3])
    parts = []
    for row, (county, residence) in enumerate((c, r) for c in totals.counties for r in RESIDENCES):
        codes = tuple(villages[county, residence])
        wanted = share(int(persons[row]), 0.5 + 1.5 * chance.random(len(codes)))
        block = Block(
            (int(by_band[row, 0]), int(by_band[row, 1]), int(by_band[row, 2]), int(by_band[row, 3])),
            int(families[row]), int(dorms[row]), int(in_dorms[row]), int(old_in_dorms[row]), int(men[row]),
            tuple(wanted.tolist()),
        )  # fmt: skip
        own = (int(by_class[row, 0]), int(by_class[row, 1]), int(by_class[row, 2]))
        yearly = totals.income_yuan[residence] * 100
        parts.append(Part(county, residence, block, codes, own, int(hidden[row]), int(deaths[row]), yearly))
    return parts


def share(total: int, weights: Any) -> Whole:
    """Share a whole number by weights; what is left goes to the largest remainders.

    Examples
    --------
    >>> share(10, [1, 1, 1]).tolist(), share(7, [0.0, 3.0]).tolist()
    ([4, 3, 3], [0, 7])
    """
    weighed = np.asarray(weights, np.float64)
    exact = weighed * (total / weighed.sum())
    parts = np.floor(exact).astype(np.int64)
    left = total - int(parts.sum())
    parts[np.argsort(parts - exact, kind="stable")[:left]] += 1
    return parts


def fit(first: Any, rows: Whole, columns: Whole) -> Whole:
    """Make a table of whole numbers with these sums, as near to a first guess as its proportions allow.

    Raises
    ------
    PlaceError
        If rows and columns have different sums.
    """
    if rows.sum() != columns.sum():
        raise PlaceError(unmet("margins", f"{rows.sum()} and {columns.sum()}", "one sum"))
    table = np.asarray(first, np.float64)
    for _ in range(60):
        table = table * (rows / table.sum(axis=1))[:, None]
        table = table * (columns / table.sum(axis=0))
    whole = np.floor(table).astype(np.int64)
    owed_rows, owed_columns = rows - whole.sum(axis=1), columns - whole.sum(axis=0)
    while owed_rows.sum():
        rest = np.where((owed_rows[:, None] > 0) & (owed_columns > 0), table - whole, -np.inf)
        row, column = np.unravel_index(int(rest.argmax()), rest.shape)
        whole[row, column] += 1
        owed_rows[row] -= 1
        owed_columns[column] -= 1
    return whole


def unmet(what: str, found: str, expected: str) -> Finding:
    """The finding of totals that cannot be met."""
    return Finding(
        "people.margins",
        what,
        found,
        expected,
        Text(
            f"造不出符合总数的人口（{what}）：{found}，应为{expected}；请核对总数表，或把人数写大一些",
            f"no population can meet the totals ({what}): {found}, expected {expected}; check the table of totals, or "
            "ask for more residents",
        ),
    )
