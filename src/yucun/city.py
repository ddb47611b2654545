"""A city: a place plus services; the only assembler, and what all doors call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa

from yucun.base.clock import Clock, RealClock, SimulatedClock
from yucun.base.declaration import raise_findings
from yucun.base.identity import Level, PersonId, RegionCode
from yucun.base.period import Period
from yucun.base.text import Language, Text
from yucun.kernel.access import (
    OPEN_READER,
    AccessRules,
    Accounts,
    Decision,
    IdentityProvider,
    LocalAccounts,
    Look,
    Reader,
    Refused,
    Requests,
    Sessions,
    Trail,
    Verb,
    can_filter,
    mask,
    may_do,
    may_read,
    may_see_rows,
    persons_in,
    require,
)
from yucun.kernel.access import ORGAN as ACCESS
from yucun.kernel.books import Attachments, Books
from yucun.kernel.engine import Event, Serving, Taken, load_acting
from yucun.kernel.engine.another import First
from yucun.kernel.engine.assemble import ORGANS as WORK
from yucun.kernel.engine.assemble import Work, assemble, open_accounts, read_kernel_contracts
from yucun.kernel.indicators import (
    CellKey,
    Chain,
    Indicator,
    Numbers,
    Row,
    Trace,
    Value,
    link_indicators,
    make_cell_contract,
)
from yucun.kernel.indicators.opened import find_subject
from yucun.kernel.lake.bulk.compact import compact
from yucun.kernel.lake.bulk.load import BulkSent, load_bulk, sweep_jobs
from yucun.kernel.lake.bulk.model import Limits
from yucun.kernel.lake.bulk.model import Progress as Moved
from yucun.kernel.lake.catalogue import ORGAN as CATALOGUE
from yucun.kernel.lake.catalogue import Catalogue, open_declared, read_open
from yucun.kernel.lake.contract import Contract, Field
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.model import Feed, Landing
from yucun.kernel.lake.publish import LANDINGS, Rest, publish
from yucun.kernel.lake.read import get_landing, hide_values, list_landings, read_page, read_refused
from yucun.kernel.lake.running import ORGAN as FEEDS
from yucun.kernel.lake.running import Clerk, Desk, join_supplies
from yucun.kernel.lake.store import ORGAN as LAKE
from yucun.kernel.lake.store import Lake
from yucun.kernel.plans import answer_assign
from yucun.kernel.registry import ORGAN as REGISTRY
from yucun.kernel.registry import Place, Regions, keep_regions, read_place
from yucun.kernel.screens import Screen, Shown, gather_screens, resolve
from yucun.kernel.screens.search import Hit, find_hits
from yucun.kernel.service import Service, read_services

ORGANS = (LAKE, REGISTRY, ACCESS, CATALOGUE, FEEDS, *WORK)
_HERE = Path(__file__).parent
PLACES, SERVICES, COCKPITS = _HERE / "places", _HERE / "services", _HERE / "cockpits"
# Who lands the place's own figures when the city opens.
PLACE_ACCOUNT = "place"
# Step in words, how many are done, of how many.
Progress = Callable[[Text, int, int], None]


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of a table as one reader may see it: each field beside its ``field__mark``."""

    rows: pa.Table
    total: int
    start: int
    next: int | None
    as_of: int


class City:
    """What doors call: everything of one city, in one process.

    `open` makes one; `close` lets go of it. Reading is safe from many threads; writing takes its turn.
    """

    def __init__(
        self,
        place: Place,
        services: Mapping[str, Service],
        data: Path,
        books: Books,
        clock: Clock,
        engine: Engine | None = None,
    ) -> None:
        self.place = place
        self.services = dict(services)
        self.data = data
        self.books = books
        self.clock = clock
        self.regions: Regions = place.regions
        self.attachments = Attachments(data / "attachments")
        self.contracts, supplies = join_supplies(place.folder, _gather_contracts(services))
        self.lake = Lake(data / "lake", books, {**self.contracts, **_cell_contract()}, engine or Engine())
        purposes = [AccessRules(purposes=s.purposes) for s in services.values()]
        self.rules = AccessRules.of_kernel().add(*purposes, AccessRules.of_place(place.folder, place.id))
        self.accounts = Accounts(books, self.rules, place.region, self.is_within, clock)
        self.requests = Requests(books, self.contracts.get, place.region, self.is_within, clock)
        self.sessions = Sessions(self.accounts, RealClock())
        self.identity: IdentityProvider = LocalAccounts(self.accounts, RealClock())
        self.trail = Trail(books, clock)
        formulas = {f"{s.id}.{name}": rule for s in services.values() for name, rule in s.rules.items()}
        linked, findings = link_indicators([i for s in services.values() for i in s.indicators], formulas)
        raise_findings(findings)
        self.indicators: dict[str, Indicator] = linked
        self._formulas = formulas
        self.numbers = self.make_numbers(self.lake)
        folders = {s.id: s.folder for s in services.values()}
        one_numbers = {s.one_number: s.title for s in services.values() if s.one_number}
        self.screens: dict[str, Screen] = gather_screens(COCKPITS, folders, linked, one_numbers)
        loaded = load_acting(services, place.folder / "parameters")
        raise_findings(loaded.findings)
        self.work: Work = assemble(books, self.lake, self.regions, loaded, clock)
        answerers = {"plans.assign": answer_assign, **loaded.answers}
        self.serving = Serving(self.work.engine, answerers, self.last_seq, self.publish, self.numbers.refresh)
        self.listeners = self.serving.listeners
        self.catalogue = Catalogue(books, self.attachments, partial(find_subject, self.numbers, self.contracts))
        self.desk = Desk(
            self.lake, self.attachments, self.regions, supplies, clock, data, self.settle, not_suppliers={PLACE_ACCOUNT}
        )
        self.clerk = Clerk(self.desk, self.trail)

    # -- opening and closing ----------------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        place: str | Path = "huzhou",
        *,
        data: Path,
        books_url: str | None = None,
        live: bool = False,
        clock: Clock | None = None,
        services: Path = SERVICES,
        progress: Progress | None = None,
        engine: str = "",
        lake_as: str = "",
        before: Callable[[City], object] | None = None,
    ) -> City:
        """Open a city, making it first where there is none.

        Parameters
        ----------
        place : str or Path
            The name of a place that ships, or a place folder.
        data : Path
            Where the city is kept; made if need be.
        books_url : str or None
            ``postgresql://…``, or None for SQLite inside ``data``.
        live : bool
            Take the machine's day instead of the place's own.
        progress : callable
            Told each step in words, with how many of how many are done.
        engine : str
            What runs expressions: ``duckdb`` (also when empty), or ``sc://host:port`` of a Spark Connect server.
        lake_as : str
            The lake's folder as that server sees it; empty when it sees the same.
        before : callable
            Done before anything lands, e.g. playing made-up events that came before the city's own day.

        Raises
        ------
        PlaceError, DeclarationError
            With all findings of the place and of the services together.
        """
        tell = progress or _say_nothing
        asked = Engine.open(engine, data / "lake", lake_as)
        folder = place if isinstance(place, Path) else PLACES / place
        tell(Text("读取地方与服务", "read the place and the services"), 0, 1)
        known = read_place(folder)
        found, findings = read_services(services)
        raise_findings(findings)
        data.mkdir(parents=True, exist_ok=True)
        ticking = clock or (RealClock() if live else SimulatedClock.on(known.today))
        books = Books.open(books_url or f"sqlite:///{data / 'books.sqlite'}", ORGANS, ticking)
        try:
            city = cls(known, found, data, books, ticking, asked)
            if before is not None:
                before(city)
            city._recover(tell)
        except BaseException:
            books.close()
            raise
        return city

    def _recover(self, tell: Progress) -> None:
        """Sweep what a crash left, take in the place, and bring numbers up to the lake's state."""
        raise_findings(self.lake.check_editions())
        with self.books.writing():
            self.lake.sweep()
            sweep_jobs(self.lake)
            self.attachments.sweep(self.books)
            with self.books.write() as tx:
                keep_regions(tx, self.place.regions)
            open_accounts(self.books, self.work.ledger, self.work.loaded.chart)
        figures = self.place.figures_on(self.clock.today())
        for number, one in enumerate(figures):
            tell(Text(f"落地 {one.name}", f"land {one.name}"), number, len(figures))
            if one.table in self.contracts:
                self._land(Sent(one.path.read_bytes(), one.name, one.table, PLACE_ACCOUNT, {}))
        self._open_declared()
        self.settle(tell)

    def _open_declared(self) -> None:
        """Open what the place's folder says is open; a table whose service is not there is passed over."""
        declared, findings = read_open(self.place.folder / "open.toml")
        known = [one for one in declared if find_subject(self.numbers, self.contracts, one.name)]
        raise_findings([*findings, *open_declared(self.catalogue, known)])

    def settle(self, tell: Progress | None = None) -> None:
        """Work out the cells that changed, publish what the journal holds, release what is open; after every landing."""
        words = Text("计算指标", "work out the numbers")
        self.publish()
        self.numbers.refresh((lambda done, total: tell(words, done, total)) if tell else None)
        self.publish()
        self.catalogue.release()

    def start(self) -> None:
        """Let events be taken as they come and be published as they happen; a city that is served does so."""
        self.serving.start()

    def stop(self) -> None:
        """Finish what was submitted and publish it."""
        self.serving.stop()

    def submit(self, event: Event) -> Future[Taken]:
        """Give an event to the engine; the future is done once the event is committed or refused."""
        return self.serving.submit(event)

    def make_numbers(self, lake: Lake) -> Numbers:
        """Return the city's numbers over a lake: its own, or that of a replay."""
        return Numbers(
            lake, self.regions, self.indicators, self._formulas, self.clock.today, self.place.region, self.is_within
        )

    def as_first(self) -> First:
        """What a replay needs of this city."""
        return First(self.books, self.lake, self.regions, ORGANS, self.work, self.numbers)

    def publish(self, rest: Rest = lambda: None) -> int:
        """Cut what the journal holds beyond each watermark into lake tables; return how many ranges were cut."""
        return publish(self.lake, (LANDINGS, *self.work.publications), rest)

    def close(self) -> None:
        """Write down the last looks and close the books."""
        self.stop()
        self.trail.flush()
        self.lake.engine.close()
        self.books.close()

    # -- who and where ----------------------------------------------------------------------------------------

    def is_within(self, code: RegionCode, above: Collection[RegionCode]) -> bool:
        """Whether a region lies in one of others on the city's day."""
        today = self.clock.today()
        return any(self.regions.is_within(code, one, today) for one in above)

    def may_do(self, reader: Reader, verb: Verb, table: str = "") -> Decision:
        """Say whether a reader may do a verb to a table."""
        return may_do(reader, verb, table)

    def may_read(self, reader: Reader, contract: Contract, field: Field, purpose: str = "") -> bool:
        """Say whether a reader sees a field unmasked somewhere."""
        return may_read(reader, contract, field, purpose).is_allowed

    # -- files and tables ---------------------------------------------------------------------------------------

    def last_seq(self) -> int:
        """The newest journal seq: nothing that is shown can change while it stands."""
        with self.books.read() as tx:
            return tx.last_seq()

    def load(
        self,
        content: bytes,
        name: str,
        table: str,
        *,
        reader: Reader,
        given: Mapping[str, str] | None = None,
        correct: bool = False,
        progress: Progress | None = None,
    ) -> Landing:
        """Land a file for a reader who may, then bring numbers up to date.

        Parameters
        ----------
        given : mapping
            Values for fields that the file has no column for.
        correct : bool
            Replace rows that the table holds with other values; needs the verb ``correct``.
        progress : callable
            May raise to stop before anything is committed.

        Raises
        ------
        AccessError, NotKnown
            If the reader may not, or there is no such table.
        """
        require(may_do(reader, "correct" if correct else "load", table), table)
        self.lake.get_contract(table)
        tell = progress or _say_nothing
        tell(Text("读取与核对", "read and check"), 0, 3)
        self.desk.watch()
        landing = self._land(Sent(content, name, table, reader.account, given or {}, correct))
        self.settle()
        self.desk.watch()
        tell(Text("完成", "done"), 3, 3)
        return landing

    def load_bulk(
        self,
        sent: BulkSent,
        *,
        reader: Reader,
        limits: Limits | None = None,
        progress: Callable[[Moved], None] | None = None,
    ) -> Landing:
        """Land a file or table of any size in a child process; a load that was stopped is resumed.

        ``progress`` may raise to cancel: then nothing remains. Files of a part beyond 64 become one.
        """
        require(may_do(reader, "correct" if sent.is_correction else "load", sent.table), sent.table)
        self.desk.watch()
        landing = load_bulk(self.lake, self.regions, sent, self.clock.today(), limits=limits, tell=progress)
        compact(self.lake, [sent.table])
        self.settle()
        self.desk.watch()
        return landing

    def _land(self, sent: Sent) -> Landing:
        return land(self.lake, self.attachments, self.regions, sent, self.clock.today())

    def landings(self, table: str = "", limit: int = 100, before: int | None = None) -> list[Landing]:
        """Return landings, newest first."""
        return list_landings(self.lake, table, limit=limit, before=before)

    def landing(self, key: str) -> Landing:
        """Return one landing, or raise `NotKnown`."""
        return get_landing(self.lake, key)

    def landing_of(self, file: str) -> Landing | None:
        """Return the newest landing of a sent file."""
        return next(iter(list_landings(self.lake, file=file, limit=1)), None)

    def quarantine(self, key: str, *, reader: Reader = OPEN_READER, start: int = 0, limit: int = 1000) -> pa.Table:
        """Return a landing's refused records; the record as sent is left out for who may not see all its fields."""
        landing = get_landing(self.lake, key)
        contract = self.lake.get_contract(landing.table)
        table = read_refused(self.lake, landing, start, limit)
        if contract.level == "L1" or may_do(reader, "load", landing.table).is_allowed:
            return table
        return hide_values(table)

    def moved_by(self, key: str, *, reader: Reader = OPEN_READER, purpose: str = "") -> list[CellKey]:
        """Return the numbers that a landing's rows enter, each once; for a table about people, to who may see its rows."""
        landing = get_landing(self.lake, key)
        contract = self.contracts.get(landing.table)
        if contract is not None and not self._may_see_rows(reader, contract, purpose).is_allowed:
            return []
        return self.numbers.moved_by(landing.file)

    def feeds(self) -> list[Feed]:
        """Say of each table what it holds last and whether it is late."""
        return self.desk.feeds(list(self.contracts))

    def rows(
        self,
        table: str,
        *,
        reader: Reader = OPEN_READER,
        purpose: str = "",
        filters: Mapping[str, str] | None = None,
        q: str = "",
        sort: str = "",
        as_of: int | None = None,
        start: int = 0,
        page: int = 1,
        size: int = 100,
    ) -> Rows:
        """Return a page of a table, masked for a reader, in key order or sorted by a field (``-field`` downwards).

        Raises
        ------
        NotKnown
            If there is no such table or field.
        AccessError
            If a filter or search would tell what the reader may not see.
        """
        contract = self.lake.get_contract(table)
        require(self._may_see_rows(reader, contract, purpose), table)
        filters = self.requests.narrow(purpose, table, filters)
        for name in (*(filters or {}), *([sort.lstrip("-")] if sort else [])):
            require(can_filter(contract, reader, purpose, name), table)
        words = [f.name for f in contract.fields if can_filter(contract, reader, purpose, f.name).is_allowed]
        first = start or (page - 1) * size
        found = read_page(
            self.lake,
            table,
            filters=filters,
            search=q,
            search_in=words,
            sort=sort,
            as_of=as_of,
            start=first,
            limit=size,
        )
        shown = mask(found.rows, contract, reader, purpose, root=self.place.region, within=self.is_within)
        self.trail.note(
            reader,
            table,
            contract.level,
            purpose=purpose,
            fields=words,
            shown=found.rows.num_rows,
            persons=persons_in(found.rows, contract),
        )
        return Rows(shown.table, found.total, found.start, found.next, found.as_of)

    def _may_see_rows(self, reader: Reader, contract: Contract, purpose: str) -> Decision:
        """Rows about people are for those who may read about them; kept cells are read as numbers, never as rows."""
        if contract.name in self.contracts:
            return may_see_rows(reader, contract, purpose)
        reason = Text("指标单元只能作为数字查看", "cells of indicators are read as numbers, not as rows")
        return Refused("access.cells", reason)

    def _note_number(self, indicator: str, reader: Reader, purpose: str, region: RegionCode | None) -> None:
        """Note a look at a number that is not open to everyone."""
        found = self.indicators.get(indicator)
        if found is not None and found.level > "L1" and purpose:
            self.trail.note(reader, indicator, found.level, purpose=purpose, region=region)

    def _rows_seen(self, rows: Sequence[Row], reader: Reader, purpose: str) -> tuple[Row, ...]:
        return tuple(r for r in rows if self._may_see_rows(reader, self.contracts[r.table], purpose).is_allowed)

    # -- numbers ------------------------------------------------------------------------------------------------

    def value(
        self,
        indicator: str,
        region: RegionCode,
        period: Period | None = None,
        *,
        as_of: int | None = None,
        reader: Reader = OPEN_READER,
        purpose: str = "",
        in_map_of: date | None = None,
    ) -> Value:
        """Return a number or its mark; with no period, the newest."""
        self._note_number(indicator, reader, purpose, region)
        question = self.numbers.ask(as_of, reader, purpose)
        return self.numbers.value(indicator, region, period, question=question, in_map_of=in_map_of)

    def series(
        self,
        indicator: str,
        region: RegionCode,
        *,
        as_of: int | None = None,
        reader: Reader = OPEN_READER,
        purpose: str = "",
    ) -> list[Value]:
        """Return all periods of a number in a region, oldest first; kinds stay apart by `Period.is_comparable`."""
        self._note_number(indicator, reader, purpose, region)
        return self.numbers.series(indicator, region, question=self.numbers.ask(as_of, reader, purpose))

    def compare(
        self,
        indicator: str,
        period: Period | None,
        level: Level,
        within: RegionCode | None,
        *,
        as_of: int | None = None,
        reader: Reader = OPEN_READER,
        purpose: str = "",
    ) -> list[Value]:
        """Return a number for every region of a level inside another, in one period."""
        self._note_number(indicator, reader, purpose, within)
        return self.numbers.compare(indicator, period, level, within, question=self.numbers.ask(as_of, reader, purpose))

    def why(
        self,
        indicator: str,
        region: RegionCode,
        period: Period | None = None,
        *,
        as_of: int | None = None,
        reader: Reader = OPEN_READER,
        purpose: str = "",
    ) -> Chain:
        """Return the chain behind a number."""
        self._note_number(indicator, reader, purpose, region)
        chain = self.numbers.why(indicator, region, period, question=self.numbers.ask(as_of, reader, purpose))
        # Which files a number rests on would tell, file by file, whose records it counts.
        tables = [self.contracts[t] for t in self.numbers.links.tables_of(indicator) if t in self.contracts]
        is_open = all(self._may_see_rows(reader, contract, purpose).is_allowed for contract in tables)
        return replace(chain, rows=self._rows_seen(chain.rows, reader, purpose), files=chain.files if is_open else ())

    def trace(
        self, file: str, record: int, *, as_of: int | None = None, reader: Reader = OPEN_READER, purpose: str = ""
    ) -> Trace:
        """Follow one record of a sent file to every number that it moved."""
        found = self.numbers.trace(file, record, question=self.numbers.ask(as_of, reader, purpose))
        seen = self._rows_seen(found.rows, reader, purpose)
        # Record by record, what moved would count the people behind every number.
        return found if len(seen) == len(found.rows) else replace(found, rows=seen, moved=())

    def looks_at(self, person: str, *, by: Reader, home: RegionCode | None = None, limit: int = 200) -> list[Look]:
        """Say who looked at a person's data, when and for which purpose: to that person and to auditors.

        Parameters
        ----------
        person : str
            The person's id.
        home : RegionCode or None
            Where the person lives: looks at whole sets there, or in a region above, may have held them too.
        """
        above = self.regions.ancestors(home, self.clock.today()) if home is not None else ()
        regions = [home, *(r.code for r in above)] if home is not None else []
        return self.trail.list_of_person(PersonId.parse(person), regions, by=by, limit=limit)

    # -- screens and search ---------------------------------------------------------------------------------------

    def screen(
        self,
        name: str,
        region: RegionCode,
        *,
        as_of: int | None = None,
        reader: Reader = OPEN_READER,
        purpose: str = "",
    ) -> Shown:
        """Resolve a screen for a region and a reader."""
        return resolve(self.screens[name], self.numbers, region, self.numbers.ask(as_of, reader, purpose))

    def screens_of(self, indicator: str) -> list[tuple[Screen, str]]:
        """Return the screens that show a number, with their addresses."""
        return [(screen, screen.address) for screen in self.screens.values() if indicator in screen.indicators]

    def search(self, text: str, language: Language = "zh", reader: Reader = OPEN_READER, limit: int = 40) -> list[Hit]:
        """Find regions, numbers, tables and services by any of their words, best first within each kind."""
        del language, reader
        regions = [
            Hit("region", row.name, f"/region/{row.code.short}", self.regions.path_title(row.code, self.clock.today()))
            for row in self.regions.search(text, 20, self.clock.today())
        ]
        numbers = [Hit("number", i.title, f"/number/{i.id}", i.meaning) for i in self.indicators.values()]
        tables = [Hit("table", c.title, f"/lake/{c.name}", c.meaning) for c in self.contracts.values()]
        services = [Hit("service", s.title, f"/service/{s.id}", s.meaning) for s in self.services.values()]
        return [*regions, *find_hits(text, (*numbers, *tables, *services))][:limit] if text.strip() else []


def _say_nothing(step: Text, done: int, total: int) -> None:
    """Stand in for a progress that nobody watches."""
    del step, done, total


def _cell_contract() -> dict[str, Contract]:
    contract = make_cell_contract()
    return {contract.name: contract}


def _gather_contracts(services: Mapping[str, Service]) -> dict[str, Contract]:
    return {c.name: c for s in services.values() for c in s.contracts} | read_kernel_contracts()
