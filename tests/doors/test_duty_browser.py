"""The duty desk in a real browser: a message from arrival to closing by keyboard alone, seen live in a second window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.doors.serving import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

TEXT = "学校门口的窨井盖没有了，孩子上学很危险，在织里镇，请尽快来修"


def sign_in(browser: Browser, served: Served, account: str) -> BrowserContext:
    """A profile of somebody who has signed in; scripts of the page may not use a mouse that is not there."""
    context = browser.new_context(base_url=served.url, viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_cookies([{"name": "yucun_session", "value": served.sign_in(account), "url": served.url}])
    return context


@pytest.fixture
def officer(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    """The officer's browser."""
    context = sign_in(browser, served, "duty_officer")
    yield context
    context.close()


def listen(page: Page) -> list[str]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def hold_answers(page: Page) -> list[Route]:
    """Let what the page reads of the desk wait until the test lets it go on."""
    held: list[Route] = []
    page.route("**/duty/hotline?*", lambda route: held.append(route))  # noqa: PLW0108 - a built-in has no room for its marks
    return held


class Keyboard:
    """The keyboard of a page; it notes what is pressed. The mouse is never touched."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.pressed: Counter[str] = Counter()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.pressed[key] += 1
            self._page.keyboard.press(key)

    def write(self, words: str) -> None:
        self.pressed.update(words)
        self._page.keyboard.insert_text(words)


def test_from_arrival_to_closing_by_keyboard_alone_in_two_windows(officer: BrowserContext) -> None:
    second = officer.new_page()
    second.goto("/duty/hotline?state=held")
    live = second.locator("[data-live-state]")
    expect(live).to_have_text(live.get_attribute("data-on") or "")
    second.evaluate("window.neverReloaded = true")

    first = officer.new_page()
    said, keys = listen(first), Keyboard(first)
    first.goto("/hotline/new")
    expect(first.locator("textarea[name=text]")).to_be_focused()
    keys.write(TEXT)
    expect(first.locator("#judged")).to_contain_text("织里镇", timeout=15_000)
    keys.press("Control+Enter")
    first.wait_for_url("**/duty/hotline?case=*")
    number = first.locator("[data-case-title]").get_attribute("data-no")
    assert number is not None

    # The other window hears of it and opens it in its place.
    second.locator(f"[data-case='{number}'] a").click()
    state = second.locator("#case .kicker")
    expect(second.locator("[data-case-title]")).to_have_attribute("data-no", number)
    expect(state).to_contain_text("待人工判断")

    expect(first.locator("#case .kicker")).to_contain_text("待人工判断")
    keys.press("d")
    expect(first.locator("#m-dispatch-unit")).to_be_focused()
    keys.press("Control+Enter")
    expect(first.locator("#case .kicker")).to_contain_text("已派单")
    expect(state).to_contain_text("已派单")
    for key, there in (("a", "办理中"), ("r", "已答复"), ("v", "已回访"), ("c", "已办结")):
        keys.press(key)
        if key == "r":
            expect(first.locator("#m-reply-reply")).to_be_focused()
            keys.write("井盖已于当日补装，现场已核实")
        if key == "v":
            expect(first.locator("#m-visit-solved")).to_be_focused()
            keys.press("ArrowDown", "Tab", "ArrowDown")
        if key == "c":
            expect(first.locator("#m-close-outcome")).to_be_focused()
            keys.press("ArrowDown")
        if key != "a":
            keys.press("Control+Enter")
        expect(first.locator("#case .kicker")).to_contain_text(there)
        expect(state).to_contain_text(there)
    assert second.evaluate("window.neverReloaded") is True
    expect(second.locator("#case")).to_contain_text("井盖已于当日补装")
    assert sum(count for key, count in keys.pressed.items() if len(key) > 1 or key.isascii()) < 30
    assert said == []


def test_who_saw_an_older_step_does_not_overwrite(officer: BrowserContext, served: Served) -> None:
    pages = [officer.new_page(), officer.new_page()]
    pages[0].goto("/duty/hotline?state=held")
    number = pages[0].locator("[data-case-title]").get_attribute("data-no")
    for page in pages:
        # Deaf windows: nothing tells them what the other did.
        page.route("**/live", lambda route: route.abort())
        page.goto(f"/duty/hotline?case={number}")
    for page in pages:
        page.keyboard.press("t")
        expect(page.locator("#notices")).not_to_be_empty()
    expect(pages[1].locator("#notices")).to_contain_text("已有变动")
    with served.client(Authorization=f"Bearer {served.sign_in('duty_officer')}") as client:
        said = client.get(f"/api/cases/{number}", params={"service": "hotline"}).json()
    assert [step["move"] for step in said["history"]].count("take") == 1


def test_what_is_being_filled_in_is_not_taken_away_by_an_answer_on_its_way(
    officer: BrowserContext, served: Served
) -> None:
    page = officer.new_page()
    page.goto("/duty/hotline?state=held")
    number = page.locator("[data-case-title]").get_attribute("data-no")
    page.goto(f"/duty/hotline?case={number}")
    live = page.locator("[data-live-state]")
    expect(live).to_have_text(live.get_attribute("data-on") or "")
    page.evaluate("document.getElementById('queue').dataset.old = 'yes'")
    answers = hold_answers(page)
    with (
        served.client(Authorization=f"Bearer {served.sign_in('duty_officer')}") as client,
        page.expect_request("**/duty/hotline?*"),
    ):
        assert client.post(f"/api/cases/{number}/moves?service=hotline", json={"move": "take"}).status_code == 200
    page.keyboard.press("d")
    expect(page.locator("#m-dispatch-unit")).to_be_focused()
    page.evaluate("document.getElementById('m-dispatch-unit').dataset.mine = 'yes'")
    for answer in answers:
        answer.continue_()
    expect(page.locator("#queue[data-old]")).to_have_count(0)
    expect(page.locator("#m-dispatch-unit[data-mine]")).to_be_focused()


# A line to the server on which a test speaks.
LINE = """window.EventSource = class extends EventTarget {
  constructor() { super(); window.line = this; }
  close() {}
};
window.hear = (name, said) => line.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(said) }));"""


@pytest.fixture
def listening(officer: BrowserContext) -> Page:
    """The first held case of the desk, on a page that hears only what the test says."""
    page = officer.new_page()
    page.add_init_script(LINE)
    page.goto("/duty/hotline?state=held")
    page.goto(f"/duty/hotline?case={page.locator('[data-case-title]').get_attribute('data-no')}")
    return page


def take(served: Served, page: Page) -> tuple[str, str]:
    """Somebody else takes the case that the page shows; its number, and the version that the page shows."""
    title = page.locator("[data-case-title]")
    number, version = title.get_attribute("data-no") or "", title.get_attribute("data-version") or ""
    with served.client(Authorization=f"Bearer {served.sign_in('duty_officer')}") as client:
        done = client.post(f"/api/cases/{number}/moves?service=hotline", json={"move": "take"})
    assert done.status_code == 200
    return number, version


def test_another_case_that_moves_at_once_hides_no_move_of_the_shown_one(listening: Page, served: Served) -> None:
    number, version = take(served, listening)
    listening.evaluate(f"hear('moved', {{ seq: 1, cases: [{number}] }}); hear('moved', {{ seq: 2, cases: [0] }})")
    expect(listening.locator("[data-case-title]")).not_to_have_attribute("data-version", version)


def test_a_load_for_another_case_on_its_way_hides_no_move_of_the_shown_one(listening: Page, served: Served) -> None:
    number, version = take(served, listening)
    answers = hold_answers(listening)
    for case in (number, 0):
        with listening.expect_request("**/duty/hotline?*"):
            listening.evaluate(f"hear('moved', {{ seq: 1, cases: [{case}] }})")
    for answer in answers:
        answer.continue_()
    expect(listening.locator("[data-case-title]")).not_to_have_attribute("data-version", version)


def test_what_moved_before_anybody_listened_is_shown_once_the_line_stands(listening: Page, served: Served) -> None:
    _, version = take(served, listening)
    listening.evaluate("hear('stands', { seq: 1e9 })")
    expect(listening.locator("[data-case-title]")).not_to_have_attribute("data-version", version)


def test_a_case_that_is_being_opened_is_opened_whatever_moves(listening: Page) -> None:
    row = listening.locator("[data-case]:not(:has([aria-current]))").first
    number, other = row.get_attribute("data-case"), row.locator("a[data-open]").first
    answers = hold_answers(listening)
    for do in (other.click, lambda: listening.evaluate("hear('moved', { seq: 1, cases: [0] })")):
        with listening.expect_request("**/duty/hotline?*"):
            do()
    for answer in answers:
        answer.continue_()
    expect(listening.locator("[data-case-title]")).to_have_attribute("data-no", number or "")


def test_what_moved_while_a_form_was_open_is_shown_when_it_is_closed(listening: Page, served: Served) -> None:
    listening.keyboard.press("d")
    expect(listening.locator("#m-dispatch-unit")).to_be_focused()
    number, version = take(served, listening)
    listening.evaluate("document.getElementById('queue').dataset.old = 'yes'")
    listening.evaluate(f"hear('moved', {{ seq: 1, cases: [{number}] }})")
    expect(listening.locator("#queue[data-old]")).to_have_count(0)
    expect(listening.locator("#m-dispatch-unit")).to_be_focused()
    listening.keyboard.press("Escape")
    expect(listening.locator("[data-case-title]")).not_to_have_attribute("data-version", version)


def test_what_a_move_was_answered_with_stays_when_the_page_reads_itself_again(listening: Page) -> None:
    listening.keyboard.press("t")
    notices = listening.locator("#notices")
    expect(notices).not_to_be_empty()
    said, number = notices.inner_text(), listening.locator("[data-case-title]").get_attribute("data-no")
    listening.evaluate("document.getElementById('case').dataset.old = 'yes'")
    listening.evaluate(f"hear('moved', {{ seq: 1, cases: [{number}] }})")
    expect(listening.locator("#case[data-old]")).to_have_count(0)
    expect(notices).to_have_text(said, use_inner_text=True)


def test_filters_are_kept_and_several_move_at_once(officer: BrowserContext) -> None:
    page = officer.new_page()
    page.goto("/duty/hotline")
    page.locator("#filter select[name=state]").select_option("dispatched")
    page.get_by_role("button", name="保存此筛选").click()
    page.goto("/duty/hotline?state=dispatched")
    expect(page.locator("[data-saved] a")).to_have_attribute("href", "/duty/hotline?state=dispatched")
    boxes = page.locator(".pick")
    assert boxes.count() >= 2
    boxes.nth(0).check()
    boxes.nth(1).check()
    numbers = [boxes.nth(n).input_value().split("@")[0] for n in (0, 1)]
    page.locator("[data-bulk-box] > summary").click()
    page.locator(".bulk-move:has([data-bulk=take]) > summary").click()
    page.locator("[data-bulk=take] button").click()
    expect(page.locator("#notices")).to_contain_text("2")
    for number in numbers:
        page.goto(f"/duty/hotline?case={number}")
        expect(page.locator("#case .facts")).to_contain_text("duty_officer")


PAGES = (
    ("duty_officer", "/duty"),
    ("duty_officer", "/duty/hotline"),
    ("duty_officer", "/hotline/new"),
    ("duty_officer", "/hotline/topics"),
    ("duty_officer", "/hotline/answers"),
    ("duty_officer", "/hotline/uncovered"),
    ("chief", "/service/hotline"),
    ("resident", "/my"),
    ("resident", "/my/new"),
    ("resident", "/my/matter"),
)


@pytest.mark.parametrize("account", ["duty_officer", "chief", "resident"])
def test_every_page_of_the_hotline_in_both_looks(browser: Browser, served: Served, account: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - half a megabyte that only this test needs

    context = sign_in(browser, served, account)
    bad = []
    for path in (path for who, path in PAGES if who == account):
        for language, width, theme in (("zh", 1440, "light"), ("en", 360, "dark")):
            page = context.new_page()
            said = listen(page)
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{path}?lang={language}&theme={theme}")
            look = f"{path} {language} {width}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, look
            assert said == [], look
            found = Axe().run(page).response["violations"]
            bad += [
                (look, one["id"], node["html"][:160], node.get("failureSummary", "")[:200])
                for one in found
                if one["impact"] in ("serious", "critical")
                for node in one["nodes"]
            ]
            page.close()
    context.close()
    assert bad == []
