"""Folds of labelled messages in which near-duplicates never part, and how the tests of the classifier score."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from yucun.services.hotline.models import Message

ALIKE = 0.3


def cut(message: Message) -> frozenset[str]:
    """The triples of neighbouring characters of a message."""
    text = re.sub(r"[\W_]", "", message.subject + message.body)
    return frozenset(text[n : n + 3] for n in range(len(text) - 2))


def is_near(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether three in ten triples of the shorter stand in the longer."""
    return len(first & second) >= ALIKE * max(1, min(len(first), len(second)))


def group_near(messages: Sequence[Message]) -> NDArray[np.int64]:
    """A number for each message; near-duplicates and messages of one id share it."""
    cuts = [cut(m) for m in messages]
    number = list(range(len(messages)))
    for n, message in enumerate(messages):
        for k in range(n):
            if message.id == messages[k].id or is_near(cuts[n], cuts[k]):
                old, new = number[n], number[k]
                number = [new if x == old else x for x in number]
    return np.array(number)


def leave_out_known(messages: Sequence[Message], labelled: Sequence[Message]) -> list[bool]:
    """For each message, whether it is far from every labelled one, so that it can teach nothing of a test message."""
    ids, known = {m.id for m in labelled}, [cut(m) for m in labelled]
    return [m.id not in ids and not any(is_near(cut(m), k) for k in known) for m in messages]


def make_folds(
    labels: NDArray[np.str_], groups: NDArray[np.int64], repeats: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Five stratified folds for each of several shufflings."""
    return [
        fold
        for seed in range(repeats)
        for fold in StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)
    ]
