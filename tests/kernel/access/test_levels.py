"""Levels as types: the level of what stands together follows from its parts, and reading above one's level is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.access.conftest import CITY, VISIT, make_grant, make_reader, within
from tests.small_lake import CONTRACTS
from yucun.base.text import Text
from yucun.kernel.access import (
    ABOUTS,
    OPEN_READER,
    SENSITIVITIES,
    About,
    Allowed,
    Mixture,
    Purpose,
    Refused,
    Sensitivity,
    is_about_people,
    join_levels,
    mask,
    may_read_together,
    may_see_rows,
    mix,
)
from yucun.kernel.lake.contract import read_contracts


@dataclasses.dataclass(frozen=True)
class Part:
    """A field as levels see it."""

    name: str
    level: Sensitivity
    about: About = ""


@dataclasses.dataclass(frozen=True)
class Patients:
    """Who is ill and where they live, each at L3 or below."""

    name: str = "relief.patient"
    region_field: str = "region"
    owner: Text = Text("卫健局", "Health bureau")
    fields: tuple[Part, ...] = (
        Part("region", "L1"),
        Part("full_name", "L3", "identity"),
        Part("illness", "L3", "health"),
        Part("visits", "L2"),
    )


mixtures = st.builds(
    Mixture, st.sampled_from(SENSITIVITIES), st.frozensets(st.sampled_from([a for a in ABOUTS if a]), max_size=3)
)
READS = Purpose("relief.care", Text("随访", "care"), Text("法", "law"), ("relief.*",))


@given(mixtures, mixtures, mixtures)
def test_the_level_of_a_join_does_not_depend_on_how_it_is_joined(a: Mixture, b: Mixture, c: Mixture) -> None:
    assert ((a | b) | c).level == (a | (b | c)).level
    assert (a | b) == (b | a)
    assert (a | a) == a
    assert (a | Mixture()) == a


@given(mixtures, mixtures, mixtures)
def test_a_join_is_never_lower_than_its_parts_and_grows_with_them(a: Mixture, b: Mixture, c: Mixture) -> None:
    assert (a | b).level >= max(a.level, b.level)
    assert ((a | c) | b).level >= (a | b).level
    assert (a | b).level <= "L4"


@given(st.lists(st.builds(Part, st.just("f"), st.sampled_from(SENSITIVITIES), st.sampled_from(ABOUTS))))
def test_the_level_of_fields_is_that_of_their_mixture(fields: list[Part]) -> None:
    one_by_one = Mixture()
    for field in fields:
        one_by_one |= mix([field])
    assert join_levels(fields) == one_by_one.level
    assert join_levels(fields) >= max((f.level for f in fields), default="L1")


@pytest.mark.parametrize(
    ("parts", "level"),
    [
        ([Part("a", "L1"), Part("b", "L3"), Part("c", "L2")], "L3"),
        ([], "L1"),
        ([Part("name", "L2", "identity"), Part("home", "L2", "place")], "L3"),
        ([Part("number", "L3", "person"), Part("illness", "L3", "health")], "L4"),
        ([Part("name", "L4", "identity"), Part("illness", "L3", "health")], "L4"),
        ([Part("home", "L2", "place"), Part("illness", "L3", "health")], "L3"),
        ([Part("name", "L2", "identity"), Part("income", "L3", "money")], "L3"),
    ],
)
def test_who_and_where_together_count_one_more(parts: list[Part], level: str) -> None:
    assert join_levels(parts) == level


def test_reading_both_is_refused_with_why_and_whom_to_ask() -> None:
    table = Patients()
    name, illness = table.fields[1], table.fields[2]
    reader = make_reader(make_grant("L3", purposes=(READS,)))
    assert isinstance(may_read_together(reader, table, [name], "relief.care"), Allowed)
    decision = may_read_together(reader, table, [name, illness], "relief.care")
    assert isinstance(decision, Refused)
    assert decision.rule == "access.together"
    assert "L4" in decision.reason.en
    assert "Health bureau" in decision.reason.en
    assert "卫健局" in decision.reason.zh


def test_side_by_side_health_gives_way_and_names_stay() -> None:
    rows = pa.table(
        {"region": [str(CITY)], "full_name": ["张三"], "illness": ["I10"], "visits": pa.array([3], pa.int64())}
    )
    reader = make_reader(make_grant("L3", purposes=(READS,)))
    shown = mask(rows, Patients(), reader, "relief.care", root=CITY, within=within)
    assert shown.table["full_name"].to_pylist() == ["张三"]
    assert shown.table["illness"].to_pylist() == [None]
    assert shown.refused["illness"].rule == "access.together"
    # Whoever reads L4 sees both.
    above = make_reader(make_grant("L4", purposes=(READS,)))
    assert mask(rows, Patients(), above, "relief.care", root=CITY, within=within).table["illness"].to_pylist() == [
        "I10"
    ]


def test_rows_about_people_are_not_even_counted_by_others() -> None:
    table = Patients()
    assert is_about_people(table)
    assert isinstance(may_see_rows(OPEN_READER, table), Refused)
    assert isinstance(may_see_rows(make_reader(make_grant("L3")), table, VISIT.name), Refused)
    assert isinstance(may_see_rows(make_reader(make_grant("L2", purposes=(READS,))), table, "relief.care"), Allowed)
    assert isinstance(may_see_rows(OPEN_READER, dataclasses.replace(table, fields=(Part("region", "L1"),))), Allowed)


def test_an_unknown_about_is_a_finding_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "contracts.toml"
    path.write_text(CONTRACTS.replace('level = "L1"', 'level = "L1"\nabout = "family"', 1), encoding="utf-8")
    _, findings = read_contracts(path, "farm")
    assert [f.kind for f in findings] == ["contract.about"]
    assert "health" in findings[0].message.en
