"""From the body of a sheet to the rows of a table: totals and footnotes set aside, wide sheets spread, set-wise."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import ContractError, Finding
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.head_words import choose_unit
from yucun.kernel.lake.reading.model import (
    COLUMN_SUFFIX,
    FINDINGS_COLUMN,
    LONGEST_RAW,
    REFUSED_SCHEMA,
    UNIT_SUFFIX,
    Body,
    Layout,
    Top,
    Use,
)
from yucun.kernel.lake.written_units import is_unit, list_written

_SPACE = " \t\r\n\u3000\xa0\ufeff\u200b"
BLANK_WORDS = ("", *"- -- － — —— – ― … …… ... .... / ／ \\ N/A n/a NA null NULL None".split())
TOTAL = r"^(?:.*\S)?(?:合[\s\x{3000}]*计|总[\s\x{3000}]*计|小[\s\x{3000}]*计)\s*[:：]?$|^(?i:(?:sub|grand )?total|sum)$"
FOOTNOTE = (
    r"^(?:[*＊※]|(?i:注|备注|说明|附注|注释|数据来源|资料来源|来源|数据说明|指标解释|制表人?|填表人?|填报人?|审核人?|复核人?|"
    r"单位负责人|统计负责人|负责人|联系人|联系电话|报出日期|填报单位|制表单位|notes?|sources?)\s*[\d一二三四]*\s*[:：、.．）)]|注[\s\x{3000}])"
)
_NUMBER_ROW = re.compile(r"甲|乙|丙|丁|戊|栏次|序号|[A-Z]|[(（]?\d{1,2}[)）]?|\d+=.+")
_MOST_UNITS = 50
Fixed = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Rows:
    """The rows of one sheet and what was set aside."""

    rows: pa.Table
    refused: pa.Table
    columns: dict[str, str]
    records: int
    notes: list[Finding] = field(default_factory=list)


def make_rows(
    body: Body,
    top: Top,
    layout: Layout,
    contract: Contract,
    given: Mapping[str, str],
    name: str,
    *,
    may_be_empty: bool = False,
) -> Rows:
    """Turn the rows below a head into rows of the contract's fields, all text.

    ``may_be_empty`` is for a stretch of a file, of which nothing but totals and footnotes may be left.

    Raises
    ------
    ContractError
        If no row is left, or a unit note cannot be understood.
    """
    place = top.sheet or name
    notes: list[Finding] = []
    cells = [_clean(body.cells[n]) for n in body.cells.column_names]
    ordinal, line = body.ordinal, body.line
    keep = _set_aside(cells, line, layout, contract, top, place, notes)
    if keep is not None:
        cells = [c.filter(keep) for c in cells]
        ordinal, line = ordinal.filter(keep), line.filter(keep)
    if not len(ordinal) and not body.refused and not may_be_empty:
        raise ContractError(make_finding("lake.no_rows", place))
    prefix = f"{top.sheet}!" if top.sheet else "line "
    base = {
        "_record": ordinal,
        "_where": pc.binary_join_element_wise(prefix, pc.cast(line, pa.string()), ""),
        FINDINGS_COLUMN: _problems(body, ordinal),
    }
    fixed = tuple(dict.fromkeys(use.fixed for use in layout.uses if use.fixed)) or ((),)
    constants = {**({contract.period_field: layout.period} if layout.period else {}), **given}
    units = _Units(layout, contract, given, cells, top)
    tables = [_combine(base, cells, layout, contract, combination, constants, units, top) for combination in fixed]
    rows = _join_spread(tables, layout, contract, fixed, place, notes)
    columns = {use.field: top.column(use.index) for use in layout.uses if not use.fixed}
    notes += units.notes(place)
    return Rows(rows, _refused(body), columns, int(pc.max(body.ordinal).as_py() or 0), notes)


def _clean(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Trim a column and make blank words null."""
    text = pc.utf8_trim(column, characters=_SPACE)
    return pc.if_else(pc.is_in(text, value_set=pa.array(BLANK_WORDS)), pa.scalar(None, pa.string()), text)


def _set_aside(
    cells: list[pa.ChunkedArray],
    line: pa.Array,
    layout: Layout,
    contract: Contract,
    top: Top,
    place: str,
    notes: list[Finding],
) -> pa.Array | None:
    """Tell records from blank rows, totals, footnotes and repeated heads; None when all rows are records."""
    if not cells or not len(line):
        return None
    first = pc.coalesce(*cells)
    blank = pc.is_null(first)
    heads = _repeated_heads(cells, first, layout, top)
    numbers = [u.index for u in layout.uses if contract.get_field(u.field).type in ("integer", "measure")]
    others = numbers or [u.index for u in layout.uses[1:]]
    has_value = _any_valid([cells[i] for i in others if i < len(cells)], len(line))
    marked = pc.fill_null(pc.match_substring_regex(first, FOOTNOTE), False)
    totals = _totals(cells, first, layout, contract)
    foot = pc.and_(marked, pc.invert(has_value))
    if pc.any(foot).as_py():
        begin = pc.index(foot, True).as_py()
        alone = pc.equal(_count_valid(cells), 1)
        after = pa.array([False] * begin + [True] * (len(line) - begin))
        foot = pc.or_(foot, pc.and_(pc.and_(alone, after), pc.invert(has_value)))
        foot = pc.and_(foot, pc.invert(totals))
    for kind, mask in (("totals", totals), ("footnotes", foot), ("repeated_head", heads)):
        count = pc.sum(mask).as_py() or 0
        if count:
            shown = pc.coalesce(first, pa.scalar("")).filter(mask)[:3].to_pylist()
            lines = line.filter(mask)[:3].to_pylist()
            more = "、".join(f"{text[:40]} ({number})" for text, number in zip(shown, lines, strict=True))
            notes.append(make_finding(f"lake.note.{kind}", place, count, more=more + ("…" if count > 3 else "")))
    drop = pc.or_(pc.or_(blank, totals), pc.or_(foot, heads))
    return pc.invert(drop) if pc.any(drop).as_py() else None


def _any_valid(columns: list[pa.ChunkedArray], length: int) -> pa.Array:
    if not columns:
        return pa.array([False] * length)
    return pc.is_valid(pc.coalesce(*columns))


def _count_valid(cells: list[pa.ChunkedArray]) -> pa.Array:
    count = pc.cast(pc.is_valid(cells[0]), pa.int32())
    for column in cells[1:]:
        count = pc.add(count, pc.cast(pc.is_valid(column), pa.int32()))
    return count


def _totals(cells: list[pa.ChunkedArray], first: pa.ChunkedArray, layout: Layout, contract: Contract) -> pa.Array:
    """Rows whose region says 合计, or whose first cell does and is not a value that the table knows."""
    is_total = pc.fill_null(pc.match_substring_regex(first, TOTAL), False)
    for use in layout.uses:
        kind = contract.get_field(use.field)
        if use.index >= len(cells):
            continue
        if kind.type == "code" and pc.any(is_total).as_py():
            known = pa.array(list(kind.code_words or {}), pa.string())
            own = pc.and_(pc.equal(cells[use.index], first), pc.is_in(cells[use.index], value_set=known))
            is_total = pc.and_(is_total, pc.invert(pc.fill_null(own, False)))
        elif kind.type == "region":
            is_total = pc.or_(is_total, pc.fill_null(pc.match_substring_regex(cells[use.index], TOTAL), False))
    return is_total


def _repeated_heads(cells: list[pa.ChunkedArray], first: pa.ChunkedArray, layout: Layout, top: Top) -> pa.Array:
    """Rows that say the head again, and the row of column numbers (甲 1 2 3) below it."""
    found: set[int] = set()
    rows = [[c for c in row if c] for row in top.rows[layout.first : layout.end]]
    for words in rows:
        if not words:
            continue
        for at in pc.indices_nonzero(pc.fill_null(pc.equal(first, words[0]), False)).to_pylist()[:1000]:
            texts = {text for c in cells if (text := c[at].as_py())}
            if len(texts) > 1 and texts <= set(words):
                found.add(at)
    numbers = [text for c in cells if (text := c[0].as_py())]
    plain = [text.strip("()（）") for text in numbers]
    if len(numbers) > 1 and all(_NUMBER_ROW.fullmatch(text) for text in numbers):
        counted = [int(p) for p in plain if p.isdigit()]
        if counted == list(range(1, len(counted) + 1)) and (len(counted) == len(plain) > 2 or not plain[0].isdigit()):
            found.add(0)
    mask = [False] * len(first)
    for at in found:
        mask[at] = True
    return pa.array(mask)


def _problems(body: Body, ordinal: pa.Array) -> pa.Array:
    if not body.problems:
        return pa.nulls(len(ordinal), pa.string())
    said = {n: json.dumps([f.to_json() for f in found], ensure_ascii=False) for n, found in body.problems.items()}
    return pa.array([said.get(n) for n in ordinal.to_pylist()], pa.string())


class _Units:
    """Which unit is said for each number: by its head, by a unit column, by a note, or when loading."""

    def __init__(
        self, layout: Layout, contract: Contract, given: Mapping[str, str], cells: list[pa.ChunkedArray], top: Top
    ) -> None:
        self._column: pa.ChunkedArray | None = None
        self._said: dict[str, str] = {}
        self._contract = contract
        if layout.unit_column is not None and layout.unit_column < len(cells):
            column = cells[layout.unit_column]
            words = pc.unique(column).drop_null().to_pylist()
            if words and len(words) <= _MOST_UNITS and all(is_unit(w) for w in words):
                self._column = column
        notes = tuple(layout.unit_notes) or ((given["unit"],) if "unit" in given else ())
        numbers = [f for f in contract.fields if f.unit]
        fits = {f.name: choose_unit(notes, f) for f in numbers}
        bare = [u for u in layout.uses if u.field in fits and not u.unit]
        if notes and bare and self._column is None and not any(fits.values()):
            unit = contract.get_field(bare[0].field)
            where = _where_said(top, layout, notes[0])
            known = " / ".join(list_written(unit.unit))
            raise ContractError(
                make_finding("lake.head_unit", where, "、".join(notes), known, field=unit.title, key=unit.name)
            )
        for use in bare:
            fitting = fits[use.field]
            if len(fitting) > 1 and self._column is None:
                about = contract.get_field(use.field)
                where = _where_said(top, layout, fitting[0])
                raise ContractError(
                    make_finding(
                        "lake.unit_unclear",
                        where,
                        "、".join(fitting),
                        " / ".join(fitting),
                        field=about.title,
                        key=about.name,
                    )
                )
            if fitting:
                self._said[use.field] = fitting[0]

    def of(self, field: Field, use: Use | None) -> pa.ChunkedArray | str | None:
        """The written unit of a field: one for all rows, one for each, or None."""
        if use is not None and use.unit:
            return use.unit
        return self._column if self._column is not None else self._said.get(field.name)

    def notes(self, place: str) -> list[Finding]:
        """Say which note was used for which fields."""
        by_unit: dict[str, list[str]] = {}
        for name, unit in self._said.items():
            by_unit.setdefault(unit, []).append(self._contract.get_field(name).title.zh)
        return [make_finding("lake.note.unit", place, unit, more="、".join(names)) for unit, names in by_unit.items()]


def _where_said(top: Top, layout: Layout, word: str) -> str:
    for row in range(layout.end):
        for index, text in enumerate(top.rows[row]):
            if word in text.replace(" ", ""):
                return top.cell(row, index)
    return top.sheet or "line 1"


def _combine(
    base: Mapping[str, pa.Array],
    cells: list[pa.ChunkedArray],
    layout: Layout,
    contract: Contract,
    fixed: Fixed,
    constants: Mapping[str, str],
    units: _Units,
    top: Top,
) -> pa.Table:
    """The rows of one combination of spread code and period; of all columns when there is none."""
    length = len(base["_record"])
    uses = {u.field: u for u in layout.uses if not u.fixed} | {
        u.field: u for u in layout.uses if fixed and u.fixed == fixed
    }
    varying = {u.field for u in layout.uses if u.fixed}
    words = {**constants, **dict(fixed)}
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    for f in contract.fields:
        use = uses.get(f.name)
        if use is not None and use.index < len(cells):
            columns[f.name] = cells[use.index]
        else:
            columns[f.name] = _repeat(words.get(f.name), length)
        if f.unit:
            unit = units.of(f, use)
            columns[f.name + UNIT_SUFFIX] = unit if isinstance(unit, pa.ChunkedArray) else _repeat(unit, length)
        if f.name in varying:
            columns[f.name + COLUMN_SUFFIX] = _repeat(top.column(use.index) if use else None, length)
    return pa.table({**columns, **base})


def _repeat(word: str | None, length: int) -> pa.Array:
    return pa.nulls(length, pa.string()) if word is None else pa.repeat(pa.scalar(word, pa.string()), length)


def _join_spread(
    tables: list[pa.Table],
    layout: Layout,
    contract: Contract,
    fixed: tuple[Fixed, ...],
    place: str,
    notes: list[Finding],
) -> pa.Table:
    """Put the combinations under one another; a blank cell of a wide sheet makes no row."""
    if fixed == ((),):
        return tables[0]
    kept, any_value = [], None
    for table, combination in zip(tables, fixed, strict=True):
        names = [u.field for u in layout.uses if u.fixed == combination]
        has = pc.is_valid(pc.coalesce(*[table[n] for n in names]))
        any_value = has if any_value is None else pc.or_(any_value, has)
        kept.append(table.filter(has))
    lonely = tables[0].filter(pc.invert(any_value))
    if lonely.num_rows:
        if any(contract.get_field(u.field).required for u in layout.uses if u.fixed):
            kept.append(lonely)
        else:
            more = "、".join(lonely["_where"][:3].to_pylist())
            notes.append(make_finding("lake.note.blank_records", place, lonely.num_rows, more=more))
    return pa.concat_tables(kept).sort_by([("_record", "ascending")])


def _refused(body: Body) -> pa.Table:
    told = [json.dumps([{**f.to_json(), "record": n}], ensure_ascii=False) for n, _, _, f in body.refused]
    rows = [
        {"_record": n, "_where": f.where, "raw": raw[:LONGEST_RAW], "findings": said}
        for (n, _, raw, f), said in zip(body.refused, told, strict=True)
    ]
    return pa.Table.from_pylist(rows, REFUSED_SCHEMA)
