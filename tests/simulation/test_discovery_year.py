"""Row 8 in small: thirty thousand people, twelve months; the published line alone and the learner at equal numbers of visits.

The whole prefecture is the bench's (`bench/discovery.py`); here so few are in need that intervals are wide.
"""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from tests.services.people.made import huzhou, make
from tests.simulation.discovery_year import (
    MONTHS,
    PeopleFiles,
    Tried,
    Truth,
    Year,
    count_warnings,
    make_engine,
    start_clock,
)
from yucun.city import SERVICES
from yucun.services.discovery.detectors import RULES
from yucun.services.discovery.models import interval
from yucun.services.discovery.planning import parameters_of, read_law

PUBLISHED = 91 / 4881


@pytest.fixture(scope="module")
def people() -> PeopleFiles:
    return PeopleFiles(make().folder)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth.read(make().folder)


def live(people: PeopleFiles, truth: Truth, order: str, visits: dict[str, int] | None = None) -> list[Tried]:
    engine = make_engine("sqlite://", people, start_clock(), huzhou().regions)
    months = list(Year(engine, truth, order, visits).live())
    engine.books.verify()
    with engine.books.read() as tx:
        engine.cases.check(tx)
        for line in tx.lines():
            assert "need_from" not in str(line.payload) and "truth" not in str(line.payload)
    engine.books.close()
    return months


def test_at_equal_numbers_of_visits_the_learner_helps_more_and_sees_outcomes_alone(
    people: PeopleFiles, truth: Truth
) -> None:
    peer = live(people, truth, "published")
    ours = live(people, truth, "learnt", {month.month: month.visits for month in peer})
    assert [m.month for m in ours] == [m.text for m in MONTHS] == [m.month for m in peer]
    assert [m.visits for m in ours] == [m.visits for m in peer], "equal numbers of visits in every month"
    visits, theirs, helped = sum(m.visits for m in peer), sum(m.found for m in peer), sum(m.found for m in ours)
    low, high = interval(theirs, visits)
    assert visits > 100 and low < PUBLISHED < high, "the published share lies within the interval"
    assert helped > theirs, (helped, theirs)
    assert ours[-1].found_so_far == helped <= truth.count(MONTHS[-1].text)
    assert ours[0].to_learn == ours[0].visits, "before any outcome every visit is to learn"
    assert all(m.to_learn <= m.visits * 15 // 100 for m in ours[1:])
    assert {rule for m in peer for rule in m.by_rule} == {"yearly_cost"}
    assert len({rule for m in ours for rule in m.by_rule}) > 6


def test_precision_and_recall_of_each_rule_and_together(people: PeopleFiles, truth: Truth) -> None:
    law = read_law(
        parameters_of(tomllib.loads((SERVICES / "discovery/parameters.toml").read_text(encoding="utf-8"))),
        date(2022, 5, 31),
    )
    counted = count_warnings(people, truth, law)
    assert set(counted) == {*RULES, "together"}
    for warned, right, in_need in counted.values():
        assert 0 <= right <= warned and right <= in_need
    low, high = interval(counted["yearly_cost"][1], counted["yearly_cost"][0])
    assert low < PUBLISHED < high
    together = counted["together"]
    assert together[0] <= sum(warned for name, (warned, _, _) in counted.items() if name != "together")
    assert together[1] > 10 * max(1, counted["new_disability"][1])
    assert together[1] >= max(right for _, right, _ in counted.values())
    assert counted["dropout"][0] == 0, "every made-up child of that age is at school"
    for rule in ("expenditure", "lost_income"):
        assert interval(counted[rule][1], counted[rule][0])[0] > PUBLISHED, rule


def test_the_service_cannot_be_given_the_truth(people: PeopleFiles) -> None:
    for name in ("people.truth_household", "people.truth_person", "people.nothing"):
        with pytest.raises(LookupError):
            people.table(name)
