"""Kept cells as files: one for an indicator while it is small, one for each year beyond, ordered so that little is read.

Within a file cells stand by kind of period, level, region and period. So one value, the series of one region and one
period over a level each lie in a few neighbouring row groups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from yucun.kernel.indicators.model import ARROW_CELLS, CELL_COLUMNS, CELL_TABLE, Cell
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake, NewFile

# Up to so many cells an indicator is one file; with more it is one file for each year.
MOST_IN_ONE = 20_000
# So many cells are read at a time.
GROUP_ROWS = 2_048
_BETWEEN = "@"


def indicator_of(part: str) -> str:
    """Whose cells a part holds."""
    return part.partition(_BETWEEN)[0]


def year_of(part: str) -> str:
    """The year of a part's cells; empty where it holds all years."""
    return part.partition(_BETWEEN)[2]


def years_of(cells: pa.Table) -> pa.Array:
    """The year of each cell."""
    return pc.utf8_slice_codeunits(cells["period"], 0, 4)


def by_year(indicator: str, cells: pa.Table) -> dict[str, pa.Table]:
    """Cut cells into parts of a year."""
    years = years_of(cells)
    return {
        f"{indicator}{_BETWEEN}{year}": cells.filter(pc.equal(years, year))
        for year in sorted(pc.unique(years).to_pylist())
    }


def into_parts(indicator: str, cells: pa.Table) -> dict[str, pa.Table]:
    """Cut all cells of an indicator into the parts in which they are kept."""
    if not cells.num_rows:
        return {}
    return {indicator: cells} if cells.num_rows <= MOST_IN_ONE else by_year(indicator, cells)


def in_order(cells: pa.Table) -> pa.Table:
    """Order cells as they are kept: kind of period, level as the code's digits say, region, period."""
    kind = pc.utf8_length(cells["period"])
    digits = pc.utf8_length(pc.utf8_rtrim(cells["region"], characters="0"))
    level = pc.add(pc.add(_above(digits, 2), _above(digits, 4)), pc.add(_above(digits, 6), _above(digits, 9)))
    keys = pa.table({"kind": kind, "level": level, "region": cells["region"], "period": cells["period"]})
    return cells.take(pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]))


def _above(digits: pa.ChunkedArray, least: int) -> pa.ChunkedArray:
    return pc.cast(pc.greater(digits, least), pa.int8())


def write_part(lake: Lake, part: str, cells: pa.Table, label: str) -> NewFile:
    """Write one part, in row groups of `GROUP_ROWS`."""
    return lake.write_file(CELL_TABLE, part, cells, label, group_rows=GROUP_ROWS)


def read_cells(lake: Lake, file: LakeFile | NewFile) -> pa.Table:
    """Read a file of kept cells as it was written."""
    return pq.read_table(lake.folder / file.name, partitioning=None).cast(ARROW_CELLS)


def read_all(lake: Lake, files: Iterable[LakeFile | NewFile]) -> pa.Table:
    """Read several files of kept cells."""
    found = [read_cells(lake, file) for file in files]
    return pa.concat_tables(found) if found else ARROW_CELLS.empty_table()


def find_definition(lake: Lake, file: LakeFile) -> str:
    """The hash of the definition by which a part was worked out."""
    with pq.ParquetFile(lake.folder / file.name) as opened:
        if not opened.metadata.num_row_groups:
            return ""
        return str(opened.read_row_group(0, columns=["definition"])["definition"][0].as_py())


def without(cells: pa.Table, years: Collection[str] = (), periods: Collection[str] = ()) -> pa.Table:
    """Leave out the cells of some years or periods."""
    if years:
        cells = cells.filter(pc.invert(pc.is_in(years_of(cells), value_set=pa.array(sorted(years), pa.string()))))
    if periods:
        named = pa.array(sorted(periods), pa.string())
        cells = cells.filter(pc.invert(pc.is_in(cells["period"], value_set=named)))
    return cells


def index_cells(table: pa.Table) -> dict[tuple[str, str], Cell]:
    """Read cells into a mapping of (region, period); for a few thousand at most."""
    columns = [table[c].to_pylist() for c in CELL_COLUMNS]
    return {
        (region, period): Cell(top, bottom, measure, records, heads, heads_top, evidence, trouble or "")
        for region, period, top, bottom, measure, records, heads, heads_top, evidence, trouble in zip(
            *columns, strict=True
        )
    }


def files_by_indicator(files: Iterable[LakeFile]) -> Mapping[str, list[LakeFile]]:
    """Put the files of the cell table to the indicators whose cells they hold."""
    found: dict[str, list[LakeFile]] = {}
    for file in files:
        found.setdefault(indicator_of(file.part), []).append(file)
    return found
