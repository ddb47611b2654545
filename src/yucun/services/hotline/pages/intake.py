"""Judging a message before it becomes an event: subject, wish, urgency, place and office, each with how sure one is.

Pure given the words, the parameters, the map and a fitted model; without a model (or without scipy) word lists propose
and a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from yucun.base.identity import RegionCode
from yucun.kernel.registry.names import full_names, normalise, short_names
from yucun.kernel.registry.regions import Regions
from yucun.services.hotline.detectors import Phrases, judge_intent, judge_urgency

# What a caller says in so many words is enough to judge by.
_READ = 1500


class Subjects(Protocol):
    """A fitted classifier, as `models.SubjectModel` is."""

    def apply(self, messages: Sequence[Any]) -> Sequence[Any]:
        """Judge messages."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A classifier, what it learned from and how many messages that were."""

    model: Subjects
    source: str
    count: int


@dataclass(frozen=True, slots=True)
class PlaceBook:
    """Names of a city's regions as people write them, to be found in running text.

    Parameters
    ----------
    names : mapping of str to tuple of RegionCode
        What may be written, and which regions it may mean.
    above : mapping of RegionCode to tuple of RegionCode
        Regions above each, nearest first.
    """

    names: Mapping[str, tuple[RegionCode, ...]]
    above: Mapping[RegionCode, tuple[RegionCode, ...]]
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, regions: Regions, city: RegionCode, today: date) -> PlaceBook:
        """Gather the names of counties, towns and villages of one city on a day."""
        names: dict[str, list[RegionCode]] = {}
        above: dict[RegionCode, tuple[RegionCode, ...]] = {}
        for level in ("county", "town", "village"):
            for region in regions.at_level(level, city, today):
                above[region.code] = tuple(r.code for r in regions.ancestors(region.code, today))
                # A village without its ending is too often just a word.
                written = full_names(region) + (short_names(region) if level != "village" else [])
                for name in written:
                    if len(name) > 1 and not name.isascii():
                        names.setdefault(name, []).append(region.code)
        longest_first = sorted(names, key=lambda name: (-len(name), name))
        return cls(
            {name: tuple(dict.fromkeys(codes)) for name, codes in names.items()},
            above,
            re.compile("|".join(map(re.escape, longest_first)) or r"(?!)"),
        )

    def find(self, text: str) -> RegionCode | None:
        """The narrowest region that a text names and no other name in it contradicts; None when there is none.

        A name that several regions have is settled by the county or town that is named beside it.
        """
        found = [self.names[name] for name in dict.fromkeys(self.pattern.findall(normalise(text)))]
        certain = {codes[0] for codes in found if len(codes) == 1}
        candidates: list[RegionCode] = []
        for codes in found:
            fitting = [c for c in codes if len(codes) == 1 or any(a in certain for a in self.above[c])]
            if len(fitting) == 1:
                candidates.append(fitting[0])
        narrowest = sorted(candidates, key=lambda c: (-len(self.above[c]), c))
        for code in narrowest:
            chain = {code, *self.above[code]}
            if all(other in chain or code in (other, *self.above[other]) for other in candidates):
                return code
        # Two places are named; what lies above both is still certain.
        shared = [
            a for a in (self.above[narrowest[0]] if narrowest else ()) if all(a in self.above[c] for c in candidates)
        ]
        return next((a for a in shared if a.level in ("county", "town")), None)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges messages under one set of parameters.

    Parameters
    ----------
    values : mapping
        The hotline's parameters as the place has them.
    learned : Learned or None
        The classifier; None where there is none, or no scipy.
    """

    values: Mapping[str, Any]
    places: PlaceBook
    learned: Learned | None = None
    phrases: Mapping[str, Phrases] = field(init=False)

    def __post_init__(self) -> None:
        said = self.values["urgency"]
        kinds = {
            kind: Phrases(tuple(one["phrases"]), tuple(one.get("unless", ())))
            for kind, one in said.items()
            if isinstance(one, Mapping)
        }
        object.__setattr__(self, "phrases", kinds)

    def judge(self, text: str, address: str = "", *, service: str = "") -> dict[str, Any]:
        """Say what a message is about.

        Parameters
        ----------
        service : str
            A subject that the sender chose; it is taken as said, with full confidence.

        Returns
        -------
        dict
            Fields of the event ``hotline.arrived``, without those that nobody could tell.
        """
        urgency = judge_urgency("", text[:_READ], self.phrases)
        cues = {intent: words for intent, words in self.values["intent"].items() if isinstance(words, list)}
        region = self.places.find(f"{address}。{text[:_READ]}") if address else self.places.find(text[:_READ])
        found: dict[str, Any] = {
            "intent": judge_intent("", text[:_READ], cues),
            "urgency": urgency.kind,
            "because": "；".join(urgency.because),
            "region": str(region) if region else "",
            "office": self._find_office(text),
            **(self._judge_subject(text) if not service else _chosen(service)),
        }
        return {name: value for name, value in found.items() if value not in ("", None)}

    def _find_office(self, text: str) -> str:
        """An office that the words themselves name; empty when none does."""
        counts = {office: sum(text.count(w) for w in words) for office, words in self.values["office_words"].items()}
        best = max(counts, key=lambda office: counts[office], default="")
        return best if best and counts[best] else ""

    def _judge_subject(self, text: str) -> dict[str, Any]:
        if self.learned is not None:
            # The model ships with scipy, which a city may do without; then nothing is learned either.
            from yucun.services.hotline.models import Message  # noqa: PLC0415

            (judged,) = self.learned.model.apply([Message("", text[:60], text)])
            codes = [label for label, _ in judged.top]
            return {
                **dict(zip(("subject", "second", "third"), codes, strict=False)),
                "confidence_bp": round(10_000 * judged.confidence),
                "judged_by": f"model of {self.learned.count} messages",
                "learned_from": self.learned.source,
            }
        ranked = rank_by_words(text, self.values)
        named = dict(zip(("subject", "second", "third"), (subject for subject, _ in ranked), strict=False))
        return {**named, "judged_by": "word lists", "learned_from": "words"}


def _chosen(service: str) -> dict[str, Any]:
    return {"subject": service, "confidence_bp": 10_000, "judged_by": "chosen by the sender"}


def rank_by_words(text: str, values: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Subjects whose words a text holds, most first; a word counts by its length, once."""
    scores = {
        subject: sum(len(word) for word in values["words"].get(title, ()) if word in text)
        for subject, title in values["subject_title"].items()
    }
    return [(s, n) for s, n in sorted(scores.items(), key=lambda item: (-item[1], item[0])) if n][:3]


def learn(messages: Sequence[tuple[str, str, str]], values: Mapping[str, Any], source: str) -> Learned | None:
    """Fit the classifier on messages that were handled; None where there are too few, or no scipy.

    Parameters
    ----------
    messages : sequence of (str, str, str)
        Id, words, and the code of the subject under which it was accepted.
    """
    subjects = {subject for _, _, subject in messages}
    if len(messages) < 30 or len(subjects) < 2:
        return None
    try:
        from yucun.services.hotline.models import Hints, Message, fit_subjects  # noqa: PLC0415
    except ImportError:
        return None
    titles = values["subject_title"]
    hints = Hints(
        words={code: tuple(values["words"].get(title, ())) for code, title in titles.items()},
        offices={code: tuple(values["offices"].get(title, ())) for code, title in titles.items()},
    )
    told = [(Message(key, text[:60], text), subject) for key, text, subject in messages]
    return Learned(fit_subjects(told, hints), source, len(told))
