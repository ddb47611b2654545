"""Data requests and who looked, at every door: pages in both languages, the API, the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from tests.doors.serving import Ended, run
from tests.simulation.made_people import MadeCity, Person, make_city, send
from yucun.base.identity import PersonId
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.api.city_state import SESSION_COOKIE
from yucun.doors.http import make_http
from yucun.kernel.access import Grant, Reader

POSTS = (("analyst.one", "analyst"), ("chief.one", "chief"), ("auditor.one", "auditor"), ("villager", "open_reader"))
WISH = {
    "table": "health.person",
    "fields": ["state"],
    "purpose": "核查随访人数",
    "basis": "《基本医疗卫生与健康促进法》",
    "until": "2022-06-30",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeCity]:
    """A city with a register of people, four accounts, one of them a villager of the register."""
    opened = make_city(tmp_path_factory.mktemp("city"), 5)
    city = opened.city
    root = Reader("root", Text("管理员", "root"), (Grant(1, city.rules.roles["administrator"], (city.place.region,)),))
    for account, role in POSTS:
        person = PersonId.parse("P00000001") if account == "villager" else None
        city.accounts.create(account, Text("岗位", "a post"), by=root, why="测试", person=person)
        city.accounts.grant(account, role, [city.place.region], by=root, why="测试")
    send(opened, [Person(f"P0000000{n}", opened.towns[n % 2], "2022-02", "ill", 100) for n in range(9)])
    yield opened
    city.close()


@pytest.fixture(scope="module")
def client(made: MadeCity) -> Iterator[TestClient[Any]]:
    """A client of its doors, Chinese first."""
    with TestClient(make_http(made.city)) as opened:
        opened.headers["Accept-Language"] = "zh-CN"
        yield opened


def as_page(city: City, account: str, language: str = "zh") -> dict[str, str]:
    """What a browser sends for an account."""
    return {"Cookie": f"{SESSION_COOKIE}={city.sessions.begin(account)}; yucun_lang={language}"}


def as_api(city: City, account: str) -> dict[str, str]:
    """What a program sends for an account."""
    return {"Authorization": f"Bearer {city.sessions.begin(account)}"}


def test_from_the_form_to_the_rows_and_the_trail(made: MadeCity, client: TestClient[Any]) -> None:
    city = made.city
    asker, chief = as_page(city, "analyst.one"), as_page(city, "chief.one")
    form = client.get("/requests?table=health.person", headers=asker).text
    assert "卫健局" in form
    assert 'value="state"' in form
    said = {
        "table": "health.person",
        "field": "state",
        "purpose": "核查",
        "basis": "法",
        "until": "2022-06-30",
        "do": "ask",
    }
    sent = client.post("/requests", data=said, headers=asker, follow_redirects=False)
    assert sent.status_code == 303, sent.text
    address = sent.headers["location"]
    number = int(address.rsplit("/", 1)[1])
    assert "待决定" in client.get(address, headers=asker).text
    assert 'value="grant"' not in client.get(address, headers=asker).text, "not one's own"
    page = client.get(address, headers=as_page(city, "chief.one", "en")).text
    assert "To be decided" in page
    assert 'value="grant"' in page
    granted = client.post(
        address, data={"do": "grant", "field": "state", "why": "工作需要"}, headers=chief, follow_redirects=False
    )
    assert granted.status_code == 303, granted.text
    assert "使用中" in client.get(address, headers=asker).text

    rows = client.get(
        f"/api/tables/health.person/rows?purpose=request.{number}&limit=3", headers=as_api(city, "analyst.one")
    ).json()
    assert [row["state"] for row in rows["rows"]] == ["ill"] * 3
    assert [row["cost_fen"] for row in rows["rows"]] == [None] * 3, "a field that was not asked for"
    assert [row["number"] for row in rows["rows"]] == [None] * 3
    uses = client.get(address, headers=chief).text
    assert "还没有使用过" not in uses
    looks = client.get("/api/looks?person=P00000001", headers=as_api(city, "villager")).json()["looks"]
    assert [(k["account"], k["purpose"]) for k in looks] == [("analyst.one", f"request.{number}")]
    assert looks[0]["batch"] >= 1
    seen = client.get("/looked", headers=as_page(city, "villager")).text
    assert f"数据申请第 {number} 号" in seen


def test_what_is_wrong_with_a_form_comes_back_with_what_was_typed(made: MadeCity, client: TestClient[Any]) -> None:
    asker = as_page(made.city, "analyst.one")
    said = {
        "table": "health.person",
        "field": "state",
        "purpose": "核查用途",
        "basis": "",
        "until": "2022-05-01",
        "do": "ask",
    }
    back = client.post("/requests", data=said, headers=asker)
    assert back.status_code == 422
    assert "请写明依据" in back.text
    assert "核查用途" in back.text
    assert 'value="state" checked' in back.text
    wrong = client.post("/requests", data={**said, "until": "下月"}, headers=asker)
    assert wrong.status_code == 422
    assert "不是日期" in wrong.text


def test_pages_for_who_is_not_signed_in(client: TestClient[Any]) -> None:
    assert "登录后可以申请" in client.get("/requests").text
    assert "登录后查看" in client.get("/looked").text
    assert client.get("/requests/1").status_code == 404
    assert client.post("/requests", data={"table": "health.person"}, follow_redirects=False).status_code == 422


def test_no_form_of_another_site(made: MadeCity, client: TestClient[Any]) -> None:
    head = {**as_page(made.city, "analyst.one"), "Origin": "https://elsewhere.example"}
    assert client.post("/requests", data={"table": "health.person"}, headers=head).status_code in (401, 403)


def test_steps_over_the_api(made: MadeCity, client: TestClient[Any]) -> None:
    city = made.city
    asker, chief = as_api(city, "analyst.one"), as_api(city, "chief.one")
    assert client.get("/api/requests").status_code == 401
    first = client.post("/api/requests", json={**WISH, "draft": True}, headers=asker)
    assert (first.status_code, first.json()["state"]) == (201, "draft")
    number = first.json()["number"]
    assert client.get(f"/api/requests/{number}", headers=chief).status_code == 404
    assert client.post(f"/api/requests/{number}/send", json={}, headers=asker).json()["state"] == "asked"
    assert client.post(f"/api/requests/{number}/grant", json={"why": "我"}, headers=asker).status_code == 403
    assert client.post(f"/api/requests/{number}/refuse", json={}, headers=chief).status_code == 403
    done = client.post(f"/api/requests/{number}/refuse", json={"why": "范围过大"}, headers=chief).json()
    assert (done["state"], done["decided_by"], done["reasons"]) == ("refused", "chief.one", "范围过大")
    assert client.post(f"/api/requests/{number}/grant", json={"why": "改主意"}, headers=chief).status_code == 403
    listed = client.get("/api/requests", headers=asker).json()["requests"]
    assert number in [r["number"] for r in listed]


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"fields": ["shoe_size"]}, 422, "access.request_fields"),
        ({"table": "health.nothing"}, 422, "access.request_table"),
        ({"purpose": ""}, 422, "access.request_purpose"),
        ({"until": "2022-05-01"}, 422, "access.request_term"),
        ({"fields": ["region"]}, 422, "access.request_open"),
        ({"regions": ["33"]}, 422, "access.regions"),
        ({"where": {"state": "ill"}}, 422, "access.request_where"),
        ({"until": "soon"}, 400, "api.body"),
        ({"colour": "red"}, 400, "api.body"),
    ],
)
def test_bad_wishes_over_the_api(
    made: MadeCity, client: TestClient[Any], change: dict[str, Any], status: int, kind: str
) -> None:
    answer = client.post("/api/requests", json={**WISH, **change}, headers=as_api(made.city, "analyst.one"))
    assert answer.status_code in (status, 404)
    assert kind in [f["kind"] for f in answer.json()["findings"]] or answer.status_code == 404


def test_conditions_of_a_request_go_before_what_is_asked_under_it(made: MadeCity, client: TestClient[Any]) -> None:
    city = made.city
    asker, chief = as_api(city, "analyst.one"), as_api(city, "chief.one")
    town = f"{made.towns[0]}000"
    number = client.post("/api/requests", json={**WISH, "where": {"region": town}}, headers=asker).json()["number"]
    client.post(f"/api/requests/{number}/grant", json={"why": "好"}, headers=chief)
    for asked in ("", f"&region={made.towns[1]}000"):
        rows = client.get(f"/api/tables/health.person/rows?purpose=request.{number}{asked}", headers=asker).json()
        assert {row["region"] for row in rows["rows"]} == {town}


def test_looks_are_for_the_person_and_for_auditors(made: MadeCity, client: TestClient[Any]) -> None:
    city = made.city
    assert client.get("/api/looks?person=P00000002", headers=as_api(city, "villager")).status_code == 403
    assert client.get("/api/looks?person=P00000002", headers=as_api(city, "auditor.one")).status_code == 200
    refused = client.get("/looked?person=P00000002", headers=as_page(city, "analyst.one")).text
    assert "访问记录只供本人和审计员查看" in refused
    assert client.get("/api/looks?person=someone", headers=as_api(city, "auditor.one")).status_code == 400


def test_rows_about_people_stay_closed_to_others(made: MadeCity, client: TestClient[Any]) -> None:
    assert client.get("/api/tables/health.person/rows").status_code == 401
    answer = client.get("/api/tables/health.person/rows", headers=as_api(made.city, "analyst.one"))
    assert answer.status_code == 403
    assert "卫健局" in json.dumps(answer.json(), ensure_ascii=False) or "目的" in answer.json()["detail"]


def test_the_command_line(own_huzhou: Path) -> None:
    def verb(*words: str, by: str) -> Ended:
        return run(*words, "--json", "--by", by, "--data", str(own_huzhou), cwd=own_huzhou)

    wish = (
        "hotline.arrived",
        "--field",
        "text",
        "--purpose",
        "核查办理质量",
        "--basis",
        "工作职责",
        "--until",
        "2022-06-30",
    )
    asked = verb("requests", "ask", *wish, by="analyst")
    assert asked.code == 0, asked.noted
    number = str(asked.json["number"])
    assert asked.json["state"] == "asked"
    assert verb("requests", "grant", number, "--why", "我自己", by="analyst").code == 3
    granted = verb("requests", "grant", number, "--why", "工作需要", by="chief")
    assert granted.json["state"] == "in_force", granted.noted
    assert verb("requests", "withdraw", number, by="analyst").json["state"] == "withdrawn"
    wrong = verb("requests", "ask", *wish, "--where", "region", "--until", "soon", by="analyst")
    assert (wrong.code, "Traceback" in wrong.noted) == (3, False)
    assert verb("looked", "P000001", by="analyst").code == 3
