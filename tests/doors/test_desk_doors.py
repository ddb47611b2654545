"""The data desk over HTTP and on the command line: pages in both languages, drafts, Excel, ranking, notices, who may."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from tests.doors.serving import Served, run
from tests.refused_files import NAME, RIGHT_PLACE, RIGHT_WORD, TABLE, WRONG_PLACE, WRONG_WORD, make_fifty


@pytest.fixture(scope="module")
def landing(served: Served) -> dict[str, Any]:
    """The landing of the file with fifty refused records."""
    with served.client(Authorization=f"Bearer {served.sign_in('clerk')}") as client:
        sent = client.post(f"/api/tables/{TABLE}/landings", files={"file": (NAME, make_fifty().content, "text/csv")})
    found: dict[str, Any] = sent.json()
    return found


@pytest.fixture
def clerk(served: Served) -> Iterator[httpx.Client]:
    """A clerk's browser without scripts: it carries the cookie and says where its forms come from."""
    with served.client(Origin=served.url) as client:
        client.cookies.set("yucun_session", served.sign_in("clerk"))
        yield client


def address(landing: dict[str, Any]) -> str:
    """The page on which it is corrected."""
    return f"/lake/landing/{landing['key']}/correct"


def test_the_pages_of_the_desk_in_both_languages(clerk: httpx.Client, landing: dict[str, Any]) -> None:
    pages = ("/lake", "/lake/correct", address(landing), "/lake/supplier/statistics", "/lake/feed/gdp")
    notice = clerk.get("/lake").text.split('href="/lake/notice/')[1].split('"')[0]
    for path in (*pages, f"/lake/notice/{notice}"):
        for language, word in (("zh", "数据"), ("en", "Data")):
            answer = clerk.get(path, params={"lang": language})
            assert answer.status_code == 200, path
            assert word in answer.text, path
    assert "50 条退回的记录待改正" in clerk.get("/lake?lang=zh").text
    assert "退回 50 条" in clerk.get("/?lang=zh").text, "the first page says what waits"
    for path in ("/lake/supplier/nobody", "/lake/feed/nothing", "/lake/notice/999999"):
        assert clerk.get(path).status_code == 404


def test_only_who_may_send_sees_the_records(served: Served, landing: dict[str, Any]) -> None:
    with served.client() as public:
        assert public.get(address(landing)).status_code == 401
        assert public.get(f"{address(landing)}.xlsx").status_code == 401
        assert public.post(address(landing), data={"do": "send"}, headers={"Origin": served.url}).status_code == 401
        assert public.get("/lake/correct").status_code == 200
        public.cookies.set("yucun_session", served.sign_in("chief"))
        assert public.get(address(landing)).status_code == 403


def test_a_form_of_another_site_corrects_nothing(clerk: httpx.Client, landing: dict[str, Any]) -> None:
    answer = clerk.post(address(landing), data={"do": "send"}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403


def test_without_scripts_the_grid_is_a_form(clerk: httpx.Client, landing: dict[str, Any]) -> None:
    place = address(landing)
    kept = clerk.post(place, data={"do": "keep", "cell|50|0|note": "x", "cell|50|0|gdp_fen": "84.5"})
    assert kept.status_code == 303
    page = clerk.get(place).text
    assert 'value="84.5"' in page
    replaced = clerk.post(
        place, data={"do": "replace", "field": "region", "from": WRONG_PLACE, "to": RIGHT_PLACE},
        headers={"Accept": "application/json"},
    )  # fmt: skip
    assert len(replaced.json()["changes"]) == 20
    only = clerk.get(place, params={"kind": "lake.unknown_code"}).text
    assert only.count('aria-invalid="true"') == 15
    sent = clerk.post(place, data={"do": "send"})
    assert sent.status_code == 303
    with_result = clerk.get(sent.headers["Location"]).text
    assert "更正自" in with_result or "Corrects" in with_result
    again = clerk.post(place, data={"do": "send"})
    assert (again.status_code, "还没有改动" in again.text) == (422, True)


def test_excel_by_page_and_by_api(served: Served, clerk: httpx.Client, landing: dict[str, Any]) -> None:
    place = address(landing)
    taken = clerk.get(f"{place}.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(taken.content))
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[2]]
    column = next(n for n, head in enumerate(heads, 1) if head == "evidence")
    lists = sheet.data_validations.dataValidation
    assert any(str(rule.sqref).startswith(sheet.cell(3, column).column_letter) for rule in lists)
    words = [row for row in range(3, sheet.max_row + 1) if sheet.cell(row, column).value == WRONG_WORD]
    assert len(words) == 15
    for row in words[:5]:
        sheet.cell(row, column).value = RIGHT_WORD
    first = io.BytesIO()
    book.save(first)
    page = clerk.post(f"{place}.xlsx", files={"file": ("改好.xlsx", first.getvalue())})
    assert page.status_code == 200
    assert "5 条" in page.text and page.text.count("data-changed") >= 5
    for row in words:
        sheet.cell(row, column).value = RIGHT_WORD
    whole = io.BytesIO()
    book.save(whole)
    with served.client(Authorization=f"Bearer {served.sign_in('clerk')}") as client:
        sent = client.post(
            f"/api/landings/{landing['key']}/corrections", files={"file": ("改好.xlsx", whole.getvalue())}
        )
        assert (sent.status_code, sent.json()["landed"]) == (201, 15)
        wrong = client.post(f"/api/landings/{landing['key']}/corrections", files={"file": ("x.xlsx", b"no workbook")})
        assert wrong.status_code == 422
    assert clerk.post(f"{place}.xlsx", data={}).status_code == 422


def test_ranking_and_notices_as_files(served: Served, landing: dict[str, Any]) -> None:
    with served.client() as client:
        said = client.get("/api/suppliers", params={"since": "2022-01-01", "until": "2022-05-31"}).json()["suppliers"]
        first = said[0]
        assert (first["supplier"], first["rank"], first["refused"], first["records"]) == ("statistics", 1, 50, 60)
        assert landing["key"] in first["landings"]
        assert client.get("/api/suppliers", params={"since": "yesterday"}).status_code == 400
        for form in ("csv", "xlsx", "parquet"):
            assert client.get("/api/suppliers", params={"format": form}).status_code == 200
        notices = client.get("/api/notices").json()["notices"]
        assert [n["kind"] for n in notices] == ["refused"]
        assert client.get("/api/feeds/gdp/runs").json() == {"feed": "gdp", "runs": []}
    assert served.noted() == ""


def test_verbs(own_huzhou: Path, tmp_path: Path) -> None:
    inbox = own_huzhou / "inbox" / "gdp"
    inbox.mkdir(parents=True)
    (inbox / "gdp.csv").write_bytes(make_fifty().content)
    os.utime(inbox / "gdp.csv", (0, 0))
    where = ("--data", str(own_huzhou), "--json")
    done = run("feeds", "run", "--once", *where, cwd=tmp_path)
    assert (done.code, done.json) == (0, {"landed": 1, "failed": 0, "opened": 1, "closed": 0, "delivered": 1}), (
        done.noted
    )
    shown = run("feeds", "show", "gdp", *where, cwd=tmp_path)
    assert (shown.code, shown.json["runs"][0]["outcome"], shown.json["runs"][0]["refused"]) == (0, "partly", 50)
    notices = run("notices", "--open", *where, cwd=tmp_path)
    assert (notices.code, len(notices.json["notices"]), notices.json["notices"][0]["delivered"]) == (1, 1, True)
    plain = run("feeds", "--data", str(own_huzhou), cwd=tmp_path)
    assert plain.code == 0
    assert "湖州市统计局数据管理岗" in plain.said
    assert run("feeds", "show", "nothing", "--data", str(own_huzhou), cwd=tmp_path).code == 3
