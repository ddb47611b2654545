"""The desk: files that arrive land once, whatever dies in between; lateness and refusals are told once and taken back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.small_desk import BAD, FEEDS, GOOD, SmallDesk
from yucun.kernel.lake.running import desk as desk_module
from yucun.kernel.lake.running.deliver import FolderCarrier, MailCarrier
from yucun.kernel.lake.running.runner import running

WHOLE = [("990101", "2021", 10000), ("990102", "2021", 20000)]


class Died(BaseException):
    """The process is gone."""


def die(*_: object, **__: object) -> None:
    """Stand where a step should be."""
    raise Died


def test_a_file_that_arrives_lands_once_and_is_put_away(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    small.bring("2021.csv", GOOD)
    assert small.desk.run_once().landed == 1
    assert small.rows() == WHOLE
    assert [p.name[-8:] for p in (tmp_path / "inbox/harvest/done").iterdir()] == ["2021.csv"]
    run = small.desk.runs("harvest")[0]
    assert (run.outcome, run.records, run.refused, run.name) == ("landed", 2, 0, "2021.csv")
    # The same file once more is put away without a second landing, also under another name.
    small.bring("again.csv", GOOD)
    assert small.desk.run_once().landed == 0
    assert not list((tmp_path / "inbox/harvest").glob("*.csv"))
    assert len(small.desk.runs("harvest")) == 1


def test_what_is_not_whole_yet_is_left_alone(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    for name in ("half.csv.part", ".hidden.csv", "~$open.csv", "other.txt"):
        small.bring(name, GOOD)
    fresh = small.bring("fresh.csv", GOOD)
    fresh.touch()
    small.machine.instant = small.machine.instant.fromtimestamp(fresh.stat().st_mtime, small.machine.instant.tzinfo)
    (tmp_path / "outside.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "inbox/harvest/link.csv").symlink_to(tmp_path / "outside.csv")
    assert small.desk.run_once().landed == 0
    small.wait(5)
    assert small.desk.run_once().landed == 1
    assert {p.name for p in (tmp_path / "inbox/harvest").iterdir()} == {
        "half.csv.part", ".hidden.csv", "~$open.csv", "other.txt", "link.csv", "done",
    }  # fmt: skip


@pytest.mark.parametrize("step", ["land", "_note_run", "put_away", "_tell", "_close", "deliver"])
def test_dying_at_any_step_loses_and_doubles_nothing(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = SmallDesk.make(tmp_path, on=date(2022, 5, 31))
    small.bring("2021.csv", BAD)
    with monkeypatch.context() as patched:
        target = desk_module if hasattr(desk_module, step) else desk_module.Desk
        patched.setattr(target, step, die)
        with pytest.raises(Died):
            small.desk.run_once()
    small.books.close()
    again = SmallDesk.make(tmp_path, on=date(2022, 5, 31))
    again.desk.run_once()
    again.desk.run_once()
    assert again.rows() == [("990101", "2021", 10000)]
    assert [r.outcome for r in again.desk.runs()] == ["partly"]
    assert not list((tmp_path / "inbox/harvest").glob("*.csv"))
    # It was late on 31 May; the file that came took that back, and its refused records are told of.
    told = {n.id: n.is_open for n in again.desk.notices()}
    assert told == {"notice:harvest:late:2021": False, f"notice:harvest:refused:{again.desk.runs()[0].landing}": True}
    assert len(again.letters()) == 3
    again.books.verify()


def test_a_whole_file_that_cannot_be_read_goes_to_refused_and_closes_with_the_next(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    small.bring("picture.csv", "")
    small.bring("word.csv", "这不是表\n")
    small.desk.run_once()
    assert {r.outcome for r in small.desk.runs()} == {"refused"}
    assert len(list((tmp_path / "inbox/harvest/refused").iterdir())) == 2
    waiting = small.desk.notices(only_open=True)
    assert sorted(n.kind for n in waiting) == ["late", "refused", "refused"]
    small.bring("2021.csv", GOOD)
    small.desk.run_once()
    assert small.desk.notices(only_open=True) == []


def test_lateness_is_told_once_on_the_day_after_and_taken_back(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path, on=date(2022, 3, 2))
    small.desk.run_once()
    state = small.desk.states()[0]
    assert (state.owed and state.owed.text, state.is_late) == ("2021", False)
    # January has 19 weekdays from the 4th and two worked weekend days, February 16 days after the festival, March three.
    assert state.due == date(2022, 3, 3)
    small.go_to(date(2022, 3, 3))
    assert small.desk.run_once().opened == 0, "on the due day nobody is late"
    small.go_to(date(2022, 3, 4))
    assert small.desk.run_once().opened == 1
    small.go_to(date(2022, 4, 5))
    assert small.desk.run_once().opened == 0, "no second notice for the same lateness"
    assert len(small.letters()) == 1
    assert "农业局统计岗" in small.letters()[0] and "2022-03-03" in small.letters()[0]
    small.bring("2021.csv", GOOD)
    done = small.desk.run_once()
    assert (done.landed, done.closed, done.delivered) == (1, 1, 1)
    notice = small.desk.notices()[0]
    assert (notice.is_open, notice.closed_on, notice.sent, notice.thanked) == (False, date(2022, 4, 5), True, True)
    # A year later it is another lateness.
    small.go_to(date(2023, 6, 1))
    assert small.desk.run_once().opened == 1


def test_delivery_is_at_least_once_and_a_second_copy_is_the_same(tmp_path: Path) -> None:
    class Failing(FolderCarrier):
        """A way that is closed twice."""

        left = 2

        def carry(self, token: str, supplier: object, body: object) -> bool:
            if Failing.left:
                Failing.left -= 1
                raise OSError("no such network")
            return super().carry(token, supplier, body)  # type: ignore[arg-type]

    small = SmallDesk.make(tmp_path, carriers=[FolderCarrier(tmp_path / "outbox"), Failing(tmp_path / "second")])
    for _ in range(2):
        assert small.desk.run_once(now=True).delivered == 0
    assert small.desk.notices()[0].sent is False
    assert small.desk.run_once(now=True).delivered == 1
    assert len(small.letters()) == 1, "carried three times, it is one file"
    assert small.desk.run_once(now=True).delivered == 0


def test_mail_names_the_token_and_needs_an_address(tmp_path: Path) -> None:
    sent: list[object] = []

    class Server:
        """Stands for a mail server and keeps what it is given."""

        def __init__(self, host: str, port: int, **_: object) -> None:
            sent.append((host, port))

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def has_extn(self, name: str) -> bool:
            return name != "starttls"

        def login(self, user: str, password: str) -> None:
            sent.append((user, password))

        def send_message(self, letter: object) -> None:
            sent.append(letter)

    mail = MailCarrier("smtp://hub:p%40ss@mail.office:2525?from=hub@office", Server)  # type: ignore[arg-type]
    feeds = FEEDS.replace('channel = "folder"', 'channel = "email", address = "harvest@office"')
    small = SmallDesk.make(tmp_path, feeds, carriers=[mail])
    assert small.desk.run_once().delivered == 1
    letter = sent[-1]
    assert sent[:2] == [("mail.office", 2525), ("hub", "p@ss")]
    assert letter["To"] == "harvest@office"  # type: ignore[index]
    assert letter["X-Yucun-Token"] == "notice:harvest:late:2021"  # type: ignore[index]
    assert letter["Message-ID"].endswith("@office>")  # type: ignore[index]
    folder_only = SmallDesk.make(tmp_path / "b", carriers=[mail])
    assert folder_only.desk.run_once().delivered == 1
    assert len(sent) == 3, "a supplier without an address is not written to"


def test_a_feed_that_cannot_be_reached_is_tried_again_later_and_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "theirs.sqlite"
    feeds = FEEDS.replace(
        'inbox = { folder = "harvest", pattern = "*.csv" }',
        'database = { url_from = "YUCUN_TEST_FARM", table = "crop" }',
    )
    small = SmallDesk.make(tmp_path, feeds)
    assert small.desk.run_once().failed == 1
    assert "YUCUN_TEST_FARM" in small.desk.runs()[0].said.zh
    assert small.desk.run_once().failed == 0, "not before its time"
    monkeypatch.setenv("YUCUN_TEST_FARM", f"sqlite:///{database}")
    small.wait(61)
    assert small.desk.run_once(now=True).failed == 1, "there is no such file"
    small.wait(61)
    assert small.desk.run_once().failed == 0, "the second wait is longer"
    with sqlite3.connect(database) as theirs:
        theirs.execute("CREATE TABLE crop (region TEXT, period TEXT, amount TEXT)")
        theirs.execute("ALTER TABLE crop RENAME COLUMN amount TO 金额")
        theirs.executemany("INSERT INTO crop VALUES (?, ?, ?)", [("990102", "2021", "200"), ("990101", "2021", "100")])
    small.wait(300)
    assert small.desk.run_once(now=True).landed == 1
    assert small.rows() == WHOLE
    assert small.desk.run_once(now=True).landed == 0, "unchanged, it is the same file"
    assert [r.outcome for r in small.desk.runs()] == ["landed", "failed", "failed"]


@pytest.fixture
def web() -> Iterator[str]:
    """A server on loopback that publishes the good file."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_there = self.path.startswith("/harvest")
            self.send_response(200 if is_there else 404)
            self.end_headers()
            self.wfile.write(GOOD.encode() if is_there else b"")

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def test_a_file_on_the_web(tmp_path: Path, web: str) -> None:
    inbox = 'inbox = { folder = "harvest", pattern = "*.csv" }'
    small = SmallDesk.make(tmp_path, FEEDS.replace(inbox, f'web = {{ address = "{web}/harvest.csv" }}'))
    assert small.desk.run_once().landed == 1
    assert small.rows() == WHOLE
    gone = SmallDesk.make(tmp_path / "gone", FEEDS.replace(inbox, f'web = {{ address = "{web}/none.csv" }}'))
    assert gone.desk.run_once().failed == 1
    assert "404" in gone.desk.runs()[0].said.en


def test_one_broken_feed_does_not_stop_the_others(tmp_path: Path) -> None:
    other = '[feeds.a_first]\nsupplier = "farm"\ntable = "farm.harvest"\nevery = "year"\ndue_working_days = 40\nfirst = "2021"\n'
    feeds = FEEDS.replace('first = "2021"', 'first = "2021"\ncovers = ["990101", "990102"]')
    feeds += other + 'covers = ["990103"]\ndatabase = { url_from = "YUCUN_TEST_NOWHERE", table = "t" }\n'
    small = SmallDesk.make(tmp_path, feeds)
    small.bring("2021.csv", GOOD)
    done = small.desk.run_once()
    assert (done.landed, done.failed) == (1, 1)
    # Two offices fill one table: each is late by itself.
    assert {s.supply.id: s.is_late for s in small.desk.states()} == {"a_first": True, "harvest": False}
    assert small.desk.feeds(["farm.harvest"])[0].is_late


def test_the_thread_runs_the_feeds_and_ends(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    small.bring("2021.csv", GOOD)
    landed = threading.Event()
    small.desk._settle = landed.set  # type: ignore[method-assign]
    with running(small.desk, 0.01) as thread:
        assert landed.wait(60)
    assert not thread.is_alive()
    assert small.rows() == WHOLE


def test_rebuilt_books_say_the_same(tmp_path: Path) -> None:
    from yucun.kernel.books.rebuild import rebuild  # noqa: PLC0415 - only here

    small = SmallDesk.make(tmp_path)
    small.bring("2021.csv", BAD)
    small.desk.run_once()
    fresh = SmallDesk.make(tmp_path / "fresh")
    assert rebuild(small.books, fresh.books) == small.books.state_hash()
    assert fresh.desk.notices() == small.desk.notices()
    assert fresh.desk.runs() == small.desk.runs()
