"""Taking corrections: refused records as rows to edit, drafts, sending again, and finishing what a crash interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from yucun.base.clock import Clock
from yucun.base.errors import Finding, Yours
from yucun.base.text import Text
from yucun.kernel.books import Attachments
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.lake.checking import RegionBook
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.read import get_landing, read_refused
from yucun.kernel.lake.running import store
from yucun.kernel.lake.running.corrections import (
    RefusedRow,
    choose_rows,
    cut_short,
    list_rows,
    nothing_to_send,
    read_again,
    write_corrections,
)
from yucun.kernel.lake.running.store import Corrected
from yucun.kernel.lake.store import Lake

EVERY_ROW = 1 << 40


class Correcting:
    """The part of the desk that takes corrections.

    Parameters
    ----------
    settle : callable
        Brings numbers up to date after rows came in.
    """

    def __init__(
        self, lake: Lake, attachments: Attachments, regions: RegionBook, clock: Clock, settle: Callable[[], None]
    ) -> None:
        self.lake = lake
        self.attachments = attachments
        self.regions = regions
        self.clock = clock
        self._settle = settle
        # One correction at a time: what is under way here is not taken for what a crash left.
        self._sending = threading.Lock()

    def count_open(self, landing: Landing) -> int:
        """How many refused records of a landing wait, those that were sent again and refused once more among them."""
        with self.lake.books.read() as tx:
            counts = store.count_corrected(tx)
            resent = store.resent_landings(tx)
        return self._count_open(landing, counts, resent)

    def _count_open(self, landing: Landing, counts: Mapping[str, Mapping[str, int]], resent: Mapping[str, str]) -> int:
        total = landing.refused - sum(counts.get(landing.key, {}).values())
        for key, original in resent.items():
            if original == landing.key and key != landing.key:
                total += self._count_open(get_landing(self.lake, key), counts, resent)
        return total

    def list_open(self) -> list[tuple[Landing, int]]:
        """Return the landings with refused records that wait, newest first, and how many of their own."""
        with self.lake.books.read() as tx:
            keys = [str(k) for (k,) in tx.rows("SELECT key FROM lake_landing WHERE refused > 0 ORDER BY seq DESC")]
            counts = store.count_corrected(tx)
        found = []
        for key in keys:
            landing = get_landing(self.lake, key)
            waiting = landing.refused - sum(counts.get(key, {}).values())
            if waiting > 0:
                found.append((landing, waiting))
        return found

    def settled(self, landing: Landing) -> dict[int, Corrected]:
        """Return what became of the refused records of a landing, by record; those that wait are not among them."""
        with self.lake.books.read() as tx:
            return store.corrected_of(tx, landing.key)

    def original_of(self, landing: Landing) -> Landing | None:
        """Return the landing whose refused records a landing sends again; None for any other."""
        with self.lake.books.read() as tx:
            key = store.original_landing(tx, landing.key)
        return get_landing(self.lake, key) if key else None

    def refused_rows(
        self, landing: Landing, account: str = "", start: int = 0, limit: int = EVERY_ROW
    ) -> list[RefusedRow]:
        """Return refused records as rows to edit, with an account's changes and what became of those sent again."""
        contract = self.lake.get_contract(landing.table)
        refused = read_refused(self.lake, landing, start, limit)
        with self.lake.books.read() as tx:
            draft = store.read_draft(tx, account, landing.key) if account else {}
            settled = store.corrected_of(tx, landing.key)
        reread = read_again(self.attachments, landing, contract, cut_short(refused, contract))
        return list_rows(refused, contract, draft=draft, settled=settled, reread=reread)

    def keep_draft(self, landing: Landing, account: str, changes: Sequence[tuple[int, int, str, str | None]]) -> None:
        """Keep what a clerk has changed, for this account alone; nothing of it enters the journal."""
        names = {f.name for f in self.lake.get_contract(landing.table).fields} | {store.ASIDE}
        good = [(record, part, name, value) for record, part, name, value in changes if name in names]
        with self.lake.books.write() as tx:
            store.keep_draft(tx, account, landing.key, good, self.clock.now().isoformat())

    def send_again(
        self, landing: Landing, account: str, *, replaces: bool = False, everything: bool = False
    ) -> Landing | None:
        """Send what a clerk has corrected as a landing of its own, and settle the records that it corrects.

        Parameters
        ----------
        replaces : bool
            Corrected rows replace those that the table holds with other values.
        everything : bool
            Also the records in which nothing was changed.

        Returns
        -------
        Landing or None
            The new landing; None when records were only set aside.

        Raises
        ------
        Yours
            When there is nothing to send or to set aside.
        """
        with self._sending:
            sent = self._send(landing, account, replaces=replaces, everything=everything)
        if sent is not None:
            self._settle()
        return sent

    def _send(self, landing: Landing, account: str, *, replaces: bool, everything: bool) -> Landing | None:
        rows = self.refused_rows(landing, account)
        chosen = choose_rows(rows, everything=everything)
        aside = sorted({row.record for row in rows if row.is_aside and row.settled is None})
        if not chosen and not aside:
            raise Yours(nothing_to_send())
        if aside:
            self._set_aside(landing, aside, account)
        if not chosen:
            return None
        content = write_corrections(self.lake.get_contract(landing.table), chosen)
        key = self._note_resent(landing, content, [row.record for row in chosen], account, replaces=replaces)
        return self._finish(key)

    def _set_aside(self, landing: Landing, records: Sequence[int], account: str) -> None:
        key = f"feeds.set_aside:{digest(canonical([landing.key, list(records)]))[:24]}"
        with self.lake.books.write() as tx:
            tx.record(
                "feeds.set_aside",
                key,
                {"original": landing.key, "table": landing.table, "records": list(records), "by": account},
            )
            store.drop_draft(tx, landing.key, records)

    def _note_resent(
        self, landing: Landing, content: bytes, records: Sequence[int], account: str, *, replaces: bool
    ) -> str:
        """Keep the corrections file and say what it corrects, before it lands: a crash in between is finished later."""
        sent = Sent(content, f"更正_{landing.name.rsplit('.', 1)[0][:150]}.csv", landing.table, account, {}, replaces)
        key = f"feeds.resent:{digest(canonical([landing.key, sent.sha256, replaces]))[:24]}"
        payload = {
            "original": landing.key,
            "table": landing.table,
            "file": sent.sha256,
            "name": sent.name,
            "by": account,
            "replaces": replaces,
            "records": list(records),
        }
        with self.lake.books.writing():
            kept = self.attachments.keep(content, "text/csv", sent.name)
            with self.lake.books.write() as tx:
                if tx.find_line(key) is None:
                    tx.record("feeds.resent", key, payload, attachments=[kept])
        return key

    def _finish(self, key: str) -> Landing:
        """Land a corrections file and settle what it corrects; done again, it changes nothing."""
        with self.lake.books.read() as tx:
            line = tx.find_line(key)
            done = tx.find_line(f"{key}:done")
        assert line is not None
        said = line.payload
        if done is not None:
            return get_landing(self.lake, done.payload["landing"])
        content = self.attachments.get(said["file"])
        sent = Sent(content, said["name"], said["table"], said["by"], {}, said["replaces"])
        landing = land(self.lake, self.attachments, self.regions, sent, self.clock.today())
        if not landing.is_readable:
            self._note_done(key, said, landing, {})
            raise Yours(_unreadable(landing))
        again = set(read_refused(self.lake, landing, limit=EVERY_ROW)["_record"].to_pylist())
        outcomes: dict[int, tuple[int, str]] = {}
        for number, record in enumerate(said["records"], 1):
            outcome = "refused" if number in again else "landed"
            if outcome == "refused" or record not in outcomes:
                outcomes[record] = (number, outcome)
        self._note_done(key, said, landing, outcomes)
        return landing

    def _note_done(
        self, key: str, said: Mapping[str, Any], landing: Landing, outcomes: Mapping[int, tuple[int, str]]
    ) -> None:
        """Say what became of each record; one that somebody else has settled meanwhile stays as it is."""
        with self.lake.books.write() as tx:
            if tx.find_line(f"{key}:done") is not None:
                return
            settled = store.corrected_of(tx, said["original"])
            payload = {
                "resent": key,
                "original": said["original"],
                "table": said["table"],
                "landing": landing.key,
                "file": said["file"],
                "by": said["by"],
                "records": [[record, *end] for record, end in outcomes.items() if record not in settled],
            }
            tx.record("feeds.corrected", f"{key}:done", payload)
            store.drop_draft(tx, said["original"], list(outcomes))

    def recover(self) -> int:
        """Finish corrections that a crash interrupted; return how many. One that is being sent just now is left alone."""
        if not self._sending.acquire(blocking=False):
            return 0
        try:
            with self.lake.books.read() as tx:
                unfinished = store.list_unfinished(tx)
            for key in unfinished:
                # A file that cannot be read as a whole is settled by saying so; its records go on waiting.
                with suppress(Yours):
                    self._finish(key)
        finally:
            self._sending.release()
        if unfinished:
            self._settle()
        return len(unfinished)


def _unreadable(landing: Landing) -> list[Finding]:
    """What kept a corrections file from being read as a whole."""
    return [
        Finding(
            str(note["kind"]), str(note["where"]), str(note["found"]), str(note["expected"]),
            Text.from_json(note["message"]), str(note["key"]),
        )
        for note in landing.notes
    ]  # fmt: skip
