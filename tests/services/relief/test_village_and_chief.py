"""What stands before a village and a chief: work in order, what is not taken, take-up with its hidden cells, months beside each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.services.relief.test_whatif import VILLAGES, make_bench
from yucun.kernel.cases import Case, Clock, MoveDone
from yucun.kernel.cases.clocks import TimeLimit
from yucun.kernel.ledger import Reserved
from yucun.kernel.ledger.statement import StatementLine
from yucun.services.relief.pages.chief import tell_take_up, tell_waits
from yucun.services.relief.pages.mine import compare_months
from yucun.services.relief.pages.village import count_work, list_not_taken, list_pressing, sum_villages

START = datetime(2022, 5, 1, tzinfo=UTC)


def make_reserved(number: int, village: str, month: str, fen: int) -> Reserved:
    return Reserved(
        f"award:A-{number}:dibao:{month}", f"relief:fund:{village}", f"relief:household:H-{number}", fen, "relief.dibao",
        "art. 12", month,
    )  # fmt: skip


def make_case(number: int, kind: str, state: str, why: str = "") -> Case:
    fields = {"why": why} if why else {}
    return Case(
        number, f"{kind}:{number}", kind, state, f"H-{number}", VILLAGES[0], "", "", (), 0, 1, fields, "", "", "", START, START,
        None, 1, 1,
    )  # fmt: skip


def make_line(month: str, programme: str, received: int, given: int = 0) -> StatementLine:
    return StatementLine(
        1, 1, "2022-05-10T09:00", "x", "post", f"relief.{programme}", "art. 12", month, "", received, given, 0, 0, ""
    )


def test_what_is_not_taken_stands_by_month_and_programme_oldest_first() -> None:
    due = [make_reserved(1, VILLAGES[0], "2022-05", 100), make_reserved(2, VILLAGES[0], "2022-03", 40),
           make_reserved(3, VILLAGES[0], "2022-05", 60), make_reserved(4, VILLAGES[3], "2022-05", 7)]  # fmt: skip
    found = list_not_taken(due, VILLAGES[0], date(2022, 5, 31))
    assert [(one.month, one.lines, one.amount_fen, one.months_old) for one in found] == [
        ("2022-03", 1, 40, 2),
        ("2022-05", 2, 160, 0),
    ]
    assert [(row.village, row.lines, row.amount_fen) for row in sum_villages([], due)] == [
        (VILLAGES[0], 3, 200),
        (VILLAGES[3], 1, 7),
    ]
    assert list_not_taken([], VILLAGES[0], date(2022, 5, 31)) == []


def test_take_up_by_a_hand_count() -> None:
    """Six poor people of one county are on the register, seven of another are not; the edge of 810 to 1,215 counts too."""
    incomes = [0] * 6 + [82_000] * 7 + [500_000] * 5
    villages = [VILLAGES[0]] * 6 + [VILLAGES[3]] * 12
    bench = make_bench(incomes, villages)
    rows = tell_take_up(bench.residents, bench.met_today())
    whole, first, second = rows
    assert (whole.entitled, whole.registered, whole.gap, whole.coverage_bp) == (13, 6, 7, 4615)
    assert (first.code, first.entitled, first.registered, first.gap) == ("330502000000", 6, 6, 0)
    assert (second.code, second.entitled, second.registered, second.gap) == ("330521000000", 7, 0, 7)
    assert not whole.hidden


def test_a_small_gap_is_hidden_with_what_would_give_it_away() -> None:
    bench = make_bench([0] * 7 + [82_000] * 2, [VILLAGES[0]] * 9)
    whole = tell_take_up(bench.residents, bench.met_today())[0]
    assert whole.gap == 2
    assert "gap" in whole.hidden
    assert len(whole.hidden) >= 2, "entitled less registered would give the gap"


def test_nobody_entitled_has_no_coverage() -> None:
    bench = make_bench([900_000] * 6, [VILLAGES[0]] * 6)
    whole = tell_take_up(bench.residents, bench.met_today())[0]
    assert (whole.entitled, whole.coverage_bp) == (0, None)


def test_days_to_a_decision() -> None:
    assert tell_waits([]).days_median is None
    found = tell_waits([(START, START + timedelta(days=n), n > 23) for n in (10, 12, 30, 14)])
    assert (found.decided, found.days_median, found.days_p90, found.late) == (4, 12, 30, 1)


def test_two_months_beside_each_other_with_the_decision_between() -> None:
    move = MoveDone(
        "award:A-1:dibao", 2, 9, datetime(2022, 5, 3, tzinfo=UTC), "cut", "in_force", "in_force", "county.one", "收入增加", "",
        (), {},
    )  # fmt: skip
    lines = [make_line("2022-03", "dibao", 9), make_line("2022-04", "dibao", 93_000), make_line("2022-05", "dibao", 50_000),
             make_line("2022-05", "addon", 8_100), make_line("2022-05", "addon", 0, 100)]  # fmt: skip
    found = {one.programme.en: one for one in compare_months(lines, [("dibao", move)])}
    dibao = found["dibao"]
    assert (dibao.before, dibao.after, dibao.difference_fen) == ("2022-04", "2022-05", -43_000)
    assert "收入增加" in dibao.because.zh
    assert "county.one" in dibao.because.zh
    addon = found["classified add-on"]
    assert (addon.before_fen, addon.after_fen) == (0, 8_000), "what came back is taken off"
    assert compare_months(lines[:1], []) == []


@pytest.mark.parametrize(
    ("kind", "state", "why", "work"),
    [
        ("relief.application", "submitted", "", "to accept"),
        ("relief.review", "open", "recheck", "half-yearly re-checks due"),
        ("relief.review", "open", "lower", "changes to be reviewed"),
        ("relief.award", "in_force", "", None),
    ],
)
def test_work_is_called_by_what_is_to_be_done(kind: str, state: str, why: str, work: str | None) -> None:
    found = list_pressing([(make_case(1, kind, state, why), None)])
    assert [one.work.en for one in found] == ([work] if work else [])
    assert [one.waiting for one in count_work(found)] == ([1] if work else [])


def test_the_late_stand_first() -> None:
    cases = [make_case(n, "relief.application", "submitted") for n in (1, 2, 3)]
    due = [START + timedelta(days=n) for n in (5, 1, 2)]
    limit = TimeLimit(3, "working_day")
    clocks = [
        Clock("accept", "running", START, limit, due[0]),
        Clock("accept", "running", START, limit, due[1]),
        Clock("accept", "late", START, limit, due[2]),
    ]
    found = list_pressing(zip(cases, clocks, strict=True))
    assert [one.case.no for one in found] == [3, 2, 1]
    assert sum_villages(found, [])[0].late == 1
