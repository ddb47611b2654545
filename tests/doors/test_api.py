"""The API against a served city: numbers with their chain, tables in four forms, paging, moments, refusals, files sent."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import openpyxl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.doors.serving import Served, ask_again
from yucun.base.text import Text
from yucun.doors.api.asking import Asked, Parameter, Unreadable
from yucun.doors.api.paging import make_cursor, read_cursor
from yucun.doors.api.routes import choose_form
from yucun.doors.api.writing import write_csv, write_xlsx

RATIO = "prosperity.urban_rural_ratio"
FORMS = ("json", "csv", "xlsx", "parquet")


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client(**{"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture(scope="module")
def clerk(served: Served) -> Iterator[httpx.Client]:
    with served.client(Authorization=f"Bearer {served.sign_in('clerk')}") as client:
        yield client


def get(client: httpx.Client, path: str, **asked: Any) -> Any:
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


# -- numbers ------------------------------------------------------------------------------------------------------


def test_a_number_comes_with_all_that_must_stand_beside_it(client: httpx.Client) -> None:
    value = get(client, "/api/values", indicator=RATIO, region="3305", period="2021")
    assert (value["shown"], value["parts"]) == ("1.65", {"numerator": 6798300, "denominator": 4130300})
    assert value["unit"]["name"] == "times"
    assert value["mark"] is None
    assert value["as_of"] > 0
    assert [check["outcome"] for check in value["checks"]] == ["agree"] * 3


def test_without_a_period_the_newest_is_meant(client: httpx.Client) -> None:
    assert get(client, "/api/values", indicator=RATIO, region="330500000000")["period"] == "2021"


def test_where_there_is_no_number_a_mark_says_why(client: httpx.Client) -> None:
    value = get(client, "/api/values", indicator="prosperity.gap_digital", region="3305")
    assert value["number"] is None
    assert value["mark"]["kind"] == "not_known"
    assert value["mark"]["feed"] == "prosperity.dimension"


def test_why_names_records_and_trace_leads_back(client: httpx.Client) -> None:
    chain = get(client, f"/api/indicators/{RATIO}/why", region="3305", period="2021")
    assert chain["records"] == len(chain["rows"]) == 2
    assert [landing["name"] for landing in chain["landings"]] == ["income.csv"]
    for row in chain["rows"]:
        trace = get(client, row["href"])
        assert {"indicator": RATIO, "region": "330500000000", "period": "2021"}.items() <= {
            k: v
            for cell in trace["moved"]
            if cell["indicator"] == RATIO and cell["region"] == "330500000000"
            for k, v in cell.items()
        }.items()


def test_every_address_in_an_answer_leads_somewhere(client: httpx.Client) -> None:
    chain = get(client, f"/api/indicators/{RATIO}/why", region="3305", period="2021")
    links = [row["href"] for row in chain["rows"]] + [cell["href"] for cell in chain["moves"][:3]]
    links += [landing["href"] for landing in chain["landings"]]
    links += [get(client, "/api/regions/3305")["href"], get(client, "/api/tables")["tables"][0]["href"]]
    assert [client.get(link).status_code for link in links] == [200] * len(links)


def test_a_series_and_a_comparison_are_the_same_values(client: httpx.Client) -> None:
    series = get(client, f"/api/indicators/{RATIO}/series", region="3305")["values"]
    compared = get(client, f"/api/indicators/{RATIO}/compare", period="2020-01..09", level="city", within="33")[
        "values"
    ]
    assert len(compared) == 11
    ours = next(v for v in compared if v["region"] == "330500000000")
    assert ours["shown"] == next(v for v in series if v["period"] == "2020-01..09")["shown"] == "1.59"


def test_as_of_answers_as_it_was_known_then(client: httpx.Client) -> None:
    before = get(client, "/api/values", indicator=RATIO, region="3305", period="2021", as_of="1")
    assert before["mark"]["kind"] == "not_known"
    now = get(client, "/api/values", indicator=RATIO, region="3305", period="2021", as_of="2022-05-31")
    assert now["shown"] == "1.65"
    assert (
        client.get("/api/values", params={"indicator": RATIO, "region": "3305", "as_of": "999999"}).status_code == 404
    )


def test_every_number_has_its_page_and_what_is_made_up_says_so(client: httpx.Client) -> None:
    """A new Huzhou holds published figures and made-up people, messages and money, and nothing real beside these."""
    numbers = client.get("/api/indicators").json()["indicators"]
    assert len(numbers) > 80
    for one in numbers:
        page = client.get(f"/number/{one['id']}")
        assert page.status_code == 200, one["id"]
        said = client.get("/api/values", params={"indicator": one["id"], "region": "330500"}).json()
        is_published = one["id"].startswith("prosperity.")
        assert said["mark"] or is_published or said["evidence"] == "made_up", one["id"]


def test_the_newest_of_all_numbers_of_a_region(client: httpx.Client) -> None:
    values = get(client, "/api/regions/330500/values")["values"]
    assert len({v["indicator"] for v in values}) == len(values) > 20


# -- tables, forms, pages -----------------------------------------------------------------------------------------


LISTS = (
    "/api/indicators",
    f"/api/indicators/{RATIO}/series?region=3305",
    f"/api/indicators/{RATIO}/compare?period=2021&level=city",
    "/api/tables",
    "/api/tables/prosperity.income/rows",
    "/api/tables/prosperity.press/rows",
    "/api/tables/prosperity.dimension/rows",
    "/api/tables/lake.landing/rows",
    "/api/feeds",
    "/api/landings",
    "/api/regions?level=county",
    "/api/regions/3305/children",
    "/api/regions/3305/values",
)


@pytest.mark.parametrize("path", LISTS)
def test_every_table_can_be_taken_away_in_four_forms(client: httpx.Client, path: str) -> None:
    joined = "&" if "?" in path else "?"
    found = {form: client.get(f"{path}{joined}format={form}") for form in FORMS}
    assert {form: answer.status_code for form, answer in found.items()} == dict.fromkeys(FORMS, 200)
    assert found["csv"].content.startswith(b"\xef\xbb\xbf")
    parquet = pq.read_table(io.BytesIO(found["parquet"].content))
    csv = pyarrow.csv.read_csv(io.BytesIO(found["csv"].content))
    book = openpyxl.load_workbook(io.BytesIO(found["xlsx"].content))
    sheet = book.worksheets[0]
    assert csv.num_rows == parquet.num_rows == sheet.max_row - 1
    assert [cell.value for cell in sheet[1]] == parquet.column_names == csv.column_names
    assert any(isinstance(value, list) and len(value) <= parquet.num_rows for value in found["json"].json().values())
    assert "attachment" in found["csv"].headers["content-disposition"]


def test_the_header_accept_chooses_a_form_too(client: httpx.Client) -> None:
    answer = client.get("/api/feeds", headers={"Accept": "text/csv, application/json;q=0.5"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert client.get("/api/feeds", headers={"Accept": "image/png"}).status_code == 406


def test_pages_hold_every_row_once(client: httpx.Client) -> None:
    whole = get(client, "/api/tables/prosperity.income/rows", limit=1000)
    rows, address = [], "/api/tables/prosperity.income/rows?limit=7"
    while address:
        answer = client.get(address)
        rows += answer.json()["rows"]
        address = answer.links.get("next", {}).get("url", "")
        assert bool(address) == (answer.json()["next"] is not None)
    assert rows == whole["rows"]
    assert len(rows) == whole["total"]


def test_a_cursor_of_another_question_is_refused(client: httpx.Client) -> None:
    cursor = get(client, "/api/tables/prosperity.income/rows", limit=7)["next"]
    for path in ("/api/tables/prosperity.gdp/rows", "/api/tables/prosperity.income/rows?region=3305"):
        joined = "&" if "?" in path else "?"
        assert client.get(f"{path}{joined}cursor={cursor}").json()["findings"][0]["kind"] == "api.cursor"


def test_rows_are_filtered_and_searched(client: httpx.Client) -> None:
    found = get(client, "/api/tables/prosperity.income/rows", region="3305", residence="urban", period="2021")
    assert [row["income_fen"] for row in found["rows"]] == [6798300]
    assert get(client, "/api/tables/prosperity.income/rows", q="people-net")["total"] > 0
    assert get(client, "/api/tables/prosperity.income/rows", income_fen="6798300")["total"] == 1


def test_what_the_public_may_not_see_is_marked_and_cannot_be_searched(
    client: httpx.Client, clerk: httpx.Client
) -> None:
    row = get(client, "/api/tables/lake.landing/rows")["rows"][0]
    assert row["by"] is None
    assert row["_marks"] == {"by": "refused"}
    assert client.get("/api/tables/lake.landing/rows", params={"by": "place"}).status_code == 401
    seen = get(clerk, "/api/tables/lake.landing/rows", purpose="kernel.upkeep", by="place")["rows"][0]
    assert seen["by"] == "place"


# -- refusals -------------------------------------------------------------------------------------------------------


BAD: dict[str, int] = {
    f"/api/values?indicator={RATIO}&region=33050": 400,
    f"/api/values?indicator={RATIO}&region=3305%0A": 400,
    f"/api/values?indicator={RATIO}&region=999999": 404,
    f"/api/values?indicator={RATIO}": 400,
    f"/api/values?indicator={RATIO}&region=3305&period=2021-13": 400,
    f"/api/values?indicator={RATIO}&region=3305&period=2021-02-29": 400,
    f"/api/values?indicator={RATIO}&region=3305&as_of=0": 400,
    f"/api/values?indicator={RATIO}&region=3305&as_of=-1": 400,
    f"/api/values?indicator={RATIO}&region=3305&as_off=1": 400,
    f"/api/values?indicator={RATIO}&region=3305&region=33": 400,
    f"/api/values?indicator={RATIO}&region=%ff": 400,
    "/api/values?indicator=prosperity.nothing&region=3305": 400,
    "/api/indicators/nothing": 400,
    "/api/tables/nothing/rows": 404,
    "/api/tables/prosperity.income/rows?limit=0": 400,
    "/api/tables/prosperity.income/rows?limit=1001": 400,
    "/api/tables/prosperity.income/rows?limit=1e2": 400,
    "/api/tables/prosperity.income/rows?limit=%EF%BC%95": 400,
    "/api/tables/prosperity.income/rows?cursor=AAAA": 404,
    "/api/tables/prosperity.income/rows?format=pdf": 400,
    "/api/tables/prosperity.income/rows?residence=nobody": 400,
    "/api/regions/3305?on=2022-02-30": 400,
    "/api/regions/330599": 404,
    "/api/search": 400,
    "/api/landings/nothing": 404,
    "/api/nothing": 404,
}


@pytest.mark.parametrize(("path", "status"), BAD.items())
def test_what_is_not_as_documented_is_a_problem(client: httpx.Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/api/docs#problem-")


def test_a_problem_speaks_both_languages(client: httpx.Client) -> None:
    asked = {"indicator": RATIO, "region": "3305", "period": "soon"}
    english = client.get("/api/values", params=asked).json()
    chinese = client.get("/api/values", params=asked, headers={"Accept-Language": "zh-CN,zh;q=0.9"}).json()
    assert english["title"] == "The request is not as documented"
    assert chinese["title"] == "请求不合约定"
    assert english["findings"] == chinese["findings"]
    assert english["findings"][0]["key"] == "period"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/api/values", 405),
        ("TRACE", "/api/health", 405),
        ("DELETE", "/api/session", 401),
        ("POST", "/api/session", 415),
    ],
)
def test_other_methods_are_problems_too(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert status != 405 or "GET" in answer.headers["allow"]


def test_a_body_that_is_too_large_is_refused(client: httpx.Client) -> None:
    answer = client.post(
        "/api/session", content=b'{"account":"' + b"a" * 100_000, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


def test_an_unknown_token_is_refused_everywhere(client: httpx.Client) -> None:
    assert client.get("/api/feeds", headers={"Authorization": "Bearer nobody"}).status_code == 401


# -- the same again, and who asks -------------------------------------------------------------------------------------


def test_an_unchanged_answer_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/api/regions?level=county")
    again = ask_again(client, "/api/regions?level=county")
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/api/regions?level=city", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    for path in ("/api/feeds", "/", "/lake"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_answers_carry_the_security_headers(client: httpx.Client) -> None:
    for path in ("/", "/api/feeds", "/api/docs", "/nothing", "/api/nothing"):
        headers = client.get(path).headers
        assert "'unsafe-inline'" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_long_answers_are_compressed(client: httpx.Client) -> None:
    assert client.get("/api/regions?limit=1000").headers["content-encoding"] == "gzip"


def test_signing_in_and_out(served: Served) -> None:
    token = served.sign_in("analyst")
    with served.client(Authorization=f"Bearer {token}") as client:
        assert client.get("/api/session").json()["roles"] == ["analyst"]
        assert client.delete("/api/session").status_code == 204
        assert client.get("/api/session").status_code == 401


def test_a_cookie_reads_and_never_writes(served: Served) -> None:
    token = served.sign_in("clerk")
    with httpx.Client(base_url=served.url, cookies={"yucun_session": token}, timeout=60) as client:
        assert client.get("/api/session").json()["account"] == "clerk"
        assert client.delete("/api/session").status_code == 401
        assert (
            client.post("/api/tables/prosperity.gdp/landings", files={"file": ("a.csv", b"a\n1\n")}).status_code == 401
        )


def test_a_wrong_password_says_nothing_of_which_part_was_wrong(client: httpx.Client) -> None:
    wrong = [
        client.post("/api/session", json={"account": account, "password": "wrong-wrong-wrong"}).json()
        for account in ("auditor", "nobody")
    ]
    assert wrong[0] == wrong[1]
    assert wrong[0]["status"] == 401


# -- files that are sent -----------------------------------------------------------------------------------------------


def test_a_clerk_sends_a_file_and_bad_rows_are_refused_with_reasons(clerk: httpx.Client, client: httpx.Client) -> None:
    content = "地区,地区生产总值（亿元）\n湖州市,3000\n火星市,1\n".encode()
    sent = {"file": ("GDP 2019.csv", content)}
    answer = clerk.post("/api/tables/prosperity.gdp/landings", files=sent, data={"period": "2019"})
    landing = answer.json()
    assert answer.status_code == 201, answer.text
    assert (landing["landed"], landing["refused"]) == (1, 1)
    assert landing["file"] == hashlib.sha256(content).hexdigest()
    refused = get(client, answer.headers["location"] + "/refused")["refused"]
    assert "火星市" in refused[0]["findings"][0]["message"]["zh"]
    assert get(client, "/api/values", indicator="prosperity.gdp", region="3305", period="2019")["mark"] is None
    again = clerk.post("/api/tables/prosperity.gdp/landings", files=sent, data={"period": "2019"})
    assert (again.status_code, again.json()["key"], again.json()["is_repeat"]) == (200, landing["key"], True)


def test_whoever_may_not_load_is_refused(served: Served, client: httpx.Client) -> None:
    sent = {"file": ("a.csv", b"a\n1\n")}
    assert client.post("/api/tables/prosperity.gdp/landings", files=sent).status_code == 401
    with served.client(Authorization=f"Bearer {served.sign_in('chief')}") as chief:
        assert chief.post("/api/tables/prosperity.gdp/landings", files=sent).status_code == 403


def test_what_comes_with_a_file_is_checked(clerk: httpx.Client) -> None:
    address, file = "/api/tables/prosperity.gdp/landings", {"file": ("a.csv", b"a\n1\n")}
    assert clerk.post(address, files=file, data={"perod": "2019"}).status_code == 400
    assert clerk.post(address, files=file, data={"correct": "perhaps"}).status_code == 400
    assert clerk.post(address, data={"period": "2019"}).status_code == 415
    assert clerk.post(address, content=b"a\n1\n", headers={"Content-Type": "text/csv"}).status_code == 415


# -- the document -----------------------------------------------------------------------------------------------------


def test_the_document_and_its_page_say_the_same(client: httpx.Client) -> None:
    document = get(client, "/api/openapi.json")
    page = client.get("/api/docs").text
    assert document["openapi"] == "3.1.0"
    assert all(path in page for path in document["paths"])
    assert "://" not in page.split("<main", 1)[1].split("</main>", 1)[0]


def test_every_download_of_the_pages_is_an_operation(client: httpx.Client) -> None:
    """The pages offer downloads by address; none may lead nowhere."""
    pages = ["/", "/numbers", f"/number/{RATIO}", "/lake", "/lake/prosperity.income", "/region/3305"]
    found = {link for page in pages for link in _links(client.get(page).text) if link.startswith("/api/")}
    assert found
    assert {link: client.get(link).status_code for link in found if client.get(link).status_code != 200} == {}


def _links(html: str) -> list[str]:
    return [part.split('"', 1)[0].replace("&amp;", "&") for part in html.split('href="')[1:]]


# -- pieces -----------------------------------------------------------------------------------------------------------


def test_a_cell_that_excel_would_compute_stays_text() -> None:
    table = pa.table({"a": ["=1+1", "+1", "-1", "@x", "\t=1", "余村", None], "b": [-1, 2, 3, 4, 5, 6, None]})
    lines = write_csv(table).decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [
        '"\'=1+1"',
        '"\'+1"',
        '"\'-1"',
        '"\'@x"',
        '"\'\t=1"',
        '"余村"',
        "",
    ]
    assert lines[1].endswith(",-1")
    content = write_xlsx(table, "a/b", {"a": Text("甲", "A")}, [(Text("来源", "source"), "=cmd()")], "en")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert {cell.data_type for row in book.worksheets[0].iter_rows(max_col=1) for cell in row if cell.value} == {"s"}
    assert book.worksheets[0]["B2"].value == -1
    assert book["about"]["B1"].data_type == "s"


@pytest.mark.parametrize("word", ["1.0", "01", "+1", " 1", "1 ", "１", "", "1e3", "9" * 30, "0x1", "-0"])
def test_a_whole_number_is_written_one_way(word: str) -> None:
    parameter = Parameter("n", "query", Text("", ""), {"type": "integer", "minimum": 0, "maximum": 10**12})
    if word == "-0":
        assert parameter.parse(word) == 0
        return
    with pytest.raises(Unreadable):
        parameter.parse(word)


def test_accept_is_weighed_by_its_most_exact_part() -> None:
    assert choose_form("*/*;q=0.1, text/csv;q=0", ("csv", "json")) == "json"
    assert choose_form("application/json;q=0, */*", ("json", "csv")) == "csv"
    assert choose_form("text/*", ("json", "csv")) == "csv"
    assert choose_form("text/csv;q=nonsense", ("csv",)) is None


def test_a_cursor_comes_back_as_it_was_made() -> None:
    asked = cast(Asked, SimpleNamespace(path="/api/x", query=[("region", "33"), ("limit", "5")]))
    assert read_cursor(asked, make_cursor(asked, 7, "a")) == [7, "a"]


def test_the_document_is_json_that_names_no_machine(client: httpx.Client, tmp_path: Path) -> None:
    text = json.dumps(get(client, "/api/openapi.json"))
    assert str(tmp_path.parts[1]) + "/" not in text


def test_a_caller_is_answered_however_many_others_keep_their_connection(served: Served) -> None:
    """Open desks and browsers hold theirs; the three hundredth caller must not wait for one of them to leave."""
    address = httpx.URL(served.url)
    with contextlib.ExitStack() as open_ones:
        for _ in range(300):
            one = open_ones.enter_context(socket.create_connection((address.host, address.port or 80), timeout=12))
            one.sendall(b"GET /api/health HTTP/1.1\r\nHost: yucun\r\n\r\n")
            assert one.recv(64).startswith(b"HTTP/1.1 200")
