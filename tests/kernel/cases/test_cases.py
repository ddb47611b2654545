"""Cases: what a declaration must say, how clocks run, pause and are extended, and what a move is refused for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yucun.base.clock import CHINA, SimulatedClock
from yucun.base.declaration import Declaration
from yucun.base.errors import HistoryBroken, NotKnown, Yours
from yucun.base.period import WorkingCalendar
from yucun.kernel.books import Books
from yucun.kernel.cases import ORGAN, Actor, Cases, Moving, Opening, Standing, TimeLimit, make_cases
from yucun.kernel.cases.clocks import time_left

CALENDAR = WorkingCalendar.of_china()
OFFICER = Actor("officer", frozenset({"officer"}))
RULE = Actor.rule("demo")
GOOD = """
[letter]
title = {zh = "来信", en = "letter"}
first = "open"
[letter.states.open]
title = {zh = "待办", en = "open"}
[letter.states.closed]
title = {zh = "办结", en = "closed"}
final = true
[letter.states.merged]
title = {zh = "并案", en = "merged"}
final = true
[letter.fields.subject]
title = {zh = "主题", en = "subject"}
type = "code"
codes.water = {zh = "用水", en = "water"}
[letter.fields.pages]
title = {zh = "页数", en = "pages"}
type = "integer"
[letter.clocks.reply]
title = {zh = "答复", en = "reply"}
may_extend = true
[letter.moves.assign]
title = {zh = "交办", en = "assign"}
from = ["open"]
by = ["officer", "rule"]
needs = ["unit"]
clocks = {reply = "start"}
[letter.moves.pause]
title = {zh = "中止", en = "pause"}
from = ["open"]
by = ["officer"]
reason = "required"
clocks = {reply = "pause"}
[letter.moves.resume]
title = {zh = "恢复", en = "resume"}
from = ["open"]
by = ["officer"]
clocks = {reply = "resume"}
[letter.moves.extend]
title = {zh = "延期", en = "extend"}
from = ["open"]
by = ["officer"]
reason = "required"
clocks = {reply = "extend"}
[letter.moves.close]
title = {zh = "办结", en = "close"}
from = ["open"]
to = "closed"
by = ["officer"]
clocks = {reply = "meet"}
evidence = "required"
[letter.moves.close.outcomes]
solved = {zh = "已解决", en = "solved"}
not_solved = {zh = "未解决", en = "not solved"}
[letter.moves.merge]
title = {zh = "并案", en = "merge"}
from = ["open"]
to = "merged"
by = ["officer"]
ends_other = true
[letter.moves.reopen]
title = {zh = "重办", en = "reopen"}
from = ["closed"]
to = "open"
by = ["officer"]
reason = "required"
clocks = {reply = "start"}
"""

REFUSING_RULE = """
[letter.moves.no]
title = {zh = "不予受理", en = "no"}
from = ["open"]
to = "closed"
by = ["rule"]
refuses = true
"""


@pytest.fixture
def books(url: str, clock: SimulatedClock) -> Iterator[Books]:
    opened = Books.open(url, [ORGAN], clock)
    yield opened
    opened.close()


@pytest.fixture
def cases() -> Cases:
    kinds, findings = make_cases(Declaration.parse(GOOD, "cases.toml"), "demo")
    assert findings == []
    return Cases(kinds, CALENDAR)


def open_letter(books: Books, cases: Cases, case: str = "l1") -> None:
    with books.write() as tx:
        cases.open(
            tx, [Opening("demo.letter", case, RULE, clocks={"reply": TimeLimit(5, "working_day")})], f"open:{case}"
        )


def move(books: Books, cases: Cases, *wishes: Moving) -> tuple[tuple[str, ...], list[str]]:
    """Move cases; what their mover knows of them without reading is what the books hold afterwards."""
    with books.write() as tx:
        worked = cases.move(tx, wishes, f"move:{tx.last_seq()}")
        known = cases.list_known(tx, worked.done)
    with books.read() as tx:
        held = {one: Standing(found := cases.get(tx, one), cases.clocks(tx, found)) for one in worked.done}
    assert known == held
    return worked.done, [one.finding.kind for one in worked.refused]


def due_of(books: Books, cases: Cases, case: str = "l1") -> datetime | None:
    with books.read() as tx:
        return cases.clocks(tx, cases.get(tx, case))["reply"].due


@pytest.mark.parametrize(
    ("old", "new", "kind", "key"),
    [
        ('first = "open"', 'first = "begun"', "cases.unknown", "letter.first"),
        ('to = "closed"', 'to = "shut"', "cases.unknown", "letter.moves.close.from"),
        ('needs = ["unit"]', 'needs = ["colour"]', "cases.unknown", "letter.moves.assign.needs"),
        ('clocks = {reply = "meet"}', 'clocks = {visit = "meet"}', "cases.unknown", "letter.moves.close.clocks"),
        ('clocks = {reply = "meet"}', 'clocks = {reply = "forget"}', "cases.unknown", "letter.moves.close.clocks"),
        ('evidence = "required"', 'evidence = "maybe"', "cases.unknown", "letter.moves.close.evidence"),
        ('type = "integer"', 'type = "number"', "cases.unknown", "letter.fields.pages.type"),
        ("[letter.fields.pages]", "[letter.fields.unit]", "cases.common_field", "letter.fields.unit"),
        ("may_extend = true", REFUSING_RULE, "cases.refusal_by_rule", "letter.moves.no"),
        ('from = ["closed"]\nto = "open"', 'from = ["merged"]\nto = "closed"', None, None),
        ("final = true\n[letter.fields.subject]", "[letter.fields.subject]", "cases.dead_end", "letter.states.merged"),
        ('title = {zh = "页数", en = "pages"}', 'title = {zh = "页数"}', "declaration.language", "letter.fields.pages.title"),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_work_is_refused(old: str, new: str, kind: str | None, key: str | None) -> None:
    assert old in GOOD
    _, findings = make_cases(Declaration.parse(GOOD.replace(old, new, 1), "cases.toml"), "demo")
    if kind is None:
        assert findings == []
    else:
        found = next(one for one in findings if one.kind == kind)
        assert found.key == key and found.where.startswith("cases.toml:")


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (Opening("demo.parcel", "l2", RULE), "cases.unknown_kind"),
        (Opening("demo.letter", "", RULE), "cases.bad_id"),
        (Opening("demo.letter", "l2", RULE, fields={"colour": "red"}), "cases.unknown_field"),
        (Opening("demo.letter", "l2", RULE, fields={"pages": "three"}), "cases.field_value"),
        (Opening("demo.letter", "l2", RULE, fields={"pages": True}), "cases.field_value"),
        (Opening("demo.letter", "l2", RULE, fields={"subject": "fire"}), "cases.field_value"),
        (Opening("demo.letter", "l2", RULE, clocks={"visit": TimeLimit(1, "day")}), "cases.unknown_clock"),
    ],
)
def test_a_case_that_cannot_be_opened_says_why(books: Books, cases: Cases, wish: Opening, kind: str) -> None:
    with books.write() as tx:
        worked = cases.open(tx, [wish, Opening("demo.letter", "good", RULE)], "e1")
    assert [one.finding.kind for one in worked.refused] == [kind] and worked.done == ("good",)
    with pytest.raises(Yours) as caught, books.write() as tx:
        cases.open(tx, [wish, Opening("demo.letter", "better", RULE)], "e2", all_or_none=True)
    assert [one.kind for one in caught.value.findings] == [kind]
    with books.read() as tx, pytest.raises(NotKnown):
        cases.get(tx, "better")


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (Moving("l9", "assign", OFFICER), "cases.unknown_case"),
        (Moving("l1", "fly", OFFICER), "cases.unknown_move"),
        (Moving("l1", "reopen", OFFICER, reason="x"), "cases.wrong_state"),
        (Moving("l1", "assign", Actor("citizen", frozenset({"citizen"}))), "cases.not_allowed"),
        (Moving("l1", "assign", OFFICER), "cases.missing"),
        (Moving("l1", "pause", OFFICER), "cases.missing"),
        (Moving("l1", "close", OFFICER, outcome="solved"), "cases.missing"),
        (Moving("l1", "close", OFFICER, evidence=("a",)), "cases.unknown_outcome"),
        (Moving("l1", "resume", OFFICER), "cases.clock_state"),
        (Moving("l1", "extend", OFFICER, reason="x"), "cases.missing"),
        (Moving("l1", "assign", OFFICER, seen=3, set={"unit": "u"}), "cases.moved_meanwhile"),
        (Moving("l1", "merge", OFFICER), "cases.merge_into"),
        (Moving("l1", "merge", OFFICER, into="l1"), "cases.merge_into"),
        (Moving("l1", "assign", OFFICER, set={"unit": "u", "pages": 1.5}), "cases.field_value"),
    ],
)
def test_a_move_that_cannot_be_made_says_why(books: Books, cases: Cases, wish: Moving, kind: str) -> None:
    open_letter(books, cases)
    before = books.state_hash()
    assert move(books, cases, wish) == ((), [kind])
    assert books.state_hash() == before


def test_a_pause_keeps_what_is_left_and_working_days_do_not_count_holidays(
    books: Books, cases: Cases, clock: SimulatedClock
) -> None:
    open_letter(books, cases)
    assert due_of(books, cases) == datetime(2022, 6, 8, 23, 59, 59, tzinfo=CHINA)
    clock.advance(timedelta(days=2))
    assert move(books, cases, Moving("l1", "pause", OFFICER, reason="等材料")) == (("l1",), [])
    assert due_of(books, cases) is None
    clock.advance(timedelta(days=10))
    with books.read() as tx:
        assert cases.list_due(tx, clock.now()) == []
    assert move(books, cases, Moving("l1", "resume", OFFICER)) == (("l1",), [])
    assert due_of(books, cases) == datetime(2022, 6, 15, 23, 59, 59, tzinfo=CHINA)
    assert move(
        books, cases, Moving("l1", "extend", OFFICER, reason="复杂", clocks={"reply": TimeLimit(3, "working_day")})
    )[0]
    assert due_of(books, cases) == datetime(2022, 6, 20, 23, 59, 59, tzinfo=CHINA)


def test_a_case_is_closed_reopened_and_merged_with_one_history(
    books: Books, cases: Cases, clock: SimulatedClock
) -> None:
    open_letter(books, cases)
    open_letter(books, cases, "l2")
    clock.advance(timedelta(days=20))
    done, refused = move(books, cases, Moving("l1", "close", OFFICER, evidence=("photo",), outcome="solved"),
                         Moving("l2", "merge", OFFICER, into="l1"))  # fmt: skip
    assert (done, refused) == (("l1", "l2"), [])
    with books.read() as tx:
        first, second = cases.get(tx, "l1"), cases.get(tx, 2)
        assert (first.outcome, second.merged_into) == ("solved", "l1")
        assert {cases.clocks(tx, one)["reply"].state for one in (first, second)} == {"late"}
    assert move(
        books, cases, Moving("l1", "reopen", OFFICER, reason="又停水", clocks={"reply": TimeLimit(24, "hour")})
    )[0]
    with books.read() as tx:
        again = cases.get(tx, "l1")
        assert (again.state, again.closed_at, cases.clocks(tx, again)["reply"].state) == ("open", None, "running")
        assert [one.move for one in cases.history(tx, again)] == ["open", "close", "reopen"]
        assert cases.check(tx) == 2
        assert [c.id for c in cases.list_cases(tx, "demo.letter", is_open=True)] == ["l1"]
        assert cases.count(tx, "demo.letter") == {"open": 1, "merged": 1}


def test_a_broken_history_is_found(books: Books, cases: Cases) -> None:
    open_letter(books, cases)
    with books.write() as tx:
        tx.execute("UPDATE case_file SET state = 'closed' WHERE id = 'l1'")
    with books.read() as tx, pytest.raises(HistoryBroken, match="stands at 'closed'"):
        cases.check(tx)


def test_a_queue_is_read_page_by_page(books: Books, cases: Cases) -> None:
    with books.write() as tx:
        wishes = [
            Opening("demo.letter", f"q{n}", RULE, unit="water" if n % 2 else "", priority=n % 3) for n in range(30)
        ]
        cases.open(tx, wishes, "many")
    with books.read() as tx:
        newest = cases.list_cases(tx, "demo.letter", newest_first=True, limit=10)
        older = cases.list_cases(tx, "demo.letter", newest_first=True, limit=10, after=newest[-1].no)
        assert [c.no for c in newest + older] == list(range(30, 10, -1))
        urgent = cases.list_cases(tx, "demo.letter", unit="water", limit=5)
        assert {c.priority for c in urgent} == {2} and [c.no for c in urgent] == sorted(c.no for c in urgent)


INSTANTS = st.integers(0, 1_400 * 86_400).map(
    lambda seconds: datetime(2021, 1, 1, tzinfo=CHINA) + timedelta(seconds=seconds)
)
LIMITS = st.builds(TimeLimit, st.integers(0, 40), st.sampled_from(["minute", "hour", "day", "working_day"]))


@settings(max_examples=200, deadline=None)
@given(INSTANTS, LIMITS)
def test_a_pause_of_no_time_changes_nothing(start: datetime, limit: TimeLimit) -> None:
    due = limit.due(start, CALENDAR)
    left = time_left(due.at, limit.unit, start, CALENDAR)
    assert left.due(start, CALENDAR).at == due.at


@settings(max_examples=200, deadline=None)
@given(INSTANTS, LIMITS, st.integers(0, 60))
def test_a_pause_never_shortens_a_limit(start: datetime, limit: TimeLimit, days: int) -> None:
    due = limit.due(start, CALENDAR)
    paused = min(start + timedelta(days=1), due.at)
    resumed = paused + timedelta(days=days)
    assert time_left(due.at, limit.unit, paused, CALENDAR).due(resumed, CALENDAR).at >= due.at
