"""The verb `index run`: an index from two CSV files, without a city."""

from __future__ import annotations

import json
from pathlib import Path

from yucun.base.text import Text
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting, Verb, Word

_SHELF = Text("指数", "Indices")

INDEX_RUN = Verb(
    "index run",
    Text(
        "由数值表和指标表算出综合指数；不需要城市", "build a composite index from values and a framework; needs no city"
    ),
    "index:run",
    _SHELF,
    (
        Word(
            "values",
            Text("数值表：每个单位一行，每个指标一列", "values: a row a unit, a column an indicator"),
            Path,
            ...,
        ),
        Word(
            "meta",
            Text("指标表：层级、方向、权重、分母、上级", "framework: level, direction, weight, parent"),
            Path,
            ...,
        ),
        Word("out", Text("结果写到这个 CSV", "where the results go (CSV)"), Path, ...),
        Word("spec", Text("做法（TOML）；不写即 coinr_asem.toml", "every choice (TOML); else coinr_asem.toml"), Path),
        Word("log", Text("每一步的记录写到这个 JSON", "where the log of every step goes (JSON)"), Path),
        Word("folder", Text("导出整次运行的空目录", "empty folder for the whole run, with rank intervals"), Path),
    ),
    (
        "index run --values V.csv --meta M.csv --out O.csv",
        "index run --values V.csv --meta M.csv --out O.csv --folder run1",
    ),
)


def run(
    setting: Setting,
    values: Path,
    meta: Path,
    out: Path,
    spec: Path | None = None,
    log: Path | None = None,
    folder: Path | None = None,
) -> Exit:
    """Build the index and write what was asked for.

    Raises
    ------
    Yours
        For a missing file or column, a wrong spec, or a step that fails; nothing is written then.
    """
    from yucun.kernel.indicators.index import (
        build,
        carry_out,
        export,
        read_index_files,
        read_plan,
        tabulate,
        tell_log,
        write_csv,
    )
    from yucun.kernel.indicators.index.export import Run

    plan = read_plan(spec)
    figures, framework = read_index_files(values, meta)
    done = (
        carry_out(figures, framework, plan) if folder is not None else Run(plan, build(figures, framework, plan.spec))
    )
    table = tabulate(done.index)
    out.write_text(write_csv(table), encoding="utf-8", newline="")
    if log is not None:
        log.write_text(json.dumps(tell_log(done.index), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if folder is not None:
        export(done, folder)
    setting.printer.findings(done.index.findings)
    setting.printer.note(
        Text(
            "{rows} 个单位，{nodes} 个得分；结果在 {out}", "{rows} units, {nodes} scores; the results are in {out}"
        ).fill(rows=table.num_rows, nodes=len(done.index.scores), out=out)
    )
    return Exit.OK
