"""Examples of a service: given, when, then, in words that an official can read; each is run as a test.

::

    [D36]
    title = { zh = "…", en = "…" }
    clause = { zh = "…", en = "…" }                  # the document or case that it shows
    given = { zh = "…", en = "…" }
    when = { zh = "…", en = "…" }
    then = { zh = "…", en = "…" }
    [[D36.tables]]
    table = "income"
    rows = '''
    region,period,residence,income_yuan
    330500,2021,urban,67983
    '''
    [[D36.asks]]
    number = "urban_rural_ratio"
    region = "330500"
    period = "2021"
    decimals = 4
    is = "1.6460"

An ask may have ``mark`` (the number must be missing so), or ``trend_to`` (a second period that must be refused).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding, NotComparable
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.indicators.numbers import Numbers
from yucun.kernel.indicators.show import exact_number, write_number


@dataclass(frozen=True, slots=True)
class GivenTable:
    """Rows that an example starts from, as CSV."""

    table: str
    rows: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked, and what must come."""

    number: str
    region: RegionCode
    period: Period
    decimals: int
    answer: str
    mark: str = ""
    trend_to: Period | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One example, in words and as something that can be run."""

    id: str
    title: Text
    clause: Text
    given: Text
    when: Text
    then: Text
    tables: tuple[GivenTable, ...]
    asks: tuple[Ask, ...]


def read_examples(path: Path, service: str) -> tuple[list[Example], list[Finding]]:
    """Read an ``examples.toml``; examples and all findings."""
    said = Declaration.read(path, f"{service}/{path.name}")
    return [_read_one(said, service, name, table) for name, table in said.values.items()], said.findings


def _read_one(said: Declaration, service: str, name: str, table: Any) -> Example:
    table = table if isinstance(table, dict) else {}
    path = (name,)
    said.refuse_unknown(table, path, ("title", "clause", "given", "when", "then", "tables", "asks"))
    words = {key: said.take_text(table, path, key) for key in ("title", "clause", "given", "when", "then")}
    tables = tuple(
        GivenTable(
            _full(service, str(said.take(t, (*path, "tables"), "table", str))),
            str(said.take(t, (*path, "tables"), "rows", str)).strip() + "\n",
        )
        for t in said.take(table, path, "tables", list, [])
    )
    asks = tuple(_read_ask(said, service, (*path, "asks"), a) for a in said.take(table, path, "asks", list))
    return Example(name, **words, tables=tables, asks=asks)


def _full(service: str, name: str) -> str:
    return name if "." in name else f"{service}.{name}"


def _read_ask(said: Declaration, service: str, path: tuple[str, ...], table: Mapping[str, Any]) -> Ask:
    said.refuse_unknown(table, path, ("number", "region", "period", "decimals", "is", "mark", "trend_to"))
    later = said.take(table, path, "trend_to", str, "")
    return Ask(
        number=_full(service, said.take(table, path, "number", str)),
        region=RegionCode.parse(said.take(table, path, "region", str)),
        period=Period.parse(said.take(table, path, "period", str)),
        decimals=said.take(table, path, "decimals", int, 2),
        answer=said.take(table, path, "is", str, ""),
        mark=said.take(table, path, "mark", str, ""),
        trend_to=Period.parse(later) if later else None,
    )


def run_example(example: Example, numbers: Numbers) -> list[str]:
    """Ask everything of an example; return a line for each answer that is not as it says.

    The tables must have been landed and the numbers refreshed before.
    """
    return [line for ask in example.asks if (line := _run(ask, numbers))]


def _run(ask: Ask, numbers: Numbers) -> str:
    what = f"{ask.number} {ask.region.short} {ask.period.text}"
    if ask.trend_to is not None:
        try:
            numbers.trend(ask.number, ask.region, ask.period, ask.trend_to)
        except NotComparable:
            return ""
        return f"{what}: a trend to {ask.trend_to.text} was not refused"
    value = numbers.value(ask.number, ask.region, ask.period)
    if ask.mark or value.mark is not None:
        found = value.mark.kind if value.mark else "a number"
        return "" if found == ask.mark else f"{what}: {found}, expected {ask.mark or ask.answer}"
    cell = numbers.find_cell_of(value)
    exact = exact_number(numbers.get(ask.number), cell) if cell is not None else None
    written = "" if exact is None else write_number(Fraction(exact), ask.decimals).replace(",", "")
    return "" if written == ask.answer.replace(",", "") else f"{what}: {written}, expected {ask.answer}"
