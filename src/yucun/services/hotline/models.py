"""Learned models of the hotline: subject of a message with calibrated confidence, near-duplicates, hot topics.

All are pure given data, settings and nothing else: no clock, no chance, no download. Texts are seen as overlapping
pairs and triples of characters, so that no word list ages and a mistyped character spoils little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from yucun.services.hotline.detectors import find_places

Matrix = Any  # a sparse array of scipy, which ships without types
Numbers = NDArray[np.float64]
BODY_CHARACTERS = 1500
# Digits, letters of either case and Chinese characters are numbered from 1; all else is 0 and parts words. Fifteen
# bits hold a number, so three of them and the number of a text fit into one integer that sorts fast.
_BITS, _MOST_TEXTS = 15, 1 << 18
_NUMBER = np.zeros(65536, dtype=np.int64)
_NUMBER[ord("0") : ord("9") + 1] = np.arange(1, 11)
_NUMBER[ord("a") : ord("z") + 1] = _NUMBER[ord("A") : ord("Z") + 1] = np.arange(11, 37)
_NUMBER[0x3400:0x4DC0] = np.arange(37, 37 + 0x4DC0 - 0x3400)
_NUMBER[0x4E00:0xA000] = np.arange(7000, 7000 + 0xA000 - 0x4E00)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it was sent; ``day`` is when, ``user`` who, where that is known."""

    id: str
    subject: str
    body: str
    day: date | None = None
    user: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """A dispatch that came back as wrong: the message, the subject it was sent under, and the right one if it was said."""

    message: Message
    wrong: str
    right: str = ""


# ---- texts as numbers


def _read_grams(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs and triples of neighbouring characters: text number and gram number, in order of text."""
    joined = "\n".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.int64)
    owner = np.repeat(np.arange(len(texts)), [len(t) + 1 for t in texts])[: len(points)]
    points = np.where(points < 65536, _NUMBER[np.minimum(points, 65535)], 0)
    pair = (points[:-1] > 0) & (points[1:] > 0)
    triple = pair[:-1] & pair[1:]
    pairs = points[:-1] << _BITS | points[1:]
    triples = pairs[:-1] << _BITS | points[2:]
    owners = np.concatenate([owner[:-1][pair], owner[:-2][triple]])
    return owners, np.concatenate([pairs[pair], triples[triple]])


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The grams that occur in enough texts to tell something and not in so many that they tell nothing."""

    grams: NDArray[np.int64]
    weights: Numbers

    @classmethod
    def read(cls, texts: Sequence[str], least: int, most: float) -> Vocabulary:
        """Keep grams of at least ``least`` texts and at most a share ``most`` of them; the rarer, the heavier."""
        grams, counts = _count_owners(*_read_grams(texts))
        kept = (counts >= least) & (counts <= max(most * len(texts), least))
        return cls(grams[kept], np.log((1 + len(texts)) / (1 + counts[kept])) + 1)

    def weigh(self, texts: Sequence[str]) -> Matrix:
        """One row a text, of length one: repeated grams weigh by the logarithm of their count."""
        shape = (len(texts), len(self.grams))
        owners, grams = _read_grams(texts)
        if not len(self.grams) or not len(grams):
            return csr_array(shape)
        at = np.minimum(np.searchsorted(self.grams, grams), len(self.grams) - 1)
        known = self.grams[at] == grams
        cells, counts = np.unique(owners[known] * len(self.grams) + at[known], return_counts=True)
        rows, columns = np.divmod(cells, len(self.grams))
        values = (1 + np.log(counts)) * self.weights[columns]
        lengths = np.sqrt(np.bincount(rows, values**2, len(texts)))
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(texts)))])
        return csr_array((values / lengths[rows], columns, starts), shape=shape)


def _count_owners(owners: NDArray[np.int64], grams: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every gram once, and in how many texts it stands."""
    if len(owners) and owners.max() >= _MOST_TEXTS:
        raise ValueError(f"a vocabulary is read from at most {_MOST_TEXTS:,} texts")
    cells = np.sort(grams << 18 | owners)
    fresh = np.ones(len(cells), dtype=bool)
    fresh[1:] = cells[1:] != cells[:-1]
    return np.unique(cells[fresh] >> 18, return_counts=True)


def _put_side_by_side(vocabulary: Vocabulary, messages: Sequence[Message]) -> Matrix:
    """Subject and body, each of half the weight: a short subject says as much as a long body."""
    subject = vocabulary.weigh([m.subject for m in messages])
    body = vocabulary.weigh([m.body[:BODY_CHARACTERS] for m in messages])
    return csr_array(hstack([subject, body])) * np.sqrt(0.5)


# ---- subject


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of subjects besides labelled messages: words of each, and offices that answer for each.

    Parameters
    ----------
    titles : mapping of str to tuple of str
        Lines of the subject tree, by first level: the names of its second and third levels.
    words, offices : mapping of str to tuple of str
        Words by which citizens name it, and offices whose naming in a reply hints at it.
    """

    titles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    offices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find_office_subject(self, reply: str) -> str:
        """The subject whose offices a reply names at least twice as often as any other's; empty when none stands out."""
        counts = {s: sum(reply[:400].count(o) for o in offices) for s, offices in self.offices.items()}
        ordered = sorted(counts.items(), key=lambda item: -item[1])
        if not ordered or not ordered[0][1] or (len(ordered) > 1 and ordered[0][1] < 2 * ordered[1][1]):
            return ""
        return ordered[0][0]


@dataclass(frozen=True, slots=True)
class Settings:
    """What fitting chooses among, without ever seeing a message that it will be asked about."""

    shrinkage: tuple[float, ...] = (1.0, 3.0)
    hint_weights: tuple[tuple[float, float, float], ...] = ((0.2, 0.2, 0.2), (0.1, 0.1, 0.3))
    sure_enough: float = 0.9
    least_texts: int = 4
    most_texts: float = 0.3


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a message is about: best first, with the share of right answers to expect at such a score."""

    id: str
    top: tuple[tuple[str, float], ...]
    is_unsure: bool

    @property
    def label(self) -> str:
        """The likeliest subject, also when a person should decide."""
        return self.top[0][0]

    @property
    def confidence(self) -> float:
        """The expected share of right answers among messages judged like this one."""
        return self.top[0][1]


@dataclass(frozen=True, slots=True, eq=False)
class SubjectModel:
    """A fitted classifier: one weight a gram and subject, and how scores become confidence."""

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Numbers
    sharpness: float
    abstain_below: float
    left_out_accuracy: float

    def apply(self, messages: Sequence[Message]) -> list[Judgement]:
        """Judge messages; each on its own, so that the order and the company do not matter."""
        shares = _to_shares(_put_side_by_side(self.vocabulary, messages) @ self.weights, self.sharpness)
        order = np.argsort(-shares, axis=1, kind="stable")[:, :3]
        return [
            Judgement(
                message.id,
                tuple((self.labels[c], float(row[c])) for c in best),
                bool(row[best[0]] < self.abstain_below),
            )
            for message, row, best in zip(messages, shares, order, strict=True)
        ]


def fit_subjects(
    labelled: Sequence[tuple[Message, str]],
    hints: Hints | None = None,
    *,
    unlabelled: Sequence[Message] = (),
    replied: Sequence[tuple[Message, str]] = (),
    returns: Sequence[Return] = (),
    settings: Settings | None = None,
) -> SubjectModel:
    """Fit the classifier.

    A weighted ridge regression on characters in its dual form. Beside labelled messages it learns from the lines of
    the subject tree, from words and from replies that name an office, each at a fraction of a message's weight;
    every subject has the same total weight. Shrinkage, those fractions, the sharpness of the confidence and the
    threshold of abstention are chosen by leaving each labelled message out in turn (exact, without refitting).

    Parameters
    ----------
    labelled : sequence of (Message, str)
        At least two subjects.
    replied : sequence of (Message, str)
        Messages and the replies they got.
    returns : sequence of Return
        Wrong dispatches; a right subject counts as a label, without one the wrong one is only made less likely.

    Raises
    ------
    ValueError
        If fewer than two subjects are labelled.
    """
    hints, settings = hints or Hints(), settings or Settings()
    told = [*labelled, *((r.message, r.right) for r in returns if r.right)]
    labels = tuple(sorted({label for _, label in told}))
    if len(labels) < 2:
        raise ValueError("labelled messages of at least two subjects are needed")
    texts = [
        f"{m.subject}\n{m.body[:BODY_CHARACTERS]}"
        for m in [m for m, _ in told] + list(unlabelled) + [m for m, _ in replied]
    ]
    least = settings.least_texts if len(texts) > 1000 else 1
    vocabulary = Vocabulary.read(texts, least, settings.most_texts)
    lesson = _make_lesson(vocabulary, labels, told, hints, replied, returns)
    choices = [
        (shrinkage, lesson.weigh(weights)) for shrinkage, weights in product(settings.shrinkage, settings.hint_weights)
    ]
    tried = [lesson.leave_out(shrinkage, weights) for shrinkage, weights in choices]
    sharpness = [_find_sharpness(scores, lesson.truth) for scores, _ in tried]
    losses = [_loss(scores, lesson.truth, sharp) for (scores, _), sharp in zip(tried, sharpness, strict=True)]
    best = int(np.argmin(losses))
    scores, dual = tried[best]
    shares = _to_shares(scores, sharpness[best])
    is_right = shares.argmax(axis=1) == lesson.truth
    return SubjectModel(
        labels,
        vocabulary,
        np.asarray(lesson.rows.T @ dual),
        sharpness[best],
        _find_threshold(shares.max(axis=1), is_right, settings.sure_enough),
        float(is_right.mean()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """Rows to learn from: labelled first, then returned, replies, lines of the tree, words."""

    rows: Matrix
    gram: Numbers
    targets: Numbers
    kinds: NDArray[np.int64]  # 0 labelled, 1 reply, 2 line of the tree, 3 word, 4 returned without a right subject
    truth: NDArray[np.int64]

    def weigh(self, hint_weights: tuple[float, float, float]) -> Numbers:
        """Weight of each row, so that every subject has the same total."""
        weight = np.array([1.0, *hint_weights, 0.5])[self.kinds]
        share = self.targets == self.targets.max(axis=1, keepdims=True)
        total = (share * weight[:, None])[self.kinds != 4].sum(axis=0)
        scale = weight[self.kinds != 4].sum() / len(total) / total
        own: Numbers = np.where(self.kinds == 4, 1.0, scale[self.targets.argmax(axis=1)])
        return weight * own

    def leave_out(self, shrinkage: float, weights: Numbers) -> tuple[Numbers, Numbers]:
        """Scores of each labelled row by the model that did not see it, and the dual weights of the whole model."""
        factor, _ = dpotrf(self.gram + np.diag(shrinkage / weights), lower=True)
        lower, _ = dpotri(factor, lower=True)
        inverse = np.tril(lower) + np.tril(lower, -1).T
        dual = inverse @ self.targets
        count = len(self.truth)
        return self.targets[:count] - dual[:count] / np.diag(inverse)[:count, None], dual


def _make_lesson(
    vocabulary: Vocabulary,
    labels: tuple[str, ...],
    told: Sequence[tuple[Message, str]],
    hints: Hints,
    replied: Sequence[tuple[Message, str]],
    returns: Sequence[Return],
) -> _Lesson:
    number = {label: n for n, label in enumerate(labels)}
    hinted = [(m, hints.find_office_subject(reply)) for m, reply in replied]
    rows: list[tuple[Message, str, int]] = [(m, label, 0) for m, label in told]
    rows += [(m, label, 1) for m, label in hinted if label in number]
    for kind, phrases in ((2, hints.titles), (3, hints.words)):
        rows += [(Message("", p, p), s, kind) for s, ps in phrases.items() if s in number for p in ps]
    rows += [(r.message, r.wrong, 4) for r in returns if not r.right and r.wrong in number]
    matrix = _put_side_by_side(vocabulary, [m for m, _, _ in rows])
    at = np.array([number[label] for _, label, _ in rows])
    kinds = np.array([kind for _, _, kind in rows])
    targets = np.eye(len(labels))[at] - 1 / len(labels)
    targets[kinds == 4] /= 1 - len(labels)  # away from the wrong subject, evenly towards the others
    return _Lesson(matrix, (matrix @ matrix.T).toarray(), targets, kinds, at[: len(told)])


def _to_shares(scores: Numbers, sharpness: float) -> Numbers:
    powers = np.exp(sharpness * (scores - scores.max(axis=1, keepdims=True)))
    shares: Numbers = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _loss(scores: Numbers, truth: NDArray[np.int64], sharpness: float) -> float:
    return float(-np.log(_to_shares(scores, sharpness)[np.arange(len(truth)), truth] + 1e-12).mean())


def _find_sharpness(scores: Numbers, truth: NDArray[np.int64]) -> float:
    """The sharpness under which the left-out answers are least surprising."""
    tried = np.geomspace(1, 100, 40)
    return float(tried[int(np.argmin([_loss(scores, truth, s) for s in tried]))])


def _find_threshold(confidence: Numbers, is_right: NDArray[np.bool_], wanted: float) -> float:
    """The lowest confidence from which on the share of right answers is as wanted; over 1 when it never is."""
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share >= wanted)
    return float(confidence[order[enough[-1]]]) if len(enough) else 1.01


# ---- near-duplicates and hot topics


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """When messages are one topic: average likeness, what a shared place adds, the factor of different places, fading."""

    likeness: float = 0.16
    same_place: float = 0.20
    other_place: float = 0.7
    duplicate: float = 0.80
    half_life_days: float = 30.0


@dataclass(frozen=True, slots=True)
class Heat:
    """Why a topic is hot: every part of the product is shown.

    ``value`` = messages (each writer's second and later ones, and copies, at half) × freshness. Freshness halves with
    each half-life between the last message and the day that is asked about.
    """

    value: float
    messages: int
    writers: int
    copies: int
    first: date | None
    last: date | None
    freshness: float
    busiest: tuple[date, int] | None


@dataclass(frozen=True, slots=True)
class Topic:
    """Messages about one matter at one place: members, the words and places that hold them together, heat."""

    members: tuple[str, ...]
    title: str
    words: tuple[str, ...]
    places: tuple[str, ...]
    likeness: float
    heat: Heat


def group_topics(
    messages: Sequence[Message], today: date | None = None, settings: TopicSettings | None = None
) -> list[Topic]:
    """Group messages into topics, hottest first; a message alone is a topic of one.

    Average linkage on likeness: cosine of the character pairs and triples of whole texts, plus a bonus for a shared
    narrow place (road, community, site), times a factor below one where both name such places and share none.
    """
    settings = settings or TopicSettings()
    if not messages:
        return []
    texts = [f"{m.subject}\n{m.body[:BODY_CHARACTERS]}" for m in messages]
    vocabulary = Vocabulary.read(texts, 2 if len(texts) > 1 else 1, 0.3 if len(texts) > 100 else 1.0)
    rows = vocabulary.weigh(texts)
    places = [frozenset(_ENDING.sub("", p.name) for p in find_places(t[:400]) if p.level in _NARROW) for t in texts]
    groups = _link(rows, places, settings)
    day = today or max((m.day for m in messages if m.day), default=None)
    topics = [_describe(group, messages, rows, places, day, settings) for group in groups]
    return sorted(topics, key=lambda t: (-t.heat.value, t.members))


_NARROW = {"community", "road", "site"}
_ENDING = re.compile("(?<=..)(?:小区|社区)$")


def _liken(
    rows: Matrix, places: Sequence[frozenset[str]], members: NDArray[np.int64], settings: TopicSettings
) -> Numbers:
    part = rows[members]
    alike = (part @ part.T).toarray()
    names = {name: n for n, name in enumerate(sorted(set().union(*(places[m] for m in members))))}
    named = np.zeros((len(members), max(len(names), 1)))
    for row, member in enumerate(members):
        named[row, [names[name] for name in places[member]]] = 1
    shared = named @ named.T > 0
    has: NDArray[np.bool_] = np.asarray(named.sum(axis=1) > 0)
    both = has[:, None] & has[None, :]
    likeness: Numbers = alike * np.where(both & ~shared, settings.other_place, 1) + settings.same_place * shared
    return likeness


def _link(rows: Matrix, places: Sequence[frozenset[str]], settings: TopicSettings) -> list[list[int]]:
    """Average linkage inside each connected part of the graph of likely pairs: the same answer as over all, sooner."""
    names = {name: n for n, name in enumerate(sorted(set().union(*places)))}
    naming = [(row, names[name]) for row, own in enumerate(places) for name in sorted(own)]
    at, of = zip(*naming, strict=True) if naming else ((), ())
    named = csr_array((np.ones(len(naming)), (at, of)), shape=(len(places), max(len(names), 1)))
    blocks = []
    for start in range(0, rows.shape[0], 2000):
        block = (rows[start : start + 2000] @ rows.T).tocoo()
        shared = (named[start : start + 2000] @ named.T).tocoo()
        near = block.data >= settings.likeness
        blocks.append((block.row[near] + start, block.col[near]))
        blocks.append((shared.row + start, shared.col))
    first, second = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    count, part = connected_components(csr_array((np.ones(len(first)), (first, second)), shape=(rows.shape[0],) * 2))
    groups: list[list[int]] = []
    for members in np.split(np.argsort(part, kind="stable"), np.cumsum(np.bincount(part, minlength=count))[:-1]):
        if len(members) == 1:
            groups.append([int(members[0])])
            continue
        distance = np.clip(1 - _liken(rows, places, members, settings), 0, None)
        np.fill_diagonal(distance, 0)
        tree = linkage(squareform(distance, checks=False), "average")
        label = fcluster(tree, 1 - settings.likeness, "distance")
        groups += [[int(m) for m in members[label == n]] for n in np.unique(label)]
    return groups


def find_duplicates(messages: Sequence[Message], settings: TopicSettings | None = None) -> list[tuple[str, str, float]]:
    """Pairs that say the same in nearly the same words: ids in order of arrival, and their likeness."""
    settings = settings or TopicSettings()
    rows = Vocabulary.read([f"{m.subject}\n{m.body}" for m in messages], 1, 1.0).weigh(
        [m.body or m.subject for m in messages]
    )
    alike = (rows @ rows.T).tocoo()
    found = (alike.data >= settings.duplicate) & (alike.row < alike.col)
    pairs = sorted(zip(alike.row[found], alike.col[found], alike.data[found], strict=True))
    return [(messages[a].id, messages[b].id, round(float(v), 4)) for a, b, v in pairs]


def _describe(
    group: Sequence[int],
    messages: Sequence[Message],
    rows: Matrix,
    places: Sequence[frozenset[str]],
    today: date | None,
    settings: TopicSettings,
) -> Topic:
    part = rows[np.asarray(group)]
    alike = (part @ part.T).toarray()
    size = len(group)
    centre = int(alike.sum(axis=1).argmax())
    own = [messages[n] for n in group]
    days = Counter(m.day for m in own if m.day)
    copies = int((np.tril(alike, -1) >= settings.duplicate).any(axis=1).sum())
    writers = len({m.user or m.id for m in own})
    fade = (today - max(days)).days / settings.half_life_days if today and days else 0.0
    freshness = 0.5 ** max(fade, 0.0)
    less = max(copies, size - writers)
    busiest = max(days.items(), key=lambda item: (item[1], item[0])) if days else None
    named = Counter(name for n in group for name in places[n])
    heat = Heat(
        (size - less / 2) * freshness, size, writers, copies, min(days, default=None), max(days, default=None), freshness, busiest
    )  # fmt: skip
    return Topic(
        tuple(m.id for m in own),
        own[centre].subject,
        _find_shared_words([m.subject for m in own]),
        tuple(name for name, _ in named.most_common(3)),
        float((alike.sum() - size) / (size * (size - 1))) if size > 1 else 1.0,
        heat,
    )


def _find_shared_words(subjects: Sequence[str]) -> tuple[str, ...]:
    """The longest strings of two to six characters that at least half of the subjects share."""
    counts = Counter(
        s
        for subject in subjects
        for s in {subject[a : a + n] for n in range(2, 7) for a in range(len(subject) - n + 1)}
    )
    often = [s for s, n in counts.items() if 2 * n >= len(subjects) and s.isalnum()]
    kept: list[str] = []
    for s in sorted(often, key=lambda s: (-len(s) * counts[s], s)):
        if len(kept) < 4 and not any(set(s) & set(k) for k in kept):
            kept.append(s)
    return tuple(kept)
