"""The engine: each event whole or not at all, repeats answered, clocks once, private texts apart, on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from time import sleep

import pytest

from tests.kernel.engine.made_up import CADRE, CITIZEN, ORGANS, VILLAGE, asked, load, make_engine, moved
from yucun.base.clock import SimulatedClock, stopwatch
from yucun.kernel.books import CONFLICTS, Books
from yucun.kernel.books.rebuild import rebuild
from yucun.kernel.cases import Case
from yucun.kernel.effects import Notify, OpenCase, Reserve
from yucun.kernel.engine import (
    Event,
    EventEngine,
    Running,
    Serving,
    Turn,
    TurningClock,
    compare,
    copy_private,
    list_waiting,
    replay,
)
from yucun.kernel.ledger import Transfer


@pytest.fixture
def engine(url: str, clock: SimulatedClock) -> Iterator[EventEngine]:
    made = make_engine(url, clock)
    yield made
    with made.books.read() as tx:
        made.ledger.check(tx)
        made.cases.check(tx)
    made.books.verify()
    made.books.close()


def case_of(engine: EventEngine, household: str) -> Case:
    with engine.books.read() as tx:
        return engine.cases.get(tx, f"visit:{household}")


def held_for(engine: EventEngine, household: str) -> tuple[int | None, int | None]:
    with engine.books.read() as tx:
        balance = engine.ledger.balance(tx, f"visitor:{household}", "fen")
    return balance.posted, balance.coming_in


def test_an_event_opens_a_case_holds_money_and_tells(engine: EventEngine) -> None:
    (taken,) = engine.take([asked("H1", region=VILLAGE)])
    assert taken.status == "done" and taken.cases == ("visit:H1",)
    assert [type(effect) for effect in taken.effects] == [OpenCase, Notify, Reserve]
    case = case_of(engine, "H1")
    assert (case.state, case.region, case.version) == ("asked", VILLAGE, 0)
    assert held_for(engine, "H1") == (0, 500)
    assert [m.body["to"] for m in list_waiting(engine.books, "notify")] == ["cadre"]
    with engine.books.read() as tx:
        (event,) = tx.lines(kinds=["engine.event"])
        assert event.pack == engine.services["visits"].pack.hash and event.service == engine.services["visits"].hash
        assert len({line.commit for line in tx.lines(after=event.seq - 1)}) == 1


def test_a_repeat_is_answered_already_and_changes_nothing(engine: EventEngine) -> None:
    engine.take([asked("H1", words="请来一趟")])
    before = engine.books.state_hash()
    (again,) = engine.take([asked("H1", words="请来一趟")])
    assert again.status == "already" and engine.books.state_hash() == before
    (other,) = engine.take([asked("H1", fee_fen=600)])
    assert [f.kind for f in other.findings] == ["engine.key_reused"] and engine.books.state_hash() == before


def test_a_refused_effect_undoes_its_event_and_no_other(engine: EventEngine) -> None:
    taken = engine.take([asked("H1"), asked("H2", fee_fen=100_000, region=VILLAGE), moved("H9", "go"), asked("H3")])
    assert [one.status for one in taken] == ["done", "done", "refused", "done"]
    assert [f.kind for f in taken[2].findings] == ["cases.unknown_case"]
    for number in range(20, 30):
        engine.take([asked(f"H{number}", fee_fen=100_000)])
    (short,) = engine.take([asked("H40", fee_fen=100_000)])
    assert short.status == "refused" and [f.kind for f in short.findings] == ["ledger.short"]
    with engine.books.read() as tx:
        assert engine.cases.find(tx, "visit:H40") is None
        assert tx.row("SELECT status, refusals FROM engine_event WHERE event = 'asked:H40'") == ("refused", 1)
    assert not [m for m in list_waiting(engine.books, "notify") if m.body["body"]["case"] == "visit:H40"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"household": "H1"}, "lake.required"),
        ({"household": "H1", "fee_fen": 100_001}, "lake.out_of_range"),
        ({"household": "H1", "fee_fen": 5.5}, "lake.not_a_number"),
        ({"household": "H1", "fee_fen": True}, "lake.not_a_number"),
        ({"household": 7, "fee_fen": 5}, "record.not_text"),
        ({"household": "H" * 41, "fee_fen": 5}, "lake.too_long"),
        ({"household": "H1", "fee_fen": 5, "region": "于村"}, "lake.unknown_region"),
        ({"household": "H1", "fee_fen": 5, "colour": "red"}, "record.unknown_field"),
    ],
)
def test_what_breaks_the_contract_never_reaches_the_service(
    engine: EventEngine, body: dict[str, object], kind: str
) -> None:
    before = engine.books.state_hash()
    (taken,) = engine.take([Event("e1", "visits.asked", body, CITIZEN)])
    assert taken.status == "refused" and [f.kind for f in taken.findings] == [kind]
    assert engine.books.state_hash() == before


@pytest.mark.parametrize(
    ("kind", "found"), [("nobody.asked", "engine.no_service"), ("visits.unheard", "engine.no_contract")]
)
def test_an_event_that_nobody_knows_is_refused(engine: EventEngine, kind: str, found: str) -> None:
    (taken,) = engine.take([Event("e1", kind, {}, CITIZEN)])
    assert taken.status == "refused" and [f.kind for f in taken.findings] == [found]


@pytest.mark.parametrize(
    ("how", "kind"), [("raise", "engine.mistake"), ("foreign", "engine.not_own"), ("secret", "engine.not_published")]
)
def test_a_services_mistake_stops_nobody_else(engine: EventEngine, how: str, kind: str) -> None:
    wrong = Event("wrong", "visits.broken", {"how": how}, CITIZEN)
    taken = engine.take([asked("H1"), wrong, asked("H2")])
    assert [one.status for one in taken] == ["done", "refused", "done"]
    assert [f.kind for f in taken[1].findings] == [kind]


def test_moves_say_which_version_was_seen(engine: EventEngine) -> None:
    engine.take([asked("H1")])
    first, second = engine.take([moved("H1", "go", 1, seen=0), moved("H1", "go", 2, seen=0)])
    assert first.status == "done" and [f.kind for f in second.findings] == ["cases.moved_meanwhile"]
    (again,) = engine.take([moved("H1", "go", 1, seen=0)])
    assert again.status == "already" and case_of(engine, "H1").version == 1


def test_each_event_of_a_batch_sees_what_those_before_it_did(engine: EventEngine) -> None:
    engine.take([asked("H1"), asked("H2")])
    taken = engine.take(
        [
            moved("H1", "go", 1, seen=0),
            moved("H3", "go", 1, seen=0),
            asked("H3"),
            moved("H2", "go", 1, seen=1),
            moved("H3", "go", 2, seen=0),
            moved("H2", "go", 2, seen=0),
            moved("H1", "go", 2, seen=0),
        ]
    )
    assert [one.status for one in taken] == ["done", "refused", "done", "refused", "done", "done", "refused"]
    said = [f.kind for one in taken for f in one.findings]
    assert said == ["cases.unknown_case", "cases.moved_meanwhile", "cases.moved_meanwhile"]
    assert [case_of(engine, f"H{n}").version for n in (1, 2, 3)] == [1, 1, 1]


def test_the_repeat_of_a_refused_move_is_not_taken_for_done(engine: EventEngine) -> None:
    engine.take([asked("H1"), moved("H1", "go", 1, seen=0)])
    refused, again = (engine.take([moved("H1", "go", 2, seen=0)])[0] for _ in range(2))
    assert (refused.status, again.status, again.is_good) == ("refused", "already", False)
    assert again.findings == refused.findings


def test_only_a_person_refuses_and_writes_why(engine: EventEngine) -> None:
    engine.take([asked("H1")])
    (silent,) = engine.take([moved("H1", "decline", 1)])
    (citizen,) = engine.take([moved("H1", "decline", 2, by=CITIZEN, reason="不必")])
    assert [silent.findings[0].kind, citizen.findings[0].kind] == ["cases.missing", "cases.not_allowed"]
    (done,) = engine.take([moved("H1", "decline", 3, reason="本人已外出，电话确认")])
    assert done.status == "done" and case_of(engine, "H1").closed_at is not None
    with engine.books.read() as tx:
        last = engine.cases.history(tx, engine.cases.get(tx, "visit:H1"))[-1]
    assert (last.by, last.reason) == (CADRE.account, "本人已外出，电话确认")


def test_a_report_pays_records_and_another_service_hears_once(engine: EventEngine) -> None:
    engine.take([asked("H1"), moved("H1", "go"), moved("H1", "report", reason="人在家")])
    assert held_for(engine, "H1") == (500, 0)
    assert [one.status for one in engine.pass_on()] == ["done"]
    assert engine.pass_on() == []
    with engine.books.read() as tx:
        assert engine.cases.find(tx, "count:H1") is not None
        assert tx.row("SELECT content FROM engine_record") == ('{"fee_fen":500,"household":"H1"}',)


@pytest.mark.parametrize(
    ("how", "status", "kinds"), [("again", "done", []), ("otherwise", "refused", ["engine.record_known"])]
)
def test_a_row_whose_key_is_held_is_met_by_looking_and_stops_nobody_else(
    engine: EventEngine, how: str, status: str, kinds: list[str]
) -> None:
    engine.take([asked("H1"), moved("H1", "go"), moved("H1", "report", reason="人在家")])
    taken = engine.take([asked("H2"), Event("e", "visits.broken", {"how": how}, CITIZEN), asked("H3")])
    assert [one.status for one in taken] == ["done", status, "done"]
    assert [f.kind for f in taken[1].findings] == kinds
    with engine.books.read() as tx:
        assert tx.rows("SELECT content FROM engine_record") == [('{"fee_fen":500,"household":"H1"}',)]
        assert len(tx.lines(kinds=["engine.event"])) == 6
    assert engine.take([Event("e", "visits.broken", {"how": how}, CITIZEN)])[0].status == "already"


def test_two_events_of_a_batch_that_record_one_key_are_told_apart(engine: EventEngine) -> None:
    both = [Event(how, "visits.broken", {"how": how}, CITIZEN) for how in ("otherwise", "again")]
    first, second = engine.take(both)
    assert (first.status, second.status) == ("done", "refused")
    assert [f.kind for f in second.findings] == ["engine.record_known"]


def test_a_clock_fires_once_also_late_and_after_a_restart(engine: EventEngine, clock: SimulatedClock) -> None:
    engine.take([asked("H1"), asked("H2"), moved("H2", "go"), moved("H2", "wait", reason="下雨")])
    assert engine.tick() == []
    clock.advance(timedelta(days=30))
    assert [one.status for one in engine.tick()] == ["done"]
    assert engine.tick() == []
    with engine.books.read() as tx:
        assert engine.cases.clocks(tx, case_of(engine, "H1"))["visit"].state == "late"
        paused = engine.cases.clocks(tx, case_of(engine, "H2"))["visit"]
        assert (paused.state, paused.due, paused.left and paused.left.count) == ("paused", None, 3)
        assert [m.move for m in engine.cases.history(tx, case_of(engine, "H1"))] == ["open", "late"]


def test_a_question_is_asked_and_its_answer_taken_once(engine: EventEngine) -> None:
    engine.take([asked("H7")])
    (question,) = list_waiting(engine.books, "ask")
    assert engine.answer(question, {"who": "cadre.near"}).status == "done"
    assert engine.answer(question, {"who": "cadre.near"}).status == "already"
    assert list_waiting(engine.books, "ask") == []
    assert (case_of(engine, "H7").officer, case_of(engine, "H7").state) == ("cadre.near", "going")


def test_private_words_stay_out_of_the_journal_and_can_be_forgotten(engine: EventEngine) -> None:
    words = "我母亲身份证丢了"
    engine.take([asked("H1", words=words)])
    with engine.books.read() as tx:
        assert not [line for line in tx.lines() if words in str(line.to_json())]
        mark = engine.cases.get(tx, "visit:H1").fields["words"]
        assert tx.row("SELECT body FROM engine_private WHERE hash = ?", (mark,)) == (words,)
    before = engine.books.state_hash()
    assert engine.forget("asked:H1", "保存期满", "clerk") == 1
    assert engine.books.state_hash() == before
    with engine.books.read() as tx:
        assert tx.rows("SELECT * FROM engine_private") == []
    assert engine.take([asked("H1", words=words)])[0].status == "already"


def test_a_dry_run_says_all_and_keeps_nothing(engine: EventEngine) -> None:
    before = engine.books.state_hash()
    (would,) = engine.dry_run([asked("H1")])
    assert would.status == "done" and would.cases == ("visit:H1",)
    assert engine.books.state_hash() == before
    assert engine.take([asked("H1")])[0].status == "done"


def lead_a_life(engine: EventEngine, clock: SimulatedClock) -> None:
    engine.take([asked(f"H{n}", region=VILLAGE, words=f"第{n}户") for n in range(1, 9)])
    for message in list_waiting(engine.books, "ask"):
        engine.answer(message, {"who": "cadre.near"})
    clock.advance(timedelta(hours=3))
    engine.take([moved("H1", "go"), moved("H1", "report", reason="人在家"), moved("H2", "go"), moved("H2", "go", 2)])
    while engine.pass_on():
        pass
    clock.advance(timedelta(days=5))
    while engine.tick():
        pass
    engine.take([moved("H3", "decline", reason="搬走了"), moved("H2", "wait", reason="下雨")])
    clock.advance(timedelta(days=9))
    while engine.tick():
        pass


def test_rebuild_reaches_the_same_state(engine: EventEngine, clock: SimulatedClock, tmp_path: Path) -> None:
    lead_a_life(engine, clock)
    fresh = Books.open(f"sqlite:///{tmp_path}/rebuilt.sqlite", ORGANS, clock)
    assert rebuild(engine.books, fresh) == engine.books.state_hash()
    assert copy_private(engine.books, fresh) == 8
    fresh.close()


def test_a_replay_without_a_change_differs_in_nothing(engine: EventEngine, clock: SimulatedClock) -> None:
    lead_a_life(engine, clock)
    turning = TurningClock.on(date(2022, 5, 31), ticking=False)
    again = make_engine("sqlite://", turning, fund=False)
    done = replay(engine.books, again, turning)
    assert done.events > 12 and done.unanswered == ()
    assert list(compare(engine.books, again.books)) == []
    again.books.close()


def test_a_replay_under_one_changed_line_lists_exactly_what_moves(engine: EventEngine, clock: SimulatedClock) -> None:
    lead_a_life(engine, clock)
    turning = TurningClock.on(date(2022, 5, 31), ticking=False)
    values = {"limit": {"visit": {"count": 4, "unit": "working_day", "evidence": "made_up", "source": "tests"}}}
    again = make_engine("sqlite://", turning, load(packs={"visits": values}), fund=False)
    replay(engine.books, again, turning)
    found = list(compare(engine.books, again.books))
    moved_on = {
        d.key: (d.before[:10], d.after[:10]) for d in found if d.what == "deadline" and d.field == "due" and d.before
    }
    assert moved_on == {f"visit:H{n} visit": ("2022-06-06", "2022-06-07") for n in (1, 3, 4, 5, 6, 7, 8)}
    left = {d.key for d in found if d.what == "deadline" and d.field == "left"}
    assert {d.what for d in found} == {"deadline", "event"} and left == {"visit:H2 visit"}
    again.books.close()


def test_many_hands_give_events_to_one_engine(engine: EventEngine) -> None:
    running = Running(engine, {"plans.who": lambda _: {"who": "cadre.near"}}).start()
    futures = [running.submit(asked(f"H{n}", fee_fen=10)) for n in range(1, 60)]
    assert {future.result(30).status for future in futures} == {"done"}
    running.stop()
    assert running.trouble is None
    assert {case_of(engine, f"H{n}").officer for n in (7, 17, 27, 37, 47, 57)} == {"cadre.near"}


def test_a_turn_whose_row_is_held_begins_once_and_stops_nobody_else(engine: EventEngine) -> None:
    engine.take([asked("H1"), moved("H1", "go"), moved("H1", "report", reason="人在家")])
    begun = []

    def go(event: Event) -> Turn[str]:
        begun.append(event.key)
        return (yield event).status

    running = Running(engine)
    wishes = [asked("H2"), Event("e", "visits.broken", {"how": "otherwise"}, CITIZEN), asked("H3")]
    futures = [running.run(go(event)) for event in wishes]
    running.start()
    running.stop()
    assert [future.result(30) for future in futures] == ["done", "refused", "done"]
    assert begun == [event.key for event in wishes]
    assert running.trouble is None


def test_what_a_turn_writes_besides_is_committed_with_its_batch(engine: EventEngine) -> None:
    engine.take([asked("H1"), moved("H1", "go"), moved("H1", "report", reason="人在家")])

    def go() -> Turn[str]:
        with engine.books.write() as tx:
            tx.record("tests.noted", "note", {"by": "a turn"})
        return (yield Event("e", "visits.broken", {"how": "otherwise"}, CITIZEN)).status

    running = Running(engine)
    futures = [running.run(go()), running.submit(asked("H2"))]
    running.start()
    running.stop()
    assert futures[0].result(30) == "refused"
    assert futures[1].result(30).status == "done"
    with engine.books.read() as tx:
        note, event = tx.find_line("note"), tx.find_line("event:asked:H2")
    assert note is not None and event is not None and note.commit == event.commit


def test_a_turn_that_writes_what_contradicts_is_told_and_the_next_batch_goes_on(engine: EventEngine) -> None:
    engine.take([asked("H1")])

    def go() -> Turn[str]:
        with engine.books.write() as tx:
            tx.execute("INSERT INTO engine_passed (service, seq) VALUES (?, ?)", ("twice", 1))
            tx.execute("INSERT INTO engine_passed (service, seq) VALUES (?, ?)", ("twice", 2))
        return (yield asked("H2")).status

    running = Running(engine)
    told = running.run(go())
    running.start()
    with pytest.raises(CONFLICTS):
        told.result(30)
    assert running.submit(asked("H3")).result(30).status == "done"
    running.stop()
    with engine.books.read() as tx:
        assert tx.row("SELECT count(*) FROM engine_passed") == (0,)
        assert tx.find_line("event:asked:H2") is None


def test_a_turn_reads_in_the_transaction_that_takes_its_event(engine: EventEngine) -> None:
    engine.take([asked("H1")])
    seen = []

    def look() -> Turn[str]:
        with engine.books.read() as tx:
            seen.append(tx.last_seq())
        taken = yield moved("H1", "go")
        seen.append(taken.seq)
        return taken.status

    running = Running(engine)
    future = running.run(look())
    running.start()
    running.stop()
    assert future.result(30) == "done"
    assert seen[1] == seen[0] + 1


def test_a_look_says_what_there_is_to_do(engine: EventEngine, url: str, clock: SimulatedClock) -> None:
    def due() -> list[str]:
        return [name for name in ("clocks", "rows", "questions", "reservations") if getattr(engine.look(), name)]

    assert due() == []
    engine.take([asked("H1"), asked("H7")])
    assert due() == ["questions"]
    for message in list_waiting(engine.books, "ask"):
        engine.answer(message, {"who": "cadre.near"})
    assert due() == []
    engine.take([moved("H1", "go"), moved("H1", "report", reason="人在家")])
    assert due() == ["rows"]
    assert [one.status for one in engine.pass_on()] == ["done"]
    assert engine.pass_on() == []
    assert due() == []
    # Another process has recorded a row that this engine was never told of.
    other = make_engine(url, clock, fund=False)
    other.take([asked("H2"), moved("H2", "go"), moved("H2", "report", reason="人在家")])
    other.books.close()
    assert due() == ["rows"]
    assert [one.status for one in engine.pass_on()] == ["done"]
    assert engine.pass_on() == []
    clock.advance(timedelta(days=30))
    assert due() == ["clocks"]
    while engine.tick():
        pass
    hold = Transfer("r1", "fund:visits", "visitor:H9", 5, "fen", "visits.fee", action="reserve",
                    until=clock.now() + timedelta(hours=1))  # fmt: skip
    with engine.books.write() as tx:
        engine.ledger.post(tx, [hold])
    assert due() == []
    clock.advance(timedelta(hours=1))
    assert due() == ["reservations"]
    assert engine.expire() == 1
    assert due() == []


def test_a_turn_reads_before_and_after_its_event(engine: EventEngine) -> None:
    engine.take([asked("H1")])
    number = case_of(engine, "H1").no

    def go() -> Turn[tuple[str, str, bool]]:
        with engine.books.read() as tx:
            before = engine.cases.get(tx, number)
        taken = yield moved("H1", "go", seen=before.version)
        with engine.books.read() as tx:
            after = engine.cases.get(tx, number)
        stands = taken.after["visit:H1"]
        return before.state, after.state, stands.case == after

    def fail() -> Turn[None]:
        raise LookupError("not here")
        yield asked("H8")

    def twice() -> Turn[None]:
        yield asked("H2")
        yield asked("H3")

    def nothing() -> Turn[str]:
        if number < 0:
            yield asked("H4")
        return "looked only"

    running = Running(engine)
    gone = running.run(asked_in_turn := go(), [engine.cases.question(number)])
    failed, doubled, looked, left = running.run(fail()), running.run(twice()), running.run(nothing()), running.run(go())
    assert left.cancel(), "who waits no longer has no turn"
    running.start()
    running.stop()
    assert gone.result(30) == ("asked", "going", True)
    assert asked_in_turn.gi_frame is None
    with pytest.raises(LookupError, match="not here"):
        failed.result(30)
    with pytest.raises(RuntimeError, match="one event"):
        doubled.result(30)
    assert looked.result(30) == "looked only"
    assert running.trouble is None
    with engine.books.read() as tx:
        assert [line.key for line in tx.lines(kinds=["engine.event"])] == [
            "event:asked:H1",
            "event:moved:H1:go:1",
            "event:asked:H2",
        ]


def test_who_waits_for_a_batch_that_failed_is_told(engine: EventEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(engine, "take_within", fail)
    running = Running(engine).start()
    future = running.submit(asked("H1"))
    with pytest.raises(OSError, match="disk"):
        future.result(30)
    running.stop()
    assert isinstance(running.trouble, OSError)


def test_a_served_city_says_which_thread_fails(engine: EventEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise OSError("the disk is full")

    serving = Serving(engine, {}, lambda: 0, lambda rest: 0, lambda: None)  # noqa: ARG005 - the shape of a publisher
    assert serving.list_failing() == []
    monkeypatch.setattr(engine, "look", fail)
    serving.start()
    try:
        end = stopwatch()
        while not serving.list_failing() and end() < 30:
            sleep(0.01)
        assert serving.list_failing() == ["engine"]
    finally:
        serving.stop()
