"""The tree of tasks: runways, milestones, evidence; each light worked out from a number and a day, never filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

from yucun.base.errors import Finding
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.indicators import Value
from yucun.kernel.indicators.model import EVIDENCE_TITLES, Claim, Evidence
from yucun.services.prosperity.models import Sight

TABLE = "prosperity.task"
_PAGE = 1000
Light = Literal["red", "amber", "green", "grey"]
# A branch has the first of these that stands below it: it is green only when everything below is.
LIGHTS: tuple[Light, ...] = ("red", "amber", "grey", "green")
LIGHT_TITLES: Mapping[Light, Text] = {
    "red": Text("红", "red"),
    "amber": Text("黄", "amber"),
    "green": Text("绿", "green"),
    "grey": Text("灰", "grey"),
}
RULES: Mapping[Light, Text] = {
    "green": Text(
        "已有来源证明完成，或最近一期同口径的数已达到目标",
        "a source shows that it is done, or the newest number of the aim's own kind of period meets the aim",
    ),
    "amber": Text("还没有达到目标，期限未到", "the aim is not met yet, and it is not due yet"),
    "red": Text("期限已过，仍没有达到目标", "it was due, and the aim is not met"),
    "grey": Text(
        "目标、期限或数字有一样不知道，缺哪样写在旁边；灰不是好，也不是坏",
        "the aim, the day or the number is not known, and which is said beside it; grey is neither good nor bad",
    ),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One task with its light.

    Parameters
    ----------
    owner : Text or None
        The post that answers for it; None when no source names one.
    reporter : Text or None
        Who reports the number that shows it.
    meant : int or None
        How many tasks the source says stand here, without naming them.
    value : Value or None
        The number that decides.
    aim : Claim or None
        What is aimed at, from the table of targets.
    reason : Text
        Why the light is what it is.
    """

    id: str
    kind: str
    title: Text
    note: Text
    owner: Text | None
    reporter: Text | None
    region: RegionCode
    due: date | None
    done_on: date | None
    meant: int | None
    indicator: str
    value: Value | None
    aim: Claim | None
    light: Light
    reason: Text
    source: str
    evidence: Evidence
    file: str
    record: int
    children: tuple[Task, ...] = ()

    @property
    def is_unnamed(self) -> bool:
        """Whether the source says only how many there are, or not even that."""
        return self.kind == "area" and not self.indicator and not self.children and self.done_on is None

    def walk(self) -> Iterable[Task]:
        """This task and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Tree:
    """All tasks, and what is wrong with how they hang together."""

    roots: tuple[Task, ...]
    findings: tuple[Finding, ...]

    @property
    def leaves(self) -> tuple[Task, ...]:
        """Tasks with none below them."""
        return tuple(t for root in self.roots for t in root.walk() if not t.children)

    def count(self, light: Light) -> int:
        """How many leaves have a light."""
        return sum(t.light == light for t in self.leaves)

    @property
    def unnamed(self) -> int:
        """How many tasks the sources count without naming them; those of an open number are not among them."""
        return sum(t.meant or 0 for t in self.leaves if t.is_unnamed)

    @property
    def uncounted(self) -> int:
        """Places in the tree of which no source says how many tasks they hold."""
        return sum(t.meant is None for t in self.leaves if t.is_unnamed)


class Page(Protocol):
    """A page of a table, with where the next one starts."""

    @property
    def rows(self) -> Any:
        """An Arrow table."""

    @property
    def next(self) -> int | None:
        """None on the last page."""


def gather_rows(ask: Callable[..., Page]) -> list[dict[str, Any]]:
    """All rows of a small table, page after page; ``ask(start=…, size=…)`` gives one."""
    found: list[dict[str, Any]] = []
    start: int | None = 0
    while start is not None:
        page = ask(start=start, size=_PAGE)
        found += page.rows.to_pylist()
        start = page.next
    return found


def make_tree(rows: Sequence[Mapping[str, Any]], sight: Sight, today: date) -> Tree:
    """Make the tree from rows of the task table and light it.

    A task whose parent is not there, or that stands above itself, is shown at the top with a finding.
    """
    by_id = {str(row["task"]): row for row in rows}
    findings: list[Finding] = []
    below: dict[str, list[str]] = {}
    for name, row in by_id.items():
        parent = str(row["parent"] or "")
        if parent and (parent not in by_id or _is_circle(name, by_id)):
            findings.append(_loose(name, parent, is_circle=parent in by_id))
            parent = ""
        below.setdefault(parent, []).append(name)

    def make(name: str) -> Task:
        children = tuple(make(child) for child in sorted(below.get(name, ()), key=_order(by_id)))
        return _make_task(by_id[name], children, sight, today)

    roots = tuple(make(name) for name in sorted(below.get("", ()), key=_order(by_id)))
    return Tree(roots, tuple(findings))


def _order(by_id: Mapping[str, Mapping[str, Any]]) -> Any:
    return lambda name: (int(by_id[name]["sequence"] or 0), name)


def _is_circle(name: str, by_id: Mapping[str, Mapping[str, Any]]) -> bool:
    at, seen = name, {name}
    while (at := str(by_id[at]["parent"] or "")) in by_id:
        if at in seen:
            return True
        seen.add(at)
    return False


def _make_task(row: Mapping[str, Any], children: tuple[Task, ...], sight: Sight, today: date) -> Task:
    indicator = str(row["indicator"] or "")
    region = RegionCode.parse(str(row["region"]))
    due, done_on = row["due"], row["done_on"]
    light: Light
    known = sight.numbers.indicators.get(indicator)
    aim = _find_aim(sight, indicator, region, due) if known else None
    value = _deciding(sight, indicator, region, aim) if known else None
    if children:
        light, reason = _light_of_branch(children)
    elif indicator and not known:
        light, reason = "grey", Text(f"没有名为「{indicator}」的指标", f"no number is called '{indicator}'")
    else:
        light, reason = decide_light(value, aim, due, done_on, today)
        if value is None and done_on is None:
            reason = _nothing_said(str(row["kind"]), row["meant"])
    owner_zh, owner_en = str(row["owner_zh"] or ""), str(row["owner_en"] or "")
    return Task(
        id=str(row["task"]),
        kind=str(row["kind"]),
        title=Text(str(row["title_zh"]), str(row["title_en"])),
        note=Text(str(row["note_zh"] or ""), str(row["note_en"] or "")),
        owner=Text(owner_zh or owner_en, owner_en or owner_zh) if owner_zh or owner_en else None,
        reporter=_find_reporter(sight, indicator) if known else None,
        region=region,
        due=due,
        done_on=done_on,
        meant=row["meant"],
        indicator=indicator if known else "",
        value=value,
        aim=aim,
        light=light,
        reason=reason,
        source=str(row["source"] or ""),
        evidence=row["evidence"] or "seen",
        file=str(row["_file"]),
        record=int(row["_record"]),
        children=children,
    )


def _nothing_said(kind: str, meant: int | None) -> Text:
    """Why a task without a number and without a day of completion stays grey."""
    if kind == "area" and meant:
        return Text(f"来源说有 {meant} 项，没有说是什么", f"the source says there are {meant}, not which")
    if kind == "area":
        return Text("来源没有说有几项、是什么", "the source says neither how many nor which")
    return Text("来源没有说凭什么算做到", "the source does not say what would show that it is done")


def _light_of_branch(children: Sequence[Task]) -> tuple[Light, Text]:
    leaves = [t for child in children for t in child.walk() if not t.children]
    counts = {light: sum(t.light == light for t in leaves) for light in LIGHTS}
    worst: Light = next((light for light in LIGHTS if counts[light]), "grey")
    zh = "、".join(f"{LIGHT_TITLES[name].zh} {n}" for name, n in counts.items() if n)
    en = ", ".join(f"{n} {LIGHT_TITLES[name].en}" for name, n in counts.items() if n)
    return worst, Text(f"下属各项：{zh}", f"below it: {en}")


def decide_light(
    value: Value | None, aim: Claim | None, due: date | None, done_on: date | None, today: date
) -> tuple[Light, Text]:
    """The light of one task and why; see `RULES`."""
    if done_on is not None and done_on <= today:
        return "green", Text(f"{done_on} 完成，有来源", f"done on {done_on}, with a source")
    if done_on is not None:
        return "grey", Text(f"来源说 {done_on} 完成，那天还没有到", f"the source says {done_on}, which has not come")
    if value is None:
        return "grey", Text("没有说凭什么算做到", "nothing says what would show that it is done")
    if value.mark is not None or value.number is None:
        reason = value.mark.reason if value.mark else Text("没有数", "there is no number")
        return "grey", Text(f"没有数：{reason.zh}", f"no number: {reason.en}")
    if aim is None:
        return "grey", Text("有数，没有见到目标值", "there is a number, but no aim is published")
    shown = Text(f"{value.shown} {value.unit.title.zh}".strip(), f"{value.shown} {value.unit.title.en}".strip())
    wanted = _tell_aim(aim)
    if value.period is None or value.period.kind != aim.period.kind:
        when = value.period.title if value.period else Text("", "")
        return "grey", Text(
            f"目标（{wanted.zh}）是全年的，只有 {when.zh}的数 {shown.zh}，口径不同不能判断",
            f"the aim ({wanted.en}) is for a year; only {when.en} is known, {shown.en}, and that is another kind",
        )
    said = Text(
        f"{value.period.title.zh} {shown.zh}，目标{wanted.zh}", f"{value.period.title.en}: {shown.en}, aim {wanted.en}"
    )
    if is_met(value.number, aim):
        return "green", said
    if due is None:
        return "grey", Text(f"{said.zh}，没有期限", f"{said.en}, no day is set")
    return ("red" if due < today else "amber"), Text(f"{said.zh}，期限 {due}", f"{said.en}, due {due}")


def _tell_aim(aim: Claim) -> Text:
    """The aim as printed, and how sure it is where nobody has seen it at its source."""
    sure = EVIDENCE_TITLES[aim.evidence] if aim.evidence in ("press", "unverified") else None
    zh, en = (
        f"{aim.bound_title.zh} {aim.printed} {aim.unit.zh}".strip(),
        f"{aim.bound_title.en} {aim.printed} {aim.unit.en}",
    )
    return Text(f"{zh}（{sure.zh}）", f"{en.strip()} ({sure.en})") if sure else Text(zh, en.strip())


def is_met(number: float, aim: Claim) -> bool:
    """Whether a number keeps to a bound.

    Both are in the shown unit; a bound that is only "about" is never met by a number alone.
    """
    return number == aim.number if aim.bound == "exactly" else bool(aim.is_kept_by(number))


def _find_aim(sight: Sight, indicator: str, region: RegionCode, due: date | None) -> Claim | None:
    """The target of the year in which the task is due."""
    definition = sight.numbers.indicators[indicator]
    if due is None or not definition.targets:
        return None
    found = sight.numbers.claims_of(definition, definition.targets, sight.question)
    return next((c for c, _ in found if c.region == region and c.period.calendar_year == due.year), None)


def _deciding(sight: Sight, indicator: str, region: RegionCode, aim: Claim | None) -> Value:
    """The newest number of the aim's own kind of period; where there is none, the newest of any."""
    name = indicator.split(".", 1)[1]
    known = [v for v in sight.series(name, region) if v.number is not None]
    alike = [v for v in known if aim is not None and v.period is not None and v.period.kind == aim.period.kind]
    return (alike or known or [sight.value(name, region)])[-1]


def _find_reporter(sight: Sight, indicator: str) -> Text | None:
    """Who reports the table that a number comes from, down to the leaves."""
    definition = sight.numbers.indicators[indicator]
    if definition.terms:
        return sight.numbers.lake.get_contract(definition.terms[0].table).owner
    return next((found for used in definition.uses if (found := _find_reporter(sight, used)) is not None), None)


def _loose(name: str, parent: str, *, is_circle: bool) -> Finding:
    zh = "绕成一圈" if is_circle else "不在表里"
    en = "leads back to itself" if is_circle else "is not in the table"
    return Finding(
        "prosperity.task_parent",
        name,
        parent,
        "a task of the table, above it",
        Text(
            f"任务「{name}」的上级「{parent}」{zh}；先放在最上层",
            f"the task above '{name}', '{parent}', {en}; it stands at the top",
        ),
        "parent",
    )
