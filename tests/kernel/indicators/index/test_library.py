"""Used as a library: the ten lines of the README, tables of other libraries, panels, what-if, one folder that reruns."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.conformance.test_index_known import INCOME
from yucun import index as library
from yucun.base.errors import ContractError, DeclarationError
from yucun.index import (
    Figures,
    Framework,
    Node,
    Plan,
    Spec,
    Vary,
    apportion,
    build,
    carry_out,
    check_siblings,
    compare,
    contribute,
    describe,
    draw_contributions,
    draw_correlations,
    draw_radar,
    draw_ranks,
    drop_one,
    explore,
    export,
    levers,
    parse_plan,
    read_figures,
    read_framework,
    rerun,
    tabulate,
    usual_doubts,
    what_if,
    write_plan,
)

HOME = Path(library.__file__).parent / "kernel" / "indicators" / "index"
META = [
    {
        "Level": 1,
        "iCode": "all",
        "iName": "Income",
        "Direction": 1,
        "Weight": 1,
        "Parent": "index",
        "Type": "Indicator",
    },
    {
        "Level": 1,
        "iCode": "rural",
        "iName": "Rural",
        "Direction": 1,
        "Weight": 1,
        "Parent": "index",
        "Type": "Indicator",
    },
    {
        "Level": 1,
        "iCode": "ratio",
        "iName": "Ratio",
        "Direction": -1,
        "Weight": 1,
        "Parent": "index",
        "Type": "Indicator",
    },
    {"Level": 2, "iCode": "index", "iName": "Index", "Direction": 1, "Weight": 1, "Parent": None, "Type": "Aggregate"},
]
VALUES = [{"uCode": city, "all": a, "rural": r, "ratio": u / r} for city, (a, u, r) in INCOME.items()]


@pytest.fixture
def zhejiang() -> tuple[Figures, Framework]:
    tree, groups, sizes = read_framework(pa.Table.from_pylist(META))
    return read_figures(pa.Table.from_pylist(VALUES), tree, groups, sizes), tree


def test_ten_lines_of_the_readme(tmp_path: Path) -> None:
    lines = re.search(r"```python\n(.*?)```", (HOME / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert lines is not None
    code = lines.group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    pd.DataFrame(VALUES).to_csv(tmp_path / "values.csv", index=False)
    pd.DataFrame(META).to_csv(tmp_path / "framework.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in told[:3]] == ["嘉兴", "宁波", "绍兴"]
    assert all(re.fullmatch(r"\d+-\d+", row[2]) for row in told)
    assert_is_picture((tmp_path / "ranks.svg").read_text(encoding="utf-8"), "嘉兴")


def test_the_library_needs_no_city() -> None:
    code = "import sys, yucun.index; print([m for m in sys.modules if m.startswith(('yucun.city', 'yucun.doors', 'yucun.services'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def assert_is_picture(text: str, *words: str) -> None:
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    assert root.get("aria-label")
    assert all(word in text for word in words)


def test_tables_of_other_libraries(zhejiang: tuple[Figures, Framework]) -> None:
    frame = pd.DataFrame(VALUES)
    frame.loc[0, "rural"] = None
    tree = read_framework(pd.DataFrame(META))[0]
    assert tree == zhejiang[1]
    figures = read_figures(frame, tree)
    assert np.isnan(figures.column("rural")[0])
    assert figures.column("all").tolist() == [row["all"] for row in VALUES]
    assert tabulate(build(*zhejiang)).to_pandas().loc[0, "uCode"] == "嘉兴"


def test_wrong_tables_are_told_by_row_and_column() -> None:
    tree = read_framework(pa.Table.from_pylist(META))[0]
    wrong = [{**row, "all": "much" if row["uCode"] == "湖州" else str(row["all"])} for row in VALUES]
    with pytest.raises(ContractError) as caught:
        read_figures(pa.Table.from_pylist(wrong), tree, name="V.csv")
    assert [(f.where, f.key, f.found) for f in caught.value.findings] == [("V.csv:6", "all", "much")]
    with pytest.raises(ContractError) as caught:
        read_framework(
            pa.Table.from_pylist([{k: v for k, v in row.items() if k not in ("Parent", "Type")} for row in META])
        )
    assert [f.key for f in caught.value.findings] == ["Parent", "Type"]


def test_a_panel_ranks_within_each_year() -> None:
    tree = read_framework(pa.Table.from_pylist(META))[0]
    rows = [
        {**row, "Time": year, "all": row["all"] * (1 + (year - 2020) * 0.1)} for row in VALUES for year in (2020, 2021)
    ]
    index = build(read_figures(pa.Table.from_pylist(rows), tree), tree)
    assert sorted(index.rank.tolist()) == sorted(list(range(1, 12)) * 2)
    assert index.score[index.place_of("湖州", "2021")] > index.score[index.place_of("湖州", "2020")]
    table = tabulate(index)
    assert table.column_names[:3] == ["uCode", "Time", "Rank"]
    assert table.column("Time").to_pylist() == ["2020"] * 11 + ["2021"] * 11
    found = explore(index.figures, tree, replications=30)
    assert found.ranks.max() == 11
    assert_is_picture(draw_ranks(found), "湖州")


def test_what_if_and_compare(zhejiang: tuple[Figures, Framework]) -> None:
    before = build(*zhejiang)
    after = what_if(before, {("湖州", "rural"): 32600.0})
    moved = {move.unit: move for move in compare(before, after)}
    assert moved["湖州"].places_gained > 0
    assert before.figures.column("rural")[4] == 28922
    heavy = what_if(before, weights={"ratio": 5.0})
    assert heavy.weights["ratio"] == pytest.approx(5 / 7)
    assert what_if(before, drop=["ratio"]).framework.codes == ("all", "rural")
    with pytest.raises(ContractError, match="no unit"):
        what_if(before, {("苏州", "rural"): 1.0})
    with pytest.raises(ContractError, match="has no 'rurl'"):
        what_if(before, {("湖州", "rurl"): 1.0})


def test_levers_of_huzhou(zhejiang: tuple[Figures, Framework]) -> None:
    found = levers(build(*zhejiang), "湖州", toward=0.9, replications=60)
    assert found
    assert found == sorted(found, key=lambda lever: -lever.places)
    assert all(0 <= lever.chance <= 1 for lever in found)
    best = found[0]
    redone = what_if(build(*zhejiang), {("湖州", best.indicator): best.aim})
    assert redone.rank[redone.place_of("湖州")] == best.rank


def test_levers_speak_in_the_unit_after_dividing() -> None:
    tree = Framework((Node("doctors", parent="t", denominator="people"), Node("x", parent="t"), Node("t", 2)))
    sizes = {"people": np.array([10.0, 20.0, 40.0])}
    raw = Figures(("a", "b", "c"), ("doctors", "x"), np.array([[10, 1], [40, 3], [160, 2.0]]), sizes=sizes)
    found = next(lever for lever in levers(build(raw, tree), "a", toward=1.0) if lever.indicator == "doctors")
    assert (found.figure, found.aim) == (1.0, 4.0)


def test_contributions_add_up(zhejiang: tuple[Figures, Framework]) -> None:
    index = build(*zhejiang)
    assert contribute(index).sum(axis=1) == pytest.approx(index.score)


def test_statistics_of_indicators(zhejiang: tuple[Figures, Framework]) -> None:
    index = build(*zhejiang)
    told = {row["indicator"]: row for row in describe(index.figures).to_pylist()}
    assert told["all"]["least"] == 28778
    assert not told["all"]["has_outliers"]
    agreement = check_siblings(index)[0]
    assert 0 < agreement.alpha < 1
    assert all(value >= 1 for value in agreement.inflation.values())


def test_dropping_what_cannot_be_dropped_is_told() -> None:
    tree = Framework((Node("a", parent="t"), Node("b", parent="t"), Node("t", 2)))
    raw = Figures(("u", "v"), ("a", "b"), np.array([[1, 5.0], [2, 4.0]]))
    assert {d.indicator for d in drop_one(build(raw, tree))} == {"a", "b"}


def test_shares_of_doubt(zhejiang: tuple[Figures, Framework]) -> None:
    shares, failures = apportion(*zhejiang, points=128)
    assert not failures
    assert shares.factors == ("impute", "treat", "normalise", "aggregate", "weights")
    assert shares.total[:2] == pytest.approx([0, 0], abs=1e-12)  # nothing is missing, nothing is treated
    assert shares.total[4] > 0
    assert apportion(*zhejiang, points=64, unit="湖州")[0].variance > 0


def test_pictures(zhejiang: tuple[Figures, Framework]) -> None:
    found = explore(*zhejiang, replications=40)
    assert_is_picture(draw_ranks(found), "湖州", "Rank with its")
    assert_is_picture(draw_ranks(found, "zh"), "名次")
    assert_is_picture(draw_contributions(found.nominal), "Rural")
    assert_is_picture(draw_correlations(found.nominal), "rural")
    assert_is_picture(draw_radar(found.nominal, ["湖州", "杭州"]), "湖州")


def test_one_folder_that_reruns_equal(zhejiang: tuple[Figures, Framework], tmp_path: Path) -> None:
    spec = Spec()
    plan = Plan(spec, vary=usual_doubts(spec), replications=50, seed=9)
    first = carry_out(*zhejiang, plan)
    export(first, tmp_path / "one")
    told = json.loads((tmp_path / "one" / "run.json").read_text(encoding="utf-8"))
    assert told["seed"] == 9
    assert {"yucun", "numpy", "python"} <= set(told["versions"])
    again = rerun(tmp_path / "one")
    export(again, tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    with pytest.raises(ContractError, match="not empty"):
        export(first, tmp_path / "one")
    (tmp_path / "one" / "values.csv").write_text("uCode\n", encoding="utf-8")
    with pytest.raises(ContractError, match="changed since"):
        rerun(tmp_path / "one")


def test_specs_are_read_with_findings_and_written_back() -> None:
    wrong = '[impute]\nmethod = "guess"\n[treat]\nwinsorize = 3\n[normalise]\nlow = "no"\n[[uncertainty.aggregate]]\nmethod = "sum"\n'
    with pytest.raises(DeclarationError) as caught:
        parse_plan(wrong, "S.toml")
    assert [f.key for f in caught.value.findings] == [
        "impute.method",
        "treat.winsorize",
        "normalise.low",
        "uncertainty.aggregate.method",
    ]
    plan = parse_plan('[normalise]\nlow = 1.0\n[normalise.each."x y"]\nmethod = "z"\n[uncertainty]\nnoise = 0.1\n')
    assert plan.vary == Vary(noise=0.1)
    assert plan.spec.normalise.each["x y"].low == 1.0
    assert parse_plan(write_plan(plan)) == plan
