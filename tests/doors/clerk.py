"""A clerk of data at the keyboard: finds a file with fifty refused records, corrects them, sends them again; what that takes is counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.refused_files import NAME, RIGHT_PLACE, RIGHT_WORD, TABLE, WRONG_PLACE, Fifty, make_fifty

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.doors.serving import Served

# Card, Moran and Newell, The keystroke-level model for user performance time with interactive systems, Communications of
# the ACM 23 (7), 1980: an average typist presses a key in 0.28 s and needs 1.35 s to make up their mind.
KEY_S, THOUGHT_S = 0.28, 1.35


class Keyboard:
    """The page's keyboard, which counts what is pressed; the mouse is never touched."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.pressed: Counter[str] = Counter()
        self.thoughts = 0

    def think(self) -> None:
        """Look at what the page says and make up one's mind: what is wrong, what it should be, what to do next."""
        self.thoughts += 1

    def press(self, key: str) -> None:
        """Press one key; each modifier held beside it is one more."""
        self.pressed[key] += 1 + key.count("+")
        self._page.keyboard.press(key)

    def type(self, words: str) -> None:
        """Type a word; a Chinese character is counted as four keys of an input method."""
        for sign in words:
            self.pressed[sign] += 1 if sign.isascii() else 4
        self._page.keyboard.insert_text(words) if not words.isascii() else self._page.keyboard.type(words)

    @property
    def total(self) -> int:
        """All keys together."""
        return sum(self.pressed.values())

    @property
    def hand_s(self) -> float:
        """The seconds that an average clerk needs for these keys and thoughts, beside waiting for the page."""
        return self.total * KEY_S + self.thoughts * THOUGHT_S


def sign_in(browser: Browser, served: Served) -> BrowserContext:
    """A browser of a clerk who has signed in."""
    context = browser.new_context(base_url=served.url, viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_cookies([{"name": "yucun_session", "value": served.sign_in("clerk"), "url": served.url}])
    return context


def send_fifty(served: Served, since: int = 1981) -> str:
    """Let the office's file arrive, and return the key of its landing."""
    files = {"file": (NAME, make_fifty(since).content, "text/csv")}
    with served.client(Authorization=f"Bearer {served.sign_in('clerk')}") as client:
        answer = client.post(f"/api/tables/{TABLE}/landings", files=files)
    said = answer.json()
    assert (said["refused"], said["landed"]) == (50, 10), said
    return str(said["key"])


def find(page: Page, keys: Keyboard) -> None:
    """Two keys lead from any page to the files that wait, and Enter to the newest."""
    keys.think()
    keys.press("g")
    keys.press("r")
    page.wait_for_url("**/lake/correct")
    expect(page.locator("h1")).to_contain_text("50 条")
    keys.think()
    keys.press("Enter")
    page.wait_for_url("**/correct")
    expect(page.locator("input:focus")).to_have_value(WRONG_PLACE)
    expect(page.locator("[data-said]")).to_contain_text("没有名为")
    expect(page.locator("input[aria-invalid]")).to_have_count(50)


def correct(page: Page, keys: Keyboard, fifty: Fifty) -> None:
    """One word everywhere, one word for all equal faults of a column, and fifteen figures one by one."""
    wrong, focused = page.locator("input[aria-invalid]"), page.locator("input:focus")
    # A misspelt word is replaced everywhere at once.
    keys.think()
    keys.press("Control+h")
    keys.think()
    keys.type(RIGHT_PLACE)
    keys.press("Enter")
    expect(wrong).to_have_count(30)
    # Equal faults of a column: right once, then the same for all.
    expect(focused).to_have_attribute("data-field", "evidence")
    keys.think()
    keys.type(RIGHT_WORD)
    keys.think()
    keys.press("Control+d")
    expect(wrong).to_have_count(15)
    # The rest one by one: the next red cell, its figure.
    for figure in fifty.figures:
        keys.press("F8")
        expect(focused).to_have_value(figure.replace(".", ".."))
        keys.think()
        keys.type(figure)
    keys.press("Enter")
    expect(wrong).to_have_count(0)


def send_again(page: Page, keys: Keyboard) -> None:
    """One key sends all; the page of the new landing says what became of them."""
    keys.think()
    keys.press("Control+Enter")
    page.wait_for_url("**/lake/landing/*")
    expect(page.locator("h1")).to_contain_text("50")
    expect(page.locator("main")).to_contain_text("更正自")


def check_nothing_waits(page: Page) -> None:
    """The list of files that wait is empty."""
    page.goto("/lake/correct")
    expect(page.locator("h1")).to_contain_text("没有等着改正的记录")
