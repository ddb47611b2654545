"""The fast lane: for each field the SQL of its value and of "this is certainly good"; all else goes the slow way.

Only what is written in its plainest form passes here: whole digits, ISO days, words that were understood. A row that
does not pass is not yet refused: the functions that read small files look at it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

import pyarrow as pa

from yucun.kernel.lake.bulk.vocabulary import LOOKED_UP, Vocabulary
from yucun.kernel.lake.checking.numbers import unit_when_unsaid
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.parts import bucket_sql
from yucun.kernel.lake.reading.head_words import choose_unit
from yucun.kernel.lake.reading.model import Layout
from yucun.kernel.lake.reading.rows import BLANK_WORDS, FOOTNOTE, TOTAL
from yucun.kernel.lake.written_units import find_factor

NEVER = "false"
_INT64 = 1 << 63
# Blank at either end as reading trims it; the engine's own trim is ten times slower on letters outside ASCII.
# An error cell and a formula begin with # and =.
_EDGE = "^[#= \\t\\r\\n\u3000\xa0\ufeff\u200b]|[ \\t\\r\\n\u3000\xa0\ufeff\u200b]$"


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field's words come from: a column of cells, one word for all rows, or nowhere."""

    field: Field
    index: int | None
    word: str | None
    unit: str
    kind: pa.DataType

    @property
    def sql(self) -> str:
        """The word or value as it lies in the source."""
        if self.index is not None:
            return f'piece."{self.index}"'
        return f"{quote(self.word)}::VARCHAR" if self.word is not None else "NULL::VARCHAR"

    @property
    def is_text(self) -> bool:
        """True when it must be read, not merely taken."""
        kind = self.kind.value_type if pa.types.is_dictionary(self.kind) else self.kind
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


@dataclass(slots=True)
class Lane:
    """The whole lane of one piece: what is joined, the values, and the condition."""

    values: dict[str, str] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    # Texts that are small numbers within the engine; they are written as the texts they stand for.
    small: set[str] = field(default_factory=set)


def quote(text: str | None) -> str:
    """An SQL literal."""
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def find_columns(contract: Contract, layout: Layout, given: dict[str, str], schema: pa.Schema) -> list[Column] | None:
    """Say where each field comes from; None when the layout is not a plain one, so that nothing is certain."""
    if layout.unit_column is not None or any(use.fixed for use in layout.uses):
        return None
    uses = {use.field: use for use in layout.uses}
    constants = {**({contract.period_field: layout.period} if layout.period else {}), **given}
    notes = layout.unit_notes or ((given["unit"],) if "unit" in given else ())
    columns = []
    for about in contract.fields:
        use = uses.get(about.name)
        if use is not None and str(use.index) not in schema.names:
            return None
        unit = use.unit if use is not None else ""
        if about.unit and not unit:
            fitting = choose_unit(notes, about)
            unit = fitting[0] if len(fitting) == 1 else unit_when_unsaid(about)
        kind = schema.field(str(use.index)).type if use is not None else pa.string()
        word = None if use is not None else constants.get(about.name)
        columns.append(Column(about, use.index if use is not None else None, word, unit, kind))
    return columns


def make_lane(columns: list[Column], words: Vocabulary) -> Lane:
    """Build the lane for what is known of the words so far."""
    lane = Lane()
    first = first_of(columns)
    for column in columns:
        value, condition = _read(column, words, lane)
        if column.field.type == "text" and column.field.name not in words.few and column.is_text:
            condition = _text_condition(column, first)
        lane.values[column.field.name] = value
        lane.conditions.append(_allow_blank(column, condition))
    if not any(c.field.required and c.index is not None for c in columns):
        lane.conditions.append("(" + " OR ".join(f"{v} IS NOT NULL" for v in lane.values.values()) + ")")
    lane.conditions += _know_regions(columns, words, lane)
    return lane


def _allow_blank(column: Column, condition: str) -> str:
    if column.field.required:
        return f"({condition})"
    blank = f"{column.sql} IS NULL" + (f" OR {column.sql} = ''" if column.is_text else "")
    return f"({blank} OR ({condition}))"


def _read(column: Column, words: Vocabulary, lane: Lane) -> tuple[str, str]:
    """SQL of the value and of the condition; the value may be anything where the condition does not hold."""
    about = column.field
    if about.type in ("integer", "measure"):
        return _read_number(column)
    if about.type == "instant":
        return _read_instant(column, words.today)
    if about.type == "text":
        return _read_few(column, words, lane) if about.name in words.few else _read_text(column)
    if about.type == "date" and pa.types.is_date(column.kind):
        value = f"{column.sql}::DATE"
        return value, _day_condition(about, value, words.today)
    if about.type == "boolean" and pa.types.is_boolean(column.kind):
        return column.sql, f"{column.sql} IS NOT NULL"
    if not column.is_text:
        return f"NULL::{sql_type(about)}", NEVER
    return _look_up(column, words, lane)


def _look_up(column: Column, words: Vocabulary, lane: Lane) -> tuple[str, str]:
    about, word = column.field, column.sql
    plain = words.plain(about)
    if about.type == "date":
        value = f"TRY_CAST({word} AS DATE)"
        condition = f"{value}::VARCHAR = {word} AND {_day_condition(about, value, words.today)}"
    elif about.type == "boolean" or not plain:
        value, condition = f"NULL::{sql_type(about)}", NEVER
    else:
        value = f"TRY_CAST({word} AS ENUM({', '.join(map(quote, plain))}))"
        condition = f"{value} IS NOT NULL"
        lane.small.add(about.name)
    odd = words.odd(about)
    if odd is None:
        return value, condition
    if about.name in lane.small:
        lane.small.discard(about.name)
        value = f"{value}::VARCHAR"
    name = f"odd_{len(lane.tables)}"
    lane.tables[name] = odd
    lane.joins.append(f"LEFT JOIN {name} ON {name}.word = {word}")
    return (
        f"CASE WHEN {name}.word IS NOT NULL THEN {name}.value ELSE {value} END",
        f"({name}.word IS NOT NULL OR ({condition}))",
    )


def _day_condition(about: Field, value: str, today: date) -> str:
    last = date(9999, 12, 31) if about.may_be_future else today
    return f"{value} BETWEEN DATE '1000-01-01' AND DATE '{last}'"


def _read_number(column: Column) -> tuple[str, str]:
    about, word = column.field, column.sql
    factor = find_factor(column.unit, about.unit) if about.unit else Fraction(1)
    if about.type == "measure":
        value, condition = _read_measure(column, factor)
    elif factor is None or factor.denominator != 1:
        return f"NULL::{sql_type(about)}", NEVER
    elif pa.types.is_integer(column.kind):
        most = (_INT64 - 1) // factor.numerator
        value = f"{word}::BIGINT" if factor == 1 else f"({word}::BIGINT * {factor.numerator})"
        condition = f"TRY_CAST({word} AS BIGINT) BETWEEN {-most} AND {most}"
        if pa.types.is_uint64(column.kind):
            value = value.replace(f"{word}::BIGINT", f"TRY_CAST({word} AS BIGINT)")
    elif pa.types.is_floating(column.kind) and factor == 1:
        value = f"TRY_CAST({word} AS BIGINT)"
        condition = f"{word} = trunc({word}) AND abs({word}) < {1 << 52}"
    elif column.is_text:
        value, condition = _read_whole(word, factor.numerator)
    else:
        return f"NULL::{sql_type(about)}", NEVER
    bounds = [f"{value} >= {_number(about.low)}"] if about.low is not None else []
    bounds += [f"{value} <= {_number(about.high)}"] if about.high is not None else []
    return value, " AND ".join([condition, *bounds])


def _read_whole(word: str, factor: int) -> tuple[str, str]:
    """Digits as a whole number of kept units; a decimal point may stand where the unit moves it away."""
    if factor == 1:
        value = f"TRY_CAST({word} AS BIGINT)"
        return value, f"{value}::VARCHAR = {word}"
    places = len(str(factor)) - 1
    if factor != 10**places or places > 8:
        return "NULL::BIGINT", NEVER
    value = f"TRY_CAST(TRY(TRY_CAST({word} AS DECIMAL(18, {places})) * {factor}) AS BIGINT)"
    digits = 17 - places
    return value, f"regexp_full_match({word}, '-?[0-9]{{1,{digits}}}(\\.[0-9]{{1,{places}}})?')"


def _read_measure(column: Column, factor: Fraction | None) -> tuple[str, str]:
    word = column.sql
    if factor is None or not (column.is_text or pa.types.is_floating(column.kind) or pa.types.is_integer(column.kind)):
        return "NULL::DOUBLE", NEVER
    value = f"TRY_CAST({word} AS DOUBLE)"
    condition = f"abs({value}) < 1e300"
    if column.is_text:
        condition = f"regexp_full_match({word}, '-?[0-9]{{1,18}}(\\.[0-9]{{1,10}})?')"
    if factor != 1:
        value = f"({value} * {factor.numerator}::DOUBLE / {factor.denominator}::DOUBLE)"
    return value, condition


def _read_instant(column: Column, today: date) -> tuple[str, str]:
    about, word = column.field, column.sql
    if pa.types.is_timestamp(column.kind):
        naive = column.kind.tz is None
        value = f"({word} - INTERVAL 8 HOUR)::TIMESTAMP AT TIME ZONE 'UTC'" if naive else f"{word}::TIMESTAMPTZ"
        condition = f"{word} IS NOT NULL"
    elif column.is_text:
        value = f"TRY_CAST({word} || '+08' AS TIMESTAMPTZ)"
        form = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
        condition = f"regexp_full_match({word}, '{form}') AND {value} IS NOT NULL"
    else:
        return "NULL::TIMESTAMPTZ", NEVER
    if not about.may_be_future:
        condition += f" AND {value} < TIMESTAMPTZ '{today + timedelta(days=1)} 00:00:00+08'"
    return value, condition


def _read_few(column: Column, words: Vocabulary, lane: Lane) -> tuple[str, str]:
    """A text of few different words, each of which was looked at once."""
    plain = words.plain(column.field)
    if not plain:
        return "NULL::VARCHAR", NEVER
    lane.small.add(column.field.name)
    value = f"TRY_CAST({column.sql} AS ENUM({', '.join(map(quote, plain))}))"
    return value, f"{value} IS NOT NULL"


def list_texts(columns: list[Column]) -> list[Column]:
    """The columns of texts that may be anything."""
    return [c for c in columns if c.field.type == "text" and c.index is not None and c.is_text]


def sound_words_sql(column: Column, first: int) -> str:
    """SQL of the words of a table ``piece`` that are sound for a text field; ``first`` is the file's first column."""
    return f"SELECT {column.sql} FROM piece WHERE {_text_condition(column, first)}"


def _text_condition(column: Column, first: int) -> str:
    condition = _read_text(column)[1]
    if column.index == first:
        condition += f" AND NOT regexp_matches({column.sql}, {quote(TOTAL)})"
        condition += f" AND NOT regexp_matches({column.sql}, {quote(FOOTNOTE)})"
    return condition


def first_of(columns: list[Column]) -> int:
    """The first column that is read."""
    return min((c.index for c in columns if c.index is not None), default=0)


def _read_text(column: Column) -> tuple[str, str]:
    about, word = column.field, column.sql
    if not column.is_text:
        return "NULL::VARCHAR", NEVER
    conditions = [
        f"length({word}) <= {about.max_length}",
        f"{word} NOT IN ({', '.join(map(quote, BLANK_WORDS))})",
        f"NOT regexp_matches({word}, {quote(_EDGE)})",
    ]
    heads = [w for w in {about.name, about.title.zh, about.title.en, *about.heads} if w]
    conditions.append(f"{word} NOT IN ({', '.join(map(quote, heads))})")
    if about.pattern:
        conditions.append(f"regexp_matches({word}, {quote(f'^(?:{about.pattern})$')})")
    return word if about.required else f"nullif({word}, '')", " AND ".join(conditions)


def _know_regions(columns: list[Column], words: Vocabulary, lane: Lane) -> list[str]:
    """Regions were understood from the load's first day on; an earlier record is looked at by itself."""
    name = words.contract.period_field
    kind = words.contract.get_field(name).type if name else ""
    if kind not in ("date", "period") or not any(c.field.type == "region" for c in columns):
        return []
    first = words.first_day or words.today
    if kind == "date":
        return [f"{lane.values[name]} >= DATE '{first}'"]
    return [f"left({lane.values[name]}, 4) >= '{first.year:04d}'"]


def make_spool_select(lane: Lane, contract: Contract, level: int) -> str:
    """SQL that gives every row of ``piece`` its values and its bucket; -1 marks a row for the slow way."""
    values = ", ".join(
        f'{sql} AS "{n}"' if n in lane.small else f'({sql})::{sql_type(contract.get_field(n))} AS "{n}"'
        for n, sql in lane.values.items()
    )
    is_good = " AND ".join(lane.conditions)
    names = ", ".join(f'"{n}"' for n in lane.values)
    bucket = bucket_sql(contract)[level]
    return (
        f"SELECT {names}, _record, CASE WHEN _good THEN coalesce({bucket}, 0) ELSE -1 END AS bucket FROM "
        f"(SELECT {values}, piece._record, coalesce({is_good}, false) AS _good FROM piece {' '.join(lane.joins)})"
    )


def sql_type(about: Field) -> str:
    """The engine's type of a field."""
    match about.type:
        case "integer":
            return "BIGINT"
        case "measure":
            return "DOUBLE"
        case "boolean":
            return "BOOLEAN"
        case "date":
            return "DATE"
        case "instant":
            return "TIMESTAMPTZ"
        case _:
            return "VARCHAR"


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else repr(bound)


def list_looked_up(columns: list[Column]) -> list[Column]:
    """The columns whose words are understood one by one."""
    return [c for c in columns if c.field.type in LOOKED_UP and c.is_text]
