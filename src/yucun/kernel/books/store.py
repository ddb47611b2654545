"""Books: transactions over the journal and its projections; the only file that knows how they are kept."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from yucun.base.clock import Clock
from yucun.base.errors import Finding, JournalBroken, PlaceError, Yours
from yucun.base.text import Text
from yucun.kernel.books.dialect import Dialect, make_dialect
from yucun.kernel.books.model import Attachment, Line, Message, Migration, Organ, Projecting, canonical
from yucun.kernel.books.reading import COLUMNS, Known, Question, ReadTransaction, Rows, stamp

_OF_LINE = ", ".join(f"j.{column}" for column in COLUMNS.split(", "))
_GENESIS = "0" * 64
_HEAD = (
    "SELECT j.seq, j.at, j.commit_no, c.hash FROM journal j LEFT JOIN journal_commit c ON c.commit_no = j.commit_no"
    " ORDER BY j.seq DESC LIMIT 1"
)
_KEYS_HELD = f"SELECT {COLUMNS} FROM journal WHERE key IN (?)"
Look = tuple[str, Collection[Any], Callable[[Rows], None]]
# Lines that wait to be written together; a rebuild has millions, and memory stays flat.
_MOST_LINES = 500


def _apply_delivered(tx: Projecting, line: Line) -> None:
    tx.execute(
        "UPDATE outbox SET state = 'delivered', answered_seq = ? WHERE token = ?", (line.seq, line.payload["token"])
    )


BOOKS = Organ(
    "books",
    (
        Migration(
            1,
            "journal, commits, outbox, attachments",
            (
                "CREATE TABLE journal (seq BIGINT PRIMARY KEY, commit_no BIGINT NOT NULL, at TEXT NOT NULL,"
                " kind TEXT NOT NULL, key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL, messages TEXT NOT NULL,"
                " attachments TEXT NOT NULL, lake_seq BIGINT, pack TEXT, service TEXT)",
                "CREATE INDEX journal_at ON journal (at)",
                "CREATE INDEX journal_kind ON journal (kind, seq)",
                "CREATE TABLE journal_commit (commit_no BIGINT PRIMARY KEY, first_seq BIGINT NOT NULL,"
                " last_seq BIGINT NOT NULL, hash TEXT NOT NULL, previous TEXT NOT NULL)",
                "CREATE TABLE outbox (token TEXT PRIMARY KEY, seq BIGINT NOT NULL, kind TEXT NOT NULL,"
                " body TEXT NOT NULL, state TEXT NOT NULL, answered_seq BIGINT)",
                "CREATE TABLE attachment (sha256 TEXT PRIMARY KEY, size BIGINT NOT NULL, media_type TEXT NOT NULL,"
                " name TEXT NOT NULL, seq BIGINT NOT NULL)",
            ),
        ),
        Migration(
            2,
            "messages that wait are found without looking at those that do not",
            ("CREATE INDEX outbox_waiting ON outbox (kind, seq) WHERE state = 'waiting'",),
        ),
    ),
    ("outbox", "attachment"),
    {"books.delivered": _apply_delivered},
)


@dataclass(slots=True)
class _Head:
    """The end of the journal while one transaction writes: last seq and instant, own commit, hash before it."""

    seq: int
    at: str
    commit: int
    previous: str
    committed_seq: int


class WriteTransaction(ReadTransaction):
    """A snapshot that may also record lines; all of it commits, or none."""

    def __init__(
        self, connection: Any, dialect: Dialect, known: Known, organs: Mapping[str, Organ], clock: Clock
    ) -> None:
        super().__init__(connection, dialect, known)
        self._organs = organs
        self._clock = clock
        self._recorded: list[tuple[Line, str]] = []
        # How many of the recorded lines stand in the journal's table; the others are written together.
        self._written = 0
        # Keys that the journal was found not to hold; nobody else can write meanwhile.
        self._absent: set[str] = set()
        self._held: dict[str, Line] = {}
        # What an organ read since its last line was recorded, by whoever reads the same thing again.
        self.memo: dict[str, Any] = {}
        # Whether new keys of rows need not be looked for: where one is held, the store refuses and all is done anew.
        self.hopes = False
        self._head: _Head | None = None
        self._last_of: dict[str, int] = {}
        self._depth = 0
        self._at = ""
        # The hash of this transaction's own commit, once it is sealed.
        self.sealed: str | None = None
        # Whether somebody else wrote within it, see `Books.shared`.
        self.is_joined = False

    @property
    def _end(self) -> _Head:
        """Where the journal stands; read once, since nobody else can write meanwhile."""
        if self._head is None:
            self._take_end(self.rows(_HEAD))
        assert self._head is not None
        return self._head

    def _take_end(self, rows: Rows) -> None:
        if self._head is not None:
            return
        seq, at, commit, sealed = rows[0] if rows else (0, "", 0, _GENESIS)
        self._head = _Head(int(seq), str(at), int(commit) + 1, str(sealed), int(seq))

    @property
    def committed_seq(self) -> int:
        """The newest line's seq before this transaction: what no undoing of it can take back."""
        return self._end.committed_seq

    @property
    def sealed_before(self) -> str:
        """The hash of the commit before: books with the same one are the same books at the same moment."""
        return self._end.previous

    # -- reading, with this transaction's own lines -----------------------------------------------------------------

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        self._show_lines(sql)
        return super().rows(sql, values)

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        self._show_lines(sql)
        return super().row(sql, values)

    def each_row(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query one by one."""
        self._show_lines(sql)
        return super().each_row(sql, values)

    def _show_lines(self, sql: str) -> None:
        if self._written < len(self._recorded) and "journal" in sql:
            self._write_lines()

    def find_line(self, key: str) -> Line | None:
        """Return the line with that key, if it was recorded; that there is none is asked once."""
        if key in self._absent:
            return None
        found = self._held.get(key) or super().find_line(key)
        if found is None:
            self._absent.add(key)
        return found

    def look_ahead(self, keys: Collection[str], looks: Sequence[Look] = ()) -> None:
        """Ask in one go where the journal stands, which of some keys it holds, and what others want to know.

        Parameters
        ----------
        looks : sequence of (str, collection, callable)
            A query whose last condition is ``… IN (?)``, its keys, and who takes the rows in.
        """

        def take_keys(rows: Rows) -> None:
            self._held = {line.key: line for line in map(Line.from_row, rows)}
            self._absent.update(set(keys) - self._held.keys() - {line.key for line, _ in self._recorded})

        asked: list[tuple[str, Sequence[Any], Callable[[Rows], None]]] = [(_HEAD, (), self._take_end)]
        for sql, wanted, take in ((_KEYS_HELD, keys, take_keys), *looks):
            asked.append((*self._of_keys(sql, wanted), take))
        found = self._dialect.ask_all(self._connection, [(self._dialect.sql(sql), values) for sql, values, _ in asked])
        for (_, _, take), rows in zip(asked, found, strict=True):
            take(rows)

    def last_seq_of(self, organ: str) -> int:
        """The newest line that this transaction recorded for an organ; 0 if none."""
        return self._last_of.get(organ, 0)

    def last_seq(self) -> int:
        """The newest line's seq, this transaction's own among them; 0 before the first."""
        return self._end.seq

    def next_stamp(self) -> str:
        """The instant that every line of this commit carries: the clock's, but never before the last line's."""
        if not self._at:
            self._at = max(stamp(self._clock.now()), self._end.at)
        return self._at

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run one statement; projectors use it, nobody else writes."""
        self._dialect.later(self._connection, self._dialect.sql(sql), tuple(values))

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row, in one batch."""
        if len(rows) == 1:
            self.execute(sql, rows[0])
        elif rows:
            self._dialect.execute_many(self._connection, self._dialect.sql(sql), rows)

    def insert_many(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows in one go, by the fastest way of the dialect."""
        if rows:
            self._dialect.insert_many(self._connection, table, columns, rows)

    def update_many(
        self, table: str, key: str, adds: Sequence[str], sets: Sequence[str], rows: Sequence[Sequence[int]]
    ) -> None:
        """Change whole-number columns of many rows in one go.

        Parameters
        ----------
        key : str
            Column that names the row; a key stands once.
        adds, sets : sequence of str
            Columns that grow by a value, and columns that take it.
        rows : sequence
            ``(key, *values of adds, *values of sets)``.
        """
        if rows:
            self._dialect.update_many(self._connection, table, key, adds, sets, rows)

    def record(
        self,
        kind: str,
        key: str,
        payload: Mapping[str, Any],
        *,
        messages: Sequence[Message] = (),
        attachments: Sequence[Attachment] = (),
        lake_seq: int | None = None,
        pack: str | None = None,
        service: str | None = None,
        is_new: bool = False,
    ) -> tuple[Line, bool]:
        """Append a line and apply it; a key that is already there gives its line and False.

        Parameters
        ----------
        is_new : bool
            Whether the key is made of a number that nobody else can have, so that it is not looked for.

        Raises
        ------
        Yours
            If the key was used with another kind or payload: one event cannot be two things.
        """
        known = None if is_new else self.find_line(key)
        if known is not None:
            if (known.kind, canonical(known.payload)) != (kind, canonical(dict(payload))):
                raise Yours(_reused(known, kind))
            return known, False
        text = canonical(dict(payload))
        line = Line(
            self._end.seq + 1,
            self._end.commit,
            self.next_stamp(),
            kind,
            key,
            json.loads(text),
            [m.to_json() for m in messages],
            [a.to_json() for a in attachments],
            lake_seq,
            pack,
            service,
        )
        self._append(line, text)
        self.apply(line)
        return line, True

    @contextmanager
    def undoable(self) -> Iterator[None]:
        """Undo what was recorded within, and nothing else, when an error leaves it."""
        end, recorded, last_of = replace(self._end), len(self._recorded), dict(self._last_of)
        written = self._written
        self._depth += 1
        name = f"step_{self._depth}"
        self._dialect.mark(self._connection, name)
        try:
            yield
        except BaseException:
            if not getattr(self._connection, "closed", False):
                self._dialect.undo(self._connection, name)
            self._head, self._last_of = end, last_of
            if len(self._recorded) > recorded:
                self.memo.clear()
            del self._recorded[recorded:]
            # What was written since is taken back with the savepoint, older lines among it.
            self._written = written
            raise
        else:
            self._dialect.keep(self._connection, name)
        finally:
            self._depth -= 1

    def copy(self, line: Line) -> None:
        """Append a line of other books as it stands and apply it; only `rebuild` does so."""
        self._append(line, canonical(line.payload))
        self.apply(line)

    def apply(self, line: Line) -> None:
        """Apply a line to the projections: its messages, its attachments, and its organ's own tables."""
        for message in line.messages:
            self.execute(
                "INSERT INTO outbox (token, seq, kind, body, state) VALUES (?, ?, ?, ?, 'waiting')"
                " ON CONFLICT (token) DO NOTHING",
                (message["token"], line.seq, message["kind"], canonical(message["body"])),
            )
        for file in line.attachments:
            self.execute(
                "INSERT INTO attachment (sha256, size, media_type, name, seq) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (sha256) DO NOTHING",
                (file["sha256"], file["size"], file["media_type"], file["name"], line.seq),
            )
        organ = self._organs.get(line.kind.split(".")[0])
        projector = organ.projectors.get(line.kind) if organ else None
        if projector is not None:
            projector(self, line)
        self.memo.pop(line.kind.split(".")[0], None)

    def _append(self, line: Line, text: str) -> None:
        end = self._end  # read before the line is there
        self._recorded.append((line, text))
        self._absent.discard(line.key)
        end.seq, end.at = line.seq, line.at
        self._last_of[line.kind.split(".")[0]] = line.seq
        if len(self._recorded) - self._written >= _MOST_LINES:
            self._write_lines()

    def _write_lines(self) -> None:
        """Write the lines that do not stand in the journal's table yet."""
        waiting = self._recorded[self._written :]
        self._written = len(self._recorded)
        rows = [
            (
                line.seq,
                line.commit,
                line.at,
                line.kind,
                line.key,
                text,
                canonical(list(line.messages)) if line.messages else "[]",
                canonical(list(line.attachments)) if line.attachments else "[]",
                line.lake_seq,
                line.pack,
                line.service,
            )
            for line, text in waiting
        ]
        self.insert_many("journal", COLUMNS.split(", "), rows)

    def seal(self) -> None:
        """Chain the lines of this transaction to the commit before; called once, by `Books.write`."""
        if not self._recorded:
            return
        self._write_lines()
        first, last = self._recorded[0][0], self._recorded[-1][0]
        sealed = _commit_hash(self._end.previous, self._recorded)
        self.execute(
            "INSERT INTO journal_commit (commit_no, first_seq, last_seq, hash, previous) VALUES (?, ?, ?, ?, ?)",
            (first.commit, first.seq, last.seq, sealed, self._end.previous),
        )
        self.sealed = sealed
        self._recorded.clear()
        self._written = 0


class Books:
    """A city's books: open them, write in one transaction, read one snapshot."""

    def __init__(self, dialect: Dialect, organs: Sequence[Organ], clock: Clock) -> None:
        self._dialect = dialect
        self._clock = clock
        self._local = threading.local()
        self._known: Known = {}
        self.organs: dict[str, Organ] = {organ.name: organ for organ in (BOOKS, *organs)}

    @classmethod
    def open(cls, url: str, organs: Sequence[Organ], clock: Clock) -> Books:
        """Open or create books and bring their tables up to date.

        Parameters
        ----------
        url : str
            ``sqlite:///PATH``, ``sqlite://`` (in memory) or ``postgresql://…``.
        organs : sequence of Organ
            Those whose tables and projectors the books hold.
        clock : Clock
            Where lines take their instant from.
        """
        books = cls(make_dialect(url), organs, clock)
        try:
            books._migrate()
        except BaseException:
            books.close()
            raise
        return books

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._dialect.name

    @property
    def projections(self) -> list[str]:
        """All tables that the state hash covers."""
        return [table for organ in self.organs.values() for table in organ.projections]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock around files and the commit that makes them visible."""
        with self._dialect.writing():
            yield

    @contextmanager
    def write(self) -> Iterator[WriteTransaction]:
        """Open the one writing transaction; leaving it commits, an error undoes all of it."""
        outer = self._find_shared()
        if outer is not None:
            outer.is_joined = True
            with outer.undoable():
                yield outer
            return
        with self._dialect.changing() as connection:
            try:
                tx = WriteTransaction(connection, self._dialect, self._known, self.organs, self._clock)
                yield tx
                tx.seal()
                self._dialect.end(connection)
            except BaseException:
                self._dialect.forget(connection)
                if not getattr(connection, "closed", False):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def shared(self, tx: WriteTransaction) -> Iterator[None]:
        """Let whoever reads or writes the books on this thread, within, do so in this transaction, and commit with it."""
        self._local.shared = tx
        try:
            yield
        finally:
            self._local.shared = None

    @contextmanager
    def read(self) -> Iterator[ReadTransaction]:
        """Read one consistent snapshot, or what a shared transaction sees."""
        outer = self._find_shared()
        if outer is not None:
            yield outer
            return
        with self._dialect.reading() as connection:
            yield ReadTransaction(connection, self._dialect, self._known)

    def _find_shared(self) -> WriteTransaction | None:
        """The transaction that this thread shares, see `shared`."""
        return getattr(self._local, "shared", None)

    def ask(self, questions: Sequence[Question]) -> list[Rows]:
        """Ask some questions of one snapshot in one go, where nothing else is asked; return the rows of each."""
        return self._dialect.ask_once([(self._dialect.sql(sql), values) for sql, values in questions])

    def state_hash(self) -> str:
        """Hash of all projections, without personal payloads."""
        with self.read() as tx:
            return tx.state_hash(self.projections)

    def verify(self) -> int:
        """Check seq, commits and the chain from the first line on; return how many lines there are.

        Raises
        ------
        JournalBroken
            Naming the commit or line that does not fit.
        """
        previous, count, commits = _GENESIS, 0, 0
        sql = (
            f"SELECT c.commit_no, c.first_seq, c.last_seq, c.hash, c.previous, {_OF_LINE} FROM journal j"
            " LEFT JOIN journal_commit c ON c.commit_no = j.commit_no ORDER BY j.seq"
        )
        with self.read() as tx:
            for (number, first, last, sealed, before), rows in groupby(tx.each_row(sql), key=lambda row: row[:5]):
                held = [(Line.from_row(row[5:]), str(row[10])) for row in rows]
                if number is None or first != count + 1:
                    raise JournalBroken(f"{len(held)} lines from {held[0][0].seq} on, but no commit holds them")
                right = [line.seq for line, _ in held] == list(range(first, last + 1))
                if not right or before != previous or _commit_hash(previous, held) != sealed:
                    raise JournalBroken(f"commit {number} (lines {first} to {last}) does not fit the chain")
                previous, count, commits = sealed, last, commits + 1
            found = tx.row("SELECT count(*) FROM journal_commit")
        if found != (commits,):
            raise JournalBroken(
                f"{count} lines in {commits} commits, but {found and found[0]} commits are written down"
            )
        return count

    def tidy(self) -> None:
        """Do beside the writer what the database would else do inside a commit; a process that serves calls it often."""
        self._dialect.tidy()

    def close(self) -> None:
        """Close all connections."""
        self._dialect.close()

    def _migrate(self) -> None:
        with self.write() as tx:
            tx.execute(
                "CREATE TABLE IF NOT EXISTS migration (organ TEXT NOT NULL, number BIGINT NOT NULL,"
                " name TEXT NOT NULL, PRIMARY KEY (organ, number))"
            )
            done = {(organ, number) for organ, number in tx.rows("SELECT organ, number FROM migration")}
            _refuse_newer(self.organs, done)
            for organ in self.organs.values():
                again = False
                for step in organ.migrations:
                    if (organ.name, step.number) in done:
                        continue
                    for statement in step.statements:
                        tx.execute(self._dialect.table_sql(statement))
                    tx.execute(
                        "INSERT INTO migration (organ, number, name) VALUES (?, ?, ?)",
                        (organ.name, step.number, step.name),
                    )
                    again = again or step.applies_again
                if again:
                    apply_again(tx, organ)


def apply_again(tx: WriteTransaction, organ: Organ) -> None:
    """Empty an organ's projections and apply its journal lines anew; after a migration that changed their shape."""
    for table in organ.projections:
        tx.execute(f"DELETE FROM {table}")
    for line in tx.each_line(kinds=list(organ.projectors)):
        organ.projectors[line.kind](tx, line)


def _commit_hash(previous: str, lines: Sequence[tuple[Line, str]]) -> str:
    sealed = hashlib.sha256(f"{previous}[".encode())
    for n, (line, text) in enumerate(lines):
        sealed.update(f"{',' if n else ''}{line.seal_text(text)}".encode())
    sealed.update(b"]")
    return sealed.hexdigest()


def _reused(known: Line, kind: str) -> Finding:
    where, right = f"journal line {known.seq}", f"{known.kind} with the same content"
    return Finding("books.key_reused", where, f"{kind} {known.key}", right, Text(
        f"编号「{known.key}」已用于第 {known.seq} 行，内容不同；请换一个编号",
        f"the key '{known.key}' already names line {known.seq} with other content; use another key"))  # fmt: skip


def _refuse_newer(organs: Mapping[str, Organ], done: set[tuple[str, int]]) -> None:
    known = {(o.name, m.number) for o in organs.values() for m in o.migrations}
    newer = sorted(f"{organ} {number}" for organ, number in done - known)
    if newer:
        raise PlaceError(Finding("books.newer", "migration", ", ".join(newer), "a program that knows them", Text(
            f"账本由更新的程序写成（{'、'.join(newer)}）；请升级程序后再打开",
            f"these books were written by a newer program ({', '.join(newer)}); upgrade before opening them")))  # fmt: skip
