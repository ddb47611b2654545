"""The trail of who looked: noted in memory per worker and purpose, written in batches, chained, never changed.

A look at L1 is not noted. Looks of one reader at one thing under one purpose are one row of a batch, with how
many looks and rows there were, and which people were named. A batch's hash covers its rows and the batch
before, so that a row that is changed or taken out shows.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from yucun.base.clock import Clock
from yucun.base.errors import JournalBroken
from yucun.base.identity import PersonId, RegionCode
from yucun.base.text import Text
from yucun.kernel.access.check import may_do
from yucun.kernel.access.levels import about_of
from yucun.kernel.access.model import Reader, Refused, Sensitivity, Sheet, Verb, require
from yucun.kernel.books import Books, ReadTransaction, WriteTransaction
from yucun.kernel.books.model import canonical, digest

_GENESIS = "0" * 64
_ROW = "first_at, last_at, account, verb, purpose, what, fields, region, looks, shown"
_LARGEST_BATCH = 1000
_PERSON = re.compile(r"P[0-9A-Z]{6,30}")


@dataclass(frozen=True, slots=True)
class Look:
    """One row of the trail.

    Parameters
    ----------
    first_at, last_at : str
        Instants of the first and last look that the row stands for, by the city's clock.
    account, verb, purpose : str
        Who did what, under which purpose.
    what : str
        Table, number, page or file.
    fields : str
        Names of the fields shown, with commas.
    region : str
        The region asked for, twelve digits; empty for none.
    looks, shown : int
        How often, and how many rows in all.
    batch : int
        The batch in which it was written.
    """

    first_at: str
    last_at: str
    account: str
    verb: str
    purpose: str
    what: str
    fields: str
    region: str
    looks: int
    shown: int
    batch: int = 0


@dataclass(slots=True)
class _Noted:
    first_at: str
    last_at: str
    looks: int = 0
    shown: int = 0
    persons: set[str] = field(default_factory=set)


class Trail:
    """One worker's notes, and the reading of everyone's.

    Parameters
    ----------
    worker : str
        Names this process among others, e.g. ``web-1``.
    """

    def __init__(self, books: Books, clock: Clock, worker: str = "web-1") -> None:
        self._books = books
        self._clock = clock
        self._worker = worker
        self._guard = threading.Lock()
        self._noted: dict[tuple[str, ...], _Noted] = {}

    def note(
        self,
        reader: Reader,
        what: str,
        level: Sensitivity,
        *,
        purpose: str = "",
        fields: Collection[str] = (),
        region: RegionCode | None = None,
        shown: int = 1,
        persons: Iterable[PersonId] = (),
        verb: Verb = "read",
    ) -> None:
        """Note a look before its answer goes out.

        What is L3 or above is written at once; L2 waits for the batch, which `flush` writes (call it every second
        and when closing). L1 is not noted, unless the verb is more than reading.

        Parameters
        ----------
        level : str
            The highest level among the fields shown.
        shown : int
            Rows shown.
        persons : iterable of PersonId
            People whose data were asked for by id; empty for a set, which `region` and `fields` describe.
        """
        if level == "L1" and verb == "read":
            return
        key = (reader.account, verb, purpose, what, ",".join(sorted(fields)), str(region or ""))
        at = self._now()
        with self._guard:
            noted = self._noted.setdefault(key, _Noted(at, at))
            noted.last_at = at
            noted.looks += 1
            noted.shown += shown
            noted.persons.update(map(str, persons))
            is_full = len(self._noted) >= _LARGEST_BATCH
        if level >= "L3" or is_full:
            self.flush()

    def flush(self) -> int:
        """Write what was noted as one batch; return how many rows. An error keeps the notes for the next time."""
        with self._guard:
            noted, self._noted = self._noted, {}
        if not noted:
            return 0
        try:
            with self._books.write() as tx:
                self._write(tx, noted)
        except BaseException:
            with self._guard:
                for key, late in self._noted.items():
                    early = noted.setdefault(key, late)
                    if early is not late:
                        early.last_at = late.last_at
                        early.looks += late.looks
                        early.shown += late.shown
                        early.persons |= late.persons
                self._noted = noted
            raise
        return len(noted)

    def list_of_account(self, account: str, *, by: Reader, limit: int = 200) -> list[Look]:
        """Return what an account looked at, newest first: for that account itself and for an auditor."""
        if by.account != account or not by.is_signed_in:
            self._audit(by, f"account {account}")
        self.flush()
        with self._books.read() as tx:
            return _looks(
                tx.rows(
                    f"SELECT {_ROW}, batch FROM access_trail WHERE account = ? ORDER BY batch DESC, number DESC LIMIT ?",
                    (account, limit),
                )
            )

    def list_of_person(
        self, person: PersonId, regions: Collection[RegionCode], *, by: Reader, limit: int = 200
    ) -> list[Look]:
        """Return who looked at a person's data, newest first: for that person and for an auditor (PIPL, article 45).

        Parameters
        ----------
        regions : collection of RegionCode
            Where the person belongs, and all regions above: looks at whole sets there may have held them too.
        """
        if by.person != person or not by.is_signed_in:
            self._audit(by, f"person {person}", [person])
        self.flush()
        # A set that names no region is the whole city's.
        places = ["", *map(str, regions)]
        marks = ", ".join("?" * len(places))
        sql = (
            f"SELECT {_ROW}, batch FROM access_trail t WHERE EXISTS (SELECT 1 FROM access_trail_person p WHERE p.person = ?"
            " AND p.batch = t.batch AND p.number = t.number)"
            f" OR (verb <> 'audit' AND region IN ({marks}) AND NOT EXISTS (SELECT 1 FROM access_trail_person p WHERE p.batch = t.batch"
            " AND p.number = t.number)) ORDER BY batch DESC, number DESC LIMIT ?"
        )
        with self._books.read() as tx:
            return _looks(tx.rows(sql, (str(person), *places, limit)))

    def list_of_purpose(self, purpose: str, *, limit: int = 200) -> list[Look]:
        """Return the looks under a purpose, newest first; whoever asks has shown that they may see that purpose's request."""
        self.flush()
        with self._books.read() as tx:
            return _looks(
                tx.rows(
                    f"SELECT {_ROW}, batch FROM access_trail WHERE purpose = ? ORDER BY batch DESC, number DESC LIMIT ?",
                    (purpose, limit),
                )
            )

    def list_of_thing(self, what: str, *, limit: int = 200) -> list[Look]:
        """Return who looked at one thing, newest first; whoever asks has made sure that it is the reader's own."""
        self.flush()
        with self._books.read() as tx:
            return _looks(
                tx.rows(
                    f"SELECT {_ROW} FROM access_trail WHERE what = ? ORDER BY batch DESC, number DESC LIMIT ?",
                    (what, limit),
                )
            )

    def list_all(self, *, by: Reader, limit: int = 200) -> list[Look]:
        """Return the newest looks of everyone: for an auditor."""
        self._audit(by, "everyone")
        self.flush()
        with self._books.read() as tx:
            return _looks(
                tx.rows(f"SELECT {_ROW}, batch FROM access_trail ORDER BY batch DESC, number DESC LIMIT ?", (limit,))
            )

    def seal(self) -> None:
        """Journal the newest batch's hash, so that cutting the end of the trail off shows as well."""
        self.flush()
        with self._books.write() as tx:
            row = tx.row("SELECT batch, hash FROM access_trail_batch ORDER BY batch DESC LIMIT 1")
            if row:
                tx.record("access.trail_sealed", f"access/trail/{row[0]}", {"batch": int(row[0]), "hash": row[1]})

    def verify(self) -> int:
        """Check all batches and seals; return how many batches there are.

        Raises
        ------
        JournalBroken
            Naming the batch whose rows are not those that were written.
        """
        with self._books.read() as tx:
            batches = tx.rows("SELECT batch, worker, at, hash, previous FROM access_trail_batch ORDER BY batch")
            seals = [line.payload for line in tx.lines(kinds=["access.trail_sealed"])]
            previous, hashes = _GENESIS, {}
            for number, (batch, worker, at, kept, before) in enumerate(batches, 1):
                if batch != number or before != previous or _hash(tx, batch, worker, at, previous) != kept:
                    raise JournalBroken(f"batch {number} of the access trail is not as it was written")
                previous = hashes[batch] = kept
        for seal in seals:
            if hashes.get(seal["batch"]) != seal["hash"]:
                raise JournalBroken(f"batch {seal['batch']} of the access trail was sealed and is gone or changed")
        return len(batches)

    def _write(self, tx: WriteTransaction, noted: dict[tuple[str, ...], _Noted]) -> None:
        row = tx.row("SELECT batch, hash FROM access_trail_batch ORDER BY batch DESC LIMIT 1")
        batch, previous = (int(row[0]) + 1, str(row[1])) if row else (1, _GENESIS)
        rows: list[tuple[object, ...]] = []
        persons: list[tuple[str, int, int]] = []
        for number, (key, one) in enumerate(noted.items(), 1):
            rows.append((batch, number, one.first_at, one.last_at, *key, one.looks, one.shown))
            persons.extend((person, batch, number) for person in sorted(one.persons))
        marks = ", ".join("?" * 12)
        tx.execute_many(f"INSERT INTO access_trail (batch, number, {_ROW}) VALUES ({marks})", rows)
        tx.execute_many("INSERT INTO access_trail_person (person, batch, number) VALUES (?, ?, ?)", persons)
        at = self._now()
        tx.execute(
            "INSERT INTO access_trail_batch (batch, worker, at, hash, previous) VALUES (?, ?, ?, ?, ?)",
            (batch, self._worker, at, _hash(tx, batch, self._worker, at, previous), previous),
        )

    def _audit(self, by: Reader, what: str, persons: Iterable[PersonId] = ()) -> None:
        decision = may_do(by, "audit")
        if isinstance(decision, Refused):
            decision = Refused(
                decision.rule,
                Text("访问记录只供本人和审计员查看", "the trail is for the person concerned and for an auditor"),
            )
        require(decision, "access trail")
        self.note(by, f"access trail: {what}", "L2", verb="audit", persons=persons)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")


def persons_in(rows: pa.Table, contract: Sheet) -> list[PersonId]:
    """The people whose rows these are: the values of each field that holds the number of a person."""
    found: dict[str, None] = {}
    for column in contract.fields:
        if about_of(column) == "person" and column.name in rows.column_names:
            found.update(dict.fromkeys(v for v in rows[column.name].to_pylist() if v))
    return [PersonId(value) for value in found if _PERSON.fullmatch(value)]


def _hash(tx: ReadTransaction, batch: int, worker: str, at: str, previous: str) -> str:
    rows = tx.rows(f"SELECT number, {_ROW} FROM access_trail WHERE batch = ? ORDER BY number", (batch,))
    persons = tx.rows(
        "SELECT person, number FROM access_trail_person WHERE batch = ? ORDER BY number, person", (batch,)
    )
    return digest(canonical([batch, worker, at, previous, [list(r) for r in rows], sorted(list(p) for p in persons)]))


def _looks(rows: Iterable[tuple[object, ...]]) -> list[Look]:
    return [Look(*row) for row in rows]  # type: ignore[arg-type] # the columns are those of Look, in order
