"""What others print for our numbers, and targets: read from the tables that the definitions name, kept as printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.indicators.check import in_shown_unit
from yucun.kernel.indicators.model import EVIDENCE, Claim, Indicator
from yucun.kernel.lake.contract import FILE_COLUMN, RECORD_COLUMN, Contract
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake

Printed = tuple[Claim, str]
_MOST_KEPT = 32


class ClaimBook:
    """Reads tables of printed numbers, one version at a time."""

    def __init__(self, lake: Lake, indicators: Mapping[str, Indicator]) -> None:
        self.lake = lake
        self.indicators = indicators
        self._kept: dict[tuple[str, ...], dict[str, list[Printed]]] = {}

    def of(self, indicator: Indicator, table: str, files: Sequence[LakeFile]) -> list[Printed]:
        """Return what some files of a table print about an indicator, by period, with the printed unit's code."""
        if not files:
            return []
        key = (table, *(f.name for f in files))
        if key not in self._kept:
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            rows = self.lake.engine.run(self.lake.read(files, self.lake.schema(table))).to_pylist()
            self._kept[key] = self._read(table, rows)
        return self._kept[key].get(indicator.id, [])

    def _read(self, table: str, rows: list[dict[str, Any]]) -> dict[str, list[Printed]]:
        contract = self.lake.contracts[table]
        found: dict[str, list[Printed]] = {}
        for row in rows:
            indicator = self.indicators.get(row["indicator"])
            if indicator is not None:
                found.setdefault(indicator.id, []).append((_to_claim(contract, indicator, row), row["value_unit"]))
        for claims in found.values():
            claims.sort(key=lambda c: (c[0].period.end, c[0].region, c[0].source))
        return found


def _to_claim(contract: Contract, indicator: Indicator, row: Mapping[str, Any]) -> Claim:
    number = in_shown_unit(row["value"], row["value_unit"], indicator)
    evidence = row.get("evidence") or "seen"
    return Claim(
        indicator=indicator.id,
        region=RegionCode(row["region"]),
        period=Period.parse(row["period"]),
        bound=row["bound"] or "",
        printed=row["value"],
        unit=_code_title(contract, "value_unit", row["value_unit"]),
        number=float(number if number is not None else Fraction(row["value"])),
        source=row["source"] or "",
        evidence=evidence if evidence in EVIDENCE else "unverified",
        table=contract.name,
        file=row[FILE_COLUMN],
        record=row[RECORD_COLUMN],
        bound_title=_code_title(contract, "bound", row["bound"]),
    )


def _code_title(contract: Contract, field: str, code: str | None) -> Text:
    codes = contract.get_field(field).codes or {}
    return codes.get(code or "", Text.same(code or ""))
