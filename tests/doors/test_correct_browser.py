"""A clerk finds, corrects and sends again fifty refused records in a real browser, with the keyboard alone; or by Excel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.doors.clerk import Keyboard, check_nothing_waits, correct, find, send_again, send_fifty, sign_in
from tests.doors.serving import Served
from tests.refused_files import RIGHT_PLACE, RIGHT_WORD, WRONG_PLACE, WRONG_WORD, make_fifty

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# In two minutes an average clerk presses some 430 keys and does not think; `bench/clerk.py` tells the time of these.
MOST_KEYS = 160


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A tab of a clerk who has signed in."""
    context = sign_in(browser, served)
    yield context.new_page()
    context.close()


def test_fifty_refused_records_by_keyboard_alone(page: Page, served: Served) -> None:
    send_fifty(served)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    keys, fifty = Keyboard(page), make_fifty()
    page.goto("/")
    find(page, keys)
    correct(page, keys, fifty)

    # Undo takes the last step back, and the same keys do it again.
    keys.press("ArrowUp")
    keys.press("Control+z")
    expect(page.locator("input[aria-invalid]")).to_have_count(1)
    keys.type(fifty.figures[-1])

    send_again(page, keys)
    check_nothing_waits(page)
    assert said == []
    assert keys.total <= MOST_KEYS, keys.pressed.most_common(8)


def test_fifty_refused_records_by_excel(page: Page, served: Served, tmp_path: Path) -> None:
    """The workbook is taken and brought back by keyboard; what Excel does to its cells is done here by openpyxl."""
    send_fifty(served, 1951)
    keys = Keyboard(page)
    page.goto("/")
    find(page, keys)
    page.locator("a[download]").focus()
    with page.expect_download() as taken:
        keys.press("Enter")
    path = tmp_path / "改好.xlsx"
    taken.value.save_as(path)
    book = openpyxl.load_workbook(path)
    right = {WRONG_PLACE: RIGHT_PLACE, WRONG_WORD: RIGHT_WORD} | {f.replace(".", ".."): f for f in make_fifty().figures}
    mended = 0
    for row in book.worksheets[0].iter_rows():
        for cell in row:
            if cell.value in right:
                cell.value, mended = right[cell.value], mended + 1
    assert mended == 50
    book.save(path)

    # The dialog that asks for a file is the machine's, not the page's.
    page.locator("input[type=file]").set_input_files(path)
    page.locator("input[type=file]").focus()
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("input[data-changed]")).to_have_count(50)
    expect(page.locator("input[aria-invalid]")).to_have_count(0)
    send_again(page, keys)
    check_nothing_waits(page)


@pytest.mark.parametrize(("language", "width", "theme"), [("zh", 1440, "light"), ("en", 360, "dark")])
def test_the_desk_in_both_looks(page: Page, served: Served, language: str, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - half a megabyte that only this test needs

    send_fifty(served)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/lake")
    landing = page.locator("#landings a").first.get_attribute("href")
    notice = page.locator("#told a").first.get_attribute("href")
    for path in ("/lake/correct", f"{landing}/correct", "/lake/supplier/statistics", "/lake/feed/gdp", notice):
        page.goto(f"{path}?lang={language}&theme={theme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = Axe().run(page).response["violations"]
        bad = [
            (one["id"], node["html"][:120])
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        assert bad == [], path
    assert served.noted() == ""
