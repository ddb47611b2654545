"""Twenty readers at once: what was asked before is answered within hundredths of a second, what is new is worked out.

Pages and the API stand beside a plain Litestar route that sends the very bytes that ours sent, from memory. Twenty
readers ask over connections that stay open, each as soon as it has its answer; so the times hold waiting as well as
work, and the asking shares the machine with the answering.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from itertools import count
from pathlib import Path

from run import Figure, Measured, Program

READERS = 20
SECONDS = float(os.environ.get("YUCUN_BENCH_SECONDS", "8"))
HERE = Path(__file__).resolve().parent
RATIO = "prosperity.urban_rural_ratio"
# What is asked again is answered from memory until the journal moves; what is asked for the first time is worked out.
# "{n}" makes every question another one: pages do not mind a word more, the API is asked as of another second.
PATHS = {
    "city page, asked again": "/",
    "city page, first time": "/?n={n}",
    "number page, asked again": f"/number/{RATIO}",
    "number page, first time": f"/number/{RATIO}?n={{n}}",
    "value, asked again": f"/api/values?indicator={RATIO}&region=330500&period=2021",
    "value, first time": f"/api/values?indicator={RATIO}&region=330500&period=2021&as_of={{second}}",
    "series, first time": f"/api/indicators/{RATIO}/series?region=330500&as_of={{second}}",
    "rows, first time": "/api/tables/prosperity.income/rows?as_of={second}",
}
FIRST_SECOND = datetime(2022, 6, 1)  # noqa: DTZ001 - written out with its zone below
PEER = """
import asyncio, pickle, sys
from granian.server.embed import Server
from litestar import Litestar, Response, get
payloads = pickle.load(open(sys.argv[1], "rb"))
@get("/{name:str}")
async def send(name: str) -> Response[bytes]:
    content, media_type = payloads[name]
    return Response(content, media_type=media_type)
app = Litestar([send], openapi_config=None, logging_config=None)
asyncio.run(Server(app, "127.0.0.1", int(sys.argv[2]), interface="asgi", log_enabled=False).serve())
"""


def measure() -> Measured:
    """Measure both, one after the other, for each address."""
    with tempfile.TemporaryDirectory() as folder:
        ours, peer = free_port(), free_port()
        environment = {**os.environ, "YUCUN_HOME": str(Path(folder) / "city")}
        command = [str(Path(sys.executable).with_name("yucun")), "up", "--port", str(ours)]
        with running(command, environment, f"http://127.0.0.1:{ours}/api/health"):
            payloads = {name: fetch(f"http://127.0.0.1:{ours}{fill(path, 0)}") for name, path in PATHS.items()}
            measured = {name: ask(ours, path) for name, path in PATHS.items()}
        stored = Path(folder) / "payloads"
        stored.write_bytes(pickle.dumps({slug(n): p for n, p in payloads.items()}))
        first = slug(next(iter(PATHS)))
        with running(
            [sys.executable, "-c", PEER, str(stored), str(peer)], environment, f"http://127.0.0.1:{peer}/{first}"
        ):
            plain = {name: ask(peer, "/" + slug(name)) for name in PATHS}
    figures = []
    for name in PATHS:
        for label, share in (("p50", 0.50), ("p95", 0.95)):
            figures.append(
                Figure(f"{name}, {label}", "ms", percentile(measured[name], share), percentile(plain[name], share))
            )
        figures.append(Figure(f"{name}, answers", "1/s", len(measured[name]) / SECONDS, len(plain[name]) / SECONDS))
    return Measured(
        Program("yucun", version("yucun")),
        Program("litestar", version("litestar")),
        tuple(figures),
        f"{READERS} readers at once for {SECONDS:g} s an address, one server process, loopback, uncompressed",
    )


def slug(name: str) -> str:
    """A name as a part of an address."""
    return name.replace(",", "").replace(" ", "-")


def fill(path: str, number: int) -> str:
    """An address that was never asked before, where the path leaves room for it."""
    second = f"{FIRST_SECOND + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}%2B08:00"
    return path.format(n=number, second=second)


def fetch(url: str) -> tuple[bytes, str]:
    """Return an answer's bytes and media type."""
    with urllib.request.urlopen(url, timeout=120) as answer:
        return answer.read(), answer.headers["content-type"]


def ask(port: int, path: str) -> list[float]:
    """Ask with all readers until the time is over; return milliseconds of each answer."""
    return asyncio.run(_ask(port, path))


async def _ask(port: int, path: str) -> list[float]:
    numbers = count(1)
    await _read_until(port, path, numbers, time.perf_counter() + 1)
    end = time.perf_counter() + SECONDS
    found = await asyncio.gather(*(_read_until(port, path, numbers, end) for _ in range(READERS)))
    return [took for one in found for took in one]


async def _read_until(port: int, path: str, numbers: Iterator[int], end: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 1024 * 1024)
    took = []
    while (start := time.perf_counter()) < end:
        address = fill(path, next(numbers))
        writer.write(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.split(b":")[1]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head[:100] + body[:300])
        took.append(1000 * (time.perf_counter() - start))
    writer.close()
    await writer.wait_closed()
    return took


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class running:  # noqa: N801 - it reads as a word
    """A server process for the length of a block."""

    def __init__(self, command: list[str], environment: dict[str, str], ready: str) -> None:
        self._command, self._environment, self._ready = command, environment, ready

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.DEVNULL, cwd=HERE.parent
        )
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                fetch(self._ready)
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                return
        self._process.terminate()
        raise RuntimeError(f"{self._command[0]} did not start")

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(30)
