"""A file as an office sends it with fifty refused records of three kinds, and what a clerk knows to be right."""

from __future__ import annotations

from dataclasses import dataclass

WRONG_PLACE, RIGHT_PLACE = "吴兴曲", "吴兴区"
WRONG_WORD, RIGHT_WORD = "已见", "见于公布来源"
TABLE, NAME = "prosperity.gdp", "各区县历年生产总值.csv"


@dataclass(frozen=True)
class Fifty:
    """The file, and for the records with a figure that cannot be read what it should be."""

    content: bytes
    figures: tuple[str, ...]


def make_fifty(since: int = 1981) -> Fifty:
    """Twenty records with one misspelt place, fifteen with one unknown word, fifteen with figures of their own; ten good ones."""
    rows = ["地区,时期,地区生产总值（亿元）,依据"]
    rows += [f"{WRONG_PLACE},{since + n},{100 + n}.5,见于公布来源" for n in range(20)]
    rows += [f"德清县,{since + n},{90 + n}.5,{WRONG_WORD}" for n in range(15)]
    figures = tuple(f"{70 + n}.5" for n in range(15))
    rows += [f"安吉县,{since + n},{figure.replace('.', '..')},见于公布来源" for n, figure in enumerate(figures)]
    rows += [f"长兴县,{since + n},{60 + n}.5,见于公布来源" for n in range(10)]
    return Fifty(("\n".join(rows) + "\n").encode(), figures)
