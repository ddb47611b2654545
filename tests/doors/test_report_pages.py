"""Index, levers, tasks and report over HTTP: what a page says, files, the API beside them, refusals."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from pathlib import Path

import httpx
import pytest
from litestar.testing import TestClient
from pypdf import PdfReader

from tests.doors.serving import Served, ask_again
from yucun.city import SERVICES, City
from yucun.doors.http import make_http
from yucun.index import rerun

BASE = "/service/prosperity"
PAGES = (f"{BASE}/index", f"{BASE}/levers", f"{BASE}/tasks", "/report/2021", "/report/2015")


@pytest.fixture
def client(served: Served) -> httpx.Client:
    """A reader who has chosen nothing yet; a chosen language is remembered by a cookie."""
    return served.client(**{"Accept-Language": "zh"})


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_in_both_languages_and_again_from_its_tag(client: httpx.Client, path: str) -> None:
    for language, words in (("zh", "共同富裕"), ("en", "prosperity")):
        answer = client.get(path, params={"lang": language})
        assert answer.status_code == 200
        assert words in answer.text
        assert ask_again(client, f"{path}?lang={language}").status_code == 304


def test_the_service_page_leads_to_all_of_them(client: httpx.Client) -> None:
    page = client.get(BASE).text
    for address in (f"{BASE}/index", f"{BASE}/levers", f"{BASE}/tasks", "/report"):
        assert f'href="{address}"' in page
    assert client.get("/report").headers["location"] == "/report/2021"


def test_the_address_carries_what_is_set(client: httpx.Client) -> None:
    plain = client.get(f"{BASE}/levers").text
    moved = client.get(f"{BASE}/levers", params={"income_rural": "31000"}).text
    assert "还没有拨动" in plain
    assert "名义上升 1 位到第 4" in moved
    assert "39,948" in moved, "the income of all follows"
    apart = client.get(f"{BASE}/levers", params={"income_rural": "31000", "apart": "1"}).text
    assert "39,948" not in apart
    other = client.get(f"{BASE}/levers", params={"city": "331100"}).text
    assert "丽水名义上排第 11" in other


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"city": "330502"}, 404, "没有这个市"),
        ({"income_rural": "much"}, 200, "还没有拨动"),
        ({"income_all": "26000", "income_rural": "34700"}, 200, "名义"),
        ({"with": "nonsense"}, 200, "还没有拨动"),
    ],
)
def test_what_cannot_be_read_sets_nothing(client: httpx.Client, asked: dict[str, str], status: int, words: str) -> None:
    answer = client.get(f"{BASE}/levers", params=asked)
    assert answer.status_code == status
    assert words in answer.text


def test_the_run_comes_as_one_folder_that_reruns_equal(client: httpx.Client, tmp_path: Path) -> None:
    answer = client.get(f"{BASE}/index.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        packed.extractall(tmp_path)
    assert rerun(tmp_path / "index").uncertainty is not None
    assert client.get(f"{BASE}/index.zip").content == answer.content


def test_tasks_are_filtered_by_words_and_light(client: httpx.Client) -> None:
    amber = client.get(f"{BASE}/tasks", params={"light": "amber"}).text
    assert "2025 年：城乡居民收入比" in amber
    assert "三年行动方案通过" not in amber
    assert "三年行动方案通过" in client.get(f"{BASE}/tasks", params={"q": "行动方案"}).text
    assert "没有这样的任务" in client.get(f"{BASE}/tasks", params={"q": "没有的词"}).text


@pytest.mark.parametrize(("language", "words"), [("zh", "年度报告"), ("en", "yearly report")])
def test_the_report_as_a_file(client: httpx.Client, language: str, words: str) -> None:
    answer = client.get("/report/2021.pdf", params={"lang": language})
    assert answer.headers["content-type"] == "application/pdf"
    assert f"huzhou-2021-{language}.pdf" in answer.headers["content-disposition"]
    first = PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert words in re.sub(r"\s+", " ", first)


@pytest.mark.parametrize("path", ["/report/1999", "/report/1999.pdf", "/report/next", "/report/20x1.pdf"])
def test_a_year_that_is_not_there_is_refused_in_words(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "年" in answer.text


def test_every_number_of_the_report_leads_somewhere(client: httpx.Client) -> None:
    page = client.get("/report/2021").text
    links = set(re.findall(r'<a class="n" href="([^"]+)"', page))
    assert len(links) > 20
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_the_api_tells_the_same(client: httpx.Client) -> None:
    index = client.get("/api/prosperity/index").json()
    assert [s["name"]["zh"] for s in index["standings"]][4] == "湖州"
    assert index["not_known"]["prosperity.gap_digital"]["zh"]
    levers = client.get("/api/prosperity/levers", params={"set": "income_rural=31000"}).json()
    assert levers["outcome"]["rank_after"] == 4
    assert levers["levers"][0]["indicator"] == "prosperity.income_rural"
    tasks = client.get("/api/prosperity/tasks").json()["tasks"]
    assert {t["light"] for t in tasks} == {"grey", "amber", "green"}
    report = client.get("/api/prosperity/report/2021").json()
    assert all(s["numbers"] for s in report["sentences"])
    wide = client.get("/api/prosperity/index", params={"with": "pace,output"}).json()
    assert len(wide["inputs"]) == 6


@pytest.mark.parametrize("path", ["index", "levers", "tasks"])
def test_every_table_comes_in_four_forms(client: httpx.Client, path: str) -> None:
    for form in ("csv", "xlsx", "parquet", "json"):
        answer = client.get(f"/api/prosperity/{path}", params={"format": form})
        assert answer.status_code == 200
        assert answer.content


@pytest.mark.parametrize(
    ("asked", "status"),
    [("levers?set=income_rural", 422), ("levers?set=nothing=1", 404), ("index?city=330502", 422), ("report/1999", 404)],
)
def test_the_api_refuses_with_a_problem(client: httpx.Client, asked: str, status: int) -> None:
    answer = client.get(f"/api/prosperity/{asked}")
    assert answer.status_code in (status, 400)
    assert answer.json()["findings"]


@pytest.mark.parametrize(("language", "words"), [("zh", "指数暂时不能算"), ("en", "there is no index")])
def test_before_any_figure_came_the_page_names_what_is_missing(client: httpx.Client, language: str, words: str) -> None:
    answer = client.get(f"{BASE}/index", params={"as_of": "1", "lang": language})
    assert answer.status_code == 200
    assert words in answer.text
    for table in ("prosperity.income", "prosperity.dimension"):
        assert f'href="/lake/{table}"' in answer.text
    assert answer.text.count("mark-not_known") >= 4
    refused = client.get("/api/prosperity/index", params={"as_of": "1"})
    assert refused.status_code == 404
    assert "prosperity.income" in refused.text


def test_a_city_without_the_service_has_none_of_this(tmp_path: Path) -> None:
    services = tmp_path / "services"
    shutil.copytree(SERVICES, services, ignore=shutil.ignore_patterns("__pycache__", "prosperity"))
    city = City.open(data=tmp_path / "city", services=services)
    try:
        with TestClient(make_http(city)) as bare:
            assert bare.get("/service").status_code == 200
            assert {bare.get(path).status_code for path in PAGES} == {404}
            assert bare.get("/api/prosperity/index").status_code == 404
    finally:
        city.close()
