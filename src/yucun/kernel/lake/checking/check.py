"""Checking rows against their contract in one set-wise pass; no loop runs over rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date, datetime, time, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.clock import CHINA
from yucun.base.text import Text
from yucun.kernel.lake.checking import numbers, tell, words
from yucun.kernel.lake.checking.model import MORE, PROBLEM, ROW_COLUMN, VALUE, Checked, RegionBook
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract, Field
from yucun.kernel.lake.reading.model import COLUMN_SUFFIX, FINDINGS_COLUMN, LONGEST_RAW, REFUSED_SCHEMA, UNIT_SUFFIX

_ERRORS = r"^#(REF|DIV/0|N/A|VALUE|NAME|NULL|NUM|SPILL|CALC)[!?]?$"
_FORMULA = r"^=.+"
_LOOKED_UP = ("region", "period", "date", "boolean", "code")
_FROM_READING, _FROM_KEY = -1, 10_000
_NOTHING = ibis.null("string")
_MOST_UNITS = 10_000


@dataclass(slots=True)
class _Pass:
    """One check: the engine's connection, the contract, and who and when is asked."""

    connection: Any
    contract: Contract
    regions: RegionBook
    today: date
    columns: Mapping[str, str]
    texts: pa.Table
    rows: ir.Table
    views: list[str] = dataclass_field(default_factory=list)

    def run(self, expression: Any) -> pa.Table:
        answer: pa.Table = self.connection.to_pyarrow(expression)
        return answer

    def count(self, table: ir.Table) -> int:
        """How many rows a table has."""
        return int(self.connection.to_pyarrow(table.count()).as_py())

    def words(self, name: str) -> list[str]:
        """The distinct words of a field, blanks left out."""
        words: list[str] = pc.unique(self.texts[name]).drop_null().to_pylist()
        return words

    def view(self, expression: ir.Table) -> ir.Table:
        """Name a step, so that the next one builds on its columns."""
        self.views.append(ibis.util.gen_name("step"))
        return self.connection.create_view(self.views[-1], expression)


def check_rows(
    reading_rows: pa.Table,
    contract: Contract,
    regions: RegionBook,
    today: date,
    columns: Mapping[str, str],
    *,
    connection: Any = None,
) -> Checked:
    """Check the rows of a reading.

    Parameters
    ----------
    reading_rows : pa.Table
        `Reading.rows`: all text.
    contract : Contract
        Types, units, ranges, codes, levels and the key that must hold.
    regions : RegionBook
        Says which regions a word may mean on a day.
    today : date
        What lies after it is the future.
    columns : mapping of str to str
        `Reading.columns`, so that a finding can name the cell.
    connection : ibis backend, optional
        A DuckDB connection of Ibis to work in; by default a fresh one in memory.

    Returns
    -------
    Checked
        A record is refused as a whole, with all its findings; the others land. Of identical records the first
        lands. Records with the same key and different contents are all refused, each naming another.
    """
    backend = connection or ibis.duckdb.connect(":memory:")
    texts = _prepare(reading_rows, contract)
    check = _Pass(backend, contract, regions, today, columns, texts, ibis.memtable(texts))
    judged = ibis.util.gen_name("judged")
    try:
        return _split(check, backend.create_table(judged, _judge(check), temp=True))
    finally:
        backend.drop_table(judged, force=True)
        for view in reversed(check.views):
            backend.drop_view(view, force=True)
        if connection is None:
            backend.disconnect()


def _prepare(rows: pa.Table, contract: Contract) -> pa.Table:
    """Add what reading may leave out, put numbers into usual width, and count the rows."""
    columns = {name: rows[name] for name in rows.column_names}
    columns.setdefault(FINDINGS_COLUMN, pa.nulls(rows.num_rows, pa.string()))
    for field in contract.fields:
        if field.type in ("integer", "measure", "instant"):
            text = columns[field.name]
            if not pc.all(pc.fill_null(pc.string_is_ascii(text), True)).as_py():
                columns[field.name] = pc.utf8_normalize(text, "NFKC")
            columns.setdefault(field.name + UNIT_SUFFIX, pa.nulls(rows.num_rows, pa.string()))
    columns[ROW_COLUMN] = pa.array(np.arange(rows.num_rows))
    return pa.table(columns)


def _judge(check: _Pass) -> ir.Table:
    """Give for each field its typed value and the kind of its finding; the words stay with the rows.

    Each step is a view over the one before: an engine that is given one deep expression works it out again and again.
    """
    contract, table = check.contract, check.rows
    fields = [f for f in contract.fields if f.type in ("integer", "measure")]
    apart = {k: v for f in fields for k, v in numbers.take_apart(table, f, table[f.name + UNIT_SUFFIX]).items()}
    step = check.view(table.mutate(**apart)) if apart else table
    known = _know_units(check, step, fields)
    moved = {k: v for about in known.values() for k, v in numbers.move_point(about).items()}
    step = check.view(step.mutate(**moved)) if moved else step
    lookups = {f.name: _look_up(check, table, f) for f in contract.fields if f.type in _LOOKED_UP}
    for name, (lookup, keys) in lookups.items():
        other = ibis.memtable(lookup.rename_columns([f"{name}__{c}" for c in lookup.column_names]))
        step = step.left_join(other, [step[own] == other[f"{name}__{their}"] for own, their in keys.items()])
    made: dict[str, Any] = {}
    for field in contract.fields:
        value, problem, more = _judge_field(check, step, field, known)
        made[VALUE + field.name] = value
        made[PROBLEM + field.name] = _before_type(step[field.name], field, problem)
        if more is not None:
            made[MORE + field.name] = more
    return step.select(ROW_COLUMN, RECORD_COLUMN, FINDINGS_COLUMN, **made)


def _before_type(text: ir.StringValue, field: Field, problem: ir.Value) -> ir.Value:
    """What holds for every type: blank, an error cell, a formula without a result."""
    return ibis.cases(
        (text.isnull(), "lake.required" if field.required else _NOTHING),
        (text.re_search(_ERRORS), "lake.cell_error"),
        (text.re_search(_FORMULA), "lake.formula_uncached"),
        else_=problem,
    )


def _judge_field(
    check: _Pass, table: ir.Table, field: Field, known: Mapping[str, numbers.Numbers]
) -> tuple[ir.Value, ir.Value, ir.Value | None]:
    text = table[field.name]
    if field.type in _LOOKED_UP:
        return table[f"{field.name}__value"], table[f"{field.name}__problem"], table[f"{field.name}__more"]
    if field.type in ("integer", "measure"):
        value = numbers.convert(table, known[field.name])
        return value, numbers.judge(table, known[field.name], value), None
    if field.type == "instant":
        return *_judge_instant(text, field, check.today), None
    cases: list[tuple[Any, Any]] = [(text.length() > field.max_length, "lake.too_long")]
    if field.pattern:
        cases.append((~text.re_search(f"^(?:{field.pattern})$"), "lake.pattern"))
    return text, ibis.cases(*cases, else_=_NOTHING), None


def _judge_instant(text: ir.StringValue, field: Field, today: date) -> tuple[ir.Value, ir.Value]:
    """Read an instant; one without a zone is China's time."""
    plain = text.re_replace(r"^(\d{4})[年/.](\d{1,2})[月/.](\d{1,2})日?", r"\1-\2-\3").replace("T", " ")
    has_zone = plain.re_search(r"(Z|[+-]\d{2}(:?\d{2})?)$") & plain.contains(":")
    whole = plain.re_replace(r"( \d{1,2}:\d{2})$", r"\1:00")
    zoned = whole.replace("Z", "+00").try_cast("timestamp('UTC')")
    local = (whole + "+08").try_cast("timestamp('UTC')")
    value = has_zone.ifelse(
        zoned, plain.contains(":").ifelse(local, (whole + " 00:00:00+08").try_cast("timestamp('UTC')"))
    )
    cases: list[tuple[Any, Any]] = [(value.isnull(), "lake.not_an_instant")]
    if not field.may_be_future:
        tomorrow = datetime.combine(today + timedelta(days=1), time(0), CHINA)
        cases.append((value >= ibis.literal(tomorrow.isoformat()).cast("timestamp('UTC')"), "lake.future"))
    return value, ibis.cases(*cases, else_=_NOTHING)


def _know_units(check: _Pass, table: ir.Table, fields: list[Field]) -> dict[str, numbers.Numbers]:
    """Find out which written units occur, in one question for all fields."""
    if not fields:
        return {}
    names = [numbers.UNIT + f.name for f in fields]
    found = check.run(table.select(names).distinct().limit(_MOST_UNITS))
    return {
        f.name: numbers.know_units(pc.unique(found[name]).drop_null().to_pylist(), f)
        for f, name in zip(fields, names, strict=True)
    }


def _look_up(check: _Pass, table: ir.Table, field: Field) -> tuple[pa.Table, dict[str, str]]:
    """Understand the distinct words of a field; the keys say which columns the answer is joined on."""
    distinct = check.words(field.name)
    if field.type == "region":
        return _look_up_regions(check, table, field, distinct)
    return words.to_table(words.read_words(field, distinct, check.today), field.arrow_type), {field.name: "word"}


def _look_up_regions(
    check: _Pass, table: ir.Table, field: Field, distinct: list[str]
) -> tuple[pa.Table, dict[str, str]]:
    """Ask for each word in the map of its record's period; words that mean the same throughout are asked once."""
    time_field = check.contract.period_field
    kind = check.contract.get_field(time_field).type if time_field else ""
    ends: dict[str, date] = {}
    if kind in ("period", "date"):
        for word in check.words(time_field):
            end = words.end_of(word, kind)
            if end is not None:
                ends[word] = min(end, check.today)
    first = words.read_regions(field, distinct, check.regions, min(ends.values(), default=check.today))
    last = words.read_regions(field, distinct, check.regions, max(ends.values(), default=check.today))
    if first == last:
        return words.to_table(first, pa.string()), {field.name: "word"}
    pairs = check.run(table.select(field.name, time_field).distinct().drop_null()).to_pylist()
    by_day: dict[date, set[str]] = {}
    for pair in pairs:
        by_day.setdefault(ends.get(pair[time_field], check.today), set()).add(pair[field.name])
    known = {day: words.read_regions(field, asked, check.regions, day) for day, asked in by_day.items()}
    answers = [known[ends.get(pair[time_field], check.today)][pair[field.name]] for pair in pairs]
    lookup = words.to_table({str(n): answer for n, answer in enumerate(answers)}, pa.string())
    lookup = lookup.set_column(0, "word", pa.array([pair[field.name] for pair in pairs], pa.string()))
    lookup = lookup.append_column("time", pa.array([pair[time_field] for pair in pairs], pa.string()))
    return lookup, {field.name: "word", time_field: "time"}


def _split(check: _Pass, judged: ir.Table) -> Checked:
    """Part good rows, refused records and repeats."""
    contract = check.contract
    is_bad = judged[FINDINGS_COLUMN].notnull()
    for field in contract.fields:
        is_bad = is_bad | judged[PROBLEM + field.name].notnull()
    bad = check.run(judged.filter(is_bad).select(RECORD_COLUMN).distinct())
    same_key = _same_key(check, judged)
    conflicts = same_key.filter(pc.is_valid(same_key["other"]))
    repeats = same_key.filter(pc.is_null(same_key["other"]))
    refused_records = pc.unique(
        pa.chunked_array([*bad[RECORD_COLUMN].chunks, *conflicts[RECORD_COLUMN].chunks], pa.int64())
    )
    good = judged
    if len(refused_records) or repeats.num_rows:
        gone = ibis.memtable(pa.table({RECORD_COLUMN: refused_records}))
        dropped = ibis.memtable(repeats.select([ROW_COLUMN]))
        good = good.anti_join(gone, RECORD_COLUMN).anti_join(dropped, ROW_COLUMN)
    good = good.order_by(ROW_COLUMN)
    typed = {f.name: good[VALUE + f.name] for f in contract.fields}
    landed = check.run(good.select(**typed, **{RECORD_COLUMN: good[RECORD_COLUMN]}))
    schema = pa.schema([f for f in contract.schema if f.name != FILE_COLUMN])
    return Checked(
        landed.cast(schema),
        _tell(check, judged, is_bad, conflicts, refused_records),
        _count_repeated(repeats, refused_records, landed),
    )


def _count_repeated(repeats: pa.Table, refused: pa.Array, landed: pa.Table) -> int:
    """Records of which nothing is left because every row was identical to an earlier one."""
    records = pc.unique(repeats[RECORD_COLUMN])
    gone = pc.or_(pc.is_in(records, value_set=refused), pc.is_in(records, value_set=pc.unique(landed[RECORD_COLUMN])))
    return int(len(records) - (pc.sum(gone).as_py() or 0))


def _same_key(check: _Pass, judged: ir.Table) -> pa.Table:
    """Rows that share their key with another: ``other`` names the record that differs, null for a repeat to drop."""
    empty = pa.table({n: pa.array([], pa.int64()) for n in (ROW_COLUMN, RECORD_COLUMN, "other")})
    keys = [VALUE + name for name in check.contract.key]
    if not keys:
        return empty
    has_key = ibis.literal(True)
    for name in check.contract.key:
        has_key = has_key & judged[PROBLEM + name].isnull()
    keyed = judged.filter(has_key)
    if not check.count(keyed.group_by(keys).agg(_n=keyed.count()).filter(ibis._["_n"] > 1)):
        return empty
    shared = keyed.mutate(_n=keyed.count().over(group_by=keys)).filter(ibis._["_n"] > 1)
    shared = _with_words(check, shared)
    wrong = [
        shared[PROBLEM + f.name].isnull().ifelse("", shared[f.name].fill_null("") + "\n") for f in check.contract.fields
    ]
    shared = shared.mutate(_wrong=tell.join(wrong))
    same = [*(VALUE + f.name for f in check.contract.fields), "_wrong"]
    shared = shared.mutate(
        _first=shared[ROW_COLUMN].min().over(group_by=same), _from=shared[RECORD_COLUMN].min().over(group_by=same)
    )
    by_key = ibis.window(group_by=keys)
    shared = shared.mutate(
        _least=shared["_first"].min().over(by_key),
        _most=shared["_first"].max().over(by_key),
        _low=shared["_from"].min().over(by_key),
        _high=shared["_from"].max().over(by_key),
    )
    differs = shared["_least"] != shared["_most"]
    other = differs.ifelse(
        (shared["_from"] == shared["_low"]).ifelse(shared["_high"], shared["_low"]), ibis.null("int64")
    )
    is_told = differs | (shared[ROW_COLUMN] != shared["_first"])
    return check.run(shared.mutate(other=other).filter(is_told).select(ROW_COLUMN, RECORD_COLUMN, "other"))


def _with_words(check: _Pass, judged: ir.Table) -> ir.Table:
    """Put the words as they were written beside judged rows."""
    return judged.inner_join(check.rows.drop(RECORD_COLUMN, FINDINGS_COLUMN), ROW_COLUMN)


def _tell(check: _Pass, judged: ir.Table, is_bad: ir.Value, conflicts: pa.Table, records: pa.Array) -> pa.Table:
    """Write the sentences of all refused records."""
    if not len(records):
        return REFUSED_SCHEMA.empty_table()
    contract = check.contract
    said: list[ir.Table] = [_said(judged.filter(judged[FINDINGS_COLUMN].notnull()), _FROM_READING, None)]
    bad = judged.filter(is_bad)
    for order, field in enumerate(contract.fields):
        kinds = check.run(bad.select(kind=bad[PROBLEM + field.name]).distinct())["kind"].to_pylist()
        for kind in sorted(k for k in kinds if k is not None):
            wrong = _with_words(check, judged.filter(judged[PROBLEM + field.name] == kind))
            said.append(_said(wrong, order, _field_json(check, wrong, field, kind)))
    if conflicts.num_rows:
        known = ibis.memtable(
            conflicts.select([ROW_COLUMN, "other"]).cast(pa.schema([(ROW_COLUMN, pa.int64()), ("other", pa.int64())]))
        )
        both = _with_words(check, judged.inner_join(known, ROW_COLUMN))
        said.append(_said(both, _FROM_KEY, _key_json(check, both)))
    every = ibis.union(*said, distinct=True) if len(said) > 1 else said[0]
    findings = every.group_by(RECORD_COLUMN).agg(
        findings=every["json"].group_concat(", ", order_by=[every["_order"], every["json"]])
    )
    ours = check.rows.semi_join(ibis.memtable(pa.table({RECORD_COLUMN: records})), RECORD_COLUMN)
    ours = ours.mutate(_json=_raw_json(ours, contract))
    raws = ours.group_by(RECORD_COLUMN).agg(
        _where=ours["_where"].min(), raw=ours["_json"].group_concat("\n", order_by=ours[ROW_COLUMN])
    )
    both = raws.inner_join(findings, RECORD_COLUMN)
    told = both.select(
        RECORD_COLUMN,
        "_where",
        raw=both["raw"].substr(0, LONGEST_RAW),
        findings=ibis.literal("[") + both["findings"] + "]",
    ).order_by(RECORD_COLUMN)
    return check.run(told).cast(REFUSED_SCHEMA)


def _said(rows: ir.Table, order: int, json: ir.Value | None) -> ir.Table:
    text = json if json is not None else rows[FINDINGS_COLUMN].re_replace(r"^\[|\]$", "")
    return rows.select(RECORD_COLUMN, _order=ibis.literal(order, "int64"), json=text)


def _column(check: _Pass, rows: ir.Table, name: str) -> ir.Value:
    if name + COLUMN_SUFFIX in rows.columns:
        return rows[name + COLUMN_SUFFIX]
    return ibis.literal(check.columns[name]) if name in check.columns else _NOTHING


def _field_json(check: _Pass, rows: ir.Table, field: Field, kind: str) -> ir.Value:
    more = rows[MORE + field.name] if MORE + field.name in rows.columns else None
    found = rows[field.name]
    if field.name + UNIT_SUFFIX in rows.columns:
        found = found + rows[field.name + UNIT_SUFFIX].fill_null("")
    return tell.finding_json(
        kind, tell.cell_of(rows["_where"], _column(check, rows, field.name)), found, rows[RECORD_COLUMN],
        key=field.name, field=field.title, expected=tell.expect(field, kind, check.today), more=more,
    )  # fmt: skip


def _key_json(check: _Pass, rows: ir.Table) -> ir.Value:
    keys = check.contract.key
    found = tell.join([part for n in keys for part in (" / ", rows[n].fill_null(""))][1:])
    title = tell.contract_title(check.contract, keys)
    return tell.finding_json(
        "lake.duplicate_key", rows["_where"], found, rows[RECORD_COLUMN],
        key=", ".join(keys), field=title, expected=Text("", ""), more=rows["other"].cast("string"),
    )  # fmt: skip


def _raw_json(rows: ir.Table, contract: Contract) -> ir.Value:
    """The fields of a row as they were written, as a JSON object."""
    parts: list[Any] = []
    for n, field in enumerate(contract.fields):
        parts += [
            ", " if n else "{",
            f'"{field.name}": "',
            tell.escape(_as_written(rows, field).substr(0, 200)),
            '"',
        ]
    return tell.join([*parts, "}"])


def _as_written(rows: ir.Table, field: Field) -> ir.StringValue:
    """A cell with the unit that its head or a note said, where a bare figure would be taken for another unit."""
    text = rows[field.name].fill_null("")
    if field.name + UNIT_SUFFIX not in rows.columns:
        return text
    unit = rows[field.name + UNIT_SUFFIX].nullif(numbers.unit_when_unsaid(field)).fill_null("")
    return text.re_search("[0-9]$").ifelse(text + unit, text)
