"""The verbs of entitlements: `owed` says what people are owed, from a file or in a city; `catalogue` lists the items."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from yucun.base.errors import Finding, NotKnown, RuleError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules import Parameters
from yucun.services.entitlements.detectors import make_facts
from yucun.services.entitlements.models import FIELDS, Item, count_listed, read_catalogue
from yucun.services.entitlements.models import parameters_of as read_law
from yucun.services.entitlements.planning import Finder, find_owed, make_finder, make_people, read_people

VERBS = {
    "owed": Text(
        "一个人或一批人应得哪些公共服务：逐项写明依据；缺的情况列为要问或未知，从不代为假定",
        "which public services people are owed, each with its clause; what is not known is asked for or shown as not known",
    ),
    "catalogue": Text(
        "目录：每项的五个要素、渠道、触发事件和依据",
        "the catalogue: the five fields of each item, its channel, triggers and source",
    ),
    "listed": Text(
        "各清单各有多少项，这里收了多少项，省标准里至少还有多少项未知",
        "how many items each published list has, how many stand here, how many of the province's at least are not known",
    ),
}
WORDS = {
    "persons": Text(
        "CSV，每人一行：person_id、birth 及所知情况", "a CSV, a row a person: person_id, birth and what is known"
    ),
    "person": Text("城市人口表中的人员编号", "a person's id in the city's table of people"),
    "month": Text("按哪个月的规定，如 2022-05", "the month whose rules hold, such as 2022-05"),
    "parameters": Text("地方数值，覆盖在服务自带的之上", "a place's values, laid over the service's own"),
    "out": Text("把结果写成 CSV", "write the result as a CSV"),
    "person_id": Text("人员", "person"),
    "item": Text("项目", "item"),
    "title": Text("名称", "title"),
    "status": Text("结论", "status"),
    "asks": Text("要问", "to be asked"),
    "clause": Text("依据", "clause"),
    "field": Text("领域", "field"),
    "target": Text("服务对象", "target people"),
    "content": Text("服务内容", "content"),
    "standard": Text("服务标准", "standard"),
    "payer": Text("支出责任", "spending duty"),
    "national": Text("国家标准（项）", "national standard, items"),
    "zhejiang": Text("浙江省标准（项）", "provincial standard, items"),
    "zhoushan": Text("舟山市标准（项）", "Zhoushan's standard, items"),
    "here": Text("这里收录（项）", "items that stand here"),
    "not_known": Text("省标准中至少未知（项）", "of the provincial standard not known, at least"),
    "lead": Text("牵头单位", "lead department"),
    "evidence": Text("依据等级", "evidence"),
}
NONE = Path()
UNKNOWN = Text("未知", "not known")


def _read_own() -> Mapping[str, Any]:
    own: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("parameters.toml").read_text(encoding="utf-8"))
    return own


def _read(parameters: Path) -> tuple[Mapping[str, Item], Parameters]:
    """The catalogue, and the figures with a place's in their stead."""
    own = _read_own()
    law = read_law(own)
    if parameters != NONE:
        law = law.patch(read_law(tomllib.loads(parameters.read_text(encoding="utf-8"))))
    return read_catalogue(own), law


def owed(
    persons: Path = NONE, person: str = "", month: str = "2022-05", parameters: Path = NONE, out: Path = NONE, *,
    open_city: Callable[[], AbstractContextManager[Any]],
) -> pa.Table | Text:  # fmt: skip
    """Say what people are owed.

    Parameters
    ----------
    persons : Path
        CSV, a row a person: ``person_id, birth``, and of ``household_id, role, work, studies, disability_kind,
        disability_grade, class, insured_months, left_by_own_will, cannot_live_alone`` what is known. No city is needed.
    person : str
        One person of the city's own tables instead.
    open_city : callable
        Opens the city, for ``person`` alone.

    Raises
    ------
    RuleError, NotKnown
        With every finding; nothing is written then.
    """
    if (persons == NONE) == (not person):
        zh, en = (
            "请用 --persons 指明文件，或用 --person 指明一个人",
            "name a file with --persons, or one person with --person",
        )
        raise RuleError(_finding("--persons", "neither or both", "--persons FILE or --person ID", zh, en))
    period = Period.parse(month)
    items, law = _read(parameters)
    if person:
        with open_city() as city:
            values = city.work.engine.services["entitlements"].pack.values
            items, law = read_catalogue(values), read_law(values)
            people = _read_person(city, person)
    else:
        try:
            people = read_people(persons.read_bytes(), persons.name)
        except OSError as error:
            zh, en = f"文件读不出：{error}", f"the file cannot be read: {error}"
            raise RuleError(_finding(persons.name, error, "a CSV file", zh, en)) from None
    finder = make_finder(items, law, period, people.column_names)
    table = _tell(finder, people, period)
    if person:
        table = table.filter(pc.equal(table.column("person_id"), person))
    if out == NONE:
        return table
    csv.write_csv(table, out)
    return _count(finder, people, table, out, is_simulation=law.is_simulation_only)


def _tell(finder: Finder, people: pa.Table, period: Period) -> pa.Table:
    """A row for each item that is owed or to be asked for, and for each that cannot be known without more columns."""
    rows = [
        {"person_id": one.person, "item": one.item.code, "title_zh": one.item.title.zh, "title_en": one.item.title.en,
         "status": one.status, "asks": " ".join(one.asks), "clause_zh": one.item.clause.zh, "clause_en": one.item.clause.en}
        for one in find_owed(finder, make_people(period, people))
    ]  # fmt: skip
    rows.sort(key=lambda row: row["person_id"])
    births = people.column("birth")
    unknown = dict(finder.not_known)
    for who, born in zip(people.column("person_id").to_pylist(), births.to_pylist(), strict=True):
        if born is None:
            rows.append({"person_id": who, "item": "", "title_zh": "按年龄的项目", "title_en": "items by age",
                         "status": "not_known", "asks": "birth", "clause_zh": "", "clause_en": ""})  # fmt: skip
    rows += [
        {"person_id": "", "item": code, "title_zh": code, "title_en": code, "status": "not_known", "asks": " ".join(lacks),
         "clause_zh": "", "clause_en": ""}
        for code, lacks in unknown.items()
    ]  # fmt: skip
    names = ("person_id", "item", "title_zh", "title_en", "status", "asks", "clause_zh", "clause_en")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))


def _count(finder: Finder, people: pa.Table, table: pa.Table, out: Path, *, is_simulation: bool) -> Text:
    statuses = table.column("status").to_pylist()
    found, asked = statuses.count("owed"), statuses.count("ask")
    zh = f"{people.num_rows} 人：应得 {found} 项，要问 {asked} 项，{len(finder.not_known)} 类项目因缺列未知；写到 {out}"
    en = (
        f"{people.num_rows} people: {found} items owed, {asked} to be asked for, {len(finder.not_known)} kinds of item not known "
        f"for want of columns; written to {out}"
    )
    if is_simulation:
        zh, en = f"{zh}（含未核实参数，仅供模拟）", f"{en} (rests on unverified figures: simulation only)"
    return Text(zh, en)


def _read_person(city: Any, person: str) -> pa.Table:
    """What the city's tables hold of a person and of whoever lives with the person."""
    lake = city.lake
    missing = [name for name in ("people.person", "people.disability", "people.register") if name not in city.contracts]
    if missing:
        raise NotKnown(_finding("people.person", ", ".join(missing), "the service people", "这座城市没有人口表；请用 --persons",
                                "this city has no table of people; use --persons"))  # fmt: skip
    rows = lake.table("people.person")
    own = lake.engine.run(rows.filter(rows["person"] == person))
    if not own.num_rows:
        raise NotKnown(_finding("people.person", person, "a person of the table", f"人口表里没有「{person}」",
                                f"the table of people holds no '{person}'"))  # fmt: skip
    home = lake.engine.run(rows.filter(rows["household"] == own.column("household")[0].as_py()))
    ids = home.column("person").to_pylist()
    held = [lake.table(name) for name in ("people.disability", "people.register")]
    certificates, register = (lake.engine.run(one.filter(one["person"].isin(ids))) for one in held)
    return make_facts(home, certificates, register)


def catalogue(field: str = "") -> pa.Table:
    """List the items, each with its five fields; a field that no source gives is *not known*.

    Parameters
    ----------
    field : str
        One field of the catalogue; all when left out.
    """
    if field and field not in FIELDS:
        known = ", ".join(FIELDS)
        raise NotKnown(
            _finding(
                "--field",
                field,
                known,
                f"没有领域「{field}」；有：{known}",
                f"there is no field '{field}'; there are: {known}",
            )
        )
    rows = []
    for one in read_catalogue(_read_own()).values():
        if field and one.field != field:
            continue
        row = {"item": one.code, "field_zh": FIELDS[one.field].zh, "field_en": FIELDS[one.field].en, "title_zh": one.title.zh,
               "title_en": one.title.en}  # fmt: skip
        for name in ("target", "content", "standard", "payer", "lead", "channel"):
            said = getattr(one, name) or UNKNOWN
            row |= {f"{name}_zh": said.zh, f"{name}_en": said.en}
        row |= {"triggers": " ".join(one.triggers), "asks": " ".join(one.asks), "by_relief": one.relief, "from": one.start.isoformat(),
                "clause_zh": one.clause.zh, "clause_en": one.clause.en, "evidence": one.evidence, "source": one.source}  # fmt: skip
        rows.append(row)
    return pa.Table.from_pylist(rows)


def listed(day: str = "2022-05-31") -> Mapping[str, int]:
    """How many items the published lists have, how many stand here, and how many of the province's at least do not."""
    return count_listed(_read_own(), date.fromisoformat(day))


def _finding(where: object, found: object, expected: str, zh: str, en: str) -> Finding:
    return Finding("entitlements.verb", str(where)[:80], str(found)[:120], expected[:400], Text(zh, en))
