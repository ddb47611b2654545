"""What the tests of access share: books in both dialects, the kernel's roles, a table of made-up people."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher

from yucun.base.clock import SimulatedClock
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.access import (
    ORGAN,
    AccessRules,
    Accounts,
    Grant,
    Passwords,
    Purpose,
    Reader,
    Role,
    Sensitivity,
)
from yucun.kernel.books import Books

CITY = RegionCode.parse("3305")
ANJI = RegionCode.parse("330523")
DEQING = RegionCode.parse("330521")
VISIT = Purpose(
    "relief.visit",
    Text("入户核查", "home visit"),
    Text("《社会救助暂行办法》", "Interim Measures"),
    ("relief.household",),
)
RULES = AccessRules.of_kernel().add(AccessRules({}, {VISIT.name: VISIT}))


def within(region: RegionCode, among: Collection[RegionCode]) -> bool:
    """By digits alone; the city asks its registry."""
    place: RegionCode | None = region
    while place is not None:
        if place in among:
            return True
        place = place.by_digits
    return False


@dataclass(frozen=True)
class Cell:
    """A field as access sees it."""

    name: str
    level: Sensitivity
    mask: str = ""


@dataclass(frozen=True)
class Household:
    """A table with a field of each level."""

    name: str = "relief.household"
    region_field: str = "region"
    fields: tuple[Cell, ...] = (
        Cell("region", "L1"),
        Cell("members", "L2"),
        Cell("name", "L3", "name"),
        Cell("phone", "L3", "phone"),
        Cell("income_fen", "L3"),
        Cell("identity_card", "L4", "identity_card"),
    )


def make_reader(*grants: Grant, account: str = "someone") -> Reader:
    return Reader(account, Text("某岗位", "a post"), grants)


def make_grant(
    level: Sensitivity = "L3",
    regions: tuple[RegionCode, ...] = (CITY,),
    purposes: tuple[Purpose, ...] = (VISIT,),
    tables: tuple[str, ...] = ("*",),
) -> Grant:
    return Grant(1, Role("visitor", Text("走访员", "visitor"), level, frozenset({"read"})), regions, purposes, tables)


@pytest.fixture
def books(url: str, clock: SimulatedClock) -> Iterator[Books]:
    """Books in both dialects."""
    opened = Books.open(url, [ORGAN], clock)
    yield opened
    opened.close()


@pytest.fixture
def accounts(books: Books, clock: SimulatedClock) -> Accounts:
    """Accounts whose passwords are hashed cheaply, so that tests are quick."""
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Accounts(books, RULES, CITY, within, clock, passwords)


@pytest.fixture
def root() -> Reader:
    """An administrator of the whole city."""
    return make_reader(Grant(0, RULES.roles["administrator"], (CITY,)), account="root")
