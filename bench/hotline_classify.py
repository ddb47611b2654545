"""Ten thousand messages are given a subject in under ten seconds, beside a linear model on character n-grams.

Made-up messages of the length of real ones (a subject of 20, a body of 350 characters), one after another words of
seven subjects; the peer is scikit-learn's TF-IDF with a linear support vector machine on the same texts.
"""

from __future__ import annotations

import random
import time
from importlib.metadata import version

from run import Figure, Measured, Program
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from yucun.services.hotline.commands import read_hints
from yucun.services.hotline.models import Message, fit_subjects

MESSAGES = 10_000
LABELLED = 300
SUBJECTS = 7


def measure() -> Measured:
    """Learn from 300 messages and judge 10,000, once each."""
    hints = read_hints()
    words = dict(list(hints.words.items())[:SUBJECTS])
    made = make_messages(words, LABELLED + MESSAGES)
    labelled, asked = made[:LABELLED], [m for m, _ in made[LABELLED:]]
    start = time.perf_counter()
    model = fit_subjects(labelled, hints)
    learned = time.perf_counter()
    model.apply(asked)
    ours = (learned - start, time.perf_counter() - learned)
    texts = [f"{m.subject}\n{m.body}" for m, _ in made]
    linear = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LinearSVC())
    start = time.perf_counter()
    linear.fit(texts[:LABELLED], [label for _, label in labelled])
    learned = time.perf_counter()
    linear.predict(texts[LABELLED:])
    peer = (learned - start, time.perf_counter() - learned)
    return Measured(
        ours=Program("yucun", version("yucun")),
        peer=Program("scikit-learn", version("scikit-learn")),
        figures=(
            Figure("learn from 300", "s", ours[0], peer[0]),
            Figure("judge 10,000", "s", ours[1], peer[1]),
        ),
        setting=f"{LABELLED} labelled and {MESSAGES:,} asked, subject of 20 and body of 350 characters, one process",
    )


def make_messages(words: dict[str, tuple[str, ...]], count: int) -> list[tuple[Message, str]]:
    """Messages of words of their subject among random characters, under a seed."""
    chance = random.Random(5)
    common = [chr(0x4E00 + n) for n in range(2500)]
    made = []
    for n in range(count):
        label = sorted(words)[n % len(words)]
        own = "".join(chance.choices(words[label], k=30))
        body = "".join(chance.choices(common, k=250)) + own
        made.append((Message(str(n), own[:20], body[:350]), label))
    return made


if __name__ == "__main__":
    print(measure())
