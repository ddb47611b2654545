"""Landing: one sent file becomes rows of a table, refused rows with their sentences, and one journal line.

What a landing does to rows that the table holds already, by key: identical ones are counted as *already*;
different ones are refused, unless the file was sent as a correction, which rewrites the files that hold them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.books import Attachments, Line
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.lake.checking import RegionBook, check_rows
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract
from yucun.kernel.lake.findings import make_finding
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.parts import part_of
from yucun.kernel.lake.reading import read_file
from yucun.kernel.lake.store import REFUSED, Lake, NewFile, lineage

_MEDIA = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent, and what was said with it.

    Parameters
    ----------
    content : bytes
        The file itself; it is kept under its hash.
    name : str
        The name it was sent under.
    table : str
        The table it is for.
    by : str
        The account that sent it.
    given : mapping
        Values for fields that the file has no column for, e.g. the period or the source.
    is_correction : bool
        True when differing rows are to replace those the table holds.
    """

    content: bytes
    name: str
    table: str
    by: str
    given: Mapping[str, str]
    is_correction: bool = False

    @property
    def sha256(self) -> str:
        """Hash of the file as sent."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class _Read:
    """A file read and checked, before it meets the table."""

    good: pa.Table
    refused: pa.Table
    where: pa.Table
    records: int
    repeated: int
    notes: tuple[Finding, ...]
    is_readable: bool


@dataclass(slots=True)
class _Plan:
    """What a landing will do to the table."""

    added: list[NewFile]
    removed: list[str]
    refused: pa.Table
    landed: int = 0
    already: int = 0
    corrected: int = 0


def land(lake: Lake, attachments: Attachments, regions: RegionBook, sent: Sent, today: date) -> Landing:
    """Land one file: read, check, match, and commit in one transaction.

    Returns
    -------
    Landing
        Also for a file that cannot be read at all: it is kept, with the findings. The same file sent again in
        the same way is answered with the first landing, and nothing is done.

    Raises
    ------
    NotKnown
        If there is no such table.
    """
    contract = lake.get_contract(sent.table)
    lake.require_editions(sent.table)
    _, found = find_landed(lake, contract, sent.sha256, sent.given, is_correction=sent.is_correction)
    if found is not None:
        return found
    read = _read(contract, regions, sent, today)
    with lake.books.writing():
        key, found = find_landed(lake, contract, sent.sha256, sent.given, is_correction=sent.is_correction)
        if found is not None:
            return found
        kept = attachments.keep(
            sent.content, _MEDIA.get(sent.name.rsplit(".", 1)[-1].lower(), "application/octet-stream"), sent.name
        )
        plan = _match(lake, contract, sent, read, key)
        if plan.refused.num_rows:
            plan.added.append(lake.write_file(sent.table + REFUSED, "all", plan.refused, key))
        payload = {**_payload(sent, read, plan), **lake.edition_of(contract)}
        line, _ = lake.commit("lake.landed", key, payload, plan.added, plan.removed, [kept])
    return to_landing(line)


def to_landing(line: Line, *, is_repeat: bool = False) -> Landing:
    """Read a landing from its journal line."""
    said = line.payload
    return Landing(
        key=line.key,
        table=said["table"],
        file=said["file"],
        name=said["name"],
        records=said["records"],
        landed=said["landed"],
        refused=said["refused"],
        repeated=said["repeated"],
        already=said["already"],
        corrected=said["corrected"],
        seq=line.seq,
        at=line.at,
        by=said["by"],
        is_correction=said["is_correction"],
        given=said["given"],
        notes=tuple(said["notes"]),
        is_readable=said["is_readable"],
        is_repeat=is_repeat,
    )


def find_landed(
    lake: Lake, contract: Contract, file: str, given: Mapping[str, str], *, is_correction: bool
) -> tuple[str, Landing | None]:
    """The landing's key, and the landing itself if the same was done before and nothing has come between.

    A correction may rightly be sent again after others: then the table's newest landing is part of its key.
    """
    said = digest(canonical([file, dict(given), is_correction, contract.hash]))[:24]
    key = f"landed:{contract.name}:{said}"
    with lake.books.read() as tx:
        line = tx.find_line(key)
        if line is None or not is_correction:
            return key, to_landing(line, is_repeat=True) if line is not None else None
        newest = tx.row(
            "SELECT key, seq FROM lake_landing WHERE dataset = ? ORDER BY seq DESC LIMIT 1", (contract.name,)
        )
        if newest is not None and not str(newest[0]).startswith(key):
            return f"{key}:{newest[1]}", None
        line = tx.find_line(str(newest[0])) if newest else line
    return key, to_landing(line, is_repeat=True) if line is not None else None


def _read(contract: Contract, regions: RegionBook, sent: Sent, today: date) -> _Read:
    try:
        reading = read_file(sent.content, sent.name, contract, sent.given)
    except ContractError as error:
        empty = pa.schema([f for f in contract.schema if f.name != FILE_COLUMN]).empty_table()
        return _Read(empty, _no_refusals(), _no_refusals().select(["_record", "_where"]), 0, 0, error.findings, False)
    checked = check_rows(reading.rows, contract, regions, today, reading.columns)
    refused = pa.concat_tables(
        [reading.refused.select(_no_refusals().column_names), checked.refused.select(_no_refusals().column_names)]
    )
    records = pc.count_distinct(
        pa.chunked_array([*reading.rows["_record"].chunks, *reading.refused["_record"].chunks], pa.int64())
    ).as_py()
    return _Read(
        checked.good,
        refused,
        reading.rows.select(["_record", "_where"]),
        records,
        checked.repeated,
        reading.notes,
        True,
    )


def _no_refusals() -> pa.Table:
    return pa.table(
        {
            "_record": pa.array([], pa.int64()),
            "_where": pa.array([], pa.string()),
            "raw": pa.array([], pa.string()),
            "findings": pa.array([], pa.string()),
        }
    )


def _match(lake: Lake, contract: Contract, sent: Sent, read: _Read, key: str) -> _Plan:
    """Meet the table's own rows, partition by partition, and write the files that will be added."""
    plan = _Plan([], [], lineage_refused(read.refused, sent.sha256))
    new = lineage(read.good, sent.sha256)
    parts = part_of(contract, new)
    corrects = sent.is_correction or contract.existing == "correct"
    for part in pc.unique(parts).to_pylist():
        rows = new.filter(pc.equal(parts, part))
        same, different = _compare(lake, contract, rows, part)
        plan.already += same.num_rows
        drop = same.select([*contract.key])
        if different.num_rows and corrects:
            _rewrite(lake, contract, plan, part, different.select([*contract.key]), key)
            plan.corrected += different.num_rows
        elif different.num_rows:
            plan.refused = pa.concat_tables([plan.refused, _refuse_known(contract, sent, read, different)])
            drop = pa.concat_tables([drop, different.select([*contract.key])])
        keep = rows.join(drop, list(contract.key), join_type="left anti") if drop.num_rows else rows
        if keep.num_rows:
            ordered = keep.select(rows.column_names).sort_by([(k, "ascending") for k in contract.key])
            plan.added.append(lake.write_file(sent.table, part, ordered, key))
            plan.landed += keep.num_rows
    return plan


def lineage_refused(refused: pa.Table, file: str) -> pa.Table:
    """Put the hash of the sent file beside refused records."""
    return refused.append_column(FILE_COLUMN, pa.array([file] * refused.num_rows, pa.string()))


def _compare(lake: Lake, contract: Contract, rows: pa.Table, part: str) -> tuple[pa.Table, pa.Table]:
    """Rows whose key the table holds: identical ones, and different ones with ``held_`` columns beside."""
    held_files = lake.files(contract.name, parts=[part])
    if not held_files:
        return rows.slice(0, 0), rows.slice(0, 0)
    values = [f.name for f in contract.fields if f.name not in contract.key]
    held = lake.read(held_files, contract.schema)
    held = held.select(*contract.key, **{f"held_{n}": held[n] for n in [*values, FILE_COLUMN, RECORD_COLUMN]})
    both = lake.engine.memory(rows).inner_join(held, list(contract.key))
    is_same = None
    for name in values:
        equal = both[name].identical_to(both[f"held_{name}"])
        is_same = equal if is_same is None else is_same & equal
    found = lake.engine.run(both.mutate(_is_same=is_same if is_same is not None else True))
    flags = found["_is_same"]
    return found.filter(flags), found.filter(pc.invert(flags))


def _rewrite(lake: Lake, contract: Contract, plan: _Plan, part: str, keys: pa.Table, label: str) -> None:
    """Take corrected keys out of the files that hold them; other files stay as they are."""
    for file in lake.files(contract.name, parts=[part]):
        held = lake.engine.run(lake.read([file], contract.schema))
        keep = held.join(keys, list(contract.key), join_type="left anti")
        if keep.num_rows == held.num_rows:
            continue
        plan.removed.append(file.name)
        if keep.num_rows:
            plan.added.append(
                lake.write_file(contract.name, part, keep.select(held.column_names), f"{label}:{file.name}")
            )


def _refuse_known(contract: Contract, sent: Sent, read: _Read, different: pa.Table) -> pa.Table:
    """Refuse rows whose key is known with other values, naming the record that holds it."""
    values = [f.name for f in contract.fields if f.name not in contract.key]
    named = read.where.filter(pc.is_in(read.where["_record"], different[RECORD_COLUMN].combine_chunks()))
    known = dict(zip(named["_record"].to_pylist(), named["_where"].to_pylist(), strict=True))
    records, wheres, raws, findings = [], [], [], []
    for row in different.to_pylist():
        changed = [n for n in values if row[n] != row[f"held_{n}"]]
        held = ", ".join(f"{n}={row[f'held_{n}']}" for n in changed)
        found = ", ".join(f"{n}={row[n]}" for n in changed)
        where = known.get(row[RECORD_COLUMN], f"record {row[RECORD_COLUMN]}")
        finding = make_finding(
            "lake.key_known",
            where,
            found,
            Text.same(held),
            field=row[f"held_{FILE_COLUMN}"][:12],
            more=str(row[f"held_{RECORD_COLUMN}"]),
            key=", ".join(contract.key),
            record=row[RECORD_COLUMN],
        )
        records.append(row[RECORD_COLUMN])
        wheres.append(where)
        raws.append(json.dumps({n: row[n] for n in (*contract.key, *values)}, ensure_ascii=False, default=str)[:2000])
        findings.append(json.dumps([finding.to_json()], ensure_ascii=False))
    table = pa.table(
        {
            "_record": pa.array(records, pa.int64()),
            "_where": pa.array(wheres, pa.string()),
            "raw": pa.array(raws, pa.string()),
            "findings": pa.array(findings, pa.string()),
        }
    )
    return lineage_refused(table, sent.sha256)


def _payload(sent: Sent, read: _Read, plan: _Plan) -> dict[str, Any]:
    return {
        "table": sent.table,
        "file": sent.sha256,
        "name": sent.name,
        "by": sent.by,
        "given": dict(sent.given),
        "is_correction": sent.is_correction,
        "is_readable": read.is_readable,
        "records": read.records,
        "landed": plan.landed,
        "refused": _count_records(plan.refused),
        "repeated": read.repeated,
        "already": plan.already,
        "corrected": plan.corrected,
        "notes": [note.to_json() for note in read.notes],
    }


def _count_records(refused: pa.Table) -> int:
    return int(pc.count_distinct(refused["_record"]).as_py()) if refused.num_rows else 0
