"""The nouns of reading: a sheet as it lies in a file, what its columns are for, and the rows that come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from yucun.base.errors import Finding

# Limits that keep one sent file from taking the machine; each is named in the finding that it makes.
LONGEST_LINE = 65_536
MOST_QUOTED_LINES = 100
MOST_COLUMNS = 2_000
MOST_CELLS = 5_000_000
LARGEST_UNPACKED = 256 << 20
HEAD_ROWS = 40
HEAD_LEVELS = 3

REFUSED_SCHEMA = pa.schema(
    [("_record", pa.int64()), ("_where", pa.string()), ("raw", pa.string()), ("findings", pa.string())]
)
LONGEST_RAW = 2000
# A column that reading may add beside a field: the written unit, and the sheet column when it varies by row.
UNIT_SUFFIX, COLUMN_SUFFIX = "__unit", "__column"
# Findings that reading made about a record that could still be put into columns; checking adds its own.
FINDINGS_COLUMN = "_findings"


def name_column(index: int) -> str:
    """Return a sheet's letter for a column counted from 0: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@dataclass(frozen=True, slots=True)
class Span:
    """Merged cells, rows and columns counted from 0, both ends inside."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def name(self) -> str:
        """As a spreadsheet writes it, e.g. ``A3:A5``."""
        return f"{name_column(self.left)}{self.top + 1}:{name_column(self.right)}{self.bottom + 1}"


@dataclass(slots=True)
class Body:
    """The rows below a head, as text.

    Parameters
    ----------
    cells : pa.Table
        String columns ``"0"``, ``"1"``, … as they stand in the file.
    ordinal, line : pa.Array
        int64: the record number counted from 1 below the head, and the row or line number in the file.
    problems : mapping of int to list of Finding
        By ordinal: what is wrong with a row that still has its columns.
    refused : list of (ordinal, line, raw, Finding)
        Rows that cannot be put into columns.
    padded : list of (ordinal, line, cells)
        Rows of another width whose missing or surplus cells are blank, until they join the others.
    count : int
        Records of a text, blank ones among them.
    """

    cells: pa.Table
    ordinal: pa.Array
    line: pa.Array
    problems: dict[int, list[Finding]] = field(default_factory=dict)
    refused: list[tuple[int, int, str, Finding]] = field(default_factory=list)
    padded: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class Grid:
    """A sheet of a workbook: sparse enough to be held, with what a spreadsheet knows beyond the text.

    Parameters
    ----------
    rows : list of list of str
        Every cell as text, blank as ``""``; all rows are equally long.
    merged : tuple of Span
        Merged cells.
    hidden_rows, hidden_columns : frozenset of int
        Counted from 0.
    shows_percent : bool
        True when cells shown as percent carry their sign; an old .xls does not say.
    """

    name: str
    rows: list[list[str]]
    merged: tuple[Span, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    shows_percent: bool = True


@dataclass(frozen=True, slots=True)
class Top:
    """The first rows of a sheet with merged cells filled in: where the head is looked for.

    Parameters
    ----------
    rows : tuple of tuple of str
        Cells as text.
    lines : tuple of int
        The row or line number of each in the file.
    sheet : str
        Name of the sheet; empty for a text file.
    knows_merges : bool
        True when merged cells were known, so that a blank head cell is really blank.
    """

    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    sheet: str
    knows_merges: bool

    def cell(self, row: int, column: int) -> str:
        """Name a cell for a finding: ``Sheet1!B3``, or ``line 3, column 2``."""
        if self.sheet:
            return f"{self.sheet}!{name_column(column)}{self.lines[row]}"
        return f"line {self.lines[row]}, column {column + 1}"

    def column(self, index: int) -> str:
        """Name a column: ``B``, or ``column 2``."""
        return name_column(index) if self.sheet else f"column {index + 1}"


@dataclass(frozen=True, slots=True)
class Use:
    """What one column is for.

    Parameters
    ----------
    index : int
        The column, counted from 0.
    field : str
        The contract's field that its cells go into.
    fixed : tuple of (str, str)
        Other fields that the head itself fills for this column: the code of a spread, or a period.
    unit : str
        The written unit that the head says; empty when it says none.
    strength : int
        How surely the head was understood; the stronger of two columns for one purpose wins.
    """

    index: int
    field: str
    fixed: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    strength: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How a sheet is laid out: where its head is and what its columns are for.

    Parameters
    ----------
    first, height : int
        The head's first row within `Top` and its number of rows.
    uses : tuple of Use
        One for each column that is read.
    left_out : tuple of int
        Columns that carry a head and are for nothing in this table.
    unit_column : int or None
        A column that says the unit row by row.
    period : str, period_from : str
        The period said by the title or the sheet's name, and which of them said it.
    unit_notes : tuple of str
        Units that a note above the head says, e.g. ``万元``.
    """

    first: int
    height: int
    uses: tuple[Use, ...]
    left_out: tuple[int, ...] = ()
    unit_column: int | None = None
    period: str = ""
    period_from: str = ""
    unit_notes: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The row within `Top` after the head."""
        return self.first + self.height


@dataclass(frozen=True, slots=True)
class Reading:
    """A file read under a contract: everything still text, everything with its provenance.

    Parameters
    ----------
    rows : pa.Table
        One string column for each field of the contract (null is blank or absent), ``_record`` (int64), ``_where``
        (``Sheet1!7`` or ``line 12``), ``_findings`` (JSON list or null); for each number with a unit also
        ``FIELD__unit``, the written unit or null; ``FIELD__column`` where the column varies by row.
    refused : pa.Table
        ``_record``, ``_where``, ``raw`` (the record as text, at most 2,000 characters) and ``findings`` (JSON list).
    columns : mapping of str to str
        Field to the column it was read from: ``"B"``, or ``"column 2"``.
    notes : tuple of Finding
        What was understood and left out.
    encoding, sheet : str
        How the text was encoded, or the kind of workbook; the sheets that were read, empty for a text file.
    """

    rows: pa.Table
    refused: pa.Table
    columns: Mapping[str, str]
    notes: tuple[Finding, ...]
    encoding: str
    sheet: str
