"""A lake of one table over three made-up counties, for tests of the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from yucun.base.clock import SimulatedClock
from yucun.base.declaration import Declaration
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.books import Attachments, Books
from yucun.kernel.lake.contract import Contract, read_contracts
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.landing import Sent, land
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.store import ORGAN, Lake
from yucun.kernel.registry import Region, Regions

TODAY = date(2022, 5, 31)
CONTRACTS = """
[harvest]
title = { zh = "收成", en = "Harvest" }
owner = { zh = "农业局", en = "Farm bureau" }
key = ["region", "period"]
partition = "period"
freshness = { every = "year", due_days = 90 }
[harvest.example]
region = "990101"
period = "2021"
amount_fen = 100
[harvest.fields.region]
type = "region"
title = { zh = "地区", en = "region" }
level = "L1"
[harvest.fields.period]
type = "period"
title = { zh = "时期", en = "period" }
level = "L1"
[harvest.fields.amount_fen]
type = "integer"
unit = "fen"
written_in = "元"
range = [0, 1000000000000]
title = { zh = "金额", en = "amount" }
level = "L1"
[harvest.fields.note]
type = "text"
title = { zh = "说明", en = "note" }
level = "L1"
required = false
"""
COUNTIES = ("990101", "990102", "990103")


def make_regions() -> Regions:
    """A province, a city and three counties that do not exist."""
    rows = [("990000", "甲省", "Jia", "province", None), ("990100", "乙市", "Yi", "city", "990000")]
    rows += [
        (code, f"{name}县", f"{name} County", "county", "990100") for code, name in zip(COUNTIES, "丙丁戊", strict=True)
    ]
    return Regions(
        Region(RegionCode.parse(code), Text(zh, en), level, RegionCode.parse(up) if up else None)  # type: ignore[arg-type]
        for code, zh, en, level, up in rows
    )


def make_contracts(tmp_path: Path) -> dict[str, Contract]:
    """The one table ``farm.harvest`` and the lake's own."""
    path = tmp_path / "contracts.toml"
    path.write_text(CONTRACTS, encoding="utf-8")
    assert not Declaration.read(path).findings
    own, findings = read_contracts(path, "farm")
    import yucun.kernel.lake as lake  # noqa: PLC0415 - only its folder is meant

    lakes, more = read_contracts(Path(lake.__file__).parent / "contracts.toml", "lake")
    assert not [*findings, *more]
    return {contract.name: contract for contract in (*own, *lakes)}


@dataclass
class SmallLake:
    """A lake, its books and attachments, and the verbs that tests need."""

    lake: Lake
    books: Books
    attachments: Attachments
    regions: Regions
    clock: SimulatedClock

    @classmethod
    def make(cls, folder: Path, url: str = "") -> SmallLake:
        """Open or make one in a folder."""
        clock = SimulatedClock.on(TODAY, ticking=False)
        folder.mkdir(parents=True, exist_ok=True)
        books = Books.open(url or f"sqlite:///{folder}/books.sqlite", [ORGAN], clock)
        lake = Lake(folder / "lake", books, make_contracts(folder), Engine(threads=1))
        return cls(lake, books, Attachments(folder / "attachments"), make_regions(), clock)

    def send(
        self, text: str | bytes, *, is_correction: bool = False, name: str = "harvest.csv", **given: str
    ) -> Landing:
        """Send a file for the table."""
        content = text if isinstance(text, bytes) else text.encode()
        sent = Sent(content, name, "farm.harvest", "clerk", given, is_correction)
        return land(self.lake, self.attachments, self.regions, sent, self.clock.today())

    def rows(self, as_of: int | None = None) -> dict[tuple[str, str], int]:
        """What the table holds: (county, period) to fen."""
        table = self.lake.engine.run(self.lake.table("farm.harvest", as_of))
        keys = zip(table["region"].to_pylist(), table["period"].to_pylist(), strict=True)
        found = dict(zip(((code[:6], period) for code, period in keys), table["amount_fen"].to_pylist(), strict=True))
        assert len(found) == table.num_rows, "a key stands twice"
        return found


def write_csv(rows: dict[tuple[str, str], int]) -> str:
    """A file as an office would send it: yuan with two digits."""
    lines = [f"{region},{period},{fen // 100}.{fen % 100:02d}" for (region, period), fen in rows.items()]
    return "\n".join(["region,period,金额", *lines]) + "\n"
