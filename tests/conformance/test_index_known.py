"""Indices whose scores are published: UNDP's human development, technology achievement, the Yangtze delta, Zhejiang."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from yucun.index import NO_TREATMENT, Aggregate, Figures, Framework, Node, Normalise, Spec, aggregate, build, parse_plan
from yucun.kernel.indicators.index.normalise import scale

HDI = """
[treat]
winsorise = 0
then = "none"
[normalise]
method = "goalpost"
low = 0.0
high = 1.0
[normalise.each.le]
least = 20.0
most = 85.0
[normalise.each.eys]
least = 0.0
most = 18.0
[normalise.each.mys]
least = 0.0
most = 15.0
[normalise.each.gnipc]
least = 100.0
most = 75000.0
logarithm = true
[aggregate]
levels = ["arithmetic", "geometric"]
"""
HDI_TREE = Framework(
    (
        Node("le", parent="health"),
        Node("eys", parent="schooling"),
        Node("mys", parent="schooling"),
        Node("gnipc", parent="income"),
        Node("health", 2, "hdi"),
        Node("schooling", 2, "hdi"),
        Node("income", 2, "hdi"),
        Node("hdi", 3),
    )
)


@pytest.mark.data("index")
def test_human_development(data_folder: Path) -> None:
    """UNDP Human Development Report 2023/24, every row that has all four figures and a score."""
    with (data_folder / "index" / "undp_hdi_2010_2022.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if all(r[c] for c in (*HDI_TREE.codes, "hdi"))]
    countries = [r for r in rows if not r["iso3"].startswith("ZZ")]
    assert len(countries) == 1152
    figures = Figures(
        tuple(r["iso3"] for r in rows),
        HDI_TREE.codes,
        np.array([[float(r[c]) for c in HDI_TREE.codes] for r in rows]),
        tuple(r["year"] for r in rows),
    )
    index = build(figures, HDI_TREE, parse_plan(HDI).spec)
    assert np.abs(index.score - [float(r["hdi"]) for r in rows]).max() <= 0.0005
    assert index.rank[index.place_of("CHE", "2022")] == 1


@pytest.mark.data("index")
def test_yangtze_delta(data_folder: Path) -> None:
    """A check of reading: 20 times the mean of six, and the sum of five."""
    with (data_folder / "index" / "yangtze_delta_2024" / "indicators_and_scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    codes = [c for c in rows[0] if "|" in c and not c.startswith("score|")]
    parts = list(dict.fromkeys(c.split("|")[0] for c in codes))
    nodes = [Node(c, parent=c.split("|")[0]) for c in codes] + [Node(p, 2, "total") for p in parts] + [Node("total", 3)]
    values = np.array([[float(r[c]) for c in codes] for r in rows])
    spec = Spec(treat=NO_TREATMENT, normalise=Normalise("goalpost", 0, 20))
    index = build(Figures(tuple(r["city"] for r in rows), tuple(codes), values), Framework(tuple(nodes)), spec)
    assert len(rows) == 41
    for part in parts:
        assert np.abs(index.scores[part] - [float(r[f"score|{part}"]) for r in rows]).max() <= 0.08 + 1e-9
    totals = np.array([float(r["score|total"]) for r in rows])
    sums = sum(np.array([float(r[f"score|{part}"]) for r in rows]) for part in parts)
    assert np.abs(sums - totals).max() <= 0.08
    # From the indicators' two decimals up, five roundings add.
    assert np.abs(5 * index.score - totals).max() <= 0.15
    assert index.rank[index.place_of("上海市")] == 1


def test_min_max_of_iris() -> None:
    """D13, COINr's normalisation guide: the first iris between the least and largest of its columns."""
    columns = [(5.1, 4.3, 7.9), (3.5, 2.0, 4.4), (1.4, 1.0, 6.9), (0.2, 0.1, 2.5)]
    found = [float(scale(np.array(column), Normalise("min_max", 0, 100))[0]) for column in columns]
    assert found == pytest.approx([22.222222, 62.5, 6.779661, 4.166667], abs=5e-7)


def test_mean_with_a_limit_of_availability() -> None:
    """D14, COINr's guide to aggregation."""
    rows = np.array([[1, 3, 1], [2, np.nan, np.nan], [3, np.nan, 1]])
    found = aggregate(rows, np.ones(3), least_available=2 / 3)
    assert found == pytest.approx([1.666667, np.nan, 2.0], abs=5e-7, nan_ok=True)


# UNDP Human Development Report 2001, technology achievement; goalposts of the OECD handbook (2008), not verified.
TAI = {
    "patents": (0.0, 994.0, False),
    "royalties": (0.0, 272.6, False),
    "hosts": (0.0, 232.4, False),
    "exports": (0.0, 80.8, False),
    "telephones": (1.0, 901.0, True),
    "electricity": (22.0, 6969.0, True),
    "schooling": (0.8, 12.0, False),
    "science": (0.1, 27.4, False),
}


def test_technology_achievement() -> None:
    """D20 and D21."""
    parents = ["creation"] * 2 + ["recent"] * 2 + ["old"] * 2 + ["skills"] * 2
    nodes = [Node(code, parent=parent) for code, parent in zip(TAI, parents, strict=True)]
    nodes += [Node(p, 2, "tai") for p in dict.fromkeys(parents)] + [Node("tai", 3)]
    each = {c: Normalise("goalpost", 0, 1, least=a, most=b, logarithm=log) for c, (a, b, log) in TAI.items()}
    rows = [[187, 125.6, 200.2, 50.7, 1203, 14129, 10.0, 27.4], [289, 130.0, 179.1, 66.2, 993, 11832, 12.0, 13.9]]
    figures = Figures(("Finland", "USA"), tuple(TAI), np.array(rows))
    index = build(figures, Framework(tuple(nodes)), Spec(treat=NO_TREATMENT, normalise=Normalise(each=each)))
    assert index.score.round(4).tolist() == [0.7449, 0.7329]
    pillars = np.stack([index.scores[p] for p in ("creation", "recent", "old", "skills")], axis=1)
    assert pillars.round(4).tolist() == [[0.3244, 0.7445, 1.0, 0.9107], [0.3838, 0.7950, 1.0, 0.7527]]


# Lishui statistics monthly, November 2020, sheet 30: disposable income January to September 2020, yuan.
INCOME = {
    "杭州": (48735, 54754, 29439), "宁波": (46519, 52402, 31816), "温州": (41412, 48689, 25008),
    "嘉兴": (42230, 48442, 32532), "湖州": (39102, 46096, 28922), "绍兴": (44687, 52121, 31684),
    "金华": (38828, 46827, 24177), "衢州": (28978, 37663, 20093), "舟山": (42264, 49216, 27898),
    "台州": (39089, 48255, 25006), "丽水": (28778, 37195, 17860),
}  # fmt: skip


def make_zhejiang() -> tuple[Figures, Framework]:
    rows = [[all_, rural, urban / rural] for all_, urban, rural in INCOME.values()]
    tree = Framework(
        (
            Node("all", parent="index"),
            Node("rural", parent="index"),
            Node("ratio", parent="index", direction=-1),
            Node("index", 2),
        )
    )
    return Figures(tuple(INCOME), ("all", "rural", "ratio"), np.array(rows)), tree


def test_changing_the_mean_swaps_huzhou_and_hangzhou() -> None:
    """D34 and D35."""
    plain = build(*make_zhejiang(), Spec(treat=NO_TREATMENT))
    expected = {
        "嘉兴": 89.13, "宁波": 85.80, "绍兴": 82.55, "杭州": 72.15, "湖州": 69.83, "舟山": 63.21, "温州": 44.96,
        "台州": 42.04, "金华": 39.32, "衢州": 17.10, "丽水": 0.00,
    }  # fmt: skip
    assert dict(zip(INCOME, plain.score.round(2).tolist(), strict=True)) == expected
    other = build(*make_zhejiang(), Spec(treat=NO_TREATMENT, aggregate=Aggregate("geometric", floor=1.0)))
    found = dict(zip(INCOME, other.score.round(2).tolist(), strict=True))
    top = {"嘉兴": 87.68, "宁波": 85.29, "绍兴": 82.12, "湖州": 68.48, "杭州": 66.65}
    assert {city: found[city] for city in top} == top
    hu, hang = plain.place_of("湖州"), plain.place_of("杭州")
    assert plain.rank[hu] > plain.rank[hang]
    assert other.rank[hu] < other.rank[hang]
