"""The pages in a real browser: both languages, both widths, light and dark, keyboard, print, wall, without scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.doors.serving import Served
from yucun.base.text import Text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

RATIO = "prosperity.urban_rural_ratio"
PAGES = (
    "/", "/service", "/service/prosperity", "/numbers", f"/number/{RATIO}", "/lake", "/lake/prosperity.income",
    "/region/33", "/region/330500", "/region/330502", "/region/330502100", "/region/330502100200", "/search?q=" + quote("织里"),
    "/sign-in", "/my", "/docs", "/open", "/open/prosperity.income", "/no/such/page", "/number/no.such_number",
)  # fmt: skip
# Each page is looked at in each of these, and in the first two by axe: they differ in all three choices.
LOOKS = (("zh", 1440, "light"), ("en", 360, "dark"), ("zh", 360, "light"), ("en", 1440, "dark"))
AXE_BAD = ("serious", "critical")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(served: Served) -> str:
    """Where Huzhou is served."""
    return served.url


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A fresh browser profile."""
    opened = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900}, locale="zh-CN")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A fresh tab."""
    return context.new_page()


def listen(page: Page) -> list[str]:
    """Collect everything that the console calls an error, and every exception."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def with_query(path: str, **asked: str) -> str:
    """Add to a query."""
    return path + ("&" if "?" in path else "?") + "&".join(f"{k}={v}" for k, v in asked.items())


@pytest.mark.parametrize(("language", "width", "theme"), LOOKS)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_in_every_look(context: BrowserContext, path: str, language: str, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - half a megabyte that only this test needs

    page = context.new_page()
    said = listen(page)
    page.set_viewport_size({"width": width, "height": 800})
    answer = page.goto(with_query(path, lang=language, theme=theme))
    assert answer is not None
    assert answer.status == (404 if "no" in path.split("/")[1:2] or "no." in path else 200)
    page.wait_for_timeout(150)
    expected = {f"Failed to load resource: the server responded with a status of {answer.status} (Not Found)"}
    assert [word for word in said if word not in expected] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("html").get_attribute("data-theme") == theme
    assert page.locator("html").get_attribute("lang") == ("zh-CN" if language == "zh" else "en")
    if (language, width, theme) not in LOOKS[:2]:
        return
    found = Axe().run(page).response["violations"]
    bad = [
        (one["id"], node["html"][:160], node.get("failureSummary", "")[:200])
        for one in found
        if one["impact"] in AXE_BAD
        for node in one["nodes"]
    ]
    assert bad == []


def test_the_sentence_is_made_from_the_number(page: Page) -> None:
    page.goto("/")
    assert page.locator("h1").inner_text() == "城镇一元六角五，乡村一元。"
    page.goto("/?lang=en")
    assert "1.65 yuan" in page.locator("h1").inner_text()


def test_the_simulated_day_is_said_on_every_page(page: Page) -> None:
    for path in PAGES:
        page.goto(path)
        assert "2022-05-31" in page.locator(".day").inner_text(), path


def test_language_stays_and_keeps_the_page(page: Page) -> None:
    page.goto(f"/number/{RATIO}?period=2021")
    page.get_by_role("link", name="EN", exact=True).click()
    assert "/number/" in page.url
    assert "period=2021" in page.url
    assert page.locator("h1").inner_text() == "Urban–rural income ratio"
    page.goto("/numbers")
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_browser_that_asks_for_english_gets_it(browser: Browser, address: str) -> None:
    with browser.new_context(base_url=address, locale="en-GB") as english:
        page = english.new_page()
        page.goto("/")
        assert page.locator("html").get_attribute("lang") == "en"


def test_theme_and_large_type_stay(page: Page) -> None:
    page.goto("/?theme=dark&size=large")
    page.goto("/")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("data-size") == "large"
    assert page.locator(".three a").count() == 3
    assert page.locator("nav.nav").count() == 0


def test_keys(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("n")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/numbers")
    page.keyboard.press("?")
    page.locator("[data-keys-off]").check()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_timeout(200)
    assert page.url.endswith("/numbers")


def test_skip_link_and_visible_focus(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    link = page.locator(".skip")
    assert link.evaluate("e => e === document.activeElement")
    assert link.bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_map_is_walked_with_arrows(page: Page) -> None:
    page.goto("/")
    cells = page.locator(".map .cell")
    assert cells.count() == 72
    assert page.locator(".map .cell[tabindex='0']").count() == 1
    page.locator(".map .cell[tabindex='0']").focus()
    first = page.locator("[data-readout]").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("[data-readout]").inner_text() != first
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/region/\d{9}"))


def test_a_filter_swaps_only_the_table(page: Page) -> None:
    page.goto("/numbers")
    page.evaluate("window.stayed = true")
    rows = page.locator("#numbers tbody tr")
    before = rows.count()
    page.locator("main input[name=q]").fill("泰尔")
    expect(rows).not_to_have_count(before)
    expect(page.locator("#numbers")).not_to_contain_text("地区生产总值")
    assert 3 <= rows.count() < before
    assert page.evaluate("window.stayed") is True
    assert "q=" in page.url
    page.get_by_role("link", name="代码").click()
    expect(page.locator("th[aria-sort=descending]")).to_be_visible()
    assert page.evaluate("window.stayed") is True
    page.go_back()
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()


def test_pages_stand_without_scripts(browser: Browser, address: str) -> None:
    with browser.new_context(base_url=address, java_script_enabled=False, locale="zh-CN") as bare:
        page = bare.new_page()
        page.goto(f"/number/{RATIO}")
        assert page.locator(".figure-hero").inner_text().startswith("1.65")
        assert page.locator(".series .still circle").count() >= 2
        page.goto("/numbers?q=" + quote("泰尔"))
        assert page.locator("#numbers tbody tr").count() >= 3


def numbers_of(page: Page) -> list[str]:
    """All figures of a page, shown or waiting for their turn."""
    return page.locator(".figure").all_text_contents()


def test_wall_laptop_and_paper_hold_the_same_numbers(page: Page) -> None:
    page.goto("/")
    laptop = numbers_of(page)
    page.emulate_media(media="print")
    shown = [text for text in numbers_of(page) if text]
    assert page.locator(".figure").first.is_visible()
    page.emulate_media(media="screen")
    page.goto("/?view=wall")
    assert numbers_of(page) == laptop == shown
    assert len(laptop) > 5


def test_the_wall_turns_and_can_be_held(page: Page) -> None:
    page.clock.install()
    page.goto("/?view=wall")
    count = page.locator("[data-wall-count]")
    assert count.inner_text().startswith("1 /")
    page.clock.run_for(21_000)
    assert count.inner_text().startswith("2 /")
    page.locator("[data-wall-pause]").click()
    page.clock.run_for(60_000)
    assert count.inner_text().startswith("2 /")
    page.locator("[data-wall-next]").click()
    assert count.inner_text().startswith("3 /")


@pytest.mark.parametrize(("path", "most"), [("/", 1), ("/?lang=en", 1), (f"/number/{RATIO}", 2), ("/lake", 4)])
def test_paper(page: Page, path: str, most: int) -> None:
    page.goto(path)
    written = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", written)) <= most


def test_the_comparison_that_is_not_allowed_is_said(page: Page) -> None:
    page.goto(f"/number/{RATIO}")
    text = page.locator("main").inner_text()
    assert "不连成一条线" in text
    drawn = page.locator(".series .still").first.locator("text").all_text_contents()
    assert not ({"2020 年 1—9 月（累计）"} & set(drawn))


def test_clerk_signs_in_loads_a_file_and_sees_what_was_refused(page: Page, served: Served, tmp_path: Path) -> None:
    told = [line.split("\t") for line in (served._folder / "sign-in.txt").read_text(encoding="utf-8").splitlines()]
    passwords = {line[0]: line[1] for line in told if len(line) > 1}
    page.goto("/lake")
    assert page.locator("form[data-upload]").count() == 0
    page.goto("/sign-in?back=/lake")
    page.locator("#account").fill("clerk")
    page.locator("#password").fill("not the password at all")
    page.get_by_role("button", name="登录").click()
    assert page.locator(".notice.is-bad").is_visible()
    page.locator("#account").fill("clerk")
    page.locator("#password").fill(passwords["clerk"])
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/lake")
    said = listen(page)
    sent = tmp_path / "gdp_2016.csv"
    sent.write_text(
        "地区,年份,地区生产总值（亿元）,来源,依据\n湖州市,2016,2243.1,zhejiang-yearbook-2016,seen\n湖洲市,2016,1,x,seen\n",
        encoding="utf-8",
    )
    page.locator("input[type=file]").set_input_files(sent)
    page.locator("select[name=table]").select_option("prosperity.gdp")
    page.get_by_role("button", name="装载").click()
    page.wait_for_url("**/lake/landing/**")
    assert said == []
    assert "退回 1 条" in page.locator("h1").inner_text()
    assert "湖洲市" in page.locator("#refused").inner_text()
    page.goto("/")
    assert "gdp_2016.csv" in page.locator(".todo").inner_text()
    page.goto("/my")
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/")
    assert page.get_by_role("link", name="登录").is_visible()


def test_a_form_from_another_site_is_refused(page: Page, address: str) -> None:
    answer = page.request.post(
        f"{address}/sign-in", form={"account": "a", "password": "b"}, headers={"Origin": "https://elsewhere.example"}
    )
    assert answer.status == 401
    assert Text("拒", "refused").zh in answer.text()


def test_static_files_are_kept_and_named_by_their_content(page: Page, address: str) -> None:
    page.goto("/")
    href = page.locator("link[rel=stylesheet]").first.get_attribute("href")
    answer = page.request.get(f"{address}{href}")
    assert "immutable" in answer.headers["cache-control"]
    again = page.request.get(f"{address}{href}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304
    assert page.request.get(f"{address}/static/x/../../text.toml").status == 404


def test_nothing_is_asked_of_other_hosts(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in PAGES:
        page.goto(path)
    assert [url for url in asked if not url.startswith(address) and not url.startswith("data:")] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_picture_of_the_readme(page: Page, tmp_path: Path, language: str) -> None:
    """Takes the picture; ``YUCUN_PICTURES=docs/pictures`` keeps it."""
    folder = Path(os.environ.get("YUCUN_PICTURES", tmp_path))
    page.goto(f"/?lang={language}&theme=light")
    path = (folder if folder.is_absolute() else ROOT / folder) / f"city-{language}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=True)
    assert path.stat().st_size > 50_000
