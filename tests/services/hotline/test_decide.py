"""The story of a message: held or sent on, returned, extended, answered, urged once, closed; every decision made twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.services.hotline.desk import CITIZEN, DESK, SURE, UNIT, YUEHE, TestDesk
from yucun.base.clock import CHINA
from yucun.kernel.engine import list_waiting


@pytest.fixture
def desk() -> TestDesk:
    return TestDesk()


def kinds(taken: Any) -> list[str]:
    return [finding.kind for finding in taken.findings]


def test_from_arrival_to_closing(desk: TestDesk) -> None:
    assert desk.arrive("A", **SURE, caller="tel-1").status == "done"
    case = desk.case("A")
    assert (case.state, case.unit, case.region, case.subject) == ("dispatched", "330502.housing", YUEHE, "tel-1")
    assert sorted(desk.clocks("A")) == ["accept", "dispatch", "reply", "return"]
    steps: list[tuple[str, Any, dict[str, Any]]] = [
        ("accept", UNIT, {}),
        ("reply", UNIT, {"reply": "已修好"}),
        ("visit", DESK, {"solved": "yes", "satisfied": "yes"}),
        ("close", DESK, {"outcome": "solved"}),
    ]
    for number, (move, by, said) in enumerate(steps, 1):
        assert desk.move("A", move, by, seen=number, **said).status == "done", move
    assert desk.case("A").state == "closed"
    assert desk.case("A").outcome == "solved"
    for measure in ("arrived", "dispatch", "accept", "reply", "solved", "satisfied", "closed"):
        assert desk.counted(measure) == ["yes"], measure
        assert desk.counted(measure, "330502000000") == ["yes"], measure
    assert desk.counted("returned") == ["no"]
    assert desk.counted("held") == ["no"]
    with desk.engine.books.read() as tx:
        desk.engine.cases.check(tx)


@pytest.mark.parametrize(
    "change",
    [
        {"confidence_bp": 8999},
        {"confidence_bp": None, "subject": None},
        {"learned_from": "words"},
        {"learned_from": "made_up"},
        {"like": "hotline:Z"},
        {"subject": None},
    ],
)
def test_what_is_not_sure_waits_for_a_person(desk: TestDesk, change: dict[str, Any]) -> None:
    said = {k: v for k, v in {**SURE, **change}.items() if v is not None}
    desk.arrive("A", **said)
    assert desk.case("A").state == "held"
    assert desk.counted("held") == ["yes"]
    assert desk.counted("dispatch") == []


def test_made_up_learning_sends_on_made_up_messages_only(desk: TestDesk) -> None:
    desk.arrive("A", **{**SURE, "learned_from": "made_up"}, is_made_up=True)
    assert desk.case("A").state == "dispatched"
    assert {row["evidence"] for row in desk.records("hotline.tally")} == {"made_up"}


def test_danger_goes_before_the_queue_and_the_desk_is_told(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.arrive("B", **{**SURE, "urgency": "danger"}, because="有人被困电梯")
    assert desk.case("B").state == "held"
    assert desk.case("B").priority > desk.case("A").priority
    told = list_waiting(desk.engine.books, "notify")
    assert ("hotline.desk", "danger") in [(m.body["to"], m.body["template"]) for m in told]
    reply = desk.clocks("B")["reply"].due
    assert reply == datetime(2022, 5, 16, 11, tzinfo=CHINA)


def test_huzhou_runs_on_the_stated_profiles(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.arrive("B", **{**SURE, "intent": "consult"})
    clocks = desk.clocks("A")
    assert clocks["dispatch"].limit.to_json() == [24, "hour"]
    assert clocks["accept"].limit.to_json() == [2, "hour"]
    assert clocks["reply"].limit.to_json() == [7, "working_day"]
    assert clocks["return"].limit.to_json() == [2, "working_day"]
    assert desk.clocks("B")["reply"].limit.to_json() == [3, "working_day"]


def test_the_places_own_limit_counts_as_soon_as_it_is_known() -> None:
    own = {"clock": {"huzhou": {"limits": {"general": {"reply": {"count": 5, "unit": "day"}}}}}}
    desk = TestDesk(over=own)
    desk.arrive("A", **SURE)
    assert desk.clocks("A")["reply"].limit.to_json() == [5, "day"]
    assert desk.clocks("A")["dispatch"].limit.to_json() == [24, "hour"]


def test_a_wrong_dispatch_comes_back_and_is_learned_from(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    assert kinds(desk.move("A", "send_back", UNIT)) == ["cases.missing"]
    assert desk.move("A", "send_back", UNIT, reason="不属本单位职责").status == "done"
    assert desk.case("A").state == "held"
    desk.move("A", "dispatch", unit="330502.enforcement", subject="urban")
    desk.at("2022-05-19 09:00")
    desk.move("A", "send_back", UNIT, reason="不属本单位职责")
    rows = desk.records("hotline.wrong_dispatch")
    assert [(r["unit"], r["is_late"], r["by_rule"]) for r in rows] == [
        ("330502.housing", False, True),
        ("330502.enforcement", True, False),
    ]
    assert desk.counted("returned") == ["yes", "yes"]
    assert desk.case("A").fields["returned"] == 2


def test_an_extension_keeps_the_rule(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.move("A", "accept", UNIT)
    assert kinds(desk.move("A", "extend", reason="需勘查")) == ["hotline.extension_how_long"]
    long = desk.move("A", "extend", reason="需勘查", count=21, time_unit="day")
    assert kinds(long) == ["hotline.extension_long"]
    desk.at("2022-05-25 08:00")
    assert desk.clocks("A")["reply"].due == datetime(2022, 5, 25, 23, 59, 59, tzinfo=CHINA)
    late = desk.move("A", "extend", reason="需勘查", count=5, time_unit="day")
    assert kinds(late) == ["hotline.extension_late"]


def test_an_extension_is_given_once(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.move("A", "accept", UNIT)
    assert desk.move("A", "extend", reason="需勘查", count=5, time_unit="day").status == "done"
    again = desk.move("A", "extend", reason="还需勘查", count=5, time_unit="day")
    assert kinds(again) == ["hotline.extended_before"]


def test_waiting_for_the_caller_stops_the_clock(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.move("A", "accept", UNIT)
    desk.at("2022-05-18 10:00")
    desk.move("A", "wait", UNIT, reason="待补充材料")
    desk.at("2022-05-30 10:00")
    assert desk.clocks("A")["reply"].state == "paused"
    assert desk.counted("reply") == []
    desk.move("A", "resume", UNIT)
    assert desk.clocks("A")["reply"].due == datetime(2022, 6, 7, 23, 59, 59, tzinfo=CHINA)


def test_a_late_answer_counts_once_when_it_becomes_late(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.move("A", "accept", UNIT)
    desk.at("2022-05-26 00:00")
    assert desk.counted("reply") == ["no"]
    assert desk.case("A").fields["urged"] == 1
    desk.move("A", "reply", UNIT, reply="已修好")
    assert desk.counted("reply") == ["no"]
    desk.at("2022-06-26 00:00")
    assert desk.counted("reply") == ["no"]


def test_only_a_person_refuses_and_says_why(desk: TestDesk) -> None:
    desk.arrive("A")
    assert kinds(desk.move("A", "refuse", outcome="court")) == ["cases.missing"]
    assert kinds(desk.move("A", "refuse", CITIZEN, outcome="court", reason="x")) == ["cases.not_allowed"]
    assert desk.move("A", "refuse", outcome="court", reason="已在法院审理").status == "done"
    assert desk.case("A").state == "not_accepted"


def test_closing_without_solving_needs_reason_and_outcome(desk: TestDesk) -> None:
    desk.arrive("A")
    desk.move("A", "answer", reply="答复", subject="urban")
    assert kinds(desk.move("A", "close_unsolved", reason="无依据")) == ["cases.unknown_outcome"]
    assert desk.move("A", "close_unsolved", reason="无依据", outcome="no_basis").status == "done"
    assert desk.counted("direct") == ["yes"]


def test_a_citizen_reopens_and_the_clocks_start_anew(desk: TestDesk) -> None:
    desk.arrive("A", **SURE, caller="tel-1")
    desk.move("A", "accept", UNIT)
    desk.move("A", "reply", UNIT, reply="已修好")
    desk.move("A", "visit", solved="no", satisfied="no")
    desk.at("2022-05-20 09:00")
    assert desk.move("A", "reopen", CITIZEN, reason="灯还是不亮").status == "done"
    case, clocks = desk.case("A"), desk.clocks("A")
    assert (case.state, case.fields["reopened"]) == ("held", 1)
    assert clocks["reply"].state == "running"
    assert clocks["reply"].started == datetime(2022, 5, 20, 9, tzinfo=CHINA)
    assert kinds(desk.move("A", "dispatch", CITIZEN, unit="housing", subject="urban")) == ["cases.not_allowed"]


def test_duplicates_go_into_one(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.arrive("B", **{**SURE, "like": "hotline:A"})
    assert kinds(desk.move("B", "merge", into="hotline:B")) == ["cases.merge_into"]
    assert desk.move("B", "merge", into="hotline:A").status == "done"
    assert (desk.case("B").state, desk.case("B").merged_into) == ("merged", "hotline:A")
    desk.at("2022-06-20 09:00")
    assert desk.case("B").fields.get("urged", 0) == 0


def test_a_repeat_caller_is_counted(desk: TestDesk) -> None:
    desk.arrive("A", **SURE, caller="tel-1")
    desk.at("2022-05-20 09:00")
    desk.arrive("B", **SURE, caller="tel-1")
    desk.at("2022-08-20 09:00")
    desk.arrive("C", **SURE, caller="tel-1")
    assert desk.counted("repeat") == ["no", "yes", "no"]


def test_two_who_saw_the_same_do_not_both_move(desk: TestDesk) -> None:
    desk.arrive("A")
    first = desk.move("A", "dispatch", unit="housing", subject="urban", seen=1)
    second = desk.move("A", "dispatch", unit="housing", subject="urban", seen=1)
    assert first.status == "done"
    assert kinds(second) == ["cases.moved_meanwhile"]


def test_what_a_person_said_is_not_in_the_journal(desk: TestDesk) -> None:
    desk.arrive("A", **{**SURE, "text": "我住月河街道九号"}, phone="057212345678")
    desk.move("A", "accept", UNIT)
    desk.move("A", "reply", UNIT, reply="已经告诉张某某")
    desk.move("A", "add_note", note="来电人说很满意")
    with desk.engine.books.read() as tx:
        said = str([line.payload for line in tx.each_line()])
    for words in ("月河街道九号", "057212345678", "张某某", "很满意"):
        assert words not in said
    assert desk.engine.forget("arrived:A", "保存期满", "auditor") == 2


def test_a_message_without_a_place_counts_in_the_city_alone(desk: TestDesk) -> None:
    desk.arrive("A", text="想说点事")
    assert desk.counted("arrived") == ["yes"]
    assert desk.counted("arrived", "330502000000") == []


def test_officers_take_hand_over_and_share(desk: TestDesk) -> None:
    desk.arrive("A", **SURE)
    desk.move("A", "take", officer="duty.tests")
    assert desk.case("A").officer == "duty.tests"
    assert kinds(desk.move("A", "hand_over", officer="duty.other")) == ["cases.missing"]
    desk.move("A", "hand_over", officer="duty.other", reason="离岗移交")
    desk.move("A", "share", co_units="water, power")
    case = desk.case("A")
    assert (case.officer, case.co_units) == ("duty.other", ("water", "power"))
