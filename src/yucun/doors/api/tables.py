"""Tables over HTTP: what each promises, and its rows: filtered, searched, sorted, as of a moment, masked for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import FORMS, Asked, Done, Operation, Parameter, Sheet
from yucun.doors.api.flat import flatten_shapes
from yucun.doors.api.lake_shapes import FeedShape, FeedsShape, TableShape, TablesShape, shape_feed, shape_table
from yucun.doors.api.numbers import about
from yucun.doors.api.paging import address_of_next, make_cursor, offset_of
from yucun.doors.api.writing import MOST_ROWS
from yucun.kernel.access import MARK_ENDING
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract, Field
from yucun.kernel.lake.read import MOST_ROWS as LARGEST_PAGE

if TYPE_CHECKING:
    from yucun.city import City, Rows

_RESERVED = ("as_of", "q", "sort", "limit", "cursor", "format", "purpose")
_JSON_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": ["integer", "null"]},
    "measure": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "instant": {"type": ["string", "null"], "format": "date-time"},
}
_TEXT = {"type": ["string", "null"]}


def list_operations(city: City) -> list[Operation]:
    """The list of tables, their feeds, and the rows of each table."""
    names = ask.choose_code("table", Text("表名", "name of the table"), sorted(city.contracts), "path", required=True)
    return [
        Operation(
            "listTables",
            "GET",
            "/api/tables",
            "tables",
            Text("全部表", "All tables"),
            list_tables,
            TablesShape,
            parameters=(ask.choose_form(),),
            forms=FORMS,
        ),
        Operation(
            "getTable",
            "GET",
            "/api/tables/{table}",
            "tables",
            Text("一张表的约定", "What one table promises"),
            get_table,
            TableShape,
            parameters=(names,),
        ),
        Operation(
            "listFeeds",
            "GET",
            "/api/feeds",
            "tables",
            Text("各表是否按时", "Whether each table is in time"),
            list_feeds,
            FeedsShape,
            parameters=(ask.choose_form(),),
            forms=FORMS,
        ),
        *(_rows_operation(city, contract) for _, contract in sorted(city.contracts.items())),
    ]


def _rows_operation(city: City, contract: Contract) -> Operation:
    filters = {p.name: (f, p) for f in contract.fields if (p := _filter(f)) is not None}
    own = (
        ask.choose_words("q", Text("在读者可见的字段里查找", "words in any field that the reader sees")),
        ask.choose_code(
            "sort",
            Text("按字段排序，前加 - 为倒序", "sort by a field; with - before it downwards"),
            [s + f.name for f in contract.fields for s in ("", "-")],
        ),
        ask.choose_moment(city),
        ask.choose_purpose(city),
        ask.choose_limit(most=LARGEST_PAGE),
        ask.choose_cursor(),
        ask.choose_form(),
    )
    return Operation(
        f"rows_{contract.name.replace('.', '_')}",
        "GET",
        f"/api/tables/{contract.name}/rows",
        "rows",
        contract.title,
        partial(get_rows, contract, {name: field.name for name, (field, _) in filters.items()}),
        _rows_schema(contract),
        contract.meaning,
        (*(p for _, p in filters.values()), *own),
        FORMS,
        problems=(403, 404),
    )


def _filter(field: Field) -> Parameter | None:
    """A field as a filter: equal to this; instants have none."""
    meaning = Text(f"只要「{field.title.zh}」等于此值的", f"only where {field.title.en} is this")
    name = f"{field.name}_is" if field.name in _RESERVED else field.name
    match field.type:
        case "region":
            return Parameter(name, "query", meaning, {"type": "string", "pattern": ask.REGION}, _twelve_digits)
        case "period":
            return Parameter(name, "query", meaning, {"type": "string", "pattern": ask.PERIOD})
        case "code":
            return Parameter(name, "query", meaning, {"type": "string", "enum": list(field.codes or ())})
        case "boolean":
            return Parameter(name, "query", meaning, {"type": "boolean"}, lambda value: "true" if value else "false")
        case "integer":
            return Parameter(name, "query", meaning, {"type": "integer", "minimum": -(10**15), "maximum": 10**15}, str)
        case "date":
            return Parameter(name, "query", meaning, {"type": "string", "pattern": f"^{ask.DAY}$"})
        case "text":
            return ask.choose_words(name, meaning, most=200)
        case _:
            return None


def _twelve_digits(code: str) -> str:
    return code.ljust(12, "0")


def _rows_schema(contract: Contract) -> dict[str, Any]:
    row = {f.name: {**_JSON_TYPES.get(f.type, _TEXT), "description": f.title.en} for f in contract.fields}
    row |= {FILE_COLUMN: {"type": "string"}, RECORD_COLUMN: {"type": "integer"}}
    marks = {"type": "object", "additionalProperties": {"type": "string", "enum": ["refused", "masked"]}}
    page = {
        "table": {"type": "string"},
        "as_of": {"type": "integer"},
        "total": {"type": "integer"},
        "rows": {
            "type": "array",
            "items": {"type": "object", "properties": {**row, "_marks": marks}, "required": list(row)},
        },
        "next": {"type": ["string", "null"]},
    }
    return {"type": "object", "properties": page, "required": list(page)}


def list_tables(asked: Asked) -> Sheet:
    """All tables."""
    shapes = [shape_table(c, UNITS) for _, c in sorted(asked.city.contracts.items())]
    return Sheet("tables", lambda: flatten_shapes(shapes, TableShape), lambda: TablesShape(shapes), about(asked))


def get_table(asked: Asked) -> Done:
    """What one table promises."""
    return Done(shape_table(asked.city.contracts[asked.get("table")], UNITS))


def list_feeds(asked: Asked) -> Sheet:
    """Whether each table is in time."""
    shapes = [shape_feed(feed) for feed in asked.city.feeds()]
    return Sheet("feeds", lambda: flatten_shapes(shapes, FeedShape), lambda: FeedsShape(shapes), about(asked))


def get_rows(contract: Contract, filters: Mapping[str, str], asked: Asked) -> Sheet:
    """A page of rows as JSON; as a file all rows from the cursor on, up to what Excel can hold."""
    start = offset_of(asked)
    limit = asked.get("limit") or (100 if asked.form == "json" else MOST_ROWS)
    chosen = {field: asked.get(name) for name, field in filters.items() if asked.get(name) is not None}
    pages = _read(contract, chosen, asked, start, limit)
    last = pages[-1]
    cursor = make_cursor(asked, last.next) if last.next is not None else None
    table = _tidy(pa.concat_tables([page.rows for page in pages]), contract)
    return Sheet(
        contract.name,
        lambda: table,
        lambda: {
            "table": contract.name,
            "as_of": last.as_of,
            "total": last.total,
            "rows": _to_rows(table),
            "next": cursor,
        },
        (
            (Text("表", "table"), contract.title.of(asked.language)),
            (Text("含义", "meaning"), contract.meaning.of(asked.language)),
            (Text("责任单位", "owner"), contract.owner.of(asked.language)),
            (Text("许可", "licence"), contract.licence.of(asked.language)),
            (Text("行数", "rows"), f"{table.num_rows} / {last.total}"),
            *about(asked),
        ),
        {f.name: _column_title(f) for f in contract.fields},
        address_of_next(asked, cursor),
    )


def _read(contract: Contract, chosen: Mapping[str, str], asked: Asked, start: int, limit: int) -> list[Rows]:
    pages: list[Rows] = []
    as_of = asked.get("as_of")
    while True:
        size = min(limit - sum(p.rows.num_rows for p in pages), LARGEST_PAGE)
        page = asked.city.rows(
            contract.name,
            reader=asked.reader,
            purpose=asked.get("purpose") or "",
            filters=chosen,
            q=asked.get("q") or "",
            sort=asked.get("sort") or "",
            as_of=as_of,
            start=start,
            size=size,
        )
        pages.append(page)
        # The first page fixes the moment, so that a landing in between changes nothing.
        as_of, start = page.as_of, page.next or 0
        if page.next is None or sum(p.rows.num_rows for p in pages) >= limit:
            return pages


def _tidy(table: pa.Table, contract: Contract) -> pa.Table:
    """Fields in the contract's order, marks only where there are any, lineage last."""
    names = [f.name for f in contract.fields if f.name in table.column_names]
    marks = [n + MARK_ENDING for n in names if pc.any(pc.is_valid(table[n + MARK_ENDING])).as_py()]
    return table.select([*names, *marks, FILE_COLUMN, RECORD_COLUMN])


def _to_rows(table: pa.Table) -> list[dict[str, Any]]:
    marks = [n for n in table.column_names if n.endswith(MARK_ENDING)]
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        said = {name.removesuffix(MARK_ENDING): row.pop(name) for name in marks}
        held = {name: mark for name, mark in said.items() if mark is not None}
        if held:
            row["_marks"] = held
    return rows


def _column_title(field: Field) -> Text:
    if not field.unit:
        return field.title
    unit = UNITS[field.unit]
    kept = Text(f"{field.title.zh}（保存单位 {unit.name}", f"{field.title.en} (kept in {unit.name}")
    if unit.per_shown == 1:
        return Text(f"{kept.zh}）", f"{kept.en})")
    return Text(
        f"{kept.zh}，{unit.per_shown} 个为 1 {unit.title.zh}）", f"{kept.en}; {unit.per_shown} make 1 {unit.title.en})"
    )
