"""Every first page of a reader paints within a second on loopback, beside the same words as a plain page.

A real Chromium opens each page in a fresh profile, so nothing is kept from before; the figure is what the browser
itself reports as its first contentful paint, the median of several openings. The peer is the same text without
styles, scripts and drawings, sent from memory by the standard library's server.
"""

from __future__ import annotations

import platform
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from statistics import median

from run import Figure, Measured, Program

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, sync_playwright

from tests.doors.serving import Served, run
from tests.servers import CHROMIUM_FLAGS, find_chromium

OPENINGS = 7
PATHS = {
    "city": "/",
    "service": "/service/prosperity",
    "number": "/number/prosperity.urban_rural_ratio",
    "data": "/lake",
}
_PAINT = """() => new Promise((tell) => {
  const watch = new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) tell(entry.startTime);
  });
  watch.observe({ type: "paint", buffered: true });
})"""


def measure() -> Measured:
    """Measure both, page by page."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        city = Path(folder)
        run("up", "--no-serve", "--data", str(city), cwd=city)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
        with Served(city) as ours:
            words = {f"/{name}": take_words(browser, ours.url + path) for name, path in PATHS.items()}
            with serve_plain(words) as plain:
                figures = tuple(
                    Figure(
                        f"{name}_first_paint", "ms", paint(browser, ours.url + path), paint(browser, f"{plain}/{name}")
                    )
                    for name, path in PATHS.items()
                )
        browser.close()
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("http.server", platform.python_version()),
        figures=figures,
        setting=f"median of {OPENINGS} openings in a fresh profile, 1440 x 900, loopback, headless Chromium",
    )


@contextmanager
def serve_plain(words: dict[str, str]) -> Iterator[str]:
    """Serve texts from memory with the standard library."""

    class Plain(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = words.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Plain)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def take_words(browser: Browser, address: str) -> str:
    """The text of a page in paragraphs, and nothing else of it."""
    page = browser.new_page()
    page.goto(address)
    lines = [line for line in page.locator("body").inner_text().splitlines() if line.strip()]
    page.close()
    safe = (re.sub("[<&]", " ", line) for line in lines)
    return "<!doctype html><meta charset=utf-8><title>plain</title>" + "".join(f"<p>{line}</p>" for line in safe)


def paint(browser: Browser, address: str) -> float:
    """Milliseconds to the first contentful paint, the median of several openings."""
    found = []
    for _ in range(OPENINGS):
        with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
            page = context.new_page()
            page.goto(address, wait_until="load")
            found.append(float(page.evaluate(_PAINT)))
    return round(median(found), 1)
