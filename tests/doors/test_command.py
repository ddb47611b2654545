"""The command line as a real process: what each verb says, in words and as JSON, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.doors.serving import PATIENCE_S, PROGRAM, Served, run, surroundings
from tests.huzhou import open_huzhou
from yucun.base.errors import NotKnown
from yucun.city import City
from yucun.doors.command.numbers import LISTS
from yucun.doors.command.opening import find_indicator, find_region

RATIO = "prosperity.urban_rural_ratio"


def test_help_lists_every_verb_in_both_languages(tmp_path: Path) -> None:
    chinese = run("--help", cwd=tmp_path)
    english = run("--help", cwd=tmp_path, LANG="en_GB.UTF-8")
    assert chinese.code == english.code == 0
    for verb in (
        "up",
        "serve",
        "check",
        "load",
        "why",
        "trace",
        "value",
        "series",
        "list",
        "rebuild",
        "backup",
        "restore",
    ):
        assert f"\n  {verb} " in chinese.said
        assert f"\n  {verb} " in english.said
    assert "打开城市" in chinese.said
    assert "open the city" in english.said


@pytest.mark.alone
def test_help_is_there_at_once(tmp_path: Path) -> None:
    took = []
    for _ in range(5):
        started = time.monotonic()
        run("--help", cwd=tmp_path)
        took.append(time.monotonic() - started)
    assert min(took) < 0.5


def test_without_a_city_a_verb_says_what_to_do_and_makes_none(tmp_path: Path) -> None:
    done = run("value", RATIO, "湖州", cwd=tmp_path)
    assert done.code == 3
    assert "yucun up" in done.noted
    assert not (tmp_path / ".yucun").exists()


@pytest.mark.parametrize("words", [("nonsense",), ("value",), ("load", "x.csv"), ("value", "a", "b", "--lang", "de")])
def test_a_misspelt_command_ends_with_two(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(*words, cwd=tmp_path).code == 2


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (("whi", "x"), "没有命令「whi」；是不是 why", "there is no command 'whi'; did you mean why"),
        (("up", "--prot", "3"), "没有选项 --prot；是不是 --port", "there is no option --prot; did you mean --port"),
        (("trace", "a"), "缺少「record」", "'record' is missing"),
        (("value", "a", "b", "c", "d", "e"), "多写了「d e」", "'d e' is more than it takes"),
        (("serve", "--port", "abc"), "--port 的值不对", "--port does not fit"),
    ],
)
def test_a_misspelt_command_says_what_to_write(tmp_path: Path, words: tuple[str, ...], zh: str, en: str) -> None:
    assert zh in run(*words, cwd=tmp_path).noted
    assert en in run(*words, cwd=tmp_path, LANG="en_GB.UTF-8").noted
    told = run("--json", *words, cwd=tmp_path)
    assert (told.code, told.json["findings"][0]["kind"]) == (2, "command.usage")


def test_an_option_without_its_value_is_named(tmp_path: Path) -> None:
    done = run("load", "x.csv", "--table", cwd=tmp_path)
    assert (done.code, "选项 --table 后面要写值" in done.noted) == (2, True)


def test_up_writes_first_passwords_for_the_owner_only(huzhou: Path) -> None:
    file = huzhou / "sign-in.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    assert {line.split("\t")[0] for line in file.read_text(encoding="utf-8").splitlines()[1:]} >= {
        "clerk",
        "analyst",
        "auditor",
    }


def test_up_again_changes_nothing(own_huzhou: Path) -> None:
    before = run("rebuild", "--json", "--data", str(own_huzhou), cwd=own_huzhou).json
    done = run("up", "--no-serve", "--json", "--data", str(own_huzhou), cwd=own_huzhou)
    assert done.code == 0, done.noted
    assert done.json["as_of"] == before["lines"]
    assert run("rebuild", "--json", "--data", str(own_huzhou), cwd=own_huzhou).json == before


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["湖州", "湖州市", "浙江省湖州市", "Huzhou", "3305", "330500", "330500000000"])
def test_names_and_codes_mean_the_same_region(word: str) -> None:
    assert find_region(open_huzhou(), word).short == "330500"


@pytest.mark.parametrize("word", [RATIO, "urban_rural_ratio", "城乡居民收入比", "Urban–rural income ratio"])
def test_ids_and_titles_mean_the_same_number(word: str) -> None:
    assert find_indicator(open_huzhou(), word) == RATIO


def test_a_region_that_several_are_called_is_refused_with_all_of_them() -> None:
    with pytest.raises(NotKnown) as refused:
        find_region(open_huzhou(), "朝阳")
    assert "330502002" in refused.value.findings[0].message.zh
    with pytest.raises(NotKnown, match="no region is called"):
        find_region(open_huzhou(), "火星")


def test_an_answer_into_a_pipe_is_plain(huzhou: Path) -> None:
    done = run("value", RATIO, "湖州", "2021", "--data", str(huzhou), cwd=huzhou)
    lines = [line.split("\t") for line in done.said.splitlines()]
    assert [len(line) for line in lines] == [8, 8]
    assert lines[1][:5] == [RATIO, "湖州市", "2021", "1.65", "倍"]
    assert "\x1b" not in done.said


def test_on_a_terminal_it_is_drawn(huzhou: Path) -> None:
    ours, theirs = pty.openpty()
    environment = surroundings(TERM="xterm-256color")
    with subprocess.Popen(
        [PROGRAM, "value", RATIO, "湖州", "2021", "--data", str(huzhou)], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        process.wait(PATIENCE_S)
        os.close(theirs)
        said = os.read(ours, 65_536).decode()
    os.close(ours)
    assert process.returncode == 0
    assert "城乡居民收入比" in said
    assert "─" in said


def test_a_number_that_is_not_there_says_its_mark(huzhou: Path) -> None:
    done = run("value", "gap_digital", "湖州", "--lang", "en", "--data", str(huzhou), cwd=huzhou)
    assert done.code == 0
    assert "[not known]" in done.said
    assert "prosperity.dimension" in done.said


def test_as_of_is_a_seq_a_day_or_an_instant(huzhou: Path) -> None:
    at = ("value", RATIO, "湖州", "2021", "--json", "--data", str(huzhou), "--as-of")
    assert run(*at, "1", cwd=huzhou).json["values"][0]["mark"] == "not_known"
    assert run(*at, "2022-05-31", cwd=huzhou).json["values"][0]["shown"] == "1.65"
    assert run(*at, "2022-05-31T23:00:00+08:00", cwd=huzhou).json["values"][0]["shown"] == "1.65"
    assert run(*at, "2020-05-30", cwd=huzhou).code == 3


def test_what_is_not_known_is_said_with_what_to_do(huzhou: Path) -> None:
    done = run("value", "nothing_like_it", "湖州", "--data", str(huzhou), cwd=huzhou)
    assert done.code == 3
    assert "yucun list indicators" in done.noted
    assert "Traceback" not in done.noted


def test_series_keeps_kinds_of_periods_apart(huzhou: Path) -> None:
    values = run("series", RATIO, "湖州", "--json", "--data", str(huzhou), cwd=huzhou).json["values"]
    assert {v["period"]: v["period_kind"] for v in values}.items() >= {
        "2021": "year",
        "2020-01..09": "cumulative",
    }.items()


def test_why_prints_the_whole_chain(huzhou: Path) -> None:
    done = run("why", RATIO, "湖州", "2021", "--data", str(huzhou), cwd=huzhou)
    for part in (
        "67,983",
        "41,303",
        "income.csv",
        "prosperity/indicators.toml:",
        "people-net-2022-01-25",
        "他处公布的数",
    ):
        assert part in done.said
    chain = run("why", RATIO, "湖州", "2021", "--json", "--data", str(huzhou), cwd=huzhou).json
    assert chain["value"]["shown"] == "1.65"


def test_numbers_taken_at_random_follow_from_their_records(huzhou: Path) -> None:
    done = run("why", "--random", "25", "--seed", "1", "--json", "--data", str(huzhou), cwd=huzhou)
    assert done.code == 0, done.noted + done.said
    assert done.json["numbers asked"] == done.json["equal when worked out from the records they name"] == 25
    assert done.json["differing"] == []


def test_lists_are_searched_by_any_word(huzhou: Path) -> None:
    done = run("list", "regions", "--find", "织里", "--json", "--data", str(huzhou), cwd=huzhou)
    assert {"330502100"} <= {region["code"] for region in done.json["regions"]}
    assert run("list", "secrets", "--data", str(huzhou), cwd=huzhou).code == 3


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_every_list_has_a_word_for_each_head(make: Callable[[City], Any]) -> None:
    _, heads, rows = make(open_huzhou())
    assert rows
    assert {len(row) for row in rows} == {len(heads)}


# -- records ----------------------------------------------------------------------------------------------------------


def test_a_file_lands_and_is_traced_and_bad_rows_end_with_one(own_huzhou: Path) -> None:
    file = own_huzhou / "GDP 2019.csv"
    file.write_text("地区,地区生产总值（亿元）\n湖州市,3000\n火星市,1\n", encoding="utf-8")
    at = ("--data", str(own_huzhou))
    done = run("load", str(file), "--table", "prosperity.gdp", "--set", "period=2019", *at, cwd=own_huzhou)
    assert done.code == 1, done.noted
    assert "火星市" in done.noted
    again = run("load", str(file), "--table", "prosperity.gdp", "--set", "period=2019", "--json", *at, cwd=own_huzhou)
    assert again.json["is_repeat"]
    moved = run("trace", str(file), "1", "--json", *at, cwd=own_huzhou).json["moved"]
    assert {"prosperity.gdp"} <= {cell["indicator"] for cell in moved}
    assert run("trace", "GDP 2019.csv", "1", *at, cwd=own_huzhou).code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("no-such-file.csv", "--table", "prosperity.gdp"), 3),
        (("sign-in.txt", "--table", "prosperity.nothing"), 3),
        (("sign-in.txt", "--table", "prosperity.gdp", "--set", "period"), 3),
        (("sign-in.txt", "--table", "prosperity.gdp", "--by", "chief"), 3),
        (("sign-in.txt", "--table", "prosperity.gdp", "--by", "nobody"), 3),
    ],
)
def test_what_cannot_be_loaded_is_a_finding(own_huzhou: Path, words: tuple[str, ...], code: int) -> None:
    done = run("load", *words, "--data", str(own_huzhou), cwd=own_huzhou)
    assert (done.code, done.said) == (code, "")
    assert re.search(r"\[[a-z_]+\.[a-z_]+\]$", done.noted.strip())


def test_boundaries_are_kept_with_what_is_wrong_with_them(own_huzhou: Path) -> None:
    ring = [[120.0, 30.5], [120.2, 30.5], [120.2, 30.7], [120.0, 30.7], [120.0, 30.5]]
    known = {
        "type": "Feature",
        "properties": {"adcode": "330502"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    other = {**known, "properties": {"adcode": "110101"}}
    file = own_huzhou / "map.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [known, other]}), encoding="utf-8")
    done = run("place", "boundaries", str(file), "--json", "--data", str(own_huzhou), cwd=own_huzhou)
    assert (done.code, done.json["outlines"], len(done.json["findings"])) == (1, 1, 1)


# -- keeping ------------------------------------------------------------------------------------------------------------


def test_check_finds_nothing_in_a_city_that_is_whole(huzhou: Path) -> None:
    done = run("check", "--json", "--data", str(huzhou), cwd=huzhou)
    assert done.code == 0, done.said
    assert all(one["is_good"] for one in done.json)
    assert len(done.json) == 7


def test_check_finds_a_changed_file(own_huzhou: Path) -> None:
    file = next((own_huzhou / "lake").rglob("*.parquet"))
    file.write_bytes(file.read_bytes() + b"x")
    done = run("check", "--json", "--data", str(own_huzhou), cwd=own_huzhou)
    assert done.code == 1
    assert [one["check"] for one in done.json if not one["is_good"]] == ["hashes of the lake's files"]


def test_a_backup_comes_back_and_nothing_is_overwritten(own_huzhou: Path, tmp_path: Path) -> None:
    saved, again = tmp_path / "saved", tmp_path / "again"
    first = run("backup", str(saved), "--json", "--data", str(own_huzhou), cwd=tmp_path).json
    assert run("backup", str(saved), "--data", str(own_huzhou), cwd=tmp_path).code == 3
    back = run("restore", str(saved), "--json", "--data", str(again), cwd=tmp_path)
    assert (back.code, back.json["state_hash"]) == (0, first["state_hash"])
    assert run("restore", str(saved), "--data", str(again), cwd=tmp_path).code == 3
    assert (
        run("value", RATIO, "湖州", "2021", "--json", "--data", str(again), cwd=tmp_path).json["values"][0]["shown"]
        == "1.65"
    )
    with Served(again) as server:
        (again / "sign-in.txt").write_bytes((own_huzhou / "sign-in.txt").read_bytes())
        assert server.sign_in("clerk")


def test_a_damaged_backup_is_refused(own_huzhou: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    run("backup", str(saved), "--data", str(own_huzhou), cwd=tmp_path)
    next((saved / "attachments").rglob("*/*")).write_bytes(b"changed")
    done = run("restore", str(saved), "--data", str(tmp_path / "again"), cwd=tmp_path)
    assert done.code == 3
    assert not (tmp_path / "again").exists()


def test_a_city_moves_to_postgresql_and_back(own_huzhou: Path, tmp_path: Path, postgres_database: str) -> None:
    done = run("rebuild", "--into", postgres_database, "--json", "--data", str(own_huzhou), cwd=tmp_path)
    assert done.code == 0, done.noted
    at = ("--data", str(own_huzhou), "--books", postgres_database)
    assert run("value", RATIO, "湖州", "2021", "--json", *at, cwd=tmp_path).json["values"][0]["shown"] == "1.65"
    saved = run("backup", str(tmp_path / "saved"), "--json", *at, cwd=tmp_path)
    assert saved.json["state_hash"] == done.json["state_hash"]


# -- serving ------------------------------------------------------------------------------------------------------------


def test_a_taken_port_is_said_and_the_next_one_used(own_huzhou: Path, served: Served) -> None:
    taken = served.url.rsplit(":", 1)[1]
    with Served(own_huzhou, "--port", taken) as other:
        assert int(other.url.rsplit(":", 1)[1]) > int(taken)
        assert httpx.get(other.url + "/api/health", timeout=60).json()["state"] == "open"
    assert taken in other.noted()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_closes_when_asked(own_huzhou: Path, ending: signal.Signals) -> None:
    with Served(own_huzhou) as server:
        server.process.send_signal(ending)
        assert server.process.wait(30) == 0
    assert "Traceback" not in server.noted()


def test_an_address_that_is_not_ours_is_refused(own_huzhou: Path) -> None:
    done = run("serve", "--host", "203.0.113.1", "--data", str(own_huzhou), cwd=own_huzhou)
    assert done.code == 3
    assert "--host" in done.noted


def test_what_a_services_verb_needs_is_said_with_an_example(tmp_path: Path) -> None:
    told = run("relief", "assess", "--help", cwd=tmp_path)
    assert "yucun relief assess --households homes.csv --month 2022-03 --out due.csv" in " ".join(told.said.split())
    assert "家庭表" in told.said
    bare = run("relief", "assess", cwd=tmp_path)
    assert bare.code == 2
    assert "--households" in bare.noted
    (tmp_path / "homes.csv").write_text("household_id,person_id,role,counted_income_12m_fen\nH1,P1,head,0\n")
    asked = ("--households", "homes.csv", "--month", "2022-03", "--out", "due.csv")
    assert run("relief", "assess", *asked, cwd=tmp_path).code == 0
    assert "H1,dibao,meets,81000" in (tmp_path / "due.csv").read_text().replace('"', "")
