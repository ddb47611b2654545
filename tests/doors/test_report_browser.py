"""Levers that answer live, the tree by keyboard, the report in both languages: in a real browser, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.doors.serving import Served
from tests.doors.test_pages_browser import AXE_BAD, listen, with_query

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

BASE = "/service/prosperity"
PAGES = (f"{BASE}/index?with=pace&with=output", f"{BASE}/levers?income_rural=31000", f"{BASE}/tasks", "/report/2021")
LOOKS = (("zh", 1440, "light"), ("en", 360, "dark"))


@pytest.fixture
def context(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=served.url, viewport={"width": 1440, "height": 900}, locale="zh-CN")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.mark.parametrize(("language", "width", "theme"), LOOKS)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_in_both_looks(context: BrowserContext, path: str, language: str, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - half a megabyte that few tests need

    page = context.new_page()
    said = listen(page)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(with_query(path, lang=language, theme=theme))
    page.evaluate("document.querySelectorAll('[data-chart]').forEach((chart) => chart.scrollIntoView())")
    page.wait_for_timeout(300)
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    bad = [(one["id"], node["html"][:160]) for one in found if one["impact"] in AXE_BAD for node in one["nodes"]]
    assert bad == []


def test_a_slider_moved_by_keyboard_answers_at_once(page: Page) -> None:
    said = listen(page)
    page.goto(f"{BASE}/levers")
    answer = page.locator("#answer .answer")
    expect(answer).to_contain_text("还没有拨动")
    slider = page.locator("#set-income_rural")
    slider.focus()
    now = int(slider.input_value())
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(answer).to_contain_text("位次变好的机会")
    assert int(slider.input_value()) > now
    page.wait_for_url("**income_rural=*")
    expect(page.locator('[data-slider="income_all"]')).to_have_attribute("class", "follows")
    first = answer.inner_text()
    page.keyboard.press("End")
    expect(answer).not_to_have_text(first)
    assert said == []


def test_a_move_costs_one_question_and_no_reload(page: Page) -> None:
    asked: list[str] = []
    page.goto(f"{BASE}/levers")
    page.on("request", lambda request: asked.append(request.resource_type) if BASE in request.url else None)
    page.evaluate("window.here = true")
    page.locator("#set-income_rural").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#answer .answer")).to_contain_text("位次变好的机会")
    assert asked == ["fetch"]
    assert page.evaluate("window.here") is True


def test_one_step_undo_reset_and_a_link_that_carries_the_state(page: Page, context: BrowserContext) -> None:
    page.goto(f"{BASE}/levers")
    answer = page.locator("#answer .answer")
    page.locator('[data-slider="income_rural"] [data-to]:not([data-to=""])').click()
    expect(answer).to_contain_text("到第 4")
    page.wait_for_url("**income_rural=30975")
    other = context.new_page()
    other.goto(page.url)
    assert other.locator("#answer").inner_text() == page.locator("#answer").inner_text()
    page.locator('[data-slider="urban_rural_ratio"] [data-to]:not([data-to=""])').click()
    page.wait_for_url("**urban_rural_ratio=1.54")
    page.locator("[data-undo]").click()
    page.wait_for_url(lambda address: "urban_rural_ratio" not in address and "income_rural=30975" in address)
    page.keyboard.press("Alt+z")
    expect(answer).to_contain_text("还没有拨动")
    page.locator('[data-slider="income_rural"] [data-to]:not([data-to=""])').click()
    expect(answer).to_contain_text("到第 4")
    page.locator("[data-reset]").click()
    expect(answer).to_contain_text("还没有拨动")
    assert page.locator("#set-income_rural").input_value() == "28922"


def test_another_city_and_another_set_of_indicators(page: Page) -> None:
    page.goto(f"{BASE}/levers")
    page.locator('select[name="city"]').select_option("331100")
    page.wait_for_url("**city=331100**")
    expect(page.locator("h1")).to_contain_text("丽水")
    page.locator('input[name="with"][value="output"]').check()
    page.wait_for_url("**with=output**")
    expect(page.locator("#set-gdp_growth")).to_be_visible()
    expect(page.locator("#all-levers")).to_contain_text("未知")


def test_levers_work_without_scripts(browser: Browser, served: Served) -> None:
    with browser.new_context(base_url=served.url, java_script_enabled=False, locale="zh-CN") as plain:
        page = plain.new_page()
        page.goto(f"{BASE}/levers")
        page.locator("#set-income_rural").fill("31000")
        page.get_by_role("button", name="计算").click()
        assert "到第 4" in page.locator("#answer").inner_text()
        page.goto("/report/2021")
        assert "1.65" in page.locator("#income").inner_text()


def test_the_tree_by_keyboard(page: Page) -> None:
    page.goto(f"{BASE}/tasks")
    heads = page.locator("[data-tree] summary")
    heads.first.focus()
    page.keyboard.press("ArrowDown")
    focused = "document.activeElement.querySelector('.task-title').textContent"
    assert "“1”" in page.evaluate(focused)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.parentElement.open") is True
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.parentElement.open") is False
    page.keyboard.press("ArrowLeft")
    assert "1+7+N" in page.evaluate(focused)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    assert "1+5+n" in page.evaluate(focused)
    page.keyboard.press("End")
    assert "城乡居民收入比" in page.evaluate(focused)
    page.locator('[data-fold="close"]').click()
    assert page.locator("[data-task][open]").count() == 0
    page.locator('[data-fold="open"]').click()
    assert page.locator("[data-task]:not([open])").count() == 0


def test_the_tree_is_filtered_while_one_types(page: Page) -> None:
    page.goto(f"{BASE}/tasks")
    page.locator('input[name="q"]').last.fill("行动方案")
    expect(page.locator("[data-tree] summary")).to_have_count(2)
    page.locator('input[name="q"]').last.fill("")
    page.locator('select[name="light"]').select_option("amber")
    expect(page.locator("[data-tree] summary")).to_have_count(2)


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "城乡居民收入比为 1.65。"), ("en", "The urban–rural income ratio was 1.65.")]
)
def test_the_report_reads_in_both_languages(page: Page, language: str, words: str) -> None:
    page.goto(f"/report/2021?lang={language}")
    assert page.locator("h1").inner_text() == words
    sentences = page.locator("[data-sentence]")
    assert sentences.count() == 25
    for at in range(sentences.count()):
        assert sentences.nth(at).locator("a.n").count() > 0, sentences.nth(at).inner_text()
    page.locator('[data-sentence="ratio"] a.n').click()
    page.wait_for_url("**/number/prosperity.urban_rural_ratio**")
    assert page.locator(".figure-hero").inner_text().startswith("1.65")


def test_the_contents_jump_and_charts_come_alive(page: Page) -> None:
    page.goto("/report/2021")
    page.locator("#cities [data-chart]").first.scroll_into_view_if_needed()
    expect(page.locator("#cities .live-figure [data-live] svg").first).to_be_visible()
    page.locator(".contents a").nth(2).click()
    page.wait_for_url("**#index")
    expect(page.locator("#index [data-live] svg")).to_be_visible()
    page.emulate_media(media="print")
    for still, rows in (("#index .places .still", 11), ("#cities .still .bars", 11)):
        box = page.locator(still).first.bounding_box()
        assert box is not None
        assert box["height"] > rows * 10, f"{still} is on paper, with a line a city"
        assert box["width"] > 300
    assert not page.locator(".contents").is_visible()


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_reads_every_table_without_scrolling_sideways(context: BrowserContext, path: str) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(with_query(path, lang="en"))
    boxes = page.locator(".table-box")
    assert boxes.count() > 0
    for at in range(boxes.count()):
        assert boxes.nth(at).evaluate("box => box.scrollWidth - box.clientWidth") <= 1, boxes.nth(at).inner_text()
    heads = page.locator(".stacks td[data-head]").first
    assert (
        heads.evaluate("cell => getComputedStyle(cell, '::before').content") == f'"{heads.get_attribute("data-head")} "'
    )


def test_paper_holds_the_same_numbers(page: Page) -> None:
    page.goto(f"{BASE}/levers?income_rural=31000")
    page.emulate_media(media="print")
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#set-income_rural")).to_be_hidden()
    expect(page.locator('[data-slider="income_rural"]')).to_contain_text("31,000")
