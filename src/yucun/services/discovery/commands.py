"""The verbs of early warning: `rules` over files without a city, `run` a month in a city, `score` how the rules fared."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from yucun.base.errors import ContractError, Finding, Yours
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.lake.engine import Engine
from yucun.kernel.view import Event
from yucun.services.discovery.detectors import RULES, find_rule
from yucun.services.discovery.pages.reading import score_rules, show_ends, show_share
from yucun.services.discovery.planning import list_rules, parameters_of, read_law

VERBS = {
    "rules": Text(
        "在一批文件上跑各条规则，说每条触发多少户；不需要城市",
        "run the rules on files and say how many households each warns of; needs no city",
    ),
    "run": Text(
        "在城市里跑一个月的规则，提请走访；重跑不改变任何事",
        "run a month's rules in a city and offer visits; a second run changes nothing",
    ),
    "score": Text("每条规则走访多少户、帮上多少户", "how many visits each rule led to, and how many of them to help"),
}  # fmt: skip
WORDS = {
    "source": Text("yucun sample 写出的目录", "a folder that yucun sample wrote"),
    "month": Text("月份", "month"),
    "out": Text("把触发的家庭写到哪个 CSV", "a CSV to write the households into"),
    "visits": Text("可走访的户数；0 为与公布口径的新增预警一样多", "how many visits; 0 for as many as the published rule has new warnings"),
    "rule": Text("规则", "rule"),
    "households": Text("户", "households"),
    "simulation_only": Text("仅供模拟", "simulation only"),
    "offered": Text("提请走访", "offered"),
    "visited": Text("有结论", "visited"),
    "helped": Text("确需帮扶", "helped"),
    "declined": Text("谢绝", "declined"),
    "share": Text("帮扶率", "share"),
    "interval": Text("95% 区间", "95 % interval"),
}  # fmt: skip
NONE = Path()
_NEEDED = ("person", "household", "register", "income", "disability", "medical", "electricity", "hint", "event")


def rules(source: Path = NONE, month: str = "2022-05", out: Path = NONE) -> pa.Table:
    """Run every rule on files of people.

    Parameters
    ----------
    source : Path
        A folder of Parquet files as ``yucun sample`` writes them.
    out : Path
        CSV: ``household, rule, amount, line``; none is written without it.

    Raises
    ------
    ContractError
        If a file is missing or the month is none.
    """
    missing = [f"{name}.parquet" for name in _NEEDED if not (source / f"{name}.parquet").is_file()]
    period = Period.parse(month)
    if missing or period.kind != "month":
        raise ContractError(
            _finding("--source", ", ".join(missing) or month, "the files of yucun sample, and a month",
                f"缺少 {'、'.join(missing) or '月份'}；先运行 yucun sample --into 该目录",
                f"{', '.join(missing) or 'a month'} is missing; run yucun sample --into it first"))  # fmt: skip
    pack = parameters_of(tomllib.loads(Path(__file__).with_name("parameters.toml").read_text(encoding="utf-8")))
    law = read_law(pack, period.end)
    sure, _ = list_rules(pack, period.end, is_made_up=False)
    engine, found, counted = Engine(), [], []

    def table(name: str) -> ir.Table:
        path = source / f"{name.partition('.')[2]}.parquet"
        fields = [
            pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type)
            for f in pq.read_schema(path)
        ]
        return engine.table([path], pa.schema(fields))

    for name in RULES:
        hits = engine.run(find_rule(table, period, law, name))
        found.append(hits)
        counted.append({"rule": name, "households": hits.num_rows, "simulation_only": name not in sure})
    engine.close()
    if out != NONE:
        from pyarrow import csv  # noqa: PLC0415 - only who writes needs it

        csv.write_csv(pa.concat_tables(found).sort_by([("household", "ascending"), ("rule", "ascending")]), out)
    return pa.Table.from_pylist(counted)


def run(month: str, city: Any, visits: int = 0) -> Mapping[str, Any]:
    """Run a month in a city; over made-up people all rules, over real ones those with a source.

    Raises
    ------
    Yours
        With the findings of the run.
    """
    body: dict[str, Any] = {"month": month, "is_made_up": bool(city.clock.is_simulated)}
    if visits:
        body["visits"] = visits
    taken = city.submit(Event(f"discovery:run:{month}", "discovery.month_run", body)).result()
    if taken.findings:
        raise Yours(taken.findings)
    city.publish()
    with city.books.read() as tx:
        cases = [
            c
            for c in city.work.cases.list_cases(tx, "discovery.warning", limit=10_000_000)
            if c.fields["month"] == month
        ]
    return {"month": month, "status": taken.status, "offered": len(cases)}


def score(city: Any) -> pa.Table:
    """Each rule over all warnings so far, and all together."""
    with city.books.read() as tx:
        cases = city.work.cases.list_cases(tx, "discovery.warning", limit=10_000_000)
    return pa.Table.from_pylist(
        [
            {"rule": one.name, "offered": one.offered, "visited": one.visits, "helped": one.helped, "declined": one.declined,
             "share": show_share(one), "interval": show_ends(one)}
            for one in score_rules(cases)
        ]
    )  # fmt: skip


def _finding(where: str, found: str, expected: str, zh: str, en: str) -> Finding:
    return Finding("discovery.files", where, found[:120], expected[:120], Text(zh, en))
