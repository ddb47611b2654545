"""Levers: what a city's place would be with other figures, with what chance, and how far a feasible step goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from yucun.base.errors import ContractError, Finding
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.indicators.index import Uncertainty, explore
from yucun.services.prosperity.models import HIGH, LOW, CityIndex, Input, Sight, Step

_RURAL = ("income_rural", "growth_rural", "urban_rural_ratio")
_ALL = ("income_all", "growth_all")


@dataclass(frozen=True, slots=True)
class Ties:
    """How the figures of one city hang together: two incomes and the share of the towns make all the others.

    Parameters
    ----------
    urban, rural, share : float
        Incomes of town and country, and the share of townspeople that the income of all implies.
    rural_before, all_before : float
        The same period of the year before, by the published growth; NaN where none is published.
    """

    urban: float
    rural: float
    share: float
    rural_before: float
    all_before: float

    @property
    def everyone(self) -> float:
        """The income of all residents."""
        return self.share * self.urban + (1 - self.share) * self.rural

    def pull(self, aims: Mapping[str, float]) -> Ties:
        """Set what is aimed at, and let everything else follow.

        A figure of the country (income, growth, or the ratio with the towns as they are) settles the country; a figure
        of all settles the towns with it, or lifts both alike.
        """
        rural = self._rural_of(aims)
        everyone = aims.get("income_all")
        if everyone is None and "growth_all" in aims:
            everyone = self.all_before * (1 + aims["growth_all"] / 100)
        ratio = aims.get("urban_rural_ratio") if rural is None else None
        if ratio is not None:
            rural = self.urban / ratio if everyone is None else everyone / (self.share * ratio + 1 - self.share)
        if everyone is None:
            return replace(self, rural=self.rural if rural is None else rural)
        if rural is None:
            lift = everyone / self.everyone
            return replace(self, urban=self.urban * lift, rural=self.rural * lift)
        return replace(self, rural=rural, urban=(everyone - (1 - self.share) * rural) / self.share)

    def _rural_of(self, aims: Mapping[str, float]) -> float | None:
        if "income_rural" in aims:
            return aims["income_rural"]
        return self.rural_before * (1 + aims["growth_rural"] / 100) if "growth_rural" in aims else None

    def tell(self) -> dict[str, float]:
        """The figures of the index that follow."""
        return {
            "income_all": self.everyone,
            "income_rural": self.rural,
            "urban_rural_ratio": self.urban / self.rural,
            "growth_all": 100 * (self.everyone / self.all_before - 1),
            "growth_rural": 100 * (self.rural / self.rural_before - 1),
        }


def read_ties(sight: Sight, index: CityIndex, city: RegionCode) -> Ties | None:
    """How a city's incomes hang together in the index's period; None where one of them is not known."""
    period = next((i.period for i in index.inputs if i.code in ("income_all", "income_rural")), None)
    if period is None:
        return None
    everyone, urban, rural, grew, rural_grew = (
        sight.value(name, city, period).number
        for name in ("income_all", "income_urban", "income_rural", "growth_all", "growth_rural")
    )
    if everyone is None or urban is None or rural is None or urban == rural:
        return None
    share = (everyone - rural) / (urban - rural)
    if not 0 < share < 1:
        return None
    before = [math.nan if g is None else now / (1 + g / 100) for now, g in ((rural, rural_grew), (everyone, grew))]
    return Ties(urban, rural, share, before[0], before[1])


@dataclass(frozen=True, slots=True)
class Outcome:
    """A city with other figures, beside the same city as it is.

    Parameters
    ----------
    aims : mapping of str to float
        What was set.
    figures : mapping of str to float
        Every figure that differs then: what was set and what followed.
    chance, loss : float
        Share of replications in which the place is better, and in which it is worse.
    places : mapping of int to tuple of float
        For each place the share of replications before and after.
    """

    aims: Mapping[str, float]
    figures: Mapping[str, float]
    rank: tuple[int, int]
    score: tuple[float, float]
    low: tuple[int, int]
    high: tuple[int, int]
    chance: float
    loss: float
    places: Mapping[int, tuple[float, float]]

    @property
    def gained(self) -> int:
        """Places gained at the nominal choices."""
        return self.rank[0] - self.rank[1]


@dataclass(frozen=True, slots=True)
class Lever:
    """One indicator as a lever: where it stands, how far it can be set, what one feasible step would do.

    Parameters
    ----------
    low, high : float
        The ends of the slider: a little beyond the worst and the best city.
    aim : float
        The figure after a feasible step; NaN when no step is known.
    outcome : Outcome or None
        Of that step; None when it is not known.
    """

    entering: Input
    figure: float
    low: float
    high: float
    step: Step | None
    aim: float
    outcome: Outcome | None

    @property
    def code(self) -> str:
        """The indicator's short name."""
        return self.entering.code


class Bench:
    """A city's levers over one index; what is asked again is not worked out again.

    Parameters
    ----------
    along : bool
        Whether figures that hang together move together.
    """

    def __init__(self, sight: Sight, index: CityIndex, city: RegionCode, along: bool = True) -> None:
        if city not in index.cities:
            raise ContractError(_unknown_city(city, index))
        self.index = index
        self.city = city
        self.ties = read_ties(sight, index, city)
        self.along = along and self.ties is not None
        self._at = index.run.index.place_of(city.short)

    def levers(self) -> list[Lever]:
        """All of them, by what a feasible step does: places, then chance, then points; the unknown last."""
        found = [self._lever(i) for i in self.index.inputs]

        def order(lever: Lever) -> tuple[Any, ...]:
            o = lever.outcome
            return (1,) if o is None else (0, -o.gained, -o.chance, o.score[0] - o.score[1])

        return sorted(found, key=order)

    def _lever(self, entering: Input) -> Lever:
        figure = entering.figure(self.city)
        known = [entering.figure(c) for c in self.index.cities]
        room = 0.15 * (max(known) - min(known))
        step = entering.step
        aim = step.apply(figure) if step else math.nan
        low, high = min([*known, figure, *([aim] if step else [])]), max([*known, figure, *([aim] if step else [])])
        return Lever(
            entering, figure, low - room, high + room, step, aim, self.set({entering.code: aim}) if step else None
        )

    def set(self, aims: Mapping[str, float]) -> Outcome:
        """Set some figures and say what becomes of the city.

        Raises
        ------
        ContractError
            For a figure that the index has not, one that is no number, or incomes that cannot be together.
        """
        figures = self._follow(aims)
        base = self.index.uncertainty
        raw = self.index.run.index.figures
        values = raw.values.copy()
        for code, figure in figures.items():
            values[self._at, raw.codes.index(code)] = figure
        plan, tree = self.index.run.plan, self.index.run.index.framework
        changed = raw.with_values(values)
        moved = explore(changed, tree, plan.spec, plan.vary, plan.replications, plan.seed) if figures else base
        return _compare(base, moved, self._at, dict(aims), figures)

    def _follow(self, aims: Mapping[str, float]) -> dict[str, float]:
        known = {i.code: i for i in self.index.inputs}
        for code, aim in aims.items():
            if code not in known or not math.isfinite(aim):
                raise ContractError(_no_lever(code, aim, known))
        figures = {code: aim for code, aim in aims.items() if aim != known[code].figure(self.city)}
        tied = {code: aim for code, aim in figures.items() if code in (*_RURAL, *_ALL)}
        if self.along and self.ties is not None and tied:
            after = self.ties.pull(tied)
            told = after.tell()
            if not (after.urban > 0 and after.rural > 0):
                raise ContractError(_impossible(tied))
            for code, figure in told.items():
                if code in known and code not in figures and math.isfinite(figure):
                    figures[code] = figure
        return figures

    @property
    def standing_now(self) -> Outcome:
        """The city as it is."""
        return self.set({})


def _compare(
    before: Uncertainty, after: Uncertainty, at: int, aims: Mapping[str, float], figures: Mapping[str, float]
) -> Outcome:
    mine, then = before.placed[:, at], after.placed[:, at]
    both = ~np.isnan(mine) & ~np.isnan(then)
    chance = float((then[both] < mine[both]).mean()) if both.any() else math.nan
    loss = float((then[both] > mine[both]).mean()) if both.any() else math.nan
    ranks = (int(before.nominal.rank[at]), int(after.nominal.rank[at]))
    scores = (float(before.nominal.score[at]), float(after.nominal.score[at]))
    lows = tuple(int(np.floor(np.quantile(p[both], LOW) + 1e-9)) for p in (mine, then))
    highs = tuple(int(np.ceil(np.quantile(p[both], HIGH) - 1e-9)) for p in (mine, then))
    units = before.placed.shape[1]
    places = {n: (_share(mine[both], n), _share(then[both], n)) for n in range(1, units + 1)}
    return Outcome(aims, figures, ranks, scores, (lows[0], lows[1]), (highs[0], highs[1]), chance, loss, places)


def _share(placed: NDArray[np.float64], place: int) -> float:
    return float((placed == place).mean())


def tabulate_levers(levers: list[Lever]) -> pa.Table:
    """The levers as a table, one row each, unrounded, in the order given."""
    rows = [
        {
            "indicator": lever.entering.indicator.id,
            "period": lever.entering.period.text,
            "figure": lever.figure,
            "unit": lever.entering.indicator.unit.title.en,
            "step": None if lever.step is None else lever.aim - lever.figure,
            "step_seen_in": None if lever.step is None else lever.step.city.short,
            "step_period": None if lever.step is None else lever.step.period.text,
            "aim": None if lever.step is None else lever.aim,
            "rank": None if lever.outcome is None else lever.outcome.rank[0],
            "rank_after": None if lever.outcome is None else lever.outcome.rank[1],
            "rank_after_q5": None if lever.outcome is None else lever.outcome.low[1],
            "rank_after_q95": None if lever.outcome is None else lever.outcome.high[1],
            "points": None if lever.outcome is None else lever.outcome.score[1] - lever.outcome.score[0],
            "chance": None if lever.outcome is None else lever.outcome.chance,
        }
        for lever in levers
    ]
    kinds = [
        *(("indicator", pa.string()), ("period", pa.string()), ("figure", pa.float64()), ("unit", pa.string())),
        *(("step", pa.float64()), ("step_seen_in", pa.string()), ("step_period", pa.string()), ("aim", pa.float64())),
        *((name, pa.int64()) for name in ("rank", "rank_after", "rank_after_q5", "rank_after_q95")),
        *(("points", pa.float64()), ("chance", pa.float64())),
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _unknown_city(city: RegionCode, index: CityIndex) -> Finding:
    names = ", ".join(index.names[c].zh for c in index.cities)
    return Finding(
        "prosperity.city",
        city.short,
        city.short,
        names,
        Text(f"{city.short} 不在这些市里：{names}", f"{city.short} is none of the cities: {names}"),
    )


def _no_lever(code: str, aim: float, known: Mapping[str, Input]) -> Finding:
    return Finding(
        "prosperity.lever",
        code[:60],
        f"{code} = {aim}"[:120],
        ", ".join(known),
        Text(
            f"指数里没有「{code[:60]}」，或 {aim} 不是数；可以拨动的是：{'、'.join(known)}",
            f"the index has no '{code[:60]}', or {aim} is no number; what can be set: {', '.join(known)}",
        ),
    )


def _impossible(aims: Mapping[str, float]) -> Finding:
    said = ", ".join(f"{code} = {aim:g}" for code, aim in aims.items())
    return Finding(
        "prosperity.together",
        "levers",
        said[:120],
        "incomes above zero",
        Text(
            f"这些数不能同时成立（{said}）：城镇或农村收入会不大于零；请改一个",
            f"these figures cannot be together ({said}): an income would not be above zero; change one",
        ),
    )
