"""Split: share a whole number by weights so that nothing is lost and the remainder has an owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yucun.base.errors import Finding, PostingError
from yucun.base.quantity import share_out
from yucun.base.text import Text


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a split; ``extra`` is what of it came from the remainder."""

    name: str
    amount: int
    extra: int


def split(total: int, weights: Mapping[str, int], remainder_to: str = "") -> list[Share]:
    """Share ``total`` by whole-number weights.

    Parameters
    ----------
    total : int
        Whole units, not below zero.
    weights : mapping
        Name to weight; the order decides ties.
    remainder_to : str
        Who owns what is left after everybody's exact share is rounded down: one name of the weights, or another
        such as the village's fund. Empty gives it by largest remainder, one unit each.

    Returns
    -------
    list of Share
        In the order of the weights, the owner last if it is another; the amounts add up to ``total``.

    Raises
    ------
    PostingError
        If the weights are below zero or all zero: the remainder would have no owner.

    Examples
    --------
    >>> [(s.name, s.amount, s.extra) for s in split(100, {"a": 1, "b": 1, "c": 1})]
    [('a', 34, 1), ('b', 33, 0), ('c', 33, 0)]
    >>> [(s.name, s.amount) for s in split(100, {"a": 1, "b": 1, "c": 1}, "fund")]
    [('a', 33), ('b', 33), ('c', 33), ('fund', 1)]
    """
    values: Sequence[int] = list(weights.values())
    if total < 0 or not values or min(values) < 0 or not sum(values):
        raise PostingError(Finding("ledger.split", "split", f"{total} by {list(values)[:9]}", "weights above zero", Text(
            "分配总额不得为负，权重不得为负且不得全为零", "a split needs a total not below zero and weights not all zero")))  # fmt: skip
    floors = [total * weight // sum(values) for weight in values]
    if not remainder_to:
        parts = share_out(total, list(values))
        return [Share(n, part, part - low) for n, part, low in zip(weights, parts, floors, strict=True)]
    left = total - sum(floors)
    shares = [
        Share(name, low + (left if name == remainder_to else 0), left if name == remainder_to else 0)
        for name, low in zip(weights, floors, strict=True)
    ]
    return shares if remainder_to in weights else [*shares, Share(remainder_to, left, left)]
