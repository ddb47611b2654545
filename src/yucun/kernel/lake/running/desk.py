"""The desk at which feeds arrive: it looks, lands, tells suppliers, and takes corrections; safe to stop at any step.

Every step is keyed by what it is about: a file by its hash and supply, a notice by the period owed or the landing, a
correction by its contents. So a step done twice, after a crash or by two desks at once, is done once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from yucun.base.clock import Clock, RealClock, stopwatch
from yucun.base.errors import Finding, NotKnown, Ours, Yours
from yucun.base.text import Text
from yucun.kernel.books import Attachments
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.lake.checking import RegionBook
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.model import Feed, Landing, due_of, owed_period
from yucun.kernel.lake.read import find_newest, get_landing, list_feeds, list_landings, read_refused
from yucun.kernel.lake.running import notices as say
from yucun.kernel.lake.running import store
from yucun.kernel.lake.running.correcting import EVERY_ROW, Correcting
from yucun.kernel.lake.running.deliver import Carrier, make_carriers
from yucun.kernel.lake.running.model import (
    RUNNER_ACCOUNT,
    DatabaseTable,
    Found,
    Inbox,
    Notice,
    Outcome,
    Passed,
    Run,
    Supply,
    SupplyState,
)
from yucun.kernel.lake.running.origin import DONE, REFUSED, fetch_table, fetch_web, list_inbox, put_away
from yucun.kernel.lake.store import Lake

_log = logging.getLogger("yucun.feeds")
# Seconds until a failed try is repeated: they grow fourfold up to an hour.
_FIRST_RETRY_S, _LONGEST_RETRY_S = 60, 3600


class Desk(Correcting):
    """Runs the feeds of one city.

    Parameters
    ----------
    supplies : mapping of str to Supply
        What the place declares.
    clock : Clock
        The city's own: by it feeds are due and late.
    folder : Path
        The city's folder; ``inbox`` and ``outbox`` lie in it.
    settle : callable
        Brings numbers up to date after rows came in.
    not_suppliers : collection of str
        Accounts whose files were not sent by a supplier, such as the place's own figures.
    machine : Clock
        The machine's: by it failed tries are repeated and files left alone, also in a city whose day is simulated.
    """

    def __init__(
        self,
        lake: Lake,
        attachments: Attachments,
        regions: RegionBook,
        supplies: Mapping[str, Supply],
        clock: Clock,
        folder: Path,
        settle: Callable[[], None],
        *,
        not_suppliers: Collection[str] = (),
        machine: Clock | None = None,
        inbox: Path | None = None,
        quiet_s: float = 2.0,
        carriers: Sequence[Carrier] | None = None,
    ) -> None:
        super().__init__(lake, attachments, regions, clock, settle)
        self.supplies = dict(supplies)
        self.inbox = inbox or folder / "inbox"
        self.carriers = tuple(carriers) if carriers is not None else make_carriers(folder / "outbox")
        self._not_suppliers = frozenset(not_suppliers)
        self._machine = machine or RealClock()
        self._quiet_s = quiet_s
        self._since = stopwatch()
        self._looked: dict[str, float] = {}
        self._tries: dict[str, tuple[int, float]] = {}
        self._newest: dict[str, tuple[int, Any]] = {}
        self._watched: tuple[int, date] | None = None

    # -- how things stand ---------------------------------------------------------------------------------------

    def get(self, supply: str) -> Supply:
        """Return a supply, or raise `NotKnown` naming those there are."""
        found = self.supplies.get(supply)
        if found is None:
            names = ", ".join(sorted(self.supplies)) or "-"
            raise NotKnown(
                Finding(
                    "feeds.unknown", "feed", supply[:120], names[:120],
                    Text(f"没有名为「{supply[:60]}」的数据来源；可用：{names}", f"no feed is called '{supply[:60]}'; there are: {names}"),
                )
            )  # fmt: skip
        return found

    def states(self) -> list[SupplyState]:
        """Say of each supply what it owes, when that is due, and whether it is late; by id."""
        return [self.state(supply) for _, supply in sorted(self.supplies.items())]

    def state(self, supply: Supply) -> SupplyState:
        """Say of one supply how it stands on the city's day: late after the due day, not on it."""
        newest = self._find_newest(supply)
        owed = owed_period(supply.freshness, newest)
        due = due_of(supply.freshness, owed) if owed else None
        is_late = due is not None and due.day < self.clock.today()
        return SupplyState(
            supply, newest, owed, due.day if due else None, due is not None and due.is_provisional, is_late
        )

    def _find_newest(self, supply: Supply) -> Any:
        """The newest period that a supply has filled, kept until its table's files change."""
        changed = self.lake.last_change(supply.table)
        held = self._newest.get(supply.id)
        if held is None or held[0] != changed:
            contract = self.lake.get_contract(supply.table)
            found = find_newest(self.lake, contract, supply.covered) if changed else None
            held = self._newest[supply.id] = (changed, found)
        return held[1]

    def feeds(self, tables: Sequence[str]) -> list[Feed]:
        """Say of each table whether it is late: when any of its supplies is, since when the first of them owes."""
        by_table: dict[str, list[SupplyState]] = {}
        for state in self.states():
            by_table.setdefault(state.supply.table, []).append(state)
        feeds = []
        for feed in list_feeds(self.lake, self.clock.today(), tables):
            owing = [s for s in by_table.get(feed.table, ()) if s.due is not None]
            first = min(owing, key=lambda s: s.due or date.max, default=None)
            if first is not None:
                feed = replace(
                    feed, due=first.due, owed=first.owed, is_late=first.is_late, is_provisional=first.is_provisional
                )
            feeds.append(feed)
        return feeds

    def runs(self, supply: str = "", limit: int = 100, before: int = 1 << 62) -> list[Run]:
        """Return what came of arrivals and tries, newest first."""
        with self.lake.books.read() as tx:
            return store.list_runs(tx, supply, limit, before)

    def notices(self, *, only_open: bool = False, supplies: Collection[str] = (), limit: int = 1000) -> list[Notice]:
        """Return what suppliers were told, what still stands first."""
        with self.lake.books.read() as tx:
            return store.list_notices(tx, supplies=supplies, only_open=only_open, limit=limit)

    # -- one pass ---------------------------------------------------------------------------------------------------

    def run_once(self, *, now: bool = False, only: Collection[str] = ()) -> Passed:
        """Look everywhere once: finish what a crash left, tell who is late, land what arrived, deliver.

        Parameters
        ----------
        now : bool
            Look also where the next look is not due yet, and try again at once where tries failed.
        only : collection of str
            Look at these supplies alone.
        """
        self.recover()
        opened, closed = self.watch()
        landed = failed = 0
        for name, supply in sorted(self.supplies.items()):
            if only and name not in only:
                continue
            done, wrong = self._look(supply, now=now)
            landed, failed = landed + done, failed + wrong
        if landed:
            self._settle()
        more_opened, more_closed = self.watch()
        return Passed(landed, failed, opened + more_opened, closed + more_closed, self.deliver(now=now))

    def _look(self, supply: Supply, *, now: bool) -> tuple[int, int]:
        """Take what has arrived from one supply; a failed try is journaled and repeated later."""
        if not now and self._is_waiting(supply):
            return 0, 0
        landed = 0
        try:
            for found in self._find(supply, now=now):
                landed += self._take(supply, found)
        except Ours:
            raise
        except Exception as error:  # noqa: BLE001 - whatever kept one feed from being reached must not stop the others
            _log.warning("feed %s: %s", supply.id, error)
            self._note_failure(supply, error)
            return landed, 1
        return landed, 0

    def _find(self, supply: Supply, *, now: bool) -> list[Found]:
        if isinstance(supply.origin, Inbox):
            return list_inbox(self.inbox, supply.origin, self._machine.now(), self._quiet_s)
        last = self._looked.get(supply.id)
        if not now and (
            (last is not None and self._since() - last < supply.look_every_s) or not self._is_expected(supply)
        ):
            return []
        self._looked[supply.id] = self._since()
        name = f"{supply.id}_{self.clock.today()}"
        if isinstance(supply.origin, DatabaseTable):
            return [fetch_table(supply.origin, f"{name}.csv")]
        return [fetch_web(supply.origin, name)]

    def _is_expected(self, supply: Supply) -> bool:
        """Whether it is worth asking: the period owed is over, or nobody can say what is owed."""
        owed = self.state(supply).owed
        return owed is None or owed.end < self.clock.today()

    def _is_waiting(self, supply: Supply) -> bool:
        with self.lake.books.read() as tx:
            failing = store.find_failing(tx, supply.id)
        return failing is not None and datetime.fromisoformat(failing.retry_at) > self._machine.now()

    def _take(self, supply: Supply, found: Found) -> int:
        """Land one file, journal what came of it, put it away; each step does nothing when it was done before."""
        contract = self.lake.get_contract(supply.table)
        sent = Sent(found.content, found.name, supply.table, RUNNER_ACCOUNT, supply.given)
        said = digest(canonical([sent.sha256, dict(supply.given), contract.hash]))[:24]
        key = f"feeds.ran:{supply.id}:{said}"
        with self.lake.books.read() as tx:
            run = store.find_run(tx, key)
        is_new = run is None
        if run is None:
            landing = land(self.lake, self.attachments, self.regions, sent, self.clock.today())
            run = self._note_run(key, supply, landing)
        put_away(found, REFUSED if run.outcome == "refused" else DONE, f"{self.clock.today()}_{sent.sha256[:12]}")
        return int(is_new)

    def _note_run(self, key: str, supply: Supply, landing: Landing) -> Run:
        outcome: Outcome = "landed"
        said = Text("", "")
        if not landing.is_readable:
            outcome, said = "refused", Text.from_json(landing.notes[0]["message"]) if landing.notes else said
        elif landing.refused:
            outcome = "partly" if landing.refused < landing.records else "refused"
        payload = {
            "supply": supply.id,
            "table": supply.table,
            "name": landing.name,
            "file": landing.file,
            "landing": landing.key,
            "outcome": outcome,
            "records": landing.records,
            "refused": landing.refused,
            "said": said.to_json(),
            "retry_at": "",
        }
        with self.lake.books.write() as tx:
            tx.record("feeds.ran", key, payload)
            run = store.find_run(tx, key)
        assert run is not None
        return run

    def _note_failure(self, supply: Supply, error: Exception) -> None:
        said = error.to_text() if isinstance(error, Yours) else Text.same(f"{type(error).__name__}: {error}"[:400])
        now = self._machine.now()
        with self.lake.books.write() as tx:
            before = store.find_failing(tx, supply.id)
            wait = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 4 ** min(before.count if before else 0, 6))
            payload = {
                "supply": supply.id,
                "table": supply.table,
                "name": "",
                "file": "",
                "landing": "",
                "outcome": "failed",
                "records": 0,
                "refused": 0,
                "said": said.to_json(),
                "retry_at": (now + timedelta(seconds=wait)).isoformat(timespec="seconds"),
            }
            tx.record("feeds.ran", f"feeds.ran:{supply.id}:failed:{now.isoformat()}", payload)

    # -- notices ------------------------------------------------------------------------------------------------

    def watch(self) -> tuple[int, int]:
        """Write the notices that are due and close those that are settled; return how many of each.

        Nothing is looked at while neither the journal nor the day has moved.
        """
        with self.lake.books.read() as tx:
            state = (tx.last_seq(), self.clock.today())
        if state == self._watched:
            return 0, 0
        opened = self._open_late() + self._open_refused()
        closed = self._close()
        with self.lake.books.read() as tx:
            self._watched = (tx.last_seq(), state[1])
        return opened, closed

    def _open_late(self) -> int:
        opened = 0
        for state in self.states():
            if state.is_late and state.owed and state.due:
                words = say.say_late(state, self.clock.today())
                due = (state.owed.text, state.due.isoformat())
                opened += self._tell(say.late_id(state), state.supply, "late", words, due)
        return opened

    def _open_refused(self) -> int:
        """One notice for each file with refused records; files that send refused records again are no supplier's."""
        with self.lake.books.read() as tx:
            rows = tx.rows(
                "SELECT l.key FROM lake_landing l LEFT JOIN feeds_notice n ON n.landing = l.key"
                " LEFT JOIN feeds_resent r ON r.landing = l.key OR (r.done_seq IS NULL AND r.file = l.file)"
                " WHERE (l.refused > 0 OR l.is_readable = 0) AND n.id IS NULL AND r.key IS NULL ORDER BY l.seq"
            )
            came_by = store.runs_by_landing(tx) if rows else {}
        opened = 0
        for (key,) in rows:
            landing = get_landing(self.lake, str(key))
            supply = self.supply_of(landing, came_by)
            if supply is None or not self.is_suppliers(landing):
                continue
            contract = self.lake.get_contract(landing.table)
            words = say.say_refused(supply, contract, landing, read_refused(self.lake, landing, limit=EVERY_ROW))
            opened += self._tell(say.refused_id(supply, landing), supply, "refused", words, ("", ""), landing.key)
        return opened

    def supply_of(self, landing: Landing, came_by: Mapping[str, str]) -> Supply | None:
        """The supply that a landing came by: the one that brought it, else the only one that its table has."""
        if came_by.get(landing.key) in self.supplies:
            return self.supplies[came_by[landing.key]]
        of_table = [s for s in self.supplies.values() if s.table == landing.table]
        return of_table[0] if len(of_table) == 1 else None

    def is_suppliers(self, landing: Landing) -> bool:
        """Whether a file counts as a supplier's: the place's own figures do not."""
        return landing.by not in self._not_suppliers

    def _tell(
        self, notice: str, supply: Supply, kind: str, words: say.Words, due: tuple[str, str], landing: str = ""
    ) -> int:
        payload = {
            "notice": notice,
            "supply": supply.id,
            "table": supply.table,
            "kind": kind,
            "period": due[0],
            "due": due[1],
            "landing": landing,
            "subject": words.subject.to_json(),
            "text": words.text.to_json(),
            "on": self.clock.today().isoformat(),
        }
        with self.lake.books.write() as tx:
            if tx.find_line(notice) is not None:
                return 0
            tx.record("feeds.told", notice, payload, messages=[say.make_message(notice, supply, words)])
        return 1

    def _close(self) -> int:
        closed = 0
        today = self.clock.today()
        owing = {say.late_id(state) for state in self.states() if state.is_late}
        for notice in self.notices(only_open=True):
            supply = self.supplies.get(notice.supply)
            stands = notice.id in owing if notice.kind == "late" else self._is_unsettled(notice)
            if supply is None or stands:
                continue
            token = f"{notice.id}:closed"
            payload = {"notice": notice.id, "on": today.isoformat()}
            message = say.make_message(token, supply, say.say_closed(notice, supply, today))
            with self.lake.books.write() as tx:
                if tx.find_line(token) is None:
                    tx.record("feeds.closed", token, payload, messages=[message])
                    closed += 1
        return closed

    def _is_unsettled(self, notice: Notice) -> bool:
        landing = get_landing(self.lake, notice.landing)
        if landing.is_readable:
            return self.count_open(landing) > 0
        later = list_landings(self.lake, landing.table, limit=50)
        return not any(one.seq > landing.seq and one.is_readable for one in later)

    def deliver(self, *, now: bool = False) -> int:
        """Bring waiting notices to their suppliers by every way that leads there; return how many got there.

        Delivery is at least once: a crash before the journal says so leads to a second copy under the same token.
        """
        with self.lake.books.read() as tx:
            waiting = store.list_waiting(tx)
        delivered = 0
        for token, body in waiting:
            tries, again_at = self._tries.get(token, (0, 0.0))
            if not now and tries and self._since() < again_at:
                continue
            supply = self.supplies.get(str(body["supply"]))
            try:
                ways = [c.name for c in self.carriers if c.carry(token, supply.supplier if supply else None, body)]
            except Exception as error:  # noqa: BLE001 - one supplier that cannot be reached must not keep the others waiting
                _log.warning("notice %s: %s", token, error)
                wait = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 4 ** min(tries, 6))
                self._tries[token] = (tries + 1, self._since() + wait)
                continue
            with self.lake.books.write() as tx:
                tx.record("books.delivered", f"delivered:{token}", {"token": token, "by": ways})
            self._tries.pop(token, None)
            delivered += 1
        return delivered
