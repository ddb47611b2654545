"""The story of loads that are interrupted: loads in bulk, a correction, publication, compaction, cells after each."""

from __future__ import annotations

import os
import random
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.made_numbers import definition
from tests.simulation.dying import Countdown
from tests.small_lake import COUNTIES, SmallLake, write_csv
from yucun.kernel.indicators import (
    CELL_TABLE,
    Indicator,
    link_indicators,
    make_cell_contract,
    read_indicators,
    refresh,
)
from yucun.kernel.indicators.pinned import REFRESHED
from yucun.kernel.lake.bulk.compact import compact
from yucun.kernel.lake.bulk.load import BulkSent, load_bulk, sweep_jobs
from yucun.kernel.lake.bulk.model import Limits, Progress
from yucun.kernel.lake.publish import publish
from yucun.kernel.lake.store import REFUSED

TABLE = "farm.harvest"
CITY = "990100"
SEED = 20220531
CHILD = b"yucun.kernel.lake.bulk.child"
LIMITS = Limits(memory=1 << 30, threads=1, rows=15)
YEARS = ("2018", "2019", "2020")
_OF = 'of = { table = "harvest", field = "amount_fen" }'
_GATHERED = 'rows_of = "county"\n'
# One number whose rows count in the regions above, one that reads them again, and one worked out from cells.
NUMBERS = (
    definition("yield", f'{_GATHERED}kind = "total"\n{_OF}', levels='"county", "city"', periods='"year"')
    + definition(
        "p90", f'{_GATHERED}kind = "percentile"\npercent = 90\n{_OF}', levels='"county", "city"', periods='"year"'
    )
    + definition("plain", f'kind = "total"\n{_OF}', levels='"county"', periods='"year"')
)


def write_files(folder: Path) -> None:
    """Three files: many rows with faults of several kinds, some more, and corrections."""
    chance = random.Random(SEED)
    keys = [(county, year) for county in COUNTIES for year in YEARS]
    rows = {key: chance.randint(0, 10**6) for key in keys}
    first = write_csv({key: rows[key] for key in keys[:6]})
    bad = (
        "990199,2020,1\n990101,2031,1\n990103,2020,lots\n990103,2019,5\n990103,2019,6\n" + first.splitlines()[1] + "\n"
    )
    (folder / "first.csv").write_text(first + bad * 4, encoding="utf-8")
    (folder / "second.csv").write_text(write_csv({key: rows[key] for key in keys[6:]}), encoding="utf-8")
    meant = {key: chance.randint(0, 10**6) for key in keys[::4]}
    (folder / "meant.csv").write_text(write_csv(meant), encoding="utf-8")


def open_lake(folder: Path) -> SmallLake:
    """Open what is there, and mend nothing."""
    small = SmallLake.make(folder / "city")
    small.lake.contracts[CELL_TABLE] = make_cell_contract()
    return small


def read_numbers(small: SmallLake, folder: Path) -> dict[str, Indicator]:
    """The numbers over the table."""
    path = folder / "indicators.toml"
    path.write_text(NUMBERS, encoding="utf-8")
    found, findings = read_indicators(path, "farm", small.lake.contracts, {})
    linked, more = link_indicators(found, {})
    assert not [*findings, *more], [f"{f.where} {f.message.en}" for f in (*findings, *more)]
    return linked


def count(small: SmallLake, folder: Path) -> None:
    """Bring the cells up to date, reading only what moved, as is done with large tables."""
    import_module("yucun.kernel.indicators.refresh").FEW_ROWS = 0
    refresh(small.lake, read_numbers(small, folder), {}, small.regions)


def open_small(folder: Path) -> SmallLake:
    """Open what is there as a city does: what no line names is swept first."""
    small = open_lake(folder)
    with small.books.writing():
        small.lake.sweep()
        sweep_jobs(small.lake)
    return small


def send(
    small: SmallLake, folder: Path, name: str, *, is_correction: bool = False, in_child: bool = False, **more: Any
) -> None:
    """Load one of the files; the same one a second time does nothing."""
    sent = BulkSent(str(folder / name), TABLE, "clerk", {}, is_correction)
    load_bulk(small.lake, small.regions, sent, small.clock.today(), limits=LIMITS, in_child=in_child, **more)


def tell(folder: Path) -> SmallLake:
    """Do what is left of the story; every step says by itself whether it was done."""
    small = open_small(folder)
    count(small, folder)
    send(small, folder, "first.csv")
    count(small, folder)
    publish(small.lake)
    send(small, folder, "second.csv")
    count(small, folder)
    send(small, folder, "meant.csv", is_correction=True)
    compact(small.lake, [TABLE], most=1, in_child=False)
    count(small, folder)
    publish(small.lake)
    return small


def tell_and_die(folder: Path, die_at: int) -> None:
    """Run in a process of its own, from a restart on; it does not come back unless the story ends before the step."""
    countdown = Countdown(die_at)
    countdown.watch()
    os.link = countdown.around(os.link)
    os.rmdir = countdown.around(os.rmdir)
    tell(folder).books.close()
    (folder / "steps").write_text(str(countdown.taken))


def check_moment(folder: Path) -> None:
    """What must hold right after a crash, before anything is mended."""
    if not (folder / "city" / "lake").is_dir():
        return
    small = open_lake(folder)
    small.books.verify()
    assert small.lake.check_files() == []
    with small.books.read() as tx:
        landings = tx.rows("SELECT seq, landed, refused FROM lake_landing")
        for seq, landed, refused in landings:
            rows = tx.row("SELECT sum(rows) FROM lake_file WHERE dataset = ? AND added_seq = ?", (TABLE, seq))
            told = tx.row("SELECT sum(rows) FROM lake_file WHERE dataset = ? AND added_seq = ?", (TABLE + REFUSED, seq))
            assert rows is not None
            assert (rows[0] or 0) >= landed
            assert told is not None
            assert (told[0] or 0) == refused
    small.rows()
    check_cells(small)
    small.books.close()


def check_cells(small: SmallLake) -> None:
    """In every version the cells say what the rows of that version come to, added up here by hand."""
    with small.books.read() as tx:
        refreshed = [line.seq for line in tx.lines() if line.kind == REFRESHED]
    for seq in refreshed:
        rows = small.rows(seq)
        by_region: dict[tuple[str, str], list[int]] = {}
        for (county, year), fen in rows.items():
            by_region.setdefault((county, year), []).append(fen)
            by_region.setdefault((CITY, year), []).append(fen)
        for (name, region, year), (said, records) in cells_of(small, seq).items():
            fens = sorted(by_region[region, year])
            meant = fens[-(-len(fens) * 9 // 10) - 1] if name == "farm.p90" else sum(fens)
            assert (said, records) == (meant, len(fens)), (seq, name, region, year)
        wanted = {(n, r, y) for n in ("farm.yield", "farm.p90") for r, y in by_region} | {
            ("farm.plain", *k) for k in rows
        }
        assert set(cells_of(small, seq)) == wanted, seq


def cells_of(small: SmallLake, seq: int) -> dict[tuple[str, str, str], tuple[int, int]]:
    """The kept cells of a version: (number, region, period) to numerator and records; each stands once."""
    table = small.lake.engine.run(small.lake.table(CELL_TABLE, seq))
    names = ("indicator", "region", "period", "numerator", "records")
    found = {
        (name, region[:6], period): (numerator, records)
        for name, region, period, numerator, records in zip(*(table[n].to_pylist() for n in names), strict=True)
    }
    assert len(found) == table.num_rows, "a cell stands twice"
    return found


def snapshot(small: SmallLake) -> dict[str, Any]:
    """Rows after every line, refused records, what was counted and published, and the state of the books.

    When rows are counted is the scheduler's affair: a restart counts at once what had landed, also before or between
    the swaps of a compaction that was under way. So refreshes stand in a list of their own, each with the rows and
    cells of its version; between two of them no line moves a cell.
    """
    with small.books.read() as tx:
        lines = [line for line in tx.lines() if line.kind != "lake.published"]
    counted: list[tuple[dict[tuple[str, str], int], dict[tuple[str, str, str], tuple[int, int]]]] = []
    for line in lines:
        cells = cells_of(small, line.seq)
        if line.kind == REFRESHED:
            counted.append((small.rows(line.seq), cells))
        else:
            assert cells == (counted[-1][1] if counted else {}), f"{line.kind} at {line.seq} moved cells"
    others = [line for line in lines if line.kind != REFRESHED]
    refused = small.lake.engine.run(small.lake.table(TABLE + REFUSED)).sort_by(
        [("_file", "ascending"), ("_record", "ascending")]
    )
    table = small.lake.engine.run(small.lake.table(TABLE)).sort_by([("region", "ascending"), ("period", "ascending")])
    return {
        "kinds": [line.kind for line in others],
        "versions": [small.rows(line.seq) for line in others],
        "counted": counted,
        "rows": table.to_pylist(),
        "refused": refused.to_pylist(),
        "published": small.lake.engine.run(small.lake.table("lake.landing"))["landing"].to_pylist(),
        "files": sorted((f.part, f.rows) for f in small.lake.files(TABLE)),
    }


def kill_child(at: str) -> Any:
    """A progress callback that kills the working child when it tells of a phase, once.

    Only that child: the process of the tests has others, such as a database server.
    """
    done: list[int] = []

    def callback(progress: Progress) -> None:
        if progress.phase == at and not done:
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            done.extend(int(pid) for pid in children if CHILD in Path(f"/proc/{pid}/cmdline").read_bytes())
            assert done, "no child is at work"
            for pid in done:
                os.kill(pid, 9)

    return callback
