"""Cases in the books: opening, moving, clocks that are due, queues; the only file that knows how they are kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from yucun.base.errors import HistoryBroken, NotKnown, Yours
from yucun.base.period import WorkingCalendar
from yucun.base.text import Text
from yucun.kernel.books import Line, Migration, Organ, Projecting, ReadTransaction
from yucun.kernel.books.model import canonical
from yucun.kernel.books.reading import Question, Rows
from yucun.kernel.books.store import Look, WriteTransaction
from yucun.kernel.cases.model import (
    Case,
    CaseKind,
    CaseRefusal,
    Clock,
    MoveDone,
    Moving,
    Opening,
    Standing,
    Worked,
    refuse_case,
)
from yucun.kernel.cases.work import check_move, check_opening, move_clocks, start_clocks
from yucun.kernel.cases.written import (
    CASE,
    CASE_NAMES,
    CLOCK,
    case_from_row,
    clock_from_json,
    clock_from_row,
    clock_to_json,
    follow,
    instant,
    stamp,
)

# What tells when the next clock runs out and when the next one warns, each by an index of its own.
NEXT_DUE: tuple[Question, Question] = (
    ("SELECT min(due) FROM case_clock WHERE state = 'running'", ()),
    ("SELECT min(warn) FROM case_clock WHERE state = 'running'", ()),
)
# So many clocks are put by one statement.
_FEW_CLOCKS = 20
_MOVE = "case_no, version, seq, at, move, origin, destination, by_account, reason, clause, evidence, said"
_SET = ("unit", "officer", "region", "priority")


def _apply_opened(tx: Projecting, line: Line) -> None:
    rows = line.payload["cases"]
    tx.insert_many(
        "case_file",
        CASE_NAMES,
        [
            (
                one["no"], one["id"], one["kind"], one["state"], one["subject"], one["region"], one["unit"],
                one["officer"], canonical(one["co_units"]), one["priority"], 0, canonical(one["fields"]), "", "",
                one["parent"], line.at, line.at, line.at if one["is_final"] else None, line.seq, line.seq,
            )
            for one in rows
        ],
    )  # fmt: skip
    said = [(one, {k: one[k] for k in ("subject", "region", "unit", "officer", "fields")}) for one in rows]
    _insert_moves(tx, line, [(one["no"], 0, "open", "", one["state"], one, said) for one, said in said])
    _insert_clocks(tx, [(one["no"], clock) for one in rows for clock in one["clocks"]])


def _insert_moves(tx: Projecting, line: Line, rows: Iterable[tuple[int, int, str, str, str, Any, Any]]) -> None:
    tx.insert_many(
        "case_move",
        _MOVE.split(", "),
        [
            (
                no, version, line.seq, line.at, move, origin, to, one["by"], one["reason"], one["clause"],
                canonical(one.get("evidence", [])), canonical(said),
            )
            for no, version, move, origin, to, one, said in rows
        ],
    )  # fmt: skip


def _insert_clocks(tx: Projecting, clocks: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Put clocks as they now are; a few in one statement, in which a clock stands once."""
    rows = [
        (
            no, one["name"], one["state"], one["started"], canonical(one["limit"]), one["due"],
            int(one["is_provisional"]), canonical(one["left"]) if one["left"] else None, one["extensions"], one["warn"],
        )
        for no, one in {(no, one["name"]): (no, one) for no, one in clocks}.values()
    ]  # fmt: skip
    for first in range(0, len(rows), _FEW_CLOCKS):
        some = rows[first : first + _FEW_CLOCKS]
        places = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(some))
        tx.execute(
            f"INSERT INTO case_clock ({CLOCK}) VALUES {places} ON CONFLICT (case_no, name)"
            " DO UPDATE SET state = excluded.state, started = excluded.started, length = excluded.length,"
            " due = excluded.due, is_provisional = excluded.is_provisional, remaining = excluded.remaining,"
            " extensions = excluded.extensions, warn = excluded.warn",
            [value for row in some for value in row],
        )


def _apply_moved(tx: Projecting, line: Line) -> None:
    moves = line.payload["moves"]
    for one in moves:
        said = one["set"]
        columns = {name: said[name] for name in _SET if name in said}
        if "co_units" in said:
            columns["co_units"] = canonical(said["co_units"])
        columns |= {
            "state": one["to"],
            "version": one["version"],
            "fields": canonical(one["fields"]),
            "outcome": one["outcome"],
            "merged_into": one["into"],
            "changed_at": line.at,
            "changed_seq": line.seq,
            "closed_at": line.at if one["is_final"] else None,
        }
        changes = ", ".join(f"{name} = ?" for name in columns)
        tx.execute(f"UPDATE case_file SET {changes} WHERE no = ?", (*columns.values(), one["no"]))
    _insert_moves(
        tx,
        line,
        [
            (one["no"], one["version"], one["move"], one["origin"], one["to"], one,
             {"set": one["set"], "outcome": one["outcome"], "into": one["into"]})
            for one in moves
        ],
    )  # fmt: skip
    _insert_clocks(tx, [(one["no"], clock) for one in moves for clock in one["clocks"]])


def _apply_fired(tx: Projecting, line: Line) -> None:
    tx.execute_many(
        "UPDATE case_clock SET warn = NULL WHERE case_no = ? AND name = ?",
        [(one["no"], one["clock"]) for one in line.payload["clocks"] if one["what"] == "warn"],
    )
    tx.execute_many(
        "UPDATE case_clock SET state = 'late', warn = NULL WHERE case_no = ? AND name = ?",
        [(one["no"], one["clock"]) for one in line.payload["clocks"] if one["what"] == "due"],
    )


ORGAN = Organ(
    "cases",
    (
        Migration(
            1,
            "cases, moves, clocks",
            (
                "CREATE TABLE case_file (no BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
                " state TEXT NOT NULL, subject TEXT NOT NULL, region TEXT NOT NULL, unit TEXT NOT NULL,"
                " officer TEXT NOT NULL, co_units TEXT NOT NULL, priority BIGINT NOT NULL, version BIGINT NOT NULL,"
                " fields TEXT NOT NULL, outcome TEXT NOT NULL, merged_into TEXT NOT NULL, parent TEXT NOT NULL,"
                " opened_at TEXT NOT NULL, changed_at TEXT NOT NULL, closed_at TEXT, opened_seq BIGINT NOT NULL,"
                " changed_seq BIGINT NOT NULL)",
                "CREATE INDEX case_file_queue ON case_file (kind, state, priority, no)",
                "CREATE INDEX case_file_unit ON case_file (unit, state)",
                "CREATE INDEX case_file_officer ON case_file (officer, state)",
                "CREATE INDEX case_file_subject ON case_file (subject)",
                "CREATE TABLE case_move (case_no BIGINT NOT NULL, version BIGINT NOT NULL, seq BIGINT NOT NULL,"
                " at TEXT NOT NULL, move TEXT NOT NULL, origin TEXT NOT NULL, destination TEXT NOT NULL,"
                " by_account TEXT NOT NULL, reason TEXT NOT NULL, clause TEXT NOT NULL, evidence TEXT NOT NULL,"
                " said TEXT NOT NULL, PRIMARY KEY (case_no, version))",
                "CREATE TABLE case_clock (case_no BIGINT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,"
                " started TEXT NOT NULL, length TEXT NOT NULL, due TEXT, is_provisional BIGINT NOT NULL,"
                " remaining TEXT, extensions BIGINT NOT NULL, warn TEXT, PRIMARY KEY (case_no, name))",
                "CREATE INDEX case_clock_due ON case_clock (state, due)",
                "CREATE INDEX case_clock_warn ON case_clock (warn)",
            ),
        ),
    ),
    ("case_file", "case_move", "case_clock"),
    {"cases.opened": _apply_opened, "cases.moved": _apply_moved, "cases.fired": _apply_fired},
)


class Cases:
    """The cases of a city: kinds by name over the books.

    Parameters
    ----------
    kinds : mapping of str to CaseKind
        By ``service.kind``.
    calendar : WorkingCalendar
        For clocks that count working days.
    """

    def __init__(self, kinds: Mapping[str, CaseKind], calendar: WorkingCalendar) -> None:
        self.kinds = dict(kinds)
        self.calendar = calendar

    # -- writing ----------------------------------------------------------------------------------------------

    def open(self, tx: WriteTransaction, wishes: Sequence[Opening], key: str, *, all_or_none: bool = False) -> Worked:
        """Open cases; one journal line holds those that are new and allowed.

        Raises
        ------
        Yours
            Only under ``all_or_none``: the findings of all that were refused.
        """
        at = instant(tx.next_stamp())
        known = {str(row[0]) for row in tx.rows_in("SELECT id FROM case_file WHERE id IN (?)", {w.id for w in wishes})}
        number = _last_number(tx)
        rows: list[dict[str, Any]] = []
        already, refused = [], []
        for wish in wishes:
            kind = self.kinds.get(wish.kind)
            refusal = check_opening(kind, wish)
            if refusal is not None:
                refused.append(refusal)
            elif wish.id in known:
                already.append(wish.id)
            else:
                assert kind is not None
                number += 1
                known.add(wish.id)
                rows.append(self._row(kind, wish, number, at))
        _raise_refused(refused, all_or_none)
        if not rows:
            return Worked(0, (), tuple(already), tuple(refused))
        line, _ = tx.record("cases.opened", key, {"cases": rows})
        return Worked(line.seq, tuple(row["id"] for row in rows), tuple(already), tuple(refused))

    def _row(self, kind: CaseKind, wish: Opening, number: int, at: datetime) -> dict[str, Any]:
        clocks = start_clocks(wish, wish.clocks, at, self.calendar)
        return {
            "no": number,
            "id": wish.id,
            "kind": wish.kind,
            "state": kind.first,
            "is_final": kind.states[kind.first].is_final,
            "subject": wish.subject,
            "region": wish.region,
            "unit": wish.unit,
            "officer": wish.officer,
            "co_units": list(wish.co_units),
            "priority": wish.priority,
            "fields": {name: value for name, value in wish.fields.items() if value is not None},
            "parent": wish.parent,
            "by": wish.by.account,
            "reason": wish.reason,
            "clause": wish.clause,
            "clocks": [clock_to_json(clock) for clock in clocks.values()],
        }

    def move(self, tx: WriteTransaction, wishes: Sequence[Moving], key: str, *, all_or_none: bool = False) -> Worked:
        """Move cases, in order, each seeing what those before it did; one journal line holds those that are allowed.

        Raises
        ------
        Yours
            Only under ``all_or_none``: the findings of all that were refused.
        """
        if tx.find_line(key) is not None:
            return Worked(0, (), tuple(wish.case for wish in wishes), ())
        at = instant(tx.next_stamp())
        held = self._find(tx, {w.case for w in wishes} | {w.into for w in wishes if w.into})
        clocks = self._clocks(tx, [case.no for case in held.values()])
        rows: list[dict[str, Any]] = []
        refused = []
        for wish in wishes:
            case = held.get(wish.case)
            if case is None:
                refused.append(_unknown_case(wish.case))
                continue
            kind = self.kinds[case.kind]
            refusal = check_move(kind, case, clocks.get(case.no, {}), wish, held.get)
            if refusal is not None:
                refused.append(refusal)
                continue
            row, after, ticking = self._moved(kind, case, clocks.get(case.no, {}), wish, at)
            rows.append(row)
            held[case.id] = after
            clocks[case.no] = ticking
        _raise_refused(refused, all_or_none)
        if not rows:
            return Worked(0, (), (), tuple(refused))
        read = _read_of(tx)
        line, _ = tx.record("cases.moved", key, {"moves": rows})
        # Those that moved stand as the line says, all others as they were read.
        for said in line.payload["moves"]:
            read.note_move(said, line)
        tx.memo["cases"] = read
        return Worked(line.seq, tuple(row["id"] for row in rows), (), tuple(refused))

    def _moved(
        self, kind: CaseKind, case: Case, clocks: Mapping[str, Clock], wish: Moving, at: datetime
    ) -> tuple[dict[str, Any], Case, dict[str, Clock]]:
        move = kind.moves[wish.move]
        changed = move_clocks(move, clocks, wish, at, self.calendar)
        fields = {**case.fields, **{k: v for k, v in wish.set.items() if k in kind.fields}}
        fields = {name: value for name, value in fields.items() if value is not None}
        to = move.to or case.state
        is_final = kind.states[to].is_final
        if is_final:
            going = {n: c for n, c in {**clocks, **changed}.items() if c.state in ("running", "paused")}
            changed |= {name: _stopped(clock, at) for name, clock in going.items()}
        said = {name: wish.set[name] for name in wish.set if name not in kind.fields}
        row = {
            "no": case.no,
            "id": case.id,
            "kind": case.kind,
            "subject": case.subject,
            "region": wish.set.get("region", case.region),
            "unit": wish.set.get("unit", case.unit),
            "opened_at": stamp(case.opened_at),
            "version": case.version + 1,
            "move": move.name,
            "origin": case.state,
            "to": to,
            "is_final": is_final,
            "by": wish.by.account,
            "reason": wish.reason,
            "clause": wish.clause,
            "evidence": list(wish.evidence),
            "set": {**said, **({"co_units": list(said["co_units"])} if "co_units" in said else {})},
            "fields": fields,
            "outcome": wish.outcome or ("" if not is_final else case.outcome),
            "into": wish.into or (case.merged_into if is_final else ""),
            "clocks": [clock_to_json(clock) for clock in changed.values()],
        }
        after = follow(case, row, at)
        return row, after, {**clocks, **changed}

    def fire(self, tx: WriteTransaction, due: Sequence[tuple[Case, Clock, str]], key: str) -> Line | None:
        """Note that clocks have warned or run out, so that none does so twice."""
        if not due:
            return None
        said = [{"no": case.no, "id": case.id, "clock": clock.name, "what": what} for case, clock, what in due]
        return tx.record("cases.fired", key, {"clocks": said})[0]

    # -- reading ----------------------------------------------------------------------------------------------

    def list_due(self, tx: ReadTransaction, now: datetime, most: int = 500) -> list[tuple[Case, Clock, str]]:
        """Clocks that ran out, or whose warning came, at or before an instant; the oldest first."""
        until = stamp(now)
        due = tx.rows(
            f"SELECT {CLOCK} FROM case_clock WHERE state = 'running' AND due < ? ORDER BY due, case_no LIMIT ?",
            (until, most),
        )
        warned = tx.rows(
            f"SELECT {CLOCK} FROM case_clock WHERE state = 'running' AND warn <= ? AND due >= ?"
            " ORDER BY warn, case_no LIMIT ?",
            (until, until, most),
        )
        cases = {case.no: case for case in self._by_number(tx, {row[0] for row in (*due, *warned)})}
        found = [(cases[row[0]], clock_from_row(row), "due") for row in due]
        return (found + [(cases[row[0]], clock_from_row(row), "warn") for row in warned])[:most]

    def next_due(self, tx: ReadTransaction) -> datetime | None:
        """When the next clock warns or runs out; None when none runs."""
        stamps = [row[0] for sql, values in NEXT_DUE if (row := tx.row(sql, values)) and row[0] is not None]
        return instant(min(stamps)) if stamps else None

    def find(self, tx: ReadTransaction, case_id: str) -> Case | None:
        """Return a case by id, or None."""
        return self._find(tx, {case_id}).get(case_id)

    @staticmethod
    def question(number: int) -> Question:
        """What `get` asks the books for a case by number, for who asks ahead."""
        return f"SELECT {CASE} FROM case_file WHERE no = ?", (number,)

    def get(self, tx: ReadTransaction, case: str | int) -> Case:
        """Return a case by id or number, or raise `NotKnown`."""
        if isinstance(case, int):
            row = tx.row(*self.question(case))
            found = case_from_row(row) if row else None
        else:
            found = self.find(tx, case)
        if found is None:
            raise NotKnown(_unknown_case(str(case)).finding)
        return found

    def ahead(self, tx: WriteTransaction, ids: Collection[str]) -> list[Look]:
        """What to ask so that the cases, with their clocks, that a batch of events is about are read in one go."""
        if not ids:
            return []
        read = _read_of(tx)

        def take_cases(rows: Rows) -> None:
            read.cases.update(dict.fromkeys(ids))
            for case in map(case_from_row, rows):
                read.cases[case.id] = case
                read.clocks[case.no] = {}

        def take_clocks(rows: Rows) -> None:
            for row in rows:
                read.clocks[row[0]][row[1]] = clock_from_row(row)

        return [
            (f"SELECT {CASE} FROM case_file WHERE id IN (?)", ids, take_cases),
            (
                f"SELECT {CLOCK} FROM case_clock WHERE case_no IN (SELECT no FROM case_file WHERE id IN (?))",
                ids,
                take_clocks,
            ),
        ]

    def list_known(self, tx: WriteTransaction, ids: Iterable[str]) -> dict[str, Standing]:
        """Those of some cases that stand as this transaction has read or moved them; nothing is read for it."""
        read = _read_of(tx)
        found = [case for name in ids if (case := read.cases.get(name)) is not None and case.no in read.clocks]
        return {case.id: Standing(case, dict(read.clocks[case.no])) for case in found}

    def clocks(self, tx: ReadTransaction, case: Case) -> dict[str, Clock]:
        """Return the clocks of a case by name."""
        return self._clocks(tx, [case.no]).get(case.no, {})

    def clocks_of(self, tx: ReadTransaction, cases: Sequence[Case]) -> dict[int, dict[str, Clock]]:
        """Return the clocks of many cases, by number and name."""
        return self._clocks(tx, [case.no for case in cases])

    def history(self, tx: ReadTransaction, case: Case) -> list[MoveDone]:
        """Return all moves of a case, the opening first."""
        rows = tx.rows(f"SELECT {_MOVE} FROM case_move WHERE case_no = ? ORDER BY version", (case.no,))
        return [
            MoveDone(
                case.id, row[1], row[2], instant(row[3]), row[4], row[5], row[6], row[7], row[8], row[9],
                tuple(json.loads(row[10])), json.loads(row[11]),
            )
            for row in rows
        ]  # fmt: skip

    def list_cases(
        self,
        tx: ReadTransaction,
        kind: str = "",
        *,
        states: Sequence[str] = (),
        unit: str = "",
        officer: str = "",
        subject: str = "",
        is_open: bool | None = None,
        after: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[Case]:
        """Return cases of a queue: the most urgent first, then by number; or the newest first.

        Parameters
        ----------
        after : int
            With ``newest_first``: cases whose number is below this one (0: from the newest on).
        """
        where: list[str] = ["1 = 1"]
        values: list[Any] = []
        for column, value in (("kind", kind), ("unit", unit), ("officer", officer), ("subject", subject)):
            if value:
                where.append(f"{column} = ?")
                values.append(value)
        if states:
            where.append(f"state IN ({', '.join('?' * len(states))})")
            values.extend(states)
        if is_open is not None:
            where.append(f"closed_at IS {'' if is_open else 'NOT '}NULL")
        if after and newest_first:
            where.append("no < ?")
            values.append(after)
        order = "no DESC" if newest_first else "priority DESC, no"
        sql = f"SELECT {CASE} FROM case_file WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?"
        rows = tx.rows(sql, (*values, limit))
        return [case_from_row(row) for row in rows]

    def count(self, tx: ReadTransaction, kind: str) -> dict[str, int]:
        """How many cases of a kind stand in each state."""
        rows = tx.rows("SELECT state, count(*) FROM case_file WHERE kind = ? GROUP BY state", (kind,))
        return {str(state): int(number) for state, number in rows}

    def check(self, tx: ReadTransaction) -> int:
        """Recount cases from their moves; return how many there are.

        Raises
        ------
        Ours
            If a case has not exactly one history that ends where it stands.
        """
        return _check(tx)

    def _find(self, tx: ReadTransaction, ids: set[str]) -> dict[str, Case]:
        """Cases by id; a decision and the move that follows read the same ones, so a writer reads them once."""
        held = _read_of(tx).cases
        missing = ids - held.keys()
        if missing:
            rows = tx.rows_in(f"SELECT {CASE} FROM case_file WHERE id IN (?)", missing)
            held.update(dict.fromkeys(missing))
            held.update((case.id, case) for case in map(case_from_row, rows))
        return {name: case for name in ids if (case := held[name]) is not None}

    def _by_number(self, tx: ReadTransaction, numbers: set[int]) -> list[Case]:
        return [case_from_row(row) for row in tx.rows_in(f"SELECT {CASE} FROM case_file WHERE no IN (?)", numbers)]

    def _clocks(self, tx: ReadTransaction, numbers: Sequence[int]) -> dict[int, dict[str, Clock]]:
        held = _read_of(tx).clocks
        missing = set(numbers) - held.keys()
        if missing:
            held.update((number, {}) for number in missing)
            for row in tx.rows_in(f"SELECT {CLOCK} FROM case_clock WHERE case_no IN (?)", missing):
                held[row[0]][row[1]] = clock_from_row(row)
        return {number: dict(held[number]) for number in numbers}


@dataclass(frozen=True, slots=True)
class _Read:
    """What a transaction has read of cases: by id, with None for an id that no case has, and clocks by number."""

    cases: dict[str, Case | None] = field(default_factory=dict)
    clocks: dict[int, dict[str, Clock]] = field(default_factory=dict)

    def note_move(self, said: Mapping[str, Any], line: Line) -> None:
        """Let a case and its clocks stand as a line of the journal leaves them, so that nobody reads them again."""
        case = self.cases[said["id"]]
        assert case is not None
        self.cases[case.id] = replace(follow(case, said, instant(line.at)), changed_seq=line.seq)
        self.clocks[case.no] |= {clock["name"]: clock_from_json(clock) for clock in said["clocks"]}


def _read_of(tx: ReadTransaction) -> _Read:
    """What a writer has read since cases changed last; a reader keeps nothing."""
    if not isinstance(tx, WriteTransaction):
        return _Read()
    read: _Read = tx.memo.setdefault("cases", _Read())
    return read


def _last_number(tx: ReadTransaction) -> int:
    row = tx.row("SELECT max(no) FROM case_file")
    return int(row[0]) if row and row[0] is not None else 0


def _raise_refused(refused: Sequence[CaseRefusal], all_or_none: bool) -> None:
    if refused and all_or_none:
        raise Yours([one.finding for one in refused])


def _unknown_case(case: str) -> CaseRefusal:
    return refuse_case(case[:120], "unknown_case", case, "a case in the books", Text(
        f"没有编号为「{case[:120]}」的事项", f"there is no case '{case[:120]}'"))  # fmt: skip


def _stopped(clock: Clock, at: datetime) -> Clock:
    is_late = clock.due is not None and at > clock.due
    return replace(clock, state="late" if is_late else "stopped", warn=None)


def _check(tx: ReadTransaction) -> int:
    count = 0
    sql = (
        "SELECT c.no, c.id, c.state, c.version, m.version, m.origin, m.destination FROM case_file c"
        " LEFT JOIN case_move m ON m.case_no = c.no ORDER BY c.no, m.version"
    )
    for (no, case_id, state, version), moves in groupby(tx.each_row(sql), key=lambda row: row[:4]):
        told = [row[4:] for row in moves]
        count += 1
        ends = [to for _, _, to in told]
        follows = [origin for _, origin, _ in told[1:]]
        if [v for v, _, _ in told] != list(range(version + 1)) or ends[:-1] != follows or ends[-1] != state:
            raise HistoryBroken(f"case {no} ({case_id}) stands at '{state}', step {version}, but its moves say {told}")
    return count
