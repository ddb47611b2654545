"""The pages over a small city: headers, what is kept, moments, refusals, empty states, loads under way."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from tests.small_city import make_clerk, open_city, write_city
from yucun.base.errors import AccessError, Finding
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.http import make_http
from yucun.doors.pages.docs_page import docs_folder, list_shelves, title_of
from yucun.doors.pages.error_pages import make_error_page
from yucun.doors.pages.loading import Loads
from yucun.doors.pages.maps import make_map
from yucun.doors.pages.visit import Kept
from yucun.kernel.access import OPEN_READER
from yucun.kernel.registry import read_place

HUZHOU = Path(__file__).resolve().parents[2] / "src" / "yucun" / "places" / "huzhou"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city of three counties with one service."""
    folder = tmp_path_factory.mktemp("city")
    write_city(folder)
    opened = open_city(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[TestClient[Any]]:
    """A client of its pages, Chinese first."""
    with TestClient(make_http(city)) as opened:
        opened.headers["Accept-Language"] = "zh-CN"
        yield opened


def test_no_inline_script_may_run(client: TestClient[Any]) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path", ["/", "/service", "/service/farm", "/numbers", "/number/farm.harvest", "/lake", "/region/99"]
)
def test_an_unchanged_page_is_not_sent_again(client: TestClient[Any], path: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(path, headers={"If-None-Match": first.headers["etag"], "Accept-Language": "en"})
    assert other.status_code == 200


def test_a_page_that_many_ask_for_at_once_is_made_once() -> None:
    kept, started, made = Kept(2), threading.Barrier(8), []

    def make() -> str:
        made.append(1)
        time.sleep(0.1)
        return "a page"

    def ask(_: int) -> str:
        started.wait()
        return kept.find_or_make("tag", make)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == ["a page"] * 8
    assert len(made) == 1
    with pytest.raises(ValueError, match="broken"):
        kept.find_or_make("other", lambda: (_ for _ in ()).throw(ValueError("broken")).__next__())
    # What failed is not kept: the next who asks has it made.
    assert kept.find_or_make("other", lambda: "mended") == "mended"


def test_a_landing_changes_the_page_and_the_moment_before_stays(city: City, client: TestClient[Any]) -> None:
    before = client.get("/number/farm.harvest?region=990102&period=2017")
    seq = city.last_seq()
    sent = "region,period,金额,source\n990102,2017,75.00,report\n".encode()
    city.load(sent, "corrected.csv", "farm.harvest", reader=make_clerk(city), correct=True)
    after = client.get(
        "/number/farm.harvest?region=990102&period=2017", headers={"If-None-Match": before.headers["etag"]}
    )
    assert after.status_code == 200
    assert "75" in _hero(after.text)
    then = client.get(f"/number/farm.harvest?region=990102&period=2017&as_of={seq}")
    assert "50" in _hero(then.text)


def _hero(html: str) -> str:
    return html.split('figure figure-hero">')[1].split("</p>")[0]


def test_every_download_answers(client: TestClient[Any]) -> None:
    landing = re.findall(r'href="(/lake/landing/[^"]+)"', client.get("/lake").text)[0]
    pages = ("/numbers", "/number/farm.harvest", "/lake", "/lake/farm.harvest", "/region/9901", landing)
    links = {unescape(link) for path in pages for link in re.findall(r'href="([^"]+)" download', client.get(path).text)}
    assert len(links) >= 4 * len(pages)
    failed = {link: client.get(link).status_code for link in links if client.get(link).status_code != 200}
    assert failed == {}


def test_a_missing_number_says_why_and_what_would_fill_it(client: TestClient[Any]) -> None:
    html = client.get("/number/farm.harvest?region=990103").text
    assert 'class="mark mark-' in _hero(html)
    assert "/lake/farm.harvest" in html


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/number/farm.nothing", 404), ("/service/nothing", 404), ("/lake/nothing.here", 404), ("/region/12", 404),
        ("/region/x", 404), ("/record/abc/1", 404), ("/docs/nothing", 404), ("/number/farm.harvest?as_of=x", 404),
        ("/number/farm.harvest?period=sometime", 404), ("/lake/landing/none", 404), ("/lake/loading/none", 404),
    ],
)  # fmt: skip
def test_what_is_not_known_is_a_page_with_a_way_on(client: TestClient[Any], path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert 'class="notice is-bad"' in answer.text
    assert 'href="/search"' in answer.text


def test_a_refusal_carries_its_mark() -> None:
    finding = Finding("access.verb", "/lake/load", "", "", Text("需要数据员", "needs a clerk"))
    page = make_error_page(AccessError(finding), is_signed_in=True)
    assert (page.status, page.mark and page.mark.kind) == (403, "refused")


def test_our_own_fault_is_said_without_its_insides() -> None:
    page = make_error_page(RuntimeError("secret path"), is_signed_in=False)
    assert page.status == 500
    assert "secret" not in page.sentence.zh + page.sentence.en + "".join(n.text.en for n in page.notices)


def test_loading_needs_a_clerk(client: TestClient[Any]) -> None:
    answer = client.post("/lake/load", files={"file": ("a.csv", b"x")}, data={"table": "farm.harvest"})
    assert answer.status_code == 401
    assert "mark-refused" in answer.text


@pytest.mark.parametrize("path", ["/region/99", "/region/9901", "/region/990101"])
def test_every_level_of_region_is_useful(client: TestClient[Any], path: str) -> None:
    html = client.get(path).text
    assert "统计区划代码" in html


def test_every_document_renders(client: TestClient[Any]) -> None:
    folder = docs_folder()
    for shelf in list_shelves(folder).values():
        for path in shelf:
            name = path.relative_to(folder).with_suffix("").as_posix()
            answer = client.get(f"/docs/{name}")
            assert answer.status_code == 200, name
            assert title_of(path).en.split(":")[0][:20] in answer.text
            assert "<script>" not in answer.text


def test_every_county_has_its_name_on_the_map() -> None:
    place = read_place(HUZHOU)
    tilemap = place.tilemaps["towns"]
    drawn = make_map(
        tilemap, place.regions, {}, lambda code: place.regions.get(code).name, str, title=Text("图", "map")
    )
    assert [block.label.en for block in drawn.blocks] == ["Wuxing", "Nanxun", "Deqing", "Changxing", "Anji"]
    spots = {(cell.x, cell.y) for cell in drawn.cells}
    assert len(spots) == len(drawn.cells) == 72
    for block in drawn.blocks:
        assert not any(cell.x <= block.x < cell.x + 40 and cell.y <= block.y < cell.y + 36 for cell in drawn.cells)
    assert drawn.low == ""
    assert {cell.shade for cell in drawn.cells} == {0}


class SlowCity:
    """A city whose loads wait until they are told to go on."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()

    def load(self, *_: object, progress: Any, **__: object) -> str:
        """Tell a step, wait, tell another."""
        progress(Text("读取", "read"), 1, 4)
        assert self.may_go_on.wait(10)
        progress(Text("核对", "check"), 2, 4)
        return "landed"


def begin(loads: Loads, city: City) -> Any:
    """Send a file to be loaded."""
    return loads.begin(b"", "a.csv", "farm.harvest", make_clerk(city), {}, correct=False, waiting=Text("等", "wait"))


def test_a_load_tells_how_far_it_is_and_lands(city: City) -> None:
    slow = SlowCity()
    loads = Loads(slow)  # type: ignore[arg-type]
    load = begin(loads, city)
    slow.may_go_on.set()
    assert load.ended.wait(10)
    assert (load.done, load.total, load.landing) == (2, 4, "landed")
    assert loads.find(load.key, make_clerk(city)) is load
    assert loads.find(load.key, OPEN_READER) is None


def test_a_load_can_be_stopped_before_it_lands(city: City) -> None:
    slow = SlowCity()
    load = begin(Loads(slow), city)  # type: ignore[arg-type]
    load.wants_stop = True
    slow.may_go_on.set()
    assert load.ended.wait(10)
    assert load.is_stopped
    assert load.landing is None
