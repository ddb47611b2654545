"""Methods beside maintained libraries and published examples: each number was printed by the peer that is named.

The peers are not installed here: they weigh 700 MB. `print_index_peers.py` beside this file has them print the numbers
again: pymcdm 1.4.0, scikit-learn 1.9.1, PySAL's inequality 1.1.2, statsmodels 0.15.0, SALib 1.6.0, pyRankMCDA 2.1.8.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.conformance.test_index_known import INCOME
from yucun.index import aggregate, decompose, estimate_shares, gaps, saltelli_design, weigh
from yucun.kernel.indicators.index.weigh import varimax

CITIES = np.array(list(INCOME.values()), dtype=np.float64)
ALL, URBAN, RURAL = CITIES.T
SCALED = (CITIES - CITIES.min(axis=0)) / (CITIES.max(axis=0) - CITIES.min(axis=0))
# Three groups of cities: north, east, south.
PARTS = list("NESNNNSSEES")
# Residents at the end of 2021, ten thousand; four of them made up so that the table is whole.
PEOPLE = [1220.4, 954.4, 964.5, 551.6, 340.7, 533.7, 712.0, 228.7, 117.0, 666.1, 251.4]


def test_sobol_of_a_function_with_known_shares() -> None:
    """Ishigami and Homma 1990, a = 7, b = 0.1: first 0.3139, 0.4424, 0; total 0.5576, 0.4424, 0.2437."""
    found = estimate_shares(ishigami(saltelli_design(2**18, 3)), "abc", boots=2)
    assert np.abs(found.first.round(4)).tolist() == [0.3139, 0.4424, 0.0]
    assert found.total.round(4).tolist() == [0.5576, 0.4424, 0.2437]


def test_sobol_of_a_product_with_known_shares() -> None:
    """Sobol's g: the share of factor i alone is V_i / V, with V_i = 1 / (3 (1 + a_i)^2) and V = prod(1 + V_i) - 1."""
    a = np.array([0.0, 1.0, 4.5, 9.0])
    design = saltelli_design(2**14, 4)
    found = estimate_shares(np.prod((np.abs(4 * design - 2) + a) / (1 + a), axis=1), "wxyz", boots=20)
    parts = 1 / (3 * (1 + a) ** 2)
    whole = np.prod(1 + parts) - 1
    assert found.first == pytest.approx(parts / whole, abs=2e-3)
    assert found.total == pytest.approx(parts * np.prod(1 + parts) / (1 + parts) / whole, abs=2e-3)


def test_sobol_beside_salib() -> None:
    """SALib 1.6.0, ``sobol.analyze`` on the results at our 1,024 x 5 points."""
    found = estimate_shares(ishigami(saltelli_design(1024, 3)), "abc", boots=20)
    assert found.first == pytest.approx([0.332955075179, 0.441313938544, 0.018578412959], abs=1e-11)
    assert found.total == pytest.approx([0.558179045711, 0.443284584030, 0.242149373355], abs=1e-11)


def ishigami(points: np.ndarray) -> np.ndarray:
    x = points * 2 * math.pi - math.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_entropy_weights() -> None:
    """pymcdm 1.4.0, ``weights.entropy_weights``."""
    assert weigh(CITIES, "entropy", np.ones(3)) == pytest.approx(
        [0.353613077620, 0.191540793592, 0.454846128788], abs=1e-12
    )


def test_first_component() -> None:
    """scikit-learn 1.9.1, ``PCA`` of standardised columns: squares of the first component."""
    assert weigh(CITIES, "pca", np.ones(3)) == pytest.approx(
        [0.347776461735, 0.340730152337, 0.311493385928], abs=1e-12
    )


def test_varimax() -> None:
    """scikit-learn 1.9.1, ``FactorAnalysis``'s rotation (tol 1e-15) of the first two components of iris; signs are free."""
    # The correlations of iris to full width (R. A. Fisher 1936), so that its 150 rows need not be carried.
    pairs = np.array(
        [
            [1.0, -0.11756978413300206, 0.8717537758865832, 0.8179411262715756],
            [-0.11756978413300206, 1.0, -0.4284401043305397, -0.3661259325364391],
            [0.8717537758865832, -0.4284401043305397, 1.0, 0.962865431402796],
            [0.8179411262715756, -0.3661259325364391, 0.962865431402796, 1.0],
        ]
    )
    values, vectors = np.linalg.eigh(pairs)
    found = varimax(vectors[:, ::-1][:, :2] * np.sqrt(values[::-1][:2]))
    printed = [[0.95932, 0.04803], [0.14427, 0.98494], [0.94411, 0.30396], [0.93236, 0.25689]]
    assert np.abs(found) == pytest.approx(np.array(printed), abs=1e-5)


def test_topsis() -> None:
    """pymcdm 1.4.0, ``methods.TOPSIS`` with min-max and weights 0.5, 0.3, 0.2."""
    printed = [
        0.934758288990, 0.887998985827, 0.621643984665, 0.690734253354, 0.538912075919, 0.820336373552,
        0.506518227067, 0.050499150287, 0.678720673960, 0.539945385583, 0.0,
    ]  # fmt: skip
    assert aggregate(SCALED, np.array([0.5, 0.3, 0.2]), "topsis") == pytest.approx(printed, abs=1e-12)


def test_copeland() -> None:
    """pyRankMCDA 2.1.8, ``copeland_method`` over five rankings: three incomes, rural over urban, all less rural."""
    five = np.column_stack([ALL, URBAN, RURAL, RURAL / URBAN, ALL - RURAL])
    assert aggregate(five, np.ones(5), "copeland").tolist() == [10, 8, 0, 2, -2, 6, -6, -8, 4, -4, -10]


def test_copeland_in_an_encyclopedia() -> None:
    """Tennessee's capital (Wikipedia, Copeland's method): Nashville wins 3 pairs, Memphis none."""
    shares = np.array([42.0, 26.0, 15.0, 17.0])
    # One column a group of voters; more is better. Rows: Memphis, Nashville, Knoxville, Chattanooga.
    liking = np.array([[4, 1, 1, 1], [3, 4, 2, 2], [1, 2, 3, 4], [2, 3, 4, 3]], dtype=np.float64)
    assert aggregate(liking, shares, "copeland").tolist() == [-3, 3, -1, 1]


def test_gini_theil_atkinson() -> None:
    """PySAL's inequality 1.1.2: ``Gini``, ``Theil``, ``TheilD``, ``atkinson`` of the cities' incomes."""
    assert gaps.gini(ALL).value == pytest.approx(0.08129169467459431, abs=1e-15)
    assert gaps.theil(ALL).value == pytest.approx(0.011968439082144018, abs=1e-15)
    printed = {0.5: 0.006138909997388531, 1.0: 0.012586518201603392, 2.0: 0.026375153255332573}
    for aversion, value in printed.items():
        assert gaps.atkinson(ALL, aversion).value == pytest.approx(value, abs=1e-14)
    found = decompose.split_theil(ALL, ["north" if i in (0, 3, 4) else "else" for i in range(11)], boots=20)
    assert found["between"].value == pytest.approx(0.001251122733, abs=5e-13)
    assert found["within"].value == pytest.approx(0.010717316349, abs=5e-13)


def test_gini_after_dagum() -> None:
    """S. Mussard's weighted_Gini_decomposition at d40bf73cc3c0 with alpha = 1, its arithmetic carried out by numpy."""
    found = decompose.split_gini(ALL, PARTS, boots=20)
    printed = {"within": 0.019387469201595595, "between": 0.05308735048511999, "overlap": 0.008816874987878703}
    assert {name: found[name].value for name in printed} == pytest.approx(printed, abs=1e-14)
    found = decompose.split_gini(ALL, PARTS, PEOPLE, boots=20)
    printed = {"within": 0.016455749892244787, "between": 0.04036958983232425, "overlap": 0.008819433477290733}
    assert {name: found[name].value for name in printed} == pytest.approx(printed, abs=1e-14)
    assert found["total"].value == pytest.approx(sum(printed.values()), abs=1e-14)


# Made up: years of school, age, daily pay of twelve in town and twelve in the country.
SCHOOL = [9, 12, 16, 12, 15, 16, 9, 12, 16, 12, 15, 19, 6, 9, 12, 9, 12, 9, 6, 12, 9, 15, 12, 9]
AGE = [25, 31, 44, 52, 38, 29, 60, 47, 35, 41, 33, 50, 28, 36, 55, 61, 43, 30, 49, 27, 58, 40, 34, 45]
PAY = [61, 74, 98, 83, 91, 88, 66, 79, 97, 80, 89, 121, 35, 44, 55, 50, 53, 41, 39, 52, 47, 66, 54, 46]


def test_oaxaca_and_blinder() -> None:
    """statsmodels 0.15.0, ``OaxacaBlinder``: two_fold (pooled) and three_fold."""
    factors, town = {"school": SCHOOL, "age": AGE}, [True] * 12 + [False] * 12
    found = decompose.explain_difference(PAY, factors, town, boots=20)
    assert found.difference.value == pytest.approx(37.08333333333333, abs=1e-12)
    assert found.parts["explained"].value == pytest.approx(14.574629941914402, abs=1e-11)
    assert found.parts["unexplained"].value == pytest.approx(22.508703391418898, abs=1e-11)
    three = decompose.explain_difference(PAY, factors, town, "threefold", boots=20)
    printed = {"endowments": 10.610047365707453, "coefficients": 19.532507613417476, "interaction": 6.940778354208373}
    assert {name: part.value for name, part in three.parts.items()} == pytest.approx(printed, abs=1e-11)


def test_sources_add_up_to_the_gini() -> None:
    """Lerman and Yitzhaki 1985: shares x Ginis x correlations; each against its covariance formula."""
    found = decompose.split_sources({"rural": RURAL, "rest": ALL - RURAL}, boots=20)
    assert sum(s.contribution.value for s in found) == pytest.approx(gaps.gini(ALL).value, abs=1e-14)
    assert all(s.share * s.gini * s.correlation == pytest.approx(s.contribution.value) for s in found)
    places = ALL.argsort().argsort() / 11
    plain = 2 * np.cov(RURAL, places, bias=True)[0, 1] / ALL.mean()
    assert found[0].contribution.value == pytest.approx(plain, abs=1e-14)
    assert sum(s.elasticity for s in found) == pytest.approx(0, abs=1e-14)
