"""Early warning over a real server: a duty desk that is not empty, a visit made there, and how rules fare beside what was published."""

from __future__ import annotations

import csv
import re

from tests.doors.serving import Served


def test_the_desk_opens_with_made_up_warnings_and_a_cadre_works_there(served: Served) -> None:
    with served.client(Origin=served.url) as cadre:
        cadre.cookies.set("yucun_session", served.sign_in("village_cadre"))
        page = cadre.get("/duty/discovery?lang=zh").text
        assert "模拟" in page and "上门是询问，不是要求" in page and "仅供模拟" in page
        number = re.search(r"case=(\d+)", cadre.get("/duty/discovery?state=assigned&lang=zh").text)
        assert number is not None, "made-up warnings wait to be visited"
        card = cadre.get(f"/duty/discovery?case={number[1]}&lang=en").text
        for word in ("why a visit is offered", "what the order rests on", "HSIM"):
            assert word in card, word
    with served.client() as public:
        assert public.get("/duty/discovery").status_code in (401, 403)
        assert public.get("/discovery/rules").status_code in (401, 403)
        assert public.get("/discovery/rules.csv").status_code in (401, 403)


def test_rules_stand_beside_the_published_share_and_say_what_they_rest_on(served: Served) -> None:
    with served.client() as chief:
        chief.cookies.set("yucun_session", served.sign_in("chief"))
        for language, words in (
            ("zh", ("1.86%", "别县", "见于公开来源", "未核实", "均为模拟", "不留分数")),
            ("en", ("1.86%", "another county", "seen in a public source", "unverified", "made up", "no score is kept")),
        ):
            page = chief.get("/discovery/rules", params={"lang": language}).text
            for word in words:
                assert word in page, word
            assert "HSIM" not in page, "no household stands here"
        rows = list(csv.DictReader(chief.get("/discovery/rules.csv").text.splitlines()))
        assert len(rows) == 13 and rows[-1]["rule"] == "together" and int(rows[-1]["visits"]) > 20
        service = chief.get("/service/discovery?lang=zh").text
        assert "1.86%" in service and "模拟" in service


def test_the_county_runs_a_month_once_and_nobody_else_does(served: Served) -> None:
    with served.client(Origin=served.url) as county, served.client(Origin=served.url) as chief:
        county.cookies.set("yucun_session", served.sign_in("relief_county"))
        chief.cookies.set("yucun_session", served.sign_in("chief"))
        page = county.get("/discovery/rules?lang=zh").text
        token, month = (re.search(rf'name="{n}"[^>]* value="([^"]*)"', page) for n in ("token", "month"))
        assert token is not None and month is not None
        assert 'action="/discovery/rules"' not in chief.get("/discovery/rules").text

        said = {"token": token[1], "month": "2022年5月"}
        first = county.post("/discovery/rules", params={"lang": "zh"}, data=said)
        again = county.post("/discovery/rules", params={"lang": "zh"}, data=said)
        anew = county.post("/discovery/rules", params={"lang": "en"}, data={"month": "2022-05"})
        assert (first.status_code, again.status_code, anew.status_code) == (200, 200, 200)
        assert "2022-05 运行完毕" in first.text or "2022-05 已经运行过" in first.text
        assert "2022-05 已经运行过，什么都没有改变" in again.text
        assert "2022-05 was run before; nothing changed" in anew.text

        for asked, words in (
            ("2031-01", "请给出已开始的月份"),
            ("2022", "请给出已开始的月份"),
            ("五月初三", "月份"),
            ("", "月份"),
        ):
            refused = county.post("/discovery/rules", params={"lang": "zh"}, data={"month": asked})
            assert refused.status_code == 422 and words in refused.text, asked
        denied = chief.post("/discovery/rules", params={"lang": "zh"}, data={"month": "2022-05"})
        assert denied.status_code == 422 and "县级救助岗位" in denied.text
        county.headers["Origin"] = "https://elsewhere.example"
        assert county.post("/discovery/rules", data={"month": "2022-05"}).status_code == 403
