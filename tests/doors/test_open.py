"""The open door met over HTTP: the list and its filters, versions that stay, parts, tags, levels, refusals, the verbs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.doors.serving import Ended, Served, ask_again, run

INCOME = "prosperity.income"
RATIO = "number.prosperity.urban_rural_ratio"
FILES = ("data.csv", "data.parquet", "data.json", "data.zip", "datapackage.json", "data.csv-metadata.json")
CORRECTED = "region,period,residence,income_fen,source\n330500,2021,urban,6798400,people-net-2022-01-25\n"


@pytest.fixture(scope="module")
def http(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def newest(http: httpx.Client, name: str) -> str:
    """The address of the newest version."""
    answer = http.get(f"/open/{name}/latest/data.csv")
    assert answer.status_code == 307
    return answer.headers["location"].removesuffix("/data.csv")


# -- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("zh", "普惠金融"), ("en", "Inclusive finance")])
def test_the_list_has_the_six_domains_and_every_dataset(http: httpx.Client, language: str, word: str) -> None:
    page = http.get("/open", params={"lang": language}).text
    assert word in page
    assert page.count('<article class="dataset">') == 8
    assert f'href="/open/{INCOME}"' in page
    assert 'aria-current="page">' in page


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"q": "收入"}, 3),
        ({"q": "income_fen"}, 1),
        ({"q": "GDP 不存在的词"}, 0),
        ({"kind": "number"}, 1),
        ({"domain": "other"}, 8),
        ({"domain": "health"}, 0),
        ({"q": "income", "kind": "number"}, 1),
        ({"page": "99"}, 8),
        ({"page": "-1"}, 8),
    ],
)
def test_the_list_is_filtered(http: httpx.Client, asked: dict[str, str], count: int) -> None:
    page = http.get("/open", params=asked).text
    assert page.count('<article class="dataset">') == count


def test_an_empty_heading_says_so(http: httpx.Client) -> None:
    assert "「医疗卫生」还没有开放的数据集" in http.get("/open", params={"domain": "health", "lang": "zh"}).text


def test_the_page_is_sent_once(http: httpx.Client) -> None:
    first = http.get("/open")
    assert ask_again(http, "/open").status_code == 304
    assert "/open/catalogue.jsonld" in first.headers["link"]


def test_who_asks_for_linked_data_gets_it(http: httpx.Client) -> None:
    for path in ("/open", f"/open/{INCOME}"):
        answer = http.get(path, headers={"Accept": "application/ld+json"})
        assert answer.headers["content-type"].startswith("application/ld+json")
        assert answer.json()["@context"]["dcat"] == "http://www.w3.org/ns/dcat#"
        assert ask_again(http, path, Accept="application/ld+json").status_code == 304


def test_the_way_in_is_in_the_header_of_every_page(http: httpx.Client) -> None:
    assert '<a href="/open">开放</a>' in http.get("/", params={"lang": "zh"}).text


def test_robots_and_sitemap(http: httpx.Client, served: Served) -> None:
    assert f"Sitemap: {served.url}/sitemap.xml" in http.get("/robots.txt").text
    found = re.findall(r"<loc>(.*?)</loc>", http.get("/sitemap.xml").text)
    assert f"{served.url}/open/{INCOME}" in found
    assert len(found) == 9
    assert all(http.get(address).status_code == 200 for address in found)


# -- one dataset --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", [INCOME, RATIO])
def test_a_dataset_says_all_that_is_needed_to_use_and_to_cite_it(http: httpx.Client, name: str, language: str) -> None:
    address = newest(http, name)
    page = http.get(f"/open/{name}", params={"lang": language}).text
    for file in FILES:
        assert f'href="{address}/{file}"' in page, file
    sha256 = hashlib.sha256(http.get(f"{address}/data.csv").content).hexdigest()
    assert page.count(sha256) >= 3
    assert f"{http.base_url}".rstrip("/") + address in page
    assert http.get(address).status_code == 200


def test_a_page_names_the_host_that_was_asked(http: httpx.Client, served: Served) -> None:
    other = served.url.replace("127.0.0.1", "localhost")
    assert f"{served.url}/open/" in http.get(f"/open/{INCOME}").text
    assert f"{other}/open/" in httpx.get(f"{other}/open/{INCOME}", timeout=60).text
    assert f"{served.url}/open/" in http.get(f"/open/{INCOME}").text


@pytest.mark.parametrize(
    "path",
    [
        "/open/nothing", "/open/prosperity.press", "/open/number.nothing", "/open/prosperity.income/1-2022-05-31",
        "/open/prosperity.income/latest/data.xlsx", "/open/prosperity.income/1-2022-05-31/data.csv",
        "/open/..%2f..%2fetc/latest/data.csv", "/open/lake.landing",
    ],
)  # fmt: skip
def test_what_is_not_open_is_not_there(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


# -- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_a_file_has_a_name_a_tag_and_a_hash(http: httpx.Client, file: str) -> None:
    answer = http.get(f"{newest(http, INCOME)}/{file}", headers={"Accept-Encoding": "gzip"})
    sha256 = hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["etag"] == f'"{sha256}"'
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "content-encoding" not in answer.headers
    assert re.search(
        r'attachment; filename="prosperity\.income_\d+-2022-05-31\.[a-z.-]+"', answer.headers["content-disposition"]
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    for asked in (f'"{sha256}"', f'W/"{sha256}"', f'"other", "{sha256}"', "*"):
        again = http.get(f"{newest(http, INCOME)}/{file}", headers={"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b"")


def test_parts_of_a_file_make_the_whole(http: httpx.Client) -> None:
    address = f"{newest(http, INCOME)}/data.csv"
    whole = http.get(address).content
    parts = []
    for first in range(0, len(whole), 1000):
        answer = http.get(address, headers={"Range": f"bytes={first}-{first + 999}"})
        assert answer.status_code == 206
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
        parts.append(answer.content)
    assert b"".join(parts) == whole
    assert http.get(address, headers={"Range": "bytes=-10"}).content == whole[-10:]
    beyond = http.get(address, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    stale = http.get(address, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (stale.status_code, stale.content) == (200, whole)


def test_scripts_of_other_sites_may_read(http: httpx.Client) -> None:
    for path in (f"{newest(http, INCOME)}/data.csv", "/open/catalogue.jsonld", f"/open/{INCOME}/dataset.jsonld"):
        asked = {"Origin": "https://other.example", "Access-Control-Request-Headers": "if-none-match, range"}
        answer = http.options(path, headers=asked)
        assert answer.status_code == 204
        assert "If-None-Match" in answer.headers["access-control-allow-headers"]
        assert http.get(path).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in http.get("/my").headers


def test_the_head_of_a_file_is_told_without_it(http: httpx.Client) -> None:
    answer = http.head(f"{newest(http, INCOME)}/data.parquet")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 1000


# -- versions, withdrawal, the verbs ----------------------------------------------------------------------------------


def test_a_cited_version_stays_while_the_table_goes_on(own_huzhou: Path, tmp_path: Path) -> None:
    with Served(own_huzhou) as server, server.client() as http:
        old = newest(http, INCOME)
        before = {file: http.get(f"{old}/{file}").content for file in FILES}
        assert all(before.values())
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(CORRECTED, encoding="utf-8")
    done = run(
        "load", str(corrected), "--table", INCOME, "--correct", "--data", str(own_huzhou), "--json", cwd=tmp_path
    )
    assert done.json["corrected"] == 1, done.said + done.noted
    with Served(own_huzhou) as server, server.client() as http:
        now = newest(http, INCOME)
        assert now != old
        assert {file: http.get(f"{old}/{file}").content for file in FILES} == before
        assert b"6798400" in http.get(f"{now}/data.csv").content
        assert b"6798400" not in before["data.csv"]
        ratio = http.get(f"/open/{RATIO}").text
        assert ratio.count("-2022-05-31") > 1
        page = http.get(old, params={"lang": "en"}).text
        assert "there is a newer one" in page
        assert f'href="{old}"' in http.get(f"/open/{INCOME}").text


def test_the_verbs_take_a_table_from_draft_to_withdrawn(own_huzhou: Path, tmp_path: Path) -> None:
    def verb(*words: str) -> Ended:
        return run("catalogue", *words, "--data", str(own_huzhou), "--json", "--lang", "en", cwd=tmp_path)

    press = "prosperity.press"
    assert verb("draft", press, "--why", "asked for", "--domain", "culture").code == 0
    assert verb("approve", press, "--why", "checked").code == 0
    opened = verb("open", press, "--why", "approved").json
    assert opened["state"] == "open"
    assert verb("take", press, "--form", "parquet", "--to", "press.parquet").code == 0
    taken = hashlib.sha256((tmp_path / "press.parquet").read_bytes()).hexdigest()
    assert taken == opened["files"]["parquet"]["sha256"]
    version = f"/open/{press}/{opened['version']}"
    assert verb("withdraw", press, "--why", "the paper asked us to").code == 0
    again = verb("withdraw", press, "--why", "again")
    assert again.code != 0
    assert "it can: draft" in again.said + again.noted
    shown = verb("show", press).json
    assert [move["move"] for move in shown["moves"]] == ["draft", "approve", "open", "withdraw"]
    with Served(own_huzhou) as server, server.client() as http:
        for path in (f"{version}/data.csv", version, f"/open/{press}"):
            answer = http.get(path, params={"lang": "en"})
            assert answer.status_code == 410, path
            assert "the paper asked us to" in answer.text
        assert "In hand" not in http.get("/open").text
        http.cookies.set("yucun_session", server.sign_in("chief"))
        assert "In hand" in http.get("/open").text


def test_a_dataset_is_drafted_approved_and_opened_in_the_page(own_huzhou: Path) -> None:
    with Served(own_huzhou) as server, server.client() as http:

        def post(account: str, **said: str) -> httpx.Response:
            http.cookies.set("yucun_session", server.sign_in(account))
            return http.post("/open/move", data=said, headers={"Origin": server.url, "Accept-Language": "en"})

        name = "number.prosperity.census"
        assert (
            http.post("/open/move", data={"item": name, "move": "draft"}, headers={"Origin": server.url}).status_code
            == 401
        )
        foreign = http.post("/open/move", data={"item": name}, headers={"Origin": "https://other.example"})
        assert foreign.status_code in (401, 403)
        assert post("clerk", item=name, move="draft", domain="finance", why="asked for").status_code == 303
        assert f"/open/{name}" in http.get("/open").text
        assert post("clerk", item=name, move="approve", why="my own").status_code == 403
        refused = post("chief", item=name, move="open", why="too early")
        assert refused.status_code == 422
        assert "it can: draft, approve" in refused.text
        assert 'value="approve"' in http.get(f"/open/{name}").text
        assert post("chief", item=name, move="approve", why="checked").status_code == 303
        done = post("clerk", item=name, move="open", why="approved")
        assert (done.status_code, done.headers["location"]) == (303, f"/open/{name}")
        http.cookies.clear()
        assert http.get(f"/open/{name}").status_code == 200
        assert 'name="move"' not in http.get(f"/open/{name}").text
