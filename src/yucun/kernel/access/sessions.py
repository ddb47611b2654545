"""Sessions: random tokens, kept as hashes; they end by sign-out, by idleness, or after a working day."""

from __future__ import annotations

import secrets
import threading
from datetime import date, timedelta

from yucun.base.clock import Clock
from yucun.kernel.access import store
from yucun.kernel.access.accounts import Accounts
from yucun.kernel.access.model import Reader
from yucun.kernel.books.model import digest
from yucun.kernel.books.reading import Question

# How often "seen" is written down; a page asks for the reader far more often than that.
_SEEN_EVERY_MS = 60_000
# The newest line about anybody's access; kind by kind, since each is then one look into an index.
_CHANGED = " UNION ALL ".join(
    f"SELECT max(seq) AS seq FROM journal WHERE kind = {kind!r}" for kind in sorted(store.ORGAN.projectors)
)
_SESSION = (
    "SELECT account, seen_ms, ends_ms, (SELECT max(seq) FROM"
    f" ({_CHANGED}) AS changed) FROM access_session WHERE token = ?"
)


class Sessions:
    """Who is signed in.

    Parameters
    ----------
    accounts : Accounts
        Who a session stands for; what they may do is worked out anew once anything about access was journaled, by
        whichever process, so a revoked grant ends at once.
    machine : Clock
        The machine's own clock, also in a city whose day is simulated: sessions end in real time.
    longest, idle : timedelta
        How long a session lasts at most, and without being used.
    """

    def __init__(
        self,
        accounts: Accounts,
        machine: Clock,
        *,
        longest: timedelta = timedelta(hours=10),
        idle: timedelta = timedelta(minutes=30),
    ) -> None:
        self._accounts = accounts
        self._books = accounts.books
        self._machine = machine
        self._longest_ms = round(longest.total_seconds() * 1000)
        self._idle_ms = round(idle.total_seconds() * 1000)
        # By account: the reader, and the last change of access and the day for which that holds.
        self._readers: dict[str, tuple[tuple[int, date], Reader | None]] = {}
        # Sessions that were used, by the hash of their token, until that is written down.
        self._guard = threading.Lock()
        self._seen: dict[str, int] = {}
        self._is_noting = False

    def begin(self, account: str) -> str:
        """Sign an account in, after its provider has vouched for it; return the token for its cookie."""
        token, now = secrets.token_urlsafe(32), milliseconds(self._machine)
        with self._books.write() as tx:
            tx.execute("DELETE FROM access_session WHERE ends_ms <= ? OR seen_ms <= ?", (now, now - self._idle_ms))
            tx.execute(
                "INSERT INTO access_session (token, account, begun_ms, seen_ms, ends_ms) VALUES (?, ?, ?, ?, ?)",
                (digest(token), account, now, now, now + self._longest_ms),
            )
        return token

    @staticmethod
    def question(token: str) -> Question:
        """What `find_reader` asks the books, for who asks ahead."""
        return _SESSION, (digest(token),)

    def find_reader(self, token: str) -> Reader | None:
        """Return who a token stands for; None when it is unknown, over, idle too long, or its account disabled."""
        kept, now = digest(token), milliseconds(self._machine)
        with self._books.read() as tx:
            row = tx.row(_SESSION, (kept,))
        if row is None:
            return None
        account, seen, ends = str(row[0]), int(row[1]), int(row[2])
        reader = self._get_reader(account, int(row[3] or 0)) if now < ends and now < seen + self._idle_ms else None
        if reader is None:
            self.end(token)
        elif now >= seen + _SEEN_EVERY_MS:
            self._note_seen(kept, now)
        return reader

    def _note_seen(self, kept: str, now: int) -> None:
        """Write down that a session was used; one request waits for the writer, and takes along what others note meanwhile."""
        with self._guard:
            self._seen[kept] = now
            if self._is_noting:
                return
            self._is_noting = True
        try:
            while seen := self._take_seen():
                with self._books.write() as tx:
                    tx.execute_many("UPDATE access_session SET seen_ms = ? WHERE token = ?", seen)
        finally:
            self._is_noting = False

    def _take_seen(self) -> list[tuple[int, str]]:
        """What was noted since; with nothing left the next one writes for itself."""
        with self._guard:
            seen = [(at, kept) for kept, at in self._seen.items()]
            self._seen.clear()
            self._is_noting = bool(seen)
        return seen

    def _get_reader(self, account: str, changed: int) -> Reader | None:
        stands = (changed, self._accounts.clock.today())
        known = self._readers.get(account)
        if known is None or known[0] != stands:
            known = self._readers[account] = (stands, self._accounts.make_reader(account))
        return known[1]

    def end(self, token: str) -> None:
        """Sign out one session."""
        with self._books.write() as tx:
            tx.execute("DELETE FROM access_session WHERE token = ?", (digest(token),))

    def end_all(self, account: str) -> None:
        """Sign an account out everywhere."""
        with self._books.write() as tx:
            store.end_sessions(tx, account)


def milliseconds(clock: Clock) -> int:
    """The instant of a clock in whole milliseconds since 1970."""
    return round(clock.now().timestamp() * 1000)
