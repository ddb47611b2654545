"""The residents of a place as the rules take them, from what offices hold: no names, and nothing that nobody recorded.

What an office does not record stands at its default, and `Residents.unknown` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules import Parameters, Population
from yucun.services.relief.rules import BOOK

# What a row of the layout of `yucun relief assess` holds that is no variable of the rules.
_PLAIN = ("household_id", "person_id", "role")
_CARRIED = (
    "counted_income_12m_fen",
    "work_income_month_fen",
    "works_since",
    "money_assets_fen",
    "rigid_expense_12m_fen",
)
CLASSES = ("none", "dibao", "edge", "tekun")
CLASS_TITLES = (
    Text("不在册", "not registered"),
    Text("低保", "dibao"),
    Text("低保边缘", "edge of dibao"),
    Text("特困", "tekun"),
)
AGE_TITLES = (
    Text("有未成年人", "with minors"),
    Text("全是老年人", "aged only"),
    Text("其他年龄", "other ages"),
)
DISABILITY_TITLES = (
    Text("无持证残疾人", "nobody disabled"),
    Text("有三四级残疾人", "disabled, grades 3 and 4"),
    Text("有一二级残疾人", "disabled, grades 1 and 2"),
)
SIZE_TITLES = (
    Text("1 人", "1 person"),
    Text("2 人", "2 people"),
    Text("3 人", "3 people"),
    Text("4 人", "4 people"),
    Text("5 人及以上", "5 or more"),
)
UNKNOWN = Text(
    "没有部门记录的不算：照料护理等级、租房、就学资助、退出低保前的金额；特困按在册名单",
    "what no office records is left out: grade of care, renting, help with schooling, the award before leaving; tekun is by the register",
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How households fall into groups.

    Parameters
    ----------
    codes : numpy array
        For each household the place of its title.
    """

    title: Text
    titles: tuple[Text, ...]
    codes: Any


@dataclass(frozen=True, slots=True)
class Residents:
    """All residents of a month.

    Parameters
    ----------
    villages : pyarrow dictionary array
        For each household the code of its village.
    groups : mapping of str to Grouping
        By age, disability, household size and class.
    """

    month: Period
    population: Population
    villages: Any
    groups: Mapping[str, Grouping]

    @property
    def households(self) -> int:
        """How many households there are."""
        rows: int = self.population.households.num_rows
        return rows

    @property
    def persons(self) -> int:
        """How many people there are."""
        rows: int = self.population.persons.num_rows
        return rows


Tell = Callable[[str], None]


def make_residents(
    means: pa.Table, birth: Any, village: Any, special_ill: Any, used_kwh: pa.Table, law: Parameters, month: Period
) -> Residents:
    """Put the residents together.

    Parameters
    ----------
    means : pyarrow.Table
        A row for each person, as ``yucun people means`` writes them.
    birth, village : columns
        Of the same persons in the same order.
    special_ill : column of bool
        Whether the person had a settlement of special outpatient care in twelve months.
    used_kwh : pyarrow.Table
        ``household_id, used_kwh`` of the month.
    law : Parameters
        Says from which age somebody is old, and under which young.
    """
    count = means.num_rows
    kind = pc.fill_null(means["disability_kind"], "none")
    grade = pc.fill_null(means["disability_grade"], 0)
    severe = np.isin(grade.to_numpy(), (1, 2))
    is_tekun = pc.fill_null(pc.equal(means["class"], "tekun"), False).to_numpy()
    years = _years(birth, month)
    young, old = (int(law.get(f"tekun_{word}_age", month.start).content) for word in ("young", "old"))  # type: ignore[arg-type]
    ill = np.asarray(special_ill)
    need = np.select([severe, ill, years >= old, years < young], [1, 2, 3, 4], 0)
    kinds = pa.array(["none", "severely_disabled", "seriously_ill", "aged", "minor"])
    persons = {name: means[name] for name in (*_PLAIN, *_CARRIED)}
    persons |= {
        "birth": birth,
        "disability_kind": kind,
        "disability_grade": grade,
        "is_seriously_ill": pa.array(ill),
        "can_work": pa.array(~is_tekun),
        "has_supporter": pa.array(~is_tekun),
        "addon_kind": pa.DictionaryArray.from_arrays(pa.array(need.astype(np.int8)), kinds).cast(pa.string()),
    }
    named = means["household_id"].combine_chunks()
    ids = pc.unique(named)
    rows = pc.index_in(ids, value_set=used_kwh["household_id"].combine_chunks())
    kwh = pc.fill_null(used_kwh["used_kwh"].combine_chunks().take(rows), 0)
    homes = {"household_id": ids, "used_kwh": kwh, "left_dibao_on": pa.nulls(len(ids), pa.date32())}
    population = Population.of(BOOK, month, pa.table(persons), pa.table(homes))
    of = population.household_of
    first = np.empty(len(ids), np.int64)
    first[of[::-1]] = np.arange(count)[::-1]
    codes = {
        "age": _of_home(of, len(ids), years >= old, years < young),
        "disability": _largest(of, len(ids), np.where(severe, 2, np.where(grade.to_numpy() > 0, 1, 0))),
        "size": np.minimum(np.bincount(of, minlength=len(ids)), len(SIZE_TITLES)) - 1,
        "class": _largest(of, len(ids), _class_codes(means["class"])),
    }
    titles = {
        "age": (Text("年龄", "age"), AGE_TITLES),
        "disability": (Text("残疾", "disability"), DISABILITY_TITLES),
        "size": (Text("家庭人数", "household size"), SIZE_TITLES),
        "class": (Text("在册类别", "registered class"), CLASS_TITLES),
    }
    groups = {name: Grouping(*titles[name], codes[name]) for name in titles}
    where = village.combine_chunks().take(pa.array(first)).cast(pa.string()).dictionary_encode()
    return Residents(month, population, where, groups)


def _years(birth: Any, month: Period) -> Any:
    """Completed years on the first day of the month."""
    born = birth.combine_chunks().cast(pa.int32()).to_numpy().astype("M8[D]")
    months = np.datetime64(month.text, "M").astype(np.int64) - born.astype("M8[M]").astype(np.int64)
    later = born > born.astype("M8[M]").astype("M8[D]")
    return (months - later) // 12


def _of_home(of: Any, homes: int, is_old: Any, is_young: Any) -> Any:
    """0 with a minor, 1 where all are old, 2 for the others."""
    minors = np.bincount(of[is_young], minlength=homes)
    aged, members = np.bincount(of[is_old], minlength=homes), np.bincount(of, minlength=homes)
    return np.where(minors > 0, 0, np.where(aged == members, 1, 2))


def _largest(of: Any, homes: int, codes: Any) -> Any:
    found = np.zeros(homes, np.int64)
    np.maximum.at(found, of, codes)
    return found


def _class_codes(column: Any) -> Any:
    rows = pc.index_in(column.cast(pa.string()).combine_chunks(), value_set=pa.array(CLASSES))
    return pc.fill_null(rows, 0).to_numpy()
