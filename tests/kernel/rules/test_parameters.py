"""Parameters: in force by date, refused with file, line and key; unverified ones are for simulation only."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from yucun.base.errors import ParameterError
from yucun.kernel.rules import Parameters, read_parameters

GOOD = """# made for a test
[standard_fen]
title = { zh = "标准", en = "standard" }
unit = "fen"
values = [
  { from = 2018-11-01, value = 81000, evidence = "seen", source = "a notice" },
  { from = 2021-08-01, value = 91700, evidence = "unverified", source = "an article" },
  { from = 2030-01-01, ends = true, evidence = "law", source = "a law" },
]
"""


def test_value_by_date() -> None:
    pack = Parameters.parse(GOOD, "relief/parameters.toml")
    assert pack.get("standard_fen", date(2021, 7, 31)).content == 81000
    assert pack.get("standard_fen", date(2021, 8, 1)).content == 91700


@pytest.mark.parametrize("day", [date(2018, 10, 31), date(2030, 1, 1)])
def test_no_value_on_a_day_names_file_line_and_key(day: date) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters.parse(GOOD, "relief/parameters.toml").get("standard_fen", day)
    (finding,) = caught.value.findings
    assert (finding.where, finding.key) == ("relief/parameters.toml:2", "standard_fen")
    assert str(day) in finding.message.zh


def test_unverified_is_for_simulation_only() -> None:
    pack = Parameters.parse(GOOD, "p.toml")
    assert pack.is_simulation_only
    with pytest.raises(ParameterError) as caught:
        pack.check_for_use()
    assert [f.where for f in caught.value.findings] == ["p.toml:7"]
    Parameters.parse(GOOD.replace('"unverified"', '"press"'), "p.toml").check_for_use()


@pytest.mark.parametrize(
    ("old", "new", "kind", "line"),
    [
        ('unit = "fen"', 'unit = "penny"', "parameter.unit", 4),
        ("value = 81000", "value = 810.0", "parameter.value", 6),
        ("value = 91700", "scale = [[5, 1], [0, 2]]", "parameter.value", 7),
        ('evidence = "seen"', 'evidence = "sure"', "parameter.evidence", 6),
        (', source = "an article"', "", "parameter.source", 7),
        ("from = 2021-08-01", "from = 2017-08-01", "parameter.order", 5),
        ("from = 2021-08-01", "form = 2017-08-01", "parameter.from", 7),
        ('zh = "标准", ', "", "declaration.language", 3),
        ("value = 81000", "valeu = 81000", "declaration.unknown_key", 6),
    ],
)
def test_bad_declarations(old: str, new: str, kind: str, line: int) -> None:
    assert old in GOOD
    with pytest.raises(ParameterError) as caught:
        Parameters.parse(GOOD.replace(old, new), "p.toml")
    assert (kind, f"p.toml:{line}") in [(f.kind, f.where) for f in caught.value.findings]


def test_a_place_sets_values_and_nothing_new(tmp_path: Path) -> None:
    service, place = tmp_path / "parameters.toml", tmp_path / "place.toml"
    service.write_text(GOOD, encoding="utf-8")
    values = GOOD.replace("81000", "68100")
    place.write_text(values + '\n[choices]\nis_edge = "below_twice"\n', encoding="utf-8")
    pack = read_parameters(service, place)
    assert pack.get("standard_fen", date(2019, 1, 1)).content == 68100
    assert pack.choices == {"is_edge": "below_twice"}
    place.write_text(GOOD.replace("standard_fen", "strange_fen"), encoding="utf-8")
    with pytest.raises(ParameterError, match="only sets those"):
        read_parameters(service, place)


def test_what_if_changes_are_marked_made_up() -> None:
    pack = Parameters.parse(GOOD, "p.toml").scale("standard_fen", 110, 100)
    value = pack.get("standard_fen", date(2019, 1, 1))
    assert (value.content, value.evidence) == (89100, "made_up")
    assert pack.set("standard_fen", 1, date(2020, 1, 1)).get("standard_fen", date(2022, 1, 1)).content == 1
