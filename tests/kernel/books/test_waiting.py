"""What waits is sent in order: savepoints only with something behind them, rows of one table in one statement."""

from __future__ import annotations

import json

from yucun.kernel.books.waiting import Waiting


def texts(waiting: Waiting) -> list[str]:
    return [statement.partition(" (")[0] for statement, _ in waiting.take()]


def test_rows_of_one_table_go_in_one_statement_in_their_order() -> None:
    waiting = Waiting()
    waiting.insert("a", ("n",), [(1,)])
    waiting.insert("b", ("n",), [(2,)])
    waiting.put("UPDATE c SET n = 1")
    waiting.insert("a", ("n",), [(3,), (4,)])
    (first, rows), *others = waiting.take()
    assert first.startswith("INSERT INTO a (n) SELECT n FROM json_populate_recordset(NULL::a")
    assert json.loads(rows[0]) == [{"n": 1}, {"n": 3}, {"n": 4}]
    assert [one[0].partition(" (")[0] for one in others] == ["INSERT INTO b", "UPDATE c SET n = 1"]
    assert len(waiting) == 0


def test_a_statement_that_names_the_table_and_other_columns_keep_rows_apart() -> None:
    waiting = Waiting()
    waiting.insert("a", ("n",), [(1,)])
    waiting.put("UPDATE a SET n = 2")
    waiting.insert("a", ("n",), [(3,)])
    waiting.insert("a", ("n", "m"), [(4, 5)])
    assert texts(waiting) == ["INSERT INTO a", "UPDATE a SET n = 2", "INSERT INTO a", "INSERT INTO a"]


def test_a_savepoint_waits_until_something_is_written_behind_it() -> None:
    waiting = Waiting()
    waiting.put("BEGIN")
    waiting.mark("step_1")
    assert texts(waiting) == ["BEGIN"]
    assert texts(waiting) == []
    waiting.insert("a", ("n",), [(1,)])
    assert texts(waiting) == ["SAVEPOINT step_1", "INSERT INTO a"]
    waiting.keep("step_1")
    assert texts(waiting) == ["RELEASE SAVEPOINT step_1"]


def test_what_was_never_sent_is_kept_or_dropped_without_a_word() -> None:
    waiting = Waiting()
    waiting.insert("a", ("n",), [(1,)])
    waiting.mark("step_1")
    waiting.insert("a", ("n",), [(2,)])
    waiting.mark("step_2")
    waiting.insert("a", ("n",), [(3,)])
    waiting.undo("step_2")
    waiting.keep("step_1")
    (sent,) = waiting.take()
    assert json.loads(sent[1][0]) == [{"n": 1}, {"n": 2}]


def test_a_savepoint_that_was_sent_keeps_rows_apart_and_is_gone_back_to() -> None:
    waiting = Waiting()
    waiting.insert("a", ("n",), [(1,)])
    waiting.mark("step_1")
    waiting.insert("a", ("n",), [(2,)])
    assert texts(waiting) == ["INSERT INTO a", "SAVEPOINT step_1", "INSERT INTO a"]
    waiting.insert("a", ("n",), [(3,)])
    waiting.undo("step_1")
    assert texts(waiting) == ["INSERT INTO a", "ROLLBACK TO SAVEPOINT step_1", "RELEASE SAVEPOINT step_1"]
