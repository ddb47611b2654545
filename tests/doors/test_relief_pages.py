"""Relief's pages over a real server: the run, publicity, clauses, the morning by village, the chief, what I get and why."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from tests.doors.serving import Served
from tests.services.relief.office import Office
from yucun.city import SERVICES
from yucun.doors.pages.clauses_page import make_clauses_page
from yucun.kernel.service import read_services


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
    for path in ("/relief/month", "/relief/publicity", "/relief/morning", "/my/relief", "/duty/relief"):
        for language, word in (("zh", "救助"), ("en", "relief")):
            answer = window.get(path, params={"lang": language})
            assert answer.status_code == 200, (path, answer.status_code)
            assert word in answer.text, path
    with served.client() as public:
        assert public.get("/relief/publicity").status_code == 200, "publicity is open"
        assert public.get("/relief/month").status_code in (401, 403)
        assert public.get("/relief/month.csv").status_code in (401, 403)
        assert public.get("/relief/morning").status_code in (401, 403)
        assert public.get("/relief/village/330502001005").status_code in (401, 403)
        assert public.get("/service/relief/chief").status_code in (401, 403)


def test_every_page_says_that_it_is_a_simulation(window: httpx.Client) -> None:
    for path in ("/relief/month", "/relief/publicity", "/relief/morning", "/my/relief"):
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
        for word in ("我得到什么", "为什么是这么多", "变了什么", "和上个月比", "算式", "入账", "提出异议"):
            assert word in page.text, word
        sent = {"do": "object", "number": name, "code": code, "token": "0123456789abcdef", "text": "（模拟）金额不对"}
        assert "异议已受理" in public.post("/my/relief?lang=zh", data=sent).text
        assert "异议已受理" in public.post("/my/relief?lang=zh", data=sent).text, "sent twice it is one objection"


def test_clauses_stand_with_what_shows_them(window: httpx.Client) -> None:
    page = window.get("/service/relief/clauses?lang=zh").text
    assert "条条有例子" in page and "没有例子的（" not in page
    shown, others = page.index(">有例子的（"), page.index("tekun_old_age")
    assert shown < page.index("dibao_gap_fen_from_2014_11") and shown < page.index("is_tekun_from_2014_11") < others
    assert "浙江省社会救助条例第十二条" in page
    with_numbers = window.get("/service/prosperity/clauses?lang=en")
    assert "Numbers that no example asks" in with_numbers.text
    assert window.get("/service/no_such/clauses").status_code == 404


def test_clauses_that_no_example_shows_are_found_and_said(tmp_path: Path) -> None:
    """The same service without its examples on gas and on who is tekun: their clauses come first."""
    office = Office()
    ships = read_services(SERVICES)[0]["relief"]
    folder = Path(shutil.copytree(ships.folder, tmp_path / "relief"))
    said = re.split(r"(?m)^(?=\[\w+\]$)", (folder / "examples.toml").read_text(encoding="utf-8"))
    kept = [part for part in said if not part.startswith(("[gas]", "[tekun_who]"))]
    (folder / "examples.toml").write_text("".join(kept), encoding="utf-8")
    service = replace(ships, folder=folder)
    work = SimpleNamespace(cases=office.engine.cases)
    city = SimpleNamespace(work=work, books=office.engine.books, services={"relief": service})
    page = make_clauses_page(SimpleNamespace(city=city), service)  # type: ignore[arg-type]
    assert [one.title.zh for one in page.without] == ["浙江省社会救助条例第十四条", "燃气费减免（由县规定）"]
    assert "2" in page.opening.sentence.zh
    office.close()


def test_the_morning_leads_to_the_villages_and_their_cases(window: httpx.Client) -> None:
    morning = window.get("/relief/morning?lang=zh").text
    villages = re.findall(r'href="/relief/village/(\d{12})"', morning)
    assert len(villages) == len(set(villages)) > 3
    case = r'href="/duty/relief\?case=\d+"'
    waiting = len(re.findall(case, morning))
    for village in villages:
        page = window.get(f"/relief/village/{village}?lang=zh")
        assert page.status_code == 200
        waiting += len(re.findall(case, page.text))
    told = re.search(r"今早 (\d+) 件在等", re.sub("<[^>]+>", "", morning))
    assert told is not None
    assert waiting == int(told[1]), "every case that waits stands on its village's page once, or here without a village"


def test_a_place_that_is_no_village_is_said(window: httpx.Client) -> None:
    assert window.get("/relief/village/330502").status_code == 404
    assert window.get("/relief/village/999999999999").status_code == 404


def test_the_chief_sees_coverage_and_what_is_not_known(served: Served) -> None:
    with served.client() as chief:
        chief.cookies.set("yucun_session", served.sign_in("chief"))
        for _ in range(60):
            answer = chief.get("/service/relief/chief?lang=en")
            if answer.status_code == 200:
                break
    assert answer.status_code == 200
    assert re.search(r"Of households entitled [\d.]+% are registered", re.sub("<[^>]+>", "", answer.text))
    assert "Precision of warnings" in answer.text
    assert "simulation only" in answer.text


def test_large_type_has_three_things_to_do(served: Served, window: httpx.Client) -> None:
    number = re.search(r"case=(\d+)", window.get("/duty/relief?state=approved&lang=zh").text)
    assert number is not None
    receipt = window.get(f"/relief/receipt/{number[1]}?lang=en").text
    name, code = re.search(r"application  (\S+)\ncode         (\S+)", receipt).groups()  # type: ignore[union-attr]
    with served.client(Origin=served.url) as public:
        page = public.post("/my/relief?lang=zh&size=large", data={"number": name, "code": code}).text
    ways = page.split('class="big-ways"')[1].split("</nav>")[0]
    assert re.findall(r'href="(#\w+)"', ways) == ["#why", "#months", "#object"]
    for anchor in ("why", "months", "object"):
        assert f'id="{anchor}"' in page
    assert "入账</h2>" not in page
