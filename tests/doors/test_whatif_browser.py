"""What-if in a real browser: a slider that answers while it is moved, undo and reset, the address, keys, every look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.doors.serving import Served
from tests.doors.test_pages_browser import AXE_BAD, LOOKS, listen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ADDRESS = "/service/relief/what-if"


@pytest.fixture(scope="module")
def token(served: Served) -> str:
    """A session of an officer who may try the law out."""
    return served.sign_in("relief_county")


@pytest.fixture
def context(browser: Browser, served: Served, token: str) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=served.url, viewport={"width": 1440, "height": 900}, locale="zh-CN")
    opened.add_cookies([{"name": "yucun_session", "value": token, "url": served.url}])
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """The page, with its residents there."""
    found = context.new_page()
    found.goto(ADDRESS)
    expect(found.locator("#answer")).to_be_visible(timeout=60_000)
    return found


def test_a_slider_answers_while_it_is_moved_and_the_address_says_what_was_supposed(page: Page) -> None:
    said = listen(page)
    answer = page.locator("#answer .answer")
    today = answer.inner_text()
    assert today.startswith("现在每月")
    page.evaluate("window.stayed = true")
    slider = page.locator('[data-range="standard_fen"]')
    slider.focus()
    slider.press("ArrowRight")
    expect(answer).to_contain_text("每月多花")
    assert page.locator("#n-standard_fen").input_value() == "820"
    first = answer.inner_text()
    for _ in range(8):
        slider.press("ArrowRight")
    expect(page.locator(".supposed")).to_contain_text("900 元")
    assert answer.inner_text() != first
    assert page.url.endswith("?standard_fen=900"), "a link holds what was set, and nothing else"
    assert slider.evaluate("e => e === document.activeElement"), "the hand stays on the slider"
    assert page.evaluate("window.stayed") is True
    assert said == []
    told = answer.inner_text()
    again = page.context.new_page()
    again.goto(page.url)
    expect(again.locator("#answer .answer")).to_have_text(told)
    assert again.locator('[data-range="standard_fen"]').input_value() == "900"


def test_undo_put_back_and_reset_lead_back(page: Page) -> None:
    answer = page.locator("#answer .answer")
    today = answer.inner_text()
    undo = page.get_by_role("button", name="撤销")
    expect(undo).to_be_disabled()
    page.locator("#n-standard_fen").fill("900")
    expect(page.locator(".supposed li")).to_have_count(1)
    page.locator("summary", has_text="公式版本").click()
    page.get_by_label("符合低保边缘").select_option("strictly_below")
    expect(page.locator(".supposed li")).to_have_count(2)
    page.keyboard.press("Alt+z")
    expect(page.locator(".supposed li")).to_have_count(1)
    page.locator("[data-back=standard_fen]").click()
    expect(answer).to_have_text(today)
    undo.click()
    expect(page.locator(".supposed li")).to_have_count(1)
    page.get_by_role("link", name="全部还原").click()
    expect(answer).to_have_text(today)
    assert page.url.endswith(ADDRESS)


def test_a_figure_beyond_its_ends_is_said_beside_the_answer(page: Page) -> None:
    page.locator("#n-standard_fen").fill("5")
    expect(page.locator("#answer .notice.is-bad")).to_contain_text("只能在 400 与 2000 之间试算")
    page.locator("#n-standard_fen").fill("900")
    expect(page.locator("#answer .notice")).to_have_count(0)


def test_a_question_in_flight_is_let_go_for_a_newer_one(page: Page) -> None:
    asked: list[str] = []
    ended: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "part=answer" in request.url else None)
    page.on("requestfailed", lambda request: ended.append(request.url))
    page.route("**/what-if?*part=answer", lambda route: (page.wait_for_timeout(300), route.continue_()))
    field = page.locator("#n-standard_fen")
    for figure in ("850", "860", "870"):
        field.fill(figure)
        page.wait_for_timeout(280)
    expect(page.locator(".supposed")).to_contain_text("870 元", timeout=20_000)
    assert len(asked) >= 2
    assert all("standard_fen=870" not in url for url in ended)


@pytest.mark.parametrize(("language", "width", "theme"), LOOKS)
def test_every_look(context: BrowserContext, language: str, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - half a megabyte that only this test needs

    page = context.new_page()
    said = listen(page)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(
        f"{ADDRESS}?standard_fen=900&members=2&disabled=1&version.is_expenditure=rigid_share&lang={language}&theme={theme}"
    )
    expect(page.locator("#answer")).to_be_visible(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    found = Axe().run(page).response["violations"]
    assert [(one["id"], node["html"][:160]) for one in found if one["impact"] in AXE_BAD for node in one["nodes"]] == []


def test_paper_holds_the_answer_and_no_slider(page: Page) -> None:
    page.goto(f"{ADDRESS}?standard_fen=900")
    page.emulate_media(media="print")
    assert page.locator("#answer .answer").is_visible()
    assert page.locator(".supposed").is_visible()
    assert not page.locator('[data-range="standard_fen"]').is_visible()
    written = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", written)) <= 4


def test_it_stands_without_scripts(browser: Browser, served: Served, token: str) -> None:
    with browser.new_context(base_url=served.url, java_script_enabled=False, locale="zh-CN") as bare:
        bare.add_cookies([{"name": "yucun_session", "value": token, "url": served.url}])
        page = bare.new_page()
        page.goto(ADDRESS)
        page.locator("#n-standard_fen").fill("900")
        page.get_by_role("button", name="试算").click()
        expect(page.locator("#answer .answer")).to_contain_text("每月多花")


@pytest.mark.parametrize(("language", "width", "theme"), LOOKS[:2])
@pytest.mark.parametrize(
    "path",
    ["/service/relief/clauses", "/service/relief/chief", "/relief/morning", "/service/prosperity/clauses", "village"],
)
def test_the_pages_beside_it(context: BrowserContext, path: str, language: str, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - half a megabyte that only this test needs

    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    if path == "village":
        page.goto("/relief/morning")
        path = page.locator("a[href^='/relief/village/']").first.get_attribute("href") or ""
    said = listen(page)
    page.goto(f"{path}?lang={language}&theme={theme}")
    expect(page.locator("#gathering")).to_have_count(0, timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    found = Axe().run(page).response["violations"]
    assert [(one["id"], node["html"][:160]) for one in found if one["impact"] in AXE_BAD for node in one["nodes"]] == []
