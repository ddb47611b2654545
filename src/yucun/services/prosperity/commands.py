"""The verbs of shared prosperity: index, levers, tasks, report; the index also from files, without a city."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from yucun.base.errors import ContractError, Finding
from yucun.base.identity import RegionCode
from yucun.base.text import Language, Text

if TYPE_CHECKING:
    from yucun.kernel.indicators.index import Figures, Framework, Plan, Run
    from yucun.services.prosperity.models import Sight

VERBS: dict[str, Text] = {
    "index": Text(
        "各市指数，位次带区间；或由文件（--values，可加 --meta、--spec）算任何单位的指数，不需要城市",
        "the index of the cities, places with intervals; or of any units from files (--values, with --meta and --spec if "
        "need be), without a city",
    ),
    "levers": Text(
        "哪个数能动一个市的位次，动多少，机会多大；--set 同时设几个数",
        "which figure would move a city's place, how far, how likely; --set sets several at once",
    ),
    "tasks": Text("任务树：每项的灯和为什么", "the tree of tasks: each light and why"),
    "report": Text(
        "年度报告，A4 PDF；--language zh 或 en，--out 写到哪里",
        "the yearly report as an A4 PDF; --language zh or en, --out where to",
    ),
}
# What options and columns are called; a column in two languages (`title_zh`, `title_en`) goes by its plain name.
WORDS: dict[str, Text] = {
    "values": Text(
        "数值表 CSV：一行一个单位；不写则算本省各市", "CSV of figures, a row a unit; without it, the cities here"
    ),
    "meta": Text(
        "指标表 CSV：层级、方向、权重、上级；不写则数值表的列名应为 维度|指标",
        "CSV of indicators: level, direction, weight, parent; without it, heads of the figures read dimension|indicator",
    ),
    "spec": Text("做法（TOML）；不写即极差、等权、算术平均", "method (TOML); without it min-max, equal weights, mean"),
    "with_": Text(
        "还要算进的维度：pace（收入增长）、output（经济发展），逗号分开",
        "dimensions to count in besides: pace (growth), output, with a comma between",
    ),
    "normalised": Text(
        "数值表已在同一尺度上、越大越好，照用", "the figures are on one scale already, more being better"
    ),
    "folder": Text(
        "把整次运行写进一个空目录，可重算出同样结果", "an empty folder for the whole run, which reruns equal"
    ),
    "of": Text("哪个市（行政区划代码）；不写即本市", "which city (its code); the place itself without it"),
    "set_": Text(
        "设几个数，如 income_rural=31000,urban_rural_ratio=1.5",
        "figures to set, such as income_rural=31000,urban_rural_ratio=1.5",
    ),
    "apart": Text(
        "各数分开动，不让相连的数跟着动", "move each figure by itself, without those that hang together with it"
    ),
    "year": Text("年份；不写即有数的最近一年", "the year; without it the newest of which something is known"),
    "language": Text("zh 或 en", "zh or en"),
    "out": Text("写到哪个文件，如 report.pdf", "the file to write, such as report.pdf"),
    "rank": Text("位次", "Place"),
    "q5": Text("前端5%", "5 %"),
    "median": Text("中位", "Median"),
    "q95": Text("后端95%", "95 %"),
    "unit": Text("单位", "Unit"),
    "name": Text("名称", "Name"),
    "score": Text("得分", "Score"),
    "indicator": Text("指标", "Indicator"),
    "period": Text("时期", "Period"),
    "figure": Text("现在", "Now"),
    "step": Text("一步", "One step"),
    "step_seen_in": Text("见于", "Seen in"),
    "step_period": Text("何时", "When"),
    "aim": Text("一步之后", "After it"),
    "rank_after": Text("之后位次", "Place then"),
    "rank_after_q5": Text("5%处", "At 5 %"),
    "rank_after_q95": Text("95%处", "At 95 %"),
    "points": Text("分差", "Points"),
    "chance": Text("变好的机会", "Chance of better"),
    "loss": Text("变差的机会", "Chance of worse"),
    "light": Text("灯", "Light"),
    "task": Text("任务编号", "Task"),
    "title": Text("名称", "Title"),
    "due": Text("期限", "Due"),
    "why": Text("为什么", "Why"),
}
NONE = Path()
OpenCity = Callable[[], AbstractContextManager[Any]]
# A head of this form names its dimension: no second file is needed.
_SPLIT = "|"
# A geometric mean needs figures above zero; a score of zero counts as this in it.
_FLOOR = 0.01


def index(
    open_city: OpenCity,
    values: Path = NONE,
    meta: Path = NONE,
    spec: Path = NONE,
    with_: str = "",
    folder: Path = NONE,
    normalised: bool = False,
) -> pa.Table:
    """The index of the city's province, or of the units of a file.

    Parameters
    ----------
    values : Path
        CSV, a row a unit. With ``meta`` in COINr's layout; without, each head ``dimension|indicator`` is an indicator
        in which more is better, and the first two other columns are the unit's code and name.
    with_ : str
        Dimensions to count in besides the usual ones: ``pace``, ``output``, or both with a comma.
    normalised : bool
        The figures of the file are on one scale already, more being better, and are taken as they are.
    folder : Path
        An empty folder for the whole run; `yucun.index.rerun` gives the same from it.

    Returns
    -------
    Table
        Best first: place, its 5, 50 and 95 % over the replications, score.
    """
    if values != NONE:
        run = _run_files(values, meta, spec, normalised)
    else:
        from yucun.services.prosperity.models import fit  # noqa: PLC0415 - numbers cost half a second

        entering = _entering(with_)
        with open_city() as city:
            run = fit(_sight(city), city.place.region, entering).run
    if folder != NONE:
        from yucun.kernel.indicators.index import export  # noqa: PLC0415

        export(run, folder)
    return _tabulate(run)


def _entering(said: str) -> tuple[str, ...]:
    """What enters: all dimensions but those that must be asked for, and those of them that ``--with`` names."""
    from yucun.services.prosperity.models import ASKED_FOR_ONLY, DIMENSIONS  # noqa: PLC0415

    asked = [name.strip() for name in said.split(",") if name.strip()]
    unknown = [name for name in asked if name not in DIMENSIONS]
    if unknown:
        raise ContractError(_finding("--with", ", ".join(unknown), ", ".join(ASKED_FOR_ONLY)))
    return tuple(name for name in DIMENSIONS if name not in ASKED_FOR_ONLY or name in asked)


def _sight(city: Any) -> Sight:
    from yucun.services.prosperity.models import Sight  # noqa: PLC0415

    return Sight(city.numbers, city.regions, city.numbers.ask(None), city.clock.today())


def _run_files(values: Path, meta: Path, spec: Path, normalised: bool) -> Run:
    from yucun.kernel.indicators.index import carry_out, read_index_files, read_plan  # noqa: PLC0415
    from yucun.kernel.indicators.index.uncertainty import usual_doubts  # noqa: PLC0415
    from yucun.services.prosperity.models import PLAN  # noqa: PLC0415

    figures, framework = read_index_files(values, meta) if meta != NONE else _read_split(values)
    plan = read_plan(spec) if spec != NONE else _take_as_they_are(framework) if normalised else PLAN
    if plan.vary is None:
        # A place without its interval is never told.
        plan = replace(plan, vary=usual_doubts(plan.spec))
    return carry_out(figures, framework, plan)


def _take_as_they_are(framework: Framework) -> Plan:
    """For figures that are normalised already: what is in doubt is weights, how parts are joined, and which enter."""
    from yucun.kernel.indicators.index import NO_TREATMENT, Aggregate, Normalise, Plan, Spec, Vary  # noqa: PLC0415

    joined = (Aggregate("arithmetic"), Aggregate("geometric", floor=_FLOOR))
    parts = tuple(node.code for node in framework.children(framework.top.code))
    return Plan(
        Spec(treat=NO_TREATMENT, normalise=Normalise("none")),
        Text("数已在同一尺度上，照用；等权，算术平均", "figures as they are; equal weights, arithmetic mean"),
        Vary(aggregate=joined, noise=0.25, leave_out=parts if len(parts) > 2 else ()),
    )


def _read_split(path: Path) -> tuple[Figures, Framework]:
    """Units and indicators from one file whose heads are ``dimension|indicator``."""
    from yucun.kernel.indicators.index import Figures, Framework, Node  # noqa: PLC0415

    rows = _read_rows(path)
    heads = list(rows[0]) if rows else []
    split = [head for head in heads if _SPLIT in head and not head.startswith("score" + _SPLIT)]
    named = [head for head in heads if _SPLIT not in head][:2]
    if not split or not named:
        raise ContractError(_finding(path.name, ", ".join(heads)[:120], "dimension|indicator, or --meta"))
    dimensions = dict.fromkeys(head.partition(_SPLIT)[0] for head in split)
    nodes = [Node(head, 1, head.partition(_SPLIT)[0], head.partition(_SPLIT)[2]) for head in split]
    framework = Framework((*nodes, *(Node(name, 2, "index") for name in dimensions), Node("index", 3)))
    figures = np.array([[_number(row[head], path, head) for head in split] for row in rows])
    units = tuple(row[named[0]] for row in rows)
    return Figures(units, tuple(split), figures, titles=tuple(row[named[-1]] for row in rows)), framework


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(_finding(path.name, str(error)[:120], "CSV, UTF-8")) from None


def _number(word: str, path: Path, head: str) -> float:
    if word in ("", "NA"):
        return float("nan")
    try:
        return float(word)
    except ValueError:
        raise ContractError(_finding(f"{path.name} {head}", word, "a number")) from None


def _tabulate(run: Run) -> pa.Table:
    from yucun.kernel.indicators.index import tabulate  # noqa: PLC0415

    scores = tabulate(run.index)
    if run.uncertainty is None:
        return scores
    doubts = {row["uCode"]: row for row in run.uncertainty.table().to_pylist()}
    rows = run.index.normalised
    names = dict(zip(rows.units, rows.titles or rows.units, strict=True))
    top = run.index.framework.top.code
    return pa.Table.from_pylist(
        [
            {
                "rank": row["Rank"], "q5": doubts[row["uCode"]]["Q5"], "median": doubts[row["uCode"]]["Median"],
                "q95": doubts[row["uCode"]]["Q95"], "unit": row["uCode"], "name": names[row["uCode"]], "score": row[top],
            }
            for row in scores.to_pylist()
        ]
    )  # fmt: skip


def levers(
    city: Any, of: str = "", set_: str = "", with_: str = "", apart: bool = False
) -> pa.Table | Mapping[str, Any]:
    """All levers of a city by what a feasible step does; with figures set, what becomes of the city.

    Parameters
    ----------
    of : str
        The city's code; the place itself if it is left out.
    set_ : str
        Figures to set: ``income_rural=31000,urban_rural_ratio=1.5``.
    apart : bool
        Move each figure by itself, without those that hang together with it.
    """
    from yucun.services.prosperity.models import fit  # noqa: PLC0415
    from yucun.services.prosperity.pages.levers import Bench, tabulate_levers  # noqa: PLC0415

    here = RegionCode.parse(of) if of else city.place.region
    sight = _sight(city)
    cities = sight.cities_beside(city.place.region)
    if here not in cities:
        raise ContractError(_finding("--of", here.short, ", ".join(c.short for c in cities)))
    bench = Bench(sight, fit(sight, here, _entering(with_)), here, not apart)
    if not set_:
        return tabulate_levers(bench.levers())
    o = bench.set(_read_set(set_))
    return {
        "rank": o.rank[0], "rank_after": o.rank[1], "rank_after_q5": o.low[1], "rank_after_q95": o.high[1],
        "points": round(o.score[1] - o.score[0], 4), "chance": o.chance, "loss": o.loss,
        **{f"figure_{code}": figure for code, figure in o.figures.items()},
    }  # fmt: skip


def _read_set(said: str) -> dict[str, float]:
    aims = {}
    for pair in said.split(","):
        code, _, word = pair.partition("=")
        try:
            aims[code.strip()] = float(word)
        except ValueError:
            raise ContractError(_finding("--set", pair, "income_rural=31000")) from None
    return aims


def tasks(city: Any) -> pa.Table:
    """The tree of tasks, each after the one above it."""
    from yucun.services.prosperity.pages.tasks import TABLE, gather_rows, make_tree  # noqa: PLC0415

    tree = make_tree(gather_rows(partial(city.rows, TABLE)), _sight(city), city.clock.today())
    return pa.Table.from_pylist(
        [
            {
                "light": t.light, "task": t.id, "title_zh": t.title.zh, "title_en": t.title.en,
                "due": t.due.isoformat() if t.due else "", "why_zh": t.reason.zh, "why_en": t.reason.en,
            }
            for root in tree.roots
            for t in root.walk()
        ]
    )  # fmt: skip


def report(city: Any, year: int = 0, language: str = "zh", out: Path = NONE) -> Text:
    """Write the report of a year; the newest year of which something is known if none is named."""
    from yucun.services.prosperity.pages.report import list_years, make_report  # noqa: PLC0415
    from yucun.services.prosperity.pages.tasks import gather_rows  # noqa: PLC0415
    from yucun.services.prosperity.pages.typeset import typeset  # noqa: PLC0415

    if language not in ("zh", "en"):
        raise ContractError(_finding("--language", language, "zh, en"))
    _check_out(out)

    @cache
    def rows(table: str) -> Sequence[Mapping[str, Any]]:
        return gather_rows(partial(city.rows, table))

    sight = _sight(city)
    chosen = year or next(iter(list_years(sight, city.place.region)), 0)
    made = make_report(sight, city.place.region, chosen, city.clock.today(), rows)
    spoken: Language = "zh" if language == "zh" else "en"
    content = typeset(made, city.place.sources, spoken, city.last_seq(), is_simulated=city.clock.is_simulated)
    out.write_bytes(content)
    count = len(made.sentences)
    return Text(f"{count} 句，写到 {out}", f"{count} sentences, written to {out}")


def _check_out(out: Path) -> None:
    """Refuse before the work what could not be written after it."""
    said = None
    if out == NONE:
        said = Text("没有说写到哪里；请写 --out report.pdf", "nothing says where to write it; give --out report.pdf")
    elif out.is_dir():
        said = Text(f"{out} 是目录；请写一个文件名", f"{out} is a folder; give the name of a file")
    elif not out.parent.is_dir():
        said = Text(f"没有目录 {out.parent}；请先建好", f"there is no folder {out.parent}; make it first")
    if said is not None:
        raise ContractError(Finding("prosperity.out", "--out", str(out)[:120], "report.pdf", said, "--out"))


def _finding(where: str, found: str, expected: str) -> Finding:
    return Finding(
        "prosperity.asked",
        where[:120],
        found[:120],
        expected[:120],
        Text(f"{where} 是「{found}」，应为：{expected}", f"{where} is '{found}', expected {expected}"),
        where[:60],
    )
