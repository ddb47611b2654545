"""The publisher's thread: tables follow at once, numbers once it is quiet or has been busy for too long."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from yucun.kernel.engine import running
from yucun.kernel.engine.running import Publishing, Tidying

NEVER_S = 1e9
PATIENCE_S = 60


class Made:
    """A journal that grows when it is told to, and a note of what was done."""

    def __init__(self, *, quiet_s: float = NEVER_S, longest_s: float = NEVER_S) -> None:
        self.seq = 0
        self.published: list[int] = []
        self.rested = 0
        self.cut, self.refreshed = threading.Event(), threading.Event()
        self.thread = Publishing(
            lambda: self.seq, self.publish, self.refreshed.set, quiet_s=quiet_s, longest_s=longest_s
        )

    def publish(self, rest: Callable[[], object]) -> int:
        rest()
        self.rested += 1
        self.published.append(self.seq)
        self.cut.set()
        return 1


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PUBLISH_S", 0.01)


@pytest.mark.parametrize("given", [{"quiet_s": 0.0}, {"longest_s": 0.0}])
def test_numbers_follow_when_it_is_quiet_and_when_it_never_is(given: dict[str, float]) -> None:
    made = Made(**given)
    made.seq = 1
    made.thread.start()
    assert made.refreshed.wait(PATIENCE_S)
    made.thread.stop()
    assert made.published == [1], "what stands still is published once"


def test_while_desks_are_busy_only_tables_follow() -> None:
    made = Made()
    made.thread.start()
    for seq in (1, 2, 3):
        made.cut.clear()
        made.seq = seq
        assert made.cut.wait(PATIENCE_S)
    made.thread.stop()
    assert made.published == [1, 2, 3]
    assert made.rested == 3
    assert not made.refreshed.is_set()


def test_nothing_published_leads_to_no_refresh() -> None:
    made = Made(quiet_s=0.0, longest_s=0.0)
    made.thread.start()
    made.thread.stop()
    assert made.published == []
    assert not made.refreshed.is_set()


def test_trouble_is_kept_and_the_next_pulse_tries_again() -> None:
    made = Made(quiet_s=0.0)
    tried = []

    def refresh() -> None:
        tried.append(made.seq)
        if len(tried) == 1:
            made.seq += 1
            raise OSError("the disk is full")
        made.refreshed.set()

    made.thread = Publishing(lambda: made.seq, made.publish, refresh, quiet_s=0.0)
    made.seq = 1
    made.thread.start()
    assert made.refreshed.wait(PATIENCE_S)
    made.thread.stop()
    assert isinstance(made.thread.trouble, OSError)
    assert not made.thread.is_failing, "the next pulse did it well"
    assert tried == [1, 2]


def test_tidying_goes_on_after_it_failed(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(running, "TIDY_S", 0.01)
    tried = []
    done = threading.Event()

    def tidy() -> None:
        tried.append(thread.is_failing)
        if len(tried) == 1:
            raise OSError("the disk is full")
        done.set()

    thread = Tidying(tidy)
    thread.start()
    assert done.wait(PATIENCE_S)
    thread.stop()
    assert tried[:2] == [False, True]
    assert "tidier: the disk is full" in caplog.text
