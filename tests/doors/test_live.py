"""The stream of changes of a desk: where the journal stands comes first, and whoever leaves leaves nothing behind."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from yucun.doors.desk.live import Closing, stream
from yucun.kernel.engine.model import Taken
from yucun.kernel.engine.running import Listeners


def made() -> Any:
    return SimpleNamespace(listeners=Listeners(), last_seq=lambda: 7)


def count_hearers(city: Any) -> int:
    return len(city.listeners._hear)


def test_who_goes_away_while_nothing_happens_leaves_no_task_and_no_hearer() -> None:
    async def go() -> tuple[bytes, int, int, int]:
        city = made()
        said = stream(city, city, Closing())
        first = await anext(said)
        heard = count_hearers(city)
        waiting = asyncio.ensure_future(anext(said))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0)
        return first, heard, count_hearers(city), len(asyncio.all_tasks())

    assert asyncio.run(go()) == (b'event: stands\ndata: {"seq": 7}\n\n', 1, 0, 1)


def test_a_server_that_closes_ends_its_streams() -> None:
    async def go() -> tuple[int, int]:
        city, closing = made(), Closing()
        said = stream(city, city, closing)
        await anext(said)
        closing.close()
        with pytest.raises(StopAsyncIteration):
            await anext(said)
        await asyncio.sleep(0)
        return count_hearers(city), len(asyncio.all_tasks())

    assert asyncio.run(go()) == (0, 1)


def test_what_is_heard_while_the_reader_is_busy_is_told_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yucun.doors.desk.live._tell", lambda _, taken: [int(one.seq) for one in taken])

    async def go() -> list[bytes]:
        city = made()
        said = stream(city, city, Closing())
        await anext(said)
        for seq in (1, 2):
            city.listeners.tell([Taken(f"e{seq}", "done", seq, cases=(f"c{seq}",))])
        city.listeners.tell([Taken("e3", "done", 3)])
        found = [await anext(said), await anext(said)]
        await said.aclose()
        return found

    assert asyncio.run(go()) == [
        b'event: moved\ndata: {"seq": 7, "cases": [1]}\n\n',
        b'event: moved\ndata: {"seq": 7, "cases": [2]}\n\n',
    ]
