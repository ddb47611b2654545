"""Have the peers print the numbers that `test_index_peers.py` holds; run it where they are installed beside Yucun.

uv run --with pymcdm --with scikit-learn --with inequality --with statsmodels --with SALib --with pyrankmcda python
tests/conformance/print_index_peers.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from inequality.atkinson import atkinson
from inequality.gini import Gini
from inequality.theil import Theil, TheilD
from pymcdm.methods import TOPSIS
from pymcdm.weights import entropy_weights
from pyRankMCDA.algorithm import rank_aggregation
from SALib.analyze import sobol
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.decomposition._factor_analysis import _ortho_rotation
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.oaxaca import OaxacaBlinder

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conformance.test_index_peers import AGE, ALL, CITIES, PAY, RURAL, SCHOOL, URBAN, ishigami
from yucun.index import saltelli_design


def main() -> None:
    """Print everything."""
    np.set_printoptions(precision=12, suppress=True)
    print("entropy", entropy_weights(CITIES))
    print("TOPSIS", TOPSIS()(CITIES, np.array([0.5, 0.3, 0.2]), np.ones(3)))
    print("PCA", PCA().fit(StandardScaler().fit_transform(CITIES)).components_[0] ** 2)
    iris = PCA().fit(StandardScaler().fit_transform(load_iris().data))
    loadings = iris.components_[:2].T * np.sqrt(iris.explained_variance_[:2] * 149 / 150)
    print("varimax", _ortho_rotation(loadings, tol=1e-15, max_iter=10_000).T)
    print("Gini", Gini(ALL).g, "Theil", Theil(ALL).T, "Atkinson", [atkinson(ALL, e) for e in (0.5, 1.0, 2.0)])
    parts = TheilD(ALL, np.array([0 if i in (0, 3, 4) else 1 for i in range(11)]))
    print("Theil between and within", parts.bg, parts.wg)
    five = np.column_stack([ALL, URBAN, RURAL, RURAL / URBAN, ALL - RURAL])
    print("Copeland's order", rank_aggregation((-five).argsort(0).argsort(0) + 1.0).copeland_method(verbose=False))
    y = ishigami(saltelli_design(1024, 3)).reshape(5, 1024)
    theirs = np.concatenate([y[[0]], y[2:], y[[1]]]).T.ravel()
    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[0, 1]] * 3}
    shares = sobol.analyze(problem, theirs, calc_second_order=False, seed=1)
    print("Sobol", shares["S1"], shares["ST"])
    town = [1.0] * 12 + [0.0] * 12
    model = OaxacaBlinder(np.array(PAY, float), np.column_stack([SCHOOL, AGE, town]), 2, hasconst=False)
    print("Oaxaca", model.two_fold().params, model.three_fold().params)


if __name__ == "__main__":
    main()
