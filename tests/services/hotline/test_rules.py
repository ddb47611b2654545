"""Clocks and measures of the hotline: cases C01 to C11, each by its number, and what they do not reach."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import yucun.services.hotline.rules as hotline
from yucun.base.clock import CHINA
from yucun.base.errors import ParameterError
from yucun.base.period import WorkingCalendar
from yucun.base.text import Text
from yucun.services.hotline.rules import Order, Share, TimeLimit

VALUES: dict[str, Any] = tomllib.loads(
    Path(str(hotline.__file__)).with_name("parameters.toml").read_text(encoding="utf-8")
)
PROFILES = hotline.profiles_from_2020_12(VALUES["clock"])
CALENDAR = WorkingCalendar.of_china()
ALL = Text("全部", "all")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def due(profile: str, step: str, kind: str, start: str) -> datetime:
    return PROFILES[profile].due(step, kind, at(start), CALENDAR).at


def test_c01_heating_failure() -> None:
    assert due("beijing", "dispatch", "utilities", "2023-01-05 10:00") == at("2023-01-05 12:00")
    assert due("beijing", "reply", "utilities", "2023-01-05 10:00") == at("2023-01-06 10:00")


def test_c02_danger_to_life() -> None:
    assert due("beijing", "dispatch", "danger", "2023-01-05 10:00") == at("2023-01-05 11:00")
    assert due("beijing", "reply", "danger", "2023-01-05 10:00") == at("2023-01-05 12:00")


def test_c03_general_and_complex() -> None:
    for kind, day in (("general", date(2023, 1, 12)), ("complex", date(2023, 1, 20))):
        assert due("beijing", "dispatch", kind, "2023-01-05 10:00") == at("2023-01-06 10:00")
        assert due("beijing", "reply", kind, "2023-01-05 10:00").date() == day


def test_c04_zhoushan() -> None:
    days = {kind: PROFILES["zhoushan"].get_limit("reply", kind) for kind in ("consult", "help", "complaint")}
    assert {kind: (limit.count, limit.unit) for kind, limit in days.items()} == {
        "consult": (3, "working_day"),
        "help": (5, "working_day"),
        "complaint": (7, "working_day"),
    }
    # Labour Day 2022: 30 April to 4 May are off, 24 April and 7 May are worked.
    assert due("zhoushan", "reply", "consult", "2022-04-28 09:00").date() == date(2022, 5, 6)
    assert due("zhoushan", "reply", "help", "2022-04-28 09:00").date() == date(2022, 5, 9)
    assert due("zhoushan", "reply", "complaint", "2022-04-28 09:00").date() == date(2022, 5, 11)


def test_c04_extension() -> None:
    extension = PROFILES["zhoushan"].extension
    assert extension is not None
    deadline = PROFILES["zhoushan"].due("reply", "complaint", at("2022-04-28 09:00"), CALENDAR)
    ask = lambda asked, days: extension.check(deadline, at(asked), TimeLimit(days, "day"), CALENDAR)  # noqa: E731
    assert ask("2022-05-10 17:00", 20) is None
    late, long = ask("2022-05-11 08:00", 5), ask("2022-05-10 08:00", 21)
    assert late is not None and late.kind == "hotline.extension_late" and late.expected == "2022-05-10"
    assert long is not None and long.kind == "hotline.extension_long"


def test_c05_late_return() -> None:
    is_late = PROFILES["shandong"].is_late_return
    assert not is_late(at("2022-05-16 09:00"), at("2022-05-18 17:00"), CALENDAR)
    assert is_late(at("2022-05-16 09:00"), at("2022-05-19 09:00"), CALENDAR)


def test_c06_shares_of_a_week() -> None:
    parts = {"consult": 33_523, "help": 21_570, "suggestion": 10_497, "complaint": 3_783, "thanks": 228, "other": 1_583}
    assert sum(parts.values()) == 71_184 == 37_527 + 33_657
    assert Share(37_527, 71_184, ALL).percent(1) == Decimal("52.7")
    shares = [Share(n, 71_184, ALL).percent() for n in parts.values()]
    assert shares == [Decimal(s) for s in ("47.09", "30.30", "14.75", "5.31", "0.32", "2.22")]


def test_c07_a_printed_share_of_another_whole() -> None:
    consult = round(Decimal("0.6372") * 195_532)
    assert Share(consult, 284_406, ALL).percent() == Decimal("43.81")
    found = hotline.check_share_from_2020_12(consult, 284_406, Decimal("63.72"), {"classes": 195_532})
    assert found is not None
    assert found.expected == "43.81 %"
    assert "classes 195,532" in found.message.en
    assert hotline.check_share_from_2020_12(consult, 195_532, Decimal("63.72"), {}) is None


def test_c08_on_time() -> None:
    orders = [Order(is_dispatched=True, was_on_time=n >= 4) for n in range(601)]
    rate = hotline.rates_from_2020_12(orders)["on_time"]
    assert (rate.part, rate.whole, rate.percent()) == (597, 601, Decimal("99.33"))


@pytest.mark.parametrize(("milliseconds", "hours"), [(432_000_000, 120), (259_200_000, 72), (864_000_000, 240)])
def test_c09_limits_in_milliseconds(milliseconds: int, hours: int) -> None:
    assert hotline.hours_from_2018_06(milliseconds) == hours


@pytest.mark.parametrize(
    ("distance_m", "answer"), [(240, "suggested"), (260, "shown"), (990, "shown"), (1010, "apart")]
)
def test_c10_reports_close_by(distance_m: int, answer: str) -> None:
    near = VALUES["near"]
    assert hotline.nearness_from_2019_12(distance_m, near["citizen_m"], near["inspector_m"]) == answer


@pytest.mark.parametrize(
    ("profile", "last", "last_extended"),
    [("petition_zhejiang", "2022-07-01", "2022-08-30"), ("petition_national", "2022-07-31", "2022-08-30")],
)
def test_c11_petitions(profile: str, last: str, last_extended: str) -> None:
    deadline = PROFILES[profile].due("reply", "general", at("2022-06-01 09:00"), CALENDAR)
    extension = PROFILES[profile].extension
    assert extension is not None
    assert deadline.at.date().isoformat() == last
    assert extension.most.due(deadline.at, CALENDAR).at.date().isoformat() == last_extended
    more = TimeLimit(extension.most.count + 1, "day")
    assert extension.check(deadline, deadline.at, extension.most, CALENDAR) is None
    assert extension.check(deadline, deadline.at, more, CALENDAR) is not None


def test_huzhou_is_a_blank_and_says_so() -> None:
    with pytest.raises(ParameterError, match=r"clock\.huzhou\.limits\.general\.reply"):
        due("huzhou", "reply", "general", "2022-05-31 09:00")


def test_every_profile_names_its_source() -> None:
    assert {name for name, p in PROFILES.items() if not p.source} == {"huzhou"}


def test_beyond_the_calendar_is_provisional() -> None:
    far = at("2040-01-02 09:00")
    assert PROFILES["zhoushan"].due("reply", "consult", far, CALENDAR).is_provisional
    assert not PROFILES["beijing"].due("reply", "general", far, CALENDAR).is_provisional


def test_a_share_of_nothing_is_none() -> None:
    assert all(share.percent() is None for share in hotline.rates_from_2020_12([]).values())
    assert hotline.hours_at_from_2020_12([], 90) is None


def test_rates_keep_their_own_denominators() -> None:
    orders = [
        Order("a", True, was_contacted_in_time=True, is_closed=True, is_solved=True, is_satisfied=False),
        Order("a", True, was_contacted_in_time=False, was_returned=True),
        Order("b", was_answered_at_once=True, is_closed=True, was_reopened=True),
    ]
    rates = {name: (s.part, s.whole) for name, s in hotline.rates_from_2020_12(orders).items()}
    assert rates["response"] == (1, 2)
    assert rates["resolution"] == (1, 1)
    assert rates["satisfaction"] == (0, 1)
    assert rates["first_call"] == (1, 3)
    assert rates["reopened"] == (1, 2)
    assert rates["repeat_caller"] == (1, 2)


def test_hours_by_nearest_rank() -> None:
    assert hotline.hours_at_from_2020_12([float(n) for n in range(1, 11)], 90) == 9.0
    assert hotline.hours_at_from_2020_12([5.0, 1.0, 3.0], 50) == 3.0


def test_hours_run_on_over_nights_and_holidays() -> None:
    assert TimeLimit(2, "hour").due(at("2022-05-01 23:30"), CALENDAR).at - at("2022-05-01 23:30") == timedelta(hours=2)
