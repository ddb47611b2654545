"""The learner: from outcomes of visits to the order in which visits are offered, each with its reasons.

It sees what a visit was offered for and what came of it, never anything else. Its scores order the offers of one month and
are kept nowhere; nobody is asked for anything, refused or reported by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np

from .detectors import INCOMES, PUBLISHED

_Z = 1.96
_STEPS = 25
# How far the base rate may move from the published one before outcomes speak, as a variance of its logit.
_FREE = 4.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A household for which at least one rule warns.

    Parameters
    ----------
    rules : mapping of str to (int, int)
        What each rule found, and its line.
    words : tuple of str
        What the order may rest on, as words; see `describe`.
    """

    household: str
    village: str
    rules: Mapping[str, tuple[int, int]]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A visit to offer, in order; ``because`` names what spoke for it, ``is_to_learn`` that it is made to learn of a rule."""

    candidate: Candidate
    because: tuple[str, ...]
    is_to_learn: bool


@dataclass(frozen=True, slots=True)
class Learnt:
    """What outcomes have taught.

    Parameters
    ----------
    words : tuple of str
        In the order of ``weights``.
    base : float
        Logit of the share of visits that lead to help where no word speaks.
    tried : mapping of str to (int, int)
        Visits whose warning held each rule, and those of them that led to help.
    """

    words: tuple[str, ...]
    weights: Any
    base: float
    tried: Mapping[str, tuple[int, int]]

    @property
    def visits(self) -> int:
        """How many rules' outcomes it rests on."""
        return sum(n for n, _ in self.tried.values())

    def score(self, words: Sequence[str]) -> float:
        """The logit for one household."""
        at = {word: n for n, word in enumerate(self.words)}
        return self.base + sum(float(self.weights[at[word]]) for word in words if word in at)


def interval(found: int, visits: int) -> tuple[float, float]:
    """Wilson's interval of a share, 95 %; from nothing to one where there were no visits.

    Examples
    --------
    >>> [round(end, 4) for end in interval(91, 4881)]
    [0.0152, 0.0228]
    """
    if not visits:
        return 0.0, 1.0
    middle = (found + _Z * _Z / 2) / (visits + _Z * _Z)
    half = _Z / (visits + _Z * _Z) * sqrt(found * (visits - found) / visits + _Z * _Z / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def describe(
    rules: Mapping[str, tuple[int, int]], context: Mapping[str, Any], standard_fen: int, edge_bp: int
) -> tuple[str, ...]:
    """The words of a household: its rules, how many, how large, and what is known around them.

    Examples
    --------
    >>> describe({"death": (1, 1)}, {"members": 1, "is_registered": False, "month_fen": 0, "has_record": False,
    ...     "is_old_alone": True, "has_severe_disability": False}, 81_000, 15_000)
    ('death', 'death/income_unknown', 'income_unknown', 'members_1', 'old_alone')
    """
    members = int(context["members"])
    month = int(context["month_fen"])
    if not context["has_record"]:
        income = INCOMES[0]
    elif month < standard_fen * members:
        income = INCOMES[1]
    elif month * 10_000 < standard_fen * edge_bp * members:
        income = INCOMES[2]
    else:
        income = INCOMES[3]
    words = {f"income_{income}", f"members_{min(members, 4)}"}
    for rule, (amount, line) in rules.items():
        words |= {rule, f"{rule}/income_{income}"}
        if rule == PUBLISHED and amount > 2 * line:
            words.add(f"{rule}/double")
        if context["is_old_alone"] and rule == "power_drop":
            words.add(f"{rule}/old_alone")
    if len(rules) > 1:
        words.add(f"rules_{min(len(rules), 4)}")
    marks = (("is_registered", "registered"), ("is_old_alone", "old_alone"), ("has_severe_disability", "severe"))
    words |= {word for name, word in marks if context[name]}
    return tuple(sorted(words))


def fit(
    outcomes: Sequence[tuple[Sequence[str], bool]], rules: Sequence[str], published: tuple[int, int], shrink: float
) -> Learnt:
    """Learn from visits: a logistic regression whose weights are drawn to zero and whose base to the published share.

    Parameters
    ----------
    outcomes : sequence of (words, bool)
        A visit each: the words of its warning, and whether it led to help.
    rules : sequence of str
        Names of rules, which are counted too.
    published : (int, int)
        Helped and alerts elsewhere: what is assumed before anybody was visited.
    shrink : float
        The weight of the prior, in visits.
    """
    names = tuple(sorted({word for words, _ in outcomes for word in words}))
    at = {word: n + 1 for n, word in enumerate(names)}
    rows = np.zeros((len(outcomes), len(names) + 1))
    rows[:, 0] = 1.0
    for n, (words, _) in enumerate(outcomes):
        rows[n, [at[word] for word in words]] = 1.0
    helped = np.array([float(found) for _, found in outcomes])
    prior = log(published[0] / (published[1] - published[0]))
    strength = np.full(len(names) + 1, shrink)
    strength[0] = 1.0 / _FREE
    mean = np.zeros(len(names) + 1)
    mean[0] = prior
    weights = mean.copy()
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (helped - chance) - strength * (weights - mean)
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(strength)
        step = np.linalg.solve(bend, slope)
        # Long steps overshoot while few outcomes are known.
        weights = weights + step * min(1.0, 4.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-9:
            break
    tried = {rule: (sum(rule in w for w, _ in outcomes), sum(rule in w and f for w, f in outcomes)) for rule in rules}
    return Learnt(names, weights[1:], float(weights[0]), tried)


def choose(learnt: Learnt, candidates: Sequence[Candidate], visits: int, learn_bp: int, seed: int) -> list[Offer]:
    """Choose for whom a visit is offered this month, the likeliest to be helped first, some to learn of rules.

    Parameters
    ----------
    visits : int
        How many there can be.
    learn_bp : int
        The share, in bp, that goes to rules of which little is known; all of them while nothing is.
    seed : int
        Settles between households of which the same is known.
    """
    chance = np.random.Generator(np.random.PCG64(seed))
    luck = chance.random(len(candidates))
    scores = np.array([learnt.score(one.words) for one in candidates])
    order = np.lexsort((luck, -scores))
    known = sum(n for n, _ in learnt.tried.values()) > 0
    to_learn = visits * learn_bp // 10_000 if known else visits
    best = [int(n) for n in order[: max(0, min(visits, len(candidates)) - to_learn)]]
    rest = sorted(set(range(len(candidates))) - set(best), key=lambda n: luck[n])
    learning = _explore(learnt, candidates, rest, min(visits, len(candidates)) - len(best))
    offers = [Offer(candidates[n], explain(learnt, candidates[n]), False) for n in best]
    return offers + [Offer(candidates[n], explain(learnt, candidates[n]), True) for n in learning]


def _explore(learnt: Learnt, candidates: Sequence[Candidate], rest: Sequence[int], wanted: int) -> list[int]:
    """Each time a household of the rule whose share of helped visits may still be the highest."""
    waiting: dict[str, list[int]] = {}
    for n in reversed(rest):
        for rule in candidates[n].rules:
            waiting.setdefault(rule, []).append(n)
    planned = {rule: list(learnt.tried.get(rule, (0, 0))) for rule in waiting}
    taken: dict[int, None] = {}
    while len(taken) < wanted and planned:
        rule = max(sorted(planned), key=lambda r: interval(planned[r][1], planned[r][0])[1] if planned[r][0] else 2.0)
        while waiting[rule] and waiting[rule][-1] in taken:
            waiting[rule].pop()
        if not waiting[rule]:
            del planned[rule]
            continue
        taken[waiting[rule].pop()] = None
        # A visit that is planned counts as made; what comes of it is not known, so the share stands still.
        planned[rule][0] += 1
    return list(taken)


def explain(learnt: Learnt, candidate: Candidate) -> tuple[str, ...]:
    """The words that speak for a visit, the strongest first; where nothing is learnt yet, its rules."""
    at = {word: float(weight) for word, weight in zip(learnt.words, learnt.weights, strict=True)}
    speaking = sorted((w for w in candidate.words if at.get(w, 0.0) > 0), key=lambda w: (-at[w], w))
    return tuple(speaking[:3]) or tuple(sorted(candidate.rules))
