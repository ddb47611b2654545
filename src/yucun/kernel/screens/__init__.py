"""Screens: cockpits as data, read with their refusals and resolved into numbers, marks and sentences.

Examples
--------
>>> from fractions import Fraction
>>> from yucun.kernel.screens.words import say_money
>>> say_money(Fraction("1.65")).zh
'一元六角五'
"""

from yucun.kernel.screens.define import gather_screens, read_screens
from yucun.kernel.screens.model import (
    Comparison,
    Piece,
    Screen,
    Sentence,
    Shown,
    ShownBars,
    ShownMark,
    ShownRow,
    ShownSection,
    ShownTable,
    ShownTile,
)
from yucun.kernel.screens.resolve import resolve
from yucun.kernel.screens.words import FORMS, say_money, say_number, say_ordinal

__all__ = [
    "FORMS",
    "Comparison",
    "Piece",
    "Screen",
    "Sentence",
    "Shown",
    "ShownBars",
    "ShownMark",
    "ShownRow",
    "ShownSection",
    "ShownTable",
    "ShownTile",
    "gather_screens",
    "read_screens",
    "resolve",
    "say_money",
    "say_number",
    "say_ordinal",
]
