"""View models of the data desk: rows to correct, landings that wait, suppliers and how they stand, notices."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.base.text import Text
from yucun.doors.pages.views import EMPTY, Crumb, Download, Notice, Opening, Option, Table


@dataclass(frozen=True, slots=True)
class EditCell:
    """One cell that can be edited: what was written, what stands there now, and the sentences that refused it."""

    name: str
    field: str
    was: str
    now: str
    said: Text = EMPTY
    is_wrong: bool = False

    @property
    def is_changed(self) -> bool:
        """True when the clerk has written something else."""
        return self.was != self.now


@dataclass(frozen=True, slots=True)
class EditRow:
    """One row of a refused record; ``settled`` says what became of it, and then it is not edited any more."""

    key: str
    record: int
    where: Text
    href: str
    cells: tuple[EditCell, ...]
    said: Text
    raw: str = ""
    is_aside: bool = False
    settled: Text = EMPTY
    settled_href: str = ""


@dataclass(frozen=True, slots=True)
class EditColumn:
    """A field: its title, its unit, and the words that may stand in it."""

    field: str
    title: Text
    unit: Text
    words: tuple[Text, ...] = ()
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class CorrectPage:
    """Refused records of one file as a grid to correct.

    Parameters
    ----------
    kinds : tuple of Option
        Kinds of faults, by which rows are filtered.
    needs_replace : bool
        True when rows were refused because the table holds other values: then sending replaces them, or nothing.
    """

    opening: Opening
    trail: tuple[Crumb, ...]
    address: str
    columns: tuple[EditColumn, ...]
    rows: tuple[EditRow, ...]
    kinds: tuple[Option, ...]
    total: int
    first: int
    before: str
    after: str
    changed: int
    may_replace: bool
    needs_replace: bool
    downloads: tuple[Download, ...]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """The files with refused records that wait for correction."""

    opening: Opening
    trail: tuple[Crumb, ...]
    table: Table
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class SupplierPage:
    """One supplier over a period: every number with the files, notices and corrections that make it."""

    opening: Opening
    trail: tuple[Crumb, ...]
    facts: tuple[tuple[Text, Text], ...]
    since: str
    until: str
    feeds: Table
    late: Table
    landings: Table
    waiting: Table
    notices: Table


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One feed: what is agreed, how it stands, what arrived, what its supplier was told."""

    opening: Opening
    trail: tuple[Crumb, ...]
    facts: tuple[tuple[Text, Text], ...]
    runs: Table
    notices: Table


@dataclass(frozen=True, slots=True)
class NoticePage:
    """One notice as it was sent."""

    opening: Opening
    trail: tuple[Crumb, ...]
    facts: tuple[tuple[Text, Text], ...]
    text: Text
