"""Finding the head of a sheet: which rows it spans, and what each column below it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from yucun.base.errors import Finding
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.reading.head_words import (
    UNIT_HEADS,
    VALUE_WORDS,
    HeadWord,
    Known,
    find_period,
    find_unit_notes,
    is_unit_note,
    list_heads,
    say_closest,
    split_head,
    squash,
)
from yucun.kernel.lake.reading.model import HEAD_LEVELS, Layout, Top, Use
from yucun.kernel.lake.written_units import find_factor, list_written

Path = tuple[str, ...]
# How sure a column under nothing but a period is of being the table's figure.
BARE_PERIOD = 70


@dataclass(frozen=True, slots=True)
class Attempt:
    """One reading of a head: the layout, how well it fits, and what is wrong with it."""

    layout: Layout
    score: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def matched(self) -> int:
        """How many of the contract's fields were found."""
        return self.score[0]


def find_layout(top: Top, contract: Contract, given: Mapping[str, str]) -> Attempt:
    """Find the head rows that fit a contract best.

    Returns
    -------
    Attempt
        Its `findings` are empty when every required field has its column, its given value or its title.
    """
    known = Known.of(contract)
    best: Attempt | None = None
    noted, top = top, replace(top, rows=tuple(tuple("" if is_unit_note(c) else c for c in row) for row in top.rows))
    for first in range(len(top.rows)):
        for height in range(1, min(HEAD_LEVELS, len(top.rows) - first) + 1):
            if not all(any(row) for row in top.rows[first : first + height]):
                continue
            attempt = _try(top, contract, known, first, height)
            if attempt.matched and (best is None or attempt.score > best.score):
                best = attempt
    if best is None:
        return Attempt(Layout(0, 0, ()), (0,), (_no_head(noted, contract),))
    return _complete(noted, contract, known, given, best)


def _try(top: Top, contract: Contract, known: Known, first: int, height: int) -> Attempt:
    options = [(index, path, _options(paths, contract, known)) for index, path, paths in _paths(top, first, height)]
    direct = {use.field for _, _, uses in options for use in uses if not use.fixed and use.field != known.value}
    chosen: list[Use] = []
    for index, _, uses in options:
        usable = [u for u in uses if not any(name in direct for name, _ in u.fixed)]
        if usable:
            chosen.append(replace(max(usable, key=lambda u: u.strength), index=index))
    purposes: dict[tuple[str, tuple[tuple[str, str], ...]], list[Use]] = {}
    for use in chosen:
        purposes.setdefault((use.field, use.fixed), []).append(use)
    kept: list[Use] = []
    findings: list[Finding] = []
    for (name, _), uses in purposes.items():
        most = max(u.strength for u in uses)
        coded = _find_codes(uses, top, first + height, contract)
        strongest = coded if len(coded) == 1 else [u for u in uses if u.strength == most]
        kept.append(strongest[0])
        if len(strongest) > 1:
            cells = [(u.index, path) for u in strongest for i, path, _ in options if i == u.index]
            findings.append(_ambiguous(top, contract, name, cells, first + height - 1))
    used = {u.index for u in kept}
    units = [i for i, path, _ in options if i not in used and squash(path[-1]) in UNIT_HEADS]
    left = tuple(i for i, _, _ in options if i not in used and i not in units[:1])
    layout = Layout(first, height, tuple(kept), left, units[0] if units else None)
    is_named = any(u.strength != BARE_PERIOD for u in kept)  # a row of years alone is a row of data
    fields = {u.field for u in kept} | {name for u in kept for name, _ in u.fixed} if is_named else set()
    score = (len(fields), len(kept), sum(bool(u.unit) for u in kept), sum(u.strength for u in kept), -height, -first)
    return Attempt(layout, score, tuple(findings))


def _find_codes(uses: list[Use], top: Top, below: int, contract: Contract) -> list[Use]:
    """Of several columns for one region, those that hold codes: they say it without doubt."""
    if len(uses) < 2 or contract.get_field(uses[0].field).type != "region":
        return []
    columns = [[row[u.index] for row in top.rows[below:] if u.index < len(row) and row[u.index]] for u in uses]
    return [u for u, cells in zip(uses, columns, strict=True) if sum(map(_is_code, cells)) * 2 > len(cells)]


def _is_code(cell: str) -> bool:
    return re.fullmatch(r"\d{2,12}(\.0)?", cell) is not None


def _paths(top: Top, first: int, height: int) -> Iterator[tuple[int, Path, tuple[Path, ...]]]:
    """Each column's head from top to bottom, and the ways in which it may be read."""
    rows = top.rows[first : first + height]
    for index in range(max(map(len, rows))):
        cells = [row[index] if index < len(row) else "" for row in rows]
        plain = tuple(dict.fromkeys(c for c in cells if c))
        if not plain:
            continue
        ways = [plain]
        if not top.knows_merges and height > 1 and cells[-1]:
            filled = list(cells)
            for level in range(height - 1):
                if not filled[level] and not any(cells[:level]):
                    filled[level] = next((c for c in reversed(rows[level][:index]) if c), "")
            ways.insert(0, tuple(dict.fromkeys(c for c in filled if c)))
        yield index, plain, tuple(dict.fromkeys(ways))


def _options(ways: tuple[Path, ...], contract: Contract, known: Known) -> list[Use]:
    for path in ways:
        paths = dict.fromkeys((path, known.split_path(path)))
        uses = [u for p in paths for u in _read_path(p, contract, known) if _converts(u, contract)]
        if uses:
            return uses
    return []


def _converts(use: Use, contract: Contract) -> bool:
    unit = contract.get_field(use.field).unit
    return not use.unit or not unit or find_factor(use.unit, unit) is not None


def _read_path(path: Path, contract: Contract, known: Known) -> list[Use]:
    """Everything that a head may mean, each with its strength."""
    parts = [split_head(word) for word in path]
    unit = next((part.unit for part in reversed(parts) if part.unit), "")
    uses = [Use(0, name, (), unit, strength) for name, strength in _fields(path, parts, known)]
    for i, part in enumerate(parts):
        rest_path, rest = path[:i] + path[i + 1 :], parts[:i] + parts[i + 1 :]
        for code, names in known.codes.items():
            strength = part.strength(names)
            if strength and contract.spread:
                fixed = ((contract.spread.field, code),)
                uses += _under(fixed, strength, rest_path, rest, known, contract, unit)
        period = Period.find(path[i]) if known.period else None
        if period is not None:
            fixed = ((known.period, period.text),)
            inner = _read_path(rest_path, contract, known) if rest_path else []
            uses += [
                replace(u, fixed=(*u.fixed, *fixed), unit=u.unit or unit) for u in inner if u.field != known.period
            ]
            if not inner and known.value and all(set(p.all_names) <= VALUE_WORDS for p in rest):
                uses.append(Use(0, known.value, fixed, unit, BARE_PERIOD))
    whole = split_head("".join(path))
    for code, names in known.codes.items():
        if len(path) > 1 and whole.strength(names) and contract.spread:
            uses.append(Use(0, known.value, ((contract.spread.field, code),), unit, 95))
    return uses


def _fields(path: Path, parts: list[HeadWord], known: Known) -> Iterator[tuple[str, int]]:
    """Fields that a head names outright, wholly or by its lowest level."""
    if not path:
        return
    wholes = [split_head("".join(path[i:])) for i in range(len(path))]
    for name, names in known.fields.items():
        strength = max(
            (100 - 15 * i + whole.strength(names) for i, whole in enumerate(wholes) if whole.strength(names)), default=0
        )
        if not strength and len(parts) > 1 and any(n in VALUE_WORDS for n in parts[-1].all_names):
            strength = 50 + parts[-2].strength(names) if parts[-2].strength(names) else 0
        if not strength and name in known.usual and parts[-1].strength(known.usual[name]):
            strength = 20
        if strength:
            yield name, strength


def _under(
    fixed: tuple[tuple[str, str], ...],
    strength: int,
    path: Path,
    parts: list[HeadWord],
    known: Known,
    contract: Contract,
    unit: str,
) -> Iterator[Use]:
    """A column under a head of the spread: the value, or another number of the same record."""
    if not parts:
        yield Use(0, known.value, fixed, unit, 80 + strength)
        return
    filled = {name for name, _ in fixed}
    named = [(name, sure) for name, sure in _fields(path, parts, known) if name not in filled]
    for name, sure in named:
        if name not in contract.key:
            yield Use(0, name, fixed, unit, 85 + min(sure, 100) // 10)
    if not named:
        yield Use(0, known.value, fixed, unit, 40 + strength)


def _complete(top: Top, contract: Contract, known: Known, given: Mapping[str, str], best: Attempt) -> Attempt:
    """Take the period and units from titles, and say which required fields are still missing."""
    layout = best.layout
    above = list(dict.fromkeys(cell for row in top.rows[: layout.end] for cell in row if cell))
    titles = list(dict.fromkeys(cell for row in top.rows[: layout.first] for cell in row if cell))
    have = {u.field for u in layout.uses} | {name for u in layout.uses for name, _ in u.fixed} | set(given)
    period = source = ""
    if known.period and known.period not in have:
        for text, where in ((" ".join(titles), "title"), (top.sheet, "sheet")):
            found = find_period(text)
            if found is not None:
                period, source = found.text, where
                have.add(known.period)
                break
    layout = replace(layout, period=period, period_from=source, unit_notes=tuple(find_unit_notes(above)))
    missing = [
        _missing(top, contract, known, layout, f.name) for f in contract.fields if f.required and f.name not in have
    ]
    return replace(best, layout=layout, findings=(*best.findings, *missing))


def _missing(top: Top, contract: Contract, known: Known, layout: Layout, name: str) -> Finding:
    field = contract.get_field(name)
    row = layout.end - 1
    heads = [("".join(path), top.cell(row, i)) for i, path, _ in _paths(top, layout.first, layout.height)]
    names = known.fields[name] | (frozenset().union(*known.codes.values()) if name == known.value else frozenset())
    for head, cell in heads:
        part = split_head(head)
        if part.unit and part.strength(names) and field.unit and find_factor(part.unit, field.unit) is None:
            return make_finding(
                "lake.head_unit", cell, part.unit, " / ".join(list_written(field.unit)), field=field.title, key=name
            )
    found = "、".join(head for head, _ in heads)
    where = f"{top.sheet}!{top.lines[row]}" if top.sheet else f"line {top.lines[row]}"
    return make_finding(
        "lake.head_missing",
        where,
        found,
        list_heads(contract, field),
        field=field.title,
        more=say_closest(names, heads),
        key=name,
    )


def _ambiguous(top: Top, contract: Contract, name: str, columns: list[tuple[int, Path]], row: int) -> Finding:
    field = contract.get_field(name)
    found = "、".join(f"「{''.join(path)}」({top.cell(row, index)})" for index, path in columns)
    return make_finding(
        "lake.head_ambiguous",
        top.cell(row, columns[0][0]),
        found,
        list_heads(contract, field),
        field=field.title,
        key=name,
    )


def _no_head(top: Top, contract: Contract) -> Finding:
    found = " | ".join(cell for cell in (top.rows[0] if top.rows else ()) if cell)
    expected = ", ".join(f.title.zh for f in contract.fields if f.required)
    words = Text(expected, ", ".join(f.title.en for f in contract.fields if f.required))
    where = f"{top.sheet}!{top.lines[0]}" if top.sheet and top.lines else f"line {top.lines[0] if top.lines else 1}"
    return make_finding("lake.no_head", where, found, words)
