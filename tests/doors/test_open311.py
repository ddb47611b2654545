"""Open311 GeoReport v2 over HTTP: services, definition, requests and tokens in both forms, and every refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest

from tests.doors.serving import Served
from yucun.services.hotline.pages.api_keys import make_api_key

BASE = "/open311/v2"
OF_A_SERVICE = {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}
OF_A_REQUEST = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode",
    "lat", "long", "media_url",
}  # fmt: skip
LAMP = {"service_code": "urban", "description": "小区门口路灯三天不亮", "address_string": "吴兴区月河街道"}


@pytest.fixture(scope="module")
def key(served: Served) -> str:
    """The key of a program that may send."""
    return make_api_key(Path(served._folder), "street-app")


@pytest.fixture(scope="module")
def sent(served: Served, key: str) -> dict[str, Any]:
    """A request that a program sent."""
    answer = post(served, {**LAMP, "api_key": key, "device_id": "phone-1"})
    assert answer.status_code == 201, answer.text
    (said,) = answer.json()
    return dict(said)


def post(served: Served, form: dict[str, str], shape: str = "json") -> httpx.Response:
    with served.client() as client:
        return client.post(f"{BASE}/requests.{shape}", data=form)


def ask(served: Served, path: str, **query: str) -> httpx.Response:
    with served.client(**{"Accept-Language": "zh"}) as client:
        return client.get(f"{BASE}/{path}", params=query)


def to_plain(element: Element) -> Any:
    """An XML answer as its JSON twin says it: repeated children are a list, an empty element is nothing."""
    children = list(element)
    if not children:
        return element.text
    plurals = {"services", "service_requests", "attributes", "values", "errors"}
    if element.tag in plurals:
        return [to_plain(child) for child in children]
    return {child.tag: to_plain(child) for child in children}


def as_text(value: Any) -> Any:
    """A JSON answer as XML can say it."""
    if isinstance(value, dict):
        return {key: as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_text(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value not in (None, "") else None


@pytest.mark.parametrize("path", ["services", "services/urban", "requests"])
def test_both_forms_say_the_same(served: Served, sent: dict[str, Any], path: str) -> None:
    asked = {"service_request_id": sent["service_request_id"]} if path == "requests" else {}
    xml, plain = ask(served, f"{path}.xml", **asked), ask(served, f"{path}.json", **asked)
    assert xml.headers["content-type"] == "text/xml; charset=utf-8"
    assert plain.headers["content-type"] == "application/json; charset=utf-8"
    assert xml.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert to_plain(fromstring(xml.content)) == as_text(plain.json())


def test_services_are_the_subjects_and_one_for_whatever_does_not_fit(served: Served) -> None:
    said = ask(served, "services.json").json()
    assert {frozenset(one) for one in said} == {frozenset(OF_A_SERVICE)}
    assert [one["service_code"] for one in said][-1] == "other"
    assert {one["type"] for one in said} == {"realtime", "batch"}
    assert len(said) == 16
    assert fromstring(ask(served, "services.xml").content).tag == "services"


def test_a_definition_lists_its_attributes_with_their_values(served: Served) -> None:
    said = ask(served, "services/urban.json").json()
    (attribute,) = said["attributes"]
    assert said["service_code"] == "urban"
    assert (attribute["code"], attribute["datatype"], attribute["required"]) == ("intent", "singlevaluelist", False)
    assert {"key", "name"} == set(attribute["values"][0])
    root = fromstring(ask(served, "services/urban.xml").content)
    assert root.tag == "service_definition"
    assert root.find("attributes/attribute/values/value/key") is not None


def test_a_request_that_was_sent_can_be_followed(served: Served, sent: dict[str, Any]) -> None:
    assert set(sent) == {"service_request_id", "service_notice", "account_id"}
    (found,) = ask(served, f"requests/{sent['service_request_id']}.json").json()
    assert set(found) == OF_A_REQUEST
    assert (found["service_code"], found["status"]) == ("urban", "open")
    assert found["description"] is None, "what was said is not public"
    assert found["address"].endswith("月河街道")
    assert found["expected_datetime"] > found["requested_datetime"]
    assert LAMP["description"] not in ask(served, "requests.xml").text


def test_an_answer_in_xml_names_the_number(served: Served, key: str) -> None:
    answer = post(served, {**LAMP, "api_key": key, "device_id": "phone-2"}, "xml")
    assert answer.status_code == 201
    root = fromstring(answer.content)
    assert [child.tag for child in root] == ["request"]
    assert root.findtext("request/service_request_id")
    assert root.find("request/account_id") is not None


def test_the_same_sent_twice_is_one_request(served: Served, sent: dict[str, Any], key: str) -> None:
    again = post(served, {**LAMP, "api_key": key, "device_id": "phone-1"})
    assert again.status_code == 201
    assert again.json()[0]["service_request_id"] == sent["service_request_id"]
    assert "already received" in again.json()[0]["service_notice"]
    other = post(served, {**LAMP, "api_key": key, "device_id": "phone-3"})
    assert other.json()[0]["service_request_id"] != sent["service_request_id"], "another sender's is another request"


def test_what_fits_no_service_gets_a_token_and_then_a_number(served: Served, key: str) -> None:
    form = {
        "service_code": "other",
        "description": "有件事想问一问，不知道归谁",
        "address_id": "330502001000",
        "api_key": key,
    }
    (said,) = post(served, form).json()
    assert "service_request_id" not in said
    (waiting,) = ask(served, f"tokens/{said['token']}.json").json()
    assert waiting == {"service_request_id": None, "token": said["token"]}
    number = said["token"].rpartition("-")[0]
    with served.client(Authorization=f"Bearer {served.sign_in('duty_officer')}") as client:
        queue = client.get("/api/cases", params={"service": "hotline", "state": "held", "limit": 1000}).json()["cases"]
        case = next(one for one in queue if one["id"] == f"hotline:{number}")
        moved = client.post(
            f"/api/cases/{case['no']}/moves", params={"service": "hotline"},
            json={"move": "dispatch", "seen": case["version"], "values": {"unit": "330502.housing", "subject": "urban"}},
        )  # fmt: skip
    assert moved.status_code == 200, moved.text
    (known,) = ask(served, f"tokens/{said['token']}.json").json()
    assert known == {"service_request_id": number, "token": said["token"]}
    root = fromstring(ask(served, f"tokens/{said['token']}.xml").content)
    assert root.findtext("request/service_request_id") == number


def test_only_what_the_standard_demands_is_demanded(served: Served, key: str) -> None:
    answer = post(served, {"service_code": "transport", "lat": "30.87", "long": "120.09", "api_key": key})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"api_key": ""}, 403, "API key"),
        ({"api_key": "guessed"}, 403, "API key"),
        ({"service_code": ""}, 400, "service_code"),
        ({"service_code": "moon"}, 404, "service_code"),
        ({"jurisdiction_id": "elsewhere.example"}, 404, "jurisdiction_id"),
        ({"address_string": ""}, 400, "location"),
        ({"lat": "30.8"}, 400, "lat and long"),
        ({"lat": "91", "long": "10"}, 400, "outside"),
        ({"lat": "nan", "long": "10"}, 400, "outside"),
        ({"description": "字" * 4001}, 400, "longer"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
        ({"attribute[intent]": "revenge"}, 400, "intent"),
    ],
)
@pytest.mark.parametrize("shape", ["xml", "json"])
def test_bad_input_is_refused_with_code_and_reason(
    served: Served, key: str, change: dict[str, str], code: int, word: str, shape: str
) -> None:
    answer = post(served, {**LAMP, "api_key": key, **change}, shape)
    assert answer.status_code == code
    said = to_plain(fromstring(answer.content)) if shape == "xml" else answer.json()
    assert int(said[0]["code"]) == code
    assert word in said[0]["description"]


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("services/moon.xml", {}, 404),
        ("requests/20220531-NOBODY.json", {}, 404),
        ("tokens/20220531-NOBODY-22222222.xml", {}, 404),
        ("requests.json", {"status": "lost"}, 400),
        ("requests.json", {"start_date": "yesterday"}, 400),
        ("requests.json", {"start_date": "2022-05-02T00:00:00Z", "end_date": "2022-05-01T00:00:00Z"}, 400),
        ("requests.json", {"service_code": "moon"}, 404),
        ("services.json", {"jurisdiction_id": "elsewhere.example"}, 404),
        ("services.yaml", {}, 404),
        ("wishes.json", {}, 404),
    ],
)
def test_what_is_not_there_is_said_so(served: Served, path: str, query: dict[str, str], code: int) -> None:
    answer = ask(served, path, **query)
    assert answer.status_code == code
    said = answer.json() if path.endswith(".json") else to_plain(fromstring(answer.content))
    assert int(said[0]["code"]) == code


def test_requests_by_service_status_and_time(served: Served, sent: dict[str, Any]) -> None:
    everything = ask(served, "requests.json").json()
    assert sent["service_request_id"] in {one["service_request_id"] for one in everything}
    assert [one["requested_datetime"] for one in everything] == sorted(
        (one["requested_datetime"] for one in everything), reverse=True
    )
    closed = ask(served, "requests.json", status="closed", service_code="urban,transport").json()
    assert {one["status"] for one in closed} == {"closed"}
    assert {one["service_code"] for one in closed} <= {"urban", "transport"}
    day = ask(
        served, "requests.json", start_date="2022-05-25T00:00:00+08:00", end_date="2022-05-26T00:00:00+08:00"
    ).json()
    assert day
    assert {one["requested_datetime"][:10] for one in day} <= {"2022-05-25", "2022-05-26"}
    both = ask(served, "requests.json", service_request_id=f"{sent['service_request_id']},nobody").json()
    assert [one["service_request_id"] for one in both] == [sent["service_request_id"]]


def test_the_discovery_file_leads_here(served: Served) -> None:
    with served.client() as client:
        said = client.get("/open311/discovery.json").json()
        xml = client.get("/open311/discovery.xml")
    (endpoint,) = said["endpoints"]
    assert endpoint["url"] == f"{served.url}{BASE}"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert endpoint["type"] == "test", "a simulated day is no production"
    assert fromstring(xml.content).findtext("endpoints/endpoint/specification", "").endswith("GeoReport_v2")


def test_keys_are_kept_as_hashes_alone(served: Served, key: str) -> None:
    held = json.loads((Path(served._folder) / "open311-keys.json").read_text(encoding="utf-8"))
    assert list(held) == ["street-app"]
    assert key not in str(held)
    assert served.noted() == ""
