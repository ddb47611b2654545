"""Periods as offices write them, what may be compared, and working days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yucun.base.clock import CHINA, RealClock, SimulatedClock
from yucun.base.errors import NotComparable, NotKnown
from yucun.base.period import Period, WorkingCalendar

CALENDAR = WorkingCalendar.of_china()
PERIODS = st.one_of(
    st.builds(Period.year, st.integers(1990, 2090)),
    st.builds(Period.quarter, st.integers(1990, 2090), st.integers(1, 4)),
    st.builds(Period.month, st.integers(1990, 2090), st.integers(1, 12)),
    st.builds(Period.cumulative, st.integers(1990, 2090), st.integers(1, 12)),
    st.builds(Period.day, st.dates(date(1990, 1, 1), date(2090, 12, 31))),
)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2021", "2021"),
        ("2021年", "2021"),
        ("2021年度", "2021"),
        ("２０２２年３月", "2022-03"),
        ("2022/3", "2022-03"),
        ("2020年1—9月", "2020-01..09"),
        ("2020年1-9月", "2020-01..09"),
        ("2020Q1-Q3 cumulative", "2020-01..09"),
        ("2021年上半年", "2021-01..06"),
        ("2021年1-12月", "2021"),
        ("2021年第3季度", "2021Q3"),
        ("2021年末", "2021-12-31"),
        ("2022年5月31日", "2022-05-31"),
        ("2022-05-31", "2022-05-31"),
    ],
)
def test_offices_write_periods_in_many_ways(written: str, text: str) -> None:
    assert Period.parse(written).text == text


@pytest.mark.parametrize("written", ["", "2021-13", "2021-02-30", "2021年0月", "21年", "third quarter", "2020年1-0月"])
def test_what_is_no_period_is_refused_with_the_forms(written: str) -> None:
    assert Period.find(written) is None
    with pytest.raises(NotKnown, match="2021Q3"):
        Period.parse(written)


@given(PERIODS)
def test_canonical_text_reads_back(period: Period) -> None:
    assert Period.parse(period.text) == period
    assert period.start <= period.end
    assert period.title.zh and period.title.en


@given(PERIODS.filter(lambda p: (p.start.month, p.start.day) != (2, 29)))
def test_the_period_before_is_comparable(period: Period) -> None:
    before = period.previous()
    assert before.end < period.start or period.kind in ("day", "cumulative")
    assert before.start < period.start
    assert period.is_comparable(before)


def test_a_cumulative_figure_is_not_a_years() -> None:
    with pytest.raises(NotComparable, match="cumulative"):
        Period.parse("2020年1-9月").check_comparable(Period.year(2021))
    with pytest.raises(NotComparable):
        Period.cumulative(2020, 9).check_comparable(Period.cumulative(2020, 6))
    Period.cumulative(2020, 9).check_comparable(Period.cumulative(2021, 9))


def test_working_days_follow_the_notices() -> None:
    # 2022: Dragon Boat Festival on Friday 3 June; Saturday 8 October was worked after National Day.
    assert CALENDAR.add_working_days(date(2022, 6, 2), 1).day == date(2022, 6, 6)
    assert CALENDAR.add_working_days(date(2022, 9, 30), 1).day == date(2022, 10, 8)
    assert not CALENDAR.add_working_days(date(2022, 9, 30), 1).is_provisional


def test_beyond_the_notices_only_weekends_count_and_it_says_so() -> None:
    due = CALENDAR.add_working_days(CALENDAR.last, 5)
    assert due.is_provisional
    assert due.day.weekday() < 5
    with pytest.raises(ValueError, match="forwards"):
        CALENDAR.add_working_days(date(2022, 1, 1), -1)


@given(st.dates(date(2010, 1, 1), date(2026, 6, 1)), st.integers(0, 60))
def test_counting_undoes_adding(day: date, count: int) -> None:
    due = CALENDAR.add_working_days(day, count)
    assert CALENDAR.count_working_days(day, due.day) == count


def test_the_simulated_clock_is_set_and_only_goes_forwards() -> None:
    clock = SimulatedClock.on(date(2022, 5, 31), ticking=False)
    assert clock.today() == date(2022, 5, 31)
    assert clock.is_simulated
    clock.advance(timedelta(days=2))
    assert clock.today() == date(2022, 6, 2)
    with pytest.raises(ValueError, match="back"):
        clock.advance(timedelta(seconds=-1))
    ticking = SimulatedClock.on(date(2022, 5, 31))
    assert ticking.now().date() == date(2022, 5, 31)
    assert not RealClock().is_simulated
    assert RealClock().now().tzinfo is CHINA
