"""The nouns of checking: who knows the regions, and what a check gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import pyarrow as pa

from yucun.base.identity import RegionCode

# Beside a field of the rows being checked: its typed value, the kind of its finding, and a word for that finding.
VALUE, PROBLEM, MORE = "v__", "p__", "m__"
# Rows are counted from 0 while they are checked, so that a row of a wide sheet can be told from its neighbours.
ROW_COLUMN = "_row"


class RegionBook(Protocol):
    """Who can say which regions a word may mean."""

    def resolve(self, words: Sequence[str], on: date) -> dict[str, list[RegionCode]]:
        """Return the regions that each name or code may mean on a day: none, one or several."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows that keep their contract, and records that do not.

    Parameters
    ----------
    good : pa.Table
        The contract's fields with their types, and ``_record``.
    refused : pa.Table
        ``_record``, ``_where``, ``raw`` (its rows as JSON, at most 2,000 characters) and ``findings`` (JSON list).
    repeated : int
        Records of which every row is identical to a row of an earlier record; they are dropped.
    """

    good: pa.Table
    refused: pa.Table
    repeated: int
