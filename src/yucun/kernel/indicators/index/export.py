"""One folder that holds a whole run and reruns equal: data, framework, spec, seed, versions, results, log, pictures."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.build import Index, build
from yucun.kernel.indicators.index.frames import (
    TIME_COLUMN,
    TITLE_COLUMN,
    UNIT_COLUMN,
    read_index_files,
    tabulate,
    write_csv,
)
from yucun.kernel.indicators.index.model import Figures, Framework, plain
from yucun.kernel.indicators.index.pictures import draw_contributions, draw_correlations, draw_ranks
from yucun.kernel.indicators.index.spec import Plan, read_plan, write_plan
from yucun.kernel.indicators.index.uncertainty import Uncertainty, explore

RERUN = ("results.csv", "log.json", "uncertainty.csv")


@dataclass(frozen=True, eq=False)
class Run:
    """A plan carried out."""

    plan: Plan
    index: Index
    uncertainty: Uncertainty | None = None


def carry_out(figures: Figures, framework: Framework, plan: Plan) -> Run:
    """Build the index and, where the plan has doubts, its replications."""
    if plan.vary is None:
        return Run(plan, build(figures, framework, plan.spec))
    doubts = explore(figures, framework, plan.spec, plan.vary, plan.replications, plan.seed)
    return Run(plan, doubts.nominal, doubts)


def tell_log(index: Index) -> dict[str, Any]:
    """The log of a run as a plain mapping: every step, and the treatments once more by themselves."""
    treated = next(step for step in index.log if step.step == "treat")
    return {
        "treatments": [
            {key: entry[key] for key in ("indicator", "method", "points", "units", "passes")}
            for entry in plain(treated.entries)
        ],
        "steps": [step.to_json() for step in index.log],
        "findings": [finding.to_json() for finding in index.findings],
    }


def export(run: Run, folder: str | Path) -> Path:
    """Write a run into an empty or new folder.

    Returns
    -------
    Path
        Of ``run.json``, which names every file with its SHA-256, the seed and the versions.

    Raises
    ------
    ContractError
        When the folder holds something already.
    """
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    if any(home.iterdir()):
        raise ContractError(_not_empty(home.name))
    files = {
        "values.csv": write_csv(_tell_figures(run.index.figures)),
        "meta.csv": write_csv(_tell_framework(run.index)),
        "spec.toml": write_plan(run.plan),
        **_tell_results(run),
        "contributions.svg": draw_contributions(run.index),
        "correlations.svg": draw_correlations(run.index),
    }
    if run.uncertainty is not None:
        files["ranks.svg"] = draw_ranks(run.uncertainty)
    for name, text in files.items():
        (home / name).write_text(text, encoding="utf-8", newline="")
    told = {
        "seed": run.plan.seed,
        "versions": tell_versions(),
        "sha256": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(files.items())},
    }
    path = home / "run.json"
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def tell_versions() -> dict[str, str]:
    """The versions that results may depend on."""
    try:
        own = version("yucun")
    except PackageNotFoundError:
        own = "not installed"
    return {"yucun": own, "numpy": np.__version__, "python": platform.python_version()}


def rerun(folder: str | Path) -> Run:
    """Carry out an exported run again and hold it against what the folder says.

    Raises
    ------
    ContractError
        With one finding for each file that was changed since, or whose result is another now.
    """
    home = Path(folder)
    told = json.loads((home / "run.json").read_text(encoding="utf-8"))
    findings = [
        _other(name, "changed since it was written")
        for name, digest in told["sha256"].items()
        if not (home / name).exists() or hashlib.sha256((home / name).read_bytes()).hexdigest() != digest
    ]
    if findings:
        raise ContractError(findings)
    figures, framework = read_index_files(home / "values.csv", home / "meta.csv")
    run = carry_out(figures, framework, read_plan(home / "spec.toml"))
    again = _tell_results(run)
    findings = [
        _other(name, "another result now; versions then: " + json.dumps(told["versions"]))
        for name in RERUN
        if name in told["sha256"] and again[name] != (home / name).read_text(encoding="utf-8")
    ]
    if findings:
        raise ContractError(findings)
    return run


def _tell_results(run: Run) -> dict[str, str]:
    files = {
        "results.csv": write_csv(tabulate(run.index)),
        "log.json": json.dumps(tell_log(run.index), indent=2, ensure_ascii=False) + "\n",
    }
    if run.uncertainty is not None:
        files["uncertainty.csv"] = write_csv(run.uncertainty.table())
        failures = [failure.to_json() for failure in run.uncertainty.failures]
        files["failures.json"] = json.dumps(failures, indent=2, ensure_ascii=False) + "\n"
    return files


def _tell_figures(figures: Figures) -> pa.Table:
    columns: dict[str, Any] = {UNIT_COLUMN: list(figures.units)}
    if figures.titles:
        columns[TITLE_COLUMN] = list(figures.titles)
    if figures.times:
        columns[TIME_COLUMN] = list(figures.times)
    columns |= {name: list(of) for name, of in figures.groups.items()}
    columns |= {name: _gaps(size) for name, size in figures.sizes.items() if name not in figures.codes}
    columns |= {code: _gaps(figures.column(code)) for code in figures.codes}
    return pa.table(columns)


def _gaps(column: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Array:
    return pa.array(column, mask=np.isnan(column))


def _tell_framework(index: Index) -> pa.Table:
    rows = [
        {
            "Level": node.level,
            "iCode": node.code,
            "iName": node.title,
            "Direction": node.direction,
            "Weight": node.weight,
            "Unit": node.unit,
            "Target": None if math.isnan(node.target) else node.target,
            "Denominator": node.denominator,
            "Parent": node.parent,
            "Type": "Indicator" if node.level == 1 else "Aggregate",
        }
        for node in index.framework.nodes
    ]
    blank = dict.fromkeys(rows[0])
    rows += [{**blank, "iCode": name, "Type": "Group"} for name in index.figures.groups]
    rows += [{**blank, "iCode": name, "Type": "Denominator"} for name in index.figures.sizes]
    return pa.Table.from_pylist(rows)


def _other(name: str, found: str) -> Finding:
    return Finding(
        "index.rerun",
        name,
        found[:120],
        "the same as exported",
        Text(f"{name} 与导出时不同：{found}", f"{name} is not as it was exported: {found}"),
    )


def _not_empty(name: str) -> Finding:
    return Finding(
        "index.folder",
        name,
        "files",
        "an empty or new folder",
        Text(f"目录「{name}」不是空的；请换一个", f"the folder '{name}' is not empty; name another"),
    )


def with_seed(plan: Plan, seed: int) -> Plan:
    """The same plan under another seed."""
    return replace(plan, seed=seed)
