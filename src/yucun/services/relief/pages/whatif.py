"""What if: the residents under today's law and under a supposed one; who gains, who loses, what it costs, and where.

Groups in which too few households receive, gain or lose are hidden, with those from which they could be worked out.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from yucun.base.errors import Finding, ParameterError
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.quantity import Rounding, divide
from yucun.base.text import Text
from yucun.kernel.access import SmallestCell
from yucun.kernel.access.cells import hide
from yucun.kernel.rules import Evaluation, Outcome, Parameters, Population, make_plan
from yucun.kernel.rules.stepwise import Stepwise
from yucun.kernel.rules.subject import Node
from yucun.kernel.rules.whatif import Cliff, Effect, Slope, along_income, weigh
from yucun.services.relief.models import PROGRAMMES, Programme
from yucun.services.relief.pages.residents import Residents
from yucun.services.relief.pages.scenario import NOTHING, Scenario, make_law, read_setting
from yucun.services.relief.rules import BOOK

# Help that is paid month by month, and the price subsidy of a month in which prices trigger it. What is paid once by a
# bill or a need of the day, and what follows an award before, is no matter of standing figures.
HELP = tuple(one for one in PROGRAMMES if (one.paid == "monthly" and one.name != "taper") or one.name == "price")
_STATUSES = tuple(one for one in PROGRAMMES if one.paid == "status")
_ANSWERS = 24
_EVENT_MONTHS = 12
_COUNTED = 6
Watch = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Change:
    """What a law does to a group.

    Parameters
    ----------
    receiving : (int, int)
        Households that get something, before and after.
    hidden : frozenset of str
        Which of its figures are not shown: ``households``, ``receiving``, ``winners``, ``losers``, ``cost``, ``amounts``.
    """

    code: str
    title: Text
    effect: Effect
    receiving: tuple[int, int]
    hidden: frozenset[str] = frozenset()

    def hides(self, figure: str) -> bool:
        """Whether a figure is not shown."""
        return figure in self.hidden


@dataclass(frozen=True, slots=True)
class ProgrammeChange:
    """One kind of help before and after; None where its local figures are not known."""

    programme: Programme
    before_fen: int | None
    after_fen: int | None
    receiving: tuple[int | None, int | None]
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Bin:
    """How many households change by so much a month, in fen from ``low`` to under ``high``; None is open."""

    low: int | None
    high: int | None
    households: int
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that a scenario does.

    Parameters
    ----------
    year_cost_fen : int
        Twelve months of what is monthly, and one of the price subsidy.
    places : tuple of Change
        Counties, each with its towns behind it.
    missing : mapping of str to Finding
        Programmes whose local figures nobody gave, by name.
    worked : int
        Steps of the rules that were run for this answer.
    """

    scenario: Scenario
    whole: Change
    year_cost_fen: int
    programmes: tuple[ProgrammeChange, ...]
    places: tuple[Change, ...]
    groups: Mapping[str, tuple[Change, ...]]
    bins: tuple[Bin, ...]
    missing: Mapping[str, Finding]
    worked: int


@dataclass(frozen=True, slots=True)
class _Run:
    """One law over all residents."""

    amounts: Mapping[str, Any]
    met: Mapping[str, Any]
    total: Any
    missing: Mapping[str, Finding]


@dataclass(slots=True)
class Bench:
    """The residents of one table version, ready to be asked again and again; one question at a time."""

    residents: Residents
    pack: Parameters
    steps: Stepwise = field(init=False)
    _today: _Run | None = None
    _answers: OrderedDict[Any, Answer] = field(default_factory=OrderedDict)
    _followers: dict[Example, Follower] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = Stepwise(self.residents.population)

    @property
    def day(self) -> date:
        """The day whose figures are in force."""
        return self.residents.month.start

    def answer(self, scenario: Scenario, watch: Watch | None = None) -> Answer:
        """Say what a scenario does; ``watch`` may raise when nobody waits any more."""
        if scenario.key in self._answers:
            self._answers.move_to_end(scenario.key)
            return self._answers[scenario.key]
        if self._today is None:
            self._today = self._run(make_law(self.pack, NOTHING, self.day), watch, keep=True)
        after = self._run(make_law(self.pack, scenario, self.day), watch) if not scenario.is_empty else self._today
        found = _tell(self.residents, scenario, self._today, after, self.steps.worked)
        self._answers[scenario.key] = found
        while len(self._answers) > _ANSWERS:
            self._answers.popitem(last=False)
        return found

    def met_today(self) -> Mapping[str, Any]:
        """For each kind of help and class the households that meet it under today's law."""
        self.answer(NOTHING)
        assert self._today is not None, "the answer was just worked out"
        return self._today.met

    def follow(self, scenario: Scenario, example: Example) -> Course:
        """Follow a household along its income."""
        if example not in self._followers:
            self._followers[example] = Follower(self.pack, example, self.residents.month)
        return self._followers[example].follow(scenario)

    def _run(self, law: Parameters, watch: Watch | None, *, keep: bool = False) -> _Run:
        known, missing = list_known(law, self.day)
        names = [name for one in (*known, *_STATUSES) for name in (one.amount, one.meets) if name]
        found = self.steps.run(law, self.residents.month, list(dict.fromkeys(names)), watch, keep=keep)
        amounts = {one.name: found[one.amount].astype(np.int64) for one in known}
        met = {
            one.name: found[one.meets].astype(bool) if one.meets else amounts[one.name] > 0
            for one in (*known, *_STATUSES)
        }
        total = np.zeros(self.residents.households, np.int64)
        for column in amounts.values():
            total += column
        return _Run(amounts, met, total, missing)


def list_known(law: Parameters, day: date) -> tuple[list[Programme], dict[str, Finding]]:
    """Help that can be worked out under a law, and what is missing for the rest."""
    known: list[Programme] = []
    missing: dict[str, Finding] = {}
    for one in HELP:
        try:
            for needed in one.needs:
                law.get(needed, day)
        except ParameterError as error:
            missing[one.name] = error.findings[0]
        else:
            known.append(one)
    return known, missing


# -- telling it ---------------------------------------------------------------------------------------------------------------


def _tell(residents: Residents, scenario: Scenario, before: _Run, after: _Run, worked: int) -> Answer:
    old, new = before.total, after.total
    rule = SmallestCell(read_setting().smallest_cell, "households")
    places = _tell_places(residents, old, new, rule)
    groups = {
        name: _tell_group(old, new, grouping.codes, grouping.titles, rule)
        for name, grouping in residents.groups.items()
    }
    effect, receiving = weigh(old, new)[0], _receiving(old, new, None, 1)[0]
    hidden = _name_hidden([{0} if rule.is_small(n) else set() for n in _counts(effect, receiving)], 0)
    price = [int(run.amounts["price"].sum()) if "price" in run.amounts else 0 for run in (before, after)]
    year = (effect.cost - (price[1] - price[0])) * _EVENT_MONTHS + price[1] - price[0]
    return Answer(
        scenario,
        Change("", Text("全部", "all"), effect, receiving, hidden),
        year,
        _tell_programmes(before, after, rule),
        places,
        groups,
        _tell_bins(new - old, rule),
        after.missing,
        worked,
    )


def _receiving(old: Any, new: Any, codes: Any, count: int) -> list[tuple[int, int]]:
    codes = np.zeros(len(old), np.int64) if codes is None else codes
    first, second = (np.bincount(codes[column > 0], minlength=count) for column in (old, new))
    return [(int(a), int(b)) for a, b in zip(first, second, strict=True)]


def _tell_group(old: Any, new: Any, codes: Any, titles: Sequence[Text], rule: SmallestCell) -> tuple[Change, ...]:
    effects = weigh(old, new, codes, list(range(len(titles))))
    receiving = _receiving(old, new, codes, len(titles))
    counts = [_counts(*row) for row in zip(effects, receiving, strict=True)]
    hidden = [_hide_counts(column, rule) for column in zip(*counts, strict=True)]
    return tuple(
        Change(str(n), title, effects[n], receiving[n], _name_hidden(hidden, n))
        for n, title in enumerate(titles)
        if effects[n].households
    )


def _counts(effect: Effect, receiving: tuple[int, int]) -> tuple[int, ...]:
    """Every count of which a small one would tell of somebody: those on whom a sum rests too."""
    return (effect.households, effect.winners, effect.losers, effect.winners + effect.losers, *receiving)


def _name_hidden(hidden: Sequence[Container[Any]], row: Any) -> frozenset[str]:
    """Which figures of a row are hidden, by the counts that are; what differences of sums would tell is hidden too."""
    households, winners, losers, touched, before, after = (row in column for column in hidden)
    names = {"households": households, "receiving": before or after, "winners": winners, "losers": losers, "cost": touched,
             "amounts": touched or before or after}  # fmt: skip
    return frozenset(name for name, is_hidden in names.items() if is_hidden)


def _hide_counts(counts: Sequence[int], rule: SmallestCell) -> set[int]:
    names = [RegionCode(f"{n + 1:012d}") for n in range(len(counts))]
    top = RegionCode("999999999999")
    tree = {top: sum(counts), **dict(zip(names, counts, strict=True))}
    hidden = hide(tree, {**dict.fromkeys(names, top), top: None}, rule)
    return {n for n, name in enumerate(names) if name in hidden}


def _tell_places(residents: Residents, old: Any, new: Any, rule: SmallestCell) -> tuple[Change, ...]:
    """Counties and towns in the order of their codes; hidden over the whole tree, whatever a page shows of it."""
    villages = residents.villages
    words = villages.dictionary.to_pylist()
    towns = sorted({word[:9].ljust(12, "0") for word in words})
    place = {town: n for n, town in enumerate(towns)}
    of_village = np.array([place[word[:9].ljust(12, "0")] for word in words], np.int64)
    codes = of_village[villages.indices.to_numpy(zero_copy_only=False)]
    effects, receiving = weigh(old, new, codes, towns), _receiving(old, new, codes, len(towns))
    rows: dict[str, tuple[Effect, tuple[int, int]]] = dict(
        zip(towns, zip(effects, receiving, strict=True), strict=True)
    )
    for level in (6, 4):
        above: dict[str, list[str]] = {}
        for town in towns:
            above.setdefault(town[:level].ljust(12, "0"), []).append(town)
        for code, parts in above.items():
            rows[code] = _add([rows[town] for town in parts])
    parents = {RegionCode(code): RegionCode(code).by_digits for code in rows}
    counts = {RegionCode(code): _counts(*row) for code, row in rows.items()}
    hidden = [hide({code: row[n] for code, row in counts.items()}, parents, rule) for n in range(_COUNTED)]
    return tuple(
        Change(code, Text.same(code), *rows[code], _name_hidden(hidden, RegionCode(code)))
        for code in sorted(rows)
        if code[4:6] != "00"
    )


def _add(rows: Sequence[tuple[Effect, tuple[int, int]]]) -> tuple[Effect, tuple[int, int]]:
    names = ("households", "before", "after", "winners", "losers", "same")
    sums = [sum(getattr(effect, name) for effect, _ in rows) for name in names]
    receiving = (sum(r[0] for _, r in rows), sum(r[1] for _, r in rows))
    return Effect(("",), *sums), receiving


def _tell_programmes(before: _Run, after: _Run, rule: SmallestCell) -> tuple[ProgrammeChange, ...]:
    found = []
    for one in (*HELP, *_STATUSES):
        sums = [
            (int(run.amounts[one.name].sum()) if one.name in run.amounts else None if one.amount else 0)
            for run in (before, after)
        ]
        counts = [int(run.met[one.name].sum()) if one.name in run.met else None for run in (before, after)]
        found.append(ProgrammeChange(one, sums[0], sums[1], (counts[0], counts[1])))
    hidden: set[int] = set()
    for side in (0, 1):
        hidden |= _hide_counts([one.receiving[side] or 0 for one in found], rule)
    return tuple(
        ProgrammeChange(one.programme, one.before_fen, one.after_fen, one.receiving, n in hidden)
        for n, one in enumerate(found)
    )


def _tell_bins(changes: Any, rule: SmallestCell) -> tuple[Bin, ...]:
    edges = read_setting().bins_fen
    counts = np.bincount(np.searchsorted(edges, changes, side="right"), minlength=len(edges) + 1).tolist()
    hidden = _hide_counts(counts, rule)
    ends: list[int | None] = [None, *edges, None]
    return tuple(Bin(ends[n], ends[n + 1], count, n in hidden) for n, count in enumerate(counts))


# -- along income -------------------------------------------------------------------------------------------------------------


class _Quick(Evaluation):
    """An evaluation of few rows: step by step, so that no text of a whole plan is written."""

    kept: dict[str, Stepwise]

    def run(self, population: Population, layout: Literal["blocks", "seats", "flat"] = "blocks") -> Outcome:
        del layout
        names = [node.variable for node in self.plan.outputs]
        # The rows are the same for every law, so the columns that a law does not touch are there already.
        steps = self.kept.setdefault("steps", Stepwise(population, threads=1))
        found = steps.run_plan(self.plan)
        columns = {"household_id": population.household_ids, **{n: pa.array(found[n]) for n in names}}
        return Outcome(pa.table({}), pa.table(columns), Text("", ""))


@dataclass(frozen=True, slots=True)
class Example:
    """A household that is followed along its income: so many adults, one of them severely disabled or not."""

    members: int = 1
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """What is left of an income: today and supposed, with their cliffs; all of twelve months."""

    example: Example
    before: Slope
    after: Slope


@dataclass(slots=True)
class Follower:
    """One household of a kind, ready to be followed along its income under any law."""

    pack: Parameters
    example: Example
    month: Period
    incomes: tuple[int, ...] = ()
    _kept: dict[str, Stepwise] = field(default_factory=dict)
    _today: Slope | None = None

    def __post_init__(self) -> None:
        setting, standard = read_setting(), self.pack.get("standard_fen", self.month.start).content
        assert isinstance(standard, int), "the standard is one number"
        reach = divide(standard * self.example.members * setting.reach_bp, 10_000, Rounding.UP)
        pace = math.ceil(reach / setting.steps / 1_000) * 1_000
        self.incomes = tuple(12 * pace * n for n in range(setting.steps + 1))

    def follow(self, scenario: Scenario) -> Course:
        """What is left under today's law and under the supposed one."""
        if self._today is None:
            self._today = self._slope(make_law(self.pack, NOTHING, self.month.start))
        after = self._today
        if not scenario.is_empty:
            after = self._slope(make_law(self.pack, scenario, self.month.start))
        return Course(self.example, self._today, after)

    def _slope(self, law: Parameters) -> Slope:
        population = _one_household(self.example, self.month)
        known, _ = list_known(law, self.month.start)
        names = [one.amount for one in known]
        quick = _Quick(make_plan(BOOK, law, self.month, names, population.given))
        quick.kept = self._kept
        income = Node("counted_income_12m_fen", self.month)
        return along_income(quick, population, income, self.incomes, names, months=12)


def _one_household(example: Example, month: Period) -> Population:
    count = example.members
    severe = [example.is_disabled and n == 0 for n in range(count)]
    persons = pa.table(
        {
            "household_id": ["one"] * count,
            "role": ["head"] + ["other"] * (count - 1),
            "birth": pa.array([date(month.start.year - 40, 1, 1)] * count),
            "works_since": pa.nulls(count, pa.date32()),
            "counted_income_12m_fen": [0] * count,
            "disability_kind": ["physical" if one else "none" for one in severe],
            "disability_grade": [1 if one else 0 for one in severe],
            "addon_kind": ["severely_disabled" if one else "none" for one in severe],
        }
    )
    homes = pa.table({"household_id": ["one"], "left_dibao_on": pa.nulls(1, pa.date32()), "used_kwh": [100]})
    return Population.of(BOOK, month, persons, homes)


_BY_AMOUNT = {one.amount: one for one in PROGRAMMES if one.amount}


def explain_cliff(cliff: Cliff) -> Text:
    """A cliff in words: where, how much is lost a month, and by which clause.

    Examples
    --------
    >>> cliff = Cliff(972_000, 984_000, 12_000, (("electricity_fen", 9_600, Text("办法", "measure")),))
    >>> explain_cliff(cliff).en
    'from 810.00 to 820.00 yuan a month, 10.00 less is left: electricity reduction falls by 8.00 (measure)'
    """
    low, high, lost = (_yuan(divide(n, 12, Rounding.HALF_UP)) for n in (cliff.below, cliff.above, cliff.loss))
    causes = [(_BY_AMOUNT[name].title, _yuan(divide(fell, 12, Rounding.HALF_UP)), clause)
              for name, fell, clause in cliff.causes if name in _BY_AMOUNT]  # fmt: skip
    zh = "；".join(f"{title.zh}少 {fell} 元（{clause.zh}）" for title, fell, clause in causes)
    en = "; ".join(f"{title.en} falls by {fell} ({clause.en})" for title, fell, clause in causes)
    return Text(
        f"月收入从 {low} 元到 {high} 元，手中反而少 {lost} 元：{zh}",
        f"from {low} to {high} yuan a month, {lost} less is left: {en}",
    )


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


# -- as a table ---------------------------------------------------------------------------------------------------------------


def tabulate(answer: Answer, titles: Callable[[str], Text] | None = None) -> pa.Table:
    """Everything that is shown as rows; what is hidden is blank and says so.

    Parameters
    ----------
    titles : callable
        From the code of a region to its name.
    """
    rows: list[dict[str, Any]] = []

    def add(part: str, one: Change, title: Text) -> None:
        row: dict[str, Any] = {"part": part, "code": one.code, "group_zh": title.zh, "group_en": title.en}
        row["mark"] = "hidden" if one.hidden else ""
        effect = one.effect
        figures = (
            ("households", effect.households), ("receiving", one.receiving[0]), ("receiving", one.receiving[1]),
            ("amounts", effect.before), ("amounts", effect.after), ("cost", effect.cost),
            ("winners", effect.winners), ("losers", effect.losers),
        )  # fmt: skip
        shown = [None if one.hides(name) else figure for name, figure in figures]
        rows.append(row | dict(zip(_COLUMNS, shown, strict=True)))

    add("all", answer.whole, answer.whole.title)
    for one in answer.places:
        add("place", one, titles(one.code) if titles else one.title)
    for name, group in answer.groups.items():
        for one in group:
            add(name, one, one.title)
    for programme in answer.programmes:
        sums = (programme.before_fen, programme.after_fen)
        cost = None if None in sums else sums[1] - sums[0]  # type: ignore[operator]
        sides: tuple[int | None, ...] = (None, *programme.receiving, *sums, cost, None, None)
        mark = "hidden" if programme.is_hidden else "not_known" if programme.after_fen is None else ""
        head = {"part": "programme", "code": programme.programme.name, "group_zh": programme.programme.title.zh,
                "group_en": programme.programme.title.en, "mark": mark}  # fmt: skip
        rows.append(head | dict(zip(_COLUMNS, [None] * 8 if mark == "hidden" else sides, strict=True)))
    schema = pa.schema(
        [(n, pa.string()) for n in ("part", "code", "group_zh", "group_en", "mark")]
        + [(n, pa.int64()) for n in _COLUMNS]
    )
    return pa.Table.from_pylist(rows, schema)


_COLUMNS = (
    "households", "receiving_before", "receiving_after", "before_fen", "after_fen", "cost_fen", "winners", "losers",
)  # fmt: skip
COLUMN_TITLES: Mapping[str, Text] = {
    "part": Text("分法", "how it is divided"),
    "code": Text("代码", "code"),
    "group_zh": Text("名称（中文）", "name in Chinese"),
    "group_en": Text("名称（英文）", "name in English"),
    "mark": Text("标记：hidden 为保护个人不显示，not_known 为未知", "mark: hidden to protect people, or not known"),
    "households": Text("户数", "households"),
    "receiving_before": Text("现在得到救助的户数", "households that receive now"),
    "receiving_after": Text("假设后得到救助的户数", "households that receive then"),
    "before_fen": Text("现在每月金额（分）", "amount a month now, in fen"),
    "after_fen": Text("假设后每月金额（分）", "amount a month then, in fen"),
    "cost_fen": Text("每月多花（分）", "cost a month, in fen"),
    "winners": Text("增加的户数", "households that gain"),
    "losers": Text("减少的户数", "households that lose"),
}
