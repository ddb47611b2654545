"""The residents of a city kept ready for what-if: put together once a table version, one question at a time.

A question that its asker has replaced by a newer one is let go between two steps; nobody waits for it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.errors import AccessError, Finding, NotKnown
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.sight import Desk
from yucun.kernel.access import Reader
from yucun.services.relief.pages.chief import TakeUp, tell_take_up
from yucun.services.relief.pages.residents import Residents, make_residents
from yucun.services.relief.pages.scenario import Scenario
from yucun.services.relief.pages.whatif import Answer, Bench, Course, Example
from yucun.services.relief.planning import parameters_of

SERVICE = "relief"
# Which columns of what offices hold are read: neither names nor anything that the rules do not ask for.
READS = {
    "person": ("person", "household", "role", "birth", "village"),
    "household": ("household", "kind"),
    "register": ("person", "class", "since"),
    "income": ("person", "line", "since", "until", "month_fen"),
    "asset": ("person", "kind", "value_fen"),
    "disability": ("person", "kind", "grade"),
    "medical": ("person", "month", "kind", "own_fen"),
    "electricity": ("household", "month", "kwh"),
}
# How long a page waits for the residents before it says how far they are.
PATIENCE_S = 4.0
_STEPS = len(READS) + 2


class Superseded(Exception):  # noqa: N818 - a wish, not an error
    """The reader has asked something newer."""


@dataclass(slots=True)
class Gathering:
    """The residents on their way."""

    version: tuple[Any, ...]
    step: Text
    done: int = 0
    future: Future[Bench] | None = None


@dataclass(slots=True)
class Lab:
    """What-if for one city."""

    city: City
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "what-if"))
    _gathering: Gathering | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _newest: dict[str, int] = field(default_factory=dict)

    def admit(self, reader: Reader, what: str = "relief what-if") -> str:
        """The purpose under which a reader may ask; the look is noted, as one at all residents.

        Raises
        ------
        AccessError
            The reader's posts do not work with relief, or hold no purpose that reads what residents earn and own.
        """
        Desk(self.city, SERVICE, reader)
        held = [p.name for p in reader.purposes if all(p.covers(f"people.{t}", f) for t in READS for f in READS[t])]
        if not held:
            raise AccessError(
                Finding(
                    "relief.whatif_purpose", "/service/relief/what-if", "no purpose", "relief.planning",
                    Text(
                        "政策试算要读全体居民的汇总情况，您的岗位没有这个目的；请向管理员申请「relief.planning」",
                        "a what-if reads what offices hold of all residents, and your posts have no purpose for that; ask an "
                        "administrator for 'relief.planning'",
                    ),
                )
            )  # fmt: skip
        purpose = next((name for name in held if name.startswith(f"{SERVICE}.")), held[0])
        fields = [f"people.{table}" for table in READS]
        region = self.city.place.region
        self.city.trail.note(reader, what, "L2", purpose=purpose, fields=fields, region=region)
        return purpose

    def find(self) -> Bench | Gathering:
        """The residents as the tables have them now, or how far they are."""
        if "people" not in self.city.services:
            raise NotKnown(_no_people())
        version = self._version()
        with self._guard:
            if self._gathering is None or self._gathering.version != version:
                self._gathering = Gathering(version, Text("读取各部门数据", "read what offices hold"))
                self._gathering.future = self._worker.submit(self._gather, self._gathering)
            gathering = self._gathering
        assert gathering.future is not None
        try:
            return gathering.future.result(PATIENCE_S)
        except TimeoutError:
            return gathering
        except BaseException:
            with self._guard:
                self._gathering = None
            raise

    def ask(self, reader: Reader, bench: Bench, scenario: Scenario, example: Example) -> tuple[Answer, Course]:
        """Answer a question, or raise `Superseded` once the same reader has asked another."""
        with self._guard:
            mine = self._newest.get(reader.account, 0) + 1
            self._newest[reader.account] = mine

        def watch() -> None:
            if self._newest[reader.account] != mine:
                raise Superseded

        with self._turn:
            watch()
            answer = bench.answer(scenario, watch)
            watch()
            return answer, bench.follow(scenario, example)

    def take_up(self, bench: Bench) -> tuple[TakeUp, ...]:
        """Who of those entitled is registered, under today's law."""
        with self._turn:
            return tell_take_up(bench.residents, bench.met_today())

    def _version(self) -> tuple[Any, ...]:
        changed = tuple(self.city.lake.last_change(f"people.{table}") for table in READS)
        return changed, self.city.clock.today(), self.city.work.engine.services[SERVICE].pack.hash

    def _gather(self, gathering: Gathering) -> Bench:
        # Another service's verb: a city without it must open, and has no residents to ask about.
        from yucun.services.people.commands import make_means  # noqa: PLC0415

        city, today = self.city, self.city.clock.today()
        month = Period.month(today.year, today.month)

        def tell(zh: str, en: str) -> None:
            gathering.step = Text(zh, en)
            gathering.done += 1

        tables = {}
        for table, columns in READS.items():
            tables[table] = _read(city, table, columns, month)
            tell(f"读取 people.{table}", f"read people.{table}")
        if not tables["person"].num_rows:
            raise NotKnown(_no_people())
        means = make_means(tables, month)
        tell("按户汇总", "put together by household")
        pack = city.work.engine.services[SERVICE].pack.derive(parameters_of)
        bench = Bench(_put_together(tables, means, pack, month), pack)
        tell("按现行标准核算", "assess under today's figures")
        return bench


def _read(city: City, table: str, columns: tuple[str, ...], month: Period) -> pa.Table:
    rows = city.lake.table(f"people.{table}").select(*columns)
    if table == "electricity":
        rows = rows.filter(rows.month == month.text)
    if table == "asset":
        rows = rows.filter(rows.kind == "money")
    found: pa.Table = city.lake.engine.run(rows)
    return found


def _put_together(tables: dict[str, pa.Table], means: pa.Table, pack: Any, month: Period) -> Residents:
    medical = tables["medical"]
    first = str(np.datetime64(month.text, "M") - 11)
    words = medical["month"].cast(pa.string())
    special = pc.and_(
        pc.equal(medical["kind"], "special_outpatient"),
        pc.and_(pc.greater_equal(words, first), pc.less_equal(words, month.text)),
    )
    ill = pc.unique(medical.filter(special)["person"].cast(pa.string()))
    is_ill = pc.is_in(means["person_id"].cast(pa.string()), value_set=ill).combine_chunks()
    kwh = tables["electricity"].select(["household", "kwh"]).rename_columns(["household_id", "used_kwh"])
    person = tables["person"]
    return make_residents(
        means, person["birth"], person["village"], is_ill.to_numpy(zero_copy_only=False), kwh, pack, month
    )


def _no_people() -> Finding:
    return Finding(
        "relief.whatif_people", "people.person", "0 rows", "residents",
        Text(
            "还没有居民数据，不能试算；请先接入人口和部门数据，或按 yucun sample 造出模拟居民",
            "there are no residents to try a law on; let offices send their tables, or make residents up with yucun sample",
        ),
    )  # fmt: skip


def how_far(gathering: Gathering) -> int:
    """Per cent of the way."""
    return min(99, 100 * gathering.done // _STEPS)
