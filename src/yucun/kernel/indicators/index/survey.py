"""Surveys: a sample plan, raking to known totals, design effect, intervals, comparison with a test, small cells hidden."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array, fail
from yucun.kernel.indicators.index.student import t_quantile, t_tail

Words = Sequence[str] | NDArray[np.str_]
SMALLEST_CELL = 30


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """How many to ask where.

    Parameters
    ----------
    people : mapping of str to int
        Asked in each stratum.
    margin : float
        Half of the 95 % interval of a share of one half, for all strata together.
    """

    people: Mapping[str, int]
    margin: float

    @property
    def total(self) -> int:
        """Asked in all."""
        return sum(self.people.values())


def size_for_margin(
    margin: float, population: int | None = None, design_effect: float = 1.0, share: float = 0.5
) -> int:
    """How many to ask so that a share's 95 % interval is plus or minus the margin.

    Examples
    --------
    >>> size_for_margin(0.03), size_for_margin(0.03, design_effect=1.4), size_for_margin(0.05, population=1000)
    (1068, 1494, 278)
    """
    wanted = NormalDist().inv_cdf(0.975) ** 2 * share * (1 - share) / margin**2 * design_effect
    if population is not None:
        wanted = wanted / (1 + (wanted - 1) / population)
    return math.ceil(wanted - 1e-9)


def plan_sample(
    sizes: Mapping[str, int],
    total: int,
    way: Literal["proportional", "equal", "neyman", "root"] = "proportional",
    deviations: Mapping[str, float] | None = None,
    least: int = 0,
) -> SamplePlan:
    """Share out a sample over strata; the parts add up to the total.

    Parameters
    ----------
    sizes : mapping of str to int
        People in each stratum.
    way : str
        ``neyman`` asks more where answers differ more and needs `deviations`; ``root`` goes by the square root of
        sizes, between proportional and equal.
    least : int
        At least so many in each stratum.

    Examples
    --------
    >>> plan_sample({"town": 600, "village": 300, "hamlet": 100}, 100, least=20).people
    {'town': 53, 'village': 27, 'hamlet': 20}
    """
    names = list(sizes)
    size = np.array([sizes[name] for name in names], dtype=np.float64)
    if way == "neyman" and (deviations is None or set(deviations) != set(sizes)):
        raise fail(
            "survey",
            "plan",
            "no deviations",
            "one for each stratum",
            Text("奈曼分配须给出各层标准差", "neyman needs a deviation for each stratum"),
        )
    if least * len(names) > total or total > size.sum() or (size <= 0).any():
        raise fail(
            "survey",
            "plan",
            f"{total} people in {len(names)} strata, at least {least} each",
            "enough people for all strata, not more than there are",
            Text(
                f"样本 {total} 不够各层至少 {least} 人，或多于总人数",
                f"{total} cannot be at least {least} in each stratum, or is more than there are",
            ),
        )
    claim = {
        "proportional": size,
        "equal": np.ones(len(size)),
        "root": np.sqrt(size),
        "neyman": size * np.array([deviations[name] for name in names]) if deviations else size,
    }[way]
    people = _share_out(claim, np.minimum(np.full(len(size), float(least)), size), size, total)
    variance = float(((size / size.sum()) ** 2 * 0.25 / np.maximum(people, 1) * (1 - people / size)).sum())
    margin = NormalDist().inv_cdf(0.975) * math.sqrt(max(variance, 0.0))
    return SamplePlan(dict(zip(names, people.astype(int).tolist(), strict=True)), margin)


def _share_out(claim: Array, low: Array, high: Array, total: int) -> Array:
    """Whole numbers in proportion to claims, within limits, by largest remainder."""
    held = np.zeros(len(claim), dtype=bool)
    share = np.zeros(len(claim))
    while True:
        rest = total - share[held].sum()
        share[~held] = claim[~held] / claim[~held].sum() * rest if (~held).any() else share[~held]
        under, over = (share < low) & ~held, (share > high) & ~held
        bound = under if under.any() else over
        if not bound.any():
            break
        share[bound] = np.where(under, low, high)[bound]
        held |= bound
    whole = np.floor(share + 1e-9)
    most = np.argsort(-(share - whole), kind="stable")[: round(total - whole.sum())]
    whole[most] += 1
    return np.asarray(whole)


def cross(*columns: Words) -> list[str]:
    """Join columns to one, such as age by sex.

    Examples
    --------
    >>> cross(["18-29", "30-44"], ["man", "woman"])
    ['18-29 × man', '30-44 × woman']
    """
    return [" × ".join(str(word) for word in row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Raked:
    """Weights that meet known totals.

    Parameters
    ----------
    weights : array, shape (respondents,)
        People behind each respondent.
    rounds : int
    largest_gap : float
        Of a margin from its total, as a share of it.
    """

    weights: Array
    rounds: int
    largest_gap: float

    @property
    def design_effect(self) -> float:
        """Kish's design effect of the weights: n times the sum of squares over the square of the sum."""
        return design_effect(self.weights)


def design_effect(weights: Array) -> float:
    """Kish's design effect: by how much unequal weights widen the variance of a mean.

    Examples
    --------
    >>> design_effect(np.array([1.0, 1.0, 2.0, 2.0])).__round__(4)
    1.1111
    """
    return float(len(weights) * (weights @ weights) / weights.sum() ** 2)


def rake(
    columns: Mapping[str, Words],
    totals: Mapping[str, Mapping[str, float]],
    base: Array | None = None,
    rounds: int = 1000,
    close: float = 1e-12,
) -> Raked:
    """Rake weights until every margin meets its total (Deming and Stephan 1940).

    Parameters
    ----------
    columns : mapping of str to sequence of str
        One category for each respondent; `cross` makes margins of two columns.
    totals : mapping of str to mapping of str to float
        People in each category, for every column that is raked to.
    base : array, shape (respondents,), optional
        Weights before raking, such as one over the chance of being asked.

    Raises
    ------
    ContractError
        With one finding for each category without a total or without a respondent, and for totals that do not agree.
    StepFailed
        When the totals cannot be met together.

    Examples
    --------
    >>> found = rake({"sex": ["m", "m", "f"]}, {"sex": {"m": 50.0, "f": 50.0}})
    >>> found.weights.tolist()
    [25.0, 25.0, 50.0]
    """
    coded, wanted = _check_margins(columns, totals)
    start = np.ones(len(coded[0])) if base is None else np.asarray(base, dtype=np.float64)
    joined = np.ravel_multi_index(tuple(coded), tuple(len(goal) for goal in wanted))
    kinds, cell = np.unique(joined, return_inverse=True)
    cells = np.unravel_index(kinds, tuple(len(goal) for goal in wanted))
    sums = np.bincount(cell, start)
    factor = np.full(len(sums), wanted[0].sum() / sums.sum())
    gap, done = np.inf, 0
    while gap > close and done < rounds:
        for codes, goal in zip(cells, wanted, strict=True):
            factor *= (goal / np.bincount(codes, sums * factor, minlength=len(goal)))[codes]
        held = sums * factor
        gap = max(
            float(np.abs(np.bincount(codes, held, minlength=len(goal)) / goal - 1).max())
            for codes, goal in zip(cells, wanted, strict=True)
        )
        done += 1
    if not gap <= max(close, 1e-9):
        raise fail(
            "survey",
            ", ".join(totals),
            f"off by {gap:.2g} after {done} rounds",
            "totals that can be met together",
            Text(
                f"迭代 {done} 轮后边际仍差 {gap:.2g}；请合并人数过少的类别",
                f"a margin is off by {gap:.2g} after {done} rounds; join small categories",
            ),
        )
    return Raked(start * factor[cell], done, gap)


def _check_margins(
    columns: Mapping[str, Words], totals: Mapping[str, Mapping[str, float]]
) -> tuple[list[NDArray[np.intp]], list[Array]]:
    coded, wanted, findings = [], [], []
    for name, goal in totals.items():
        if name not in columns:
            findings.append(_margin(name, "nothing", f"a column {name}"))
            continue
        known = sorted(str(category) for category, people in goal.items() if people > 0)
        found, codes = _code(columns[name])
        findings += [_margin(name, word, "a category with a total") for word in found if word not in known]
        findings += [_margin(name, f"nobody in {word}", "a respondent") for word in known if word not in found]
        coded.append(codes)
        wanted.append(np.array([float(goal[word]) for word in known]))
    if not totals:
        findings.append(_margin("totals", "nothing", "at least one margin"))
    sums = [float(goal.sum()) for goal in wanted]
    if sums and max(sums) - min(sums) > 1e-9 * max(sums):
        findings.append(
            _margin(", ".join(totals), ", ".join(f"{s:,.0f}" for s in sums), "the same people in every margin")
        )
    if findings:
        raise ContractError(findings)
    return coded, wanted


def _code(words: Words) -> tuple[list[str], NDArray[np.intp]]:
    """The categories in order, and each respondent's place among them."""
    # A list of plain strings: going over a numpy array word by word takes ten times as long.
    said = [str(word) for word in (words.tolist() if isinstance(words, np.ndarray) else words)]
    names = sorted(set(said))
    places = {name: place for place, name in enumerate(names)}
    return names, np.array([places[word] for word in said], dtype=np.intp)


def _margin(name: str, found: str, expected: str) -> Finding:
    return Finding(
        "index.margin",
        name,
        str(found)[:120],
        expected,
        Text(f"边际「{name}」：{found}；应为：{expected}", f"margin '{name}': {found}; expected {expected}"),
        name,
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate from a survey, or nothing where too few stand behind it.

    Parameters
    ----------
    value, error, low, high : float
        NaN when hidden; low and high are the 95 % interval.
    people : int
        Respondents behind it; said even when hidden as "under" the smallest cell.
    design_effect : float
        Its variance over that of a simple random sample of as many.
    hidden : bool
        True when it is not shown, because it or its complement would tell of too few.
    """

    value: float
    error: float
    low: float
    high: float
    people: int
    design_effect: float
    hidden: bool = False

    @property
    def effective_people(self) -> float:
        """How many a simple random sample would need."""
        return self.people / self.design_effect if self.design_effect > 0 else math.nan


HIDDEN = Estimate(math.nan, math.nan, math.nan, math.nan, 0, math.nan, hidden=True)


def estimate(
    answers: Array | Sequence[float],
    weights: Array | None = None,
    margins: Mapping[str, Words] | None = None,
    among: NDArray[np.bool_] | None = None,
    smallest: int = SMALLEST_CELL,
) -> Estimate:
    """Estimate a mean (of 0 and 1: a share) with its interval.

    Parameters
    ----------
    answers : array, shape (respondents,)
        NaN is no answer.
    weights : array, shape (respondents,), optional
    margins : mapping of str to sequence of str, optional
        The columns that the weights were raked to; what they explain is certain, so only the rest makes the error
        (Deville and Särndal 1992).
    among : array of bool, shape (respondents,), optional
        Whom the mean is about.
    smallest : int
        With fewer respondents the estimate is hidden.

    Examples
    --------
    >>> found = estimate([1.0] * 60 + [0.0] * 40)
    >>> round(found.value, 2), round(found.low, 4), round(found.high, 4)
    (0.6, 0.5023, 0.6977)
    """
    y = np.asarray(answers, dtype=np.float64)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    inside = ~np.isnan(y) if among is None else ~np.isnan(y) & np.asarray(among, dtype=bool)
    people = int(inside.sum())
    if people < max(smallest, 2):
        return replace(HIDDEN, people=people)
    mean = float(y[inside] @ w[inside] / w[inside].sum())
    pull = np.where(inside, np.nan_to_num(y) - mean, 0.0) / w[inside].sum()
    scored = w * _unexplained(pull, w, margins) if margins else (w * pull)[inside]
    variance = len(scored) / (len(scored) - 1) * float(((scored - scored.mean()) ** 2).sum())
    plain = float(w[inside] @ (y[inside] - mean) ** 2 / w[inside].sum() / (people - 1))
    error = math.sqrt(variance)
    reach = t_quantile(0.975, people - 1) * error
    return Estimate(mean, error, mean - reach, mean + reach, people, variance / plain if plain > 0 else math.nan)


def _unexplained(pull: Array, w: Array, margins: Mapping[str, Words]) -> Array:
    """What the margins' categories do not predict, by weighted least squares.

    Each is divided by one less its leverage, as a jackknife over respondents would (MacKinnon and White 1985, HC3):
    without it, rare respondents with large weights pull the fit to themselves and the interval comes out too short.
    """
    parts = [np.ones((len(pull), 1))]
    for words in margins.values():
        names, codes = _code(words)
        parts.append((codes[:, None] == np.arange(1, len(names))).astype(np.float64))
    x = np.concatenate(parts, axis=1)
    weighted = x * w[:, None]
    inverse = np.linalg.pinv(weighted.T @ x, hermitian=True)
    left = pull - x @ (inverse @ (weighted.T @ pull))
    leverage = ((weighted @ inverse) * x).sum(axis=1)
    return np.asarray(left / np.maximum(1 - leverage, 1e-9))


@dataclass(frozen=True, slots=True)
class Feeling:
    """A question on a scale, told in the two usual ways."""

    top_two: Estimate
    mean_100: Estimate


def estimate_scale(
    answers: Array | Sequence[float],
    least: int = 1,
    most: int = 5,
    weights: Array | None = None,
    margins: Mapping[str, Words] | None = None,
    among: NDArray[np.bool_] | None = None,
    smallest: int = SMALLEST_CELL,
) -> Feeling:
    """The share of the two best answers, and the mean carried to 0..100.

    Parameters
    ----------
    answers : array, shape (respondents,)
        Whole numbers from `least` to `most`, the best; NaN is no answer.

    Raises
    ------
    StepFailed
        When an answer is off the scale.

    Examples
    --------
    >>> found = estimate_scale([5, 4, 3, 2] * 10)
    >>> found.top_two.value, found.mean_100.value
    (0.5, 62.5)
    """
    x = np.asarray(answers, dtype=np.float64)
    off = x[~np.isnan(x) & ((x < least) | (x > most) | (x != np.round(x)))]
    if off.size:
        raise fail(
            "survey",
            "answers",
            float(off[0]),
            f"whole numbers from {least} to {most}",
            Text(
                f"答案 {off[0]:g} 不在 {least} 至 {most} 之间",
                f"the answer {off[0]:g} is not on the scale of {least} to {most}",
            ),
        )
    top = np.where(np.isnan(x), np.nan, (x >= most - 1).astype(np.float64))
    mean = (x - least) / (most - least) * 100
    first, second = (estimate(y, weights, margins, among, smallest) for y in (top, mean))
    return Feeling(first, second)


def estimate_groups(
    answers: Array | Sequence[float],
    groups: Words,
    weights: Array | None = None,
    margins: Mapping[str, Words] | None = None,
    smallest: int = SMALLEST_CELL,
) -> dict[str, Estimate]:
    """Estimate each group; where one alone would be hidden, the next smallest is hidden too, so that it cannot be worked out.

    Examples
    --------
    >>> found = estimate_groups([1.0, 0.0] * 50, ["a"] * 45 + ["b"] * 35 + ["c"] * 20)
    >>> {name: e.hidden for name, e in found.items()}
    {'a': False, 'b': True, 'c': True}
    """
    words = np.asarray(groups, dtype=str)
    found = {str(name): estimate(answers, weights, margins, words == name, smallest) for name in np.unique(words)}
    hidden = [name for name, e in found.items() if e.hidden]
    shown = sorted((e.people, name) for name, e in found.items() if not e.hidden)
    if len(hidden) == 1 and shown:
        people, name = shown[0]
        found[name] = replace(HIDDEN, people=people)
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """Two estimates beside each other.

    Parameters
    ----------
    chance : float
        Two-sided: of a difference at least this large if there were none; NaN when one is hidden.
    """

    value: float
    low: float
    high: float
    chance: float

    @property
    def is_clear(self) -> bool:
        """Whether the difference is unlikely to be chance alone (under 5 %)."""
        return self.chance < 0.05


def compare(first: Estimate, second: Estimate) -> Difference:
    """Compare two waves or places asked independently, by Welch's t.

    Examples
    --------
    >>> a, b = estimate([1.0] * 60 + [0.0] * 40), estimate([1.0] * 45 + [0.0] * 55)
    >>> round(compare(a, b).value, 2), compare(a, b).is_clear
    (0.15, True)
    """
    if first.hidden or second.hidden:
        return Difference(math.nan, math.nan, math.nan, math.nan)
    value = first.value - second.value
    parts = [(e.error**2, max(e.people - 1, 1)) for e in (first, second)]
    variance = sum(v for v, _ in parts)
    if variance == 0:
        return Difference(value, value, value, 0.0 if value else 1.0)
    free = variance**2 / sum(v**2 / df for v, df in parts)
    reach = t_quantile(0.975, free) * math.sqrt(variance)
    return Difference(value, value - reach, value + reach, t_tail(value / math.sqrt(variance), free))


def compare_all(found: Mapping[str, Estimate]) -> dict[tuple[str, str], Difference]:
    """Compare every pair; the chances are corrected for how many pairs there are (Holm 1979).

    Examples
    --------
    >>> waves = {"2020": estimate([1.0] * 30 + [0.0] * 30), "2021": estimate([1.0] * 55 + [0.0] * 5)}
    >>> compare_all(waves)["2020", "2021"].is_clear
    True
    """
    names = [name for name, e in found.items() if not e.hidden]
    pairs = {(a, b): compare(found[a], found[b]) for i, a in enumerate(names) for b in names[i + 1 :]}
    worst = 0.0
    out = dict(pairs)
    for place, key in enumerate(sorted(pairs, key=lambda k: pairs[k].chance)):
        worst = max(worst, min(1.0, pairs[key].chance * (len(pairs) - place)))
        out[key] = replace(pairs[key], chance=worst)
    return out
