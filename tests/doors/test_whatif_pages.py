"""The what-if page over a real server: who may ask, what it answers, wrong figures, and the table in four forms."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import httpx
import openpyxl
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from tests.doors.serving import Served

ADDRESS = "/service/relief/what-if"


@pytest.fixture(scope="module")
def county(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        client.cookies.set("yucun_session", served.sign_in("relief_county"))
        client.get(ADDRESS)
        yield client


def sentence(page: str) -> str:
    found = re.search(r'<p class="answer"[^>]*>(.*?)</p>', page)
    assert found is not None, page[-2000:]
    return found[1]


def test_it_is_for_those_whose_purpose_reads_the_residents(served: Served, county: httpx.Client) -> None:
    assert county.get(ADDRESS).status_code == 200
    with served.client() as other:
        assert other.get(ADDRESS).status_code in (401, 403)
        assert other.get(f"{ADDRESS}/table").status_code in (401, 403)
        other.cookies.set("yucun_session", served.sign_in("relief_finance"))
        refused = other.get(ADDRESS, params={"lang": "en"})
        assert refused.status_code in (401, 403)
        assert "relief.planning" in refused.text
        other.cookies.set("yucun_session", served.sign_in("chief"))
        assert other.get(ADDRESS).status_code == 200


def test_each_look_is_in_the_trail_under_its_purpose(county: httpx.Client) -> None:
    county.get(ADDRESS, params={"standard_fen": "820"})
    page = county.get("/looked", params={"lang": "en"}).text
    assert "relief what-if" in page
    assert "trying out relief policy" in page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_answers_in_both_languages_and_says_that_it_is_a_simulation(county: httpx.Client, language: str) -> None:
    page = county.get(ADDRESS, params={"standard_fen": "900", "lang": language}).text
    assert {"zh": "仅供模拟", "en": "simulation only"}[language] in page
    assert re.search({"zh": r"每月多花 [\d,.]+ 元", "en": r"costs [\d,.]+ yuan more a month"}[language], sentence(page))
    for name in ("HSIM", "PSIM", "模·"):
        assert name not in page, "no person and no household stands on it"


def test_the_same_address_gives_the_same_answer_and_nothing_supposed_costs_nothing(county: httpx.Client) -> None:
    asked = {"standard_fen": "900", "version.is_expenditure": "rigid_share", "lang": "en"}
    assert sentence(county.get(ADDRESS, params=asked).text) == sentence(county.get(ADDRESS, params=asked).text)
    assert sentence(county.get(ADDRESS, params={"lang": "en"}).text).startswith("Today ")
    unmoved = county.get(ADDRESS, params={"standard_fen": "810", "lang": "en"}).text
    assert sentence(unmoved).startswith("Today ")


def test_a_script_gets_the_answer_alone(county: httpx.Client) -> None:
    part = county.get(ADDRESS, params={"standard_fen": "900", "part": "answer"}).text
    assert 'id="answer"' in part
    assert "<html" not in part


def test_a_county_opens_into_its_towns(county: httpx.Client) -> None:
    page = county.get(ADDRESS, params={"standard_fen": "900", "county": "330502", "lang": "zh"}).text
    assert "织里镇" in page
    assert "织里镇" not in county.get(ADDRESS, params={"standard_fen": "900", "lang": "zh"}).text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"no_such": "1"}, "there is no figure"),
        ({"standard_fen": "1"}, "can be tried between 400 and 2000"),
        ({"standard_fen": "many"}, "is a number"),
        ({"version.is_edge": "of_mars"}, "has no version"),
        ({"members": "70"}, "the number of people is 1 to 6"),
    ],
)
def test_what_is_asked_wrongly_is_said_and_supposes_nothing(
    county: httpx.Client, asked: dict[str, str], said: str
) -> None:
    answer = county.get(ADDRESS, params={**asked, "lang": "en"})
    assert answer.status_code == 422
    assert said in answer.text
    assert sentence(answer.text).startswith("Today ")


def test_the_table_in_four_forms_says_the_same(county: httpx.Client) -> None:
    def take(form: str) -> httpx.Response:
        answer = county.get(f"{ADDRESS}/table", params={"standard_fen": "900", "form": form})
        assert answer.status_code == 200, answer.text[:400]
        return answer

    content = take("csv").content
    assert content.startswith(b"\xef\xbb\xbf")
    rows = csv.read_csv(io.BytesIO(content)).to_pylist()
    parquet = pq.read_table(io.BytesIO(take("parquet").content)).to_pylist()
    said = json.loads(take("json").content)
    sheet = openpyxl.load_workbook(io.BytesIO(take("xlsx").content)).worksheets[0]
    assert len(rows) == len(parquet) == len(said["rows"]) == sheet.max_row - 1
    whole = next(row for row in parquet if row["part"] == "all")
    assert whole["cost_fen"] == whole["after_fen"] - whole["before_fen"] > 0
    assert [row["cost_fen"] for row in rows] == [row["cost_fen"] for row in parquet]
    assert said["rows"] == parquet
    assert {row["part"] for row in parquet} == {"all", "place", "age", "disability", "size", "class", "programme"}
    hidden = [row for row in parquet if row["mark"] == "hidden"]
    assert hidden
    assert all(None in row.values() for row in hidden)


def test_a_form_that_there_is_not_and_a_wrong_figure_are_refused(county: httpx.Client) -> None:
    for asked in ({"form": "docx"}, {"standard_fen": "1"}):
        answer = county.get(f"{ADDRESS}/table", params={**asked, "lang": "en"})
        assert answer.status_code in (400, 422), answer.status_code
