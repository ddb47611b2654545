"""Shared prosperity over HTTP: the index of the cities, levers, the tree of tasks, the sentences of a year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from yucun.base.errors import NotKnown, Yours
from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import FORMS, Asked, Done, Operation, Parameter, Sheet
from yucun.doors.api.text_shapes import Words, words
from yucun.doors.sight import index_of, rows_of, sight_of
from yucun.services.prosperity.models import ASKED_FOR_ONLY, DIMENSIONS, NO_INDEX, CityIndex
from yucun.services.prosperity.pages.levers import Bench, Outcome, tabulate_levers
from yucun.services.prosperity.pages.report import make_report
from yucun.services.prosperity.pages.tasks import TABLE, Task, make_tree

if TYPE_CHECKING:
    from yucun.city import City

SHELF = "numbers"
_NOT_THERE = {NO_INDEX, "prosperity.city", "prosperity.lever"}
_SET = r"^[a-z_]{1,40}=-?[0-9]{1,12}(\.[0-9]{1,6})?(,[a-z_]{1,40}=-?[0-9]{1,12}(\.[0-9]{1,6})?){0,9}$"


class StandingShape(msgspec.Struct):
    """A city's place: nominal, and at 5, 50 and 95 % of the replications."""

    city: str
    name: Words
    rank: int
    score: float
    rank_q5: float
    rank_median: float
    rank_q95: float
    overlaps: list[str]
    points: dict[str, float]


class IndexShape(msgspec.Struct):
    """The index: places, what went in, the share that each choice has in the swaying, and what makes it the same again."""

    standings: list[StandingShape]
    inputs: dict[str, str]
    not_known: dict[str, Words]
    shares: dict[str, float]
    replications: int
    seed: int
    digest: str


class LeverShape(msgspec.Struct):
    """One lever: its figure, one feasible step, and what that does; empty where no step is known."""

    indicator: str
    period: str
    figure: float
    unit: str
    step: float | None
    step_seen_in: str | None
    step_period: str | None
    aim: float | None
    rank: int | None
    rank_after: int | None
    rank_after_q5: int | None
    rank_after_q95: int | None
    points: float | None
    chance: float | None


class OutcomeShape(msgspec.Struct):
    """What becomes of the city with what was set."""

    figures: dict[str, float]
    rank: int
    rank_after: int
    rank_after_q5: int
    rank_after_q95: int
    points: float
    chance: float
    loss: float


class LeversShape(msgspec.Struct):
    """All levers by what a step does, and the outcome of what was set."""

    levers: list[LeverShape]
    outcome: OutcomeShape


class TaskShape(msgspec.Struct):
    """One task with its light and why it is so."""

    task: str
    parent: str
    kind: str
    title: Words
    light: str
    reason: Words
    owner: Words | None
    due: str
    done_on: str
    indicator: str
    source: str


class TasksShape(msgspec.Struct):
    """The tree of tasks, each after the one above it."""

    tasks: list[TaskShape]


class NumberShape(msgspec.Struct):
    """A number of a sentence: as shown, and which it is."""

    shown: str
    kind: str
    indicator: str
    region: str
    period: str
    what: str
    evidence: str


class SentenceShape(msgspec.Struct):
    """A sentence in both languages with its numbers."""

    section: str
    name: str
    sentence: Words
    numbers: list[NumberShape]


class ReportShape(msgspec.Struct):
    """All sentences of a year."""

    year: int
    title: Words
    sentences: list[SentenceShape]
    sources: list[str]


def list_operations(city: City) -> list[Operation]:
    """All operations about shared prosperity."""
    here = ask.choose_region(
        city, "city", required=False, meaning=Text("哪个市；默认本市", "which city; the place itself")
    )
    asked = (here, _entering())
    return [
        Operation(
            "getCityIndex", "GET", "/api/prosperity/index", SHELF,
            Text("各市指数，位次带区间", "The index of the cities, places with intervals"), get_index, IndexShape,
            parameters=(*asked, ask.choose_moment(city), ask.choose_form()), forms=FORMS, problems=(404,),
        ),
        Operation(
            "getLevers", "GET", "/api/prosperity/levers", SHELF,
            Text("杠杆：哪个数能动位次，动多少，机会多大", "Levers: which figure would move the place, how far, how likely"),
            get_levers, LeversShape, parameters=(*asked, _apart(), _set(), ask.choose_form()), forms=FORMS,
            problems=(404, 422),
        ),
        Operation(
            "getTasks", "GET", "/api/prosperity/tasks", SHELF, Text("任务树", "The tree of tasks"), get_tasks, TasksShape,
            parameters=(ask.choose_moment(city), ask.choose_form()), forms=FORMS, problems=(404,),
        ),
        Operation(
            "getReport", "GET", "/api/prosperity/report/{year}", SHELF,
            Text("年度报告的每一句和它的数", "Each sentence of a year's report with its numbers"), get_report, ReportShape,
            parameters=(
                Parameter(
                    "year", "path", Text("年份", "year"), {"type": "integer", "minimum": 1949, "maximum": 2100},
                    example=2021, required=True,
                ),
                ask.choose_moment(city),
            ),
            problems=(404,),
        ),
    ]  # fmt: skip


def _entering() -> Parameter:
    names = [*ASKED_FOR_ONLY, ",".join(ASKED_FOR_ONLY)]
    return ask.choose_code("with", Text("还要算进哪些维度", "dimensions to count in besides the usual ones"), names)


def _apart() -> Parameter:
    said = Text(
        "各数分开动，不让相连的数跟着动", "move each figure by itself, without those that hang together with it"
    )
    return Parameter("apart", "query", said, {"type": "boolean"}, example="true")


def _set() -> Parameter:
    said = Text(
        "要设的数，如 income_rural=31000,urban_rural_ratio=1.5",
        "figures to set: income_rural=31000,urban_rural_ratio=1.5",
    )
    return Parameter(
        "set", "query", said, {"type": "string", "pattern": _SET, "maxLength": 400}, _read_set, "income_rural=31000"
    )


def _read_set(word: str) -> dict[str, float]:
    return {name: float(figure) for name, _, figure in (pair.partition("=") for pair in word.split(","))}


@contextmanager
def _known() -> Iterator[None]:
    """A city, a lever, or an index as of then that is not there is not known, like any other name."""
    try:
        yield
    except Yours as error:
        if {finding.kind for finding in error.findings} <= _NOT_THERE:
            raise NotKnown(error.findings) from error
        raise


def _index(asked: Asked) -> CityIndex:
    entering = set((asked.get("with") or "").split(","))
    kept = tuple(name for name in DIMENSIONS if name not in ASKED_FOR_ONLY or name in entering)
    sight = sight_of(asked.city, asked.get("as_of"), asked.reader)
    with _known():
        return index_of(asked.city, sight, asked.get("city") or asked.city.place.region, kept, asked.get("as_of"))


def get_index(asked: Asked) -> Sheet:
    """The index of the cities."""
    index = _index(asked)
    return Sheet("city-index", lambda: _tabulate_index(index), lambda: _shape_index(index))


def _shape_index(index: CityIndex) -> IndexShape:
    standings = [
        StandingShape(
            s.city.short, words(s.name), s.rank, s.score, s.low, s.median, s.high, [c.short for c in s.overlaps],
            dict(s.points),
        )
        for s in index.standings
    ]  # fmt: skip
    return IndexShape(
        standings,
        {i.indicator.id: i.period.text for i in index.inputs},
        {m.indicator.id: words(m.mark.reason) for m in index.missing},
        {name: float(share) for name, share in zip(index.shares.factors, index.shares.first, strict=True)},
        index.run.plan.replications,
        index.run.plan.seed,
        index.digest,
    )


def _tabulate_index(index: CityIndex) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "city": s.city.short, "name_zh": s.name.zh, "name_en": s.name.en, "rank": s.rank, "rank_q5": s.low,
                "rank_median": s.median, "rank_q95": s.high, "score": s.score,
                **{f"points_{name}": s.points.get(name, 0.0) for name in index.dimensions},
            }
            for s in index.standings
        ]
    )  # fmt: skip


def get_levers(asked: Asked) -> Sheet:
    """The levers of a city."""
    index = _index(asked)
    here = asked.get("city") or asked.city.place.region
    with _known():
        bench = Bench(sight_of(asked.city, None, asked.reader), index, here, not asked.get("apart"))
        outcome = bench.set(asked.get("set") or {})
    table = tabulate_levers(bench.levers())
    return Sheet(
        f"levers-{here.short}",
        lambda: table,
        lambda: LeversShape([LeverShape(**row) for row in table.to_pylist()], _shape_outcome(outcome)),
    )


def _shape_outcome(o: Outcome) -> OutcomeShape:
    return OutcomeShape(
        dict(o.figures), o.rank[0], o.rank[1], o.low[1], o.high[1], o.score[1] - o.score[0], o.chance, o.loss
    )


def get_tasks(asked: Asked) -> Sheet:
    """The tree of tasks."""
    city, as_of = asked.city, asked.get("as_of")
    rows = rows_of(city, TABLE, as_of, asked.reader)
    tree = make_tree(rows, sight_of(city, as_of, asked.reader), city.clock.today())
    shapes = [_shape_task(task, parent) for root in tree.roots for task, parent in _with_parents(root, "")]
    return Sheet("tasks", lambda: _tabulate_tasks(shapes), lambda: TasksShape(shapes))


def _with_parents(task: Task, parent: str) -> list[tuple[Task, str]]:
    return [(task, parent), *(pair for child in task.children for pair in _with_parents(child, task.id))]


def _shape_task(task: Task, parent: str) -> TaskShape:
    return TaskShape(
        task.id, parent, task.kind, words(task.title), task.light, words(task.reason),
        words(task.owner) if task.owner else None, task.due.isoformat() if task.due else "",
        task.done_on.isoformat() if task.done_on else "", task.indicator, task.source,
    )  # fmt: skip


def _tabulate_tasks(shapes: Sequence[TaskShape]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "task": s.task, "parent": s.parent, "kind": s.kind, "title_zh": s.title.zh, "title_en": s.title.en,
                "light": s.light, "reason_zh": s.reason.zh, "reason_en": s.reason.en,
                "owner_zh": s.owner.zh if s.owner else "", "owner_en": s.owner.en if s.owner else "", "due": s.due,
                "done_on": s.done_on, "indicator": s.indicator, "source": s.source,
            }
            for s in shapes
        ]
    )  # fmt: skip


def get_report(asked: Asked) -> Done:
    """The sentences of a year."""
    city, as_of = asked.city, asked.get("as_of")

    @cache
    def rows(table: str) -> Sequence[Mapping[str, Any]]:
        return rows_of(city, table, as_of, asked.reader)

    report = make_report(
        sight_of(city, as_of, asked.reader), city.place.region, asked.get("year"), city.clock.today(), rows
    )
    sentences = [
        SentenceShape(
            section.name,
            s.name,
            Words(s.of("zh"), s.of("en")),
            [
                NumberShape(
                    n.shown.zh, n.kind, n.indicator, n.region.short if n.region else "", n.period.text if n.period else "",
                    n.what, n.evidence,
                )
                for n in s.numbers
            ],
        )
        for section in report.sections
        for s in section.sentences
    ]  # fmt: skip
    return Done(ReportShape(report.year, words(report.title), sentences, list(report.sources)))
