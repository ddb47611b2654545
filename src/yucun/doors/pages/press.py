"""What the press says, claim by claim, beside our own number where it speaks of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.valued import downloads_of, record_address, region_name, show_field
from yucun.doors.pages.views import EMPTY, Column, Entry, Row, Section, Table
from yucun.doors.pages.visit import Visit
from yucun.kernel.lake.contract import Contract
from yucun.kernel.screens import ShownSection

# A service that keeps press figures calls the table so.
_TABLE = ".press"
_SHOWN = 8


def make_press(visit: Visit, section: ShownSection) -> Section | None:
    """A page of press figures; None when no service keeps any."""
    contracts = [c for name, c in sorted(visit.city.contracts.items()) if name.endswith(_TABLE)]
    tables = tuple(_make_table(visit, contract) for contract in contracts)
    return Section(section.title, section.shape, section.said, tables=tables) if tables else None


def _make_table(visit: Visit, contract: Contract) -> Table:
    catalogue = words()
    page = 1 + max(0, _page(visit) - 1)
    found = visit.city.rows(contract.name, reader=visit.reader, page=page, size=_SHOWN)
    columns = tuple(
        Column(catalogue[f"press.{key}"], is_number=key == "figure", is_long=key == "claim", is_short=key == "from")
        for key in ("system", "claim", "figure", "place", "from")
    )
    rows = tuple(_row(visit, contract, row) for row in found.rows.to_pylist())
    return Table(
        catalogue.fill("press.caption", n=found.total), columns, rows, found.total, name="press", first=found.start + 1,
        before=visit.link(press=page - 1) if page > 1 else "", after=visit.link(press=page + 1) if found.next else "",
        downloads=downloads_of(f"/api/tables/{contract.name}/rows"),
    )  # fmt: skip


def _page(visit: Visit) -> int:
    word = visit.get("press")
    return int(word) if word.isascii() and word.isdigit() and len(word) < 6 else 1


def _row(visit: Visit, contract: Contract, row: Mapping[str, Any]) -> Row:
    region = RegionCode.parse(str(row["region"]))
    return Row(
        (
            Entry(Text(str(row["title_zh"]), str(row["title_en"]))),
            Entry(Text(str(row["measure_zh"]), str(row["measure_en"]))),
            Entry(_figure(visit, contract, row) if row["value"] else EMPTY, evidence="press"),
            Entry(region_name(visit.city, region), f"/region/{region.short}"),
            Entry(words().fill("lake.record", n=row["_record"]), record_address(row["_file"], row["_record"])),
        )
    )


def _figure(visit: Visit, contract: Contract, row: Mapping[str, Any]) -> Text:
    """The figure exactly as printed, with its bound and unit."""
    bound = (
        show_field(visit.city, contract.get_field("bound"), row["bound"])
        if row["bound"] not in (None, "exactly")
        else EMPTY
    )
    unit = show_field(visit.city, contract.get_field("value_unit"), row["value_unit"]) if row["value_unit"] else EMPTY
    shown = _with_thousands(str(row["value"]))
    return Text(f"{bound.zh} {shown} {unit.zh}".strip(), f"{bound.en} {shown} {unit.en}".strip())


def _with_thousands(printed: str) -> str:
    """Thousands set apart, the decimals as printed.

    Examples
    --------
    >>> _with_thousands("300000000000"), _with_thousands("85.13"), _with_thousands("-1234.50")
    ('300,000,000,000', '85.13', '-1,234.50')
    """
    whole, point, decimals = printed.partition(".")
    return f"{int(whole):,}{point}{decimals}"
