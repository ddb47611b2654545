"""Masking an Arrow table for a reader: open fields stay, the rest give way to the mark "refused" or a masked form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yucun.base.identity import RegionCode
from yucun.kernel.access.check import may_read, may_read_level, may_read_together
from yucun.kernel.access.levels import about_of
from yucun.kernel.access.model import (
    SENSITIVITIES,
    Allowed,
    Column,
    Decision,
    Reader,
    Refused,
    Sensitivity,
    Sheet,
    Within,
)

# Beside each field stands ``field__mark``: null where the value is shown, else one of these.
MARK_ENDING = "__mark"
REFUSED_MARK, MASKED_MARK = "refused", "masked"


@dataclass(frozen=True, slots=True)
class Masked:
    """A table as one reader may see it.

    Parameters
    ----------
    table : pyarrow.Table
        Each field of the contract that the table has, its ``field__mark``, and the lineage columns
        (``_file``, ``_record``) untouched; columns that the contract does not declare are left out.
    refused : mapping of str to Refused
        Fields refused in every row, with the reason.
    """

    table: pa.Table
    refused: Mapping[str, Refused]


def mask(table: pa.Table, contract: Sheet, reader: Reader, purpose: str, *, root: RegionCode, within: Within) -> Masked:
    """Replace what a reader may not see, row by row of the reader's regions, without a Python loop over rows.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of the contract's table; its region column must be there if the contract has one.
    purpose : str
        Name of the purpose under which the reader looks; empty for none.
    root : RegionCode
        The city: where the rows of a table without regions belong.
    within : callable
        Whether a region lies in one of others.
    """
    columns: dict[str, Any] = {}
    refused: dict[str, Refused] = {}
    apart = _kept_apart(contract, reader, purpose)
    for field in contract.fields:
        if field.name not in table.column_names:
            continue
        values = table[field.name]
        full: Decision = apart.get(field.name) or may_read(reader, contract, field, purpose)
        part = _may_read_masked(reader, contract, field, purpose)
        if isinstance(full, Refused) and (part is None or isinstance(part, Refused)):
            refused[field.name] = full
        shown = _rows_within(table, contract, full, root, within)
        masked = _rows_within(table, contract, part, root, within)
        columns[field.name] = _choose(values, shown, masked, field)
        columns[field.name + MARK_ENDING] = _marks(shown, masked)
    lineage = {name: table[name] for name in table.column_names if name.startswith("_")}
    return Masked(pa.table({**columns, **lineage}), refused)


def _kept_apart(contract: Sheet, reader: Reader, purpose: str) -> dict[str, Refused]:
    """Fields that give way since side by side with the others they would be above the reader's level.

    Where people are and how they fare gives way first, so that who they are stays readable.
    """
    shown = [f for f in contract.fields if isinstance(may_read(reader, contract, f, purpose), Allowed)]
    found: dict[str, Refused] = {}
    for field in [f for f in shown if about_of(f) in ("health", "place")]:
        decision = may_read_together(reader, contract, [f for f in shown if f.name not in found], purpose)
        if isinstance(decision, Refused):
            found[field.name] = decision
    return found


def can_filter(contract: Sheet, reader: Reader, purpose: str, name: str) -> Decision:
    """Say whether a reader may search, sort or group by a field; a masked form does not suffice.

    Where the answer names regions, only rows of those regions may be searched: else the search itself tells.
    """
    field = next(f for f in contract.fields if f.name == name)
    return _kept_apart(contract, reader, purpose).get(name) or may_read(reader, contract, field, purpose)


def _may_read_masked(reader: Reader, contract: Sheet, field: Column, purpose: str) -> Decision | None:
    """A masked form counts as one level below its field, and never below L2."""
    if not _kind(field) or field.level <= "L2":
        return None
    below: Sensitivity = SENSITIVITIES[SENSITIVITIES.index(field.level) - 1]
    return may_read_level(reader, contract, field, below, purpose)


def _kind(field: Column) -> str:
    """The masked form that a field declares; most declare none."""
    return str(getattr(field, "mask", ""))


def _rows_within(
    table: pa.Table, contract: Sheet, decision: Decision | None, root: RegionCode, within: Within
) -> pa.Array:
    """Which rows a decision holds for; regions are judged once each."""
    if decision is None or isinstance(decision, Refused):
        return _constant(False, table.num_rows)
    if decision.regions is None:
        return _constant(True, table.num_rows)
    if not contract.region_field or contract.region_field not in table.column_names:
        return _constant(within(root, decision.regions), table.num_rows)
    regions = table[contract.region_field].combine_chunks()
    known = [r for r in pc.unique(regions).to_pylist() if r is not None]
    inside = [r for r in known if within(RegionCode(r), decision.regions)]
    found = pc.is_in(regions, value_set=pa.array(inside, regions.type))
    if within(root, decision.regions):
        # Whoever reads the whole city reads also the rows that name no region.
        found = pc.or_(found, pc.is_null(regions))
    return found


def _constant(value: bool, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.bool_()), length)


def _choose(values: pa.ChunkedArray, shown: pa.Array, masked: pa.Array, field: Column) -> pa.ChunkedArray:
    nothing = pa.scalar(None, values.type)
    kind = _kind(field)
    if not kind:
        return pc.if_else(shown, values, nothing)
    return pc.if_else(shown, values, pc.if_else(masked, MASKS[kind](values), nothing))


def _marks(shown: pa.Array, masked: pa.Array) -> pa.Array:
    # A refused blank carries the mark too: that there is nothing is itself something to know.
    unsaid = pa.scalar(None, pa.string())
    return pc.if_else(shown, unsaid, pc.if_else(masked, pa.scalar(MASKED_MARK), pa.scalar(REFUSED_MARK)))


def _mask_name(values: Any) -> Any:
    """张三 → 张*: the first character and one star, however long the name."""
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, 1), "*", "")


def _mask_middle(head: int, tail: int, stars: int) -> Callable[[Any], Any]:
    """Keep ``head`` first and ``tail`` last characters; what is too short to hide anything is all stars."""

    def hide(values: Any) -> Any:
        starred = pc.binary_join_element_wise(
            pc.utf8_slice_codeunits(values, 0, head),
            pc.utf8_slice_codeunits(values, -tail, None) if tail else "",
            "*" * stars,
        )
        is_long = pc.greater_equal(pc.utf8_length(values), head + tail + stars)
        return pc.if_else(is_long, starred, pc.if_else(pc.is_null(values), pa.scalar(None, pa.string()), "*" * stars))

    return hide


# The kinds that a field of type text may declare as ``mask``.
MASKS: dict[str, Callable[[Any], Any]] = {
    "name": _mask_name,
    "phone": _mask_middle(3, 4, 4),
    "identity_card": _mask_middle(6, 4, 8),
    "bank_card": _mask_middle(0, 4, 4),
    "address": _mask_middle(6, 0, 3),
}
