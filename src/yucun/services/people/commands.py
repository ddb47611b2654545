"""The verb `people means`: what offices hold about people, put together household by household as relief assesses them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from yucun.base.errors import ContractError, Finding
from yucun.base.period import Period
from yucun.base.text import Text

VERBS = {
    "means": Text(
        "把各部门所知的收入、财产、支出按户汇总，写成救助核算所用的格式",
        "put together what offices know of income, assets and expense, in the layout that relief assesses",
    )
}
NONE = Path()
_NEEDED = ("person", "household", "register", "income", "asset", "disability", "medical")


def means(source: Path = NONE, month: str = "2022-05", out: Path = NONE) -> Text:
    """Write one row for each person, in the layout of ``yucun relief assess --households``.

    Parameters
    ----------
    source : Path
        A folder of Parquet files as ``yucun sample`` writes them.
    month : str
        The month for which it is put together; of twelve months, those up to and with it.
    out : Path
        CSV or Parquet, by its ending.

    Raises
    ------
    ContractError
        If a file is missing, or no place to write to was named.
    """
    if out == NONE:
        raise ContractError(
            _finding("--out", "nothing", "a file", "请用 --out 指明写到哪里", "say where to write, with --out")
        )
    missing = [f"{name}.parquet" for name in _NEEDED if not (source / f"{name}.parquet").is_file()]
    if missing:
        raise ContractError(
            _finding(
                "--source",
                ", ".join(missing),
                "the files of yucun sample",
                f"目录里缺少 {'、'.join(missing)}；先运行 yucun sample --into 该目录",
                f"the folder lacks {', '.join(missing)}; run yucun sample --into it first",
            )
        )
    table = make_means({name: pq.read_table(source / f"{name}.parquet") for name in _NEEDED}, Period.parse(month))
    if out.suffix == ".parquet":
        pq.write_table(table, out)
    else:
        csv.write_csv(table, out)
    return Text(f"{table.num_rows} 人，写到 {out}（模拟数据）", f"{table.num_rows} people, written to {out} (made up)")


def make_means(tables: Mapping[str, pa.Table], month: Period) -> pa.Table:
    """Put together what offices hold, a row for each person.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        The tables of this service by name, as in the contracts.
    month : Period
        A month.

    Returns
    -------
    pyarrow.Table
        ``household_id, person_id, role, counted_income_12m_fen, work_income_month_fen, works_since, money_assets_fen,
        rigid_expense_12m_fen, class, disability_kind, disability_grade``. Wages stand in ``work_income_month_fen`` alone.
        Who lives in a collective household stands alone, as 浙民低〔2007〕93号 has it of those without support duty.
    """
    people, count = tables["person"], tables["person"].num_rows
    ids = people.column("person").combine_chunks()
    is_dorm = pc.equal(_look_up(tables["household"], "household", "kind", people.column("household")), "collective")
    alone = pc.replace_substring_regex(ids, "^P", "H1")
    role = pc.if_else(is_dorm, "head", people.column("role").cast(pa.string()))
    counted, wage, since = _incomes(tables["income"], ids, month)
    money = tables["asset"].filter(pc.equal(tables["asset"].column("kind"), "money"))
    saved = _sum_by(ids, money.column("person"), money.column("value_fen"))
    medical = tables["medical"].filter(_in_year(tables["medical"].column("month"), month))
    rigid = _sum_by(ids, medical.column("person"), medical.column("own_fen"))
    register = tables["register"].filter(
        pc.less_equal(tables["register"].column("since").cast(pa.string()), month.text)
    )
    disability = tables["disability"]
    return pa.table(
        {
            "household_id": pc.if_else(is_dorm, alone, people.column("household").cast(pa.string())),
            "person_id": ids,
            "role": role,
            "counted_income_12m_fen": counted,
            "work_income_month_fen": wage,
            "works_since": since,
            "money_assets_fen": saved,
            "rigid_expense_12m_fen": rigid,
            "class": _look_up(register, "person", "class", ids) if register.num_rows else pa.nulls(count, pa.string()),
            "disability_kind": _look_up(disability, "person", "kind", ids),
            "disability_grade": _look_up(disability, "person", "grade", ids),
        }
    )


def _incomes(income: pa.Table, ids: pa.Array, month: Period) -> tuple[Any, Any, pa.Array]:
    """Other income of twelve months, the wage of the month, and since when the wage is earned."""
    last = month.start.year * 12 + month.start.month - 1
    since, until = (_months(income.column(name)) for name in ("since", "until"))
    begin = np.maximum(since, last - 11)
    end = np.where(until < 0, last, np.minimum(until, last))
    active = np.maximum(0, end - begin + 1)
    amounts = income.column("month_fen").to_numpy()
    is_wage = pc.equal(income.column("line"), "wage").to_numpy()
    who = income.column("person")
    counted = _sum_by(ids, who, pa.array(np.where(is_wage, 0, amounts * active)))
    now = is_wage & (since <= last) & ((until < 0) | (until >= last))
    wage = _sum_by(ids, who, pa.array(np.where(now, amounts, 0)))
    earned = income.filter(pa.array(now))
    started = _look_up(earned, "person", "since", ids) if earned.num_rows else pa.nulls(len(ids), pa.date32())
    return counted, wage, started


def _months(column: Any) -> Any:
    """Months counted from the year 0; -1 where there is no date."""
    days = column.combine_chunks().cast(pa.int32())
    known = days.is_valid().to_numpy(zero_copy_only=False)
    months = days.fill_null(0).to_numpy().astype("M8[D]").astype("M8[M]").astype(np.int64) + 1970 * 12
    return np.where(known, months, -1)


def _in_year(column: Any, month: Period) -> Any:
    first = str(np.datetime64(month.text, "M") - 11)
    words = column.cast(pa.string())
    return pc.and_(pc.greater_equal(words, first), pc.less_equal(words, month.text))


def _sum_by(ids: pa.Array, who: Any, amounts: Any) -> Any:
    """The sum of each person; nothing where there is no row."""
    rows = pc.index_in(who.cast(pa.string()), value_set=ids)
    known = rows.is_valid().combine_chunks().to_numpy(zero_copy_only=False)
    at = rows.fill_null(0).to_numpy()[known]
    values = np.asarray(amounts.to_numpy())[known]
    sums = np.zeros(len(ids), np.int64)
    np.add.at(sums, at, values)
    return sums


def _look_up(table: pa.Table, key: str, value: str, wanted: Any) -> pa.Array:
    """A column of another table for each id that is wanted; blank where that table has no row."""
    rows = pc.index_in(wanted.cast(pa.string()), value_set=table.column(key).cast(pa.string()).combine_chunks())
    column = table.column(value)
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    return plain.combine_chunks().take(rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows)


def _finding(where: str, found: str, expected: str, zh: str, en: str) -> Finding:
    return Finding("people.means", where, found[:120], expected[:120], Text(zh, en))
