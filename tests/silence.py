"""Feeds of a whole city that come, stay away and return: files of the next period made from the newest one, and what rests on a table."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path

from yucun.base.period import Period
from yucun.city import SERVICES, City
from yucun.kernel.lake.running.corrections import head_of, write_value

_NOT_PARTS = ("check", "checks", "targets", "published", "title", "meaning")


def make_file(city: City, table: str, year: int) -> bytes:
    """The newest year's rows of a table once more, for another year; the contract's example where it holds none."""
    contract = city.lake.get_contract(table)
    rows = city.lake.engine.run(city.lake.table(table)).to_pylist() or [dict(contract.example)]
    name = contract.period_field
    last = max(Period.parse(str(row[name])).end.year for row in rows)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([head_of(field) for field in contract.fields])
    for row in rows:
        if str(row[name]).startswith(str(last)):
            moved = {**row, name: str(row[name]).replace(str(last), str(year), 1)}
            writer.writerow([write_value(moved.get(field.name), field) for field in contract.fields])
    return buffer.getvalue().encode()


def read_dependencies(services: Path = SERVICES) -> dict[str, set[str]]:
    """Read from the declarations alone which tables each number rests on; what is not awaited does not count."""
    said = {
        f"{path.parent.name}.{name}": (path.parent.name, one)
        for path in services.glob("*/indicators.toml")
        for name, one in tomllib.loads(path.read_text(encoding="utf-8")).items()
    }
    done: dict[str, set[str]] = {}

    def tables(name: str) -> set[str]:
        if name not in done:
            done[name] = set()
            service, one = said[name]
            if one.get("awaited", True):
                done[name] = _own_tables(one, service).union(*(tables(other) for other in _others(one, service, said)))
        return done[name]

    return {name: tables(name) for name in said}


def _full(name: str, service: str) -> str:
    return name if "." in name else f"{service}.{name}"


def _own_tables(one: object, service: str) -> set[str]:
    """Every table that the parts name, wherever it stands; checks and targets are not parts."""
    if isinstance(one, list):
        return set().union(*(_own_tables(item, service) for item in one))
    if not isinstance(one, dict):
        return set()
    below = (_own_tables(item, service) for key, item in one.items() if key not in _NOT_PARTS)
    own = {_full(one["table"], service)} if isinstance(one.get("table"), str) else set()
    return own.union(*below)


def _others(one: object, service: str, said: dict[str, tuple[str, dict[str, object]]]) -> set[str]:
    """Every other indicator that the definition names, wherever it stands; checks and targets are not parts."""
    found: set[str] = set()

    def visit(value: object) -> None:
        if isinstance(value, str) and _full(value, service) in said:
            found.add(_full(value, service))
        elif isinstance(value, list):
            for item in value:
                visit(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                if key not in _NOT_PARTS:
                    visit(item)

    visit(one)
    return found
