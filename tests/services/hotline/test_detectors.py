"""Urgency and intent: emergencies bypass the queue and say why; talk about dangers does not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import yucun.services.hotline.detectors as detectors
from yucun.services.hotline.detectors import Phrases, judge_intent, judge_urgency

SAID = tomllib.loads(Path(str(detectors.__file__)).with_name("parameters.toml").read_text(encoding="utf-8"))
URGENCY = {
    kind: Phrases(tuple(v["phrases"]), tuple(v["unless"])) for kind, v in SAID["urgency"].items() if kind != "source"
}
INTENTS = {intent: words for intent, words in SAID["intent"].items() if intent != "source"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("快来，三楼着火了，还有人被困", "danger"),
        ("老人昏迷在家门口", "danger"),
        ("小区楼道堆物，存在火灾隐患", "general"),
        ("建议多做防火演练，避免火灾", "general"),
        ("从昨晚起停水到现在", "utilities"),
        ("请问公积金怎么提取", "general"),
    ],
)
def test_urgency(text: str, kind: str) -> None:
    found = judge_urgency(text, "", URGENCY)
    assert found.kind == kind
    assert found.bypasses_queue == (kind == "danger")
    assert bool(found.because) == (kind != "general")


@pytest.mark.parametrize(
    ("subject", "intent"),
    [
        ("咨询社保转移的问题", "consult"),
        ("投诉小区物业乱收费", "complaint"),
        ("建议增设公交站", "suggestion"),
        ("给民警写一封感谢信", "thanks"),
        ("恳请帮助解决出行", "help"),
        ("天气", ""),
    ],
)
def test_intent(subject: str, intent: str) -> None:
    assert judge_intent(subject, "", INTENTS) == intent
