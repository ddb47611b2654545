"""Hearing of changes: server-sent events that say which cases of a desk moved, a few milliseconds after the commit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from yucun.city import City
from yucun.doors.desk.sight import Desk
from yucun.kernel.engine import Taken

# How often a line is sent while nothing happens, so that both ends know that the other is there.
HEARTBEAT_S = 15.0


class Closing:
    """Set once when the server closes, so that open streams end and nobody has to wait for them."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def close(self) -> None:
        """End all streams."""
        self._event.set()

    async def wait(self) -> None:
        """Wait for the end."""
        await self._event.wait()


async def stream(city: City, desk: Desk, closing: Closing) -> AsyncIterator[bytes]:
    """Say which cases moved, as ``text/event-stream``: first where the journal stands, then each change."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[list[Taken]] = asyncio.Queue(maxsize=1000)

    def hear(taken: list[Taken]) -> None:
        mine = [one for one in taken if one.cases]
        if mine:
            loop.call_soon_threadsafe(_put, heard, mine)

    leave = city.listeners.add(hear)
    ended = asyncio.ensure_future(closing.wait())
    waits = asyncio.ensure_future(heard.get())
    try:
        yield _event("stands", {"seq": city.last_seq()})
        while not ended.done():
            await asyncio.wait((waits, ended), timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if waits.done():
                taken, waits = waits.result(), asyncio.ensure_future(heard.get())
                said = await asyncio.to_thread(_tell, desk, taken)
                if said:
                    yield _event("moved", {"seq": city.last_seq(), "cases": said})
            elif not ended.done():
                yield b": here\n\n"
    finally:
        waits.cancel()
        ended.cancel()
        leave()


def _put(heard: asyncio.Queue[list[Taken]], taken: list[Taken]) -> None:
    if heard.full():
        # Whoever reads so slowly is told of the newest change; the page reads the whole queue anyway.
        heard.get_nowait()
    heard.put_nowait(taken)


def _tell(desk: Desk, taken: list[Taken]) -> list[int]:
    """Numbers of the cases that moved and that this reader may see."""
    wanted = {case for one in taken for case in one.cases}
    with desk.city.books.read() as tx:
        found = [desk.city.work.cases.find(tx, case) for case in sorted(wanted)]
    return sorted(case.no for case in found if case is not None and desk.sees(case))


def _event(name: str, said: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(said)}\n\n".encode()
