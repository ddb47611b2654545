"""Relief's pages over a real server: the month's run, publicity without names, clauses, a receipt, what I get and why."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.doors.serving import Served


@pytest.fixture(scope="module")
def window(served: Served) -> Iterator[httpx.Client]:
    with served.client(Origin=served.url) as client:
        client.cookies.set("yucun_session", served.sign_in("relief_county"))
        yield client


@pytest.fixture(scope="module")
def finance(served: Served) -> Iterator[httpx.Client]:
    with served.client(Origin=served.url) as client:
        client.cookies.set("yucun_session", served.sign_in("relief_finance"))
        yield client


def hidden(page: str) -> dict[str, str]:
    """What a page's first form sends along."""
    form = page.split('<form class="asks"')[1].split("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_pages_in_both_languages_and_for_whom(served: Served, window: httpx.Client) -> None:
    for path in ("/relief/month", "/relief/publicity", "/relief/clauses", "/my/relief", "/duty/relief"):
        for language, word in (("zh", "救助"), ("en", "relief")):
            answer = window.get(path, params={"lang": language})
            assert answer.status_code == 200, (path, answer.status_code)
            assert word in answer.text, path
    with served.client() as public:
        assert public.get("/relief/publicity").status_code == 200, "publicity is open"
        assert public.get("/relief/month").status_code in (401, 403)
        assert public.get("/relief/month.csv").status_code in (401, 403)


def test_every_page_says_that_it_is_a_simulation(window: httpx.Client) -> None:
    for path in ("/relief/month", "/relief/publicity", "/relief/clauses", "/my/relief"):
        assert "仅供模拟" in window.get(path, params={"lang": "zh"}).text


def test_publicity_shows_no_whole_name_and_no_household(window: httpx.Client) -> None:
    page = window.get("/relief/publicity", params={"lang": "zh"}).text
    assert "**" in page and "某某" not in page and "SAMPLE-" not in page


def test_the_run_is_signed_by_finance_and_the_bank_file_agrees(window: httpx.Client, finance: httpx.Client) -> None:
    """The returned line of the made-up April is due anew; the county may not sign it, finance does."""
    address = "/relief/month?month=2022-04&lang=en"
    said = hidden(window.get(address).text)
    file = finance.get("/relief/month.csv?month=2022-04").text
    assert len(file.splitlines()) == int(said["lines"]) + 2
    refused = window.post("/relief/month?lang=en", data=said)
    assert refused.status_code == 422 and "signed by a named person of finance" in refused.text
    said = hidden(finance.get(address).text)
    signed = finance.post("/relief/month?lang=en", data=said)
    assert signed.status_code == 200 and "it is in the books" in signed.text, signed.text[-3000:]
    assert finance.post("/relief/month?lang=en", data=said).status_code == 200, "sent twice it is one run"
    assert "everything is taken" in finance.get(address).text


def test_a_receipt_opens_what_i_get_why_and_objecting(served: Served, window: httpx.Client) -> None:
    cases = window.get("/duty/relief?state=approved&lang=zh").text
    number = re.search(r"case=(\d+)", cases)
    assert number is not None
    receipt = window.get(f"/relief/receipt/{number[1]}?lang=en").text
    name, code = re.search(r"application  (\S+)\ncode         (\S+)", receipt).groups()  # type: ignore[union-attr]
    with served.client(Origin=served.url) as public:
        assert public.post("/my/relief", data={"number": name, "code": "WRONG"}).status_code == 422
        page = public.post("/my/relief?lang=zh", data={"number": name, "code": code})
        assert page.status_code == 200
        for word in ("我得到什么", "为什么是这么多", "变了什么", "算式", "入账", "提出异议"):
            assert word in page.text, word
        sent = {"do": "object", "number": name, "code": code, "token": "0123456789abcdef", "text": "（模拟）金额不对"}
        assert "异议已受理" in public.post("/my/relief?lang=zh", data=sent).text
        assert "异议已受理" in public.post("/my/relief?lang=zh", data=sent).text, "sent twice it is one objection"


def test_clauses_count_their_examples(window: httpx.Client) -> None:
    page = window.get("/relief/clauses?lang=en").text
    assert "Zhejiang Social Relief Regulations, art. 12" in page and "Figures that are not verified" in page
