"""Another city: the same journal lived again under other parameters or another version of a service, beside the first.

Its books and its lake lie in a folder of their own; files of the first lake are linked, never copied or changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from yucun.base.declaration import raise_findings
from yucun.kernel.books import Books, Organ
from yucun.kernel.engine.assemble import Work, assemble
from yucun.kernel.engine.compare import Difference, compare
from yucun.kernel.engine.load import load_acting
from yucun.kernel.engine.replay import Replayed, TurningClock, replay
from yucun.kernel.indicators import Numbers
from yucun.kernel.lake.publish import publish
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry.regions import Regions
from yucun.kernel.service import Service

MakeNumbers = Callable[[Lake], Numbers]


@dataclass(frozen=True, slots=True)
class First:
    """What a replay needs of the city that it replays."""

    books: Books
    lake: Lake
    regions: Regions
    organs: tuple[Organ, ...]
    work: Work
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Another:
    """The city that was lived again."""

    books: Books
    lake: Lake
    work: Work
    replayed: Replayed

    def close(self) -> None:
        """Close its books; its folder may then be removed."""
        self.books.close()


def live_again(
    first: First,
    folder: Path,
    services: Mapping[str, Service],
    *,
    values: Path | None = None,
    packs: Mapping[str, Mapping[str, Any]] | None = None,
    after: int = 0,
    until: int | None = None,
) -> Another:
    """Replay a city's journal into a fresh folder.

    Parameters
    ----------
    folder : Path
        Empty or not there; books and lake of the other city are made in it.
    services : mapping of str to Service
        Those that decide; of another folder, for another version.
    values : Path or None
        The place's parameter values.
    packs : mapping
        Whole parameter packs that stand in place of a service's own.
    after, until : int
        The journal's lines up to ``after`` stand; those up to ``until`` are decided again.
    """
    loaded = load_acting(services, values, packs)
    raise_findings(loaded.findings)
    clock = TurningClock.on(_first_day(first.books), ticking=False)
    (folder / "lake").mkdir(parents=True, exist_ok=True)
    books = Books.open(f"sqlite:///{folder / 'books.sqlite'}", first.organs, clock)
    lake = Lake(folder / "lake", books, first.lake.contracts, first.lake.engine)
    _link_files(first.lake.folder, lake.folder)
    work = assemble(books, lake, first.regions, loaded, clock, lake_of=first.lake)
    replayed = replay(first.books, work.engine, clock, after, until)
    publish(lake, work.publications)
    return Another(books, lake, work, replayed)


def differences(first: First, another: Another, make_numbers: MakeNumbers) -> Iterator[Difference]:
    """Yield every case, deadline, posting, record, event and number that differs between the two."""
    yield from compare(first.books, another.books)
    yield from _compare_numbers(first, another, make_numbers)


def _compare_numbers(first: First, another: Another, make_numbers: MakeNumbers) -> Iterator[Difference]:
    """Numbers that rest on published tables; the others cannot differ."""
    published = {one.table for one in another.work.publications}
    names = [n for n in first.numbers.indicators if published & set(first.numbers.links.tables_of(n))]
    if not names:
        return
    theirs = make_numbers(another.lake)
    theirs.refresh()
    for name in names:
        before = _amounts(first.numbers, name)
        after = _amounts(theirs, name)
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield Difference("number", f"{name} {key[0]} {key[1]}", "parts", before.get(key), after.get(key))


def _amounts(numbers: Numbers, name: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    cells = numbers.sheet(name, numbers.ask()).cells
    return {
        (str(region), str(period)): (cell.numerator, cell.denominator, cell.measure, cell.trouble)
        for (region, period), cell in cells.items()
    }


def _link_files(source: Path, target: Path) -> None:
    for path in source.rglob("*.parquet"):
        link = target / path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(path.resolve())


def _first_day(books: Books) -> date:
    with books.read() as tx:
        row = tx.row("SELECT at FROM journal ORDER BY seq LIMIT 1")
    return date.fromisoformat(row[0][:10]) if row else date(1970, 1, 1)
