"""The fictional country, loaded once for all tests of rules, and small populations of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from yucun.base.period import Period
from yucun.kernel.rules import Population
from yucun.kernel.rules.conform import RulesFolder, read_rules_folder

FOLDER = Path(__file__).resolve().parents[2] / "conformance" / "country_template"
MONTH = Period.month(2017, 3)


@cache
def country() -> RulesFolder:
    """The rules of the fictional country."""
    return read_rules_folder(FOLDER)


def make_population(sizes: list[int], seed: int, month: Period = MONTH, mixed: bool = False) -> Population:
    """Households of the given sizes with facts under a seed; ``mixed`` puts the persons out of order."""
    chance = np.random.default_rng(seed)
    home = np.repeat(np.arange(len(sizes)), sizes)
    if mixed:
        chance.shuffle(home)
    count = len(home)
    persons: dict[str, Any] = {
        "person_id": [f"p{k}" for k in range(count)],
        "household_id": [f"h{k}" for k in home],
        "role": np.where(chance.random(count) < 0.4, "child", "adult").tolist(),
        "birth": np.datetime64("1935-01-01") + chance.integers(0, 29_000, count),
        "salary_fen": np.where(chance.random(count) < 0.5, 0, chance.integers(0, 90_000, count)),
    }
    households = {
        "household_id": [f"h{k}" for k in range(len(sizes))],
        "rent_fen": chance.integers(0, 150_000, len(sizes)),
        "accommodation_size_m2@2017-01": chance.integers(10, 200, len(sizes)),
        "housing_occupancy_status@2017-01": chance.choice(["owner", "tenant", "free_lodger"], len(sizes)).tolist(),
    }
    return Population.of(country().book, month, persons, households)
