"""The index of a province's cities: its framework, figures from kept numbers, ranks with intervals, what moves them.

Pure given numbers and seed: `read_inputs` asks for kept numbers, `fit` builds the index and its replications.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from yucun.base.errors import ContractError, Finding
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.indicators import Indicator, Numbers, Value
from yucun.kernel.indicators.ask import Question
from yucun.kernel.indicators.index import (
    NO_TREATMENT,
    Aggregate,
    Figures,
    Framework,
    Node,
    Normalise,
    Plan,
    Run,
    Shares,
    Spec,
    Treat,
    Uncertainty,
    Vary,
    apportion,
    carry_out,
    contribute,
    write_plan,
)
from yucun.kernel.indicators.model import Mark
from yucun.kernel.registry import Regions

TOP = "prosperity"
TOP_TITLE = Text("共同富裕指数", "Shared-prosperity index")
# Dimensions in reading order with what enters each. Five of them are the pilot's: income with its gap, and the four
# for which nothing is published, so they wait for their feed. Growth and output say how fast, not how far; they are
# of other periods or of one odd year, so they enter only where they are asked for.
DIMENSIONS: Mapping[str, tuple[Text, tuple[str, ...]]] = {
    "level": (Text("居民收入", "Income"), ("income_all", "income_rural")),
    "gap": (Text("城乡差距", "Town and country"), ("urban_rural_ratio",)),
    "pace": (Text("收入增长", "Growth of income"), ("growth_all", "growth_rural")),
    "output": (Text("经济发展", "Output"), ("gdp_growth", "gdp_per_head")),
    "environment": (Text("宜居环境", "Environment"), ("gap_environment",)),
    "services": (Text("公共服务", "Public services"), ("gap_services",)),
    "factors": (Text("要素配置", "Factors"), ("gap_factors",)),
    "digital": (Text("数智进程", "Digital progress"), ("gap_digital",)),
}
ASKED_FOR_ONLY = ("pace", "output")
# Published growth that says how far a figure moved in a year: a figure grew by it; a ratio by the first over the second.
_GROWN_BY: Mapping[str, tuple[str, ...]] = {
    "income_all": ("growth_all",),
    "income_rural": ("growth_rural",),
    "urban_rural_ratio": ("growth_urban", "growth_rural"),
}
PLAN = Plan(
    Spec(treat=NO_TREATMENT, normalise=Normalise("min_max", 0.0, 100.0)),
    Text("各市共同富裕指数：极差标准化、等权、算术平均", "Cities: min-max, equal weights, arithmetic mean"),
    Vary(
        treat=(NO_TREATMENT, Treat(winsorise=2, then="none")),
        normalise=(Normalise("min_max", 1.0, 100.0), Normalise("z", 10.0, 12.0), Normalise("percentile", 1.0, 100.0)),
        aggregate=(Aggregate("arithmetic"), Aggregate("geometric")),
        noise=0.25,
    ),
    replications=1000,
    seed=1,
)
CHOICES: Mapping[str, Text] = {
    "impute": Text("怎样补缺", "how gaps are filled"),
    "treat": Text("怎样处理极端值", "how outliers are treated"),
    "normalise": Text("怎样变成同一尺度", "how figures are brought to one scale"),
    "weigh": Text("权重从哪里来", "where weights come from"),
    "aggregate": Text("怎样合成", "how parts are joined"),
    "weights": Text("权重上下四分之一", "weights up or down by a quarter"),
    "leave_out": Text("舍去哪个指标", "which indicator is left out"),
}
POINTS = 128
NO_INDEX = "prosperity.index"
LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Sight:
    """What a model may look at: numbers in one version, for one reader, on one day.

    Parameters
    ----------
    until : date
        Periods that end later are not looked at.
    """

    numbers: Numbers
    regions: Regions
    question: Question
    until: date

    def value(self, indicator: str, region: RegionCode, period: Period | None = None) -> Value:
        """A number of this service or its mark; with no period, the newest that has ended by then."""
        if period is None:
            known = [v.period for v in self.series(indicator, region) if v.period and v.number is not None]
            period = known[-1] if known else None
        return self.numbers.value(f"prosperity.{indicator}", region, period, question=self.question)

    def series(self, indicator: str, region: RegionCode) -> list[Value]:
        """All periods of a number that have ended by then, oldest first."""
        found = self.numbers.series(f"prosperity.{indicator}", region, question=self.question)
        kept = [v for v in found if v.period and v.period.end <= self.until]
        return sorted(kept, key=lambda v: (v.period.end, v.period.start) if v.period else (date.min, date.min))

    def province_of(self, city: RegionCode) -> RegionCode:
        """The province that a city lies in."""
        above = [r.code for r in self.regions.ancestors(city) if r.code.level == "province"]
        return above[0] if above else city

    def cities_beside(self, city: RegionCode) -> tuple[RegionCode, ...]:
        """All cities of the same province, by code."""
        return tuple(r.code for r in self.regions.children(self.province_of(city)) if r.code.level == "city")

    def name(self, region: RegionCode) -> Text:
        """A region's short name."""
        name = self.regions.get(region).name
        return Text(name.zh.removesuffix("市") if region.level == "city" else name.zh, name.en)


@dataclass(frozen=True, slots=True)
class Step:
    """The best change within a year that any city made: the measure of what is feasible.

    Parameters
    ----------
    amount : float
        A share of the figure, or an amount in its shown unit when `is_share` is false; signed.
    """

    amount: float
    is_share: bool
    city: RegionCode
    period: Period

    def apply(self, figure: float) -> float:
        """The figure after one such step."""
        return figure * (1 + self.amount) if self.is_share else figure + self.amount


@dataclass(frozen=True, slots=True)
class Input:
    """An indicator that enters the index: one period in which every city has it."""

    code: str
    dimension: str
    indicator: Indicator
    period: Period
    values: Mapping[RegionCode, Value]
    step: Step | None

    @property
    def direction(self) -> int:
        """1 when more is better, -1 when less is."""
        return -1 if self.indicator.direction == "lower" else 1

    def figure(self, city: RegionCode) -> float:
        """A city's figure in the shown unit, not rounded."""
        number = self.values[city].number
        return float("nan") if number is None else number


@dataclass(frozen=True, slots=True)
class Missing:
    """An indicator that cannot enter: how many cities have it at its fullest, and the feed that would fill it."""

    code: str
    dimension: str
    indicator: Indicator
    known: int
    cities: int
    period: Period | None
    mark: Mark


def read_inputs(
    sight: Sight, city: RegionCode, entering: Collection[str] | None = None
) -> tuple[tuple[Input, ...], tuple[Missing, ...]]:
    """Read every indicator of the framework in the newest period that all cities of the province have.

    Parameters
    ----------
    entering : collection of str, optional
        Names of `DIMENSIONS`; by default all but `ASKED_FOR_ONLY`.

    Returns
    -------
    tuple of Input, tuple of Missing
        In the order of the dimensions.
    """
    cities = sight.cities_beside(city)
    inputs: list[Input] = []
    missing: list[Missing] = []
    wanted = [name for name in DIMENSIONS if name not in ASKED_FOR_ONLY] if entering is None else entering
    for dimension, (_, members) in DIMENSIONS.items():
        for code in members if dimension in wanted else ():
            found = _read_one(sight, code, dimension, cities)
            (inputs if isinstance(found, Input) else missing).append(found)  # type: ignore[arg-type]
    return tuple(inputs), tuple(missing)


def _read_one(sight: Sight, code: str, dimension: str, cities: Sequence[RegionCode]) -> Input | Missing:
    indicator = sight.numbers.indicators[f"prosperity.{code}"]
    series = {city: {v.period: v for v in sight.series(code, city) if v.number is not None} for city in cities}
    periods = {period for known in series.values() for period in known if period is not None}
    counted = sorted(
        ((sum(period in known for known in series.values()), period.end, period) for period in periods),
        key=lambda item: (item[0], item[1]),
    )
    if counted and counted[-1][0] == len(cities):
        period = counted[-1][2]
        values = {city: series[city][period] for city in cities}
        return Input(code, dimension, indicator, period, values, _find_step(sight, code, indicator, series, period))
    known, period_or_none = (counted[-1][0], counted[-1][2]) if counted else (0, None)
    lacking = next(city for city in cities if period_or_none not in series[city])
    value = sight.value(code, lacking, period_or_none)
    mark = value.mark or Mark("not_known", Text("没有记录", "nothing is recorded"))
    return Missing(code, dimension, indicator, known, len(cities), period_or_none, mark)


def _find_step(
    sight: Sight,
    code: str,
    indicator: Indicator,
    series: Mapping[RegionCode, Mapping[Period | None, Value]],
    period: Period,
) -> Step | None:
    """The best change of a year among all cities: by published growth, and by figures of two years that follow."""
    better = -1 if indicator.direction == "lower" else 1
    is_share = indicator.unit.name != "bp"
    found = [Step(share, True, city, period) for city in series for share in _grown(sight, code, city, period)]
    for city, known in series.items():
        for at, value in known.items():
            before = known.get(at.previous()) if at is not None else None
            if at is not None and before is not None and before.number and value.number is not None:
                change = value.number / before.number - 1 if is_share else value.number - before.number
                found.append(Step(change, is_share, city, at))
    good = [step for step in found if step.amount * better > 0]
    return max(good, key=lambda step: (step.amount * better, step.city), default=None)


def _grown(sight: Sight, code: str, city: RegionCode, period: Period) -> list[float]:
    growths = [sight.value(name, city, period).number for name in _GROWN_BY.get(code, ())]
    if not growths or any(g is None for g in growths):
        return []
    shares = [1 + (g or 0.0) / 100 for g in growths]
    return [shares[0] / shares[1] - 1 if len(shares) == 2 else shares[0] - 1]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a city stands.

    Parameters
    ----------
    low, median, high : float
        Places at 5, 50 and 95 % of the replications.
    points : mapping of str to float
        Points of the score by dimension; they add up to it.
    overlaps : tuple of RegionCode
        Cities whose interval overlaps with this one's: between them and this one there is no order.
    """

    city: RegionCode
    name: Text
    rank: int
    score: float
    low: float
    median: float
    high: float
    points: Mapping[str, float]
    overlaps: tuple[RegionCode, ...]

    @property
    def is_rank(self) -> bool:
        """Whether nobody else could stand in its place."""
        return not self.overlaps

    @property
    def places(self) -> tuple[int, int]:
        """The interval in whole places, outwards."""
        return int(np.floor(self.low + 1e-9)), int(np.ceil(self.high - 1e-9))


@dataclass(frozen=True, eq=False)
class CityIndex:
    """The index of the cities of a province, and everything that it rests on."""

    cities: tuple[RegionCode, ...]
    names: Mapping[RegionCode, Text]
    inputs: tuple[Input, ...]
    missing: tuple[Missing, ...]
    run: Run
    shares: Shares

    @property
    def uncertainty(self) -> Uncertainty:
        """The replications."""
        if self.run.uncertainty is None:
            raise ValueError("the plan of the cities has doubts")
        return self.run.uncertainty

    @cached_property
    def digest(self) -> str:
        """SHA-256 over figures, framework and spec: equal digests give equal results."""
        figures = self.run.index.figures
        said = [figures.units, figures.codes, figures.values.tolist(), write_plan(self.run.plan)]
        said.append([[n.code, n.parent, n.level, n.direction, n.weight] for n in self.run.index.framework.nodes])
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """All cities, best first."""
        index, doubts = self.run.index, self.uncertainty
        low, median, high = (doubts.quantile(share) for share in (LOW, 0.5, HIGH))
        points = contribute(index)
        dimension_of = {code: index.framework.by_code[code].parent for code in index.normalised.codes}
        found = []
        for at, city in enumerate(self.cities):
            shares: dict[str, float] = {}
            for column, code in enumerate(index.normalised.codes):
                shares[dimension_of[code]] = shares.get(dimension_of[code], 0.0) + float(points[at, column])
            beside = tuple(
                other
                for there, other in enumerate(self.cities)
                if there != at and low[there] <= high[at] and low[at] <= high[there]
            )
            found.append(
                Standing(
                    city, self.names[city], int(index.rank[at]), float(index.score[at]),
                    float(low[at]), float(median[at]), float(high[at]), shares, beside,
                )
            )  # fmt: skip
        return tuple(sorted(found, key=lambda s: (s.rank, s.city)))

    def standing(self, city: RegionCode) -> Standing:
        """One city's."""
        return next(s for s in self.standings if s.city == city)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that have figures."""
        return tuple(dict.fromkeys(i.dimension for i in self.inputs))

    @property
    def waiting(self) -> tuple[str, ...]:
        """The dimensions without any figure that all cities have."""
        return tuple(name for name in DIMENSIONS if name not in self.dimensions)

    @property
    def periods(self) -> tuple[Period, ...]:
        """The periods that the figures are of, oldest first."""
        return tuple(sorted({i.period for i in self.inputs}, key=lambda p: (p.end, p.start)))

    def chance_ahead(self, city: RegionCode, other: RegionCode) -> float:
        """Share of replications in which one city stands before another."""
        return self.uncertainty.chance_ahead(city.short, other.short)


def make_framework(inputs: Sequence[Input]) -> Framework:
    """Indicators, dimensions, and the top; every indicator counts the same, so a dimension counts as many as it has."""
    dimensions = tuple(dict.fromkeys(i.dimension for i in inputs))
    nodes = [
        Node(i.code, 1, i.dimension, i.indicator.title.zh, i.direction, 1.0, i.indicator.unit.title.en) for i in inputs
    ]
    weights = {name: float(sum(i.dimension == name for i in inputs)) for name in dimensions}
    nodes += [Node(name, 2, TOP, DIMENSIONS[name][0].zh, weight=weights[name]) for name in dimensions]
    return Framework((*nodes, Node(TOP, 3, "", TOP_TITLE.zh)))


def fit(sight: Sight, city: RegionCode, entering: Collection[str] | None = None, plan: Plan = PLAN) -> CityIndex:
    """Build the index of all cities of a city's province; see `read_inputs` for what enters.

    Raises
    ------
    ContractError
        When no indicator of the framework is known for all cities; it names the feeds.
    """
    inputs, missing = read_inputs(sight, city, entering)
    cities = sight.cities_beside(city)
    if not inputs or len(cities) < 2:
        raise ContractError(_nothing_known(missing))
    names = {c: sight.name(c) for c in cities}
    values = np.array([[i.figure(c) for i in inputs] for c in cities])
    figures = Figures(
        tuple(c.short for c in cities), tuple(i.code for i in inputs), values, titles=tuple(names[c].zh for c in cities)
    )
    framework = make_framework(inputs)
    if plan.vary is not None:
        # What enters is the largest choice of all, so it is a doubt like the others.
        plan = replace(plan, vary=replace(plan.vary, leave_out=_may_be_left_out(inputs)))
    run = carry_out(figures, framework, plan)
    shares, _ = apportion(figures, framework, plan.spec, plan.vary, POINTS, plan.seed, city.short)
    return CityIndex(cities, names, inputs, missing, run, shares)


def _may_be_left_out(inputs: Sequence[Input]) -> tuple[str, ...]:
    """Each indicator in turn; one that is alone in its dimension goes with it."""
    if len(inputs) < 3:
        return ()
    beside = [i.dimension for i in inputs]
    return tuple(i.code if beside.count(i.dimension) > 1 else i.dimension for i in inputs)


def _nothing_known(missing: Sequence[Missing]) -> Finding:
    feeds = ", ".join(dict.fromkeys(m.mark.feed for m in missing if m.mark.feed)) or "-"
    return Finding(
        NO_INDEX,
        "index",
        "no indicator that every city has",
        "at least one",
        Text(
            f"没有一个指标各市齐全，指数不能计算；要填报的表：{feeds}",
            f"no indicator is known for every city, so there is no index; the tables that would fill it: {feeds}",
        ),
    )
