"""Hot topics over real messages, against pairs judged by reading before anything was tuned, beside TF-IDF with DBSCAN.

The 300 pairs (ids only) were drawn by likeness of whole texts and of subject lines, exact copies left out, and judged
on the same matter at the same place, or on the same point of one policy. A campaign's text with another estate's name
is another topic. Both programs choose on the even pairs; odd pairs are told apart.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from sklearn.cluster import DBSCAN
from sklearn.feature_extraction.text import TfidfVectorizer

from yucun.services.hotline.commands import read_messages
from yucun.services.hotline.models import group_topics

PAIRS = Path(__file__).parents[1] / "services" / "hotline" / "judged_pairs.csv"
Pair = tuple[str, str, bool]


def score(topic: Mapping[str, int], pairs: Sequence[Pair]) -> float:
    """Pairwise F1."""
    found = [(topic[a] == topic[b], same) for a, b, same in pairs]
    hits = sum(together and same for together, same in found)
    return 2 * hits / max(1, sum(together for together, _ in found) + sum(same for _, same in found))


@pytest.mark.alone
@pytest.mark.data("hotline")
def test_topics_of_real_messages(data_folder: Path) -> None:
    with PAIRS.open(encoding="utf-8", newline="") as file:
        pairs = [(r["first"], r["second"], r["is_same_topic"] == "yes") for r in csv.DictReader(file)]
    messages = [m for m, _ in read_messages(data_folder / "hotline" / "messages_for_hot_topics.csv.gz", "")]
    assert len(messages) == 4326 and len(pairs) == 300
    topics = group_topics(messages)
    ours = {member: n for n, topic in enumerate(topics) for member in topic.members}
    rows = TfidfVectorizer(analyzer="char", ngram_range=(2, 2), sublinear_tf=True, min_df=2).fit_transform(
        f"{m.subject}\n{m.body}" for m in messages
    )
    tried = []
    for eps in (0.5, 0.6, 0.65, 0.7, 0.75, 0.8):
        found = DBSCAN(eps=eps, min_samples=2, metric="cosine").fit_predict(rows)
        tried.append({m.id: int(t) if t >= 0 else -2 - n for n, (m, t) in enumerate(zip(messages, found, strict=True))})
    peer = max(tried, key=lambda topic: score(topic, pairs[::2]))
    told = [(score(t, pairs), score(t, pairs[::2]), score(t, pairs[1::2])) for t in (ours, peer)]
    print("\n" + "; ".join(f"F1 all {a:.3f}, even {e:.3f}, odd {o:.3f}" for a, e, o in told), "(ours; DBSCAN)")
    assert told[0][0] > told[1][0]
    assert sorted(ours) == sorted({m.id for m in messages})
    for topic in topics:
        heat = topic.heat
        less = max(heat.copies, heat.messages - heat.writers)
        assert heat.value == pytest.approx((heat.messages - less / 2) * heat.freshness)
        assert heat.first is not None and heat.last is not None and heat.first <= heat.last
        assert heat.busiest is not None and heat.first <= heat.busiest[0] <= heat.last
