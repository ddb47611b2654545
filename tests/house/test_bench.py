"""Every bench states a claim, and every result kept says what, where, when and against whom."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
SCRIPTS = sorted(path for path in BENCH.glob("*.py") if path.stem != "run")
KEPT = sorted((BENCH / "results").glob("*.json"))
TOLD = {"bench", "claim", "day", "commit", "machine", "ours", "peer", "figures", "setting"}

EXAMPLE = '''"""Counting is as fast as counting."""
from run import Figure, Measured, Program

def measure():
    same = Program("python", "3")
    return Measured(ours=same, peer=same, figures=(Figure("count", "s", 1.0, 1.0),), setting="once")
'''


def test_runner_keeps_a_result(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(EXAMPLE)
    (tmp_path / "run.py").write_bytes((BENCH / "run.py").read_bytes())
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept = json.loads((tmp_path / "results/count.json").read_text())
    assert kept.keys() == TOLD
    assert "load_before" in kept["machine"]
    assert kept["claim"] == "Counting is as fast as counting."
    assert kept["figures"] == [{"name": "count", "unit": "s", "ours": 1.0, "peer": 1.0}]
    assert "Counting is as fast as counting." in done.stdout


def test_runner_refuses_an_unknown_bench() -> None:
    done = subprocess.run([sys.executable, BENCH / "run.py", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no such bench: nothing" in done.stderr


TAKE_UP = """
from run import list_benches, load_bench
for name in list_benches():
    bench = load_bench(name)
    claim = (bench.__doc__ or "").strip().splitlines()[:1] or [""]
    print(name, callable(getattr(bench, "measure", None)), claim[0][-1:])
"""


def test_runner_takes_up_every_bench_which_claims_and_measures() -> None:
    done = subprocess.run([sys.executable, "-c", TAKE_UP], cwd=BENCH, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{script.stem} True ." for script in SCRIPTS]


def test_every_kept_result_is_whole() -> None:
    for path in KEPT:
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert kept.keys() == TOLD, path
        assert (BENCH / f"{path.stem}.py").exists(), f"{path}: its script is gone; remove it"
        assert "dirty" not in kept["commit"], f"{path}: measured with changes that no commit holds; run it again"
