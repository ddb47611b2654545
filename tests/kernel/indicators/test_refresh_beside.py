"""A refresh works beside the writer: others land, refresh and sweep meanwhile, and every answer is of one version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from tests.kernel.indicators.test_cells import COST_TOTAL, INCOME, WHOLE
from tests.made_numbers import COUNTIES, MadeNumbers, money
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators import CELL_TABLE, CellKey
from yucun.kernel.indicators.pinned import REFRESHED, find_refreshed
from yucun.kernel.indicators.refresh import MOST_TRIES, Refreshed, refresh
from yucun.kernel.lake.landing import Sent, land

KEY = CellKey("made.income", RegionCode.parse(COUNTIES[0]), Period.year(2021))
STORES = ("sqlite", "postgresql")


def open_twice(folder: Path, url: str = "") -> tuple[MadeNumbers, MadeNumbers]:
    """The same city from two processes: books, lake and locks of their own over one store."""
    return MadeNumbers.make(folder, INCOME + WHOLE, url=url), MadeNumbers.make(folder, INCOME + WHOLE, url=url)


def during(made: MadeNumbers, act: Callable[[int], None]) -> Refreshed:
    """Refresh, and do something whenever a refresh has just begun: it is told the how-manieth time."""
    begun = 0

    def tell(done: int, _: int) -> None:
        nonlocal begun
        if done == 0:
            begun += 1
            act(begun)

    return refresh(made.lake, made.numbers.indicators, made.numbers.rules, made.regions, tell)


def send(made: MadeNumbers, fen: int) -> None:
    """Set the income of the first county, right or wrong, as a correction."""
    made.send("money", money({(COUNTIES[0], "2021", "in"): fen}), is_correction=True, refresh=False)


def income(made: MadeNumbers, as_of: int | None = None) -> int | float:
    return made.value("income", COUNTIES[0], "2021", as_of).parts["numerator"]


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest) -> str:
    """The address of new books; empty for SQLite in the test's own folder."""
    return str(request.getfixturevalue("postgres_database")) if request.param == "postgresql" else ""


def test_a_landing_commits_while_a_refresh_is_computing(tmp_path: Path, url: str) -> None:
    made, other = open_twice(tmp_path, url)
    send(made, 100)
    with made.books.read() as tx:
        before = tx.last_seq()
    done = during(made, lambda _: send(other, 700))
    assert done.line is not None
    with made.books.read() as tx:
        landed = tx.row("SELECT max(seq) FROM lake_landing")
        last = find_refreshed(tx)
    assert landed is not None
    assert before < landed[0] < done.line.seq
    assert (last.seq, last.pinned) == (done.line.seq, before)
    # Its cells count what it pinned, and that is what their rows say too.
    assert income(made) == 100
    assert not made.numbers.prove([KEY]).differing
    assert made.numbers.why(KEY.indicator, KEY.region, KEY.period).rows[0].fields["amount_fen"] == 100
    # What landed meanwhile is counted by the next one, and the answer in between stays.
    again = refresh(made.lake, made.numbers.indicators, made.numbers.rules, made.regions)
    assert again.line is not None
    assert income(made) == 700
    assert not made.numbers.prove([KEY]).differing
    assert income(made, done.line.seq) == 100
    assert not made.numbers.prove([KEY], question=made.numbers.ask(done.line.seq)).differing
    assert refresh(made.lake, made.numbers.indicators, made.numbers.rules, made.regions).line is None


def test_of_two_refreshes_one_counts_and_the_other_begins_again(tmp_path: Path, url: str) -> None:
    made, other = open_twice(tmp_path, url)
    send(made, 100)
    begun = []

    def act(time: int) -> None:
        begun.append(time)
        if time == 1:
            send(other, 200)
            assert other.numbers.refresh().line is not None

    assert during(made, act).line is None, "the other one counted everything"
    assert begun == [1], "the second time there was nothing left to compute"
    with made.books.read() as tx:
        assert len(tx.lines(kinds=(REFRESHED,))) == 1
    assert income(made) == 200
    held = [f.part for f in made.lake.files(CELL_TABLE)]
    assert len(held) == len(set(held)), "each cell stands once"
    assert made.lake.check_files() == []


def test_a_refresh_that_is_always_overtaken_counts_in_the_end(tmp_path: Path) -> None:
    made, other = open_twice(tmp_path)
    send(made, 0)
    waiting: list[Thread] = []

    def act(time: int) -> None:
        if time <= MOST_TRIES:
            send(other, time)
            assert other.numbers.refresh().line is not None
            send(other, 100 + time)
        else:
            late = Thread(target=send, args=(other, 999))
            late.start()
            late.join(0.2)
            assert late.is_alive(), "now it holds the writer's lock"
            waiting.append(late)

    done = during(made, act)
    assert done.line is not None
    assert income(made, done.line.seq) == 100 + MOST_TRIES
    waiting[0].join()
    made.numbers.refresh()
    assert income(made) == 999


def test_a_sweep_leaves_the_files_of_a_refresh_and_takes_those_of_a_crash(tmp_path: Path) -> None:
    made, other = open_twice(tmp_path)
    send(made, 100)
    swept = []

    def sweep() -> None:
        with other.books.writing():
            swept.append(other.lake.sweep())

    def tell(done: int, _: int) -> None:
        if done:
            assert list((made.lake.folder / CELL_TABLE).rglob("*.parquet")), "the first number's cells are written"
            sweep()

    refresh(made.lake, made.numbers.indicators, made.numbers.rules, made.regions, tell)
    assert swept == [0]
    assert made.lake.check_files() == []
    left = made.lake.write_file(CELL_TABLE, "made.left", made.lake.schema(CELL_TABLE).empty_table(), "crash")
    sweep()
    assert swept == [0, 1]
    assert not (made.lake.folder / left.name).exists()
    assert made.lake.check_files() == []


def test_files_that_vanished_are_made_again(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME + COST_TOTAL)
    send(made, 100)
    times = 0

    def tell(done: int, _: int) -> None:
        nonlocal times
        if done:
            times += 1
            if times == 1:
                for path in (made.lake.folder / CELL_TABLE).rglob("*.parquet"):
                    path.unlink()

    assert refresh(made.lake, made.numbers.indicators, made.numbers.rules, made.regions, tell).line is not None
    assert times == 2
    assert made.lake.check_files() == []
    assert income(made) == 100


def test_a_line_of_before_counts_all_that_came_before_it(tmp_path: Path) -> None:
    made, _ = open_twice(tmp_path)
    send(made, 100)
    with made.books.write() as tx:
        line, _ = tx.record(REFRESHED, "refreshed:old", {"all": "x", "definitions": {}, "added": [], "removed": []})
    with made.books.read() as tx:
        last = find_refreshed(tx)
        assert find_refreshed(tx, line.seq - 1).seq == 0
    assert (last.seq, last.pinned, last.digest) == (line.seq, line.seq, "x")


def test_landing_again_while_a_refresh_runs_answers_already(tmp_path: Path) -> None:
    made, other = open_twice(tmp_path)
    send(made, 100)
    content = money({(COUNTIES[1], "2021", "in"): 5}).strip().encode() + b"\n"
    sent = Sent(content, "money.csv", "made.money", "clerk", {}, False)
    found = []

    def act(_: int) -> None:
        found.append(land(other.lake, other.attachments, other.regions, sent, made.numbers.today()))
        found.append(land(made.lake, made.attachments, made.regions, sent, made.numbers.today()))

    during(made, act)
    assert [one.is_repeat for one in found] == [False, True]
