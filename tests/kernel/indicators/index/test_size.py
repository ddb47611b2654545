"""A thousand replications for every county of a country, within time and memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CODE = """
import json, resource, sys, time
import numpy as np
from yucun.index import Figures, Framework, Impute, Node, Spec, explore
rng = np.random.default_rng(3)
values = np.exp(rng.normal(size=(3000, 60)) * 0.6)
values[rng.random(values.shape) < 0.03] = np.nan
codes = tuple(f"i{i}" for i in range(60))
nodes = [Node(code, parent=f"p{i // 10}") for i, code in enumerate(codes)]
tree = Framework((*nodes, *(Node(f"p{i}", 2, "top") for i in range(6)), Node("top", 3)))
part = tuple(str(i % 31) for i in range(3000))
figures = Figures(tuple(f"c{i}" for i in range(3000)), codes, values, groups={"province": part})
start = time.perf_counter()
found = explore(figures, tree, Spec(impute=Impute("group_mean", "province")), replications=1000)
seconds = time.perf_counter() - start
unit = 2**30 if sys.platform == "darwin" else 2**20
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
print(json.dumps({"seconds": seconds, "gib": memory, "shape": found.ranks.shape, "failed": found.failed}))
"""


@pytest.mark.alone
def test_three_thousand_counties() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["shape"] == [1000, 3000]
    assert told["failed"] == 0
    assert told["seconds"] < 60
    assert told["gib"] < 4
