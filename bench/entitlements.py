"""What 3.4 million residents are owed, item by item, is worked out in seconds; the same rules as a plain loop are slower by far."""

from __future__ import annotations

import os
import platform
import resource
import time
import tomllib
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from run import Figure, Measured, Program

from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.services.entitlements.models import DISABILITIES, STUDIES, WORKS, parameters_of, read_catalogue
from yucun.services.entitlements.planning import count_owed, make_finder, make_people

RESIDENTS = int(os.environ.get("YUCUN_ENTITLED", "3400000"))
SEED = 12345
_MONTH = Period.month(2022, 5)
_CLASSES = ("none", "none", "none", "none", "none", "none", "none", "none", "dibao", "edge")


def draw() -> pa.Table:
    """Residents with the facts that the rules read, about three to a household; under a seed."""
    chance = np.random.Generator(np.random.PCG64(SEED))
    age = chance.integers(0, 95 * 365, RESIDENTS)
    birth = np.datetime64("2022-05-31") - age.astype("timedelta64[D]")
    years = age // 365
    work = np.select(
        [years < 6, years < 16, years >= 60],
        ["child", "student", "retired"],
        np.array(WORKS)[2 + chance.integers(0, 3, RESIDENTS)],
    )
    grade = np.where(chance.random(RESIDENTS) < 0.03, chance.integers(1, 5, RESIDENTS), 0)
    kind = np.where(grade > 0, np.array(DISABILITIES)[1 + chance.integers(0, 7, RESIDENTS)], "none")
    months = chance.integers(0, 400, RESIDENTS)
    home = np.arange(RESIDENTS) // 3
    return pa.table({
        "person_id": pa.array(np.arange(RESIDENTS)), "household_id": pa.array(home),
        "role": pa.array(np.where(np.arange(RESIDENTS) % 3 == 0, "head", "other")), "birth": pa.array(birth.astype("datetime64[D]")),
        "work": pa.array(work), "studies": pa.array(np.where(work == "student", np.array(STUDIES)[2 + (years >= 12)], "none")),
        "disability_kind": pa.array(kind), "disability_grade": pa.array(grade),
        "class": pa.array(np.array(_CLASSES)[chance.integers(0, 10, RESIDENTS)]),
        "insured_months": pa.array(months, mask=chance.random(RESIDENTS) < 0.3),
        "left_by_own_will": pa.array(chance.random(RESIDENTS) < 0.5, mask=chance.random(RESIDENTS) < 0.5),
        "cannot_live_alone": pa.array(chance.random(RESIDENTS) < 0.1, mask=chance.random(RESIDENTS) < 0.5),
    })  # fmt: skip


def years_of(birth: date, day: date) -> int:
    """Completed years, as one writes it for one person."""
    return day.year - birth.year - ((birth.month, birth.day) > (day.month, day.day))


def loop(rows: list[dict[str, Any]], day: date) -> dict[str, int]:
    """The rules again, person by person, in plain Python: what an office's script does. Returns how many are owed what."""
    counted: dict[str, int] = {}
    homes: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        row["years"] = years_of(row["birth"], day)
        row["of_age"] = 16 <= row["years"] < 60 and row["work"] not in ("student", "retired", "child")
        row["seeks"] = row["of_age"] and row["work"] == "jobless"
        homes.setdefault(row["household_id"], []).append(row)
    idle = {home: any(r["seeks"] for r in members) and all(r["seeks"] or not r["of_age"] for r in members)
            for home, members in homes.items()}  # fmt: skip
    month_ago = (day.replace(day=1) - timedelta(days=1)).replace(day=day.day - 1)
    for row in rows:
        for item in _owed(row, idle, month_ago):
            counted[item] = counted.get(item, 0) + 1
    return counted


def _owed(row: dict[str, Any], idle: dict[Any, bool], month_ago: date) -> list[str]:
    years, poor, disabled = row["years"], row["class"] in ("dibao", "tekun"), row["disability_kind"] != "none"
    months, found = row["insured_months"], ["public_health", "family_doctor", "public_culture"]
    if row["birth"] > month_ago:
        found += ["birth_certificate", "newborn_screening", "vaccination_card"]
    if years < 1:
        found.append("infant_care")
    if years < 7:
        found.append("vaccines")
    if 6 <= years < 15 or row["studies"] in ("primary", "junior"):
        found.append("compulsory_school")
        found += ["textbooks"] if poor else []
        found += ["disabled_textbooks", "special_school"] if disabled else []
    if row["seeks"]:
        found += ["job_service", "job_training"]
        found += ["job_for_family"] if idle[row["household_id"]] else []
        if months is not None and months >= 12 and row["left_by_own_will"] is False:
            found += ["unemployment_benefit", "jobless_medical"]
    return found + _owed_later(row, poor=poor, disabled=disabled)


def _owed_later(row: dict[str, Any], *, poor: bool, disabled: bool) -> list[str]:
    found: list[str] = []
    years, months = row["years"], row["insured_months"]
    if row["of_age"] and disabled:
        found.append("disabled_jobs")
    if row["class"] != "none":
        found += ["premium", "legal_aid"]
    if row["work"] == "retired" and months is not None and months >= 180:
        found.append("pension")
    if years >= 60:
        found.append("old_places")
        found += ["resident_pension"] if months is not None and months < 180 else []
        found += ["old_care"] if poor and row["cannot_live_alone"] else []
    if years >= 65:
        found.append("old_health")
    if disabled:
        found.append("disabled_places")
        found += ["disabled_transit"] if row["disability_grade"] <= 2 else []
        found += ["child_rehabilitation"] if years < 18 and poor else []
    return found


def measure() -> Measured:
    """Both over the same residents in one run; they must count the same."""
    values = tomllib.loads((SERVICES / "entitlements" / "parameters.toml").read_text(encoding="utf-8"))
    table = draw()
    begin = time.perf_counter()
    finder = make_finder(read_catalogue(values), parameters_of(values), _MONTH, table.column_names)
    people = make_people(_MONTH, table)
    built = time.perf_counter() - begin
    begin = time.perf_counter()
    counted = {code: owed for code, (owed, _) in count_owed(finder, people).items() if owed}
    worked = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    del people
    looped, begin = {}, time.perf_counter()
    step = 300_000
    for start in range(0, RESIDENTS, step):
        for code, count in loop(table.slice(start, step).to_pylist(), _MONTH.end).items():
            looped[code] = looped.get(code, 0) + count
    plain = time.perf_counter() - begin
    if looped != counted:
        raise AssertionError(
            {k: (counted.get(k), looped.get(k)) for k in {*counted, *looped} if counted.get(k) != looped.get(k)}
        )
    return Measured(
        ours=Program("yucun", "this commit"),
        peer=Program("a plain loop in Python", platform.python_version()),
        figures=(
            Figure("build and work out", "s", round(built + worked, 2), round(plain, 2)),
            Figure("work out", "s", round(worked, 2), round(plain, 2)),
        ),
        setting=f"{RESIDENTS} residents, {len(finder.items)} items by rule, one month; our peak memory {peak:.2f} GiB; both count the same",
    )
