"""From what offices hold to life events: births, lost jobs, birthdays that count; pure, over tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from .models import KNOWN

# Life events that are a birthday, and the parameter that says which.
BIRTHDAYS = {"school_age": "school_age", "old_age": "old_age", "health_age": "health_age"}
_LEAP = (2, 29)


@dataclass(frozen=True, slots=True)
class Happening:
    """One life event of one person, wherever it was told."""

    kind: str
    day: date
    person: str
    household: str
    region: str
    source: str
    is_made_up: bool


def list_days(first: date, last: date) -> tuple[date, ...]:
    """All days from one to another, both among them.

    Examples
    --------
    >>> [d.isoformat() for d in list_days(date(2022, 2, 28), date(2022, 3, 1))]
    ['2022-02-28', '2022-03-01']
    """
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def born_on(day: date, years: int) -> tuple[date, ...]:
    """Days of birth of those who are so many years old from a day on; who was born on 29 February is older on 1 March.

    Examples
    --------
    >>> born_on(date(2022, 3, 1), 6)
    (datetime.date(2016, 2, 29), datetime.date(2016, 3, 1))
    >>> born_on(date(2024, 2, 29), 6)
    ()
    """
    year = day.year - years
    found = []
    if (day.month, day.day) == (3, 1) and _is_leap(year) and not _is_leap(day.year):
        found.append(date(year, 2, 29))
    if (day.month, day.day) != _LEAP or _is_leap(year):
        found.append(date(year, day.month, day.day))
    return tuple(found)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def find_birthdays(people: pa.Table, days: Sequence[date], ages: Mapping[str, int]) -> list[Happening]:
    """Who reached an age that counts on one of the days.

    Parameters
    ----------
    people : pyarrow.Table
        Rows of ``people.person``.
    ages : mapping of str to int
        Life event to completed years.
    """
    when = {(born, kind): day for day in days for kind, years in ages.items() for born in born_on(day, years)}
    found = []
    for row in people.to_pylist():
        for kind in ages:
            day = when.get((row["birth"], kind))
            if day is not None:
                found.append(Happening(kind, day, row["person"], row["household"], row["village"], f"people.person {row['person']}",
                                       row["evidence"] == "made_up"))  # fmt: skip
    return found


def find_events(events: pa.Table, people: pa.Table) -> list[Happening]:
    """Life events as offices tell them, each with where the person, or for the dead the family, lives."""
    by_person = {row["person"]: row for row in people.to_pylist()}
    by_home = {row["household"]: row for row in reversed(people.to_pylist())}
    found = []
    for row in events.to_pylist():
        lives = by_person.get(row["person"]) or by_home.get(row["household"])
        found.append(Happening(row["kind"], row["day"], row["person"], row["household"], lives["village"] if lives else "",
                               f"people.event {row['person']} {row['kind']}", row["evidence"] == "made_up"))  # fmt: skip
    return found


def make_facts(
    people: pa.Table, disability: pa.Table, register: pa.Table, dead: Iterable[Happening] = (), hardship: str = ""
) -> pa.Table:
    """What rules read of people, put together from what offices hold.

    Parameters
    ----------
    people, disability, register : pyarrow.Table
        Rows of the tables of that name.
    dead : iterable of Happening
        The dead, who are no longer among the people.
    hardship : str
        The class of hardship of all of them, where relief has just granted it.
    """
    kinds = {row["person"]: row for row in disability.to_pylist()}
    classes = {row["person"]: row["class"] for row in register.to_pylist()}
    rows: list[dict[str, Any]] = []
    for one in people.to_pylist():
        certificate = kinds.get(one["person"], {})
        rows.append({
            "person_id": one["person"], "household_id": one["household"], "role": one["role"], "birth": one["birth"],
            "work": one["work"], "studies": one["studies"], "disability_kind": certificate.get("kind", "none"),
            "disability_grade": certificate.get("grade", 0), "class": hardship or classes.get(one["person"], "none"),
            "is_dead": False,
        })  # fmt: skip
    known = {row["person_id"] for row in rows}
    gone = {one.person: one for one in dead if one.person not in known}
    rows += [
        {"person_id": one.person, "household_id": f"{one.household}-{one.person}", "role": "head", "birth": None, "work": "home",
         "studies": "none", "disability_kind": "none", "disability_grade": 0, "class": "none", "is_dead": True}
        for one in gone.values()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=FACTS)


FACTS = pa.schema(
    [
        (name, pa.string())
        for name in ("person_id", "household_id", "role", "work", "studies", "disability_kind", "class")
    ]
    + [("birth", pa.date32()), ("disability_grade", pa.int64()), ("is_dead", pa.bool_())]
)
assert set(KNOWN) <= set(FACTS.names)
