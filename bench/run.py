"""Run benches and keep what they measured: claim, machine, commit, day, both programs, figures.

Each bench runs in a process of its own, so that none warms the next.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


@dataclass(frozen=True)
class Program:
    """What was measured, by name and version."""

    name: str
    version: str


@dataclass(frozen=True)
class Figure:
    """One number of both programs, in one unit."""

    name: str
    unit: str
    ours: float
    peer: float


@dataclass(frozen=True)
class Measured:
    """What a bench returns: the two programs, what they were asked to do, and how they did."""

    ours: Program
    peer: Program
    figures: tuple[Figure, ...]
    setting: str


def tell_machine() -> dict[str, Any]:
    """Describe this machine as far as speed depends on it."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    return {
        "processor": names[0].split(":")[1].strip() if names else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def tell_commit() -> str:
    """Return the commit that was measured, marked when files other than results differ from it."""
    commit = _ask_git("rev-parse", "--short=12", "HEAD")
    changed = _ask_git("status", "--porcelain", "--", ":/", ":!/bench/results")
    return (commit or "not known") + ("-dirty" if changed else "")


def _ask_git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def pass_tests(tests: str, **environment: str) -> float:
    """Run tests of the project in a process of their own and return the seconds that they took.

    Raises
    ------
    SystemExit
        Where a test fails, or none is run: then there is nothing to state.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests.split()],
        cwd=HERE.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or re.search(r"(\d+) passed", done.stdout) is None:
        raise SystemExit(done.stdout[-4000:])
    return time.perf_counter() - began


def find_uv() -> dict[str, str]:
    """Name the installer that the Makefile fetched, for benches whose peer needs an environment of its own."""
    fetched = sorted(HERE.parent.glob(".tools/uv-*/bin/uv"))
    return {"UV": str(fetched[-1])} if fetched and "UV" not in os.environ else {}


def list_benches(folder: Path = HERE) -> list[str]:
    """Name every bench in the folder."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "run")


def load_bench(name: str, folder: Path = HERE) -> ModuleType:
    """Import a bench without running it."""
    sys.modules["run"] = sys.modules[__name__]  # `from run import Figure` means this very module
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(folder / f"{name}.py")
    bench = importlib.util.module_from_spec(spec)
    sys.modules[name] = bench  # as for any import: dataclasses look their own module up
    spec.loader.exec_module(bench)
    return bench


def run_bench(name: str, folder: Path = HERE) -> Path:
    """Run one bench here and now, and write its result file."""
    machine = tell_machine()
    bench = load_bench(name, folder)
    measured: Measured = bench.measure()
    result = {
        "bench": name,
        "claim": (bench.__doc__ or "").strip().splitlines()[0],
        "day": datetime.now(UTC).date().isoformat(),
        "commit": tell_commit(),
        "machine": machine,
        **asdict(measured),
    }
    path = folder / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def print_result(path: Path) -> None:
    """Show a result file as a table."""
    result = json.loads(path.read_text(encoding="utf-8"))
    print(f"\n{result['claim']}\n{result['setting']}")
    print(f"{'':32} {'ours':>14} {'peer':>14}   {result['ours']['name']} / {result['peer']['name']}")
    for figure in result["figures"]:
        print(f"{figure['name']:32} {figure['ours']:>14,.3f} {figure['peer']:>14,.3f}   {figure['unit']}")


def main(arguments: list[str]) -> int:
    """Run the named benches, or all, each in its own process."""
    known = list_benches()
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(known) or 'none'}", file=sys.stderr)
        return 2
    if os.environ.get("YUCUN_BENCH_HERE"):
        print_result(run_bench(arguments[0]))
        return 0
    failed = []
    for name in arguments or known:
        print(f"== {name}", flush=True)
        env = {**os.environ, "YUCUN_BENCH_HERE": "1", **find_uv()}
        if subprocess.run([sys.executable, __file__, name], env=env, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
