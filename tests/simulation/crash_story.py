"""The story that is interrupted: a city opens, files land and are corrected, numbers are worked out and published."""

from __future__ import annotations

import random
from pathlib import Path

from tests.simulation.dying import Countdown
from tests.small_city import make_clerk, open_city
from tests.small_lake import COUNTIES, TODAY, write_csv
from yucun.base.clock import SimulatedClock
from yucun.city import ORGANS, City
from yucun.kernel.books import Attachments, Books
from yucun.kernel.lake.engine import Engine
from yucun.kernel.lake.store import REFUSED, Lake

TABLE = "farm.harvest"
FILES = 3
SEED = 20220531


def make_files(seed: int) -> list[tuple[str, bool]]:
    """Files to send, each with whether it is a correction; the second has a bad row."""
    chance = random.Random(seed)
    files = []
    for number in range(FILES):
        keys = [(chance.choice(COUNTIES), str(chance.randint(2017, 2020))) for _ in range(4)]
        rows = {key: chance.randint(0, 10**6) for key in keys}
        files.append((write_csv(rows) + ("990199,2020,1\n" if number == 1 else ""), number == FILES - 1))
    return files


def tell(folder: Path, url: str, seed: int) -> City:
    """Open what is there and go on: the last file may or may not have landed, so its sender sends it again."""
    city = open_city(folder, url)
    landed = sum(landing.by == "clerk" for landing in city.landings(TABLE))
    for number, (text, is_correction) in enumerate(make_files(seed)):
        if number >= landed - 1:
            city.load(text.encode(), f"{number}.csv", TABLE, reader=make_clerk(city), correct=is_correction)
    return city


def tell_and_die(folder: Path, url: str, seed: int, die_at: int) -> None:
    """Run in a process of its own; it does not come back unless the story is over before the step."""
    countdown = Countdown(die_at)
    countdown.watch()
    tell(folder, url, seed).close()
    (folder / "steps").write_text(str(countdown.taken))


def check_moment(folder: Path, url: str) -> None:
    """What must hold right after a crash, before anything is mended: chain, files, landings whole or absent."""
    data = folder / "city"
    if not (data / "lake").is_dir():
        return
    books = Books.open(url or f"sqlite:///{data}/books.sqlite", ORGANS, SimulatedClock.on(TODAY, ticking=False))
    lake = Lake(data / "lake", books, {}, Engine(threads=1))
    books.verify()
    assert lake.check_files() == []
    with books.read() as tx:
        landings = tx.rows("SELECT seq, landed, refused, file FROM lake_landing")
        added = dict(
            tx.rows("SELECT added_seq, sum(rows) FROM lake_file WHERE dataset = ? GROUP BY added_seq", (TABLE,))
        )
        refused = dict(
            tx.rows(
                "SELECT added_seq, sum(rows) FROM lake_file WHERE dataset = ? GROUP BY added_seq", (TABLE + REFUSED,)
            )
        )
    for seq, landed, count, file in landings:
        assert added.get(seq, 0) >= landed
        assert refused.get(seq, 0) == count
        assert Attachments(data / "attachments").get(file)
    books.close()


def snapshot(city: City) -> tuple[str, list[tuple[str, str, str, str]], int]:
    """State hash, every number in every version, and how many landings were published."""
    numbers = []
    for seq in range(city.last_seq() + 1):
        for name in city.indicators:
            question = city.numbers.ask(seq)
            sheet = city.numbers.sheet(name, question)
            numbers += [(f"{seq}", name, f"{key}", f"{cell.numerator}") for key, cell in sorted(sheet.cells.items())]
    published = city.lake.engine.run(city.lake.table("lake.landing")).num_rows
    return city.books.state_hash(), numbers, published
