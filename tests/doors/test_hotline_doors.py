"""The hotline over HTTP: a note typed during the call, danger first, a citizen's own page, letters, answers with their law."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import openpyxl
import pytest

from tests.doors.serving import Served

ANSWERS = (
    "id,question,answer,law,valid_to,office\n"
    "a1,灵活就业人员社保缴费怎么办理,持身份证到户籍所在地办理,《社会保险法》第十条,2023-12-31,labour\n"
    "a2,老旧小区改造怎么报名,由社区统一申报,旧办法第三条,2021-12-31,housing\n"
)


@pytest.fixture
def desk(served: Served) -> Iterator[httpx.Client]:
    """A duty officer's browser without scripts."""
    yield from browser_of(served, "duty_officer")


@pytest.fixture
def resident(served: Served) -> Iterator[httpx.Client]:
    """A citizen's browser without scripts."""
    yield from browser_of(served, "resident")


def browser_of(served: Served, account: str) -> Iterator[httpx.Client]:
    with served.client(Origin=served.url) as client:
        client.cookies.set("yucun_session", served.sign_in(account))
        yield client


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]+)[-"]', page)
    assert found is not None
    return found.group(1)


def call(desk: httpx.Client, text: str, **more: str) -> httpx.Response:
    token = token_of(desk.get("/hotline/new").text)
    return desk.post("/hotline/new", data={"token": token, "text": text, "do": "send", **more})


def move(desk: httpx.Client, number: str, name: str, **more: str) -> httpx.Response:
    page = desk.get("/duty/hotline", params={"case": number}).text
    version = re.search(r'data-case-title data-no="\d+" data-version="(\d+)"', page)
    assert version is not None
    form = {"case": number, "seen": version.group(1), "move": name, "token": token_of(page), **more}
    return desk.post("/duty/hotline/move", data=form)


def test_a_session_that_was_silent_for_minutes_moves_and_one_that_was_for_days_is_over(
    served: Served, desk: httpx.Client
) -> None:
    number = call(desk, "月河街道小区门口的路灯不亮了，请派人看看").headers["Location"].split("case=")[1].split("&")[0]
    tokens = [served.sign_in("duty_officer") for _ in range(3)]
    path, said = f"/api/cases/{number}/moves", {"move": "take"}

    def silent_for(seconds: int) -> None:
        with closing(sqlite3.connect(served.books, timeout=60)) as books, books:
            books.execute("UPDATE access_session SET seen_ms = seen_ms - ?", (1000 * seconds,))

    codes = []
    for token, seconds in ((tokens[0], 120), (tokens[0], 0), (tokens[1], 0), (tokens[2], 30 * 86_400)):
        silent_for(seconds)
        with served.client(Authorization=f"Bearer {token}") as client:
            codes.append(client.post(path, params={"service": "hotline"}, json=said).status_code)
    assert codes == [200, 200, 200, 401]
    with served.client(Authorization=f"Bearer {served.sign_in('duty_officer')}") as client:
        assert client.post(path, params={"service": "hotline"}, json=said).status_code == 200
        assert client.get("/api/health").json()["failing"] == []
    assert "Traceback" not in served.noted()


def test_what_is_typed_is_judged_with_three_guesses_and_how_sure(desk: httpx.Client) -> None:
    page = desk.post("/hotline/new", data={"text": "织里镇公交站牌等了半小时车没来，希望增加班次", "do": "judge"}).text
    for word in ("织里镇", "交通运输", "主题把握", "第二可能", "第三可能", "判断依据"):
        assert word in page, word
    assert "（模拟）" not in page.split('id="judged"')[1].split("第二可能")[0]


def test_a_wrong_dispatch_comes_back_and_the_matter_is_closed(desk: httpx.Client) -> None:
    taken = call(desk, "月河街道小区门口的路灯坏了，请派人修", phone="13900000001")
    assert taken.status_code == 303
    number = taken.headers["Location"].split("case=")[1].split("&")[0]
    steps: list[tuple[str, dict[str, str], str]] = [
        ("dispatch", {"unit": "330502.transport", "subject": "urban"}, "已派单"),
        ("send_back", {"reason": "不属本单位职责"}, "待人工判断"),
        ("dispatch", {"unit": "330502.housing", "subject": "urban"}, "已派单"),
        ("accept", {}, "办理中"),
        ("reply", {"reply": "路灯已修好，请放心"}, "已答复"),
        ("visit", {"solved": "yes", "satisfied": "yes"}, "已回访"),
        ("close", {"outcome": "solved"}, "已办结"),
    ]
    for name, said, state in steps:
        assert move(desk, number, name, **said).status_code == 303, name
        assert state in desk.get("/duty/hotline", params={"case": number}).text
    letter = desk.get(f"/hotline/letter/{number}/answer")
    assert "路灯已修好，请放心" in letter.text
    assert "Letter of answer" in desk.get(f"/hotline/letter/{number}/answer", params={"lang": "en"}).text
    assert desk.get(f"/hotline/letter/{number}/poem").status_code == 404
    found = desk.get("/duty/hotline", params={"q": "13900000001", "lang": "zh"}).text
    assert f'data-case="{number}"' in found, "one search finds the caller's matter, closed as it is"


def test_danger_stands_before_everything_else(desk: httpx.Client) -> None:
    taken = call(desk, "和平镇三号楼电梯困人了，里面有孩子在哭，快来人")
    number = taken.headers["Location"].split("case=")[1].split("&")[0]
    page = desk.get("/duty/hotline", params={"lang": "zh"}).text
    order = re.findall(r'<li class="([^"]*)" data-case="(\d+)"', page)
    pressing = [at for at, (style, _) in enumerate(order) if "is-pressing" in style]
    assert number in {order[at][1] for at in pressing}
    assert pressing == list(range(len(pressing)))


def test_a_citizen_follows_the_matter_and_sees_who_looked(desk: httpx.Client, resident: httpx.Client) -> None:
    token = token_of(resident.get("/my/new").text)
    sent = resident.post("/my/new", data={"token": token, "text": "练市镇河边有人倒污水，请查处", "lang": "zh"})
    assert sent.status_code == 201
    again = resident.post("/my/new", data={"token": token, "text": "练市镇河边有人倒污水，请查处"})
    number = re.search(r"20220531-[0-9A-F]{8}", sent.text)
    assert number is not None
    assert number.group() in again.text, "sent twice it is one matter"
    mine = resident.get("/my", params={"lang": "zh"}).text
    assert mine.count(number.group()) >= 1
    assert "duty_officer" not in mine
    queue = desk.get("/api/cases", params={"service": "hotline", "open": "true", "limit": 1000}).json()["cases"]
    case = next(one for one in queue if one["id"] == f"hotline:{number.group()}")
    assert "练市镇河边有人倒污水" in desk.get("/duty/hotline", params={"case": case["no"]}).text
    looked = resident.get("/my", params={"lang": "zh"}).text
    assert "duty_officer" in looked
    assert "民意来件办理" in looked
    other = resident.post("/my/matter", data={"number": number.group(), "code": "WRONGONE"})
    assert other.status_code == 200, "one's own matter needs no code"


def test_without_account_number_and_code_open_a_matter(served: Served) -> None:
    with served.client(Origin=served.url) as client:
        token = token_of(client.get("/my/new").text)
        sent = client.post("/my/new", data={"token": token, "text": "善琏镇桥头栏杆断了"})
        number, code = re.findall(r"(20220531-[0-9A-F]{8}).*?\b([2-9A-Z]{8})\b", sent.text, re.DOTALL)[0]
        assert client.post("/my/matter", data={"number": number, "code": code}).status_code == 200
        assert client.post("/my/matter", data={"number": number, "code": "22222222"}).status_code == 404
        assert client.post("/my/matter", data={"number": "20220531-00000000", "code": code}).status_code == 404
        elder = client.get("/my", params={"size": "large", "lang": "zh"}).text
    assert 'data-size="large"' in elder


def test_known_answers_name_their_law_and_lapsed_ones_are_not_used(served: Served, desk: httpx.Client) -> None:
    before = desk.get("/hotline/uncovered", params={"lang": "en"}).text
    with served.client(Authorization=f"Bearer {served.sign_in('clerk')}") as client:
        sent = client.post(
            "/api/tables/hotline.answer/landings", files={"file": ("answers.csv", ANSWERS.encode(), "text/csv")}
        )
    assert (sent.status_code, sent.json()["landed"]) == (201, 2), sent.text
    page = desk.get("/hotline/answers", params={"lang": "zh"}).text
    assert "《社会保险法》第十条" in page
    assert "2021-12-31" in page
    judged = desk.post("/hotline/new", data={"text": "咨询灵活就业人员社保缴费怎么办理", "do": "judge"}).text
    assert "《社会保险法》第十条" in judged
    after = desk.get("/hotline/uncovered", params={"lang": "en"}).text
    count = lambda text: int(re.search(r"Of \d+ messages (\d+)", text).group(1))  # type: ignore[union-attr]  # noqa: E731
    assert count(after) < count(before), "what has an answer in force is no longer reported to rule writers"


def test_what_no_clause_answers_is_a_report_to_take_away(desk: httpx.Client, resident: httpx.Client) -> None:
    page = desk.get("/hotline/uncovered", params={"lang": "en"}).text
    assert "made up: no real person" in page
    said = desk.get("/hotline/uncovered/report.csv", params={"lang": "en"})
    assert said.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(said.content.decode("utf-8-sig"))))
    counted = re.search(r"Of (\d+) messages (\d+) have no answer", page)
    assert counted is not None
    assert sum(int(row["Messages"]) for row in rows) == int(counted.group(2))
    assert [int(row["Messages"]) for row in rows] == sorted((int(row["Messages"]) for row in rows), reverse=True)
    assert all(row["The newest, in its own words"] and row["Cases"] for row in rows)
    book = openpyxl.load_workbook(io.BytesIO(desk.get("/hotline/uncovered/report.xlsx").content))
    assert book.worksheets[0].max_row == len(rows) + 1
    assert desk.get("/hotline/uncovered/report.pdf").status_code == 404
    assert resident.get("/hotline/uncovered/report.csv").status_code == 403


def test_the_law_is_known_from_the_first_day(desk: httpx.Client) -> None:
    judged = desk.post("/hotline/new", data={"text": "请问怎么申请低保", "do": "judge"}).text
    assert "《浙江省社会救助条例》第十一条" in judged


def test_one_search_finds_numbers_places_and_the_readers_own_matters(
    desk: httpx.Client, resident: httpx.Client, served: Served
) -> None:
    asked = {"q": "漏水", "lang": "zh"}
    assert "/duty/hotline?case=" in desk.get("/search", params=asked).text
    for other in (resident.get("/search", params=asked), httpx.get(f"{served.url}/search", params=asked)):
        assert other.status_code == 200
        assert "/duty/hotline" not in other.text.partition("<main")[2]


def test_the_queue_as_excel_and_by_place(desk: httpx.Client) -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(desk.get("/api/cases", params={"service": "hotline", "format": "xlsx"}).content)
    )
    rows: list[Any] = list(book.worksheets[0].iter_rows(values_only=True))
    assert rows[0][:2] == ("no", "id")
    assert len(rows) > 60
    whole = desk.get("/duty/hotline", params={"lang": "zh"}).text
    assert "在哪里" in whole
    cell = re.search(r'href="(/duty/hotline\?[^"]*region=330[0-9]+)"', whole)
    assert cell is not None
    part = desk.get(cell.group(1)).text
    assert 0 < part.count("<li class=") < whole.count("<li class=")


def test_the_desk_is_closed_to_others(resident: httpx.Client, served: Served) -> None:
    for path in ("/duty/hotline", "/hotline/new", "/hotline/topics", "/hotline/answers", "/hotline/uncovered"):
        assert resident.get(path).status_code == 403, path
    with served.client() as public:
        assert public.get("/duty/hotline").status_code == 401
        assert public.get("/api/cases", params={"service": "hotline"}).status_code == 401
    assert (
        resident.post("/hotline/new", data={"text": "x"}, headers={"Origin": "https://elsewhere.example"}).status_code
        == 403
    )
    assert "Traceback" not in served.noted()
