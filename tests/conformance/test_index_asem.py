"""COINr's published ASEM index: scores, ranks, treatments, correlations, weights and rank intervals, number by number."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from yucun.base.errors import ContractError, DeclarationError
from yucun.doors.command.index import run
from yucun.doors.command.output import Exit, Printer
from yucun.doors.command.verb import Setting
from yucun.index import (
    Figures,
    Framework,
    Index,
    Screen,
    Spec,
    Weigh,
    build,
    correlate,
    drop_one,
    effective_weights,
    explore,
    read_index_files,
    read_plan,
    screen,
)

pytestmark = pytest.mark.data("index")

# COINr documentation, docs/articles/results.html at b9682034635d: unit, rank, index and the ten aggregates.
PUBLISHED = """
CHE 1 68.38 62.79 73.98 63.41 32.87 74.78 85.94 56.93 77.21 87.85 56.88
NLD 2 64.82 61.94 67.70 64.87 46.62 84.55 71.74 41.92 58.73 86.58 57.78
DNK 3 64.80 57.10 72.51 50.52 30.43 78.13 75.35 51.04 69.83 86.40 61.29
NOR 4 64.47 57.44 71.50 58.18 25.70 80.03 89.46 33.80 70.90 87.00 56.59
BEL 5 63.54 63.99 63.09 71.97 48.22 80.84 75.60 43.32 53.01 86.17 50.09
SWE 6 63.00 53.87 72.12 51.51 23.87 80.98 74.51 38.50 66.37 87.74 62.27
IND 45 39.79 28.60 50.99 18.78 6.38 51.90 59.84 6.07 75.34 22.74 54.88
"""
COLUMNS = "uCode Rank Index Conn Sust Physical ConEcFin Political Instit P2P Environ Social SusEcFin".split()
# Ranks that the documentation shows beside its uncertainty run.
RANKS = {"AUS": 35, "AUT": 7, "BGD": 46, "BGR": 30, "BRN": 40}
POINTS = {
    "Flights": 1, "Bord": 3, "Gas": 3, "Services": 4, "FDI": 2, "ForPort": 3, "CostImpEx": 1, "Tariff": 3, "StMob": 2,
    "CultServ": 3, "Forest": 2, "Poverty": 3, "NGOs": 3, "FemLab": 1, "PubDebt": 1,
}  # fmt: skip


@pytest.fixture
def files(data_folder: Path) -> tuple[Path, Path]:
    return data_folder / "index" / "asem_iData.csv", data_folder / "index" / "asem_iMeta.csv"


@pytest.fixture
def given(files: tuple[Path, Path]) -> tuple[Figures, Framework]:
    return read_index_files(*files)


@pytest.fixture
def asem(given: tuple[Figures, Framework]) -> Index:
    return build(*given, read_plan().spec)


def test_command_prints_what_is_published(files: tuple[Path, Path], tmp_path: Path) -> None:
    out, log = tmp_path / "O.csv", tmp_path / "L.json"
    code = run(Setting(printer=Printer("en")), *files, out, log=log)
    assert code == Exit.OK
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert [int(row["Rank"]) for row in rows] == sorted(int(row["Rank"]) for row in rows)
    found = {row["uCode"]: row for row in rows}
    assert len(found) == 51
    for line in PUBLISHED.split("\n")[1:-1]:
        unit, place, *scores = line.split()
        assert found[unit]["Rank"] == place
        assert [f"{float(found[unit][column]):.2f}" for column in COLUMNS[2:]] == scores, unit
    assert {unit: int(found[unit]["Rank"]) for unit in RANKS} == RANKS
    told = json.loads(log.read_text(encoding="utf-8"))
    assert {t["indicator"]: t["points"] for t in told["treatments"]} == POINTS
    assert {t["method"] for t in told["treatments"]} == {"winsorise"}


def test_published_file_agrees(asem: Index, data_folder: Path) -> None:
    with (data_folder / "index" / "asem_expected_top6.csv").open(encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    for row in expected:
        at = asem.place_of(row["uCode"])
        assert asem.rank[at] == int(row["Rank"])
        assert all(f"{asem.scores[code][at]:.2f}" == row[code] for code in asem.scores)


def test_a_missing_column_is_a_finding(files: tuple[Path, Path], tmp_path: Path) -> None:
    with files[0].open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    left = [i for i, name in enumerate(rows[0]) if name not in ("LPI", "GDP")]
    short = tmp_path / "short.csv"
    short.write_text("\n".join(",".join(row[i] for i in left) for row in rows), encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        run(Setting(printer=Printer("en")), short, files[1], tmp_path / "O.csv")
    assert [finding.key for finding in caught.value.findings] == ["LPI", "GDP"]
    assert not (tmp_path / "O.csv").exists()


def test_a_wrong_spec_names_its_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    spec = tmp_path / "S.toml"
    spec.write_text('[aggregate]\nmethod = "arithmetical"\n', encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        run(Setting(printer=Printer("en")), *files, tmp_path / "O.csv", spec=spec)
    assert caught.value.findings[0].where == "S.toml:2"


def test_command_line_itself(files: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["index", "run", "--values", files[0], "--meta", files[1], "--out", tmp_path / "O.csv"]
    done = subprocess.run(
        [sys.executable, "-c", "from yucun.doors.command import main; main()", *map(str, words)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "O.csv").read_text(encoding="utf-8").startswith(",".join(COLUMNS))


def test_correlations_with_the_index(asem: Index) -> None:
    """D09."""
    assert correlate(asem.score, asem.scores["Conn"]) == pytest.approx(0.9397805, abs=1e-6)
    assert correlate(asem.score, asem.scores["Sust"]) == pytest.approx(0.8382873, abs=1e-6)


def test_correlations_under_coinrs_weights(asem: Index, given: tuple[Figures, Framework]) -> None:
    """D10."""
    figures, tree = given
    other = build(figures, tree.with_weights({"Conn": 0.3902439, "Sust": 0.6097561}), read_plan().spec)
    assert correlate(other.score, asem.scores["Conn"]) == pytest.approx(0.8971336, abs=1e-6)
    assert correlate(other.score, asem.scores["Sust"]) == pytest.approx(0.8925119, abs=1e-6)


def test_equal_correlations_are_equal(asem: Index) -> None:
    spec = asem.spec
    other = build(asem.figures, asem.framework, Spec(True, spec.screen, spec.impute, weigh=Weigh("correlation", (3,))))
    found = [correlate(other.score, other.scores[code]) for code in ("Conn", "Sust")]
    assert found[0] == pytest.approx(found[1], abs=1e-12)
    assert 0.8925119 < found[0] < 0.8971336


def test_effective_weights(asem: Index) -> None:
    """D11."""
    found = effective_weights(asem)
    assert found["Goods"] == pytest.approx(0.02, abs=1e-6)
    assert found["Renew"] == pytest.approx(1 / 30, abs=1e-6)
    assert sum(found[code] for code in asem.framework.codes) == pytest.approx(1)


def test_ranks_under_doubt(given: tuple[Figures, Framework]) -> None:
    """D12: COINr's run gives AUT median 7, 5.95 to 9, and BGD median 46, 41 to 48."""
    plan = read_plan()
    found = explore(*given, plan.spec, plan.vary, 1000, plan.seed)
    assert not found.failures
    rows = {row["uCode"]: row for row in found.table().to_pylist()}
    for unit, expected in {"AUT": (7, 5.95, 9), "BGD": (46, 41, 48)}.items():
        got = (rows[unit]["Median"], rows[unit]["Q5"], rows[unit]["Q95"])
        assert np.abs(np.subtract(got, expected)).max() <= 2, unit


@pytest.mark.alone
def test_a_thousand_replications_take_under_five_seconds(given: tuple[Figures, Framework]) -> None:
    plan = read_plan()
    start = time.perf_counter()
    explore(*given, plan.spec, plan.vary, 1000, plan.seed)
    assert time.perf_counter() - start < 5


def test_units_with_few_figures(given: tuple[Figures, Framework]) -> None:
    """D15."""
    assert len(screen(given[0], Screen(least_available=0.9))[0].units) == 46


def test_every_drop_is_told(asem: Index) -> None:
    found = drop_one(asem)
    assert {d.indicator for d in found} == set(asem.framework.codes)
    assert all(not d.findings for d in found)
    assert found[0].mean_shift >= found[-1].mean_shift
