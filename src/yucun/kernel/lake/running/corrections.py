"""Correcting refused records: as rows that can be edited, as one file that is sent again, and what became of each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.books import Attachments
from yucun.kernel.lake.checking.numbers import unit_when_unsaid
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.reading import read_file
from yucun.kernel.lake.reading.model import UNIT_SUFFIX
from yucun.kernel.lake.running.store import ASIDE, Corrected
from yucun.kernel.lake.written_units import find_factor, list_written

Key = tuple[int, int]
Draft = Mapping[Key, Mapping[str, str]]
# The column of a corrections file that names the record it corrects; no table has a field of this name.
RECORD_HEAD = "原记录号"
LONGEST_CELL = 2000


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row of a refused record, as it can be edited; a record of a wide sheet has several.

    Parameters
    ----------
    record, part : int
        The record in the sent file, and the row within it, from 0.
    fields : mapping of str to str
        As it was written, with the unit where the file's head said one.
    wrong : mapping of str to tuple of Text
        Field to the sentences that refused it.
    said : tuple of Text
        Sentences about the record as a whole.
    kinds : tuple of str
        The kinds of faults, by which rows are filtered.
    raw : str
        The line itself, where it could not be put into columns.
    changed : mapping of str to str
        What the clerk has changed so far.
    is_aside : bool
        True when the clerk wants it left out.
    settled : Corrected or None
        What became of it, once it was sent again.
    """

    record: int
    part: int
    where: str
    fields: Mapping[str, str]
    wrong: Mapping[str, tuple[Text, ...]]
    said: tuple[Text, ...]
    kinds: tuple[str, ...]
    raw: str = ""
    changed: Mapping[str, str] | None = None
    is_aside: bool = False
    settled: Corrected | None = None

    @property
    def now(self) -> dict[str, str]:
        """The row with the clerk's changes."""
        return {**self.fields, **(self.changed or {})}

    @property
    def sentences(self) -> tuple[Text, ...]:
        """Everything that refused it, fields first."""
        return (*(s for said in self.wrong.values() for s in said), *self.said)


def list_rows(
    refused: pa.Table,
    contract: Contract,
    *,
    draft: Draft | None = None,
    settled: Mapping[int, Corrected] | None = None,
    reread: Mapping[int, Sequence[Mapping[str, str]]] | None = None,
) -> list[RefusedRow]:
    """Take refused records apart into rows of fields, with what is wrong in which cell.

    Parameters
    ----------
    refused : pa.Table
        ``_record``, ``_where``, ``raw`` and ``findings``, as quarantine keeps them.
    reread : mapping of int to sequence of mapping
        Rows of records whose kept text was cut short, read again from the sent file.
    """
    by_record: dict[int, list[Mapping[str, Any]]] = {}
    for row in refused.to_pylist():
        by_record.setdefault(int(row["_record"]), []).append(row)
    found: list[RefusedRow] = []
    for record, rows in by_record.items():
        findings = [f for row in rows for f in json.loads(row["findings"])]
        parts = (reread or {}).get(record) or _take_apart(rows, contract)
        raw = "" if parts else str(rows[0]["raw"])
        for part, fields in enumerate(parts or [{}]):
            wrong, said = _sort_findings(findings, contract, fields)
            mine = dict((draft or {}).get((record, part), {}))
            is_aside = bool(mine.pop(ASIDE, ""))
            found.append(
                RefusedRow(
                    record,
                    part,
                    str(rows[0]["_where"]),
                    {f.name: fields.get(f.name, "") for f in contract.fields},
                    wrong,
                    said,
                    tuple(dict.fromkeys(str(f["kind"]) for f in findings)),
                    raw,
                    mine,
                    is_aside,
                    (settled or {}).get(record),
                )
            )
    return found


def cut_short(refused: pa.Table, contract: Contract) -> list[int]:
    """Return the records whose kept text was cut, so that the sent file must be read again for them."""
    first = contract.fields[0].name
    return [
        int(row["_record"])
        for row in refused.to_pylist()
        if str(row["raw"]).startswith(f'{{"{first}": ') and _read_lines(str(row["raw"])) is None
    ]


def read_again(
    attachments: Attachments, landing: Landing, contract: Contract, records: Sequence[int]
) -> dict[int, list[dict[str, str]]]:
    """Read records of a sent file once more, whole; empty where the file cannot be had or read any more."""
    if not records:
        return {}
    try:
        reading = read_file(attachments.get(landing.file), landing.name, contract, landing.given)
    except ContractError:
        return {}
    wanted = set(records)
    found: dict[int, list[dict[str, str]]] = {}
    for row in reading.rows.to_pylist():
        if row["_record"] in wanted:
            fields = {
                f.name: _with_unit(str(row[f.name] or ""), row.get(f.name + UNIT_SUFFIX) or "", f)
                for f in contract.fields
            }
            found.setdefault(int(row["_record"]), []).append(fields)
    return found


def _take_apart(rows: Sequence[Mapping[str, Any]], contract: Contract) -> list[dict[str, str]]:
    lines = [line for row in rows for line in (_read_lines(str(row["raw"])) or [])]
    return [{f.name: write_value(line.get(f.name), f) for f in contract.fields} for line in lines]


def _read_lines(raw: str) -> list[dict[str, Any]] | None:
    """The rows of a record as quarantine writes them, one JSON object a line; None for anything else."""
    try:
        lines = [json.loads(line) for line in raw.split("\n")]
    except ValueError:
        return None
    return lines if all(isinstance(line, dict) for line in lines) else None


def write_value(value: Any, field: Field) -> str:
    """A value as people write it: texts as they were written, kept amounts back in their written unit."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (int, float)) and field.unit:
        unit = unit_when_unsaid(field) or next(iter(list_written(field.unit)), "")
        factor = find_factor(unit, field.unit) if unit else None
        if factor:
            return f"{_decimal(Fraction(str(value)) / factor)}{unit}"
    return str(value)


def _decimal(number: Fraction) -> str:
    return f"{(Decimal(number.numerator) / Decimal(number.denominator)).normalize():f}"


def _with_unit(text: str, unit: str, field: Field) -> str:
    is_bare = bool(text) and text[-1].isdigit()
    return f"{text}{unit}" if is_bare and unit and unit != unit_when_unsaid(field) else text


def _sort_findings(
    findings: Sequence[Mapping[str, Any]], contract: Contract, fields: Mapping[str, str]
) -> tuple[dict[str, tuple[Text, ...]], tuple[Text, ...]]:
    """Put each finding on the cells that it names; in a record of several rows, on those that hold what was found."""
    names = {f.name for f in contract.fields}
    wrong: dict[str, tuple[Text, ...]] = {}
    said: list[Text] = []
    for finding in findings:
        sentence = Text.from_json(finding["message"])
        cells = [n.strip() for n in str(finding["key"]).split(",") if n.strip() in names]
        if len(cells) == 1 and fields and not _may_mean(str(finding["found"]), fields.get(cells[0], "")):
            continue
        for name in cells:
            wrong[name] = (*wrong.get(name, ()), sentence)
        if not cells:
            said.append(sentence)
    return wrong, tuple(said)


def _may_mean(found: str, cell: str) -> bool:
    head = found.rstrip("…")
    return not found or not cell or cell.startswith(head) or head.startswith(cell)


# -- sending again ----------------------------------------------------------------------------------------------


def head_of(field: Field) -> str:
    """The head of a column of a corrections file; a number says its unit, so that a bare figure means one thing."""
    unit = unit_when_unsaid(field) if field.unit else ""
    return f"{field.name}（{unit}）" if unit else field.name


def write_corrections(contract: Contract, rows: Iterable[RefusedRow]) -> bytes:
    """Write corrected rows as the file that is sent again: CSV in UTF-8, each row naming the record that it corrects."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*(head_of(f) for f in contract.fields), RECORD_HEAD])
    for row in rows:
        now = row.now
        writer.writerow([*(_one_line(now[f.name]) for f in contract.fields), row.record])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8")


def _one_line(value: str) -> str:
    return " ".join(value.split("\n"))[:LONGEST_CELL]


def choose_rows(rows: Sequence[RefusedRow], *, everything: bool = False) -> list[RefusedRow]:
    """Return the rows to be sent again: every row of a record in which something was changed, unless it is left out.

    Parameters
    ----------
    everything : bool
        Also records in which nothing was changed: what was wrong may lie outside them, such as a region not yet known.
    """
    open_rows = [row for row in rows if row.settled is None and not row.is_aside]
    touched = {row.record for row in open_rows if everything or row.changed}
    return [row for row in open_rows if row.record in touched]


def nothing_to_send() -> Finding:
    """The finding of a correction in which nothing was changed."""
    return Finding(
        "feeds.nothing_changed",
        "correction",
        "0",
        "1 …",
        Text(
            "还没有改动任何一条；请先改正，或选择“没改的也重送”",
            "nothing has been changed yet; correct a row first, or choose to send unchanged ones too",
        ),
    )
