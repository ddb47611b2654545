"""Texts in both languages and units, as the API answers with them."""

from __future__ import annotations

import msgspec

from yucun.base.quantity import Unit
from yucun.base.text import Text


class Words(msgspec.Struct):
    """A text in both languages."""

    zh: str
    en: str


class UnitShape(msgspec.Struct):
    """A unit: how it is kept, how it is written, and how many kept ones make one that is written."""

    name: str
    title: Words
    per_shown: int


def words(text: Text) -> Words:
    """Both wordings."""
    return Words(text.zh, text.en)


def shape_unit(unit: Unit) -> UnitShape:
    """A unit."""
    return UnitShape(unit.name, words(unit.title), unit.per_shown)
