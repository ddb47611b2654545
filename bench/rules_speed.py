"""A country's benefits and taxes for a million households come 5 times as fast as in openfisca-core, 10 times with building the population.

Both are given the same arrays, persons household by household, and asked for all benefits, all taxes and
disposable income of one month. The peer is AGPL-3.0: it runs in an environment of its own, made for the run.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from run import Figure, Measured, Program

HERE = Path(__file__).resolve().parent
PEER = ("openfisca-core==46.0.1", "openfisca-country-template==8.2.0")
HOUSEHOLDS = int(os.environ.get("YUCUN_BENCH_HOUSEHOLDS", "1000000"))
EACH = 3
MONTH = "2017-03"
STATUSES = ("owner", "tenant", "free_lodger", "homeless")
OUTPUTS = ("total_benefits", "total_taxes", "disposable_income")


def make_arrays() -> dict[str, Any]:
    """The same made-up country for both, under a seed; money in whole units of currency."""
    chance = np.random.default_rng(7)
    persons = HOUSEHOLDS * EACH
    return {
        "household_of": np.repeat(np.arange(HOUSEHOLDS), EACH),
        "is_child": np.arange(persons) % EACH == EACH - 1,
        "birth": np.datetime64("1940-01-01") + chance.integers(0, 27_000, persons),
        "salary": chance.integers(0, 6_000, persons),
        "rent": chance.integers(0, 1_500, HOUSEHOLDS),
        "size": chance.integers(20, 200, HOUSEHOLDS),
        "status": chance.integers(0, len(STATUSES), HOUSEHOLDS),
    }


def resident() -> tuple[int, int]:
    """Memory now and at its peak since `forget_peak`, in bytes."""
    told = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Vm"))
    return tuple(int(told[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def forget_peak() -> int:
    """Begin to measure the peak anew; return the memory now."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return resident()[0]


def run_ours(arrays: dict[str, Any]) -> dict[str, Any]:
    """Build the population and evaluate, with Yucun."""
    import pyarrow as pa  # noqa: PLC0415 - only one of the two environments has it

    from yucun.base.period import Period  # noqa: PLC0415 - only one of the two environments has it
    from yucun.kernel.rules import Evaluation, Node, Population, make_plan  # noqa: PLC0415 - only one of the two environments has it
    from yucun.kernel.rules.conform import read_rules_folder  # noqa: PLC0415 - only one of the two environments has it

    folder = read_rules_folder(HERE.parent / "tests" / "conformance" / "country_template")
    month = Period.parse(MONTH)
    january = Period.month(2017, 1)
    size, status = Node("accommodation_size_m2", january), Node("housing_occupancy_status", january)
    given = [Node("birth", None), Node("salary_fen", month), Node("rent_fen", month), size, status]
    plan = make_plan(folder.book, folder.parameters, month, [f"{name}_fen" for name in OUTPUTS], given)
    evaluation = Evaluation(plan)
    assert evaluation.prepare()
    role = pa.DictionaryArray.from_arrays(pa.array(arrays["is_child"].view("int8")), pa.array(["adult", "child"]))
    salary, rent = arrays["salary"] * 100, arrays["rent"] * 100
    words = pa.DictionaryArray.from_arrays(pa.array(arrays["status"].astype("int8")), pa.array(STATUSES))
    before = forget_peak()
    start = time.perf_counter()
    population = Population.of(
        folder.book,
        month,
        {"household_id": arrays["household_of"], "role": role, "birth": arrays["birth"], "salary_fen": salary},
        {"household_id": arrays["household_ids"], "rent_fen": rent, size.key: arrays["size"], status.key: words},
    )
    built = time.perf_counter()
    outcome = evaluation.run(population)
    done = time.perf_counter()
    peak = resident()[1] - before
    sums = {name: int(outcome.of(f"{name}_fen").sum()) / 100 for name in OUTPUTS}
    again = []
    for _ in range(3):
        begun = time.perf_counter()
        evaluation.run(population)
        again.append(time.perf_counter() - begun)
    return {"build": built - start, "compute": done - built, "again": again, "peak": peak, "sums": sums}


def run_peer(arrays: dict[str, Any]) -> dict[str, Any]:
    """Build the population and evaluate, with openfisca-core."""
    from openfisca_core.simulation_builder import SimulationBuilder  # noqa: PLC0415 - only one of the two environments has it
    from openfisca_country_template import CountryTaxBenefitSystem  # noqa: PLC0415 - only one of the two environments has it

    system = CountryTaxBenefitSystem()
    kinds = system.variables["housing_occupancy_status"].possible_values
    index = np.array([next(kind.index for kind in kinds if kind.name == word) for word in STATUSES], dtype="int16")
    roles = np.where(arrays["is_child"], "child", "adult")
    salary, rent, size = (arrays[name].astype("float32") for name in ("salary", "rent", "size"))
    status, birth = index[arrays["status"]], arrays["birth"].astype("datetime64[D]")
    persons = np.arange(len(salary))
    before = forget_peak()
    start = time.perf_counter()
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("person", persons)
    households = builder.declare_entity("household", arrays["household_ids"])
    builder.join_with_persons(households, arrays["household_of"], roles)
    simulation = builder.build(system)
    simulation.set_input("birth", MONTH, birth)
    simulation.set_input("salary", MONTH, salary)
    simulation.set_input("rent", MONTH, rent)
    simulation.set_input("accommodation_size", "2017-01", size)
    simulation.set_input("housing_occupancy_status", "2017-01", status)
    built = time.perf_counter()
    values = {name: simulation.calculate(name, MONTH) for name in OUTPUTS}
    done = time.perf_counter()
    peak = resident()[1] - before
    sums = {name: float(value.astype("float64").sum()) for name, value in values.items()}
    return {"build": built - start, "compute": done - built, "peak": peak, "sums": sums}


def measure() -> Measured:
    """Run both, three times each in turn, each time in a process of its own; keep the best of each."""
    with tempfile.TemporaryDirectory() as folder:
        python = make_environment(Path(folder))
        rounds = [(ask(sys.executable, "ours"), ask(python, "peer")) for _ in range(3)]
    for ours, peer in rounds:
        for name in OUTPUTS:
            assert abs(ours["sums"][name] - peer["sums"][name]) <= 0.01 * HOUSEHOLDS * EACH, (name, ours, peer)
    ours, peer = (min((r[side] for r in rounds), key=lambda f: f["build"] + f["compute"]) for side in (0, 1))
    figures = [
        Figure("evaluation", "s", ours["compute"], peer["compute"]),
        Figure("building_and_evaluation", "s", ours["build"] + ours["compute"], peer["build"] + peer["compute"]),
        Figure("peak_memory_above_idle", "MB", ours["peak"] / 1e6, peer["peak"] / 1e6),
    ]
    return Measured(
        ours=Program("yucun", "0.1.0"),
        peer=Program("openfisca-core", PEER[0].partition("==")[2]),
        figures=tuple(figures),
        setting=f"{HOUSEHOLDS:,} households, {HOUSEHOLDS * EACH:,} persons, month {MONTH}, rules loaded and compiled before, best of 3",
    )


def make_environment(folder: Path) -> str:
    """An environment with the peer in it; returns its Python."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise SystemExit("this bench needs the program uv on the path, or named by UV")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder / "peer")], check=True)
    python = str(folder / "peer" / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *PEER], check=True)
    return python


def ask(python: str, side: str) -> dict[str, Any]:
    """Run one side in a process of its own."""
    done = subprocess.run([python, __file__, side], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main(side: str) -> None:
    """Run one side here and print its figures."""
    arrays = make_arrays()
    arrays["household_ids"] = np.arange(HOUSEHOLDS)
    print(json.dumps((run_ours if side == "ours" else run_peer)(arrays)))


if __name__ == "__main__":
    main(sys.argv[1])
