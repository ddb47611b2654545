"""Sentences made from numbers: a wording with places, and what stands in each of them with where it comes from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Language, Text
from yucun.kernel.indicators import Value
from yucun.kernel.indicators.model import Claim, Evidence

WORDS = Path(__file__).with_name("report.toml")
_PLACE = re.compile(r"\{([a-z_]+)\}")
SlotKind = Literal["value", "claim", "worked_out", "word"]


@dataclass(frozen=True, slots=True)
class Slot:
    """What stands in a place of a sentence.

    Parameters
    ----------
    kind : str
        ``value`` (a kept number), ``claim`` (as somebody else prints it), ``worked_out`` (from kept numbers, named by
        `what`), or ``word`` (a name or a period; no number of ours).
    indicator, region, period
        Which number; empty for a word.
    what : str
        For what is worked out: its name, such as ``index.rank``.
    file, record : str, int
        For a claim: the record that says so.
    """

    shown: Text
    kind: SlotKind
    indicator: str = ""
    region: RegionCode | None = None
    period: Period | None = None
    evidence: Evidence = "seen"
    what: str = ""
    file: str = ""
    record: int = 0

    @property
    def is_number(self) -> bool:
        """Whether it is a number that can be asked why."""
        return self.kind != "word"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a report.

    Examples
    --------
    >>> Sentence("x", Text("比为 {r}。", "It was {r}."), {"r": Slot(Text.same("1.65"), "value")}).of("en")
    'It was 1.65.'
    """

    name: str
    words: Text
    slots: Mapping[str, Slot] = field(default_factory=dict)

    def pieces(self, language: Language) -> Iterable[str | Slot]:
        """The sentence as runs of fixed words and slots, in reading order."""
        for number, part in enumerate(_PLACE.split(self.words.of(language))):
            if number % 2:
                yield self.slots[part]
            elif part:
                yield part

    def of(self, language: Language) -> str:
        """The sentence as it reads."""
        return "".join(p if isinstance(p, str) else p.shown.of(language) for p in self.pieces(language))

    @property
    def numbers(self) -> tuple[Slot, ...]:
        """Its numbers."""
        return tuple(slot for slot in self.slots.values() if slot.is_number)


def of_value(value: Value) -> Slot:
    """A kept number."""
    return Slot(
        Text.same(value.shown), "value", value.indicator, value.region, value.period, value.evidence
    )  # fmt: skip


def of_claim(claim: Claim, *, unsigned: bool = False) -> Slot:
    """A number as somebody else prints it; `unsigned` where the words already say which way."""
    shown = claim.printed.removeprefix("-") if unsigned else claim.printed
    return Slot(
        Text.same(shown), "claim", claim.indicator, claim.region, claim.period, claim.evidence,
        file=claim.file, record=claim.record,
    )  # fmt: skip


def worked_out(what: str, shown: object, region: RegionCode | None = None) -> Slot:
    """A number worked out from kept ones."""
    return Slot(Text.same(str(shown)), "worked_out", region=region, evidence="computed", what=what)


def word(text: Text) -> Slot:
    """A name or a period."""
    return Slot(text, "word")


@cache
def wordings() -> Mapping[str, Text]:
    """All wordings of `report.toml` by their full key.

    Examples
    --------
    >>> wordings()["section.feelings"].en
    'Four feelings'
    """
    found: dict[str, Text] = {}

    def visit(table: Mapping[str, Any], at: tuple[str, ...]) -> None:
        for key, value in table.items():
            if isinstance(value, dict) and {"zh", "en"} <= value.keys():
                found[".".join((*at, key))] = Text(str(value["zh"]), str(value["en"]))
            elif isinstance(value, dict):
                visit(value, (*at, key))

    visit(tomllib.loads(WORDS.read_text(encoding="utf-8")), ())
    return found


def say(name: str, **slots: Slot) -> Sentence:
    """Make a sentence from its wording; every place must be filled, and every slot must have its place."""
    words = wordings()[f"say.{name}"]
    places = set(_PLACE.findall(words.zh)) | set(_PLACE.findall(words.en))
    if places != set(slots):
        raise ValueError(f"say.{name}: places {sorted(places)}, filled {sorted(slots)}")
    return Sentence(name, words, slots)
