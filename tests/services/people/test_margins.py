"""Do made-up people meet what is published? Counts to the last person, incomes to the fen a head, rates to the person."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest
from scipy.stats import chi2

from tests.services.people.made import huzhou, make
from yucun.services.people.planning import CLASSES, find_ages, fit, share
from yucun.services.people.sample import MONTHS, find_warned, plan, read_settings

FULL, RESIDENTS = 3_407_000, 30_000
# Typed once more from the publications: residents of counties at the end of 2021, all and in town.
COUNTIES = {
    "330502": (1_036_000, 798_000),
    "330503": (545_000, 309_000),
    "330521": (553_000, 345_000),
    "330522": (678_000, 434_000),
    "330523": (595_000, 363_000),
}
CENSUS, MEN, CHILDREN, OLD, OLDER = 3_367_579, 1_746_438, 402_018, 718_721, 522_540
FAMILIES, DORMS, IN_DORMS = 1_197_973, 88_345, 336_306


def test_the_plan_of_all_people_meets_every_published_total_to_the_last_one() -> None:
    parts = plan(huzhou(), None, 1)
    for code, (all_of, town) in COUNTIES.items():
        here = {p.residence: p.block.persons for p in parts if p.county == code}
        assert here == {"urban": town, "rural": all_of - town}
    assert sum(p.block.persons for p in parts) == FULL
    bands = np.sum([p.block.bands for p in parts], axis=0)
    exact = [FULL * n / CENSUS for n in (CHILDREN, CENSUS - CHILDREN - OLD, OLD - OLDER, OLDER)]
    assert all(abs(found - wanted) < 1 for found, wanted in zip(bands, exact, strict=True))
    assert sum(p.block.men for p in parts) == round(FULL * MEN / CENSUS)
    assert sum(p.block.families for p in parts) == round(FULL * FAMILIES / CENSUS)
    assert sum(p.block.dorms for p in parts) == round(FULL * DORMS / CENSUS)
    assert sum(p.block.in_dorms for p in parts) == round(FULL * IN_DORMS / CENSUS)
    assert sum(sum(p.registered) for p in parts) == 36_000
    classes = np.sum([p.registered for p in parts], axis=0)
    province = np.array([613_500, 189_700, 34_800])
    assert np.abs(classes - 36_000 * province / province.sum()).max() < 1
    assert all(sum(p.block.villages) == p.block.persons for p in parts)


def test_the_people_who_were_made_are_those_who_were_planned() -> None:
    made, parts = make().tables, plan(huzhou(), RESIDENTS, 12345)
    people = made["person"]
    counted = Counter(zip(people["county"].to_pylist(), people["residence"].to_pylist(), strict=True))
    assert counted == {(f"{p.county}000000", p.residence): p.block.persons for p in parts}
    assert pc.sum(pc.equal(people["sex"], "male")).as_py() == sum(p.block.men for p in parts)
    ages = find_ages(people["birth"].combine_chunks().cast("int32").to_numpy(), date(2022, 5, 31))
    edges = np.histogram(ages, [0, 15, 60, 65, 200])[0]
    assert edges.tolist() == np.sum([p.block.bands for p in parts], axis=0).tolist()
    kinds = Counter(made["household"]["kind"].to_pylist())
    assert kinds == {"family": sum(p.block.families for p in parts), "collective": sum(p.block.dorms for p in parts)}
    assert pc.sum(made["household"]["members"]).as_py() == RESIDENTS
    classes = Counter(made["register"]["class"].to_pylist())
    assert [classes[c] for c in CLASSES] == np.sum([p.registered for p in parts], axis=0).tolist()


def test_a_chi_square_over_every_margin_is_nothing() -> None:
    """What is met exactly has no distance; sizes of households, which are tilted and rounded, lie well within chance."""
    made, settings = make().tables, read_settings(huzhou())
    families = made["household"].filter(pc.equal(made["household"]["kind"], "family"))
    found = np.bincount(families["members"].to_numpy(), minlength=9)[1:]
    weights = np.array([settings["household_sizes"][str(size)] for size in range(1, 9)], float)
    mean = found @ np.arange(1, 9) / found.sum()
    tilts = np.linspace(0.8, 1.2, 40_001)
    means = [
        (weights * t ** np.arange(1, 9)) @ np.arange(1, 9) / (weights * t ** np.arange(1, 9)).sum() for t in tilts[::10]
    ]
    tilt = tilts[::10][int(np.argmin(np.abs(np.array(means) - mean)))]
    expected = weights * tilt ** np.arange(1, 9)
    expected *= found.sum() / expected.sum()
    assert ((found - expected) ** 2 / expected).sum() < chi2.ppf(0.5, 6)
    kinds = Counter(made["disability"]["kind"].to_pylist())
    parts = np.array(list(settings["disability_kinds"].values()), float)
    expected = parts / parts.sum() * sum(kinds.values())
    distance = sum((kinds[k] - e) ** 2 / e for k, e in zip(settings["disability_kinds"], expected, strict=True))
    assert distance < chi2.ppf(0.999, len(parts) - 1)


@pytest.mark.parametrize(("residence", "yuan"), [("urban", 67_983), ("rural", 41_303)])
def test_the_income_of_the_year_is_the_published_one(residence: str, yuan: int) -> None:
    made = make().tables
    here = pc.equal(made["person"]["residence"], residence)
    income = made["truth_person"].filter(here)["income_year_fen"]
    mean = pc.sum(income).as_py() / len(income)
    assert abs(mean - yuan * 100) < 1.0, "within a fen a head"


def test_the_published_rates_of_disability_and_illness_are_met() -> None:
    made, parts = make().tables, plan(huzhou(), RESIDENTS, 12345)
    truth = made["truth_person"]
    assert pc.sum(truth["is_disabled"]).as_py() == sum(round(p.block.persons * 0.0634) for p in parts)
    grown = [sum(p.block.bands[1:]) for p in parts]
    assert pc.sum(truth["is_chronically_ill"]).as_py() == sum(round(n * 0.3429) for n in grown)


def test_at_the_published_line_as_many_warnings_are_right_as_were_found_elsewhere() -> None:
    """91 of 4,881 in Yangyuan; the interval is that of such a share at so many warnings (Wilson, 95 %)."""
    made = make(200_000).tables
    ids = {p: n for n, p in enumerate(made["person"]["person"].to_pylist())}
    bills = made["medical"]
    person = np.array([ids[p] for p in bills["person"].to_pylist()])
    months = {m: n for n, m in enumerate(sorted(set(bills["month"].to_pylist())))}
    assert len(months) == MONTHS
    month = np.array([months[m] for m in bills["month"].to_pylist()])
    registered = set(made["register"]["person"].to_pylist())
    lines = np.array([1_596_500 if p in registered else 3_193_000 for p in ids])
    warned, when = find_warned(person, month, bills["own_fen"].to_numpy(), lines)
    truth = {row["household"]: row for row in made["truth_household"].to_pylist()}
    homes = made["person"]["household"].to_pylist()
    words = sorted(months)
    right = sum(
        (row := truth.get(homes[p])) is not None
        and row["need"] != "none" and not row["is_registered"] and row["need_from"] <= words[at]
        for p, at in zip(warned.tolist(), when.tolist(), strict=True)
    )  # fmt: skip
    count, z = len(warned), 1.96
    middle = (right + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * np.sqrt(right * (count - right) / count + z * z / 4)
    assert count > 500
    assert middle - half < 91 / 4_881 < middle + half
    assert 0.0150 < right / count < 0.0228


def test_nobody_is_lost_between_tables() -> None:
    made = make().tables
    people, homes = made["person"], set(made["household"]["household"].to_pylist())
    ids = set(people["person"].to_pylist())
    assert len(ids) == RESIDENTS
    assert set(people["household"].to_pylist()) == homes
    for name in ("register", "income", "asset", "disability", "medical"):
        assert set(made[name]["person"].to_pylist()) <= ids, name
    for name in ("electricity", "hint", "event"):
        assert set(made[name]["household"].to_pylist()) <= homes, name
    dead = made["event"].filter(pc.equal(made["event"]["kind"], "death"))
    assert dead.num_rows
    assert not set(dead["person"].to_pylist()) & ids
    bills = made["medical"]
    assert pc.all(pc.equal(pc.add(bills["own_fen"], bills["insured_fen"]), bills["total_fen"])).as_py()
    for name, key in (("income", ("person", "line", "since")), ("asset", ("person", "kind", "number")),
                      ("medical", ("person", "month", "number")), ("event", ("person", "kind")),
                      ("electricity", ("household", "month"))):  # fmt: skip
        assert made[name].group_by(list(key)).aggregate([]).num_rows == made[name].num_rows, name


def test_families_are_believable() -> None:
    people = make().tables["person"].to_pylist()
    heads = {p["household"]: p for p in people if p["role"] == "head"}
    assert len(heads) == len({p["household"] for p in people})
    gaps = [
        p["birth"].year - heads[p["household"]]["birth"].year
        for p in people
        if p["role"] == "child" and p["household"] in heads
    ]
    assert min(gaps) >= 15
    assert np.mean(np.array(gaps) > 50) < 0.01
    couples = [(p, heads[p["household"]]) for p in people if p["role"] == "spouse"]
    assert all(a["sex"] != b["sex"] for a, b in couples)


def test_sharing_and_fitting_keep_every_sum() -> None:
    assert share(10, [1, 1, 1]).sum() == 10
    table = fit(np.ones((3, 2)), np.array([5, 7, 1]), np.array([6, 7]))
    assert table.sum(axis=1).tolist() == [5, 7, 1]
    assert table.sum(axis=0).tolist() == [6, 7]
