"""Reading the lake for people: landings, feeds and their lateness, quarantine, and pages of rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import pyarrow as pa

from yucun.base.errors import Finding, NotKnown, Yours
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.lake.contract import FILE_COLUMN, JOURNAL, RECORD_COLUMN, Contract
from yucun.kernel.lake.landing import to_landing
from yucun.kernel.lake.model import Feed, Landing, due_of, owed_period
from yucun.kernel.lake.store import REFUSED, Lake

MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a table in a fixed order, and where the next ones begin."""

    rows: pa.Table
    total: int
    start: int
    next: int | None
    as_of: int


def list_landings(
    lake: Lake, table: str = "", file: str = "", limit: int = 100, before: int | None = None
) -> list[Landing]:
    """Return landings, newest first, of all tables or one, of all files or one."""
    where, values = ["seq < ?"], [before if before is not None else 1 << 62]
    for column, value in (("dataset", table), ("file", file)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)  # type: ignore[arg-type]
    with lake.books.read() as tx:
        keys = tx.rows(
            f"SELECT key FROM lake_landing WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?", [*values, limit]
        )
        lines = [tx.find_line(str(key)) for (key,) in keys]
    return [to_landing(line) for line in lines if line is not None]


def get_landing(lake: Lake, key: str) -> Landing:
    """Return one landing, or raise `NotKnown`."""
    with lake.books.read() as tx:
        line = tx.find_line(key)
    if line is None or line.kind != "lake.landed":
        raise NotKnown(
            Finding(
                "lake.unknown_landing",
                "landing",
                key[:120],
                "the key of a landing",
                Text("没有这次落地；请核对编号", "there is no such landing; check its key"),
            )
        )
    return to_landing(line)


def read_refused(lake: Lake, landing: Landing, start: int = 0, limit: int = 1000) -> pa.Table:
    """Return the refused records of a landing in the order of the file, findings as JSON text."""
    schema = lake.schema(landing.table + REFUSED)
    files = [file for file in lake.files(landing.table + REFUSED) if file.added_seq == landing.seq]
    if not files:
        return schema.empty_table()
    return lake.engine.run(lake.read(files, schema).order_by(RECORD_COLUMN).limit(limit, offset=start))


def hide_values(refused: pa.Table) -> pa.Table:
    """Return refused records without what was sent: the reasons stay, the record and the values found are left out."""
    hidden = pa.array([""] * refused.num_rows, pa.string())
    findings = [
        json.dumps([{**finding, "found": ""} for finding in json.loads(text)], ensure_ascii=False)
        for text in refused["findings"].to_pylist()
    ]
    kept = refused.set_column(refused.column_names.index("raw"), "raw", hidden)
    return kept.set_column(kept.column_names.index("findings"), "findings", pa.array(findings, pa.string()))


def list_feeds(lake: Lake, today: date, tables: Sequence[str] = ()) -> list[Feed]:
    """Say of each table what it holds last, when the next is due and whether it is late: after the due day, not on it."""
    return [_feed(lake, lake.contracts[name], today) for name in sorted(tables or lake.contracts)]


def _feed(lake: Lake, contract: Contract, today: date) -> Feed:
    with lake.books.read() as tx:
        found = tx.row("SELECT count(*), sum(refused), max(at) FROM lake_landing WHERE dataset = ?", (contract.name,))
        files = lake.files(contract.name, tx=tx)
    landings, refused, last_at = found or (0, 0, None)
    newest = find_newest(lake, contract) if files else None
    owed = owed_period(contract.freshness, newest)
    due = due_of(contract.freshness, owed) if owed else None
    return Feed(
        contract.name,
        newest,
        due.day if due else None,
        due is not None and due.day < today,
        sum(file.rows for file in files),
        int(landings),
        int(refused or 0),
        last_at,
        owed,
        due is not None and due.is_provisional,
    )


def find_newest(lake: Lake, contract: Contract, regions: Sequence[str] = ()) -> Period | None:
    """Return the period that ends last among a table's rows, or among those of regions; instants count as their day.

    Parameters
    ----------
    regions : sequence of str
        Beginnings of region codes; empty for all rows.
    """
    if not contract.period_field:
        return None
    if regions:
        return _read_newest(lake, contract, regions)
    # Files never change, so what they hold is read once for each version of the table.
    files = tuple(file.name for file in lake.files(contract.name))
    known = lake.newest_periods.get(contract.name)
    if known is None or known[0] != files:
        known = lake.newest_periods[contract.name] = (files, _read_newest(lake, contract, ()))
    return known[1]


def _read_newest(lake: Lake, contract: Contract, regions: Sequence[str]) -> Period | None:
    name = contract.period_field
    rows = lake.table(contract.name)
    if regions:
        rows = rows.filter(ibis.or_(*(rows[contract.region_field].startswith(code) for code in regions)))
    if contract.get_field(name).type == "period":
        values = lake.engine.run(rows.select(name).distinct())[name].to_pylist()
        periods = [Period.parse(value) for value in values if value is not None]
        return max(periods, key=lambda period: (period.end, period.kind == "year"), default=None)
    last = lake.engine.run(rows.aggregate(last=rows[name].max()))["last"][0].as_py()
    return None if last is None else Period.day(last.date() if hasattr(last, "date") else last)


def read_page(
    lake: Lake,
    table: str,
    *,
    filters: Mapping[str, str] | None = None,
    search: str = "",
    search_in: Sequence[str] = (),
    sort: str = "",
    as_of: int | None = None,
    start: int = 0,
    limit: int = 100,
) -> Page:
    """Return a page of a table's rows that equal every filter as text and hold the searched words somewhere.

    Rows come in the order of the key and record, or of ``sort`` (``-field`` for downwards) before these.

    Raises
    ------
    NotKnown
        If there is no such table or a filter names no field of it.
    """
    contract = lake.get_contract(table)
    with lake.books.read() as tx:
        moment = tx.last_seq() if as_of is None else as_of
    rows = lake.table(table, moment)
    for name, value in (filters or {}).items():
        if name not in rows.columns:
            raise NotKnown(_no_field(contract, name))
        rows = rows.filter(rows[name].cast("string") == value)
    if not 0 < limit <= MOST_ROWS or start < 0:
        raise Yours(_bad_page())
    for word in search.split():
        rows = rows.filter(ibis.or_(*(rows[name].cast("string").lower().contains(word.lower()) for name in search_in)))
    first = sort.removeprefix("-")
    if first and first not in rows.columns:
        raise NotKnown(_no_field(contract, first))
    order = [ibis.desc(first) if sort.startswith("-") else ibis.asc(first)] if first else []
    order += [ibis.asc(name) for name in (*contract.key, FILE_COLUMN, RECORD_COLUMN) if name != first]
    counted = lake.engine.run(rows.aggregate(total=rows.count().cast("int64")))["total"][0].as_py()
    found = lake.engine.run(rows.order_by(order).limit(limit, offset=start))
    following = start + limit if start + limit < counted else None
    return Page(found, counted, start, following, moment)


def tables_of_file(lake: Lake, file: str) -> list[str]:
    """Return the tables that rows of a sent file may be in; of a commit of the journal, every table cut from it."""
    if not file.startswith(JOURNAL):
        return sorted({landing.table for landing in list_landings(lake, file=file)})
    with lake.books.read() as tx:
        cut = {str(row[0]) for row in tx.rows("SELECT name FROM lake_watermark")}
    return sorted(cut.intersection(lake.contracts))


def find_rows(lake: Lake, file: str, record: int, as_of: int | None = None) -> dict[str, pa.Table]:
    """Return the rows that one record of one sent file put into each table, by table; only those in force."""
    found = {}
    for name in tables_of_file(lake, file):
        rows = lake.table(name, as_of)
        some = lake.engine.run(rows.filter((rows[FILE_COLUMN] == file) & (rows[RECORD_COLUMN] == record)))
        if some.num_rows:
            found[name] = some
    return found


def _no_field(contract: Contract, name: str) -> Finding:
    names = ", ".join(field.name for field in contract.fields)
    return Finding(
        "lake.unknown_field",
        contract.name,
        name[:120],
        names[:120],
        Text(
            f"表 {contract.name} 没有字段「{name[:120]}」；可用：{names}",
            f"table {contract.name} has no field '{name[:120]}'; there are: {names}",
        ),
        name[:120],
    )


def _bad_page() -> Finding:
    return Finding(
        "lake.page",
        "page",
        "start, limit",
        f"start >= 0, 0 < limit <= {MOST_ROWS}",
        Text(f"每页 1 到 {MOST_ROWS} 行，起点不小于 0", f"a page has 1 to {MOST_ROWS} rows and starts at 0 or later"),
    )
