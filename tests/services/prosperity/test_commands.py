"""The verbs of shared prosperity: with a city, and from files without one."""

from __future__ import annotations

import csv
import inspect
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Never

import pytest

from tests.huzhou import open_huzhou
from tests.services.prosperity.test_city_index import SCORES
from yucun.base.errors import ContractError
from yucun.index import rerun
from yucun.services.prosperity import commands


def opened() -> AbstractContextManager[Any]:
    return nullcontext(open_huzhou())


def never() -> Never:
    raise AssertionError("no city is needed")


def test_index_of_the_citys_province(tmp_path: Path) -> None:
    table = commands.index(opened, folder=tmp_path / "run")
    assert {row["name"]: round(row["score"], 2) for row in table.to_pylist()} == SCORES
    assert table.column("rank").to_pylist() == sorted(table.column("rank").to_pylist())
    assert rerun(tmp_path / "run").uncertainty is not None
    with pytest.raises(ContractError):
        commands.index(opened, with_="nonsense")


@pytest.mark.data("index")
def test_the_yangtze_delta_from_a_path(data_folder: Path) -> None:
    file = data_folder / "index" / "yangtze_delta_2024" / "indicators_and_scores.csv"
    table = commands.index(never, values=file, normalised=True)
    with file.open(encoding="utf-8") as text:
        published = {row["adcode"]: row for row in csv.DictReader(text)}
    assert table.num_rows == len(published) == 41
    for row in table.to_pylist():
        # Two-decimal inputs: five dimensions, each within 0.08 of what is printed.
        assert 100 * row["score"] == pytest.approx(float(published[row["unit"]]["score|total"]), abs=5 * 0.08)
        assert row["q5"] <= row["median"] <= row["q95"]
    huzhou = next(row for row in table.to_pylist() if row["name"] == "湖州市")
    assert huzhou["q5"] < huzhou["rank"] < huzhou["q95"], "here too a place is an interval"


def test_values_and_meta_in_coinrs_layout(tmp_path: Path) -> None:
    values, meta = tmp_path / "v.csv", tmp_path / "m.csv"
    values.write_text("uCode,uName,a,b\nX,甲,1,5\nY,乙,3,2\nZ,丙,2,1\n", encoding="utf-8")
    meta.write_text(
        "Level,iCode,Direction,Weight,Parent,Type\n1,a,1,1,t,Indicator\n1,b,1,1,t,Indicator\n2,t,1,1,,Aggregate\n",
        encoding="utf-8",
    )
    table = commands.index(never, values=values, meta=meta)
    assert table.column("unit").to_pylist()[0] in ("X", "Y")
    assert table.column_names == ["rank", "q5", "median", "q95", "unit", "name", "score"]


@pytest.mark.parametrize("text", ["", "code,name\n1,甲\n", "code,name,d|a\n1,甲,x\n"])
def test_a_file_that_is_no_table_of_indicators_is_a_finding(tmp_path: Path, text: str) -> None:
    file = tmp_path / "v.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as refused:
        commands.index(never, values=file)
    assert refused.value.findings[0].kind == "prosperity.asked"
    with pytest.raises(ContractError):
        commands.index(never, values=tmp_path / "nothing.csv")


def test_levers_as_a_table_and_with_figures_set() -> None:
    table: Any = commands.levers(open_huzhou())
    assert table.column("indicator").to_pylist()[0] == "prosperity.income_rural"
    told: Any = commands.levers(open_huzhou(), set_="income_rural=31000")
    assert told["rank_after"] == 4
    assert told["figure_urban_rural_ratio"] == pytest.approx(46096 / 31000)
    for wrong in ({"set_": "income_rural=much"}, {"with_": "nonsense"}, {"of": "330502"}):
        with pytest.raises(ContractError):
            commands.levers(open_huzhou(), **wrong)  # type: ignore[arg-type]


def test_tasks_tell_light_and_why() -> None:
    table = commands.tasks(open_huzhou())
    lights = dict(zip(table.column("task").to_pylist(), table.column("light").to_pylist(), strict=True))
    assert lights["pilot-plan"] == "green"
    assert lights["province-2025-ratio"] == "amber"


def test_report_writes_a_file_or_says_what_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "R.pdf"
    said = commands.report(open_huzhou(), language="en", out=out)
    assert out.read_bytes().startswith(b"%PDF")
    assert "25" in said.en
    nowhere = tmp_path / "none" / "R.pdf"
    for wrong in ({"language": "fr", "out": out}, {"out": Path()}, {"out": tmp_path}, {"out": nowhere}):
        with pytest.raises(ContractError):
            commands.report(open_huzhou(), **wrong)  # type: ignore[arg-type]


def test_every_option_and_every_column_has_its_words() -> None:
    options = {n for verb in commands.VERBS for n in inspect.signature(getattr(commands, verb)).parameters}
    heads = {*commands.index(opened).column_names}
    for told in (commands.levers(open_huzhou()), commands.tasks(open_huzhou())):
        heads |= {name.removesuffix("_zh").removesuffix("_en") for name in told.column_names}  # type: ignore[union-attr]
    assert (options - {"city", "open_city"}) | heads <= commands.WORDS.keys()
