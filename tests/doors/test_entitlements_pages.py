"""Entitlements over a real server: my page from the notice to the rating, the catalogue, owed beside delivered, the desk, the verbs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.doors.serving import Served, run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = ("/entitlements/catalogue", "/entitlements/gap", "/my/entitlements", "/service/entitlements", "/my")


@pytest.fixture(scope="module")
def window(served: Served) -> Iterator[httpx.Client]:
    with served.client(Origin=served.url) as client:
        client.cookies.set("yucun_session", served.sign_in("service_window"))
        yield client


@pytest.fixture(scope="module")
def public(served: Served) -> Iterator[httpx.Client]:
    with served.client(Origin=served.url) as client:
        yield client


def open_mine(window: httpx.Client, public: httpx.Client, state: str = "prefilled") -> tuple[dict[str, str], str]:
    """From a claim at the desk over its notice to the person's own page."""
    queue = window.get("/duty/entitlements", params={"state": state, "lang": "en"}).text
    number = re.search(r"case=(\d+)", queue)
    assert number is not None
    notice = window.get(f"/entitlements/letter/{number[1]}/notice", params={"lang": "en"}).text
    said = dict(re.findall(r"<dt>(number|code)</dt>\s*<dd>([^<]+)</dd>", notice))
    page = public.post("/my/entitlements", params={"lang": "en"}, data=said)
    assert page.status_code == 200
    return said, page.text


def fields(page: str, button: str) -> dict[str, str]:
    """What the first form with a button sends along."""
    form = next(part for part in page.split("<form")[1:] if f'value="{button}"' in part.split("</form>")[0])
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.split("</form>")[0]))


def test_pages_open_in_both_languages(public: httpx.Client) -> None:
    for path in PAGES:
        for language, word in (("zh", "服务"), ("en", "ervice")):
            answer = public.get(path, params={"lang": language})
            assert answer.status_code == 200, path
            assert word in answer.text, (path, language)
    for path in ("/entitlements/catalogue", "/entitlements/gap", "/my/entitlements"):
        assert "仅供模拟" in public.get(path, params={"lang": "zh"}).text, "unverified figures are said on every page"


def test_the_catalogue_counts_what_is_not_known_and_can_be_taken_away(public: httpx.Client) -> None:
    page = public.get("/entitlements/catalogue", params={"lang": "en"}).text
    for word in ("95 items", "80 items", "98 items", "not known", "Compulsory Education Law"):
        assert word in page, word
    file = public.get("/entitlements/catalogue.csv")
    lines = file.content.decode("utf-8-sig").splitlines()
    assert file.headers["content-type"].startswith("text/csv")
    assert page.count('<article class="matter"') == len(lines) - 1
    assert any("未知" in line for line in lines)


def test_owed_beside_delivered_leads_down_to_a_village_and_hides_few(public: httpx.Client) -> None:
    city = public.get("/entitlements/gap", params={"lang": "en"}).text
    county = re.search(r'href="/entitlements/gap\?region=(3305\d\d)"', city)
    assert county is not None
    towns = public.get("/entitlements/gap", params={"lang": "en", "region": county[1]}).text
    town = re.search(r'href="/entitlements/gap\?region=(3305\d{5})"', towns)
    assert town is not None
    villages = public.get("/entitlements/gap", params={"lang": "en", "region": town[1]}).text
    assert re.search(r'href="/region/3305\d{8}"', villages)
    assert "hidden" in city.lower() or "hidden" in towns.lower()


def test_one_tap_opting_out_correcting_objecting(window: httpx.Client, public: httpx.Client) -> None:
    wrong = public.post("/my/entitlements", params={"lang": "en"}, data={"number": "PSAMPLE00001", "code": "WRONG"})
    assert wrong.status_code == 422 and "not right" in wrong.text
    said, page = open_mine(window, public)
    for word in (
        "Waiting for my tap",
        "On its way",
        "Delivered",
        "Not given",
        "clause:",
        "rule:",
        "record:",
        "made up",
    ):
        assert word in page, word
    sent = {**fields(page, "confirm"), "do": "confirm"}
    done = public.post("/my/entitlements", params={"lang": "en"}, data=sent).text
    assert "confirmed and granted" in done
    again = public.post("/my/entitlements", params={"lang": "en"}, data=sent).text
    assert "confirmed and granted" in again, "sent twice it is one tap"
    claim = sent["case"]
    wish = {**fields(done, "correct"), "case": claim, "do": "correct", "text": "（模拟）写错了", "token": "aa11"}
    wish["seen"] = ""
    assert "correction is taken" in public.post("/my/entitlements", params={"lang": "en"}, data=wish).text
    objection = {**said, "case": claim, "do": "object", "text": "（模拟）太慢", "token": "bb22"}
    assert "objection is taken" in public.post("/my/entitlements", params={"lang": "en"}, data=objection).text
    other = {**said, "case": "claim:PSAMPLE99999:vaccines:2022-05-01", "do": "decline", "token": "cc33"}
    assert "there is no such item" in public.post("/my/entitlements", params={"lang": "en"}, data=other).text
    file = public.post("/my/entitlements.csv", params={"lang": "en"}, data=said)
    assert file.headers["content-type"].startswith("text/csv") and "owed since" in file.text
    assert public.post("/my/entitlements.csv", data={**said, "code": "NO"}).status_code == 422


def test_a_delivery_is_rated(window: httpx.Client, public: httpx.Client) -> None:
    queue = window.get("/duty/entitlements", params={"state": "delivered", "lang": "en"}).text
    assert re.search(r"case=(\d+)", queue) is not None
    said, page = open_mine(window, public, "delivered")
    sent = {**fields(page, "rate"), "stars": "4"} if 'value="rate"' in page else {**said}
    assert sent.get("do") == "rate"
    assert "thank you" in public.post("/my/entitlements", params={"lang": "en"}, data=sent).text


def test_who_may_see_what(public: httpx.Client, window: httpx.Client) -> None:
    assert public.get("/duty/entitlements").status_code in (401, 403)
    queue = window.get("/duty/entitlements", params={"lang": "en"}).text
    number = re.search(r"case=(\d+)", queue)
    assert number is not None
    assert public.get(f"/entitlements/letter/{number[1]}/notice").status_code in (401, 403)
    assert "the catalogue" in queue and "simulation only" in queue


def test_the_morning_look_ran_over_the_made_up_people(window: httpx.Client) -> None:
    queue = window.get("/duty/entitlements", params={"state": "looked", "lang": "en"}).text
    assert "daily look at life events" in queue


def test_the_verbs_work_with_and_without_a_city(huzhou: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("person_id,birth\nP1,2022-05-02\n", encoding="utf-8")
    done = run("entitlements", "owed", "--persons", "p.csv", "--json", cwd=tmp_path)
    assert done.code == 0, done.noted
    assert {"vaccines", "birth_certificate"} <= {row["item"] for row in done.json if row["status"] == "owed"}
    assert {"job_service"} <= {row["item"] for row in done.json if row["status"] == "not_known"}
    listed = run("entitlements", "listed", "--json", cwd=tmp_path).json
    assert (listed["national"], listed["zhejiang"], listed["zhoushan"]) == (80, 95, 98)
    assert len(run("entitlements", "catalogue", "--json", cwd=tmp_path).json) == listed["here"]
    one = run("entitlements", "owed", "--person", "PSIM0000001", "--json", "--data", str(huzhou), cwd=tmp_path)
    assert one.code == 0, one.noted
    assert {row["person_id"] for row in one.json} == {"PSIM0000001"}
    for words in ((), ("--persons", "nothing.csv"), ("--person", "PSIM9999999", "--data", str(huzhou))):
        refused = run("entitlements", "owed", *words, cwd=tmp_path)
        assert refused.code != 0 and refused.noted, words


def look_at(page: Page, said: list[str], look: str) -> list[object]:
    """What is wrong with a page as it stands: messages of the console, width, and what axe finds serious."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - half a megabyte that only this test needs

    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    found = Axe().run(page).response["violations"]
    bad: list[object] = [
        (look, one["id"], one["nodes"][0]["html"][:160]) for one in found if one["impact"] in ("serious", "critical")
    ]
    return [*bad, *((look, word) for word in said), *([(look, "too wide")] if wide else [])]


def test_my_page_by_keyboard_alone_and_every_page_in_both_looks(
    browser: Browser, served: Served, window: httpx.Client, public: httpx.Client
) -> None:
    mine, _ = open_mine(window, public)
    context = browser.new_context(base_url=served.url, locale="zh-CN")
    page, bad = context.new_page(), []
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    for language, width, theme in (("zh", 1440, "light"), ("en", 360, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/entitlements/catalogue", "/entitlements/gap", "/my/entitlements", "/service/entitlements"):
            page.goto(f"{path}?lang={language}&theme={theme}")
            bad += look_at(page, said, f"{path} {language} {width}")
        page.goto(f"/my/entitlements?lang={language}&theme={theme}&size=large")
        page.locator("#my-number").focus()
        page.keyboard.insert_text(mine["number"])
        page.keyboard.press("Tab")
        page.keyboard.insert_text(mine["code"])
        page.keyboard.press("Enter")
        page.locator("h2").first.wait_for()
        bad += look_at(page, said, f"my own page {language} {width}")
        page.goto(f"/my/entitlements?lang={language}&size=normal")
    assert bad == []
    page.locator("#my-number").focus()
    page.keyboard.insert_text(mine["number"])
    page.keyboard.press("Tab")
    page.keyboard.insert_text(mine["code"])
    page.keyboard.press("Enter")
    page.locator(".tap").first.wait_for()
    before = page.locator("button[value=confirm]").count()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "confirm":
            break
    page.keyboard.press("Enter")
    page.locator(".notice.is-good").wait_for()
    assert page.locator("button[value=confirm]").count() == before - 1
    context.close()
