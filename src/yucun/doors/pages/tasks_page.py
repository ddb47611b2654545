"""The tree of tasks: lights from numbers and days, filters, the rule of each light, and who changed what."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Response, get
from litestar.di import NamedDependency

from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.prosperity_pages import SERVICE, trail_of, ways_of
from yucun.doors.pages.prosperity_views import Light, TasksPage, TaskView
from yucun.doors.pages.valued import (
    downloads_of,
    landing_address,
    minute_of,
    number_address,
    record_address,
    region_name,
    source_title,
)
from yucun.doors.pages.views import Column, Entry, Opening, Option, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.doors.sight import rows_of, sight_of
from yucun.kernel.indicators.model import EVIDENCE_TITLES
from yucun.services.prosperity.pages.tasks import LIGHT_TITLES, LIGHTS, RULES, TABLE, Task, Tree, make_tree

# The order in which lights are told: what is wrong first, what is not known last.
_TOLD: tuple[Light, ...] = ("red", "amber", "green", "grey")


def make_tasks_page(visit: Visit) -> TasksPage:
    """The tree, or what a filter leaves of it."""
    city, catalogue = visit.city, words()
    today = city.clock.today()
    tree = make_tree(rows_of(city, TABLE, None, visit.reader), sight_of(city, None, visit.reader), today)
    query, light = visit.get("q"), visit.get("light")
    light = light if light in LIGHTS else ""
    shown = [view for task in tree.roots if (view := _view(visit, task, query, light)) is not None]
    lights = (Option("", catalogue["tasks.all"], not light),) + tuple(
        Option(name, LIGHT_TITLES[name], name == light) for name in _TOLD
    )
    return TasksPage(
        opening=_opening(visit, tree),
        trail=trail_of(visit),
        ways=ways_of("tasks"),
        query=query,
        lights=lights,
        tasks=tuple(shown),
        rules=tuple((name, LIGHT_TITLES[name], RULES[name]) for name in _TOLD),
        counts_by_light=tuple((name, LIGHT_TITLES[name], tree.count(name)) for name in _TOLD),
        changes=_changes(visit),
        notices=tuple(f.message for f in tree.findings),
        downloads=downloads_of("/api/prosperity/tasks"),
    )


def _opening(visit: Visit, tree: Tree) -> Opening:
    catalogue, title = words(), visit.city.services[SERVICE].title
    kicker = Text(f"{title.zh} · {catalogue['ways.tasks'].zh}", f"{title.en} · {catalogue['ways.tasks'].en}")
    known = len(tree.leaves) - tree.count("grey")
    sentence = catalogue.fill("tasks.sentence", known=known, all=len(tree.leaves))
    lead = catalogue.fill("tasks.lead", unnamed=tree.unnamed, uncounted=tree.uncounted)
    return Opening(kicker, sentence, (Span(lead),))


def _view(visit: Visit, task: Task, query: str, light: str) -> TaskView | None:
    """A task and what the filter leaves below it; None when nothing is left."""
    children = tuple(v for child in task.children if (v := _view(visit, child, query, light)) is not None)
    said = f"{task.title.zh} {task.title.en} {task.id}".casefold()
    fits = all(word in said for word in query.casefold().split())
    fits = fits and (not light or (not task.children and task.light == light))
    if not fits and not children:
        return None
    return TaskView(
        id=task.id,
        title=task.title,
        kind=words()[f"tasks.kind_{task.kind}"],
        light=task.light,
        light_title=LIGHT_TITLES[task.light],
        reason=task.reason,
        due=task.due.isoformat() if task.due else "",
        facts=tuple(_facts(visit, task)),
        children=children,
        is_open=bool(task.children),
    )


def _facts(visit: Visit, task: Task) -> list[tuple[Text, tuple[Span, ...]]]:
    """Who, until when, on what evidence; what is not known is said."""
    city, catalogue = visit.city, words()
    unknown = (Span(catalogue["tasks.not_known"]),)
    found: list[tuple[Text, tuple[Span, ...]]] = [
        (catalogue["tasks.owner"], (Span(task.owner),) if task.owner else unknown)
    ]
    if not task.children:
        due = task.done_on or task.due
        when = catalogue["tasks.done" if task.done_on else "tasks.due"]
        found.append((when, (Span(Text.same(due.isoformat())),) if due else unknown))
        found.append((catalogue["tasks.evidence"], tuple(_evidence(visit, task)) or unknown))
    if task.meant:
        found.append((catalogue["tasks.meant"], (Span(Text.same(str(task.meant))),)))
    if task.note.zh:
        found.append((catalogue["tasks.note"], (Span(task.note),)))
    if task.source:
        kind = EVIDENCE_TITLES[task.evidence]
        title = source_title(city, task.source)
        said = Text(f"{title.zh}（{kind.zh}）", f"{title.en} ({kind.en})")
        found.append((catalogue["tasks.source"], (Span(said, record_address(task.file, task.record)),)))
    return found


def _evidence(visit: Visit, task: Task) -> list[Span]:
    if task.value is None:
        return []
    value, city = task.value, visit.city
    place, title = region_name(city, value.region), city.indicators[value.indicator].title
    named = Text(f"{place.zh} {title.zh}", f"{place.en}, {title.en}")
    spans = [Span(named, number_address(value.indicator, value.region, value.period))]
    if value.mark is None:
        shown = Text(f"：{value.shown} {value.unit.title.zh}", f": {value.shown} {value.unit.title.en}")
        spans.append(Span(shown, strong=True))
    if task.aim is not None:
        aim = task.aim
        said = Text(
            f"，目标{aim.bound_title.zh} {aim.printed} {aim.unit.zh}",
            f", aim {aim.bound_title.en} {aim.printed} {aim.unit.en}",
        )
        spans.append(Span(said, record_address(aim.file, aim.record)))
    if task.reporter is not None:
        spans.append(Span(Text(f"；由{task.reporter.zh}报送", f"; reported by {task.reporter.en}")))
    return spans


def _changes(visit: Visit) -> Table:
    """Every file that made or changed the tree: who sent it, when, what became of it."""
    catalogue = words()
    landings = visit.city.landings(TABLE, limit=20)
    rows: Sequence[Row] = [
        Row(
            (
                Entry(Text.same(minute_of(one.at)), landing_address(one.key)),
                Entry(Text.same(one.by)),
                Entry(Text.same(one.name)),
                Entry(catalogue.fill("tasks.landed", landed=one.landed, refused=one.refused)),
            )
        )
        for one in landings
    ]
    columns = tuple(Column(catalogue[f"tasks.change_{key}"]) for key in ("at", "by", "file", "became"))
    return Table(catalogue["tasks.changes"], columns, tuple(rows), len(rows), name="changes")


@get(f"/service/{SERVICE}/tasks", include_in_schema=False, sync_to_thread=True)
def show_tasks(visit: NamedDependency[Visit]) -> Response[str]:
    """The tree of tasks."""
    return visit.show("tasks.html", "services", make_tasks_page)
